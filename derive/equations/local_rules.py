"""The second-order model of a rule that acts coordinate by coordinate, on losses that are sums over coordinates.

Each coordinate is then a chain of its own, so the operators of one coordinate (`sdescent.derive.equations.step.operators`) give
the whole equation, even if the limit has noise and L_1 differentiates the gradient twice. H_j and T_j are the second and third
derivatives of the coordinate's loss.
"""

from collections.abc import Callable, Mapping

import sympy as sp

from sdescent.derive.equations.step.draws import spoken
from sdescent.derive.equations.step.increments import root
from sdescent.derive.equations.step.mean_over_step import Expectation
from sdescent.derive.equations.step.operators import OneStep
from sdescent.derive.expressions.coordinates import (
    CURVATURE,
    HIGHER,
    THIRD,
    Coordinate,
    CoordSum,
    Fourth,
    Hvp,
    Node,
    Third,
    g,
    to_slot,
)
from sdescent.derive.expressions.gathered import gathered
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.written import formula
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import du, t, u

#: for each derivative along vectors: the derivative in the coordinate alone, and the power of the vector beside it
_SLOPES: dict[type, tuple[sp.Expr, int]] = {Hvp: (CURVATURE, 1), Third: (THIRD, 2), Fourth: (HIGHER[4], 3)}
_G, _U = sp.Function("G", real=True), sp.Function("U", positive=True)


def local_generator(
    increments: Mapping[str, Series], expect: Expectation, dim: int | None
) -> tuple[dict[str, sp.Expr], dict[tuple[str, str], sp.Expr]]:
    """The drift of each letter and the covariance at one coordinate, of weak order 2, as expressions in s.

    Args:
        increments: the increments of x and the memory letters.
        expect: the expectation over a step.
        dim: 1, or None for any dimension if nothing mixes coordinates.

    Raises:
        NoClosedForm: sums over coordinates, or dependent coordinates, in more than one dimension.
        Refusal: "no-second-order-sde".
    """
    if dim != 1 and not expect.independent:
        raise NoClosedForm(
            "the second-order model is not known in more than one dimension if the limit has noise and the coordinates of a "
            "message are dependent"
        )
    names = list(increments)
    symbols = {a: sp.Symbol(a, real=True) for a in names}
    x = symbols["x"]
    forward: dict[sp.Expr, sp.Expr] = {Coordinate(a): symbol for a, symbol in symbols.items()}
    forward |= {g: _G(x), CURVATURE: _G(x).diff(x), THIRD: _G(x).diff(x, 2), HIGHER[4]: _G(x).diff(x, 3)}
    forward |= {u: _U(t), du: _U(t).diff(t)}

    def expected(series: Series) -> Series:
        return expect.series(series).map(lambda a: exchange(gathered(localised(a, dim)), forward))

    state = (*symbols.values(), t)
    steps = {symbols[a]: f.map(lambda e: localised(e, dim)) for a, f in increments.items()}
    operators = OneStep(state, {**steps, t: Series.monomial(1, 2)}, expected)
    parts = (operators.L0, operators.half, operators.L1, operators.rest)
    drift = [sum((root**n * part.drift()[i] for n, part in enumerate(parts)), sp.S.Zero) for i in range(len(names))]
    covariances = [part.covariance() for part in parts]
    back = _back(x) | {symbol: Coordinate(a) for a, symbol in symbols.items()}

    def in_letters(e: sp.Expr) -> sp.Expr:
        return e.replace(lambda d: isinstance(d, sp.Derivative), lambda d: back.get(d, d)).xreplace(back)

    covariance = {
        (a, b): in_letters(sum((root**n * c[i, j] for n, c in enumerate(covariances)), sp.S.Zero))
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i <= j
    }
    return {a: in_letters(e) for a, e in zip(names, drift, strict=True)}, covariance


def _back(x: sp.Symbol) -> dict[sp.Expr, sp.Expr]:
    slopes = {1: CURVATURE, 2: THIRD, 3: HIGHER[4], 4: HIGHER[5]}
    return {_G(x): g, _U(t): u, _U(t).diff(t): du} | {_G(x).diff(x, n): letter for n, letter in slopes.items()}


def localised(expr: sp.Expr, dim: int | None) -> sp.Expr:
    """An expression with its Hessian products and sums over coordinates reduced to one coordinate.

    Raises:
        NoClosedForm: a function of all coordinates, in more than one dimension.
    """

    def value(node: Node, inner: sp.Expr) -> sp.Expr | None:
        if type(node) in _SLOPES:
            slope, power = _SLOPES[type(node)]
            return slope * inner**power
        return inner if isinstance(node, CoordSum) and dim == 1 else None

    refused = "the second-order model of {}, a function of all coordinates, where the limit has noise"
    return in_one_coordinate(expr, value, refused)


def in_one_coordinate(expr: sp.Expr, value: Callable[[Node, sp.Expr], sp.Expr | None], refused: str) -> sp.Expr:
    """Replace every function of all coordinates by `value(function, argument)` in one; raise NoClosedForm if that is None."""
    table: dict[sp.Expr, sp.Expr] = {}
    for node in expr.atoms(Node):
        inner = in_one_coordinate(to_slot(node.args[0], "k", "j"), value, refused)
        local = value(node, inner)
        if local is None:
            raise NoClosedForm(refused.format(formula(spoken(node))))
        table[node] = local
    return exchange(expr, table)
