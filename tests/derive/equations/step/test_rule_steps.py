"""The SDEs of update rules against all outcomes of their real steps, for test functions that involve the memory.

A model has weak order p if its expectation and that of a step differ by O(tau^(p+1)), for all test functions: order 4 in
s = sqrt(tau) for p = 1, 6 for p = 2 (`tests.support.real_steps`). The test function has every monomial of the degrees 1 to 4
with random coefficients, the loss is not separable, state and constants are random (fixed keys). No sampling; orders are
read off to 0.01.
"""

from __future__ import annotations

import pytest
import sympy as sp

from sdescent.derive.methods.compressors import Bernoulli, Identity, RandK, Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Affine, Gaussian, NoNoise, Scaled
from sdescent.derive.methods.schedules import Constant, Power
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.registry import entries
from sdescent.derive.vocabulary.symbols import eta
from tests.support.laws.atoms import THREE, TWO
from tests.support.real_steps import MARGIN, Model, Trial, measured_order

#: the order in s of the local error that each model promises
PROMISED = {"first-order": 4, "second-order": 6}
EVEN, KURTIC = Scaled(TWO, "sigma"), Scaled(THREE, "sigma")
#: regimes that leave the memory slow; the others are averaged (tests/derive/equations/test_averaged.py)
SLOW = ("ballistic", "batch-equivalent", "small-radius")
#: rules whose moments are closed without noise alone
SILENT = ("sam", "normalised", "norm-clipped")
#: what is tested elsewhere: methods without memory, and what is averaged in its only regime
ELSEWHERE = ("dsgd", "dcsgd", "dsignsgd", "error-feedback")


def regimes(name: str) -> list[str]:
    """The regimes of a named rule, from its own list."""
    try:
        entries("method")[name].build(regime="?")
    except BadInput as error:
        return error.accepted.split(": ")[1].split(", ")
    raise AssertionError


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
    ("heavy-ball", "ballistic"): "masks rand", ("heavy-ball", "batch-equivalent"): "one clients sign",
    ("nesterov", "ballistic"): "clients mask", ("nesterov", "batch-equivalent"): "one",
    ("ema-momentum", "ballistic"): "one masks", ("ema-momentum", "batch-equivalent"): "clients rand",
    ("signum", "ballistic"): "one sign", ("lion", "ballistic"): "one", ("lion", "batch-equivalent"): "one",
    ("rmsprop", "ballistic"): "plane masks rand sign", ("rmsprop", "batch-equivalent"): "one mask",
    ("rmspropw", "ballistic"): "one", ("rmspropw", "batch-equivalent"): "sign",
    ("adam", "ballistic"): "clients", ("adam", "batch-equivalent"): "plane",
    ("adamw", "ballistic"): "sign", ("adamw", "batch-equivalent"): "plane",
    ("clipped", "ballistic"): "one", ("norm-clipped", "ballistic"): "plane", ("normalised", "ballistic"): "plane",
    ("dp", "ballistic"): "masks", ("dp", "batch-equivalent"): "one", ("majority-vote", "ballistic"): "sign",
    ("local-sgd", "ballistic"): "clients mask", ("sam", "ballistic"): "plane", ("sam", "small-radius"): "plane",
    ("usam", "ballistic"): "plane mask", ("usam", "small-radius"): "masks",
    ("extragradient", "ballistic"): "clients rand", ("extragradient", "batch-equivalent"): "one",
}  # fmt: skip


@pytest.mark.parametrize("model", PROMISED)
def test_heavy_ball_has_its_weak_order(model: str) -> None:
    assert promised(entries("method")["heavy-ball"].build(noise=EVEN, clients=1), model, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, regime, setting", [(*rule, setting) for rule, settings in COVERING.items() for setting in settings.split()]
)
def test_every_named_rule_has_the_promised_weak_order(name: str, regime: str, setting: str) -> None:
    """In every slow regime: first order always, second order unless it is refused with a reason or not known."""
    compressor, clients, dim = SETTINGS[setting]
    # where the limit has noise, only a Gaussian kurtosis leaves room for a second-order SDE; five nodes give its moments exactly
    smooth = regime == "batch-equivalent" and name != "lion" and isinstance(compressor, Identity)
    noise = NoNoise() if name in SILENT else Scaled(Gaussian(), "sigma") if smooth else EVEN
    method = entries("method")[name].build(noise=noise, clients=clients, regime=regime, compressor=compressor)
    for model in PROMISED:
        try:
            order = measured_order(method, model, dim)
        except (Refusal, NoClosedForm) as error:
            known = getattr(error, "kind", "no-closed-form") in (
                "not-differentiable",
                "no-second-order-sde",
                "no-closed-form",
            )
            assert model == "second-order" and known, error
            continue
        assert order > PROMISED[model] - MARGIN


