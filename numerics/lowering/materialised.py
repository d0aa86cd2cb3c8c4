"""Values that a program computes once, and holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdescent.numerics.backend.double import jax, jnp


def materialised(function: Callable[..., Any], *arguments: Any) -> Any:
    """The values of a function, in a branch of their own: otherwise XLA computes them again wherever they are used."""
    some = jax.tree.leaves(arguments)[0].reshape(-1)[0].astype(jnp.float32)
    yes = (jax.lax.bitcast_convert_type(some, jnp.uint32) | 1) > 0  # which XLA does not know
    kinds = jax.eval_shape(function, *arguments)
    zeros = lambda *_: jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), kinds)  # noqa: E731
    return jax.lax.cond(yes, function, zeros, *arguments)
