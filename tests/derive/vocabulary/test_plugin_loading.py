"""Pieces of a user's own: registered once whatever is loaded how often, named with a digest, and one line where they are broken."""

import hashlib
import importlib
import pickle
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.vocabulary import plugin_loading, registry
from sdescent.derive.vocabulary.plugin_loading import BrokenPlugin, broken_by, elsewhere, load, load_elsewhere, named
from sdescent.derive.vocabulary.registry import KINDS, entries, lookup, positive, register
from tests.support.commands.own_pieces import forgotten

PIECE = """
from dataclasses import dataclass

import sdescent as sd
from sdescent.derive.methods.losses import x
from sdescent.derive.vocabulary.registry import register

print("executed")


@register("loss", "steep", "sum_j x_j^6")
@dataclass(frozen=True)
class Steep(sd.losses.Separable):
    @property
    def coordinate(self):
        return x**6

    def smoothness(self, dim):
        raise sd.BadInput("loss", "steep", "a loss with known constants")
"""


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with forgotten():
        plugin_loading._PLUGINS.clear()
        yield


def piece(folder: Path, text: str = PIECE, name: str = "mine.py") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_registers_its_pieces_and_is_named_with_its_digest(tmp_path: Path, capsys) -> None:
    path = piece(tmp_path)
    assert named() == {} and "steep" not in entries("loss")
    load(path)
    entry = lookup("loss", "steep", "loss")
    assert entry.owner == str(path) and list(entries("loss"))[-1] == "steep"
    assert named() == {"plugins": [{"name": "mine.py", "sha256": digest(path)}]}
    out, err = capsys.readouterr()
    assert (out, err) == ("", "executed\n")  # the answer of a command is not mixed with it
    assert pickle.loads(pickle.dumps(entry.build())) == entry.build()


def test_the_same_file_is_executed_once(tmp_path: Path, capsys, monkeypatch) -> None:
    path = piece(tmp_path)
    load(path)
    first = entries("loss")["steep"]
    monkeypatch.chdir(tmp_path)
    load("mine.py")
    load(piece(tmp_path / "copy"))  # the same code in another place
    assert entries("loss")["steep"] is first and len(named()["plugins"]) == 1
    assert capsys.readouterr().err == "executed\n"


def test_a_module_that_was_imported_is_not_executed_again(tmp_path: Path, capsys, monkeypatch) -> None:
    path = piece(tmp_path, name="imported_piece.py")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("imported_piece")
    try:
        assert named() == {"plugins": [{"name": "imported_piece.py", "sha256": digest(path)}]}
        load(path)
        assert entries("loss")["steep"].build is module.Steep and capsys.readouterr() == ("executed\n", "")
        assert elsewhere() == [str(path)]
    finally:
        del sys.modules["imported_piece"]


def test_a_file_that_was_changed_replaces_its_own_pieces(tmp_path: Path) -> None:
    path = piece(tmp_path, PIECE + "register('statistic', 'gone', '')(len)\n")
    load(path)
    before = named()
    assert "gone" in entries("statistic") and str(parse_spec("loss", "steep", "loss").build().coordinate) == "x_j**6"
    path.write_text(PIECE.replace("x**6", "x**8"))
    load(path)
    assert str(entries("loss")["steep"].build().coordinate) == "x_j**8" and "gone" not in entries("statistic")
    assert str(parse_spec("loss", "steep", "loss").build().coordinate) == "x_j**8"  # though this text was read before
    assert named() == {"plugins": [{"name": "mine.py", "sha256": digest(path)}]} != before


