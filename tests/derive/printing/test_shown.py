"""What objects are when they are printed or shown in a notebook; LaTeX written out; commands of one's own for every letter."""

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

import sdescent as sd
from sdescent.derive.derivation import SDE, sde
from sdescent.derive.expressions.latex_printer import LETTERS
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.optimisers import Adam, HeavyBall, NormalisedSGD, RMSprop
from sdescent.derive.proof.language.terms import x
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Refutation
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.statistics.estimates import mean, quantile
from sdescent.numerics.statistics.verdicts import judge
from sdescent.reports.commands.terminal import show

ROOT = Path(__file__).parents[3]
EQUATIONS = {
    "without a loss": lambda: sde(sd.DCSGD(sd.compressors.RandK(2), sd.noise.StudentT("nu"))),
    "in coordinates": lambda: sde(
        sd.DCSGD(sd.compressors.RandK(1), sd.noise.Gaussian(), 2), "corrected", Quadratic((1, 2)), 2
    ),
    "given a message": lambda: sde(sd.DCSGD(sd.compressors.Natural(), sd.noise.StudentT("nu"))),
    "an update rule": lambda: sde(HeavyBall(noise=sd.noise.StudentT(5), clients=4)),
    "an update rule in coordinates": lambda: sde(HeavyBall(noise=sd.noise.Gaussian()), "first-order", Quadratic(1), 2),
    "an update rule without a closed form": lambda: sde(NormalisedSGD(noise=sd.noise.Gaussian())),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_an_equation_prints_as_the_command_line_shows_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    equation = EQUATIONS[name]()
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    printed = str(equation).splitlines()
    show(Console(file=shown, width=90, force_terminal=False), equation, {})
    other = shown.getvalue().splitlines()
    assert printed[0] in other[0]  # between rules
    assert printed[printed.index("drift") :] == other[other.index("drift") :]
    assert "facts" in printed and max(map(len, printed)) <= 90


def text(equation: SDE) -> str:
    return "\n".join(written for written, _ in equation.laid_out([], 200, False))


def test_an_update_rule_says_its_step_its_regime_and_what_has_no_closed_form() -> None:
    page = text(EQUATIONS["an update rule"]())
    for said in (
        "update: v = beta*v - eta*G; x = x + v",
        "regime ballistic: beta = 1 - mu*sqrt(eta); v = sqrt(eta)*v; a step takes the time sqrt(eta)",
        "drift(v_j) = -g_j - mu*v_j",
        "cov(v_j, v_j) = ",
        "the other entries are 0",
        "weak order: 1",
        "conditions: none",
    ):
        assert said in page.replace("v_j*mu", "mu*v_j"), (said, page)
    named = text(EQUATIONS["an update rule in coordinates"]())
    assert "Z = (x1, x2, v1, v2)" in named and "noise type: additive" in named
    missing = text(EQUATIONS["an update rule without a closed form"]())
    assert missing.count("No closed form: the mean of") == 2 and "weak order" not in missing


def test_what_an_update_rule_leaves_out_is_shown_with_the_moment_that_it_needs() -> None:
    page = text(sde(RMSprop(noise=sd.noise.StudentT("nu"))))
    assert "left out: covariance x v, which needs the moment of order 3 of the noise (nu > 3)" in page
    assert "needed: nu > 2 (the drift exists)" in page


def test_a_method_with_memory_shows_what_each_letter_becomes() -> None:
    shown = HeavyBall(noise=sd.noise.Gaussian(), clients=4)._repr_latex_()
    assert r"v_{n+1} &= \beta\,v_{n} - G\,\eta" in shown and r"x_{n+1} &= \beta\,v_{n} + x_{n} - G\,\eta" in shown
    assert r"G &= \frac{1}{4}\sum_{i=1}^{4}\left(\nabla f(x_n)+Z_i\right)" in shown
    assert r"\beta_{1}^{(n+1)}" in Adam(noise=sd.noise.Gaussian())._repr_latex_()  # k is 1 in the first step


def test_motions_are_numbered_from_one() -> None:
    shown = SDE.from_coordinates(["x", "y"], ["-x", "-y"], [["1", "0"], ["0", "4"]]).latex()
    assert r"\mathrm{d}W_{1}" in shown and r"2\,\mathrm{d}W_{2}" in shown


def test_parameters_are_what_needs_a_number() -> None:
    for equation in (
        sde(sd.DSGD(sd.noise.Gaussian()), loss=Quadratic(1), dim=2),
        sde(sd.DCSGD(sd.compressors.Natural(), sd.noise.Gaussian()), dim=1),
    ):
        assert equation.to_dict()["parameters"] == ["N", "eta", "sigma"]


def test_an_equation_prints_in_ascii_where_output_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    printed = str(sde(sd.DSignSGD(sd.noise.Gaussian()), "corrected"))
    assert printed.isascii() and all(said in printed for said in ("DSignSGD, corrected model", "sigma", "drift_j ="))


# --- LaTeX


def lines(text: str) -> list[str]:
    return text.removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}").split(r" \\ ")


