r"""Changes that make a part fit into any paper, with other folders, narrower lines, two columns, or macros of any shape.

A part finds the files of the report under \sdRoot, which a paper defines if the report is in another folder
(\newcommand{\sdRoot}{report/}). Tables and figures that are wider than a line are scaled down to its width, formulas break. A
reference to another part is a number where the document has that part, and words elsewhere.
"""

import re
from collections.abc import Mapping

from sdescent.derive.printing.width import width
from sdescent.reports.document.pandoc_tree import DEFINES
from sdescent.reports.document.tex import TEMPLATES

#: letters of formulas that were written without the notation: their pattern in TeX -> the symbol that they stand for
_LETTERS = {
    **{rf"\\{name}(?![A-Za-z_])": name for name in ("eta", "lambda", "sigma", "nu", "alpha")},
    r"(?<![A-Za-z_\\])C(?=_\{?j|\(\\sd|\\mid)": "compressor",
    r"(?<![A-Za-z_\\])F(?='|_\{?[^{1]|(?:\\left)?\(\\sd)": "distribution",
    r"(?<![A-Za-z_\\])R(?=_\{?[0-9m])": "signmoment",
    r"(?<![A-Za-z_\\])U(?=_\{?i)": "message",
    r"(?<![A-Za-z_\\])B(?=\\,\\mathrm|B\^)|(?<=[^A-Za-z]B)B(?=\^)": "diffusion",
}

#: definitions at the head of parts/macros.tex, and what stands there for pandoc, which knows neither boxes nor columns
FITTING = (TEMPLATES / "fitting.tex").read_text(encoding="utf-8")
_ON_THE_PAGE = r"""\providecommand{\sdref}[3]{#1\ref{#2}}\providecommand{\sdatom}[1]{#1}\providecommand{\sdbreak}{}
"""
_REFERENCE = re.compile(r"(?:\b([A-Za-z]+)~)?\\ref\{([^{}]*)\}")
#: what `portable` writes for paper, and what `plain` writes for pandoc: pattern -> replacement, in order
_FOR_PAPER = {
    r"(\\sd[A-Z][A-Za-z]*)\s*(?=_)": r"{\1}",
    r"\\(includegraphics(?:\[[^\]]*\])?)\{figures/([^{}]*)\}": r"\\begin{sdfit}\\\1{\\sdRoot figures/\2}\\end{sdfit}",
    r"\\href\{certificates/": r"\\href{\\sdRoot certificates/",
    r"\\hyper(link|target)\{": r"\\sd\1{",
    r"\\(begin|end)\{(table|figure)\}": r"\\\1{sd\2}",
    r"(?s)(\\begin\{tabular\}.*?\\end\{tabular\})": r"\\begin{sdfit}\1\\end{sdfit}",
    r"(?s)(?<!\\)\\\[(.*?)\\\]": r"\\begin{sddisplay}{equation*}\1\\end{sddisplay}",
    r"(?s)\\begin\{((?:align|gather)\*)\}(.*?)\\end\{\1\}": r"\\begin{sddisplay}{\1}\2\\end{sddisplay}",
}
_FOR_PANDOC = {
    r"(?ms)^%<pdf>\n.*?^%</pdf>\n": "",
    # pandoc knows colours, and `sdescent.reports.document.pandoc_tree` turns them into classes
    r"\\sdbadge\{(\w+)\}\{([^{}]*)\}": r"\\colorbox{\1}{\\textbf{\2}}",
    r"\\sddefines ": DEFINES,
    r"(?m)^%<page> ": "",
    r"(?m)^\\providecommand\{\\sdRoot\}\{\}\n|^\\sd(?:begin|end|wide|afterfront)\n": "",
    r"\\sd(link|target)\{": r"\\hyper\1{",
    r"\\(begin|end)\{sd(table|figure)\}": r"\\\1{\2}",
    r"(?s)\\begin\{sddisplay\}\{([a-z]+\*)\}(.*?)\\end\{sddisplay\}": r"\\begin{\1}\2\\end{\1}",
    r"\\sdRoot |\\(?:begin|end)\{sdfit\}": "",
}


def with_macros(part: str) -> str:
    r"""The part with letters as macros that a paper may redefine: \eta becomes \sdEta; \sigma_1, another symbol, stays."""
    from sdescent.reports.document.notation import macro

    for letter, name in _LETTERS.items():
        part = re.sub(letter, lambda _, name=name: macro(name), part)
    return part


def labels(part: str) -> frozenset[str]:
    """The labels that a part defines, and the names of the places in it to which links lead."""
    return frozenset(re.findall(r"\\(?:label|hypertarget|sdtarget)\{([^{}]*)\}", part))


