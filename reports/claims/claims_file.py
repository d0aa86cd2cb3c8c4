"""The contents of claims.json: every claim of a report with its verdict and all that the verdict rests on, and the graph of these.

The fields of the records are the keys of the file. docs/command-line.md says what each is; a test compares its tables with them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from sdescent.derive.proof.kernel.rules import AXIOMS
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import Record
from sdescent.reports.claims.verdict_of_claim import LOOKS, Results
from sdescent.reports.document.layered_graph import LayeredGraph, Node, drawn
from sdescent.reports.document.plain_text import plain

#: the name of the file, beside report.html
NAME = "claims.json"


@final
@dataclass(frozen=True)
class ClaimRecord:
    """A claim, its verdict and its evidence, the pieces that contradict it first; what is LaTeX stays LaTeX, but for `words`."""

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
    """An entry of the catalogue, or a claim or theorem of the user's own, with the path and the digest of its certificate."""

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
class ClaimsFile(Record, null=True):
    """All claims of a report, with the entries that they cite and all others, and what computed them."""

    title: str
    quick: bool
    computed_by: Mapping[str, Any]
    results: Mapping[str, str]
    claims: tuple[ClaimRecord, ...]
    theorems: tuple[TheoremRecord, ...]
    axioms: Mapping[str, str]

    def to_json(self) -> str:
        """The file as JSON, indented; a number that is nan or infinite, which JSON has not, is null."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def claims_file(
    title: str, quick: bool, groups: Sequence[Mapping[str, Any]], results: Results, computed_by: Mapping[str, Any],
    files: Mapping[str, str],
) -> ClaimsFile:  # fmt: skip
    """The records of a report's judged claims (`ledger`), what computed them (`provenance`), and each section's result file."""
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


# --- the graph of what the claims rest on: from each to its theorems, their certificates, and analytic facts ---

#: the headings of the layers
LAYERS = ("claims", "theorems, proved unless marked", "certificates", "analytic facts")
CLAIM, THEOREM, CERTIFICATE, FACT = range(len(LAYERS))


def support_graph(file: ClaimsFile, paragraphs: bool) -> LayeredGraph:
    """The graph of all claims, entries, certificates, witnesses and analytic facts of a report.

    A claim leads to every entry that it cites, an entry to its certificate (or to the exact numbers that refute it), and a
    certificate to the analytic facts that its proof uses. Nothing is left out: an entry that no claim cites is a node as well.
    `paragraphs` says whether the page has a paragraph for each claim, apart from its entries.
    """
    anchor = "#claim" if paragraphs else "#thm"
    nodes = [
        Node(f"claim:{c.id}", CLAIM, c.words, c.verdict, LOOKS[Verdict(c.verdict)].badge, f"{anchor}:{c.id}")
        for c in file.claims
    ]
    edges = [(f"claim:{c.id}", f"thm:{id}") for c in file.claims for id in c.theorems]
    for t in file.theorems:
        words = f"{t.id}. {t.title}" if t.title else t.id
        marked = "" if t.verdict == Verdict.PROVED else t.verdict or "NOT CHECKED"
        nodes.append(Node(f"thm:{t.id}", THEOREM, words, marked, "", f"#thm:{t.id}"))
        last = f"thm:{t.id}"
        if t.certificate or t.witness:
            last = f"cert:{t.id}"
            label, link = ("certificate", t.certificate) if t.certificate else ("exact numbers", f"#thm:{t.id}")
            nodes.append(Node(last, CERTIFICATE, label, "", "", link))
            edges.append((f"thm:{t.id}", last))
        edges += [(last, f"fact:{name}") for name in t.axioms]
    nodes += [
        Node(f"fact:{name}", FACT, name, "", "", f"#fact:{name}", plain(words)) for name, words in file.axioms.items()
    ]
    return LayeredGraph(LAYERS, tuple(nodes), tuple(edges))


def page_section(graph: LayeredGraph) -> tuple[str, str]:
    """The heading and the HTML of the section with the graph, the numbers of its nodes, and the same as nested lists."""
    claims, theorems, ends, facts = (graph.layer(number) for number in range(len(LAYERS)))
    refuted = sum(node.link.startswith("#") for node in ends)
    counts = {
        "claims": len(claims), "citing": sum(bool(graph.below[node.key]) for node in claims), "theorems": len(theorems),
        "proved": sum(not node.tag for node in theorems), "refuted": refuted,
        "certificates": len(ends) - refuted, "facts": len(facts),
    }  # fmt: skip
    return "From claims to proofs", drawn(graph, **counts)
