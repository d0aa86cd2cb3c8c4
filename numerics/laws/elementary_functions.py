"""Elementary functions of random bits and of numbers made from them, by polynomials, which XLA computes for many numbers at a time.

The functions of the C library, which XLA calls in double precision, take one number at a time. Each function here states its domain
and its error. Dimensionless.
"""

import math
from typing import Any

import numpy as np

from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.special import horner

#: -log(1 - w) = w P(w) on [0, 1/16], highest power first
_LOG = (1 / 6, 1 / 5, 1 / 4, 1 / 3, 1 / 2, 1.0)
#: sin s = s + s^3 P(s^2) and cos s = 1 - s^2/2 + s^4 P(s^2) on [-pi/4, pi/4], highest power first
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
#: e^f = 1 + f + f^2 P(f) for |f| <= log(2)/2 (Moshier 1989, Cephes); log 2 as a sum of two numbers, the first with trailing zeros
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
_LOG2 = (0.693359375, -2.12194440e-4)
#: log, sin and cos in double precision: with s = f/(2 + f), log(1 + f) = f - s (f - s^2 P(s^2)) (fdlibm, Sun Microsystems 1993)
_LOG_DOUBLE = (1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1, 2.222219843214978396e-1,
               2.857142874366239149e-1, 3.999999999940941908e-1, 6.666666666666735130e-1)  # fmt: skip
_LOG2_DOUBLE = (6.93147180369123816490e-1, 1.90821492927058770002e-10)
_SIN_DOUBLE = (1.58969099521155010221e-10, -2.50507602534068634195e-8, 2.75573137070700676789e-6, -1.98412698298579493134e-4,
               8.33333333332248946124e-3, -1.66666666666666324348e-1)  # fmt: skip
_COS_DOUBLE = (-1.13596475577881948265e-11, 2.08757232129817482790e-9, -2.75573143513906633035e-7, 2.48015872894767294178e-5,
               -1.38888888888741095749e-3, 4.16666666666666019037e-2)  # fmt: skip
#: degrees of freedom beyond which Student's t is the normal law up to the rounding of double precision
_NORMAL = 1e16


def minus_log(bits: jax.Array) -> jax.Array:
    """-log((b + 1/2)/2^32) for 32 bits b, in single precision with a relative error below 6e-7, even for b near 2^32.

    Near u = 1, where u itself loses bits, it is computed from 1 - u, which is known in all bits.
    """
    rest = ((~bits).astype(jnp.float32) + np.float32(0.5)) * np.float32(2.0**-32)
    u = (bits.astype(jnp.float32) + np.float32(0.5)) * np.float32(2.0**-32)
    return jnp.where(rest < np.float32(1 / 16), rest * horner(_LOG, rest), -jnp.log(u))


