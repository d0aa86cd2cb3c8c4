"""Conversion of TeX into one HTML page through pandoc, with MathML for browsers and the same content as the PDF."""

import base64
import hashlib
import itertools
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape, unescape
from pathlib import Path
from typing import final
from urllib.parse import unquote
from xml.etree import ElementTree

from sdescent.reports.document.pandoc_tree import APPENDIX, BODY, RULE, Node, Tree, nodes, raw, read
from sdescent.reports.document.pdf import Absent
from sdescent.reports.document.plain_text import plain as plain_text
from sdescent.reports.document.portable import plain
from sdescent.reports.document.verdict_filter import Verdicts
from sdescent.reports.store.files import one_line, write_atomic

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
    """The text of a page's fragment (ParseError if malformed) on one line, with formulas as plain characters, no controls."""
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


PAGE = Path(__file__).parent / "templates" / "page.html"
SCRIPTS = PAGE.with_suffix(".js"), PAGE.with_name("tools.js")
INSTALL_HINT = "pip install 'sdescent[html]'"

_INPUT = re.compile(r"^((?:[^%\n\\]|\\.)*?)\\input\{([^{}]*)\}", re.MULTILINE)
_MAX_DEPTH = 10
_FIRST_MARK = 0xE100  # in the private use area, after the marks of `sdescent.reports.document.pandoc_tree`
#: the pictures that a browser shows, in order of preference, with their media types
_TWINS = {".svg": "image/svg+xml;charset=utf-8", ".png": "image/png", ".jpg": "image/jpeg"}
#: characters of an SVG picture that a URL in an attribute has in another form
_IN_URL = str.maketrans({"\n": " ", **{char: f"%{ord(char):02X}" for char in '%#"&<>'}})
# Commands that pandoc may leave out: layout, and features that the page provides in another way.
_LAYOUT = r"""
    \maketitle \tableofcontents \centering \raggedright \noindent \vspace \hspace \vfill \newpage \clearpage
    \pagebreak \begin \end \IfFileExists \allowdisplaybreaks \setlength \addtolength \bibliographystyle
    \newgeometry \restoregeometry \LTpre \LTpost \arraystretch \hypersetup
    \small \footnotesize \scriptsize \normalsize \large \pagestyle \thispagestyle \emergencystretch \sloppy
    \frenchspacing \smallskip \medskip \bigskip \geometry \numberwithin \theoremstyle \captionsetup \graphicspath
    \phantomsection \definecolor \FloatBarrier \addcontentsline \microtypesetup \setcounter \addtocounter
    \renewcommand \linespread \makeatletter \makeatother
    \urlstyle \qedhere \par \protect \pdfstringdefDisableCommands
"""


@final
@dataclass(frozen=True)
class HtmlResult:
    """A page (None if pandoc failed), and a warning for each formula, command, reference or figure that it lacks beside the PDF."""

    html: Path | None
    warnings: tuple[str, ...]


def pandoc_path() -> str | None:
    """The path of the pandoc binary of the `html` extra, or None if it is not installed."""
    try:
        import pypandoc

        return pypandoc.get_pandoc_path()
    except (ImportError, OSError):
        return None


def tex_to_html(
    main: str | Path, *, extra: tuple[str, str] | None = None, timeout: float = 120.0
) -> HtmlResult | Absent:
    r"""Convert the LaTeX file `main` into one HTML page next to it, which contains its pictures and loads nothing.

    `extra` is the heading (text) and the contents (HTML) of a section without a number that only the page has, before the first
    with one; `timeout` holds for each of pandoc's two runs. Raises OSError, and ValueError for an `\input` outside the folder or
    nested too deeply.
    """
    source = Path(main)
    target = source.with_suffix(".html")
    pandoc = pandoc_path()
    if pandoc is None:
        return Absent(f"{one_line(target.name)} was not made: pandoc was not found ({INSTALL_HINT})")
    warnings: list[str] = []
    text = flatten(source)
    if re.search(r"\\newtheorem\{\w+\}\{[^{}]*\}\[", text):
        warnings.append("theorems are numbered by section in the PDF and through the document on the page")
    text, symbols = _marked_symbols(_marked_rules(text))
    text, bibliography = _bibliography(re.sub(r"\\appendix(?![A-Za-z])", f"\n\n{APPENDIX}\n\n", text))
    page: str | None = None
    try:
        tree, complaints = _pandoc(pandoc, ["--from=latex", "--to=json", "--verbose"], text, timeout)
        warnings += complaints
        document = json.loads(tree)
        pictures: dict[str, str] = {}
        twin = partial(_twin, source.parent, warnings, pictures)
        completed = Tree(document, twin, bibliography, symbols)
        completed.complete()
        if sentence := _first_sentence(document["blocks"]):
            # escaped here, since pandoc leaves quotation marks as they are
            inline = {"t": "RawInline", "c": ["html", escape(sentence)]}
            document["meta"]["description"] = {"t": "MetaInlines", "c": [inline]}
        if extra is not None:
            _insert(document["blocks"], *extra)
        verdicts = Verdicts()
        verdicts.mark(document["blocks"])
        document["meta"] |= verdicts.listed()
        warnings += [f"nothing defines the label {one_line(label)}" for label in completed.undefined]
        options = ["--from=json", "--to=html5", "--mathml", "--standalone", "--toc", "--toc-depth=3", "--wrap=preserve"]
        page, complaints = _pandoc(pandoc, [*options, f"--template={PAGE}"], json.dumps(document), timeout)
        warnings += complaints
        page = _finished(page, completed.defined, pictures)
    except subprocess.TimeoutExpired:
        warnings.append(f"pandoc did not finish within {timeout:g} s")
    except subprocess.CalledProcessError as error:
        warnings.append(f"pandoc failed: {one_line(error.stderr.strip())}")
    if page is not None:
        write_atomic(target, page)
    return HtmlResult(target if page is not None else None, tuple(dict.fromkeys(warnings)))


