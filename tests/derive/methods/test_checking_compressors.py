"""Each lie of a compressor is found by `derive.check`, and its SDE refused; each class is tested until it has passed.

Draws have fixed keys; a comparison passes within 5 standard errors (`sdescent.numerics.laws.conformity`).
"""

from dataclasses import dataclass
from typing import Any

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.step.covariance import compression_ratio
from sdescent.derive.expressions.coordinates import coord_sum, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.checking import pieces
from sdescent.derive.methods.compressors import Biased, Compressor, Omega, RandK, ScaledSign, Sign, Unbiased
from sdescent.derive.methods.noise import Correlated, Gaussian, Scaled
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.compressors import compress
from sdescent.numerics.laws.counter import Draws
from tests.support.laws.skewed import SkewedMixture

pytestmark = pytest.mark.usefixtures("forgotten")


@dataclass(frozen=True)
class Kept(Unbiased):
    """C(v) = v B/p, p = 1/2: right."""

    growth = 1  # pyright: ignore[reportAssignmentType]

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        return GradientForm(v, v**2)

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(sp.S.One, True)

    def latex(self) -> str:
        return "C"


def lying(base: type[Compressor], **members: Any) -> Compressor:
    return type("Lying", (base,), members)()


def moments(*form: Any) -> Any:
    return lambda self, dim: GradientForm(*form)


class Half(Kept):
    """E C(v) = v/2, and says that it is unbiased."""

    conditional_moments = moments(v / 2, v**2 / 4)


LONG = sp.Rational(1, 10)
LIES: list[tuple[Compressor, str]] = [
    (Half(), "unbiased"),
    (lying(Kept, growth=0), "growth"),
    (lying(Kept, conditional_moments=moments(v, -(v**2))), "covariance"),
    # every variance is positive, but the covariances are larger than the variances
    (lying(Kept, conditional_moments=moments(v, 3 * v**2, (v,), sp.Matrix([[-2]]))), "covariance"),
    (lying(Kept, omega=lambda self, dim: Omega(sp.Rational(9, 10), True)), "omega"),
    (lying(ScaledSign, contraction=lambda self, dim: 1 - 2 / dim), "contraction"),
    (lying(Sign, longest=lambda self, dim: sp.sqrt(dim) - LONG), "longest"),
]


@pytest.mark.parametrize(("compressor", "what"), LIES, ids=range(len(LIES)))
def test_a_lie_of_a_compressor_is_found_and_its_sde_refused(compressor: Compressor, what: str) -> None:
    assert what in [f.what for f in sd.check(compressor, sampling=False).failed]
    told = rf"{type(compressor).__name__} is not what it says: .* sd\.check shows"
    with pytest.raises(Refusal, match=told) as caught:
        sd.sde(sd.DCSGD(compressor, Gaussian()))
    assert caught.value.kind == "unsound-piece"


def test_a_formula_without_a_value_at_0_is_not_a_number_there_and_a_piecewise_mends_it() -> None:
    """C(v) = v B/p with p = |v|/(|v| + |v|_1), whose 1/p - 1 = |v|_1/|v| is 0/0 at 0."""
    size = sp.sqrt(coord_sum(v**2))
    ratio = coord_sum(sp.Abs(v)) / size

    def with_ratio(ratio: sp.Expr) -> sd.Findings:
        omega = lambda self, dim: Omega(sp.sqrt(dim), False)  # noqa: E731
        return sd.check(lying(Kept, conditional_moments=moments(v, v**2 * ratio), omega=omega), sampling=False)

    failed = {f.what: f.detail for f in with_ratio(ratio).failed}
    assert set(failed) == {"covariance", "omega"}
    for detail in failed.values():
        assert detail.startswith("at v = (0, 0) the value is not a number") and "sympy.Piecewise" in detail
    assert with_ratio(sp.Piecewise((0, sp.Eq(size, 0)), (ratio, True))).ok


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sp.oo, "omega of Odd: found 'oo'; accepted: sd.compressors.Omega(value, exact)"),
        (lambda: Omega("2", True), "Omega: found '2'; accepted: a finite number or SymPy expression"),
        (lambda: Omega(-sp.S.Half, True), "at least 0"),
        (lambda: Omega(float("inf"), True), "Omega: found 'inf'; accepted: a finite number"),
    ],
)
def test_an_omega_that_cannot_be_is_refused_with_the_remedy(make: Any, words: str) -> None:
    class Odd(Kept):
        def omega(self, dim: sp.Expr) -> Omega:
            return make()

    (failed,) = sd.check(Odd(), sampling=False).failed
    assert failed.what == "omega" and words in failed.detail
    assert failed.detail.endswith('where no finite omega exists, omega(dim) raises sd.Refusal("no-omega", "why")')
    with pytest.raises(Refusal, match=r"Odd is not what it says: omega: .*omega") as caught:
        sd.sde(sd.DCSGD(Odd(), Gaussian()))
    assert "nan (" not in caught.value.message
    with pytest.raises(BadInput, match="no-omega"):
        compression_ratio(Odd(), sp.Integer(2))


