"""claims.json and the graph of proofs: complete, the same as the ledger and its results, and with the keys that the docs name."""

import dataclasses
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.proof.kernel.rules import AXIOMS
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Refutation, Theorem
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.claims_file import (
    ClaimRecord,
    ClaimsFile,
    TheoremRecord,
    claims_file,
    page_section,
    support_graph,
)
from sdescent.reports.claims.evidence import METHOD, SDE, evidence
from sdescent.reports.claims.verdict_of_claim import Judged, Results, judge
from sdescent.reports.document.layered_graph import heights
from sdescent.reports.document.plain_text import plain
from sdescent.reports.document.tex import escape
from sdescent.reports.paper.application import GROUPS

#: entries of the kinds that occur: proved by algebra alone, with analytic facts, refuted, and not run
PROVED, WITH_FACTS, REFUTED, ABSENT = "8-cauchy-1", "6.4-global-scheduled", "6.2-kappa-fifth", "6.6-limit"
FACTS = tuple(AXIOMS)[:2]
DOCS = Path(__file__).parents[3] / "docs" / "command-line.md"


def entry(id: str, known: Theorem | Refutation) -> dict[str, Any]:
    refuted = isinstance(known, Refutation)
    return {
        "id": id, "title": f"T <{id}>", "status": known.expected, "about": "SDE", "assumed": [], "repair": "", "mended": [],
        "axioms": list(FACTS) if id == WITH_FACTS else [], "witness": ["x=1"] if refuted else [],
        "certificate": None if refuted else f"{{{id}}}",
    }  # fmt: skip


@pytest.fixture(scope="module")
def results() -> Results:
    """The catalogue as it is to come out, but for an entry that was not run, and comparisons with each entry."""
    checked = {id: entry(id, e) for id, e in entries().items() if id != ABSENT}
    pieces = {f"{id}-{of}": evidence(id, of, "CONFIRMED", "a", "tab:a", 10) for id in checked for of in (SDE, METHOD)}
    return Results(checked, pieces)


@pytest.fixture(scope="module")
def file(results: Results) -> ClaimsFile:
    return claims_file(
        "A title", True, Judged(GROUPS, results).ledger, results, {"source": "0"}, {"theorems": "theorems-1.json"}
    )


def test_every_claim_and_every_entry_is_in_the_file_with_what_the_ledger_says(
    file: ClaimsFile, results: Results
) -> None:
    read = json.loads(file.to_json())
    claims, theorems = {c["id"]: c for c in read["claims"]}, {t["id"]: t for t in read["theorems"]}
    assert list(claims) == [c.id for g in GROUPS for c in g.claims] and len(claims) == len(read["claims"])
    assert set(theorems) == {*results.entries, ABSENT} and len(theorems) == len(read["theorems"])
    for group in GROUPS:
        for claim in group.claims:
            row, record = judge(claim, results, group.source), claims[claim.id]
            for key, value in {"verdict": "status", "assumes": "named"}.items() | {
                (k, k) for k in ("reason", "missing", "check", "beyond")
            }:
                assert record[key] == row[value], (claim.id, key)
            pieces = [*row["numbers"], *row["experiments"], *row["beside"]]
            assert sorted(e["key"] for e in record["evidence"]) == sorted(e["key"] for e in pieces)
            for name, role in (("check", {"check"}), ("beyond", {"numbers", "runs", "beyond", "conclusion"})):
                chosen = [e for e in record["evidence"] if e["role"] in role]
                assert record[name]["failing"] == sum(e["against"] for e in chosen)
                assert record[name]["compared"] == sum(e["compared"] for e in chosen)
            order = [e["supports"] is not False for e in record["evidence"]]
            assert order == sorted(order)  # contradictions first
            assert record["theorems"] == [e["id"] for e in row["entries"]] and record["source"] and record["words"]
    for id, t in theorems.items():
        entry = results.entries.get(id)
        assert t["verdict"] == ("" if entry is None else entry["status"])
        certified = entry is not None and bool(entry["certificate"])
        assert t["certificate"] == (f"certificates/{id}.cert.json" if certified else "")
        assert t["sha256"] == (hashlib.sha256(entry["certificate"].encode()).hexdigest() if entry and certified else "")
    assert theorems[WITH_FACTS]["axioms"] == list(FACTS) == list(read["axioms"]) and theorems[REFUTED]["witness"]


def test_a_result_that_changes_shows_in_the_file(results: Results) -> None:
    piece = evidence(WITH_FACTS, "SDE", "VIOLATED", "fails", "", 50, 3)
    changed = Results(results.entries, {**results.evidence, "new": piece})
    claims = {c.id: c for c in claims_file("", True, Judged(GROUPS, changed).ledger, changed, {}, {}).claims}
    hit = [c for c in claims.values() if WITH_FACTS in c.theorems]
    assert {c.verdict for c in hit if c.id == "heavy-tails"} == {Verdict.CONTRADICTED}
    assert all(c.evidence[0]["key"] == "new" and c.check["failing"] == 3 for c in hit) and len(hit) == 2
    odd = Results(
        {}, {"k": evidence("tails-signs", METHOD, "VIOLATED", "", "", values={"far": float("inf"), "near": 1.5})}
    )
    read = json.loads(claims_file("", True, Judged(GROUPS, odd).ledger, odd, {}, {}).to_json())
    values = [e["values"] for c in read["claims"] for e in c["evidence"] if e["key"] == "k"]
    assert values and all(v == {"far": None, "near": 1.5} for v in values)


