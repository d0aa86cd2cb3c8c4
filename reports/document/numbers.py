"""LaTeX of numbers and vectors for math mode: rounded, with intervals, and with a power of ten if they are extreme."""

import math
from collections.abc import Sequence
from decimal import Decimal

#: a number below the first of these powers of ten, or from the second on, is written with \times 10^{..}
_SMALLEST, _LARGEST = -3, 5
_MISSING = r"\text{--}"
#: a half-width at most this small relative to its value is only the rounding of equal numbers
_ROUNDING = 1e-15
#: the most entries of a vector that are all written; a longer vector shows the first two and the last
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
    r"""`value` \pm `half` as LaTeX for math mode: `half` to two significant digits, `value` to the same decimal place.

    1.2345 and 0.0678 give 1.234\pm0.068; a common power of ten is taken out: (6.46\pm0.66)\times10^{-5}.

    Args:
        value, half: a number and the half-width >= 0 of its interval.
        sign: whether a positive value is written with its sign.
    """
    plus = "+" if sign and value > 0 else ""
    if not math.isfinite(value):
        return plus + _not_finite(value)
    if half <= abs(value) * _ROUNDING or not math.isfinite(half):
        return rf"{plus}{number(value, 4)}\pm{_not_finite(half) if not math.isfinite(half) else '0'}"
    last = _power(half, 2) - 1
    power = _power(half, 2) if value == 0 else max(_power(value, 4), last + 1)
    return _written((value, half), power, last, plus)


def percentage(value: float, lower: float, upper: float) -> tuple[str, str]:
    r"""A share and its interval in per cent as LaTeX for math mode, all rounded to the second digit of the interval's width.

    0.599, 0.5967 and 0.6013 give 59.90\,\% and [59.67,60.13]\,\%.
    """
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
