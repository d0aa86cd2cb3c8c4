"""Laws with simple closed forms: Gaussian, Laplace, uniform and logistic."""

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from sdescent.derive.methods.constants import always
from sdescent.derive.methods.noise.law import ARGUMENT, INFINITE, Branch, Law


@dataclass(frozen=True)
class Gaussian(Law):
    """The standard Gaussian law N(0, 1), with variance 1 and 2F(x) - 1 = erf(x / sqrt 2) (theory 3).

    All moments are finite.
    """

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.erf(x / sp.sqrt(2))

    def moment(self, m: int) -> sp.Expr:
        return sp.factorial2(m - 1)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y), by integration by parts from z p = -p': R_m = (m-1) R_{m-2} + 2 (-y)^{m-1} p(y)."""
        if m == 0:
            return self.sign_mean(y)
        lower = (m - 1) * self.signed_moment(m - 2, y) if m >= 2 else sp.S.Zero
        return lower + 2 * (-y) ** (m - 1) * self.density(y)

    def latex(self) -> str:
        return r"\mathcal{N}(0,1)"


@dataclass(frozen=True)
class Laplace(Law):
    """The Laplace law with density exp(-|x|)/2, variance 2 and 2F(x) - 1 = sgn(x)(1 - exp(-|x|)) (theory 3)."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.exp(-sp.Abs(x)) / 2

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        ((above, _, _),) = self.branches(sp.Abs(x))
        return sp.sign(x) * above

    def branches(self, x: sp.Expr) -> tuple[Branch, ...]:
        return ((1 - sp.exp(-x), 0, None),)

    def moment(self, m: int) -> sp.Expr:
        return sp.factorial(m)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y) = m! sgn(y) (1 - Q) for even m and m! Q for odd m, with Q = e^{-|y|} sum_{l <= m} |y|^l/l!.

        Q is an incomplete gamma function of integer order.
        """
        size = sp.Abs(y)
        upper = sp.exp(-size) * sp.Add(*[size**n / sp.factorial(n) for n in range(m + 1)])
        return sp.factorial(m) * (sp.sign(y) * (1 - upper) if m % 2 == 0 else upper)

    def latex(self) -> str:
        return r"\mathrm{Laplace}(0,1)"


@dataclass(frozen=True)
class Uniform(Law):
    """The uniform law on [-1, 1], with variance 1/3 and 2F(x) - 1 = max(-1, min(1, x)) (theory 3)."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.Piecewise((sp.Rational(1, 2), sp.Abs(x) <= 1), (0, True))

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.Max(-1, sp.Min(1, x))

    def branches(self, x: sp.Expr) -> tuple[Branch, ...]:
        return ((x, 0, 1), (sp.S.One, 1, None))

    def moment(self, m: int) -> sp.Expr:
        return sp.Rational(1, m + 1)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y) = c^{m+1}/(m+1) for even m and (1 - c^{m+1})/(m+1) for odd m, with c = max(-1, min(1, y))."""
        power = self.sign_mean(y) ** (m + 1)
        return (power if m % 2 == 0 else 1 - power) / (m + 1)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        y = show(ARGUMENT)
        return rf"of density $F'({y})=\frac{{1}}{{2}}$ for $\left|{{{y}}}\right|\le1$, $0$ beyond"

    def latex(self) -> str:
        return r"\mathcal{U}[-1,1]"


@dataclass(frozen=True)
class Logistic(Law):
    """The logistic law with density sech^2(x/2)/4, variance pi^2/3 and 2F(x) - 1 = tanh(x/2) (theory 3)."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return 1 / (4 * sp.cosh(x / 2) ** 2)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.tanh(x / 2)

    def moment(self, m: int) -> sp.Expr:
        """E Z^m = pi^m (2^m - 2) |B_m| for even m > 0, where B_m are the Bernoulli numbers."""
        return sp.S.One if m == 0 else sp.pi**m * (2**m - 2) * sp.Abs(sp.bernoulli(m))

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y), by integration by parts from 1 - F(a) = e^{-a}/(1 + e^{-a}).

        The case m = 2 uses the dilogarithm Li_2(w) = w 3F2(1,1,1;2,2;w).
        """
        size = sp.Abs(y)
        decay = sp.exp(-size)
        upper = decay / (1 + decay)  # 1 - F(|y|), without the cancellation
        if m == 0:
            return self.sign_mean(y)
        if m == 1:
            return 2 * size * upper + 2 * sp.log(1 + decay)
        if m == 2:
            dilogarithm = -decay * sp.hyper((1, 1, 1), (2, 2), -decay)
            beyond = 2 * size**2 * upper + 4 * size * sp.log(1 + decay) - 4 * dilogarithm  # 2 int_{|y|}^oo z^2 p
            return sp.sign(y) * (self.moment(2) - beyond)
        return super().signed_moment(m, y)

    def latex(self) -> str:
        return r"\mathrm{Logistic}(0,1)"
