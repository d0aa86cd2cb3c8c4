"""Regimes: how the constants of an update rule depend on the time that one step stands for.

The same rule has different SDEs in different regimes (Malladi et al. 2022, arXiv 2205.10287, beside the ballistic scaling of the
literature on momentum). Nothing here is a property of a rule alone; each derivation names its regime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, final

import sympy as sp

from sdescent.derive.methods.rules.language import check_parameter
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.expressions import read_formula
from sdescent.derive.vocabulary.symbols import SHARED, eta, parameter

#: the multiplier of the noise in a regime's substitutions
NOISE = "noise"
#: the name of the regime in which the memory forgets within O(1) steps and is averaged out
FIXED = "fixed"
#: the other regimes that the literature uses (Malladi et al. 2022 for the second): sqrt(eta) times the noise vanishes, or stays
BALLISTIC, BATCH = "ballistic", "batch-equivalent"


@final
@dataclass(frozen=True)
class Regime:
    """Substitution rules for constants, and the time of a step.

    Args:
        name: as it is shown and asked for.
        time: the time of a step, c eta^p (dimensionless).
        substitutions: (name, formula) in eta and any new constants: a parameter of the rule or a symbol of the noise; "noise", a
            factor of the noise's scale (the scale that the noise is given with is what stays as eta changes); or a memory letter,
            whose formula is a factor times the letter (its rescaled value).

    Raises:
        BadInput: a formula that is not read, or a time that is not a multiple of a power of eta.
    """

    name: str
    time: str = "eta"
    substitutions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _ = self.power, self.rules

    @property
    def rules(self) -> dict[str, sp.Expr]:
        """name -> expression in eta and constants."""
        return {name: _formula(text, f"regime {name}", name) for name, text in self.substitutions}

    @property
    def tau(self) -> sp.Expr:
        """The time of a step."""
        return _formula(self.time, "time", "")

    @property
    def names(self) -> set[str]:
        """Names of the symbols in the formulas and in the time."""
        return {s.name for e in (*self.rules.values(), self.tau) for s in e.free_symbols}  # pyright: ignore[reportAttributeAccessIssue]

    @cached_property
    def power(self) -> tuple[sp.Expr, sp.Rational]:
        """(c, p) with tau = c eta^p, p > 0."""
        tau = self.tau
        c, power = tau.as_independent(eta, as_Add=False)
        base, p = power.as_base_exp()
        if base != eta or not (p.is_Rational and p.is_positive) or not c.is_positive:
            raise BadInput("time", self.time, "a multiple of a power of eta, such as eta, eta^2 or sqrt(eta)")
        if not (2 / p).is_Integer:
            raise BadInput("time", self.time, "a power p with 2/p a whole number: sqrt(eta), eta, eta^2")
        return c, sp.Rational(p)

    @property
    def text(self) -> str:
        """The substitutions as they are written, for reports: `beta = 1 - rho*eta`."""
        return "; ".join(f"{name} = {formula}" for name, formula in self.substitutions)

    def as_given(self) -> str:
        """The name, or for a regime of the user's own the substitutions."""
        return self.name or self.text or "beta and all else constant"


def chosen(method: str, regimes: Sequence[Regime], regime: Any) -> Regime:
    """The regime of this name, or one of the user's own; by default the first.

    Raises:
        BadInput: a name that the method does not have.
    """
    if not isinstance(regime, str):
        return regimes[0] if regime is None else regime_of(regime)
    by_name = {r.name: r for r in regimes}
    if regime not in by_name:
        raise unknown_name("regime", regime, by_name, f"a regime of {method}: " + ", ".join(by_name))
    return by_name[regime]


def regime_of(substitutions: Mapping[str, Any] | Regime | None, time: str = "eta") -> Regime:
    """A regime from a table of substitutions; without one, everything is constant and the memory is averaged out."""
    if isinstance(substitutions, Regime):
        return substitutions
    if substitutions is None:
        return Regime(FIXED, time)
    if not isinstance(substitutions, Mapping) or not all(isinstance(v, str) for v in substitutions.values()):
        raise BadInput("regime", substitutions, 'a table of substitutions such as {beta = "1 - rho*eta"}')
    return Regime("", time, tuple(substitutions.items()))


def _formula(text: object, field: str, rescaled: str) -> sp.Expr:
    if not isinstance(text, str):
        raise BadInput("regime", text, 'a formula in quotes, such as "1 - rho*eta"')
    return _read(text, field, rescaled)


@lru_cache(512)  # every experiment of a sweep reads the same few formulas
def _read(text: str, field: str, rescaled: str) -> sp.Expr:
    def letter(name: str, field: str) -> sp.Expr:
        if name not in ("eta", "N", rescaled):
            check_parameter(name, field)
        return SHARED.get(name, parameter(name))

    return sp.powsimp(read_formula(text, letter, field))
