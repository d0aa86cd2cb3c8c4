"""Special functions that SymPy has and JAX lacks, in double precision, also as Chebyshev expansions."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import accumulate
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are used: few programs need a table
from numpy.polynomial import chebyshev

from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp

_NEAR_ZERO = 1e-5  # below this, three terms of a power series are exact to rounding
_SERIES = 0.03  # below this, ten terms are exact to rounding


def hyp2f1_step(a: Any, b: Any, z: Any) -> jax.Array:
    """2F1(a, b; a+1; z) for z <= 0 and b > a > 0, with relative error below 1e-9 (1e-12 for w < 10^4).

    With w = -z it equals a w^-a B(w/(1+w); a, b-a), B the incomplete beta function (DLMF 8.17.7 and 15.8.1). Outside it is NaN.
    """
    a, b, w = (jnp.asarray(e, jnp.result_type(a, b, z, 0.0)) for e in (a, b, -z))
    small = jnp.abs(w) < _NEAR_ZERO
    safe = jnp.where(small, 1.0, w)
    log_beta = jax.scipy.special.gammaln(a) + jax.scipy.special.gammaln(b - a) - jax.scipy.special.gammaln(b)
    value = a * jnp.exp(log_beta - a * jnp.log(safe)) * jax.scipy.special.betainc(a, b - a, safe / (1 + safe))
    value = jnp.where(b > a, value, jnp.nan)
    third = 1 - (a + 2) * (b + 2) / (3 * (a + 3)) * w
    second = 1 - (a + 1) * (b + 1) / (2 * (a + 2)) * w * third
    series = 1 - a * b / (a + 1) * w * second
    return jnp.where(small, series, value)


@jax.custom_jvp
def dilogarithm_ratio(z: jax.Array) -> jax.Array:
    """3F2(1, 1, 1; 2, 2; z) = Li_2(z)/z for z <= 1, with relative error below 1e-13 (spence(1 - z) = Li_2(z))."""
    small = jnp.abs(z) < _SERIES
    safe = jnp.where(small, 0.5, z)
    series = horner([1 / n**2 for n in range(10, 0, -1)], z)
    return jnp.where(small, series, jax.scipy.special.spence(1 - safe) / safe)


@dilogarithm_ratio.defjvp
def _dilogarithm_ratio_jvp(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    (z,), (dz,) = primals, tangents
    value = dilogarithm_ratio(z)
    small = jnp.abs(z) < _SERIES
    safe = jnp.where(small, 0.5, z)
    slope = (-jnp.log1p(-safe) / safe - value) / safe
    return value, jnp.where(small, horner([n / (n + 1) ** 2 for n in range(10, 0, -1)], z), slope) * dz


#: powers of t in the series of psi and its derivatives: later terms are below 1e-17 of the sum for |t| <= n + 1, n <= 3
_POWERS = 30


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def exponential_remainder(t: jax.Array, order: int = 0) -> jax.Array:
    """psi(t) = (e^t - 1 - t)/t^2, psi(0) = 1/2, or its derivative of order n; relative error below 1e-14 for n <= 3.

    psi_n(t) = int_0^1 (1 - s) s^n e^(st) ds. For |t| <= n + 1 it is computed by a series in |t| with positive terms: that of
    1F1(n + 1; n + 3; t) for t >= 0, and that of 1F1(2; n + 3; -t) e^t for t < 0 (DLMF 13.2.39). Further out, integration by parts
    gives t psi_n = M_n - n psi_(n-1) with M_n = int_0^1 s^n e^(st) ds = (e^t - n M_(n-1))/t; an error of psi_0 or M_0 grows by at
    most n!/|t|^n.
    """
    t = jnp.asarray(t)
    size = jnp.abs(t)
    near = size <= order + 1
    z = jnp.where(near, size, 0.0)
    series = [horner(_kummer(first, order + 3), z) for first in (order + 1, 2)]
    inner = jnp.where(t < 0, jnp.exp(-z) * series[1], series[0]) / ((order + 1) * (order + 2))
    far = jnp.where(near, 2.0 + order, t)
    mean = jnp.expm1(far) / far
    value = (mean - 1) / far
    for n in range(1, order + 1):
        mean = (jnp.exp(far) - n * mean) / far
        value = (mean - n * value) / far
    return jnp.where(near, inner, value)


@exponential_remainder.defjvp
def _exponential_remainder_jvp(order: int, primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    return exponential_remainder(primals[0], order), exponential_remainder(primals[0], order + 1) * tangents[0]


def _kummer(a: int, b: int) -> list[float]:
    """The coefficients of the series of 1F1(a; b; z), highest power first."""
    return [*accumulate(range(_POWERS), lambda c, k: c * (a + k) / ((b + k) * (k + 1)), initial=1.0)][::-1]


def horner(coefficients: Sequence[float], z: jax.Array) -> Any:
    """The value of a polynomial at z, in the precision of z; coefficients from the highest power down."""
    total: Any = coefficients[0]
    for c in coefficients[1:]:
        total = total * z + c
    return total


# The stable law. F(x) - 1/2 = (1/pi) Im int_0^oo e^{ixt - t^alpha} dt/t; on the ray t = e^{tau + i phi} the integrand
# is analytic in a strip around the real tau axis and decays both ways: the trapezoidal rule converges geometrically.
_DECAY = 36.0  # the sums end at e^-36 = 2e-16
_DIGITS = 34.0  # 2 pi (half width of the strip) / step: the error of the rule is about e^-34


def _sum_on_ray(alpha: jax.Array, x: jax.Array, density: bool) -> jax.Array:
    """The value 2F(x) - 1, or p(x) if `density`, for x > 0.

    For x <= 1 the integrand has e^{ixt} - 1 in place of e^{ixt} (the integral of the difference is known), which keeps the relative
    accuracy as x -> 0. For x > 1 it has e^{-t^alpha} - 1 in place of e^{-t^alpha}, and 1 - F stays accurate as x -> oo.
    """
    # both e^{ixt} and e^{-t^alpha} decay on the ray of this angle, away from the edges 0, pi and pi/(2 alpha)
    phi = jnp.minimum(math.pi / (4 * alpha), math.pi / 2)
    half_width = jnp.minimum(phi, math.pi / (2 * alpha) - phi)
    step = 2 * math.pi * half_width / _DIGITS
    far = x > 1
    shift = jnp.where(far, -jnp.log(jnp.where(far, x, 1.0)), 0.0)
    low = -_DECAY / jnp.minimum(jnp.where(far, alpha, 1.0), 1.0)
    high = jnp.where(far, jnp.log(_DECAY / jnp.sin(phi)), jnp.log(_DECAY / jnp.cos(alpha * phi)) / alpha)
    count = jnp.ceil(jnp.max((high - low) / step)).astype(int) + 1

    def add(n: jax.Array, total: jax.Array) -> jax.Array:
        # some entries of a batch end long before others; beyond its end an exponential would overflow
        node = low + n * step
        tau = shift + jnp.minimum(node, high)
        s = jnp.exp(tau)
        z_re, z_im = s * jnp.cos(phi), s * jnp.sin(phi)
        power = jnp.exp(alpha * tau)
        a_re, a_im = -x * z_im, x * z_re  # ixt
        c_re, c_im = -power * jnp.cos(alpha * phi), -power * jnp.sin(alpha * phi)  # -t^alpha
        near_a, near_c = (not density) & ~far, far
        ea = _exponential(a_re, a_im, near_a)
        ec = _exponential(c_re, c_im, near_c)
        re, im = ea[0] * ec[0] - ea[1] * ec[1], ea[0] * ec[1] + ea[1] * ec[0]
        return total + jnp.where(node <= high + step, re * z_re - im * z_im if density else im, 0.0)

    total = jax.lax.fori_loop(0, count, add, jnp.zeros(jnp.broadcast_shapes(jnp.shape(alpha), jnp.shape(x)), x.dtype))
    if density:
        return step * total / math.pi
    return jnp.where(far, 1 + 2 / math.pi * step * total, 2 / math.pi * step * total)


def _exponential(re: jax.Array, im: jax.Array, minus_one: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The real and imaginary part of e^{re + i im}, or of e^{re + i im} - 1 without cancellation where `minus_one`."""
    size = jnp.exp(re)
    real = jnp.where(minus_one, jnp.expm1(re) * jnp.cos(im) - 2 * jnp.sin(im / 2) ** 2, size * jnp.cos(im))
    return real, size * jnp.sin(im)


