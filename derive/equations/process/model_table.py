"""What each of the three models says of gradient descent on a quadratic and on a quartic, as a table (theory 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import sympy as sp

from sdescent.derive.equations.in_coordinates import expand
from sdescent.derive.equations.models import derived
from sdescent.derive.equations.process.stationary import (
    continuous_rate,
    discrete_second_moments,
    discrete_step,
    second_moments,
    stability_threshold,
)
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quartic
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.vocabulary.choices import Kind, Model
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import eta, parameter

LAMBDA, SIGMA = parameter("lambda"), parameter("sigma")
MODEL_NAMES: tuple[Model, ...] = get_args(Model)
#: weak orders are theorems about small step sizes, not computed here; numerics measures them (theory 7)
WEAK_ORDERS = {
    "first-order": (1, "Li, Tai, E 2017, theorem for the first-order modified equation"),
    "second-order": (2, "Li, Tai, E 2017, theorem for the second-order modified equation"),
    "corrected": (
        1,
        "its drift differs from the second-order one at first order in the step size (arXiv 2506.00181 v2)",
    ),
}
_SQUARE = sp.Matrix([[sp.Symbol("V", positive=True)]])


@dataclass(frozen=True)
class ModelRow:
    """One model on f = lambda x^2/2 with noise variance sigma^2 (all dimensionless).

    Args:
        model: its name.
        threshold: the step size beyond which its second moment grows (oo: never), and
        threshold_right: whether that is the method's own.
        variance: stationary E x^2; variance_ratio: that over the method's own.
        rate_error: leading term of (rate of decay of f) - (the method's), noise-free, and
        rate_error_order: its power of eta.
        weak_order: the order at which expectations agree as eta -> 0, and weak_order_source: who proves it.
    """

    model: Model
    threshold: sp.Expr
    threshold_right: bool
    variance: sp.Expr
    variance_ratio: sp.Expr
    rate_error: sp.Expr
    rate_error_order: int
    weak_order: int
    weak_order_source: str


def decay_rate(subject: Kind) -> sp.Expr:
    """r with f(X_t) = exp(-r t) f(x_0) without noise on f = lambda x^2/2; of the method with t = n eta, where eta lambda < 1."""
    if subject == "method":
        return -sp.log(sp.expand(sp.cancel(discrete_step(DSGD(), _SQUARE, LAMBDA)[0] / _SQUARE[0]))) / eta
    return sp.expand(-sp.cancel(continuous_rate(DSGD(), _SQUARE, subject, LAMBDA)[0] / _SQUARE[0]))


def stationary_variance(subject: Kind) -> sp.Expr:
    """E x^2 in the stationary law on f = lambda x^2/2, of DSGD with Gaussian noise of variance sigma^2."""
    noisy = DSGD(Scaled(Gaussian(), SIGMA))
    if subject == "method":
        return sp.factor(discrete_second_moments(noisy, 1, LAMBDA)[0])
    return sp.factor(second_moments(noisy, 1, subject, LAMBDA)[0])


def leading_error(error: sp.Expr) -> tuple[sp.Expr, int]:
    """(c, m) with error = c eta^m + O(eta^{m+1}); (0, 0) for zero."""
    if sp.cancel(error) == 0:
        return sp.S.Zero, 0
    coefficient, power = sp.series(error, eta, 0, 4).removeO().as_leading_term(eta).as_coeff_exponent(eta)
    return coefficient, int(power)


def quartic_threshold(subject: Kind) -> sp.Expr:
    """q such that |x| grows without noise on f = x^4/4 where eta x^2 > q, and falls where eta x^2 < q; oo where it never grows.

    Raises:
        NoClosedForm: there is no such q.
    """
    q = sp.Symbol("q", positive=True)
    equation = expand(derived(DSGD(), "first-order" if subject == "method" else subject, Quartic(), 1))
    x, drift = equation.state[0], equation.drift[0]
    # the change of x^2 over x^2, in a step or in the time eta
    change = (1 + eta * drift / x) ** 2 - 1 if subject == "method" else 2 * eta * drift / x
    change = sp.expand(sp.cancel(change).subs(x, sp.sqrt(q / eta)))
    roots = [r for r in sp.roots(sp.Poly(change, q)) if r.is_positive]
    if not roots and change.subs(q, 1).is_negative:
        return sp.oo
    if len(roots) != 1 or not (change.subs(q, roots[0] + 1).is_positive and change.subs(q, roots[0] / 2).is_negative):
        raise NoClosedForm(f"no single threshold of growth on the quartic: {roots}")
    return roots[0]


def model_table() -> tuple[ModelRow, ...]:
    """A row for each model: threshold, stationary variance and path accuracy, the weak order cited (theory 5.4)."""
    rate, method_variance = decay_rate("method"), stationary_variance("method")
    method = stability_threshold(DSGD(), "discrete", LAMBDA)
    rows = []
    for model in MODEL_NAMES:
        threshold, variance = stability_threshold(DSGD(), model, LAMBDA), stationary_variance(model)
        coefficient, power = leading_error(decay_rate(model) - rate)
        rows.append(
            ModelRow(
                model, threshold, threshold == method, variance, sp.cancel(variance / method_variance),
                coefficient * eta**power, power,
                *WEAK_ORDERS[model],
            )
        )  # fmt: skip
    return tuple(rows)
