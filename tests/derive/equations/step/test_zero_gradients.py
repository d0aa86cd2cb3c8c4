"""Where coordinates of the gradient, or all of them, are exactly zero: derivatives of kinks, of norms, noise that vanishes."""

import numpy as np
import pytest
import sympy as sp
from scipy import stats

import sdescent as sd
from sdescent.derive.equations.process.stationary import sign_near_optimum
from sdescent.derive.expressions.coordinates import coord_sum, g
from sdescent.derive.expressions.derivatives import gradient_derivative
from sdescent.derive.methods.noise import Affine, Laplace, Noise, Scaled
from sdescent.derive.methods.noise.law import Vanishing
from sdescent.derive.methods.schedules import Adaptive
from tests.support.samples import mostly_slow

H = np.array([[1.5, 0.5], [0.5, 2.0]])
ETA, STEP = 0.1, 1e-4
NORM = sp.sqrt(coord_sum(g**2))


def coefficients(method: sd.Method, model: str, dim: int = 2):
    """Drift and covariance as functions of the gradient, at the Hessian H, eta = ETA."""
    named = sd.sde(method, model, None, dim).expanded
    values = {f"H{i + 1}_{j + 1}": H[i, j] for i in range(dim) for j in range(i, dim)} | {"eta": ETA, "N": 1}
    put = {s: values[s.name] for e in (*named.drift, *named.covariance) for s in e.free_symbols if s.name in values}
    return [
        lambda p, m=m: np.array(
            m.xreplace(put).xreplace(dict(zip(named.gradient, map(sp.sympify, p), strict=True))), float
        )
        for m in (named.drift, named.covariance)
    ]


KINKED = [
    (sd.compressors.Sign(), Scaled(Laplace(), (1, 2))),
    (sd.compressors.ScaledSign(), Scaled(Laplace(), "1/2")),
]


@pytest.mark.parametrize(("compressor", "noise"), mostly_slow(KINKED, rows=True), ids=str)
def test_the_second_order_drift_at_zero_coordinates(compressor: sd.compressors.Compressor, noise: Noise) -> None:
    """-b - (eta/2) J_b H b by differences of b, which is differentiable there though it is written with signs."""
    method = sd.DCSGD(compressor, noise)
    first, second = (coefficients(method, model)[0] for model in ("first-order", "second-order"))
    for point in ((0, 1), (0, 0), (0.5, 0), (0, -2), (0.7, -0.4)):
        x, b = np.array(point), -first(point).ravel()
        ahead, behind = (-first(x + s * STEP * H @ b).ravel() for s in (1, -1))
        expected = -b - ETA / 2 * (ahead - behind) / (2 * STEP)
        # a Laplace law leaves b once differentiable at 0
        assert second(point).ravel() == pytest.approx(expected, abs=1e-5)


def test_a_kink_has_the_mean_of_its_one_sided_derivatives() -> None:
    """sgn(g)(2|g| + g) has the slopes 2 + sgn(g)."""
    at_zero = gradient_derivative(sp.sign(g) * (2 * sp.Abs(g) + g)).subs(g, 0)
    assert at_zero == 2
    assert gradient_derivative((1 + sp.sign(g) * g) ** 2).subs(g, 0) == 0


def test_an_adaptive_factor_of_the_norm_has_a_second_order_drift_at_zero() -> None:
    method = sd.Method(sd.compressors.Sign(), Scaled(Laplace(), 1), 1, Adaptive(1 / (1 + 2 * NORM)))
    assert np.all(coefficients(method, "second-order")[0]((0, 0)) == 0)


def test_a_factor_without_a_limit_is_refused() -> None:
    with pytest.raises(sd.Refusal, match="no limit at g = 0"):
        sd.sde(sd.DSGD(schedule=Adaptive(1 / NORM)), "second-order", dim=2)


SCALES = {"one of two": Affine((0, 1), 1, 5), "all": Affine(0, "1/2")}


