"""TOML files of every command, and equations of one's own, with edits: read or refused, where it is cheap also planned."""

import contextlib
import io
import json
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from sdescent.derive.audit.equation_in_coordinates import stated
from sdescent.derive.reading.experiments import read_audit, read_experiment
from sdescent.derive.reading.problems import read_problem
from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.derive.reading.sweeps.panels import check
from sdescent.derive.theorems.bounds.stated import read_stated
from sdescent.reports.cli import BAD_INPUT, main
from sdescent.reports.commands.prove_and_suggest import toml_of
from sdescent.toml_files import reader
from tests.support.commands.pages import PAGES, blocks
from tests.support.fuzz.watch import Fault, answered, one_line
from tests.support.hostile_text import TOKENS, noise_text
from tests.support.own_theorems import THEOREMS

#: seconds of reading a file, and a command that reads or plans
SECONDS, COMMAND = 5.0, 20.0
#: points of a sweep that are built
POINTS = 30
NUMBERS = (
    "0", "-0.0", "1", "-1", "2", "3", "7", "64", "65", "1000000", "10000000000", "1e-5", "1e-300", "1e300", "1e400", "-1e-400",
    "inf", "-inf", "nan", "0.1", "0.30000000000000004", "9" * 41, "9" * 5000, "0x7fffffffffffffff", "0b1", "1_000",
    "9223372036854775808", "1979-05-27", "07:32:00", "true", "false",
)  # fmt: skip
TEXTS = (
    "", " ", "0", "1/2", "-1/3", "1/0", "1e3", "N", "d", "eta", "x1", "dsgd", "dcsgd", "adam", "sam:r=1/2",
    "heavy-ball:beta=beta", "sign", "ternary", "rand-k:k=1", "top-k:k=k", "qsgd:s=2", "gaussian:sigma=1|2", "student-t:nu=3",
    "stable:alpha=3/2,sigma=s", "none", "uniform:sigma=0", "quadratic:h=1|2|3", "glued-exponential", "bilinear-game",
    "logistic-regression", "power:p=1/2", "free", "ballistic", "corrected", "second-order", "\u0661", "\u202e", "\x1b[31m",
    "a\nb", "\ud7ff\ue000", "\U0001f600", "\x00", "../..", "/dev/null", "a" * 3000, "change <= V", "smooth: L", "x^64^64",
    "((((((((x))))))))", "exp(" * 40 + "x" + ")" * 40, "1" + "0" * 90, "*", "eta*", "loss", "norm",
)  # fmt: skip
EQUATIONS: tuple[dict[str, Any], ...] = (
    {"state": ["x", "v"], "drift": ["v", "-x - gamma*v"], "diffusion": [["0"], ["sqrt(2*gamma*T)"]], "positive": ["gamma", "T"]},
    {"state": ["x"], "drift": ["-x^3"], "covariance": [["1 + x^2"]]},
    {"state": ["r"], "drift": ["kappa*(theta - r)"], "diffusion": [["sigma*sqrt(r)"]], "positive": ["r", "kappa", "theta", "sigma"],
     "conditions": ["2*kappa*theta > sigma^2"]},
    {"state": ["x1", "x2"], "drift": ["-a*x1", "-exp(-t)*x2"], "covariance": [["s^2", "r*s"], ["r*s", "r^2"]],
     "positive": ["s", "r"]},
)  # fmt: skip
#: of a formula with another one in it, and two letters
FORMS = (
    "({0})^({1})", "({0})*exp({1})", "({0})^2", "{0} + {1}*{2}", "sqrt(({0})^2 + 1)", "({0})/(1 + {1}^2)", "abs({0})", "erf({0})",
    "max({0}, {1})", "sin({0})", "({0})^({1}*{2})", "{1}^({0})", "log(1 + ({0})^2)", "min(exp({0}), {1})", "psi({0})",
)  # fmt: skip
Reader = Callable[[Path], object]


@cache
def seeds() -> list[tuple[str, Reader]]:
    """Files that are read: those of the pages, and theorems."""
    texts = [block.text for page in PAGES for block in blocks(page) if block.language == "toml"]
    plain = [text for text in texts if not re.search(r"^plugins *=", text, re.MULTILINE)]
    return [(text, _few(text)) for text in plain] + [
        (toml_of(theorem), read_stated) for theorem, *_ in THEOREMS.values()
    ]


