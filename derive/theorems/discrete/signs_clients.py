"""Theory 6.4 for DSignSGD itself, with the floor of order 1/N: one step, and the average over its steps."""

from __future__ import annotations

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation, under
from derive.theorems.discrete import averaged as av
from derive.theorems.discrete import signs as ds
from derive.theorems.discrete.averaged import PSI, Af, eps, eta, u
from derive.theorems.entry.theorem import Derivation
from derive.theorems.signs import setting as sg
from derive.theorems.signs.clients import FLOOR, RATE, Ordered
from derive.theorems.signs.setting import PHI, M

STEP: dict[str, Relation] = {"step": (2 * PSI * eta * u * RATE).le(eps), "M >= 0": M.ge(0)}


def one_step(w: Derivation) -> Fact:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u Phi + eta^2 u^2 2 psi(c) FLOOR, FLOOR that of the corrected SDE."""
    s, known = Ordered(w), ds.given(w)
    return w.combine(
        "the bound on one step", Af.le(-(1 - eps) * eta * u * PHI + eta**2 * u**2 * known.factor * FLOOR),
        [*ds.descent(w, known, s.by_clients), (1, [known.rate, "u >= 0", s.phi_nonnegative, known.step], ())],
    )  # fmt: skip


def scheduled(w: Derivation) -> Fact:
    """The average over the steps."""
    return av.averaged(w, one_step(w), PHI, eta**2 * 2 * PSI * FLOOR * under("I", u**2))


SAID = (
    r"For symmetric unimodal noise of density $M$ at $0$, " + ds.SMOOTH + r"$L_1\eta u\sqrt d\le c$ and "
    r"$2\psi(c)\,\eta u\left(\frac{ML_0}{\sigma_H}+\frac{L_1d}{2}+\frac{L_1d}{2R(1)N}\right)\le\varepsilon$"
)
SAID_FLOOR = r"\psi(c)\,\frac{d}{N}\left(L_0+\frac{L_1d\bar\sigma}{4}\right)"
GIVEN = {**sg.SPREAD, **ds.REACH, **STEP}
ENTRIES = (
    ds.theorem(
        "6.4-clients-pathwise-method", "DSignSGD itself, with the floor of order 1/N, one step",
        SAID + r": $\mathbb{E}_nf(x_{n+1})-f(x_n)\le-(1-\varepsilon)\,\eta u\,\Phi+\eta^2u^2\," + SAID_FLOOR + r"$.",
        r"The mean square of a step is $\eta^2u^2\left(\|b\|^2+\frac1N\operatorname{Tr}S\right)$, for equal clients "
        r"$\eta^2u^2\sum_j\left(b_j^2+\frac{1-b_j^2}{N}\right)$. The condition and the floor are those of 6.4-clients-pathwise times $2\psi(c)$.",
        one_step, GIVEN, ds.STEPS, False,
    ),
    ds.theorem(
        "6.4-clients-scheduled-method", "DSignSGD itself, with the floor of order 1/N, the average over its steps",
        SAID + r" for all $n<K$, $f\ge f^*$: $\frac{\mathbb{E}\sum u_n\Phi_n}{\sum u_n}\le\frac{f(x_0)-f^*+\eta^2\," + SAID_FLOOR
        + r"\sum u_n^2}{(1-\varepsilon)\,\eta\sum u_n}$, sums over $n<K$.",
        r"With $T=\eta K$ and $\int u^i$ for $\eta\sum u_n^i$ this is 6.4-clients-scheduled with the condition and the floor times $2\psi(c)$.",
        scheduled, GIVEN, ds.SUMS, True,
    ),
)  # fmt: skip
