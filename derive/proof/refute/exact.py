"""Exact evaluation of terms at a point with rational or real algebraic coordinates, and counterexamples far out."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from math import isqrt
from typing import Any

import flint
from flint import Ordering, fmpq, fmpq_mpoly_ctx, fmpz, fmpz_poly
from flint.utils.flint_exceptions import DomainError

from sdescent.derive.proof.kernel.one_variable_forms import psi_ball
from sdescent.derive.proof.language.clock import now, spend
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, plus, substitute, times, x
from sdescent.derive.proof.language.text import show
from sdescent.derive.proof.search.intervals.extrema import extreme_points, points_of, value_of
from sdescent.derive.proof.search.ring import GiveUp, power, product, rational

#: from larger numbers under a root, only squares of primes below _SMALL are taken out
_FACTORED = 10**40
_SMALL = 1000


@dataclass(frozen=True)
class Algebraic:
    """The index-th real root, counted upwards from 1, of the polynomial with these coefficients, constant term first."""

    coefficients: tuple[int, ...]
    index: int

    def __str__(self) -> str:
        """The number in the grammar of claim files: (1 + sqrt(5))/2, or root(x^3 - 2, 1) for a degree above two."""
        if self.term is not None:
            return show(self.term)
        coefficients, index = self._minimal
        members: list[Term] = []
        for n, c in reversed(list(enumerate(coefficients))):
            power = x("x") ** n if n > 1 else x("x")
            members += [num(c) if not n else power if c == 1 else c * power] if c else []
        return f"root({show(plus(*members))}, {index})"

    @cached_property
    def term(self) -> Term | None:
        """The number as a term without variables, rational or with a square root; None for a degree above two."""
        coefficients, index = self._minimal
        if len(coefficients) == 2:
            return num(Fraction(-coefficients[0], coefficients[1]))
        if len(coefficients) == 3:
            c, b, a = coefficients
            return _quadratic(a, b, c, (index == 2) == (a > 0))
        return None

    @cached_property
    def _minimal(self) -> tuple[tuple[int, ...], int]:
        """The irreducible factor that has the number as a root, and the number's index among that factor's real roots."""
        factors = [p for p, _ in fmpz_poly(list(self.coefficients)).factor()[1]]
        if len(factors) == 1 and factors[0].degree() + 1 == len(self.coefficients):
            return self.coefficients, self.index
        bits = 64
        while True:
            ball = self.ball(bits)
            near = [(p, n) for p in factors for n, root in enumerate(_real_roots(p, bits), 1) if root.overlaps(ball)]
            if len(near) == 1:
                [(p, n)] = near
                return tuple(int(c) for c in p.coeffs()), n
            bits *= 2

    def ball(self, bits: int) -> Any:
        """An enclosure of the number as a ball of Arb."""
        return _real_roots(fmpz_poly(list(self.coefficients)), bits)[self.index - 1]

    def __float__(self) -> float:
        return float(self.ball(64).mid())


def _real_roots(p: Any, bits: int) -> list[Any]:
    """Enclosures of the real roots in ascending order."""
    with flint.ctx.workprec(bits):
        # flint gives real roots an imaginary part of exactly 0
        roots = [root.real for root, _ in p.complex_roots() if root.imag.is_zero()]
        return sorted(roots, key=lambda root: root.mid())


def _quadratic(a: int, b: int, c: int, plus_root: bool) -> Term:
    """The root (-b + sqrt(b^2 - 4 a c))/(2 a), or the one with -sqrt, in lowest terms."""
    outside, inside = _square_part(b * b - 4 * a * c)
    real, imaginary = Fraction(-b, 2 * a), Fraction(outside if plus_root else -outside, 2 * a)
    below = max(real.denominator, imaginary.denominator)
    below = below * (real * below).denominator * (imaginary * below).denominator
    root = fn("sqrt", inside)
    k = int(imaginary * below)
    members = [num(int(real * below))] if real else []
    above = plus(*members, root if k == 1 else times(k, root)) if members else root if k == 1 else times(k, root)
    return above if below == 1 else above / below


def _square_part(n: int) -> tuple[int, int]:
    """The pair (s, m) with n = s^2 m for n > 0, where m is squarefree, or for a huge n has no square of a small prime."""
    s, m = 1, 1
    if n < _FACTORED:
        for p, k in fmpz(n).factor():
            s, m = s * int(p) ** (k // 2), m * int(p) ** (k % 2)
        return s, m
    for p in range(2, _SMALL):
        while n % (p * p) == 0:
            s, n = s * p, n // (p * p)
    root = isqrt(n)
    return (s * root, 1) if root * root == n else (s, n)


PRECISIONS = (64, 256, 2000)
#: exp(log(t)) = t if log(t) has a value, and log(exp(t)) = t
INVERSE = {"exp": "log", "log": "exp"}
MAX_GENERATORS = 40
MAX_TERMS = 400


class NoValue(Exception):
    """A denominator is 0, a root has a negative argument, balls do not decide a sign, or a term has no value here."""


Point = Mapping[str, Fraction | Algebraic]


@dataclass
class _Generator:
    ball: Callable[[int], Any]
    #: a polynomial over earlier generators with this one as a root; None for transcendental values
    defining: Any


class Values:
    """The values of terms at one point.

    Raises (in `value` and `sign`):
        NoValue: the point is outside the domain, or the exact value or sign is not found.
    """

    def __init__(self, point: Point) -> None:
        self.point = point
        self.ctx = fmpq_mpoly_ctx.get((*[f"g{i}" for i in range(MAX_GENERATORS)], "z"), Ordering.lex)
        self.gens = self.ctx.gens()
        self.generators: list[_Generator] = []
        self._by_key: dict[str, Any] = {}
        #: (f, f(t)) -> t, for exp and log
        self._undone: dict[tuple[str, str], Any] = {}
        self._cache: dict[Term, Any] = {}

    def holds(self, relation: Relation) -> bool:
        """Whether the relation is true at the point."""
        sign = self.sign(self.value(relation.right) - self.value(relation.left))
        return {"<=": sign >= 0, "<": sign > 0, "==": sign == 0, "!=": sign != 0}[relation.op]

    def sign(self, value: Any) -> int:
        """The sign of a value: -1, 0 or 1."""
        if value.is_constant():
            c = value.leading_coefficient() if value else 0
            return (c > 0) - (c < 0)
        for bits in PRECISIONS:
            with flint.ctx.workprec(bits):
                ball = self.ball(value, bits)
                if ball > 0:
                    return 1
                if ball < 0:
                    return -1
            if bits >= 256 and self._zero(value, ball):
                return 0
        raise NoValue

    def ball(self, value: Any, bits: int) -> Any:
        """An enclosure of a value."""
        spend(len(value) * (1 + bits // 256))
        balls = {i: g.ball(bits) for i, g in enumerate(self.generators) if value.degrees()[i]}
        total = flint.arb(0)
        for m, c in value.to_dict().items():
            part = flint.arb(fmpq(c))
            for i, e in enumerate(m):
                if e:
                    part *= balls[i] ** int(e)
            total += part
        return total

    def _zero(self, value: Any, ball: Any) -> bool:
        """Whether R(value) = 0, R = z^m S over QQ, shows the value to be 0: roots of S have size >= |s_0| / (|s_0| + max |s_i|)."""
        r = self.gens[-1] - value
        for i in range(len(self.generators) - 1, -1, -1):
            if not r.degrees()[i]:
                continue
            defining = self.generators[i].defining
            if defining is None or len(r) > MAX_TERMS:
                return False
            r = r.resultant(defining, f"g{i}")
            if not r:
                return False
        coefficients = {int(m[-1]): c for m, c in r.to_dict().items()}
        low = min(coefficients)
        if low == 0:
            return False
        bound = abs(coefficients[low]) / (abs(coefficients[low]) + max(abs(c) for c in coefficients.values()))
        return bool(abs(ball) < flint.arb(fmpq(bound)))

    def value(self, t: Term) -> Any:
        """The value of a term as a polynomial in the generators."""
        if t not in self._cache:
            spend(20)
            try:
                self._cache[t] = self._value(t)
            except GiveUp:
                raise NoValue from None
        return self._cache[t]

    def _value(self, t: Term) -> Any:
        head = t[0]
        if head == "q":
            return self._constant(Fraction(t[1]))
        if head == "x":
            c = self.point[t[1]]
            return self._constant(c) if isinstance(c, Fraction) else self._algebraic(c)
        if head == "+":
            return sum((self.value(a) for a in t[1:]), self.ctx.constant(0))
        if head == "*":
            return reduce(product, map(self.value, t[1:]), self.ctx.constant(1))
        if head == "^":
            return power(self.value(t[1]), t[2])
        if head == "/":
            return product(self.value(t[1]), self._inverse(self.value(t[2])))
        if head == "pi":
            return self._make("pi", lambda bits: flint.arb.pi(), None)
        if head == "f":
            return self._function(t[1], self.value(t[2]))
        raise NoValue

    def _constant(self, c: Fraction) -> Any:
        return self.ctx.constant(rational(c))

    def _algebraic(self, c: Algebraic) -> Any:
        if c.term is not None:
            return self.value(c.term)

        def defining(g: Any) -> Any:
            return sum((g**n * k for n, k in enumerate(c.coefficients)), self.ctx.constant(0))

        return self._make(str(c), c.ball, defining)

    def _inverse(self, b: Any) -> Any:
        if self.sign(b) == 0:
            raise NoValue
        if b.is_constant():
            return self.ctx.constant(1 / b.leading_coefficient())
        return self._make(f"1/({b})", lambda bits: 1 / self.ball(b, bits), lambda g: g * b - 1)

    def _function(self, name: str, t: Any) -> Any:
        sign = self.sign(t)
        if name == "abs":
            return t * sign
        if name == "sqrt":
            return self._sqrt(t, sign)
        if name == "log" and sign <= 0:
            raise NoValue
        if name == "log" and t == 1:
            return self.ctx.constant(0)
        if name != "log" and sign == 0:
            return self.ctx.constant({"exp": fmpq(1), "psi": fmpq(1, 2)}.get(name, fmpq(0)))
        if name in INVERSE and (INVERSE[name], str(t)) in self._undone:
            return self._undone[INVERSE[name], str(t)]
        ball = psi_ball if name == "psi" else lambda at: getattr(at, name)()
        generator = self._make(f"{name}({t})", lambda bits: ball(self.ball(t, bits)), None)
        if name in INVERSE:
            self._undone[name, str(generator)] = t
        return generator

    def _sqrt(self, t: Any, sign: int) -> Any:
        if sign < 0:
            raise NoValue
        if sign == 0:
            return self.ctx.constant(0)
        if t.is_constant():
            with suppress(DomainError):
                return self.ctx.constant(t.leading_coefficient().sqrt())
        return self._make(f"sqrt({t})", lambda bits: self.ball(t, bits).sqrt(), lambda g: g * g - t)

    def _make(self, key: str, ball: Callable[[int], Any], defining: Callable[[Any], Any] | None) -> Any:
        if key not in self._by_key:
            k = len(self.generators)
            if k == MAX_GENERATORS:
                raise NoValue
            self.generators.append(_Generator(ball, defining(self.gens[k]) if defining is not None else None))
            self._by_key[key] = self.gens[k]
        return self._by_key[key]


def counterexample(point: Point, assume: Sequence[Relation], claim: Relation) -> bool:
    """Whether the point satisfies all assumptions and violates the claim, exactly, with every term inside its domain."""
    values = Values(point)
    try:
        return all(values.holds(r) for r in assume) and not values.holds(claim)
    except NoValue:
        return False


STARTS = (Fraction(0), Fraction(1, 10**7), Fraction(1), Fraction(-1), Fraction(10**7))
SWEEPS = 2


def far_counterexample(
    names: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float
) -> dict[str, Fraction] | None:
    """A counterexample far out or very close to an edge: each coordinate in turn moves to the point of least slack.

    Balls of 300 bits distinguish a function from its limit where floating point does not (atan(x) from pi/2 at x = 2^40). The
    result satisfies the assumptions and violates the claim, checked exactly; it is None if none is found. The search takes about
    `seconds`, by `sdescent.derive.proof.language.clock`.
    """
    stop = now() + seconds
    for start in STARTS:
        point = dict.fromkeys(names, start)
        for _ in range(SWEEPS):
            for name in names:
                best = _moved(point, name, assume, claim, stop)
                if best is None:
                    return None
                point[name] = best
            if counterexample(point, assume, claim):
                return _simpler(point, assume, claim)
    return None


def _moved(
    point: dict[str, Fraction], name: str, assume: Sequence[Relation], claim: Relation, stop: float
) -> Fraction | None:
    """The feasible value of the variable with the least slack, else its old value; None if time runs out or terms have no value."""
    others = {n: v for n, v in point.items() if n != name}
    slack = at_values(claim.slack, others)
    conditions = [(at_values(r.slack, others), r.op) for r in assume if r.op in ("<=", "<")]
    best: tuple[Fraction, Fraction] | None = None
    for p in (*points_of(None, None), *extreme_points(None, None)):
        if now() > stop:
            return None
        try:
            values = [(value_of(t, name, p), op) for t, op in conditions]
            value = value_of(slack, name, p)
        except ProofError:
            return None
        inside = all(v is not None and (v > 0 or (v == 0 and op == "<=")) for v, op in values)
        if inside and value is not None and (best is None or value < best[0]):
            best = value, p
    return point[name] if best is None else best[1]


def at_values(t: Any, values: Mapping[str, Fraction]) -> Any:
    """The term or relation with numbers in place of variables."""
    for name, value in values.items():
        t = substitute(t, name, num(value))
    return t


def _simpler(point: dict[str, Fraction], assume: Sequence[Relation], claim: Relation) -> dict[str, Fraction]:
    """The counterexample with coordinates moved nearer to 0 as far as it remains one."""
    for name in point:
        for exponent in (0, 1, 3, 6, 9, 12, 20):
            size = Fraction(10) ** exponent
            if size >= abs(point[name]):
                break
            other = {**point, name: size if point[name] > 0 else -size}
            if counterexample(other, assume, claim):
                point = other
                break
    return point
