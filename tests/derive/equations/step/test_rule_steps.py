"""The SDEs of update rules against all outcomes of their real steps, for test functions that involve the memory.

A model has weak order p if its expectation and that of a step differ by O(tau^(p+1)), for all test functions: order 4 in
s = sqrt(tau) for p = 1, 6 for p = 2 (`tests.support.real_steps`). The test function has every monomial of the degrees 1 to 4
with random coefficients, the loss is not separable, state and constants are random (fixed keys). No sampling; orders are
read off to 0.01.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.methods.compressors import Bernoulli, Identity, RandK, Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Affine, Gaussian, NoNoise, Scaled
from sdescent.derive.methods.schedules import Power
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.registry import entries
from sdescent.derive.vocabulary.symbols import eta
from tests.support import samples
from tests.support.laws.atoms import THREE, TWO
from tests.support.real_steps import MARGIN, Model, Trial, measured_order
from tests.support.samples import regimes

#: the order in s of the local error that each model promises
PROMISED = {"first-order": 4, "second-order": 6}
EVEN, KURTIC = Scaled(TWO, "sigma"), Scaled(THREE, "sigma")
#: regimes that leave the memory slow; the others are averaged (tests/derive/equations/test_averaged.py)
SLOW = ("ballistic", "batch-equivalent", "small-radius")
#: rules whose moments are closed without noise alone
SILENT = ("sam", "normalised", "norm-clipped")
#: what is tested elsewhere: methods without memory, and what is averaged in its only regime
ELSEWHERE = ("dsgd", "dcsgd", "dsignsgd", "error-feedback")


NAMED = [
    (name, regime) for name in entries("method") if name not in ELSEWHERE for regime in regimes(name) if regime in SLOW
]


def promised(method: Method, model: str, dim: int) -> bool:
    return measured_order(method, model, dim) > PROMISED[model] - MARGIN


# --- the rules that have a name --------------------------------------------------------------------------------------


#: compressor, clients, dimension
SETTINGS = {
    "one": (Identity(), 1, 1), "clients": (Identity(), 2, 1), "plane": (Identity(), 1, 2), "mask": (Bernoulli("1/3"), 1, 1),
    "masks": (Bernoulli("1/3"), 2, 1), "rand": (RandK(1), 1, 2), "sign": (Sign(), 1, 1),
}  # fmt: skip
#: a covering choice: every rule in each slow regime, every setting with squares of G, with momentum and with other points
COVERING = {
    ("heavy-ball", "ballistic"): "masks", ("heavy-ball", "batch-equivalent"): "one",
    ("nesterov", "ballistic"): "mask", ("nesterov", "batch-equivalent"): "one",
    ("ema-momentum", "ballistic"): "one", ("ema-momentum", "batch-equivalent"): "clients",
    ("signum", "ballistic"): "sign", ("lion", "ballistic"): "one", ("lion", "batch-equivalent"): "one",
    ("rmsprop", "ballistic"): "rand", ("rmsprop", "batch-equivalent"): "mask",
    ("rmspropw", "ballistic"): "one", ("rmspropw", "batch-equivalent"): "sign",
    ("adam", "ballistic"): "clients", ("adam", "batch-equivalent"): "sign",
    ("adamw", "ballistic"): "sign", ("adamw", "batch-equivalent"): "one",
    ("clipped", "ballistic"): "one", ("norm-clipped", "ballistic"): "plane", ("normalised", "ballistic"): "plane",
    ("dp", "ballistic"): "masks", ("dp", "batch-equivalent"): "one", ("majority-vote", "ballistic"): "sign",
    ("local-sgd", "ballistic"): "clients", ("sam", "ballistic"): "plane", ("sam", "small-radius"): "plane",
    ("usam", "ballistic"): "plane", ("usam", "small-radius"): "masks",
    ("extragradient", "ballistic"): "rand", ("extragradient", "batch-equivalent"): "one",
}  # fmt: skip


@pytest.mark.parametrize("model", PROMISED)
def test_heavy_ball_has_its_weak_order(model: str) -> None:
    assert promised(entries("method")["heavy-ball"].build(noise=EVEN, clients=1), model, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name, regime", COVERING)
def test_every_named_rule_has_the_promised_weak_order(name: str, regime: str) -> None:
    """In every slow regime: first order always, second order unless it is refused with a reason or not known."""
    compressor, clients, dim = SETTINGS[COVERING[name, regime]]
    # where the limit has noise, only a Gaussian kurtosis leaves room for a second-order SDE; five nodes give its moments exactly
    smooth = regime == "batch-equivalent" and name != "lion" and isinstance(compressor, Identity)
    noise = NoNoise() if name in SILENT else Scaled(Gaussian(), "sigma") if smooth else EVEN
    method = entries("method")[name].build(noise=noise, clients=clients, regime=regime, compressor=compressor)
    for model in PROMISED:
        try:
            order = measured_order(method, model, dim)
        except (Refusal, NoClosedForm) as error:
            kinds = ("not-differentiable", "no-second-order-sde", "no-closed-form")
            assert model == "second-order" and getattr(error, "kind", "no-closed-form") in kinds, error
            continue
        assert order > PROMISED[model] - MARGIN


def test_the_named_rules_are_all_here() -> None:
    assert set(COVERING) == set(NAMED) and len(NAMED) >= 30 and set(COVERING.values()) == set(SETTINGS)


# --- planted errors --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_factor_in_any_coefficient_spoils_the_order() -> None:
    """Heavy ball, second order: each entry of drift and covariance, and each order in eta of it, matters."""
    method = entries("method")["heavy-ball"].build(noise=EVEN, clients=1)
    trial = Trial(method, 1)
    right = trial.model("second-order")
    assert trial.order(right) > 6 - MARGIN
    assert sp.expand(right.covariance[0, 0]) == 0 and right.covariance[1, 1] != 0
    for n in range(2):
        for term in sp.Add.make_args(sp.expand(right.drift[n])):
            wrong = right.drift.copy()
            wrong[n] += term / 10
            found = trial.order(Model(right.state, wrong, right.covariance))
            assert found == pytest.approx(4 if term.has(eta) else 2, abs=MARGIN)
        wrong = right.covariance.copy()
        wrong[n, 1] = wrong[1, n] = wrong[n, 1] + sp.sqrt(eta) / 10
        assert trial.order(Model(right.state, right.drift, wrong)) == pytest.approx(4, abs=MARGIN)


# --- strange but legal rules -----------------------------------------------------------------------------------------

SLOWLY = {"beta": "1 - rho*eta"}


def rule(*update: str, values: Sequence[str] = (), **more: Any) -> Method:
    letters = dict.fromkeys(line.split("=")[0].strip() for line in update)
    return samples.rule(*update, memory=[a for a in letters if a not in ("x", *values)], **{"noise": KURTIC, **more})


M = "m = m + eta*(G - m)"
V = "v = v + eta*(G^2 - v)"
STRANGE = {
    "schedule and decay": rule("x = x - eta*(G + lam*x)", schedule=Power("1/3")),
    "AggMo": rule(
        "m = b*m - G", "w = c*w - G", "x = x + eta*(m + w)/2", time="sqrt(eta)",
        regime={"b": "1 - r*sqrt(eta)", "c": "1 - q*sqrt(eta)", "m": "m/sqrt(eta)", "w": "w/sqrt(eta)"},
    ),
    "Lookahead": rule("x = x - eta*G", "y = y + a*(x - y)", "x = x + a*(y - x)", regime={"a": "r*eta"}),
    "Polyak-Ruppert": rule("x = x - eta*G", "y = y + (x - y)/k"),
    "AdaGrad by norm": rule("v = v + eta*norm(G)^2", "x = x - eta*G/sqrt(v)", noise=EVEN),
    "Adan": rule(
        "m = b*m + (1-b)*G", "w = c*w + (1-c)*(G - p)", "p = p + a*(G - p)", "x = x - eta*(m + (1-c)*w)",
        regime={"b": "1 - r*eta", "c": "1 - q*eta", "a": "h*eta"},
    ),
    "new draws": rule("x = x - eta*(G + fresh)/2"),
    "raw beside a sign": rule("v = v + eta*(raw^2 - v)", "x = x - eta*G*v", compressor=Sign(), noise=EVEN),
    "raw beside G, clients": rule("v = v + eta*(raw^2 - v)", "x = x - eta*G*v", compressor=Bernoulli("1/3"), noise=EVEN, clients=2),
    "Hessian": rule(M, "x = x - eta*(G + hess(m))"),
    "time": rule("x = x - eta*G*(1 + t)/(2 + t^2)"),
    "count": rule("x = x - eta*G*(k + 2)/(k + 1)"),
    "nested norms": rule(M, "x = x - eta*G/norm(x + m/norm(m))"),
    "norm of G": rule("x = x - eta*G*norm(G)^2", noise=EVEN),
    "division by memory": rule(M, "x = x - eta*G/m"),
    "maximum with G": rule("x = x - eta*max(G, m)", M, noise=EVEN),
    "another point": rule("m = m + eta*G", "x = x - eta*G(x - eta*m)"),
    "another point of another point": rule("x = x - eta*G(x - eta*G(x - eta*G))", noise=EVEN),
    "masked, another point": rule(M, "x = x - eta*G(x - eta*m)", compressor=Bernoulli("1/3")),
    "Rand-k squared": rule(V, "x = x - eta*G/(1 + v)", compressor=RandK(1), noise=EVEN),
    "scales by client": rule(V, "x = x - eta*G/(1 + v)", noise=Scaled(TWO, (1, 2, 3)), clients=3),
    "affine noise squared": rule(V, "x = x - eta*G/(1 + v)", noise=Affine()),
    "private": rule("x = x - eta*(G + kappa*normal*m)", "m = m + eta*(normal^2 - m)", noise=EVEN),
    "fractional power of eta": rule(
        "v = beta*v - eta*G", "x = x + v", regime={"beta": "1 - mu*eta^(1/2)", "v": "v*eta^(1/2)"}, time="eta^(1/2)"
    ),
    "odd powers of the root": rule(
        "m = beta*m + (1-beta)*G", "x = x - eta*m + eta^(3/2)*x", regime={"beta": "1 - rho*eta - eta^(3/2)"}
    ),
    "a parameter called s": rule("m = beta*m + (1-beta)*G", "x = x - s*eta*m", regime={"beta": "1 - s*eta"}),
    "a scale that the regime names": rule(
        "m = beta*m + (1-beta)*G", "x = x - eta*m", regime={"beta": "1 - rho*eta", "sigma": "s/sqrt(eta)"}
    ),
    "local values": rule("y = x - eta*local", "y = y - eta*local(y)", "x = mean(y)", values=("y",), noise=EVEN),
}  # fmt: skip


@pytest.mark.parametrize("name", ["a parameter called s", "count"])
def test_strange_rules_to_first_order(name: str) -> None:
    assert promised(STRANGE[name], "first-order", 1)


#: rules that mix coordinates, or whose draws do; the others have the same formulas in one dimension
WIDE = (
    "AdaGrad by norm", "nested norms", "norm of G", "Hessian", "another point", "another point of another point",
    "masked, another point", "Rand-k squared", "affine noise squared", "local values", "maximum with G",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", STRANGE)
def test_strange_rules_have_their_weak_order(name: str) -> None:
    """Or the second order is refused: for kinks, and where the limit has noise."""
    dim = 2 if name in WIDE else 1
    try:
        assert promised(STRANGE[name], "second-order", dim)
    except (Refusal, NoClosedForm) as error:
        kinks = name in ("maximum with G", "raw beside a sign")
        assert kinks or name == "a scale that the regime names", error
        dim = 1
    if dim == 1:
        assert promised(STRANGE[name], "first-order", dim)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raw beside G, clients", "local values"])
def test_a_symbol_for_the_clients_stands_for_their_number(name: str) -> None:
    method = STRANGE[name]
    trial = Trial(replace(method, clients=2), 1, derived=replace(method, clients=None))
    for model, order in PROMISED.items():
        assert trial.order(trial.model(model)) > order - MARGIN
