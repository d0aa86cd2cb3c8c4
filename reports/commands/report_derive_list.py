"""The commands report, derive and list, and helpers that other commands share."""

import errno
import json
import os
import secrets
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from sdescent.derive.reading.experiments import SOLVE_KEYS
from sdescent.derive.reading.problems import KEYS, Problem, problem, read_problem
from sdescent.derive.reading.toml_file import as_written, read_keys
from sdescent.derive.theorems.literature import files
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.files import require_no_link, require_replaceable
from sdescent.derive.vocabulary.plugin_loading import modules, named
from sdescent.derive.vocabulary.registry import BUILT_IN_STATISTICS, KINDS, entries
from sdescent.reports.store.files import make_folder, one_line

#: bytes that must be free: a small report needs half as many, a full one several times as many
LEAST_ROOM = 2**20
#: folders and files that a report writes
_FOLDERS, _FILES = (
    ("results", "parts", "figures", "certificates"),
    ("report.tex", "report.html", "report.pdf", "details.tex", "details.pdf", "claims.json", "references.bib"),
)


def print_json(value: Any) -> None:
    """Print `value` on standard output as JSON, in ASCII, which every terminal and every pipe accepts."""
    print(json.dumps(value, indent=2, allow_nan=False))


def print_lines(texts: Iterable[str], limit: int = 10_000, file: TextIO | None = None) -> None:
    """Print each text on one line of at most `limit` characters, by default on standard output."""
    for text in texts:
        print(one_line(text, limit), file=file)


def option_name(field: str) -> str:
    """The name of a problem's field on the command line."""
    return "METHOD" if field == "method" else f"--{field}"


def problem_of_options(fields: Mapping[str, str | None]) -> Problem:
    """The problem that the options state, which override the keys of a file for the method. Raises BadInput, OSError."""
    method = fields.get("method")
    if method is None or not method.endswith(".toml"):
        return problem(fields, option_name)
    options = {key: value for key, value in fields.items() if key != "method" and value is not None}
    table = read_keys(path_of(method, "FILE.toml"), (*KEYS, *SOLVE_KEYS))
    table = {key: value for key, value in table.items() if key in KEYS and not (key == "models" and "model" in options)}
    with as_written():
        return problem({**table, **options}, lambda field: option_name(field) if field in options else field)


def derive(as_json: bool, **fields: str | None) -> int:
    """`sdescent derive`: return 0, or 3 if drift and covariance have no closed form, not even conditional on a client's message."""
    chosen = problem_of_options(fields)
    from sdescent.derive.derivation import sde

    equation = sde(chosen.method, chosen.models[0], chosen.loss, chosen.dim)
    if as_json:
        print_json({**equation.to_dict(), **named()})
    else:
        from sdescent.reports.commands import terminal

        terminal.show(terminal.Console(), equation, chosen.specs)
    return 0 if equation.explicit else 3


def registered() -> dict[str, list[dict[str, Any]]]:
    """All registered names with their parameters, by kind."""
    return {
        kind: [
            {
                "name": entry.name,
                "summary": entry.summary,
                "from": None if entry.owner is None else one_line(Path(entry.owner).name),
                "parameters": [
                    {
                        "name": p.name,
                        "accepted": p.accepted,
                        "default": p.default,
                        "several": "per client" if p.per_client else "per coordinate" if p.per_coordinate else None,
                    }
                    for p in entry.parameters
                ],
            }
            for entry in entries(kind).values()
        ]
        for kind in KINDS
    } | {"theorem": [*_literature(), *_own_theorems()]}


def _literature() -> Iterator[dict[str, Any]]:
    """The theorems of the literature that theorem files state, with the sources that the files name."""
    for id, path in files().items():
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        yield {"name": id, "summary": f"{table['title']}; {table['source']}", "from": None, "parameters": []}


def _own_theorems() -> list[dict[str, Any]]:
    """The user's own theorems; if there are none, nothing heavy is loaded."""
    if not any(hasattr(module, "ENTRIES") for module in modules()):
        return []
    from sdescent.derive.theorems.catalogue import of_plugins

    return [{"name": e.id, "summary": e.title, "from": name, "parameters": []} for name, e in of_plugins()]


def list_registered(as_json: bool) -> int:
    """`sdescent list`: print the registered names and return 0."""
    if as_json:
        print_json(registered())
        return 0
    from sdescent.reports.commands.terminal import Console, table

    console = Console()
    for kind, listed in registered().items():
        names = [e["name"] for e in listed]
        words = [e["summary"] + (f" (from {e['from']})" if e["from"] else "") for e in listed]
        if kind == "theorem":
            title = "Theorems of the literature, and of your own; check without an id lists those of the paper too"
            table(console, title, ("id", "what it is"), list(zip(names, words, strict=True)))
            continue
        values = ["\n".join(f"{p['name']}: {p['accepted']}" for p in e["parameters"]) for e in listed]
        rows = list(zip(names, values, words, strict=True))
        if kind == "statistic":
            always = BUILT_IN_STATISTICS | {"x1, x2, ..": "coordinates of x"}
            rows = [*((name, "", summary) for name, summary in always.items()), *rows]
        title = "Losses" if kind == "loss" else f"{kind.capitalize()}s"
        table(console, title, ("name", "values", "what it is"), rows)
    console.print(
        "Values are exact rationals (1/2), plain decimals (0.25) or names of symbols. A value left out is a symbol of "
        "that name. A scale may differ between clients: gaussian:sigma=1|2|3.",
        highlight=False,
    )
    return 0


