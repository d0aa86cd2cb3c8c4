"""An SDE in a terminal: formulas typeset in Unicode, as wide as the terminal allows."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sympy as sp
from rich.console import Console
from rich.rule import Rule
from rich.text import Text
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_symbol, pretty_use_unicode
from sympy.printing.pretty.stringpict import prettyForm

from derive.coordinates import CoordMax, CoordSum, Hvp, Rank
from derive.expanded import given_message

if TYPE_CHECKING:
    from derive.form import GradientForm
    from derive.models import SDE

MAX_WRITTEN_OUT = 6  # coordinates; beyond, the form for a generic coordinate says the same in a few lines
_INDENT = 2
_SUBSCRIPTS = {"j": "ⱼ", "k": "ₖ", "i": "ᵢ"}
_ENTRY = re.compile(r"([A-Za-z]+)(\d+)_(\d+)", re.ASCII)  # of a matrix
_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class FormulaPrinter(PrettyPrinter):
    """SymPy's two-dimensional printer with the notation of the gradient form."""

    @property
    def _unicode(self) -> bool:
        return bool(self._settings["use_unicode"])

    def form(self, expr: Any) -> Any:
        """The two-dimensional form of an expression."""
        return self._print(expr)

    def _mark(self, slot: str) -> str:
        return _SUBSCRIPTS[slot] if self._unicode else f"_{slot}"

    def _print_Coordinate(self, e: Any) -> prettyForm:
        return prettyForm(symbol_text(e.base, self._unicode) + self._mark(e.slot), binding=prettyForm.ATOM)

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

    def _print_Hvp(self, e: Hvp) -> prettyForm:
        return self._applied("H", e.args[0], self._mark(e.slot), "[", "]")


def symbol_text(name: str, unicode: bool) -> str:
    """The name of a symbol as it is typeset: Greek letters, numbers as subscripts (sigma0 as σ₀, H1_2 as H₁₂)."""
    entry = _ENTRY.fullmatch(name)
    if not unicode:
        return name
    if entry:
        joint = "" if len(entry[2]) == len(entry[3]) == 1 else ","
        return symbol_text(entry[1], unicode) + (entry[2] + joint + entry[3]).translate(_DIGITS)
    with _global_unicode(True):
        return str(pretty_symbol(name))


@contextmanager
def _global_unicode(on: bool) -> Iterator[None]:
    # SymPy keeps this flag in the module; its own `pretty` sets and restores it in the same way.
    before = pretty_use_unicode(on)
    try:
        yield
    finally:
        pretty_use_unicode(before)


def formula(name: str, expr: Any, width: int, unicode: bool = True) -> str:
    """`name = expr` in two dimensions, at most `width` columns; in one line of text that wraps if it is far wider."""
    with _global_unicode(unicode):
        form = FormulaPrinter({"use_unicode": unicode}).form(expr)
        if name:
            form = prettyForm(*form.left(f"{name} = "))
        if form.width() > 4 * width:
            return f"{name} = {sp.sstr(expr)}" if name else sp.sstr(expr)
        text = form.render(num_columns=width, wrap_line=True, use_unicode=unicode)
    return "\n".join(line.rstrip() for line in text.splitlines())


