r"""Conversion of TeX into PDF: it runs pdfTeX in a sandbox on a copy of the documents, and reads the logs.

TeX may read only its own distribution and the copy, and write only into the copy. There is no shell and no path outside, and time
and file sizes are limited. The document's text is escaped already (`sdescent.reports.document.tex`); the sandbox is a second
safeguard, against a template or a user's macro file that misbehaves. One gap remains in pdfTeX itself: its primitives that embed a
file in the PDF (`\pdfobj`, `\pdfximage`) ignore openin_any, so the files that they read end up in the PDF.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from sdescent.reports.store.files import one_line, write_atomic

REQUIRED_PACKAGES = (
    "amsmath", "amssymb", "amsthm", "mathtools", "booktabs", "hyperref", "graphicx", "microtype", "lmodern",
)  # fmt: skip
MACTEX = "/Library/TeX/texbin"
INSTALL_HINT = (
    "Debian: apt-get install texlive-latex-recommended texlive-latex-extra lmodern; macOS: MacTeX or BasicTeX"
)

_TEXT = frozenset((".tex", ".bib", ".bst", ".sty", ".cls"))
_PICTURES = frozenset((".pdf", ".png", ".jpg", ".jpeg"))
_PASSES = 5
_FILE_BLOCKS = 400_000  # blocks of 512 bytes, 200 MB, for one file
_LOG_BYTES = 5_000_000


@final
@dataclass(frozen=True)
class Absent:
    """TeX or pandoc is missing on this machine; `message` is one line that says what to install."""

    message: str


@final
@dataclass(frozen=True)
class Overfull:
    """A box that is `points` pt (1 pt = 1/72.27 inch) too wide or too high; `where` is the place in TeX's words."""

    points: float
    where: str


@final
@dataclass(frozen=True)
class CompileResult:
    """The PDF, or None with one-line errors, undefined references, the log (5 MB), and boxes beyond the limit, largest first."""

    pdf: Path | None
    errors: tuple[str, ...]
    undefined: tuple[str, ...]
    overfull: tuple[Overfull, ...]
    log: str


def compile_together(
    mains: Sequence[str | os.PathLike[str]],
    *,
    folders: Sequence[str] = ("parts", "figures"),
    timeout: float = 120.0,
    overfull_points: float = 5.0,
) -> tuple[CompileResult, ...] | Absent:
    """Compile LaTeX files of one folder, which may refer to each other's labels (package xr), to PDFs next to them.

    TeX files and bibliographies in that folder, and also pictures in its sub-folders `folders`, are copied to a fresh folder;
    links are left out. pdfTeX runs there on each document in turn until references are stable, at most five times within
    `timeout`, and BibTeX after the first pass if a document needs it. Finally the complete PDFs are copied back, or none. Boxes
    too large by more than `overfull_points` pt are reported. OSError; ValueError for a file name with more than letters, digits,
    '.', '_', '-', or not of the form [^.-]*.tex.
    """
    sources = [Path(main) for main in mains]
    for source in sources:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*\.tex", source.name):
            raise ValueError(
                f"a TeX file's name is made of letters, digits, '.', '_', '-': not {one_line(source.name)}"
            )
    pdftex = _find("pdflatex")
    if pdftex is None:
        return Absent(f"{sources[0].stem}.pdf was not made: pdflatex was not found ({INSTALL_HINT})")
    results: list[CompileResult] = []
    with tempfile.TemporaryDirectory(prefix="sdescent-tex-") as name:
        work = Path(name)
        for source in sources:
            _copy(source, folders, work)
        ran = _run_passes(pdftex, [source.stem for source in sources], work, time.monotonic() + timeout)
        for source in sources:
            log = ""
            with contextlib.suppress(FileNotFoundError), (work / f"{source.stem}.log").open("rb") as file:
                log = file.read(_LOG_BYTES).decode("utf-8", errors="replace")
            output = work / f"{source.stem}.pdf"
            # A failed run can leave the PDF of an earlier pass, or half a PDF.
            pdf = source.with_suffix(".pdf") if ran == "ok" and output.is_file() else None
            if pdf is not None:
                write_atomic(pdf, output.read_bytes())
            errors = log_errors(log)
            if pdf is None and not errors:
                late = ran == "timeout"
                errors = (f"TeX did not finish within {timeout:g} s" if late else "TeX stopped without a PDF",)
            results.append(CompileResult(pdf, errors, log_undefined(log), log_overfull(log, overfull_points), log))
    return tuple(results)


