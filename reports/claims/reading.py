"""Claims from a TOML file: a table [[group]] for each group, in it a table [[group.claims]] for each claim."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sdescent.reports.claims.verdicts import Claim, Group


def read_groups(path: Path, follows: Callable[[str], tuple[Claim, ...]]) -> tuple[Group, ...]:
    """The groups of a file in their order; keys are those of `Group` and `Claim`, and lines of a text are joined by spaces.

    Args:
        follows: the claims of a group with the key "follows" in place of a title and claims, from the model that it names.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML.
        TypeError: a key that a group or a claim does not have, or one that is missing.
        OSError: it cannot be read.
    """
    return tuple(_group(_plain(table), follows) for table in tomllib.loads(path.read_text(encoding="utf-8"))["group"])


def _group(table: dict[str, Any], follows: Callable[[str], tuple[Claim, ...]]) -> Group:
    model = table.pop("follows", None)
    if model is None:
        return Group(claims=tuple(Claim(**claim) for claim in table.pop("claims")), **table)
    return Group(f"{model.capitalize()} SDE", follows(model), grid=True, **table)


def _plain(value: Any) -> Any:
    """Texts on one line, and lists of texts as tuples."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return value