def flatten(source: Path, root: Path | None = None, depth: int = 0) -> str:
    r"""The text of `source` with each `\input{...}` replaced by its file, in or below the folder of `source`.

    `root` and `depth` are the folder of the first file, and the number of files between. Raises OSError, and ValueError if an
    input leads out of the folder (also through a link), or is nested more than ten deep.
    """
    folder = source.parent.resolve() if root is None else root
    if depth > _MAX_DEPTH:
        raise ValueError(f"\\input goes more than {_MAX_DEPTH} files deep at {one_line(source.name)}")

    def put(match: re.Match[str]) -> str:
        name = match[2] if match[2].endswith(".tex") else f"{match[2]}.tex"
        inner = (folder / name).resolve()
        if not inner.is_relative_to(folder):
            raise ValueError(f"\\input{{{one_line(match[2])}}} leads out of the folder of the document")
        return match[1] + flatten(inner, folder, depth + 1)

    text, count = plain(source.read_text(encoding="utf-8")), 1
    while count:  # a line may contain several inputs
        text, count = _INPUT.subn(put, text)
    return text


def _first_sentence(blocks: list[Node]) -> str:
    """On one line of plain text, the first numbered sentence before the first heading, else of the first paragraph, else ""."""
    begin = list(itertools.takewhile(lambda block: block["t"] != "Header", blocks))
    numbered = next((node for node in nodes(begin) if node["t"] == "OrderedList"), None)
    for block in nodes(blocks if numbered is None else numbered):
        if block["t"] in ("Para", "Plain") and (words := read(block["c"], plain_text)):
            return re.split(r"(?<=[.!?]) (?=[A-Z])", words)[0]
    return ""


def _insert(blocks: list[Node], title: str, contents: str) -> None:
    numbered = (n for n, block in enumerate(blocks) if block["t"] == "Header" and "unnumbered" not in block["c"][1][1])
    heading = {"t": "Header", "c": [2, ["page:extra", ["unnumbered"], []], [{"t": "Str", "c": title}]]}
    at = next(numbered, len(blocks))
    blocks[at:at] = [heading, raw(contents)]


