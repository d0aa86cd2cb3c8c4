"""Real algebraic numbers as exact coordinates of points, written with square roots up to degree two."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import isqrt
from typing import Any

import flint
from flint import fmpz, fmpz_poly

from sdescent.derive.proof.language.terms import Term, fn, num, plus, times, x
from sdescent.derive.proof.language.text import show

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
