"""Sweeps: which points a file has, in which order, their keys, and what the check before a run finds.

The points are compared with a product that is written out here, and keys with the experiments themselves: two points have one key
exactly where their experiments are equal.
"""

import json
import random
from fractions import Fraction
from functools import partial
from itertools import product

import pytest

from sdescent.derive.reading.experiments import DEFAULTS, experiment, read_experiment
from sdescent.derive.reading.sweeps.panels import check, covering
from sdescent.derive.reading.sweeps.plans import Plan, Sweep
from sdescent.derive.reading.sweeps.values import as_json
from sdescent.derive.vocabulary.errors import BadInput
from tests.support.sweep_files import BASE as PLAIN
from tests.support.sweep_files import swept

BASE = f"{PLAIN}seed = 7\n"


@pytest.fixture
def read(tmp_path):
    """Read a sweep of text after `BASE`, or after another base."""
    return partial(swept, tmp_path, base=BASE)


def values(sweep: Sweep) -> list[tuple[object, ...]]:
    """The values of each point as JSON, in the order of the axes."""
    listed = [point.values for point in sweep.points()]
    return [tuple(as_json(exact[name]) if name in exact else None for name in sweep.axes) for exact in listed]


def numbered(sweep: Sweep) -> list[str]:
    """The keys of the points, whose numbers are checked."""
    points = list(sweep.points())
    assert [point.number for point in points] == list(range(len(sweep)))
    return [point.key for point in points]


def test_a_grid_is_every_combination_and_the_last_axis_changes_fastest(read):
    sweep = read('[sweep.grid]\neta = [0.1, 0.05]\nclients = [1, 2, 4]\n"noise.nu" = [3, "7/2"]')
    assert sweep.axes == ("eta", "clients", "noise.nu") and len(sweep) == 12
    assert values(sweep) == list(product(["1/10", "1/20"], ["1", "2", "4"], ["3", "7/2"]))
    for point, (step, n, nu) in zip(sweep.points(), product([10, 20], ["1", "2", "4"], ["3", "7/2"]), strict=True):
        problem = point.experiment().problems[0]
        assert (problem.eta, problem.to_dict()["clients"]) == (Fraction(1, step), n)
        assert problem.specs["noise"].text == f"student-t:nu={nu},sigma=1"


def test_a_sweep_without_axes_is_the_experiment_itself(read, tmp_path):
    sweep = read("")
    (point,) = sweep.points()
    assert sweep.axes == () and len(sweep) == 1 and point.values == {}
    assert point.experiment() == read_experiment(tmp_path / "sweep.toml")
    assert read("[sweep]").to_dict() == sweep.to_dict()


def test_a_list_of_step_sizes_in_the_base_is_an_axis_of_the_grid(read):
    listed = read("[sweep.grid]\nclients = [1, 2]", base=BASE.replace("eta = 0.1", "eta = [0.1, 0.05]"))
    grid = read("[sweep.grid]\neta = [0.1, 0.05]\nclients = [1, 2]", base=BASE.replace("eta = 0.1\n", ""))
    assert listed.to_dict() == grid.to_dict()
    assert listed.axes == ("eta", "clients") and len(listed) == 4
    for own in ("grid = {eta = [0.2]}", "zip = {eta = [0.2], T = [1]}", "grid = {eta = 0.2}"):
        (point,) = read(f"[sweep]\n{own}", base=BASE.replace("eta = 0.1", "eta = [0.1, 0.05]")).points()
        assert point.experiment().problems[0].eta == Fraction(1, 5)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('[sweep.grid]\n"noise.nu" = [3, 4]', "[sweep.grid.noise]\nnu = [3, 4]"),
        ("[sweep.grid]\nT = {from = 1, to = 5, step = 2}", '[sweep.grid]\nT = [1, "3", 5.0]'),
        ("[sweep.grid.noise]\nnu = {linear = [3, 4], count = 3}", '[sweep.grid]\nnoise.nu = [3, "7/2", 4]'),
        ("[sweep.random]\ncount = 2\nT = {uniform = [1, 2]}", "[sweep]\ncount = 2\nrandom.T = {uniform = [1, 2.0]}"),
        ("[sweep.zip]\nT = [1, 2]\nclients = [3, 4]", "[[sweep.zip]]\nT = [1, 2]\nclients = [3, 4]"),
        ("[sweep]\ngrid = {T = [1, 2]}", "[[sweep]]\ngrid.T = [1, 2]"),
    ],
)
def test_one_sweep_has_several_spellings(read, one, other):
    one, other = read(one), read(other)
    assert one.to_dict() == other.to_dict() and numbered(one) == numbered(other) and len(one) > 1


