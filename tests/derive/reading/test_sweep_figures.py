"""Thresholds, bounds and figures of a sweep: what is read, which panels there are, and what is refused before anything runs."""

import re

import pytest

from sdescent.derive.reading.sweeps.formula_letters import letters, names_of_letters
from sdescent.derive.reading.sweeps.panels import automatic, check, count, layout, survey
from sdescent.derive.reading.sweeps.plans import Sweep
from sdescent.derive.vocabulary.errors import BadInput
from tests.support.sweep_files import BASE as PLAIN
from tests.support.sweep_files import swept

BASE = PLAIN.replace('method = "dsgd"', 'method = "dcsgd"\ncompressor = "bernoulli:p=1/2"')
GRID = '[sweep.grid]\neta = [0.1, 0.2, 0.4]\n"noise.nu" = [3, 4]\nclients = [1, 4]\n'


@pytest.fixture
def read(tmp_path):
    """Read and check a sweep of text after `BASE`."""

    def reader(text: str) -> Sweep:
        sweep = swept(tmp_path, text, base=BASE)
        check(sweep)
        return sweep

    return reader


def test_points_do_not_depend_on_what_is_shown(read):
    shown = '[thresholds]\n"infinite variance" = "nu = 2"\n[bounds]\nfloor = "eta"\n[[figures]]\nx = "eta"\ny = "noise.nu"\n'
    plain, more = read(GRID), read(GRID + shown)
    assert [p.key for p in plain.points()] == [p.key for p in more.points()]
    assert more.to_dict() == plain.to_dict() | {
        "thresholds": {"infinite variance": "nu = 2"},
        "bounds": {"floor": {"of": "loss", "formula": "eta"}},
        "figures": [{"x": "eta", "y": "noise.nu", "quantity": "loss", "estimate": "mean", "runs": None, "at": {}}],
    }


def test_the_letters_are_those_of_fields_and_of_the_values_of_pieces(read):
    named = survey(read(GRID)).letters
    assert {letter: stands for letter, (stands, *_) in named.items() if "_" not in letter} == {
        "eta": "eta", "T": "T", "N": "clients", "clients": "clients", "d": "dim", "dim": "dim", "omega": "omega", "nu": "noise.nu",
        "sigma": "noise.sigma", "p": "compressor.p", "h1": "loss.h1", "h2": "loss.h2",
    }  # fmt: skip


def test_a_letter_of_two_values_is_spelled_with_its_field():
    both = letters(["compressor.p", "schedule.p"])
    with pytest.raises(BadInput, match=re.escape("compressor.p and schedule.p")):
        names_of_letters("1 - p", "bounds.a", both)
    names = names_of_letters("schedule.p*compressor_p", "bounds.a", both)
    assert names == {"schedule_p": "schedule.p", "compressor_p": "compressor.p"}


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ('[thresholds]\na = "eta <= 1"', "thresholds.a", "one equation"),
        ('[thresholds]\na = "eta = q"', "thresholds.a", "the variables"),
        ('[bounds]\na = "eta.real"', "bounds.a", ""),
        ('[bounds]\na = {of = "lost", formula = "eta"}', "bounds.a.of", "one of loss, gradient_norm"),
        ('[bounds]\na_mean_lower = "eta"', "bounds", "a column is named after it"),
        ('[bounds]\na = {formulas = "eta"}', "bounds.a", "the keys of, formula and where"),
        ('[bounds]\na = {formula = "eta", where = ["eta < 1", "0 < eta < 1"]}', "bounds.a.where", "one inequality"),
        ('[[figures]]\ny = "eta"', "figures[1]", "from left to right"),
        ('[[figures]]\nx = "T"', "figures[1].x", "one of eta, noise.nu, clients"),
        ('[[figures]]\nx = "eta"\ny = "eta"', "figures[1].y", "an axis other than x"),
        ('[[figures]]\nx = "eta"\nruns = ["corrected"]', "figures[1].runs", "one of method, first-order"),
        ('[[figures]]\nx = "eta"\nat = {clients = 3}', "figures[1].at.clients", "1, 4"),
        ('[[figures]]\nx = "eta"\nat = {eta = 0.1}', "figures[1].at", "axes other than x and y"),
    ],
)
def test_what_does_not_fit_is_refused_on_one_line(read, text, field, said):
    with pytest.raises(BadInput) as refused:
        read(GRID + text)
    assert refused.value.field == field and said in refused.value.accepted and "\n" not in str(refused.value)


