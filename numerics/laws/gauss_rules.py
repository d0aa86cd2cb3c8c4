"""Gauss rules of noise laws, and of means of independent variables, as finite laws. Dimensionless.

A rule of n nodes integrates polynomials up to degree 2n - 1 exactly against its law. The rule of a sum of independent variables
follows from theirs: all sums of nodes are a finite law, and its Gauss rule of n nodes, by Lanczos' algorithm (Golub and Welsch
1969; Gautschi 2004, section 2.2), has the moments of the true sum up to degree 2n - 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import numpy as np
import sympy as sp

from derive.methods.noise import Gaussian, Law, Point, Uniform
from derive.vocabulary.errors import NoClosedForm
from numerics.backend.double import jnp
from numerics.lowering.scalars import concrete
from numerics.lowering.to_jax import lower_function

#: nodes and weights, arrays (.., n); weights sum to 1 along the last axis
Rule = tuple[np.ndarray, np.ndarray]
#: a density is summed on [-REACH, REACH], panel by panel of this width; beyond it e^{-|z|} is below the smallest number
REACH, PANEL = 700.0, 0.5
#: a step of Lanczos' algorithm that leaves less than this share of the spread has used up the law's points
_END = 1e-13


def compressed(rule: Rule, count: int) -> Rule:
    """The Gauss rule of `count` nodes of each finite law, (.., m) -> (.., count); one of at most `count` points stays.

    Lanczos' algorithm with full reorthogonalisation. Where a law has fewer points than `count`, nodes of weight 0 fill up.
    """
    nodes, weights = np.broadcast_arrays(*(np.asarray(a, float) for a in rule))
    if nodes.shape[-1] <= count:
        return nodes, weights
    shape = nodes.shape[:-1]
    nodes, weights = nodes.reshape(-1, nodes.shape[-1]), weights.reshape(-1, nodes.shape[-1])
    mass = weights.sum(axis=1, keepdims=True)
    centre = (weights * nodes).sum(axis=1, keepdims=True) / mass
    spread = np.sqrt((weights * (nodes - centre) ** 2).sum(axis=1, keepdims=True) / mass)
    unit = (nodes - centre) / np.where(spread > 0, spread, 1.0)
    basis = np.zeros((count, *nodes.shape))
    basis[0] = np.sqrt(weights / mass)
    tridiagonal = np.zeros((len(nodes), count, count))
    for k in range(count):
        image = unit * basis[k]
        tridiagonal[:, k, k] = np.einsum("bm,bm->b", basis[k], image)
        for _ in range(2):  # twice is enough (Parlett 1980)
            image = image - np.einsum("kbm,kb->bm", basis[: k + 1], np.einsum("kbm,bm->kb", basis[: k + 1], image))
        size = np.linalg.norm(image, axis=1)
        alive = size > _END
        if k + 1 < count:
            tridiagonal[alive, k, k + 1] = tridiagonal[alive, k + 1, k] = size[alive]
            basis[k + 1, alive] = image[alive] / size[alive, None]
    values, vectors = np.linalg.eigh(tridiagonal)
    return (
        (centre + spread * values).reshape(*shape, count),
        (mass * vectors[:, 0, :] ** 2).reshape(*shape, count),
    )


def convolved(first: Rule, second: Rule, count: int) -> Rule:
    """The rule of `count` nodes of a sum of two independent variables."""
    nodes = first[0][..., :, None] + second[0][..., None, :]
    weights = first[1][..., :, None] * second[1][..., None, :]
    flat = (*nodes.shape[:-2], -1)
    return compressed((nodes.reshape(flat), weights.reshape(flat)), count)


def mean_of(rule: Rule, copies: int, count: int) -> Rule:
    """The rule of `count` nodes of the mean of independent copies, by doubling: O(log copies) convolutions."""
    power, total, left = rule, None, copies
    while True:
        if left % 2:
            total = power if total is None else convolved(total, power, count)
        left //= 2
        if not left:
            break
        power = convolved(power, power, count)
    assert total is not None  # copies >= 1
    return total[0] / copies, total[1]


@singledispatch
def gauss_rule(law: Any, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    """The Gauss rule of a standardised law.

    Args:
        law: a `derive.methods.noise.Law`.
        count: how many nodes, >= 1.
        parameters: values of its symbols, by name.

    Raises:
        TypeError: not a law.
        BadInput: a symbol without a value.
        NoClosedForm: the law lacks moments (Student-t, stable laws), or its tails are heavier than exponential: no Gauss rule.
    """
    raise TypeError(f"{type(law).__name__} is not a noise law")


@gauss_rule.register
def _(law: Law, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    """The rule of any law with exponential tails: its density summed on panels (one end at 0, where Laplace's has a kink)."""
    if law.tail != sp.oo:
        raise NoClosedForm(f"the law has moments up to order {law.tail} only, so it has no Gauss rules of any size")
    y = sp.Symbol("y", real=True)
    density: Any = law.density(y)
    put = {s: sp.Float(concrete(s, parameters), 17) for s in density.free_symbols - {y}}
    points, own = np.polynomial.legendre.leggauss(16)
    starts = np.arange(0.0, REACH, PANEL)
    right = (starts[:, None] + PANEL * (1 + points) / 2).ravel()
    nodes = np.concatenate([-right[::-1], right])
    values = np.asarray(lower_function(density.xreplace(put), [y])(jnp.asarray(nodes)))
    weights = values * np.tile(PANEL / 2 * own, 2 * len(starts))
    kept = weights > 0
    mass = float(weights[kept].sum())
    if not abs(mass - 1) < 1e-10:
        raise NoClosedForm(f"the density sums to {mass} within {REACH:g} of 0: its tails are too heavy for a Gauss rule")
    return compressed((nodes[kept], weights[kept] / mass), count)


@gauss_rule.register
def _(law: Point, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    return np.zeros(1), np.ones(1)


@gauss_rule.register
def _(law: Gaussian, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


@gauss_rule.register
def _(law: Uniform, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights / 2