class SDEView:
    """Prints SDEs to a console.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        # Rich falls back to ASCII boxes by itself; formulas have to be told.
        self.unicode = console.encoding.startswith("utf")

    def show(self, equation: SDE, specs: Mapping[str, str]) -> None:
        """Everything that is known of the equation: drift, covariance, conditions, noise type, omega, what is unmet."""
        known = equation.to_dict()
        self._heading(equation, specs)
        complete = known.get("drift") is not None or known.get("form") is not None
        small = equation.dim is not None and equation.dim <= MAX_WRITTEN_OUT
        if complete and small:
            self._coordinates(equation)
        elif complete:
            self._generic(equation)
        if equation.conditional is not None:
            self._conditional(equation, small)
        self._facts(equation, known)

    def _heading(self, equation: SDE, specs: Mapping[str, str]) -> None:
        about = [f"{kind} {text}" for kind, text in specs.items() if kind != "method"]
        clients = equation.method.clients
        about.append("1 client" if clients == 1 else f"{clients} clients")
        about.append("any dimension" if equation.dim is None else f"dimension {equation.dim}")
        self.console.print(Rule(f"{equation.method.name}, {equation.model} model", style="cyan", align="left"))
        self._line(", ".join(about))
        self._print("")

    def _coordinates(self, equation: SDE) -> None:
        expanded = equation.expanded
        where = "" if expanded.specified else ", g the gradient at X"
        self._line(f"dX = drift dt + L dW (Ito), L L' = covariance{where}")
        dim = expanded.dim
        self._entries("drift", {(i,): expanded.drift[i] for i in range(dim)}, expanded.drift)
        upper = {(i, j): expanded.covariance[i, j] for i in range(dim) for j in range(i, dim)}
        self._entries("covariance", upper, expanded.covariance)

    def _generic(self, equation: SDE) -> None:
        form = equation.form
        assert form is not None  # for the type checker; the caller has looked
        self._line("dX = drift dt + L dW (Ito), L L' = rate S; for a generic coordinate j, g the gradient at X")
        self._title("drift")
        self._formula("drift" + self._sub("j"), equation.drift)
        self._title("covariance")
        self._formula("rate", equation.rate)
        self._structure(form)

    def _structure(self, form: GradientForm, letter: str = "S") -> None:
        parts = [] if form.diag == 0 else ["diag(D)"]
        parts += ["U C U'"] if form.rank else []
        parts += [f"c{n + 1} {leaf.name}" for n, (_, leaf) in enumerate(form.dense)]
        self._line(f"{letter} = {' + '.join(parts) or '0'}\n")
        if "diag(D)" in parts:
            self._formula("D" + self._sub("j"), form.diag)
        for a, factor in enumerate(form.factors):
            self._formula(f"U{self._sub('j')}{',' if self.unicode else '_'}{a + 1}", factor)
        if form.rank:
            core = {(a, b): form.core[a, b] for a in range(form.rank) for b in range(a, form.rank)}
            self._entries("C", core, form.core, titled=False)
        for n, (coefficient, _) in enumerate(form.dense):
            self._formula(f"c{n + 1}", coefficient)

    def _conditional(self, equation: SDE, small: bool) -> None:
        conditional = equation.conditional
        assert conditional is not None  # for the type checker; the caller has looked
        given = conditional.given_v
        if conditional.law.degenerate:
            self._line("Moments of C(v) given a client's message v:")
        else:
            if equation.drift is not None:
                self._title("drift")
                self._formula("drift" + self._sub("j"), equation.drift)
            self._line(
                "No elementary form exists after the noise: L L' = rate (E Cov(C(v) | v) + Cov E(C(v) | v)) over the "
                "messages v = g + Z. Exact moments of C(v) given v:"
            )
        if small:
            dim = equation.dim or 1
            mean, covariance = given_message(given, dim)
            self._entries("mean", {(i,): mean[i] for i in range(dim)}, sp.Matrix(mean))
            upper = {(i, j): covariance[i, j] for i in range(dim) for j in range(i, dim)}
            self._entries("covariance", upper, covariance)
            return
        self._title("mean")
        self._formula("mean" + self._sub("j"), given.mean)
        self._title("covariance")
        self._structure(given, "Cov")

    def _facts(self, equation: SDE, known: Mapping[str, Any]) -> None:
        self._title("facts")
        if known["noise_type"] is not None:
            self._line(f"noise type: {known['noise_type']}")
        elif equation.loss is None or equation.dim is None:
            self._line("noise type: open without a loss and a dimension (--loss, --dim)")
        else:
            self._line("noise type: not derived, for want of a closed form")
        omega = equation.moments.omega
        if omega is not None:
            self._formula("omega" if not self.unicode else "ω", omega.value)
            if not omega.exact:
                self._line("(an upper bound)")
        elif equation.dim is None or equation.method.compressor.growth != 0:
            self._line("omega: none (biased, or without a finite compression ratio)")
        for condition in equation.conditions:
            unmet = condition.met is False
            relation = f"{symbol_text(str(condition.left), self.unicode)} > {condition.right}"
            text = f"{'NOT MET' if unmet else 'needed'}: {relation} ({condition.purpose})"
            self._line(text, "bold red" if unmet else "yellow")
        if not equation.conditions:
            self._line("conditions: none")
        if known["parameters"]:
            self._line("free symbols: " + ", ".join(symbol_text(name, self.unicode) for name in known["parameters"]))
        legend = self._legend(equation)
        if legend:
            self._line(legend, "dim")

    def _legend(self, equation: SDE) -> str:
        j, k = self._sub("j"), self._sub("k")
        seen = " ".join(map(str, equation.expressions)) if equation.dim is None else ""
        notes = []
        if "Hvp" in seen:
            notes.append(f"H[c{k}]{j}: coordinate j of the Hessian times c")
        if "CoordSum" in seen or "CoordMax" in seen:
            notes.append("sums and maxima over k run over all coordinates")
        if "Rank" in seen:
            notes.append("rank: how many coordinates are larger, ties by index")
        return "; ".join(notes)

    def _sub(self, text: str) -> str:
        if not self.unicode:
            return f"_{text}"
        return "".join(_SUBSCRIPTS.get(ch, ch) for ch in text.translate(_DIGITS))

    def _entries(self, name: str, entries: Mapping[tuple[int, ...], Any], whole: Any, titled: bool = True) -> None:
        """A vector or a symmetric matrix: as one formula if it fits, else entry by entry (zeros in one line)."""
        if titled:
            self._title(name)
        width = self._width
        with _global_unicode(self.unicode):
            form = FormulaPrinter({"use_unicode": self.unicode}).form(whole)
        if form.width() + len(name) + 3 <= width:
            self._formula(name, whole)
            return
        for index, value in entries.items():
            if value != 0:
                joint = "" if max(index) < 9 else ","
                self._formula(name + self._sub(joint.join(str(i + 1) for i in index)), value)
        if any(value == 0 for value in entries.values()):
            self._line("the other entries are 0")

    @property
    def _width(self) -> int:
        return max(40, self.console.width - 2 * _INDENT)

    def _formula(self, name: str, expr: Any) -> None:
        text = formula(name, expr, self._width, self.unicode)
        if "\n" not in text:
            text = textwrap.fill(text, self._width, subsequent_indent="    ", break_long_words=False)
        self._print(textwrap.indent(text, " " * _INDENT) + "\n")

    def _title(self, text: str) -> None:
        self._print(text, "bold")

    def _line(self, text: str, style: str = "") -> None:
        indent = " " * _INDENT
        self._print(textwrap.fill(text, self._width, initial_indent=indent, subsequent_indent=indent), style)

    def _print(self, text: str, style: str = "") -> None:
        # Already as wide as it may be; Rich would break formulas in the middle.
        self.console.print(Text(text, style=style), soft_wrap=True, highlight=False)


def table(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table with a title; cells wrap."""
    from rich.table import Table

    shown = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for n, column in enumerate(columns):
        shown.add_column(column, no_wrap=n == 0, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    console.print(shown)
    console.print()
