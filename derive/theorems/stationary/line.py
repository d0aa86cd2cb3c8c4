"""Theory 6.7: stationary variances on quadratics, from the generator of the engine's own SDEs.

A law is stationary to second order if E L(x_i x_j) = 0, L(x_i x_j) = x_i b_j + x_j b_i + S_ij with the drift b and the covariance S
of the equation. The theorems assume just this: by linearity of E an equation for E x_i x_j.
"""

from __future__ import annotations

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, under, xs
from sdescent.derive.theorems.entry.from_sde import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.vocabulary.choices import Model

eta, N, sigma, lam, x = xs("eta N sigma lam x")
NAMES = {"lam": r"\lambda"}
CONTEXT = Context({**dict.fromkeys(["eta", "N", "sigma", "lam"], "const"), "x": "rv"})
SECOND = under("E", x**2)


def stationary(equation: CoordinateSDE, state: tuple[Term, ...], i: int, j: int) -> Relation:
    """0 = E L(x_i x_j), with the drift and the covariance of the engine's equation.

    Args:
        state: the letters of the coordinates.
    """
    letters = dict(zip(equation.state, state, strict=True))
    drift, spread = ([expression(e, letters) for e in m] for m in (equation.drift, equation.covariance.row(i)))
    first = 2 * state[i] * drift[i] if i == j else plus(state[i] * drift[j], state[j] * drift[i])
    return num(0).eq(under("E", first + spread[j]))


FACTORS: dict[Model, Term] = {"first-order": num(2), "corrected": 2 - eta * lam, "second-order": 2 + eta * lam}
#: the step condition for a positive rate of decay
STABLE = {model: {} if factor[0] == "q" else {"stable": num(0).lt(factor)} for model, factor in FACTORS.items()}


def fixed_point(w: Derivation, value: Term, inflow: Term, rate: Term, positive: Fact | str) -> Fact:
    """value = inflow/rate, from "stationary", 0 = inflow - rate value, and 0 < rate."""
    unit, share = w.kernel.inverse(rate, w[positive] if isinstance(positive, str) else positive), 1 / rate
    mean = w.combine("the mean of the generator", num(0).eq(inflow - rate * value), (), ["stationary"])
    return w.combine("solve", value.eq(inflow * share), (), [(share, mean), (-value, unit)])


def entry(model: Model) -> Theorem:
    decay = lam * FACTORS[model]

    def read() -> dict[str, Relation]:
        return {"stationary": stationary(sde(DSGD(Gaussian()), model, Quadratic(("lam",)), 1).expanded, (x,), 0, 0)}

    def prove(w: Derivation) -> Fact:
        member = ["lambda > 0", "stable"] if STABLE[model] else (2, "lambda > 0")
        return fixed_point(
            w, SECOND, eta * sigma**2 / N, decay, w.combine("the rate of decay", num(0).lt(decay), [member])
        )

    return Theorem(
        id=f"6.7-{model}", title=f"Stationary variance on a quadratic, {model} model", source="theory 6.7 and 5.4",
        claim=SECOND.eq(eta * sigma**2 / N * (1 / decay)), context=CONTEXT,
        assumptions={"lambda > 0": lam.gt(0), **STABLE[model]}, definitions=read(), read=read,
        point={eta: 0, N: 1, sigma: 1, lam: 1, x: 0}, names=NAMES, prove=prove,
        evidence=(Evidence("stationary moments", {"noise": "gaussian", "model": model}),),
    )  # fmt: skip


ENTRIES = tuple(entry(model) for model in FACTORS)
