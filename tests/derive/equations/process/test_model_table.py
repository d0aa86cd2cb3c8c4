"""What tells the models apart (theory 2 and 5): the table, the matching identity, the quartic.

Each fact is computed from the engine's equations and compared with the formula of docs/theory.md.
"""

import math

import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import gradient_symbols, hessian_symbols
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.equations.process.stationary import (
    LAMBDA,
    MODEL_NAMES,
    SIGMA,
    continuous_rate,
    decay_rate,
    discrete_second_moments,
    discrete_step,
    model_table,
    quartic_threshold,
    second_moments,
)
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.losses import Quadratic, Quartic
from sdescent.derive.methods.noise import Affine
from sdescent.derive.vocabulary.symbols import N, eta

COMPRESSED = DCSGD(Bernoulli("p"), Affine("sigma0", "sigma1"))
BENDS = {"first-order": 0, "second-order": -1, "corrected": 1}


def test_rates_of_decay():
    """Without noise f decays at the rate 2 lambda (1 - c eta lambda/2), c = 0, -1, 1."""
    assert all(vanishes(decay_rate(m) - 2 * LAMBDA * (1 - c * eta * LAMBDA / 2)) for m, c in BENDS.items())


def test_the_table_of_models():
    """Variance eta sigma^2/(N lambda (2 - c eta lambda)); the method has that of the corrected model, and its threshold."""
    rows = {row.model: row for row in model_table()}
    assert list(rows) == ["first-order", "second-order", "corrected"]
    assert [row.threshold_right for row in rows.values()] == [False, False, True]
    assert rows["corrected"].threshold == 2 / LAMBDA
    variances = {m: eta * SIGMA**2 / (N * LAMBDA * (2 - c * eta * LAMBDA)) for m, c in BENDS.items()}
    for model, variance in variances.items():
        assert vanishes(rows[model].variance - variance)
        assert vanishes(rows[model].variance_ratio - variance / variances["corrected"])
    assert [row.weak_order for row in rows.values()] == [1, 2, 1]
    assert [row.rate_error_order for row in rows.values()] == [1, 2, 1]
    error = rows["first-order"].rate_error.subs({eta: sp.Rational(1, 1000), LAMBDA: sp.Rational(17, 10)})
    assert float(error) == pytest.approx(2 * 1.7 + 2 * math.log1p(-1.7e-3) / 1e-3, rel=0.01)


def test_the_corrected_model_and_the_method_differ_by_a_commutator():
    """dV/dt of the corrected model less (V_(n+1) - V_n)/eta is (eta/2) [H, [H, V]], so that the diagonals and their laws agree."""
    v = sp.Matrix(2, 2, lambda i, j: sp.Symbol(f"V_{min(i, j) + 1}{max(i, j) + 1}", real=True))
    hessian = sp.diag(*Quadratic().vectors(2)["h"])
    gap = continuous_rate(COMPRESSED, v, "corrected") - (discrete_step(COMPRESSED, v) - v) / eta
    inner = hessian * v - v * hessian
    assert all(vanishes(e) for e in gap - eta / 2 * (hessian * inner - inner * hessian)) and not vanishes(gap[0, 1])
    still = second_moments(COMPRESSED, 2, "corrected").matrix - discrete_second_moments(COMPRESSED, 2).matrix
    assert all(vanishes(still[i, i]) for i in range(2))


def test_the_quartic():
    """L f = -x^6 + (3/2) c eta x^8 on x^4/4; |x| grows beyond eta x^2 = 2 (method) and 2/3 (corrected), and never otherwise."""
    for model, c in BENDS.items():
        equation = sde(DSGD(), model, Quartic(), 1).expanded  # pyright: ignore[reportArgumentType]
        (x,) = equation.state
        assert vanishes(generator(equation, Quartic().value([x])) + x**6 - sp.Rational(3, 2) * c * eta * x**8)
    thresholds = {s: quartic_threshold(s) for s in ("method", *MODEL_NAMES)}
    assert thresholds == {"method": 2, "first-order": sp.oo, "second-order": sp.oo, "corrected": sp.Rational(2, 3)}


def test_the_matching_identity():
    """The change of the loss in a step has the mean -g.g + (eta/2)(g'Hg + Tr(HS)/N) over eta: c = 1/2 in -g + c eta H g."""
    half = sp.Rational(1, 2)
    slope = sp.Matrix(gradient_symbols(2))
    drift = sde(DSGD(), "corrected", dim=2).expanded.drift
    assert all(vanishes(e) for e in drift - (-slope + half * eta * hessian_symbols(2) * slope))
