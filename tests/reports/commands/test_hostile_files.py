"""Files of every kind and of every name, in every place of every command that takes one: one line, and nothing hangs."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from sdescent.reports.cli import BAD_INPUT, app, main
from tests.support.own_theorems import THEOREMS
from tests.support.samples import slow_but

#: with a line end, an escape sequence, a letter that turns the direction of writing around, and a byte that is not UTF-8
HOSTILE = "a\nFORGED \x1b[31m \r \u202e [b] \udcff"
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
READ = ("FILE.toml", "FILE.py", "SPEC.toml", "CERTIFICATE.json", "METHOD")
WRITTEN = ("DIR", "PATH", "FILE.v", "FILE.tex", "FILE.md")
#: what is said to be a file by its name alone
SUFFIXES = {"METHOD": ".toml"}


def places(metavars: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """(command, parameter) of all that takes a file."""
    for name, command in COMMANDS.items():
        yield from ((name, parameter) for parameter in command.params if parameter.metavar in metavars)


def words(command: str, parameter: Any, value: str) -> list[str]:
    """The command with this value of one parameter, and something in place of the others that it needs."""
    said = [command]
    for other in COMMANDS[command].params:
        if other is parameter or other.required:
            option = [] if other.param_type_name == "argument" else [other.opts[-1]]
            said += [*option, value if other is parameter else "other"]
    return said


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """Nothing here may wait; a test that does ends."""

    def stop(*_: Any) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that fails by its input says, in words, and with --json the same."""
    assert main(arguments) == BAD_INPUT
    shown = capsys.readouterr()
    said = (shown.out + shown.err).removesuffix("\n")
    assert said.isprintable() and said, said
    assert main([*arguments, "--json"]) == BAD_INPUT
    shown = capsys.readouterr()
    assert shown.out.isascii() and "error" in json.loads(shown.out) and shown.err == ""
    return said


def missing(path: Path) -> str:
    return "no such file or folder"


def pipe(path: Path) -> str:
    os.mkfifo(path)
    return "this is a pipe"


def device(path: Path) -> str:
    path.symlink_to("/dev/zero")
    return "this is a device"


def folder(path: Path) -> str:
    path.mkdir()
    return "this is a folder"


def circle(path: Path) -> str:
    path.symlink_to(path)
    return "too many symbolic links"


def huge(path: Path) -> str:
    with path.open("wb") as file:
        file.truncate(2**40)
    return "more than"


KINDS: tuple[Callable[[Path], str], ...] = (missing, pipe, device, folder, huge)


def test_every_command_that_takes_a_file_is_here() -> None:
    """A place of a new kind needs a line above."""
    known = {*READ, *WRITTEN}
    named = {p.metavar for command in COMMANDS.values() for p in command.params if p.metavar}
    assert {m for m in named if any(word in m for word in ("FILE", "PATH", "DIR", "."))} - {
        "KEY=V1,V2",
        "NAME=DIR",
    } <= known


