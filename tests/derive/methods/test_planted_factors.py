"""A wrong factor that is planted in any class that the package ships is found by the checks of conformance."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.expressions.gradient_form import DenseCov, GradientForm
from sdescent.derive.methods import compressors as c
from sdescent.derive.methods import noise as z
from tests.support.conformance import COMPRESSORS, LAWS, NOISES, SYMBOLIC, check_draws, check_pair, shipped
from tests.support.samples import mostly_slow

WRONG = sp.Rational(11, 10)
COUNT = 200_000
pytestmark = pytest.mark.usefixtures("unasked")  # `sde` refuses most of these classes by itself
POINT = np.array([-1.2, 0.45, 0.8])


def wrong_variance(form: GradientForm) -> GradientForm:
    return GradientForm(form.mean, WRONG * form.diag, form.factors, form.core)


def wrong_mean(form: GradientForm) -> GradientForm:
    return GradientForm(WRONG * form.mean, form.diag, form.factors, form.core)


def dropped_pairs(form: GradientForm) -> GradientForm:
    return GradientForm(form.mean, form.diag)


COMPRESSOR_MUTANTS = [
    (c.Identity(), wrong_mean), (c.Bernoulli("2/5"), wrong_variance), (c.RandK(2), wrong_variance),
    (c.RandK(2), dropped_pairs), (c.QSGD(1), wrong_variance), (c.Ternary(), wrong_variance), (c.Natural(), wrong_variance),
    (c.FixedGrid("1/2"), wrong_variance), (c.Sign(), wrong_mean), (c.ScaledSign(), wrong_mean), (c.TopK(1), wrong_mean),
    (c.Clip("3/4"), wrong_mean), (c.NormClip("3/4"), wrong_mean),
]  # fmt: skip


def wrong_piece(piece: Any, **members: Any) -> Any:
    """The piece as an instance of a subclass with members exchanged."""
    fields = {name: getattr(piece, name) for name in piece.__dataclass_fields__}
    return type(f"Wrong{type(piece).__name__}", (type(piece),), members)(**fields)


@pytest.mark.parametrize(
    ("compressor", "change"),
    mostly_slow(COMPRESSOR_MUTANTS, 4, rows=True),
    ids=lambda x: getattr(x, "__name__", None) or type(x).__name__,
)
def test_a_wrong_factor_in_a_compressor_is_found(
    compressor: c.Compressor, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.conformance.COUNT", COUNT)
    noise, right = z.Scaled(z.Gaussian(), "3/4"), type(compressor).conditional_moments
    check_pair(compressor, noise, POINT, 1, COUNT)
    wrong = wrong_piece(compressor, conditional_moments=lambda self, dim: change(right(self, dim)))
    with pytest.raises(AssertionError, match="off by"):
        check_pair(wrong, noise, POINT, 1, COUNT)


def wrong_member(law: z.Law, member: str) -> z.Law:
    base = type(law)
    at_0, else_ = (WRONG, 1) if member == "sign_mean" else (1, WRONG)
    members: dict[str, Any] = {  # R_0 is 2F - 1, and some laws write it out again
        "sign_mean": lambda self, x: WRONG * base.sign_mean(self, x),
        "moment": lambda self, m: (WRONG if m else 1) * base.moment(self, m),
        "signed_moment": lambda self, m, y: (else_ if m else at_0) * base.signed_moment(self, m, y),
    }
    exchanged = {"sign_mean", "signed_moment"} if member == "sign_mean" else {member}
    return wrong_piece(law, **{name: members[name] for name in exchanged})


LAW_MUTANTS = [
    (z.Gaussian(), "signed_moment"), (z.StudentT(9), "moment"), (z.StudentT(3), "signed_moment"),
    (z.Laplace(), "signed_moment"), (z.Uniform(), "sign_mean"), (z.Logistic(), "moment"), (z.Stable(2), "moment"),
    (z.Cauchy(), "sign_mean"), (z.Stable("3/2"), "sign_mean"),
]  # fmt: skip
SEEN_BY = {"sign_mean": c.Sign(), "moment": c.Identity(), "signed_moment": c.ScaledSign()}


@pytest.mark.parametrize(
    ("law", "member"),
    mostly_slow(LAW_MUTANTS, 4, rows=True),
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_a_wrong_factor_in_a_law_is_found(law: z.Law, member: str) -> None:
    compressor = SEEN_BY[member]
    check_pair(compressor, z.Scaled(law, "3/4"), POINT, 1, COUNT)
    with pytest.raises(AssertionError, match=r"off by|Not equal to tolerance"):
        check_pair(compressor, z.Scaled(wrong_member(law, member), "3/4"), POINT, 1, COUNT)


def wrong_scales(noise: z.Noise) -> z.Noise:
    right = type(noise).scales.fget  # pyright: ignore[reportFunctionMemberAccess]
    return wrong_piece(noise, scales=property(lambda self: tuple(WRONG * s for s in right(self))))


PLAIN, AFFINE, STUDENT = z.Scaled(z.Gaussian(), "3/4"), z.Affine("1/2", "1/3"), z.Affine("1/2", "1/3", 9)
LOUD = wrong_piece(z.NoNoise(), law=property(lambda self: z.Gaussian()), scales=(sp.Rational(1, 10),))
#: the leaf's diagonal and its entries are one matrix: a wrong diagonal shows in every compressor that uses it
LEAF = type("Wrong", (DenseCov,), {"variance": property(lambda self: WRONG * DenseCov.variance.fget(self))})("Sigma")  # pyright: ignore
NOISE_MUTANTS = [
    (c.Identity(), PLAIN, wrong_scales(PLAIN)), (c.Sign(), PLAIN, wrong_scales(PLAIN)),
    (c.Identity(), AFFINE, wrong_scales(AFFINE)), (c.Identity(), STUDENT, wrong_scales(STUDENT)),
    (c.Identity(), z.NoNoise(), LOUD), (c.Bernoulli("2/5"), z.Correlated(z.Gaussian()), z.Correlated(z.Gaussian(), LEAF)),
]  # fmt: skip


@pytest.mark.parametrize(("compressor", "right", "wrong"), NOISE_MUTANTS, ids=lambda x: type(x).__name__)
def test_a_wrong_factor_in_a_noise_is_found(compressor: c.Compressor, right: z.Noise, wrong: z.Noise) -> None:
    check_draws(compressor, right, POINT, 1, COUNT)
    with pytest.raises(AssertionError, match="off by"):
        check_draws(compressor, wrong, POINT, 1, COUNT)


def test_every_class_of_the_package_is_checked_and_mutated() -> None:
    def names(pieces: Iterable[object]) -> set[str]:
        return {type(piece).__name__ for piece in pieces}

    compressors, laws, noises = shipped(c.Compressor), shipped(z.Law) - SYMBOLIC, shipped(z.Noise)
    assert names(one for one, _ in COMPRESSOR_MUTANTS) == names(make(3) for make in COMPRESSORS.values()) == compressors
    assert names(law for law, _ in LAW_MUTANTS) == names(LAWS.values()) == laws
    assert names(right for _, right, _ in NOISE_MUTANTS) == names(NOISES.values()) | {"Correlated"} == noises
