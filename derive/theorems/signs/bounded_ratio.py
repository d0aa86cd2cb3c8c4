"""Theory 6.4: DSignSGD as in [S] v1 at every state, and as in both versions of [S] while no slope exceeds rho times a scale.

The step conditions of [S] v1 and v2 need Phi >= l G^2/sigma_H with l = R(rho)/rho. This holds while |g_j| <= rho sigma_k along the
path, but no l > 0 works at every state (6.4-chord-zero). For each model there are two bounds: one on the drift of f and, by
integration, one at a random time.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, tr, trprod, x
from sdescent.derive.theorems.entry.symbols import L0, L1, G, H, N, S, d, eps, eta, r, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.theorems.signs.every_state import SIZE, Ordered
from sdescent.derive.theorems.signs.facts import INVERSE_H, PHI, SECOND, B, M, R, SignFacts, Y, b, ratio, sigma, y, z
from sdescent.derive.vocabulary.names import Model

DRIFT = sg.generator("first-order").le(-u * PHI + eta * u**2 / (2 * N) * d * (L0 + L1 * G))
FAILS = (2 / r * R(2 / r)).lt(r * (2 / r) ** 2)


def noise(s: SignFacts) -> Fact:
    """Tr(HS) <= d (L0 + L1 G)."""
    _, spread = s.smooth()
    return s.w.combine("the noise", trprod(H, S).le(d * (L0 + L1 * G)), [spread, [s.smoothness, s.trace_simple]])


def classic(w: Derivation) -> Fact:
    """L f <= -u Phi + (eta u^2/(2N)) d (L0 + L1 G)."""
    s = SignFacts(w)
    _, over = s.per
    return w.combine("the bound on the drift of f", DRIFT, [("1/2", ["eta >= 0", over, noise(s)], u)])


CLASSIC = Theorem(
    id="6.4-classic",
    title="DSignSGD, first-order model",
    source="arXiv 2506.00181v1",
    claim=DRIFT,
    assumptions={name: r for name, r in sg.ASSUMPTIONS.items() if name != "d >= 0"},
    prove=classic,
    evidence=sg.PATHWISE,
    **sg.common("first-order"),
)
slope, at = x("l"), x("v")
EVERY_CHORD = Refutation(
    id="6.4-chord",
    title="A chord constant that works at every state",
    source="ours",
    assume={"ell": slope.eq(Fraction(1, 100)), "x > 1, where R(x) = 1": at.gt(1)},
    claim=(slope * at**2).le(at * 1),
    witness={"l": Fraction(1, 100), "v": 200},
    words=(
        r"$R=2F-1\le1$, so $x\,R(x)\le x<\ell x^2$ as soon as $x>1/\ell$. These numbers refute one $\ell$; 6.4-chord-zero proves it of every "
        r"$\ell>0$ and every law."
    ),
    repair="6.4-global-pathwise",
    mended={"bounded ratio": at.le(100)},
    names={"l": r"\ell", "v": "x"},
)


def no_chord(w: Derivation) -> Fact:
    """z R(z) < l z^2 at z = 2/l, for every l > 0, since R <= 1."""
    k = w.kernel
    unit, over = w.inverse(r, "l > 0")
    top = k.declared("R", "bounded", [2 / r])
    # l (2/l)^2 - (2/l) R = (2/l)(1 - R) + (2/l)(2 - 1) up to l (1/l) = 1
    return w.combine("a point where it fails", FAILS, [(2, [over, top]), (2, over)], [(-4 / r, unit)])


ZERO = Theorem(
    id="6.4-chord-zero",
    title="No chord constant works at every state",
    source="ours",
    claim=FAILS,
    context=sg.context(),
    assumptions={"l > 0": r.gt(0)},
    point={r: 1, R(2 / r): 0, R(num(2)): 0},
    names={**sg.NAMES, "r": r"\ell"},
    prove=no_chord,
    evidence=(Evidence("sign clients"),),
)

# --- while no slope exceeds rho times a scale

SLOPE = R(ratio) / ratio
"""l = R(rho)/rho, the slope of the chord of R over [0, rho]."""
CHORD = (SLOPE * INVERSE_H * G**2).le(PHI)
BOUNDED: dict[str, Relation] = {"bounded ratio": Y.le(ratio * sigma), "rho > 0": ratio.gt(0)}
ROOT_D = fn("sqrt", d)


class Bounded(Ordered):
    """Facts that need the assumption |g_j| <= rho sigma_k."""

    @cached_property
    def per_ratio(self) -> tuple[Fact, Fact]:
        """rho (1/rho) = 1 and 0 < 1/rho."""
        return self.w.inverse(ratio, self.w["rho > 0"])

    @cached_property
    def chord_of_ratio(self) -> Fact:
        """l z/r <= R(z/r) for 0 <= z <= rho r, by the chord of a concave function."""
        w, k = self.w, self.k
        _positive, unit, over = self.unit_r
        unit_rho, over_rho = self.per_ratio
        inside = k.assume(z.le(ratio * r))
        place = z / r / ratio
        low = w.combine("z/(r rho) >= 0", place.ge(0), [[self.share, over_rho]])
        most = w.combine("z/(r rho) <= 1", place.le(1), [[inside, over, over_rho]], [unit_rho, (ratio / ratio, unit)])
        weak = w.combine("rho >= 0", ratio.ge(0), ["rho > 0"])
        bow = k.declared("R", "concave_right", [ratio, num(0), place], [weak, w.number(0), low, most])
        # R(z/(r rho) rho) <= R(z/r), by monotonicity, since the arguments are equal
        back = w.combine("equal arguments", (place * ratio).le(z / r), (), [(z / r, unit_rho)])
        rising = k.declared("R", "nondecreasing", [place * ratio + (1 - place) * 0, z / r], [back])
        return w.combine("the chord", (SLOPE * z / r).le(R(z / r)), [bow, rising], [(-(1 - place), self.zero)])

    @cached_property
    def strict_harmonic(self) -> Fact:
        """0 < 1/sigma_H, since 1/sigma_H >= 1/(N sigma_k)."""
        _, over = self.w.inverse(sigma, self.w["sigma_k > 0"])
        part = self.k.component("C", over)
        return self.w.combine("1/sigma_H > 0", num(0).lt(INVERSE_H), [[self.per[1], part], [self.per[1], over]])

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
            "each coordinate", (SLOPE * INVERSE_H * y**2).le(y * b), [[self.size, mean], product],
            [(SLOPE * INVERSE_H * -1, self.square)],
        )  # fmt: skip
        return self.over_coordinates("Phi >= l G^2/sigma_H", CHORD, each, "coordinates of g", "Phi")


SHARE = L1 * d / (2 * N) / INVERSE_H
"""L1 d sigma_H/(2N), the noise's share of K."""
K: Mapping[Model, Term] = {"first-order": SHARE, "corrected": SHARE + ROOT_D * (L0 + L1) * M}
SPREAD = d * (L0 + L1) / (2 * N)
FLOOR: Mapping[Model, Term] = {"first-order": SPREAD, "corrected": SPREAD + ROOT_D * M * L0 * INVERSE_H}


