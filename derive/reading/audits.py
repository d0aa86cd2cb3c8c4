"""Audit files: a method, and an SDE that somebody states for it, read from TOML without evaluating anything.

The keys of a problem that concern the method, `params` (numbers for symbols), and a table [claimed].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from derive.formulas.text import written
from derive.reading.problems import MAX_DIM, as_written, number, read_keys, whole
from derive.reading.specs import Spec, parse_spec, require_distinct
from derive.vocabulary.errors import BadInput

#: the keys of a file, of its table [method] and of its table [claimed]
KEYS = ("method", "regime", "compressor", "noise", "loss", "schedule", "clients", "dim", "params", "claimed")
METHOD_KEYS = ("name", "memory", "update", "regime", "time", "fractions")
CLAIMED_KEYS = ("order", "drift", "covariance", "diffusion", "pair", "where")
_SPECS = ("compressor", "noise", "loss", "schedule")


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
    """

    method: Any
    loss: Any
    dim: int | None
    claimed: Mapping[str, Any]
    values: Mapping[str, Any]
    specs: Mapping[str, Spec]


def read_audit(path: str | Path) -> AuditFile:
    """The question of a TOML file.

    Raises:
        BadInput: it is not TOML, has an unknown key, or a field does not fit.
        OSError: it cannot be read.
    """
    table = read_keys(path, KEYS)
    with as_written():
        return audit_from(table)


def audit_from(given: Mapping[str, Any]) -> AuditFile:
    """The question of a table.

    Raises:
        BadInput: as `read_audit`.
    """
    if "method" not in given:
        raise BadInput("method", "nothing", 'a method such as "rmsprop", or a table [method] with an update')
    claim = _keys(given.get("claimed"), "claimed", CLAIMED_KEYS)
    specs = {kind: parse_spec(kind, given[kind], kind) for kind in _SPECS if kind in given}
    method = method_of(given, specs)
    dim = whole(given.get("dim"), "dim", 1, MAX_DIM)
    params = _numbers(given.get("params", {}))
    loss = specs["loss"].build() if "loss" in specs else None
    from derive.methods.specialise import specialise, symbol_names

    for name in params:
        if name not in symbol_names(method) | (set() if loss is None else symbol_names(loss)):
            raise BadInput(f"params {name}", params[name], "a parameter of the rule, its regime, the noise or the loss")
    of_noise = dict(specs["noise"].values) if "noise" in specs else {}
    values = {**{name: v for name, v in of_noise.items() if not isinstance(v, (str, tuple))}, **params}
    return AuditFile(specialise(method, params), None if loss is None else specialise(loss, params), dim, claim, values, specs)


def method_of(given: Mapping[str, Any], specs: dict[str, Spec]) -> Any:
    """The method of a file: a registered name with a regime, or a table with an update rule.

    Args:
        given: the file.
        specs: its specifications; a named method adds its own.

    Raises:
        BadInput: an unknown key or name, or a field that does not fit.
    """
    table = given["method"]
    parts: dict[str, Any] = {kind: spec.build() for kind, spec in specs.items() if kind != "loss"}
    parts["clients"] = _clients(given.get("clients"))
    if isinstance(table, Mapping) and "update" in table:
        from derive.methods.distributed import Method

        own = _keys(table, "method", METHOD_KEYS)
        if "regime" in given:
            raise BadInput("regime", given["regime"], "the regime of a rule of one's own inside its table [method]")
        return Method(**{"name": "method", **own, **{k: v for k, v in parts.items() if v is not None}})
    asked = given.get("regime")
    if isinstance(table, Mapping):
        own = _keys(table, "method", ("name", "regime"))
        table, asked = own.get("name"), own.get("regime", asked)
    spec = specs["method"] = parse_spec("method", table, "method")
    require_distinct(specs.values())
    if asked is not None:
        parts["regime"] = asked
    try:
        return spec.build(**{k: v for k, v in parts.items() if v is not None})
    except TypeError:  # today's three methods take neither a regime nor, two of them, a compressor
        taken = "no regime and no compressor" if spec.entry.name != "dcsgd" else "a compressor and no regime"
        raise BadInput("method", spec.text, f"with {spec.entry.name} {taken}") from None


def _clients(value: object) -> int | None:
    symbol = isinstance(value, str) and value.strip(" ") == "N"
    return None if symbol else whole(value, "clients", 1, 999_999, "a whole number from 1 to 999999, or the symbol N")


def _keys(value: object, field: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        accepted = f"a table [{field}] with the keys " + ", ".join(known)
        raise BadInput(field, "nothing" if value is None else written(value), accepted)
    for key in value:
        if key not in known:
            raise BadInput(field, key, "the keys " + ", ".join(known))
    return dict(value)


def _numbers(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput("params", written(value), 'a table of numbers such as {rho = "1/2"}')
    return {name: number(v, f"params {name}", "an exact number") for name, v in value.items()}
