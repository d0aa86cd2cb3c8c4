"""A ledger of claims: the status of each, computed from the results of the other sections and never written by hand.

A claim rests on entries of the theorem catalogue, on numerical checks, on experiments, or on several of these. What decides:

1. An entry that refutes the claim as it is stated: REFUTED, with its witness and repair.
2. All entries that prove it: PROVED, or PROVED WITH A NAMED ASSUMPTION where one of them uses an assumption that the source
   does not state. Where the numbers violate a proved claim, one of the two is wrong, and the claim is OPEN.
3. No proof, and all numerical checks as the claim wants them: CONFIRMED NUMERICALLY; else OPEN.
4. Experiments alone: SEEN or NOT SEEN IN THE EXPERIMENT.
5. What was not run, or does not decide: OPEN, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, final


class Status(StrEnum):
    """The status of a claim."""

    PROVED = "PROVED"
    ASSUMING = "PROVED WITH A NAMED ASSUMPTION"
    REFUTED = "REFUTED"
    CONFIRMED = "CONFIRMED NUMERICALLY"
    SEEN = "SEEN IN THE EXPERIMENT"
    NOT_SEEN = "NOT SEEN IN THE EXPERIMENT"
    OPEN = "OPEN"


CONFIRMED, VIOLATED, INCONCLUSIVE = "CONFIRMED", "VIOLATED", "INCONCLUSIVE"
SEEN, NOT_SEEN = "SEEN", "NOT SEEN"
#: verdicts for a claim, and against it
FOR, AGAINST = (CONFIRMED, SEEN), (VIOLATED, NOT_SEEN)
#: sections that have entries
ENTRIES = ("theorems", "own-claims")
CONTRADICTED = "the numbers violate what is proved: one of the two is wrong"


@final
@dataclass(frozen=True)
class PaperClaim:
    """A claim and its evidence.

    Args:
        id: a short name, [a-z0-9-].
        says: the claim, LaTeX.
        source: where it is made.
        proofs: entries of the catalogue that prove it, all of them needed.
        unsaid: assumptions of these entries that the source does not state: name -> its name in the ledger.
        refutations: entries that refute it as it is stated; one is enough.
        numbers: numerical checks by the keys of their evidence, which must all be CONFIRMED. "*" stands for any characters; "!"
            before a key means that it must be VIOLATED.
        experiments: keys of evidence, which must all be SEEN.
        beside: further evidence of either kind, which is shown but decides nothing: the method itself, where the claim is about its
            SDE; a second data set; another setting.
        note: how far the proof or the numbers carry, LaTeX.
    """

    id: str
    says: str
    source: str
    proofs: tuple[str, ...] = ()
    unsaid: Mapping[str, str] = field(default_factory=dict)
    refutations: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    note: str = ""


@final
@dataclass(frozen=True)
class Group:
    """Claims under one heading."""

    title: str
    claims: tuple[PaperClaim, ...]


@final
@dataclass(frozen=True)
class Results:
    """The results that the statuses are computed from.

    Args:
        entries: of the catalogue, or claims of the user's, by id: "status", "assumed" (names of assumptions used), "axioms",
            "witness", "repair", "mended".
        evidence: of all sections by key: "verdict", "says", "anchor".
    """

    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @staticmethod
    def of(sections: Mapping[str, Mapping[str, Any]]) -> Results:
        """From the results of sections by name."""
        entries = {e["id"]: e for name in ENTRIES for e in sections.get(name, {}).get("entries", ())}
        evidence: dict[str, Mapping[str, Any]] = {}
        for name, result in sections.items():
            for key, found in result.get("evidence", {}).items():
                if key in evidence:
                    raise ValueError(f"two sections have evidence called {key}, one of them {name}")
                evidence[key] = found
        return Results(entries, evidence)


def judge(claim: PaperClaim, results: Results) -> dict[str, Any]:
    """A row of the ledger as JSON: the claim, "status", "reason", and its evidence, each item with its own verdict."""
    proof, named, why = _proof(claim, results.entries)
    numbers = _rows(claim.numbers, results.evidence)
    experiments = _rows(claim.experiments, results.evidence)
    beside = _rows(claim.beside, results.evidence)
    numerical, seen = (_together(rows) for rows in (numbers, experiments))
    status, reason = proof, why
    if proof in (Status.PROVED, Status.ASSUMING) and numerical is False:
        status, reason = Status.OPEN, CONTRADICTED
    elif proof is Status.OPEN and claim.numbers and numerical:
        status = Status.CONFIRMED
    elif proof is Status.OPEN and not claim.numbers and claim.experiments and seen is not None:
        status, reason = Status.SEEN if seen else Status.NOT_SEEN, ""
    elif proof is Status.OPEN:
        reason = why or _undecided([*numbers, *experiments])
    ids = claim.refutations if proof is Status.REFUTED else claim.proofs
    return {
        "id": claim.id, "says": claim.says, "source": claim.source, "note": claim.note, "status": str(status), "reason": reason,
        "named": named if status is Status.ASSUMING else [],
        "entries": [{"id": i, "status": results.entries.get(i, {}).get("status", "")} for i in (*claim.proofs, *claim.refutations)],
        "witnesses": [_witness(results.entries[i]) for i in ids if proof is Status.REFUTED and _is(results.entries, i, "REFUTED")],
        "numbers": numbers, "experiments": experiments, "beside": beside,
    }  # fmt: skip


def ledger(groups: Sequence[Group], results: Results) -> list[dict[str, Any]]:
    """Every group as {"title", "rows"}."""
    return [{"title": g.title, "rows": [judge(c, results) for c in g.claims]} for g in groups]


def counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many claims have each status, in the order of `Status`, without those that none has."""
    return {str(s): n for s in Status if (n := sum(r["status"] == s for r in rows))}


