"""Ranges of numbers and random numbers, exact and the same on every machine.

Nothing here uses binary floating-point numbers; logarithms are those of `decimal`, which are correctly rounded.
"""

import decimal
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Any, Final, final

from sdescent.derive.reading.sweeps.values import Value, as_json, check_numeric, of_number, read_value, spelled
from sdescent.derive.reading.toml_file import number, whole
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import written
from sdescent.derive.vocabulary.names import MAX_DIGITS

MAX_POINTS: Final = 10**6
#: the significant digits of log-uniform draws and of numbers between the ends of a geometric range
DIGITS = 12
#: the largest number of values in all ranges of a file and its overrides together
MAX_VALUES: Final = 2 * MAX_POINTS
RANGES = ("linear", "log", "from")
DRAWS = ("uniform", "log-uniform", "choice", "integers")
RANGE_FORM = "{linear = [0.1, 1], count = 10}, {log = [0.001, 1], count = 7} or {from = 1, to = 10, step = 2}"
DRAW_FORM = "{uniform = [0, 1]}, {log-uniform = [0.001, 1]}, {choice = [1, 2, 4]} or {integers = [1, 10]}"
_TRAPS = [decimal.InvalidOperation, decimal.Overflow]
# the first context is for logarithms, the second for results
_LONG, _SHORT = (decimal.Context(n, decimal.ROUND_HALF_EVEN, -(10**6), 10**6, traps=_TRAPS) for n in (50, DIGITS))
_HASHED = 2**256


@final
class Room:
    """A count of the values that the ranges of a sweep may still have, so that a file cannot list a million values many times."""

    def __init__(self) -> None:
        self.remaining = MAX_VALUES

    def take(self, count: int, place: str) -> None:
        """Reserve room for `count` values. Raises BadInput if there is too little, or for more than a sweep may have."""
        if count > MAX_POINTS:
            raise BadInput(place, f"{count} values", f"at most {MAX_POINTS}")
        self.remaining -= count
        if self.remaining < 0:
            raise BadInput(place, f"{count} values", f"ranges of at most {MAX_VALUES} values in all")


def read_range(name: str, table: Mapping[str, Any], place: str, room: Room | None = None) -> tuple[Value, ...]:
    """The values of a range for a key, within the remaining room for values (None for a new one).

    The table is {linear = [a, b], count = n}, with both ends; {log = [a, b], count = n}, geometric, with exact ends and
    12 significant digits between them; or {from = a, to = b, step = c}, with b if a step meets it. Raises BadInput if
    it is no range.
    """
    room = Room() if room is None else room
    keys = set(table)
    if keys == {"linear", "count"} or keys == {"log", "count"}:
        kind = "linear" if "linear" in keys else "log"
        low, high = _ends(table[kind], f"{place}.{kind}", kind == "log")
        count = whole(table["count"], f"{place}.count", 1, MAX_POINTS) or 1
        if count == 1 and low != high:
            raise BadInput(f"{place}.count", 1, "at least 2, since both ends belong to the range")
        room.take(count, f"{place}.count")
        width, steps = high - low, count - 1
        if count > 2 and kind == "log":
            logarithms = _logarithms(low, high, steps)
            numbers = [low, *(_exponential(*logarithms, n) for n in range(1, steps)), high]
        else:
            numbers = [low, *(low + width * Fraction(n, steps) for n in range(1, count))]
    elif keys == {"from", "to", "step"} or keys == {"from", "to"}:
        start, stop, step = (number(table.get(k, 1), f"{place}.{k}", "an exact number") for k in ("from", "to", "step"))
        numbers = stepped(start, stop, step, f"{place}.step", True, room)
    else:
        raise BadInput(place, written(dict(table)), f"a list of values, or a range: {RANGE_FORM}")
    return numbered(name, numbers, place)


def numbered(name: str, numbers: Sequence[Fraction], place: str) -> tuple[Value, ...]:
    """The values of a key for these numbers. Raises BadInput if one has too many digits, or the key takes no numbers."""
    check_numeric(name, place)
    try:
        for value in numbers:
            spelled(value)
    except ValueError:
        raise BadInput(place, name, f"a range whose numbers have at most {MAX_DIGITS} digits each") from None
    return tuple(of_number(name, value) for value in numbers)


def stepped(start: Fraction, stop: Fraction, step: Fraction, place: str, closed: bool, room: Room) -> list[Fraction]:
    """The numbers start, start + step, .. up to stop, or down to stop if step < 0; stop itself is included only if `closed`.

    Raises BadInput if there are no such numbers, or too many.
    """
    if step == 0 or (stop - start) * step < 0 or (not closed and start == stop):
        end = "lead to" if closed else "approach"
        raise BadInput(place, str(step), f"a step with which the numbers from {start} {end} {stop}")
    steps = (stop - start) / step
    count = steps.numerator // steps.denominator + 1 if closed else -(-steps.numerator // steps.denominator)
    room.take(count, place)
    return [start + n * step for n in range(count)]


def _logarithms(low: Fraction, high: Fraction, steps: int) -> tuple[decimal.Decimal, decimal.Decimal]:
    """The pair of log(low) and the increment that leads from it to log(high) in `steps` steps."""
    return _logarithm(low), _LONG.divide(_logarithm(high / low), decimal.Decimal(steps))


