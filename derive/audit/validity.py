"""The requirements on a stated equation: its shapes, and a covariance that is symmetric and positive semidefinite."""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sympy as sp

from sdescent.derive.equations.roots import blocks
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.expressions.coordinates import symbols_of
from sdescent.derive.expressions.vanishing import climbs, moderate, rounded, vanishes
from sdescent.derive.vocabulary.errors import BadInput

#: the number of points at which a variance is tested; for blocks, of parameter sets and of points of the state for each set
VARIANCES, PARAMETERS, POINTS = 24, 4, 6
DIGITS = 40
#: a quadratic form counts as negative below minus this times the size of the matrix, far above the error of DIGITS digits
NEGATIVE = sp.Float("1e-25")
#: larger blocks of the covariance are left to the solver, which stops if a block is not a covariance
LARGEST = 8


def column(value: Any, dim: int, field: str) -> list[Any]:
    """The dim entries of a list, a tuple or a matrix with one row or column; if dim = 1, also of a bare entry.

    Raises:
        BadInput: a wrong number of entries.
    """
    if isinstance(value, (list, tuple, sp.MatrixBase)):
        entries = list(value)
    elif hasattr(value, "tolist"):
        entries = value.tolist()
    else:
        entries = [value] if dim == 1 and not isinstance(value, dict) else []
    if len(entries) != dim or any(isinstance(e, (list, tuple)) for e in entries):
        raise BadInput(field, value, f"{dim} formulas, one for each letter of the state")
    return entries


def rows(value: Any, dim: int, field: str, square: bool) -> list[list[Any]]:
    """The entries of a matrix with dim rows, given as nested lists or a SymPy matrix; if dim = 1, also as a bare entry.

    Raises:
        BadInput: a wrong shape.
    """
    width = f"{dim} formulas" if square else "as many formulas as there are Brownian motions"
    accepted = f"{dim} rows of {width}"
    if hasattr(value, "tolist"):
        value = value.tolist()
    if dim == 1 and not isinstance(value, (list, tuple, dict)):
        value = [[value]]
    if not isinstance(value, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in value):
        raise BadInput(field, value, accepted)
    widths = {len(row) for row in value}
    if len(value) != dim or len(widths) != 1 or widths == {0} or (square and widths != {dim}):
        raise BadInput(field, f"{len(value)} rows of {', '.join(map(str, sorted(widths)))}", accepted)
    return [list(row) for row in value]


def check_covariance(covariance: sp.Matrix, state: Sequence[sp.Symbol], conditions: Sequence[Condition]) -> None:
    """Raise BadInput if the covariance is not symmetric or has a negative eigenvalue at sampled points.

    The points are rational and satisfy the conditions. A variance is refused if it is negative at one of them; an example is
    -gamma while the sign of gamma is open. A matrix such as [[1, rho], [rho, 1]] is a covariance only for some values of its
    parameters: it is refused if every set of parameters tried has a point with a negative eigenvalue. A vector v with
    v' C v < 0, evaluated to 40 digits, shows that an eigenvalue is negative.
    """
    for i, j in itertools.combinations(range(covariance.rows), 2):
        if not vanishes(covariance[i, j] - covariance[j, i]):
            entries = f"{covariance[i, j]} and {covariance[j, i]} for {state[i]}, {state[j]}"
            raise BadInput("covariance", entries, "a symmetric matrix")
    for n, letter in enumerate(state):
        _check_variance(covariance.extract([n], [n]), letter, state, conditions)
    for block in blocks(covariance):
        if len(block) <= LARGEST:
            _check_block(covariance.extract(block, block), [state[i] for i in block], state, conditions)


