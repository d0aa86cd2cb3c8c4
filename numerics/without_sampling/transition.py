"""E phi(x_n) of the method on the line by its transition operator (theory 7), from the law of the averaged message."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, singledispatch
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.expressions.coordinates import v
from sdescent.derive.methods.compressors import Bernoulli, Compressor, Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Gaussian, Law
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.laws.noises import Rule, compressed, convolved, gauss_rule, mean_of
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.lowering.to_jax import concrete, function_of_one, lower_all
from sdescent.numerics.simulate.parameters import constants, deciding, unfrozen
from sdescent.numerics.simulate.streams_and_statistics import at_time
from sdescent.numerics.without_sampling import line

#: (the scales s_i, (clients or 1, points), the gradients (points,)) -> the averaged message as a finite law, (points, atoms)
Average = Callable[[np.ndarray, np.ndarray], Rule]


def averaged(method: Method, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law of the averaged message of N clients of a method in one dimension, by Gauss rules of `nodes` nodes.

    A sign takes the values +1 and -1, so the number of clients that send +1 is exactly binomial (Poisson-binomial for several
    scales). A message that is a polynomial in the noise, given a finite choice, has Gauss rules, which are convolved over clients
    (`sdescent.numerics.laws.noises`). These are the messages of the identity, of compressors equal to it on the line, and of
    Bernoulli. NoClosedForm for others, for a measured covariance, and for heavy tails unless signs are sent.
    """
    if method.noise.dense is not None:
        raise NoClosedForm("noise with a measured covariance is not implemented on the line; give its scale instead")
    return average(method.compressor, method.noise.law, clients, nodes, parameters)


