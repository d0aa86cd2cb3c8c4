"""Specs and problems: what is read, as what, and what is refused with which field and column."""

from fractions import Fraction

import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.methods.compressors import Bernoulli, Identity, Natural, RandK, Sign, TopK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import LogisticRegression, Quadratic
from sdescent.derive.methods.noise import Affine, Gaussian, NoNoise, Scaled, Stable, StudentT
from sdescent.derive.methods.schedules import Power
from sdescent.derive.reading.problems import problem
from sdescent.derive.reading.specs import MAX_VALUES, parse_spec
from sdescent.derive.reading.x0_and_sizes import MAX_ENTRIES
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import MAX_LENGTH
from sdescent.derive.vocabulary.symbols import N, parameter

HALF = sp.Rational(1, 2)
sigma, nu = parameter("sigma"), parameter("nu")


@pytest.mark.parametrize(
    ("kind", "text", "built"),
    [
        ("compressor", "identity", Identity()),
        ("compressor", " rand-k : k = 2 ", RandK(2)),
        ("compressor", "rand-k:k=K", RandK(parameter("K"))),
        ("compressor", "bernoulli:p=.25", Bernoulli(sp.Rational(1, 4))),
        ("noise", "none", NoNoise()),
        ("noise", "gaussian:sigma=0.1", Scaled(Gaussian(), sp.Rational(1, 10))),
        ("noise", "gaussian:sigma=1|2|a_1", Scaled(Gaussian(), (1, 2, parameter("a_1")))),
        ("noise", "gaussian:sigma=0.0|0", NoNoise()),
        ("noise", "student-t", Scaled(StudentT(nu), sigma)),
        ("noise", "affine:sigma0=1,sigma1=1/2,nu=5", Affine(1, HALF, 5)),
        ("loss", "quadratic:h=h2|h1", Quadratic((parameter("h2"), parameter("h1")))),
        ("loss", "logistic-regression:l2=0.01", LogisticRegression(sp.Rational(1, 100))),
    ],
)
def test_specs_are_read_exactly(kind, text, built):
    assert parse_spec(kind, text, kind).build() == built


def test_decimals_are_exact_and_specs_print_in_their_shortest_form():
    spec = parse_spec("noise", "student-t: sigma=0.10|2 , nu=4/2", "noise")
    assert dict(spec.values) == {"nu": Fraction(2), "sigma": (Fraction(1, 10), Fraction(2))}
    assert spec.text == "student-t:nu=2,sigma=1/10|2"
    assert parse_spec("noise", spec.text, "noise") == spec


@pytest.mark.parametrize(
    ("kind", "text", "field", "column", "accepted"),
    [
        ("compressor", "", "kind", None, "identity"),
        ("compressor", "rand-k:k=", "rand-k:k", 10, "a whole number"),
        ("compressor", "rand-k:k=2,", "rand-k", 12, "k=("),
        ("compressor", "rand-k:k=2,k=2", "rand-k:k", 12, "k once"),
        ("compressor", "rand-k:k=1|2", "rand-k:k", 11, "one value"),
        ("compressor", "rand-k:k=0", "rand-k:k", None, "from 1 to 999999"),
        ("compressor", "sign:k=2", "sign:k", 6, "takes no values"),
        ("compressor", "bernoulli:p=0", "bernoulli:p", None, "(0, 1]"),
        ("noise", "gaussian:sigma= 1e3", "gaussian:sigma", 18, "plain decimal"),
        ("noise", "gaussian:sigma=1||2", "gaussian:sigma", 18, "> 0"),
        ("noise", "gaussian:sigma=1|0|2", "gaussian:sigma", None, "0 for every client"),
        ("noise", "gaussian:sigma=1/0", "gaussian:sigma", 16, "denominator"),
        ("noise", "gaussian:sigma=sigma_", "gaussian:sigma", 22, "name of a symbol"),
        ("noise", "affine:sigma0=1|0,sigma1=0|0", "affine:sigma0", None, "not both 0"),
        ("noise", "affine:sigma0=1|2,sigma1=1|2|3", "affine:sigma1", None, "as many values"),
        ("noise", "stable:alpha=2.0001", "stable:alpha", None, "(0, 2]"),
    ],
)
def test_malformed_specs_name_field_column_and_what_is_accepted(kind, text, field, column, accepted):
    with pytest.raises(BadInput) as caught:
        parse_spec(kind, text, "kind").build()
    assert (caught.value.field, caught.value.column) == (field, column)
    assert accepted in caught.value.accepted and "\n" not in caught.value.message


