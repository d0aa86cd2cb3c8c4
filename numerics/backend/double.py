"""JAX in double precision: the one place where the precision is set, imported by every module of `numerics`."""

from __future__ import annotations

from numerics.backend.kept_programs import begin, quiet

quiet()

import jax  # noqa: E402

# Must run before the first array is made; a float32 array made earlier would stay float32.
jax.config.update("jax_enable_x64", True)
begin(jax.config)

import jax.numpy as jnp  # noqa: E402

__all__ = ["jax", "jnp"]