@pytest.mark.parametrize("kind", slow_but(KINDS, (pipe,)), ids=lambda kind: kind.__name__)
def test_what_is_not_a_file_that_can_be_read_is_one_line(
    kind: Callable[[Path], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, parameter in places(READ):
        path = tmp_path / (HOSTILE + SUFFIXES.get(parameter.metavar, ""))
        if not os.path.lexists(path):
            cause = kind(path)
        said = in_one_line(words(command, parameter, str(path)), capsys)
        of_python = {missing: "No such file", folder: "Is a directory"}.get(kind, cause)
        assert (of_python if parameter.metavar == "FILE.py" else cause) in said, (command, said)


@pytest.mark.parametrize("kind", [pipe, huge], ids=lambda kind: kind.__name__)
def test_so_for_the_files_that_a_file_names(
    kind: Callable[[Path], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind(tmp_path / HOSTILE[:-1])  # TOML is UTF-8
    for key in ("theorems", "plugins"):
        text = f'method = "dsgd"\n{key} = [{json.dumps(HOSTILE[:-1])}]\n'
        (tmp_path / "spec.toml").write_text(text, encoding="utf-8")
        assert in_one_line(["report", str(tmp_path / "spec.toml"), "-o", str(tmp_path / "out")], capsys)
    assert not (tmp_path / "out").exists()


def theorem(folder: Path) -> Path:
    from sdescent.reports.commands.prove_and_suggest import toml_of

    (path := folder / f"{HOSTILE}.toml").write_text(toml_of(THEOREMS["nonconvex"][0]))
    return path


def prepared(tmp_path: Path) -> dict[str, list[str]]:
    """Each command that writes, with what it needs, up to the option that says where."""
    claim, certificate = tmp_path / f"{HOSTILE}claim.toml", tmp_path / f"{HOSTILE}.cert.json"
    claim.write_text('variables = ["x"]\nclaim = "x <= x^2 + 1/4"')
    assert main(["claim", str(claim), "--certificate", str(certificate)]) == 0
    spec = tmp_path / f"{HOSTILE}spec.toml"
    spec.write_text(
        'method = "dsgd"\nclients = 1\nloss = "quadratic:h=1"\ndim = 1\nx0 = 1\neta = 0.1\nT = 0.2\npaths = 3\nmodels = []\n'
        "save = [0.2]"
    )
    (horizon := tmp_path / f"{HOSTILE}horizon.toml").write_text(
        'method = "dsgd"\nassume = ["smooth: L", "variance: s", "eta*L <= 1", "K >= 1"]\nV = "f - fstar"\n'
        'step = "change <= -eta*G^2/2 + eta^2*L*s/(2*N)"\nclaim = "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/N"\nconclude = "telescope"'
    )
    return {
        "claim": ["claim", str(claim), "--certificate"],
        "prove": ["prove", str(theorem(tmp_path)), "--no-repair", "--certificate"],
        "prove --rocq": ["prove", str(theorem(tmp_path)), "--no-repair", "--rocq"],
        "export": ["export", str(certificate), "-o"],
        "suggest": ["suggest", str(theorem(tmp_path)), "--seconds", "1", "-o"],
        "tune": ["tune", str(horizon), "--certificate"],
        "check": ["check", "6.9-growth", "6.2-pathwise", "--certificates"],
        "solve": ["solve", str(spec), "-o"],
        "report": ["report", str(spec), "--only", "problem", "-o"],
        "replay": ["replay", str(certificate)],
    }


def in_lines_of_its_own(out: str) -> bool:
    return all(line.isprintable() and not line.startswith("FORGED") for line in out.splitlines()) and "\r" not in out


@pytest.mark.slow
def test_what_succeeds_prints_every_name_in_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command that names the files that it read or wrote."""
    from sdescent.reports.commands.solving import results

    monkeypatch.setattr(results, "draw", lambda entries, folder, work: [f"figures/{HOSTILE}"])
    cases = prepared(tmp_path)
    assert {name.partition(" ")[0] for name in cases} >= {name for name, _ in places(WRITTEN)} - {"sweep", "measure"}
    for name, words in cases.items():
        capsys.readouterr()
        target = str(tmp_path / f"{HOSTILE} {name.partition(' ')[0]} out")
        status = main([*words, *([] if name == "replay" else [target])])
        shown = capsys.readouterr()
        assert status in (0, 1, 3) and in_lines_of_its_own(shown.out + shown.err), (name, status, shown)


def test_a_plugin_of_such_a_name_is_listed_in_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sdescent.derive.vocabulary import plugin_loading, registry

    name = f"{HOSTILE}.py"
    (tmp_path / name).write_text(
        "from sdescent.derive.vocabulary.registry import register\n@register('statistic', 'hostile', 'first coordinate')\n"
        "def hostile(x):\n    return x[0]\n"
    )
    try:
        assert main(["list", "--load", str(tmp_path / name)]) == 0
        assert in_lines_of_its_own(capsys.readouterr().out)
        (tmp_path / f"2{name}").write_text("raise ValueError('x\\n\\x1b[31m')")
        in_one_line(["list", "--load", str(tmp_path / f"2{name}")], capsys)
    finally:
        registry._ENTRIES.pop(("statistic", "hostile"), None)
        for module in [m for m, known in plugin_loading._PLUGINS.items() if known.name == name]:
            del plugin_loading._PLUGINS[module]


@pytest.mark.parametrize("kind", [pipe, circle], ids=lambda kind: kind.__name__)
def test_what_is_not_a_file_is_not_written_over(
    kind: Callable[[Path], str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a device, which root could replace, nor a link, whose target nobody named; and it is said before the work."""
    from sdescent.derive.proof.claims import prove
    from sdescent.derive.proof.replay import check
    from sdescent.derive.theorems.bounds import suggest

    def worked(*_: Any, **__: Any) -> None:
        raise AssertionError("worked before it looked")

    cases = prepared(tmp_path)
    kind(target := tmp_path / f"{HOSTILE}.out")
    before = os.lstat(target)
    monkeypatch.setattr(suggest, "answered", worked)
    monkeypatch.setattr(prove, "prove", worked)
    monkeypatch.setattr(check, "replay", worked)
    capsys.readouterr()
    for name in ("claim", "prove", "prove --rocq", "export"):
        said = in_one_line([*cases[name], str(target)], capsys)
        assert ("symbolic link" in said) == target.is_symlink(), said
    assert os.lstat(target) == before


INSIDE = {
    "solve": ("results", "figures", ".work", ".work/lock"),
    "report": ("results", "parts", "figures", "certificates"),
}


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("command", INSIDE)
def test_a_link_inside_of_the_folder_is_not_written_through(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = prepared(tmp_path)[command]
    capsys.readouterr()
    for inside in INSIDE[command]:
        out, elsewhere = (tmp_path / f"{word} {inside.replace('/', ' ')}" for word in ("out", "elsewhere"))
        (out / inside).parent.mkdir(parents=True)
        if inside.endswith("lock"):
            elsewhere.write_text("kept")
        else:
            elsewhere.mkdir()
            (elsewhere / "eta9-method.npz").write_text("kept")
        (out / inside).symlink_to(elsewhere)
        assert "symbolic link" in in_one_line([*words, str(out)], capsys)
        assert elsewhere.is_file() or [p.read_text() for p in elsewhere.iterdir()] == ["kept"]


@pytest.mark.parametrize("name", ["results/eta1-method.npz", ".work/lock"])
def test_a_link_or_a_pipe_in_place_of_a_file_of_a_result(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A link of a result's name is replaced, and its target stays; a pipe is said, and nobody waits for it."""
    out = tmp_path / "out"
    words = [*prepared(tmp_path)["solve"], str(out)]
    (kept := tmp_path / "kept").write_text("kept")
    (out / name).parent.mkdir(parents=True)
    if name != ".work/lock":
        (out / name).symlink_to(kept)
        assert main(words) == 0
        assert kept.read_text() == "kept" and not (out / name).is_symlink() and (out / name).stat().st_size > 10
        (out / name).unlink()
    os.mkfifo(out / name)
    capsys.readouterr()
    assert main(words) == BAD_INPUT
    assert "this is a pipe" in capsys.readouterr().err.splitlines()[-1]
