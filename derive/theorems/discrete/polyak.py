"""D(C)SGD itself on L-smooth losses that satisfy the Polyak-Lojasiewicz inequality or are convex: counterparts of theory 6.5.

Under the PL inequality the floor eta L D_0/(4 mu r N) is that of the corrected SDE at u = 1. The decay (1 - 2 mu eta r)^K is at
most the SDE's decay exp(-2 mu r eta K).
"""

from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, norm, num, under, vec, xs
from sdescent.derive.theorems.discrete import averaged as av
from sdescent.derive.theorems.discrete import descent as ds
from sdescent.derive.theorems.discrete.descent import SMOOTH
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.symbols import D0, L0, Af, G, K, N, eps, eta, f, f0, fstar, fT, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.noise_bound import A
from sdescent.derive.theorems.unbiased.polyak import FLOOR, RULES, mu, rate

V, AV, V0, VK = xs("V AV V0 VK")
e, g = vec("e"), vec("g")
ONE = num(1)
CURVED: dict[str, Relation] = {"mu > 0": mu.gt(0), "mu < L A": mu.lt(L0 * A)}
DISTANCE: dict[str, Relation] = {"V": V.eq(norm(e) ** 2 / 2), "V_K >= 0": VK.ge(0)}
#: two facts about an L-smooth f with infimum f*
STEEP: dict[str, Relation] = {"f >= f*": fstar.le(f), "G^2 <= 2 L (f - f*)": (G**2).le(2 * L0 * (f - fstar))}
CLIENTS = {**symbols.signs("N > 0", "d >= 0", "omega_k >= 0", "s1_k >= 0"), **ub.CLIENTS}
NAMES = {**ds.NAMES, "V0": "V_0", "VK": "V_K", "AV": r"\mathbb{E}_nV_{n+1}-V_n", "e": r"(x_n-x^{*})"}


def power(k: Term) -> Term:
    """(1 - k)^K."""
    return fn("exp", K * fn("log", 1 - k))


NOISE = eta**2 * D0 * under("I", u**2) / (2 * N)
RATE = 2 * mu * eta * rate("corrected")
DECAY = (under("E", fT) - fstar).le(
    (f0 - fstar) * power(RATE) + FLOOR / (2 * mu * rate("corrected")) * (1 - power(RATE))
)
CLOSER = under("E", VK).le(V0 * power(eta * mu) + eta * D0 / (2 * mu * N) * (1 - power(eta * mu)))


def polyak(w: Derivation) -> Fact:
    """E f(x_K) - f* <= (f(x_0) - f*) (1 - k)^K + FLOOR (1 - (1 - k)^K)/(2 mu r), k = 2 mu eta r, from the bound on one step."""
    kernel, (_, size), lemma = w.kernel, ds.noise(w, ONE), ds.descent(w, SMOOTH)
    r, k, floor = rate("corrected"), RATE, eta * FLOOR
    falling = w.combine(
        "the descent lemma with the PL inequality", Af.le(-k * f + (k * fstar + floor)),
        [lemma, ("1/2", ["L0 >= 0", size]), ["eta > 0", "r > 0", "PL"]],
    )  # fmt: skip
    positive = w.combine("k = 2 mu eta r > 0", num(0).lt(k), [(2, ["mu > 0", "eta > 0", "r > 0"])])
    large = w.combine("L A > 0", num(0).lt(L0 * A), ["mu < L A", "mu > 0"])
    # L A (1 - k) = L A - mu + mu (1 - eta L A)^2
    small = w.combine("k < 1", k.lt(1), ["mu < L A", (1, "mu > 0", 1 - eta * L0 * A)], (), [large])
    grown = w.step("decay", kernel.decay([(ONE, "f")], k, k * fstar + floor, [w["f >= f*"], falling, positive, small]))
    twice = w.combine("2 mu r > 0", num(0).lt(2 * mu * r), [(2, ["mu > 0", "r > 0"])])
    unit, inverse, left = kernel.inverse(k, positive), kernel.inverse(2 * mu * r, twice), 1 - power(k)
    # eta/k = 1/(2 mu r)
    return w.combine(
        "around the least value", DECAY, [grown],
        [(fstar * left + FLOOR * left / (2 * mu * r), unit), (-floor * left / k, inverse)],
    )  # fmt: skip


def distance(w: Derivation, h: Term) -> tuple[Fact, Fact, Fact]:
    """The descent lemma for V, the bound on the mean square of a step, and 0 <= A."""
    per, size = ds.noise(w, h)
    ratio = w.combine("A >= 0", A.ge(0), [1, [per, ub.ratio_is_nonnegative(w, per)]])
    return w.step("the distance after a step", w.kernel.descent("V", num(0))), size, ratio


