"""`sdescent measure` as a user runs it: its answer, its files, an interrupt and a second start, and what it says of bad input."""

import json
from pathlib import Path

import numpy as np
import pytest

from sdescent.derive.vocabulary import plugin_loading
from sdescent.numerics.measure.study import Study
from sdescent.reports.cli import BAD_INPUT, INTERRUPTED, main
from tests.support.commands.own_pieces import forgotten

MODEL = """
import jax
import jax.numpy as jnp
import numpy as np

rng = np.random.default_rng(0)
a = rng.standard_normal((40, 3))
data = (a, np.where(rng.random(40) < 0.7, 1.0, -1.0))
params = {"w": jnp.ones(3)}


def loss(params, batch):
    a, y = batch
    return jnp.mean(jax.nn.softplus(-y * (a @ params["w"])))
"""
SETTINGS = """
method = "dcsgd"
compressor = "rand-k:k=2"
clients = 2
batch = 4
eta = 0.2
steps = 12
sampling = "with-replacement"
points = 4
draws = 200
runs = 3
horizon = 4
forecasts = 1
optimum = 0
theorems = ["mine.toml"]
"""
THEOREM = """
title = "Descent"
method = "dsgd"
model = "method"
assume = ["smooth: L", "variance: s", "eta*L <= 1"]
V = "f - fstar"
claim = "change <= -eta/2*G^2 + eta^2*L*s/(2*N)"
"""


@pytest.fixture(autouse=True)
def _forgotten():
    with forgotten():
        plugin_loading._PLUGINS.clear()
        yield
        plugin_loading._PLUGINS.clear()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in {"model.py": MODEL, "a.toml": SETTINGS, "mine.toml": THEOREM}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(*words: str) -> int:
    return main(["measure", "a.toml", "--load", "model.py", *words])


def interrupted(monkeypatch, capsys) -> list[int | None]:
    """A start that an interrupt ends at the third point; the steps that were measured."""
    measured, whole = [], Study.point

    def point(self, state, step):
        if len(measured) == 2:
            measured.append(None)
            raise KeyboardInterrupt
        measured.append(step)
        return whole(self, state, step)

    monkeypatch.setattr(Study, "point", point)
    assert start("--json", "-o", "out") == INTERRUPTED
    assert not Path("out/measurement.json").exists()
    capsys.readouterr()
    return measured


def test_the_answer_of_a_measurement(folder, capsys, monkeypatch):
    """Interrupted at the third point, it starts again there."""
    measured = interrupted(monkeypatch, capsys)
    assert start("--json", "-o", "out") == 0
    answer = json.loads(capsys.readouterr().out)
    steps = [p["step"] for p in answer["points"]]
    assert [s for s in measured if s is not None] == steps and steps[0] == 0 and steps[-1] == 12
    assert json.loads(Path("out/measurement.json").read_text())["points"] == answer["points"]
    assert all((folder / "out/figures" / name).stat().st_size > 1000 for name in answer["figures"])

    point_ = answer["points"][0]
    assert point_["trace"]["lower"] < point_["trace"]["value"] < point_["trace"]["upper"] and point_["exact"]
    assert point_["compression"]["value"] == pytest.approx(0.5, abs=0.3) and answer["population"]["omega"] == 0.5
    models = [p["model"] for p in answer["forecast"][0]["predictions"]]
    assert set(models) == {"run", "gauss", "quadratic"}
    assert answer["assumptions"][0]["id"] == "mine.toml"
    assert answer["grid"]["best"] in [row["eta"] for row in answer["grid"]["rows"]]


@pytest.mark.slow
def test_an_interrupted_measurement_has_the_numbers_of_another(folder, capsys, monkeypatch):
    interrupted(monkeypatch, capsys)
    assert start("--json", "-o", "out") == 0
    answer = json.loads(capsys.readouterr().out)
    assert start("--json", "-o", "again") == 0
    again = json.loads(capsys.readouterr().out)
    for key in ("points", "fits", "forecast", "assumptions", "grid", "population"):
        one, other = (json.dumps(a[key], sort_keys=True) for a in (answer, again))
        assert one == other


@pytest.mark.slow
def test_shuffled_epochs_get_no_forecast_and_the_table_says_so(folder, capsys):
    text = SETTINGS.replace('"with-replacement"', '"shuffled"').replace('theorems = ["mine.toml"]', "")
    Path("a.toml").write_text(text)
    assert start() == 0
    out = capsys.readouterr().out
    assert "no gauss (shuffled epochs are another method" in out and "no quadratic (shuffled" in out
    for word in ("noise", "growth", "symmetry", "curvature", "omega", "shuffled epochs: draws", "6.2-pathwise"):
        assert word in out
    assert "infinite" not in out


