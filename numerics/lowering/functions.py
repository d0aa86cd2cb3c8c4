"""The array form of each function that lowering supports. Arguments broadcast; all numbers are dimensionless."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy.codegen.cfunctions import expm1

from sdescent.derive.methods.noise import StableDensity, StableSignMean
from sdescent.derive.vocabulary.formulas.special import Psi, SignSum
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering import special


class LoweringError(NotImplementedError):
    """An expression contains a function or a number without an array form; the message names it."""


#: atan(r) = r + r^3 P(r^2)/Q(r^2) on |r| <= 0.66 and, in single precision, r + r^3 P(r^2) on |r| <= tan(pi/8); highest power first
#: (Moshier 1989, Cephes)
_ATAN_P = (-8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1,
           -1.228866684490136173410e2, -6.485021904942025371773e1)  # fmt: skip
_ATAN_Q = (1.0, 2.485846490142306297962e1, 1.650270098316988542046e2, 4.328810604912902668951e2,
           4.853903996359136964868e2, 1.945506571482613964425e2)  # fmt: skip
_ATAN_SINGLE = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)


@jax.custom_jvp
def arctangent(x: jax.Array) -> jax.Array:
    """atan(x) with a relative error below 4e-16, or 3e-7 in single precision; XLA's own takes eight times as long on a CPU."""
    x = jnp.asarray(x)
    double = x.dtype != jnp.float32
    size = jnp.abs(x)
    far, middle = size > math.tan(3 * math.pi / 8), size > (0.66 if double else math.tan(math.pi / 8))
    top = jnp.where(far, -1.0, jnp.where(middle, size - 1, size))
    r = top / jnp.where(far, size, jnp.where(middle, size + 1, 1.0))
    z = r * r
    inner = special.horner(_ATAN_P, z) / special.horner(_ATAN_Q, z) if double else special.horner(_ATAN_SINGLE, z)
    rest = r * z * inner + r
    turned = jnp.where(far, math.pi / 2 + (rest + 6.123233995736766e-17), math.pi / 4 + (rest + 3.061616997868383e-17))
    return jnp.copysign(jnp.where(far | middle, turned, rest), x)


