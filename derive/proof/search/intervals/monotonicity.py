"""Search steps that use the sign of the derivative or split the interval."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from flint import fmpq_poly

from sdescent.derive.proof.kernel.one_variable import IntervalGoal
from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import ONE, Polynomial, scaled
from sdescent.derive.proof.language.terms import num, substitute
from sdescent.derive.proof.language.time_limits import OutOfTime, now
from sdescent.derive.proof.search.intervals.points import middle_of
from sdescent.derive.proof.search.intervals.tree_search import Tree, TreeSearch, accepted, wrapped
from sdescent.derive.proof.search.ring import fraction, rational

MAX_HALVINGS = 9
#: bisections around a minimum, which leave 2^-66 of the gap between two samples, and the bits of the ball over that bracket
MAX_BISECTIONS = 66
BRACKET_BITS = 160


def slope_of(search: TreeSearch, phi: Polynomial) -> Polynomial | None:
    """The derivative phi', or None if the kernel cannot differentiate phi."""
    try:
        return search.forms.derivative(phi)
    except ProofError:
        return None


def monotone(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof by phi >= 0 at an end, if the samples of phi' have one sign on the whole interval."""
    slope = slope_of(search, goal.phi)
    if slope is None or search.forms.constant(goal.phi):
        return None
    signs = {s for _, s in search.samples(slope, goal.low, goal.high)}
    if -1 not in signs:
        tree = from_end(search, goal, goal.low, slope, "up", steps)
        if tree is not None:
            return tree
    if 1 not in signs:
        return from_end(search, goal, goal.high, scaled(slope, Fraction(-1)), "down", steps)
    return None


def from_end(
    search: TreeSearch, goal: IntervalGoal, end: Fraction | None, slope: Polynomial, name: str, steps: int
) -> Tree | None:
    if end is None:
        other = goal.high if name == "up" else goal.low
        if other is None or not limit_nonnegative(search, goal):
            return None
        slope_goal = IntervalGoal(slope, goal.low, goal.high, goal.strict)
        return wrapped(search.prove(slope_goal, steps - 1), lambda t: ["limit", t])
    value = search.forms.at(goal.phi, num(end))
    if search.forms.decided(value, goal.strict):
        return wrapped(search.prove(IntervalGoal(slope, goal.low, goal.high, False), steps - 1), lambda t: [name, t])
    if name == "up" and goal.half_open and search.forms.decided(value, False):
        return wrapped(search.prove(replace(goal, phi=slope), steps - 1), lambda t: ["up_open", t])
    return None


def limit_nonnegative(search: TreeSearch, goal: IntervalGoal) -> bool:
    try:
        if goal.high is None:
            return search.forms.decided(search.forms.limit(goal.phi), False)
        forms = Forms(search.x[1])
        turned = forms.polynomial(substitute(search.forms.term(goal.phi), search.x[1], -search.x))
        return forms.decided(forms.limit(turned), False)
    except ProofError:
        return False


def covered(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof by balls over a bounded interval, halved repeatedly; phi must not vanish at its ends."""
    if goal.low is None or goal.high is None or any(search.zero_at(goal.phi, end) for end in (goal.low, goal.high)):
        return None
    return halved(search, goal, goal.low, goal.high, MAX_HALVINGS, [160])


def halved(
    search: TreeSearch, goal: IntervalGoal, low: Fraction, high: Fraction, depth: int, budget: list[int]
) -> Tree | None:
    if now() > search.deadline:
        raise OutOfTime
    budget[0] -= 1
    if accepted(search.forms, IntervalGoal(goal.phi, low, high, goal.strict), ["eval", 40]):
        return ["eval", 64]
    middle = (low + high) / 2
    if depth == 0 or budget[0] < 0 or search.sign_at(goal.phi, middle) <= 0:
        return None
    left = halved(search, goal, low, middle, depth - 1, budget)
    right = None if left is None else halved(search, goal, middle, high, depth - 1, budget)
    return None if right is None else ["split", str(middle), left, right]


def bracketed(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof by a ball over a narrow bracket of a minimum, where phi' changes sign from - to +, and proofs on both sides of it.

    Over a bracket of width w the ball is too wide by a multiple of w: only a narrow one shows that a small minimum is above 0.
    """
    slope = slope_of(search, goal.phi)
    if slope is None:
        return None
    slopes = search.samples(slope, goal.low, goal.high)
    changes = [(p, q) for (p, s), (q, t) in pairwise(slopes) if s < 0 < t]
    if not changes or search.forms.constant(goal.phi):
        return None
    low, high = changes[0]
    for k in range(1, MAX_BISECTIONS + 1):
        middle = (low + high) / 2
        sign = search.sign_at(slope, middle)
        if not sign:
            return None
        low, high = (middle, high) if sign < 0 else (low, middle)
        tree = ["eval", BRACKET_BITS]
        if k % 6 == 0 and accepted(search.forms, IntervalGoal(goal.phi, low, high, goal.strict), tree):
            right = search.prove(replace(goal, low=high, half_open=False), steps - 2)
            left = None if right is None else search.prove(replace(goal, high=low), steps - 2)
            return None if left is None else ["split", str(low), left, ["split", str(high), tree, right]]
    return None


def split_at_zeros(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    if is_even(search, goal):
        half = replace(goal, low=Fraction(0), half_open=False)
        return wrapped(search.prove(half, steps - 1), lambda t: ["even", t])
    for c in cutpoints_of(search, goal):
        left = search.prove(replace(goal, high=c), steps - 2)
        right = None if left is None else search.prove(replace(goal, low=c, half_open=False), steps - 2)
        if right is not None:
            return ["split", str(c), left, right]
    return None


def is_even(search: TreeSearch, goal: IntervalGoal) -> bool:
    if goal.low != (None if goal.high is None else -goal.high):
        return False
    return search.forms.at(goal.phi, -search.x) == goal.phi


def cutpoints_of(search: TreeSearch, goal: IntervalGoal) -> Iterable[Fraction]:
    """Points at which to split: zeros of phi, zeros of phi', and the ends of its first and last stretches of constant sign."""
    signs = search.samples(goal.phi, goal.low, goal.high)
    inner = [(p, s) for p, s in signs if p not in (goal.low, goal.high)]
    cuts = [p for p, s in inner if s == 0 and search.zero_at(goal.phi, p)]
    cuts += rational_roots(search, goal)
    if cuts:
        return cuts[:2]
    slope = slope_of(search, goal.phi)
    if slope is None:
        return []
    slopes = search.samples(slope, goal.low, goal.high)
    cuts = [p for p, s in slopes if s == 0 and p not in (goal.low, goal.high) and search.zero_at(slope, p)][:1]
    runs = [p for (p, s), (_, t) in pairwise(slopes) if s and t and s != t]
    ends = [q for (_, s), (q, t) in pairwise(slopes) if s and t and s != t]
    if runs:
        cuts += [ends[-1], runs[0]] if goal.high is None else [runs[0], ends[-1]]
    inside = [c for c in dict.fromkeys(cuts) if c not in (goal.low, goal.high)]
    return inside[:3] or [middle_of(goal.low, goal.high)]


def rational_roots(search: TreeSearch, goal: IntervalGoal) -> list[Fraction]:
    coefficients = search.forms.coefficients(goal.phi)
    if not coefficients or not all(set(c) <= {ONE} for c in coefficients):
        return []
    values = [c.get(ONE, Fraction(0)) for c in coefficients]
    _, factors = fmpq_poly([rational(v) for v in values]).factor()
    roots = [-f[0] / f[1] for f, _ in factors if f.degree() == 1]
    inside = [fraction(r) for r in roots]
    return sorted(r for r in inside if (goal.low is None or goal.low < r) and (goal.high is None or r < goal.high))
