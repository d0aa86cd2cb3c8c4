"""The Euclidean norm of each path of a batch, for numbers of any size."""

from __future__ import annotations

from numerics.backend.double import jax, jnp


def norm(x: jax.Array) -> jax.Array:
    """||x||_2 of each path, (d, paths) -> (paths,), also where its square is larger than any number."""

    def scaled(x: jax.Array, plain: jax.Array) -> jax.Array:
        largest = jnp.max(jnp.abs(x), axis=0)
        found = largest * jnp.sqrt(jnp.sum((x / jnp.maximum(largest, jnp.finfo(x.dtype).tiny)) ** 2, axis=0))
        return jnp.where(jnp.isinf(plain) & jnp.isfinite(largest), found, plain)

    if x.shape[0] == 1:
        return jnp.abs(x[0])
    plain = jnp.sqrt(jnp.sum(x**2, axis=0))
    # a branch for all paths together; what a path gets does not depend on the others
    return jax.lax.cond(jnp.any(jnp.isinf(plain)), scaled, lambda x, plain: plain, x, plain)
