"""Many steps of a batch of paths as one step of diffrax: the term drift dt + B dW, and the schemes that advance it.

diffrax makes one step from each saved time to the next. Within it the solver makes many small steps, two in each loop body, which
XLA fuses. The increment of a step comes from a counter (`sdescent.numerics.laws.counter`), so a path has the same Brownian motion
whatever else is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple, final

import diffrax
import numpy as np

from sdescent.numerics.backend.compiler import cheap_operations
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws, over_pairs, pair_of
from sdescent.numerics.lowering.tape import Environment
from sdescent.numerics.simulate.blow_up import Advance, Step, marked
from sdescent.numerics.simulate.systems import System


@final
@dataclass(frozen=True)
class Segments:
    """The steps of a solve, in segments between saved times, which begin at `begin`, with `count` steps of length `step`, (S,).

    `first` is the number of the first pair of draws in each segment, (S,).
    """

    begin: np.ndarray
    step: np.ndarray
    count: np.ndarray
    first: np.ndarray

    @property
    def divided(self) -> bool:
        """Whether some segment has an odd number of steps."""
        return bool((self.count % 2).any())

    @property
    def total(self) -> int:
        """The number of steps in all segments."""
        return int(self.count.sum())

    def arrays(self, dtype: Any) -> tuple[np.ndarray, ...]:
        """The arrays begin, step, count and first, as arguments of a compiled function."""
        times, numbers = (self.begin, self.step), (self.count, self.first)
        return *(a.astype(dtype) for a in times), *(a.astype(np.int32) for a in numbers)


def segments(stops: Sequence[float] | np.ndarray, dt: float, halvings: int = 0, by_halves: bool = False) -> Segments:
    """The steps from 0 through the increasing times `stops` > 0, each of length at most dt and then halved `halvings` times.

    `by_halves` says that a pair of draws makes a single step (`ItoTerm`); with one more halving the draws are then the same.
    """
    ends = np.asarray(stops, float)
    begin = np.concatenate([[0.0], ends[:-1]])
    count = np.maximum(1, np.ceil((ends - begin) / dt * (1 - 1e-12)).astype(np.int64)) * 2**halvings
    pairs = count if by_halves else (count + 1) // 2
    return Segments(begin, (ends - begin) / count, count, np.concatenate([[0], np.cumsum(pairs)[:-1]]))


#: pairs of steps in one iteration of the loop if a step is small, and the most operations of a small step
TOGETHER, SMALL = 4, 40


class Increment(NamedTuple):
    """The Brownian increment W(t + step) - W(t) = scale normals, (normals, paths); scale = sqrt(step), or sqrt(step/2) in halves.

    The scale, a number, is kept apart: it joins other factors that are the same for all paths, which saves a product per path.
    """

    scale: Any
    normals: jax.Array


class Stepping(NamedTuple):
    """The way of stepping for which a program is compiled.

    `long`: a run has so many steps that faster programs are worth a longer compilation, some for single steps by halves
    (`by_halves`: a pair of draws makes a single step), some for pairs of steps (`divided`: some segment ends within a pair of
    draws). Other runs share one program. It changes no bit. `saves_start`: whether the starting point is saved.
    """

    saves_start: bool = False
    long: bool = False
    by_halves: bool = False
    divided: bool = False


class ItoTerm(diffrax.AbstractTerm):
    """The right side drift dt + B(t, y) dW as a single term, with a root B that is applied and never formed.

    `at` maps (y, t) to the values that the system reads; `segments` are arrays. With `by_halves`, an increment is the sum of those
    over the two halves of its step. Paths that leave |y_j| <= bound stay at their last point inside.
    """

    system: System
    at: Callable[[Any, Any], Environment]
    draws: Draws
    segments: tuple[jax.Array, ...]
    bound: Any
    by_halves: Any = False
    stepping: Stepping = Stepping()

    def vf(self, t: Any, y: Any, args: Any) -> Any:
        return self.over(t, y, 1.0)

    def over(self, t: Any, y: Any, step: Any) -> tuple[Any, Any]:
        """The drift times the length of the step, and the values that B depends on."""
        return self.system.evaluate(self.at(y, t), step)

    def contr(self, t0: Any, t1: Any, **kwargs: Any) -> Any:
        """t1 - t0, and the first increment over that length; the solver itself draws its increments by number."""
        return t1 - t0, self.increment(*self.normals(self.draws), t1 - t0)

    def prod(self, vf: Any, control: Any) -> Any:
        (drift, coefficients), (step, increment) = vf, control
        noise = self.system.apply(coefficients, increment.normals, increment.scale)
        return _each(lambda a, b: step * a + b, drift, noise)

    def moved(self, y: Any, over: tuple[Any, Any], increment: Increment) -> Any:
        """y + drift dt + B dW, with the drift added last, because the next step waits for it."""
        drift, coefficients = over
        noise = self.system.apply(coefficients, increment.normals, increment.scale)
        return _each(lambda y, b, a: (y + b) + a, y, noise, drift)

    def normals(self, pair: Draws) -> tuple[jax.Array, jax.Array]:
        """The normal draws of two steps, (normals, paths) each."""
        shape = (self.system.normals, pair.paths)
        if not self.system.shared:
            return pair.normals(shape)
        # a branch that is always taken: XLA compiles it separately and does not draw again for each letter.
        # Complex numbers let a single branch draw for both steps
        kind = jnp.dtype(pair.dtype if pair.wide else np.float32)  # normals are made in single precision
        zero = jnp.zeros(shape, jnp.result_type(kind, np.complex64))
        z = jax.lax.cond(
            self.bound > 0, lambda: jax.lax.complex(*(a.astype(kind) for a in pair.normals(shape))), lambda: zero
        )
        return jnp.real(z).astype(pair.dtype), jnp.imag(z).astype(pair.dtype)

    def increment(self, one: jax.Array, two: jax.Array, step: Any) -> Increment:
        """The Brownian increment of the first step, of length `step`, that a pair of draws makes."""
        scale = jnp.sqrt(jnp.where(self.by_halves, step / 2, step))
        return Increment(scale, jnp.where(self.by_halves, one + two, one))


#: apply a function to each array of a state
_each = jax.tree.map
#: (term, t, y, step, increment) -> y after the step; y has the form that the system uses, one array or several
Scheme = Callable[[ItoTerm, Any, Any, Any, Increment], Any]


def euler(term: ItoTerm, t: Any, y: Any, step: Any, increment: Increment) -> Any:
    """The Euler step y + a(t, y) dt + B(t, y) dW (Maruyama 1955), of weak order 1."""
    return term.moved(y, term.over(t, y, step), increment)


def predictor_corrector(term: ItoTerm, t: Any, y: Any, step: Any, increment: Increment) -> Any:
    """The step y + (a(t, y) + a(t + dt, p))/2 dt + B dW with p = y + a(t, y) dt + B dW (Kloeden and Platen 1992, section 15.5).

    If the equation depends on t explicitly, B = B(t + dt/2, y): the variance int B(s)^2 ds of a step is then wrong by O(dt^3).
    With B(t, y) it would be wrong by O(dt^2), a relative error of e^dt - 1 under the schedule u = e^-t. The weak order is 1, and 2
    with additive noise, even if its size follows a schedule. For the small diffusion of these equations, of order sqrt(eta), the
    error is about eta dt + dt^2 instead of dt.
    """
    drift, coefficients = term.over(t, y, step)
    if term.system.timed:
        coefficients = term.over(t + step / 2, y, step)[1]
    ahead = term.over(t + step, term.moved(y, (drift, coefficients), increment), step)[0]
    # use the Euler step where the drift has no value at the predicted point
    average = _each(lambda here, there: jnp.where(jnp.isfinite(there), (here + there) / 2, here), drift, ahead)
    return term.moved(y, (average, coefficients), increment)


def milstein(term: ItoTerm, t: Any, y: Any, step: Any, increment: Increment) -> Any:
    """The step y + a dt + b dW + b b' (dW^2 - dt)/2 at (t, y), for diagonal noise (Milstein 1974), of strong and weak order 1."""
    dw = increment.scale * increment.normals

    def root(y: Any, z: Any) -> Any:
        return term.system.apply(term.vf(t, y, None)[1], z, 1.0)

    drift = term.over(t, y, step)[0]
    tangent = _each(lambda b, y: jnp.broadcast_to(b, y.shape), root(y, jnp.ones_like(dw)), y)
    _, along = jax.jvp(lambda y: root(y, (dw**2 - step) / 2), (y,), (tangent,))
    return _each(lambda y, *moves: y + sum(moves), y, drift, root(y, dw), along)


