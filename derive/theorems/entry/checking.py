"""The check of an entry: the kernel makes each fact of its derivation, and its point or its witness is evaluated exactly."""

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from html import escape
from typing import Any

from sdescent.derive.proof.kernel.certificate import ancestry, certificate
from sdescent.derive.proof.kernel.rules import AXIOMS, Fact
from sdescent.derive.proof.language.context import ProofError, parts
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, num, x
from sdescent.derive.proof.language.text import Printer, TermWriter, said, text
from sdescent.derive.proof.refute.model import find_model, with_witness
from sdescent.derive.proof.repair.smallest import proposed
from sdescent.derive.theorems.entry.from_method import disagreements, generator_of
from sdescent.derive.theorems.entry.instances import holds, value
from sdescent.derive.theorems.entry.statement import Statement, declarations, statement
from sdescent.derive.theorems.entry.theorem import Derivation, ProofLine, Refutation, Theorem
from sdescent.derive.vocabulary.verdicts import Verdict

#: the most lines of a proof that are shown as its main ones
MAIN = 5
#: the limit for the search for a model of the assumptions, which usually takes hundredths of a second
MODEL_SECONDS = 3.0
#: an assumption or a definition by its name
Named = tuple[str, Relation]


@dataclass(frozen=True)
class Checked:
    """The result of checking an entry.

    Args:
        status: PROVED, REFUTED or UNDECIDED.
        steps: one table for each line: its text and LaTeX, the hypotheses that are `given` in addition to the assumptions (a case,
            a generic number), its rule and status, the names of the assumptions and lines that it follows `from`, and whether it is
            one of the `main` lines. The last step of a refutation has the claim at the witness under `reads`.
        axioms: the names of the axioms that the proof used.
        assumptions, definitions: pairs (name, relation) that the proof used; for a refutation, all that the witness satisfies.
        declared: the declarations of functions, matrices and processes that the proof used, {"text", "latex", "source"}.
        unused: the names of assumptions that the proof did not use.
        statement: the statement that was proved or refuted; otherwise None.
        certificate: the certificate of a proof, with a model of its assumptions as the witness; otherwise None.
        counterexample: exact values at which a claim fails.
        reason: why the entry is not proved.
        repair: for a claim that fails, {"entry", "changes"}: the id of an entry that repairs it, and assumptions that make it
            provable, each {"plain", "latex", "instead"}; "instead" names the assumption that is replaced, or is "".
        about: for a proof, the object of the theorem, as `about` finds it.
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
        head = f"<p><b>{escape(entry.title)}</b> ({escape(entry.id)}; {escape(entry.source)})</p>"
        stated = f"<p>{escape(self.statement.latex)}</p>" if self.statement else ""
        return f"{head}<p>{escape(verdict)}</p>{stated}" + (f"<ol>{lines}</ol>" if lines else "")

    @property
    def satisfiability(self) -> str:
        """The text "shown" if a witness satisfies the assumptions and declarations, else "not shown"."""
        witnessed = self.certificate is not None and "witness" in self.certificate
        return "shown" if witnessed or self.status == Verdict.REFUTED else "not shown"

    @property
    def as_expected(self) -> bool:
        """Whether the status is the one that the entry expects."""
        return self.status == self.entry.expected


def check(entry: Theorem | Refutation, seconds: float = 5.0) -> Checked:
    """Check one entry. A proof that fails raises nothing; the status is then UNDECIDED, with the reason."""
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
            return _undecided(theorem, f"the point of the theorem does not satisfy {name}: the theorem may say nothing")
    plain, read = Printer(theorem.context), theorem.read() if theorem.read else {}
    differing = [f"{n}: the engine has {plain.relation(r)}" for n, r in read.items() if relations.get(n) != r]
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
    assumed = tuple((n, r) for n, r in theorem.assumptions.items() if n in used)
    defined = tuple((n, r) for n, r in theorem.definitions.items() if n in used)
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
            "from": [*rests[n][1], *(lines[m].words for m in rests[n][0])],
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
            # of all assumptions and definitions, even those that the proof does not use
            find_model(theorem.context, tuple(relations.values()), MODEL_SECONDS, theorem.point),
        ),
        about=about(theorem, last.claim, last.axioms),
    )


def as_claimed(w: Derivation, claim: Relation | None, last: Fact) -> Fact:
    """A proof of the claim itself, from a proved relation with the same sign and the same difference of its two sides.

    Raises:
        ProofError: the claim is not of this form, even if it follows from the proved relation.
    """
    if claim is None or claim == last.claim:
        return last
    with suppress(ProofError):
        if claim.op == last.claim.op:
            members, equalities = ([], [last]) if claim.op == "==" else ([last], [])
            return w.combine("as it is stated", claim, members, equalities)
    raise ProofError(f"the proved relation is not the claim of the theorem, but {printer(last).relation(last.claim)}")


def printer(last: Fact) -> Printer:
    """The printer for a proof: it writes sums if time is discrete, and powers of 1 - k if the rule decay has shown 0 < 1 - k."""
    key = Normal(last.context).frozen
    bases = {key(1 - f.data["rate"]) for f in ancestry(last) if f.rule == "decay" and last.context.steps}
    return Printer(last.context, lambda base: key(base) in bases)


def _refute(entry: Refutation) -> Checked:
    if entry.read and entry.read() != entry.claim:
        return _undecided(entry, "the claim is not the one that is read off the engine")
    at = {x(name): Fraction(v) for name, v in entry.witness.items()}
    writer, steps = TermWriter(entry.names), []
    for name, relation in entry.assume.items():
        if not holds(relation, at):
            return _undecided(entry, f"the witness does not satisfy {name}")
        steps.append(_evaluated(name, writer.relation(relation), text(relation), Verdict.PROVED))
    if holds(entry.claim, at):
        return _undecided(entry, "the claim holds at the witness")
    reads = f"{value(entry.claim.left, at)} {entry.claim.op} {value(entry.claim.right, at)}"
    words, latex = f"the claim fails: it reads {reads}", writer.relation(entry.claim)
    steps.append(_evaluated(words, latex, text(entry.claim), Verdict.REFUTED) | {"reads": reads})
    return Checked(
        entry, Verdict.REFUTED, tuple(steps), assumptions=tuple(entry.assume.items()), statement=entry.unchecked,
        counterexample={k: str(Fraction(v)) for k, v in entry.witness.items()}, repair=_mended(entry, writer),
    )  # fmt: skip


def _mended(entry: Refutation, writer: TermWriter) -> dict[str, Any]:
    """The repair of the claim, after a new proof of it; raises if it is not proved."""
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


# --- the grounds of the lines of a derivation, and the main lines

#: rules that state a small fact about one number or function; such a fact is of no interest to a reader
SMALL = ("inverse", "function", "declared", "assume")


#: the numbers of earlier lines, and the names of assumptions and definitions, from which a line follows directly
Grounds = tuple[list[int], list[str]]


def grounds(lines: Sequence[ProofLine], names: Mapping[Any, str]) -> list[Grounds]:
    """The grounds of each line. A fact that is not itself a line is replaced by its own grounds.

    Args:
        lines: the lines of a derivation, in order.
        names: the kernel's key of a relation -> the name of the assumption or definition.
    """
    number = {id(line.fact): n for n, line in reversed(list(enumerate(lines)))}
    return [_grounds(line.fact, n, number, names) for n, line in enumerate(lines)]


def _grounds(fact: Fact, line: int, number: Mapping[int, int], names: Mapping[Any, str]) -> Grounds:
    lines: list[int] = []
    premises: list[str] = []
    seen: set[int] = set()

    def visit(fact: Fact) -> None:
        if id(fact) in seen:
            return
        seen.add(id(fact))
        if number.get(id(fact), line) < line:
            lines.append(number[id(fact)])
            return
        if fact.rule == "assume":
            premises.extend(names[key] for key in fact.hypotheses if key in names)
        for premise in fact.premises:
            visit(premise)

    visit(fact)
    return sorted(set(lines)), list(dict.fromkeys(premises))


def carrying(lines: Sequence[ProofLine], rests: Sequence[Grounds], most: int) -> list[int]:
    """The numbers of at most `most` main lines: the last line, its grounds, their grounds, and so on, without small facts."""
    chosen: list[int] = [len(lines) - 1]
    level = [len(lines) - 1]
    while level and len(chosen) < most:
        below = [n for m in level for n in rests[m][0]]
        level = [n for n in dict.fromkeys(sorted(below, reverse=True)) if n not in chosen]
        for n in level:
            said = [lines[m].fact.claim for m in chosen]
            if len(chosen) < most and not _small(lines[n]) and lines[n].fact.claim not in said:
                chosen.append(n)
    return sorted(chosen)


def _small(line: ProofLine) -> bool:
    """Whether a line states a sign, a fact about one number or function, or an assumption under an operator."""
    fact, claim = line.fact, line.fact.claim
    assumed = fact.rule == "monotone" and all(p.rule == "assume" for p in fact.premises)
    return fact.rule in SMALL or assumed or num(0) in (claim.left, claim.right)


# --- the object of an entry

FIRST, CORRECTED, ODE, LINEARISED, METHOD = "first-order SDE", "corrected SDE", "ODE", "linearised SDE", "method"
#: an equation whose generator the statement defines
STATED = "SDE"
#: kind of evidence -> the object of a theorem without a process
KINDS = {
    "signs near the optimum": LINEARISED, "growth": METHOD, "growth in the mean": METHOD,
    "second moments of the method": METHOD, "psi": "constants", "strength": "constants",
    "scaling": "constants", "schedules": "schedule", "sums": "schedule", "law": "noise law", "loss": "loss", "rosenbrock": "loss",
    "separable loss": "loss", "logistic regression": "loss", "compressor": "compressor",
}  # fmt: skip
#: the object of a statement about the moments of a step at one gradient
STATE = "one state"


def about(theorem: Theorem, claim: Relation, axioms: Collection[str]) -> str:
    """The object of a theorem: an equation, the method itself, or an object without dynamics. It is read off the entry.

    If time is discrete and the context has functions of the state, the theorem is about the method itself, whose steps exist
    without any axiom. A theorem is about the process of its context if its proof assumes a solution, or if the generator of the
    process occurs in the claim. The process is an SDE whose drift has a second term, for the curvature (corrected), an SDE without
    this term (first-order), an ODE, or an SDE whose generator alone the context has. For all other theorems the evidence
    names the object.

    Args:
        claim: the last line of the derivation.
        axioms: the analytic facts that the derivation uses.
    """
    context, said = theorem.context, [*parts(claim.left), *parts(claim.right)]
    if context.steps and context.potentials:
        return METHOD
    for process in context.potentials.values():
        if "weak-existence" in axioms or generator_of(process) in said:
            if "change" in process:  # its evidence may say whose generator it is
                return next((f"{e.options['model']} SDE" for e in theorem.evidence if "model" in e.options), STATED)
            return ODE if not process["diffusion"] else CORRECTED if len(process["drift"]) > 1 else FIRST
    for evidence in theorem.evidence:
        if "model" in evidence.options:
            return f"{evidence.options['model']} SDE"
        if evidence.kind in KINDS:
            return KINDS[evidence.kind]
    return STATE
