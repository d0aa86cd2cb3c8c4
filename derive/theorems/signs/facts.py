"""Facts for the theorems about DSignSGD (theory 6.4), about one coordinate and one client, and about sums over both.

Client k sends the signs of g_j + sigma_k Z. Their means are R(g_j/sigma_k), where R(x) = 2F(x) - 1 and F is the cdf of a symmetric
unimodal law. R is odd and nondecreasing. On [0, oo) it is concave, at most 1 and at most 2 M x, where M is the density at 0. No
moment of the noise is used.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from sdescent.derive.derivation import SDE, sde
from sdescent.derive.methods.distributed import DSignSGD
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.methods.schedules import Free
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language import terms
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, norm, num, quad, tr, trprod, under, vec, xs
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import generator_of, loss_in_time
from sdescent.derive.theorems.entry.symbols import CURVATURE, L0, L1, G, H, N, S, T, d, eps, eta, f, f0, fstar, fT, r, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.vocabulary.names import Model

M, z, ratio, sigma, y, b = xs("M z ratio sigma y b")
B, PHI, BEND = norm(vec("bv")), dot(vec("g"), vec("bv")), quad(H, vec("bv"))


def R(t: Term | int) -> Term:
    """2F - 1, the mean of the sign."""
    return terms.declared("R", t)


a = R(1)
AT = R(y / sigma)
Y = fn("abs", y)
BAR = under("C", sigma) / N
#: (L0 + L1 G)(||b||^2 + Tr S/N): a bound on b'Hb + Tr(HS)/N for the SDE, and curvature times mean square for a step of the method
SECOND = (L0 + L1 * G) * (B**2 + tr(S) / N)
INVERSE_H = under("C", 1 / sigma) / N
ONE_NORM = under("S", Y)

NAMES = {
    **symbols.NAMES, "sigma": r"\sigma_k", "y": "g_j", "b": "b_j", "bv": "b", "R": r"R", "c": r"\Lambda H\Lambda\nabla f", "r": r"\sigma",
    "ratio": r"\rho",
}  # fmt: skip
VECTORS = {"mean": "bv", "curvature": "c"}

#: the properties of R that proofs use
SHAPE: dict[str, Any] = {"odd": True, "nondecreasing": True, "concave_right": True, "bounded": num(1), "slope": 2 * M}


def context(model: Model = "corrected") -> Context:
    """The context of the theorems about DSignSGD, with the engine's SDE; z and r occur in lemmas about one number."""
    names = "eta N d L0 L1 eps T fstar f0 M z r ratio u f fT sigma y b"
    return symbols.context(
        names, {"f": loss_in_time(equation(model), u, VECTORS)}, ("g", "bv", "c"), functions={"R": SHAPE}
    )


ASSUMPTIONS: dict[str, Relation] = {
    "eta >= 0": eta.ge(0), "N >= 1": N.ge(1), **symbols.signs("d >= 0", "L0 >= 0", "L1 >= 0"),
    "sigma_k > 0": sigma.gt(0), "smooth": ub.ASSUMPTIONS["smooth"], "u >= 0": u.ge(0),
}  # fmt: skip
SPREAD: dict[str, Relation] = {"a > 0": a.gt(0)}
DEFINITIONS: dict[str, Relation] = {
    "mean of the step": b.eq(under("C", AT) / N), "coordinates of g": (G**2).eq(under("S", y**2)),
    "coordinates of b": (B**2).eq(under("S", b**2)), "Phi": PHI.eq(under("S", y * b)),
    "Tr S": tr(S).eq(under("S", 1 - under("C", AT**2) / N)), "Lam g = b": dot(vec("g"), vec("c")).eq(BEND),
}  # fmt: skip
#: the evidence for a pathwise bound, and for a bound at a random time
PATHWISE = (Evidence("sign clients"), Evidence("one step", {"method": "signs"}))
SCHEDULED = (
    Evidence(
        "random time", {"method": "signs", "model": "corrected", "constants": {"eps": 0.15}, "top": 12.0, "wide": 4.0}
    ),
)


