"""Symbolic drift and covariance against draws of the real random objects, for every compressor and every kind of noise.

Laws are drawn one by one in `test_planted_factors`. Here d is 1, 3 and 5 and N is 1 and 3, with equal clients and with scales of
their own, at a point with zero and equal coordinates and at a generic one. A statistic passes within five standard errors of its
mean; the seeds are fixed. A normal variable is further off with probability 5.7e-7, so the comparisons made here
(`test_every_class_is_drawn` counts them) would hardly give a false alarm with fresh seeds. Where fourth moments are infinite, mean
and covariance are integrals over the law's density instead, to ten digits. Where only moments given the message exist,
C_i C_j - E[C_i C_j | v] is averaged with the bounded weight 1/(1 + ||v||^2), which keeps its mean zero and makes the test valid
under any tail; `test_enumeration` has the exact equality.
"""

import numpy as np
import pytest
from scipy import stats

from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.methods import compressors
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

#: the noises of each compressor, every kind of tail and scale among them; the slow ones take seconds to derive
PAIRS = [
    ("identity", "none"), ("identity", "t5/2"), ("bernoulli", "gaussian"), ("rand-k", "t3"), ("rand-1", "cauchy"),
    ("qsgd", "laplace"), ("ternary", "affine"), ("natural", "none"), ("natural", "t9"), ("fixed-grid", "gaussian"), ("sign", "t3"),
    ("scaled-sign", "none"), ("top-k", "laplace"), ("clip", "none"), ("norm-clip", "none"), ("identity", "stable3/2"),
]  # fmt: skip
SLOW = [("sign", "affine-t9"), ("scaled-sign", "laplace"), ("clip", "gaussian"), ("norm-clip", "cauchy")]


def configurations(name: str, noise: Noise) -> list[tuple[compressors.Compressor, Noise, np.ndarray, int]]:
    """(compressor, noise, gradient, clients): one client, three equal ones, and three with their own scales."""
    cases, scaled = [], three_clients(noise)
    for dim, points in POINTS.items():
        compressor, first, second = COMPRESSORS[name](dim), *map(np.array, points)
        cases += [(compressor, noise, first, 1), (compressor, noise, second, 3)]
        if len(scaled.scales) > 1:
            cases.append((compressor, scaled, second, 3))
            if first.any() or isinstance(
                noise, Scaled
            ):  # a client with sigma0 = 0 has no noise at g = 0: 2F(g_j/0) - 1
                cases.append((compressor, scaled, first, 3))
    return cases


@pytest.mark.parametrize("pair", slow_but([*PAIRS, *SLOW], PAIRS), ids="-".join)
def test_moments_conform_to_the_random_objects(pair: tuple[str, str]) -> None:
    refusal = expected_refusal(COMPRESSORS[pair[0]](3), NOISES[pair[1]])
    for compressor, noise, g, clients in configurations(pair[0], NOISES[pair[1]]):
        if refusal is None:
            assert check_pair(compressor, noise, g, clients) == sum(planned(compressor, noise, g.size)) > 0
            continue
        with pytest.raises(Refusal) as refused:
            moments(DCSGD(compressor, noise, clients), g.size)
        assert refused.value.kind == refusal


@pytest.mark.parametrize(("compressor", "dim"), [("identity", 1), ("bernoulli", 5), ("rand-1", 3)])
def test_noise_with_a_measured_covariance_conforms(compressor: str, dim: int) -> None:
    for clients, point in zip((1, 3), POINTS[dim], strict=True):
        comparisons = check_draws(COMPRESSORS[compressor](dim), Correlated(Gaussian()), np.array(point), clients)
        assert comparisons == dim * (dim + 3) // 2


def test_every_class_is_drawn() -> None:
    """The comparisons of the tests above, from their parameters; each asserts that it makes as many."""
    pairs = [*PAIRS, *SLOW]
    assert {c for c, _ in pairs} == set(COMPRESSORS) and {type(NOISES[n]) for _, n in pairs} >= {Scaled, Affine}
    refusals = {expected_refusal(COMPRESSORS[c](3), NOISES[n]) for c, n in pairs}
    assert refusals == {None, "no-drift", "infinite-variance"}
    counts = [planned(piece, noise, g.size) for c, n in pairs for piece, noise, g, _ in configurations(c, NOISES[n])]
    drawn, integrated = (sum(column) for column in zip(*counts, strict=True))
    assert drawn >= 1_000 and integrated >= 100
    assert drawn * 2 * stats.norm.sf(draws.STANDARD_ERRORS) < 0.005  # false alarms expected with fresh seeds
