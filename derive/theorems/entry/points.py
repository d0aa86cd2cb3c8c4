"""Relations of the proof grammar in a model, and relations of a theorem at an exact point."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

import sympy as sp

from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, norm, num, x
from sdescent.derive.proof.refute.exact import NoValue, Values
from sdescent.derive.vocabulary.formulas.special import Psi

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": sp.sqrt, "exp": sp.exp, "log": sp.log, "atan": sp.atan, "erf": sp.erf, "tanh": sp.tanh, "abs": sp.Abs,
    "psi": Psi,
}  # fmt: skip


@dataclass(frozen=True)
class Meaning:
    """The meaning of atoms for d coordinates and N clients. Nothing is random, so an expectation equals its argument.

    Args:
        values: the values of symbols, norms, traces, ..; a tuple has an entry for each coordinate, or for each client if the symbol
            is in `clients`.
        clients: the symbols that have a value for each client.
        functions: name -> declared function.
        coordinates, count: the numbers d and N.
    """

    values: Mapping[Term, Any]
    clients: frozenset[Term] = frozenset()
    functions: Mapping[str, Callable[[sp.Expr], sp.Expr]] = field(default_factory=dict)
    coordinates: int = 1
    count: int = 1

    def value(self, t: Term, j: int = 0, k: int = 0) -> sp.Expr:
        """The value of a term at coordinate j and client k.

        Raises:
            ValueError: a part of the term has no meaning here.
        """
        if t in self.values:
            meaning = self.values[t]
            return sp.sympify(meaning[k if t in self.clients else j] if isinstance(meaning, tuple) else meaning)
        head = t[0]
        if head == "q":
            return sp.Rational(t[1])
        if head == "pi":
            return sp.pi
        if head == "S":
            return sp.Add(*[self.value(t[1], i, k) for i in range(self.coordinates)])
        if head == "C":
            return sp.Add(*[self.value(t[1], j, i) for i in range(self.count)])
        if head == "E":
            return self.value(t[1], j, k)
        if head == "^":
            return self.value(t[1], j, k) ** t[2]
        if head == "F" and t[1] in self.functions:
            return self.functions[t[1]](self.value(t[2], j, k))
        if head == "f":
            return _FUNCTIONS[t[1]](self.value(t[2], j, k))
        if head not in ("+", "*", "/"):
            raise ValueError(f"{t} has no meaning here")
        args = [self.value(a, j, k) for a in t[1:]]
        return sp.Add(*args) if head == "+" else sp.Mul(*args) if head == "*" else args[0] / args[1]

    def holds(self, relation: Relation) -> bool:
        """Whether an equation holds at every coordinate and client."""
        places = product(range(self.coordinates), range(self.count))
        return all(vanishes(self.value(relation.left, j, k) - self.value(relation.right, j, k)) for j, k in places)


Point = Mapping[Term, Fraction | int]


def value(t: Term, at: Point) -> str:
    """The value of a term at a point, as text.

    Raises:
        ProofError: an atom has no value, the value is not rational, or the point is outside the domain.
    """
    values, names = _values(at)
    try:
        number = values.value(_put(t, names))
    except NoValue:
        raise ProofError(f"no exact value of {t} at the point") from None
    if not number.is_constant():
        raise ProofError(f"the value of {t} is not rational")
    return str(number)


def holds(relation: Relation, at: Point) -> bool:
    """Whether a relation holds exactly at a point; ProofError if an atom has no value or the point is outside the domain."""
    values, names = _values(at)
    left, right = (_put(side, names) for side in (relation.left, relation.right))
    try:
        return values.holds(Relation((relation.op, left, right)))
    except NoValue:
        raise ProofError(f"no exact value of {relation} at the point") from None


def _values(at: Point) -> tuple[Values, dict[Term, Term]]:
    names = {atom: f"p{n}" for n, atom in enumerate(at)}
    return Values({names[atom]: Fraction(v) for atom, v in at.items()}), {atom: x(name) for atom, name in names.items()}


def _put(t: Term, names: Mapping[Term, Term]) -> Term:
    """A term with fresh symbols for its atoms and without operators, as if T = d = N = 1 and nothing were random or moved."""
    if t in names:
        return names[t]
    if t[0] in OPERATORS:
        return _put(t[1], names)
    if t[0] == "xi":
        return _put(x(t[1]), names)
    if t[0] == "dot" and t[1] == t[2]:
        return _put(norm(t[1]), names) ** 2
    if t[0] in ("q", "pi"):
        return num(t[1]) if t[0] == "q" else t
    if t[0] not in ("+", "*", "^", "/", "f"):
        raise ProofError(f"the point has no value for {t}")
    return Term(_put(a, names) if isinstance(a, Term) else a for a in t)
