"""Hostile specifications of `sdescent solve`, and paths that cannot be used."""

import json

import pytest

from sdescent.derive.reading.experiments import experiment, read_experiment
from sdescent.reports.cli import BAD_INPUT, main
from tests.support.commands.solved import FIELDS, SPEC, with_line


def without(key: str) -> str:
    return "\n".join(line for line in SPEC.splitlines() if line.partition(" ")[0] != key)


#: field that is named -> lines that do not fit
LINES: dict[str, tuple[str, ...]] = {
    "eta": ("eta = nan", "eta = 1e400", "eta = []", "eta = [0.1, 0.10]", "eta = [[0.1]]", "eta = true", "T = 10_000_000"),
    "T": ("T = -1", "T = 0.01", 'T = "__import__(\'os\').system(\'touch pwned\')"'),
    "gaussian:sigma": ('noise = "gaussian:sigma=__import__(1)"', 'noise = "gaussian"'),
    "loss": ('loss = "quadratic"', 'loss = "rosenbrock"'),
    "schedule": ('schedule = "free"',),
    "paths": ("paths = 99999999999999", "paths = 0", "paths = 1.5", "paths = nan", 'paths = "many"'),
    "dim": ("dim = 65", "dim = 1979-05-27"),
    "x0": ("x0 = [1, nan]", "x0 = [1, 2, 3]"),
    "clients": ("clients = 0", 'clients = "N"'),
    "seed": ("seed = -1",),
    "save": ("save = 1", "save = 100_000", "save = true", "save = []", "save = [0.5, 1.1]", "save = [nan]"),
    "quantities": ("quantities = []", 'quantities = ["x3"]', 'quantities = ["loss", "loss"]', "quantities = [1]"),
    "models": ('models = ["zeroth-order"]', 'models = ["corrected", "corrected"]', "models = []\ndiscrete = false"),
    "discrete": ('discrete = "yes"',),
    "dt": ("dt = 0", 'dt = "1/99999999999"'),
    "substeps": ("dt = 0.01\nsubsteps = 4", "substeps = 0", "substeps = 1_000_000_000"),
    "dtype": ('dtype = "float16"',),
    "chunk": ("chunk = 0", "chunk = 99999999999"),
    "hostile.toml": ('shell = "touch pwned"', '"\\u001b[31m" = 1'),
}  # fmt: skip
HOSTILE: list[tuple[str | bytes, str]] = [
    *((with_line(line), field) for field, lines in LINES.items() for line in lines),
    *((without(key), key) for key in ("method", "loss", "x0", "eta", "T", "clients")),
    (SPEC + "paths = 3", "hostile.toml"), ("", "method"),
    (b"\x00\x01\x02\xff\xfe", "hostile.toml"), ("x" * 100_000, "hostile.toml"),
]  # fmt: skip


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
    for line in ("paths = 1_000_000_000", "save = [0.5, 1]", "chunk = 7", "models = []", 'quantities = "x1"'):
        (tmp_path / "good.toml").write_text(with_line(line))
        read_experiment(tmp_path / "good.toml")
