"""What does not exist is refused with its reason; what a symbol leaves open stays attached (theory 2)."""

from typing import Any

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.sde import lam
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import g
from sdescent.derive.methods.compressors import (
    QSGD,
    Bernoulli,
    Compressor,
    FixedGrid,
    RandK,
    ScaledSign,
    TopK,
)
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine, Cauchy, Gaussian, Law, NoNoise, Stable, StudentT
from sdescent.derive.vocabulary.errors import BadInput, Refusal


def refusal(method: Method, model: str = "first-order", dim: int | None = None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        sde(method, model, None, dim)
    assert caught.value.message == str(caught.value)
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("law", "dim", "model", "kind", "said"),
    [
        (StudentT("1/2"), None, "first-order", "no-drift", "the mean of the increment does not exist"),
        (Stable(1), 1, "second-order", "no-drift", "there is no drift"),
        (StudentT(2), 3, "corrected", "infinite-variance", "the second moment of the increment is infinite"),
        (Stable("3/2"), None, "second-order", "infinite-variance", "no diffusion approximation of this form exists"),
    ],
    ids=str,
)
def test_heavy_noise_with_dsgd(law: Law, dim: int | None, model: str, kind: str, said: str) -> None:
    refused = refusal(DSGD(law), model, dim)
    assert refused.kind == kind and said in refused.message and str(law.tail) in refused.message


@pytest.mark.parametrize("compressor", [RandK("k"), QSGD("s"), TopK("k")], ids=lambda c: type(c).__name__)
def test_student_t_under_growing_compressors(compressor: Compressor) -> None:
    """With a symbol for nu the condition stays attached."""
    assert refusal(DCSGD(compressor, StudentT("19/10"))).kind == "infinite-variance"
    assert refusal(DCSGD(compressor, Cauchy())).kind == "no-drift"
    assert moments(DCSGD(compressor, StudentT("21/10"))).conditions == ()
    equation = sde(DCSGD(compressor, StudentT("nu")))
    assert [str(c) for c in equation.conditions] == ["nu > 2"] and equation.conditions[0].met is None
    written = equation.to_dict()
    assert (written["conditions"], written["unmet"]) == (["nu > 2"], [])
    assert equation.form is None or "nu" in written["parameters"]
    assert r"\nu > 2" in equation.latex().replace(r"\nu>2", r"\nu > 2")


def test_the_sign_takes_every_noise_without_a_condition() -> None:
    for law in (Cauchy(), StudentT("1/10"), Stable("alpha")):
        equation = sde(DSignSGD(law), dim=2)
        assert equation.conditions == () and equation.drift is not None


def test_stable_laws_keep_gaussian_at_two_and_refuse_a_symbol() -> None:
    assert sde(DSGD(Stable(2))).conditions == ()
    found = refusal(DSGD(Stable("alpha")))
    assert found.kind == "infinite-variance"
    assert "alpha = 2" in found.message


def test_noise_free_sign_has_no_corrected_and_no_second_order_model() -> None:
    corrected = refusal(DSignSGD(NoNoise()), "corrected")
    assert corrected.kind == "unbounded-lambda" and "unbounded at g_j = 0" in corrected.message
    assert refusal(DSignSGD(NoNoise()), "second-order").kind == "not-differentiable"
    assert sde(DSignSGD(NoNoise())).drift is not None


@pytest.mark.parametrize("model", ["corrected", "second-order"])
def test_noise_free_scaled_sign_is_refused_alike_beyond_one_dimension(model: str) -> None:
    kind = {"corrected": "unbounded-lambda", "second-order": "not-differentiable"}[model]
    assert refusal(DCSGD(ScaledSign(), NoNoise()), model, 3).kind == kind
    assert sde(DCSGD(ScaledSign(), NoNoise()), model, None, 1).drift is not None  # |g| sign(g) = g


