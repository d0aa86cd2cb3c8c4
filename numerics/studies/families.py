"""Families of experiments: those that are one experiment but for numbers, and so have one compiled program.

A family is the problem of an experiment with symbols in place of the numbers of its noise, compressor and method, of the number of
clients and of a rule's constants. Its programs are given these numbers with each call
(`sdescent.numerics.simulate.parameters.constants`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, final

from sdescent.derive.derivation import SDE, RuleSDE, sde
from sdescent.derive.equations.step.moments import Condition
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.specialise import kept_scales, specialise, symbol_names
from sdescent.derive.reading.experiments import METHOD, Experiment
from sdescent.derive.reading.problems import Problem, problem
from sdescent.derive.vocabulary.choices import Kind, Model
from sdescent.numerics.backend.memo import Memo
from sdescent.numerics.laws.traceable import needed_as_numbers
from sdescent.numerics.lowering.to_jax import special_symbols
from sdescent.numerics.simulate.parameters import of_loss
from sdescent.numerics.simulate.update_rules.regimes import of_time, own_names

#: pieces whose numbers are always symbols
OPENED = ("noise", "compressor")
#: fields of a problem that a family has; the others are numbers
_STRUCTURE = ("method", "compressor", "noise", "loss", "schedule", "regime", "dim")


@final
@dataclass(frozen=True)
class Family:
    """Experiments that are one but for their numbers.

    Args:
        key: text that is equal for equal families.
        problem: with symbols in place of the numbers.
    """

    key: str
    problem: Problem

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Family) and self.key == other.key

    @property
    def method(self) -> Method:
        """The method, with symbols."""
        return self.problem.method

    @cached_property
    def names(self) -> set[str]:
        """Names of its numbers; of noise whose scale is 0 nothing is left."""
        own, method = self.problem, self.method
        return (
            {"N"}
            | symbol_names(method)
            | own_names(method)
            | set(kept_scales(method))
            | of_loss(own.loss, own.dim or 0)
        )

    def equation(self, model: Model) -> SDE | None:
        """The method's SDE with these symbols; None where it has no closed form with them, and numbers must be put in first."""
        return _equation((self, model))

    def exists(self, model: Model, numbers: Mapping[str, float]) -> bool:
        """Whether there is an equation with the symbols that can be solved, and none of its conditions is false at these numbers.

        One that is refuses them, or is one of accuracy alone.
        """
        if model not in self._conditions:
            equation, known = self.equation(model), None
            if equation is not None and _solvable(equation):
                known = [(c, _names(c)) for c in equation.conditions if c.met is None]
            self._conditions[model] = known
        found = self._conditions[model]
        return found is not None and not any(
            _false(c, tuple((name, numbers.get(name)) for name in names)) for c, names in found
        )

    def differing(self, kind: Kind, numbers: Mapping[str, float]) -> frozenset[str]:
        """Names of the numbers that may differ between the paths of one call.

        Not eta, N and those that the time of a step is made from, which decide on the loops of a program; not a number that a
        sampler needs as a number, or that a special function's table is made from.
        """
        asked = kind, tuple(numbers)
        if asked not in self._known:
            self._known[asked] = self._differing(kind, numbers)
        return self._known[asked]

    def _differing(self, kind: Kind, numbers: Mapping[str, float]) -> frozenset[str]:
        names = frozenset(numbers) - {"eta", "N"} - of_time(self.method)
        if kind == METHOD:
            return names - needed_as_numbers(self.method, self.problem.dim or 0, numbers)
        equation = self.equation(kind)
        if equation is None or not _solvable(equation) or (equation.form is None and not isinstance(equation, RuleSDE)):
            return frozenset()
        return names - {s.name for e in equation.expressions for s in special_symbols(e)}

    @cached_property
    def _known(self) -> dict[Any, frozenset[str]]:
        return {}

    @cached_property
    def _conditions(self) -> dict[Model, list[tuple[Condition, list[str]]] | None]:
        return {}


