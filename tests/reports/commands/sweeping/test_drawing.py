"""Bounds in a sweep's table and its figures: columns and counts of planted tables, curves of thresholds, files."""

import csv
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure

from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.reading.sweeps.figures_and_bounds import ESTIMATES, Bound, FromTheorem, Threshold
from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.derive.reading.sweeps.formula_letters import Numbers, letters, numbers_of
from sdescent.derive.reading.sweeps.panels import check, layout, survey
from sdescent.reports.commands.sweeping import drawing
from sdescent.reports.commands.sweeping.bounds import add_bounds, counts, covered, granted, summary_line
from sdescent.reports.commands.sweeping.figures import draw_figures
from sdescent.reports.commands.sweeping.panels import Cell, Panel, Scale, curves, in_plane, panels, scale, zeros
from sdescent.reports.commands.sweeping.table import Table

BASE = """
method = "dcsgd"
compressor = "bernoulli:p=1/2"
noise = "student-t:nu=5,sigma=1"
loss = "quadratic:h=1"
clients = 2
x0 = [1]
dim = 1
eta = 0.1
T = 1
paths = 10
models = ["first-order"]
save = 2
quantities = ["loss"]
"""


def read(folder: Path, text: str, base: str = BASE) -> Any:
    path = folder / "sweep.toml"
    path.write_text(base + text)
    found = read_sweep(path)
    check(found)
    return found


def table_of(sweep: Any, value: Any) -> tuple[Table, dict[str, Numbers]]:
    """The table of a sweep with planted numbers.

    Args:
        value: (point's values, run) -> (mean, half-width, blow-ups, and why the mean is not seen if it is not), or None for a run
            that is refused.
    """
    table, numbers = Table(sweep.axes), {}
    for point in sweep.points():
        runs = []
        for run in ("method", "first-order"):
            if (found := value(point.values, run)) is None:
                runs.append({"model": run, "refused": "infinite-variance", "message": "planted", "exists": False})
                continue
            mean, half, lost, *unseen = found
            ends = {"mean_lower": mean - half, "mean_upper": mean + half}
            own: dict[str, Any] = dict.fromkeys(ESTIMATES, mean) | ends
            every = {name: [7.0, None if np.isnan(v) else v] for name, v in own.items()}
            kept = {"blow_ups": {"count": lost}, "quantities": {"loss": every}, "unseen": {"loss": unseen}}
            runs.append({"model": run, "times": [0.5, 1.0], **kept})
        asked = point.experiment().to_dict()
        name = f"point{point.number}"
        table.add(point, name, {"point": asked, "runs": runs})
        numbers[name] = numbers_of(asked, point.values)
    return table, numbers


@pytest.mark.slow
def test_means_that_the_sample_does_not_see_have_no_interval_no_ratio_and_no_verdict(tmp_path):
    grid = '[sweep.grid]\neta = [0.1, 0.2]\n"noise.nu" = [3, 4]\n[[figures]]\nx = "eta"\ny = "noise.nu"\n'
    sweep = read(tmp_path, grid + '[[figures]]\nx = "eta"\ny = "noise.nu"\nestimate = "median"')

    def value(values: Mapping[str, Any], run: str) -> Any:
        far = ["mean-square growth", "one path"] if values["eta"] > 0.15 and run != "method" else []
        return (0.001 if far else 1.0, 0.0001, 0, *far)

    table, numbers = table_of(sweep, value)
    said = "mean-square growth, one path"
    assert table.columns["loss_unseen"] == [*[None] * 5, said, None, said]
    add_bounds(table, [Bound("b", "loss", "1/2 + 0*eta")], survey(sweep).letters, numbers)
    assert table.columns["bound_b_verdict"] == ["exceeded"] * 5 + ["undecided", "exceeded", "undecided"]
    of_means, of_medians = sweep.displays.figures
    (panel,) = panels(table, of_means, layout(sweep, of_means), ["method", "first-order"], ())
    cells = panel.runs["first-order"]
    unseen = {place[0]: (cell.unseen, cell.ends is None) for place, cell in cells.items()}
    assert unseen == {0.1: (False, False), 0.2: (True, True)}
    against = drawing._against(panel, "first-order", True)
    assert {place[0]: (cell.unseen, cell.value, cell.all_lost) for place, cell in against.items()} == {
        0.1: (False, 1.0, False), 0.2: (True, None, False),
    }  # fmt: skip
    (median,) = panels(table, of_medians, layout(sweep, of_medians), ["method", "first-order"], ())
    assert not any(cell.unseen for cell in median.runs["first-order"].values())
    listed, _ = draw_figures(sweep, table, survey(sweep), tmp_path, numbers.__getitem__)
    assert "does not see are marked (2)" in listed[0]["caption"] and "does not see" not in listed[1]["caption"]


