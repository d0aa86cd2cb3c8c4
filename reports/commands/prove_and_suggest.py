"""The commands prove and suggest, for a user's own theorems in a TOML file."""

import math
import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.language.terms import from_json
from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.proof.replay.in_words import convention
from sdescent.derive.reading.toml_file import read_keys
from sdescent.derive.theorems.bounds.compressor_classes import method_of
from sdescent.derive.theorems.bounds.horizon.in_probability import spoken
from sdescent.derive.theorems.bounds.kernel_context import relation_text, says_nothing, term_text, worded
from sdescent.derive.theorems.bounds.language.letters import Letters, is_sign
from sdescent.derive.theorems.bounds.proving import BELOW_ONE
from sdescent.derive.theorems.bounds.rates.tuning import tune as least_bound
from sdescent.derive.theorems.bounds.sign_messages import law_backing
from sdescent.derive.theorems.bounds.stated import KEYS, read_stated
from sdescent.derive.theorems.bounds.suggest import answered
from sdescent.derive.theorems.bounds.suggest import suggest as search
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.performance import statement as performance
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import EXIT_STATUS, Source, Verdict
from sdescent.reports.claims.evidence import REPORT
from sdescent.reports.commands import check_claim_replay_export, report_derive_list
from sdescent.reports.commands.check_claim_replay_export import contradiction, seconds_of, stated
from sdescent.reports.commands.entries_in_words import headline, standing
from sdescent.reports.commands.report_derive_list import equations, path_of, print_json, print_lines
from sdescent.reports.document.proofs import in_words
from sdescent.reports.store.files import make_folder, write_atomic

#: the largest number of steps of a worst case
MOST_STEPS = 60


def prove(
    file: str, certificate: str | None, rocq: str | None, latex: str | None, markdown: str | None, seconds: str,
    no_repair: bool, verify: bool, as_json: bool,
) -> int:  # fmt: skip
    """`sdescent prove`: return 0 for PROVED, 1 for REFUTED, 3 for UNDECIDED, 4 for CONTRADICTED. Raises BadInput, Refusal, OSError.

    A false step alone does not refute a claim at the horizon. `verify` compares the theorem with numbers as well, proved or not.
    The other options are paths of output files: the certificate, by default beside `file`, and if named the proof for Rocq and in
    words.
    """
    path, limit = path_of(file, "FILE.toml"), seconds_of(seconds, "--seconds")
    theorem = read_stated(path)
    written = report_derive_list.certificate_path(path, certificate)
    named = {"rocq": rocq, "latex": latex, "markdown": markdown}
    others = {k: report_derive_list.output_file(name, f"--{k}") for k, name in named.items() if name is not None}
    taken = {written.resolve()}
    for key, other in others.items():
        if other.resolve() in taken:
            raise BadInput(f"--{key}", str(named[key]), "a file other than the certificate and the other outputs")
        taken.add(other.resolve())
    answer = answered(theorem, limit, repair=not no_repair)
    proof = answer.certificate
    result = _result(answer)
    result |= dict.fromkeys(("certificate", *named, "verified", "contradiction"))
    if proof is not None:
        write_atomic(written, dumps(proof))
        result["certificate"] = str(written)
        for key, other in others.items():
            rocq_text = check_claim_replay_export.rocq_of(dumps(proof)).text if key == "rocq" else None
            write_atomic(other, rocq_text or in_words(answer.stated, proof, key, other.stem))
            result[key] = str(other)
    if verify:
        result |= _verified(answer.stated, limit, result)
    (print_json if as_json else _show)(result)
    return EXIT_STATUS[Verdict(result["verdict"])]