def _few(text: str) -> Reader:
    """The reader of a file; of a sweep one that builds few points."""
    if re.search(r"^\[\[?sweep\b", text, re.MULTILINE):
        return lambda path: check(read_sweep(path, []), POINTS)
    return reader(tomllib.loads(text))


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """Of this process, in memory where there is such a place; it goes when that ends."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="sdescent-fuzz-", dir=memory if memory.is_dir() else None)


def spec(chance: Random) -> str:
    """A file, or the equation of one's own."""
    if chance.random() < 0.08:
        return equation(chance)
    text, reader = chance.choice(seeds())
    if chance.random() < 0.1:  # a file for another command
        reader = chance.choice([read_stated, read_audit, read_experiment, read_problem, seeds()[0][1]])
    content = edited(chance, text)
    path = Path(folder().name, "spec.toml")
    path.write_bytes(content)
    shown = content[:4000].decode("utf-8", "backslashreplace")

    def ask() -> str:
        try:
            reader(path)
        except OSError:
            return "another file cannot be read"
        return "read"

    return answered(ask, SECONDS, shown)


def edited(chance: Random, text: str) -> bytes:
    """The file with other values, or with its text changed in places, or both."""
    kind = chance.random()
    if kind < 0.85:
        table = tomllib.loads(text, parse_float=Fraction)
        for _ in range(chance.choice((1, 1, 2, 3))):
            changed(chance, table)
        lines = list(toml(table))
        text = "\n".join(lines)
    if kind > 0.78:
        for _ in range(chance.choice((1, 1, 2, 4))):
            start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
            drawn = chance.random()
            own = text[start : min(end, start + 40)]
            piece = chance.choice(TOKENS) if drawn < 0.5 else chance.choice(NUMBERS) if drawn < 0.7 else own
            text = text[:start] + piece + text[min(end, start + chance.choice((0, 0, 1, 8))) :]
    content = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.02:
        place = chance.randrange(len(content) + 1)
        content = content[:place] + bytes(chance.randrange(256) for _ in range(3)) + content[place:]
    return content


class Raw(str):
    """A value as TOML writes it."""


def value(chance: Random, depth: int = 0) -> Any:
    """A value of any type."""
    kind = chance.random()
    if kind < 0.35:
        return Raw(chance.choice(NUMBERS))
    if kind < 0.75:
        return chance.choice(TEXTS) if chance.random() < 0.9 else noise_text(chance)
    if kind < 0.9 or depth > 2:
        return [value(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 3, 70)) if depth < 2 else 1)]
    keys = ("x", "a b", "from", "to", "m", "", "eta", "\u03b7")
    return {chance.choice(keys): value(chance, depth + 1) for _ in range(2)}


def changed(chance: Random, table: dict[str, Any]) -> None:
    """Another value, a key less or more, or a value of another place, somewhere in the table."""
    places = list(_places(table))
    if not places:
        table[chance.choice(TEXTS)] = value(chance)
        return
    holder, key = chance.choice(places)
    kind = chance.random()
    if kind < 0.3:
        holder[key] = value(chance)
    elif kind < 0.5:
        holder[key] = like(chance, holder[key])
    elif kind < 0.6:
        del holder[key]
    elif kind < 0.7:
        other, place = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[place], default=str))
    elif kind < 0.8 and isinstance(holder, dict):
        more = tomllib.loads(chance.choice(seeds())[0], parse_float=Fraction)
        name = chance.choice(list(more))
        holder[name if chance.random() < 0.9 else chance.choice(TEXTS)] = more[name]
    elif isinstance(holder[key], str) and not isinstance(holder[key], Raw):
        text = holder[key]
        start = chance.randrange(len(text) + 1)
        holder[key] = text[:start] + chance.choice((*TOKENS, *TEXTS)) + text[start + chance.choice((0, 1, 3)) :]
    elif isinstance(holder[key], (int, Fraction)):
        holder[key] = holder[key] * chance.choice((0, -1, 1000, 10**9, Fraction(1, 10**9)))
    else:
        holder[key] = [holder[key]]


