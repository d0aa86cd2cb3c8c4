"""Claims from a TOML file, and the verdict on each, computed from the results of the sections."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, final

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import AGAINST, COVERED, FOR, NOISE_MODEL, evidence


class Look(NamedTuple):
    """The look of a status: in a sentence, its badge ("full" proved, "framed" in part, "light" numbers), its colour."""

    words: str
    badge: str
    colour: str


#: the statuses of claims in the ledger; the first four are decided by the kernel
LOOKS = {
    Verdict.PROVED: Look("proved", "full", "green"),
    Verdict.PROVED_IN_PART: Look("proved in part", "framed", "cyan"),
    Verdict.REFUTED: Look("refuted", "dark", "magenta"),
    Verdict.STEP_REFUTED: Look("left without a proof, a step of which is refuted", "darkframed", "magenta"),
    Verdict.REFUTED_NUMERICALLY: Look("refuted numerically", "dark", "magenta"),
    Verdict.CONTRADICTED: Look("contradicted by numbers", "darkframed", "red"),
    Verdict.CONFIRMED_NUMERICALLY: Look("confirmed numerically", "light", "green"),
    Verdict.SEEN: Look("seen in runs", "light", "green"),
    Verdict.SEEN_TO_FAIL: Look("seen to fail", "darkframed", "yellow"),
    Verdict.UNDECIDED: Look("undecided", "grey", "yellow"),
    Verdict.OPEN: Look("open", "grey", "red"),
}


def word_on_page_one(status: str) -> str:
    """The word of a status on the first pages, where CONFIRMED is short for CONFIRMED NUMERICALLY, and so on."""
    return status.removesuffix(" NUMERICALLY")


#: the statuses of claims, and those that rest on the kernel, at least for a step of a proof
STATUSES = tuple(LOOKS)
SETTLED = STATUSES[:5]
#: the subjects of entries (`sdescent.derive.theorems.entry.checking`) whose proofs cover the method itself
ITSELF = ("method", "compressor")
#: the sections that have entries
ENTRIES = ("theorems", "own-claims", "own-theorems")
DISAGREE = "the numbers contradict the proof: one of the two is wrong"
#: the verdicts of runs over seeds
RUNS = (Verdict.SEEN, Verdict.SEEN_TO_FAIL, Verdict.UNDECIDED)


@final
@dataclass(frozen=True)
class Claim:
    """A claim with the entries and topics that it cites. In their names, "*" stands for any characters.

    Args:
        id: a short name, [a-z0-9-].
        says: the claim as a statement that can be true or false, as LaTeX.
        scope: the object and the conditions to which the status applies, in about ten words, as LaTeX.
        proofs: the entries of the catalogue that together prove the claim.
        missing: the part that `proofs` leave unproved, as LaTeX; "" if they prove the whole claim.
        unsaid: the assumptions of `proofs` that the source does not state: {name: its name in the ledger}.
        refutations: the entries of the catalogue that refute the claim.
        negations: theorems that state the negation of the claim.
        steps: entries of the catalogue that refute a step of the claim's proof.
        topics: topics of numerical evidence about the claim.
        contrary: topics of evidence whose failure the claim states.
        source: the place of the claim in its source, if it differs from that of the group.
        row, column: the place of the claim in a group that is shown as a grid.
        stated: whether the main text of the report has the statements of its entries in full.
    """

    id: str
    says: str
    scope: str = ""
    proofs: tuple[str, ...] = ()
    missing: str = ""
    unsaid: Mapping[str, str] = field(default_factory=dict)
    refutations: tuple[str, ...] = ()
    negations: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    contrary: tuple[str, ...] = ()
    source: str = ""
    row: str = ""
    column: str = ""
    stated: bool = False

    @property
    def entries(self) -> tuple[str, ...]:
        """The names and patterns of all cited entries."""
        return (*self.proofs, *self.refutations, *self.negations, *self.steps)

    @property
    def cited(self) -> tuple[str, ...]:
        """All names and patterns that evidence may be about."""
        return (*self.entries, *self.topics, *self.contrary)


@final
@dataclass(frozen=True)
class Group:
    """Claims under a heading (LaTeX), the source's words or "", and their place; `front` for page one, `grid` by row and column."""

    title: str
    claims: tuple[Claim, ...]
    words: str = ""
    source: str = ""
    front: bool = False
    grid: bool = False


