"""Theory 6.4 (ours): two bounds for DSignSGD at every state of R^d, and their consequence for the gradient.

The noise is symmetric and unimodal; Cauchy noise is included. The first bound has a deterministic step condition. The floor of the
second falls like 1/N, by Chebyshev's sum inequality. Since Phi >= a sum_j g_j^2/(sigma-bar + |g_j|), the gradient is small if Phi
is small.
"""

from fractions import Fraction
from functools import cached_property

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, fn, num, tr, under, xi
from sdescent.derive.theorems.entry.symbols import L0, L1, G, N, S, d, eps, eta, r, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.theorems.signs.facts import AT, BAR, INVERSE_H, PHI, B, M, R, Y, a, b, sigma, y, z

STEP_ANYWHERE: dict[str, Relation] = {"step": (eta * u * d * L1).le(2 * eps * a)}
FLOOR_ANYWHERE = num("1/2") * d * (L0 + L1 * d * BAR / 4)
RATE_BY_CLIENTS = M * L0 * INVERSE_H + L1 * d / 2 + L1 * d / (2 * N) / a
STEP_BY_CLIENTS: dict[str, Relation] = {"step": (eta * u * RATE_BY_CLIENTS).le(eps), "M >= 0": M.ge(0)}
FLOOR_BY_CLIENTS = d / (2 * N) * (L0 + L1 * d * BAR / 4)
SIZE = under("C", R(Y / sigma)) / N
"""|b_j|, as the mean of R(|g_j|/sigma_k)."""
OTHER = xi("y")
OTHER_SIZE = under("C", R(fn("abs", OTHER) / sigma)) / N


