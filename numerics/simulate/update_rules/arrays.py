"""An update rule on arrays: the values of one step walked by `derive.methods.rules.update.evaluate`. Dimensionless."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import pi, prod
from typing import Any, TypeAlias, final

import numpy as np

from derive.formulas.expressions import MEANING as SYMBOLIC
from derive.methods.distributed import Method
from derive.methods.rules.update import Draw, evaluate
from numerics.backend.double import jax, jnp
from numerics.laws.compressors import compress
from numerics.laws.counter import Draws
from numerics.laws.noises import at_scale, noise_at, scale_and_law
from numerics.laws.single_use import Uses
from numerics.laws.standardised import sample_law
from numerics.lowering.environment import Environment
from numerics.lowering.functions import FUNCTIONS
from numerics.lowering.landscape import Landscape

#: (draws, x (d, paths), client) -> that client's stochastic gradient at each path's point, (d, paths)
Oracle = Callable[[Draws, jax.Array, Any], jax.Array]
#: (number of a draw, client) -> draws of the noise's law, or with no client of normals, (d, paths)
Ahead = Mapping[tuple[int, int | None], jax.Array]
#: up to this number of clients, if the method has it, the loop over them is unrolled; one that is a symbol is given with each call
UNROLLED = 4
#: draws of `fresh`, `local`, `normal` and `C` have numbers from here on, above those of clients, which the draw of G has
FURTHER = 2**31
_BY_COORDINATE: dict[str, Callable[..., Any]] = {
    "sqrt": jnp.sqrt,
    "min": lambda *a: reduce(jnp.minimum, a),
    "max": lambda *a: reduce(jnp.maximum, a),
} | {name: FUNCTIONS[function] for name, function in SYMBOLIC.items() if isinstance(function, type) and function in FUNCTIONS}  # pyright: ignore[reportArgumentType]


@final
@dataclass(frozen=True, eq=False)
class Total:
    """The clients' mean as their sum, (d, paths): a number that multiplies it is divided by N instead of every coordinate."""

    sum: jax.Array
    clients: Any


@final
@dataclass(frozen=True, eq=False)
class _Client:
    """A client inside `mean`; its number may be traced."""

    number: Any


#: an exact number; a number () or one for each path (paths,); a vector (d, paths)
Value: TypeAlias = Fraction | jax.Array | Total


@final
@dataclass(frozen=True, eq=False)
class Given:
    """What a step is made from, besides the state and the draws.

    Args:
        method: with compressor, noise and rule.
        clients: N; it may be traced.
        land: the loss.
        oracle: gradients of the clients in place of grad f + Z_i.
        parameters: values by name, of the rule, the noise and the compressor; `eta` without the schedule.
        noise: a factor of the noise's scale, or None for 1.
        n: the number of the step, from 0.
        t: the time at which it begins.
        eta: () -> the step size with its schedule.
        at: point (d, paths) -> everything that noise and schedule may depend on there.
        ahead: draws that exist already, by the number of the draw and the client (`drawn_ahead`).
    """

    method: Method
    clients: Any
    land: Landscape
    oracle: Oracle | None
    parameters: Mapping[str, Any]
    noise: Any
    n: Any
    t: Any
    eta: Callable[[], jax.Array]
    at: Callable[[jax.Array], Environment]
    ahead: Ahead


