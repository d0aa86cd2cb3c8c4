"""What the page has beyond the PDF: the sidebar, the filter, previews, boxes that scroll, and access for everybody."""

import base64
import hashlib
import io
import re
from collections.abc import Generator
from pathlib import Path

import pytest

from sdescent.reports.document.html import SCRIPTS, read_aloud, stretched
from sdescent.reports.document.verdict_filter import Verdicts
from tests.reports.document.test_html import LONG, SVG, needs_pandoc, paged, words
from tests.support.commands.browser import Window, faults, needs_axe, needs_browser, opened

pytestmark = needs_pandoc

MACROS = r"\providecommand{\sdEta}{\eta}" + "\n" + r"\providecommand{\sdSigmaZero}{\sigma_0}" + "\n"
CLAIM = r"""\noindent\hypertarget{claim:%s}{}\sdbadge{%s}{%s} Claim %s.

\begin{itemize}\item Evidence %s.\end{itemize}

"""
BODY = (
    r"""\tableofcontents
\begin{longtable}{ll}\toprule statement & verdict \\\midrule\endhead
one & \hyperlink{claim:one}{\sdbadge{full}{PROVED}} \\ two & \hyperlink{claim:two}{\sdbadge{dark}{REFUTED}} \\
\end{longtable}

Before the third.

\begin{longtable}{ll}\midrule\endhead three & \hyperlink{claim:three}{\sdbadge{full}{PROVED}} \\ \end{longtable}
\begin{tabular}{lll}\toprule & a & b \\ \midrule
row & \hyperlink{claim:four}{\sdbadge{full}{PROVED}} & \sdbadge{grey}{NOT SEEN} \\ \bottomrule\end{tabular}
\section{Notation}\label{sec:notation}
\begin{tabular}{ll}\toprule symbol & numbers \\ \midrule
\sddefines $\sdEta$ & step size \\ \sddefines $\sdSigmaZero$ & noise scale \\
\bottomrule\end{tabular}
\section{Statements} \subsection{Bounds}
\paragraph{Inside.} By \hyperlink{thm:bound}{bound}, $\sdEta^2\le\overline{\sigma_1^2+\sdSigmaZero}+\widehat{abc}$ and $\eta$, with
"""
    rf"$X={LONG}$; then \begin{{equation}}\label{{eq:long}} {LONG} \end{{equation}}"
    r"""
{\noindent\hypertarget{thm:bound}{}\textbf{bound. A bound} (proved). The step $\sdEta$ is at most one.\par}
\begin{figure}\includegraphics{figures/f}\caption{The \emph{loss} against $\sigma_0^2/2$. Grey: a band. What to see: it falls.}
\label{fig:f}\end{figure}
\begin{table}\caption{Numbers}\label{tab:n}\begin{tabular}{lll}\toprule & \multicolumn{2}{l}{both} \\ $n$ & left & right \\ \midrule
1 & 2 & 3 \\ & 4 & 5 \\ \bottomrule\end{tabular}\end{table}
\appendix
\section{The claims}\label{sec:claims} Figure~\ref{fig:f}, Table~\ref{tab:n}, section~\ref{sec:claims}, section~\ref{sec:below};
\hyperlink{thm:own}{own}.
\subsection{\hypertarget{thm:own}{}Below}\label{sec:below}

It is \emph{small}.
\begin{sdproof}\noindent Its \hyperlink{thm:bound}{proof}.

Easy.\end{sdproof}

``Words that introduce.''


"""
    + "".join(CLAIM % (name, style, verdict, name, name) for name, style, verdict in (
        ("one", "full", "PROVED"), ("two", "dark", "REFUTED"), ("three", "full", "PROVED"), ("four", "full", "PROVED")))
)  # fmt: skip
SHOWN = (
    "[...document.querySelectorAll('{}')].filter(e => e.checkVisibility({{visibilityProperty: true}}))"
    ".map(e => e.innerText.replace(/\\s+/g, ' '))"
)
PREVIEW = "(p => p.hidden ? null : p.innerText.replace(/\\s+/g, ' ').trim())(document.getElementById('page:preview'))"
SYMBOL = "document.querySelector('p [data-symbol]')"
LINK = "document.querySelector('main a[href=\"#thm:bound\"]')"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "figures").mkdir()
    (folder / "figures" / "f.svg").write_text(SVG)
    paged(folder, BODY, r"\usepackage{longtable,xcolor}" + "\n" + MACROS)
    return folder / "main.html"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Generator[Window, None, None]:
    with opened(tmp_path_factory.mktemp("profile")) as window:
        yield window