def _logarithm(value: Fraction) -> decimal.Decimal:
    return _LONG.ln(_LONG.divide(decimal.Decimal(value.numerator), decimal.Decimal(value.denominator)))


def _exponential(start: decimal.Decimal, step: decimal.Decimal, n: int) -> Fraction:
    """The number exp(start + n step), to `DIGITS` significant digits."""
    return Fraction(_SHORT.exp(_LONG.fma(step, decimal.Decimal(n), start)))


def _ends(value: object, place: str, positive: bool) -> tuple[Fraction, Fraction]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadInput(place, written(value), "the two ends, such as [0.1, 1]")
    low, high = (number(end, place, "exact numbers") for end in value)
    if positive and min(low, high) <= 0:
        raise BadInput(place, written(value), "two ends > 0")
    return low, high


@final
@dataclass(frozen=True)
class Draw:
    """The random values of one key."""

    name: str  # the key
    kind: str  # one of `DRAWS`
    choices: tuple[Value, ...] = ()  # the values to choose from, for the kind choice
    ends: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))  # the two ends, for the other kinds

    def value(self, seed: int, block: int, n: int) -> Value:
        """The n-th value, which depends only on the seed, the index of the block, the key, and n.

        Their SHA-256 digest gives u = digest/2^256 in [0, 1). With the ends a and b, uniform is a + (b - a) u, rounded to a
        multiple of a power of ten that is at most (b - a)/10^12; log-uniform is a (b/a)^u to 12 significant digits; integers is
        a + floor(u (b - a + 1)); choice is the item with the index floor(u k) of k items.
        """
        text = f"sdescent sweep\n{seed}\n{block}\n{self.name}\n{n}"
        u = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
        if self.kind == "choice":
            return self.choices[u * len(self.choices) // _HASHED]
        low, high = self.ends
        if self.kind == "integers":
            return of_number(self.name, low + u * int(high - low + 1) // _HASHED)
        if self.kind == "uniform":
            constant, slope, unit, least, most, one = self._scaled
            n = (constant + slope * u) // unit
            return of_number(self.name, Fraction(n, one) if least <= n <= most else low if n < least else high)
        number = _exponential(*self._steps, u)
        return of_number(self.name, number if low <= number <= high else low if number < low else high)

    @cached_property
    def _scaled(self) -> tuple[int, ...]:
        """Integers (A, B, C, a, b, D): digest u gives floor((A + B u)/C)/D, or the nearer end if the numerator is not in [a, b]."""
        low, width = self.ends[0], self.ends[1] - self.ends[0]
        one, total = 10 ** _places(width), low.denominator * width.denominator
        constant = 2 * low.numerator * width.denominator * _HASHED * one + total * _HASHED
        slope = 2 * width.numerator * low.denominator * one
        return constant, slope, 2 * total * _HASHED, ceil(low * one), floor(self.ends[1] * one), one

    @cached_property
    def _steps(self) -> tuple[decimal.Decimal, decimal.Decimal]:
        return _logarithms(*self.ends, _HASHED)

    def to_dict(self) -> dict[str, Any]:
        """The draw as JSON, numbers as text."""
        return {self.kind: [as_json(v.exact) for v in self.choices] or list(map(str, self.ends))}


def _places(width: Fraction) -> int:
    """The least number of decimal places with at least 10^12 values in an interval of this width."""
    places = 0
    while width * 10**places < 10**DIGITS:
        places += 1
    return places


def read_draw(name: str, table: object, place: str) -> Draw:
    """The random values of a key: {uniform = [a, b]}, {log-uniform = ..}, {choice = [..]} or {integers = ..}, else BadInput."""
    if not isinstance(table, Mapping) or len(table) != 1 or next(iter(table)) not in DRAWS:
        raise BadInput(place, written(table), DRAW_FORM)
    ((kind, of),) = table.items()
    place = f"{place}.{kind}"
    if kind == "choice":
        if not isinstance(of, list) or not of:
            raise BadInput(place, written(of), "a list of values to choose from")
        return Draw(name, kind, tuple(read_value(name, item, place) for item in of))
    check_numeric(name, place)
    low, high = _ends(of, place, kind == "log-uniform")
    if not low < high:
        raise BadInput(place, written(of), "two ends, the first below the second")
    if kind == "integers" and (low.denominator != 1 or high.denominator != 1):
        raise BadInput(place, written(of), "two whole numbers")
    if kind in ("uniform", "log-uniform"):
        try:
            spelled(_longest(low, high, kind))
        except ValueError:
            accepted = f"ends between which numbers to {DIGITS} digits have at most {MAX_DIGITS} digits in all"
            raise BadInput(place, written(of), accepted) from None
    return Draw(name, kind, ends=(low, high))


def _longest(low: Fraction, high: Fraction, kind: str) -> Fraction:
    """A number with as many digits as a draw between the ends can have at most."""
    if kind == "uniform":
        return floor(max(abs(low), abs(high))) + Fraction(1, 10 ** _places(high - low))
    first = _SHORT.exp(_logarithm(low))
    return Fraction(first) + Fraction(10) ** (first.adjusted() - DIGITS + 1)
