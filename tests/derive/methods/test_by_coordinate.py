"""Constants of a compressor and a noise that differ by coordinate, against the enumeration of all outcomes of one step."""

import itertools
import pickle
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.process.stationary import stability_threshold
from sdescent.derive.expressions.coordinates import by_coordinate, coord_max, v
from sdescent.derive.methods.specialise import specialise, symbol_names, vector_names
from sdescent.derive.reading.experiments import _complete
from sdescent.derive.reading.method_tables import with_numbers
from sdescent.derive.reading.problems import Lack, Problem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import N, eta
from tests.support.laws.importance import Importance

P = (Fraction(1, 2), Fraction(1, 4), Fraction(1))
SCALES = (Fraction(2), Fraction(1, 3), Fraction(1))


def enumerated(gradient: list[sp.Symbol], p: Any, scales: Any) -> tuple[sp.Matrix, sp.Matrix]:
    """E C and Cov C of C_j = B_j (g_j + s_j Z_j)/p_j from the 2^d outcomes of B, with Z_j = 1 or -1 at even odds, of variance 1."""
    mean, second = sp.zeros(3, 1), sp.zeros(3, 3)
    for kept, z in itertools.product(itertools.product((0, 1), repeat=3), itertools.product((-1, 1), repeat=3)):
        weight = sp.Mul(*[q if b else 1 - q for b, q in zip(kept, p, strict=True)]) / 8
        c = sp.Matrix([b * (a + s * e) / q for b, q, a, s, e in zip(kept, p, gradient, scales, z, strict=True)])
        mean, second = mean + weight * c, second + weight * c * c.T
    mean = mean.expand()
    return mean, (second - mean * mean.T).expand()


#: its law enters by its mean and variance alone
NOISE = sd.noise.Scaled(sd.noise.Gaussian(), by_coordinate("s", SCALES, "s"))


@pytest.mark.parametrize("numbers", [P, None])
def test_the_equation_is_that_of_all_outcomes(numbers: Any) -> None:
    compressor = Importance(numbers)
    equation = sd.sde(sd.DCSGD(compressor, NOISE)).coordinates(3)
    p, scales = ([sp.Rational(e.numerator, e.denominator) for e in values] for values in (P, SCALES))
    mean, covariance = enumerated(equation.gradient, p, scales)
    assert (equation.drift + mean).expand() == sp.zeros(3, 1)
    derived = (equation.covariance * N / eta).xreplace(dict(zip(compressor.p.vector(3), p, strict=True)))
    assert (derived - covariance).expand() == sp.zeros(3, 3)
    _, other = enumerated(equation.gradient, [p[1], p[0], p[2]], scales)
    assert (derived - other).expand() != sp.zeros(3, 3)  # the comparison tells them apart


def test_numbers_fix_the_dimension_and_the_ratio() -> None:
    assert Importance(P).omega(sp.Integer(3)).value == 3 and Importance("1/2").omega(sp.Integer(2)).value == 1
    with pytest.raises(BadInput, match="vector p: found '3 numbers'; accepted: 4 numbers, one per coordinate"):
        sd.sde(sd.DCSGD(Importance(P)), dim=4)
    with pytest.raises(BadInput, match="vector p"):
        sd.sde(sd.DCSGD(Importance(P))).coordinates(2)


def test_vectors_with_other_numbers_are_other_symbols() -> None:
    one, two = Importance(P), Importance((P[0], P[2], P[1]))
    assert one != two and one == Importance(list(P)) == pickle.loads(pickle.dumps(one)) == replace(one)
    assert one.p - two.p != 0 and len({one.p, two.p, Importance().p}) == 3
    assert coord_max(one.p - two.p) == sp.Rational(3, 4) and coord_max(one.p * v).args  # v has no numbers
    assert one.p.at("k").vector(3) == one.p.vector(3)
    assert (repr(one), repr(Importance()), str(one.p)) == ("Importance(p=(1/2, 1/4, 1))", "Importance(p=p_j)", "p_j")


@pytest.mark.parametrize("wrong", [(1, 2, 1), (1, "a", 1), (), (0.5, 1, 1)])
def test_what_is_not_in_the_domain_is_refused(wrong: Any) -> None:
    with pytest.raises(BadInput, match="importance:p"):
        Importance(wrong)


def test_numbers_for_a_letter_are_checked_by_the_class() -> None:
    method = sd.DCSGD(Importance())
    assert specialise(method, {"p": [0.5, 0.25, 1]}).compressor == Importance(P)
    assert vector_names(method) == ["p"] and "p" not in symbol_names(sd.DCSGD(Importance(P)))
    with pytest.raises(BadInput, match=r"numbers in \(0, 1\]"):
        specialise(method, {"p": [0.5, 2, 1]})


def test_what_a_file_lacks_is_said() -> None:
    method = sd.DCSGD(Importance(), clients=1)
    loss, one = sd.losses.Quadratic((1, 2, 3)), Fraction(1)
    whole = Problem(method, loss, 3, eta=Fraction(1, 20), T=one, x0=(one,) * 3)
    assert whole.lacking == (Lack("p", "vector"),) and str(whole.lacking[0]) == "numbers for p, one per coordinate"
    with pytest.raises(
        BadInput, match=r"p: found 'a letter'; accepted: numbers, one per coordinate, .* NAME:p=1/2\|1/4\|1"
    ):
        _complete(whole)
    with pytest.raises(BadInput, match=r"params.p: .* NAME:p=1/2\|1/4\|1"):
        with_numbers(method, None, {"p": "1/2"}, "params")


def test_a_page_states_the_numbers() -> None:
    method = sd.DCSGD(Importance(P), clients=1)
    equation = sd.sde(method)
    assert equation.to_dict()["vectors"] == {"p": ["1/2", "1/4", "1"]}
    assert "pⱼ, j = 1, 2, ..: 1/2, 1/4, 1" in str(equation) and "vectors" not in sd.sde(method, dim=3).to_dict()
    # no closed form: moments given the message
    conditional = sd.sde(sd.DCSGD(sd.compressors.NormClip(1), NOISE, 1), dim=3).to_dict()["conditional"]
    assert conditional["scales"] == [["2", "1/3", "1"]]


def test_a_threshold_is_that_of_all_coordinates() -> None:
    """E x_j^2 grows by (1 - eta h)^2 + eta^2 h^2 (1/p_j - 1) a step, which is 1 at eta = 2 p_j/h."""
    method = sd.DCSGD(Importance(P), clients=1)
    assert stability_threshold(method, "discrete", (1, 2, 3)) == sp.Rational(1, 4)  # the second coordinate's
    for compressor in (Importance(P), Importance()):
        with pytest.raises(BadInput, match="dim"):
            stability_threshold(sd.DCSGD(compressor, clients=1), "discrete", 1)


def test_check_puts_numbers_that_differ() -> None:
    assert sd.check(Importance(), sampling=False).ok

    class Mean(Importance):
        """It states the variance of equal probabilities, which is wrong where they differ: its omega is too small."""

        def omega(self, dim: sp.Expr) -> sd.compressors.Omega:
            return sd.compressors.Omega(-coord_max(1 - 1 / self.p), True)  # that of the largest p

    (finding,) = sd.check(Mean(), sampling=False).failed
    assert finding.what == "omega" and "p1 = 1/10, p2 = 1/5, p3 = 3/10" in finding.detail
