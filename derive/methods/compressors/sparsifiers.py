"""Sparsifiers, which send few coordinates: random ones, rescaled, or the largest ones (Stich, Cordonnier, Jaggi 2018; theory 4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import rank, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.written import latex
from sdescent.derive.methods.compressors.base import Biased, Compressor, Mask, Omega, Unbiased, any_count, any_fraction
from sdescent.derive.methods.constants import FRACTION, WHOLE, always, settle
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.registry import Parameter, count, register
from sdescent.derive.vocabulary.symbols import d as dimension


@register(
    "compressor",
    "bernoulli",
    "each coordinate kept with probability p, scaled by 1/p",
    Parameter("p", "a number in (0, 1]", lambda x: 0 < x <= 1, "p"),
)
@dataclass(frozen=True)
class Bernoulli(Unbiased):
    """Bernoulli sparsification: C_j = v_j B_j / p with independent B_j ~ Bernoulli(p), 0 < p <= 1.

    Given v, Var C_j = v_j^2 (1 - p)/p; omega = 1/p - 1.
    """

    p: Any = "p"

    def __post_init__(self) -> None:
        settle(self, "bernoulli:p", FRACTION)

    growth = always(1)

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v, (1 / self.p - 1) * v**2)

    def mask(self, dim: sp.Expr) -> Mask:
        """The moments of M_j = B_j/p: E M_j^n = p^(1-n), with M_j independent over the coordinates."""
        return Mask(lambda n: self.p ** (1 - n), lambda a, b: self.p ** (2 - a - b))

    def domain(self, dim: sp.Expr) -> dict[sp.Basic, sp.Expr]:
        return {self.p: any_fraction(self.p)} if self.p.is_Symbol else {}

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(1 / self.p - 1, True)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        p = show(self.p)
        kept = show(v / self.p)
        return rf"$C_j={kept}\,\xi_j$ with independent $\xi_j\in\{{0,1\}}$, $\mathbb{{P}}(\xi_j=1)={p}$"

    def latex(self) -> str:
        return rf"\mathrm{{Bernoulli}}({latex(self.p)})"


@dataclass(frozen=True)
class KeepsK(Compressor):
    """A sparsifier that sends k of d coordinates, 1 <= k <= d. The class attribute `name` is its name in specifications."""

    name = ""
    k: Any = "k"

    def __post_init__(self) -> None:
        settle(self, f"{self.name}:k", WHOLE)

    growth = always(1)

    def domain(self, dim: sp.Expr) -> dict[sp.Basic, sp.Expr]:
        if not self.k.is_Symbol:
            return {} if dim.is_number else {dim: self.k + any_count(dim)}
        if dim.is_number:
            return {self.k: 1 + (dim - 1) * any_fraction(self.k)}
        least = 1 + any_count(self.k)
        return {self.k: least, dim: least + any_count(dim)}

    def check_dimension(self, dim: int) -> None:
        if self.k.is_number and self.k > dim:
            raise BadInput(f"{self.name}:k", self.k, f"a whole number from 1 to the dimension {dim}")


@register("compressor", "rand-k", "k of d coordinates kept, uniformly, scaled by d/k", count("k"))
@dataclass(frozen=True)
class RandK(KeepsK, Unbiased):
    """Rand-k: C_j = (d/k) v_j 1{j in K}, where K is drawn uniformly from the sets of k coordinates.

    P(j in K) = k/d, and P(i, j in K) = k(k-1)/(d(d-1)) for i != j. Given v, therefore, Cov_jj = (d/k - 1) v_j^2 and
    Cov_ij = (d(k-1)/(k(d-1)) - 1) v_i v_j for i != j; omega = d/k - 1.
    """

    name = "rand-k"

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        if dim == 1:
            return GradientForm(v, (dim / self.k - 1) * v**2)
        pair = sp.factor(dim * (self.k - 1) / (self.k * (dim - 1)) - 1)
        return GradientForm(v, sp.factor(dim / self.k - 1 - pair) * v**2, (v,), sp.Matrix([[pair]]))

    def mask(self, dim: sp.Expr) -> Mask:
        """The moments E M_j^n = (d/k)^(n-1), and E M_i^a M_j^b = (d/k)^(a+b) k(k-1)/(d(d-1)) for i != j."""

        def pair(a: int, b: int) -> sp.Expr:
            return (dim / self.k) ** (a + b) * self.k * (self.k - 1) / (dim * (dim - 1))

        return Mask(lambda n: (dim / self.k) ** (n - 1), pair)

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(dim / self.k - 1, True)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        scale = show(dimension / self.k)
        sets = "single coordinates" if self.k == 1 else rf"sets of ${show(self.k)}$ coordinates"
        return rf"$C_j={scale}\,{show(v)}\,1\{{j\in K\}}$ with $K$ uniform among the {sets}; $d\ge2$ (at $d=1$ it is the identity)"

    def latex(self) -> str:
        return rf"\mathrm{{Rand}}\text{{-}}{latex(self.k)}"


@register("compressor", "top-k", "the k largest |v_j| kept; ties by lowest index", count("k"))
@dataclass(frozen=True)
class TopK(KeepsK, Biased):
    """Top-k: the k coordinates that are largest in absolute value are kept, and all others set to 0.

    Ties are broken in favour of the lower index. ||C(v) - v||_2^2 <= (1 - k/d) ||v||_2^2.
    """

    name = "top-k"

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        if self.k == dim:  # the identity
            return GradientForm(v, sp.S.Zero)
        return GradientForm(sp.Piecewise((v, rank(sp.Abs(v)) < self.k), (0, True)), sp.S.Zero)

    def contraction(self, dim: sp.Expr) -> sp.Expr:
        return 1 - self.k / dim

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        size, k = show(sp.Abs(v)), show(self.k)
        which = "coordinate" if self.k == 1 else rf"${k}$ coordinates"
        return rf"$C_j={show(v)}$ for the {which} with the largest ${size}$, of equal ones the first; $C_j=0$ else"

    def latex(self) -> str:
        return rf"\mathrm{{Top}}\text{{-}}{latex(self.k)}"
