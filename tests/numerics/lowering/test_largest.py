"""The k largest of many numbers against their ranks: equal ones, both zeros, infinities, NaN, numbers of every size; any k."""

import numpy as np
import pytest

from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.functions import among_largest, rank_descending

PATHS = 96


def numbers(dim: int, dtype: type) -> np.ndarray:
    """Columns of every kind, (d, PATHS)."""
    rng = np.random.default_rng(dim)
    a = rng.normal(size=(dim, PATHS)) * 10.0 ** rng.uniform(-30, 30, size=PATHS)
    a[:, 8:40] = rng.integers(-3, 4, (dim, 32))  # many equal ones
    a[:, 30:50] = np.where(rng.random((dim, 20)) < 0.3, np.nan, a[:, 30:50])
    a[:, 45:60] = np.where(rng.random((dim, 15)) < 0.2, rng.choice([-np.inf, np.inf], (dim, 15)), a[:, 45:60])
    a[:, 60:62] = [[0.0, -0.0]]
    a[:, 62:64] = [[np.nan, np.inf]]
    a[:, 64] = rng.choice([0.0, -0.0, 1.0, -1.0], dim)
    a[:, 65] = 1 + np.arange(dim) * float(np.finfo(dtype).eps)  # the last bits decide
    a[:, 66] = rng.permutation(a[:, 65])
    return a.astype(dtype)


@pytest.mark.slow
@pytest.mark.parametrize(("dim", "dtype"), [(17, np.float32), (130, np.float64)])
def test_they_are_those_of_the_ranks(dim: int, dtype: type) -> None:
    """The compiled function takes any k, and one for each column."""
    a = numbers(dim, dtype)
    compiled, ranks = jax.jit(among_largest), np.asarray(rank_descending(jnp.abs(jnp.asarray(a))))
    for k in sorted({1, 2, dim // 2, dim - 1, dim}):
        found = np.asarray(compiled(a, k))
        np.testing.assert_array_equal(found, ranks < k)
        assert (found[:, ~np.isnan(a).any(axis=0)].sum(axis=0) == k).all()
    each = np.random.default_rng(1).integers(1, dim + 1, PATHS)
    np.testing.assert_array_equal(compiled(a, each), ranks < each)


@pytest.mark.slow
def test_of_numbers_below_the_least_normal_one_the_larger_are_chosen() -> None:
    """Sorting takes all of them for 0 on a processor that flushes them."""
    a = np.arange(20)[:, None] * np.array([[5e-324, -1e-320]])
    np.testing.assert_array_equal(among_largest(jnp.asarray(a), 7), (np.arange(20) >= 13)[:, None] & np.ones(2, bool))
