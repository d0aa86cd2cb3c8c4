"""An SDE as LaTeX: the moments given a message lead to b and S, and no formula is longer than a line."""

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import SDE, sde
from sdescent.derive.expressions.coordinates import coord_sum, g
from sdescent.derive.expressions.latex_printer import Printer
from sdescent.derive.printing.latex import covariance_latex, fill
from sdescent.derive.printing.sde_latex import FULL
from sdescent.derive.printing.width import width
from sdescent.derive.vocabulary.symbols import t

latex = Printer().doprint
SEVERAL = tuple(range(1, 30))


def lines(equation: SDE) -> list[str]:
    text = equation.latex()
    return text.removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}").split(r" \\ ")


@pytest.mark.parametrize(
    ("model", "h"),
    [("second-order", 1 + t), ("first-order", (1 + sp.cos(t)) / 2), ("corrected", 1 + 1 / (1 + coord_sum(g**2)))],
    ids=["time", "cosine", "state"],
)
def test_a_schedule_that_is_a_sum_stands_in_brackets(h: sp.Expr, model: str) -> None:
    text = sde(sd.DSGD(sd.noise.Gaussian(), schedule=sd.schedules.Adaptive(h)), model).latex()
    for left, right in ((r"\Bigl(", r"\Bigr)"), (r"\left(", r"\right)")):
        assert text.count(left) == text.count(right)
    factor = text.partition(r"\sqrt{\frac{\eta}{N}}\,")[2].partition(r"\,(B\,")[0]
    if h.free_symbols == {t}:
        assert factor == "u" and rf"u &= {latex(h)}" in text and (r"\dot{u} = " in text) == (model == "second-order")
    else:
        assert factor == rf"\left({latex(h)}\right)"


@pytest.mark.parametrize(
    ("compressor", "noise", "model"),
    [
        (sd.compressors.TopK(2), sd.noise.Gaussian(), "second-order"),
        (sd.compressors.TopK(1), sd.noise.Scaled(sd.noise.Laplace(), (1, 2, 3)), "corrected"),
        (sd.compressors.QSGD(4), sd.noise.Affine(nu="nu"), "first-order"),
    ],
    ids=["top-k", "clients", "qsgd"],
)
def test_moments_given_a_message_lead_to_an_equation(
    compressor: sd.compressors.Compressor, noise: object, model: str
) -> None:
    equation = sde(sd.DCSGD(compressor, noise), model, dim=4)
    text = equation.latex()
    first = lines(equation)[0]
    assert equation.form is None and first.startswith(r"\mathrm{d}X_j &= ") and r"BB^{\top}=S" in first
    assert r"\operatorname{Cov}[" in text and "v" in text and "Z" in text
    if equation.drift is None:  # b is an expectation of the conditional mean, S a covariance of it
        assert r"\mathbb{E}[m(v" in text and "m_j(v) &=" in text
        helper = {"first-order": "- b_{j}", "second-order": "J_{jk} &=", "corrected": r"\Lambda_{jj} &= b_{j}/g_j"}
        assert helper[model] in text
    else:
        assert "b &= g" in text and r"\mathbb{E}[V(v)]" in text and "V_{ij}(v) &=" in text
    if isinstance(noise, sd.noise.Scaled):
        assert r"\frac{1}{3}\sum_{n}\mathbb{E}[m(v^{(n)})]" in text and "v^{(n)} = g + Z^{(n)}" in text


@pytest.mark.parametrize(
    ("method", "model"),
    [
        (sd.DSignSGD(sd.noise.StudentT(59)), "corrected"),
        (sd.DSignSGD(sd.noise.Scaled(sd.noise.StudentT(59), (1, 2, 3, 4, 5))), "second-order"),
        (sd.DSignSGD(sd.noise.Scaled(sd.noise.Gaussian(), SEVERAL)), "first-order"),
        (sd.DCSGD(sd.compressors.RandK(), sd.noise.Affine(nu="nu"), schedule=sd.schedules.Power("p")), "corrected"),
        (sd.DSignSGD(sd.noise.Scaled(sd.noise.Uniform(), ("1/2", 2, "s"))), "corrected"),
        pytest.param(sd.DCSGD(sd.compressors.ScaledSign(), sd.noise.StudentT(60)), "corrected", marks=pytest.mark.slow),
    ],
    ids=["t59", "t59-5", "sign-29", "affine", "clip-3", "scaled"],
)
def test_no_line_is_longer_than_the_page(method: sd.Method, model: str) -> None:
    equation = sde(method, model)
    assert [line for line in lines(equation) if width(line) > FULL] == []


def test_long_laws_are_named_and_short_ones_written_out() -> None:
    long, short = sde(sd.DSignSGD(sd.noise.StudentT(59))).latex(), sde(sd.DSignSGD(sd.noise.StudentT(3))).latex()
    assert r"b_{j} &= 2\,F\left(\frac{g_{j}}{\sigma}\right)-1" in long and "distribution function of $t_{59}$" in long
    assert r"\delta_{ij}\,\left(1- b_{j}^{2}\right)" in long
    assert "F" not in short and r"\arctan" in short
    slope = sde(sd.DSignSGD(sd.noise.StudentT(59)), "second-order").latex()
    assert r"\frac{2\,F'\left(\frac{g_{j}}{\sigma}\right)}{\sigma}" in slope and "its density" in slope


def test_numbers_that_are_one_or_that_cancel_are_not_written() -> None:
    unit = sde(sd.DSGD(sd.noise.Scaled(sd.noise.Gaussian(), 1))).latex()
    assert r"S_{ij} &= \delta_{ij}\end" in unit
    affine = sd.noise.Affine(1, 2, 5)
    assert r"\frac{4\,\|g\|_2^{2} + 1}{p}" in sde(sd.DCSGD(sd.compressors.Bernoulli(), affine)).latex()
    form = sd.plugins.GradientForm(g, sp.S.Zero, (g,), sp.Matrix([[-1]]))
    assert covariance_latex(form, latex) == [r"-g_{i}\,g_{j}"]
    whole = sde(sd.DCSGD(sd.compressors.RandK(3), sd.noise.Correlated(sd.noise.Gaussian())), dim=3).latex()
    assert r"S_{ij} &= \Sigma_{ij}\end" in whole


def test_a_long_scale_has_a_letter() -> None:
    sign = sde(sd.DSignSGD(sd.noise.Affine(nu=5)), "second-order").latex()
    assert r"\sigma &= \sqrt{" in sign and sign.count(r"\sigma_{1}") == 1


def test_words_are_words_and_powers_of_names_are_bracketed() -> None:
    b = sp.Symbol("b")
    assert [latex(sp.Symbol(name)) for name in ("kk", "nu")] == [r"\mathit{kk}", r"\nu"]
    assert Printer(names={b: "b^{(n)}"}).doprint(b**2) == r"\left(b^{(n)}\right)^{2}"
    assert Printer(names={b: "b_{j}"}).doprint(b**2) == "b_{j}^{2}"


def test_the_width_of_a_formula() -> None:
    assert width(r"\frac{aaaa}{bb}") == pytest.approx(4.4) and width(r"\alpha\,b") == pytest.approx(2.3)
    assert width(r"\begin{cases} aaaa & b \\ c \end{cases}") == pytest.approx(7.0)
    assert width(r"\own", {r"\own": 9}) == 9 and width("a^{bb}") == pytest.approx(2.4)
    assert len(fill(["aaaa"] * 10, 20)) == 4
