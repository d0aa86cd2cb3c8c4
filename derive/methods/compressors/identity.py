"""The identity: no compression."""

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from sdescent.derive.expressions.coordinates import v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors.base import Mask, Omega, Unbiased
from sdescent.derive.methods.constants import always
from sdescent.derive.vocabulary.registry import register


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
