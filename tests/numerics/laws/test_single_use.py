"""Draws are single-use: a second draw from the same ones is refused, while tracing and outside of it, and no bit changes."""

import copy
import hashlib
import itertools
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws, UsedTwice, draws_from, over_pairs

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


def test_a_second_use_is_refused_and_says_how_to_mend_it() -> None:
    for name, (other, wide) in zip(METHODS, itertools.cycle([("uniform", False), ("normal", True)]), strict=False):
        numbers = draws(wide=wide)
        METHODS[other](numbers)
        message = second_use(lambda numbers=numbers, name=name: METHODS[name](numbers)).message
        assert f"by {other} (test_single_use.py, line " in message
        assert f"then by {name} (test_single_use.py, line " in message
        assert "draws.fold(0) and draws.fold(1)" in message


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
