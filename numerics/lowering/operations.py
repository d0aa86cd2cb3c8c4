"""Operations on a batch of paths, guarded where XLA would change bits, compute twice, or overflow."""

from collections.abc import Callable
from typing import Any

from sdescent.numerics.backend.double import jax, jnp

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
    """The norm ||x||_2 on each path, (d, paths) -> (paths,), even if its square overflows.

    If all squares are below the least normal number, the norm is 0, except for d = 1.
    """
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
