"""Stationary moments and densities say where a law has them: printed, with some numbers, with all, and where none ever has.

Random cases have the fixed seed that the test names, and all are compared.
"""

import random

import pytest
import sympy as sp

from sdescent.derive.audit.equation_in_coordinates import StateSDE
from sdescent.derive.derivation import SDE, sde
from sdescent.derive.equations.process.stationary import density, discrete_second_moments
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal


def on_the_line(drift: str, covariance: str, positive: tuple[str, ...] = (), letter: str = "x") -> StateSDE:
    return SDE.from_coordinates([letter], [drift], [[covariance]], positive=positive)


def square_root_process(conditions: tuple[str, ...] = ("2*kappa*theta > sigma^2",)) -> StateSDE:
    return SDE.from_coordinates(
        ["r"], ["kappa*(theta - r)"], [["sigma^2*r"]], positive=["r", "kappa", "theta", "sigma"], conditions=conditions
    )


def test_moments_say_their_condition_wherever_they_are_shown():
    found = on_the_line("-theta*x", "sigma^2").stationary_moments()
    assert str(found) == "Matrix([[sigma**2/(2*theta)]])\nwhere theta > 0"
    assert repr(found) == "StationaryMoments(Matrix([[sigma**2/(2*theta)]]), condition=theta > 0)"
    assert r"\text{where }\theta > 0" in found._repr_latex_()
    theta = next(s for s in found.condition.free_symbols)
    assert found.piecewise.subs(theta, -1)[0] == sp.nan and found.piecewise.subs(theta, 1) == found.matrix.subs(
        theta, 1
    )
    always = discrete_second_moments(DSGD(Affine()), 1, 1).subs({"eta": sp.Rational(1, 10), "sigma1": 0, "N": 1})
    assert str(always) == "Matrix([[sigma0**2/19]])\nfor all values of its symbols"


def test_numbers_are_refused_where_no_law_is_whichever_way_they_are_put_in():
    found = on_the_line("-theta*x", "sigma^2").stationary_moments()
    assert str(found.subs({"theta": 2})).startswith("Matrix([[sigma**2/4]])")
    for put in (lambda: found.subs({"theta": -1}), lambda: found.at({"theta": -1, "sigma": 1})):
        with pytest.raises(Refusal) as refused:
            put()
        message = refused.value.message
        assert "nan" not in message and "at theta = -1:" in message and message.endswith("choose values with theta > 0")
    with pytest.raises(BadInput, match="sigma, theta"):
        found.subs({"nu": 1})


def test_the_conditions_of_a_stated_equation_are_kept():
    found = square_root_process().stationary_moments()
    assert found.at({"kappa": 1, "theta": 1, "sigma": 1})[0, 0] == pytest.approx(1.5, rel=1e-14)  # and none for r
    p = square_root_process().density()
    assert str(p).endswith("where 2*kappa*theta > sigma**2")
    for put in (found.at, found.subs, p.normalised):
        with pytest.raises(Refusal) as refused:
            put({"kappa": 1, "theta": 1, "sigma": 2})
        assert refused.value.kind == "condition-fails"


def test_where_no_values_give_a_law_there_is_no_formula():
    for equation in (on_the_line("theta*x", "1", ("theta",)), on_the_line("3*x", "1")):
        with pytest.raises(Refusal, match="pull back"):
            equation.stationary_moments()
        with pytest.raises(Refusal) as refused:
            equation.density()
        assert refused.value.kind == "not-integrable" and "pull back" in refused.value.message
    with pytest.raises(Refusal, match="infinite mass"):
        on_the_line("mu*x", "sigma^2*x^2", ("x",)).density()  # a power of x on x > 0, whatever mu


