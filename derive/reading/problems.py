"""Problems: a method, its noise, a loss and the numbers of an experiment, read from options or a TOML file by the same checks.

Nothing is evaluated except the files of the key `plugins`. A value that is not accepted raises a BadInput that names
its field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

from sdescent.derive.reading import method_tables, toml_file, x0_and_sizes
from sdescent.derive.reading.specs import Spec, parse_spec, read_quantities, require_distinct
from sdescent.derive.reading.x0_and_sizes import Caps, Named
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.text import check_text
from sdescent.derive.vocabulary.names import Model

if TYPE_CHECKING:
    from sdescent.derive.reading.claims import TitledClaim

#: the fields whose value is a specification
SPECIFIED = ("method", "compressor", "noise", "loss", "schedule")
#: {method: the only compressor that it has}
FIXED = {"dsgd": "identity", "dsignsgd": "sign"}

#: the keys of a file
KEYS = (*SPECIFIED, "regime", "params", "clients", "dim", "model", "models", "eta", "T", "paths", "x0", "seed")
#: further keys of a file, which only `report` uses
CLAIMS, QUANTITIES_KEY, THEOREMS, STUDIES, MEASURED = "claims", "quantities", "theorems", "studies", "measured"
#: further keys of a file, which only `solve` uses
SOLVING = ("save", "discrete", "dt", "substeps", "dtype", "chunk")

_LIMITS = Caps()


class Lack(NamedTuple):
    """An item that an experiment still lacks."""

    name: str  # the name of a field, of a symbol, or of a field of a piece, such as gaussian:sigma
    #: the missing item: the value of a field, a number for a symbol, a number for a symbol of the loss, the numbers of
    #: a vector, or a known schedule
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
    """A user's problem."""

    method: Any  # the method with its compressor, noise, clients and schedule
    loss: Any = None  # the loss, or None if it is unspecified
    dim: int | None = None  # the number of coordinates written out, or None for the dimension-free form
    models: tuple[Model, ...] = ("first-order",)  # the SDEs to derive
    #: eta, T, paths, x0, seed: the numbers of an experiment, dimensionless, or None: the step size, the time horizon,
    #: the number of paths, the start (one value per coordinate, or one for all), and the seed
    eta: Fraction | None = None
    T: Fraction | None = None
    paths: int | None = None
    x0: tuple[Fraction, ...] | None = None
    seed: int | None = None
    #: the specifications by kind; equal problems have equal ones
    specs: Mapping[str, Spec] = field(default_factory=dict)
    claims: tuple[TitledClaim, ...] = ()  # claims that a report also tries to prove or refute
    quantities: tuple[str, ...] = ()  # statistics that a report shows besides the loss
    theorems: tuple[toml_file.TheoremFile, ...] = ()  # files that state the user's own theorems
    studies: tuple[toml_file.StudyFolder, ...] = ()  # folders that `sdescent sweep` wrote
    measured: tuple[toml_file.MeasuredFolder, ...] = ()  # folders that `sdescent measure` wrote
    #: the update rule if the method is given as a table of formulas, else None
    table: method_tables.MethodTable | None = None
    regime: str | None = None  # the name of the chosen regime, or None
    params: tuple[tuple[str, Fraction], ...] = ()  # numbers for symbols, by name

    @property
    def tau(self) -> Fraction | None:
        """The time of one step: eta unless the regime says otherwise, None if eta is None. Raises BadInput if it is not
        positive.
        """
        return None if self.eta is None else method_tables.time_of_step(self.method, self.eta)

    @property
    def experiment(self) -> bool:
        """Whether the problem states at least one number of an experiment."""
        return any(value is not None for value in (self.eta, self.T, self.paths, self.x0, self.seed))

    @property
    def lacking(self) -> tuple[Lack, ...]:
        """The items that an experiment still lacks: values of fields, and numbers for parameters that are symbols."""
        from sdescent.derive.methods.specialise import symbol_names, vector_names

        lacks = [Lack(name) for name in ("loss", "dim", "x0", "eta", "T") if getattr(self, name) is None]
        lacks += [] if self.method.clients.is_number else [Lack("clients")]
        # without the symbols that the regime expresses by constants
        open_symbols = symbol_names(self.method) - self.method.regime.rules.keys()
        for kind, spec in self.specs.items():
            if kind != "loss":
                lacks += [Lack(field, "number") for field, symbol, _ in spec.symbols() if symbol in open_symbols]
        lacks += [Lack(name, "vector") for name in vector_names(self.method)]
        lacks += [Lack(f"params.{name}", "number") for name, value in self.method.constants if not value.is_number]
        if any(s.name == "u" for s in self.method.schedule.factor.free_symbols):
            lacks.append(Lack("schedule", "schedule"))
        if self.loss is not None and self.dim is not None:
            lacks += [Lack(name, "of the loss") for name in self.loss.parameters(self.dim)]
        return tuple(lacks)

    def to_dict(self) -> dict[str, Any]:
        """Everything that the results depend on as JSON, exact numbers as text."""
        rule: dict[str, Any] = {} if self.table is None else {"method": self.table.to_dict()}
        rule |= {} if self.regime is None else {"regime": self.regime}
        if self.params or self.table is not None:
            rule["params"] = {name: str(value) for name, value in self.params}
        lists: dict[str, tuple[Any, ...]] = {
            CLAIMS: self.claims, QUANTITIES_KEY: self.quantities, THEOREMS: self.theorems, STUDIES: self.studies,
            MEASURED: self.measured,
        }  # fmt: skip
        return {
            **rule,
            **{kind: spec.text for kind, spec in self.specs.items()},
            "clients": str(self.method.clients),
            "dim": self.dim,
            "models": list(self.models),
            "eta": None if self.eta is None else str(self.eta),
            "T": None if self.T is None else str(self.T),
            "paths": self.paths,
            "x0": None if self.x0 is None else [str(value) for value in self.x0],
            "seed": self.seed,
            **{
                key: [v if key == QUANTITIES_KEY else v.to_dict() for v in values]
                for key, values in lists.items()
                if values
            },
        }


