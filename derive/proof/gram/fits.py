"""Rational functions through exact values at rational points, of least degree."""

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat, nmod_mat

#: a prime for a first test of a degree
PRIME = (1 << 61) - 1
#: values that a fit must reproduce beyond those that determine it
HELD_OUT = 8
#: how near a fit to floats must be (degenerate optima are known less well), for which share of them, and the largest denominator of
#: its coefficients
CLOSE, SHARE, SMALL = (2e-7, 6e-5), 0.9, 24
#: the degrees of numerator and denominator that are tried, below these numbers: for exact values, and for floats
DEGREES, OF_FLOATS = 12, 7


def fit(field: Any, points: Sequence[Sequence[Any]], values: Sequence[Any]) -> Any | None:
    """The rational function of least degree with these values at these points, as an element of the field; None if there is none.

    The denominator vanishes at no point, and at least `HELD_OUT` values are reproduced without being needed.

    Args:
        field: a field of rational functions, with one generator for each coordinate of a point.
        points: rational points.
        values: a rational value for each point.
    """
    if not any(values):
        return field.zero
    size = len(points[0])
    degrees = sorted(itertools.product(range(DEGREES), repeat=2), key=lambda d: (sum(d), d[1]))
    for above, below in degrees:
        upper, lower = _exponents(size, above), _exponents(size, below)
        unknowns = len(upper) + len(lower)
        if unknowns + HELD_OUT > len(points) + 1:
            continue
        if (function := _of_degree(field, points, values, upper, lower)) is not None:
            return function
    return None


def _of_degree(field: Any, points: Any, values: Any, upper: Any, lower: Any) -> Any | None:
    powers = [[_power(p, e) for e in upper] for p in points], [[_power(p, e) for e in lower] for p in points]
    rows = [[*n, *(-v * d for d in m)] for n, m, v in zip(*powers, values, strict=True)]
    width = len(upper) + len(lower)
    residues = [[int(c.p) * pow(int(c.q), -1, PRIME) % PRIME for c in row] for row in rows]
    if nmod_mat(len(rows), width, [c for row in residues for c in row], PRIME).rank() == width:
        return None
    echelon, rank = fmpq_mat(len(rows), width, [c for row in rows for c in row]).rref()
    if rank == width:
        return None
    pivots = [next(j for j in range(width) if echelon[i, j] != 0) for i in range(rank)]
    # a free column of the numerator only says that some polynomial vanishes at all points
    free = next((j for j in range(len(upper), width) if j not in pivots), None)
    if free is None:
        return None
    solution = [fmpq(0)] * width
    solution[free] = fmpq(1)
    for i, j in enumerate(pivots):
        solution[j] = -echelon[i, free]
    below = solution[len(upper) :]
    if any(sum((c * d for c, d in zip(below, row, strict=True)), fmpq(0)) == 0 for row in powers[1]):
        return None
    numerator, denominator = (
        sum((_monomial(field, e) * in_field(field, c) for e, c in zip(part, coefficients, strict=True)), field.zero)
        for part, coefficients in ((upper, solution[: len(upper)]), (lower, below))
    )
    return numerator / denominator


def fit_floats(field: Any, points: Sequence[Sequence[Any]], values: Sequence[float]) -> Any | None:
    """The rational function of least degree, with coefficients of small denominators, near the values; None if there is none.

    A share `SHARE` of the values is reproduced to one of `CLOSE`; elsewhere the optimum may belong to another formula. At least
    `HELD_OUT` values are not needed.
    """
    size, target = len(points[0]), np.array(values, dtype=float)
    if np.max(np.abs(target), initial=0.0) < CLOSE[0]:
        return field.zero
    numbers = np.array([[float(c.p) / float(c.q) for c in point] for point in points])
    for close in CLOSE:
        for above, below in sorted(itertools.product(range(OF_FLOATS), repeat=2), key=lambda d: (sum(d), d[1])):
            upper, lower = _exponents(size, above), _exponents(size, below)
            # a fit to inexact values needs many of them
            if (len(upper) + len(lower)) * (1 if close == CLOSE[0] else 3) + HELD_OUT > len(points) + 1:
                continue
            n, m = (np.array([np.prod(numbers ** np.array(e), axis=1) for e in part]).T for part in (upper, lower))
            above_, below_ = _rounded(n, m, target, close)
            if below_ is None:
                continue
            return _polynomial(field, upper, above_) / _polynomial(field, lower, below_)
    return None


def _polynomial(field: Any, exponents: Sequence[tuple[int, ...]], coefficients: Sequence[Fraction]) -> Any:
    pairs = zip(exponents, coefficients, strict=True)
    return sum((_monomial(field, e) * field.domain(c.numerator, c.denominator) for e, c in pairs), field.zero)


def _rounded(n: Any, m: Any, target: Any, close: float) -> tuple[list[Fraction], list[Fraction] | None]:
    """Coefficients of numerator and denominator with small denominators; None for the latter if too few values are near."""
    kept = np.arange(len(target))
    for _ in range(4):
        solution = _near_solution(n[kept], m[kept], target[kept])
        if not np.all(np.isfinite(solution)):
            break
        coefficients = [Fraction(float(c)).limit_denominator(SMALL) for c in solution]
        top = n @ np.array([float(c) for c in coefficients[: n.shape[1]]])
        bottom = m @ np.array([float(c) for c in coefficients[n.shape[1] :]])
        if (
            np.min(np.abs(bottom)) > 1e-6
            and np.mean(np.abs(top / bottom - target) <= close * (1 + np.abs(target))) >= SHARE
        ):
            return coefficients[: n.shape[1]], coefficients[n.shape[1] :]
        # without the values that are farthest from what the unrounded coefficients give
        below = m @ solution[n.shape[1] :]
        far = np.abs(n @ solution[: n.shape[1]] - target * below)
        kept = np.argsort(far)[: max(int(len(target) * SHARE), 1)]
    return [], None


def _near_solution(n: Any, m: Any, target: Any) -> Any:
    """Coefficients of numerator and denominator, that of 1 in the denominator or else its largest one being 1."""
    if m.shape[1] == 1:
        return np.append(np.linalg.lstsq(n, target, rcond=None)[0], 1.0)
    _, _, rows = np.linalg.svd(np.hstack([n, -m * target[:, None]]))
    below = rows[-1][n.shape[1] :]
    lead = below[0] if abs(below[0]) > 1e-3 * np.max(np.abs(below)) else below[np.argmax(np.abs(below))]
    return rows[-1] / lead if lead else rows[-1] * 0 + np.nan


def in_field(field: Any, c: Any) -> Any:
    """A rational number as an element of a field of rational functions."""
    return field.convert(field.domain(int(c.p), int(c.q)))


def _exponents(size: int, degree: int) -> list[tuple[int, ...]]:
    return sorted((e for e in itertools.product(range(degree + 1), repeat=size) if sum(e) <= degree), key=sum)


def _power(point: Sequence[Any], exponents: Sequence[int]) -> Any:
    value = fmpq(1)
    for c, n in zip(point, exponents, strict=True):
        value *= c**n
    return value


def _monomial(field: Any, exponents: Sequence[int]) -> Any:
    value = field.one
    for g, n in zip(field.gens, exponents, strict=True):
        value *= g**n
    return value
