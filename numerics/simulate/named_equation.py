"""The user's own equation, stated in named coordinates, as `sd.solve` accepts it.

It differs from the equation of a method as follows. A starting point x0, (d,) or (d, paths), is in the order of the state. `params`
gives each parameter a number by name; h = [1, 2] gives the numbers of h1 and h2. If the equation has the parameter eta, the saved
times are multiples of eta, as for a method, and a solver step is eta/8 unless `dt` is given. Otherwise `dt` must be given, and
the times in `save` are not rounded. Statistics are functions of x in the order of the state, or formulas in its letters; by default
each letter is a statistic. The scheme "heun" needs a closed-form root that is differentiable. Coefficients that depend on t are
evaluated at the times that the scheme prescribes.

Example:
    >>> import sdescent as sd
    >>> equation = sd.SDE.from_coordinates(["x"], ["theta - x"], [["2*x"]], positive=["x", "theta"])
    >>> ensemble = equation.solve([1.0], T=1.0, paths=100, params={"theta": 3}, dt=1 / 64, save=3)
    >>> ensemble.values["x"].shape
    (3, 100)
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from sdescent.derive.audit.equation_in_coordinates import StateSDE
from sdescent.derive.expressions.coordinates import symbols_of
from sdescent.derive.vocabulary.errors import BadInput, Refusal, did_you_mean
from sdescent.derive.vocabulary.symbols import t
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.lowering.to_jax import Environment, lower_coordinate, special_symbols
from sdescent.numerics.simulate.ensemble import settings_of_paths
from sdescent.numerics.simulate.equation_program import EquationProgram, Problem, Subject, check_milstein
from sdescent.numerics.simulate.parameters import numbers_of, varied_of
from sdescent.numerics.simulate.settings import Inputs, Lanes, Numbers
from sdescent.numerics.simulate.starting_points import Paths
from sdescent.numerics.simulate.streams_and_statistics import coordinate
from sdescent.numerics.simulate.systems import NamedSystem, named_system


def named_problem(equation: StateSDE, paths: Paths, inputs: Inputs) -> Problem:
    """The equation at the numbers of `inputs`.

    BadInput for a start that violates a condition, a number that is missing or belongs to no parameter, a loss or u (they belong in
    the drift); Refusal for a condition that fails at these numbers, or the gradient of a loss that is not given.
    """
    if not equation.specified:
        reason = "the drift contains the gradient of a loss that is not given: give a loss"
        raise Refusal("unspecified-gradient", reason)
    for name, value in (("loss", inputs.loss), ("u", inputs.u)):
        if value is not None:
            raise BadInput(name, value, "None for an equation of your own: write it into the drift")
    lanes = varied_of(inputs.varied, paths.count, inputs.params or {})
    numbers = _numbers(equation, inputs.params, lanes)
    letters = [s.name for s in equation.state]
    if paths.dim != equation.dim:
        raise BadInput("x0", f"{paths.dim} coordinates", f"{equation.dim}, in the order {', '.join(letters)}")
    _check_conditions(equation, {**numbers, **lanes}, paths.x)
    special = {s.name for e in _expressions(equation) for s in special_symbols(e)}
    if inside := sorted(special & set(lanes)):
        raise BadInput(f"varied {inside[0]}", "a value for each path", "one number: a program is compiled for it")
    fixed = tuple(sorted((name, value) for name, value in numbers.items() if name in special))
    free = {name: value for name, value in numbers.items() if name not in special}
    eta = numbers.get("eta")
    state, identity = tuple(equation.state), _expressions(equation)
    subject = Subject(equation, identity, state, equation.dim, None, None, fixed, tuple(sorted(lanes)))
    settings = partial(settings_of_paths, paths, numbers, lanes, step=eta)
    about = {"state": letters} | ({} if eta is None else {"eta": eta})
    usual = {name: coordinate(m) for m, name in enumerate(letters)}
    return Problem(_program, subject, paths.x, free, lanes, eta, partial(_scheme, equation), settings, about, usual)


def _numbers(equation: StateSDE, params: Numbers | None, lanes: Lanes) -> dict[str, float]:
    """The number of each parameter not in `lanes`. Raises BadInput if one is missing, no number, outside its domain or unknown."""
    numbers: dict[str, float] = {}
    symbols = {s.name: s for s in equation.parameters}
    for name, value in numbers_of(params).items():
        if np.ndim(value) == 1 and name not in symbols:
            numbers |= {f"{name}{n}": float(e) for n, e in enumerate(value, 1)}
        elif np.ndim(value):
            raise BadInput(f"parameter {name}", f"shape {np.shape(value)}", "a number")
        else:
            numbers[name] = value
    for name, value in {**numbers, **lanes}.items():
        if name not in symbols:
            accepted = "one of " + ", ".join(symbols) if symbols else "none: the equation has no parameters"
            raise BadInput(f"parameter {name}", value, accepted + did_you_mean(name, symbols))
        low = "> 0" if symbols[name].is_positive else ">= 0" if symbols[name].is_nonnegative else None
        least = np.min(value)
        if low is not None and not (least > 0 or (least == 0 and low == ">= 0")):
            raise BadInput(f"parameter {name}", least, f"a number {low}")
    missing = [name for name in symbols if name not in numbers and name not in lanes]
    if missing:
        raise BadInput(f"parameter {missing[0]}", "no value", f"a number for each of {', '.join(missing)}")
    return numbers


def _check_conditions(equation: StateSDE, numbers: Mapping[str, float | np.ndarray], x: np.ndarray) -> None:
    points = {s.name: jnp.asarray(x[m]) for m, s in enumerate(equation.state)}
    for c in equation.conditions:
        gap = lower_coordinate(c.left - c.right)(Environment({}, {**numbers, **points, "t": 0.0}))
        if bool(jnp.all(gap > 0)):
            continue
        if symbols_of([c.left, c.right]) & set(equation.state):
            point = x[:, 0].tolist() if x.shape[1] == 1 else "a point"
            raise BadInput("x0", point, f"points with {c}, a condition of the equation")
        reason = f"the equation is stated for ${c.left} > {c.right}$, which fails at these numbers"
        raise Refusal("condition-fails", reason)


def _expressions(equation: StateSDE) -> tuple[Any, ...]:
    """The expressions of an equation that are lowered; they are also its identity."""
    root = equation.root_source
    return (*equation.drift, *equation.covariance, *(root if root is not None and not callable(root) else ()))


def _scheme(equation: StateSDE, name: str) -> str:
    """The scheme to compile: Milstein's is Euler's if the noise is additive. Raises BadInput for it unless diagonal or additive."""
    if name != "milstein":
        return name
    alone = equation.dim == 1 and equation.root is not None and equation.root.cols == 1
    kind = "diagonal" if alone else equation.noise_type
    check_milstein(kind)
    return "euler" if kind == "additive" else name


class _Program(EquationProgram):
    has_loss = False
    system: NamedSystem

    def lowered(self) -> NamedSystem:
        equation, heun = self.subject.equation, self.setting.scheme == "heun"
        return named_system(equation, self.fixed, t in symbols_of(_expressions(equation)), heun)

    def prepared(self, free: Mapping[str, Any]) -> Mapping[str, Any]:
        scalars = {name: value[0] if jnp.ndim(value) == 2 else value for name, value in free.items()}
        return self.system.prepare({**self.fixed, **scalars}, self.dtype)

    def at(self, y: Any, t: Any, free: Mapping[str, Any]) -> Environment:
        return self.system.at(y, {**free, "t": t})


_program = Memo(_Program)
