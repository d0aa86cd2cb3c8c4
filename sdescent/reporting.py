"""The function `report`, and `Report`, the object that it returns."""

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
        parts: a folder with each part in its own file, for a paper.
        pdf, html: the document in readable form; None if TeX or pandoc is missing, in which case a note says so.
        details: the second PDF of the report on the paper, with everything that is not in its main text; the page has both.
        notes: a line for each file or result that could not be made.
        statuses: the outcome of each check, model and claim, by name; "FAILS", "refused", "refuted", "contradicted" are negative.
        ledger: the claims in groups, each with its status (`sdescent.reports.claims.verdict_of_claim`).
        reused: the labels of results that were taken from the folder instead of being computed.
        seconds: the time that the report took.
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
    details: Path | None = None


def report(
    spec: str | Path | None = None,
    out: str | Path = "report",
    quick: bool = False,
    only: str | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Report:
    """Write a report: compute missing results and typeset them as report.tex, report.pdf, report.html, parts and figures.

    The report on the paper has its main text in report.pdf and the rest in details.pdf; report.html has both.

    Args:
        spec: a TOML file with a problem of your own (docs/command-line.md); None for the report on the claims of the paper.
        out: the folder to write. Results are kept there and reused the next time.
        quick: whether to use fewer paths, settings and seeds; the README gives the times of both versions.
        only: one section, such as "theorems"; None for all sections.
        progress: called with the label of the current task and the fraction of all the work that is done.

    Raises:
        BadInput: the specification is not valid, or the report has no such section.
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
    except BadInput as error:  # its field is the name of the command-line option
        raise BadInput("only", error.value, error.accepted) from None
    folder = Path(out)
    make_folder(folder)
    answer = build_report(problem, folder, quick, only, progress or (lambda label, fraction: None))
    files = {kind: Path(path) for kind, path in answer["files"].items()}
    return Report(
        files["tex"], files["parts"], files.get("pdf"), files.get("html"), tuple(answer["notes"]), answer["statuses"],
        tuple(answer["ledger"]), tuple(answer["reused"]), answer["seconds"],
        files.get("details"),
    )  # fmt: skip
