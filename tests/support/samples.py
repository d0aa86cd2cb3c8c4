"""Samples of one law: some of them in the default tests, the others with the slow ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def mostly_slow(values: Iterable[Any], every: int = 3, rows: bool = False) -> list[Any]:
    """Parameters of a test of which the first, and from there on each `every`-th, is in the default tests.

    For a test whose parameters go the same way through the code, so that a fault shows at most of them. With `rows` a
    value is a tuple with an entry for each parameter.
    """
    slow = pytest.mark.slow
    return [v if n % every == 0 else pytest.param(*(v if rows else (v,)), marks=slow) for n, v in enumerate(values)]


def slow_but(values: Iterable[Any], default: Collection[Any], rows: bool = False) -> list[Any]:
    """Parameters of a test of which those in `default` are in the default tests. `rows` is as in `mostly_slow`."""
    return [v if v in default else pytest.param(*(v if rows else (v,)), marks=pytest.mark.slow) for v in values]


def slow_if(condition: bool) -> list[pytest.MarkDecorator]:
    """Marks of a parameter that is in the default tests unless the condition holds."""
    return [pytest.mark.slow] if condition else []