def test_latex_written_out_in_coordinates_has_the_gradient_of_the_loss() -> None:
    equation = sde(sd.DSGD(sd.noise.Gaussian()), "corrected", Quadratic(), 2)
    found = equation.latex(written_out=True)
    drift = [rf"- h_{{{i}}}\,X_{{{i}}}+\frac{{\eta\,h_{{{i}}}^{{2}}\,X_{{{i}}}}}{{2}}" for i in (1, 2)]
    assert lines(found) == [
        rf"\mathrm{{d}}X_{{{i + 1}}} &= \left({drift[i]}\right)\,\mathrm{{d}}t + (L\,\mathrm{{d}}W)_{{{i + 1}}}"
        for i in (0, 1)
    ] + [rf"(LL^{{\top}})_{{{i},{i}}} &= \frac{{\eta\,\sigma^{{2}}}}{{N}}" for i in (1, 2)] + [
        r"&\text{other entries }0"
    ]
    assert "g" not in re.sub(r"\\[A-Za-z]+|\{aligned\}", "", found) and "H" not in found
    assert found.count(r"\left(") == found.count(r"\right)")


def test_latex_written_out_has_no_letters_for_formulas() -> None:
    noise = sd.noise.Scaled(sd.noise.StudentT("nu"), (1, 2, 3))
    equation = sde(sd.DSignSGD(noise, schedule=sd.schedules.Power("p")), "corrected")
    found, usual = equation.latex(written_out=True), equation.latex()
    for letter in (r"b_{j}", r"\Lambda_{jj}", r"J_{jk}", "^{(n)}", "u &="):
        assert letter not in found
    assert "b_{j}" in usual and "u &=" in usual and found.count("{") == found.count("}")
    assert found.count(r"\Bigl(") == found.count(r"\Bigr)") and found.count(r"\left") == found.count(r"\right")


def test_a_drift_that_is_one_long_term_has_both_its_brackets() -> None:
    noise = sd.noise.Scaled(sd.noise.StudentT("nu"), "sqrt(a^2 + b^2 + c^2 + k^2)")
    found = sde(sd.DSignSGD(noise, schedule=sd.schedules.Power("p"))).latex(written_out=True)
    product = "x*(" + " + ".join(f"a{n}*x^{n}" for n in range(1, 20)) + ")"
    for text in (found, SDE.from_coordinates(["x"], [product], [[1]]).latex()):
        assert r"\Bigr)" in text and text.count(r"\Bigl(") == text.count(r"\Bigr)")


def test_what_has_no_closed_form_is_written_as_ever() -> None:
    equation = EQUATIONS["given a message"]()
    assert equation.latex(written_out=True) == equation.latex()


