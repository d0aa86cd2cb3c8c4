"""The simulated parts: numbers as LaTeX, figures, an interrupted run taken up again, and each part alone in a document."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import sympy as sp

from sdescent.derive.methods.noise import Gaussian, StudentT
from sdescent.derive.reading.problems import problem
from sdescent.reports.assembly.report import build_report
from sdescent.reports.document.figures import NAMED, STYLES, bands, figure, gaps, styles
from sdescent.reports.document.notation import Notation
from sdescent.reports.document.pdf import Absent
from sdescent.reports.document.tex import number, percentage, uncertain
from sdescent.reports.paper.real_data.study import MethodRun, _apart, _forms
from sdescent.reports.paper.sde_table import _signed_moment
from sdescent.reports.sections import ensembles
from sdescent.reports.sections.base import Inputs
from sdescent.reports.sections.compare import final_rows, relative_gaps, summary
from sdescent.reports.store.cache import ResultsCache
from tests.reports.document.test_tex import compile_tex

ALONE = r"""\documentclass{article}
\usepackage[T1]{fontenc}\usepackage{lmodern}
\usepackage[margin=24mm]{geometry}
\usepackage{amsmath,amssymb,amsthm,mathtools,booktabs,graphicx,microtype}
\newcommand{\sdEta}{\gamma}
\begin{document}\input{parts/ensembles}\end{document}
"""


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0, 3, "0"),
        (-0.0123456, 3, "-0.0123"),
        (9.996, 3, "10.0"),
        (6.6e-5, 2, r"6.6\times10^{-5}"),
        (9.999e-4, 2, "0.0010"),
        (99999.9, 3, r"1.00\times10^{5}"),
        (math.nan, 3, r"\text{--}"),
        (-math.inf, 3, r"-\infty"),
    ],
)
def test_a_number_in_latex(value: float, digits: int, shown: str) -> None:
    assert number(value, digits) == shown


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [
        (1.2345, 0.0678, r"1.234\pm0.068"),
        (0.0005733, 8.5e-6, r"(5.733\pm0.085)\times10^{-4}"),
        (-4.444, 1.17, r"-4.4\pm1.2"),
        (0.5, 0.0996, r"0.50\pm0.10"),
        (-0.0004, 0.12, r"0.00\pm0.12"),
        (0.03, 12.3, r"0\pm12"),
        (0.25, 2e-7, "0.2500"),
        (0.25, 3e-7, r"0.25000000\pm0.00000030"),
        (0.25, math.inf, r"0.2500\pm\infty"),
        (-math.inf, math.nan, r"-\infty"),
    ],
)
def test_a_number_with_its_interval_in_latex(value: float, half: float, shown: str) -> None:
    assert uncertain(value, half) == shown


def test_a_sign_is_shown_where_asked_and_never_for_zero() -> None:
    assert [uncertain(v, 0.1, sign=True) for v in (2, -2, 0, 0.001)] == [
        r"+2.00\pm0.10", r"-2.00\pm0.10", r"0.00\pm0.10", r"0.00\pm0.10",
    ]  # fmt: skip


def test_the_interval_of_a_relative_gap_is_that_of_the_ratio() -> None:
    def run(mean: list[float], half: float) -> dict[str, Any]:
        return {"mean": mean, "interval": [half] * 2, "low": mean, "high": mean, "blow_ups": 0}

    base, own = run([2.0, 4.0], 0.4), run([6.0, 1.0], 0.1)
    first, second = final_rows({"method": base, "model": own})
    # a/b = 1/4, and both intervals are 10 %: 25 % times sqrt(2) times 10 % is 3.5 %. For the largest gap, 200 %, the half-width is
    # 60.2 %, from 0.1 / 2 and 3 times 0.4 / 2
    assert (first["gap"], second["gap"], second["largest"]) == ("", r"-75.0\pm3.5", r"140\text{--}260")
    nothing = final_rows({"method": run([0.0, 0.0], 0.0), "model": run([math.nan, math.nan], math.nan)})[1]
    assert {nothing[key] for key in ("mean", "gap", "largest", "low")} == {r"\text{--}"}
    for half, sharp in ((0.25, True), (0.26, False)):  # a mean of the method that is hardly known
        row = final_rows({"method": run([1.0, 1.0], half), "model": run([3.0, 3.0], 0.1)})[1]
        assert (row["gap"] != r"\text{--}") == (row["largest"] != r"\text{--}") == sharp


@pytest.mark.slow
def test_lines_that_coincide_are_apart_in_the_figure_of_their_gaps(tmp_path: Path) -> None:
    """Means 1 % and 2 % apart on an axis over four decades: less than a line's width there, more than ten beside it."""
    times = [0.0, 1.0, 2.0, 3.0]
    base = np.array([10.0, 1.0, 0.1, 0.01])

    def run(mean: np.ndarray, half: float) -> dict[str, Any]:
        factors = {"mean": 1.0, "low": 0.5, "high": 2.0, "interval": half}
        return {name: (factor * mean).tolist() for name, factor in factors.items()}

    series = {"method": run(base, 0.003), "first-order": run(1.01 * base, 0.004), "corrected": run(0.98 * base, 0.0)}
    found = relative_gaps(series)
    # intervals of 0.3 % and 0.4 % of a ratio 1.01, and of 0.3 % and 0 of 0.98
    expected = {"first-order": [(1.0, 1.01 * 0.5)] * 4, "corrected": [(-2.0, 0.98 * 0.3)] * 4}
    assert {name: np.allclose(pairs, expected[name]) for name, pairs in found.items()} == dict.fromkeys(expected, True)
    assert np.all(np.isnan(relative_gaps({"method": run(base, 0.26), "model": run(base, 0.0)})["model"]))
    with figure(tmp_path, "f", columns=2, size=(3.1, 1.9)) as axes:
        bands(axes[0], times, series)
        gaps(axes[1], times, found)
        axes[0].set_ylabel("loss")
        axes[1].set_ylabel("gap (%)")
        axes[0].figure.canvas.draw()
        heights = [[_heights(axis, line) for line in axis.lines if line.get_linewidth() == 1.3] for axis in axes]
        together, apart = (np.array([np.abs(lines[n] - lines[0]) for n in (1, 2)]) for lines in heights)
        width = 1.3 * axes[0].figure.dpi / 72
        assert len(heights[0]) == len(heights[1]) == 3 and np.all(together < width) and np.all(apart > 10 * width)
        bars = [set(line.get_xdata()) for line in axes[1].lines if line.get_linewidth() == 0.8]
        assert bars == [{1.0}, {2.0}]  # no two intervals at one time


