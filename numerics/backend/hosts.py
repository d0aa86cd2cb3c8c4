"""Compute one ensemble in several processes together, on one machine or on many (`jax.distributed`).

Each process computes its share of the paths on its own devices, and every process receives all paths. From there on all do the
same, so that an error raised in one process is raised in all. No bit of a path depends on the process that computes it.
"""

import numpy as np
from jax.experimental import multihost_utils

from sdescent.numerics.backend.double import jax


def hosts() -> int:
    """The number of processes; 1 unless `jax.distributed.initialize` was called."""
    return jax.process_count()


def share(count: int) -> slice:
    """The places, among `count` >= 1, that this process computes; if none are left for it, the last one, which is dropped again."""
    size = -(-count // hosts())
    begin = min(jax.process_index() * size, count - 1)
    return slice(begin, min(begin + size, count))


def gathered(part: np.ndarray, count: int) -> np.ndarray:
    """The arrays of all processes joined along the last axis, (.., count); `part` is the array of this process's `share`."""
    size = -(-count // hosts())
    padded = np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, size - part.shape[-1])])
    every = np.asarray(multihost_utils.process_allgather(padded))
    return np.concatenate(list(every), axis=-1)[..., :count]
