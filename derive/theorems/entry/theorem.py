"""The entries of the catalogue: theorems with their derivations, and claims with a point that refutes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, Term, num, term
from sdescent.derive.proof.language.text import Printer, TermWriter
from sdescent.derive.proof.search.certify import Prover
from sdescent.derive.theorems.entry.statement import Statement, statement
from sdescent.derive.vocabulary.verdicts import Source, Verdict

#: a fact, or an assumption or definition by its name
Premise = Fact | str
#: a product in the certificate of a line, as `Derivation.combine` describes it
Member = Premise | int | Fraction | Sequence[Premise] | tuple[Any, ...]


@dataclass(frozen=True)
class ProofLine:
    """One step of a derivation as a reader sees it: a text and the fact that it states."""

    words: str
    fact: Fact


class Derivation:
    """A proof under construction: the prover, the assumptions and definitions as facts, and the lines written so far."""

    def __init__(self, theorem: Theorem, seconds: float = 5.0) -> None:
        self.prover = Prover(theorem.context, seconds)
        self.kernel = self.prover.kernel
        self.lines: list[ProofLine] = []
        relations = {**theorem.assumptions, **theorem.definitions}
        self._premises = {name: self.kernel.assume(relation) for name, relation in relations.items()}

    def __getitem__(self, name: str) -> Fact:
        """The fact of an assumption or definition, by its name."""
        return self._premises[name]

    def step(self, words: str, fact: Fact) -> Fact:
        """Add a line and return its fact."""
        self.lines.append(ProofLine(words, fact))
        return fact

    def combine(
        self,
        words: str,
        claim: Relation,
        members: Sequence[Member] = (),
        equalities: Sequence[tuple[Any, Premise] | Premise] = (),
        mult: Sequence[Member] = (1,),
    ) -> Fact:
        """A line proved by `certify` with an explicit certificate: the claim is the sum of the members and the equalities.

        Args:
            members: nonnegative numbers, facts that state nonnegativity, and products of these, possibly also with a square t^2: 2,
                "a >= 0", ["a >= 0", fact], (2, "a >= 0"), ("1/2", ["a >= 0", fact], t).
            equalities: facts, or pairs (term, fact) of a fact and its factor.
            mult: members whose sum is the factor of the claim.
        """
        facts: list[Fact] = []

        def number(premise: Premise) -> int:
            fact = self[premise] if isinstance(premise, str) else premise
            if not any(fact is other for other in facts):
                facts.append(fact)
            return next(n for n, other in enumerate(facts) if other is fact)

        def product(member: Member) -> tuple[Fraction, tuple[int, ...], tuple[Term, ...]]:
            if isinstance(member, int | Fraction):
                member = member, ()
            parts: tuple[Any, ...] = member if isinstance(member, tuple) else (1, member)
            c, premises, *squares = parts
            listed = [premises] if isinstance(premises, str | Fact) else premises
            roots = [s for part in squares for s in (part if type(part) is tuple else (part,))]
            return Fraction(c), tuple(number(p) for p in listed), tuple(term(t) for t in roots)

        pairs = [e if isinstance(e, tuple) else (1, e) for e in equalities]
        data = [product(m) for m in mult], [product(m) for m in members], [(number(f), term(t)) for t, f in pairs]
        return self.step(words, _named(words, lambda: self.kernel.certify(claim, facts, *data)))

    def inverse(self, p: Term, positive: Fact | str) -> tuple[Fact, Fact]:
        """p (1/p) = 1 and 0 < 1/p, from 0 < p."""
        fact = self[positive] if isinstance(positive, str) else positive
        unit = self.kernel.inverse(p, fact)
        return unit, self.combine("a positive inverse", num(0).lt(1 / p), [1], [(-1, unit)], [fact])

    def number(self, n: int) -> Fact:
        """0 <= n."""
        return self.kernel.certify(num(0).le(n), sum=[(Fraction(n), (), ())] if n else [])

    def square(self, t: Term) -> Fact:
        """0 <= t^2."""
        return self.kernel.certify(num(0).le(t**2), sum=[(Fraction(1), (), (t,))])

    def either_sign(self, t: Term) -> Iterator[tuple[int, Fact, Fact]]:
        """The two cases of a case distinction on the sign of t: (1, 0 <= t, |t| = t) and (-1, t <= 0, |t| = -t)."""
        for sign, case, law in ((1, num(0).le(t), "abs_of_positive"), (-1, t.le(0), "abs_of_negative")):
            here = self.kernel.assume(case)
            yield sign, here, self.kernel.function(law, [t], [here])

    def have(self, words: str, claim: Relation, *using: Fact | str, hints: tuple[Term, ...] = ()) -> Fact:
        """A line for which the search finds a certificate, from facts or names of assumptions and definitions."""
        facts = [self[u] if isinstance(u, str) else u for u in using]
        return self.step(words, _named(words, lambda: self.prover.have(claim, *facts, hints=hints)))

    def proved(self, prove: Callable[[Derivation], Fact]) -> Fact:
        """The last fact of a derivation.

        Raises:
            ProofError: a step fails. The message names the step or, if a rule fails outside of a line, the line before it.
        """
        try:
            return prove(self)
        except StepFails:
            raise
        except ProofError as error:
            if not self.lines:
                raise
            raise StepFails(f"after the step {self.lines[-1].words!r}: {error}") from error


class StepFails(ProofError):
    """Raised if a rule refuses a step or the search finds no proof of it; the message begins with the name of the step."""


def _named(words: str, make: Callable[[], Fact]) -> Fact:
    """The fact that `make` returns; if it fails, the message names the step."""
    try:
        return make()
    except ProofError as error:
        raise StepFails(f"the step {words!r} fails: {error}") from error


@dataclass(frozen=True)
class Evidence:
    """A numerical check of an entry, as data for `sdescent.numerics.evidence.verify`. No proof depends on it.

    Args:
        kind: the kind of check, a key of `CHECKS` there.
        options: further arguments of the check, such as models, constants and names of sampled quantities.
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Quotation:
    """The words of a source that an entry formalises, as LaTeX, and their place in the source. No proof uses them."""

    words: str
    source: str


