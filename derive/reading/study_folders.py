"""Folders that `sdescent sweep` wrote, as the specification of a report names them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.formulas.text import written

MAX_STUDIES = 20
MANIFEST: Final = "manifest.json"
_LONGEST = 2**24  # bytes of a manifest
_REMEDY = "a folder in which sdescent sweep has ended (the same sweep again writes what is missing or damaged)"
_NEEDED = ("sweep", "axes", "points", "runs", "refused", "bounds", "figures", "digests", "context", "sha256")


@final
@dataclass(frozen=True)
class StudyFolder:
    """A folder of the list.

    Args:
        name: as it is written in the specification.
        path: where it is.
        manifest: the content of its manifest, which identifies the sweep and the files that it wrote.
    """

    name: str
    path: Path
    manifest: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "digest": str(self.manifest["sha256"])[:32]}

    def damaged(self, what: str) -> BadInput:
        """The error of a file that is not what was written."""
        return BadInput("studies", f"{self.name}, where {what} is damaged", _REMEDY)


def study_folders(listed: object, folder: Path, key: str) -> tuple[StudyFolder, ...]:
    """The folders of a list.

    Args:
        listed, folder, key: as for `sdescent.derive.reading.theorem_files.theorem_files`.

    Raises:
        BadInput: it is not such a list, or a folder in which no sweep has ended.
    """
    accepted = f'a list of 1 to {MAX_STUDIES} folders that sdescent sweep wrote, such as ["sweep"]'
    if not isinstance(listed, list) or not all(isinstance(name, str) and name for name in listed):
        raise BadInput(key, written(listed), accepted)
    if not 1 <= len(listed) <= MAX_STUDIES or len(set(listed)) < len(listed):
        raise BadInput(key, f"{len(listed)} folders", f"{accepted}, each once")
    return tuple(_folder(name, folder / name, key) for name in listed)


def _folder(name: str, path: Path, key: str) -> StudyFolder:
    try:
        content = read_regular(path / MANIFEST, _LONGEST, "a manifest")
    except (OSError, ValueError) as error:  # one that is too long among them
        why = error.accepted if isinstance(error, BadInput) else getattr(error, "strerror", "no such name")
        raise BadInput(key, f"{name}, whose {MANIFEST} cannot be read ({why})", _REMEDY) from None
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict) or any(needed not in manifest for needed in _NEEDED):
        raise BadInput(key, f"{name}, whose {MANIFEST} is damaged or of another version", _REMEDY)
    return StudyFolder(name, path, manifest)
