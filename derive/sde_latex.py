"""An SDE as LaTeX: `SDE.latex()`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp

from derive.coordinates import g, hvp, nodes
from derive.derivatives import gradient_derivative, jacobian_product
from derive.form import GradientForm
from derive.latex import (
    WEIGHT,
    condition_latex,
    covariance_latex,
    equation_lines,
    named_lines,
    split_sum,
    unnested,
    vector_letter,
)
from derive.message_moments import named
from derive.models import SDE, lam
from derive.printer import Printer
from derive.symbols import eta

#: letters for what is written out on lines of its own
B, RATIO, HB, TRANSPORT = sp.symbols("z1 z2 z3 z4")  # written behind other symbols


def sde_latex(equation: SDE, macros: Mapping[str, str] | None = None) -> str:
    r"""The equation for the generic coordinate: drift, diffusion with B B' = S, the covariance S_ij, and conditions.

    Where no closed form exists the moments given the client's message stand in its place. An `aligned` environment: it
    stands in display mathematics.
    """
    own = dict(macros or {})
    show = Printer(own).doprint
    letter = {n: vector_letter(n, own) for n in ("b", "g", "v", "H", "S")}
    lines, drift = [], None if equation.drift is None else show(equation.drift)
    if equation.form is not None:
        lines, drift = _step_lines(equation, equation.form, own, letter)
    elif equation.conditional is not None:
        given, v = equation.conditional.given_v, letter["v"]
        lines.append(rf"\mathbb{{E}}[C_j\mid {v}] &= {show(given.mean)},\quad {v}={letter['g']}+Z")
        covariance = covariance_latex(given, show, weight=WEIGHT)
        lines += equation_lines(rf"\mathrm{{Cov}}(C\mid {v})_{{ij}}", covariance)
    if drift:
        noise = rf"\sqrt{{{show(equation.rate)}}}\,(B\,\mathrm{{d}}W)_j,\quad BB^{{\top}}={letter['S']}"
        lines.insert(0, rf"\mathrm{{d}}X_j &= \left({drift}\right)\mathrm{{d}}t + {noise}")
    if equation.conditions:
        lines.append(r"&\text{if } " + ",\\ ".join(condition_latex(c, own) for c in equation.conditions))
    return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"


def _step_lines(
    equation: SDE, form: GradientForm, macros: dict[str, str], letter: dict[str, str]
) -> tuple[list[str], str | None]:
    """Lines for b_j, the parts of the drift and S_ij as far as they are not written out in the drift, and the drift."""
    show, mean, lines = Printer(macros).doprint, form.mean, []
    short = named(equation.method, equation.dim) if form.rank > 1 else None
    b = f"{letter['b']}_{{j}}"
    brief = short is None and equation.model == "first-order" and mean.count_ops() <= 6
    if equation.drift is None or mean == g or brief:
        drift = None if equation.drift is None else show(equation.drift)
        return lines + _covariance_lines(form, show, letter["S"], None), drift
    if short is None:
        lines += equation_lines(b, split_sum(unnested(mean), show))
    names = {B: b, HB: f"({letter['H']}{letter['b']})_{{j}}", RATIO: r"\Lambda_{jj}", mean: b}
    names |= {hvp(mean): names[HB], TRANSPORT: f"(J{letter['H']}{letter['b']})_{{j}}"}
    written = _in_letters(equation, mean)
    drift = Printer(macros, names).doprint(equation.drift if written is None else written)
    if written is not None and written.has(RATIO):
        lines.append(rf"\Lambda_{{jj}} &= {b}/{letter['g']}_j")
        value = lam(mean)
        if short is None and isinstance(value, sp.Piecewise):
            lines[-1] += rf",\quad \Lambda_{{jj}}\big|_{{{letter['g']}_j=0}} = {show(value.args[-1].args[0])}"
    if written is not None and written.has(TRANSPORT):
        lines.append(rf"J_{{jk}} &= \partial {b}/\partial {letter['g']}_{{k}}")
        if not nodes(mean):
            pieces = split_sum(unnested(gradient_derivative(mean)), show)
            pieces[-1] += r" \quad (j = k),\quad 0 \text{ else}"
            lines += ["&= " + pieces[0], *(rf"&\quad {piece}" for piece in pieces[1:])]
    return lines + (
        _covariance_lines(form, show, letter["S"], b)
        if short is None
        else named_lines(short, macros, equation.model == "corrected")
    ), drift


def _in_letters(equation: SDE, mean: sp.Expr) -> sp.Expr | None:
    """The drift in the letters for b_j, (H b)_j, Lambda_jj and (J H b)_j; None where it is not what these say.

    h does not depend on x, so the Jacobian of h b times H h b is h^2 J H b.
    """
    h, change = equation.method.schedule.factor, equation.method.schedule.time_derivative
    if equation.drift == -h * mean:
        return -h * B
    if equation.model == "corrected" and equation.drift == -h * mean + eta * h**2 / 2 * (lam(mean) * hvp(mean)):
        return -h * B + eta * h**2 / 2 * RATIO * HB
    if equation.model == "second-order":
        transport = h**2 * jacobian_product(mean, mean)
        if equation.drift == -h * mean - eta / 2 * (transport - change * mean):
            return -h * B - eta / 2 * (h**2 * TRANSPORT - change * B)
    return None


def _covariance_lines(form: GradientForm, show: Callable[[sp.Expr], str], capital: str, mean: str | None) -> list[str]:
    """S for an aligned environment, with U and Gamma where it has several factors."""
    lines = equation_lines(f"{capital}_{{ij}}", covariance_latex(form, show, mean, WEIGHT))
    if form.rank > 1:
        columns = [(rf"U_{{j,{n + 1}}}", f) for n, f in enumerate(form.factors)]
        entries = [
            (rf"\Gamma_{{{m + 1},{n + 1}}}", form.core[m, n])
            for m in range(form.rank)
            for n in range(m, form.rank)
            if form.core[m, n] != 0
        ]
        for left, value in columns + entries:
            lines += equation_lines(left, split_sum(sp.expand(value), show))
        lines.append(r"\Gamma &= \Gamma^{\top}\text{, other entries }0")
    return lines
