"""The smallest changes that make a refuted claim true: another number or sign in it or in an assumption, or one more hypothesis.

The search is not trusted: a `Repair` requires a certificate, an exact point that satisfies its assumptions and, if it
names one, a counterexample just beyond it. "Least" means least among rationals with a denominator of at most 64
(`search.mediants`).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.claims.prove import GRACE, prove
from sdescent.derive.proof.claims.verdict import Judged, Point, Question, Repair
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.clock import OutOfTime, limited, now
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, Term
from sdescent.derive.proof.refute.counterexample import quiet, refute
from sdescent.derive.proof.refute.exact import NoValue, counterexample
from sdescent.derive.proof.refute.model import NEVER
from sdescent.derive.proof.repair.candidates import HYPOTHESIS, LARGE, THIN, Candidate, Family, Points, Single
from sdescent.derive.proof.repair.constants import constants, tightened
from sdescent.derive.proof.repair.hypotheses import bounds, singles
from sdescent.derive.proof.search.mediants import Tried, Walked, least_near
from sdescent.derive.reading.claims import Claim
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict

MOST = 3
#: the time for one value of a number: its share of the whole, and its least and most seconds
SHARE, SHORTEST, LONGEST = 0.12, 0.25, 2.0
#: the distance below a guess, the largest threshold of samples, at which the walk begins
SLACK = Fraction(1, 10**6)
#: the largest denominator of a strict bound
SIMPLE = 8
#: the largest rank (denominator plus change) of a second constant
CRUDE = 40
#: a change without a number (there are few) gets the time of PATIENCE values if there are at most FEW variables
PATIENCE, FEW = 3, 8
MOST_WITNESSES = 6
MODEL_SECONDS = 0.1
_ERRORS = (ProofError, BadInput, NoValue, ArithmeticError, ValueError, IndexError, KeyError, RecursionError)


def repairs(
    asked: Judged | Claim | Relation | str, assume: Sequence[str | Relation] = (), variables: Sequence[str] | None = None,
    hints: Sequence[str | Term] = (), seconds: float = 5.0,
) -> list[Repair]:  # fmt: skip
    """At most three repairs of a refuted claim, smallest first: constants that change little, then hypotheses from weak to strong.

    The list is empty if the claim is not refuted. `asked` is a verdict, or a claim with the other arguments of `prove`,
    which is then called first with the same limit of about `seconds`. Raises BadInput as for `prove`.
    """
    verdict = asked if isinstance(asked, Judged) else prove(asked, assume, variables, hints, seconds)
    if verdict.status != Verdict.REFUTED or verdict.point is None:
        return []
    return _RepairSearch(verdict, seconds).run()


def proposed(
    kind: str, words: str, question: Question, variables: Sequence[str], needed: Point | None = None,
    beyond: Question | None = None, seconds: float = 5.0,
) -> Repair:  # fmt: skip
    """The repair that a caller proposes, if it is proved here and a point satisfies its assumptions.

    Raises BadInput as `prove`; ProofError if that fails, or `needed` does not refute `beyond`.
    """
    assume, claim = question
    verdict = prove(claim, assume, variables, seconds=seconds)
    model, wide = _model(variables, assume, seconds)
    if model is None:
        raise ProofError("nothing is seen to satisfy the assumptions of a repair")
    return Repair(kind, words, claim, tuple(assume), verdict, needed, False, beyond, model, wide)


def _model(
    variables: Sequence[str], assume: Sequence[Relation], seconds: float = MODEL_SECONDS
) -> tuple[Point | None, bool]:
    """A point that satisfies the assumptions, or None, and whether strictly; MODEL_SECONDS are spent on a strict one."""
    strict = [Relation(("<", *r[1:])) if r.op == "<=" else r for r in assume]
    for wide, relations, most in ((True, strict, MODEL_SECONDS), (False, list(assume), seconds)):
        point = refute(variables, relations, NEVER, most)
        if point is not None:
            return point, wide
    return None, False


#: a point, and the question just beyond a repair that the point refutes
Failure = tuple[Point, Question]


@dataclass
class _Offer:
    repair: Repair
    rank: tuple[float, float]
    constant: bool


class _RepairSearch:
    """The search for the repairs of one verdict."""

    def __init__(self, verdict: Judged, seconds: float) -> None:
        assert verdict.point is not None
        self.verdict, self.point = verdict, verdict.point
        self.stop = now() + seconds
        self.each = min(max(SHARE * seconds, SHORTEST), LONGEST)
        self.normal = Kernel(Context({n: "const" for n in verdict.variables})).normal
        #: recent counterexamples, which are tried first
        self.witnesses: list[Point] = [self.point]
        #: whether a point lies strictly inside the assumptions; a hypothesis should not exclude all such points
        self.room = _model(verdict.variables, verdict.assume)[1]
        self.offers: list[_Offer] = []
        self._keys: set[Any] = set()

    def run(self) -> list[Repair]:
        """The repairs that the search finds in its time, best first."""
        with quiet(), suppress(OutOfTime), limited(max(self.stop - now(), 0) + GRACE):
            self._look()
        return self._chosen()

    def _look(self) -> None:
        for candidate in self._candidates():
            constant = sum(o.constant for o in self.offers)
            # three hypotheses are enough, or two beside a constant
            if now() + SHORTEST > self.stop or len(self.offers) - constant >= MOST - (constant > 0):
                break
            if self._superfluous(candidate, constant):
                continue
            try:
                offer = self._single(candidate) if isinstance(candidate, Single) else self._family(candidate)
            except _ERRORS:
                continue
            if offer is not None and self._new(offer.repair):
                self.offers.append(offer)

    def _candidates(self) -> list[Candidate]:
        try:
            verdict = self.verdict
            points = self.points = Points(verdict.variables, verdict.assume, verdict.claim, self.point, self.stop)
        except _ERRORS:
            return []
        candidates: list[Candidate] = []
        for make in (singles, constants, tightened, bounds):
            with suppress(*_ERRORS):
                candidates += make(points)
        return sorted(candidates, key=lambda c: c.rank)

    def _superfluous(self, candidate: Candidate, constant: int) -> bool:
        if candidate.constant:
            # if <= repairs the claim, a larger constant in < says less
            crude = constant > 0 and candidate.rank[1] > CRUDE
            return constant >= MOST - 1 or crude or any(o.repair.kind == "weak" for o in self.offers)
        return candidate.rank[0] == THIN and len(self.offers) > constant

    def _chosen(self) -> list[Repair]:
        wide = self.room and any(o.repair.wide for o in self.offers)
        offers = sorted([o for o in self.offers if o.repair.wide or o.constant or not wide], key=lambda o: o.rank)
        hypotheses = any(not o.constant for o in offers)
        chosen: list[_Offer] = []
        for o in offers:
            if not (o.constant and hypotheses and sum(k.constant for k in chosen) >= MOST - 1):
                chosen.append(o)
        return [o.repair for o in chosen[:MOST]]

    def _new(self, repair: Repair) -> bool:
        """Whether the repair is not offered yet, does not assume its claim, and has variables in its claim."""
        key = self.normal.key(repair.claim), frozenset(self.normal.key(a) for a in repair.assume)
        assumed = self.normal.key(repair.claim) in {self.normal.key(a) for a in repair.assume}
        empty = set(self.normal.polynomial(repair.claim.slack)) <= {()}
        if key in self._keys or assumed or empty:
            return False
        self._keys.add(key)
        return True

    # one candidate

    def _single(self, candidate: Single) -> _Offer | None:
        # proofs in many variables overrun their time
        verdict = self._proved(candidate.question, PATIENCE if len(self.verdict.variables) <= FEW else 1)
        if not isinstance(verdict, Judged):
            return None
        words = candidate.words + ("; it fails at " + listed(self.point) if self.point else "")
        original = self.verdict.assume, self.verdict.claim
        return self._offer(candidate, words, verdict, (self.point, original), candidate.sharp)

    def _family(self, family: Family) -> _Offer | None:
        largest, rows = family.sign * family.guess, family.rows
        if rows is None:
            largest, rows = self.points.largest(family.threshold)
        guess = max(largest, family.sign * family.guess)
        if not abs(guess) < 1e9 or not family.allowed(Fraction(family.sign * guess)):
            return None
        sign = family.sign

        def judge(t: Fraction) -> Tried | None:
            judgement = self._judged(family.at(sign * t), rows)
            return None if judgement is None else Tried(isinstance(judgement, Judged), judgement)

        near = Fraction(guess).limit_denominator(10**9)
        walked = least_near(judge, near - SLACK * (1 + abs(near)), sign * family.start, self.point)
        if walked is None or not family.allowed(sign * walked.certified):
            return self._strict(family, near, None)
        return self._strict(family, near, walked) or self._walked(family, walked)

    def _walked(self, family: Family, walked: Walked) -> _Offer | None:
        c, words = family.sign * walked.certified, ""
        failure: Failure | None = None
        if walked.refuted is not None:
            below = family.sign * walked.refuted
            failure = walked.witness, family.at(below)
            extreme = "weakest" if not family.constant else "least" if family.sign > 0 else "greatest"
            sharp = walked.neighbours and family.convex
            words = (f": {extreme} such {family.noun}" if sharp else "") + f"; fails {family.beyond(below)}"
            words += f" with {listed(walked.witness)}" if walked.witness else ""
        return self._offer(family, family.phrase(c) + words, walked.proof, failure, walked.neighbours)

    def _strict(self, family: Family, guess: Fraction, walked: Walked | None) -> _Offer | None:
        """The bound with < at a simple number where the bound with <= fails."""
        if family.strictly is None or family.strict_phrase is None:
            return None
        edge = guess.limit_denominator(SIMPLE)
        if abs(edge - guess) > SLACK * 10 * (1 + abs(guess)) or (walked is not None and walked.certified <= edge):
            return None
        c = family.sign * edge
        question = family.at(c)
        point = self._judged(question, self.points.rows)
        verdict = self._proved(family.strictly(c))
        if not isinstance(verdict, Judged) or point is None or isinstance(point, Judged):
            return None
        words = f"{family.strict_phrase(c)}: weakest such {family.noun}; fails {family.beyond(c)} with {listed(point)}"
        return self._offer(family, words, verdict, (point, question), True)

    def _offer(
        self, candidate: Candidate, words: str, verdict: Judged, failure: Failure | None, sharp: bool
    ) -> _Offer | None:
        model, wide = _model(self.verdict.variables, verdict.assume)
        if model is None:
            return None
        wide_enough = wide or not self.room
        if not (wide_enough or candidate.constant or sharp or isinstance(candidate, Single)):
            # only the edge of the assumptions is left, because no better bound was proved
            return None
        words += "" if wide_enough or candidate.constant else " (it may leave no open set of values)"
        rank = candidate.rank if wide_enough or candidate.constant or candidate.rank[0] > HYPOTHESIS else (LARGE, 0.0)
        needed, beyond = failure or (None, None)
        kind, exact = candidate.kind, sharp and needed is not None
        repair = Repair(kind, words, verdict.claim, verdict.assume, verdict, needed, exact, beyond, model, wide)
        return _Offer(repair, rank, candidate.constant)

    def _judged(self, question: Question, rows: Any) -> Judged | Point | None:
        """A proof, a counterexample, or None."""
        point = next((p for p in self.witnesses if counterexample(p, *question)), None)
        if point is None and len(rows):
            point = self.points.against(*question, rows)
            self.witnesses = [*self.witnesses, point][:MOST_WITNESSES] if point is not None else self.witnesses
        return self._proved(question) if point is None else point

    def _proved(self, question: Question, patience: int = 1) -> Judged | Point | None:
        seconds = self.stop - now()
        if seconds < SHORTEST / 2:
            return None
        assume, claim = question
        try:
            verdict = prove(
                claim, assume, self.verdict.variables, self.verdict.hints, min(patience * self.each, seconds)
            )
        except _ERRORS:
            return None
        if verdict.status == Verdict.PROVED and not verdict.vacuous:
            return verdict
        return verdict.point if verdict.status == Verdict.REFUTED else None


def listed(point: Point) -> str:
    """The coordinates of the point as text: a = 1, b = 1/2."""
    return ", ".join(f"{name} = {value}" for name, value in point.items())
