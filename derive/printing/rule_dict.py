"""The JSON of `derive` for update rules with memory (docs/command-line.md)."""

from __future__ import annotations

from typing import Any

import sympy as sp

from sdescent.derive.equations.in_coordinates import expand_rule, gradient_symbols
from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.sde import Equation
from sdescent.derive.expressions.coordinates import Coordinate, symbols_of
from sdescent.derive.printing.serialise import NOT_ELEMENTARY, asked, conditions_of, named_to_dict
from sdescent.derive.printing.text import ExpressionWriter, text
from sdescent.derive.vocabulary.symbols import t


def rule_dict(equation: Equation, found: RuleEquation | str) -> dict[str, Any]:
    """The equation over x and the memory, as strings that parse back.

    Args:
        equation: what was asked.
        found: its formulas, or the reason why they have no closed form.
    """
    regime, dim = equation.method.regime, equation.dim
    result = asked(equation, regime=regime.as_given(), rules=dict(regime.substitutions))
    if isinstance(found, str):
        return result | _missing(equation, found)
    body, shown = _coordinates(found, dim) if dim is not None else _form(found)
    result |= body | conditions_of(equation)
    result["left_out"] = [
        {
            "where": left.where,
            "term": None if left.term is None else text(left.term),
            "needs": f"the moment of order {left.needs} of the noise",
            "condition": None if left.condition is None else str(left.condition),
        }
        for left in found.left_out
    ]
    result["weak_order"] = found.weak_order
    result["kinks"] = [text(e) for e in found.kinks]
    result["singular"] = [text(e) for e in found.singular]
    if found.shift is not None and found.shift != 0:
        result["shift"] = text(found.shift)
    if found.ranges:
        result["ranges"] = [{"kind": near.kind.value, "small_against_1": text(near.quantity)} for near in found.ranges]
    shown += [side for c in found.conditions for side in (c.left, c.right)]
    taken = {*result["state"], *result["gradient"], "t"}
    result["parameters"] = sorted({s.name for s in symbols_of(shown) if not isinstance(s, Coordinate)} - taken)
    result["time_dependent"] = any(e.has(t) for e in shown)
    return result


def _coordinates(found: RuleEquation, dim: int) -> tuple[dict[str, Any], list[sp.Expr]]:
    named = expand_rule(found, dim)
    return named_to_dict(named), [*named.drift, *named.covariance]


def _form(found: RuleEquation) -> tuple[dict[str, Any], list[sp.Expr]]:
    """The generic coordinate: m_j stands for coordinate j of m."""
    shown = list(found.expressions)
    write = ExpressionWriter(shown)
    form = {"coordinate": "j", **found.written(write)}
    where = {"where": [list(pair) for pair in write.where]} if write.where else {}
    return {"state": [], "gradient": [], "form": form, "missing": [], "noise_type": None, **where}, shown


def _missing(equation: Equation, reason: str) -> dict[str, Any]:
    dim, why = equation.dim or 0, f"{NOT_ELEMENTARY} {reason}"
    return {
        "state": [f"{a}{m + 1}" for a in equation.method.rule.letters for m in range(dim)],
        "gradient": [str(s) for s in gradient_symbols(dim)],
        "drift": None,
        "covariance": None,
        "conditional": None,
        "missing": [{"what": what, "reason": why} for what in ("drift", "covariance")],
        "noise_type": None,
        **conditions_of(equation),
        "left_out": [],
        "weak_order": None,
        "kinks": [],
        "singular": [],
        "parameters": sorted(name for name, value in equation.method.constants if value.is_Symbol),
    }
