"""Worst cases of several steps: known values, and worst functions checked by code that shares nothing with the search.

The inequalities are written here again in the form of Taylor, Hendrickx and Glineur (2017, Theorem 4), and the methods are carried
out again on vectors and on losses.
"""

import math
import re
import tomllib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sdescent.derive.proof.gram.forms import fraction
from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.theorems.bounds.compressor_classes import method_of
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.performance.n_steps import WorstCase
from sdescent.derive.theorems.performance.statement import Performance
from sdescent.derive.vocabulary.errors import BadInput, Refusal

GD = '[method]\nupdate = ["x = x - eta*G"]'
HEAVY_BALL = '[method]\nupdate = ["v = v/2 - eta*G", "x = x + v"]\nmemory = {v = 0}'
NESTEROV = """[method]
update = ["v = (k-2)/(k+1)*v - eta*G(x + (k-2)/(k+1)*v)", "x = x + v"]
memory = {v = 0}"""
OPTIMIZED = '[method]\nupdate = ["v = a*(eta*G + v) + c*eta*G", "x = x - eta*G - v"]\nmemory = {v = 0}'
CONVEX = ("smooth: 1", "convex", "eta == 1")
STRONG = ("smooth: 1", "strongly convex: 1/10")
LOSS = 'initial = "f - fstar"\n'
HALF = ("smooth: 1", "convex", "eta == 1/2")


def solved(assume: tuple[str, ...], steps: int, method: str = GD, more: str = "") -> tuple[WorstCase, Any]:
    """The worst case of a file and its theorem."""
    table = tomllib.loads(f'noise = "none"\nassume = {list(assume)}\n{more}\n{method}')
    result = Performance(table, Letters(method_of(table)), steps).solve()
    assert result is not None
    return result


def theta(n: int) -> list[float]:
    """The sequence of Kim and Fessler (2016)."""
    t = [1.0]
    for k in range(n):
        t.append((1 + math.sqrt(1 + (8 if k == n - 1 else 4) * t[-1] ** 2)) / 2)
    return t


@pytest.mark.parametrize(
    ("assume", "steps", "method", "more", "tau"),
    [
        (CONVEX, 1, GD, "", Fraction(1, 6)),
        (CONVEX, 5, GD, "", Fraction(1, 22)),
        (("smooth: 1000", "convex", "eta == 1/1000"), 2, GD, "", Fraction(100)),
        (CONVEX, 4, NESTEROV, "", Fraction(2, 4**2 + 5 * 4 + 6)),
        (HALF, 2, HEAVY_BALL, 'performance = "mean(f - fstar)"', Fraction(1, 3)),
        (("smooth: 1", "eta == 1"), 4, GD, LOSS + 'performance = "min(G^2)"', Fraction(4, 14)),
        ((*STRONG, "eta == 1"), 1, GD, 'performance = "||x - xstar||^2"', Fraction(81, 100)),
        ((*STRONG, "eta == 19/10"), 2, GD, 'performance = "||x - xstar||^2"', Fraction(81**2, 100**2)),
        (("smooth: 1", "convex"), 2, GD, "per_step = {eta = [1, 2]}", Fraction(1, 8)),
    ],
)
def test_known_worst_cases_are_found_exactly(
    assume: tuple[str, ...], steps: int, method: str, more: str, tau: Fraction
) -> None:
    """Drori and Teboulle (2014), Taylor et al. (2017), Abbaszadehpeivasti et al. (2021)."""
    worst, theorem = solved(assume, steps, method, more)
    assert fraction(worst.tau) == tau and worst.attained
    checked = check(theorem)
    assert checked.certificate is not None
    replay(dumps(checked.certificate))


def test_irrational_coefficients_are_given_as_decimals() -> None:
    """The optimized gradient method attains L/(2 theta_n^2); the subgradient method M/sqrt(n + 1).

    No bound is below the exact value (but for the rounding of decimals); for the optimized gradient method the solver loses digits.
    """
    t = theta(4)
    lists = {"a": [(t[k] - 1) / t[k + 1] for k in range(4)], "c": [t[k] / t[k + 1] for k in range(4)]}
    text = ", ".join(f"{name} = {[repr(v) for v in values]}" for name, values in lists.items())
    worst, _ = solved(CONVEX, 4, OPTIMIZED, f"per_step = {{{text}}}")
    assert 1 - 1e-12 <= float(fraction(worst.tau)) * 2 * t[4] ** 2 <= 1 + 1e-5
    eta = repr(1 / (2 * math.sqrt(4)))
    more = 'initial = "(||x - xstar||^2 + 1)/2"\nperformance = "min(f - fstar)"'
    worst, _ = solved(("convex", "bounded gradient: 2", f"eta == {eta}"), 3, GD, more)
    assert 1 - 1e-12 <= float(fraction(worst.tau)) * math.sqrt(4) / 2 <= 1 + 1e-6


