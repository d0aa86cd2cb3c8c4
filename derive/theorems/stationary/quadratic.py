"""Theory 6.7: stationary second moments on quadratics, from the generator of the engine's own SDEs.

A law is stationary to second order if E L(x_i x_j) = 0, where L(x_i x_j) = x_i b_j + x_j b_i + S_ij with the drift b and the
covariance S of the equation. The theorems assume only this, which by linearity of E is an equation for E x_i x_j.
"""

from collections.abc import Callable

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, under, xs
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.vocabulary.names import Model

eta, N, sigma, lam, x = xs("eta N sigma lam x")
NAMES = {"lam": r"\lambda"}
CONTEXT = Context({**dict.fromkeys(["eta", "N", "sigma", "lam"], "const"), "x": "rv"})
SECOND = under("E", x**2)


def stationary(equation: CoordinateSDE, state: tuple[Term, ...], i: int, j: int) -> Relation:
    """0 = E L(x_i x_j), with the drift and the covariance of the engine's equation.

    Args:
        state: the letters for the coordinates.
    """
    letters = dict(zip(equation.state, state, strict=True))
    drift, spread = ([expression(e, letters) for e in m] for m in (equation.drift, equation.covariance.row(i)))
    first = 2 * state[i] * drift[i] if i == j else plus(state[i] * drift[j], state[j] * drift[i])
    return num(0).eq(under("E", first + spread[j]))


#: model -> who found its stationary law on a quadratic
VARIANCE: dict[Model, str] = {"first-order": "Mandt, Hoffman and Blei 2017"}
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
        falls = w.combine("the rate of decay", num(0).lt(decay), [member])
        return fixed_point(w, SECOND, eta * sigma**2 / N, decay, falls)

    return Theorem(
        id=f"6.7-{model}",
        title=f"Stationary variance on a quadratic, {model} model",
        source=VARIANCE.get(model, "ours"),
        claim=SECOND.eq(eta * sigma**2 / N * (1 / decay)),
        context=CONTEXT,
        assumptions={"lambda > 0": lam.gt(0), **STABLE[model]},
        definitions=read(),
        read=read,
        point={eta: 0, N: 1, sigma: 1, lam: 1, x: 0},
        names=NAMES,
        prove=prove,
        evidence=(Evidence("stationary moments", {"noise": "gaussian", "model": model}),),
    )


# --- two coordinates: correlated noise, and Rand-k with affine variance

k, h1, h2, spread, sigma0, sigma1, x1, x2 = xs("k h1 h2 Sigma1_2 sigma0 sigma1 x1 x2")
CONSTANTS = ("eta", "N", "k", "h1", "h2", "Sigma1_2", "sigma0", "sigma1")
PLANE = Context({**dict.fromkeys(CONSTANTS, "const"), "x1": "rv", "x2": "rv"})
IN_THE_PLANE = {
    "Sigma1_2": r"\Sigma_{12}", "sigma0": r"\sigma_0", "sigma1": r"\sigma_1", "h1": r"\lambda_1", "h2": r"\lambda_2",
}  # fmt: skip
STATE = (x1, x2)
m, m1, m2 = under("E", x1 * x2), under("E", x1**2), under("E", x2**2)
SQUARES = (h1**2 + h2**2) / 2
#: the rate of decay of E x1 x2
RATES: dict[Model, Term] = {
    "first-order": h1 + h2,
    "corrected": h1 + h2 - eta * SQUARES,
    "second-order": h1 + h2 + eta * SQUARES,
}


def covariance(model: Model) -> Theorem:
    rate, inflow = RATES[model], eta * spread / N

    def read() -> dict[str, Relation]:
        """E L(x1 x2) = 0 for the engine's SDE with a nondiagonal noise covariance Sigma."""
        equation = sde(DSGD(Correlated(Gaussian())), model, Quadratic(("h1", "h2")), 2).expanded
        return {"stationary": stationary(equation, STATE, 0, 1)}

    return Theorem(
        id=f"6.7-covariance-{model}",
        title=f"Stationary covariance of two coordinates, {model} model",
        source=VARIANCE.get(model, "ours"),
        claim=m.eq(inflow * (1 / rate)),
        context=PLANE,
        assumptions={"stable": num(0).lt(rate)},
        definitions=read(),
        read=read,
        point={eta: 0, N: 1, h1: 1, h2: 1, spread: 1, x1: 0, x2: 0},
        names=IN_THE_PLANE,
        prove=lambda w: fixed_point(w, m, inflow, rate, "stable"),
        evidence=(Evidence("stationary moments", {"noise": "correlated", "model": model}),),
    )


