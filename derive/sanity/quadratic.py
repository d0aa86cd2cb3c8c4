"""Sanity check 1: on a quadratic only the corrected model sees the stability threshold of gradient descent."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.process.generator import generator
from sdescent.derive.process.stationary import stability_threshold
from sdescent.derive.sanity.check import SanityCheck, Working, equal, tex
from sdescent.derive.vocabulary.choices import Model
from sdescent.derive.vocabulary.symbols import eta, parameter, t

LAMBDA = parameter("lambda")
X = sp.Symbol("x", real=True)
MODEL_NAMES = ("first-order", "second-order", "corrected")


def decay_rate(model: Model) -> sp.Expr:
    """r with L f = -r f for noise-free DSGD on f = lambda x^2/2 (theory 5.1), free of x."""
    equation = sde(DSGD(), model, Quadratic((LAMBDA,)), 1).expanded
    loss = Quadratic((LAMBDA,)).value(equation.state)
    return sp.expand(-sp.cancel(generator(equation, loss) / loss))


def thresholds(work: Working, method: Method, claims: Mapping[str, sp.Expr], reasons: Mapping[str, str]) -> None:
    """The step size beyond which the second moment in one dimension grows, of the method ("discrete") and of each model."""
    for model, claim in claims.items():
        step = stability_threshold(method, model, LAMBDA, 1)  # pyright: ignore[reportArgumentType]
        where, told = "", " (there is none)" if step == sp.oo else ""
        if isinstance(step, sp.Piecewise):
            step, condition = step.args[0]
            where, told = rf"\big|_{{{tex(condition)}}}", " under this condition, else at no step size"
        work.claim(f"{model} threshold", rf"\eta_{{\max}}^{{\text{{{model}}}}}{where}", step, claim, reasons[model] + told)


def quadratic_loss_factors() -> SanityCheck:
    """Loss factors exp(-2 lambda c t), c = 1, 1 + lambda eta/2, 1 - lambda eta/2 for the three models (theory 5.1)."""
    work = Working()
    loss = Quadratic((LAMBDA,)).value([X])
    work.show(f"f(x) = {tex(loss)}", "the loss; no noise and a constant step size")
    bend = {"first-order": sp.S.One, "second-order": 1 + LAMBDA * eta / 2, "corrected": 1 - LAMBDA * eta / 2}
    for model in MODEL_NAMES:
        equation = sde(DSGD(), model, Quadratic((LAMBDA,)), 1).expanded
        drift = sp.collect(sp.expand(equation.drift[0].subs(equation.state[0], X)), X)
        work.show(
            rf"\mathrm{{d}}x = {tex(drift)}\,\mathrm{{d}}t",
            f"the {model} model of gradient descent on this loss",
        )
        rate = decay_rate(model)
        work.claim(
            f"{model} rate",
            r"\mathcal{L} f / f",
            -rate,
            -2 * LAMBDA * bend[model],
            f"the generator of the {model} model applied to f, divided by f",
        )
        factor = sp.exp(-rate * t)
        constant = not rate.has(*equation.state)
        work.fact(
            f"{model} factor",
            rf"f(X_t) = e^{{{tex(-rate * t)}}} f(x_0)",
            factor,
            constant and equal(sp.diff(factor, t), -rate * factor),
            "the rate does not depend on x, so the loss decays exponentially",
        )
    expected = {"discrete": 2 / LAMBDA, "first-order": sp.oo, "second-order": sp.oo, "corrected": 2 / LAMBDA}
    who = {"discrete": "gradient descent itself", **{m: f"the {m} model" for m in MODEL_NAMES}}
    thresholds(work, DSGD(), expected, {m: f"the step size at which the loss of {w} stops decaying" for m, w in who.items()})
    return work.finish(
        "quadratic-loss-factors",
        "Quadratic: only the corrected model sees the stability threshold",
        r"f = \lambda x^2/2:\quad f(X_t) = f(x_0)\,e^{-2\lambda t} \text{ (first-order)},\quad "
        r"f(x_0)\,e^{-2\lambda(1+\lambda\eta/2)t} \text{ (second-order)},\quad "
        r"f(x_0)\,e^{-2\lambda(1-\lambda\eta/2)t} \text{ (corrected)};\quad "
        r"\text{only the last grows for } \eta > 2/\lambda \text{, as gradient descent does}",
    )
