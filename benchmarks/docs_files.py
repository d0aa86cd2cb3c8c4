"""`python -m benchmarks.docs_files [--against COMMIT]`: processor seconds of claim, prove and audit on the files of the pages.

Every TOML block of `docs/` that one of the three commands reads is run by it, three times unless told otherwise. Seconds are those
of the command and its workers, user and system. With a commit the files are those of its pages, run by its code and by this one
in turn; what one of the two refuses is named and left out.
Exit status 1 when the sum of the medians is more than a tenth above that of the commit.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(
    r"^(?:<!-- file: (?P<name>\S+) -->\n(?:<!-- .* -->\n)*)?```(?P<language>toml|python)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
#: commits before there was one package have `reports` beside the others; a traceback would end with the status of an answer no
COMMAND = """
import sys
try:
    from sdescent.reports.cli import main
except ModuleNotFoundError:
    from reports.cli import main
sys.exit(main(sys.argv[1:]))
"""
#: the most that a sum may grow
MOST = 1.1


def command_of(text: str) -> str | None:
    """The command that reads a file, by its keys; None where it is none of the three."""
    claim, method, assume, many, stated = (
        re.search(pattern, text, re.MULTILINE)
        for pattern in (r"^claim *=", r"^(method *=|\[method\])", r"^assume *=", r"^\[\[", r"^\[claimed\]")
    )
    if claim and not many:
        return "prove" if method and assume else None if method else "claim"
    return "audit" if stated else None


def files(root: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """(command, file) of every block of its pages; each page has a folder, with the Python files of its blocks."""
    for page in sorted((root / "docs").rglob("*.md")):
        page_folder = folder / page.stem
        page_folder.mkdir()
        for n, block in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8"))):
            toml, text = block["language"] == "toml", block["text"]
            if block["name"] or toml:
                path = page_folder / f"{n}-{block['name'] or 'block.toml'}" if toml else page_folder / block["name"]
                path.write_text(text, encoding="utf-8")
                if toml and (command := command_of(text)):
                    yield command, path


def seconds(root: Path, command: str, path: Path) -> float:
    """Processor seconds of one run by the code of a folder.

    Raises:
        RuntimeError: the command answers neither yes nor no.
    """
    environment = {**os.environ, "PYTHONPATH": str(root), "JAX_PLATFORMS": "cpu"}
    words = [sys.executable, "-c", COMMAND, command, str(path), "--json"]
    child = subprocess.Popen(words, cwd=path.parent, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stderr is not None
    complaint = child.stderr.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1, 3, 4):
        raise RuntimeError(f"{command} {path.name} by {root}: exit status {child.returncode}, left out; {complaint}")
    return usage.ru_utime + usage.ru_stime


def main(arguments: list[str]) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.docs_files", description="Processor seconds on the files of the pages."
    )
    parser.add_argument("--against", metavar="COMMIT", help="a commit whose code runs the same files")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder, trees = Path(temporary), {"this": ROOT}
        if options.against:
            trees[options.against] = folder / "tree"
            archive = subprocess.run(["git", "archive", options.against], cwd=ROOT, capture_output=True, check=True)
            trees[options.against].mkdir()
            subprocess.run(["tar", "-x", "-C", str(trees[options.against])], input=archive.stdout, check=True)
        totals = dict.fromkeys(trees, 0.0)
        print(f"{'file':60}" + "".join(f"{name[:12]:>14}" for name in trees))
        (folder / "pages").mkdir()
        for command, path in files(list(trees.values())[-1], folder / "pages"):
            durations: dict[str, list[float]] = {name: [] for name in trees}
            try:
                for name, root in list(trees.items()) * options.repetitions:
                    durations[name].append(seconds(root, command, path))
            except RuntimeError as error:
                print(error)
                continue
            medians = {name: statistics.median(values) for name, values in durations.items()}
            totals = {name: total + medians[name] for name, total in totals.items()}
            label = f"{command} {path.parent.name}/{path.name}"
            print(f"{label:60}" + "".join(f"{value:14.2f}" for value in medians.values()), flush=True)
    print(f"{'all':60}" + "".join(f"{value:14.2f}" for value in totals.values()))
    if not options.against:
        return 0
    ratio = totals["this"] / totals[options.against]
    print(f"ratio {ratio:.3f}, at most {MOST}")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
