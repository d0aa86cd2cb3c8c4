"""The section on experiments: a verdict for every claim, interrupted runs, and the part as TeX."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.tasks import criteria as claims
from sdescent.numerics.tasks.verdicts import DISAGREE
from sdescent.reports.assembly.report import build_report
from sdescent.reports.claims.verdict_of_claim import RUNS
from sdescent.reports.document.tex import TEMPLATES, number
from sdescent.reports.paper.experiments import findings, study, variants
from sdescent.reports.paper.experiments import section as experiments
from sdescent.reports.paper.experiments.findings import quotient
from sdescent.reports.paper.experiments.study import PROBLEMS, ModelRun, Study, VariantSize
from sdescent.reports.sections.base import Inputs, line_of, reduced, reduced_sections
from sdescent.reports.sections.first_page_layout import left_out
from sdescent.reports.store.cache import ResultsCache


def tiny() -> tuple[Any, ...]:
    few = {
        "keeps": (1.0, 0.1), "steps": 16, "saved": 8, "sign_saved": 8, "sign_steps": 16, "sign_most": 32, "sign_seeds": 10,
        "seeds": 10, "tuned": 3, "scales": (0.1, 1.0), "clients": 2,
    }  # fmt: skip
    digits, cancer = experiments.TASKS["quick"]
    return (
        dataclasses.replace(digits, **few, samples=40, grids=((0, 2), (0, 2), (0, 2)), descent=((0.5,), 4, 3)),
        dataclasses.replace(
            cancer, **few, grids=((0, 2), (-4, -2), (0, 2)), descent=((0.5,), 4, 3), equations=(ModelRun(0.1, 1.0, 16, 20),),
            variants=VariantSize(variants.NAMES, (1.0, 0.1), 8, 16, 10, 16, 10, (0.1,)),
        ),
    )  # fmt: skip


def settings(patch: pytest.MonkeyPatch, tasks: tuple[Any, ...]) -> None:
    """These tasks in a quick report, which has nothing less than the full one."""
    for size in ("quick", "full"):
        patch.setitem(experiments.TASKS, size, tasks)


def compute(folder: Path) -> tuple[dict[str, Any], ResultsCache]:
    cache = ResultsCache(folder / "results")
    return experiments.Experiments().compute(Inputs(True, None, cache, lambda label: None)), cache


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """The result, what the report on it alone says, and its folder."""
    with pytest.MonkeyPatch.context() as patch:
        settings(patch, tiny())
        # the network of the digits has programs of its own in each study; here it is the other problem's regression
        patch.setitem(PROBLEMS, "digits", lambda task, seed: PROBLEMS["breast-cancer"](task, seed))
        folder = tmp_path_factory.mktemp("experiments")
        said = build_report(None, folder, True, "experiments", lambda label, fraction: None)
        return compute(folder)[0], said, folder


@pytest.mark.slow
def test_the_section_has_a_verdict_for_every_claim(made: tuple[dict[str, Any], dict[str, Any], Path]) -> None:
    evidence = made[0]["evidence"]
    ends = [f"{name}-study-{n}" for name in ("digits", "breast-cancer") for n in (1, 2)]
    claims = [c for c in findings.CLAIMS if c != "smoothness"]  # only networks start gradient descent at several points
    assert {f"experiment-{c}-{end}" for c in claims for end in ends} < set(evidence)
    assert not any(key.startswith("experiment-smoothness") for key in evidence)
    other = [f"{name}-breast-cancer-study-{n}" for name in variants.NAMES for n in (1, 2)]
    assert {f"variant-{c}-{end}" for c in ("a", "b", "b-held", "c-held") for end in other} < set(evidence)
    judged = [e["says"] for k, e in evidence.items() if "follows" not in k]
    assert all("It would be" in says or "No interval would" in says for says in judged)
    templates = [(TEMPLATES / "parts" / f"experiment{end}.tex").read_text() for end in ("s", "-numbers")]
    labels = re.findall(r"\\label\{([^}]*)\}", "".join(templates))
    compared = (Verdict.CONFIRMED, Verdict.VIOLATED, Verdict.INCONCLUSIVE)
    for key, found in evidence.items():
        assert found["verdict"] in (compared if key.startswith("follows") else RUNS) and found["anchor"] in labels
        assert found["says"].count("$") % 2 == 0 and re.search(r"\d", found["says"])


@pytest.mark.slow
def test_an_interrupted_section_loses_no_run_and_repeats_to_the_bit(
    made: tuple[dict[str, Any], dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(monkeypatch, tiny())
    monkeypatch.setitem(PROBLEMS, "digits", lambda task, seed: PROBLEMS["breast-cancer"](task, seed))
    folder = made[2]
    again, cache = compute(folder)
    assert cache.computed == [] and len(cache.reused) == len(set(cache.reused)) == 2 * (2 * 6 + 5) + 3
    assert again["evidence"] == made[0]["evidence"]
    next((folder / "results").glob("experiments-breast-cancer-1-runs-0-1-*.json")).unlink()
    anew, cache = compute(folder)
    assert cache.computed == ["experiments-breast-cancer-1-runs-0-1"] and anew["evidence"] == again["evidence"]


@pytest.mark.slow
def test_the_part_compiles_with_all_figures(made: tuple[dict[str, Any], dict[str, Any], Path]) -> None:
    _, said, folder = made
    if "pdf" not in said["files"]:
        pytest.skip("; ".join(said["notes"]))
    assert [note for note in said["notes"] if not note.startswith("pandoc")] == []
    text = (folder / "parts" / "experiments.tex").read_text()
    for name in ("smoothness", "paths", "final", "tuning", "stability", "sign", "sde"):
        assert (folder / "figures" / f"experiment-{name}.pdf").exists() and rf"\ref{{fig:experiment-{name}}}" in text
    assert not re.search(r"\d[eE][+-]?\d", text)


def test_no_two_runs_of_any_study_have_the_same_key() -> None:
    of_study, other = "TUNED REPORTED SIGNS METHOD MODEL LENGTH".split(), "RUNS SIGNS".split()  # noqa: SIM905
    purposes = [*(getattr(study, name) for name in of_study), *(getattr(variants, name) for name in other)]
    keys = []
    for seed in study.SEEDS:
        one = object.__new__(Study)
        one.seed = seed
        keys += map(one.key, purposes)
    assert len(set(keys)) == len(keys) == 2 * len(purposes)


def chosen(monkeypatch: pytest.MonkeyPatch, runs: np.ndarray) -> int:
    """DSignSGD's number of steps in a study whose runs are these, (S, seeds)."""
    one = object.__new__(Study)
    one.task = dataclasses.replace(tiny()[0], sign_saved=8, sign_steps=16, sign_most=128, scales=(0.1,))
    one.first, one.seed = 1.0, 0

    def run(label: str, settings: Any, steps: int, seeds: int, key: int, **more: Any) -> dict[str, Any]:
        assert (steps, more["saved"], len(settings)) == (64, 32, 1)
        return {"loss": runs[:, None]}

    monkeypatch.setattr(one, "tick", lambda label: None)
    monkeypatch.setattr(one, "run", run)
    return one._stationary_from()


