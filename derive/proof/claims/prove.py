"""A user's claims: an inequality or identity, for all real values that satisfy assumptions, is proved, refuted or neither.

A proof is a `Fact` of the kernel that states the claim under the assumptions alone; a counterexample is checked exactly
(`sdescent.derive.proof.refute.counterexample`). A claim that only z3 confirms is DECIDED.
"""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.claims.branch import BROKEN, Branch, opposite, quietly
from sdescent.derive.proof.claims.domain import Domain, enter_assumptions, inside_out, refused
from sdescent.derive.proof.claims.one_variable import OneVariable
from sdescent.derive.proof.claims.strategies import Strategies
from sdescent.derive.proof.claims.verdict import Judged, require_proof_of
from sdescent.derive.proof.kernel.certificate import ancestry, certificate
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.clock import OutOfTime, limited, now
from sdescent.derive.proof.language.context import Context, ProofError, parts
from sdescent.derive.proof.language.terms import Relation, Term, from_json, num, x
from sdescent.derive.proof.language.text import text
from sdescent.derive.proof.refute.counterexample import decide, refute
from sdescent.derive.proof.refute.exact import counterexample, far_counterexample
from sdescent.derive.proof.refute.model import NEVER, satisfying, with_witness, witness_of_point
from sdescent.derive.proof.search.intervals.extrema import disprove
from sdescent.derive.reading.claims import Claim, listed, variable_names
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.grammar import parse_relation, parse_term
from sdescent.derive.vocabulary.formulas.text import FUNCTIONS, names_function
from sdescent.derive.vocabulary.verdicts import Verdict

_WORD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?: *(\())?", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
_HEADS = frozenset({"q", "x", "+", "*", "^", "/", "f"})
#: the last search for a counterexample: its share of the time, and its least and most seconds; z3 gets as much again
LAST_SHARE, LEAST_LAST, MOST_LAST = 0.1, 0.2, 0.5
#: seconds beyond the time limit after which a search is interrupted; one that meets its own deadline ends more gracefully
GRACE = 0.5
NEITHER = "neither a proof nor a counterexample was found in the time allowed"


@dataclass(frozen=True)
class _Question:
    variables: tuple[str, ...]
    assume: tuple[Relation, ...]
    claim: Relation
    hints: tuple[Term, ...]
    #: the user's texts, for the columns in errors, by field: "claim", "assume[1]", ..
    texts: Mapping[str, str | None]


def prove(
    claim: str | Relation | Claim, assume: Sequence[str | Relation] = (), variables: Sequence[str] | None = None,
    hints: Sequence[str | Term] = (), seconds: float = 5.0,
) -> Judged:  # fmt: skip
    """Prove or refute a claim for all real values of its variables that satisfy the assumptions.

    Args:
        claim: a relation in the grammar of claim files (`sdescent.derive.reading.claims`), a `Relation`, or a whole `Claim`.
        assume: relations that are assumed to hold.
        variables: the names of all variables; by default all names that occur.
        hints: terms whose squares may occur in a certificate.
        seconds: the time limit, by `sdescent.derive.proof.language.clock`; a claim still open one second later is UNDECIDED.

    Raises:
        BadInput: something is not in the grammar, or the assumptions do not show that a denominator is nonzero, an argument
            of sqrt nonnegative or an argument of log positive; `field` says where ("claim", "assume[2]", "hints[1]").

    Example:
        >>> import sdescent as sd
        >>> sd.claim("2*a*b <= a^2 + b^2").status
        'PROVED'
        >>> sd.claim("exp(-eta*h) >= 1 - eta*h", ["eta >= 0", "h >= 0"]).status
        'PROVED'
        >>> sd.claim("a*b <= (a^2 + b^2)/3").counterexample
        {'a': '1', 'b': '1'}
    """
    return _Proof(_question(claim, assume, variables, hints), seconds).verdict()


