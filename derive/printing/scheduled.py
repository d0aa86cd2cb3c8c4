"""The equation of an update rule with the letter u for its schedule, where that makes it shorter."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.rules import derived_rule, zero
from sdescent.derive.expressions.coordinates import Coordinate, Node
from sdescent.derive.methods.schedules import Free
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import du, t, u


def in_letter_u(found: RuleEquation) -> tuple[RuleEquation, dict[sp.Symbol, sp.Expr]]:
    """The equation in u and du, and their meaning: {u: u(t)}, and du: its derivative where that occurs.

    It is derived again for a schedule that is left open. The equation as it is, and {}, where the schedule is not a function of
    time alone, where the two equations are not seen to be the same, or where the letters save nothing.
    """
    schedule = found.method.schedule
    if t not in schedule.factor.free_symbols or schedule.factor.atoms(Coordinate, Node):
        return found, {}
    meaning = {u: schedule.factor, du: schedule.time_derivative}
    try:
        free = derived_rule(replace(found.method, schedule=Free()), found.model, found.loss, found.dim)
        own, short = _terms(found), _terms(free)
        same = own.keys() == short.keys() and all(zero(e.xreplace(meaning) - own[place]) for place, e in short.items())
    except (ArithmeticError, NoClosedForm, Refusal):
        return found, {}
    used = {s: e for s, e in meaning.items() if any(part.has(s) for part in short.values())}
    shorter = sum(map(sp.count_ops, [*short.values(), *used.values()])) < sum(map(sp.count_ops, own.values()))
    return (free, used) if same and shorter else (found, {})


def _terms(found: RuleEquation) -> dict[object, sp.Expr]:
    """Every expression that is printed of an equation, by its place."""
    own = {("own", pair): e for pair, e in found.own.items()} | {("pair", pair): e for pair, e in found.pair.items()}
    left_out = {("left out", left.where): left.term for left in found.left_out if left.term is not None}
    return {**found.drift, **own, **left_out, **({} if found.shift is None else {"shift": found.shift})}
