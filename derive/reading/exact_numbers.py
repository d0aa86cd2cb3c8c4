"""Exact numbers of a specification, read from text, integers or the `Decimal` text of a file."""

from fractions import Fraction

from sdescent.derive.reading.toml_file import Decimal
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import check_text
from sdescent.derive.vocabulary.names import MAX_DIGITS, parse_value

MOST = 64  # values of a field, unless the field states another limit


def whole(value: object, name: str, low: int, high: int, accepted: str | None = None) -> int | None:
    """An integer from `low` to `high`, given as an int or text; None for None."""
    if value is None:
        return None
    accepted = accepted or f"a whole number from {low} to {high}"
    if isinstance(value, str):
        text = check_text(value, name, accepted).strip(" ")
        value = int(text) if text.isdigit() and len(text) <= len(str(high)) else None
        if value is None:
            raise BadInput(name, text, accepted)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(name, value, accepted)
    return value


def number(value: object, name: str, accepted: str) -> Fraction:
    """An exact number, given as an int, text or a `Decimal`."""
    text = str(value).replace("_", "") if isinstance(value, Decimal) else value
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**MAX_DIGITS:
            raise BadInput(name, value, f"{accepted} of at most {MAX_DIGITS} digits")
        text = str(value)
    if not isinstance(text, str):
        raise BadInput(name, value, accepted)
    text = check_text(text, name, accepted)
    try:
        exact = parse_value(text, name)
    except BadInput as error:
        raise BadInput(name, text, f'{accepted}, such as 0.001 or "1/1000" in quotes', error.column) from None
    if isinstance(exact, str):
        raise BadInput(name, text, accepted)
    return exact


def positive(value: object, name: str) -> Fraction | None:
    """A positive exact number; None for None."""
    if value is None:
        return None
    exact = number(value, name, "an exact number > 0")
    if exact <= 0:
        raise BadInput(name, value, "an exact number > 0")
    return exact


def numbers(value: object, name: str, most: int = MOST) -> tuple[Fraction, ...] | None:
    """The exact numbers of a list of 1 to `most`, or a single one as a tuple; None for None."""
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    if not 1 <= len(listed) <= most:
        raise BadInput(name, f"{len(listed)} values", f"one exact number, or a list of 1 to {most}")
    return tuple(number(item, name, "an exact number, or a list of them") for item in listed)
