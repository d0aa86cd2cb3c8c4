"""Mutants of what the catalogue proves: no false one may come out proved.

A mutant is a step of a derivation with one thing changed: the sign of a term, a constant (halved, a hundredth), a power, the
direction or the strictness of the relation, a premise left out. It is tried with the search and the kernel, and with the
certificate of the original. What it is, true or false, is decided apart from both: over its atoms as free real variables, by
exact points and by z3. A step says that its claim follows from its premises for any values of the atoms, so that is what
true means here. Rules other than `certify` make their claim from their data: there, the mutant is tried from the claim itself
and the premises. A ball is about one variable, and its mutants are evaluated at points.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from multiprocessing import get_context
from typing import Any

import z3
from flint import arb, ctx, fmpq

from derive.proof.kernel.certificate import certificate, dumps
from derive.proof.kernel.rules import Fact, Kernel
from derive.proof.language.context import ProofError
from derive.proof.language.normal import Normal
from derive.proof.language.terms import Relation, Term, num, term
from derive.proof.language.text import text
from derive.proof.replay.check import Invalid, Unreadable, replay
from derive.proof.search import one_variable
from derive.proof.search.certify import find
from derive.proof.search.ring import Found
from derive.theorems.catalogue import entries
from derive.theorems.entry.theorem import Derivation, Theorem

Poly = Mapping[tuple[tuple[int, int], ...], Fraction]
Point = dict[int, Fraction]
#: what became of a mutant: proved and true, proved and false (never), not proved and false, true, or neither shown
TRUE, FALSE, OPEN = "true", "false", "open"
MISSING = "a premise left out"


@dataclass(frozen=True)
class Step:
    """A step of a derivation: of `entry`, with the words and number of its line; the last one with what the theorem assumes."""

    entry: str
    number: int
    words: str
    fact: Fact
    final: bool
    hypotheses: tuple[Relation, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.entry}:{self.number} ({self.words})"


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
            f"{self.steps} steps, {len(self.outcomes)} mutants ({_counts(Counter(o.kind for o in self.outcomes))}), "
            f"{self.equivalent} equal to the original; proved and true: {sum(proved.values())} ({_counts(proved)}); "
            f"proved and not known to be true: {len(self.wrong)}; killed by a counterexample: {rest[FALSE]}; "
            f"true and not proved: {rest[TRUE]}; not proved and not decided: {rest[OPEN]}"
        )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counter.items()))


# --- mutants ----------------------------------------------------------------------------------------------------------


def changed(t: Term) -> Iterator[tuple[str, Term]]:
    """Every term that differs from t by one change of a sign, a constant or a power."""
    if t[0] == "q":
        value = Fraction(t[1])
        if value:
            yield "half of a constant", num(value / 2)
            yield "a hundredth of a constant", num(value / 100)
    if t[0] == "+":
        for n, part in enumerate(t[1:], 1):
            yield "sign of a term", Term((*t[:n], -part, *t[n + 1 :]))
    if t[0] == "^":
        yield "power + 1", t[1] ** (t[2] + 1)
        if t[2] > 1:
            yield "power - 1", t[1] ** (t[2] - 1)
    for n, part in enumerate(t[1:], 1):
        if isinstance(part, Term):
            for kind, other in changed(part):
                yield kind, Term((*t[:n], other, *t[n + 1 :]))


def mutants(claim: Relation) -> Iterator[tuple[str, Relation]]:
    """The mutants of a claim."""
    op, left, right = claim
    for side in (1, 2):
        yield "sign of a side", Relation((op, *(-t if n == side else t for n, t in ((1, left), (2, right)))))
        for kind, other in changed(claim[side]):
            yield kind, Relation((op, *((other, right) if side == 1 else (left, other))))
        # the constant 1 that is not written
        for kind, factor in (("half of a side", "1/2"), ("a hundredth of a side", "1/100")):
            sides = (left * num(factor), right) if side == 1 else (left, right * num(factor))
            yield kind, Relation((op, *sides))
    if op != "==":
        yield "reversed", Relation((op, right, left))
    yield "strict", Relation(("<", left, right))


@cache
def steps() -> list[Step]:
    """Every line of every derivation, those that say the same from the same once."""
    found: dict[Any, Step] = {}
    for entry in entries().values():
        if not isinstance(entry, Theorem):
            continue
        given = [r for r in {**entry.assumptions, **entry.definitions}.values() if r.op != "!="]
        w = Derivation(entry)
        last = entry.prove(w)
        facts = [(line.words, line.fact) for line in w.lines]
        if all(fact is not last for _, fact in facts):
            facts.append(("so", last))
        for n, (words, fact) in enumerate(facts):
            key = (entry.context.described(), tuple(fact.claim), fact.rule, tuple(tuple(p.claim) for p in fact.premises))
            final = fact is last
            if str(key) not in found or final:
                found[str(key)] = Step(entry.id, n, words, fact, final, tuple(given) if final else ())
    return list(found.values())


# --- proving ----------------------------------------------------------------------------------------------------------


def attempt(kernel: Kernel, claim: Relation, facts: Sequence[Fact], seconds: float) -> tuple[Fact, Found] | None:
    """The claim as a fact by `certify`, with what the search found."""
    found = find(kernel.normal, claim, [f.claim for f in facts], (), seconds)
    if found is None:
        return None
    return kernel.certify(claim, facts, found.mult, found.sum, found.equalities), found


def same_certificate(kernel: Kernel, claim: Relation, facts: Sequence[Fact], data: Mapping[str, Any]) -> bool:
    """Whether the kernel takes the certificate of the step for the mutant."""
    try:
        kernel.certify(claim, facts, data["mult"], data["sum"], data["equalities"])
    except ProofError:
        return False
    return True


# --- truth: the atoms as free real variables ----------------------------------------------------------------------------


class Truth:
    """Whether claims follow from premises, decided without search and kernel."""

    def __init__(self, normal: Normal, premises: Sequence[Relation], seed: int = 0) -> None:
        self.normal = normal
        self.premises = [(r.op, normal.polynomial(r.slack)) for r in premises]
        self.random = random.Random(seed)
        self.points: list[Point] | None = None
        self.variables: dict[int, Any] = {}

    def decide(self, claim: Relation, known: Relation | None, milliseconds: int) -> tuple[str, str]:
        """TRUE, FALSE or OPEN, and by what; `known` is what the step itself proves."""
        own = (claim.op, self.normal.polynomial(claim.slack))
        if self._sample(own) is not None:
            return FALSE, "a point"
        first = [] if known is None else [(known.op, self.normal.polynomial(known.slack))]
        if first and self._z3(first, own, milliseconds // 2) == "unsat":
            return TRUE, "weaker than the original"
        answer = self._z3(self.premises, own, milliseconds)
        if answer == "unsat":
            return TRUE, "z3"
        if answer == "sat":
            return FALSE, "z3"
        if first and self._z3([*self.premises, *first], own, milliseconds) == "unsat":
            return TRUE, "z3 with the original"
        return OPEN, ""

    # exact points

    def _sample(self, own: tuple[str, Poly]) -> Point | None:
        if self.points is None:
            self.points = list(self._satisfying())
        return next((p for p in self.points if not self._says(own, self._filled(own[1], p))), None)

    def _filled(self, poly: Poly, point: Point) -> Point:
        """The point with values for atoms that no premise mentions."""
        missing = {a for m in poly for a, _ in m} - set(point)
        return point if not missing else {**point, **{a: self._value() for a in sorted(missing)}}

    def _satisfying(self) -> Iterator[Point]:
        """Points that satisfy the premises: equalities are solved for an atom, one-signed atoms keep their sign."""
        atoms = sorted({a for _, p in self.premises for m in p for a, _ in m})
        found = 0
        for n in range(600):
            size = self.random.choice((1, 1, 3, 20))
            point = {a: self._value(size) for a in atoms}
            solved: set[int] = set()
            for op, poly in self.premises:
                if op in ("<=", "<") and not self._says((op, poly), point):
                    self._repair(op, poly, point, solved)
            for op, poly in self.premises:
                if op == "==":
                    self._repair(op, poly, point, solved)
            if all(self._says(r, point) for r in self.premises):
                found += 1
                yield point
            if found >= 60 or (n >= 200 and not found):
                return

    def _repair(self, op: str, poly: Poly, point: Point, solved: set[int]) -> None:
        """Moves one atom that stands linearly, so that the relation holds."""
        atoms = sorted({a for m in poly for a, _ in m} - solved)
        self.random.shuffle(atoms)
        for a in atoms:
            if any(dict(m).get(a, 0) > 1 for m in poly):
                continue
            slope = self._at({tuple(f for f in m if f[0] != a): c for m, c in poly.items() if dict(m).get(a)}, point)
            rest = self._at({m: c for m, c in poly.items() if not dict(m).get(a)}, point)
            if slope:
                above = self.random.choice((0, 0, Fraction(1, 10), 1)) + (Fraction(1, 100) if op == "<" else 0)
                point[a] = ((0 if op == "==" else above) - rest) / slope
                if op == "==":
                    solved.add(a)
                return

    def _value(self, size: int = 3) -> Fraction:
        if self.random.random() < 0.15:
            return Fraction(self.random.choice((0, 1, 1, -1)))
        return Fraction(self.random.randint(-size * 2, size * 6), self.random.choice((1, 2, 3, 10)))

    @staticmethod
    def _at(poly: Poly, point: Point) -> Fraction:
        total = Fraction(0)
        for m, c in poly.items():
            for a, n in m:
                c = c * point[a] ** n
            total += c
        return total

    def _says(self, relation: tuple[str, Poly], point: Point) -> bool:
        slack = self._at(relation[1], point)
        return {"<=": slack >= 0, "<": slack > 0, "==": slack == 0, "!=": slack != 0}[relation[0]]

    # z3

    def _z3(self, premises: Sequence[tuple[str, Poly]], own: tuple[str, Poly], milliseconds: int) -> str:
        solver = z3.SolverFor("QF_NRA")
        solver.set("timeout", max(milliseconds, 1))
        solver.set("random_seed", 0)
        for relation in premises:
            solver.add(self._formula(relation))
        solver.add(z3.Not(self._formula(own)))
        return str(solver.check())

    def _formula(self, relation: tuple[str, Poly]) -> Any:
        total = z3.Sum([self._product(m, c) for m, c in relation[1].items()] or [z3.RealVal(0)])
        return {"<=": total >= 0, "<": total > 0, "==": total == 0, "!=": total != 0}[relation[0]]

    def _product(self, monomial: tuple[tuple[int, int], ...], c: Fraction) -> Any:
        product = z3.RealVal(c)
        for a, n in monomial:
            for _ in range(n):
                product = product * self.variables.setdefault(a, z3.Real(f"a{a}"))
        return product

    # the certificate itself

    def identity(self, claim: Relation, found: Found) -> bool:
        """The certificate, evaluated at points: mult (r - l) = sum + equalities, of the shape that the rule asks for."""
        polys = [p for _, p in self.premises]
        ops = [op for op, _ in self.premises]
        strict = [all(ops[n] == "<" for n in used) and not squares for _, used, squares in found.mult]
        positive = [all(ops[n] == "<" for n in used) and not squares for _, used, squares in found.sum]
        cones = [*found.mult, *found.sum]
        if not any(strict) or any(c <= 0 or any(ops[n] not in ("<", "<=") for n in used) for c, used, _ in cones):
            return False
        if (claim.op == "==" and found.sum) or (claim.op == "<" and not any(positive)):
            return False
        if any(ops[n] != "==" for n, _ in found.equalities):
            return False
        slack = self.normal.polynomial(claim.slack)
        squares = {s: self.normal.polynomial(term(s)) for _, _, many in cones for s in many}
        factors = [(n, self.normal.polynomial(term(t))) for n, t in found.equalities]
        atoms = {a for p in [*polys, slack, *squares.values(), *(f for _, f in factors)] for m in p for a, _ in m}

        def cone(members: Sequence[Any], point: Point) -> Fraction:
            total = Fraction(0)
            for c, used, many in members:
                for n in used:
                    c = c * self._at(polys[n], point)
                for s in many:
                    c = c * self._at(squares[s], point) ** 2
                total += c
            return total

        for _ in range(4):
            point = {a: Fraction(self.random.randint(-10**9, 10**9), self.random.randint(1, 99)) for a in atoms}
            right = cone(found.sum, point) + sum(self._at(f, point) * self._at(polys[n], point) for n, f in factors)
            if cone(found.mult, point) * self._at(slack, point) != right:
                return False
        return True


# --- one step ---------------------------------------------------------------------------------------------------------


def try_step(step: Step, seconds: float, milliseconds: int, share: float = 1.0, seed: int = 0) -> Report:
    """All mutants of one step, or about a share of them; with 0 seconds only by the certificate that the step has."""
    if step.fact.rule == "ball":
        return _try_ball(step, seconds, share, seed)
    chooser = random.Random(f"{seed} {step.name}")
    kernel = Kernel(step.fact.context)
    certified = step.fact.rule == "certify"
    # premises anew, as assumptions of what they say: the step is arithmetic from there
    given = [kernel.assume(p.claim) for p in step.fact.premises]
    facts = given if certified else [*given, kernel.assume(step.fact.claim)]
    if step.final:
        facts += [kernel.assume(r) for r in step.hypotheses]
    truth = Truth(kernel.normal, [f.claim for f in facts])
    report = Report()
    key = kernel.normal.key(step.fact.claim)
    seen = {key}
    for kind, claim in mutants(step.fact.claim):
        try:
            own = kernel.normal.key(claim)
        except ProofError:
            continue
        report.equivalent += own == key
        if own in seen or chooser.random() > share:
            continue
        seen.add(own)
        report.outcomes.append(_outcome(kernel, step, kind, claim, facts, truth, seconds, milliseconds))
    if certified:
        for n in range(len(given)):
            if chooser.random() <= share:
                rest = facts[:n] + facts[n + 1 :]
                less = Truth(kernel.normal, [f.claim for f in rest])
                report.outcomes.append(_outcome(kernel, step, MISSING, step.fact.claim, rest, less, seconds, milliseconds))
    return report


def _outcome(
    kernel: Kernel, step: Step, kind: str, claim: Relation, facts: Sequence[Fact], truth: Truth, seconds: float, milliseconds: int
) -> Outcome:
    proved, found = "", None
    original = step.fact.claim if kind != MISSING else None
    if step.fact.rule == "certify" and kind != MISSING and same_certificate(kernel, claim, facts, step.fact.data):
        data = step.fact.data
        proved, found = "the same certificate", Found(data["mult"], data["sum"], data["equalities"])
    got = attempt(kernel, claim, facts, seconds) if seconds else None
    if got is not None:
        proved, found = "search", got[1]
    if not proved and not seconds:
        return Outcome(step.name, kind, text(claim), "", OPEN, "not searched for")
    answer, why = truth.decide(claim, original, milliseconds * (10 if proved else 1))
    if answer == OPEN and found is not None and truth.identity(claim, found):
        answer, why = TRUE, "its certificate, evaluated"
    return Outcome(step.name, kind, text(claim), proved, answer, why)


def _try_ball(step: Step, seconds: float, share: float, seed: int) -> Report:
    """Mutants of 0 <= phi on an interval, and the interval without one of its ends."""
    chooser = random.Random(f"{seed} {step.name}")
    data = step.fact.data
    kernel, variable, at = Kernel(step.fact.context), data["variable"], data["at"]
    ends = [None if data[k] is None else Fraction(data[k]) for k in ("low", "high")]
    report = Report()
    key = kernel.normal.key(num(0).le(data["term"]))
    seen = {key}
    tried = [(kind, other, *ends) for kind, other in changed(data["term"])]
    tried += [("reversed", -data["term"], *ends)]
    tried += [(MISSING, data["term"], None, ends[1])] if ends[0] is not None else []
    tried += [(MISSING, data["term"], ends[0], None)] if ends[1] is not None else []
    for kind, phi, low, high in tried:
        own = kernel.normal.key(num(0).le(phi))
        report.equivalent += own == key and kind != MISSING
        if (own in seen and kind != MISSING) or chooser.random() > share:
            continue
        seen.add(own)
        needs = [num(low).le(at)] if low is not None else []
        needs += [at.le(num(high))] if high is not None else []
        proved, replayed = "", False
        try:
            found = one_variable.find(phi, variable, low, high, False, seconds)
            if found is not None:
                fact = kernel.ball({**found, "variable": variable, "at": at}, [kernel.assume(r) for r in needs])
                proved, replayed = "search", replays(fact)
        except ProofError:
            pass
        where = violated(phi, low, high)
        if where is not None:
            answer, why = FALSE, f"x = {where}"
        else:
            answer, why = (TRUE, "replayed, and holds at 200 points") if replayed else (OPEN, "")
        report.outcomes.append(Outcome(step.name, kind, f"0 <= {text(phi)} on [{low}, {high}]", proved, answer, why))
    return report


def replays(fact: Fact) -> bool:
    """Whether the other checker takes the certificate of a fact."""
    try:
        replay(dumps(certificate(fact, "a mutant")))
    except (Invalid, Unreadable):
        return False
    return True


def violated(phi: Term, low: Fraction | None, high: Fraction | None) -> Fraction | None:
    """A point of the interval where phi is negative for certain, in balls of 300 bits."""
    for at in sampled(low, high):
        try:
            if ball_at(phi, at) < 0:
                return at
        except ZeroDivisionError:
            continue
    return None


def sampled(low: Fraction | None, high: Fraction | None) -> list[Fraction]:
    """Points of an interval: its ends, close to them, within, and far out."""
    near = [Fraction(k, 10**n) for n in range(1, 31) for k in (1, 3)]
    far = [Fraction(k, 8) for k in range(1, 120)] + [Fraction(2**n) for n in range(4, 24)]
    if low is not None and high is not None:
        inner = [low + (high - low) * Fraction(k, 120) for k in range(121)]
        return [*inner, *(low + e for e in near if low + e <= high), *(high - e for e in near if high - e >= low)]
    if low is not None:
        return [low, *(low + e for e in [*near, *far])]
    if high is not None:
        return [high, *(high - e for e in [*near, *far])]
    return [Fraction(0), *(s * e for e in [*near, *far] for s in (1, -1))]


def ball_at(t: Term, at: Fraction) -> arb:
    """A term over one variable, as a ball."""
    head, inner = t[0], [ball_at(a, at) for a in t[1:] if isinstance(a, Term)]
    if head == "q":
        return arb(fmpq(*Fraction(t[1]).as_integer_ratio()))
    if head == "x":
        return arb(fmpq(*at.as_integer_ratio()))
    if head == "pi":
        return arb.pi()
    if head == "+":
        return sum(inner, arb(0))
    if head == "*":
        return math.prod(inner, start=arb(1))
    if head == "^":
        return inner[0] ** t[2] if t[2] else arb(1)
    if head == "/":
        if inner[1] == 0:  # 1/0 = 0
            return arb(0)
        return inner[0] / inner[1]
    return {"abs": abs}.get(t[1], lambda v: getattr(v, t[1])())(inner[0])


# --- many steps -------------------------------------------------------------------------------------------------------


def run(numbers: Sequence[int], seconds: float, milliseconds: int, share: float = 1.0, stop: float = math.inf) -> Report:
    """The mutants of steps by their numbers in `steps()`; no new step is begun after `stop` seconds."""
    ctx.prec = 300
    whole, every, started = Report(), steps(), time.monotonic()
    for n in numbers:
        if time.monotonic() - started > stop:
            break
        own = try_step(every[n], seconds, milliseconds, share)
        whole.outcomes += own.outcomes
        whole.equivalent += own.equivalent
        whole.steps += 1
    return whole


def run_all(seconds: float, milliseconds: int, workers: int = 2, stop: float = math.inf) -> Report:
    """The mutants of all steps, in an order that is drawn, in so many processes."""
    count = len(steps())
    order = list(range(count))
    random.Random(0).shuffle(order)
    parts = [order[k::workers] for k in range(workers)]
    whole = Report()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for own in pool.map(run, parts, *([v] * workers for v in (seconds, milliseconds, 1.0, stop))):
            whole.outcomes += own.outcomes
            whole.equivalent += own.equivalent
            whole.steps += own.steps
    return whole