def test_the_named_rules_are_all_here() -> None:
    """With their first-order model in closed form, without a compressor."""
    for name, regime in NAMED:
        noise = NoNoise() if name in SILENT else EVEN
        method = entries("method")[name].build(noise=noise, clients=1, regime=regime)
        assert method.rule.letters and regime in regimes(name)
    assert set(COVERING) == set(NAMED) and len(NAMED) >= 30
    assert {setting for settings in COVERING.values() for setting in settings.split()} == set(SETTINGS)


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


def rule(*update: str, regime: dict[str, str] | None = None, **more: object) -> Method:
    """A rule whose letters other than x, assigned before use, start at 1."""
    letters = {line.split("=")[0].strip(): 1 for line in update} | {"x": 0}
    letters = {a: start for a, start in letters.items() if a != "x" and a not in more.get("values", ())}
    given = {"noise": KURTIC, "clients": 1, **{k: v for k, v in more.items() if k != "values"}}
    return Method(memory=letters, update=update, regime=regime or {}, **given)


M = "m = m + eta*(G - m)"
V = "v = v + eta*(G^2 - v)"
STRANGE = {
    "plain, disguised": rule("x = x - eta*(G + 0*x)"),
    "schedule": rule("m = beta*m + (1-beta)*G", "x = x - eta*m", regime=SLOWLY, schedule=Power("1/2")),
    "schedule and decay": rule("x = x - eta*(G + lam*x)", schedule=Power("1/3")),
    "QHM": rule("m = beta*m + (1-beta)*G", "x = x - eta*((1-nu)*G + nu*m)", regime=SLOWLY),
    "AggMo": rule(
        "m = b*m - G", "w = c*w - G", "x = x + eta*(m + w)/2", time="sqrt(eta)",
        regime={"b": "1 - r*sqrt(eta)", "c": "1 - q*sqrt(eta)", "m": "m/sqrt(eta)", "w": "w/sqrt(eta)"},
    ),
    "Lookahead": rule("x = x - eta*G", "y = y + a*(x - y)", "x = x + a*(y - x)", regime={"a": "r*eta"}),
    "Polyak-Ruppert": rule("x = x - eta*G", "y = y + (x - y)/k"),
    "AdaGrad by norm": rule("v = v + eta*norm(G)^2", "x = x - eta*G/sqrt(v)", noise=EVEN),
    "AdaGrad": rule("v = v + eta*G^2", "x = x - eta*G/(sqrt(v) + eps)"),
    "NAdam": rule(
        "m = b*m + (1-b)*G", "v = c*v + (1-c)*G^2", "x = x - eta*(b*m + (1-b)*G)/(sqrt(v) + eps)",
        regime={"b": "1 - r*eta", "c": "1 - q*eta"},
    ),
    "AdaBelief": rule(
        "m = b*m + (1-b)*G", "v = c*v + (1-c)*(G - m)^2", "x = x - eta*m/(sqrt(v) + eps)",
        regime={"b": "1 - r*eta", "c": "1 - q*eta"},
    ),
    "Adan": rule(
        "m = b*m + (1-b)*G", "w = c*w + (1-c)*(G - p)", "p = p + a*(G - p)", "x = x - eta*(m + (1-c)*w)",
        regime={"b": "1 - r*eta", "c": "1 - q*eta", "a": "h*eta"},
    ),
    "new draws": rule("x = x - eta*(G + fresh)/2"),
    "raw beside G": rule("v = v + eta*(raw^2 - v)", "x = x - eta*G*v", compressor=Bernoulli("1/3"), noise=EVEN),
    "raw beside a sign": rule("v = v + eta*(raw^2 - v)", "x = x - eta*G*v", compressor=Sign(), noise=EVEN),
    "raw beside G, clients": rule("v = v + eta*(raw^2 - v)", "x = x - eta*G*v", compressor=Bernoulli("1/3"), noise=EVEN, clients=2),
    "Hessian": rule(M, "x = x - eta*(G + hess(m))"),
    "time": rule("x = x - eta*G*(1 + t)/(2 + t^2)"),
    "count": rule("x = x - eta*G*(k + 2)/(k + 1)"),
    "count in an exponent": rule("x = x - eta*G*exp(-t*k*eta)"),
    "norm of memory": rule(M, "x = x - eta*m/(1 + norm(m))"),
    "nested norms": rule(M, "x = x - eta*G/norm(x + m/norm(m))"),
    "norm of G": rule("x = x - eta*G*norm(G)^2", noise=EVEN),
    "division by memory": rule(M, "x = x - eta*G/m"),
    "minimum": rule(M, "x = x - eta*min(m, x)"),
    "maximum with G": rule("x = x - eta*max(G, m)", M, noise=EVEN),
    "absolute value": rule("v = v + eta*(abs(G + v) - v)", "x = x - eta*G*v", noise=EVEN),
    "even power of an absolute value": rule("v = v + eta*(abs(G)^2 - v)", "x = x - eta*G*v"),
    "another point": rule("m = m + eta*G", "x = x - eta*G(x - eta*m)"),
    "another point of another point": rule("x = x - eta*G(x - eta*G(x - eta*G))", noise=EVEN),
    "masked, another point": rule(M, "x = x - eta*G(x - eta*m)", compressor=Bernoulli("1/3")),
    "Rand-k squared": rule(V, "x = x - eta*G/(1 + v)", compressor=RandK(1), noise=EVEN),
    "scales by client": rule(V, "x = x - eta*G/(1 + v)", noise=Scaled(TWO, (1, 2, 3)), clients=3),
    "affine noise": rule(M, "x = x - eta*m", noise=Affine()),
    "affine noise squared": rule(V, "x = x - eta*G/(1 + v)", noise=Affine()),
    "Gaussian squared": rule(V, "x = x - eta*G/(1 + v)", noise=Gaussian()),
    "private": rule("x = x - eta*(G + kappa*normal*m)", "m = m + eta*(normal^2 - m)", noise=EVEN),
    "power that is a parameter": rule("x = x - eta*v^p*G", V),
    "fractional power of eta": rule(
        "v = beta*v - eta*G", "x = x + v", regime={"beta": "1 - mu*eta^(1/2)", "v": "v*eta^(1/2)"}, time="eta^(1/2)"
    ),
    "odd powers of the root": rule(
        "m = beta*m + (1-beta)*G", "x = x - eta*m + eta^(3/2)*x", regime={"beta": "1 - rho*eta - eta^(3/2)"}
    ),
    "a multiple of eta as the time": rule(M, "x = x - eta*G*v", V, time="2*eta"),
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
    "AdaGrad by norm", "norm of memory", "nested norms", "norm of G", "Hessian", "another point", "another point of another point",
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
        kinks = name in ("minimum", "maximum with G", "absolute value", "raw beside a sign")
        assert kinks or name == "a scale that the regime names", error
        dim = 1
    if dim == 1:
        assert promised(STRANGE[name], "first-order", dim)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raw beside G, clients", "local values", "Rand-k squared"])
def test_a_symbol_for_the_clients_stands_for_their_number(name: str) -> None:
    method = STRANGE[name]
    symbolic = Method(
        method.compressor,
        method.noise,
        None,
        Constant(),
        memory=method.memory,
        update=method.update,
        regime=method.regime,
    )
    with_two = Method(
        method.compressor, method.noise, 2, Constant(), memory=method.memory, update=method.update, regime=method.regime
    )
    trial = Trial(with_two, 1, derived=symbolic)
    for model, order in PROMISED.items():
        assert trial.order(trial.model(model)) > order - MARGIN
