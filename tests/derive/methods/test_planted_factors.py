"""A wrong factor that is planted in any class that the package ships is found by the checks of conformance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors import (
    QSGD,
    Bernoulli,
    Clip,
    Compressor,
    FixedGrid,
    Identity,
    Natural,
    NormClip,
    RandK,
    ScaledSign,
    Sign,
    Ternary,
    TopK,
)
from sdescent.derive.methods.noise import (
    Affine,
    Cauchy,
    Correlated,
    Gaussian,
    Laplace,
    Law,
    Logistic,
    Noise,
    NoNoise,
    Scaled,
    Stable,
    StudentT,
    Uniform,
)
from tests.support.conformance import COMPRESSORS, LAWS, NOISES, SYMBOLIC, check_draws, check_pair, shipped
from tests.support.samples import mostly_slow

WRONG = sp.Rational(11, 10)
pytestmark = pytest.mark.usefixtures("unasked")  # `sde` refuses most of these classes by itself
POINT = np.array([-1.2, 0.45, 0.8])


def wrong_variance(form: GradientForm) -> GradientForm:
    return GradientForm(form.mean, WRONG * form.diag, form.factors, form.core)


def wrong_mean(form: GradientForm) -> GradientForm:
    return GradientForm(WRONG * form.mean, form.diag, form.factors, form.core)


def dropped_pairs(form: GradientForm) -> GradientForm:
    return GradientForm(form.mean, form.diag)


def mutant(base: type, **members: Any) -> type:
    """A subclass with members exchanged."""
    return type(f"Wrong{base.__name__}", (base,), members)


def wrong_given(compressor: Compressor, change: Callable[[GradientForm], GradientForm]) -> Compressor:
    base = type(compressor)
    kind = mutant(base, conditional_moments=lambda self, dim: change(base.conditional_moments(self, dim)))
    return kind(**{name: getattr(compressor, name) for name in compressor.__dataclass_fields__})  # pyright: ignore[reportAttributeAccessIssue]


COMPRESSOR_MUTANTS = [
    (Identity(), wrong_mean), (Bernoulli("2/5"), wrong_variance), (RandK(2), wrong_variance), (RandK(2), dropped_pairs),
    (QSGD(1), wrong_variance), (Ternary(), wrong_variance), (Natural(), wrong_variance), (FixedGrid("1/2"), wrong_variance),
    (Sign(), wrong_mean), (ScaledSign(), wrong_mean), (TopK(1), wrong_mean), (Clip("3/4"), wrong_mean),
    (NormClip("3/4"), wrong_mean),
]  # fmt: skip


@pytest.mark.parametrize(
    ("compressor", "change"),
    mostly_slow(COMPRESSOR_MUTANTS, 4, rows=True),
    ids=lambda x: getattr(x, "__name__", None) or type(x).__name__,
)
def test_a_wrong_factor_in_a_compressor_is_found(
    compressor: Compressor, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.conformance.COUNT", 200_000)
    noise = Scaled(Gaussian(), "3/4")
    check_pair(compressor, noise, POINT, 1, 200_000)
    with pytest.raises(AssertionError, match="off by"):
        check_pair(wrong_given(compressor, change), noise, POINT, 1, 200_000)


def wrong_member(law: Law, member: str) -> Law:
    base = type(law)
    if member == "sign_mean":
        members: dict[str, Any] = {  # R_0 is 2F - 1, and some laws write it out again
            "sign_mean": lambda self, x: WRONG * base.sign_mean(self, x),
            "signed_moment": lambda self, m, y: (1 if m else WRONG) * base.signed_moment(self, m, y),
        }
    elif member == "moment":
        members = {"moment": lambda self, m: (WRONG if m else 1) * base.moment(self, m)}
    else:
        members = {"signed_moment": lambda self, m, y: (WRONG if m else 1) * base.signed_moment(self, m, y)}
    return mutant(base, **members)(**{n: getattr(law, n) for n in law.__dataclass_fields__})  # pyright: ignore[reportAttributeAccessIssue]


LAW_MUTANTS = [
    (Gaussian(), "sign_mean"), (Gaussian(), "signed_moment"), (StudentT(9), "moment"), (StudentT(3), "signed_moment"),
    (StudentT(3), "sign_mean"), (Laplace(), "signed_moment"), (Laplace(), "moment"), (Uniform(), "sign_mean"),
    (Uniform(), "signed_moment"), (Logistic(), "signed_moment"), (Logistic(), "moment"), (Stable(2), "moment"),
    (Cauchy(), "sign_mean"), (Stable("3/2"), "sign_mean"),
]  # fmt: skip
SEEN_BY = {"sign_mean": Sign(), "moment": Identity(), "signed_moment": ScaledSign()}


@pytest.mark.parametrize(
    ("law", "member"),
    mostly_slow(LAW_MUTANTS, 4, rows=True),
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_a_wrong_factor_in_a_law_is_found(law: Law, member: str) -> None:
    compressor = SEEN_BY[member]
    check_pair(compressor, Scaled(law, "3/4"), POINT, 1, 200_000)
    with pytest.raises(AssertionError, match=r"off by|Not equal to tolerance"):
        check_pair(compressor, Scaled(wrong_member(law, member), "3/4"), POINT, 1, 200_000)


def _wrong_scales(base: type) -> type:
    return mutant(base, scales=property(lambda self: tuple(WRONG * s for s in base.scales.fget(self))))  # pyright: ignore[reportAttributeAccessIssue]


NOISE_MUTANTS = [
    (Identity(), Scaled(Gaussian(), "3/4"), _wrong_scales(Scaled)(Gaussian(), "3/4")),
    (Sign(), Scaled(Gaussian(), "3/4"), _wrong_scales(Scaled)(Gaussian(), "3/4")),
    (Identity(), Affine("1/2", "1/3"), _wrong_scales(Affine)("1/2", "1/3")),
    (Identity(), Affine("1/2", "1/3", 9), _wrong_scales(Affine)("1/2", "1/3", 9)),
    (Identity(), NoNoise(), mutant(NoNoise, law=property(lambda self: Gaussian()), scales=(sp.Rational(1, 10),))()),
]


@pytest.mark.parametrize(("compressor", "right", "wrong"), NOISE_MUTANTS, ids=lambda x: type(x).__name__)
def test_a_wrong_factor_in_a_noise_is_found(compressor: Compressor, right: Noise, wrong: Noise) -> None:
    check_draws(compressor, right, POINT, 1, 200_000)
    with pytest.raises(AssertionError, match="off by"):
        check_draws(compressor, wrong, POINT, 1, 200_000)


def test_a_wrong_factor_in_a_measured_covariance_is_found() -> None:
    from sdescent.derive.expressions.gradient_form import DenseCov

    # the leaf's diagonal and its entries are one matrix: a wrong diagonal shows in every compressor that uses it
    leaf = mutant(DenseCov, variance=property(lambda self: WRONG * DenseCov.variance.fget(self)))("Sigma")  # pyright: ignore[reportAttributeAccessIssue, reportOptionalCall]
    check_draws(Bernoulli("2/5"), Correlated(Gaussian()), POINT, 1, 200_000)
    with pytest.raises(AssertionError, match="off by"):
        check_draws(Bernoulli("2/5"), Correlated(Gaussian(), leaf), POINT, 1, 200_000)


def test_every_class_of_the_package_is_checked_and_mutated() -> None:
    assert {type(c).__name__ for c, _ in COMPRESSOR_MUTANTS} == shipped(Compressor)
    assert {type(make(3)).__name__ for make in COMPRESSORS.values()} == shipped(Compressor)
    assert {type(law).__name__ for law, _ in LAW_MUTANTS} | SYMBOLIC == shipped(Law)
    assert {type(law).__name__ for law in LAWS.values()} | SYMBOLIC == shipped(Law)
    assert {type(right).__name__ for _, right, _ in NOISE_MUTANTS} | {"Correlated"} == shipped(Noise)
    assert {type(z).__name__ for z in NOISES.values()} | {"Correlated"} == shipped(Noise)