def test_verdicts_look_at_the_whole_interval(tmp_path):
    sweep = read(tmp_path, "[sweep.grid]\neta = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]")
    planted = [(2.0, 0.5, 0), (1.2, 0.5, 0), (0.4, 0.5, 0), (0.4, 0.5, 1), (2.0, 0.5, 1), (float("nan"), 0.0, 10)]

    def value(values: Mapping[str, Any], run: str) -> Any:
        return None if run == "first-order" else planted[round(10 * float(values["eta"])) - 1]

    table, numbers = table_of(sweep, value)
    bounds = [Bound("one", "loss", "1 + 0*eta"), Bound("ratio", "loss", "1/(eta - 0.1)")]
    add_bounds(table, bounds, survey(sweep).letters, numbers)
    method = table.where("method")
    assert [table.columns["bound_one"][n] for n in method] == [1.0] * 6
    # above; across; below; below, of the paths that are left; above, of those that are left; no path left
    expected = ["exceeded", "undecided", "holds", "undecided", "exceeded", "undecided"]
    assert [table.columns["bound_one_verdict"][n] for n in method] == expected
    assert table.columns["bound_ratio"][method[0]] is None and table.columns["bound_ratio_verdict"][method[0]] is None
    assert all(v is None for n, v in enumerate(table.columns["bound_one_verdict"]) if n not in method)
    (first, *_) = counts(table, bounds)
    assert summary_line(first) == "bound one exceeded by method at 2 of 6 points (3 undecided, 1 holds)"


def test_a_bound_from_a_theorem_says_what_it_is_about_and_what_it_assumes(tmp_path):
    sweep = read(tmp_path, "[sweep.grid]\neta = [0.1, 0.2, 0.3]")
    table, numbers = table_of(sweep, lambda values, run: (2.0, 0.5, 0))
    theorem = FromTheorem("mine.toml", {"L": "h", "s": "sigma^2"}, "mine", "method", ("f is C^2", "Zsq <= s"))
    bounds = [Bound("b", "loss", "1 + 0*eta", ("eta <= 0.25",), theorem)]
    add_bounds(table, bounds, survey(sweep).letters, numbers, {"b": {"point0": True, "point1": False, "point2": True}})
    verdicts = [table.columns["bound_b_verdict"][n] for n in table.where("method")]
    assert verdicts == ["exceeded", "not claimed", "not claimed"]
    other = table.where("first-order")
    assert [table.columns["bound_b_verdict"][n] for n in other] == ["not claimed"] * 3
    assert [table.columns["bound_b"][n] for n in other] == [None] * 3
    counted = counts(table, bounds)
    assert [summary_line(one) for one in counted] == ["bound b exceeded by method at 1 of 3 points (2 not claimed)"]
    assert list(granted(counted)) == [
        "bound b is a theorem about the method; it also assumes the following, which no number of a point decides:",
        "  f is C^2", "  Zsq <= s", "  where L = h", "  where s = sigma^2",
    ]  # fmt: skip


def test_a_bound_from_a_theorem_applies_where_the_theorem_does(tmp_path):
    sweep = read(tmp_path, "[sweep.grid]\neta = [0.1, 0.3]")
    _, numbers = table_of(sweep, lambda values, run: (2.0, 0.5, 0))
    bound = Bound("b", "loss", "0*eta", (), FromTheorem("mine.toml", {"L": "2*eta"}, "mine", "method", ()))
    asked = {name: {"name": name} for name in numbers}
    found = covered([bound], {"b": lambda own, letters: letters["L"] < 0.5}, survey(sweep).letters, numbers, asked)
    assert found == {"b": {"point0": True, "point1": False}}


def test_a_model_against_the_method_has_the_blow_ups_of_the_worse():
    losses = {"method": 0, "corrected": 3}
    cells = {run: {(Fraction(1),): Cell(2.0, None, False, lost, 10, {}, "p")} for run, lost in losses.items()}
    (cell,) = drawing._against(Panel({}, cells), "corrected", True).values()
    assert (cell.value, cell.lost, cell.all_lost) == (1.0, 3, False)


