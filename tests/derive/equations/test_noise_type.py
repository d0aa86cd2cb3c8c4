"""The type of the noise of an SDE, from roots written by hand and from methods."""

from dataclasses import dataclass

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import sde
from sdescent.derive.equations.roots import noise_type
from sdescent.derive.expressions.coordinates import v as message
from sdescent.derive.methods.compressors import Bernoulli, RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import LogisticRegression, Quadratic
from sdescent.derive.methods.losses import x as generic
from sdescent.derive.methods.schedules import Power
from sdescent.derive.vocabulary.symbols import N, eta

x1, x2, x3 = X = sp.symbols("x1:4", real=True)
s = sp.Symbol("s", positive=True)

BY_HAND = {
    "zero": (sp.zeros(2, 1), 2, "additive"),
    "constant full": (sp.Matrix([[1, 2], [3, s]]), 2, "additive"),
    "constant in disguise": (sp.Matrix([[sp.cos(x1) ** 2 + sp.sin(x1) ** 2]]), 1, "additive"),
    "one column": (sp.Matrix([x1 * x2, x2**2]), 2, "scalar"),
    "two columns in one direction": (sp.Matrix([[x1, 2 * x1], [x2, 2 * x2]]), 2, "scalar"),
    "diagonal": (sp.diag(x1, sp.exp(x2)), 2, "diagonal"),
    "diagonal, permuted columns": (sp.Matrix([[0, x1], [x2**2, 0]]), 2, "diagonal"),
    "diagonal, one entry constant": (sp.diag(s, sp.sin(x2), x3), 3, "diagonal"),
    "looks diagonal, one entry depends on the other": (sp.diag(1 + x2**2, 1), 2, "general"),
    "looks diagonal, a common factor": (sp.diag(sp.sqrt(1 + x1**2 + x2**2), sp.sqrt(1 + x1**2 + x2**2)), 2, "general"),
    "commutative: linear diagonal fields": (sp.Matrix([[x1, 3 * x1], [2 * x2, -x2]]), 2, "commutative"),
    "commutative: rotation and dilation": (sp.Matrix([[-x2, x1], [x1, x2]]), 2, "commutative"),
    "parallel columns, not constant multiples": (sp.Matrix([[1, x1], [0, 0]]), 2, "general"),
    "Heisenberg": (sp.Matrix([[1, 0], [0, 1], [0, x1]]), 3, "general"),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_roots_written_by_hand(name):
    root, dim, expected = BY_HAND[name]
    assert noise_type(root, list(X[:dim])) == expected


METHODS = {
    "DSGD, affine, one coordinate": (DSGD(sd.noise.Affine()), Quadratic(), 1, "scalar"),
    "DSGD, affine": (DSGD(sd.noise.Affine()), Quadratic(), 2, "general"),
    "Bernoulli, Gaussian": (DCSGD(Bernoulli("p"), sd.noise.Gaussian()), Quadratic(), 2, "diagonal"),
    "Bernoulli, no noise, coupled loss": (DCSGD(Bernoulli("p")), LogisticRegression(), 2, "general"),
    "Rand-k, no noise": (DCSGD(RandK(2)), Quadratic(), 3, "commutative"),
    "Rand-d, Gaussian": (DCSGD(RandK(3), sd.noise.Gaussian()), Quadratic(), 3, "additive"),
    "sign, Student-t": (DSignSGD(sd.noise.StudentT(3)), Quadratic(), 2, "diagonal"),
    "sign, affine": (DSignSGD(sd.noise.Affine()), Quadratic(), 2, "general"),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    method, loss, dim, expected = METHODS[name]
    equation = sde(method, "first-order", loss, dim).expanded
    assert equation.noise_type == expected


def test_the_type_is_unknown_without_a_loss():
    assert sde(DSGD(sd.noise.Affine()), dim=2).expanded.noise_type is None


@pytest.mark.parametrize("size", ["1/1000", "1/1000000000000000000000"])
@pytest.mark.parametrize(
    ("law", "loss", "expected"),
    [
        (lambda s: sd.DSGD(sd.noise.Affine(1, s)), sd.losses.Quadratic(1), "general"),
        (lambda s: sd.DSignSGD(sd.noise.Scaled(sd.noise.Laplace(), s)), sd.losses.Quartic(), "diagonal"),
        (lambda s: sd.DCSGD(RandK(1), sd.noise.Scaled(sd.noise.Gaussian(), s)), sd.losses.Cosh(), "general"),
    ],
    ids=["affine", "sign", "rand-k"],
)
def test_a_tiny_parameter_is_no_zero(law, loss, expected, size):
    assert sd.sde(law(size), "first-order", loss, 2).expanded.noise_type == expected


def test_nearly_equal_curvatures_do_not_commute():
    """Rand-1 without noise has columns that commute exactly; another coordinate's part of 10^-9 destroys it."""
    x1, x2 = state = list(sp.symbols("x1 x2", real=True))
    tiny = sp.Rational(1, 10**9)
    assert noise_type(sp.Matrix([[x1, 0], [0, x2 + tiny * x1]]), state) == "general"
    assert noise_type(sp.Matrix([[x1, 0], [0, x2 + tiny]]), state) == "diagonal"


@pytest.mark.parametrize(("law", "centre"), [(sd.noise.Uniform(), 300), (sd.noise.Laplace(), 20)], ids=str)
def test_noise_that_changes_only_far_from_the_origin_is_not_additive(law: sd.noise.Law, centre: int) -> None:
    """Sign noise of a minimum at 20 or 300: near the origin its covariance is 0, or constant, to all digits."""
    loss = sd.losses.SeparableSum((generic - centre) ** 2 / 2)
    equation = sd.sde(sd.DSignSGD(sd.noise.Scaled(law, "1/2"), 2), "first-order", loss, 2)
    assert equation.expanded.noise_type == "diagonal"


def test_kinks_far_from_the_origin_are_seen() -> None:
    x1, x2 = sp.symbols("x1 x2", real=True)
    assert noise_type(sp.diag(sp.Max(0, x1 - 5), 1), [x1, x2]) == "diagonal"
    assert noise_type(sp.Matrix([[x1 + sp.Max(0, x2 - 5), 0], [0, 1]]), [x1, x2]) == "general"


def test_a_common_factor_of_all_coordinates_is_scalar_noise() -> None:
    """A positive rank-one covariance without diagonal: B = g, one Brownian motion; its Ito correction is -(eta/(2N)) H H x."""

    @dataclass(frozen=True)
    class Common(sd.compressors.Unbiased):
        @property
        def growth(self) -> int:
            return 1

        def conditional_moments(self, dim: sp.Expr) -> sd.plugins.GradientForm:
            return sd.plugins.GradientForm(message, sp.S.Zero, (message,), sp.Matrix([[1]]))

        def omega(self, dim: sp.Expr) -> sd.compressors.Omega:
            return sd.compressors.Omega(sp.S.One, True)

        def latex(self) -> str:
            return "c"

    named = sd.sde(sd.DCSGD(Common()), loss=sd.losses.Quadratic((1, 3)), dim=2).expanded
    assert named.root is not None
    assert (named.root * named.root.T - named.covariance).applyfunc(sp.simplify) == sp.zeros(2, 2)
    assert named.noise_type == "scalar"
    x1, x2 = named.state
    expected = sp.Matrix([-x1 - eta * x1 / (2 * N), -3 * x2 - 9 * eta * x2 / (2 * N)])
    assert (named.stratonovich_drift() - expected).applyfunc(sp.expand) == sp.zeros(2, 1)


@pytest.mark.parametrize("dim", [2, 4])
def test_noise_of_a_rule_that_depends_on_the_time_alone_is_additive(dim: int) -> None:
    """A block of two coordinates has a closed root, one of four has none: there it was called general."""
    method = sd.methods.HeavyBall(noise=sd.noise.Correlated(sd.noise.Gaussian()), clients=2, schedule=Power("1/2"))
    equation = sd.sde(method, loss=sd.losses.Quadratic(1), dim=dim)
    assert (equation.expanded.root is None) == (dim == 4)
    assert equation.to_dict()["noise_type"] == equation.expanded.noise_type == "additive"
