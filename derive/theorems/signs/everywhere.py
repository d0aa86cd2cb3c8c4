"""Theory 6.4 (ours): DSignSGD under a deterministic step condition on all of R^d, for every symmetric unimodal noise, Cauchy included."""

from __future__ import annotations

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation, num
from derive.theorems.entry.theorem import Derivation, Theorem
from derive.theorems.signs import setting as sg
from derive.theorems.signs.setting import BAR, L0, L1, PHI, SignFacts, a, d, eps, eta, u
from derive.theorems.unbiased.setting import mean_bound, random_time

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


def scheduled(w: Derivation) -> Fact:
    s, bound = pathwise(w)
    return s.integrated(bound, PHI, FLOOR)


PATHWISE = Theorem(
    id="6.4-global-pathwise",
    title="DSignSGD, corrected model, every state",
    source="theory 6.4 (ours)",
    claim=sg.drift_bound("corrected", FLOOR),
    context=sg.context(),
    assumptions={**sg.ASSUMPTIONS, **sg.SPREAD, **STEP},
    definitions=sg.DEFINITIONS,
    recomputed=("signs",),
    point=sg.point(),
    names=sg.NAMES,
    short=sg.short(),
    prove=lambda w: pathwise(w)[1],
    evidence=sg.PATHWISE,
)
SCHEDULED = Theorem(
    id="6.4-global-scheduled",
    title="DSignSGD, corrected model, under standard schedules, heavy tails included",
    source="theory 6.4 (ours)",
    claim=mean_bound(PHI, FLOOR),
    remark=random_time(r"\Phi(X_{\hat T})"),
    context=sg.context(),
    assumptions={**sg.ASSUMPTIONS, **sg.SPREAD, **STEP, **sg.ENDS},
    definitions=sg.DEFINITIONS,
    recomputed=("signs",),
    point=sg.point(),
    names=sg.NAMES,
    short=sg.short(),
    prove=scheduled,
    evidence=sg.SCHEDULED,
)
ENTRIES = (PATHWISE, SCHEDULED)