BROKEN = {
    "a built-in name": (PIECE.replace("steep", "quartic"), "line 11: ValueError: the loss 'quartic' is already registered"),
    "syntax": ("x = = 1\n", "line 1: SyntaxError: invalid syntax"),
    "an exception": ("def f():\n    return 1 / 0\n\n\nf()\n", "line 2: ZeroDivisionError: division by zero"),
    "the end of Python": ("import sys\nsys.exit(3)\n", "line 2: SystemExit: 3"),
    "an error that cannot be told": (
        "class Own(BaseException):\n    def __str__(self):\n        raise ValueError\n\n\nraise Own\n", "line 6: Own: no message",
    ),
    "several lines": ("raise ValueError('one\\n\\ttwo\\x1b[0m')\n", "line 1: ValueError: one two\\x1b[0m;"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_line_with_its_name_cause_and_remedy(case: str, tmp_path: Path) -> None:
    text, words = BROKEN[case]
    path = piece(tmp_path, text)
    with pytest.raises(BrokenPlugin) as caught:
        load(path)
    message = caught.value.message
    assert message.startswith(f"{path}: ") and words in message and message.isprintable()
    assert "; remedy: correct the file" in message
    assert named() == {} and "steep" not in entries("loss")  # nor what it registered before it failed
    # corrected, it is loaded as if nothing had been
    path.write_text(PIECE)
    load(path)
    assert "steep" in entries("loss")


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.py", tmp_path, f"{tmp_path}\0"):
        with pytest.raises(BrokenPlugin, match=r"cannot be read: .*; remedy: give the path of a Python file"):
            load(path)


def test_two_files_want_one_name(tmp_path: Path) -> None:
    first = piece(tmp_path)
    load(first)
    with pytest.raises(BrokenPlugin, match=f"'steep' is already registered by {first}"):
        load(piece(tmp_path / "other", PIECE + "\n"))
    assert entries("loss")["steep"].owner == str(first)


def test_names_are_those_that_a_spec_can_have() -> None:
    for wrong in ("", "1a", "a:b", "é", "a" * 41):
        with pytest.raises(ValueError, match="letters, digits"):
            register("loss", wrong, "none")
    for name in ("gradient_norm", "x20"):
        with pytest.raises(ValueError, match=f"statistic '{name}' is already registered by sdescent itself"):
            register("statistic", name, "none")(len)
    with pytest.raises(ValueError, match="takes no values"):
        register("statistic", "tail", "none", positive("level"))
    assert all(entry.owner is None for kind in KINDS for entry in entries(kind).values())


def test_a_line_of_a_session_may_be_repeated_and_has_no_digest() -> None:
    """As in a notebook; its results are not another session's."""
    session = {}
    for power in (6, 8):
        piece = f"register('statistic', 'far', '')(lambda x: x**{power})"
        exec(f"from sdescent.derive.vocabulary.registry import register\n{piece}", session)
    assert entries("statistic")["far"].build(2) == 2**8
    (plugin,) = named()["plugins"]
    assert plugin["name"] == "__main__" and plugin["sha256"] is None and plugin["since"] > 0
    assert elsewhere() is None  # another process cannot have them


def test_another_process_has_the_same_pieces(tmp_path: Path) -> None:
    path = piece(tmp_path)
    load(path)
    listed, before = elsewhere(), named()
    assert listed == [str(path)]
    with forgotten():
        plugin_loading._PLUGINS.clear()
        del registry._ENTRIES["loss", "steep"]
        assert named() == {}
        load_elsewhere(listed)
        assert named() == before and "steep" in entries("loss")


def test_an_error_inside_a_piece_is_the_pieces(tmp_path: Path) -> None:
    load(piece(tmp_path, PIECE.replace("return x**6", "return y**6")))
    with pytest.raises(NameError) as caught:
        entries("loss")["steep"].build().value([1])
    broken = broken_by(caught.value)
    assert broken is not None
    assert broken.message.startswith("mine.py: line 16: NameError: name 'y' is not defined; remedy: ")
    with pytest.raises(ZeroDivisionError) as other:
        _ = 1 / 0
    assert broken_by(other.value) is None


# Installed packages


def distribution(folder: Path, text: str, module: str = "own_laws") -> Path:
    """A package as pip leaves it, with an entry point."""
    package, about = folder / module, folder / f"{module}-1.2.dist-info"
    for directory in (package, about):
        directory.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "pieces.py").write_text(text)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(f"[sdescent.plugins]\nlaws = {module}.pieces\n")
    return package


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Entry points are looked for again."""
    plugin_loading._INSTALLED.clear()
    yield monkeypatch
    for name in [n for n in sys.modules if n.partition(".")[0] == "own_laws"]:
        del sys.modules[name]


def test_an_installed_package_is_loaded_when_names_are_looked_up(tmp_path: Path, bare: pytest.MonkeyPatch) -> None:
    package = distribution(tmp_path / "site", PIECE)
    bare.syspath_prepend(tmp_path / "site")
    assert named() == {} and "own_laws.pieces" not in sys.modules
    assert "steep" in entries("loss") and "own_laws.pieces" in sys.modules
    (plugin,) = named()["plugins"]
    assert plugin["name"] == "laws (own_laws 1.2)" and len(plugin["sha256"]) == 64 and elsewhere() == []
    # every file of the package counts
    (package / "helper.py").write_text("VALUE = 1\n")
    with forgotten():
        plugin_loading._INSTALLED.clear()
        plugin_loading._PLUGINS.clear()
        entries("loss")
        assert named()["plugins"][0]["sha256"] != plugin["sha256"]


def test_a_broken_package_is_said_each_time_a_name_is_looked_up(
    tmp_path: Path, bare: pytest.MonkeyPatch, capsys
) -> None:
    from sdescent.reports.cli import main

    distribution(tmp_path / "site", "raise RuntimeError('not today')\n")
    bare.syspath_prepend(tmp_path / "site")
    (tmp_path / "no.cert.json").write_text("{}")
    assert main(["replay", str(tmp_path / "no.cert.json")]) == 2  # which looks up none
    assert capsys.readouterr().out.startswith("unreadable: ")
    for command in (["derive", "dsgd"], ["list"]):
        assert main(command) == 2
        out, err = capsys.readouterr()
        assert (
            out == ""
            and err.count("\n") == 1
            and err.startswith(
                "laws (own_laws 1.2): line 1: RuntimeError: not today; remedy: correct or uninstall the package that brings it"
            )
        )


@pytest.mark.parametrize("then", ["finally:\n    pass\n", "except BaseException:\n    pass\n"])
def test_an_interrupt_from_the_keyboard_is_the_users_whatever_the_file_makes_of_it(then: str, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sent = "import os, signal, time\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(1)\n"
        with pytest.raises(KeyboardInterrupt):
            load(piece(tmp_path, sent + then))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
