"""The equation of an update rule with the letter u for its schedule, if this makes it shorter."""

from dataclasses import replace

import sympy as sp

from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.rule_models import derived_rule, zero
from sdescent.derive.expressions.coordinates import Coordinate, Node
from sdescent.derive.methods.schedules import Free
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import du, t, u


def in_letter_u(rule: RuleEquation) -> tuple[RuleEquation, dict[sp.Symbol, sp.Expr]]:
    """The equation in u and du, and the meaning of each letter that occurs: the schedule u(t) and its derivative.

    The equation is derived again with a free schedule. The result is the original equation and {} if the schedule is not a
    function of time alone, if the two equations cannot be shown to agree, or if the letters make nothing shorter.
    """
    schedule = rule.method.schedule
    if t not in schedule.factor.free_symbols or schedule.factor.atoms(Coordinate, Node):
        return rule, {}
    meaning = {u: schedule.factor, du: schedule.time_derivative}
    try:
        free = derived_rule(replace(rule.method, schedule=Free()), rule.model, rule.loss, rule.dim)
        old, short = _terms(rule), _terms(free)
        same = old.keys() == short.keys() and all(zero(e.xreplace(meaning) - old[place]) for place, e in short.items())
    except (ArithmeticError, NoClosedForm, Refusal):
        return rule, {}
    used = {s: e for s, e in meaning.items() if any(part.has(s) for part in short.values())}
    shorter = sum(map(sp.count_ops, [*short.values(), *used.values()])) < sum(map(sp.count_ops, old.values()))
    return (free, used) if same and shorter else (rule, {})


def _terms(rule: RuleEquation) -> dict[object, sp.Expr]:
    """The printed expressions of an equation, by their places."""
    tables = {"covariance": rule.covariance, "pair": rule.pair}
    covariances = {(name, pair): e for name, table in tables.items() for pair, e in table.items()}
    left_out = {("left out", left.where): left.term for left in rule.left_out if left.term is not None}
    return {**rule.drift, **covariances, **left_out, **({} if rule.shift is None else {"shift": rule.shift})}