def equation(model: Model) -> SDE:
    """The engine's SDE of DSignSGD."""
    return sde(DSignSGD(Scaled(Gaussian(), "sigma"), schedule=Free()), model)


def point() -> dict[Term, Any]:
    """A point with one client, d = 1 and g = 0, at which every term of the assumptions is a number."""
    return {
        eta: 0, N: 1, d: 1, L0: 1, L1: 1, eps: 0, T: 1, fstar: 0, f: 0, f0: 0, fT: 0, u: 1, M: 1, sigma: 1, y: 0, b: 0, AT: 0,
        a: 1, G: 0, B: 0, PHI: 0, BEND: 0, dot(vec("g"), vec("c")): 0, CURVATURE: 1, tr(S): 1, ratio: 1, R(ratio): 1,
    }  # fmt: skip


def generator(model: Model) -> Term:
    """L f of the engine's SDE."""
    return generator_of(loss_in_time(equation(model), u, VECTORS))


class SignFacts:
    """Facts about the coordinates, each proved at its first use."""

    def __init__(self, w: Derivation) -> None:
        self.w = w
        self.k = w.kernel

    # --- one number ---------------------------------------------------------------------------------------------

    @cached_property
    def zero(self) -> Fact:
        """R(0) = 0."""
        odd = self.k.declared("R", "odd", [num(0)])
        return self.w.combine("R(0) = 0", R(0).eq(0), equalities=[("1/2", odd)])

    @cached_property
    def unit_r(self) -> tuple[Fact, Fact, Fact]:
        """0 < r, r (1/r) = 1 and 0 < 1/r for a generic scale."""
        positive = self.k.assume(r.gt(0))
        return positive, *self.w.inverse(r, positive)

    @cached_property
    def generic(self) -> Fact:
        """0 <= z for the generic number z."""
        return self.k.assume(z.ge(0))

    @cached_property
    def share(self) -> Fact:
        """0 <= z/r."""
        return self.w.combine("z/r >= 0", (z / r).ge(0), [[self.generic, self.unit_r[2]]])

    @cached_property
    def nonnegative(self) -> Fact:
        """0 <= R(z/r)."""
        rising = self.k.declared("R", "nondecreasing", [num(0), z / r], [self.share])
        return self.w.combine("R >= 0 on the right", R(z / r).ge(0), [rising], [(-1, self.zero)])

    @cached_property
    def tangent(self) -> Fact:
        """R(z/r) <= 2 M z/r."""
        return self.k.declared("R", "slope", [z / r], [self.share])

    def near_and_far(
        self, claim: Relation, near: Callable[[Fact], tuple[Any, Any]], far: Callable[[Fact], Any]
    ) -> Fact:
        """A claim for z >= 0 and r > 0: by the chord of a concave function if z <= r, by monotonicity if z >= r.

        Args:
            near: the members and equalities, given the fact R(1) z/r + R(0) (1 - z/r) <= R(z/r).
            far: the members, given the fact R(1) <= R(z/r).
        """
        w, k, (_, unit, over) = self.w, self.k, self.unit_r
        inside, outside = k.assume(z.le(r)), k.assume(r.le(z))
        most = w.combine("z/r <= 1", (z / r).le(1), [[inside, over]], [unit])
        least = w.combine("z/r >= 1", (z / r).ge(1), [[outside, over]], [(-1, unit)])
        one, none = w.number(1), w.number(0)
        bow = k.declared("R", "concave_right", [num(1), num(0), z / r], [one, none, self.share, most])
        low = w.combine("near 0: the chord of a concave function", claim, *near(bow))
        high = w.combine("far from 0: monotony", claim, far(k.declared("R", "nondecreasing", [num(1), z / r], [least])))
        return w.step("for every z >= 0 and r > 0", k.cases(z.le(r), low, high))

    @cached_property
    def chord(self) -> Fact:
        """a (z - r/4) <= z R(z/r), where a = R(1)."""
        positive, unit, _ = self.unit_r
        return self.near_and_far(
            (a * (z - r / 4)).le(z * R(z / r)),
            lambda bow: (
                [[self.generic, bow], (1, ["a > 0", positive], z / r - num("1/2"))],
                [(-z * (1 - z / r), self.zero), (-a * z * (1 - z / r), unit)],
            ),
            lambda rising: [[self.generic, rising], ("1/4", ["a > 0", positive])],
        )

    # --- one coordinate and client --------------------------------------------------------------------------------

    def at(self, fact: Fact, value: Term, positive: Fact) -> Fact:
        """A generic fact at z = value and r = sigma_k, where `positive` is the fact value >= 0."""
        instance = self.w.prover.instance(fact, {"z": value, "r": sigma})
        instance = self.k.cut(instance, positive)
        scaled = self.k.normal.key(sigma.gt(0)) in instance.hypotheses
        return self.k.cut(instance, self.w["sigma_k > 0"]) if scaled else instance

    @cached_property
    def size(self) -> Fact:
        """0 <= |g_j|."""
        return self.k.function("abs_nonneg", [y])

    @cached_property
    def square(self) -> Fact:
        """|g_j|^2 = g_j^2."""
        return self.k.function("abs_square", [y])

    def both_signs(self, words: str, claim: Relation, fact: Fact) -> Fact:
        """A relation between g_j, |g_j| and R(g_j/sigma_k), from a generic fact at z = |g_j|, since R is odd."""
        w, k = self.w, self.k
        unit = k.inverse(sigma, w["sigma_k > 0"])
        branches = []
        for sign, here, same in w.either_sign(y):
            size = y if sign > 0 else -y
            at = self.at(fact, size, w.have("its own sign", size.ge(0), here))
            odd = [] if sign > 0 else [k.declared("R", "odd", [y / sigma])]
            branches.append(w.have("for one sign of g_j", claim, at, same, unit, here, w["sigma_k > 0"], *odd))
        return w.step(words, k.cases(num(0).le(y), *branches))

    @cached_property
    def product(self) -> Fact:
        """a (|g_j| - sigma_k/4) <= g_j R(g_j/sigma_k)."""
        return self.both_signs("for each coordinate and client", (a * (Y - sigma / 4)).le(y * AT), self.chord)

    @cached_property
    def aligned(self) -> Fact:
        """0 <= g_j R(g_j/sigma_k)."""
        return self.both_signs("R has the sign of its argument", (y * AT).ge(0), self.nonnegative)

    # --- sums -----------------------------------------------------------------------------------------------------

    @cached_property
    def per(self) -> tuple[Fact, Fact]:
        """N (1/N) = 1 and 0 < 1/N."""
        positive = self.w.combine("N > 0", N.gt(0), [1, "N >= 1"])
        return self.w.inverse(N, positive)

    def over_clients(self, words: str, claim: Relation, fact: Fact, *using: Fact | str) -> Fact:
        """The mean of a fact over clients, in terms of b."""
        return self.w.have(words, claim, self.k.monotone("C", fact), *self.per, "mean of the step", *using)

    def over_coordinates(self, words: str, claim: Relation, fact: Fact, *using: Fact | str) -> Fact:
        """The sum of a fact over coordinates."""
        return self.w.have(words, claim, self.k.monotone("S", fact), *using)

    @cached_property
    def phi_nonnegative(self) -> Fact:
        """0 <= Phi."""
        one = self.over_clients("g_j b_j >= 0", (y * b).ge(0), self.aligned)
        return self.over_coordinates("Phi >= 0", PHI.ge(0), one, "Phi")

    @cached_property
    def one_norm(self) -> Fact:
        """a (||g||_1 - d sigma-bar/4) <= Phi."""
        one = self.over_clients("for each coordinate", (a * (Y - BAR / 4)).le(y * b), self.product)
        return self.over_coordinates("the 1-norm of the gradient", (a * (ONE_NORM - d * BAR / 4)).le(PHI), one, "Phi")

    @cached_property
    def bounded(self) -> Fact:
        """R(g_j/sigma_k)^2 <= 1."""
        above, below = (self.k.declared("R", prop, [y / sigma]) for prop in ("bounded", "bounded_below"))
        return self.w.combine("|R| <= 1", (AT**2).le(1), [[above, below]])

    @cached_property
    def jensen(self) -> Fact:
        """b_j^2 <= (1/N) sum_k R(g_j/sigma_k)^2, from sum_k (R - b_j)^2 >= 0."""
        total, (unit, over) = self.k.monotone("C", self.w.square(AT - b)), self.per
        return self.w.combine(
            "the mean of squares", (b**2).le(under("C", AT**2) / N), [[over, total]], [(2 * b, "mean of the step"), (b**2, unit)]
        )  # fmt: skip

    @cached_property
    def short(self) -> Fact:
        """b_j^2 <= 1."""
        mean = self.over_clients("squares of signs", (under("C", AT**2) / N).le(1), self.bounded)
        return self.w.have("|b_j| <= 1", (b**2).le(1), self.jensen, mean)

    @cached_property
    def b_squared(self) -> Fact:
        """||b||^2 <= d."""
        return self.over_coordinates("||b||^2 <= d", (B**2).le(d), self.short, "coordinates of b")

    @cached_property
    def trace(self) -> Fact:
        """Tr S <= d - ||b||^2."""
        return self.over_coordinates("Tr S + ||b||^2 <= d", tr(S).le(d - B**2), self.jensen, "coordinates of b", "Tr S")

    @cached_property
    def trace_simple(self) -> Fact:
        """Tr S <= d."""
        return self.w.combine("Tr S <= d", tr(S).le(d), [self.trace, (1, [], B)])

    @cached_property
    def norm_one(self) -> Fact:
        """G <= ||g||_1, by the sum of g_j^2 <= |g_j| ||g||_1 and the root of both sides."""
        w, k = self.w, self.k
        part = k.component("S", self.size)
        each = w.have("each coordinate", (y**2).le(Y * ONE_NORM), part, self.size, self.square)
        total = self.over_coordinates("sum", (G**2).le(ONE_NORM**2), each, "coordinates of g")
        return self.root("G <= ||g||_1", G, ONE_NORM, total, k.nonnegative(G), self.k.monotone("S", self.size))

    def root(self, words: str, s: Term, t: Term, squares: Fact, first: Fact, second: Fact) -> Fact:
        """s <= t from s^2 <= t^2, 0 <= s and 0 <= t."""
        order = self.k.function("monotone:sqrt", [s**2, t**2], [self.w.square(s), squares])
        roots = (self.k.function("sqrt_of_square", [side], [sign]) for side, sign in ((s, first), (t, second)))
        return self.w.have(words, s.le(t), order, *roots)

    def smooth(self) -> tuple[Fact, Fact]:
        """b'Hb <= (L0 + L1 G) ||b||^2 and Tr(HS) <= (L0 + L1 G) Tr S."""
        w, k = self.w, self.k
        bend = w.combine(
            "smoothness along b", BEND.le((L0 + L1 * G) * B**2), [k.quad_bound("H", "bv"), (1, "smooth", B)]
        )
        spread = w.combine(
            "smoothness and noise", trprod(H, S).le((L0 + L1 * G) * tr(S)),
            [k.trace_bound("H", "S"), ["smooth", k.nonnegative(tr(S))]],
        )  # fmt: skip
        return bend, spread

    def second_order(self) -> Fact:
        """b'Hb + Tr(HS)/N <= (L0 + L1 G)(||b||^2 + Tr S/N)."""
        bend, spread = self.smooth()
        return self.w.combine(
            "both second-order terms", (BEND + trprod(H, S) / N).le(SECOND), [bend, [self.per[1], spread]]
        )

    @cached_property
    def everywhere(self) -> Fact:
        """(L0 + L1 G)(||b||^2 + Tr S/N) <= d (L0 + L1 (Phi/a + d sigma-bar/4)), from ||b||^2 + Tr S/N <= d."""
        w, (unit, over) = self.w, self.per
        some = w.have("1/N <= 1", (1 / N).le(1), over, unit, "N >= 1")
        less = w.have("||b||^2 + Tr S/N <= d", (B**2 + tr(S) / N).le(d), self.trace, self.b_squared, over, some, unit)
        return w.combine(
            "the square of the step", SECOND.le(d * (L0 + L1 * (PHI / a + d * BAR / 4))),
            [[self.smoothness, less], ["d >= 0", "L1 >= 0", self.reach]],
        )  # fmt: skip

    @cached_property
    def smoothness(self) -> Fact:
        """0 <= L0 + L1 G."""
        return self.w.have("L0 + L1 G >= 0", (L0 + L1 * G).ge(0), "L0 >= 0", "L1 >= 0", self.k.nonnegative(G))

    @cached_property
    def over_a(self) -> tuple[Fact, Fact]:
        """a (1/a) = 1 and 0 < 1/a."""
        return self.w.inverse(a, self.w["a > 0"])

    @cached_property
    def reach(self) -> Fact:
        """G <= Phi/a + d sigma-bar/4."""
        unit, over = self.over_a
        return self.w.combine(
            "G in terms of Φ", G.le(PHI / a + d * BAR / 4), [self.norm_one, [over, self.one_norm]],
            [(d * BAR / 4 - ONE_NORM, unit)],
        )  # fmt: skip


