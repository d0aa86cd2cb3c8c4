"""Laurent series in s, the square root of the time of a step, with coefficients on demand.

An update rule is expanded by running it on such series. Only the coefficients that a model needs are computed, so that a
first-order model does not pay for second-order terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import sympy as sp

from sdescent.derive.expressions.coordinates import frozen
from sdescent.derive.expressions.derivatives import gathered
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.written import formula
from sdescent.derive.vocabulary.errors import NoClosedForm

#: the depth at which a search for the first coefficient of a series gives up
DEEPEST = 12


@final
class Series:
    """The series sum_{n >= low} a_n s^n with coefficients on demand; the first one, and those beyond `last`, may be 0.

    `coefficient` gives a_n and is called at most once for each n. If `last` is None, infinitely many may be nonzero.
    """

    def __init__(self, low: int, coefficient: Callable[[int], sp.Expr], last: int | None = None) -> None:
        self.low, self.last, self._coefficient = low, last, coefficient
        self._coefficients: dict[int, sp.Expr] = {}

    @staticmethod
    def constant(value: Any) -> Series:
        """The series with the single term `value`."""
        return Series.monomial(value, 0)

    @staticmethod
    def monomial(value: Any, n: int) -> Series:
        """The series with the single term value s^n."""
        value = sp.sympify(value)
        return Series(n, lambda m: value if m == n else sp.S.Zero, n)

    def __getitem__(self, n: int) -> sp.Expr:
        if n < self.low or (self.last is not None and n > self.last):
            return sp.S.Zero
        if n not in self._coefficients:
            self._coefficients[n] = self._coefficient(n)
        return self._coefficients[n]

    def __add__(self, other: Series) -> Series:
        last = None if self.last is None or other.last is None else max(self.last, other.last)
        return Series(min(self.low, other.low), lambda n: self[n] + other[n], last)

    def __neg__(self) -> Series:
        return self.map(lambda a: -a)

    def __sub__(self, other: Series) -> Series:
        return self + -other

    def __mul__(self, other: Series) -> Series:
        def coefficient(n: int) -> sp.Expr:
            return sp.Add(*[_times(self, m, other, n - m) for m in range(self.low, n - other.low + 1)])

        last = None if self.last is None or other.last is None else self.last + other.last
        return Series(self.low + other.low, coefficient, last)

    def __truediv__(self, other: Series) -> Series:
        return self * other.power(sp.S.NegativeOne)

    def map(self, linear: Callable[[sp.Expr], sp.Expr]) -> Series:
        """A linear function of every coefficient."""
        return Series(self.low, lambda n: linear(self[n]), self.last)

    def shifted(self, n: int) -> Series:
        """The series times s^n."""
        return Series(self.low + n, lambda m: self[m - n], None if self.last is None else self.last + n)

    def first(self) -> tuple[int, sp.Expr] | None:
        """The first nonzero coefficient as (n, a_n); None if there is none, searched up to `DEEPEST` in an infinite series."""
        end = self.low + DEEPEST if self.last is None else self.last
        return next(((n, self[n]) for n in range(self.low, end + 1) if gathered(self[n]) != 0), None)

    def power(self, exponent: sp.Expr) -> Series:
        """The series to a power that is free of s, by its first coefficient: a^p s^(np) (1 + ..)^p; NoClosedForm if
        that is no series.
        """
        if exponent.is_Integer and 0 <= exponent <= 4:
            product = Series.constant(1)
            for _ in range(int(exponent)):
                product = product * self
            return product
        head = self.first()
        if head is None:
            if exponent.is_positive:
                return Series.constant(0)
            raise NoClosedForm("a division by zero in the update")
        n, a = head
        shift = n * exponent
        if not shift.is_Integer:
            power = f"({formula(a)} s^{n})^({exponent})"
            raise NoClosedForm(f"a power of the step's time that is not a multiple of 1/2: {power}")
        if a.is_negative and exponent.is_integer is False:
            power = f"({formula(a)})^({formula(exponent)})"
            raise NoClosedForm(f"a power of a negative term in the update, which is not real: {power}")
        if self.last == n:
            return Series.monomial(a**exponent, int(shift))
        tail = Series(1, lambda m: self[m + n], None if self.last is None else self.last - n)
        z = sp.Dummy("z", positive=True)
        return tail.after(a, z**exponent, z).shifted(int(shift))

    def after(self, at: sp.Expr, function: sp.Expr, argument: sp.Symbol) -> Series:
        """The composition function(at + self), for a series that begins with s or later, by Taylor's formula."""
        slopes: dict[int, sp.Expr] = {}

        def slope(m: int) -> sp.Expr:
            if m not in slopes:
                derivative = function if m == 0 else sp.diff(function, argument, m)
                slopes[m] = _at(derivative, argument, at) / sp.factorial(m)
            return slopes[m]

        powers = [Series.constant(1), self]

        def coefficient(n: int) -> sp.Expr:
            total = slope(0) if n == 0 else sp.S.Zero
            for m in range(1, n // max(1, self.low) + 1):
                while len(powers) <= m:
                    powers.append(powers[-1] * self)
                if powers[m][n] != 0:
                    total += slope(m) * powers[m][n]
            return total

        return Series(0, coefficient)

    def applied(self, function: Callable[[sp.Expr], sp.Expr]) -> Series:
        """The composition function(self), with a function that is smooth at the coefficient a_0; NoClosedForm if it is
        not real there.
        """
        head = self.first()
        if head is not None and head[0] < 0:
            raise NoClosedForm(f"a function of a term that grows without bound as the step shrinks: {formula(head[1])}")
        z = sp.Dummy("z", real=True)
        value = _at(function(z), z, self[0])
        if value.has(sp.zoo, sp.oo, -sp.oo, sp.nan, sp.I):
            name = getattr(function, "__name__", str(function))
            there = f"its argument there is {formula(self[0])}"
            raise NoClosedForm(f"{name} has no real value where the step shrinks to 0: {there}")
        if self.last is not None and self.last <= 0:
            return Series.constant(value)
        return Series(1, lambda n: self[n], self.last).after(self[0], function(z), z)


def _times(one: Series, m: int, two: Series, n: int) -> sp.Expr:
    """The product a_m b_n; if one factor is 0, the other need not have a closed form."""
    try:
        a = one[m]
    except NoClosedForm:
        if two[n] == 0:
            return sp.S.Zero
        raise
    return sp.S.Zero if a == 0 or (b := two[n]) == 0 else a * b


def _at(expr: sp.Expr, symbol: sp.Symbol, value: sp.Expr) -> sp.Expr:
    """The expression with a value, which may contain aggregates, in place of the symbol."""
    body, back = frozen(value)
    return exchange(expr.xreplace({symbol: body}), back)