def heun(term: ItoTerm, t: Any, y: Any, step: Any, increment: Increment) -> Any:
    """The step y + (a(t, y) + a(t + dt, p))/2 dt + (B(t, y) + B(t + dt, p))/2 dW with p = y + a dt + B dW.

    It solves the Stratonovich equation. The weak order is 1, and 2 with additive noise, even if its size follows a schedule.
    """
    one = term.prod(term.vf(t, y, None), (step, increment))
    two = term.prod(term.vf(t + step, _each(jnp.add, y, one), None), (step, increment))
    return _each(lambda y, one, two: y + (one + two) / 2, y, one, two)


def tsit5(term: ItoTerm, t: Any, y: Any, step: Any, increment: Increment) -> Any:
    """A Runge-Kutta step of order 5 (Tsitouras 2011), for equations without noise."""
    solver, term_without_noise = diffrax.Tsit5(), diffrax.ODETerm(lambda t, y, args: term.vf(t, y, None)[0])
    state = solver.init(term_without_noise, t, t + step, y, None)
    return solver.step(term_without_noise, t, t + step, y, None, state, made_jump=True)[0]


SCHEMES: Mapping[str, Scheme] = {
    "predictor-corrector": predictor_corrector,
    "euler": euler,
    "milstein": milstein,
    "heun": heun,
}