@pytest.mark.parametrize("compressor", [FixedGrid("1/2"), TopK(1)], ids=str)
def test_a_compressor_without_omega(compressor: Any) -> None:
    with pytest.raises(Refusal) as caught:
        compressor.omega(sp.Integer(3))
    assert caught.value.kind == "no-omega"
    assert sde(DCSGD(compressor, Gaussian()), dim=2).to_dict()["omega"] is None


def test_a_symbolic_nu_carries_both_conditions_of_the_second_order_model() -> None:
    written = sde(DSGD(StudentT("nu")), "second-order", None, 2).to_dict()
    assert written["conditions"] == ["nu > 2", "nu > 3"]


def test_affine_student_t_needs_its_variance_whatever_the_compressor() -> None:
    assert sde(DSignSGD(Affine(1, 1, "nu"))).to_dict()["conditions"] == ["nu > 2"]
    with pytest.raises(BadInput, match="affine:nu"):
        Affine(1, 1, 2)


def test_the_second_order_model_says_that_weak_order_two_fails() -> None:
    equation = sde(DSGD(StudentT("5/2")), "second-order", None, 2)
    assert equation.drift is not None and [c.met for c in equation.conditions] == [False]
    written = equation.to_dict()
    assert written["unmet"] == [{"condition": "5/2 > 3", "needed_for": "weak order 2"}]
    assert written["conditions"] == ["5/2 > 3"]
    assert sde(DSGD(StudentT("5/2"))).conditions == sde(DSGD(StudentT(4)), "second-order").conditions == ()


@pytest.mark.parametrize("compressor", [QSGD(2), TopK(1)], ids=str)
def test_without_closed_form_the_conditional_moments_are_returned_and_said(compressor: Compressor) -> None:
    equation = sde(DCSGD(compressor, Gaussian()), dim=3)
    assert equation.form is None and equation.conditional is not None
    written = equation.to_dict()
    biased = isinstance(compressor, TopK)  # E C(v) = v of the other makes the mean the gradient
    assert written["drift"] == (None if biased else ["-g1", "-g2", "-g3"]) and written["covariance"] is None
    assert [m["what"] for m in written["missing"]] == (["drift", "covariance"] if biased else ["covariance"])
    assert written["conditional"]["given"] == ["v1", "v2", "v3"]
    assert len(written["conditional"]["mean"]) == len(written["conditional"]["covariance"]) == 3
    assert sde(DCSGD(compressor, Gaussian())).to_dict()["conditional"]["given"] == ["v_j"]


NO_DIMENSIONS: tuple[Any, ...] = (0, 2.0, "2", True, sp.Symbol("d"))
NO_OBJECTS: tuple[Any, ...] = ("dsgd", Gaussian)


def test_whole_numbers_of_any_kind_are_dimensions() -> None:
    assert [type(sde(DSGD(Gaussian()), dim=d).dim) for d in (2, np.int64(2), sp.Integer(2))] == [int] * 3  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: sde(DSGD(Gaussian()), "third-order"), "model"),
        (lambda: sde(DCSGD(RandK(4), Gaussian()), dim=3), "rand-k:k"),
        (lambda: Bernoulli(0), "bernoulli:p"),
        (lambda: StudentT(0), "student-t:nu"),
        (lambda: Quadratic(()), "quadratic:h"),
        (lambda: RandK("1/2"), "rand-k:k"),
        (lambda: FixedGrid(0), "fixed-grid:step"),
        (lambda: DSGD(Gaussian(), 0), "clients"),
        (lambda: sde(DSGD(Gaussian())).expanded, "dim"),
        *((lambda d=d: sde(DSGD(Gaussian()), dim=d), "dim") for d in NO_DIMENSIONS),
        (lambda: sde(DSGD(Gaussian())).coordinates(0), "dim"),
        *((lambda m=m: sde(m), "method") for m in NO_OBJECTS),
        (lambda: sde(DSGD(Gaussian()), ["corrected"]), "model"),
        *((lambda f=f: sde(DSGD(Gaussian()), loss=f), "loss") for f in ("quadratic", Quadratic)),
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
