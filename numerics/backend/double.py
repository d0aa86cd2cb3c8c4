"""JAX in double precision: the one place where the precision is set, imported by every module of `numerics`."""

from sdescent.derive.vocabulary.subprocesses import require_space
from sdescent.numerics.backend.kept_programs import begin, quiet
from sdescent.numerics.backend.processors import available

# XLA ends the process, or waits for ever, if one of its threads gets no stack; it has some threads for each processor.
require_space(2**31 + 2**26 * available(), "JAX")
quiet()

import jax  # noqa: E402

# Must run before the first array is made; a float32 array made earlier would stay float32.
jax.config.update("jax_enable_x64", True)
begin(jax.config)

import jax.numpy as jnp  # noqa: E402

__all__ = ["jax", "jnp"]
