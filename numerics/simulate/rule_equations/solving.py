"""The SDE of an update rule with memory, in any dimension, as `sd.solve` accepts it.

It differs from the equation of a method without memory as follows. The memory has the values that the update rule gives it, as in
`sd.run`: when it is given, in statistics, and when it is returned. If the regime rescales a letter (v/eta^2 for v), the equation's
own letter is eta^2 times the rule's. Times are multiples of tau, the time of a step of the method in its regime, and a solver step
is tau/8 unless `dt` is given. `params` gives numbers for eta and the symbols of the equation; if a regime makes the noise large,
sigma0 may be called sigma, as in a run. A parameter that the regime computes, such as beta1, may be given in place of its constant,
rho1. A statistic with two arguments without defaults is called with x and the memory, {letter: (d, paths)}. The schemes are
"predictor-corrector", "euler", and "milstein" if it is defined coordinate by coordinate.

A bias correction may divide by 0 at t = 0, as Adam's m/(1 - e^(-rho t)) does, with m = 0. Along the solution without noise the
drift has a limit there, since m vanishes with t: m(t)/(1 - e^(-rho t)) is a weighted average of the gradients so far, and its limit
is the first gradient. The solver uses this limit: it begins with the memory that the equation has after 2^-20 of a step without
noise, and with that time in the coefficients of the first step. A start without a limit (m not 0) is refused.

Example:
    >>> import sdescent as sd
    >>> noise, update = sd.noise.Scaled(sd.noise.Gaussian(), 1), ["m = beta*m + (1-beta)*G", "x = x - eta*m"]
    >>> method = sd.Method(noise=noise, clients=1, memory={"m": 0}, update=update, regime={"beta": "1 - rho*eta"})
    >>> equation = sd.sde(method, loss=sd.losses.Quadratic(1))
    >>> ensemble = equation.solve([1.0, 2.0], T=1.0, paths=100, params={"eta": 0.1, "rho": 2}, save=3)
    >>> ensemble.final_memory["m"].shape
    (2, 100)
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from functools import cached_property, partial
from math import isclose
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.derivation import RuleSDE
from sdescent.derive.derivation import sde as derive_sde
from sdescent.derive.methods.distributed import Method, symbols_of_noise
from sdescent.derive.methods.specialise import kept_scales, specialise, symbol_names, with_scales
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.lowering.to_jax import Environment, lower_coordinate, special_symbols
from sdescent.numerics.simulate import parameters as symbols
from sdescent.numerics.simulate.ensemble import Ensemble, settings_of
from sdescent.numerics.simulate.equation_program import EquationProgram, Problem, Setting, Subject
from sdescent.numerics.simulate.rule_equations.system import rule_system, scheme_name
from sdescent.numerics.simulate.schemes import ItoTerm
from sdescent.numerics.simulate.settings import Inputs, Lanes, Numbers
from sdescent.numerics.simulate.starting_points import Paths, with_memory
from sdescent.numerics.simulate.streams_and_statistics import at_time, check_schedule, symbols_of_state
from sdescent.numerics.simulate.systems import System
from sdescent.numerics.simulate.update_rules.regimes import CLOSE, of_time, own_names, solved_constants, time_of_step

#: the part of a step after which a solution begins if its coefficients have only a limit at t = 0
BEGIN = 2.0**-20
#: coefficients have a limit if at BEGIN/2 they are larger than at BEGIN by at most this share; the number of paths tried
LIMIT, COLUMNS = 1e-3, 16
#: names of values of a program that are not parameters: no parameter has a space in its name
_BEGIN, _FACTOR = "time of the start", "factor of {}"
#: the name of the statistic of a range
_RANGE = "range {}"


def rule_problem(equation: RuleSDE, paths: Paths, inputs: Inputs) -> Problem:
    """The equation at the numbers of `inputs`, with their loss. BadInput as `sd.solve`; Refusal, NoClosedForm without one."""
    parameters, dim, loss = with_scales(equation.method, symbols.parameters_of(inputs.params)), paths.dim, inputs.loss
    varied = symbols.varied_of(with_scales(equation.method, inputs.varied or {}, "varied {}"), paths.count, parameters)
    equation, completed, lanes = _completed(equation, loss, dim, parameters, varied)
    rule, method = equation.required(), equation.method
    check_schedule(inputs.u, method.schedule)
    tau = time_of_step(method, completed)
    starts = {name: number for name, number in method.rule.memory if name in rule.letters}
    identity = (method, rule.letters, *rule.drift.items(), *rule.covariance.items(), *rule.pair.items())
    fixed, free = symbols.constants_of_equation(equation, loss, dim, completed, rule.message is not None)
    state = tuple(symbols_of_state(rule.letters, dim))
    subject = Subject(rule, identity, state, dim, loss, inputs.u, fixed, tuple(sorted(lanes)))
    rows, scheme = with_memory(paths, starts, inputs.memory), partial(scheme_name, rule=rule, dim=dim, loss=loss)
    settings = partial(settings_of, method, loss, inputs.u, paths, parameters, varied, tau=tau)
    about = {"model": equation.model, "regime": method.regime.as_given()}
    return Problem(_program, subject, rows, free, lanes, tau, scheme, settings, about)


def _completed(
    equation: RuleSDE, loss: Any, dim: int, parameters: Numbers, varied: Lanes
) -> tuple[RuleSDE, dict[str, Any], Lanes]:
    """The equation, the numbers a program has once, and those that differ by path. Raises as `at_numbers` and `same_for_all`."""
    cases: list[tuple[RuleSDE, dict[str, Any]]] = []
    for values in symbols.combinations(varied):
        one, numbers = at_numbers(equation, loss, dim, {**parameters, **values})
        numbers |= {_FACTOR.format(a): factor_of(one.method, a, numbers) for a in one.required().letters[1:]}
        cases.append((one, numbers))
    one = symbols.same_for_all([one for one, _ in cases])
    if not varied:
        return one, cases[0][1], {}
    special = {s.name for e in one.expressions for s in special_symbols(e)}
    once = {"N", *parameters, *of_time(one.method), *special}
    return one, *symbols.by_path([numbers for _, numbers in cases], varied, once)


def at_numbers(equation: RuleSDE, loss: Any, dim: int, numbers: Mapping[str, Any]) -> tuple[RuleSDE, dict[str, Any]]:
    """The equation, derived again if these numbers change it (Refusal if it does not exist), and a number for each of its symbols.

    BadInput for a number that is missing, lies outside its domain, contradicts other numbers, or belongs to no symbol.
    """
    method = equation.method
    names = {s.name for s in equation.parameters} | own_names(method)
    numbers = with_scales(method, numbers)
    parameters = {**numbers, **solved_constants(method, numbers)}
    exact = symbols.specialised(method, loss, dim, parameters, names)
    if exact.noise.law.degenerate and not method.noise.law.degenerate:
        silent = {s.name: 0 for s in symbols_of_noise(method.noise) if parameters.get(s.name) == 0}
        method = specialise(method, silent)
    equation = symbols.derived_at(equation, method, dim)
    if "N" not in parameters and method.clients.is_number:
        parameters["N"] = int(method.clients)
    needed = [s.name for s in equation.parameters if s.name not in ("t", "u", "du", "d")]
    parameters |= _own_numbers(method, parameters, symbol_names(method) | symbol_names(loss))
    names_of_scales = kept_scales(method).items()
    parameters |= {scale: parameters[a] for scale, a in names_of_scales if scale in needed and a in parameters}
    for name in (n for n in needed if n not in parameters):
        raise BadInput(f"parameter {name}", "no value", f"a number for each of {', '.join(needed)}")
    for name in {*needed, *own_names(method)} & parameters.keys():
        if np.ndim(parameters[name]) == 0 and parameters[name] < 0:
            raise BadInput(f"parameter {name}", parameters[name], "a number >= 0")
        if name in method.fractions and not 0 < parameters[name] < 1:
            raise BadInput(f"parameter {name}", parameters[name], "a number strictly between 0 and 1")
    if any(specialise(c, parameters).met is False for c in equation.conditions if c.met is None):
        _ = derive_sde(exact, equation.model, None, dim)  # raises Refusal, unless the condition concerns accuracy alone
    return equation, parameters


def _own_numbers(method: Method, parameters: Mapping[str, Any], others: Container[str]) -> dict[str, float]:
    """The method's numbers for its regime's constants (BadInput for others); `others`: symbols of noise, compressor, loss."""
    constants_read, read = {}, method.regime.names
    for name, number in method.constants:
        if number.is_number and name not in others:
            if name in parameters and not isclose(float(number), float(parameters[name]), rel_tol=CLOSE):
                raise BadInput(f"parameter {name}", parameters[name], f"{number}, the method's own, or no value")
            if name in read:
                constants_read[name] = float(number)
    return constants_read


def factor_of(method: Method, letter: str, parameters: Mapping[str, Any]) -> float:
    """The ratio of the rule's own value of a memory letter to the equation's value."""
    formula = method.regime.rules.get(letter)
    if formula is None:
        return 1.0
    return float(lower_coordinate(formula / sp.Symbol(letter, positive=True))(Environment({}, dict(parameters))))


class _Program(EquationProgram):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        rule = self.subject.equation
        self.letters = rule.letters[1:]
        self.ranges = {_RANGE.format(near.kind): lower_coordinate(near.quantity, self.fixed) for near in rule.ranges}

    def lowered(self) -> System:
        return rule_system(self.subject.equation, self.dim, self.fixed, self.subject.loss, self.setting.nodes)

    def at(self, y: Any, t: Any, free: Mapping[str, Any]) -> Environment:
        time = jnp.maximum(t, _one(free[_BEGIN])) if self.system.timed else t
        here = at_time({**self.fixed, **free}, self.land, y["x"], time, self.subject.u)
        return replace(here, vectors={**here.vectors, **y})

    def begun(self, rows: jax.Array, more: Any, term: ItoTerm) -> Any:
        numbers = self.numbers(more)
        return self._moved_on(self.held(rows, numbers), term.at, _one(numbers[_BEGIN]))

    def held(self, rows: Any, numbers: Mapping[str, Any]) -> Any:
        letters = self.by_letter(rows).items()
        return {a: value / numbers[_FACTOR.format(a)] if a in self.letters else value for a, value in letters}

    def rows(self, y: Any, more: Any) -> jax.Array:
        return jnp.concatenate([y["x"], *self._memory(y, more).values()])

    def _memory(self, y: Any, more: Any) -> dict[str, jax.Array]:
        """The letters of the memory, with the values that the update rule gives them."""
        numbers = self.numbers(more)
        return {a: y[a] * numbers[_FACTOR.format(a)] for a in self.letters}

    def statistics(self, y: Any, more: Any) -> dict[str, jax.Array]:
        saved = self.observed(y["x"], self._memory(y, more))
        if self.ranges:
            env = self.at(y, 0.0, self.numbers(more))
            saved |= {name: jnp.max(size(env), axis=0) for name, size in self.ranges.items()}
        return saved

    def beginning(self, rows: np.ndarray, free: Numbers, lanes: Lanes, unit: float) -> tuple[Numbers, Lanes]:
        """Add the time from `_beginning` to `free` or, once for each combination of numbers that differ by path, to `lanes`."""
        if not lanes:
            return {**free, _BEGIN: self._beginning(rows[:, :COLUMNS], free, unit)}, lanes
        which = symbols.which_combination(lanes)
        order = np.argsort(which, kind="stable")
        begins = []
        for places in np.split(order, np.flatnonzero(np.diff(which[order])) + 1):
            some = np.resize(places[:COLUMNS], COLUMNS)
            columns = np.broadcast_to(rows if rows.shape[1] == 1 else rows[:, some], (len(rows), COLUMNS))
            numbers = {**free, **{name: a[some][None] for name, a in lanes.items()}}
            begins.append(self._beginning(columns, numbers, unit))
        return free, {**lanes, _BEGIN: np.array(begins)[which]}

    def ended(self, ensemble: Ensemble) -> Ensemble:
        """The ensemble with the largest size of each range in its settings, and without the statistics of the ranges."""
        ranges = self.subject.equation.ranges
        if not ranges:
            return ensemble
        sizes = {near.kind: ensemble.values[_RANGE.format(near.kind)] for near in ranges}
        values = {name: a for name, a in ensemble.values.items() if name in self.observables}
        largest = {kind.value: float(np.max(a, initial=0.0, where=np.isfinite(a))) for kind, a in sizes.items()}
        return replace(ensemble, values=values, settings={**ensemble.settings, "ranges": largest})

    def _beginning(self, rows: np.ndarray, free: Mapping[str, Any], tau: float) -> float:
        """The time in the first step's coefficients: 0, or a small part of it if they have only a limit at 0 (else Refusal)."""

        def at_start(begin: float) -> list[jax.Array]:
            return self._at_start(rows, {**free, _BEGIN: begin})

        if all(bool(jnp.all(jnp.isfinite(e))) for e in at_start(0.0)) or not self.letters:
            return 0.0
        if self.system.timed:
            pairs = list(zip(at_start(BEGIN * tau), at_start(BEGIN * tau / 2), strict=True))
            sizes = [1e-300 + float(jnp.max(jnp.abs(a))) for a, _ in pairs]
            if all(bool(jnp.all(abs(b) <= abs(a) + LIMIT * size)) for (a, b), size in zip(pairs, sizes, strict=True)):
                return BEGIN * tau
        raise Refusal(
            "no-start",
            "the drift or the covariance has no value at the start, and no limit as t -> 0. Start a memory letter in a "
            "denominator above 0 (memory={..}, or eps > 0), and one with a bias correction at 0. In a second-order model a bias "
            "correction leaves terms tau/t, so no solution starts at t = 0: use the first-order model",
        )

    @cached_property
    def _at_start(self) -> Callable[..., list[jax.Array]]:
        def values(rows: jax.Array, free: Mapping[str, Any]) -> list[jax.Array]:
            at = partial(self.at, free=free)
            state = self._moved_on(self.held(rows, free), at, free[_BEGIN])
            return jax.tree.leaves(self.system.evaluate(at(state, 0.0), 1.0))

        return jit(values)

    def _moved_on(
        self, state: dict[str, jax.Array], at: Callable[..., Environment], begin: Any
    ) -> dict[str, jax.Array]:
        """The state with its memory advanced, without noise, to the time `begin`, at which the coefficients have values."""
        if not self.system.timed:
            return state
        drift = self.system.evaluate(at(state, 0.0), begin)[0]
        return {a: value + drift[a] if a in self.letters else value for a, value in state.items()}


def _one(value: Any) -> Any:
    """The value as a number, or as (paths,) if it differs from path to path."""
    return value[0] if jnp.ndim(value) == 2 else value


_program = Memo(_Program)
