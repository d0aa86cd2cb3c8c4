"""Numbers and symbol names, read from untrusted text without evaluating it; types for choices by name."""

import builtins
import keyword
import re
from fractions import Fraction
from typing import Literal

from sdescent.derive.vocabulary.errors import BadInput

#: the SDE that models a method (`sdescent.derive.equations.sde.MODELS`)
Model = Literal["first-order", "second-order", "corrected"]
#: the subject of a run: the method itself or one of its models
Kind = Literal["method"] | Model
#: the scheme of a solver (`sdescent.numerics.simulate.schemes.SCHEMES`)
SchemeName = Literal["predictor-corrector", "euler", "milstein", "heun"]
#: the precision of floating-point numbers (`sdescent.numerics.simulate.streams_and_statistics.precision`)
Precision = Literal["float64", "float32"]


MAX_DIGITS = 40
ACCEPTED = "an exact rational (2, 1/2), a plain decimal (0.25), or the name of a symbol"

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(/\d+)?", re.ASCII)
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
_INDEXED = re.compile(r"[gxvFhW]_?\d+|m_\d+|H\d+_\d+|[A-Za-z]+_[ijk]", re.ASCII)
# h1, h2, .. are the symbols of quadratic losses, which users may write
_LOSS_SYMBOL = re.compile(r"h\d+", re.ASCII)
#: names of vectors, which no parameter of a method may have, but which a stated equation may use as letters
VECTORS = frozenset({"x", "g", "v"})
RESERVED = frozenset({"eta", "N", "u", "du", "t", "d"}) | VECTORS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CONSTANTS = _words(
    """
    nan inf infinity oo zoo e i pi s q o catalan eulergamma goldenratio true false none half nand nor xor not
    and or
    """
)
_CONSTANTS_EXACT = frozenset({"e", "i", "s", "q", "o"})  # reserved only as capitals, which are objects of SymPy
_FUNCTIONS = _words(
    """
    abs acos acosh acot arg asin asinh atan atan2 atanh beta binomial ceil ceiling chi ci conjugate cos cosh
    cot coth csc diff digamma dirac diracdelta ei elliptic_k erf erfc erfi erfinv exp expand expint factor
    factorial fibonacci floor frac gamma heaviside hyper im integral integrate int lambda lambertw li limit ln
    log loggamma matrix max meijerg min mod norm piecewise polygamma polylog print product range rational re
    root sec sech series shi si sign simplify sin sinc sinh solve sqrt stablecdf sum summation symbol symbols
    tan tanh trigamma uppergamma lowergamma zeta eval exec open import input coordsum coordmax rank hvp float
    integer function
    """
)


def parse_value(text: str, field: str) -> Fraction | str:
    """The exact value of a number, or the name of a symbol; no exponent notation, no code.

    Raises BadInput for anything else and for names reserved for symbols of the toolkit, constants or functions.
    """
    text = text.strip(" ")
    if _NUMBER.fullmatch(text):
        return _number(text, field)
    if _SYMBOL.fullmatch(text):
        return _symbol(text, field)
    start = r"[+-]?\d*\.?\d*(/\d*)?" if re.match(r"[+\-.\d]", text) else r"[A-Za-z][A-Za-z0-9_]*"
    match = re.match(start, text, re.ASCII)
    # the column of the first character that cannot continue a number or a name
    raise BadInput(field, text, ACCEPTED, None if not text else match.end() + 1 if match else 1)


def is_a_word(text: str) -> bool:
    """Whether a text is a single number or name, rather than a longer formula."""
    return bool(_NUMBER.fullmatch(text.strip(" ")) or _SYMBOL.fullmatch(text.strip(" ")))


def _number(text: str, field: str) -> Fraction:
    if sum(ch.isdigit() for ch in text) > MAX_DIGITS:
        raise BadInput(field, text, f"a number of at most {MAX_DIGITS} digits")
    numerator, _, denominator = text.partition("/")
    if denominator and not int(denominator):
        raise BadInput(field, text, "a number with a denominator other than zero")
    if denominator and "." in numerator:
        raise BadInput(field, text, ACCEPTED, numerator.index(".") + 1)
    return Fraction(numerator) / int(denominator) if denominator else Fraction(numerator)


def _symbol(text: str, field: str) -> str:
    if meaning := _meaning(text):
        raise BadInput(field, text, f"another name: {text} is {meaning}")
    if len(text) > 30:
        raise BadInput(field, text, "a symbol name of at most 30 characters")
    return text


def _meaning(text: str) -> str | None:
    """The meaning that a name already has; None if it is free for a symbol."""
    lower = text.lower()
    meanings = {
        "a symbol of the toolkit's own": belongs_to_the_engine(text),
        "an object of SymPy, as E, I, O, Q and S are": lower in _CONSTANTS_EXACT and text.isupper(),
        "a keyword of Python": keyword.iskeyword(text),
        "the name of a function": lower in _FUNCTIONS,
        "the name of a constant or an operator": lower in _CONSTANTS - _CONSTANTS_EXACT,
        "a built-in name of Python": hasattr(builtins, text),
    }
    return next((meaning for meaning, holds in meanings.items() if holds), None)


#: names of SymPy functions that are Greek letters; symbols of a stated equation may have them
_GREEK = frozenset({"beta", "gamma", "zeta", "chi"})


def parse_letter(text: str, field: str) -> str:
    """The name of a symbol in a stated equation, checked. Greek letters and the coordinates x1, v1, .. are accepted.

    Raises BadInput for names of constants, functions or keywords, and for eta, N, u, du, t and d.
    """
    if not _SYMBOL.fullmatch(text):
        shape = "letters and digits in parts joined by single underscores, the first character a letter"
        raise BadInput(field, text, f"a name: {shape}")
    return text if text in _GREEK | VECTORS or (_INDEXED.fullmatch(text) and len(text) <= 30) else _symbol(text, field)


def belongs_to_the_engine(name: str) -> bool:
    """Whether the toolkit itself has a symbol of this name, such as eta, N, t, a coordinate or an entry of a Hessian."""
    return name in RESERVED or bool(_INDEXED.fullmatch(name) and not _LOSS_SYMBOL.fullmatch(name))
