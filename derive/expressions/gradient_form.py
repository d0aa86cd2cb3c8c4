"""The gradient form of one step, in any dimension, and its expansion into named coordinates or for a loss."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.logic.boolalg import BooleanFunction

from sdescent.derive.expressions import coordinates
from sdescent.derive.expressions.graphs import remade
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import d as dimension

#: nodes of an expression; comparisons of longer ones stay undecided, since SymPy's attempts take minutes and nothing needs them
LONG = 40
#: a vector -> a derivative of the loss applied to it
Product = Callable[[list[sp.Expr]], Sequence[sp.Expr]]
COMPARISONS = (sp.core.relational.Relational, BooleanFunction, sp.Max, sp.Min, sp.Abs, sp.sign)


class Expansion:
    """The expansion of generic expressions into named coordinates.

    Args:
        dim: the dimension.
        vectors: for each base name of a vector ("g", ..) its `dim` coordinates.
        hessian_product: c -> H c, needed if the expression contains Hessian products.
        third_product, fourth_product: c -> the third derivative of the loss at (c, c), and the fourth at (c, c, c), if needed.
    """

    def __init__(
        self,
        dim: int,
        vectors: Mapping[str, Sequence[sp.Expr]],
        hessian_product: Product | None = None,
        third_product: Product | None = None,
        fourth_product: Product | None = None,
    ) -> None:
        self.dim, self.vectors = dim, vectors
        self.products: dict[type, Product | None] = {
            coordinates.Hvp: hessian_product,
            coordinates.Third: third_product,
            coordinates.Fourth: fourth_product,
        }
        self._memo: dict[tuple[sp.Basic, int | None], Any] = {}
        self._parts: dict[tuple[Any, ...], Any] = {}

    def scalar(self, expr: sp.Expr) -> sp.Expr:
        """The value of an expression without a free coordinate."""
        return self._visit(sp.sympify(expr), {})

    def vector(self, expr: sp.Expr) -> list[sp.Expr]:
        """The `dim` values of an expression in the free coordinate."""
        return [self._visit(sp.sympify(expr), {"j": m}) for m in range(self.dim)]

    def pair(self, expr: sp.Expr, i: int, j: int) -> sp.Expr:
        """The value of an expression in two coordinates, counted from 0."""
        return self._visit(sp.sympify(expr), {"i": i, "j": j})

    def _visit(self, expr: Any, index: dict[str, int]) -> Any:
        if expr == dimension:
            return sp.Integer(self.dim)
        if isinstance(expr, coordinates.Coordinate) and expr.slot == "ij":
            return expr.between(index["i"] + 1, index["j"] + 1)
        if isinstance(expr, coordinates.Coordinate):
            if not expr.entries and expr.base not in self.vectors:
                what = f"the vector {expr.base} has no numbers, because a formula names it by itself"
                raise NoClosedForm(f"{what}; make it with by_coordinate, in a field of the class")
            return (expr.vector(self.dim) if expr.entries else self.vectors[expr.base])[index[expr.slot]]
        if isinstance(expr, coordinates.Node):
            place_of_node = index[expr.slot] if isinstance(expr, coordinates.VectorNode) else None
            product = isinstance(expr, coordinates.OfLoss)
            key = (expr, None) if product else (expr, place_of_node)
            if key not in self._memo:
                inner = [self._visit(expr.args[0], {"k": m}) for m in range(self.dim)]
                self._memo[key] = self._node(expr, inner, place_of_node)
            value = self._memo[key]
            return value[place_of_node] if product else value
        if not expr.args:
            return expr
        place = (expr, *index.items())
        # a clipping that occurs in every entry of a covariance is built once per coordinate
        if place not in self._parts:
            args = [self._visit(a, index) for a in expr.args]
            cases = [c for _, c in args] if isinstance(expr, sp.Piecewise) else []
            self._parts[place] = _apply(expr, args, cases or args)
        return self._parts[place]

    def _node(self, expr: coordinates.Node, inner: list[sp.Expr], coordinate: int | None) -> Any:
        if isinstance(expr, coordinates.CoordSum):
            return sp.Add(*inner)
        if isinstance(expr, coordinates.CoordMax):
            return sp.Max(*inner)
        if isinstance(expr, coordinates.Rank):
            assert coordinate is not None  # for the type checker; a rank always has a slot
            order = [(m < coordinate, _sign(a - inner[coordinate])) for m, a in enumerate(inner) if m != coordinate]
            # 1 if a is larger, or equal at a lower index; without cases, since ranks occur in other ranks' conditions
            return sp.Add(*[_decided(sp.Min, 1, 1 + s) if lower else _decided(sp.Max, 0, s) for lower, s in order])
        product = self.products.get(type(expr))
        if product is None:
            raise ValueError("this expression contains a derivative of the loss for which no product was given")
        return list(product(inner))


class Substitution:
    """A substitution of expressions for symbols that does not decide conditions, maxima or signs which become long.

    If a condition contains cases, SymPy multiplies out all cases of both. Inside conditions, maxima, signs and absolute
    values a replacement is therefore written without cases if possible (`without_cases`).
    """

    def __init__(self, table: Mapping[sp.Symbol, sp.Expr]) -> None:
        self._plain: dict[sp.Basic, Any] = dict(table)
        self._compared: dict[sp.Basic, Any] = {s: without_cases(e) for s, e in table.items()}

    def __call__(self, expr: sp.Expr) -> sp.Expr:
        return self._put(expr, self._plain)

    def _put(self, expr: Any, table: dict[sp.Basic, Any]) -> Any:
        if expr in table:
            return table[expr]
        if not expr.args:
            return expr
        if isinstance(expr, sp.Piecewise):
            cases = [(self._put(e, table), self._put(c, self._compared)) for e, c in expr.args]  # pyright: ignore[reportGeneralTypeIssues]
            value = sp.Piecewise(*cases, evaluate=False)
        elif isinstance(expr, COMPARISONS):
            args = [self._put(a, self._compared) for a in expr.args]
            value = _apply(expr, args, args)
        else:
            args = [self._put(a, table) for a in expr.args]
            value = _apply(expr, args, args)
        table[expr] = value
        return value


def _apply(expr: sp.Expr, args: list[Any], judged: list[Any]) -> Any:
    """The result of expr.func on new arguments, left unevaluated if SymPy would analyse the `judged` arguments for long."""
    # for a power of a sum of two terms SymPy analyses whether either is infinite
    patient = isinstance(expr, (*COMPARISONS, sp.Piecewise)) or (expr.is_Pow and args[0].is_Add)
    if patient and any(coordinates.longer_than(a, LONG) for a in judged):
        return expr.func(*args, evaluate=False)
    return remade(expr, args)


def _sign(e: sp.Expr) -> sp.Expr:
    """The sign, without SymPy's attempts to decide it if it contains symbols."""
    return sp.sign(e, evaluate=False) if e.free_symbols else sp.sign(e)


