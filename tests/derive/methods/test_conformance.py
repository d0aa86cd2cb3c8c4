"""Symbolic drift and covariance against draws of the real random objects, for every compressor, noise and law.

A covering choice of pairs: each compressor under noises of every kind of tail and scale, signs under all. d in {1, 3, 5}, N in
{1, 3}, equal clients and clients with scales of their own, at a point with zero and equal coordinates and at a generic one. A
statistic passes within five standard errors of its mean; the seeds are fixed. A normal variable is further off with probability
5.7e-7, so the comparisons made here (`test_every_class_is_drawn` counts them) would hardly give a false alarm with fresh seeds.
Where fourth moments are infinite mean and covariance are integrals over the law's density instead, to ten digits. Where
only moments given the message exist, C_i C_j - E[C_i C_j | v] is averaged with the bounded weight 1/(1 + ||v||^2), which
keeps its mean zero and makes the test valid under any tail; `test_enumeration` has the exact equality.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.methods.compressors import Bernoulli, Compressor, Identity, RandK, ScaledSign
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian, Noise, Scaled
from sdescent.derive.vocabulary.errors import Refusal
from tests.support import draws
from tests.support.conformance import (
    COMPRESSORS,
    NOISES,
    POINTS,
    check_draws,
    check_pair,
    expected_refusal,
    planned,
    three_clients,
)
from tests.support.samples import slow_but


def configurations(make: Callable[[int], Compressor], noise: Noise) -> list[tuple[Compressor, Noise, np.ndarray, int]]:
    """(compressor, noise, gradient, clients): one client, three equal ones, and three with their own scales."""
    found, own = [], three_clients(noise)
    for dim, points in POINTS.items():
        compressor, first, second = make(dim), *map(np.array, points)
        found += [(compressor, noise, first, 1), (compressor, noise, second, 3)]
        if len(own.scales) == 1 or (dim == 5 and isinstance(noise, Affine) and isinstance(compressor, ScaledSign)):
            continue  # the latter takes seconds to derive: three dimensions do, and five in `test_gradient_form`
        found.append((compressor, own, second, 3))
        if first.any() or isinstance(noise, Scaled):  # a client with sigma0 = 0 has no noise at g = 0: 2F(g_j/0) - 1
            found.append((compressor, own, first, 3))
    return found


#: each kind of tail and scale once, one with a compressor; the others are with the slow tests
DEFAULT = ("none", "gaussian", "t3", "cauchy", "laplace", "affine")


#: moments of scaled sign and of a clipping take seconds to derive
QUICK = [
    *((c, n) for k, c in enumerate(COMPRESSORS) if c not in ("scaled-sign", "clip") for n in DEFAULT[k % 6 :: 6]),
    ("scaled-sign", "none"),
    ("clip", "none"),
]
#: the noises of the compressors that see more than mean and variance of a law; of the others every seventh noise, by turns
OWN = {
    "sign": tuple(NOISES),
    "scaled-sign": ("none", "laplace", "affine"),
    "clip": ("none", "gaussian", "cauchy"),
}  # fmt: skip
PAIRS = [
    (c, n)
    for k, c in enumerate(COMPRESSORS)
    for m, n in enumerate(NOISES)
    if (n in OWN[c] if c in OWN else (3 * k + m) % 7 == 0 or (c, n) in QUICK)
]


@pytest.mark.parametrize("pair", slow_but(PAIRS, QUICK), ids="-".join)
def test_moments_conform_to_the_random_objects(
    pair: tuple[str, str], record_property: Callable[[str, object], None]
) -> None:
    compressor, noise = COMPRESSORS[pair[0]], NOISES[pair[1]]
    refusal, made, plan = expected_refusal(compressor(3), noise), 0, 0
    for c, kind, g, clients in configurations(compressor, noise):
        plan += sum(planned(c, kind, g.size))
        if refusal is not None:
            with pytest.raises(Refusal) as refused:
                moments(DCSGD(c, kind, clients), g.size)
            assert refused.value.kind == refusal
            continue
        made += check_pair(c, kind, g, clients)
    record_property("comparisons", made)
    assert made == plan
    assert (plan == 0) == (refusal is not None)


CORRELATED = [Identity(), Bernoulli("2/5"), RandK(1)]


@pytest.mark.parametrize("dim", POINTS)
@pytest.mark.parametrize("compressor", CORRELATED, ids=str)
def test_noise_with_a_measured_covariance_conforms(compressor: Compressor, dim: int) -> None:
    for clients, point in zip((1, 3), POINTS[dim], strict=True):
        assert check_draws(compressor, Correlated(Gaussian()), np.array(point), clients) == dim * (dim + 3) // 2


def test_every_class_is_drawn() -> None:
    """The comparisons of the two tests above, from their parameters; each asserts that it makes as many."""
    counts = {
        (c, n): [planned(made, kind, g.size) for made, kind, g, _ in configurations(COMPRESSORS[c], NOISES[n])]
        for c, n in PAIRS
    }
    compared = {pair: sum(map(sum, rows)) for pair, rows in counts.items()}
    assert (
        {c for c, _ in compared} == set(COMPRESSORS)
        and {n for _, n in compared} == set(NOISES)
        and set(QUICK) <= set(PAIRS)
    )
    refused = {pair for pair, count in compared.items() if count == 0}
    kinds = {expected_refusal(COMPRESSORS[c](3), NOISES[n]) for c, n in refused}
    assert kinds == {"no-drift", "infinite-variance"}
    drawn, integrated = (sum(column) for column in zip(*(row for rows in counts.values() for row in rows), strict=True))
    assert drawn >= 5_000 and integrated >= 300
    assert drawn * 2 * stats.norm.sf(draws.STANDARD_ERRORS) < 0.005  # false alarms expected with fresh seeds
