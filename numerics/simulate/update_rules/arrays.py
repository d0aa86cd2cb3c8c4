"""An update rule on arrays: the algebra in which `sdescent.derive.methods.rules.update.evaluate` computes a step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import pi, prod
from typing import Any, TypeAlias, final

import numpy as np

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.update import Draw, evaluate
from sdescent.derive.vocabulary.formulas.expressions import MEANING as SYMBOLIC
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.compressors import compress, few_rows
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import by_coordinate, noise_at, sample_law, scale_of
from sdescent.numerics.laws.sign_means import SignMean
from sdescent.numerics.lowering.functions import FUNCTIONS
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.lowering.rows import computed_in_rows, divided, in_rows, materialised, norm
from sdescent.numerics.lowering.tape import Environment
from sdescent.numerics.simulate.blow_up import marks
from sdescent.numerics.simulate.update_rules import drawing
from sdescent.numerics.simulate.update_rules.drawing import Ahead, Client, Few, Total, by_number, numbered, sign_mean_of

#: (draws, x (d, paths), client) -> that client's stochastic gradient at each path's point, (d, paths)
Oracle = Callable[[Draws, jax.Array, Any], jax.Array]
_BY_COORDINATE: dict[str, Callable[..., Any]] = {
    "sqrt": jnp.sqrt,
    "min": lambda *a: reduce(jnp.minimum, a),
    "max": lambda *a: reduce(jnp.maximum, a),
} | {
    name: FUNCTIONS[function]
    for name, function in SYMBOLIC.items()
    if isinstance(function, type) and function in FUNCTIONS
}  # pyright: ignore[reportArgumentType]

#: an exact number; a number (), or one for each path (paths,); a vector (d, paths)
Value: TypeAlias = Fraction | jax.Array | Total | Few
#: a sum over some clients, and, if the step is watched, whether a value of theirs is NaN and whether one is infinite, (paths,) each
_Sum: TypeAlias = tuple[jax.Array, tuple[jax.Array, ...]]


@final
@dataclass(frozen=True, eq=False)
class StepInputs:
    """The inputs of a step besides the state and the draws.

    Args:
        clients: N; it may be traced.
        oracle: a function that gives the clients' gradients in place of grad f + Z_i.
        parameters: values by name, for the rule, the noise and the compressor; `eta` without the schedule.
        noise: a factor for the scale of the noise, or None for 1.
        n: the number of the step, from 0.
        t: the time at which the step begins.
        eta: () -> the step size with its schedule.
        at: point (d, paths) -> the values there on which noise and schedule may depend.
        ahead: draws that were made already, by the number of the draw and the client (`drawn_ahead`).
        few: whether the next x may be returned as the coordinates that change (`Few` with base x), if these are few.
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
    few: bool = False


