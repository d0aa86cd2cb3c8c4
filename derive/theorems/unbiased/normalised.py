"""Theory 6.3 (ours): normalised D(C)SGD with h = u/K_kap(G), and how the strength K_kap(G) grows."""

from collections.abc import Callable

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, num, x, xs
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import put
from sdescent.derive.theorems.entry.symbols import A1, D0, L0, L1, G, N, d, eps, eta, kap, omega, s0, s1, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.noise_bound import A
from sdescent.derive.theorems.unbiased.scaling import equal_clients

SHARE = kap * L1 * D0 / N
K = ub.condition("corrected", kap)
K0 = L0 * A + SHARE
h = u * (1 / K)
RULES: dict[str, Relation] = {
    "kap >= 0": kap.ge(0), "u >= 0": u.ge(0), "eta u <= 2 eps": (eta * u).le(2 * eps), "K_0 > 0": K0.gt(0),
}  # fmt: skip
LOW: dict[str, Relation] = {"c' <= A L0": SHARE.le(A * L0)}
HIGH: dict[str, Relation] = {"c' > 0": SHARE.gt(0)}
# (1/K_0)^2 and not 1/K_0^2, which would be the inverse of an expanded square, another atom
C_LOW, C_HIGH = L0 * (1 / K0) ** 2, 1 / (4 * (A * SHARE))


class Scale:
    """The facts K (1/K) = 1, 0 < 1/K and A > 0."""

    def __init__(self, w: Derivation, bounds: ub.Bounds) -> None:
        ratio = ub.ratio_is_nonnegative(w, bounds.per)
        self.A = w.combine("A > 0", A.gt(0), [1, [bounds.per, ratio]])
        rising = w.combine("K > 0", K.gt(0), ["K_0 > 0", ["L1 >= 0", bounds.G, self.A]])
        self.unit, self.positive = w.inverse(K, rising)


def floor_low(w: Derivation, bounds: ub.Bounds, scale: Scale) -> Fact:
    """(L0 + L1 G)/K^2 <= L0/K_0^2 if c' <= A L0.

    With y = L1 G, L0 K^2 - (L0 + y) K_0^2 = y K_0 (A L0 - c') + L0 A^2 y^2 >= 0; division by K^2 K_0^2 gives the claim.
    """
    y = L1 * G
    rise = w.combine("y = L1 G >= 0", y.ge(0), [["L1 >= 0", bounds.G]])
    cleared = w.combine(
        "the denominators cleared", ((L0 + y) * K0**2).le(L0 * K**2),
        [[rise, "K_0 > 0", "c' <= A L0"], (1, "L0 >= 0", A * y)],
    )  # fmt: skip
    base, _ = w.inverse(K0, "K_0 > 0")
    inverse, inverse0 = 1 / K, 1 / K0
    # (r - l) = (1/K)^2 (1/K0)^2 cleared, up to K (1/K) = 1 and K0 (1/K0) = 1
    return w.combine(
        "the constant of the floor",
        ((L0 + y) * inverse**2).le(C_LOW),
        [(1, cleared, inverse * inverse0)],
        [(L0 * inverse0**2 * (1 + K * inverse), scale.unit), (-(L0 + y) * inverse**2 * (1 + K0 * inverse0), base)],
    )


def floor_high(w: Derivation, bounds: ub.Bounds, scale: Scale) -> Fact:
    """(L0 + L1 G)/K^2 <= 1/(4 A c'), from K^2 - 4 A c'(L0 + L1 G) = (A (L0 + L1 G) - c')^2."""
    y = L0 + L1 * G
    product = w.combine("A c' > 0", (A * SHARE).gt(0), [[scale.A, "c' > 0"]])
    unit, positive = w.inverse(A * SHARE, product)
    inverse, quarter = 1 / K, 1 / (4 * (A * SHARE))
    return w.combine(
        "the constant of the floor", (y * inverse**2).le(quarter),
        [("1/4", positive, (A * y - SHARE) * inverse)],
        [(quarter * (1 + K * inverse), scale.unit), (-y * inverse**2, unit)],
    )  # fmt: skip


def derivation(floor: Callable[..., Fact], c: Term) -> Callable[[Derivation], tuple[Fact, Fact]]:
    """A proof of 0 < 1/N and of the bound on the drift of f, for either constant c of the floor."""

    def prove(w: Derivation) -> tuple[Fact, Fact]:
        bounds, half = ub.bounds(w), "1/2"
        scale = Scale(w, bounds)
        top = floor(w, bounds, scale)
        small = w.combine(
            "the step", (eta * u * G**2 / K).le(2 * eps * G**2 / K), [(1, [scale.positive, "eta u <= 2 eps"], G)]
        )
        return bounds.per, w.combine(
            "the bound on the drift of f", drift_bound(c),
            [
                (half, ["eta >= 0", bounds.per, bounds.spread], h), (half, ["eta >= 0", bounds.curvature], h),
                (half, ["u >= 0", small]), (half, ["eta >= 0", "kap >= 0", "L1 >= 0", bounds.D0, bounds.per], (h, G)),
                (half, ["eta >= 0", bounds.D0, bounds.per, top], u),
            ],
            [(num(half) * (eta * u**2 * G**2 / K), scale.unit)],
        )  # fmt: skip

    return prove