def _check_variance(
    variance: sp.Matrix, letter: sp.Symbol, state: Sequence[sp.Symbol], conditions: Sequence[Condition]
) -> None:
    symbols = symbols_of(variance)
    parameters = sorted((s for s in symbols if s not in set(state) and s.name != "t"), key=str)
    if not parameters or variance[0].is_nonnegative:
        return
    within = symbols | symbols_of([side for c in conditions for side in (c.left, c.right)])
    signless = [s for s in parameters if not s.is_nonnegative]
    for point in _points(within, random.Random(20250600181), VARIANCES):
        if _negative(variance, point, conditions):
            flipped = [s for s in signless if not _negative(variance, {**point, s: -point[s]}, conditions)]
            raise _refused([letter], {s: point[s] for s in symbols}, flipped)


def _check_block(
    block: sp.Matrix, letters: Sequence[sp.Symbol], state: Sequence[sp.Symbol], conditions: Sequence[Condition]
) -> None:
    symbols = symbols_of(block)
    of_state = {s for s in symbols if s in set(state) or s.name == "t"}
    draw, first = random.Random(20250600181), None
    for parameters in _points(symbols - of_state, draw, PARAMETERS):
        points = ({**parameters, **p} for p in _points(of_state, draw, POINTS))
        point = next((p for p in points if _negative(block, p, conditions)), None)
        if point is None:
            return
        first = first or point
    if first is not None:
        raise _refused(letters, first)


def _refused(
    letters: Sequence[sp.Symbol], point: dict[sp.Basic, sp.Expr], flipped: Sequence[sp.Symbol] = ()
) -> BadInput:
    """The error to raise; `flipped` are the parameters whose opposite sign would have made the variance nonnegative."""
    at = ", ".join(f"{s} = {v}" for s, v in sorted(point.items(), key=lambda item: str(item[0])))
    where = "a negative eigenvalue" + (f" at {at}" if at else "")
    unsaid = f"nothing says that {' or '.join(map(str, flipped))} has one sign: " if flipped else ""
    remedy = f"{unsaid}if the state or the parameters stay where it is one, say so in positive or conditions"
    return BadInput(f"covariance of {', '.join(map(str, letters))}", where, f"a positive semidefinite matrix; {remedy}")


def _points(symbols: Iterable[sp.Symbol], draw: random.Random, count: int) -> Iterator[dict[sp.Basic, sp.Expr]]:
    """Points with small and large values, of both signs if a symbol may be negative; one empty point if there are no symbols."""
    ordered = sorted(symbols, key=str)
    for n in range(count if ordered else 1):
        point: dict[sp.Basic, sp.Expr] = {}
        for s in ordered:
            size = (1, sp.Rational(1, 9), 5)[n % 3] * sp.Rational(draw.randint(1, 9), draw.randint(2, 7))
            point[s] = size if s.is_nonnegative else size * draw.choice((-1, 1))
        yield point


def _negative(block: sp.Matrix, point: dict[sp.Basic, sp.Expr], conditions: Sequence[Condition]) -> bool:
    """Whether v' C v < 0 for some vector v at the point, and the point satisfies the conditions that it decides."""
    import mpmath

    used = [*block, *(side for c in conditions for side in (c.left, c.right))]
    if not moderate(used, point):
        return False  # nothing can be shown at this point
    if any(map(climbs, used)):
        point = rounded(point, 2 * DIGITS)
    for c in conditions:
        gap = (c.left - c.right).xreplace(point)
        if gap.is_number and gap.is_positive is not True:
            return False
    values = block.xreplace(point).evalf(DIGITS)
    if not all(v.is_real and v.is_finite for v in values):
        return False  # the covariance has no value at this point
    size = max((abs(v) for v in values), default=sp.S.Zero)
    if size == 0:
        return False
    with mpmath.workdps(DIGITS):
        _, vectors = mpmath.eigsy(mpmath.matrix(values.applyfunc(lambda v: v / size).tolist()))
        lowest = sp.Matrix([sp.Rational(str(mpmath.nstr(vectors[i, 0], 20))) for i in range(block.rows)])
    return bool((lowest.T * values * lowest)[0] < -NEGATIVE * size)