class Ordered(sg.SignFacts):
    """Facts that use the sign of b_j and the order of the coordinates of b."""

    @cached_property
    def one_sign(self) -> tuple[Fact, Fact]:
        """b_j^2 <= SIZE^2 and |g_j| SIZE <= g_j b_j, since b_j is SIZE if g_j >= 0 and -SIZE if g_j <= 0."""
        w, k = self.w, self.k
        branches: list[list[Fact]] = [[], []]
        for sign, _, same in w.either_sign(y):
            size = y if sign > 0 else -y
            up = w.combine("equal arguments", (Y / sigma).le(size / sigma), (), [(1 / sigma, same)])
            down = w.combine("equal arguments", (size / sigma).le(Y / sigma), (), [(-1 / sigma, same)])
            above, below = (
                k.declared("R", "nondecreasing", [Y / sigma, size / sigma], [up]),
                k.declared("R", "nondecreasing", [size / sigma, Y / sigma], [down]),
            )
            odd = [] if sign > 0 else [(1, k.declared("R", "odd", [y / sigma]))]
            low = w.combine("one client", R(Y / sigma).le(sign * AT), [above], odd)
            high = w.combine("one client", (sign * AT).le(R(Y / sigma)), [below], [(-c, o) for c, o in odd])
            mean_low = w.have("the mean", SIZE.le(sign * b), k.monotone("C", low), self.per[1], "mean of the step")
            mean_high = w.have("the mean", (sign * b).le(SIZE), k.monotone("C", high), self.per[1], "mean of the step")
            square = [[mean_high, mean_low], (2, [mean_high, self.size_nonnegative])]
            branches[0].append(w.combine("the square", (b**2).le(SIZE**2), square))
            product = [[self.size, mean_low]]
            branches[1].append(w.combine("the product", (Y * SIZE).le(y * b), product, [(sign * b, same)]))
        return tuple(w.step("for either sign of g_j", k.cases(num(0).le(y), *pair)) for pair in branches)  # pyright: ignore[reportReturnType]

    @cached_property
    def size_nonnegative(self) -> Fact:
        """0 <= SIZE."""
        one = self.at(self.nonnegative, Y, self.size)
        return self.w.have("|b_j| >= 0", SIZE.ge(0), self.k.monotone("C", one), self.per[1])

    @cached_property
    def size_small(self) -> Fact:
        """SIZE <= 1."""
        one = self.k.declared("R", "bounded", [Y / sigma])
        return self.w.have("|b_j| <= 1", SIZE.le(1), self.k.monotone("C", one), *self.per)

    @cached_property
    def size_linear(self) -> Fact:
        """SIZE <= 2 M |g_j|/sigma_H."""
        one = self.at(self.tangent, Y, self.size)
        return self.w.have(
            "|b_j| <= 2 M |g_j|/sigma_H", SIZE.le(2 * M * Y * INVERSE_H), self.k.monotone("C", one), self.per[1]
        )

    @cached_property
    def steep(self) -> Fact:
        """||b||^2 <= (2M/sigma_H) Phi."""
        square, product = self.one_sign
        w = self.w
        rate = w.have(
            "1/sigma_H >= 0",
            INVERSE_H.ge(0),
            self.k.monotone("C", self.weak(self.w.inverse(sigma, w["sigma_k > 0"])[1])),
            self.per[1],
        )
        each = w.combine(
            "each coordinate", (b**2).le(2 * M * INVERSE_H * (y * b)),
            [square, [self.size_nonnegative, self.size_linear], (2, ["M >= 0", rate, product])],
        )  # fmt: skip
        return self.over_coordinates(
            "||b||^2 <= 2 M Phi/sigma_H", (B**2).le(2 * M * INVERSE_H * PHI), each, "coordinates of b", "Phi"
        )

    def weak(self, strict: Fact) -> Fact:
        """The relation with <=, from the same relation with <."""
        return self.k.certify(num(0).le(strict.claim.slack), [strict], sum=[(Fraction(1), (0,), ())])

    @cached_property
    def similarly_ordered(self) -> Fact:
        """0 <= (|g_j| - |g_i|)(R(|g_j|/sigma_k) - R(|g_i|/sigma_k)), since R is nondecreasing."""
        w, k = self.w, self.k
        other = fn("abs", OTHER)
        over = self.w.inverse(sigma, w["sigma_k > 0"])[1]
        claim = num(0).le((Y - other) * (R(Y / sigma) - R(other / sigma)))
        branches = []
        for low, high in ((Y, other), (other, Y)):
            here = k.assume(low.le(high))
            order = w.combine("the same order", (low / sigma).le(high / sigma), [[over, here]])
            rising = k.declared("R", "nondecreasing", [low / sigma, high / sigma], [order])
            branches.append(w.combine("in either order", claim, [[here, rising]]))
        return w.step("similarly ordered", k.cases(Y.le(other), *branches))

    @cached_property
    def chebyshev(self) -> Fact:
        """||g||_1 sum_j |b_j| <= d sum_j |g_j||b_j|, from the double sum of the products of differences."""
        w, k = self.w, self.k
        mean = w.have(
            "the mean over clients", num(0).le((Y - fn("abs", OTHER)) * (SIZE - OTHER_SIZE)), k.monotone("C", self.similarly_ordered), self.per[1]
        )  # fmt: skip
        double = k.monotone("S", k.monotone("Si", mean))
        claim = (sg.ONE_NORM * under("S", SIZE)).le(d * under("S", Y * SIZE))
        return w.have("Chebyshev's sum inequality", claim, double)

    @cached_property
    def large(self) -> Fact:
        """G ||b||^2 <= d Phi."""
        w, k = self.w, self.k
        square, product = self.one_sign
        each = w.combine("b_j^2 <= |b_j|", (b**2).le(SIZE), [square, [self.size_nonnegative, self.size_small]])
        total = self.over_coordinates("||b||^2 <= ||b||_1", (B**2).le(under("S", SIZE)), each, "coordinates of b")
        phi = self.over_coordinates("in terms of Φ", under("S", Y * SIZE).le(PHI), product, "Phi")
        one = k.monotone("S", self.size)
        return w.combine(
            "G ||b||^2 <= d Phi", (G * B**2).le(d * PHI),
            [(1, self.norm_one, B), [one, total], self.chebyshev, ["d >= 0", phi]],
        )  # fmt: skip

    @cached_property
    def by_clients(self) -> Fact:
        """(L0 + L1 G)(||b||^2 + Tr S/N) <= (2 M L0/sigma_H + L1 d) Phi + (d/N)(L0 + L1 (Phi/a + d sigma-bar/4))."""
        w = self.w
        curved = w.combine(
            "the deterministic term", ((L0 + L1 * G) * B**2).le((2 * M * L0 * INVERSE_H + L1 * d) * PHI),
            [["L0 >= 0", self.steep], ["L1 >= 0", self.large]],
        )  # fmt: skip
        noisy = w.combine(
            "the noise", ((L0 + L1 * G) * tr(S)).le(d * (L0 + L1 * (PHI / a + d * BAR / 4))),
            [[self.smoothness, self.trace_simple], ["d >= 0", "L1 >= 0", self.reach]],
        )  # fmt: skip
        rate = (2 * M * L0 * INVERSE_H + L1 * d) * PHI + d / N * (L0 + L1 * (PHI / a + d * BAR / 4))
        return w.combine("the square of the step", sg.SECOND.le(rate), [curved, [self.per[1], noisy]])


def anywhere(w: Derivation) -> tuple[sg.SignFacts, Fact]:
    """L f <= -(1 - eps) u Phi + eta u^2 d (L0 + L1 d sigma-bar/4)/2."""
    s = sg.SignFacts(w)
    unit, over = s.over_a
    bound = w.combine(
        "the bound on the drift of f", sg.drift_bound("corrected", FLOOR_ANYWHERE),
        [
            ("1/2", ["eta >= 0", s.second_order()], u), ("1/2", ["eta >= 0", s.everywhere], u),
            ("1/2", ["u >= 0", s.phi_nonnegative, over, "step"]),
        ],
        [(num("1/2") * eta * u**2, "Lam g = b"), (eps * u * PHI, unit)],
    )  # fmt: skip
    return s, bound