def family_of(asked: Experiment) -> tuple[Family, dict[str, float]]:
    """The family of an experiment with one step size, and the experiment's numbers by name, without eta."""
    own = asked.problems[0]
    for kinds in ((*OPENED, "method"), OPENED):  # a number of steps between averages cannot be a symbol
        fields, numbers = _opened(own, kinds)
        found = _family(json.dumps(fields, sort_keys=True))
        if found is not None:
            break
    else:
        return _closed(own), {}
    numbers = {name: value for name, value in numbers.items() if name in found.names}
    if (own.params or any(spec.entry.owner is not None for spec in own.specs.values())) and not _stands_for(
        found, numbers, own
    ):
        return _closed(own), {}
    return found, {name: float(value) for name, value in numbers.items()}


def _stands_for(family: Family, numbers: Mapping[str, Fraction], own: Problem) -> bool:
    """Whether the family's method with these numbers is the experiment's own.

    A piece of the user's may make something else of a number than of a letter, and a scale that is 0 leaves no noise. For the
    pieces built in, whose numbers in a specification are not 0, a test says that it is.
    """
    try:
        made = specialise(family.method, numbers)
    except Exception:  # whatever a piece raises; then the experiment is solved with its own numbers
        return False
    return made == own.method and family.method.noise.law.degenerate == own.method.noise.law.degenerate


def _solvable(equation: SDE) -> bool:
    """Whether an equation is not one of a rule that has no closed form with its symbols."""
    return not isinstance(equation, RuleSDE) or equation.rule is not None


@lru_cache(maxsize=4096)
def _false(condition: Any, values: tuple[tuple[str, float | None], ...]) -> bool:
    return specialise(condition, {name: value for name, value in values if value is not None}).met is False


def _names(condition: Condition) -> list[str]:
    return sorted(s.name for s in condition.left.free_symbols | condition.right.free_symbols)  # pyright: ignore[reportAttributeAccessIssue]


def _opened(own: Problem, kinds: Iterable[str]) -> tuple[dict[str, Any], dict[str, Fraction]]:
    """The fields of a family with symbols in specifications of these kinds, and the numbers that its symbols have."""
    fields: dict[str, Any] = {kind: spec.text for kind, spec in own.specs.items()}
    if own.table is not None:
        fields["method"] = {name: value for name, value in own.table.to_dict().items() if value is not None}
    fields |= {"dim": own.dim, "clients": "N", "regime": own.regime}
    numbers = {"N": Fraction(int(own.method.clients))}
    if len(own.method.noise.scales) > 1:  # different scales are different expressions, as many as there are clients
        fields["clients"] = int(own.method.clients)
        del numbers["N"]
    for kind in kinds:
        if kind in own.specs:
            opened, found = own.specs[kind].opened(kind)
            fields[kind] = opened.text
            numbers |= found
    numbers |= dict(own.params)
    return {name: value for name, value in fields.items() if value is not None}, numbers


@lru_cache(maxsize=1024)
def _family(fields: str) -> Family | None:
    """The family with these fields; None where the pieces cannot have symbols."""
    try:
        return Family(fields, problem(json.loads(fields)))
    except Exception:  # a piece of the user's that needs a number may raise anything
        return None


def _closed(problem: Problem) -> Family:
    """The family of one experiment alone, with its numbers in it."""
    fields = problem.to_dict()
    return _kept(
        Family(repr(sorted((name, repr(fields.get(name))) for name in (*_STRUCTURE, "clients", "params"))), problem)
    )


#: the first of equal families, which knows what was asked of it before
_kept = Memo(lambda family: family, 1024)


def _derived(asked: tuple[Family, Model]) -> SDE | None:
    family, model = asked
    own = family.problem
    try:
        return sde(own.method, model, own.loss, own.dim)
    except Exception:  # the experiment's own derivation says why, with its numbers
        return None


_equation = Memo(_derived, 1024)
