"""Pages of the documentation as programs: their blocks are run in order in one folder, their links are followed.

A fenced block is what its language says:

    sh      each line is a command, and must end with status 0
    python  runs in one session a page, warnings are errors
    toml    is read by the parser that it is for
    text    is what the block before it prints; "..." stands for anything in a line, a line "..." for any lines
    tex     is a file for TeX, which a command of the page reads

Comments directly above a block are marks: `<!-- file: NAME -->` it is a file of this name, `<!-- exit: N -->` the status of
its command, `<!-- needs: PROGRAM -->` what it cannot run without. A block that
is not run says so to the reader, in the line above it: *Not run by the tests: REASON.* The two commands that the README marks
with `<!-- command: NAME -->` are run by .ci/run, which sets everything up again.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sdescent.derive.reading.sweeps.panels import check
from sdescent.derive.reading.sweeps.plans import Sweep
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.processors import VARIABLE
from sdescent.toml_files import load
from tests.support.commands.own_pieces import forgotten
from tests.support.commands.page_process import PageProcess

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
LANGUAGES = ("sh", "python", "toml", "text", "tex")
MARKS = ("command", "file", "exit", "needs")
EXEMPT = re.compile(r"\*Not run by the tests: (\S.*\S)\.\*")
#: seconds for one block
SECONDS = 300
_FENCE = re.compile(r"(`{3,})(.*)")
_MARK = re.compile(r"<!-- (\w+)(?:: (.*?))? -->")


class PageError(AssertionError):
    """A page says what is not so; the message begins with the place."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, its text, its marks, and the reason why it is not run, if it is not."""

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)
    exempt: str = ""

    def error(self, message: str) -> PageError:
        return PageError(f"{self.page.name}:{self.line}: {message}")


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page.

    Raises:
        PageError: a language or a mark that is not known; a fence that does not end; an output of nothing; a block by indentation.
    """
    lines, found = page.read_text(encoding="utf-8").splitlines(), []
    n = 0
    while n < len(lines):
        fence = _FENCE.fullmatch(lines[n])
        if fence is None:
            if lines[n].startswith("    ") and (n == 0 or not lines[n - 1]):
                raise PageError(f"{page.name}:{n + 1}: an indented block is not run; put it between fences")
            n += 1
            continue
        end = next((k for k in range(n + 1, len(lines)) if lines[k] == fence[1]), None)
        if end is None:
            raise PageError(f"{page.name}:{n + 1}: a block without an end")
        marks, reason, above = {}, "", n - 1
        while above >= 0 and (mark := _MARK.fullmatch(lines[above])):
            marks[mark[1]] = mark[2] or ""
            above -= 1
        while above >= 0 and not lines[above]:
            above -= 1
        if above >= 0 and (said := EXEMPT.fullmatch(lines[above])):
            reason = said[1]
        text = "\n".join(lines[n + 1 : end]) + "\n"
        block = Block(page, n + 1, fence[2].strip(), text, marks, reason)
        if block.language not in LANGUAGES:
            raise block.error(f"the language is {block.language!r}; accepted: {', '.join(LANGUAGES)}")
        if unknown := set(marks) - set(MARKS):
            raise block.error(f"no mark is called {', '.join(sorted(unknown))}")
        if block.language == "text" and (not found or found[-1].language not in ("sh", "python")):
            raise block.error("this is shown as an output, and no command is before it")
        if block.language == "tex" and "file" not in marks and not reason:
            raise block.error("nothing reads this: give the file a name")
        found.append(block)
        n = end + 1
    return found


def plain(text: str) -> list[str]:
    """Lines for comparison: durations are alike, and so is white space at ends."""
    text = re.sub(r"\b\d+(\.\d+)?(?= ?(s|seconds)\b)", "N", text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def agrees(shown: str, printed: str) -> bool:
    """Whether a shown output is the printed one.

    Raises:
        ValueError: the shown one says nothing.
    """
    wanted = plain(shown)
    if not any(re.search(r"\w", line) for line in wanted):
        raise ValueError("the output that is shown says nothing")
    parts = [
        r"(?:.*\n)*?" if line == "..." else ".*?".join(map(re.escape, line.split("..."))) + r"\n" for line in wanted
    ]
    return re.fullmatch("".join(parts), "".join(line + "\n" for line in plain(printed))) is not None


class Session:
    """Runs the blocks of one page in a folder of its own, where `.venv` is the environment of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        # one processor: a sweep or a report then makes no processes of its own, which take longer to start than its work does
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(paths), "SDESCENT": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1",
            VARIABLE: "1",
        }  # fmt: skip
        self._process = PageProcess(folder, environment)

    def close(self) -> None:
        """End the process of the page."""
        self._process.close()

    def run(self, block: Block) -> str:
        """Run a block; what it printed.

        Raises:
            PageError: it fails, or its status is not the one that the page says.
        """
        if "file" in block.marks:
            path = self.folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if block.language == "toml":
            self._read(block)
        elif block.language == "sh":
            return self._shell(block)
        elif block.language == "python" and "file" not in block.marks:
            return self._code(block)
        return ""

    def _read(self, block: Block) -> None:
        path = self.folder / block.marks.get("file", "block.toml")
        path.write_text(block.text, encoding="utf-8")
        try:
            with forgotten():
                content = load(path)
                if isinstance(content, Sweep):
                    check(content)
        except BadInput as error:
            raise block.error(error.message) from error

    def _shell(self, block: Block) -> str:
        wanted = int(block.marks.get("exit", "0"))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text], cwd=self.folder, env=self._process.environment,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False,
        )  # fmt: skip
        if done.returncode != wanted:
            raise block.error(f"status {done.returncode}, not {wanted}\n{done.stdout}{done.stderr}")
        return done.stdout or done.stderr

    def _code(self, block: Block) -> str:
        try:
            printed, error = self._process.run(block.text, SECONDS)
        except EOFError:
            raise block.error(f"Python ended, or did not within {SECONDS} s") from None
        if error:
            raise block.error(error)
        return printed