@jax.custom_jvp
def stable_sign_mean(alpha: jax.Array, x: jax.Array) -> jax.Array:
    """2F(x) - 1 for the characteristic function exp(-|t|^alpha), 0 < alpha < 2, within 1e-12 (slow); differentiable in x only."""
    alpha, x = jnp.asarray(alpha, float), jnp.asarray(x, float)
    size = jnp.abs(x)
    inside = size > 0
    value = _sum_on_ray(alpha, jnp.where(inside, size, 1.0), density=False)
    return jnp.where(inside, jnp.sign(x) * value, x)  # x keeps the zero, and a NaN


@stable_sign_mean.defjvp
def _stable_sign_mean_jvp(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    alpha, x = primals
    return stable_sign_mean(alpha, x), 2 * stable_density(alpha, x) * tangents[1]


def stable_density(alpha: jax.Array, x: jax.Array) -> jax.Array:
    """The density p(x) = (1/pi) int_0^oo cos(xt) e^{-t^alpha} dt of the same law; relative error below 1e-10, no derivative."""
    alpha, x = jnp.asarray(alpha, float), jnp.asarray(x, float)
    return _sum_on_ray(alpha, jnp.maximum(jnp.abs(x), np.finfo(float).tiny), density=True)


def sign_sum(r: jax.Array, q: jax.Array, a: jax.Array) -> jax.Array:
    """K(r, q, a) of `sdescent.derive.vocabulary.formulas.special`, |r| < 1, |q| < 1, by its series; relative error below 1e-12.

    The remainder after term n is at most |r|^(n+1)/(1 - |q|) times the variance of a sign, so the series takes
    log(eps (1 - |q|))/log |r| terms. The value is NaN if the correlations do not decay.
    """
    r, q, a = (jnp.asarray(e, float) for e in (r, q, a))
    shape = jnp.broadcast_shapes(r.shape, q.shape, a.shape)
    exists = (jnp.abs(r) < 1) & (jnp.abs(q) < 1)
    r, q = jnp.where(exists, r, 0.0), jnp.where(exists, q, 0.0)
    start = jax.scipy.special.erfc(jnp.abs(a) / math.sqrt(2)) * (1 + jax.scipy.special.erf(jnp.abs(a) / math.sqrt(2)))
    first = math.sqrt(2 / math.pi) * jnp.exp(-(a**2) / 2)

    def unfinished(state: tuple[Any, ...]) -> jax.Array:
        return jnp.any(jnp.abs(r) ** state[0] > np.finfo(float).eps * (1 - jnp.abs(q)))

    def add(state: tuple[Any, ...]) -> tuple[Any, ...]:
        n, total, before, here = state
        total = total + 2 * here**2 * r**n / (1 - q**n)
        return n + 1, total, here, (a * here - (n - 1) * before / jnp.sqrt(n)) / jnp.sqrt(n + 1)

    zero = jnp.zeros(shape)
    total = jax.lax.while_loop(unfinished, add, (1.0, zero + start, zero, zero + first))[1]
    return jnp.where(exists, jnp.maximum(total, 0.0), jnp.nan)


_ROUNDING = 1e-15
_DEGREES = (15, 31, 63, 127, 255)
#: the lengths of rows that are given to a compiled program: few, so that another parameter seldom needs another program
LENGTHS = (32, 64, 256)

Function = Callable[[Any], jax.Array]


def chebyshev_fit(function: Any) -> np.ndarray | None:
    """The Chebyshev coefficients of a function on [0, 1], up to rounding of the largest; None if degree 255 is not enough."""
    for degree in _DEGREES:
        with jax.ensure_compile_time_eval():  # lowering may run while JAX traces a function of the caller
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
    fit = chebyshev_fit(lambda s: np.exp(_SIGN_END**2 * s / 2) * np.asarray(_sign_sum(r, q, _SIGN_END * np.sqrt(s))))
    return _rows(fit)


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
