"""Text and numbers as TeX: escaping, the marker of trusted TeX, rounding, and the template environment."""

import math
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, final

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import BlockReference, Context, Macro

TEMPLATES = Path(__file__).parent / "templates"

_SPECIAL = {
    **{char: f"\\{char}" for char in "{}$&#%_"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    # An accent over nothing: pandoc knows it, but drops the command textasciigrave.
    "`": r"\`{}",
    # After a line break in a table these two would be read as its optional argument and its star.
    **{char: f"{{{char}}}" for char in "[]*"},
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
    """A string that is already TeX and is printed unchanged. Make one only from TeX that this package wrote."""

    __slots__ = ()


def escape(text: object) -> Tex:
    """The TeX of a text (T1) on one line, safe as argument or cell; a `Tex` is unchanged, a letter without a glyph is [U+4E2D]."""
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


def by_key(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    """The values of pairs (key, value) as a list for each key; the list of any other key is empty."""
    values = defaultdict(list)
    for key, value in pairs:
        values[key].append(value)
    return values


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


#: a number below the first of these powers of ten, or not below the second, is written with \times 10^{..}
_SMALLEST, _LARGEST = -3, 5
_MISSING = r"\text{--}"
#: a half-width at most this small relative to its value is not sampling error
_EXACT = 1e-6
#: the most entries of a vector that are all written; a longer vector shows the first two (one if all are equal) and the last
MOST = 6
#: the most characters in one formula, which cannot break over lines
UNBROKEN = 48


def number(value: float, digits: int = 3) -> str:
    r"""`value` to `digits` significant digits as LaTeX for math mode: 110, 0.0123, 1.23\times10^{-5}, \infty; -- for nan."""
    if not math.isfinite(value):
        return _not_finite(value)
    if value == 0:
        return "0"
    power = _power(value, digits)
    return _written((value,), power, power - digits + 1)


def uncertain(value: float, half: float, sign: bool = False) -> str:
    r"""`value` \pm `half` as LaTeX for math mode: `half` to two digits, `value`, if `sign` with its sign, to the same place.

    1.2345 and 0.0678 give 1.234\pm0.068; a common power of ten is taken out: (6.46\pm0.66)\times10^{-5}. A half-width below a
    millionth of the value is left out: such a value is known without sampling.
    """
    plus = "+" if sign and value > 0 else ""
    if not math.isfinite(value):
        return plus + _not_finite(value)
    if not math.isfinite(half):
        return rf"{plus}{number(value, 4)}\pm{_not_finite(half)}"
    if half <= abs(value) * _EXACT:
        return plus + number(value, 4)
    last = _power(half, 2) - 1
    power = _power(half, 2) if value == 0 else max(_power(value, 4), last + 1)
    return _written((value, half), power, last, plus)


def percentage(value: float, lower: float, upper: float) -> tuple[str, str]:
    r"""A share and its interval in per cent, math mode, to the second digit of its width: 59.90\,\% and [59.67,60.13]\,\%."""
    last = _power(upper - lower, 2) + 1 if upper > lower else -2
    texts = [_written((100 * v,), 0, last) for v in (value, lower, upper)]
    return rf"{texts[0]}\,\%", rf"[{texts[1]},{texts[2]}]\,\%"


def _not_finite(value: float) -> str:
    return _MISSING if math.isnan(value) else r"\infty" if value > 0 else r"-\infty"


def _power(value: float, digits: int) -> int:
    """The decimal exponent of a value rounded to `digits` significant digits; for 9.96 rounded to two digits it is 1."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])


def _written(values: tuple[float, ...], power: int, last: int, plus: str = "") -> str:
    r"""The values joined by \pm, rounded at 10^last; 10^power is the size of the largest, and is factored out if extreme."""
    plain = _SMALLEST <= power < _LARGEST
    shift = 0 if plain else power
    step = Decimal(1).scaleb(last - shift)
    texts = [f"{Decimal(v).scaleb(-shift).quantize(step):f}" for v in values]
    texts[0] = texts[0].removeprefix("-") if float(texts[0]) == 0 else plus + texts[0]
    joined = r"\pm".join(texts)
    if plain:
        return joined
    return (rf"({joined})" if len(values) > 1 else joined) + rf"\times10^{{{power}}}"


def vector(values: Sequence[str], prefix: str = "") -> str:
    r"""The vector prefix(a, b, c) with dollar signs; a long one is (a, b, \dots, z). Values and `prefix` are TeX for math mode."""
    entries = list(values)
    if len(entries) > MOST:
        first = entries[:1] if len(set(entries)) == 1 else entries[:2]
        entries = [*first, r"\dots", entries[-1]]
    if sum(map(len, entries)) <= UNBROKEN:
        return f"${prefix}({', '.join(entries)})$"
    return f"${prefix}(" + ",$ $".join(entries) + ")$"
