"""The interface of a compressor: everything that the engine asks of it; and the identity, which compresses nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Number

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, symbols_of, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.constants import always
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.registry import register

#: the end of messages about a missing omega
NO_OMEGA = 'where no finite omega exists, omega(dim) raises sd.Refusal("no-omega", "why")'


@dataclass(frozen=True)
class Omega:
    """The compression ratio of an unbiased compressor: the smallest known omega with E||C(v) - v||^2 <= omega ||v||^2.

    Args:
        value: omega, a finite number >= 0 or a formula (dimensionless).
        exact: whether the bound is attained; False if a smaller constant may hold.

    Raises:
        BadInput: `value` is infinite, negative or not real, or is neither a number nor a SymPy expression.
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
    """The moments of a random mask M, independent of v, for a compressor C_j(v) = M_j v_j."""

    moment: Callable[[int], sp.Expr]  # n -> E M_j^n
    pair: Callable[[int, int], sp.Expr]  # (a, b) -> E M_i^a M_j^b for i != j


def any_positive(name: sp.Basic | str) -> sp.Symbol:
    """A new symbol for an arbitrary positive number."""
    return sp.Dummy(str(name), positive=True)


def any_count(name: sp.Basic | str) -> sp.Symbol:
    """A new symbol for an arbitrary integer >= 0."""
    return sp.Dummy(str(name), integer=True, nonnegative=True)


def any_fraction(name: sp.Basic | str) -> sp.Expr:
    """An expression y/(1 + y) for an arbitrary number in (0, 1), with a new positive symbol y."""
    y = any_positive(name)
    return y / (1 + y)


class Compressor(ABC):
    """A random map C: R^d -> R^d that a client applies to its message v.

    A subclass derives from `Unbiased` (E C(v) = v) or `Biased`. C must be permutation equivariant, except for the breaking of ties
    and for constants that differ between coordinates. One generic coordinate therefore describes C in every dimension.
    """

    @property
    @abstractmethod
    def growth(self) -> int:
        """The growth degree q: |C(v)| <= const (1 + |v|^q).

        The drift exists if and only if q < tail, the covariance if and only if 2q < tail (theory 2).
        """

    @abstractmethod
    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        """The mean and covariance of C(v) given v, in the coordinates v_j; `dim` is a number or the symbol d."""

    def mask(self, dim: sp.Expr) -> Mask | None:
        """The moments of M if C_j(v) = M_j v_j with a random M that is independent of v; None for any other map."""
        return None

    def domain(self, dim: sp.Expr) -> dict[sp.Basic, sp.Expr]:
        """Expressions for symbols with a bounded domain, and for d if C bounds it from below, in new symbols without upper bounds.

        Example: {p: y/(1 + y)} with y > 0, for p between 0 and 1.
        """
        return {}

    def longest(self, dim: sp.Expr) -> sp.Expr | None:
        """The least l with ||C(v)||_2 <= l for all messages v and all draws in dimension `dim`; None if C is unbounded."""
        return None

    @abstractmethod
    def omega(self, dim: sp.Expr) -> Omega:
        """The compression ratio in dimension `dim`, a number or the symbol d.

        An unbiased compressor without a finite ratio, such as rounding to a fixed grid, returns neither oo nor None but raises
        Refusal("no-omega", why). Its SDEs are derived all the same; only theorems that need omega do not apply to it.

        Raises:
            Refusal: "no-omega": the compressor is biased, or no finite ratio exists.
        """

    @abstractmethod
    def latex(self) -> str:
        """The compressor's mathematical name, as LaTeX."""

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        """The definition of the map C as LaTeX text with dollar signs; `show` typesets an expression.

        If it is "", a report shows the summary with which the class was registered.
        """
        return ""

    def check_dimension(self, dim: int) -> None:
        """Check that the compressor exists in dimension `dim`; by default, that its vector constants have `dim` entries.

        Raises:
            BadInput: the compressor does not exist in this dimension.
        """
        for e in symbols_of(self.conditional_moments(sp.Integer(dim)).expressions):
            if isinstance(e, Coordinate):
                e.vector(dim)


class Unbiased(Compressor):
    """An unbiased compressor: E C(v) = v.

    `omega` returns the compression ratio, or raises Refusal("no-omega", why) if no finite ratio exists.
    """


class Biased(Compressor):
    """A biased compressor: E C(v) != v. It has no omega."""

    def omega(self, dim: sp.Expr) -> Omega:
        """Raise a Refusal: the compression ratio is defined only for unbiased compressors.

        Raises:
            Refusal: always, with the kind "no-omega".
        """
        raise Refusal("no-omega", f"{type(self).__name__} is biased: a compression ratio needs E C(v) = v")

    def contraction(self, dim: sp.Expr) -> sp.Expr | None:
        """A constant a < 1 with E||C(v) - v||^2 <= a ||v||^2; None if none is known."""
        return None


def omega_of(compressor: Compressor, dim: sp.Expr) -> Omega:
    """The compression ratio that a compressor states.

    Raises:
        Refusal: "no-omega": the compressor has none.
        BadInput: its method `omega` does not return an `Omega`.
    """
    ratio = compressor.omega(dim)
    if not isinstance(ratio, Omega):
        accepted = f"sd.compressors.Omega(value, exact); {NO_OMEGA}"
        raise BadInput(f"omega of {type(compressor).__name__}", ratio, accepted)
    return ratio


@register("compressor", "identity", "C(v) = v")
@dataclass(frozen=True)
class Identity(Unbiased):
    """No compression: C(v) = v, with omega = 0."""

    growth = always(1)

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v, sp.S.Zero)

    def mask(self, dim: sp.Expr) -> Mask:
        return Mask(lambda n: sp.S.One, lambda a, b: sp.S.One)

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(sp.S.Zero, True)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return rf"$C_j={show(v)}$"

    def latex(self) -> str:
        return r"\mathrm{Id}"
