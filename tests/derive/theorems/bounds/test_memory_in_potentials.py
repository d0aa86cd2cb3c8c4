"""Potentials in symbols for methods with memory: those of the literature are found without V, and none where there is none."""

import re
from functools import cache
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.proof.gram.in_symbols import feasible, identity_at
from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.reading.toml_file import read_keys
from sdescent.derive.theorems.bounds.rates.bases import LOSS, bases, with_potential
from sdescent.derive.theorems.bounds.rates.weights import _Weights, searches
from sdescent.derive.theorems.bounds.stated import KEYS, Stated
from sdescent.derive.theorems.bounds.suggest import SearchResult, suggest
from sdescent.derive.theorems.literature import files

BALL = {"method": "heavy-ball", "assume": ["smooth: L", "convex", "eta*L <= 1 - beta"]}
QUIET, NOISY = {"clients": 1, "noise": "none"}, {"assume": [*BALL["assume"], "variance: s"]}
AVERAGED = {"memory": {"m": 0}, "update": ["m = beta*m + (1-beta)*G", "x = x - eta*m"]}
MOMENTUM = {
    "method": AVERAGED, "noise": "any",
    "assume": ["smooth: L", "variance: s", "beta > 0", "beta < 1", "eta*L <= (1-beta)/4"],
}  # fmt: skip
#: Ghadimi, Feyzmahdavian and Johansson 2015, times 2 eta/(1 - beta)
GHADIMI = "||x - xstar + beta/(1-beta)*v||^2 + 2*eta*beta/(1-beta)^2*(f(x - v) - fstar)"
#: a file without V -> V, the decay and the floor; those of a file of the literature are its own
KNOWN: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "heavy ball": ({**BALL, **QUIET}, GHADIMI, "2*eta/(1-beta)*(f - fstar)", "0"),
    "heavy ball with noise": ({**BALL, **NOISY}, GHADIMI, "2*eta/(1-beta)*(f - fstar)", "eta^2*s/(N*(1-beta)^2)"),
}


def of_literature(id: str) -> tuple[dict[str, Any], str, str, str]:
    whole = read_keys(files()[id], KEYS)
    table = {k: v for k, v in whole.items() if k not in ("V", "step", "claim", "conclude", "title", "source")}
    table["assume"] = [text for text in table["assume"] if text != "K >= 1"]
    decay, _, floor = whole["step"].removeprefix("change <= -").partition(" + ")
    return table, whole["V"], decay, floor or "0"


def expression(text: str) -> sp.Expr:
    """A formula with a symbol for each square of a vector and each value of the loss."""
    words: dict[str, sp.Symbol] = {}

    def atom(m: re.Match[str]) -> str:
        inside = re.sub(r"[\s()]", "", m[0])
        return words.setdefault(inside, sp.Symbol(f"atom{abs(hash(inside))}")).name

    text = re.sub(r"\|\|.*?\|\|\^2|f\(.*?\)(?= -)", atom, text).replace("^", "**")
    return sp.sympify(text, {name: sp.Symbol(name) for name in re.findall(r"[A-Za-z_]\w*", text)})


@cache
def suggested(name: str) -> SearchResult:
    table = KNOWN[name][0] if name in KNOWN else of_literature(name)[0]
    return suggest(table, 60.0, tried=False)


@pytest.mark.parametrize(
    "name", ["ef21", *(pytest.param(n, marks=pytest.mark.slow) for n in ("storm", "marina", *KNOWN))]
)
def test_the_potential_of_the_literature_is_found(name: str) -> None:
    _, value, decay, floor = KNOWN[name] if name in KNOWN else of_literature(name)
    published = tuple(map(expression, (value, decay, floor)))
    same = []
    for one in suggested(name).suggestions:
        ours = [expression(text) for text in (one.table["V"], one.decay, one.floor)]
        same += [one] if all(sp.simplify(a - b) == 0 for a, b in zip(ours, published, strict=True)) else []
    assert len(same) == 1, [(s.table["V"], s.decay, s.floor) for s in suggested(name).suggestions]
    (one,) = same
    assert one.condition == "" and one.answer.certificate is not None
    replay_object(one.answer.certificate)
    assert Stated(one.table).read_claim == one.answer.stated.read_claim


