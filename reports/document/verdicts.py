"""The filter by verdict: what on a page has a verdict, how many claims have each, and the controls, which need no script.

A verdict is a badge (\\sdbadge in the TeX). A row of a table with one badge has its verdict; in a row with several, each
cell has its own; a paragraph that begins with a badge has it together with the list below it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import final

from sdescent.reports.document.pandoc_nodes import Node, div, nodes, read

_NAME = "data-verdict"  # of a claim
_HELD = "data-verdicts"  # of what holds claims: a table, a row with several, claims with the paragraph that introduces them


@final
@dataclass
class Verdicts:
    """The verdicts of a page.

    Attributes:
        claims: verdict -> the claims that have it; a claim that stands twice, with a link or an identifier that says so, is one.
        badges: verdict -> the style of its badge.
    """

    claims: dict[str, set[str]] = field(default_factory=dict)
    badges: dict[str, str] = field(default_factory=dict)

    def mark(self, root: Node) -> None:
        """Mark in place everything below `root` that has a verdict."""
        self._table_rows(root)
        self._paragraphs(root)

    def controls(self) -> str:
        """The choices, as HTML: one for each verdict, with the number of claims; nothing where there are fewer than two."""
        if len(self.claims) < 2:
            return ""
        total = len(set[str]().union(*self.claims.values()))
        choices = [_choice("all", "all", total, checked=True)]
        for verdict, claims in self.claims.items():
            badge = f'<span class="badge {escape(self.badges[verdict])}">{escape(verdict)}</span>'
            choices.append(_choice(slug(verdict), badge, len(claims)))
        return '<fieldset class="filter" aria-label="Claims by verdict">\n' + "\n".join(choices) + "\n</fieldset>"

    def note(self) -> str:
        """What stands over the page while a choice hides something, as HTML."""
        if not self.controls():
            return ""
        shown = "".join(f'<span class="of-{slug(verdict)}">{escape(verdict)}</span>' for verdict in self.claims)
        back = '<label for="verdict:all">Show all</label>'
        return f'<p class="filtered">Of the claims, only those are shown that are: {shown} {back}</p>'

    def style(self) -> str:
        """The rules of the style sheet by which a choice hides what has another verdict."""
        if not self.controls():
            return ""
        found = []
        for name in map(slug, self.claims):
            chosen, here = rf"body:has(#verdict\:{name}:checked)", f'[{_NAME}="{name}"]'
            without = f'[{_HELD}]:not([{_HELD}~="{name}"])'
            hidden = [f":is(tr, .claim)[{_NAME}]:not({here})", without, f"p:not(.filtered):has(+ .table{without})"]
            found.append(f"{', '.join(f'{chosen} {what}' for what in hidden)} {{ display: none; }}")
            found.append(f"{chosen} td[{_NAME}]:not({here}) > * {{ visibility: hidden; }}")
            found.append(f"{chosen} .filtered {{ display: block; }} {chosen} .filtered .of-{name} {{ display: inline; }}")
        return "\n".join(found)

    def _table_rows(self, root: Node) -> None:
        for box in [node["c"] for node in nodes(root) if node["t"] == "Div" and node["c"][0][1] == ["table"]]:
            bodies = [body for node in nodes(box) if node["t"] == "Table" for body in node["c"][4]]
            in_rows = [self._row(row) for body in bodies for row in body[3]]
            _hold(box, [name for names in in_rows for name in names])

    def _row(self, row: Node) -> list[str]:
        badged = [(cell, badges[0]) for cell in row[1] if (badges := _badges(cell))]
        if len(badged) == 1:
            return [self._note(row, badged[0][1], row)]
        for cell, _ in badged:
            cell[4] = [div(cell[4], "cell")]
        names = [self._note(cell, badge, cell) for cell, badge in badged]
        _hold(row, names)
        return names

    def _paragraphs(self, root: Node) -> None:
        if isinstance(root, dict):
            for value in () if root.get("t") == "Table" else root.values():
                self._paragraphs(value)
        elif isinstance(root, list):
            at = 0
            while at < len(root):
                badge = _leading(root[at])
                if badge is None:
                    self._paragraphs(root[at])
                else:
                    end = at + 1
                    while end < len(root) and root[end]["t"] in ("BulletList", "OrderedList"):
                        end += 1
                    claim = div(root[at:end], "claim")
                    self._note(claim["c"], badge, root[at])
                    root[at:end] = [claim]
                at += 1
            _introduce(root)

    def _note(self, marked: Node, badge: Node, claim: Node) -> str:
        verdict = read(badge)
        marked[0][2] = [*marked[0][2], [_NAME, slug(verdict)]]
        claims = self.claims.setdefault(verdict, set())
        claims.add(_identity(claim) or f"{len(claims)} of {verdict}")
        self.badges[verdict] = badge["c"][0][1][1]
        return slug(verdict)


def _hold(box: Node, names: list[str]) -> None:
    if names:
        box[0][2] = [*box[0][2], [_HELD, " ".join(dict.fromkeys(names))]]


def _introduce(blocks: list[Node]) -> None:
    """Claims in a row as one with the paragraph before them, which goes where all of them go."""
    end = 0
    for at in reversed(range(len(blocks))):
        if _verdict(blocks[at]):
            end = end or at + 1
            continue
        if end and blocks[at]["t"] == "Para":
            group = div(blocks[at:end], "claims")
            _hold(group["c"], [_verdict(claim) for claim in blocks[at + 1 : end]])
            blocks[at:end] = [group]
        end = 0


def _verdict(block: Node) -> str:
    is_div = isinstance(block, dict) and block.get("t") == "Div"
    return dict(block["c"][0][2]).get(_NAME, "") if is_div else ""


def slug(verdict: str) -> str:
    """A verdict as part of an identifier."""
    return re.sub(r"[^a-z0-9]+", "-", verdict.lower()).strip("-")


def _choice(name: str, shown: str, count: int, *, checked: bool = False) -> str:
    mark = " checked" if checked else ""
    radio = f'<input type="radio" name="verdict" id="verdict:{name}"{mark}>'
    return f'<label for="verdict:{name}">{radio} {shown} <span class="count">{count}</span></label>'


def _badges(root: Node) -> list[Node]:
    return [node for node in nodes(root) if node["t"] == "Span" and node["c"][0][1][:1] == ["badge"]]


def _leading(block: Node) -> Node | None:
    """The badge that a paragraph begins with, after nothing but its identifier."""
    if not isinstance(block, dict) or block.get("t") not in ("Para", "Plain"):
        return None
    for node in block["c"]:
        if node["t"] == "Span" and not node["c"][1]:
            continue
        inner = node["c"][1] if node["t"] == "Link" else [node]
        return next(iter(_badges(inner)), None) if len(inner) == 1 else None
    return None


def _identity(claim: Node) -> str:
    """What a claim is called: where its badge leads, or its own identifier."""
    for node in nodes(claim):
        if node["t"] == "Link" and _badges(node):
            return node["c"][2][0].removeprefix("#")
        if node["t"] == "Span" and node["c"][0][0]:
            return node["c"][0][0]
    return ""
