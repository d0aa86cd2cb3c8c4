"""A goal p >= 0, simplified before the search, with the steps that lead back to the original goal.

Untrusted. A premise eliminates a variable that occurs only in it and in the goal (D <= bound eliminates D); factors of known sign
are divided out; a premise is dropped if one of its variables occurs nowhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flint import fmpq

from sdescent.derive.proof.search import ring as rings
from sdescent.derive.proof.search.linear import Solution
from sdescent.derive.proof.search.ring import Factor, Poly, Ring, ZeroPolynomial, cone_product, degree_in, power

MAX_FACTORED = 80


@dataclass
class Goal:
    """The goal target >= 0 (> 0 if strict, == 0 if equal), for which mult * target = sum + equations is sought.

    The sum consists of products of `factors`. The steps, latest last, are ("less", f) for target = former - f, ("over", f) for
    former / f and ("times", f) for former * f. The variables `tied` occur in rules v^n = value, n > 1. `outer` turns a solution of
    this goal into one of the goal from which it was made.
    """

    target: Poly
    factors: list[Factor]
    equations: list[ZeroPolynomial]
    strict: bool
    equal: bool = False
    steps: list[tuple[str, Factor]] = field(default_factory=list)
    tied: frozenset[int] = frozenset()
    outer: Callable[[Solution], Solution] | None = None

    def lift(self, solution: Solution) -> Solution:
        """The solution of the original goal."""
        mult, total, equalities = list(solution.mult), list(solution.total), list(solution.equalities)
        for kind, f in reversed(self.steps):
            if kind == "less":
                total = rings.merged([*total, *cone_product(mult, f.cone)])
            elif kind == "times":
                mult = list(cone_product(mult, f.cone))
            else:
                total = list(cone_product(total, f.cone))
                equalities = [(e, t * f.poly) for e, t in equalities]
        lifted = Solution(mult, total, equalities)
        return self.outer(lifted) if self.outer is not None else lifted


def goal_of(ring: Ring, core: rings.Core, op: str) -> Goal:
    """The goal of a simplified problem, after the simplifications of this module."""
    powers = [rule for rule in core.rules if not rule.inverse and rule.n > 1]
    tied = {rule.v for rule in powers} | _variables(ring, [rule.value for rule in powers])
    goal = Goal(core.target, list(core.factors), core.equations, op == "<", op == "==", tied=frozenset(tied))
    return small(ring, goal)


def small(ring: Ring, goal: Goal) -> Goal:
    """The goal after all simplifications."""
    while not goal.equal and goal.target and (_use_up(ring, goal) or _divide(ring, goal)):
        pass
    while not goal.equal and _drop(ring, goal):
        pass
    return goal


def _only_in_factors(goal: Goal, v: int) -> list[Factor]:
    """The factors that contain the variable, or none if a rule or an equation contains it too."""
    if v in goal.tied or any(degree_in(e.poly, v) for e in goal.equations):
        return []
    return [f for f in goal.factors if degree_in(f.poly, v)]


def _use_up(ring: Ring, goal: Goal) -> bool:
    """Eliminate a variable v that occurs only in p = c v + .. and one premise g = k v + ..: p - (c/k) g, or |k| p - (c/sgn k) g."""
    for v in range(ring.size):
        holding = _only_in_factors(goal, v)
        if len(holding) != 1 or not degree_in(goal.target, v):
            continue
        (g,) = holding
        parts, premise = ring.by_power(goal.target, v), ring.by_power(g.poly, v)
        if max(parts) > 1 or max(premise) > 1:
            continue
        others = [f for f in goal.factors if f is not g]
        (c, rest), scale = rings.quotient(parts[1], premise[1]), None
        if rest:
            k = ring.sign_cone(premise[1], others)
            if k is None or not k[1].strict:
                continue
            c, scale = parts[1] * k[0], k[1]
        part = ring.sign_cone(c, others)
        if part is None or part[0] < 0:
            continue
        used = Factor(
            rings.product(part[1].poly, g.poly), cone_product(part[1].cone, g.cone), part[1].strict and g.strict
        )
        if scale is not None:
            goal.target = rings.product(goal.target, scale.poly)
            goal.steps.append(("times", scale))
        goal.target -= used.poly
        goal.steps.append(("less", used))
        goal.factors = others
        goal.strict = goal.strict and not used.strict
        return True
    return False


def _divide(ring: Ring, goal: Goal) -> bool:
    """Divide the target by a factor of known sign or by an even power; False if there is none."""
    if len(goal.target) > MAX_FACTORED or goal.target.is_constant():
        return False
    _, powers = goal.target.factor()
    for f, e in powers:
        signed = ring.sign_cone(f, goal.factors)
        root = int(e) // 2
        if signed is not None and (signed[1].strict or not goal.strict):
            factor = signed[1]
            whole = Factor(power(factor.poly, int(e)), cone_product(*[factor.cone] * int(e)), factor.strict)
        elif root and not goal.strict:
            whole = Factor(power(f, 2 * root), ((fmpq(1), (), (f**root,)),), False)
        else:
            continue
        if whole.poly == goal.target or whole.poly.is_constant():
            continue
        by, rest = rings.quotient(goal.target, whole.poly)
        if rest:
            continue
        goal.target = by
        goal.steps.append(("over", whole))
        return True
    return False


def _drop(ring: Ring, goal: Goal) -> bool:
    """Drop a premise that some value of a variable satisfies, if that variable occurs nowhere else; False if there is none."""
    for v in range(ring.size):
        holding = _only_in_factors(goal, v)
        if len(holding) != 1 or degree_in(goal.target, v):
            continue
        premise = ring.by_power(holding[0].poly, v)
        if max(premise) == 1 and premise[1].is_constant():
            goal.factors = [f for f in goal.factors if f is not holding[0]]
            return True
    return False


def relevant(ring: Ring, goal: Goal) -> tuple[list[Factor], list[ZeroPolynomial]]:
    """The factors and equations that share variables with the target, directly or through other factors and equations."""
    reached = _variables(ring, [goal.target])
    factors, equations = list(goal.factors), list(goal.equations)
    while True:
        near = [p.poly for p in (*factors, *equations) if _variables(ring, [p.poly]) & reached]
        wider = reached | _variables(ring, near)
        if wider == reached:
            break
        reached = wider

    def close(poly: Poly) -> bool:
        variables = _variables(ring, [poly])
        return not variables or bool(variables & reached)

    return [f for f in factors if close(f.poly)], [e for e in equations if close(e.poly)]


def _variables(ring: Ring, polys: Sequence[Poly]) -> set[int]:
    return {v for p in polys for v in range(ring.size) if degree_in(p, v)}
