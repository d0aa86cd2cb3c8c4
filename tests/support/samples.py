"""Samples: parameters of which some are in the default tests and the others slow; update rules; the regimes of named methods."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.registry import entries


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


def rule(*update: str, memory: Collection[str] | None = None, start: int = 1, **more: Any) -> Method:
    """A rule for one client with Gaussian noise; its memory, by default every letter that is assigned but x, starts at `start`."""
    letters = [a for a in (line.split("=")[0].strip() for line in update) if a != "x"] if memory is None else memory
    defaults = {"noise": Gaussian(), "clients": 1, "regime": {}}
    return Method(memory=dict.fromkeys(letters, start), update=update, **{**defaults, **more})


def regimes(name: str, **needs: Any) -> list[str | None]:
    """The regimes of a named method, from its own list; [None] for one without memory."""
    try:
        entries("method")[name].build(regime="?", **needs)
    except BadInput as error:
        return list(error.accepted.split(": ")[1].split(", "))
    except TypeError:
        return [None]
    raise AssertionError(name)