def test_lists_that_change_together_are_one_axis(read):
    sweep = read(
        '[[sweep.zip]]\neta = [0.1, 0.05]\nT = [1, 2]\n[[sweep.zip]]\nclients = [1, 2]\nmethod = ["dsgd", "dsignsgd"]'
    )
    pairs, others = [("1/10", "1"), ("1/20", "2")], [("1", "dsgd"), ("2", "dsignsgd")]
    assert values(sweep) == [(*a, *b) for a, b in product(pairs, others)]


def test_repeats_begin_at_the_seed_of_the_file_and_an_override_moves_it(read):
    def seeds(text: str, *overrides: str, base: str = BASE) -> list[int]:
        return [point.experiment().seed for point in read(f"[sweep]\n{text}", *overrides, base=base).points()]

    assert seeds("seeds = 3") == [7, 8, 9] and seeds("seeds = 3", "seed=20") == [20, 21, 22]
    assert seeds("seeds = 3", base=BASE.replace("seed = 7", "")) == [0, 1, 2]
    assert seeds("seeds = [5, 1, 5]\n[sweep.grid]\nT = [1, 2]") == [5, 1, 5, 1]
    assert seeds("seeds = 3", "seed=1,2") == [1, 2] == seeds("seeds = [4]", "seed=1,2")
    assert seeds("seeds = [4, 5]", "seed=1") == [1] and seeds("seeds = 3", "~seed") == [7]


def test_lists_and_tables_can_be_one_value(read):
    models = '[["first-order", "corrected"], "second-order", []]'
    sweep = read(f"[sweep.grid]\nx0 = [[1, -1], 2]\nmodels = {models}\nsave = [[0, 1], 3]")
    assert len(sweep) == 12
    each = [point.experiment() for point in sweep.points()]
    assert {e.problems[0].x0 for e in each} == {(1, -1), (2,)} and {e.save for e in each} == {(0, 1), 3}
    assert {e.kinds[1:] for e in each} == {("first-order", "corrected"), ("second-order",), ()}
    losses = read('[sweep.grid]\nloss.h = [[1, 2], "3|1/2", 1]')
    texts = [point.experiment().problems[0].specs["loss"].text for point in losses.points()]
    assert texts == ["quadratic:h=1|2", "quadratic:h=3|1/2", "quadratic:h=1"]


RULE = """
[method]
name = "averaged heavy ball"
memory = {m = 0}
update = ["m = beta*m + (1-beta)*G", "x = x - eta*m"]
regime = {beta = "1 - rho*eta"}
"""


def test_parts_of_the_tables_method_and_params_are_axes(read):
    base = BASE.replace('method = "dsgd"', "params = {rho = 2}") + RULE
    regimes = 'method.regime.beta = ["1 - rho*eta", "1 - eta^2*rho"]'
    sweep = read(f"[sweep.grid]\nparams.rho = [1, 2]\n{regimes}\nmethod.memory.m = 1", base=base)
    assert sweep.axes == ("params.rho", "method.regime.beta") and len(sweep) == 4
    for point, (rho, beta) in zip(sweep.points(), product([1, 2], ["1 - rho*eta", "1 - eta^2*rho"]), strict=True):
        problem = point.experiment().problems[0]
        assert problem.params == (("rho", Fraction(rho)),) and problem.table.memory == (("m", 1),)
        assert dict(problem.table.regime)["beta"] == beta
    spec = read('[sweep.grid]\nmethod.c = [0.5, "9/10"]', "method=clipped:c=2", base=BASE)
    texts = [p.experiment().problems[0].specs["method"].text for p in spec.points()]
    assert texts == ["clipped:c=1/2", "clipped:c=9/10"]


