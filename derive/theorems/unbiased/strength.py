"""Theory 6.3 (ours): the strength K_kap(G) of the normalisation grows with compression, noise and dimension, and falls with N.

`noise_bound` defines K_kap(G) (`condition`), A_1 and D_0. A star marks the larger quantities.
"""

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, x, xs
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import put
from sdescent.derive.theorems.entry.symbols import A1, D0, L0, L1, G, N, d, kap, omega, s0, s1
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.scaling import equal_clients

#: name -> name of the larger quantity
STARRED = {"omega": "omegas", "s0": "s0s", "s1": "s1s", "d": "ds", "A1": "A1s", "D0": "D0s", "N": "Ns"}
os, s0s, s1s, ds, A1s, D0s, Ns = xs("omegas s0s s1s ds A1s D0s Ns")
NAMES = {
    **{name: symbols.NAMES[name] for name in ("L0", "L1", "kap", "A1", "D0", "g", "omega", "s0", "s1")},
    "omegas": r"\omega_k^{*}", "s0s": r"\sigma_{0,k}^{*2}", "s1s": r"\sigma_{1,k}^{*2}", "ds": "d^{*}", "A1s": "A_1^{*}",
    "D0s": "D_0^{*}", "Ns": "N^{*}",
}  # fmt: skip
SIGNS = symbols.signs("N > 0", "d >= 0", "L0 >= 0", "L1 >= 0", "omega_k >= 0", "s0_k >= 0", "s1_k >= 0")
KAPPA: dict[str, Relation] = {"kap >= 0": kap.ge(0)}
LARGER: dict[str, Relation] = {
    "more compression": omega.le(os),
    "more noise": s0.le(s0s),
    "more noise that grows": s1.le(s1s),
    "more coordinates": d.le(ds),
}
STRENGTH = ub.condition("corrected", kap)


def starred(t: Term, *kept: str) -> Term:
    """A term with the larger quantities in place of the smaller ones, except for those in `kept`."""
    return put(t, {x(a): x(b) for a, b in STARRED.items() if a not in kept})


GROWS, FALLS = STRENGTH.le(starred(STRENGTH, "N")), put(STRENGTH, {N: Ns}).le(STRENGTH)


def moments(kept: tuple[str, ...] = (), one: bool = False) -> dict[str, Relation]:
    """The definitions of A_1, D_0 and their larger versions or, if `one`, of A_1 and D_0 for equal clients."""
    definitions: dict[str, Relation] = {}
    for name in ("A_1", "D_0"):
        relation = ub.DEFINITIONS[name]
        right = equal_clients(relation.right) if one else relation.right
        definitions[name] = relation.left.eq(right)
        if not one:
            definitions[f"{name}*"] = starred(relation.left, *kept).eq(starred(right, *kept))
    return definitions


def _share(w: Derivation, scale: tuple[str, str, Term, Term], ratio: bool) -> Fact:
    """d s (1 + omega) <= d* s* (1 + omega*) for each client, plus omega <= omega* if `ratio`."""
    sign, more, smaller, larger = scale
    top = w.combine("1 + omega* >= 0", (1 + os).ge(0), ["omega_k >= 0", "more compression", 1])
    size = w.combine("what is larger is not negative", larger.ge(0), [sign, more])
    low, high = d * (smaller + smaller * omega), ds * (larger + larger * os)
    return w.combine(
        "of each client", (omega + low).le(os + high) if ratio else low.le(high),
        [
            ["more coordinates", size, top], ["d >= 0", more, top], ["d >= 0", sign, "more compression"],
            *(["more compression"] if ratio else []),
        ],
    )  # fmt: skip


