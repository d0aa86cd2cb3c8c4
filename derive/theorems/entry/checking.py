"""Checking an entry: its derivation is written by the kernel, its point and its witness are evaluated exactly."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from html import escape
from typing import Any

from sdescent.derive.proof.kernel.certificate import ancestry, certificate
from sdescent.derive.proof.kernel.rules import AXIOMS, Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, x
from sdescent.derive.proof.language.text import Printer, TermWriter, said, text
from sdescent.derive.proof.refute.model import find_model, with_witness
from sdescent.derive.proof.repair.smallest import proposed
from sdescent.derive.theorems.entry.about import about
from sdescent.derive.theorems.entry.declarations import declarations
from sdescent.derive.theorems.entry.points import holds, value
from sdescent.derive.theorems.entry.recompute import disagreements
from sdescent.derive.theorems.entry.statement import Statement, statement
from sdescent.derive.theorems.entry.structure import carrying, grounds
from sdescent.derive.theorems.entry.theorem import Derivation, ProofLine, Refutation, Theorem
from sdescent.derive.vocabulary.verdicts import Verdict

#: lines that carry a proof, for a reader
MAIN = 5
#: for a model of the assumptions; it is found in hundredths of a second
MODEL_SECONDS = 3.0
#: an assumption or a definition by its name
Named = tuple[str, Relation]


@dataclass(frozen=True)
class Checked:
    """The result of checking an entry.

    Args:
        status: PROVED, DECIDED, REFUTED or UNDECIDED.
        steps: one line per step, with its LaTeX, what is `given` besides the assumptions (the case, a generic number), rule,
            status, the names of assumptions and lines that it is `from`, and whether it is one of the `main` lines; the last of a
            refutation ends with what the claim `reads` at the witness.
        axioms: names used.
        assumptions, definitions: those that the proof used, (name, relation); of a refutation, all that the witness satisfies.
        declared: the context's declarations of functions, matrices and processes, as far as the proof used them, {"text", "latex"}.
        unused: names of assumptions that the proof did not use.
        statement: of a proof, what was proved; of a refutation, what was refuted; otherwise None.
        certificate: the certificate of a proof, with a model of what it assumes as its witness; otherwise None.
        counterexample: exact values at which a claim fails.
        reason: why it is not proved.
        repair: of a claim that fails, {"entry", "changes"}: the id of an entry that repairs it, and assumptions with which it is proved,
            each {"plain", "latex", "instead"}, the last the name of the assumption that it replaces, or "".
        about: of a proof, the object of the theorem (`sdescent.derive.theorems.entry.about`).
    """

    entry: Theorem | Refutation
    status: Verdict
    steps: tuple[dict[str, Any], ...] = ()
    axioms: tuple[str, ...] = ()
    assumptions: tuple[Named, ...] = ()
    definitions: tuple[Named, ...] = ()
    declared: tuple[dict[str, str], ...] = ()
    unused: tuple[str, ...] = ()
    statement: Statement | None = None
    certificate: dict[str, Any] | None = None
    counterexample: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    repair: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    about: str = ""

    def _repr_html_(self) -> str:
        entry, lines = self.entry, "".join(f"<li>{escape(step['plain'])}</li>" for step in self.steps if step["main"])
        verdict = f"{self.status}, {self.seconds:.1f} s" + (f": {self.reason}" if self.reason else "")
        head = (
            f"<p><b>{escape(entry.title)}</b> ({escape(entry.id)}; {escape(entry.source)})</p><p>{escape(verdict)}</p>"
        )
        return (
            head
            + (f"<p>{escape(self.statement.latex)}</p>" if self.statement else "")
            + (f"<ol>{lines}</ol>" if lines else "")
        )

    @property
    def satisfiability(self) -> str:
        """Whether anything satisfies the assumptions and declarations: "shown", by the witness of the certificate or of the refutation."""
        witnessed = self.certificate is not None and "witness" in self.certificate
        return "shown" if witnessed or self.status == Verdict.REFUTED else "not shown"

    @property
    def as_expected(self) -> bool:
        """Whether the status is the one that the catalogue expects."""
        return self.status == self.entry.expected


def check(entry: Theorem | Refutation, seconds: float = 5.0) -> Checked:
    """Check one entry; a proof that fails does not raise: its status is then UNDECIDED, with the reason."""
    started = time.perf_counter()
    try:
        outcome = _refute(entry) if isinstance(entry, Refutation) else _prove(entry, seconds)
    except (ProofError, ValueError) as error:
        outcome = _undecided(entry, str(error)[:500])
    return replace(outcome, seconds=time.perf_counter() - started)


def _undecided(entry: Theorem | Refutation, reason: str) -> Checked:
    return Checked(entry, Verdict.UNDECIDED, reason=reason)


def _prove(theorem: Theorem, seconds: float) -> Checked:
    relations = {**theorem.assumptions, **theorem.definitions}
    for name, relation in relations.items():
        if not holds(relation, theorem.point):
            return _undecided(theorem, f"the point of the theorem does not satisfy {name}: it may say nothing")
    differing = _unlike(theorem.read() if theorem.read else {}, relations, Printer(theorem.context))
    differing += disagreements(theorem.recomputed, theorem.definitions)
    if differing:
        return _undecided(theorem, f"the definitions are not those of the method: {differing[0]}")
    w = Derivation(theorem, seconds)
    last = as_claimed(w, theorem.claim, w.proved(theorem.prove))
    key = w.kernel.normal.key
    names = {key(relation): name for name, relation in relations.items()}
    plain = printer(last)
    extra = [plain.relation(h) for k, h in last.hypotheses.items() if k not in names]
    if extra:
        return _undecided(theorem, f"the proof assumes what the theorem does not: {extra[0]}")
    used = {names[k] for k in last.hypotheses}
    assumed, defined = (
        tuple((n, r) for n, r in of.items() if n in used) for of in (theorem.assumptions, theorem.definitions)
    )
    writer, stating = (TermWriter(theorem.names, theorem.short, theorem.context) for _ in range(2))
    declared = declarations(last, stating, plain, theorem.sources)
    lines = w.lines if w.lines and w.lines[-1].fact is last else [*w.lines, ProofLine("so", last)]
    rests = grounds(lines, names)
    main = carrying(lines, rests, MAIN)
    steps: tuple[dict[str, Any], ...] = tuple(
        {
            "text": line.words,
            "latex": writer.relation(line.fact.claim),
            "plain": plain.relation(line.fact.claim),
            "given": [writer.relation(h) for k, h in line.fact.hypotheses.items() if k not in names],
            "rule": line.fact.rule,
            "status": Verdict.PROVED,
            "from": [*rests[n].premises, *(lines[m].words for m in rests[n].lines)],
            "main": n in main,
        }
        for n, line in enumerate(lines)
    )
    return Checked(
        theorem,
        Verdict.PROVED,
        steps,
        tuple(sorted(last.axioms, key=list(AXIOMS).index)),
        assumed,
        defined,
        tuple(declared),
        tuple(name for name in theorem.assumptions if name not in used),
        statement((*assumed, *defined), last.claim, stating, plain, declared),
        with_witness(
            certificate(last, theorem.title, [d for _, d in defined], lambda r: theorem.source_of(names[key(r)])),
            _model(theorem),
        ),
        about=about(theorem, last.claim, last.axioms),
    )


def as_claimed(w: Derivation, claim: Relation | None, last: Fact) -> Fact:
    """The claim itself, from what was proved: with the same sign, and the same difference of its two sides.

    Raises:
        ProofError: it is another claim, or one that follows from what was proved and is not the same.
    """
    if claim is None or claim == last.claim:
        return last
    try:
        if claim.op == last.claim.op == "==":
            return w.combine("as it is stated", claim, (), [last])
        if claim.op == last.claim.op:
            return w.combine("as it is stated", claim, [last])
    except ProofError:
        pass
    raise ProofError(f"what is proved is not the claim of the theorem, but {printer(last).relation(last.claim)}")


def printer(last: Fact) -> Printer:
    """Plain text for the proof of a fact: sums where time is steps, and the powers of the rule decay, whose premises say 0 < 1 - k."""
    key = Normal(last.context).frozen
    bases = {key(1 - f.data["rate"]) for f in ancestry(last) if f.rule == "decay" and last.context.steps}
    return Printer(last.context, lambda base: key(base) in bases)


def _model(theorem: Theorem) -> dict[str, Any] | None:
    """A model of the context in which all assumptions and definitions hold, those that the proof does not use too."""
    relations = (*theorem.assumptions.values(), *theorem.definitions.values())
    return find_model(theorem.context, relations, MODEL_SECONDS, theorem.point)


def _unlike(read: Mapping[str, Relation], relations: Mapping[str, Relation], plain: Printer) -> list[str]:
    """The relations that differ between the engine, as it is now, and the theorem, or that the theorem lacks."""
    return [
        f"{name}: the engine has {plain.relation(relation)}"
        for name, relation in read.items()
        if relations.get(name) != relation
    ]


def _refute(entry: Refutation) -> Checked:
    if entry.read and entry.read() != entry.claim:
        return _undecided(entry, "the claim is not about what the engine has")
    at = {x(name): Fraction(v) for name, v in entry.witness.items()}
    writer, steps = TermWriter(entry.names), []
    for name, relation in entry.assume.items():
        if not holds(relation, at):
            return _undecided(entry, f"the witness does not satisfy {name}")
        steps.append(_evaluated(name, writer.relation(relation), text(relation), Verdict.PROVED))
    if holds(entry.claim, at):
        return _undecided(entry, "the claim holds at the witness")
    reads = f"{value(entry.claim.left, at)} {entry.claim.op} {value(entry.claim.right, at)}"
    failing = _evaluated(
        f"the claim fails: it reads {reads}", writer.relation(entry.claim), text(entry.claim), Verdict.REFUTED
    )
    steps.append(failing | {"reads": reads})
    return Checked(
        entry, Verdict.REFUTED, tuple(steps), assumptions=tuple(entry.assume.items()), statement=entry.unchecked,
        counterexample={k: str(Fraction(v)) for k, v in entry.witness.items()}, repair=_mended(entry, writer),
    )  # fmt: skip


def _mended(entry: Refutation, writer: TermWriter) -> dict[str, Any]:
    """The repair of the claim, proved again; raises where it is not proved."""
    if entry.mended:
        witness = {name: Fraction(v) for name, v in entry.witness.items()}
        before = tuple(entry.assume.values())
        after = tuple({**entry.assume, **entry.mended}.values())
        proposed("bound", entry.title, (after, entry.claim), tuple(witness), witness, (before, entry.claim))
    changes = [
        {"plain": said(r), "latex": writer.relation(r), "instead": name if name in entry.assume else ""}
        for name, r in entry.mended.items()
    ]
    return {"entry": entry.repair, "changes": changes}


def _evaluated(words: str, latex: str, plain: str, status: str) -> dict[str, Any]:
    return {
        "text": words, "latex": latex, "plain": plain, "given": [], "rule": "evaluate", "status": status, "from": [], "main": True,
    }  # fmt: skip