def curvature(s: Bounded, young: Fact) -> Fact:
    """(L0 + L1 G)||b||^2 <= 2 M sqrt(d) ((L0 + L1) G^2 + L0)/sigma_H, from ||b||^2 <= 2 M sqrt(d) G/sigma_H and G <= 1 + G^2."""
    w, k = s.w, s.k
    rate = 2 * M * INVERSE_H
    linear = w.combine(
        "b_j^2 <= (2M/sigma_H)^2 g_j^2",
        (b**2).le(rate**2 * y**2),
        [s.one_sign[0], [s.size_linear, s.size_linear], (2, [s.size_linear, s.size_nonnegative])],
        [(rate**2, s.square)],
    )
    total = s.over_coordinates("sum", (B**2).le(rate**2 * G**2), linear, "coordinates of b", "coordinates of g")
    positive = s.positive_harmonic
    right = w.combine("2 M G/sigma_H >= 0", (rate * G).ge(0), [(2, ["M >= 0", positive, k.nonnegative(G)])])
    length = w.have("in one square", (B**2).le((rate * G) ** 2), total)
    long = s.root("||b|| <= 2 M G/sigma_H", B, rate * G, length, k.nonnegative(B), right)
    rooted, root_sign = k.function("sqrt_square", [d], [w["d >= 0"]]), k.function("sqrt_nonneg", [d])
    square = w.combine("||b||^2 <= sqrt(d)^2", (B**2).le(ROOT_D**2), [s.b_squared], [(-1, rooted)])
    short = s.root("||b|| <= sqrt(d)", B, ROOT_D, square, k.nonnegative(B), root_sign)
    mixed = w.combine(
        "||b||^2 <= 2 M sqrt(d) G/sigma_H", (B**2).le(rate * G * ROOT_D), [[k.nonnegative(B), short], [root_sign, long]]
    )
    return w.combine(
        "the deterministic term",
        ((L0 + L1 * G) * B**2).le(rate * ROOT_D * ((L0 + L1) * G**2 + L0)),
        [[s.smoothness, mixed], (2, ["M >= 0", positive, root_sign, "L0 >= 0", young])],
    )


