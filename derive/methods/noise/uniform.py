"""The uniform law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from sdescent.derive.methods.constants import always
from sdescent.derive.methods.noise.law import ARGUMENT, INFINITE, Branch, Law


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