def test_blocks_are_united_and_a_point_that_occurs_twice_counts_once(read):
    sweep = read('[[sweep]]\ngrid = {clients = [2, 4], T = [1, 2]}\n[[sweep]]\ngrid = {T = [2, 3, "1"]}')
    assert sweep.axes == ("clients", "T") and len(sweep) == 5
    assert values(sweep) == [("2", "1"), ("2", "2"), ("4", "1"), ("4", "2"), ("4", "3")]
    united = read(
        '[[sweep]]\ngrid = {method = "dsgd", T = [1, 2]}\n'
        '[[sweep]]\ngrid = {method = "dcsgd", compressor = ["rand-k:k=1", "sign"]}'
    )
    assert united.axes == ("T", "compressor", "method") and len(united) == 4
    assert values(united)[::3] == [("1", None, "dsgd"), ("2", "sign", "dcsgd")]
    check(united)


def test_an_axis_and_parts_of_its_values_may_make_a_point_twice(read):
    for nu, points in (("[5, 6]", 2), ("5", 1)):
        sweep = read(f'[sweep.grid]\nnoise = ["student-t:nu=3,sigma=1", "student-t:nu=4,sigma=1"]\n"noise.nu" = {nu}')
        assert len(sweep) == points == len(set(numbered(sweep)))


