"""Functions of one real variable in a certificate (FORMAT.md, "Balls"): balls, derivatives, normal forms, values, limits."""

from collections.abc import Callable
from typing import Any

from flint import arb, ctx, fmpq

from sdescent.derive.proof.replay.algebra import Algebra, Budget, Context, Key, Poly, Unreadable
from sdescent.derive.proof.replay.terms import Terms, check


def value_of(name: str, t: arb) -> arb:
    """A ball that contains f(s) for every s in the ball t, not finite if f is undefined there; for all functions except abs."""
    return psi(t) if name == "psi" else getattr(t, name)()


def psi(t: arb) -> arb:
    """A ball that contains psi(s) for every s in the ball t: the union of its values at both ends, since psi increases."""
    if not t.is_finite():
        return arb("nan")
    return _at(t.lower()).union(_at(t.upper()))


def _at(t: arb) -> arb:
    """A ball for psi at the point that the ball t encloses.

    The definition is used if |t| >= 1. Near 0 it cancels, so otherwise the series psi(t) = sum t^k/(k + 2)! is summed. Each term
    after the first n is at most |t|/(n + 2) <= 1/2 of its predecessor, so the remaining terms add up to at most twice the next one.
    """
    if abs(t) >= 1:
        return (t.exp() - 1 - t) / t**2
    total, term, n = arb(0), arb(1) / 2, 0
    while n < 2 or not abs(term) * 2 < arb(2) ** -(ctx.prec + 8):
        total, n = total + term, n + 1
        term = term * t / (n + 2)
    return total + arb(0, 2 * abs(term).upper())


Pair = tuple[Poly, Poly]


def total(algebra: Algebra, first: Pair, second: Pair) -> Pair:
    """(p + q)' = p' + q'."""
    (p, dp), (q, dq) = first, second
    return algebra.add(p, q), algebra.add(dp, dq)


def product(algebra: Algebra, first: Pair, second: Pair) -> Pair:
    """(p q)' = p' q + p q'."""
    (p, dp), (q, dq) = first, second
    return algebra.mul(p, q), algebra.add(algebra.mul(dp, q), algebra.mul(p, dq))


def power(algebra: Algebra, base: Pair, n: int) -> Pair:
    """(p^n)' = n p^(n-1) p'."""
    p, dp = base
    return algebra.power(p, n), algebra.scale(algebra.mul(algebra.power(p, n - 1), dp), fmpq(n)) if n else {}


def reciprocal(algebra: Algebra, of: Pair) -> Pair:
    """(1/q)' = -q' (1/q)^2 if q is not 0. 1/q is the inverse of the polynomial q, and nothing cancels."""
    q, dq = of
    inverse = algebra.inverse(q)
    return inverse, algebra.mul(algebra.scale(dq, fmpq(-1)), algebra.power(inverse, 2))


def function(algebra: Algebra, name: str, of: Pair) -> Pair:
    """f(q)' = f'(q) q', provided 0 < q if f is log or sqrt."""
    q, dq = of
    value = algebra.function(name, q)
    return value, algebra.mul(OUTER[name](algebra, q, value), dq)


def chain(algebra: Algebra, p: Poly, slope: Callable[[int], Poly]) -> Poly:
    """The sum of (dp/da) slope(a) over the atoms a of the polynomial p, without atoms that depend on no letter."""
    out: Poly = {}
    for m, c in p.items():
        pairs = algebra.monomials[m]
        for position, (a, n) in enumerate(pairs):
            if algebra.atoms[a].deps:
                others = pairs[:position] + (((a, n - 1),) if n > 1 else ()) + pairs[position + 1 :]
                algebra.accumulate(out, algebra.mul({algebra.monomial(others): c * n}, slope(a)))
    return out


def _bell(algebra: Algebra, q: Poly) -> Poly:
    """erf' = 2/sqrt(pi) exp(-q^2)."""
    bell = algebra.function("exp", algebra.scale(algebra.power(q, 2), fmpq(-1)))
    return algebra.mul(algebra.scale(bell, fmpq(2)), algebra.inverse(algebra.function("sqrt", algebra.pi())))


#: f -> f'(q) from q and f(q); abs is missing, since it has no derivative at 0
OUTER: dict[str, Callable[[Algebra, Poly, Poly], Poly]] = {
    "exp": lambda algebra, q, value: value,
    "log": lambda algebra, q, value: algebra.inverse(q),
    "sqrt": lambda algebra, q, value: algebra.scale(algebra.inverse(value), fmpq(1, 2)),
    "atan": lambda algebra, q, value: algebra.inverse(algebra.add(algebra.number(1), algebra.power(q, 2))),
    "erf": lambda algebra, q, value: _bell(algebra, q),
    "tanh": lambda algebra, q, value: algebra.sub(algebra.number(1), algebra.power(value, 2)),
}


