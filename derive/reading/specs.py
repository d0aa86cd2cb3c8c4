"""Specs: texts `name` or `name:key=value` that describe objects of the registry; the statistics that a file may name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, final

from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.text import check_text
from sdescent.derive.vocabulary.names import parse_value
from sdescent.derive.vocabulary.registry import BUILT_IN_STATISTICS, Entry, Parameter, Value, entries, lookup

MAX_VALUES = 64  # values of one key
MAX_READ = 4096  # cached specs; the experiments of a sweep share a few of them
FORM = "name or name:key=value,key=value"

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,29}", re.ASCII)


@final
@dataclass(frozen=True)
class Spec:
    """A specification whose values lie in the domains of its entry's parameters."""

    entry: Entry  # the entry of the registry
    #: the explicit values by key, in the order of the entry's parameters; a tuple holds one value per client or per
    #: coordinate
    values: tuple[tuple[str, Value | tuple[Value, ...]], ...]

    @property
    def text(self) -> str:
        """The spec in its shortest form; equal specs have equal texts."""
        pairs = ",".join(f"{key}={'|'.join(map(str, _listed(value)))}" for key, value in self.values)
        return f"{self.entry.name}:{pairs}" if pairs else self.entry.name

    def lengths(self, axis: str) -> dict[str, int]:
        """{name:key: the number of values} for each key with one value per client (`axis` "per_client") or coordinate
        ("per_coordinate").
        """
        names = {p.name for p in self.entry.parameters if getattr(p, axis)}
        return {f"{self.entry.name}:{k}": len(v) for k, v in self.values if isinstance(v, tuple) and k in names}

    def opened(self, kind: str) -> tuple[Spec, dict[str, Fraction]]:
        """The spec with names that begin with `kind` for its single numbers, and these by name; a 0 stays: a part may be absent."""
        values, numbers = [], {}
        for key, value in self.values:
            if isinstance(value, Fraction) and value != 0:
                name = kind + re.sub("[^A-Za-z0-9]", "", key.title())
                numbers[name], value = value, name
            values.append((key, value))
        return Spec(self.entry, tuple(values)), numbers

    def build(self, **more: Any) -> Any:
        """The entry's class called with the values and with `more`. Raises BadInput if the values contradict each other."""
        return self.entry.build(**dict(self.values), **more)

    def symbols(self) -> Iterable[tuple[str, str, bool]]:
        """Yield (field, symbol, whether the symbol stands for an omitted value) for each symbol of the spec."""
        values = dict(self.values)
        for parameter in self.entry.parameters:
            field = f"{self.entry.name}:{parameter.name}"
            if parameter.name in values:
                for value in dict.fromkeys(_listed(values[parameter.name])):
                    if isinstance(value, str):
                        yield field, value, False
            elif parameter.default is not None and _KEY.fullmatch(parameter.default):
                yield field, parameter.default, True


def parse_spec(kind: str, text: object, field: str) -> Spec:
    """Read a spec of a kind of registry.KINDS; `field` is the user's name for it ("--noise"), for messages.

    Raises BadInput, with columns in `text` from 1, for a malformed spec or a wrong name, key or value.
    """
    text = check_text(text, field, FORM)
    return _read(lookup(kind, text.partition(":")[0].strip(" "), field), text)


