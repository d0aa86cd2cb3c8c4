"""The heavy ball itself, x' = x + v', v' = beta v - eta G, on L-smooth losses: a Lyapunov function at the averaged point.

z = x + beta/(1 - beta) v moves by -h G with h = eta/(1 - beta), which is a step of DSGD of size h with the gradient at x. With
m = -v and any theta > 0, f(z) + theta L/(2 (1 - beta)^2) ||m||^2 falls as f does for this DSGD, up to factors 1 + theta.
"""

from collections.abc import Callable

import sympy as sp

from sdescent.derive.methods.optimisers.momentum import HeavyBall
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, dot, num, xs
from sdescent.derive.theorems.discrete import descent as ds
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import combined_step
from sdescent.derive.theorems.entry.symbols import D0, L0, G, N, eps, eta, f, f0, fstar, fT
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.heavy_ball import AQ, ENERGY, Q0, QK, Af, M, Q, R, ahead, g, gap, summed, theta
from sdescent.derive.theorems.unbiased.noise_bound import A
from sdescent.derive.vocabulary.symbols import parameter

beta, K = xs("beta K")
i, J = 1 / (1 - beta), 1 / (theta * (1 + beta))
#: the step of z, the weight of ||m||^2/2, and the contribution of the noise to a step
h, WEIGHT = eta * i, theta * L0 * i**2
FLOOR = (1 + theta) * L0 * D0 * h**2 / (2 * N)
STEP = (Af + WEIGHT * AQ).le(-(1 - eps) * h * G**2 + FLOOR)
AVERAGE = (ENERGY / K).le(((f0 - fstar) * (1 - beta) / (eta * K) + (1 + theta) * L0 * D0 * h / (2 * N)) / (1 - eps))


def potentials() -> dict[str, dict]:
    """The potentials f(z) and Q = ||m||^2/2 along the engine's method."""
    method, equation, share = HeavyBall(regime="fixed"), ub.equation("first-order"), parameter("beta")
    potentials = {}
    for name, weights, gradient, smoothness in (
        ("f", {"x": sp.S.One, "v": share / (1 - share)}, "gz", (L0, num(0))),
        ("Q", {"v": -sp.S.One}, "m", (num(1), num(0))),
    ):
        mean, square = combined_step(method, equation, weights, {"v": "-m", "G": "g"})
        ends = ("Af", "fT", "f0") if name == "f" else ("AQ", "QK", "Q0")
        potentials[name] = {**dict(zip(("change", "end", "start"), ends, strict=True)), "gradient": gradient}
        potentials[name] |= {"smoothness": smoothness, "mean": tuple(mean), "square": square, "radius": None}
    return potentials


CONTEXT = symbols.context(f"{ub.SYMBOLS} K Af beta theta Q AQ Q0 QK", potentials(), ("g", "m", "gz", "dg"), "S")
ASSUMPTIONS: dict[str, Relation] = {
    **ds.ASSUMPTIONS, "beta >= 0": beta.ge(0), "beta < 1": beta.lt(1), "theta > 0": theta.gt(0),
    "dg": dot(ahead, g).eq(G**2 - dot(gap, g)), "L-Lipschitz": R.le(L0 * beta * i * M),
    "step": (L0 * h * ((1 + theta) ** 2 * beta**2 * i * J + (1 + theta) * A)).le(2 * eps),
}  # fmt: skip


def one_step(w: Derivation, rate: str = "eta >= 0") -> Fact:
    """The change of f(z) + WEIGHT Q, where Q = ||m||^2/2, is at most -(1 - eps) h G^2 + FLOOR.

    `rate` is the name of the assumption on the sign of eta.
    """
    k = w.kernel
    per, trace = ub.noise_bound(w)
    below = w.combine("1 - beta > 0", num(0).lt(1 - beta), ["beta < 1"])
    unit, share = w.inverse(1 - beta, below)
    wide = w.combine("theta (1 + beta) > 0", num(0).lt(theta * (1 + beta)), ["theta > 0", ["theta > 0", "beta >= 0"]])
    inverse, over = w.inverse(theta * (1 + beta), wide)
    value, memory = (w.step(f"the descent lemma for {name}", k.descent(name, num(0))) for name in ("f", "Q"))
    ahead_of, along = k.cauchy_schwarz("dg", "g"), k.cauchy_schwarz("m", "g")
    s, r = theta * (1 + beta), (1 + theta) * h * beta
    return w.combine(
        "one step", STEP,
        [
            value, (1, [memory, "theta > 0", "L0 >= 0"], i),
            ("1/2", ["L0 >= 0", per, trace], h), ("1/2", ["theta > 0", "L0 >= 0", per, trace], h),
            [ahead_of, rate, share], ["L-Lipschitz", rate, share, k.nonnegative(G)],
            (1, [along, "theta > 0", "L0 >= 0", rate, "beta >= 0"], i),
            ("1/2", ["L0 >= 0", share, over], s * M - r * G), ("1/2", ["step", rate, share], G),
        ],
        [(-h, "dg"), (L0 * i * (s * M**2 / 2 - r * M * G), inverse), (-L0 * i * s * M**2 / 2, unit)],
    )  # fmt: skip


