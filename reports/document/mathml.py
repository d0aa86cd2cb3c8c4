"""Changes to pandoc's MathML for browsers: accents that stretch, symbols that link to their definitions, and formulas as
plain text.
"""

import re
from collections.abc import Mapping
from html import escape
from xml.etree import ElementTree

#: bars over letters (macron, overline), and other accents that grow with the letters below: hats, tildes, arrows
_BARS, _GROWING = "\u00af\u203e", "\u0302\u0303\u02c6\u02dc^~\u2192\u20d7"
_OVER = re.compile(r'(<mover>|<mo accent="true">[^<]+</mo></mover>|</mover>)')
_MARK = re.compile(r"&#(\d+);|([\ue100-\uf8ff])")
_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_SUPERSCRIPTS = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-−ijkn", "₀₁₂₃₄₅₆₇₈₉₊₋₋ᵢⱼₖₙ")
_SPACED = frozenset("=<>≤≥≈≠→∈+−")


def stretched(page: str) -> str:
    """The page with bars, hats and arrows as wide as their base; a bar is drawn as a line, which needs no font."""
    tokens: list[str] = []
    open_at: list[int] = []
    for token in _OVER.split(page):
        if token == "<mover>":
            open_at.append(len(tokens))
        elif token.endswith("</mover>"):
            start, accent = open_at.pop(), token[len('<mo accent="true">') : -len("</mo></mover>")]
            if accent and accent in _BARS:
                tokens[start] = '<mover accent="true" class="bar">'
                token = '<mo stretchy="true">\u203e</mo></mover>'
            elif accent:
                tokens[start] = '<mover accent="true">'
                token = f'<mo stretchy="{str(accent in _GROWING).lower()}">{accent}</mo></mover>'
        tokens.append(token)
    return "".join(tokens)


def marked(page: str, defined: Mapping[str, str]) -> str:
    """The page with each symbol's mark (see `reports/document/pandoc_tree.py`) turned into an attribute naming its definition."""

    def name(mark: re.Match[str]) -> str:
        row = defined.get(chr(int(mark[1])) if mark[1] else mark[2])
        return f'<mrow data-symbol="{escape(row)}">' if row else "<mrow>"

    page = re.sub(rf"<mrow><mi>(?:{_MARK.pattern})</mi>", name, page)
    return _MARK.sub(lambda mark: mark[0] if mark[1] and not 0xE100 <= int(mark[1]) <= 0xF8FF else "", page)


def read_aloud(fragment: str) -> str:
    """The text of a page's fragment on one line, with formulas as plain characters. Control characters are dropped.

    Raises:
        xml.etree.ElementTree.ParseError: the fragment, without control characters, is not well formed.
    """
    fragment = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", fragment)
    words = " ".join(_text(ElementTree.fromstring(f"<p>{fragment}</p>")).split())
    return re.sub(r" (?=[,.;:)])", "", words)


def _text(node: ElementTree.Element) -> str:
    kind, parts = node.tag.removeprefix(_MATHML), [_text(child) for child in node]
    if kind == "annotation":
        return ""
    if kind in ("msub", "munder"):
        return parts[0] + _raised(parts[1], _SUBSCRIPTS, " sub ")
    if kind in ("msup", "mover") and node.get("accent") != "true":
        return parts[0] + _raised(parts[1], _SUPERSCRIPTS, " to the ")
    if kind in ("msubsup", "munderover"):
        return parts[0] + _raised(parts[1], _SUBSCRIPTS, " sub ") + _raised(parts[2], _SUPERSCRIPTS, " to the ")
    if kind == "mover":
        return parts[0]
    if kind == "mfrac":
        return "/".join(part if len(part) == 1 or part.isalnum() else f"({part.strip()})" for part in parts)
    if kind in ("msqrt", "mroot"):
        return f"√({parts[0].strip()})"
    words = (node.text or "").replace("\u2061", "") if kind != "math" else ""
    if kind == "mo" and words in _SPACED:
        return f" {words} "
    if kind == "mrow" and len(parts) > 1 and parts[0].strip() in ("+", "−"):
        parts[0] = parts[0].strip()
    if kind in ("mtd", "mtr", "mspace"):
        words += " "
    return words + "".join(part + (child.tail or "") for child, part in zip(node, parts, strict=True))


def _raised(script: str, characters: dict[int, int], words: str) -> str:
    if script in ("*", "′"):
        return script
    raised = script.strip().translate(characters)
    return raised if all(ord(char) in characters.values() for char in raised) else f"{words}{script.strip()} "
