"""The Laplace law."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from sdescent.derive.methods.constants import always
from sdescent.derive.methods.noise.law import INFINITE, Branch, Law


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
