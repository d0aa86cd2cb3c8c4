"""Open cells of polynomials: none is missed that random points see."""

import random

import pytest
from flint import fmpq

from sdescent.derive.proof.piecewise.cells import GENERATORS, RING, TooMany, between, frozen, number, open_cells

X, Y = GENERATORS[0], GENERATORS[1]


def value(p: object, at: dict[int, fmpq]) -> fmpq:
    return number(p.subs({f"g{n}": v for n, v in at.items()}))  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("key", range(2))
def test_a_random_point_is_in_a_cell_of_its_signs(key: int) -> None:
    """Three random polynomials in two letters; 10 random points; the key is the test's number."""
    draw = random.Random(key)
    monomials = [X**i * Y**j for i in range(3) for j in range(3 - i)]
    drawn = [sum((draw.randint(-4, 4) * m for m in monomials), RING.constant(1)) for _ in range(3)]
    polynomials = {frozen(f): f for p in drawn for f, _ in p.factor()[1]}
    for _ in range(10):
        at = {n: fmpq(draw.randint(-50, 50), draw.randint(1, 9)) for n in (0, 1)}
        signs = {key: 1 if value(p, at) > 0 else -1 for key, p in polynomials.items() if value(p, at) != 0}
        cell = next(open_cells(signs, [0, 1], [5000]), None)
        assert cell is not None and all(value(polynomials[key], cell) * sign > 0 for key, sign in signs.items())


def test_where_no_open_set_has_the_signs() -> None:
    circle, line = X**2 + Y**2 - 1, X + Y - 2
    assert next(open_cells({frozen(circle): -1, frozen(line): 1}, [0, 1], [1000]), None) is None
    assert next(open_cells({frozen(circle): -1, frozen(line + 1): 1}, [0, 1], [1000]), None) is not None
    thin = 10**18 * ((X - 3) ** 2 + (Y - 2) ** 2) - 1
    cell = next(open_cells({frozen(thin): -1}, [0, 1], [1000]))
    assert value(thin, cell) < 0


def test_roots_that_are_close_are_kept_apart() -> None:
    close = fmpq(1, 10**40)
    inner = between([[-fmpq(1), fmpq(1)], [-1 - close, fmpq(1)]], None)
    assert len(inner) == 3 and inner[0] < 1 < inner[1] < 1 + close < inner[2]
    with pytest.raises(TooMany):
        next(open_cells({frozen(X * Y - 1): 1, frozen((X * Y - 1) * X): 1}, [0, 1], [1000]), None)
    with pytest.raises(TooMany):
        list(open_cells({frozen(X**2 - Y): 1}, [0, 1], [1]))
