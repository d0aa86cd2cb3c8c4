"""Reading of users' TOML files, of bounded size and with floats kept as written, of the files they list, and of exact numbers."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, final

from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.formulas.text import check_text, written
from sdescent.derive.vocabulary.names import MAX_DIGITS, parse_value
from sdescent.derive.vocabulary.plugin_loading import BrokenPlugin, load

MAX_FILE = 16 * 1024  # bytes
MAX_LINE = 4 * 1024  # bytes; the time to parse a dotted key grows with the square of its length
#: the key that lists Python files with the user's own pieces; their paths are relative to the TOML file
PLUGINS = "plugins"
MAX_PLUGINS = 16
_BOM = b"\xef\xbb\xbf"
_PLACE = re.compile(r"column (\d+)\)")
_KEY = re.compile(r"\s*([^\s=#]+)\s*=")


@final
@dataclass(frozen=True, repr=False)
class Decimal:
    """A float of a TOML file, kept as text so that 0.1 is exactly one tenth."""

    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def read_table(path: str | Path) -> dict[str, Any]:
    """The top-level table of a TOML file, with floats as `Decimal`. Raises as `read_text` and `table_of`."""
    return table_of(read_text(path), Path(path).name)


def read_text(path: str | Path) -> str:
    """The text of a TOML file, with limits on its size and its lines. Raises BadInput, or OSError if it cannot be read."""
    content, name = read_regular(path, MAX_FILE, "a TOML file"), Path(path).name
    longest = max(content.split(b"\n"), key=len)
    if len(longest) > MAX_LINE:
        raise BadInput(name, f"a line of {len(longest)} bytes", f"a TOML file with lines of at most {MAX_LINE} bytes")
    if content.startswith(_BOM):
        raise BadInput(name, "a byte order mark", "a TOML file, which is UTF-8 without one", 1)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(name, f"byte {error.start + 1} that is not UTF-8", "a TOML file, which is UTF-8") from None


def table_of(text: str, name: str) -> dict[str, Any]:
    """The top-level table of the text of a TOML file with this name.

    Raises BadInput if the text is not TOML, is nested too deeply, or has an integer with too many digits.
    """
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(name, text, str(error)) from None
    except RecursionError:
        raise BadInput(name, "values nested too deeply", "a TOML file without tables in tables") from None
    except ValueError as error:  # an integer with more digits than Python reads
        raise BadInput(name, str(error), f"a TOML file with numbers of at most {MAX_DIGITS} digits") from None


def _not_toml(name: str, text: str, why: str) -> BadInput:
    if why.startswith("Cannot overwrite a value"):  # the parser reports only where the second value ends
        lines = [(n, key[1]) for n, line in enumerate(text.split("\n"), 1) if (key := _KEY.match(line))]
        for n, key in lines:
            if any(before == key for m, before in lines if m < n):
                return BadInput(name, f"{key} again in line {n}", "each key once")
    place = _PLACE.search(why)
    return BadInput(name, why, "a TOML file", int(place[1]) if place else None)


def read_keys(path: str | Path, allowed: Sequence[str]) -> dict[str, Any]:
    """Read a TOML file with the allowed keys, and load the Python files that its key `plugins` names.

    Raises BadInput for a file that is not TOML or has other keys; BrokenPlugin; OSError if it cannot be read.
    """
    table = read_table(path)
    check_keys(table, (*allowed, PLUGINS), Path(path).name)
    for name in _plugins(table.pop(PLUGINS, [])):
        load(Path(path).parent / name)
    return table


def check_keys(table: Mapping[str, object], allowed: Sequence[str], place: str, remark: str = "") -> None:
    """Raise BadInput for a key that is not allowed in a table; `remark` follows the accepted keys in the message."""
    for key in table:
        if key not in allowed:
            raise unknown_name(place, key, allowed, f"the keys {', '.join(allowed)}{remark}")


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
    """A context in which errors quote values in the syntax of TOML."""
    try:
        yield
    except BrokenPlugin:
        raise
    except BadInput as error:
        raise BadInput(error.field, written(error.value), error.accepted, error.column) from None


MAX_LISTED = 20
MANIFEST: Final = "manifest.json"
MEASUREMENT: Final = "measurement.json"
#: the format of that file; a change of its content that a reader must know of raises the number
MEASUREMENT_FORMAT: Final = "sdescent-measurement-1"
_LONGEST = 2**24  # the largest size of a manifest, in bytes
_REMEDY = "a folder in which sdescent sweep has ended (the same sweep again writes what is missing or damaged)"
_NEEDED = ("sweep", "axes", "points", "runs", "refused", "bounds", "figures", "digests", "context", "sha256")


@final
@dataclass(frozen=True)
class TheoremFile:
    """A file that states a theorem; `sdescent.derive.theorems.bounds.stated` reads it."""

    name: str  # the name in the specification
    path: Path  # the path of the file
    content: str  # the text of the file, which identifies it

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
    """A folder that `sdescent sweep` wrote."""

    name: str  # the name in the specification
    path: Path  # the path of the folder
    manifest: Mapping[str, Any]  # the content of its manifest, which identifies the sweep and its files

    def to_dict(self) -> dict[str, Any]:
        """The name and a digest of the manifest as JSON."""
        return {"name": self.name, "digest": str(self.manifest["sha256"])[:32]}

    def damaged(self, what: str) -> BadInput:
        """The error for a file that is not as the sweep wrote it."""
        return BadInput("studies", f"{self.name}, where {what} is damaged", _REMEDY)


@final
@dataclass(frozen=True)
class MeasuredFolder:
    """A folder that `sdescent measure` wrote."""

    name: str  # the name in the specification
    answer: Mapping[str, Any]  # the content of its measurement.json

    def to_dict(self) -> dict[str, Any]:
        """The name and a digest of the answer as JSON."""
        content = json.dumps(self.answer, sort_keys=True).encode()
        return {"name": self.name, "digest": hashlib.sha256(content).hexdigest()[:32]}


def theorem_files(listed: object, folder: Path, key: str) -> tuple[TheoremFile, ...]:
    """The theorem files that a specification lists under a key; names are relative to its folder.

    Raises BadInput if the value is not a list of 1 to 20 file names, or a file cannot be read or is not TOML.
    """
    accepted = f'a list of 1 to {MAX_LISTED} TOML files, such as ["mine.toml"]'
    return tuple(_theorem_file(name, folder / name, key) for name in _names(listed, key, accepted, "files"))


def study_folders(listed: object, folder: Path, key: str) -> tuple[StudyFolder, ...]:
    """The folders of sweeps under a key, as for `theorem_files`: 1 to 20, distinct, with readable manifests, else BadInput."""
    accepted = f'a list of 1 to {MAX_LISTED} folders that sdescent sweep wrote, such as ["sweep"]'
    names = _names(listed, key, accepted, "folders")
    return tuple(StudyFolder(n, folder / n, _content(n, folder / n / MANIFEST, key, _NEEDED, _REMEDY)) for n in names)


def measured_folders(listed: object, folder: Path, key: str) -> tuple[MeasuredFolder, ...]:
    """The folders of measurements under a key: 1 to 20, distinct, with readable measurements of this format, else BadInput."""
    accepted = f'a list of 1 to {MAX_LISTED} folders that sdescent measure wrote, such as ["measured"]'
    remedy = "a folder in which this version of sdescent measure has ended"
    needed = ("settings", "population", "points", "fits", "forecast", "assumptions", "figures", "format")
    folders = []
    for name in _names(listed, key, accepted, "folders"):
        content = _content(name, folder / name / MEASUREMENT, key, needed, remedy)
        if content["format"] != MEASUREMENT_FORMAT:
            accepted = f"{MEASUREMENT_FORMAT}, which sdescent measure writes now: measure {name} again"
            raise BadInput(key, f"{MEASUREMENT} of the format {content['format']}", accepted)
        folders.append(MeasuredFolder(name, content))
    return tuple(folders)


def _names(listed: object, key: str, accepted: str, noun: str) -> list[str]:
    if not isinstance(listed, list) or not all(isinstance(name, str) and name for name in listed):
        raise BadInput(key, written(listed), accepted)
    once = noun == "folders"
    if not 1 <= len(listed) <= MAX_LISTED or (once and len(set(listed)) < len(listed)):
        raise BadInput(key, f"{len(listed)} {noun}", f"{accepted}, each once" if once else accepted)
    return listed


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


def _content(name: str, path: Path, key: str, needed: Sequence[str], remedy: str) -> dict[str, Any]:
    """The content of the JSON file of a folder with this name, which must have certain keys."""
    try:
        content = read_regular(path, _LONGEST, "a manifest")
    except (OSError, ValueError) as error:  # also raised for a file that is too long
        why = error.accepted if isinstance(error, BadInput) else getattr(error, "strerror", "no such name")
        raise BadInput(key, f"{name}, whose {path.name} cannot be read ({why})", remedy) from None
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or any(one not in values for one in needed):
        raise BadInput(key, f"{name}, whose {path.name} is damaged or of another version", remedy)
    return values


MOST = 64  # values of a field, unless the field states another limit


def caption(value: object, name: str) -> str:
    """A text of 1 to 200 characters, which is copied and not read."""
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise BadInput(name, value, "a text of 1 to 200 characters")
    return value


def whole(value: object, name: str, low: int, high: int, accepted: str | None = None) -> int | None:
    """An integer from `low` to `high`, given as an int or text; None for None."""
    if value is None:
        return None
    accepted = accepted or f"a whole number from {low} to {high}"
    if isinstance(value, str):
        text = check_text(value, name, accepted).strip(" ")
        value = int(text) if text.isdigit() and len(text) <= len(str(high)) else None
        if value is None:
            raise BadInput(name, text, accepted)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(name, value, accepted)
    return value


def number(value: object, name: str, accepted: str) -> Fraction:
    """An exact number, given as an int, text or a `Decimal`."""
    text = str(value).replace("_", "") if isinstance(value, Decimal) else value
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**MAX_DIGITS:
            raise BadInput(name, value, f"{accepted} of at most {MAX_DIGITS} digits")
        text = str(value)
    if not isinstance(text, str):
        raise BadInput(name, value, accepted)
    text = check_text(text, name, accepted)
    try:
        exact = parse_value(text, name)
    except BadInput as error:
        raise BadInput(name, text, f'{accepted}, such as 0.001 or "1/1000" in quotes', error.column) from None
    if isinstance(exact, str):
        raise BadInput(name, text, accepted)
    return exact


def positive(value: object, name: str) -> Fraction | None:
    """A positive exact number; None for None."""
    if value is None:
        return None
    exact = number(value, name, "an exact number > 0")
    if exact <= 0:
        raise BadInput(name, value, "an exact number > 0")
    return exact


def numbers(value: object, name: str, most: int = MOST) -> tuple[Fraction, ...] | None:
    """The exact numbers of a list of 1 to `most`, or a single one as a tuple; None for None."""
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    if not 1 <= len(listed) <= most:
        raise BadInput(name, f"{len(listed)} values", f"one exact number, or a list of 1 to {most}")
    return tuple(number(item, name, "an exact number, or a list of them") for item in listed)
