"""The numbers of an update rule in its regime: from constants such as rho to the rule's own beta = 1 - rho eta, and back."""

from collections.abc import Mapping
from functools import partial
from math import isclose, isfinite
from typing import Any

import sympy as sp

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.specialise import exactly
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.kept_programs import Memo

#: the relative distance up to which two values of a parameter count as equal
CLOSE = 1e-9


def settled(method: Method, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers, with those that follow in the regime: parameters of the rule, and the factor "noise" of its noise.

    A parameter that the regime computes from constants may be given: a constant without a number is then solved for, if it occurs
    linearly. `eta` is the step size without its schedule. BadInput for numbers that do not fit.
    """
    if not (method.rule.parameters or method.regime.substitutions or method.fractions):
        return dict(numbers)
    scalars = tuple(sorted((name, value) for name, value in numbers.items() if not hasattr(value, "__len__")))
    return {**numbers, **_settled(method, scalars)}


def solved_constants(method: Method, numbers: Mapping[str, Any]) -> dict[str, float]:
    """Constants that follow from parameters that the regime computes, such as rho from beta; BadInput if contradictory or few."""
    exact = {name: exactly(value) for name, value in numbers.items() if not hasattr(value, "__len__")}
    formulas = method.values
    stated = {name: formulas[name] for name in method.regime.rules if name in exact and name in formulas}
    return {name: float(value) for name, value in _solved(stated, exact).items()} if stated else {}


def own_names(method: Method) -> set[str]:
    """Names of numbers that a user may give besides the symbols of a method: those that the rule reads or the regime computes."""
    parameters = {name for name in method.regime.rules if name not in method.rule.letters}
    return {*method.rule.parameters, *parameters} - {"eta", "N"}


def of_time(method: Method) -> set[str]:
    """Names of the numbers on which the time of a step depends."""
    return {s.name for s in method.tau.free_symbols}  # pyright: ignore[reportAttributeAccessIssue]


def time_of_step(method: Method, numbers: Mapping[str, Any]) -> float:
    """tau, the time of a step (dimensionless). Raises BadInput for a symbol without a value, or unless tau > 0."""
    tau = _number("time", method.tau, {n: exactly(v) for n, v in numbers.items() if not hasattr(v, "__len__")})
    if tau <= 0:
        raise BadInput("time", float(tau), "a time of a step above 0")
    return float(tau)


@partial(Memo, size=256)
def _settled(method: Method, scalars: tuple[tuple[str, Any], ...]) -> dict[str, float]:
    exact = {name: exactly(value) for name, value in scalars}
    if method.clients.is_number:
        exact.setdefault("N", method.clients)
    formulas = {name: e for name, e in method.values.items() if name not in method.rule.letters}
    of_regime = {name: formulas[name] for name in method.regime.rules if name in formulas}
    solved = _solved({name: e for name, e in of_regime.items() if name in exact}, exact)
    numbers = {name: float(value) for name, value in solved.items()}
    for name, e in formulas.items():
        if name in exact:
            numbers[name] = float(exact[name])
        elif name in method.rule.parameters or name in of_regime:
            numbers[name] = _number(name, e, exact | solved)
    for name in method.fractions:
        if not 0 < numbers[name] < 1:
            raise BadInput(f"parameter {name}", numbers[name], "a number strictly between 0 and 1")
    return numbers


def _solved(formulas: Mapping[str, sp.Expr], numbers: Mapping[str, sp.Expr]) -> dict[str, sp.Expr]:
    """The constants that follow from given values of parameters that the regime computes by `formulas`."""
    constants: dict[str, sp.Expr] = {}
    open_formulas = dict(formulas)
    while open_formulas:
        before = len(open_formulas)
        for name, e in list(open_formulas.items()):
            e = _put(e, {**numbers, **constants})
            unknown = e.free_symbols
            if len(unknown) == 1:
                (symbol,) = unknown
                slope = sp.diff(e, symbol)
                if slope.free_symbols or slope == 0:
                    accepted = f"a number for {symbol}: the formula is not linear in it"
                    raise BadInput(f"parameter {name}", numbers[name], accepted)
                constants[symbol.name] = (numbers[name] - e.xreplace({symbol: sp.S.Zero})) / slope
            elif not unknown and not isclose(float(e), float(numbers[name]), rel_tol=CLOSE):
                others = ", ".join(sorted(s.name for s in formulas[name].free_symbols))  # pyright: ignore[reportAttributeAccessIssue]
                follows = f"{float(e):.10g}, which follows from {others}, or no value"
                raise BadInput(f"parameter {name}", float(numbers[name]), follows)
            if len(unknown) <= 1:
                del open_formulas[name]
        if len(open_formulas) == before:
            name, e = next(iter(open_formulas.items()))
            lacking = ", ".join(sorted(s.name for s in _put(e, {**numbers, **constants}).free_symbols))  # pyright: ignore[reportAttributeAccessIssue]
            accepted = f"numbers for {lacking}, from which the regime computes it"
            raise BadInput(f"parameter {name}", float(numbers[name]), accepted)
    return constants


def _number(name: str, e: sp.Expr, numbers: Mapping[str, sp.Expr]) -> float:
    value = _put(e, numbers)
    missing = sorted(s.name for s in value.free_symbols)  # pyright: ignore[reportAttributeAccessIssue]
    if missing:
        instead = "" if missing == [name] or name in (NOISE, "time") else f", or for {name}"
        raise BadInput(f"parameter {missing[0]}", "no value", f"a number for each of {', '.join(missing)}{instead}")
    try:
        number = complex(value)
    except OverflowError:
        number = complex("inf")
    if number.imag or not isfinite(number.real):
        raise BadInput(f"parameter {name}", value, "a finite real number at these constants")
    return number.real


def _put(e: sp.Expr, numbers: Mapping[str, sp.Expr]) -> sp.Expr:
    """The expression with numbers in place of symbols, which are matched by name."""
    return e.xreplace({s: numbers[s.name] for s in e.free_symbols if s.name in numbers})  # pyright: ignore[reportAttributeAccessIssue]