def grows(w: Derivation) -> Fact:
    """K <= K*."""
    _, per = w.inverse(N, "N > 0")
    bounds = []
    for name, symbol, scale in (
        ("A_1", A1, ("s1_k >= 0", "more noise that grows", s1, s1s)),
        ("D_0", D0, ("s0_k >= 0", "more noise", s0, s0s)),
    ):
        total = w.step("sum over clients", w.kernel.monotone("C", _share(w, scale, name == "A_1")))
        # d and d* are numbers, so they factor out of the means
        claim = symbol.le(starred(symbol, "N"))
        bounds.append(w.combine(f"{name} grows", claim, [[per, total]], [name, (-1, f"{name}*")]))
    ratio, floor = bounds
    return w.combine(
        "the strength grows", GROWS,
        [
            [per, "L0 >= 0", ratio], [per, "L1 >= 0", w.kernel.nonnegative(G), ratio],
            [per, "kap >= 0", "L1 >= 0", floor],
        ],
    )  # fmt: skip


def falls(w: Derivation) -> Fact:
    """K with N* >= N clients is at most K with N clients."""
    unit, per = w.inverse(N, "N > 0")
    positive = w.combine("N* > 0", Ns.gt(0), ["N > 0", "more clients"])
    unit_, per_ = w.inverse(Ns, positive)
    less = w.combine(
        "a smaller share", (1 / Ns).le(1 / N), [["more clients", per, per_]], [(1 / N, unit_), (-1 / Ns, unit)]
    )
    signs = {s0: "s0_k >= 0", s1: "s1_k >= 0"}
    ratio = w.combine("A_1 >= 0", A1.ge(0), [
        "omega_k >= 0", ["d >= 0", signs[s1]], ["d >= 0", signs[s1], "omega_k >= 0"],
    ], [(-1, "A_1")])  # fmt: skip
    floor = w.combine(
        "D_0 >= 0", D0.ge(0), [["d >= 0", signs[s0]], ["d >= 0", signs[s0], "omega_k >= 0"]], [(-1, "D_0")]
    )
    return w.combine(
        "the strength falls", FALLS,
        [
            [less, "L0 >= 0", ratio], [less, "L1 >= 0", w.kernel.nonnegative(G), ratio],
            [less, "kap >= 0", "L1 >= 0", floor],
        ],
    )  # fmt: skip


def _context(one: bool) -> Context:
    """The context; if `one`, clients are equal and each of their constants is a number."""
    numbers = ["N", "d", "L0", "L1", "kap", "A1", "D0"]
    clients = ["omega", "s0", "s1"]
    if one:
        return Context(dict.fromkeys([*numbers, *clients, "Ns"], "const"), ("g",))
    stars = [STARRED[n] for n in clients]
    kinds = dict.fromkeys([*numbers, "ds", "A1s", "D0s"], "const") | dict.fromkeys([*clients, *stars], "detclient")
    return Context(kinds, ("g",), clients="N")


AT: dict[Term, int] = {N: 1, d: 1, L0: 1, L1: 1, kap: 1, omega: 1, s0: 1, s1: 0, A1: 1, D0: 2, G: 1}
ENTRIES = (
    Theorem(
        id="6.3-strength-grows", title="The normalisation grows with compression, noise and dimension", source="theory 6.3 (ours)",
        claim=GROWS, context=_context(False), assumptions={**SIGNS, **KAPPA, **LARGER}, definitions=moments(("N",)),
        point={**AT, ds: 1, os: 1, s0s: 1, s1s: 0, A1s: 1, D0s: 2}, names=NAMES, short={G: "G"}, prove=grows, read=lambda: moments(("N",)),
        evidence=(Evidence("strength", {"more": "of everything"}),),
    ),
    Theorem(
        id="6.3-strength-falls", title="The normalisation falls with the number of clients", source="theory 6.3 (ours)",
        claim=FALLS, context=_context(True), assumptions={**SIGNS, **KAPPA, "more clients": N.le(Ns)}, definitions=moments(one=True),
        point={**AT, Ns: 1}, names=NAMES | {n: NAMES[n].replace(",k", "").replace("_k", "") for n in ("omega", "s0", "s1")},
        short={G: "G"}, prove=falls, read=lambda: moments(one=True),
        evidence=(Evidence("strength", {"more": "clients"}),),
    ),
)  # fmt: skip