def test_a_column_counts_in_the_whole_of_an_equation(read):
    with pytest.raises(BadInput) as refused:
        read(GRID + '[thresholds]\na = "eta*noise.nu = 1 + q"')
    assert refused.value.column == "eta*noise.nu = 1 + q".index("q") + 1


def test_axes_that_are_not_drawn_make_panels(read):
    sweep = read(
        GRID + '[[figures]]\nx = "eta"\ny = "noise.nu"\n[[figures]]\nx = "eta"\nat = {clients = 4}\nruns = ["method"]'
    )
    heat, curve = sweep.displays.figures
    panels, runs = layout(sweep, heat), survey(sweep).runs
    assert (panels.axes, panels.panels) == (("clients",), ((1,), (4,)))
    assert count(panels, heat, runs) == 2 * 3  # the method, its model, and their ratio
    panels = layout(sweep, curve)
    assert (panels.axes, panels.panels) == (("noise.nu",), ((3,), (4,))) and count(panels, curve, runs) == 2


def test_too_many_panels_are_refused_with_the_axes_to_fix(read):
    grid = "[sweep.grid]\neta = [0.1, 0.2]\nclients = {linear = [1, 13], count = 13}\npaths = [5, 6]\n"
    with pytest.raises(BadInput) as refused:
        read(grid + '[[figures]]\nx = "eta"')
    assert refused.value.value == "more than 24 panels"
    assert "clients (13 values), paths (2 values)" in refused.value.accepted and "at = {..}" in refused.value.accepted
    sweep = read(grid + '[[figures]]\nx = "eta"\nat = {paths = 5}')
    assert len(layout(sweep, sweep.displays.figures[0]).panels) == 13


def test_without_figures_there_is_a_map_of_the_first_two_axes_of_numbers(read):
    sweep = read(
        '[sweep]\nseeds = 3\n[sweep.grid]\ncompressor = ["identity", "natural"]\neta = [0.1, 0.2]\nclients = [1, 2]'
    )
    figures, line = automatic(sweep, survey(sweep))
    assert [(f.x, f.y, f.quantity) for f in figures] == [("eta", "clients", q) for q in ("loss", "gradient_norm")]
    assert line == "" and layout(sweep, figures[0]).panels == (("identity",), ("natural",))


def test_without_figures_nothing_is_picked_where_there_are_too_many_panels(read):
    sweep = read("[sweep.grid]\neta = [0.1, 0.2]\nclients = [1, 2]\npaths = {linear = [1, 9], count = 9}")
    figures, line = automatic(sweep, survey(sweep))
    assert figures == [] and line.startswith("no figures: 27 panels: at most 24") and "paths (9 values)" in line


def test_axes_that_change_together_are_one(read):
    sweep = read('[sweep.zip]\neta = [0.1, 0.2]\nclients = [1, 2]\n"noise.nu" = [3, 3]\n')
    (figure, _), _ = automatic(sweep, survey(sweep))
    panels = layout(sweep, figure)
    assert (figure.x, figure.y, panels.axes, panels.tied, len(panels.panels)) == ("eta", None, (), ("clients",), 1)
    # where one value of x goes with two of another axis, that axis makes panels
    sweep = read("[sweep.zip]\neta = [0.1, 0.1, 0.2]\nclients = [1, 2, 1]\n")
    (figure, _), _ = automatic(sweep, survey(sweep))
    assert layout(sweep, figure).tied == () and figure.y == "clients"


def test_random_axes_are_drawn_as_points(read):
    values = "{uniform = [1, 2]}"
    sweep = read(f'[sweep.random]\ncount = 40\neta = {values}\n"noise.nu" = {values}\n"noise.sigma" = {values}')
    (figure, _), _ = automatic(sweep, survey(sweep))
    panels = layout(sweep, figure)
    assert panels.random_axis and panels.tied == ("noise.sigma",) and len(panels.panels) == 1
