"""How a named update rule is made: its regimes by name, the first one its own, and what it may be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derive.methods.compressors import Compressor, Identity
from derive.methods.distributed import Method
from derive.methods.noise import NoNoise
from derive.methods.rules.regime import BALLISTIC as BALLISTIC
from derive.methods.rules.regime import BATCH as BATCH
from derive.methods.rules.regime import FIXED, Regime, chosen
from derive.methods.schedules import Constant, Schedule
from derive.vocabulary.registry import Parameter


def fraction(name: str) -> Parameter:
    """A parameter strictly between 0 and 1; without a value it is the symbol of its name."""
    return Parameter(name, "a number in (0, 1)", lambda x: 0 < x < 1, None)


def size(name: str) -> Parameter:
    """A parameter > 0; without a value it is the symbol of its name."""
    return Parameter(name, "a number > 0", lambda x: x > 0, None)


def regime(name: str, time: str = "eta", **substitutions: str) -> Regime:
    """A regime by its substitutions."""
    return Regime(name, time, tuple(substitutions.items()))


def fixed(**substitutions: str) -> Regime:
    """The regime in which the memory forgets within O(1) steps."""
    return Regime(FIXED, "eta", tuple(substitutions.items()))


def named(
    name: str,
    update: Sequence[str],
    regimes: Sequence[Regime],
    *,
    memory: Mapping[str, int] | None = None,
    fractions: Sequence[str] = (),
    constants: Mapping[str, Any] | None = None,
    noise: Any = None,
    clients: Any = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
    asked: str | Regime | Mapping[str, str] | None = None,
) -> Method:
    """The method.

    Args:
        regimes: those that it has; the first one where none is asked for.
        asked: the name of one, or a regime of the user's own.
        constants: values by name; None where a parameter stays a symbol.

    Raises:
        BadInput: a regime that it does not have.
    """
    found = chosen(name, regimes, asked)
    return Method(
        compressor or Identity(), NoNoise() if noise is None else noise, clients, schedule or Constant(), name, memory or {},
        tuple(update), found, constants={n: v for n, v in (constants or {}).items() if v is not None}, fractions=tuple(fractions),
    )  # fmt: skip
