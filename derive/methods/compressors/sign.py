"""Sign compressors (Bernstein et al. 2018; scaled sign: Karimireddy et al. 2019; theory 4)."""

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from sdescent.derive.expressions.coordinates import coord_sum, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors.base import Biased
from sdescent.derive.methods.constants import always
from sdescent.derive.vocabulary.registry import register
from sdescent.derive.vocabulary.symbols import d as dimension


@register("compressor", "sign", "C_j = sgn(v_j)")
@dataclass(frozen=True)
class Sign(Biased):
    """The sign compressor: C_j(v) = sgn(v_j), where sgn(0) = 0."""

    growth = always(0)

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(sp.sign(v), sp.S.Zero)

    def longest(self, dim: sp.Expr) -> sp.Expr:
        return sp.sqrt(dim)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return rf"$C_j={show(sp.sign(v))}$, with $\operatorname{{sign}}(0)=0$"

    def latex(self) -> str:
        return r"\mathrm{sign}"


@register("compressor", "scaled-sign", "C_j = (||v||_1/d) sgn(v_j)")
@dataclass(frozen=True)
class ScaledSign(Biased):
    """The scaled sign: C_j(v) = (||v||_1 / d) sgn(v_j).

    ||C(v) - v||_2^2 = ||v||_2^2 - ||v||_1^2/d if no v_j is 0, so C is a contraction with a = 1 - 1/d.
    """

    growth = always(1)

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        if dim == 1:  # |v| sgn(v) = v
            return GradientForm(v, sp.S.Zero)
        return GradientForm(coord_sum(sp.Abs(v)) / dim * sp.sign(v), sp.S.Zero)

    def contraction(self, dim: sp.Expr) -> sp.Expr:
        return 1 - 1 / dim

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return rf"$C_j={show(coord_sum(sp.Abs(v)) / dimension * sp.sign(v))}$"

    def latex(self) -> str:
        return r"\tfrac{\|\cdot\|_1}{d}\mathrm{sign}"
