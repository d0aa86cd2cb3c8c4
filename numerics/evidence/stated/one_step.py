"""The change of V in one step, by enumeration, and L V of the SDE, compared with the claim at many states."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.derivation import SDE, sde
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.expressions.coordinates import nodes
from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.rules.update import Draw, Operators, evaluate
from sdescent.derive.methods.specialise import exactly
from sdescent.derive.proof.language.terms import Relation, Term, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.letters import CLOCK
from sdescent.derive.theorems.entry.linear_step import quiet
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import t as clock
from sdescent.derive.vocabulary.symbols import u as free_schedule
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.evidence.checks.formulas import ROUNDING, Numbers, Verified, obeyed, paths, verdict_of
from sdescent.numerics.evidence.checks.points import tightness_of
from sdescent.numerics.evidence.stated.instance import Instance, State, TwoPoints
from sdescent.numerics.lowering.to_jax import lower_function

#: the largest number of draws in a step that is enumerated
MOST_DRAWS = 2


@final
@dataclass(frozen=True)
class Moment:
    """The time t of a step, the schedule u there and the number n of steps before it, common to all points or one for each."""

    t: np.ndarray
    u: np.ndarray
    n: np.ndarray

    def values(self, one: Instance, along: Callable[[np.ndarray], np.ndarray]) -> dict[Term, np.ndarray]:
        """The values of u, laid along paths or times by `along`, and, in a theorem about the number of steps, of n."""
        return {x("u"): along(self.u), **({x(CLOCK): along(self.n)} if one.stated.setting.timed else {})}


def moment(one: Instance, t: np.ndarray) -> Moment:
    """The schedule at these times; 1 for a free schedule. Raises NoClosedForm if the schedule depends on the state."""
    factor: Any = one.specialised.schedule.factor
    numbers = {s: sp.Float(one.all_values[s.name], 17) for s in factor.free_symbols if s.name in one.all_values}
    e = factor.xreplace({**numbers, free_schedule: sp.S.One})
    if e.free_symbols - {clock} or nodes(e):
        raise NoClosedForm("the step size depends on the state, so it is not a function of time")
    u = np.broadcast_to(np.asarray(sp.lambdify([clock], e, "numpy")(t), float), t.shape)
    return Moment(t, u, np.rint(t / one.eta))


def after(one: Instance, state: State, now: Moment) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The next state for each outcome, letter -> (d, points, outcomes), and its probability; NoClosedForm without a finite law."""
    algebra = _Outcomes(one, state, now)
    following = evaluate(one.method.rule, algebra)
    whole = np.broadcast_shapes(*(np.shape(v) for v in following.values()), algebra.chances.shape)
    flat = {letter: np.broadcast_to(v, whole).reshape(*whole[:2], -1) for letter, v in following.items()}
    return flat, np.broadcast_to(algebra.chances, whole).reshape(*whole[:2], -1)


