"""Sanity check 4: stationary variances on a quadratic; the corrected model has the method's own."""

from __future__ import annotations

from typing import Literal

import sympy as sp

from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.process.stationary import discrete_second_moments, second_moments
from sdescent.derive.sanity.check import SanityCheck, Working
from sdescent.derive.sanity.quadratic import LAMBDA, MODEL_NAMES
from sdescent.derive.vocabulary.choices import Model
from sdescent.derive.vocabulary.symbols import N, eta, parameter

SIGMA = parameter("sigma")


def noisy_descent() -> Method:
    """DSGD with noise variance s = sigma^2."""
    return DSGD(Scaled(Gaussian(), SIGMA))


def stationary_variance(model: Model | Literal["discrete"]) -> sp.Expr:
    """E x^2 in the stationary law of a model, or of the method itself ("discrete"), on f = lambda x^2/2."""
    if model == "discrete":
        return sp.factor(discrete_second_moments(noisy_descent(), 1, LAMBDA)[0])
    return sp.factor(second_moments(noisy_descent(), 1, model, LAMBDA)[0])


def variance_ratio(model: Model) -> sp.Expr:
    """Stationary variance of a model over that of the method."""
    return sp.cancel(stationary_variance(model) / stationary_variance("discrete"))


def leading_error(found: sp.Expr) -> tuple[sp.Expr, int]:
    """(c, m) with found = c eta^m + O(eta^{m+1}); (0, 0) for zero."""
    if sp.cancel(found) == 0:
        return sp.S.Zero, 0
    term = sp.series(found, eta, 0, 4).removeO().as_leading_term(eta)
    coefficient, power = term.as_coeff_exponent(eta)
    return coefficient, int(power)


def stationary_variances() -> SanityCheck:
    """eta sigma^2/(N lambda (2 - eta lambda)) of the method and the corrected model, against the other two (theory 5.4)."""
    work = Working()
    work.show(
        r"f = \tfrac{\lambda}{2} x^2,\qquad V = \mathbb{E} x_\infty^2",
        "the loss, and what is compared",
    )
    s = SIGMA**2
    claims: dict[Model | Literal["discrete"], sp.Expr] = {
        "discrete": eta * s / (N * LAMBDA * (2 - eta * LAMBDA)),
        "first-order": eta * s / (2 * N * LAMBDA),
        "second-order": eta * s / (N * LAMBDA * (2 + eta * LAMBDA)),
        "corrected": eta * s / (N * LAMBDA * (2 - eta * LAMBDA)),
    }
    for model, claim in claims.items():
        who = "the method's own second-moment recursion" if model == "discrete" else f"the moment equations of the {model} model"
        left = rf"\mathbb{{E}} x^2_{{\infty,\text{{{model}}}}}"
        work.claim(f"{model} variance", left, stationary_variance(model), claim, f"fixed point of {who}")
    relative = {"first-order": -LAMBDA / 2, "second-order": -LAMBDA, "corrected": sp.S.Zero}
    for model in MODEL_NAMES:
        coefficient, power = leading_error(variance_ratio(model) - 1)
        error, order = "relative error of the stationary variance", "" if coefficient == 0 else r" + O(\eta^2)"
        left = rf"V_{{\text{{{model}}}}}/V_{{\text{{method}}}} - 1{order}"
        reason = f"leading term of the {error}" if order else f"{error}: none"
        work.claim(f"{model} relative error", left, coefficient * eta**power, relative[model] * eta, reason)
    return work.finish(
        "stationary-variances",
        "Quadratic: stationary variances",
        r"\mathbb{E}x_\infty^2=\frac{\eta\sigma^2}{N\lambda(2-\eta\lambda)}\ \text{(method, corrected)},\quad "
        r"\frac{\eta\sigma^2}{2N\lambda}\ \text{(first-order)},\quad "
        r"\frac{\eta\sigma^2}{N\lambda(2+\eta\lambda)}\ \text{(second-order)}",
    )