def drift_bound(model: Model, floor: Term) -> Relation:
    """L f <= -(1 - eps) u Phi + eta u^2 floor."""
    return generator(model).le(-(1 - eps) * u * PHI + eta * u**2 * floor)


def short() -> dict[Term, str]:
    """Letters for whole terms."""
    letters = {
        G: "G", B: r"\|b\|", PHI: r"\Phi", BEND: r"b^{\top}\nabla^2f\,b", BAR: r"\bar\sigma", INVERSE_H: r"\frac{1}{\sigma_H}",
        ONE_NORM: r"\|\nabla f\|_1", a: "R(1)", AT: r"R\!\left(\tfrac{g_j}{\sigma_k}\right)",
        R(Y / sigma): r"R\!\left(\tfrac{|g_j|}{\sigma_k}\right)", R(z / r): r"R\!\left(\tfrac{z}{\sigma}\right)",
        under("C", R(Y / sigma)) / N: r"\beta_j",
    }  # fmt: skip
    return letters | {generator(model): r"\mathcal{L}f" for model in ("first-order", "corrected")}


def common(model: Model = "corrected", **other: Any) -> dict[str, Any]:
    """The fields that the theorems about a model share; `other` replaces or adds fields."""
    return {
        "context": context(model), "definitions": DEFINITIONS, "recomputed": ("signs",), "point": point(), "names": NAMES, "short": short(),
        **other,
    }  # fmt: skip


def pair(
    ids: tuple[str, str], titles: tuple[str, str], source: str, floor: Term, rules: Mapping[str, Relation],
    pathwise: Callable[[Derivation], tuple[SignFacts, Fact]], model: Model = "corrected", evidence: tuple[Evidence, ...] = SCHEDULED,
) -> tuple[Theorem, Theorem]:  # fmt: skip
    """The bound on the drift of f, L f <= -(1 - eps) u Phi + eta u^2 floor, and the bound on Phi at a random time.

    Args:
        rules: further assumptions.
        pathwise: proves the bound on the drift.
        evidence: the evidence for the second theorem.
    """

    def prove(w: Derivation) -> tuple[Fact, Fact]:
        s, bound = pathwise(w)
        return s.per[1], bound

    return ub.pair(
        ids, titles, drift_bound(model, floor), PHI, floor, {**ASSUMPTIONS, **rules}, prove, (PATHWISE, evidence),
        ub.random_time(r"\Phi(X_{\hat T})"), source=source, **common(model),
    )  # fmt: skip
