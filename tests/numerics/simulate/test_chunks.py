"""No path notices which others are beside it: the same bits for any chunk, number of paths and devices."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, Method
from sdescent.derive.methods.noise import Scaled
from sdescent.derive.vocabulary.choices import Precision
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws, over_pairs
from sdescent.numerics.lowering.products import product
from sdescent.numerics.simulate import chunks, schemes
from sdescent.numerics.simulate.chunks import LANES, LAPACK, Spread, default_chunk, parts, primitives, run_chunks
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.runs import Ensemble

PATHS = 150
#: method, model, loss, x0: a root by coordinate, and one that sums over coordinates
CASES: dict[str, tuple[Method, str, Any, list[float]]] = {
    "one dimension": (DSGD(Scaled(sd.noise.Gaussian(), "1/2"), clients=2), "corrected", sd.losses.Quartic(), [1.0]),
    "rank one": (
        DCSGD(RandK(3), sd.noise.Affine(1, "1/2"), clients=2), "corrected", sd.losses.Quadratic(1), list(np.linspace(-1, 1, 10)),
    ),
}  # fmt: skip


def ensembles(name: str, paths: int = PATHS, **settings: Any) -> tuple[Ensemble, Ensemble]:
    method, model, loss, x0 = CASES[name]
    shared: dict[str, Any] = {"params": {"eta": 0.1}, "loss": loss, "save": 3, **settings}
    return solve(sd.sde(method, model), x0, 0.4, paths, 3, **shared), run(method, x0, 0.4, paths, 3, **shared)


def digest(*found: Ensemble, paths: int = PATHS) -> str:
    parts = [np.ascontiguousarray(a[..., :paths]) for e in found for a in (*e.values.values(), e.final, e.blow_up)]
    return hashlib.sha256(b"".join(a.tobytes() for a in parts)).hexdigest()


@cache
def usual(name: str) -> str:
    """The bits of the ensembles in one chunk on one device, all processors at work."""
    return digest(*ensembles(name))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dtype"), [("one dimension", "float32"), ("rank one", "float64")])
def test_chunks_and_numbers_of_paths(name: str, dtype: Precision) -> None:
    every = ensembles(name, dtype=dtype)
    assert all(e.final.dtype == dtype for e in every)
    assert all(np.isfinite(e.final).all() for e in every) and len(np.unique(every[0].final[0])) == PATHS
    others = ensembles(name, chunk=7, dtype=dtype), ensembles(name, 1000, dtype=dtype)
    assert {digest(*each) for each in others} == {digest(*every)}


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        (jnp.linalg.eigh, True), (jnp.linalg.qr, True), (jnp.linalg.cholesky, True), (lambda a: jnp.linalg.solve(a, a), True),
        (lambda a: jax.lax.fori_loop(0, 3, lambda _, b: jnp.linalg.eigh(b)[1], a), True),
        (lambda a: jax.lax.cond(a[0, 0] > 0, jnp.linalg.cholesky, lambda b: b, a), True),
        (jax.jit(jnp.linalg.eigh), True), (jax.vmap(lambda v: jnp.linalg.eigh(jnp.outer(v, v))[0]), True),
        (lambda a: a @ a, False), (jax.jit(lambda a: jax.lax.scan(lambda c, r: (c + r, r), a[0], a)), False),
    ],
)  # fmt: skip
def test_which_programs_call_lapack(function: Any, calls: bool) -> None:
    assert LAPACK.isdisjoint(primitives(jax.make_jaxpr(function)(jnp.eye(8)))) is not calls


@pytest.mark.parametrize(("alone", "most"), [(True, 1), (False, 2)])
def test_programs_that_call_lapack_run_by_themselves(alone: bool, most: int) -> None:
    """XLA's threads wait for one another for ever where two of them run at once: seen with the low-rank root."""
    running, seen, meet = [0], [], threading.Barrier(2)

    def program(x: Any, numbers: Any, more: Any) -> Any:
        return jnp.linalg.eigh(x)[1] if alone else x + 1

    made = Spread(program)
    compiled = made._one

    def watched(*args: Any) -> Any:
        running[0] += 1
        if not alone:
            meet.wait(timeout=60)
        seen.append(running[0])
        result = compiled(*args)
        running[0] -= 1
        return result

    watched.trace = compiled.trace
    made._one = made._all = watched
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: made(jnp.eye(4), jnp.zeros(4), 0), range(2)))
    assert max(seen) == most


