"""The records of a study's runs: estimates at the saved times and counts of blow-ups; the values of a sweep's formulas."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.equations.step.covariance import compression_ratio
from sdescent.derive.reading.problems import problem
from sdescent.derive.reading.specs import Spec, parse_spec
from sdescent.derive.reading.sweeps.formula_letters import OMEGA, START, STEPS, Numbers, expression_of, names_of_letters
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Kind
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.lowering.to_jax import lower_function
from sdescent.numerics.simulate.blow_up import NotANumber
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.settings import save_grid
from sdescent.numerics.statistics.estimates import over_time

_D = "dim"
#: the fields of an experiment that make up its method
METHOD_FIELDS = ("method", "noise", "compressor", "clients", "schedule", "regime", "params")


@final
@dataclass(frozen=True)
class Formula:
    """A formula, `field` in messages, whose letters have the meanings {letter: dotted name} of `names_of_letters`."""

    text: str
    field: str
    letters: Mapping[str, str]

    @cached_property
    def _program(self) -> Callable[..., Any]:
        expression = expression_of(self.text, self.field, self.letters)
        return lower_function(expression, [sp.Symbol(letter, real=True) for letter in self.letters])

    @property
    def names(self) -> set[str]:
        """The dotted names of the values that the formula depends on."""
        return set(self.letters.values())

    def value(self, numbers: Numbers) -> np.ndarray:
        """Its values at a point's numbers, or arrays of them; nan if a letter has no number, `omega` gives None, or not finite."""
        arguments = [omega(numbers) if name == OMEGA else numbers.values.get(name) for name in self.letters.values()]
        if any(value is None for value in arguments):
            return np.asarray(np.nan)
        with np.errstate(all="ignore"):
            values = np.asarray(self._program(*(np.asarray(value, float) for value in arguments)), float)
        return np.where(np.isfinite(values), values, np.nan)


def formula(text: str, field: str, letters: Mapping[str, tuple[str, ...]]) -> Formula:
    """Read a formula, `field` in messages, with meanings that letters may have (`sdescent.derive.reading.sweeps.panels.letters`).

    BadInput if the text is not in the grammar, or a letter stands for nothing or for two values.
    """
    return Formula(text, field, names_of_letters(text, field, letters))


def omega(numbers: Numbers) -> Any:
    """The ratio of the compressor; None without one, without a dimension, or for arrays of values without a formula."""
    spec, dim = numbers.compressor, numbers.values.get(_D)
    if spec is None or dim is None:
        return None
    varied = any(np.ndim(numbers.values.get(f"compressor.{key}", 0)) for key, _ in spec.values)
    opened, _ = spec.opened("value")
    ratio = _ratio(opened)
    arguments = [numbers.values.get(f"compressor.{key}") for key, value in opened.values if isinstance(value, str)]
    if ratio is None or any(value is None for value in arguments):
        ratio, arguments = (None, []) if varied else (_ratio(spec), [])
    return None if ratio is None else ratio(*arguments, dim)


def of_the_run(experiment: Mapping[str, Any]) -> dict[str, float]:
    """Further values for bounds at a point (`Experiment.to_dict`): f0, the initial loss, and K, the steps to the last save."""
    x0 = np.array([float(Fraction(value)) for value in experiment["x0"]])
    method = {key: experiment[key] for key in METHOD_FIELDS if experiment.get(key) is not None}
    (eta,) = experiment["eta"]
    tau = _time_of_step(json.dumps(method, sort_keys=True), eta)
    save = experiment["save"]
    saved = save if isinstance(save, int) else [float(Fraction(t)) for t in save]
    start = _loss_at(experiment["loss"], tuple(np.resize(x0, experiment["dim"]).tolist()))
    return {START: start, STEPS: float(save_grid(float(Fraction(experiment["T"])), tau, saved)[-1])}


@lru_cache(maxsize=4096)
def _loss_at(loss: str, x: tuple[float, ...]) -> float:
    land = landscape(parse_spec("loss", loss, "loss").build(), len(x))
    return float(land.value(jnp.asarray(x)[:, None])[0])


