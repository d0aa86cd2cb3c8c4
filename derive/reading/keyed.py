"""A TOML file with known keys, which may name Python files with pieces of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdescent.derive.reading.toml_file import read_table
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.text import written
from sdescent.derive.vocabulary.plugins import BrokenPlugin, load

#: a further key of every file: Python files with pieces of the user's own, relative to the file
PLUGINS = "plugins"
MAX_PLUGINS = 16


def read_keys(path: str | Path, known: Sequence[str]) -> dict[str, Any]:
    """The table of a TOML file that has these keys and no others, but for `plugins`, whose files are loaded.

    Raises:
        BadInput: it is not TOML, or has an unknown key.
        BrokenPlugin: a file of `plugins` cannot be used.
        OSError: it cannot be read.
    """
    table = read_table(path)
    keys = (*known, PLUGINS)
    for key in table:
        if key not in keys:
            raise unknown_name(Path(path).name, key, keys, "the keys " + ", ".join(keys))
    for name in _plugins(table.pop(PLUGINS, [])):
        load(Path(path).parent / name)
    return table


def _plugins(value: object) -> list[str]:
    accepted = f"a list of at most {MAX_PLUGINS} Python files with pieces of your own"
    listed: list[Any] = value if isinstance(value, list) else [value]
    for item in listed:
        if not isinstance(item, str) or not item:
            raise BadInput(PLUGINS, written(item), accepted)
    if len(listed) > MAX_PLUGINS:
        raise BadInput(PLUGINS, f"{len(listed)} files", accepted)
    return listed


@contextmanager
def as_written() -> Iterator[None]:
    """Errors inside the block quote a value as it is written in a TOML file."""
    try:
        yield
    except BrokenPlugin:
        raise
    except BadInput as error:
        raise BadInput(error.field, written(error.found), error.accepted, error.column) from None