def _is(entries: Mapping[str, Mapping[str, Any]], id: str, status: str) -> bool:
    return entries.get(id, {}).get("status") == status


def _proof(claim: PaperClaim, entries: Mapping[str, Mapping[str, Any]]) -> tuple[Status, list[str], str]:
    """The status that the catalogue gives, the named assumptions, and the reason why it is not more."""
    if any(_is(entries, i, "REFUTED") for i in claim.refutations):
        return Status.REFUTED, [], ""
    if not claim.proofs:
        missing = [i for i in claim.refutations if not _is(entries, i, "REFUTED")]
        return Status.OPEN, [], f"not refuted: {', '.join(missing)}" if missing else ""
    missing = [i for i in claim.proofs if not _is(entries, i, "PROVED")]
    if missing:
        return Status.OPEN, [], f"not proved: {', '.join(missing)}"
    named = [words for n, words in claim.unsaid.items() if any(n in entries[i]["assumed"] for i in claim.proofs)]
    return Status.ASSUMING if named else Status.PROVED, named, ""


def _rows(keys: Sequence[str], evidence: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The evidence of these keys, with whether it agrees with the claim: True, False, or None if it does not decide."""
    found: list[dict[str, Any]] = []
    for wanted in keys:
        good, bad = (FOR, AGAINST) if not wanted.startswith("!") else (AGAINST, FOR)
        pattern = wanted.removeprefix("!")
        matching = [k for k in evidence if fnmatchcase(k, pattern)] or [pattern]
        for key in matching:
            own = evidence.get(key, {})
            verdict = own.get("verdict", "")
            found.append({
                "key": key, "verdict": verdict, "says": own.get("says", ""), "anchor": own.get("anchor", ""),
                "supports": True if verdict in good else False if verdict in bad else None,
            })  # fmt: skip
    return found


def _together(rows: Sequence[Mapping[str, Any]]) -> bool | None:
    """False if one item speaks against the claim; True if all speak for it; None if there is none or one does not decide."""
    if any(r["supports"] is False for r in rows):
        return False
    return True if rows and all(r["supports"] for r in rows) else None


def _undecided(rows: Sequence[Mapping[str, Any]]) -> str:
    against = [r["key"] for r in rows if r["supports"] is False]
    if against:
        return f"the numbers speak against it: {', '.join(against)}"
    absent = [r["key"] for r in rows if not r["verdict"]]
    if absent:
        return f"not run: {', '.join(absent)}"
    open_ = [r["key"] for r in rows if r["supports"] is None]
    return f"not decided: {', '.join(open_)}" if open_ else "nothing that it could rest on was run"


def _witness(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("id", "witness", "repair", "mended")}
