"""Solve an SDE for an ensemble of paths, through diffrax, and separate the solver's own error from the model's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

import numpy as np

from sdescent.derive.audit.equation_in_coordinates import StateSDE
from sdescent.derive.derivation import SDE, RuleSDE
from sdescent.derive.equations.in_coordinates import state_symbols
from sdescent.derive.equations.step.covariance import existence
from sdescent.derive.methods.specialise import specialise
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.names import Precision, SchemeName
from sdescent.numerics.backend.double import jax
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.lowering.tape import Environment
from sdescent.numerics.simulate import parameters as symbols
from sdescent.numerics.simulate import streams_and_statistics as streams
from sdescent.numerics.simulate.ensemble import Ensemble, settings_of
from sdescent.numerics.simulate.equation_program import EquationProgram, Problem, Setting, Subject, check_milstein
from sdescent.numerics.simulate.named_equation import named_problem
from sdescent.numerics.simulate.programs import roomy
from sdescent.numerics.simulate.rule_equations.solving import rule_problem
from sdescent.numerics.simulate.schemes import SCHEMES, Stepping, segments
from sdescent.numerics.simulate.settings import BOUND, Arithmetic, Inputs, Numbers, is_whole, positive, solve_times
from sdescent.numerics.simulate.starting_points import Paths, Points, check_dimension, paths_from
from sdescent.numerics.simulate.systems import System, ito_system, stratonovich_system

#: solver steps per step eta, unless `dt` is given
SUBSTEPS = 8
#: a run is long if its steps times the numbers in its state reach this: it then takes a twentieth of a second or more, and
#: compiling for long runs takes half a second more
LONG = 5 * 10**7
#: the most steps of a solve, before halvings
MOST_STEPS = 10**7


def solve(
    equation: SDE | StateSDE,
    x0: Points,
    T: float,
    paths: int | None = None,
    key: int | jax.Array = 0,
    params: Numbers | None = None,
    dt: float | None = None,
    save: int | Sequence[float] | np.ndarray = 50,
    statistics: Mapping[str, streams.Statistic] | None = None,
    loss: streams.AnyLoss | None = None,
    u: Callable[[Any], Any] | None = None,
    bound: float = BOUND,
    nodes: int = 256,
    scheme: SchemeName = "predictor-corrector",
    halvings: int = 0,
    by_halves: bool = False,
    dtype: Precision = "float64",
    wide: bool = False,
    chunk: int | None = None,
    first: int = 0,
    varied: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    memory: Mapping[str, Any] | None = None,
    blocks: int = 1,
    checked: bool = False,
) -> Ensemble:
    """Simulate independent paths of an SDE and keep statistics at the times n eta, as `sdescent.numerics.simulate.method.run` does.

    A path that leaves the ball |x_j| <= bound blows up: it is counted, with the time at the end of the step that led outside, and
    stays at its last point inside. The result with S saved times takes O((S + d) paths) of memory.

    Args:
        equation: an equation from `sde`, or one of your own. `sdescent.numerics.simulate.named_equation` says what differs for
            your own equations, `sdescent.numerics.simulate.rule_equations.solving` for those of update rules with memory.
        x0: the starting point, (d,), or one for each path, (d, paths).
        T: the horizon.
        paths: the number of paths, if x0 is a single point.
        key: a JAX key or a seed. Models solved with the same key and the same steps share their Brownian motion. Path n is
            bitwise the same for all values of `paths` and `chunk`.
        params: values by symbol name: eta, N if it is a symbol, scales, parameters of the compressor and the loss, and measured
            covariances as matrices.
        dt: the largest solver step, eta/8 by default. All steps between two saved times have the same length.
        save: the number of saved times, evenly spread from 0 to T; or the times themselves, each rounded to the nearest step.
        statistics: further statistics by name: functions x (d, paths) -> (paths,) written with jax.numpy, or formulas in
            x1, .., xd such as "x1^2". The loss and the norm of its gradient are always kept, as "loss" and "gradient_norm".
        loss: a derive loss, a `Landscape`, or a function x (d,) -> number; by default the equation's own, if it has one.
        u: the function t -> u(t) of a free schedule.
        bound: the bound on |x_j| beyond which a path has blown up.
        nodes: the number of nodes for integrals over the noise, which are needed if only the moments given the message are
            known. The settings hold a bound on their error at x0 as "doubling_error", None if a moment there is infinite.
        scheme: "predictor-corrector", "euler" or "milstein" for the Ito equation ("milstein" in one dimension, or with additive
            or diagonal noise), or "heun" for the equivalent Stratonovich equation in named coordinates (small d).
        halvings: how many times every step is halved.
        by_halves: whether the Brownian increment of a step is the sum of the increments over its two halves. A run with the same
            key and one more halving then has the same Brownian motion.
        dtype: "float64" or "float32".
        wide: whether normal draws have 52 bits, for tails beyond 6 standard deviations; this is several times slower.
        chunk: the number of paths computed at a time; the result does not depend on it.
        first: the number of the first path. A part of a large ensemble can be computed by itself, bitwise as in the whole.
        varied: scalar symbols whose values differ from path to path, (paths,) by name, as for `run`. Not allowed for eta, N or
            the symbols of the loss.
        memory: the starting values of an update rule's memory, as for `run`.
        blocks, checked: as for `run`; `checked` also promises that the equation exists at these numbers.

    Raises:
        BadInput: an argument outside its range, a symbol without a value, a value without a symbol.
        Refusal: "heun" if no Stratonovich form exists; numbers at which the equation does not exist (nu = 1.5 if nu > 2 is
            needed); correlated noise without a cheap root; coefficients without a limit at the start.
        NoClosedForm: a corrected or second-order model, or "heun", if only the moments given the message are known.
        LoweringError: a function without an array form.
        NotANumber: the equation has no value at a point that a path reached (`sdescent.numerics.simulate.blow_up`).

    Example:
        >>> import sdescent as sd
        >>> equation = sd.sde(sd.DSGD(sd.noise.Scaled(sd.noise.Gaussian(), 1), clients=4), loss=sd.losses.Quadratic(1), dim=2)
        >>> ensemble = sd.solve(equation, [2.0, -1.0], T=1.0, paths=100, params={"eta": 0.1}, save=3)
        >>> ensemble.values["loss"].shape
        (3, 100)
    """
    inputs = Inputs(params, varied, loss, u, memory, checked)
    whole = paths_from(x0, paths, key, first, blocks)
    positive("T", T)
    if not is_whole(nodes, 2):
        raise BadInput("nodes", nodes, "a whole number >= 2")
    arithmetic = Arithmetic(dtype, wide, bound, chunk)
    problem = _problem(equation, whole, inputs)
    if scheme not in SCHEMES:
        raise unknown_name("scheme", scheme, SCHEMES)
    if dt is None and problem.unit is None:
        accepted = "the largest step of the solver: without eta the equation has no step of its own"
        raise BadInput("dt", "nothing", accepted)
    longest = float(problem.unit or 0) / SUBSTEPS if dt is None else positive("dt", dt)
    times = solve_times(T, problem.unit, save)
    steps = segments(times[times > 0], longest, halvings, by_halves)
    if steps.total > MOST_STEPS * 2**halvings:
        raise BadInput("dt", longest, "a step that leads to T in at most ten million solver steps")

    rows, lanes = problem.rows, problem.lanes
    # XLA adds the two products of a step of "heun" in another order if single steps are in a loop
    long = steps.total * whole.count * len(rows) >= LONG or scheme == "heun"
    observables = streams.statistics_key(problem.usual if statistics is None else statistics, problem.subject.state)
    stepping = Stepping(bool(times[0] == 0), long, *((by_halves, not by_halves and steps.divided) if long else ()))
    setting = Setting(
        problem.subject, problem.scheme(scheme), nodes, observables, arithmetic.kind, bool(wide), stepping
    )
    program, unit = problem.program(setting), problem.unit or longest
    free, lanes = program.beginning(rows, problem.free, lanes, unit)
    settings = {
        "kind": "sde",
        **problem.settings(float(T)),
        **problem.about,
        "scheme": scheme,
        "solver_steps": steps.total,
        "dt": float(steps.step.max()),
        "halvings": halvings,
        "by_halves": bool(by_halves),
        **arithmetic.to_dict(),
        **program.about(rows, free, lanes),
    }
    same = not program.system.normals and rows.shape[1] == 1 and not lanes  # without noise all paths are the same
    more = {
        "words": streams.stream_words(key, streams.Stream.EQUATION),
        "free": free,
        "bound": bound,
        "segments": tuple(map(roomy, steps.arrays(np.float64))),
        "last": len(steps.count),
        "by_halves": bool(by_halves),
        **symbols.by_place(lanes, whole),
    }
    simulated = replace(whole, count=1) if same else whole
    ensemble = program.ensemble(rows, simulated, times, more, chunk, unit, settings)
    return program.ended(ensemble.repeated(whole.count) if same else ensemble)


def _problem(equation: SDE | StateSDE, paths: Paths, inputs: Inputs) -> Problem:
    """The equation of any kind, at the numbers of `inputs`."""
    if inputs.memory and not isinstance(equation, RuleSDE):
        names = ", ".join(inputs.memory)
        raise BadInput("memory", names, "nothing: this equation is not that of an update rule with memory")
    if isinstance(equation, StateSDE):
        return named_problem(equation, paths, inputs)
    check_dimension(equation.dim, paths.dim)
    inputs = inputs if inputs.loss is not None else replace(inputs, loss=equation.loss)
    if isinstance(equation, RuleSDE):
        return rule_problem(equation, paths, inputs)
    return _of_method(equation, paths, inputs)


def _of_method(equation: SDE, paths: Paths, inputs: Inputs) -> Problem:
    """The equation of a method without memory, at the numbers of `inputs`."""
    parameters, dim, loss, u = symbols.parameters_of(inputs.params), paths.dim, inputs.loss, inputs.u
    lanes = symbols.varied_of(inputs.varied, paths.count, parameters)
    if not inputs.checked:
        numbers = [{**parameters, **values} for values in symbols.combinations(lanes)]
        equation = symbols.same_for_all([at_these(equation, loss, dim, values) for values in numbers])
    if "N" not in parameters and equation.method.clients.is_number:
        parameters["N"] = int(equation.method.clients)
    streams.check_schedule(u, equation.method.schedule)
    fixed, free = symbols.constants_of_equation(equation, loss, dim, parameters, equation.form is None)
    identity = (equation.method, equation.model, equation.loss, equation.dim, *equation.expressions)
    subject = Subject(equation, identity, tuple(state_symbols(dim)), dim, loss, u, fixed, tuple(sorted(lanes)))
    eta, scheme = parameters["eta"], partial(_scheme, equation, dim)
    settings = partial(settings_of, equation.method, loss, u, paths, parameters, lanes, tau=eta)
    return Problem(_program, subject, paths.x, free, lanes, eta, scheme, settings, {"model": equation.model})


def _scheme(equation: SDE, dim: int, name: str) -> str:
    """The name of the scheme. Raises BadInput for "milstein" unless noise is additive or diagonal, or d = 1."""
    if name != "milstein" or dim == 1:
        return name
    check_milstein(equation.coordinates(dim).noise_type if equation.loss is not None else None)
    return name


def at_these(equation: SDE, loss: Any, dim: int, parameters: Mapping[str, Any]) -> SDE:
    """The equation, derived again if these numbers change it. Raises as `solve` if it does not exist at them."""
    exact = symbols.specialised(equation.method, loss, dim, parameters, (s.name for s in equation.parameters))
    method = replace(equation.method, noise=exact.noise) if exact.noise.law.degenerate else equation.method
    equation = symbols.derived_at(equation, method, dim)
    if any(specialise(c, parameters).met is False for c in equation.conditions if c.met is None):
        existence(exact, dim)  # raises Refusal, unless the condition concerns accuracy alone
    return equation


class _Program(EquationProgram):
    def lowered(self) -> System:
        equation, setting = self.subject.equation, self.setting
        if setting.scheme == "heun":
            return stratonovich_system(equation, self.dim, self.fixed)
        return ito_system(equation, self.dim, self.fixed, setting.nodes, self.subject.loss)

    def at(self, y: Any, t: Any, free: Mapping[str, Any]) -> Environment:
        return streams.at_time({**self.fixed, **free}, self.land, y, t, self.subject.u)


_program = Memo(_Program)


#: limit of halving: solver steps per step of the method
FINEST = 256
#: limit of halving: solver steps in all
MOST_REFINED_STEPS = 200_000
#: steps are halved until the error is below this share of the mean, or below its statistical error
SHARE = 0.005


@final
@dataclass(frozen=True)
class Refined:
    """An ensemble whose steps were halved until its means stopped changing, as far as the limits allowed.

    `error` is |mean with the finest steps - mean with steps twice as long| on the same Brownian motion, (S,). The remaining error
    is about as large for a scheme of weak order 1, and a third of this for order 2. `converged` says whether it is small compared
    with the mean or its statistical error; `substeps` are solver steps per step of the method.
    """

    ensemble: Ensemble
    error: np.ndarray
    substeps: int
    converged: bool


def refined(
    equation: SDE, x0: Any, T: float, statistic: Callable[[Ensemble], np.ndarray], coarsest: int = 4, **settings: Any
) -> Refined:
    """Solve with `coarsest` solver steps per step of the method and with twice as many, and halve further until the means agree.

    If a path blows up, the steps are halved down to the limit, since the solver may explode where the equation does not.
    `statistic` maps an ensemble to finite values (S, paths), `settings` are for `solve`.
    """
    dt, halvings = settings["params"]["eta"] / coarsest, 0
    while True:
        coarse, fine = (
            solve(equation, x0, T, dt=dt, halvings=halvings + n, by_halves=n == 0, **settings) for n in (0, 1)
        )
        values = statistic(fine)
        error, paths = np.abs((values - statistic(coarse)).mean(axis=1)), values.shape[1]
        doubt = np.std(values, axis=1) / np.sqrt(paths)
        substeps = coarsest * 2 ** (halvings + 1)
        converged = bool(np.all(error <= np.maximum(SHARE * np.abs(values.mean(axis=1)), doubt)))
        # either the equation explodes, or an explicit scheme beyond its stability limit
        blown_up = bool(np.any(np.isfinite(fine.blow_up)))
        if (converged and not blown_up) or substeps >= FINEST or fine.settings["solver_steps"] > MOST_REFINED_STEPS:
            return Refined(fine, error, substeps, converged)
        halvings += 3 if blown_up else 1