def convex(w: Derivation) -> Fact:
    """E sum u (f - f*)/sum u <= (V_0 + NOISE)/(eta (1 - eps) sum u), from the change of V = ||x - x*||^2/2."""
    lemma, size, ratio = distance(w, u)
    bound = w.combine(
        "one step", AV.le(-(1 - eps) * eta * u * (f - fstar) + eta**2 * u**2 * D0 / (2 * N)),
        [
            lemma, ("1/2", size), ["eta > 0", "u >= 0", "convex"],
            ("1/2", [ratio, "G^2 <= 2 L (f - f*)"], (eta, u)), ["eta > 0", "u >= 0", "f >= f*", "step"],
        ],
    )  # fmt: skip
    weak = w.combine("V >= 0", V.ge(0), [("1/2", [], norm(e))], [(-1, "V")])
    return av.averaged(w, bound, f - fstar, NOISE, "V", V0, (weak, "V_K >= 0"))


def strongly_convex(w: Derivation) -> Fact:
    """E||x_K - x*||^2 <= ||x_0 - x*||^2 (1 - eta mu)^K + eta D_0/(mu N) (1 - (1 - eta mu)^K), in terms of V."""
    kernel, k, floor = w.kernel, eta * mu, eta**2 * D0 / (2 * N)
    lemma, size, ratio = distance(w, ONE)
    falling = w.combine(
        "one step", AV.le(-k * V + floor),
        [
            lemma, ("1/2", size), ["eta > 0", "strongly convex"],
            ("1/2", [ratio, "G^2 <= 2 L (f - f*)"], eta), ["eta > 0", "f >= f*", "step"],
        ], [(k, "V")],
    )  # fmt: skip
    positive = w.combine("eta mu > 0", num(0).lt(k), [["eta > 0", "mu > 0"]])
    small = w.combine("eta mu < 1", k.lt(1), [["eta > 0", "mu < L A"], "step"])
    weak = w.combine("V >= 0", V.ge(0), [("1/2", [], norm(e))], [(-1, "V")])
    grown = w.step("decay", kernel.decay([(ONE, "V")], k, floor, [weak, falling, positive, small]))
    unit = kernel.inverse(eta, w["eta > 0"])
    return w.combine("the floor", CLOSER, [grown], [(eta * D0 / (2 * mu * N) * (1 - power(k)), unit)])


def of_distance(h: Term, **constants: int) -> dict[str, Any]:
    """The fields that the theorems about the distance from a minimiser share, with numbers for further constants."""
    still = ds.point(V=0, AV=0, V0=0, VK=0, **constants) | {norm(e): 0, dot(e, g): 0}
    return ds.common(ds.distances(h, **dict.fromkeys(constants, "const")), point=still, names=NAMES)


ENTRIES = (
    Theorem(
        id="6.5-corrected-method", title="D(C)SGD itself, L-smooth with the PL inequality",
        source="Karimi, Nutini and Schmidt 2016, Theorem 4, with compression; the descent lemma in place of Ito's formula", claim=DECAY,
        remark=(
            r"With $T=\eta K$ it is 6.5-corrected with $(1-2\mu\eta r)^{T/\eta}\le e^{-2\mu rT}$: the floors are the same, the ratio of the "
            r"constants is 1, and the method is the faster one."
        ),
        assumptions={**ds.ASSUMPTIONS, "eta > 0": eta.gt(0), **CURVED, "PL": RULES["PL"], **ub.BELOW, "r > 0": num(0).lt(rate("corrected"))},
        prove=polyak, evidence=(Evidence("method moments", {"power": 0}),),
        **ds.common(ds.context(ONE, SMOOTH, mu="const"), point=ds.point(mu=1), names=NAMES, short={G: "G", rate("corrected"): "r"}),
    ),
    Theorem(
        id="6.5-convex-method", title="D(C)SGD itself, convex and L-smooth",
        source="after Bach and Moulines 2011, with compression", claim=av.mean_bound(f - fstar, NOISE, V0),
        remark=r"By Jensen's inequality the same holds for $f$ at the average $\sum u_nx_n/\sum u_n$.",
        assumptions={
            **CLIENTS, **DISTANCE, **STEEP, "convex": (f - fstar).le(dot(e, g)), "u >= 0": u.ge(0),
            "step": (eta * u * L0 * A).le(eps),
            **{name: av.ENDS[name] for name in ("eta > 0", "eps < 1", "sum u > 0")},
        },
        prove=convex, evidence=(Evidence("method moments", {"power": None}),), **of_distance(u),
    ),
    Theorem(
        id="6.5-strongly-convex-method", title="D(C)SGD itself, strongly convex and L-smooth",
        source="after Bach and Moulines 2011, with compression", claim=CLOSER,
        remark=r"The floor falls as $1/N$ as long as $A_1$ and $D_0$ do not grow with $N$.",
        assumptions={
            **CLIENTS, "V": DISTANCE["V"], **STEEP, "eta > 0": eta.gt(0), **CURVED,
            "strongly convex": (f - fstar + mu / 2 * norm(e) ** 2).le(dot(e, g)), "step": (eta * L0 * A).le(1),
        },
        prove=strongly_convex, evidence=(Evidence("method moments", {"power": 0}),), **of_distance(ONE, mu=1),
    ),
)  # fmt: skip