RESERVED = (
    "nan",
    "E",
    "pi",
    "eta",
    "N",
    "u",
    "g1",
    "x1",
    "H1_1",
    "W1",
    "g_j",
    "sin",
    "lambda",
    "gamma",
    "None",
    "eval",
    "hyper",
)


def test_reserved_names_are_no_symbols_and_others_are():
    for name in RESERVED:
        with pytest.raises(BadInput) as caught:
            parse_spec("noise", f"gaussian:sigma={name}", "noise")
        assert caught.value.field == "gaussian:sigma" and f"another name: {name} is " in caught.value.accepted
    for name in ("s", "tau_2", "B", "sigma0", "e", "a" * 30):
        assert parse_spec("noise", f"gaussian:sigma={name}", "noise").build().scales == (parameter(name),)


def test_limits_are_limits():
    assert len(parse_spec("noise", "gaussian:sigma=" + "|".join(["1"] * MAX_VALUES), "z").build().scales) == MAX_VALUES
    long = "gaussian:sigma=" + "|".join(["1"] * (MAX_VALUES + 1))
    for text, accepted in [(long, "at most 64 values"), ("gaussian:" + " " * MAX_LENGTH, f"at most {MAX_LENGTH}")]:
        with pytest.raises(BadInput, match=accepted):
            parse_spec("noise", text, "z")
    assert parse_spec("noise", "gaussian:sigma=" + "9" * 40, "z").build().scales == (sp.Integer("9" * 40),)
    for number in ("9" * 41, "0." + "1" * 40, "1" * 21 + "/" + "1" * 20):
        with pytest.raises(BadInput, match="at most 40 digits"):
            parse_spec("noise", f"gaussian:sigma={number}", "z")


# Problems


def test_a_problem_has_everything_that_was_said():
    asked = problem(
        {"method": "dcsgd", "compressor": "rand-k:k=2", "noise": "gaussian:sigma=1|2|3", "dim": "4",
         "model": "corrected", "loss": "quadratic:h=1/2", "schedule": "power:p=1"}
    )  # fmt: skip
    method = asked.method
    assert (method.compressor, method.clients, method.schedule) == (RandK(2), 3, Power(1))
    assert (asked.dim, asked.models, asked.loss) == (4, ("corrected",), Quadratic(HALF))
    assert asked.to_dict() == {
        "method": "dcsgd", "compressor": "rand-k:k=2", "noise": "gaussian:sigma=1|2|3", "loss": "quadratic:h=1/2",
        "schedule": "power:p=1", "clients": "3", "dim": 4, "models": ["corrected"], "eta": None, "T": None,
        "paths": None, "x0": None, "seed": None,
    }  # fmt: skip


def test_clients():
    affine = {"noise": "affine:sigma0=1,sigma1=1|2"}
    for fields, clients in (({}, N), ({"clients": " 7 "}, 7), ({"clients": 999_999}, 999_999), (affine, 2)):
        assert problem({"method": "dsignsgd", **fields}).method.clients == clients


def test_methods_fix_their_compressor():
    for method, name, compressor in (("dsgd", "identity", Identity()), ("dsignsgd", "sign", Sign())):
        alone, named = problem({"method": method}), problem({"method": method, "compressor": name})
        assert alone.method.compressor == named.method.compressor == compressor
        assert "compressor" not in alone.to_dict()


def test_the_dimension_is_that_of_what_has_one_value_a_coordinate():
    assert problem({"method": "dsgd", "loss": "quadratic:h=1|2"}).dim == 2
    assert problem({"method": "dsgd", "x0": [1, 2, 3]}).dim == 3
    assert problem({"method": "dsgd", "loss": "quadratic:h=1", "x0": "2"}).dim is None


def test_a_symbol_never_stands_for_two_things_by_default():
    with pytest.raises(BadInput) as caught:
        problem({"method": "dcsgd", "compressor": "bernoulli", "schedule": "power"})
    assert caught.value.field == "bernoulli:p" and "power:p already uses" in caught.value.accepted
    said = problem({"method": "dcsgd", "compressor": "bernoulli:p=q", "schedule": "power:p=q"})
    assert said.method.compressor.p == said.method.schedule.p == parameter("q")