def scheduled(w: Derivation) -> Fact:
    """E sum G^2/K <= ((f(x_0) - f*)/(h K) + (1 + theta) L D_0 h/(2N))/(1 - eps), the average of G^2 over the steps."""
    claim, words = ((1 - eps) * h * ENERGY).le(f0 - fstar + K * FLOOR), ("the sum of the changes", "sum over the steps")
    total = summed(w, claim, one_step(w, "eta > 0"), (i, WEIGHT), words, ("f(z_K) >= f*", "Q_K >= 0"))
    below = w.combine("1 - beta > 0", num(0).lt(1 - beta), ["beta < 1"])
    (share, one), (rate, two) = w.inverse(1 - eps, "eps < 1"), w.inverse(eta, "eta > 0")
    (count, three), unit = w.inverse(K, "K > 0"), w.kernel.inverse(1 - beta, below)
    a, b, c = 1 / (1 - eps), 1 / eta, 1 / K
    noise = a * (1 + theta) * L0 * D0 * h / (2 * N)
    # energy/K = (1 - eps) a eta b (1 - beta) i energy/K, and similarly for the noise
    return w.combine(
        "divide", AVERAGE, [[one, two, below, three, total]],
        [
            (-ENERGY * c, share), (-ENERGY * c * (1 - eps) * a + noise, rate),
            (-ENERGY * c * (1 - eps) * a * eta * b + noise * eta * b, unit), (noise * eta * b * (1 - beta) * i, count),
        ],
    )  # fmt: skip


NAMES = {
    **ds.NAMES, "beta": r"\beta", "theta": r"\theta", "f": "f(z_n)", "f0": "f(x_0)", "fT": "f(z_K)", "Af": r"\mathbb{E}_nf(z_{n+1})-f(z_n)",
    "Q0": "Q_0", "QK": "Q_K", "gz": r"\nabla f(z_n)", "dg": r"(\nabla f(x_n)-\nabla f(z_n))", "AQ": r"\mathbb{E}_nQ_{n+1}-Q_n",
}  # fmt: skip
POINT = ds.point(beta=0, theta=1, Q=0, AQ=0, Q0=0, QK=0) | dict.fromkeys((M, R, dot(ahead, g), dot(gap, g)), 0)
LETTERS = r"$z=x+\frac\beta{1-\beta}v$ and $Q=\frac12\|m\|^2$ with $m=-v$. "
SHARED = {
    "context": CONTEXT, "definitions": ub.DEFINITIONS, "recomputed": ("unbiased",), "names": NAMES, "short": {G: "G"},
}  # fmt: skip


def theorem(
    id: str,
    title: str,
    claim: Relation,
    remark: str,
    prove: Callable[[Derivation], Fact],
    more: dict[str, Relation],
    evidence: Evidence,
) -> Theorem:
    """A theorem about the heavy ball itself."""
    return Theorem(
        id=id, title=title, source="Polyak 1964; Yang, Lin and Li 2016; the Lyapunov function with theta is ours", claim=claim, remark=remark,
        assumptions={**ASSUMPTIONS, **more}, point=POINT, prove=prove, evidence=(evidence,), **SHARED,
    )  # fmt: skip


ENTRIES = (
    theorem(
        "6.2-heavy-ball-step-method", "The heavy ball itself, L-smooth, one step",
        STEP, LETTERS + r"With $\beta=0$ and $\theta\to0$ it is 6.2-pathwise-method; the ratio of the floor to that of DSGD with the step $h$ is $1+\theta$.",
        one_step, symbols.signs("eta >= 0"), Evidence("heavy ball step"),
    ),
    theorem(
        "6.2-heavy-ball-method", "The heavy ball itself, L-smooth, the average over its steps",
        AVERAGE, LETTERS + r"With $h=\frac\eta{1-\beta}$ it is 6.2-scheduled-method for DSGD with the step $h$, but for the factor $1+\theta$ of the floor and the step condition.",
        scheduled,
        {
            "eta > 0": eta.gt(0), "Q": Q.eq(M**2 / 2), "Q_0": Q0.eq(0), "Q_K >= 0": QK.ge(0), "f >= f*": fstar.le(f), "f(z_K) >= f*": fstar.le(fT),
            "eps < 1": num(0).lt(1 - eps), "K > 0": K.gt(0),
        },
        Evidence("heavy ball paths"),
    ),
)  # fmt: skip