@final
@dataclass(frozen=True)
class Results:
    """The results from which the statuses are computed: entries of catalogue and user by id, and the sections' evidence by key.

    An entry has "status", "about", "assumed" (names of the assumptions used), "axioms", "witness", "repair", "mended".
    """

    entries: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @staticmethod
    def of(sections: Mapping[str, Mapping[str, Any]]) -> Results:
        """The entries and the evidence of sections, given the results of sections by name."""
        entries = {e["id"]: e for name in ENTRIES for e in sections.get(name, {}).get("entries", ())}
        evidence: dict[str, Mapping[str, Any]] = {}
        for name, result in sections.items():
            for key, piece in result.get("evidence", {}).items():
                if key in evidence:
                    raise ValueError(f"two sections have evidence called {key}, one of them {name}")
                evidence[key] = piece
        return Results(entries, evidence)

    def named(self, patterns: Iterable[str]) -> list[str]:
        """The ids of the entries that match the patterns; a pattern without a match stands for itself."""
        names: list[str] = []
        for pattern in patterns:
            ids = [i for i in self.entries if fnmatchcase(i, pattern)] or [pattern]
            names += [i for i in ids if i not in names]
        return names

    def covers(self, piece: Mapping[str, Any]) -> bool:
        """Whether a proof covers a piece's subject: formulas, the SDE, and the method itself if the entry is about it."""
        return piece["subject"] in COVERED or self.entries.get(piece["about"], {}).get("about") in ITSELF

    def status(self, id: str) -> str:
        """The status of an entry; "" if it was not checked."""
        return self.entries.get(id, {}).get("status", "")


@final
@dataclass(frozen=True)
class Judged:
    """The verdicts on the claims of a report, computed when they are first read, and once for all its parts."""

    groups: Sequence[Group] = ()
    results: Results = field(default_factory=Results)

    @cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """The groups, each as {"title", "words", "source", "front", "grid", "rows"}; a row is as `judge` returns it."""
        return [
            {
                "title": g.title, "words": g.words, "source": g.source, "front": g.front, "grid": g.grid,
                "rows": [judge(c, self.results, g.source) for c in g.claims],
            }
            for g in self.groups
        ]  # fmt: skip

    @cached_property
    def claims(self) -> dict[str, dict[str, Any]]:
        """The rows of the ledger by the id of the claim."""
        return {row["id"]: row for group in self.ledger for row in group["rows"]}

    def verdict(self, id: str) -> Verdict:
        """The verdict on a claim; OPEN if it was not computed."""
        return Verdict(self.claims[id]["status"]) if id in self.claims else Verdict.OPEN

    def all_proved(self, ids: Iterable[str]) -> bool:
        return all(self.verdict(id) is Verdict.PROVED for id in ids)

    def numbers(self, about: str, subject: str | None = None) -> list[Mapping[str, Any]]:
        """The values of all evidence about a topic that has any; "*" in its name stands for any characters."""
        pieces = (e for e in self.results.evidence.values() if fnmatchcase(e["about"], about))
        return [e["values"] for e in pieces if subject in (None, e["subject"]) and e["values"]]


