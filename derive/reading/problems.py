"""Problems: a method, its noise, a loss and the numbers of an experiment, read from options or from a TOML file.

Both kinds of input share one table of fields and one set of checks, so that a command line and a file accept and reject
the same. Nothing is evaluated, but for the Python files that the key `plugins` names
(`sdescent.derive.vocabulary.plugins`); every field that does not fit is a BadInput that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

from sdescent.derive.reading.keyed import as_written, read_keys
from sdescent.derive.reading.methods import (
    MethodTable,
    by_name,
    method_table,
    numbers_of,
    own_regime,
    time_of_step,
    with_numbers,
)
from sdescent.derive.reading.numbers import numbers, positive, whole
from sdescent.derive.reading.specs import Spec, parse_spec, require_distinct
from sdescent.derive.reading.statistics import read_quantities
from sdescent.derive.reading.study_folders import StudyFolder, study_folders
from sdescent.derive.reading.theorem_files import TheoremFile, theorem_files
from sdescent.derive.vocabulary.choices import Model
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.text import check_text

if TYPE_CHECKING:
    from sdescent.derive.reading.titled_claims import TitledClaim

MAX_DIM = 64  # coordinates written out; the dimension-free form has no limit
MAX_PATHS = 10**6
MAX_STEPS = 10**6  # of the method; its equations take several solver steps in each
MAX_ENTRIES = 10**8  # of the covariance matrices of all paths, which are in memory at once
MAX_DRAWS = 10**13  # coordinates of all messages of one path after the other: days of work
_USUAL_PATHS = 20_000  # of a full report whose specification gives no number
_SPECS = ("method", "compressor", "noise", "loss", "schedule")
#: the compressor that a method fixes
FIXED = {"dsgd": "identity", "dsignsgd": "sign"}

#: the keys of a file
KEYS = (*_SPECS, "regime", "params", "clients", "dim", "model", "models", "eta", "T", "paths", "x0", "seed")
#: further keys of a file for a report
CLAIMS, SHOWN, THEOREMS, STUDIES = "claims", "quantities", "theorems", "studies"
#: further keys of a file that `solve` alone uses
SOLVING = ("save", "discrete", "dt", "substeps", "dtype", "chunk")

Named = Callable[[str], str]


@final
@dataclass(frozen=True)
class Caps:
    """The limits of an experiment.

    Args:
        paths: greatest number of paths.
        at_once: greatest number of paths in memory at once; None for all.
    """

    paths: int = MAX_PATHS
    at_once: int | None = None


_LIMITS = Caps()


class Lack(NamedTuple):
    """What an experiment still needs.

    Args:
        name: of a field, of a symbol, or of a field of a piece, such as gaussian:sigma.
        kind: a value of a field, a number for a symbol (perhaps of the loss), a vector's numbers, or a schedule that is known.
    """

    name: str
    kind: Literal["value", "number", "of the loss", "vector", "schedule"] = "value"

    def __str__(self) -> str:
        return {
            "value": self.name,
            "number": f"a number for {self.name}",
            "of the loss": f"a number for {self.name} of the loss",
            "vector": f"numbers for {self.name}, one per coordinate",
            "schedule": "a schedule in t",
        }[self.kind]


@final
@dataclass(frozen=True)
class Problem:
    """The problem that a user asks about.

    Args:
        method: with compressor, noise, clients, schedule.
        loss: or None for an unspecified one.
        dim: the number of coordinates written out, or None for the dimension-free form.
        models: the SDEs to derive.
        eta: step size, T: time horizon (of n eta), paths, x0 (one value per coordinate, or one for all), seed: the
            numbers of an experiment, dimensionless, None where not given.
        specs: the specifications that it was made from, by kind; equal for equal problems.
        table: the update rule, where the method is a table of formulas and not a specification.
        regime: that was asked for, None where none was.
        params: numbers for symbols, by name.
        claims: inequalities that are to be proved or refuted as well.
        quantities: statistics that a report shows besides the loss.
        theorems: files that state theorems of one's own.
        studies: folders that `sdescent sweep` wrote.
    """

    method: Any
    loss: Any = None
    dim: int | None = None
    models: tuple[Model, ...] = ("first-order",)
    eta: Fraction | None = None
    T: Fraction | None = None
    paths: int | None = None
    x0: tuple[Fraction, ...] | None = None
    seed: int | None = None
    specs: Mapping[str, Spec] = field(default_factory=dict)
    claims: tuple[TitledClaim, ...] = ()
    quantities: tuple[str, ...] = ()
    theorems: tuple[TheoremFile, ...] = ()
    studies: tuple[StudyFolder, ...] = ()
    table: MethodTable | None = None
    regime: str | None = None
    params: tuple[tuple[str, Fraction], ...] = ()

    @property
    def tau(self) -> Fraction | None:
        """The time of a step of the method, which is eta unless the method has another; None without eta.

        Raises:
            BadInput: it has no value above 0.
        """
        return None if self.eta is None else time_of_step(self.method, self.eta)

    @property
    def experiment(self) -> bool:
        """Whether any number of an experiment was given."""
        return any(value is not None for value in (self.eta, self.T, self.paths, self.x0, self.seed))

    @property
    def lacking(self) -> tuple[Lack, ...]:
        """What an experiment still needs: fields without a value, and numbers for parameters that are symbols."""
        from sdescent.derive.methods.specialise import vector_names

        found = [Lack(name) for name in ("loss", "dim", "x0", "eta", "T") if getattr(self, name) is None]
        found += [] if self.method.clients.is_number else [Lack("clients")]
        for kind, spec in self.specs.items():
            if kind != "loss":
                made = self.method.regime.rules  # what the regime makes from constants
                found += [
                    Lack(field, "number") for field, symbol, _ in spec.symbols() if symbol in self._open - made.keys()
                ]
        found += [Lack(name, "vector") for name in vector_names(self.method)]
        found += [Lack(f"params.{name}", "number") for name, value in self.method.constants if not value.is_number]
        if any(s.name == "u" for s in self.method.schedule.factor.free_symbols):
            found.append(Lack("schedule", "schedule"))
        if self.loss is not None and self.dim is not None:
            found += [Lack(name, "of the loss") for name in self.loss.parameters(self.dim)]
        return tuple(found)

    @property
    def _open(self) -> set[str]:
        """The symbols of the method that have no number."""
        from sdescent.derive.methods.specialise import symbol_names

        return symbol_names(self.method)

    def to_dict(self) -> dict[str, Any]:
        """The problem as JSON with exact numbers as text: everything that its results depend on."""
        numbers = {"eta": self.eta, "T": self.T}
        own = {} if self.table is None else {"method": self.table.to_dict()}
        own |= {} if self.regime is None else {"regime": self.regime}
        own |= {"params": {name: str(v) for name, v in self.params}} if self.params or self.table is not None else {}
        return {
            **own,
            **{kind: spec.text for kind, spec in self.specs.items()},
            "clients": str(self.method.clients),
            "dim": self.dim,
            "models": list(self.models),
            **{name: None if value is None else str(value) for name, value in numbers.items()},
            "paths": self.paths,
            "x0": None if self.x0 is None else [str(value) for value in self.x0],
            "seed": self.seed,
            **({CLAIMS: [c.to_dict() for c in self.claims]} if self.claims else {}),
            **({SHOWN: list(self.quantities)} if self.quantities else {}),
            **({THEOREMS: [t.to_dict() for t in self.theorems]} if self.theorems else {}),
            **({STUDIES: [s.to_dict() for s in self.studies]} if self.studies else {}),
        }


def problem(given: Mapping[str, object], named: Named = str, limits: Caps = _LIMITS) -> Problem:
    """A problem from fields by name; fields that are absent or None take their defaults.

    Args:
        given: method (required), compressor, noise, loss, schedule: specs; clients, dim, model or models; eta, T,
            paths, x0, seed. Numbers may be text, int, or `Decimal` text from a file. The method may be a table of formulas
            (`sdescent.derive.reading.methods`), with params, numbers for its constants.
        named: the user's name of a field, for error messages ("--noise" for "noise").
        limits: of an experiment.

    Raises:
        BadInput: a field does not fit, or fields contradict each other.
    """
    given = by_name({key: value for key, value in given.items() if value is not None})
    table = _table(given, named)
    kinds = [kind for kind in _SPECS if kind in given and (kind != "method" or table is None)]
    specs = {kind: parse_spec(kind, given[kind], named(kind)) for kind in kinds}
    if table is not None:
        specs.setdefault("compressor", parse_spec("compressor", "identity", named("compressor")))
    elif "method" not in specs:
        raise BadInput(named("method"), "nothing", "a method such as dsgd")
    compressor = _compressor(specs, named) if table is None else specs["compressor"]
    if compressor is not None:
        specs["compressor"] = compressor
    if table is None:
        _check_takes(specs, given, named)
    require_distinct(specs.values())
    clients = _clients(given.get("clients"), specs.get("noise"), named("clients"))
    x0 = numbers(given.get("x0"), named("x0"))
    dim = _dimension(given.get("dim"), specs.get("loss"), x0, named)
    parts = {"clients": clients} | {
        kind: spec.build() for kind, spec in specs.items() if kind not in ("method", "loss")
    }
    regime = given.get("regime")
    if table is None:
        if regime is not None:
            parts["regime"] = _regime(regime, specs["method"], named("regime"))
        method = specs["method"].build(
            **{part: value for part, value in parts.items() if _takes(specs["method"], part)}
        )
    else:
        method = table.build(named("method"), **parts, asked=own_regime(regime, named("regime")))
    loss = specs["loss"].build() if "loss" in specs else None
    _check_made(method, loss, specs, named)
    method, loss = with_numbers(method, loss, given.get("params"), named("params"))
    if dim is not None:
        method.compressor.check_dimension(dim)
    eta, horizon = (positive(given.get(key), named(key)) for key in ("eta", "T"))
    paths = whole(given.get("paths"), named("paths"), 1, limits.paths)
    made = Problem(
        method=method,
        loss=loss,
        dim=dim,
        models=_models(given, named),
        eta=eta,
        T=horizon,
        paths=paths,
        x0=x0,
        seed=whole(given.get("seed"), named("seed"), 0, 2**62),
        specs=specs,
        table=table,
        regime=None if regime is None else method.regime.as_given(),
        params=() if given.get("params") is None else numbers_of(given["params"], named("params"), "{rho = 2}"),
    )
    if made.tau is not None and horizon is not None:
        _check_steps(given, horizon / made.tau, named)
        if dim is not None and method.clients.is_number:
            _check_size(given, paths, dim, int(method.clients) * horizon / made.tau, named, limits.at_once)
    return made


def _table(given: Mapping[str, object], named: Named) -> MethodTable | None:
    if isinstance(method := given.get("method"), dict):
        return method_table(method, given.get("params"), named("method"), named("params"))
    return None


def _regime(asked: object, method: Spec, field: str) -> object:
    """The name of a regime, or a table of substitutions; the method checks the rest."""
    if not _takes(method, "regime"):
        raise BadInput(field, asked, f"no regime: {method.entry.name} has one alone")
    return check_text(asked, field, "the name of a regime, such as ballistic") if not isinstance(asked, dict) else asked


def read_problem(path: str | Path) -> Problem:
    """The problem of a TOML file: the fields of `problem`, by the same names, `claims`, `quantities`, `theorems` and `studies`.

    What `solve` alone uses is not read: the keys `SOLVING`, and `models = []`, which leaves the default.

    Raises:
        BadInput: it is not TOML, has an unknown key, or a field does not fit.
        OSError: it cannot be read.
    """
    known = (*KEYS, CLAIMS, SHOWN, THEOREMS, STUDIES, *SOLVING)
    table = {key: value for key, value in read_keys(path, known).items() if key not in SOLVING}
    if table.get("models") == []:
        del table["models"]
    listed, shown, files, folders = (table.pop(key, None) for key in (CLAIMS, SHOWN, THEOREMS, STUDIES))
    with as_written():
        found = problem(table)
        if shown is not None:
            found = replace(found, quantities=read_quantities(shown, found.dim or 0))
        if files is not None:
            found = replace(found, theorems=theorem_files(files, Path(path).parent, THEOREMS))
        if folders is not None:
            found = replace(found, studies=study_folders(folders, Path(path).parent, STUDIES))
        if listed is None:
            return found
        from sdescent.derive.reading.titled_claims import titled_claims  # the grammar is loaded only if needed

        return replace(found, claims=titled_claims(listed, CLAIMS))


def _compressor(specs: Mapping[str, Spec], named: Named) -> Spec | None:
    """The compressor that the method runs with."""
    method, compressor = specs["method"].entry.name, specs.get("compressor")
    if method not in FIXED:
        if compressor is None and _takes(specs["method"], "compressor", needed=True):
            raise BadInput(named("compressor"), "nothing", f"a compressor such as rand-k:k=2, which {method} needs")
        return compressor
    if compressor is not None and compressor.entry.name != FIXED[method]:
        accepted = f"{FIXED[method]}, the only compressor of {method} (dcsgd takes any)"
        raise BadInput(named("compressor"), compressor.text, accepted)
    return compressor


def _takes(method: Spec, argument: str, needed: bool = False) -> bool:
    """Whether what makes the method has this argument, or cannot do without it."""
    found = _arguments(method.entry.build)
    if found is None:  # of a class that is not written in Python
        return not needed
    if argument in found:
        return not needed or found[argument].default is Parameter.empty
    return not needed and any(p.kind is Parameter.VAR_KEYWORD for p in found.values())


@lru_cache(maxsize=256)
def _arguments(build: Callable[..., Any]) -> Mapping[str, Parameter] | None:
    try:
        return signature(build).parameters
    except ValueError:
        return None


def _check_takes(specs: Mapping[str, Spec], given: Mapping[str, object], named: Named) -> None:
    """Raises BadInput for a part that the method has fixed."""
    method = specs["method"].entry.name
    for part in ("compressor", "noise", "schedule", "clients"):
        if part in given and method not in FIXED and not _takes(specs["method"], part):
            raise BadInput(named(part), given[part], f"nothing: {method} has its own")


def _check_made(method: Any, loss: Any, specs: Mapping[str, Spec], named: Named) -> None:
    """Raises BadInput for an entry of the registry that makes something else than its kind; parts of a method it checks itself."""
    from sdescent.derive.methods.distributed import Method  # SymPy is loaded only when there is a method to derive
    from sdescent.derive.methods.losses import Loss

    for kind, made, wanted in (("method", method, Method), ("loss", loss, Loss)):
        if kind in specs and not isinstance(made, wanted):
            told = f"a name whose entry makes a {wanted.__name__}, and {specs[kind].entry.name} makes a {type(made).__name__}"
            raise BadInput(named(kind), specs[kind].text, told)


def _clients(value: object, noise: Spec | None, name: str) -> int | None:
    """The number of clients: given, or one for each of the noise's scales; None for the symbol N."""
    accepted = "a whole number from 1 to 999999, or the symbol N"
    symbol = isinstance(value, str) and value.strip(" ") == "N"
    given = None if value is None or symbol else whole(value, name, 1, 999_999, accepted)
    lengths = {} if noise is None else noise.lengths("per_client")
    for field_name, count in lengths.items():
        if value is not None and count != given:
            raise BadInput(name, value, f"{count}, the number of scales in {field_name}")
    return max(lengths.values()) if lengths else given


