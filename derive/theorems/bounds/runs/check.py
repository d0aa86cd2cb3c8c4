"""The check of runs that refute a theorem of one's own; it shares no code with the search (`derive/theorems/bounds/refuting.py`).

A run has a loss of one coordinate, numbers for the constants of the theorem, a starting point with the initial memory, and the
noise of each step: +z or -z with equal chances for each client. The method's own update rule is evaluated in exact numbers. A bound
on a step is refuted if it fails at the last listed state; later steps have no noise. A claim at the horizon is refuted by its means
over all outcomes, computed from the second moments of a linear step.

A run satisfies the theorem's assumptions in the following sense.
- Assumptions about constants hold for the numbers of the run.
- A class of losses (smooth, pl, convex, bounded gradient, ..) is a property of the loss on the whole space.
- Assumptions about the state (a formula with f, G, .., a variance that depends on the state, `bounded step`) hold at each listed
  state and at every state that any outcome may ever visit: on a set |x - x*| <= r that the run never leaves, or on all of R if the
  noise has a law from the file, which may be unbounded.

If the numbers of a run leave any of this open, the run refutes nothing. The losses are A (exp(b e) - b e - 1), and h e^2/2 with or
without a core. With a core (r, w) the loss is h e^2/2 for |e| <= r, and beyond r its second derivative falls linearly to 0 over a
distance w, so that ||grad f|| <= h (r + w/2).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from sdescent.derive.methods.distributed import PLAIN
from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.terms import Relation, Term, num
from sdescent.derive.theorems.bounds.kernel_context import Setting
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import LIPSCHITZ
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of
from sdescent.derive.theorems.bounds.runs.exact import NoValue, Value, holds, value
from sdescent.derive.theorems.bounds.runs.trajectory import LINE, Numbers, Place, Run, State, Trajectory
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import u as free

#: the most steps in a claim at the horizon
_MOST_STEPS = 200
#: how many powers of a step to examine for a contraction
_POWERS = 32
#: a loss with a core is quadratic while the gradient is below this fraction of its bound
WITHIN = Fraction(15, 16)
_ZERO, _ONE = Value.of(0), Value.of(1)


def recorded(setting: Setting, claim: Relation, run: Run) -> Run | None:
    """The run with its states, margins and sides, if all assumptions hold and the claim fails; None otherwise.

    Args:
        claim: a bound on a step or at the horizon.
    """
    try:
        return _Check(setting, claim, run).run()
    except (NoValue, BadInput, Refusal):
        return None


def cored(setting: Setting, run: Run) -> Run:
    """The run, with a core if its loss is quadratic and the gradient must be bounded; the core reaches 15/16 of the bound."""
    bounds = setting.hypotheses.classes.get("bounded gradient", ())
    if run.shape[1:] or run.shape[0] <= 0:
        return run
    try:
        top = min(value(t, _Check(setting, t.le(0), run).constants).exact for t in bounds) / run.shape[0]
    except (NoValue, ValueError):  # no bound is assumed
        return run
    return replace(run, core=(top * WITHIN, top * (1 - WITHIN)))


def in_numbers(setting: Setting, claim: Relation, run: Run) -> list[Relation] | None:
    """The requirements on a run and, last, the claim, in numbers and the run's open constants; None if they cannot be computed.

    They serve a search whose result `recorded` must confirm.
    """
    try:
        return _Check(setting, claim, run).in_numbers()
    except (NoValue, BadInput, Refusal):
        return None


def refutes(setting: Setting, claim: Relation, run: Run) -> bool:
    """Whether a run refutes a claim and all recorded numbers of the run are right."""
    return recorded(setting, claim, run) == run


class _Check(Trajectory):
    """The check of one run; every method raises NoValue if a condition fails or is undecided."""

    # --- the run

    def run(self) -> Run:
        run, states = self.run_, self.states()
        margins = {"of the loss": self.of_the_loss(), "length of a step": self.short_steps()}
        places = [self.place(s, n) for n, s in enumerate(states)]
        for name, r in {**self.setting.assumptions, **self.setting.definitions}.items():
            heads = set(parts_of(r))
            if name not in self.setting.formulas and heads & set(self.last) and not any(p[0] == "E" for p in heads):
                continue  # f >= f* and squares >= 0 also hold at the end
            # roots and logarithms of numbers have enclosures alone
            exact = name in self.setting.formulas or (self.quadratic and not self.setting.numbers)
            if not all(self.met(r, place, exact) for place in places) or not self.for_ever(name, r, heads):
                raise NoValue
            margins[name] = tuple((value(r.right, p) - value(r.left, p)).pair[0] for p in places)
        left, right = (value(side, places[-1]).pair for side in (self.claim.left, self.claim.right))
        if not (left[0] > right[1] or (self.claim.op == "<" and left[0] >= right[1])):
            raise NoValue
        return replace(run, states=tuple(self.told(s) for s in states), margins=margins, sides=(*left, *right))

    @staticmethod
    def met(r: Relation, place: Place, exact: bool) -> bool:
        """Whether a relation holds at a state; if not `exact`, the enclosures of the two sides of an equality need only overlap."""
        if exact or r.op != "==":
            return holds(r, place)
        low, high = (value(r.right, place) - value(r.left, place)).pair
        return low <= 0 <= high

    def told(self, s: State) -> dict[str, Fraction]:
        loss = {"f - fstar": self.gap(s), "f'": self.slope(s), "f''": self.bend(s)}
        letters = {"x - xstar": self.at(s), **s.memory, **loss, "z": Value.of(s.spread)}
        return {name: v.pair[0] for name, v in letters.items()}

    def in_numbers(self) -> list[Relation]:
        """The assumptions at each listed state and where else the run may go, and the claim at the last state."""
        states = self.states()

        def put(t: Any, place: Place) -> Any:
            if not isinstance(t, Term) or t[0] in ("q", "pi"):
                return t
            if t[0] in ("+", "*", "^", "/", "f"):
                return Term(put(a, place) for a in t)
            constant = t[0] == "x" and self.setting.context.symbols[t[1]] == "const"
            if constant and t not in self.ends and t[1] not in {*self.run_.constants, "fstar"}:
                return t
            return num(value(t, place).exact)

        def at(r: Relation, s: State, n: int) -> Relation:
            return Relation((r[0], *(put(side, self.place(s, n)) for side in r[1:])))

        h, reach, classes = self.run_.shape[0], self.reach(), self.setting.hypotheses.classes
        asked = [num(h).le(put(bound, self.constants)) for bound in classes.get("smooth", ())[:1]]
        for name in ("pl", "strongly convex"):
            asked += [put(bound, self.constants).le(h) for bound in classes.get(name, ())]
        for name, r in {**self.setting.assumptions, **self.setting.definitions}.items():
            heads = set(parts_of(r))
            if heads & set(self.last) and not any(p[0] == "E" for p in heads):
                continue
            asked += [at(r, s, n) for n, s in enumerate(states)]
            if name in self.setting.formulas and reach is not None and not self.setting.at_the_end(r):
                asked.append(at(r, replace(states[0], at=Value.of(reach)), 0))
            if name == "bounded gradient":
                asked.append(num(h * (reach or 0)).le(put(r.right, self.constants) * WITHIN))
        if self.setting.hypotheses.radius is not None and (bounds := self.stays()) is not None:
            asked.append(num(bounds[1]).le(put(self.setting.hypotheses.radius, self.constants)))
        return [*(r for r in asked if r.left != r.right), at(self.claim, states[-1], len(states) - 1)]

    # --- the whole space

    def of_the_loss(self) -> tuple[Fraction, ...]:
        """Check that the loss is in every class, and return the margins of the bounds on the gradient."""
        classes, run = self.setting.hypotheses.classes, self.run_
        of_losses = {name: terms for name, terms in classes.items() if name != "variance"}
        bounds = {name: [value(t, self.constants).exact for t in terms] for name, terms in of_losses.items()}
        convexity = [c for name in ("pl", "strongly convex") for c in bounds.get(name, ())]
        h = run.shape[0]
        if self.quadratic:
            fits = h >= max([Fraction(0), *convexity]) and (h > 0 or "coercive" not in classes)
            most = [*bounds.get("smooth", ())[:1], *(c for name in LIPSCHITZ for c in bounds.get(name, ()))]
            fits = fits and all(h <= bound for bound in most)
            largest = Fraction(0) if h == 0 else None
        else:  # |f''| <= A b^2 + b |f'|
            A, b = run.shape
            first, second = (*bounds.get("smooth", (A * b**2, b)), Fraction(0))[:2]
            fits, largest = min(A, b, run.start) > 0 and first >= A * b**2 and second >= b and not convexity, None
            fits = fits and not set(LIPSCHITZ) & set(bounds)
        if run.core:
            fits = fits and self.quadratic and len(run.core) == 2 and min(h, *run.core) > 0 and not convexity
            reach, largest = self.reach(), h * (run.core[0] + run.core[1] / 2)
            fits = fits and reach is not None and reach <= run.core[0]
        limits = bounds.get("bounded gradient", [])
        if not fits or len(limits) < len(run.core[:1]) or any(largest is None or largest > bound for bound in limits):
            raise NoValue
        return tuple(bound - (largest or 0) for bound in limits)

    def for_ever(self, name: str, r: Relation, heads: set[Term]) -> bool:
        """Whether a relation holds at every state that the run may visit; the relation of a class must hold on the whole space."""
        atoms = [p for p in heads if p[0] not in ("q", "+", "*", "^", "/", "f", "pi", "v")]
        kinds = [self.setting.context.symbols.get(p[1]) if p[0] == "x" else None for p in atoms]
        constant = all(kind == "const" for kind in kinds)
        engine = name not in self.setting.formulas and name not in self.setting.hypotheses.relations and r != nm.G.gt(0)
        if constant or engine or self.setting.at_the_end(r):
            return True
        if self.setting.method.schedule.factor not in (1, free) or "clock" in kinds:
            raise NoValue  # u and n change in later steps
        whole = name in self.setting.hypotheses.relations and r.left != nm.NOISE
        if whole and (self.run_.core or not self.quadratic):
            return True  # checked in `of_the_loss`
        noise = self.run_.noise
        spreads = {Fraction(0), *((abs(z) for z in noise) if self.at_the_end or len(noise) > 1 else ())}
        reach = None if whole else self.reach()
        at, slope = (LINE, None) if self.quadratic else (None, LINE)
        return all(holds(r, self.place(State(at, {}, z, slope), 0), reach) for z in spreads)

    # --- the set in which the run stays

    def linear(self, n: int | None = None) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
        """A and the columns of a step s' = A s + sum of columns times draws, where s = (x - x*, memory).

        Args:
            n: the number of the step, or None for every step; raises NoValue if steps differ.
        """
        if self.setting.method.schedule.factor not in (1, free) or not self.quadratic:
            raise NoValue
        names = [name for name, _ in self.setting.method.rule.memory]

        def column(s: list[int], drawn: int | None) -> tuple[list[Fraction], Numbers]:
            at, *memory = (Value.of(c) for c in s)
            state = State(at, dict(zip(names, memory, strict=True)), Fraction(0))
            after, algebra = self.next(state, n or 0, lambda k: _ONE if k == drawn else _ZERO)
            if not algebra.plain or (algebra.counted and n is None):
                raise NoValue
            return [self.at(after).exact, *(after.memory[name].exact for name in names)], algebra

        size = range(len(names) + 1)
        columns = [column([int(i == j) for i in size], None) for j in size]
        draws = [column([0 for _ in size], k)[0] for k in sorted(columns[0][1].seen)]
        return [list(row) for row in zip(*(c for c, _ in columns), strict=True)], draws

    def stays(self) -> tuple[Fraction, Fraction] | None:
        """Bounds on |x - x*| and on the length of a step for all outcomes and times; None if no bound is found."""
        noise = [abs(z) for z in self.run_.noise]
        if not self.bounded:
            return None
        A, draws = self.linear()
        b = [sum((abs(c[i]) for c in draws), Fraction(0)) for i in range(len(A))]
        size = [abs(v.exact) for v in (self.first, *self.begin().memory.values())]
        most = size
        for z in noise:
            size = [inner([abs(c) for c in row], size) + z * b[i] for i, row in enumerate(A)]
            most = [max(pair) for pair in zip(most, size, strict=True)]
        power = [[Fraction(int(i == j)) for j in range(len(A))] for i in range(len(A))]
        # later steps have no noise: s stays bounded if a power of A maps a cube into itself
        for _ in range(0 if self.at_the_end else _POWERS):
            most = [max(m, sum(map(abs, row)) * max(size)) for m, row in zip(most, power, strict=True)]
            power = [[inner(row, column) for column in zip(*power, strict=True)] for row in A]
            if all(sum(map(abs, row)) <= 1 for row in power):
                break
        else:
            if not self.at_the_end:
                return None
        return most[0], inner([abs(c - (i == 0)) for i, c in enumerate(A[0])], most) + max(noise) * b[0]

    def descends(self) -> tuple[Fraction, Fraction] | None:
        """Bounds on the gradient and a step for an exponential loss; None if none are known or x' = x - eta G may pass x*."""
        plain = self.setting.method.rule.update == PLAIN.update
        if self.at_the_end or len(self.run_.noise) > 1 or not plain or not self.bounded:
            return None
        start, z, eta = self.begin(), max(self.run_.noise), self.constant("eta") * self.schedule(0)
        draws, least = ((z, -z) if self.setting.steps else ()), self.run_.shape[0] * self.run_.shape[1] ** 2
        states = [start, *(self.next(start, 0, lambda _, c=c: Value.of(c))[0] for c in draws)]
        steepest = max(eta.pair[1] * max(self.bend(s).pair[1], least) for s in states)
        if self.setting.steps and (steepest > 1 or self.setting.method.schedule.factor not in (1, free)):
            return None
        most = max(self.slope(s).magnitude().pair[1] for s in states)
        return most, eta.pair[1] * (most + abs(z))

    def reach(self) -> Fraction | None:
        """r with |x - x*| <= r at all times, or with ||grad f|| <= r for an exponential loss; None if no such r is found."""
        if (not self.setting.steps and any(self.run_.noise)) or not (self.silent or self.setting.any_noise):
            return None
        if self.quadratic and not self.setting.steps:
            return abs(self.run_.start)
        bounds = self.stays() if self.quadratic else self.descends()
        return None if bounds is None else bounds[0]

    def short_steps(self) -> tuple[Fraction, ...]:
        """The margin of the assumed bound on the length of a step."""
        if self.setting.hypotheses.radius is None:
            return ()
        if not self.setting.steps:
            raise NoValue
        bounds = self.stays() if self.quadratic else self.descends()
        longest = value(self.setting.hypotheses.radius, self.constants).exact
        if bounds is None or bounds[1] > longest:
            raise NoValue
        return (longest - bounds[1],)

    # --- means over time

    @cached_property
    def moments(self) -> list[tuple[list[list[Fraction]], Fraction]]:
        """The matrix E s s' and z, before each step and at the end."""
        noise, steps = self.run_.noise, int(self.constant(self.setting.horizon[1]).exact)
        if not self.setting.steps or steps > _MOST_STEPS:
            raise NoValue
        s = [v.exact for v in (self.first, *self.begin().memory.values())]
        M, moments = [[a * b for b in s] for a in s], []
        for n in range(steps):
            A, draws = self.linear(n)
            z = abs(noise[n]) if n < len(noise) else Fraction(0)
            moments.append((M, z))
            spread = self.quadratic_mean(self.covariance(self.place(State(LINE, {}, z), n)), M) / self.clients
            AM = [[inner(row, column) for column in zip(*M, strict=True)] for row in A]
            size = range(len(A))
            M = [[inner(AM[i], A[j]) + sum(c[i] * c[j] for c in draws) * spread for j in size] for i in size]
        return [*moments, (M, Fraction(0))]

    @staticmethod
    def quadratic_mean(v: Value, M: list[list[Fraction]]) -> Fraction:
        """The mean of c0 + c2 (x - x*)^2, where M holds the second moments."""
        coefficients = [low for low, high in v.parts if low == high]
        if len(coefficients) < len(v.parts) or len(coefficients) > 3 or coefficients[1:2] not in ([], [0]):
            raise NoValue
        return coefficients[0] + (coefficients[2] * M[0][0] if len(coefficients) == 3 else 0)

    def over_time(self, t: Term) -> Value:
        """The mean at the end for E, or else the sum of the means over the steps."""
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
        last = n == len(self.moments) - 1
        keys = {nm.f: "f", **{p.end if last else p.value: key for key, p in self.setting.potentials.items()}}
        if t in keys or (head == "^" and t[1][0] == "norm" and t[2] == 2) or head == "dot":
            key = keys[t] if t in keys else (t[1][1][1],) * 2 if head == "^" else (t[1][1], t[2][1])
            if key == "f":
                return Value.of(self.run_.shape[0] / 2 * M[0][0])
            one, other = (self.form(v) for v in key)
            return Value.of(sum(a * b * M[i][j] for i, a in enumerate(one) for j, b in enumerate(other)))
        if t == nm.Q or t == nm.NOISE:
            return Value.of(self.quadratic_mean(value(t, self.place(State(LINE, {}, z), n)), M))
        return value(t, self.at_step(n)) if self.certain(t) else _none()

    def certain(self, t: Term) -> bool:
        return all(
            p[0] not in ("x", "norm", "dot", "tr", "opnorm", "quad", "trprod", "F", "E", "I", "EI", "C", "S")
            or (p[0] == "x" and self.setting.context.symbols.get(p[1]) in ("const", "time"))
            for p in parts(t)
        )

    def at_step(self, n: int) -> Place:
        """The values of atoms that are not random, at step n."""
        return lambda t: self.letter(t, self.begin(), n, self.constants) if t[0] == "x" else None

    def form(self, v: str) -> list[Fraction]:
        """The coefficients of a vector with respect to x - x* and the letters of the memory."""
        names = [name for name, _ in self.setting.method.rule.memory]
        units = [[_ONE if i == j else _ZERO for i in range(len(names) + 1)] for j in range(len(names) + 1)]
        states = [State(at, dict(zip(names, memory, strict=True)), Fraction(0)) for at, *memory in units]
        return [self.vector(v, s).exact for s in states]


def inner(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0))


def _none() -> Value:
    raise NoValue
