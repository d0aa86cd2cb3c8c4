"""Runs that refute a theorem of one's own, and their check, which shares no code with the search (`derive.bounds.refuting`).

A run is a loss of one coordinate, numbers for the constants of the theorem, a start with the memory at its start, and the noise of
each step: +z or -z with equal chances for each client. The method's own update rule is carried out in exact numbers. A bound on a
step is refuted where it fails at the last state that is listed; from the next step on there is no noise. A claim at the horizon is
refuted by its means over all outcomes, of the second moments of a linear step.

When the theorem's assumptions hold of a run:
- Those about constants hold in its numbers.
- A class of losses is a property of the loss on the whole space: smooth, pl, convex, bounded gradient, ..
- What is assumed of the state (a formula with f, G, .., a variance that depends on it, `bounded step`) holds at each state that is
  listed, and at every state that any outcome may visit, for ever: on |x - x*| <= r, where the run stays for what is drawn, and on
  all of R where its noise has a law of the file's, which may be unbounded.

What is not shown by these numbers refutes nothing. Losses: h e^2/2, with a core or without: with one it is that for |e| <= r, and
beyond f'' falls linearly to 0 within w, so that ||grad f|| <= h (r + w/2); and A (exp(b e) - b e - 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

import sympy as sp

from derive.bounds import names as nm
from derive.bounds.exact import Atoms, NoValue, Value, holds, value
from derive.bounds.messages import NOISE
from derive.bounds.setting import Setting
from derive.methods.compressors import Identity, NormClip, Sign
from derive.methods.distributed import PLAIN
from derive.methods.rules.update import Draw, evaluate
from derive.methods.specialise import specialise
from derive.proof.language.context import parts
from derive.proof.language.terms import Relation, Term, num
from derive.theorems.signs import setting as sg
from derive.vocabulary.errors import BadInput, Refusal
from derive.vocabulary.symbols import t as time
from derive.vocabulary.symbols import u as free

_ZERO, _ONE, _HALF = Value.of(0), Value.of(1), Value.of(Fraction(1, 2))
#: |x - x*|, or ||grad f|| of an exponential loss, wherever the run may be
_LINE = Value((Fraction(0), Fraction(0)), (Fraction(1), Fraction(1)))
#: powers of a step that are looked at for a contraction; steps whose means are computed
_POWERS, _MOST_STEPS = 32, 200
#: the part of a bound of the gradient below which a loss with a core is quadratic
WITHIN = Fraction(15, 16)
Place = Atoms
Draws = Callable[[int], Value]


@dataclass(frozen=True)
class Run:
    """A run in exact numbers.

    Args:
        shape: (h,) of h e^2/2, or (A, b) of A (exp(b e) - b e - 1).
        core: radius r and width w, or nothing.
        constants: name -> number, of the theorem and the method.
        start: x_0 - x*; of an exponential loss exp(b (x_0 - x*)).
        noise: for a bound on a step, what is drawn in the steps before the last, +z or -z, and z of the last; for a claim at the
            horizon z of each step.
        scale: of the uniform noise on [-scale, scale] of signs.
        states: the letters of each state that is listed, name -> number.
        margins: assumption -> right side less left side at each such state; of enclosed numbers their lower bounds.
        sides: the two sides of the claim, as lower and upper bound.
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


def recorded(given: Setting, claim: Relation, run: Run) -> Run | None:
    """The run with its states, margins and sides, if all assumptions hold and the claim fails; None otherwise.

    Args:
        claim: a bound on a step, or one at the horizon.
    """
    try:
        return _Check(given, claim, run).run()
    except (NoValue, BadInput, Refusal):
        return None


def cored(given: Setting, run: Run) -> Run:
    """A quadratic run with a core, where the gradient has to be bounded: of 15/16 of what the bound allows."""
    bounds = given.hypotheses.classes.get("bounded gradient")
    if bounds is None or len(run.shape) > 1 or run.shape[0] <= 0:
        return run
    try:
        top = value(bounds[0], _Check(given, bounds[0].le(0), run).constants).exact / run.shape[0]
    except NoValue:
        return run
    return replace(run, core=(top * WITHIN, top * (1 - WITHIN)))


def in_numbers(given: Setting, claim: Relation, run: Run) -> list[Relation] | None:
    """What a run needs and, last, the claim, in numbers and the constants that the run leaves open; None where it is not computed.

    This is for a search, which `recorded` has to confirm.
    """
    try:
        return _Check(given, claim, run).in_numbers()
    except (NoValue, BadInput, Refusal):
        return None


