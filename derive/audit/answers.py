"""What an audit found as JSON values; formulas in the letters of stated equations."""

from __future__ import annotations

from typing import Any

import sympy as sp

from sdescent.derive.audit.example import Example, Measured, slopes
from sdescent.derive.audit.records import Term
from sdescent.derive.expressions.written import formula


def term_dict(term: Term, stated: sp.Expr, true: sp.Expr) -> dict[str, Any]:
    """A term in which two equations differ, with the whole entry that it stands in on each side."""
    return {
        "where": term.where,
        "claimed": formula(term.claimed),
        "derived": formula(term.derived),
        "difference": formula(term.difference),
        "matters": term.matters,
        "kind": term.kind,
        "factor": None if term.factor is None else formula(term.factor),
        "remark": term.remark,
        "point": {name: str(value) for name, value in term.point.items()},
        "entry": {"claimed": formula(stated), "derived": formula(true)},
    }


def example_dict(found: Example) -> dict[str, Any]:
    """An example, with what was measured in it."""
    return {
        "where": found.term.where,
        "loss": found.loss,
        "dim": found.dim,
        "constants": {name: str(value) for name, value in found.constants.items()},
        "state": {name: [str(v) for v in values] for name, values in found.state.items()},
        "claimed": formula(found.claimed),
        "derived": formula(found.derived),
        "quantity": found.quantity,
        "measured": [_row(m) for m in found.measured],
        "slopes": list(slopes(found.measured)),
        "over_time": [_row(m) for m in found.over_time],
        "slopes_over_time": list(slopes(found.over_time)),
        "reason": found.reason,
    }


def _row(m: Measured) -> dict[str, Any]:
    return {"eta": str(m.eta), "tau": m.tau, "exact": m.exact, "error_claimed": m.claimed, "error_derived": m.derived}
