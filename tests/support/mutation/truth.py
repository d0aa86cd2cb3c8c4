"""What mutants are, true or false: decided by exact points, z3 and balls, apart from the search and the kernel."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import z3
from flint import arb, fmpq

from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, term
from sdescent.derive.proof.search.ring import CertifyStep

Poly = Mapping[tuple[tuple[int, int], ...], Fraction]
Point = dict[int, Fraction]
#: what became of a mutant: proved and true, proved and false (never), not proved and false, true, or neither shown
TRUE, FALSE, OPEN = "true", "false", "open"


class Truth:
    """Whether claims follow from premises, decided without search and kernel."""

    def __init__(self, normal: Normal, premises: Sequence[Relation], seed: int = 0) -> None:
        self.normal = normal
        self.premises = [(r.op, normal.polynomial(r.slack)) for r in premises]
        self.random = random.Random(seed)
        self.points: list[Point] | None = None
        self.variables: dict[int, Any] = {}

    def decide(self, claim: Relation, known: Relation | None, milliseconds: int) -> tuple[str, str]:
        """TRUE, FALSE or OPEN, and by what; `known` is what the step itself proves."""
        own = (claim.op, self.normal.polynomial(claim.slack))
        if self._sample(own) is not None:
            return FALSE, "a point"
        first = [] if known is None else [(known.op, self.normal.polynomial(known.slack))]
        if first and self._z3(first, own, milliseconds // 2) == "unsat":
            return TRUE, "weaker than the original"
        answer = self._z3(self.premises, own, milliseconds)
        if answer == "unsat":
            return TRUE, "z3"
        if answer == "sat":
            return FALSE, "z3"
        if first and self._z3([*self.premises, *first], own, milliseconds) == "unsat":
            return TRUE, "z3 with the original"
        return OPEN, ""

    # exact points

    def _sample(self, own: tuple[str, Poly]) -> Point | None:
        if self.points is None:
            self.points = list(self._satisfying())
        return next((p for p in self.points if not self._says(own, self._filled(own[1], p))), None)

    def _filled(self, poly: Poly, point: Point) -> Point:
        """The point with values for atoms that no premise mentions."""
        missing = {a for m in poly for a, _ in m} - set(point)
        return point if not missing else {**point, **{a: self._value() for a in sorted(missing)}}

    def _satisfying(self) -> Iterator[Point]:
        """Points that satisfy the premises: equalities are solved for an atom, one-signed atoms keep their sign."""
        atoms = sorted({a for _, p in self.premises for m in p for a, _ in m})
        found = 0
        for n in range(600):
            size = self.random.choice((1, 1, 3, 20))
            point = {a: self._value(size) for a in atoms}
            solved: set[int] = set()
            for op, poly in self.premises:
                if op in ("<=", "<") and not self._says((op, poly), point):
                    self._repair(op, poly, point, solved)
            for op, poly in self.premises:
                if op == "==":
                    self._repair(op, poly, point, solved)
            if all(self._says(r, point) for r in self.premises):
                found += 1
                yield point
            if found >= 60 or (n >= 200 and not found):
                return

    def _repair(self, op: str, poly: Poly, point: Point, solved: set[int]) -> None:
        """Moves one atom that stands linearly, so that the relation holds."""
        atoms = sorted({a for m in poly for a, _ in m} - solved)
        self.random.shuffle(atoms)
        for a in atoms:
            if any(dict(m).get(a, 0) > 1 for m in poly):
                continue
            slope = self._at({tuple(f for f in m if f[0] != a): c for m, c in poly.items() if dict(m).get(a)}, point)
            rest = self._at({m: c for m, c in poly.items() if not dict(m).get(a)}, point)
            if slope:
                above = self.random.choice((0, 0, Fraction(1, 10), 1)) + (Fraction(1, 100) if op == "<" else 0)
                point[a] = ((0 if op == "==" else above) - rest) / slope
                if op == "==":
                    solved.add(a)
                return

    def _value(self, size: int = 3) -> Fraction:
        if self.random.random() < 0.15:
            return Fraction(self.random.choice((0, 1, 1, -1)))
        return Fraction(self.random.randint(-size * 2, size * 6), self.random.choice((1, 2, 3, 10)))

    @staticmethod
    def _at(poly: Poly, point: Point) -> Fraction:
        total = Fraction(0)
        for m, c in poly.items():
            for a, n in m:
                c = c * point[a] ** n
            total += c
        return total

    def _says(self, relation: tuple[str, Poly], point: Point) -> bool:
        slack = self._at(relation[1], point)
        return {"<=": slack >= 0, "<": slack > 0, "==": slack == 0, "!=": slack != 0}[relation[0]]

    # z3

    def _z3(self, premises: Sequence[tuple[str, Poly]], own: tuple[str, Poly], milliseconds: int) -> str:
        solver = z3.SolverFor("QF_NRA")
        solver.set("timeout", max(milliseconds, 1))
        solver.set("random_seed", 0)
        for relation in premises:
            solver.add(self._formula(relation))
        solver.add(z3.Not(self._formula(own)))
        return str(solver.check())

    def _formula(self, relation: tuple[str, Poly]) -> Any:
        total = z3.Sum([self._product(m, c) for m, c in relation[1].items()] or [z3.RealVal(0)])
        return {"<=": total >= 0, "<": total > 0, "==": total == 0, "!=": total != 0}[relation[0]]

    def _product(self, monomial: tuple[tuple[int, int], ...], c: Fraction) -> Any:
        product = z3.RealVal(c)
        for a, n in monomial:
            for _ in range(n):
                product = product * self.variables.setdefault(a, z3.Real(f"a{a}"))
        return product

    # the certificate itself

    def identity(self, claim: Relation, found: CertifyStep) -> bool:
        """The certificate, evaluated at points: mult (r - l) = sum + equalities, of the shape that the rule asks for."""
        polys = [p for _, p in self.premises]
        ops = [op for op, _ in self.premises]
        strict = [all(ops[n] == "<" for n in used) and not squares for _, used, squares in found.mult]
        positive = [all(ops[n] == "<" for n in used) and not squares for _, used, squares in found.sum]
        cones = [*found.mult, *found.sum]
        if not any(strict) or any(c <= 0 or any(ops[n] not in ("<", "<=") for n in used) for c, used, _ in cones):
            return False
        if (claim.op == "==" and found.sum) or (claim.op == "<" and not any(positive)):
            return False
        if any(ops[n] != "==" for n, _ in found.equalities):
            return False
        slack = self.normal.polynomial(claim.slack)
        squares = {s: self.normal.polynomial(term(s)) for _, _, many in cones for s in many}
        factors = [(n, self.normal.polynomial(term(t))) for n, t in found.equalities]
        atoms = {a for p in [*polys, slack, *squares.values(), *(f for _, f in factors)] for m in p for a, _ in m}

        def cone(members: Sequence[Any], point: Point) -> Fraction:
            total = Fraction(0)
            for c, used, many in members:
                for n in used:
                    c = c * self._at(polys[n], point)
                for s in many:
                    c = c * self._at(squares[s], point) ** 2
                total += c
            return total

        for _ in range(4):
            point = {a: Fraction(self.random.randint(-(10**9), 10**9), self.random.randint(1, 99)) for a in atoms}
            right = cone(found.sum, point) + sum(self._at(f, point) * self._at(polys[n], point) for n, f in factors)
            if cone(found.mult, point) * self._at(slack, point) != right:
                return False
        return True


def violated(phi: Term, low: Fraction | None, high: Fraction | None) -> Fraction | None:
    """A point of the interval where phi is negative for certain, in balls of 300 bits."""
    for at in sampled(low, high):
        try:
            if ball_at(phi, at) < 0:
                return at
        except ZeroDivisionError:
            continue
    return None


def sampled(low: Fraction | None, high: Fraction | None) -> list[Fraction]:
    """Points of an interval: its ends, close to them, within, and far out."""
    near = [Fraction(k, 10**n) for n in range(1, 31) for k in (1, 3)]
    far = [Fraction(k, 8) for k in range(1, 120)] + [Fraction(2**n) for n in range(4, 24)]
    if low is not None and high is not None:
        inner = [low + (high - low) * Fraction(k, 120) for k in range(121)]
        return [*inner, *(low + e for e in near if low + e <= high), *(high - e for e in near if high - e >= low)]
    if low is not None:
        return [low, *(low + e for e in [*near, *far])]
    if high is not None:
        return [high, *(high - e for e in [*near, *far])]
    return [Fraction(0), *(s * e for e in [*near, *far] for s in (1, -1))]


def ball_at(t: Term, at: Fraction) -> arb:
    """A term over one variable, as a ball."""
    head, inner = t[0], [ball_at(a, at) for a in t[1:] if isinstance(a, Term)]
    if head == "q":
        return arb(fmpq(*Fraction(t[1]).as_integer_ratio()))
    if head == "x":
        return arb(fmpq(*at.as_integer_ratio()))
    if head == "pi":
        return arb.pi()
    if head == "+":
        return sum(inner, arb(0))
    if head == "*":
        return math.prod(inner, start=arb(1))
    if head == "^":
        return inner[0] ** t[2] if t[2] else arb(1)
    if head == "/":
        if inner[1] == 0:  # 1/0 = 0
            return arb(0)
        return inner[0] / inner[1]
    return {"abs": abs}.get(t[1], lambda v: getattr(v, t[1])())(inner[0])