def shown(window: Window, what: str) -> list[str]:
    """The texts of the elements that are seen."""
    return window.run(SHOWN.format(what))


def waits(window: Window, script: str, wanted: object) -> None:
    """An expression has the value wanted within two seconds."""
    for _ in range(40):
        if (value := window.run(script)) == wanted:
            return
        window.run("new Promise(done => setTimeout(done, 50))")
    assert value == wanted


# As text


def test_numbers_are_the_pdfs(page: Path) -> None:
    said = words(page.read_text(encoding="utf-8"))
    assert all(head in said for head in ("1 Notation", "2 Statements", "2.1 Bounds", "A The claims", "A.1 Below"))
    assert "Figure 1, Table 1, section A, section A.1; own" in said and "Inside." in said and "2.1.0.1" not in said
    levels = [int(level) for level in re.findall(r"<h([1-6])", page.read_text(encoding="utf-8"))]
    assert levels == [1, 2, 2, 3, 4, 2, 3]  # down one level at a time
    contents = re.search(r"<nav.*?</nav>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert contents is not None
    assert re.findall(r'section-number">([^<]*)</span> ([^<]*)<', contents[0]) == [
        ("1", "Notation"), ("2", "Statements"), ("2.1", "Bounds"), ("A", "The claims"), ("A.1", "Below"),
    ]  # fmt: skip


def test_pictures_say_what_is_seen(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'<img [^>]*alt="([^"]*)"', text) == ["The loss against σ₀²/2. What to see: it falls."]
    assert text.count("<img ") == 1


def test_formulas_as_words() -> None:
    maths = "<math xmlns='http://www.w3.org/1998/Math/MathML'>{}<annotation>\\TeX</annotation></math>"
    fraction = "<mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mn>2</mn></mfrac>"
    assert read_aloud(f"<em>As</em> {maths.format(fraction)}, so") == "As (a + 1)/2, so"
    power = "<msup><mi>x</mi><mrow><mo>−</mo><mi>p</mi></mrow></msup><msub><mi>K</mi><mi>κ</mi></msub>"
    assert read_aloud(maths.format(power) + ".") == "x to the −p K sub κ."
    assert read_aloud("a\x0cb &lt; c") == "ab < c"


def test_cells_say_what_they_head(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    table = text[text.index('id="tab:n"') :]
    table = table[: table.index("</table>")]
    heads = re.findall(r'<th[^>]*scope="(\w+)"', table)
    assert heads == ["colgroup", "col", "col", "col", "row"] and "<th></th>" not in table
    assert 'role="region" aria-label="table 1"' in table and 'aria-labelledby="caption:table-1"' in table
    assert 'id="caption:table-1"' in table
    assert text.count(">statement</th>") == 2  # the second table continues the first


def test_a_claim_that_stands_twice_counts_once() -> None:
    def paragraph(target: str) -> dict:
        badge = {"t": "Span", "c": [["", ["badge", "full"], []], [{"t": "Str", "c": "PROVED"}]]}
        return {"t": "Para", "c": [{"t": "Link", "c": [["", [], []], [badge], [target, ""]]}]}

    found = Verdicts()
    found.mark([paragraph("#claim:a"), paragraph("#claim:b"), paragraph("#claim:a")])
    assert found.claims == {"PROVED": {"claim:a", "claim:b"}} and found.badges == {"PROVED": "full"}


def test_bars_and_hats_stretch_whatever_is_below_them() -> None:
    bar, hat = '<mo accent="true">¯</mo>', '<mo accent="true">\u0302</mo>'
    dot = '<mover><mi>u</mi><mo accent="true">\u0307</mo></mover>'
    assert stretched(f"<p><mover><mrow><mover><mi>a</mi>{hat}</mover>{dot}</mrow>{bar}</mover></p>") == (
        '<p><mover accent="true" class="bar"><mrow><mover accent="true"><mi>a</mi><mo stretchy="true">\u0302</mo></mover>'
        '<mover accent="true"><mi>u</mi><mo stretchy="false">\u0307</mo></mover></mrow><mo stretchy="true">‾</mo></mover></p>'
    )
    assert stretched("<mover><mi>a</mi><mo>=</mo></mover>") == "<mover><mi>a</mi><mo>=</mo></mover>"


def test_the_policy_names_the_one_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script == ["".join(file.read_text(encoding="utf-8") for file in SCRIPTS)]
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert re.findall(r"script-src ([^;]*);", text) == [f"'sha256-{digest}'"]


# In a browser


@pytest.mark.slow
@needs_browser
def test_the_filter_needs_no_script(page: Path, window: Window) -> None:
    window.show(page, scripts=False)
    assert shown(window, ".filter label") == ["all 5", "PROVED 3", "REFUTED 1", "NOT SEEN 1"]
    every = ["Claim one", "Claim two", "Claim three", "Claim four"]
    claims = "[...document.querySelectorAll('.claim')].filter(e => e.checkVisibility()).map(e => /Claim \\w+/.exec(e.innerText)[0])"
    rows = "[...document.querySelectorAll('tr[data-verdict]')].filter(e => e.checkVisibility()).map(e => e.cells[0].innerText)"
    assert window.run(claims) == every and shown(window, ".filtered") == []
    window.run("document.getElementById('verdict:all').focus()")
    window.press("ArrowDown")
    assert window.run(claims) == ["Claim one", "Claim three", "Claim four"] and window.run(rows) == ["one", "three"]
    assert shown(window, "td[data-verdict] .badge") == ["PROVED"] and len(shown(window, "main table")) == 5
    window.press("ArrowDown")
    assert window.run(claims) == ["Claim two"] and window.run(rows) == ["two"]
    assert shown(window, "td[data-verdict] .badge") == []
    assert len(shown(window, "main table")) == 3  # tables without such a claim go; those without any claim stay
    assert "“Words that introduce.”" in shown(window, "main p") and "Before the third." not in shown(window, "main p")
    assert shown(window, ".filtered span") == ["REFUTED"]
    window.press("ArrowDown")
    assert window.run(claims) == [] and "“Words that introduce.”" not in shown(window, "main p")
    assert shown(window, "td[data-verdict] .badge") == ["NOT SEEN"]
    window.point(*window.middle("document.querySelector('.filtered label')"), click=True)
    assert window.run(claims) == every and shown(window, ".filtered") == []


@needs_browser
@pytest.mark.slow
def test_a_preview_of_a_symbol_and_of_a_theorem(page: Path, window: Window) -> None:
    window.show(page)
    window.point(*window.middle(SYMBOL))
    waits(window, PREVIEW, "𝜂 step size")
    assert window.run(f"{SYMBOL}.getAttribute('aria-describedby')") == "page:preview"
    window.press("Escape")
    assert window.run(PREVIEW) is None and window.run(f"{SYMBOL}.hasAttribute('aria-describedby')") is False
    window.point(*window.middle(LINK))
    waits(window, PREVIEW, "bound. A bound (proved). The step 𝜂 is at most one.")
    window.press("Escape")
    window.point(*window.middle("document.querySelector('main a[href=\"#thm:own\"]')"))
    waits(window, PREVIEW, "A.1 Below It is small.")  # a statement that begins with a heading ends before its proof
    names = window.run("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(names) == len(set(names))
    # the pointer may go into the preview, and away from it
    inside = "(r => [r.x + 5, r.y + 5])(document.getElementById('page:preview').getBoundingClientRect())"
    window.point(*window.run(inside))
    window.run("new Promise(done => setTimeout(done, 500))")
    assert window.run(PREVIEW)
    window.point(5, 895)
    waits(window, PREVIEW, None)


@needs_browser
def test_a_keyboard_has_the_previews_too(page: Path, window: Window) -> None:
    window.show(page)
    window.run("document.getElementById('page:text').focus()")
    seen = []
    for _ in range(20):
        window.press("Tab")
        seen.append(window.run(PREVIEW))
    told = [said for said in seen if said]
    statement = "bound. A bound (proved). The step 𝜂 is at most one."
    # the link, then the formula with both symbols; where one stands again, no second stop; a link in the appendix
    assert told == [statement, "𝜂 step size 𝜎 0 noise scale", "A.1 Below It is small."]
    assert "math" in window.run("[...document.querySelectorAll('main [tabindex]')].map(e => e.localName)")


@needs_browser
def test_on_a_phone_a_preview_does_not_cover_what_is_read(page: Path, window: Window) -> None:
    window.show(page, 390, 844)
    for block in ("start", "end"):
        window.run(f"{SYMBOL}.scrollIntoView({{block: '{block}', behavior: 'instant'}})")
        x, y = window.run(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({SYMBOL}.getBoundingClientRect())")
        window.point(x, y, click=True)
        waits(window, PREVIEW, "𝜂 step size")
        top, bottom, left, right = window.run(
            "(r => [r.top, r.bottom, r.left, r.right])(document.getElementById('page:preview').getBoundingClientRect())"
        )
        assert (left, right) == (0, 390) and not top <= y <= bottom and (top == 0 or bottom == 844)
        assert bottom - top < 844 / 3
    window.point(5, 400, click=True)
    assert window.run(PREVIEW) is None


@needs_browser
def test_the_sidebar_stands_beside_the_text_or_folds(page: Path, window: Window) -> None:
    window.show(page, scripts=False)
    assert len(shown(window, "nav a")) == 5 and len(shown(window, ".filter input")) == 4
    sides = "['page:sidebar', 'page:text'].map(id => document.getElementById(id).getBoundingClientRect())"
    assert window.run(f"(([a, b]) => a.right <= b.left && a.top === 0)({sides})")
    window.run("scrollTo(0, 600)")
    assert window.run(f"(([a, b]) => a.top === 0 && b.top < 0)({sides})")
    window.show(page, 390, 844, scripts=False)
    assert window.run(f"(([a, b]) => a.bottom <= b.top && a.height < 100)({sides})") and shown(window, "nav a") == []
    window.run("document.querySelector('nav summary').focus()")
    window.press("Enter")
    assert len(shown(window, "nav a")) == 5
    window.show(page, media="print")
    assert shown(window, "#page\\\\:sidebar") == []


@needs_browser
def test_the_section_that_is_read_is_marked(page: Path, window: Window) -> None:
    window.show(page, 1280, 300)
    marked = "[...document.querySelectorAll('[aria-current]')].map(e => e.innerText)"
    assert window.run(marked) == []
    for name, text in (("sec:notation", "1 Notation"), ("sec:claims", "A The claims")):
        window.run(f"document.getElementById('{name}').scrollIntoView({{behavior: 'instant'}})")
        waits(window, f"{marked}.map(t => t.replace(/\\s+/g, ' '))", [text])


def edges(window: Window, element: str) -> tuple[float, float]:
    """How much darker than white the left and the right edge of an element are, at its upper rim, where nothing else is drawn."""
    image = pytest.importorskip("PIL.Image")
    left, right, top = window.run(f"(r => [r.left, r.right, r.top])({element}.getBoundingClientRect())")
    picture = image.open(io.BytesIO(window.picture())).convert("L")
    return tuple(255 - picture.getpixel((int(x), int(top) + 2)) for x in (left + 2, right - 2))  # pyright: ignore


@needs_browser
def test_a_wide_formula_scrolls_and_says_so(page: Path, window: Window) -> None:
    box = "document.querySelector('.equation > .scroll')"
    window.show(page, 390, 844)
    window.middle(box)
    assert window.run(
        f"{box}.scrollWidth > 2 * {box}.clientWidth && {box}.tabIndex === 0 && {box}.ariaLabel.startsWith('formula')"
    )
    assert window.run("document.documentElement.scrollWidth") == 390
    left, right = edges(window, box)
    assert left < 5 < 30 < right
    window.run(f"{box}.scrollLeft = 1e6")
    left, right = edges(window, box)
    assert right < 5 < 30 < left


@needs_browser
def test_a_box_that_scrolls_nothing_is_no_stop(page: Path, window: Window) -> None:
    stops = "[...document.querySelectorAll('.scroll, .formula')].filter(e => e.tabIndex === 0).length"
    window.show(page, 1280)
    wide = window.run(
        "[...document.querySelectorAll('.scroll, .formula')].filter(e => e.scrollWidth > e.clientWidth).length"
    )
    assert window.run(stops) == wide
    window.show(page, scripts=False)
    assert window.run(stops) > wide  # without the script all are, so that none is out of reach


@pytest.mark.slow
@needs_browser
@needs_axe
@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_axe_finds_no_grave_fault(page: Path, window: Window, width: int, dark: bool) -> None:
    assert faults(window, page, width, dark=dark) == []


@pytest.mark.slow
@needs_browser
@needs_axe
def test_axe_finds_what_is_spoilt(page: Path, window: Window, tmp_path: Path) -> None:
    text, count = re.subn(r' alt="[^"]*"', "", page.read_text(encoding="utf-8"), count=1)
    (tmp_path / "main.html").write_text(
        text.replace("--faint: light-dark(#5c5c5c", "--faint: light-dark(#bbb"), encoding="utf-8"
    )
    violations = {fault.partition(" ")[0] for fault in faults(window, tmp_path / "main.html", 1280)}
    assert count == 1 and violations == {"image-alt", "color-contrast"}
