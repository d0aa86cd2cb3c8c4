"""The section on experiments: a verdict for every claim, interrupted runs, and the part as TeX."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.assembly.report import build_report
from reports.document.tex import TEMPLATES
from reports.paper.ledger import RUNS
from reports.sections.base import Inputs
from reports.sections.experiments import section as experiments
from reports.sections.experiments.findings import quotient
from reports.sections.experiments.study import ModelRun
from reports.store.cache import ResultsCache


def tiny(equations: tuple[ModelRun, ...] = ()) -> tuple[Any, ...]:
    few = {"keeps": (1.0, 0.1), "steps": 8, "saved": 2, "sign_steps": 8, "seeds": 10, "tuned": 3, "scales": (0.1, 1.0)}
    digits, cancer = experiments.TASKS["quick"]
    return (
        dataclasses.replace(
            digits, **few, samples=40, grids=((0, 2), (0, 2), (0, 2)), descent=((0.5,), 4, 3), clients=2, constant=(0.1,)
        ),
        dataclasses.replace(
            cancer, **few, grids=((0, 2), (-4, -2), (0, 2)), descent=((0.5,), 4, 3), equations=equations
        ),
    )


def compute(folder: Path) -> tuple[dict[str, Any], ResultsCache]:
    cache = ResultsCache(folder, {})
    labels: list[str] = []
    return experiments.Experiments().compute(Inputs(True, None, cache, labels.append)), cache


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(experiments.TASKS, "quick", tiny())
        folder = tmp_path_factory.mktemp("experiments")
        return compute(folder)[0], folder


@pytest.mark.slow
def test_the_section_has_a_verdict_for_every_claim(made: tuple[dict[str, Any], Path]) -> None:
    evidence = made[0]["evidence"]
    claims_made = ["a", "b", "c-tuned", "c-equal-length", "d-constant", "d-decaying"]
    assert {f"experiment-{c}{suffix}" for c in claims_made for suffix in ("", "-breast-cancer")} < set(evidence)
    template = TEMPLATES / "parts" / "experiments.tex"
    labels = re.findall(r"\\label\{([^}]*)\}", template.read_text())
    for found in evidence.values():
        assert found["verdict"] in RUNS and found["anchor"] in labels
        assert found["says"].count("$") % 2 == 0 and re.search(r"\d", found["says"])


@pytest.mark.slow
def test_an_interrupted_section_loses_no_run_and_repeats_to_the_bit(
    made: tuple[dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(experiments.TASKS, "quick", tiny())
    again, cache = compute(made[1])
    assert cache.computed == [] and len(cache.reused) == 12
    assert again["evidence"] == made[0]["evidence"]
    next(made[1].glob("experiments-breast-cancer-runs-0-1-*.json")).unlink()
    anew, cache = compute(made[1])
    assert cache.computed == ["experiments-breast-cancer-runs-0-1"] and anew["evidence"] == again["evidence"]
    task = dataclasses.replace(tiny()[1], sigma1=0.3)  # another noise is another problem
    monkeypatch.setitem(experiments.TASKS, "quick", (task,))
    with pytest.raises(KeyboardInterrupt):
        experiments.Experiments().compute(Inputs(True, None, ResultsCache(made[1], {}), _interrupting))


def _interrupting(label: str) -> None:
    if "runs" in label:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_the_part_compiles_with_all_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(experiments.TASKS, "quick", tiny((ModelRun(0.1, 1.0, 4, 20), ModelRun(0.1, 0.5, 8, 20))))
    found = build_report(None, tmp_path, True, "experiments", lambda label, fraction: None)
    if "pdf" not in found["files"]:
        pytest.skip("; ".join(found["notes"]))
    assert [note for note in found["notes"] if not note.startswith("pandoc")] == []
    text = (tmp_path / "parts" / "experiments.tex").read_text()
    for name in ("smoothness", "paths", "final", "tuning", "sign", "sde"):
        assert (tmp_path / "figures" / f"experiment-{name}.pdf").exists() and text.count(rf"\ref{{fig:experiment-{name}}}")
    assert text.count(r"\caption{") == text.count(r"\begin{table}") + text.count(r"\begin{figure}")
    assert not re.search(r"\d[eE][+-]?\d", text)


def test_a_quotient_of_rounding_is_none() -> None:
    one = np.ones(3)
    assert quotient(3 * one, 2 * one, 1.0) == "1.5" and quotient(1e-20 * one, 0 * one, 1.0) == "1"
    assert quotient(one, 0 * one, 1.0) == r"{>}1.0\times10^{12}"
