"""A table of the predictions of the three models for gradient descent on a quadratic and on a quartic (theory 5)."""

from dataclasses import dataclass
from typing import get_args

import sympy as sp

from sdescent.derive.equations.in_coordinates import expand
from sdescent.derive.equations.process.stationary import (
    continuous_rate,
    discrete_second_moments,
    discrete_step,
    second_moments,
    stability_threshold,
)
from sdescent.derive.equations.sde import derived
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quartic
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.names import Kind, Model
from sdescent.derive.vocabulary.symbols import eta, parameter

LAMBDA, SIGMA = parameter("lambda"), parameter("sigma")
MODEL_NAMES: tuple[Model, ...] = get_args(Model)
#: weak orders are theorems about small step sizes; they are not computed here, numerics measures them (theory 7)
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
        model: the name of the model.
        threshold: the step size beyond which the second moment grows; oo if it never grows.
        threshold_right: whether `threshold` is that of the method itself.
        variance: the stationary E x^2.
        variance_ratio: `variance` divided by that of the method itself.
        rate_error: the leading term of the decay rate of f minus that of the method, without noise.
        rate_error_order: the power of eta in `rate_error`.
        weak_order: the order in eta at which expectations agree as eta -> 0.
        weak_order_source: where the weak order is proved.
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
    """The rate r with f(X_t) = exp(-r t) f(x_0) without noise on f = lambda x^2/2; for the method t = n eta, eta lambda < 1."""
    if subject == "method":
        return -sp.log(sp.expand(sp.cancel(discrete_step(DSGD(), _SQUARE, LAMBDA)[0] / _SQUARE[0]))) / eta
    return sp.expand(-sp.cancel(continuous_rate(DSGD(), _SQUARE, subject, LAMBDA)[0] / _SQUARE[0]))


def stationary_variance(subject: Kind) -> sp.Expr:
    """The stationary E x^2 on f = lambda x^2/2, for DSGD with Gaussian noise of variance sigma^2."""
    noisy = DSGD(Scaled(Gaussian(), SIGMA))
    if subject == "method":
        return sp.factor(discrete_second_moments(noisy, 1, LAMBDA)[0])
    return sp.factor(second_moments(noisy, 1, subject, LAMBDA)[0])


def leading_error(error: sp.Expr) -> tuple[sp.Expr, int]:
    """The pair (c, m) with error = c eta^m + O(eta^{m+1}); (0, 0) if the error is 0."""
    if sp.cancel(error) == 0:
        return sp.S.Zero, 0
    coefficient, power = sp.series(error, eta, 0, 4).removeO().as_leading_term(eta).as_coeff_exponent(eta)
    return coefficient, int(power)


def quartic_threshold(subject: Kind) -> sp.Expr:
    """The q such that on f = x^4/4, without noise, |x| grows if eta x^2 > q and falls if eta x^2 < q; oo if |x| never grows.

    Raises:
        NoClosedForm: no such q exists.
    """
    q = sp.Symbol("q", positive=True)
    equation = expand(derived(DSGD(), "first-order" if subject == "method" else subject, Quartic(), 1))
    x, drift = equation.state[0], equation.drift[0]
    # the relative change of x^2, in a step or in the time eta
    change = (1 + eta * drift / x) ** 2 - 1 if subject == "method" else 2 * eta * drift / x
    change = sp.expand(sp.cancel(change).subs(x, sp.sqrt(q / eta)))
    roots = [r for r in sp.roots(sp.Poly(change, q)) if r.is_positive]
    if not roots and change.subs(q, 1).is_negative:
        return sp.oo
    if len(roots) != 1 or not (change.subs(q, roots[0] + 1).is_positive and change.subs(q, roots[0] / 2).is_negative):
        raise NoClosedForm(f"no single threshold of growth on the quartic: {roots}")
    return roots[0]


def model_table() -> tuple[ModelRow, ...]:
    """The rows of the models: threshold, stationary variance, error of the decay rate, and the weak order as cited (theory 5.4)."""
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
