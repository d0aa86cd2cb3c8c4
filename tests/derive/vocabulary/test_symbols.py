"""Expressions of a user: their symbols are matched by name or refused, text is read and never evaluated, floats are refused."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.equations.process.stationary import second_moments
from sdescent.derive.expressions.coordinates import Coordinate, coord_sum, g
from sdescent.derive.methods.losses import LogisticRegression, Quadratic, Separable, SeparableSum, Smoothness
from sdescent.derive.methods.losses import x as generic
from sdescent.derive.methods.schedules import Schedule
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import N, coerce, eta, matched, parameter, t

METHOD = sd.DSGD(sd.noise.Gaussian())
OU = sde(METHOD, loss=Quadratic("h"), dim=2)
X1, X2 = OU.expanded.state
PLAIN = sp.Symbol("x1")


# --- generator


@pytest.mark.parametrize("phi", [PLAIN**2, sp.Symbol("x1", real=True) ** 2, " x1 * x1 "])
def test_a_symbol_of_sympys_own_is_matched_by_its_name_in_the_generator(phi: Any) -> None:
    """Another x1 than ours has no derivative: L x1^2 would be 0."""
    h, sigma = parameter("h"), parameter("sigma")
    assert sp.expand(generator(OU.expanded, phi) - (eta * sigma**2 / N - 2 * h * X1**2)) == 0


def test_constants_of_a_test_function_are_the_equations_or_declared() -> None:
    h = parameter("h")
    assert sp.expand(generator(OU.expanded, sp.Symbol("h") * PLAIN) + h**2 * X1) == 0
    assert sp.expand(generator(OU.expanded, parameter("a") * X2) + parameter("a") * h * X2) == 0


@pytest.mark.parametrize(
    ("phi", "words"),
    [
        (sp.Symbol("y") ** 2, "found 'y'"),
        (sp.Symbol("x1", positive=True), "declared positive=True"),  # sqrt(x1^2) would have become x1
        (0.5 * PLAIN, "'0.5' as text, or sympy.Rational(1, 2)"),
        ("x1 + y", "found 'y' (column 6)"),
    ],
)
def test_another_symbol_is_refused_in_the_generator(phi: Any, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        generator(OU.expanded, phi)
    assert caught.value.field == "phi" and words in caught.value.message


def test_an_equation_has_its_symbols_by_name() -> None:
    assert OU.symbols["eta"] == eta and OU.symbols["x2"] == X2 and OU.symbols["h"] == parameter("h")
    assert set(OU.symbols) == {"x1", "x2", "eta", "N", "sigma", "h"} == set(OU.expanded.symbols)
    assert OU.symbols["eta"] != sp.Symbol("eta") and set(sde(METHOD).symbols) == {"eta", "N", "sigma"}


# --- losses


@pytest.mark.parametrize("f", [sp.Symbol("x") ** 4 / 4, "x*x*x^2/4", sp.Symbol("x_j", real=True) ** 4 / 4])
def test_a_loss_from_ones_own_symbol_or_text(f: Any) -> None:
    """Another x than ours has no derivative: the drift would be 0."""
    assert SeparableSum(f) == SeparableSum(generic**4 / 4)
    assert list(sde(METHOD, loss=SeparableSum(f), dim=2).expanded.drift) == [-(X1**3), -(X2**3)]


def test_parameters_of_a_loss_as_text() -> None:
    loss = SeparableSum("a*x^2/2 + sqrt(1 + x^2) + 0.25*exp(-abs(x))", l0="a + 1", l1="0")
    x = generic
    assert loss.f == parameter("a") * x**2 / 2 + sp.sqrt(1 + x**2) + sp.exp(-sp.Abs(x)) / 4
    assert loss.parameters(3) == ("a",) and loss.smoothness(1).l0 == parameter("a") + 1


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (sp.Symbol("x", positive=True) ** 2, "declared positive=True"),
        (g**2 * generic, "found 'g_j'"),
        (0.5 * generic**2, "sympy.Rational(1, 2)"),
        ("x/(x - x)", "division by zero"),
        (lambda x: x**2, "separable-sum:f"),
    ],
)
def test_a_loss_that_would_silently_be_another_is_refused(f: Any, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        SeparableSum(f)
    assert caught.value.field == "separable-sum:f" and words in caught.value.message


def test_vectors_of_a_loss_stay_parameters() -> None:
    w = Coordinate("w", "j", True)
    assert SeparableSum(w * sp.Symbol("c") * sp.Symbol("x") ** 2 / 2).f == w * parameter("c") * generic**2 / 2


@pytest.mark.parametrize("row", [("x1", 1), (sp.Symbol("x1", real=True), 1), ("2+2", 1)])
def test_features_are_numbers_or_symbols_and_never_evaluated(row: Any) -> None:
    with pytest.raises(BadInput, match=re.escape(f"logistic-regression:features: found '{row[0]}'")):
        LogisticRegression(features=(row,), labels=(1,))


# --- schedules, scales, curvatures


def test_a_schedule_in_ones_own_time() -> None:
    """Another t than ours has no derivative: the second-order drift would miss its term."""
    ours = sde(sd.DSGD(schedule=sd.schedules.Adaptive(1 / (1 + t))), "second-order")
    for h in (1 / (1 + sp.Symbol("t")), "1/(1 + t)"):
        assert sp.expand(sde(sd.DSGD(schedule=sd.schedules.Adaptive(h)), "second-order").drift - ours.drift) == 0
    assert ours.drift is not None and ours.drift.coeff(g) != 0
    for h in (sp.Symbol("g"), "1/(1 + g)", sp.Symbol("t", positive=True), 0.5 * t):
        with pytest.raises(BadInput, match=r"^h: "):
            sd.schedules.Adaptive(h)


@dataclass(frozen=True)
class OwnSchedule(Schedule):
    """1/(1 + t), in whichever t."""

    t: Any

    @property
    def factor(self) -> sp.Expr:
        return 1 / (1 + self.t)


@dataclass(frozen=True)
class OwnLoss(Separable):
    """x^4, in whichever x."""

    x: Any

    @property
    def coordinate(self) -> sp.Expr:
        return self.x**4

    def smoothness(self, dim: int) -> Smoothness:
        raise NotImplementedError


def test_classes_of_ones_own_are_in_our_symbols() -> None:
    """Subclasses say their formulas themselves, and nothing exchanges their symbols: another x or t is refused."""
    drift = sde(sd.DSGD(schedule=OwnSchedule(t)), "second-order", OwnLoss(generic), 1).expanded.drift[0]
    assert drift.has(t) and drift.has(X1)
    for other in (sp.Symbol("t"), sp.Symbol("t", positive=True), sp.Symbol("x1")):
        with pytest.raises(BadInput, match=r"^schedule: found .a symbol .* that is not the engine"):
            sd.DSGD(schedule=OwnSchedule(other))
    for other in (sp.Symbol("x"), sp.Symbol("x1", real=True), sp.Symbol("t")):
        with pytest.raises(BadInput, match=r"^loss: found .a symbol .* that is not the engine"):
            _ = sde(METHOD, loss=OwnLoss(other), dim=1).expanded
    with pytest.raises(BadInput, match=r"^loss: found 'c\*\*4'.*depends on x_j"):
        _ = sde(METHOD, loss=OwnLoss(sp.Symbol("c")), dim=1).expanded
    assert sde(sd.DSGD(schedule=OwnSchedule(parameter("tau")))).symbols["tau"] == parameter("tau")


def test_scales_and_curvatures_as_text() -> None:
    assert sd.noise.Scaled(sd.noise.Gaussian(), "sqrt(a^2 + b^2)").scales == (
        sp.sqrt(parameter("a") ** 2 + parameter("b") ** 2),
    )
    assert Quadratic(("2*a", "1/3")).h == (2 * parameter("a"), sp.Rational(1, 3))
    plain, ours = (second_moments(METHOD, 1, "corrected", h)[0] for h in (sp.Symbol("h"), parameter("h")))
    assert plain == ours


@pytest.mark.parametrize("text", ["1;2", "sigma sigma", "x.__class__", "9**9**9**9", "", "\x00"])
def test_text_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^sigma: "):
        sd.noise.Scaled(sd.noise.Gaussian(), text)


@pytest.mark.parametrize("value", [0.1, np.float64(0.1), 0.1 * sp.Symbol("a")])
def test_a_float_is_refused_with_the_remedy(value: Any) -> None:
    with pytest.raises(BadInput) as caught:
        Quadratic(value)
    assert "'0.1' as text, or sympy.Rational(1, 10), in place of a float" in caught.value.message
    assert Quadratic("0.1") == Quadratic(sp.Rational(1, 10)) == Quadratic(Fraction(1, 10))


def test_whole_numbers_of_any_type() -> None:
    assert coerce(np.int64(3)) == 3 and isinstance(coerce(np.int64(3)), sp.Integer)
    for value in (True, float("nan"), float("inf"), None, sp.oo, sp.nan):
        with pytest.raises(BadInput):
            coerce(value)


def test_a_symbol_inside_a_sum_over_coordinates_is_matched_too() -> None:
    assert matched(coord_sum(sp.Symbol("c") * g**2), (), "h") == parameter("c") * coord_sum(g**2)
