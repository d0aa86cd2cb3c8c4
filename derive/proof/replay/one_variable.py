"""The rule `ball`: 0 <= phi on an interval, by a tree of one-variable arguments (FORMAT.md, "Balls").

Each node reduces its claim to claims about other functions or smaller intervals; the docstring of its method says why. The leaves
are signs of numbers, signs of coefficients, and enclosures in Arb.
"""

from math import comb
from typing import Any

from flint import arb, ctx, fmpq

from sdescent.derive.proof.replay.algebra import Invalid, Poly, Unreadable
from sdescent.derive.proof.replay.logic_and_algebra import Rules
from sdescent.derive.proof.replay.one_variable_forms import Forms
from sdescent.derive.proof.replay.terms import NAME, Relation, Step, check, fields, items, rational

End = fmpq | None  # None: the interval is infinite there
WEAK, OPEN, STRICT = 0, 1, 2  # the claim on [a, b]: 0 <= p; 0 < p except perhaps at a; 0 < p
MAX_BITS, MAX_DEGREE, MAX_DEPTH, MAX_TREES, MAX_END = 4096, 400, 60, 20_000, 200


def end_of(raw: Any) -> fmpq:
    if type(raw) is str and len(raw) > MAX_END:
        raise Unreadable(f"the end of an interval has more than {MAX_END} characters")
    return rational(raw)