def _heights(axis: Any, line: Any) -> np.ndarray:
    """Where a line is drawn at four times, pixels; a line across the axis has one height."""
    y = np.asarray(line.get_ydata(), float)
    return np.resize(axis.transData.transform(np.column_stack([np.zeros(len(y)), y]))[:, 1], 4)


def test_the_statistic_of_a_comparison_has_a_mean_under_every_law() -> None:
    """Losses (X^2)/2 of Cauchy paths have no mean; min(f, c) has, and the interval of 95 % covers it: z below 5 of coverage."""
    rng = np.random.default_rng(20251125)
    cap, covered, repeats = 60.0, 0, 200
    exact = scipy.integrate.quad(lambda u: min(math.tan(math.pi * (u - 0.5)) ** 2 / 2, cap), 0, 1, limit=500)[0]
    for _ in range(repeats):
        loss = rng.standard_cauchy((1, 500)) ** 2 / 2
        run = SimpleNamespace(times=[0.0], values={"loss": loss}, blow_ups=np.zeros(1))
        kept = summary(run, "loss", cap)
        assert kept["high"][0] <= cap
        covered += abs(kept["mean"][0] - exact) <= kept["interval"][0]
    assert abs(covered / repeats - 0.95) < 5 * math.sqrt(0.95 * 0.05 / repeats)


