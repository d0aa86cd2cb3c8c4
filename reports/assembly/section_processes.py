"""Computation of sections in several processes, each drawn once per result. Most of the time is spent on compilation."""

import hashlib
import importlib.metadata
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.plugin_loading import elsewhere, load_elsewhere
from sdescent.derive.vocabulary.subprocesses import python
from sdescent.numerics.backend.kept_programs import store
from sdescent.reports.assembly.plan import PROCESSES, Plan, section_of
from sdescent.reports.sections.base import Inputs, Section
from sdescent.reports.store.cache import ResultsCache
from sdescent.reports.store.files import write_atomic

#: the folders of a report for files that sections write, besides the parts
FOLDERS = ("figures", "certificates")


def draw(section: Section, result: dict[str, Any], folder: Path, key: str) -> bool:
    """Write a section's files, unless those of this result, identified by `key`, are there; return whether they were written."""
    stamp = folder / "results" / f"drawn-{section.name}.json"
    identity = {"key": key, "matplotlib": importlib.metadata.version("matplotlib")}
    if _unchanged(stamp, identity, folder):
        return False
    files = {}
    stamp.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=stamp.parent) as scratch:  # one each: sections are drawn in parallel
        section.figures(result, Path(scratch) / "figures")
        for path in sorted(path for name in FOLDERS for path in (Path(scratch) / name).glob("*") if path.is_file()):
            name = path.relative_to(scratch).as_posix()
            files[name] = _digest(path)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            path.replace(folder / name)
    write_atomic(stamp, json.dumps({**identity, "files": files}, indent=1, sort_keys=True) + "\n")
    return True


