"""Pairs of expressions of known truth: equal ones written differently, and ones that differ behind random kinks (fixed keys)."""

import random
from collections import Counter
from collections.abc import Callable

import pytest
import sympy as sp

from sdescent.derive.proof.piecewise.equality import Undecided, difference

x, m, g = sp.symbols("x m g", real=True)
c, rho, v = sp.symbols("c rho v", positive=True)
n, s = sp.Symbol("n", integer=True, nonnegative=True), sp.Symbol("s", nonnegative=True)
TINY = sp.Rational(1, 10**9)
Max, Min, Abs, sign, sqrt = sp.Max, sp.Min, sp.Abs, sp.sign, sp.sqrt

EQUAL = [
    (x * sign(x), Abs(x)), (sqrt(x**2 + 2 * x * m + m**2), Abs(x + m)), (sign(g), g / Abs(g)), (v ** (rho + 1), v * v**rho),
    (Max(-c, Min(c, g)), (Abs(g + c) - Abs(g - c)) / 2), (Max(x, m, g), -Min(-x, -m, -g)), (Max(x, m) + Min(x, m), x + m),
    (sign(x * m), sign(x) * sign(m)), (g * (1 - sp.tanh(100 * g) ** 2), g / sp.cosh(100 * g) ** 2),
    (m + Max(0, x - 5) * Max(0, 3 - x), m), (m + Max(0, 1 - x**2 - m**2) * Max(0, x - 1), m), (m + Max(0, sp.sin(x) - 2), m),
    (sp.log(x**2 * v), 2 * sp.log(Abs(x)) + sp.log(v)), (m * sign(x**2 - 2 * x * m + m**2 + 1), m),
    (sp.cos(x) ** 2, 1 - sp.sin(x) ** 2), (sqrt(m / (1 - sp.exp(-c * s))), sqrt(m) / sqrt(1 - sp.exp(-c * s))),
    (m * sign(n + sp.Rational(1, 2)), m), (sp.Piecewise((x, x > 0), (-x, True)), Abs(x)),
]  # fmt: skip
#: what is stated, what is derived; each differs somewhere: far away, close by, beyond two letters, in a parameter, at one point
DIFFERENT = [
    (-m + Max(0, m * x - 10), -m), (-m * sign(100 - m * x), -m), (-m * Min(1, 100 / sqrt(m**2 + x**2)), -m),
    (m + Max(0, x - 10**6), m), (m + Max(0, TINY - Abs(x - 3)), m), (m + Max(0, rho - 5), m), (sign(x) ** 2, sp.S.One),
    (m + Max(0, sp.sin(x) - 1 + sp.Rational(1, 10**6)), m), (m + Max(0, sp.exp(x) - 10**6), m), (m * sign(n - 3) ** 2, m),
    (m + Max(0, TINY**2 - (x - 3) ** 2 - (m - 2) ** 2), m), (m + Max(0, x * m - 10) * Max(0, rho - x - 9), m),
    (sp.Piecewise((m, x < 10**5), (0, True)), m), (m + Max(0, Abs(x * m) - rho**2 - 40), m),
]  # fmt: skip


@pytest.mark.parametrize("pair", EQUAL, ids=str)
def test_equal_pairs(pair: tuple[sp.Expr, sp.Expr]) -> None:
    assert difference(*pair) is None and difference(*reversed(pair)) is None


@pytest.mark.parametrize("pair", DIFFERENT, ids=str)
def test_different_pairs_have_a_point(pair: tuple[sp.Expr, sp.Expr]) -> None:
    point = difference(*pair)
    assert point is not None and apart(*pair, point)


def apart(one: sp.Expr, two: sp.Expr, at: dict[sp.Basic, sp.Rational]) -> bool:
    """Whether two expressions differ at a point, by SymPy alone."""
    assert all(value > 0 for s, value in at.items() if s.is_positive)
    return bool(abs((one - two).xreplace(at).evalf(60)) > sp.Float("1e-45"))


