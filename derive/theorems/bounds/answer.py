"""The verdict on a user's theorem: PROVED with a certificate, REFUTED by a run, or UNDECIDED with the step where the proof fails.

A claim at the horizon stays UNDECIDED if only the one-step bound from which it would follow is refuted. For a bound that a run
refutes, the answer offers the nearest constants with which it is proved. For an undecided claim it gives the inequality that is
still missing at the failed step. If the search finds any, it adds hypotheses under which the claim is proved, and bounds that
need no further hypotheses. Every bound offered is proved by the same engine.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.clock import OutOfTime, now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, fn, from_json, num
from sdescent.derive.proof.repair.constants import numerals
from sdescent.derive.proof.search.mediants import Judge, Tried, Walked, between
from sdescent.derive.theorems.bounds.kernel_context import BY_PARTS, Setting, relation_text, vector_words
from sdescent.derive.theorems.bounds.language.formulas import symbolic, written
from sdescent.derive.theorems.bounds.language.hypotheses import keyword
from sdescent.derive.theorems.bounds.language.vocabulary import replaced, symbols_of
from sdescent.derive.theorems.bounds.proving import Bound, StepFailed
from sdescent.derive.theorems.bounds.refuting import Refuted, refuted, refuted_at_the_end, refuted_later
from sdescent.derive.theorems.bounds.stated import IN_PROBABILITY, Stated
from sdescent.derive.theorems.entry.checking import Checked, check
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.verdicts import Verdict

#: how many numbers of a claim to vary at most, and seconds for one value
MOST, EACH = 4, 2.0
#: seconds for the first try of all, before any search for a refutation, and for a try if the proof may need further vectors
QUICK, SHORT = 1.5, 4.0
#: seconds for a first try without interpolation
FIRST = 1.0
#: seconds to search for a run that refutes a claim at the horizon
AT_THE_END = 10.0
#: factors by which to change a number of a claim, near and simple ones first
AROUND = tuple(map(Fraction, ("2", "1/2", "4", "1/4", "8", "1/8")))
NO_STATE = (
    "no state was found at which all assumptions hold, so the theorem may say nothing: the assumptions may contradict each other, "
    "the mean of the messages may be unknown here (it is known for unbiased compressors, signs in one dimension, and clipping "
    "without noise), or the state may need irrational numbers"
)
STEP_FALSE = (
    "the bound on a step is refuted; the claim at the horizon is undecided, since another bound on a step may imply it"
)
#: hypotheses to try if a claim is not proved, in groups, weakest first; the first that works in a group ends that group
GUESSES = (
    ("convex",),
    ("eta*{L} <= 1", "eta*{L} <= 1/2", "eta*{L} <= 1/4", "eta*{L} <= 1/8", "eta <= 1"),
    ("u <= 1",),
    *((f"{name}: {{mu}}",) for name in ("pl", "strongly convex", "variance", "bounded gradient")),
)


@dataclass(frozen=True)
class Repaired:
    """A nearby theorem that is proved.

    Args:
        words: the change, such as "1/2 in place of 3/4".
        claim: the claim that is proved.
        beyond: a number just beyond the proved one and a run that refutes the claim with it; None if none was found.
    """

    words: str
    claim: str
    beyond: tuple[str, Refuted] | None = None


@dataclass(frozen=True)
class Answer:
    """The verdict on a stated theorem.

    Args:
        status: PROVED, REFUTED or UNDECIDED.
        stated: the theorem.
        checked: the checked entry, if a proof was tried.
        refuted: a run that refutes the claim or the bound on a step.
        refutes: "claim", or "step" for the bound on a step behind a claim at the horizon.
        repairs: nearby theorems that are proved.
        failed: (name, goal) of the step that the search did not prove.
        left_over: an expression, as text, whose nonnegativity the failed step still needs.
        guesses: hypotheses under which the claim is proved, weakest first.
        instead: bounds of `sdescent.derive.theorems.bounds.suggest` under the same assumptions, if the claim is not proved.
        reason: why the theorem is undecided, as text.
    """

    status: Verdict
    stated: Stated
    checked: Checked | None = None
    refuted: Refuted | None = None
    refutes: str | None = None
    repairs: tuple[Repaired, ...] = ()
    failed: tuple[str, Relation] | None = None
    left_over: str = ""
    guesses: tuple[str, ...] = ()
    instead: tuple[Any, ...] = ()
    reason: str = ""
    seconds: float = 0.0

    @property
    def conclusion(self) -> Relation | None:
        """The last claim of the proof; None without a certificate."""
        return None if self.certificate is None else from_json(self.certificate["statement"]["claim"], True)

    @property
    def certificate(self) -> dict[str, Any] | None:
        """The certificate of the proof, or None."""
        return None if self.checked is None else self.checked.certificate


def decide(stated: Stated, seconds: float = 60.0, repair: bool = True, horizon: bool = True) -> Answer:
    """Try to prove or refute a stated theorem.

    Args:
        seconds: an approximate limit for the whole call, by `sdescent.derive.proof.language.clock`.
        repair: whether to look for nearby theorems if this one is not proved.
        horizon: whether to look for a run that refutes a claim at the horizon.

    Raises:
        BadInput, Refusal: as `Stated` raises them.
    """
    started, stop = time.perf_counter(), now() + seconds
    # a run does not tell how likely it is
    horizon = horizon and stated.conclude not in IN_PROBABILITY
    answer = _decided(stated, seconds, stop, repair, horizon)
    if answer.status == Verdict.UNDECIDED and stated.integrated and horizon:
        against = refuted_at_the_end(stated.setting, stated.claim, min(AT_THE_END, max(stop - now(), seconds / 3)))
        if against is not None:
            answer = Answer(Verdict.REFUTED, stated, refuted=against, refutes="claim")
    return replace(answer, seconds=time.perf_counter() - started)


def _decided(stated: Stated, seconds: float, stop: float, repair: bool, horizon: bool) -> Answer:
    entry = stated.entry()
    interpolated = replace(stated, interpolate=True) if stated.may_interpolate else None
    if entry.point and stated.step is not None:
        if interpolated is not None and len(stated.setting.points) > 1:  # nothing else relates f at two points
            answer, interpolated = _attempt(interpolated, interpolated.entry(), seconds / 3), None
        else:
            answer = _attempt(stated, entry, min(QUICK, seconds / 2))
        if answer.status == Verdict.PROVED:
            return answer
    plain = stated.step if stated.tail is None else None
    against = None if plain is None else refuted(stated.setting, plain, min(3.0, seconds / 8))
    if against is not None:
        return _against(stated, against, stop, repair)
    if not entry.point:
        return Answer(Verdict.UNDECIDED, stated, reason=NO_STATE)
    if stated.integrated and horizon:
        against = refuted_at_the_end(stated.setting, stated.claim, min(AT_THE_END, seconds) / 4)
        if against is not None:
            return Answer(Verdict.REFUTED, stated, refuted=against, refutes="claim")
    limit = max(1.0, (stop - now()) * (0.55 if repair else 0.7))
    begun = now()
    answer = _tried(stated, entry, limit if interpolated is None else min(FIRST, limit))
    if answer.status != Verdict.PROVED and interpolated is not None:
        again = _attempt(interpolated, interpolated.entry(), limit / 2)
        rest = limit - (now() - begun)
        answer = again if again.status == Verdict.PROVED else _tried(stated, entry, rest) if rest > FIRST else answer
    if answer.status == Verdict.PROVED:
        return answer
    against = None if plain is None else refuted_later(stated.setting, plain, min(3.0, seconds / 8))
    if against is not None:
        return _against(stated, against, stop, repair)
    if answer.failed is not None:
        normal = Normal(stated.setting.context)
        missing = num(0).le(normal.term(normal.polynomial(answer.failed[1].slack)))
        answer = replace(answer, left_over=relation_text(stated.setting, missing).removeprefix("0 <= "))
    if not repair or proved_quickly(stated) is not None:  # a hypothesis on the step would not help
        return answer
    return replace(answer, guesses=tuple(_guesses(stated, stop)))


def _against(stated: Stated, against: Refuted, stop: float, repair: bool) -> Answer:
    """The answer if a run refutes the bound on a step, which may be the claim itself."""
    answer = Answer(Verdict.REFUTED, stated, refuted=against, refutes="claim")
    if stated.integrated:  # another step may give the claim
        answer = replace(answer, status=Verdict.UNDECIDED, refutes="step", reason=STEP_FALSE)
    if not repair:
        return answer
    return replace(answer, repairs=tuple(_repairs(stated, (now() + stop) / 2)), guesses=tuple(_guesses(stated, stop)))


def _tried(stated: Stated, entry: Theorem, limit: float) -> Answer:
    """The answer PROVED or UNDECIDED. With several vectors, a short first try shows which squares of sums the proof may need."""
    if len(stated.setting.vectors) == 1:
        return _attempt(stated, entry, limit)
    stop = now() + limit
    first = _attempt(stated, entry, min(SHORT, limit))
    if first.status == Verdict.PROVED or first.failed is None:
        return first
    completed = _with_squares(stated, first.failed[1])
    if completed is not None:
        again = _attempt(completed, completed.entry(), max(1.0, (stop - now()) / 2))
        if again.status == Verdict.PROVED:
            return again
    return _attempt(stated, entry, stop - now()) if stop - now() > SHORT else first


def _attempt(stated: Stated, entry: Theorem, limit: float) -> Answer:
    failures: list[StepFailed] = []

    def prove(w: Derivation) -> Fact:
        try:
            return stated.prove(w, limit)
        except StepFailed as error:
            failures.append(error)
            raise

    checked = check(replace(entry, prove=prove), limit)
    if checked.status == Verdict.PROVED:
        return Answer(Verdict.PROVED, stated, checked)
    failed = (failures[-1].step, failures[-1].claim) if failures else None
    return Answer(Verdict.UNDECIDED, stated, checked, failed=failed, reason=checked.reason)


def _with_squares(stated: Stated, claim: Relation) -> Stated | None:
    """The theorem with squares of sums of vectors as further hints, or None if there are none to add."""
    completed = stated
    for text in _squares(stated.setting, claim):
        hints = completed.table.get("hints", ())
        if text not in hints:
            with suppress(BadInput, Refusal):  # a coefficient may not be constant
                completed = replace(completed, table={**completed.table, "hints": [*hints, text]})
    return None if completed is stated else completed


def proved_quickly(stated: Stated, seconds: float = EACH) -> Fact | None:
    """The bound on a step as a fact, without a certificate; None if there is none or it is not proved within `seconds`."""
    if stated.step is None:
        return None
    try:
        w = Derivation(stated.entry(with_point=False), seconds)
        return Bound(w, stated.setting, seconds=seconds).drift(stated.weighted, stated.step)
    except (OutOfTime, ProofError):
        return None


# --- vectors that a proof needs


def _squares(setting: Setting, claim: Relation) -> list[str]:
    """Sums of two vectors, written as hints, whose squares may help to prove a claim.

    A (A |v|^2 + 2 B <v, w> + C |w|^2) = |A v + B w|^2 + (A C - B^2) |w|^2. If A v + B w is a vector with its own name, only an
    inequality between numbers remains to be proved.
    """
    letters: dict[sp.Symbol, tuple[str, str]] = {}
    others: dict[Term, sp.Symbol] = {}

    def letter(t: Term) -> sp.Expr:
        if t[0] in ("norm", "dot") and all(v[0] == "v" for v in t[1:]):
            v, w = sorted((t[1][1], t[-1][1]))
            product = sp.Symbol(f"{v},{w}")
            letters[product] = v, w
            return product**2 if t[0] == "dot" and v == w else product
        if t[0] in ("E", "I", "EI"):
            raise ProofError("a claim about the horizon")
        return sp.S.Half if t == fn("psi", num(0)) else others.setdefault(t, sp.Dummy())

    claim = replaced(claim, {r.left: r.right for name, r in setting.definitions.items() if name.endswith(BY_PARTS)})
    try:
        residue = sp.expand(symbolic(claim.right, letter) - symbolic(claim.left, letter))
    except ProofError:
        return []
    return list(dict.fromkeys(_completed(setting, residue, letters)))


def _completed(setting: Setting, residue: sp.Expr, letters: dict[sp.Symbol, tuple[str, str]]) -> Iterator[str]:
    words = {v: word for v, word in vector_words(setting).items() if v not in setting.sums}
    for mixed, (v, w) in letters.items():
        half = residue.coeff(mixed) / 2
        if v == w or half == 0 or v not in words or w not in words:
            continue
        for one, other in ((v, w), (w, v)):
            square = residue.coeff(sp.Symbol(f"{one},{one}"), 2)
            ratio = sp.cancel(sp.together(half / square)) if square != 0 else None
            if ratio is None or ratio.free_symbols & set(letters) or ratio.atoms(sp.Dummy):
                continue
            above, below = sp.fraction(ratio)
            terms = sorted(((words[vector], c) for vector, c in ((one, below), (other, above))), key=lambda t: t[0])
            sign = -1 if terms[0][1].could_extract_minus_sign() else 1
            yield f"||{' + '.join(_times(sp.expand(sign * c), word) for word, c in terms)}||"


def _times(e: sp.Expr, word: str) -> str:
    vector, text = f"({word})" if " " in word else word, written(e)
    return vector if e == 1 else f"{text}*{vector}" if e.is_Symbol or e.is_Pow else f"({text})*{vector}"


# --- nearby theorems


def _repairs(stated: Stated, stop: float) -> Iterator[Repaired]:
    """Proved claims with other numbers, each with a refutation just beyond it if one is found."""
    varied = [] if stated.read_step is None else [n for n in numerals(stated.read_step) if n.value != 0]
    for numeral in varied[:MOST]:
        if now() > stop - EACH:
            return
        repaired = _walk(stated, numeral, stop)
        if repaired is not None:
            yield repaired


def _walk(stated: Stated, numeral: Any, stop: float) -> Repaired | None:
    @cache
    def judge(c: Fraction) -> Tried | None:
        return None if now() > stop else _judged(replace(stated, instead=numeral.at(c)))

    for near in (numeral.value * factor for factor in AROUND):
        tried = judge(near)
        if tried is not None and tried.holds:
            return _nearest(stated, numeral, judge, near, tried)
    return None


def _nearest(stated: Stated, numeral: Any, judge: Judge, near: Fraction, proved: Tried) -> Repaired:
    """The claim with the proved number that is nearest to the refuted one, found by mediants."""
    value, sign = numeral.value, 1 if near > numeral.value else -1
    first = judge(value)
    start = Walked(sign * near, proved.by, sign * value, None if first is None else first.by, False)
    walked = between(lambda c: judge(sign * c), start)
    best = sign * walked.certified
    beyond = None
    if walked.refuted is not None and isinstance(walked.witness, Refuted):
        beyond = str(sign * walked.refuted), walked.witness
    return Repaired(f"{best} in place of {value}", relation_text(stated.setting, numeral.at(best)), beyond)


def _judged(stated: Stated) -> Tried | None:
    assert stated.step is not None
    against = refuted(stated.setting, stated.step, 0.5)
    if against is not None:
        return Tried(False, against)
    fact = proved_quickly(stated)
    return None if fact is None else Tried(True, fact)


def _guesses(stated: Stated, stop: float) -> Iterator[str]:
    """Hypotheses under which the claim is proved; {L} is the author's smoothness constant, {mu} a constant without assumptions."""
    smooth, listed = stated.hypotheses.smoothness, stated.table.get("assume", ())
    bounded = symbols_of(tuple(stated.setting.assumptions.values()))
    free = [name for name in stated.formulas.words.constants if name not in bounded]
    constants = {"{L}": [smooth[0][1]] if smooth is not None and smooth[0][0] == "x" else [], "{mu}": free}
    for group in GUESSES:
        for guess in group:
            letter = next((p for p in constants if p in guess), None)
            proved = False
            for text in [guess] if letter is None else [guess.replace(letter, name) for name in constants[letter]]:
                if now() > stop - EACH:
                    return
                named = keyword(text)
                assumed = text in listed or bool(named and named[0] in stated.hypotheses.classes)
                if not assumed and _proved_with(stated, text):
                    proved = True
                    yield text
            if proved:
                break


def _proved_with(stated: Stated, guess: str) -> bool:
    try:
        other = Stated({**stated.table, "assume": [*stated.table.get("assume", ()), guess]})
        return other.step is not None and proved_quickly(other, 1.0) is not None
    except (ValueError, ProofError):
        return False
