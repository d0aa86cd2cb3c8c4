"""The laws whose formulas are elementary functions: Gaussian, Laplace, uniform and logistic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from sdescent.derive.methods.constants import always
from sdescent.derive.methods.noise.law import ARGUMENT, INFINITE, Branch, Law


@dataclass(frozen=True)
class Gaussian(Law):
    """N(0, 1): 2F(x) - 1 = erf(x / sqrt 2), variance 1, all moments (theory 3)."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.erf(x / sp.sqrt(2))

    def moment(self, m: int) -> sp.Expr:
        return sp.factorial2(m - 1)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m = (m-1) R_{m-2} + 2 (-y)^{m-1} p(y), by parts from z p = -p'."""
        if m == 0:
            return self.sign_mean(y)
        lower = (m - 1) * self.signed_moment(m - 2, y) if m >= 2 else sp.S.Zero
        return lower + 2 * (-y) ** (m - 1) * self.density(y)

    def latex(self) -> str:
        return r"\mathcal{N}(0,1)"


@dataclass(frozen=True)
class Laplace(Law):
    """Density exp(-|x|)/2: 2F(x) - 1 = sgn(x)(1 - exp(-|x|)), variance 2 (theory 3)."""

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
        """Incomplete gamma functions of integer order: m! times (1 - Q) for even m, Q for odd m, Q = e^{-|y|} sum_l |y|^l/l!."""
        size = sp.Abs(y)
        upper = sp.exp(-size) * sp.Add(*[size**n / sp.factorial(n) for n in range(m + 1)])
        return sp.factorial(m) * (sp.sign(y) * (1 - upper) if m % 2 == 0 else upper)

    def latex(self) -> str:
        return r"\mathrm{Laplace}(0,1)"


@dataclass(frozen=True)
class Uniform(Law):
    """Uniform on [-1, 1]: 2F(x) - 1 = clip(x, -1, 1), variance 1/3 (theory 3)."""

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
        """With c = clip(y): c^{m+1}/(m+1) for even m, (1 - c^{m+1})/(m+1) for odd m."""
        power = self.sign_mean(y) ** (m + 1)
        return (power if m % 2 == 0 else 1 - power) / (m + 1)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        y = show(ARGUMENT)
        return rf"of density $F'({y})=\frac{{1}}{{2}}$ for $\left|{{{y}}}\right|\le1$, $0$ beyond"

    def latex(self) -> str:
        return r"\mathcal{U}[-1,1]"


@dataclass(frozen=True)
class Logistic(Law):
    """Density sech^2(x/2)/4: 2F(x) - 1 = tanh(x/2), variance pi^2/3 (theory 3)."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return 1 / (4 * sp.cosh(x / 2) ** 2)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.tanh(x / 2)

    def moment(self, m: int) -> sp.Expr:
        """pi^m (2^m - 2) |B_m| for even m, B_m the Bernoulli numbers."""
        return sp.S.One if m == 0 else sp.pi**m * (2**m - 2) * sp.Abs(sp.bernoulli(m))

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """By parts from the tail 1 - F(a) = e^{-a}/(1 + e^{-a}); m = 2 needs the dilogarithm Li_2(w) = w 3F2(1,1,1;2,2;w)."""
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
