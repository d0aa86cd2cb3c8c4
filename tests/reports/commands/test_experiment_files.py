"""Hostile specifications of `sdescent solve`, and paths that cannot be used."""

from __future__ import annotations

import json

import pytest

from sdescent.derive.reading.experiments import experiment, read_experiment
from sdescent.reports.cli import BAD_INPUT, main
from tests.support.commands.solved import FIELDS, SPEC, with_line


def without(key: str) -> str:
    return "\n".join(line for line in SPEC.splitlines() if line.partition(" ")[0] != key)


HOSTILE: list[tuple[str | bytes, str]] = [
    (with_line("eta = nan"), "eta"),
    (with_line("eta = [0.1, inf]"), "eta"),
    (with_line("eta = 1e400"), "eta"),
    (with_line("eta = 1e-400"), "eta"),
    (with_line("eta = 0"), "eta"),
    (with_line("eta = []"), "eta"),
    (with_line("eta = [0.1, 0.10]"), "eta"),
    (with_line("eta = [[0.1]]"), "eta"),
    (with_line("eta = true"), "eta"),
    (with_line("eta = " + str([1 + n for n in range(17)])), "eta"),
    (with_line("T = -1"), "T"),
    (with_line("T = 0.01"), "T"),
    (with_line("T = nan"), "T"),
    (with_line("T = 1e400"), "T"),
    (with_line("T = 10_000_000"), "eta"),
    (with_line('T = "__import__(\'os\').system(\'touch pwned\')"'), "T"),
    (with_line('noise = "gaussian:sigma=__import__(1)"'), "gaussian:sigma"),
    (with_line('noise = "gaussian:sigma=s"'), "gaussian:sigma"),
    (with_line('noise = "gaussian"'), "gaussian:sigma"),
    (with_line('loss = "quadratic"'), "loss"),
    (with_line('loss = "logistic-regression"'), "loss"),
    (with_line('loss = "rosenbrock"'), "loss"),
    (with_line('schedule = "free"'), "schedule"),
    (with_line("paths = 99999999999999"), "paths"),
    (with_line("paths = 0"), "paths"),
    (with_line("paths = -5"), "paths"),
    (with_line("paths = 1.5"), "paths"),
    (with_line("paths = nan"), "paths"),
    (with_line('paths = "many"'), "paths"),
    (with_line("dim = -1"), "dim"),
    (with_line("dim = 0"), "dim"),
    (with_line("dim = 65"), "dim"),
    (with_line("dim = 1979-05-27"), "dim"),
    (with_line("x0 = [1, nan]"), "x0"),
    (with_line("x0 = [1, 2, 3]"), "x0"),
    (with_line("x0 = []"), "x0"),
    (with_line("clients = 0"), "clients"),
    (with_line('clients = "N"'), "clients"),
    (with_line("seed = -1"), "seed"),
    (with_line("seed = 0.5"), "seed"),
    (with_line("save = 1"), "save"),
    (with_line("save = 100_000"), "save"),
    (with_line("save = true"), "save"),
    (with_line("save = 0.5"), "save"),
    (with_line("save = []"), "save"),
    (with_line("save = [0]"), "save"),
    (with_line("save = [0.5, 1.1]"), "save"),
    (with_line("save = [-0.5, 1]"), "save"),
    (with_line("save = [nan]"), "save"),
    (with_line("quantities = []"), "quantities"),
    (with_line('quantities = ["x3"]'), "quantities"),
    (with_line('quantities = ["x0"]'), "quantities"),
    (with_line('quantities = ["loss", "loss"]'), "quantities"),
    (with_line('quantities = ["../../x"]'), "quantities"),
    (with_line("quantities = [1]"), "quantities"),
    (with_line('quantities = {a = "loss"}'), "quantities"),
    (with_line('models = ["zeroth-order"]'), "models"),
    (with_line('models = ["corrected", "corrected"]'), "models"),
    (with_line("models = []\ndiscrete = false"), "models"),
    (with_line('discrete = "yes"'), "discrete"),
    (with_line("dt = 0"), "dt"),
    (with_line("dt = -0.1"), "dt"),
    (with_line("dt = 1e400"), "dt"),
    (with_line('dt = "1/99999999999"'), "dt"),
    (with_line("dt = 0.01\nsubsteps = 4"), "substeps"),
    (with_line("substeps = 0"), "substeps"),
    (with_line("substeps = 1.5"), "substeps"),
    (with_line("substeps = 1_000_000_000"), "substeps"),
    (with_line('dtype = "float16"'), "dtype"),
    (with_line('dtype = ["float64"]'), "dtype"),
    (with_line("chunk = 0"), "chunk"),
    (with_line("chunk = 99999999999"), "chunk"),
    (with_line("chunk = 100_000_000"), "chunk"),
    (with_line('shell = "touch pwned"'), "hostile.toml"),
    (with_line('"\\u001b[31m" = 1'), "hostile.toml"),
    (without("method"), "method"),
    (without("loss"), "loss"),
    (without("x0"), "x0"),
    (without("eta"), "eta"),
    (without("T"), "T"),
    (without("clients"), "clients"),
    ("not TOML at all", "hostile.toml"),
    (SPEC + "paths = 3", "hostile.toml"),
    ("[[a]]\n", "hostile.toml"),
    ("", "method"),
    (b"\x00\x01\x02\xff\xfe", "hostile.toml"),
    (b"\x7fELF" + bytes(range(256)) * 20, "hostile.toml"),
    ("x" * 100_000, "hostile.toml"),
]


@pytest.mark.parametrize(("text", "field"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_specifications(text, field, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hostile.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["solve", "hostile.toml", "-o", "out", "--json"]) == BAD_INPUT
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert (answer["field"], err, answer.keys()) == (field, "", {"error", "field", "column"})
    assert main(["solve", "hostile.toml", "-o", "out"]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and err.endswith("\n") and err[:-1].isprintable() and len(err) < 600
    assert field in err and "found" in err and "accepted" in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["hostile.toml"]


def test_the_specification_that_the_hostile_ones_are_made_from_is_good(tmp_path):
    (tmp_path / "good.toml").write_text(SPEC)
    asked = read_experiment(tmp_path / "good.toml")
    assert asked == experiment(FIELDS) and len(asked.problems) == 2
    for line in ("paths = 1_000_000_000", "save = [0.5, 1]", "chunk = 7", "models = []", 'quantities = "x1"', "eta = 0.25"):
        (tmp_path / "good.toml").write_text(with_line(line))
        read_experiment(tmp_path / "good.toml")


@pytest.mark.parametrize(
    "arguments",
    [["missing.toml"], ["."], ["a\0b"], [""], ["good.toml", "-o", ""], ["good.toml", "-o", "taken"]],
)
def test_paths_that_cannot_be_used(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.toml").write_text(SPEC)
    (tmp_path / "taken").write_text("a file")
    assert main(["solve", *arguments]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good.toml", "taken"]
