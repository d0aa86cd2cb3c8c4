"""JAX in double precision: the one place where the precision is set, imported by every module of `numerics`."""

from __future__ import annotations

import jax

# Must run before the first array is made; a float32 array made earlier would stay float32.
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402

__all__ = ["jax", "jnp"]
