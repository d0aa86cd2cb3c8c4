"""Update rules that the package does not name, against the mean and the variance of their real steps.

The formula of a step is typed here once more, as a function of numbers, and integrated against the Gaussian density by quadrature
between its kinks; nothing of `derive` is called but to make the equation that is judged. Points have a fixed key.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import mpmath as mp
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import TopK
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import SeparableSum
from sdescent.derive.methods.noise import Gaussian, Scaled
from tests.support.laws.atoms import TWO
from tests.support.real_steps import MARGIN, Mixed, measured_order
from tests.support.samples import slow_but

KEY = 20250601
#: relative to 1 + the size of the number; quadrature and the formulas are good to 12 digits
CLOSE = 1e-9
Step = Callable[[mp.mpf, mp.mpf], mp.mpf]


def rule(*update: str, memory: tuple[str, ...] = (), **more: object) -> Method:
    return Method(
        memory=dict.fromkeys(memory, 1), update=update, **{"noise": Gaussian(), "clients": 1, "regime": {}, **more}
    )


def size(v: mp.mpf) -> mp.mpf:
    return mp.sqrt(max(v, 0))


#: name -> rule, letter, F(G, v)/eta, its kinks in G
STEPS: dict[str, tuple[Method, str, Step, Callable[[mp.mpf], list[mp.mpf]]]] = {
    "G over its size": (rule("x = x - eta*G/abs(G)"), "x", lambda G, v: -mp.sign(G), lambda v: [0]),
    "Yogi's square": (
        rule("x = x - eta*G/(1 + v)", "v = v - eta*sign(v - G^2)*G^2", memory=("v",)),
        "v", lambda G, v: -mp.sign(v - G**2) * G**2, lambda v: [-size(v), size(v)],
    ),
    "a quantile of the size": (
        rule("x = x - eta*G", "v = v + eta*(sign(abs(G) - v) + 1/2)", memory=("v",)),
        "v", lambda G, v: mp.sign(abs(G) - v) + 0.5, lambda v: [-max(v, 0), max(v, 0)],
    ),
    "cut at 1 after a factor": (
        rule("x = x - eta*min(G*exp(-v), 1)", "v = v + eta*(G - v)", memory=("v",)),
        "x", lambda G, v: -min(G * mp.exp(-v), 1), lambda v: [mp.exp(v)],
    ),
    "cut after a root": (
        rule("x = x - eta*max(G/sqrt(2), -1)", "v = v + eta*(G - v)", memory=("v",)),
        "x", lambda G, v: -max(G / mp.sqrt(2), -1), lambda v: [-mp.sqrt(2)],
    ),
    "a sign of two zeros, falling": (
        rule("x = x - eta*sign((v - G)*(G + 1))", "v = v + eta*(G - v)", memory=("v",)),
        "x", lambda G, v: -mp.sign((v - G) * (G + 1)), lambda v: [v, -1],
    ),
    "cut at a size that is learnt": (
        rule("x = x - eta*max(min(G, abs(v)), -abs(v))", "v = v + eta*(G - v)", memory=("v",)),
        "x", lambda G, v: -max(min(G, abs(v)), -abs(v)), lambda v: [-abs(v), abs(v)],
    ),
    "the larger size": (
        rule("x = x - eta*G", "v = v + eta*(max(v, abs(G)) - v)", memory=("v",)),
        "v", lambda G, v: max(v, abs(G)) - v, lambda v: [-max(v, 0), max(v, 0)],
    ),
    "the smaller square": (
        rule("x = x - eta*G", "v = v + eta*(min(v, G^2) - v)", memory=("v",)),
        "v", lambda G, v: min(v, G**2) - v, lambda v: [-size(v), size(v)],
    ),
}  # fmt: skip


def compared(name: str) -> list[tuple[list[mp.mpf], list[mp.mpf]]]:
    """(derived, real): the mean of a step, and its variance where that is kept, at points on both sides of the memory's 0."""
    method, letter, step, kinks = STEPS[name]
    found = sde(method, dim=1).expanded
    place = [str(z) for z in found.state].index(f"{letter}1")
    kept = [e for e in (found.drift[place], found.covariance[place, place]) if e != 0]  # that of a square is left out
    draw, pairs = random.Random(KEY), []
    for side in (1, -1):
        g, v, sigma = draw.uniform(-1, 1), side * draw.uniform(0.2, 1.5), draw.uniform(0.5, 1.5)
        at = {"g1": g, "v1": v, "sigma": sigma, "eta": 1.0}
        there = sorted([g - 12 * sigma, *kinks(mp.mpf(v)), g, g + 12 * sigma])

        def mean(n: int, g: float = g, v: float = v, sigma: float = sigma, there: list[float] = there) -> mp.mpf:
            return mp.quad(lambda z: step(z, mp.mpf(v)) ** n * mp.npdf(z, g, sigma), there)

        real = [mean(1)] if len(kept) == 1 else [mean(1), mean(2) - mean(1) ** 2]
        pairs.append(([e.subs({s: sp.Float(at[str(s)]) for s in e.free_symbols}).evalf() for e in kept], real))
    return pairs


