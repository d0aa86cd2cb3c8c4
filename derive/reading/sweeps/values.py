"""Values of the keys of a sweep, both exact, with one canonical text for all spellings, and in the form that experiments read."""

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, final

from sdescent.derive.reading.experiments import SOLVE_KEYS
from sdescent.derive.reading.problems import KEYS, SPECIFIED
from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.reading.toml_file import Decimal, number
from sdescent.derive.vocabulary.errors import BadInput, did_you_mean, unknown_name
from sdescent.derive.vocabulary.formulas.text import check_text, written
from sdescent.derive.vocabulary.names import MAX_DIGITS, is_a_word, parse_value
from sdescent.derive.vocabulary.registry import lookup

#: the keys of an experiment
FIELDS: Final = (*KEYS, *SOLVE_KEYS)
#: the fields whose parts have dotted keys, such as noise.nu
DOTTED: Final = (*SPECIFIED, "regime", "params")
#: the fields whose value is a number
_NUMBERS = ("dim", "eta", "T", "paths", "seed", "dt", "substeps", "chunk")
#: the fields whose single value may be a list; a list with one item equals the item
_LISTS = ("x0", "model", "models", "quantities")
_NUMERIC = re.compile(r" *[+-]?[\d.]", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)

Exact = Fraction | bool | str | tuple[Any, ...] | Mapping[str, Any]


@final
class Value:
    """One value of a key.

    Args:
        exact: a Fraction, a truth value, text, or a tuple or mapping of these; equal for equal values such as 0.5 and "1/2".
        as_read: the value as the user wrote it; None for a computed number.
    """

    __slots__ = ("_written", "exact", "text")

    def __init__(self, exact: Exact, as_read: object = None) -> None:
        self.exact, self._written = exact, as_read
        #: the canonical JSON text of the value
        self.text = canonical(exact)

    def __repr__(self) -> str:
        return f"Value({self.text})"

    @property
    def written(self) -> Any:
        """The value as an experiment reads it."""
        if self._written is None:  # computed only on demand, since the keys of a million points do not need it
            only = self.exact[0] if isinstance(self.exact, tuple) else self.exact
            assert isinstance(only, Fraction)  # for the type checker
            self._written = spelled(only)
        return self._written

    @property
    def as_toml(self) -> str:
        """The value in the syntax of a file."""
        return written(self.written)

    @property
    def inside(self) -> str:
        """The value in the syntax of a specification, in which bars separate several values."""
        return "|".join(map(str, self.written if isinstance(self.written, list) else [self.written]))


def as_json(exact: object) -> Any:
    """An exact value as JSON, numbers as text."""
    if isinstance(exact, tuple):
        return [as_json(item) for item in exact]
    if isinstance(exact, Mapping):
        return {str(key): as_json(item) for key, item in exact.items()}
    return exact if isinstance(exact, bool) else str(exact)