@lru_cache(maxsize=4096)
def _time_of_step(method: str, eta: str) -> float:
    tau = problem(json.loads(method) | {"eta": eta}).tau
    assert tau is not None  # for the type checker: eta is given
    return float(tau)


def at_points(formulas: Iterable[Formula], points: Sequence[Numbers]) -> list[np.ndarray]:
    """The values of each formula at each point, nan if it has none there."""
    groups: dict[Any, list[int]] = {}
    for n, point in enumerate(points):  # points of one form are evaluated in one call
        spec = point.compressor
        shape = None if spec is None else _shape(spec).text
        groups.setdefault((shape, tuple(sorted(point.values))), []).append(n)
    listed = list(formulas)
    results = [np.full(len(points), np.nan) for _ in listed]
    for group in groups.values():
        first = points[group[0]]
        arrays = {name: np.array([points[n].values[name] for n in group]) for name in first.values}
        for values, one in zip(results, listed, strict=True):
            values[group] = one.value(Numbers(arrays, first.compressor))
    return results


def _shape(spec: Spec) -> Spec:
    """The specification whose ratio is computed: the one with letters, or `spec` itself if its ratio is not known with letters."""
    opened, _ = spec.opened("value")
    return spec if _ratio(opened) is None else opened


@lru_cache(maxsize=1024)
def _ratio(spec: Spec) -> Callable[..., Any] | None:
    """The ratio omega as a function of d and the letters among the values, in their order; None if it is not known in this form."""
    names = [value for _, value in spec.values if isinstance(value, str)]
    d = sp.Symbol("d", integer=True, positive=True)
    try:
        ratio = compression_ratio(spec.build(), d)
        if ratio is None:
            return None
        if not {symbol.name for symbol in ratio.value.free_symbols} <= {*names, "d"}:
            return None
        return lower_function(ratio.value, [sp.Symbol(name) for name in (*names, "d")])
    except Exception:  # a user's piece that needs a number may raise any exception
        return None


#: level of all intervals, and the quantiles of the band that contains most paths
LEVEL, BAND = 0.95, (0.1, 0.9)
#: largest number of values that are summarised in one call: 8 MiB
TOGETHER = 2**20
#: exceptions that leave a run without numbers
CANNOT = (Refusal, NoClosedForm, NotANumber)
#: largest share of the mean that one path may have, absolute and relative to its average H_n/n for exponential values (n paths):
#: one term can dominate a sum of heavy-tailed values, but not a sum of values with a variance (O'Brien 1980)
MOST_SHARE, MOST_TIMES = 0.1, 4.0

Failure = Refusal | NoClosedForm | NotANumber
Outcome = Ensemble | Failure


class Unseen(StrEnum):
    """The reasons why the sample does not show a mean, so that its interval from the central limit theorem is unsound."""

    #: second moments grow without bound, faster than the square of the mean (`sdescent.numerics.without_sampling.closed_moments`)
    GROWTH = "mean-square growth"
    #: one path has too large a share of the sum over all paths (`MOST_SHARE`)
    ONE_PATH = "one path"


def unseen(largest: float, total: float, paths: int, growth: float | None) -> list[str]:
    """Why the sample shows no mean at the last time, from the largest absolute value over paths, their sum, paths and `growth`."""
    # for larger n, 4 H_n/n < 1/10
    usual = sum(1 / n for n in range(1, paths + 1)) / paths if 0 < paths <= 1000 else 0.0
    one = paths > 1 and largest > max(MOST_SHARE, MOST_TIMES * usual) * total
    return [reason.value for reason, holds in ((Unseen.GROWTH, growth is not None), (Unseen.ONE_PATH, one)) if holds]


def unseen_in(values: np.ndarray, growth: float | None) -> list[str]:
    """The reasons of `unseen`, from the values of all paths."""
    sizes = np.abs(values[np.isfinite(values)])
    return unseen(float(sizes.max(initial=0.0)), float(sizes.sum()), len(sizes), growth)


