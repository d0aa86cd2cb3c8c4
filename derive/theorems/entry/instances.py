"""Methods and losses of the engine that give values to the letters of the theorems, so that the definitions can be evaluated."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import CoordinateSDE, gradient_symbols, hessian_symbols, state_symbols
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.expressions.coordinates import g as slot
from sdescent.derive.methods.compressors import Bernoulli, RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import LogisticRegression, Quadratic, Quartic, SeparableSum
from sdescent.derive.methods.losses import x as place
from sdescent.derive.methods.noise import Affine, Cauchy, Gaussian, Laplace, Logistic, Scaled, StudentT, Uniform
from sdescent.derive.methods.optimisers.clipping import NormalisedSGD, NormClipped
from sdescent.derive.methods.schedules import Free
from sdescent.derive.proof.language.terms import Term, dot, mat, norm, opnorm, quad, tr, trprod, vec, x
from sdescent.derive.theorems.entry.points import Meaning
from sdescent.derive.vocabulary.symbols import N, eta, parameter, u

SCALES = ("sigma1", "sigma2")
LAWS = (Gaussian(), Cauchy(), StudentT(3), StudentT(4), Laplace(), Logistic(), Uniform())
g, b, w, H, S, D, P = vec("g"), vec("bv"), vec("w"), mat("H"), mat("S"), mat("D"), mat("P")


def names(letters: str) -> frozenset[Term]:
    return frozenset(x(name) for name in letters.split())


def unbiased() -> list[Meaning]:
    """D(C)SGD with two clients in two coordinates, where q_k is the error of the compressor given v, averaged over v."""
    gradient, models = gradient_symbols(2), []
    size = sp.Add(*[e**2 for e in gradient])
    affine = Affine(("tau1", "tau2"), ("rho1", "rho2"))
    for compressor in (Bernoulli("p"), RandK(1)):
        for noise in (Scaled(Gaussian(), SCALES), affine):
            equation = sde(DCSGD(compressor, noise), "first-order", None, 2).expanded
            error = sde(DCSGD(compressor), "first-order", None, 2).expanded
            fixed = [parameter(s) ** 2 for s in (("tau1", "tau2") if noise is affine else SCALES)]
            grown = [parameter(s) ** 2 for s in ("rho1", "rho2")] if noise is affine else [sp.S.Zero] * 2
            spread = [s0 + s1 * size for s0, s1 in zip(fixed, grown, strict=True)]
            # the covariance of the SDE is eta/N times S; the error is a sum of squares of coordinates
            unit = sp.expand(error.covariance.trace() * N / eta)
            errors = [unit.xreplace({e**2: e**2 + s for e in gradient}) for s in spread]
            ratio = compressor.omega(sp.Integer(2)).value
            total = (1 + ratio) * sp.Add(*fixed), ratio + (1 + ratio) * sp.Add(*grown)
            models.append(Meaning(
                {
                    x("N"): 2, x("d"): 2, norm(g): sp.sqrt(size), tr(S): equation.covariance.trace() * 2 / eta, x("omega"): (ratio, ratio),
                    x("s0"): tuple(fixed), x("s1"): tuple(grown), x("q"): tuple(errors), x("v"): tuple(2 * s for s in spread),
                    x("m2"): tuple(size + 2 * s for s in spread), x("A1"): total[1], x("D0"): total[0],
                },
                names("omega s0 s1 q v m2"), coordinates=2, count=2,
            ))  # fmt: skip
    return models


def signs() -> list[Meaning]:
    """DSignSGD, two clients in two coordinates: b from the drift, S from the covariance, Lam H Lam g from the corrected drift."""
    y, hessian, models = sp.Matrix(gradient_symbols(2)), hessian_symbols(2), []
    for law in LAWS:
        method = DSignSGD(Scaled(law, SCALES))
        first, corrected = (sde(method, model, None, 2).expanded for model in ("first-order", "corrected"))
        mean = -first.drift
        bent = (corrected.drift - first.drift) * 2 / eta
        models.append(Meaning(
            {
                x("N"): 2, x("d"): 2, x("y"): tuple(y), x("b"): tuple(mean), x("sigma"): tuple(parameter(s) for s in SCALES),
                norm(g): sp.sqrt(y.dot(y)), norm(b): sp.sqrt(mean.dot(mean)), dot(g, b): y.dot(mean), tr(S): first.covariance.trace() * 2 / eta,
                dot(g, vec("c")): y.dot(bent), quad(H, b): (mean.T * hessian * mean)[0],
            },
            names("sigma"), {"R": law.sign_mean}, 2, 2,
        ))  # fmt: skip
    return models


def silent_signs() -> list[Meaning]:
    """DSignSGD without noise in two coordinates, on any loss f with f* = 0; root is sqrt(f - f*)."""
    y = sp.Matrix(gradient_symbols(2))
    mean = -sde(DSignSGD(), "first-order", None, 2).expanded.drift
    root = sp.Symbol("root", positive=True)
    state = state_symbols(2)
    f = sp.Function("f")(*state)
    slopes = [sp.diff(sp.sqrt(f), s).subs({sp.diff(f, s): e}).subs(f, root**2) for s, e in zip(state, y, strict=True)]
    values = {
        x("y"): tuple(y), norm(g): sp.sqrt(y.dot(y)), dot(g, b): y.dot(mean), x("root"): root, dot(w, b): sp.Matrix(slopes).dot(mean),
    }  # fmt: skip
    return [Meaning(values, coordinates=2)]


def descent() -> list[Meaning]:
    """One step of gradient descent on the quartic, where e is eta times the schedule."""
    start, rate = sp.Symbol("x0", real=True), parameter("e")
    slope = sp.diff(Quartic().value([start]), start)
    step = sde(DSGD()).moments.mean
    moved = start - rate * (step.xreplace({slot: slope}) if step is not None else sp.nan)
    return [Meaning({x("x0"): start, x("e"): rate, x("x1"): moved, x("q"): rate * start**2})]


def linearised(equation: CoordinateSDE) -> CoordinateSDE:
    """The SDE in one dimension with the tangent of the drift at 0 in place of the drift, and with the covariance at 0."""
    (state,) = equation.state
    # the derivative from the right suffices: laws with a kink, such as Laplace, are symmetric
    y = sp.Dummy("y", positive=True)
    slope = sp.diff(equation.drift[0].xreplace({state: y}), y).subs(y, 0)
    rest = equation.covariance.xreplace({state: sp.S.Zero})
    return replace(equation, drift=sp.Matrix([slope * state]), covariance=rest)


def linear_signs() -> list[Meaning]:
    """DSignSGD with two clients, linearised at the optimum of h x^2/2, at its stationary variance, that is where L x^2 = 0."""
    models = []
    for law in LAWS:
        equation = linearised(sde(DSignSGD(Scaled(law, SCALES)), "first-order", Quadratic(("h",)), 1).expanded)
        (state,), rate = equation.state, sp.expand(generator(equation, equation.state[0] ** 2))
        values = {
            x("N"): 2, x("eta"): eta, x("h"): parameter("h"), x("M"): law.density(sp.S.Zero),
            x("sigma"): tuple(parameter(s) for s in SCALES), x("slope"): -equation.drift[0] / state,
            x("x"): sp.sqrt(-rate.coeff(state, 0) / rate.coeff(state, 2)),
        }  # fmt: skip
        models.append(Meaning(values, names("sigma"), count=2))
    return models


def separable() -> list[Meaning]:
    """A sum of three f_j(x_j) at a point, with the norm of its Hessian from the singular values of the whole matrix."""
    summand = sp.exp(place) - place**4 / 3
    state, at = state_symbols(3), (sp.Integer(1), sp.Integer(-2), sp.Rational(1, 2))
    value, here = SeparableSum(summand).value(state), dict(zip(state_symbols(3), at, strict=True))
    slopes = sp.Matrix([sp.diff(value, s) for s in state]).xreplace(here)
    hessian = sp.hessian(value, state).xreplace(here)
    curves = [sp.diff(summand, place, 2).xreplace({place: s}) for s in at]
    largest = max(range(3), key=lambda n: float(sp.Abs(curves[n])))
    values = {
        x("slope"): tuple(sp.diff(summand, place).xreplace({place: s}) for s in at), x("curv"): tuple(curves),
        x("e"): tuple(sp.Integer(n == largest) for n in range(3)), norm(g): sp.sqrt(slopes.dot(slopes)),
        opnorm(H): sp.Max(*hessian.singular_values()),
    }  # fmt: skip
    return [Meaning(values, coordinates=3)]


def samples() -> tuple[LogisticRegression, sp.Matrix, sp.Matrix, list[sp.Expr]]:
    """The loss, its Hessian, the samples and the p_k of logistic regression, for two samples in two dimensions, labels 1 and -1."""
    rows, labels = sp.Matrix(2, 2, sp.symbols("a11 a12 a21 a22", real=True)), (1, -1)
    loss = LogisticRegression("l2", tuple(tuple(rows.row(k)) for k in range(2)), labels)
    state = state_symbols(2)
    chances = [1 / (1 + sp.exp(-y * rows.row(k).dot(sp.Matrix(state)))) for k, y in enumerate(labels)]
    return loss, sp.hessian(loss.value(state), state), rows, chances


def logistic_regression() -> list[Meaning]:
    """Logistic regression over two samples in two dimensions, where D is the Hessian minus l2 I."""
    (loss, hessian, rows, chances), along = samples(), sp.Matrix(sp.symbols("w1 w2", real=True))
    data, rank_one = hessian - loss.l2 * sp.eye(2), along * along.T
    values = {
        x("n"): 2, x("l2"): loss.l2, x("K0"): loss.smoothness(2).l0, x("p"): tuple(chances),
        x("size"): tuple(rows.row(k).dot(rows.row(k)) for k in range(2)), norm(w): sp.sqrt(along.dot(along)),
        quad(H, w): (along.T * hessian * along)[0], quad(D, w): (along.T * data * along)[0], tr(D): data.trace(),
        trprod(P, D): (rank_one * data).trace(), opnorm(P): sp.Add(*[e * n for e, n in rank_one.eigenvals().items()]),
    }  # fmt: skip
    return [Meaning(values, names("p size"), coordinates=2, count=2)]


def _sent(method: Method, noise: bool) -> list[Meaning]:
    """The step eta u s of the server's rule for the message m = g + Z in two coordinates, where Z = 0 without noise."""
    y, added = sp.Matrix(gradient_symbols(2)), sp.Matrix(sp.symbols("z1 z2", real=True)) if noise else sp.zeros(2, 1)
    drift, sent = sde(method, "first-order", None, 2).expanded.drift, y + added
    step = (drift / u).subs(dict(zip(y, sent, strict=True)), simultaneous=True)
    vectors = {"g": y, "zv": added, "mv": sent, "ev": -added, "sv": step}
    values: dict[Term, Any] = {norm(vec(name)): sp.sqrt(v.dot(v)) for name, v in vectors.items()}
    values |= {
        dot(vec(name), vec(other)): v.dot(w)
        for name, v in vectors.items()
        for other, w in vectors.items()
        if name != other
    }
    return [Meaning(values | {x("tau"): parameter("c")}, coordinates=2)]


INSTANCES: dict[str, Callable[[], list[Meaning]]] = {
    "normalised": lambda: _sent(NormalisedSGD(schedule=Free()), True), "norm-clipped": lambda: _sent(NormClipped(schedule=Free()), True),
    "silent norm-clipped": lambda: _sent(NormClipped(schedule=Free()), False),
    "unbiased": unbiased, "signs": signs, "silent signs": silent_signs, "descent": descent, "linear signs": linear_signs,
    "separable": separable, "logistic regression": logistic_regression,
}  # fmt: skip