@pytest.mark.slow
def test_averaged_momentum_falls_like_sgd() -> None:
    (one,) = suggest(MOMENTUM, 60.0, tried=False).suggestions
    assert expression(one.decay) == expression("eta*G^2/2") and one.condition == ""
    # without momentum this is twice the floor of SGD, and of second order in eta
    assert sp.simplify(expression(one.floor).subs(sp.Symbol("beta"), 0) - expression("L*eta^2*s/N")) == 0


#: what makes every V fail: steps uphill, steps longer than 2/L, a compressor that may delete all, and momentum that does not fade
WORSE = {
    "uphill": {**MOMENTUM, "method": {**AVERAGED, "update": ["m = beta*m + (1-beta)*G", "x = x + eta*m"]}},
    "long steps": {**BALL, **QUIET, "assume": ["smooth: L", "convex", "eta*L <= 5*(1 - beta)"]},
    "no contraction": {
        **of_literature("ef21")[0], "assume": ["smooth: L", "smooth clients: M", "contraction: 0", "eta*L + eta*M <= 1/2"],
    },
    "momentum that stays": {**MOMENTUM, "method": {**AVERAGED, "update": ["m = m + G", "x = x - eta*m"]}},
}  # fmt: skip


@pytest.mark.parametrize("name", WORSE)
def test_where_no_such_potential_exists_none_is_offered(name: str) -> None:
    assert [each for _, offered in searches(WORSE[name], 60.0) for each in offered] == []


@pytest.mark.parametrize(
    ("table", "places"),
    [
        ({**BALL, **QUIET}, ["x + (beta/(1 - beta))*v", "x - v"]),
        (MOMENTUM, ["x - (beta*eta/(1 - beta))*m"]),
        ({**MOMENTUM, "assume": [*MOMENTUM["assume"], "convex"]}, ["x - (beta*eta/(1 - beta))*m", "x + eta*m"]),
        (of_literature("error-feedback")[0], ["x - mean(m)"]),
    ],
)  # fmt: skip
def test_the_loss_is_taken_where_the_memory_drops_out_and_one_step_before(table: Any, places: list[str]) -> None:
    listed = list(bases(table, with_potential(table, LOSS)))
    texts = [part for one in listed for part in (one.text, *one.more)]
    assert list(dict.fromkeys(p for t in texts for p in re.findall(r"f\((x.*)\) - fstar", t))) == places


def test_weights_are_narrowed_at_the_largest_steps() -> None:
    """At the largest step that the condition allows, eta/(2 (1 - th)) is nearly the only weight of EF21."""
    table = of_literature("ef21")[0]
    one = _Weights(table, next(bases(table, with_potential(table, LOSS))), float("inf"))
    for point in one.points[:3]:
        values = dict(zip(one.chosen.linear.generators, map(sp.Rational, map(str, point)), strict=True))
        L, M, eta, th = (values[name] for name in ("L", "M", "eta", "th"))
        assert 0.99 < float(eta * L + (eta * th * M / (1 - th)) ** 2) <= 1
        identity = one.identity(sp.Rational(1))
        assert feasible(identity_at(identity, point), {})
        assert not feasible(identity_at(identity.keeping([n for n in identity.facts if n not in one.parts]), point), {})


def test_a_loss_without_shift_may_be_followed_where_noisy_messages_are_compressed() -> None:
    """The products of the noise and of what a compressor adds to it do not vanish, so that the noise needs a name."""
    table = of_literature("error-feedback")[0]
    assert "z1_q_mean_q" in Stated({**table, "V": "f - fstar", "claim": "change <= 0"}).setting.vectors
