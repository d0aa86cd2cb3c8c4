"""A section of the report: its results are computed and stored, and its LaTeX is a function of the results alone."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sdescent.derive.vocabulary.errors import Refusal
from sdescent.reports.claims.verdict_of_claim import Judged
from sdescent.reports.store.cache import ResultsCache
from sdescent.reports.store.files import write_atomic


@dataclass(frozen=True)
class Inputs:
    """Everything that a section may read.

    `problem` is the user's own, or None for the report on the paper's claims. `tick` is called with a label as work proceeds.
    `results` are those of the sections that this one needs (`sdescent.reports.assembly.plan`), which it can refer to if the
    document has them too (`whole`); `data` the folders of the user's data sets; `judged` the verdicts on the claims, if needed.
    """

    quick: bool
    problem: Any
    cache: ResultsCache
    tick: Callable[[str], None]
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    whole: bool = True
    data: Mapping[str, str] = field(default_factory=dict)
    judged: Judged = field(default_factory=Judged)

    @property
    def size(self) -> str:
        """The key of the sizes to use: "quick" or "full"."""
        return "quick" if self.quick else "full"

    def announced(self, items: Iterable[Any], label: Callable[[Any], str]) -> Iterator[Any]:
        """The items one by one; the label of each is announced before it is used."""
        for item in items:
            self.tick(label(item))
            yield item


#: the count for items that a quick report leaves out altogether
NONE = "no"


def reduced(quick: Any, full: Any, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The reductions of a quick report compared with the full one, such as ("64 of 200", "seeds") or ("no", "equations").

    Args:
        quick, full: dataclasses, or mappings with the same keys. Tuples are compared by length, or number by number if the lengths
            are equal. None stands for all, or for nothing if the full value is itself a dataclass or a mapping.
        words: the things that each entry counts; "" for an entry that does not concern the reader. For an entry that is a
            dataclass, its own reductions follow the word in brackets, without a count before it.

    Raises:
        KeyError: an entry that differs has no word.
    """
    less, more = _entries(quick), _entries(full)
    lines: list[tuple[str, str]] = []
    for name, whole in more.items():
        part = less[name]
        if part == whole or not words[name]:
            continue
        if isinstance(whole, Mapping):
            inside = "" if part is None else ", ".join(map(line_of, reduced(part, whole, words)))
            lines.append(("", f"{words[name]} ({inside})") if inside else (NONE, words[name]))
            continue
        if isinstance(whole, (tuple, list)) and len(part) == len(whole):
            pairs = [f"{a} of {b}" for a, b in zip(part, whole, strict=True) if a != b]
            lines.append((" and ".join(pairs), words[name]))
            continue
        a, b = (len(v) if isinstance(v, (tuple, list)) else v for v in (part, whole))
        lines.append((NONE if a == 0 else f"{a} of {'all' if b is None else b}", words[name]))
    return lines


def line_of(less: Sequence[str]) -> str:
    """An entry of `reduced` as text."""
    return " ".join(less).strip()


def reduced_sections(sections: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The reduced sections of a quick report: a line for each reduction, and the items left out altogether."""
    return [
        {
            "name": name.replace("-", " "), "lines": [line_of(less) for less in section["left_out"]],
            "none": [what for count, what in section["left_out"] if count == NONE],
        }
        for name, section in sections.items() if section.get("left_out")
    ]  # fmt: skip


def _entries(settings: Any) -> Mapping[str, Any]:
    return settings if isinstance(settings, Mapping) else asdict(settings)


def computed(
    items: Iterable[Any], compute: Callable[[Any], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The results of the items whose data are installed, and for each of the others its title and the reason in words."""
    results: list[dict[str, Any]] = []
    missing: list[dict[str, str]] = []
    for item in items:
        try:
            results.append(compute(item))
        except Refusal as refusal:
            missing.append({"title": item.title, "why": refusal.marked})
    return results, missing


class Section(ABC):
    """One part of the report: parts/<name>.tex, made from templates/parts/<name>.tex."""

    #: file name of the part, and its name for --only
    name: str
    #: heading
    title: str
    #: pieces that can be computed separately, the longest first; empty for a section that is computed as a whole
    pieces: tuple[str, ...] = ()

    def prepare(self, piece: str, context: Inputs) -> None:
        """Compute and store what `compute` needs for one of `pieces`, to be found in the cache. Refusal for data not installed."""
        raise NotImplementedError(f"{self.name} has no pieces")

    @abstractmethod
    def compute(self, context: Inputs) -> dict[str, Any]:
        """The results, as JSON values and arrays.

        "statuses" holds the checks. "evidence" holds the evidence for claims (`sdescent.reports.claims.verdict_of_claim`) by key,
        each piece as returned by `sdescent.reports.claims.evidence.evidence`. "meanings" gives the meaning of the user's symbols,
        "here" the meaning of standard symbols in this document, and "memory" the letters of a rule's memory. "left_out" lists the
        reductions of a quick report (`reduced`): its first page shows the items left out altogether, its last section all.
        """

    def beside(self, result: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Further fields of the template besides its own `result`, from the `results` of all sections in the document, by name."""
        return {}

    def figures(self, result: dict[str, Any], folder: Path) -> None:  # noqa: B027 - most sections have none
        """Write the section's figures into `folder`, as PDF and SVG."""


class Excerpt(Section):
    """A section that shows parts of the results of another one, `source`."""

    source: str
    keys: tuple[str, ...]

    def compute(self, context: Inputs) -> dict[str, Any]:
        return {key: context.results[self.source][key] for key in self.keys}


class Certified(Section):
    """A section without figures whose entries may have certificates, in the folder `certificates` beside the figures'."""

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        for entry in result["entries"]:
            if entry["certificate"]:
                write_atomic(folder.parent / "certificates" / f"{entry['id']}.cert.json", entry["certificate"])
