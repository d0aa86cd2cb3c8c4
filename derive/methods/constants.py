"""Constants of compressors, laws, losses and schedules: checked as they are given; and what is the same for all of a class."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import coerce

#: whether a number is accepted, and what is
Domain = tuple[Callable[[sp.Expr], bool | None], str]
POSITIVE: Domain = (lambda e: e.is_positive, "a number > 0, or the name of a symbol")
NONNEGATIVE: Domain = (lambda e: e.is_nonnegative, "a number >= 0, or the name of a symbol")
FRACTION: Domain = (lambda e: e.is_positive and (1 - e).is_nonnegative, "a number in (0, 1], or the name of a symbol")
WHOLE: Domain = (lambda e: e.is_integer and e.is_positive, "a whole number >= 1, or the name of a symbol")


def settle(piece: object, field: str, domain: Domain) -> None:
    """Put an exact expression in the place of a constant that a frozen piece was given.

    Args:
        field: the user's name of it, such as "clip:c".

    Raises:
        BadInput: a number outside the domain; as `coerce`.
    """
    name = field.rpartition(":")[2]
    value = coerce(getattr(piece, name), field)
    holds, accepted = domain
    if value.is_number and not holds(value):
        raise BadInput(field, value, accepted)
    object.__setattr__(piece, name, value)


def always(value: object) -> property:
    """A property that is the same for every instance."""
    return property(lambda piece: value)
