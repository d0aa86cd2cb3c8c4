"""The heavy ball's first-order SDE on L-smooth losses (ballistic regime: beta = 1 - mu sqrt(eta), a step takes time sqrt(eta)).

The SDE is dx = V dt, dV = -(mu V + g) dt + noise, and z = x + V/mu has the drift -g/mu. With m = -V, the Lyapunov function
f(z) + theta L/(2 mu^2) ||V||^2 is that of `discrete.heavy_ball`. Its change follows from the engine's drift and covariance.
"""

from fractions import Fraction

import sympy as sp

from sdescent.derive.derivation import RuleSDE, sde
from sdescent.derive.expressions.coordinates import g as slope
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.methods.optimisers.momentum import HeavyBall
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, norm, num, tr, trprod, under, vec, x, xs
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.symbols import A1, CURVATURE, D0, L0, G, H, N, S, T, eps, eta, f, f0, fstar, fT, g
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.vocabulary.symbols import parameter

mu, theta, Af, Q, AQ, Q0, QK = xs("mu theta Af Q AQ Q0 QK")
m, ahead, gap = vec("m"), vec("gz"), vec("dg")
M, R, ROOT = norm(m), norm(gap), fn("sqrt", eta)
j, WEIGHT = 1 / mu, theta * L0 / mu**2
FLOOR = (1 + theta) * ROOT * L0 * D0 / (2 * N * mu**2)
ENERGY, NOISE = under("EI", G**2), (1 + theta) * ROOT * L0 * D0 * j / (2 * N)
DRIFT = (Af + WEIGHT * AQ).le(-(1 - eps) * G**2 * j + FLOOR)
AVERAGE = (ENERGY / T).le(((f0 - fstar) * mu / T + NOISE) / (1 - eps))
#: the scale of the Gaussian noise: the SDE's covariance is a multiple of S = sigma^2, the covariance of one message
SCALE = "sigma"


def equation() -> RuleSDE:
    """The heavy ball's SDE as the engine derives it."""
    equation_of_motion = sde(HeavyBall(regime="ballistic", noise=Gaussian()), "first-order")
    assert isinstance(equation_of_motion, RuleSDE)
    return equation_of_motion


def read() -> dict[str, Relation]:
    """The generator applied to f(z) and to ||m||^2/2, from the drift and covariance of (x, v).

    Raises:
        ValueError: the drift of z depends on v, a drift is not linear, or x has noise of its own.
    """
    equation_of_motion = equation()
    rule, drifts = equation_of_motion.rule, equation_of_motion.drifts
    assert rule is not None
    (velocity,) = drifts["x"].free_symbols
    rate = rule.covariance["v", "v"] / parameter(SCALE) ** 2
    moves = drifts["x"] + drifts["v"] / parameter("mu"), drifts["v"]
    parts = [(e, sp.cancel(sp.diff(e, slope)), sp.cancel(sp.diff(e, velocity))) for e in map(sp.expand, moves)]
    linear = all(sp.cancel(e - a * slope - b * velocity) == 0 for e, a, b in parts)
    if not linear or parts[0][2] != 0 or rule.covariance["x", "x"] != 0:
        raise ValueError("the drift of z is not a multiple of the gradient, or x has noise of its own")
    (_, along, _), (_, pull, friction) = parts
    noise = expression(sp.cancel(rate), {})
    return {
        "L f(z)": Af.eq(expression(along, {}) * dot(ahead, g) + num("1/2") * noise / mu**2 * trprod(H, S)),
        "L Q": AQ.eq(expression(-pull, {}) * dot(m, g) + expression(friction, {}) * M**2 + num("1/2") * noise * tr(S)),
    }


def context() -> Context:
    """A context with f(z) and Q = ||m||^2/2 as potentials with a generator."""
    potentials = {"f": {"change": "Af", "end": "fT", "start": "f0"}, "Q": {"change": "AQ", "end": "QK", "start": "Q0"}}
    return symbols.context(f"{ub.SYMBOLS} T mu theta Q0 Af AQ Q QK", potentials, ("g", "m", "gz", "dg"))