def tune(file: str, over: str, certificate: str | None, seconds: str, as_json: bool) -> int:
    """`sdescent tune`: return 0 if the bound at its least value is proved, else 3, or 1 if it is refuted.

    `over` is the constant to choose. The corollary's certificate goes to FILE-tuned.cert.json by default. Raises BadInput,
    Refusal (also for a form of bound that is not supported), OSError.
    """
    path, limit = path_of(file, "FILE.toml"), seconds_of(seconds, "--seconds")
    place = report_derive_list.certificate_path(path.with_name(f"{path.stem}-tuned.toml"), certificate)
    tuned = least_bound(read_stated(path), over, limit)
    result: dict[str, Any] = {
        "verdict": tuned.answer.status, "letter": tuned.letter, "optimum": tuned.optimum or None, "equation": tuned.equation,
        "claim": tuned.corollary["claim"], "bound": tuned.bound or None, "positive": list(tuned.positive),
        "conditions": list(tuned.conditions), "certificate": None,
    }  # fmt: skip
    if tuned.answer.certificate is not None:
        write_atomic(place, dumps(tuned.answer.certificate))
        result["certificate"] = str(place)
    if as_json:
        print_json(result)
        return EXIT_STATUS[Verdict(result["verdict"])]
    at = f"{over} = {tuned.optimum}, that is, " if tuned.optimum else "the value with "
    lines = [result["verdict"], f"the bound is least at {at}{tuned.equation}", f"there: {result['claim']}"]
    lines += [f"with the value of {over} put in, the bound is {tuned.bound}"] if tuned.bound else []
    lines += [f"this needs {condition} there" for condition in tuned.conditions]
    lines += [f"no other value gives a smaller bound if these are positive: {', '.join(tuned.positive)}"]
    print_lines([*lines, *([f"certificate: {result['certificate']}"] if result["certificate"] else [])], 2000)
    return EXIT_STATUS[Verdict(result["verdict"])]


def suggest(file: str, out: str | None, steps: str | None, seconds: str, as_json: bool) -> int:
    """`sdescent suggest`: return 0 if a theorem was found and proved, else 3. Raises BadInput, Refusal, OSError.

    With `out`, files of the theorems go there; `steps` asks for the worst case after that many steps instead of bounds on one.
    """
    path, folder = path_of(file, "FILE.toml"), None if out is None else path_of(out, "-o")
    if folder is not None:
        report_derive_list.require_writable(folder)
    if steps is not None:
        return _worst_case(read_keys(path, performance.KEYS), count_of(steps), folder, as_json)
    outcome = search(read_keys(path, KEYS), seconds_of(seconds, "--seconds"))
    results = [_suggested(s, n, folder) for n, s in enumerate(outcome.suggestions, 1)]
    if as_json:
        print_json({"theorems": results, "ended": outcome.ended})
    else:
        for n, result in enumerate(results, 1):
            _show_suggested(n, result)
        print_lines((f"ended: {line}" for line in outcome.ended), 1000)
        if not results:
            print("no theorem was found")
    return 0 if results else EXIT_STATUS[Verdict.UNDECIDED]


def count_of(text: str) -> int:
    """The number of steps of an option."""
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MOST_STEPS:
        raise BadInput("--steps", text, f"a number from 1 to {MOST_STEPS}")
    return int(text)


def _worst_case(table: Mapping[str, Any], steps: int, folder: Path | None, as_json: bool) -> int:
    """Print the exact worst case of several steps; return 0 if one was proved, else 3."""
    solved = performance.Performance(table, Letters(method_of(table)), steps).solve()
    result: dict[str, Any] = {"steps": steps, "tau": None, "verdict": Verdict.UNDECIDED.value}
    if solved is not None:
        worst, theorem = solved
        checked = check(theorem)
        result |= {
            "performance": table.get("performance", "f - fstar"), "initial": table.get("initial", "||x - xstar||^2"),
            "tau": str(worst.tau), "optimum": worst.optimum, "attained": worst.attained, "facts": list(theorem.assumptions),
            "reached": None if worst.worst is None else str(worst.reached), "interpolable": worst.interpolable,
            "worst": None if worst.worst is None else {" ".join(m): str(v) for m, v in worst.worst.items()},
            "points": {p.name: {v: str(c) for v, c in p.at.items()} for p in worst.points},
            "verdict": checked.status, "certificate": None,
        }  # fmt: skip
        if folder is not None and checked.certificate is not None:
            make_folder(folder)
            file = folder / f"steps-{steps}.cert.json"
            write_atomic(file, dumps(checked.certificate))
            result["certificate"] = str(file)
    if as_json:
        print_json(result)
    elif solved is None:
        print("no bound was found: the worst case is unbounded, or no exact proof was found near the numerical optimum")
    else:
        print_lines(_in_words(result, worst.tau, checked.reason), 4000)
    return EXIT_STATUS[Verdict(result["verdict"])]


