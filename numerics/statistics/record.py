"""Result records: frozen dataclasses of numbers that turn into JSON-able dictionaries."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Nested lists, dictionaries, numbers and strings for `value`; an infinite number becomes "inf" or "-inf".

    Strict JSON has no infinity, and here it carries meaning: nu = inf is the Gaussian limit, a loss of inf a blow-up.

    Raises:
        ValueError: on NaN, which no record may hold (a missing number is None).
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            raise ValueError("a record holds a NaN")
        return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, np.generic):
        return plain(value.item())
    if hasattr(value, "__array__"):
        return plain(np.asarray(value).tolist())
    raise TypeError(f"no JSON form for {type(value).__name__}")


class Record:
    """Base of result dataclasses: `to_dict()` gives a strictly JSON-able dictionary (see `plain`)."""

    def to_dict(self) -> dict[str, Any]:
        return plain(self)