ASSUMPTIONS: dict[str, Relation] = {
    **symbols.signs("N > 0", "L0 >= 0", "omega_k >= 0"), **ub.CLIENTS,
    "mu > 0": mu.gt(0), "theta > 0": theta.gt(0), "smooth": CURVATURE.le(L0),
    "dg": dot(ahead, g).eq(G**2 - dot(gap, g)), "L-Lipschitz": R.le(L0 * j * M),
    "step": (L0 * ((1 + theta) ** 2 / (2 * theta * mu**2) + (1 + theta) * ROOT * A1 / (mu * N))).le(2 * eps),
}  # fmt: skip


def pathwise(w: Derivation) -> Fact:
    """L(f(z) + WEIGHT Q) <= -(1 - eps) G^2/mu + FLOOR."""
    k = w.kernel
    per, trace = ub.noise_bound(w)
    (unit, share), (inverse, _) = w.inverse(mu, "mu > 0"), w.inverse(theta, "theta > 0")
    root, positive = k.function("sqrt_nonneg", [eta]), k.nonnegative(tr(S))
    ahead_of, along = k.cauchy_schwarz("dg", "g"), k.cauchy_schwarz("m", "g")
    tilt = (1 + theta) * j / theta * G
    return w.combine(
        "the drift of the Lyapunov function", DRIFT,
        [
            [ahead_of, share], ["L-Lipschitz", share, k.nonnegative(G)], (1, [along, "theta > 0", "L0 >= 0"], j),
            ("1/2", [root, per, k.trace_bound("H", "S")], j), ("1/2", [root, per, "smooth", positive], j),
            ("1/2", [root, per, "L0 >= 0", trace], j), ("1/2", [root, per, "theta > 0", "L0 >= 0", trace], j),
            (1, ["L0 >= 0", share, "theta > 0"], M - tilt / 2), ("1/2", ["step", share], G),
        ],
        [
            "L f(z)", (WEIGHT, "L Q"), (-j, "dg"), (-theta * L0 * j * M**2, unit),
            (-L0 * (1 + theta) * j**2 * M * G + L0 * j**2 * (1 + theta) * tilt * G / 4, inverse),
        ],
    )  # fmt: skip


def summed(
    w: Derivation,
    claim: Relation,
    bound: Fact,
    weights: tuple[Term, Term],
    words: tuple[str, str],
    ends: tuple[str, str],
) -> Fact:
    """The bound on the change of f + weight Q, summed over time from Q_0 = 0.

    Args:
        bound: the fact that bounds the change.
        weights: j and theta L j^2; the latter is the weight of Q.
        words: labels for the sum of the changes and the sum of the bound.
        ends: the names of the assumptions on f and Q at the end.
    """
    k, (root, weight) = w.kernel, weights
    size = w.combine(
        "WEIGHT Q >= 0", (weight * Q).ge(0), [("1/2", ["theta > 0", "L0 >= 0"], (root, M))], [(-weight, "Q")]
    )
    least = w.combine("f* <= f + WEIGHT Q", fstar.le(f + weight * Q), ["f >= f*", size])
    moved = w.step(words[0], k.telescope([(num(1), "f"), (weight, "Q")], [least]))
    whole = w.step(words[1], k.monotone("EI", bound))
    last, memory = (w.step("the end", k.monotone("E", w[name])) for name in ends)
    members = [moved, whole, last, (1, [memory, "theta > 0", "L0 >= 0"], root)]
    return w.combine("together", claim, members, [(weight, "Q_0")])


