"""The other ways to do the same work, as their users write them. Each maker returns a function that computes and waits.

What is not installed raises `Absent`; the extra `bench` has all of it.
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any, final

import diffrax
import numpy as np

from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.simulate.chunks import width

Work = Callable[[], Any]


class Absent(Exception):
    """A package that a peer needs is not installed."""


def package(name: str) -> Any:
    """The module of this name.

    Raises:
        Absent: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise Absent(f"{name} is not installed ({error})") from None


@final
@dataclass(frozen=True)
class Quartic:
    """dx = -x^3 dt + root dW from x0 in steps of dt, the first-order model of DSGD on x^4/4; root = sqrt(eta) sigma."""

    x0: float = 1.0
    dt: float = 0.01
    eta: float = 0.1
    sigma: float = 0.3

    @property
    def root(self) -> float:
        return math.sqrt(self.eta) * self.sigma


QUARTIC = Quartic()


def waiting(compiled: Callable[..., Any], *arguments: Any) -> Work:
    """A call that returns when all is computed."""
    return lambda: jax.block_until_ready(compiled(*arguments))


def in_threads(total: Callable[[Any, int], Any], paths: int, chunk: int) -> None:
    """A function of (first path, how many) for all chunks, on all processors, as `sdescent.numerics.simulate.chunks` does it."""
    begins = range(0, paths, chunk)
    with ThreadPoolExecutor(min(len(begins), os.cpu_count() or 1)) as pool:
        list(pool.map(lambda begin: jax.block_until_ready(total(begin, width(min(chunk, paths)))), begins))


def scan_normal(dtype: str, paths: int, steps: int) -> Work:
    """`lax.scan` over Euler steps with `jax.random.normal`, one key a step, all paths in one array."""
    dt, spread = np.dtype(dtype).type(QUARTIC.dt), np.dtype(dtype).type(QUARTIC.root * math.sqrt(QUARTIC.dt))

    @jax.jit
    def path(x: jax.Array, key: jax.Array) -> jax.Array:
        def step(x: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
            return x - dt * x**3 + spread * jax.random.normal(key, x.shape, x.dtype), None

        return jax.lax.scan(step, x, jax.random.split(key, steps))[0]

    return waiting(path, jnp.full(paths, QUARTIC.x0, dtype), jax.random.key(0))


def scan_rule(letters: str, dtype: str, dim: int, paths: int, steps: int) -> Work:
    """`lax.scan` over heavy ball (letters m) or AdamW (m and v) on the quadratic, with `jax.random.normal`, all paths at once."""
    eta, a, b, c, w, sigma = (np.dtype(dtype).type(v) for v in (0.01, 0.9, 0.999, 1e-8, 0.1, 0.3))

    @jax.jit
    def path(x: jax.Array, key: jax.Array) -> Any:
        def step(state: Any, at: Any) -> Any:
            (x, m, v), (key, k) = state, at
            g = x + sigma * jax.random.normal(key, x.shape, x.dtype)
            m = a * m + (1 - a) * g
            if letters == "m":
                return (x - eta * m, m, v), None
            v = b * v + (1 - b) * g**2
            return (x - eta * (m / (1 - a**k) / (jnp.sqrt(v / (1 - b**k)) + c) + w * x), m, v), None

        counts = jnp.arange(1, steps + 1).astype(x.dtype)
        return jax.lax.scan(step, (x, 0 * x, 0 * x), (jax.random.split(key, steps), counts))[0][0]

    return waiting(path, jnp.ones((dim, paths), dtype), jax.random.key(0))


def vmapped(dtype: str, paths: int, steps: int, tree: bool) -> Work:
    """`vmap(diffeqsolve)` with diffrax's Euler, one Brownian path a solve: unsafe, or as a virtual tree."""
    end, step = np.dtype(dtype).type(steps * QUARTIC.dt), np.dtype(dtype).type(QUARTIC.dt)
    root = np.dtype(dtype).type(QUARTIC.root)

    @jax.jit
    @jax.vmap
    def path(x: jax.Array, key: jax.Array) -> Any:
        shape = jax.ShapeDtypeStruct((), x.dtype)
        brownian: Any = (
            diffrax.VirtualBrownianTree(x.dtype.type(0), end, tol=step / 2, shape=shape, key=key)
            if tree
            else diffrax.UnsafeBrownianPath(shape, key)
        )
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(lambda t, y, args: -(y**3)), diffrax.ControlTerm(lambda t, y, args: root, brownian)
        )
        solution = diffrax.diffeqsolve(
            terms, diffrax.Euler(), x.dtype.type(0), end, step, x, adjoint=diffrax.ForwardMode(), max_steps=steps + 2
        )
        return solution.ys

    return waiting(path, jnp.full(paths, QUARTIC.x0, dtype), jax.random.split(jax.random.key(0), paths))