def _dimension(value: object, loss: Spec | None, x0: tuple[Fraction, ...] | None, named: Named) -> int | None:
    """The dimension: given, or the number of values where there is one per coordinate."""
    accepted = f"a whole number from 1 to {MAX_DIM} (without it: the form for any dimension)"
    dim = whole(value, named("dim"), 1, MAX_DIM, accepted)
    lengths = {} if loss is None else loss.lengths("per_coordinate")
    if x0 is not None and len(x0) > 1:
        lengths[named("x0")] = len(x0)
    for name, count in lengths.items():
        if dim is not None and count != dim:
            raise BadInput(name, f"{count} values", f"one value, or one for each of the {dim} coordinates")
        dim = count
    return dim


def _models(given: Mapping[str, object], named: Named) -> tuple[Model, ...]:
    if "model" in given and "models" in given:
        raise BadInput(named("models"), given["models"], "either model or models")
    key = "models" if "models" in given else "model"
    value: Any = given.get(key, "first-order")
    from sdescent.derive.equations.models import MODELS  # SymPy is loaded only when there is a method to derive

    listed: list[Any] = value if isinstance(value, list) and key == "models" else [value]
    for item in listed:
        if not isinstance(item, str) or item not in MODELS:
            raise unknown_name(named(key), item, MODELS)
    if not listed or len(set(listed)) < len(listed):
        raise BadInput(named(key), value, "one or more of " + ", ".join(MODELS) + ", each once")
    return tuple(listed)


def _check_steps(given: Mapping[str, object], steps: Fraction, named: Named) -> None:
    if steps < 1:
        raise BadInput(named("T"), given["T"], f"a number >= eta ({given['eta']}), for at least one step")
    if steps > MAX_STEPS:
        raise BadInput(named("eta"), given["eta"], f"at most {MAX_STEPS} steps (T/eta)")


def _check_size(
    given: Mapping[str, object], paths: int | None, dim: int, messages: Fraction, named: Named, at_once: int | None
) -> None:
    """Refuse experiments that would need too much memory or more than a week, for `messages` of one path."""
    count = _USUAL_PATHS if paths is None else paths
    if min(count, at_once or count) * dim**2 > MAX_ENTRIES:
        raise BadInput(named("paths"), paths, f"at most {MAX_ENTRIES // dim**2} in {dim} dimensions")
    if count * dim * messages > MAX_DRAWS:
        field = "eta" if paths is None else "paths"
        raise BadInput(named(field), given[field], f"T/eta x clients x dim x paths of at most {MAX_DRAWS}")