@final
class Step:
    """The algebra of one step's arrays; if watched, `parts` has its values, or, in a loop over clients, marks of NaN and inf."""

    def __init__(self, inputs: StepInputs, state: Mapping[str, jax.Array], draws: Draws, watched: bool = False) -> None:
        self.inputs, self.state, self.draws, self.x = inputs, state, draws, state["x"]
        self.parts: list[jax.Array] = []
        self._watched = watched
        self._inside = 0
        self._at_x: dict[Draw, Total] = {}
        self._here = inputs.at(self.x)
        self._kept(self._here.vectors["g"])

    def after(self) -> dict[str, Any]:
        """The next x and memory by letter, (d, paths) each; x may be `Few`."""
        return {letter: self._next(value) for letter, value in evaluate(self.inputs.method.rule, self).items()}

    def number(self, value: Fraction) -> Value:
        return value

    def letter(self, name: str) -> Value:
        if name in self.state:
            return self.state[name]
        if name == "eta":
            return self._kept(self.inputs.eta())
        built_in = {"k": self.inputs.n + 1, "t": self.inputs.t, "pi": pi, "N": self.inputs.clients}
        value = jnp.asarray(built_in.get(name, self.inputs.parameters.get(name)), self.x.dtype)
        return value if value.ndim < 2 else value[0]  # a value for each path comes as (1, paths)

    def add(self, terms: Sequence[Value]) -> Value:
        if exact := _exact(terms):
            return sum(exact, Fraction(0))
        parts = [self._divided(term) for term in terms]
        few = [part for part in parts if isinstance(part, Few)]
        whole = [self._array(part) for part in parts if not isinstance(part, Few)]
        whole += [part.base for part in few if part.base is not None]
        if not few or (whole and all(a.ndim < 2 for a in whole)):
            return self._kept(reduce(lambda a, b: a + b, map(self._array, parts)))
        sparse = reduce(Few.plus, (replace(part, base=None) for part in few))
        return self._kept(replace(sparse, base=reduce(lambda a, b: a + b, whole)) if whole else sparse)

    def multiply(self, factors: Sequence[Value]) -> Value:
        """The product, numbers first so that each coordinate is multiplied once; they are also divided by N for a mean."""
        if exact := _exact(factors):
            return prod(exact, start=Fraction(1))
        vectors = [f for f in factors if isinstance(f, (Total, Few)) or (not isinstance(f, Fraction) and f.ndim == 2)]
        numbers: list[Any] = [f for f in factors if not any(f is v for v in vectors)]
        of = vectors[0] if len(vectors) == 1 else None
        if not numbers:
            return of if of is not None else self._kept(reduce(lambda a, b: a * b, map(self._array, vectors)))
        scale = reduce(lambda a, b: a * b, map(self._array, numbers))
        few, divided = (of.sum, scale / of.clients) if isinstance(of, Total) else (of, scale)
        if isinstance(few, Few) and few.base is None:
            return self._kept(few.mapped(lambda v: divided * v))
        if isinstance(of, Total):
            return self._kept(divided * self._array(of.sum))
        return self._kept(reduce(lambda a, b: a * b, map(self._array, vectors), scale))

    def divide(self, above: Value, below: Value) -> Value:
        if isinstance(above, Fraction) and isinstance(below, Fraction) and below:
            return above / below
        a, b = self._array(above), self._array(below)
        quotient = divided(a, b) if a.ndim == 2 and b.ndim == 1 else a * (1 / b) if a.ndim == 2 > b.ndim else a / b
        return self._kept(quotient)

    def power(self, base: Value, exponent: int) -> Value:
        return base**exponent if isinstance(base, Fraction) else self._kept(self._array(base) ** exponent)

    def raised(self, base: Value, exponent: Value) -> Value:
        if isinstance(exponent, Fraction) and exponent.denominator <= 2 and abs(exponent) <= 64:
            root = self._array(base) if exponent.denominator == 1 else jnp.sqrt(self._array(base))
            return self._kept(root**exponent.numerator)
        return self._kept(jnp.power(self._array(base), self._array(exponent)))

    def function(self, name: str, arguments: Sequence[Value]) -> Value:
        if name == "norm":
            return self._kept(norm(self._vector(arguments[0])))
        if name == "hess":
            return self._kept(self.inputs.land.hessian_product(self.x, self._vector(arguments[0])))
        return self._kept(_BY_COORDINATE[name](*map(self._array, arguments)))

    def drawn(self, draw: Draw, argument: Value | None, client: Client | None) -> Value:
        numbers = numbered(self.draws, draw.number)
        point = None if argument is None else self._vector(argument)
        if draw.kind == "normal":
            ahead = self.inputs.ahead.get((draw.number, None))
            return self._kept(numbers.normal(self.x.shape) if ahead is None else ahead)
        if draw.kind == "local" and point is not None:
            return self._kept(self._local(draw, point, client))
        if draw.kind == "C":
            return self._kept(self._compressed(numbers if client is None else client.draws(numbers), point))
        if point is None and draw in self._at_x:
            return self._at_x[draw]
        message = self._sent(numbers, point, draw)
        if draw.kind == "local":
            assert client is not None  # for the type checker: `evaluate` refuses `local` outside `mean`
            return self._kept(message(client))
        average = self._total(message)
        if point is None and not self._inside:
            self._at_x[draw] = average
        return average

    def _local(self, draw: Draw, point: jax.Array, client: Client | None) -> jax.Array:
        """A client's message at its own point, in a branch: otherwise XLA computes it again in every later local step."""
        assert client is not None  # for the type checker: `evaluate` refuses `local` outside `mean`

        def message(y: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
            return self._apart(lambda: self._array(self._sent(numbered(self.draws, draw.number), y, draw)(client)))

        sent, parts = materialised(message, point)
        self.parts += parts
        return sent

    def _apart(self, of: Callable[[], jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
        """A value computed inside a loop or a branch, and its parts, kept apart because they are not defined outside."""
        outside, self.parts = self.parts, []
        value = of()
        inner, self.parts = self.parts, outside
        return value, inner

    def mean(self, of: Callable[[Any], Value]) -> Value:
        def of_client(client: Client) -> jax.Array | Few:
            value = of(client)
            return value if isinstance(value, Few) and value.base is None else self._vector(value)

        return self._total(of_client)

    def _sent(self, draws: Draws, point: jax.Array | None, draw: Draw) -> Callable[[Client], jax.Array | Few]:
        """The function client -> its message: C(g + Z), or g + Z for a `raw` draw."""
        inputs = self.inputs
        sign_mean = None if inputs.oracle is not None else sign_mean_of(inputs.method, inputs.parameters, draw.number)
        if sign_mean is not None:
            return self._signs(draws, point, draw.number, sign_mean)
        at = self._at(point)
        gradient = self._gradient(point, draw.number, at)
        if draw.kind == "raw":
            return lambda client: gradient(client.draws(draws).fold(0), client.number)

        method = inputs.method
        alone = inputs.oracle is None and by_coordinate(method.noise) and "raw" not in by_number(method)[draw.number]

        def compressed(client: Client) -> jax.Array | Few:
            of_client, height = client.draws(draws), self.x.shape[0]
            if (sparse := few_rows(method.compressor, of_client.fold(1), height, inputs.parameters)) is None:
                return self._compressed(of_client.fold(1), gradient(of_client.fold(0), client.number))
            rows, factor = sparse
            if alone:
                v = self._in_rows(of_client.fold(0), point, at, client.number, rows)
            else:
                v = in_rows(gradient(of_client.fold(0), client.number), rows)
            return Few((rows,), ((factor * v).astype(self.x.dtype),), height)

        return compressed

    def _compressed(self, draws: Draws, v: Any) -> jax.Array:
        return compress(self.inputs.method.compressor, draws, v, self.inputs.parameters)

    def _in_rows(
        self, draws: Draws, point: jax.Array | None, at: tuple[Environment, jax.Array], client: Any, rows: jax.Array
    ) -> jax.Array:
        """The stochastic gradient in few rows of each path; noise is drawn only there, the same as if all rows were drawn."""
        inputs, noise, (here, g) = self.inputs, self.inputs.method.noise, at
        silent = noise.law.degenerate

        def values(there: Environment, g: jax.Array) -> tuple[jax.Array, ...]:
            return (g,) if silent else (g, jnp.broadcast_to(scale_of(noise, there, client), g.shape))

        def of(y: jax.Array) -> tuple[jax.Array, ...]:
            there = inputs.at(y)
            return values(there, there.vectors["g"])

        slope, *scale = computed_in_rows(of, self.x if point is None else point, rows, lambda: values(here, g))
        if silent:
            return slope
        in_these, always = draws.at_rows(rows, g.shape[0]), (draws.lanes[0] | np.uint32(1)) > 0
        # in a branch: otherwise XLA would draw one number at a time, in the loop that changes x
        none = jnp.zeros(rows.shape, in_these.dtype)
        z = jax.lax.cond(
            always,
            lambda: sample_law(noise.law, in_these, rows.shape, inputs.parameters).astype(in_these.dtype),
            lambda: none,
        )
        z = scale[0] * z
        return slope + (z if inputs.noise is None else inputs.noise * z)

    def _signs(
        self, draws: Draws, point: jax.Array | None, number: int, sign_mean: SignMean
    ) -> Callable[[Client], jax.Array]:
        """The function client -> sign(g + s Z), drawn without Z; its joint law at two points with the same Z is exact too.

        With a uniform u the sign is 1 if u < P(Z > -g/s), so that u stands for 1 - F(Z). The probability has an error from the
        precision of u and R: 2^-32 in double precision, 3e-7 in single precision.
        """
        inputs, (here, g) = self.inputs, self._at(point)
        common: dict[int, tuple[jax.Array, jax.Array]] = {}

        def law(client: Any) -> tuple[jax.Array, jax.Array]:
            """P(sign = 1), and |sign|: 0 if gradient and noise both vanish, NaN if one of them is NaN."""
            scale = scale_of(inputs.method.noise, here, client)
            scale = scale if inputs.noise is None else inputs.noise * scale
            silent = scale == 0
            place = g / jnp.where(silent, 1, scale)
            mean = jnp.where(silent, jnp.sign(g), jnp.sign(scale) * sign_mean(place))
            size = jnp.where(silent, jnp.abs(mean), jnp.where(jnp.isnan(mean), mean, 1))
            return (1 + mean) / 2, size.astype(g.dtype)

        if len(inputs.method.noise.scales) == 1:  # outside the loop over clients
            common[0] = law(0)

        def signs(client: Client) -> jax.Array:
            up, size = common[0] if common else law(client.number)
            u = inputs.ahead.get((number, client.number)) if isinstance(client.number, int) else None
            u = client.draws(draws).fold(0).uniform(g.shape) if u is None else u
            return jnp.where(u < up, size, -size)

        return signs

    def _at(self, point: jax.Array | None) -> tuple[Environment, jax.Array]:
        """The environment at a point, on which noise may depend, and the gradient there."""
        here = self._here if point is None else self.inputs.at(point)
        g = here.vectors["g"]
        return here, g if point is None else self._kept(g)

    def _gradient(
        self, point: jax.Array | None, number: int, at: tuple[Environment, jax.Array]
    ) -> Callable[[Draws, Any], jax.Array]:
        """The function (draws, client) -> that client's stochastic gradient; the full gradient is computed once for all clients."""
        inputs, y = self.inputs, self.x if point is None else point
        if inputs.oracle is not None:
            oracle = inputs.oracle
            return lambda draws, client: oracle(draws, y, client)
        here, g = at

        def noisy(draws: Draws, client: Any) -> jax.Array:
            ahead = inputs.ahead.get((number, client)) if isinstance(client, int) else None
            if ahead is None:
                z = noise_at(inputs.method.noise, draws, here, inputs.parameters, client)
            else:
                z = scale_of(inputs.method.noise, here, client) * ahead
            return g + (z if inputs.noise is None else inputs.noise * z)

        return noisy

    def _total(self, of: Callable[[Client], jax.Array | Few]) -> Total:
        """The mean of a vector over clients."""
        clients = self.inputs.clients
        if drawing.unrolled(self.inputs.method, clients):
            return Total(self._kept(reduce(drawing.added, map(of, drawing.clients_of(clients)))), clients)

        paths = self.x.shape[1]

        def one(client: Client, state: _Sum) -> _Sum:
            total, flags = state
            total, parts = self._apart(lambda: self._array(drawing.added(total, of(client))))
            return total, flags and tuple(a | b for a, b in zip(flags, marks(parts, paths), strict=True))

        def both(n: Any, state: _Sum) -> _Sum:
            return one(Client(2 * n + 1, n, 1), one(Client(2 * n, n, 0), state))

        self._inside += 1
        nowhere = jnp.zeros(paths, bool)
        state: _Sum = jnp.zeros_like(self.x), (nowhere, nowhere) if self._watched else ()
        state = jax.lax.fori_loop(0, clients // 2, both, state)
        if isinstance(clients, int):
            state = reduce(lambda state, client: one(client, state), drawing.without_partner(clients), state)
        else:
            state = jax.lax.fori_loop(clients - clients % 2, clients, lambda n, state: one(Client(n), state), state)
        self._inside -= 1
        total, marked = state
        if marked:
            nan, infinite = marked
            self.parts += [jnp.where(nan, jnp.nan, 0.0), jnp.where(infinite, jnp.inf, 0.0)]
        return Total(self._kept(total), clients)

    def _kept(self, value: Any) -> Any:
        if self._watched:
            self.parts += value.values if isinstance(value, Few) else [value]
        return value

    def _next(self, value: Value) -> jax.Array | Few:
        if isinstance(value, Few) and value.base is self.x and self.inputs.few:
            return value
        return self._vector(value).astype(self.x.dtype)

    def _divided(self, value: Value) -> Value:
        """The value, with a mean over clients divided by N; in few rows if its sum is in few rows."""
        if not isinstance(value, Total):
            return value
        if isinstance(value.clients, int) and value.clients == 1:
            return self._kept(value.sum)
        n, total = value.clients, value.sum
        return self._kept(total.mapped(lambda v: v / n) if isinstance(total, Few) else total / n)

    def _array(self, value: Value) -> jax.Array:
        if isinstance(value, Fraction):
            return jnp.asarray(float(value), self.x.dtype)
        whole: Any = self._divided(value)
        return self._kept(whole.array()) if isinstance(whole, Few) else whole

    def _vector(self, value: Value) -> jax.Array:
        return jnp.broadcast_to(self._array(value), self.x.shape)


def _exact(values: Sequence[Value]) -> list[Fraction]:
    """The values if all of them are exact numbers, else an empty list."""
    return [v for v in values if isinstance(v, Fraction)] if all(isinstance(v, Fraction) for v in values) else []
