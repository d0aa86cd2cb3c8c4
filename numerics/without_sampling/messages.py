"""The law of the averaged message (1/N) sum_i C(g + Z_i) on the line, as a finite law at each gradient. Dimensionless."""

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.expressions.coordinates import v
from sdescent.derive.methods.compressors import Bernoulli, Compressor, Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Gaussian, Law
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.laws.gauss_rules import Rule, compressed, convolved, mean_of
from sdescent.numerics.laws.standardised import gauss_rule
from sdescent.numerics.lowering.scalars import concrete, function_of_one

#: (the scales s_i, (clients or 1, points), the gradients (points,)) -> the averaged message as a finite law, (points, atoms)
Average = Callable[[np.ndarray, np.ndarray], Rule]


def averaged(method: Method, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law of the averaged message of a method in one dimension.

    A sign takes the values +1 and -1, so the number of clients that send +1 is exactly binomial (Poisson-binomial for several
    scales). A message that is a polynomial in the noise, given a finite choice, has Gauss rules, which are convolved over clients
    (`sdescent.numerics.laws.gauss_rules`). These are the messages of the identity, of compressors equal to it on the line, and of
    Bernoulli.

    Args:
        method: the method, with compressor and noise.
        clients: N, as a number.
        nodes: the number of nodes of each Gauss rule.
        parameters: values of the symbols by name.

    Raises:
        NoClosedForm: a compressor whose law is not implemented, as one that rounds to a grid; a measured covariance; noise with
            heavy tails and a compressor other than the sign.
    """
    if method.noise.dense is not None:
        raise NoClosedForm("noise with a measured covariance is not implemented on the line; give its scale instead")
    return average(method.compressor, method.noise.law, clients, nodes, parameters)


@singledispatch
def average(compressor: Any, law: Law, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law of the averaged message for a compressor and a law, see `averaged`; a new compressor registers its own function."""
    raise TypeError(f"{type(compressor).__name__} is not a compressor")


@average.register
def _(compressor: Compressor, law: Law, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law for compressors that change no message in one dimension: identity, scaled sign, QSGD, TernGrad, Rand-1, Top-1."""
    moments = compressor.conditional_moments(sp.Integer(1))
    if moments.mean != v or moments.rank or sp.simplify(moments.diag) != 0:
        raise NoClosedForm(
            f"the law of the message of {type(compressor).__name__} is not implemented; the transition operator knows what "
            "leaves messages on the line as they are, signs and the Bernoulli sparsifier"
        )
    unit = gauss_rule(law, nodes, parameters)
    equal = mean_of(unit, clients, nodes)

    def of(scales: np.ndarray, g: np.ndarray) -> Rule:
        if len(scales) == 1:
            values, chances = g[:, None] + scales[0][:, None] * equal[0], equal[1]
        elif isinstance(law, Gaussian):  # a sum of Gaussians is Gaussian
            values, chances = g[:, None] + np.sqrt((scales**2).sum(axis=0))[:, None] / clients * unit[0], unit[1]
        else:
            values, chances = _mean([(g[:, None] + s[:, None] * unit[0], unit[1]) for s in scales], nodes)
        return values, np.broadcast_to(chances, values.shape)

    return of


@average.register
def _(compressor: Bernoulli, law: Law, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law for v/p with probability p, else 0: a mixture of a Gauss rule and an atom, exact for the same polynomials."""
    p = concrete(compressor.p, parameters)
    unit = gauss_rule(law, nodes, parameters)

    def message(scale: np.ndarray, g: np.ndarray) -> Rule:
        scaled = (g[:, None] + scale[:, None] * unit[0]) / p
        values = np.concatenate([np.zeros((len(g), 1)), scaled], axis=1)
        return values, np.broadcast_to(np.concatenate([[1 - p], p * unit[1]]), values.shape)

    def of(scales: np.ndarray, g: np.ndarray) -> Rule:
        if len(scales) == 1:
            return mean_of(message(scales[0], g), clients, nodes)
        return _mean([message(s, g) for s in scales], nodes)

    return of


@average.register
def _(compressor: Sign, law: Law, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law for signs, P(sgn = +1) = F(g/s): if K of N clients send +1 the mean is (2K - N)/N, K binomial or Poisson-binomial."""
    sign_mean = function_of_one(law.sign_mean, parameters)

    def sign_of(scale: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities P(+1) and P(-1), (points, 1); without noise the sign is that of g, with sgn(0) = 0."""
        noisy = (scale > 0) & (not law.degenerate)
        ratio = np.where(noisy, g / np.where(noisy, scale, 1.0), 0.0)
        mean = np.where(noisy, np.asarray(sign_mean(jnp.asarray(ratio))), np.sign(g))
        silent = ~noisy & (g == 0)
        return np.where(silent, 0, (1 + mean) / 2)[:, None], np.where(silent, 0, (1 - mean) / 2)[:, None]

    def of(scales: np.ndarray, g: np.ndarray) -> Rule:
        signs = [sign_of(s, g) for s in scales] * (clients if len(scales) == 1 else 1)
        # sums change in steps of 2, unless some client sends 0
        step = 2 if all(np.all(plus + minus > 0.5) for plus, minus in signs) else 1
        wide = 2 // step
        chances = np.ones((len(g), 1))
        for plus, minus in signs:
            grown = np.zeros((len(g), chances.shape[1] + wide))
            grown[:, wide:] += plus * chances
            grown[:, :-wide] += minus * chances
            if step == 1:
                grown[:, 1:-1] += (1 - plus - minus) * chances
            chances = grown
        values = (step * np.arange(chances.shape[1]) - clients) / clients
        return np.broadcast_to(values, chances.shape), chances

    return of


def _mean(rules: Sequence[Rule], nodes: int) -> Rule:
    """The rule of the mean of independent variables with these rules."""
    total = compressed(rules[0], nodes)
    for rule in rules[1:]:
        total = convolved(total, compressed(rule, nodes), nodes)
    return total[0] / len(rules), total[1]