def moderate(s: Bounded) -> Fact:
    """(L0 + L1 G)(||b||^2 + Tr S/N) <= 2 M sqrt(d) ((L0 + L1) G^2 + L0)/sigma_H + (d/N)(L0 + L1 (1 + G^2))."""
    _, over = s.per
    noisy = s.w.combine(
        "the noise, with G <= 1 + G^2", ((L0 + L1 * G) * tr(S)).le(d * (L0 + L1 * (1 + G**2))),
        [[s.smoothness, s.trace_simple], ["d >= 0", "L1 >= 0", young(s)]],
    )  # fmt: skip
    rate = 2 * M * INVERSE_H * ROOT_D * ((L0 + L1) * G**2 + L0) + d / N * (L0 + L1 * (1 + G**2))
    return s.w.combine("the square of the step", SECOND.le(rate), [curvature(s, young(s)), [over, noisy]])


def young(s: Bounded) -> Fact:
    """G <= 1 + G^2."""
    return s.k.certify(G.le(1 + G**2), sum=[(Fraction(1), (), (G - num("1/2"),)), (Fraction(3, 4), (), ())])


def pathwise(model: Model) -> Callable[[Derivation], tuple[Bounded, Fact]]:
    """L f <= -(1 - eps) u Phi + eta u^2 floor, from eta u K <= eps l."""

    def prove(w: Derivation) -> tuple[Bounded, Fact]:
        s, k = Bounded(w), w.kernel
        unit_h = k.inverse(INVERSE_H, s.strict_harmonic)
        members: list[Any] = [(1, ["u >= 0", s.positive_harmonic, "step"], G), ["eps >= 0", "u >= 0", s.quadratic]]
        equalities: list[Any] = [(-(eta * u**2 * G**2 * L1 * d / (2 * N)), unit_h)]
        if model == "corrected":
            members += [("1/2", ["eta >= 0", s.second_order()], u), ("1/2", ["eta >= 0", moderate(s)], u)]
            equalities.append((num("1/2") * eta * u**2, "Lam g = b"))
        else:
            spread = w.combine(
                "the noise, with G <= 1 + G^2", trprod(H, S).le(d * (L0 + L1 * (1 + G**2))),
                [noise(s), ["d >= 0", "L1 >= 0", young(s)]],
            )  # fmt: skip
            members.append(("1/2", ["eta >= 0", s.per[1], spread], u))
        return s, w.combine("the bound on the drift of f", sg.drift_bound(model, FLOOR[model]), members, equalities)

    return prove


RATIO = Theorem(
    id="6.4-bounded-ratio",
    title="DSignSGD: Φ and the gradient norm where no slope exceeds ρ times a scale",
    source="the assumption behind arXiv 2506.00181v2, Theorem 4.3",
    claim=CHORD,
    assumptions={"N >= 1": sg.ASSUMPTIONS["N >= 1"], "sigma_k > 0": sg.ASSUMPTIONS["sigma_k > 0"], **BOUNDED},
    prove=lambda w: Bounded(w).quadratic,
    evidence=(Evidence("sign clients"),),
    **sg.common(),
)


def pair(
    model: Model, ids: tuple[str, str], source: str, numbers: Mapping[str, float], wide: float
) -> tuple[Theorem, Theorem]:
    """The bound on the drift of f for one model, and the bound at a random time.

    Args:
        numbers: constants for the evidence, for which |g_j| <= rho sigma_k at every state with a gradient norm of at most 6.
        wide: a step size that violates the step condition.
    """
    rules = {**BOUNDED, "eps >= 0": eps.ge(0), "step": (eta * u * K[model]).le(eps * SLOPE)}
    rules |= {"M >= 0": M.ge(0)} if model == "corrected" else {}
    while_bounded = "while no slope exceeds ρ times a scale"
    titles = (
        f"DSignSGD, {model} model, {while_bounded}",
        f"DSignSGD, {model} model, pre-scheduled step, {while_bounded}",
    )
    evidence = (Evidence("random time", {"method": "signs", "model": model, "constants": numbers, "wide": wide}),)
    return sg.pair(ids, titles, source, FLOOR[model], rules, pathwise(model), model, evidence)


ENTRIES: tuple[Theorem | Refutation, ...] = (
    CLASSIC, EVERY_CHORD, ZERO, RATIO,
    *pair(
        "first-order", ("6.4-classic-bounded", "6.4-classic-scheduled"), "the step condition of arXiv 2506.00181v1",
        {"eps": 0.3, "ratio": 6.0}, 4.0,
    ),
    *pair("corrected", ("6.4-corrected", "6.4-corrected-scheduled"), "arXiv 2506.00181v2, Theorem 4.3", {"eps": 0.6, "ratio": 6.0}, 8.0),
)  # fmt: skip
