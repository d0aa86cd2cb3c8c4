"""Relations of the proof grammar in a model, where letters and norms stand for SymPy expressions from the engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import sympy as sp

from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.proof.language.terms import Relation, Term
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