def _in_words(result: Mapping[str, Any], tau: Any, reason: str) -> list[str]:
    """The lines about a worst case."""
    after = "after 1 step" if result["steps"] == 1 else f"after {result['steps']} steps"
    number = str(tau)
    if len(number) > 30:
        places = Context(prec=9, rounding=ROUND_CEILING)
        number = f"{places.divide(Decimal(int(tau.p)), Decimal(int(tau.q)))} (rounded up; --json has the fraction)"
    lines = [result["verdict"], f"{result['performance']} {after} <= {number} * ({result['initial']} at the start)"]
    if result["verdict"] != Verdict.PROVED:
        return [*lines, f"the kernel did not accept the proof of this bound: {reason}"]
    lines += [f"proved from {len(result['facts'])} inequalities between values and gradients of the class"]
    if result["attained"]:
        lines += ["no smaller number holds: some function of the class attains this one"]
    elif not result["interpolable"]:
        lines += ["a smaller number may hold: these inequalities do not describe the class completely"]
    elif result["reached"]:
        below = float(1 - Fraction(result["reached"]) / Fraction(result["tau"]))
        lines += [
            f"at most the fraction {below:.0e} of it can be saved: some function of the class exceeds any smaller number"
        ]
    else:
        lines += ["a smaller number may hold: no function that comes near to this one was found"]
    return [*lines, *([f"certificate: {result['certificate']}"] if result["certificate"] else [])]


def _result(answer: Any) -> dict[str, Any]:
    """The JSON of an answer, with its relations in the notation of a theorem file."""
    setting, checked = answer.stated.setting, answer.checked
    law = law_backing(setting.method, setting.any_noise) if is_sign(setting.method) else {}
    replayed = None if answer.certificate is None else replay_object(answer.certificate)
    statement = None if replayed is None else stated(replayed)
    proved = answer.status == Verdict.PROVED
    parts = {  # each relation with its source
        "assumptions": _backed(setting, checked.assumptions if proved else setting.assumptions.items()),
        "definitions": _backed(setting, checked.definitions if proved else setting.definitions.items()),
        "declared": [(worded(setting, d["text"]), d["source"]) for d in checked.declared] if proved else [],
    }
    against = answer.refuted
    without_proof = "not shown" if against is None else "shown"  # the assumptions hold in the run
    return {
        "verdict": answer.status,
        "title": answer.stated.title,
        "about": "method" if setting.steps else f"{setting.about} SDE",
        "claim": relation_text(setting, answer.stated.read_claim),
        "conclusion": spoken(answer.stated.conclude, setting, answer.stated.read_claim, answer.conclusion)
        if proved
        else None,
        **{name: [text for text, _ in part] for name, part in parts.items()},
        "sources": {name: [source for _, source in part] for name, part in parts.items()},
        "law": [{"property": one.words, "backing": one.backing.value, "reason": one.reason} for one in law.values()],
        "unused": [name for name in checked.unused if setting.sources.get(name) != Source.LITERATURE] if proved else [],
        "steps": list(checked.steps) if proved else [],
        "axioms": [] if statement is None else statement["axioms"],
        "satisfiability": without_proof if statement is None else statement["satisfiability"],
        # in the notation of a theorem file, for terms not shown to be inside their domains
        "conventions": [
            convention(*entry, written=lambda raw: term_text(setting, from_json(raw)))
            for entry in (() if replayed is None else replayed.outside)
        ],
        "statement": statement,
        "counterexample": None if against is None else _point(against),
        "loss": None if against is None else against.loss,
        "dimension": None if against is None else against.dim,
        "refutes": answer.refutes,
        "clients": None if against is None else int(against.run.constants["N"]),
        "run": None if against is None else _run(against.run),
        "repairs": [_repair(r) for r in answer.repairs],
        "failed": None if answer.failed is None else answer.failed[0],
        "left_over": answer.left_over,
        "guesses": list(answer.guesses),
        "instead": [{"V": s.table["V"], "claim": s.table["claim"], "condition": s.condition} for s in answer.instead],
        "reason": answer.reason,
        "seconds": round(answer.seconds, 3),
    }


