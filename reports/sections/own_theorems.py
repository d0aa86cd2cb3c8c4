"""The user's theorems about a method or its SDE: proved, refuted or undecided, with numbers for the method and the SDE."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, final

from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.text import TermWriter, latex_name
from sdescent.derive.reading.toml_file import TheoremFile
from sdescent.derive.theorems.bounds.answer import Answer, Repaired
from sdescent.derive.theorems.bounds.kernel_context import says_nothing
from sdescent.derive.theorems.bounds.language.names import LATEX
from sdescent.derive.theorems.bounds.refuting import Refuted
from sdescent.derive.theorems.bounds.stated import Stated, read_stated
from sdescent.derive.theorems.bounds.suggest import answered
from sdescent.derive.theorems.prose.document import Paragraph
from sdescent.derive.theorems.prose.in_probability import proof_of
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.formulas import contradicting
from sdescent.numerics.evidence.stated.one_step import ABOUT_THE_SDE, IN_PLACE
from sdescent.numerics.evidence.verify import verify_stated
from sdescent.reports.claims.evidence import METHOD, REPORT, SDE, evidence
from sdescent.reports.document.proofs import Latex
from sdescent.reports.document.tex import by_key, escape, number
from sdescent.reports.sections.base import Certified, Inputs, reduced
from sdescent.reports.sections.proof_lines import formula, formula_of, grouped, in_prose

#: time limits in seconds for the proof of a theorem with its repairs, and for its comparison with numbers
SECONDS = {"quick": {"proof": 30.0, "numbers": 60.0}, "full": {"proof": 90.0, "numbers": 240.0}}
MODELS = {"method": "the method itself", "first-order": "the first-order SDE", "corrected": "the corrected SDE"}
#: LaTeX for the names of the numbers that refute a claim
_NUMBERS = {"h_q": "h", "A_q": "A", "b_q": "b", "t_q": "t", "at_q": "x-x^{*}", "start_q": "x_0-x^{*}", "z_q": "z", "z0_q": "z_0",
            "z1_q": "z_1", "s_q": "s"}  # fmt: skip
#: LaTeX for notes that are formulas; "" for notes that the heading already gives
_NOTES = {ABOUT_THE_SDE: "", IN_PLACE: r"$(\mathbb{E}\,V(x_{n+1})-V(x_n))/\eta$ in place of $\mathcal{L}V$"}
#: entries of an instance that are not constants
_NOT_CONSTANTS = (
    "what", "case", "cases", "loss", "loss_latex", "noise", "d", "clients", "worst", "value", "bound", "steps", "seed",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")


@final
class OwnTheorems(Certified):
    """Each theorem with its statement, verdict and steps, and the numbers for the SDE and the method."""

    name, title = "own-theorems", "Your theorems"

    def compute(self, context: Inputs) -> dict[str, Any]:
        seconds, entries, pieces = SECONDS[context.size], [], {}
        files = context.problem.theorems
        stated = [_read(file) for file in files]  # read all files before any proof begins
        for n, (file, theorem) in enumerate(zip(files, stated, strict=True), 1):
            id = f"theorem-{n}"
            context.tick(f"proof of {file.name}")
            answer = answered(theorem, seconds["proof"])
            context.tick(f"numbers for {file.name}")
            verified = verify_stated(answer.stated, seconds["numbers"], id)
            entry = _entry(id, file.title, answer, [v.to_dict() for v in verified])
            if answer.status == Verdict.PROVED and contradicting(verified, theorem.about):
                entry |= {"status": Verdict.CONTRADICTED, "reason": REPORT}
            entries.append(entry)
            pieces |= {f"own-{id}-{subject}": e for subject, e in _evidence(id, answer.status, verified).items()}
        failed = {
            e["title"]: e["status"].lower() for e in entries if e["status"] in (Verdict.REFUTED, Verdict.CONTRADICTED)
        }
        words = {"proof": "seconds for a proof", "numbers": "seconds for its numbers"}
        left_out = reduced(SECONDS["quick"], SECONDS["full"], words) if context.quick else []
        return {"entries": entries, "statuses": failed, "evidence": pieces, "left_out": left_out}


def _read(file: TheoremFile) -> Stated:
    try:
        return read_stated(file.path)
    except BadInput as error:
        raise BadInput(f"{file.name} {error.field}", error.value, error.accepted, error.column) from None


def _entry(id: str, title: str, answer: Answer, verified: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    stated, checked = answer.stated, answer.checked
    setting = stated.setting
    writer = TermWriter(setting.names, context=setting.context)
    proof = checked if answer.status == Verdict.PROVED else None
    assumptions, definitions = (dict(getattr(proof or setting, part)) for part in ("assumptions", "definitions"))
    relations = {**stated.hypotheses.relations, **stated.inequalities}
    failed = answer.failed and {"name": in_prose(answer.failed[0]), **formula(writer.relation(answer.failed[1]))}
    at_the_end = answer.conclusion if proof is not None else stated.claim if stated.integrated else None
    if at_the_end == stated.step:
        at_the_end = None
    return {
        "id": id, "title": title, "status": answer.status, "about": "method" if setting.steps else "SDE",
        "written": [f'{key} = "{stated.table[key]}"' for key in ("V", "step", "claim") if key in stated.table],
        "object": MODELS[stated.about], "method": setting.method.name,
        "value": formula(writer.term(stated.weighted.value + stated.weighted.constant)),
        **grouped([formula_of(writer.relation(r), name) for name, r in assumptions.items()]),
        "definitions": [formula_of(writer.relation(r), "") for r in definitions.values() if not says_nothing(setting, r)],
        "step": None if stated.step is None else formula(writer.relation(stated.step)),
        "horizon": None if at_the_end is None else formula(writer.relation(at_the_end)),
        "words": None if proof is None else _in_words(answer, id),
        "unused": [] if proof is None else [writer.relation(relations[name]) for name in proof.unused if name in relations],
        "axioms": [] if proof is None else list(proof.axioms),
        "assumed": [] if proof is None else list(assumptions),
        "satisfiability": checked.satisfiability if checked is not None else "",
        "reason": answer.reason,
        "loss": None if answer.refuted is None else _loss(answer.refuted.loss),
        "witness": [] if answer.refuted is None else _point(answer.refuted),
        "clients": "" if answer.refuted is None else str(answer.refuted.run.constants["N"]),
        "dim": "" if answer.refuted is None else str(answer.refuted.dim), "refutes": answer.refutes,
        "repairs": [_repair(r) for r in answer.repairs],
        "failed": failed,
        "guesses": list(answer.guesses),
        "instead": [{"claim": s.table["claim"], "condition": s.condition, "V": s.table["V"]} for s in answer.instead],
        "rows": [_row(v) for v in verified],
        "repair": "", "mended": [],
        "certificate": None if checked is None or checked.certificate is None else dumps(checked.certificate),
    }  # fmt: skip


def _in_words(answer: Answer, id: str) -> dict[str, str]:
    """The statement and the proof in words, as LaTeX, or why there are none."""
    try:
        blocks = proof_of(answer.stated, answer.certificate or {}).document
    except ProofError as error:
        return {"statement": "", "proof": "", "missing": str(error)}
    begin = next(n for n, block in enumerate(blocks) if isinstance(block, Paragraph) and block.head == "Proof")
    writer = Latex(id, page=True)
    return {"statement": writer.body(blocks[:begin]), "proof": writer.body(blocks[begin:]), "missing": ""}


def _point(against: Refuted) -> list[str]:
    return [f"{_NUMBERS.get(name) or latex_name(name)}={value}" for name, value in against.point.items()]


def _loss(loss: str) -> str:
    """The loss of a counterexample, in LaTeX."""
    names = {**_NUMBERS, "xstar": "x^{*}", "exp": r"\exp"}
    powers = re.sub(r"\^2/2", r"^{2}/2", loss).replace("*", r"\,")
    return _NAME.sub(lambda m: names.get(m[0], m[0]), powers)


def _repair(r: Repaired) -> dict[str, Any]:
    beyond = None if r.beyond is None else {"value": r.beyond[0], "at": _point(r.beyond[1])}
    return {"words": r.words, "claim": r.claim, "beyond": beyond}


# --- the comparison with numbers


def _row(v: Mapping[str, Any]) -> dict[str, Any]:
    """A comparison as a row of the table: its numbers, and the state at which the claim is closest to failing."""
    of = v["instance"]
    numbers = {name: value for name, value in of.items() if name not in _NOT_CONSTANTS}
    constants = [f"{LATEX.get(name) or latex_name(name)}={number(value, 4)}" for name, value in numbers.items()]
    worst = of.get("worst") or {}
    vectors = {letter: values for letter, values in worst.items() if isinstance(values, list)}
    place = [f"{letter}=({', '.join(map(number, values))})" for letter, values in vectors.items()]
    value, bound = (worst.get(key, of.get(key)) for key in ("value", "bound"))
    count = int(v["count"])
    return {
        "subject": v["subject"], "what": of.get("what", ""), "case": of.get("case", ""), "verdict": v["verdict"],
        "tightness": "" if v["tightness"] is None else number(float(v["tightness"]), 4),
        "route": v["route"],
        "count": f"{v['failing']} of {count}" if v["route"] != "Monte Carlo" else f"{count} paths",
        "outside": [{"step": name, "fails": fails} for name, fails in v["outside"].items()],
        "loss": of.get("loss_latex", ""), "noise": str(of.get("noise", "")).partition(":")[0],
        "d": of.get("d", ""), "clients": of.get("clients", ""),
        "constants": constants, "place": place, "steps": of.get("steps"),
        "value": None if value is None else number(float(value), 4), "bound": None if bound is None else number(float(bound), 4),
        "note": "; ".join(text for part in v["note"].split("; ") if (text := _NOTES.get(part, str(escape(part))))),
    }  # fmt: skip


def _evidence(id: str, status: str, verified: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """All comparisons with a subject, the SDE or the method, as one piece of evidence."""
    pieces = {}
    for subject in dict.fromkeys(v.subject for v in verified):
        rows = [v for v in verified if v.subject == subject and v.count]
        if not rows:
            continue
        words = {v.verdict for v in rows}
        verdict = next((word for word in (Verdict.VIOLATED, Verdict.CONFIRMED) if word in words), Verdict.INCONCLUSIVE)
        if status == Verdict.REFUTED and verdict == Verdict.CONFIRMED:
            verdict = Verdict.INCONCLUSIVE  # other numbers refute it
        tight = by_key((v.instance["what"], v.tightness) for v in rows if v.tightness is not None)
        kinds = [what for what in ("one step", "horizon") if tight[what]]
        shares = [f"{what}: bound/value at least ${number(min(tight[what]))}$" for what in kinds]
        failing = sum(v.verdict == Verdict.VIOLATED for v in rows)
        of, says = SDE if subject == "SDE" else METHOD, "; ".join(shares)
        pieces[subject] = evidence(id, of, verdict, says, "sec:own-theorems", len(rows), failing)
    return pieces