def by_clients(w: Derivation) -> tuple[Ordered, Fact]:
    """L f <= -(1 - eps) u Phi + eta u^2 d (L0 + L1 d sigma-bar/4)/(2N)."""
    s = Ordered(w)
    bound = w.combine(
        "the bound on the drift of f", sg.drift_bound("corrected", FLOOR_BY_CLIENTS),
        [
            ("1/2", ["eta >= 0", s.second_order()], u), ("1/2", ["eta >= 0", s.by_clients], u),
            ["u >= 0", s.phi_nonnegative, "step"],
        ],
        [(num("1/2") * eta * u**2, "Lam g = b")],
    )  # fmt: skip
    return s, bound


SPREAD = BAR + Y
READING = (a * under("S", y**2 / SPREAD)).le(PHI)


class Reading(sg.SignFacts):
    """Facts that bound the gradient in terms of Phi."""

    @cached_property
    def hyperbola(self) -> Fact:
        """a z <= (z + r) R(z/r), since a z/r <= R if z <= r, and a <= R if z >= r."""
        positive, unit, _ = self.unit_r
        return self.near_and_far(
            (a * z).le((z + r) * R(z / r)),
            lambda bow: (
                [[self.generic, bow], [positive, bow], ["a > 0", self.generic, self.share]],
                [(-(z + r) * (1 - z / r), self.zero), (-a * z, unit)],
            ),
            lambda rising: [[self.generic, rising], [positive, rising], ["a > 0", positive]],
        )

    @cached_property
    def reading(self) -> Fact:
        """a g_j^2/(sigma-bar + |g_j|) <= g_j b_j, from 1/s >= 2/m - s/m^2 at s = sigma_k + |g_j| and the mean over clients."""
        w, k = self.w, self.k
        lifted = w.combine("times z", (a * z**2).le((z + r) * (z * R(z / r))), [[self.generic, self.hyperbola]])
        one = self.both_signs("for each coordinate and client", (a * Y**2).le((Y + sigma) * (y * AT)), lifted)
        s, m = Y + sigma, SPREAD
        positive = w.combine("sigma_k + |g_j| > 0", num(0).lt(s), ["sigma_k > 0", self.size])
        unit_s, over_s = self.w.inverse(s, positive)
        part = k.component("C", w["sigma_k > 0"])
        total = w.combine("the scales", num(0).lt(BAR), [[self.per[1], part], [self.per[1], "sigma_k > 0"]])
        unit_m, _ = self.w.inverse(m, w.combine("sigma-bar + |g_j| > 0", num(0).lt(m), [total, self.size]))
        divided = w.combine("divide", (a * Y**2 / s).le(y * AT), [[over_s, one]], [(y * AT, unit_s)])
        tangent = w.combine(
            "the tangent of 1/s",
            (2 / m - s * (1 / m) ** 2).le(1 / s),
            [(1, over_s, 1 - s / m)],
            [(-2 / m + s * (1 / m) ** 2, unit_s)],
        )
        client = w.combine(
            "for each client", (a * Y**2 * (2 / m - s * (1 / m) ** 2)).le(y * AT), [divided, (1, ["a > 0", tangent], Y)]
        )
        mean = self.over_clients(
            "the mean over clients", (a * Y**2 * (2 / m - (Y + BAR) * (1 / m) ** 2)).le(y * b), client
        )
        return w.combine(
            "one coordinate", (a * y**2 / m).le(y * b), [mean], [(a * Y**2 / m, unit_m), (-a / m, self.square)]
        )

    @cached_property
    def total(self) -> Fact:
        """a sum_j g_j^2/(sigma-bar + |g_j|) <= Phi, the sum over coordinates."""
        return self.over_coordinates("sum over coordinates", READING, self.reading, "Phi")


WHAT_PHI_SAYS = Theorem(
    id="6.4-reading",
    title="What a bound on Φ says of the gradient",
    source="ours",
    claim=READING,
    assumptions={"N >= 1": sg.ASSUMPTIONS["N >= 1"], "sigma_k > 0": sg.ASSUMPTIONS["sigma_k > 0"], **sg.SPREAD},
    prove=lambda w: Reading(w).total,
    evidence=(Evidence("sign clients"),),
    **sg.common(definitions={name: sg.DEFINITIONS[name] for name in ("mean of the step", "Phi")}),
)
TITLE = "DSignSGD, corrected model, with the floor of order 1/N"
ENTRIES = (
    *sg.pair(
        ("6.4-global-pathwise", "6.4-global-scheduled"),
        ("DSignSGD, corrected model, every state", "DSignSGD, corrected model, under standard schedules, heavy tails included"),
        "ours", FLOOR_ANYWHERE, {**sg.SPREAD, **STEP_ANYWHERE}, anywhere,
    ),
    *sg.pair(
        ("6.4-clients-pathwise", "6.4-clients-scheduled"), (f"{TITLE}, pathwise", f"{TITLE}, scheduled"), "ours", FLOOR_BY_CLIENTS,
        {**sg.SPREAD, **STEP_BY_CLIENTS}, by_clients,
    ),
    WHAT_PHI_SAYS,
)  # fmt: skip
