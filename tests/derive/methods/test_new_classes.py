"""Laws and compressors that the package has never seen: moments, the three models and conformance from their definitions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors import Biased, Clip, Compressor, Omega, Sign, Ternary, Unbiased
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.noise import Cauchy, Law, Scaled, StudentT
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.numerics.laws.noises import quantile_function
from tests.support import draws
from tests.support.conformance import check_draws, check_pair


@dataclass(frozen=True)
class Triangular(Law):
    """Density 1 - |x| on [-1, 1], with its signed moments written out."""

    tail = sp.oo  # pyright: ignore[reportAssignmentType]

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.Max(0, 1 - sp.Abs(x))

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        c = sp.Max(-1, sp.Min(1, x))
        return c * (2 - sp.Abs(c))

    def moment(self, m: int) -> sp.Expr:
        return sp.Rational(2, (m + 1) * (m + 2))

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        if m == 0:
            return self.sign_mean(y)
        c = sp.Max(-1, sp.Min(1, y))
        inside = 2 * sp.Abs(c) ** (m + 1) * (sp.Rational(1, m + 1) - sp.Abs(c) / (m + 2))
        return sp.sign(c) * inside if m % 2 == 0 else self.moment(m) - inside

    def latex(self) -> str:
        return r"\Lambda"


@dataclass(frozen=True)
class SparseSign(Biased):
    """C_j = sign(v_j) B_j/p, B_j ~ Bernoulli(p)."""

    p: sp.Rational = sp.Rational(2, 5)  # noqa: RUF009

    growth = 0  # pyright: ignore[reportAssignmentType]

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(sp.sign(v), (1 / self.p - 1) * sp.sign(v) ** 2)

    def latex(self) -> str:
        return r"\mathrm{ssign}"


@dataclass(frozen=True)
class AllOrNothing(Unbiased):
    """C(v) = v B/p with one coin for all coordinates: a covariance of rank one."""

    p: sp.Rational = sp.Rational(1, 2)  # noqa: RUF009

    growth = 1  # pyright: ignore[reportAssignmentType]

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v, sp.S.Zero, (v,), sp.Matrix([[1 / self.p - 1]]))

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(1 / self.p - 1, True)

    def latex(self) -> str:
        return r"\mathrm{all}"


@draws.standard.register
def _(law: Triangular, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.random(shape) - rng.random(shape)


@draws.compress.register
def _(compressor: SparseSign, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.sign(x) * (rng.random(x.shape) < float(compressor.p)) / float(compressor.p)


@draws.compress.register
def _(compressor: AllOrNothing, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return x * (rng.random((*x.shape[:-1], 1)) < float(compressor.p)) / float(compressor.p)


PAIRS = [SparseSign(), AllOrNothing(), Sign(), Ternary(), pytest.param(Clip(1), marks=pytest.mark.slow)]


@pytest.mark.parametrize("compressor", PAIRS, ids=lambda x: type(x).__name__)
def test_moments_conform(compressor: Compressor) -> None:
    for point in ([0.0], [0.3, 0.0, 0.3], [0.4, -0.6, 1.2]):
        g = np.array(point)
        for clients in (1, 3):
            assert check_pair(compressor, Scaled(Triangular(), "3/4"), g, clients) >= g.size * (g.size + 3) // 2


@pytest.mark.parametrize(("law", "closed"), [(Cauchy(), False), (StudentT(2), False), (StudentT(3), True)])
def test_a_bounded_map_under_noise_without_moments_is_left_to_numerics(law: Law, closed: bool) -> None:
    """Its mean exists, but not term by term: no closed form, no condition, no complaint about the law."""
    equation = sde(DCSGD(Clip(1), Scaled(law, 1)))
    assert (equation.form is not None) is closed and (equation.conditional is not None) is not closed
    assert equation.conditions == ()


def test_a_new_heavy_law_is_refused_by_its_tail() -> None:
    class Pareto(Triangular):
        """Only its tail matters here: E|Z|^r is finite iff r < 2."""

        tail = 2

    with pytest.raises(Refusal) as caught:
        sde(DCSGD(AllOrNothing(), Pareto()))
    assert caught.value.kind == "infinite-variance"
    assert sde(DCSGD(Clip(1), Pareto())).conditions == ()


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize(("compressor", "member"), [(SparseSign(), "diag"), (AllOrNothing(), "core")], ids=str)
def test_a_wrong_factor_in_a_new_compressor_is_found(compressor: Any, member: str) -> None:
    right = type(compressor).conditional_moments

    class Wrong(type(compressor)):
        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            form = right(self, dim)
            parts = {n: getattr(form, n) for n in ("mean", "diag", "factors", "core")}
            return GradientForm(**parts | {member: sp.Rational(11, 10) * parts[member]})

    with pytest.raises(AssertionError, match="off by"):
        check_draws(Wrong(), Scaled(Triangular(), "3/4"), np.array([-1.2, 0.45, 0.8]), 1, 400_000)


def test_quantiles_of_a_new_law_come_from_its_distribution_function() -> None:
    law, u = Triangular(), np.linspace(0.02, 0.98, 9)
    signs = [float(law.sign_mean(sp.Float(z))) for z in quantile_function(law)(u)]
    assert signs == pytest.approx(2 * u - 1, abs=1e-10)
