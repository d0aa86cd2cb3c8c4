"""Verdicts on claims and repairs of false claims, as data; a notebook shows a verdict as mathematics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Fact, Kernel, genuine
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, Term, from_json
from sdescent.derive.proof.language.text import TermWriter, said, text
from sdescent.derive.proof.refute.exact import Algebraic, NoValue, Values, counterexample
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.grammar import parse_term
from sdescent.derive.vocabulary.verdicts import Verdict

Point = Mapping[str, Fraction | Algebraic]
#: assumptions and claim
Question = tuple[tuple[Relation, ...], Relation]
_RULES = {
    "assume": "assumption", "certify": "arithmetic", "inverse": "nonzero", "function": "law of a function",
    "ball": "analysis of one variable", "cases": "cases", "absurd": "contradiction", "instantiate": "instance", "cut": "lemma",
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """The verdict on a claim.

    Args:
        status: PROVED (with a certificate), DECIDED (by z3, with nothing to check), REFUTED (with a counterexample) or UNDECIDED.
        counterexample: variable -> exact value: "2", "-3/4" or "(1 + sqrt(5))/2" in the grammar of claim files; an algebraic
            number of degree above two is "root(x^3 - 2, 1)".
        certificate: the proof, in the format of FORMAT.md.
        vacuous: whether the assumptions contradict one another.
        seconds: the time that the verdict took.
        reason: how the verdict was reached, in one sentence.
        fact: the kernel's fact behind a proof.
        claim, assume, variables, hints: the question.
        point: the counterexample as exact numbers.
        satisfiable: whether a point that satisfies the assumptions was found and checked exactly; for a proof, by the replay
            of its certificate.
    """

    status: Verdict
    counterexample: Mapping[str, str] | None
    certificate: dict[str, Any] | None = field(repr=False)
    vacuous: bool
    seconds: float
    reason: str
    fact: Fact | None = field(repr=False, compare=False)
    claim: Relation
    assume: tuple[Relation, ...] = ()
    variables: tuple[str, ...] = ()
    hints: tuple[Term, ...] = ()
    point: Mapping[str, Fraction | Algebraic] | None = field(default=None, repr=False)
    satisfiable: bool = field(default=False, compare=False)

    @property
    def satisfiability(self) -> str:
        """Whether some point satisfies the assumptions: "shown", "impossible" (`vacuous`) or "not shown"."""
        return "impossible" if self.vacuous else "shown" if self.satisfiable else "not shown"

    @property
    def text(self) -> str:
        """The claim in plain text."""
        return text(self.claim)

    def __bool__(self) -> bool:
        """Whether the claim is proved or decided."""
        return self.status in (Verdict.PROVED, Verdict.DECIDED)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the verdict without its fact, which unpickling rebuilds from the certificate: a pickle proves nothing."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "fact"}
        return _read, (values, self.fact is not None)

    def _repr_latex_(self) -> str:
        """One displayed formula: assumptions, claim, verdict and any counterexample."""
        writer = TermWriter()
        head = r",\quad ".join(writer.relation(a) for a in self.assume)
        arrow = r" \;\Longrightarrow\; " if head else ""
        doubt = {"impossible": r"\ \textsf{(vacuous)}", "not shown": r"\ \textsf{(satisfiability not shown)}"}
        note = rf"\quad\textsf{{{self.status}}}" + (doubt.get(self.satisfiability, "") if self else "")
        if self.counterexample:
            note += r"\quad " + r",\ ".join(counterexample_latex(self))
        return f"$\\displaystyle {head}{arrow}{writer.relation(self.claim)} {note}$"


def _read(values: Mapping[str, Any], proved: bool) -> Judged:
    """The verdict stored in a pickle, with any proof rebuilt from its certificate. Raises ProofError if that does not
    prove the claim.
    """
    fact = rebuild(values["certificate"]) if proved else None
    if fact is not None and fact.claim != values["claim"]:
        raise ProofError("the certificate proves another claim")
    return Judged(**values, fact=fact)


@dataclass(frozen=True)
class Repair:
    """A true claim in place of a false one.

    Args:
        kind: the kind of change. In the claim: "constant" (a number in it), "term" (a number added on the right), "factor" (of
            the right side), "weak" (<= in place of <). In the hypotheses: "assumption" (a number in one), "strict" (< in place of
            <= in one), or a new one: "bound", "signs", "order", "equal".
        words: one line, with relations in the grammar of claim files.
        claim, assume: the true claim.
        verdict: the verdict on the true claim, PROVED and not vacuous.
        needed: a counterexample to the question `beyond`; None if none is known.
        sharp: whether only numbers with a denominator above 64 lie between the repair and `beyond`.
        beyond: the assumptions and claim of the nearest question known to be false, or None.
        model: a point that satisfies all of `assume`.
        wide: whether every inequality of `assume` is strict at `model`.

    Raises:
        ProofError: one of these statements is false.
    """

    kind: str
    words: str
    claim: Relation
    assume: tuple[Relation, ...]
    verdict: Judged = field(repr=False)
    needed: Point | None
    sharp: bool
    beyond: Question | None = field(default=None, repr=False)
    model: Point = field(default_factory=dict, repr=False)
    wide: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        verdict = self.verdict
        if verdict.status != Verdict.PROVED or verdict.vacuous or verdict.fact is None or verdict.certificate is None:
            raise ProofError("a repair without a proof")
        stated = from_json(verdict.certificate["statement"]["claim"], True)
        if (verdict.claim, verdict.assume, stated) != (self.claim, self.assume, self.claim):
            raise ProofError("the proof of a repair says something else")
        kernel = Kernel(Context({n: "const" for n in verdict.variables}))
        require_proof_of(verdict.fact, self.claim, self.assume, kernel)
        if not holds(self.assume, self.model):
            raise ProofError("nothing is seen to satisfy the assumptions of a repair")
        if (self.needed is None) != (self.beyond is None) or (self.sharp and self.needed is None):
            raise ProofError("a repair is needed where a point shows it")
        if self.needed is not None and self.beyond is not None and not counterexample(self.needed, *self.beyond):
            raise ProofError("what a repair should be needed for does not fail")

    @property
    def text(self) -> str:
        """The repaired claim, in the grammar of claim files."""
        return said(self.claim)


def require_proof_of(fact: Fact, claim: Relation, assume: Sequence[Relation], kernel: Kernel) -> Fact:
    """Return the fact if a rule of the kernel made it and it states this claim, under no other hypotheses and no axioms.

    Nothing is reported PROVED without this check. Raises ProofError if the fact fails one of these conditions.
    """
    genuine(fact)
    # keys contain numbers of atoms, which differ between kernels: compute the keys of the fact in this one
    used, allowed = ({kernel.normal.key(r) for r in relations} for relations in (fact.hypotheses.values(), assume))
    if fact.context != kernel.context or fact.claim != claim or not used <= allowed or fact.axioms:
        raise ProofError("the fact does not prove the claim that was asked for")
    return fact


def holds(assume: Sequence[Relation], point: Point) -> bool:
    """Whether all assumptions are shown to hold at the point; False if a term has no value there."""
    values = Values(point)
    try:
        return all(values.holds(r) for r in assume)
    except (NoValue, KeyError):
        return False


def counterexample_latex(verdict: Judged) -> list[str]:
    """Each variable with its value at the counterexample, in LaTeX; algebraic numbers of degree above two in typewriter font."""
    writer = TermWriter()
    return [rf"{writer.symbol(n)} = {_value(v)}" for n, v in (verdict.counterexample or {}).items()]


def _value(value: str) -> str:
    top, _, bottom = value.partition("/")
    if top.lstrip("-").isdigit() and (not bottom or bottom.isdigit()):
        sign = "-" if top.startswith("-") else ""
        return rf"{sign}\tfrac{{{top.lstrip('-')}}}{{{bottom}}}" if bottom else top
    try:
        return TermWriter().term(from_json(parse_term(value, (), "value")))
    except BadInput:  # an algebraic number of degree above two
        return r"\texttt{" + "".join(ch if ch.isalnum() or ch in " (),-+=*/" else rf"\char`\{ch}" for ch in value) + "}"


def steps(verdict: Judged) -> list[tuple[str, str]]:
    """The rule's name and the LaTeX of the conclusion for each step of the proof; an empty list without a proof."""
    writer, facts = TermWriter(), [] if verdict.fact is None else ancestry(verdict.fact)
    return [(_RULES.get(f.rule, f.rule), writer.relation(f.claim)) for f in facts]
