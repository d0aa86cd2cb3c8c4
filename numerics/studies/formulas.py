"""Formulas of a sweep as numbers, at many points or on a fine grid between them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.equations.step.covariance import compression_ratio
from sdescent.derive.reading.problems import problem
from sdescent.derive.reading.specs import Spec, parse_spec
from sdescent.derive.reading.sweeps.formula_letters import OMEGA, START, STEPS, Numbers, expression_of, names_of_letters
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.lowering.to_jax import lower_function
from sdescent.numerics.simulate.settings import save_grid

_D = "dim"
#: the fields of an experiment that make up its method
METHOD_FIELDS = ("method", "noise", "compressor", "clients", "schedule", "regime", "params")


@final
@dataclass(frozen=True)
class Formula:
    """A formula whose letters have known meanings.

    Args:
        text: the formula as written.
        field: its name in messages.
        letters: {letter: dotted name} (`sdescent.derive.reading.sweeps.formula_letters.names_of_letters`).
    """

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
        """The values of the formula; nan if a letter has no number, omega belongs to a biased compressor, or there is a pole.

        Args:
            numbers: the numbers of one point, or arrays of one shape for several points.
        """
        arguments = [omega(numbers) if name == OMEGA else numbers.values.get(name) for name in self.letters.values()]
        if any(value is None for value in arguments):
            return np.asarray(np.nan)
        with np.errstate(all="ignore"):
            values = np.asarray(self._program(*(np.asarray(value, float) for value in arguments)), float)
        return np.where(np.isfinite(values), values, np.nan)


def formula(text: str, field: str, letters: Mapping[str, tuple[str, ...]]) -> Formula:
    """Read a formula.

    Args:
        text: the formula as written.
        field: its name in messages.
        letters: the meanings that letters may have (`sdescent.derive.reading.sweeps.formula_letters.letters`).

    Raises:
        BadInput: the text is not in the grammar, or a letter stands for nothing or for two values.
    """
    return Formula(text, field, names_of_letters(text, field, letters))


def omega(numbers: Numbers) -> Any:
    """The compression ratio of the compressor; None if it has none, or if no formula in the compressor's values is known.

    Raises:
        BadInput: the compressor states an impossible ratio.
    """
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
    """The further values that bounds may have at a point: f0, the initial loss, and K, the number of steps to the last saved time.

    Args:
        experiment: the experiment of the point (`Experiment.to_dict`).
    """
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
        named = {symbol.name: symbol for symbol in ratio.value.free_symbols}
        if not set(named) <= {*names, "d"}:
            return None
        return lower_function(ratio.value, [sp.Symbol(name) for name in (*names, "d")])
    except Exception:  # a user's piece that needs a number may raise any exception
        return None
