"""Sanity check 2: on a quartic the corrected model sees the instability, with a threshold that is 3 times too small."""

from __future__ import annotations

from itertools import product

import mpmath as mp
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quartic
from sdescent.derive.process.generator import generator
from sdescent.derive.sanity.check import SanityCheck, Working, tex
from sdescent.derive.sanity.quadratic import MODEL_NAMES, X
from sdescent.derive.vocabulary.symbols import eta, parameter

Y = parameter("y")  # x^2
STEPS = (sp.Rational(1, 10), sp.Rational(1, 2), sp.Integer(2))
STARTS = (sp.Rational(3, 4), sp.Integer(1), sp.Integer(3))  # eta y, above 2/3
TOLERANCE = 1e-10


def growth_threshold(change: sp.Expr, scaled: sp.Symbol) -> sp.Expr:
    """The q* such that a polynomial in q = eta x^2 is negative below and positive above; oo if it is negative."""
    roots = [r for r in sp.roots(sp.Poly(change, scaled)) if r.is_positive]
    if not roots:
        return sp.oo if change.subs(scaled, 1).is_negative else sp.S.Zero
    threshold = max(roots)
    grows = change.subs(scaled, threshold + 1).is_positive and change.subs(scaled, threshold / 2).is_negative
    return threshold if grows and len(roots) == 1 else sp.nan


def explosion_time(velocity: sp.Expr) -> sp.Expr:
    """int_y^oo dz/velocity(z) for dy/dt = velocity(y), a cubic that is positive beyond y, by partial fractions."""
    primitive = sp.integrate(sp.apart(1 / velocity, Y), Y)
    tail = sp.Dummy("s", positive=True)  # y = 1/s, s -> 0
    at_infinity = sp.limit(sp.logcombine(primitive.subs(Y, 1 / tail), force=True), tail, 0, "+")
    return sp.expand(at_infinity - primitive)


def quartic_growth() -> SanityCheck:
    """Loss drifts -x^6, -x^6 -+ (3 eta/2) x^8, thresholds 2 and 2/3, explosion time, (4/L1^2, L1) (theory 5.2)."""
    work = Working()
    quartic = Quartic()
    velocity: dict[str, sp.Expr] = {}
    bend = {"first-order": 0, "second-order": -1, "corrected": 1}
    q = sp.Symbol("q", positive=True)
    for model in MODEL_NAMES:
        equation = sde(DSGD(), model, quartic, 1).expanded
        x = equation.state[0]
        if model == MODEL_NAMES[0]:
            work.show(f"f(x) = {tex(quartic.value([X]))}", "the loss; no noise, and a constant step size")
        drift = sp.expand(generator(equation, quartic.value([x]))).subs(x, X)
        work.claim(
            f"{model} loss drift",
            rf"\mathcal{{L}} f \text{{ ({model})}}",
            drift,
            -(X**6) + bend[model] * sp.Rational(3, 2) * eta * X**8,
            f"the generator of the {model} model applied to f",
        )
        velocity[model] = sp.expand(generator(equation, x**2)).subs(x, sp.sqrt(Y))
    method = sde(DSGD(), "first-order", quartic, 1).expanded
    x = method.state[0]
    ratio = sp.expand(sp.cancel((x + eta * method.drift[0]) / x)).subs(x, sp.sqrt(q / eta))
    work.claim("step", r"q = \eta x_n^2:\quad x_{n+1}/x_n", ratio, 1 - q, "one step of gradient descent")
    work.claim(
        "discrete threshold",
        r"q^*_{\text{discrete}}",
        growth_threshold(sp.expand(ratio**2 - 1), q),
        sp.Integer(2),
        "the iterate grows in a step when the squared ratio exceeds 1, that is beyond this value of q",
    )
    expected = {"first-order": sp.oo, "second-order": sp.oo, "corrected": sp.Rational(2, 3)}
    for model in MODEL_NAMES:
        work.show(
            rf"y = x^2:\quad \dot y = {tex(velocity[model])}",
            f"the {model} model, from its generator applied to the square"
        )
        change = sp.expand(velocity[model].subs(Y, q / eta) * eta**2)
        work.claim(
            f"{model} threshold",
            rf"q^*_{{\text{{{model}}}}}",
            growth_threshold(change, q),
            expected[model],
            "the state grows when this velocity is positive, that is beyond this value of q (where it is infinite, never)",
        )
    _explosion(work, velocity["corrected"])
    _smoothness(work, quartic)
    return work.finish(
        "quartic-growth",
        "Quartic: the instability is seen, conservatively",
        r"f = x^4/4:\quad \text{gradient descent grows iff } \eta x^2 > 2,\quad "
        r"\text{the corrected model iff } \eta x^2 > 2/3,\text{ and then explodes at}\quad "
        r"T = \tfrac{3\eta}{4}\log\tfrac{3\eta y}{3\eta y-2} - \tfrac{1}{2y},\ y = x_0^2",
    )