def problem(fields: Mapping[str, object], named: Named = str, limits: Caps = _LIMITS) -> Problem:
    """A problem from its fields by name, within `limits`. Fields that are absent or None have their defaults.

    They are the specs method (required), compressor, noise, loss and schedule; regime and params; clients, dim, model
    or models; eta, T, paths, x0, seed. A number may be text, an int, or `Decimal` text from a file. The method may also
    be a table of formulas (`sdescent.derive.reading.method_tables`), for whose constants params has numbers. `named`
    gives the user's name for a field in messages ("--noise" for "noise"). Raises BadInput if a value is not accepted,
    or fields contradict each other.
    """
    fields = method_tables.by_name({key: value for key, value in fields.items() if value is not None})
    table, rule = None, fields.get("method")
    if isinstance(rule, dict):
        table = method_tables.method_table(rule, fields.get("params"), named("method"), named("params"))
    kinds = [kind for kind in SPECIFIED if kind in fields and (kind != "method" or table is None)]
    specs = {kind: parse_spec(kind, fields[kind], named(kind)) for kind in kinds}
    if table is not None:
        specs.setdefault("compressor", parse_spec("compressor", "identity", named("compressor")))
    elif "method" not in specs:
        raise BadInput(named("method"), "nothing", "a method such as dsgd")
    else:
        _check_parts(specs, fields, named)
    require_distinct(specs.values())
    clients = x0_and_sizes.client_count(fields.get("clients"), specs.get("noise"), named("clients"))
    x0 = toml_file.numbers(fields.get("x0"), named("x0"), x0_and_sizes.MAX_DIM)
    dim = x0_and_sizes.dimension(fields.get("dim"), specs.get("loss"), x0, named)
    parts: dict[str, Any] = {"clients": clients}
    parts |= {kind: spec.build() for kind, spec in specs.items() if kind not in ("method", "loss")}
    regime, params = fields.get("regime"), fields.get("params")
    if table is None:
        if regime is not None:
            if not _takes(specs["method"], "regime"):
                only_one = f"no regime: {specs['method'].entry.name} has only one"
                raise BadInput(named("regime"), regime, only_one)
            form = "the name of a regime, such as ballistic"  # the method itself checks either one further
            parts["regime"] = regime if isinstance(regime, dict) else check_text(regime, named("regime"), form)
        accepted = {part: value for part, value in parts.items() if _takes(specs["method"], part)}
        method = specs["method"].build(**accepted)
    else:
        if regime not in (None, "fixed"):
            accepted = "fixed, or no such key: a table [method] has its own regime"
            raise BadInput(named("regime"), regime, accepted)
        method = table.build(named("method"), fixed=regime is not None, **parts)
    loss = specs["loss"].build() if "loss" in specs else None
    _check_kinds(method, loss, specs, named)
    method, loss = method_tables.with_numbers(method, loss, params, named("params"))
    if dim is not None:
        method.compressor.check_dimension(dim)
    eta, horizon = (toml_file.positive(fields.get(key), named(key)) for key in ("eta", "T"))
    paths = toml_file.whole(fields.get("paths"), named("paths"), 1, limits.paths)
    question = Problem(
        method=method,
        loss=loss,
        dim=dim,
        models=_models(fields, named),
        eta=eta,
        T=horizon,
        paths=paths,
        x0=x0,
        seed=toml_file.whole(fields.get("seed"), named("seed"), 0, 2**62),
        specs=specs,
        table=table,
        regime=None if regime is None else method.regime.as_given(),
        params=() if params is None else method_tables.numbers_of(params, named("params"), "{rho = 2}"),
    )
    if question.tau is not None and horizon is not None:
        steps = horizon / question.tau
        x0_and_sizes.check_steps(fields, steps, named)
        if dim is not None and method.clients.is_number:
            x0_and_sizes.check_size(fields, paths, dim, int(method.clients) * steps, named, limits.at_once)
    return question


