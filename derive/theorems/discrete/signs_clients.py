"""Theory 6.4 for DSignSGD itself, with the floor of order 1/N: one step, and the average over its steps."""

from __future__ import annotations

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation
from derive.theorems.discrete import averaged as av
from derive.theorems.discrete import signs as ds
from derive.theorems.discrete.averaged import PSI, eps, eta, u
from derive.theorems.entry.theorem import Derivation
from derive.theorems.signs import setting as sg
from derive.theorems.signs.clients import FLOOR, RATE, Ordered
from derive.theorems.signs.setting import PHI, M

STEP: dict[str, Relation] = {"step": (2 * PSI * eta * u * RATE).le(eps), "M >= 0": M.ge(0)}


def one_step(w: Derivation) -> Fact:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u Phi + eta^2 u^2 2 psi(c) FLOOR, FLOOR that of the corrected SDE."""
    s, known = Ordered(w), ds.given(w)
    return w.combine(
        "the bound on one step", ds.step_bound(2 * PSI * FLOOR),
        [*ds.descent(w, known, s.by_clients), (1, [known.rate, "u >= 0", s.phi_nonnegative, known.step], ())],
    )  # fmt: skip


def scheduled(w: Derivation) -> Fact:
    """The average over the steps."""
    return av.averaged(w, one_step(w), PHI, ds.whole(2 * PSI * FLOOR))


GIVEN = {**sg.SPREAD, **ds.REACH, **STEP}
ENTRIES = (
    ds.theorem(
        "6.4-clients-pathwise-method", "DSignSGD itself, with the floor of order 1/N, one step",
        ds.step_bound(2 * PSI * FLOOR),
        r"The mean square of a step is $\eta^2u^2\left(\|b\|^2+\frac1N\operatorname{Tr}S\right)$, for equal clients "
        r"$\eta^2u^2\sum_j\left(b_j^2+\frac{1-b_j^2}{N}\right)$. The condition and the floor are those of 6.4-clients-pathwise times $2\psi(c)$.",
        one_step, GIVEN, ds.STEPS, False,
    ),
    ds.theorem(
        "6.4-clients-scheduled-method", "DSignSGD itself, with the floor of order 1/N, the average over its steps",
        av.mean_bound(PHI, ds.whole(2 * PSI * FLOOR)),
        r"With $T=\eta K$ and $\int u^i$ for $\eta\sum u_n^i$ this is 6.4-clients-scheduled with the condition and the floor times $2\psi(c)$.",
        scheduled, GIVEN, ds.SUMS, True,
    ),
)  # fmt: skip
