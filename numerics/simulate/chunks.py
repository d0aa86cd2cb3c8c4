"""Many paths in chunks: memory stays bounded, all processors work, and no path depends on which others are computed with it.

A chunk is padded to full vector lanes, 128 per device, because the compiler uses other instructions for the rest; fewer where a
few paths have many coordinates, if that changes no bit. The paths of a chunk carry their own numbers, which determine all their
draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import cache
from threading import Lock
from typing import Any, final

import numpy as np
from jax.sharding import Mesh, PartitionSpec

from sdescent.numerics.backend.compiler import options
from sdescent.numerics.backend.double import jax
from sdescent.numerics.backend.hosts import gathered, hosts, share
from sdescent.numerics.backend.jaxprs import primitives
from sdescent.numerics.backend.processors import processors
from sdescent.numerics.lowering.operations import BLOCK

#: paths to which chunks are padded on every device: vector registers of any width, and blocks enough for a loop over them
LANES = 2 * BLOCK
#: registers of 512 bits that the numbers of a few paths are padded to fill instead, in growing order: of half a register, 8
#: numbers of single precision, sums over coordinates are compiled to other bits
NARROW = (1, 4)
#: rows of a state from which that saves time
ROWS = 32
#: numbers of the state in a chunk, unless one is asked for: they stay in a processor's own cache
CACHED = 2**15
#: saved numbers of a chunk: the memory that they take is used again by the next one, and is not cleared by the system in between
KEPT = 2**19
#: a chunk has at least so many numbers of the state, if there are as many: with fewer, starting a step takes longer than the step
WORK = 2**11
#: (points (d, width), numbers of the paths (width,)) -> (last points (d, width), {name: (S, width)})
Program = Callable[[Any, Any], tuple[Any, Mapping[str, Any]]]


def default_chunk(dim: int, paths: int, saved: int = 0) -> int:
    """Paths per chunk: as many as fit a cache, in equal chunks, the same number of chunks for each processor.

    Args:
        saved: how many numbers are kept of each path.
    """
    workers = processors()
    rounds = -(-paths * dim // (CACHED * workers))
    rounds = max(rounds, min(paths * saved // (KEPT * workers), paths * dim // (WORK * workers)))
    return max(LANES, -(-paths // (rounds * workers * LANES)) * LANES)


def narrow(dtype: Any) -> tuple[int, ...]:
    """The numbers of paths that a few are padded to, in growing order."""
    return tuple(64 * registers // np.dtype(dtype).itemsize for registers in NARROW)


def width(chunk: int, lanes: int = LANES) -> int:
    """A chunk with its padding, to a multiple of so many paths on every device."""
    lanes *= jax.local_device_count()
    return -(-chunk // lanes) * lanes


def points(x0: np.ndarray, numbers: np.ndarray, first: int = 0) -> np.ndarray:
    """Starting points (d, width) of the paths with these numbers, x0 being the points of `first` and of the paths after it.

    The padding repeats the last one.
    """
    if x0.ndim == 1 or x0.shape[1] == 1:
        return np.repeat(x0.reshape(-1, 1), len(numbers), axis=1)
    return x0[:, np.minimum(numbers - np.uint32(first), x0.shape[1] - 1)]


def _bucket(paths: int, lanes: int) -> int:
    """The least of a few sizes that holds so many paths, so that a few more stopped paths compile nothing."""
    size = lanes
    while size < paths:
        size *= 4
    return size


def parts(numbers: np.ndarray, chunk: int, lanes: int = LANES) -> Iterator[tuple[slice, np.ndarray]]:
    """Chunks of these paths: their place, and their numbers with the padding, which continues after the last.

    Args:
        lanes: to a multiple of which, on every device, a chunk is padded.
    """
    wide = min(width(chunk, lanes), width(_bucket(len(numbers), lanes), lanes))
    for begin in range(0, len(numbers), chunk):
        places = numbers[begin : begin + chunk]
        padding = places[-1] + 1 + np.arange(wide - len(places), dtype=places.dtype)
        yield slice(begin, begin + len(places)), np.concatenate([places, padding])


#: primitives whose kernels on a CPU call LAPACK, which shares its work among the threads that also run the program
LAPACK = frozenset(
    {
        "cholesky", "eig", "eigh", "geqp3", "geqrf", "hessenberg", "householder_product", "lu", "qr", "schur", "svd", "sylvester",
        "triangular_solve", "tridiagonal", "tridiagonal_solve",
    }
)  # fmt: skip
#: held while a program with such a primitive runs
_ALONE = Lock()
#: primitives whose order of summation depends on the number of paths, where there are fewer than `LANES`
PRODUCTS = frozenset({"conv_general_dilated", "dot_general"})


@final
class Spread:
    """A function of (points (d, width), numbers (width,), more), compiled, with the paths spread over all devices.

    `more` is the same everywhere; results are arrays whose last axis is that of the paths.

    A program that calls LAPACK runs by itself on one device: its kernel waits in a thread of XLA's pool for others of that pool,
    and programs that run at the same time can hold all of them, each waiting for the other for ever (jax 0.10).
    """

    def __init__(self, program: Callable[..., Any]) -> None:
        def compiled(x: Any, numbers: Any, more: Any) -> Any:
            return program(x, numbers, more)

        self._one = jax.jit(compiled, donate_argnums=0, compiler_options=options())
        self._all = self._one
        if jax.local_device_count() > 1:
            mesh = Mesh(np.array(jax.local_devices()), ("paths",))
            along, across = PartitionSpec("paths"), PartitionSpec(None, "paths")
            specs = (across, along, PartitionSpec())
            sharded = jax.shard_map(compiled, mesh=mesh, in_specs=specs, out_specs=across, check_vma=False)
            self._all = jax.jit(sharded, donate_argnums=0, compiler_options=options())
        self._names: frozenset[str] | None = None

    def _primitives(self, x: Any, numbers: Any, more: Any) -> frozenset[str]:
        if self._names is None:
            self._names = primitives(self._one.trace(x, numbers, more).jaxpr)
        return self._names

    def lanes(self, x0: np.ndarray, paths: int, more: Any) -> int:
        """The number to a multiple of which a chunk of so many paths is padded: the least that holds them, if no bit changes.

        Args:
            x0: the state, with rows of any length.
        """
        least = next((lanes for lanes in narrow(x0.dtype) if paths <= width(1, lanes)), LANES)
        if least == LANES or len(x0) < ROWS:
            return LANES
        shape = (len(x0), width(1, least))
        x, numbers = jax.ShapeDtypeStruct(shape, x0.dtype), jax.ShapeDtypeStruct(shape[1:], np.uint32)
        # in a thread that runs chunks, as they are traced: see `run_chunks`
        names = _pool().submit(self._primitives, x, numbers, more).result()
        return least if names.isdisjoint(LAPACK | PRODUCTS) else LANES

    def ahead(self, x0: np.ndarray, numbers: np.ndarray, chunk: int, lanes: int, more: Any) -> None:
        """Start to compile what `run_chunks` will call for these paths, in another thread; JAX lets that call wait for it.

        What fails there fails again in the call.
        """
        _, places = next(parts(numbers[share(len(numbers))], chunk, lanes))
        kind = jax.ShapeDtypeStruct
        shapes = kind((len(x0), len(places)), x0.dtype), kind(places.shape, places.dtype), more

        def lowered() -> Any:
            return (self._all if self._primitives(*shapes).isdisjoint(LAPACK) else self._one).lower(*shapes)

        _compilers().submit(_pool().submit(lowered).result().compile)

    def __call__(self, x: Any, numbers: Any, more: Any) -> Any:
        if self._primitives(x, numbers, more).isdisjoint(LAPACK):
            return self._all(x, numbers, more)
        with _ALONE:
            return jax.block_until_ready(self._one(x, numbers, more))


def _alike(arrays: Mapping[Any, np.ndarray], paths: int) -> dict[Any, np.ndarray]:
    """Empty arrays with as many rows as these and `paths` columns; arrays of one type share one block of memory.

    The C library returns the memory of several freed blocks to the system, which clears each page again for the next run; with
    one block it learns to keep the memory.
    """
    empty: dict[Any, np.ndarray] = {}
    for dtype in dict.fromkeys(array.dtype for array in arrays.values()):
        names = [name for name, array in arrays.items() if array.dtype == dtype]
        ends = np.cumsum([arrays[name].shape[0] for name in names])
        empty.update(zip(names, np.split(np.empty((ends[-1], paths), dtype), ends[:-1]), strict=True))
    return empty


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads for chunks, which are kept: starting them takes as long as some steps of all paths."""
    return ThreadPoolExecutor(processors(), "chunks")


