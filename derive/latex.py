"""LaTeX of coordinate expressions and of an SDE, in the notation of the paper.

Users keep their own notation through `macros`, a map from symbol names to commands ("eta" -> r"\\stepsize").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from derive.coordinates import Coordinate, CoordMax, CoordSum, Hvp, Rank, g, gk, hvp, to_slot, vk

if TYPE_CHECKING:
    from derive.form import GradientForm
    from derive.models import SDE

#: an own Lam_j H b is written with the vector's name when its coordinate is the mean of the step
_NORMS = {CoordSum(gk**2): "g", CoordSum(vk**2): "v"}


class Printer(LatexPrinter):
    """SymPy's printer with aggregates, Hessian products and the user's macros.

    Args:
        macros: command for each symbol name.
        names: command for whole subexpressions, such as b_j for a long mean.
    """

    def __init__(self, macros: Mapping[str, str] | None = None, names: Mapping[sp.Expr, str] | None = None) -> None:
        super().__init__({"inv_trig_style": "abbreviated", "ln_notation": False, "mul_symbol": r"\,"})
        self._macros, self._own_names = dict(macros or {}), dict(names or {})
        #: names of the symbols and vectors printed so far
        self.used: set[str] = set()

    def _vector(self, base: str) -> str:
        self.used.add(base)
        return self._macros[base] if base in self._macros else str(sp.latex(sp.Symbol(base)))

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if self._own_names and isinstance(expr, sp.Expr) and expr in self._own_names:
            power = kwargs.get("exp")
            return self._own_names[expr] if power is None else rf"{self._own_names[expr]}^{{{power}}}"
        return super()._print(expr, **kwargs)

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        name = expr.name
        self.used.add(name)
        if name in self._macros:
            return self._macros[name]
        if name == "du":
            return r"\dot{u}"
        if name.startswith("H") and "_" in name and name[1].isdigit():
            i, _, j = name[1:].partition("_")
            return rf"H_{{{i},{j}}}"
        return super()._print_Symbol(expr, style)

    def _print_Coordinate(self, expr: Coordinate) -> str:
        base, _, kind = expr.base.partition("_")
        index = expr.slot * 2 if kind == "diag" else expr.slot
        return rf"{self._vector(base)}_{{{index}}}"

    def _print_CoordSum(self, expr: CoordSum) -> str:
        if expr in _NORMS:
            return rf"\|{self._vector(_NORMS[expr])}\|_2^{{2}}"
        inner = self._print(expr.args[0])
        if expr.args[0] == sp.Abs(gk) or expr.args[0] == sp.Abs(vk):
            return rf"\|{self._vector(expr.args[0].args[0].base)}\|_1"  # pyright: ignore[reportAttributeAccessIssue]
        return rf"\sum_{{k}} {inner}" if not isinstance(expr.args[0], sp.Add) else rf"\sum_{{k}} \left({inner}\right)"

    def _print_CoordMax(self, expr: CoordMax) -> str:
        inner = expr.args[0]
        if inner == sp.Abs(gk) or inner == sp.Abs(vk):
            return rf"\|{self._vector(inner.args[0].base)}\|_\infty"  # pyright: ignore[reportAttributeAccessIssue]
        return rf"\max_{{k}} {self._print(inner)}"

    def _print_Rank(self, expr: Rank) -> str:
        body = self._print(expr.args[0])
        return rf"\mathrm{{rank}}_{{{expr.slot}}}\left({body}\right)"

    def _print_Hvp(self, expr: Hvp) -> str:
        inner = expr.args[0]
        self.used.add("H")
        if inner == gk:
            return rf"({self._macros.get('H', 'H')}{self._vector('g')})_{{{expr.slot}}}"
        return rf"\left({self._macros.get('H', 'H')}\left[{self._print(inner)}\right]_{{k}}\right)_{{{expr.slot}}}"

    def _print_Pow(self, expr: sp.Pow, *args: Any, **kwargs: Any) -> str:
        if expr.exp == sp.Rational(1, 2) and expr.base in _NORMS:
            return rf"\|{self._vector(_NORMS[expr.base])}\|_2"
        if isinstance(expr.base, CoordSum) and expr.base not in _NORMS and expr.exp.is_Integer and expr.exp > 0:
            return rf"\left({self._print(expr.base)}\right)^{{{expr.exp}}}"
        return super()._print_Pow(expr, *args, **kwargs)

    def _print_Max(self, expr: sp.Max, exp: Any = None) -> str:
        low, high = sp.S.NegativeOne, sp.S.One
        if len(expr.args) == 2 and low in expr.args:
            inner = next(a for a in expr.args if a != low)
            if isinstance(inner, sp.Min) and high in inner.args and len(inner.args) == 2:
                body = next(a for a in inner.args if a != high)
                text = rf"\mathrm{{clip}}\left({self._print(body)}\right)"
                return text if exp is None else rf"{text}^{{{exp}}}"
        return super()._print_Max(expr, exp)  # pyright: ignore[reportAttributeAccessIssue]

    def _print_hyper(self, expr: sp.hyper, exp: Any = None) -> str:
        if tuple(expr.args[0]) == (1, 1, 1) and tuple(expr.args[1]) == (2, 2):
            z = self._print(expr.args[2])
            text = rf"\frac{{\mathrm{{Li}}_2\left({z}\right)}}{{{z}}}"
        else:
            upper = ",".join(self._print(a) for a in expr.args[0])
            lower = ",".join(self._print(a) for a in expr.args[1])
            text = (
                rf"{{}}_{{{len(expr.args[0])}}}F_{{{len(expr.args[1])}}}"
                rf"\left({upper};{lower};{self._print(expr.args[2])}\right)"
            )
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


def latex(expr: Any, macros: Mapping[str, str] | None = None, names: Mapping[sp.Expr, str] | None = None) -> str:
    """An expression as LaTeX (no dollar signs)."""
    return Printer(macros, names).doprint(expr)


def covariance_latex(form: GradientForm, macros: Mapping[str, str] | None = None) -> str:
    """S_{ij} of a form: the diagonal entry as delta_ij times D_j, plus the low-rank part."""
    printer = Printer(macros)
    parts = []
    if form.diag != 0:
        body = printer.doprint(form.diag)
        bracketed = rf"\left({body}\right)" if isinstance(form.diag, (sp.Add, sp.Piecewise)) else body
        parts.append(rf"\delta_{{ij}}\,{bracketed}")
    if form.rank == 1:
        f = form.factors[0]
        left = printer.doprint(to_slot(f, "j", "i"))
        parts.append(_signed(form.core[0, 0], printer) + rf"\,{left}\,{printer.doprint(f)}")
    elif form.rank:
        parts.append(r"+\left(U\,\Gamma\,U^{\top}\right)_{ij}")
    for coefficient, leaf in form.dense:
        scalar = "" if coefficient == 1 else printer.doprint(coefficient) + r"\,"
        parts.append(rf"+{scalar}\{leaf.name}_{{ij}}")
    text = "".join(parts).removeprefix("+")
    return text or "0"


def _signed(scalar: sp.Expr, printer: Printer) -> str:
    text = printer.doprint(scalar)
    return text if text.startswith("-") else "+" + text


def sde_latex(equation: SDE, macros: Mapping[str, str] | None = None) -> str:
    r"""The equation for the generic coordinate: drift, diffusion with B B' = S, the covariance S_ij, and conditions.

    Where no closed form exists the moments given the client's message stand in its place.
    """
    printer = Printer(macros)
    rate = rf"\sqrt{{{printer.doprint(equation.rate)}}}"
    lines = []
    if equation.drift is not None:
        form, drift = equation.form, equation.drift
        mean = None if form is None else form.mean
        if mean is not None and mean != g and mean.count_ops() > 6:
            h, letter = equation.method.schedule.factor, sp.Symbol("b_j")
            names = {letter: "b_{j}", hvp(mean): r"(Hb)_{j}", mean: "b_{j}"}
            lines.append(rf"b_j = {printer.doprint(mean)}")
            drift = Printer(macros, names).doprint(sp.Add(-h * letter, sp.expand_mul(drift + h * mean, deep=False), evaluate=False))
        else:
            drift = printer.doprint(drift)
        lines.insert(0, rf"\mathrm{{d}}X_j = \left({drift}\right)\mathrm{{d}}t + {rate}\,(B\,\mathrm{{d}}W)_j,\quad BB^{{\top}}=S")
    if equation.form is not None:
        lines.append(rf"S_{{ij}} = {covariance_latex(equation.form, macros)}")
    elif equation.conditional is not None:
        given = equation.conditional.given_v
        lines.append(rf"\mathbb{{E}}[C_j\mid v] = {printer.doprint(given.mean)},\quad v=g+Z")
        lines.append(rf"\mathrm{{Cov}}(C\mid v)_{{ij}} = {covariance_latex(given, macros)}")
    if equation.conditions:
        lines.append(r"\text{if } " + ",\\ ".join(condition_latex(c, macros) for c in equation.conditions))
    return r"\begin{gathered}" + r" \\ ".join(lines) + r"\end{gathered}"


def condition_latex(condition: Any, macros: Mapping[str, str] | None = None) -> str:
    """left > right, with what it is needed for when it is only for the weak order."""
    printer = Printer(macros)
    text = rf"{printer.doprint(condition.left)} > {printer.doprint(condition.right)}"
    if condition.purpose == "weak order 2":
        text += r"\ \text{(for weak order 2" + ("" if condition.met is None else "; not met") + ")}"
    return text
