"""Terms of the kernel at exact numbers, for runs (`derive.bounds.runs`): rationals, and enclosures of what is none.

A value is a polynomial in one number a >= 0, the distance to x*, so that a relation can be checked at all states of a set at once:
0 <= p(a) for a <= r holds where the Bernstein coefficients of p on [0, r] are >= 0. Coefficients are pairs of rationals that enclose
them; a pair of equal ones is exact. This file shares no code with the search for refutations, nor with the prover.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from derive.proof.language.terms import Relation, Term

Pair = tuple[Fraction, Fraction]
_ZERO, _ONE, _HALF = Fraction(0), Fraction(1), Fraction(1, 2)
#: bits after the point that an enclosure keeps, the largest argument of exp, and the size of exact numbers
_BITS, _LARGEST, MAX_BITS = 256, 2**12, 100_000
#: how often an interval is halved
_DEPTH = 6


class NoValue(Exception):
    """A term has no value here, or none that is computed."""


class Value:
    """A polynomial in a, of enclosed coefficients."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Pair) -> None:
        while len(parts) > 1 and parts[-1] == (0, 0):
            parts = parts[:-1]
        self.parts = parts

    @classmethod
    def of(cls, number: Fraction | int) -> Value:
        return cls((Fraction(number), Fraction(number)))

    def __add__(self, other: Value) -> Value:
        size = max(len(self.parts), len(other.parts))
        one, two = (v.parts + ((_ZERO, _ZERO),) * (size - len(v.parts)) for v in (self, other))
        return Value(*(_kept((a[0] + b[0], a[1] + b[1])) for a, b in zip(one, two, strict=True)))

    def __mul__(self, other: Value) -> Value:
        total = [(_ZERO, _ZERO)] * (len(self.parts) + len(other.parts) - 1)
        for i, a in enumerate(self.parts):
            for j, b in enumerate(other.parts):
                ends = [p * q for p in a for q in b]
                total[i + j] = _kept((total[i + j][0] + min(ends), total[i + j][1] + max(ends)))
        return Value(*total)

    def __sub__(self, other: Value) -> Value:
        return self + Value.of(-1) * other

    def __pow__(self, n: int) -> Value:
        found = Value.of(1)
        for _ in range(n):
            found = found * self
        return found

    @property
    def pair(self) -> Pair:
        """The enclosure of a number.

        Raises:
            NoValue: it depends on a.
        """
        if len(self.parts) > 1:
            raise NoValue
        return self.parts[0]

    @property
    def exact(self) -> Fraction:
        """A rational number; raises NoValue where it is none."""
        low, high = self.pair
        if low != high:
            raise NoValue
        return low

    def inverse(self) -> Value:
        low, high = self.pair
        if low <= 0 <= high:
            raise NoValue  # 1/0 = 0 is a convention of the kernel, which no refutation rests on
        return Value(_kept((1 / high, 1 / low)))

    def through(self, of: Callable[[Fraction], Pair]) -> Value:
        """A nondecreasing function of a number."""
        low, high = self.pair
        return Value(_kept((of(low)[0], of(high)[1])))

    def magnitude(self) -> Value:
        """|p|, where the signs of its coefficients say what that is."""
        if all(low >= 0 for low, _ in self.parts):
            return self
        if all(high <= 0 for _, high in self.parts):
            return Value.of(-1) * self
        low, high = self.pair
        return Value((_ZERO, max(-low, high)))


def value(t: Term, atom: Callable[[Term], Value | None]) -> Value:
    """A term whose atoms have these values.

    Raises:
        NoValue: an atom has none, or a function is outside of its domain or not computed here.
    """
    known = atom(t)
    if known is not None:
        return known
    head = t[0]
    if head == "q":
        return Value.of(Fraction(t[1]))
    if head == "+":
        return sum((value(a, atom) for a in t[1:]), Value.of(0))
    if head == "*":
        return math.prod((value(a, atom) for a in t[1:]), start=Value.of(1))
    if head == "^":
        return value(t[1], atom) ** t[2]
    if head == "/":
        return value(t[1], atom) * value(t[2], atom).inverse()
    if head == "f":
        return _function(t, atom)
    raise NoValue


def _function(t: Term, atom: Callable[[Term], Value | None]) -> Value:
    name, inner = t[1], t[2]
    if name == "exp" and inner[0] == "*":  # exp(n log q) is q^n
        logs = [a for a in inner[1:] if a[:2] == ("f", "log")]
        if len(logs) == 1:
            number = math.prod((value(a, atom) for a in inner[1:] if a is not logs[0]), start=Value.of(1)).exact
            base = value(logs[0][2], atom)
            if number.denominator == 1 and abs(number) <= 10_000 and base.pair[0] > 0:
                return base ** int(number) if number >= 0 else base.inverse() ** int(-number)
    v = value(inner, atom)
    if name == "abs":
        return v.magnitude()
    if name not in _RISING:
        raise NoValue
    return v.through(_RISING[name])


