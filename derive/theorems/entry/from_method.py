"""The terms of the descent lemma for a method: the mean, the mean square and the greatest length of one of its own steps.

By definition, the drift and the covariance of the first-order SDE are the mean and the covariance of a step D per time eta:
E D = eta drift and Cov D = eta covariance. Only these two moments of the SDE are used here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from sdescent.derive.derivation import SDE
from sdescent.derive.expressions.coordinates import g as gradient
from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.language.terms import Term, dot, mat, norm, plus, times, tr, vec, x
from sdescent.derive.theorems.entry.from_sde import Part, diffusion_terms, drift_terms, expression
from sdescent.derive.theorems.entry.linear_step import MEAN, one_step, weighted_sum
from sdescent.derive.vocabulary.symbols import d as dimension
from sdescent.derive.vocabulary.symbols import eta, u


def step_mean(equation: SDE, h: Term, vectors: Mapping[str, str]) -> list[Part]:
    """E D as [(coefficient, vector)], with h in place of the schedule u.

    Args:
        equation: the first-order SDE of the method, with a free schedule.
        vectors: see `from_sde.drift_terms`.

    Raises:
        ValueError: the equation belongs to another model, or the mean is not a combination of known vectors.
    """
    _first_order(equation)
    return [(x("eta") * c, v) for c, v in drift_terms(equation, h, vectors)]


def step_square(equation: SDE, h: Term, vectors: Mapping[str, str]) -> Term:
    """E||D||^2 = ||E D||^2 + Tr Cov D, with h in place of the schedule u; S is the covariance of one client's message.

    Raises:
        ValueError: as `step_mean` raises it.
    """
    spread = [x("eta") * c * tr(m) for c, m in diffusion_terms(equation, h)]
    return plus(_square(step_mean(equation, h, vectors)), *spread)


def step_radius(equation: SDE, h: Term) -> Term:
    """A bound on ||D|| under any noise: eta h times the greatest length of a message, since D is eta h times the mean message.

    Raises:
        ValueError: the update is not x = x - eta*G, or messages may have any length.
    """
    method = equation.method
    longest = method.compressor.longest(dimension)
    if not method.plain or longest is None:
        raise ValueError("the steps of this method have no known bound on their length")
    return x("eta") * h * expression(longest, {})


def loss_in_steps(
    equation: SDE, h: Term, vectors: Mapping[str, str], smoothness: tuple[Term, Term], radius: Term | None = None
) -> dict[str, Any]:
    """The data of the loss f along the method: gradient g, change Af, start f0, and value fT at the horizon.

    Args:
        equation, h, vectors: as for `step_mean`.
        smoothness: L0 and L1 in ||Hess f|| <= L0 + L1 ||grad f||.
        radius: a bound on ||D|| that holds almost surely, or None.

    Raises:
        ValueError: as `step_mean` raises it.
    """
    mean, square = tuple(step_mean(equation, h, vectors)), step_square(equation, h, vectors)
    named = {"change": "Af", "end": "fT", "start": "f0", "gradient": "g"}
    return {**named, "smoothness": smoothness, "mean": mean, "square": square, "radius": radius}


def _first_order(equation: SDE) -> None:
    if equation.model != "first-order":
        raise ValueError(
            f"the moments of a step are read off the first-order model, and this is the {equation.model} one"
        )


def combined_step(
    method: Method, equation: SDE, weights: Mapping[str, sp.Expr], vectors: Mapping[str, str]
) -> tuple[list[Part], Term]:
    """E D and E||D||^2 for the step D of a combination of x and the memory, if the method is linear in the memory and in G.

    Args:
        method: a method with an update rule.
        equation: the first-order SDE of x - eta G with the same messages, which has the moments of G.
        weights: letter -> its weight in the combination.
        vectors: the names of the vectors: letter of the memory -> its name, "G" -> the name of the mean of G, which is the
            gradient; a name "-m" means that the letter is -m.

    Raises:
        Refusal: "not-linear", as `sdescent.derive.theorems.entry.linear_step.one_step` raises it.
        ValueError: the step depends on x or on a length, or the messages are biased.
    """
    _first_order(equation)
    if equation.moments.mean != gradient:
        raise ValueError("the mean of G is not the gradient")
    step = one_step(method)
    change = weighted_sum((w, step.change(letter)) for letter, w in weights.items())
    certain = {v: sp.cancel(sp.expand(c).subs(u, 1)) for v, c in change.items() if not isinstance(v, tuple)}
    moved = {"G" if v == MEAN else v: c for v, c in certain.items()}
    coefficients = {name: moved.pop(name, sp.S.Zero) for name in vectors}
    if step.level is not None or step.divides or any(c != 0 for c in moved.values()):
        raise ValueError("the step is not a combination of the memory and G")
    # G is the step of x - eta G without the factor -eta u; the covariance of that step is eta times the covariance of the SDE
    share = sp.cancel(eta * equation.rate / (eta * equation.method.schedule.factor) ** 2)
    signed = {name: -c if vectors[name].startswith("-") else c for name, c in coefficients.items()}
    mean = [(expression(c, {}), vec(vectors[name].removeprefix("-"))) for name, c in signed.items() if c != 0]
    of_message = expression(coefficients["G"], {})
    return mean, plus(_square(mean), times(of_message, of_message, expression(share, {}), tr(mat("S"))))


def _square(mean: Sequence[Part]) -> Term:
    """The squared norm of a combination of vectors."""
    return plus(*[times(c, e, norm(v) ** 2 if v == w else dot(v, w)) for c, v in mean for e, w in mean])
