"""The interface of a compressor: all that the engine asks of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Number

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, symbols_of
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.vocabulary.errors import BadInput, Refusal

#: the end of messages about an omega that does not exist
NO_OMEGA = 'where no finite omega exists, omega(dim) raises sd.Refusal("no-omega", "why")'


@dataclass(frozen=True)
class Omega:
    """The compression ratio of an unbiased compressor: E||C(v) - v||^2 <= omega ||v||^2, the smallest known constant.

    Args:
        value: omega (dimensionless), a finite number or a formula, at least 0.
        exact: whether the bound is attained; False when a smaller constant may hold.

    Raises:
        BadInput: a value that is infinite, negative or not a number.
    """

    value: sp.Expr
    exact: bool

    def __post_init__(self) -> None:
        value = sp.sympify(self.value) if isinstance(self.value, (Number, sp.Expr)) else sp.nan
        if value is sp.nan or value.is_extended_real is False or value.is_infinite or value.is_negative:
            raise BadInput("Omega", self.value, f"a finite number or SymPy expression, at least 0; {NO_OMEGA}")
        object.__setattr__(self, "value", value)


@dataclass(frozen=True)
class Mask:
    """C_j(v) = M_j v_j with a random M that is independent of v.

    Args:
        moment: n -> E M_j^n; pair: (a, b) -> E M_i^a M_j^b for i != j.
    """

    moment: Callable[[int], sp.Expr]
    pair: Callable[[int, int], sp.Expr]


def any_positive(name: sp.Basic | str) -> sp.Symbol:
    """A new letter that stands for any positive number."""
    return sp.Dummy(str(name), positive=True)


def any_count(name: sp.Basic | str) -> sp.Symbol:
    """A new letter that stands for any of 0, 1, 2, .."""
    return sp.Dummy(str(name), integer=True, nonnegative=True)


def any_fraction(name: sp.Basic | str) -> sp.Expr:
    """Any number between 0 and 1, written with a positive letter."""
    y = any_positive(name)
    return y / (1 + y)


class Compressor(ABC):
    """A random map C: R^d -> R^d that a client applies to its message v.

    Subclasses are `Unbiased` (E C(v) = v) or `Biased`. They are permutation equivariant, except for how ties are broken and for
    constants that differ by coordinate (`by_coordinate`). One generic coordinate therefore describes them in any dimension.
    """

    @property
    @abstractmethod
    def growth(self) -> int:
        """The growth degree q: |C(v)| <= const (1 + |v|^q). Drift exists iff q < tail, covariance iff 2q < tail (theory 2)."""

    @abstractmethod
    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        """Mean and covariance of C(v) given v, in the coordinates v_j (dimension `dim`: a number or the symbol d)."""

    def mask(self, dim: sp.Expr) -> Mask | None:
        """M where C(v) = M v by coordinate, with all its moments; None for any other map."""
        return None

    def domain(self, dim: sp.Expr) -> dict[sp.Basic, sp.Expr]:
        """Symbols of bounded domain, and d if they bound it, in letters that are any positive number: p = y/(1 + y)."""
        return {}

    def longest(self, dim: sp.Expr) -> sp.Expr | None:
        """The least l with ||C(v)||_2 <= l for every message v and every draw in dimension `dim`; None if there is no bound."""
        return None

    @abstractmethod
    def omega(self, dim: sp.Expr) -> Omega:
        """The compression ratio, an `Omega`, in the dimension `dim`: a number or the symbol d.

        An unbiased compressor without a finite ratio, such as rounding to a fixed grid, returns neither oo nor None: it raises
        Refusal("no-omega", why). It has the same SDEs as one with a ratio; theorems that need omega do not apply to it.

        Raises:
            Refusal: there is none ("no-omega"): the compressor is biased, or no finite ratio exists.
        """

    @abstractmethod
    def latex(self) -> str:
        """The compressor's name in mathematics."""

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        """The map C as a sentence of LaTeX, dollar signs included; `show` sets an expression. "" where none is defined.

        A report uses the summary of the class's registration in place of an empty one.
        """
        return ""

    def check_dimension(self, dim: int) -> None:
        """Raise BadInput if the compressor does not exist in this dimension: here, if its constants are for another dimension."""
        for e in symbols_of(self.conditional_moments(sp.Integer(dim)).expressions):
            if isinstance(e, Coordinate):
                e.vector(dim)


class Unbiased(Compressor):
    """A compressor with E C(v) = v. `omega` returns the ratio, or raises Refusal("no-omega", why) if no finite ratio exists."""


class Biased(Compressor):
    """A compressor with E C(v) != v, which has no omega."""

    def omega(self, dim: sp.Expr) -> Omega:
        """Always refused: the ratio is defined for unbiased compressors.

        Raises:
            Refusal: "no-omega".
        """
        raise Refusal("no-omega", f"{type(self).__name__} is biased: a compression ratio needs E C(v) = v")

    def contraction(self, dim: sp.Expr) -> sp.Expr | None:
        """a < 1 with E||C(v) - v||^2 <= a ||v||^2; None if no such a is known."""
        return None


def omega_of(compressor: Compressor, dim: sp.Expr) -> Omega:
    """The ratio that a compressor states.

    Raises:
        Refusal: "no-omega".
        BadInput: what it returns is not an `Omega`.
    """
    ratio = compressor.omega(dim)
    if not isinstance(ratio, Omega):
        raise BadInput(
            f"omega of {type(compressor).__name__}", ratio, f"sd.compressors.Omega(value, exact); {NO_OMEGA}"
        )
    return ratio
