"""Values of a step that are not arrays: a mean that is not yet divided, and a vector that changes in few coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.rows import in_rows


@final
@dataclass(frozen=True, eq=False)
class Few:
    """A vector (d, paths): its base, or 0 without a base, plus summands in a few rows of each path.

    Args:
        rows: the rows of each summand, (k, paths), distinct on each path and below d.
        values: the values of each summand, (k, paths).
        height: d.
        base: the base, (d, paths), or None.
    """

    rows: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]
    height: int
    base: jax.Array | None = None

    def mapped(self, function: Callable[[jax.Array], jax.Array]) -> Few:
        """The same rows with the function applied to the values."""
        return replace(self, values=tuple(map(function, self.values)))

    def plus(self, other: Few) -> Few:
        """The sum of two such vectors, of which at most one has a base."""
        base = other.base if self.base is None else self.base
        return Few(self.rows + other.rows, self.values + other.values, self.height, base)

    def on(self, base: jax.Array) -> Few:
        """The sum of this vector, which has no base, and a full vector."""
        return replace(self, base=base)

    def step(self, bound: Any, n: Any, going: Any) -> Few:
        """The vector as step n of a run: it adds 0 unless `going`, and NaN where the base was already outside the bound.

        At the first step, n = 0, the base is the start of the run, which may lie anywhere.
        """
        assert self.base is not None  # for the type checker
        inside = [(n == 0) | (jnp.abs(in_rows(self.base, rows)) <= bound) for rows in self.rows]
        pairs = zip(inside, self.values, strict=True)
        return replace(self, values=tuple(jnp.where(going, jnp.where(good, v, jnp.nan), 0) for good, v in pairs))

    def array(self) -> jax.Array:
        """The vector as an array (d, paths); XLA changes the base in place, in O(k), if nothing else reads it."""
        paths = self.rows[0].shape[1]
        total = jnp.zeros((self.height, paths), self.values[0].dtype) if self.base is None else self.base
        for rows, values in zip(self.rows, self.values, strict=True):
            place = total.at[rows, jnp.arange(paths)]
            total = place.add(values, unique_indices=True, mode="promise_in_bounds")
        return total


@final
@dataclass(frozen=True, eq=False)
class Total:
    """The clients' mean, held as their sum (d, paths): a number that multiplies the mean is divided by N, not every coordinate."""

    sum: jax.Array | Few
    clients: Any


def added(total: jax.Array | Few, message: jax.Array | Few) -> jax.Array | Few:
    """The sum; in few rows if both terms are in few rows."""
    if isinstance(message, Few):
        return total.plus(message) if isinstance(total, Few) else message.on(total).array()
    return (total.array() if isinstance(total, Few) else total) + message
