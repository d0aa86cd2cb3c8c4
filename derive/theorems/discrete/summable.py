"""D(C)SGD itself with a schedule whose squares are summable: a bound without a step condition, for all horizons at once."""

from __future__ import annotations

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation, fn, num, under, xs
from derive.theorems.discrete import setting as ds
from derive.theorems.discrete.setting import SMOOTH, Af
from derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from derive.theorems.unbiased import setting as ub
from derive.theorems.unbiased.setting import D0, L0, A, G, N, eta, f, f0, fT, u

(U2,) = xs("U2")
GROWTH, FLOOR = eta**2 * L0**2 * A, eta**2 * L0 * D0 / (2 * N)
BOUND = (eta * under("EI", u * G**2)).le(fn("exp", GROWTH * U2) * (f0 + FLOOR * U2))
LEAST: dict[str, Relation] = {"f >= 0": f.ge(0), "f(x_0) >= 0": f0.ge(0), "f(x_K) >= 0": fT.ge(0), "G^2 <= 2 L f": (G**2).le(2 * L0 * f)}


def prove(w: Derivation) -> Fact:
    """E f(x_(n+1)) <= (1 + GROWTH u^2) E f(x_n) + FLOOR u^2 - eta u E G^2, and the rule for such potentials."""
    k, known, lemma = w.kernel, ds.noise(w, u), ds.descent(w, SMOOTH)
    ratio, noise = ub.ratio_is_nonnegative(w, known.per), ub.floor_is_nonnegative(w, known.per)
    one = w.combine("A >= 0", A.ge(0), [(1, (), ()), (1, [known.per, ratio], ())])
    growth, floor, drop = GROWTH * u**2, FLOOR * u**2, eta * u * G**2
    moved = w.combine(
        "one step", Af.le(growth * f + floor - drop),
        [(1, [lemma], ()), ("1/2", ["L0 >= 0", known.square], ()), ("1/2", ["L0 >= 0", one, "G^2 <= 2 L f"], (eta, u))],
    )  # fmt: skip
    signs = [
        w.combine("the growth is not negative", growth.ge(0), [(1, [one], (eta, u, L0))]),
        w.combine("the floor is not negative", floor.ge(0), [("1/2", ["L0 >= 0", noise, known.per], (eta, u))]),
        w.combine("the drop is not negative", drop.ge(0), [(1, ["eta >= 0", "u >= 0"], (G,))]),
    ]
    whole = w.step("summable growth", k.summable([(num(1), "f")], growth, floor, drop, [w["f >= 0"], moved, *signs]))
    phi2 = under("I", u**2)
    most = w.combine("the growth in total", (GROWTH * phi2).le(GROWTH * U2), [(1, [one, "sum u^2 <= U_2"], (eta, L0))])
    larger = k.function("monotone:exp", [GROWTH * phi2, GROWTH * U2], [most])
    positive, last = k.function("exp_positive", [GROWTH * U2]), k.monotone("E", w["f(x_K) >= 0"])
    start = w.combine("start and floor", num(0).le(f0 + FLOOR * phi2), [(1, ["f(x_0) >= 0"], ()), (1, [k.monotone("I", signs[1])], ())])
    return w.combine(
        "for all horizons", BOUND,
        [
            (1, [whole], ()), (1, [last], ()), (1, [larger, start], ()),
            ("1/2", [positive, "L0 >= 0", noise, known.per, "sum u^2 <= U_2"], (eta,)),
        ],
    )  # fmt: skip


SUMMABLE = Theorem(
    id="6.2-summable-method",
    title="D(C)SGD itself, L-smooth, summable squares of the schedule",
    source="Robbins and Siegmund 1971; with the noise of theory 6.2",
    claim=BOUND,
    remark=(
        r"The right side does not depend on $K$. With $\sum u_n^2=U_2<\infty$: almost surely $\sum u_nG_n^2<\infty$, and $f(x_n)$ converges "
        r"(Robbins and Siegmund); where moreover $\sum u_n=\infty$, $\liminf G_n=0$."
    ),
    context=ds.context(u, SMOOTH, U2="const"),
    assumptions={
        **ds.ASSUMPTIONS, **ds.signs("eta >= 0", "d >= 0", "s0_k >= 0", "s1_k >= 0"), "u >= 0": u.ge(0), **LEAST,
        "sum u^2 <= U_2": under("I", u**2).le(U2),
    },
    definitions=ub.DEFINITIONS,
    recomputed=("unbiased",),
    point=ds.point(U2=1),
    names={**ds.NAMES, "U2": "U_2"},
    short={G: "G"},
    prove=prove,
    evidence=(Evidence("method moments", {"power": None}),),
)  # fmt: skip
ENTRIES = (SUMMABLE,)
