"""Draws are single-use: a second draw from the same ones is refused, while tracing and outside of it, and no bit changes."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws, draws_from, over_pairs
from sdescent.numerics.laws.samplers import sample_law
from sdescent.numerics.laws.single_use import UsedTwice
from sdescent.numerics.simulate.method import run
from tests.support.samples import slow_but

SHAPE = (2, 4)
METHODS: dict[str, Callable[[Draws], Any]] = {
    "words": lambda d: d.words(SHAPE),
    "keys": lambda d: jax.random.key_data(d.keys()),
    "bits": lambda d: d.bits(SHAPE),
    "uniform": lambda d: d.uniform(SHAPE),
    "symmetric": lambda d: d.symmetric(SHAPE),
    "exponential": lambda d: d.exponential(SHAPE),
    "sign_and_exponential": lambda d: d.sign_and_exponential(SHAPE),
    "logistic": lambda d: d.logistic(SHAPE),
    "direction": lambda d: d.direction(SHAPE),
    "polar": lambda d: d.polar(SHAPE),
    "normals": lambda d: d.normals(SHAPE),
    "normal": lambda d: d.normal(SHAPE),
    "student": lambda d: d.student(SHAPE, 3.0),
}


def draws(**named: Any) -> Draws:
    return replace(draws_from(jax.random.key(5), 4), **named)


def second_use(function: Callable[[], Any]) -> UsedTwice:
    with pytest.raises(UsedTwice) as caught:
        function()
    return caught.value


BOTH = [*((name, False) for name in METHODS), ("uniform", True), ("polar", True), ("student", True)]


@pytest.mark.parametrize(("name", "wide"), slow_but(BOTH, BOTH[: len(METHODS) : 5], rows=True))
def test_a_second_use_is_refused_and_says_how_to_mend_it(name: str, wide: bool) -> None:
    for other in ("uniform", "normal", name):
        own = draws(wide=wide)
        METHODS[other](own)
        found = second_use(lambda own=own: METHODS[name](own)).message
        assert f"by {other} (test_single_use.py, line " in found
        assert f"then by {name} (test_single_use.py, line " in found
        assert "draws.fold(0) and draws.fold(1)" in found


@dataclass(frozen=True)
class Mixture(sd.noise.Gaussian):
    """N(0, 1) with probability 0.9, else N(0, 25)."""


@sample_law.register
def _(law: Mixture, draws: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
    return _mixed(draws.uniform(shape), draws.normal(shape))


def _mixed(uniform: jax.Array, normal: jax.Array) -> jax.Array:
    return jnp.where(uniform < 0.9, 1.0, 5.0) * normal


def test_a_mixture_of_one_draw_is_refused_where_it_is_run() -> None:
    """Its variance would come out as another one, since the normal is made of the uniform's bits."""
    own = second_use(lambda: sample_law(Mixture(), jax.random.key(0), SHAPE))
    assert own.what == "draws"
    method = sd.DSGD(sd.noise.Scaled(Mixture(), 1), clients=1)
    second_use(lambda: run(method, [1.0], 0.2, 8, 0, {"eta": 0.1}, sd.losses.Quadratic(1)))


def test_the_same_mixture_of_two_draws_has_its_variance() -> None:
    """One comparison, 5 standard errors of the variance from 10^5 draws: 3.4, fourth moment 3 (0.9 + 0.1 625)."""
    own, count = draws_from(jax.random.key(3), 100_000), 100_000
    squares = jax.jit(lambda own: _mixed(own.fold(0).uniform((count,)), own.fold(1).normal((count,))) ** 2)
    second = jnp.mean(squares(own))
    assert abs(float(second) - 3.4) < 5 * np.sqrt((3 * (0.9 + 0.1 * 625) - 3.4**2) / count)


