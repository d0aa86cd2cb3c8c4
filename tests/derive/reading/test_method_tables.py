"""The table [method] of a TOML file: what is read, and what is said about what is not."""

import time
from fractions import Fraction

import pytest

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.regime import Regime
from sdescent.derive.reading.experiments import experiment, read_experiment
from sdescent.derive.reading.problems import problem
from sdescent.derive.vocabulary.errors import BadInput

HEAVY = {
    "name": "heavy ball", "memory": {"m": 0}, "update": ["m = beta*m + G", "x = x - eta*m"],
    "regime": {"beta": "1 - rho*eta"}, "fractions": ["beta"],
}  # fmt: skip
FIELDS = {
    "noise": "gaussian:sigma=1", "loss": "quadratic:h=1|2", "clients": 2, "eta": "1/10", "T": 1, "x0": [1, -1], "models": [],
    "params": {"rho": 2},
}  # fmt: skip

FILE = """
noise = "gaussian:sigma=1"
loss = "quadratic:h=1|2"
compressor = "rand-k:k=1"
schedule = "power:p=1/2"
clients = 2
eta = [0.1, 0.2]
T = 1
x0 = [1, -1]
models = []
params = {rho = 0.1, c = "1/3"}

[method]
memory = {m = 0.5, v = "1/3"}
update = ["m = beta*m + (1-beta)*G", "v = max(v, c)", "x = x - eta*m/sqrt(v)"]
regime = {beta = "1 - rho*eta^2"}
time = "eta^2"
"""


def test_a_file_is_the_method_of_the_same_formulas(tmp_path):
    (tmp_path / "own.toml").write_text(FILE)
    asked = read_experiment(tmp_path / "own.toml")
    parts = problem({"method": "dcsgd", **{k: v for k, v in FIELDS.items() if k != "params" and k != "models"},
                     "compressor": "rand-k:k=1", "schedule": "power:p=1/2"}).method  # fmt: skip
    assert asked.problems[0].method == Method(
        parts.compressor, parts.noise, 2, parts.schedule, "method",
        {"m": Fraction(1, 2), "v": Fraction(1, 3)},
        ["m = beta*m + (1-beta)*G", "v = max(v, c)", "x = x - eta*m/sqrt(v)"],
        Regime("", "eta^2", (("beta", "1 - rho*eta^2"),)), "eta^2", {"rho": Fraction(1, 10), "c": Fraction(1, 3)},
    )  # fmt: skip
    assert [p.tau for p in asked.problems] == [Fraction(1, 100), Fraction(1, 25)]
    assert asked.step(asked.problems[0]) == Fraction(1, 800)
    as_json = asked.to_dict()
    assert as_json["method"]["memory"] == {"m": "1/2", "v": "1/3"} and as_json["method"]["time"] == "eta^2"
    assert as_json["params"] == {"rho": "1/10", "c": "1/3"}


def test_without_a_regime_and_a_compressor():
    asked = problem({"method": {"update": "x = x - eta*G"}, "clients": 2})
    assert asked.method.plain
    assert asked.to_dict()["compressor"] == "identity"
    assert asked.to_dict()["method"]["regime"] is None


