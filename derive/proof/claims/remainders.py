"""Facts about psi(t) = (exp(t) - 1 - t)/t^2 for t zero, positive or negative.

Claims in one variable are proved through derivatives, and the kernel has none for psi. If t is nonzero, a claim about psi(t)
becomes one about exp(t); if t is 0, one about 1/2. Since psi is increasing, its values at the ends of an interval bound it there.
"""

from fractions import Fraction

from sdescent.derive.proof.claims.branch import ZERO, Branch
from sdescent.derive.proof.claims.one_variable import OneVariable
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Term, fn, num
from sdescent.derive.proof.search.intervals.extrema import rounded_down, value_of
from sdescent.derive.proof.search.one_variable import find

#: decimals of the bounds of psi at an end of an interval
DIGITS = 12
HALF = num(Fraction(1, 2))


def away_from_zero(branch: Branch, t: Term) -> Fact | None:
    """The fact psi(t) == (exp(t) - 1 - t) (1/t)^2 if the branch has t * (1/t) == 1, else None."""
    unit = branch.fact_of((t * (1 / t)).eq(1))
    if unit is None:
        return None
    law, size, inverse = branch.kernel.function("psi_square", [t]), fn("psi", t), 1 / t
    claim = size.eq((fn("exp", t) - 1 - t) * inverse**2)
    # with i = 1/t: (exp(t) - 1 - t) i^2 - psi = (exp(t) - 1 - t - psi t^2) i^2 - psi (1 + t i) (1 - t i)
    return branch.kernel.certify(claim, [law, unit], equalities=[(0, inverse**2), (1, -(size * (1 + t * inverse)))])


def at_zero(branch: Branch, t: Term, below: Fact, above: Fact) -> Fact:
    """The fact psi(t) == 1/2 from t <= 0 and 0 <= t."""
    rises = branch.kernel.function
    first, second = rises("monotone:psi", [t, ZERO], [below]), rises("monotone:psi", [ZERO, t], [above])
    return branch.equal(fn("psi", t).eq(HALF), first, second)


def between(branch: Branch, t: Term, seconds: float) -> list[Fact]:
    """Bounds of psi(t) by its values at the ends of the interval in which t is shown to lie, and by rational numbers."""
    interval = OneVariable(branch, seconds).interval(t)
    return [*_bound(branch, t, interval.low, interval.below, 1), *_bound(branch, t, interval.high, interval.above, -1)]


def _bound(branch: Branch, t: Term, end: Fraction | None, fact: Fact | None, sign: int) -> list[Fact]:
    """The fact psi(end) <= psi(t) from end <= t (or <), reversed for the sign -1, also with a rational bound of psi(end)."""
    if end is None or fact is None:
        return []
    at_end = fn("psi", num(end))
    args = [num(end), t] if sign > 0 else [t, num(end)]
    order = branch.kernel.function("monotone:psi", args, [fact])
    number = value_of(at_end, "t", Fraction(0)) if end else None
    bound = None if number is None else num(sign * rounded_down(sign * number, DIGITS))
    proof = None if bound is None else find(num(sign) * (at_end - bound), "t", None, None, False, 0.2)
    if proof is None or bound is None:
        return [order]
    near, size, one = branch.kernel.ball({**proof, "at": ZERO}), fn("psi", t), Fraction(1)
    goal = bound.le(size) if sign > 0 else size.le(bound)
    return [order, branch.kernel.certify(goal, [order, near], sum=[(one, (0,), ()), (one, (1,), ())])]
