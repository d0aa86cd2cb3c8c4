"""The generator, the matching identity and closed moment equations (theory 2)."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import sympy as sp
from scipy import linalg

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.equations.process.generator import generator, matching, moment_equations, quadratic_mean
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import Cosh, Quadratic, Quartic
from sdescent.derive.methods.noise import Affine, Gaussian
from sdescent.derive.vocabulary.errors import NoClosedForm

x1, x2 = sp.symbols("x1:3", real=True)
g1, g2 = sp.symbols("g1:3", real=True)


def by_hand(drift, root) -> CoordinateSDE:
    root = sp.Matrix(root)
    state = [x1, x2][: root.rows]
    return CoordinateSDE(state, [g1, g2][: root.rows], sp.Matrix(drift), root * root.T, root, True)


def test_the_generator_by_a_short_step_of_the_equation():
    # (E phi(x + a t + L xi sqrt t) - phi(x))/t -> L phi; for two-point xi the mean is an exact sum over four outcomes
    equation = by_hand([-x1 + x2**2, sp.sin(x1)], [[x1, 1], [x2, x1 * x2]])
    phi = sp.exp(x1) * x2**3 + x1 * x2
    point = {x1: sp.Rational(2, 5), x2: sp.Rational(-3, 4)}
    drift, root = equation.drift.xreplace(point), equation.root.xreplace(point)
    f = sp.lambdify((x1, x2), phi, "mpmath")
    import mpmath as mp

    with mp.workdps(40):
        t = mp.mpf(10) ** -12
        total = mp.mpf(0)
        for xi in itertools.product((-1, 1), repeat=2):
            move = [
                mp.mpmathify(sp.N(drift[i], 40)) * t
                + mp.sqrt(t) * sum(mp.mpmathify(sp.N(root[i, k], 40)) * xi[k] for k in range(2))
                for i in range(2)
            ]
            total += f(*[mp.mpmathify(sp.N(point[s], 40)) + m for s, m in zip((x1, x2), move, strict=True)])
        slope = (total / 4 - f(*[mp.mpmathify(sp.N(point[s], 40)) for s in (x1, x2)])) / t
        found = mp.mpmathify(sp.N(generator(equation, phi).xreplace(point), 40))
        assert abs(slope - found) < 1e-9 * abs(found)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_matching_forces_one_half(dim):
    found = matching(dim)
    assert found.alpha == (sp.Rational(1, 2),)
    alpha = sp.Symbol("alpha")
    assert sp.expand(found.family.subs(alpha, sp.Rational(1, 2)) - found.step) == 0
    for wrong in (0, -sp.Rational(1, 2), 1):
        assert sp.expand(found.family.subs(alpha, wrong) - found.step) != 0


def test_the_expansion_of_a_step_by_enumeration():
    # x' = x - eta U with U = g + s xi (xi = +-1 by coordinate, one client) on an exactly quadratic f
    h = sp.Matrix([[2, sp.Rational(1, 3)], [sp.Rational(1, 3), 5]])
    x, s = sp.Matrix([sp.Rational(1, 2), sp.Rational(-2, 3)]), sp.Rational(3, 4)
    g = h * x
    f = lambda y: (y.T * h * y)[0] / 2  # noqa: E731
    step = sp.Rational(1, 10)
    exact = sum(f(x - step * (g + s * sp.Matrix(xi))) for xi in itertools.product((-1, 1), repeat=2)) / 4
    values = {"g1": g[0], "g2": g[1], "H1_1": h[0, 0], "H1_2": h[0, 1], "H2_2": h[1, 1], "eta": step, "N": 1}
    values |= {"S1_1": s**2, "S2_2": s**2, "S1_2": 0}
    found = matching(2).step
    assert found.xreplace({v: sp.S(values[v.name]) for v in found.free_symbols}) == (exact - f(x)) / step


def test_the_mean_of_a_cubic_is_refused():
    with pytest.raises(NoClosedForm, match="power above two"):
        quadratic_mean(x1**3, [x1], sp.Matrix([[1]]), "a power above two")


# --- moment equations


def test_ornstein_uhlenbeck_moments():
    equations = moment_equations(by_hand([-3 * x1], [[2]]), 4)
    fixed = equations.stationary()
    variance = sp.Rational(2, 3)
    assert fixed == {(1,): 0, (2,): variance, (3,): 0, (4,): 3 * variance**2}
    assert equations.symbol((2,)).name == "m_2"


def test_moments_in_time_against_the_closed_solution():
    # geometric: E X^m = x0^m exp((m a + m(m-1)c^2/2) t)
    a, c, start, time = -0.7, 0.5, 1.3, 0.8
    equations = moment_equations(by_hand([sp.Rational(-7, 10) * x1], [[x1 / 2]]), 4)
    matrix = np.array(equations.matrix.tolist(), dtype=float)
    assert not any(equations.constant)
    moments = linalg.expm(matrix * time) @ np.array([start**m for (m,) in equations.exponents])
    for (m,), value in zip(equations.exponents, moments, strict=True):
        assert value == pytest.approx(start**m * math.exp((m * a + m * (m - 1) * c**2 / 2) * time), rel=1e-12)


def test_higher_moments_close_for_compressed_affine_noise():
    equations = moment_equations(sde(DCSGD(RandK(1), Affine()), "corrected", Quadratic((1, 2)), 2).expanded, 4)
    assert len(equations.exponents) == 14
    # blocks: a moment of degree m depends on degrees <= m only
    degrees = [sum(a) for a in equations.exponents]
    for i, j in itertools.product(range(14), repeat=2):
        assert equations.matrix[i, j] == 0 or degrees[j] <= degrees[i]


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        (sde(DSGD(Gaussian()), "first-order", Quartic(), 1).expanded, "does not close"),
        (sde(DSGD(Gaussian()), "first-order", Cosh(), 1).expanded, "not a polynomial"),
        (sde(DSignSGD(Gaussian()), "first-order", Quadratic(), 1).expanded, "not a polynomial"),
    ],
    ids=["quartic", "cosh", "sign"],
)
def test_hierarchies_that_do_not_close(equation, message):
    with pytest.raises(NoClosedForm, match=message):
        moment_equations(equation, 2)


def test_no_unique_fixed_point():
    with pytest.raises(NoClosedForm, match="fixed point"):
        moment_equations(by_hand([0], [[1]]), 2).stationary()


def test_the_limit_on_the_number_of_moments():
    with pytest.raises(NoClosedForm, match="limit"):
        moment_equations(sde(DSGD(Gaussian()), "first-order", Quadratic(), 3).expanded, 3, limit=5)


def test_moment_equations_go_by_degree_and_by_the_order_of_the_state():
    a, b = sp.symbols("a b", real=True)
    x2 = sp.Symbol("x2", real=True)
    equations = moment_equations(by_hand([a * x2, -b * x1], [[0, 0], [0, 1]]), 2)
    assert equations.moments == (x1, x2, x1**2, x1 * x2, x2**2)
    assert equations.matrix[:2, :2] == sp.Matrix([[0, a], [-b, 0]])
    assert str(equations).splitlines()[:2] == ["d/dt E[x1] = E[x2]*a", "d/dt E[x2] = -E[x1]*b"]
