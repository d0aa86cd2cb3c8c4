"""The registry: names of classes on the command line and in specs, and the values that each class takes.

The decorator `register` names a class where it is defined. Both built-in classes and those of users
(`sdescent.derive.vocabulary.plugin_loading`) use it.
"""

import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from importlib import import_module
from typing import Any, TypeVar

from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.plugin_loading import in_force, installed, owner

KINDS = ("method", "compressor", "noise", "loss", "schedule", "statistic")
#: the statistics of every experiment, for the state x and the loss f; the coordinates are called x1, x2, ..
BUILT_IN_STATISTICS = {
    "loss": "f(x)",
    "gradient_norm": "the 2-norm of the gradient of f at x",
    "norm": "the 2-norm of x",
}
_HOMES = {
    "method": "sdescent.derive.methods.optimisers",
    "compressor": "sdescent.derive.methods.compressors",
    "noise": "sdescent.derive.methods.noise",
    "loss": "sdescent.derive.methods.losses",
    "schedule": "sdescent.derive.methods.schedules",
}

Value = Fraction | str
T = TypeVar("T")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a registered class: one value that a spec may contain.

    Args:
        name: the name of the parameter in specs.
        accepted: the accepted values, for messages.
        check: whether a number lies in the domain; symbols are always accepted.
        default: the text that stands for an omitted value; None for a value that may stay absent.
        per_client: whether `a|b|c` gives each client its own value.
        per_coordinate: whether `a|b|c` gives each coordinate its own value.
    """

    name: str
    accepted: str
    check: Callable[[Fraction], bool]
    default: str | None
    per_client: bool = False
    per_coordinate: bool = False

    def admit(self, field: str, value: Value) -> Value:
        """The value, checked.

        Raises:
            BadInput: it is a number outside the domain.
        """
        if isinstance(value, Fraction) and not self.check(value):
            raise BadInput(field, value, f"{self.accepted}, or the name of a symbol")
        return value


def positive(name: str, default: str | None = None, **kw: bool) -> Parameter:
    """A positive parameter; by default, an omitted value is the symbol `name`."""
    return Parameter(name, "a number > 0", lambda x: x > 0, default or name, **kw)


def scale(name: str, default: str | None = None) -> Parameter:
    """A nonnegative scale of the noise, per client; 0 means that there is no noise."""
    return Parameter(name, "a number > 0 (0 means no noise)", lambda x: x >= 0, default or name, per_client=True)


def count(name: str) -> Parameter:
    """A parameter that is an integer from 1 to 999999."""
    return Parameter(name, "a whole number from 1 to 999999", lambda x: x.denominator == 1 and 1 <= x < 10**6, name)


@dataclass(frozen=True)
class Entry:
    """An entry of the registry.

    Args:
        kind: one of `KINDS`.
        name: the name in specs.
        build: makes the object from the values of its parameters; for a statistic, the function x -> value itself, where x has
            shape (d, paths) and the value shape (paths,).
        parameters: the values that a spec may contain.
        summary: one line of explanation.
        owner: the user's file or module that registered it; None for built-in entries.
    """

    kind: str
    name: str
    build: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    summary: str
    owner: str | None = None


_ENTRIES: dict[tuple[str, str], Entry] = {}
_NAMESPACES: dict[tuple[str, str], Mapping[str, Any]] = {}  # for each entry, the globals of the code that registered it
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
_COORDINATE = re.compile(r"x\d+", re.ASCII)


def register(kind: str, name: str, summary: str, *parameters: Parameter) -> Callable[[T], T]:
    """A decorator that registers a class, a factory or (for a statistic) a function under a name for specs.

    A file that is executed again replaces its own pieces.

    Args:
        kind: one of `KINDS`.
        name: at most 40 letters, digits, - and _, of which the first is a letter.
        summary: one line for `sdescent list`.
        parameters: the values that a spec may contain; a statistic takes none.

    Raises:
        ValueError: the kind is unknown, the name is malformed or already registered by other code, or a statistic has parameters.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, not {kind!r}")
    if not _NAME.fullmatch(name):
        raise ValueError(f"a name begins with a letter and has at most 40 letters, digits, - and _: not {name!r}")
    if kind == "statistic" and parameters:
        raise ValueError(f"the statistic {name!r} takes no values: register one function for each")
    namespace = sys._getframe(1).f_globals
    who = owner(namespace)
    if who is not None and kind in _HOMES:
        import_module(_HOMES[kind])  # so that the built-in names are registered first

    def decorate(build: T) -> T:
        there = _ENTRIES.get((kind, name)) if in_force(_NAMESPACES.get((kind, name), {})) else None
        # code of the same owner runs for a second time: a file as a new module, or a line in a session
        anew = _NAMESPACES.get((kind, name)) is not namespace or "__file__" not in namespace
        again = there is not None and there.owner == who and anew
        reserved = kind == "statistic" and (name in BUILT_IN_STATISTICS or _COORDINATE.fullmatch(name))
        if reserved or (there is not None and (who is None or not again)):
            by = (there and there.owner) or "sdescent itself"
            raise ValueError(f"the {kind} {name!r} is already registered by {by}: give yours another name")
        _ENTRIES[kind, name] = Entry(kind, name, build, parameters, summary, who)  # pyright: ignore[reportArgumentType]
        _NAMESPACES[kind, name] = namespace
        return build

    return decorate


