"""The smallest example that exposes an error in a stated equation, and the weak error of one step there, without sampling.

The expectation of one step of the method is compared with the prediction of each equation for its time tau: for weak
order 1 the mean z + tau b and the covariance tau C, for weak order 2 also the terms of order tau^2.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, final

import mpmath
import sympy as sp

from sdescent.derive.audit.differing_terms import Entry, Term
from sdescent.derive.audit.one_step import DIGITS, HORIZON, AffineSteps, NumericStep, Vector, equation_moments
from sdescent.derive.audit.stated_equation import StatedEquation
from sdescent.derive.equations.in_coordinates import derivatives_of, expand_rule, state_symbols
from sdescent.derive.equations.rule_equation import RuleEquation, localised
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.expressions.derivatives import smooth
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss, Quadratic, Quartic, SeparableSum
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.specialise import specialise, symbol_names
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import d as dimension
from sdescent.derive.vocabulary.symbols import eta, t

_X = Coordinate("x")
#: the losses to try, the simplest first
LOSSES: tuple[tuple[str, Loss], ...] = (
    ("x^2/2", Quadratic(1)),
    ("x^2/2 + x^3/6", SeparableSum(_X**2 / 2 + _X**3 / 6)),
    ("x^4/4", Quartic()),
)
#: the values of the constants: one value for all in the first rows, several in turn in the last
CONSTANTS = ((sp.S.One,), (sp.Integer(2),), (sp.Integer(2), sp.S.One, sp.Rational(1, 2), sp.Integer(3)))
FRACTIONS = ((sp.Rational(1, 2),), (sp.Rational(1, 2),), (sp.Rational(1, 2), sp.Rational(1, 4), sp.Rational(1, 3)))
CLIENTS = (sp.S.One, sp.S.One, sp.Integer(2))
#: the sizes and signs of the state: two formulas may agree at 1, or differ only beyond a kink or close to the minimum
SCALES = (*map(sp.Integer, (1, 2, -1, 100, -100)), sp.Rational(1, 1000), sp.Integer(10**7))
#: the values of eta in the measurements
STEPS = (sp.Rational(1, 1000), sp.Rational(1, 100_000))
#: an error of a step below this is due to the integration over a density (True) or to rounding (False)
NEGLIGIBLE = {True: 1e-11, False: 1e-30}


@final
@dataclass(frozen=True)
class Measured:
    """One step of the method compared with the predictions of the equations.

    Args:
        eta, tau: the step size and the time of the step.
        exact: the method's own value.
        claimed, derived: the error of each prediction, prediction minus exact value.
    """

    eta: sp.Rational
    tau: float
    exact: float
    claimed: float
    derived: float

    def to_dict(self) -> dict[str, Any]:
        """The measurement as JSON values."""
        errors = {"error_claimed": self.claimed, "error_derived": self.derived}
        return {"eta": str(self.eta), "tau": self.tau, "exact": self.exact, **errors}


@final
@dataclass(frozen=True)
class Example:
    """An example in which the claimed and the derived value of a term differ.

    Args:
        term: the term in which the equations differ.
        loss: the loss as a formula, of one coordinate if it is one of `LOSSES`.
        dim: the dimension.
        constants: the value of each constant, by name.
        state: the coordinates of each letter; also "t" if the time matters.
        claimed, derived: the values of the term at this state, as expressions in eta.
        measured: one step for each eta; empty if the outcomes of a step cannot be listed or the memory is averaged out.
        reason: why `measured` is empty, or "".
        over_time: the same quantity after the time 1 if the step and the equations are affine; else empty.
    """

    term: Term
    loss: str
    dim: int
    constants: Mapping[str, sp.Expr]
    state: Mapping[str, tuple[sp.Expr, ...]]
    claimed: sp.Expr
    derived: sp.Expr
    measured: tuple[Measured, ...] = ()
    reason: str = ""
    over_time: tuple[Measured, ...] = ()

    @property
    def quantity(self) -> str:
        """The measured quantity, such as "mean of m1"."""
        return self.quantity_of(str)

    def quantity_of(self, show: Callable[[str], str]) -> str:
        """The measured quantity, with `show` applied to the names of coordinates."""
        names = list(dict.fromkeys(show(f"{letter}{n + 1}") for letter, n in self.term.entry.places))
        kind = "mean" if self.term.entry.drift else "variance" if len(names) == 1 else "covariance"
        return f"{kind} of {' and '.join(names)}"

    def to_dict(self) -> dict[str, Any]:
        """The example as JSON values, with formulas in the letters of stated equations."""
        return {
            "where": self.term.where,
            "loss": self.loss,
            "dim": self.dim,
            "constants": {name: str(value) for name, value in self.constants.items()},
            "state": {name: [str(v) for v in values] for name, values in self.state.items()},
            "claimed": formula(self.claimed),
            "derived": formula(self.derived),
            "quantity": self.quantity,
            "measured": [row.to_dict() for row in self.measured],
            "slopes": list(slopes(self.measured)),
            "over_time": [row.to_dict() for row in self.over_time],
            "slopes_over_time": list(slopes(self.over_time)),
            "reason": self.reason,
        }


def slopes(rows: tuple[Measured, ...]) -> tuple[float | None, float | None]:
    """The powers of tau with which the errors of the claimed and the derived prediction fall; None without rows or if one is 0."""
    if not rows:
        return None, None
    one, two = rows[0], rows[-1]
    width = math.log(one.tau / two.tau)
    pairs = (one.claimed, two.claimed), (one.derived, two.derived)
    first, second = (math.log(abs(a / b)) / width if a and b else None for a, b in pairs)
    return first, second


def example(
    method: Method,
    loss: Loss | None,
    dim: int | None,
    stated: StatedEquation,
    equation: RuleEquation,
    terms: tuple[Term, ...],
) -> Example | None:
    """The smallest example for the first term, by the order at which terms matter, that has one; None if none has (as
    in averaged letters).
    """
    shared = [term for term in terms if set(term.entry.letters) <= set(equation.letters)]
    expressions = (*equation.expressions, *stated.expressions)
    rooted = {f for e in expressions for f in e.atoms(sp.Pow, sp.log) if not f.args[-1].is_Integer}
    positive = {c.base for f in rooted for c in f.atoms(Coordinate)}
    losses = LOSSES if loss is None else (("", loss),)
    for term in sorted(shared, key=lambda term: term.matters):
        gap = sp.Add(*[other.claimed - other.derived for other in terms if other.entry == term.entry])
        dims = [dim] if dim is not None else [2] if term.entry.apart else [1, 2]
        for scale, size, (form, tried), row in product(SCALES, dims, losses, range(len(CONSTANTS))):
            constants = _constants(method, tried, expressions, row)
            at = {
                a: tuple((abs(scale) if a in positive else scale) * sp.Rational(m + 2, n + 1) for m in range(size))
                for n, a in enumerate(equation.letters)
            }
            named = partial(_value, equation, tried, size, term.entry, constants=constants, at=at)
            try:
                *sides, apart = map(named, (term.claimed, term.derived, gap))
            except (BadInput, KeyError):
                continue
            # the term shows, and so does the whole entry
            if all(_measurable(e, sides) for e in (sides[0] - sides[1], apart)):
                now = {"t": (sp.S.One,)} if term.claimed.has(t) or term.derived.has(t) else {}
                text = form or sp.sstr(tried.value(state_symbols(size))).replace("**", "^")
                smallest = Example(term, text, size, constants, at | now, sides[0], sides[1])
                return _measured(smallest, method, tried, stated, equation)
    return None


def _measurable(gap: sp.Expr, sides: list[sp.Expr]) -> bool:
    """Whether a difference is large enough to show in the digits of a measurement."""
    if gap == 0:
        return False
    size, *others = (abs(e.subs(eta, STEPS[0]).evalf(DIGITS)) for e in (gap, *sides))
    return bool(size.is_nonzero) and all((size > NEGLIGIBLE[False] * e) is not sp.false for e in others)


def _constants(method: Method, loss: Loss, expressions: tuple[sp.Expr, ...], n: int) -> dict[str, sp.Expr]:
    """The numbers for the symbols of the method, the loss and both equations."""
    of_equations = {s.name for e in expressions for s in e.free_symbols if not isinstance(s, Coordinate)}  # pyright: ignore[reportAttributeAccessIssue]
    of_regime = {s.name for e in method.values.values() for s in e.free_symbols}  # pyright: ignore[reportAttributeAccessIssue]
    excluded = {"eta", "t", "d", "u", "du", "x", *method.rule.letters, *method.regime.rules}
    if NOISE in method.regime.rules:  # sigma is sigma0 times a power of eta
        excluded |= {str(s) for s in map(sp.sympify, method.noise.scales) if s.is_Symbol}
    names = sorted((of_equations | of_regime | symbol_names(method) | symbol_names(loss)) - excluded)
    domain = method.compressor.domain(dimension)
    within = {str(s): e.xreplace(dict.fromkeys(e.free_symbols, sp.S.One)) for s, e in domain.items()}
    fractions = [name for name in names if name in method.rule.fractions or within.get(name, 1) < 1]
    counts = {name for name in names if name == "k" or within.get(name, 0) >= 1}
    others = [name for name in names if name not in fractions and name not in ("N", "noise", "unitnoise", *counts)]
    numbers = {name: CONSTANTS[n][m % len(CONSTANTS[n])] for m, name in enumerate(others)}
    numbers |= {name: FRACTIONS[n][m % len(FRACTIONS[n])] for m, name in enumerate(fractions)}
    numbers |= {"N": CLIENTS[n]} if "N" in names else {}
    return numbers | dict.fromkeys(counts, sp.S.One)


def _system(equation: RuleEquation, loss: Loss, dim: int, constants: Mapping[str, sp.Expr]) -> Any:
    """The equation in named coordinates, with the loss and the constants substituted."""
    named = expand_rule(replace(equation, loss=loss, dim=dim), dim)
    slopes = derivatives_of(loss, dim) if equation.local else {}

    def put(e: sp.Expr) -> sp.Expr:
        e = e.xreplace(slopes)
        symbols = [s for s in e.free_symbols - set(named.state) if isinstance(s, sp.Symbol) and s.name in constants]
        return e.xreplace({s: constants[s.name] for s in symbols})

    return replace(named, drift=named.drift.applyfunc(put), covariance=named.covariance.applyfunc(put))


def _value(
    equation: RuleEquation, loss: Loss, dim: int, entry: Entry, e: sp.Expr, constants: Mapping[str, sp.Expr],
    at: Mapping[str, tuple[sp.Expr, ...]],
) -> sp.Expr:  # fmt: skip
    """The value of a term at a state, at the first coordinate or the first two."""
    letters, table = equation.letters, {entry.letters: e}
    i, *rest = [letters.index(a) * dim + n for a, n in entry.places]
    drift = {a: table.get((a,), sp.S.Zero) for a in letters}
    covariance: Any = {} if entry.drift or entry.apart else table
    alone = replace(equation, drift=drift, covariance=covariance, pair=table if entry.apart else {})
    system = _system(alone, loss, dim, constants)
    return (system.covariance[i, rest[0]] if rest else system.drift[i]).xreplace(_at(at))


def _at(state: Mapping[str, tuple[sp.Expr, ...]]) -> dict[sp.Basic, sp.Expr]:
    """The values of the coordinates, and 1 for the time."""
    values = {sp.Symbol(f"{a}{m + 1}", real=True): v for a, entries in state.items() for m, v in enumerate(entries)}
    return {**values, t: sp.S.One}


def _measured(example: Example, method: Method, loss: Loss, stated: StatedEquation, equation: RuleEquation) -> Example:
    try:
        stated_rule = _as_stated(stated, equation, example.dim)
        systems = [_system(e, loss, example.dim, example.constants) for e in (stated_rule, equation)]
        counted = method if method.clients.is_number else replace(method, clients=example.constants.get("N", sp.S.One))
        ready = specialise(counted, {n: v for n, v in example.constants.items() if n in symbol_names(method)})
        steps = [NumericStep(ready, loss, example.dim, _scales(method, example.constants), step) for step in STEPS]
    except (NoClosedForm, Refusal, BadInput, ArithmeticError) as error:
        return replace(example, reason=str(error))
    with suppress(NoClosedForm, ArithmeticError):  # most rules are not affine
        over_time = tuple(_after_time(example, numeric, equation, systems) for numeric in steps)
        example = replace(example, over_time=over_time)
    if len(equation.letters) < len(method.rule.letters):
        return replace(example, reason="the memory is averaged out: one step is not a step of x alone")
    try:
        measured = tuple(_after_step(example, numeric, systems, stated.order) for numeric in steps)
    except (NoClosedForm, ArithmeticError) as error:
        return replace(example, reason=str(error))
    return replace(example, measured=measured)


def _after_step(example: Example, numeric: NumericStep, systems: list[Any], order: int) -> Measured:
    """One step of the method, compared with the predictions of the stated and the derived equation for its time."""
    with mpmath.workdps(DIGITS):
        exact = _exact(numeric, example)
        tau = numeric.method.regime.tau.subs(eta, numeric.step)
        errors = [_predicted(system, example, order, tau, numeric.step) - exact for system in systems]
        if example.term.entry.drift:  # so far `exact` is the change, computed directly to avoid cancellation
            exact += _numbers(example)[example.term.entry.letters[0]][0]
        return _row(numeric, exact, errors, NEGLIGIBLE[numeric.kinks(_numbers(example), mpmath.mpf(1))])


def _after_time(example: Example, numeric: NumericStep, equation: RuleEquation, systems: list[Any]) -> Measured:
    """The moments of the method after the time 1, compared with those of the two equations."""
    with mpmath.workdps(DIGITS):
        letters = numeric.method.rule.letters
        chain = AffineSteps(numeric, letters)
        at = _numbers(example)
        fast = [a for a in letters if a not in equation.letters]
        count = max(1, int(HORIZON / numeric.tau))
        flat = [v for a in equation.letters for v in at[a]]
        tables = [chain.moments(chain.settled(fast, at) if fast else at, count)]
        tables += [equation_moments(system, flat, count * numeric.tau, numeric.step) for system in systems]
        orders = (letters, equation.letters, equation.letters)
        places = [[order.index(a) * numeric.dim + m for a, m in example.term.entry.places] for order in orders]
        values = [
            table[i,] if not rest else table[tuple(sorted((i, rest[0])))] - table[i,] * table[rest[0],]
            for table, (i, *rest) in zip(tables, places, strict=True)
        ]
        return _row(numeric, values[0], [v - values[0] for v in values[1:]], NEGLIGIBLE[False])


def _row(numeric: NumericStep, exact: Any, errors: list[Any], least: float) -> Measured:
    claimed, derived = (0.0 if abs(e) < least else float(e) for e in errors)
    return Measured(numeric.step, float(numeric.tau), float(exact), claimed, derived)


def _numbers(example: Example) -> dict[str, Vector]:
    return {a: tuple(mpmath.mpf(v.p) / v.q for v in values) for a, values in example.state.items() if a != "t"}  # pyright: ignore[reportAttributeAccessIssue]


def _as_stated(stated: StatedEquation, equation: RuleEquation, dim: int) -> RuleEquation:
    """The stated equation in the form of the derived one."""

    def put(e: sp.Expr) -> sp.Expr:
        return localised(e, dim) if equation.local else e

    drift = {a: put(stated.drift[a]) for a in equation.letters}
    covariance = {key: put(e) for key, e in stated.covariance.items()}
    pair = {key: put(e) for key, e in ({(b, a): e for (a, b), e in stated.pair.items()} | dict(stated.pair)).items()}
    return replace(equation, drift=drift, covariance=covariance, pair=pair)


def _scales(method: Method, constants: Mapping[str, sp.Expr]) -> dict[sp.Basic, sp.Expr]:
    """The noise scales, or the symbols in them, in terms of eta and numbers."""
    factor = method.regime.rules.get(NOISE)
    numbers: dict[sp.Basic, sp.Expr] = {}
    for scale in map(sp.sympify, method.noise.scales):
        if factor is not None:  # the noise of a step is the specified scale times the factor
            at_start = {s: constants.get(f"{s}0" if s is scale else str(s), sp.S.One) for s in scale.free_symbols}
            numbers[scale] = scale.xreplace(at_start) * factor
            continue
        for s in scale.free_symbols:
            rule = method.regime.rules.get(str(s))
            numbers[s] = constants.get(str(s), sp.S.One)
            if rule is not None:
                numbers[s] = rule.xreplace({p: constants.get(str(p), p) for p in rule.free_symbols})
    return numbers


def _exact(numeric: NumericStep, example: Example) -> Any:
    at = _numbers(example)

    def functions(after: Mapping[str, Vector]) -> list[Any]:
        # changes from the previous state, to avoid cancellation
        changes = [after[a][m] - at[a][m] for a, m in example.term.entry.places]
        return changes if len(changes) == 1 else [*changes, changes[0] * changes[1]]

    values = numeric.mean(functions, at, mpmath.mpf(1))
    return values[0] if len(values) == 1 else values[2] - values[0] * values[1]


def _predicted(system: Any, example: Example, order: int, tau: sp.Expr, step: sp.Rational) -> Any:
    """The mean, minus the state before, or the covariance after the time tau, as an equation predicts it."""
    state, drift, covariance = system.state, system.drift, system.covariance
    size = len(state)

    def over_time(phi: sp.Expr) -> sp.Expr:
        """The generator applied to phi, plus the time derivative of phi, which may depend on the time."""
        first = sp.Add(*[drift[i] * sp.diff(phi, state[i]) for i in range(size)])
        second = [covariance[i, j] * sp.diff(phi, state[i], state[j]) for i in range(size) for j in range(size)]
        return smooth(first + sp.Add(*second) / 2) + sp.diff(phi, t)

    i, *rest = [state.index(sp.Symbol(f"{a}{m + 1}", real=True)) for a, m in example.term.entry.places]
    if not rest:
        value = drift[i] * tau + (over_time(drift[i]) * tau**2 / 2 if order == 2 else 0)
    else:
        j = rest[0]
        value = covariance[i, j] * tau
        if order == 2:
            turned = [covariance[a, n] * sp.diff(drift[b], state[n]) for a, b in ((i, j), (j, i)) for n in range(size)]
            value += (over_time(covariance[i, j]) + smooth(sp.Add(*turned))) * tau**2 / 2
    number = value.xreplace(_at(example.state)).subs(eta, step).evalf(DIGITS)
    if not number.is_number:
        raise NoClosedForm(f"the prediction is not a number: {number}")
    return mpmath.mpf(str(number))