def portable(part: str, owners: Mapping[str, str] | None = None, wide: bool = False) -> str:
    r"""The portable form of a part, as it is stored: files below \sdRoot, tables, figures and formulas that fit, macros in braces.

    \sdX_j becomes {\sdX}_j, so that a macro may have an index of its own. `owners` maps labels of other parts to the titles of
    their sections; `wide` says that the part needs the width of the page; one with long tables does anyway.
    """
    mine = labels(part)
    part, comment = _with_words(part, {label: title for label, title in (owners or {}).items() if label not in mine})
    for pattern, replacement in _FOR_PAPER.items():
        part = re.sub(pattern, replacement, part)
    first, *rest = breakable(part).split(r"\input{parts/macros}" "\n")
    begins = r"\providecommand{\sdRoot}{}" "\n" r"\input{\sdRoot parts/macros}" "\n" r"\sdbegin" "\n"
    begins += r"\sdwide" "\n" if wide or r"\begin{longtable}" in part else ""
    return comment + first + begins + "".join(rest).rstrip("\n") + "\n" r"\sdend" "\n"


def _with_words(part: str, owners: Mapping[str, str]) -> tuple[str, str]:
    """The part whose references to other parts have words, and a comment that lists these references."""
    listed: dict[str, str] = {}

    def reference(match: re.Match[str]) -> str:
        kind, label = match[1] or "", match[2]
        if label not in owners:
            return match[0]
        listed[label] = f"{label} ({owners[label]})"
        section = f"the section ``{owners[label]}'' of the full report"
        words = section if kind.lower() in ("", "section") else f"the {kind.lower()} in {section}"
        if kind[:1].isupper() and re.search(r"(?:\.|\n\n|macros\}|^)\s*$", part[: match.start()]):
            words = words[0].upper() + words[1:]
        return rf"\sdref{{{kind}{'~' if kind else ''}}}{{{label}}}{{{words}}}"

    part = _REFERENCE.sub(reference, part)
    return part, f"% Refers to other parts: {'; '.join(listed.values())}.\n" if listed else ""


def plain(text: str) -> str:
    r"""The text for pandoc, without boxes and commands only for paper; a line that begins with %<page> is for pandoc alone."""
    text = text.replace(FITTING, _ON_THE_PAGE)
    for pattern, replacement in _FOR_PANDOC.items():
        text = re.sub(pattern, replacement, text)
    return text


# --- formulas that may break over lines: brackets of \left and \right hold their contents together, and large brackets do not ---

#: brackets with more characters between them may break inside; a formula with more may break at a product, and a fraction with more
#: is scaled down where the line is shorter
ROOMY, WIDE = 14, 34
_MATHS = re.compile(r"(?<!\\)\$((?:[^$\\]|\\.)+)\$", re.DOTALL)
_DELIMITER = r"\s*(\\[A-Za-z]+|\\.|[^.\s])"
_TOKEN = re.compile(
    r"\\(?:left|right)(?![a-z])\s*(?:\\[A-Za-z]+|\\.|\S)|\\(?:begin|end)\{[a-z]+\*?\}|\\[A-Za-z]+|\\.|.", re.DOTALL
)
_OPENS, _CLOSES = re.compile(r"\\left(?![a-z])|\\begin\{|\{"), re.compile(r"\\right(?![a-z])|\\end\{|\}")


def breakable(part: str) -> str:
    """The part with formulas in the text that may break inside wide brackets; displayed formulas stay as they are."""
    return _MATHS.sub(lambda formula: f"${loose(formula[1])}$", part)


def loose(tex: str) -> str:
    r"""A formula in which wide outer pairs \left( .. \right) are \Bigl( .. \Bigr), and wide outer fractions are atoms (\sdatom)."""
    pieces, wide, written = _pieces(tex), width(tex) > WIDE, ""
    while pieces:
        piece = pieces.pop(0)
        if piece == r"\frac":
            piece += _argument(pieces) + _argument(pieces)
            piece = rf"\sdatom{{{piece}}}" if width(piece) > WIDE else piece
        elif piece == r"\," and wide:
            piece = r"\,\sdbreak "
        written += _opened(piece) if piece.startswith(r"\left") else piece
    return written


def _pieces(tex: str) -> list[str]:
    """The tokens outside all brackets; a pair of brackets, a group or an environment is one piece."""
    pieces, depth = [], 0
    for token in _TOKEN.findall(tex):
        if depth:
            pieces[-1] += token
        else:
            pieces.append(token)
        depth += bool(_OPENS.match(token)) - bool(_CLOSES.match(token))
    return pieces


def _argument(pieces: list[str]) -> str:
    argument = pieces.pop(0) if pieces else ""
    return argument + _argument(pieces) if argument.isspace() else argument


def _opened(pair: str) -> str:
    parts = re.fullmatch(rf"\\left{_DELIMITER}(.*)\\right{_DELIMITER}", pair, re.DOTALL)
    if parts is None or width(parts[2]) <= ROOMY:
        return pair
    size = "Big" if re.search(r"\\frac|\\sum|\\int|\\left|\^", parts[2]) else "big"
    return rf"\{size}l{parts[1]}{loose(parts[2])}\{size}r{parts[3]}"
