"""LaTeX: how expressions are written, that rewriting keeps their value, and that short names mean what they say."""

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations import sde
from sdescent.derive.equations.step.covariance import Condition, moments
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, coord_sum, to_slot
from sdescent.derive.expressions.coordinates import g as gradient
from sdescent.derive.expressions.gradient_form import Expansion
from sdescent.derive.expressions.latex_printer import Printer
from sdescent.derive.methods.compressors import ScaledSign, Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Laplace, Scaled
from sdescent.derive.printing.latex import condition_latex, split_sum, unnested
from sdescent.derive.printing.message_moments import Named, by_second_moments, named
from sdescent.derive.printing.pretty import symbol_text

latex = Printer().doprint
eta, lam, N, p, s, k, d = sp.symbols("eta lambda N p sigma k d", positive=True)
g, x = sp.symbols("g x", real=True)


@pytest.mark.parametrize(
    ("expr", "written"),
    [
        (-(g**2) * (p - 1) / p, r"\frac{g^{2}\,\left(1 - p\right)}{p}"),
        (-eta / (lam * (eta * lam - 2)), r"\frac{\eta}{\lambda\,\left(2 - \eta\,\lambda\right)}"),
        (
            sp.Mul(-1, d - k, 1 / k, 1 / (d - 1), evaluate=True) * g,
            r"- \frac{g\,\left(d - k\right)}{k\,\left(d - 1\right)}",
        ),
        (-g + eta * g / 2, r"- g + \frac{\eta\,g}{2}"),
        (sp.sqrt(2) * x / 2, r"\frac{x}{\sqrt{2}}"),
        (
            2 * 2 ** sp.floor(sp.log(x**2 + 1) / sp.log(2)),
            r"2 \cdot 2^{\left\lfloor{\log_{2}\left(x^{2} + 1\right)}\right\rfloor}",
        ),
        (sp.exp(-(x**2) / (2 * s**2)), r"e^{- x^{2}/\left(2\,\sigma^{2}\right)}"),
        (
            p * sp.Piecewise((x, x > 0), (0, True)),
            r"p\,\begin{cases} x & \text{for}\: x > 0 \\0 & \text{otherwise} \end{cases}",
        ),
        (x * sp.hyper((1, 1, 1), (2, 2), x), r"\operatorname{Li}_{2}\left(x\right)"),
        (d / (s / 2 + sp.Rational(1, 2)) * g, r"\frac{2\,d\,g}{\sigma + 1}"),
        (gradient * eta * sp.gamma(p / 2 + sp.Rational(1, 2)), r"\eta\,\Gamma\left(\frac{p + 1}{2}\right)\,g_{j}"),
        (sp.atan(x), r"\arctan{\left(x \right)}"),
    ],
)
def test_how_an_expression_is_written(expr: sp.Expr, written: str) -> None:
    assert latex(expr) == written


def test_no_fractions_inside_fractions_and_the_same_value() -> None:
    y = x / s
    value = 2 / sp.pi * (sp.atan(y / sp.sqrt(3)) + y / sp.sqrt(3) / (1 + y**2 / 3))
    flat = unnested(value)
    assert sp.N((flat - value).subs({x: 0.7, s: 1.3}), 30) == pytest.approx(0, abs=1e-14)
    assert all(not q.exp.is_negative for f in flat.atoms(sp.Pow) if f.exp.is_negative for q in f.base.atoms(sp.Pow))
    assert unnested(x + p) == x + p


def test_a_long_sum_is_cut_between_its_terms() -> None:
    lines = split_sum(sp.Add(*[x**n * g for n in range(2, 12)]), latex, weight=20)
    assert len(lines) > 2 and lines[0][0] not in "+-" and all(line[0] in "+-" for line in lines[1:])
    assert sum(line.count("g") for line in lines) == 10
    assert split_sum(x, latex) == ["x"]


# Short names: b_j, S_jj and S_ij in r, a, c are put back and compared with the expansion of the gradient form.
POINT = (sp.Rational(7, 10), sp.S.Zero, -sp.Rational(13, 10))


def _value(expr: sp.Expr, meanings: dict[Coordinate, sp.Expr], i: int, j: int) -> sp.Expr:
    """expr at the coordinates i, j of POINT."""
    for name in reversed(list(meanings)):  # c_j is written in a_j and r_j, a_j in r_j
        expr = _put_back(expr, name, meanings[name])
    at = Expansion(3, {"g": list(POINT)})
    return at.scalar(expr.xreplace({Coordinate("g", "i"): POINT[i], Coordinate("g", "j"): POINT[j]}))


