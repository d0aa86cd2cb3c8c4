"""The search for a tree that proves 0 <= phi on an interval: domains, signs at sample points, and the recursion.

Untrusted: `sdescent.derive.proof.kernel.one_variable` checks every tree.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import arb, ctx

from sdescent.derive.proof.kernel.one_variable import Checker, IntervalGoal
from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.language.clock import OutOfTime, now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Frozen, Polynomial, freeze, scaled
from sdescent.derive.proof.language.terms import Term, num
from sdescent.derive.proof.search.intervals.extrema import points_of
from sdescent.derive.proof.search.ring import rational

Tree = list[Any]
#: a step: takes the search, the goal and the number of further steps, and returns a tree or None
Attempt = Callable[["TreeSearch", IntervalGoal, int], Tree | None]
MAX_STEPS = 14
MAX_MONOMIALS = 120


class TreeSearch:
    """The search on [low, high] (None: infinite), which tries the `attempts` in order and raises OutOfTime after the deadline."""

    def __init__(
        self, variable: str, low: Fraction | None, high: Fraction | None, deadline: float, attempts: Sequence[Attempt]
    ) -> None:
        self.forms, self.attempts = Forms(variable), attempts
        self.low, self.high, self.deadline = low, high, deadline
        self.domain: list[tuple[Term, int, Tree]] = []
        self.failed: dict[Any, int] = {}
        self.signs: dict[Frozen, dict[Fraction, int]] = {}
        self.x = self.forms.variable

    def run(self, term: Term, strict: bool, domain: list[tuple[Term, int]]) -> dict[str, Any] | None:
        """The proof and the domain of a ball, or None; `domain` lists denominators and arguments that an earlier run needed."""
        for q, _ in domain:
            self._show(self.forms.polynomial(q))
        if not self.require(self.forms.read(term), roots=True):
            return None
        phi = self.forms.read(term)
        tree = self.prove(IntervalGoal(phi, self.low, self.high, strict, strict and self.low is not None), MAX_STEPS)
        return None if tree is None else {"proof": tree, "domain": [list(entry) for entry in self.domain]}

    def require(self, poly: Polynomial, roots: bool = False) -> bool:
        """Whether a polynomial is shown to be defined on the interval; adds its denominators and arguments to the domain."""
        for a in sorted({a for monomial in poly for a, _ in monomial}):
            key = self.forms.key_of(a)
            if key[0] not in ("inv", "f"):
                continue
            inner = dict(key[-1])
            if not self.require(inner, roots):
                return False
            if self.forms.constant(inner) or self.forms.sign(inner) != 0:
                continue
            needed = key[0] == "inv" or key[1] == "log"
            if (needed or (roots and key[1] == "sqrt")) and not self._show(inner) and needed:
                return False
        return True

    def _show(self, q: Polynomial) -> bool:
        """Add Q, with its sign on the whole interval, to the domain; False if no sign is proved."""
        if self.forms.constant(q) or self.forms.sign(q):
            return True
        sign = next((s for _, s in self.samples(q, self.low, self.high) if s), 0)
        if not sign:
            return False
        tree = self.prove(IntervalGoal(scaled(q, Fraction(sign)), self.low, self.high, True), MAX_STEPS)
        if tree is None:
            return False
        self.domain.append((self.forms.term(q), sign, tree))
        self.forms.learn(q, sign)
        return True

    def sign_at(self, phi: Polynomial, at: Fraction, signs: dict[Fraction, int] | None = None) -> int:
        """The sign of phi at a point, or 0 if phi is 0 there or 256 bits do not decide it."""
        signs = self.signs.setdefault(freeze(phi), {}) if signs is None else signs
        if at not in signs:
            signs[at] = self._sign_at(phi, at)
        return signs[at]

    def _sign_at(self, phi: Polynomial, at: Fraction) -> int:
        if now() > self.deadline:
            raise OutOfTime
        for bits in (60, 256):
            with ctx.workprec(bits):
                value = self.forms.ball(phi, arb(rational(at)))
                if value > 0 or value < 0:
                    return 1 if value > 0 else -1
        return 0

    def zero_at(self, phi: Polynomial, at: Fraction) -> bool:
        """Whether phi is exactly 0 at the point."""
        return self.sign_at(phi, at) == 0 and not self.forms.at(phi, num(at))

    def samples(self, phi: Polynomial, low: Fraction | None, high: Fraction | None) -> list[tuple[Fraction, int]]:
        """The points of `points_of` with the signs of phi there."""
        signs = self.signs.setdefault(freeze(phi), {})
        return [(p, self.sign_at(phi, p, signs)) for p in points_of(low, high)]

    def prove(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """A tree for the goal, or None; `steps` bounds how often the goal is rewritten on the way down."""
        if now() > self.deadline:
            raise OutOfTime
        leaf = self._leaf(goal)
        if leaf is not None:
            return leaf
        key = (freeze(goal.phi), goal.low, goal.high, goal.strict, goal.half_open)
        if steps <= 0 or self.failed.get(key, -1) >= steps or len(goal.phi) > MAX_MONOMIALS or not goal.phi:
            return None
        signs = self.samples(goal.phi, goal.low, goal.high)
        closed = goal.strict and not goal.half_open
        if any(s < 0 for _, s in signs) or (closed and any(s == 0 and self.zero_at(goal.phi, p) for p, s in signs)):
            return None
        self.failed[key] = steps
        for attempt in self.attempts:
            tree = attempt(self, goal, steps)
            if tree is not None:
                del self.failed[key]
                return tree
        return None

    def _leaf(self, goal: IntervalGoal) -> Tree | None:
        for tree in (["coeffs"], ["exp"], ["sqrt"]):
            if accepted(self.forms, goal, tree):
                return tree
        if goal.low is not None and goal.high is not None and accepted(self.forms, goal, ["eval", 40]):
            return ["eval", 64]
        return None


def wrapped(tree: Tree | None, make: Callable[[Tree], Tree]) -> Tree | None:
    """The tree that `make` builds around a subtree, or None if there is no subtree."""
    return None if tree is None else make(tree)


def accepted(forms: Forms, goal: IntervalGoal, tree: Tree) -> bool:
    """Whether the kernel accepts the tree."""
    try:
        Checker(forms).check(goal, tree)
    except ProofError:
        return False
    return True
