"""A section of the report: results that are computed and stored, and LaTeX that is a function of them alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.cache import ResultsCache


@dataclass(frozen=True)
class Context:
    """What a section may read.

    Args:
        quick: whether fewer paths and settings are asked for.
        problem: the user's own problem, or None for the report on everything built in.
        cache: results by their specification.
        tick: call with a label as work proceeds.
    """

    quick: bool
    problem: Any
    cache: ResultsCache
    tick: Callable[[str], None]


class Section(ABC):
    """One part of the report, parts/<name>.tex, made from templates/parts/<name>.tex."""

    #: file name of the part and the word for --only
    name: str
    #: heading
    title: str

    @abstractmethod
    def compute(self, context: Context) -> dict[str, Any]:
        """Results as JSON and arrays. "statuses" holds the checks.

        "meanings" says what symbols of the user's mean, "here" what standard ones do in this document.
        """

    def figures(self, result: dict[str, Any], folder: Path) -> None:  # noqa: B027 - most sections have none
        """Write the section's figures into `folder`, PDF and SVG."""
