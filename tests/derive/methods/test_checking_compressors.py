"""Each lie of a compressor is found by `derive.check`, and its SDE refused; each class is tested until it has passed.

Draws have fixed keys; a comparison passes within 5 standard errors (`sdescent.numerics.laws.conformity`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.step.covariance import compression_ratio
from sdescent.derive.expressions.coordinates import coord_sum, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.checking import pieces
from sdescent.derive.methods.compressors import Biased, Compressor, Omega, RandK, Sign, Unbiased
from sdescent.derive.methods.noise import Correlated, Gaussian, Scaled, StudentT
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.compressors import compress
from sdescent.numerics.laws.counter import Draws
from tests.support.laws.skewed import SkewedMixture

pytestmark = pytest.mark.usefixtures("forgotten")


@dataclass(frozen=True)
class Half(Unbiased):
    """E C(v) = v/2, and says that it is unbiased."""

    growth = 1  # pyright: ignore[reportAssignmentType]

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v / 2, v**2 / 4)

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(sp.S.One, True)

    def latex(self) -> str:
        return "C"


class Kept(Half):
    """C(v) = v B/p, p = 1/2: right."""

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v, v**2)


class Bounded(Kept):
    """The same, said to be bounded."""

    growth = 0  # pyright: ignore[reportAssignmentType]


class Negative(Kept):
    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v, -(v**2))


class Opposed(Kept):
    """Every variance is positive, but the covariances are larger than the variances."""

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v, 3 * v**2, (v,), sp.Matrix([[-2]]))


class Tight(Kept):
    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(sp.Rational(9, 10), True)


@dataclass(frozen=True)
class Scaled2(Biased):
    """Scaled sign, whose contraction is said to be 1 - 2/d."""

    growth = 1  # pyright: ignore[reportAssignmentType]

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(coord_sum(sp.Abs(v)) / dim * sp.sign(v), sp.S.Zero)

    def contraction(self, dim: sp.Expr) -> sp.Expr:
        return 1 - 2 / dim

    def latex(self) -> str:
        return "C"


class Longer(Sign):
    """The sign, whose messages are said to have the length sqrt(d) - 1/10 at most."""

    def longest(self, dim: sp.Expr) -> sp.Expr:
        return sp.sqrt(dim) - sp.Rational(1, 10)


WRONG_COMPRESSORS: list[tuple[Compressor, str]] = [
    (Half(), "unbiased"), (Bounded(), "growth"), (Negative(), "covariance"), (Opposed(), "covariance"), (Tight(), "omega"),
    (Scaled2(), "contraction"), (Longer(), "longest"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("compressor", "what"), WRONG_COMPRESSORS, ids=[type(c).__name__ for c, _ in WRONG_COMPRESSORS]
)
def test_a_lie_of_a_compressor_is_found_and_its_sde_refused(compressor: Compressor, what: str) -> None:
    assert sd.check(Kept(), sampling=False).ok
    failed = sd.check(compressor, sampling=False).failed
    assert what in [f.what for f in failed]
    with pytest.raises(
        Refusal, match=rf"{type(compressor).__name__} is not what it says: .* sd\.check shows"
    ) as caught:
        sd.sde(sd.DCSGD(compressor, Gaussian()))
    assert caught.value.kind == "unsound-piece"


def test_a_formula_without_a_value_at_0_is_not_a_number_there_and_a_piecewise_mends_it() -> None:
    size = sp.sqrt(coord_sum(v**2))

    class Quotient(Kept):
        """C(v) = v B/p with p = |v|/(|v| + |v|_1), whose 1/p - 1 = |v|_1/|v| is 0/0 at 0."""

        ratio = coord_sum(sp.Abs(v)) / size

        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            return GradientForm(v, v**2 * self.ratio)

        def omega(self, dim: sp.Expr) -> Omega:
            return Omega(sp.sqrt(dim), False)

    class Mended(Quotient):
        ratio = sp.Piecewise((0, sp.Eq(size, 0)), (Quotient.ratio, True))

    failed = {f.what: f.detail for f in sd.check(Quotient(), sampling=False).failed}
    assert set(failed) == {"covariance", "omega"}
    for detail in failed.values():
        assert (
            detail.startswith("at v = (0, 0) the value is not a number")
            and "sympy.Piecewise" in detail
            and "-1" not in detail
        )
    assert sd.check(Mended(), sampling=False).ok


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        (lambda: sp.oo, "omega of Odd: found 'oo'; accepted: sd.compressors.Omega(value, exact)"),
        (lambda: Omega(None, True), "Omega: found 'None'; accepted: a finite number"),
        (lambda: Omega("2", True), "Omega: found '2'; accepted: a finite number or SymPy expression"),
        (lambda: Omega(-sp.S.Half, True), "at least 0"),
        (lambda: Omega(float("inf"), True), "Omega: found 'inf'; accepted: a finite number"),
    ],
)
def test_an_omega_that_cannot_be_is_refused_with_the_remedy(returned: Any, found: str) -> None:
    class Odd(Kept):
        def omega(self, dim: sp.Expr) -> Omega:
            return returned()

    (failed,) = sd.check(Odd(), sampling=False).failed
    assert failed.what == "omega" and found in failed.detail
    assert failed.detail.endswith('where no finite omega exists, omega(dim) raises sd.Refusal("no-omega", "why")')
    with pytest.raises(Refusal, match=r"Odd is not what it says: omega: .*omega") as caught:
        sd.sde(sd.DCSGD(Odd(), Gaussian()))
    assert "nan (" not in caught.value.message
    with pytest.raises(BadInput, match="no-omega"):
        compression_ratio(Odd(), sp.Integer(2))


def test_an_unbiased_compressor_may_have_no_omega() -> None:
    """C(v) = v + N(0, 1): the error stays 1 where v = 0."""

    class Noisy(Kept):
        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            return GradientForm(v, sp.S.One)

        def omega(self, dim: sp.Expr) -> Omega:
            raise Refusal("no-omega", "the error does not vanish with v")

    class Hopeful(Noisy):
        def omega(self, dim: sp.Expr) -> Omega:
            return Omega(3.0, False)  # pyright: ignore[reportArgumentType]

    found = sd.check(Noisy(), sampling=False)
    assert found.ok and [f.detail for f in found.untested if f.what == "omega"] == ["the error does not vanish with v"]
    assert sd.sde(sd.DCSGD(Noisy(), Scaled(Gaussian(), 1))).to_dict()["omega"] is None
    (failed,) = sd.check(Hopeful(), sampling=False).failed
    assert failed.detail.startswith("at v = (0) the left side is 1 (E||C - v||^2 <= omega ||v||^2, 3)")


def test_a_false_growth_makes_a_negative_variance() -> None:
    """The trap: with noise of infinite variance it was nu/(nu - 2) < 0, now it is the growth that is refused."""
    with pytest.raises(Refusal, match=r"\|v\|\^0.*grows like \|v\|\^1"):
        sd.sde(sd.DCSGD(Bounded(), Scaled(StudentT("3/2"), 1)))


@pytest.mark.slow
def test_a_wrong_sampler_of_a_compressor_is_found() -> None:
    class Shared(Kept):
        """One coin for all coordinates, where the covariance is that of independent ones."""

    @compress.register(Kept)
    def _(compressor: Compressor, draws: Draws, v: jax.Array, parameters: Any = None) -> jax.Array:
        return jnp.where(draws.uniform(v.shape) < 0.5, 2 * v, 0.0)

    @compress.register(Shared)
    def _(compressor: Compressor, draws: Draws, v: jax.Array, parameters: Any = None) -> jax.Array:
        return jnp.where(draws.uniform((1, v.shape[1])) < 0.5, 2 * v, 0.0)

    assert sd.check(Kept()).ok
    assert {f.what for f in sd.check(Shared()).failed} == {"sampler: covariance, d = 3"}


def test_values_outside_of_a_domain_that_is_not_stated() -> None:
    """C(v) = v B/p is no compressor at p = 2: that is said, and refuses nothing."""

    @dataclass(frozen=True)
    class Coin(Unbiased):
        p: Any = sp.Symbol("p", positive=True)  # noqa: RUF009
        growth = 1  # pyright: ignore[reportAssignmentType]

        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            return GradientForm(v, (1 / self.p - 1) * v**2)

        def omega(self, dim: sp.Expr) -> Omega:
            return Omega(1 / self.p - 1, True)

        def latex(self) -> str:
            return "C"

    (found,) = [f for f in sd.check(Coin(), sampling=False).failed if f.what == "covariance"]
    assert "at p = 2" in found.detail and "it holds at p = 1/2, p = 1, p = 1/10: say which values" in found.detail
    assert found.detail.endswith("by a BadInput from its __post_init__ for other numbers")
    assert sd.sde(sd.DCSGD(Coin(), Gaussian())).drift is not None


def test_what_is_right_but_unusual_is_not_refused() -> None:
    class Wide(Biased):
        """Clipping at a large bound."""

        growth = 0  # pyright: ignore[reportAssignmentType]

        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            return GradientForm(sp.Max(-(10**6), sp.Min(10**6, v)), sp.S.Zero)

        def latex(self) -> str:
            return "C"

    class Planar(Kept):
        """Rand-1, written with d - 1 in a denominator: no numbers at d = 1."""

        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            return GradientForm(v, (dim - 1) * v**2 + v**2, (v,), sp.Matrix([[-(dim - 1) / (dim - 1)]]))

        def omega(self, dim: sp.Expr) -> Omega:
            return Omega(dim - 1, True)

    for compressor in (Wide(), Planar()):
        found = sd.check(compressor, sampling=False)
        assert found.ok and found.passed, str(found)
        assert sd.sde(sd.DCSGD(compressor, Gaussian())) is not None


def test_each_class_is_tested_until_it_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    honest = pieces.symbolic
    monkeypatch.setattr(pieces, "symbolic", lambda piece, patient: asked.append(piece) or honest(piece, patient))
    for _ in range(2):
        sd.sde(sd.DCSGD(Kept(), SkewedMixture()))
        with pytest.raises(Refusal):
            sd.sde(sd.DCSGD(Half(), Gaussian()))
    sd.sde(sd.DCSGD(RandK(1), Gaussian()))
    assert [type(piece) for piece in asked] == [Kept, SkewedMixture, Half, Half]


def test_findings_read_well() -> None:
    found = sd.check(Half(), sampling=False)
    assert isinstance(found, sd.Findings) and not found.ok
    lines = str(found).splitlines()
    assert lines[0] == "Half(): 3 passed, 1 failed, 0 not tested"
    assert any(line.startswith("  failed    unbiased: at v = (") and "E C(v) = (" in line for line in lines)
    assert found.to_dict()["ok"] is False and found.to_dict()["findings"][0]["status"] == "failed"
    assert sd.check(Correlated(Gaussian())).untested[-1].what == "sampler"
