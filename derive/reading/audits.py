"""Audit files: a method, and an SDE that somebody states for it, read from TOML without evaluating anything.

The keys of a problem, of which those that concern the method, the loss and the dimension are used, and a table [claimed].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from derive.formulas.text import written
from derive.reading.numbers import number
from derive.reading.problems import KEYS, as_written, problem, read_keys, with_numbers
from derive.vocabulary.errors import BadInput

CLAIMED = "claimed"
#: the keys of the table [claimed]
CLAIMED_KEYS = ("order", "drift", "covariance", "diffusion", "pair", "where")


@final
@dataclass(frozen=True)
class AuditFile:
    """What an audit file asks.

    Args:
        method: the update rule in its regime.
        loss, dim: for which the equation is stated, or None for any.
        claimed: the table [claimed], whose formulas are not read yet.
        values: numbers for parameters, by name.
        clients_given: whether a number of clients, or N, was given.
    """

    method: Any
    loss: Any
    dim: int | None
    claimed: Mapping[str, Any]
    values: Mapping[str, Any]
    clients_given: bool


def read_audit(path: str | Path) -> AuditFile:
    """The question of a TOML file.

    Raises:
        BadInput: it is not TOML, has an unknown key, or a field does not fit.
        OSError: it cannot be read.
    """
    table = read_keys(path, (*KEYS, CLAIMED))
    with as_written():
        claim = _claimed(table.pop(CLAIMED, None))
        params = table.pop("params", {})
        asked = problem(table)
        noise = asked.specs.get("noise")
        numbers = {} if noise is None else {name: v for name, v in noise.values if not isinstance(v, (str, tuple))}
        method = with_numbers(asked.method, params, "params")
        numbers |= {name: number(value, f"params.{name}", "an exact number") for name, value in params.items()}
        return AuditFile(method, asked.loss, asked.dim, claim, numbers, "clients" in table)


def _claimed(value: object) -> dict[str, Any]:
    accepted = f"a table [{CLAIMED}] with the keys " + ", ".join(CLAIMED_KEYS)
    if not isinstance(value, Mapping):
        raise BadInput(CLAIMED, "nothing" if value is None else written(value), accepted)
    for key in value:
        if key not in CLAIMED_KEYS:
            raise BadInput(CLAIMED, key, "the keys " + ", ".join(CLAIMED_KEYS))
    if "drift" not in value:
        raise BadInput(f"{CLAIMED}.drift", "nothing", 'a table of formulas such as {x = "-m", m = "rho*(g - m)"}')
    return dict(value)