def like(chance: Random, old: Any) -> Any:
    """A value that might stand in its place."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, (int, Fraction)):
        return Raw(chance.choice(("1", "2", "3", "5", "10", "100", "0.1", "0.5", "0.01", "1.5", "8", "0.25")))
    if isinstance(old, list):
        return (
            [like(chance, part) for part in old] if chance.random() < 0.5 else old[: chance.randrange(len(old) + 1)] * 2
        )
    if isinstance(old, str):
        return chance.choice([text for seed, _ in seeds() for text in re.findall(r'"([^"\n]*)"', seed)])
    return old


def _places(inside: Any) -> Iterator[tuple[Any, Any]]:
    for key, part in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
        yield inside, key
        if isinstance(part, (dict, list)):
            yield from _places(part)


def toml(table: dict[str, Any]) -> Iterator[str]:
    """The lines of a table, whose tables are written in one line each."""
    for key, entry in table.items():
        yield f"{json.dumps(key, ensure_ascii=False)} = {_written(entry)}"


def _written(entry: Any) -> str:
    if isinstance(entry, bool):
        return "true" if entry else "false"
    if isinstance(entry, Raw):
        return str.__str__(entry)
    if isinstance(entry, str):
        return json.dumps(entry, ensure_ascii="\\u" in json.dumps(entry)).replace("\x7f", "\\u007f")
    if isinstance(entry, (int, Fraction)):
        whole = Fraction(entry)
        return str(whole.numerator) if whole.denominator == 1 else f"{float(whole)!r}"
    if isinstance(entry, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_written(part)}" for key, part in entry.items()) + "}"
    return "[" + ", ".join(map(_written, entry)) + "]"


def equation(chance: Random) -> str:
    """An equation of one's own with other formulas, and what it says of itself."""
    parts = json.loads(json.dumps(chance.choice(EQUATIONS)))
    letters = [*parts["state"], "t", "p", "x", "2", "1/3", "10^9"]
    for _ in range(chance.choice((1, 1, 2, 3))):
        holder, key = chance.choice(list(_places(parts)))
        text = holder[key] if isinstance(holder[key], str) else "x"
        start = chance.randrange(len(text) + 1)
        if chance.random() < 0.6 and isinstance(holder[key], str):  # a formula still
            holder[key] = chance.choice(FORMS).format(text, chance.choice(letters), chance.choice(letters))
            continue
        piece = chance.choice((*"+-*/^() ", "x", "v", "t", "1", "0", "1e300", "sqrt(", "exp(", "Abs(", "-1", *TEXTS))
        holder[key] = text[:start] + piece + text[start + chance.choice((0, 1, 2)) :]

    def ask() -> str:
        one_line(" ".join(str(stated(**parts).parameters).split()), "")
        return "stated"

    return answered(ask, COMMAND, repr(parts)[:3000])


def command(chance: Random) -> str:
    """A file through the command line itself, with commands that read and plan: the status, and what is printed."""
    text, _ = chance.choice([(text, reader) for text, reader in seeds() if _planned(text)])
    content = edited(chance, text)
    path, out = Path(folder().name, "command.toml"), Path(folder().name, "out")
    path.write_bytes(content)
    shown = content[:4000].decode("utf-8", "backslashreplace")
    words = ["derive", str(path)] if "[method]" in text else ["sweep", str(path), "--dry-run", "-o", str(out)]

    def ask() -> str:
        printed, failed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(failed):
            status = main([*words, *(["--json"] if chance.random() < 0.3 else [])])
        if status not in (0, 1, BAD_INPUT):
            raise Fault(f"status {status}: {failed.getvalue()[-3000:]}\n{shown}")
        for line in (printed.getvalue() + failed.getvalue()).split("\n"):
            if not line.isprintable():
                raise Fault(f"the line {line[:300]!r}\n{shown}")
        if status == BAD_INPUT and failed.getvalue():
            one_line(failed.getvalue().removesuffix("\n"), shown)
        return f"status {status}"

    return answered(ask, COMMAND, shown)


def _planned(text: str) -> bool:
    """Whether the file is of a sweep, which is planned, or has a method of its own, which is derived."""
    return bool(re.search(r"^\[\[?sweep\b|^\[method\]", text, re.MULTILINE))
