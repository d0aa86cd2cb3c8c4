"""Lower SymPy to JAX: an expression becomes a short list of array operations, each distinct subexpression once.

Nothing is printed, and nothing is evaluated as text. An expression without an array form raises `LoweringError` when it is lowered,
not when it runs. A vector is an array (d, paths), or (d, 1) if it is the same on every path, or (d,) without paths; a scalar is
(paths,) or (). Memory is O(d) per path: aggregates are reductions over the first axis, and no d x d array is formed.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.functions import SPECIAL, rows_for, special_parameters, table_name
from sdescent.numerics.lowering.functions import LoweringError as LoweringError
from sdescent.numerics.lowering.tape import Environment as Environment
from sdescent.numerics.lowering.tape import Tape
from sdescent.numerics.lowering.tape import environment as environment


@final
class Lowered:
    """Lowered expressions, the scalars and vectors that they read; called with an `Environment`, several arrays, or one array."""

    def __init__(self, expressions: Sequence[Any], single: bool, parameters: Mapping[str, Any] | None = None) -> None:
        self._tape = Tape()
        self._outputs = [self._tape.visit(specialise(e, parameters or {}), {}) for e in expressions]
        self._single = single
        self.symbols: frozenset[str] = frozenset(self._tape.symbols)
        self.vectors: frozenset[str] = frozenset(self._tape.vectors)

    def missing(self, names: Iterable[str]) -> list[str]:
        """The names of scalars that are read and not in `names`, sorted."""
        return sorted(self.symbols - {"d"} - set(names))

    def __call__(self, env: Environment) -> Any:
        require_numbers(self.missing(env.scalars))
        values: list[Any] = []
        for function, inputs in self._tape.operations:
            values.append(function(env, *[values[n] for n in inputs]))
        outputs = [values[n] for n in self._outputs]
        return outputs[0] if self._single else tuple(outputs)


def lower_coordinate(expr: Any, parameters: Mapping[str, Any] | None = None) -> Lowered:
    """The array code of an expression in the generic coordinate, with g_j, aggregates, ranks and Hessian products(LoweringError).

    `parameters` are values that are the same for every call, as far as they are known (`specialise`).
    """
    return Lowered([expr], True, parameters)


def lower_all(expressions: Sequence[Any], parameters: Mapping[str, Any] | None = None) -> Lowered:
    """The array code of several expressions, which share their common parts; a call returns a tuple."""
    return Lowered(expressions, False, parameters)


def specialise(expr: Any, parameters: Mapping[str, Any]) -> Any:
    """The expression with numbers for parameters of special functions (nu, alpha, beta), for which lowering makes tables."""
    expr = sp.sympify(expr)
    symbols = [s for s in special_symbols(expr) if np.ndim(parameters.get(s.name, [])) == 0]
    return expr.xreplace({s: sp.Float(float(parameters[s.name]), 17) for s in symbols})


def special_symbols(expr: sp.Basic) -> set[Any]:
    """The symbols on which the parameters of special functions depend."""
    special = [part for f in expr.atoms(*SPECIAL) for part in (f.args[:2] if isinstance(f, sp.hyper) else f.args[:-1])]
    return {s for part in special for s in part.free_symbols}


def tables_for(expressions: Iterable[Any], parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The tables of special functions whose parameters contain symbols, by name, for an environment.

    An expression is then lowered once for all their values; a function without a table or a number uses its direct form.
    """
    tables: dict[str, np.ndarray] = {}
    for f in {f for e in expressions for f in sp.sympify(e).atoms(*SPECIAL)}:
        arguments = special_parameters(f)
        symbols = {s for part in arguments for s in part.free_symbols}
        if not symbols or any(np.ndim(parameters.get(s.name, [])) for s in symbols):
            continue
        rows = rows_for(f, [concrete(part, parameters) for part in arguments])
        if rows is not None:
            tables[table_name(f)] = rows
    return tables


def untabulated(expressions: Iterable[Any], tables: Container[str]) -> set[str]:
    """Names of the symbols on which the parameters of special functions without one of these tables depend."""
    special = {f for e in expressions for f in sp.sympify(e).atoms(*SPECIAL) if table_name(f) not in tables}
    return {s.name for f in special for s in special_symbols(f)}


def lower_function(expr: Any, arguments: Sequence[sp.Symbol]) -> Callable[..., jax.Array]:
    """An expression, or a column matrix, stacked, as an array function of the symbols, matched by name (LoweringError)."""
    column = isinstance(expr, sp.MatrixBase)
    lowered = Lowered(expr.flat() if column else [expr], not column)
    names = [s.name for s in arguments]
    if lowered.missing(names):
        raise LoweringError(f"the symbols {', '.join(lowered.missing(names))} are not among the arguments")

    def function(*values: Any) -> jax.Array:
        result = lowered(Environment({}, dict(zip(names, values, strict=True))))
        if not column:
            return result
        shape = jnp.broadcast_shapes(*(jnp.shape(v) for v in values))
        return jnp.stack([jnp.broadcast_to(entry, shape) for entry in result])

    return function


#: values by the names of symbols
Parameters = Mapping[str, Any] | None


def number(expr: Any, parameters: Parameters = None) -> jax.Array:
    """The value of a scalar expression in parameters, which are matched by name. Raises BadInput for a symbol without a value."""
    return lower_coordinate(expr)(environment(parameters or {}))


def concrete(expr: Any, parameters: Parameters = None) -> float:
    """The value of a scalar expression as a Python number, before a run. Raises BadInput for a symbol without a value."""
    return float(with_numbers(expr, parameters or {}))


def with_numbers(expr: Any, values: Mapping[str, Any], but: Container[str] = ()) -> Any:
    """The expression with numbers for its symbols, except those named in `but`. Raises BadInput for a symbol without a value."""
    symbolic: Any = sp.sympify(expr)
    free = [s for s in symbolic.free_symbols if s.name not in but]
    require_numbers(s.name for s in free if s.name not in values)
    return symbolic.xreplace({s: sp.Float(float(values[s.name]), 17) for s in free})


def require_numbers(missing: Iterable[str]) -> None:
    """Raise BadInput if there are names of symbols without a value."""
    if names := sorted(missing):
        raise BadInput(f"parameter {names[0]}", "no value", f"a number for each of {', '.join(names)}")


def function_of_one(function: Callable[[sp.Expr], Any], parameters: Parameters = None) -> Callable[[Any], Any]:
    """The array code of an expression in one variable, such as a density. Raises BadInput for another symbol without a value."""
    y = sp.Symbol("y", real=True)
    expr = function(y)
    put = {s: sp.Float(concrete(s, parameters), 17) for s in expr.free_symbols - {y}}
    return lower_function(expr.xreplace(put), [y])


def whole(expr: Any, parameters: Parameters, field: str) -> int:
    """The value of an integer expression that determines array sizes. Raises BadInput unless its value is an integer."""
    value = concrete(expr, parameters)
    if value != int(value):
        raise BadInput(field, value, "a whole number")
    return int(value)
