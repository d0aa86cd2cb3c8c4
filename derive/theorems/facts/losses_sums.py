"""Theory 8: (L0, L1) constants of sums: sum_j f_j(x_j) from those of the f_j, and logistic regression over any number of samples."""

from __future__ import annotations

from fractions import Fraction

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import fn, mat, norm, num, opnorm, quad, tr, trprod, under, vec, xs
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem

L0, L1, l0, l1, slope, curv, e = xs("L0 L1 l0 l1 slope curv e")
H, G = mat("H"), norm(vec("g"))
SIZE = fn("abs", slope)
SMOOTH = opnorm(H).le(L0 + L1 * G)
SEPARABLE = Context(
    {
        "d": "const", "L0": "const", "L1": "const", "l0": "detcoord", "l1": "detcoord", "slope": "coord", "curv": "coord", "e": "coord",
    },
    ("g",), {"H": ("symmetric",)}, dimension="d",
)  # fmt: skip


def separable(w: Derivation) -> Fact:
    """|f_j''| <= L0 + L1 |f_j'| and |f_j'| <= ||grad f||, so the largest |f_j''|, which is ||H||, is at most L0 + L1 ||grad f||."""
    k = w.kernel
    within = w.step("one of the summands", k.component("S", w.square(slope)))
    size, long = k.function("abs_square", [slope]), k.nonnegative(G)
    least = w.combine("|f_j'|^2 <= ||grad f||^2", (SIZE**2).le(G**2), [within], [(-1, "coordinates of g"), size])
    positive = k.function("abs_nonneg", [slope])
    rise = k.function("monotone:sqrt", [SIZE**2, G**2], [w.square(SIZE), least])
    steep = w.combine(
        "|f_j'| <= ||grad f||", SIZE.le(G), [rise],
        [(-1, k.function("sqrt_of_square", [SIZE], [positive])), k.function("sqrt_of_square", [G], [long])],
    )  # fmt: skip
    bound = w.combine(
        "one coordinate",
        fn("abs", curv).le(L0 + L1 * G),
        ["each f_j", "l0_j <= L0", ["l1_j <= L1", positive], ["L1 >= 0", steep]],
    )
    weak = w.combine("e_j >= 0", num(0).le(e), [(1, [], e)], ["e_j is 0 or 1"])
    marked = w.combine(
        "where it is largest", (e * opnorm(H)).le(e * (L0 + L1 * G)), [[weak, bound]], ["norm of a diagonal matrix"]
    )
    total = w.step("sum over coordinates", k.monotone("S", marked))
    return w.combine("the constants of the sum", SMOOTH, [total], [(L0 + L1 * G - opnorm(H), "one coordinate")])


n, l2, p, size, K0 = xs("n l2 p size K0")
D, P, U = mat("D"), mat("P"), norm(vec("w"))
CURVED = fn("abs", quad(H, vec("w"))).le(K0 * U**2)
SAMPLES = Context(
    {"n": "const", "l2": "const", "K0": "const", "p": "client", "size": "detclient"}, ("w",),
    {"H": ("symmetric",), "D": ("psd",), "P": ("psd",)}, clients="n",
)  # fmt: skip


def logistic(w: Derivation) -> Fact:
    """w'Dw = Tr(D ww') <= Tr D ||w||^2, and p(1 - p) <= 1/4 in every sample."""
    k = w.kernel
    one = w.combine("each sample", (p * (1 - p) * size).le(size / 4), [(1, "||a||^2 >= 0", p - num("1/2"))])
    total = w.step("sum over samples", k.monotone("C", one))
    _, per = w.inverse(n, "n > 0")
    trace = w.combine("the trace", tr(D).le(under("C", size) / (4 * n)), [[per, total]], ["trace of the data's part"])
    along = w.combine(
        "the data's part along w", quad(D, vec("w")).le(tr(D) * U**2), [k.trace_bound("P", "D")],
        [(-1, "Tr(D ww')"), (tr(D), "norm of ww'")],
    )  # fmt: skip
    most = w.combine(
        "the curvature along w", quad(H, vec("w")).le(K0 * U**2), [along, (1, trace, U)], ["Hessian", (-(U**2), "L_0")]
    )
    least = w.combine(
        "and it is >= 0", num(0).le(quad(H, vec("w"))), [(1, "l2 >= 0", U), k.nonnegative(quad(D, vec("w")))], [(-1, "Hessian")]
    )  # fmt: skip
    same = k.function("abs_of_positive", [quad(H, vec("w"))], [least])
    return w.combine("its size", CURVED, [most], [same])


ENTRIES = (
    Theorem(
        id="8-separable", title="Sums of separable losses", source="theory 8",
        claim=SMOOTH,
        context=SEPARABLE,
        assumptions={
            "each f_j": fn("abs", curv).le(l0 + l1 * SIZE), "l0_j <= L0": l0.le(L0), "l1_j <= L1": l1.le(L1), "L1 >= 0": L1.ge(0),
            "e_j is 0 or 1": (e**2).eq(e), "one coordinate": under("S", e).eq(1),
        },
        definitions={
            "coordinates of g": (G**2).eq(under("S", slope**2)),
            "norm of a diagonal matrix": (e * opnorm(H)).eq(e * fn("abs", curv)),
        },
        recomputed=("separable",), point={L0: 1, L1: 1, l0: 1, l1: 1, slope: 0, curv: 1, e: 1, G: 0, opnorm(H): 1},
        names={
            "L0": "L_0", "L1": "L_1", "l0": "L_{0,j}", "l1": "L_{1,j}", "slope": "f_j'", "curv": "f_j''", "e": "e_j", "g": r"\nabla f",
            "H": r"\nabla^2 f",
        },
        prove=separable,
        evidence=(Evidence("separable loss"),),
    ),
    Theorem(
        id="8-logistic-regression", title="The constants of logistic regression", source="theory 8",
        claim=CURVED,
        context=SAMPLES,
        assumptions={"n > 0": n.gt(0), "l2 >= 0": l2.ge(0), "||a||^2 >= 0": size.ge(0)},
        definitions={
            "Hessian": quad(H, vec("w")).eq(l2 * U**2 + quad(D, vec("w"))),
            "trace of the data's part": tr(D).eq(under("C", p * (1 - p) * size) / n),
            "norm of ww'": opnorm(P).eq(U**2),
            "Tr(D ww')": trprod(P, D).eq(quad(D, vec("w"))),
            "L_0": K0.eq(l2 + under("C", size) / (4 * n)),
        },
        recomputed=("logistic regression",),
        point={
            n: 1, l2: 0, size: 4, p: Fraction(1, 2), K0: 1, U: 1, quad(H, vec("w")): 1, quad(D, vec("w")): 1, tr(D): 1, opnorm(P): 1,
            trprod(P, D): 1,
        },
        names={"l2": "l_2", "p": "p_k", "size": r"\|a_k\|^2", "K0": "L_0", "H": r"\nabla^2 f", "w": "w"},
        prove=logistic,
        evidence=(Evidence("logistic regression"),),
    ),
)  # fmt: skip
