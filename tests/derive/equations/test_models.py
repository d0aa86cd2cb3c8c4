"""The three models of theory 2 against the formulas typed here, by numerical differentiation of the expanded vector field."""

from dataclasses import dataclass

import mpmath as mp
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import coord_max, coord_sum, g
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import RandK, TopK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.noise import Affine, Gaussian, Laplace, Scaled, StudentT
from sdescent.derive.methods.schedules import Adaptive, Constant, Power
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from tests.support.samples import slow_but

mp.mp.dps = 30  # for the constants below; put back at the end of the file
NUMBERS = {"eta": "0.3", "N": "4", "sigma": "0.8", "p": "0.4", "u": "0.7", "du": "-0.25", "t": "0.6", "sigma0": "0.5"}
NUMBERS |= {"sigma1": "0.9", "h1": "1.3", "h2": "0.6", "h3": "2.1", "nu": "2.6"}
POINTS = ((mp.mpf("0.7"), mp.mpf("-0.4")), (mp.mpf("-1.1"), mp.mpf("0.35")))


@pytest.fixture(autouse=True)
def digits():
    """30 digits in the tests of this file, and in no other."""
    with mp.workdps(30):
        yield


def number(expr: sp.Expr, **more: object) -> mp.mpf:
    """The value of an expression, its symbols looked up by name."""
    table = {**NUMBERS, **more}
    put = {s: sp.Float(str(table[s.name]), 30) for s in expr.free_symbols}
    return mp.mpmathify(sp.N(expr.xreplace(put), 30))


def close(found: object, expected: object, digits: int = 15) -> bool:
    return abs(mp.mpmathify(found) - mp.mpmathify(expected)) <= mp.mpf(10) ** -digits * (
        1 + abs(mp.mpmathify(expected))
    )


@dataclass(frozen=True)
class Coupled(sd.losses.Loss):
    """A loss that is no sum over coordinates, so that its Hessian is full."""

    def value(self, x):
        return sp.cosh(x[0]) + x[0] ** 2 * x[1] / 2 + x[1] ** 4 / 4 + sp.sin(x[0] * x[1])

    def smoothness(self, dim):
        return sd.losses.Smoothness(sp.S.One, sp.S.One)


_AB = sp.symbols("x1:3", real=True)
_SLOPES = [sp.diff(Coupled().value(_AB), z) for z in _AB]
gradient = sp.lambdify([_AB], _SLOPES, "mpmath")
hessian = sp.lambdify([_AB], sp.Matrix(_SLOPES).jacobian(_AB), "mpmath")


S, S0, S1, NU = (mp.mpf(NUMBERS[k]) for k in ("sigma", "sigma0", "sigma1", "nu"))


def student(nu, z):
    front = 2 * z * mp.gamma((nu + 1) / 2) / (mp.sqrt(mp.pi * nu) * mp.gamma(nu / 2))
    return front * mp.hyp2f1(0.5, (nu + 1) / 2, 1.5, -(z**2) / nu)


# name: (method made from a schedule, the mean of the step typed from theory 3-4, its slope b_j'(g_j) at g_j = 0)
METHODS = {
    "DSGD": (lambda h: DSGD(Gaussian(), schedule=h), lambda gr: gr),
    "Rand-k": (lambda h: DCSGD(RandK(1), Gaussian(), schedule=h), lambda gr: gr),
    "sign, Gaussian": (
        lambda h: DSignSGD(Gaussian(), schedule=h),
        lambda gr: tuple(mp.erf(v / S / mp.sqrt(2)) for v in gr),
    ),
    "sign, Laplace": (
        lambda h: DSignSGD(Laplace(), schedule=h),
        lambda gr: tuple(mp.sign(v) * (1 - mp.exp(-abs(v) / S)) for v in gr),
    ),
    "sign, t 2.6": (lambda h: DSignSGD(StudentT("nu"), schedule=h), lambda gr: tuple(student(NU, v / S) for v in gr)),
    "sign, affine": (
        lambda h: DSignSGD(Affine(), schedule=h),
        lambda gr: tuple(mp.erf(v / mp.sqrt(2 * (S0**2 + S1**2 * (gr[0] ** 2 + gr[1] ** 2)))) for v in gr),
    ),
    "sign, two clients": (
        lambda h: DSignSGD(Scaled(Gaussian(), ("1/2", "3/2")), schedule=h),
        lambda gr: tuple((mp.erf(v * mp.sqrt(2)) + mp.erf(v / 1.5 / mp.sqrt(2))) / 2 for v in gr),
    ),
}
ONE, P = mp.mpf(1), mp.mpf(NUMBERS["p"])
SCHEDULES = {
    "constant": (Constant(), lambda gr, t: ONE),
    "power": (Power("p"), lambda gr, t: (1 + t) ** -P),
    "adaptive": (
        Adaptive(1 / (1 + sp.Symbol("t", nonnegative=True)) / (2 + sp.sqrt(coord_sum(g**2)))),
        lambda gr, t: 1 / (1 + t) / (2 + mp.sqrt(gr[0] ** 2 + gr[1] ** 2)),
    ),
}
ETA, TIME = mp.mpf(NUMBERS["eta"]), mp.mpf(NUMBERS["t"])


