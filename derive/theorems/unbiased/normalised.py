"""Theory 6.3 (ours): normalised D(C)SGD with h = u/K_kap(G), which needs no step condition along the path.

K_kap(G) = (L0 + L1 G) A + c' with c' = kap L1 D_0/N and A = 1 + A_1/N. The bound is on E psi at a random time, where
psi(G) = G^2/K_kap(G).
"""

from collections.abc import Callable

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, num
from sdescent.derive.theorems.entry.symbols import D0, L0, L1, G, N, eps, eta, kap, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.noise_bound import A

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
        source="theory 6.3 (ours)", **ub.common("corrected", h, {K: r"K_\kappa(G)", K0: "K_0", SHARE: "c'"}),
    )  # fmt: skip


ENTRIES = (*pair("low", floor_low, C_LOW, LOW, 0.25), *pair("high", floor_high, C_HIGH, HIGH, 4.0))
