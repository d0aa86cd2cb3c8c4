"""Special functions with fixed parameters as Chebyshev expansions, mostly one towards each end of the half-line.

The direct forms in `sdescent.numerics.lowering.special` cost microseconds per entry, these tens of nanoseconds. NumPy computes the
coefficients from the parameters. If the parameters are numbers when an expression is lowered, the coefficients are constants of the
program; otherwise the program receives them beside the parameters. Errors are those of the direct forms, up to rounding.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are used: few programs need a table
from numpy.polynomial import chebyshev

from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.special import sign_sum, stable_density, stable_sign_mean

_ROUNDING = 1e-15
_DEGREES = (15, 31, 63, 127, 255)
#: the lengths of rows that are given to a compiled program: few, so that another parameter seldom needs another program
LENGTHS = (32, 64, 256)

Function = Callable[[Any], jax.Array]


def chebyshev_fit(function: Any) -> np.ndarray | None:
    """The Chebyshev coefficients of a function on [0, 1], up to rounding of the largest; None if degree 255 is not enough."""
    for degree in _DEGREES:
        with jax.ensure_compile_time_eval():  # lowering may run while JAX traces a function of the caller's
            values = chebyshev.chebinterpolate(lambda s: function((1 + s) / 2), degree)
        size = np.abs(values)
        if np.all(np.isfinite(values)) and size[-3:].max() < 20 * _ROUNDING * size.max():
            return values[: np.flatnonzero(size > _ROUNDING / 4 * size.max())[-1] + 1]
    return None


def clenshaw(coefficients: Any, x: jax.Array) -> jax.Array:
    """The value of the expansion at x in [0, 1]; further coefficients that are 0, of higher degree, change no bit."""
    terms = coefficients.tolist() if isinstance(coefficients, np.ndarray) else list(coefficients)
    s = 2 * (2 * x - 1)
    ahead, last = jnp.zeros_like(x), jnp.zeros_like(x)
    for c in terms[:0:-1]:
        ahead, last = c + s * ahead - last, ahead
    return terms[0] + s / 2 * ahead - last


def _rows(*expansions: np.ndarray | None) -> np.ndarray | None:
    """The expansions as rows of equal length, one of `LENGTHS`; None if an expansion is missing."""
    rows = [e for e in expansions if e is not None]
    if len(rows) < len(expansions):
        return None
    length = next(n for n in LENGTHS if n >= max(map(len, rows)))
    return np.stack([np.pad(e, (0, length - len(e))) for e in rows])


def _table(rows: Callable[..., np.ndarray | None], at: Callable[..., jax.Array]) -> Any:
    """The function parameters -> (x -> the value at x, from the rows), or None if there are no rows for the parameters."""

    @lru_cache(maxsize=64)
    def table(*parameters: float) -> Function | None:
        padded = rows(*parameters)
        if padded is None:
            return None
        # without the zeros that pad a row, which cost time; Python numbers take on the precision of x
        trimmed = [row[: np.flatnonzero(row)[-1] + 1].tolist() for row in padded]
        return lambda x: at(trimmed, *parameters, x)

    return table


@lru_cache(maxsize=256)
def hyp2f1_step_rows(a: float, b: float) -> np.ndarray | None:
    """The rows for `hyp2f1_step_at`, (3, K), for b > a > 0; None if no expansion was found.

    With x = w/(1+w) and c = b - a the function is (1+w)^-a K(x), K(x) = a x^-a B(x; a, c), analytic for x <= 1/2, and also
    w^-a (a B(a, c) - (1-x)^c T(1-x)), T(y) = a y^-c B(y; c, a), analytic for y <= 1/2.
    """
    c = b - a
    if not (a > 0 and c > 0):
        return None
    whole = float(a * scipy.special.beta(a, c))
    near = chebyshev_fit(lambda s: whole * scipy.special.betainc(a, c, s / 2) / np.maximum(s / 2, 1e-300) ** a)
    far = chebyshev_fit(lambda s: (1 - s / 2) ** a * a / c * scipy.special.hyp2f1(1, b, c + 1, s / 2))
    return _rows(near, far, np.array([whole]))


def hyp2f1_step_at(rows: Any, a: Any, b: Any, w: Any) -> jax.Array:
    """2F1(a, b; a+1; -w) for w >= 0, from the `hyp2f1_step_rows` of a and b."""
    c, w = b - a, jnp.asarray(w)
    inner = w <= 1
    v = jnp.where(inner, w, 0.0)  # each side sees only its own arguments
    u = jnp.where(inner, 2.0, w)
    y = 1 / (1 + u)
    value_near = (1 + v) ** -a * clenshaw(rows[0], 2 * v / (1 + v))
    value_far = u**-a * (rows[2][0] - y**c * clenshaw(rows[1], 2 * y))
    return jnp.where(w >= 0, jnp.where(inner, value_near, value_far), jnp.nan)


#: w -> 2F1(a, b; a+1; -w) on w >= 0 for fixed b > a > 0; None if no expansion was found
hyp2f1_step_table = _table(hyp2f1_step_rows, hyp2f1_step_at)


@lru_cache(maxsize=256)
def stable_sign_mean_rows(alpha: float) -> np.ndarray | None:
    """The rows for `stable_sign_mean_at`, (2, K), for 0 < alpha < 2; None if no expansion was found."""
    if not 0 < alpha < 2:
        return None
    near = chebyshev_fit(lambda s: np.asarray(_sign_mean(alpha, np.sqrt(s))) / np.sqrt(s))
    far = chebyshev_fit(lambda y: (1 - np.asarray(_sign_mean(alpha, y ** (-1 / alpha)))) / y)
    return _rows(near, far)


def stable_sign_mean_at(rows: Any, alpha: Any, x: Any) -> jax.Array:
    """2F(x) - 1 for the stable law: x P(x^2) if |x| <= 1, else sign(x) (1 - y Q(y)) with y = |x|^-alpha."""
    x = jnp.asarray(x)
    size = jnp.abs(x)
    inner = size <= 1
    y = jnp.where(inner, 1.0, size) ** -alpha
    outer = jnp.sign(x) * (1 - y * clenshaw(rows[1], y))
    return jnp.where(inner, x * clenshaw(rows[0], jnp.where(inner, x**2, 0.0)), outer)


#: x -> 2F(x) - 1 for the stable law of this index; None if no expansion was found
stable_sign_mean_table = _table(stable_sign_mean_rows, stable_sign_mean_at)


@lru_cache(maxsize=256)
def stable_density_rows(alpha: float) -> np.ndarray | None:
    """The rows for `stable_density_at`, (2, K), for 0 < alpha < 2; None if no expansion was found."""
    if not 0 < alpha < 2:
        return None
    near = chebyshev_fit(lambda s: np.asarray(_density(alpha, np.sqrt(s))))
    far = chebyshev_fit(lambda y: np.asarray(_density(alpha, y ** (-1 / alpha))) * y ** (-1 / alpha) / y)
    return _rows(near, far)


def stable_density_at(rows: Any, alpha: Any, x: Any) -> jax.Array:
    """The density p(x) of the stable law: P(x^2) if |x| <= 1, else y Q(y)/|x| with y = |x|^-alpha."""
    size = jnp.abs(jnp.asarray(x))
    inner = size <= 1
    u = jnp.where(inner, 1.0, size)
    y = u**-alpha
    return jnp.where(inner, clenshaw(rows[0], jnp.where(inner, size**2, 0.0)), y * clenshaw(rows[1], y) / u)


#: x -> p(x) for the stable law of this index; None if no expansion was found
stable_density_table = _table(stable_density_rows, stable_density_at)


#: |a| from which the sum is 0 to rounding: it falls like exp(-a^2/2)
_SIGN_END = 12.0


@lru_cache(maxsize=256)
def sign_sum_rows(r: float, q: float) -> np.ndarray | None:
    """The rows for `sign_sum_at`, (1, K), for |r| < 1 and |q| < 1; None if no expansion was found.

    The covariance of two signs of mean a and correlation c is (2/pi) int_0^(asin c) exp(-a^2/(1 + sin t)) dt (Plackett); multiplied
    by exp(a^2/2) it is entire in a^2.
    """
    if not (abs(r) < 1 and abs(q) < 1):
        return None
    return _rows(
        chebyshev_fit(lambda s: np.exp(_SIGN_END**2 * s / 2) * np.asarray(_sign_sum(r, q, _SIGN_END * np.sqrt(s))))
    )


def sign_sum_at(rows: Any, r: Any, q: Any, a: Any) -> jax.Array:
    """The Green-Kubo sum of signs at mean a, from the `sign_sum_rows` of r and q."""
    w = jnp.asarray(a) ** 2
    inside = w < _SIGN_END**2
    w = jnp.where(inside, w, 0.0)
    return jnp.where(inside, jnp.maximum(jnp.exp(-w / 2) * clenshaw(rows[0], w / _SIGN_END**2), 0.0), 0.0)


#: a -> the Green-Kubo sum of signs for these correlations; None if no expansion was found
sign_sum_table = _table(sign_sum_rows, sign_sum_at)


_sign_mean = jit(lambda alpha, x: stable_sign_mean(alpha, x))
_sign_sum = jit(lambda r, q, a: sign_sum(r, q, a))
_density = jit(lambda alpha, x: stable_density(jnp.asarray(alpha), x))
