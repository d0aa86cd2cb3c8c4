"""Exact second moments of an affine update rule itself, in one coordinate of a quadratic with curvature h."""

import sympy as sp

from sdescent.derive.equations.process.generator import quadratic_mean
from sdescent.derive.equations.process.stationary_moments import StationaryMoments
from sdescent.derive.equations.rule_equation import in_one_coordinate
from sdescent.derive.equations.step.covariance import existence
from sdescent.derive.equations.step.increments import Expanded, SeriesAlgebra, root
from sdescent.derive.equations.step.mean_over_step import Expectation
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, Hvp, Node, g, hvp
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.vanishing import solved
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.rules.update import evaluate
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import eta


class _AsItIs(Expanded):
    """The rule at its actual step size, without the expansion of a regime."""

    def __init__(self, method: Method) -> None:
        self.method, self.step, self.factors = method, eta, {}

    def in_root(self, expr: sp.Expr) -> sp.Expr:
        return sp.sympify(expr)


class _OnQuadratic(SeriesAlgebra):
    """The rule on a quadratic, where g(y) = g + H (y - x)."""

    def letter(self, name: str) -> Series:
        if name in ("k", "t"):
            raise Refusal("time-dependent", f"the update depends on {name}: its moments have no fixed point")
        return super().letter(name)

    def _moved(self, point: Series) -> Series:
        return Series.constant(hvp(point[0] - Coordinate("x")))


def one_step(method: Method) -> tuple[dict[str, sp.Expr], Expectation]:
    """The next value of each letter at coordinate j of a quadratic, in random letters, and the expectation over them."""
    expanded = _AsItIs(method)
    after = evaluate(method.rule, _OnQuadratic(expanded))
    factor = method.regime.rules.get(NOISE, sp.S.One)
    scales = [sp.sympify(s).xreplace(expanded.named) * factor for s in method.noise.scales]
    return {a: e[0] for a, e in after.items()}, Expectation(method, sp.S.One, root, scales, 0)


def second_moments_of_rule(method: Method, h: object = None) -> StationaryMoments:
    """The stationary second moments E zz' of an update rule, z = (x, memory), in one dimension on f = h x^2/2.

    V = E zz' solves V = E z+ z+', where z+ is the state after a step and E z = 0. These equations are linear if the rule is affine
    in the state and the squared messages are quadratic in it. The memory has the rule's own units in every regime.

    Args:
        h: the curvature: a number, or None for the symbol h1.

    Raises:
        NoClosedForm: the rule is not affine, the mean does not stay 0, or a moment is not unique or has no closed form.
        Refusal: "time-dependent" for bias correction and schedules in t; "no-stationary-law" if no values of the symbols
            give a stationary law.
    """
    state, means, squares = moments_of_step(method, h)
    size = len(state)
    unknown = {(i, j): sp.Symbol(f"V{i + 1}_{j + 1}", real=True) for i, j in StationaryMoments.pairs(size)}
    told = "the update is not affine in the state"
    equations = [
        sp.expand(quadratic_mean(squares[key], state, unknown, told, False) - symbol) for key, symbol in unknown.items()
    ]
    if any(m.subs(dict.fromkeys(state, 0)) != 0 for m in means):
        raise NoClosedForm("second moments about 0 where the mean does not stay 0")
    variables = list(unknown.values())
    solution = solved(equations, variables)
    if solution is None:
        raise NoClosedForm("the stationary second moments are not unique")
    moments = dict(zip(variables, solution, strict=True))
    matrix = sp.Matrix(size, size, lambda i, j: moments[unknown[min(i, j), max(i, j)]])
    return StationaryMoments(matrix, sp.Matrix(equations).jacobian(variables), method, existence(method)).require()


def moments_of_step(
    method: Method, h: object = None
) -> tuple[list[sp.Symbol], list[sp.Expr], dict[tuple[int, int], sp.Expr]]:
    """The state z = (x1, m1, ..), and E z' and E z'_i z'_j, i <= j, of the next state z' given z, in 1-D on f = h x^2/2.

    Args, Raises: as in `second_moments_of_rule`.
    """
    (curvature,) = Quadratic(h).vectors(1)["h"]
    after, expect = one_step(method)
    letters = list(after)
    symbols = {a: sp.Symbol(f"{a}1", real=True) for a in letters}
    table = {Coordinate(a): s for a, s in symbols.items()} | {g: curvature * symbols["x"]}
    local = [_local(after[a], curvature) for a in letters]

    def mean(e: sp.Expr) -> sp.Expr:
        return sp.expand(exchange(_local(expect(e), curvature), table))

    means = [mean(e) for e in local]
    squares = {(i, j): mean(local[i] * local[j]) for i, j in StationaryMoments.pairs(len(letters))}
    return list(symbols.values()), means, squares


def _local(e: sp.Expr, h: sp.Expr) -> sp.Expr:
    def value(node: Node, inner: sp.Expr) -> sp.Expr | None:
        return h * inner if isinstance(node, Hvp) else inner if isinstance(node, CoordSum) else None

    return in_one_coordinate(e, value, "second moments of an update with {}, a function of all coordinates")
