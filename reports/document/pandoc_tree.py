"""Pandoc's syntax tree of a LaTeX document, completed with numbers, references, figures and citations."""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, final

from sdescent.derive.printing.width import width

Node = Any  # pandoc's JSON: {"t": type, "c": content}

SPACE: Node = {"t": "Space"}


def raw(html: str) -> Node:
    return {"t": "RawBlock", "c": ["html", html]}


def text(words: str) -> Node:
    return {"t": "Str", "c": words}


def _box(kind: str, content: list[Node], style: str, *attributes: tuple[str, str], name: str = "") -> Node:
    return {"t": kind, "c": [[name, [style], [list(pair) for pair in attributes]], content]}


span, div = partial(_box, "Span"), partial(_box, "Div")


def nodes(root: Node) -> Iterator[Node]:
    """Every typed node in `root`, itself included, each before its contents, in document order."""
    waiting = [root]  # a stack, since generators inside generators take seconds for a whole report
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "t" in node:
                yield node
            waiting.extend(reversed(node.values()))
        elif isinstance(node, list):
            waiting.extend(reversed(node))


def read(root: Node, formula: Callable[[str], str] = lambda tex: "") -> str:
    """The text below `root` on one line, with formulas as `formula` writes their TeX, by default without them."""
    said = {"Str": lambda node: node["c"], "Math": lambda node: formula(node["c"][1])}
    said |= dict.fromkeys(("Space", "SoftBreak", "LineBreak"), lambda node: " ")
    return " ".join("".join(said[node["t"]](node) for node in nodes(root) if node["t"] in said).split())


_ROWS = frozenset(("align", "gather", "alignat", "flalign", "eqnarray"))
_SINGLE = frozenset(("equation", "multline"))
_ENVIRONMENT = re.compile(r"\\begin\{([a-z]+\*?)\}(.*)\\end\{\1\}", re.DOTALL)
_TOKEN = re.compile(r"\\begin\b|\\end\b|\\\\|\\.|[{}]", re.DOTALL)
# A tag may contain one level of braces.
_TAG = re.compile(r"\\tag\*?\{((?:[^{}]|\{[^{}]*\})*)\}")
_BADGE = re.compile(r"background-color: (\w+)")
_LABEL = re.compile(r"\\label\{([^{}]*)\}")
#: mark before the first cell of a row that begins a group; marks are private use characters, which no text of a report contains
RULE = "\ue000"
#: mark of the beginning of the appendix, in a paragraph of its own
APPENDIX = "\ue001"
#: mark before the first cell below the head of a table
BODY = "\ue003"
#: mark before the first cell of a row that defines a symbol
DEFINES = "\ue002"
#: the environment whose contents can be folded away
FOLDED = "sdproof"
#: the deepest level of headings with numbers, and the width in characters above which a formula may not fit on a phone
_NUMBERED, _NARROW = 3, 16
_NAMES = {"equation": "eq.", "figure": "fig."}  # cleveref's short names; any other kind has its own name


def rows(body: str) -> list[str]:
    r"""The rows of an aligned environment, split at `\\` outside braces and inner environments."""
    depth, start, pieces = 0, 0, []
    for token in _TOKEN.finditer(body):
        sign = token.group()
        if sign in ("{", r"\begin"):
            depth += 1
        elif sign in ("}", r"\end"):
            depth -= 1
        elif sign == r"\\" and depth == 0:
            pieces.append(body[start : token.start()])
            start = token.end()
    last = body[start:]
    return [*pieces, last] if last.strip() or not pieces else pieces


#: the target of a label: its number as shown (None if pandoc's own text is kept) and its kind
Target = tuple[str | None, str]