NAMES = [*LETTERS, "eta", "N", "sigma", "nu", "d", "u", "p", "k", "t"]
MACROS = {name: rf"\own{name}{{}}" for name in NAMES}
#: what is left without a command: indices, functions, words, numbers
PLAIN = re.compile(r"\\(?:own[A-Za-z]+\{\}|text\{[^}]*\}|[A-Za-z]+)|_\{?[ijkn0-9,]+\}?|\^\{?[(n)0-9]*\}?|[^A-Za-z]")
#: F of pFq, E of expectations
PLAIN_WORDS = {"d", "e", "aligned", "cases", "F", "i", "j", "k", "n", "E", "Cov", "its", "limit"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: sde(sd.DSignSGD(sd.noise.Scaled(sd.noise.StudentT("nu"), (1, 2, 3))), "corrected"),
        lambda: sde(sd.DCSGD(sd.compressors.Natural(), sd.noise.StudentT("nu"))),
        lambda: sde(sd.DSGD(sd.noise.Correlated(sd.noise.Gaussian()), schedule=sd.schedules.Free()), "second-order"),
    ],
    ids=["clients", "natural", "correlated"],
)
def test_every_symbol_and_letter_may_have_a_command_of_ones_own(make) -> None:
    equation: SDE = make()
    found = equation.latex(MACROS)
    left = {word for word in re.findall(r"[A-Za-z]+", PLAIN.sub(" ", found))} - PLAIN_WORDS
    assert left == set(), (left, found)
    for macro in set(re.findall(r"\\(own[A-Za-z]+)", found)):
        assert rf"\{macro}{{}}" in MACROS.values()
    for greek in (r"\eta", r"\sigma", r"\nu", r"\Lambda", r"\zeta", r"\Sigma", r"\mathfrak"):
        assert greek not in found


def test_an_unknown_name_of_a_command_is_refused() -> None:
    """It changed nothing, and nothing said so."""
    equation = EQUATIONS["in coordinates"]()
    for wrong in ({"etta": r"\eta"}, {"sigma0_": "s"}, {"x3": "y"}, {"eta": ""}, {"eta": 3}):
        with pytest.raises(BadInput, match=r"^macros"):
            equation.latex(wrong)
    one_table_for_a_paper = {"eta": r"\step", "nu": r"\tail", "sigma0": "s", "g": r"\grad", "Lambda": "M", "x1": "y"}
    assert r"\step" in equation.latex(one_table_for_a_paper) and r"\grad" in equation.latex({"g_j": r"\grad"})
    assert r"\mathrm{d}y &=" in equation.latex(one_table_for_a_paper, written_out=True)


# --- notebooks


def test_methods_theorems_verdicts_and_estimates_have_a_display() -> None:
    method = sd.DCSGD(sd.compressors.RandK(2), sd.noise.StudentT("nu"), 4, sd.schedules.Power("1/2"))
    shown = method._repr_latex_()
    assert shown.startswith("$") and r"\frac{1}{4}\sum_{i=1}^{4}C\left(\nabla f(x_n)+Z_i\right)" in shown
    assert (
        r"h &= \frac{1}{\sqrt{t + 1}}" in shown and r"Z_i &\sim \sigma\,t_{\nu}" in shown and r"\mathrm{Rand}" in shown
    )
    assert sd.DSGD()._repr_latex_().count("C") == 0
    entry = entries()["6.2-pathwise"]
    assert "D(C)SGD, corrected model, pathwise" in entry._repr_html_() and "&gt; 0" in entry._repr_html_()
    estimate = mean([1.0, 2.0, 3.0, float("inf")])
    assert str(estimate).startswith("2 [") and "(95 %, 3 paths, 1 blew up)" in estimate._repr_html_()
    assert "CONFIRMED" in judge(quantile(range(30)), 100.0)._repr_html_()


def test_a_checked_entry_shows_its_steps() -> None:
    shown = sd.check("8-cauchy-3")._repr_html_()
    assert "PROVED" in shown and shown.count("<li>") >= 1 and "<script" not in shown


def test_symbols_in_a_display_are_escaped() -> None:
    entry = Refutation("a", "<b>", "s", x("p").lt(x("q")), {}, {}, "")
    assert "&lt;b&gt;" in entry._repr_html_() and "p &lt; q" in entry._repr_html_()
