"""Clipping by coordinate and by the Euclidean norm (Pascanu, Mikolov, Bengio 2013; in private SGD: Abadi et al. 2016)."""

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

    C is bounded, and its moments have closed forms in terms of the distribution function of the noise.
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
