"""What a reader has besides the text: search, a choice of theme, links at headings, a description, and the graph of proofs."""

import re
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from sdescent.reports.document.html import PAGE, HtmlResult, tex_to_html
from sdescent.reports.document.layered_graph import LayeredGraph, Node, drawn
from tests.reports.document.test_html import SVG, document, loaded, needs_pandoc, paged
from tests.reports.document.test_page import BODY, MACROS
from tests.support.commands.browser import Window, needs_browser, opened

PREAMBLE = r"\usepackage{longtable,xcolor}" + "\n" + MACROS
GRAPH = LayeredGraph(
    ("claims", "theorems", "certificates"),
    (
        Node("claim:one", 0, "Claim <one>", "PROVED", "full", "#claim:one"),
        Node("claim:two", 0, "Claim two", "REFUTED", "dark", "#claim:two"),
        Node("thm:bound", 1, "bound", "", "", "#thm:bound"),
        Node("thm:own", 1, "own", "", "", "#thm:own"),
        Node("cert:bound", 2, "certificate", "", "", "certificates/bound.cert.json"),
    ),
    (("claim:one", "thm:bound"), ("claim:one", "thm:own"), ("thm:bound", "cert:bound")),
)
COUNTS = dict.fromkeys(("claims", "citing", "theorems", "proved", "refuted", "certificates", "facts"), 0)
INPUT = "document.querySelector('#page\\\\:search input')"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "figures").mkdir()
    (folder / "figures" / "f.svg").write_text(SVG)
    body = 'Of $3\\le4$ claims "one" & is proved. The rest is not.\n\n'.replace("&", r"\&")
    (folder / "main.tex").write_text(document(body + BODY, PREAMBLE), encoding="utf-8")
    page = tex_to_html(folder / "main.tex", extra=("Graph", drawn(GRAPH, **COUNTS)))
    assert isinstance(page, HtmlResult) and page.html is not None and page.warnings == ()
    return page.html


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Generator[Window, None, None]:
    with opened(tmp_path_factory.mktemp("profile")) as window:
        yield window


# As text


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    whole = colour.removeprefix("#")
    parts = [whole[n : n + 2] for n in (0, 2, 4)] if len(whole) == 6 else [char * 2 for char in whole]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (int(p, 16) / 255 for p in parts)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_colours_of_both_themes_have_the_contrast_of_wcag_aa(dark: bool) -> None:
    assert contrast("#fff", "#000000") == 21 and round(contrast("#777", "#fff"), 2) == 4.48
    style = PAGE.read_text(encoding="utf-8")
    pairs = re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\)", style)
    colour = {f"var(--{name})": (light, night)[dark] for name, light, night in pairs}
    assert len(colour) == 8
    texts = [(f"var(--{a})", f"var(--{b})") for a in ("ink", "faint", "link") for b in ("page", "tint")]
    texts.append(("var(--ink)", "var(--mark)"))
    for rule in re.findall(r"\.badge(?:\.\w+)? \{([^}]*)\}", style):
        ground = re.search(r"background: ([^;]*);", rule)
        ink = re.search(r"(?<![-\w])color: ([^;]*);", rule)
        texts.append((ink[1] if ink else "var(--ink)", ground[1] if ground else "var(--page)"))
    assert len(texts) > 12
    weak = [(a, b) for a, b in texts if contrast(colour.get(a, a), colour.get(b, b)) < 4.5]
    lines = [("var(--faint)", "var(--page)"), ("var(--good)", "var(--tint)"), ("var(--link)", "var(--tint)")]
    assert weak + [(a, b) for a, b in lines if contrast(colour[a], colour[b]) < 3] == []


@needs_pandoc
def test_the_page_is_one_file(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert loaded(text) == [] and "default-src 'none'" in text
    assert loaded('<img src="a.svg"> <link rel="x">') == ["a.svg", '<link rel="x">']  # the check of the check
    assert text.count('src="data:image/svg+xml') == 1


@needs_pandoc
def test_a_picture_out_of_the_folder_is_not_taken_in(tmp_path: Path) -> None:
    (tmp_path / "secret.svg").write_text(SVG)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "link.svg").symlink_to(tmp_path / "secret.svg")
    for name in ("../secret.svg", "link.svg"):
        page = paged(
            tmp_path / "site", rf"\includegraphics{{{name}}}", warnings=(f"no SVG or PNG of the figure {name}",)
        )
        assert "data:" not in page[page.index("<main") :]


@needs_pandoc
def test_what_a_shared_link_shows(page: Path, tmp_path: Path) -> None:
    head = page.read_text(encoding="utf-8").partition("<style>")[0]
    meta = dict(re.findall(r'<meta (?:name|property)="([\w:-]+)" content="([^"]*)">', head))
    said = "Of 3<=4 claims &quot;one&quot; &amp; is proved."
    assert (meta["description"], meta["og:description"]) == (said.replace("<", "&lt;"),) * 2
    assert meta["og:title"] == "A report" and meta["og:type"] == "article" and "author" not in meta
    numbered = r"For readers. \begin{enumerate}\item We found $\eta$. More.\item Two.\end{enumerate} \section{A}"
    assert 'name="description" content="We found η."' in paged(tmp_path, numbered)
    later = r"First. \section{A} \begin{enumerate}\item Later.\end{enumerate}"
    assert 'name="description" content="First."' in paged(tmp_path, later)
    assert "description" not in paged(tmp_path, "").partition("<style>")[0]


@needs_pandoc
def test_headings_link_to_themselves(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r'<h[2-5]\b[^>]*\bid="([^"]+)"', text)
    links = re.findall(r'<a class="anchor" href="#([^"]*)" aria-label="Link to ([^"]*)"></a>', text)
    assert [name for name, _ in links] == headings and ("sec:notation", "1 Notation") in links and len(headings) > 5


