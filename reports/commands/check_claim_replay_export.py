"""The commands check, claim, replay and export; each returns the exit status of the command line."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sdescent.derive.proof.kernel.certificate import context_json, dumps
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import num, to_json
from sdescent.derive.proof.language.text import Printer
from sdescent.derive.proof.replay import check as replaying
from sdescent.derive.proof.replay import in_words
from sdescent.derive.vocabulary.errors import BadInput, Refusal, unknown_name
from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.plugin_loading import named
from sdescent.derive.vocabulary.verdicts import EXIT_STATUS, Verdict
from sdescent.reports.claims.evidence import REPORT
from sdescent.reports.commands.report_derive_list import (
    certificate_path,
    equations,
    output_file,
    path_of,
    print_json,
    print_lines,
)
from sdescent.reports.store.files import make_folder, one_line, write_atomic


def stated(replayed: Any) -> dict[str, Any]:
    """The statement of a replayed certificate as it appears in the file, with its axioms, conventions and satisfiability."""
    relations = ("assumptions", "definitions")
    parts = ("context", *relations, "sources", "axioms", "claim", "reading", "conventions", "satisfiability", "witness")
    values = {part: getattr(replayed, part) for part in parts} | {"vacuous": replayed.contradictory}
    sources = replayed.sources and dict(zip(relations, replayed.sources, strict=True))
    return values | {"sources": sources} | {part: list(values[part]) for part in ("axioms", "reading", "conventions")}


def standing(statement: dict[str, Any], conventions: list[str] | None = None) -> list[str]:
    """The lines that every command prints about a proof; `conventions` defaults to the statement's own."""
    texts = statement["conventions"] if conventions is None else conventions
    return in_words.standing(texts, statement["axioms"], statement["satisfiability"])


def contradiction(comparisons: Sequence[Any], about: str, proof: dict[str, Any]) -> dict[str, Any] | None:
    """The proof together with the numbers about its own subject that contradict it; None if no numbers do."""
    from sdescent.numerics.evidence.checks.formulas import contradicting

    against = contradicting(comparisons, about)
    return {**proof, "measured": [one.measured for one in against], "report": REPORT} if against else None


def headline(verdict: str, vacuous: bool) -> str:
    """The first line of an answer: the verdict, with a note if the claim holds only vacuously."""
    return verdict + (" (the assumptions contradict each other)" if vacuous else "")


def stated_by(checked: Any) -> dict[str, Any] | None:
    """The statement of a replayed certificate, or of a refuted claim over real numbers; None if there is neither."""
    from sdescent.derive.theorems.entry.theorem import Refutation

    entry = checked.entry
    if checked.certificate is not None:
        return stated(replaying.replay_object(checked.certificate))
    if not isinstance(entry, Refutation) or checked.status != Verdict.REFUTED:
        return None
    return {
        "context": context_json(Context({name: "const" for name in entry.witness})),
        "assumptions": [to_json(relation) for relation in entry.assume.values()],
        "definitions": [],
        "sources": None,
        "axioms": [],
        "claim": to_json(entry.claim),
        "reading": [],
        "conventions": [],
        "satisfiability": "shown",
        "witness": {
            "symbols": {name: to_json(num(value)) for name, value in entry.witness.items()},
            "vectors": {}, "matrices": {}, "functions": {},
        },
        "vacuous": False,
    }  # fmt: skip


INVALID, UNREADABLE = 1, 2
#: the seconds that `claim` spends on a claim
SECONDS = 10.0
#: the most seconds that an option may ask for
MAX_SECONDS = 600
MAX_CERTIFICATE = 50_000_000


