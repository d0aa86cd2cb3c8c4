"""The commands check, claim, replay and export; each returns the exit status of the command line."""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

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
from sdescent.reports.commands.entries_in_words import headline, progress, show_catalogue, standing
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


def contradiction(comparisons: Sequence[Any], about: str, proof: dict[str, Any]) -> dict[str, Any] | None:
    """The proof together with the numbers about its own subject that contradict it; None if no numbers do."""
    from sdescent.numerics.evidence.checks.formulas import contradicting

    against = contradicting(comparisons, about)
    return {**proof, "measured": [one.measured for one in against], "report": REPORT} if against else None


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


def check(
    ids: Sequence[str] | None, certificates: str | None, latex: str | None, markdown: str | None, verify: bool, as_json: bool
) -> int:  # fmt: skip
    """`sdescent check`: return 0, or 1 if a status differs from the expected one, or 4 if an entry is CONTRADICTED.

    Raises BrokenPlugin for the user's ENTRIES if one is no entry or has an id in use; BadInput for an unknown id, and for an entry
    without a proof in words if `latex` or `markdown` names a file; and OSError.
    """
    from sdescent.derive.theorems.bounds.horizon.in_probability import spoken
    from sdescent.derive.theorems.catalogue import chosen as entries_of
    from sdescent.derive.theorems.entry.checking import check as check_entry
    from sdescent.derive.theorems.literature import files
    from sdescent.derive.theorems.literature.recorded import stated_of
    from sdescent.reports.document.proofs import in_words

    ids = ids or ()
    chosen = entries_of(ids)
    folder = None if certificates is None else path_of(certificates, "--certificates")
    named_texts = {"latex": latex, "markdown": markdown}
    texts = {key: (output_file(name, f"--{key}"), list[str]()) for key, name in named_texts.items() if name is not None}
    by_hand = [entry.id for entry in chosen if stated_of(entry) is None]
    if texts and ids and by_hand:
        raise BadInput(
            f"--{min(texts)}", f"a proof of {by_hand[0]} in words", f"theorems that a file states: {', '.join(files())}"
        )
    if folder is not None:
        make_folder(folder)
    results, good = [], True
    for number, entry in enumerate(chosen):
        progress(number, len(chosen), one_line(entry.id), as_json)
        checked, theorem = check_entry(entry), stated_of(entry)
        spelt, worded = _spelling(entry, theorem)
        claim = None if checked.statement is None else checked.statement.to_dict()
        if claim is not None and theorem is not None and entry.claim is not None:
            proved = theorem.read_claim if entry.claim == theorem.claim else entry.claim
            claim["plain"] = spoken(theorem.conclude, theorem.setting, theorem.read_claim, proved)
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
            "assumptions": [f"{name}: {spelt(r)}" for name, r in checked.assumptions],
            "definitions": [f"{name}: {spelt(r)}" for name, r in checked.definitions],
            "declared": [worded(declared["text"]) for declared in checked.declared],
            "statement": statement,
            "claim": claim,
            "quotes": [{"words": q.words, "source": q.source} for q in entry.quotes],
            "satisfiability": "not shown" if statement is None else statement["satisfiability"],
            "steps": [{**step, "plain": worded(step["plain"])} for step in checked.steps],
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
        if theorem is not None and checked.certificate is not None:
            for key, (_, written) in texts.items():
                written.append(in_words(theorem, checked.certificate, key, entry.id))
    for file, written in texts.values():
        write_atomic(file, "\n".join(written))
    progress(len(chosen), len(chosen), "", as_json)
    if as_json:
        print_json({"results": results, **{key: str(file) for key, (file, _) in texts.items()}, **named()})
    else:
        show_catalogue(chosen, results, detailed=bool(ids))
        without = f"; {len(by_hand)} entries are derived by hand and have none" if by_hand else ""
        print_lines((f"proofs in words: {file}{without}" for file, _ in texts.values()), 10_000)
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


def _spelling(entry: Any, theorem: Any) -> tuple[Callable[[Any], str], Callable[[str], str]]:
    """How an entry spells a relation, and a text with the kernel's letters: in those of its file if a file states it."""
    from sdescent.derive.theorems.bounds.kernel_context import relation_text, worded

    if theorem is not None:
        return partial(relation_text, theorem.setting), partial(worded, theorem.setting)
    return Printer(getattr(entry, "context", None)).relation, str  # a refutation has no context


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
    """`sdescent export`: write the Rocq proof; 0, or 1 if invalid, 2 if unreadable; BadInput, OSError; Refusal if untranslated."""
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