def tex_packages_missing(
    packages: Sequence[str] = REQUIRED_PACKAGES, timeout: float = 60.0
) -> tuple[str, ...] | Absent:
    """The LaTeX packages among `packages` that this machine's TeX does not find; `Absent` if TeX is missing or too slow."""
    finder = _find("kpsewhich")
    if finder is None or _find("pdflatex") is None:
        return Absent(f"pdflatex was not found ({INSTALL_HINT})")
    command = [finder, *(f"{package}.sty" for package in packages)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return Absent(f"kpsewhich did not answer within {timeout:g} s")
    present = {Path(line).name for line in done.stdout.splitlines()}
    return tuple(package for package in packages if f"{package}.sty" not in present)


def log_errors(log: str) -> tuple[str, ...]:
    """The errors in a log written with -file-line-error, in order, each once."""
    messages = re.findall(r"^(?:!|[^\s:]+:\d+:) .+$", log, flags=re.MULTILINE)
    lines = [one_line(line) for line in messages if "==> Fatal error occurred" not in line]
    return tuple(dict.fromkeys(lines))


def log_undefined(log: str) -> tuple[str, ...]:
    """The references and citations that stay undefined according to a log, each once."""
    pattern = r"(?:Reference|Citation) [`']([^']*)' (?:on page \S+ )?undefined"
    return tuple(dict.fromkeys(one_line(key) for key in re.findall(pattern, log)))


def log_overfull(log: str, more_than: float = 5.0) -> tuple[Overfull, ...]:
    """The boxes that are too large by more than `more_than` pt according to a log, largest first."""
    pattern = r"^Overfull (\\[hv]box) \((\d+(?:\.\d+)?)pt too (?:wide|high)\) ?(.*)\n?(.*)$"
    boxes = [
        Overfull(float(points), one_line(f"{kind} {where} {text}".strip()))
        for kind, points, where, text in re.findall(pattern, log, flags=re.MULTILINE)
        if float(points) > more_than
    ]
    return tuple(sorted(boxes, key=lambda box: -box.points))


def _find(program: str) -> str | None:
    # MacTeX's folder is only on the search path of a login shell.
    return shutil.which(program) or shutil.which(program, path=MACTEX)


def _copy(source: Path, folders: Sequence[str], work: Path) -> None:
    # Pictures come only from the sub-folders, since the user's folder may contain gigabytes of unrelated PDFs.
    targets = {source.parent: (work, _TEXT)} | {source.parent / f: (work / f, _TEXT | _PICTURES) for f in folders}
    shutil.copyfile(source, work / source.name)
    for origin, (target, suffixes) in targets.items():
        # A missing sub-folder is fine, and a link is skipped since it could lead anywhere on this machine.
        if target != work and (origin.is_symlink() or not origin.is_dir()):
            continue
        target.mkdir(parents=True, exist_ok=True)
        for entry in origin.iterdir():
            if entry.suffix in suffixes and entry.is_file() and not entry.is_symlink():
                shutil.copyfile(entry, target / entry.name)


def _run_passes(pdftex: str, stems: Sequence[str], work: Path, deadline: float) -> str:
    """Run pdfTeX until the auxiliary files no longer change; return "ok", "failed" or "timeout"."""
    command = [pdftex, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "-file-line-error"]
    bibtex = _find("bibtex")
    before = None
    for turn in range(_PASSES):
        for stem in stems:
            if (ran := _run([*command, f"{stem}.tex"], work, deadline)) != "ok":
                return ran
        if turn == 0 and bibtex and b"\\bibdata" in _auxiliary(work):
            # BibTeX's complaints appear in the next pass as undefined citations.
            if any(_run([bibtex, stem], work, deadline) == "timeout" for stem in stems):
                return "timeout"
        elif _auxiliary(work) == before:
            return "ok"
        before = _auxiliary(work)
    return "ok"


def _auxiliary(work: Path) -> bytes:
    files = (file for file in sorted(work.rglob("*")) if file.suffix in (".aux", ".toc", ".out"))
    return b"\0".join(file.read_bytes()[:_LOG_BYTES] for file in files)


def _run(command: Sequence[str], work: Path, deadline: float) -> str:
    # The shell sets the limit: Python's own hook for this runs between fork and exec, which is unsafe with JAX's threads.
    limited = ["/bin/sh", "-c", f'ulimit -f {_FILE_BLOCKS}; exec "$0" "$@"', *command]
    with subprocess.Popen(
        limited,
        cwd=work,
        env=_locked_in(os.environ, work),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            return "ok" if child.wait(max(deadline - time.monotonic(), 0.0)) == 0 else "failed"
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            # This also happens on an interrupt from the keyboard, and to every process that pdfTeX started itself.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)


def _locked_in(outer: Mapping[str, str], work: Path) -> dict[str, str]:
    return {
        **outer,
        "shell_escape": "f",
        "openin_any": "p",
        "openout_any": "p",
        "TEXMFOUTPUT": str(work),
        # Otherwise TeX would break long log lines in the middle of a message.
        "max_print_line": "10000",
        "error_line": "254",
        "half_error_line": "238",
    }
