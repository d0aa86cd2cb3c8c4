"""Operations on a batch of paths, guarded where XLA would change bits, and functions computed in some rows alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from jax.extend.core import Literal

from sdescent.numerics.backend.double import jax, jnp

#: primitives that compute each entry from the entries at the same place, whatever the shape
BY_ENTRY = frozenset(
    {
        "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "clamp",
        "convert_element_type", "copy", "cos", "cosh", "digamma", "div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1",
        "floor", "ge", "gt", "integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "logistic", "lt", "max", "min", "mul",
        "ne", "neg", "nextafter", "not", "or", "pow", "rem", "round", "rsqrt", "select_n", "sign", "sin", "sinh", "sqrt",
        "square", "stop_gradient", "sub", "tan", "tanh", "xor",
    }
)  # fmt: skip
#: primitives that run a program, with the parameter that holds the program
_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}


def in_rows(v: jax.Array, rows: jax.Array) -> jax.Array:
    """The entries of an array (d, paths) in some rows of each path, (k, paths)."""
    return v.at[rows, jnp.arange(rows.shape[1])].get(mode="promise_in_bounds")


def computed_in_rows(
    function: Callable[[jax.Array], tuple[jax.Array, ...]], x: jax.Array, rows: jax.Array,
    everywhere: Callable[[], tuple[jax.Array, ...]],
) -> tuple[jax.Array, ...]:  # fmt: skip
    """The values of a function of points (d, paths) in some rows of each path, (k, paths) each, integers below d.

    Values computed entry by entry, from x and from numbers that do not depend on x, are computed in these rows alone, in O(k).
    Other values read all of x: they are computed by `everywhere`, () -> function(x), and the rows are selected.
    """
    traced = jax.make_jaxpr(function)(x)
    walk = _Rows(x.shape, rows)
    results = walk.run(traced.jaxpr, [_Whole(c) for c in traced.consts], [_Part(in_rows(x, rows))])
    # turned values occur for square arrays
    parts = [None if v is None or (isinstance(v, _Part) and v.turned) else v for v in results]
    if None not in parts:
        return tuple(walk.part(v) for v in parts if v is not None)
    return tuple(in_rows(w, rows) if v is None else walk.part(v) for v, w in zip(parts, everywhere(), strict=True))


@final
@dataclass(frozen=True, eq=False)
class _Part:
    """The rows (k, paths) of an array (d, paths); if turned, the rows (paths, k) of an array (paths, d)."""

    value: jax.Array
    turned: bool = False


@final
@dataclass(frozen=True, eq=False)
class _Whole:
    """A value that does not depend on x; if it comes from smaller arrays, `part` computes its rows, turned or not."""

    value: Any
    part: Callable[[bool], jax.Array] | None = None


#: None: a value that depends on other entries of x
_Value = _Part | _Whole | None


@final
class _Rows:
    """Walks a program on arrays of the shape (d, paths), or turned, (paths, d)."""

    def __init__(self, shape: tuple[int, ...], rows: jax.Array) -> None:
        self.shape, self.rows = shape, rows

    def part(self, value: _Part | _Whole, turned: bool = False) -> jax.Array:
        """The rows of a value."""
        if isinstance(value, _Part):
            return value.value
        return self._taken(value.value, turned) if value.part is None else value.part(turned)

    def run(self, program: Any, constants: Sequence[_Value], arguments: Sequence[_Value]) -> list[_Value]:
        """The results of a program in the rows."""
        values: dict[Any, _Value] = dict(zip(program.constvars, constants, strict=True))
        values.update(zip(program.invars, arguments, strict=True))
        for equation in program.eqns:
            operands = [_Whole(v.val) if isinstance(v, Literal) else values[v] for v in equation.invars]
            values.update(zip(equation.outvars, self._results(equation, operands), strict=True))
        return [_Whole(v.val) if isinstance(v, Literal) else values[v] for v in program.outvars]

    def _results(self, equation: Any, operands: Sequence[_Value]) -> Sequence[_Value]:
        name = equation.primitive.name
        if (key := _CALLS.get(name)) is not None:
            program = equation.params[key]
            return self.run(program.jaxpr, [_Whole(c) for c in program.consts], operands)
        values = [v for v in operands if v is not None]
        if len(values) < len(operands):
            return [None] * len(equation.outvars)
        whole = [v for v in values if isinstance(v, _Whole)]
        if len(whole) == len(operands):
            return self._without_x(equation, whole)
        turned = {v.turned for v in values if isinstance(v, _Part)}
        if name == "transpose":
            return [_Part(v.value.T, not v.turned) for v in values if isinstance(v, _Part)]
        if len(turned) > 1 or not self._by_entry(equation, *turned):
            return [None] * len(equation.outvars)
        return [_Part(self._bound_in_rows(equation, values, *turned), *turned)]

    def _without_x(self, equation: Any, operands: Sequence[_Whole]) -> Sequence[_Value]:
        results, name = _bound(equation, [v.value for v in operands]), equation.primitive.name
        if name == "broadcast_in_dim" and len(equation.outvars[0].aval.shape) == 2:
            small, shape = jnp.asarray(operands[0].value), [1, 1]
            for size, place in zip(small.shape, equation.params["broadcast_dimensions"], strict=True):
                shape[place] = size
            return [_Whole(results[0], lambda turned: self._taken(small.reshape(shape), turned))]
        if name == "transpose" and (part := operands[0].part) is not None:
            return [_Whole(results[0], lambda turned: part(not turned).T)]
        if any(self._by_entry(equation, turned) for turned in (False, True)):
            return [_Whole(results[0], lambda turned: self._bound_in_rows(equation, operands, turned))]
        return [_Whole(result) for result in results]

    def _by_entry(self, equation: Any, turned: bool) -> bool:
        """Whether each entry of the result, an array of all rows, is computed from the entries at its place."""
        whole = self.shape[::-1] if turned else self.shape
        shapes = [tuple(v.aval.shape) for v in equation.invars]
        fit = all(not s or (len(s) == 2 and all(a in (1, b) for a, b in zip(s, whole, strict=True))) for s in shapes)
        return equation.primitive.name in BY_ENTRY and fit and tuple(equation.outvars[0].aval.shape) == whole

    def _bound_in_rows(self, equation: Any, operands: Sequence[_Part | _Whole], turned: bool) -> jax.Array:
        """The rows of the result of an equation for which `_by_entry` holds; scalar operands stay as they are."""
        numbers = [not v.aval.shape for v in equation.invars]
        values = [v.value if n else self.part(v, turned) for v, n in zip(operands, numbers, strict=True)]
        return _bound(equation, values)[0]

    def _taken(self, whole: Any, turned: bool) -> jax.Array:
        """The rows of an array of all rows, or of an array that broadcasts to it."""
        a = jnp.asarray(whole).T if turned else jnp.asarray(whole)
        if a.shape[0] == 1:
            values = jnp.broadcast_to(a, self.rows.shape)
        elif a.shape[1] == 1:  # one column for all paths
            values = a[:, 0].at[self.rows].get(mode="promise_in_bounds")
        else:
            values = in_rows(a, self.rows)
        return values.T if turned else values


def _bound(equation: Any, values: Sequence[Any]) -> Sequence[Any]:
    """The results of an equation for these operands."""
    results = equation.primitive.bind(*values, **equation.params)
    return results if equation.primitive.multiple_results else [results]


#: columns in a block of a product of matrices
BLOCK = 64
#: powers of two that scale numbers, from their inverse up to the largest, to numbers whose squares and reciprocals neither overflow
#: nor vanish
_LESS = {"float32": 2.0**-80, "float64": 2.0**-540}


def materialised(function: Callable[..., Any], *arguments: Any) -> Any:
    """The values of a function, computed in a separate branch: otherwise XLA computes them again wherever they are used."""
    some = jax.tree.leaves(arguments)[0].reshape(-1)[0].astype(jnp.float32)
    yes = (jax.lax.bitcast_convert_type(some, jnp.uint32) | 1) > 0  # XLA does not know that this is true
    kinds = jax.eval_shape(function, *arguments)
    zeros = lambda *_: jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), kinds)  # noqa: E731
    return jax.lax.cond(yes, function, zeros, *arguments)


def product(matrix: jax.Array, x: jax.Array) -> jax.Array:
    """The product of a matrix (m, d) and x (d, paths), by blocks of columns: the order of larger sums depends on their size.

    A single block is multiplied without a loop: a loop of one iteration would be compiled differently.
    """
    m, paths = matrix.shape[0], x.shape[1]
    if paths % BLOCK or paths == BLOCK:
        return matrix @ x
    blocks = jnp.moveaxis(x.reshape(x.shape[0], -1, BLOCK), 1, 0)
    return jnp.moveaxis(jax.lax.map(lambda block: matrix @ block, blocks), 0, 1).reshape(m, paths)


def norm(x: jax.Array) -> jax.Array:
    """||x||_2 on each path, (d, paths) -> (paths,), even if its square overflows; 0 if all squares are subnormal, unless d = 1."""
    if x.shape[0] == 1:
        return jnp.abs(x[0])
    less = _LESS[str(x.dtype)]  # not divided by the largest entry, whose reciprocal may be 0

    def scaled(x: jax.Array, plain: jax.Array) -> jax.Array:
        return jnp.where(jnp.isinf(plain), jnp.sqrt(jnp.sum((x * less) ** 2, axis=0)) * (1 / less), plain)

    plain = jnp.sqrt(jnp.sum(x**2, axis=0))
    # a single branch for all paths; the result of a path does not depend on the other paths
    return jax.lax.cond(jnp.any(jnp.isinf(plain)), scaled, lambda x, plain: plain, x, plain)


def divided(x: jax.Array, by: jax.Array) -> jax.Array:
    """x (d, paths) divided by a number for each path, (paths,): one division per path, even if the reciprocal underflows."""
    less = _LESS[str(x.dtype)]
    scale = jnp.where(jnp.abs(by) > 1 / less, less, 1.0).astype(x.dtype)
    return (x * scale) * (1 / (by * scale))
