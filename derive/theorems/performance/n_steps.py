"""The exact worst case of several steps of a method over a class of functions, at given numbers.

    least tau with  performance <= tau * initial  for every function of the class and every start,

by the interpolation inequalities between all iterates and x* (Drori and Teboulle 2014; Taylor, Hendrickx and Glineur 2017). A proof is
an exact dual solution; a counterexample to anything better is an exact primal solution: points, gradients and values that satisfy
all inequalities, which a function of the class then interpolates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy as sp

from sdescent.derive.proof.gram.forms import Form, Vector, exact
from sdescent.derive.proof.gram.identities import Identity, Search, Solution, rational
from sdescent.derive.proof.search.conic import ConicProblem
from sdescent.derive.theorems.entry import linear_step
from sdescent.derive.theorems.facts.function_classes import FunctionClass, Point
from sdescent.derive.vocabulary.errors import Refusal

#: how far above the optimum a proof may be if the optimum is not rational, relative to it
GAP = exact(Fraction(1, 10**6))
#: the distance of a rational number from the numerical optimum at which it is tried as the optimum
NEAR = 1e-7


@dataclass(frozen=True)
class Run:
    """The iterates of a method as vectors in the start, the gradients and the initial memory.

    Args:
        iterates: the points x_0, .., x_n.
        evaluated: the other points at which the rule takes gradients.
    """

    iterates: tuple[Point, ...]
    evaluated: tuple[Point, ...]

    @property
    def points(self) -> list[Point]:
        """All points, without repetitions."""
        return [*self.iterates, *self.evaluated]


def run(step: linear_step.Step, steps: int, number: Callable[[sp.Expr, int], Any]) -> Run:
    """The iterates of a method without noise.

    Args:
        step: the step of the method.
        steps: the number n of steps.
        number: the value of a coefficient in a step, from its expression and the number of the step, which begins at 1.

    Raises:
        Refusal: the step has noise, divides by the length of the gradient, or scales the state.
    """
    coefficients = [c for part in (step.move, *step.memory.values(), *step.points) for c in part.items()]
    if any(isinstance(v, tuple) and v[0] == "noise" for v, _ in coefficients):
        raise Refusal("noisy", 'the worst case of several steps is that of a method without noise: take noise = "none"')
    if step.level is not None or step.divides:
        raise Refusal("not-linear", "the worst case of several steps needs a step that is linear in the gradients")
    state: dict[str, Vector] = {"x": Vector({"x0": exact(1)}), **dict.fromkeys(step.memory, Vector())}
    listed: list[Point] = []

    def at(place: Vector) -> Point:
        for point in listed:
            if point.at == place:
                return point
        name = str(len(listed))
        listed.append(Point(name, place, Vector({f"g{name}": exact(1)}), Form({("value", name): exact(1)})))
        return listed[-1]

    iterates = [at(state["x"])]
    for k in range(1, steps + 1):
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
            gradients["mean", n] = at(combined(point)).gradient
        state = {"x": state["x"] + combined(step.move), **{v: combined(parts) for v, parts in step.memory.items()}}
        iterates.append(at(state["x"]))
    return Run(tuple(iterates), tuple(p for p in listed if p not in iterates))


@dataclass(frozen=True)
class WorstCase:
    """The worst case of a number of steps.

    Args:
        tau: the exact bound that is proved.
        optimum: the optimum in floating point.
        attained: whether tau is the optimum itself.
        identity: tau * initial - performance as a combination of facts.
        proof: its exact coefficients.
        worst: values of all inner products and values at which a bound less by the factor 1 - GAP fails; None if none was found.
    """

    tau: Any
    optimum: float
    attained: bool
    identity: Identity
    proof: Solution
    worst: Mapping[Any, Any] | None


def worst_case(
    cls: FunctionClass, points: Sequence[Point], performance: Sequence[Form], over: str, initial: Form
) -> WorstCase | None:
    """The least tau with performance <= tau * initial; None if there is none or no exact proof is found.

    Args:
        cls: the class of functions, with rational numbers.
        points: all points with values and gradients.
        performance: the measure at each iterate; over the iterates after the start, or all of them for a minimum, as the caller chooses.
        over: "last", "mean" or "min" of the measures.
        initial: what the start is measured by.
    """
    facts: dict[Any, Form] = dict(cls.inequalities(points))
    least = Form({("term", "least"): exact(1)})
    if over == "min":
        facts |= {("measure", str(n)): form - least for n, form in enumerate(performance)}
    measured = performance[-1] if over == "last" else least if over == "min" else Form()
    for form in performance if over == "mean" else ():
        measured = measured + form * exact(Fraction(1, len(performance)))
    one = Identity(-measured, facts, {"tau": initial})
    search = Search([one])
    x = search.least({"tau": 1.0})
    if x is None:
        return None
    tau = float(x[search.unknown["tau"]])
    guess = rational(tau)
    proved = search.on_face({"tau": 1.0}, {"tau": guess}) if abs(float(guess.p) / float(guess.q) - tau) < NEAR else None
    attained = proved is not None
    if proved is None:
        guess = rational(tau, 10**9) * (1 + GAP)
        proved = _above(one, guess)
    if proved is None:
        return None
    return WorstCase(guess, tau, attained, one, proved, _worst(one, initial, measured, guess * (1 - 2 * GAP)))


def _above(one: Identity, tau: Any) -> Solution | None:
    """An exact proof for a tau above the optimum, from an interior point."""
    scaled = replace(one, goal=Form(), unknown={"scale": one.goal + one.unknown["tau"] * tau})
    search = Search([scaled], {"scale": "+"})
    search.normalised(["scale"])
    point = search.interior()
    scaled_proof = None if point is None or point[1] <= 0 else search.exact(point[0])
    if scaled_proof is None:
        return None
    scale = 1 / scaled_proof.unknown["scale"]
    proof = scaled_proof.proofs[0]
    return Solution(
        {"tau": tau},
        (replace(proof, multipliers={k: c * scale for k, c in proof.multipliers.items()}, zeros=tuple(c * scale for c in proof.zeros),
                 squares=tuple((d * scale, v) for d, v in proof.squares)),), (),
    )  # fmt: skip


def _worst(one: Identity, initial: Form, measured: Form, tau: Any) -> Mapping[Any, Any] | None:
    """Exact values of all monomials with initial <= 1 < performance / tau that satisfy every fact, with a psd Gram matrix."""
    problem = ConicProblem()
    names = one.vectors
    block = problem.block(len(names))
    unknown: dict[Any, int] = {("dot", *sorted((names[i], names[j]))): block.at(i, j) for i, j in block.places}
    for m in dict.fromkeys(m for form in (*one.facts.values(), measured, initial) for m in form if m[0] != "dot"):
        unknown[m] = problem.scalar("free")

    def slack(form: Form, constant: Any = 0) -> None:
        row: dict[int, Any] = {problem.scalar(): exact(-1)}
        for m, c in form.items():
            row[unknown[m]] = row.get(unknown[m], exact(0)) + c
        problem.equation(row, -constant)

    for form in one.facts.values():
        slack(form)
    slack(-initial, exact(1))
    slack(measured, -tau)
    point = problem.interior(1e-10)
    values = None if point is None or point[1] <= 0 else problem.rounded(point[0])
    return None if values is None else {m: values[k] for m, k in unknown.items()}
