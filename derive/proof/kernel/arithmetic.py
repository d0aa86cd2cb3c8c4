"""The rules of arithmetic: certify and inverse. Trusted, as part of the kernel."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.language.context import ProofError, exact
from sdescent.derive.proof.language.normal import Polynomial, added, freeze, multiplied, power, scaled
from sdescent.derive.proof.language.terms import Relation, Term, num
from sdescent.derive.proof.language.text import Printer
from sdescent.derive.proof.language.tidy import tidy

#: how much of an identity's remainder its error message shows: monomials, characters
MOST_SHOWN, MOST_LETTERS = 8, 300


class Arithmetic(RuleGroup):
    """Rules that hold in every ordered field."""

    def certify(
        self, claim: Relation, premises: Sequence[Fact] = (), mult: Sequence[Any] = ((Fraction(1), (), ()),),
        sum: Sequence[Any] = (), equalities: Sequence[Any] = (),
    ) -> Fact:  # fmt: skip
        """The one rule of algebra: the sign of r - l, from a polynomial identity that anybody can multiply out.

            H_n |- 0 <= p_n  (or 0 < p_n, or e_n == 0)      mult * (r - l) = sum + sum_n t_n e_n
            ------------------------------------------------------------------------------------
                                              H_1, H_2, .. |- l <= r

        mult and sum are cones: sums of c * prod p_n * prod s^2 with rational c > 0, slacks p_n of premises <= and <,
        and any terms s. The t_n are any terms; e_n is the right side minus the left side of a premise ==. The identity is
        one of normal forms.

        Side conditions: mult is strict, that is, one of its members has no square and only slacks of strict premises
        (the empty product will do). For l < r the sum is strict too; for l == r it is empty.

        Sound: a positive multiple of r - l is shown to be >= 0 (> 0, = 0), whatever the atoms stand for. By the
        Positivstellensatz (Stengle 1974) every sign that follows from polynomial premises has such a certificate;
        soundness does not need this theorem.

        Raises:
            ProofError: a coefficient, a premise or the claim is not of the form above, or the identity fails.
        """
        facts = self._premises(premises)
        self.context.check_relation(claim)
        mult, sum, equalities = (exact(tuple(part)) for part in (mult, sum, equalities))
        multiplier, strict = self._cone(mult, facts)
        total, positive = self._cone(sum, facts)
        if not strict or claim.op == "!=" or (claim.op == "<" and not positive) or (claim.op == "==" and len(sum)):
            raise ProofError("the multiplier is not positive, or the sum is not of the kind that the claim needs")
        pieces = [multiplied(multiplier, self.normal.polynomial(claim.slack)), scaled(total, Fraction(-1))]
        for number, factor in equalities:
            if self._of(facts, number).claim.op != "==":
                raise ProofError("only equalities have multipliers of any sign: put <= and < into the sum")
            slack = self.normal.polynomial(facts[number].claim.slack)
            pieces.append(scaled(multiplied(self._poly(factor), slack), Fraction(-1)))
        if rest := added(pieces):
            raise ProofError(f"the identity of the certificate does not hold; left over: {self._left_over(rest)}")
        return self._fact("certify", claim, facts, {"mult": mult, "sum": sum, "equalities": equalities})

    def _left_over(self, rest: Polynomial) -> str:
        """The remainder mult * (r - l) - sum - equalities as text: its first monomials, ordered by number of factors."""
        first = sorted(rest, key=lambda m: (sum(n for _, n in m), m))[:MOST_SHOWN]
        text = Printer(self.context).term(tidy(self.normal.term({m: rest[m] for m in first})))
        more = f" and {len(rest) - len(first)} more" if len(rest) > len(first) else ""
        return (text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS] + " ..") + more

    def _cone(self, members: Sequence[Any], facts: tuple[Fact, ...]) -> tuple[Polynomial, bool]:
        """The sum of c * prod slack * prod square^2, and whether it is certainly positive."""
        total, positive = [], False
        for c, numbers, squares in members:
            if type(c) is not Fraction or c <= 0:
                raise ProofError(f"coefficients of cones are positive Fractions, and {c!r} is not one")
            used = [self._of(facts, n) for n in numbers]
            if any(f.claim.op not in ("<=", "<") for f in used):
                raise ProofError("only inequalities stand in products: put == into the equalities")
            product = self._poly(num(c))
            for f in used:
                product = multiplied(product, self.normal.polynomial(f.claim.slack))
            for s in squares:
                product = multiplied(product, power(self._poly(s), 2))
            total.append(product)
            positive = positive or (not len(squares) and all(f.claim.op == "<" for f in used))
        return added(total), positive

    @staticmethod
    def _of(facts: tuple[Fact, ...], number: Any) -> Fact:
        if type(number) is not int or not 0 <= number < len(facts):
            raise ProofError(f"a premise that is not there: number {number!r} of {len(facts)}")
        return facts[number]

    def inverse(self, of: Term, premise: Fact) -> Fact:
        """The product of p and its inverse is 1, provided p is not 0.

                H |- p != 0
            --------------------      (0 < p or p < 0 will do)
            H |- p * (1/p) == 1

        Sound: 1/p is the inverse of p wherever p is not 0. (By convention 1/0 = 0, so the premise is needed.)

        Raises:
            ProofError: the premise says neither 0 < p nor p < 0 nor p != 0; normal forms are compared.
        """
        (fact,) = self._premises([premise], 1)
        poly, slack = self._poly(of), self.normal.polynomial(fact.claim.slack)
        if fact.claim.op not in ("<", "!=") or freeze(slack) not in (freeze(poly), freeze(scaled(poly, Fraction(-1)))):
            raise ProofError("division needs a premise that the denominator is not 0: 0 < p, p < 0 or p != 0")
        return self._fact("inverse", (of * (1 / of)).eq(1), [fact], {"of": of})
