"""Signs, and clipping by coordinate and by the Euclidean norm (theory 4).

Signs: Bernstein et al. 2018; scaled sign: Karimireddy et al. 2019. Clipping: Pascanu, Mikolov, Bengio 2013; in private SGD: Abadi
et al. 2016.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import coord_sum, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.written import latex
from sdescent.derive.methods.compressors.base import Biased
from sdescent.derive.methods.constants import POSITIVE, always, settle
from sdescent.derive.vocabulary.registry import positive, register
from sdescent.derive.vocabulary.symbols import d as dimension


@dataclass(frozen=True)
class Clipping(Biased):
    """Clipping at a threshold c > 0. The class attribute `name` is the subclass's name in specifications."""

    name = ""
    c: Any = "c"

    def __post_init__(self) -> None:
        settle(self, f"{self.name}:c", POSITIVE)

    growth = always(0)


@register("compressor", "clip", "each coordinate clipped at c", positive("c"))
@dataclass(frozen=True)
class Clip(Clipping):
    """Coordinatewise clipping: C_j(v) = max(-c, min(c, v_j)) with c > 0.

    C is bounded, and its moments have closed forms in terms of the signed moments of the noise.
    """

    name = "clip"

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(sp.Max(-self.c, sp.Min(self.c, v)), sp.S.Zero)

    def longest(self, dim: sp.Expr) -> sp.Expr:
        return self.c * sp.sqrt(dim)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return rf"$C_j=\max(-{show(self.c)},\min({show(self.c)},{show(v)}))$"

    def latex(self) -> str:
        return rf"\mathrm{{clip}}({latex(self.c)})"


@register("compressor", "norm-clip", "the message scaled down to the norm c", positive("c"))
@dataclass(frozen=True)
class NormClip(Clipping):
    """Clipping by norm: C(v) = min(1, c/||v||_2) v with c > 0, so that ||C(v)||_2 <= c.

    Its moments have closed forms only given the message v.
    """

    name = "norm-clip"

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v * self.c / sp.Max(self.c, sp.sqrt(coord_sum(v**2))), sp.S.Zero)

    def longest(self, dim: sp.Expr) -> sp.Expr:
        return self.c

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return rf"$C(v)=\min(1,{show(self.c)}/\|v\|_2)\,v$"

    def latex(self) -> str:
        return rf"\mathrm{{clip}}_2({latex(self.c)})"


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
