"""Result records: frozen dataclasses of numbers that can be turned into dictionaries of JSON values."""

import dataclasses
import math
import types
import typing
from typing import Any, ClassVar

import numpy as np


def plain(value: Any, null: bool = False) -> Any:
    """The value as nested lists, dictionaries, numbers and strings.

    Strict JSON has neither infinity nor NaN. Where infinity carries meaning (nu = inf is the Gaussian limit, a loss of inf a
    blow-up), it becomes "inf" or "-inf". With `null`, every number that is not finite becomes None, for a missing number.

    Raises:
        ValueError: a NaN without `null`; a missing number should be None.
        TypeError: a value without a JSON form.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name), null) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item, null) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, null) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isnan(value) and not null:
            raise ValueError("a record holds a NaN")
        return value if math.isfinite(value) else None if null else str(float(value))
    if hasattr(value, "__array__"):
        return plain(np.asarray(value).tolist(), null)
    raise TypeError(f"no JSON form for {type(value).__name__}")


class Record:
    """Base class of result dataclasses: `to_dict()` gives a dictionary of strict JSON values (see `plain`).

    A class chooses the form of numbers that are not finite, as in `class Estimate(Record, null=True)`; the records that it holds
    follow this choice.
    """

    _null: ClassVar[bool]

    def __init_subclass__(cls, null: bool = False) -> None:
        super().__init_subclass__()
        cls._null = null

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return plain(self, self._null)


def rebuilt(kind: Any, value: Any) -> Any:
    """The object of type `kind` whose `plain` form is `value`: a dataclass of these, of tuples, numbers, texts, enums and None.

    With `null`, an infinity comes back as None where that is allowed, else as nan.
    """
    if kind is Any:
        return value
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        kinds = [arguments[0]] * len(value) if arguments[1:] == (...,) else arguments
        return tuple(rebuilt(k, item) for k, item in zip(kinds, value, strict=True))
    if types.NoneType in arguments:
        (inner,) = (k for k in arguments if k is not types.NoneType)
        return None if value is None else rebuilt(inner, value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{f.name: rebuilt(hints[f.name], value[f.name]) for f in dataclasses.fields(kind)})  # pyright: ignore
    return math.nan if value is None else kind(value)
