"""Conversion of text into TeX: escaping, the marker of trusted TeX, and the template environment.

Everything a template prints is escaped unless it is a `Tex`. A string from outside, such as a label of a data set or a
line of an error, therefore cannot become a command, whatever it contains. A forgotten marker shows as a visible
backslash in the document, never as an executed one.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, final

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import BlockReference, Context, Macro

TEMPLATES = Path(__file__).parent / "templates"

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    # An accent over nothing: pandoc knows it, but drops the command textasciigrave.
    "`": r"\`{}",
    # After a line break in a table these two would be read as its optional argument and its star.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\u00a0": "~",
}
# Characters that a TeX font joins in pairs into another character (an en dash, quotation marks).
_LIGATURES = ("-", "'", ",")

_MATHS = """
    α alpha  β beta  γ gamma  δ delta  ε varepsilon  ζ zeta  η eta  θ theta  ι iota  κ kappa  λ lambda  μ mu  ν nu
    ξ xi  π pi  ρ rho  σ sigma  τ tau  υ upsilon  φ varphi  χ chi  ψ psi  ω omega  Γ Gamma  Δ Delta  Θ Theta
    Λ Lambda  Ξ Xi  Π Pi  Σ Sigma  Υ Upsilon  Φ Phi  Ψ Psi  Ω Omega  ϵ epsilon  ϑ vartheta  ϕ phi  ς varsigma  ≤ le
    ≥ ge  ≠ ne  ≈ approx  ≪ ll  ≫ gg  ∝ propto  ∞ infty  ∂ partial  ∇ nabla  ∈ in  ∑ sum  ∏ prod  ∫ int  → to
    ← leftarrow  ⇒ Rightarrow  ↦ mapsto  ⊤ top  ∘ circ  ± pm  · cdot  × times  ÷ div  ℓ ell  ‖ Vert
"""
_MATHS_WORDS = _MATHS.split()
_MATHS_TEX = {
    **{char: rf"\ensuremath{{\{name}}}" for char, name in zip(_MATHS_WORDS[::2], _MATHS_WORDS[1::2], strict=True)},
    "−": r"\ensuremath{-}",
    "′": r"\ensuremath{'}",
    "√": r"\ensuremath{\surd}",
    "ˣ": r"\ensuremath{^x}",
    **{chr(0x2080 + n): rf"\ensuremath{{_{n}}}" for n in range(10)},
    **{chr(0x2070 + n): rf"\ensuremath{{^{n}}}" for n in (0, *range(4, 10))},
    "⁻": r"\ensuremath{^-}",
}
# The Latin letters up to U+017F that the T1 encoding lacks, and the characters that it has beyond them.
_NOT_IN_T1 = frozenset("ĦħĸĿŀŉŦŧſ")
_ALSO_IN_T1 = frozenset("–—‘’‚“”„…€‰†‡•™ȘșȚț")


@final
class Tex(str):
    """A string that is TeX already and is printed unchanged. Make one only from TeX that this package wrote."""

    __slots__ = ()


def escape(text: object) -> Tex:
    """The TeX that prints a text (T1 encoding) on one line, without a paragraph break, safe as an argument or a cell.

    A `Tex` is returned unchanged. A letter for which pdfTeX has no glyph becomes its code point, as in [U+4E2D].
    """
    if isinstance(text, Tex):
        return text
    pieces: list[str] = []
    previous = ""
    for char in unicodedata.normalize("NFC", str(text)):
        if char == previous and char in _LIGATURES:
            pieces.append("{}")
        pieces.append(_escape_char(char))
        previous = char
    return Tex("".join(pieces))


def _escape_char(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if char.isspace():
        return " "
    if "!" <= char <= "~":
        return char
    if char in _MATHS_TEX:
        return _MATHS_TEX[char]
    if char in _ALSO_IN_T1 or ("\u00a1" <= char <= "\u017f" and char not in _NOT_IN_T1 and char != "\u00ad"):
        return char
    # Controls and formatting marks (soft hyphens, direction overrides) print nothing and could hide text.
    return "" if unicodedata.category(char) in ("Cc", "Cf") else f"{{[}}U+{ord(char):04X}{{]}}"


def listed(words: Sequence[str]) -> str:
    """The words joined as in "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def each(values: Iterable[str], prefix: str = "") -> Tex:
    r"""The formulas of several objects after `prefix`: $x=1$ if all are equal, else $x=1,\ 2$ in this order."""
    formulas = list(values)
    if len(set(formulas)) == 1:
        return Tex(f"${prefix}{formulas[0]}$")
    joined = r",\ ".join(formulas)
    return Tex(rf"${prefix}{joined}$ in this order")


class _TexContext(Context):
    """A context in which macros and blocks return TeX: their text is the template's, and their values are escaped already."""

    def call(self, obj: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:  # pyright: ignore
        value = super().call(obj, *args, **kwargs)
        return Tex(value) if isinstance(obj, Macro | BlockReference) and isinstance(value, str) else value


def environment(loader: BaseLoader | None = None, **filters: Callable[..., Any]) -> Environment:
    r"""The Jinja2 environment of the LaTeX templates; `loader` defaults to the package's own templates.

    Its delimiters do not clash with LaTeX: \VAR{value}, \BLOCK{for x in y}, \#{comment}. A name that is not defined is an
    error. Every value is escaped unless it is a `Tex`; the result of a filter or an operator on a `Tex` is text again, and
    a \BLOCK{set} with a body gives text too (use a macro). `each` is a filter, and `filters` are added under their names.
    """
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES) if loader is None else loader,
        block_start_string=r"\BLOCK{",
        block_end_string="}",
        variable_start_string=r"\VAR{",
        variable_end_string="}",
        comment_start_string=r"\#{",
        comment_end_string="}",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # Jinja's own escaping is for HTML; `finalize` below escapes for TeX
        finalize=escape,
    )
    templates.context_class = _TexContext
    templates.filters.update({"each": each, **filters})
    return templates
