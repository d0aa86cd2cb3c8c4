"""The command scaling: which problem it solves for."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.vocabulary.errors import Refusal
from sdescent.reports.cli import main
from tests.support.samples import slow_but

METHOD = '[method]\nupdate = "x = x - eta*G"\n'


def rest(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The rule for the stationary variance, which the schedule and the noise enter, or why there is none."""
    status = main(["scaling", *words, "--json"])
    shown = capsys.readouterr()
    assert status == 0 and shown.err == ""
    return json.loads(shown.out)["stationary"]


def test_a_schedule_is_an_option_as_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.toml"
    path.write_text(METHOD)
    plain = rest(capsys, str(path))["variance"]
    asked = rest(capsys, str(path), "--schedule", "free")["variance"]
    path.write_text('schedule = "free"\n' + METHOD)
    assert rest(capsys, str(path))["variance"] == asked != plain
    assert main(["scaling", str(path), "--schedule", "linear"]) == 2
    assert "--schedule: found 'linear'; accepted: one of one, power, free" in capsys.readouterr().err


def test_a_schedule_in_t_has_no_stationary_law(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.toml"
    path.write_text('schedule = "power:p=1/2"\n' + METHOD)
    found = rest(capsys, str(path))
    assert found["refused"] == "time-dependent" and "variance" not in found
    assert main(["scaling", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "E x^2" not in shown and "depends on time has no stationary law" in " ".join(shown.split())


def test_the_noise_is_the_option_s_or_the_file_s_or_gaussian(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(METHOD)
    gaussian = rest(capsys, str(path))["variance"]
    assert rest(capsys, str(path), "--noise", "gaussian")["variance"] == gaussian
    path.write_text('noise = "student-t:nu=6"\n' + METHOD)
    assert rest(capsys, str(path))["variance"] != gaussian
    assert rest(capsys, str(path), "--noise", "gaussian")["variance"] == gaussian


@pytest.mark.parametrize("regime", slow_but(["ballistic", "batch-equivalent", "fixed"], ["fixed"]))
def test_lion_is_answered_in_each_regime(capsys: pytest.CaptureFixture[str], regime: str) -> None:
    begun = time.process_time()
    main(["scaling", "lion", "--regime", regime, "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["stationary"]["exponents"]["eta"] in ("1/2", "1") and "variance" in answer["stationary"]
    assert time.process_time() - begun < 10


def test_the_rule_for_the_sde_is_printed_before_the_other_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sdescent.derive.equations.scaling.variance_at_rest", interrupted)
    assert main(["scaling", "dsgd"]) == 130
    assert "the same SDE" in capsys.readouterr().out


def test_a_method_without_a_rule_for_the_sde_has_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_: object) -> dict[str, object]:
        raise Refusal("no-rule", "planted")

    monkeypatch.setattr("sdescent.reports.commands.scaling.RULES", (("sde", "the same SDE", refused),))
    assert main(["scaling", "dsgd", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["sde"] == {"refused": "no-rule", "message": "planted"}


@pytest.mark.parametrize(
    "words", [["majority-vote"], ["lion", "--noise", "laplace"], ["normalised"], ["sam"]], ids=lambda w: w[0]
)
def test_a_method_without_a_closed_form_is_refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(["scaling", *words, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refused"] == "no-closed-form"