class _Outcomes(Operators):
    """The algebra of arrays (d, points, values of the first draw, values of the second)."""

    def __init__(self, one: Instance, state: State, now: Moment) -> None:
        self.one, self.state = one, {letter: a[:, :, None, None] for letter, a in state.items()}
        self.g = one.derivative(1, state["x"])
        self.eta, self.k = one.eta * now.u.reshape(1, -1, 1, 1), 1 + now.n.reshape(1, -1, 1, 1)
        self.chances = np.ones((1, 1, 1, 1))
        self.axes: dict[int, int] = {}

    def number(self, value: Fraction) -> Any:
        return float(value)

    def letter(self, name: str) -> Any:
        if name in self.state:
            return self.state[name]
        if name == "f":
            return np.sum(self.one.derivative(0, self.state["x"]), axis=0, keepdims=True)
        constants = {"eta": self.eta, "k": self.k, "N": float(self.one.clients), "pi": np.pi, "fstar": 0.0}
        return constants[name] if name in constants else self.one.all_values[name]

    def function(self, name: str, arguments: Sequence[Any]) -> Any:
        if name == "norm":
            return np.sqrt(np.sum(arguments[0] ** 2, axis=0, keepdims=True))
        return (
            np.sqrt(arguments[0]) if name == "sqrt" else reduce({"min": np.minimum, "max": np.maximum}[name], arguments)
        )

    def drawn(self, draw: Draw, argument: Any, client: Any) -> Any:
        """The values of the mean message of a draw, along a new axis."""
        if argument is not None:
            if not quiet(self.one.method, self.one.stated.any_noise):
                raise NoClosedForm("the step has a message at another point than x")
            return self.one.derivative(1, argument)
        values, chances = self.one.messages(self.g)
        if draw.number not in self.axes:
            if len(self.axes) == MOST_DRAWS:
                raise NoClosedForm(f"the step has more than {MOST_DRAWS} draws, too many to enumerate")
            self.axes[draw.number] = len(self.axes)
            self.chances = self.chances * self._along(draw, chances)
        return self._along(draw, values)

    def _along(self, draw: Draw, a: np.ndarray) -> np.ndarray:
        return a[:, :, :, None] if self.axes[draw.number] == 0 else a[:, :, None, :]

    def mean(self, of: Callable[[Any], Any]) -> Any:
        return of(None)


def of_the_method(one: Instance, state: State, now: Moment) -> dict[Term, np.ndarray]:
    """The mean change E V(x_{n+1}) - V(x_n) of each potential V, keyed by the symbol of its change."""
    following, chances = after(one, state, now)
    mean = lambda a: np.sum(np.sum(chances * a, axis=2), axis=0)  # noqa: E731
    named = {nm.DISTANCE: (state["x"], following["x"])}
    named |= {letter: (state[letter], following[letter]) for letter in state if letter != "x"}
    for name, parts in one.sums.items():
        if not parts.keys() <= named.keys():
            continue  # a sum that contains the gradient is not in V
        before, then = (reduce(add, (c * named[v][n] for v, c in parts.items())) for n in range(2))
        named[name] = before, then
    changes = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for key, p in one.stated.setting.potentials.items():
            if key == "f":
                # coordinatewise differences first, since sums of large values would cancel
                value = mean(one.derivative(0, following["x"]) - one.derivative(0, state["x"])[:, :, None])
            else:
                (a, c), (b, e) = named[key[0]], named[key[1]]
                value = mean(c * e - (a * b)[:, :, None])
            changes[p.change] = paths(value)
    return changes


def reached(one: Instance, state: State, now: Moment) -> np.ndarray:
    """Whether every step from a state obeys any assumed bound on its length, (points,); if messages are unbounded, none does."""
    count = state["x"].shape[1]
    radius = one.stated.hypotheses.radius
    if radius is None:
        return np.ones(count, bool)
    law = one.specialised.noise.law
    if not (isinstance(one.method.compressor, Sign) or law.degenerate or isinstance(law, TwoPoints)):
        return np.zeros(count, bool)
    following, _ = after(one, state, now)
    length = np.sqrt(np.sum(np.max((following["x"] - state["x"][:, :, None]) ** 2, axis=2), axis=0))
    return length <= float(one.base.value(radius).ravel()[0]) * (1 + ROUNDING)


def of_the_sde(one: Instance, state: State, now: Moment) -> dict[Term, np.ndarray]:
    """The rate L V of each potential V, keyed by the symbol of its change."""
    named = equation(one).coordinates(one.dim)
    place = list(named.state)
    values = {"f": one.member.loss.value(place), (nm.DISTANCE, nm.DISTANCE): sp.Add(*[x**2 for x in place])}
    rates, schedule = {}, {"u": now.u, "du": np.zeros(1), clock.name: now.t}
    for key, p in one.stated.setting.potentials.items():
        e: Any = generator(named, values[key])
        free = sorted((s for s in e.free_symbols if s.name not in one.all_values and s not in place), key=str)
        rate = lowered_at(one, e, [*place, *free])
        if strange := next((s for s in free if s.name not in schedule), None):
            raise NoClosedForm(f"the generator contains the symbol {strange}, which has no value")
        arguments = [*state["x"], *[np.broadcast_to(schedule[s.name], state["x"].shape[1:]) for s in free]]
        rates[p.change] = paths(np.broadcast_to(np.asarray(rate(*map(jnp.asarray, arguments))), state["x"].shape[1:]))
    return rates