@singledispatch
def average(compressor: Any, law: Law, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law of the averaged message for a compressor and a law (see `averaged`); a new compressor registers its own function."""
    raise TypeError(f"{type(compressor).__name__} is not a compressor")


@average.register
def _(compressor: Compressor, law: Law, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law for compressors that change no message in one dimension: identity, scaled sign, QSGD, TernGrad, Rand-1, Top-1."""
    moments = compressor.conditional_moments(sp.Integer(1))
    if moments.mean != v or moments.rank or sp.simplify(moments.diag) != 0:
        raise NoClosedForm(
            f"the law of the message of {type(compressor).__name__} is not implemented: the transition operator covers the "
            "identity on the line, signs and the Bernoulli sparsifier"
        )
    unit = gauss_rule(law, nodes, parameters)
    equal = mean_of(unit, clients, nodes)

    def of(scales: np.ndarray, g: np.ndarray) -> Rule:
        if len(scales) == 1:
            values, chances = g[:, None] + scales[0][:, None] * equal[0], equal[1]
        elif isinstance(law, Gaussian):  # a sum of Gaussians is Gaussian
            values, chances = g[:, None] + np.sqrt((scales**2).sum(axis=0))[:, None] / clients * unit[0], unit[1]
        else:
            values, chances = _mean([(g[:, None] + s[:, None] * unit[0], unit[1]) for s in scales], nodes)
        return values, np.broadcast_to(chances, values.shape)

    return of


@average.register
def _(compressor: Bernoulli, law: Law, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law for v/p with probability p, else 0: a mixture of a Gauss rule and an atom, exact for the same polynomials."""
    p = concrete(compressor.p, parameters)
    unit = gauss_rule(law, nodes, parameters)

    def message(scale: np.ndarray, g: np.ndarray) -> Rule:
        values = np.concatenate([np.zeros((len(g), 1)), (g[:, None] + scale[:, None] * unit[0]) / p], axis=1)
        return values, np.broadcast_to(np.concatenate([[1 - p], p * unit[1]]), values.shape)

    def of(scales: np.ndarray, g: np.ndarray) -> Rule:
        if len(scales) == 1:
            return mean_of(message(scales[0], g), clients, nodes)
        return _mean([message(s, g) for s in scales], nodes)

    return of


@average.register
def _(compressor: Sign, law: Law, clients: int, nodes: int, parameters: Mapping[str, Any]) -> Average:
    """The law for signs, P(sgn = +1) = F(g/s): if K of N clients send +1 the mean is (2K - N)/N, K binomial or Poisson-binomial."""
    sign_mean = function_of_one(law.sign_mean, parameters)

    def sign_of(scale: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities P(+1) and P(-1), (points, 1); without noise the sign is that of g, with sgn(0) = 0."""
        noisy = (scale > 0) & (not law.degenerate)
        ratio = np.where(noisy, g / np.where(noisy, scale, 1.0), 0.0)
        mean = np.where(noisy, np.asarray(sign_mean(jnp.asarray(ratio))), np.sign(g))
        silent = ~noisy & (g == 0)
        return np.where(silent, 0, (1 + mean) / 2)[:, None], np.where(silent, 0, (1 - mean) / 2)[:, None]

    def of(scales: np.ndarray, g: np.ndarray) -> Rule:
        signs = [sign_of(s, g) for s in scales] * (clients if len(scales) == 1 else 1)
        # sums change in steps of 2, unless some client sends 0
        step = 2 if all(np.all(plus + minus > 0.5) for plus, minus in signs) else 1
        wide = 2 // step
        chances = np.ones((len(g), 1))
        for plus, minus in signs:
            grown = np.zeros((len(g), chances.shape[1] + wide))
            grown[:, wide:] += plus * chances
            grown[:, :-wide] += minus * chances
            if step == 1:
                grown[:, 1:-1] += (1 - plus - minus) * chances
            chances = grown
        return np.broadcast_to((step * np.arange(chances.shape[1]) - clients) / clients, chances.shape), chances

    return of


def _mean(rules: Sequence[Rule], nodes: int) -> Rule:
    """The rule of the mean of independent variables with these rules."""
    total = compressed(rules[0], nodes)
    for rule in rules[1:]:
        total = convolved(total, compressed(rule, nodes), nodes)
    return total[0] / len(rules), total[1]


#: the initial degree of the interpolants and number of nodes of the Gauss rules; both are doubled
DEGREE, NODES = 24, 8
#: they are doubled up to this degree
FINEST = 192
#: the points reached count as diverging if their interval is wider than this many times 1 + |x0|
WIDEST = 1e3
#: an interval that is not a single point is at least this wide, relative to 1 + |its middle|
NARROWEST = 1e-7

#: the largest lattice of signs
MOST_POINTS = 4096

#: (points (points,), step) -> the points reached and their probabilities, (points, atoms) each
Reach = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def discrete_mean(
    method: Method,
    loss: Any,
    x0: Any,
    T: float,
    phi: line.TestFunction,
    params: Mapping[str, Any] | None = None,
    u: Callable[[Any], Any] | None = None,
    interval: line.Interval | None = None,
    tolerance: float = 1e-12,
) -> line.Value:
    """The expectation E phi(x_n) at n = T/eta for a method in one dimension, computed deterministically.

    Degree and nodes are doubled, up to degree 192, until the value changes by at most the tolerance. The error is this last change,
    plus rounding, plus the probability of leaving a given interval times the range of phi on it.

    The expectation must exist, which no finite law can show. Under Gaussian noise, without compression, x_1 is Gaussian, and the
    next step has about the length eta |f'(x_1)|: on the loss cosh, E cosh(x_n) is infinite from n = 2 on for every eta, and E |x_n|
    from n = 3 on, through events whose probability is far below any weight used here. In such a case phi must be bounded.

    Args:
        method: compressor (identity, the compressors equal to it on the line, sign, Bernoulli), noise, clients and schedule.
        loss: a derive loss, a `Landscape`, or a function x (d,) -> number.
        x0: the starting point, one number.
        T: the horizon, a multiple of eta.
        phi: a formula in x1 (SymPy or text), or a function of an array of points (points,).
        params: values by symbol name, eta among them.
        u: the function t -> u(t) of a free schedule.
        interval: an interval to which the points reached are clipped; by default all points are followed.
        tolerance: the tolerance, relative to 1 + |value|.

    Raises:
        BadInput: an argument outside its range; the points reached diverge and no interval was given.
        NoClosedForm: a compressor or a noise for which no finite law of the message is implemented; see `averaged`.
    """
    parameters = line.numbers_of(method, loss, 1, params, u)
    start, steps, function = line.point(x0), line.steps_of(T, parameters["eta"]), line.test_function(phi)
    if interval is not None and not interval[0] <= start <= interval[1]:
        raise BadInput("interval", interval, f"two numbers around x0 = {start:g}")
    degree, nodes, before = DEGREE, NODES, None
    while True:
        grid = _Grid(method, loss, parameters, u, degree, nodes, interval)
        value, leaving, size, spread, ends = grid.backward(start, steps, function)
        change = np.inf if before is None else abs(value - before)
        # every step rounds sums of numbers of the size of phi
        rounding = steps * np.finfo(float).eps * size
        if change <= max(tolerance * (1 + abs(value)), 4 * rounding) or degree >= FINEST:
            break
        degree, nodes, before = 2 * degree, 2 * nodes, value
    settings = {"degree": degree, "nodes": nodes, "interval": list(ends), "leaving": leaving}
    settings |= {"steps": steps, "method": method.name, "eta": parameters["eta"], "clients": parameters["N"]}
    settings |= {"T": T, "change": float(change)}
    return line.Value(value, float(change + rounding + leaving * spread), "transition operator", settings)


class _Grid:
    """The transition operators at one resolution."""

    def __init__(
        self, method: Method, loss: Any, parameters: Any, u: Any, degree: int, nodes: int, interval: Any
    ) -> None:
        self.degree, self.limits = degree, interval
        self.timed = line.follows_time(method)
        self.reach = _reach(method, loss, parameters, u, nodes)

    def grid(self, interval: line.Interval) -> np.ndarray:
        return line.chebyshev_points(*interval, self.degree) if interval[0] < interval[1] else np.array(interval[:1])

    def backward(
        self, start: float, steps: int, phi: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[float, float, float, float, line.Interval]:
        """E phi, the probability of leaving, the largest |phi| and the range of phi on the last interval, and this interval."""
        intervals = self._intervals(start, steps)
        last = self.grid(intervals[-1])
        values, leaving = phi(last), np.zeros_like(last)
        at_end = values
        size = float(np.max(np.abs(values)))
        if not np.isfinite(size):
            accepted = f"a function finite on {list(intervals[-1])}, which the steps reach"
            raise BadInput("phi", "no finite value", accepted)
        cached: Any = None
        for k in reversed(range(steps)):
            source, target = intervals[k], intervals[k + 1]
            if cached is None or self.timed or (source, target) != cached[0]:
                cached = ((source, target), *self._operator(source, k, target))
            _, matrix, positive, leaves = cached
            values = matrix @ values
            if self.limits is not None:
                leaving = leaves + positive @ leaving
        return float(values[0]), float(leaving[0]), size, float(np.ptp(at_end)), intervals[-1]

    def _intervals(self, start: float, steps: int) -> list[line.Interval]:
        """The intervals I_0 = {x0}, I_1, ..; each contains every point reached from the points of the previous interval."""
        intervals: list[line.Interval] = [(start, start)]
        for k in range(steps):
            now = intervals[-1]
            reached, _ = self.reach(self.grid(now), k)
            low, high = float(np.min(reached)), float(np.max(reached))
            if self.limits is not None:
                low, high = (min(max(e, self.limits[0]), self.limits[1]) for e in (low, high))
            elif not (high - low <= WIDEST * (1 + abs(start))):  # also for NaN
                accepted = "an interval (low, high) to stay in: without it the points that the steps reach diverge"
                raise BadInput("interval", None, accepted)
            least = NARROWEST * (1 + abs(low + high) / 2)
            if 0 < high - low < least:  # a single point stays a point, a small neighbourhood becomes an interval
                low, high = (low + high - least) / 2, (low + high + least) / 2
            elif low < high and now[1] - now[0] > 2 * least:
                low, high = min(low, now[0]), max(high, now[1])  # so that the intervals become constant in the end
            intervals.append((low, high))
        return intervals

    def _operator(
        self, source: line.Interval, k: int, target: line.Interval
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Two maps of values from the grid of `target` to that of `source`, the second positive; the probabilities of leaving."""
        points = self.grid(source)
        reached, chances = self.reach(points, k)
        inside = np.clip(reached, *target)
        single = target[0] == target[1]
        matrix = np.ones((inside.size, 1)) if single else line.interpolation(*target, self.degree, inside)
        matrix = np.einsum("pa,pai->pi", chances, matrix.reshape(*inside.shape, -1))
        if self.limits is None:
            return matrix, matrix, np.zeros(len(points))
        outside = (reached < self.limits[0]) | (reached > self.limits[1])
        hats = np.ones((*inside.shape, 1)) if single else _linear(self.grid(target), inside)
        return matrix, np.einsum("pa,pai->pi", chances * ~outside, hats), (chances * outside).sum(axis=1)


def lattice_means(
    method: Method,
    loss: Any,
    x0: float,
    times: Sequence[float],
    phi: line.TestFunction,
    params: Mapping[str, Any] | None = None,
) -> list[line.Value]:
    """E phi(x_n) at the times n eta > 0 for signs on the line, from the exact law of x_n, which lives on a lattice.

    Every message is a multiple of 1/N, so x_n - x0 is a multiple of eta/N. The law is a vector of probabilities, moved by the
    rows of the transition matrix. Only rounding makes an error, for which this is an estimate. Arguments and errors are those of
    `discrete_mean`; NoClosedForm too if messages are not signs or h follows time, or for more than `MOST_POINTS` points.
    """
    parameters = line.numbers_of(method, loss, 1, params)
    counts, eta, N = [line.steps_of(T, parameters["eta"]) for T in times], parameters["eta"], parameters["N"]
    half = counts[-1] * N
    if not isinstance(method.compressor, Sign) or line.follows_time(method) or 2 * half >= MOST_POINTS:
        raise NoClosedForm("the law of x_n is written out for signs, constant steps and a few thousand points only")
    z, size = line.point(x0) + eta / N * np.arange(-half, half + 1), 2 * half + 1
    reach = _reach(method, loss, parameters, None, NODES)
    matrix = np.zeros((size, size))
    for part in np.array_split(np.arange(size), -(-size // FINEST)):
        reached, chances = reach(z[part], 0)
        to = np.clip(np.rint((reached - z[0]) * N / eta).astype(int), 0, size - 1)
        np.add.at(matrix, (part[:, None], to), chances)
    law, before, function, results = np.eye(size)[half], 0, line.test_function(phi)(z), []
    for n in counts:
        for _ in range(n - before):
            law = law @ matrix
        before = n
        rounding = (n + N) * np.finfo(float).eps * float(law @ np.abs(function))
        results.append(line.Value(float(law @ function), rounding, "law on a lattice", {"points": size, "steps": n}))
    return results


def _linear(grid: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The weights (.., grid) of linear interpolation, which keeps probabilities between 0 and 1."""
    right = np.clip(np.searchsorted(grid, at), 1, len(grid) - 1)
    share = (at - grid[right - 1]) / (grid[right] - grid[right - 1])
    places = np.arange(len(grid))
    return (places == right[..., None]) * share[..., None] + (places == right[..., None] - 1) * (1 - share[..., None])


def _reach(method: Method, loss: Any, parameters: Mapping[str, Any], u: Any, nodes: int) -> Reach:
    message = averaged(method, parameters["N"], nodes, parameters)
    fixed, free = constants(parameters, deciding(method, loss, 1) | {"N"})
    pieces, eta = _compiled((method, loss, fixed, u)), parameters["eta"]

    def reach(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        g, h, scales = (np.asarray(a)[..., : len(x)] for a in pieces(line.padded(x, FINEST + 1), k * eta, free))
        values, chances = message(scales, g)
        likeliest = np.take_along_axis(values, np.argmax(chances, axis=1)[:, None], axis=1)
        values = np.where(chances > 0, values, likeliest)  # points of probability 0 are not reached
        return x[:, None] - eta * h[:, None] * values, chances

    return reach


@partial(Memo, size=16)
def _compiled(setting: tuple[Method, Any, tuple[tuple[str, Any], ...], Any]) -> Callable[..., Any]:
    """The compiled function (x (points,), time, free) -> gradient (points,), h (points,) scales (scales, points) of a setting."""
    method, loss, fixed, u = setting
    numbers = unfrozen(fixed)
    land = landscape(loss, 1, numbers)
    lowered = lower_all([method.schedule.factor, *method.noise.scales], numbers)

    @jit
    def pieces(x: jax.Array, time: Any, free: Mapping[str, Any]) -> Any:
        env = at_time({**numbers, **free}, land, x[None, :], time, u)
        h, *scales = (jnp.ravel(jnp.broadcast_to(a, (1, x.shape[0]))) for a in lowered(env))
        return env.vectors["g"][0], h, jnp.stack(scales)

    return pieces
