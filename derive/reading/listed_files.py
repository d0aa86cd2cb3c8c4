"""Files and folders listed in the specification of a report: the user's own theorems, and completed sweeps."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, final

from sdescent.derive.reading.toml_file import read_text, table_of
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.formulas.text import written

MAX_LISTED = 20
MANIFEST: Final = "manifest.json"
_LONGEST = 2**24  # bytes of a manifest
_REMEDY = "a folder in which sdescent sweep has ended (the same sweep again writes what is missing or damaged)"
_NEEDED = ("sweep", "axes", "points", "runs", "refused", "bounds", "figures", "digests", "context", "sha256")
T = TypeVar("T")


@final
@dataclass(frozen=True)
class TheoremFile:
    """A file that states a theorem; `sdescent.derive.theorems.bounds.stated` reads it.

    Args:
        name: the name in the specification.
        path: the path of the file.
        content: the text of the file, which identifies it.
    """

    name: str
    path: Path
    content: str

    @property
    def title(self) -> str:
        """The title in the file, or the name of the file."""
        title = table_of(self.content, self.path.name).get("title", self.name)
        return title if isinstance(title, str) else self.name

    def to_dict(self) -> dict[str, str]:
        """The name and the content as JSON."""
        return {"name": self.name, "content": self.content}


@final
@dataclass(frozen=True)
class StudyFolder:
    """A folder that `sdescent sweep` wrote.

    Args:
        name: the name in the specification.
        path: the path of the folder.
        manifest: the content of its manifest, which identifies the sweep and its files.
    """

    name: str
    path: Path
    manifest: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The name and a digest of the manifest as JSON."""
        return {"name": self.name, "digest": str(self.manifest["sha256"])[:32]}

    def damaged(self, what: str) -> BadInput:
        """The error for a file that is not as the sweep wrote it."""
        return BadInput("studies", f"{self.name}, where {what} is damaged", _REMEDY)


def theorem_files(listed: object, folder: Path, key: str) -> tuple[TheoremFile, ...]:
    """The theorem files that a specification lists.

    Args:
        listed: the value in the specification.
        folder: the folder of the specification, to which names are relative.
        key: the key of the list in the specification.

    Raises:
        BadInput: the value is not a list of 1 to 20 file names; a file cannot be read, or is not TOML.
    """
    accepted = f'a list of 1 to {MAX_LISTED} TOML files, such as ["mine.toml"]'
    return _each(listed, folder, key, accepted, "files", _theorem_file)


def study_folders(listed: object, folder: Path, key: str) -> tuple[StudyFolder, ...]:
    """The folders of sweeps that a specification lists.

    Args:
        listed, folder, key: as for `theorem_files`.

    Raises:
        BadInput: the value is not a list of 1 to 20 distinct folder names, or a folder has no readable manifest of a sweep.
    """
    accepted = f'a list of 1 to {MAX_LISTED} folders that sdescent sweep wrote, such as ["sweep"]'
    return _each(listed, folder, key, accepted, "folders", _study_folder)


def _each(
    listed: object, folder: Path, key: str, accepted: str, noun: str, read: Callable[[str, Path, str], T]
) -> tuple[T, ...]:
    if not isinstance(listed, list) or not all(isinstance(name, str) and name for name in listed):
        raise BadInput(key, written(listed), accepted)
    once = noun == "folders"
    if not 1 <= len(listed) <= MAX_LISTED or (once and len(set(listed)) < len(listed)):
        raise BadInput(key, f"{len(listed)} {noun}", f"{accepted}, each once" if once else accepted)
    return tuple(read(name, folder / name, key) for name in listed)


def _theorem_file(name: str, path: Path, key: str) -> TheoremFile:
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


def _study_folder(name: str, path: Path, key: str) -> StudyFolder:
    try:
        content = read_regular(path / MANIFEST, _LONGEST, "a manifest")
    except (OSError, ValueError) as error:  # also raised for a manifest that is too long
        why = error.accepted if isinstance(error, BadInput) else getattr(error, "strerror", "no such name")
        raise BadInput(key, f"{name}, whose {MANIFEST} cannot be read ({why})", _REMEDY) from None
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict) or any(needed not in manifest for needed in _NEEDED):
        raise BadInput(key, f"{name}, whose {MANIFEST} is damaged or of another version", _REMEDY)
    return StudyFolder(name, path, manifest)
