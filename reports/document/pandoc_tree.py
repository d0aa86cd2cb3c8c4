"""The parts of a LaTeX document that pandoc leaves out, filled in on its syntax tree: numbers, references, figures, citations.

Pandoc reads equations without their numbers, counts only those tables and figures that have a label, and resolves no
`\\eqref` and no `\\cite` into a bibliography typed in the document. The numbers set here are LaTeX's: one for each row
of align and gather, one for each equation and multline, one for each captioned table and figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

Node = Any  # pandoc's JSON: {"t": type, "c": content}

_ROWS = frozenset(("align", "gather", "alignat", "flalign", "eqnarray"))
_SINGLE = frozenset(("equation", "multline"))
_ENVIRONMENT = re.compile(r"\\begin\{([a-z]+\*?)\}(.*)\\end\{\1\}", re.DOTALL)
_TOKEN = re.compile(r"\\begin\b|\\end\b|\\\\|\\.|[{}]", re.DOTALL)
# A tag may hold one level of braces.
_TAG = re.compile(r"\\tag\*?\{((?:[^{}]|\{[^{}]*\})*)\}")
_BADGE = re.compile(r"background-color: (\w+)")
_LABEL = re.compile(r"\\label\{([^{}]*)\}")
#: a character of private use, which no text of a report holds, before the first cell of a row that begins a group
RULE = "\ue000"
#: the environment whose contents fold
FOLDED = "sdproof"
_NAMES = {"equation": "eq.", "figure": "fig."}  # cleveref's short names; every other kind is called by its own name


def rows(body: str) -> list[str]:
    r"""The rows of an aligned environment: split at `\\` outside braces and inner environments."""
    depth, start, found = 0, 0, []
    for token in _TOKEN.finditer(body):
        text = token.group()
        if text in ("{", r"\begin"):
            depth += 1
        elif text in ("}", r"\end"):
            depth -= 1
        elif text == r"\\" and depth == 0:
            found.append(body[start : token.start()])
            start = token.end()
    last = body[start:]
    return [*found, last] if last.strip() or not found else found


@final
@dataclass(frozen=True)
class Target:
    """The target of a label: its number as shown (None where pandoc's own text stands) and its kind."""

    number: str | None
    kind: str


@final
class Tree:
    """One document's tree, completed in place by `complete`.

    Args:
        document: pandoc's JSON document.
        figure: maps a picture's path in the TeX to the picture that a browser shows.
        bibliography: number of each citation key.

    Attributes:
        undefined: labels and keys that nothing defines, in order.
    """

    def __init__(
        self, document: Node, *, figure: Callable[[str], str], bibliography: Mapping[str, int] | None = None
    ) -> None:
        self._document = document
        self._figure = figure
        self._bibliography = dict(bibliography or {})
        self._count = {"equation": 0, "table": 0, "figure": 0}
        self._targets: dict[str, Target] = {}
        self.undefined: list[str] = []

    def complete(self) -> None:
        """Number, then resolve (a reference may come before its target)."""
        roots = (self._document["meta"], self._document["blocks"])
        for node in [node for root in roots for node in _nodes(root)]:
            self._number(node)
        for node in [node for root in roots for node in _nodes(root)]:
            if node["t"] == "Link":
                self._resolve(node)
            elif node["t"] == "Cite":
                self._cite(node)

    def _number(self, node: Node) -> None:
        kind, content = node["t"], node.get("c")
        if kind == "Math" and content[0]["t"] == "DisplayMath":
            self._equation(node)
        elif kind == "Image":
            content[2][0] = self._figure(content[2][0])
        elif kind == "Figure":
            self._caption(content[1], "figure", content[0][0])
        elif kind == "Div":
            self._labelled(content)
        elif kind == "Table":
            # Its label, if it has one, is on the Div around it, visited before.
            self._caption(content[1], "table", "")
            self._rules(content[4])
            self._wrap(node)
        elif kind == "Span" and content[0][0] in self._targets:
            content[0][0] = ""  # a label after the tabular comes twice, and an identifier may not
        elif kind == "Span" and (found := _BADGE.fullmatch(dict(content[0][2]).get("style", ""))):
            content[0] = ["", ["badge", found[1]], []]

    def _labelled(self, content: Node) -> None:
        (label, classes, _), blocks = content
        if FOLDED in classes:
            content[1] = _folded(blocks)
            return
        if [block["t"] for block in blocks] == ["Table"] and label:
            self._targets[label] = Target(str(self._count["table"] + 1), "table")
        elif label and classes:
            self._targets[label] = Target(None, classes[0])

    def _caption(self, caption: Node, kind: str, label: str) -> None:
        blocks = caption[1]
        if not blocks:
            return
        self._count[kind] += 1
        number = str(self._count[kind])
        if label:
            self._targets[label] = Target(number, kind)
        if isinstance(blocks[0].get("c"), list):
            blocks[0]["c"][:0] = [_span([_text(f"{kind.capitalize()} {number}.")], "caption-label"), _SPACE]

    @staticmethod
    def _rules(bodies: Node) -> None:
        # A row that holds the mark gets a class, and the mark goes.
        for row in [row for body in bodies for row in body[3]]:
            for node in _nodes(row[1]):
                if node["t"] == "Str" and node["c"].startswith(RULE):
                    node["c"] = node["c"].removeprefix(RULE)
                    row[0][1] = [*row[0][1], "rule"]

    @staticmethod
    def _wrap(node: Node) -> None:
        # The caption stands outside the part that scrolls, so that a narrow screen shows all of it.
        inner = dict(node)
        caption, inner["c"][1] = inner["c"][1][1], [None, []]
        blocks = [_div(caption, "caption")] if caption else []
        node.clear()
        node.update(_div([*blocks, _div([inner], "scroll", ("tabindex", "0"))], "table"))

    def _equation(self, node: Node) -> None:
        tex: str = node["c"][1]
        found = _ENVIRONMENT.fullmatch(tex.strip())
        name, body = (found[1], found[2]) if found else ("", tex)
        starred = name.endswith("*") or name.rstrip("*") not in _ROWS | _SINGLE
        numbers: list[str | None] = []
        labels: list[str] = []
        for row in rows(body) if name.rstrip("*") in _ROWS else [body]:
            tag = _TAG.search(row)
            number = tag[1] if tag else None
            if number is None and not starred and not re.search(r"\\(?:notag|nonumber)\b", row):
                self._count["equation"] += 1
                number = str(self._count["equation"])
            numbers.append(number)
            for label in _LABEL.findall(row):
                labels.append(label)
                self._targets[label] = Target(number, "equation")
        plain = _LABEL.sub("", _TAG.sub("", re.sub(r"\\(?:notag|nonumber)\b", "", tex)))
        parts = [_span([{"t": "Math", "c": [node["c"][0], plain]}], "scroll", ("tabindex", "0"))]
        if any(numbers):
            shown = [_span(_brackets(number) if number else [], "number") for number in numbers]
            parts.append(_span(shown, "numbers"))
        parts[:0] = [_span([], "label", name=label) for label in labels[1:]]
        node.clear()
        node.update(_span(parts, "equation", name=labels[0] if labels else ""))

    def _resolve(self, link: Node) -> None:
        attributes = dict(link["c"][0][2])
        label = attributes.get("reference")
        if label is None:
            return
        target = self._targets.get(label)
        shown = link["c"][1][0].get("c", "") if link["c"][1] else ""
        if target is None and shown == f"[{label}]":
            self.undefined.append(label)
            return
        style = attributes["reference-type"]
        number = target.number if target and target.number else shown
        kind = target.kind if target else "section"
        named = style.startswith("ref+")
        words = _brackets(number) if style == "eqref" or (named and kind == "equation") else _shown(number)
        if named:
            name = kind.capitalize() if style == "ref+Label" else _NAMES.get(kind, kind)
            words = [_text(f"{name}\u00a0"), *words]
        link["c"][1] = words

    def _cite(self, node: Node) -> None:
        shown: list[Node] = [_text("[")]
        for position, citation in enumerate(node["c"][0]):
            key = citation["citationId"]
            if key not in self._bibliography:
                self.undefined.append(key)
            number = _text(str(self._bibliography.get(key, "?")))
            shown += [_text(", ")] if position else []
            shown += [{"t": "Link", "c": [["", [], []], [number], [f"#bib:{key}", ""]]}]
            if suffix := citation["citationSuffix"]:
                shown += [_text(", "), *suffix]
        node.clear()
        node.update(_span([*shown, _text("]")], "citation"))


_SPACE: Node = {"t": "Space"}


def _folded(blocks: list[Node]) -> list[Node]:
    """The blocks folded away behind the first of them, without a script."""
    first, *rest = blocks
    if first["t"] not in ("Para", "Plain"):
        return blocks
    return [_raw("<details><summary>"), {"t": "Plain", "c": first["c"]}, _raw("</summary>"), *rest, _raw("</details>")]


def _raw(html: str) -> Node:
    return {"t": "RawBlock", "c": ["html", html]}


def _text(text: str) -> Node:
    return {"t": "Str", "c": text}


def _span(content: list[Node], style: str, *attributes: tuple[str, str], name: str = "") -> Node:
    return {"t": "Span", "c": [[name, [style], [list(pair) for pair in attributes]], content]}


def _div(content: list[Node], style: str, *attributes: tuple[str, str]) -> Node:
    return {"t": "Div", "c": [["", [style], [list(pair) for pair in attributes]], content]}


def _shown(number: str) -> list[Node]:
    # The number of a tagged equation is the author's text, perhaps a formula.
    is_formula = len(number) > 2 and number[0] == number[-1] == "$"
    return [{"t": "Math", "c": [{"t": "InlineMath"}, number[1:-1]]} if is_formula else _text(number)]


def _brackets(number: str) -> list[Node]:
    return [_text("("), *_shown(number), _text(")")]


def _nodes(root: Node) -> Iterator[Node]:
    """Every typed node below `root`, each before its contents, in document order."""
    if isinstance(root, dict):
        if "t" in root:
            yield root
        for value in list(root.values()):
            yield from _nodes(value)
    elif isinstance(root, list):
        for value in root:
            yield from _nodes(value)
