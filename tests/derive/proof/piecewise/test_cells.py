"""Open cells of polynomials: none is missed that random points see."""

from __future__ import annotations

import random

import pytest
from flint import fmpq

from sdescent.derive.proof.piecewise.cells import GENERATORS, RING, TooMany, between, frozen, number, open_cells
from tests.support.samples import mostly_slow

X, Y = GENERATORS[0], GENERATORS[1]


def value(p: object, at: dict[int, fmpq]) -> fmpq:
    return number(p.subs({f"g{n}": v for n, v in at.items()}))  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("key", mostly_slow(range(6), 6))
def test_a_random_point_is_in_a_cell_of_its_signs(key: int) -> None:
    """Three random irreducible polynomials in two letters; 30 random points; the key is the test's number."""
    draw = random.Random(key)
    made = [
        sum((draw.randint(-4, 4) * X**i * Y**j for i in range(3) for j in range(3 - i)), RING.constant(1))
        for _ in range(3)
    ]
    polynomials = list({frozen(f): f for p in made for f, _ in p.factor()[1]}.values())
    for _ in range(30):
        at = {n: fmpq(draw.randint(-50, 50), draw.randint(1, 9)) for n in (0, 1)}
        signs = {frozen(p): 1 if value(p, at) > 0 else -1 for p in polynomials if value(p, at) != 0}
        cell = next(open_cells(signs, [0, 1], [5000]), None)
        assert cell is not None and all(
            value(p, cell) * signs[frozen(p)] > 0 for p in polynomials if frozen(p) in signs
        )


def test_where_no_open_set_has_the_signs() -> None:
    circle, line = X**2 + Y**2 - 1, X + Y - 2
    assert next(open_cells({frozen(circle): -1, frozen(line): 1}, [0, 1], [1000]), None) is None
    assert next(open_cells({frozen(circle): -1, frozen(line + 1): 1}, [0, 1], [1000]), None) is not None
    thin = 10**18 * ((X - 3) ** 2 + (Y - 2) ** 2) - 1
    cell = next(open_cells({frozen(thin): -1}, [0, 1], [1000]))
    assert value(thin, cell) < 0


def test_roots_that_are_close_are_kept_apart() -> None:
    close = fmpq(1, 10**40)
    found = between([[-fmpq(1), fmpq(1)], [-1 - close, fmpq(1)]], None)
    assert len(found) == 3 and found[0] < 1 < found[1] < 1 + close < found[2]
    with pytest.raises(TooMany):
        next(open_cells({frozen(X * Y - 1): 1, frozen((X * Y - 1) * X): 1}, [0, 1], [1000]), None)
    with pytest.raises(TooMany):
        list(open_cells({frozen(X**2 - Y): 1}, [0, 1], [1]))