def _backed(setting: Any, relations: Any) -> list[tuple[str, str]]:
    """The relations in the notation of a theorem file, each with its source."""
    return [
        (_titled(name, relation_text(setting, r)), str(setting.sources[name]))
        for name, r in relations
        if not says_nothing(setting, r)
    ]


def _titled(name: str, text: str) -> str:
    """The relation with its name in front, unless the name is the relation itself."""
    return text if name.replace(" ", "") == text.replace(" ", "") else f"{name}: {text}"


def _verified(stated: Any, seconds: float, result: Mapping[str, Any]) -> dict[str, Any]:
    """The comparison of a theorem with numbers, as JSON, and the contradiction if they contradict a proved theorem."""
    from sdescent.numerics.evidence.verify import verify_stated

    checks = verify_stated(stated, seconds)
    verified = [_compared(one) for one in checks]
    proof = {"proved": result["conclusion"], "certificate": result["certificate"]}
    if result["verdict"] != Verdict.PROVED or not (against := contradiction(checks, stated.about, proof)):
        return {"verified": verified}
    return {"verified": verified, "verdict": Verdict.CONTRADICTED.value, "contradiction": against}


def _compared(comparison: Any) -> dict[str, Any]:
    """The JSON of one comparison; `outside` says whether the claim fails beyond the largest step size."""
    where = {key: comparison.instance.get(key) for key in ("what", "case", "loss", "value", "bound")}
    tightness = None if comparison.tightness is None else float(comparison.tightness)
    tightness = tightness if tightness is not None and math.isfinite(tightness) else None
    return {
        "subject": comparison.subject, **where, "route": comparison.route, "verdict": comparison.verdict.value,
        "tightness": tightness, "outside": dict(comparison.outside), "note": comparison.note,
    }  # fmt: skip


def _point(against: Any) -> dict[str, str]:
    return {name: str(v) for name, v in against.point.items()}


def _run(run: Any) -> dict[str, Any]:
    """The JSON of a run: its states and noise, the margin of each assumption there, and the two sides of the claim."""
    states = [{name: str(v) for name, v in state.items()} for state in run.states]
    margins = {name: [str(v) for v in values] for name, values in run.margins.items() if values}
    sides = {"left": str(run.sides[0]), "right": str(run.sides[3])}
    return {"states": states, "noise": [str(z) for z in run.noise], "margins": margins, **sides}


def _repair(r: Any) -> dict[str, Any]:
    beyond = None if r.beyond is None else {"value": r.beyond[0], "at": _point(r.beyond[1])}
    return {"text": r.words, "claim": r.claim, "beyond": beyond}


def _show(r: Mapping[str, Any]) -> None:
    statement = r["statement"]
    lines = [headline(r["verdict"], bool(statement) and statement["vacuous"])]
    if r["contradiction"]:
        lines += [REPORT, *(f"measured: {_measured(one)}" for one in r["contradiction"]["measured"])]
    if statement:
        lines += [f"{'proved ' if r['contradiction'] else ''}for the {r['about']}: {r['conclusion']}"]
        for word, part in (("assumes ", "assumptions"), ("where   ", "definitions"), ("declares", "declared")):
            lines += [f"  {word} {line}  [{source}]" for line, source in zip(r[part], r["sources"][part], strict=True)]
        lines += [f"  {one['backing']} of the law: {one['property']} ({one['reason']})" for one in r["law"]]
        lines += [f"  {step['text']}  [{step['rule']}]" for step in r["steps"]]
        lines += [f"  not used: {', '.join(r['unused'])}"] if r["unused"] else []
        lines += [f"  {line}" for line in standing(statement, r["conventions"])]
    elif r["counterexample"]:
        lines += [r["reason"]] if r["refutes"] == "step" else []
        at = equations(r["counterexample"])
        clients = "one client" if r["clients"] == 1 else f"{r['clients']} clients"
        what = "the step fails on the loss" if r["refutes"] == "step" else "on the loss"
        lines += [f"{what} {r['loss']} ({clients}, d = {r['dimension']}) with {at}"]
    else:
        lines += [f"the first step that fails: {r['failed']}"] if r["failed"] else [r["reason"]]
        lines += [f"left to show: 0 <= {r['left_over']}"] if r["left_over"] else []
    for repair in r["repairs"]:
        lines += [f"repair: {repair['text']}: {repair['claim']}"]
        if repair["beyond"]:
            lines += [f"    fails with {repair['beyond']['value']} at {equations(repair['beyond']['at'])}"]
    lines += [f"proved with the further assumption {guess}" for guess in r["guesses"]]
    for other in r["instead"]:
        condition = f" if {other['condition']}" if other["condition"] else ""
        lines += [f"what holds instead: {other['claim']}{condition}, V = {other['V']}"]
    lines += [f"certificate: {r['certificate']}"] if r["certificate"] else []
    lines += [f"for Rocq: {r['rocq']}"] if r["rocq"] else []
    lines += [f"proof in words: {r[key]}" for key in ("latex", "markdown") if r[key]]
    print_lines([*lines, *map(_comparison_line, r["verified"] or ())], 4000)


