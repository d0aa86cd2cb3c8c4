"""The HTML page, read as text and as a real browser shows it. Tests skip without pandoc or Chromium."""

import re
import subprocess
from pathlib import Path

import pytest

from sdescent.reports.document.html import HtmlResult, flatten, pandoc_path, tex_to_html
from sdescent.reports.document.pdf import Absent
from sdescent.reports.document.tex import escape
from tests.support.commands.browser import needs_browser, opened

needs_pandoc = pytest.mark.skipif(pandoc_path() is None, reason="needs the html extra (pandoc)")

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="300"><rect width="900" height="300"/></svg>'
HOSTILE = r"<script>alert(1)</script> \input{/etc/passwd} $x$ `a` | *b* --c [d]"


def document(body: str, preamble: str = "") -> str:
    return (
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{amsmath,amsthm,booktabs,graphicx,hyperref}"
        rf"\newtheorem{{theorem}}{{Theorem}}{preamble}\title{{A report}}\begin{{document}}\maketitle"
        rf" {body}\end{{document}}"
    )


def paged(folder: Path, body: str, preamble: str = "", warnings: tuple[str, ...] = (), **options) -> str:
    (folder / "main.tex").write_text(document(body, preamble), encoding="utf-8")
    result = tex_to_html(folder / "main.tex", **options)
    assert isinstance(result, HtmlResult) and result.warnings == warnings and result.html == folder / "main.html"
    return result.html.read_text(encoding="utf-8")


def words(page: str) -> str:
    """What the page says, without formulas' TeX sources and without tags."""
    body = re.sub(r"<annotation.*?</annotation>", "", page[page.index("<main") :], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", "", body).split())


def loaded(page: str) -> list[str]:
    """What a browser would have to load besides the page; the links that a reader may follow are not loaded."""
    addresses = re.findall(r'\b(?:src|srcset|data|poster|action)\s*=\s*"([^"]*)"|url\(([^)]*)\)|@import\b([^;]*)', page)
    links = re.findall(r"<(?:link|iframe|object|embed|video|audio|base)\b[^>]*>", page)
    return [word for words in addresses for word in words if word and not word.startswith("data:")] + links


@needs_pandoc
def test_rules_between_groups_of_rows_are_on_the_page(tmp_path: Path) -> None:
    page = paged(
        tmp_path,
        r"""\begin{tabular}{ll}\toprule a & b \\ \midrule A & $x$ \\ & y \\ \midrule $z$ & B \\ \midrule & w \\ \bottomrule
        \end{tabular} \begin{tabular}{l}\toprule c \\ \midrule C \\ \bottomrule\end{tabular}""",
    )
    kinds = re.findall(r'<tr( class="rule")?>', page)
    assert [bool(kind) for kind in kinds] == [False, False, False, True, True, False, False]
    assert "\ue000" not in page and "tr.rule > * { border-top" in page


@needs_pandoc
def test_numbers_and_references_are_latexs(tmp_path):
    page = paged(
        tmp_path,
        r"""\section{One}\label{sec:one}
        \begin{equation}\label{eq:a} a \end{equation}
        \begin{align} b &= 1 \label{eq:b} \\ &= \begin{cases} 1 \\ 2 \end{cases} \nonumber
        \\ &= 3 \label{eq:c} \end{align}
        \begin{align*} n \\ n \end{align*}
        \[ n \]
        \begin{equation}\label{eq:star} s \tag{$\star$} \end{equation}
        \begin{gather} g \\ h \notag \end{gather}
        \begin{multline}\label{eq:m} m \\ m \end{multline}
        \begin{table}\caption{Plain}\begin{tabular}{l}\toprule A \\\bottomrule\end{tabular}\end{table}
        \begin{table}\caption{T}\label{tab:t}\begin{tabular}{l}\toprule A \\\bottomrule\end{tabular}\end{table}
        \begin{theorem}\label{thm:x} x \end{theorem}
        E: \eqref{eq:a} \eqref{eq:b} \ref{eq:c} \eqref{eq:m} Table~\ref{tab:t} Theorem~\ref{thm:x} Section~\ref{sec:one}
        C: \cref{tab:t} \Cref{eq:a} \cref{thm:x}; \cite{b,a}
        \begin{thebibliography}{9}\bibitem{a} First book.\bibitem{b} Second book.\end{thebibliography}""",
    )
    said = words(page)
    assert "E: (1) (2) 3 (5) Table 2 Theorem 1 Section 1" in said
    assert "C: table 2 Equation (1) theorem 1; [2, 1]" in said
    assert "Table 1. Plain" in said and "Table 2. T" in said
    assert re.findall(r'class="number">(\([^<]*\)|)<', page) == ["(1)", "(2)", "", "(3)", "(4)", "", "(5)"]
    identifiers = re.findall(r'\bid="([^"]*)"', page)
    assert len(identifiers) == len(set(identifiers))
    targets = set(re.findall(r'href="#([^"]*)"', page))
    assert {"eq:a", "eq:c", "tab:t", "bib:a", "sec:one"} <= targets <= set(identifiers)
    assert "\\label" not in page and "\\notag" not in page


@needs_pandoc
def test_what_the_page_cannot_show_is_said(tmp_path):
    warnings = (
        "theorems are numbered by section in the PDF and through the document on the page",
        r"left out on the page: \nosuch{lost}",
        "no SVG or PNG of the figure figures/f.pdf",
        "nothing defines the label none",
        "nothing defines the label nobody",
    )
    body = r"\nosuch{lost} \ref{none} \cite{nobody} \includegraphics{figures/f.pdf} $\nomath{x}$"
    (tmp_path / "main.tex").write_text(document(body, r"\newtheorem{lemma}{Lemma}[section]"))
    result = tex_to_html(tmp_path / "main.tex")
    assert isinstance(result, HtmlResult) and result.warnings[:-1] == warnings
    assert result.warnings[-1].startswith(r"Could not convert TeX math \nomath{x}") and "\n" not in result.warnings[-1]


@needs_pandoc
def test_hostile_text_is_text(tmp_path):
    page = paged(tmp_path, rf"T: {escape(HOSTILE)} :T")
    body = page[page.index("<main") :]
    shown = re.sub(r"</?span>", "", re.search(r"T: (.*) :T", body, flags=re.DOTALL)[1])  # type: ignore[index]
    expected = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
    assert " ".join(shown.split()) == expected
    assert page.count("<script") == 1 and "root:" not in page


@needs_pandoc
def test_pandoc_reads_no_file_and_follows_no_link_out(tmp_path):
    (tmp_path / "secret.tex").write_text("TOPSECRET")
    folder = tmp_path / "report"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "link.tex").symlink_to(tmp_path / "secret.tex")
    for name in (str(tmp_path / "secret"), "../secret", "parts/link"):
        (folder / "main.tex").write_text(document(rf"\input{{{name}}}"))
        with pytest.raises(ValueError, match="leads out"):
            tex_to_html(folder / "main.tex")
    # Written so that our own reading of \input does not see it; pandoc's does, inside its sandbox.
    (folder / "main.tex").write_text(document(rf"\input {tmp_path / 'secret'} \include{{{tmp_path / 'secret'}}} x"))
    result = tex_to_html(folder / "main.tex")
    assert isinstance(result, HtmlResult)
    assert result.html is None or "TOPSECRET" not in result.html.read_text(encoding="utf-8")