def jacobian_at(field, x):
    """d field_i / d x_k by numerical differentiation."""

    def slope(i, k):
        return mp.diff(lambda s: field([x[m] + s * (m == k) for m in range(2)])[i], 0)

    return mp.matrix([[slope(i, k) for k in range(2)] for i in range(2)])


def drifts(method, model, x):
    equation = sde(method, model, Coupled(), 2).expanded
    return [number(e, x1=x[0], x2=x[1]) for e in equation.drift]


QUICK = {"DSGD": "constant", "sign, Gaussian": "power", "sign, affine": "adaptive"}
SLOW = {"Rand-k": "power", "sign, Laplace": "adaptive", "sign, t 2.6": "power", "sign, two clients": "constant"}


@pytest.mark.parametrize(("name", "schedule"), slow_but([*QUICK.items(), *SLOW.items()], [*QUICK.items()], rows=True))
def test_first_and_second_order_and_corrected(name, schedule):
    make, b = METHODS[name]
    rule, h = SCHEDULES[schedule]
    for x in POINTS:
        gr = gradient(x)
        hb, step = mp.matrix([h(gr, TIME) * v for v in b(gr)]), h(gr, TIME)
        mean = mp.matrix(b(gr))
        jacobian = jacobian_at(lambda y: [h(gradient(y), TIME) * v for v in b(gradient(y))], x)
        slope = mp.diff(lambda s, gr=gr: h(gr, TIME + s), 0)
        first = -hb
        second = first - ETA / 2 * (jacobian * hb - slope * mean)
        lam = mp.diag([mean[j] / gr[j] for j in range(2)])
        corrected = first + ETA * step**2 / 2 * (lam * hessian(x) * lam * mp.matrix(gr))
        for model, expected in (("first-order", first), ("second-order", second), ("corrected", corrected)):
            found = drifts(make(rule), model, x)
            for j in range(2):
                assert close(found[j], expected[j], 10), (model, j, found[j], expected[j])


# p(0) of the standardised law: Lam_jj -> 2 p(0)/sigma where g_j = 0
PEAKS = {
    "Gaussian": (Gaussian(), 1 / mp.sqrt(2 * mp.pi)),
    "t nu": (StudentT("nu"), mp.gamma((NU + 1) / 2) / mp.sqrt(mp.pi * NU) / mp.gamma(NU / 2)),
    "Laplace": (Laplace(), mp.mpf(1) / 2),
}


@pytest.mark.parametrize("name", PEAKS)
def test_the_corrected_model_where_a_gradient_coordinate_is_zero(name):
    law, peak = PEAKS[name]
    drift = sde(DSignSGD(law), "corrected", dim=2).expanded.drift
    at = {"g1": 0, "g2": "0.3", "H1_1": "1.1", "H1_2": "0.4", "H2_2": "0.9"}
    half = law.sign_mean(sp.Rational(3, 8))
    b2 = number(half)
    assert close(number(drift[0], **at), ETA / 2 * (2 * peak / S) * mp.mpf("0.4") * b2, 12)


@pytest.mark.parametrize(
    "method",
    [DSignSGD(), DCSGD(TopK(1)), DSGD(Gaussian(), schedule=Adaptive(1 / (1 + coord_max(sp.Abs(g)))))],
    ids=["sign", "Top-k", "maximum norm"],
)
def test_no_second_order_model_without_a_derivative(method):
    assert sde(method, "first-order").drift is not None
    with pytest.raises(Refusal) as refused:
        sde(method, "second-order")
    assert refused.value.kind == "not-differentiable"


def test_an_adaptive_factor_is_one_number_for_all_coordinates():
    with pytest.raises(BadInput):
        Adaptive(1 / (1 + g**2))


# --- Ito and Stratonovich


SKEW = sd.losses.LogisticRegression("1/10", ((1, 2), (2, -1)), (1, -1))


@pytest.mark.parametrize(
    ("method", "loss", "dim", "kind"),
    [
        (DCSGD(RandK(1)), sd.losses.Quadratic(), 2, "singular-covariance"),
        (DSGD(Affine(0, "sigma1")), SKEW, 2, "singular-covariance"),
        (DSGD(Affine()), None, 2, "unspecified-gradient"),
    ],
    ids=["Rand-k", "affine without floor, minimum elsewhere", "no loss"],
)
def test_no_stratonovich_form(method, loss, dim, kind):
    with pytest.raises(Refusal) as refused:
        sde(method, "corrected", loss, dim).expanded.stratonovich_drift()
    assert refused.value.kind == kind


mp.mp.dps = 15


def test_noise_that_grows_in_time_moves_the_mean_of_a_sign() -> None:
    """b = erf(g/(sqrt 2 (1 + t))): drift -b - (eta/2)((db/dg) H b - db/dt)."""
    noise = Scaled(Gaussian(), 1 + sp.Symbol("t", nonnegative=True))
    found = sde(DSignSGD(noise, clients=1), "second-order", dim=1).expanded
    symbols = {s.name: s for s in found.drift.free_symbols}
    slope, H, time, step = (symbols[name] for name in ("g1", "H1_1", "t", "eta"))
    b = sp.erf(slope / (sp.sqrt(2) * (1 + time)))
    assert vanishes(found.drift[0] + b + step / 2 * (b.diff(slope) * H * b - b.diff(time)))
