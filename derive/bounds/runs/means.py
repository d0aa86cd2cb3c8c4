"""Means over the steps of a run on a quadratic loss, by the second moments of a linear step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

from derive.bounds.language import names as nm
from derive.bounds.language.names import NOISE
from derive.bounds.runs.carried import LINE, Carried, Numbers, Place, State
from derive.bounds.runs.exact import NoValue, Value, value
from derive.proof.language.context import parts
from derive.proof.language.terms import Term
from derive.vocabulary.symbols import u as free

#: steps whose means are computed
_MOST_STEPS = 200
_ZERO, _ONE = Value.of(0), Value.of(1)


class WithMeans(Carried):
    """A run carried out, with its means."""

    def linear(self) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
        """A and the columns of the draws of a step s' = A s + sum of columns times draws, s = (x - x*, memory)."""
        if self.given.method.schedule.factor not in (1, free) or not self.quadratic:
            raise NoValue
        names = [name for name, _ in self.given.method.rule.memory]

        def column(s: list[int], drawn: int | None) -> tuple[list[Fraction], Numbers]:
            at, *memory = (Value.of(c) for c in s)
            state = State(at, dict(zip(names, memory, strict=True)), Fraction(0))
            after, algebra = self.next(state, 0, lambda k: _ONE if k == drawn else _ZERO)
            if not algebra.plain:
                raise NoValue
            return [self.at(after).exact, *(after.memory[name].exact for name in names)], algebra

        size = range(len(names) + 1)
        columns = [column([int(i == j) for i in size], None) for j in size]
        draws = [column([0 for _ in size], k)[0] for k in sorted(columns[0][1].seen)]
        return [list(row) for row in zip(*(c for c, _ in columns), strict=True)], draws

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
            spread = self.quadratic_mean(self.covariance(self.place(State(LINE, {}, z), n)), M) / self.clients
            AM = [[inner(row, column) for column in zip(*M, strict=True)] for row in A]
            size = range(len(A))
            M = [[inner(AM[i], A[j]) + sum(c[i] * c[j] for c in draws) * spread for j in size] for i in size]
            found.append((M, Fraction(0)))
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
            return Value.of(self.quadratic_mean(value(t, self.place(State(LINE, {}, z), n)), M))
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
        states = [State(at, dict(zip(names, memory, strict=True)), Fraction(0)) for at, *memory in units]
        return [self.vector(v, s).exact for s in states]


def inner(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0))


def _none() -> Value:
    raise NoValue
