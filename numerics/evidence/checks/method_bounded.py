"""Theorems on methods with bounded messages (signs, normalised, clipped), compared with the methods themselves.

Signs need no sampling. On f = sum_j phi(x_j) the coordinates move independently: each moves by eta u (2m - N)/N if m clients send
+1. The mean of f after a step is a finite sum over m, and the mean of Phi after n steps is a sum over the values that a coordinate
can reach. The moments ||b||^2 and Tr S of a step come from the same outcomes, so the definitions of a theorem are checked too.

A theorem about each draw of the noise is compared draw by draw, also for heavy tails, and its average over steps path by path.
Bounded noise shifts a message by r along one of the axes; its means are over all outcomes.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import permutations, product
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.methods.losses import Cosh, GluedExponential, Quartic, Separable, SeparableSum
from sdescent.derive.methods.losses import x as place
from sdescent.derive.proof.language.terms import Term, dot, mat, norm, tr, under, vec, x
from sdescent.derive.theorems.discrete.normalised import KEPT, SIZE_OF_STEP, VARIANCE
from sdescent.derive.theorems.entry.instances import LAWS
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.signs.facts import PHI
from sdescent.numerics.evidence.checks.formulas import Function, Numbers, clients, coordinates, paths, symbols, times
from sdescent.numerics.evidence.checks.points import Points, log_uniform

SQUARE = SeparableSum(place**2 / 2)
#: loss, clients and coordinates of one step
STATES = ((Cosh(), 1, 1), (Cosh(), 2, 3), (Cosh(), 5, 2), (GluedExponential(), 3, 1), (Quartic(), 2, 2), (SQUARE, 1, 2))
#: loss, clients, coordinates, steps, and whether the schedule is constant (so that states form a lattice) or (1 + n)^-p
RUNS = (
    (Cosh(), 1, 1, 200, True), (Cosh(), 2, 2, 60, True), (GluedExponential(), 1, 2, 60, True), (Quartic(), 3, 1, 40, True),
    (Cosh(), 1, 2, 10, False), (Quartic(), 2, 1, 6, False),
)  # fmt: skip
#: largest |x| of a run, such that slopes and their squares remain finite
FAR = 100.0


@lru_cache
def curve_of(loss: Separable) -> tuple[Function, Function]:
    """phi and phi' as functions of arrays."""
    at = sp.Symbol("x", real=True)
    phi = loss.coordinate.xreplace({place: at})
    return _array_function(phi, at), _array_function(sp.diff(phi, at), at)


@lru_cache
def _sign_mean(number: int) -> Function:
    y = sp.Symbol("y", real=True)
    return _array_function(LAWS[number].sign_mean(y), y)


def _array_function(expr: sp.Expr, of: sp.Symbol) -> Function:
    """A NumPy function: JAX would recompile, since each step has arrays of another shape."""
    return sp.lambdify(of, expr, ["scipy", "numpy"])


def levels(up: np.ndarray) -> np.ndarray:
    """The probabilities (N + 1, ..) that m = 0, .., N of the clients send +1; `up` (N, ..) holds each client's own probability."""
    chances = np.ones((1, *up.shape[1:]))
    for chance in up:
        none = np.zeros((1, *chance.shape))
        chances = np.concatenate([chances * (1 - chance), none]) + np.concatenate([none, chances * chance])
    return chances


def steps_of(count: int) -> np.ndarray:
    """The mean of the signs if m clients send +1, for m = 0, .., N."""
    return (2 * np.arange(count + 1) - count) / count


def density(number: int) -> float:
    """The constant M of a law: its density at 0."""
    return float(LAWS[number].density(sp.S.Zero))


def constants(rng: np.random.Generator, loss: Separable, d: int, count: int, summed: bool) -> dict[Term, np.ndarray]:
    """Constants of a loss: L0 and L1, random for some losses, random eps and c, and f* = 0. Sums over steps need eps < 1."""
    second = log_uniform(rng, count, L1=(0.3, 4))["L1"] if isinstance(loss, (Quartic, SeparableSum)) else np.ones(count)
    first = 4 / second**2 if isinstance(loss, Quartic) else np.ones(count)
    much, far = (1, 1) if summed else (rng.choice([1, 1, 1, size], count) for size in (1e4, 4))
    draws = log_uniform(rng, count, eps=(0.03, 1.0), c=(0.02, 3))
    return symbols(paths, L0=first, L1=second, eps=draws["eps"] * much, c=draws["c"] * far, d=d, fstar=0, f=0)