def lowered_at(one: Instance, e: Any, letters: Sequence[sp.Symbol]) -> Any:
    """A formula at an instance's constants, as a function of the remaining `letters`."""
    constants = {s: exactly(one.all_values[s.name]) for s in e.free_symbols if s.name in one.all_values}
    return lower_function(e.xreplace(constants), letters)


def equation(one: Instance) -> SDE:
    """The instance's SDE in the theorem's model, or in the first-order model for a theorem about the method."""
    about = one.stated.about
    model = sde(one.specialised, "first-order" if about == "method" else about, one.member.loss, one.dim)
    assert isinstance(model, SDE)  # for the type checker: the plain update always has an SDE
    return model


def states(one: Instance, count: int, seed: int) -> dict[str, np.ndarray]:
    """Random states near and far; a memory is zero, along the gradient, or in a random direction."""
    rng = np.random.default_rng((21, seed, one.dim))
    at = one.member.unit * rng.normal(size=(one.dim, count)) * np.exp(rng.uniform(-4, 1.2, count))
    at[:, 0], at[:, 1] = 0.0, one.start
    g, state = one.derivative(1, at), {"x": at}
    for letter, _ in one.method.rule.memory:
        independent = rng.normal(size=(one.dim, count)) * np.exp(rng.uniform(-4, 1.2, count))
        kind = rng.integers(0, 4, count)
        along = g * rng.normal(size=count) * np.exp(rng.uniform(-2, 3, count))
        state[letter] = np.where(kind == 0, 0.0, np.where(kind == 1, along, independent))
    return state


#: number of states of each instance
COUNT = 400
#: step sizes within the condition and beyond it, relative to the largest allowed one
INSIDE, BEYOND = 0.25, {"twice the largest step": 2.0, "ten times the largest step": 10.0}
#: notes for the method if the theorem is about its SDE
ABOUT_THE_SDE = "the theorem is about the SDE"
IN_PLACE = f"{ABOUT_THE_SDE}: (E V(x_(n+1)) - V(x_n))/eta in place of L V"
#: the largest time at which a changing schedule is evaluated
LATE = 10.0


@final
@dataclass(frozen=True)
class Seen:
    """The claim at the states of one instance: the number of those at which the assumptions hold, and at which of these it fails.

    `tightness` is the least bound/value over these, `worst` the one with the least room, `broken` the number of all that fail.
    """

    one: Instance
    count: int
    failing: int
    tightness: float | None
    worst: Mapping[str, Any]
    broken: int


def changes(one: Instance, subject: str, state: State, now: Moment) -> dict[Term, np.ndarray]:
    """The change of each potential: that of the method (divided by eta for a theorem about an SDE), or L V of the SDE."""
    if subject == "SDE":
        return of_the_sde(one, state, now)
    of_a_step = of_the_method(one, state, now)
    return of_a_step if one.stated.about == "method" else {t: a / one.eta for t, a in of_a_step.items()}


def seen(one: Instance, subject: str, claim: Relation) -> Seen:
    """The claim about one step at random states. NoClosedForm without a finite law; ValueError if a computed definition fails."""
    state = states(one, COUNT, 0)
    now = moment(one, np.random.default_rng((22, 0)).uniform(0, LATE, COUNT))
    with np.errstate(all="ignore"):
        numbers = one.numbers(state).plus({**now.values(one, paths), **changes(one, subject, state, now)})
        return _judged(one, state, numbers, claim, subject, reached(one, state, now))


