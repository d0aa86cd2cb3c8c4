"""Claims about products: 0 <= a product, by the signs of its factors, and A_1 A_2 .. <= c B_1 B_2 .., variable by variable.

In the second kind each factor is a function of one variable. A_v <= k_v B_v is proved with 0 <= A_v or, if A_v has no
fixed sign, -k_v B_v <= A_v, for simple numbers k_v near the suprema of A_v / B_v whose product is at most c.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import prod

from sdescent.derive.proof.claims.branch import ZERO, quietly, symbols
from sdescent.derive.proof.claims.one_variable import Interval, OneVariable
from sdescent.derive.proof.claims.separable import Split, curved, factors
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, num, times, x
from sdescent.derive.proof.search.intervals.extrema import least, points_of, rational_near, simplest_between, value_of

ONE = num(1)
#: if the constant is relatively this close to the best one, only exact numbers prove the claim
SHARP = Fraction(1, 10**14)


@dataclass(frozen=True)
class Product:
    """A number times one factor for each variable."""

    number: Fraction
    factors: dict[str, Term]


@dataclass(frozen=True)
class Ratio:
    """The functions A_v and B_v with the approximate supremum of A_v / B_v, or of |A_v| / B_v if A_v has no fixed sign."""

    small: Term
    large: Term
    supremum: Fraction
    signed: bool


@dataclass(frozen=True)
class Bounds:
    """The bounds |P| <= Q, or 0 <= P <= Q if `signed`, as the facts P <= Q, 0 <= P or -Q <= P, and 0 <= Q."""

    small: Term
    large: Term
    above: Fact
    below: Fact
    positive: Fact
    signed: bool


class Factored(Split):
    """Proofs from the signs of factors."""

    def prove(self, claim: Relation) -> Fact | None:
        """The fact 0 <= c * f^n * .. (or <) from the signs of all factors, except even powers if the claim is <=."""
        lead, powers = factors(self.branch, claim.slack)
        if not lead or len(powers) + sum(n > 1 for _, n in powers) < 2:
            return None
        strict = claim.op == "<"
        # polynomials first: their signs are proved fast
        ordered = sorted(powers, key=lambda f: (curved(self.branch, [f[0]]), len(self.branch.normal.polynomial(f[0]))))
        sign, members, squares = (1 if lead > 0 else -1), list[Fact](), list[Term]()
        odd = [k for k, (_, n) in enumerate(ordered) if n % 2 or strict]
        for k, (f, n) in enumerate(ordered):
            if n % 2 == 0 and not strict:
                squares.append(f ** (n // 2))
                continue
            # the other factors determine the sign that the last odd power must have
            signed = self._signed(f, strict, (sign,) if odd and k == odd[-1] and n % 2 else (1, -1))
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
            fact = self.solve(self.branch, Relation(("<" if strict else "<=", ZERO, sign * f)), self.seconds / 2)
            if fact is not None:
                return fact, sign
        return None


class Products(Split):
    """Proofs of inequalities between products, from relations in one variable."""

    def prove(self, claim: Relation) -> Fact | None:
        for small, large in self._sides(claim):
            names = list({**small.factors, **large.factors})
            if len(names) < 2 or not curved(self.branch, [*small.factors.values(), *large.factors.values()]):
                continue
            intervals = {name: OneVariable(self.branch, self.seconds).interval(x(name)) for name in names}
            ratios = [self._ratio(name, small, large, intervals[name]) for name in names]
            complete = [r for r in ratios if r is not None]
            if len(complete) == len(ratios):
                proof = self._compared(claim, small.number, large.number, complete)
                if proof is not None:
                    return proof
        return None

    def _sides(self, claim: Relation) -> Iterator[tuple[Product, Product]]:
        """The pairs (small, large): the sides of the claim, the negative and positive monomials of its slack, the negated sides."""
        normal = self.branch.normal
        poly = normal.polynomial(claim.slack)
        negative = normal.term({m: -c for m, c in poly.items() if c < 0})
        positive = normal.term({m: c for m, c in poly.items() if c > 0})
        tried: list[tuple[Product, Product]] = []
        minus = num(-1)
        for left, right in ((claim.left, claim.right), (negative, positive), (minus * claim.right, minus * claim.left)):
            small, large = sides = self._product(left), self._product(right)
            if small is not None and large is not None and large.number > 0 and sides not in tried:
                tried.append((small, large))
                yield small, large

    def _product(self, t: Term) -> Product | None:
        """The term as a product of factors in one variable each, with mostly positive samples; None if there is no such product."""
        lead, powers = factors(self.branch, t)
        grouped: dict[str, Term] = {}
        for f, n in powers:
            names = symbols(f)
            if len(names) != 1:
                return None
            name = names.pop()
            grouped[name] = times(grouped[name], f**n) if name in grouped else f**n
        for name, f in grouped.items():
            if self._mostly_negative(name, f):
                grouped[name], lead = num(-1) * f, -lead
        return Product(lead, grouped) if lead else None

    def _mostly_negative(self, name: str, f: Term) -> bool:
        interval = OneVariable(self.branch, self.seconds).interval(x(name))
        try:
            values = [value_of(f, name, p) for p in points_of(interval.low, interval.high)]
        except ProofError:
            return False
        return sum(v < 0 for v in values if v is not None) > sum(v > 0 for v in values if v is not None)

    def _ratio(self, name: str, small: Product, large: Product, interval: Interval) -> Ratio | None:
        a, b = small.factors.get(name, ONE), large.factors.get(name, ONE)
        terms = a, num(-1) * a / b, a / b
        lowest, falls, rises = (quietly(partial(least, t, name, interval.low, interval.high)) for t in terms)
        if falls is None:
            return None
        if lowest is not None and lowest.value >= 0:
            return Ratio(a, b, -falls.value, True)
        return None if rises is None else Ratio(a, b, max(-falls.value, -rises.value), False)

    def _compared(self, claim: Relation, small: Fraction, large: Fraction, ratios: Sequence[Ratio]) -> Fact | None:
        """The claim from A_v <= k_v B_v for all v."""
        best = prod((r.supremum for r in ratios), start=Fraction(1))
        if best <= 0 or abs(small) * best > large * (1 + SHARP):
            return None
        spare = large / (abs(small) * best) - 1
        bounds: list[Bounds] = []
        for r in ratios:
            if spare > SHARP:
                share = r.supremum * min(spare, Fraction(1)) / (2 * len(ratios))
                k = simplest_between(r.supremum + share / 10, r.supremum + share)
            else:
                k = rational_near(r.supremum) or r.supremum.limit_denominator(10**20)
            bound = self._bounds(r, k, claim.op == "<")
            if bound is None:
                return None
            bounds.append(bound)
        whole = bounds[0]
        for other in bounds[1:]:
            whole = self._multiplied(whole, other)
        return self._certified(claim, small, whole, times(*(r.large for r in ratios)), bounds)

    def _certified(self, claim: Relation, small: Fraction, whole: Bounds, plain: Term, bounds: list[Bounds]) -> Fact:
        """The claim from |d| times P <= Q (P's lower bound if d = `small` is < 0) and a multiple of the product of all B_v."""
        normal, bound = self.branch.normal, whole.above if small > 0 else whole.below
        remainder = normal.polynomial(claim.slack - num(abs(small)) * bound.claim.slack)
        facts: list[Fact] = [bound]
        members: list[tuple[Fraction, tuple[int, ...], tuple[Term, ...]]] = [(abs(small), (0,), ())]
        if remainder:
            base = normal.polynomial(plain)
            monomial = next(iter(base))
            # 0 <= k_v B_v gives 0 <= B_v
            scale = remainder.get(monomial, Fraction(0)) / base[monomial]
            for b in bounds:
                facts.append(b.positive)
                # b.large is a term k B
                scale /= Fraction(b.large[1][1]) if b.large[0] == "*" and b.large[1][0] == "q" else 1
            members.append((scale, tuple(range(1, len(facts))), ()))
        return self.branch.kernel.certify(claim, facts, sum=members)

    def _bounds(self, r: Ratio, k: Fraction, strict: bool) -> Bounds | None:
        """The bounds A <= k B, 0 <= A (or -k B <= A) and 0 <= k B; in a strict claim each is strict if the search proves it."""
        large = Term(("*", num(k), r.large))
        facts: list[Fact] = []
        for low, high in [(r.small, large), (ZERO, r.small) if r.signed else (num(-1) * large, r.small), (ZERO, large)]:
            fact = self.solve(self.branch, low.lt(high), self.seconds / 4) if strict else None
            fact = fact or self.solve(self.branch, low.le(high), self.seconds / 2)
            if fact is None:
                return None
            facts.append(fact)
        return Bounds(r.small, large, facts[0], facts[1], facts[2], r.signed)

    def _multiplied(self, p: Bounds, q: Bounds) -> Bounds:
        """The bounds of a product: Q L - P A = (Q - P) L + P (L - A), or ((Q - P)(L + A) + (Q + P)(L - A))/2 without signs."""
        small, large = p.small * q.small, p.large * q.large
        certify, half, one = self.branch.kernel.certify, Fraction(1, 2), Fraction(1)
        positive = certify(ZERO.le(large), [p.positive, q.positive], sum=[(one, (0, 1), ())])
        signed = p.signed and q.signed
        facts = [p.above, q.above, p.below, q.below, q.positive, p.positive]
        if p.signed:
            # P >= 0: Q L - P A = (Q - P) L + P (L - A)
            high, low = [(one, (0, 4), ()), (one, (2, 1), ())], [(one, (0, 4), ()), (one, (2, 3), ())]
        elif q.signed:
            # A >= 0: Q L - P A = Q (L - A) + A (Q - P)
            high, low = [(one, (5, 1), ()), (one, (3, 0), ())], [(one, (5, 1), ()), (one, (3, 2), ())]
        else:
            high, low = [(half, (0, 3), ()), (half, (2, 1), ())], [(half, (0, 1), ()), (half, (2, 3), ())]
        above = self._strictly(small, large, facts, high)
        if signed:
            below = certify(ZERO.le(small), [p.below, q.below], sum=[(one, (0, 1), ())])
        else:
            below = self._strictly(num(-1) * large, small, facts, low)
        return Bounds(small, large, above, below, positive, signed)

    def _strictly(self, low: Term, high: Term, facts: Sequence[Fact], members: Sequence[object]) -> Fact:
        """The fact low < high if the premises give it, else low <= high."""
        try:
            return self.branch.kernel.certify(low.lt(high), facts, sum=members)
        except ProofError:
            return self.branch.kernel.certify(low.le(high), facts, sum=members)
