"""A claim whose slack is a product: the sign of each factor proves it."""

from __future__ import annotations

from sdescent.derive.proof.claims.branch import ZERO
from sdescent.derive.proof.claims.splitting import Split, curved, factors
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term


class Factored(Split):
    """Proofs from the signs of factors."""

    def prove(self, claim: Relation) -> Fact | None:
        """0 <= c * f^n * .. (or <) from the signs of all factors but even powers; those of the last factor is what is left."""
        lead, powers = factors(self.branch, claim.slack)
        if not lead or len(powers) + sum(n > 1 for _, n in powers) < 2:
            return None
        strict = claim.op == "<"
        # polynomials first: their signs are known fast
        ordered = sorted(powers, key=lambda f: (curved(self.branch, [f[0]]), len(self.branch.normal.polynomial(f[0]))))
        sign, members, squares = (1 if lead > 0 else -1), list[Fact](), list[Term]()
        odd = [k for k, (_, n) in enumerate(ordered) if n % 2 or strict]
        for k, (f, n) in enumerate(ordered):
            if n % 2 == 0 and not strict:
                squares.append(f ** (n // 2))
                continue
            # of the last factor only one sign will do, unless it stands in an even power
            signs = (sign,) if odd and k == odd[-1] and n % 2 else (1, -1)
            signed = self._signed(f, strict, signs)
            if signed is None:
                return None
            fact, factor_sign = signed
            sign *= factor_sign**n
            members += [fact] * n
        if sign < 0:
            return None
        cone = [(abs(lead), tuple(range(len(members))), tuple(squares))]
        return self.branch.kernel.certify(claim, members, sum=cone)

    def _signed(self, f: Term, strict: bool, signs: tuple[int, ...]) -> tuple[Fact, int] | None:
        for sign in signs:
            goal = Relation(("<" if strict else "<=", ZERO, sign * f))
            fact = self.solve(self.branch, goal, self.seconds / 2)
            if fact is not None:
                return fact, sign
        return None
