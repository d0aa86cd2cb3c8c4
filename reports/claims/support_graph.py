"""The graph of what the claims of a report rest on: from each claim to its theorems, their certificates, and analytic facts."""

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.claims_file import ClaimsFile
from sdescent.reports.claims.looks import LOOKS
from sdescent.reports.document.html import PageSection
from sdescent.reports.document.layered_graph import LayeredGraph, Node, drawn
from sdescent.reports.document.plain_text import plain

#: the headings of the layers
LAYERS = ("claims", "theorems, proved unless marked", "certificates", "analytic facts")
CLAIM, THEOREM, CERTIFICATE, FACT = range(len(LAYERS))


def support_graph(file: ClaimsFile, paragraphs: bool) -> LayeredGraph:
    """The graph of all claims, entries, certificates, witnesses and analytic facts of a report.

    A claim leads to every entry that it cites, an entry to its certificate (or to the exact numbers that refute it), and a
    certificate to the analytic facts that its proof uses. Nothing is left out: an entry that no claim cites is a node as well.

    Args:
        paragraphs: whether the page has a paragraph for each claim, apart from its entries.
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


def page_section(graph: LayeredGraph) -> PageSection:
    """The section of the page with the graph, the numbers of its nodes, and the same as nested lists."""
    claims, theorems, ends, facts = (graph.layer(number) for number in range(len(LAYERS)))
    refuted = sum(node.link.startswith("#") for node in ends)
    counts = {
        "claims": len(claims), "citing": sum(bool(graph.below[node.key]) for node in claims), "theorems": len(theorems),
        "proved": sum(not node.tag for node in theorems), "refuted": refuted,
        "certificates": len(ends) - refuted, "facts": len(facts),
    }  # fmt: skip
    return PageSection("From claims to proofs", drawn(graph, **counts))