def refutes(given: Setting, claim: Relation, run: Run) -> bool:
    """Whether a run refutes a claim, and every number in it is what it is said to be."""
    return recorded(given, claim, run) == run


@dataclass(frozen=True)
class _State:
    """x - x* (None where the gradient alone is known), the memory, and z of the noise."""

    at: Value | None
    memory: Mapping[str, Value]
    spread: Fraction
    slope: Value | None = None


class _Numbers:
    """The algebra of a rule: numbers in place of vectors. The minimiser is 0."""

    def __init__(self, check: _Check, state: _State, n: int, draws: Draws) -> None:
        self.check, self.state, self.draws = check, state, draws
        self.eta = check.constant("eta") * check.schedule(n)
        self.plain, self.seen, self.clip = True, set[int](), _ONE

    def number(self, value: Fraction) -> Value:
        return Value.of(value)

    def letter(self, name: str) -> Value:
        if name == "x":
            return self.check.at(self.state)
        if name in self.state.memory:
            return self.state.memory[name]
        return self.eta if name == "eta" else self.check.constant(name)

    def add(self, terms: Sequence[Value]) -> Value:
        return sum(terms, _ZERO)

    def multiply(self, factors: Sequence[Value]) -> Value:
        return math.prod(factors, start=_ONE)

    def divide(self, above: Value, below: Value) -> Value:
        return above * below.inverse()

    def power(self, base: Value, exponent: int) -> Value:
        return base**exponent

    def raised(self, base: Value, exponent: Value) -> Value:
        raise NoValue

    def function(self, name: str, arguments: Sequence[Value]) -> Value:
        if name == "sqrt":
            return arguments[0].through("sqrt")
        self.plain = False
        if name == "norm":
            return arguments[0].magnitude()
        if name == "min":
            self.clip = Value.of(min(a.exact for a in arguments))
            return self.clip
        raise NoValue

    def drawn(self, draw: Draw, argument: Value | None, client: Any) -> Value:
        slope = self.check.slope(self.state)
        if draw.kind not in ("G", "fresh") or argument is not None:
            raise NoValue
        if self.check.signs:
            self.plain = False
            return self.check.vector(nm.MESSAGE, self.state)
        if isinstance(self.check.given.method.compressor, NormClip):
            length = slope.magnitude()
            level = self.check.number(self.check.given.method.compressor.c)
            return slope * self.function("min", [_ONE, level * length.inverse()]) if length.exact else _ZERO
        self.seen.add(draw.number)
        return slope + self.draws(draw.number)

    def mean(self, of: Callable[[Any], Value]) -> Value:
        raise NoValue


