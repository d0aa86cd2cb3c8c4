"""The Gaussian law."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from sdescent.derive.methods.constants import always
from sdescent.derive.methods.noise.law import INFINITE, Law


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
