r"""Escaping, templates, and pdfTeX locked in. Tests that run TeX skip without it."""

import re
import shutil
import subprocess
import time
import unicodedata

import pytest
from jinja2 import DictLoader, UndefinedError

from sdescent.reports.document.pdf import (
    Absent,
    CompileResult,
    _locked_in,
    compile_together,
    tex_packages_missing,
)
from sdescent.reports.document.tex import Tex, environment, escape, listed

needs_tex = pytest.mark.skipif(
    isinstance(tex_packages_missing(), Absent) or shutil.which("pdftotext") is None,
    reason="needs pdflatex and pdftotext",
)
HOSTILE = r"\write18{touch pwned}\input{/etc/passwd}%^^5c$x$ ~#1 & {_}"
PREAMBLE = (
    r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,amsmath,amssymb,amsthm,mathtools,booktabs,"
    r"graphicx,microtype,hyperref}" + "\n"
)


def document(body: str) -> str:
    return PREAMBLE + "\\begin{document}\n" + body + "\n\\end{document}\n"


def compile_tex(main, **options) -> CompileResult | Absent:
    """`compile_together` for one document."""
    results = compile_together([main], **options)
    return results if isinstance(results, Absent) else results[0]


def compiled(folder, body, **options) -> CompileResult:
    (folder / "main.tex").write_text(document(body), encoding="utf-8")
    result = compile_tex(folder / "main.tex", **options)
    assert isinstance(result, CompileResult)
    return result


def clean(result: CompileResult) -> bool:
    """A PDF, no error, no undefined reference, no overfull box."""
    return result.pdf is not None and not (result.errors or result.undefined or result.overfull)


def text_of(pdf) -> str:
    command = ["pdftotext", "-raw", "-nopgbrk", pdf, "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


# Escaping


def test_no_active_character_survives():
    """Without the commands that `escape` writes, no character is left that TeX treats as anything but text."""
    everything = "".join(map(chr, range(0x300))) + "".join(map(chr, range(0x2000, 0x2800))) + HOSTILE
    without_maths = re.sub(r"\\ensuremath\{(\\[A-Za-z]+|[-']|[_^][-0-9x])\}", "", escape(everything))
    written = re.sub(r"\\[&%$#_{}]", "", without_maths)
    commands = set(re.findall(r"\\[A-Za-z]+|\\.", written))
    assert commands <= {
        r"\textbackslash", r"\textasciitilde", r"\textasciicircum", r"\textless", r"\textgreater",
        r"\textquotedbl", r"\`",
    }  # fmt: skip
    rest = re.sub(r"\\(?:[A-Za-z]+|`)", "", written)
    assert not set(rest) & set("\\$&#^_%\n\r\t\0\x1b\u202e\u00ad")
    assert re.sub(r"\{(|\[|\]|\*)\}", "", rest).count("{") == 0


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("a_b & 5%", r"a\_b \& 5\%"),
        ("--json", "-{}-json"),
        ("σ ≤ 1", r"\ensuremath{\sigma} \ensuremath{\le} 1"),
        ("e\u0301", "é"),
        ("a\n\nb\tc", "a  b c"),
        ("中\u202e\x07", "{[}U+4E2D{]}"),
        (Tex(r"\sigma"), r"\sigma"),
    ],
)
def test_escape(text, tex):
    assert escape(text) == tex and isinstance(escape(text), Tex)


@pytest.mark.slow
@needs_tex
def test_escaped_ascii_prints_as_itself(tmp_path):
    """Every printable ASCII character, every doubled one, in running text, a cell after a line break, a heading; any Unicode."""
    chars = [chr(code) for code in range(33, 127)]
    words = [char for char in chars] + [2 * char for char in chars] + ["?`", "!`", "---", "fi", HOSTILE]
    rows = [f"{escape(word)} & x \\\\\n" for word in words]
    tables = ["".join(rows[n : n + 30]) for n in range(0, len(rows), 30)]
    body = "\\newpage".join(f"\\begin{{tabular}}{{ll}}\n{table}\\end{{tabular}}" for table in tables)
    letters = (chr(c) for c in (*range(0xA0, 0x530), *range(0x1E00, 0x2400), 0x4E2D, 0x1F600))
    body += r"\newpage " + escape(" ".join(c for c in letters if unicodedata.category(c) not in ("Cs", "Cn", "Co")))
    result = compiled(tmp_path, rf"\section{{{escape(HOSTILE)}}}" + body)
    assert result.errors == () and result.pdf is not None
    lines = text_of(result.pdf).splitlines()
    # The text layer may use typographic twins of the apostrophe and the "fi" ligature; nothing else may differ.
    printed = [line.removesuffix(" x").replace("’", "'").replace("ﬁ", "fi") for line in lines if line.endswith(" x")]
    assert printed[: len(words)] == words  # then the letters, of which a raised x ends a line
    assert not (tmp_path / "pwned").exists()


# Templates


