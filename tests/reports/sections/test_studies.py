"""The section on sweeps: folders are read from the specification, checked, and shown with what is exceeded first."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.reading.problems import problem, read_problem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.assembly.plan import chosen
from sdescent.reports.assembly.report import build_report
from sdescent.reports.sections.base import Inputs
from sdescent.reports.sections.studies import Studies
from sdescent.reports.store.cache import ResultsCache, canonical_json

SWEEP = """
method = "dsgd"
noise = "gaussian:sigma=1"
loss = "quadratic:h=1"
clients = 2
x0 = [1]
dim = 1
T = 1
paths = 10
models = []
save = 2
quantities = ["loss"]
[sweep.grid]
eta = [0.1, 0.2]
[bounds]
loose = "100"
tight = "-1"
"""
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def finished(folder: Path) -> dict[str, Any]:
    """A planted folder of a sweep: its manifest."""
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "figure-1.png").write_bytes(PICTURE)
    count = {"where": ["eta < 2_0"], "undecided": 1, "holds": 1, "not claimed": 0, "no value": 0}
    grid = {"eta": ["1/10", "1/5"]}
    block = {"fixed": {}, "grid": grid, "zip": [], "random": {}, "count": None, "seed": None, "seeds": 3}
    manifest: dict[str, Any] = {
        "sweep": {"base": {"method": "dsgd", "T": "1"}, "blocks": [block], "thresholds": {"a_b": "eta = 1"}},
        "axes": ["eta", "seed"], "points": 6, "context": {"versions": {"sdescent": "0.1"}}, "no_figures": "",
        "runs": [{"run": "method", "points": 6, "refused": 1, "blow_ups": 2, "all_paths_blew_up": 0}],
        "refused": [{"run": "method", "reason": "no-drift: planted", "exists": False, "points": 1}],
        "bounds": [{"bound": "tight_one", "of": "loss", "formula": "eta^2", "run": "method", "exceeded": 4, **count}],
        "figures": [{"name": "figure-1", "files": ["figures/figure-1.png"], "caption": "Mean of 100 % & more."}],
        "digests": {"figures/figure-1.png": hashlib.sha256(PICTURE).hexdigest()},
    }  # fmt: skip
    keep(folder, manifest)
    return manifest


def keep(folder: Path, manifest: dict[str, Any]) -> None:
    rest = {name: value for name, value in manifest.items() if name != "sha256"}
    manifest["sha256"] = hashlib.sha256(canonical_json(rest).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def spec(folder: Path, studies: str = '["made"]') -> Path:
    path = folder / "spec.toml"
    path.write_text(f'method = "dsgd"\nstudies = {studies}\n')
    return path


def computed(folder: Path) -> dict[str, Any]:
    context = Inputs(True, read_problem(spec(folder)), ResultsCache(folder / "results"), lambda label: None)
    return Studies().compute(context)


def test_folders_are_read_beside_the_specification(tmp_path: Path) -> None:
    manifest = finished(tmp_path / "made")
    found = read_problem(spec(tmp_path))
    assert "studies" in chosen(found, None) and "studies" not in chosen(problem({"method": "dsgd"}), None)
    first = found.to_dict()
    keep(tmp_path / "made", {**manifest, "points": 7})
    assert read_problem(spec(tmp_path)).to_dict() != first  # what is stored is of another sweep


def test_the_entry_says_what_the_manifest_does(tmp_path: Path) -> None:
    finished(tmp_path / "made")
    result = computed(tmp_path)
    (entry,) = result["entries"]
    assert entry["axes"] == [{"name": "eta", "values": ["1/10, 1/5"]}, {"name": "seed", "values": ["3 repeats"]}]
    assert entry["settings"] == [{"name": "method", "value": "dsgd"}, {"name": "T", "value": "1"}]
    assert (entry["bounds"][0]["exceeded"], entry["bounds"][0]["none"], entry["bounds"][0]["theorem"]) == (4, 0, None)
    Studies().figures(result, tmp_path / "figures")
    assert (tmp_path / "figures" / "study-1-figure-1.png").read_bytes() == PICTURE


@pytest.mark.parametrize("value", ["3", "[1]", '["absent"]', '["made", "made"]'])
def test_a_bad_list_of_folders_is_named(tmp_path: Path, value: str) -> None:
    finished(tmp_path / "made")
    with pytest.raises(BadInput) as caught:
        read_problem(spec(tmp_path, value))
    assert caught.value.field == "studies" and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", '{"sweep": {}}', "[" * 100_000, b"\xff\xfe"])
def test_a_manifest_that_is_none_is_one_line(tmp_path: Path, content: str | bytes) -> None:
    finished(tmp_path / "made")
    path = tmp_path / "made" / "manifest.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadInput, match=r"made, whose manifest\.json is damaged or of another version"):
        read_problem(spec(tmp_path))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    manifest = finished(tmp_path / "made")
    (tmp_path / "made" / "figures" / "figure-1.png").write_bytes(PICTURE[:-1])
    with pytest.raises(BadInput, match=r"made, where figures/figure-1\.png is damaged"):
        computed(tmp_path)
    (tmp_path / "made" / "manifest.json").write_text(json.dumps({**manifest, "points": 5}))
    with pytest.raises(BadInput, match="made, where the manifest is damaged"):
        computed(tmp_path)


@pytest.mark.slow
def test_the_report_shows_a_sweep(tmp_path: Path, run: Any) -> None:
    (tmp_path / "sweep.toml").write_text(SWEEP)
    assert run("sweep", str(tmp_path / "sweep.toml"), "-o", str(tmp_path / "made"), "--jobs", "1")[0] == 0
    build_report(read_problem(spec(tmp_path)), tmp_path / "report", True, "studies", lambda label, done: None)
    part = (tmp_path / "report" / "parts" / "studies.tex").read_text()
    assert part.index("{tight}") < part.index("{loose}") and r"\textbf{2}" in part
    assert (tmp_path / "report" / "figures" / "study-1-figure-1.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_what_a_manifest_says_is_escaped(tmp_path: Path) -> None:
    finished(tmp_path / "made")
    build_report(read_problem(spec(tmp_path)), tmp_path / "report", True, "studies", lambda label, done: None)
    part = (tmp_path / "report" / "parts" / "studies.tex").read_text()
    assert r"Mean of 100 \% \& more." in part and r"tight\_one" in part and r"eta\textasciicircum{}2" in part
