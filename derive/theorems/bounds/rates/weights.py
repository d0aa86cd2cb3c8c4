"""A potential V in symbols for a method with memory: a loss or a squared distance, plus squares and values with weights.

The change of V and the decay are linear in the weights, as in a proof they are in its multipliers. At many values of the constants
each weight therefore has a range, and gets a simple function of the constants that lies within all of them, one weight after the
other. Ranges are narrowest for the largest steps that the assumptions allow, so that some of the values have such steps.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from sympy.polys.polyerrors import BasePolynomialError

from sdescent.derive.proof.gram.forms import Form, exact
from sdescent.derive.proof.gram.identities import Identity
from sdescent.derive.proof.gram.in_symbols import feasible, identity_at
from sdescent.derive.proof.gram.sampling import FAR_APART, holds
from sdescent.derive.proof.gram.within_intervals import factors_of, range_of, simple_function
from sdescent.derive.proof.language.clock import OutOfTime, now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import symbolic
from sdescent.derive.theorems.bounds.points import constant_in_space
from sdescent.derive.theorems.bounds.rates.bases import LOSS, Base, bases, plain, times, with_potential
from sdescent.derive.theorems.bounds.rates.best_rate import OneStep
from sdescent.derive.vocabulary.errors import BadInput, Refusal

#: the number of shares 1, 1/2, .. of the decay of gradient descent, and the numbers of points near each other and far apart
SHARES, NEAR, FAR = 4, 16, 24
#: how near the largest step of a point is, and the largest factor by which a step may grow
CLOSE, LARGEST = Fraction(1, 4096), 1024
#: the numbers of terms of a weight or floor, how many times the least one it may be, and the least one that counts
TERMS, MOSTS, SMALL = (1, 2), (2, 4, 8, math.inf), 1e-6
#: the largest number of weights, and the largest number in one of them
MOST, SIMPLE = 2, 100
UNIT = "weight"


@dataclass(frozen=True)
class Potential:
    """V as in a file, and its decay and floor in one step, which are still to be proved."""

    value: str
    unit: str
    decay: sp.Expr
    floor: sp.Expr


def searches(table: Mapping[str, Any], seconds: float) -> Iterator[tuple[str, Iterator[Potential]]]:
    """For each base what falls, and the potentials of a method with memory that hold at the tried values of the constants.

    Args:
        table: a theorem file without V; if there are conditions on the step size, they are among its assumptions.
        seconds: when to give up.

    Raises:
        OutOfTime: the time is over.
        BadInput, Refusal: as `Stated` raises them.
    """
    deadline = now() + seconds
    base = {key: v for key, v in table.items() if key not in ("V", "claim", "step", "conclude")}
    stated = with_potential(base, LOSS)
    constant = stated.method.schedule.factor == 1 and not stated.setting.timed
    if stated.about == "method" and stated.method.rule.memory and stated.setting.mean == nm.GRADIENT and constant:
        for each in bases(base, stated):
            yield each.unit, _potentials(base, each, deadline)


def _potentials(base: Mapping[str, Any], each: Base, deadline: float) -> Iterator[Potential]:
    with suppress(ProofError, Refusal, BadInput, BasePolynomialError):
        yield from _Weights(base, each, deadline).potentials()


class _Step(OneStep):
    """The changes of the parts of V in one step; a form may divide by constants."""

    #: the constants of the decay
    constants: Sequence[str] = ()

    def _terms(self) -> list[Term]:
        parts = self.setting.potentials.values()
        # a square makes a constant one of the coefficients
        return [t for p in parts for t in (p.value, p.change)] + [x(name) ** 2 for name in self.constants]

    def form(self, t: Term) -> Form:
        normal, total = self.branch.normal, Form()
        for m, c in normal.polynomial(self.explained(t)).items():
            below = [(normal.term(dict(key[1])), n) for a, n in m if (key := normal.key_of(a))[0] == "inv"]
            above = normal.term({tuple((a, n) for a, n in m if normal.key_of(a)[0] != "inv"): c})
            form = super().form(above)
            for p, n in below:
                form = form * (self.element(symbolic(p)) ** -n)
            total = total + form
        return total

    def element(self, e: sp.Expr) -> Any:
        """An expression in constants as an element of their field."""
        return self.problem.linear.field.from_sympy(e)


class _Weights:
    """The search for the weights beside one base."""

    def __init__(self, table: Mapping[str, Any], base: Base, deadline: float) -> None:
        self.table, self.base, self.deadline = table, base, deadline
        letter = UNIT
        while letter in str(table):
            letter += "_"
        numbered = {f"{letter}{n}": part for n, part in enumerate(base.more, 1)}
        # a sum of vectors of different dimensions, such as v - g for the heavy ball, leaves no unit
        whole = {w: p for w, p in numbered.items() if self._step({w: p}).problem.chosen.ones}
        self.parts = whole or numbered
        self.step = self._step(self.parts)
        #: what was chosen and what may be chosen -> the ranges of the latter at all points
        self.ranges: dict[Any, dict[Any, list[Any]]] = {}
        self.problem, self.chosen = self.step.problem, self.step.problem.chosen
        self.places = [n for n, name in enumerate(self.chosen.linear.generators) if name in self.chosen.names]

    def _step(self, parts: Mapping[str, str]) -> _Step:
        value = " + ".join([self.base.text, *(times(sp.Symbol(w), part) for w, part in parts.items())])
        step = _Step(with_potential(self.table, value), self.deadline - now())
        step.constants = tuple(s.name for s in self.base.decay.free_symbols)
        return step

    def identity(self, share: Fraction) -> Identity:
        """-(change of the base) - decay = weights times (change of another part + its decay) - floors times levels + facts."""
        setting, decay = self.step.setting, self.step.element(self.base.decay * sp.Rational(str(share)))
        losses = {p.value for key, p in setting.potentials.items() if isinstance(key, str)}
        grows: dict[str, Form] = {}
        for weight, p in self.step.stated.weighted.parts:
            lost = p.value - nm.fstar if p.value in losses else p.value
            fades = self.step.form(lost) * decay if self.base.unit == "V" else Form()
            grows[weight[1] if weight[0] == "x" else ""] = self.step.form(p.change) + fades
        goal = -grows.pop("")
        if self.base.unit != "V":
            goal = goal - self.step.form({"G^2": nm.G**2, "f - f*": nm.f - nm.fstar}[self.base.unit]) * decay
        floors = {name: -form for name, form in self.levels.items()}
        facts = {name: self.problem.reduced(form) for name, (_, form) in self.problem.premises.facts.items()}
        zeros = [self.problem.reduced(form) for _, form in self.problem.premises.zeros]
        whole = Identity(goal, {**grows, **floors, **facts}, {}, zeros)
        return whole.keeping(list(identity_at(whole, self.points[0]).useful().facts))

    @cached_property
    def levels(self) -> dict[Any, Form]:
        """The mean squares that floors multiply."""
        named = self.step.setting.hypotheses.classes
        bounds = {name: named[name][0] for name in ("variance", "dissimilarity") if name in named}
        return {("floor", n): self.step.form(b) for n, b in bounds.items() if constant_in_space(b)}

    @cached_property
    def points(self) -> list[list[Any]]:
        """Values of the constants, near each other and far apart, some of them with the largest steps."""
        near, far = self.problem.points()[:NEAR], self.problem.points(values=FAR_APART)[:FAR]
        return [*map(self._largest, near), *map(self._largest, far), *near, *far]

    def _largest(self, point: list[Any]) -> list[Any]:
        """The values with nearly the largest step that the conditions allow."""
        names = self.chosen.linear.generators
        if "eta" not in names or "eta" in self.chosen.ones:
            return point
        place = names.index("eta")

        def longer(factor: Fraction) -> list[Any]:
            return [c * exact(factor) if n == place else c for n, c in enumerate(point)]

        def allowed(factor: Fraction) -> bool:
            return holds(self.chosen, self.problem.conditions, [longer(factor)[n] for n in self.places])

        low, high = Fraction(1), Fraction(2)
        while high < LARGEST and allowed(high):
            low, high = high, 2 * high
        while high < LARGEST and high - low > CLOSE * low:
            middle = (low + high) / 2
            low, high = (middle, high) if allowed(middle) else (low, middle)
        return longer(low) if high < LARGEST else point

    def potentials(self) -> Iterator[Potential]:
        """Potentials with the fewest parts, simple ones first."""
        shares = [Fraction(1, 2**n) for n in range(SHARES)] if self.chosen.names and self.points else []
        fewest, seen, least = dict[Fraction, list[Identity]](), set[Potential](), Fraction(0)
        for terms, share in itertools.product(TERMS, shares):
            if share < least:
                continue
            if share not in fewest:
                fewest[share] = self._fewest(self.identity(share))
            for one, most in itertools.product(fewest[share], MOSTS[:-1] if self.levels else MOSTS):
                chosen = self._weighted(one, share, terms, most)
                potential = None if chosen is None else self._potential(chosen, share)
                if potential is not None and potential not in seen:
                    seen.add(potential)
                    yield potential
            if fewest[share] and not self.levels:  # less decay would lower nothing else
                least = share

    def _fewest(self, whole: Identity) -> list[Identity]:
        """The identity with the smallest sets of parts with which it has a proof at all points."""
        for size in range(1, MOST + 1) if self._feasible(whole) else ():
            sets = itertools.combinations(self.parts, size)
            fewer = [whole.keeping([n for n in whole.facts if n not in self.parts or n in kept]) for kept in sets]
            if some := [one for one in fewer if one.facts.keys() == whole.facts.keys() or self._feasible(one)]:
                return some
        return []

    def _feasible(self, one: Identity) -> bool:
        return all(self._within() and feasible(identity_at(one, p), {}) for p in self.points)

    def _within(self) -> bool:
        if now() > self.deadline:
            raise OutOfTime
        return True

    def _weighted(self, one: Identity, share: Fraction, terms: int, most: float) -> dict[Any, Any] | None:
        """The floors and weights as functions of few terms; None if there are none."""
        chosen = dict[Any, Any]()
        for names in (self.levels, self.parts):  # small floors leave few weights
            rest: list[Any] = [name for name in names if name in one.facts]
            while rest:
                key = (share, *((n, str(c)) for n, c in chosen.items()), *rest)
                name, c = self._chosen(one, rest, key, terms, most)
                if c is None:
                    return None
                chosen[name] = c
                rest.remove(name)
                others = {n: form for n, form in one.facts.items() if n != name}
                one = Identity(one.goal - one.facts[name] * c, others, {}, one.zeros)
        return chosen

    def _potential(self, chosen: Mapping[Any, Any], share: Fraction) -> Potential:
        named = self.step.setting.hypotheses.classes
        weights = [times(self._expression(chosen[w]), part) for w, part in self.parts.items() if w in chosen]
        floors = [
            self._expression(chosen[name]) * symbolic(named[name[1]][0]) for name in self.levels if name in chosen
        ]
        decay = self.base.decay * sp.Rational(str(share))
        return Potential(" + ".join([self.base.text, *weights]), self.base.unit, decay, sp.Add(*floors))

    def _chosen(self, one: Identity, names: Sequence[Any], key: Any, terms: int, most: float) -> tuple[Any, Any]:
        """The multiplier with the narrowest range, and a function within it or None."""
        if key not in self.ranges:
            at = [identity_at(one, p) for p in self.points]
            self.ranges[key] = {n: [range_of(each, n) for each in at if self._within()] for n in names}
        best: tuple[float, Any, list[Any], list[Any]] | None = None
        for name, ranges in self.ranges[key].items():
            kept = [(p, r) for p, r in zip(self.points, ranges, strict=True) if r is not None]
            if len(kept) * 2 < len(ranges):
                continue
            ends = [(low, min(high, most * low) if low > SMALL else high) for _, (low, high) in kept]
            wide = float(np.median([(high - low) / (1e-9 + abs(low)) for low, high in ends]))
            if best is None or wide < best[0]:
                best = wide, name, [[p[n] for n in self.places] for p, _ in kept], ends
        if best is None:
            return names[0], None
        _, name, points, ends = best
        positive = [c for op, c in self.problem.conditions if op == "<"]
        c = simple_function(factors_of(self.chosen, positive), points, ends, terms=terms)
        if c is None or any(max(abs(int(k.numerator)), int(k.denominator)) > SIMPLE for k in c.numer.coeffs()):
            return name, None
        form, units = one.facts[name], self.chosen.of_form
        powers = [a - b for a, b in zip(units(one.goal), units(form), strict=True)]
        return name, self.chosen.restored(c, powers) if c != 0 else self.chosen.linear.field.zero

    def _expression(self, c: Any) -> sp.Expr:
        names = {name: sp.Symbol(name) for name in self.problem.linear.generators}
        return plain(sp.sympify(str(c.as_expr()), names), self.step.stated)