def test_the_number_of_steps_is_doubled_until_the_runs_are_stationary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of 16, 32, 64 steps at which runs are stationary that level at a given step, else 128, which is not tried."""
    n = np.linspace(0, 64, 33)[:, None] * np.ones(12)
    for level, wanted in ((4, 16), (14, 32), (28, 64), (60, 128), (1000, 128)):
        falling = np.exp(-np.minimum(n, level) / 10)
        assert chosen(monkeypatch, falling) == wanted, level
        assert chosen(monkeypatch, 1 / falling / 1e6) == wanted, level  # rising


def test_what_a_quick_report_has_less_of_is_read_from_the_sizes() -> None:
    words = {"seeds": "seeds", "scales": "scales", "samples": "samples", "inner": "others", "saved": "", "ends": "ends"}
    full = {"seeds": 8, "scales": (1, 2, 3), "samples": None, "inner": {"seeds": 5}, "saved": 4, "ends": (1, 2)}
    quick = {**full, "seeds": 2, "scales": (1,), "samples": 9, "inner": {"seeds": 1}, "saved": 1, "ends": (1, 7)}
    wanted = ["2 of 8 seeds", "1 of 3 scales", "9 of all samples", "others (1 of 5 seeds)", "7 of 2 ends"]
    assert [*map(line_of, reduced(quick, full, words))] == wanted and reduced(full, full, words) == []
    with pytest.raises(KeyError):  # a setting that nobody has a word for
        reduced({**full, "new": 1}, {**full, "new": 2}, words)
    for task, whole in zip(experiments.TASKS["quick"], experiments.TASKS["full"], strict=True):
        lines = " ".join(map(line_of, reduced(task, whole, experiments.COUNTED)))
        fewer = [
            f"{task.steps} of {whole.steps} steps",
            *([f"{task.seeds} of {whole.seeds} seeds"] * (task.seeds < whole.seeds)),
        ]
        assert all(line in lines for line in fewer)
        assert reduced(whole, whole, experiments.COUNTED) == []
        assert all(one.steps % (2 * one.saved) == 0 for one in (task, whole))  # else the runs refuse


def test_the_first_page_names_what_is_left_out_and_the_last_section_how_much_less_there_is() -> None:
    less = [("2 of 3", "runs"), ("no", "models"), ("", "no word for it (1 of 2 seeds)")]
    sections = {"real-data": {"left_out": less}, "sweeps": {"left_out": []}, "models": {}}
    lines = ["2 of 3 runs", "no models", "no word for it (1 of 2 seeds)"]
    assert reduced_sections(sections) == [{"name": "real data", "lines": lines, "none": ["models"]}]
    assert left_out(sections) == {"less": ["real data"], "none": ["real data: models"]}


def test_the_grid_of_variants_has_a_column_for_each_and_no_entry_where_a_claim_was_not_run() -> None:
    one, two = (
        {
            "key": claim,
            "name": findings.named(claim),
            "together": word,
            "reason": "",
            "broken": ["x"] if word == Verdict.SEEN_TO_FAIL else [],
        }
        for claim, word in (("a", Verdict.SEEN), ("bound", Verdict.SEEN_TO_FAIL))
    )
    problems = [
        {"title": "Digits", "variants": [{"short": "floor", "rows": [one, two]}, {"short": "by label", "rows": [one]}]},
        {"title": "Breast cancer", "variants": []},
    ]
    found = variants.grid(problems)
    assert [(c["name"], c["data"]) for c in found["columns"]] == [("floor", "digits"), ("by label", "digits")]
    assert [row["cells"] for row in found["rows"]] == [[one, one], [two, None]]
    assert found["failing"] == [{"name": "the bound of 6.3", "where": "digits, floor", "broken": ["x"]}]
    assert found["against"] == []  # the first page does not claim the bound of this method


def test_a_quotient_of_rounding_is_none() -> None:
    one = np.ones(3)
    assert quotient(3 * one, 2 * one, 1.0) == "1.5" and quotient(1e-20 * one, 0 * one, 1.0) == "1"
    assert quotient(one, 0 * one, 1.0) == r"{>}1.0\times10^{12}"


def falls(last: float, seed: int) -> np.ndarray:
    """Losses (13, 14) that fall from 1 to about `last`."""
    spread = np.random.default_rng(seed).uniform(0.98, 1.02, 14)
    return last ** np.linspace(0, 1, 13)[:, None] * spread


def test_a_row_has_both_verdicts_how_near_they_are_to_others_and_what_they_were() -> None:
    one, two = ({"b": claims.falls([falls(last, seed)], 1.0)} for last, seed in ((0.7, 0), (0.2, 1)))
    row = findings.judged("b", [one, two], [findings.earlier(found, None, 1.0) for found in (one, two)])
    assert row["verdicts"] == [Verdict.UNDECIDED, Verdict.SEEN]
    assert (row["together"], row["reason"]) == (Verdict.UNDECIDED, DISAGREE)
    assert row["earlier"] == Verdict.SEEN  # a fall by less than half was enough
    first, second = (change.widths for own in (one, two) if (change := own["b"].change))
    assert row["margins"] == [number(first, 2), number(second, 2)]
    assert findings.margins([one, two]) == [{"widths": second, "name": "(b)", "study": 2}]  # of what is seen alone
    told = experiments._earlier([{"title": "Digits", "rows": [{**row, "name": "(b)"}], "variants": []}])
    assert told == [{"name": "(b)", "was": Verdict.SEEN, "where": ["digits"]}]


def test_a_variant_is_judged_by_the_runs_of_each_claim() -> None:
    """Constant steps and the held multiplier grow, normalised steps and the theory's own fall."""
    loss = np.stack([falls(last, seed) for seed, last in enumerate((3.0, 0.2, 3.0, 0.2))], axis=1)
    variant = {"name": variants.BY_LABEL, "runs": [{"loss": loss}] * 2, "signs": None}
    found = variants.findings({"about": {"start": 1.0}}, variant)
    assert (found["b"].verdict, found["b-held"].verdict) == (Verdict.SEEN, Verdict.SEEN_TO_FAIL)
    assert found.keys() == {"a", "b", "b-held", "c-held"}


