"""The contents of claims.json: every claim of a report with its verdict and all that the verdict rests on, as typed records."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

from sdescent.derive.proof.kernel.rules import AXIOMS
from sdescent.reports.claims.verdict_of_claim import Results
from sdescent.reports.document.plain_text import plain

#: the name of the file, beside report.html
NAME = "claims.json"


@final
@dataclass(frozen=True)
class ClaimRecord:
    """A claim, its verdict and its evidence; the fields are the keys of claims.json.

    Attributes:
        id: its short name, [a-z0-9-].
        group: the heading under which the report shows it, as LaTeX.
        words: the claim as plain text.
        says, scope: the claim, and the object and the conditions to which the verdict applies, as LaTeX.
        verdict: the verdict, such as "PROVED IN PART".
        reason: why it is not another one; "" where the evidence says it.
        missing: the part that the proofs leave unproved, as LaTeX.
        assumes: the assumptions of the proofs that the source does not state, as LaTeX.
        quote, source: the source's own words ("" if unknown), as LaTeX, and their place.
        front: whether the first page shows it.
        check, beyond: counts of all comparisons with what is proved, and with other objects (`tally` in verdict_of_claim.py).
        evidence: the pieces of evidence as in `judge` there, those that contradict the claim first.
        theorems: the ids of the entries that it cites.
    """

    id: str
    group: str
    words: str
    says: str
    scope: str
    verdict: str
    reason: str
    missing: str
    assumes: tuple[str, ...]
    quote: str
    source: str
    front: bool
    check: Mapping[str, int]
    beyond: Mapping[str, int]
    evidence: tuple[Mapping[str, Any], ...]
    theorems: tuple[str, ...]


@final
@dataclass(frozen=True)
class TheoremRecord:
    """An entry of the catalogue, or a claim or theorem of the user's own; the fields are the keys of claims.json.

    Attributes:
        id, title: its name and its heading, as plain text.
        verdict: the verdict of the kernel; "" if it was not checked.
        about: the object of the statement, such as "corrected SDE"; "" for an inequality.
        assumed: the names of the assumptions that the proof uses.
        axioms: the names of the analytic facts that the proof uses.
        certificate: the path of its certificate in the folder of the report; "" if there is none.
        sha256: the SHA-256 digest (hex) of the certificate; "" if there is none.
        witness: the exact numbers that refute it, each as LaTeX.
    """

    id: str
    title: str
    verdict: str
    about: str
    assumed: tuple[str, ...]
    axioms: tuple[str, ...]
    certificate: str
    sha256: str
    witness: tuple[str, ...]


@final
@dataclass(frozen=True)
class ClaimsFile:
    """All claims of a report; the fields are the keys of claims.json.

    Attributes:
        title: the title of the report.
        quick: whether fewer paths and settings were used.
        computed_by: the versions, the digest of the source and the plugins (`sdescent.reports.store.cache.provenance`).
        results: the name in `results/` of the file of each stored section, which contains the digest of all that determines it.
        claims: the claims, in the order of the report.
        theorems: the entries, those that a claim cites first, in the order of the claims.
        axioms: the analytic facts by name, as LaTeX.
    """

    title: str
    quick: bool
    computed_by: Mapping[str, Any]
    results: Mapping[str, str]
    claims: tuple[ClaimRecord, ...]
    theorems: tuple[TheoremRecord, ...]
    axioms: Mapping[str, str]

    def to_json(self) -> str:
        """The file as JSON, indented.

        Raises:
            ValueError: a number is nan or infinite.
        """
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def claims_file(
    title: str, quick: bool, groups: Sequence[Mapping[str, Any]], results: Results, computed_by: Mapping[str, Any],
    files: Mapping[str, str],
) -> ClaimsFile:  # fmt: skip
    """The records of a report.

    Args:
        title, quick, computed_by: as in `ClaimsFile`.
        groups: the judged claims (`sdescent.reports.claims.verdict_of_claim.ledger`).
        results: what they were judged by.
        files: `ClaimsFile.results`.
    """
    claims = tuple(_claim(row, group) for group in groups for row in group["rows"])
    cited = dict.fromkeys((*(id for claim in claims for id in claim.theorems), *results.entries))
    theorems = tuple(_theorem(id, results.entries.get(id, {})) for id in cited)
    used = {name for theorem in theorems for name in theorem.axioms}
    axioms = {name: words for name, words in AXIOMS.items() if name in used}
    return ClaimsFile(title, quick, computed_by, files, claims, theorems, axioms)


def _claim(row: Mapping[str, Any], group: Mapping[str, Any]) -> ClaimRecord:
    pieces = sorted((*row["numbers"], *row["experiments"], *row["beside"]), key=lambda e: e["supports"] is not False)
    return ClaimRecord(
        row["id"], group["title"], plain(row["says"]), row["says"], row["scope"], row["status"], row["reason"], row["missing"],
        tuple(row["named"]), group["words"], row["source"], group["front"], row["check"], row["beyond"], tuple(pieces),
        tuple(entry["id"] for entry in row["entries"]),
    )  # fmt: skip


def _theorem(id: str, entry: Mapping[str, Any]) -> TheoremRecord:
    certificate = entry.get("certificate") or ""
    return TheoremRecord(
        id, entry.get("title", ""), entry.get("status", ""), entry.get("about", ""), tuple(entry.get("assumed", ())),
        tuple(entry.get("axioms", ())), f"certificates/{id}.cert.json" if certificate else "",
        hashlib.sha256(certificate.encode()).hexdigest() if certificate else "", tuple(entry.get("witness", ())),
    )  # fmt: skip