def test_blown_up_paths_count_at_the_cap_and_the_cap_is_the_methods() -> None:
    values = {"loss": np.array([[1.0, 1.0, 1.0, 1.0], [2.0, 3.0, np.nan, 5.0]])}
    method = summary(SimpleNamespace(times=[0, 1], values=values, blow_ups=np.array([0, 1])), "loss")
    assert method["cap"] == 50  # the 90 % quantile of 2, 3, 5 is 4.6, and 46 rounded up is 50
    assert method["mean"][1] == pytest.approx((2 + 3 + 5 + 50) / 4)
    assert method["blow_ups"] == 1
    lost = {"loss": np.full((2, 4), np.nan)}
    model = summary(SimpleNamespace(times=[0, 1], values=lost, blow_ups=np.array([0, 4])), "loss", method["cap"])
    assert model["mean"] == [50, 50]  # not "--": that all paths blew up is a gap of its own
    at_rest = SimpleNamespace(times=[0], values={"loss": np.zeros((1, 3))}, blow_ups=np.zeros(1))
    assert summary(at_rest, "loss")["cap"] == 1


def test_the_largest_gap_and_the_smallest_at_the_end_are_named() -> None:
    def run(*mean: float) -> dict[str, Any]:
        return {"mean": list(mean), "interval": [0.01 * m for m in mean]}

    series = {"method": run(1.0, 1.0), "first-order": run(1.2, 0.9), "corrected": run(1.5, 1.02)}
    assert ensembles._extremes(series).startswith(
        r"the corrected model has the largest gap, between $47.9$ and $52.1\,\%$; "
        r"at the last time it has the smallest gap, $+2.0\pm1.4"
    )
    swapped = ensembles._extremes({**series, "corrected": run(1.5, 1.2)})
    assert "the corrected model has the largest gap" in swapped
    assert r"the first-order model has the smallest gap, $-10.0" in swapped
    alike = ensembles._extremes({**series, "corrected": run(1.2, 1.02)})
    assert alike.startswith("at the last time the corrected model has the smallest gap")
    assert ensembles._extremes({name: series[name] for name in ("method", "corrected")}) == ""  # nothing to tell apart


def test_a_moment_that_does_not_exist_is_infinite_and_one_without_a_sign_a_dash() -> None:
    y = sp.Symbol("y", real=True)
    shown = [_signed_moment(StudentT(nu), m, y, Notation()) for nu, m in ((1, 1), (2, 1), (2, 2), (3, 2))]
    assert shown[0] == r"\infty" and shown[2] == r"\text{--}" and r"\infty" not in (shown[1], shown[3])


def test_series_that_are_no_models_have_the_styles_that_are_free() -> None:
    assert list(styles(["constant", "normalised"]).values()) == list(STYLES[:2])
    found = styles(["other", "corrected", "method", "more"])
    assert found["corrected"] == NAMED["corrected"] and len({str(style) for style in found.values()}) == 4


def test_a_share_and_its_interval_are_written_to_one_place() -> None:
    assert percentage(0.599, 0.5967, 0.6013) == (r"59.90\,\%", r"[59.67,60.13]\,\%")
    assert percentage(0.0, 0.0, 2.1e-5) == (r"0.0000\,\%", r"[0.0000,0.0021]\,\%")


def quietly(label: str, fraction: float = 0.0) -> None:
    """No progress is shown."""


@pytest.fixture(scope="module")
def few() -> Iterator[pytest.MonkeyPatch]:
    """A quick run of one method, with a few paths and one model."""
    with pytest.MonkeyPatch.context() as patch:
        cases = {"dcsgd": ensembles.cases()["dcsgd"]}
        patch.setattr(ensembles, "cases", lambda: cases)
        patch.setattr(ensembles, "MODELS", ("first-order",))
        patch.setitem(ensembles.PATHS, "quick", 50)
        patch.setitem(ensembles.HALF_WIDTH, "quick", 10.0)  # so that these paths are enough
        yield patch


def computed(folder: Path) -> tuple[dict[str, Any], ResultsCache]:
    """The result of the section, and the cache that says what was reused and what was computed for it."""
    cache = ResultsCache(folder / "results")
    return ensembles.Ensembles().compute(Inputs(True, None, cache, quietly)), cache


