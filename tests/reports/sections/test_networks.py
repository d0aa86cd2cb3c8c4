"""The section on image networks: a small run on files of CIFAR-10 from data to PDF, and what a quick report says of itself."""

import dataclasses
import re
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.tasks.cifar10 import FILES
from sdescent.reports.assembly.report import build_report
from sdescent.reports.claims.verdict_of_claim import RUNS
from sdescent.reports.commands.report_derive_list import data_folders
from sdescent.reports.document.tex import TEMPLATES
from sdescent.reports.paper.application import GROUPS
from sdescent.reports.paper.experiments import findings, image_problems, networks
from sdescent.reports.paper.experiments.image_problems import ImageTask
from sdescent.reports.paper.experiments.study import VariantSize
from sdescent.reports.paper.experiments.variants import RAND_K
from sdescent.reports.sections.base import Inputs, computed
from sdescent.reports.store.cache import ResultsCache


def quietly(label: str, fraction: float) -> None:
    """Progress that nobody reads."""


def context(quick: bool, **folders: str) -> Inputs:
    return Inputs(quick, None, ResultsCache(Path("unused"), {}), lambda label: None, data=folders)


def written(folder: Path, seed: int = 0, count: int = 12) -> Path:
    """A folder with one file of random images in the format of CIFAR-10."""
    records = np.random.default_rng(seed).integers(0, 256, (count, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(count) % 10
    folder.mkdir(exist_ok=True)
    (folder / FILES[0]).write_bytes(records.tobytes())
    return folder


@pytest.mark.slow
def test_a_small_run_goes_from_the_users_files_to_the_pdf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits and CIFAR-10: a verdict for each claim of both, and other images of the user are another result."""
    few = {"steps": 16, "saved": 8, "sign_saved": 8, "sign_steps": 16, "sign_most": 16, "clients": 2, "seeds": 10}
    few |= {
        "grids": ((-5, -3),) * 3,
        "descent": ((0.25,), 4, 3),
        "variants": VariantSize((RAND_K,), (1.0, 0.01), 8, 16, 10),
    }
    tasks = tuple(
        dataclasses.replace(
            task, **few, samples=samples, images=ImageTask(task.images.data, architecture, batch=1, probe=4)
        )
        for task, samples, architecture in zip(networks.TASKS["quick"], (40, 12), ("vit", "cnn"), strict=True)
        if task.images
    )
    for size in ("quick", "full"):
        monkeypatch.setitem(networks.TASKS, size, tasks)
    data = data_folders([f"cifar10={written(tmp_path / 'cifar')}"])
    report = build_report(None, tmp_path / "report", True, "networks", quietly, data)
    assert [note for note in report["notes"] if not note.startswith(("pandoc", "TeX is"))] == []
    text = (tmp_path / "report" / "parts" / "networks.tex").read_text()
    assert "very small version" in text and not re.search(r"\d[eE][+-]?\d", text)
    for name in ("digits-smoothness", "digits-final", "cifar10-final", "cifar10-sign"):
        assert (tmp_path / "report" / "figures" / f"network-{name}.pdf").exists()
        assert f"figures/network-{name}}}" in text
    cache = ResultsCache(tmp_path / "report" / "results")
    again = Inputs(True, None, cache, lambda label: None, data={"cifar10": data["cifar10"]["folder"]})
    small = networks.Networks().compute(again)["evidence"]
    assert cache.computed == [] and not any(e["compared"] or e["undecided"] for e in small.values())
    again = dataclasses.replace(again, quick=False)
    for task in tasks:
        for study in (1, 2):
            networks.Networks().prepare(f"{task.name}, study {study}", again)
    second = len(cache.computed)
    evidence = networks.Networks().compute(again)["evidence"]
    assert second == len(cache.computed) and all(f"{task.name}-0" not in n for task in tasks for n in cache.computed)
    ends = [f"{task.name}-study-{n}" for task in tasks for n in (1, 2)]
    of_rand_k = {f"variant-{c}-{RAND_K}-{end}" for c in ("a", "b", "b-held", "c-held") for end in ends}
    assert set(evidence) == {f"experiment-{c}-{end}" for c in findings.CLAIMS for end in ends} | of_rand_k
    assert small.keys() == {key for key in evidence if key.endswith("-1")}
    labels = re.findall(r"\\label\{([^}]*)\}", (TEMPLATES / "parts" / "networks.tex").read_text())
    for piece in evidence.values():
        assert piece["verdict"] in RUNS and piece["anchor"] in labels and piece["says"].count("$") % 2 == 0
    written(tmp_path / "cifar", seed=1)
    image_problems._classifier.cache_clear()
    networks.Networks().compute(again)
    assert cache.computed[second:] and all("cifar10" in label for label in cache.computed[second:])


def test_every_finding_on_a_network_counts_for_a_claim() -> None:
    """(c, held) for the claim about networks, not for that about logistic regression; and no finding is left out."""
    by_id = {c.id: c.topics for g in GROUPS for c in g.claims}
    patterns = [t for topics in by_id.values() for t in topics]
    for task in networks.TASKS["full"]:
        for claim in findings.CLAIMS:
            assert any(fnmatchcase(f"experiment-{claim}-{task.name}", p) for p in patterns), (claim, task.name)
    held = [
        f"experiment-c-held-{name}" for name in ("digits", "network-digits-vit", "network-cifar10-cnn", "breast-cancer")
    ]
    assert [any(fnmatchcase(t, p) for p in by_id["plain-tuned"]) for t in held] == [True, True, True, False]


def test_data_are_used_if_they_ship_or_are_given_and_a_quick_report_says_what_is_less() -> None:
    assert [t.name for t in networks._tasks(context(False))] == ["network-digits-cnn", "network-digits-vit"]
    assert len(networks._tasks(context(False, cifar10="there"))) == 4
    pairs = networks._pairs(context(True, cifar10="there"))
    assert [task.name if task else None for task, _ in pairs] == [
        "network-digits-cnn",
        None,
        "network-cifar10-cnn",
        None,
    ]
    for size in ("quick", "full"):
        for task in networks.TASKS[size]:
            assert task.steps % (2 * task.saved) == task.sign_steps % (2 * task.sign_saved) == 0  # else the runs refuse
            assert task.saved >= 8 and task.sign_saved >= 8 and f"{task.name}, study 1" in networks.Networks.pieces


def test_data_that_are_not_installed_are_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a package of data, each section names what it leaves out, and nothing else is lost."""

    def refused(*_: object) -> Any:
        raise Refusal("no-data", "no data of $x$")

    items = [SimpleNamespace(title=title) for title in "abc"]
    results = computed(items, lambda item: refused() if item.title == "b" else vars(item))
    assert results == ([{"title": "a"}, {"title": "c"}], [{"title": "b", "why": "no data of $x$"}])
    monkeypatch.setattr(networks.section, "whole_study", refused)
    missing = networks.Networks().compute(context(True))
    assert missing["missing"] == [{"title": "Convolutional network, digits", "why": "no data of $x$"}]
    assert missing["problems"] == [] and missing["evidence"] == {}


def test_a_problem_with_a_floor_is_judged_by_it() -> None:
    """A loss that falls to a level half-way is seen to settle where the noise has a floor, and seen to stop falling where not."""
    loss = np.full((21, 9, 14), 0.2) * np.random.default_rng(2).uniform(0.99, 1.01, (21, 9, 14))
    loss[0] = 1.0
    task = {"constant": (1.0,)}
    signs = {"loss": loss[:, None, :2], "blown": [[0, 0]]}
    study = {"runs": [{"loss": loss, "length": np.ones((9, 14))}], "signs": signs, "task": task, "tuned": []}
    study |= {"curvature": {"starts": 1}}
    study["tuned"] = [{"normalised": {"edge": False}, "theory": {"edge": False}}]
    with_floor, without = (
        findings.findings({**study, "about": {"start": 1.0, **more}}) for more in ({"sampling": {"sigma0": 0.1}}, {})
    )
    assert with_floor["b"].verdict == Verdict.SEEN and without["b"].verdict != Verdict.SEEN
    few = {
        **study,
        "about": {"start": 1.0},
        "curvature": {"starts": 2, "gradient_norm": [1.0] * 8, "curvature": [1.0] * 8},
    }
    assert "smoothness" not in findings.findings(few)  # of one further start there is no interval


def test_data_of_the_user_are_named_and_checked(tmp_path: Path) -> None:
    folder = data_folders([f"cifar10={written(tmp_path / 'a')}"])["cifar10"]
    assert folder["folder"] == str(tmp_path / "a") and len(folder["digest"]) == 64
    for options in (["mnist=x"], ["cifar10"], ["cifar10=a", "cifar10=b"][:1] * 2, [f"cifar10={tmp_path / 'none'}"]):
        with pytest.raises(BadInput):
            data_folders(options)
