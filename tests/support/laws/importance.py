"""A compressor whose constants differ by coordinate: coordinate j is kept with probability p_j and scaled by 1/p_j."""

from dataclasses import dataclass
from typing import Any

import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import by_coordinate, coord_max, v


@dataclass(frozen=True)
class Importance(sd.compressors.Unbiased):
    p: Any = None

    def __post_init__(self) -> None:
        p = by_coordinate("p", self.p, "importance:p", lambda p: 0 < p <= 1, "numbers in (0, 1]")
        object.__setattr__(self, "p", p)

    @property
    def growth(self) -> int:
        return 1

    def conditional_moments(self, dim: sp.Expr) -> sd.plugins.GradientForm:
        return sd.plugins.GradientForm(v, (1 / self.p - 1) * v**2)

    def omega(self, dim: sp.Expr) -> sd.compressors.Omega:
        return sd.compressors.Omega(coord_max(1 / self.p - 1), True)

    def latex(self) -> str:
        return r"\mathrm{importance}"
