"""What the command check prints about entries of the catalogue, and what every command prints about a proof."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sdescent.derive.proof.replay import in_words
from sdescent.derive.vocabulary.verdicts import Source, Verdict
from sdescent.reports.commands.report_derive_list import equations


def standing(statement: dict[str, Any], conventions: list[str] | None = None) -> list[str]:
    """The lines that every command prints about a proof; `conventions` defaults to the statement's own."""
    texts = statement["conventions"] if conventions is None else conventions
    return in_words.standing(texts, statement["axioms"], statement["satisfiability"])


def headline(verdict: str, vacuous: bool) -> str:
    """The first line of an answer: the verdict, with a note if the claim holds only vacuously."""
    return verdict + (" (the assumptions contradict each other)" if vacuous else "")


def progress(done: int, total: int, name: str, as_json: bool) -> None:
    if sys.stderr.isatty() and not as_json:
        end = "" if done < total else "\r\x1b[K"
        print(f"\r\x1b[K{done}/{total} {name}" if done < total else "", end=end, file=sys.stderr, flush=True)


def show_catalogue(chosen: Sequence[Any], results: Sequence[dict[str, Any]], detailed: bool) -> None:
    console = Console()
    if detailed:
        for entry, result in zip(chosen, results, strict=True):
            _show_entry(console, entry, result)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "status", "title", "axioms"):
        table.add_column(heading, overflow="fold")
    for result in results:
        good = result["status"] == result["expected"]
        colours = {Verdict.PROVED: "green", Verdict.REFUTED: "magenta"}
        status = f"[{colours.get(result['status'], 'yellow') if good else 'red'}]{result['status']}[/]"
        axioms = ", ".join(result["axioms"]) or "none" if result["status"] == Verdict.PROVED else ""
        table.add_row(result["id"], status, Text(result["title"]), axioms)
    console.print(table)
    counts = Counter(result["status"] for result in results)
    sums = ", ".join(f"{count} {status}" for status, count in counts.items())
    wrong = [r["id"] for r in results if r["status"] != r["expected"]]
    console.print(f"{sums}; " + (f"not as expected: {', '.join(wrong)}" if wrong else "all as expected"), markup=False)
    open_ones = [r["id"] for r in results if r["status"] == Verdict.PROVED and r["satisfiability"] != "shown"]
    if open_ones:
        console.print(f"satisfiability not shown, so these may say nothing: {', '.join(open_ones)}", markup=False)


def _show_entry(console: Any, entry: Any, result: dict[str, Any]) -> None:
    sources = getattr(entry, "sources", {})

    def line(text: str, style: str = "") -> None:
        console.print(Text(text, style=style))

    line(f"{entry.id}  {entry.title}", "bold")
    line(f"source: {entry.source}")
    line(
        headline(result["status"], bool(result["statement"]) and result["statement"]["vacuous"])
        + (f": {result['reason']}" if result["reason"] else ""),
        "green" if result["status"] == entry.expected else "red",
    )
    for one in result.get("verified", ()):
        numbers = f"level {one['level']:.10g}" if one["decision"] else f"{one['failing']} of {one['count']} fail"
        line(f"  {one['subject']}, {one['route']}: {one['verdict']}, {numbers}")
    for quoted in result["quotes"]:
        line(f'  quotes   {quoted["source"]}: "{quoted["words"]}"; it is read as the claim')
    if result["claim"]:
        line(f"  claims   {result['claim']['plain']}")
    for word, part in (("assumes ", "assumptions"), ("declares", "declared"), ("where   ", "definitions")):
        for name in result[part]:
            cited = sources.get(name.partition(": ")[0]) == Source.LITERATURE
            line(f"  {word} {name}" + (f"  [{Source.LITERATURE}]" if cited else ""))
    for step in result["steps"]:
        line(f"  {step['text']}  [{step['rule']}]")
        line(f"      {step['plain']}", "cyan")
    if result["counterexample"]:
        line(f"  at {equations(result['counterexample'])}")
    if result["repair"]:
        line("  " + _mended(result["repair"]), "cyan")
    if result["sharpest"]:
        s = result["sharpest"]
        beyond = f", refuted at {s['refuted']} ({equations(s['witness'])})" if s["refuted"] else ""
        line(f"  {s['constant']}: stated {s['stated']}, certified down to {s['certified']}{beyond}")
    if remark := getattr(entry, "remark", ""):
        line(f"  remark, not checked: {remark}")
    if unused := [name for name in result["unused"] if sources.get(name) != Source.LITERATURE]:
        line(f"  not used: {', '.join(unused)}")
    if result["status"] == Verdict.PROVED:
        for text in standing(result["statement"]):
            line(f"  {text}")
    line("")


def _mended(repair: dict[str, Any]) -> str:
    """The changes with which an entry's claim is proved, and the entry that repairs it, in words."""
    changes = [c["plain"] + (f' in place of "{c["instead"]}"' if c["instead"] else "") for c in repair["changes"]]
    parts = [f"proved with {', '.join(changes)}"] if changes else []
    parts += [f"repaired by {repair['entry']}"] if repair["entry"] else []
    return "; ".join(parts)