def scheduled(w: Derivation) -> Fact:
    """E int G^2/T <= ((f(x_0) - f*) mu/T + NOISE)/(1 - eps), the average of G^2 over time."""
    claim, words = ((1 - eps) * ENERGY * j).le(f0 - fstar + T * FLOOR), ("Dynkin's formula", "integrate")
    total = summed(w, claim, pathwise(w), (j, WEIGHT), words, ("f(z_T) >= f*", "Q_T >= 0"))
    (share, one), (count, three) = w.inverse(1 - eps, "eps < 1"), w.inverse(T, "T > 0")
    unit, a, b = w.kernel.inverse(mu, w["mu > 0"]), 1 / (1 - eps), 1 / T
    return w.combine(
        "divide", AVERAGE, [[one, "mu > 0", three, total]],
        [(-ENERGY * b, share), (-ENERGY * b * (1 - eps) * a + a * NOISE, unit), (a * NOISE * mu * j, count)],
    )  # fmt: skip


NAMES = {
    **symbols.NAMES, "theta": r"\theta", "f": "f(Z)", "f0": "f(x_0)", "fT": "f(Z_T)", "Af": r"\mathcal{L}f(Z)", "AQ": r"\mathcal{L}Q",
    "Q0": "Q_0", "QK": "Q_T", "gz": r"\nabla f(Z)", "dg": r"(\nabla f(X)-\nabla f(Z))", "H": r"\nabla^2 f(Z)",
}  # fmt: skip
#: a point at rest and without noise, at which both generators are 0
POINT = {t: v for t, v in ub.point(theta=1, mu=2, Af=0, Q=0, AQ=0, Q0=0, QK=0).items() if t != x("kap")} | {
    CURVATURE: 0, trprod(H, S): 0, tr(S): 0, G: 0, M: 0, R: 0, dot(ahead, g): 0, dot(gap, g): 0, dot(m, g): 0,
    **dict.fromkeys(xs("q v m2 s0 D0"), 0), eps: Fraction(1, 2),
}  # fmt: skip
LETTERS = r"$Z=X+\frac1\mu V$ and $Q=\frac12\|m\|^2$ with $m=-V$, $\mathrm{d}X=V\,\mathrm{d}t$. "
SHARED = {
    "source": "Polyak 1964; the Lyapunov function with theta is ours", "context": context(), "definitions": ub.DEFINITIONS, "recomputed": ("unbiased",),
    "read": read, "names": NAMES, "short": {G: "G"},
}  # fmt: skip
ENTRIES = (
    Theorem(
        id="6.2-heavy-ball-pathwise", title="The heavy ball, first-order model, pathwise", claim=DRIFT,
        remark=LETTERS + (
            r"With $1-\beta=\mu\sqrt\eta$ it is 6.2-heavy-ball-step-method per time $\sqrt\eta$, for $1+\frac{A_1}{N}$ in place of $\frac{A_1}{N}$ and "
            r"$\frac{2\beta^2}{1+\beta}\le1$ in place of 1: the constants of the drift and of the floor are the same, their ratio is 1."
        ),
        assumptions={**ASSUMPTIONS, **read()}, point=POINT, prove=pathwise,
        evidence=(Evidence("heavy ball drift", {"model": "first-order"}),), **SHARED,
    ),
    Theorem(
        id="6.2-heavy-ball-average", title="The heavy ball, first-order model, the average over time", claim=AVERAGE,
        remark=LETTERS + r"With $h=\sqrt\eta/\mu$ and $T=\sqrt\eta K$ it is 6.2-heavy-ball-method.",
        assumptions={
            **ASSUMPTIONS, **read(), "Q": Q.eq(M**2 / 2), "Q_0": Q0.eq(0), "Q_T >= 0": QK.ge(0), "f >= f*": fstar.le(f), "f(z_T) >= f*": fstar.le(fT),
            "eps < 1": num(0).lt(1 - eps), "T > 0": T.gt(0),
        },
        point=POINT, prove=scheduled, evidence=(Evidence("heavy ball moments", {"model": "first-order"}),), **SHARED,
    ),
)  # fmt: skip
