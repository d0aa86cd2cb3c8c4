"""Mutants tried with the search and the kernel, and with the certificate of the original."""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction

from flint import ctx

from sdescent.derive.proof.kernel.certificate import certificate, dumps
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, num
from sdescent.derive.proof.language.text import text
from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay
from sdescent.derive.proof.search import one_variable
from sdescent.derive.proof.search.certify import find
from sdescent.derive.proof.search.ring import CertifyStep
from tests.support.mutation.mutants import MISSING, Step, changed, mutants, steps
from tests.support.mutation.truth import FALSE, OPEN, TRUE, Truth, violated


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Args:
        proved: "" or how: "search", "the same certificate".
        truth: TRUE, FALSE or OPEN, and why.
    """

    step: str
    kind: str
    claim: str
    proved: str
    truth: str
    why: str = ""


@dataclass
class Report:
    """All outcomes of a run."""

    outcomes: list[Outcome] = field(default_factory=list)
    equivalent: int = 0
    steps: int = 0

    @property
    def wrong(self) -> list[Outcome]:
        """Proved, and not known to be true: there must be none."""
        return [o for o in self.outcomes if o.proved and o.truth != TRUE]

    def summary(self) -> str:
        """Counts in one line."""
        proved = Counter(o.why for o in self.outcomes if o.proved and o.truth == TRUE)
        rest = Counter(o.truth for o in self.outcomes if not o.proved)
        return (
            f"{self.steps} steps, {len(self.outcomes)} mutants {dict(Counter(o.kind for o in self.outcomes))}, "
            f"{self.equivalent} equal to the original; proved and true: {dict(proved)}; "
            f"proved and not known to be true: {len(self.wrong)}; killed by a counterexample: {rest[FALSE]}; "
            f"true and not proved: {rest[TRUE]}; not proved and not decided: {rest[OPEN]}"
        )


def attempt(kernel: Kernel, claim: Relation, facts: Sequence[Fact], seconds: float) -> tuple[Fact, CertifyStep] | None:
    """The claim as a fact by `certify`, with what the search found."""
    step = find(kernel.normal, claim, [f.claim for f in facts], (), seconds)
    return None if step is None else (kernel.certify(claim, facts, step.mult, step.sum, step.equalities), step)


def try_step(step: Step, seconds: float, milliseconds: int, share: float = 1.0, seed: int = 0) -> Report:
    """All mutants of one step, or about a share of them; with 0 seconds only by the certificate that the step has."""
    if step.fact.rule == "ball":
        return _try_ball(step, seconds, share, seed)
    chooser = random.Random(f"{seed} {step.name}")
    kernel = Kernel(step.fact.context)
    certified = step.fact.rule == "certify"
    # premises again, as assumptions of what they say: the step is arithmetic from there
    premises = [kernel.assume(p.claim) for p in step.fact.premises]
    facts = premises if certified else [*premises, kernel.assume(step.fact.claim)]
    if step.final:
        facts = [*facts, *map(kernel.assume, step.hypotheses)]
    truth, report = Truth(kernel.normal, [f.claim for f in facts]), Report()
    key = kernel.normal.key(step.fact.claim)
    tried = {key}
    for kind, claim in mutants(step.fact.claim):
        try:
            other = kernel.normal.key(claim)
        except ProofError:
            continue
        report.equivalent += other == key
        if other in tried or chooser.random() > share:
            continue
        tried.add(other)
        report.outcomes.append(_outcome(kernel, step, kind, claim, facts, truth, seconds, milliseconds))
    for n in range(len(premises) if certified else 0):
        if chooser.random() <= share:
            rest = facts[:n] + facts[n + 1 :]
            less = Truth(kernel.normal, [f.claim for f in rest])
            report.outcomes.append(_outcome(kernel, step, MISSING, step.fact.claim, rest, less, seconds, milliseconds))
    return report


def _outcome(
    kernel: Kernel,
    step: Step,
    kind: str,
    claim: Relation,
    facts: Sequence[Fact],
    truth: Truth,
    seconds: float,
    milliseconds: int,
) -> Outcome:
    proved, certificate, original = "", None, step.fact.claim if kind != MISSING else None
    if step.fact.rule == "certify" and kind != MISSING:
        data = step.fact.data
        certificate = CertifyStep(data["mult"], data["sum"], data["equalities"])
        with suppress(ProofError):
            kernel.certify(claim, facts, certificate.mult, certificate.sum, certificate.equalities)
            proved = "the same certificate"
    searched = attempt(kernel, claim, facts, seconds) if seconds else None
    if searched is not None:
        proved, certificate = "search", searched[1]
    if not proved and not seconds:
        return Outcome(step.name, kind, text(claim), "", OPEN, "not searched for")
    answer, why = truth.decide(claim, original, milliseconds * (10 if proved else 1))
    if answer == OPEN and proved and certificate is not None and truth.identity(claim, certificate):
        answer, why = TRUE, "its certificate, evaluated"
    return Outcome(step.name, kind, text(claim), proved, answer, why)


def _try_ball(step: Step, seconds: float, share: float, seed: int) -> Report:
    """Mutants of 0 <= phi on an interval, and the interval without one of its ends."""
    chooser, data = random.Random(f"{seed} {step.name}"), step.fact.data
    kernel, variable, at = Kernel(step.fact.context), data["variable"], data["at"]
    bottom, top = (None if data[k] is None else Fraction(data[k]) for k in ("low", "high"))
    report, key = Report(), kernel.normal.key(num(0).le(data["term"]))
    tried = {key}
    candidates = [(kind, other, bottom, top) for kind, other in changed(data["term"])]
    candidates += [("reversed", -data["term"], bottom, top)]
    candidates += [(MISSING, data["term"], None, top)] if bottom is not None else []
    candidates += [(MISSING, data["term"], bottom, None)] if top is not None else []
    for kind, phi, low, high in candidates:
        other = kernel.normal.key(num(0).le(phi))
        report.equivalent += other == key and kind != MISSING
        if (other in tried and kind != MISSING) or chooser.random() > share:
            continue
        tried.add(other)
        needs = [num(low).le(at)] if low is not None else []
        needs += [at.le(num(high))] if high is not None else []
        proved, replayed = "", False
        with suppress(ProofError):
            proof = one_variable.find(phi, variable, low, high, False, seconds)
            if proof is not None:
                fact = kernel.ball({**proof, "variable": variable, "at": at}, [kernel.assume(r) for r in needs])
                proved, replayed = "search", replays(fact)
        where = violated(phi, low, high)
        answer, why = (TRUE, "replayed, and holds at 200 points") if replayed else (OPEN, "")
        if where is not None:
            answer, why = FALSE, f"x = {where}"
        report.outcomes.append(Outcome(step.name, kind, f"0 <= {text(phi)} on [{low}, {high}]", proved, answer, why))
    return report


def replays(fact: Fact) -> bool:
    """Whether the other checker takes the certificate of a fact."""
    try:
        replay(dumps(certificate(fact, "a mutant")))
    except (Invalid, Unreadable):
        return False
    return True


def run(numbers: Sequence[int], seconds: float, milliseconds: int, share: float = 1.0) -> Report:
    """The mutants of steps by their numbers in `steps()`, or about a share of them."""
    ctx.prec = 300
    whole, every = Report(), steps()
    for n in numbers:
        part = try_step(every[n], seconds, milliseconds, share)
        whole.outcomes += part.outcomes
        whole.equivalent += part.equivalent
        whole.steps += 1
    return whole
