"""The Euclidean norm of each path of a batch, and what is divided by it, for numbers as large as there are."""

from __future__ import annotations

from sdescent.numerics.backend.double import jax, jnp

#: powers of two: multiplied by them the largest numbers have squares and reciprocals, and so have those from their inverses on
_LESS = {"float32": 2.0**-80, "float64": 2.0**-540}


def norm(x: jax.Array) -> jax.Array:
    """||x||_2 of each path, (d, paths) -> (paths,), also where its square is larger than any number.

    Where all squares are below the least normal number it is 0, but for d = 1.
    """
    if x.shape[0] == 1:
        return jnp.abs(x[0])
    less = _LESS[str(x.dtype)]  # not a division by the largest entry, whose reciprocal may be 0

    def scaled(x: jax.Array, plain: jax.Array) -> jax.Array:
        return jnp.where(jnp.isinf(plain), jnp.sqrt(jnp.sum((x * less) ** 2, axis=0)) * (1 / less), plain)

    plain = jnp.sqrt(jnp.sum(x**2, axis=0))
    # a branch for all paths together; what a path gets does not depend on the others
    return jax.lax.cond(jnp.any(jnp.isinf(plain)), scaled, lambda x, plain: plain, x, plain)


def divided(x: jax.Array, by: jax.Array) -> jax.Array:
    """x (d, paths) by a number of each path, (paths,): one division a path, also where a reciprocal is too small to be a number."""
    less = _LESS[str(x.dtype)]
    scale = jnp.where(jnp.abs(by) > 1 / less, less, 1.0).astype(x.dtype)
    return (x * scale) * (1 / (by * scale))
