"""Writing a report: results are computed or loaded from the cache, then typeset. The document depends only on the results."""

import importlib.metadata
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sdescent.derive.vocabulary.plugin_loading import elsewhere
from sdescent.reports.assembly.plan import Plan, section_of
from sdescent.reports.assembly.section_processes import compute, draw, folders_of, load_or_compute
from sdescent.reports.claims.claims_file import NAME, claims_file, page_section, support_graph
from sdescent.reports.claims.verdict_of_claim import Judged, Results
from sdescent.reports.document.html import tex_to_html
from sdescent.reports.document.notation import Notation, macro, prose
from sdescent.reports.document.pdf import Absent, compile_together
from sdescent.reports.document.portable import FITTING, labels, portable, with_macros
from sdescent.reports.document.tex import Tex, environment
from sdescent.reports.sections.base import Inputs, Section
from sdescent.reports.sections.first_page_layout import ledger_of
from sdescent.reports.store.cache import ResultsCache, damaged_note
from sdescent.reports.store.files import write_atomic

#: the parts on the title page
FRONT = ("page-one", "ledger")


def build_report(
    problem: Any, folder: Path, quick: bool, only: str | None, progress: Callable[[str, float], None],
    data: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Compute missing results, and write report.tex, parts/, figures/, claims.json, report.html and report.pdf into `folder`.

    If the contents say so, details.tex and details.pdf have the appendix, and report.html has all.

    Args:
        problem: the user's own problem, or None for the report on the paper's claims.
        quick: whether to use fewer paths and settings.
        only: one section, or None for all.
        progress: called with a label and the completed fraction of the work.
        data: the user's data sets by name, each with its "folder" and a "digest" of its contents.

    Returns:
        {"files": {kind: path}, "notes": [one line for each failure], "seconds", "reused", "statuses",
        "ledger": groups of claims (`sdescent.reports.claims.verdict_of_claim`)}.

    Raises:
        BadInput: the report has no section called `only`.
        OSError: the folder cannot be written.
    """
    started = time.monotonic()
    plan = Plan(problem, quick, only, progress)
    entries = plan.contents.sections
    cache = ResultsCache(folder / "results")
    spec = {
        "quick": quick,
        "problem": None if problem is None else problem.to_dict(),
        **({"data": data} if data else {}),
    }
    sections = {name: section_of(name, problem) for name in plan.computed}
    absent = [n for n in plan.computed if not entries[n].needs and not cache.path(n, spec).exists()]
    # other processes would lack pieces that exist only in this one
    together = absent if problem is None and len(absent) > 1 and elsewhere() is not None else []
    reused, damaged = compute(together, cache.folder, spec, plan) if together else ([], [])
    results: dict[str, dict[str, Any]] = {}

    @lru_cache(None)
    def judged() -> Judged:
        return Judged(plan.contents.groups, Results.of(results))

    for name in plan.computed:  # sections that need others come last
        if name not in together:
            plan.tick(name, sections[name].title)
        needs, tick = entries[name].needs, partial(plan.tick, name)
        needed = {other: results[other] for other in needs if other in results}
        verdicts = judged() if needs else Judged()
        context = Inputs(quick, problem, cache, tick, needed, only is None, folders_of(spec), verdicts)
        results[name] = sections[name].compute(context) if needs else load_or_compute(sections[name], context, spec)
        plan.end(name)
    for name in plan.names:
        if entries[name].needs:
            sections[name].figures(results[name], folder / "figures")
        else:
            draw(sections[name], results[name], folder, cache.path(name, spec).name)
    notation, parts = _parts(sections, {name: results[name] for name in plan.names}, folder, whole=only is None)
    apart = plan.contents.details and only is None
    main = [p for p in parts if p["name"] not in FRONT and not entries[p["name"]].appendix]
    appendix = [p for p in parts if entries[p["name"]].appendix]
    fields = {
        "title": plan.contents.title, "version": importlib.metadata.version("sdescent"), "date": date.today().isoformat(),
        "letters": problem is None, "front": [p for p in parts if p["name"] in FRONT],
        "parts": main if apart else notation + main, "appendix": notation + appendix if apart else appendix,
    }  # fmt: skip
    documents = {"report": "details", "details": "report"} if apart else {"report": ""}
    for name, companion in documents.items():
        text = environment(tex=Tex).get_template("report.tex").render(**fields, document=name, companion=companion)
        write_atomic(folder / f"{name}.tex", text)
    with_results = ledger_of(judged())
    stored = {name: cache.path(name, spec).name for name in plan.computed if not entries[name].needs}
    # a whole report has all claims, also those about which it has no results
    groups = judged().ledger if only is None else with_results
    claims = claims_file(plan.contents.title, quick, groups, judged().results, cache.context, stored)
    write_atomic(folder / NAME, claims.to_json())
    progress("typesetting", plan.fraction)
    files = {"tex": str(folder / "report.tex"), "parts": str(folder / "parts"), "claims": str(folder / NAME)}
    again = sorted({*cache.damaged, *damaged})
    notes = [damaged_note(again)] if again else []
    whole = only is None and claims.claims
    extra = page_section(support_graph(claims, paragraphs="claims" in plan.names)) if whole else None
    _typeset([folder / f"{name}.tex" for name in documents], extra, files, notes)
    progress("done", 1.0)
    return {
        "files": files,
        "notes": notes,
        "statuses": {k: s for name in plan.computed for k, s in results[name].get("statuses", {}).items()},
        "ledger": with_results,
        "reused": sorted({*cache.reused, *reused} - {*together}),
        "seconds": round(time.monotonic() - started, 1),
    }


def _parts(
    sections: Mapping[str, Section], results: Mapping[str, dict[str, Any]], folder: Path, whole: bool = True
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Write the parts, and return the part with the notation and the parts of the sections."""
    notation, texts = Notation(), {}
    env = environment(tex=Tex, prose=prose)
    env.globals["macro"] = lambda name: Tex(macro(name))
    env.globals["whole"] = whole
    for name, result in results.items():
        notation.describe(result.get("meanings", {}), result.get("here", {}), result.get("memory", ()))
        beside = sections[name].beside(result, results)
        texts[name] = with_macros(env.get_template(f"parts/{name}.tex").render(**result, **beside))
        notation.read(texts[name])
    owners = {label: sections[name].title for name, text in texts.items() for label in (f"sec:{name}", *labels(text))}
    for name, text in texts.items():
        write_atomic(folder / "parts" / f"{name}.tex", portable(text, owners, wide=name in FRONT))
    parts = [{"name": name, "title": sections[name].title, "file": name} for name in texts]
    groups = [
        {
            "title": title,
            "narrow": notation.narrow(command for command, _ in rows),
            "rows": [{"symbol": Tex(command), "meaning": Tex(meaning)} for command, meaning in rows],
        }
        for title, rows in notation.groups().items()
    ]
    write_atomic(folder / "parts" / "macros.tex", notation.macros() + FITTING)
    table = portable(env.get_template("parts/notation.tex").render(groups=groups))
    write_atomic(folder / "parts" / "notation.tex", table)
    return [{"name": "notation", "title": "Notation", "file": "notation"}], parts


def _typeset(documents: Sequence[Path], extra: tuple[str, str] | None, files: dict[str, str], notes: list[str]) -> None:
    """Make the PDF of each document, and the page of the first one, which has the contents of all."""
    with ThreadPoolExecutor(1) as beside:  # at the same time: both wait for programs that only read the files
        page = beside.submit(tex_to_html, documents[0], extra=extra)
        compiled = compile_together(documents)
    if isinstance(compiled, Absent):
        notes.append(compiled.message)
    else:
        for kind, result in zip(("pdf", "details"), compiled, strict=False):
            if result.pdf is not None:
                files[kind] = str(result.pdf)
            notes += [f"TeX: {e}" for e in (*result.errors, *result.undefined)]
            notes += [f"TeX: a box is {box.points:.0f} pt too wide: {box.where}" for box in result.overfull]
    web = page.result()
    if isinstance(web, Absent):
        notes.append(web.message)
    else:
        if web.html is not None:
            files["html"] = str(web.html)
        notes += [f"HTML: {w}" for w in web.warnings]
