"""Environments of lowered expressions: vectors, scalars, measured covariances, and a Hessian product."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp


@final
@dataclass(frozen=True)
class Environment:
    """The values that a lowered expression reads. All dimensionless.

    Attributes:
        vectors: arrays (d, paths) or (d, 1), by the name of the vector ("g", "v", "x", "h", "Sigma_diag").
        scalars: numbers or arrays (paths,), by symbol name (parameters, "t", "u", "du").
        matrices: measured covariances (d, d), and tables of special functions, by name.
        directional: (c (d, paths), n) -> the n-th directional derivative of grad f along c, (d, paths); H c for n = 1.
    """

    vectors: Mapping[str, jax.Array]
    scalars: Mapping[str, Any] = field(default_factory=dict)
    matrices: Mapping[str, jax.Array] = field(default_factory=dict)
    directional: Callable[[jax.Array, int], jax.Array] | None = None

    @property
    def dim(self) -> int:
        """The dimension d."""
        return next(iter(self.vectors.values())).shape[0]

    def vector(self, base: str) -> jax.Array:
        """The vector called `base`; the diagonal of a measured covariance if it is called "<name>_diag"."""
        if base in self.vectors:
            return _floating(self.vectors[base])
        if base.removesuffix("_diag") in self.matrices:
            return jnp.diagonal(self.matrices[base.removesuffix("_diag")])[:, None]
        raise BadInput(f"vector {base}", "no value", "an array with one entry per coordinate, in params")

    def scalar(self, name: str) -> jax.Array:
        """The scalar called `name`; d if it is called "d" and has no value."""
        if name not in self.scalars:
            if name == "d":
                return jnp.asarray(float(self.dim))
            raise BadInput(f"parameter {name}", "no value", "a number for every symbol of the expression")
        return _floating(self.scalars[name])


def environment(
    parameters: Mapping[str, Any], vectors: Mapping[str, jax.Array] | None = None, **more: Any
) -> Environment:
    """An environment from parameters by name: numbers become scalars, arrays (d,) vectors, and arrays (d, d) covariances.

    An array (1, paths) is a scalar that differs from path to path; a program never has fewer than two paths.

    Args:
        parameters: the parameters as a user gives them.
        vectors: further vectors, (d, paths) each.
        more: further `scalars` (t, u, du), and `directional`.
    """
    shapes = {name: jnp.ndim(value) for name, value in parameters.items()}
    tables = {name: parameters[name] for name, n in shapes.items() if n == 2}
    lanes = {name: a[0] for name, a in tables.items() if a.shape[0] == 1 < a.shape[1]}
    constant = {name: jnp.asarray(parameters[name])[:, None] for name, n in shapes.items() if n == 1}
    numbers = {name: parameters[name] for name, n in shapes.items() if n == 0}
    matrices = {name: jnp.asarray(a) for name, a in tables.items() if name not in lanes}
    scalars = {**numbers, **lanes, **more.pop("scalars", {})}
    return Environment({**(vectors or {}), **constant}, scalars, matrices, **more)


def _floating(value: Any) -> jax.Array:
    """The value as a floating-point array; a floating-point array keeps its precision."""
    array = jnp.asarray(value)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else jnp.asarray(value * 1.0)