def _finished(page: str, defined: dict[str, str], pictures: dict[str, str]) -> str:
    """Pandoc's page with additions: accents that stretch, links from symbols and at headings, pictures, their texts, the script."""
    page = marked(stretched(page), defined)
    page = re.sub(r"</math></span>([.,;:)\]]+)", r"</math>\1</span>", page)  # a formula's punctuation begins no line
    page = re.sub(r"<figure.*?</figure>", _with_alternative, page, flags=re.DOTALL)
    page = re.sub(
        r'(<img [^>]*?\bsrc=")([^"]*)',
        lambda image: image[1] + pictures.get(unquote(unescape(image[2])), image[2]),
        page,
    )
    page = re.sub(r'<h([2-5])\b[^>]*\bid="([^"]+)"[^>]*>(.*?)(?=</h\1>)', _with_link, page, flags=re.DOTALL)
    contents = re.search(r"<nav.*?</nav>", page, re.DOTALL)
    if contents:  # the targets of a heading stay at the heading, not in the contents
        page = page.replace(contents[0], re.sub(r'<span id="[^"]*"></span>', "", contents[0]), 1)
    page = re.sub(r"<th( [^>]*)?></th>", r"<td\1></td>", page)  # an empty cell is not a heading
    script = "".join(file.read_text(encoding="utf-8") for file in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = page.replace("script-src 'none'", f"script-src 'sha256-{digest}'", 1)
    # in the head, so that the reader's theme is there before the text
    return page.replace("</head>", f"<script>{script}</script>\n</head>", 1)


def _with_link(heading: re.Match[str]) -> str:
    """A heading with a link to itself, which the style sheet shows where the pointer or the keyboard is."""
    return f'{heading[0]} <a class="anchor" href="#{heading[2]}" aria-label="Link to {escape(read_aloud(heading[3]))}"></a>'


def _with_alternative(figure: re.Match[str]) -> str:
    """The figure with alternative texts: the caption's first sentence, and the sentences that begin with "What to see"."""
    pattern = r"<figcaption>(?:<span class=\"caption-label\">[^<]*</span>)?(.*?)</figcaption>"
    caption = re.search(pattern, figure[0], re.DOTALL)
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", read_aloud(caption[1]) if caption else "")
    spoken = [sentences[0], *(sentence for sentence in sentences[1:] if sentence.startswith("What to see"))]
    alternative = escape(" ".join(spoken), quote=True)
    return re.sub(r'(?<= )alt="[^"]*"', lambda _: f'alt="{alternative}"', figure[0]) if spoken[0] else figure[0]


def _marked_symbols(text: str) -> tuple[str, dict[str, str]]:
    r"""The text with a mark of its own before each symbol that is a macro (\sdEta, by a \providecommand), and each mark's name."""
    names: dict[str, str] = {}

    def mark(definition: re.Match[str]) -> str:
        sign = chr(_FIRST_MARK + len(names))
        names[sign] = definition[1]
        return rf"\providecommand{{\{definition[1]}}}{{{{{sign}{definition[2]}}}}}"

    return re.sub(r"^\\providecommand\{\\(sd[A-Z]\w*)\}\{(.+)\}$", mark, text, flags=re.MULTILINE), names


def _marked_rules(text: str) -> str:
    r"""The text with a mark in the first cell after each rule of a table: pandoc reads \midrule only below a one-row head."""

    def mark(table: re.Match[str]) -> str:
        head, rule, body = table[0].partition(r"\midrule")
        below = BODY if r"\\" in head else ""
        return head + rule + "\n" + below + re.sub(r"\\midrule\s*", lambda rule: rule[0] + RULE, body).lstrip()

    return re.sub(r"\\begin\{tabular\}.*?\\end\{tabular\}", mark, text, flags=re.DOTALL)


def _bibliography(text: str) -> tuple[str, dict[str, int]]:
    """The text with thebibliography as a section with a numbered list of targets, and the number of each citation key."""
    keys = re.findall(r"\\bibitem\{([^{}]*)\}", text)
    text = re.sub(r"\\begin\{thebibliography\}\{[^{}]*\}", r"\\section*{References}\\begin{enumerate}", text)
    text = text.replace(r"\end{thebibliography}", r"\end{enumerate}")
    text = re.sub(r"\\bibitem\{([^{}]*)\}", r"\\item \\hypertarget{bib:\1}{}", text)
    return text, {key: number for number, key in enumerate(keys, 1)}


def _pandoc(pandoc: str, options: Sequence[str], text: str, timeout: float) -> tuple[str, list[str]]:
    # Pandoc gets an empty folder and a memory limit, since it expands macros, which a document may define recursively.
    with tempfile.TemporaryDirectory(prefix="sdescent-html-") as folder:
        done = subprocess.run(
            [pandoc, *options, "--sandbox", f"--data-dir={folder}", "+RTS", "-M2g", "-RTS"],
            input=text, capture_output=True, encoding="utf-8", cwd=folder, timeout=timeout, check=True,
        )  # fmt: skip
    return done.stdout, _complaints(done.stderr)


def _complaints(log: str) -> list[str]:
    complaints = []
    for message in re.split(r"^(?=\[(?:INFO|WARNING)\])", log, flags=re.MULTILINE):
        if message.startswith("[WARNING]"):
            complaints.append(one_line(" ".join(message.removeprefix("[WARNING]").split())))
            continue
        skipped = re.match(r"\[INFO\] Skipped '(\\[A-Za-z]+|[^']*)(.*?)'? at ", message, flags=re.DOTALL)
        if skipped and skipped[1] not in _LAYOUT.split():
            complaints.append(f"left out on the page: {one_line(skipped[1] + skipped[2], limit=80)}")
    return complaints


def _twin(folder: Path, warnings: list[str], pictures: dict[str, str], picture: str) -> str:
    """The file in `folder` that a browser can show for a picture, also in `pictures` as a URL; else the picture, with a warning."""
    twins = [picture.removesuffix(".pdf") + suffix for suffix in _TWINS]
    for name in [picture] if Path(picture).suffix in _TWINS else twins:
        file = (folder / name).resolve()
        if file.is_file() and file.is_relative_to(folder.resolve()):
            pictures[Path(name).as_posix()] = _url(file)
            return Path(name).as_posix()
    warnings.append(f"no SVG or PNG of the figure {one_line(picture)}")
    return picture


def _url(file: Path) -> str:
    """A picture as a URL that contains it; SVG as text, which is shorter than base64."""
    if file.suffix == ".svg":
        return f"data:{_TWINS['.svg']},{file.read_text(encoding='utf-8').translate(_IN_URL)}"
    return f"data:{_TWINS[file.suffix]};base64,{base64.b64encode(file.read_bytes()).decode()}"