class _Check:
    """The check of one run; every method raises NoValue where something does not hold, or is not known."""

    def __init__(self, given: Setting, claim: Relation, run: Run) -> None:
        self.given, self.claim, self.run_ = given, claim, run
        self.quadratic, self.at_the_end = len(run.shape) == 1, given.at_the_end(claim)
        method = given.method
        self.signs = isinstance(method.compressor, Sign)
        self.silent = not given.any_noise and (method.noise.law.degenerate or self.signs)
        self.ends = {p.start: key for key, p in given.potentials.items()}
        self.last = {p.end: key for key, p in given.potentials.items()}
        self.clients = Fraction(int(method.clients)) if method.clients.is_number else self.constant("N").exact
        steps = self.constant(given.horizon[1]).exact
        listed = run.noise[:-1] if self.at_the_end else run.noise[-1:]
        if not run.noise or self.clients.denominator != 1 or (self.silent and any(run.noise)) or run.noise[-1] < 0:
            raise NoValue
        if any(z != run.noise[-1] for z in listed) or bool(run.scale) is not self.signs or (self.signs and not given.any_noise and not method.noise.law.degenerate):
            raise NoValue
        if given.steps and (steps.denominator != 1 or not len(run.noise) <= steps <= (len(run.noise) if self.at_the_end else steps)):
            raise NoValue
        start = Value.of(run.start)
        self.first = start if self.quadratic else start.through("log") * Value.of(run.shape[1]).inverse()

    # --- numbers

    def constant(self, name: str) -> Value:
        table = dict(self.given.method.constants)
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
        """The atoms of a term of constants."""
        return self.constant(t[1]) if t[0] == "x" else None

    def schedule(self, n: int) -> Value:
        """u at step n; of a free schedule it is the run's at every step."""
        factor = self.given.method.schedule.factor
        return self.constant("u") if factor == free else self.number(factor.subs(time, n * sp.Rational(str(self.run_.constants["eta"]))))

    # --- the loss

    def at(self, s: _State) -> Value:
        if s.at is None:
            raise NoValue
        return s.at

    def exponential(self, s: _State) -> Value:
        """exp(b e), which at the start is a number of the run."""
        at = self.at(s)
        return Value.of(self.run_.start) if at is self.first else (at * Value.of(self.run_.shape[1])).through("exp")

    def gap(self, s: _State) -> Value:
        scale, *more = (Value.of(c) for c in self.run_.shape)
        if self.quadratic:
            return scale * self.at(s) ** 2 * _HALF
        return scale * (self.exponential(s) - more[0] * self.at(s) - _ONE)

    def slope(self, s: _State) -> Value:
        scale, *more = (Value.of(c) for c in self.run_.shape)
        if s.slope is not None:
            return s.slope
        return scale * self.at(s) if self.quadratic else scale * more[0] * (self.exponential(s) - _ONE)

    def bend(self, s: _State) -> Value:
        scale, *more = (Value.of(c) for c in self.run_.shape)
        return scale if self.quadratic else scale * more[0] ** 2 * self.exponential(s)

    # --- one step

    def next(self, s: _State, n: int, draws: Draws) -> tuple[_State, _Numbers]:
        algebra = _Numbers(self, s, n, draws)
        values = evaluate(self.given.method.rule, algebra)
        return _State(values["x"], {name: values[name] for name in s.memory}, Fraction(0)), algebra

    def change(self, key: Any, s: _State, n: int, place: Place) -> Value:
        """E V(next state) - V, V the loss or a product."""
        after, algebra = self.next(s, n, lambda _: _ZERO)
        before, mean, numbers = self.product(key, s), self.product(key, after), sorted(algebra.seen)
        if not self.quadratic and numbers:
            if self.clients != 1 or not (self.silent or self.given.any_noise) or not isinstance(self.given.method.compressor, Identity):
                raise NoValue
            draws = product(*[(Value.of(s.spread), Value.of(-s.spread))] * len(numbers))
            ends = [self.next(s, n, dict(zip(numbers, chosen, strict=True)).__getitem__)[0] for chosen in draws]
            return sum((self.product(key, e) for e in ends), _ZERO) * Value.of(Fraction(1, len(ends))) - before
        for number in numbers:  # V is quadratic in a draw, whose mean is 0 and whose variance is Q/N
            one, other = (self.next(s, n, lambda k, c=c, number=number: c if k == number else _ZERO)[0] for c in (_ONE, Value.of(-1)))
            bent = (self.product(key, one) + self.product(key, other)) * _HALF - self.product(key, after)
            mean = mean + bent * self.covariance(place) * Value.of(1 / self.clients)
        return mean - before

    def product(self, key: Any, s: _State) -> Value:
        return self.gap(s) if key == "f" else self.vector(key[0], s) * self.vector(key[1], s)

    def vector(self, v: str, s: _State) -> Value:
        """The one coordinate of a vector that is not 0."""
        if v in self.given.sums:
            return sum((value(c, self.constants) * self.vector(w, s) for w, c in self.given.sums[v].parts.items()), _ZERO)
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
        raise NoValue

    def covariance(self, place: Place) -> Value:
        """Q: as it is defined, or of a random mask, whose square has a mean; 0 where there is nothing to compress."""
        for r in self.given.definitions.values():
            if r.left == nm.Q:
                return value(r.right, place)
        dim = sp.Integer(int(self.constant("d").exact))
        made = specialise(self.given.method.compressor, dict(self.run_.constants))
        made.check_dimension(int(dim))
        mask, square, noise = made.mask(dim), value(nm.G**2, place), value(NOISE, place)
        if mask is not None:
            return self.number(mask.moment(2)) * (square + noise) - square
        if square.exact or noise.exact:
            raise NoValue
        return _ZERO

    # --- the letters of a state

    def place(self, s: _State, n: int) -> Place:
        """What atoms are at a state, at step n; a change is the mean one of a step."""

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

    def letter(self, t: Term, s: _State, n: int, place: Place) -> Value:
        defined = next((r.right for r in self.given.definitions.values() if r.left == t), None)
        for key, p in self.given.potentials.items():
            if t == p.value:
                return self.product(key, s)
            if t == p.change:
                return self.change(key, s, n, place) if self.given.steps or defined is None else value(defined, place)
        if t in self.ends:
            return self.product(self.ends[t], self.begin())
        if t == nm.fstar:
            return _ZERO
        if t == nm.f:
            return self.gap(s)
        if t == NOISE:
            return Value.of(s.spread**2) if defined is None else value(defined, place)
        if t == nm.u:
            return self.schedule(n)
        if t == nm.clip:
            return self.next(s, n, lambda _: _ZERO)[1].clip
        if self.signs and t in (sg.y, sg.sigma, sg.b, sg.M):
            return {sg.y: self.slope(s), sg.sigma: Value.of(self.run_.scale), sg.b: _ONE, sg.M: _HALF}[t]
        if self.given.context.symbols.get(t[1]) != "const":
            raise NoValue
        return self.constant(t[1])

    # --- the run

    def begin(self) -> _State:
        memory = {name: Value.of(start) for name, start in self.given.method.rule.memory}
        return _State(self.first, memory, abs(self.run_.noise[0]))

    def states(self) -> list[_State]:
        """Those that are listed: from the start to where the bound on a step is to fail; the start alone for the horizon."""
        states, noise = [self.begin()], self.run_.noise
        for n, drawn in enumerate(() if self.at_the_end else noise[:-1]):
            possible = (self.given.any_noise or self.silent) and isinstance(self.given.method.compressor, Identity | NormClip)
            if not self.given.steps or not possible or not self.quadratic:
                raise NoValue
            after, _ = self.next(states[-1], n, lambda _, drawn=drawn: Value.of(drawn))
            states.append(replace(after, spread=abs(noise[n + 1])))
        return states

    def run(self) -> Run:
        run, states = self.run_, self.states()
        margins: dict[str, tuple[Fraction, ...]] = {"of the loss": self.of_the_loss(), "length of a step": self.short_steps()}
        places = [self.place(s, n) for n, s in enumerate(states)]
        for name, r in {**self.given.assumptions, **self.given.definitions}.items():
            heads = {p for side in r[1:] for p in parts(side)}
            if name not in self.given.formulas and heads & set(self.last) and not any(p[0] == "E" for p in heads):
                continue  # f >= f* and squares are >= 0 at the end too
            exact = name in self.given.formulas or self.quadratic
            if not all(self.met(r, place, exact) for place in places) or not self.for_ever(name, r, heads):
                raise NoValue
            margins[name] = tuple((value(r.right, p) - value(r.left, p)).pair[0] for p in places)
        left, right = (value(side, places[-1]).pair for side in (self.claim.left, self.claim.right))
        if not (left[0] > right[1] or (self.claim.op == "<" and left[0] >= right[1])):
            raise NoValue
        return replace(run, states=tuple(self.told(s) for s in states), margins=margins, sides=(*left, *right))

    @staticmethod
    def met(r: Relation, place: Place, exact: bool) -> bool:
        """Whether a relation holds at a state; of the engine's own identities it is enough that enclosures agree."""
        if exact or r.op != "==":
            return holds(r, place)
        low, high = (value(r.right, place) - value(r.left, place)).pair
        return low <= 0 <= high

    def told(self, s: _State) -> dict[str, Fraction]:
        loss = {"f - fstar": self.gap(s), "f'": self.slope(s), "f''": self.bend(s)}
        letters = {"x - xstar": self.at(s), **s.memory, **loss, "z": Value.of(s.spread)}
        return {name: v.pair[0] for name, v in letters.items()}

    def in_numbers(self) -> list[Relation]:
        """The assumptions at each listed state and where the run may go, and the claim at the last."""
        states, known = self.states(), self.run_.constants

        def put(t: Any, place: Place) -> Any:
            if not isinstance(t, Term) or t[0] in ("q", "pi"):
                return t
            if t[0] in ("+", "*", "^", "/", "f"):
                return Term(put(a, place) for a in t)
            if t[0] == "x" and self.given.context.symbols[t[1]] == "const" and t not in self.ends and t[1] not in {*known, "fstar"}:
                return t
            return num(value(t, place).exact)

        def at(r: Relation, s: _State, n: int) -> Relation:
            return Relation((r[0], *(put(side, self.place(s, n)) for side in r[1:])))

        h, reach = self.run_.shape[0], self.reach()
        listed = list(enumerate(states))
        asked = [c for bound in self.given.hypotheses.classes.get("smooth", ())[:1] for c in (num(h).le(put(bound, self.constants)),)]
        for name in ("pl", "strongly convex"):
            asked += [put(bound, self.constants).le(h) for bound in self.given.hypotheses.classes.get(name, ())]
        for name, r in {**self.given.assumptions, **self.given.definitions}.items():
            heads = {p for side in r[1:] for p in parts(side)}
            if heads & set(self.last) and not any(p[0] == "E" for p in heads):
                continue
            asked += [at(r, s, n) for n, s in listed]
            if name in self.given.formulas and reach is not None and not self.given.at_the_end(r):
                asked.append(at(r, replace(states[0], at=Value.of(reach)), 0))
            if name == "bounded gradient":
                asked.append(num(h * (reach or 0)).le(put(r.right, self.constants) * WITHIN))
        found = self.stays() if self.given.hypotheses.radius is not None else None
        asked += [] if found is None else [num(found[1]).le(put(self.given.hypotheses.radius, self.constants))]
        return [*(r for r in asked if r.left != r.right), at(self.claim, *reversed(listed[-1]))]

    # --- the whole space

    def of_the_loss(self) -> tuple[Fraction, ...]:
        """The loss is in every class: how far the gradient is below its bounds."""
        classes, run = self.given.hypotheses.classes, self.run_
        bounds = {name: [value(t, self.constants).exact for t in terms] for name, terms in classes.items() if name != "variance"}
        convexity = [c for name in ("pl", "strongly convex") for c in bounds.get(name, ())]
        h = run.shape[0]
        if self.quadratic:
            fits = h >= max([Fraction(0), *convexity]) and (h > 0 or "coercive" not in classes)
            fits = fits and all(h <= bound for bound in bounds.get("smooth", ())[:1])
            largest = Fraction(0) if h == 0 else None
        else:  # |f''| <= A b^2 + b |f'|
            A, b = run.shape
            first, second = (*bounds.get("smooth", (A * b**2, b)), Fraction(0))[:2]
            fits, largest = min(A, b, run.start) > 0 and first >= A * b**2 and second >= b and not convexity, None
        if run.core:
            fits = fits and self.quadratic and len(run.core) == 2 and min(h, *run.core) > 0 and not convexity
            reach, largest = self.reach(), h * (run.core[0] + run.core[1] / 2)
            fits = fits and reach is not None and reach <= run.core[0]
        limits = bounds.get("bounded gradient", [])
        if not fits or len(limits) < len(run.core[:1]) or any(largest is None or largest > bound for bound in limits):
            raise NoValue
        return tuple(bound - (largest or 0) for bound in limits)

    def for_ever(self, name: str, r: Relation, heads: set[Term]) -> bool:
        """Whether a relation holds at every state that may be visited, and of a class on the whole space."""
        atoms = [p for p in heads if p[0] not in ("q", "+", "*", "^", "/", "f", "pi", "v")]
        constant = all(p[0] == "x" and self.given.context.symbols.get(p[1]) == "const" for p in atoms)
        engine = name not in self.given.formulas and name not in self.given.hypotheses.relations and r != nm.G.gt(0)
        if constant or engine or self.given.at_the_end(r):
            return True
        whole = name in self.given.hypotheses.relations and r.left != NOISE
        if whole and (self.run_.core or not self.quadratic):
            return True  # `of_the_loss` has seen to it
        noise = self.run_.noise
        spreads = {Fraction(0), *((abs(z) for z in noise) if self.at_the_end or len(noise) > 1 else ())}
        reach = None if whole else self.reach()
        at, slope = (_LINE, None) if self.quadratic else (None, _LINE)
        return all(holds(r, self.place(_State(at, {}, z, slope), 0), reach) for z in spreads)

    # --- where the run stays

    def linear(self) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
        """A and the columns of the draws of a step s' = A s + sum of columns times draws, s = (x - x*, memory)."""
        if self.given.method.schedule.factor not in (1, free) or not self.quadratic:
            raise NoValue
        names = [name for name, _ in self.given.method.rule.memory]

        def column(s: list[int], drawn: int | None) -> tuple[list[Fraction], _Numbers]:
            at, *memory = (Value.of(c) for c in s)
            state = _State(at, dict(zip(names, memory, strict=True)), Fraction(0))
            after, algebra = self.next(state, 0, lambda k: _ONE if k == drawn else _ZERO)
            if not algebra.plain:
                raise NoValue
            return [self.at(after).exact, *(after.memory[name].exact for name in names)], algebra

        units = [[int(i == j) for i in range(len(names) + 1)] for j in range(len(names) + 1)]
        columns = [column(unit, None) for unit in units]
        zero = [0] * len(units)
        return [list(row) for row in zip(*(c for c, _ in columns), strict=True)], [column(zero, k)[0] for k in sorted(columns[0][1].seen)]

    def stays(self) -> tuple[list[Fraction], Fraction] | None:
        """Bounds of the coordinates of s for all outcomes and all times, and of the length of a step; None where there are none."""
        noise = [abs(z) for z in self.run_.noise]
        if not (self.silent or self.given.any_noise) or not isinstance(self.given.method.compressor, Identity):
            return None
        A, draws = self.linear()
        b = [sum((abs(c[i]) for c in draws), Fraction(0)) for i in range(len(A))]
        size = [abs(v.exact) for v in (self.first, *self.begin().memory.values())]
        most = size
        for z in noise:
            size = [sum((abs(c) * s for c, s in zip(row, size, strict=True)), z * b[i]) for i, row in enumerate(A)]
            most = [max(pair) for pair in zip(most, size, strict=True)]
        power = [[Fraction(int(i == j)) for j in range(len(A))] for i in range(len(A))]
        for _ in range(0 if self.at_the_end else _POWERS):  # without noise: s stays in a cube that a power of A maps into itself
            most = [max(m, sum(map(abs, row)) * max(size)) for m, row in zip(most, power, strict=True)]
            power = [[sum((a * p for a, p in zip(row, c, strict=True)), Fraction(0)) for c in zip(*power, strict=True)] for row in A]
            if all(sum(map(abs, row)) <= 1 for row in power):
                break
        else:
            if not self.at_the_end:
                return None
        step = sum((abs(c - (i == 0)) * m for i, (c, m) in enumerate(zip(A[0], most, strict=True))), max(noise) * b[0])
        return most, step

    def descends(self) -> tuple[Fraction, Fraction] | None:
        """Of an exponential loss and x' = x - eta G: bounds of the gradient and of a step, where no step passes the minimiser."""
        if self.at_the_end or len(self.run_.noise) > 1 or self.given.method.rule.update != PLAIN.update:
            return None
        if (not self.silent and not self.given.any_noise) or not isinstance(self.given.method.compressor, Identity):
            return None
        start, z, eta = self.begin(), self.run_.noise[0], self.constant("eta") * self.schedule(0)
        states = [start, *(self.next(start, 0, lambda _, c=c: Value.of(c))[0] for c in ((z, -z) if self.given.steps else ()))]
        steepest = max(eta.pair[1] * max(self.bend(s).pair[1], self.run_.shape[0] * self.run_.shape[1] ** 2) for s in states)
        if self.given.steps and (steepest > 1 or self.given.method.schedule.factor not in (1, free)):
            return None
        most = max(self.slope(s).magnitude().pair[1] for s in states)
        return most, eta.pair[1] * (most + abs(z))

    def reach(self) -> Fraction | None:
        """r with |x - x*| <= r for ever, or ||grad f|| <= r of an exponential loss; None where there is none."""
        if (not self.given.steps and any(self.run_.noise)) or not (self.silent or self.given.any_noise):
            return None
        if self.quadratic and not self.given.steps:
            return abs(self.run_.start)
        found = self.stays() if self.quadratic else self.descends()
        return None if found is None else found[0][0] if isinstance(found[0], list) else found[0]

    def short_steps(self) -> tuple[Fraction, ...]:
        """How far the length of a step is below the bound that is assumed."""
        if self.given.hypotheses.radius is None or not self.given.steps:
            return ()
        found = self.stays() if self.quadratic else self.descends()
        longest = value(self.given.hypotheses.radius, self.constants).exact
        if found is None or found[1] > longest:
            raise NoValue
        return (longest - found[1],)

    # --- means over time

    @cached_property
    def moments(self) -> list[tuple[list[list[Fraction]], Fraction]]:
        """E s s' and z before each step and at the end."""
        A, draws = self.linear()
        noise, steps = self.run_.noise, int(self.constant(self.given.horizon[1]).exact)
        if not self.given.steps or steps > _MOST_STEPS:
            raise NoValue
        s = [v.exact for v in (self.first, *self.begin().memory.values())]
        found = [([[a * b for b in s] for a in s], Fraction(0))]
        for n in range(steps):
            M, z = found[-1][0], abs(noise[n]) if n < len(noise) else Fraction(0)
            found[-1] = M, z
            spread = self.quadratic_mean(self.covariance(self.place(_State(_LINE, {}, z), n)), M) / self.clients
            AM = [[sum(a * m for a, m in zip(row, column, strict=True)) for column in zip(*M, strict=True)] for row in A]
            moved = [[sum(c * a for c, a in zip(row, other, strict=True)) for other in A] for row in AM]
            rows = range(len(A))
            found.append(([[moved[i][j] + sum(c[i] * c[j] for c in draws) * spread for j in rows] for i in rows], Fraction(0)))
        return found

    @staticmethod
    def quadratic_mean(v: Value, M: list[list[Fraction]]) -> Fraction:
        """The mean of c0 + c2 (x - x*)^2."""
        coefficients = [low for low, high in v.parts if low == high]
        if len(coefficients) < len(v.parts) or len(coefficients) > 3 or coefficients[1:2] not in ([], [0]):
            raise NoValue
        return coefficients[0] + (coefficients[2] * M[0][0] if len(coefficients) == 3 else 0)

    def over_time(self, t: Term) -> Value:
        """E at the end, or the sum of means over the steps."""
        steps = len(self.moments) - 1
        return self.mean(t[1], steps) if t[0] == "E" else sum((self.mean(t[1], n) for n in range(steps)), _ZERO)

    def mean(self, t: Term, n: int) -> Value:
        """The mean of a quadratic function of the state at step n."""
        head, (M, z) = t[0], self.moments[n]
        if head == "+":
            return sum((self.mean(a, n) for a in t[1:]), _ZERO)
        if head == "/":
            return self.mean(t[1], n) * value(t[2], self.constants).inverse()
        if head == "*":
            random = [a for a in t[1:] if not self.certain(a)]
            rest = math.prod((value(a, self.at_step(n)) for a in t[1:] if self.certain(a)), start=_ONE)
            return rest * (self.mean(random[0], n) if len(random) == 1 else _ONE) if len(random) < 2 else _none()
        keys = {p.end if n == len(self.moments) - 1 else p.value: key for key, p in self.given.potentials.items()} | {nm.f: "f"}
        if t in keys or (head == "^" and t[1][0] == "norm" and t[2] == 2) or head == "dot":
            key = keys[t] if t in keys else (t[1][1][1],) * 2 if head == "^" else (t[1][1], t[2][1])
            if key == "f":
                return Value.of(self.run_.shape[0] / 2 * M[0][0])
            one, other = (self.form(v) for v in key)
            return Value.of(sum(a * b * M[i][j] for i, a in enumerate(one) for j, b in enumerate(other)))
        if t == nm.Q or t == NOISE:
            return Value.of(self.quadratic_mean(value(t, self.place(_State(_LINE, {}, z), n)), M))
        return value(t, self.at_step(n)) if self.certain(t) else _none()

    def certain(self, t: Term) -> bool:
        return all(p[0] not in ("x", "norm", "dot", "tr", "opnorm", "quad", "trprod", "F", "E", "I", "EI", "C", "S")
                   or (p[0] == "x" and self.given.context.symbols.get(p[1]) in ("const", "time")) for p in parts(t))

    def at_step(self, n: int) -> Place:
        """The atoms of what is known in advance."""
        return lambda t: self.letter(t, self.begin(), n, self.constants) if t[0] == "x" else None

    def form(self, v: str) -> list[Fraction]:
        """A vector as a combination of x - x* and the memory."""
        names = [name for name, _ in self.given.method.rule.memory]
        units = [[_ONE if i == j else _ZERO for i in range(len(names) + 1)] for j in range(len(names) + 1)]
        states = [_State(at, dict(zip(names, memory, strict=True)), Fraction(0)) for at, *memory in units]
        return [self.vector(v, s).exact for s in states]


def _none() -> Value:
    raise NoValue
