"""Values of the kernel's terms at exact numbers, for runs (`sdescent.derive.theorems.bounds.runs.check`): rationals or enclosures.

A value is a polynomial in the distance a >= 0 to x*, so that a relation is checked at all states of a set at once: 0 <= p(a) for
a <= r if the Bernstein coefficients of p on [0, r] are nonnegative. A pair of rationals encloses each coefficient; the two are
equal if the coefficient is exact. This file shares no code with the search for refutations or with the prover.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import mpmath

from sdescent.derive.proof.language.terms import Relation, Term

Pair = tuple[Fraction, Fraction]
Atoms = Callable[[Term], "Value | None"]
_ZERO = Fraction(0)
#: bits of an enclosure, further bits with which mpmath computes it, and the most bits of an exact number
_BITS, _MORE, _MOST = 256, 64, 100_000
#: functions that are nondecreasing on their domains
_RISING = {
    "exp": mpmath.exp, "log": mpmath.log, "sqrt": mpmath.sqrt, "tanh": mpmath.tanh, "atan": mpmath.atan,
    "erf": mpmath.erf,
}  # fmt: skip
#: the most halvings of an interval
_DEPTH = 6


class NoValue(Exception):
    """Raised if a term has no value at a state, or if its value cannot be computed here."""


class Value:
    """A polynomial in the distance a, with enclosed coefficients."""

    __slots__ = ("parts",)
    parts: tuple[Pair, ...]

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
        return Value(*(_kept(a[0] + b[0], a[1] + b[1]) for a, b in zip(one, two, strict=True)))

    def __mul__(self, other: Value) -> Value:
        total = [(_ZERO, _ZERO)] * (len(self.parts) + len(other.parts) - 1)
        for i, a in enumerate(self.parts):
            for j, b in enumerate(other.parts):
                ends = [p * q for p in a for q in b]
                total[i + j] = _kept(total[i + j][0] + min(ends), total[i + j][1] + max(ends))
        return Value(*total)

    def __sub__(self, other: Value) -> Value:
        return self + Value.of(-1) * other

    def __pow__(self, n: int) -> Value:
        return math.prod([self] * n, start=Value.of(1))

    @property
    def pair(self) -> Pair:
        """The enclosure of a number; NoValue if the value depends on a."""
        if self.parts[1:]:
            raise NoValue
        return self.parts[0]

    @property
    def exact(self) -> Fraction:
        """The value as a rational number; NoValue if it is not exact."""
        low, high = self.pair
        if low != high:
            raise NoValue
        return low

    def inverse(self) -> Value:
        low, high = self.pair
        if low <= 0 <= high:
            raise NoValue  # the kernel's convention 1/0 = 0 never refutes a claim
        return Value(_kept(1 / high, 1 / low))

    def magnitude(self) -> Value:
        """|p|, if all coefficients have the same sign or p is a number; else NoValue."""
        if all(low >= 0 for low, _ in self.parts):
            return self
        if all(high <= 0 for _, high in self.parts):
            return Value.of(-1) * self
        low, high = self.pair
        return Value((_ZERO, max(-low, high)))

    def through(self, name: str) -> Value:
        """The value of a function at a number.

        Raises:
            NoValue: the value depends on a, the number is too large or outside the function's domain, or the function is unknown.
        """
        low, high = self.pair
        if name == "abs":
            return self.magnitude()
        if name == "sqrt" and low == high >= 0:
            root = Fraction(math.isqrt(low.numerator), math.isqrt(low.denominator))
            if root**2 == low:
                return Value.of(root)
        if (name == "sqrt" and low < 0) or (name == "log" and low <= 0) or max(abs(low), abs(high)) > 2**_BITS:
            raise NoValue
        if low == high and name in ("exp", "log") and low == int(name == "log"):
            return Value.of(int(name == "exp"))
        if name == "psi":
            if low == high == 0:
                return Value.of(Fraction(1, 2))
            return (self.through("exp") - Value.of(1) - self) * (self**2).inverse()
        if name not in _RISING or (name == "exp" and high > 2**12):
            raise NoValue
        return Value(_kept(_near(name, low)[0], _near(name, high)[1]))


def _near(name: str, x: Fraction) -> Pair:
    """Bounds on a function at a number; mpmath's error is a few units in the last place at a much higher precision."""
    with mpmath.workprec(2 * _BITS + _MORE):
        sign, mantissa, power, _ = _RISING[name](mpmath.mpf(x.numerator) / x.denominator)._mpf_
    value = (-1) ** sign * int(mantissa) * Fraction(2) ** int(power)
    rest = (1 + abs(value) + abs(x)) / 2**_BITS
    return value - rest, value + rest


def _kept(low: Fraction, high: Fraction) -> Pair:
    """An enclosure rounded outwards to fewer digits; an exact number is unchanged, or raises NoValue if it is too long."""
    if low == high:
        if max(low.numerator.bit_length(), low.denominator.bit_length()) > _MOST:
            raise NoValue
        return low, high
    scale = 2**_BITS
    return Fraction(math.floor(low * scale), scale), Fraction(math.ceil(high * scale), scale)


def value(t: Term, atom: Atoms) -> Value:
    """The value of a term, from the values of its atoms.

    Raises:
        NoValue: an atom has no value, a denominator may be 0, or a function is unknown or evaluated outside its domain.
    """
    number, head = atom(t), t[0]
    if number is not None:
        return number
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
    if head != "f":
        raise NoValue
    logs = [a for a in t[2][1:] if a[:2] == ("f", "log")] if t[1] == "exp" and t[2][0] == "*" else []
    if len(logs) == 1:  # exp(n log q) is q^n
        n = math.prod((value(a, atom) for a in t[2][1:] if a is not logs[0]), start=Value.of(1)).exact
        base = value(logs[0][2], atom)
        if n.denominator == 1 and abs(n) <= 10_000 and base.pair[0] > 0:
            return base ** int(n) if n >= 0 else base.inverse() ** int(-n)
    return value(t[2], atom).through(t[1])


def holds(r: Relation, atom: Atoms, reach: Fraction | None = _ZERO) -> bool:
    """Whether a relation provably holds for 0 <= a <= reach, or for all a >= 0 if `reach` is None.

    Raises:
        NoValue: as `value` raises it, or because the relation is !=.
    """
    slack = value(r.right, atom) - value(r.left, atom)
    if r.op == "==":
        return all(p == (0, 0) for p in slack.parts)
    if r.op not in ("<=", "<"):
        raise NoValue
    n = len(slack.parts) - 1
    low = [c[0] * (1 if reach is None else reach**i) / math.comb(n, i) for i, c in enumerate(slack.parts)]
    if reach is not None:  # without a reach, `low` holds the coefficients of (1 - s)^n p(s/(1 - s)) on [0, 1]
        low = [sum((c * math.comb(j, i) for i, c in enumerate(low[: j + 1])), _ZERO) for j in range(n + 1)]
    return _positive(low, r.op == "<", _DEPTH)


def _positive(points: list[Fraction], strict: bool, depth: int) -> bool:
    """Whether halving the interval proves a polynomial with these Bernstein coefficients nonnegative, or positive if `strict`."""
    if all(p > 0 or (p == 0 and not strict) for p in points):
        return True
    if depth == 0 or min(points[0], points[-1]) < 0:
        return False
    left, right, row = [points[0]], [points[-1]], points
    while len(row) > 1:
        row = [(a + b) / 2 for a, b in pairwise(row)]
        left, right = [*left, row[0]], [row[-1], *right]
    return _positive(left, strict, depth - 1) and _positive(right, strict, depth - 1)
