"""Several processes that compute one ensemble together, on one machine or on many (`jax.distributed`).

Each computes its share of the paths on its own devices, and all of them get the whole: from there on they do the same, so that an
error in the numbers is one in all of them. Which process computes a path changes no bit of it.
"""

from __future__ import annotations

import numpy as np
from jax.experimental import multihost_utils

from sdescent.numerics.backend.double import jax


def hosts() -> int:
    """How many processes there are; 1 unless `jax.distributed.initialize` was called."""
    return jax.process_count()


def share(count: int) -> slice:
    """The places, of `count` >= 1, that this process computes; if it has none of its own, the last one, which is dropped again."""
    size = -(-count // hosts())
    begin = min(jax.process_index() * size, count - 1)
    return slice(begin, min(begin + size, count))


def gathered(part: np.ndarray, count: int) -> np.ndarray:
    """The arrays of all processes side by side along the last axis, (.., count), from the one of this process's `share`."""
    size = -(-count // hosts())
    padded = np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, size - part.shape[-1])])
    every = np.asarray(multihost_utils.process_allgather(padded))
    return np.concatenate(list(every), axis=-1)[..., :count]