@arctangent.defjvp
def _arctangent_jvp(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    (x,), (dx,) = primals, tangents
    return arctangent(x), dx / (1 + x * x)


#: functions with one name in SymPy and JAX
_SAME = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sign", "floor")
#: SymPy function -> array function of the same arguments; a faster form of a function belongs here
FUNCTIONS: dict[type, Callable[..., Any]] = {
    **{getattr(sp, name): getattr(jnp, name) for name in _SAME},
    expm1: jnp.expm1,
    sp.atan: arctangent,
    sp.erf: jax.scipy.special.erf,
    sp.erfc: jax.scipy.special.erfc,
    sp.Abs: jnp.abs,
    sp.ceiling: jnp.ceil,
    sp.Heaviside: lambda x, at_zero=0.5: jnp.heaviside(x, at_zero),
    sp.gamma: jax.scipy.special.gamma,
    sp.loggamma: jax.scipy.special.gammaln,
    Psi: special.exponential_remainder,
}


def square_root(x: jax.Array) -> jax.Array:
    """sqrt(x), with derivative 0 (not infinity) at x = 0, so that 0 times the derivative is 0; NaN for x < 0."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), jnp.where(x == 0, 0.0, jnp.nan))


def power(exponent: Any) -> Callable[[Any, Any], Any]:
    """The function (base, exponent) -> base^exponent; at 0 a fractional power > 0 has derivative 0, a power < 0 is infinite."""
    if exponent.is_Integer:
        n = int(exponent)
        return lambda base, _: jnp.asarray(base) ** n
    if exponent.is_Rational and int(exponent.q) == 2:
        n = int(exponent.p)
        return lambda base, _: square_root(jnp.asarray(base)) ** n
    return _general_power


def _general_power(base: Any, exponent: Any) -> jax.Array:
    base = jnp.asarray(base)
    zero = base == 0
    at_zero = jnp.where(jnp.asarray(exponent) > 0, 0.0, jnp.where(jnp.asarray(exponent) == 0, 1.0, jnp.inf))
    return jnp.where(zero, at_zero, jnp.power(jnp.where(zero, 1.0, base), exponent))


#: up to this number of coordinates ranks are counted by comparisons, in O(d^2), instead of sorting
_COUNTED = 16


def rank_descending(a: jax.Array) -> jax.Array:
    """For each entry along the first axis, the number of larger entries, and of equal entries with a lower index."""
    if a.shape[0] <= _COUNTED:  # XLA sorts short axes slowly on a CPU
        place = jnp.arange(a.shape[0]).reshape(-1, *[1] * (a.ndim - 1))
        ranks = [jnp.sum((a > a[j]) | ((a == a[j]) & (place < j)), axis=0) for j in range(a.shape[0])]
        return jnp.stack(ranks).astype(a.dtype)
    return jnp.argsort(jnp.argsort(-a, axis=0, stable=True), axis=0, stable=True).astype(a.dtype)


def among_largest(a: jax.Array, k: Any) -> jax.Array:
    """Whether a float is among the k largest |a| along the first axis: whether `rank_descending` of |a| is below k, in O(d).

    Among equal entries, lower indices are chosen first. A NaN ranks behind all numbers, except that with up to 16 entries it is
    always chosen. Subnormal numbers are compared exactly. k, from 1 to d, may be traced or differ along the other axes.
    """
    dim = a.shape[0]
    if dim <= _COUNTED:
        return rank_descending(jnp.abs(a)) < k
    # the bits of numbers >= 0, read as integers, are ordered as the numbers are. The k-th largest is the greatest number that at
    # least k entries reach: it is computed bit by bit, until exactly k entries remain on every path
    whole = jnp.int32 if a.dtype == jnp.float32 else jnp.int64
    size = jnp.where(jnp.isnan(a), -1, jax.lax.bitcast_convert_type(a, whole) & np.iinfo(whole).max)

    def count(these: jax.Array) -> jax.Array:
        return jnp.sum(these, axis=0, dtype=jnp.int32)

    def halve(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        bit, least, chosen = state
        middle = jnp.maximum(least, 0) | (jnp.ones((), whole) << bit)
        above = count(size >= middle)
        return bit - 1, jnp.where(above >= k, middle, least), jnp.where(above >= k, above, chosen)

    def unfinished(state: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        return (state[0] >= 0) & jnp.any(state[2] != k)

    numbers = count(size >= 0)
    enough, highest = numbers >= k, jnp.asarray(np.iinfo(whole).bits - 2, whole)
    start = highest, jnp.where(enough, 0, -1).astype(whole), jnp.where(enough, numbers, dim).astype(jnp.int32)
    _, least, chosen = jax.lax.while_loop(unfinished, halve, start)

    def lowest_of_equal_ones() -> jax.Array:
        equal, missing = size == least, k - count(size > least)
        row, bits = jnp.arange(dim, dtype=jnp.int32).reshape(-1, *[1] * (a.ndim - 1)), (dim - 1).bit_length()

        def extend(n: Any, last: jax.Array) -> jax.Array:
            further = last | (jnp.int32(1) << (bits - 1 - n))
            return jnp.where(count(equal & (row < further)) < missing, further, last)

        last = jax.lax.fori_loop(0, bits, extend, jnp.zeros(least.shape, jnp.int32))
        return (size > least) | (equal & (row <= last))

    return jax.lax.cond(jnp.all(chosen == k), lambda: size >= least, lowest_of_equal_ones)


def remainder(expr: Psi) -> Callable[..., Any]:
    """The array function of (t) or (t, order) for psi or its derivative of the order in `expr`."""
    return lambda t, *_: special.exponential_remainder(t, expr.order)


def special_function(expr: Any) -> Callable[..., Any]:
    """The function (environment, arguments) -> value of a special function, by a table if there is any (else LoweringError).

    A constant table if the parameters are numbers, else one from the environment (`rows_for`), or without one the direct form.
    """
    if isinstance(expr, sp.hyper) and _dilogarithm(expr):
        return lambda env, *values: special.dilogarithm_ratio(jnp.asarray(values[5]))
    places: Sequence[int] = range(len(expr.args))
    if isinstance(expr, sp.hyper):
        if (place := _place(expr)) is None:
            raise LoweringError(f"cannot lower {expr}: this hypergeometric function has no array form here")
        places = place, 1 - place, 3
    direct, _, table, at = _TABLED[expr.func]
    parameters, name = special_parameters(expr), table_name(expr)
    constant = table(*map(float, parameters)) if all(e.is_number for e in parameters) else None
    if constant is not None:
        return lambda env, *values: constant(_far(expr, values[places[-1]]))

    def function(env: Any, *values: Any) -> Any:
        *arguments, last = (values[n] for n in places)
        rows, kind = env.matrices.get(name), jnp.result_type(*arguments, last, 0.0)
        if rows is None:  # the direct form may compute in double precision, whatever the precision of its arguments
            return direct(*arguments, last).astype(kind)
        return at(rows, *arguments, _far(expr, last))

    return function


def _far(expr: Any, last: Any) -> Any:
    """The last argument as tables expect it: -z >= 0 for a hypergeometric function."""
    return -jnp.asarray(last) if isinstance(expr, sp.hyper) else last


def _dilogarithm(expr: sp.hyper) -> bool:
    """Whether the function is 3F2(1, 1, 1; 2, 2; z) = Li_2(z)/z (logistic)."""
    return list(expr.args[0].args) == [1, 1, 1] and list(expr.args[1].args) == [2, 2]


def _place(expr: sp.hyper) -> int | None:
    """The place of a among the upper parameters of 2F1(a, b; a+1; z), z <= 0, b > a (Student-t); None for another function."""
    upper, lower = list(expr.args[0].args), list(expr.args[1].args)
    if len(upper) == 2 and len(lower) == 1 and not expr.args[2].is_positive:
        for n in (0, 1):
            if sp.expand(lower[0] - upper[n] - 1) == 0 and not (upper[1 - n] - upper[n]).is_nonpositive:
                return n
    return None


def special_parameters(expr: Any) -> tuple[Any, ...]:
    """The arguments of a special function that determine its table: a and b, or all but the last; none without a table."""
    if isinstance(expr, sp.hyper):
        place = None if _dilogarithm(expr) else _place(expr)
        return () if place is None else (expr.args[0].args[place], expr.args[0].args[1 - place])
    return expr.args[:-1]


def table_name(expr: Any) -> str:
    """The name of a special function's table in an environment; no symbol has such a name."""
    return f"table of {expr.func.__name__}({', '.join(map(str, special_parameters(expr)))})"


def rows_for(expr: Any, values: Sequence[float]) -> Any:
    """The rows of a special function's table for these values of `special_parameters`; None if there is no table."""
    return _TABLED[expr.func][1](*values)


#: function -> its direct form; then, for all arguments but the last, the rows of its table and the table; its value from the rows
_TABLED: dict[Any, tuple[Callable[..., Any], ...]] = {
    kind: tuple(getattr(special, name + ending) for ending in ("", "_rows", "_table", "_at"))
    for kind, name in zip(
        (sp.hyper, StableSignMean, StableDensity, SignSum),
        ("hyp2f1_step", "stable_sign_mean", "stable_density", "sign_sum"),
        strict=True,
    )
}
#: functions whose first parameters determine a table
SPECIAL = tuple(_TABLED)
