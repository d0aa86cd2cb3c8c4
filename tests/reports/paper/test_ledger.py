"""The ledger of claims: every status follows from results, all evidence counts, and no single result can change unseen."""

import io
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sdescent.derive.reading.problems import read_problem
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Refutation, Theorem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import COVERED, FORMULA, METHOD, NOT_LINEARISED, SDE, evidence
from sdescent.reports.claims.verdict_of_claim import (
    DISAGREE,
    RUNS,
    STATUSES,
    Claim,
    Judged,
    Results,
    counts,
    judge,
    uncited,
)
from sdescent.reports.commands import terminal as ledger_view
from sdescent.reports.paper.application import GROUPS
from sdescent.reports.sections.first_page_layout import counted, ledger_of

CLAIMS = {c.id: c for g in GROUPS for c in g.claims}
KNOWN = entries()
#: topics that stand for those of a pattern
TOPICS = {
    "experiment-a-*": ("experiment-a-digits",),
    "experiment-c-held-[dc]i*": ("experiment-c-held-digits",),
    "experiment-smoothness-*": ("experiment-smoothness-digits",),
    "experiment-b*": ("experiment-b-digits", "experiment-b-held-digits"),
    "experiment-c-tuned-*": ("experiment-c-tuned-digits",),
    "experiment-c-equal-*": ("experiment-c-equal-length-digits",),
    "experiment-d-constant-*": ("experiment-d-constant-digits",),
    "experiment-d-decaying-*": ("experiment-d-decaying-digits",),
}


def entry(id: str, status: str, assumed: tuple[str, ...] = ()) -> dict[str, Any]:
    lists = {"assumed": list(assumed), "witness": [f"x={id}"] if status == "REFUTED" else []}
    about = "method" if id.endswith("-method") and not id.startswith("6.6") else "SDE"
    return {"id": id, "status": status, "about": about, "axioms": [], "repair": "r", "mended": [], **lists}


def given() -> dict[str, dict[str, Any]]:
    """All entries of the catalogue as they are to come out."""
    unsaid = tuple(dict.fromkeys(name for c in CLAIMS.values() for name in c.unsaid))
    return {i: entry(i, e.expected, unsaid if isinstance(e, Theorem) else ()) for i, e in KNOWN.items()}


def subjects(id: str) -> tuple[str, ...]:
    own = KNOWN[id]
    if isinstance(own, Refutation):
        return (FORMULA, *([SDE] if own.evidence else []))
    return (SDE, METHOD, NOT_LINEARISED) if id.startswith("6.") else (FORMULA, METHOD)


def all_evidence() -> dict[str, dict[str, Any]]:
    """Evidence about every entry and every topic, all as the claims want it."""
    found = {}
    for id, own in KNOWN.items():
        for subject in subjects(id):
            verdict, failing = ("VIOLATED", 10) if isinstance(own, Refutation) else ("CONFIRMED", 0)
            found[f"verify-{id}-{subject}"] = evidence(id, subject, verdict, "a", "tab:a", 10, failing)
    for claim in CLAIMS.values():
        for pattern in (*claim.topics, *claim.contrary):
            if pattern.startswith("6."):
                continue
            for topic in TOPICS.get(pattern, (pattern,)):
                agrees = "SEEN" if topic.startswith("experiment") else "CONFIRMED"
                verdict = "VIOLATED" if pattern in claim.contrary else agrees
                found[topic] = evidence(topic, METHOD, verdict, "b", "fig:b", 3)
    return found


