"""The draws of an update rule, its clients inside `mean`, and values of a step that are not arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.compressors import compress, few
from sdescent.numerics.laws.counter import Draws, Uses
from sdescent.numerics.laws.noises import sample_law, scale_and_law
from sdescent.numerics.laws.sign_means import SignMean, sign_mean_in_place_of_draws
from sdescent.numerics.lowering.rows import in_rows


@final
@dataclass(frozen=True, eq=False)
class Client:
    """A client inside `mean`, by number, with its pair, None without a partner, and its place in it, 0 or 1; it may be traced.

    Two clients share the bits of one encryption, as the two steps of a pair do. In a loop over clients the steps cannot share bits,
    and without pairs of clients each client would need an encryption of its own. A last one shares with itself.
    """

    number: Any
    pair: Any = None
    half: int = 0

    def draws(self, of_step: Draws) -> Draws:
        """The client's own draws."""
        return (
            of_step.fold(self.number) if self.pair is None else replace(of_step.fold(self.pair).alone(), half=self.half)
        )


def clients_of(number: int) -> list[Client]:
    """All clients, in order."""
    return [*(Client(2 * n + half, n, half) for n in range(number // 2) for half in (0, 1)), *without_partner(number)]


def without_partner(number: int) -> list[Client]:
    """The last client, if the number of clients is odd."""
    return [Client(number - 1)] if number % 2 else []


def by_number(method: Method) -> dict[int, set[str]]:
    """The kinds of the draws of a rule, by the number of the draw."""
    kinds: dict[int, set[str]] = {}
    for draw in method.rule.draws:
        kinds.setdefault(draw.number, set()).add(draw.kind)
    return kinds


#: (number of a draw, client) -> draws of the noise's law, or, with None for the client, of normals, (d, paths)
Ahead = Mapping[tuple[int, int | None], jax.Array]
#: the loop over clients is unrolled up to this number, if the method has a fixed number; a symbol's value is given with each call
UNROLLED = 4
#: draws of `fresh`, `local`, `normal` and `C` have numbers from here on, above the numbers of clients, which the draw of G uses
FURTHER = 2**31


def unrolled(method: Method, clients: Any) -> bool:
    """Whether the loop over clients is unrolled: if clients are few, or differ in scale, which makes different expressions."""
    return isinstance(clients, int) and (len(method.noise.scales) > 1 or clients <= UNROLLED)


def sign_mean_of(method: Method, parameters: Mapping[str, Any], number: int) -> SignMean | None:
    """R of the noise's law, if in the draw with this number a step needs only signs of the noise; else None."""
    if compress.dispatch(type(method.compressor)) is not compress.dispatch(Sign) or not scale_and_law(method.noise):
        return None
    return None if "raw" in by_number(method)[number] else sign_mean_in_place_of_draws(method.noise.law, parameters)


def numbered(draws: Draws, number: int) -> Draws:
    """The draws with this number in a rule; they may be used repeatedly, since a rule may ask for one draw at two points."""
    return replace(draws.fold(np.uint32(FURTHER + number)) if number else draws, uses=Uses())


def drawn_ahead(method: Method, clients: int | None, halves: Sequence[Draws], shape: tuple[int, int], parameters: Mapping[str, Any],
                yes: jax.Array) -> tuple[Ahead, Ahead]:  # fmt: skip
    """The draws made ahead for both steps (`halves`): normals and few clients' draws, with memory; in a loop the odd client's.

    XLA makes a loop for every array of the state, and would draw the same numbers again in each. A client without a partner shares
    its bits with the same client in the other step, from which the loop over clients separates it. Numbers that share bits are
    drawn together, as one complex array, in a branch on `yes`, out of which XLA moves nothing.
    """
    memory, listed = len(method.rule.letters) > 1, list[Client]()
    if isinstance(clients, int) and not unrolled(method, clients):
        listed = without_partner(clients)
    elif isinstance(clients, int) and memory and clients <= UNROLLED:
        listed = clients_of(clients)
    ahead: tuple[dict, dict] = ({}, {})
    kind = jnp.result_type(halves[0].dtype, jnp.complex64)

    def together(of: Callable[[Draws], jax.Array], one: tuple[int, Any, Draws], two: tuple[int, Any, Draws]) -> None:
        pair = jax.lax.cond(yes, lambda: jax.lax.complex(of(one[2]), of(two[2])), lambda: jnp.zeros(shape, kind))
        ahead[one[0]][one[1]], ahead[two[0]][two[1]] = jnp.real(pair), jnp.imag(pair)

    for number, kinds in by_number(method).items():
        first, second = (numbered(draws, number) for draws in halves)
        if kinds == {"normal"}:
            if memory:
                together(lambda draws: draws.normal(shape), (0, (number, None), first), (1, (number, None), second))
        elif listed and kinds != {"C"} and scale_and_law(method.noise):
            if "raw" not in kinds and few(method.compressor, shape[0], parameters) is not None:
                continue  # drawn later, when it is known which coordinates are kept
            signs = sign_mean_of(method, parameters, number) is not None

            def unit(draws: Draws, signs: bool = signs) -> jax.Array:
                return draws.uniform(shape) if signs else sample_law(method.noise.law, draws, shape, parameters)

            for client in listed:
                if client.pair is None:
                    one, two = (client.draws(of_step).fold(0) for of_step in (first, second))
                    together(unit, (0, (number, client.number), one), (1, (number, client.number), two))
                elif client.half == 0:
                    partner = replace(client, number=client.number + 1, half=1)
                    for half, of_step in enumerate((first, second)):
                        one, two = ((half, (number, c.number), c.draws(of_step).fold(0)) for c in (client, partner))
                        together(unit, one, two)
    return ahead


@final
@dataclass(frozen=True, eq=False)
class Few:
    """A vector (d, paths): its base or 0, plus summands of values (k, paths) in rows (k, paths), distinct on each path, below d."""

    rows: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]
    height: int
    base: jax.Array | None = None

    def mapped(self, function: Callable[[jax.Array], jax.Array]) -> Few:
        """The same rows with the function applied to the values."""
        return replace(self, values=tuple(map(function, self.values)))

    def plus(self, other: Few) -> Few:
        """The sum of two such vectors without a base."""
        return Few(self.rows + other.rows, self.values + other.values, self.height)

    def step(self, bound: Any, n: Any, going: Any) -> Few:
        """The vector as step n adds to it, 0 unless `going`, NaN where the base left the bound; at n = 0 it may lie anywhere."""
        assert self.base is not None  # for the type checker
        inside = [(n == 0) | (jnp.abs(in_rows(self.base, rows)) <= bound) for rows in self.rows]
        pairs = zip(inside, self.values, strict=True)
        return replace(self, values=tuple(jnp.where(going, jnp.where(good, v, jnp.nan), 0) for good, v in pairs))

    def array(self) -> jax.Array:
        """The vector as an array (d, paths); XLA changes the base in place, in O(k), if nothing else reads it."""
        paths = self.rows[0].shape[1]
        total = jnp.zeros((self.height, paths), self.values[0].dtype) if self.base is None else self.base
        for rows, values in zip(self.rows, self.values, strict=True):
            place = total.at[rows, jnp.arange(paths)]
            total = place.add(values, unique_indices=True, mode="promise_in_bounds")
        return total


@final
@dataclass(frozen=True, eq=False)
class Total:
    """The clients' mean, kept as their sum (d, paths): a number that multiplies the mean is divided by N, not every coordinate."""

    sum: jax.Array | Few
    clients: Any


def added(total: jax.Array | Few, message: jax.Array | Few) -> jax.Array | Few:
    """The sum; in few rows if both terms are in few rows."""
    if isinstance(message, Few):
        return total.plus(message) if isinstance(total, Few) else replace(message, base=total).array()
    return (total.array() if isinstance(total, Few) else total) + message