def entries(kind: str) -> dict[str, Entry]:
    """All registered entries of a kind by name, in the order of registration. Raises BrokenPlugin as `installed`."""
    _complete(kind)
    return {name: entry for (k, name), entry in _ENTRIES.items() if k == kind and in_force(_NAMESPACES[k, name])}


def _complete(kind: str) -> None:
    if kind in _HOMES:
        import_module(_HOMES[kind])
    installed()


def known_as(kind: str, name: str) -> str:
    """The name in lower case if it is registered, such as dcsgd for DCSGD; any other name is returned unchanged."""
    return name.lower() if name.lower() in entries(kind) else name


def spec_of(kind: str, piece: object) -> str:
    """The spec of a piece, such as gaussian:sigma=1/2; a piece without a registered name is shown by its class name."""
    label, values = _flat(piece)
    for name, entry in entries(kind).items():
        arguments = {p.name: values[p.name] for p in entry.parameters if p.name in values}
        with suppress(Exception):  # the entry may be of a class with other values, or a user's code
            if entry.build(**arguments) == piece:
                label, values = name, arguments
                break
    pairs = [f"{key}={'|'.join(map(str, v if isinstance(v, tuple) else (v,)))}" for key, v in values.items()]
    return f"{label}:{','.join(pairs)}" if pairs else label


def _flat(piece: Any) -> tuple[str, dict[str, Any]]:
    """The name of the innermost class of a piece, and all its values: Gaussian and {sigma: ..} for Scaled(Gaussian(), 1)."""
    label, values = type(piece).__name__, {}
    for field in fields(piece) if is_dataclass(piece) else ():
        value = getattr(piece, field.name)
        if is_dataclass(value):
            label, more = _flat(value)
            values |= more
        elif value is not None:
            values[field.name] = value
    return label, values


def lookup(kind: str, name: str, field: str) -> Entry:
    """The entry called `name`. Raises BadInput, with the user's name `field` for this input, if there is none."""
    _complete(kind)
    entry = _ENTRIES.get((kind, name))
    if entry is None or not in_force(_NAMESPACES[kind, name]):
        raise unknown_name(field, name, entries(kind))
    return entry


def pieces_in(module: str, names: Mapping[str, Any]) -> list[str]:
    """The public names that a module defines itself, for its `__dir__`, so that completion does not offer imports."""
    return sorted(n for n, e in names.items() if n[0] != "_" and getattr(e, "__module__", "").startswith(module))
