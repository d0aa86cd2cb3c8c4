"""A claim whose slack is a product: the sign of each factor; or a sum of products that share the functions of one variable."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from derive.proof.claims.branch import ZERO, Branch, symbols
from derive.proof.claims.splitting import curved, factors
from derive.proof.kernel.rules import Fact
from derive.proof.language.normal import ONE, Monomial, Polynomial
from derive.proof.language.terms import Relation, Term

#: proves a relation in a branch within so many seconds
Solver = Callable[[Branch, Relation, float], Fact | None]


class Factored:
    """Proofs from the signs of factors.

    Args:
        solve: proves the sign of a factor.
    """

    def __init__(self, branch: Branch, solve: Solver, seconds: float) -> None:
        self.branch, self.solve, self.seconds = branch, solve, seconds

    def prove(self, claim: Relation) -> Fact | None:
        """0 <= c * f^n * .. (or <) from the signs of all factors but even powers; those of the last factor is what is left."""
        lead, found = factors(self.branch, claim.slack)
        if not lead or len(found) + sum(n > 1 for _, n in found) < 2:
            return None
        strict = claim.op == "<"
        # polynomials first: their signs are known fast
        ordered = sorted(found, key=lambda f: (curved(self.branch, [f[0]]), len(self.branch.normal.polynomial(f[0]))))
        sign, members, squares = (1 if lead > 0 else -1), list[Fact](), list[Term]()
        odd = [k for k, (_, n) in enumerate(ordered) if n % 2 or strict]
        for k, (f, n) in enumerate(ordered):
            if n % 2 == 0 and not strict:
                squares.append(f ** (n // 2))
                continue
            # of the last factor only one sign will do, unless it stands in an even power
            signs = (sign,) if odd and k == odd[-1] and n % 2 else (1, -1)
            shown = self._signed(f, strict, signs)
            if shown is None:
                return None
            fact, own = shown
            sign *= own**n
            members += [fact] * n
        if sign < 0:
            return None
        cone = [(abs(lead), tuple(range(len(members))), tuple(squares))]
        return self.branch.kernel.certify(claim, members, sum=cone)

    def _signed(self, f: Term, strict: bool, signs: tuple[int, ...]) -> tuple[Fact, int] | None:
        for sign in signs:
            goal = Relation(("<" if strict else "<=", ZERO, sign * f))
            found = self.solve(self.branch, goal, self.seconds / 2)
            if found is not None:
                return found, sign
        return None

    def collected(self, claim: Relation) -> Fact | None:
        """0 <= sum of m_k psi_k (or <), with psi_k in one variable and m_k without it, from 0 <= m_k and 0 <= psi_k."""
        poly = self.branch.normal.polynomial(claim.slack)
        for name in sorted(symbols(claim.slack)):
            groups = self._groups(poly, name)
            if groups is not None and len(groups) > 1 and any(m for m in groups):
                found = self._sum(claim, groups)
                if found is not None:
                    return found
        return None

    def _groups(self, poly: Polynomial, name: str) -> dict[Monomial, Polynomial] | None:
        """m -> psi; None where an atom holds the variable and others."""
        normal = self.branch.normal
        groups: dict[Monomial, Polynomial] = {}
        for monomial, c in poly.items():
            names = [symbols(normal.atom(a)) for a, _ in monomial]
            if any(name in own and len(own) > 1 for own in names):
                return None
            inside = tuple(f for f, own in zip(monomial, names, strict=True) if own == {name})
            groups.setdefault(tuple(f for f in monomial if f not in inside), {})[inside] = c
        return groups

    def _sum(self, claim: Relation, groups: dict[Monomial, Polynomial]) -> Fact | None:
        branch, normal = self.branch, self.branch.normal
        facts: list[Fact] = []
        members: list[tuple[Fraction, tuple[int, ...], tuple[Term, ...]]] = []
        for m, psi in sorted(groups.items(), key=lambda g: curved(branch, [normal.term(g[1])])):
            sign = None if m == ONE else self._signed(normal.term({m: Fraction(1)}), False, (1, -1))
            if m != ONE and sign is None:
                return None
            factor = Fraction(1) if sign is None else Fraction(sign[1])
            shown = self._signed(normal.term({k: c * factor for k, c in psi.items()}), claim.op == "<" and m == ONE, (1,))
            shown = shown or self._signed(normal.term({k: c * factor for k, c in psi.items()}), False, (1,))
            if shown is None:
                return None
            premises = [f for f in (None if sign is None else sign[0], shown[0]) if f is not None]
            members.append((Fraction(1), tuple(range(len(facts), len(facts) + len(premises))), ()))
            facts += premises
        return branch.kernel.certify(claim, facts, sum=members)
