"""No path notices which others are beside it: the same bits for any chunk, number of paths and devices."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
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
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import over_pairs
from sdescent.numerics.simulate import schemes
from sdescent.numerics.simulate.chunks import LANES, Spread, default_chunk, parts, run_chunks
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run

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
def test_chunks_and_numbers_of_paths() -> None:
    every = ensembles("rank one")
    assert all(np.isfinite(e.final).all() for e in every) and len(np.unique(every[0].final[0])) == PATHS
    others = ensembles("rank one", chunk=7), ensembles("rank one", 1000)
    assert {digest(*each) for each in others} == {digest(*every)} == {usual("rank one")}


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
import json, os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.path.insert(0, "")
from tests.numerics.simulate.test_chunks import usual
import jax
print(json.dumps([len(jax.devices()), usual("rank one")]))
"""


@pytest.mark.slow
def test_four_devices_on_one_processor() -> None:
    """Loops are not cut into as many pieces as there are threads."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    shared: dict[str, Any] = {"cwd": Path(__file__).parents[3], "env": environment, "text": True, "timeout": 600}
    printed = subprocess.run([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, check=True, **shared).stdout
    assert json.loads(printed.splitlines()[-1]) == [4, usual("rank one")]


@pytest.mark.slow
def test_several_pairs_of_steps_in_one_round_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In segments of 1, 14, 8 and 23 steps: rounds of four pairs do not divide all of them."""
    equation = sd.sde(DSGD(Scaled(sd.noise.Gaussian(), 1), 1), "corrected", sd.losses.Quartic())
    asked, found = set[int](), []

    def noted(*given: Any) -> Any:
        asked.add(given[5] if len(given) > 5 else 1)
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
    cases = [(1, 1, LANES), (150, 7, LANES), (1000, 300, LANES), (20, 3, 8), (20, 128, 32), (100, 32, 32)]
    for count, chunk, lanes in cases:
        numbers = np.arange(count, dtype=np.uint32)
        chunks_of = list(parts(numbers, chunk, lanes))
        assert (
            np.concatenate([lane_numbers[: place.stop - place.start] for place, lane_numbers in chunks_of]).tolist()
            == numbers.tolist()
        )
        assert {len(lane_numbers) % lanes for _, lane_numbers in chunks_of} == {0} and len(
            {len(lane_numbers) for _, lane_numbers in chunks_of}
        ) == 1
    assert min(default_chunk(dim, paths) for dim in (1, 10**5) for paths in (1, 10**7)) >= LANES


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
