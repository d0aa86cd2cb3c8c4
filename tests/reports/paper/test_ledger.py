"""The ledger of claims: every status follows from results, and changes when they do."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from derive.reading.problems import read_problem
from derive.theorems.catalogue import entries
from derive.theorems.entry.theorem import Refutation, Theorem
from derive.vocabulary.errors import BadInput
from reports.commands import ledger as ledger_view
from reports.paper.ledger import CONTRADICTED, Group, PaperClaim, Results, Status, counts, judge, ledger
from reports.paper.statements import GROUPS
from reports.sections.ledger import ledger_of

CLAIMS = {c.id: c for g in GROUPS for c in g.claims}
KINDS = ("proofs", "refutations", "numbers", "experiments", "beside")
#: what may come out instead
OTHERS = {
    "proofs": ("UNDECIDED", "DECIDED"), "refutations": ("UNDECIDED", "PROVED"), "numbers": ("VIOLATED", "INCONCLUSIVE", None),
    "experiments": ("NOT SEEN", None), "beside": ("VIOLATED", "NOT SEEN", None),
}  # fmt: skip


def entry(id: str, status: str, assumed: tuple[str, ...] = ()) -> dict[str, Any]:
    found = {"id": id, "status": status, "assumed": list(assumed), "axioms": [], "witness": [f"x={id}"]}
    return found | {"repair": "r", "mended": []}


def example(key: str) -> str:
    """A key that the pattern takes."""
    return key.removeprefix("!").replace("*", "some").replace("?", "2")


def settled(claim: PaperClaim) -> dict[str, dict[str, Any]]:
    """Results of sections with which everything that a claim rests on is as it wants it."""
    given = [entry(i, "PROVED", tuple(claim.unsaid)) for i in claim.proofs] + [entry(i, "REFUTED") for i in claim.refutations]
    evidence = {}
    for key in (*claim.numbers, *claim.beside):
        verdict = "VIOLATED" if key.startswith("!") else "CONFIRMED"
        evidence[example(key)] = {"verdict": verdict, "says": "a", "anchor": "fig:a"}
    runs = {example(key): {"verdict": "SEEN", "says": "b", "anchor": ""} for key in claim.experiments}
    return {"theorems": {"entries": given}, "verification": {"evidence": evidence}, "experiments": {"evidence": runs}}


def flipped(claim: PaperClaim) -> Iterator[tuple[str, str, dict[str, dict[str, Any]]]]:
    """Each single thing that a claim rests on come out otherwise: (kind, what, results)."""
    for kind in KINDS:
        for name in getattr(claim, kind):
            for other in OTHERS[kind]:
                changed = copy.deepcopy(settled(claim))
                if kind in ("proofs", "refutations"):
                    for e in changed["theorems"]["entries"]:
                        if e["id"] == name:
                            e["status"] = other
                else:
                    section = "experiments" if kind == "experiments" else "verification"
                    key = example(name)
                    held = changed[section]["evidence"]
                    if other is None:
                        del held[key]
                    else:
                        wanted_violated = name.startswith("!")
                        held[key]["verdict"] = {"VIOLATED": "CONFIRMED"}.get(other, other) if wanted_violated else other
                yield kind, name, changed


def decisive(claim: PaperClaim) -> str:
    """What the status rests on first."""
    return next(kind for kind in ("refutations", "proofs", "numbers", "experiments") if getattr(claim, kind))


def test_every_claim_has_a_name_a_source_and_something_to_rest_on() -> None:
    assert len(CLAIMS) == sum(len(g.claims) for g in GROUPS)
    for claim in CLAIMS.values():
        assert claim.says and claim.source
        assert claim.proofs or claim.refutations or claim.numbers or claim.experiments


def test_entries_are_those_of_the_catalogue() -> None:
    known = entries()
    for claim in CLAIMS.values():
        theorems = [known[i] for i in claim.proofs]
        assert all(isinstance(t, Theorem) for t in theorems), claim.id
        assert all(isinstance(known[i], Refutation) for i in claim.refutations), claim.id
        for name in claim.unsaid:
            assert any(name in t.assumptions for t in theorems if isinstance(t, Theorem)), (claim.id, name)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda c: c.id)
def test_settled(claim: PaperClaim) -> None:
    row = judge(claim, Results.of(settled(claim)))
    kind = decisive(claim)
    wanted = {"refutations": Status.REFUTED, "proofs": Status.PROVED, "numbers": Status.CONFIRMED, "experiments": Status.SEEN}[kind]
    assert row["status"] == (Status.ASSUMING if kind == "proofs" and claim.unsaid else wanted)
    assert row["reason"] == ""
    assert [w["witness"] for w in row["witnesses"]] == [[f"x={i}"] for i in claim.refutations]
    assert row["named"] == (list(claim.unsaid.values()) if row["status"] == Status.ASSUMING else [])


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda c: c.id)
def test_every_status_changes_with_the_result_behind_it(claim: PaperClaim) -> None:
    """What decides a claim flips its status; what only supports it flips its row; numbers against a proof open the claim."""
    before = judge(claim, Results.of(settled(claim)))
    flips = list(flipped(claim))
    assert flips
    for kind, name, changed in flips:
        row = judge(claim, Results.of(changed))
        assert row != before, (kind, name)
        if kind == decisive(claim) and kind != "refutations":
            assert row["status"] != before["status"], (kind, name)
            assert row["reason"] or row["status"] == Status.NOT_SEEN or row["status"] == Status.CONFIRMED
    if len(claim.refutations) == 1:
        changed = settled(claim)
        for e in changed["theorems"]["entries"]:
            if e["id"] in claim.refutations:
                e["status"] = "UNDECIDED"
        assert judge(claim, Results.of(changed))["status"] != Status.REFUTED


@pytest.mark.parametrize("claim", [c for c in CLAIMS.values() if c.unsaid], ids=lambda c: c.id)
def test_an_assumption_that_a_proof_does_not_use_is_not_named(claim: PaperClaim) -> None:
    results = settled(claim)
    for e in results["theorems"]["entries"]:
        e["assumed"] = []
    assert judge(claim, Results.of(results))["status"] == Status.PROVED


def test_numbers_against_a_proof_open_the_claim() -> None:
    claim = PaperClaim("a", "a", "b", ("t",), numbers=("n",))
    results = Results({"t": entry("t", "PROVED")}, {"n": {"verdict": "VIOLATED", "says": "", "anchor": ""}})
    row = judge(claim, results)
    assert (row["status"], row["reason"]) == (Status.OPEN, CONTRADICTED)


def test_what_the_method_does_is_shown_and_does_not_touch_a_proof() -> None:
    claim = PaperClaim("a", "a", "b", ("t",), beside=("m",))
    results = Results({"t": entry("t", "PROVED")}, {"m": {"verdict": "VIOLATED", "says": "", "anchor": ""}})
    row = judge(claim, results)
    assert row["status"] == Status.PROVED and row["beside"][0]["supports"] is False


def test_patterns_take_all_keys_and_one_against_decides() -> None:
    claim = PaperClaim("a", "a", "b", numbers=("weak-*-first", "!other"))
    good = {"weak-1-first": {"verdict": "CONFIRMED"}, "weak-2-first": {"verdict": "CONFIRMED"}, "other": {"verdict": "VIOLATED"}}
    assert judge(claim, Results({}, good))["status"] == Status.CONFIRMED
    for key, verdict in (("weak-2-first", "VIOLATED"), ("weak-1-first", "INCONCLUSIVE"), ("other", "CONFIRMED")):
        row = judge(claim, Results({}, {**good, key: {"verdict": verdict}}))
        assert row["status"] == Status.OPEN and key in row["reason"]
    assert "not run" in judge(claim, Results({}, {}))["reason"]


def test_two_sections_may_not_have_the_same_evidence() -> None:
    with pytest.raises(ValueError, match="two sections"):
        Results.of({"a": {"evidence": {"k": {}}}, "b": {"evidence": {"k": {}}}})


def test_counts() -> None:
    rows = [judge(c, Results.of(settled(c))) for c in CLAIMS.values()]
    found = counts(rows)
    assert sum(found.values()) == len(rows)
    assert list(found) == [str(s) for s in Status if str(s) in found]


def test_an_incomplete_report_has_the_claims_that_it_says_something_of() -> None:
    claim = CLAIMS["rosenbrock"]
    shown = ledger_of(None, {"theorems": settled(claim)["theorems"]})
    assert [r["id"] for g in shown for r in g["rows"]] == ["rosenbrock"]
    assert ledger_of(None, {}) == []


def test_a_terminal_shows_plain_text() -> None:
    groups = ledger(GROUPS, Results())
    for unicode in (True, False):
        for claim in CLAIMS.values():
            said = ledger_view.plain(claim.says, unicode)
            assert not set("\\${}") & set(said), said
            assert unicode or said.isascii(), said
    stream = io.StringIO()
    ledger_view.show(Console(file=stream, width=100), groups)
    printed = " ".join(stream.getvalue().split())
    assert printed.count("OPEN") == len(CLAIMS)
    assert "The abstract" in printed


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"$\frac{\eta}{2N}$", "(η)/(2N)"),
        (r"$L_0+L_1\,\mathbb{E}G$", "L_0+L_1EG"),
        (r"\dots{} with $\kappa<\frac14$", "... with κ<1/4"),
        (r"$u=(1+t)^{-p}$ and $\overline{\sigma_1^2\omega}$", "u=(1+t)^-p and mean(σ_1^2ω)"),
    ],
)
def test_mathematics_as_plain_text(tex: str, shown: str) -> None:
    assert ledger_view.plain(tex) == shown


# --- claims of the user's own ---------------------------------------------------------------------------------------

OWN = '''
method = "dsgd"
[[claims]]
title = "Descent {title}"
variables = ["a", "b"]
claim = "{claim}"
'''


def own(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text)
    return path


def test_own_claims_are_read(tmp_path: Path) -> None:
    found = read_problem(own(tmp_path, OWN.format(title="$x$", claim="a*b <= (a^2+b^2)/2"))).claims
    assert [c.title for c in found] == ["Descent $x$"]
    assert found[0].claim.variables == ("a", "b")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("claims = 3", "claims"),
        ("claims = []", "claims"),
        ("claims = [1]", "claims[1]"),
        ('[[claims]]\nvariables = ["a"]', "claims[1] claim"),
        ('[[claims]]\nvariables = ["a"]\nclaim = "a >= 0"\nextra = 1', "claims[1]"),
        ('[[claims]]\nvariables = ["a"]\nclaim = "a >= 0"\n[[claims]]\nvariables = ["a"]\nclaim = "b >= 0"', "claims[2] claim"),
        ('[[claims]]\ntitle = 3\nvariables = ["a"]\nclaim = "a >= 0"', "claims[1] title"),
        ('[[claims]]\ntitle = ""\nvariables = ["a"]\nclaim = "a >= 0"', "claims[1] title"),
    ],
)
def test_bad_claims_name_their_field(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_problem(own(tmp_path, f'method = "dsgd"\n{text}\n'))
    assert caught.value.field == field


def test_a_group_without_claims_is_no_ledger() -> None:
    assert ledger([Group("empty", ())], Results()) == [{"title": "empty", "rows": []}]
