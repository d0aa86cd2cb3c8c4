"""A graph in layers as inline SVG, whose colours are those of the page, and as nested lists for readers who do not see it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import final

#: sizes in pixels: height of a row and of the box in it, width of a character on average, gap between two layers
_ROW, _BOX, _CHAR, _GAP = 24, 19, 6.7, 56
#: the narrowest and the widest box in characters; longer words are cut, and complete in the tooltip and in the lists
_LEAST, _MOST = 14, 44


@final
@dataclass(frozen=True)
class Node:
    """A node.

    Attributes:
        key: its unique name.
        layer: the number of its layer, from 0.
        words: its words.
        tag: a word in front of them, such as a verdict; "" for none.
        style: a class for the page's style sheet; "" for none.
        link: where it leads: an anchor of the page, or a file beside it.
        explanation: what the lists say of it besides; "" for nothing.
    """

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
    """A graph whose edges, pairs of keys, lead to later layers.

    Attributes:
        layers: the heading of each layer.
        nodes, edges: the nodes, and the edges from a key to a key.
    """

    layers: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    @cached_property
    def below(self) -> dict[str, list[str]]:
        """The keys to which each key leads."""
        return _neighbours(self.edges)

    @cached_property
    def above(self) -> dict[str, list[str]]:
        """The keys that lead to each key."""
        return _neighbours([(end, start) for start, end in self.edges])

    def layer(self, number: int) -> list[Node]:
        """The nodes of a layer."""
        return [node for node in self.nodes if node.layer == number]


def _neighbours(edges: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    neighbours: dict[str, list[str]] = defaultdict(list)
    for start, end in edges:
        neighbours[start].append(end)
    return neighbours


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


def svg(graph: LayeredGraph, name: str) -> str:
    """The graph as an SVG element with a link for each node, a path for each edge, and `name` for screen readers."""
    rows = heights(graph)
    sides: list[tuple[float, float]] = []
    at = 1.0
    for number in range(len(graph.layers)):
        longest = max((len(node.label) for node in graph.layer(number)), default=0)
        width = _CHAR * (min(max(longest, _LEAST), _MOST) + 2)
        sides.append((at, at + width))
        at += width + _GAP
    layer_of = {node.key: node.layer for node in graph.nodes}
    heads = "".join(
        f'<text class="head" x="{left + 6:.0f}" y="16">{escape(words)}</text>'
        for words, (left, _) in zip(graph.layers, sides, strict=True)
    )
    paths = []
    for start, end in graph.edges:
        (x, y), (to, down) = (sides[layer_of[start]][1], _y(rows[start])), (sides[layer_of[end]][0], _y(rows[end]))
        half = (x + to) / 2
        paths.append(
            f'<path data-from="{escape(start)}" data-to="{escape(end)}" '
            f'd="M{x:.0f} {y:.0f}C{half:.0f} {y:.0f} {half:.0f} {down:.0f} {to:.0f} {down:.0f}"/>'
        )
    boxes = [_box(node, *sides[node.layer], rows[node.key]) for node in graph.nodes]
    size = f"{at - _GAP + 1:.0f} {_y(max(rows.values(), default=0.0) + 1):.0f}"
    wide, high = size.split()
    return (
        f'<svg role="group" aria-label="{escape(name)}" viewBox="0 0 {size}" width="{wide}" height="{high}">'
        f"{heads}<g>{''.join(paths)}</g>{''.join(boxes)}</svg>"
    )


def _y(row: float) -> float:
    """The middle of a row, below the headings of the layers."""
    return (row + 1.5) * _ROW


def _box(node: Node, left: float, right: float, row: float) -> str:
    room = int((right - left) / _CHAR) - 2
    words = node.label if len(node.label) <= room else node.label[: room - 1].rstrip() + "…"
    tag, rest = (node.tag, words[len(node.tag) :]) if node.tag else ("", words)
    bold = f'<tspan class="tag">{escape(tag)}</tspan>' if tag else ""
    return (
        f'<a class="node {escape(node.style)}" href="{escape(node.link)}" data-node="{escape(node.key)}">'
        f"<title>{escape(node.label)}</title>"
        f'<rect x="{left:.0f}" y="{_y(row) - _BOX / 2:.1f}" width="{right - left:.0f}" height="{_BOX}" rx="3"/>'
        f'<text x="{left + 6:.0f}" y="{_y(row) + 4:.1f}">{bold}{escape(rest)}</text></a>'
    )


def lists(graph: LayeredGraph) -> str:
    """The graph as nested lists: each node of the first layer with what it leads to, and the other nodes that nothing leads to.

    After them, the nodes of the last layer have their explanations, at the anchors to which their links lead.
    """
    nodes = {node.key: node for node in graph.nodes}

    def item(key: str) -> str:
        node = nodes[key]
        inner = "".join(map(item, graph.below[key]))
        tag = f"<strong>{escape(node.tag)}</strong> " if node.tag else ""
        return f'<li>{tag}<a href="{escape(node.link)}">{escape(node.words)}</a>{f"<ul>{inner}</ul>" if inner else ""}</li>'

    roots = "".join(item(node.key) for node in graph.nodes if node.layer == 0 or not graph.above[node.key])
    explained = "".join(
        f'<dt id="{escape(node.link.removeprefix("#"))}">{escape(node.words)}</dt><dd>{escape(node.explanation)}</dd>'
        for node in graph.nodes
        if node.explanation
    )
    return f"<ul>{roots}</ul><dl>{explained}</dl>"
