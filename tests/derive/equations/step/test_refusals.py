"""What does not exist is refused with its reason; what a symbol leaves open stays attached (theory 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.models import MODELS, lam
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import g
from sdescent.derive.methods.compressors import (
    QSGD,
    Bernoulli,
    Compressor,
    FixedGrid,
    Identity,
    Natural,
    RandK,
    ScaledSign,
    Sign,
    Ternary,
    TopK,
    Unbiased,
)
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine, Cauchy, Gaussian, Laplace, Law, NoNoise, Stable, StudentT
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from tests.support.samples import mostly_slow, slow_but

UNBIASED: list[Unbiased] = [Identity(), Bernoulli("p"), RandK("k"), QSGD("s"), Ternary(), Natural(), FixedGrid("step")]
GROWING: list[Compressor] = [*UNBIASED, ScaledSign(), TopK("k")]


def refusal(method: Method, model: str = "first-order", dim: int | None = None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        sde(method, model, None, dim)
    assert caught.value.message == str(caught.value)
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dim", [None, 1, 3])
@pytest.mark.parametrize(
    ("law", "kind", "said"),
    [
        (Cauchy(), "no-drift", "the mean of the increment does not exist"),
        (StudentT("1/2"), "no-drift", "the mean of the increment does not exist"),
        (Stable("1/2"), "no-drift", "there is no drift"),
        (Stable(1), "no-drift", "there is no drift"),
        (StudentT("3/2"), "infinite-variance", "no diffusion approximation of this form exists"),
        (StudentT(2), "infinite-variance", "the second moment of the increment is infinite"),
        (Stable("3/2"), "infinite-variance", "no diffusion approximation of this form exists"),
    ],
    ids=str,
)
def test_heavy_noise_with_dsgd(law: Law, kind: str, said: str, dim: int | None, model: str) -> None:
    found = refusal(DSGD(law), model, dim)
    assert found.kind == kind
    assert said in found.message
    assert str(law.tail) in found.message


@pytest.mark.parametrize(
    "compressor", slow_but(GROWING, [c for c in GROWING if c != ScaledSign()]), ids=lambda c: type(c).__name__
)
def test_student_t_without_variance_under_every_growing_compressor(compressor: Compressor) -> None:
    assert refusal(DCSGD(compressor, StudentT(2))).kind == "infinite-variance"
    assert refusal(DCSGD(compressor, StudentT("19/10"))).kind == "infinite-variance"
    assert refusal(DCSGD(compressor, StudentT(1))).kind == "no-drift"
    assert refusal(DCSGD(compressor, Cauchy())).kind == "no-drift"
    assert moments(DCSGD(compressor, StudentT("21/10"))).conditions == ()


def test_the_sign_takes_every_noise_without_a_condition() -> None:
    for law in (Cauchy(), StudentT("1/10"), StudentT("nu"), Stable("1/2"), Stable("alpha"), Gaussian(), Laplace()):
        for dim in (None, 2):
            found = sde(DSignSGD(law), dim=dim)
            assert found.conditions == ()
            assert found.drift is not None


def test_stable_laws_keep_gaussian_at_two_and_refuse_a_symbol() -> None:
    assert sde(DSGD(Stable(2))).conditions == ()
    found = refusal(DSGD(Stable("alpha")))
    assert found.kind == "infinite-variance"
    assert "alpha = 2" in found.message


@pytest.mark.parametrize("dim", [None, 1, 3])
def test_noise_free_sign_has_no_corrected_and_no_second_order_model(dim: int | None) -> None:
    found = refusal(DSignSGD(NoNoise()), "corrected", dim)
    assert found.kind == "unbounded-lambda"
    assert "unbounded at g_j = 0" in found.message
    assert refusal(DSignSGD(NoNoise()), "second-order", dim).kind == "not-differentiable"
    assert sde(DSignSGD(NoNoise()), "first-order", None, dim).drift is not None


@pytest.mark.parametrize("model", ["corrected", "second-order"])
def test_noise_free_scaled_sign_is_refused_alike_beyond_one_dimension(model: str) -> None:
    kind = {"corrected": "unbounded-lambda", "second-order": "not-differentiable"}[model]
    assert refusal(DCSGD(ScaledSign(), NoNoise()), model, 3).kind == kind
    assert sde(DCSGD(ScaledSign(), NoNoise()), model, None, 1).drift is not None  # |g| sign(g) = g


def test_a_fixed_grid_asked_for_omega() -> None:
    with pytest.raises(Refusal) as caught:
        FixedGrid("1/2").omega(sp.Integer(3))
    assert caught.value.kind == "no-omega"
    assert "no finite omega" in caught.value.message
    assert moments(DCSGD(FixedGrid("1/2"), Gaussian()), 3).omega is None
    assert sde(DCSGD(FixedGrid("1/2"), Gaussian()), dim=2).to_dict()["omega"] is None


@pytest.mark.parametrize("compressor", [TopK(1), Sign(), ScaledSign()], ids=str)
def test_a_biased_compressor_asked_for_omega(compressor: Any) -> None:
    with pytest.raises(Refusal) as caught:
        compressor.omega(sp.Integer(3))
    assert caught.value.kind == "no-omega"
    assert moments(DCSGD(compressor, Gaussian()), 3).omega is None


@pytest.mark.parametrize("dim", [None, 2])
@pytest.mark.parametrize("compressor", mostly_slow(GROWING, 2), ids=lambda c: type(c).__name__)
def test_a_symbolic_nu_carries_its_condition(compressor: Compressor, dim: int | None) -> None:
    found = sde(DCSGD(compressor, StudentT("nu")), "first-order", None, dim)
    assert [str(c) for c in found.conditions] == ["nu > 2"]
    assert found.conditions[0].met is None
    written = found.to_dict()
    assert written["conditions"] == ["nu > 2"]
    assert written["unmet"] == []
    assert found.form is None or "nu" in written["parameters"]
    assert r"\nu > 2" in found.latex().replace(r"\nu>2", r"\nu > 2")


def test_a_symbolic_nu_carries_both_conditions_of_the_second_order_model() -> None:
    written = sde(DSGD(StudentT("nu")), "second-order", None, 2).to_dict()
    assert written["conditions"] == ["nu > 2", "nu > 3"]


def test_affine_student_t_needs_its_variance_whatever_the_compressor() -> None:
    assert sde(DSignSGD(Affine(1, 1, "nu"))).to_dict()["conditions"] == ["nu > 2"]
    with pytest.raises(BadInput, match="affine:nu"):
        Affine(1, 1, 2)


@pytest.mark.parametrize("dim", [None, 2])
def test_the_second_order_model_says_that_weak_order_two_fails(dim: int | None) -> None:
    found = sde(DSGD(StudentT("5/2")), "second-order", None, dim)
    assert found.drift is not None
    assert [c.met for c in found.conditions] == [False]
    written = found.to_dict()
    assert written["unmet"] == [{"condition": "5/2 > 3", "needed_for": "weak order 2"}]
    assert written["conditions"] == ["5/2 > 3"]
    assert sde(DSGD(StudentT("5/2")), "first-order", None, dim).conditions == ()
    assert sde(DSGD(StudentT(4)), "second-order", None, dim).conditions == ()
    assert sde(DSGD(StudentT(3)), "second-order", None, dim).to_dict()["unmet"] == [
        {"condition": "3 > 3", "needed_for": "weak order 2"}
    ]


@pytest.mark.parametrize("compressor", [QSGD(2), Ternary(), Natural(), FixedGrid("1/2"), TopK(1)], ids=str)
def test_without_closed_form_the_conditional_moments_are_returned_and_said(compressor: Compressor) -> None:
    found = sde(DCSGD(compressor, Gaussian()), dim=3)
    assert found.form is None
    assert found.conditional is not None
    written = found.to_dict()
    biased = isinstance(compressor, TopK)  # E C(v) = v of the others makes the mean the gradient
    assert written["drift"] == (None if biased else ["-g1", "-g2", "-g3"])
    assert written["covariance"] is None
    assert [m["what"] for m in written["missing"]] == (["drift", "covariance"] if biased else ["covariance"])
    assert written["conditional"]["given"] == ["v1", "v2", "v3"]
    assert len(written["conditional"]["mean"]) == len(written["conditional"]["covariance"]) == 3
    generic = sde(DCSGD(compressor, Gaussian())).to_dict()
    assert generic["conditional"]["given"] == ["v_j"]


NO_DIMENSIONS: tuple[Any, ...] = (-1, 0, 2.5, 2.0, "2", True, [2], sp.Symbol("d"), sp.Rational(3, 2), float("nan"))
NO_OBJECTS: tuple[Any, ...] = (None, "dsgd", 1, Gaussian, ["dsgd"])
NO_MODELS: tuple[Any, ...] = (None, 1, ["corrected"], {})
NO_LOSSES: tuple[Any, ...] = ("quadratic", 1, Quadratic, sp.Symbol("x"))


def test_whole_numbers_of_any_kind_are_dimensions() -> None:
    assert [type(sde(DSGD(Gaussian()), dim=d).dim) for d in (2, np.int64(2), sp.Integer(2))] == [int] * 3  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: sde(DSGD(Gaussian()), "third-order"), "model"),
        (lambda: sde(DCSGD(RandK(4), Gaussian()), dim=3), "rand-k:k"),
        (lambda: sde(DCSGD(TopK(4), Gaussian()), dim=3), "top-k:k"),
        (lambda: Bernoulli("3/2"), "bernoulli:p"),
        (lambda: Bernoulli(0), "bernoulli:p"),
        (lambda: StudentT(0), "student-t:nu"),
        (lambda: StudentT("-1"), "student-t:nu"),
        (lambda: Stable("5/2"), "stable:alpha"),
        (lambda: QSGD(0), "qsgd:s"),
        (lambda: Quadratic(()), "quadratic:h"),
        (lambda: RandK("1/2"), "rand-k:k"),
        (lambda: FixedGrid(0), "fixed-grid:step"),
        (lambda: DSGD(Gaussian(), 0), "clients"),
        (lambda: sde(DSGD(Gaussian())).expanded, "dim"),
        *((lambda d=d: sde(DSGD(Gaussian()), dim=d), "dim") for d in NO_DIMENSIONS),
        *((lambda d=d: sde(DSGD(Gaussian())).coordinates(d), "dim") for d in NO_DIMENSIONS),
        *((lambda m=m: sde(m), "method") for m in NO_OBJECTS),
        *((lambda m=m: sde(DSGD(Gaussian()), m), "model") for m in NO_MODELS),
        *((lambda f=f: sde(DSGD(Gaussian()), loss=f), "loss") for f in NO_LOSSES),
        *((lambda c=c: DCSGD(c), "compressor") for c in NO_OBJECTS),
        *((lambda z=z: DSGD(z), "noise") for z in NO_OBJECTS),
        *((lambda u=u: DSGD(schedule=u), "schedule") for u in NO_OBJECTS),
    ],
)
def test_bad_input_names_its_field(build: Any, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        build()
    assert caught.value.field == field


@pytest.mark.parametrize("mean", [sp.Max(0, g), sp.Abs(g)], ids=["one-sided", "absolute value"])
def test_a_ratio_with_two_limits_at_zero_gives_no_corrected_model(mean: sp.Expr) -> None:
    with pytest.raises(Refusal) as caught:
        lam(mean)
    assert caught.value.kind == "unbounded-lambda"
    assert lam(2 * g) == 2  # the same function where the limit exists