def _decided(function: Any, bound: int, value: sp.Expr) -> sp.Expr:
    """A maximum or minimum with a number, which SymPy evaluates only if the other argument is a number too."""
    return function(bound, value) if value.is_number else function(bound, value, evaluate=False)


def without_cases(expr: sp.Expr) -> sp.Expr:
    """An equal expression with a(max(x, c)) + b(min(x, c)) - a(c) for b(x) if x < c, else a(x), where a(c) = b(c);
    other cases stay.
    """
    return expr.replace(lambda e: isinstance(e, sp.Piecewise), _glued)


def _glued(cases: sp.Piecewise) -> sp.Expr:
    (first, condition), *rest = [tuple(pair.args) for pair in cases.args]
    comparable = isinstance(condition, (sp.Ge, sp.Gt, sp.Le, sp.Lt)) and len(rest) == 1 and rest[0][1] == sp.true
    if not comparable or not condition.lhs.is_Symbol or condition.rhs.free_symbols:
        return cases
    x, c, last = condition.lhs, condition.rhs, rest[0][0]
    right, left = (first, last) if isinstance(condition, (sp.Ge, sp.Gt)) else (last, first)
    if (right.subs(x, c) - left.subs(x, c)).equals(0) is not True:
        return cases
    return right.subs(x, sp.Max(x, c)) + left.subs(x, sp.Min(x, c)) - right.subs(x, c)