def test_folds_with_one_number_are_the_same_draws() -> None:
    own = draws()
    own.uniform(SHAPE)
    own.fold(0).uniform(SHAPE)
    own.fold(np.int64(1)).fold(0).uniform(SHAPE)
    assert second_use(lambda: own.fold(0).normal(SHAPE)).what == "draws.fold(0)"
    assert second_use(lambda: own.fold(1).fold(0).normal(SHAPE)).what == "draws.fold(1).fold(0)"
    np.testing.assert_array_equal(draws().fold(0).bits(SHAPE), draws().fold(np.int32(0)).bits(SHAPE))


def test_copies() -> None:
    own = draws()
    own.uniform(SHAPE)
    for same in (copy.copy(own), replace(own, dtype=np.float32), replace(own, wide=True)):
        second_use(lambda same=same: same.normal(SHAPE))
    replace(own, half=1).uniform(SHAPE)  # the other step of the pair has other numbers
    copies = jax.tree.map(lambda a: a, own), pickle.loads(pickle.dumps(own)), copy.deepcopy(own)
    for another in (*copies, own.at(1), own.at(0, 1)):
        another.uniform(SHAPE)


def test_while_a_function_is_traced() -> None:
    @jax.jit
    def twice(own: Draws) -> jax.Array:
        return own.uniform(SHAPE) + own.normal(SHAPE)

    second_use(lambda: twice(draws()))
    second_use(lambda: jax.eval_shape(lambda: twice(draws())))
    outside = draws()
    outside.normal(SHAPE)
    second_use(lambda: jax.jit(lambda x: x + outside.uniform(SHAPE))(0.0))
    second_use(lambda: jax.lax.fori_loop(0, 2, lambda i, x: x + outside.uniform(SHAPE), jnp.zeros(SHAPE)))
    inside = draws()
    jax.jit(lambda x: x + inside.uniform(SHAPE))(0.0)
    second_use(lambda: inside.normal(SHAPE))


@pytest.mark.slow
def test_branches_loops_and_traces_anew_are_no_second_use() -> None:
    own = draws()
    function = jax.jit(lambda x: x + own.uniform(SHAPE))
    function(0.0)
    function(np.zeros(SHAPE))  # compiled again
    other = draws()
    both = jax.jit(lambda on: jax.lax.cond(on, lambda: other.normal(SHAPE), lambda: other.uniform(SHAPE)))
    assert not np.array_equal(both(True), both(False))

    def body(own: Draws, pair: Any, state: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, 3, lambda i, s: s + own.fold(i).normal(SHAPE), state) + own.normal(SHAPE)

    once = jax.jit(lambda: over_pairs(draws(), 0, 2, body, jnp.zeros(SHAPE)))()
    expected = jnp.zeros(SHAPE)
    for pair in (0, 1):
        step = draws().fold(0).at(pair)
        expected = expected + step.normal(SHAPE) + sum(step.fold(i).normal(SHAPE) for i in range(3))
    np.testing.assert_allclose(once, expected, rtol=1e-6)


def test_a_draw_that_fails_is_no_use() -> None:
    own = draws()
    with pytest.raises(ValueError, match="columns"):
        own.uniform((2, 5))
    own.uniform(SHAPE)


def test_nothing_of_it_is_in_the_program() -> None:
    """The text of the compiled program is the same before and after other draws."""
    texts = {jax.jit(lambda d: d.fold(1).normal(SHAPE)).lower(draws()).as_text() for _ in range(2)}
    used = draws()
    used.fold(0).normal(SHAPE)
    texts.add(jax.jit(lambda d: d.fold(1).normal(SHAPE)).lower(used).as_text())
    assert len(texts) == 1


def test_the_bits_are_those_of_the_releases_before() -> None:
    """A digest of what is exact on every machine, on a fixed key, taken before draws were single-use."""
    found = hashlib.sha256()
    for wide in (False, True):
        for half in (0, 1):
            for place in (lambda d: d, lambda d: d.fold(3).at(2, d.half)):
                for name in ("words", "keys", "bits", "uniform", "symmetric"):
                    for part in jax.tree.leaves(METHODS[name](place(draws(wide=wide, half=half)))):
                        found.update(np.asarray(part).tobytes())
    assert found.hexdigest() == "f0e5edd9ae752f9c150911a4e70ea10c40b9dd169729675446844172daf16b1f"