@pytest.mark.slow
def test_a_section_that_was_interrupted_and_run_again(few: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was finished is reused, to the bit; the part compiles alone, and the page has all of it."""
    folder = tmp_path / "resumed"
    labels: list[str] = []

    def interrupted(label: str, fraction: float) -> None:
        labels.append(label)
        if len(labels) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_report(None, folder, True, "ensembles", interrupted)
    made = build_report(None, folder, True, "ensembles", quietly)
    pilot, method, model = (f"ensembles-dcsgd-{name}" for name in ("paths", "method", "first-order"))
    assert made["reused"] == sorted([pilot, method, f"{method}-exact"])
    _, cache = computed(folder)
    assert cache.computed == [] and cache.reused == [pilot, method, f"{method}-exact", model, f"{model}-exact"]
    part, page = (folder / "parts" / "ensembles.tex").read_text(), (folder / "report.html").read_text()
    assert all(own in part for own in (r"\sdNu=5", r"\sdSigma=1/2", r"\sdK=1", r"\sdEta=1/16", "50 paths", "student-t"))
    assert not re.search(r"\d[eE][+-]?\d", part)
    assert part.count(r"\begin{tabular}") == part.count(r"\begin{sdtable}")  # each with its caption
    assert part.count(r"\caption{") == part.count(r"\begin{sdtable}") + part.count(r"\begin{sdfigure}")
    if "html" not in made["files"]:
        pytest.skip("needs the html extra (pandoc)")
    notation = (folder / "parts" / "notation.tex").read_text()
    assert page.count("<table") == len(re.findall(r"\\begin\{(?:tabular|longtable)\}", part + notation))
    assert page.count("<img") == part.count(r"\includegraphics") > 0
    (folder / "alone.tex").write_text(ALONE)
    compiled = compile_tex(folder / "alone.tex")
    if isinstance(compiled, Absent):
        pytest.skip(compiled.message)
    assert compiled.pdf is not None and not compiled.errors and not compiled.undefined
    assert not [box for box in compiled.overfull if box.points > 10]


@pytest.mark.parametrize("nu", [math.inf, 3.5])
def test_noise_that_is_as_likely_gaussian_is_gaussian(nu: float, tmp_path: Path) -> None:
    """The fit then has nu = inf, which is no parameter of a Student-t law and no number of JSON."""
    noise = {"nu": nu, "scale": np.ones(2), "covariance": np.eye(2)}
    method, params = _forms(MethodRun("dsignsgd", 0.1, 10), 4, noise)
    assert isinstance(method.noise.law, StudentT if nu == 3.5 else Gaussian)
    assert all(np.all(np.isfinite(value)) for value in params.values())
    spec = {name: np.asarray(value).tolist() for name, value in params.items()}
    assert ResultsCache(tmp_path, {}).path("x", spec).name.startswith("x-")


def test_a_model_that_does_not_exist_is_a_status_of_the_simulated_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    numbers = {"clients": 2, "eta": "1/10", "T": 1, "dim": 1, "x0": [1]}
    fields = {"method": "dsignsgd", "loss": "quartic", "models": ["corrected"], **numbers}
    refused = {"refused": [{"model": "corrected", "why": "", "exists": False}]}
    monkeypatch.setattr(ensembles, "_simulate", lambda *_: refused)
    section = ensembles.Ensembles().compute(Inputs(True, problem(fields), ResultsCache(tmp_path, {}), quietly))
    assert section["statuses"] == {"corrected": "refused"}


def test_bands_are_apart_where_no_value_is_common_to_them_at_the_last_time() -> None:
    band = lambda low, high: {"low": [0.0, low], "high": [9.0, high]}  # noqa: E731
    assert _apart(band(1, 2), band(3, 4)) and _apart(band(3, 4), band(1, 2))
    assert not _apart(band(1, 3), band(3, 4)) and not _apart(band(1, 4), band(2, 3))
