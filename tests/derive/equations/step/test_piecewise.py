"""Expectations of piecewise polynomials of one coordinate under Gaussian noise, against quadrature at fixed points."""

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from sdescent.derive.equations.step.mean_over_noise import univariate
from sdescent.derive.expressions.coordinates import g, v
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.vocabulary.errors import NoClosedForm
from tests.support.samples import slow_but

S, SIGMA, WEAK = sp.Symbol("s", positive=True), sp.Symbol("sigma", positive=True), sp.Symbol("c", nonnegative=True)
SIZE, EITHER = sp.Abs(v), sp.Symbol("r", real=True)

COVERED = {
    "dithered": SIZE * sp.Max(S, SIZE),
    "soft threshold": sp.sign(v) * sp.Max(SIZE - WEAK, 0),
    "quadratic": sp.Max(v**2, S),
    "never met": sp.Max(v**2 + 1, v),
    "touched": sp.Max(v**2, 2 * v - 1),
    "cases": sp.Piecewise((v, v**2 < S**2), (S * sp.sign(v), True)),
    "far out": sp.Heaviside(SIZE - S) * v,
    "three": sp.Max(S * SIZE, v**2, 2 * S**2),
    "never negative": sp.sign(sp.Max(v, WEAK)),
    "cut inside": sp.Max(1, sp.Abs(SIZE - 3) * SIZE),
    "a size that may be met": sp.Max(EITHER, SIZE),
    "cut beside a kink": sp.Max(EITHER, SIZE + v / 2),
    "a sign of both": sp.sign(v**2 - v - EITHER) * v,
}
#: where |z| |z - 3| = 1, and where that has a kink
INSIDE = ((3 - 5**0.5) / 2, (3 + 5**0.5) / 2, 3.0, (3 + 13**0.5) / 2)


@pytest.mark.parametrize("case", slow_but(COVERED, COVERED.keys() - {"far out", "cut inside"}))
def test_means_equal_quadrature(case):
    phi = COVERED[case]
    found = sp.lambdify((g, S, SIGMA, WEAK, EITHER), univariate(phi, g, SIGMA, Gaussian()), ["scipy", "numpy"])
    map_ = sp.lambdify((v, S, WEAK, EITHER), phi, "numpy")
    for mean, s, sigma, c, r in ((0.0, 0.9, 0.7, 0.0, 0.6), (0.3, 0.9, 0.7, 0.4, -0.2), (-2.0, 3.0, 1.5, 5.0, 2.0)):
        sizes = (c, 1.0, s, s**0.5, 2**0.5 * s, r, abs(r) ** 0.5, 2 * r, 2 * r / 3, *INSIDE)
        kinks = [z * scale for z in (-1.0, 1.0) for scale in sizes] + [0.0]
        kinks += [0.5 + side * max(0.0, 0.25 + r) ** 0.5 for side in (-1.0, 1.0)]
        cuts = sorted({mean - 9 * sigma, mean + 9 * sigma, *(k for k in kinks if abs(k - mean) < 9 * sigma)})
        density = stats.norm(mean, sigma).pdf
        weighted = lambda z, s=s, c=c, r=r, density=density: map_(z, s, c, r) * density(z)  # noqa: E731
        true = sum(
            integrate.fixed_quad(weighted, a + (b - a) * n / 8, a + (b - a) * (n + 1) / 8, n=24)[0]
            for a, b in pairwise(cuts)
            for n in range(8)
        )
        assert np.isclose(found(mean, s, sigma, c, r), true, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("phi", "why"),
    [
        (sp.Max(v**3, v), "more than twice"),
        (sp.Max(sp.sin(v), v), "polynomial"),
        (sp.Max(EITHER * v, 1), "order"),
    ],
)
def test_what_has_no_decided_pieces_is_refused(phi, why):
    with pytest.raises(NoClosedForm, match=why):
        univariate(phi, g, SIGMA, Gaussian())