SCRIPT = """
import json, sys
sys.path.insert(0, "")
from tests.numerics.simulate.test_chunks import usual
import jax
print(json.dumps([len(jax.devices()), usual("rank one")]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 4])
def test_processors_and_devices(count: int) -> None:
    """Of four devices; and of one processor: loops are not cut into as many pieces as there are threads."""
    alone = (
        "import os\nif hasattr(os, 'sched_setaffinity'):\n    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    )
    command = [sys.executable, "-c", (alone if count == 1 else "") + SCRIPT]
    environment = os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"}
    shared: dict[str, Any] = {"cwd": Path(__file__).parents[3], "env": environment, "text": True, "timeout": 600}
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, **shared).stdout
    assert json.loads(said.splitlines()[-1]) == [count, usual("rank one")]


@pytest.mark.slow
def test_draws_keyed_by_the_place_in_a_chunk_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a path draws must come from its number: with its place in the chunk instead, chunks differ."""
    right, honest = usual("one dimension"), Draws.words

    def wrong(self: Draws, shape: Any, row: int = 0, rows: int = 1) -> Any:
        return honest(Draws(self.key, jnp.arange(self.paths, dtype=jnp.uint32), self.pair), shape, row, rows)

    monkeypatch.setattr(Draws, "words", wrong)
    forget()
    assert digest(*ensembles("one dimension", chunk=64)) != right
    monkeypatch.undo()
    forget()


@pytest.mark.slow
def test_vectors_of_any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is added up over coordinates: the same bits with registers of 128, 256 and 512 bits, if there are any."""
    found, known = set[str](), chunks.options()
    for bits in ("128", "256", "512"):
        monkeypatch.setattr(chunks, "options", lambda bits=bits: {**known, "xla_cpu_prefer_vector_width": bits})
        forget()
        found.add(digest(*ensembles("one dimension")))
    monkeypatch.undo()
    forget()
    assert found == {usual("one dimension")}


@pytest.mark.slow
def test_several_pairs_of_steps_in_one_round_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In segments of 1, 14, 8 and 23 steps: rounds of four pairs do not divide all of them."""
    equation = sd.sde(DSGD(Scaled(sd.noise.Gaussian(), 1), 1), "corrected", sd.losses.Quartic())
    asked, found = set[int](), []

    def noted(*given: Any) -> Any:
        asked.add(given[5])
        return over_pairs(*given)

    monkeypatch.setattr(schemes, "over_pairs", noted)
    settings: dict[str, Any] = {"dt": 0.1, "save": [0.1, 1.5, 2.3, 4.6], "scheme": "euler", "dtype": "float32"}
    for long, together in ((10**9, 1), (0, 4)):
        monkeypatch.setattr(sys.modules["sdescent.numerics.simulate.equation"], "LONG", long)
        forget()
        found.append(solve(equation, [1.0, -0.5], 4.6, 150, 3, {"eta": 0.1}, **settings))
        assert together in asked and np.isfinite(found[-1].final).all()
    assert digest(found[0]) == digest(found[1])
    forget()


def forget() -> None:
    """Compiled functions of runs and solves are compiled again."""
    for name in ("equation", "method"):
        sys.modules[f"sdescent.numerics.simulate.{name}"]._program.forget()  # pyright: ignore[reportAttributeAccessIssue]


def test_parts_cover_all_paths_in_full_lanes() -> None:
    for count, chunk in ((1, 1), (150, 7), (150, 64), (64, 64), (1000, 300)):
        numbers = np.arange(count, dtype=np.uint32)
        found = list(parts(numbers, chunk))
        assert np.concatenate([own[: place.stop - place.start] for place, own in found]).tolist() == numbers.tolist()
        assert {len(own) % LANES for _, own in found} == {0} and len({len(own) for _, own in found}) == 1
    for dim in (1, 10, 10**5):
        for paths in (1, 100, 10**7):
            assert default_chunk(dim, paths) >= LANES


