"""The logistic law."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from sdescent.derive.methods.constants import always
from sdescent.derive.methods.noise.law import INFINITE, Law


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