class Entry:
    """A theorem or a refuted claim. A notebook shows its title, its source, and its claim and assumptions as formulas."""

    id: str
    title: str
    source: str
    expected: Verdict

    @property
    def unchecked(self) -> Statement | None:
        """The claim with all assumptions and definitions, as they are stated, without a proof."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        head = f"<b>{escape(self.title)}</b> ({escape(self.id)}; {escape(self.source)}; expected: {escape(self.expected)}; not checked here)"
        return f"<p>{head}</p>" + (f"<p>{escape(said.latex)}</p>" if (said := self.unchecked) else "")


@dataclass(frozen=True)
class Theorem(Entry):
    """A statement with its derivation.

    Args:
        id, title, source: its identifier, its title and its origin.
        claim: the relation that the theorem states. `sdescent.derive.theorems.entry.checking.check` accepts only a proof of exactly
            this relation. Statements are printed from the claim, the assumptions and the definitions, never typed. None for a
            theorem whose conclusion is computed: the claim is then the last fact of the proof.
        context: the names and their kinds.
        assumptions: the hypotheses, name -> relation. None of them states a step of the proof, or a moment that
            `sdescent.derive.equations.step.covariance` can compute.
        definitions: equations that other code computes again, such as moments of the method, name -> relation.
        point: numbers for atoms (symbols, norms, ..) at which every assumption and definition, without its operators, holds.
        prove: writes the derivation; its last fact is the theorem.
        names: the LaTeX of symbols.
        short: the LaTeX of whole terms that get a letter, which a statement explains after "where".
        evidence: the numerical checks, in order.
        recomputed: the groups of `sdescent.derive.theorems.entry.from_method` that compute the definitions again.
        read: reads definitions and assumptions off the engine again; a check compares them with those stated here.
        sources: the source of an assumption or definition, by its name, or of a kind of declaration. Defaults are in `source_of`
            and `sdescent.derive.theorems.entry.statement.USUAL`.
        quotes: the words of a source that the claim formalises.
        remark: LaTeX about how the theorem compares with others, or a consequence drawn by hand. Nothing checks it, and the reports
            say so.
    """

    id: str
    title: str
    source: str
    context: Context
    assumptions: Mapping[str, Relation]
    prove: Callable[[Derivation], Fact]
    claim: Relation | None
    definitions: Mapping[str, Relation] = field(default_factory=dict)
    point: Mapping[Term, Fraction | int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    short: Mapping[Term, str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    recomputed: tuple[str, ...] = ()
    read: Callable[[], Mapping[str, Relation]] | None = None
    quotes: tuple[Quotation, ...] = ()
    remark: str = ""
    expected: Verdict = Verdict.PROVED
    sources: Mapping[str, Source] = field(default_factory=dict)

    def source_of(self, name: str) -> Source:
        """The source of an assumption (by default the author) or of a definition (the method, if the engine computes it again)."""
        of_definitions = Source.METHOD if self.recomputed or self.read else Source.LETTER
        return self.sources.get(name, Source.AUTHOR if name in self.assumptions else of_definitions)

    @property
    def unchecked(self) -> Statement | None:
        if self.claim is None:
            return None
        relations, writer = {**self.assumptions, **self.definitions}, TermWriter(self.names, self.short, self.context)
        return statement(relations.items(), self.claim, writer, Printer(self.context))


@dataclass(frozen=True)
class Refutation(Entry):
    """A false claim, with exact numbers at which it fails.

    Args:
        claim, assume: relations between the symbols of `witness`, which gives their values.
        words: why these numbers are a case that the claim covers.
        repair: the id of the entry that repairs the claim.
        mended: assumptions to add, or to substitute for those of the same name, under which the claim itself is proved. Most of
            them were found by `sdescent.derive.proof.repair.smallest`.
        read: rebuilds the claim if part of it is read off the engine; a check compares the two.
        evidence: numerical checks other than the witness.
        quotes: the words of a source that the claim formalises.
    """

    id: str
    title: str
    source: str
    claim: Relation
    assume: Mapping[str, Relation]
    witness: Mapping[str, Fraction | int]
    words: str
    repair: str = ""
    mended: Mapping[str, Relation] = field(default_factory=dict)
    read: Callable[[], Relation] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    quotes: tuple[Quotation, ...] = ()
    expected: Verdict = Verdict.REFUTED

    @property
    def unchecked(self) -> Statement:
        return statement(self.assume.items(), self.claim, TermWriter(self.names), Printer())
