"""Checks of the constants of compressors, laws, losses and schedules, and properties that all instances of a class share."""

from collections.abc import Callable

import sympy as sp

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import coerce

#: a test that a number must pass, and a description of the numbers that pass it
Domain = tuple[Callable[[sp.Expr], bool | None], str]
POSITIVE: Domain = (lambda e: e.is_positive, "a number > 0, or the name of a symbol")
NONNEGATIVE: Domain = (lambda e: e.is_nonnegative, "a number >= 0, or the name of a symbol")
FRACTION: Domain = (lambda e: e.is_positive and (1 - e).is_nonnegative, "a number in (0, 1], or the name of a symbol")
WHOLE: Domain = (lambda e: e.is_integer and e.is_positive, "a whole number >= 1, or the name of a symbol")


def settle(piece: object, field: str, domain: Domain) -> None:
    """Replace a constant of a frozen piece, whose name for users is `field` ("clip:c"), by an exact expression.

    Raises BadInput if the constant is a number for which `domain` fails, or `coerce` rejects it.
    """
    name = field.rpartition(":")[2]
    value = coerce(getattr(piece, name), field)
    holds, accepted = domain
    if value.is_number and not holds(value):
        raise BadInput(field, value, accepted)
    object.__setattr__(piece, name, value)


def always(value: object) -> property:
    """A property whose value is the same for every instance of a class."""
    return property(lambda piece: value)
