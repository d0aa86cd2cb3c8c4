"""`derive.check`: what the package ships is what it says; integrals over densities; findings at several values.

Draws have fixed keys; a comparison passes within 5 standard errors (`sdescent.numerics.laws.conformity`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate, g
from sdescent.derive.methods.checking import pieces
from sdescent.derive.methods.checking.findings import Finding, function, joined, mesh, valued
from sdescent.derive.methods.checking.laws import AT
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.losses import Quartic, Smoothness
from sdescent.derive.methods.noise import Gaussian, Laplace, Scaled, StudentT
from sdescent.derive.methods.noise.law import ARGUMENT
from sdescent.derive.vocabulary.registry import entries
from tests.support.conformance import LAWS
from tests.support.laws.skewed import Exponential, SkewedMixture
from tests.support.samples import slow_but

REGISTERED = [(kind, name) for kind in ("noise", "compressor", "loss") for name in entries(kind)]
#: numbers for scales and bounds; the letters p and k are put at several
NUMBERS = {
    "nu": "5", "alpha": "3/2", "sigma": "3/4", "sigma0": "1/2", "sigma1": "1/3", "c": "3/4", "step": "1/2", "s": "2",
}  # fmt: skip


def _registered(kind: str, name: str) -> Any:
    if name == "logistic-regression":
        return sd.losses.LogisticRegression("1/2", ((1, 2), (3, -4)), (1, -1))
    entry = entries(kind)[name]
    return entry.build(
        **{p.name: NUMBERS.get(p.name, p.default) for p in entry.parameters if NUMBERS.get(p.name, p.default)}
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    slow_but(REGISTERED, [*REGISTERED[::6], ("loss", "quartic"), ("compressor", "norm-clip")], rows=True),
)
def test_what_the_package_ships_is_what_it_says(kind: str, name: str) -> None:
    findings = sd.check(_registered(kind, name), sampling=False)
    assert findings.ok, str(findings)
    assert findings.passed or name in ("none", "rosenbrock", "separable"), str(findings)


#: each compressor, a law of each class, and noises
SAMPLED = [_registered("compressor", name) for name in entries("compressor")]
SAMPLED += {type(law): law for law in [*LAWS.values(), SkewedMixture(), Exponential()]}.values()
SAMPLED += [Scaled(Laplace(), "3/4"), _registered("noise", "affine")]


@pytest.mark.slow
@pytest.mark.parametrize("piece", SAMPLED, ids=str)
def test_samplers(piece: Any) -> None:
    findings = sd.check(piece)
    assert findings.ok and any(f.what.startswith("sampler") for f in findings.passed), str(findings)


def test_a_loss_that_is_less_smooth_than_it_says() -> None:
    class Steep(Quartic):
        def smoothness(self, dim: int) -> Smoothness:
            return Smoothness(sp.S.One, sp.S.Zero)

    assert [f.what for f in sd.check(Steep()).failed] == ["smoothness, d = 1", "smoothness, d = 2"]


def test_without_jax_the_samplers_are_not_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "SAMPLER", "sdescent.numerics.there_is_none:about_sampler")
    (finding,) = sd.check(Laplace()).untested
    assert finding.what == "sampler" and "JAX" in finding.detail


def test_a_scale_below_zero_is_found_and_what_a_run_gives_is_not_tested() -> None:
    def with_scale(scale: sp.Expr) -> sd.Findings:
        return sd.check(
            type("Own", (Scaled,), {"scales": property(lambda self: (scale,))})(Gaussian(), 1), sampling=False
        )

    (finding,) = with_scale(g).failed
    assert finding.what == "scales" and "below 0" in finding.detail
    vector = Coordinate("w", "j", True)
    with_numbers = sd.check(Scaled(Gaussian(), vector), sampling=False)  # w1, w2, w3 are put at numbers
    assert with_numbers.ok and not with_numbers.untested
    unseen = with_scale(vector)
    assert [f.detail for f in unseen.untested] == ["the vector w is given with a run"] and unseen.ok


def test_findings_at_several_values() -> None:
    def at(status: Any) -> list[Finding]:
        return [Finding("growth", status, "numbers")]

    assert joined([("p = 1", at("passed")), ("p = 2", at("untested"))])[0].status == "passed"
    assert joined([("p = 1", at("failed")), ("p = 2", at("failed"))])[0].detail == "at p = 1: numbers"
    assert ("nu = 1/2, sigma = 1", Scaled(StudentT("1/2"), 1)) in list(valued(Scaled(StudentT("nu"), "sigma")))
    assert [words for words, _ in valued(RandK("k"))] == ["k = 1", "k = 2", "k = 3", "k = 5"]  # 1/2 is not accepted


SHARP: dict[str, tuple[Callable[[sp.Expr], sp.Expr], float | None]] = {
    "an irrational step": (lambda z: sp.Piecewise((1 / sp.Float(2 * np.pi), sp.Abs(z) <= np.pi), (0, True)), np.pi**2 / 3),
    "a power tail": (lambda z: sp.Rational(3, 4) / (1 + sp.Abs(z)) ** sp.Rational(5, 2), None),
    "a narrow peak": (lambda z: sp.exp(-((1000 * z) ** 2) / 2) * 1000 / sp.sqrt(2 * sp.pi), 1e-6),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARP)
def test_masses_and_variances_on_a_mesh(name: str) -> None:
    density, variance = SHARP[name]
    within = mesh(function(density(ARGUMENT), [ARGUMENT]), [*AT, *-AT])
    assert float(np.sum(within.weights)) == pytest.approx(1, abs=1e-10)
    assert variance is None or within.mean(within.nodes**2) == pytest.approx(variance, rel=1e-9)


def test_smoothness_constants_that_are_attained() -> None:
    """By the Hessian: of a quadratic everywhere, and of logistic regression on one feature at 0."""
    assert sd.losses.Quadratic([1, 5, 2]).smoothness(3).l0 == 5
    loss = sd.losses.LogisticRegression(sp.Rational(1, 7), ((1,), (3,)), (1, -1))
    at = sp.Symbol("x1", real=True)
    assert (
        sp.simplify(sp.diff(loss.value([at]), at, 2).subs(at, 0))
        == loss.smoothness(1).l0
        == sp.Rational(1, 7) + sp.Rational(5, 4)
    )