def data_folders(options: Sequence[str]) -> dict[str, dict[str, str]]:
    """The data sets of `--data NAME=DIR` by name: the folder, and a digest of its data. Raises BadInput, OSError."""
    folders: dict[str, dict[str, str]] = {}
    for text in options:
        name, _, folder = text.partition("=")
        if name != "cifar10":
            raise unknown_name("--data", name, ["cifar10"])
        if name in folders or not folder:
            raise BadInput("--data", text, f"one folder, as in {name}=DIR")
        from sdescent.numerics.tasks.cifar10 import load_cifar10

        path = path_of(folder, "--data").absolute()
        folders[name] = {"folder": str(path), "digest": load_cifar10(path)[2]}
    return folders


def report(spec: str | None, out: str, quick: bool, only: str | None, data: Sequence[str] | None, as_json: bool) -> int:
    """`sdescent report`: return 0, or 1 if a check fails, a model of the user does not exist, or a claim of the user is refuted.

    The report is written in either case. Raises BadInput, and OSError if the specification or the folder cannot be used.
    """
    user_problem = None if spec is None else read_problem(path_of(spec, "SPEC.toml"))
    folder = path_of(out, "--out")
    if data and spec is not None:
        raise BadInput("--data", data[0], "no data with a problem of your own, which reads none")
    folders = data_folders(data or ())
    from sdescent.reports.assembly.plan import Plan
    from sdescent.reports.commands.progress import Progress

    with writable(folder, _FOLDERS, _FILES), Progress(sys.stderr, Plan(user_problem, quick, only).duration) as progress:
        build_report = import_module("sdescent.reports.assembly.report").build_report
        result = build_report(user_problem, folder, quick, only, progress, folders)
    if as_json:
        print_json(result)
    else:
        if result["ledger"]:
            from sdescent.reports.commands import terminal

            terminal.show_ledger(terminal.Console(), result["ledger"])
        for name, path in result["files"].items():
            print(f"{name}: {one_line(path, 10_000)}")
        print_lines([*result["notes"], *_answered_no(result["statuses"])], 1000, sys.stderr)
    return 1 if _answered_no(result["statuses"]) else 0


def _answered_no(statuses: Mapping[str, str]) -> list[str]:
    """One line each for models that do not exist, checks that failed, and claims of the user that are refuted or contradicted."""
    lines = {
        "contradicted": ("contradicted: {}; numbers contradict a proof, and the report says which", ", "),
        "refused": ("refused: the {} model; the report says why", " and the "),
        "FAILS": ("failed: {}; the report says where", ", "),
        "refuted": ("refuted: {}; the report has the counterexamples", ", "),
    }
    names = {kind: [name for name, status in statuses.items() if status == kind] for kind in lines}
    return [line.format(between.join(names[kind])) for kind, (line, between) in lines.items() if names[kind]]


def path_of(text: str, field: str) -> Path:
    """The path that an option names. Raises BadInput if the text is none."""
    if not text or "\0" in text:
        raise BadInput(field, text, "a path")
    return Path(text)


def output_file(text: str, field: str) -> Path:
    """The path of the output file that an option names (else BadInput): a new file, or an existing one that will be replaced.

    OSError for a symbolic link: following it could overwrite a file that nobody named, and replacing it would surprise whoever
    made it (and could replace /dev/stdout); for an input or anything else but a file; and for a folder that cannot be written.
    """
    path = path_of(text, field)
    require_writable(path.parent)
    require_no_link(path, "remove it, or give the name of the file that it points to")
    require_replaceable(path)
    return path


def certificate_path(path: Path, certificate: str | None) -> Path:
    """The path for the certificate of a file: the option's, or one beside the file. Raises as `output_file`."""
    beside = path.with_name(f"{path.stem}.cert.json")
    return beside if certificate is None else output_file(certificate, "--certificate")


def equations(values: Mapping[str, Any]) -> str:
    """The values as equations, such as "x = 1, y = 2"."""
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def require_writable(folder: Path) -> None:
    """Raise OSError if, by the permissions, no files can be created in a folder, which need not exist and is not created here."""
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    there.stat()  # raises if this is a link that leads nowhere
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))


@contextmanager
def writable(folder: Path, folders: Sequence[str], files: Sequence[str]) -> Iterator[None]:
    """Create the folder and test that these names in it can be written (OSError), so that minutes of work are not lost at the end.

    The folder may be a symbolic link, since the user named it. A folder inside may not be one: files would be written and removed
    in a place that nobody named. If the block raises, new folders that are still empty are removed.
    """
    inside = [folder / name for name in folders]
    new = [path for path in (*inside, folder, *folder.parents) if not os.path.lexists(path)]
    try:
        for path in inside:
            require_no_link(path, "remove it, or name another folder")
        for path in (folder, *(path for path in inside if path not in new)):
            _try_to_write(path)
        for path in (folder / name for name in files):
            require_replaceable(path)
        yield
    except BaseException:
        for path in new:
            with suppress(OSError):
                path.rmdir()
        raise


def _try_to_write(folder: Path) -> None:
    path = folder / f".try.{secrets.token_hex(6)}.part"
    try:
        make_folder(folder)
        with path.open("xb") as file:
            path.unlink()  # at once, so that a process killed while writing leaves nothing behind
            file.write(bytes(LEAST_ROOM))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        error.filename, error.filename2 = str(folder), None
        raise
