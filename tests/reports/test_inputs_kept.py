"""No command overwrites what it was given, under whatever name; it says so in one line before it works."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sdescent.derive.vocabulary.files import forget_inputs, read_regular
from sdescent.reports.cli import BAD_INPUT, main
from sdescent.reports.store.files import write_atomic

CLAIM = 'variables = ["x", "y"]\nassume = ["x >= 0"]\nclaim = "2*x*y <= x^2 + y^2"\n'
THEOREM = (
    'method = "dsgd"\nassume = ["smooth: L", "variance: s", "eta*L <= 1"]\n'
    'V = "f - fstar"\nclaim = "change <= -eta*G^2/2 + eta^2*L*s/(2*N)"\nconclude = "telescope"\n'
)
SPEC = (
    'method = "dsgd"\nnoise = "gaussian:sigma=1/2"\nloss = "quadratic:h=1"\nx0 = 1\ndim = 1\nT = 0.2\neta = 0.1\nclients = 1\n'
    "paths = 50\nmodels = []\n"
)
SWEEP = SPEC + "[sweep.grid]\nclients = [1, 2]\n"
#: the name of the input, its content, and the command, in which {} is another name of it
FILES = {
    "claim": ("claim.toml", CLAIM, "claim claim.toml --certificate {}"),
    "prove": ("theorem.toml", THEOREM, "prove theorem.toml --certificate {}"),
    "prove for Rocq": ("theorem.toml", THEOREM, "prove theorem.toml --rocq {}"),
    "export": ("claim.cert.json", None, "export claim.cert.json -o {}"),
    "a plugin": ("mine.py", "", "prove theorem.toml --load mine.py --certificate {}"),
}
#: an input that has the name of one of the files that a command writes into a folder
FOLDERS = {
    "solve": ("summary.json", SPEC, "solve summary.json -o ."),
    "sweep": ("manifest.json", SWEEP, "sweep manifest.json -o ."),
    "report": ("report.tex", 'method = "dsgd"\n', "report report.tex -o . --quick"),
}
SPELLINGS: dict[str, Callable[[Path], str]] = {
    "as it is": lambda path: path.name,
    "relative": lambda path: f"../{path.parent.name}/{path.name}",
    "absolute": str,
    "a hard link": lambda path: os.link(path, path.with_name("other")) or "other",
    "a symbolic link": lambda path: path.with_name("other").symlink_to(path) or "other",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "claim.toml").write_text(CLAIM)
    (tmp_path / "theorem.toml").write_text(THEOREM)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], words: list[str], path: Path) -> None:
    before = path.read_bytes()
    assert main(words) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and ("overwrite" in err or "symbolic link" in err), err
    assert path.read_bytes() == before
    assert list(path.parent.glob(".*.part*")) == []


@pytest.mark.parametrize(
    ("case", "spelling"), [(case, s) for case in FILES for s in SPELLINGS if case == "claim" or s == "a hard link"]
)
def test_an_output_that_is_an_input(case: str, spelling: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, text, words = FILES[case]
    path = folder / name
    if text is None:
        main(["claim", "claim.toml"])
        capsys.readouterr()
    else:
        path.write_text(text)
    refused(capsys, words.format(SPELLINGS[spelling](path)).split(), path)


@pytest.mark.parametrize("case", FOLDERS)
def test_an_input_with_the_name_of_an_output(case: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, text, words = FOLDERS[case]
    (folder / name).write_text(text)
    refused(capsys, words.split(), folder / name)


def test_two_outputs_of_one_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "theorem.toml", "--rocq", "./x/../theorem.cert.json"]) == BAD_INPUT
    assert (
        "--rocq: found './x/../theorem.cert.json'; accepted: a file other than the certificate"
        in capsys.readouterr().err
    )


def test_what_an_earlier_command_read_may_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claim", "claim.toml"]) == 0
    assert main(["replay", "claim.cert.json"]) == 0
    assert main(["claim", "claim.toml"]) == 0


def test_a_file_that_took_the_place_of_an_input_that_is_gone_is_replaced(folder: Path) -> None:
    forget_inputs()
    read_regular("claim.toml", 10**6)
    with pytest.raises(OSError, match="does not overwrite"):
        write_atomic(folder / "claim.toml", "x")
    (folder / "claim.toml").unlink()
    write_atomic(folder / "claim.toml", "x")
    forget_inputs()
    write_atomic(folder / "claim.toml", "y")
