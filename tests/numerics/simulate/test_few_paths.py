"""A few paths of a large state are computed in few lanes, with the bits that they have among many; programs stay few."""

from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.noise import Scaled
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.simulate.chunks import LANES, ROWS, Spread, narrow
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.method import run

DIM, NARROW = 40, narrow("float64")
START = np.linspace(-1, 1.3, DIM)
GAUSS, LAPLACE = Scaled(sd.noise.Gaussian(), "1/2"), Scaled(sd.noise.Laplace(), 1)
ADAM = {"rho1": 1.0, "rho2": 1.0, "eps": 1e-3, "wd": 0.1}
#: method, loss, parameters: few coordinates, memory
CASES: dict[str, tuple[Any, Any, dict[str, float]]] = {
    "Gaussian": (DSGD(GAUSS, clients=1), sd.losses.Quadratic(1), {}),
    "Rand-k": (DCSGD(RandK(3), LAPLACE, clients=2), sd.losses.Quartic(), {}),
    "AdamW": (sd.methods.AdamW(noise=GAUSS, clients=1), sd.losses.Quadratic(1), ADAM),
}


def found(name: str, paths: int, **settings: Any) -> Ensemble:
    method, loss, more = CASES[name]
    return run(method, START, 0.4, paths, 3, {"eta": 0.1} | more, loss, save=3, **settings)


def first(ensemble: Ensemble, paths: int) -> bytes:
    arrays = [*ensemble.values.values(), ensemble.final, *ensemble.final_memory.values(), ensemble.blow_up]
    return b"".join(np.ascontiguousarray(a[..., :paths]).tobytes() for a in arrays)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_few_paths_have_the_bits_that_they_have_among_many(name: str) -> None:
    many = found(name, LANES + 1)
    assert np.isfinite(many.final).all() and len(np.unique(many.final[-1])) > 1
    for paths in (1, *(NARROW if name == "Gaussian" else NARROW[:1])):
        assert first(found(name, paths), paths) == first(many, paths), paths


def lanes(program: Any, rows: int, paths: int, dtype: str = "float64") -> int:
    return Spread(lambda x, numbers, more: (program(x), numbers)).lanes(np.ones((rows, 1), dtype), paths, 0)


@pytest.mark.parametrize(("paths", "expected"), [(1, 8), (8, 8), (9, 32), (32, 32), (33, LANES), (10**6, LANES)])
def test_how_many_lanes(paths: int, expected: int) -> None:
    assert lanes(jnp.tanh, ROWS, paths) == expected
    assert lanes(jnp.tanh, ROWS - 1, paths) == LANES
    assert lanes(jnp.tanh, ROWS, 2 * paths, "float32") == min(2 * expected, LANES)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: jnp.ones((3, len(x))) @ x, lambda x: jax.lax.fori_loop(0, 3, lambda _, y: x @ (x.T @ y), x),
        lambda x: jnp.linalg.qr(x)[0],
    ],
)  # fmt: skip
def test_products_and_factors_keep_all_lanes(program: Any) -> None:
    assert lanes(program, ROWS, 1) == LANES


@pytest.mark.slow
def test_paths_that_blow_up_are_found_in_few_lanes() -> None:
    settings = dict(bound=1.5, T=1.0, key=3, params={"eta": 0.1}, loss=sd.losses.Quadratic(1), save=3)
    several, many = (run(DSGD(LAPLACE, clients=1), START, paths=paths, **settings) for paths in (NARROW[0], LANES))
    assert 0 < np.isfinite(several.blow_up).sum() < NARROW[0] and first(several, NARROW[0]) == first(many, NARROW[0])