PLAIN = ("q", "x", "+", "*", "^", "/", "f", "pi")
ODD = ("atan", "erf", "tanh")
POINT_BITS, MAX_POWER = 256, 400
Size = tuple[fmpq, Poly] | None  # (d, c): ~ c x^d at +oo, c shown nonzero; None: small, o(x^-n) for every n


class Forms(Terms):
    """Functions of the one symbol `variable`. This depends on the letter t here, and numbers are the terms without a letter."""

    def __init__(self, work: Budget, variable: str, deep: bool) -> None:
        super().__init__(Context({variable: "time"}), work, deep)
        self.variable = variable
        self.x = self.symbol(variable)
        self.signs: dict[Key, int] = {}  # monic Q -> its sign on [low, high], as shown by the domain
        self._opening = False  # whether tanh is being replaced
        self._decided: dict[Key, int] = {}
        self._resolved: dict[int, Poly | None] = {}
        self._slopes: dict[int, Poly] = {}

    def read(self, raw: Any) -> Poly:
        """The normal form of a term from outside, after a check that it has no symbol but the variable, no abs, operator or F."""
        todo = [raw]
        while todo:
            node = todo.pop()
            tag = node[0] if type(node) is list and node else None
            if type(tag) is not str or tag not in PLAIN or (tag == "f" and node[1:2] == ["abs"]):
                raise Unreadable(
                    "a term of a ball has another symbol than its variable, abs, an operator or a function F"
                )
            todo += {"q": [], "x": [], "^": node[1:2], "f": node[2:]}.get(tag, node[1:])
        p = self.term(raw)
        check(all(n <= MAX_POWER for m in p for _, n in self.monomials[m]), f"a power is above {MAX_POWER}")
        return p

    # -- normal forms

    def collect(self, powers: dict[int, int]) -> tuple[tuple[int, int], ...]:
        """The canonical monomial of prod a^n, in which exp(p)^m exp(q)^n becomes the one atom exp(m p + n q)."""
        exps = [(a, n) for a, n in powers.items() if self.atoms[a].head[:2] == ("f", "exp")]
        if len(exps) > 1 or any(n != 1 for _, n in exps):
            argument: Poly = {}
            for a, n in exps:
                del powers[a]
                argument = self.add(argument, self.scale(dict(self.atoms[a].head[2]), fmpq(n)))
            for m in self.function("exp", argument):  # one monomial with coefficient 1
                powers |= dict(self.monomials[m])
        return tuple(sorted(powers.items()))

    def mul(self, p: Poly, q: Poly) -> Poly:
        return self.resolve(super().mul(p, q))

    def resolve(self, p: Poly) -> Poly:
        """Replace sqrt(Q)^2 by Q if 0 < Q is shown, in place: the polynomial belongs to the caller."""
        with_roots = [m for m in p if self._resolve_monomial(m) is not None]
        for m, c in [(m, p.pop(m)) for m in with_roots]:
            self.accumulate(p, self._resolved[m] or {}, c)
        return p

    def _resolve_monomial(self, m: int) -> Poly | None:
        """prod sqrt(Q)^n = prod sqrt(Q)^(n mod 2) Q^(n div 2); None if the monomial has no square of a root with Q > 0."""
        if m in self._resolved:
            return self._resolved[m]
        pairs = self.monomials[m]
        roots = {a: n for a, n in pairs if n > 1 and self._positive_root(a)}
        result: Poly | None = None
        if roots:
            others = tuple((a, n % 2 if a in roots else n) for a, n in pairs if a not in roots or n % 2)
            result = {self.monomial(others): fmpq(1)}
            for a, n in roots.items():
                result = self.mul(result, self.power(dict(self.atoms[a].head[2]), n // 2))
        self._resolved[m] = result
        return result

    def _positive_root(self, a: int) -> bool:
        head = self.atoms[a].head
        return head[:2] == ("f", "sqrt") and self.positive(dict(head[2]))

    def inverse_of(self, a: int) -> Poly:
        """The inverse of an atom: 1/exp(p) = exp(-p), and 1/sqrt(Q) = sqrt(Q) (1/Q) if 0 < Q is shown."""
        head = self.atoms[a].head
        if head[:2] == ("f", "exp"):
            return self.function("exp", self.scale(dict(head[2]), fmpq(-1)))
        if self._positive_root(a):
            return self.mul({self.monomial(((a, 1),)): fmpq(1)}, self.inverse(dict(head[2])))
        return super().inverse_of(a)

    def function(self, name: str, p: Poly) -> Poly:
        """f(p). atan, erf and tanh become -f(-p) if the first coefficient of p is < 0; in `untanh`, tanh is written with exp."""
        if self._opening and name == "tanh":
            small = super().function("exp", self.scale(p, fmpq(-2)))
            one = self.number(1)
            return self.mul(self.sub(one, small), self.inverse(self.add(one, small)))
        if name in ODD and p and p[min(p)] < 0:
            return self.scale(super().function(name, self.scale(p, fmpq(-1))), fmpq(-1))
        return super().function(name, p)

    def substitute(self, p: Poly, value: Poly) -> Poly:
        return self.replace(p, lambda tag, name: value)

    def untanh(self, p: Poly) -> Poly:
        """p with tanh(q) replaced by (1 - exp(-2q)) / (1 + exp(-2q)) throughout."""
        self._opening = True
        try:
            return self.replace(p, lambda tag, name: None)
        finally:
            self._opening = False

    def varies(self, p: Poly) -> bool:
        return self.deps(p) != 0

    # -- numbers, and what the domain has shown

    def sign(self, p: Poly) -> int:
        """The sign of a number: 1 or -1, or 0 if it is the rational 0 or 256 bits do not decide its sign."""
        if not p.keys() - {0}:
            c = p.get(0, fmpq(0))
            return (c > 0) - (c < 0)
        check(not self.varies(p), "not a number")
        key = self.key(p)
        if key not in self._decided:
            with ctx.workprec(POINT_BITS):
                value = self.enclose(p, arb(0), {})
                self._decided[key] = (value > 0) - (value < 0) if value.is_finite() else 0
        return self._decided[key]

    def has_sign(self, p: Poly, strict: bool) -> bool:
        """Whether a number is shown to be >= 0 (> 0 if `strict`)."""
        return self.sign(p) > 0 or (not p and not strict)

    def learn(self, p: Poly, sign: int) -> None:
        """Record that p has this sign on [low, high]. Normal forms use it from now on."""
        lead = p[min(p)]
        self.signs[self.key(self.scale(p, 1 / lead))] = sign if lead > 0 else -sign
        self.forget_forms()

    def forget_forms(self) -> None:
        """Forget the cached normal forms, which used the signs known when they were made."""
        self._resolved.clear()
        self._slopes.clear()
        self._written.clear()

    def sign_within(self, p: Poly) -> int:
        """The sign of p on [low, high] as far as it is shown, else 0."""
        if not self.varies(p):
            return self.sign(p)
        lead = p[min(p)]
        sign = self.signs.get(self.key(self.scale(p, 1 / lead)) if self.signs else (), 0)
        return sign if lead > 0 else -sign

    def positive(self, p: Poly) -> bool:
        return self.sign_within(p) > 0

    def within(self, p: Poly) -> Poly:
        """p itself, after a check that on [low, high] its denominators have no zero and its logarithms exist."""
        for atom in self.inside(p):
            head = atom.head
            if head[0] == "inv":
                apart = self.sign_within(dict(head[1])) != 0
                check(apart, "a denominator is not shown to have no zero: add it to the domain")
            elif head[:2] == ("f", "log") and atom.deps:
                positive = self.positive(dict(head[2]))
                check(positive, "the argument of a logarithm is not shown positive: add it to the domain")
        return p

    # -- values

    def enclose(self, p: Poly, at: arb, memo: dict[int, arb]) -> arb:
        """A ball that contains p(x) for every x in the ball `at`; it is not finite if p is undefined there."""
        total = arb(0)
        for m, c in p.items():
            value = arb(c)
            for a, n in self.monomials[m]:
                if a not in memo:
                    memo[a] = self._enclose_atom(self.atoms[a].head, at, memo)
                value *= self._enclose_power(memo[a], n)
            total += value
        return total

    def _enclose_power(self, value: arb, n: int) -> arb:
        """The power of a ball. An even power is computed from |value|, so that the ball does not reach below 0."""
        self.work.spend(1 + ctx.prec // 256)
        return value if n == 1 else abs(value) ** n if n % 2 == 0 else value**n

    def _enclose_atom(self, head: tuple, at: arb, memo: dict[int, arb]) -> arb:
        self.work.spend(10 + ctx.prec // 16)
        if head[0] == "x":
            return at
        if head[0] == "pi":
            return arb.pi()
        self.work.spend(ctx.prec if head[1] == "psi" else 0)  # psi sums about that many terms, at both ends
        inner = self.enclose(dict(head[-1]), at, memo)
        return 1 / inner if head[0] == "inv" else value_of(head[1], inner)

    # -- derivatives

    def derivative(self, p: Poly) -> Poly:
        """p', if the domain of p was checked when p came in, or p comes from such a function.

        If every sqrt has an argument > 0, p is a composition of smooth functions. The derivative divides only by positive terms
        (Q for log(Q) and sqrt(Q), 1 + q^2 for atan(q)) or nonzero terms (Q for 1/Q). psi has no derivative and no size here.
        """
        for atom in self.inside(p):
            varying_psi = atom.head[:2] == ("f", "psi") and atom.deps
            check(not varying_psi, "psi is derived: write it with exp, by the law psi_square")
            if atom.head[:2] == ("f", "sqrt") and atom.deps:
                check(self.positive(dict(atom.head[2])), "the argument of a root that is derived is not shown positive")
        return self._derivative(p)

    def _derivative(self, p: Poly) -> Poly:
        return self.resolve(chain(self, p, self._slope))

    def _slope(self, a: int) -> Poly:
        """The derivative of an atom, by `reciprocal` or `function`."""
        if a not in self._slopes:
            head = self.atoms[a].head
            if head[0] == "x":
                slope = self.number(1)
            else:
                q = dict(head[-1])
                inner = (q, self._derivative(q))
                _, slope = reciprocal(self, inner) if head[0] == "inv" else function(self, head[1], inner)
            self._slopes[a] = slope
        return self._slopes[a]

    # -- limits

    def limit(self, p: Poly) -> Poly:
        """lim p(x) as x -> +oo: the sum of the limits of the monomials, if every monomial has a size and none grows."""
        total: Poly = {}
        for m, c in p.items():
            size = self._size_of_monomial(m, c)
            check(size is None or size[0] <= 0, "a monomial that grows")
            if size is not None and size[0] == 0:
                self.accumulate(total, size[1])
        return total

    def limit_left(self, p: Poly) -> Poly:
        """lim p(x) as x -> -oo, by p(-x). The signs shown on [low, high] do not hold for -x, so they are put aside."""
        signs, self.signs = self.signs, {}
        self.forget_forms()
        try:
            return self.limit(self.substitute(p, self.scale(self.x, fmpq(-1))))
        finally:
            self.signs = signs
            self.forget_forms()

    def _size(self, p: Poly) -> Size:
        """The size of a sum: its largest degree and the sum of the coefficients there, if nonzero; small terms add nothing."""
        sizes = [size for size in (self._size_of_monomial(m, c) for m, c in p.items()) if size is not None]
        if not sizes:
            return None
        degree = max(d for d, _ in sizes)
        lead = self.add(*(c for d, c in sizes if d == degree))
        check(self.sign(lead) != 0, "a leading coefficient that may be 0")
        return degree, lead

    def _size_of_monomial(self, m: int, c: fmpq) -> Size:
        """The product of the sizes. A small factor makes the product small, since the other factors grow at most like a power."""
        degree, factor, small = fmpq(0), self.number(c), False
        for a, n in self.monomials[m]:
            size = self._size_of_atom(a)
            if size is None:
                small = True
            else:
                degree, factor = degree + n * size[0], self.mul(factor, self.power(size[1], n))
        return None if small else (degree, factor)

    def _size_of_atom(self, a: int) -> Size:
        atom, one, zero = self.atoms[a], self.number(1), fmpq(0)
        head = atom.head
        if not atom.deps:
            itself = {self.monomial(((a, 1),)): fmpq(1)}
            check(self.sign(itself) != 0, "a factor that may be 0")
            return zero, itself
        if head[0] == "x":
            return fmpq(1), one
        size = self._size(dict(head[-1]))
        name = "inv" if head[0] == "inv" else head[1]
        if size is None:
            check(name == "exp", "an atom of unknown size")
            return zero, one
        degree, lead = size
        sign = self.sign(lead)
        if name == "inv":
            return -degree, self.inverse(lead)
        if name == "sqrt" and sign > 0:
            return degree / 2, self.function("sqrt", lead)
        if name == "exp" and degree > 0 and sign < 0:
            return None
        if name == "exp" and degree < 0:
            return zero, one
        if name in ("exp", *ODD) and degree == 0:
            return zero, self.function(name, lead)
        check(name in ODD and degree > 0, "an atom of unknown size")
        limit = self.scale(self.pi(), fmpq(1, 2)) if name == "atan" else one
        return zero, self.scale(limit, fmpq(sign))