@final
class Tree:
    """The tree of one document, pandoc's JSON, which `complete` completes in place.

    `figure` maps a picture's path in the TeX to the picture that a browser shows, `bibliography` a citation key to its number,
    and `symbols` the mark (one private use character) before a symbol in formulas to its name. `defined` then maps a mark to the
    identifier of the row that defines it, and `undefined` has the undefined labels and keys, in order.
    """

    def __init__(
        self, document: Node, figure: Callable[[str], str], bibliography: Mapping[str, int], symbols: Mapping[str, str]
    ) -> None:
        self._document, self._figure, self._bibliography, self._symbols = document, figure, bibliography, symbols
        self._count = {"equation": 0, "table": 0, "figure": 0, "unnumbered": 0}
        self._headings = [0] * _NUMBERED
        self._appendix, self._level = False, 1
        self._last: tuple[int, list[Node]] = 0, []
        self._targets: dict[str, Target] = {}
        self.undefined, self.defined = list[str](), dict[str, str]()

    def complete(self) -> None:
        """Number everything, then resolve references, which may come before their targets."""
        roots = (self._document["meta"], self._document["blocks"])
        for node in [node for root in roots for node in nodes(root)]:
            self._number(node)
        for node in [node for root in roots for node in nodes(root)]:
            if node["t"] == "Link":
                self._resolve(node)
            elif node["t"] == "Cite":
                self._cite(node)
            elif node["t"] == "Math" and node["c"][0]["t"] == "InlineMath" and width(node["c"][1]) > _NARROW:
                inner = dict(node)
                node.clear()
                node.update(span([inner], "formula", *_scrolls("formula")))

    def _number(self, node: Node) -> None:
        kind, content = node["t"], node.get("c")
        if kind == "Math" and content[0]["t"] == "DisplayMath":
            self._equation(node)
        elif kind == "Header":
            self._heading(content)
        elif kind == "Para" and read(content) == APPENDIX:
            self._appendix, self._headings = True, [0] * _NUMBERED
            content.clear()
        elif kind == "Image":
            content[2][0] = self._figure(content[2][0])
            # the alternative text, until a caption gives a better one
            content[1] = [text(f"figure {content[2][0].rpartition('/')[2].rpartition('.')[0]}")]
        elif kind == "Figure":
            self._caption(content[1], "figure", content[0][0])
        elif kind == "Div":
            self._labelled(content)
        elif kind == "Table":
            # The label of a figure, if any, is on the Div around it, which was visited before.
            name = self._caption(content[1], "table", "")
            self._cells(content)
            self._wrap(node, name)
        elif kind == "Span" and content[0][0] in self._targets:
            content[0][0] = ""  # a label after the tabular occurs twice, but an identifier must not
        elif kind == "Span" and (badge := _BADGE.fullmatch(dict(content[0][2]).get("style", ""))):
            content[0] = ["", ["badge", badge[1]], []]

    def _heading(self, content: Node) -> None:
        """Give a heading LaTeX's number and move it one level down, below the title; no level is skipped."""
        level, (label, classes, _), inlines = content
        if level <= _NUMBERED and "unnumbered" not in classes:
            self._headings[level - 1 :] = [self._headings[level - 1] + 1, *[0] * (_NUMBERED - level)]
            first, *rest = self._headings[:level]
            number = ".".join([chr(ord("A") + first - 1) if self._appendix else str(first), *map(str, rest)])
            self._targets[label] = number, "appendix" if self._appendix else "section"
            inlines[:0] = [span([text(number)], "header-section-number"), SPACE]
        if level > _NUMBERED:  # a heading within the text is not listed in the contents
            classes += ["unnumbered", "unlisted", "paragraph"]
        self._last = 0, []
        self._level = content[0] = min(level, self._level) + 1

    def _labelled(self, content: Node) -> None:
        (label, classes, _), blocks = content
        if FOLDED in classes:
            content[1] = _folded(blocks)
            return
        if [block["t"] for block in blocks] == ["Table"] and label:
            self._targets[label] = str(self._count["table"] + 1), "table"
        elif label and classes:
            self._targets[label] = None, classes[0]

    def _caption(self, caption: Node, kind: str, label: str) -> str:
        blocks = caption[1]
        if not blocks:
            self._count["unnumbered"] += 1
            return f"{kind} without a number {self._count['unnumbered']}"
        self._count[kind] += 1
        number = str(self._count[kind])
        if label:
            self._targets[label] = number, kind
        if isinstance(blocks[0].get("c"), list):
            blocks[0]["c"][:0] = [span([text(f"{kind.capitalize()} {number}.")], "caption-label"), SPACE]
        return f"{kind} {number}"

    def _cells(self, content: Node) -> None:
        """Set the scope of each head cell, for screen readers, and read and remove the marks of rows."""
        for body in content[4]:
            self._head(content[3][1], body[3], len(content[2]))
            body[1] = 1 if len(content[2]) > 1 else 0
            for row in body[3]:
                _scope(row[1][: body[1]], "row")
                for node in [node for node in nodes(row[1]) if node["t"] == "Str"]:
                    if node["c"].startswith(RULE):
                        node["c"] = node["c"].removeprefix(RULE)
                        row[0][1] = [*row[0][1], "rule"]
                    if node["c"].startswith(DEFINES):
                        node["c"] = node["c"].removeprefix(DEFINES)
                        self._define(row)

    def _head(self, head: list[Node], rows: list[Node], columns: int) -> None:
        """Move head rows that pandoc left in the body to the head, or copy the head of the table that this one continues."""
        for at, row in enumerate(rows):
            for node in [node for node in nodes(row) if node["t"] == "Str" and node["c"].startswith(BODY)]:
                node["c"] = node["c"].removeprefix(BODY)
                head += rows[:at]
                del rows[:at]
                break
        if not head and self._last[0] == columns:
            head += copy.deepcopy(self._last[1])
        else:
            for row in head:
                _scope(row[1], "col")
        self._last = columns, head

    def _define(self, row: Node) -> None:
        formulas = "".join(node["c"][1] for node in nodes(row[1][0]) if node["t"] == "Math")
        marks = [mark for mark in self._symbols if mark in formulas]
        if marks:
            row[0][0] = f"symbol:{self._symbols[marks[0]]}"
            self.defined |= {mark: row[0][0] for mark in marks if mark not in self.defined}

    @staticmethod
    def _wrap(node: Node, name: str) -> None:
        # The caption is outside the scrolling part, so that a narrow screen shows all of it.
        inner = dict(node)
        caption, inner["c"][1] = inner["c"][1][1], [None, []]
        blocks = []
        if caption:
            blocks = [div(caption, "caption", name=f"caption:{name.replace(' ', '-')}")]
            inner["c"][0][2] = [*inner["c"][0][2], ["aria-labelledby", blocks[0]["c"][0][0]]]
        node.clear()
        node.update(div([*blocks, div([inner], "scroll", *_scrolls(name, "region"))], "table"))

    def _equation(self, node: Node) -> None:
        tex: str = node["c"][1]
        environment = _ENVIRONMENT.fullmatch(tex.strip())
        name, body = (environment[1], environment[2]) if environment else ("", tex)
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
                self._targets[label] = number, "equation"
        plain = _LABEL.sub("", _TAG.sub("", re.sub(r"\\(?:notag|nonumber)\b", "", tex)))
        name = " ".join(["formula", *(f"({number})" for number in numbers if number)])
        parts = [span([{"t": "Math", "c": [node["c"][0], plain]}], "scroll", *_scrolls(name))]
        if any(numbers):
            number_spans = [span(_brackets(number) if number else [], "number") for number in numbers]
            parts.append(span(number_spans, "numbers"))
        parts[:0] = [span([], "label", name=label) for label in labels[1:]]
        node.clear()
        node.update(span(parts, "equation", name=labels[0] if labels else ""))

    def _resolve(self, link: Node) -> None:
        attributes = dict(link["c"][0][2])
        label = attributes.get("reference")
        if label is None:
            return
        number, kind = self._targets.get(label, (None, "section"))
        default_text = link["c"][1][0].get("c", "") if link["c"][1] else ""
        if label not in self._targets and default_text == f"[{label}]":
            self.undefined.append(label)
            return
        style = attributes["reference-type"]
        number = number or default_text
        named = style.startswith("ref+")
        words = _brackets(number) if style == "eqref" or (named and kind == "equation") else _number_nodes(number)
        if named:
            name = kind.capitalize() if style == "ref+Label" else _NAMES.get(kind, kind)
            words = [text(f"{name}\u00a0"), *words]
        link["c"][1] = words

    def _cite(self, node: Node) -> None:
        inlines: list[Node] = [text("[")]
        for position, citation in enumerate(node["c"][0]):
            key = citation["citationId"]
            if key not in self._bibliography:
                self.undefined.append(key)
            number = text(str(self._bibliography.get(key, "?")))
            inlines += [text(", ")] if position else []
            inlines += [{"t": "Link", "c": [["", [], []], [number], [f"#bib:{key}", ""]]}]
            if suffix := citation["citationSuffix"]:
                inlines += [text(", "), *suffix]
        node.clear()
        node.update(span([*inlines, text("]")], "citation"))