def close(derived: list[mp.mpf], real: list[mp.mpf], factor: float = 1) -> bool:
    """Whether they agree, of real steps that are this many times as large."""
    pairs = zip(derived, (e * factor**n for n, e in enumerate(real, 1)), strict=True)
    return all(abs(a - b) < CLOSE * (1 + abs(b)) for a, b in pairs)


@pytest.mark.parametrize("name", slow_but(STEPS, ["G over its size"]))
def test_mean_and_variance_of_a_step_and_that_a_wrong_factor_is_found(name: str) -> None:
    pairs = compared(name)
    assert all(close(*pair) for pair in pairs) and not all(close(*pair, factor=1.1) for pair in pairs)


def test_a_sign_at_another_point_beside_a_small_factor() -> None:
    """m' = m + r eta (sgn(g(x - eta m) + sigma Z) - m): E sgn = erf(g/(sigma sqrt 2)) at leading order."""
    method = rule("m = b*m + (1 - b)*sign(G(x - eta*m))", "x = x - eta*m", memory=("m",), regime={"b": "1 - r*eta"})
    found = sde(method, dim=1).expanded
    g, m = (sp.Symbol(name, real=True) for name in ("g1", "m1"))
    r, sigma = (sp.Symbol(name, positive=True) for name in ("r", "sigma"))
    assert vanishes(found.drift[0] + m) and vanishes(found.drift[1] - r * (sp.erf(g / (sigma * sp.sqrt(2))) - m))


@pytest.mark.parametrize("model", slow_but(["first-order", "second-order"], ["second-order"]))
def test_a_zero_that_moves_off_to_infinity_is_not_expanded(model: str) -> None:
    """Cautious momentum: with m' = m + r eta (G - m) the sign of m' G has a second zero, at G = m - m/(r eta)."""
    method = rule("m = b*m + (1 - b)*G", "x = x - eta*m*(1 + sign(m*G))/2", memory=("m",), regime={"b": "1 - r*eta"})
    assert "moves off to infinity" in sde(method, model).missing
    apart = rule(
        "m = b*m + (1 - b)*G", "x = x - eta*m*(1 + sign(m)*sign(G))/2", memory=("m",), regime={"b": "1 - r*eta"}
    )
    assert sde(apart).drifts


# --- products of Hessian products of random vectors -------------------------------------------------------------------

HUTCHINSON = rule("z = normal", "h = h + eta*(z*hess(z) - h)", "x = x - eta*G/(1 + h^2)", memory=("h",))


def test_hutchinson_s_diagonal_on_sums_over_coordinates() -> None:
    """E[z_j (H z)_j] = H_jj, which is f_j'' there (AdaHessian, Sophia-H)."""
    cubes = SeparableSum("x^4/4 + x^2")
    for loss, dim in ((None, None), (None, 1), (cubes, 2)):
        found = sde(HUTCHINSON, "first-order", loss, dim)
        assert found.rule is not None and found.rule.local
    drift = sde(HUTCHINSON, loss=cubes, dim=2).expanded
    x, h = ([sp.Symbol(f"{a}{j}", real=True) for j in (1, 2)] for a in "xh")
    for j in (0, 1):
        assert vanishes(drift.drift[2 + j].doit() - (3 * x[j] ** 2 + 2 - h[j]))


def test_no_such_mean_where_coordinates_act_on_each_other() -> None:
    """In general it needs the diagonal of the Hessian, and that of (H Z)_j^2 a sum over a row."""
    # what stands in the way of its second order is not noise in the limit
    ahead = rule("x = x - eta*fresh(x + r*sqrt(eta)*G)")
    assert "limit" not in sde(ahead, "second-order", Mixed(), 2).missing and sde(ahead, "second-order", dim=1).drifts
    for loss, dim in ((Mixed(), 2), (None, 2)):
        found = sde(HUTCHINSON, "first-order", loss, dim)
        assert found.rule is None and "Hessian products" in found.missing
    mixing = Method(
        TopK(1), Gaussian(), 1, memory={"v": 1}, update=["v = v + eta*(hess(G)^2 - v)", "x = x - eta*G*v"], regime={}
    )
    assert sde(mixing).rule is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "order", "update"),
    [
        ("second-order", 6, HUTCHINSON.rule.update),
        ("first-order", 4, ("v = v + eta*(hess(G)^2 - v)", "x = x - eta*G/(1 + v^2)")),
    ],
    ids=["h", "v"],
)
def test_their_weak_order(model: str, order: int, update: tuple[str, ...]) -> None:
    """In one dimension, and on a sum over two coordinates, by all outcomes of the real steps."""
    method = rule(*update, memory=(update[0 if len(update) == 2 else 1][0],), noise=Scaled(TWO, "sigma"))
    assert measured_order(method, model, 1) > order - MARGIN
    assert measured_order(method, model, 2, loss=SeparableSum("x^4/4 + x^3/3 + x^2")) > order - MARGIN