def check(ids: Sequence[str] | None, certificates: str | None, verify: bool, as_json: bool) -> int:
    """`sdescent check`: return 0, or 1 if a status differs from the expected one, or 4 if an entry is CONTRADICTED.

    Raises BrokenPlugin for the user's ENTRIES if one is no entry or has an id in use, BadInput for an unknown id, and OSError.
    """
    from sdescent.derive.theorems.catalogue import with_own
    from sdescent.derive.theorems.entry.checking import check as check_entry

    catalogue, ids = with_own(), ids or ()
    unknown = next((i for i in ids if i not in catalogue), None)
    if unknown is not None:
        raise unknown_name("ID", unknown, catalogue, "ids of the catalogue, such as " + ", ".join([*catalogue][:6]))
    chosen = [catalogue[i] for i in dict.fromkeys(ids)] or list(catalogue.values())
    folder = None if certificates is None else path_of(certificates, "--certificates")
    if folder is not None:
        make_folder(folder)
    results, good = [], True
    for number, entry in enumerate(chosen):
        _progress(number, len(chosen), one_line(entry.id), as_json)
        checked = check_entry(entry)
        good = good and checked.as_expected
        path, statement = None, stated_by(checked)
        if folder is not None and checked.certificate is not None:
            path = folder / f"{entry.id}.cert.json"
            write_atomic(path, dumps(checked.certificate))
        result = {
            "id": entry.id,
            "title": entry.title,
            "status": checked.status,
            "expected": entry.expected,
            "axioms": [] if statement is None else statement["axioms"],
            "assumptions": _named(entry, checked.assumptions),
            "definitions": _named(entry, checked.definitions),
            "declared": [declared["text"] for declared in checked.declared],
            "statement": statement,
            "claim": None if checked.statement is None else checked.statement.to_dict(),
            "quotes": [{"words": q.words, "source": q.source} for q in entry.quotes],
            "satisfiability": "not shown" if statement is None else statement["satisfiability"],
            "steps": list(checked.steps),
            "certificate": None if path is None else str(path),
            "unused": list(checked.unused),
            "counterexample": dict(checked.counterexample),
            "reason": checked.reason,
            "repair": dict(checked.repair) if checked.repair else None,
            "sharpest": _sharpest(entry) if ids else None,
            "seconds": round(checked.seconds, 3),
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
    """Compare an entry with numbers. Numbers about the method do not contradict a theorem about the SDE."""
    from sdescent.numerics.evidence.verify import verify

    checks = verify(entry.id)
    verified = [one.measured | {"verdict": one.verdict.value} for one in checks]
    about = "method" if all(one.subject == "method" for one in checks) else "SDE"
    proof = {"proved": result["statement"], "certificate": result["certificate"]}
    if result["status"] != Verdict.PROVED or not (against := contradiction(checks, about, proof)):
        return {"verified": verified, "contradiction": None}
    return {"verified": verified, "contradiction": against, "status": Verdict.CONTRADICTED.value, "reason": REPORT}


def _named(entry: Any, relations: Sequence[tuple[str, Any]]) -> list[str]:
    """The plain text of relations, each with its name."""
    plain = Printer(getattr(entry, "context", None))  # a refutation has no context
    return [f"{name}: {plain.relation(relation)}" for name, relation in relations]


def _sharpest(entry: Any) -> dict[str, Any] | None:
    """The least constant for which the entry is certified, and a refutation beyond it if one was found; None without a constant."""
    from sdescent.derive.theorems.sharpen import sharpest

    bounds = sharpest(entry)
    if bounds is None:
        return None
    return {
        "constant": bounds.constant.name,
        "stated": str(bounds.constant.stated),
        "certified": str(bounds.certified),
        "refuted": None if bounds.refuted is None else str(bounds.refuted),
        "witness": {name: str(value) for name, value in bounds.witness.items()},
    }


def _progress(done: int, total: int, name: str, as_json: bool) -> None:
    if sys.stderr.isatty() and not as_json:
        end = "" if done < total else "\r\x1b[K"
        print(f"\r\x1b[K{done}/{total} {name}" if done < total else "", end=end, file=sys.stderr, flush=True)


def _show_catalogue(chosen: Sequence[Any], results: Sequence[dict[str, Any]], detailed: bool) -> None:
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
            line(f"  {word} {name}")
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
    if result["unused"]:
        line(f"  not used: {', '.join(result['unused'])}")
    if result["status"] == Verdict.PROVED:
        for text in standing(result["statement"]):
            line(f"  {text}")
    line("")


def claim(file: str, certificate: str | None, no_repair: bool, repair_seconds: str, as_json: bool) -> int:
    """`sdescent claim`: return 0 for PROVED or DECIDED, 1 for REFUTED, 3 for UNDECIDED. Raises BadInput, OSError."""
    from sdescent.derive.proof.repair.killed_searches import prove_apart, repairs_apart
    from sdescent.derive.reading.claims import read_claim

    path = path_of(file, "FILE.toml")
    seconds = None if no_repair else seconds_of(repair_seconds, "--repair-seconds")
    question = read_claim(path)
    written = certificate_path(path, certificate)
    answer = prove_apart(question, SECONDS)
    status, point = answer["status"], answer["counterexample"]
    repairs = repairs_apart(question, seconds) if status == Verdict.REFUTED and seconds is not None else None
    proof = answer["certificate"]
    statement = None if proof is None else stated(replaying.replay_object(proof))
    if proof is not None:
        write_atomic(written, dumps(proof))
    if as_json:
        result = {"verdict": status, "counterexample": point, "certificate": None if proof is None else str(written)}
        result |= {key: answer[key] for key in ("vacuous", "satisfiability")}
        print_json({**result, "statement": statement, "seconds": round(answer["seconds"], 3), "repairs": repairs})
    else:
        print(headline(status, answer["vacuous"]))
        if point:
            print(f"at {equations(point)}")
        if answer["reason"]:
            print(one_line(answer["reason"], 500))
        decided = in_words.satisfiable(answer["satisfiability"]) if status == Verdict.DECIDED else []
        print_lines(standing(statement) if statement else decided)
        if proof is not None:
            print(f"certificate: {one_line(str(written), 10_000)}")
        print_lines((line for r in repairs or () for line in (f"repair: {r['text']}", f"    {r['claim']}")), 2000)
        if repairs == []:
            print("no repair was found among the constants and the additional hypotheses that were tried")
    return EXIT_STATUS[status]


def _mended(repair: dict[str, Any]) -> str:
    """The changes with which an entry's claim is proved, and the entry that repairs it, in words."""
    changes = [c["plain"] + (f' in place of "{c["instead"]}"' if c["instead"] else "") for c in repair["changes"]]
    parts = [f"proved with {', '.join(changes)}"] if changes else []
    parts += [f"repaired by {repair['entry']}"] if repair["entry"] else []
    return "; ".join(parts)


def seconds_of(text: str, field: str) -> float:
    """The seconds that an option gives. Raises BadInput unless they are a number above 0 and at most `MAX_SECONDS`."""
    from sdescent.derive.vocabulary.names import parse_value

    value = parse_value(text, field)
    if isinstance(value, str) or not 0 < value <= MAX_SECONDS:
        raise BadInput(field, text, f"a number above 0, up to {MAX_SECONDS}")
    return float(value)


def replay(certificate: str, as_json: bool) -> int:
    """`sdescent replay`: return 0 if the certificate is valid, 1 if invalid, 2 if unreadable. Raises BadInput, OSError."""
    status, replayed = _replayed(_read(certificate))
    if status:
        if as_json:
            print_json({"valid": False, **replayed})
        else:
            print(one_line(replayed["error"], 1000))
        return status
    if as_json:
        more = {name: getattr(replayed, name) for name in ("title", "rechecked", "trusted")}
        print_json({"valid": True, **stated(replayed), **more})
    else:
        print_lines(replaying.describe(replayed))
    return 0


def export(certificate: str, out: str, outcomes: str, as_json: bool) -> int:
    """`sdescent export`: write the proof for Rocq; return 0, or 1 if the certificate is invalid, or 2 if it is unreadable.

    Raises BadInput and OSError for files, Refusal if the certificate is valid but cannot be translated for Rocq.
    """
    from sdescent.derive.proof.rocq.outcomes import OUTCOMES
    from sdescent.derive.proof.rocq.script import ASSUMED, PREMISES

    if outcomes not in OUTCOMES:
        raise unknown_name("--outcomes", outcomes, [*OUTCOMES])
    text, target = _read(certificate), output_file(out, "-o")
    status, replayed = _replayed(text)
    if status:
        message = one_line(replayed["error"], 1000)
        if as_json:
            print_json({"error": message, "field": certificate, "column": None})
        else:
            print(message, file=sys.stderr)
        return status
    script = rocq_of(text, outcomes)
    write_atomic(target, script.text)
    if as_json:
        by_kind = {kind: [p.words for p in script.premises if p.kind == kind] for kind in PREMISES}
        words = [p.words for p in script.premises]
        print_json({"file": str(target), "proved": script.proved, "premises": words, **by_kind})
    else:
        print(f"{one_line(str(target), 10_000)}: {script.proved} steps proved")
        kinds = {premise.kind: f"premise: {premise.kind}" for premise in script.premises} | {ASSUMED: "assumed"}
        print_lines((f"{kinds[premise.kind]}: {premise.words}" for premise in script.premises), 1000)
    return 0


def rocq_of(certificate: str, outcomes: str = "any") -> Any:
    """The Rocq file of a valid certificate, which is given as JSON. Raises Refusal if it cannot be translated."""
    from sdescent.derive.proof.rocq.export import translated
    from sdescent.derive.proof.rocq.notation import ExportError
    from sdescent.derive.proof.rocq.outcomes import OUTCOMES

    try:
        return translated(json.loads(certificate), OUTCOMES[outcomes])
    except ExportError as error:
        raise Refusal("not-exported", f"the certificate is valid but cannot be exported: {error}") from error


def _read(certificate: str) -> str:
    content = read_regular(path_of(certificate, "CERTIFICATE.json"), MAX_CERTIFICATE, "a certificate")
    return content.decode("utf-8", errors="replace")


def _replayed(text: str) -> tuple[int, Any]:
    """(0, the replay) if a certificate is valid, else (exit status, {"error", "step"})."""
    try:
        return 0, replaying.replay(text)
    except (replaying.Invalid, replaying.Unreadable) as error:
        status, kind = (INVALID, "invalid") if isinstance(error, replaying.Invalid) else (UNREADABLE, "unreadable")
        return status, {"error": f"{kind}: {error}", "step": getattr(error, "step", None)}
