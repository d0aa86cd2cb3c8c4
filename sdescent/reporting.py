"""The report, with what was written as an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from sdescent.derive.reading.problems import read_problem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.assembly.plan import chosen
from sdescent.reports.assembly.report import build_report
from sdescent.reports.store.files import make_folder


@final
@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        tex: the document.
        parts: a folder with each part as a file of its own, for a paper.
        pdf, html: the document as a user reads it; None where TeX or pandoc is missing, which a note says.
        notes: one line for each thing that could not be made.
        statuses: what came out for each check, model and claim, by its name; "FAILS", "refused" and "refuted" are answers no.
        ledger: the claims in groups, each with its status (`sdescent.reports.claims.verdicts`).
        reused: labels of results that were taken from the folder, and not computed.
        seconds: the time it took.
    """

    tex: Path
    parts: Path
    pdf: Path | None
    html: Path | None
    notes: tuple[str, ...]
    statuses: Mapping[str, str]
    ledger: tuple[Mapping[str, Any], ...]
    reused: tuple[str, ...]
    seconds: float


def report(
    spec: str | Path | None = None,
    out: str | Path = "report",
    quick: bool = False,
    only: str | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Report:
    """Writes a report: what is missing is computed, then typeset as report.tex, report.pdf, report.html, parts and figures.

    Args:
        spec: a TOML file with a problem of one's own (docs/command-line.md); None for the report on the claims of the paper.
        out: the folder to write. Results are kept there, and taken from there the next time.
        quick: fewer paths, settings and seeds; the README says how long both take.
        only: one section, such as "theorems"; None for all.
        progress: called with what is being done, and the fraction of the whole that is done.

    Raises:
        BadInput: the specification is not one, or the report has no such section.
        OSError: the specification cannot be read, or the folder cannot be written.

    Example:
        >>> import sdescent as sd
        >>> made = sd.report(only="sde-table", out="tables")
        >>> made.tex.name, made.statuses
        ('report.tex', {})
    """
    problem = None if spec is None else read_problem(spec)
    try:
        chosen(problem, only)
    except BadInput as error:  # which is called as the command line calls it
        raise BadInput("only", error.value, error.accepted) from None
    folder = Path(out)
    make_folder(folder)
    answer = build_report(problem, folder, quick, only, progress or (lambda label, fraction: None))
    files = {kind: Path(path) for kind, path in answer["files"].items()}
    return Report(
        files["tex"], files["parts"], files.get("pdf"), files.get("html"), tuple(answer["notes"]), answer["statuses"],
        tuple(answer["ledger"]), tuple(answer["reused"]), answer["seconds"],
    )  # fmt: skip