def circle(bits: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine of a uniform angle, in single precision: 2 bits for the quarter turn, 30 for +-45 degrees around it."""
    within = jax.lax.bitcast_convert_type(bits << np.uint32(2), jnp.int32).astype(jnp.float32) + np.float32(2)
    s = within * np.float32(math.pi / 2**33)
    z = s * s
    sine = s + s * z * horner(_SIN, z)
    cosine = np.float32(1) - np.float32(0.5) * z + z * z * horner(_COS, z)
    return _turned(cosine, sine, bits >> np.uint32(30))


def wide_circle(high: jax.Array, low: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine of a uniform angle in double precision, from 32 bits of one word and 21 of another; error below 3e-16."""
    within = jax.lax.bitcast_convert_type(high << np.uint32(2), jnp.int32).astype(float) * 2.0**19
    s = (within + (low >> np.uint32(11)).astype(float) + 0.5) * (math.pi * 2.0**-52)
    z = s * s
    sine = s + s * z * horner(_SIN_DOUBLE, z)
    cosine = 1 - (0.5 * z - z * z * horner(_COS_DOUBLE, z))
    return _turned(cosine, sine, high >> np.uint32(30))


def _turned(cosine: jax.Array, sine: jax.Array, quarter: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine of an angle after `quarter` quarter turns, 0 to 3."""
    turned = (quarter & np.uint32(1)) == 1
    a, b = jnp.where(turned, sine, cosine), jnp.where(turned, cosine, sine)
    signs = [(bits & np.uint32(2)) << np.uint32(30) for bits in (quarter ^ (quarter << np.uint32(1)), quarter)]
    return _negated(a, signs[0]), _negated(b, signs[1])


def _negated(value: jax.Array, sign: jax.Array) -> jax.Array:
    """The value, with its sign changed where the highest bit of `sign` is set."""
    if value.dtype == jnp.float64:
        bits = jax.lax.bitcast_convert_type(value, jnp.uint64) ^ (sign.astype(jnp.uint64) << np.uint64(32))
        return jax.lax.bitcast_convert_type(bits, jnp.float64)
    return jax.lax.bitcast_convert_type(jax.lax.bitcast_convert_type(value, jnp.uint32) ^ sign, jnp.float32)


def wide_minus_log(u: jax.Array) -> jax.Array:
    """-log u in double precision for 2^-1000 < u <= 1, with a relative error below 3e-16."""
    bits = jax.lax.bitcast_convert_type(u, jnp.int64)
    # u = 2^n (1 + f) with 1 + f from sqrt(1/2) to sqrt 2, whose leading bits are those of 0x3FE6A09E667F3BCD
    n = (bits - 0x3FE6A09E667F3BCD) >> 52
    f = jax.lax.bitcast_convert_type(bits - (n << 52), jnp.float64) - 1
    s = f / (2 + f)
    z, half = s * s, 0.5 * f * f
    high, low = (n.astype(jnp.float64) * c for c in _LOG2_DOUBLE)
    return ((half - (s * (half + z * horner(_LOG_DOUBLE, z)) + low)) - f) - high


def root_of_expm1(a: jax.Array, nu: Any, dtype: Any) -> tuple[jax.Array, jax.Array]:
    """sqrt(nu (e^(2a/nu) - 1)) for single-precision a >= 0 and nu > 0, as a single-precision number and a factor of type `dtype`.

    The relative error of their product is below (2 + 2a/nu) 1e-7, where the second term is the effect of a relative error of 2e-7
    in a. With t = 2a/nu, e^t = 2^n e^f and |f| <= log(2)/2, so only 2^n leaves the range of single precision. If e^(a/nu) exceeds
    half of the greatest number of the type, the factor may be infinite.
    """
    nu = jnp.minimum(jnp.asarray(nu, dtype), _NORMAL)
    t = jnp.minimum((2 / nu).astype(jnp.float32) * a, np.float32(2**12))
    n = jnp.rint(t * np.float32(1 / math.log(2)))
    f = (t - n * np.float32(_LOG2[0])) - n * np.float32(_LOG2[1])
    n = n.astype(jnp.int32)
    # 2^-n (e^t - 1) = (e^f - 1) + (1 - 2^-n), whose second term is 0 for small t
    scaled = (f + f * f * horner(_EXP, f)) + (1 - power_of_two(-jnp.minimum(n, 126), jnp.float32))
    return jnp.sqrt(scaled * (1 + (n & 1)).astype(jnp.float32)), jnp.sqrt(nu) * power_of_two(n >> 1, dtype)


def power_of_two(n: jax.Array, dtype: Any) -> jax.Array:
    """2^n for an integer n that is at least the least exponent of normal numbers; infinite above the greatest exponent."""
    if jnp.dtype(dtype) == jnp.float32:
        return jax.lax.bitcast_convert_type((jnp.minimum(n, 128) + 127) << 23, jnp.float32)
    return jax.lax.bitcast_convert_type((jnp.minimum(n, 1024) + 1023).astype(jnp.int64) << 52, jnp.float64)