def test_the_keys_are_those_of_the_documentation(file: ClaimsFile) -> None:
    """A table for each kind of record: its rows name the keys of every record, and their JSON types."""
    read = json.loads(file.to_json())
    part = DOCS.read_text(encoding="utf-8").partition("### claims.json")[2].partition("\n## ")[0]
    tables = [
        re.findall(r"^\| `(\w+)` \| ([a-z ]+) \|", table, re.MULTILINE)
        for table in part.split("\n\n")
        if table.startswith("| key")
    ]
    kinds = {"text": str, "boolean": bool, "object": dict, "list": list, "number": (int, float), "integer": int}
    records = ([read], read["claims"], [e for c in read["claims"] for e in c["evidence"]], read["theorems"])
    assert len(tables) == len(records)
    for table, rows in zip(tables, records, strict=True):
        assert rows and all(set(row) == {key for key, _ in table} for row in rows)
        for key, words in table:
            allowed = [kinds[word] for word in words.split(" or ") if word != "null"]
            for row in rows:
                value = row[key]
                assert (
                    value is None if value is None and "null" in words else any(isinstance(value, a) for a in allowed)
                ), (key, value)
    for row, of in ((read, ClaimsFile), (read["claims"][0], ClaimRecord), (read["theorems"][0], TheoremRecord)):
        assert set(row) == {field.name for field in dataclasses.fields(of)}


# --- the graph ------------------------------------------------------------------------------------------------------


def expected(results: Results) -> tuple[set[str], set[tuple[str, str]]]:
    """Nodes and edges from the claims and the results alone."""
    nodes, edges = set[str](), set[tuple[str, str]]()
    for claim in (c for g in GROUPS for c in g.claims):
        edges |= {(f"claim:{claim.id}", f"thm:{id}") for id in results.named(claim.entries)}
        nodes.add(f"claim:{claim.id}")
    for id, entry in results.entries.items():
        if entry["certificate"] or entry["witness"]:
            edges.add((f"thm:{id}", f"cert:{id}"))
        edges |= {(f"cert:{id}", f"fact:{name}") for name in entry["axioms"]}
        nodes.add(f"thm:{id}")
    return nodes | {end for edge in edges for end in edge}, edges


def read(picture: str) -> tuple[list[str], list[tuple[str, str]]]:
    nodes = re.findall(r'data-node="([^"]*)"', picture)
    return nodes, re.findall(r'data-from="([^"]*)" data-to="([^"]*)"', picture)


def test_the_graph_is_the_ledger(file: ClaimsFile, results: Results) -> None:
    graph = support_graph(file, paragraphs=True)
    nodes, edges = read(page_section(graph)[1])
    assert (set(nodes), set(edges)) == expected(results) and f"thm:{ABSENT}" in nodes
    assert len(nodes) == len(set(nodes)) and len(edges) == len(set(edges))
    links = {node.key: node.link for node in graph.nodes}
    assert (
        links[f"cert:{PROVED}"] == f"certificates/{PROVED}.cert.json" and links[f"cert:{REFUTED}"] == f"#thm:{REFUTED}"
    )
    assert links["claim:kappa"] == "#claim:kappa"
    own = {node.key: node.link for node in support_graph(file, paragraphs=False).nodes}
    assert own["claim:kappa"] == "#thm:kappa"
    tags = {node.key: node.tag for node in graph.nodes}
    assert (tags[f"thm:{PROVED}"], tags[f"thm:{REFUTED}"], tags[f"thm:{ABSENT}"]) == ("", "REFUTED", "NOT CHECKED")
    words = plain(page_section(graph)[1])
    proved = sum(e["status"] == Verdict.PROVED for e in results.entries.values())
    assert (
        f"Claims: {len(file.claims)}; " in words
        and f"{proved} are proved" in words
        and f"use {len(FACTS)} analytic" in words
    )


def test_nothing_covers_anything(file: ClaimsFile) -> None:
    graph = support_graph(file, paragraphs=True)
    rows = heights(graph)
    for number in range(len(graph.layers)):
        places = sorted(rows[node.key] for node in graph.layer(number))
        assert all(b - a >= 1 for a, b in pairwise(places)) and places[0] >= 0
    assert all(rows[f"cert:{id}"] == rows[f"thm:{id}"] for id in (PROVED, WITH_FACTS, REFUTED))
    boxes = re.findall(r'<rect x="(\d+)" y="([\d.]+)" width="(\d+)" height="(\d+)"', page_section(graph)[1])
    places = [(float(x), float(y), float(x) + float(w), float(y) + float(h)) for x, y, w, h in boxes]
    assert len(places) == len(graph.nodes)
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', page_section(graph)[1])
    assert size and max(p[2] for p in places) <= int(size[1]) and max(p[3] for p in places) <= int(size[2])


def test_the_lists_say_what_the_graph_shows(file: ClaimsFile, results: Results) -> None:
    graph = support_graph(file, paragraphs=True)
    text = page_section(graph)[1].partition("<details>")[2]
    for claim in (c for g in GROUPS for c in g.claims):
        below = text.partition(f'href="#claim:{claim.id}"')[2]
        inside = below.partition('href="#claim:')[0]
        assert set(re.findall(r'href="#thm:([^"]*)"', inside)) >= set(results.named(claim.entries))
    names = re.findall(r'<dt id="fact:([^"]*)">', text)
    assert names == list(FACTS) and "T &lt;" in text and "<script" not in text


def test_words_are_as_they_were_before_they_were_escaped() -> None:
    every = "".join(map(chr, range(33, 127)))
    assert plain(escape(every)) == every
    assert plain(r"$\sigma_{1}^2$") == "σ_1^2"
