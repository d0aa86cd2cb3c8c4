"""The values of scalar expressions in parameters, which are matched by name. Dimensionless."""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

import sympy as sp

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax
from sdescent.numerics.lowering.environment import environment
from sdescent.numerics.lowering.to_jax import lower_coordinate, lower_function

Parameters = Mapping[str, Any] | None


def number(expr: Any, parameters: Parameters = None) -> jax.Array:
    """The value of a scalar expression in parameters, which are matched by name.

    Raises:
        BadInput: a symbol without a value.
    """
    return lower_coordinate(expr)(environment(parameters or {}))


def concrete(expr: Any, parameters: Parameters = None) -> float:
    """The value of a scalar expression as a Python number, for values that determine shapes or are computed before a run.

    Raises:
        BadInput: a symbol without a value.
    """
    return float(with_numbers(expr, parameters or {}))


def with_numbers(expr: Any, values: Mapping[str, Any], but: Container[str] = ()) -> Any:
    """The expression with numbers in place of its symbols, except for symbols whose names are in `but`.

    Raises:
        BadInput: a symbol without a value.
    """
    symbolic: Any = sp.sympify(expr)
    free = [s for s in symbolic.free_symbols if s.name not in but]
    require_numbers(s.name for s in free if s.name not in values)
    return symbolic.xreplace({s: sp.Float(float(values[s.name]), 17) for s in free})


def require_numbers(missing: Iterable[str]) -> None:
    """Raise BadInput if there are names of symbols without a value."""
    if names := sorted(missing):
        raise BadInput(f"parameter {names[0]}", "no value", f"a number for each of {', '.join(names)}")


def function_of_one(function: Callable[[sp.Expr], Any], parameters: Parameters = None) -> Callable[[Any], Any]:
    """The array code of an expression in one variable, such as the density of a law, with numbers for its other symbols.

    Raises:
        BadInput: a symbol without a value.
    """
    y = sp.Symbol("y", real=True)
    expr = function(y)
    put = {s: sp.Float(concrete(s, parameters), 17) for s in expr.free_symbols - {y}}
    return lower_function(expr.xreplace(put), [y])


def whole(expr: Any, parameters: Parameters, field: str) -> int:
    """The value of an integer expression that determines array sizes.

    Raises:
        BadInput: the expression has no value, or its value is not an integer.
    """
    value = concrete(expr, parameters)
    if value != int(value):
        raise BadInput(field, value, "a whole number")
    return int(value)
