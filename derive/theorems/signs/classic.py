"""Theory 6.4: DSignSGD as in [S] v1 (first-order) and [S] v2 Theorem 4.3 (corrected), with the bounded-ratio assumption named.

Both read Phi >= l G^2/sigma_H, l = R(rho)/rho, which holds while |g_j| <= rho sigma_k along the path and for no l > 0 everywhere.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation, fn, num, trprod, x
from derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem
from derive.theorems.signs import setting as sg
from derive.theorems.signs.clients import SIZE, Ordered
from derive.theorems.signs.setting import (
    BEND,
    INVERSE_H,
    L0,
    L1,
    PHI,
    B,
    G,
    H,
    M,
    N,
    R,
    S,
    Y,
    b,
    d,
    eps,
    eta,
    r,
    ratio,
    sigma,
    u,
    y,
    z,
)

SLOPE = R(ratio) / ratio
"""l = R(rho)/rho, the slope of the chord of R over [0, rho]."""
BOUNDED: dict[str, Relation] = {"bounded ratio": Y.le(ratio * sigma), "rho > 0": ratio.gt(0)}
ROOT_D = fn("sqrt", d)


class Bounded(Ordered):
    """The facts that need the bounded ratio."""

    @cached_property
    def per_ratio(self) -> tuple[Fact, Fact]:
        """rho (1/rho) = 1 and 0 < 1/rho."""
        return self.w.inverse(ratio, self.w["rho > 0"])

    @cached_property
    def chord_of_ratio(self) -> Fact:
        """l z/r <= R(z/r) for 0 <= z <= rho r: the chord of a concave function."""
        w, k = self.w, self.k
        _positive, unit, over = self.unit_r
        unit_rho, over_rho = self.per_ratio
        inside = k.assume(z.le(ratio * r))
        place = z / r / ratio
        low = w.combine("z/(r rho) >= 0", place.ge(0), [(1, [self.share, over_rho], ())])
        most = w.combine(
            "z/(r rho) <= 1", place.le(1), [(1, [inside, over, over_rho], ())], [(1, unit_rho), (ratio / ratio, unit)]
        )  # fmt: skip
        weak = w.combine("rho >= 0", ratio.ge(0), [(1, ["rho > 0"], ())])
        bow = k.declared("R", "concave_right", [ratio, num(0), place], [weak, self.number(0), low, most])
        # R at z/(r rho) rho is R at z/r: between the two by monotony, since their arguments are equal
        back = w.combine("equal arguments", (place * ratio).le(z / r), (), [(z / r, unit_rho)])
        rising = k.declared("R", "nondecreasing", [place * ratio + (1 - place) * 0, z / r], [back])
        return w.combine(
            "the chord", (SLOPE * z / r).le(R(z / r)), [(1, [bow], ()), (1, [rising], ())], [(-(1 - place), self.zero)]
        )  # fmt: skip

    @cached_property
    def strict_harmonic(self) -> Fact:
        """0 < 1/sigma_H: it is at least 1/(N sigma_k)."""
        _, over = self.w.inverse(sigma, self.w["sigma_k > 0"])
        part = self.k.component("C", over)
        return self.w.combine(
            "1/sigma_H > 0", num(0).lt(INVERSE_H), [(1, [self.per[1], part], ()), (1, [self.per[1], over], ())]
        )

    @cached_property
    def positive_harmonic(self) -> Fact:
        """0 <= 1/sigma_H."""
        return self.weak(self.strict_harmonic)

    @cached_property
    def quadratic(self) -> Fact:
        """l G^2/sigma_H <= Phi."""
        w, k = self.w, self.k
        one = w.prover.instance(self.chord_of_ratio, {"z": Y, "r": sigma})
        one = k.cut(k.cut(k.cut(one, self.size), w["sigma_k > 0"]), w["bounded ratio"])
        mean = w.have("the mean over clients", (SLOPE * Y * INVERSE_H).le(SIZE), k.monotone("C", one), self.per[1])
        _, product = self.one_sign
        each = w.combine(
            "each coordinate", (SLOPE * INVERSE_H * y**2).le(y * b), [(1, [self.size, mean], ()), (1, [product], ())],
            [(SLOPE * INVERSE_H * -1, self.square)],
        )  # fmt: skip
        return self.over_coordinates(
            "Phi >= l G^2/sigma_H", (SLOPE * INVERSE_H * G**2).le(PHI), each, "coordinates of g", "Phi"
        )


def classic(w: Derivation) -> Fact:
    """L f <= -u Phi + (eta u^2/(2N)) d (L0 + L1 G)."""
    s = Bounded(w)
    _, over = s.per
    _, spread = s.smooth()
    noisy = w.combine(
        "the noise", trprod(H, S).le(d * (L0 + L1 * G)), [(1, [spread], ()), (1, [s.smoothness, s.trace_simple], ())]
    )  # fmt: skip
    return w.combine(
        "the bound on the drift of f", sg.generator("first-order", u).le(-u * PHI + eta * u**2 / (2 * N) * d * (L0 + L1 * G)),
        [("1/2", ["eta >= 0", over, noisy], (u,))],
    )  # fmt: skip


K = L1 * d / (2 * N) / INVERSE_H + ROOT_D * (L0 + L1) * M
"""K = L1 d sigma_H/(2N) + sqrt(d)(L0 + L1) M."""
FLOOR = d * (L0 + L1) / (2 * N) + ROOT_D * M * L0 * INVERSE_H


def corrected(w: Derivation) -> Fact:
    """L f <= -(1 - eps) u Phi + eta u^2 (d (L0 + L1)/(2N) + sqrt(d) M L0/sigma_H), from eta u K <= eps l."""
    s = Bounded(w)
    k = w.kernel
    _, over = s.per
    bend, spread = s.smooth()
    rate = 2 * M * INVERSE_H
    linear = w.combine(
        "b_j^2 <= (2M/sigma_H)^2 g_j^2",
        (b**2).le(rate**2 * y**2),
        [
            (1, [s.one_sign[0]], ()),
            (1, [s.size_linear, s.size_linear], ()),
            (2, [s.size_linear, s.size_nonnegative], ()),
        ],
        [(rate**2, s.square)],
    )
    total = s.over_coordinates("sum", (B**2).le(rate**2 * G**2), linear, "coordinates of b", "coordinates of g")
    small = k.nonnegative(G)
    positive = s.positive_harmonic
    right = w.combine("2 M G/sigma_H >= 0", (2 * M * INVERSE_H * G).ge(0), [(2, ["M >= 0", positive, small], ())])
    length = w.have("in one square", (B**2).le((2 * M * INVERSE_H * G) ** 2), total)
    long = s.root("||b|| <= 2 M G/sigma_H", B, 2 * M * INVERSE_H * G, length, k.nonnegative(B), right)
    rooted, root_sign = k.function("sqrt_square", [d], [w["d >= 0"]]), k.function("sqrt_nonneg", [d])
    square = w.combine("||b||^2 <= sqrt(d)^2", (B**2).le(ROOT_D**2), [(1, [s.b_squared], ())], [(-1, rooted)])
    short = s.root("||b|| <= sqrt(d)", B, ROOT_D, square, k.nonnegative(B), root_sign)
    mixed = w.combine(
        "||b||^2 <= 2 M sqrt(d) G/sigma_H", (B**2).le(2 * M * INVERSE_H * G * ROOT_D), [(1, [k.nonnegative(B), short], ()), (1, [root_sign, long], ())]
    )  # fmt: skip
    young = k.certify(G.le(1 + G**2), sum=[(Fraction(1), (), (G - num("1/2"),)), (Fraction(3, 4), (), ())])
    curved = w.combine(
        "the deterministic term", BEND.le(2 * M * INVERSE_H * ROOT_D * ((L0 + L1) * G**2 + L0)),
        [
            (1, [bend], ()), (1, [s.smoothness, mixed], ()),
            (2, ["M >= 0", positive, root_sign, "L0 >= 0", young], ()),
        ],
    )  # fmt: skip
    noisy = w.combine(
        "the noise", trprod(H, S).le(d * (L0 + L1 * (1 + G**2))),
        [(1, [spread], ()), (1, [s.smoothness, s.trace_simple], ()), (1, ["d >= 0", "L1 >= 0", young], ())],
    )  # fmt: skip
    unit_h = k.inverse(INVERSE_H, s.strict_harmonic)
    return w.combine(
        "the bound on the drift of f", sg.generator("corrected", u).le(-(1 - eps) * u * PHI + eta * u**2 * FLOOR),
        [
            ("1/2", ["eta >= 0", curved], (u,)),
            ("1/2", ["eta >= 0", over, noisy], (u,)),
            (1, ["u >= 0", positive, "step"], (G,)),
            (1, ["eps >= 0", "u >= 0", s.quadratic], ()),
        ],
        [(num("1/2") * eta * u**2, "Lam g = b"), (-(eta * u**2 * G**2 * L1 * d / (2 * N)), unit_h)],
    )  # fmt: skip


CLASSIC = Theorem(
    id="6.4-classic",
    title="DSignSGD, first-order model",
    source="theory 6.4; arXiv 2506.00181v1",
    statement=r"$\mathcal{L}f\le-u\,\Phi+\frac{\eta u^2}{2N}\,d\,(L_0+L_1G)$.",
    context=sg.context("first-order"),
    assumptions={name: r for name, r in sg.ASSUMPTIONS.items() if name != "d >= 0"},
    definitions=sg.DEFINITIONS,
    recomputed=("signs",),
    point=sg.point(),
    names=sg.NAMES,
    short=sg.short(),
    prove=classic,
    evidence=sg.PATHWISE,
)
RATIO = Theorem(
    id="6.4-bounded-ratio",
    title="DSignSGD: Φ and the gradient norm where no slope exceeds ρ times a scale",
    source="theory 6.4; the assumption behind arXiv 2506.00181v2, Theorem 4.3",
    statement=r"While $|g_j|\le\rho\sigma_k$ for all $j,k$: $\Phi\ge\ell\,G^2/\sigma_H$ with $\ell=R(\rho)/\rho$.",
    context=sg.context(),
    assumptions={"N >= 1": sg.ASSUMPTIONS["N >= 1"], "sigma_k > 0": sg.ASSUMPTIONS["sigma_k > 0"], **BOUNDED},
    definitions=sg.DEFINITIONS,
    recomputed=("signs",),
    point=sg.point(),
    names=sg.NAMES,
    short=sg.short(),
    prove=lambda w: Bounded(w).quadratic,
    evidence=(Evidence("sign clients"),),
)
CORRECTED = Theorem(
    id="6.4-corrected",
    title="DSignSGD, corrected model, with the bounded-ratio assumption",
    source="theory 6.4; arXiv 2506.00181v2, Theorem 4.3",
    statement=(
        r"While $|g_j|\le\rho\sigma_k$ and $\eta u\,K\le\varepsilon\,\ell$ with $K=\frac{L_1d\sigma_H}{2N}+\sqrt d\,(L_0+L_1)M$, "
        r"$\ell=R(\rho)/\rho$: $\mathcal{L}f\le-(1-\varepsilon)\,u\,\Phi+\eta u^2\left(\frac{d(L_0+L_1)}{2N}+\frac{\sqrt d\,ML_0}{\sigma_H}\right)$."
    ),
    context=sg.context(),
    assumptions={
        **sg.ASSUMPTIONS,
        **BOUNDED,
        "M >= 0": M.ge(0),
        "eps >= 0": eps.ge(0),
        "step": (eta * u * K).le(eps * SLOPE),
    },
    definitions=sg.DEFINITIONS,
    recomputed=("signs",),
    point=sg.point(),
    names=sg.NAMES,
    short=sg.short(),
    prove=corrected,
    evidence=sg.PATHWISE,
)

slope, at = x("l"), x("v")
CHORD = Refutation(
    id="6.4-chord",
    title="Φ bounded below by a multiple of G² at every state",
    source="theory 6.4; arXiv 2506.00181v2, Theorem 4.3 without the bounded-ratio assumption",
    statement=r"There is $\ell>0$ with $x\,(2F(x)-1)\ge\ell x^2$ for all $x$; here for uniform noise and $\ell=1/100$.",
    assume={"ell": slope.eq(Fraction(1, 100)), "x > 1, where R(x) = 1": at.gt(1)},
    claim=(slope * at**2).le(at * 1),
    witness={"l": Fraction(1, 100), "v": 200},
    words=(
        r"$R=2F-1\le1$, so $x\,R(x)\le x<\ell x^2$ as soon as $x>1/\ell$: over all of $\mathbb{R}^d$ the best $\ell$ is $0$ (6.4-chord-zero "
        r"proves that for every law)."
    ),
    repair="6.4-global-pathwise",
    mended={"bounded ratio": at.le(100)},
    names={"l": r"\ell", "v": "x"},
)


def no_chord(w: Derivation) -> Fact:
    """z R(z/1) < l z^2 at z = 2/l, for every l > 0: R <= 1."""
    k = w.kernel
    unit, over = w.inverse(r, "l > 0")
    top = k.declared("R", "bounded", [2 / r])
    # l (2/l)^2 - (2/l) R = (2/l)(1 - R) + (2/l)(2 - 1) up to l (1/l) = 1
    return w.combine(
        "a point where it fails", (2 / r * R(2 / r)).lt(r * (2 / r) ** 2), [(2, [over, top], ()), (2, [over], ())],
        [(-4 / r, unit)],
    )  # fmt: skip


ZERO = Theorem(
    id="6.4-chord-zero",
    title="No chord constant works at every state",
    source="theory 6.4",
    statement=r"For every law and every $\ell>0$: $x\,R(x)<\ell x^2$ at $x=2/\ell$.",
    context=sg.context(),
    assumptions={"l > 0": r.gt(0)},
    point={r: 1, R(2 / r): 0, R(num(2)): 0},
    names={**sg.NAMES, "r": r"\ell"},
    prove=no_chord,
    evidence=(Evidence("sign clients"),),
)
ENTRIES: tuple[Theorem | Refutation, ...] = (CLASSIC, RATIO, CORRECTED, CHORD, ZERO)
