"""Weak orders of the three models, as slopes of errors without sampling, compared with the orders that theory 2 states."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from sdescent.derive.vocabulary.choices import Model
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import METHOD, evidence
from sdescent.reports.document.tex import number
from sdescent.reports.sections.base import Inputs

#: number of step sizes of a case
HALVINGS = {"quick": 3, "full": 5}
#: an order is decided by an interval of at most this half-width, a quarter of the distance between the orders 1 and 2
WIDEST = 0.25
#: largest ratio of the discretisation errors to the weak error
RESOLVED = 1e-2
MODELS = ("first-order", "second-order", "corrected")


def cases() -> dict[str, dict[str, Any]]:
    """The cases of theory 7: method, loss, phi, parameters, and the exponent k of the largest step 2^-k; x0 = T = 1."""
    import sympy as sp

    from sdescent.derive.methods.distributed import DSGD, DSignSGD
    from sdescent.derive.methods.losses import Cosh, Quadratic
    from sdescent.derive.methods.noise import Affine, Gaussian, Logistic

    x1 = sp.Symbol("x1", real=True)
    return {
        "dsgd": {
            "method": DSGD(Gaussian(), 1), "loss": Cosh(), "phi": sp.tanh(x1), "params": {"sigma": 1.0}, "from": 3,
            "words": r"DSGD on $\cosh$, Gaussian noise, $\varphi=\tanh$",
        },
        "affine": {
            "method": DSGD(Affine(), 1), "loss": Quadratic(1), "phi": x1**2, "params": {"sigma0": 0.5, "sigma1": 0.5}, "from": 4,
            "words": r"DSGD on a quadratic, affine noise, $\varphi=x^2$", "route": "moments",
        },
        "dsignsgd": {
            "method": DSignSGD(Logistic(), 2), "loss": Cosh(), "phi": sp.cosh(x1) - 1, "params": {"sigma": 1.0}, "from": 3,
            "words": r"DSignSGD on $\cosh$, logistic noise, two clients, $\varphi=\cosh-1$",
        },
    }  # fmt: skip


def stored(context: Inputs, case: str, model: Model, halvings: int) -> dict[str, Any]:
    context.tick(f"weak order of the {model} model, {case}")
    spec = {"case": case, "model": model, "halvings": halvings}
    compute = partial(order, case, model, halvings)
    return context.cache.load_or_compute(f"verification-order-{case}-{model}", spec, compute)


def order(case: str, model: Model, halvings: int, equation: Any = None) -> dict[str, Any]:
    """The weak errors at the step sizes of a case, and the slope. An `equation` in place of the model plants an error."""
    from sdescent.derive.equations.process.model_table import WEAK_ORDERS
    from sdescent.numerics.evidence.weak_order import weak_order

    spec = cases()[case]
    etas = [2.0 ** -(spec["from"] + k) for k in range(halvings)]
    start, horizon = 1.0, 1.0
    phi, params = spec["phi"], spec["params"]
    weak = weak_order(
        spec["method"], equation or model, spec["loss"], start, horizon, phi, etas, params, route=spec.get("route")
    )
    head = {"case": case, "model": model, "stated": WEAK_ORDERS[model][0]}
    return {**head, **weak.to_dict(), "resolution": weak.resolution}


def verdict(orders: Mapping[str, Any]) -> str:
    """Whether the interval order +- doubt contains the stated order, with a doubt of at most `WIDEST` and resolved errors."""
    measured, doubt = orders["slope"]["order"], orders["slope"]["doubt"]
    if measured is None or doubt is None or doubt > WIDEST or not orders["resolution"] <= RESOLVED:
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED if abs(measured - orders["stated"]) <= doubt else Verdict.VIOLATED


def evidence_of(orders: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on the stated order as evidence, in words."""
    measured, doubt = orders["slope"]["order"], orders["slope"]["doubt"]
    if measured is None or doubt is None:
        says = "the weak errors change their sign, so they have no order over these step sizes"
    else:
        says = rf"the slope of the weak error is ${number(measured, 4)}\pm{number(doubt, 2)}$; stated is ${orders['stated']}$"
    says = rf"{orders['case']}: {says}"
    return evidence(f"weak-order-{orders['model']}", METHOD, verdict(orders), says, "tab:weak-orders")


def row(orders: Mapping[str, Any]) -> dict[str, Any]:
    slope, errors = orders["slope"], orders["errors"]
    slopes = {"order": (slope["order"], 4), "doubt": (slope["doubt"], 2), "local": (slope["local"][-1], 4)}
    ends = {"first": number(errors[0], 2), "last": number(errors[-1], 2), "resolution": number(orders["resolution"], 1)}
    rounded = {name: number(math.nan if value is None else value, digits) for name, (value, digits) in slopes.items()}
    return {**rounded, **ends, "verdict": verdict(orders)}
