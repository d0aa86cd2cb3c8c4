"""E x^2 in one coordinate (theory 5.3, 6.7, 6.9) with affine noise and Bernoulli compression, for an SDE and for the method itself.

On a quadratic the SDE's rate comes from the engine's moment equations; for the method all outcomes of a step are enumerated. Each
theorem is compared only with its own subject, since the other subject has its own theorem.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.stationary.affine import METHOD, generator, y
from sdescent.derive.vocabulary.names import Kind, Model
from sdescent.numerics.evidence.checks.facts import of_points
from sdescent.numerics.evidence.checks.formulas import Numbers, paths, symbols
from sdescent.numerics.evidence.checks.moments import MomentMap
from sdescent.numerics.evidence.checks.points import Points, log_uniform

#: number of values of x_n in a random law, and of the noise
PLACES, SIGNS = 4, 2


def draw(count: int, seed: int) -> dict[str, np.ndarray]:
    """Random constants, with steps on both sides of the thresholds. 1/p is an integer."""
    rng = np.random.default_rng(seed)
    draws = log_uniform(rng, count, eta=(0.02, 2.0), lam=(0.1, 3.0), sigma0=(0.1, 2.0), sigma1=(0.1, 1.5))
    draws["p"] = 1 / rng.integers(1, 4, count)
    draws["N"] = rng.integers(1, 9, count).astype(float)
    return draws


def of_the_sde(theorem: Theorem, model: Model, count: int = 400) -> Iterator[tuple[dict[str, int], Numbers]]:
    """The rate of E x^2 from the moment equations, alternately at a random E x^2 and at the fixed point of the equations."""
    draws = draw(count, 72)
    slope, force, fixed = _moments(model, draws, count)
    square = np.where(np.arange(count) % 2, np.maximum(fixed, 0), np.random.default_rng(73).uniform(0, 4, count))
    numbers = of_points(count, **draws, x=np.sqrt(square))
    yield {}, numbers.plus({generator(model): paths(slope * square + force)})


def of_the_method(theorem: Theorem, count: int = 120) -> Iterator[tuple[dict[str, int], Numbers]]:
    """All outcomes of a step from a random law and, in every second case, from +-sqrt(V) with the method's fixed point V."""
    draws = draw(count, 74)
    draws["N"] = 1 + (draws["N"] > 4)
    _, _, fixed = _moments("method", draws, count)
    rng = np.random.default_rng(75)
    for n in range(count):
        settings = {name: float(a[n]) for name, a in draws.items()}
        root = np.sqrt(max(fixed[n], 0))
        at = np.tile([root, -root], PLACES // 2) if n % 2 else rng.normal(size=PLACES) * 2
        yield {"case": n}, outcomes(at, settings)


def curvature_coefficient(theorem: Theorem, count: int = 60) -> Iterator[tuple[dict[str, int], Numbers]]:
    """The alpha at which the equation, with the first-order model's moments apart from alpha, changes as all outcomes of a step."""
    draws = draw(count, 76)
    draws["N"] = 1 + (draws["N"] > 4)
    slope, force, _ = _moments("first-order", draws, count)
    rng = np.random.default_rng(77)
    for n in range(count):
        settings = {name: float(a[n]) for name, a in draws.items()}
        at = rng.normal(size=PLACES) * 2
        square = float(np.mean(at**2))
        after = float(np.mean(outcomes(at, settings).value(y) ** 2))
        rate = (after - square) / settings["eta"] - slope[n] * square - force[n]
        alpha = rate / (2 * settings["eta"] * settings["lam"] ** 2 * square)
        yield {"case": n}, outcomes(at, {**settings, "alpha": alpha})


def outcomes(at: np.ndarray, settings: dict[str, float]) -> Numbers:
    """One step from equally likely points `at`, over all equally likely outcomes of the N messages."""
    inverse, clients = round(1 / settings["p"]), int(settings["N"])
    scale = np.sqrt(settings["sigma0"] ** 2 + (settings["sigma1"] * settings["lam"] * at) ** 2)
    one = [(settings["lam"] * at + sign * scale) * inverse * (way == 0) for sign in (1, -1) for way in range(inverse)]
    message = np.concatenate([np.mean(way, axis=0) for way in product(one, repeat=clients)])
    place = np.tile(at, (SIGNS * inverse) ** clients)
    values = {"x": place, "c": message, "y": place - settings["eta"] * message}
    return Numbers(symbols(paths, **settings, **values), size=(1, 1, 1, len(place)), mean=True)


def _moments(subject: Kind, draws: dict[str, np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slope and force of E x^2 (for the method, of its change in a step), and its fixed point."""
    matrix, force = MomentMap(METHOD, subject, ("lam",)).at(draws, count)
    return matrix[:, 0, 0], force[:, 0], -force[:, 0] / matrix[:, 0, 0]


# --- theory 6.9 in the mean: pre-scheduled D(C)SGD on the quartic ------------------------------------------------------

#: number of enumerated steps, and of equally likely outcomes of one message: two signs of the noise, message sent or dropped
STEPS, KINDS = 3, 4


def on_the_quartic(theorem: Theorem, count: int = 400) -> Iterator[Points]:
    """Random laws of x_n on eight points with random weights, and at each point two messages whose mean is the gradient."""
    rng = np.random.default_rng(69)
    for number in range(count):
        at, weight = np.repeat(rng.normal(size=8) * 2, 2), np.repeat(rng.uniform(0, 1, 8) * rng.choice([0, 1, 1], 8), 2)
        weight[:2] = rng.uniform(0.1, 1)
        if number % 8 == 0:  # then all inequalities of the proof are equalities
            at, weight = np.tile([1.5, 1.5, -1.5, -1.5], 4), np.ones(16)
        noise = np.repeat(rng.normal(size=8) * np.exp(rng.uniform(-2, 2)), 2) * np.tile([1, -1], 8) * (number % 8 > 0)
        m, k = float(np.mean(weight * at**2) / np.mean(weight)), float(rng.uniform(0.8, 3))
        e = (1 + k) * float(rng.choice([0.7, 1, 1.02, 1.5])) / m
        weight = weight * float(rng.choice([1, 1, 1, 2]))
        yield f"law {number}", weighted(at, at**3 + noise, weight, k, e, e / k**2 * float(rng.choice([0.8, 1, 1.5])), m)


def weighted(
    at: np.ndarray, message: np.ndarray, weight: np.ndarray, k: float, e: float, e1: float, m: float
) -> Numbers:
    """One step over equally likely outcomes, each array of shape (count,)."""
    values = symbols(paths, x0=at, c=message, w=weight, x1=at - e * message, f=at**4 / 4, theta=k, e=e, e1=e1, m=m)
    return Numbers(values, size=(1, 1, 1, len(at)), mean=True)


def along_the_quartic(theorem: Theorem) -> Iterator[tuple[dict[str, float], Numbers]]:
    """Outcomes of three steps of DCSGD with Bernoulli(1/2), noise +-sigma, eta_n = (1 + n eta)^(-1/2), from below the threshold."""
    eta, sigma = 0.1, 24.0
    grid = np.indices((KINDS,) * STEPS).reshape(STEPS, -1)
    rate = eta * (1 + eta * np.arange(STEPS + 1)) ** -0.5
    k = 1.05 * float(np.max(np.sqrt(rate[:-1] / rate[1:])))
    for start in (0.0, 1.0, -2.0):
        at, weight = np.full(grid.shape[1], start), np.ones(grid.shape[1])
        for n in range(STEPS):
            sign, sends = 1 - 2 * (grid[n] % 2), grid[n] // 2
            message = 2 * sends * (at**3 + sigma * sign)
            if n == 1:
                weight = (rate[1] * at**2 >= 1 + k).astype(float)
            if n:
                m = float(np.mean(weight * at**2) / np.mean(weight))
                numbers = weighted(at, message, weight, k, float(rate[n]), float(rate[n + 1]), m)
                yield {"eta": eta, "sigma": sigma, "start": start, "step": n, "share": float(np.mean(weight))}, numbers
            at = at - rate[n] * message
