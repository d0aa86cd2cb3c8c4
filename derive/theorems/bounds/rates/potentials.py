"""A potential V at given numbers: the quadratic form in the state and the weight of f - f* with the best rate of one step.

At a rate r the conditions E V+ <= r V and V >= w (f - f*), w > 0, are linear in the weights of V, so that bisection over semidefinite
programs gives the least r; the weights are then rounded to rational numbers for which both conditions have an exact proof
(Taylor, Van Scoy and Lessard 2018; Upadhyaya, Banert, Taylor and Giselsson 2025).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.gram.forms import Form, exact, fraction
from sdescent.derive.proof.gram.identities import Identity, Search
from sdescent.derive.proof.gram.linear_relations import at_point
from sdescent.derive.proof.language.terms import Term
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.points import Point
from sdescent.derive.theorems.bounds.rates.best_rate import OneStep
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.vocabulary.errors import BadInput

#: how far above the numerical optimum the proved rate may lie, and the width at which bisection ends
GAPS, WIDTH = tuple(Fraction(n, 10**8) for n in (5, 20, 50, 100, 1000)), 1e-8
#: the digits after the decimal point to which weights are rounded
DIGITS = (2, 3, 4, 5, 6, 8)
#: the digits after the decimal point in which rates must differ for a V with values at further points
NEAR = 6
#: the least distance from the border at which a problem counts as solvable
INSIDE = 1e-10


@dataclass(frozen=True)
class Potential:
    """A potential with its rate.

    Args:
        rate: r with E V+ <= r V, proved.
        value: V as in a file.
        above: the point y of the proved bound V >= f(y) - f*: x, or where the rule takes its gradient.
    """

    rate: Fraction
    value: str
    above: str = "x"


def terms_of(stated: Stated, points: Sequence[Point]) -> list[str]:
    """The parts of V: f - f* at x and at the given points, and the products of x - x*, the memory and the gradients there."""
    vectors = ["x - xstar", *(name for name, _ in stated.method.rule.memory), "g", *(f"g({p.text})" for p in points)]
    if not stated.hypotheses.minimiser:
        vectors = vectors[1:]
    products = [f"||{v}||^2" for v in vectors]
    products += [f"<{v}, {w}>" for n, v in enumerate(vectors) for w in vectors[n + 1 :]]
    return ["f - fstar", *(f"f({p.text}) - fstar" for p in points), *products]


def best_potential(table: Mapping[str, Any], seconds: float = 60.0) -> Potential | None:
    """The potential with the least rate; None if there is none below 1.

    If the rule takes its gradient at another point than x, the values and gradients there are parts of V if this lowers the rate, and
    V may be at least f - f* there.

    Raises:
        BadInput: a constant has no number.
    """
    base = {key: v for key, v in table.items() if key not in ("V", "claim", "step", "conclude")}
    first = Stated({**base, "V": "f - fstar", "claim": "change <= 0"})
    others = [p for p in first.setting.points if p.text != "x" and not p.next]
    best: list[Potential] = []
    for points in ((), others) if others else ((),):
        parts = terms_of(first, points)
        step = OneStep(
            replace(Stated({**base, "V": " + ".join(parts), "claim": "change <= 0"}), interpolate=True), seconds
        )
        if step.problem.chosen.names:
            free = step.problem.chosen.names[0]
            raise BadInput("assume", f"{free} without a number", f'a number for each constant, such as "{free} == 1"')
        at = step.problem.points()
        for y in [p for p in step.setting.points if p.text in [q.text for q in points or first.setting.points[:1]]]:
            potential = _Best(step, parts, at[0], y).potential() if at else None
            best += [] if potential is None else [potential]
    return min(best, key=lambda b: round(b.rate, NEAR), default=None)


class _Best:
    """The two conditions at one point of the constants: V falls by the rate, and V >= w (f(y) - f*)."""

    def __init__(self, step: OneStep, parts: Sequence[str], point: Sequence[Any], above: Point) -> None:
        self.parts, self.above = parts, above
        problem, setting = step.problem, step.setting
        self.values, self.changes = [], []
        for key, p in setting.potentials.items():
            constant: Term = nm.fstar if isinstance(key, str) else nm.f * 0
            self.values.append(at_point(step.form(p.value - constant), point))
            self.changes.append(at_point(step.form(p.change), point))
        self.facts = {
            name: at_point(problem.reduced(form), point) for name, (_, form) in problem.premises.facts.items()
        }
        self.zeros = [at_point(problem.reduced(form), point) for _, form in problem.premises.zeros]
        self.gap = at_point(step.form(above.value - nm.fstar), point)

    def search(self, rate: Fraction) -> Search:
        r = exact(rate)
        falls = {n: v * r - v - c for n, (v, c) in enumerate(zip(self.values, self.changes, strict=True))}
        above = {**dict(enumerate(self.values)), "w": -self.gap}
        identities = [Identity(Form(), self.facts, falls, self.zeros), Identity(Form(), self.facts, above, self.zeros)]
        search = Search([one.useful() for one in identities], {"w": "+"})
        search.normalised(["w"])
        return search

    def solvable(self, rate: Fraction) -> bool:
        point = self.search(rate).interior()
        return point is not None and point[1] > INSIDE

    def potential(self) -> Potential | None:
        low, high = Fraction(0), Fraction(1)
        if not self.solvable(high - Fraction(1, 10**7)):
            return None
        while high - low > WIDTH:
            middle = Fraction(float(low + high) / 2)
            low, high = (low, middle) if self.solvable(middle) else (middle, high)
        for gap in GAPS:
            rate = Fraction(float(high)).limit_denominator(10**9) + gap
            search = self.search(rate)
            point = search.interior()
            solution = None if point is None else search.exact(point[0])
            if solution is not None:
                return self.readable(
                    rate, [fraction(solution.unknown[n] / solution.unknown["w"]) for n in range(len(self.parts))]
                )
        return None

    def readable(self, rate: Fraction, weights: Sequence[Fraction]) -> Potential:
        """The potential with weights that can be read, if they have a proof too."""
        for digits in DIGITS:
            short = [Fraction(round(c * 10**digits), 10**digits) for c in weights]
            if self.proved(rate, short):
                return Potential(rate, self.text(short), self.above.text)
        return Potential(rate, self.text(weights), self.above.text)

    def proved(self, rate: Fraction, weights: Sequence[Fraction]) -> bool:
        """Whether both conditions have exact proofs for these weights."""
        falls, above = Form(), -self.gap
        for c, value, change in zip(map(exact, weights), self.values, self.changes, strict=True):
            falls = falls + value * (c * exact(rate - 1)) - change * c
            above = above + value * c
        search = Search([Identity(goal, self.facts, {}, self.zeros).useful() for goal in (falls, above)])
        point = search.interior()
        return point is not None and point[1] > INSIDE and search.exact(point[0]) is not None

    def text(self, weights: Sequence[Fraction]) -> str:
        """V as in a file."""
        pieces = []
        for c, part in zip(weights, self.parts, strict=True):
            word = f"({part})" if part.startswith("f") else part
            pieces += [f"{'- ' if c < 0 else '+ ' if pieces else ''}{abs(c)}*{word}"] if c else []
        return " ".join(pieces)