@dataclass(frozen=True)
class DenseCov:
    """A covariance matrix without structure (d x d, in units of the gradient squared: dimensionless).

    The matrix enters a form as a named leaf. Expanding or lowering the form inserts its numbers: measured from data or, for the
    covariance of a message, integrals over the noise.
    """

    name: str = "Sigma"

    @property
    def variance(self) -> coordinates.Coordinate:
        """The diagonal entry at the generic coordinate."""
        return coordinates.Coordinate(f"{self.name}_diag", "j", True)

    @property
    def pair(self) -> coordinates.Coordinate:
        """The entry at two coordinates i != j."""
        return coordinates.Coordinate(self.name, "ij")

    def entry(self, i: int, j: int) -> sp.Symbol:
        """The symbol of entry (i, j), counted from 1; the same for (j, i)."""
        return self.pair.between(i, j)


@dataclass(frozen=True)
class GradientForm:
    """Mean and covariance of a random vector given the gradient (or the client's message), for any dimension.

    b_j = mean, S = diag(diag) + U core U' + sum_r coef_r Dense_r (all dimensionless), where column a of the d x r matrix U
    has coordinates factors[a].
    """

    mean: sp.Expr
    diag: sp.Expr
    factors: tuple[sp.Expr, ...] = ()
    core: sp.Matrix = field(default_factory=lambda: sp.zeros(0, 0))
    dense: tuple[tuple[sp.Expr, DenseCov], ...] = ()

    @property
    def pair(self) -> sp.Expr:
        """The low-rank entry (U core U')_ij, which is S_ij for i != j if the form has no dense matrix."""
        return self._low_rank([coordinates.to_slot(factor, "j", "i") for factor in self.factors])

    @property
    def variance(self) -> sp.Expr:
        """The whole diagonal entry S_jj."""
        return self.diag + self._low_rank(self.factors) + sp.Add(*[c * leaf.variance for c, leaf in self.dense])

    def _low_rank(self, others: Sequence[sp.Expr]) -> sp.Expr:
        ranks = range(self.rank)
        return sp.Add(*[self.core[a, b] * others[a] * self.factors[b] for a in ranks for b in ranks])

    @property
    def rank(self) -> int:
        """The number r of factors."""
        return len(self.factors)

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """All expressions of the form, for walks over symbols and functions."""
        return (self.mean, self.diag, *self.factors, *self.core, *(c for c, _ in self.dense))

    def in_vector(self, old: str, new: str) -> "GradientForm":
        """The form with the vector `new` in place of `old` (without noise, the gradient g for the message v)."""
        return self.map(lambda e: coordinates.rename_vector(e, old, new))

    def map(self, change: Callable[[sp.Expr], sp.Expr]) -> "GradientForm":
        """The form with every expression changed, except the coefficients of dense matrices."""
        factors = tuple(map(change, self.factors))
        return GradientForm(change(self.mean), change(self.diag), factors, self.core.applyfunc(change), self.dense)

    def covariance(self, expansion: Expansion) -> sp.Matrix:
        """The dim x dim matrix S in named coordinates."""
        dim, diag, ranks = expansion.dim, expansion.vector(self.diag), range(self.rank)
        u = [expansion.vector(factor) for factor in self.factors]
        core = self.core.applyfunc(expansion.scalar)
        # U core U' without products by zero, for which SymPy analyses whether the other factor is infinite
        half = [[sp.Add(*[core[a, b] * u[a][m] for a in ranks if core[a, b] != 0]) for b in ranks] for m in range(dim)]
        upper = ((m, n) for n in range(dim) for m in range(n + 1))
        low_rank = {(m, n): sp.Add(*[half[m][b] * u[b][n] for b in ranks if half[m][b] != 0]) for m, n in upper}
        s = sp.Matrix(dim, dim, lambda m, n: low_rank[min(m, n), max(m, n)] + (diag[m] if m == n else 0))
        for coef, leaf in self.dense:
            entries = sp.Matrix(dim, dim, lambda i, j, leaf=leaf: leaf.entry(i + 1, j + 1))
            s += expansion.scalar(coef) * entries
        return s