def _unchanged(stamp: Path, identity: dict[str, str], folder: Path) -> bool:
    try:
        record = json.loads(read_regular(stamp))
        files = record.pop("files")
        return record == identity and all(_digest(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(read_regular(path)).hexdigest()


#: seconds between checks for an interrupt, and for a worker to store its compiled programs
_PATIENCE, _STORING = 0.5, 20.0

#: (section, one of its pieces or None for the whole section)
Task = tuple[str, str | None]


class WorkerFailed(RuntimeError):
    """Raised for a section that could not be computed; the message contains the worker's traceback or exit status."""


def load_or_compute(section: Section, context: Inputs, spec: dict[str, Any], spent: float = 0.0) -> dict[str, Any]:
    """The result of a section under `spec`, loaded, or computed and stored with the seconds spent on it and its pieces."""

    def timed() -> dict[str, Any]:
        started = time.monotonic()
        return {**section.compute(context), "seconds": round(spent + time.monotonic() - started, 1)}

    return context.cache.load_or_compute(section.name, spec, timed)


def compute(names: Sequence[str], folder: Path, spec: dict[str, Any], plan: Plan) -> tuple[list[str], list[str]]:
    """Compute and store sections of the report on the paper's claims, several at a time; return labels of loaded, damaged results.

    The tasks (sections or pieces) with the longest expected duration begin first. `spec` is in the key of every result; its
    "quick" is passed on. `plan` receives the announcements, in the calling thread. Raises WorkerFailed if a section fails or a
    worker dies, OSError and MemoryError from a worker, and KeyboardInterrupt after the workers have ended; stored results remain.
    """
    pieces = {name: section_of(name).pieces for name in names}
    remaining = {name: len(those) for name, those in pieces.items()}
    tasks: list[Task] = [(name, piece) for name in names for piece in pieces[name] or (None,)]
    tasks.sort(key=lambda task: plan.seconds_of(task[0]) / max(1, remaining[task[0]]), reverse=True)
    answers: queue.Queue[tuple[int, dict[str, Any] | None]] = queue.Queue()
    spent = dict.fromkeys(names, 0.0)
    computed, reused, damaged = set[str](), set[str](), set[str]()
    with _crew(min(PROCESSES, len(tasks)), folder, spec, answers) as crew:
        busy: dict[int, Task] = {}

        def give(n: int) -> None:
            if tasks:
                busy[n] = tasks.pop(0)
                _give(crew[n], *busy[n], spent[busy[n][0]])

        for n in range(len(crew)):
            give(n)
        while busy:
            try:
                n, line = answers.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
            if n not in busy:
                continue
            name, piece = busy[n]
            if line is None:
                raise WorkerFailed(f"the process that computed the section {name} ended: status {crew[n].wait()}")
            if "tick" in line:
                plan.tick(name, line["tick"])
            elif "missing" in line:
                raise _missing(line)
            elif "failed" in line:
                raise WorkerFailed(f"section {name}: {line['failed']}")
            else:
                del busy[n]
                for labels, kind in ((computed, "stored"), (reused, "reused"), (damaged, "damaged")):
                    labels.update(line[kind])
                spent[name] += line["seconds"]
                if piece is None:
                    plan.end(name)
                else:
                    remaining[name] -= 1
                    if not remaining[name]:
                        tasks.insert(0, (name, None))
                give(n)
    return sorted(reused - computed), sorted(damaged)


@contextmanager
def _crew(
    count: int, folder: Path, spec: dict[str, Any], answers: queue.Queue[tuple[int, dict[str, Any] | None]]
) -> Iterator[list[subprocess.Popen[str]]]:
    """Workers that wait for tasks, read by threads into `answers`; at the end the idle store their programs, and all are killed."""
    plugins = json.dumps(elsewhere() or [])
    program = "from sdescent.reports.assembly.section_processes import main; main()"
    command, environment = python("-c", program, str(folder), json.dumps(spec), plugins)
    crew: list[subprocess.Popen[str]] = []
    pipe = subprocess.PIPE
    try:
        for n in range(count):
            worker = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", env=environment)
            crew.append(worker)
            threading.Thread(target=_listen, args=(n, worker.stdout, answers), daemon=True).start()
        yield crew
        for worker in crew:
            assert worker.stdin is not None  # it was opened as a pipe
            worker.stdin.close()  # the worker has no more tasks
        for worker in crew:
            with suppress(subprocess.TimeoutExpired):
                worker.wait(_STORING)
    finally:
        for worker in crew:
            worker.kill()
        for worker in crew:
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                with suppress(OSError):
                    if stream is not None:
                        stream.close()


def _listen(n: int, stream: TextIO | None, answers: queue.Queue[tuple[int, dict[str, Any] | None]]) -> None:
    with suppress(ValueError, OSError):  # the stream may be closed meanwhile
        for line in stream or ():
            answers.put((n, json.loads(line)))
    answers.put((n, None))


def folders_of(spec: dict[str, Any]) -> dict[str, str]:
    """The folder of each data set of the user, by name, from the specification of a report."""
    return {name: data["folder"] for name, data in spec.get("data", {}).items()}


def _missing(line: dict[str, Any]) -> OSError | MemoryError:
    words = line["words"]
    return MemoryError(words) if line["missing"] == "memory" else OSError(line["errno"], words, line["name"])


def _give(worker: subprocess.Popen[str], section: str, piece: str | None, spent: float) -> None:
    print(json.dumps({"section": section, "piece": piece, "spent": spent}), file=worker.stdin, flush=True)


def main() -> None:
    """Run a worker. Its command-line arguments are the folder of the results, the specification and the plugins, both as JSON."""
    import signal
    import traceback

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    words = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # the output of libraries must not mix with the answers

    def say(**line: Any) -> None:
        try:
            words.write(json.dumps(line) + "\n")
        except BrokenPipeError:
            os._exit(1)

    folder, spec = Path(sys.argv[1]), json.loads(sys.argv[2])
    load_elsewhere(json.loads(sys.argv[3]))
    for line in sys.stdin:
        started, task = time.monotonic(), json.loads(line)
        section, piece = section_of(task["section"]), task["piece"]
        announcing = piece is not None or not section.pieces
        if piece == next(iter(section.pieces), None):  # the first piece announces the section
            say(tick=section.title)
        try:
            cache = ResultsCache(folder)
            context = Inputs(
                spec["quick"], None, cache, lambda label, to=announcing: say(tick=label) if to else None,
                data=folders_of(spec),
            )  # fmt: skip
            if piece is None:
                result = load_or_compute(section, context, spec, task["spent"])
                draw(section, result, folder.parent, cache.path(section.name, spec).name)
            else:
                with suppress(Refusal):  # `compute` reports it
                    section.prepare(piece, context)
        except OSError as error:
            say(missing="file", errno=error.errno, words=error.strerror, name=error.filename)
        except MemoryError as error:
            say(missing="memory", words=str(error))
        except Exception:
            say(failed=traceback.format_exc())
        else:
            say(stored=cache.computed, reused=cache.reused, damaged=cache.damaged, seconds=time.monotonic() - started)
    store()
    os._exit(0)  # XLA's threads need not be joined
