"""A cache of figures: each section is drawn once per result; its figures are redrawn only if one is missing or has changed."""

import hashlib
import importlib.metadata
import json
import tempfile
from pathlib import Path
from typing import Any

from sdescent.derive.vocabulary.files import read_regular
from sdescent.reports.sections.base import Section
from sdescent.reports.store.files import write_atomic

#: the folders of a report for files that sections write, besides the parts
FOLDERS = ("figures", "certificates")


def draw(section: Section, result: dict[str, Any], folder: Path, key: str) -> bool:
    """Write the files of a section into the folder of the report, unless those of this result are there.

    Args:
        key: the key of the result, which depends on source and libraries.

    Returns:
        Whether the files were written.
    """
    stamp = folder / "results" / f"drawn-{section.name}.json"
    identity = {"key": key, "matplotlib": importlib.metadata.version("matplotlib")}
    if _unchanged(stamp, identity, folder):
        return False
    files = {}
    stamp.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=stamp.parent) as scratch:  # one each: sections are drawn in parallel
        section.figures(result, Path(scratch) / "figures")
        for path in sorted(path for name in FOLDERS for path in (Path(scratch) / name).glob("*") if path.is_file()):
            name = path.relative_to(scratch).as_posix()
            files[name] = _digest(path)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            path.replace(folder / name)
    write_atomic(stamp, json.dumps({**identity, "files": files}, indent=1, sort_keys=True) + "\n")
    return True


def _unchanged(stamp: Path, identity: dict[str, str], folder: Path) -> bool:
    try:
        record = json.loads(read_regular(stamp))
        files = record.pop("files")
        return record == identity and all(_digest(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(read_regular(path)).hexdigest()
