"""Bounds and bounded quantities as curves over the horizon: theorems about a random time, and the PL bound of theory 6.5.

A theorem about a random time holds for every horizon T. One ensemble, saved at every step, gives its functional at several
horizons, path by path, next to the bound. All quantities are dimensionless.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import sde
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine
from sdescent.derive.vocabulary.names import Kind
from sdescent.numerics.evidence.checks.formulas import Numbers, clients, conclusion, paths, symbols, theorem_of
from sdescent.numerics.evidence.checks.moments import MomentMap, moved
from sdescent.numerics.evidence.paths.random_time import CLIENTS, Instance, RandomTime, saved_paths, saved_times
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.statistics.estimates import BoundedMean, Record, Series, over_time
from sdescent.numerics.statistics.verdicts import Decision, judge

#: number of horizons of a curve
HORIZONS = 16


@final
@dataclass(frozen=True)
class Curve(Record, null=True):
    """A bound of an entry as a function of the horizons (S,), with settings, and simulated values for SDE and method.

    `series` has the left side over paths by subject, `decisions` the verdicts at the last horizon, `stopped` the stopped paths.
    """

    id: str
    horizons: np.ndarray
    bound: np.ndarray
    series: dict[str, Series]
    decisions: dict[str, Decision]
    stopped: dict[str, int]
    settings: dict[str, Any]


def random_time(instance: Instance, count: int, seed: int = 2, scale: float = 1.0) -> Curve:
    """The curve of a theorem about a random time, from ensembles of `count` paths (ValueError if the instance does not satisfy it).

    The solver's error is the gap to an ensemble with other draws and steps twice as long, plus three standard errors of the gap.
    The error of the trapezoidal rule is the change when every second time is left out. Both errors widen the verdict's interval.
    """
    series, decisions, stopped, times = {}, {}, {}, saved_times(instance, instance.eta)
    places = np.unique(np.linspace(2, len(times) - 1, HORIZONS).astype(int))
    # times beyond a horizon have weight 0, so that all arrays have the same shape
    functionals = [RandomTime(instance, np.minimum(times, times[k]), instance.eta) for k in places]
    last = functionals[-1]
    if failing := last.unmet()[0]:
        raise ValueError(f"{instance.id}: the instance does not satisfy {', '.join(failing)}")
    for subject in ("SDE", "method"):
        simulate = saved_paths(instance, subject, instance.eta, seed)
        ensemble = simulate(count, 0, 1 if subject == "SDE" else 0, False)
        rows = [f.of(ensemble)[0] for f in functionals]
        values, out = last.of(ensemble)
        gap = values - last.of(ensemble, 2)[0]
        error = float(abs(np.mean(gap)) + 3 * _deviation(gap)) + abs(last.bound() - last.bound(2))
        if subject == "SDE":
            coarse, _ = last.of(simulate(count, 10**8, 0, False))
            error += float(abs(values.mean() - coarse.mean()) + 3 * np.hypot(_deviation(values), _deviation(coarse)))
        series[subject], stopped[subject] = over_time(np.array(rows)), out
        decisions[subject] = judge(BoundedMean(*last.ends()).update(values), scale * last.bound(), error)
    numbers = {"eta": instance.eta, "T": instance.T, "paths": count, "top": instance.top, **instance.constants}
    settings = {"loss": "cosh", "clients": CLIENTS, **numbers}
    bounds = np.array([scale * f.bound() for f in functionals])
    horizons = places * instance.eta
    return Curve(instance.id, horizons, bounds, series, decisions, stopped, settings)


def _deviation(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


#: settings of the PL bound: curvatures, start, step size and the constants of the affine noise
CURVATURES, START = (1, 2), (2.0, -1.0)
NUMBERS = {"eta": 1 / 8, "sigma0": 0.5, "sigma1": 0.25}


def polyak(count: int, T: float = 8.0, seed: int = 3, scale: float = 1.0) -> tuple[Curve, dict[str, np.ndarray]]:
    """The curve of 6.5-corrected, E f - f* on a quadratic with Rand-1, affine noise, and the exact E f by subject, from moments."""
    method, loss = DCSGD(RandK(1), Affine(), CLIENTS), Quadratic(CURVATURES)
    common: dict[str, Any] = {"params": dict(NUMBERS), "save": HORIZONS + 1}
    ends = {
        "SDE": solve(sde(method, "corrected", loss, 2), START, T, count, seed, **common),
        "method": run(method, START, T, count, seed, loss=loss, **common),
    }
    times = ends["method"].times
    exact = {subject: _exact(method, "method" if subject == "method" else "corrected", times) for subject in ends}
    h = np.array(CURVATURES, float)
    omega, s0, s1 = ([v] * CLIENTS for v in (1.0, NUMBERS["sigma0"] ** 2, NUMBERS["sigma1"] ** 2))
    values = symbols(paths, L0=h.max(), L1=0, mu=h.min(), f0=h @ np.square(START) / 2, fstar=0, N=CLIENTS, d=2)
    values |= symbols(paths, eta=NUMBERS["eta"], T=times, fT=exact["SDE"])
    values |= symbols(clients, omega=omega, s0=s0, s1=s1)
    numbers = Numbers(values, size=(CLIENTS, 1, 1, len(times))).defined(theorem_of("6.5-corrected").definitions)
    bound = scale * np.ravel(numbers.sides(conclusion("6.5-corrected"))[1])
    series = {subject: over_time(e.values["loss"]) for subject, e in ends.items()}
    settings = {"h": list(CURVATURES), "x0": list(START), "clients": CLIENTS, "T": T, "paths": count, **NUMBERS}
    return Curve("6.5-corrected", times, bound, series, {}, {}, settings), exact


def _exact(method: Any, subject: Kind, times: np.ndarray) -> np.ndarray:
    """E f at the times, from closed second moments."""
    at = {name: np.array([v]) for name, v in {**NUMBERS, "N": float(CLIENTS)}.items()}
    matrix, force = (a[0] for a in MomentMap(method, subject, CURVATURES).at(at, 1))  # pyright: ignore[reportArgumentType]
    first, eta = np.array([START[0] ** 2, START[0] * START[1], START[1] ** 2]), NUMBERS["eta"]
    ends = [moved(matrix, force, first, round(t / eta) if subject == "method" else t, subject) for t in times.tolist()]
    return np.array([(CURVATURES[0] * v[0] + CURVATURES[1] * v[2]) / 2 for v in ends])
