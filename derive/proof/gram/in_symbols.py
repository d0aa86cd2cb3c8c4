"""The multipliers of a proof as rational functions of constants, from exact proofs at many rational values of the constants.

1. The facts are reduced to a minimal set at a few points. 2. At each point an exact proof is found. 3. Each multiplier is fitted
by a rational function of the constants. 4. The rest of the identity, which must be a sum of squares, is factored in the field of
constants; its pivots and the multipliers have to be nonnegative, which is left to show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from flint import fmpq

from sdescent.derive.proof.gram.fits import fit
from sdescent.derive.proof.gram.forms import Form, Vector, dot_of, square, vectors_in
from sdescent.derive.proof.gram.identities import Identity, Proof, Search, Solution
from sdescent.derive.proof.gram.linear_relations import at_point
from sdescent.derive.proof.gram.sampling import Units
from sdescent.derive.proof.gram.within_intervals import Chooser, product_of_two, without_free_zeros
from sdescent.derive.proof.language.clock import OutOfTime, now

#: points at which facts are dropped, points for fits by the number of constants, and points that may fail
TRIALS, POINTS = 3, {0: 1, 1: 24, 2: 60, 3: 110}
MOST_POINTS = 160
#: for each attempt, half of the share of a range in which its middle lies
MIDDLE = (1 / 6, 1 / 20)
#: how often facts are chosen again, with a point at which the last choice fails
ROUNDS = 5
#: the residue below which a problem counts as feasible
TOLERANCE = 5e-6


@dataclass(frozen=True)
class SymbolicProof:
    """A proof whose coefficients are elements of the field of constants.

    Args:
        unknown: the values of the unknown coefficients.
        proof: the multipliers and squares.
    """

    unknown: Mapping[Any, Any]
    proof: Proof


def identity_at(one: Identity, point: Sequence[Any]) -> Identity:
    """An identity with numbers for the constants."""
    return Identity(
        at_point(one.goal, point), {name: at_point(f, point) for name, f in one.facts.items()},
        {name: at_point(f, point) for name, f in one.unknown.items()}, [at_point(f, point) for f in one.zeros],
    )  # fmt: skip


def symbolic_proof(
    one: Identity,
    chosen: Units,
    points: Sequence[Sequence[Any]],
    signs: Mapping[Any, str],
    deadline: float,
    costs: Sequence[Mapping[Any, float]] = ({},),
) -> SymbolicProof | None:
    """A proof of an identity for all constants, up to the signs of its multipliers and pivots; None if none is found.

    Args:
        one: the identity over the field of constants.
        chosen: the units in which the points are given.
        points: rational values of all constants.
        signs: the signs of the unknown coefficients.
        deadline: when to stop, by `sdescent.derive.proof.language.clock.now`.
        costs: for each attempt the costs of the unknown coefficients, beside a cost of 1 for each multiplier.

    Raises:
        OutOfTime: the deadline has passed.
    """
    if not chosen.names:
        useful = identity_at(one, points[0]).useful()
        solution = _at_numbers(useful, signs)
        small = one.keeping(list(useful.facts))
        return None if solution is None else _fitted(small, chosen, [(points[0], solution)], deadline)
    small = _needed(one, points, signs, deadline)
    if small is None:
        return None
    for cost in costs:
        solutions = []
        for n, point in enumerate(points):
            _within(deadline)
            solution = _exact(identity_at(small, point), signs, cost)
            if solution is not None:
                solutions.append((point, solution))
            elif n >= 8 and not solutions:
                break
        if len(solutions) * 3 < len(points) * 2:
            continue
        proof = _fitted(small, chosen, solutions, deadline)
        if proof is not None:
            return proof
    return None


def ranged_proofs(
    one: Identity, chosen: Units, points: Sequence[Sequence[Any]], positive: Sequence[Any], deadline: float
) -> Iterator[SymbolicProof]:
    """Proofs with simple multipliers that lie within their ranges at all points; their signs elsewhere are left to show.

    Args:
        one: the identity over the field of constants, without unknown coefficients.
        chosen: the units in which the points are given.
        points: values of all constants, some of them orders of magnitude apart.
        positive: elements of the field that are positive by assumption, such as 1 - beta.
        deadline: when to stop.

    Raises:
        OutOfTime: the deadline has passed.
    """
    tried: list[Mapping[Any, Any]] = []
    for each in (without_free_zeros(one, chosen), one):
        small = _needed(each, points, {}, deadline)
        if small is None:
            continue
        for part in MIDDLE:
            solved = Chooser(small, chosen, points, positive, lambda: _within(deadline), part).solved()
            if solved is None or solved[0] in tried:
                continue
            multipliers, zeros, rest = solved
            tried.append(multipliers)
            vanishing = {m: n for n, zero in enumerate(small.zeros) if (m := product_of_two(zero)) is not None}
            if (terms := sum_of_squares(rest, chosen.linear.field, list(vanishing))) is not None:
                squares = sum((square(v) * d for d, v in terms), Form())
                for m, n in vanishing.items():
                    zeros[n] = zeros[n] - squares.get(m, chosen.linear.field.zero) / small.zeros[n][m]
                used = {name: c for name, c in multipliers.items() if c != 0}
                yield SymbolicProof({}, Proof(used, tuple(zeros), tuple(terms)))


def _needed(
    one: Identity, points: Sequence[Sequence[Any]], signs: Mapping[Any, str], deadline: float
) -> Identity | None:
    """The identity with a minimal set of facts; None if there is no proof with all facts."""
    trials = [identity_at(one, point) for point in points[:: max(1, len(points) // TRIALS)][:TRIALS]]
    small = one
    for _ in range(ROUNDS):
        kept = minimal(trials, signs, deadline)
        if kept is None:
            return None
        small = one.keeping(kept)
        # some facts are needed at a few points only
        failing = next((p for p in points if not feasible(identity_at(small, p), signs)), None)
        if failing is None or not feasible(identity_at(one, failing), signs):
            break
        trials = [*trials, identity_at(one, failing)]
    return small


def minimal(trials: Sequence[Identity], signs: Mapping[Any, str], deadline: float) -> list[Any] | None:
    """Facts without any of which one of the identities has no proof; None if there is none even with all facts."""
    kept = list(trials[0].facts)
    if not all(feasible(one, signs) for one in trials):
        return None
    # long inequalities first, since short ones make multipliers that are easy to fit (at some numbers coefficients vanish); of two
    # as long the later one, which is about later points
    for name in sorted(reversed(kept), key=lambda name: -max(len(one.facts[name]) for one in trials)):
        _within(deadline)
        fewer = [other for other in kept if other != name]
        if all(feasible(one.keeping(fewer), signs) for one in trials):
            kept = fewer
    return kept


def _within(deadline: float) -> None:
    if now() > deadline:
        raise OutOfTime


def feasible(one: Identity, signs: Mapping[Any, str]) -> bool:
    search = Search([one], signs)
    x = search.problem.optimum({}, tolerance=1e-9)
    return x is not None and _residue(search, x) < TOLERANCE


def _residue(search: Search, x: Any) -> float:
    """The largest violation of an equation, relative to the size of its terms."""
    worst = 0.0
    for row, right in search.problem.rows:
        terms = [float(c) * float(x[k]) for k, c in row.items()]
        worst = max(worst, abs(sum(terms) - float(right)) / (1 + max(map(abs, terms), default=0.0)))
    return worst


def _exact(one: Identity, signs: Mapping[Any, str], cost: Mapping[Any, float]) -> Solution | None:
    """An exact proof at numbers, with small multipliers."""
    search = Search([one], signs)
    weights = {k: 1.0 + 0.01 * n for n, k in enumerate(search.multipliers[0].values())}
    weights |= {search.unknown[name]: c for name, c in cost.items()}
    values = search.problem.on_face(weights, optimal=True)
    return None if values is None else search.solution(values)


def _at_numbers(one: Identity, signs: Mapping[Any, str]) -> Solution | None:
    """An exact proof if all constants are numbers: near a point far from the border, or else on a face."""
    search = Search([one], signs)
    point = search.interior()
    solution = search.exact(point[0]) if point is not None else None
    return solution or _exact(one, signs, {})


def _fitted(
    one: Identity, chosen: Units, solutions: Sequence[tuple[Sequence[Any], Solution]], deadline: float
) -> SymbolicProof | None:
    """The proof with all coefficients fitted; None if a fit fails or the rest is not a sum of squares."""
    field = chosen.linear.field
    small = sp.QQ.frac_field(*(chosen.names or ("unused_q",)))
    places = [n for n, name in enumerate(chosen.linear.generators) if name in chosen.names]
    points = [[point[n] for n in places] or [fmpq(0)] for point, _ in solutions]
    goal = chosen.of_form(one.goal) if one.goal else chosen.of_form(next(iter(one.unknown.values())))

    def function(values: Sequence[Any], form: Form) -> Any | None:
        _within(deadline)
        c = (
            small.convert(small.domain(int(values[0].p), int(values[0].q)))
            if not chosen.names
            else fit(small, points, values)
        )
        if c is None or c == 0:
            return c if c is None else field.zero
        weights = [a - b for a, b in zip(goal, chosen.of_form(form), strict=True)]
        return chosen.restored(c, weights)

    unknown: dict[Any, Any] = {}
    for name, form in one.unknown.items():
        unknown[name] = function([s.unknown[name] for _, s in solutions], form)
    multipliers = {
        name: function([s.proofs[0].multipliers.get(name, fmpq(0)) for _, s in solutions], form)
        for name, form in one.facts.items()
    }
    zeros = [function([s.proofs[0].zeros[n] for _, s in solutions], form) for n, form in enumerate(one.zeros)]
    if any(c is None for c in [*unknown.values(), *multipliers.values(), *zeros]):
        return None
    rest = Form(one.goal)
    for name, form in one.unknown.items():
        rest = rest + form * unknown[name]
    for name, form in one.facts.items():
        rest = rest - form * multipliers[name]
    for c, form in zip(zeros, one.zeros, strict=True):
        rest = rest - form * c
    terms = sum_of_squares(rest, field)
    if terms is None:
        return None
    used = {name: c for name, c in multipliers.items() if c != 0}
    return SymbolicProof(unknown, Proof(used, tuple(zeros), tuple(terms)))


def sum_of_squares(form: Form, field: Any, free: Sequence[Any] = ()) -> list[tuple[Any, Vector]] | None:
    """The form as a sum of coefficients times squares of vectors (L D L', simplest pivots first); None if there is no such sum.

    Args:
        free: products of two vectors that vanish, so that the sum may have any multiples of them. They vanish in what is left when
            the vectors of no such product are eliminated; this maximises the determinant if their pattern is chordal.
    """
    if any(m[0] != "dot" for m in form):
        return None
    names = vectors_in([form])
    left, q = list(names), {}
    for n, u in enumerate(names):
        for v in names[n:]:
            c = form.get(dot_of(u, v), field.zero)
            q[u, v] = q[v, u] = c if u == v else c / 2
    loose = {m[1:] for m in free} | {m[:0:-1] for m in free}
    terms: list[tuple[Any, Vector]] = []
    while left:
        pivot = min(left, key=lambda v: (q[v, v] == 0, any((v, w) in loose for w in left), len(str(q[v, v]))))
        left.remove(pivot)
        d = q[pivot, pivot]
        if d == 0:
            if any(q[pivot, v] != 0 for v in left):
                return None
            continue
        row = Vector({pivot: field.one, **{v: q[pivot, v] / d for v in left if q[pivot, v] != 0}})
        terms.append((d, row))
        for a in left:
            for b in left:
                q[a, b] = field.zero if (a, b) in loose else q[a, b] - q[pivot, a] * q[pivot, b] / d
    return terms
