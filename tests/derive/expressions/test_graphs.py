"""Long equations: repeated parts by name, in JSON and in numbers."""

import json
import random

import mpmath
import pytest
import sympy as sp
from sympy.parsing.sympy_parser import parse_expr

import sdescent as sd
from sdescent.derive.expressions.graphs import bottom_up, exchange, named_parts, numeric, remade
from sdescent.derive.methods.noise import Affine, Scaled, StudentT
from sdescent.derive.printing.text import ExpressionWriter, written_sizes

HEAVY = sd.DCSGD(sd.compressors.ScaledSign(), Affine(nu=5))


@pytest.mark.slow
def test_a_long_equation_names_what_it_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were as long as in five dimensions, where it would take 100 MB: the short text, read as the README says."""
    monkeypatch.setattr("sdescent.derive.printing.text.LIMIT", 10_000)
    equation = sd.sde(HEAVY, "second-order", sd.losses.LogisticRegression(), 2)
    entry, whole = equation.to_dict(), [*equation.expanded.drift, *equation.expanded.covariance]
    assert len(json.dumps(entry)) < sum(written_sizes(whole)) / 2
    names = [*entry["parameters"], *entry["state"]]
    local = {name: sp.Symbol(name) for name in (*names, *(name for name, _ in entry["where"]))}
    assert len(local) == len(names) + len(entry["where"])
    draw = random.Random(1)
    values = {local[name]: sp.Float(draw.uniform(0.3, 1.5), 30) for name in names}
    with mpmath.workdps(30):
        symbols = {s.name: s for e in whole for s in e.free_symbols}
        expected = numeric(whole, [symbols[n] for n in symbols], "mpmath")(*(values[local[n]] for n in symbols))
    for name, body in entry["where"]:
        values[local[name]] = parse_expr(body, local_dict=local).xreplace(values).evalf(30)
    texts = [*entry["drift"], *(e for row in entry["covariance"] for e in row)]
    numbers = [float(parse_expr(e, local_dict=local).xreplace(values).evalf(20)) for e in texts]
    assert numbers == pytest.approx([float(v) for v in expected], rel=1e-10)


def test_names_avoid_the_symbols_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdescent.derive.printing.text.LIMIT", 10)
    c1, x = sp.symbols("c1 x")
    part = sp.sin(c1 * x + sp.Symbol("a_rather_long_name_of_a_symbol_indeed"))
    write = ExpressionWriter([part + 1, part**2])
    assert write.where[0][0].startswith("cc")
    assert parse_expr(write(part**2)) == sp.Symbol(write.where[-1][0]) ** 2


def test_steep_powers_are_not_multiplied_out() -> None:
    """(1 + g^2/(nu s^2))^(-(nu-1)/2) stays a power: as a polynomial the covariance would take 79 MB."""
    entry = sd.sde(sd.DCSGD(sd.compressors.ScaledSign(), Scaled(StudentT(301))), dim=5).to_dict()
    assert len(json.dumps(entry)) < 2_000_000


def test_an_equation_too_long_to_expand_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    equation = sd.sde(HEAVY, "second-order", sd.losses.LogisticRegression(), 5)
    monkeypatch.setattr("sdescent.derive.equations.in_coordinates.LARGEST", 3000)
    with pytest.raises(sd.BadInput, match="a dimension up to"):
        _ = equation.expanded


def test_the_graph_is_evaluated_once_a_part() -> None:
    x = sp.Symbol("x", real=True)
    e = x + 1
    for _ in range(60):  # as a tree it has 2^60 nodes
        e = sp.Mul(e, e + 1, evaluate=False)
    names, (reduced,) = named_parts([e])
    assert len(bottom_up([e])) < 300 and len(names) > 50 and len(bottom_up([reduced])) < 10
    value = numeric([e], [x], "mpmath")(mpmath.mpf(-1))[0]
    assert value == 0


def test_cases_and_maxima_are_evaluated_as_they_stand() -> None:
    x, y = sp.symbols("x y", real=True)
    part = sp.sqrt(x**2 + y**2)
    cases = sp.Piecewise((part, part > 1), (sp.Max(part, x), x > y), (sp.sign(x - part), True))
    function = numeric([cases, cases**2], [x, y], "mpmath")
    for point in ((2, 1), (0.5, 0.1), (0.1, 0.5), (0, 0)):
        exact = float(cases.subs({x: point[0], y: point[1]}))
        assert [float(v) for v in function(*map(mpmath.mpf, point))] == pytest.approx([exact, exact**2])


def test_an_expression_is_remade_as_sympy_makes_it() -> None:
    """Powers of sums above all, which are made without asking SymPy: the very same trees."""
    x, y, p = sp.Symbol("x"), sp.Symbol("y", positive=True), sp.Symbol("p", real=True)
    bases = [x + y, 2 * x + 2 * y, y - 1, 1 + y**2 / p, sp.sqrt(2) + 1, 2 + 3 * sp.I, y + sp.oo, sp.Integer(4), x * y]
    exponents = [*map(sp.Rational, (0, 1, -1, 2, -3, "1/2", "-3/2")), p, sp.pi]
    for base in bases:
        for exponent in exponents:
            power = remade(sp.Pow(sp.Symbol("b"), sp.Symbol("e")), [base, exponent])
            assert power == sp.Pow(base, exponent) and type(power) is type(sp.Pow(base, exponent)), (base, exponent)
    assert remade(x + 1, [y, sp.Integer(2)]) == y + 2
    assert remade(sp.sin(p), [sp.Integer(0)]) == 0


def test_an_exchange_is_what_xreplace_makes() -> None:
    a, b, c = sp.symbols("a b c", real=True)
    shared = (a + b) ** 2 / (1 + a)
    whole = sp.sin(shared) * shared + sp.sqrt(b + shared) + sp.Abs(c) + sp.Max(a, b)
    for table in ({}, {a: b}, {shared: c}, {a + b: c, a: sp.Integer(1)}, {a: sp.Integer(-1) + c, b: sp.Integer(2)}):
        assert exchange(whole, table) == whole.xreplace(table)
    assert exchange(whole, {sp.Symbol("other"): a}) is whole
