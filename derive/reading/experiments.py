"""Experiments, which `sdescent solve` runs: a TOML file with a problem (`sdescent.derive.reading.problems`) and
settings of the solver.

Audit files have the keys of a problem that concern the method, `params` (numbers for symbols), and a table [claimed].
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, final

from sdescent.derive.reading.problems import KEYS, QUANTITIES_KEY, SOLVING, Problem, problem
from sdescent.derive.reading.specs import QUANTITIES, Spec, read_quantities
from sdescent.derive.reading.toml_file import as_written, check_keys, number, numbers, positive, read_keys, whole
from sdescent.derive.reading.x0_and_sizes import MAX_DRAWS, MAX_ENTRIES, Caps
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import written
from sdescent.derive.vocabulary.names import Kind

#: the index of a path has 31 bits; only one chunk of paths is in memory at a time
MAX_PATHS = 10**9
MAX_ETAS = 16
MAX_SAVED = 10_000
MAX_SOLVER_STEPS = 10**7
SUBSTEPS = 8  # solver steps per step of the method, if neither dt nor substeps is given
METHOD: Final = "method"
#: the values of absent fields
DEFAULTS: Final[Mapping[str, Any]] = {
    "paths": 10_000,
    "seed": 0,
    "save": 50,
    "quantities": list(QUANTITIES[:2]),
    "discrete": True,
    "dtype": "float64",
}
#: the keys of an experiment that a problem does not have
SOLVE_KEYS = (QUANTITIES_KEY, *SOLVING)


@final
@dataclass(frozen=True)
class Experiment:
    """An experiment: runs of the method, its models or both, for one or more step sizes."""

    problems: tuple[Problem, ...]  # the complete problem for each step size; they differ only in eta
    kinds: tuple[Kind, ...]  # the runs at each step size: METHOD and names of models
    save: int | tuple[Fraction, ...] = 50  # the number of saved times, or the times themselves
    quantities: tuple[str, ...] = QUANTITIES[:2]  # the names of the stored quantities
    dt: Fraction | None = None  # the largest solver step, or None
    substeps: int = SUBSTEPS  # the number of solver steps per step of the method, used if dt is None
    dtype: str = "float64"  # "float64" or "float32"
    chunk: int | None = None  # the number of paths in memory at a time, or None for a default; no result depends on it

    @property
    def paths(self) -> int:
        """The number of paths of each run."""
        return self.problems[0].paths or 0

    @property
    def seed(self) -> int:
        """The seed of all runs."""
        return self.problems[0].seed or 0

    @property
    def values_per_path(self) -> int:
        """The number of values stored for each path: all quantities, with the loss and its gradient norm, at all saved times."""
        times = self.save if isinstance(self.save, int) else len(self.save)
        return times * len({*QUANTITIES[:2], *self.quantities})

    def step(self, problem: Problem) -> Fraction:
        """The largest solver step for one of `problems`."""
        assert problem.tau is not None  # for the type checker: an experiment is complete
        return problem.tau / self.substeps if self.dt is None else self.dt

    def to_dict(self) -> dict[str, Any]:
        """Everything that the results depend on (hence not `chunk`) as JSON, exact numbers as text."""
        return {
            **self.problems[0].to_dict(),
            "eta": [str(p.eta) for p in self.problems],
            "models": [kind for kind in self.kinds if kind != METHOD],
            "discrete": METHOD in self.kinds,
            "save": self.save if isinstance(self.save, int) else [str(t) for t in self.save],
            "quantities": list(self.quantities),
            "dt": None if self.dt is None else str(self.dt),
            "substeps": None if self.dt is not None else self.substeps,
            "dtype": self.dtype,
        }


def read_experiment(path: str | Path) -> Experiment:
    """Read the experiment of a TOML file. Raises BadInput as `experiment` and `read_keys`, OSError if the file cannot be read."""
    table = read_keys(path, (*KEYS, *SOLVE_KEYS))
    with as_written():
        return experiment(table)


def experiment(table: Mapping[str, Any]) -> Experiment:
    """An experiment from its fields by name. Fields that are absent or None have their defaults.

    They are those of `sdescent.derive.reading.problems.problem`, where eta may be a list, and save, quantities,
    discrete, dt, substeps, dtype and chunk. Raises BadInput if a value is missing, is not accepted or contradicts
    another.
    """
    fields = {**DEFAULTS, **{key: value for key, value in table.items() if value is not None}}
    discrete = fields["discrete"]
    if not isinstance(discrete, bool):
        raise BadInput("discrete", discrete, "true or false: whether the method itself is run")
    base = {key: fields[key] for key in fields if key in KEYS}
    if alone := base.get("models") == []:
        if not discrete:
            raise BadInput("models", [], "at least one model, since discrete = false leaves the method out")
        del base["models"]
    etas = base.get("eta")
    listed = etas if isinstance(etas, list) else [etas]
    if not 1 <= len(listed) <= MAX_ETAS:
        raise BadInput("eta", f"{len(listed)} values", f"one step size > 0, or a list of 1 to {MAX_ETAS}")
    problems = tuple(problem({**base, "eta": eta}, limits=Caps(MAX_PATHS, at_once=1)) for eta in listed)
    if len({p.eta for p in problems}) < len(problems):
        raise BadInput("eta", etas, "each step size once")
    _complete(problems[0])
    candidate = Experiment(
        problems=problems,
        kinds=((METHOD,) if discrete else ()) + (() if alone else problems[0].models),
        save=_save(fields["save"], problems),
        quantities=read_quantities(fields["quantities"], problems[0].dim or 0),
        dt=positive(fields.get("dt"), "dt"),
        substeps=whole(fields.get("substeps", SUBSTEPS), "substeps", 1, 10_000) or 0,
        dtype=fields["dtype"],
        chunk=whole(fields.get("chunk"), "chunk", 1, MAX_PATHS),
    )
    if candidate.dt is not None and "substeps" in fields:
        raise BadInput("substeps", fields["substeps"], "either dt or substeps")
    if candidate.dtype not in ("float64", "float32"):
        raise BadInput("dtype", candidate.dtype, "float64 or float32")
    _check_sizes(candidate, fields)
    return candidate


def _complete(candidate: Problem) -> None:
    """Raise BadInput for the first item that an experiment still lacks, if there is one."""
    if not candidate.lacking:
        return
    name, kind = candidate.lacking[0]
    numbers = "numbers, which an experiment needs"
    vector = f"numbers, one per coordinate, in the specification of the piece: NAME:{name}=1/2|1/4|1"
    schedule = candidate.specs["schedule"].text if "schedule" in candidate.specs else "free"
    errors = {
        "of the loss": BadInput("loss", f"a symbol ({name} of the loss)", numbers),
        "number": BadInput(name, "a symbol", numbers),
        "vector": BadInput(name, "a letter", vector),
        "schedule": BadInput("schedule", schedule, "a schedule that is known, such as one or power:p=1/2"),
        "value": BadInput(name, "nothing", "a value: an experiment needs loss, dim, x0, eta, T and clients"),
    }
    raise errors[kind]


def _save(value: object, problems: tuple[Problem, ...]) -> int | tuple[Fraction, ...]:
    if not isinstance(value, list):
        return whole(value, "save", 2, MAX_SAVED, f"a number of times (2 to {MAX_SAVED}), or a list of times") or 0
    times = numbers(value, "save", MAX_SAVED) or ()
    for each in problems:
        assert each.tau is not None and each.T is not None  # for the type checker
        if min(times) < 0 or max(times) > each.T:
            raise BadInput("save", value, f"times from 0 to T ({each.T})")
        if max(times) <= each.tau / 2:
            raise BadInput("save", value, f"at least one time of more than half a step (one step is {each.tau})")
    return times


def _check_sizes(candidate: Experiment, fields: Mapping[str, Any]) -> None:
    """Raise BadInput for an experiment that would need too much memory or more than a week."""
    dim, chunk = candidate.problems[0].dim or 0, candidate.chunk or 1
    if chunk * dim**2 > MAX_ENTRIES:
        raise BadInput("chunk", chunk, f"at most {MAX_ENTRIES // dim**2} in {dim} dimensions")
    for each in () if set(candidate.kinds) == {METHOD} else candidate.problems:
        assert each.T is not None  # for the type checker
        steps = each.T / candidate.step(each)
        if steps > MAX_SOLVER_STEPS:
            field = "substeps" if candidate.dt is None else "dt"
            step = written(fields.get(field, SUBSTEPS))
            raise BadInput(field, step, f"at most {MAX_SOLVER_STEPS} solver steps from 0 to T")
        if steps * dim * candidate.paths > MAX_DRAWS:
            raise BadInput("paths", candidate.paths, f"solver steps x dim x paths of at most {MAX_DRAWS}")


#: the keys of a file; those of its table [claimed] follow below
AUDIT = ("method", "regime", "compressor", "noise", "loss", "schedule", "clients", "dim", "model", "params", "claimed")
#: keys of an experiment or a report, which an audit ignores so that one file serves all commands
_OTHERS = tuple(key for key in (*KEYS, *SOLVE_KEYS) if key not in AUDIT)
CLAIMED_KEYS = ("order", "drift", "covariance", "diffusion", "pair", "where")


@final
@dataclass(frozen=True)
class AuditFile:
    """The question of an audit file: whether the stated SDE is that of the method."""

    method: Any  # the update rule in its regime
    loss: Any  # loss, dim: the loss and the dimension of the stated equation; None for any
    dim: int | None
    claimed: Mapping[str, Any]  # the table [claimed]; its formulas are not parsed yet
    values: Mapping[str, Any]  # numbers for parameters, by name
    specs: Mapping[str, Spec]  # the specifications, by kind
    clients_given: bool  # whether the file has the key `clients`


def read_audit(path: str | Path) -> AuditFile:
    """Read an audit file. Raises BadInput as `problem` and `read_keys`, OSError if the file cannot be read."""
    table = {key: value for key, value in read_keys(path, (*AUDIT, *_OTHERS)).items() if key in AUDIT}
    with as_written():
        return audit_from(table)


def audit_from(fields: Mapping[str, Any]) -> AuditFile:
    """The question of an audit, from the table of its file, whose own keys are known. Raises BadInput as `read_audit`."""
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
