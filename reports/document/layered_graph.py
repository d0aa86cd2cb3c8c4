"""A graph in layers as inline SVG, whose colours are those of the page, and as nested lists for readers who do not see it."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sdescent.reports.document.tex import TEMPLATES, by_key

#: sizes in pixels: height of a row and of the box in it, width of a character on average, gap between two layers
_ROW, _BOX, _CHAR, _GAP = 24, 19, 6.7, 56
#: the narrowest and the widest box in characters; longer words are cut, and complete in the tooltip and in the lists
_LEAST, _MOST = 14, 44


@final
@dataclass(frozen=True)
class Node:
    """A node: unique key, layer, words, a tag such as a verdict, a `style` class, a `link` and an `explanation`, or "" each."""

    key: str
    layer: int
    words: str
    tag: str
    style: str
    link: str
    explanation: str = ""

    @property
    def label(self) -> str:
        """Tag and words."""
        return f"{self.tag}: {self.words}" if self.tag else self.words


@final
@dataclass(frozen=True)
class LayeredGraph:
    """A graph: the headings of its layers, its nodes, and edges, pairs of keys, that lead to later layers."""

    layers: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    @cached_property
    def below(self) -> dict[str, list[str]]:
        """The keys to which each key leads."""
        return by_key(self.edges)

    @cached_property
    def above(self) -> dict[str, list[str]]:
        """The keys that lead to each key."""
        return by_key((end, start) for start, end in self.edges)

    def layer(self, number: int) -> list[Node]:
        """The nodes of a layer."""
        return [node for node in self.nodes if node.layer == number]


def heights(graph: LayeredGraph) -> dict[str, float]:
    """The row of each node, so that edges are short and no two nodes of a layer are less than a row apart.

    The second layer has one row after another, in the order of the first nodes that lead to it. Every other node is at the mean
    row of those that it is joined with, or below the node before it; nodes of the first layer without edges are at its end.
    """
    order = {node.key: n for n, node in enumerate(graph.nodes)}
    first = {key: min((order[above] for above in graph.above[key]), default=len(order)) for key in order}
    ranked = sorted(graph.layer(1), key=lambda node: first[node.key])
    rows: dict[str, float] = {node.key: float(n) for n, node in enumerate(ranked)}
    for number in [0, *range(2, len(graph.layers))]:
        joined = graph.below if number == 0 else graph.above
        wanted = {
            node.key: sum(near) / len(near)
            for node in graph.layer(number)
            if (near := [rows[key] for key in joined[node.key] if key in rows])
        }
        last = -1.0
        for node in sorted(graph.layer(number), key=lambda node: wanted.get(node.key, len(order))):
            last = rows[node.key] = max(wanted.get(node.key, 0.0), last + 1)
    return rows


def drawn(graph: LayeredGraph, **words: object) -> str:
    """The graph as HTML by templates/graph.html, with these words on it: SVG with a link for each node, and nested lists."""
    rows = heights(graph)
    left, right, at = [], [], 1.0
    for number in range(len(graph.layers)):
        longest = max((len(node.label) for node in graph.layer(number)), default=0)
        left.append(at)
        right.append(at + _CHAR * (min(max(longest, _LEAST), _MOST) + 2))
        at = right[-1] + _GAP
    nodes = {node.key: node for node in graph.nodes}
    middle = {key: (row + 1.5) * _ROW for key, row in rows.items()}  # below the headings
    boxes = [
        {
            "node": node, "left": left[node.layer], "width": right[node.layer] - left[node.layer], "top": middle[key] - _BOX / 2,
            "cut": _cut(node.label, int((right[node.layer] - left[node.layer]) / _CHAR) - 2)[len(node.tag) :],
        }
        for key, node in nodes.items()
    ]  # fmt: skip
    edges = [(a, b, right[nodes[a].layer], middle[a], left[nodes[b].layer], middle[b]) for a, b in graph.edges]
    size = round(at - _GAP + 1), round((max(rows.values(), default=0.0) + 2.5) * _ROW)
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    template = environment.get_template("graph.html")
    return template.render(graph=graph, nodes=nodes, boxes=boxes, edges=edges, heads=left, size=size, box=_BOX, **words)


def _cut(words: str, room: int) -> str:
    return words if len(words) <= room else words[: room - 1].rstrip() + "…"
