"""Random sparsifiers: coordinates are kept at random and rescaled (Stich, Cordonnier, Jaggi 2018; theory 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.expressions.coordinates import v
from derive.expressions.gradient_form import GradientForm
from derive.expressions.written import latex
from derive.methods.compressors.base import Mask, Omega, Unbiased, any_count, any_fraction
from derive.vocabulary.errors import BadInput
from derive.vocabulary.registry import Parameter, count, register
from derive.vocabulary.symbols import coerce
from derive.vocabulary.symbols import d as dimension


@register(
    "compressor",
    "bernoulli",
    "each coordinate kept with probability p, scaled by 1/p",
    Parameter("p", "a number in (0, 1]", lambda x: 0 < x <= 1, "p"),
)
@dataclass(frozen=True)
class Bernoulli(Unbiased):
    """C_j = v_j B_j / p with independent B_j ~ Bernoulli(p): variance v_j^2 (1-p)/p given v, omega = 1/p - 1."""

    p: Any = "p"

    def __post_init__(self) -> None:
        p = coerce(self.p, "bernoulli:p")
        if p.is_number and not (p.is_positive and (1 - p).is_nonnegative):
            raise BadInput("bernoulli:p", p, "a number in (0, 1], or the name of a symbol")
        object.__setattr__(self, "p", p)

    @property
    def growth(self) -> int:
        return 1

    def given(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v, (1 / self.p - 1) * v**2)

    def mask(self, dim: sp.Expr) -> Mask:
        """E M^n = p^(1-n), independent over coordinates."""
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


def check_k(name: str, k: Any) -> sp.Expr:
    """k as a whole number >= 1 or a symbol."""
    k = coerce(k, f"{name}:k")
    if k.is_number and not (k.is_integer and k.is_positive):
        raise BadInput(f"{name}:k", k, "a whole number >= 1, or the name of a symbol")
    return k


def check_k_within(name: str, k: sp.Expr, dim: int) -> None:
    """k <= dim."""
    if k.is_number and k > dim:
        raise BadInput(f"{name}:k", k, f"a whole number from 1 to the dimension {dim}")


def domain_of_k(k: sp.Expr, dim: sp.Expr) -> dict[sp.Basic, sp.Expr]:
    """1 <= k <= dim."""
    if not k.is_Symbol:
        return {} if dim.is_number else {dim: k + any_count(dim)}
    if dim.is_number:
        return {k: 1 + (dim - 1) * any_fraction(k)}
    least = 1 + any_count(k)
    return {k: least, dim: least + any_count(dim)}


@register("compressor", "rand-k", "k of d coordinates kept, uniformly, scaled by d/k", count("k"))
@dataclass(frozen=True)
class RandK(Unbiased):
    """C_j = (d/k) v_j 1{j in K}, K uniform of size k.

    P(j in K) = k/d and P(i, j in K) = k(k-1)/(d(d-1)), so given v: Cov_ij = (d(k-1)/(k(d-1)) - 1) v_i v_j for i != j and
    Cov_jj = (d/k - 1) v_j^2; omega = d/k - 1.
    """

    k: Any = "k"

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", check_k("rand-k", self.k))

    @property
    def growth(self) -> int:
        return 1

    def given(self, dim: sp.Expr) -> GradientForm:
        own = (dim / self.k - 1) * v**2
        if dim == 1:
            return GradientForm(v, own)
        pair = sp.factor(dim * (self.k - 1) / (self.k * (dim - 1)) - 1)
        return GradientForm(v, sp.factor(dim / self.k - 1 - pair) * v**2, (v,), sp.Matrix([[pair]]))

    def mask(self, dim: sp.Expr) -> Mask:
        """E M_j^n = (d/k)^(n-1), E M_i^a M_j^b = (d/k)^(a+b) k(k-1)/(d(d-1))."""

        def pair(a: int, b: int) -> sp.Expr:
            return (dim / self.k) ** (a + b) * self.k * (self.k - 1) / (dim * (dim - 1))

        return Mask(lambda n: (dim / self.k) ** (n - 1), pair)

    def domain(self, dim: sp.Expr) -> dict[sp.Basic, sp.Expr]:
        return domain_of_k(self.k, dim)

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(dim / self.k - 1, True)

    def check_dimension(self, dim: int) -> None:
        check_k_within("rand-k", self.k, dim)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        scale = show(dimension / self.k)
        sets = "single coordinates" if self.k == 1 else rf"sets of ${show(self.k)}$ coordinates"
        return rf"$C_j={scale}\,{show(v)}\,1\{{j\in K\}}$ with $K$ uniform among the {sets}; $d\ge2$ (at $d=1$ it is the identity)"

    def latex(self) -> str:
        return rf"\mathrm{{Rand}}\text{{-}}{latex(self.k)}"
