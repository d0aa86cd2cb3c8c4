"""The exact worst case of several steps of a method over a class of functions, at given numbers.

    least tau with  performance <= tau * initial  for every function of the class and every start,

by the interpolation inequalities between all iterates and x* (Drori and Teboulle 2014; Taylor, Hendrickx and Glineur 2017). A proof is
an exact dual solution; a counterexample to anything better is an exact primal solution: points, gradients and values that satisfy
all inequalities, which a function of the class then interpolates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import sympy as sp

from sdescent.derive.proof.gram.forms import Form, Vector, dot_of, exact, fraction
from sdescent.derive.proof.gram.identities import Identity, Proof, Search, rational
from sdescent.derive.proof.search.conic import DENOMINATORS, ConicProblem, squares
from sdescent.derive.theorems.entry import linear_step
from sdescent.derive.theorems.facts.function_classes import FunctionClass, Point
from sdescent.derive.vocabulary.errors import Refusal

#: how far above the optimum a proof may be if the optimum is not rational, relative to it, small distances first
GAPS = tuple(exact(Fraction(c, 10**n)) for n in (7, 6, 5, 4) for c in (1, 3))
#: largest denominator of a rational number that is tried as the optimum -> its distance from the numerical one
NEAR = {2000: 1e-9, 10**4: 2e-10}
#: the length in bits of coefficients up to which an exact optimum is tried
BITS = 64
#: the vector from x* to the start
START = "x0"
#: the relative error of numerical optima that count as equal
EQUAL = 1e-8


@dataclass(frozen=True)
class Run:
    """The iterates of a method as vectors in the start and the gradients.

    Args:
        iterates: the points x_0, .., x_n.
        points: all points, in the order in which the method reaches them.
        queried: the names of the points at which the method takes gradients.
    """

    iterates: tuple[Point, ...]
    points: tuple[Point, ...]
    queried: frozenset[str]

    def needed(self, cls: FunctionClass, forms: Sequence[Form]) -> list[Point]:
        """The points whose values or gradients occur in the steps or in the forms.

        At the others some function of the class has suitable values and gradients, unless the inequalities are too weak for that:
        then the other points may improve the bound.
        """
        names = self.queried | {m[1] for form in forms for m in form if m[0] == "value"}
        vectors = {v for form in forms for m in form if m[0] == "dot" for v in m[1:]}
        return [p for p in self.points if not cls.interpolable or p.name in names or vectors & {*p.gradient}]


def run(step: linear_step.Step, steps: int, number: Callable[[sp.Expr, int], Any]) -> Run:
    """The iterates of a method without noise.

    Args:
        step: the step of the method.
        steps: the number n of steps.
        number: the value of a coefficient in a step, from its expression and the number of the step, which begins at 1.

    Raises:
        Refusal: the step divides by the length of the gradient, or contains the state.
    """
    if step.level is not None or step.divides:
        raise Refusal("not-linear", "the worst case of several steps needs a step that is linear in the gradients")
    if any("x" in part for part in (step.move, *step.memory.values())):
        cause = "the step contains the state itself, as with weight decay, and not only gradients and memory"
        raise Refusal("not-linear", f"{cause}: the worst case does not cover that, since it would depend on x* itself")
    state: dict[str, Vector] = {"x": Vector({START: exact(1)}), **dict.fromkeys(step.memory, Vector())}
    listed: list[Point] = []
    queried: set[str] = set()
    at_state = any(linear_step.MEAN in part for part in (step.move, *step.memory.values(), *step.points))

    def at(place: Vector) -> Point:
        for point in listed:
            if point.at == place:
                return point
        name = str(len(listed))
        listed.append(Point(name, place, Vector({f"g{name}": exact(1)}), Form({("value", name): exact(1)})))
        return listed[-1]

    iterates = [at(state["x"])]
    for k in range(1, steps + 1):
        queried |= {iterates[-1].name} if at_state else set()
        gradients: dict[Any, Vector] = {linear_step.MEAN: iterates[-1].gradient}

        def combined(
            parts: Mapping[Any, sp.Expr],
            k: int = k,
            here: Mapping[Any, Vector] = state,
            gradients: Mapping[Any, Vector] = gradients,
        ) -> Vector:
            total = Vector()
            for v, c in parts.items():
                total = total + (gradients[v] if v in gradients else here[v]) * number(c, k)
            return total

        for n, point in enumerate(step.points):
            place = at(combined(point))
            queried.add(place.name)
            gradients["mean", n] = place.gradient
        state = {"x": state["x"] + combined(step.move), **{v: combined(parts) for v, parts in step.memory.items()}}
        iterates.append(at(state["x"]))
    return Run(tuple(iterates), tuple(listed), frozenset(queried))


@dataclass(frozen=True)
class WorstCase:
    """The worst case of a number of steps.

    Args:
        tau: the exact bound that is proved.
        optimum: the optimum in floating point.
        identity: tau * initial - performance as a combination of facts.
        proof: its exact coefficients.
        worst: exact values of all inner products and values that satisfy every inequality, with initial <= 1; None if none were found.
        reached: the performance of `worst`, a number <= tau; None without `worst`.
        points: all points with values and gradients.
        interpolable: whether a function of the class has every such list of values, so that no bound below `reached` holds.
    """

    tau: Any
    optimum: float
    identity: Identity
    proof: Proof
    worst: Mapping[Any, Any] | None
    reached: Any
    points: tuple[Point, ...]
    interpolable: bool

    @property
    def attained(self) -> bool:
        """Whether tau is the exact worst case."""
        return self.interpolable and self.reached == self.tau


def worst_case(
    cls: FunctionClass, points: Sequence[Point], performance: Sequence[Form], over: str, initial: Form
) -> WorstCase | None:
    """The least tau with performance <= tau * initial; None if there is none or no exact proof is found.

    Args:
        cls: the class of functions, with rational numbers.
        points: all points with values and gradients, in the order in which the method reaches them.
        performance: the measure at each iterate; over the iterates after the start, or all of them for a minimum, as the caller chooses.
        over: "last", "mean" or "min" of the measures.
        initial: what the start is measured by.
    """
    least = Form({("term", "least"): exact(1)})
    minimum = {("measure", str(n)): form - least for n, form in enumerate(performance)} if over == "min" else {}
    measured = performance[-1] if over == "last" else least if over == "min" else Form()
    for form in performance if over == "mean" else ():
        measured = measured + form * exact(Fraction(1, len(performance)))
    units = _Units(cls.smoothness or cls.bound or exact(1))
    # the others follow from these, and would only make the exact numbers longer
    kinds = ("pair", "gap", "least", "PL", "bounded")
    listed = {name: form for name, form in cls.inequalities(points) if name[0] in kinds}
    original: dict[Any, Form] = {**listed, **minimum}
    facts, weights = {}, {}
    for name, form in original.items():
        scaled = units.of(form)
        weights[name] = 1 / _power_of_ten(max((float(fraction(abs(c))) for c in scaled.values()), default=1.0))
        facts[name] = scaled * weights[name]
    target, start, unit = units.of(measured), units.of(initial), exact(1)
    for _ in range(4):  # the solver wants an optimum near 1
        full = one = Identity(-(target * (1 / unit)), facts, {"tau": start})
        if (numerical := _least(full)) is None:
            return None
        if numerical <= 1e-12 or 0.01 < numerical < 100:
            break
        unit *= _power_of_ten(numerical)
    few = one.keeping(_likely(facts, points))
    fewer = _least(few)
    if fewer is not None and abs(fewer - numerical) <= EQUAL * numerical:
        one = few
    proved = _exactly(one, numerical)
    at_optimum = proved is not None
    for gap in GAPS:
        if proved is None:
            proved = _above(one, rational(numerical, 10**10) * (1 + gap) + (0 if numerical > 1e-9 else gap))
    if proved is None:
        return None
    tau, proof = proved[0] * unit, proved[1]
    multipliers = {name: c * unit * weights[name] for name, c in proof.multipliers.items()}
    squares = tuple((d * unit, units.back(v)) for d, v in proof.squares)
    one = Identity(-measured, {name: original[name] for name in one.facts}, {"tau": initial})
    proof = Proof(multipliers, (), squares)
    if not proof.proves(one, {"tau": tau}):
        raise AssertionError("a proof changed with the units")
    reached, worst = _worst(full, start, target, tau, at_optimum)
    values = None if worst is None else {m: c * units.unit(m) for m, c in worst.items()}
    return WorstCase(
        tau, numerical * float(fraction(unit)), one, proof, values, reached, tuple(points), cls.interpolable
    )


@dataclass(frozen=True)
class _Units:
    """Gradients and values in units of L, so that the numbers of a problem are near 1."""

    size: Any

    def unit(self, m: Any) -> Any:
        """The unit of a monomial."""
        return self.size if m[0] == "value" else exact(1) if m[0] == "term" else self._of(m[1]) * self._of(m[2])

    def _of(self, vector: str) -> Any:
        return exact(1) if vector == START else self.size

    def of(self, form: Form) -> Form:
        """A form in the units."""
        return Form({m: c * self.unit(m) for m, c in form.items()})

    def back(self, v: Vector) -> Vector:
        """A vector whose square was in the units."""
        return Vector({name: c / self._of(name) for name, c in v.items()})


def _power_of_ten(value: float) -> Any:
    """The power of ten nearest to a positive number."""
    return exact(10) ** round(math.log10(value))


def _least(one: Identity) -> float | None:
    search = Search([one])
    x = search.least({"tau": 1.0})
    return None if x is None else float(x[search.unknown["tau"]])


def _exactly(one: Identity, numerical: float) -> tuple[Any, Proof] | None:
    """The optimum and an exact proof, if it is rational: a simple number, or what the facts of the optimum determine."""
    if any(c.height_bits() > BITS for form in (*one.facts.values(), one.goal) for c in form.values()):
        return None  # rational numbers for irrational ones: the optimum has thousands of digits
    for denominator, distance in NEAR.items():
        guess = rational(numerical, denominator)
        if abs(float(fraction(guess)) - numerical) < distance:
            solution = Search([one]).on_face({"tau": 1.0}, {"tau": guess})
            if solution is not None:
                return guess, solution.proofs[0]
    solution = Search([one]).on_face({"tau": 1.0}, {})
    if solution is None or solution.unknown["tau"].height_bits() > BITS:
        return None
    return (
        (solution.unknown["tau"], solution.proofs[0])
        if fraction(solution.unknown["tau"]) <= numerical * (1 + EQUAL)
        else None
    )


def _likely(facts: Mapping[Any, Form], points: Sequence[Point]) -> list[Any]:
    """The facts that are usually enough: those with x*, between neighbours, and from the last point to the others."""
    number = {p.name: n for n, p in enumerate(points)}
    last = points[-1].name
    return [
        name for name in facts
        if name[0] != "pair" or not {*name[1:]} <= {*number} or name[2] == last or abs(number[name[1]] - number[name[2]]) == 1
    ]  # fmt: skip


def _above(one: Identity, tau: Any) -> tuple[Any, Proof] | None:
    """A tau above the optimum and an exact proof, from an interior point.

    Only the multipliers are rounded, on the few equations without inner products; they determine the matrix of the squares. That keeps
    the numbers short.
    """
    scaled = replace(one, goal=Form(), unknown={"scale": one.goal + one.unknown["tau"] * tau})
    search = Search([scaled], {"scale": "+"})
    search.normalised(["scale"])
    point = search.interior()
    if point is None or point[1] <= 0:
        return None
    flat, names = ConicProblem(), one.vectors
    numbers = [search.unknown["scale"], *search.multipliers[0].values()]
    forms = [-scaled.unknown["scale"], *one.facts.values()]
    rows: dict[Any, dict[int, Any]] = {}
    for form in forms:
        k = flat.scalar()
        for m, c in form.items():
            if m[0] != "dot" or not {*m[1:]} <= {*names}:
                rows.setdefault(m, {})[k] = c
    for row in rows.values():
        flat.equation(row)

    def proof(values: Sequence[Any]) -> Proof | None:
        if values[0] <= 0 or any(v < 0 for v in values):
            return None
        rest = Form()
        for form, v in zip(forms, values, strict=True):
            rest = rest - form * (v / values[0])
        terms = squares([[rest.get(dot_of(a, b), exact(0)) / (1 if a == b else 2) for a in names] for b in names])
        multipliers = {name: v / values[0] for name, v in zip(one.facts, values[1:], strict=True) if v}
        if terms is None:
            return None
        return Proof(multipliers, (), tuple((d, Vector(zip(names, row, strict=True)) * 1) for d, row in terms))

    exactly = flat.rounded([point[0][k] for k in numbers], accept=proof)
    return None if exactly is None else (tau, exactly)


def _worst(
    one: Identity, initial: Form, measured: Form, tau: Any, at_optimum: bool
) -> tuple[Any, Mapping[Any, Any] | None]:
    """The performance and exact values of all monomials that satisfy every fact, with a psd Gram matrix and initial <= 1.

    The performance is tau if that is the optimum and the values are rational, else as near to it as the tries of `GAPS` allow.
    """
    problem = ConicProblem()
    names = one.vectors
    block = problem.block(len(names))
    unknown: dict[Any, int] = {("dot", *sorted((names[i], names[j]))): block.at(i, j) for i, j in block.places}
    for m in dict.fromkeys(m for form in (*one.facts.values(), measured, initial) for m in form if m not in unknown):
        unknown[m] = -1 if m == ("term", "1") else problem.scalar("free")

    def row(form: Form) -> tuple[dict[int, Any], Any]:
        """The row of a form, and its constant part."""
        entries = {unknown[m]: c for m, c in form.items()}
        return entries, entries.pop(-1, exact(0))

    for form, constant in (*((form, 0) for form in one.facts.values()), (-initial, 1)):
        entries, term = row(form)
        problem.equation(entries | {problem.scalar(): exact(-1)}, -term - constant)
    entries, term = row(measured)
    cost = {k: -float(fraction(c)) for k, c in entries.items()}
    values = problem.on_face(cost, [(entries, tau - term)]) if at_optimum else None
    if values is not None:
        return tau, {m: values[k] for m, k in unknown.items() if k >= 0}
    for gap in GAPS:
        more = (entries | {problem.scalar(): exact(-1)}, tau * (1 - 2 * gap) - term)
        x = replace(problem, rows=[*problem.rows, more]).interior(1e-10)
        if x is None or x[1] <= 0:
            continue
        for denominator in DENOMINATORS:
            rounded = {
                m: exact(Fraction(round(float(x[0][k]) * denominator), denominator))
                for m, k in unknown.items()
                if k >= 0
            }
            value = partial(_value, rounded)
            gram = [[rounded["dot", *sorted((a, b))] for a in names] for b in names]
            if squares(gram) is None or min(map(value, one.facts.values())) < 0 or not 0 <= value(initial) <= 1:
                continue
            if value(measured) >= tau * (1 - 2 * gap):
                return value(measured), rounded
    return None, None


def _value(values: Mapping[Any, Any], form: Form) -> Any:
    return sum((c * values.get(m, 1) for m, c in form.items()), exact(0))
