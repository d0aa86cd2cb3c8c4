"""Gauss rules of sums and means of independent variables, as finite laws. Dimensionless.

A rule with n nodes integrates polynomials up to degree 2n - 1 exactly against its law. The rule of a sum of independent variables
follows from the rules of the variables: all sums of nodes form a finite law, and the Gauss rule of this law with n nodes, by
Lanczos' algorithm (Golub and Welsch 1969; Gautschi 2004, section 2.2), has the moments of the true sum up to degree 2n - 1.
"""

import numpy as np

#: nodes and weights, arrays (.., n); weights sum to 1 along the last axis
Rule = tuple[np.ndarray, np.ndarray]
#: Lanczos' algorithm has used up the points of a law when a step leaves less than this share of the spread
_END = 1e-13


def compressed(rule: Rule, count: int) -> Rule:
    """The Gauss rule with `count` nodes of each finite law, (.., m) -> (.., count); laws with m <= `count` do not change.

    It comes from Lanczos' algorithm with full reorthogonalisation. If a law has fewer distinct points than `count`, the rest are
    nodes of weight 0.
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
    nodes, weights = centre + spread * values, (mass * vectors[:, 0, :] ** 2)
    return nodes.reshape(*shape, count), weights.reshape(*shape, count)


def convolved(first: Rule, second: Rule, count: int) -> Rule:
    """The rule with `count` nodes of the sum of two independent variables."""
    nodes = first[0][..., :, None] + second[0][..., None, :]
    weights = first[1][..., :, None] * second[1][..., None, :]
    flat = (*nodes.shape[:-2], -1)
    return compressed((nodes.reshape(flat), weights.reshape(flat)), count)


def mean_of(rule: Rule, copies: int, count: int) -> Rule:
    """The rule with `count` nodes of the mean of independent copies, by doubling, in O(log copies) convolutions."""
    power, total, remaining = rule, None, copies
    while True:
        if remaining % 2:
            total = power if total is None else convolved(total, power, count)
        remaining //= 2
        if not remaining:
            break
        power = convolved(power, power, count)
    assert total is not None  # copies >= 1
    return total[0] / copies, total[1]
