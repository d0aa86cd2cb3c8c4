"""`derive.check`: what the package ships is what it says; integrals over densities; findings at several values.

Draws have fixed keys; a comparison passes within 5 standard errors (`sdescent.numerics.laws.conformity`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate, g
from sdescent.derive.methods.checking import pieces
from sdescent.derive.methods.checking.findings import Finding, joined
from sdescent.derive.methods.checking.laws import AT
from sdescent.derive.methods.checking.numbers import function, mesh, valued
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.losses import Separable, Smoothness
from sdescent.derive.methods.losses import x as place
from sdescent.derive.methods.noise import Gaussian, Laplace, Law, Scaled, StudentT
from sdescent.derive.methods.noise.law import ARGUMENT
from sdescent.derive.vocabulary.registry import entries
from tests.support.conformance import LAWS
from tests.support.laws.skewed import Exponential, SkewedMixture
from tests.support.samples import slow_but


def _registered(kind: str) -> dict[str, Any]:
    """Every class that a specification names: numbers for scales and bounds, the letters p and k, which are put at several."""
    given = {
        "nu": "5",
        "alpha": "3/2",
        "sigma": "3/4",
        "sigma0": "1/2",
        "sigma1": "1/3",
        "c": "3/4",
        "step": "1/2",
        "s": "2",
    }
    found = {}
    for name, entry in entries(kind).items():
        own = {
            p.name: given.get(p.name, p.default or "1")
            for p in entry.parameters
            if p.default is not None or p.name in given
        }
        try:
            found[name] = entry.build(**own)
        except TypeError:  # data of a regression
            assert name == "logistic-regression"
            found[name] = sd.losses.LogisticRegression("1/2", ((1, 2), (3, -4)), (1, -1))
    return found


REGISTERED = [(kind, name) for kind in ("noise", "compressor", "loss") for name in entries(kind)]


@pytest.mark.parametrize(
    ("kind", "name"),
    slow_but(REGISTERED, [*REGISTERED[::6], ("loss", "quartic"), ("compressor", "norm-clip")], rows=True),
)
def test_what_the_package_ships_is_what_it_says(kind: str, name: str) -> None:
    found = sd.check(_registered(kind)[name], sampling=False)
    assert found.ok, str(found)
    assert found.passed or name in ("none", "rosenbrock", "separable"), str(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", entries("compressor"))
def test_samplers_of_the_package(name: str) -> None:
    found = sd.check(_registered("compressor")[name])
    assert found.ok and any(f.what.startswith("sampler") for f in found.passed), str(found)


#: a law of each class
EACH = {type(law): law for law in [*LAWS.values(), SkewedMixture(), Exponential()]}.values()


@pytest.mark.slow
@pytest.mark.parametrize("law", EACH, ids=str)
def test_laws_and_their_samplers(law: Law) -> None:
    found = sd.check(law)
    assert found.ok and sum(f.what.startswith("sampler") for f in found.passed) >= 3, str(found)
    noise = sd.check(Scaled(law, "3/4"), sampling=law.symmetric and law.closed_form)
    assert noise.ok, str(noise)


def test_a_loss_that_is_less_smooth_than_it_says() -> None:
    class Steep(Separable):
        coordinate = place**4 / 4  # pyright: ignore[reportAssignmentType]

        def smoothness(self, dim: int) -> Smoothness:
            return Smoothness(sp.S.One, sp.S.Zero)

    found = sd.check(Steep())
    assert [f.what for f in found.failed] == ["smoothness, d = 1", "smoothness, d = 2"]


def test_without_jax_the_samplers_are_not_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "SAMPLER", "sdescent.numerics.there_is_none:about_sampler")
    (found,) = sd.check(Laplace()).untested
    assert found.what == "sampler" and "JAX" in found.detail


def test_a_scale_below_zero_is_found_and_what_a_run_gives_is_not_tested() -> None:
    class Signed(Scaled):
        @property
        def scales(self) -> tuple[sp.Expr, ...]:
            return (g,)

    (found,) = sd.check(Signed(Gaussian(), 1), sampling=False).failed
    assert found.what == "scales" and "below 0" in found.detail
    vector = sd.check(Scaled(Gaussian(), Coordinate("w", "j", True)), sampling=False)  # w1, w2, w3 are put at numbers
    assert vector.ok and not vector.untested

    class Unseen(Scaled):
        @property
        def scales(self) -> tuple[sp.Expr, ...]:
            return (Coordinate("w", "j", True),)

    vector = sd.check(Unseen(Gaussian(), 1))
    assert [f.detail for f in vector.untested] == ["the vector w is given with a run"] * 2 and vector.ok


def test_findings_at_several_values() -> None:
    def at(status: Any) -> list[Finding]:
        return [Finding("growth", status, "numbers")]

    assert joined([("p = 1", at("passed")), ("p = 2", at("untested"))])[0].status == "passed"
    assert joined([("p = 1", at("failed")), ("p = 2", at("failed"))])[0].detail == "at p = 1: numbers"
    assert ("nu = 1/2, sigma = 1", Scaled(StudentT("1/2"), 1)) in list(valued(Scaled(StudentT("nu"), "sigma")))
    assert [words for words, _ in valued(RandK("k"))] == ["k = 1", "k = 2", "k = 3", "k = 5"]  # 1/2 is not accepted


SHARP: dict[str, tuple[Callable[[sp.Expr], sp.Expr], float]] = {
    "a step where no panel ends": (lambda z: sp.Piecewise((sp.Rational(1, 2), sp.Abs(z) <= 1), (0, True)), 1 / 3),
    "an irrational step": (
        lambda z: sp.Piecewise((1 / sp.Float(2 * np.pi), sp.Abs(z) <= np.pi), (0, True)),
        np.pi**2 / 3,
    ),
    "a power tail": (lambda z: sp.Rational(3, 4) / (1 + sp.Abs(z)) ** sp.Rational(5, 2), float("nan")),
    "a narrow peak": (lambda z: sp.exp(-((1000 * z) ** 2) / 2) * 1000 / sp.sqrt(2 * sp.pi), 1e-6),
}


@pytest.mark.parametrize("name", SHARP)
def test_the_mesh_knows_masses_and_variances(name: str) -> None:
    density, variance = SHARP[name]
    within = mesh(function(density(ARGUMENT), [ARGUMENT]), [*AT, *-AT])
    assert float(np.sum(within.weights)) == pytest.approx(1, abs=1e-10)
    if not np.isnan(variance):
        assert within.mean(within.nodes**2) == pytest.approx(variance, rel=1e-9)