@pytest.mark.parametrize(
    ("compressor", "noise", "model"),
    [
        ("sign", "one of two", "first-order"),
        ("sign", "all", "corrected"),
        ("sign", "one of two", "second-order"),
        ("scaled-sign", "all", "first-order"),
        pytest.param("scaled-sign", "one of two", "first-order", marks=pytest.mark.slow),
    ],
)
def test_a_client_whose_noise_vanishes_sends_zero_at_zero(compressor: str, noise: str, model: str) -> None:
    """At g = 0 its message is C(0) = 0; the others' have the moments of their own noise: E C = 0, Cov C by draws."""
    law = SCALES[noise]
    c = {"sign": sd.compressors.Sign(), "scaled-sign": sd.compressors.ScaledSign()}[compressor]
    if compressor == "sign" and model != "first-order":
        with pytest.raises(sd.Refusal, match="the noise vanishes with the gradient"):
            coefficients(sd.DCSGD(c, law), model)
        return
    drift, covariance = coefficients(sd.DCSGD(c, law), model)
    assert np.all(drift((0, 0)) == 0)
    alone = [s for s in law.sigma0 if s != 0]
    share = len(alone) / len(law.sigma0)
    loud = coefficients(sd.DCSGD(c, Affine(alone[0], 0, law.nu)), "first-order")[1]((0, 0)) if alone else 0
    assert covariance((0, 0)) * len(law.sigma0) == pytest.approx(share * loud * np.ones((2, 2)), rel=1e-12)


@pytest.mark.parametrize(("dim", "stays"), [(1, 0), (2, 1)])
def test_signs_of_noise_that_vanishes_have_no_corrected_and_no_second_order_model(dim: int, stays: int) -> None:
    """b_j/g_j = (2 Phi(g_j/s) - 1)/g_j, Phi by SciPy, on a ray to 0: bounded if and only if s stays away from 0 (theory 2)."""
    ray = np.array([1.0, 0.5])[:dim]
    sizes = np.array([1e-3, 1e-6, 1e-9])[:, None] * ray
    scale = np.sqrt(stays + (sizes**2).sum(1, keepdims=True) / 4)
    quotient = (2 * stats.norm.cdf(sizes / scale) - 1) / sizes
    grows = quotient[1:] / quotient[:-1]
    method = sd.DSignSGD(Affine(stays, "1/2"))
    kinds = {"corrected": "unbounded-lambda", "second-order": "not-differentiable"}
    for model, kind in kinds.items():
        if stays:
            assert grows == pytest.approx(np.ones_like(grows), rel=1e-5)
            assert np.isfinite(coefficients(method, model)[0]((1e-9, 1e-9))).all()
        else:
            assert grows == pytest.approx(1e3 * np.ones_like(grows), rel=1e-6)
            with pytest.raises(sd.Refusal) as refused:
                sd.sde(method, model, sd.losses.Quadratic((1,) * dim), dim)
            assert refused.value.kind == kind
    if not stays:
        with pytest.raises(sd.Refusal) as refused:
            sign_near_optimum(method, dim)
        assert refused.value.kind == "unbounded-lambda"


@pytest.mark.parametrize("compressor", mostly_slow([sd.compressors.Sign(), sd.compressors.ScaledSign()]), ids=str)
def test_clients_with_vanishing_noise_away_from_zero(compressor: sd.compressors.Compressor) -> None:
    """Against draws, five standard errors: v_i = g + s_i Z, s = (|g|/2, sqrt(1 + |g|^2))."""
    drift, covariance = coefficients(sd.DCSGD(compressor, Affine((0, 1), ("1/2", 1))), "first-order")
    point, rng = np.array([0.6, 0.0]), np.random.default_rng(5)
    sizes = (0.3, np.sqrt(1.36))
    means, spreads, errors = [], [], []
    for s in sizes:
        v = point + s * rng.normal(size=(400_000, 2))
        size = 1 if isinstance(compressor, sd.compressors.Sign) else np.abs(v).mean(1, keepdims=True)
        out = size * np.sign(v)
        means.append(out.mean(0))
        spreads.append(np.cov(out.T))
        errors.append(out.std() / np.sqrt(len(out)))
    assert -drift(point).ravel() == pytest.approx(np.mean(means, 0), abs=5 * max(errors))
    assert covariance(point) * 2 / ETA == pytest.approx(np.mean(spreads, 0), abs=20 * max(errors))


def test_a_wrong_variance_where_the_noise_vanishes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Vanishing.signed_moment

    def wrong(law: Vanishing, m: int, y: sp.Expr) -> sp.Expr:
        return right(law, m, y) + sp.Piecewise((0, law.scale > 0), (1, True))

    monkeypatch.setattr(Vanishing, "signed_moment", wrong)
    with pytest.raises(AssertionError):
        test_a_client_whose_noise_vanishes_sends_zero_at_zero("sign", "one of two", "first-order")
