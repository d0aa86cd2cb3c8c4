"""Families of experiments that differ only in numbers, and so share one compiled program.

A family is the problem of an experiment with symbols in place of the numbers of its noise, compressor and method, of the number of
clients and of a rule's constants. Its programs take these numbers with each call
(`sdescent.numerics.simulate.parameters.constants`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, final

from sdescent.derive.derivation import SDE, RuleSDE, sde
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.specialise import kept_scales, specialise, symbol_names
from sdescent.derive.reading.experiments import METHOD, Experiment
from sdescent.derive.reading.problems import Problem, problem
from sdescent.derive.vocabulary.names import Kind, Model
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.lowering.to_jax import special_symbols
from sdescent.numerics.simulate.parameters import needed_as_numbers, of_loss
from sdescent.numerics.simulate.update_rules.regimes import of_time, own_names

#: pieces whose numbers are always symbols
OPENED = ("noise", "compressor")
#: the fields of a problem that its family keeps; the others are numbers
_STRUCTURE = ("method", "compressor", "noise", "loss", "schedule", "regime", "dim")


@final
@dataclass(frozen=True)
class Family:
    """Experiments that differ only in their numbers: a text `key` for each, and the problem with symbols in place of numbers."""

    key: str
    problem: Problem = field(compare=False)
    _differences: dict[Any, frozenset[str]] = field(default_factory=dict, compare=False, repr=False, init=False)

    @property
    def method(self) -> Method:
        """The method, with symbols."""
        return self.problem.method

    @cached_property
    def names(self) -> set[str]:
        """The names of its numbers. Noise with scale 0 leaves none."""
        method, loss, dim = self.method, self.problem.loss, self.problem.dim or 0
        return {"N", *symbol_names(method), *own_names(method), *kept_scales(method), *of_loss(loss, dim)}

    def equation(self, model: Model) -> SDE | None:
        """The method's SDE with these symbols; None if it cannot be derived with symbols."""
        return _equation((self, model))

    def exists(self, model: Model, numbers: Mapping[str, float]) -> bool:
        """Whether the equation with symbols exists, and no condition, on existence or on accuracy, is false at these numbers."""
        if self.equation(model) is None:
            return False
        return not any(_false(c, tuple((a, numbers.get(a)) for a in names)) for c, names in _undecided(self, model))

    def differing(self, kind: Kind, numbers: Mapping[str, float]) -> frozenset[str]:
        """The names of the numbers that may differ between the paths of one call.

        This excludes eta, N and the numbers that determine the time of a step, on which the loops of a program depend. It also
        excludes numbers that a sampler needs as constants, or from which the table of a special function is computed.
        """
        key = kind, tuple(numbers)
        if key not in self._differences:
            self._differences[key] = self._differing(kind, numbers)
        return self._differences[key]

    def _differing(self, kind: Kind, numbers: Mapping[str, float]) -> frozenset[str]:
        names = frozenset(numbers) - {"eta", "N"} - of_time(self.method)
        if kind == METHOD:
            return names - needed_as_numbers(self.method, self.problem.dim or 0, numbers)
        equation = self.equation(kind)
        if equation is None or (equation.form is None and not isinstance(equation, RuleSDE)):
            return frozenset()
        return names - {s.name for e in equation.expressions for s in special_symbols(e)}


def family_of(experiment: Experiment) -> tuple[Family, dict[str, float]]:
    """The family of an experiment with one step size, and the experiment's numbers by name, without eta."""
    problem = experiment.problems[0]
    for kinds in ((*OPENED, "method"), OPENED):  # the number of steps between averages cannot be a symbol
        fields, numbers = _opened(problem, kinds)
        family = _family(json.dumps(fields, sort_keys=True))
        if family is not None:
            break
    else:
        return _closed(problem), {}
    numbers = {name: value for name, value in numbers.items() if name in family.names}
    of_the_user = problem.params or any(spec.entry.owner is not None for spec in problem.specs.values())
    if of_the_user and not _stands_for(family, numbers, problem):
        return _closed(problem), {}
    return family, {name: float(value) for name, value in numbers.items()}


def _stands_for(family: Family, numbers: Mapping[str, Fraction], problem: Problem) -> bool:
    """Whether the family's method with these numbers is the experiment's own.

    A user's piece may treat a number and a letter differently, and a scale of 0 leaves no noise. For the built-in pieces, whose
    numbers in a specification are not 0, a test shows that the two methods are equal.
    """
    try:
        specialised = specialise(family.method, numbers)
    except Exception:  # a piece may raise any exception; the experiment is then solved with its own numbers
        return False
    return specialised == problem.method and family.method.noise.law.degenerate == problem.method.noise.law.degenerate


@lru_cache(maxsize=4096)
def _false(condition: Any, values: tuple[tuple[str, float | None], ...]) -> bool:
    return specialise(condition, {name: value for name, value in values if value is not None}).met is False


@lru_cache(maxsize=1024)
def _undecided(family: Family, model: Model) -> list[tuple[Condition, list[str]]]:
    """The conditions of the equation that hold for some numbers only, each with the names of those numbers."""
    equation = family.equation(model)
    conditions = () if equation is None else equation.conditions
    return [(c, sorted(map(str, c.left.free_symbols | c.right.free_symbols))) for c in conditions if c.met is None]


def _opened(problem: Problem, kinds: Iterable[str]) -> tuple[dict[str, Any], dict[str, Fraction]]:
    """The fields of a family with symbols in the specifications of these kinds, and the numbers of the symbols."""
    fields: dict[str, Any] = {kind: spec.text for kind, spec in problem.specs.items()}
    if problem.table is not None:
        fields["method"] = {name: value for name, value in problem.table.to_dict().items() if value is not None}
    fields |= {"dim": problem.dim, "clients": "N", "regime": problem.regime}
    numbers = {"N": Fraction(int(problem.method.clients))}
    if len(problem.method.noise.scales) > 1:  # different scales are different expressions, one for each client
        fields["clients"] = int(problem.method.clients)
        del numbers["N"]
    for kind in kinds:
        if kind in problem.specs:
            opened, values = problem.specs[kind].opened(kind)
            fields[kind] = opened.text
            numbers |= values
    numbers |= dict(problem.params)
    return {name: value for name, value in fields.items() if value is not None}, numbers


@lru_cache(maxsize=1024)
def _family(fields: str) -> Family | None:
    """The family with these fields; None if its pieces do not accept symbols."""
    try:
        return Family(fields, problem(json.loads(fields)))
    except Exception:  # a user's piece that needs a number may raise any exception
        return None


def _closed(problem: Problem) -> Family:
    """The family of a single experiment, with its numbers filled in."""
    fields = problem.to_dict()
    key = repr(sorted((name, repr(fields.get(name))) for name in (*_STRUCTURE, "clients", "params")))
    return _first_of_equals(Family(key, problem))


#: maps equal families to the first one, whose caches are filled
_first_of_equals = Memo(lambda family: family, 1024)


def _derived(key: tuple[Family, Model]) -> SDE | None:
    family, model = key
    problem = family.problem
    try:
        equation = sde(problem.method, model, problem.loss, problem.dim)
        return None if isinstance(equation, RuleSDE) and equation.rule is None else equation
    except Exception:  # the experiment's own derivation gives the reason, with its numbers
        return None


_equation = Memo(_derived, 1024)