def test_rand_k_without_compression_has_the_runs_of_the_main_setting() -> None:
    one, loss = object.__new__(Study), np.random.default_rng(5).uniform(0, 1, (9, len(study.KINDS), 12))
    one.task = dataclasses.replace(tiny()[0], variants=VariantSize((variants.RAND_K,), (1.0,), 8, 16, 10))
    main = {"runs": [{"omega": 0.0, "loss": loss}], "held": {}}
    (variant,) = variants.run(one, main)
    for kind in variants.KINDS:
        both = (findings.Losses(variant["runs"], variants.KINDS), findings.Losses(main["runs"]))
        np.testing.assert_array_equal(*(losses.paths(*kind)[0] for losses in both))


def test_what_broke_is_the_condition_that_is_farthest_from_holding() -> None:
    grown = claims.falls([falls(0.2, 0), falls(3.0, 1)], 1.0)
    study = {"about": {"start": 1.0}, "task": {"scales": [1, 2]}}
    said = findings.broken(grown, "d-decaying", study)
    e = max((c for c in grown.conditions if c.fatal and c.broken), key=lambda c: c.widths(False)).estimate
    assert f"at scale $2$ is ${findings.spanned(e)}$, not below" in said and said.endswith("(and 1 more)")
    assert findings.broken(claims.stalls([falls(0.2, 0)], [2], 1.0), "d-constant", study) == "2 runs left the bound"


