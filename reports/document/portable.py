r"""Changes that make a part fit into any paper, with other folders, narrower lines, or macros of any shape.

A part finds the files of the report under \sdRoot, which a paper defines if the report is in another folder
(\newcommand{\sdRoot}{report/}). Tables and figures that are wider than a line are scaled down to its width.
"""

import re

from sdescent.reports.document.pandoc_tree import DEFINES

#: Greek letters of formulas that were written without the notation -> the symbols that they stand for
_GREEK = {r"\eta": "eta", r"\lambda": "lambda", r"\sigma": "sigma", r"\nu": "nu", r"\alpha": "alpha"}

#: definitions at the head of parts/macros.tex: links, which are plain text without hyperref; the steps of a proof, which fold on
#: the page; the mark of a row that defines a symbol; and the box that scales its contents to a line (with \makebox, since rounding
#: leaves them a little too wide, and TeX would then start a new line and separate them from their heading)
FITTING = r"""\providecommand{\sdRoot}{}
\ifdefined\sdbox\else\newsavebox{\sdbox}\fi
\providecommand{\href}[2]{#2}\providecommand{\hypertarget}[2]{#2}\providecommand{\hyperlink}[2]{#2}
\providecommand{\sdafterfront}{}\providecommand{\sdbadge}[2]{\textbf{#2}}\providecommand{\sddefines}{}
\ifcsname sdproof\endcsname\else\newenvironment{sdproof}{}{}\fi
\ifcsname sdfit\endcsname\else\newenvironment{sdfit}{\begin{lrbox}{\sdbox}}{\end{lrbox}%
\ifdim\wd\sdbox>\linewidth\makebox[\linewidth]{\resizebox{\linewidth}{!}{\usebox{\sdbox}}}\else\usebox{\sdbox}\fi}\fi
"""


def with_macros(part: str) -> str:
    r"""The part with Greek letters as macros that a paper may redefine: \eta becomes \sdEta; \sigma_1, another symbol, stays."""
    from sdescent.reports.document.notation import macro

    for letter, name in _GREEK.items():
        part = re.sub(re.escape(letter) + r"(?![A-Za-z_])", lambda _, name=name: macro(name), part)
    return part


def portable(part: str) -> str:
    r"""The portable form of a part, as it is stored: files below \sdRoot, tables and figures that fit, macros in braces.

    \sdX_j becomes {\sdX}_j, so that a macro may have an index of its own.
    """
    part = re.sub(r"(\\sd[A-Z][A-Za-z]*)\s*(?=_)", r"{\1}", part)
    part = part.replace(r"\input{parts/macros}", r"\providecommand{\sdRoot}{}" "\n" r"\input{\sdRoot parts/macros}", 1)
    part = re.sub(r"\\includegraphics(\[[^\]]*\])?\{figures/", r"\\includegraphics\1{\\sdRoot figures/", part)
    part = part.replace(r"\href{certificates/", r"\href{\sdRoot certificates/")
    part = re.sub(r"(\\includegraphics(?:\[[^\]]*\])?\{[^{}]*\})", r"\\begin{sdfit}\1\\end{sdfit}", part)
    return re.sub(r"(\\begin\{tabular\}.*?\\end\{tabular\})", r"\\begin{sdfit}\1\\end{sdfit}", part, flags=re.DOTALL)


def plain(text: str) -> str:
    r"""The text for pandoc, which knows no boxes: without the additions of `portable` and the commands that are only for paper.

    A line that begins with %<page> is for pandoc alone.
    """
    text = re.sub(r"^%<pdf>\n.*?^%</pdf>\n", "", text, flags=re.DOTALL | re.MULTILINE)
    # pandoc knows colours, and `sdescent.reports.document.pandoc_tree` turns them into classes
    text = re.sub(r"\\sdbadge\{(\w+)\}\{([^{}]*)\}", r"\\colorbox{\1}{\\textbf{\2}}", text)
    text = re.sub(r"^%<page> ", "", text.replace(r"\sddefines ", DEFINES), flags=re.MULTILINE)
    text = text.replace(FITTING, "").replace("\\sdafterfront\n", "").replace(r"\providecommand{\sdRoot}{}" "\n", "")
    return text.replace(r"\sdRoot ", "").replace(r"\begin{sdfit}", "").replace(r"\end{sdfit}", "")