def test_inputs_are_put_in_place(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.tex").write_text(r"A \input{parts/b.tex}")
    (tmp_path / "parts" / "b.tex").write_text(r"B \% \textbf{x}")
    main = tmp_path / "main.tex"
    main.write_text("x \\input{parts/a} y \\input{parts/b}\n% \\input{parts/none}\n50\\% \\input{parts/b}\n")
    assert flatten(main) == (
        "x A B \\% \\textbf{x} y B \\% \\textbf{x}\n% \\input{parts/none}\n50\\% B \\% \\textbf{x}\n"
    )
    (tmp_path / "parts" / "b.tex").write_text(r"\input{parts/a}")
    with pytest.raises(ValueError, match="deep"):
        flatten(main)


@needs_pandoc
def test_where_pandoc_does_not_finish_the_old_page_stays(tmp_path, monkeypatch):
    page = paged(tmp_path, "good")

    def ended(*_, **__):
        raise subprocess.TimeoutExpired("pandoc", 1)

    monkeypatch.setattr(subprocess, "run", ended)
    result = tex_to_html(tmp_path / "main.tex", timeout=1.0)
    assert result == HtmlResult(None, ("pandoc did not finish within 1 s",))
    assert (tmp_path / "main.html").read_text(encoding="utf-8") == page


def test_without_pandoc_the_outcome_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("sdescent.reports.document.html.pandoc_path", lambda: None)
    (tmp_path / "report.tex").write_text(document("x"))
    outcome = tex_to_html(tmp_path / "report.tex")
    assert outcome == Absent("report.html was not made: pandoc was not found (pip install 'sdescent[html]')")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.tex"]


# In a browser


PROBE = """(() => {
  const root = document.documentElement, all = what => [...document.querySelectorAll(what)];
  const high = e => e.getBoundingClientRect().height;
  const sticking = all("body *").filter(e => {
    for (let p = e; p; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return false;
    return e.getBoundingClientRect().right > root.clientWidth + 1;
  });
  return {
    width: root.clientWidth, overflow: root.scrollWidth - root.clientWidth,
    sticking: sticking.map(e => e.outerHTML.slice(0, 80)),
    maths: all("math").length, flat: all("math").filter(e => high(e) < 5).length, text: document.body.innerText,
    pictures: [...document.images].map(i => [i.naturalWidth, i.getBoundingClientRect().width]),
    figures: all("figure").map(f => [f.scrollWidth > f.clientWidth, f.tabIndex]),
    scrolling: all(".scroll").filter(e => e.scrollWidth > e.clientWidth).length,
    dangling: all('a[href^="#"]').map(a => decodeURIComponent(a.getAttribute("href").slice(1)))
      .filter(name => !document.getElementById(name)),
    folds: all("main details").map(d => {
      const head = d.querySelector("summary"), seen = () => high(d) > high(head) + 20;
      const before = seen(); head.click(); return [before, seen(), head.innerText];
    }),
  };
})()"""


def in_browser(folder: Path, profile: Path) -> dict:
    """What Chromium shows of folder/main.html on a phone's width and on a wide screen."""
    measures = {}
    with opened(profile) as window:
        for name, width, height in (("phone", 390, 844), ("wide", 1280, 800)):
            window.show(folder / "main.html", width, height)
            measures[name] = window.run(PROBE)
    return measures


LONG = "+".join(f"x_{{{n}}}" for n in range(60))


@needs_pandoc
@needs_browser
def test_in_a_browser(tmp_path):
    (tmp_path / "site" / "figures").mkdir(parents=True)
    (tmp_path / "site" / "figures" / "f.svg").write_text(SVG)
    columns = " & ".join(r"$\sigma^2\left(1-\frac{2}{\pi}\right)$" for _ in range(12))
    page = paged(
        tmp_path / "site",
        rf"""\tableofcontents \section{{One}} Inline $x_1 \le 2$, long inline ${LONG}$ in a line, {escape(HOSTILE)}.
        \begin{{equation}} {LONG} \end{{equation}} \begin{{align}} a &= \tfrac12 \\ b &= \sqrt{{2}} \end{{align}}
        \begin{{table}}\caption{{Wide}}\begin{{tabular}}{{{"l" * 12}}}\toprule {columns} \\\midrule {columns} \\
        \bottomrule\end{{tabular}}\end{{table}}
        \begin{{itemize}}\item an item with ${LONG}$ \end{{itemize}}
        \begin{{figure}}\includegraphics[width=\linewidth]{{figures/f.pdf}}\caption{{A figure, ${LONG}$}}\end{{figure}}
        {"longword" * 30} \texttt{{{"a-very-long-name-" * 10}}}
        \begin{{theorem}} Let ${LONG}$. \end{{theorem}}""",
    )
    assert "f.pdf" not in page and loaded(page) == []
    seen = in_browser(tmp_path / "site", tmp_path / "profile")
    assert seen["phone"]["width"] == 390 and seen["wide"]["width"] in (1265, 1280)
    for view in seen.values():
        assert view["overflow"] == 0 and view["sticking"] == []
        assert view["maths"] == 31 and view["flat"] == 0
        outside = view["text"].replace(HOSTILE, "")
        assert len(outside) < len(view["text"]) and not re.search(r"\\\(|\$|\\[A-Za-z]", outside)
        assert [natural > 0 for natural, _ in view["pictures"]] == [True]
        assert "A report" in outside and "Table 1. Wide" in outside and "(3)" in outside
    assert seen["phone"]["scrolling"] == 2
    assert all(width <= seen["wide"]["width"] for _, width in seen["wide"]["pictures"])
    # on a phone a figure is legible and scrolls, and a keyboard gets to it
    assert (seen["phone"]["figures"], seen["wide"]["figures"]) == ([[True, 0]], [[False, -1]])


@pytest.mark.slow
@needs_pandoc
@needs_browser
def test_steps_of_a_proof_fold_and_links_lead_somewhere(tmp_path):
    (tmp_path / "site").mkdir()
    page = paged(
        tmp_path / "site",
        r"""\section{One} \hyperlink{thm:a}{see a}, \href{certificates/a.json}{its certificate}.
        \subsection*{\hypertarget{thm:a}{}a. Title}
        \begin{sdproof} \emph{Proof}, 2 steps. \begin{enumerate}\item $0<1$ \item $1<2$ \end{enumerate} \end{sdproof}
        \begin{sdproof} \begin{itemize}\item no head, no fold \end{itemize} \end{sdproof}""",
    )
    assert 'href="certificates/a.json"' in page and page.count("<details>") == 2  # and the contents
    for view in in_browser(tmp_path / "site", tmp_path / "profile").values():
        assert view["dangling"] == []
        assert view["folds"] == [[False, True, "Proof, 2 steps."]]
    broken = page.replace('id="thm:a"', 'id="thm:b"').replace("<details>", "<details open>")
    (tmp_path / "site" / "main.html").write_text(broken, encoding="utf-8")
    seen = in_browser(tmp_path / "site", tmp_path / "profile2")["wide"]
    assert seen["dangling"] == ["thm:a"] and seen["folds"][0][0] is True
