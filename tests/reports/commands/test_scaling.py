"""The command scaling: which problem it solves for."""

import json
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.vocabulary.errors import Refusal
from tests.support.commands.command_line import Run

METHOD = '[method]\nupdate = "x = x - eta*G"\n'


def rest(run: Run, *words: str) -> dict[str, Any]:
    """The rule for the stationary variance, which the schedule and the noise enter, or why there is none."""
    status, out, err = run("scaling", *words, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)["stationary"]


def test_a_schedule_is_an_option_as_in_a_file(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "own.toml"
    path.write_text(METHOD)
    plain = rest(run, str(path))["variance"]
    asked = rest(run, str(path), "--schedule", "free")["variance"]
    path.write_text('schedule = "free"\n' + METHOD)
    assert rest(run, str(path))["variance"] == asked != plain
    status, _, err = run("scaling", str(path), "--schedule", "linear")
    assert status == 2 and "--schedule: found 'linear'; accepted: one of one, power, free" in err


def test_a_schedule_in_t_has_no_stationary_law(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "own.toml"
    path.write_text('schedule = "power:p=1/2"\n' + METHOD)
    found = rest(run, str(path))
    assert found["refused"] == "time-dependent" and "variance" not in found
    status, shown, _ = run("scaling", str(path))
    assert status == 0 and "E x^2" not in shown and "depends on time has no stationary law" in " ".join(shown.split())


def test_the_noise_is_the_option_s_or_the_file_s_or_gaussian(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "own.toml"
    path.write_text(METHOD)
    gaussian = rest(run, str(path))["variance"]
    assert rest(run, str(path), "--noise", "gaussian")["variance"] == gaussian
    path.write_text('noise = "student-t:nu=6"\n' + METHOD)
    assert rest(run, str(path))["variance"] != gaussian
    assert rest(run, str(path), "--noise", "gaussian")["variance"] == gaussian


def test_the_rule_for_the_sde_is_printed_before_the_other_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sdescent.derive.equations.scaling.variance_at_rest", interrupted)
    status, out, _ = run("scaling", "dsgd")
    assert status == 130 and "the same SDE" in out


def test_a_method_without_a_rule_for_the_sde_has_its_exit_status(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    def refused(_: object) -> dict[str, object]:
        raise Refusal("no-rule", "planted")

    monkeypatch.setattr("sdescent.reports.commands.scaling.RULES", (("sde", "the same SDE", refused),))
    status, out, _ = run("scaling", "dsgd", "--json")
    assert status == 1 and json.loads(out)["sde"] == {"refused": "no-rule", "message": "planted"}


def test_a_method_without_a_closed_form_is_refused(run: Run) -> None:
    status, out, _ = run("scaling", "majority-vote", "--json")
    assert status == 1 and json.loads(out)["refused"] == "no-closed-form"