def _comparison_line(one: Mapping[str, Any]) -> str:
    """One line about a comparison."""
    tightness = "" if one["tightness"] is None else f", tightness {one['tightness']:.3g}"
    where = ", ".join(str(one[key]) for key in ("case", "loss") if one[key])
    tried = {name: failed for name, failed in one["outside"].items() if failed is not None}
    beyond = [f"{'fails' if failed else 'no failure seen'} with {name}" for name, failed in tried.items()]
    parts = [f"{one['subject']}, {one['what']}: {one['verdict']}{tightness}", where, *beyond, one["note"]]
    return "; ".join(part for part in parts if part)


def _measured(one: Mapping[str, Any]) -> str:
    """One line about numbers that contradict a proof."""
    decision = one["decision"]
    outcome = f"the claim fails at {one['failing']} of {one['count']} states"
    if decision is not None:
        lower = f"above {decision['estimate']['lower']:.6g} less an error of {decision['error']:.2g}, at level {one['level']:.10g}"
        outcome = f"a mean of {decision['estimate']['value']:.6g}, {lower}, where the bound is {decision['bound']:.6g}"
    return f"{one['subject']}, {one['route']}: {outcome}; {equations(one['instance'])}"


def _suggested(s: Any, n: int, folder: Path | None) -> dict[str, Any]:
    setting = s.answer.stated.setting
    more = [relation_text(setting, r) for name, r in s.answer.checked.assumptions if name == BELOW_ONE]
    beyond = [
        {"change": b.change, "where": list(b.where), **({"at": None, "loss": None} if b.against is None else
         {"at": _point(b.against), "loss": b.against.loss})} for b in s.beyond
    ]  # fmt: skip
    result = {
        **{key: s.table[key] for key in ("V", "claim", "conclude", "assume")},
        **{"condition": "; ".join([*([s.condition] if s.condition else []), *more]), "decay": s.decay, "floor": s.floor},
        "conclusion": relation_text(setting, s.answer.conclusion), "beyond": beyond, "file": None, "certificate": None,
    }  # fmt: skip
    if folder is not None:
        make_folder(folder)
        file, certificate = folder / f"theorem-{n}.toml", folder / f"theorem-{n}.cert.json"
        write_atomic(file, toml_of(s.table))
        write_atomic(certificate, dumps(s.answer.certificate))
        result |= {"file": str(file), "certificate": str(certificate)}
    return result


def toml_of(fields: Mapping[str, Any]) -> str:
    """The text of a theorem file with these fields."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in fields.items())


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items()) + "}"
    return str(value)


def _show_suggested(n: int, r: Mapping[str, Any]) -> None:
    condition = f" if {r['condition']}" if r["condition"] else ""
    lines = [f"{n}. {r['claim']}{condition}", f"    V = {r['V']}", f"    gives {r['conclusion']}"]
    for one in r["beyond"]:
        tried = f"    with {one['change']}" + (f", where {' and '.join(one['where'])}," if one["where"] else "")
        fails = f"it fails: {one['loss']}, {equations(one['at'])}" if one["at"] is not None else ""
        lines.append(f"{tried} {fails or 'no numbers were found at which it fails'}")
    print_lines([*lines, *([f"    file: {r['file']}"] if r["file"] else [])], 4000)