def _judged(one: Instance, state: State, numbers: Numbers, claim: Relation, subject: str, short: np.ndarray) -> Seen:
    held = np.all([*one.held(numbers).values(), short], axis=0)
    if subject == "SDE" or one.stated.about == "method":
        _check_definitions(one, numbers)
    left, right = (np.broadcast_to(a, (1, numbers.size[-1])) for a in numbers.sides(claim))
    good = obeyed(claim.op, left, right)[0]
    failing = held & ~good
    candidates = failing if np.any(failing) else held
    room = (right - left)[0] / (np.abs(left) + np.abs(right) + 1e-300)[0]
    worst = int(np.argmin(np.where(candidates, np.nan_to_num(room, nan=-np.inf), np.inf)))
    tightness = tightness_of(left[:, held], right[:, held]) if np.any(held) else None
    place = {letter: [float(f"{v:.5g}") for v in a[:, worst]] for letter, a in state.items()}
    place |= {"value": float(f"{left[0, worst]:.6g}"), "bound": float(f"{right[0, worst]:.6g}")}
    broken, worst_state = int(np.sum(~good)), place if np.any(candidates) else {}
    return Seen(one, int(np.sum(held)), int(np.sum(failing)), tightness, worst_state, broken)


def _check_definitions(one: Instance, numbers: Numbers) -> None:
    """Checks the definitions that the engine computed against the numbers of the enumeration."""
    definitions = one.stated.setting.definitions
    held, _ = numbers.held(definitions)  # the other definitions are about the start, or a part of them has no value
    for name, holds in held.items():
        if not np.all(holds | ~np.isfinite(numbers.sides(definitions[name])[0]).all(axis=0)):
            raise ValueError(f"{name}: the engine and the enumeration differ on {one.member.name}")


def steps_of(one: Instance) -> dict[str, Instance]:
    """The instance at the largest allowed step size (or at any, without a limit) and well inside it; itself if eta is fixed."""
    if one.constants.fixed:
        return {"at its step size": one}
    first = "at the largest step size" if one.most is not None else "at any step size"
    return {first: one, "well inside": one.with_step(INSIDE * one.eta)}


def too_large(one: Instance) -> dict[str, Instance]:
    """The instance at step sizes beyond the largest allowed one."""
    return {words: one.with_step(factor * one.eta) for words, factor in BEYOND.items()}


def one_step(id: str, chosen: Sequence[Instance], subject: str, claim: Relation) -> list[Verified]:
    """The claim about one step on all chosen instances (at least one), at the largest step size and well inside the limit."""
    groups: dict[str, list[Seen]] = {}
    for one in chosen:
        for words, instance in steps_of(one).items():
            groups.setdefault(words, []).append(seen(instance, subject, claim))
    outside = {words: beyond(chosen, subject, claim) if "largest" in words else {} for words in groups}
    return [_result(id, subject, words, several, outside[words]) for words, several in groups.items()]


def beyond(chosen: Sequence[Instance], subject: str, claim: Relation) -> dict[str, bool | None]:
    """Whether the claim fails at some state if the step size exceeds the limit; empty if no instance has a limit."""
    far = [too_large(one) for one in chosen if one.most is not None]
    return {words: any(seen(steps[words], subject, claim).broken for steps in far) for words in BEYOND if far}


def _result(id: str, subject: str, words: str, results: Sequence[Seen], outside: Mapping[str, bool | None]) -> Verified:
    count, failing = sum(s.count for s in results), sum(s.failing for s in results)
    measured = [s for s in results if s.tightness is not None]
    least = min(measured, key=lambda s: s.tightness or 0.0, default=results[0])
    worst = max(results, key=lambda s: s.failing) if failing else least
    note = "" if worst.one.stated.about == "method" or subject == "SDE" else IN_PLACE
    instance = {"what": "one step", "case": words, "cases": len(results), **worst.one.description}
    instance["worst"] = dict(worst.worst)
    tight = min((s.tightness for s in measured if s.tightness is not None), default=None)
    route = "points" if subject == "SDE" else "enumeration"
    return Verified(id, subject, route, verdict_of(failing, count), tight, instance, count, failing, outside, (), note)