@final
class Step:
    """The algebra of one step's arrays.

    Attributes:
        parts: all values computed, but for those inside a loop over clients.
    """

    def __init__(self, given: Given, state: Mapping[str, jax.Array], draws: Draws) -> None:
        self.given, self.state, self.draws, self.x = given, state, draws, state["x"]
        self.parts: list[jax.Array] = []
        self._inside = 0
        self._at_x: dict[Draw, Total] = {}
        self._here = given.at(self.x)
        self._kept(self._here.vectors["g"])

    def after(self) -> dict[str, jax.Array]:
        """The next x and memory, (d, paths) each."""
        found = evaluate(self.given.method.rule, self)
        return {letter: self._vector(value).astype(self.x.dtype) for letter, value in found.items()}

    def number(self, value: Fraction) -> Value:
        return value

    def letter(self, name: str) -> Value:
        if name in self.state:
            return self.state[name]
        if name == "eta":
            return self._kept(self.given.eta())
        own = {"k": self.given.n + 1, "t": self.given.t, "pi": pi, "N": self.given.clients}
        value = jnp.asarray(own.get(name, self.given.parameters.get(name)), self.x.dtype)
        return value if value.ndim < 2 else value[0]  # one for each path comes as (1, paths)

    def add(self, terms: Sequence[Value]) -> Value:
        if exact := _exact(terms):
            return sum(exact, Fraction(0))
        return self._kept(reduce(lambda a, b: a + b, map(self._array, terms)))

    def multiply(self, factors: Sequence[Value]) -> Value:
        """Numbers first, so that each coordinate is multiplied once; the mean over clients is divided with them."""
        if exact := _exact(factors):
            return prod(exact, start=Fraction(1))
        vectors = [f for f in factors if isinstance(f, Total) or (not isinstance(f, Fraction) and f.ndim == 2)]
        numbers: list[Any] = [f for f in factors if not any(f is v for v in vectors)]
        of = vectors[0] if len(vectors) == 1 else None
        if not numbers:
            return of if of is not None else self._kept(reduce(lambda a, b: a * b, map(self._array, vectors)))
        scale = reduce(lambda a, b: a * b, map(self._array, numbers))
        if isinstance(of, Total):
            return self._kept(scale / of.clients * of.sum)
        return self._kept(reduce(lambda a, b: a * b, map(self._array, vectors), scale))

    def divide(self, above: Value, below: Value) -> Value:
        if isinstance(above, Fraction) and isinstance(below, Fraction) and below:
            return above / below
        a, b = self._array(above), self._array(below)
        # one division by a number, and not one in every coordinate
        return self._kept(a * (1 / b) if a.ndim == 2 > b.ndim else a / b)

    def power(self, base: Value, exponent: int) -> Value:
        return base**exponent if isinstance(base, Fraction) else self._kept(self._array(base) ** exponent)

    def raised(self, base: Value, exponent: Value) -> Value:
        if isinstance(exponent, Fraction) and exponent.denominator <= 2 and abs(exponent) <= 64:
            root = self._array(base) if exponent.denominator == 1 else jnp.sqrt(self._array(base))
            return self._kept(root ** exponent.numerator)
        return self._kept(jnp.power(self._array(base), self._array(exponent)))

    def function(self, name: str, arguments: Sequence[Value]) -> Value:
        if name == "norm":
            return self._kept(jnp.sqrt(jnp.sum(self._vector(arguments[0]) ** 2, axis=0)))
        if name == "hess":
            return self._kept(self.given.land.hessian_product(self.x, self._vector(arguments[0])))
        return self._kept(_BY_COORDINATE[name](*map(self._array, arguments)))

    def drawn(self, draw: Draw, argument: Value | None, client: _Client | None) -> Value:
        own = _numbered(self.draws, draw.number)
        point = None if argument is None else self._vector(argument)
        if draw.kind == "normal":
            ahead = self.given.ahead.get((draw.number, None))
            return self._kept(own.normal(self.x.shape) if ahead is None else ahead)
        if draw.kind == "C":
            return self._kept(self._compressed(own if client is None else own.fold(client.number), point))
        if point is None and draw in self._at_x:
            return self._at_x[draw]
        gradient = self._gradient(point, draw.number)
        if draw.kind == "local":
            assert client is not None  # for the type checker: `evaluate` refuses it outside of `mean`
            return self._kept(self._message(own, gradient, client.number))
        if draw.kind == "raw":
            found = self._total(lambda number: gradient(own.fold(number).fold(0), number))
        else:
            found = self._total(lambda number: self._message(own, gradient, number))
        if point is None and not self._inside:
            self._at_x[draw] = found
        return found

    def mean(self, of: Callable[[Any], Value]) -> Value:
        return self._total(lambda number: self._vector(of(_Client(number))))

    def _message(self, draws: Draws, gradient: Callable[[Draws, Any], jax.Array], client: Any) -> jax.Array:
        own = draws.fold(client)
        return self._compressed(own.fold(1), gradient(own.fold(0), client))

    def _compressed(self, draws: Draws, v: Any) -> jax.Array:
        return compress(self.given.method.compressor, draws, v, self.given.parameters)

    def _gradient(self, point: jax.Array | None, number: int) -> Callable[[Draws, Any], jax.Array]:
        """(draws, client) -> that client's stochastic gradient; the full gradient is computed once, not for each client."""
        given, y = self.given, self.x if point is None else point
        if given.oracle is not None:
            oracle = given.oracle
            return lambda draws, client: oracle(draws, y, client)
        here = self._here if point is None else given.at(y)
        g = here.vectors["g"] if point is None else self._kept(here.vectors["g"])

        def noisy(draws: Draws, client: Any) -> jax.Array:
            ahead = given.ahead.get((number, client)) if isinstance(client, int) else None
            if ahead is None:
                z = noise_at(given.method.noise, draws, here, given.parameters, client)
            else:
                z = at_scale(given.method.noise, ahead, here, client)
            return g + (z if given.noise is None else given.noise * z)

        return noisy

    def _total(self, of: Callable[[Any], jax.Array]) -> Total:
        """The mean over clients of a vector."""
        clients = self.given.clients
        if _unrolled(self.given.method, clients):
            return Total(self._kept(sum((of(i) for i in range(clients)), jnp.zeros_like(self.x))), clients)
        self._inside += 1
        total = jax.lax.fori_loop(0, clients, lambda i, s: s + of(i), jnp.zeros_like(self.x))
        self._inside -= 1
        return Total(self._kept(total), clients)

    def _kept(self, value: jax.Array) -> jax.Array:
        if not self._inside:
            self.parts.append(value)
        return value

    def _array(self, value: Value) -> jax.Array:
        if isinstance(value, Fraction):
            return jnp.asarray(float(value), self.x.dtype)
        if isinstance(value, Total):
            return self._kept(value.sum if isinstance(value.clients, int) and value.clients == 1 else value.sum / value.clients)
        return value

    def _vector(self, value: Value) -> jax.Array:
        return jnp.broadcast_to(self._array(value), self.x.shape)


