"""Unbiased random rounding to a grid: |v_j| lies in a cell [lo, hi] and is rounded to one of its ends, independently given v.

Given v, E C_j = v_j and Var C_j = (|v_j| - lo)(hi - |v_j|) (theory 4). The grids are those of QSGD (Alistarh et al. 2017), TernGrad
(Wen et al. 2017) and natural compression (Horvath et al. 2022), and a fixed grid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import coord_max, coord_sum, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.written import latex
from sdescent.derive.methods.compressors.base import Omega, Unbiased
from sdescent.derive.methods.constants import POSITIVE, WHOLE, always, settle
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.registry import count, positive, register


@register("compressor", "qsgd", "random rounding of |v_j|/||v||_2 to s levels", count("s"))
@dataclass(frozen=True)
class QSGD(Unbiased):
    """QSGD with s levels: C_j = ||v||_2 sgn(v_j) xi_j / s, where xi_j rounds s|v_j|/||v||_2 randomly to a neighbouring integer.

    Given v, Var C_j = (||v||_2/s)^2 r(1 - r), where r is the fractional part of s|v_j|/||v||_2. The compression ratio is
    omega = sqrt(d)/s - 1 if sqrt(d) >= 2s, and omega <= d/(4 s^2) otherwise. In dimension 1, QSGD is the identity.
    """

    s: Any = "s"

    def __post_init__(self) -> None:
        settle(self, "qsgd:s", WHOLE)

    growth = always(1)

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        if dim == 1:  # the identity: |v|/||v|| = 1 is always a level
            return GradientForm(v, sp.S.Zero)
        norm2 = coord_sum(v**2)
        level = self.s * sp.Abs(v) / sp.sqrt(norm2)
        part = level - sp.floor(level)
        return GradientForm(v, sp.Piecewise((norm2 / self.s**2 * part * (1 - part), norm2 > 0), (0, True)))

    def omega(self, dim: sp.Expr) -> Omega:
        if dim == 1:
            return Omega(sp.S.Zero, True)
        fine, coarse = dim / (4 * self.s**2), sp.sqrt(dim) / self.s - 1
        if dim.is_number and self.s.is_number:
            return Omega(coarse, True) if dim >= 4 * self.s**2 else Omega(fine, False)
        return Omega(sp.Piecewise((coarse, dim >= 4 * self.s**2), (fine, True)), False)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        norm, level = sp.sqrt(coord_sum(v**2)), self.s * sp.Abs(v) / sp.sqrt(coord_sum(v**2))
        return (
            rf"$C_j={show(norm / self.s)}\,{show(sp.sign(v))}\,\xi_j$ with $\xi_j$ one of the two whole numbers next to "
            rf"${show(level)}$, drawn so that this is its mean"
        )

    def latex(self) -> str:
        return rf"\mathrm{{QSGD}}_{{{latex(self.s)}}}"


@register("compressor", "ternary", "TernGrad: max|v| sgn(v_j) with probability |v_j|/max|v|, else 0")
@dataclass(frozen=True)
class Ternary(Unbiased):
    """TernGrad: C_j = ||v||_oo sgn(v_j) B_j with independent B_j ~ Bernoulli(|v_j|/||v||_oo).

    Given v, Var C_j = |v_j|(||v||_oo - |v_j|); omega = (sqrt(d) - 1)/2.
    """

    growth = always(1)

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        if dim == 1:  # the identity
            return GradientForm(v, sp.S.Zero)
        return GradientForm(v, sp.Abs(v) * (coord_max(sp.Abs(v)) - sp.Abs(v)))

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega((sp.sqrt(dim) - 1) / 2, True)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        largest = coord_max(sp.Abs(v))
        chance = rf"{show(sp.Abs(v))}/{show(largest)}"
        return rf"$C_j={show(largest)}\,{show(sp.sign(v))}$ with probability ${chance}$, else $0$ (TernGrad)"

    def latex(self) -> str:
        return r"\mathrm{TernGrad}"


@register("compressor", "natural", "random rounding of |v_j| to a power of two")
@dataclass(frozen=True)
class Natural(Unbiased):
    """Natural compression: |v_j| in [2^a, 2^{a+1}] is rounded randomly to 2^a or 2^{a+1}.

    Given v, Var C_j = (|v_j| - 2^a)(2^{a+1} - |v_j|); omega = 1/8.
    """

    growth = always(1)

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        size = sp.Abs(v)
        low = 2 ** sp.floor(sp.log(size) / sp.log(2))
        return GradientForm(v, sp.Piecewise(((size - low) * (2 * low - size), size > 0), (0, True)))

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(sp.Rational(1, 8), True)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return (
            rf"$C_j={show(sp.sign(v))}\,\xi_j$ with $\xi_j$ one of the two powers of two next to ${show(sp.Abs(v))}$, "
            "drawn so that this is its mean"
        )

    def latex(self) -> str:
        return r"\mathrm{Natural}"


@register("compressor", "fixed-grid", "random rounding to the multiples of a step", positive("step"))
@dataclass(frozen=True)
class FixedGrid(Unbiased):
    """Rounding to a fixed grid: v_j is rounded randomly to a neighbouring multiple of `step` > 0.

    Given v, Var C_j = step^2 r(1 - r), where r is the fractional part of v_j/step. No finite omega exists.
    """

    step: Any = "step"

    def __post_init__(self) -> None:
        settle(self, "fixed-grid:step", POSITIVE)

    growth = always(1)

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        low = self.step * sp.floor(v / self.step)
        return GradientForm(v, (v - low) * (low + self.step - v))

    def omega(self, dim: sp.Expr) -> Omega:
        raise Refusal("no-omega", "rounding to a fixed grid has no finite omega: its error does not shrink as v -> 0")

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return rf"$C_j$ one of the two multiples of ${show(self.step)}$ next to ${show(v)}$, drawn so that this is its mean"

    def latex(self) -> str:
        return rf"\mathrm{{Grid}}_{{{latex(self.step)}}}"
