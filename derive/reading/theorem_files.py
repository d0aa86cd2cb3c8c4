"""Files that state theorems of one's own, as a report names them; `derive/theorems/bounds/stated.py` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from sdescent.derive.reading.toml_file import read_text, table_of
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import written

MAX_THEOREMS = 20


@final
@dataclass(frozen=True)
class TheoremFile:
    """A file of the list.

    Args:
        name: as it is written in the specification.
        path: where it is.
        content: its text, which identifies it.
    """

    name: str
    path: Path
    content: str

    @property
    def title(self) -> str:
        """The title that it states, or its name."""
        title = table_of(self.content, self.path.name).get("title", self.name)
        return title if isinstance(title, str) else self.name

    def to_dict(self) -> dict[str, str]:
        """As JSON."""
        return {"name": self.name, "content": self.content}


def theorem_files(listed: object, folder: Path, key: str) -> tuple[TheoremFile, ...]:
    """The files of a list.

    Args:
        listed: the value in the specification.
        folder: that of the specification.
        key: its name there.

    Raises:
        BadInput: it is not such a list; a file that cannot be read, or is not TOML.
    """
    accepted = f'a list of 1 to {MAX_THEOREMS} TOML files, such as ["mine.toml"]'
    if not isinstance(listed, list) or not all(isinstance(name, str) and name for name in listed):
        raise BadInput(key, written(listed), accepted)
    if not 1 <= len(listed) <= MAX_THEOREMS:
        raise BadInput(key, f"{len(listed)} files", accepted)
    return tuple(_file(name, folder / name, key) for name in listed)


def _file(name: str, path: Path, key: str) -> TheoremFile:
    try:
        content = read_text(path)
    except OSError as error:
        raise BadInput(key, name, f"a file that can be read ({error.strerror})") from None
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(key, name, f"the path of a file ({error})") from None
    table_of(content, path.name)
    return TheoremFile(name, path, content)