# In a browser


def asked(window: Window, words: str) -> list[str]:
    """The results of a search, with the marked words in brackets."""
    window.run(f"{INPUT}.value = {words!r}; {INPUT}.dispatchEvent(new Event('input'))")
    return window.run(
        "[...document.querySelectorAll('.results li')].map(e => { const c = e.cloneNode(true);"
        "for (const m of c.querySelectorAll('mark')) m.replaceWith('[' + m.textContent + ']'); return c.textContent; })"
    )


@needs_pandoc
@needs_browser
def test_search(page: Path, window: Window) -> None:
    window.show(page)
    window.press("/")
    assert window.run("document.activeElement.type") == "search"
    assert asked(window, "  ") == []
    for kind, words, title in (
        ("section", "notation", "1 [Notation]"), ("theorem", "a bound", "[bound]. [A] [Bound]"),
        ("table", "numbers", "Table 1. [Numbers]"), ("figure", "band", "Figure 1."),
        ("claim", "claim four", "PROVED [Claim] [four]."), ("symbol", "noise scale", "[noise] [scale]"),
    ):  # fmt: skip
        results = [line for line in asked(window, words) if line.startswith(kind)]
        assert results and title.lower() in results[0].lower(), (kind, results)
    assert any("[η]" in line for line in asked(window, "eta"))  # a letter by its name
    assert any("[5]" in line for line in asked(window, "right 5"))  # in the cells of a table
    assert asked(window, "claim nowhere") == [] and asked(window, "(") is not None
    window.press("Escape")
    # what the filter hides is shown, and has the focus
    window.run("document.getElementById('verdict:refuted').click()")
    place = "document.getElementById('claim:three')"
    assert window.run(f"{place}.checkVisibility()") is False
    window.press("/")
    asked(window, "claim three")
    window.press("ArrowDown")
    window.press("Enter")
    assert window.run(f"[{place}.checkVisibility(), location.hash, document.activeElement.id]") == [
        True, "#claim:three", "claim:three",
    ]  # fmt: skip
    assert window.run("document.querySelector('dialog[open]')") is None


@needs_pandoc
@needs_browser
def test_a_theme_is_chosen_and_remembered(page: Path, window: Window) -> None:
    ground, choice = "getComputedStyle(document.body).backgroundColor", "document.getElementById('page:theme')"

    def choose(theme: str) -> None:
        window.run(f"{choice}.value = '{theme}'; {choice}.dispatchEvent(new Event('change'))")

    white, black = "rgb(255, 255, 255)", "rgb(23, 24, 26)"
    window.show(page, dark=True)
    assert window.run(f"[{ground}, {choice}.value]") == [black, "auto"]
    choose("light")
    assert window.run(ground) == white
    for _ in range(100):  # a browser on a busy machine may store it after the page is loaded again
        window.show(page, dark=True)
        if window.run(f"{choice}.value") == "light":
            break
        time.sleep(0.2)
    assert window.run(f"[{ground}, {choice}.value]") == [white, "light"]
    window.run("Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }}); 0")
    choose("dark")
    assert window.run(ground) == black  # without storage, until the page is left
    window.show(page)
    choose("dark")
    assert window.run(f"[{ground}, getComputedStyle(document.querySelector('figure img')).backgroundColor]") == [
        black,
        white,
    ]
    choose("auto")
    assert window.run(ground) == white
    window.show(page, scripts=False)
    assert window.run("document.querySelector('.tools').checkVisibility()") is False


@needs_pandoc
@needs_browser
def test_the_graph_opens_statement_and_proof(page: Path, window: Window) -> None:
    window.show(page)
    dialog, on = (
        "document.getElementById('page:node')",
        "[...document.querySelectorAll('.node.on')].map(e => e.dataset.node)",
    )
    told = f"{dialog}.open && {dialog}.innerText.replace(/\\s+/g, ' ')"
    assert window.run("[...document.querySelectorAll('.node')].filter(e => e.tabIndex === 0).length") == 1
    window.run("document.querySelector('[data-node=\"claim:two\"]').focus()")
    assert window.run(on) == ["claim:two"]
    window.press("ArrowUp")
    assert window.run(on) == ["claim:one", "thm:bound", "thm:own", "cert:bound"]
    window.press("Enter")
    assert "PROVED Claim one." in window.run(told) and "Evidence one." in window.run(told)
    window.press("Escape")
    window.press("ArrowRight")
    assert window.run("document.activeElement.dataset.node") == "thm:bound"
    window.press("ArrowDown")
    window.press("Enter")
    # a theorem under a heading: statement, its proof unfolded, and what it supports
    assert all(words in window.run(told) for words in ("It is small.", "Easy.", "Supports: PROVED: Claim <one>"))
    window.run(f"[...{dialog}.querySelectorAll('a')].find(a => a.textContent.startsWith('PROVED')).click()")
    assert "Rests on: bound; own" in window.run(told)
    window.run(f"[...{dialog}.querySelectorAll('a')].find(a => a.textContent === 'Its place in the report').click()")
    assert window.run(f"[{dialog}.open, location.hash]") == [False, "#claim:one"]
    window.point(*window.middle("document.querySelector('[data-node=\"cert:bound\"] rect')"), click=True)
    assert "The step 𝜂 is at most one." in window.run(told)
    assert (
        window.run(f"[...{dialog}.querySelectorAll('a')].map(a => a.getAttribute('href'))")[1]
        == "certificates/bound.cert.json"
    )
    names = window.run("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(names) == len(set(names))
