"""What is measured, against whom, and what ratio is aimed at. A case is a pair of functions that do the same work.

Every function compiles at its first call and returns when all is computed. Nothing is timed here: `benchmarks.measure` does that.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

import sdescent as sd
from benchmarks import peers
from benchmarks.peers import QUARTIC, Work, waiting
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.noise import Scaled
from sdescent.derive.methods.optimisers.momentum import AdamW
from sdescent.derive.vocabulary.names import Model, Precision
from sdescent.numerics.backend.compiler import options
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import draws_from, over_pairs
from sdescent.numerics.lowering.factors import lane_root, symmetric_root
from sdescent.numerics.simulate.chunks import default_chunk
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run

GAUSS = Scaled(sd.noise.Gaussian(), "sigma")
#: update rules with memory, and the numbers of their parameters
RULES: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "heavy ball": (("m = a*m + (1-a)*G", "x = x - eta*m"), {"a": 0.9}),
    "AdamW": (
        ("m = a*m + (1-a)*G", "v = b*v + (1-b)*G^2", "x = x - eta*(m/(1-a^k)/(sqrt(v/(1-b^k)) + c) + w*x)"),
        {"a": 0.9, "b": 0.999, "c": 1e-8, "w": 0.1},
    ),
}


@final
@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: what is measured.
        against: the peer, in words.
        ours, peer: make the two functions; `peers.Absent` where a package is missing.
        aim: the ratio ours/peer aimed at; None where it is only reported.
        clock: whether times are those of the clock, as for other processes and for throughput, and not of the processors.
    """

    name: str
    against: str
    ours: Callable[[], Work]
    peer: Callable[[], Work]
    aim: float | None
    clock: bool = False


def quartic(model: Model, dtype: str, paths: int, steps: int, chunk: int | None = None) -> Work:
    """`numerics.solve` on the scalar quartic with Gaussian noise, Euler steps of 1/100."""
    equation = sd.sde(DSGD(GAUSS, clients=1), model, sd.losses.Quartic())
    params = {"eta": QUARTIC.eta, "sigma": QUARTIC.sigma}
    settings: dict[str, Any] = {"dt": QUARTIC.dt, "save": 2, "scheme": "euler", "dtype": dtype, "chunk": chunk}
    return lambda: solve(equation, [QUARTIC.x0], steps * QUARTIC.dt, paths, 1, params, **settings)


def method(dtype: Precision, paths: int, steps: int, save: int = 2) -> Work:
    """`numerics.run`: DSGD itself, one client."""
    dsgd = DSGD(GAUSS, clients=1)
    params = {"eta": QUARTIC.dt, "sigma": QUARTIC.sigma}
    return lambda: run(dsgd, [QUARTIC.x0], steps * QUARTIC.dt, paths, 1, params, sd.losses.Quartic(), save, dtype=dtype)


def sgd(model: Model | None, dim: int, paths: int, steps: int) -> Work:
    """DSGD itself, one client, or its equation with one Euler step a step, on the quadratic."""
    dsgd, params = DSGD(GAUSS, clients=1), {"eta": 0.01, "sigma": 0.3}
    if model is None:
        return lambda: run(dsgd, np.ones(dim), steps * 0.01, paths, 1, params, sd.losses.Quadratic(1), 2)
    equation = sd.sde(dsgd, model, sd.losses.Quadratic(1))
    return lambda: solve(equation, np.ones(dim), steps * 0.01, paths, 1, params, dt=0.01, save=2, scheme="euler")


def sizes(quick: bool = False) -> list[Case]:
    """Rows of a few paths with many coordinates, and of many saved times."""
    steps, rows = 100 if quick else 1000, list[Case]()
    kinds: dict[str, Model | None] = {"DSGD itself": None, "DSGD, first-order": "first-order"}
    for paths in (1,) if quick else (1, 2, 16):
        loop = partial(peers.numpy_loop, 10_000, paths, steps)
        for name, model in kinds.items():
            ours = partial(sgd, model, 10_000, paths, steps)
            rows.append(Case(f"{name}, d = 10000, paths: {paths}", "NumPy loop", ours, loop, 2.0))
    for paths in (10_000,) if quick else (10_000, 100_000):
        many, two = (partial(method, "float64", paths, 1000, save) for save in (100, 2))
        rows.append(Case(f"DSGD itself, {paths} paths, 100 saved times", "2 saved times", many, two, 1.3))
    return rows


