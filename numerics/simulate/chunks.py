"""Run many paths in chunks: memory stays bounded, all processors work, and no path depends on the paths computed beside it.

A chunk is padded to full vector lanes, 128 per device, because the compiler uses other instructions for a remainder. If a few paths
have many coordinates, fewer lanes are used, provided that no bit changes. Paths carry their numbers, which determine their draws.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import cache
from threading import Lock
from typing import Any, final

import numpy as np
from jax.sharding import Mesh, PartitionSpec

from sdescent.numerics.backend.compiler import options, primitives
from sdescent.numerics.backend.double import jax
from sdescent.numerics.backend.hosts import gathered, hosts, share
from sdescent.numerics.backend.processors import processors
from sdescent.numerics.lowering.rows import BLOCK

#: chunks are padded to a multiple of this many paths on every device: full vector registers of any width, and enough blocks for a
#: loop
LANES = 2 * BLOCK
#: the numbers of registers of 512 bits that a few paths are padded to fill instead, increasing. Half a register, 8 numbers in
#: single precision, will not do: sums over coordinates would be rounded differently
NARROW = (1, 4)
#: the number of rows of a state from which `NARROW` saves time
ROWS = 32
#: numbers of the state in a default chunk: they stay in a processor's own cache
CACHED = 2**15
#: saved numbers of a chunk: the next chunk uses their memory again, and the system does not clear it in between
KEPT = 2**19
#: the least numbers of the state in a chunk, if there are that many: with fewer, starting a step takes longer than the step
WORK = 2**11
#: (points (d, width), numbers of the paths (width,)) -> (last points (d, width), {name: (S, width)})
Program = Callable[[Any, Any], tuple[Any, Mapping[str, Any]]]


def default_chunk(dim: int, paths: int, saved: int = 0) -> int:
    """The number of paths per chunk: as fit a cache with `saved` numbers each, in equal chunks, equally many for each processor."""
    workers = processors()
    rounds = -(-paths * dim // (CACHED * workers))
    rounds = max(rounds, min(paths * saved // (KEPT * workers), paths * dim // (WORK * workers)))
    return max(LANES, -(-paths // (rounds * workers * LANES)) * LANES)


def narrow(dtype: Any) -> tuple[int, ...]:
    """The numbers of paths to which a few paths are padded, increasing."""
    return tuple(64 * registers // np.dtype(dtype).itemsize for registers in NARROW)


def width(chunk: int, lanes: int = LANES) -> int:
    """The number of paths of a padded chunk, a multiple of `lanes` on every device."""
    lanes *= jax.local_device_count()
    return -(-chunk // lanes) * lanes


def points(x0: np.ndarray, numbers: np.ndarray, first: int = 0) -> np.ndarray:
    """The starting points (d, width) of the paths with these numbers, the last one repeated; column 0 of x0 is path `first`."""
    if x0.ndim == 1 or x0.shape[1] == 1:
        return np.repeat(x0.reshape(-1, 1), len(numbers), axis=1)
    return x0[:, np.minimum(numbers - np.uint32(first), x0.shape[1] - 1)]


def parts(numbers: np.ndarray, chunk: int, lanes: int = LANES) -> Iterator[tuple[slice, np.ndarray]]:
    """The chunks of these paths: each one's place, and path numbers, which continue into the padding to a multiple of `lanes`."""
    size = lanes
    while size < len(numbers):  # so that a few more stopped paths need no compilation
        size *= 4
    wide = min(width(chunk, lanes), width(size, lanes))
    for begin in range(0, len(numbers), chunk):
        places = numbers[begin : begin + chunk]
        padding = places[-1] + 1 + np.arange(wide - len(places), dtype=places.dtype)
        yield slice(begin, begin + len(places)), np.concatenate([places, padding])


#: primitives whose CPU kernels call LAPACK, which shares its work among the threads that also run the program
LAPACK = frozenset(
    {
        "cholesky", "eig", "eigh", "geqp3", "geqrf", "hessenberg", "householder_product", "lu", "qr", "schur", "svd", "sylvester",
        "triangular_solve", "tridiagonal", "tridiagonal_solve",
    }
)  # fmt: skip
#: the lock that is held while a program with such a primitive runs
_ALONE = Lock()
#: primitives whose order of summation depends on the number of paths if there are fewer than `LANES`
PRODUCTS = frozenset({"conv_general_dilated", "dot_general"})