@cache
def _compilers() -> ThreadPoolExecutor:
    """Threads in which programs are compiled ahead, while those for chunks are free."""
    return ThreadPoolExecutor(processors(), "compilers")


for _threads in (_pool, _compilers):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a child process has none of these threads


def run_chunks(
    program: Program, x0: np.ndarray, numbers: np.ndarray, chunk: int, first: int = 0, lanes: int = LANES
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Last points (d, paths) and values {name: (S, paths)} of the paths with these numbers.

    Args:
        program: see `Program`; called in several threads at once, and never in this one: a context manager of JAX
            (`jax.enable_x64`, `jax.debug_nans`, ..) affects one thread only, and chunks would depend on the thread that runs them.
        x0: (d, 1) or (d,) for all paths, or one column for `first` and each of those after it.
        first: the number of the path that starts at the first column of x0.
        lanes: see `parts`.

    Of several processes (`sdescent.numerics.backend.hosts`) each runs its share of the paths, and returns those of all.
    """
    count = len(numbers)
    last, values = _run_here(program, x0, numbers[share(count)], chunk, first, lanes)
    if hosts() == 1:
        return last, values
    return gathered(last, count), {name: gathered(values[name], count) for name in sorted(values)}


def _run_here(
    program: Program, x0: np.ndarray, numbers: np.ndarray, chunk: int, first: int, lanes: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """As `run_chunks`, on the devices of this process."""
    whole: dict[str | None, np.ndarray] = {}
    making = Lock()

    def one(part: tuple[slice, np.ndarray]) -> None:
        place, places = part
        last, saves = program(points(x0, places, first), places)
        arrays = {name: np.asarray(value) for name, value in {None: last, **saves}.items()}
        with making:
            if not whole:
                whole.update(_alike(arrays, len(numbers)))
        for name, array in arrays.items():  # each chunk at its place at once: the last one has little to copy
            whole[name][:, place] = array[:, : place.stop - place.start]

    waiting = [_pool().submit(one, part) for part in parts(numbers, chunk, lanes)]
    try:
        done, _ = wait(waiting, return_when=FIRST_EXCEPTION)
    finally:
        for each in waiting:
            each.cancel()  # after an error or an interrupt nobody waits for the others
    for each in done:
        each.result()
    return whole.pop(None), {name: value for name, value in whole.items() if name is not None}