COUPLING, FORCE = 2 * eta * sigma1**2 / (N * k), 2 * eta * sigma0**2 / (N * k)


def own_rate(model: Model, h: Term) -> Term:
    """r_j = 2 h_j - (eta/N)(2/k - 1) h_j^2, minus eta h_j^2 in the corrected model: the decay of E x_j^2 without coupling."""
    return 2 * h - eta / N * (2 / k - 1) * h**2 - (eta * h**2 if model == "corrected" else num(0))


def slack(model: Model) -> Term:
    """q = 1 - (2 eta sigma_1^2/(N k)) (h_1^2/r_1 + h_2^2/r_2), positive if the noise that grows with the gradient is stable."""
    return 1 - COUPLING * (h1**2 / own_rate(model, h1) + h2**2 / own_rate(model, h2))


def square(model: Model) -> Relation:
    """E x_1^2 = 2 eta sigma_0^2/(N k r_1 q)."""
    return m1.eq(FORCE / own_rate(model, h1) / slack(model))


def two_by_two(model: Model) -> Callable[[Derivation], Fact]:
    """E x_1^2 = c/(r_1 q): r_j E x_j^2 = b W + c with W = h_1^2 E x_1^2 + h_2^2 E x_2^2, so (b W + c) q = c."""

    def prove(w: Derivation) -> Fact:
        inflow = COUPLING * (h1**2 * m1 + h2**2 * m2) + FORCE
        parts = []
        for n, h, square_mean in ((1, h1, m1), (2, h2, m2)):
            a = own_rate(model, h)
            unit = w.kernel.inverse(a, w[f"r_{n} > 0"])
            equalities = [(1 / a, f"stationary {n}"), (-square_mean, unit)]
            parts.append(w.combine(f"E x_{n}^2", square_mean.eq(inflow / a), (), equalities))
        q = slack(model)
        unit = w.kernel.inverse(q, w["q > 0"])
        both = w.combine(
            "what flows in",
            inflow.eq(FORCE / q),
            (),
            [(COUPLING * h1**2 / q, parts[0]), (COUPLING * h2**2 / q, parts[1]), (-inflow, unit)],
        )
        return w.combine("solve", square(model), (), [(1 / own_rate(model, h1), both), parts[0]])

    return prove


def rand_k(model: Model) -> Theorem:
    def read() -> dict[str, Relation]:
        """E L x1^2 = 0 and E L x2^2 = 0."""
        equation = sde(DCSGD(RandK("k"), Affine()), model, Quadratic(("h1", "h2")), 2).expanded
        return {f"stationary {n + 1}": stationary(equation, STATE, n, n) for n in range(2)}

    return Theorem(
        id=f"6.7-rand-k-{model}",
        title=f"Stationary second moment with Rand-k and affine variance, {model} model",
        source="ours",
        claim=square(model),
        remark="The coordinates may be exchanged.",
        context=PLANE,
        assumptions={
            "r_1 > 0": own_rate(model, h1).gt(0),
            "r_2 > 0": own_rate(model, h2).gt(0),
            "q > 0": slack(model).gt(0),
        },
        definitions=read(),
        read=read,
        point={eta: 0, N: 1, k: 1, h1: 1, h2: 1, sigma0: 1, sigma1: 1, x1: 0, x2: 0},
        names=IN_THE_PLANE,
        short={own_rate(model, h1): "r_1", own_rate(model, h2): "r_2", slack(model): "q"},
        prove=two_by_two(model),
        evidence=(Evidence("stationary moments", {"noise": "affine", "model": model}),),
    )


ENTRIES = (
    *(entry(model) for model in FACTORS), *(covariance(model) for model in RATES), rand_k("first-order"), rand_k("corrected"),
)  # fmt: skip