@pytest.mark.slow
def test_the_update_of_the_file_takes_the_place_of_eta(folder, capsys):
    more = """
class optimizer:
    init = staticmethod(lambda params: jax.tree.map(jnp.zeros_like, params))
    update = staticmethod(lambda g, m, params: (jax.tree.map(lambda a, b: -0.1 * (a + b), g, m), g))
"""
    Path("model.py").write_text(MODEL + more)
    assert start() == BAD_INPUT
    assert "eta: " in capsys.readouterr().err
    text = SETTINGS.replace("eta = 0.2\n", "").replace('theorems = ["mine.toml"]', "")
    Path("a.toml").write_text(text.replace('"dcsgd"\ncompressor = "rand-k:k=2"', '"dsgd"'))
    assert start("--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["assumptions"] == [] and answer["grid"] is None
    (forecast,) = answer["forecast"]
    said = {p["model"]: p["why"] for p in forecast["predictions"]}
    assert "not x - eta G" in said["quadratic"] and said["gauss"] == ""


@pytest.mark.slow
def test_a_run_that_blows_up_ends_with_status_1(folder, capsys):
    Path("model.py").write_text(MODEL.replace('jax.nn.softplus(-y * (a @ params["w"]))', '(a @ params["w"]) ** 4'))
    Path("a.toml").write_text(SETTINGS.replace("eta = 0.2", "eta = 10000000"))
    assert start() == 1
    assert "BLEW UP by step" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('sampling = "with-replacement"\n', "", ["sampling", "with-replacement", "shuffled"]),
        ('"with-replacement"', '"shufled"', ["sampling", "did you mean"]),
        ("batch = 4\n", "", ["batch", "whole number"]),
        ("clients = 2\n", "", ["clients"]),
        ('"dcsgd"\ncompressor = "rand-k:k=2"', '"adamw"', ["method", "optimizer of the model file"]),
        ("rand-k:k=2", "rand-k", ["rand-k:k", "numbers"]),
        ("eta = 0.2\n", "", ["eta"]),
        ("optimum = 0", "optimum = nan", ["optimum"]),
        ("optimum = 0", "constants = 3", ["constants"]),
        ("mine.toml", "none.toml", ["theorems", "none.toml"]),
        ("draws = 200", "draws = 2", ["draws", "200"]),
    ],
)
def test_a_bad_setting_is_named(folder, capsys, old, new, said):
    assert old in SETTINGS
    Path("a.toml").write_text(SETTINGS.replace(old, new))
    assert start() == BAD_INPUT
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for word in said:
        assert word in error
    assert not Path("measured/measurement.json").exists()


@pytest.mark.parametrize("content", ['{"format": "sdescent-measurement-0"}', '{"points": []}', "[", "[]"])
def test_a_measurement_of_another_format_is_not_replaced(folder, capsys, content):
    Path("out").mkdir()
    Path("out/measurement.json").write_text(content)
    assert start("-o", "out") == BAD_INPUT
    error = " ".join(capsys.readouterr().err.split())
    for words in ("--out: found 'measurement.json of the format", "another folder", "sdescent-measurement-1"):
        assert words in error
    assert Path("out/measurement.json").read_text() == content and len(list(Path("out").iterdir())) == 1


def test_a_missing_or_doubled_model_is_named(folder, capsys):
    assert main(["measure", "a.toml"]) == BAD_INPUT
    assert "--load: found 'no file with a loss'" in " ".join(capsys.readouterr().err.split())
    Path("other.py").write_text(MODEL + "\n")
    assert start("--load", "other.py") == BAD_INPUT
    assert "2 files with a loss" in capsys.readouterr().err
    Path("pieces.py").write_text("x = 1\n")
    Path("model.py").write_text("def loss(params, batch):\n    return 0\n")
    plugin_loading._PLUGINS.clear()
    assert start("--load", "pieces.py") == BAD_INPUT
    assert "model.py: found 'no params'" in " ".join(capsys.readouterr().err.split())
    Path("model.py").write_text("import jax\n1/0\n")
    assert start() == BAD_INPUT
    assert "line 2: ZeroDivisionError" in capsys.readouterr().err


def test_a_float32_model_stays_float32(folder):
    from sdescent.numerics.measure.model import model_of

    names = {"loss": lambda p, b: (p * b).mean(), "params": np.ones(2, np.float32), "data": np.ones((8, 2), np.float32)}
    from sdescent.derive.reading.measurements import measurement

    settings = measurement(
        {"method": "dsgd", "clients": 2, "batch": 2, "steps": 2, "eta": "1/10", "sampling": "shuffled"}, folder
    )
    study = Study(model_of(names, "m.py", 2), settings)
    assert study.advance(study.runs.start(), 0, 2)[0].dtype == np.float32