def step_size(theorem: Theorem, numbers: Numbers, rng: np.random.Generator, most: np.ndarray) -> np.ndarray:
    """Step sizes (count,) near the largest one that the conditions, which are linear in eta, allow. Some are too large."""
    limit, one = most, numbers.plus({x("eta"): paths(1.0)})
    for name in ("step", "reach", "eta u <= c"):
        if name in theorem.assumptions:
            left, right = one.sides(theorem.assumptions[name])
            with np.errstate(divide="ignore"):
                limit = np.minimum(limit, np.min(right / left, axis=0))
    return np.minimum(limit * rng.choice([0.3, 0.7, 1.0, 1.0, 1.5, 5.0, 20.0], len(limit)), most)


def sign_state(theorem: Theorem, number: int, case: int, count: int) -> Numbers:
    """The values of one step from random states, with noise from law `number`, for `STATES[case]`."""
    (loss, N, d), rng = STATES[case], np.random.default_rng((640, number, case))
    (value, slope), R = curve_of(loss), _sign_mean(number)
    # x = 0 is the optimum
    at = rng.normal(size=(d, count)) * np.exp(rng.uniform(-4, 1.2, count)) * rng.choice([0, 1, 1, 1], count)
    y = slope(at)
    scales = np.exp(rng.uniform(-5, 1.5, (N, count)))
    up = (1 + R(y[None] / scales[:, None])) / 2  # (client, coordinate, count)
    chance, sizes = levels(up), steps_of(N)
    mean = np.einsum("m,mjn->jn", sizes, chance)
    variance = np.einsum("m,mjn->jn", sizes**2, chance) - mean**2
    u = np.exp(rng.uniform(-2, 0, count))
    ratio = np.maximum(np.max(np.abs(y), axis=0) / np.min(scales, axis=0) * rng.choice([0.7, 1, 1, 1.5], count), 0.01)
    values = constants(rng, loss, d, count, False) | symbols(paths, M=density(number), N=N, u=u, ratio=ratio)
    values |= symbols(coordinates, y=y, b=mean) | symbols(clients, sigma=scales) | {
        norm(vec("g")): paths(np.sqrt(np.sum(y**2, axis=0))), norm(vec("bv")): paths(np.sqrt(np.sum(mean**2, axis=0))),
        tr(mat("S")): paths(N * np.sum(variance, axis=0)), PHI: paths(np.sum(y * mean, axis=0)),
    }  # fmt: skip
    numbers = Numbers(values, {"R": R}, (N, d, 1, count))
    eta = step_size(theorem, numbers, rng, np.exp(rng.uniform(-5, 3, count)) / u)
    after = sum(c * value(at - eta * u * s) for c, s in zip(chance, sizes, strict=True))
    return numbers.plus({x("eta"): paths(eta), x("Af"): paths(np.sum(after - value(at), axis=0))})


def states(theorem: Theorem, count: int = 300) -> Iterator[Points]:
    """One step, with every law on every loss."""
    for number, law in enumerate(LAWS):
        for case, (loss, N, d) in enumerate(STATES):
            name = f"{type(law).__name__} noise, {type(loss).__name__}, N = {N}, d = {d}"
            yield name, sign_state(theorem, number, case, count)


def reached(
    start: np.ndarray, move: np.ndarray, scales: np.ndarray, slope: Function, R: Function, lattice: bool
) -> np.ndarray:
    """E Phi at each step, over all values that the coordinates can reach, which form a lattice if `move` is constant.

    `start`, `scales` and `move` = eta u_n have the shapes (d, count), (N, count) and (K, count).
    """
    N, sizes = len(scales), steps_of(len(scales))
    at, chance, means = start[None], np.ones((1, *start.shape)), []
    for n, step in enumerate(move):
        y = slope(at)
        signs = R(y[None] / scales[:, None, None])  # (client, place, coordinate, count)
        means.append(np.sum(chance * y * np.mean(signs, axis=0), axis=(0, 1)))
        share = levels((1 + signs) / 2) * chance
        if lattice:
            shape = (len(at) + N, *start.shape)
            chance = np.zeros(shape)
            for m, part in enumerate(share):
                chance[m : m + len(at)] += part
            at = start - step * (2 * np.arange(shape[0]) - (n + 1) * N)[:, None, None] / N
        else:
            at = np.concatenate([at - step * s for s in sizes])
            chance = np.concatenate(list(share))
    return np.stack(means)