def test_in_every_panel_a_bound_has_the_line_of_the_legend_and_breaks_where_it_claims_nothing():
    def cells(*bounds: dict[str, float]) -> dict[Any, Cell]:
        return {(Fraction(n),): Cell(1.0, None, False, 0, 10, found, "p") for n, found in enumerate(bounds, 1)}

    panels = [
        Panel({}, {"method": cells({"a": 1.0, "b": 2.0}, {"b": 2.0}, {"a": 3.0, "b": 2.0})}),
        Panel({}, {"first-order": cells({"b": 4.0}, {"b": 4.0}, {"b": 4.0})}),
    ]
    scale, names = Scale("eta", "linear", (Fraction(1), Fraction(2), Fraction(3))), dict[str, Any]()
    drawn = []
    for panel in panels:
        axis = MatplotlibFigure().add_subplot()
        drawing._bounds(axis, panel, scale, {"a": "bound a", "b": "bound b"}, names)
        drawn.append(axis.get_lines())
    (a, b), (alone,) = drawn
    assert list(names) == ["bound a", "bound b"] and names["bound b"] is b
    assert alone.get_linestyle() == b.get_linestyle() != a.get_linestyle()
    assert np.isnan(a.get_ydata()[1]) and list(b.get_ydata()) == [2.0] * 3


@pytest.mark.parametrize(
    ("values", "kind", "edges"),
    [
        ([1, 10, 100], "log", [10**-0.5, 10**0.5, 10**1.5, 10**2.5]), ([3, 1, 2], "linear", [0.5, 1.5, 2.5, 3.5]),
        ([-1, 0, 3], "linear", [-1.5, -0.5, 1.5, 4.5]), (["b", "a"], "text", [-0.5, 0.5, 1.5]), ([2], "linear", [1.0, 3.0]),
        ([1, "a"], "text", [-0.5, 0.5, 1.5]), ([1, 100], "log", [0.1, 10, 1000]),
    ],
)  # fmt: skip
def test_cells_have_their_edges_between_the_values(values, kind, edges):
    found = scale("eta", values)
    assert found.kind == kind
    np.testing.assert_allclose(found.edges, edges)


def test_zeros_are_no_poles_and_no_jumps():
    places = np.linspace(-1, 3, 101)
    np.testing.assert_allclose(zeros(lambda x: (x - 0.123) * (x - 2), places), [0.123, 2], atol=1e-12)
    with np.errstate(divide="ignore"):
        assert zeros(lambda x: 1 / (x - 0.123), places).size == 0
    assert zeros(lambda x: np.where(x < 0.123, -1.0, 1.0), places).size == 0
    assert zeros(lambda x: np.full_like(x, np.nan), places).size == 0
    np.testing.assert_allclose(zeros(lambda x: np.where(x < 0, np.nan, x - 1.01), places), [1.01])


@pytest.mark.slow
def test_a_threshold_in_the_plane_follows_omega():
    """eta (1 + omega/N) = 1 with rand-k in 4 dimensions is eta = 1/(1 + (4/k - 1)/N)."""
    known = letters(["eta", "clients", "dim", "compressor.k"])
    spec = parse_spec("compressor", "rand-k:k=1", "compressor")
    numbers = Numbers({"eta": 0.1, "clients": 2.0, "dim": 4.0, "compressor.k": 1.0}, spec)
    (own, pole) = curves([Threshold("a", "eta*(1 + omega/N) = 1"), Threshold("b", "1/(eta - 0.6001) = 0")], known)
    k, eta, found = in_plane(own, numbers, scale("compressor.k", [1, 2, 4]), scale("eta", [0.25, 0.5, 1]))
    exact = 1 / (1 + (4 / k - 1) / 2)
    assert np.array_equal(found > 0, eta[:, None] > exact[None, :]) and not np.isnan(found).any()
    _, _, found = in_plane(pole, numbers, scale("compressor.k", [1, 2, 4]), scale("eta", [0.25, 0.5, 1]))
    signs = [set(np.sign(column[~np.isnan(column)])) for column in found.T]
    assert np.isnan(found).sum() == 2 * found.shape[1] and all(s == {-1.0, 1.0} for s in signs)