def test_what_has_no_value_does_not_agree() -> None:
    with pytest.raises(Undecided, match="no real value"):
        difference(sqrt(m - 5) * sqrt(2 * m - 10) / sqrt(2) + 5, m)
    with pytest.raises(Undecided, match="no value together"):
        difference(x + sqrt(-1 - x**2), sqrt(-2 - x**2))


def test_the_piece_that_is_not_settled_is_named() -> None:
    with pytest.raises(Undecided) as error:
        difference(m + Max(0, sp.exp(x) - x - sp.Rational(1, 2)), m + sp.exp(x) - x - sp.Rational(1, 2))
    (condition,) = error.value.piece
    assert condition.weak and not condition.expr.xreplace({x: sp.S.One}).has(m) and "exp(x)" in str(error.value)


def test_the_number_of_pieces_is_bounded() -> None:
    letters = sp.symbols("y0:12", real=True)
    with pytest.raises(Undecided, match="more than"):
        difference(sp.Add(*map(Abs, letters)), sp.Add(*[Max(y, -y) for y in letters]))


def polynomial(draw: random.Random) -> sp.Expr:
    letters = draw.sample((x, m, g, c), draw.randint(1, 2))
    return sp.Add(*[draw.randint(-3, 3) * s ** draw.randint(1, 2) for s in letters]) + draw.choice((0, x * m, x, 1))


def rewritten(e: sp.Expr, draw: random.Random) -> sp.Expr:
    """An equal expression, by identities that hold everywhere."""
    ways: list[Callable[[sp.Expr, sp.Expr], sp.Expr]] = [
        lambda a, b: Max(a, b) + Min(a, b) - b, lambda a, b: a + Max(b, -b) - Abs(b), lambda a, b: a + b * sign(b) - sqrt(b**2),
        lambda a, b: Max(a, 0) - Max(-a, 0), lambda a, b: (a * Max(1, b) + a * Min(1, b)) / 1 - a * b,
        lambda a, b: a + (a + b + Abs(a - b)) / 2 - Max(a, b), lambda a, b: a + Abs(a) * Abs(b) - Abs(a * b),
    ]  # fmt: skip
    return draw.choice(ways)(e, polynomial(draw))


def bump(draw: random.Random) -> tuple[sp.Expr, dict[sp.Basic, sp.Expr]]:
    """An expression that is zero on most of the domain, with a point where it is not."""
    size = draw.choice((1, 10, 10**3, 10**6))
    at: dict[sp.Basic, sp.Expr] = {s: sp.Rational(draw.randint(1, 9) * size, draw.randint(1, 5)) for s in (x, m, g, c)}
    inner = polynomial(draw) + draw.choice((x, m, x * m, Abs(x) - g, Max(x, m), Min(g, x)))
    gap, width = inner - inner.xreplace(at), draw.choice((1, sp.Rational(1, 100), TINY))
    guard = draw.choice((gap + width, width - Abs(gap), Min(gap + width, x - at[x] + width)))
    shapes = (lambda e: Max(0, e), lambda e: 1 + sign(e), lambda e: Max(0, Min(e, 1)) ** 2)
    return draw.choice(shapes)(guard), at


def judged(one: sp.Expr, two: sp.Expr) -> str:
    try:
        point = difference(one, two)
    except Undecided:
        return "UNDECIDED"
    assert point is None or apart(one, two, point)
    return "AGREES" if point is None else "DIFFERS"


@pytest.mark.slow
def test_random_pairs() -> None:
    draw, pairs = random.Random(2), 10
    same, planted = Counter[str](), Counter[str]()
    for _ in range(pairs):
        one, two = (rewritten(e, draw) for e in [polynomial(draw)] * 2)
        same[judged(one, two)] += 1
        extra, at = bump(draw)
        if extra.xreplace(at) != 0:
            planted[judged(one + extra, two)] += 1
    assert same["DIFFERS"] == planted["AGREES"] == 0, (same, planted)
    assert same["UNDECIDED"] == 0 and planted["UNDECIDED"] <= pairs / 10, (same, planted)
