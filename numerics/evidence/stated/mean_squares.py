"""Means of squares and products of a state, without sampling, where they close: a quadratic loss and a step linear in the state.

Let z be x_j with the memory in that coordinate. The images of 1, z_a, z_a z_b under a step, or under the SDE's generator, are
computed at random states and fitted by combinations of 1, z_a, z_a z_b, by least squares; further states check the fit. So E
z_a z_b follows a linear recursion or differential equation.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np
import scipy.linalg

from sdescent.derive.equations.process.generator import generator
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.evidence.stated.change import Moment, after, equation, lowered_at, moment, states
from sdescent.numerics.evidence.stated.instance import Instance, State

#: largest relative error of the fit
CLOSED = 1e-7


@final
@dataclass(frozen=True)
class MeanSquares:
    """Means of the products of two letters, at times.

    Args:
        letters: x first.
        times: (S,).
        values: (S, d, monomials), in the order of `monomials`.
    """

    letters: tuple[str, ...]
    times: np.ndarray
    values: np.ndarray

    def product(self, a: str, b: str) -> np.ndarray:
        """E z_a z_b by coordinate, (S, d)."""
        pairs = _pairs(self.letters)
        place = pairs.index((a, b)) if (a, b) in pairs else pairs.index((b, a))
        return self.values[:, :, 1 + len(self.letters) + place]


def _pairs(letters: Sequence[str]) -> list[tuple[str, str]]:
    return list(itertools.combinations_with_replacement(letters, 2))


def monomials(state: State, letters: Sequence[str]) -> np.ndarray:
    """1, z_a, z_a z_b, (monomials, d, ..)."""
    return np.stack(
        [np.ones_like(state["x"]), *[state[a] for a in letters], *[state[a] * state[b] for a, b in _pairs(letters)]]
    )


def of_the_method(one: Instance, steps: int) -> MeanSquares:
    """At the steps 0, .., K of the method.

    Raises:
        NoClosedForm: they do not close.
    """
    require(one)
    letters = one.method.rule.letters
    times = one.eta * np.arange(steps + 1)
    clock = moment(one, times)
    now, means, matrices = _begin(one, letters), [], {}
    for n in range(steps):
        means.append(now)
        u = float(clock.u[n])
        if u not in matrices:
            matrices[u] = _images(
                one, letters, partial(_step, one, letters, Moment(times[n : n + 1], clock.u[n : n + 1]))
            )
        now = np.einsum("jmk,jk->jm", matrices[u], now)
    return MeanSquares(letters, times, np.stack([*means, now]))


def _step(one: Instance, letters: Sequence[str], now: Moment, state: State) -> np.ndarray:
    following, chances = after(one, state, now)
    return np.sum(chances * monomials(following, letters), axis=3)


def of_the_sde(one: Instance, times: np.ndarray) -> MeanSquares:
    """At these times of the SDE, from 0 on.

    Raises:
        NoClosedForm: they do not close, or the schedule changes.
    """
    require(one)
    model = equation(one)
    named = model.coordinates(one.dim)
    if any(s.name not in one.all_values and s not in named.state for d in named.drift for s in d.free_symbols):
        raise NoClosedForm("the schedule changes with time")
    place = list(named.state)
    rates = [[lambda *z: jnp.zeros_like(z[0])] * one.dim]
    for power in (1, 2):
        rates.append([lowered_at(one, generator(named, s**power), place) for s in place])

    def images(state: State) -> np.ndarray:
        at = [jnp.asarray(row) for row in state["x"]]
        return np.stack(
            [np.stack([np.broadcast_to(np.asarray(rate(*at)), at[0].shape) for rate in row]) for row in rates]
        )

    rate, begin = _images(one, ("x",), images), _begin(one, ("x",))
    values = [[scipy.linalg.expm(t * rate[j]) @ begin[j] for j in range(one.dim)] for t in times.tolist()]
    return MeanSquares(("x",), times, np.array(values))


def require(one: Instance) -> None:
    """Raises NoClosedForm for a loss that is not quadratic."""
    if one.member.curvatures is None:
        raise NoClosedForm("the loss is not quadratic")


def _begin(one: Instance, letters: Sequence[str]) -> np.ndarray:
    """The monomials at the start, (d, monomials)."""
    return monomials(one.begin, letters)[:, :, 0].T


def _images(one: Instance, letters: Sequence[str], of: Any) -> np.ndarray:
    """The matrix of the images of the monomials, for each coordinate, (d, monomials, monomials)."""
    count = 1 + len(letters) + len(_pairs(letters))
    state = {a: v[:, : 4 * count] / max(1.0, one.member.unit) for a, v in states(one, 400, 3).items() if a in letters}
    before, image = monomials(state, letters), of(state)
    half = 3 * count
    matrices = []
    for j in range(one.dim):
        matrix, *_ = np.linalg.lstsq(before[:, j, :half].T, image[:, j, :half].T, rcond=None)
        size = 1 + np.abs(image[:, j].T) + np.sum(np.abs(before[:, j].T), axis=1, keepdims=True)
        if not np.all(np.abs(before[:, j].T @ matrix - image[:, j].T) <= CLOSED * size):
            raise NoClosedForm("the means of squares lead to other means: they do not close")
        matrices.append(matrix.T)
    return np.stack(matrices)