def judge(claim: Claim, results: Results, source: str = "") -> dict[str, Any]:
    """A row of the ledger as JSON: the claim, "status", "reason", its evidence, and tallies of the evidence.

    The evidence is in three lists: "numbers" is about the statements of the entries, or decides the claim by itself; "experiments"
    are runs over seeds; "beside" is evidence that no proof covers, about the method itself or an equation that is not linearised.
    "check" is the tally of the evidence that checks proofs, "beyond" that of all other evidence.
    """
    refuting = [i for i in results.named(claim.refutations) if results.status(i) == Verdict.REFUTED]
    negating = [i for i in results.named(claim.negations) if results.status(i) == Verdict.PROVED]
    broken = [i for i in results.named(claim.steps) if results.status(i) == Verdict.REFUTED]
    evidence = _evidence(claim, results)
    covered = [e for e in evidence if e["role"] == "check"]
    beyond = [e for e in evidence if e["role"] != "check"]
    used = {name for i in results.named(claim.proofs) for name in results.entries.get(i, {}).get("assumed", ())}
    named = [words for name, words in claim.unsaid.items() if name in used]
    if refuting or negating:
        status, reason = Verdict.REFUTED, ""
    elif broken:
        fails = any(e["role"] == "conclusion" and e["supports"] is False for e in evidence)
        status = Verdict.REFUTED_NUMERICALLY if fails else Verdict.STEP_REFUTED
        reason = (
            "a step of its proof is refuted exactly, and its conclusion fails" if fails else "the conclusion is open"
        )
    elif claim.proofs and (missing := [i for i in results.named(claim.proofs) if results.status(i) != Verdict.PROVED]):
        status, reason = Verdict.OPEN, f"not proved: {', '.join(missing)}"
    elif claim.proofs:
        status, reason = (Verdict.PROVED_IN_PART if claim.missing or named else Verdict.PROVED), ""
    elif claim.refutations or claim.negations or claim.steps:
        candidates = results.named((*claim.refutations, *claim.negations, *claim.steps))
        status, reason = Verdict.OPEN, f"not refuted: {', '.join(candidates)}"
    else:
        status, reason = _by_numbers(beyond)
    if any(e["supports"] is False for e in covered) and status in SETTLED:
        status, reason = Verdict.CONTRADICTED, DISAGREE
    decisive = [*refuting, *negating] or broken
    in_part = status is Verdict.PROVED_IN_PART
    return {
        "id": claim.id, "says": claim.says, "scope": claim.scope, "missing": claim.missing if in_part else "",
        "named": named if in_part else [],
        "source": claim.source or source, "status": str(status), "reason": reason, "row": claim.row, "column": claim.column,
        "entries": [{"id": i, "status": results.status(i)} for i in results.named(claim.entries)],
        "witnesses": [
            {name: results.entries[i][name] for name in ("id", "witness", "repair", "mended")}
            for i in decisive if results.entries[i]["witness"]
        ],
        "numbers": [*covered, *(e for e in beyond if e["role"] == "numbers")],
        "experiments": [e for e in beyond if e["role"] == "runs"],
        "beside": [e for e in beyond if e["role"] in ("beyond", "conclusion")],
        "check": tally(covered), "beyond": tally(beyond),
    }  # fmt: skip


def counts(rows: Sequence[Mapping[str, Any]]) -> dict[Verdict, int]:
    """The number of claims of each status, in the order of `STATUSES`; statuses without claims are left out."""
    return {s: n for s in STATUSES if (n := sum(r["status"] == s for r in rows))}


