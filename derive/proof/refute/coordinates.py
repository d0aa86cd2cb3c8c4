"""Counterexamples far out or very close to an edge: each coordinate in turn moves to the point of least slack.

Balls of 300 bits distinguish a function from its limit where floating point does not (atan(x) from pi/2 at x = 2^40).
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, num, substitute
from sdescent.derive.proof.refute.exact import counterexample
from sdescent.derive.proof.search.intervals.extrema import extreme_points, points_of, value_of

STARTS = (Fraction(0), Fraction(1, 10**7), Fraction(1), Fraction(-1), Fraction(10**7))
SWEEPS = 2


def far_counterexample(
    names: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float
) -> dict[str, Fraction] | None:
    """A point that satisfies the assumptions and violates the claim, checked exactly; None if none is found.

    The search takes about `seconds`, by `sdescent.derive.proof.language.clock`.
    """
    stop = now() + seconds
    for start in STARTS:
        point = dict.fromkeys(names, start)
        for _ in range(SWEEPS):
            for name in names:
                best = _moved(point, name, assume, claim, stop)
                if best is None:
                    return None
                point[name] = best
            if counterexample(point, assume, claim):
                return _simpler(point, assume, claim)
    return None


def _moved(
    point: dict[str, Fraction], name: str, assume: Sequence[Relation], claim: Relation, stop: float
) -> Fraction | None:
    """The feasible value of the variable with the least slack, else its old value; None if time runs out or terms have no value."""
    others = {n: v for n, v in point.items() if n != name}
    slack = at_values(claim.slack, others)
    conditions = [(at_values(r.slack, others), r.op) for r in assume if r.op in ("<=", "<")]
    best: tuple[Fraction, Fraction] | None = None
    for p in (*points_of(None, None), *extreme_points(None, None)):
        if now() > stop:
            return None
        try:
            values = [(value_of(t, name, p), op) for t, op in conditions]
            value = value_of(slack, name, p)
        except ProofError:
            return None
        inside = all(v is not None and (v > 0 or (v == 0 and op == "<=")) for v, op in values)
        if inside and value is not None and (best is None or value < best[0]):
            best = value, p
    return point[name] if best is None else best[1]


def at_values(t: Any, values: Mapping[str, Fraction]) -> Any:
    """The term or relation with numbers in place of variables."""
    for name, value in values.items():
        t = substitute(t, name, num(value))
    return t


def _simpler(point: dict[str, Fraction], assume: Sequence[Relation], claim: Relation) -> dict[str, Fraction]:
    """The counterexample with coordinates moved nearer to 0 as far as it remains one."""
    for name in point:
        for power in (0, 1, 3, 6, 9, 12, 20):
            size = Fraction(10) ** power
            if size >= abs(point[name]):
                break
            other = {**point, name: size if point[name] > 0 else -size}
            if counterexample(other, assume, claim):
                point = other
                break
    return point