def _question(claim: Any, assume: Sequence[Any], variables: Sequence[str] | None, hints: Sequence[Any]) -> _Question:
    texts: dict[str, str | None] = {"claim": claim if isinstance(claim, str) else None}
    if isinstance(assume, (str, Relation)) or isinstance(hints, (str, Term)):
        raise BadInput("assume" if isinstance(assume, (str, Relation)) else "hints", assume or hints, "a list")
    if isinstance(claim, Claim):
        if assume or hints or variables is not None:
            beside = "a Claim with assume, variables or hints beside it"
            raise BadInput("claim", beside, "a Claim alone: it has its own assumptions, variables and hints")
        # a Claim built by hand is checked like one from a file
        whole = claim
        variables, claim = variable_names(whole.variables), _built(whole.claim, "claim", True)
        assume = [_built(a, field, True) for field, a in listed(whole.assume, "assume", "relations")]
        hints = [_built(h, field) for field, h in listed(whole.hints, "hints", "terms")]
    texts |= {f"assume[{n}]": a if isinstance(a, str) else None for n, a in enumerate(assume, 1)}
    texts |= {f"hints[{n}]": h if isinstance(h, str) else None for n, h in enumerate(hints, 1)}
    names = variable_names(_names([claim, *assume, *hints]) if variables is None else list(variables))
    read_assume = tuple(_read(a, field, names, True) for field, a in listed(list(assume), "assume", "relations"))
    read_claim = _read(claim, "claim", names, True)
    read_hints = tuple(_read(h, field, names) for field, h in listed(list(hints), "hints", "terms"))
    if read_claim.op not in ("<=", "<", "=="):
        raise BadInput("claim", text(read_claim), "one relation <= < or ==")
    return _Question(names, read_assume, read_claim, read_hints, texts)


def _built(value: Any, field: str, relation: bool = False) -> Any:
    """A relation or term from the nested tuples of a claim; its variables are checked later."""
    try:
        return from_json(value, relation)
    except (TypeError, RecursionError):
        raise BadInput(field, str(value)[:120], "a relation" if relation else "a term") from None


def _printed(value: Any) -> str:
    """The text of a relation or term, or the str of anything else."""
    try:
        return text(value)
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return str(value)[:120]


def _read(value: Any, field: str, names: Sequence[str], relation: bool = False) -> Any:
    """The term or relation, parsed from a text or checked if it already is one."""
    if isinstance(value, Term if relation else Relation):
        raise BadInput(field, text(value), "a relation, not a term" if relation else "a term, not a relation")
    if not isinstance(value, Relation if relation else Term):
        return from_json((parse_relation if relation else parse_term)(value, names, field), relation)
    context = Context({name: "const" for name in names})
    try:
        (context.check_relation if relation else context.check)(value)
    except ProofError as error:
        what, printed = ("a relation between terms", _printed(value)) if relation else ("a term", str(value))
        raise BadInput(field, printed, f"{what} over the variables ({error})") from error
    if any(p[0] not in _HEADS for t in (value[1:] if relation else [value]) for p in parts(t)):
        raise BadInput(field, text(value), "terms of numbers, variables, + - * / ^ and functions")
    return value


def _names(items: Sequence[Any]) -> list[str]:
    """The names of variables in strings and terms, in order of occurrence."""
    names: dict[str, None] = {}
    for item in items:
        if isinstance(item, str):
            words = [w for w, called in _WORD.findall(item) if not names_function(w, bool(called), FUNCTIONS)]
            names |= {w: None for w in words if _NAME.fullmatch(w) and w != "pi"}
        elif isinstance(item, (Relation, Term)):
            names |= {p[1]: None for p in inside_out(item) if p[0] == "x"}
    return list(names)


