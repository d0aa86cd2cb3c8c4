"""Proofs of inequalities between forms: claim = multiples of facts + a sum of squares + multiples of zeros, found over QQ.

The claim may contain unknown coefficients, such as those of a potential or of a rate, which several identities may share. The proof
is a conic problem (`sdescent.derive.proof.search.conic`), rounded to rational numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import fmpq

from sdescent.derive.proof.gram.forms import Form, Monomial, Vector, dot_of, square, vectors_in
from sdescent.derive.proof.search.conic import Block, ConicProblem, squares


@dataclass(frozen=True)
class Identity:
    """goal + sum of unknown coefficients times forms = sum of multipliers >= 0 times facts + squares + multiples of zeros.

    Args:
        goal: the part of the claim with known coefficients.
        facts: name -> a form that is >= 0.
        unknown: name of an unknown coefficient -> its form.
        zeros: forms that vanish.
    """

    goal: Form
    facts: Mapping[Any, Form]
    unknown: Mapping[Any, Form] = field(default_factory=dict)
    zeros: Sequence[Form] = ()

    @property
    def vectors(self) -> list[str]:
        """The vectors whose combinations may be squared: those whose own square occurs, since nothing else could cancel it."""
        forms = [self.goal, *self.unknown.values(), *self.facts.values(), *self.zeros]
        squared = {m[1] for form in forms for m in form if m[0] == "dot" and m[1] == m[2]}
        return [v for v in vectors_in(forms) if v in squared]

    def useful(self) -> Identity:
        """The identity without facts of which no multiple can occur, since nothing cancels one of their terms.

        An interior point of the conic problem has a positive multiplier for each fact.
        """
        free = {m for form in (self.goal, *self.unknown.values(), *self.zeros) for m in form}
        facts = dict(self.facts)
        while True:
            signs: dict[Monomial, set[bool]] = {}
            for m, c in ((m, c) for form in facts.values() for m, c in form.items()):
                signs.setdefault(m, set()).add(c > 0)
            idle = {m for m, both in signs.items() if m[0] != "dot" and m not in free and len(both) == 1}
            kept = {name: form for name, form in facts.items() if not idle & set(form)}
            if len(kept) == len(facts):
                return Identity(self.goal, facts, self.unknown, self.zeros)
            facts = kept

    def keeping(self, facts: Sequence[Any]) -> Identity:
        """The identity with these facts alone."""
        return Identity(self.goal, {name: self.facts[name] for name in facts}, self.unknown, self.zeros)


@dataclass(frozen=True)
class Proof:
    """The coefficients of one identity.

    Args:
        multipliers: fact -> its positive multiplier.
        zeros: the multiple of each zero.
        squares: (positive coefficient, vector whose square it multiplies).
    """

    multipliers: Mapping[Any, Any]
    zeros: tuple[Any, ...]
    squares: tuple[tuple[Any, Vector], ...]

    def proves(self, identity: Identity, unknown: Mapping[Any, Any]) -> bool:
        """Whether the identity holds with these coefficients, by expansion."""
        rest = Form(identity.goal)
        for name, form in identity.unknown.items():
            rest = rest + form * unknown[name]
        for name, c in self.multipliers.items():
            rest = rest - identity.facts[name] * c
        for form, c in zip(identity.zeros, self.zeros, strict=True):
            rest = rest - form * c
        for d, v in self.squares:
            rest = rest - square(v) * d
        return not rest


@dataclass(frozen=True)
class Solution:
    """Exact values of the unknown coefficients, and a proof of each identity."""

    unknown: Mapping[Any, Any]
    proofs: tuple[Proof, ...]
    #: the exact unknowns of the conic problem
    values: tuple[Any, ...]


class Search:
    """The conic problem of several identities.

    Args:
        identities: the identities.
        signs: unknown coefficient -> "+", "0" or "free" as for `ConicProblem`.
    """

    def __init__(self, identities: Sequence[Identity], signs: Mapping[Any, str] | None = None) -> None:
        self.identities, self.problem = list(identities), ConicProblem()
        names = {name: None for one in identities for name in one.unknown}
        self.unknown = {name: self.problem.scalar((signs or {}).get(name, "free")) for name in names}
        self.multipliers: list[dict[Any, int]] = []
        self.free: list[list[int]] = []
        self.grams: list[tuple[Block, list[str]]] = []
        for one in self.identities:
            self._enter(one)

    def _enter(self, one: Identity) -> None:
        problem, vectors = self.problem, one.vectors
        rows: dict[Monomial, dict[int, Any]] = {}

        def enter(k: int, form: Mapping[Monomial, Any], factor: int) -> None:
            for m, c in form.items():
                row = rows.setdefault(m, {})
                row[k] = row.get(k, fmpq(0)) + c * factor

        for name, form in one.unknown.items():
            enter(self.unknown[name], form, -1)
        multipliers = {name: problem.scalar() for name in one.facts}
        for name, k in multipliers.items():
            enter(k, one.facts[name], 1)
        free = [problem.scalar("free") for _ in one.zeros]
        for k, form in zip(free, one.zeros, strict=True):
            enter(k, form, 1)
        block = problem.block(len(vectors))
        for i, j in block.places:
            enter(block.at(i, j), {dot_of(vectors[i], vectors[j]): fmpq(1)}, 1 if i == j else 2)
        for m in {**rows, **one.goal}:
            problem.equation(rows.get(m, {}), one.goal.get(m, 0))
        self.multipliers.append(multipliers)
        self.free.append(free)
        self.grams.append((block, vectors))

    def normalised(self, names: Sequence[Any] = ()) -> None:
        """Require that all multipliers, the traces of all blocks and the unknown coefficients `names` add up to 1."""
        row = {k: 1 for table in self.multipliers for k in table.values()}
        row |= {block.at(i, i): 1 for block, _ in self.grams for i in range(block.order)}
        self.problem.equation(row | {self.unknown[name]: 1 for name in names}, 1)

    def interior(self, tolerance: float = 1e-11) -> tuple[Any, float] | None:
        """A point far from the border, and its distance from it; None if the solver fails."""
        return self.problem.interior(tolerance)

    def least(self, cost: Mapping[Any, float], tolerance: float = 1e-10) -> Any | None:
        """The unknowns of the conic problem with the least cost, in floating point."""
        return self.problem.optimum({self.unknown[name]: c for name, c in cost.items()}, tolerance=tolerance)

    def exact(self, x: Any) -> Solution | None:
        """An exact solution near an interior point, or None."""
        values = self.problem.rounded(x)
        return None if values is None else self.solution(values)

    def on_face(self, cost: Mapping[Any, float], value: Mapping[Any, Any], **limits: Any) -> Solution | None:
        """An exact solution at the optimum of a cost, where the unknown coefficients have the given values."""
        rows = [({self.unknown[name]: fmpq(1)}, v) for name, v in value.items()]
        values = self.problem.on_face({self.unknown[name]: c for name, c in cost.items()}, rows, **limits)
        return None if values is None else self.solution(values)

    def solution(self, values: Sequence[Any]) -> Solution | None:
        """The solution with these exact unknowns, checked by expansion."""
        proofs = []
        unknown = {name: values[k] for name, k in self.unknown.items()}
        for one, table, free, (block, vectors) in zip(
            self.identities, self.multipliers, self.free, self.grams, strict=True
        ):
            terms = squares(block.matrix(values))
            if terms is None or any(values[k] < 0 for k in table.values()):
                return None
            named = tuple((d, Vector({v: c for v, c in zip(vectors, row, strict=True) if c != 0})) for d, row in terms)
            multipliers = {name: values[k] for name, k in table.items() if values[k] != 0}
            proof = Proof(multipliers, tuple(values[k] for k in free), named)
            if not proof.proves(one, unknown):
                return None
            proofs.append(proof)
        return Solution(unknown, tuple(proofs), tuple(values))


def rational(value: float, limit: int = 2000) -> Any:
    """The rational number with a denominator of at most `limit` nearest to a float."""
    near = Fraction(value).limit_denominator(limit)
    return fmpq(near.numerator, near.denominator)
