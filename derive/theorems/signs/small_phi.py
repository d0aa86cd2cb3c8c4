"""Theory 6.4, reading Phi: Phi >= a sum_j g_j^2/(sigma-bar + |g_j|), so a small Phi is a small gradient."""

from __future__ import annotations

from functools import cached_property

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import num, under
from sdescent.derive.theorems.entry.symbols import r
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.theorems.signs.facts import AT, BAR, PHI, R, SignFacts, Y, a, b, sigma, y, z

SPREAD = BAR + Y
READING = (a * under("S", y**2 / SPREAD)).le(PHI)


class Reading(SignFacts):
    """The facts that turn Phi into the gradient."""

    @cached_property
    def hyperbola(self) -> Fact:
        """a z <= (z + r) R(z/r): a z/r <= R where z <= r, a <= R where z >= r."""
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
        """a g_j^2/(sigma-bar + |g_j|) <= g_j b_j: 1/s >= 2/m - s/m^2 at s = sigma_k + |g_j|, and the mean over clients."""
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
            "the tangent of 1/s", (2 / m - s * (1 / m) ** 2).le(1 / s), [(1, over_s, 1 - s / m)],
            [(-2 / m + s * (1 / m) ** 2, unit_s)],
        )  # fmt: skip
        client = w.combine(
            "for each client", (a * Y**2 * (2 / m - s * (1 / m) ** 2)).le(y * AT), [divided, (1, ["a > 0", tangent], Y)]
        )
        mean = self.over_clients(
            "the mean over clients", (a * Y**2 * (2 / m - (Y + BAR) * (1 / m) ** 2)).le(y * b), client
        )
        return w.combine(
            "one coordinate", (a * y**2 / m).le(y * b), [mean], [(a * Y**2 / m, unit_m), (-a / m, self.square)]
        )


def prove(w: Derivation) -> Fact:
    s = Reading(w)
    return s.over_coordinates("sum over coordinates", READING, s.reading, "Phi")


ENTRIES = (
    Theorem(
        id="6.4-reading",
        title="What a bound on Φ says of the gradient",
        source="theory 6.4",
        claim=READING,
        assumptions={"N >= 1": sg.ASSUMPTIONS["N >= 1"], "sigma_k > 0": sg.ASSUMPTIONS["sigma_k > 0"], **sg.SPREAD},
        prove=prove,
        evidence=(Evidence("sign clients"),),
        **sg.common(definitions={name: sg.DEFINITIONS[name] for name in ("mean of the step", "Phi")}),
    ),
)