CONDITIONS = {
    "linear": (on_the_line("a*x", "1"), "a < 0"),
    "double well": (on_the_line("b*x - a*x^3", "1"), "(a > 0) | (Eq(a, 0) & (b < 0))"),
    "power tail": (on_the_line("-a*x", "1 + s^2*x^2", ("s",)), "2*a + s**2 > 0"),
    "half line": (square_root_process(()), "True"),
    "kink": (on_the_line("-a*sign(x)", "1"), "None"),
    "no noise at 0": (on_the_line("-a*x", "x^2"), "None"),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_where_the_mass_of_a_density_is_finite(case):
    equation, expected = CONDITIONS[case]
    p = equation.density()
    assert str(p.condition) == expected
    told = {"True": "for all values", "None": "normalised(values) decides"}.get(expected, f"where {expected}")
    assert str(p).startswith(f"p ~ {p.shape}\n") and told in str(p) and r"\propto" in p._repr_latex_()
    if expected == "None":
        with pytest.raises(NoClosedForm, match="normalised"):
            assert p.piecewise
    else:
        assert p.piecewise == (p.shape if expected == "True" else sp.Piecewise((p.shape, p.condition), (sp.nan, True)))


def test_a_density_of_infinite_mass_is_refused_at_numbers_with_the_remedy():
    p = CONDITIONS["linear"][0].density()
    assert p.piecewise.subs(next(iter(p.parameters)), 1) == sp.nan
    with pytest.raises(Refusal, match="choose values with a < 0"):
        p.normalised({"a": 1})
    affine = density(sde(DSGD(Affine()), loss=Quadratic(), dim=1).expanded)
    assert affine.condition == sp.true


@pytest.mark.slow
def test_the_condition_is_what_quadrature_finds():
    """Four random sets of values, seed 7: the mass is finite by the formula iff it is by the slopes of the tails."""
    p, draw, seen = CONDITIONS["double well"][0].density(), random.Random(7), set()
    assert p.condition is not None
    blind = p.__class__(p.exponent, p.spread, p.state, p.drift, p.support)
    object.__setattr__(blind, "finite", None)
    letters = sorted(p.parameters, key=str)  # a set has another order in each process
    for _ in range(4):
        values = {s.name: draw.choice((1, 1 if s.is_positive else -1)) * draw.randint(1, 9) / 4 for s in letters}
        expected = bool(p.condition.subs({s: sp.Rational(str(values[s.name])) for s in letters}))
        seen.add(expected)
        try:
            blind.normalised(values)
            assert expected, values
        except Refusal:
            assert not expected, values
    assert seen == {True, False}


#: state, drift, covariance; q and c of d/dt E q = c, by hand
GROWING = {
    "Brownian motion": (["x"], ["0"], [["sigma^2"]], "x^2", "sigma^2"),
    "noise that outgrows the drift": (["x"], ["-x"], [["2*x^2 + 1"]], "x^2", "1"),
    "free Langevin": (["x", "v"], ["v", "-a*v"], [[0, 0], [0, "2*a"]], "(a*x + v)^2", "2*a"),
}


@pytest.mark.parametrize("case", GROWING)
def test_where_a_moment_grows_there_are_no_stationary_moments(case):
    state, drift, covariance, q, c = GROWING[case]
    equation = SDE.from_coordinates(state, drift, covariance, positive=["a"] if "a" in str(drift) else [])
    pair = equation.moment_equations(2).growing()
    assert pair is not None and sp.expand(equation.generator(pair[0]) - pair[1]) == 0
    by_hand = [sp.sympify(text.replace("^", "**"), dict(equation.symbols)) for text in (q, c)]
    assert sp.simplify(pair[1] / by_hand[1] - pair[0] / by_hand[0]) == 0
    with pytest.raises(Refusal, match="no stationary law has finite second moments: d/dt E") as refused:
        equation.stationary_moments()
    assert refused.value.kind == "no-stationary-law"


def test_where_there_are_many_stationary_laws_it_is_not_said_that_there_are_none():
    """An oscillator without noise."""
    equation = SDE.from_coordinates(["x", "v"], ["v", "-x"], [[0, 0], [0, 0]])
    assert equation.moment_equations(2).growing() is None
    with pytest.raises(NoClosedForm, match="no unique fixed point"):
        equation.stationary_moments()