def read_problem(path: str | Path) -> Problem:
    """Read the problem of a TOML file: the fields of `problem`, and `claims`, `quantities`, `theorems`, `studies` and `measured`.

    The keys `SOLVING` are ignored; `models = []` stands for the default. Raises BadInput as `problem` and `read_keys`.
    """
    lists = (CLAIMS, QUANTITIES_KEY, THEOREMS, STUDIES, MEASURED)
    allowed = (*KEYS, *lists, *SOLVING)
    table = {key: value for key, value in toml_file.read_keys(path, allowed).items() if key not in SOLVING}
    if table.get("models") == []:
        del table["models"]
    values = {key: table.pop(key, None) for key in lists}
    readers = {
        THEOREMS: toml_file.theorem_files,
        STUDIES: toml_file.study_folders,
        MEASURED: toml_file.measured_folders,
    }
    more: dict[str, Any] = {}
    with toml_file.as_written():
        question = problem(table)
        if values[QUANTITIES_KEY] is not None:
            more[QUANTITIES_KEY] = read_quantities(values[QUANTITIES_KEY], question.dim or 0)
        more |= {k: read(values[k], Path(path).parent, k) for k, read in readers.items() if values[k] is not None}
        if values[CLAIMS] is not None:
            from sdescent.derive.reading.claims import titled_claims  # the grammar is loaded only if there are claims

            more[CLAIMS] = titled_claims(values[CLAIMS], CLAIMS)
    return replace(question, **more)


def _check_parts(specs: Mapping[str, Spec], fields: Mapping[str, object], named: Named) -> None:
    """Raise BadInput for a compressor other than the method's only one, a part that it does not take, or a missing compressor."""
    method, compressor = specs["method"].entry.name, specs.get("compressor")
    if method in FIXED:
        if compressor is not None and compressor.entry.name != FIXED[method]:
            accepted = f"{FIXED[method]}, the only compressor of {method} (dcsgd takes any)"
            raise BadInput(named("compressor"), compressor.text, accepted)
        return
    if compressor is None and _takes(specs["method"], "compressor", needed=True):
        raise BadInput(named("compressor"), "nothing", f"a compressor such as rand-k:k=2, which {method} needs")
    for part in ("compressor", "noise", "schedule", "clients"):
        if part in fields and not _takes(specs["method"], part):
            raise BadInput(named(part), fields[part], f"nothing: {method} has its own")


def _takes(method: Spec, argument: str, needed: bool = False) -> bool:
    """Whether the constructor of the method accepts this argument; if `needed`, whether it requires it."""
    parameters = _arguments(method.entry.build)
    if parameters is None:  # for a class that is not written in Python
        return not needed
    if argument in parameters:
        return not needed or parameters[argument].default is Parameter.empty
    return not needed and any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


@lru_cache(maxsize=256)
def _arguments(build: Callable[..., Any]) -> Mapping[str, Parameter] | None:
    try:
        return signature(build).parameters
    except ValueError:
        return None


def _check_kinds(method: Any, loss: Any, specs: Mapping[str, Spec], named: Named) -> None:
    """Raise BadInput if a registered method or loss makes an object of another class; a method checks its own parts."""
    from sdescent.derive.methods.distributed import Method  # SymPy is loaded only if there is a method to build
    from sdescent.derive.methods.losses import Loss

    for kind, built, expected in (("method", method, Method), ("loss", loss, Loss)):
        if kind in specs and not isinstance(built, expected):
            makes = f"{specs[kind].entry.name} makes a {type(built).__name__}"
            accepted = f"a name whose entry makes a {expected.__name__}, and {makes}"
            raise BadInput(named(kind), specs[kind].text, accepted)


def _models(fields: Mapping[str, object], named: Named) -> tuple[Model, ...]:
    if "model" in fields and "models" in fields:
        raise BadInput(named("models"), fields["models"], "either model or models")
    key = "models" if "models" in fields else "model"
    value: Any = fields.get(key, "first-order")
    from sdescent.derive.equations.sde import MODELS  # SymPy is loaded only if there is a method to build

    listed: list[Any] = value if isinstance(value, list) and key == "models" else [value]
    for item in listed:
        if not isinstance(item, str) or item not in MODELS:
            raise unknown_name(named(key), item, MODELS)
    if not listed or len(set(listed)) < len(listed):
        raise BadInput(named(key), value, "one or more of " + ", ".join(MODELS) + ", each once")
    return tuple(listed)
