"""Which theorem on an SDE each theorem on a method is the counterpart of, and the factor of L0 and L1 between the two.

A step D obeys the descent lemma with psi(c) (L0 + L1 ||g||) ||D||^2 where Ito's formula has one half in place of psi(c), for steps
with L1 ||D|| <= c. So the constants of the method are those of the corrected SDE with L0 and L1 times 2 psi(c); for L1 = 0 the
factor is 1.
"""

from __future__ import annotations

from sdescent.derive.proof.language.context import parts
from sdescent.derive.theorems.entry.theorem import Theorem

#: theorem on a method -> the one on its SDE
BESIDE = {
    "6.2-pathwise-method": "6.2-pathwise", "6.2-scheduled-method": "6.2-scheduled",
    "6.2-pathwise-bounded-method": "6.2-pathwise", "6.2-scheduled-bounded-method": "6.2-scheduled",
    "6.5-corrected-method": "6.5-corrected", "6.2-heavy-ball-step-method": "6.2-heavy-ball-pathwise",
    "6.2-heavy-ball-method": "6.2-heavy-ball-average", "6.4-global-pathwise-method": "6.4-global-pathwise",
    "6.4-global-scheduled-method": "6.4-global-scheduled", "6.4-global-decreasing-method": "6.4-global-scheduled",
    "6.4-clients-pathwise-method": "6.4-clients-pathwise", "6.4-clients-scheduled-method": "6.4-clients-scheduled",
    "6.4-corrected-method": "6.4-corrected", "6.4-corrected-scheduled-method": "6.4-corrected-scheduled",
}  # fmt: skip
#: the factor, as LaTeX
BENT, SAME = r"2\psi(c)", "1"


def factor(theorem: Theorem) -> str:
    """The factor of L0 and L1 in a theorem on a method, by whether its assumptions have psi in them; dimensionless."""
    said = (part for r in theorem.assumptions.values() for side in (r.left, r.right) for part in parts(side))
    return BENT if any(part[:2] == ("f", "psi") for part in said) else SAME