def spoken(value: object) -> str:
    """A value, exact or from `as_json`, as it appears in a line of text."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(spoken, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key} = {spoken(item)}' for key, item in value.items())}}}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(spelled(value) if isinstance(value, Fraction) else value)


def canonical(exact: object) -> str:
    """The canonical JSON text of an exact value."""
    if isinstance(exact, Fraction):
        return f'"{exact}"'
    return json.dumps(as_json(exact), sort_keys=True, separators=(",", ":"))


def spelled(value: Fraction) -> int | str:
    """A number in the syntax of a file: an integer, a finite decimal, or p/q. Raises ValueError if it has too many digits."""
    text = value.numerator if value.denominator == 1 else _decimal(value) or str(value)
    if len(str(text)) > MAX_DIGITS and sum(ch.isdigit() for ch in str(text)) > MAX_DIGITS:
        raise ValueError(f"a number of at most {MAX_DIGITS} digits")
    return text


def _decimal(value: Fraction) -> str | None:
    """A number that is not an integer, as a decimal; None if it has no finite decimal, or one with too many digits."""
    rest = value.denominator
    twos = (rest & -rest).bit_length() - 1
    rest, fives = rest >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > MAX_DIGITS:
        return None
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    if len(digits) > MAX_DIGITS:
        return None
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def of_number(name: str, value: Fraction) -> Value:
    """The value of a key for a computed number, which must have an accepted number of digits (`spelled`)."""
    return Value((value,) if name in _LISTS else value)


def check_numeric(name: str, place: str) -> None:
    """Check that the values of a key can be numbers. Raises BadInput if they cannot be numbers."""
    if "." not in name and name not in (*_NUMBERS, "clients", "x0", "save"):
        raise BadInput(place, name, f"a list of values, since those of {name} are not numbers")


def read_value(name: str, value: object, place: str) -> Value:
    """One value of a key, such as eta or noise.nu, from the file or the command line; `place` is the user's name for it.

    Raises BadInput if the value is malformed. Whether this key may have it is otherwise left to the experiment.
    """
    if name == "eta" and isinstance(value, list):
        raise BadInput(place, value, "one step size in each point: list the step sizes themselves")
    if name == "method" and isinstance(value, dict) and set(value) == {"name"}:
        value = value["name"]
    return Value(exactly(name, value, place), value)


def exactly(name: str, value: object, place: str) -> Exact:
    """The exact value of a key; see `read_value`."""
    field, _, part = name.partition(".")
    if field in SPECIFIED and not part and not (field == "method" and isinstance(value, dict)):
        return parse_spec(field, value, place).text
    if name in _NUMBERS:
        return number(value, place, "an exact number")
    exact = _exact(value, place)
    if field in _LISTS and not part and not isinstance(exact, tuple):
        return (exact,)
    if field == "method" and isinstance(exact, dict):
        return {key: (v,) if key in ("update", "fractions") and isinstance(v, str) else v for key, v in exact.items()}
    if name in ("method.update", "method.fractions") and isinstance(exact, str):
        return (exact,)
    return exact


def _exact(value: object, place: str, depth: int = 0) -> Exact:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return number(value, place, "an exact number")
    if isinstance(value, str):
        text = check_text(value, place, "a value").strip(" ")
        return _numeric(text, place) if _NUMERIC.match(text) or "|" in text else text
    if isinstance(value, list) and depth < 3:
        return tuple(_exact(item, place, depth + 1) for item in value)
    if isinstance(value, dict) and depth < 3:
        return {key: _exact(item, f"{place}.{key}", depth + 1) for key, item in value.items()}
    raise BadInput(place, value, "a number, text in quotes, true or false, or a list of these")


def _numeric(text: str, place: str) -> Exact:
    """The exact value of a text: a number, a tuple of numbers or symbols between bars, or the text itself, such as 2*x."""
    try:
        values = [parse_value(part, place) for part in text.split("|")]
    except BadInput:
        return text
    return values[0] if len(values) == 1 else tuple(values)


def check_name(name: str, place: str) -> str:
    """The name of a key or the dotted key of a part, checked. Raises BadInput if an experiment has no such key or part."""
    field, *parts = name.split(".")
    if field not in FIELDS:
        raise unknown_name(place, name, FIELDS, "the keys " + ", ".join(FIELDS))
    if parts and field not in DOTTED:
        raise BadInput(place, name, f"{field} itself; the keys with parts, such as noise.nu, are {', '.join(DOTTED)}")
    deep = len(parts) > (2 if field == "method" and parts[:1] in (["memory"], ["regime"]) else 1)
    if deep or not all(_NAME.fullmatch(part) for part in parts):
        raise BadInput(place, name, "a key such as noise.nu, params.rho or method.regime.beta")
    return name


def compose(field: str, whole: Value | None, parts: Sequence[tuple[str, Value]]) -> Value:
    """The value of a field with some parts replaced: student-t:nu=5,sigma=1 with noise.nu = 3 gives student-t:nu=3,sigma=1.

    Parts are pairs (dotted key, value). Raises BadInput if the field has no value, or its value has no such part.
    """
    if whole is None and field in SPECIFIED:
        name = parts[0][0]
        raise BadInput(name, "no " + field, f'a key {field} = "NAME" as well, since {name} is a part of its value')
    if whole is None or isinstance(whole.written, dict):
        table: dict[str, Any] = {} if whole is None else {**whole.written}  # pyright: ignore[reportGeneralTypeIssues]
        for name, value in parts:
            table = _set(table, name.split(".")[1:], value.written, name)
        return Value(exactly(field, table, field), table)
    if field not in SPECIFIED:
        accepted = f"a table as the value of {field}, since {parts[0][0]} is one of its entries"
        raise BadInput(parts[0][0], whole.as_toml, accepted)
    return _spec(field, str(whole.exact), parts)


def _set(table: Mapping[str, Any], path: Sequence[str], value: object, name: str) -> dict[str, Any]:
    """A copy of nested tables in which one value is set."""
    first, *rest = path
    if not rest:
        return {**table, first: value}
    inner = table.get(first, {})
    if not isinstance(inner, dict):
        raise BadInput(name, inner, f"a table as the value of {name.rpartition('.')[0]}")
    return {**table, first: _set(inner, rest, value, name)}


def _spec(field: str, text: str, parts: Sequence[tuple[str, Value]]) -> Value:
    """A specification with some values replaced, in its shortest form and in the order of the entry's parameters."""
    piece, _, pairs = text.partition(":")
    spelling = dict(pair.split("=") for pair in pairs.split(",")) if pairs else {}
    exact = dict(spelling)
    names = [p.name for p in lookup(field, piece, field).parameters]
    for name, value in parts:
        key = name.partition(".")[2]
        if key not in names:
            takes = f"has {', '.join(names)}" if names else "takes no values"
            raise BadInput(name, text, f"a {field} with a value {key}: {piece} {takes}{did_you_mean(key, names)}")
        spelling[key], exact[key] = value.inside, inside(name, value)
    texts = (",".join(f"{key}={values[key]}" for key in names if key in values) for values in (exact, spelling))
    return Value(*(f"{piece}:{text}" for text in texts))


def inside(name: str, value: Value) -> str:
    """The exact value of a dotted key, in the syntax of a specification; BadInput unless it is made of numbers and symbols."""
    listed = value.exact if isinstance(value.exact, tuple) else (value.exact,)
    for item in listed:
        if not isinstance(item, Fraction) and not (isinstance(item, str) and is_a_word(item)):
            raise BadInput(name, value.as_toml, 'a number, or several as one value: [[1, 2]] or "1|2"')
    if not listed:
        raise BadInput(name, "[]", "at least one number")
    return "|".join(map(str, listed))