def records(
    kind: Kind,
    outcomes: Sequence[Outcome],
    quantities: Sequence[tuple[str, ...]],
    growths: Sequence[float | None] | None = None,
) -> list[dict[str, Any]]:
    """The records of runs, as JSON values.

    Args:
        kind: METHOD or the name of a model.
        outcomes: from `sdescent.numerics.studies.together.solve_together`.
        quantities: for each run, the names of the quantities to keep.
        growths: for each run, from `sdescent.numerics.without_sampling.closed_moments.mean_square_growth`.

    Returns:
        For each run "model" and, if it has numbers, "times" (S,), "end" (the end of its last step), "quantities" ({name: a
        `sdescent.numerics.statistics.estimates.Series` of level 0.95, null where there is no number}), "blow_ups" ("count", and
        "by_time" (S,)), "growth" and "unseen" ({name: reasons of `Unseen` at the last time}). If it has none, the entries of
        `reason`.
    """
    ran = {n: outcome for n, outcome in enumerate(outcomes) if isinstance(outcome, Ensemble)}
    columns = [(n, name) for n in ran for name in quantities[n]]
    estimates: dict[int, dict[str, Any]] = {n: {} for n in ran}
    for (n, name), estimate in zip(columns, _all_numbers([ran[n].values[name] for n, name in columns]), strict=True):
        estimates[n][name] = estimate
    listed: list[dict[str, Any]] = []
    for n, outcome in enumerate(outcomes):
        if not isinstance(outcome, Ensemble):
            listed.append({"model": kind, **reason(outcome)})
            continue
        lost, growth = np.isfinite(outcome.blow_up), None if growths is None else growths[n]
        by_time = outcome.blow_ups.tolist() if lost.any() else [0] * len(outcome.times)
        record = {
            "model": kind,
            "times": outcome.times.tolist(),
            "end": outcome.settings["end"],
            "quantities": estimates[n],
            "blow_ups": {"count": int(lost.sum()), "by_time": by_time},
            "growth": growth,
            "unseen": {name: unseen_in(outcome.values[name][-1], growth) for name in quantities[n]},
        }
        listed.append(record)
    return listed


def _all_numbers(arrays: Sequence[np.ndarray]) -> list[dict[str, list[float | None]]]:
    """`_estimates` of each array. Small finite arrays of one shape are summarised together, which is faster than one by one."""
    results: dict[int, dict[str, list[float | None]]] = {}
    groups: dict[Any, list[int]] = {}
    for n, array in enumerate(arrays):
        groups.setdefault((*array.shape, -1 if np.isfinite(array).all() else n), []).append(n)
    for (count, paths, _), places in groups.items():
        most = max(1, TOGETHER // max(1, count * paths))
        for first in range(0, len(places), most):
            part = places[first : first + most]
            estimates = _estimates(np.concatenate([arrays[n] for n in part]))
            columns = {name: _listed(a.reshape(-1, count)) for name, a in estimates.items()}
            results.update((n, {name: column[row] for name, column in columns.items()}) for row, n in enumerate(part))
    return [results[n] for n in range(len(arrays))]


def _estimates(values: np.ndarray) -> dict[str, np.ndarray]:
    """The estimates of `series`, without the fields that are the same for every run."""
    with np.errstate(over="ignore", invalid="ignore"):
        estimates = over_time(values, *BAND, LEVEL)
    return {name: array for name, array in vars(estimates).items() if isinstance(array, np.ndarray)}


def _listed(array: np.ndarray) -> list[Any]:
    """An array of any shape as lists, with None where it is not finite."""
    finite = np.isfinite(array)
    if not finite.all():
        array = array.astype(object)
        array[~finite] = None
    return array.tolist()


def series(values: np.ndarray) -> dict[str, Any]:
    """The estimates at each saved time from values (S, paths), as JSON values."""
    with np.errstate(over="ignore", invalid="ignore"):
        return over_time(values, *BAND, LEVEL).to_dict()


def reason(error: Failure) -> dict[str, Any]:
    """Why a run has no numbers: "refused" (the kind), "message", and "exists" (whether the model exists but cannot be solved)."""
    if isinstance(error, Refusal):
        return {"refused": error.kind, "message": error.message, "exists": False}
    exists = isinstance(error, NoClosedForm)
    return {"refused": "no-closed-form" if exists else "no-number", "message": str(error), "exists": exists}
