"""Few of many coordinates: all sets equally likely, and noise in their rows alone is what the whole noise has there.

Fixed keys, 5 standard errors.
"""

from dataclasses import replace
from math import comb
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Scaled
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.compressors import few, few_rows
from sdescent.numerics.laws.counter import draws_from
from sdescent.numerics.laws.samplers import sample_law
from sdescent.numerics.simulate import method as module
from sdescent.numerics.simulate.method import run


@pytest.mark.parametrize(("dim", "k", "wide"), [(9, 2, False), (12, 3, True)])
def test_all_sets_are_equally_likely(dim: int, k: int, wide: bool) -> None:
    """Each of the 9 to 1820 sets by itself; with so many comparisons 6 standard errors fail by chance in one of 10^5."""
    count = 2**18
    assert few(RandK(k), dim) == k
    found: Any = jax.jit(lambda: few_rows(RandK(k), draws_from(jax.random.key(5), count, wide=wide), dim))()
    rows = np.asarray(found[0])
    sets = np.sum(1 << rows.astype(np.int64), axis=0)
    assert all(bin(s).count("1") == k for s in np.unique(sets).tolist()) and rows.min() >= 0 and rows.max() < dim
    found, p = np.unique(sets, return_counts=True)[1], 1 / comb(dim, k)
    assert len(found) == comb(dim, k)
    assert np.max(np.abs(found - count * p)) < 6 * np.sqrt(count * p * (1 - p))


@pytest.mark.slow
def test_draws_in_rows_are_those_of_the_whole_array() -> None:
    law, wide = sd.noise.Gaussian(), True
    rows = np.random.default_rng(0).integers(0, 40, (3, 50))
    for half in (0, 1):
        own = [replace(draws_from(jax.random.key(6), 50, wide=wide), half=half) for _ in range(2)]
        whole = np.asarray(sample_law(law, own[0], (40, 50)))
        found = sample_law(law, own[1].at_rows(jnp.asarray(rows), 40), (3, 50))
        np.testing.assert_allclose(found, whole[rows, np.arange(50)], rtol=1e-6)
    with pytest.raises(ValueError, match="rows"):
        draws_from(jax.random.key(6), 50).at_rows(jnp.asarray(rows), 40).uniform((2, 50))


@pytest.mark.slow
def test_few_changed_coordinates_are_what_a_step_of_all_makes(monkeypatch: Any) -> None:
    """Also of paths that leave the bound, of those that begin outside of it, and at saved times between the two steps of a pair."""
    dim, count, method = 12, 60, DCSGD(RandK(2), Scaled(sd.noise.Uniform(), "s"), 3)
    start = np.random.default_rng(0).normal(size=(dim, count))
    start[3, :6], start[5, 6:9] = 4.5, 3.1  # outside of the bound: it may be that the first step leads inside
    given: Any = dict(params={"eta": 0.1, "s": 1.5}, loss=Quadratic(2), save=[0.0, 0.1, 0.7], bound=3.0)
    made = run(method, start, 0.7, None, 4, **given)
    monkeypatch.setattr(module, "few", lambda *_: None)
    module._program.forget()
    whole = run(method, start, 0.7, None, 4, **given)
    module._program.forget()
    assert 0 < np.isfinite(made.blow_up).sum() < count
    np.testing.assert_array_equal(made.blow_up, whole.blow_up)
    np.testing.assert_allclose(made.final, whole.final, rtol=1e-12, atol=1e-14)
    for name, value in made.values.items():
        np.testing.assert_allclose(value, whole.values[name], rtol=1e-12, atol=1e-14)
