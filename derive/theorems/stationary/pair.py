"""Theory 6.7: stationary second moments in two coordinates: correlated noise, and Rand-k with affine variance."""

from __future__ import annotations

from collections.abc import Callable

from sdescent.derive.derivation import sde
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, num, under, xs
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.stationary.line import fixed_point, stationary
from sdescent.derive.vocabulary.choices import Model

eta, N, k, h1, h2, spread, sigma0, sigma1, x1, x2 = xs("eta N k h1 h2 Sigma1_2 sigma0 sigma1 x1 x2")
CONSTANTS = ("eta", "N", "k", "h1", "h2", "Sigma1_2", "sigma0", "sigma1")
CONTEXT = Context({**dict.fromkeys(CONSTANTS, "const"), "x1": "rv", "x2": "rv"})
NAMES = {
    "Sigma1_2": r"\Sigma_{12}", "sigma0": r"\sigma_0", "sigma1": r"\sigma_1", "h1": r"\lambda_1", "h2": r"\lambda_2",
}  # fmt: skip
STATE = (x1, x2)
m, m1, m2 = under("E", x1 * x2), under("E", x1**2), under("E", x2**2)
SQUARES = (h1**2 + h2**2) / 2
#: the rate of E x1 x2 is h1 + h2 less this
FACTORS: dict[Model, Term] = {
    "first-order": h1 + h2,
    "corrected": h1 + h2 - eta * SQUARES,
    "second-order": h1 + h2 + eta * SQUARES,
}


def covariance(model: Model) -> Theorem:
    rate, inflow = FACTORS[model], eta * spread / N

    def read() -> dict[str, Relation]:
        """E L(x1 x2) = 0 for the engine's SDE with a noise covariance Sigma that is not diagonal."""
        equation = sde(DSGD(Correlated(Gaussian())), model, Quadratic(("h1", "h2")), 2).expanded
        return {"stationary": stationary(equation, STATE, 0, 1)}

    return Theorem(
        id=f"6.7-covariance-{model}", title=f"Stationary covariance of two coordinates, {model} model", source="theory 6.7",
        claim=m.eq(inflow * (1 / rate)), context=CONTEXT, assumptions={"stable": num(0).lt(rate)}, definitions=read(), read=read,
        point={eta: 0, N: 1, h1: 1, h2: 1, spread: 1, x1: 0, x2: 0}, names=NAMES, prove=lambda w: fixed_point(w, m, inflow, rate, "stable"),
        evidence=(Evidence("stationary moments", {"noise": "correlated", "model": model}),),
    )  # fmt: skip


COUPLING, FORCE = 2 * eta * sigma1**2 / (N * k), 2 * eta * sigma0**2 / (N * k)


def own_rate(model: Model, h: Term) -> Term:
    """r_j = 2 h_j - (eta/N)(2/k - 1) h_j^2, less eta h_j^2 in the corrected model: the decay of E x_j^2 without coupling."""
    return 2 * h - eta / N * (2 / k - 1) * h**2 - (eta * h**2 if model == "corrected" else num(0))


def slack(model: Model) -> Term:
    """q = 1 - (2 eta sigma_1^2/(N k)) (h_1^2/r_1 + h_2^2/r_2): positive while the noise that grows with the gradient is stable."""
    return 1 - COUPLING * (h1**2 / own_rate(model, h1) + h2**2 / own_rate(model, h2))


def square(model: Model) -> Relation:
    """E x_1^2 = 2 eta sigma_0^2/(N k r_1 q)."""
    return m1.eq(FORCE / own_rate(model, h1) / slack(model))


def two_by_two(model: Model) -> Callable[[Derivation], Fact]:
    """r_j E x_j^2 = b W + c with W = h_1^2 E x_1^2 + h_2^2 E x_2^2, so (b W + c) q = c, and E x_1^2 = (b W + c)/r_1."""

    def prove(w: Derivation) -> Fact:
        inflow = COUPLING * (h1**2 * m1 + h2**2 * m2) + FORCE
        parts = []
        for n, h, square_mean in ((1, h1, m1), (2, h2, m2)):
            a = own_rate(model, h)
            unit = w.kernel.inverse(a, w[f"r_{n} > 0"])
            parts.append(
                w.combine(
                    f"E x_{n}^2", square_mean.eq(inflow / a), (), [(1 / a, f"stationary {n}"), (-square_mean, unit)]
                )
            )
        q = slack(model)
        unit = w.kernel.inverse(q, w["q > 0"])
        both = w.combine(
            "what flows in", inflow.eq(FORCE / q), (),
            [(COUPLING * h1**2 / q, parts[0]), (COUPLING * h2**2 / q, parts[1]), (-inflow, unit)],
        )  # fmt: skip
        return w.combine("solve", square(model), (), [(1 / own_rate(model, h1), both), parts[0]])

    return prove


def rand_k(model: Model) -> Theorem:
    def read() -> dict[str, Relation]:
        """E L x1^2 = 0 and E L x2^2 = 0."""
        equation = sde(DCSGD(RandK("k"), Affine()), model, Quadratic(("h1", "h2")), 2).expanded
        return {f"stationary {n + 1}": stationary(equation, STATE, n, n) for n in range(2)}

    return Theorem(
        id=f"6.7-rand-k-{model}", title=f"Stationary second moment with Rand-k and affine variance, {model} model", source="theory 6.7",
        claim=square(model), remark="The coordinates may be exchanged.", context=CONTEXT,
        assumptions={
            "r_1 > 0": own_rate(model, h1).gt(0), "r_2 > 0": own_rate(model, h2).gt(0), "q > 0": slack(model).gt(0),
        },
        definitions=read(), read=read, point={eta: 0, N: 1, k: 1, h1: 1, h2: 1, sigma0: 1, sigma1: 1, x1: 0, x2: 0}, names=NAMES,
        short={own_rate(model, h1): "r_1", own_rate(model, h2): "r_2", slack(model): "q"},
        prove=two_by_two(model), evidence=(Evidence("stationary moments", {"noise": "affine", "model": model}),),
    )  # fmt: skip


ENTRIES = (*(covariance(model) for model in FACTORS), rand_k("first-order"), rand_k("corrected"))
