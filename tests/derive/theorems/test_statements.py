"""What is printed of a theorem is what was proved: a claim with another constant is not, and nothing beside it is typed."""

import dataclasses
import re
from collections.abc import Iterator

import pytest

from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, from_json, num, xs
from sdescent.derive.proof.language.text import Printer, TermWriter
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import as_claimed, check
from sdescent.derive.theorems.entry.statement import statement
from sdescent.derive.theorems.entry.theorem import Derivation, Entry, Quotation, Refutation, Theorem
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.paper.theorems import _entry_of
from tests.support.mutation.mutants import mutants

ENTRIES = entries()
THEOREMS = {id: entry for id, entry in ENTRIES.items() if isinstance(entry, Theorem)}
#: of each family one, for every day
SOME = (
    "6.2-pathwise", "6.2-scheduled-method", "6.4-chord-zero", "6.6-power", "6.7-corrected", "6.9-growth", "8-gaussian-3",
    "4-bernoulli",
)  # fmt: skip
a, b = xs("a b")


def different(theorem: Theorem) -> Iterator[tuple[str, Relation]]:
    """The claim with one constant, sign, power or side changed, without those that say the same."""
    assert theorem.claim is not None
    normal = Kernel(theorem.context).normal
    own = normal.key(theorem.claim)
    for kind, claim in mutants(theorem.claim):
        if claim != theorem.claim and normal.key(claim) != own:
            yield kind, claim


def passes_for_proved(theorem: Theorem) -> list[str]:
    """The mutants of a claim that its proof is taken to prove, by what `check` asks; the proof is made once."""
    w = Derivation(theorem)
    last = w.proved(theorem.prove)
    assert theorem.claim is not None
    assert as_claimed(w, theorem.claim, last).claim == theorem.claim
    passed, tried = list[str](), 0
    for kind, claim in different(theorem):
        tried += 1
        try:
            as_claimed(w, claim, last)
        except ProofError as error:
            assert "is not the claim of the theorem" in str(error)
        else:
            passed.append(f"{kind}: {claim}")
    assert tried > 3 or {side[0] for side in theorem.claim[1:]} == {"q"}  # of 0 <= 0 most say the same
    return passed


@pytest.mark.parametrize("id", SOME)
def test_a_changed_claim_is_not_proved(id: str) -> None:
    theorem = THEOREMS[id]
    assert passes_for_proved(theorem) == []
    printed_otherwise(theorem)
    kind, claim = next((kind, claim) for kind, claim in different(theorem) if "constant" in kind or "half" in kind)
    found = check(dataclasses.replace(theorem, claim=claim))
    assert (found.status, found.statement, found.certificate) == (Verdict.UNDECIDED, None, None), kind


@pytest.mark.parametrize(
    "claim", [(2 * a).le(a**2 + 1), (4 * a).le(2 * a**2 + 2), (2 * a).lt(a**2 + 2), (2 * a).le(a**2 + 2)]
)
def test_what_follows_from_the_proof_is_not_its_claim(claim: Relation) -> None:
    """A multiple, a weaker sign and a weaker bound follow; they are other statements than the one that was proved."""
    theorem = Theorem(
        id="9-square", title="A square", source="school", claim=claim, context=Context({"a": "const"}), assumptions={},
        prove=lambda w: w.combine("a square", num(0).le((a - 1) ** 2), [(1, (), (a - 1,))]),
    )  # fmt: skip
    found = check(theorem)
    assert found.status == (Verdict.PROVED if claim == (2 * a).le(a**2 + 1) else Verdict.UNDECIDED)
    if found.statement:
        assert found.certificate is not None and from_json(found.certificate["statement"]["claim"], True) == claim
        assert found.statement.latex == r"$2\,a \le a^{2} + 1$."


def printed_otherwise(theorem: Theorem) -> None:
    """No change of a constant, a sign or a power of a claim is lost between the term and the page."""
    assert theorem.claim is not None
    plain, writer = Printer(theorem.context), TermWriter(theorem.names, theorem.short, theorem.context)
    own = writer.relation(theorem.claim), plain.relation(theorem.claim)
    for kind, claim in different(theorem):
        said = writer.relation(claim), plain.relation(claim)
        assert said[0] != own[0] and said[1] != own[1], (theorem.id, kind, said)


