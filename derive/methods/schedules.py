"""Step-size schedules u(t) and adaptive factors h(x, t), with eta_n = eta h(x_n, n eta) (theory 1). All are dimensionless."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import coord_sum, depends_on, g
from sdescent.derive.methods.constants import FRACTION, NONNEGATIVE, always, settle
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.registry import Parameter, pieces_in, register
from sdescent.derive.vocabulary.symbols import coerce, du, t, u


class Schedule(ABC):
    """A schedule: the factor h(x, t) that multiplies the step size eta."""

    @property
    @abstractmethod
    def factor(self) -> sp.Expr:
        """The factor h, a scalar in t and, if it is adaptive, in aggregates of the gradient."""

    @property
    def time_derivative(self) -> sp.Expr:
        """The partial derivative of h with respect to t."""
        return sp.diff(self.factor, t)


@register("schedule", "one", "u(t) = 1")
@dataclass(frozen=True)
class Constant(Schedule):
    """The constant step size: u(t) = 1."""

    factor = always(sp.S.One)


@register("schedule", "power", "u(t) = (1+t)^(-p)", Parameter("p", "a number in (0, 1]", lambda x: 0 < x <= 1, "p"))
@dataclass(frozen=True)
class Power(Schedule):
    """A polynomially decaying step size: u(t) = (1 + t)^{-p} with 0 < p <= 1 (theory 6.6)."""

    p: Any = "p"

    def __post_init__(self) -> None:
        settle(self, "power:p", FRACTION)

    @property
    def factor(self) -> sp.Expr:
        return (1 + t) ** (-self.p)


@register("schedule", "free", "any u(t), kept as the symbol u, with derivative du")
@dataclass(frozen=True)
class Free(Schedule):
    """An unspecified schedule u(t) > 0: the symbol u, whose derivative is the symbol du."""

    factor, time_derivative = always(u), always(du)


@dataclass(frozen=True)
class Adaptive(Schedule):
    """An adaptive factor h(x, t): a scalar in t and aggregates of the gradient, such as 1/(L0 + L1 sqrt(coord_sum(g**2))).

    Args:
        h: a SymPy expression or text such as "1/(1 + t)". Symbols are matched by name: t is the time, and any other name that
            the toolkit does not use itself is a parameter.

    Raises:
        BadInput: the expression depends on a single coordinate, though h must be the same for all, or `coerce` rejects it.
    """

    h: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "h", coerce(self.h, "h"))
        if depends_on(self.h, "j") or depends_on(self.h, "k") or depends_on(self.h, "i"):
            raise BadInput("h", self.h, "a scalar: t, parameters, and aggregates such as coord_sum(g**2)")

    factor = property(lambda self: self.h)


@dataclass(frozen=True)
class Normalised(Schedule):
    """Normalised steps: h = 1/(k0 + k1 ||grad f(x)||_2) with k0, k1 >= 0, not both 0 (dimensionless).

    The family contains the constant c (k0 = 1/c, k1 = 0), the normalised step c/||grad f||_2 (k0 = 0, k1 = 1/c), and
    h = s/K_kap(G) of theory 6.3 (k0 = (A L0 + c')/s, k1 = A L1/s). If k0 = 0, h is infinite where the gradient vanishes.

    Raises:
        BadInput: k0 or k1 is negative, or both are 0.
    """

    k0: Any = "k0"
    k1: Any = "k1"

    def __post_init__(self) -> None:
        for name in ("k0", "k1"):
            settle(self, f"normalised:{name}", NONNEGATIVE)
        if self.k0 == 0 and self.k1 == 0:
            raise BadInput("normalised:k0", 0, "k0 and k1 not both 0")

    @property
    def factor(self) -> sp.Expr:
        return 1 / (self.k0 + self.k1 * sp.sqrt(coord_sum(g**2)))


def __dir__() -> list[str]:
    return pieces_in(__name__, globals())
