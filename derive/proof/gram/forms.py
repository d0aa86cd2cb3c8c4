"""Vectors as combinations of named vectors, and forms that are linear in inner products and values of the loss.

Coefficients are elements of one field: rationals (`flint.fmpq`), or rational functions of constants (`sympy` field elements). All
inner products stand for E[<u, v> | past] if the vectors are random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Self

from flint import fmpq

#: ("value", name) for f at a point minus f*, ("dot", u, v) with u <= v for an inner product, ("term", name) for another scalar
Monomial = tuple[str, ...]


class Combination(dict[Any, Any]):
    """A finite sum of coefficients times keys, without zero coefficients."""

    def __add__(self, other: Mapping[Any, Any]) -> Self:
        total = type(self)(self)
        for key, c in other.items():
            value = total[key] + c if key in total else c
            if value == 0:
                total.pop(key, None)
            else:
                total[key] = value
        return total

    def __sub__(self, other: Mapping[Any, Any]) -> Self:
        return self + {key: -c for key, c in other.items()}

    def __mul__(self, factor: Any) -> Self:
        return type(self)({key: v for key, c in self.items() if (v := c * factor) != 0})

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return type(self)({key: -c for key, c in self.items()})

    def mapped(self, change: Callable[[Any], Any]) -> Self:
        """The sum with every coefficient changed."""
        return type(self)({key: v for key, c in self.items() if (v := change(c)) != 0})


class Vector(Combination):
    """A combination of named vectors."""


class Form(Combination):
    """A combination of monomials."""


def inner(u: Mapping[str, Any], v: Mapping[str, Any]) -> Form:
    """The inner product of two vectors as a form."""
    total = Form()
    for a, p in u.items():
        for b, q in v.items():
            total = total + {dot_of(a, b): p * q}
    return total


def square(v: Mapping[str, Any]) -> Form:
    """The square of a vector's length as a form."""
    return inner(v, v)


def dot_of(a: str, b: str) -> Monomial:
    """The monomial <a, b>."""
    return ("dot", *sorted((a, b)))


def vectors_in(forms: Iterable[Mapping[Monomial, Any]]) -> list[str]:
    """The names of the vectors in forms, in order of appearance."""
    return list(dict.fromkeys(v for form in forms for m in form if m[0] == "dot" for v in m[1:]))


def exact(value: Fraction | int) -> Any:
    """A rational number as a coefficient."""
    number = Fraction(value)
    return fmpq(number.numerator, number.denominator)


def fraction(c: Any) -> Fraction:
    """A rational coefficient as a Fraction."""
    return Fraction(int(c.p), int(c.q))
