"""Solve an equation of one's own, stated in named coordinates, with the steps and draws of `numerics.simulate.equation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from derive.expressions.coordinates import symbols_of
from derive.stated.equation import StateSDE
from derive.vocabulary.choices import Precision, SchemeName
from derive.vocabulary.errors import BadInput, Refusal, did_you_mean
from derive.vocabulary.symbols import t
from numerics.backend.compiled import Compiled
from numerics.backend.double import jax, jnp
from numerics.lowering.environment import Environment
from numerics.lowering.to_jax import lower_coordinate, special_symbols
from numerics.simulate.chunks import check_chunk
from numerics.simulate.ensemble import Ensemble, settings_of_paths
from numerics.simulate.equation_program import (
    SUBSTEPS,
    EquationProgram,
    Stepping,
    check_scheme,
    scheme_of,
    stepping,
    steps_through,
)
from numerics.simulate.parameters import numbers_of, varied_of
from numerics.simulate.runs import (
    BOUND,
    Numbers,
    Points,
    Statistic,
    Stream,
    functions_of,
    positive,
    precision,
    save_grid,
    start,
    statistics_key,
    stream_words,
)
from numerics.simulate.systems import NamedSystem, named_ito, named_stratonovich


def solve_stated(
    equation: StateSDE,
    x0: Points,
    T: float,
    paths: int | None = None,
    key: int | jax.Array = 0,
    params: Numbers | None = None,
    dt: float | None = None,
    save: int | Sequence[float] | np.ndarray = 50,
    statistics: Mapping[str, Statistic] | None = None,
    bound: float = BOUND,
    scheme: SchemeName = "predictor-corrector",
    halvings: int = 0,
    by_halves: bool = False,
    dtype: Precision = "float64",
    wide: bool = False,
    chunk: int | None = None,
    first: int = 0,
    varied: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    blocks: int = 1,
) -> Ensemble:
    """Simulate independent paths of an equation that somebody states, and keep statistics at the saved times.

    Coefficients in t are evaluated at the time of the step, as each scheme says. All as in `numerics.solve`, but for:

    Args:
        equation: from `derive.SDE.from_coordinates`.
        x0: (d,), or (d, paths), in the order of the state.
        params: a number for the name of each parameter; h = [1, 2] gives h1 and h2 theirs.
        dt: largest solver step; it may be left out where the equation has the parameter eta (then eta/8).
        save: how many times are kept, evenly spread from 0 to T; or the times themselves. Where the equation has the parameter eta
            they are times n eta, as those of a method.
        statistics: by name, functions x (d, paths) -> (paths,), x in the order of the state, or formulas in its letters; by
            default each letter of the state.
        scheme: "heun" needs a closed-form root that is differentiable.
        varied: values of parameters that differ from path to path, (paths,) by name; not of eta.

    Raises:
        BadInput: as `numerics.solve`; no dt; x0 outside the conditions under which the equation is stated.
        Refusal: a condition that fails at these numbers; "heun" where no Stratonovich form is known.
        LoweringError: a function without array form.
        NotANumber: drift or root has no value at a point that a path reached: a covariance that is not positive semidefinite there.

    Example:
        >>> import sdescent as sd
        >>> equation = sd.SDE.from_coordinates(["x"], ["theta - x"], [["2*x"]], positive=["x", "theta"])
        >>> found = equation.solve([1.0], T=1.0, paths=100, params={"theta": 3}, dt=1 / 64, save=3)
        >>> found.values["x"].shape
        (3, 100)
    """
    if not equation.specified:
        raise Refusal("unspecified-gradient", "the drift contains the gradient of a loss that is not given: give a loss")
    dim = equation.dim
    x, count = start(x0, paths, first)
    lanes = varied_of(varied, count, params or {})
    numbers = _numbers(equation, params, lanes)
    if x.shape[0] != dim:
        raise BadInput("x0", f"{x.shape[0]} coordinates", f"{dim}, in the order {', '.join(s.name for s in equation.state)}")
    positive("bound", bound)
    check_scheme(scheme)
    chunk = check_chunk(chunk)
    _check_conditions(equation, {**numbers, **lanes}, x)
    eta = numbers.get("eta")
    if dt is None and eta is None:
        raise BadInput("dt", "nothing", "the largest step of the solver: without eta the equation has no step of its own")
    step = positive("dt", dt) if dt is not None else float(eta or 0) / SUBSTEPS
    times = _times(T, save) if eta is None else save_grid(positive("T", T), eta, save) * eta
    steps = steps_through(times, step, halvings, by_halves)

    special = {s.name for e in _expressions(equation) for s in special_symbols(e)}
    if inside := sorted(special & set(lanes)):
        raise BadInput(f"varied {inside[0]}", "a value for each path", "one number: a program is compiled for it")
    fixed = tuple(sorted((name, value) for name, value in numbers.items() if name in special))
    free = {name: value for name, value in numbers.items() if name not in special}
    statistics = _letters(equation) if statistics is None else statistics
    program = _program(
        _Setting(
            equation, _expressions(equation), tuple(s.name for s in equation.state), fixed,
            statistics_key(statistics, equation.state), _scheme(scheme, equation),
            stepping(steps, times, by_halves, count * len(x)), precision(dtype), bool(wide), tuple(sorted(lanes)),
        )
    )  # fmt: skip
    words = stream_words(key, Stream.EQUATION)
    settings: dict[str, Any] = {"kind": "sde", "state": [s.name for s in equation.state]}
    settings |= settings_of_paths(x, count, int(first), key, numbers, lanes, float(T), eta)
    settings |= {"scheme": scheme, "solver_steps": steps.total, "dt": float(steps.step.max()), "halvings": halvings}
    settings |= {"by_halves": bool(by_halves), "bound": bound, "dtype": dtype, "wide": bool(wide)}
    settings |= {} if eta is None else {"eta": eta}
    unit = step if eta is None else eta
    return program.solved(x, count, times, steps, words, free, lanes, bound, chunk, unit, settings, first, blocks)


def _numbers(equation: StateSDE, params: Numbers | None, lanes: Mapping[str, np.ndarray]) -> dict[str, float]:
    """A number for each parameter but those in lanes, whose values differ from path to path.

    Raises:
        BadInput: one is missing, is outside the domain of its symbol, or belongs to no parameter.
    """
    found: dict[str, float] = {}
    symbols = {s.name: s for s in equation.parameters}
    for name, value in numbers_of(params).items():
        if np.ndim(value) == 1 and name not in symbols:
            found |= {f"{name}{n}": float(e) for n, e in enumerate(value, 1)}
        elif np.ndim(value):
            raise BadInput(f"parameter {name}", f"shape {np.shape(value)}", "a number")
        else:
            found[name] = value
    for name, value in {**found, **lanes}.items():
        if name not in symbols:
            told = "one of " + ", ".join(symbols) if symbols else "none: it has no parameters"
            raise BadInput(f"parameter {name}", value, told + did_you_mean(name, symbols))
        low = "> 0" if symbols[name].is_positive else ">= 0" if symbols[name].is_nonnegative else None
        least = np.min(value)
        if low is not None and not (least > 0 or (least == 0 and low == ">= 0")):
            raise BadInput(f"parameter {name}", least, f"a number {low}")
    missing = [name for name in symbols if name not in found and name not in lanes]
    if missing:
        raise BadInput(f"parameter {missing[0]}", "no value", f"a number for each of {', '.join(missing)}")
    return found


def _check_conditions(equation: StateSDE, numbers: Mapping[str, float | np.ndarray], x: np.ndarray) -> None:
    own = {s.name: jnp.asarray(x[m]) for m, s in enumerate(equation.state)}
    for c in equation.conditions:
        gap = lower_coordinate(c.left - c.right)(Environment({}, {**numbers, **own, "t": 0.0}))
        if bool(jnp.all(gap > 0)):
            continue
        if symbols_of([c.left, c.right]) & set(equation.state):
            found = x[:, 0].tolist() if x.shape[1] == 1 else "a point"
            raise BadInput("x0", found, f"points with {c}, a condition of the equation")
        raise Refusal("condition-fails", f"the equation is stated for ${c.left} > {c.right}$, which fails at these numbers")


def _times(horizon: Any, save: Any) -> np.ndarray:
    """The saved times, increasing.

    Raises:
        BadInput: a value outside its range.
    """
    end = positive("T", horizon)
    if isinstance(save, (int, np.integer)) and not isinstance(save, bool):
        if save < 2:
            raise BadInput("save", save, "at least 2 times, or a list of times")
        return np.linspace(0, end, int(save))
    times = np.unique(np.asarray(save, float))
    if np.ndim(save) != 1 or not times.size or not np.all((times >= 0) & (times <= end * (1 + 1e-12))) or times[-1] <= 0:
        raise BadInput("save", save, "times from 0 to T, one of them > 0")
    return times


def _expressions(equation: StateSDE) -> tuple[Any, ...]:
    """What identifies an equation, and what is lowered of it."""
    root = equation.root_source
    return (*equation.drift, *equation.covariance, *(root if root is not None and not callable(root) else ()))


def _letters(equation: StateSDE) -> dict[str, Statistic]:
    """Each letter of the state as a statistic."""
    return {s.name: _row(m) for m, s in enumerate(equation.state)}


def _row(m: int) -> Statistic:
    if m not in _ROWS:
        _ROWS[m] = lambda x: x[m]  # one function for each place, so that a second solve compiles nothing
    return _ROWS[m]


_ROWS: dict[int, Statistic] = {}


def _scheme(name: str, equation: StateSDE) -> str:
    """The scheme to compile: Milstein's is Euler's where the noise is additive.

    Raises:
        BadInput: "milstein" for noise that is neither additive nor diagonal.
    """
    if name != "milstein":
        return name
    kind = "diagonal" if equation.dim == 1 and equation.root is not None and equation.root.cols == 1 else equation.noise_type
    if kind not in ("additive", "diagonal"):
        told = f"milstein needs diagonal noise, and this noise is {kind or 'of unknown type'}"
        raise BadInput("scheme", "milstein", f"another scheme, such as euler: {told}")
    return "euler" if kind == "additive" else name


@final
@dataclass(frozen=True)
class _Setting:
    """The key of a compiled function; an equation is identified by its expressions, since its matrices have no hash."""

    equation: StateSDE = field(compare=False)
    known: tuple[Any, ...]
    state: tuple[str, ...]
    fixed: tuple[tuple[str, float], ...]
    statistics: tuple[tuple[str, Statistic], ...]
    scheme: str
    stepping: Stepping
    dtype: Any
    wide: bool
    varied: tuple[str, ...]


class _Program(EquationProgram):
    def __init__(self, setting: _Setting) -> None:
        self.stepping, self.dim, self.dtype, self.wide = setting.stepping, setting.equation.dim, setting.dtype, setting.wide
        self.fixed, own = dict(setting.fixed), setting.equation
        timed = t in symbols_of(_expressions(own))
        if setting.scheme == "heun":
            self.system: NamedSystem = named_stratonovich(own, self.fixed, timed)
        else:
            self.system = named_ito(own, self.fixed, timed)
        self.scheme = scheme_of(setting.scheme, self.system)
        self.shown = functions_of(dict(setting.statistics), own.state, self.dim)

    def prepared(self, free: Mapping[str, Any]) -> Mapping[str, Any]:
        scalars = {name: value[0] if jnp.ndim(value) == 2 else value for name, value in free.items()}
        return self.system.prepare({**self.fixed, **scalars}, self.dtype)

    def at(self, y: Any, t: Any, free: Mapping[str, Any]) -> Environment:
        return self.system.at(y, {**free, "t": t})


_program = Compiled(_Program)
