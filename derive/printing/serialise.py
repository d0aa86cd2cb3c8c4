"""The JSON of `derive`: an SDE as strings that parse back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import sympy as sp

from sdescent.derive.equations.in_coordinates import (
    CoordinateSDE,
    expand_mean,
    given_message,
    gradient_symbols,
    message_symbols,
    state_symbols,
    vectors,
)
from sdescent.derive.equations.kinks import weak_order
from sdescent.derive.equations.sde import Equation
from sdescent.derive.equations.step.moments import Moments
from sdescent.derive.expressions.coordinates import Coordinate, symbols_of
from sdescent.derive.expressions.expansion import Expansion
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.specialise import symbols_in
from sdescent.derive.printing.text import ExpressionWriter
from sdescent.derive.printing.text import text as text
from sdescent.derive.vocabulary.registry import known_as

#: how a reason in `missing` begins
NOT_ELEMENTARY = "not known as a formula:"


def to_dict(equation: Equation, named: Callable[[], CoordinateSDE]) -> dict[str, Any]:
    """The contract of `derive --json` (docs/command-line.md): arrays in named coordinates, or without a dimension the form.

    Args:
        equation: the derived equation.
        named: returns it in named coordinates; called only where it has a dimension and a closed form.
    """
    dim = equation.dim
    result = asked(equation, regime=equation.method.regime.name)
    result["state"] = [str(s) for s in state_symbols(dim or 0)]
    result["gradient"] = [str(s) for s in gradient_symbols(dim or 0)]
    shown: list[Any] = []
    where: list[tuple[str, str]] = []
    noise_type, complete = None, _complete(equation.moments)
    if dim is None:
        form = _form(equation, where)
        result["form"] = form
        shown += [equation.rate, *([] if form is None else [equation.drift, *equation.form.expressions])]  # pyright: ignore[reportOptionalMemberAccess]
    elif complete:
        expanded = named()
        parts = formulas(expanded)
        where += parts.pop("where", [])
        result |= parts
        noise_type = expanded.noise_type
        shown += [*expanded.drift, *expanded.covariance]
    else:
        result["drift"] = result["covariance"] = None
    missing: list[dict[str, str]] = []
    if not complete:
        part = expand_mean(equation)
        result["mean"] = result["rate"] = None
        if part is not None:
            entries = [[text(e) for e in column] for column in (part.mean, part.drift)]
            result["mean"], result["drift"] = entries if dim is not None else [only[0] for only in entries]
            result["rate"] = text(part.rate)
            shown += [*part.mean, *part.drift, part.rate]
        missing = _missing(equation, part is not None)
    if equation.conditional is not None:
        result["conditional"], extra = _conditional(equation, where)
        shown += [*extra, equation.rate, *symbols_in(equation.conditional.law)]
    if where:
        result["where"] = [list(pair) for pair in where]
    result["missing"] = missing
    result["noise_type"] = noise_type
    result |= conditions_of(equation)
    shown += [side for c in equation.conditions for side in (c.left, c.right)]
    omega = equation.moments.omega
    result["omega"] = None if omega is None else {"value": str(omega.value), "exact": omega.exact}
    taken = {*result["state"], *result["gradient"], *(str(s) for s in message_symbols(dim or 0))}
    names = {s.name for s in symbols_of(shown) if not isinstance(s, Coordinate)}
    result["parameters"] = sorted(names - taken)
    if own := {
        s.base: [str(e) for e in s.entries] for s in symbols_of(shown) if isinstance(s, Coordinate) and s.entries
    }:
        result["vectors"] = dict(sorted(own.items()))
    order = weak_order(equation.model, equation.loss, dim)
    return {**result, "left_out": [], "weak_order": order, "kinks": [text(e) for e in equation.kinks]}


def asked(equation: Equation, **regime: object) -> dict[str, Any]:
    """What an equation was derived from; `regime` has what is said of it."""
    method, clients = equation.method, equation.method.clients
    return {
        "method": known_as("method", method.name),
        "model": equation.model,
        **regime,
        "time": method.time,
        "dim": equation.dim,
        "clients": int(clients) if clients.is_Integer else str(clients),
    }


def conditions_of(equation: Equation) -> dict[str, Any]:
    """The conditions of an equation, and those that are not met."""
    unmet = [{"condition": str(c), "needed_for": c.purpose} for c in equation.conditions if c.met is False]
    return {"conditions": [str(c) for c in equation.conditions], "unmet": unmet}


def named_to_dict(named: CoordinateSDE) -> dict[str, Any]:
    """The part of the contract of `derive --json` that is about an equation in named coordinates, whatever its state is called."""
    return {**formulas(named), "missing": [], "noise_type": named.noise_type}


def formulas(named: CoordinateSDE) -> dict[str, Any]:
    """State, drift and covariance as strings that parse back."""
    write = ExpressionWriter([*named.drift, *named.covariance])
    result: dict[str, Any] = {
        "state": [s.name for s in named.state],
        "gradient": [s.name for s in named.gradient],
        "drift": [write(e) for e in named.drift],
        "covariance": _symmetric(named.covariance, write),
    }
    return result | ({"where": [list(pair) for pair in write.where]} if write.where else {})


def _symmetric(matrix: sp.Matrix, write: ExpressionWriter) -> list[list[str]]:
    upper = {(i, j): write(matrix[i, j]) for i in range(matrix.rows) for j in range(i, matrix.rows)}
    return [[upper[min(i, j), max(i, j)] for j in range(matrix.rows)] for i in range(matrix.rows)]


def _complete(found: Moments) -> bool:
    """Whether mean and covariance are known in elementary or hypergeometric functions."""
    return found.form is not None and (found.conditional is None or found.conditional.law.degenerate)


def _missing(equation: Equation, mean_known: bool) -> list[dict[str, str]]:
    """What has no value, each with the reason and what to do instead."""
    if equation.form is not None:
        why = f"{NOT_ELEMENTARY} the distribution function of the noise is not an elementary function"
    else:
        why = (
            f"{NOT_ELEMENTARY} the moments given the message, integrated over the noise, have no known elementary form"
        )
    how = "averaged over the clients, to be integrated from conditional"
    if mean_known:
        return [{"what": "covariance", "reason": f"{why}; it is rate (E Cov(C | v) + Cov v), {how}"}]
    return [
        {"what": "drift", "reason": f"{why}; the mean of the step is E m(v) with m(v) = E[C | v], {how}"},
        {"what": "covariance", "reason": f"{why}; it is rate (E Cov(C | v) + Cov m(v)), {how}"},
    ]


def _form(equation: Equation, where: list[tuple[str, str]]) -> dict[str, Any] | None:
    form = equation.form
    if form is None or not _complete(equation.moments):
        return None
    write = ExpressionWriter([equation.drift, equation.rate, *form.expressions])  # pyright: ignore[reportArgumentType]
    where += write.where
    return {
        "coordinate": "g_j",
        "drift": write(equation.drift),  # pyright: ignore[reportArgumentType]
        "rate": write(equation.rate),
        **_form_strings(form, write),
    }


def _form_strings(form: GradientForm, write: ExpressionWriter) -> dict[str, Any]:
    return {
        "mean": write(form.mean),
        "diag": write(form.diag),
        "factors": [write(f) for f in form.factors],
        "core": [[write(form.core[a, b]) for b in range(form.rank)] for a in range(form.rank)],
        "dense": [[write(c), leaf.name] for c, leaf in form.dense],
    }


def _conditional(equation: Equation, where: list[tuple[str, str]]) -> tuple[dict[str, Any], list[sp.Expr]]:
    given = equation.conditional.given_v  # pyright: ignore[reportOptionalMemberAccess]
    omega = equation.moments.omega
    ratio = None if omega is None else str(omega.value)
    if equation.dim is None:
        law = _noise(equation, equation.conditional.scales)  # pyright: ignore[reportOptionalMemberAccess]
        write = ExpressionWriter(given.expressions)
        where += write.where
        return {"form": _form_strings(given, write), "omega": ratio, "given": ["v_j"], **law}, [
            *given.expressions, *equation.conditional.scales,  # pyright: ignore[reportOptionalMemberAccess]
        ]  # fmt: skip
    mean, covariance = given_message(given, equation.dim)
    own = Expansion(equation.dim, vectors(equation.expressions, equation.dim, {"g": gradient_symbols(equation.dim)}))
    columns = [own.vector(s) for s in equation.conditional.scales]  # pyright: ignore[reportOptionalMemberAccess]
    scales = [column if len(set(column)) > 1 else column[0] for column in columns]
    write = ExpressionWriter([*mean, *covariance])
    where += write.where
    entry = {
        "mean": [write(e) for e in mean],
        "covariance": _symmetric(covariance, write),
        "omega": ratio,
        "given": [str(s) for s in message_symbols(equation.dim)],
        **_noise(equation, scales),
    }
    return entry, [*mean, *covariance, *(e for column in columns for e in column)]


def _noise(equation: Equation, scales: Sequence[sp.Expr | list[sp.Expr]]) -> dict[str, Any]:
    """The noise over which the moments given v = g + scale Z are to be integrated: the law of Z and the scale of each client.

    A scale that differs by coordinate is the list of those of all coordinates.
    """
    law = equation.method.noise.law
    values = {f.name: str(getattr(law, f.name)) for f in fields(law)} if is_dataclass(law) else {}
    written = [[str(e) for e in s] if isinstance(s, list) else str(s) for s in scales]
    return {"law": {"name": type(law).__name__, **values}, "scales": written}