def otherwise(own: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What may come out in place of a piece of evidence."""
    verdicts = RUNS if own["verdict"] in RUNS else ("CONFIRMED", "VIOLATED", "INCONCLUSIVE")
    for verdict in verdicts:
        if verdict != own["verdict"]:
            fixed = {k: own[k] for k in ("about", "subject", "anchor", "compared")}
            yield evidence(verdict=verdict, says="c", **fixed)


SETTLED = Results(given(), all_evidence())


def settled(claim: Claim) -> dict[str, dict[str, Any]]:
    """Results of sections with which everything that a claim rests on is as it wants it."""
    kept = {k: e for k, e in SETTLED.evidence.items() if any(fnmatchcase(e["about"], p) for p in claim.cited)}
    own = {i: e for i, e in SETTLED.entries.items() if any(fnmatchcase(i, p) for p in claim.entries)}
    runs = {k: e for k, e in kept.items() if e["verdict"] in RUNS}
    rest = {k: e for k, e in kept.items() if k not in runs}
    return {
        "theorems": {"entries": list(own.values())},
        "verification": {"evidence": rest},
        "experiments": {"evidence": runs},
    }


def decisive(claim: Claim) -> Verdict:
    """The status of a claim for which everything is as it wants it."""
    if claim.refutations or claim.negations:
        return Verdict.REFUTED
    if claim.steps:
        return Verdict.REFUTED_NUMERICALLY
    if claim.proofs:
        return Verdict.PROVED_IN_PART if claim.missing or claim.unsaid else Verdict.PROVED
    return Verdict.SEEN if any("experiment" in t for t in claim.topics) else Verdict.CONFIRMED_NUMERICALLY


# --- nothing is picked ----------------------------------------------------------------------------------------------


def test_every_entry_and_every_piece_of_evidence_belongs_to_a_claim() -> None:
    assert uncited(GROUPS, SETTLED) == []
    piece = evidence("a-new-topic", METHOD, "CONFIRMED", "", "")
    stray = Results({"9.9-new": entry("9.9-new", "PROVED")}, {"k": piece})
    assert uncited(GROUPS, stray) == ["9.9-new", "k"]


def test_claims_name_entries_of_the_right_kind() -> None:
    for claim in CLAIMS.values():
        kinds = ((Theorem, (*claim.proofs, *claim.negations)), (Refutation, (*claim.refutations, *claim.steps)))
        for kind, names in kinds:
            for name in names:
                found = [e for i, e in KNOWN.items() if fnmatchcase(i, name)]
                assert found and all(isinstance(e, kind) for e in found), (claim.id, name)
        theorems = [KNOWN[i] for i in KNOWN if any(fnmatchcase(i, p) for p in claim.proofs)]
        for name in claim.unsaid:
            assert any(name in t.assumptions for t in theorems if isinstance(t, Theorem)), (claim.id, name)


def test_every_claim_has_a_name_a_scope_a_source_and_something_to_rest_on() -> None:
    assert len(CLAIMS) == sum(len(g.claims) for g in GROUPS)
    for group in GROUPS:
        for claim in group.claims:
            assert claim.says and claim.scope and claim.cited and (claim.source or group.source), claim.id


def test_what_the_kernel_decides_is_told_in_words() -> None:
    """A constant that is typed beside a verdict could be wrong: the formulas are those of the entries, which are generated."""
    for claim in (c for c in CLAIMS.values() if c.entries):
        for text in (claim.says, claim.scope, claim.missing, *claim.unsaid.values()):
            typed = text.replace("$(L_0,L_1)$", "")
            assert not re.search(r"\d", typed), text
            assert all(re.fullmatch(r"\\?[A-Za-z]+", f) for f in typed.split("$")[1::2]), text


def test_settled() -> None:
    rows = [judge(claim, SETTLED) for claim in CLAIMS.values()]
    for claim, row in zip(CLAIMS.values(), rows, strict=True):
        assert row["status"] == decisive(claim)
        assert not row["reason"] or row["status"] == Verdict.REFUTED_NUMERICALLY
        assert row["missing"] == claim.missing and row["named"] == list(claim.unsaid.values())
        assert (row["beyond"]["failing"] > 0) == bool(claim.steps)  # of a refuted step the conclusion fails too
        assert row["check"]["failing"] == 0
    statuses = counts(rows)
    assert sum(statuses.values()) == len(rows) and list(statuses) == [str(s) for s in STATUSES if str(s) in statuses]


@pytest.mark.parametrize("claim", [*CLAIMS.values()][::3], ids=lambda c: c.id)
def test_every_piece_of_evidence_changes_its_rows(claim: Claim) -> None:
    """Each single result behind a claim, come out otherwise or missing, shows in the row; what contradicts stands first."""
    before, cited = judge(claim, SETTLED), settled(claim)
    flips = 0
    for section in ("verification", "experiments"):
        for key, own in cited[section].get("evidence", {}).items():
            for other in otherwise(own):
                row = judge(claim, Results(SETTLED.entries, {**SETTLED.evidence, key: other}))
                assert _without(row, "says") != _without(before, "says"), (key, other["verdict"])
                listed = [*row["numbers"], *row["experiments"], *row["beside"]]
                assert next(e for e in listed if e["key"] == key)["verdict"] == other["verdict"]
                if any(e["supports"] is False for e in row["beside"]):
                    assert row["beside"][0]["supports"] is False
                proved = own["subject"] in COVERED and own["about"] in KNOWN and claim.entries and not claim.steps
                if proved and other["verdict"] != "INCONCLUSIVE":
                    assert (row["status"], row["reason"]) == (Verdict.CONTRADICTED, DISAGREE), key
                flips += 1
    for e in cited["theorems"]["entries"]:
        row = judge(claim, Results({**SETTLED.entries, e["id"]: {**e, "status": "UNDECIDED"}}, SETTLED.evidence))
        assert row["entries"] != before["entries"]
        assert row["status"] == Verdict.OPEN or claim.refutations or claim.negations
        flips += 1
    assert flips


def _without(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != key}


def test_an_assumption_that_a_proof_does_not_use_is_not_named() -> None:
    bare = {i: {**e, "assumed": []} for i, e in SETTLED.entries.items()}
    for claim in (c for c in CLAIMS.values() if c.unsaid):
        assert judge(claim, Results(bare, SETTLED.evidence))["status"] == Verdict.PROVED


@pytest.mark.parametrize(
    ("about", "status"),
    [("method", Verdict.CONTRADICTED), ("compressor", Verdict.CONTRADICTED), ("corrected SDE", Verdict.PROVED)],
)
def test_a_theorem_on_the_method_is_checked_on_the_method(about: str, status: Verdict) -> None:
    entry = {"status": "PROVED", "about": about, "assumed": []}
    row = judge(Claim("a", "a", proofs=("t",)), Results({"t": entry}, numbers("VIOLATED").evidence))
    assert row["status"] == status and row["check" if status is Verdict.CONTRADICTED else "beyond"]["failing"] == 2


def numbers(*verdicts: str) -> Results:
    return Results({}, {f"k{n}": evidence("t", METHOD, v, "", "", 2) for n, v in enumerate(verdicts)})


def compared(row: Mapping[str, Any]) -> tuple[int, int, int]:
    """How much beyond a proof was compared, fails, and decides nothing."""
    return row["beyond"]["compared"], row["beyond"]["failing"], row["beyond"]["undecided"]


@pytest.mark.parametrize(
    ("verdicts", "status", "beyond"),
    [
        (("CONFIRMED", "CONFIRMED"), Verdict.CONFIRMED_NUMERICALLY, (4, 0, 0)),
        (("CONFIRMED", "VIOLATED"), Verdict.SEEN_TO_FAIL, (4, 2, 0)),
        (("CONFIRMED", "INCONCLUSIVE"), Verdict.UNDECIDED, (4, 0, 2)),
        (("SEEN", "SEEN TO FAIL", "UNDECIDED"), Verdict.UNDECIDED, (6, 2, 2)),
        (("SEEN TO FAIL", "UNDECIDED"), Verdict.SEEN_TO_FAIL, (4, 2, 2)),
        (("UNDECIDED",), Verdict.UNDECIDED, (2, 0, 2)),
        ((), Verdict.OPEN, (0, 0, 0)),
    ],
)
def test_numbers_decide_where_there_is_no_proof(
    verdicts: tuple[str, ...], status: Verdict, beyond: tuple[int, ...]
) -> None:
    row = judge(Claim("a", "a", topics=("t",)), numbers(*verdicts))
    assert row["status"] == status and compared(row) == beyond
    assert ("not run" in row["reason"]) == (not verdicts)


def shown_as(row: Mapping[str, Any]) -> tuple[str, str]:
    return tuple(counted(row["beyond"])[key] for key in ("said", "filled"))  # pyright: ignore[reportReturnType]


def test_a_run_with_nothing_to_compare_decides_nothing_and_is_told() -> None:
    """A run that has not settled has no late times: the others decide, and page one says how many of them there are."""
    claim = Claim("a", "a", topics=("t",))
    full, empty = evidence("t", METHOD, "CONFIRMED", "", "", 7), evidence("t", METHOD, "INCONCLUSIVE", "", "", 0)
    row = judge(claim, Results({}, {"full": full, "empty": empty}))
    assert row["status"] == Verdict.CONFIRMED_NUMERICALLY and shown_as(row) == ("0 of 7", "1/2")
    row = judge(claim, Results({}, {"empty": empty, "other": empty}))
    assert row["status"] == Verdict.UNDECIDED and shown_as(row) == ("", "") and not row["reason"]


def test_a_claim_that_something_fails_wants_it_to_fail() -> None:
    claim = Claim("a", "a", contrary=("t",))
    assert judge(claim, numbers("VIOLATED"))["status"] == Verdict.CONFIRMED_NUMERICALLY
    row = judge(claim, numbers("VIOLATED", "CONFIRMED"))
    assert row["status"] == Verdict.SEEN_TO_FAIL and compared(row) == (4, 2, 0)


def test_a_refuted_step_leaves_the_conclusion_open_or_fallen() -> None:
    claim, refuted = Claim("a", "a", steps=("t",)), {"t": entry("t", "REFUTED")}
    assert judge(claim, Results(refuted))["reason"] == "the conclusion is open"
    for verdict, status in (("VIOLATED", Verdict.REFUTED_NUMERICALLY), ("CONFIRMED", Verdict.STEP_REFUTED)):
        row = judge(claim, Results(refuted, {"k": evidence("t", SDE, verdict, "", "")}))
        assert row["status"] == status and [w["id"] for w in row["witnesses"]] == ["t"]


def test_a_negation_refutes() -> None:
    claim = Claim("a", "a", refutations=("r",), negations=("n",))
    for one in ({"r": entry("r", "REFUTED")}, {"n": entry("n", "PROVED")}):
        assert judge(claim, Results(one))["status"] == Verdict.REFUTED
    assert judge(claim, Results({"r": entry("r", "UNDECIDED"), "n": entry("n", "UNDECIDED")}))["status"] == Verdict.OPEN


def test_two_sections_may_not_have_the_same_evidence() -> None:
    with pytest.raises(ValueError, match="two sections"):
        Results.of({"a": {"evidence": {"k": {}}}, "b": {"evidence": {"k": {}}}})


def test_an_incomplete_report_has_the_claims_that_it_says_something_of() -> None:
    claim = CLAIMS["rosenbrock"]
    groups = ledger_of(Judged(GROUPS, Results.of({"theorems": settled(claim)["theorems"]})))
    assert [r["id"] for g in groups for r in g["rows"]] == ["rosenbrock"]
    assert ledger_of(Judged(GROUPS)) == []


def test_a_terminal_shows_plain_text() -> None:
    groups = Judged(GROUPS).ledger
    for unicode in (True, False):
        for claim in CLAIMS.values():
            said = ledger_view.plain(claim.says, unicode)
            assert not set("\\${}") & set(said), said
            assert unicode or said.isascii(), said
    stream = io.StringIO()
    ledger_view.show_ledger(Console(file=stream, width=100), groups)
    printed = " ".join(stream.getvalue().split())
    assert printed.count("OPEN") == len(CLAIMS)
    assert "Signs converge" in printed


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"$\frac{\eta}{2N}$", "(η)/(2N)"),
        (r"\dots{} with $\kappa<\frac14$", "... with κ<1/4"),
        (r"$u=(1+t)^{-p}$ and $\overline{\sigma_1^2\omega}$", "u=(1+t)^-p and mean(σ_1^2ω)"),
        (r"within 10\,\% at $X_{\hat T}$", "within 10% at X_T^"),
    ],
)
def test_mathematics_as_plain_text(tex: str, shown: str) -> None:
    assert ledger_view.plain(tex) == shown


# --- claims of the user's own ---------------------------------------------------------------------------------------


def own(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text)
    return path


def test_own_claims_are_read(tmp_path: Path) -> None:
    text = 'method = "dsgd"\n[[claims]]\ntitle = "Descent $x$"\nvariables = ["a", "b"]\nclaim = "a*b <= (a^2+b^2)/2"\n'
    (claim,) = read_problem(own(tmp_path, text)).claims
    assert claim.title == "Descent $x$" and claim.claim.variables == ("a", "b")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("claims = 3", "claims"),
        ('[[claims]]\nvariables = ["a"]\nclaim = "a >= 0"\nextra = 1', "claims[1]"),
        ('[[claims]]\nvariables = ["a"]\nclaim = "a >= 0"\n[[claims]]\nvariables = ["a"]\nclaim = "b >= 0"', "claims[2] claim"),
        ('[[claims]]\ntitle = 3\nvariables = ["a"]\nclaim = "a >= 0"', "claims[1] title"),
    ],
)  # fmt: skip
def test_bad_claims_name_their_field(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_problem(own(tmp_path, f'method = "dsgd"\n{text}\n'))
    assert caught.value.field == field
