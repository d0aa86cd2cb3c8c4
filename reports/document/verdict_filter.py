"""The filter by verdict: it marks the parts of a page that have a verdict and counts the claims, for controls without a script.

A verdict is a badge (\\sdbadge in the TeX). A table row with one badge has the verdict of that badge; in a row with several, each
badge gives the verdict of its cell; a badge that begins a paragraph gives the verdict of the paragraph and the list below it.
"""

import re
from dataclasses import dataclass, field
from typing import Any, final

from sdescent.reports.document.pandoc_tree import Node, div, nodes, read

#: the attribute of a claim, and that of a part with claims: a table, a row with several, or claims with the paragraph before them
_NAME, _HELD = "data-verdict", "data-verdicts"


@final
@dataclass
class Verdicts:
    """The verdicts of a page: their claims, once each if a link or an identifier identifies them, and their badges' styles."""

    claims: dict[str, set[str]] = field(default_factory=dict)
    badges: dict[str, str] = field(default_factory=dict)

    def mark(self, root: Node) -> None:
        """Mark in place everything below `root` that has a verdict."""
        for box in [node["c"] for node in nodes(root) if node["t"] == "Div" and node["c"][0][1] == ["table"]]:
            bodies = [body for node in nodes(box) if node["t"] == "Table" for body in node["c"][4]]
            _hold(box, [name for body in bodies for row in body[3] for name in self._row(row)])
        self._paragraphs(root)

    def listed(self) -> dict[str, Node]:
        """The verdicts that page.html offers for choice, as pandoc metadata; {} if there are fewer than two."""
        if len(self.claims) < 2:
            return {}
        listed = [
            {"slug": slug(verdict), "badge": self.badges[verdict], "word": verdict, "count": str(len(claims))}
            for verdict, claims in self.claims.items()
        ]
        return {"verdicts": _meta(listed), "claims": _meta(str(len(set[str]().union(*self.claims.values()))))}

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
    """Group consecutive claims with the paragraph before them, so that it is hidden if all of them are."""
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
    """The form of a verdict in identifiers: lower case, with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", verdict.lower()).strip("-")


def _meta(value: Any) -> Node:
    """The pandoc metadata of a list, mapping or text."""
    if isinstance(value, str):
        return {"t": "MetaString", "c": value}
    if isinstance(value, list):
        return {"t": "MetaList", "c": [_meta(item) for item in value]}
    return {"t": "MetaMap", "c": {key: _meta(item) for key, item in value.items()}}


def _badges(root: Node) -> list[Node]:
    return [node for node in nodes(root) if node["t"] == "Span" and node["c"][0][1][:1] == ["badge"]]


def _leading(block: Node) -> Node | None:
    """The badge with which a paragraph begins, apart from its identifier; None if there is none."""
    if not isinstance(block, dict) or block.get("t") not in ("Para", "Plain"):
        return None
    for node in block["c"]:
        if node["t"] == "Span" and not node["c"][1]:
            continue
        inner = node["c"][1] if node["t"] == "Link" else [node]
        return next(iter(_badges(inner)), None) if len(inner) == 1 else None
    return None


def _identity(claim: Node) -> str:
    """The identifier of a claim: the target of its badge, or its own."""
    for node in nodes(claim):
        if node["t"] == "Link" and _badges(node):
            return node["c"][2][0].removeprefix("#")
        if node["t"] == "Span" and node["c"][0][0]:
            return node["c"][0][0]
    return ""