def tally(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The number of all comparisons ("compared"), of those that contradict the claim ("failing"), and of "undecided" ones.

    "pieces" counts the pieces of evidence, "empty" those with nothing to compare, as late times of a run that has not settled.
    """
    return {
        "compared": sum(r["compared"] for r in rows), "failing": sum(r["against"] for r in rows),
        "undecided": sum(r["undecided"] for r in rows),
        "pieces": len(rows), "empty": sum(_empty(r) for r in rows),
    }  # fmt: skip


def _empty(row: Mapping[str, Any]) -> bool:
    """Whether a piece of evidence was computed but had nothing to compare."""
    return bool(row["verdict"]) and not row["compared"]


def uncited(groups: Sequence[Group], results: Results) -> list[str]:
    """The entries and pieces of evidence that no claim cites, which the ledger would therefore omit."""
    patterns = tuple(p for g in groups for c in g.claims for p in c.cited)
    topics = [*((i, i) for i in results.entries), *((k, e["about"]) for k, e in results.evidence.items())]
    return [key for key, topic in topics if not _any(topic, patterns)]


def _evidence(claim: Claim, results: Results) -> list[dict[str, Any]]:
    """All evidence on the claim's entries and topics, its role, and whether it supports: contradictions first, then undecided."""
    entries = set(results.named((*claim.proofs, *claim.negations)))
    refuted, steps = set(results.named(claim.refutations)), set(results.named(claim.steps))
    pieces: list[dict[str, Any]] = []
    for key, piece in results.evidence.items():
        about, covered = piece["about"], results.covers(piece)
        contrary = _any(about, claim.contrary)
        if about in entries and not (about in refuted and results.status(about) == Verdict.REFUTED):
            role = "check" if covered else "beyond"
        elif about in refuted or about in steps:
            role = "check" if piece["subject"] == COVERED[0] or (about in entries and covered) else "conclusion"
            contrary = role == "check"
        elif contrary or _any(about, claim.topics):
            role = "beyond" if entries else "runs" if piece["verdict"] in RUNS else "numbers"
        else:
            continue
        pieces.append({"key": key, "role": role, **piece, **_counted(piece, contrary)})
    topics = {piece["about"] for piece in results.evidence.values()}
    missing = [t for t in (*claim.topics, *claim.contrary) if not any(fnmatchcase(about, t) for about in topics)]
    role = "beyond" if entries else "numbers"
    pieces += [
        {"key": topic, "role": role, **evidence(topic, "", "", "", "", 0), "supports": None, "against": 0}
        for topic in missing
    ]
    return sorted(pieces, key=lambda e: (e["supports"] is not False, e["supports"] is not None))


@lru_cache(None)
def _any(about: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(about, p) for p in patterns)


def _counted(piece: Mapping[str, Any], contrary: bool) -> dict[str, Any]:
    """Whether a piece of evidence supports the claim (None if undecided), and the number of its comparisons against the claim."""
    good, bad = (AGAINST, FOR) if contrary else (FOR, AGAINST)
    supports = True if piece["verdict"] in good else False if piece["verdict"] in bad else None
    against = piece["failing"] if not contrary else piece["compared"] - piece["failing"] if supports is False else 0
    return {"supports": supports, "against": against}


def _by_numbers(rows: Sequence[Mapping[str, Any]]) -> tuple[Verdict, str]:
    supports = {r["supports"] for r in rows if not _empty(r)}
    if absent := [r["key"] for r in rows if not r["verdict"]]:
        return Verdict.OPEN, f"not run: {', '.join(absent)}"
    if not rows:
        return Verdict.OPEN, "nothing on which it could rest was run"
    show, fail = ([r for r in rows if r["supports"] is word] for word in (True, False))
    if show and fail and all(r["role"] == "runs" for r in (*show, *fail)):
        return Verdict.UNDECIDED, f"the runs disagree: {len(show)} of {len(rows)} show it, {len(fail)} the contrary"
    if fail:
        return Verdict.SEEN_TO_FAIL, ""
    if None in supports or not supports:
        return Verdict.UNDECIDED, ""
    return (Verdict.SEEN if any(r["role"] == "runs" for r in rows) else Verdict.CONFIRMED_NUMERICALLY), ""


def read_groups(path: Path, follows: Callable[[str], tuple[Claim, ...]]) -> tuple[Group, ...]:
    """The groups of a file, in order. The keys are the fields of `Group` and `Claim`; lines of a text are joined by spaces.

    `follows` makes the claims of a group with a model under "follows" in place of title and claims. Raises TOMLDecodeError,
    TypeError for an unknown or a missing key, OSError.
    """
    groups = []
    for table in plain(tomllib.loads(path.read_text(encoding="utf-8")))["group"]:
        if model := table.pop("follows", None):
            title = "The noise of the equations" if model == NOISE_MODEL else f"{model.capitalize()} SDE"
            groups.append(Group(title, follows(model), grid=True, **table))
        else:
            groups.append(Group(claims=tuple(Claim(**claim) for claim in table.pop("claims")), **table))
    return tuple(groups)


def plain(value: Any) -> Any:
    """A value from TOML with each text on one line, and tuples for lists."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(plain(item) for item in value)
    return value
