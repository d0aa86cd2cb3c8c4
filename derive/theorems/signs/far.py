"""Theory 6.5: under the PL inequality, DSignSGD without noise reaches the minimum from far away in finite time."""

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.methods.distributed import DSignSGD
from sdescent.derive.methods.schedules import Free
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, dot, fn, norm, num, under, vec, x, xs
from sdescent.derive.theorems.entry.from_method import drift_terms, expression, loss_along
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.signs.facts import ONE_NORM, SignFacts, Y, y

mu, T, root, root0, rootT = xs("mu T root root0 rootT")
G, PHI = norm(vec("g")), dot(vec("g"), vec("bv"))
SLOPE = dot(vec("w"), vec("bv"))
SPEED = fn("sqrt", 2 * mu)
FALL = under("E", rootT).le(root0 - SPEED / 2 * T)


def context() -> Context:
    """A context whose state follows the engine's drift without noise; `root` is sqrt(f - f*), smooth where it is positive."""
    drift = drift_terms(sde(DSignSGD(schedule=Free()), "first-order"), num(1), {"mean": "bv"})
    named = {"gradient": "w", "hessian": "K", "end": "rootT", "start": "root0"}
    return Context(
        {"mu": "const", "T": "const", "d": "const", "root": "random", "root0": "const", "rootT": "rv", "y": "coord"},
        ("g", "bv", "w"),
        {"K": ("symmetric",)},
        horizon="T",
        dimension="d",
        potentials={"root": {**loss_along(drift, []), **named}},
    )


ASSUMPTIONS: dict[str, Relation] = {
    "mu >= 0": mu.ge(0),
    "before the minimum": root.gt(0),
    "PL": (2 * mu * root**2).le(G**2),
}


def chain_rule() -> dict[str, Relation]:
    """grad f . b = 2 sqrt(f - f*) (grad sqrt(f - f*)) . b for every vector b, by SymPy for a function of two variables.

    Raises:
        ValueError: the quotient of the two sides is not a function of sqrt(f - f*).
    """
    state, b, low = sp.symbols("x1 x2", real=True), sp.symbols("b1 b2", real=True), sp.Symbol("fstar", real=True)
    f = sp.Function("f", real=True)(*state)
    inner, speed = sp.sqrt(f - low), sp.Symbol("root", positive=True)
    along, slope = (sp.Add(*[sp.diff(e, s) * c for s, c in zip(state, b, strict=True)]) for e in (f, inner))
    quotient = sp.simplify(along / slope).xreplace({inner: speed})
    return {"chain rule": (expression(quotient, {}) * SLOPE).eq(PHI)}


DEFINITIONS: dict[str, Relation] = {
    "coordinates of g": (G**2).eq(under("S", y**2)),
    "b is the sign of g": PHI.eq(under("S", Y)),
    **chain_rule(),
}


def prove(w: Derivation) -> Fact:
    """E sqrt(f(X_T) - f*) <= sqrt(f(x_0) - f*) - sqrt(2 mu) T/2, from L sqrt(f - f*) <= -sqrt(2 mu)/2 and Ito's formula."""
    s, k = SignFacts(w), w.kernel
    twice = w.combine("2 mu >= 0", (2 * mu).ge(0), [(2, "mu >= 0")])
    square, sign = k.function("sqrt_square", [2 * mu], [twice]), k.function("sqrt_nonneg", [2 * mu])
    least = w.combine("the PL inequality", ((SPEED * root) ** 2).le(G**2), ["PL"], [(root**2, square)])
    product = w.combine("sqrt(2 mu) sqrt(f - f*) >= 0", (SPEED * root).ge(0), [[sign, "before the minimum"]])
    steep = s.root("the gradient is steep", SPEED * root, G, least, product, k.nonnegative(G))
    # 2 root (slope - speed/2) = Phi - speed root = (||g||_1 - G) + (G - speed root)
    slope = w.combine(
        "the slope of the root", (SPEED / 2).le(SLOPE), [s.norm_one, steep],
        [(-1, "chain rule"), (-1, "b is the sign of g")], [(2, "before the minimum")],
    )  # fmt: skip
    weak = w.combine("sqrt(f - f*) >= 0", root.ge(0), ["before the minimum"])
    ito = w.step("Ito's formula", k.ito("root", [weak]))
    fall = w.combine("the fall", (-SLOPE).le(-SPEED / 2), [slope])
    whole = w.step("integrate", k.monotone("EI", fall))
    return w.combine("the end", FALL, [ito, whole])


ENTRIES = (
    Theorem(
        id="6.5-sign", title="DSignSGD far from the optimum, without noise", source="arXiv 2502.17009",
        claim=FALL,
        remark=r"In Filippov's sense, where a coordinate of the gradient is 0. It reaches the minimum in a finite time.",
        context=context(), assumptions=ASSUMPTIONS, definitions=DEFINITIONS, recomputed=("silent signs",),
        read=chain_rule, point={mu: 2, root: 1, G: 2, PHI: 2, SLOPE: 1, y: 2, root0: 2, rootT: 1, T: 1, x("d"): 1},
        names={
            "g": r"\nabla f", "bv": r"\operatorname{sign}(\nabla f)", "w": r"\nabla\sqrt{f-f^{*}}", "root": r"\sqrt{f-f^{*}}",
            "root0": r"\sqrt{f(x_0)-f^{*}}", "rootT": r"\sqrt{f(X_T)-f^{*}}", "y": "g_j",
        },
        short={G: "G", PHI: r"\Phi", ONE_NORM: r"\|\nabla f\|_1"}, prove=prove, evidence=(Evidence("sign descent"),),
    ),
)  # fmt: skip