def vectors(worst: WorstCase) -> dict[str, np.ndarray]:
    """Vectors with the inner products of the worst case, from the square root of their Gram matrix."""
    assert worst.worst is not None
    names = list(dict.fromkeys(v for m in worst.worst if m[0] == "dot" for v in m[1:]))
    gram = np.array([[float(fraction(worst.worst["dot", *sorted((a, b))])) for a in names] for b in names])
    values, basis = np.linalg.eigh(gram)
    assert values.min() > -1e-12
    rows = basis * np.sqrt(np.maximum(values, 0))
    return {name: rows[n] for n, name in enumerate(names)}


def run_gd(eta: float, steps: int) -> Callable[[dict[str, np.ndarray]], list[np.ndarray]]:
    """Gradient descent on the listed gradients."""

    def places(at: dict[str, np.ndarray]) -> list[np.ndarray]:
        x = [at["x0"]]
        for k in range(steps):
            x.append(x[-1] - eta * at[f"g{k}"])
        return x

    return places


def run_heavy_ball(eta: float, steps: int) -> Callable[[dict[str, np.ndarray]], list[np.ndarray]]:
    """Heavy ball with beta = 1/2."""

    def places(at: dict[str, np.ndarray]) -> list[np.ndarray]:
        x, v = [at["x0"]], 0 * at["x0"]
        for k in range(steps):
            v = v / 2 - eta * at[f"g{k}"]
            x.append(x[-1] + v)
        return x

    return places


@pytest.mark.parametrize(
    ("assume", "steps", "method", "more", "m", "again"),
    [
        (CONVEX, 3, GD, "", 0, run_gd(1, 3)),
        ((*STRONG, "eta == 1"), 3, GD, "", 0.1, run_gd(1, 3)),
        (("smooth: 1", "eta == 1"), 3, GD, LOSS + 'performance = "min(G^2)"', -1, run_gd(1, 3)),
        (HALF, 5, HEAVY_BALL, 'performance = "mean(f - fstar)"', 0, run_heavy_ball(0.5, 5)),
    ],
)
def test_the_worst_function_interpolates_and_exceeds_any_smaller_bound(
    assume: tuple[str, ...], steps: int, method: str, more: str, m: float, again: Any
) -> None:
    """Values to 1e-11: all numbers are near 1. The last one needs two dimensions."""
    worst, _ = solved(assume, steps, method, more)
    at = vectors(worst)
    assert worst.worst is not None
    zero = 0 * at["g0"]
    at.setdefault("x0", zero)  # where the loss alone measures the start, the place of the start does not matter
    places = again(at)
    points: list[tuple[np.ndarray, np.ndarray, float]] = [(zero, zero, 0.0)] if m >= 0 else []
    for k, x in enumerate(places):
        if ("value", str(k)) in worst.worst:
            points.append((x, at[f"g{k}"], float(fraction(worst.worst["value", str(k)]))))
    assert len(points) >= steps + (m >= 0)
    for x, g, f in points:
        assert f >= g @ g / 2 - 1e-11
        for y, h, v in points:
            dx, dg = x - y, g - h
            gap = (dg @ dg + m * dx @ dx - 2 * m * dg @ dx) / (2 * (1 - m))
            assert f >= v + h @ dx + gap - 1e-11
    values = [f for *_, f in points[m >= 0 :]]
    squares = [g @ g for _, g, _ in points[m >= 0 :]]
    measured = min(squares) if "min" in more else float(np.mean(values)) if "mean" in more else values[-1]
    start = values[0] if "initial" in more else at["x0"] @ at["x0"]
    assert start <= 1 + 1e-11
    assert measured >= float(fraction(worst.reached)) - 1e-11
    assert fraction(worst.reached) >= fraction(worst.tau) * (1 - Fraction(1, 10**5))
    if worst.attained:
        assert measured == pytest.approx(float(fraction(worst.tau)), abs=1e-11)


def test_the_worst_function_has_the_units_of_the_file() -> None:
    """With L = 1000 and eta = 1/L the Huber loss is 1000 times that for L = 1: f(x_0) = L (s - s^2/2) for s = 1/(2n + 1)."""
    worst, _ = solved(("smooth: 1000", "convex", "eta == 1/1000"), 1)
    assert worst.worst is not None
    assert fraction(worst.worst["value", "0"]) == 1000 * (Fraction(1, 3) - Fraction(1, 18))
    assert fraction(worst.worst["dot", "g0", "g0"]) == Fraction(1000, 3) ** 2


