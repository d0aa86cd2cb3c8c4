"""The commands check, claim, replay and export; each returns the exit status of the command line's contract."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdescent.derive.vocabulary.errors import BadInput, Refusal, unknown_name
from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.plugins import named
from sdescent.derive.vocabulary.verdicts import EXIT_STATUS, Verdict
from sdescent.reports.claims.evidence import REPORT
from sdescent.reports.commands.answers import output_file, path_of, print_json
from sdescent.reports.commands.statements import headline, standing, stated, stated_by
from sdescent.reports.store.files import make_folder, one_line, write_atomic

INVALID, UNREADABLE = 1, 2
#: of `claim`: seconds for one claim
SECONDS = 10.0
#: the most that an option may ask for
MAX_SECONDS = 600
MAX_CERTIFICATE = 50_000_000


def check(ids: Sequence[str] | None, certificates: str | None, verify: bool, as_json: bool) -> int:
    """`sdescent check`: 0, or 1 if a status differs from the expected one, or 4 if one is CONTRADICTED.

    Args:
        verify: whether to compare the entries with numbers as well.

    Raises:
        BrokenPlugin: a theorem of the user's own has an id that is taken.
        BadInput: an id that the catalogue does not have.
        OSError: the folder for certificates cannot be written.
    """
    from sdescent.derive.proof.kernel.certificate import dumps
    from sdescent.derive.theorems.catalogue import with_own
    from sdescent.derive.theorems.entry.checking import check as check_entry

    known, ids = with_own(), ids or ()
    unknown = next((i for i in ids if i not in known), None)
    if unknown is not None:
        raise unknown_name("ID", unknown, known, "ids of the catalogue, such as " + ", ".join([*known][:6]))
    chosen = [known[i] for i in dict.fromkeys(ids)] or list(known.values())
    folder = None if certificates is None else path_of(certificates, "--certificates")
    if folder is not None:
        make_folder(folder)
    results, good = [], True
    for number, entry in enumerate(chosen):
        _progress(number, len(chosen), one_line(entry.id), as_json)
        found = check_entry(entry)
        good = good and found.as_expected
        path, statement = None, stated_by(found)
        if folder is not None and found.certificate is not None:
            path = folder / f"{entry.id}.cert.json"
            write_atomic(path, dumps(found.certificate))
        result = {
            "id": entry.id,
            "title": entry.title,
            "status": found.status,
            "expected": entry.expected,
            "axioms": [] if statement is None else statement["axioms"],
            "assumptions": _named(entry, found.assumptions),
            "definitions": _named(entry, found.definitions),
            "declared": [declared["text"] for declared in found.declared],
            "statement": statement,
            "claim": None if found.statement is None else found.statement.to_dict(),
            "quotes": [{"words": q.words, "source": q.source} for q in entry.quotes],
            "satisfiability": "not shown" if statement is None else statement["satisfiability"],
            "steps": list(found.steps),
            "certificate": None if path is None else str(path),
            "unused": list(found.unused),
            "counterexample": dict(found.counterexample),
            "reason": found.reason,
            "repair": dict(found.repair) if found.repair else None,
            "sharpest": _sharpest(entry) if ids else None,
            "seconds": round(found.seconds, 3),
        }
        if verify:
            result |= _against(entry, result)
        results.append(result)
    _progress(len(chosen), len(chosen), "", as_json)
    if as_json:
        print_json({"results": results, **named()})
    else:
        _show_catalogue(chosen, results, detailed=bool(ids))
    against = any(result["status"] == Verdict.CONTRADICTED for result in results)
    return EXIT_STATUS[Verdict.CONTRADICTED] if against else 0 if good else 1


def _against(entry: Any, result: dict[str, Any]) -> dict[str, Any]:
    """An entry compared with numbers; what is proved of the SDE is not contradicted by the method, which it does not cover."""
    from sdescent.numerics.evidence.checks.result import contradicting
    from sdescent.numerics.evidence.verify import verify

    found = verify(entry.id)
    told: dict[str, Any] = {
        "verified": [one.measured | {"verdict": one.verdict.value} for one in found],
        "contradiction": None,
    }
    about = "method" if all(one.subject == "method" for one in found) else "SDE"
    against = contradicting(found, about)
    if result["status"] != Verdict.PROVED or not against:
        return told
    both = {
        "proved": result["statement"],
        "certificate": result["certificate"],
        "measured": [one.measured for one in against],
    }
    return told | {"status": Verdict.CONTRADICTED.value, "reason": REPORT, "contradiction": {**both, "report": REPORT}}


def _named(entry: Any, relations: Sequence[tuple[str, Any]]) -> list[str]:
    """Relations with their names, as plain text."""
    from sdescent.derive.proof.language.text import Printer

    plain = Printer(getattr(entry, "context", None))  # a refutation has none
    return [f"{name}: {plain.relation(relation)}" for name, relation in relations]


def _sharpest(entry: Any) -> dict[str, Any] | None:
    """The least value of a stated constant that is certified, and a refutation just below it."""
    from sdescent.derive.theorems.sharpen import sharpest

    found = sharpest(entry)
    if found is None:
        return None
    return {
        "constant": found.constant.name,
        "stated": str(found.constant.stated),
        "certified": str(found.certified),
        "refuted": None if found.refuted is None else str(found.refuted),
        "witness": {name: str(value) for name, value in found.witness.items()},
    }


def _progress(done: int, total: int, name: str, as_json: bool) -> None:
    if sys.stderr.isatty() and not as_json:
        end = "" if done < total else "\r\x1b[K"
        print(f"\r\x1b[K{done}/{total} {name}" if done < total else "", end=end, file=sys.stderr, flush=True)


def _show_catalogue(chosen: Sequence[Any], results: Sequence[dict[str, Any]], detailed: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

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
        colour = (
            {Verdict.PROVED: "green", Verdict.REFUTED: "magenta"}.get(result["status"], "yellow") if good else "red"
        )
        axioms = ", ".join(result["axioms"]) or "none"
        table.add_row(
            result["id"],
            f"[{colour}]{result['status']}[/]",
            Text(result["title"]),
            axioms if result["status"] == Verdict.PROVED else "",
        )
    console.print(table)
    counts: dict[str, int] = {}
    for result in results:
        counts[result["status"]] = counts.get(result["status"], 0) + 1
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    wrong = [r["id"] for r in results if r["status"] != r["expected"]]
    console.print(f"{said}; " + (f"not as expected: {', '.join(wrong)}" if wrong else "all as expected"), markup=False)
    open_ones = [r["id"] for r in results if r["status"] == Verdict.PROVED and r["satisfiability"] != "shown"]
    if open_ones:
        console.print(f"satisfiability not shown, so that they may say nothing: {', '.join(open_ones)}", markup=False)


def _show_entry(console: Any, entry: Any, result: dict[str, Any]) -> None:
    from rich.text import Text

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
        numbers = (
            f"{one['failing']} of {one['count']} fail" if one["decision"] is None else f"level {one['level']:.10g}"
        )
        line(f"  {one['subject']}, {one['route']}: {one['verdict']}, {numbers}")
    for quoted in result["quotes"]:
        line(f'  quotes   {quoted["source"]}: "{quoted["words"]}"; it is read as the claim')
    if result["claim"]:
        line(f"  claims   {result['claim']['plain']}")
    for name in result["assumptions"]:
        line(f"  assumes  {name}")
    for name in result["declared"]:
        line(f"  declares {name}")
    for name in result["definitions"]:
        line(f"  where    {name}")
    for step in result["steps"]:
        line(f"  {step['text']}  [{step['rule']}]")
        line(f"      {step['plain']}", "cyan")
    if result["counterexample"]:
        line("  at " + ", ".join(f"{k} = {v}" for k, v in result["counterexample"].items()))
    if result["repair"]:
        line("  " + _mended(result["repair"]), "cyan")
    if result["sharpest"]:
        s = result["sharpest"]
        at = ", ".join(f"{name} = {value}" for name, value in s["witness"].items())
        beyond = f", refuted at {s['refuted']} ({at})" if s["refuted"] else ""
        line(f"  {s['constant']}: stated {s['stated']}, certified down to {s['certified']}{beyond}")
    if result["unused"]:
        line(f"  not used: {', '.join(result['unused'])}")
    if result["status"] == Verdict.PROVED:
        for said in standing(result["statement"]):
            line(f"  {said}")
    line("")


def claim(file: str, certificate: str | None, no_repair: bool, repair_seconds: str, as_json: bool) -> int:
    """`sdescent claim`: 0 PROVED or DECIDED, 1 REFUTED, 3 UNDECIDED.

    Args:
        no_repair, repair_seconds: whether and how long to look for repairs of a claim that is refuted.

    Raises:
        BadInput: in the file, or the seconds.
        OSError: it cannot be read, or the certificate cannot be written.
    """
    from sdescent.derive.proof.kernel.certificate import dumps
    from sdescent.derive.proof.repair.apart import prove_apart, repairs_apart
    from sdescent.derive.proof.replay.check import replay_object
    from sdescent.derive.proof.replay.in_words import satisfiable
    from sdescent.derive.reading.claims import read_claim

    path = path_of(file, "FILE.toml")
    seconds = None if no_repair else seconds_of(repair_seconds, "--repair-seconds")
    asked = read_claim(path)
    written = (
        path.with_name(path.stem + ".cert.json") if certificate is None else output_file(certificate, "--certificate")
    )
    found = prove_apart(asked, SECONDS)
    status, point = found["status"], found["counterexample"]
    repairs = repairs_apart(asked, seconds) if status == Verdict.REFUTED and seconds is not None else None
    proof = found["certificate"]
    statement = None if proof is None else stated(replay_object(proof))
    if proof is None:
        written = None
    else:
        write_atomic(written, dumps(proof))
    if as_json:
        print_json(
            {
                "verdict": status,
                "counterexample": point,
                "certificate": None if written is None else str(written),
                "vacuous": found["vacuous"],
                "satisfiability": found["satisfiability"],
                "statement": statement,
                "seconds": round(found["seconds"], 3),
                "repairs": repairs,
            }
        )
    else:
        print(headline(status, found["vacuous"]))
        if point:
            print("at " + ", ".join(f"{name} = {value}" for name, value in point.items()))
        if found["reason"]:
            print(one_line(found["reason"], 500))
        for line in (
            standing(statement)
            if statement
            else satisfiable(found["satisfiability"])
            if status == Verdict.DECIDED
            else ()
        ):
            print(one_line(line, 10_000))
        if written is not None:
            print(f"certificate: {one_line(str(written), 10_000)}")
        for repair in repairs or ():
            print(one_line(f"repair: {repair['text']}", 2000))
            print(one_line(f"    {repair['claim']}", 2000))
        if repairs == []:
            print("no repair was found among the constants and the additional hypotheses that are tried")
    return EXIT_STATUS[status]


def _mended(repair: dict[str, Any]) -> str:
    """The change with which the claim of an entry holds, and the entry that repairs it."""
    changes = [c["plain"] + (f' in place of "{c["instead"]}"' if c["instead"] else "") for c in repair["changes"]]
    parts = [f"proved with {', '.join(changes)}"] if changes else []
    parts += [f"repaired by {repair['entry']}"] if repair["entry"] else []
    return "; ".join(parts)


def seconds_of(text: str, field: str) -> float:
    """The seconds of an option.

    Raises:
        BadInput: it is not a number above 0, up to `MAX_SECONDS`.
    """
    from sdescent.derive.vocabulary.names import parse_value

    value = parse_value(text, field)
    if isinstance(value, str) or not 0 < value <= MAX_SECONDS:
        raise BadInput(field, text, f"a number above 0, up to {MAX_SECONDS}")
    return float(value)


def replay(certificate: str, as_json: bool) -> int:
    """`sdescent replay`: 0 valid, 1 invalid, 2 unreadable.

    Raises:
        BadInput, OSError: the file cannot be read.
    """
    from sdescent.derive.proof.replay.check import Invalid, Unreadable, describe
    from sdescent.derive.proof.replay.check import replay as check_again

    text = _read(path_of(certificate, "CERTIFICATE.json"))
    try:
        found = check_again(text)
    except (Invalid, Unreadable) as error:
        status = INVALID if isinstance(error, Invalid) else UNREADABLE
        kind = "invalid" if status == INVALID else "unreadable"
        if as_json:
            print_json({"valid": False, "error": f"{kind}: {error}", "step": getattr(error, "step", None)})
        else:
            print(one_line(f"{kind}: {error}", 1000))
        return status
    if as_json:
        print_json(
            {
                "valid": True,
                **stated(found),
                "title": found.title,
                "rechecked": found.rechecked,
                "trusted": found.trusted,
            }
        )
    else:
        for line in describe(found):
            print(one_line(line, 10_000))
    return 0


def export(certificate: str, out: str, as_json: bool) -> int:
    """`sdescent export`: writes the proof for Rocq; 0, 1 for a certificate that is not valid, 2 for one that cannot be read.

    Raises:
        BadInput, OSError: the certificate cannot be read, or the output file cannot be written.
        Refusal: the certificate is valid and has no proof for Rocq here.
    """
    from sdescent.derive.proof.replay.check import Invalid, Unreadable
    from sdescent.derive.proof.replay.check import replay as check_again
    from sdescent.derive.proof.rocq.export import translated
    from sdescent.derive.proof.rocq.notation import ExportError
    from sdescent.derive.proof.rocq.script import ASSUMED, PREMISES

    text = _read(path_of(certificate, "CERTIFICATE.json"))
    target = output_file(out, "-o")
    try:
        check_again(text)
    except (Invalid, Unreadable) as error:
        status = INVALID if isinstance(error, Invalid) else UNREADABLE
        said = one_line(f"{'invalid' if status == INVALID else 'unreadable'}: {error}", 1000)
        if as_json:
            print_json({"error": said, "field": certificate, "column": None})
        else:
            print(said, file=sys.stderr)
        return status
    try:
        made = translated(json.loads(text))
    except ExportError as error:
        raise Refusal("not-exported", f"the certificate is valid and is not exported: {error}") from error
    write_atomic(target, made.text)
    if as_json:
        by_kind = {kind: [p.words for p in made.premises if p.kind == kind] for kind in PREMISES}
        print_json(
            {"file": str(target), "proved": made.proved, "premises": [p.words for p in made.premises], **by_kind}
        )
    else:
        print(f"{one_line(str(target), 10_000)}: {made.proved} steps proved")
        for premise in made.premises:
            kind = "assumed" if premise.kind == ASSUMED else f"premise: {premise.kind}"
            print(one_line(f"{kind}: {premise.words}", 1000))
    return 0


def _read(path: Path) -> str:
    return read_regular(path, MAX_CERTIFICATE, "a certificate").decode("utf-8", errors="replace")
