"""D(C)SGD with affine noise and unbiased compression: the bound on Tr S behind all theorems about this method.

Client k sends U_k = C_k(g + Z_k). Its compression error q_k = E||C_k(v) - v||^2 is at most omega_k E||v||^2, and its noise
satisfies v_k = Tr Cov Z_k <= d (s0_k + s1_k G^2). For independent clients Tr S = (1/N) sum_k (q_k + v_k), by total variance.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sdescent.derive.derivation import SDE, sde
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.methods.schedules import Free
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context, parts
from sdescent.derive.proof.language.terms import Relation, Term, num, quad, tr, trprod, under, x
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import generator_of, loss_in_time
from sdescent.derive.theorems.entry.symbols import A1, D0, L0, L1, G, N, S, d, eps, eta, f, fstar, fT, omega, s0, s1, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.vocabulary.names import Model

mean, q, v, m2, g, H = symbols.mean, symbols.q, symbols.v, symbols.m2, symbols.g, symbols.H
A = 1 + A1 / N
#: names common to theorems about the SDE and the method
SYMBOLS = "eta N d L0 L1 eps fstar f0 kap A1 D0 u f fT omega s0 s1 q v m2"


def context(model: Model, h: Term, **more: str) -> Context:
    """The context of the theorems about D(C)SGD, with the engine's SDE and h in place of the schedule."""
    return symbols.context(f"{SYMBOLS} T", {"f": loss_in_time(equation(model), h, VECTORS)}, more=more)


#: the assumptions on the messages of the clients
CLIENTS: dict[str, Relation] = {"compression": q.le(omega * m2), "noise": v.le(d * (s0 + s1 * G**2))}
ASSUMPTIONS: dict[str, Relation] = {**symbols.signs(), "smooth": symbols.CURVATURE.le(L0 + L1 * G), **CLIENTS}
DEFINITIONS: dict[str, Relation] = {
    "second moment": m2.eq(G**2 + v),
    "total variance": tr(S).eq(mean(q + v)),
    "A_1": A1.eq(mean(omega) + d * (mean(s1) + mean(s1 * omega))),
    "D_0": D0.eq(d * (mean(s0) + mean(s0 * omega))),
}
BELOW: dict[str, Relation] = {"f >= f*": fstar.le(f)}
#: further assumptions of a bound at a random time
ENDS: dict[str, Relation] = {
    **BELOW, "f(X_T) >= f*": fstar.le(fT), "eps < 1": num(0).lt(1 - eps), "int u > 0": under("I", u).gt(0),
}  # fmt: skip
VECTORS = {"mean": "g"}


def equation(model: Model) -> SDE:
    """The engine's SDE of D(C)SGD with an unbiased compressor, so that the mean message is the gradient."""
    return sde(DCSGD(Bernoulli("p"), Gaussian(), schedule=Free()), model)


def point(**more: int) -> dict[Term, int]:
    """Numbers that satisfy the assumptions: one client, d = omega = s0 = 1, s1 = 0, G = 1, ||H|| = 2, q = 2, v = 1, Tr S = 3."""
    values: dict[Term, int] = {
        eta: 0, N: 1, d: 1, L0: 1, L1: 1, omega: 1, s0: 1, s1: 0, q: 2, v: 1, m2: 2, A1: 1, D0: 2, f: 0, fstar: 0, symbols.f0: 0, fT: 0,
        symbols.T: 1, u: 1, symbols.kap: 1, eps: 0, G: 1, symbols.CURVATURE: 2, tr(S): 3,
    }  # fmt: skip
    return values | {x(name): value for name, value in more.items()}


@dataclass(frozen=True)
class Bounds:
    """The facts from which every derivation starts, about signs, 1/N, g'Hg, Tr(HS) and D_0."""

    per: Fact
    curvature: Fact
    spread: Fact
    D0: Fact
    G: Fact