def test_a_huber_loss_attains_the_worst_case_of_gradient_descent() -> None:
    """f(x) = x^2/2 up to |x| = s = 1/(2n + 1), linear beyond, carried out in fractions."""
    for n in (1, 4):
        slope, x = Fraction(1, 2 * n + 1), Fraction(1)
        for _ in range(n):
            x -= x if abs(x) <= slope else slope
        value = slope * x - slope**2 / 2 if x > slope else x**2 / 2
        assert value == fraction(solved(CONVEX, n)[0].tau)


def test_no_random_loss_exceeds_the_bound_of_heavy_ball() -> None:
    """Sums of Huber losses with curvature at most 1 in one dimension: 500 of them, with x* = 0."""
    worst, _ = solved(HALF, 5, HEAVY_BALL, 'performance = "mean(f - fstar)"')
    tau, random = float(fraction(worst.tau)), np.random.default_rng(5)
    ratios = []
    for _ in range(500):
        weights = random.dirichlet(np.ones(3)) * random.choice([1, random.uniform()])
        kinks = random.exponential(0.3, 3)
        x, v, total = 1.0, 0.0, 0.0
        for _ in range(5):
            inside = np.minimum(abs(x), kinks)
            total += float(weights @ (inside * abs(x) - inside**2 / 2)) / 5
            v = v / 2 - float(weights @ inside) * np.sign(x) / 2
            x += v
        ratios.append(total / tau)
    assert max(ratios) <= 1 + 1e-12
    assert max(ratios) > 0.5  # the losses are not far from the worst ones


def test_classes_without_known_interpolation_claim_no_worst_function() -> None:
    worst, _ = solved(("smooth: 1", "pl: 1/5", "eta == 1"), 1, more=LOSS)
    assert fraction(worst.tau) == Fraction(8, 11) and not worst.attained and not worst.interpolable


PLAIN = 'noise = "none"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('assume = ["smooth: L", "convex", "eta == 1"]', "no number for L"),
        ('assume = ["smooth: 1", "convex", "eta == sqrt(2)"]', "no number for eta"),
        ('assume = ["smooth: 1", "convex", "eta == -1"]', "step size above 0"),
        ('assume = ["smooth: L", "convex", "L == 1", "L == 2", "eta == 1"]', "numbers of the file satisfy"),
        ('assume = ["smooth: 1", "strongly convex: 2", "eta == 1"]', "mu < L"),
        ('assume = ["smooth: 1", "convex", "eta == 1", "f - fstar <= 3"]', "between constants"),
        ('assume = ["strongly convex: 1", "bounded gradient: 2", "eta == 1"]', "one of them"),
        ('assume = ["smooth: 1, 1", "convex", "eta == 1"]', "assume smooth: L"),
        ('assume = ["smooth: 1", "convex", "eta == 1"]\nperformance = "G"', "a combination of f - fstar"),
        ('assume = ["smooth: 1", "convex", "eta == 1"]\nperformance = "f"', "a combination of f - fstar"),
        ('assume = ["smooth: 1", "convex", "eta == 1"]\nperformance = "max(G^2)"', "mean(..) or min(..)"),
        ('assume = ["smooth: 1", "convex"]\nper_step = {eta = [1]}', "a list of numbers"),
        ('assume = ["smooth: 1", "convex"]\nper_step = {eta = "12"}', "a list of numbers"),
        ('assume = ["smooth: 1", "convex", "eta == 1"]\nper_step = {a = [1, 2]}', "no letter of the step"),
        ('assume = ["smooth: 1", "convex", "eta == 1"]\nper_step = {eta = [1, 2]}', "has a number already"),
        ('assume = ["smooth: 1", "convex", "eta == 1"]\nschedule = "power:p=1"', "per_step"),
    ],
)
def test_what_cannot_be_asked_is_refused(text: str, message: str) -> None:
    table = tomllib.loads(f"{PLAIN}{text}\n{GD}")
    with pytest.raises((BadInput, Refusal), match=re.escape(message)):
        Performance(table, Letters(method_of(table)), 2).solve()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GD, "without noise"),
        (f'noise = "any"\n{GD}', "without noise"),
        (PLAIN + '[method]\nupdate = ["x = x - eta*G - eta*x"]', "weight decay"),
        (PLAIN + '[method]\nupdate = ["x = x - eta*G/norm(G)"]', "linear in the gradients"),
        (
            PLAIN + '[method]\nupdate = ["v = v/2 - eta*G", "x = x + v"]\nmemory = {v = 1}',
            "0, where every memory starts",
        ),
        (PLAIN + '[method]\nupdate = ["x = x - eta/(k-1)*G"]', "no rational value in step 1"),
    ],
)
def test_methods_that_are_not_covered_are_refused(text: str, message: str) -> None:
    table = tomllib.loads(f'assume = ["smooth: 1", "convex", "eta == 1"]\n{text}')
    with pytest.raises((BadInput, Refusal), match=re.escape(message)):
        Performance(table, Letters(method_of(table)), 2).solve()