def sign_run(theorem: Theorem, number: int, case: int, count: int) -> Numbers:
    """The values of K steps from random starts, with noise from law `number`, for `RUNS[case]`."""
    (loss, N, d, K, lattice), rng = RUNS[case], np.random.default_rng((641, number, case))
    (value, slope), R = curve_of(loss), _sign_mean(number)
    start = rng.normal(size=(d, count)) * np.exp(rng.uniform(-1, 1, count))
    scales = np.exp(rng.uniform(-3, 1, (N, count)))
    u = np.ones((K, count)) if lattice else (1 + np.arange(K)[:, None]) ** -rng.uniform(0, 1, count)
    # small starts and moves, so that the bounded ratio holds at every reachable point
    near = "bounded ratio" in theorem.assumptions
    start *= 0.2 if near else 1
    room = np.exp(rng.uniform(-3, 0, count))
    ends = np.abs(np.stack([slope(side * (np.abs(start) + room)) for side in (1, -1)]))
    most = np.minimum(np.exp(rng.uniform(-4, 1, count)), room / np.sum(u, axis=0) if near else FAR / K)
    values = constants(rng, loss, d, count, True) | symbols(times, u=u) | symbols(clients, sigma=scales)
    ratio, f0 = np.max(ends, axis=(0, 1)) / np.min(scales, axis=0), np.sum(value(start), axis=0)
    values |= symbols(paths, M=density(number), N=N, K=K, f0=f0, ratio=ratio)
    numbers = Numbers(values, {"R": R}, (N, d, K, count), np.ones(K))
    eta = step_size(theorem, numbers, rng, most)
    phi = reached(start, eta * u, scales, slope, R, lattice)
    return numbers.plus({x("eta"): paths(eta), under("EI", x("u") * PHI): paths(np.sum(u * phi, axis=0))})


def runs(theorem: Theorem, count: int = 40) -> Iterator[Points]:
    """Several steps, with every law on every loss."""
    for number, law in enumerate(LAWS):
        for case, (loss, N, d, K, _) in enumerate(RUNS):
            name = f"{type(law).__name__} noise, {type(loss).__name__}, N = {N}, d = {d}, {K} steps"
            yield name, sign_run(theorem, number, case, count)


# --- normalised and clipped messages ------------------------------------------------------------------------------------

#: loss and coordinates
PLACES = ((Cosh(), 1), (Cosh(), 3), (GluedExponential(), 1), (GluedExponential(), 2), (Quartic(), 2), (SQUARE, 4))
#: number of steps of a run
LONG = 40
#: loss, clients, coordinates and steps of a run with bounded noise, which has (2 d)^(N steps) outcomes
NOISY_RUNS = ((Cosh(), 1, 1, 8), (Cosh(), 1, 2, 4), (GluedExponential(), 2, 1, 4), (Quartic(), 1, 1, 6))


