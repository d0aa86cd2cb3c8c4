"""The properties of each model (theory 5.4), as data."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.process.stationary import discrete_step, stability_threshold
from sdescent.derive.sanity.quadratic import LAMBDA, MODEL_NAMES, decay_rate
from sdescent.derive.sanity.stationary_variance import leading_error, stationary_variance, variance_ratio
from sdescent.derive.vocabulary.symbols import eta

#: weak orders are theorems about small step sizes, not computed here; numerics measures them (theory 7)
WEAK_ORDERS = {
    "first-order": (1, "Li, Tai, E 2017, theorem for the first-order modified equation"),
    "second-order": (2, "Li, Tai, E 2017, theorem for the second-order modified equation"),
    "corrected": (
        1,
        "its drift differs from the second-order one at first order in the step size (arXiv 2506.00181 v2)",
    ),
}


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

    model: str
    threshold: sp.Expr
    threshold_right: bool
    variance: sp.Expr
    variance_ratio: sp.Expr
    rate_error: sp.Expr
    rate_error_order: int
    weak_order: int
    weak_order_source: str


def discrete_rate() -> sp.Expr:
    """r with f(x_n) = exp(-r n eta) f(x_0) for gradient descent on f = lambda x^2/2, eta lambda < 1."""
    v = sp.Matrix([[sp.Symbol("V", positive=True)]])
    factor = sp.cancel(discrete_step(DSGD(), v, LAMBDA)[0] / v[0])
    return -sp.log(sp.expand(factor)) / eta


def model_table() -> tuple[ModelRow, ...]:
    """A row for each model: threshold, stationary variance and path accuracy, the weak order cited (theory 5.4)."""
    exact = discrete_rate()
    method = stability_threshold(DSGD(), "discrete", LAMBDA)
    rows = []
    for model in MODEL_NAMES:
        threshold = stability_threshold(DSGD(), model, LAMBDA)
        coefficient, power = leading_error(decay_rate(model) - exact)
        rows.append(
            ModelRow(
                model,
                threshold,
                threshold == method,
                stationary_variance(model),
                variance_ratio(model),
                coefficient * eta**power,
                power,
                *WEAK_ORDERS[model],
            )
        )
    return tuple(rows)
