"""SymPy to JAX: an expression becomes a short list of array operations, each distinct subexpression once.

Nothing is printed and nothing is evaluated as text. An expression without array form raises `LoweringError` when it is
lowered, not when it runs. Shapes: a vector is an array (d, paths) (or (d, 1) when it is the same on every path, or (d,) without
paths), a scalar (paths,) or (). Memory is O(d) per path: aggregates are reductions over the first axis, no d x d array is
formed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.environment import Environment as Environment
from sdescent.numerics.lowering.environment import environment as environment
from sdescent.numerics.lowering.functions import SPECIAL, rows_for, special_parameters, table_name
from sdescent.numerics.lowering.functions import LoweringError as LoweringError
from sdescent.numerics.lowering.tape import Tape


@final
class Lowered:
    """Lowered expressions: call with an `Environment`; a tuple of arrays, or the array itself for a single expression.

    Attributes:
        symbols: names of the scalars that are read; vectors: names of the vectors that are read.
    """

    def __init__(self, expressions: Sequence[Any], single: bool, parameters: Mapping[str, Any] | None = None) -> None:
        self._tape = Tape()
        self._outputs = [self._tape.visit(specialise(e, parameters or {}), {}) for e in expressions]
        self._single = single
        self.symbols: frozenset[str] = frozenset(self._tape.symbols)
        self.vectors: frozenset[str] = frozenset(self._tape.vectors)

    def missing(self, names: Iterable[str]) -> list[str]:
        """Names of scalars that are read and not among these, sorted."""
        return sorted(self.symbols - {"d"} - set(names))

    def __call__(self, env: Environment) -> Any:
        missing = self.missing(env.scalars)
        if missing:
            raise BadInput(f"parameter {missing[0]}", "no value", f"a number for each of {', '.join(missing)}")
        values: list[Any] = []
        for function, inputs in self._tape.operations:
            values.append(function(env, *[values[n] for n in inputs]))
        outputs = [values[n] for n in self._outputs]
        return outputs[0] if self._single else tuple(outputs)


def lower_coordinate(expr: Any, parameters: Mapping[str, Any] | None = None) -> Lowered:
    """A generic-coordinate expression (one that may hold g_j, aggregates, ranks, Hessian products) as array code.

    Args:
        expr: the expression.
        parameters: values that stay the same for every call, as far as they are known; see `specialise`.

    Raises:
        LoweringError: a function without array form; the message names it.
    """
    return Lowered([expr], True, parameters)


def lower_all(expressions: Sequence[Any], parameters: Mapping[str, Any] | None = None) -> Lowered:
    """Several expressions that share their common parts; the call returns a tuple."""
    return Lowered(expressions, False, parameters)


def specialise(expr: Any, parameters: Mapping[str, Any]) -> Any:
    """expr with numbers for those symbols on which the parameters of special functions depend (nu, alpha, beta).

    With a number there, lowering makes a table instead of an iteration for every entry.
    """
    expr = sp.sympify(expr)
    symbols = [s for s in special_symbols(expr) if np.ndim(parameters.get(s.name, [])) == 0]
    numbers = {s: sp.Float(float(parameters[s.name]), 17) for s in symbols}
    return expr.xreplace(numbers) if numbers else expr


def special_symbols(expr: sp.Basic) -> set[Any]:
    """The symbols on which the parameters of special functions depend."""
    special = [part for f in expr.atoms(*SPECIAL) for part in (f.args[:2] if isinstance(f, sp.hyper) else f.args[:-1])]
    return {s for part in special for s in part.free_symbols}


def tables_for(expressions: Iterable[Any], parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The tables of the special functions in expressions whose parameters are symbols, for an environment, by name.

    With them an expression is lowered once for all values of these symbols. A function for whose parameters there is no table has
    none here, and takes its direct form.

    Args:
        parameters: values by symbol name; of functions of symbols without a number there are no tables.
    """
    tables: dict[str, np.ndarray] = {}
    for f in {f for e in expressions for f in sp.sympify(e).atoms(*SPECIAL)}:
        arguments = special_parameters(f)
        symbols = {s for part in arguments for s in part.free_symbols}
        if not symbols or any(np.ndim(parameters.get(s.name, [])) for s in symbols):
            continue
        numbers = {s: sp.Float(float(parameters[s.name]), 17) for s in symbols}
        rows = rows_for(f, [float(part.xreplace(numbers)) for part in arguments])
        if rows is not None:
            tables[table_name(f)] = rows
    return tables


def untabulated(expressions: Iterable[Any], tables: Container[str]) -> set[str]:
    """Names of the symbols on which parameters of those special functions depend that have none of these tables."""
    special = {f for e in expressions for f in sp.sympify(e).atoms(*SPECIAL) if table_name(f) not in tables}
    return {s.name for f in special for s in special_symbols(f)}


def lower_function(expr: Any, arguments: Sequence[sp.Symbol]) -> Callable[..., jax.Array]:
    """An expression, or a column matrix (stacked along the first axis), as a function of its symbols in order.

    Symbols are matched by name. Arguments broadcast against each other.

    Raises:
        LoweringError: a function without array form, or a symbol that is not an argument.
    """
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