def noise_alone(dtype: str, paths: int, steps: int, dim: int = 1, rows: int = 1, root: bool = False) -> Work:
    """The same normals, added up without an equation, in the chunks of a state of so many rows.

    Args:
        root: whether every sum is divided by 1 plus the root of its size: a root and a division a draw, as Adam's step has.
    """

    @partial(jax.jit, static_argnums=1, compiler_options=options())
    def total(first: Any, count: int) -> Any:
        draws = draws_from(jax.random.key(1), count, dtype=np.dtype(dtype))

        def body(normals: Any, pair: Any, state: Any) -> Any:
            for z in normals.normals((dim, count)):
                state = (state + z) / (jnp.sqrt(jnp.abs(state)) + 1) if root else state + z
            return state

        return over_pairs(draws, first * 0, steps // 2, body, jnp.zeros((dim, count), dtype))

    return lambda: peers.in_threads(total, paths, default_chunk(rows, paths))


def signs(dtype: str, paths: int, steps: int) -> Work:
    """`numerics.solve`: DSignSGD with Student-t noise, nu = 3, corrected model on the quartic."""
    equation = sd.sde(DSignSGD(Scaled(sd.noise.StudentT(3), 1), clients=1), "corrected", sd.losses.Quartic())
    settings: dict[str, Any] = {"dt": 0.01, "save": 2, "scheme": "euler", "dtype": dtype}
    return lambda: solve(equation, [1.0], steps * 0.01, paths, 1, {"eta": 0.1}, **settings)


def signs_betainc(dtype: str, paths: int, steps: int) -> Work:
    """The same equation, steps and draws, with F and p of Student's t through the incomplete beta function."""
    nu, eta, dt = 3.0, 0.1, 0.01
    density = math.gamma((nu + 1) / 2) / (math.sqrt(nu * math.pi) * math.gamma(nu / 2))

    def sign_mean(g: Any) -> Any:
        z = nu / (nu + g**2)
        return jnp.sign(g) * (1 - jax.scipy.special.betainc(jnp.asarray(nu / 2, g.dtype), jnp.asarray(0.5, g.dtype), z))

    @jax.jit
    def path(x: Any) -> Any:
        draws = draws_from(jax.random.key(1), paths, dtype=np.dtype(dtype))

        def step(x: Any, z: Any) -> Any:
            g, h = x**3, 3 * x**2
            b = sign_mean(g)
            ratio = jnp.where(g == 0, 2 * density, b / jnp.where(g == 0, 1.0, g))
            drift = -b + eta / 2 * ratio * h * b
            return x + dt * drift + jnp.sqrt(eta * jnp.maximum(1 - b**2, 0)) * math.sqrt(dt) * z

        def body(normals: Any, pair: Any, x: Any) -> Any:
            for z in normals.normals((1, paths)):
                x = step(x, z)
            return x

        return over_pairs(draws, 0, steps // 2, body, x)

    return waiting(path, jnp.ones((1, paths), dtype))


#: AdamW in the ballistic regime: constants, and the Euler step, which is that of the method
ADAM = {"eta": 0.01, "rho1": 10.0, "rho2": 1.0, "eps": 1e-3, "wd": 0.1, "sigma": 0.3}


def adamw(dtype: Precision, dim: int, paths: int, steps: int) -> Work:
    """`numerics.solve`: AdamW, first-order model on the quadratic, Euler steps of the method's own time."""
    equation = sd.sde(AdamW(noise=GAUSS, clients=1), "first-order", sd.losses.Quadratic(1))
    eta = ADAM["eta"]
    settings: dict[str, Any] = {"dt": eta, "save": 2, "scheme": "euler", "dtype": dtype}
    return lambda: solve(equation, np.ones(dim), steps * eta, paths, 1, ADAM, **settings)


def rand_k(dim: int, paths: int, steps: int, dtype: str = "float64") -> Work:
    """`numerics.solve`: DCSGD with Rand-k, first-order model on the quadratic, by the O(d) root."""
    equation = sd.sde(DCSGD(RandK("k"), GAUSS, clients=1), "first-order", sd.losses.Quadratic(1))
    params = {"eta": 0.1, "sigma": 0.3, "k": dim // 10 or 1}
    settings: dict[str, Any] = {"dt": 0.01, "save": 2, "scheme": "euler", "dtype": dtype}
    return lambda: solve(equation, np.ones(dim), steps * 0.01, paths, 1, params, **settings)


def rand_k_cholesky(dim: int, paths: int, steps: int) -> Work:
    """The same equation, with its covariance formed and factorised for every path at every step."""
    eta, dt, k, s2 = 0.1, 0.01, dim // 10 or 1, 0.09
    ratio, pair = dim / k, dim * (k - 1) / (k * (dim - 1)) - 1

    @jax.jit
    def path(x: Any) -> Any:
        draws = draws_from(jax.random.key(1), paths)

        def step(x: Any, z: Any) -> Any:
            g = x
            outer = jnp.einsum("ip,jp->pij", g, g)
            diagonal = ratio * (g**2 + s2) - g**2
            covariance = pair * outer * (1 - jnp.eye(dim)) + jnp.eye(dim) * diagonal.T[:, None, :]
            root = jnp.linalg.cholesky(covariance)
            return x - dt * g + math.sqrt(eta * dt) * jnp.einsum("pij,jp->ip", root, z)

        def body(normals: Any, pair: Any, x: Any) -> Any:
            for z in normals.normals((dim, paths)):
                x = step(x, z)
            return x

        return over_pairs(draws, 0, steps // 2, body, x)

    return waiting(path, jnp.ones((dim, paths)))


def discrete_rand_k(dim: int, paths: int, steps: int) -> Work:
    """`numerics.run`: DCSGD with Rand-k on the quadratic, one client, no other noise."""
    dcsgd = DCSGD(RandK("k"), clients=1)
    params = {"eta": 0.01, "k": dim // 10 or 1}
    return lambda: run(dcsgd, np.ones(dim), steps * 0.01, paths, 1, params, sd.losses.Quadratic(1), 2)


def discrete_top_k_mask(dim: int, paths: int, steps: int) -> Work:
    """The same method, its random coordinates chosen as the k largest of d uniforms (`lax.top_k`)."""
    k, eta = dim // 10 or 1, 0.01

    @jax.jit
    def path(x: Any, key: Any) -> Any:
        def step(x: Any, key: Any) -> Any:
            _, chosen = jax.lax.top_k(jax.random.uniform(key, (paths, dim)), k)
            mask = jnp.zeros((paths, dim)).at[jnp.arange(paths)[:, None], chosen].set(1.0)
            return x - eta * dim / k * mask * x, None

        return jax.lax.scan(step, x, jax.random.split(key, steps))[0]

    return waiting(path, jnp.ones((paths, dim)), jax.random.key(0))


def compressed(algorithm: sd.Method, dtype: Precision, dim: int, paths: int, steps: int) -> Work:
    """`numerics.run`: a method without memory on the quadratic."""
    eta = 0.01 if dim == 1 else 0.001
    return lambda: run(
        algorithm, np.ones(dim), steps * eta, paths, 1, {"eta": eta}, sd.losses.Quadratic(1), 2, dtype=dtype
    )


def compressors(quick: bool = False) -> list[Case]:
    """Rows of methods with compressors, against compiled loops over single numbers and against sorting."""
    paths, rows = 2000 if quick else 20_000, []
    student, gauss = Scaled(sd.noise.StudentT(3), 1), Scaled(sd.noise.Gaussian(), 1)
    for dtype in precisions(quick):
        ours = partial(compressed, DSignSGD(student, clients=4), dtype, 1, paths, 200)
        loop = partial(peers.numba_signs, dtype, 4, paths, 200)
        rows.append(Case(f"DSignSGD itself, Student-t, N = 4, {dtype}", "numba loop, one core", ours, loop, 1.0))
        few = paths // 20
        ours = partial(compressed, DCSGD(RandK(10), gauss, clients=1), dtype, 1000, few, 100)
        loop = partial(peers.numba_rand_k, dtype, 10, 1000, few, 100)
        rows.append(Case(f"DCSGD itself, Rand-10, d = 1000, {dtype}", "numba loop, one core", ours, loop, 1.5))
        ours = partial(compressed, DCSGD(sd.compressors.TopK(10), gauss, clients=1), dtype, 1000, few, 20)
        top = partial(peers.sorted_top_k, dtype, 10, 1000, few, 20)
        rows.append(Case(f"DCSGD itself, Top-10, d = 1000, {dtype}", "lax.top_k", ours, top, 1.0))
        five, four = (partial(compressed, DSGD(gauss, clients=n), dtype, 1, paths, 200) for n in (5, 4))
        rows.append(Case(f"DSGD itself, N = 5, {dtype}", "N = 4", five, four, 1.5))
    return rows


def dense_roots(dtype: Precision, dim: int, rank: int, paths: int, lapack: bool = False) -> Work:
    """Roots of dense covariances, of full rank with pivots of at least 1/2 (rank = dim) or singular, a matrix for each path.

    Args:
        lapack: by `eigh` of each path's matrix, in place of `lane_root`.
    """
    factors = np.random.default_rng(1).normal(size=(dim, rank, paths))
    matrix = np.einsum("irp,jrp->ijp", factors, factors)
    if rank == dim:
        matrix += np.eye(dim)[..., None] * np.einsum("iip->ip", matrix)[:, None]
    size = np.einsum("iip->ip", matrix)

    @partial(jax.jit, compiler_options=options())
    def root(matrix: Any, size: Any) -> Any:
        return symmetric_root(jnp.moveaxis(matrix, 2, 0), jnp.max(size, axis=0)) if lapack else lane_root(matrix, size)

    return waiting(root, jnp.asarray(matrix, dtype), jnp.asarray(size, dtype))


def roots(quick: bool = False) -> list[Case]:
    """Rows of dense roots in few dimensions."""
    paths, rows = 2048 if quick else 16_384, []
    for dtype in precisions(quick):
        for dim, rank in ((4, 4), (8, 8), (8, 4)):
            ours, eigh = (partial(dense_roots, dtype, dim, rank, paths, lapack) for lapack in (False, True))
            rows.append(Case(f"dense roots, d = {dim}, rank {rank}, {dtype}", "LAPACK eigh a path", ours, eigh, 1 / 20))
    return rows


def rule(
    update: tuple[str, ...], letters: str, numbers: dict[str, float], dtype: Precision, dim: int, paths: int, steps: int
) -> Work:
    """`numerics.run`: an update rule with memory on the quadratic, one client, Gaussian noise."""
    algorithm = sd.Method(noise=GAUSS, clients=1, memory=dict.fromkeys(letters, 0), update=update)
    params = {"eta": 0.01, "sigma": 0.3, **numbers}
    return lambda: run(algorithm, np.ones(dim), steps * 0.01, paths, 1, params, sd.losses.Quadratic(1), 2, dtype=dtype)


def rules(quick: bool = False) -> list[Case]:
    """Rows of update rules with memory, in 100 dimensions."""
    dim, paths, steps, rows = 100, 1000 if quick else 10_000, 200 if quick else 1000, []
    for name, (update, numbers) in RULES.items():
        letters = "mv" if "v" in "".join(update) else "m"
        for dtype in precisions(quick):
            ours = partial(rule, update, letters, numbers, dtype, dim, paths, steps)
            alone = partial(noise_alone, dtype, paths, steps, dim, dim * (1 + len(letters)))
            scan = partial(peers.scan_rule, letters, dtype, dim, paths, steps)
            rows.append(Case(f"{name}, d = {dim}, {dtype}", "our noise alone", ours, alone, 1.5))
            rows.append(Case(f"{name}, d = {dim}, {dtype}", "lax.scan with jr.normal", ours, scan, 1.0))
    return rows


def precisions(quick: bool) -> tuple[Precision, ...]:
    """Those that are measured."""
    return ("float64",) if quick else ("float32", "float64")


def cases(quick: bool = False) -> list[Case]:
    """All rows; `quick` makes them ten times smaller or more, and leaves out single precision and the slowest peer."""
    less = 10 if quick else 1
    p, n = 100_000 // less, 1000
    rows: list[Case] = []
    aims: dict[Precision, float] = {"float32": 0.60, "float64": 0.35}
    for dtype in precisions(quick):
        aim = aims[dtype]
        scan = partial(peers.scan_normal, dtype, p, n)
        for model in ("first-order", "corrected"):
            ours = partial(quartic, model, dtype, p, n)
            rows.append(Case(f"quartic, {model}, {dtype}", "lax.scan with jr.normal", ours, scan, aim))
            alone = partial(noise_alone, dtype, p, n)
            rows.append(Case(f"quartic, {model}, {dtype}", "our noise alone", ours, alone, 1.2))
        rows.append(Case(f"DSGD itself, {dtype}", "lax.scan with jr.normal", partial(method, dtype, p, n), scan, aim))
        first = partial(quartic, "first-order", dtype)
        unsafe = partial(peers.vmapped, dtype, p, n, False)
        rows.append(
            Case(f"quartic, {dtype}", "vmap(diffeqsolve), UnsafeBrownianPath", partial(first, p, n), unsafe, 1 / 6)
        )
        if not quick:
            few = p // 10
            tree = partial(peers.vmapped, dtype, few, n, True)
            rows.append(
                Case(
                    f"quartic, {dtype}", "vmap(diffeqsolve), VirtualBrownianTree", partial(first, few, n), tree, 1 / 100
                )
            )
        torch = partial(peers.torchsde, dtype, p, n // 4)
        rows.append(Case(f"quartic, {dtype}", "torchsde", partial(first, p, n // 4), torch, 1 / 8))
        single, loop = partial(first, p, n, p), partial(peers.numba_loop, dtype, p, n)
        rows.append(Case(f"quartic, one chunk, {dtype}", "numba loop with ziggurat, one core", single, loop, 1.3))
        aim = 1 / 40 if dtype == "float32" else 1 / 80
        few = p // less
        ours, beta = partial(signs, dtype, few, 200), partial(signs_betainc, dtype, few, 200)
        rows.append(Case(f"DSignSGD, Student-t, {dtype}", "the same with betainc", ours, beta, aim))
    n = 200 if quick else n
    for dtype in precisions(quick):
        ours, alone = partial(adamw, dtype, 100, p // 10, n), partial(noise_alone, dtype, p // 10, n, 100, 300)
        rows.append(Case(f"AdamW's equation, d = 100, {dtype}", "our noise alone", ours, alone, 1.5))
        divided = partial(noise_alone, dtype, p // 10, n, 100, 300, True)
        rows.append(Case(f"AdamW's equation, d = 100, {dtype}", "our noise, a root and a division", ours, divided, 1.3))
        scan = partial(peers.scan_rule, "mv", dtype, 100, p // 10, n)
        rows.append(Case(f"AdamW's equation, d = 100, {dtype}", "lax.scan of AdamW with jr.normal", ours, scan, 1.0))
    dim, few = 100, 1000 // less
    ours, factor = partial(rand_k, dim, few, 50), partial(rand_k_cholesky, dim, few, 50)
    rows.append(Case("Rand-k, d = 100", "a Cholesky factor a step", ours, factor, 1 / 30))
    rows.append(
        Case(
            "DCSGD itself, Rand-k, d = 100", "lax.top_k of uniforms",
            partial(discrete_rand_k, dim, few, 200), partial(discrete_top_k_mask, dim, few, 200), 1 / 20,
        )
    )  # fmt: skip
    return rows + sizes(quick) + compressors(quick) + roots(quick) + rules(quick)
