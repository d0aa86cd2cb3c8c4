"""Expressions in generic coordinates as text in the users' notation, for their formulas and for messages."""

import re
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from sdescent.derive.expressions.coordinates import DERIVATIVES, Coordinate, CoordSum, Node, to_slot
from sdescent.derive.vocabulary.errors import Refusal

_FUNCTIONS: dict[type[sp.Basic], str] = {sp.Max: "max", sp.Min: "min", sp.Abs: "abs"}
_PRODUCTS = {"Hvp": "hess", "CoordSum": "sum", "CoordMax": "max", "Third": "third", "Fourth": "fourth"}
#: for a loss that is a sum over coordinates, derivatives of a coordinate's loss: products with the vector of ones
_OF_LOSS = {DERIVATIVES[n].base: name for n, name in ((2, "hess"), (3, "third"), (4, "fourth"))}


def formula(e: Any) -> str:
    """The expression in the notation of stated formulas, which can be read back: hess(g) is the Hessian times the gradient."""
    return sp.sstr(plain(sp.sympify(e))).replace("**", "^")


def plain(e: sp.Expr) -> sp.Expr:
    """The expression in plain SymPy symbols and functions, for SymPy's printers."""
    if isinstance(e, Coordinate):
        name = _OF_LOSS.get(e.base)
        letter = sp.Symbol(e.name if e.slot == "ij" else e.base) if name is None else sp.Function(name)(1)
        return sp.Function("other")(letter) if e.slot == "i" else letter
    if isinstance(e, Node):
        inner = plain(to_slot(e.args[0], "k", "j"))
        letter = sp.Function(_PRODUCTS.get(type(e).__name__, type(e).__name__.lower()))(inner)
        return sp.Function("other")(letter) if getattr(e, "slot", "j") == "i" else letter
    if not e.args or isinstance(e, sp.Sum):
        return e
    if isinstance(e, sp.Pow) and isinstance(e.base, CoordSum) and e.exp in (sp.Rational(1, 2), -sp.Rational(1, 2)):
        inner = to_slot(e.base.args[0], "k", "j")
        if isinstance(inner, sp.Pow) and inner.exp == 2:
            return sp.Function("norm")(plain(inner.base)) ** (2 * e.exp)
    args = [plain(a) for a in e.args]  # pyright: ignore[reportArgumentType]
    if type(e) in _FUNCTIONS:
        return sp.Function(_FUNCTIONS[type(e)])(*args)
    return e.func(*args)


def symbol_latex(name: str) -> str:
    r"""The LaTeX of a symbol: Greek letters and indices as SymPy sets them, eps as \varepsilon, a word in \mathit."""
    greek = re.sub(r"^eps(?![A-Za-z])", "varepsilon", name)
    return re.sub(r"(?<![\\A-Za-z])[A-Za-z]{2,}", lambda word: rf"\mathit{{{word[0]}}}", sp.latex(sp.Symbol(greek)))


class _Words(LatexPrinter):
    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        return symbol_latex(expr.name)


def latex(e: Any) -> str:
    """The LaTeX of an expression by SymPy's printer, with names of several letters as words."""
    return _Words().doprint(sp.sympify(e))


def refusal(kind: str, said: str, term: str | None = None, beyond: bool = False, **formulas: Any) -> Refusal:
    """A refusal whose reason contains formulas: as text for the terminal, as LaTeX for a document.

    The reason `said` has {name} for the SymPy expression of that name; the other arguments are fields of the refusal.
    """
    set_as_latex = {name: f"${latex(plain(sp.sympify(e)))}$" for name, e in formulas.items()}
    as_text = {name: formula(e) for name, e in formulas.items()}
    return Refusal(kind, said.format(**set_as_latex), term, said.replace("$", "").format(**as_text), beyond)
