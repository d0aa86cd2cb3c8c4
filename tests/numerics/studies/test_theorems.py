"""Theorems of one's own as bounds of a sweep: the formula, what is decided by numbers, what is granted, and what they are about."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdescent.derive.reading.experiments import experiment
from sdescent.derive.reading.sweeps.figures_and_bounds import Bound, FromTheorem
from sdescent.derive.reading.sweeps.formula_letters import Numbers, letters, numbers_of, of_bounds
from sdescent.derive.theorems.bounds.stated import read_stated
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.studies.records import formula, of_the_run
from sdescent.numerics.studies.theorems import Covers, proved

PL = """
method = "dsgd"
assume = ["smooth: L", "pl: mu", "variance: s", "eta*L <= 1"]
V = "f - fstar"
claim = "change <= -eta*mu*V + eta^2*L*s/(2*N)"
conclude = "gronwall"
"""
SDE = PL.replace('"dsgd"', '"dsgd"\nmodel = "first-order"').replace(
    "change <= -eta*mu*V + eta^2*L*s/(2*N)", "LV <= -2*mu*V + eta*L*s/(2*N)"
)  # fmt: skip
LETTERS = {"L": "h", "mu": "h", "s": "d*sigma^2*nu/(nu - 2)", "fstar": "0"}
NAMED = SDE.replace('"dsgd"', '"dsgd"\nnoise = "gaussian:sigma=sigma"').replace('"variance: s", ', "")
NAMED = NAMED.replace("*L*s/", "*L*d*sigma^2/")
POINT = {
    "method": "dsgd", "noise": "student-t:nu=5,sigma=1/2", "loss": "quadratic:h=2", "clients": 3, "dim": 4, "x0": [1, -2, 0, 1],
    "T": 1, "eta": "1/10", "paths": 10, "models": ["first-order"], "save": 2,
}  # fmt: skip


def bound_of(folder: Path, text: str = PL, letters: dict[str, str] = LETTERS) -> Bound:
    (folder / "mine.toml").write_text(text)
    return proved(Bound("b", "loss", "", ("nu > 2",), FromTheorem("mine.toml", letters)), folder)[0]


def at(**changes: Any) -> tuple[dict[str, Any], Numbers]:
    """An experiment, and the numbers that a bound has there."""
    asked = experiment({**POINT, **changes}).to_dict()
    own = numbers_of(asked, {})
    return asked, Numbers({**own.values, **of_the_run(asked)}, own.compressor)


def value(text: str, numbers: Numbers) -> float:
    return float(formula(text, "b", of_bounds(letters(numbers.values))).value(numbers))


@pytest.mark.slow
def test_the_value_is_that_of_the_conclusion_and_what_is_of_numbers_is_decided(tmp_path: Path) -> None:
    bound = bound_of(tmp_path)
    eta, h, s, f0, steps = 0.1, 2, 4 * 0.25 * 5 / 3, 2 / 2 * 6, 10
    decay = (1 - eta * h) ** steps
    assert value(bound.formula, at()[1]) == pytest.approx(f0 * decay + eta * s / (2 * 3) * (1 - decay), rel=1e-12)
    assert bound.theorem is not None and bound.theorem.about == "method" and bound.where[0] == "nu > 2"
    for size, holds in (("1/10", True), ("1/2", False), ("3/4", False)):  # at 1/2 the rate is not below 1
        decided = []
        for _, left, sign, right in bound.assumptions:
            a, b = value(left, at(eta=size)[1]), value(right, at(eta=size)[1])
            decided.append({"<=": a <= b, "<": a < b, ">": a > b}[sign])
        assert all(decided) is holds
    words = " ".join(bound.theorem.granted)
    assert "C^2" in words and "2*mu*(f - fstar) <= G^2" in words and "Zsq <= s" in words and "eta*L" not in words
    assert "every expectation and integral that is written exists" in words and "Q == Zsq" in words


def test_what_is_assumed_of_numbers_counts_whether_or_not_the_proof_needs_it(tmp_path: Path) -> None:
    """The mean square of the noise has its formula for nu > 2 alone."""
    student = SDE.replace('"dsgd"', '"dsgd"\nnoise = "student-t"').replace("*L*s/", "*L*d*sigma^2*nu/(nu - 2)/")
    student = student.replace('"variance: s"', '"nu > 2", "bounded gradient: c"')
    bound = bound_of(tmp_path, student, {"L": "h", "mu": "h", "fstar": "0", "c": "9"})
    assert "2 < noise_nu" in bound.where or "noise_nu > 2" in bound.where[1:]
    assert bound.theorem is not None and "G <= c" in bound.theorem.granted


def test_a_theorem_on_an_sde_ends_at_the_last_saved_time(tmp_path: Path) -> None:
    bound = bound_of(tmp_path, SDE)
    decay = np.exp(-2 * 2 * 0.5)
    floor = 0.1 * 2 * (4 * 0.25 * 5 / 3) / (2 * 3) / (2 * 2)
    numbers = at(save=[0, "1/2"])[1]
    assert value(bound.formula, numbers) == pytest.approx(6 * decay + floor * (1 - decay), rel=1e-12)
    assert bound.theorem is not None and bound.theorem.about == "first-order"


@pytest.mark.parametrize(
    ("text", "given", "what"),
    [
        (SDE, {}, "nothing for L, fstar, mu, s"),
        pytest.param(SDE, LETTERS | {"q": "1"}, "q", marks=pytest.mark.slow),
        (PL.replace("-eta*mu*V", "-3*eta*mu*V"), LETTERS, "REFUTED"),
        (PL.replace("-eta*mu*V", "-eta*G^2/2").replace("gronwall", "telescope"), LETTERS, "Esum"),
        (NAMED.replace("sigma=sigma", "sigma=T").replace("sigma^2", "T^2"), LETTERS, "T"),
        ("V = ", LETTERS, "mine.toml"),
    ],
)
def test_what_gives_no_bound_is_said(tmp_path: Path, text: str, given: dict[str, str], what: str) -> None:
    with pytest.raises(BadInput) as caught:
        bound_of(tmp_path, text, given)
    assert what in caught.value.message and caught.value.field.startswith("bounds.b.")


@pytest.mark.parametrize(
    ("text", "changes", "about"),
    [
        (PL, {}, True),
        (PL, {"method": "dcsgd", "compressor": "identity"}, True),
        (PL, {"method": "dcsgd", "compressor": "rand-k:k=2"}, False),
        (PL, {"method": "heavy-ball:beta=1/2", "regime": "fixed"}, False),
        (PL, {"loss": "bilinear-game:a=1"}, False),
        (PL, {"noise": "student-t:nu=2,sigma=1"}, False),
        (PL.replace('"dsgd"', '"dsgd"\nclients = 4'), {}, False),
        (PL.replace('"dsgd"', '"dsgd"\ndim = 3'), {}, False),
        (NAMED, {"noise": "gaussian:sigma=1/2"}, True),
        (NAMED, {"noise": "gaussian:sigma=1|2|3"}, False),
    ],
)
def test_a_theorem_is_about_its_own_method(tmp_path: Path, text: str, changes: dict[str, Any], about: bool) -> None:
    (tmp_path / "mine.toml").write_text(text)
    asked, _ = at(**changes)
    assert Covers(read_stated(tmp_path / "mine.toml"))(asked, {}) is about


def test_a_letter_that_is_not_the_number_of_the_method_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(NAMED)
    asked, _ = at(noise="gaussian:sigma=1/2")
    covers = Covers(read_stated(tmp_path / "mine.toml"))
    assert covers(asked, {"sigma": 0.5}) and not covers(asked, {"sigma": 1.0})
    # sigma is that of the noise without a letter
    bound = bound_of(tmp_path, NAMED, {"L": "h", "mu": "h", "fstar": "0"})
    decay = np.exp(-4)
    numbers = at(noise="gaussian:sigma=1/2")[1]
    assert value(bound.formula, numbers) == pytest.approx(6 * decay + 0.1 / 12 * (1 - decay), rel=1e-12)


def test_a_run_has_its_loss_at_the_start_and_its_steps() -> None:
    for changes, start, steps in (({"x0": [3]}, 36.0, 10), ({"T": "0.99"}, 6.0, 9), ({"save": [0, "0.31"]}, 6.0, 3)):
        asked, _ = at(**changes)
        assert of_the_run(asked) == {"run.f0": start, "run.K": steps}
    asked, _ = at(loss="cosh", x0=["1/2"], dim=2)
    assert of_the_run(asked)["run.f0"] == pytest.approx(2 * (np.cosh(0.5) - 1), rel=1e-14)