def _explosion(work: Working, velocity: sp.Expr) -> None:
    z = sp.Symbol("z", positive=True)  # the excess 3 eta y - 2
    time = explosion_time(velocity)
    claim = sp.Rational(3, 4) * eta * sp.log(3 * eta * Y / (3 * eta * Y - 2)) - 1 / (2 * Y)
    beyond = {Y: (2 + z) / (3 * eta)}
    work.show(
        rf"T = \int_y^\infty \frac{{\mathrm{{d}}s}}{{{tex(velocity.subs(Y, sp.Symbol('s')))}}}",
        "separation of variables above the threshold",
    )
    work.claim(
        "explosion time", r"y = \tfrac{2+z}{3\eta}:\quad T", time.subs(beyond), sp.expand(claim.subs(beyond)),
        "partial fractions, written in the positive excess z over the threshold",
    )
    work.values["explosion time in y"] = time
    worst = 0.0
    for step, start in product(STEPS, STARTS):
        rate, y0 = sp.lambdify(Y, velocity.subs(eta, step), "mpmath"), float(start / step)
        # y = y0/s turns the integral over [y0, oo) into one over (0, 1]
        numeric = mp.quad(lambda s, r=rate, y0=y0: y0 / s**2 / r(y0 / s) if s else 0, [0, 1])
        worst = max(worst, abs(float(numeric) / float(claim.subs({eta: step, Y: start / step})) - 1))
    work.fact(
        "quadrature gap",
        r"\max |T_{\text{quadrature}}/T - 1| < 10^{-10}",
        worst,
        worst < TOLERANCE,
        f"the integral by tanh-sinh quadrature at {len(STEPS) * len(STARTS)} points above the threshold",
    )
    at_one = sp.expand(claim.subs(Y, 1 / eta))
    velocity_there = velocity.subs(Y, 1 / eta)
    work.fact(
        "time at y = 1/eta",
        rf"T\big|_{{y = 1/\eta}} = {tex(at_one)}",
        at_one,
        (velocity_there.is_positive is True) and bool((at_one / eta).evalf() > 0),
        "where gradient descent reaches 0 in one step the corrected model explodes: its explosion does not imply that "
        "the method diverges",
    )


def _smoothness(work: Working, quartic: Quartic) -> None:
    x, constants = sp.Symbol("x", positive=True), quartic.smoothness(1)
    slope = sp.diff(quartic.value([x]), x)
    curvature = sp.diff(slope, x)
    excess = curvature - constants.l1 * slope
    critical = [r for r in sp.roots(sp.Poly(sp.diff(excess, x), x)) if r.is_positive]
    peaks = [excess.subs(x, r) for r in critical]
    concave = all(sp.diff(excess, x, 2).subs(x, r).is_negative for r in critical)
    supremum = peaks[0] if len(peaks) == 1 and concave and sp.limit(excess, x, sp.oo) == -sp.oo else sp.nan
    work.claim(
        "L0", r"\sup_x \left(f''(x) - L_1 |f'(x)|\right)", supremum, 4 / constants.l1**2,
        "the only positive critical point is a maximum, and f is even, so this constant does for every positive slope",
    )
    work.fact(
        "shipped L0", rf"L_0 = {tex(constants.l0)}", constants.l0, sp.cancel(constants.l0 - supremum) == 0,
        "the constant that the loss states",
    )
    work.fact(
        "not L-smooth", rf"\lim_{{x\to\infty}} f''(x) = {tex(sp.limit(curvature, x, sp.oo))}", curvature,
        sp.limit(curvature, x, sp.oo) == sp.oo, "the second derivative is unbounded, so f is not L-smooth",
    )
