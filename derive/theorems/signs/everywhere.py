"""Theory 6.4 (ours): DSignSGD under a deterministic step condition on all of R^d, for every symmetric unimodal noise, Cauchy included."""

from __future__ import annotations

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation, num
from derive.theorems.entry.theorem import Derivation
from derive.theorems.signs import setting as sg
from derive.theorems.signs.setting import BAR, L0, L1, PHI, SignFacts, a, d, eps, eta, u

STEP: dict[str, Relation] = {"step": (eta * u * d * L1).le(2 * eps * a)}
FLOOR = num("1/2") * d * (L0 + L1 * d * BAR / 4)


def pathwise(w: Derivation) -> tuple[SignFacts, Fact]:
    """L f <= -(1 - eps) u Phi + eta u^2 d (L0 + L1 d sigma-bar/4)/2."""
    s = SignFacts(w)
    unit, over = s.over_a
    bound = w.combine(
        "the bound on the drift of f", sg.drift_bound("corrected", FLOOR),
        [
            ("1/2", ["eta >= 0", s.second_order()], (u,)),
            ("1/2", ["eta >= 0", s.everywhere], (u,)),
            ("1/2", ["u >= 0", s.phi_nonnegative, over, "step"], ()),
        ],
        [(num("1/2") * eta * u**2, "Lam g = b"), (eps * u * PHI, unit)],
    )  # fmt: skip
    return s, bound


ENTRIES = sg.pair(
    ("6.4-global-pathwise", "6.4-global-scheduled"),
    ("DSignSGD, corrected model, every state", "DSignSGD, corrected model, under standard schedules, heavy tails included"),
    "theory 6.4 (ours)", FLOOR, {**sg.SPREAD, **STEP}, pathwise,
)  # fmt: skip
