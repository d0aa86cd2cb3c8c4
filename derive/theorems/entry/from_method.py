"""From a method to the terms of the descent lemma: the mean, the mean square and the greatest length of one of its own steps.

The first-order SDE has, by definition, the mean and the covariance of a step D as drift and covariance, both per time eta: E D =
eta drift and Cov D = eta covariance. Nothing of the SDE but these two moments is used here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.derivation import SDE
from derive.proof.language.terms import Term, dot, norm, plus, times, tr, x
from derive.theorems.entry.from_sde import Part, diffusion_terms, drift_terms, expression
from derive.vocabulary.symbols import d as dimension


def step_mean(equation: SDE, h: Term, vectors: Mapping[str, str]) -> list[Part]:
    """E D as [(coefficient, vector)], h in place of the schedule u.

    Args:
        equation: the first-order SDE of the method, with a free schedule.
        vectors: see `from_sde.drift_terms`.

    Raises:
        ValueError: the equation is another model's, or the mean is not a combination of known vectors.
    """
    _first_order(equation)
    return [(x("eta") * c, v) for c, v in drift_terms(equation, h, vectors)]


def step_square(equation: SDE, h: Term, vectors: Mapping[str, str]) -> Term:
    """E||D||^2 = ||E D||^2 + Tr Cov D, h in place of the schedule u; S is the covariance of one client's message.

    Raises:
        ValueError: as `step_mean`.
    """
    mean, spread = step_mean(equation, h, vectors), diffusion_terms(equation, h)
    squares = [times(c, e, norm(v) ** 2 if v == w else dot(v, w)) for c, v in mean for e, w in mean]
    return plus(*squares, *[x("eta") * c * tr(m) for c, m in spread])


def step_radius(equation: SDE, h: Term) -> Term:
    """A bound of ||D|| that holds whatever the noise: eta h times the greatest length of a message, for D is eta h times their mean.

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
    """The stepping potential of the loss f along the method: gradient g, change Af, from its start f0 to its value fT at the horizon.

    Args:
        equation, h, vectors: as `step_mean`.
        smoothness: L0 and L1 of ||Hess f|| <= L0 + L1 ||grad f||.
        radius: a bound of ||D|| that holds almost surely, or None.

    Raises:
        ValueError: as `step_mean`.
    """
    mean, square = tuple(step_mean(equation, h, vectors)), step_square(equation, h, vectors)
    named = {"change": "Af", "end": "fT", "start": "f0", "gradient": "g"}
    return {**named, "smoothness": smoothness, "mean": mean, "square": square, "radius": radius}


def _first_order(equation: SDE) -> None:
    if equation.model != "first-order":
        raise ValueError(f"the moments of a step are read off the first-order model, and this is the {equation.model} one")