class _Proof:
    """The search for the verdict on one claim."""

    def __init__(self, question: _Question, seconds: float) -> None:
        self.question, self.seconds = question, seconds
        self.start, self.began = now(), time.monotonic()
        self.end = self.start + seconds
        self.last = min(MOST_LAST, LAST_SHARE * seconds)
        self.kernel = Kernel(Context({name: "const" for name in question.variables}))
        self.branch = Branch(self.kernel, self.end - 2 * self.last)
        self.strategies = Strategies(question.hints)
        #: a point that satisfies the assumptions, once the search has one
        self.model: Mapping[str, Term] | None = None

    def verdict(self) -> Judged:
        """The verdict, within the time limit."""
        try:
            with limited(self.seconds + GRACE):
                return self._verdict()
        except OutOfTime:
            return self._result(Verdict.UNDECIDED, NEITHER)

    def _verdict(self) -> Judged:
        self._enter()
        try:
            with limited(self.seconds - 2 * self.last + GRACE):
                point = self._counterexample(min(0.3, 0.15 * self.seconds))
                if point is not None:
                    return self._refuted(point)
                fact, vacuous = quietly(self._proved) or (None, False)
        except OutOfTime:
            fact, vacuous = None, False
        return self._without_proof() if fact is None else self._with_certificate(fact, vacuous)

    def _enter(self) -> None:
        """Make the assumptions, after showing that all terms lie in their domains. Raises BadInput if that fails."""
        question, branch = self.question, self.branch
        # texts in the grammar are short: their domains are shown even if the user gave the claim no time
        branch.deadline = max(self.end, self.start + GRACE)
        domain = self.strategies.domain = Domain(branch, self.strategies.simple, max(0.2, min(1.0, self.seconds / 4)))
        where = "claim"
        try:
            texts = [question.texts.get(f"assume[{n}]") for n in range(1, len(question.assume) + 1)]
            enter_assumptions(domain, question.assume, texts)
            fields = [("claim", question.claim), *((f"hints[{n}]", h) for n, h in enumerate(question.hints, 1))]
            for where, t in fields:
                missing = domain.missing(t)
                if missing is not None:
                    raise refused(where, missing, question.texts.get(where))
        except BROKEN as error:
            if isinstance(error, BadInput):
                raise
            raise BadInput(where, "a term", f"smaller terms ({error})") from error
        branch.deadline = self.end - 2 * self.last

    def _proved(self) -> tuple[Fact | None, bool]:
        """The claim as a fact or None, and whether it is vacuous because its assumptions contradict one another."""
        branch, claim = self.branch, self.question.claim
        fact, absurd = None, self._inconsistent() if self._no_model(min(0.1, 0.1 * self.seconds)) else None
        if absurd is None:
            fact = self.strategies.prove(branch, claim, self.seconds)
            # if no point is known to satisfy the assumptions, the claim may be vacuous: search longer for one, or a contradiction
            if fact is not None and self._no_model(min(1.0, 0.2 * self.seconds)):
                branch.deadline = min(now() + 0.3 * self.seconds, self.end)
                with suppress(OutOfTime):
                    absurd = self._contradicted(0.3 * self.seconds)
        if absurd is not None:
            return self.kernel.absurd(claim, absurd), True
        return fact, False

    def _contradicted(self, seconds: float) -> Fact | None:
        """The fact 1 <= 0, by the strategies, or 0 < 0, from an assumption whose negation they prove; None if neither is found."""
        absurd = self.strategies.prove(self.branch, NEVER, seconds / 2)
        one, assume = Fraction(1), self.question.assume
        for assumption in assume if absurd is None else ():
            op, left, right = assumption
            strict = [left.lt(right), right.lt(left)]
            for opposed in strict if op == "==" else [opposite(assumption)] if op in ("<=", "<") else []:
                fact = self.strategies.prove(self.branch, opposed, seconds / 2 / len(assume))
                if fact is None:
                    continue
                premises, never = [self.kernel.assume(assumption), fact], num(0).lt(0)
                if op != "==":
                    return self.kernel.certify(never, premises, sum=[(one, (0,), ()), (one, (1,), ())])
                equal = [(0, num(-1 if opposed == strict[0] else 1))]
                return self.kernel.certify(never, premises, sum=[(one, (1,), ())], equalities=equal)
        return absurd

    def _no_model(self, seconds: float) -> bool:
        """Whether a search has still found no point that satisfies the assumptions."""
        if self.model is None:
            self.model = quietly(lambda: satisfying(self.question.variables, self.question.assume, seconds))
        return self.model is None

    def _inconsistent(self) -> Fact | None:
        """The fact 1 <= 0 from the assumptions; None if it is not found, or if z3 has a point that satisfies them."""
        question = self.question
        if decide(question.variables, question.assume, NEVER, min(0.1, 0.1 * self.seconds)) == "false":
            return None
        return self.branch.contradiction(min(0.5, 0.3 * self.seconds))

    def _with_certificate(self, fact: Fact, vacuous: bool) -> Judged:
        question, kernel = self.question, self.kernel
        if fact.claim != question.claim:
            fact = self.branch.restated(fact, question.claim)
        proof = require_proof_of(fact, question.claim, question.assume, kernel)
        how = "the assumptions cannot hold together" if vacuous else f"proved in {len(ancestry(proof))} steps"
        written = certificate(proof, "assumptions that cannot hold together" if vacuous else text(question.claim))
        if self.model is not None:
            written = with_witness(written, witness_of_point(self.model))
        outcome = {"certificate": written, "vacuous": vacuous, "fact": proof, "satisfiable": "witness" in written}
        return self._result(Verdict.PROVED, how, **outcome)

    def _without_proof(self) -> Judged:
        """The verdict after a longer search for a counterexample and then a query to z3."""
        question = self.question
        seconds = max(LEAST_LAST, self.last)
        self.branch.deadline = now() + seconds
        point = self._counterexample(seconds)
        if point is not None:
            return self._refuted(point)
        if decide(question.variables, question.assume, question.claim, seconds) == "true":
            empty = self._no_model(seconds) and decide(question.variables, question.assume, NEVER, seconds) == "true"
            how = "z3 shows that no counterexample exists, without a certificate"
            return self._result(Verdict.DECIDED, how, vacuous=empty)
        return self._result(Verdict.UNDECIDED, NEITHER)

    def _counterexample(self, seconds: float) -> Mapping[str, Any] | None:
        """An exact counterexample, or None if none is found."""
        question = self.question
        point = quietly(lambda: refute(question.variables, question.assume, question.claim, seconds))
        functions = {p[1] for side in question.claim[1:] for p in parts(side) if p[0] == "f"}
        if point is None and len(question.variables) == 1 and "abs" not in functions:
            return self._far(question.variables[0], seconds / 2)
        if point is None and functions - {"abs"}:
            return quietly(lambda: far_counterexample(question.variables, question.assume, question.claim, seconds / 4))
        return point

    def _far(self, name: str, seconds: float) -> Mapping[str, Any] | None:
        """A counterexample in one variable that is far out or violates the claim by very little."""
        question = self.question
        with suppress(OutOfTime):
            interval = OneVariable(self.branch, seconds).interval(x(name))
            strict = question.claim.op == "<"
            at = quietly(lambda: disprove(question.claim.slack, name, interval.low, interval.high, strict, seconds))
            if at is not None and quietly(lambda: counterexample({name: at}, question.assume, question.claim)):
                return {name: at}
        return None

    def _refuted(self, point: Mapping[str, Any]) -> Judged:
        values = {name: str(value) for name, value in point.items()}
        values_text = ", ".join(f"{name} = {value}" for name, value in values.items())
        where = f"it fails at {values_text}" if values else "it is false"
        return self._result(Verdict.REFUTED, where, counterexample=values, point=dict(point), satisfiable=True)

    def _result(self, status: Verdict, reason: str, **outcome: Any) -> Judged:
        """The verdict; `outcome` holds the fields that differ from those of an undecided claim."""
        nothing: dict[str, Any] = {"counterexample": None, "certificate": None, "vacuous": False, "fact": None}
        nothing["satisfiable"] = self.model is not None
        stated = {name: getattr(self.question, name) for name in ("claim", "assume", "variables", "hints")}
        took = time.monotonic() - self.began
        return Judged(status=status, reason=reason, seconds=took, **stated, **(nothing | outcome))