BAD_PROBLEMS = [
    ({}, "method", "a method such as dsgd"),
    ({"method": "dcsgd"}, "compressor", "dcsgd needs"),
    ({"method": "dsgd", "compressor": "sign"}, "compressor", "identity"),
    ({"method": "dcsgd", "compressor": "rand-k:k=4", "dim": "3"}, "rand-k:k", "dimension 3"),
    ({"method": "dsgd", "loss": "quadratic:h=1|2", "x0": [1, 2, 3]}, "x0", "2 coordinates"),
    ({"method": "dsgd", "noise": "gaussian:sigma=1|2", "clients": "3"}, "clients", "2, the number of scales"),
    ({"method": "dsgd", "dim": "65"}, "dim", "without it"),
    ({"method": "dsgd", "dim": "1_0"}, "dim", "whole number"),
    ({"method": "dsgd", "models": []}, "models", "one or more"),
    ({"method": "dsgd", "model": "corrected", "models": ["corrected"]}, "models", "either"),
    ({"method": "dsgd", "eta": "0"}, "eta", "> 0"),
    ({"method": "dsgd", "eta": 10**5000}, "eta", "exact number"),
    ({"method": "dsgd", "eta": "1/10000000", "T": "2"}, "eta", "steps"),
    ({"method": "dsgd", "seed": -1}, "seed", "from 0"),
    ({"method": "dsgd", "x0": []}, "x0", "list of 1 to 64"),
    ({"method": ["dsgd"]}, "method", "text"),
]


@pytest.mark.parametrize(("fields", "field", "accepted"), BAD_PROBLEMS)
def test_bad_problems(fields, field, accepted):
    with pytest.raises(BadInput) as caught:
        problem(fields)
    assert caught.value.field == field and accepted in caught.value.accepted
    assert len(caught.value.message) < 500


def test_the_names_of_fields_are_the_users():
    with pytest.raises(BadInput, match=r"^--dim: found '0'; accepted: a whole number"):
        problem({"method": "dsgd", "dim": "0"}, lambda name: f"--{name}")


@pytest.mark.parametrize("name", ["Ne", "rad", "id"])
def test_names_that_would_be_read_back_as_something_else_are_no_symbols(name):
    """A printed symbol must parse back as itself, without a table of names."""
    for make in (
        lambda: parse_spec("noise", f"gaussian:sigma={name}", "noise").build(),
        lambda: Scaled(Gaussian(), name),
        lambda: Scaled(Gaussian(), sp.Symbol(name) / 2),
    ):
        with pytest.raises(BadInput):
            make()


def test_a_name_has_one_meaning_in_an_equation():
    features = LogisticRegression()
    with pytest.raises(BadInput, match="a1"):
        _ = sde(DSGD(Scaled(Gaussian(), "a1")), loss=features, dim=2).expanded
    assert "a1" in str(sde(DSGD(Scaled(Gaussian(), "a3")), loss=features, dim=2).expanded.drift)
    assert "h1" in str(sde(DSGD(Scaled(Gaussian(), "h1")), loss=Quadratic(), dim=2).expanded.covariance)


@pytest.mark.parametrize(
    ("method", "dim", "names"),
    [
        (DCSGD(Natural(), Scaled(StudentT("m"), "s")), None, "N eta m s"),
        (DCSGD(TopK(1), Scaled(StudentT("m"), "s")), 2, "N eta m s"),
        (DSignSGD(Scaled(Stable("a"), "s"), 2), 2, "eta a s"),
    ],
    ids=str,
)
def test_every_symbol_of_an_answer_is_among_its_parameters(method, dim, names):
    equation = sde(method, "first-order", None, dim)
    assert set(names.split()) <= set(equation.to_dict()["parameters"])
    assert set(names.split()) - {"m"} <= {s.name for s in equation.parameters}


RUN = {"method": "dsgd", "loss": "cosh", "dim": 10, "clients": 4, "x0": "1", "eta": "1/10", "T": "1"}


@pytest.mark.parametrize(
    ("changed", "field", "accepted"),
    [
        ({"T": "0.0999999999999999999"}, "T", "a number >= eta (1/10)"),
        ({"T": "100001"}, "eta", "at most 1000000 steps"),
        ({"paths": 10**6, "dim": 11}, "paths", f"at most {MAX_ENTRIES // 121} in 11 dimensions"),
        ({"T": "10", "eta": "1/100000", "clients": 999999}, "eta", "T/eta x clients x dim x paths of at most"),
    ],
)
def test_an_experiment_that_cannot_be_run_is_no_problem(changed, field, accepted):
    assert problem(RUN).lacking == () and problem({**RUN, "T": "1/10"}).lacking == ()
    with pytest.raises(BadInput) as caught:
        problem({**RUN, **changed})
    assert caught.value.field == field and accepted in caught.value.accepted