def message(method: str, m: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The step divided by -eta u for a message m (d, ..): m/||m|| or min(1, tau/||m||) m, and 0 for m = 0."""
    size = np.sqrt(np.sum(m**2, axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 / size if method == "normalised" else np.minimum(1, tau / size)
    return np.where(size > 0, share, 0) * m


def _vectors_of_step(
    method: str, slope: Function, at: np.ndarray, added: np.ndarray, tau: np.ndarray
) -> tuple[dict[Term, Any], np.ndarray]:
    """The norms and inner products of the vectors of a step, each (count,), and the step divided by eta u."""
    y = slope(at)
    sent = y + added
    step = -message(method, sent, tau)
    vectors = {"g": y, "zv": added, "ev": -added, "mv": sent, "sv": step}
    values: dict[Term, Any] = {norm(vec(name)): np.sqrt(np.sum(v**2, axis=0)) for name, v in vectors.items()}
    pairs = permutations(vectors.items(), 2)
    return values | {dot(vec(a), vec(b)): np.sum(v * w, axis=0) for (a, v), (b, w) in pairs}, step


def messages(theorem: Theorem, method: str, summed: bool, count: int = 3000) -> Iterator[Points]:
    """One or (`summed`) several steps, one draw each, of "normalised", "norm-clipped" or "silent norm-clipped" (without noise)."""
    K, count = (LONG, count // 10) if summed else (1, count)
    for case, (loss, d) in enumerate(PLACES):
        rng = np.random.default_rng((630, case, summed))
        yield f"{method}, {type(loss).__name__}, d = {d}", _message_run(theorem, method, loss, d, K, count, rng)


def _message_run(
    theorem: Theorem, method: str, loss: Separable, d: int, K: int, count: int, rng: np.random.Generator
) -> Numbers:
    (value, slope), tau = curve_of(loss), np.exp(rng.uniform(-3, 1, count))
    # x = 0 is the optimum
    at = start = rng.normal(size=(d, count)) * np.exp(rng.uniform(-3, 1.5, count)) * rng.choice([0, 1, 1, 1], count)
    u = (1 + np.arange(K)[:, None]) ** -rng.uniform(0, 1, count)
    values = constants(rng, loss, d, count, K > 1) | symbols(times, u=u)
    values |= symbols(paths, tau=tau, K=K, f0=np.sum(value(start), axis=0))
    numbers = Numbers(values, size=(1, d, K, count), weights=np.ones(K))
    most = np.minimum(np.exp(rng.uniform(-5, 3, count)), FAR / K) / np.maximum(1, tau)
    eta, steps = step_size(theorem, numbers, rng, most), []
    for n in range(K):
        noise = rng.standard_cauchy((d, count)) * np.exp(rng.uniform(-12, 1, count))  # at widely varying scales
        products, step = _vectors_of_step(method, slope, at, noise * ("silent" not in method), tau)
        steps.append(products)
        at = at + eta * u[n] * step
    series = {term: times(np.stack([products[term] for products in steps])) for term in steps[0]}
    change = np.sum(value(at) - value(start), axis=0)
    return numbers.plus({**series, x("eta"): paths(eta), x("Af"): paths(change)})


def bounded(theorem: Theorem, summed: bool, count: int = 300) -> Iterator[Points]:
    """DSGD with the schedule u/(L0 + L1 (G + r)), averaged over all outcomes of its noise."""
    for case, (loss, N, d, K) in enumerate(NOISY_RUNS):
        rng = np.random.default_rng((631, case, summed))
        steps = K if summed else 1
        numbers = _outcomes(theorem, loss, N, d, steps, count // 5 if summed else count, rng)
        yield f"{type(loss).__name__}, N = {N}, d = {d}, {steps} steps", numbers


def _outcomes(
    theorem: Theorem, loss: Separable, N: int, d: int, K: int, count: int, rng: np.random.Generator
) -> Numbers:
    (value, slope), r = curve_of(loss), np.exp(rng.uniform(-3, 1, count)) * rng.choice([0, 1, 1], count)
    start = rng.normal(size=(d, count)) * np.exp(rng.uniform(-2, 1.5, count))
    u = (1 + np.arange(K)[:, None]) ** -rng.uniform(0, 1, count)
    values = constants(rng, loss, d, count, K > 1) | symbols(clients, q=np.zeros((N, 1)), v=np.stack([r**2] * N))
    values |= symbols(paths, N=N, r=r, K=K, f0=np.sum(value(start), axis=0)) | symbols(times, u=u)
    values[tr(mat("S"))] = paths(r**2)
    numbers = Numbers(values, size=(N, d, K, count), weights=np.ones(K))
    eta = step_size(theorem, numbers, rng, np.exp(rng.uniform(-5, 3, count)))
    one = np.concatenate([np.eye(d), -np.eye(d)])
    moves = np.stack([np.mean(parts, axis=0) for parts in product(one, repeat=N)])  # (outcome, d)
    at, decrease, spread = start[None], [], []
    for n in range(K):
        y = slope(at)
        G = np.sqrt(np.sum(y**2, axis=1))
        size = numbers.plus({norm(vec("g")): G.reshape(1, -1, 1, count)}).value(SIZE_OF_STEP).reshape(-1, count)
        decrease.append(np.mean(u[n] * G**2 / size, axis=0))
        spread.append(np.mean(u[n] ** 2 * r**2 / size, axis=0))
        sent = y[:, None] + r * moves[None, :, :, None]
        at = (at[:, None] - (eta * u[n] / size)[:, None, None] * sent).reshape(-1, d, count)
    change = np.mean(np.sum(value(at), axis=1), axis=0) - np.sum(value(start), axis=0)
    first = np.sqrt(np.sum(slope(start) ** 2, axis=0))
    whole = {
        under("EI", x("u") * KEPT): paths(np.sum(decrease, axis=0)),
        under("EI", x("u") ** 2 * VARIANCE / SIZE_OF_STEP): paths(np.sum(spread, axis=0)),
    }  # fmt: skip
    return numbers.plus({**whole, norm(vec("g")): paths(first), x("eta"): paths(eta), x("Af"): paths(change)})