def test_settings_whose_interval_is_the_cap_are_counted() -> None:
    start, rng = 2.0, np.random.default_rng(3)
    cap = claims.CAP * start
    loss = rng.uniform(0.5, 1.0, (3, 4, 24))
    loss[-1, 1] = cap  # wholly at the cap
    loss[-1, 2, :13] = cap  # the median is at it, and not the whole interval
    signs = rng.uniform(0.5, 1.0, (3, 2, 2, 24))
    study = {"about": {"start": start}, "runs": [{"loss": loss}], "signs": {"loss": signs}}
    assert findings.at_cap(study) == (1, 8)
    signs[-1, 1, 0] = cap
    assert findings.at_cap(study) == (2, 8)


def test_steps_that_grow_below_their_bar_are_told() -> None:
    tuned = {"constant": {"m": [1.0, 4.0, 16.0], "loss": [0.5, 3.0, 5000.0], "best": 1.0}}
    study = {
        "curvature": {"l0": 1.0, "l1": 0.0, "gradient_norm": [1.0]}, "about": {"start": 1.0}, "task": {"title": "T"},
        "runs": [{"omega": 0.0}], "tuned": [tuned], "growth": [0.25],
    }  # fmt: skip
    shown = experiments._stability(study)  # the bar is at 8
    assert (shown["grown"], shown["grown_above"], shown["capped"]) == (2, 1, 1) and shown["best"] == ["0.12", "0.12"]


def test_the_smoothness_figure_says_how_ranks_agree_and_how_far_the_line_is_above() -> None:
    def told(bend):
        return experiments._smoothness({"gradient_norm": [1.0, 2.0, 4.0], "curvature": bend, "l0": 4.0, "l1": 0.0})

    assert (told([1.0, 2.0, 4.0])["ranks"], told([1.0, 2.0, 4.0])["above"]) == ("1.0", "2.00")
    assert (told([4.0, 2.0, 1.0])["ranks"], told([2.0, 4.0, 3.0])["ranks"]) == ("-1.0", "0.50")
