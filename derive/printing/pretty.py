"""Two-dimensional formulas for a terminal: SymPy's Unicode printer with the notation of the gradient form."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sympy as sp
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_symbol, pretty_use_unicode
from sympy.printing.pretty.stringpict import prettyForm

from sdescent.derive.expressions.coordinates import CoordMax, CoordSum, Fourth, Hvp, Rank, Third
from sdescent.derive.printing.serialise import text

MAX_NODES = 400  # the largest expression tree that is laid out in two dimensions
MAX_TEXT = 4000  # the largest number of characters of a formula as text
_ENTRY = re.compile(r"([A-Za-z]+)(\d+)_(\d+)", re.ASCII)  # the name of an entry of a matrix
SUBSCRIPTS = {"j": "ⱼ", "k": "ₖ", "i": "ᵢ"}
DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class FormulaPrinter(PrettyPrinter):
    """SymPy's two-dimensional printer with the notation of the gradient form."""

    @property
    def _unicode(self) -> bool:
        return bool(self._settings["use_unicode"])

    def form(self, expr: Any) -> Any:
        """The two-dimensional form of an expression."""
        return self._print(expr)

    def _mark(self, slot: str) -> str:
        return "".join(SUBSCRIPTS[index] for index in slot) if self._unicode else f"_{slot}"

    def _print_Coordinate(self, e: Any) -> prettyForm:
        name, index = e.printed
        return prettyForm(symbol_text(name, self._unicode) + self._mark(index), binding=prettyForm.ATOM)

    def _print_Symbol(self, e: Any, bold_name: bool = False) -> Any:
        return prettyForm(symbol_text(e.name, self._unicode), binding=prettyForm.ATOM)

    def _applied(self, name: str, argument: Any, after: str = "", left: str = "(", right: str = ")") -> prettyForm:
        form = prettyForm(*self.form(argument).parens(left, right))
        return prettyForm(*prettyForm(*form.left(name)).right(after), binding=prettyForm.ATOM)

    def _print_CoordSum(self, e: CoordSum) -> prettyForm:
        return self._applied("Σ" + self._mark("k") if self._unicode else "sum_k", e.args[0])

    def _print_CoordMax(self, e: CoordMax) -> prettyForm:
        return self._applied("max" + self._mark("k"), e.args[0])

    def _print_Rank(self, e: Rank) -> prettyForm:
        return self._applied("rank" + self._mark(e.slot), e.args[0])

    def _print_ITE(self, e: Any) -> prettyForm:
        # SymPy would first expand nested cases, in exponential time.
        return prettyForm(text(e))

    def _along(self, e: Hvp | Third | Fourth) -> prettyForm:
        name = {Hvp: "H", Third: "D3f", Fourth: "D4f"}[type(e)]
        return self._applied(name, e.args[0], self._mark(e.slot), "[", "]")

    _print_Hvp = _print_Third = _print_Fourth = _along


def symbol_text(name: str, unicode: bool) -> str:
    """The name of a symbol as typeset, with Greek letters and subscripts (σ₀ for sigma0, H₁₂ for H1_2)."""
    entry = _ENTRY.fullmatch(name)
    if not unicode:
        return name
    if entry:
        joint = "" if len(entry[2]) == len(entry[3]) == 1 else ","
        return symbol_text(entry[1], unicode) + (entry[2] + joint + entry[3]).translate(DIGITS)
    with global_unicode(True):
        return str(pretty_symbol(name))


@contextmanager
def global_unicode(on: bool) -> Iterator[None]:
    """A context in which SymPy's printer draws in Unicode, or in ASCII."""
    # SymPy keeps this flag in the module; its own `pretty` sets and restores it in the same way.
    before = pretty_use_unicode(on)
    try:
        yield
    finally:
        pretty_use_unicode(before)


def formula(name: str, expr: Any, width: int, unicode: bool = True) -> str:
    """The formula `name = expr` in two dimensions, wrapped at `width` columns; as one line of text if it is far wider.

    A long expression becomes text at once. Beyond MAX_TEXT characters only the length is given.
    """
    start = f"{name} = " if name else ""
    if count_nodes(expr) <= MAX_NODES:
        with global_unicode(unicode):
            form = FormulaPrinter({"use_unicode": unicode}).form(expr)
            if start:
                form = prettyForm(*form.left(start))
            if form.width() <= 4 * width:
                laid_out = form.render(num_columns=width, wrap_line=True, use_unicode=unicode)
                return "\n".join(line.rstrip() for line in laid_out.splitlines())
    linear = text(expr)
    return start + (linear if len(linear) <= MAX_TEXT else f"{len(linear)} characters, which --json prints")


def fits(name: str, expr: Any, width: int, unicode: bool = True) -> bool:
    """Whether `name = expr` takes at most `width` columns in two dimensions."""
    if count_nodes(expr) > MAX_NODES:
        return False
    with global_unicode(unicode):
        return FormulaPrinter({"use_unicode": unicode}).form(expr).width() + len(name) + 3 <= width


def count_nodes(expr: Any, limit: int = MAX_NODES) -> int:
    """The number of nodes of an expression tree; counting stops just above `limit`."""
    waiting, count = list(expr) if isinstance(expr, sp.MatrixBase) else [expr], 0
    while waiting and count <= limit:
        count += 1
        waiting.extend(waiting.pop().args)
    return count