def noise_bound(w: Derivation) -> tuple[Fact, Fact]:
    """0 < 1/N, and Tr S <= A_1 G^2 + D_0."""
    _, per = w.inverse(N, "N > 0")
    client = w.combine(
        "each client", (q + v).le(omega * G**2 + (1 + omega) * d * (s0 + s1 * G**2)),
        ["compression", ["omega_k >= 0", "noise"], "noise"], [(omega, "second moment")],
    )  # fmt: skip
    total = w.step("sum over clients", w.kernel.monotone("C", client))
    return per, w.combine(
        "the bound on the noise", tr(S).le(A1 * G**2 + D0), [[per, total]],
        ["total variance", (-(G**2), "A_1"), (-1, "D_0")],
    )  # fmt: skip


def bounds(w: Derivation) -> Bounds:
    """By smoothness g'Hg <= (L0 + L1 G) G^2 and, since Tr S <= A_1 G^2 + D_0, Tr(HS) <= (L0 + L1 G)(A_1 G^2 + D_0)."""
    k = w.kernel
    per, trace = noise_bound(w)
    positive = k.nonnegative(G)
    smooth = w["smooth"]
    curvature = w.combine(
        "smoothness along the gradient", quad(H, g).le((L0 + L1 * G) * G**2), [k.quad_bound("H", "g"), (1, smooth, G)]
    )
    spread = w.combine(
        "smoothness and noise",
        trprod(H, S).le((L0 + L1 * G) * (A1 * G**2 + D0)),
        [k.trace_bound("H", "S"), [smooth, k.nonnegative(tr(S))], ["L0 >= 0", trace], ["L1 >= 0", positive, trace]],
    )
    return Bounds(per, curvature, spread, floor_is_nonnegative(w, per), positive)


def floor_is_nonnegative(w: Derivation, per: Fact) -> Fact:
    """0 <= D_0."""
    return _nonnegative(w, "D_0", D0, [d * s0, d * s0 * omega], per)


def ratio_is_nonnegative(w: Derivation, per: Fact) -> Fact:
    """0 <= A_1."""
    return _nonnegative(w, "A_1", A1, [omega, d * s1, d * s1 * omega], per)


def _nonnegative(w: Derivation, name: str, symbol: Term, pieces: list[Term], per: Fact) -> Fact:
    """0 <= A_1 or 0 <= D_0, as means of products of nonnegative factors."""
    signs = {omega: "omega_k >= 0", d: "d >= 0", s0: "s0_k >= 0", s1: "s1_k >= 0"}
    sums = []
    for piece in pieces:
        factors = [w[sign] for t, sign in signs.items() if t in parts(piece)]
        product = Fraction(1), tuple(range(len(factors))), ()
        sums.append(w.kernel.monotone("C", w.kernel.certify(piece.ge(0), factors, sum=[product])))
    return w.combine(f"{name} >= 0", symbol.ge(0), [[per, s] for s in sums], [(-1, name)])


def generator(model: Model, h: Term) -> Term:
    """L f = drift' grad f + Tr(H covariance)/2 of the engine's SDE, with h in place of u."""
    return generator_of(loss_in_time(equation(model), h, VECTORS))


def condition(model: Model, k: Term) -> Term:
    """K_kap(G) = (L0 + L1 G) A' + kap L1 D_0/N, where A' = A_1/N (first-order model) or 1 + A_1/N (corrected model)."""
    return (L0 + L1 * G) * (A if model == "corrected" else A1 / N) + k * L1 * D0 / N


