"""The generator and closed moment equations (theory 2)."""

import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.equations.process.generator import generator, moment_equations
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Cosh, Quartic
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.vocabulary.errors import NoClosedForm

x1, x2 = sp.symbols("x1:3", real=True)
g1, g2 = sp.symbols("g1:3", real=True)


def by_hand(drift, root) -> CoordinateSDE:
    root = sp.Matrix(root)
    state = [x1, x2][: root.rows]
    return CoordinateSDE(state, [g1, g2][: root.rows], sp.Matrix(drift), root * root.T, root, True)


def test_the_generator_of_squares_and_products():
    """L L' has the entries 1 + x1^2, 2 x1 x2 and x2^2 (1 + x1^2)."""
    equation = by_hand([-x1 + x2**2, sp.sin(x1)], [[x1, 1], [x2, x1 * x2]])
    expected = {x1**2: 2 * x1 * (-x1 + x2**2) + 1 + x1**2, x1 * x2: (-x1 + x2**2) * x2 + x1 * sp.sin(x1) + 2 * x1 * x2}
    assert all(sp.expand(generator(equation, phi) - e) == 0 for phi, e in expected.items())


# --- moment equations


def test_ornstein_uhlenbeck_moments():
    equations = moment_equations(by_hand([-3 * x1], [[2]]), 4)
    fixed = equations.stationary()
    variance = sp.Rational(2, 3)
    assert fixed == {(1,): 0, (2,): variance, (3,): 0, (4,): 3 * variance**2}


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        (sde(DSGD(Gaussian()), "first-order", Quartic(), 1).expanded, "does not close"),
        (sde(DSGD(Gaussian()), "first-order", Cosh(), 1).expanded, "not a polynomial"),
    ],
    ids=["quartic", "cosh"],
)
def test_hierarchies_that_do_not_close(equation, message):
    with pytest.raises(NoClosedForm, match=message):
        moment_equations(equation, 2)


def test_moment_equations_go_by_degree_and_by_the_order_of_the_state():
    a, b = sp.symbols("a b", real=True)
    x2 = sp.Symbol("x2", real=True)
    equations = moment_equations(by_hand([a * x2, -b * x1], [[0, 0], [0, 1]]), 2)
    assert equations.moments == (x1, x2, x1**2, x1 * x2, x2**2)
    assert equations.matrix[:2, :2] == sp.Matrix([[0, a], [-b, 0]])
    assert str(equations).splitlines()[:2] == ["d/dt E[x1] = E[x2]*a", "d/dt E[x2] = -E[x1]*b"]
