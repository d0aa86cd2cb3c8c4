"""Overrides of a sweep on the command line, in the syntax of Hydra (hydra.cc, "Override syntax", basic and extended).

    override = ["+" | "++"] key "=" value | "~" key
    value    = element {"," element}                          several: an axis
    element  = text | quoted | "[" [element {"," element}] "]" | "{" [name ":" element {"," name ":" element}] "}" | function
    function = "choice(" element {"," element} ")" | "range(" start "," stop ["," step] ")" | "interval(" start "," end ")"
             | "tag(log," "interval(" start "," end "))"

In text without quotes, a comma, bracket or brace needs a backslash before it. Unlike in Hydra, the commas of a specification need
no quotes: student-t:nu=3,sigma=1 is one value, since no specification begins with a name and "=".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NoReturn, final

from sdescent.derive.reading.problems import SPECIFIED
from sdescent.derive.reading.toml_file import MAX_FILE, number
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import check_text

MAX_OVERRIDES = 256
FORM = "KEY=VALUE, KEY=V1,V2,.. for an axis, +KEY=VALUE, ++KEY=VALUE or ~KEY"
FUNCTIONS: Final = ("choice", "range", "interval", "tag")
_HYDRAS = ("glob", "sort", "shuffle", "int", "float", "str", "bool", "json_str", "extend_list")
_OVERRIDE = re.compile(r"(\+\+|\+|~)?([^=]*?)\s*(=(.*))?", re.ASCII | re.DOTALL)
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*", re.ASCII)
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\(", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+(_\d+)+", re.ASCII)
_PART = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*:")
_KEYWORD = re.compile(r"([a-z]+)\s*=")
_PAIR = re.compile(r"\s*[A-Za-z][A-Za-z0-9_-]*\s*=", re.ASCII)
_SPECIAL = ",()[]{}'\""


@final
@dataclass(frozen=True)
class Several:
    """Several values, which make an axis."""

    values: tuple[Any, ...]


@final
@dataclass(frozen=True)
class Steps:
    """The numbers of range(start, stop, step): start + n step below stop, or above stop if step < 0."""

    start: Fraction
    stop: Fraction
    step: Fraction


@final
@dataclass(frozen=True)
class Interval:
    """The random values of interval(start, end) between two numbers (as text): uniform, or log-uniform if `log`."""

    ends: tuple[str, str]
    log: bool = False


@final
@dataclass(frozen=True)
class Override:
    """An override from the command line."""

    text: str  # the override as the user wrote it
    sign: str  # "", "+", "++" or "~"
    key: str  # the key, such as eta, noise.nu or sweep.count
    #: a value as in a file, with numbers as text; or `Several`, `Steps` or `Interval`; None if the sign is "~"
    value: Any


def read_overrides(texts: Sequence[str]) -> list[Override]:
    """Parse overrides. Raises BadInput if there are too many, or one is malformed or uses what only Hydra has."""
    if len(texts) > MAX_OVERRIDES:
        raise BadInput("overrides", f"{len(texts)}", f"at most {MAX_OVERRIDES}")
    return [_read(text) for text in texts]


def _read(text: str) -> Override:
    text = check_text(text, "override", FORM, MAX_FILE)
    match = _OVERRIDE.fullmatch(text)
    sign, key, equals, value = match.groups() if match else ("", text, None, None)
    sign, key = sign or "", key.strip()
    for sort, mark in (("packages (KEY@PACKAGE)", "@"), ("config groups (GROUP/NAME)", "/")):
        if mark in key:
            raise BadInput("override", text, f"{FORM}; Hydra's {sort} are not supported")
    if not _KEY.fullmatch(key):
        raise BadInput("override", text, FORM)
    if sign == "~":
        if equals is not None:
            raise BadInput(key, text, f"~{key} alone, which removes it whatever its value")
        return Override(text, sign, key, None)
    if value is None:
        raise BadInput("override", text, FORM)
    if not value.strip():
        raise BadInput(key, text, f"a value: {key}=VALUE; ~{key} removes it")
    return Override(text, sign, key, _Reader(value, key).all())


class _Reader:
    def __init__(self, text: str, key: str) -> None:
        self.text, self.key, self.at = text, key, 0

    def all(self) -> Any:
        values: list[Any] = []
        self.append(values)
        while self.here(","):
            self.at += 1
            self.append(values)
        if self.at < len(self.text):
            self.fail("a comma between values; brackets, braces and commas inside a value stand in quotes")
        if len(values) == 1:
            return values[0]
        if any(isinstance(value, Several | Steps | Interval) for value in values):
            self.fail("values between commas, or one function alone")
        return Several(tuple(values))

    def fail(self, accepted: str) -> NoReturn:
        raise BadInput(self.key, self.text, accepted, min(self.at, len(self.text) - 1) + 1)

    def here(self, mark: str) -> bool:
        """Skip spaces, and return whether the next character is `mark`."""
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        return self.text[self.at : self.at + 1] == mark

    def append(self, values: list[Any], depth: int = 0) -> None:
        """Read a value and append it; an unquoted name=value after a specification belongs to that specification."""
        value, before = self.element(depth), values[-1] if values else None
        joins = self.key in SPECIFIED and not self.quoted and isinstance(value, str) and isinstance(before, str)
        if joins and _PAIR.match(value):
            values[-1] = f"{before},{value}"
        else:
            values.append(value)

    def parts(self, closing: str, trailing_comma: bool = True) -> Iterator[None]:
        """Yield once for each comma-separated part between the opening mark, which comes next, and the closing one."""
        self.at += 1
        comma = False
        while (comma and not trailing_comma) or not self.here(closing):
            yield
            if comma := self.here(","):
                self.at += 1
            elif not self.here(closing):
                self.fail(f"a comma or {closing}")
        self.at += 1

    def element(self, depth: int = 0) -> Any:
        self.quoted = False
        if depth > 4:
            self.fail("values nested less deeply")
        if self.here("'") or self.here('"'):
            self.quoted = True
            return self.quotation(self.text[self.at])
        if self.here("["):
            return self.items(depth)
        if self.here("{"):
            return self.table(depth)
        if call := _CALL.match(self.text, self.at):
            return self.call(call[1], call.end(), depth)
        return self.plain()

    def quotation(self, mark: str) -> str:
        """Read text in quotes. A backslash escapes the quotation mark or another backslash, as in Hydra."""
        closing = re.compile(rf"{mark}((?:[^\\{mark}]|\\.)*){mark}").match(self.text, self.at)
        if closing is None:
            self.fail(f"a closing {mark}")
        self.at = closing.end()
        return re.sub(rf"\\([\\{mark}])", r"\1", closing[1])

    def plain(self) -> Any:
        """Read text without quotes. Escaping backslashes are removed; true and false become truth values."""
        start, text = self.at, ""
        while self.at < len(self.text) and self.text[self.at] not in _SPECIAL:
            if self.text[self.at] == "\\":
                self.at += 1
            text += self.text[self.at : self.at + 1]
            self.at += 1
        text = text.strip(" ")
        if not text:
            self.at = start
            self.fail("a value; an empty text is written as ''")
        if "${" in self.text[start : self.at + 1]:
            self.fail("a value: Hydra's interpolations, such as ${key}, are not supported")
        if text.lower() == "null":
            self.fail(f"a value; ~{self.key} removes a key")
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        return text.replace("_", "") if _INTEGER.fullmatch(text) else text

    def items(self, depth: int) -> list[Any]:
        values: list[Any] = []
        for _ in self.parts("]", trailing_comma=False):
            values.append(self.element(depth + 1))
            if isinstance(values[-1], Several | Steps | Interval):
                self.fail("values in a list, not functions")
        return values

    def table(self, depth: int) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for _ in self.parts("}"):
            name = _PART.match(self.text, self.at)
            if name is None or name[1] in table:
                self.fail("{NAME: VALUE, ..}, each name once")
            self.at = name.end()
            table[name[1]] = self.element(depth + 1)
            if isinstance(table[name[1]], Several | Steps | Interval):
                self.fail(f"a value; an axis of a part is {self.key}.{name[1]}=V1,V2")
        return table

    def call(self, name: str, end: int, depth: int) -> Any:
        """Read a call of a function whose opening bracket ends at `end`."""
        if name not in FUNCTIONS:
            remark = " (Hydra's, which sweeps do not have)" if name in _HYDRAS else ""
            functions = f"the functions {', '.join(FUNCTIONS)}, and not {name}{remark}"
            self.fail(f"{functions}; text with a bracket stands in quotes")
        self.at = end - 1
        named: dict[str, Any] = {}
        listed: list[Any] = []
        for _ in self.parts(")"):
            keyword = _KEYWORD.match(self.text, self.at) if name in ("range", "interval") else None
            if keyword is not None:
                self.at = keyword.end()
                if keyword[1] in named:
                    self.fail(f"{keyword[1]} once")
                named[keyword[1]] = self.element(depth + 1)
            elif named:
                self.fail("named arguments after the others")
            else:
                self.append(listed, depth + 1)
        return self.called(name, listed, named)

    def called(self, name: str, listed: Sequence[Any], named: Mapping[str, Any]) -> Any:
        if name == "choice":
            if not listed or any(isinstance(value, Several | Steps | Interval) for value in listed):
                self.fail("choice(V1, V2, ..)")
            return Several(tuple(listed))
        if name == "tag":
            if len(listed) != 2 or listed[0] != "log" or not isinstance(listed[1], Interval):
                self.fail("tag(log, interval(START, END)), the only tag that has a meaning here")
            return Interval(listed[1].ends, True)
        form = ("start", "stop", "step") if name == "range" else ("start", "end")
        arguments = {**dict(zip(form, listed, strict=False)), **named}
        accepted = f"{name}({', '.join(form).upper()})" + (", where STEP is 1 if omitted" if name == "range" else "")
        doubled = len(listed) + len(named) != len(arguments)
        if doubled or not set(form[:2]) <= arguments.keys() or not arguments.keys() <= set(form):
            self.fail(accepted)
        numbers = [number(arguments.get(key, "1"), self.key, f"numbers: {accepted}") for key in form]
        if name == "range":
            return Steps(*numbers)
        return Interval((str(arguments["start"]), str(arguments["end"])))