def _folded(blocks: list[Node]) -> list[Node]:
    """The blocks folded behind the first one, without a script. Its links move inside, since links do not work in the summary."""
    first, *rest = blocks
    if first["t"] not in ("Para", "Plain"):
        return blocks
    links = [copy.deepcopy(node) for node in nodes(first) if node["t"] == "Link"]
    for node in [node for node in nodes(first) if node["t"] == "Link"]:
        node.update(span(node["c"][1], "linked"))
    if links:
        rest = [{"t": "Para", "c": [text("The statement: "), *links]}, *rest]
    return [raw("<details><summary>"), {"t": "Plain", "c": first["c"]}, raw("</summary>"), *rest, raw("</details>")]


def _number_nodes(number: str) -> list[Node]:
    # The number of a tagged equation is the author's text, which may be a formula.
    is_formula = len(number) > 2 and number[0] == number[-1] == "$"
    return [{"t": "Math", "c": [{"t": "InlineMath"}, number[1:-1]]} if is_formula else text(number)]


def _brackets(number: str) -> list[Node]:
    return [text("("), *_number_nodes(number), text(")")]


def _scrolls(name: str, role: str = "group") -> list[tuple[str, str]]:
    """The attributes of a scrolling box, which make it reachable by keyboard and give it a name."""
    return [("tabindex", "0"), ("role", role), ("aria-label", name)]


def _scope(cells: list[Node], scope: str) -> None:
    for cell in cells:
        if cell[4]:
            cell[0][2] = [*cell[0][2], ["scope", scope + ("group" if max(cell[2:4]) > 1 else "")]]