@final
class Spread:
    """A compiled function of (points (d, width), numbers (width,), more), with the paths spread over all devices.

    `more` is the same on every device; the last axis of each result is that of the paths.

    A program that calls LAPACK runs by itself on one device: its kernel occupies a thread of XLA's pool while it waits for other
    threads of that pool, so programs that run at the same time can occupy all threads and wait for ever (jax 0.10).
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
        """To a multiple of what a chunk of paths with states like x0 is padded: the least that holds them, if no bit changes."""
        least = next((lanes for lanes in narrow(x0.dtype) if paths <= width(1, lanes)), LANES)
        if least == LANES or len(x0) < ROWS:
            return LANES
        shape = (len(x0), width(1, least))
        x, numbers = jax.ShapeDtypeStruct(shape, x0.dtype), jax.ShapeDtypeStruct(shape[1:], np.uint32)
        # traced in a thread that runs chunks, as the chunks are: see `run_chunks`
        names = _threads("chunks").submit(self._primitives, x, numbers, more).result()
        return least if names.isdisjoint(LAPACK | PRODUCTS) else LANES

    def ahead(self, x0: np.ndarray, numbers: np.ndarray, chunk: int, lanes: int, more: Any) -> None:
        """Compile in another thread the program that `run_chunks` will call for these paths. An error there recurs in the call."""
        _, places = next(parts(numbers[share(len(numbers))], chunk, lanes))
        kind = jax.ShapeDtypeStruct
        shapes = kind((len(x0), len(places)), x0.dtype), kind(places.shape, places.dtype), more

        def lowered() -> Any:
            return (self._all if self._primitives(*shapes).isdisjoint(LAPACK) else self._one).lower(*shapes)

        _threads("compilers").submit(_threads("chunks").submit(lowered).result().compile)

    def __call__(self, x: Any, numbers: Any, more: Any) -> Any:
        if self._primitives(x, numbers, more).isdisjoint(LAPACK):
            return self._all(x, numbers, more)
        with _ALONE:
            return jax.block_until_ready(self._one(x, numbers, more))


def _alike(arrays: Mapping[Any, np.ndarray], paths: int) -> dict[Any, np.ndarray]:
    """Empty arrays with as many rows as `arrays` and `paths` columns; arrays of one type share a block of memory.

    If several blocks are freed, the C library returns their memory to the system, which clears every page for the next run; with a
    single block the library learns to keep the memory.
    """
    empty: dict[Any, np.ndarray] = {}
    for dtype in dict.fromkeys(array.dtype for array in arrays.values()):
        names = [name for name, array in arrays.items() if array.dtype == dtype]
        ends = np.cumsum([arrays[name].shape[0] for name in names])
        empty.update(zip(names, np.split(np.empty((ends[-1], paths), dtype), ends[:-1]), strict=True))
    return empty


@cache
def _threads(purpose: str) -> ThreadPoolExecutor:
    """The threads for "chunks", kept since starting them takes as long as some steps of all paths, or for "compilers" ahead."""
    return ThreadPoolExecutor(processors(), purpose)


os.register_at_fork(after_in_child=_threads.cache_clear)  # a child process has none of these threads


def run_chunks(
    program: Program, x0: np.ndarray, numbers: np.ndarray, chunk: int, first: int = 0, lanes: int = LANES
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The last points (d, paths) and values {name: (S, paths)} of the paths with these numbers.

    Several processes (`sdescent.numerics.backend.hosts`) each run their share of the paths, and each returns all paths.

    Args:
        program: see `Program`. It is called in several threads at once, and never in the caller's: a context manager of JAX
            (`jax.enable_x64`, `jax.debug_nans`, ..) affects one thread only, and chunks would depend on the thread that runs them.
        x0: starting points, (d, 1) or (d,) for all paths, or one column for `first` and each path after it.
        first: the number of the path that starts at the first column of x0.
        lanes: see `parts`.
    """
    count = len(numbers)
    last, values = _run_here(program, x0, numbers[share(count)], chunk, first, lanes)
    if hosts() == 1:
        return last, values
    return gathered(last, count), {name: gathered(values[name], count) for name in sorted(values)}


def _run_here(
    program: Program, x0: np.ndarray, numbers: np.ndarray, chunk: int, first: int, lanes: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The result of `run_chunks` for these paths, on the devices of this process."""
    whole: dict[str | None, np.ndarray] = {}
    making = Lock()

    def one(part: tuple[slice, np.ndarray]) -> None:
        place, places = part
        last, saves = program(points(x0, places, first), places)
        arrays = {name: np.asarray(value) for name, value in {None: last, **saves}.items()}
        with making:
            if not whole:
                whole.update(_alike(arrays, len(numbers)))
        # each chunk is put in place at once, so that little is left to copy after the last
        for name, array in arrays.items():
            whole[name][:, place] = array[:, : place.stop - place.start]

    waiting = [_threads("chunks").submit(one, part) for part in parts(numbers, chunk, lanes)]
    try:
        done, _ = wait(waiting, return_when=FIRST_EXCEPTION)
    finally:
        for each in waiting:
            each.cancel()  # after an error or an interrupt nobody waits for the remaining chunks
    for each in done:
        each.result()
    return whole.pop(None), {name: value for name, value in whole.items() if name is not None}
