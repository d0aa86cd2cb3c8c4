"""The names by which the command line and specs call the built-in classes, and the values that each of them takes.

The decorator `register` adds a class where it is defined, so a specification's name and its meaning stand together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from typing import Any, TypeVar

from derive.vocabulary.errors import BadInput

KINDS = ("method", "compressor", "noise", "loss", "schedule")
_HOMES = {
    "method": "derive.methods.optimisers",
    "compressor": "derive.methods.compressors",
    "noise": "derive.methods.noise",
    "loss": "derive.methods.losses",
    "schedule": "derive.methods.schedules",
}

Value = Fraction | str
T = TypeVar("T")


@dataclass(frozen=True)
class Parameter:
    """One value that a spec may carry.

    Args:
        name: as written in the spec.
        accepted: what is accepted, for error messages.
        check: whether a number is inside the domain (symbols always are).
        default: the text used when the value is left out; None for a value that may stay absent.
        per_client: whether `a|b|c` gives each client its own.
        per_coordinate: whether `a|b|c` gives each coordinate its own.
    """

    name: str
    accepted: str
    check: Callable[[Fraction], bool]
    default: str | None
    per_client: bool = False
    per_coordinate: bool = False

    def admit(self, field: str, value: Value) -> Value:
        """The value, or BadInput."""
        if isinstance(value, Fraction) and not self.check(value):
            raise BadInput(field, value, f"{self.accepted}, or the name of a symbol")
        return value


def positive(name: str, default: str | None = None, **kw: bool) -> Parameter:
    """A parameter > 0."""
    return Parameter(name, "a number > 0", lambda x: x > 0, default or name, **kw)


def scale(name: str, default: str | None = None) -> Parameter:
    """A scale >= 0, per client; 0 means that there is no noise."""
    return Parameter(name, "a number > 0 (0 means no noise)", lambda x: x >= 0, default or name, per_client=True)


def count(name: str) -> Parameter:
    """A whole number >= 1, of at most six digits."""
    return Parameter(name, "a whole number from 1 to 999999", lambda x: x.denominator == 1 and 1 <= x < 10**6, name)


@dataclass(frozen=True)
class Entry:
    """A named class: how a spec builds it, with which parameters, and one line of explanation with its source."""

    kind: str
    name: str
    build: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    summary: str


_ENTRIES: dict[tuple[str, str], Entry] = {}


def register(kind: str, name: str, summary: str, *parameters: Parameter) -> Callable[[T], T]:
    """Class decorator: give a class (or a factory) its name in specs.

    Raises:
        ValueError: an unknown kind, or a name that is already taken.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, not {kind!r}")

    def decorate(build: T) -> T:
        if (kind, name) in _ENTRIES:
            raise ValueError(f"the {kind} {name!r} is already registered")
        _ENTRIES[kind, name] = Entry(kind, name, build, parameters, summary)  # pyright: ignore[reportArgumentType]
        return build

    return decorate


def entries(kind: str) -> dict[str, Entry]:
    """All entries of a kind by name, in the order of their definition."""
    import_module(_HOMES[kind])
    return {name: entry for (k, name), entry in _ENTRIES.items() if k == kind}


def lookup(kind: str, name: str, field: str) -> Entry:
    """The entry called `name`.

    Raises:
        BadInput: no such name.
    """
    known = entries(kind)
    if name not in known:
        raise BadInput(field, name, "one of " + ", ".join(known))
    return known[name]
