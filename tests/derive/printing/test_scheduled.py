"""The letter u for the schedule of an update rule: it means the same equation, or the equation stays as it is."""

from dataclasses import replace

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import RuleSDE
from sdescent.derive.expressions.coordinates import coord_sum, g
from sdescent.derive.methods.schedules import Adaptive, Power, Schedule
from sdescent.derive.printing import coordinate_latex
from sdescent.derive.printing.coordinate_latex import in_letter_u
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import du, t, u

COSINE = Adaptive((1 + sp.cos(sp.pi * t)) / 2)


def equation(method: type, schedule: Schedule = COSINE, model: Model = "first-order") -> RuleSDE:
    found = sd.sde(method(noise=sd.noise.Gaussian(), schedule=schedule), model)
    assert isinstance(found, RuleSDE) and found.rule is not None
    return found


def test_the_letters_mean_the_same_equation() -> None:
    rule = equation(sd.methods.HeavyBall, model="second-order").rule
    assert rule is not None
    short, meaning = in_letter_u(rule)
    assert meaning == {u: (1 + sp.cos(sp.pi * t)) / 2, du: -sp.pi * sp.sin(sp.pi * t) / 2}
    for one, other in ((short.drift, rule.drift), (short.covariance, rule.covariance), (short.pair, rule.pair)):
        assert one.keys() == other.keys()
        assert not any(e.has(sp.cos, sp.sin) for e in one.values())
        assert all(sp.expand(e.xreplace(meaning) - other[key]) == 0 for key, e in one.items())


@pytest.mark.parametrize("schedule", [Power(1), Adaptive((1 + sp.cos(t)) / (1 + coord_sum(g**2)))], ids=str)
def test_an_equation_that_no_letter_makes_shorter_stays(schedule: Schedule) -> None:
    """Or whose schedule depends on the point."""
    rule = equation(sd.methods.Signum, schedule).rule
    assert rule is not None and in_letter_u(rule) == (rule, {})


@pytest.mark.parametrize("place", ["drift", "covariance"])
def test_letters_that_do_not_mean_the_same_are_not_used(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = coordinate_latex.derived_rule

    def planted(*arguments: object) -> object:
        made = honest(*arguments)  # pyright: ignore[reportArgumentType]
        wrong = {key: e * sp.Rational(11, 10) for key, e in getattr(made, place).items()}
        return replace(made, **{place: wrong})

    found = equation(sd.methods.HeavyBall).rule
    assert found is not None and in_letter_u(found)[1] != {}
    monkeypatch.setattr(coordinate_latex, "derived_rule", planted)
    assert in_letter_u(found) == (found, {})


def test_it_is_printed_once() -> None:
    found = equation(sd.methods.HeavyBall, model="second-order")
    latex = found.latex()
    assert latex.count(r"\cos") == latex.count(r"\sin") == 1
    assert (
        r"u &= \frac{\cos{\left(\pi\,t \right)} + 1}{2},\quad \dot{u} = - \frac{\pi\,\sin{\left(\pi\,t \right)}}{2}"
        in latex
    )
    text = "".join(piece for piece, _ in found.laid_out(["heavy ball"], 80, False))
    assert text.count("cos") == text.count("sin") == 1 and "u stands for u(t), du for its derivative" in text
