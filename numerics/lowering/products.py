"""Products of a matrix and a batch of paths, whose bits do not depend on how many paths there are."""

from __future__ import annotations

from sdescent.numerics.backend.double import jax, jnp

#: columns of a block of a product of matrices
BLOCK = 64


def product(matrix: jax.Array, x: jax.Array) -> jax.Array:
    """matrix (m, d) times x (d, paths), by blocks of columns: a larger product adds in an order that depends on its size.

    A single block is multiplied without a loop: a loop of one iteration would be compiled differently.
    """
    m, paths = matrix.shape[0], x.shape[1]
    if paths % BLOCK or paths == BLOCK:
        return matrix @ x
    blocks = jnp.moveaxis(x.reshape(x.shape[0], -1, BLOCK), 1, 0)
    return jnp.moveaxis(jax.lax.map(lambda block: matrix @ block, blocks), 0, 1).reshape(m, paths)
