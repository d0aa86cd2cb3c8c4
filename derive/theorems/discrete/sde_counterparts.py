"""Pairs of theorems about a method and its SDE, and the factor of L0 and L1 between the two.

A step D with L1 ||D|| <= c obeys the descent lemma with psi(c) (L0 + L1 ||g||) ||D||^2, and Ito's formula has 1/2 in place of
psi(c). Hence the constants L0 and L1 of the corrected SDE become 2 psi(c) L0 and 2 psi(c) L1 for the method. If L1 = 0, the factor
is 1.
"""

from sdescent.derive.proof.language.context import parts
from sdescent.derive.theorems.entry.theorem import Theorem

#: theorem about a method -> theorem about its SDE
BESIDE = {
    "6.2-pathwise-method": "6.2-pathwise", "6.2-scheduled-method": "6.2-scheduled",
    "6.2-pathwise-bounded-method": "6.2-pathwise", "6.2-scheduled-bounded-method": "6.2-scheduled",
    "6.5-corrected-method": "6.5-corrected", "6.2-heavy-ball-step-method": "6.2-heavy-ball-pathwise",
    "6.2-heavy-ball-method": "6.2-heavy-ball-average", "6.4-global-pathwise-method": "6.4-global-pathwise",
    "6.4-global-scheduled-method": "6.4-global-scheduled", "6.4-global-decreasing-method": "6.4-global-scheduled",
    "6.4-clients-pathwise-method": "6.4-clients-pathwise", "6.4-clients-scheduled-method": "6.4-clients-scheduled",
    "6.4-corrected-method": "6.4-corrected", "6.4-corrected-scheduled-method": "6.4-corrected-scheduled",
}  # fmt: skip
#: the two possible factors, as LaTeX
BENT, SAME = r"2\psi(c)", "1"


def factor(theorem: Theorem) -> str:
    """The dimensionless factor of L0 and L1 in a theorem about a method: 2 psi(c) if its assumptions contain psi, else 1."""
    said = (part for r in theorem.assumptions.values() for side in (r.left, r.right) for part in parts(side))
    return BENT if any(part[:2] == ("f", "psi") for part in said) else SAME