@pytest.mark.parametrize("id", ["6.2-pathwise", "4-bernoulli"])
def test_the_claim_that_is_printed_is_the_one_in_the_certificate(id: str) -> None:
    """Nothing else of an entry is in it: its title, its remark and its source may say anything."""
    theorem = dataclasses.replace(THEOREMS[id], title="Nothing", source="nowhere", remark="$1=2$")
    found = check(theorem)
    assert found.certificate is not None and found.statement is not None
    claim = from_json(found.certificate["statement"]["claim"], True)
    assert claim == theorem.claim
    assert _entry_of(found)["claim"]["tex"] == TermWriter(theorem.names, theorem.short, theorem.context).relation(claim)
    assert "1=2" not in found.statement.latex + found.statement.text + found._repr_html_()


def test_a_letter_is_explained_by_the_term_that_it_stands_for() -> None:
    """However it is called: a letter for twice the term is seen to be one."""
    claim, context = (2 * a * b).le(a**2 + b**2), Context({"a": "const", "b": "const"})
    said = statement(
        {"a >= 0": a.ge(0)}.items(), claim, TermWriter({}, {2 * a * b: "P", a: "x"}, context), Printer(context)
    )
    assert said.latex == r"Let $x \ge 0$. Then $P \le x^{2} + b^{2}$, where $x = a$, $P = 2\,x\,b$."
    assert said.text == "let 0 <= a; then 2*a*b <= a^2 + b^2"
    twice = statement((), claim, TermWriter({}, {a: "P", b: "P"}, context), Printer(context))
    assert twice.where == ("P = a", "P = b")  # one letter for two terms is seen to be
    plain = statement((), claim, TermWriter({}, {a: r"\left(a\right)"}, context), Printer(context))
    assert plain.where == (r"\left(a\right) = a",)


def test_nothing_that_states_a_theorem_is_typed() -> None:
    """A theorem has no words beside its claim, but its names, a remark and quotations; titles and letters hold no formula."""

    def typed(cls: type) -> set[str]:
        return {f.name for f in dataclasses.fields(cls) if f.type in ("str", str)}

    assert typed(Theorem) == {"id", "title", "source", "remark"}
    assert typed(Refutation) == {"id", "title", "source", "words", "repair"}
    assert typed(Quotation) == {"words", "source"} and not hasattr(Entry, "statement")
    assert [id for id, theorem in THEOREMS.items() if theorem.claim is None] == []
    titles = {id: entry.title.replace("Student-t, ν = ", "").replace("order 1/N", "") for id, entry in ENTRIES.items()}
    assert {id: title for id, title in titles.items() if re.search(r"[=<>≤≥²³⁴½]|\d/|\d\.\d|\d, \d", title)} == {}
    # a letter may have an index, and be a difference; a factor would be a formula that nobody proved
    names = {name for e in THEOREMS.values() for name in e.names.values()}
    bare = {name: re.sub(r"[_^]\{[^{}]*\}|[_^][0-9a-zA-Z*]|\(0[+-]\)|'\(0\)", "", name) for name in names}
    assert {name for name, rest in bare.items() if re.search(r"[0-9]|frac|sum|prod|cdot", rest)} == set()


def test_a_quotation_stands_beside_the_claim_that_it_is_read_as() -> None:
    entry = ENTRIES["6.2-expectation"]
    found = check(entry)
    shown = _entry_of(found)
    assert (
        found.status == Verdict.REFUTED
        and [q.source for q in entry.quotes] == [q["source"] for q in shown["quotes"]] != []
    )
    assert isinstance(entry, Refutation) and shown["claim"]["tex"] == TermWriter(entry.names).relation(entry.claim)
    other = check(dataclasses.replace(entry, quotes=(Quotation("$1=1$", "nowhere"),)))
    assert found.statement == other.statement and "1=1" not in other._repr_html_()