def drift_bound(c: Term) -> Relation:
    """L f <= -(1 - eps) u psi + eta u^2 c D_0/(2N)."""
    return ub.generator("corrected", h).le(-(1 - eps) * u * G**2 / K + eta * u**2 * c * D0 / (2 * N))


def pair(
    which: str, floor: Callable[..., Fact], c: Term, extra: dict[str, Relation], constant: float
) -> tuple[Theorem, Theorem]:
    """The pathwise and the scheduled theorem for one constant c of the floor; `constant` is kappa in the evidence."""
    title = f"Normalised D(C)SGD, {'small' if which == 'low' else 'large'} share of the noise"
    numbers = {"constants": {"eps": 0.125, "kap": constant}, "scale": 4.0, "wide": 1.5, "step": "eta u <= 2 eps"}
    return ub.pair(
        (f"6.3-{which}-pathwise", f"6.3-{which}-scheduled"), (f"{title}, pathwise", f"{title}, scheduled"),
        drift_bound(c), G**2 / K, D0 * c / (2 * N), {**ub.ASSUMPTIONS, **RULES, **extra}, derivation(floor, c),
        (
            (Evidence("unbiased clients"), Evidence("one step", {"method": "normalised rand-k"})),
            (Evidence("random time", {"method": "normalised rand-k", "model": "corrected", **numbers}),),
        ),
        ub.random_time(r"\psi(\|\nabla f(X_{\hat T})\|)") + r" Here $\psi(G)=G^2/K_\kappa(G)$.", h, u * G**2 / K,
        source="ours", **ub.common("corrected", h, {K: r"K_\kappa(G)", K0: "K_0", SHARE: "c'"}),
    )  # fmt: skip


#: name -> name of the larger quantity
STARRED = {"omega": "omegas", "s0": "s0s", "s1": "s1s", "d": "ds", "A1": "A1s", "D0": "D0s"}
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


def starred(t: Term) -> Term:
    """A term with the larger quantities in place of the smaller ones, except for the number of clients."""
    return put(t, {x(a): x(b) for a, b in STARRED.items()})


GROWS, FALLS = K.le(starred(K)), put(K, {N: Ns}).le(K)


def moments(one: bool) -> dict[str, Relation]:
    """The definitions of A_1, D_0 and their larger versions or, if `one`, of A_1 and D_0 for equal clients."""
    definitions: dict[str, Relation] = {}
    for name in ("A_1", "D_0"):
        relation = ub.DEFINITIONS[name]
        right = equal_clients(relation.right) if one else relation.right
        definitions[name] = relation.left.eq(right)
        if not one:
            definitions[f"{name}*"] = starred(relation.left).eq(starred(right))
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
        claim = symbol.le(starred(symbol))
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
    ratio = w.combine("A_1 >= 0", A1.ge(0), [
        "omega_k >= 0", ["d >= 0", "s1_k >= 0"], ["d >= 0", "s1_k >= 0", "omega_k >= 0"],
    ], [(-1, "A_1")])  # fmt: skip
    floor = w.combine(
        "D_0 >= 0", D0.ge(0), [["d >= 0", "s0_k >= 0"], ["d >= 0", "s0_k >= 0", "omega_k >= 0"]], [(-1, "D_0")]
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
    *pair("low", floor_low, C_LOW, LOW, 0.25), *pair("high", floor_high, C_HIGH, HIGH, 4.0),
    Theorem(
        id="6.3-strength-grows", title="The normalisation grows with compression, noise and dimension", source="ours",
        claim=GROWS, context=_context(False), assumptions={**SIGNS, **KAPPA, **LARGER}, definitions=moments(False),
        point={**AT, ds: 1, os: 1, s0s: 1, s1s: 0, A1s: 1, D0s: 2}, names=NAMES, short={G: "G"}, prove=grows, read=lambda: moments(False),
        evidence=(Evidence("strength", {"more": "of everything"}),),
    ),
    Theorem(
        id="6.3-strength-falls", title="The normalisation falls with the number of clients", source="ours",
        claim=FALLS, context=_context(True), assumptions={**SIGNS, **KAPPA, "more clients": N.le(Ns)}, definitions=moments(True),
        point={**AT, Ns: 1}, names=NAMES | {n: NAMES[n].replace(",k", "").replace("_k", "") for n in ("omega", "s0", "s1")},
        short={G: "G"}, prove=falls, read=lambda: moments(True),
        evidence=(Evidence("strength", {"more": "clients"}),),
    ),
)  # fmt: skip
