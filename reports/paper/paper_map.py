"""A map of what is publicly known of the two versions of the paper to sections of the report, with computed verdicts."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, final

from sdescent.reports.claims.verdict_of_claim import LOOKS, Judged, plain
from sdescent.reports.document.tex import by_key
from sdescent.reports.sections.base import Inputs, Section


@final
@dataclass(frozen=True)
class Row:
    """Something that a version ("v1", "v2") of the paper contains, and its place here. Texts are LaTeX.

    `here` and `scale` are the sections that answer it and at which scale, `claims` the ids ("*" stands for any characters) whose
    verdicts do; `why` is the reason why it is not reproduced, in place of these.
    """

    version: str
    place: str
    what: str
    here: tuple[str, ...] = ()
    scale: str = ""
    claims: tuple[str, ...] = ()
    why: str = ""

    def __post_init__(self) -> None:
        if bool(self.why) == bool(self.claims) or bool(self.claims) != bool(self.here and self.scale):
            raise ValueError(f"{self.version}, {self.place}: claims with sections and scale, or a reason, and not both")


@final
@dataclass(frozen=True)
class Difference:
    """A difference between the versions, as LaTeX."""

    topic: str
    v1: str
    v2: str


def read_map(path: Path) -> tuple[tuple[Row, ...], tuple[Difference, ...]]:
    """Rows and differences of a file like map.toml. ValueError for a row with neither or both, claims and a reason; TypeError."""
    tables = plain(tomllib.loads(path.read_text(encoding="utf-8")))
    return tuple(Row(**row) for row in tables["row"]), tuple(Difference(**one) for one in tables["difference"])


ROWS, DIFFERENCES = read_map(Path(__file__).with_name("map.toml"))


def answered(row: Row, judged: Judged) -> dict[str, list[str]]:
    """The verdicts on the claims of a row, in words, each with the ids of the claims that have it."""
    ids = (id for id in judged.claims if any(fnmatchcase(id, pattern) for pattern in row.claims))
    return by_key((LOOKS[judged.verdict(id)].words, id) for id in ids)


@final
class PaperMap(Section):
    """What both versions contain, where this report answers it, and how they differ."""

    name, title = "map", "What the paper contains, and where it is here"

    def compute(self, context: Inputs) -> dict[str, Any]:
        rows = [{**vars(row), "verdicts": list(answered(row, context.judged).items())} for row in ROWS]
        return {"rows": rows, "differences": [vars(d) for d in DIFFERENCES]}
