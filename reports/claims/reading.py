"""Claims from a TOML file, which has a table [[group]] for each group and in it a table [[group.claims]] for each claim."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sdescent.reports.claims.verdict_of_claim import Claim, Group


def read_groups(path: Path, follows: Callable[[str], tuple[Claim, ...]]) -> tuple[Group, ...]:
    """The groups of a file, in order. The keys are the fields of `Group` and `Claim`; lines of a text are joined by spaces.

    Args:
        follows: makes the claims of a group that has a key "follows" with the name of a model in place of a title and claims.

    Raises:
        tomllib.TOMLDecodeError: the file is not TOML.
        TypeError: an unknown or a missing key of a group or a claim.
        OSError: the file cannot be read.
    """
    return tuple(_group(_plain(table), follows) for table in tomllib.loads(path.read_text(encoding="utf-8"))["group"])


def _group(table: dict[str, Any], follows: Callable[[str], tuple[Claim, ...]]) -> Group:
    model = table.pop("follows", None)
    if model is None:
        return Group(claims=tuple(Claim(**claim) for claim in table.pop("claims")), **table)
    return Group(f"{model.capitalize()} SDE", follows(model), grid=True, **table)


def _plain(value: Any) -> Any:
    """A value from TOML with each text on one line, and tuples for lists."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return value
