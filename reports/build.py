"""Write a report: results are computed or taken from the cache, then typeset; the document is a function of the results."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from reports.cache import ResultsCache
from reports.files import write_atomic
from reports.html import HtmlAbsent, tex_to_html
from reports.notation import Notation, macro, prose
from reports.plan import SECTIONS, Plan
from reports.portable import FITTING, portable, with_macros
from reports.sections.section import Context, Section
from reports.tex import Tex, TexAbsent, compile_tex, environment

TITLE = "Stochastic differential equations of distributed optimisers"


def build_report(
    problem: Any, folder: Path, quick: bool, only: str | None, progress: Callable[[str, float], None]
) -> dict[str, Any]:
    """Compute what is missing and write report.tex, parts/, figures/, report.html and report.pdf into `folder`.

    Args:
        problem: the user's own problem, or None for the report on everything built in.
        quick: fewer paths and settings.
        only: one section, or None for all.
        progress: called with a label and the fraction done.

    Returns:
        {"files": {kind: path}, "notes": [one line for each thing that could not be made], "seconds", "reused", "statuses"}.

    Raises:
        BadInput: an unknown section.
        OSError: the folder cannot be written.
    """
    started = time.monotonic()
    plan = Plan(problem, quick, only)
    cache = ResultsCache(folder / "results")
    asked = {"quick": quick, "problem": None if problem is None else problem.to_dict()}
    notation, parts, statuses = Notation(), [], {}
    env = environment(tex=Tex, prose=prose)
    env.globals["macro"] = lambda name: Tex(macro(name))
    for name in plan.names:
        section, announced = _section(name), count()

        def tick(label: str, name: str = name, announced: Iterator[int] = announced) -> None:
            progress(label, plan.finished(name, next(announced)))

        tick(section.title)
        context = Context(quick, problem, cache, tick)
        result = cache.load_or_compute(name, asked, lambda s=section, c=context: s.compute(c))
        section.figures(result, folder / "figures")
        notation.describe(result.get("meanings", {}), result.get("here", {}))
        statuses |= result.get("statuses", {})
        part = with_macros(env.get_template(f"parts/{name}.tex").render(**result))
        notation.read(part)
        write_atomic(folder / "parts" / f"{name}.tex", portable(part))
        parts.append({"name": name, "title": section.title, "file": name})
    groups = [
        {
            "title": title,
            "narrow": notation.narrow(command for command, _ in rows),
            "rows": [{"symbol": Tex(command), "meaning": Tex(meaning)} for command, meaning in rows],
        }
        for title, rows in notation.groups().items()
    ]
    write_atomic(folder / "parts" / "macros.tex", FITTING + notation.macros())
    table = env.get_template("parts/notation.tex").render(groups=groups)
    write_atomic(folder / "parts" / "notation.tex", portable(table))
    parts.insert(0, {"name": "notation", "title": "Notation", "file": "notation"})
    main = folder / "report.tex"
    text = env.get_template("report.tex").render(
        title=TITLE,
        version=importlib.metadata.version("sdescent"),
        date=date.today().isoformat(),
        parts=parts,
        abstract=_abstract(quick, problem, statuses),
    )
    write_atomic(main, text)
    progress("typesetting", plan.finished(None))
    files, notes = {"tex": str(main), "parts": str(folder / "parts")}, []
    _typeset(main, files, notes)
    progress("done", 1.0)
    return {
        "files": files,
        "notes": notes,
        "statuses": statuses,
        "reused": sorted(cache.reused),
        "seconds": round(time.monotonic() - started, 1),
    }


def _section(name: str) -> Section:
    module, kind = SECTIONS[name]
    return getattr(import_module(module), kind)()


def _abstract(quick: bool, problem: Any, statuses: dict[str, str]) -> str:
    about = "everything built in" if problem is None else "one problem of your own"
    size = "a quick run" if quick else "the full run"
    failed = [name for name, status in statuses.items() if status in ("FAILS", "refused")]
    if not statuses:
        verdict = ""
    elif problem is not None:
        verdict = f" Of the models asked for {len(failed)} do not exist: {', '.join(failed)}." if failed else ""
    elif failed:
        verdict = f" Of {len(statuses)} checks {len(failed)} failed: {', '.join(failed)}."
    else:
        verdict = f" All {len(statuses)} checks hold."
    return f"This report is about {about}; it is {size}.{verdict} Every formula in it was derived when it was written."


def _typeset(main: Path, files: dict[str, str], notes: list[str]) -> None:
    compiled = compile_tex(main)
    if isinstance(compiled, TexAbsent):
        notes.append(compiled.message)
    else:
        if compiled.pdf is not None:
            files["pdf"] = str(compiled.pdf)
        notes += [f"TeX: {e}" for e in (*compiled.errors, *compiled.undefined)]
        notes += [f"TeX: a box is {box.points:.0f} pt too wide: {box.where}" for box in compiled.overfull]
    page = tex_to_html(main)
    if isinstance(page, HtmlAbsent):
        notes.append(page.message)
    else:
        if page.html is not None:
            files["html"] = str(page.html)
        notes += [f"HTML: {w}" for w in page.warnings]