def test_repeats_are_averaged_with_independent_errors(tmp_path):
    sweep = read(tmp_path, '[sweep]\nseeds = 4\n[sweep.grid]\neta = [0.1, 0.2]\n[[figures]]\nx = "eta"')
    table, _ = table_of(sweep, lambda values, run: (float(values["seed"]), 0.5, int(values["seed"] == 3)))
    (figure,) = sweep.displays.figures
    (panel,) = panels(table, figure, layout(sweep, figure), ["method"], ())
    cell = panel.runs["method"][(0.1,)]
    assert (cell.value, cell.lost, cell.paths) == (1.5, 1, 40)
    assert cell.ends is not None
    np.testing.assert_allclose(cell.ends, (1.5 - 0.25, 1.5 + 0.25))  # the half-width 0.5 divided by the root of 4


GRIDS = {
    "one axis": "[sweep.grid]\neta = [0.1, 0.2, 0.4]",
    "two axes": '[sweep.grid]\neta = [0.1, 0.2, 0.4]\n"noise.nu" = [1.5, 3, 4]',
    "text": '[sweep.grid]\ncompressor = ["natural", "sign"]\neta = [0.1, 0.2]\n[[figures]]\nx = "compressor"\ny = "eta"',
    "random": '[sweep.random]\ncount = 9\neta = {uniform = [0.1, 0.4]}\n"noise.nu" = {uniform = [1.5, 4]}',
}
SHOWN = '\n[thresholds]\n"a $ b" = "eta = 0.15"\n"infinite variance" = "nu = 2"\n[bounds]\nfloor = "eta/(1 + omega)"\n'


@pytest.mark.slow
@pytest.mark.parametrize("grid", GRIDS)
def test_figures_of_all_kinds_are_drawn_to_the_byte(grid, tmp_path):
    sweep = read(tmp_path, GRIDS[grid] + SHOWN)

    def value(values: Mapping[str, Any], run: str) -> Any:
        nu, eta = values.get("noise.nu", 5), values.get("eta", 1)
        if run != "method" and nu < 2:
            return None
        if eta > 0.3 and nu > 3:
            return float("nan"), 0.0, 10
        return float(eta) * 10 ** (2 * float(nu < 2)), 0.01, int(eta > 0.15)

    table, numbers = table_of(sweep, value)
    found = survey(sweep)
    add_bounds(table, sweep.displays.bounds, found.letters, numbers)
    made = []
    for folder in (tmp_path / "a", tmp_path / "b")[: 1 + (grid == "two axes")]:
        listed, line = draw_figures(sweep, table, found, folder, numbers.__getitem__)
        assert len(listed) == 1 and line == ""
        made.append({name: (folder / name).read_bytes() for name in listed[0]["files"]})
    assert made[0] == made[-1] and sorted(made[0]) == ["figures/figure-1.pdf", "figures/figure-1.png"]
    assert "eta = 0.15" in listed[0]["caption"] and all(len(content) > 5000 for content in made[0].values())


@pytest.mark.slow
def test_the_command_says_first_what_is_exceeded_and_draws(tmp_path, run):
    (tmp_path / "sweep.toml").write_text(
        BASE + '[sweep.grid]\neta = [0.1, 0.2]\n[bounds]\nnothing = "0*eta"\nmuch = "100*N"\n'
        'some = {formula = "0*eta", where = ["eta < 0.15", "1 <= N"]}\n'
    )
    out = tmp_path / "out"
    (out / "figures").mkdir(parents=True)
    (out / "figures" / "figure-7.png").write_bytes(b"of an earlier sweep")
    status, printed, _ = run("sweep", str(tmp_path / "sweep.toml"), "-o", str(out), "--jobs", "1")
    lines = printed.splitlines()
    shown = (("nothing", 2, ""), ("some", 1, " (1 not claimed)"), ("much", 0, " (2 holds)"))
    assert status == 0 and lines[1:7] == [
        f"bound {name} exceeded by {own} at {count} of 2 points{rest}"
        for name, count, rest in shown for own in ("method", "first-order")
    ]  # fmt: skip
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["sweep"]["bounds"]["some"]["where"] == ["eta < 0.15", "1 <= N"]
    with open(out / "table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = "bound_much", "bound_much_verdict", "bound_nothing_verdict"
    assert [tuple(row[name] for name in columns) for row in rows] == [("200.0", "holds", "exceeded")] * 4
    assert [(row["eta"], row["bound_some"], row["bound_some_verdict"]) for row in rows[::2]] == [
        ("0.1", "0.0", "exceeded"), ("0.2", "", "not claimed"),
    ]  # fmt: skip
    assert sorted(p.name for p in (out / "figures").iterdir()) == ["figure-1.pdf", "figure-1.png"]