class MacroSolver(diffrax.AbstractItoSolver):
    """All steps of a segment, by `scheme`, as one of diffrax; a coordinate with |y_j| > bound is NaN from then on (`blow_up`)."""

    scheme: Scheme
    term_structure: ClassVar = ItoTerm
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms: Any) -> int:
        return 1

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any) -> jax.Array:
        return jnp.zeros((), jnp.int32)

    def func(self, terms: Any, t0: Any, y0: Any, args: Any) -> Any:
        return terms.vf(t0, y0, args)

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: jax.Array, made_jump: Any
    ) -> tuple[Any, Any, Any, Any, Any]:
        term: ItoTerm = getattr(terms, "term", terms)  # diffrax wraps the term to let time run backwards
        y1 = segment(term, self.scheme, solver_state, partial(marked, term.bound), y0)
        return y1, None, {"y0": y0, "y1": y1}, solver_state + 1, diffrax.RESULTS.successful


class OneByOne(diffrax.AbstractStepSizeController):
    """Steps of length 1, one for each segment: time runs from minus the number of segments to 0.

    `diffrax.StepTo` would fix the number of steps when a program is compiled. Time ends at 0, where floating-point numbers are
    densest, because diffrax ends a solve early, by about a hundred of them.
    """

    def wrap(self, direction: Any) -> OneByOne:
        return self

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, dt0: None, args: Any, func: Any, error_order: Any) -> Any:
        return t0 + 1, t0

    def adapt_step_size(
        self, t0: Any, t1: Any, y0: Any, y1_candidate: Any, args: Any, y_error: Any, error_order: Any, controller_state: Any
    ) -> tuple[bool, Any, Any, bool, Any, Any]:  # fmt: skip
        # counted here: diffrax's own t1 goes through a hundred operations, which are compiled only if something depends on them
        now = controller_state + 1
        return True, now, now + 1, False, now, diffrax.RESULTS.successful


def segment(term: ItoTerm, scheme: Scheme, number: Any, advance: Advance, state: Any) -> Any:
    """The state after all steps of a segment."""
    begin, length, count, first = (a[number] for a in term.segments)
    stepping = term.stepping
    each: Any = 2 - stepping.by_halves if stepping.long else jnp.where(term.by_halves, 1, 2)

    def step_of(pair: Any, half: Any, increment: Increment) -> Step:
        """A step of a pair, and the time after it."""
        t = begin + ((pair - first) * each + half) * length
        return lambda y: scheme(term, t, y, length, increment), t + length

    def several(draws: Draws, pair: Any, state: Any, steps: int) -> Any:
        one, two = term.normals(draws)
        increments = [term.increment(one, two, length), Increment(jnp.sqrt(length), two)][:steps]
        return advance([step_of(pair, half, increment) for half, increment in enumerate(increments)], state)

    def one_by_one(draws: Draws, pair: Any, state: Any) -> Any:
        # a step is compiled once
        one, two = term.normals(draws)
        (scale, here), steps = term.increment(one, two, length), jnp.minimum(each, count - (pair - first) * each)
        normals = jnp.stack([here, two])
        return jax.lax.fori_loop(
            0, steps, lambda half, state: advance([step_of(pair, half, Increment(scale, normals[half]))], state), state
        )

    if not stepping.long:
        return over_pairs(term.draws, first, first + (count + each - 1) // each, one_by_one, state)
    last = first + count // each
    together = TOGETHER if _is_small(term, scheme, state) else 1
    state = over_pairs(term.draws, first, last, partial(several, steps=each), state, together)
    if not stepping.divided:
        return state
    # outside the loop, where every step would pay for the condition
    return jax.lax.cond(
        count % each > 0, lambda state: several(pair_of(term.draws, last), last, state, 1), lambda state: state, state
    )


def _is_small(term: ItoTerm, scheme: Scheme, state: Any) -> bool:
    """Whether a step of a single array computes so little that reading and writing the array between steps matters.

    XLA fuses many such steps into one loop over the array. If it cannot (a sum over coordinates, a state of several arrays) or
    if a step is long (an elementary function is), more steps in a program make the program slower, by up to 2.6 times.
    """
    (some, *others), length = jax.tree.leaves(state), term.segments[1][0]
    if others:
        return False
    paths = some.shape[-1]

    def step(y: Any, z: Any) -> Any:
        return scheme(term, term.segments[0][0], y, length, Increment(jnp.sqrt(length), z))

    normals = jax.ShapeDtypeStruct((term.system.normals, paths), some.dtype)
    count = cheap_operations(jax.make_jaxpr(step)(state, normals), paths)
    return count is not None and count <= SMALL
