"""Theory 6.4 (ours): DSignSGD under a deterministic step condition on all of R^d, for every symmetric unimodal noise, Cauchy included."""

from __future__ import annotations

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation, num
from derive.theorems.entry.theorem import Derivation, Theorem
from derive.theorems.signs import setting as sg
from derive.theorems.signs.setting import BAR, L0, L1, PHI, SignFacts, a, d, eps, eta, u

STEP: dict[str, Relation] = {"step": (eta * u * d * L1).le(2 * eps * a)}
FLOOR = num("1/2") * d * (L0 + L1 * d * BAR / 4)


def pathwise(w: Derivation) -> tuple[SignFacts, Fact]:
    """L f <= -(1 - eps) u Phi + eta u^2 d (L0 + L1 d sigma-bar/4)/2."""
    s = SignFacts(w)
    unit, over = s.over_a
    bound = w.combine(
        "the bound on the drift of f", sg.generator("corrected", u).le(-(1 - eps) * u * PHI + eta * u**2 * FLOOR),
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


SAID = r"For symmetric unimodal noise with distribution function $F$, $R=2F-1$, $R(1)>0$, and $\eta u\,\frac{d}{2}L_1\le\varepsilon R(1)$: "
PATHWISE = Theorem(
    id="6.4-global-pathwise",
    title="DSignSGD, corrected model, every state",
    source="theory 6.4 (ours)",
    statement=SAID
    + r"$\mathcal{L}f\le-(1-\varepsilon)\,u\,\Phi+\frac{\eta u^2d}{2}\left(L_0+\frac{L_1d\bar\sigma}{4}\right)$, $\Phi=\sum_jg_jb_j$.",
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
    statement=SAID
    + r"$\mathbb{E}[\Phi(X_{\hat T});\hat T<\tau]\le\frac{f(x_0)-f^*+\frac{\eta d}{2}\left(L_0+\frac{L_1d\bar\sigma}{4}\right)\phi_2}{(1-\varepsilon)\,\phi_1}$. "
    r"No moment of the noise is used; $\tau$ is the explosion time.",
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