def test_an_unbiased_compressor_may_have_no_omega() -> None:
    """C(v) = v + N(0, 1): the error stays 1 where v = 0."""

    class Noisy(Kept):
        conditional_moments = moments(v, sp.S.One)

        def omega(self, dim: sp.Expr) -> Omega:
            raise Refusal("no-omega", "the error does not vanish with v")

    findings = sd.check(Noisy(), sampling=False)
    assert [f.detail for f in findings.untested if f.what == "omega"] == ["the error does not vanish with v"]
    assert findings.ok and sd.sde(sd.DCSGD(Noisy(), Scaled(Gaussian(), 1))).to_dict()["omega"] is None
    hopeful = lying(Noisy, omega=lambda self, dim: Omega(3.0, False))  # pyright: ignore[reportArgumentType]
    (failed,) = sd.check(hopeful, sampling=False).failed
    assert failed.detail.startswith("at v = (0) the left side is 1 (E||C - v||^2 <= omega ||v||^2, 3)")


@pytest.mark.slow
def test_a_wrong_sampler_of_a_compressor_is_found() -> None:
    """One coin for all coordinates, where the covariance is that of independent ones."""
    shared = lying(Kept)

    def coins(draws: Draws, v: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return jnp.where(draws.uniform(shape) < 0.5, 2 * v, 0.0)

    compress.register(Kept, lambda compressor, draws, v, parameters=None: coins(draws, v, v.shape))
    compress.register(type(shared), lambda compressor, draws, v, parameters=None: coins(draws, v, (1, v.shape[1])))
    assert sd.check(Kept()).ok
    assert {f.what for f in sd.check(shared).failed} == {"sampler: covariance, d = 3"}


def test_values_outside_of_a_domain_that_is_not_stated() -> None:
    """C(v) = v B/p is no compressor at p = 2: that is said, and refuses nothing."""

    @dataclass(frozen=True)
    class Coin(Kept):
        p: Any = sp.Symbol("p", positive=True)  # noqa: RUF009

        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            return GradientForm(v, (1 / self.p - 1) * v**2)

        def omega(self, dim: sp.Expr) -> Omega:
            return Omega(1 / self.p - 1, True)

    (finding,) = [f for f in sd.check(Coin(), sampling=False).failed if f.what == "covariance"]
    assert "at p = 2" in finding.detail and "it holds at p = 1/2, p = 1, p = 1/10: say which values" in finding.detail
    assert finding.detail.endswith("raise BadInput in its __post_init__ for all other numbers")
    assert sd.sde(sd.DCSGD(Coin(), Gaussian())).drift is not None


def test_what_is_right_but_unusual_is_not_refused() -> None:
    class Wide(Biased):
        """Clipping at a large bound."""

        growth = 0  # pyright: ignore[reportAssignmentType]
        conditional_moments = moments(sp.Max(-(10**6), sp.Min(10**6, v)), sp.S.Zero)
        latex = Kept.latex

    class Planar(Kept):
        """Rand-1, written with d - 1 in a denominator: no numbers at d = 1."""

        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            return GradientForm(v, (dim - 1) * v**2 + v**2, (v,), sp.Matrix([[-(dim - 1) / (dim - 1)]]))

        def omega(self, dim: sp.Expr) -> Omega:
            return Omega(dim - 1, True)

    for compressor in (Kept(), Wide(), Planar()):
        findings = sd.check(compressor, sampling=False)
        assert findings.ok and findings.passed, str(findings)
        assert sd.sde(sd.DCSGD(compressor, Gaussian())) is not None


def test_each_class_is_tested_until_it_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    tested: list[Any] = []
    honest = pieces.symbolic
    monkeypatch.setattr(pieces, "symbolic", lambda piece, patient: tested.append(piece) or honest(piece, patient))
    for _ in range(2):
        sd.sde(sd.DCSGD(Kept(), SkewedMixture()))
        with pytest.raises(Refusal):
            sd.sde(sd.DCSGD(Half(), Gaussian()))
    sd.sde(sd.DCSGD(RandK(1), Gaussian()))
    assert [type(piece) for piece in tested] == [Kept, SkewedMixture, Half, Half]


def test_findings_read_well() -> None:
    findings = sd.check(Half(), sampling=False)
    assert isinstance(findings, sd.Findings) and not findings.ok
    lines = str(findings).splitlines()
    assert lines[0].endswith(": 3 passed, 1 failed, 0 not tested")
    assert any(line.startswith("  failed    unbiased: at v = (") and "E C(v) = (" in line for line in lines)
    assert findings.to_dict()["ok"] is False and findings.to_dict()["findings"][0]["status"] == "failed"
    assert sd.check(Correlated(Gaussian())).untested[-1].what == "sampler"