def render(source: str, **values) -> str:
    library = {"rows": r"\BLOCK{macro bold(x)}\textbf{\VAR{x}}\BLOCK{endmacro}"}
    return environment(DictLoader(library)).from_string(source).render(**values)


def test_signs_that_a_font_joins_are_parted_and_tex_reads_its_own_folder_alone(tmp_path):
    assert escape("-- '' ,, a--") == "-{}- '{}' ,{}, a-{}-"
    locked = _locked_in({"openin_any": "a", "HOME": "/h"}, tmp_path)
    names = "openin_any", "openout_any", "shell_escape", "HOME"
    assert [locked[name] for name in names] == ["p", "p", "f", "/h"]


def test_values_are_escaped_and_tex_is_not():
    assert render(r"$\VAR{a}$ \VAR{b}", a=Tex(r"\sigma_1"), b="x_1") == r"$\sigma_1$ x\_1"


@pytest.mark.parametrize(
    "expression",
    ["tex ~ user", "[tex, user] | join", "'%s%s' | format(tex, user)"],
)
def test_operators_on_trusted_tex_do_not_make_text_trusted(expression):
    written = render(rf"\VAR{{{expression}}}", tex=Tex("a"), user=r"\write18{x}")
    assert "\\write" not in written and r"\textbackslash{}write18\{x\}" in written


def test_macros_return_tex_with_escaped_values():
    source = r"""\BLOCK{from "rows" import bold}
\BLOCK{macro both(x)}\VAR{bold(x)}\VAR{caller()}\BLOCK{endmacro}
\BLOCK{call both(user)}\textit{\VAR{user}}\BLOCK{endcall} \BLOCK{block b}\VAR{user}\BLOCK{endblock} \VAR{self.b()}"""
    assert render(source, user="a_b") == r"\textbf{a\_b}\textit{a\_b} a\_b a\_b"


def test_undefined_names_are_errors():
    for source in (r"\VAR{nothing}", r"\VAR{nothing ~ 'x'}", r"\BLOCK{if nothing}\BLOCK{endif}"):
        with pytest.raises(UndefinedError):
            render(source)


def test_delimiters_leave_latex_alone():
    latex = r"\begin{tabular}{ll} a & b \\ \# {{x}} {% y %} {# z #}" + "\n"
    ours = r"\#{a comment}\BLOCK{for x in [1, 2]}\VAR{{'k': x}.k};\BLOCK{endfor}"
    assert render(latex + ours) == latex + "1;2;"


# Compiling


def test_formulas_of_several_objects_are_one_where_they_are_equal():
    source = r'\VAR{cases|map(attribute="cap")|each("f=")}'
    assert render(source, cases=[{"cap": "30"}] * 3) == "$f=30$"
    assert render(source, cases=[{"cap": "30"}, {"cap": "60"}, {"cap": "30"}]) == r"$f=30,\ 60,\ 30$ in this order"
    assert [listed(list(words)) for words in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


def test_without_tex_the_outcome_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sdescent.reports.document.pdf.MACTEX", str(tmp_path))
    (tmp_path / "main.tex").write_text(document("x"))
    for outcome in (compile_tex(tmp_path / "main.tex"), tex_packages_missing()):
        assert isinstance(outcome, Absent)
        assert "pdflatex was not found" in outcome.message and "\n" not in outcome.message
    assert [entry.name for entry in tmp_path.iterdir()] == ["main.tex"]


@pytest.mark.parametrize("name", ["-x.tex", "$(id).tex", "main.txt", "a\n.tex"])
def test_names_that_tex_would_misread_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="name") as caught:
        compile_tex(tmp_path / name)
    assert "\n" not in str(caught.value)


@needs_tex
def test_required_packages_are_there_and_a_missing_one_is_named():
    assert tex_packages_missing() == ()
    assert tex_packages_missing(["amsmath", "nosuchpackage"]) == ("nosuchpackage",)