class Ball(Forms):
    """A checker of proofs of p >= 0 (> 0) by trees."""

    depth = -1
    trees = 0

    def prove(self, p: Poly, a: End, b: End, tree: Any, want: int) -> None:
        self.work.spend(1)
        node = items(tree)
        handler = TREES.get(node[0]) if node and type(node[0]) is str else None
        if handler is None or len(node) != handler[1]:
            raise Unreadable("a part of a ball's proof is not a tree of the format")
        self.trees += 1
        self.depth += 1
        try:
            check(self.trees <= MAX_TREES and self.depth <= MAX_DEPTH, "the proof of a ball is too large or too deep")
            handler[0](self, p, a, b, node, want)
        finally:
            self.depth -= 1

    def by_eval(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """The enclosure of p over a ball that contains [a, b] contains all its values there."""
        if type(node[1]) is not int or not 2 <= node[1] <= MAX_BITS:
            raise Unreadable("the bits of eval are not an integer from 2 to 4096")
        if a is None or b is None:
            raise Invalid("eval on an interval that is not bounded: only a bounded one has an enclosure")
        with ctx.workprec(node[1]):
            value = self.enclose(p, arb(a).union(arb(b)), {})
            above = value.is_finite() and bool(value > 0 if want else value >= 0)
            check(above, "the ball is too coarse: it does not lie above 0")

    def by_split(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """[a, b] is the union of [a, c] and [c, b]."""
        c = end_of(node[1])
        check((a is None or a < c) and (b is None or c < b), "the point of a split is not inside")
        self.prove(p, a, c, node[2], want)
        self.prove(p, c, b, node[3], STRICT if want else WEAK)

    def at_end(self, p: Poly, end: End, strict: bool) -> None:
        if end is None:
            raise Invalid("up or down from an end that is infinite")
        check(self.has_sign(self.substitute(p, self.number(end)), strict), "the sign at an end is not shown")

    def by_up(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """p(x) = p(a) + (x - a) p'(y) with a < y < x: p(a) >= 0 (> 0) and p' >= 0 suffice."""
        self.at_end(p, a, want > WEAK)
        self.prove(self.derivative(p), a, b, node[1], WEAK)

    def by_up_open(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """p(x) = p(a) + (x - a) p'(y) with a < y < x: p(a) >= 0 and p' > 0 on (a, b] suffice for p > 0 there."""
        check(want == OPEN, "up_open is for 0 < p where the left end is left out")
        self.at_end(p, a, False)
        self.prove(self.derivative(p), a, b, node[1], OPEN)

    def by_down(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """p(x) = p(b) - (b - x) p'(y) with x < y < b: p(b) >= 0 (> 0) and p' <= 0 suffice."""
        self.at_end(p, b, want > WEAK)
        self.prove(self.scale(self.derivative(p), fmpq(-1)), a, b, node[1], WEAK)

    def by_limit(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """A function that is nonincreasing (strictly decreasing) towards an infinite end is >= (>) its limit there."""
        slope = self.derivative(p)
        check((a is None) != (b is None), "limit is for one infinite end")
        value = self.limit(p) if b is None else self.limit_left(p)
        check(self.has_sign(value, False), "the limit is not shown to be >= 0")
        self.prove(self.scale(slope, fmpq(-1 if b is None else 1)), a, b, node[1], STRICT if want else WEAK)

    def by_coeffs(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """p is a polynomial in y >= 0 with coefficients >= 0 (the constant one > 0), for x = a + y or x = b - y."""
        ((only, _),) = self.monomials[min(self.x)]
        coefficients: dict[int, Poly] = {}
        for m, c in p.items():
            powers = dict(self.monomials[m])
            degree = powers.pop(only, 0)
            number = {self.monomial(tuple(powers.items())): c}
            polynomial = not self.varies(number) and degree <= MAX_DEGREE
            check(polynomial, "not a polynomial of degree <= 400 with number coefficients")
            self.accumulate(coefficients.setdefault(degree, {}), number)
        top = max(coefficients, default=0)
        ends = [(a, 1), (b, -1)] if top else [(fmpq(0), 1)]
        fine = any(self._nonnegative(coefficients, top, end, sign, want) for end, sign in ends if end is not None)
        check(fine, "a coefficient is not shown to be >= 0")

    def _nonnegative(self, coefficients: dict[int, Poly], top: int, end: fmpq, sign: int, want: int) -> bool:
        """Whether sum c_k (end + sign y)^k is shown to have coefficients >= 0 in y, the constant one > 0 unless `want` is WEAK."""
        for j in range(top + 1):
            total: Poly = {}
            for k in range(j, top + 1):
                self.accumulate(total, coefficients.get(k, {}), sign**j * comb(k, j) * end ** (k - j))
            if not self.has_sign(total, want > WEAK and j == 0):
                return False
        return True

    def single(self, p: Poly, name: str) -> Poly:
        """Q, if p = c f(Q) with a rational c > 0; raises Invalid otherwise."""
        for m, c in p.items():
            for a, n in self.monomials[m]:
                if len(p) == len(self.monomials[m]) == n == 1 and c > 0 and self.atoms[a].head[:2] == ("f", name):
                    return dict(self.atoms[a].head[2])
        raise Invalid(f"not c {name}(..) with c > 0")

    def by_exp(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """c exp(Q) > 0 for c > 0."""
        self.single(p, "exp")

    def by_sqrt(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """c sqrt(Q) >= 0 for c > 0, and > 0 if Q > 0 is shown."""
        q = self.single(p, "sqrt")
        check(want == WEAK or self.positive(q), "the argument of the root is not shown positive")

    def by_times(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """0 < m and 0 <= m p (0 < m p) give 0 <= p (0 < p)."""
        m = self.within(self.read(node[1]))
        self.prove(m, a, b, node[2], STRICT)
        self.prove(self.cleared(m, p), a, b, node[3], want)

    def cleared(self, m: Poly, p: Poly) -> Poly:
        """m p. As m has no zero, m mu = 1/c if 1/m = c mu with one monomial mu."""
        inverse, out = self.inverse(m), {}
        mu, scale = next(iter(inverse.items())) if len(inverse) == 1 else (None, fmpq(1))
        for k, c in p.items():
            powers = dict(self.monomials[k])
            divides = mu is not None and all(powers.get(a, 0) >= n for a, n in self.monomials[mu])
            if divides and mu is not None:
                for a, n in self.monomials[mu]:
                    powers[a] -= n
                rest = self.monomial(tuple((a, n) for a, n in powers.items() if n))
                self.accumulate(out, {rest: c / scale})
            else:
                self.accumulate(out, self.mul({k: c}, m))
        return self.resolve(out)

    def members(self, raw: Any) -> list[tuple[Poly, Any]]:
        pairs = [items(pair, 2) for pair in items(raw)]
        return [(self.within(self.read(term)), tree) for term, tree in pairs]

    def by_sum(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """A sum of terms >= 0 is >= 0, and > 0 if one of the terms is."""
        parts = self.members(node[1])
        check(self.add(*(q for q, _ in parts)) == p, "not the sum of the terms")
        weak: set[int] = set()

        def others(strict: int | None) -> None:
            for n, (q, tree) in enumerate(parts):
                if n != strict and n not in weak:
                    self.prove(q, a, b, tree, WEAK)
                    weak.add(n)

        if want == WEAK:
            return others(None)
        for n, (q, tree) in enumerate(parts):
            try:
                self.prove(q, a, b, tree, want)
                return others(n)
            except Invalid:
                continue
        raise Invalid("no member of the sum is shown to be > 0, with the others >= 0")

    def by_product(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """A product of factors >= 0 (> 0) is >= 0 (> 0)."""
        parts = self.members(node[1])
        product = self.number(1)
        for q, _ in parts:
            product = self.mul(product, q)
        check(product == p, "not the product of the terms")
        for q, tree in parts:
            self.prove(q, a, b, tree, want)

    def by_even(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """p(-x) = p(x) on a symmetric interval, where everything that the domain has shown holds at -x too."""
        symmetric = (a is None and b is None) or (a is not None and b is not None and a == -b)
        mirrored = self.substitute(p, self.scale(self.x, fmpq(-1)))
        check(symmetric and mirrored == p, "not even, or not on a symmetric interval")
        self.prove(p, fmpq(0), b, node[1], STRICT if want else WEAK)

    def by_tanh(self, p: Poly, a: End, b: End, node: list, want: int) -> None:
        """tanh written with exp; the denominator is > 1."""
        self.prove(self.untanh(p), a, b, node[1], want)


TREES = {
    "eval": (Ball.by_eval, 2),
    "split": (Ball.by_split, 4),
    "up": (Ball.by_up, 2),
    "up_open": (Ball.by_up_open, 2),
    "down": (Ball.by_down, 2),
    "limit": (Ball.by_limit, 2),
    "coeffs": (Ball.by_coeffs, 1),
    "exp": (Ball.by_exp, 1),
    "sqrt": (Ball.by_sqrt, 1),
    "times": (Ball.by_times, 4),
    "sum": (Ball.by_sum, 2),
    "product": (Ball.by_product, 2),
    "even": (Ball.by_even, 2),
    "tanh": (Ball.by_tanh, 2),
}


def leaves_left_end_out(proof: Any) -> bool:
    """Whether up_open occurs in the proof, so that the premise low < t is needed instead of low <= t."""
    todo = [proof]
    while todo:
        node = todo.pop()
        if type(node) is list and node:
            if node[0] == "up_open":
                return True
            todo += node
    return False


def ball(rules: Rules, step: Step) -> Relation:
    """The tree proves 0 <= phi (0 < phi) on [low, high], so it holds at x = t by the premises low <= t <= high."""
    keys = ("variable", "term", "strict", "low", "high", "domain", "proof", "at")
    variable, raw, strict, low_raw, high_raw, domain, proof, at_raw = fields(step.data, *keys)
    if type(variable) is not str or not NAME.fullmatch(variable) or type(strict) is not bool:
        raise Unreadable("the variable of a ball is not a name, or strict is not true or false")
    low, high = (None if end is None else end_of(end) for end in (low_raw, high_raw))
    check(low is None or high is None or low < high, "the interval is empty")
    terms = rules.terms
    at = terms.term(at_raw)

    ends = [] if low is None else [terms.sub(at, terms.number(low))]
    ends += [] if high is None else [terms.sub(terms.number(high), at)]
    for n, (fact, slack) in enumerate(zip(rules.premises(step, len(ends)), ends, strict=True)):
        rules.need(fact, slack, strict=n == 0 and low is not None and leaves_left_end_out(proof))

    prover = Ball(terms.work, variable, terms.deep)
    for entry in items(domain):
        q_raw, sign, tree = items(entry, 3)
        q = prover.within(prover.read(q_raw))
        prover.prove(rules.signed(sign, q), low, high, tree, STRICT)
        check(bool(q), "0 has no sign")
        prover.learn(q, sign)
    phi = prover.within(prover.read(raw))
    prover.prove(phi, low, high, proof, WEAK if not strict else STRICT if low is None else OPEN)
    return Relation("<" if strict else "<=", terms.term(raw, {variable: at}))