@pytest.mark.parametrize("error", [IndexError, KeyboardInterrupt])
def test_an_error_in_a_chunk_and_an_interrupt_end_those_that_have_not_begun(error: Any, monkeypatch: Any) -> None:
    """The error is the user's own, and not the end of a list of chunks; the interrupt comes while the chunks are waited for."""
    begun, workers = [], os.cpu_count() or 1

    def program(x: Any, numbers: Any) -> Any:
        begun.append(int(numbers[0]))
        if numbers[0] == 0 and error is IndexError:
            raise error
        time.sleep(0.1)  # others are at work when it is raised
        return x, {}

    def interrupted(*_: Any, **__: Any) -> None:
        while not begun:
            time.sleep(0.001)
        raise error

    if error is KeyboardInterrupt:
        monkeypatch.setattr("sdescent.numerics.simulate.chunks.wait", interrupted)
    with pytest.raises(error):
        run_chunks(program, np.zeros((1, 1)), np.arange(10 * workers * LANES, dtype=np.uint32), LANES)
    time.sleep(0.5)  # in which five more would begin in each thread
    assert 1 <= len(begun) <= 2 * workers and (0 in begun or error is KeyboardInterrupt)


@pytest.mark.slow
def test_what_jax_is_told_in_one_thread_changes_no_chunk() -> None:
    equation, loss = sd.sde(DSGD(Scaled(sd.noise.Gaussian(), 1), 2)), sd.losses.Quartic()

    def solved() -> tuple[np.ndarray, np.ndarray]:
        ensemble = solve(equation, [1.0], 1.0, 8 * LANES, 3, {"eta": 0.1}, loss=loss, chunk=LANES)
        return ensemble.final, ensemble.values["loss"]

    right = solved()
    with jax.enable_x64(False):
        told = solved()
    for one, other in zip(right, told, strict=True):
        assert one.dtype == other.dtype == np.float64
        np.testing.assert_array_equal(one, other)


FORKED = """
import os, signal, time, warnings
import numpy as np
from sdescent.numerics.simulate.chunks import LANES, run_chunks

warnings.simplefilter("ignore")  # JAX and Python warn of a fork beside threads


def found():
    def program(x, numbers):
        time.sleep(0.1)  # for all threads to be needed
        return x + numbers, {}

    return run_chunks(program, np.zeros((1, 1)), np.arange(2 * (os.cpu_count() or 1) * LANES, dtype=np.uint32), LANES)[0]


right = found()
time.sleep(0.1)  # for all threads to be idle
child = os.fork()
if not child:
    signal.alarm(30)  # nobody is left to end it
    os._exit(int((found() != right).any()))
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
def test_a_child_that_is_forked_has_threads_of_its_own() -> None:
    assert subprocess.run([sys.executable, "-c", FORKED], timeout=60).returncode == 0


def test_results_of_several_types_keep_their_rows() -> None:
    def program(x: Any, numbers: Any) -> Any:
        n = numbers.astype(float)
        return x + n, {"a": np.stack([n, 2 * n]), "odd": (numbers % 2 == 1)[None], "b": 3 * n[None]}

    numbers = np.arange(3 * LANES - 5, dtype=np.uint32)
    last, found = run_chunks(program, np.full((1, 1), 0.5), numbers, LANES)
    np.testing.assert_array_equal(last, numbers[None] + 0.5)
    np.testing.assert_array_equal(found["a"], np.stack([numbers, 2.0 * numbers]))
    np.testing.assert_array_equal(found["b"], 3.0 * numbers[None])
    assert found["odd"].dtype == bool and found["odd"].sum() == len(numbers) // 2
    for array in (last, *found.values()):
        array[:] = 0  # they are the caller's


@pytest.mark.slow
def test_products_by_blocks_are_products() -> None:
    rng = np.random.default_rng(0)
    matrix, x = rng.normal(size=(7, 3)), rng.normal(size=(3, 4 * LANES))
    np.testing.assert_allclose(product(jnp.asarray(matrix), jnp.asarray(x)), matrix @ x, rtol=1e-12)
    value: Callable[[Any], Any] = lambda y: jnp.sum(jnp.tanh(product(jnp.asarray(matrix), y)))  # noqa: E731
    expected = matrix.T @ (1 - np.tanh(matrix @ x) ** 2)
    np.testing.assert_allclose(jax.grad(value)(jnp.asarray(x)), expected, rtol=1e-10)
