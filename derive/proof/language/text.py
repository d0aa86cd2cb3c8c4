"""Terms and relations as LaTeX and as plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from derive.proof.language.terms import Relation, Term, num
from derive.proof.language.tidy import tidy

_GREEK_NAMES = "alpha beta gamma delta epsilon zeta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega eta Phi Psi"
GREEK = frozenset(_GREEK_NAMES.split())
_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_RELATIONS = {"<=": r"\le", "<": "<", "==": "=", "!=": r"\ne"}


def name(symbol: str) -> str:
    """A symbol's name in LaTeX: Greek letters by name, the part after a first letter or an underscore as an index."""
    head, _, index = symbol.partition("_")
    if not index and len(head) > 1 and head not in GREEK and head[1:].isdigit():
        head, index = head[0], head[1:]
    shown = "\\" + head if head in GREEK else head if len(head) == 1 else rf"\mathit{{{head}}}"
    return shown + (rf"_{{{index.replace('_', ',')}}}" if index else "")


class TermWriter:
    """LaTeX of terms.

    Args:
        names: LaTeX of symbols, vectors, matrices and functions.
        short: LaTeX that stands for whole terms, wherever they stand as they were written.
    """

    def __init__(self, names: Mapping[str, str] | None = None, short: Mapping[Term, str] | None = None) -> None:
        self.names = dict(names or {})
        self.short = dict(short or {})

    def symbol(self, s: str) -> str:
        return self.names.get(s) or name(s)

    def relation(self, relation: Relation, align: str = "") -> str:
        """l <= r; `align` stands before the sign."""
        return f"{self.term(relation.left)} {align}{_RELATIONS[relation.op]} {self.term(relation.right)}"

    def term(self, t: Term) -> str:
        """A term."""
        return self._inner(tidy(t, self.short))

    def _inner(self, t: Term) -> str:
        return self._show(t)[0]

    def _show(self, t: Term) -> tuple[str, int]:
        if t in self.short:
            return self.short[t], _ATOM
        head = t[0]
        plain: dict[str, Callable[[], tuple[str, int]]] = {
            "q": lambda: _number(Fraction(t[1])),
            "x": lambda: (self.symbol(t[1]), _ATOM),
            "xi": lambda: (self.symbol(t[1]).replace("_j", "_i"), _ATOM),
            "pi": lambda: (r"\pi", _ATOM),
            "+": lambda: self._sum(t),
            "*": lambda: self._product(t),
            "^": lambda: self._power(t),
            "/": lambda: (rf"\frac{{{self._inner(t[1])}}}{{{self._inner(t[2])}}}", _ATOM),
            "f": lambda: self._function(t),
            "F": lambda: (rf"{self.symbol(t[1])}\!\left({self._inner(t[2])}\right)", _ATOM),
            "norm": lambda: (rf"\|{self.vector(t[1])}\|", _ATOM),
            "opnorm": lambda: (rf"\|{self.symbol(t[1][1])}\|_{{\mathrm{{op}}}}", _ATOM),
            "tr": lambda: (rf"\operatorname{{Tr}} {self.symbol(t[1][1])}", _PRODUCT),
            "quad": lambda: (rf"{self.vector(t[2])}^{{\top}} {self.symbol(t[1][1])} {self.vector(t[2])}", _PRODUCT),
            "trprod": lambda: (rf"\operatorname{{Tr}}({self.symbol(t[1][1])} {self.symbol(t[2][1])})", _ATOM),
            "dot": lambda: (rf"\langle {self.vector(t[1])}, {self.vector(t[2])}\rangle", _ATOM),
            "E": lambda: (rf"\mathbb{{E}}\left[{self._inner(t[1])}\right]", _ATOM),
            "I": lambda: (rf"\int_0^T {self._factor(t[1], _PRODUCT)}\,\mathrm{{d}}t", _PRODUCT),
            "EI": lambda: (rf"\mathbb{{E}}\int_0^T {self._factor(t[1], _PRODUCT)}\,\mathrm{{d}}t", _PRODUCT),
            "S": lambda: (rf"\sum_j {self._factor(t[1], _PRODUCT)}", _PRODUCT),
            "Si": lambda: (rf"\sum_i {self._factor(t[1], _PRODUCT)}", _PRODUCT),
            "C": lambda: (rf"\sum_k {self._factor(t[1], _PRODUCT)}", _PRODUCT),
        }
        return plain[head]()

    def combination(self, parts: Sequence[tuple[Term, str]]) -> str:
        """A sum of multiples c v, each given as (c, LaTeX of v)."""
        out = ""
        for coefficient, shown in parts:
            front = self._signed(tidy(coefficient, self.short))
            each = {"1": shown, "-1": f"-{shown}"}.get(front) or rf"{front}\,{shown}"
            out += each if not out or each.startswith("-") else f" + {each}"
        return out

    def _signed(self, t: Term) -> str:
        """A term in front of a factor: in brackets unless it is a product, with its sign."""
        shown, own = self._show(t)
        return shown if own >= _PRODUCT else rf"\left({shown}\right)"

    def _factor(self, t: Term, level: int) -> str:
        shown, own = self._show(t)
        return shown if own >= level and not shown.startswith("-") else rf"\left({shown}\right)"

    def vector(self, v: Any) -> str:
        """A vector, or a matrix times one."""
        return self.symbol(v[1]) if v[0] == "v" else self.symbol(v[1][1]) + self.vector(v[2])

    def _sum(self, t: Term) -> tuple[str, int]:
        out = ""
        for a in t[1:]:
            shown = self._show(a)[0]
            out += shown if not out or shown.startswith("-") else " + " + shown
        return out, _SUM

    def _product(self, t: Term) -> tuple[str, int]:
        factors, sign = list(t[1:]), ""
        if factors[0][0] == "q" and factors[0][1].startswith("-"):
            sign, number = "-", -Fraction(factors[0][1])
            factors[:1] = [num(number)] if number != 1 else []
        out = ""
        for a in factors:
            shown = self._factor(a, _PRODUCT)
            out += shown if not out else rf"\cdot {shown}" if shown[0].isdigit() and out[-1].isdigit() else rf"\,{shown}"
        return sign + out, _PRODUCT

    def _power(self, t: Term) -> tuple[str, int]:
        base, n = t[1], t[2]
        shown, level = self._show(base)
        if n == 1:
            return shown, level
        simple = base[0] in ("x", "norm", "opnorm", "q", "pi") and level == _ATOM and not shown.startswith("-")
        if base[0] == "x" and "^" in shown:
            simple = False
        return (f"{shown}^{{{n}}}" if simple else rf"\left({shown}\right)^{{{n}}}"), _POWER

    def _function(self, t: Term) -> tuple[str, int]:
        inner = self._inner(t[2])
        if t[1] == "sqrt":
            return rf"\sqrt{{{inner}}}", _ATOM
        if t[1] == "abs":
            return rf"\left|{inner}\right|", _ATOM
        if t[1] == "exp":
            return rf"e^{{{inner}}}", _POWER
        shown = {"log": r"\log", "tanh": r"\tanh", "atan": r"\arctan", "erf": r"\operatorname{erf}"}[t[1]]
        return rf"{shown}\left({inner}\right)", _ATOM