@pytest.mark.parametrize(
    ("change", "field", "value", "column"),
    [
        ({"update": ["m = beta*m + G", "x = x - eta m"]}, "method.update[2]", "m", 13),
        ({"update": ["m = beta*m + G", "x = x - eta*__import__(m)"]}, "method.update[2]", "__import__", 13),
        ({"update": ["m = beta*m + G", "x\u00b2 = x"]}, "method.update[2]", None, 2),
        ({"update": ["m = beta*m + G"]}, "method.update", "no new x", None),
        ({"update": ["x = x - G"] * 65}, "method.update", "65 assignments", None),
        ({"update": ["m = beta*m + y", "y = G", "x = x - m"]}, "method.update[1]", "y", None),
        ({"memory": {"m": True}}, "method.memory.m", True, None),
        ({"memory": [0]}, "method.memory", [0], None),
        ({"regime": {"beta": "1 - rho eta"}}, "method.regime.beta", "eta", 9),
        ({"regime": {"beta": "2^(10^40)"}}, "method.regime.beta", None, None),
        ({"regime": {"beta": "1/(1-1)"}}, "method.regime.beta", "a division by zero", None),
        ({"fractions": ["x"]}, "method.fractions", "x", None),
        ({"fractions": "beta", "name": "a\\b"}, "method.name", "a\\b", None),
    ],
    ids=str,
)
def test_what_is_not_read_is_named(change, field, value, column):
    with pytest.raises(BadInput) as refused:
        problem({**FIELDS, "models": ["first-order"], "method": HEAVY | change})
    error = refused.value
    assert error.field == field
    assert value is None or error.value == value
    assert column is None or error.column == column
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"params": {"rho": "2*3"}}, "params.rho"),
        ({"method": "dsgd"}, "params.rho"),
        ({"method": HEAVY | {"time": "c*eta"}}, "method.time"),
        ({"save": [-1, "1/2"]}, "save"),
        ({"save": [0, 10**5]}, "save"),
    ],
)
def test_numbers_that_an_experiment_needs(change, field):
    with pytest.raises(BadInput) as refused:
        experiment({**FIELDS, "method": HEAVY} | change)
    assert refused.value.field == field


def test_a_noise_that_the_regime_makes_needs_the_regime_s_constants():
    method = HEAVY | {"regime": {"beta": "1 - rho*eta", "s": "s0/eta"}}
    fields = {**FIELDS, "noise": "gaussian:sigma=s", "method": method}
    assert experiment({**fields, "params": {"rho": 2, "s0": 1}}).problems[0].lacking == ()
    with pytest.raises(BadInput) as refused:
        experiment(fields)
    assert refused.value.field == "params.s0"
    ruled = "s = s0/eta"
    for numbers, rule in (({"s0": 1, "s": 1}, ruled), ({"s0": 1, "beta": "1/2"}, "beta = 1 - rho[*]eta")):
        with pytest.raises(BadInput, match=f"what the regime makes: {rule}"):
            experiment({**fields, "params": {"rho": 2, **numbers}})


def test_a_scale_that_the_regime_keeps_has_two_names_and_one_number():
    fields = {**FIELDS, "method": "ema-momentum", "noise": "gaussian", "regime": "batch-equivalent"}
    one, two, other = (
        experiment({**fields, "params": {"rho": 2, **scale}}).problems[0]
        for scale in ({"sigma": 3}, {"sigma0": 3}, {"sigma0": 4})
    )
    assert one.method == two.method != other.method and one.lacking == two.lacking == ()
    with pytest.raises(BadInput, match="beside sigma = 3") as refused:
        experiment({**fields, "params": {"rho": 2, "sigma": 3, "sigma0": 3}})
    assert refused.value.field == "params.sigma0"
    with pytest.raises(BadInput) as refused:  # the noise of this regime is the scale itself
        experiment({**fields, "regime": "ballistic", "params": {"rho": 2, "sigma0": 3}})
    assert refused.value.field == "params.sigma0"


def test_the_steps_are_those_of_the_rule_s_time():
    with pytest.raises(BadInput, match="at most 1000000 steps"):
        problem({**FIELDS, "models": ["first-order"], "eta": "1/1000", "T": 2, "method": HEAVY | {"time": "eta^2"}})


def test_hostile_formulas_end_soon():
    begin = time.process_time()
    for update in ("x = " + "(" * 500 + "x", "x = " + "x^64*" * 400 + "x", "x = " + "9" * 1900, "x" * 100_000):
        with pytest.raises(BadInput) as refused:
            problem({"method": HEAVY | {"update": ["m = beta*m", update]}, "clients": 2, "params": {"rho": 1}})
        assert refused.value.field.startswith("method.update")
    assert time.process_time() - begin < 4


def test_a_key_below_the_table_is_told_where_it_stands():
    with pytest.raises(BadInput, match=r"keys of the experiment stand above the line \[method\]"):
        problem({"method": {"update": "x = x - eta*G", "noise": "gaussian"}})
