"""Relations without quotients: a fact multiplied by its denominators, and back."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from sdescent.derive.proof.claims.branch import ZERO, Branch
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.normal import Polynomial, added, multiplied, power, scaled
from sdescent.derive.proof.language.terms import Relation, Term

_ONE = Fraction(1)


@dataclass(frozen=True)
class _Step:
    """One denominator p of a relation 0 <= S, whose highest power is k, and C = |p|^k S, which does not contain 1/p.

    |p|^k S - C = (p (1/p) - 1) T.

    Args:
        base: p.
        signed: the fact 0 < p or p < 0.
        count: k.
        cleared: the relation 0 <= C.
        rest: T.
    """

    base: Term
    signed: Fact
    count: int
    cleared: Relation
    rest: Term


class Quotients:
    """Clears denominators, whose signs must be among the facts of the branch or follow quickly from them."""

    def __init__(self, branch: Branch) -> None:
        self.branch, self.kernel, self.normal = branch, branch.kernel, branch.kernel.normal

    def cleared(self, fact: Fact) -> Fact | None:
        """The fact without quotients; None if the sign of a denominator is not shown."""
        while self._denominators(fact.claim):
            step = self._step(fact.claim)
            if step is None:
                return None
            unit = self.kernel.inverse(step.base, step.signed)
            if fact.claim.op == "==":
                size = self._size(step) ** step.count
                fact = self.kernel.certify(step.cleared, [fact, unit], equalities=[(0, size), (1, step.rest)])
            else:
                positive = self._positive(step)
                numbers = (0, *([2] * step.count))
                fact = self.kernel.certify(
                    step.cleared, [fact, unit, positive], sum=[(_ONE, numbers, ())], equalities=[(1, step.rest)]
                )
        return fact

    def prove(self, claim: Relation, proof: Callable[[Relation], Fact | None]) -> Fact | None:
        """The claim, from a proof of it without quotients; None if there is none or the sign of a denominator is not shown."""
        steps: list[tuple[Relation, _Step]] = []
        plain = claim
        while self._denominators(plain):
            step = self._step(plain)
            if step is None:
                return None
            steps.append((plain, step))
            plain = step.cleared
        fact = proof(plain)
        if fact is None:
            return None
        for relation, step in reversed(steps):
            unit, positive = self.kernel.inverse(step.base, step.signed), self._positive(step)
            fact = self.kernel.certify(
                relation, [fact, unit, positive], [(_ONE, (2,) * step.count, ())], [(_ONE, (0,), ())], [(1, -step.rest)]
            )
        return fact

    def _denominators(self, relation: Relation) -> list[int]:
        """The atoms 1/p of a relation, without those inside of functions."""
        atoms = sorted(self.branch.outer_atoms(relation.slack))
        return [a for a in atoms if self.normal.key_of(a)[0] == "inv"]

    def _step(self, relation: Relation) -> _Step | None:
        atom = self._denominators(relation)[0]
        base: Polynomial = dict(self.normal.key_of(atom)[1])
        p, poly = self.normal.term(base), self.normal.polynomial(relation.slack)
        signed = self._sign(p)
        if signed is None:
            return None
        count = max(dict(m).get(atom, 0) for m in poly)
        unit = multiplied(base, {((atom, 1),): _ONE})
        cleared, rest = [], []
        for m, c in poly.items():
            n = dict(m).get(atom, 0)
            piece: Polynomial = {tuple((a, k) for a, k in m if a != atom): c}
            piece = multiplied(piece, power(base, count - n))
            cleared.append(piece)
            rest += [multiplied(piece, power(unit, j)) for j in range(n)]
        sign = Fraction(-1 if self._negative(signed, base) and count % 2 else 1)
        both = (self.normal.term(scaled(added(part), sign)) for part in (cleared, rest))
        numerator, remainder = both
        return _Step(p, signed, count, Relation((relation.op, ZERO, numerator)), remainder)

    def _sign(self, p: Term) -> Fact | None:
        """0 < p or p < 0, which joins the branch; None if neither is shown."""
        sides = ZERO.lt(p), p.lt(ZERO)
        constant = self.branch.about_constants()
        attempts = self.branch.fact_of, lambda r: self.branch.show(r, 1.0, constant, only=True)
        fact = next((f for attempt in attempts for side in sides if (f := attempt(side)) is not None), None)
        return None if fact is None else self.branch.add(fact)

    def _negative(self, signed: Fact, base: Polynomial) -> bool:
        """Whether a fact about the sign of p says p < 0."""
        return self.normal.polynomial(signed.claim.slack) != base

    def _size(self, step: _Step) -> Term:
        """|p|."""
        return -step.base if self._negative(step.signed, self.normal.polynomial(step.base)) else step.base

    def _positive(self, step: _Step) -> Fact:
        """0 < |p|."""
        return self.branch.restated(step.signed, ZERO.lt(self._size(step)))