def holds(r: Relation, atom: Callable[[Term], Value | None], reach: Fraction | None = _ZERO) -> bool:
    """Whether a relation is shown to hold for all 0 <= a <= reach; for all a >= 0 where `reach` is None.

    Raises:
        NoValue: as `value`.
    """
    slack = value(r.right, atom) - value(r.left, atom)
    if r.op == "==":
        return all(p == (0, 0) for p in slack.parts)
    if r.op not in ("<=", "<"):
        raise NoValue
    degree = len(slack.parts) - 1
    low = [p[0] for p in slack.parts]
    if reach is None:  # of (1 - s)^n p(s/(1 - s)) on [0, 1]
        points = [c / math.comb(degree, i) for i, c in enumerate(low)]
    else:
        scaled = [c * reach**i for i, c in enumerate(low)]
        points = [
            sum((c * Fraction(math.comb(j, i), math.comb(degree, i)) for i, c in enumerate(scaled[: j + 1])), _ZERO)
            for j in range(degree + 1)
        ]
    return _positive(points, r.op == "<", _DEPTH)


def _positive(points: list[Fraction], strict: bool, depth: int) -> bool:
    """Whether a polynomial with these Bernstein coefficients is >= 0, or > 0, by halving."""
    if all(p > 0 or (p == 0 and not strict) for p in points):
        return True
    ends = (points[0], points[-1])
    if depth == 0 or min(ends) < 0 or (strict and 0 in ends):
        return False
    left, right, row = [points[0]], [points[-1]], points
    while len(row) > 1:
        row = [(a + b) / 2 for a, b in zip(row, row[1:], strict=False)]
        left, right = [*left, row[0]], [row[-1], *right]
    return _positive(left, strict, depth - 1) and _positive(right, strict, depth - 1)


def _kept(p: Pair) -> Pair:
    """A pair with fewer digits around it, unless it is exact."""
    if p[0] == p[1]:
        if max(p[0].numerator.bit_length(), p[0].denominator.bit_length()) > MAX_BITS:
            raise NoValue
        return p
    scale = 2**_BITS
    return Fraction(math.floor(p[0] * scale), scale), Fraction(math.ceil(p[1] * scale), scale)


def _exp(x: Fraction) -> Pair:
    if abs(x) > _LARGEST:
        raise NoValue
    halvings = max(0, math.ceil(abs(x) * 2).bit_length())
    x, term, total = x / 2**halvings, _ONE, _ONE
    for n in range(1, 60):
        term = term * x / n
        total += term
    found = _kept((total - abs(term), total + abs(term)))  # |x| <= 1/2: the rest is smaller than the last term
    for _ in range(halvings):
        found = _kept((found[0] ** 2, found[1] ** 2))
    return found if x else (_ONE, _ONE)


def _sqrt(x: Fraction) -> Pair:
    if x < 0:
        raise NoValue
    root = Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator))
    if root**2 == x:
        return root, root
    low = math.isqrt(math.floor(x * 4**_BITS))
    return Fraction(low, 2**_BITS), Fraction(low + 1, 2**_BITS)


def _log(x: Fraction) -> Pair:
    if x <= 0:
        raise NoValue
    ends, doublings = (x, x), 0
    while not _HALF <= ends[0] <= ends[1] <= 2:
        ends, doublings = (_sqrt(ends[0])[0], _sqrt(ends[1])[1]), doublings + 1
    low, high = (_near_one(e) for e in ends)
    return low[0] * 2**doublings, high[1] * 2**doublings


def _near_one(x: Fraction) -> Pair:
    """log x = 2 artanh((x - 1)/(x + 1)) for 1/2 <= x <= 2."""
    y = (x - 1) / (x + 1)
    total = 2 * sum((y ** (2 * k + 1) / (2 * k + 1) for k in range(80)), _ZERO)
    rest = abs(y) ** 160
    return _kept((total - rest, total + rest))


def _tanh(x: Fraction) -> Pair:
    low, high = _exp(2 * x)
    return 1 - 2 / (low + 1), 1 - 2 / (high + 1)


def _psi(x: Fraction) -> Pair:
    low, high = _exp(x)
    return (_HALF, _HALF) if x == 0 else ((low - 1 - x) / x**2, (high - 1 - x) / x**2)


#: nondecreasing functions
_RISING: dict[str, Callable[[Fraction], Pair]] = {"exp": _exp, "log": _log, "sqrt": _sqrt, "tanh": _tanh, "psi": _psi}