@pytest.mark.slow
@needs_tex
def test_references_parts_figures_and_bibliography_stand(tmp_path):
    for name, content in {
        "parts/one.tex": r"\begin{equation}\label{eq:a} x = 1 \end{equation} See \eqref{eq:b}, \cite{robbins}.",
        "refs.bib": "@article{robbins, author={Robbins, H.}, title={A method}, journal={Annals}, year={1951}}",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    figure = compiled(tmp_path, "a figure")
    assert figure.pdf is not None
    (tmp_path / "figures").mkdir()
    figure.pdf.rename(tmp_path / "figures" / "f.pdf")
    result = compiled(
        tmp_path,
        r"\tableofcontents\section{One}\input{parts/one}\begin{equation}\label{eq:b} y \end{equation}"
        r"\includegraphics[width=1cm]{figures/f.pdf}\bibliographystyle{plain}\bibliography{refs}",
    )
    assert clean(result), result
    assert "(2)" in text_of(result.pdf) and "Robbins" in text_of(result.pdf)
    # Nothing but the PDF comes back.
    assert {entry.name for entry in tmp_path.iterdir()} == {"figures", "main.pdf", "main.tex", "parts", "refs.bib"}


@needs_tex
def test_documents_refer_to_each_other(tmp_path):
    """Both get their labels from the other one; none is written where one fails."""
    companion = r"\usepackage{xr-hyper}\usepackage{hyperref}\externaldocument[OTHER:]{OTHER}[OTHER.pdf]"
    preamble = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern}" + companion + r"\begin{document}"
    bodies = {
        "main": r"\section{One}\label{sec:one} See section~\ref{details:sec:last} there. \end{document}",
        "details": r"\appendix\section{A}\section{Last}\label{sec:last} See section~\ref{main:sec:one} there. \end{document}",
    }
    for (name, body), other in zip(bodies.items(), ("details", "main"), strict=True):
        (tmp_path / f"{name}.tex").write_text(preamble.replace("OTHER", other) + body)
    files = [tmp_path / f"{name}.tex" for name in bodies]
    results = compile_together(files)
    assert isinstance(results, tuple) and all(map(clean, results))
    said = [text_of(result.pdf) for result in results]
    assert "section B there" in said[0] and "section 1 there" in said[1]
    before = [path.with_suffix(".pdf").read_bytes() for path in files]
    files[1].write_text(preamble + r"\undefinedcommand\end{document}")
    main, details = compile_together(files)  # pyright: ignore[reportGeneralTypeIssues]
    assert main.pdf is None and details.pdf is None and "Undefined control sequence" in details.errors[0]
    assert [path.with_suffix(".pdf").read_bytes() for path in files] == before


@pytest.mark.slow
@needs_tex
def test_log_findings(tmp_path):
    wide = r"\noindent\rule{\dimexpr\hsize+12.5pt}{1pt}" + "\n\n"
    slightly = r"\noindent\rule{\dimexpr\hsize+4pt}{1pt}" + "\n\n"
    result = compiled(tmp_path, wide + slightly + r"\ref{sec:none} \cite{nobody}")
    assert [box.points for box in result.overfull] == [12.5] and "lines" in result.overfull[0].where
    assert result.undefined == ("sec:none", "nobody") and result.errors == ()
    assert result.pdf is not None and not clean(result)
    assert [box.points for box in compiled(tmp_path, wide + slightly, overfull_points=1.0).overfull] == [12.5, 4.0]


@pytest.mark.slow
@needs_tex
def test_an_error_names_the_line_and_leaves_the_old_pdf(tmp_path):
    good = compiled(tmp_path, "good")
    assert clean(good) and good.pdf is not None
    before = good.pdf.read_bytes()
    bad = compiled(tmp_path, "\n\\undefinedcommand")
    assert bad.pdf is None and bad.errors == ("./main.tex:4: Undefined control sequence.",)
    assert (tmp_path / "main.pdf").read_bytes() == before


@needs_tex
@pytest.mark.parametrize(
    ("body", "marker"),
    [
        (r"\immediate\write18{touch PWNED}", None),
        (r"\newread\f\openin\f=SECRET \ifeof\f closed\else\read\f to\x\typeout{\meaning\x}\fi", None),
        (r"\input{parts/link}", "not found"),
        (r"\newwrite\f\immediate\openout\f=../pwned \immediate\write\f{x}\immediate\closeout\f", "can't write"),
    ],
)
def test_hostile_documents_are_harmless(tmp_path, body, marker):
    secret, pwned, folder = tmp_path / "secret.tex", tmp_path / "pwned", tmp_path / "report"
    secret.write_text("TOPSECRET")
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "link.tex").symlink_to(secret)
    result = compiled(folder, "x " + body.replace("SECRET", str(secret)).replace("PWNED", str(pwned)))
    assert "TOPSECRET" not in result.log
    if result.pdf is not None:
        assert "TOPSECRET" not in text_of(result.pdf)
    assert marker is None or any(marker in error for error in result.errors), result.errors
    assert {entry.name for entry in tmp_path.iterdir()} == {"secret.tex", "report"}
    assert {entry.name for entry in folder.iterdir()} <= {"main.tex", "main.pdf", "parts"}


@needs_tex
@pytest.mark.slow
def test_endless_documents_are_ended(tmp_path):
    before = time.monotonic()
    result = compiled(tmp_path, r"\loop\newpage\null\iftrue\repeat", timeout=2.0)
    assert result.pdf is None and result.errors == ("TeX did not finish within 2 s",)
    assert time.monotonic() - before < 20
    assert [entry.name for entry in tmp_path.iterdir()] == ["main.tex"]


@needs_tex
def test_a_file_without_end_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("sdescent.reports.document.pdf._FILE_BLOCKS", 2000)
    endless = r"\newwrite\f\immediate\openout\f=big.txt \loop\immediate\write\f{" + 2000 * "x" + r"}\iftrue\repeat"
    result = compiled(tmp_path, endless, timeout=60.0)
    assert result.pdf is None and result.errors and "finish within" not in result.errors[0]