EQUAL = [
    ("x0 = [1, 0.5]", 'x0 = ["1", "2/4"]'),
    ('noise = "student-t:sigma=1,nu=3"', 'noise = " student-t : nu=3.0, sigma=2/2"'),
    ('noise = "gaussian:sigma=1|0.5"', 'noise = "gaussian:sigma=1.0|1/2"'),
    ("save = [0, 0.5]", 'save = ["0", "1/2"]'),
    ("chunk = 10", "chunk = 20"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_points_have_one_key_whatever_the_spelling(read, one, other):
    name = one.partition(" =")[0]
    base = "\n".join(line for line in BASE.splitlines() if not line.startswith(f"{name} ="))
    if "|" in one:
        base = base.replace("clients = 4", "")
    (a,), (b,) = read("", base=f"{base}\n{one}").points(), read("", base=f"{base}\n{other}").points()
    assert a.key == b.key and a.experiment().to_dict() == b.experiment().to_dict()
    (c,) = read("", base=base).points()
    assert (c.key == a.key) == (name == "chunk")


def test_keys_have_the_values_of_fields_that_are_left_out(read):
    def keys(text: str, base: str = BASE) -> set[str]:
        return {point.key for point in read(text, base=base).points()}

    for field, value in DEFAULTS.items():
        absent = "\n".join(line for line in BASE.splitlines() if not line.startswith(f"{field} ="))
        assert keys("", absent) == keys("", f"{field} = {json.dumps(value)}\n{absent}")
    without = BASE.replace("nu=5,", "")
    assert keys('[sweep.grid]\nnoise.nu = ["10/2"]', without) == keys("")
    assert keys("[sweep]\ncount = 9\nrandom = {x0 = {integers = [1, 2]}}") == keys("[sweep.grid]\nx0 = [[1], [2.0]]")


#: few values of each key, several of them twice and in other spellings
CHOICES = {
    "eta": ["0.1", '"1/10"', '"2/40"'], "T": ["1", '"1"', "1.5", '"3/2"'], "clients": ["1", '"1"', "2"],
    "noise": ['"student-t:nu=3,sigma=1"', '"student-t:sigma=1,nu=4"', '"student-t:sigma=1.0,nu=3"'],
    "noise.nu": ["3", "4", '"8/2"'], "noise.sigma": ["1", '"1/2"', "0.5"], "x0": ["[1, 1]", "1", "[1]", '["1", 1.0]'],
    "loss.h": ["[1, 2]", '"1|2"', '"2/2|2"', "2"], "seed": ["7", "8", '"7"'],
    "models": ['"first-order"', '["first-order"]', '["first-order", "corrected"]'],
}  # fmt: skip


def _random_sweep(draw: random.Random) -> str:
    blocks = []
    for _ in range(draw.choice([1, 1, 2, 3])):
        names, tables = draw.sample(list(CHOICES), draw.randint(1, 4)), {"grid": [], "zip": [], "random": []}
        for name in names:
            values = [draw.choice(CHOICES[name]) for _ in range(3)]
            kind = "zip" if name == "seed" else draw.choice(list(tables))
            listed = f"[{', '.join(values if kind == 'zip' else values[: draw.randint(1, 3)])}]"
            tables[kind].append(f'"{name}" = ' + (f"{{choice = {listed}}}" if kind == "random" else listed))
        seeds = f"seeds = {draw.randint(1, 2)}\n" if "seed" not in names and draw.random() < 0.3 else ""
        counts = [f"count = 4\nseed = {draw.randint(0, 9)}"] if tables["random"] else []
        parts = [line for kind, lines in tables.items() for line in (f"[sweep.{kind}]", *lines)]
        blocks.append("\n".join([f"[[sweep]]\n{seeds}", *parts, *counts]))
    return "\n".join(blocks)


@pytest.mark.parametrize("seed", range(10))
def test_keys_are_equal_exactly_where_experiments_are_and_length_counts_the_points(read, seed):
    """All experiments are built from the blocks by hand: nothing is left out as a double but what is one."""
    sweep = read(_random_sweep(random.Random(seed)), base=f"dim = 2\n{BASE}")
    keys = numbered(sweep)
    assert len(keys) == len(set(keys)) == len(sweep)
    by_key = {point.key: json.dumps(point.experiment().to_dict()) for point in sweep.points()}
    assert len(set(by_key.values())) == len(keys)
    every = set()
    for plan in sweep.plans:
        for rows in product(*(list(factor.rows) for factor in plan.factors)):
            every.add(json.dumps(experiment(plan.fields(rows)).to_dict()))
    assert every == set(by_key.values())
    for point in sweep.points():
        assert set(json.loads(point.key)) == {*point.fields, *DEFAULTS}


def test_nothing_is_listed_before_it_is_asked_for(read, monkeypatch):
    listed = []
    key = Plan.key
    monkeypatch.setattr(Plan, "key", lambda self, rows: listed.append(rows) or key(self, rows))
    sweep = read("[sweep.grid]\nT = {linear = [1, 2], count = 1000}\npaths = {from = 1, to = 1000}")
    assert len(sweep) == 10**6 and listed == []
    points = sweep.points()
    assert next(points).values == {"T": 1, "paths": 1} and next(points).number == 1 and len(listed) == 2


def test_the_check_finds_one_bad_point_among_good_ones_and_names_its_values(read):
    horizons = [str(n if n != 37 else 0) for n in range(1, 121)]
    sweep = read(f"[sweep.grid]\nclients = [1, 2]\nT = [{', '.join(horizons)}]")
    with pytest.raises(BadInput) as error:
        check(sweep)
    assert error.value.field == "T" and "T = 0" in error.value.message and "clients = 1" in error.value.message
    assert "[[sweep]]" not in error.value.message and "\n" not in error.value.message
    with pytest.raises(BadInput):
        check(sweep, most=120)  # a value that is in few of many points


def test_the_check_names_the_axis_that_sets_a_part(read):
    with pytest.raises(BadInput) as error:
        check(read("[sweep.grid]\nnoise.nu = [3, -1]"))
    assert error.value.field == "noise.nu" and "noise.nu = -1" in error.value.message


def test_values_that_do_not_go_together_are_bad_input_that_says_how_to_unite_blocks(read):
    text = '[sweep.grid]\nmethod = ["dsgd", "dcsgd"]\ncompressor = ["identity", "rand-k:k=1"]'
    with pytest.raises(BadInput) as error:
        check(read(text))
    message = error.value.message
    assert error.value.field == "compressor" and "[[sweep]]" in message and "method = dsgd" in message
    with pytest.raises(BadInput, match=r"noise\.nu.*\[\[sweep\]\]"):
        read('[sweep.grid]\nnoise = ["student-t:nu=3,sigma=1", "gaussian:sigma=1"]\n"noise.nu" = [3, 4]')


@pytest.mark.parametrize("most", [1, 5, 1000])
def test_every_value_is_in_an_experiment_of_a_sweep_that_is_too_long_to_build(read, most):
    sweep = read("[sweep.grid]\nT = {from = 1, to = 12}\nclients = [1, 2]\nsave = [2, 3, 4, 5, 6]")
    (plan,) = sweep.plans
    chosen = list(covering(plan, most))
    assert len(chosen) == min(most, 12)
    for n, factor in enumerate(plan.factors):
        texts = {rows[n] for rows in chosen}
        assert len(factor.rows) > most or texts == set(factor.rows)
        assert len(texts) == min(len(factor.rows), most)
        assert factor.rows[0] in texts and (most == 1 or factor.rows[-1] in texts)