def _put_back(expr: sp.Expr, name: Coordinate, meaning: sp.Expr) -> sp.Expr:
    if isinstance(expr, Coordinate) and expr.base == name.base:
        return to_slot(meaning, "j", expr.slot)
    return expr.func(*[_put_back(a, name, meaning) for a in expr.args]) if expr.args else expr  # pyright: ignore[reportArgumentType]


def _shown(short: Named, i: int, j: int) -> sp.Expr:
    """S_ij times the denominator as it is printed, its names of means and of sums put back."""
    b, other = sp.symbols("b other")
    diagonal, pair, rests = by_second_moments(short, b, other)
    sums = {rest: CoordSum(e) - to_slot(e, "k", "i") - to_slot(e, "k", "j") for rest, e in rests.items()}
    return (diagonal if i == j else pair).xreplace({b: short.mean, other: to_slot(short.mean, "j", "i"), **sums})


@pytest.mark.slow
def test_short_names_give_the_covariance_of_the_form() -> None:
    law, scale = Laplace(), sp.Rational(3, 5)
    method = Method(ScaledSign(), Scaled(law, scale))
    short, form = named(method, 3), moments(method, 3).form
    assert short is not None and form is not None
    at = Expansion(3, {"g": list(POINT)})
    mean, covariance = at.vector(form.mean), form.covariance(at)
    for j in range(3):
        assert sp.N(_value(short.mean, short.meanings, 0, j) - mean[j], 40) == pytest.approx(0, abs=1e-20)
        for i in range(3):
            value = _value(_shown(short, i, j), short.meanings, i, j) / short.denominator
            assert sp.N(value - covariance[i, j], 40) == pytest.approx(0, abs=1e-20)
    ratio = _value(short.ratio_at_zero, short.meanings, 0, 1)
    near = form.mean.xreplace({Coordinate("g", "j"): sp.Rational(1, 10**12)})
    assert sp.N(at.scalar(near) * 10**12 - ratio, 40) == pytest.approx(0, abs=1e-9)


def test_the_share_of_a_measured_covariance_is_bracketed() -> None:
    method = sd.DCSGD(sd.compressors.RandK(2), sd.noise.Correlated(sd.noise.Gaussian()))
    assert r"\right)\,\Sigma_{ij}" in sd.sde(method).latex()


def test_names_that_do_not_suffice_are_not_used() -> None:
    assert named(Method(Sign())) is None  # without noise
    assert named(Method(ScaledSign(), Scaled(sd.noise.Stable("3/2")))) is None


def test_a_drift_that_is_not_the_models_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The letters Lambda and J stand only for what they say: with a planted factor the drift is printed as it is."""
    method = sd.DSignSGD(sd.noise.Gaussian())
    right = {model: sd.sde(method, model).latex() for model in ("second-order", "corrected")}
    assert r"\Lambda_{jj}\,(Hb)_{j}" in right["corrected"] and r"(JHb)_{j}" in right["second-order"]
    for model, text in right.items():
        honest = sde.MODELS[model]
        monkeypatch.setitem(sde.MODELS, model, lambda b, m, honest=honest: 2 * honest(b, m))
        wrong = sd.sde(method, model).latex()
        assert wrong != text and r"(JHb)" not in wrong and r"\Lambda" not in wrong


def test_an_adaptive_factor_shows_its_own_derivative() -> None:
    """(J_{hb} H h b)_j is h^2 (J H b)_j only where h does not depend on x; the letters J H b are kept for that."""
    fixed, adaptive = (
        sd.sde(sd.DSignSGD(sd.noise.Gaussian(), schedule=h), "second-order").latex()
        for h in (sd.schedules.Free(), sd.schedules.Adaptive(1 / (1 + sp.sqrt(coord_sum(gradient**2)))))
    )
    assert "(JHb)" in fixed
    assert "(JHb)" not in adaptive and r"\sum_{k} g_{k}" in adaptive


def test_a_condition_says_whether_it_is_met() -> None:
    tails = sp.Symbol("nu", positive=True), sp.Rational(5, 2)
    assert [condition_latex(Condition(tail, sp.Integer(3), "weak order 2")) for tail in tails] == [
        r"\nu > 3\ \text{(for weak order 2)}",
        r"\frac{5}{2} > 3\ \text{(for weak order 2; not met)}",
    ]


def test_indices_of_an_entry_are_apart_where_one_has_two_digits() -> None:
    assert [symbol_text(name, True) for name in ("H1_2", "H1_12", "H11_2")] == ["H₁₂", "H₁,₁₂", "H₁₁,₂"]
