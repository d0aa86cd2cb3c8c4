"""A function of points in some rows of each path alone, where each entry of its values depends on the same entry of the point.

The gradient of a separable loss is such a function, and so are the scales of most noises. Whether one is, is read from its traced
program, so that it does not matter how it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from jax.extend.core import Literal

from numerics.backend.double import jax, jnp

#: primitives that make each entry from the entries at the same place, whatever the shape
BY_ENTRY = frozenset(
    {
        "abs", "acos", "acosh", "add", "and", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "clamp", "convert_element_type",
        "copy", "cos", "cosh", "digamma", "div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "ge", "gt",
        "integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "logistic", "lt", "max", "min", "mul", "ne", "neg", "nextafter",
        "not", "or", "pow", "rem", "round", "rsqrt", "select_n", "sign", "sin", "sinh", "sqrt", "square", "stop_gradient", "sub", "tan",
        "tanh", "xor",
    }
)  # fmt: skip
#: primitives that run a program, by the parameter that holds it
_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}


def in_rows(v: jax.Array, rows: jax.Array) -> jax.Array:
    """The entries of an array (d, paths) in some rows of each path, (k, paths)."""
    return v.at[rows, jnp.arange(rows.shape[1])].get(mode="promise_in_bounds")


def computed_in_rows(
    function: Callable[[jax.Array], tuple[jax.Array, ...]], x: jax.Array, rows: jax.Array,
    everywhere: Callable[[], tuple[jax.Array, ...]],
) -> tuple[jax.Array, ...]:  # fmt: skip
    """The values of a function, (d, paths) each, in some rows of each path, (k, paths) each.

    What is made entry by entry from x and from what does not depend on it is computed in these rows alone, in O(k); of other
    values, for which all of x is read, these rows are taken.

    Args:
        function: points (d, paths) -> values (d, paths).
        x: (d, paths).
        rows: (k, paths) of whole numbers below d.
        everywhere: () -> function(x), which may be known already.
    """
    traced = jax.make_jaxpr(function)(x)
    walk = _Rows(x.shape, rows)
    found = walk.run(traced.jaxpr, [_Whole(c) for c in traced.consts], [_Part(in_rows(x, rows))])
    whole = everywhere() if None in found else found
    return tuple(in_rows(w, rows) if v is None else walk.part(v) for v, w in zip(found, whole, strict=True))


@final
@dataclass(frozen=True, eq=False)
class _Part:
    """An array (d, paths) in the rows, (k, paths)."""

    value: jax.Array


@final
@dataclass(frozen=True, eq=False)
class _Whole:
    """A value that does not depend on x; `spread` is it in the rows, if it is an array (d, paths) made from smaller ones."""

    value: Any
    spread: jax.Array | None = None


#: None: a value that depends on other entries of x
_Value = _Part | _Whole | None


@final
class _Rows:
    """Walks a program of arrays of one shape (d, paths)."""

    def __init__(self, shape: tuple[int, ...], rows: jax.Array) -> None:
        self.shape, self.rows = shape, rows

    def part(self, value: _Part | _Whole) -> jax.Array:
        """The rows of a value of the shape (d, paths)."""
        if isinstance(value, _Part):
            return value.value
        return in_rows(value.value, self.rows) if value.spread is None else value.spread

    def run(self, program: Any, constants: Sequence[_Value], arguments: Sequence[_Value]) -> list[_Value]:
        """The results of a program."""
        known: dict[Any, _Value] = {
            **dict(zip(program.constvars, constants, strict=True)),
            **dict(zip(program.invars, arguments, strict=True)),
        }
        for equation in program.eqns:
            given = [_Whole(v.val) if isinstance(v, Literal) else known[v] for v in equation.invars]
            known.update(zip(equation.outvars, self._results(equation, given), strict=True))
        return [_Whole(v.val) if isinstance(v, Literal) else known[v] for v in program.outvars]

    def _results(self, equation: Any, given: Sequence[_Value]) -> Sequence[_Value]:
        name, lost = equation.primitive.name, [None] * len(equation.outvars)
        if (key := _CALLS.get(name)) is not None:
            program = equation.params[key]
            return self.run(program.jaxpr, [_Whole(c) for c in program.consts], given)
        whole = [v for v in given if isinstance(v, _Whole)]
        if len(whole) == len(given):
            return self._without_x(equation, whole)
        known = [v for v in given if v is not None]
        if len(known) < len(given) or not self._by_entry(equation):
            return lost
        return [_Part(self._in_rows(equation, known))]

    def _without_x(self, equation: Any, given: Sequence[_Whole]) -> Sequence[_Value]:
        results = _bound(equation, [v.value for v in given])
        if equation.primitive.name == "broadcast_in_dim" and tuple(equation.outvars[0].aval.shape) == self.shape:
            return [_Whole(results[0], self._spread(given[0].value, equation.params["broadcast_dimensions"]))]
        if self._by_entry(equation):
            return [_Whole(results[0], self._in_rows(equation, given))]
        return [_Whole(result) for result in results]

    def _by_entry(self, equation: Any) -> bool:
        """Whether each entry of the result is made from those at its place."""
        shapes = {tuple(v.aval.shape) for v in (*equation.invars, *equation.outvars)} - {()}
        return equation.primitive.name in BY_ENTRY and shapes == {self.shape}

    def _in_rows(self, equation: Any, given: Sequence[_Part | _Whole]) -> jax.Array:
        """The result in the rows, of an equation of which `_by_entry` holds; numbers stay as they are."""
        shapes = [tuple(v.aval.shape) for v in equation.invars]
        return _bound(equation, [self.part(v) if s == self.shape else v.value for v, s in zip(given, shapes, strict=True)])[0]

    def _spread(self, small: Any, places: Sequence[int]) -> jax.Array:
        """The rows of an array (d, paths) that a smaller one is broadcast to."""
        small = jnp.asarray(small)
        shape = [1, 1]
        for size, place in zip(small.shape, places, strict=True):
            shape[place] = size
        whole = small.reshape(shape)
        if shape[0] == 1:
            return jnp.broadcast_to(whole, self.rows.shape)
        # one column for all paths
        return whole[:, 0].at[self.rows].get(mode="promise_in_bounds") if shape[1] == 1 else in_rows(whole, self.rows)


def _bound(equation: Any, values: Sequence[Any]) -> Sequence[Any]:
    """The results of an equation for these operands."""
    found = equation.primitive.bind(*values, **equation.params)
    return found if equation.primitive.multiple_results else [found]
