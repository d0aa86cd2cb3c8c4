"""Audit files: a method, and an SDE that somebody states for it, read from TOML without evaluating anything.

The keys of a problem that concern the method, `params` (numbers for symbols), and a table [claimed].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from sdescent.derive.reading.experiments import OWN
from sdescent.derive.reading.numbers import number
from sdescent.derive.reading.problems import KEYS as PROBLEM
from sdescent.derive.reading.problems import as_written, problem, read_keys
from sdescent.derive.reading.specs import Spec
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.text import written

#: the keys of a file, and of its table [claimed]
KEYS = ("method", "regime", "compressor", "noise", "loss", "schedule", "clients", "dim", "model", "params", "claimed")
#: keys of an experiment or a report, which do not concern an audit: one file serves all commands
_OTHERS = tuple(key for key in (*PROBLEM, *OWN) if key not in KEYS)
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
        specs: the specifications, by kind.
        clients_given: whether a number of clients, or N, was given.
    """

    method: Any
    loss: Any
    dim: int | None
    claimed: Mapping[str, Any]
    values: Mapping[str, Any]
    specs: Mapping[str, Spec]
    clients_given: bool


def read_audit(path: str | Path) -> AuditFile:
    """The question of a TOML file.

    Raises:
        BadInput: it is not TOML, has an unknown key, or a field does not fit.
        OSError: it cannot be read.
    """
    table = {key: value for key, value in read_keys(path, (*KEYS, *_OTHERS)).items() if key in KEYS}
    with as_written():
        return audit_from(table)


def audit_from(given: Mapping[str, Any]) -> AuditFile:
    """The question of a table.

    Raises:
        BadInput: as `read_audit`.
    """
    asked = problem({key: value for key, value in given.items() if key != "claimed"})
    claim = _keys(given.get("claimed"), "claimed", CLAIMED_KEYS)
    pieces = [asked.specs[kind] for kind in ("noise", "compressor") if kind in asked.specs]
    values = {name: v for piece in pieces for name, v in piece.values if not isinstance(v, (str, tuple))}
    values |= {
        name: number(v, f"params.{name}", "an exact number") for name, v in dict(given.get("params") or {}).items()
    }
    values = _with_kept_scales(values, asked.method, asked.specs.get("noise"))
    return AuditFile(asked.method, asked.loss, asked.dim, claim, values, asked.specs, "clients" in given)


def _with_kept_scales(values: Mapping[str, Any], method: Any, noise: Spec | None) -> dict[str, Any]:
    """Where a regime makes the noise large: sigma0 for the number that a scale is given, by either name, and sigma for a step's."""
    from sdescent.derive.methods.rules.regime import NOISE
    from sdescent.derive.methods.specialise import exactly, kept_scales

    factor, found = method.regime.rules.get(NOISE), dict(values)
    if factor is None or noise is None:
        return found
    in_symbols = Spec(noise.entry, tuple((name, v) for name, v in noise.values if isinstance(v, str))).build()
    for kept, name in kept_scales(replace(method, noise=in_symbols)).items():
        own = values.get(name, values.get(kept))
        if own is not None:
            found |= {kept: own, name: exactly(own) * factor}
    return found


def _keys(value: object, field: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        accepted = f"a table [{field}] with the keys " + ", ".join(known)
        raise BadInput(field, "nothing" if value is None else written(value), accepted)
    for key in value:
        if key not in known:
            raise unknown_name(field, key, known, "the keys " + ", ".join(known))
    return dict(value)