def run_page(page: Path, folder: Path) -> int:
    """Run the blocks of a page; how many were run or read.

    Raises:
        PageError: at the first block that does not do what the page says.
        LookupError: all others do, and a program that a block needs is not there.
    """
    session, ran, before, missing = Session(folder), 0, None, list[str]()
    try:
        for block in blocks(page):
            if block.language == "text":
                if before is not None and not _same(block, before):
                    raise block.error(f"shown:\n{block.text}\nprinted:\n{before}")
                continue
            before = None
            if block.exempt or "command" in block.marks:
                continue
            absent = [program for program in block.marks.get("needs", "").split() if shutil.which(program) is None]
            if absent:
                missing.append(f"{page.name}:{block.line} needs {', '.join(absent)}")
                continue
            before, ran = session.run(block), ran + 1
    finally:
        session.close()
    if missing:
        raise LookupError("; ".join(missing))
    return ran


def _same(block: Block, printed: str) -> bool:
    try:
        return agrees(block.text, printed)
    except ValueError as error:
        raise block.error(str(error)) from error


def _prose(page: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a page outside its blocks."""
    fence = ""
    for n, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if found := _FENCE.fullmatch(line):
            fence = found[1] if not fence else "" if line == fence else fence
        elif not fence:
            yield n, line


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, made as GitHub makes them."""
    found: set[str] = set()
    for _, line in _prose(page):
        if heading := re.fullmatch(r"#{1,6} +(.+?) *#*", line):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "")
            base = slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            number = 0
            while slug in found:
                number += 1
                slug = f"{base}-{number}"
            found.add(slug)
    return found


def links(page: Path) -> Iterator[tuple[int, str]]:
    """(line, target) of every link and picture."""
    for n, line in _prose(page):
        bare = re.sub(r"`[^`]*`", "`", line)
        yield from ((n, target) for target in re.findall(r"\]\(([^)\s]*)(?: \"[^\"]*\")?\)", bare))
        yield from ((n, target) for target in re.findall(r"(?:src|href)=\"([^\"]*)\"", bare))
        yield from ((n, target) for target in re.findall(r"<(https?:[^>]*)>", bare))


def broken(page: Path, root: Path = ROOT) -> list[str]:
    """What is wrong with the links of a page, and with the paths of this repository that it names in `code`."""
    wrong = []
    for n, target in links(page):
        scheme, host, path, _, anchor = urlsplit(target)
        if scheme or host:
            if scheme != "https" or not re.fullmatch(r"[\w-]+(\.[\w-]+)+", host):
                wrong.append(f"{page.name}:{n}: {target} is no address")
            continue
        to = (page.parent / path).resolve() if path else page
        if not to.is_relative_to(root) or not to.exists():
            wrong.append(f"{page.name}:{n}: there is no {target}")
        elif anchor and anchor not in anchors(to):
            wrong.append(f"{page.name}:{n}: {to.name} has no heading {anchor}")
    tops = "|".join(
        re.escape(p.name) for p in ROOT.iterdir() if p.is_dir() and p.name not in (".git", ".venv", "report")
    )
    for n, line in _prose(page):
        for path in re.findall(rf"`((?:{tops})/[\w./-]*)`", line):
            if not (root / path).exists():
                wrong.append(f"{page.name}:{n}: there is no {path}")
    return wrong
