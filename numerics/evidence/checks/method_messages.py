"""The theorems on methods whose messages are normalised or clipped, against steps of the methods.

What a theorem says of each draw of the noise is compared draw by draw, heavy tails included, and its average over steps along each
path by itself. With bounded noise the mean is over all outcomes: a message is moved by r along one of the axes, either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from derive.methods.losses import Cosh, GluedExponential, Quartic, Separable
from derive.proof.language.terms import Term, dot, mat, norm, tr, under, vec, x
from derive.theorems.discrete.normalised import KEPT, SIZE_OF_STEP
from derive.theorems.entry.theorem import Theorem
from numerics.evidence.checks.families import Points
from numerics.evidence.checks.formulas import Numbers, paths, times
from numerics.evidence.checks.method_signs import FAR, SQUARE, Curve, constants, curve_of, step_size

#: loss and coordinates
STATES = ((Cosh(), 1), (Cosh(), 3), (GluedExponential(), 1), (GluedExponential(), 2), (Quartic(), 2), (SQUARE, 4))
#: steps of a run
LONG = 40
#: loss, clients, coordinates and steps with bounded noise, whose outcomes in all are (2 d)^(N steps)
RUNS = ((Cosh(), 1, 1, 8), (Cosh(), 1, 2, 4), (GluedExponential(), 2, 1, 4), (Quartic(), 1, 1, 6))


def message(method: str, m: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """What the server subtracts, over eta u, for a message m (d, ..): m/||m||, or min(1, tau/||m||) m; 0 for 0."""
    size = np.sqrt(np.sum(m**2, axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 / size if method == "normalised" else np.minimum(1, tau / size)
    return np.where(size > 0, share, 0) * m


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Cauchy noise of all sizes."""
    return rng.standard_cauchy(shape) * np.exp(rng.uniform(-12, 1, shape[-1]))


def _taken(method: str, curve: Curve, at: np.ndarray, added: np.ndarray, tau: np.ndarray) -> tuple[dict[Term, Any], np.ndarray]:
    """The norms and products of the vectors of a step, each (count,), and what is subtracted, over eta u."""
    y = curve.slope(at)
    sent = y + added
    step = -message(method, sent, tau)
    vectors = {"g": y, "zv": added, "ev": -added, "mv": sent, "sv": step}
    values: dict[Term, Any] = {norm(vec(name)): np.sqrt(np.sum(v**2, axis=0)) for name, v in vectors.items()}
    values |= {dot(vec(a), vec(b)): np.sum(v * w, axis=0) for a, v in vectors.items() for b, w in vectors.items() if a != b}
    return values, step


def states(theorem: Theorem, method: str, summed: bool, count: int = 3000) -> Iterator[Points]:
    """One step, or many, with one draw of the noise for each.

    Args:
        method: "normalised", "norm-clipped", or "silent norm-clipped" without noise.
    """
    for case, (loss, d) in enumerate(STATES):
        rng = np.random.default_rng((630, case, summed))
        made = _run(theorem, method, loss, d, LONG if summed else 1, count // 10 if summed else count, rng)
        yield f"{method}, {type(loss).__name__}, d = {d}", made


def _run(theorem: Theorem, method: str, loss: Separable, d: int, K: int, count: int, rng: np.random.Generator) -> Numbers:
    curve, tau = curve_of(loss), np.exp(rng.uniform(-3, 1, count))
    # 0 is the optimum
    at = start = rng.normal(size=(d, count)) * np.exp(rng.uniform(-3, 1.5, count)) * rng.choice([0, 1, 1, 1], count)
    u = (1 + np.arange(K)[:, None]) ** -rng.uniform(0, 1, count)
    values = constants(rng, loss, d, count, K > 1) | {
        x("tau"): paths(tau), x("u"): times(u), x("K"): paths(float(K)), x("f0"): paths(np.sum(curve.value(start), axis=0)),
    }  # fmt: skip
    numbers = Numbers(values, size=(1, d, K, count), weights=np.ones(K))
    most = np.minimum(np.exp(rng.uniform(-5, 3, count)), FAR / K) / np.maximum(1, tau)
    eta, found = step_size(theorem, numbers, rng, most), []
    for n in range(K):
        added = _noise(rng, (d, count)) * ("silent" not in method)
        known, step = _taken(method, curve, at, added, tau)
        found.append(known)
        at = at + eta * u[n] * step
    series = {term: times(np.stack([known[term] for known in found])) for term in found[0]}
    change = np.sum(curve.value(at) - curve.value(start), axis=0)
    return numbers.given({**series, x("eta"): paths(eta), x("Af"): paths(change)})


def bounded(theorem: Theorem, summed: bool, count: int = 300) -> Iterator[Points]:
    """DSGD with u/(L0 + L1 (G + r)) for the schedule, by all outcomes of its noise."""
    for case, (loss, N, d, K) in enumerate(RUNS):
        rng = np.random.default_rng((631, case, summed))
        steps = K if summed else 1
        made = _outcomes(theorem, loss, N, d, steps, count // 5 if summed else count, rng)
        yield f"{type(loss).__name__}, N = {N}, d = {d}, {steps} steps", made


def _outcomes(theorem: Theorem, loss: Separable, N: int, d: int, K: int, count: int, rng: np.random.Generator) -> Numbers:
    curve, r = curve_of(loss), np.exp(rng.uniform(-3, 1, count)) * rng.choice([0, 1, 1], count)
    start = rng.normal(size=(d, count)) * np.exp(rng.uniform(-2, 1.5, count))
    u = (1 + np.arange(K)[:, None]) ** -rng.uniform(0, 1, count)
    values = constants(rng, loss, d, count, K > 1) | {
        x("N"): paths(float(N)), x("r"): paths(r), x("u"): times(u), x("K"): paths(float(K)),
        x("f0"): paths(np.sum(curve.value(start), axis=0)), tr(mat("S")): paths(r**2),
    }  # fmt: skip
    numbers = Numbers(values, size=(N, d, K, count), weights=np.ones(K))
    eta = step_size(theorem, numbers, rng, np.exp(rng.uniform(-5, 3, count)))
    one = np.concatenate([np.eye(d), -np.eye(d)])
    moves = np.stack([np.mean(parts, axis=0) for parts in product(one, repeat=N)])  # (outcome, d)
    at, kept, spread = start[None], [], []
    for n in range(K):
        y = curve.slope(at)
        G = np.sqrt(np.sum(y**2, axis=1))
        size = numbers.given({norm(vec("g")): G.reshape(1, -1, 1, count)}).value(SIZE_OF_STEP).reshape(-1, count)
        kept.append(np.mean(u[n] * G**2 / size, axis=0))
        spread.append(np.mean(u[n] ** 2 * r**2 / size, axis=0))
        sent = y[:, None] + r * moves[None, :, :, None]
        at = (at[:, None] - (eta * u[n] / size)[:, None, None] * sent).reshape(-1, d, count)
    change = np.mean(np.sum(curve.value(at), axis=1), axis=0) - np.sum(curve.value(start), axis=0)
    first = np.sqrt(np.sum(curve.slope(start) ** 2, axis=0))
    whole = {
        under("EI", x("u") * KEPT): paths(np.sum(kept, axis=0)),
        under("EI", x("u") ** 2 * tr(mat("S")) / SIZE_OF_STEP): paths(np.sum(spread, axis=0)),
    }  # fmt: skip
    return numbers.given({**whole, norm(vec("g")): paths(first), x("eta"): paths(eta), x("Af"): paths(change)})