def torchsde(dtype: str, paths: int, steps: int) -> Work:
    """`torchsde.sdeint` with its Euler method, all paths in one batch."""
    torch, library = package("torch"), package("torchsde")

    class Model(torch.nn.Module):  # pyright: ignore[reportUntypedBaseClass]
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t: Any, y: Any) -> Any:
            return -(y**3)

        def g(self, t: Any, y: Any) -> Any:
            return torch.full_like(y, QUARTIC.root)

    model, kind = Model(), getattr(torch, dtype)
    start = torch.full((paths, 1), QUARTIC.x0, dtype=kind)
    times = torch.tensor([0.0, steps * QUARTIC.dt], dtype=kind)

    def work() -> Any:
        with torch.no_grad():
            return library.sdeint(model, start, times, method="euler", dt=QUARTIC.dt)

    return work


def numpy_loop(dim: int, paths: int, steps: int) -> Work:
    """SGD on the quadratic in float64 as a loop over steps in NumPy, (dim, paths) normals at a time."""
    eta, sigma = 0.01, 0.3

    def work() -> Any:
        generator, x = np.random.default_rng(0), np.ones((dim, paths))
        for _ in range(steps):
            x = x - eta * (x + sigma * generator.standard_normal((dim, paths)))
        return x

    return work


def numba_loop(dtype: str, paths: int, steps: int) -> Work:
    """A compiled loop on one core, with NumPy's ziggurat normals."""
    numba = package("numba")
    kind = np.dtype(dtype).type
    dt, spread = kind(QUARTIC.dt), kind(QUARTIC.root * math.sqrt(QUARTIC.dt))

    @numba.njit(fastmath=True)
    def loop(x: Any, steps: int, generator: Any) -> Any:
        for p in range(x.size):
            y = x[p]
            for _ in range(steps):
                y = y - dt * y * y * y + spread * kind(generator.standard_normal())
            x[p] = y
        return x

    generator = np.random.Generator(np.random.PCG64(0))
    return lambda: loop(np.full(paths, QUARTIC.x0, dtype), steps, generator)


def numba_signs(dtype: str, clients: int, paths: int, steps: int) -> Work:
    """DSignSGD with Student-t noise, nu = 3, on x^2/2 as a compiled loop on one core, with NumPy's `standard_t`."""
    numba = package("numba")

    @numba.njit(fastmath=True)
    def loop(x: Any, clients: int, steps: int, eta: float, generator: Any) -> Any:
        for p in range(x.size):
            y = x[p]
            for _ in range(steps):
                total = 0.0
                for _ in range(clients):
                    total += np.sign(y + generator.standard_t(3.0))
                y -= eta / clients * total
            x[p] = y
        return x

    generator = np.random.Generator(np.random.PCG64(0))
    return lambda: loop(np.ones(paths, dtype), clients, steps, 0.01, generator)


def numba_rand_k(dtype: str, k: int, dim: int, paths: int, steps: int) -> Work:
    """DCSGD with Rand-k on |x|^2/2 as a compiled loop on one core: Floyd's k coordinates, and noise in these alone."""
    numba = package("numba")

    @numba.njit(fastmath=True)
    def loop(x: Any, k: int, steps: int, eta: float, generator: Any) -> Any:
        paths, dim = x.shape
        g, chosen = np.empty(dim), np.empty(k, np.int64)
        for p in range(paths):
            y = x[p]
            for _ in range(steps):
                for j in range(dim):
                    g[j] = y[j]
                for n in range(k):
                    last = dim - k + n
                    coordinate = int(generator.random() * (last + 1))
                    for m in range(n):
                        if chosen[m] == coordinate:
                            coordinate = last
                            break
                    chosen[n] = coordinate
                for n in range(k):
                    y[chosen[n]] -= eta * dim / k * (g[chosen[n]] + generator.standard_normal())
        return x

    generator = np.random.Generator(np.random.PCG64(0))
    return lambda: loop(np.ones((paths, dim), dtype), k, steps, 0.001, generator)


def sorted_top_k(dtype: str, k: int, dim: int, paths: int, steps: int) -> Work:
    """DCSGD with Top-k on |x|^2/2 and Gaussian noise, its coordinates by `lax.top_k`, all paths in one array."""

    @jax.jit
    def path(x: jax.Array, key: jax.Array) -> jax.Array:
        def step(x: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
            v = x + jax.random.normal(key, x.shape, x.dtype)
            _, chosen = jax.lax.top_k(jnp.abs(v), k)
            rows = jnp.arange(x.shape[0])[:, None]
            return x.at[rows, chosen].add(-0.001 * v[rows, chosen]), None

        return jax.lax.scan(step, x, jax.random.split(key, steps))[0]

    return waiting(path, jnp.ones((paths, dim), dtype), jax.random.key(0))
