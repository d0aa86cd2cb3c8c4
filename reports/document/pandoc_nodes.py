"""Nodes of pandoc's syntax tree: functions that make them, and the walk through all of them."""

from collections.abc import Iterator
from typing import Any

Node = Any  # pandoc's JSON: {"t": type, "c": content}

SPACE: Node = {"t": "Space"}


def raw(html: str) -> Node:
    return {"t": "RawBlock", "c": ["html", html]}


def text(words: str) -> Node:
    return {"t": "Str", "c": words}


def span(content: list[Node], style: str, *attributes: tuple[str, str], name: str = "") -> Node:
    return {"t": "Span", "c": [[name, [style], [list(pair) for pair in attributes]], content]}


def div(content: list[Node], style: str, *attributes: tuple[str, str], name: str = "") -> Node:
    return {"t": "Div", "c": [[name, [style], [list(pair) for pair in attributes]], content]}


def nodes(root: Node) -> Iterator[Node]:
    """Every typed node below `root`, each before its contents, in document order."""
    if isinstance(root, dict):
        if "t" in root:
            yield root
        for value in list(root.values()):
            yield from nodes(value)
    elif isinstance(root, list):
        for value in root:
            yield from nodes(value)


def read(root: Node) -> str:
    """The text below `root`, without formulas."""
    pieces = (
        node["c"] if node["t"] == "Str" else " " for node in nodes(root) if node["t"] in ("Str", "Space", "SoftBreak")
    )
    return " ".join("".join(pieces).split())
