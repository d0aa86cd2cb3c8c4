"""Theory 6.4 for DSignSGD itself while no slope exceeds rho times a scale: one step, and the average over its steps."""

from __future__ import annotations

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation
from derive.theorems.discrete import averaged as av
from derive.theorems.discrete import signs as ds
from derive.theorems.discrete.averaged import PSI, eps, eta, u
from derive.theorems.entry.theorem import Derivation
from derive.theorems.signs.bounded_ratio import BOUNDED, FLOOR, SLOPE, Bounded, K, moderate
from derive.theorems.signs.setting import INVERSE_H, L1, PHI, G, M, N, d

RULES: dict[str, Relation] = {**BOUNDED, "eps >= 0": eps.ge(0), "step": (2 * PSI * eta * u * K["corrected"]).le(eps * SLOPE), "M >= 0": M.ge(0)}


def one_step(w: Derivation) -> Fact:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u Phi + eta^2 u^2 2 psi(c) FLOOR, FLOOR that of the corrected SDE."""
    s, known = Bounded(w), ds.given(w)
    unit = w.kernel.inverse(INVERSE_H, s.strict_harmonic)
    return w.combine(
        "the bound on one step", ds.step_bound(2 * PSI * FLOOR["corrected"]),
        [
            *ds.descent(w, known, moderate(s)), (1, [known.rate, "u >= 0", s.positive_harmonic, known.step], (G,)),
            (1, ["eps >= 0", known.rate, "u >= 0", s.quadratic], ()),
        ],
        [(-(known.factor * eta**2 * u**2 * G**2 * L1 * d / (2 * N)), unit)],
    )  # fmt: skip


def scheduled(w: Derivation) -> Fact:
    """The average over the steps."""
    return av.averaged(w, one_step(w), PHI, ds.whole(2 * PSI * FLOOR["corrected"]))


GIVEN = {**ds.REACH, **RULES}
ENTRIES = (
    ds.theorem(
        "6.4-corrected-method", "DSignSGD itself, one step, while no slope exceeds ρ times a scale",
        ds.step_bound(2 * PSI * FLOOR["corrected"]),
        r"The condition and the floor are those of 6.4-corrected times $2\psi(c)$.", one_step, GIVEN, ds.STEPS, False,
    ),
    ds.theorem(
        "6.4-corrected-scheduled-method", "DSignSGD itself, the average over its steps, while no slope exceeds ρ times a scale",
        av.mean_bound(PHI, ds.whole(2 * PSI * FLOOR["corrected"])),
        r"With $T=\eta K$ and $\int u^i$ for $\eta\sum u_n^i$ this is 6.4-corrected-scheduled with the condition and the floor times $2\psi(c)$.",
        scheduled, GIVEN, ds.SUMS, True,
    ),
)  # fmt: skip