def drawn_ahead(method: Method, clients: int | None, halves: Sequence[Draws], shape: tuple[int, int], parameters: Mapping[str, Any],
                yes: jax.Array) -> tuple[Ahead, Ahead]:  # fmt: skip
    """What both steps of a pair draw, for a rule with memory.

    XLA makes a loop for every array of the state, and in each of them it would draw the same numbers again. So they are made
    before, both steps' together since they share their bits: as the parts of one complex array, in a branch, out of which XLA
    moves nothing.

    Args:
        halves: the draws of the two steps.
        yes: true, which the compiler must not know.
    """
    if len(method.rule.letters) == 1:
        return {}, {}
    found: tuple[dict, dict] = ({}, {})

    def both(key: tuple[int, int | None], of: Callable[[Draws], jax.Array]) -> None:
        if key not in found[0]:
            kind = jnp.result_type(halves[0].dtype, jnp.complex64)
            made = jax.lax.cond(yes, lambda: jax.lax.complex(*map(of, halves)), lambda: jnp.zeros(shape, kind))
            found[0][key], found[1][key] = jnp.real(made), jnp.imag(made)

    for draw in method.rule.draws:
        def own(draws: Draws, number: int = draw.number) -> Draws:
            return _numbered(draws, number)

        if draw.kind == "normal":
            both((draw.number, None), lambda draws, own=own: own(draws).normal(shape))
        elif draw.kind != "C" and scale_and_law(method.noise) and isinstance(clients, int) and clients <= UNROLLED:
            for i in range(clients):
                law = lambda draws, own=own, i=i: sample_law(method.noise.law, own(draws).fold(i).fold(0), shape, parameters)  # noqa: E731
                both((draw.number, i), law)
    return found


def _numbered(draws: Draws, number: int) -> Draws:
    """The draws with this number in a rule, as often as the rule asks for them: one draw at two points is what it may say."""
    return replace(draws.fold(np.uint32(FURTHER + number)) if number else draws, uses=Uses())


def _unrolled(method: Method, clients: Any) -> bool:
    """Whether the loop over clients is written out: different scales are different expressions."""
    return isinstance(clients, int) and (len(method.noise.scales) > 1 or clients <= UNROLLED)


def _exact(values: Sequence[Value]) -> list[Fraction]:
    """The values, where all of them are exact numbers; else none."""
    return [v for v in values if isinstance(v, Fraction)] if all(isinstance(v, Fraction) for v in values) else []
