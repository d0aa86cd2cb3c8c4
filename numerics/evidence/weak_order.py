"""Measured weak orders of the SDE models: |E phi(x_{T/eta}) - E phi(X_T)| for several step sizes, and its slope (theory 2, 7).

`weak_order` needs no sampling. It compares a transition operator with the backward Kolmogorov equation on the line, or closed
moment equations in any dimension, each with its own error. `weak_order_sampled` does the same by Monte Carlo, with intervals.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import SDE, RuleSDE
from sdescent.derive.derivation import sde as derive_sde
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.names import Model
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.settings import positive
from sdescent.numerics.simulate.update_rules.regimes import time_of_step
from sdescent.numerics.statistics.estimates import Estimate, Record, difference, mean
from sdescent.numerics.without_sampling.backward import model_mean
from sdescent.numerics.without_sampling.closed_moments import discrete_moment, model_moment
from sdescent.numerics.without_sampling.line import Value, steps_of
from sdescent.numerics.without_sampling.transition import discrete_mean

ROUTES = ("line", "moments")


@final
@dataclass(frozen=True)
class Slope(Record, null=True):
    """The order that follows from errors e_k at step sizes eta_k.

    Attributes:
        local: log(e_k/e_{k+1})/log(eta_k/eta_{k+1}).
        plain: the slope p of the least-squares line log e = log c + p log eta.
        order: p of the least-squares fit log e = log c + p log eta + a eta, which is e = c eta^p (1 + a eta + O(eta^2)). So the
            contribution of the next term in the expansion of e is not counted as part of the order. NaN for fewer than three eta.
        doubt: the uncertainty of the order: the larger of its distances from the last two local slopes, which shows how far it
            extrapolates the measurements, plus the effect of the errors of the e_k. For a sampled order, the half-width of the
            interval of the plain slope.
    """

    local: tuple[float, ...]
    plain: float
    order: float
    doubt: float


@final
@dataclass(frozen=True)
class WeakOrder(Record, null=True):
    """Weak errors of a model at several step sizes, without sampling.

    `etas` decrease; for an update rule, slopes are with respect to the time tau of a step, which its regime derives from eta.
    `discrete` and `continuous` are E phi(x_{T/eta}) and E phi(X_T), each with its discretisation error, `errors` |discrete -
    continuous|, and `resolution` is the largest ratio of the sum of the two discretisation errors to the weak error.
    """

    method: str
    model: Model
    etas: tuple[float, ...]
    discrete: tuple[Value, ...]
    continuous: tuple[Value, ...]
    errors: tuple[float, ...]
    resolution: float
    slope: Slope


@final
@dataclass(frozen=True)
class SampledWeakOrder(Record, null=True):
    """Weak errors of a model at several step sizes, by Monte Carlo.

    Attributes:
        method, model, etas: see `WeakOrder`.
        gaps: E phi(x_{T/eta}) - E phi(X_T), with intervals from the central limit theorem, without the solver's error.
        solver: the change of the mean when the solver's steps are halved on the same Brownian motion, with its interval.
        slope: its doubt is the half-width of the interval of the plain slope, from the intervals of the gaps, widened by the
            farther end of the solver's interval.
    """

    method: str
    model: Model
    etas: tuple[float, ...]
    gaps: tuple[Estimate, ...]
    solver: tuple[Estimate, ...]
    slope: Slope


def weak_order(
    method: Method,
    model: Model | SDE,
    loss: Any,
    x0: Any,
    T: float,
    phi: Any,
    etas: Sequence[float],
    params: Mapping[str, Any] | None = None,
    u: Callable[[Any], Any] | None = None,
    route: str | None = None,
) -> WeakOrder:
    """The weak error of a model at each step size, without sampling, and its order.

    Args:
        method: see `sdescent.derive.methods.distributed`.
        model: "first-order", "second-order" or "corrected"; or an equation of your own, to be measured against the method.
        loss: the loss of the method and the model; closed moments need a loss of `derive`.
        x0: the starting point, a number or (d,).
        T: the horizon, a multiple of every eta; for an update rule, of every tau.
        phi: a SymPy expression in x1, or a function of an array of points. For closed moments, a polynomial of degree at most 2;
            for an update rule, in x1 and the memory letters m1, .. of its equation. Both expectations must exist; see
            `discrete_mean`.
        etas: at least two step sizes.
        params: values of the other symbols, by name.
        u: the function t -> u(t) of a free schedule; None for an update rule.
        route: "line" (transition operator and backward Kolmogorov equation, one dimension) or "moments" (closed moment equations).
            By default "line" in one dimension, and "moments" in several or for update rules with memory, which need it.

    Raises:
        BadInput: an argument is outside its range.
        NoClosedForm, Refusal: one of the two expectations does not exist, or this route cannot evaluate it
            (`sdescent.numerics.without_sampling.transition`,
            `sdescent.numerics.without_sampling.backward`, `sdescent.numerics.without_sampling.closed_moments`).
    """
    ruled, parameters = _has_rule(method, model), dict(params or {})
    sizes = _sizes(etas, T, parameters, ruled)
    dim = np.size(x0)
    route = ("line" if dim == 1 and not ruled else "moments") if route is None else route
    if route not in ROUTES or (ruled and route == "line"):
        raise unknown_name("route", route, ROUTES, "moments, for an update rule with memory" if ruled else None)
    formula = loss if route == "moments" else _symbolic(loss)
    equation = derive_sde(method, model, formula, dim) if isinstance(model, str) else model
    if ruled and u is not None:
        raise BadInput("u", u, "None: moments of an update rule are known only for constant schedules")
    discrete, continuous = [], []
    for eta in sizes:
        values = parameters | {"eta": eta}
        if route == "line":
            discrete.append(discrete_mean(method, loss, x0, T, phi, values, u))
            continuous.append(model_mean(equation, x0, T, phi, values, loss, u))
        else:
            discrete.append(discrete_moment(method, loss, x0, T, phi, values, u))
            continuous.append(model_moment(equation, x0, T, phi, values, u))
    gaps = np.array([a.value - b.value for a, b in zip(discrete, continuous, strict=True)])
    doubts = np.array([a.error + b.error for a, b in zip(discrete, continuous, strict=True)])
    slope, _ = _slope(_times(method, sizes, parameters, ruled), gaps, doubts)
    errors = tuple(map(float, np.abs(gaps)))
    with np.errstate(divide="ignore", invalid="ignore"):
        resolution = float(np.max(doubts / np.abs(gaps)))
    return WeakOrder(method.name, equation.model, sizes, tuple(discrete), tuple(continuous), errors, resolution, slope)


def weak_order_sampled(
    method: Method,
    model: Model | SDE,
    loss: Any,
    x0: Any,
    T: float,
    phi: Any,
    etas: Sequence[float],
    paths: int,
    key: int = 0,
    params: Mapping[str, Any] | None = None,
    u: Callable[[Any], Any] | None = None,
    level: float = 0.99,
    substeps: int = 8,
    chunk: int | None = None,
) -> SampledWeakOrder:
    """The weak error of a model at each step size by Monte Carlo, with intervals, and its slope.

    Args:
        phi: a formula in x1, .., xd (SymPy or text), or a function x (d, paths) -> (paths,). For an update rule the formula may
            also have the memory m1, .. in the rule's own units, and the function has the arguments (x, memory).
        paths: number of paths of the method, of the equation, and of its coarser solution, for each eta.
        key: a seed; each eta has its own draws.
        level: the level of each interval; they are combined as independent.
        substeps: solver steps per step of the method in the coarser solution; the finer solution has twice as many.
        chunk: passed to `run` and `solve`.
        Others: as for `weak_order`, with any loss and dimension that `run` and `solve` accept.

    Raises:
        See `sdescent.numerics.simulate.method.run` and `sdescent.numerics.simulate.equation.solve`.
    """
    ruled, parameters = _has_rule(method, model), dict(params or {})
    sizes = _sizes(etas, T, parameters, ruled)
    start = np.atleast_1d(np.asarray(x0, float))
    equation = derive_sde(method, model, _symbolic(loss), len(start)) if isinstance(model, str) else model
    gaps, solver = [], []
    times = _times(method, sizes, parameters, ruled)
    for n, (eta, tau) in enumerate(zip(sizes, times.tolist(), strict=True)):
        values = parameters | {"eta": eta}
        same: dict[str, Any] = {"params": values, "save": [T], "statistics": {"phi": phi}, "u": u, "chunk": chunk}
        same |= {"key": key + n, "loss": loss}
        solved = partial(solve, equation, start, T, paths, dt=tau / substeps, **same)
        coarse, fine = (solved(halvings=h, by_halves=h == 0).values["phi"][-1] for h in (0, 1))
        gaps.append(difference(run(method, start, T, paths, **same).values["phi"][-1], fine, level))
        solver.append(mean(fine - coarse, level))
    centres = np.array([g.value for g in gaps])
    half = np.array([g.upper - g.value for g in gaps])
    left = np.array([max(abs(s.lower), abs(s.upper)) for s in solver])
    slope, weights = _slope(times, centres, half)
    statistical = np.linalg.norm(weights * _log_doubt(centres, half))
    slope = replace(slope, doubt=float(statistical + np.abs(weights) @ _log_doubt(centres, left)))
    return SampledWeakOrder(method.name, equation.model, sizes, tuple(gaps), tuple(solver), slope)


def _symbolic(loss: Any) -> Any:
    """The loss if the engine knows its formula; None for a function, which only the numerics can use."""
    return loss if isinstance(loss, Loss) else None


def _has_rule(method: Method, model: Model | SDE) -> bool:
    """Whether the equation is that of an update rule."""
    return isinstance(model, RuleSDE) or not method.plain


def _times(method: Method, etas: Sequence[float], parameters: Mapping[str, Any], ruled: bool) -> np.ndarray:
    """The time of a step at each step size."""
    return np.array([time_of_step(method, {**parameters, "eta": eta}) if ruled else eta for eta in etas])


def _sizes(etas: Sequence[float], horizon: Any, parameters: Mapping[str, Any], ruled: bool) -> tuple[float, ...]:
    sizes = tuple(sorted((positive("etas", e) for e in etas), reverse=True))
    if len(set(sizes)) < 2 or len(set(sizes)) < len(sizes):
        raise BadInput("etas", etas, "at least two step sizes, all of them different")
    if "eta" in parameters:
        raise BadInput("parameter eta", parameters["eta"], "no eta (give `etas`)")
    for eta in () if ruled else sizes:
        steps_of(horizon, eta)
    return sizes


def _log_doubt(gaps: np.ndarray, doubts: np.ndarray) -> np.ndarray:
    """The error of log|gap|; infinite if the gap may be 0."""
    share = doubts / np.where(gaps == 0, np.nan, np.abs(gaps))
    return np.where(share < 1, -np.log1p(-np.minimum(np.nan_to_num(share, nan=1.0), 1 - 1e-16)), np.inf)


def _slope(etas: np.ndarray, gaps: np.ndarray, doubts: np.ndarray) -> tuple[Slope, np.ndarray]:
    """The slopes, and the weights in the plain slope; NaN if a gap is 0 or gaps differ in sign: such errors have no order here."""
    shape = np.stack([np.ones_like(etas), np.log(etas), etas], axis=1)
    plain_weights = np.linalg.pinv(shape[:, :2])[1]
    if np.any(gaps == 0) or np.any(np.sign(gaps) != np.sign(gaps[0])):
        return Slope((math.nan,) * (len(etas) - 1), math.nan, math.nan, math.inf), plain_weights
    logs, spread = np.log(np.abs(gaps)), _log_doubt(gaps, doubts)
    local = tuple(map(float, np.diff(logs) / np.diff(np.log(etas))))
    plain = float(plain_weights @ logs)
    if len(etas) < 3:
        return Slope(local, plain, math.nan, math.inf), plain_weights
    weights = np.linalg.pinv(shape)[1]
    order = float(weights @ logs)
    doubt = float(np.abs(weights) @ spread) + max(abs(slope - order) for slope in local[-2:])
    return Slope(local, plain, order, doubt), plain_weights