def integrated(
    w: Derivation, bound: Fact, kept: Term, floor: Term, per: Fact, h: Term = u, weighted: Term | None = None
) -> Fact:
    """The bound on E int u kept/int u, from L f <= -(1 - eps) u kept + eta u^2 floor.

    Args:
        per: the fact 0 < 1/N.
        h: the schedule of the SDE.
        weighted: u kept in the form that it has in the bound, if that is not u times kept.
    """
    k, energy, clock = w.kernel, under("EI", u * kept if weighted is None else weighted), under("I", u)
    ito = w.step("Ito's formula", k.ito("f", [rate_is_nonnegative(w, h, per), w["f >= f*"]]))
    whole = w.step("integrate", k.monotone("EI", bound))
    last = w.step("the end", k.monotone("E", w["f(X_T) >= f*"]))
    total = w.combine("together", ((1 - eps) * energy).le(start_and_floor(floor)), [ito, whole, last])
    share, one = w.inverse(1 - eps, "eps < 1")
    _, two = w.inverse(clock, "int u > 0")
    return w.combine("divide", mean_bound(kept, floor), [[one, two, total]], [(-energy / clock, share)])


def pair(
    ids: tuple[str, str], titles: tuple[str, str], drift: Relation, kept: Term, floor: Term, assumptions: Mapping[str, Relation],
    pathwise: Callable[[Derivation], tuple[Fact, Fact]], evidence: tuple[tuple[Evidence, ...], tuple[Evidence, ...]], remark: str,
    h: Term = u, weighted: Term | None = None, **common: Any,
) -> tuple[Theorem, Theorem]:  # fmt: skip
    """The bound on the drift of f, L f <= -(1 - eps) u kept + eta u^2 floor, and its integral, a bound at a random time.

    Args:
        pathwise: proves 0 < 1/N and the bound on the drift.
        evidence: the evidence for each of the two theorems.
        remark: the remark on the second theorem.
        h, weighted: as for `integrated`.
        common: fields of both theorems.
    """

    def whole(w: Derivation) -> Fact:
        per, bound = pathwise(w)
        return integrated(w, bound, kept, floor, per, h, weighted)

    first = {"claim": drift, "assumptions": assumptions, "prove": lambda w: pathwise(w)[1]}
    second = {
        "claim": mean_bound(kept, floor), "assumptions": {**assumptions, **ENDS}, "prove": whole, "remark": remark,
    }  # fmt: skip
    one, other = (
        Theorem(id=id, title=title, evidence=compared, **stated, **common)
        for id, title, compared, stated in zip(ids, titles, evidence, (first, second), strict=True)
    )
    return one, other


def start_and_floor(floor: Term) -> Term:
    """f(x0) - f* + eta floor int u^2."""
    return symbols.f0 - fstar + eta * floor * under("I", u**2)


def mean_bound(kept: Term, floor: Term) -> Relation:
    """E int u kept/int u <= (f(x0) - f* + eta floor int u^2)/((1 - eps) int u)."""
    return (under("EI", u * kept) / under("I", u)).le(start_and_floor(floor) / (1 - eps) / under("I", u))


def random_time(kept: str) -> str:
    """A remark on the left side of `mean_bound`; `kept` is its LaTeX at a random time."""
    time = r"where $\hat T$ is independent of $X$ and has the density $u/\int_0^Tu\,\mathrm{d}t$, and $\tau$ is the explosion time."
    return rf"The left side is $\mathbb{{E}}[{kept};\hat T<\tau]$, {time}"


def rate_is_nonnegative(w: Derivation, h: Term, per: Fact) -> Fact:
    """0 <= eta h^2/N, the factor of S in the SDE's covariance."""
    ((rate, _),) = w.kernel.context.potentials["f"]["diffusion"]
    return w.combine("the rate of the noise", rate.ge(0), [(1, ["eta >= 0", per], h)])


def common(model: Model, h: Term = u, letters: Mapping[Term, str] | None = None, **other: Any) -> dict[str, Any]:
    """The fields that the theorems about a model share; `letters` abbreviates further terms, `other` replaces or adds fields."""
    moves = {generator(one, h): r"\mathcal{L}f" for one in ("first-order", "corrected")}
    return {
        "context": context(model, h), "definitions": DEFINITIONS, "recomputed": ("unbiased",), "point": point(), "names": symbols.NAMES,
        "short": {G: "G", **moves, **(letters or {})}, **other,
    }  # fmt: skip
