"""The section on measured runs: folders are read from the specification, and what fails stands in the text."""

import json
from pathlib import Path

import pytest

from sdescent.derive.reading.problems import problem, read_problem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.assembly.plan import chosen
from sdescent.reports.assembly.report import build_report
from sdescent.reports.commands.measuring import show
from sdescent.reports.sections.measured import lines, theorem_rows
from tests.numerics.measure.chosen_points import answer


def spec(folder: Path, listed: str = '["net"]') -> Path:
    path = folder / "spec.toml"
    path.write_text(f'method = "dsgd"\nmeasured = {listed}\n')
    return path


def finished(folder: Path) -> None:
    folder.mkdir()
    (folder / "measurement.json").write_text(json.dumps(answer()))


def test_a_measurement_is_in_the_report(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no TeX and no pandoc: the parts are what is looked at
    finished(tmp_path / "net")
    question = read_problem(spec(tmp_path))
    assert "measured" in chosen(question, None) and "measured" not in chosen(problem({"method": "dsgd"}), None)
    build_report(question, tmp_path / "out", True, "measured", lambda label, share: None)
    tex = (tmp_path / "out/parts/measured.tex").read_text()
    for words in (
        "FAILS at 5 points",
        "6.2-pathwise-method",
        "FAIL: step (step 0",
        "no quadratic",
        "eta = 1/100",
        r"{[}'w\_1'{]}",
    ):
        assert words in tex or words.replace("{[}", "[").replace("{]}", "]") in tex, words
    for name in ("loss", "growth"):
        assert (tmp_path / f"out/figures/measured-1-{name}.pdf").stat().st_size > 1000


def test_the_same_lines_are_in_the_terminal(tmp_path, capsys):
    show(answer(), tmp_path)
    out = capsys.readouterr().out
    for words in (
        "dsgd: d 5, n 9, N 2 x B 4, eta 1/100, with-replacement, 5 points, 40 steps",
        "fit 8 + 4 |g|^2",
        "no forecast",
        "1 +- 0.1 INVALID",
        "step 0 + 40: quadratic INVALID (Gaussian noise",
    ):
        assert words in out
    assert "above all 8 + 4 |g|^2" in out and "L0 1 (1..1), L1 2 (2..2); only 5 points" in out


@pytest.mark.parametrize(
    ("content", "listed", "accepted"),
    [
        (None, '["net"]', "cannot be read"),
        ("{", '["net"]', "damaged"),
        ('{"points": []}', '["net"]', "damaged"),
        (json.dumps({**answer(), "format": "sdescent-measurement-0"}), '["net"]', "measure net again"),
        (json.dumps({k: v for k, v in answer().items() if k != "format"}), '["net"]', "this version"),
        ("{}", '["net", "net"]', "each once"),
        ("{}", '"net"', "a list of"),
    ],
)
def test_a_folder_without_a_measurement_is_named(tmp_path, content, listed, accepted):
    (tmp_path / "net").mkdir()
    if content is not None:
        (tmp_path / "net/measurement.json").write_text(content)
    with pytest.raises(BadInput) as error:
        read_problem(spec(tmp_path, listed))
    assert error.value.field == "measured" and accepted in error.value.message


def test_many_points_have_a_line_above_most_of_them():
    lines_ = dict(lines({**answer(), "fits": {**answer()["fits"], "few": False}}))
    assert "above 95 % of the points L0 1 (1..1), L1 2 (2..2)" in lines_["curvature"]
    rows = [{"eta": eta, "loss": {"value": 1 / eta}} for eta in (0.5, 1.0, 2.0)]
    for best, said in ((2.0, True), (1.0, False)):
        grid = dict(lines({**answer(), "grid": {"rows": rows, "best": best}}))["grid"]
        assert ("at the edge of the grid" in grid) is said


def test_the_steps_of_a_theorem_stand_beside_its_eta():
    rows = {row[0]: row[1] for row in theorem_rows(answer()["assumptions"])}
    assert rows["6.2-pathwise-method"].replace(".", "").isdigit()  # one step for all points
    assert ", steps " in rows["6.2-pathwise"]
