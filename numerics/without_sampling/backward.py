"""E phi(X_t) of an SDE on the line, without sampling, from the backward Kolmogorov equation (theory 7).

u(x, s) = E[phi(X_T) | X_{T-s} = x] solves u_s = D u_x + (V/2) u_xx, u(x, 0) = phi(x), and E phi(X_T) = u(x0, T). The drift D and
the squared diffusion V, at time T - s, come from the derived equation, by the same functions that simulate its paths.

In space, the method is Chebyshev collocation on an interval [a, b] around x0. Towards the ends the noise fades out, and so does a
drift that points outwards (`FADING`), smoothly and so close to the ends that the law of X is not affected: no path leaves, no
boundary condition is needed, and no boundary layer forms. A wider interval shows the contribution of the ends. (Some models need
this: the corrected model on cosh explodes beyond cosh x = 2/eta, with a tiny probability, and E cosh X_t is then infinite.) In
time, the method is the implicit Radau IIA method with STAGES stages (order 2 STAGES - 1, stiffly accurate; Hairer and Wanner 1996,
IV.5), with one dense solve per step.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import scipy.linalg

from sdescent.derive.derivation import SDE
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.simulate.equation import at_these
from sdescent.numerics.simulate.equation_program import Subject
from sdescent.numerics.simulate.parameters import constants, deciding, unfrozen
from sdescent.numerics.simulate.settings import positive
from sdescent.numerics.simulate.starting_points import check_dimension
from sdescent.numerics.simulate.streams_and_statistics import at_time
from sdescent.numerics.simulate.systems import ito_system
from sdescent.numerics.without_sampling import line

#: the number of stages of the method in time
STAGES = 5
#: the initial degree of the collocation, and steps per unit of time; when the degree is doubled, the steps grow by a half
DEGREE, STEPS = 64, 8
#: the degree is doubled up to this one
FINEST = 256
#: noise fades like 1 - exp(-FADING r^2), where r is the distance from an end, in units of the distance of x0 from the nearer end
FADING = 90.0
#: the default interval ends this many standard deviations from the mean
DEVIATIONS = 9.0
#: a wider interval, for comparison, has each end moved by WIDER times the length; it replaces the default interval, up to WIDENINGS
#: times, if the value changes much
WIDER, WIDENINGS = 0.1, 6

#: x (points,), time -> drift and squared diffusion, (points,) each
Coefficients = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]


def model_mean(
    equation: SDE,
    x0: Any,
    T: float,
    phi: line.TestFunction,
    params: Mapping[str, Any] | None = None,
    loss: Any = None,
    u: Callable[[Any], Any] | None = None,
    interval: line.Interval | None = None,
    tolerance: float = 1e-11,
) -> line.Value:
    """The expectation E phi(X_T) of an SDE in one dimension, computed deterministically.

    The degree is doubled, and the number of time steps grows by a half, until the value changes by at most the tolerance or the
    degree is 256. The error is this last change, plus rounding, plus twice the change on an interval wider by a fifth, unless the
    interval is given. The wider interval replaces the default one, up to 6 times, if the change exceeds the tolerance.

    Args:
        equation: an equation from `sd.sde`.
        x0: the starting point, one number.
        T: the horizon.
        phi: a formula in x1 (SymPy or text), or a function of an array of points (points,).
        params: values by symbol name, eta among them.
        loss: a derive loss, a `Landscape`, or a function x (d,) -> number; by default the equation's own, if it has one.
        u: the function t -> u(t) of a free schedule.
        interval: [a, b]; by default 9 standard deviations around the mean of the linearised equation, see `reached`.
        tolerance: the tolerance, relative to 1 + |value|.

    Raises:
        BadInput: an argument outside its range; drift, diffusion or phi without a finite value somewhere on the interval.
        Refusal: numbers at which the equation does not exist.
        NoClosedForm: a corrected or second-order model for which only the moments given the message are known.
    """
    loss = equation.loss if loss is None else loss
    check_dimension(equation.dim, 1)
    parameters = line.numbers_of(equation.method, loss, 1, params, u, [s.name for s in equation.parameters])
    start, horizon, function = line.point(x0), positive("T", T), line.test_function(phi)
    terms = coefficients(equation, loss, parameters, u)
    low, high = reached(terms, start, horizon, parameters["eta"]) if interval is None else interval
    ends = float(low), float(high)
    if not ends[0] < start < ends[1]:
        raise BadInput("interval", interval, f"two numbers around x0 = {start:g}")
    timed = line.follows_time(equation.method)

    def solved(interval: line.Interval, degree: int, steps: int) -> tuple[float, float]:
        (value,), size = _solved(terms, interval, start, [horizon], function, degree, steps, timed)
        return value, size

    def refined(interval: line.Interval, degree: int, steps: int) -> tuple[float, float, float, int, int]:
        before = None
        while True:
            value, size = solved(interval, degree, steps)
            change, rounding = np.inf if before is None else abs(value - before), degree * np.finfo(float).eps * size
            if change <= max(tolerance * (1 + abs(value)), rounding) or degree >= FINEST:
                return value, float(change), float(rounding), degree, steps
            degree, steps, before = 2 * degree, steps + steps // 2, value

    first = DEGREE, STEPS * int(np.ceil(horizon))
    value, change, rounding, degree, steps = refined(ends, *first)
    wider = 0.0
    for _ in range(0 if interval is not None else WIDENINGS):
        wide = _wider(terms, ends)
        other, _ = solved(wide, degree, steps)
        wider = abs(other - value)
        if wider <= max(tolerance * (1 + abs(value)), rounding, change):
            break  # the remaining change comes from the resolution
        ends = wide
        value, change, rounding, degree, steps = refined(ends, *first)
    settings = {"degree": degree, "steps": steps, "interval": list(ends), "change": change, "wider": float(wider)}
    settings |= {"method": equation.method.name, "model": equation.model, "eta": parameters["eta"], "T": horizon}
    return line.Value(value, float(change + 2 * wider + rounding), "backward Kolmogorov equation", settings)


def model_means(
    equation: SDE, x0: Any, times: Sequence[float], phi: line.TestFunction, params: Mapping[str, Any] | None = None
) -> list[line.Value]:
    """E phi(X_t) at each of these times, which increase from above 0, from one solution of the backward equation.

    Drift and diffusion must not follow time (else BadInput), so u(x0, s) is E phi(X_s) for every s. Interval, resolution and errors
    are `model_mean`'s at the last. Each error is the last value's, plus the change at half the degree.
    """
    if line.follows_time(equation.method):
        raise BadInput("times", list(times), "one time: the coefficients of this equation follow time")
    last = model_mean(equation, x0, times[-1], phi, params)
    parameters = line.numbers_of(equation.method, equation.loss, 1, params, None, [s.name for s in equation.parameters])
    start, function = line.point(x0), line.test_function(phi)
    terms, (low, high) = coefficients(equation, equation.loss, parameters), last.settings["interval"]
    degree, steps = last.settings["degree"], last.settings["steps"]
    fine, coarse = (
        _solved(terms, (low, high), start, times, function, degree // k, steps // k + len(times), False)[0]
        for k in (1, 2)
    )
    pairs = zip(fine, coarse, strict=True)
    return [line.Value(v, abs(v - other) + last.error, last.route, last.settings) for v, other in pairs]


def coefficients(equation: SDE, loss: Any, parameters: Mapping[str, Any], u: Any = None) -> Coefficients:
    """Drift and squared diffusion on the line, by the functions that `solve` uses for paths. Raises as `model_mean`."""
    check_dimension(equation.dim, 1)
    equation = at_these(equation, loss, 1, parameters)
    names = set(parameters) if equation.form is None else deciding(equation.method, loss, 1)
    fixed, free = constants(parameters, names | {"N"})
    identity = (equation.method, equation.model, *equation.expressions)
    both = _compiled(Subject(equation, identity, (), 1, loss, u, fixed, ()))

    def at(x: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
        drift, squared = both(line.padded(x, FINEST + 1), time, free)
        return np.array(drift)[: len(x)], np.array(squared)[: len(x)]

    return at


@partial(Memo, size=16)
def _compiled(subject: Subject) -> Callable[..., Any]:
    fixed = unfrozen(subject.fixed)
    system = ito_system(subject.equation, 1, fixed, 256, subject.loss)
    land = landscape(subject.loss, 1, fixed)

    @jit
    def both(x: jax.Array, time: Any, free: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
        drift, values = system.evaluate(at_time({**fixed, **free}, land, x[None, :], time, subject.u), 1.0)
        columns = jnp.eye(system.normals)[..., None] * jnp.ones_like(x)
        squares = [system.apply(values, columns[k], 1.0)[0] ** 2 for k in range(system.normals)]
        return drift[0], sum(squares, jnp.zeros_like(x))

    return both


def reached(terms: Coefficients, start: float, horizon: float, eta: float) -> line.Interval:
    """The interval that X reaches over [0, T]: mean +- 9 standard deviations of the equation linearised along its mean.

    The mean and the variance P solve m' = D(m), P' = 2 D'(m) P + V(m) (BadInput if they diverge), in steps of at most eta/4, and
    the largest variance over time counts. The margin is at least a quarter of 1 + |x0|. If the drift points outwards at an end,
    the end is moved by up to twice the margin to a point where the drift points inwards, if there is one.
    """
    steps = max(64, int(np.ceil(4 * horizon / eta)))
    dt = horizon / steps
    mean, variance = start, 0.0
    low, high, spread = start, start, 0.0
    for k in range(steps):
        gap = 1e-5 * (1 + abs(mean))
        drift, squared = terms(np.array([mean - gap, mean, mean + gap]), k * dt)
        variance += dt * ((drift[2] - drift[0]) / gap * variance + float(np.max(squared)))
        mean += dt * float(drift[1])
        if not (np.isfinite(variance) and abs(mean) < 1e6 * (1 + abs(start))):
            raise BadInput("interval", None, "an interval (a, b): the equation linearised along its mean diverges")
        low, high, spread = min(low, mean), max(high, mean), max(spread, variance)
    margin = max(DEVIATIONS * float(np.sqrt(max(spread, 0.0))), 0.25 * (1 + abs(start)))
    ends = []
    for end, side in ((low - margin, -1.0), (high + margin, 1.0)):
        tried = end + side * margin * np.arange(9) / 4
        inwards = np.flatnonzero(side * terms(tried, 0.0)[0] <= 0)
        ends.append(float(tried[inwards[0]] if len(inwards) else end))
    return ends[0], ends[1]


def _wider(terms: Coefficients, interval: line.Interval) -> line.Interval:
    """The interval with its ends moved outwards, less far if the drift there would point outwards (a corrected model explodes)."""
    ends = []
    for end, side in zip(interval, (-1.0, 1.0), strict=True):
        tried = end + side * WIDER * (interval[1] - interval[0]) * np.array([0.0, 1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 16])
        inwards = side * terms(tried, 0.0)[0] <= 0
        better = np.flatnonzero(inwards[1:])
        ends.append(float(tried[1 + better[0]] if inwards[0] and len(better) else tried[0 if inwards[0] else 1]))
    return ends[0], ends[1]


def _solved(
    terms: Coefficients, interval: line.Interval, start: float, horizons: Sequence[float], phi: Any, degree: int, steps: int,
    timed: bool,
) -> tuple[list[float], float]:  # fmt: skip
    """The values u(x0, T) for each T of `horizons`, increasing (one, if coefficients follow time), and the largest |phi|."""
    grid = line.chebyshev_points(*interval, degree)
    first = line.differentiation(*interval, degree)
    second = first @ first
    near = min(start - interval[0], interval[1] - start)
    fade_left, fade_right = (-np.expm1(-FADING * ((grid - end) / near) ** 2) for end in interval)
    values = phi(grid)
    size = float(np.max(np.abs(values)))
    if not np.isfinite(size):
        raise BadInput("phi", "no finite value", f"a function with finite values on {list(interval)}")

    def operator(time: float) -> np.ndarray:
        drift, squared = (np.array(a) for a in terms(grid, time))
        if not (np.all(np.isfinite(drift)) and np.all(np.isfinite(squared))):
            raise BadInput("interval", list(interval), "an interval on which drift and diffusion have finite values")
        drift *= np.where(drift < 0, fade_left, fade_right)
        return drift[:, None] * first + (squared * fade_left * fade_right)[:, None] / 2 * second

    last, constant = horizons[-1], None if timed else operator(0.0)
    at, before, results = line.interpolation(*interval, degree, np.array([start]))[0], 0.0, []
    factored: dict[float, Any] | None = None if timed else {}
    for T in horizons:
        moving = lambda time: operator(last - time) if constant is None else constant  # noqa: E731
        values = flow(moving, values, T - before, max(1, round(steps * (T - before) / last)), timed, factored)
        results.append(float(at @ values))
        before = T
    return results, size


def flow(
    operator: Callable[[float], np.ndarray], values: np.ndarray, horizon: float, steps: int, timed: bool,
    factored: dict[float, Any] | None = None,
) -> np.ndarray:  # fmt: skip
    """u(T) of u' = A(t) u, u(0) = `values`, by Radau IIA; A is constant unless `timed`, and calls with it may share `factored`."""
    nodes, butcher = radau(STAGES)
    dt, count = horizon / steps, len(values)
    factors = (factored or {}).get(dt)
    for k in range(steps):
        if timed or k == 0:
            operators = [operator((k + c) * dt) for c in nodes] if timed else [operator(0.0)] * STAGES
        if factors is None or timed:
            # K_i = A_i (u + dt sum_j a_ij K_j)
            system = np.block([[-dt * butcher[i, j] * operators[i] for j in range(STAGES)] for i in range(STAGES)])
            factors = scipy.linalg.lu_factor(system + np.eye(STAGES * count))
            if factored is not None:
                factored[dt] = factors
        slopes = scipy.linalg.lu_solve(factors, np.concatenate([a @ values for a in operators])).reshape(STAGES, count)
        values = values + dt * butcher[-1] @ slopes  # stiffly accurate: the last stage is the new value
    return values


@lru_cache(maxsize=8)
def radau(stages: int) -> tuple[np.ndarray, np.ndarray]:
    """The nodes c (stages,) and the matrix a (stages, stages) of Radau IIA, of order 2 stages - 1; its last row has the weights."""
    legendre = np.polynomial.legendre
    roots = np.sort(legendre.Legendre([*[0] * (stages - 1), 1, -1]).roots().real)  # of P_{s-1} - P_s, 1 among them
    nodes = (1 + roots) / 2
    nodes[-1] = 1.0
    # int_0^c of each Legendre polynomial for each node c
    integrals = np.stack([legendre.Legendre.basis(n).integ(lbnd=-1)(2 * nodes - 1) / 2 for n in range(stages)], axis=1)
    return nodes, np.linalg.solve(legendre.legvander(2 * nodes - 1, stages - 1).T, integrals.T).T
