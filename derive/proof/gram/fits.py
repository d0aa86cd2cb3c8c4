"""Rational functions through exact values at rational points, of least degree."""

import itertools
from collections.abc import Sequence
from typing import Any

from flint import fmpq, fmpq_mat, nmod_mat

#: a prime for a first test of a degree
PRIME = (1 << 61) - 1
#: values that a fit must reproduce beyond those that determine it
HELD_OUT = 8
#: the largest degrees of numerator and denominator that are tried
DEGREES = 7


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
    free = next(j for j in range(width) if j not in pivots)
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


def in_field(field: Any, c: Any) -> Any:
    """A rational number as an element of a field of rational functions."""
    return field.convert(field.domain(int(c.p), int(c.q)))


def _exponents(size: int, degree: int) -> list[tuple[int, ...]]:
    return [e for e in itertools.product(range(degree + 1), repeat=size) if sum(e) <= degree]


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
