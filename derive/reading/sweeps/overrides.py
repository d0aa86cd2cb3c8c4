"""Overrides of a sweep on the command line, in the grammar of Hydra's (hydra.cc, "Override syntax", basic and extended).

    override = ["+" | "++"] key "=" value | "~" key
    value    = element {"," element}                          several: an axis
    element  = text | quoted | "[" [element {"," element}] "]" | "{" [name ":" element {"," name ":" element}] "}" | function
    function = "choice(" element {"," element} ")" | "range(" start "," stop ["," step] ")" | "interval(" start "," end ")"
             | "tag(log," "interval(" start "," end "))"

Text without quotes has no comma, bracket or brace, but after a backslash. One thing is easier than in Hydra: a specification's own
commas need no quotes, student-t:nu=3,sigma=1 is one value, since no specification begins with a name and "=".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NoReturn, final

from sdescent.derive.reading.numbers import number
from sdescent.derive.reading.sweeps.values import SPECIFIED
from sdescent.derive.reading.toml_file import MAX_FILE
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import check_text

MAX_OVERRIDES = 256
FORM = "KEY=VALUE, KEY=V1,V2,.. for an axis, +KEY=VALUE, ++KEY=VALUE or ~KEY"
FUNCTIONS: Final = ("choice", "range", "interval", "tag")
_OVERRIDE = re.compile(r"(\+\+|\+|~)?([^=]*?)\s*(=(.*))?", re.ASCII | re.DOTALL)
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*", re.ASCII)
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\(", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+(_\d+)+", re.ASCII)
_PAIR = re.compile(r"\s*[A-Za-z][A-Za-z0-9_-]*\s*=", re.ASCII)
_SPECIAL = ",()[]{}'\""


@final
@dataclass(frozen=True)
class Several:
    """Several values: an axis."""

    values: tuple[Any, ...]


@final
@dataclass(frozen=True)
class Steps:
    """range(start, stop, step): start + n step below stop, or above it where step < 0."""

    start: Fraction
    stop: Fraction
    step: Fraction


@final
@dataclass(frozen=True)
class Interval:
    """interval(start, end): drawn at random between two numbers, as text; uniform, or log-uniform."""

    ends: tuple[str, str]
    log: bool = False


@final
@dataclass(frozen=True)
class Override:
    """An override.

    Args:
        text: as it was written.
        sign: "", "+", "++" or "~".
        key: eta, noise.nu, sweep.count.
        value: a value as a file would have it, numbers as text, `Several`, `Steps` or `Interval`; None where the sign is "~".
    """

    text: str
    sign: str
    key: str
    value: Any


def read_overrides(given: Sequence[str]) -> list[Override]:
    """Overrides, in order.

    Raises:
        BadInput: one is malformed, or uses what Hydra has and a sweep has not.
    """
    if len(given) > MAX_OVERRIDES:
        raise BadInput("overrides", f"{len(given)}", f"at most {MAX_OVERRIDES}")
    return [_read(text) for text in given]


def _read(text: str) -> Override:
    text = check_text(text, "override", FORM, MAX_FILE)
    found = _OVERRIDE.fullmatch(text)
    sign, key, equals, value = (
        (found[1] or "", found[2].strip(), found[3], found[4]) if found else ("", text, None, None)
    )
    for sort, mark in (("packages (KEY@PACKAGE)", "@"), ("groups of files (GROUP/NAME)", "/")):
        if mark in key:
            raise BadInput("override", text, f"{FORM}; {sort} are Hydra's and not here")
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
    """Reads the value of an override."""

    def __init__(self, text: str, key: str) -> None:
        self.text, self.key, self.at = text, key, 0

    def all(self) -> Any:
        """The value: one, or several that commas separate."""
        found = [self.element()]
        quoted = [self.quoted]
        while self.here(","):
            self.at += 1
            found.append(self.element())
            quoted.append(self.quoted)
        if self.at < len(self.text):
            self.fail("a comma between values; brackets, braces and commas inside a value stand in quotes")
        if self.key in SPECIFIED:
            found = _joined(found, quoted)
        if len(found) == 1:
            return found[0]
        if any(isinstance(value, Several | Steps | Interval) for value in found):
            self.fail("values between commas, or one function alone")
        return Several(tuple(found))

    def fail(self, accepted: str) -> NoReturn:
        raise BadInput(self.key, self.text, accepted, min(self.at, len(self.text) - 1) + 1)

    def here(self, mark: str) -> bool:
        """Whether the next character that is not a space is this one; spaces before it are passed."""
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        return self.text[self.at : self.at + 1] == mark and mark != ""

    def element(self, depth: int = 0) -> Any:
        """One element."""
        self.quoted = False
        if depth > 4:
            self.fail("values nested less deeply")
        if self.here("'") or self.here('"'):
            self.quoted = True
            return self.quotation(self.text[self.at])
        if self.here("["):
            return self.items("]", depth)
        if self.here("{"):
            return self.table(depth)
        if call := _CALL.match(self.text, self.at):
            return self.call(call[1], call.end(), depth)
        return self.plain()

    def quotation(self, mark: str) -> str:
        """Text in quotes; a backslash before a quote, or before a backslash in front of one, is an escape as in Hydra."""
        closing = re.compile(rf"{mark}((?:[^\\{mark}]|\\.)*){mark}").match(self.text, self.at)
        if closing is None:
            self.fail(f"a closing {mark}")
        self.at = closing.end()
        return re.sub(rf"\\([\\{mark}])", r"\1", closing[1])

    def plain(self) -> Any:
        """Text without quotes: its backslashes taken away, true and false as truth values."""
        start, found = self.at, ""
        while self.at < len(self.text) and self.text[self.at] not in _SPECIAL:
            if self.text[self.at] == "\\":
                self.at += 1
            found += self.text[self.at : self.at + 1]
            self.at += 1
        found = found.strip(" ")
        if not found:
            self.at = start
            self.fail("a value; the text nothing is '' in quotes")
        if "${" in self.text[start : self.at + 1]:
            self.fail("a value: interpolations such as ${key} are Hydra's and not here")
        if found.lower() == "null":
            self.fail(f"a value; ~{self.key} removes a key")
        if found.lower() in ("true", "false"):
            return found.lower() == "true"
        return found.replace("_", "") if _INTEGER.fullmatch(found) else found

    def items(self, closing: str, depth: int) -> list[Any]:
        """Elements between brackets, the opening one of which is next."""
        self.at += 1
        found: list[Any] = []
        if self.here(closing):
            self.at += 1
            return found
        while True:
            found.append(self.element(depth + 1))
            if isinstance(found[-1], Several | Steps | Interval):
                self.fail("values in a list, not functions")
            if self.here(closing):
                self.at += 1
                return found
            if not self.here(","):
                self.fail(f"a comma or {closing}")
            self.at += 1

    def table(self, depth: int) -> dict[str, Any]:
        """{name: element, ..}."""
        self.at += 1
        found: dict[str, Any] = {}
        while not self.here("}"):
            name = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*:").match(self.text, self.at)
            if name is None or name[1] in found:
                self.fail("{NAME: VALUE, ..}, each name once")
            self.at = name.end()
            found[name[1]] = self.element(depth + 1)
            if isinstance(found[name[1]], Several | Steps | Interval):
                self.fail(f"a value; an axis of a part is {self.key}.{name[1]}=V1,V2")
            if not self.here("}"):
                if not self.here(","):
                    self.fail("a comma or }")
                self.at += 1
        self.at += 1
        return found

    def call(self, name: str, end: int, depth: int) -> Any:
        """A function."""
        if name not in FUNCTIONS:
            told = " (Hydra's, which sweeps do not have)" if name in _HYDRAS else ""
            self.fail(
                f"the functions {', '.join(FUNCTIONS)}, and not {name}{told}; text with a bracket stands in quotes"
            )
        self.at = end
        named: dict[str, Any] = {}
        listed: list[Any] = []
        quoted: list[bool] = []
        while not self.here(")"):
            keyword = re.compile(r"([a-z]+)\s*=").match(self.text, self.at) if name in ("range", "interval") else None
            if keyword is not None:
                self.at = keyword.end()
                if keyword[1] in named:
                    self.fail(f"{keyword[1]} once")
                named[keyword[1]] = self.element(depth + 1)
            elif named:
                self.fail("named arguments after the others")
            else:
                listed.append(self.element(depth + 1))
                quoted.append(self.quoted)
            if not self.here(")"):
                if not self.here(","):
                    self.fail("a comma or )")
                self.at += 1
        self.at += 1
        if name == "choice" and self.key in SPECIFIED:
            listed = _joined(listed, quoted)
        return self.called(name, listed, named)

    def called(self, name: str, listed: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """What a function makes of its arguments."""
        if name == "choice":
            if not listed or any(isinstance(value, Several | Steps | Interval) for value in listed):
                self.fail("choice(V1, V2, ..)")
            return Several(tuple(listed))
        if name == "tag":
            if len(listed) != 2 or listed[0] != "log" or not isinstance(listed[1], Interval):
                self.fail("tag(log, interval(START, END)), the only tag that has a meaning here")
            return Interval(listed[1].ends, True)
        form = ("start", "stop", "step") if name == "range" else ("start", "end")
        given = {**dict(zip(form, listed, strict=False)), **named}
        needed = 2
        told = f"{name}({', '.join(form).upper()})" + (", STEP 1 where it is left out" if name == "range" else "")
        doubled = len(listed) + len(named) != len(given)
        if doubled or not set(form[:needed]) <= given.keys() or not given.keys() <= set(form):
            self.fail(told)
        numbers = [number(given.get(key, "1"), self.key, f"numbers: {told}") for key in form]
        if name == "range":
            return Steps(*numbers)
        return Interval((str(given["start"]), str(given["end"])))


_HYDRAS = ("glob", "sort", "shuffle", "int", "float", "str", "bool", "json_str", "extend_list")


def _joined(found: Sequence[Any], quoted: Sequence[bool]) -> list[Any]:
    """Values of a key with specifications: name=value without quotes belongs to the specification before it."""
    joined: list[Any] = []
    for value, in_quotes in zip(found, quoted, strict=True):
        if joined and not in_quotes and isinstance(value, str) and isinstance(joined[-1], str) and _PAIR.match(value):
            joined[-1] = f"{joined[-1]},{value}"
        else:
            joined.append(value)
    return joined
