"""Result records: frozen dataclasses of numbers that turn into JSON-able dictionaries."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np


def plain(value: Any, null: bool = False) -> Any:
    """Nested lists, dictionaries, numbers and strings for `value`.

    Strict JSON has no infinity and no NaN. Where infinity carries meaning (nu = inf is the Gaussian limit, a loss of inf a blow-up)
    it becomes "inf" or "-inf"; with `null` every number that is not finite becomes null: there is none.

    Raises:
        ValueError: on NaN without `null`: a missing number is None.
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
        if null:
            return value if math.isfinite(value) else None
        if math.isnan(value):
            raise ValueError("a record holds a NaN")
        return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, np.generic):
        return plain(value.item(), null)
    if hasattr(value, "__array__"):
        return plain(np.asarray(value).tolist(), null)
    raise TypeError(f"no JSON form for {type(value).__name__}")


class Record:
    """Base of result dataclasses: `to_dict()` gives a strictly JSON-able dictionary (see `plain`).

    A class chooses what numbers become that are not finite: `class Estimate(Record, null=True)`. What it holds goes the same way.
    """

    _null: ClassVar[bool]

    def __init_subclass__(cls, null: bool = False) -> None:
        super().__init_subclass__()
        cls._null = null

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return plain(self, self._null)
