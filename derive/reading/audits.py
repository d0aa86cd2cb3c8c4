"""Audit files: a method and an SDE stated for it, read from TOML; only the files of `plugins` are executed.

A file has the keys of a problem that concern the method, `params` (numbers for symbols), and a table [claimed].
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from sdescent.derive.reading.experiments import SOLVE_KEYS
from sdescent.derive.reading.problems import KEYS as PROBLEM
from sdescent.derive.reading.problems import problem
from sdescent.derive.reading.specs import Spec
from sdescent.derive.reading.toml_file import as_written, check_keys, number, read_keys
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import written

#: the keys of a file; those of its table [claimed] follow below
KEYS = ("method", "regime", "compressor", "noise", "loss", "schedule", "clients", "dim", "model", "params", "claimed")
#: keys of an experiment or a report, which an audit ignores so that one file serves all commands
_OTHERS = tuple(key for key in (*PROBLEM, *SOLVE_KEYS) if key not in KEYS)
CLAIMED_KEYS = ("order", "drift", "covariance", "diffusion", "pair", "where")


@final
@dataclass(frozen=True)
class AuditFile:
    """The question of an audit file: whether the stated SDE is that of the method.

    Args:
        method: the update rule in its regime.
        loss, dim: the loss and the dimension of the stated equation; None for any.
        claimed: the table [claimed]; its formulas are not parsed yet.
        values: numbers for parameters, by name.
        specs: the specifications, by kind.
        clients_given: whether the file has the key `clients`.
    """

    method: Any
    loss: Any
    dim: int | None
    claimed: Mapping[str, Any]
    values: Mapping[str, Any]
    specs: Mapping[str, Spec]
    clients_given: bool


def read_audit(path: str | Path) -> AuditFile:
    """Read an audit file.

    Raises:
        BadInput: the file is not TOML, has an unknown key, or has a value that is not accepted.
        OSError: the file cannot be read.
    """
    table = {key: value for key, value in read_keys(path, (*KEYS, *_OTHERS)).items() if key in KEYS}
    with as_written():
        return audit_from(table)


def audit_from(fields: Mapping[str, Any]) -> AuditFile:
    """The question of an audit, from the table of its file.

    Raises:
        BadInput: as for `read_audit`, except for unknown keys at the top level.
    """
    question = problem({key: value for key, value in fields.items() if key != "claimed"})
    claim = fields.get("claimed")
    if not isinstance(claim, Mapping):
        accepted = f"a table [claimed] with the keys {', '.join(CLAIMED_KEYS)}"
        raise BadInput("claimed", "nothing" if claim is None else written(claim), accepted)
    check_keys(claim, CLAIMED_KEYS, "claimed")
    pieces = [question.specs[kind] for kind in ("noise", "compressor") if kind in question.specs]
    values = {name: v for piece in pieces for name, v in piece.values if not isinstance(v, (str, tuple))}
    params = dict(fields.get("params") or {})
    values |= {name: number(v, f"params.{name}", "an exact number") for name, v in params.items()}
    values |= _scales_at_the_start(values, question.method, question.specs.get("noise"))
    subject = question.method, question.loss, question.dim
    return AuditFile(*subject, dict(claim), values, question.specs, "clients" in fields)


def _scales_at_the_start(values: Mapping[str, Any], method: Any, noise: Spec | None) -> dict[str, Any]:
    """{sigma0: the number given for a scale under either name, sigma: its value in one step}; {} if the noise is not rescaled."""
    from sdescent.derive.methods.rules.regime import NOISE
    from sdescent.derive.methods.specialise import exactly, kept_scales

    factor, numbers = method.regime.rules.get(NOISE), dict[str, Any]()
    if factor is None or noise is None:
        return numbers
    symbolic = Spec(noise.entry, tuple((name, v) for name, v in noise.values if isinstance(v, str))).build()
    for at_start, name in kept_scales(replace(method, noise=symbolic)).items():
        scale = values.get(name, values.get(at_start))
        if scale is not None:
            numbers |= {at_start: scale, name: exactly(scale) * factor}
    return numbers