@lru_cache(maxsize=MAX_READ)
def _read(entry: Entry, text: str) -> Spec:
    name, colon, rest = text.partition(":")
    if not colon:
        return Spec(entry, ())
    accepted = ", ".join(f"{p.name}=({p.accepted})" for p in entry.parameters)
    accepted = accepted or f"{entry.name} alone, which takes no values"
    values: dict[str, Value | tuple[Value, ...]] = {}
    start = len(name) + 1
    for pair in rest.split(","):
        key, equals, raw = pair.partition("=")
        key, column = key.strip(" "), start + _indent(pair) + 1
        # only a well-formed key may become part of the name of the field
        named = f"{entry.name}:{key}" if _KEY.fullmatch(key) else entry.name
        parameter = next((p for p in entry.parameters if p.name == key), None)
        if not equals:
            raise BadInput(entry.name, pair.strip(" "), accepted, column)
        if parameter is None:
            raise unknown_name(named, key, [p.name for p in entry.parameters], accepted, column)
        if key in values:
            raise BadInput(named, pair.strip(" "), f"{key} once", column)
        values[key] = _values(parameter, raw, named, start + len(pair) - len(raw))
        start += len(pair) + 1
    # a scale of 0 means the noise `none`; clients with and without noise together would need another law, not implemented
    for key, value in values.items():
        zeros = [v == 0 for v in _listed(value)]
        if any(zeros) and not all(zeros) and sum(p.per_client for p in entry.parameters) == 1:
            scales = "|".join(map(str, _listed(value)))
            raise BadInput(f"{entry.name}:{key}", scales, "scales > 0, or 0 for every client")
    return Spec(entry, tuple((p.name, values[p.name]) for p in entry.parameters if p.name in values))


def require_distinct(specs: Iterable[Spec]) -> None:
    """Raise BadInput if the symbol for an omitted value is used for something else: bernoulli and power both call it p."""
    uses = [use for spec in specs for use in spec.symbols()]
    for field, symbol, omitted in uses:
        other = next((f for f, s, _ in uses if s == symbol and f != field), None)
        if omitted and other is not None:
            accepted = f"a number, or the name of a symbol other than {symbol}, which {other} already uses"
            raise BadInput(field, "no value", accepted)


def _values(parameter: Parameter, raw: str, field: str, offset: int) -> Value | tuple[Value, ...]:
    """The value or values after the equals sign, which `offset` characters of the spec precede."""
    parts = raw.split("|")
    if len(parts) > 1 and not (parameter.per_client or parameter.per_coordinate):
        raise BadInput(field, raw, f"one value: {parameter.accepted}", offset + len(parts[0]) + 1)
    if len(parts) > MAX_VALUES:
        raise BadInput(field, raw, f"at most {MAX_VALUES} values")
    values: list[Value] = []
    for part in parts:
        values.append(_value(parameter, part, field, offset))
        offset += len(part) + 1
    return values[0] if len(values) == 1 else tuple(values)


def _value(parameter: Parameter, part: str, field: str, offset: int) -> Value:
    text = part.strip(" ")
    if not text:
        raise BadInput(field, "no value", f"{parameter.accepted}, or the name of a symbol", offset + 1)
    try:
        value = parse_value(text, field)
    except BadInput as error:
        column = offset + _indent(part) + (error.column or 1)
        raise BadInput(field, text, f"{parameter.accepted}; {error.accepted}", column) from None
    try:
        return parameter.admit(field, value)
    except BadInput as error:
        raise BadInput(field, text, error.accepted) from None  # quotes the text as the user wrote it: -0.5, not -1/2


def _listed(value: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


MAX_QUANTITIES = 16
#: the statistics of every run; the coordinates are called x1, x2, ..
QUANTITIES = tuple(BUILT_IN_STATISTICS)


def read_quantities(value: object, dim: int) -> tuple[str, ...]:
    """The names that a file lists under `quantities`, for a state of dimension `dim`.

    Raises BadInput unless the value is a name or a list of 1 to 16 distinct names, each of a statistic or a coordinate.
    """
    names = (*QUANTITIES, *entries("statistic"))
    coordinates = "x1" if dim == 1 else f"x1 to x{dim}"
    accepted = f"a list of 1 to {MAX_QUANTITIES} of {', '.join(names)} and {coordinates}, each once"
    listed: list[Any] = value if isinstance(value, list) else [value]
    allowed = {*names, *(f"x{n + 1}" for n in range(dim))}
    for item in listed:
        if not isinstance(item, str) or item not in allowed:
            raise unknown_name("quantities", item, names, accepted)
    if not 1 <= len(listed) <= MAX_QUANTITIES or len(set(listed)) < len(listed):
        raise BadInput("quantities", value if len(listed) <= MAX_QUANTITIES else f"{len(listed)} names", accepted)
    return tuple(listed)
