"""New variables for linear premises: a <= b becomes b = a + d with d >= 0; for a triangle this is Ravi's substitution.

Untrusted. In the new variables more premises are sums of nonnegative monomials, so columns of low degree suffice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sdescent.derive.proof.search.goal import Goal, small
from sdescent.derive.proof.search.linear import Solution
from sdescent.derive.proof.search.ring import (
    Factor,
    Piece,
    Poly,
    Ring,
    ZeroPolynomial,
    degree_of,
    terms_of,
)


@dataclass(frozen=True)
class _Step:
    """A change of variables: y = c v + rest takes the place of v in the ring, so v = (y - rest) / c."""

    v: int
    forward: Poly
    backward: Poly


def shifted(ring: Ring, reduce: Callable[[Poly], Poly], goal: Goal) -> Goal | None:
    """The goal in new variables if that leaves fewer premises that are more than signs of variables; else None."""
    best, fewest = None, _burden(ring, goal.factors)
    for greedy in (False, True):
        steps: list[_Step] = []
        factors = list(goal.factors)
        replaced: set[int] = set(goal.tied)
        for _ in range(ring.size):
            step = _next(ring, factors, replaced, greedy)
            if step is None:
                break
            replaced.add(step.v)
            steps.append(step)
            factors = [_moved_factor(ring, f, step) for f in factors]
        burden = _burden(ring, factors)
        if steps and burden < fewest:
            best, fewest = (steps, factors), burden
    if best is None:
        return None
    steps, factors = best

    def forward(poly: Poly) -> Poly:
        for step in steps:
            poly = ring.put(poly, step.v, step.forward)
        return reduce(poly)

    def backward(poly: Poly) -> Poly:
        for step in reversed(steps):
            poly = ring.put(poly, step.v, step.backward)
        return poly

    def back(pieces: Sequence[Piece]) -> list[Piece]:
        return [(c, indices, tuple(backward(s) for s in squares)) for c, indices, squares in pieces]

    def outer(solution: Solution) -> Solution:
        equalities = [(e, backward(t)) for e, t in solution.equalities]
        return goal.lift(Solution(back(solution.mult), back(solution.total), equalities))

    equations = [ZeroPolynomial(forward(e.poly), e.rep) for e in goal.equations]
    factors = [Factor(reduce(f.poly), f.cone, f.strict) for f in factors]
    return small(
        ring, Goal(forward(goal.target), factors, equations, goal.strict, goal.equal, tied=goal.tied, outer=outer)
    )


def _next(ring: Ring, factors: Sequence[Factor], replaced: set[int], greedy: bool) -> _Step | None:
    """The next variable to replace by a linear premise: one whose sign is unknown or follows; with `greedy`, any."""
    signs_of = ring.signs(factors)
    singles = {m.index(1) for f in factors if len(f.poly) == 1 for m in terms_of(f.poly) if sum(m) == 1}
    for f in sorted(factors, key=lambda f: (len(f.poly), str(f.poly))):
        data = terms_of(f.poly)
        if degree_of(f.poly) != 1 or len(data) < 2:
            continue
        for m, c in sorted(data.items()):
            if sum(m) != 1 or m.index(1) in replaced:
                continue
            v = m.index(1)
            rest = f.poly - ring.gens[v] * c
            follows = c > 0 and ring.termwise(terms_of(-rest), signs_of) is not None
            if greedy or v not in singles or follows:
                return _Step(v, (ring.gens[v] - rest) / c, f.poly)
    return None


def _burden(ring: Ring, factors: Sequence[Factor]) -> int:
    """The number of factors that are not nonnegative term by term, given the signs from premises in one variable."""
    signs_of = ring.signs([f for f in factors if len(f.poly) == 1])
    return sum(ring.termwise(terms_of(f.poly), signs_of) is None for f in factors)


def _moved_factor(ring: Ring, f: Factor, step: _Step) -> Factor:
    cone = tuple((c, i, tuple(ring.put(s, step.v, step.forward) for s in squares)) for c, i, squares in f.cone)
    return Factor(ring.put(f.poly, step.v, step.forward), cone, f.strict)
