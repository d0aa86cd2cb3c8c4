"""Top-k (Stich, Cordonnier, Jaggi 2018; theory 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from sdescent.derive.expressions.coordinates import rank, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.written import latex
from sdescent.derive.methods.compressors.base import Biased
from sdescent.derive.methods.compressors.identity import Identity
from sdescent.derive.methods.compressors.sparsifiers import KeepsK
from sdescent.derive.vocabulary.registry import count, register


@register("compressor", "top-k", "the k largest |v_j| kept; ties by lowest index", count("k"))
@dataclass(frozen=True)
class TopK(KeepsK, Biased):
    """C_j(v) = v_j when fewer than k coordinates are ahead of j in |v|, else 0; ||C(v) - v||^2 <= (1 - k/d)||v||^2."""

    name = "top-k"

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        if self.k == dim:
            return Identity().conditional_moments(dim)
        return GradientForm(sp.Piecewise((v, rank(sp.Abs(v)) < self.k), (0, True)), sp.S.Zero)

    def contraction(self, dim: sp.Expr) -> sp.Expr:
        return 1 - self.k / dim

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        size, k = show(sp.Abs(v)), show(self.k)
        which = "coordinate" if self.k == 1 else rf"${k}$ coordinates"
        return rf"$C_j={show(v)}$ for the {which} with the largest ${size}$, of equal ones the first; $C_j=0$ else"

    def latex(self) -> str:
        return rf"\mathrm{{Top}}\text{{-}}{latex(self.k)}"
