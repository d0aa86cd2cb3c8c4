"""The list of array operations for an expression, each distinct subexpression once and in order, and the environment it reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any, final

import numpy as np
import sympy as sp
from sympy.logic.boolalg import Boolean

from sdescent.derive.expressions import coordinates
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.special import Psi
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering import functions


@final
@dataclass(frozen=True)
class Environment:
    """The values that a lowered expression reads. All dimensionless.

    `vectors` are (d, paths) or (d, 1), by name ("g", "v", "x", "h", "Sigma_diag"), `scalars` numbers or (paths,) (parameters, "t",
    "u", "du"), `matrices` measured covariances (d, d) and tables of special functions. `directional` maps (c (d, paths), n) to the
    n-th directional derivative of grad f along c, (d, paths): H c for n = 1.
    """

    vectors: Mapping[str, jax.Array]
    scalars: Mapping[str, Any] = field(default_factory=dict)
    matrices: Mapping[str, jax.Array] = field(default_factory=dict)
    directional: Callable[[jax.Array, int], jax.Array] | None = None

    @property
    def dim(self) -> int:
        """The dimension d."""
        return next(iter(self.vectors.values())).shape[0]

    def vector(self, base: str) -> jax.Array:
        """The vector called `base`; the diagonal of a measured covariance if it is called "<name>_diag"."""
        if base in self.vectors:
            return _floating(self.vectors[base])
        if base.removesuffix("_diag") in self.matrices:
            return jnp.diagonal(self.matrices[base.removesuffix("_diag")])[:, None]
        raise BadInput(f"vector {base}", "no value", "an array with one entry per coordinate, in params")

    def scalar(self, name: str) -> jax.Array:
        """The scalar called `name`; d if it is called "d" and has no value."""
        if name not in self.scalars:
            if name == "d":
                return jnp.asarray(float(self.dim))
            raise BadInput(f"parameter {name}", "no value", "a number for every symbol of the expression")
        return _floating(self.scalars[name])


def environment(
    parameters: Mapping[str, Any], vectors: Mapping[str, jax.Array] | None = None, **more: Any
) -> Environment:
    """An environment from parameters by name: numbers become scalars, arrays (d,) vectors, and arrays (d, d) covariances.

    An array (1, paths) is a scalar that differs from path to path; a program never has fewer than two paths. `more` are further
    scalars (t, u, du), and `directional`.
    """
    shapes = {name: jnp.ndim(value) for name, value in parameters.items()}
    tables = {name: parameters[name] for name, n in shapes.items() if n == 2}
    lanes = {name: a[0] for name, a in tables.items() if a.shape[0] == 1 < a.shape[1]}
    constant = {name: jnp.asarray(parameters[name])[:, None] for name, n in shapes.items() if n == 1}
    numbers = {name: parameters[name] for name, n in shapes.items() if n == 0}
    matrices = {name: jnp.asarray(a) for name, a in tables.items() if name not in lanes}
    scalars = {**numbers, **lanes, **more.pop("scalars", {})}
    return Environment({**(vectors or {}), **constant}, scalars, matrices, **more)


def _floating(value: Any) -> jax.Array:
    """The value as a floating-point array; a floating-point array keeps its precision."""
    array = jnp.asarray(value)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else jnp.asarray(value * 1.0)


#: the nodes for a derivative of the gradient, and the order of the derivative
_DERIVATIVES = {coordinates.Hvp: 1, coordinates.Third: 2, coordinates.Fourth: 3}
_NODES = (coordinates.CoordSum, coordinates.CoordMax, coordinates.Rank, *_DERIVATIVES)
_COMPARE = {sp.Gt: jnp.greater, sp.Ge: jnp.greater_equal, sp.Lt: jnp.less, sp.Le: jnp.less_equal, sp.Eq: jnp.equal}
_COMPARE |= {sp.Ne: jnp.not_equal}
_FOLD = {sp.Add: jnp.add, sp.Mul: jnp.multiply, sp.Max: jnp.maximum, sp.Min: jnp.minimum}
_FOLD |= {sp.And: jnp.logical_and, sp.Or: jnp.logical_or}


@final
class Tape:
    """A list of array operations; `visit` returns the place of a value. A memo holds the places of values in a scope."""

    def __init__(self) -> None:
        self.operations: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
        self.symbols: set[str] = set()
        self.vectors: set[str] = set()
        self._shared: dict[sp.Basic, int] = {}
        self._varying: dict[sp.Basic, bool] = {}

    def emit(self, function: Callable[..., Any], *inputs: int) -> int:
        self.operations.append((function, inputs))
        return len(self.operations) - 1

    def visit(self, expr: Any, scope: dict[sp.Basic, int]) -> int:
        """The place of the value of `expr`; `scope` overrides leaves (inside the branch of a Piecewise)."""
        memo = scope or self._shared
        if expr not in memo:
            memo[expr] = self._lower(expr, scope)
        return memo[expr]

    def _lower(self, expr: Any, scope: dict[sp.Basic, int]) -> int:
        number = _number(expr)
        if number is not None:
            return self.emit(lambda env: number)
        if expr in (sp.true, sp.false):
            truth = bool(expr)
            return self.emit(lambda env: jnp.asarray(truth))
        if isinstance(expr, coordinates.Coordinate):
            base = expr.base
            if expr.entries:
                return self.emit(partial(_constants, base, np.array(expr.entries, float)))
            self.vectors.add(base)
            return self.emit(lambda env: env.vector(base))
        if isinstance(expr, sp.Symbol):
            name = expr.name
            self.symbols.add(name)
            return self.emit(lambda env: env.scalar(name))
        if isinstance(expr, _NODES):
            return self._node(expr)
        if isinstance(expr, sp.Piecewise):
            return self._piecewise(expr, scope)
        if isinstance(expr, sp.Mul):
            return self._product(expr, scope)
        if isinstance(expr, functions.SPECIAL):
            inputs = [self.visit(a, scope) for a in _arguments(expr)]
            return self.emit(functions.special_function(expr), *inputs)
        function = _array_function(expr)  # before the arguments, so that an error names the outermost function
        inputs = [self.visit(a, scope) for a in _arguments(expr)]
        return self.emit(lambda env, *values: function(*values), *inputs)

    def _product(self, expr: sp.Mul, scope: dict[sp.Basic, int]) -> int:
        """The place of a product: numbers first, exactly, lest gamma(500)/gamma(501) overflow, then what all coordinates share."""
        numeric = [a for a in expr.args if a.is_number]
        rest = sorted((a for a in expr.args if not a.is_number), key=self._varies)
        gammas = [a for a in rest if a.as_base_exp()[0].func is sp.gamma and a.as_base_exp()[1].is_Integer]
        inputs = [self.visit(a, scope) for a in rest if a not in gammas]
        negative = bool(rest) and sp.Mul(*numeric) == -1  # a sign is no product: it joins the addition that follows
        if numeric and not negative:
            inputs.insert(0, self.visit(sp.Mul(*numeric), scope))
        if gammas:
            pairs = [a.as_base_exp() for a in gammas]
            exponents = [int(e) for _, e in pairs]
            places = [self.visit(b.args[0], scope) for b, _ in pairs]
            inputs.append(self.emit(lambda env, *z: _gamma_product(z, exponents), *places))
        place = self.emit(lambda env, *values: reduce(jnp.multiply, values), *inputs)
        return self.emit(lambda env, value: jnp.negative(value), place) if negative else place

    def _varies(self, expr: Any) -> bool:
        """Whether a value is read from a vector, possibly through an aggregate."""
        if expr not in self._varying:
            read = isinstance(expr, (coordinates.Coordinate, *_NODES))
            self._varying[expr] = read or any(map(self._varies, expr.args))
        return self._varying[expr]

    def _node(self, expr: Any) -> int:
        """The place of an aggregate, a rank or a Hessian product; the bound coordinate is the same array as the free one."""
        inner = coordinates.to_slot(expr.args[0], "k", "j")
        place = self.visit(inner, {})
        if isinstance(expr, coordinates.CoordSum):
            return self.emit(lambda env, a: jnp.sum(a, axis=0), place)
        if isinstance(expr, coordinates.CoordMax):
            return self.emit(lambda env, a: jnp.max(a, axis=0), place) if coordinates.depends_on(inner) else place
        if isinstance(expr, coordinates.Rank):
            return self.emit(lambda env, a: functions.rank_descending(_full(env, a)), place)
        return self.emit(partial(_directional, _DERIVATIVES[type(expr)]), place)

    def _piecewise(self, expr: sp.Piecewise, scope: dict[sp.Basic, int]) -> int:
        """The place of a Piecewise, by nested selection.

        Branches not selected are evaluated at harmless values, lest a NaN leak (NaN times the zero of a selection is NaN).
        """
        actives: list[int] = []
        branches: list[int] = []
        earlier: Any = sp.false
        pairs: list[Any] = [pair.args for pair in expr.args]
        for value, condition in pairs:
            active = sp.And(condition, sp.Not(earlier))
            earlier = sp.Or(earlier, condition)
            place = self.visit(active, scope)
            actives.append(place)
            branches.append(self._branch(value, active, place, scope))
        return self.emit(_select, *actives, *branches)

    def _branch(self, value: Any, active: Any, place: int, scope: dict[sp.Basic, int]) -> int:
        if not _may_be_singular(value) or active == sp.true:
            return self.visit(value, scope)
        leaves = _leaves(value)
        point = _inside(value, active, leaves)
        guarded: dict[sp.Basic, int] = {}
        for leaf in leaves:
            safe = point[leaf]
            read = self.visit(leaf, scope)
            guarded[leaf] = self.emit(lambda env, c, a, safe=safe: jnp.where(c, a, safe), place, read)
        return self.visit(value, guarded) if guarded else self.visit(value, scope)


def _constants(base: str, entries: np.ndarray, env: Environment) -> jax.Array:
    """A vector of constants, (d, 1), in the precision of the other vectors. Raises BadInput unless it has d entries."""
    other = next(iter(env.vectors.values()), None)
    if other is not None and len(other) != len(entries):
        raise BadInput(f"vector {base}", f"{len(entries)} numbers", f"{len(other)} numbers, one per coordinate")
    return jnp.asarray(entries, jnp.float64 if other is None else other.dtype)[:, None]


def _number(expr: Any) -> float | None:
    """The correctly rounded value of a number (LoweringError if it is complex or NaN); None for anything else."""
    if not (isinstance(expr, sp.Expr) and expr.is_number):
        return None
    if expr is sp.oo or expr is -sp.oo:
        return float(expr)
    value = expr.evalf(20)
    if not value.is_Float and not value.is_Rational:
        if value.is_extended_real is False or value.has(sp.nan, sp.zoo, sp.oo):
            raise functions.LoweringError(f"cannot lower {expr}: it is not a finite real number")
        return None
    return float(value)


def _arguments(expr: Any) -> list[Any]:
    if isinstance(expr, sp.hyper):
        return [*expr.args[0].args, *expr.args[1].args, expr.args[2]]
    return list(expr.args)


def _array_function(expr: Any) -> Callable[..., Any]:
    """The array form of the outermost operation."""
    kind = expr.func
    if kind in _FOLD:
        return lambda *values: reduce(_FOLD[kind], values)
    if kind in _COMPARE:
        return _COMPARE[kind]
    if kind is sp.Not:
        return jnp.logical_not
    if isinstance(expr, sp.Pow):
        return functions.power(expr.exp)
    if isinstance(expr, Psi):
        return functions.remainder(expr)
    if kind not in functions.FUNCTIONS:
        raise functions.LoweringError(f"cannot lower {expr}: the function {kind.__name__} has no array form here")
    return functions.FUNCTIONS[kind]


def _gamma_product(arguments: Sequence[Any], exponents: Sequence[int]) -> jax.Array:
    """The product of the powers gamma(z)^n, by logarithms: the factors may overflow where the product does not."""
    logs = [n * jax.scipy.special.gammaln(z) for z, n in zip(arguments, exponents, strict=True)]
    signs = [jax.scipy.special.gammasgn(z) ** (n % 2) for z, n in zip(arguments, exponents, strict=True)]
    return reduce(jnp.multiply, signs) * jnp.exp(reduce(jnp.add, logs))


def _select(env: Environment, *values: Any) -> Any:
    half = len(values) // 2
    result: Any = jnp.nan
    for active, branch in zip(reversed(values[:half]), reversed(values[half:]), strict=True):
        result = jnp.where(active, branch, result)
    return result


def _full(env: Environment, a: Any) -> jax.Array:
    """The value as a vector, even if it is the same for all coordinates."""
    return jnp.broadcast_to(a, jnp.broadcast_shapes(jnp.shape(a), *(v.shape for v in env.vectors.values())))


def _directional(n: int, env: Environment, c: Any) -> jax.Array:
    if env.directional is None:
        accepted = f"a loss, because this model needs its {'Hessian' if n == 1 else 'higher derivatives'}"
        raise BadInput("loss", "none", accepted)
    return env.directional(_full(env, c), n)


def _leaves(expr: Any) -> list[sp.Basic]:
    """The symbols and nodes that an expression reads, without the insides of nodes."""
    outside, held = coordinates.frozen(expr)
    return [*held.values(), *sorted(outside.free_symbols - set(held), key=str)]


def _may_be_singular(expr: sp.Basic) -> bool:
    """Whether the value or a derivative may fail to be finite somewhere."""
    if isinstance(expr, _NODES) or not expr.args:
        return False
    if isinstance(expr, sp.Pow) and not (expr.exp.is_Integer and expr.exp.is_positive):
        return True
    smooth = (sp.Add, sp.Mul, sp.Pow, sp.Piecewise, sp.sin, sp.cos, sp.tanh, sp.atan, sp.erf, sp.sign, sp.Abs, sp.floor)
    listed = isinstance(expr, (*smooth, sp.Max, sp.Min, sp.Tuple, Boolean)) or expr.func.__name__ == "ExprCondPair"
    return not listed or any(_may_be_singular(a) for a in expr.args)


_CANDIDATES = tuple(map(sp.Rational, ("1/2", "1", "3/2", "-1/2", "2", "1/7", "-2")))


def _inside(value: Any, active: Any, leaves: list[sp.Basic]) -> dict[sp.Basic, float]:
    """A point in the branch's own region at which its value is finite, for use if it is not selected; all 1 if none is found."""
    count = len(_CANDIDATES)
    every = list(dict.fromkeys([*leaves, *_leaves(active)]))
    for trial in range(count**2):
        stride, offset = divmod(trial, count)
        point = {leaf: _CANDIDATES[(offset + stride * n) % count] for n, leaf in enumerate(every)}
        if active.xreplace(point) != sp.true:
            continue
        number_there = value.xreplace(point).evalf(15)
        if number_there.is_Float or number_there.is_Rational:
            return {leaf: float(number) for leaf, number in point.items()}
    return dict.fromkeys(every, 1.0)
