"""Counter-based draws: the cipher against JAX's, the formulas against extended precision, laws, independence."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from scipy import stats

from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import BLOCK, Draws, draws_from, over_pairs, pair_of, threefry, words_of
from sdescent.numerics.laws.elementary_functions import circle, minus_log, root_of_expm1, wide_circle, wide_minus_log
from tests.support.samples import slow_but

PATHS = 2**16
KEY = jax.random.key(2025)
#: uniform 32-bit words with both ends, where rounding could do harm
EDGES = [0xB504F333, 0xB504F334, 2**31 - 1, 2**31, 2**28, 2**32 - 2**28]
WORDS = np.concatenate([np.arange(3000), 2**32 - 1 - np.arange(3000), EDGES])
WORDS = np.concatenate([WORDS, np.random.default_rng(0).integers(0, 2**32, 500_000)]).astype(np.uint32)


def test_the_cipher_is_that_of_jax() -> None:
    words = jax.random.key_data(KEY)
    counter = np.random.default_rng(1).integers(0, 2**32, 2000, dtype=np.uint32)
    ours = np.concatenate(threefry((words[0], words[1]), (counter[:1000], counter[1000:])))
    np.testing.assert_array_equal(ours, threefry_2x32(words, jnp.asarray(counter)))


def test_words_of_a_seed_are_those_of_jax() -> None:
    for seed in (0, 1, 20260721, 2**31, 2**32 - 1, 2**32, 2**45 + 7, 2**63 - 1):
        for number in (0, 1, 2**32 - 1):
            theirs = jax.random.key_data(jax.random.fold_in(jax.random.key(seed), number))
            found = words_of(seed, number)
            assert found.dtype == np.uint32 and found.tolist() == np.asarray(theirs).tolist()


def test_logarithm_and_circle_are_exact_to_single_precision() -> None:
    long = (WORDS.astype(np.longdouble) + np.longdouble(0.5)) / 2**32
    exact = np.where(long > 0.5, -np.log1p(long - 1), -np.log(long)).astype(float)
    size = np.asarray(jax.jit(minus_log)(WORDS)).astype(float)
    assert np.max(np.abs(size / exact - 1)) < 6e-7
    cosine, sine = (np.asarray(a).astype(float) for a in jax.jit(circle)(WORDS))
    assert np.max(np.abs(cosine**2 + sine**2 - 1)) < 3e-7
    within = (WORDS.astype(np.int64) << 2) & 0xFFFFFFFF
    within = np.where(within >= 2**31, within - 2**32, within) + 2
    angle = within * np.pi / 2**33 + (WORDS.astype(np.int64) >> 30) * np.pi / 2
    assert np.max(np.abs(cosine - np.cos(angle))) < 2e-7
    assert np.max(np.abs(sine - np.sin(angle))) < 2e-7


@pytest.mark.slow
def test_logarithm_and_circle_are_exact_to_double_precision() -> None:
    rng = np.random.default_rng(2)
    near_one = 1 - 10.0 ** -rng.uniform(1, 16, 20_000)
    near_zero = 10.0 ** -rng.uniform(0, 18, 20_000)
    u = np.concatenate([rng.random(100_000), near_zero, near_one[near_one < 1], [2.0**-54, 0.5]])
    exact = -np.log(u.astype(np.longdouble))
    assert np.max(np.abs(np.asarray(jax.jit(wide_minus_log)(u)) / exact - 1)) < 3e-16
    assert float(wide_minus_log(jnp.asarray(1.0))) == 0
    low = rng.integers(0, 2**32, WORDS.size, dtype=np.uint32)
    cosine, sine = (np.asarray(a) for a in jax.jit(wide_circle)(WORDS, low))
    within = (WORDS.astype(np.int64) << 2) & 0xFFFFFFFF
    within = np.where(within >= 2**31, within - 2**32, within) * 2**19 + (low.astype(np.int64) >> 11)
    quarter = np.longdouble("1.57079632679489661923132169163975144")
    angle = (within + np.longdouble(0.5)) * quarter / 2**51 + (WORDS.astype(np.int64) >> 30) * quarter
    assert np.max(np.abs(cosine - np.cos(angle))) < 3e-16
    assert np.max(np.abs(sine - np.sin(angle))) < 3e-16


def test_the_radius_of_students_t_is_exact_to_single_precision() -> None:
    """For any nu, of one compiled function, to the overflow of its type: relative error below (2 + 2a/nu) 1e-7."""
    a = np.append(np.asarray(jax.jit(minus_log)(WORDS[::50])), np.float32(23))
    for dtype in (np.float32, np.float64):
        compiled = jax.jit(lambda nu, dtype=dtype: root_of_expm1(jnp.asarray(a), nu, dtype))
        for nu in (0.02, 0.1, 0.5, 1.0, 3.0, 7.5, 1e3, 1e12, 1e30):
            root, factor = (np.asarray(part).astype(np.longdouble) for part in compiled(nu))
            assert factor.dtype == np.longdouble and compiled(nu)[1].dtype == dtype
            size = a.astype(np.longdouble)
            exact = np.sqrt(np.longdouble(nu) * np.expm1(2 / np.longdouble(nu) * size))
            kept = size / nu < np.log(np.finfo(dtype).max / 2)
            assert kept.sum() > 4000
            error = np.abs(root * factor / exact - 1)[kept]
            assert np.all(error < (2 + 2 * size[kept] / nu) * 1e-7), nu
        many = np.prod(compiled(np.inf), axis=0)
        np.testing.assert_allclose(many, np.sqrt(2 * a), rtol=3e-7)


LAWS: dict[str, tuple[Callable[[Draws, tuple[int, ...]], Any], Any]] = {
    "normal": (lambda d, s: d.normal(s), stats.norm),
    "uniform": (lambda d, s: d.uniform(s), stats.uniform),
    "symmetric": (lambda d, s: d.symmetric(s), stats.uniform(-1, 2)),
    "exponential": (lambda d, s: d.exponential(s), stats.expon),
    "logistic": (lambda d, s: d.logistic(s), stats.logistic),
    "laplace": (lambda d, s: np.prod(d.sign_and_exponential(s), axis=0), stats.laplace),
    "cauchy": (lambda d, s: np.divide(*d.direction(s)), stats.cauchy),
    "student 3": (lambda d, s: d.student(s, 3.0), stats.t(3)),
    "student 1/20": (lambda d, s: d.student(s, 0.05), stats.t(0.05)),
}


PRECISIONS = [("float32", False), ("float64", False), ("float64", True)]
EACH = [(name, *PRECISIONS[n % 3]) for n, name in enumerate(LAWS)] + [("student 3", *PRECISIONS[2])]
QUICK = [EACH[0], EACH[5]]


@pytest.mark.parametrize(("name", "dtype", "wide"), slow_but(EACH, QUICK, rows=True))
def test_laws(name: str, dtype: str, wide: bool) -> None:
    """Kolmogorov and Smirnov on 131,000 draws of either step of a pair: fails by chance in one of 10^5 (there are 20 of them).

    A distribution function that is off by 0.0075 anywhere is found.
    """
    sampler, law = LAWS[name]
    for half in (0, 1):
        draws = replace(draws_from(KEY, PATHS, dtype=np.dtype(dtype), wide=wide), half=half)
        found = np.asarray(sampler(draws, (2, PATHS)))
        assert found.dtype == dtype
        assert stats.kstest(found.ravel().astype(float), law.cdf).pvalue > 1e-5, half


@pytest.mark.slow
def test_the_two_steps_of_a_pair_are_independent() -> None:
    """Signs, sizes and squares of the two normals of each pair, and of two rows and two purposes: z below 5."""

    def draws(half: int = 0) -> Draws:
        return replace(draws_from(KEY, PATHS), half=half)

    own = [np.asarray(draws(h).normal((8, PATHS))) for h in (0, 1)]
    other = [np.asarray(draws().fold(n).normal((8, PATHS))) for n in (0, 1)]
    later = np.asarray(draws().at(1).normal((8, PATHS)))
    t = [np.asarray(draws(h).student((8, PATHS), 3.0)) for h in (0, 1)]
    beside = [(own[0][:4], own[0][4:]), (own[0], later), (own[0], other[0])]
    for a, b in (own, other, t, *beside):
        for f in (np.sign, np.abs, np.tanh, lambda v: np.minimum(v**2, 9)):
            x, y = f(a).ravel(), f(b).ravel()
            assert abs(np.corrcoef(x, y)[0, 1]) * np.sqrt(x.size) < 5


def test_numbers_are_used_once() -> None:
    """All words of 2 purposes x 5 rows x 2 steps x 3 pairs, of which there are 2^32: as many collisions as chance has."""
    draws = draws_from(KEY, 4096)
    places = itertools.product((0, 1), (0, 1, BLOCK - 1), (0, 1))
    words = [replace(draws.fold(n).at(pair), half=half).bits((5, 4096)) for n, pair, half in places]
    found = np.concatenate([np.asarray(w).ravel() for w in words])
    expected = found.size**2 / 2**33
    assert abs(found.size - len(np.unique(found)) - expected) < 5 * np.sqrt(expected) + 1
    with pytest.raises(ValueError, match="rows"):
        draws.bits((2**21, 4096))


@pytest.mark.slow
@pytest.mark.parametrize("together", [1, 4])
def test_pairs_are_visited_once_in_order(together: int) -> None:
    """Through the blocks, for any first and last pair; each with the draws that it has by itself."""

    def body(draws: Draws, pair: Any, state: Any) -> Any:
        seen, drawn, count = state
        here = jnp.stack([pair, draws.pair.astype(int)])
        return seen.at[count].set(here), drawn.at[count].set(draws.normals((1,))[0]), count + 1

    state = jnp.full((64, 2), -1), jnp.zeros((64, 1)), jnp.zeros((), int)
    looped = jax.jit(lambda a, b: over_pairs(draws_from(KEY, 1), a, b, body, state, together))

    def visited(first: int, stop: int) -> list[tuple[int, int]]:
        seen, drawn, count = looped(first, stop)
        for n, pair in enumerate(range(first, stop)):
            # compiled otherwise: the last bit of a single-precision product may differ
            np.testing.assert_allclose(drawn[n], pair_of(draws_from(KEY, 1), pair).normals((1,))[0], rtol=1e-6)
        return [tuple(map(int, row)) for row in np.asarray(seen)[: int(count)]]

    for first, stop in ((0, 7), (BLOCK - 3, BLOCK + 4), (2 * BLOCK, 2 * BLOCK + 1), (5, 5)):
        assert visited(first, stop) == [(n, n % BLOCK) for n in range(first, stop)]