def _number(value: Fraction) -> tuple[str, int]:
    if value.denominator == 1:
        return str(value.numerator), _ATOM if value >= 0 else _PRODUCT
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", _ATOM if value > 0 else _PRODUCT


_INFIX = {"<=": "<=", "<": "<", "==": "==", "!=": "!="}


def text(t: Any) -> str:
    """A term or relation in plain text."""
    if isinstance(t, Relation):
        return f"{text(t.left)} {_INFIX[t.op]} {text(t.right)}"
    return _plain(t)[0]


def _plain(t: Term) -> tuple[str, int]:
    head = t[0]

    def inside(a: Term, level: int) -> str:
        shown, own = _plain(a)
        return shown if own >= level else f"({shown})"

    if head == "q":
        return t[1], _ATOM if "/" not in t[1] and not t[1].startswith("-") else _SUM if t[1].startswith(
            "-"
        ) else _PRODUCT
    if head in ("x", "xi"):
        return t[1] + ("_i" if head == "xi" else ""), _ATOM
    if head == "+":
        out = ""
        for a in t[1:]:
            shown = inside(a, _SUM)
            out += shown if not out else f" - {shown[1:]}" if shown.startswith("-") else f" + {shown}"
        return out, _SUM
    if head == "*":
        factors = list(t[1:])
        if factors[0] == ("q", "-1") and len(factors) > 1:
            return "-" + "*".join(inside(a, _PRODUCT) for a in factors[1:]), _SUM
        return "*".join(inside(a, _PRODUCT) for a in factors), _PRODUCT
    if head == "^":
        return f"{inside(t[1], _ATOM)}^{t[2]}", _POWER
    if head == "/":
        return f"{inside(t[1], _PRODUCT)}/{inside(t[2], _POWER)}", _PRODUCT
    if head in ("f", "F"):
        return f"{t[1]}({text(t[2])})", _ATOM
    shown = ", ".join(text(a) if isinstance(a, Term) else _named(a) for a in t[1:])
    return f"{head}({shown})" if shown else head, _ATOM


def _named(v: Any) -> str:
    return v[1] if v[0] in ("v", "m") else f"{v[1][1]} {v[2][1]}"
