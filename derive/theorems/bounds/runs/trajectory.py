"""A method in exact arithmetic on a loss of one coordinate: its states, and the values of letters there.

`sdescent.derive.theorems.bounds.runs.check` uses it to check runs. The rule of the method and the definitions of the theorem come
from the engine. This module evaluates both itself and shares no code with the search for refutations or with the prover.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import sympy as sp

from sdescent.derive.methods.compressors import Identity, NormClip, Sign
from sdescent.derive.methods.rules.update import Draw, Operators, evaluate
from sdescent.derive.methods.specialise import specialise
from sdescent.derive.proof.language.terms import Relation, Term, x
from sdescent.derive.theorems.bounds.kernel_context import Setting
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.letters import OF_LOSS, at_the_end, at_the_start
from sdescent.derive.theorems.bounds.runs.exact import Atoms, NoValue, Value, value
from sdescent.derive.theorems.entry.scalar_memory import after
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import t as time
from sdescent.derive.vocabulary.symbols import u as free

_ZERO, _ONE, _HALF = Value.of(0), Value.of(1), Value.of(Fraction(1, 2))
#: the variable for |x - x*|, or for ||grad f|| of an exponential loss, wherever the run may be
LINE = Value((Fraction(0), Fraction(0)), (Fraction(1), Fraction(1)))
Place = Atoms
Draws = Callable[[int], Value]


@dataclass(frozen=True)
class Run:
    """A run in exact numbers.

    Args:
        shape: (h,) for the loss h e^2/2, or (A, b) for A (exp(b e) - b e - 1).
        constants: name -> number for the constants of the theorem and the method.
        start: x_0 - x*, or exp(b (x_0 - x*)) for an exponential loss.
        noise: for a bound on a step, the draws +z or -z before the last step, and z of the last; for a claim at the horizon, z of
            each step.
        core: radius r and width w of the core, or empty.
        scale: for signs, the noise is uniform on [-scale, scale].
        states: name -> number for the letters of each listed state.
        margins: assumption -> lower bounds on right side minus left side, one for each listed state.
        sides: lower and upper bound of the claim's left side, then of its right side.
    """

    shape: tuple[Fraction, ...]
    constants: Mapping[str, Fraction]
    start: Fraction
    noise: tuple[Fraction, ...]
    core: tuple[Fraction, ...] = ()
    scale: Fraction = Fraction(0)
    states: tuple[Mapping[str, Fraction], ...] = ()
    margins: Mapping[str, tuple[Fraction, ...]] = ()  # pyright: ignore[reportAssignmentType]
    sides: tuple[Fraction, ...] = ()


@dataclass(frozen=True)
class State:
    """A state: x - x* (None if only the gradient has a value), the memory, z of the noise, and possibly the gradient."""

    at: Value | None
    memory: Mapping[str, Value]
    spread: Fraction
    slope: Value | None = None


class Numbers(Operators):
    """The algebra in which a rule is evaluated with numbers as vectors; the minimiser is 0."""

    def __init__(self, check: Trajectory, state: State, n: int, draws: Draws) -> None:
        self.check, self.state, self.n, self.draws = check, state, n, draws
        self.eta = check.constant("eta") * check.schedule(n)
        self.plain, self.seen, self.clip, self.counted = True, set[int](), _ONE, False

    def number(self, value: Fraction) -> Value:
        return Value.of(value)

    def letter(self, name: str) -> Value:
        if name == "x":
            return self.check.at(self.state)
        if name in self.state.memory:
            return self.state.memory[name]
        if name == "k":
            self.counted = True
            return Value.of(self.n + 1)
        if name in OF_LOSS:
            return self.check.gap(self.state) if name == "f" else _ZERO
        return self.eta if name == "eta" else self.check.constant(name)

    def divide(self, above: Value, below: Value) -> Value:
        return above * below.inverse()

    def raised(self, base: Value, exponent: Value) -> Value:
        raise NoValue

    def function(self, name: str, arguments: Sequence[Value]) -> Value:
        if name == "sqrt":
            return arguments[0].through("sqrt")
        self.plain = False
        if name == "norm" and self.check.silent:  # else V is no quadratic function of a draw
            return arguments[0].magnitude()
        if name == "min":
            self.clip = Value.of(min(a.exact for a in arguments))
            return self.clip
        raise NoValue

    def drawn(self, draw: Draw, argument: Value | None, client: Any) -> Value:
        if draw.kind not in ("G", "fresh"):
            raise NoValue
        if argument is not None:  # without noise, and without a compressor, which is then the identity
            if not (self.check.quadratic and self.check.silent and self.check.bounded):
                raise NoValue
            return self.check.scale * argument
        slope = self.check.slope(self.state)
        if self.check.signs:
            self.plain = False
            return self.check.vector(nm.MESSAGE, self.state)
        if isinstance(self.check.setting.method.compressor, NormClip):
            length = slope.magnitude()
            level = self.check.number(self.check.setting.method.compressor.c)
            return slope * self.function("min", [_ONE, level * length.inverse()]) if length.exact else _ZERO
        self.seen.add(draw.number)
        return slope + self.draws(draw.number)

    def mean(self, of: Callable[[Any], Value]) -> Value:
        raise NoValue


class Trajectory:
    """The states of a run; every method raises NoValue if a quantity has no value."""

    def __init__(self, setting: Setting, claim: Relation, run: Run) -> None:
        self.setting, self.claim, self.run_ = setting, claim, run
        self.quadratic, self.at_the_end = len(run.shape) == 1, setting.at_the_end(claim)
        method = setting.method
        self.signs = isinstance(method.compressor, Sign)
        self.silent = not setting.any_noise and (method.noise.law.degenerate or self.signs)
        #: whether draws are bounded by z; if not, a state may be anywhere
        self.bounded = (setting.any_noise or self.silent) and isinstance(method.compressor, Identity)
        potentials = {**setting.potentials, **setting.functions}
        self.ends = {p.start: key for key, p in potentials.items()}
        self.last = {x(at_the_end(b)): x(b) for b in setting.numbers} | {p.end: key for key, p in potentials.items()}
        self.clients = Fraction(int(method.clients)) if method.clients.is_number else self.constant("N").exact
        steps = self.constant(setting.horizon[1]).exact
        listed = run.noise[:-1] if self.at_the_end else run.noise[-1:]
        whole = max(n.denominator for n in (self.clients, self.constant("N").exact, self.constant("d").exact)) == 1
        if not run.noise or not whole or (self.silent and any(run.noise)) or run.noise[-1] < 0:
            raise NoValue
        if setting.mean != nm.GRADIENT and not self.signs:
            raise NoValue  # other biased compressors: no message is computed here
        of_uniform_noise = self.signs and (setting.any_noise or method.noise.law.degenerate)
        if any(z != run.noise[-1] for z in listed) or not bool(run.scale) is self.signs is of_uniform_noise:
            raise NoValue
        try:  # the pieces of the method may refuse the numbers
            self.compressor = specialise(method.compressor, dict(run.constants))
            self.compressor.check_dimension(int(self.constant("d").exact))
            specialise(method.noise, dict(run.constants))
        except BadInput as error:
            raise NoValue from error
        count = len(run.noise)
        if setting.steps and (steps.denominator != 1 or steps < count or (self.at_the_end and steps > count)):
            raise NoValue
        self.scale, self.rate = (Value.of(c) for c in (*run.shape, 0)[:2])
        start = Value.of(run.start)
        self.first = start if self.quadratic else start.through("log") * self.rate.inverse()

    # --- numbers

    def constant(self, name: str) -> Value:
        table = dict(self.setting.method.constants)
        if name in table and not (table[name].is_Symbol and table[name].name == name):
            return self.number(table[name])
        if name not in self.run_.constants:
            raise NoValue
        return Value.of(self.run_.constants[name])

    def number(self, e: sp.Expr) -> Value:
        if e.is_Rational:
            return Value.of(Fraction(str(e)))
        if e.is_Symbol:
            return self.constant(str(e))
        raise NoValue

    def constants(self, t: Term) -> Value | None:
        """The value of an atom in a term of constants, or None."""
        return self.constant(t[1]) if t[0] == "x" else None

    def schedule(self, n: int) -> Value:
        """The schedule u at step n; a free schedule has the run's value at every step."""
        factor = self.setting.method.schedule.factor
        if factor == free:
            return self.constant("u")
        return self.number(factor.subs(time, n * sp.Rational(str(self.constant("eta").exact))))

    # --- the loss

    def at(self, s: State) -> Value:
        if s.at is None:
            raise NoValue
        return s.at

    def exponential(self, s: State) -> Value:
        """exp(b e); at the start it is a number of the run."""
        at = self.at(s)
        return Value.of(self.run_.start) if at is self.first else (at * self.rate).through("exp")

    def gap(self, s: State) -> Value:
        if self.quadratic:
            return self.scale * self.at(s) ** 2 * _HALF
        return self.scale * (self.exponential(s) - self.rate * self.at(s) - _ONE)

    def slope(self, s: State) -> Value:
        if s.slope is not None:
            return s.slope
        return self.scale * (self.at(s) if self.quadratic else self.rate * (self.exponential(s) - _ONE))

    def bend(self, s: State) -> Value:
        return self.scale if self.quadratic else self.scale * self.rate**2 * self.exponential(s)

    # --- one step

    def next(self, s: State, n: int, draws: Draws) -> tuple[State, Numbers]:
        algebra = Numbers(self, s, n, draws)
        values = evaluate(self.setting.method.rule, algebra)
        return State(values["x"], {name: values[name] for name in s.memory}, Fraction(0)), algebra

    def change(self, key: Any, s: State, n: int, place: Place) -> Value:
        """E V(next state) - V, where V is the loss or a product."""
        after, algebra = self.next(s, n, lambda _: _ZERO)
        before, mean, numbers = self.product(key, s), self.product(key, after), sorted(algebra.seen)
        if not self.quadratic and numbers:
            if self.clients != 1 or not self.bounded:
                raise NoValue
            draws = product(*[(Value.of(s.spread), Value.of(-s.spread))] * len(numbers))
            ends = [self.next(s, n, dict(zip(numbers, chosen, strict=True)).__getitem__)[0] for chosen in draws]
            return sum((self.product(key, e) for e in ends), _ZERO) * Value.of(Fraction(1, len(ends))) - before
        for number in numbers:  # V is quadratic in a draw, whose mean is 0 and whose variance is Q/N
            ends = [self.next(s, n, lambda k, c=c, i=number: Value.of(c if k == i else 0))[0] for c in (1, -1)]
            bent = sum((self.product(key, e) for e in ends), _ZERO) * _HALF - self.product(key, after)
            mean = mean + bent * self.covariance(place) * Value.of(1 / self.clients)
        return mean - before

    def product(self, key: Any, s: State) -> Value:
        if isinstance(key, Term):
            return value(key, lambda t: s.memory[t[1]] if t[1] in s.memory else self.constants(t))
        return self.gap(s) if key == "f" else self.vector(key[0], s) * self.vector(key[1], s)

    def vector(self, v: str, s: State) -> Value:
        """The only nonzero coordinate of a vector."""
        if v in self.setting.sums:
            return self.combined(self.setting.sums[v].parts, s)
        if v in s.memory:
            return s.memory[v]
        if v == nm.DISTANCE:
            return self.at(s)
        if v == nm.GRADIENT:
            return self.slope(s)
        if v == nm.BENT:
            return self.bend(s) * self.slope(s).inverse()
        if v == nm.MESSAGE and self.signs and 0 < self.run_.scale <= self.slope(s).exact:
            return _ONE  # else the sign is random
        return self.elsewhere("gradient", v, s)

    def combined(self, parts: Mapping[str, Term], s: State) -> Value:
        """A combination of vectors whose coefficients are constants."""
        return sum((value(c, self.constants) * self.vector(v, s) for v, c in parts.items()), _ZERO)

    def elsewhere(self, of: str, name: str, s: State) -> Value:
        """The value at another point, x plus a combination of the memory, of a method without noise on a quadratic loss.

        Args:
            of: "gradient" or "value", the loss minus its least value.
            name: the name of this quantity.
        """
        for point in self.setting.points[1:]:
            if (
                name == (point.gradient if of == "gradient" else point.value[1])
                and self.quadratic
                and self.silent
                and self.bounded
            ):
                at = self.combined(point.parts, s)
                return self.scale * at if of == "gradient" else self.scale * at**2 * _HALF
        raise NoValue

    def covariance(self, place: Place) -> Value:
        """Q from its definition, or from the mean square of a random mask; 0 if gradient and noise are 0."""
        for r in self.setting.definitions.values():
            if r.left == nm.Q:
                return value(r.right, place)
        mask = self.compressor.mask(sp.Integer(int(self.constant("d").exact)))
        square, noise = value(nm.G**2, place), value(nm.NOISE, place)
        if mask is not None:
            return self.number(mask.moment(2)) * (square + noise) - square
        if square.exact or noise.exact:
            raise NoValue
        return _ZERO

    # --- the letters of a state

    def place(self, s: State, n: int) -> Place:
        """The values of atoms at a state at step n; a change is the mean change in a step."""

        def atom(t: Term) -> Value | None:
            head = t[0]
            if head == "x":
                return self.letter(t, s, n, atom)
            if head == "norm":
                return self.vector(t[1][1], s).magnitude()
            if head == "dot":
                bent = self.bend(s) if t[2][0] == "Mv" else _ONE
                return self.vector(t[1][1], s) * bent * self.vector(t[2][-1][1] if t[2][0] == "Mv" else t[2][1], s)
            if head == "opnorm":
                return self.bend(s)
            if head == "quad":
                return self.bend(s) * self.vector(t[2][1], s) ** 2
            if head in ("tr", "trprod"):
                return self.covariance(atom) * (_ONE if head == "tr" else self.bend(s))
            if head == "F" and self.signs:  # 2 F - 1 of uniform noise on [-1, 1]
                return Value.of(max(Fraction(-1), min(Fraction(1), value(t[2], atom).exact)))
            if head in ("C", "S") and self.constant("N" if head == "C" else "d").exact == 1:
                return value(t[1], atom)
            return self.over_time(t) if head in ("E", "I", "EI") else None

        return atom

    def letter(self, t: Term, s: State, n: int, place: Place) -> Value:
        defined = next((r.right for r in self.setting.definitions.values() if r.left == t), None)
        if t[1] in s.memory:
            return s.memory[t[1]]
        if (b := next((b for b in self.setting.numbers if after(b) == t[1]), None)) is not None:
            return self.next(s, n, lambda _: _ZERO)[0].memory[b]
        for key, p in (*self.setting.potentials.items(), *self.setting.functions.items()):
            if t == p.value:
                return self.product(key, s)
            if t == p.change:
                return self.change(key, s, n, place) if self.setting.steps or defined is None else value(defined, place)
        if t in self.ends:
            return self.product(self.ends[t], self.begin())
        if t == nm.fstar:
            return _ZERO
        if t == nm.f:
            return self.gap(s)
        if t == nm.NOISE:
            return Value.of(s.spread**2) if defined is None else value(defined, place)
        if t == nm.u:
            return self.schedule(n)
        if t == nm.clip:
            return self.next(s, n, lambda _: _ZERO)[1].clip
        if self.signs and t in (sg.y, sg.sigma, sg.b, sg.M):
            return {sg.y: self.slope(s), sg.sigma: Value.of(self.run_.scale), sg.b: _ONE, sg.M: _HALF}[t]
        if self.setting.context.symbols.get(t[1]) == "clock":
            return Value.of(n)
        if any(t == point.value for point in self.setting.points[1:]):
            return self.elsewhere("value", t[1], s)
        if self.setting.context.symbols.get(t[1]) != "const":
            raise NoValue
        return self.constant(t[1])

    def over_time(self, t: Term) -> Value:
        """The mean at the end, or a sum over the steps; `sdescent.derive.theorems.bounds.runs.check` overrides this."""
        raise NoValue

    # --- the run

    def begin(self) -> State:
        memory = {name: Value.of(start) for name, start in self.setting.method.rule.memory}
        memory |= {b: self.constant(at_the_start(b)) for b in self.setting.numbers}
        return State(self.first, memory, abs(self.run_.noise[0]))

    def states(self) -> list[State]:
        """The listed states from the start to the step at which the claim fails; for a claim at the horizon, only the start."""
        states, noise, compressor = [self.begin()], self.run_.noise, self.setting.method.compressor
        possible = (self.setting.any_noise or self.silent) and isinstance(compressor, Identity | NormClip)
        for n, drawn in enumerate(() if self.at_the_end else noise[:-1]):
            if not self.setting.steps or not possible or not self.quadratic:
                raise NoValue
            after, _ = self.next(states[-1], n, lambda _, drawn=drawn: Value.of(drawn))
            states.append(replace(after, spread=abs(noise[n + 1])))
        return states
