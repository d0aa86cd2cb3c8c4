"""The JSON of `derive` (docs/command-line.md): an SDE of a method or of an update rule, as strings that parse back."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import sympy as sp

from sdescent.derive.equations import in_coordinates
from sdescent.derive.equations.kinks import weak_order
from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.sde import Equation
from sdescent.derive.equations.step.covariance import Moments
from sdescent.derive.equations.step.draws import MessageLeaf
from sdescent.derive.expressions.coordinates import Coordinate, symbols_of
from sdescent.derive.expressions.gradient_form import Expansion, GradientForm
from sdescent.derive.methods.specialise import symbols_in
from sdescent.derive.printing.text import ExpressionWriter
from sdescent.derive.printing.text import text as text
from sdescent.derive.vocabulary.registry import known_as
from sdescent.derive.vocabulary.symbols import t

#: the start of a reason in `missing`
NOT_ELEMENTARY = "not known as a formula:"


def to_dict(equation: Equation, named: Callable[[], in_coordinates.CoordinateSDE]) -> dict[str, Any]:
    """The JSON values of `derive --json` (docs/command-line.md): arrays in named coordinates, or the form without a dimension.

    `named` returns the equation in named coordinates; it is called only if there is a dimension and a closed form.
    """
    dim = equation.dim
    result = asked(equation, regime=equation.method.regime.name)
    result["state"] = [str(s) for s in in_coordinates.state_symbols(dim or 0)]
    result["gradient"] = [str(s) for s in in_coordinates.gradient_symbols(dim or 0)]
    expressions: list[Any] = []
    where: list[tuple[str, str]] = []
    noise_type, complete = None, _complete(equation.moments)
    if dim is None:
        result["form"], form, drift = None, equation.form, equation.drift
        expressions.append(equation.rate)
        if complete and form is not None and drift is not None:
            write = ExpressionWriter([drift, equation.rate, *form.expressions])
            where += write.where
            strings = {"coordinate": "g_j", "drift": write(drift), "rate": write(equation.rate)}
            result["form"] = strings | _form_strings(form, write)
            expressions += [drift, *form.expressions]
    elif complete:
        expanded = named()
        parts = formulas(expanded)
        where += parts.pop("where", [])
        result |= parts
        noise_type = expanded.noise_type
        expressions += [*expanded.drift, *expanded.covariance]
    else:
        result["drift"] = result["covariance"] = None
    missing: list[dict[str, str]] = []
    if not complete:
        part = in_coordinates.expand_mean(equation)
        result["mean"] = result["rate"] = None
        if part is not None:
            *columns, rate = part
            entries = [[text(e) for e in column] for column in columns]
            result["mean"], result["drift"] = entries if dim is not None else [only[0] for only in entries]
            result["rate"] = text(rate)
            expressions += [*columns[0], *columns[1], rate]
        missing = _missing(equation, part is not None)
    if equation.conditional is not None:
        result["conditional"], extra = _conditional(equation, where)
        expressions += [*extra, equation.rate, *symbols_in(equation.conditional.law)]
    result |= _where(where) | {"missing": missing, "noise_type": noise_type} | conditions_of(equation)
    expressions += [side for c in equation.conditions for side in (c.left, c.right)]
    omega = equation.moments.omega
    result["omega"] = None if omega is None else {"value": str(omega.value), "exact": omega.exact}
    taken = {*result["state"], *result["gradient"], *(str(s) for s in in_coordinates.message_symbols(dim or 0))}
    result["parameters"] = _parameters(expressions, taken)
    if constants := [s for s in symbols_of(expressions) if isinstance(s, Coordinate) and s.entries]:
        result["vectors"] = dict(sorted((s.base, [str(e) for e in s.entries]) for s in constants))
    order = weak_order(equation.model, equation.loss, dim)
    return {**result, "left_out": [], "weak_order": order, "kinks": [text(e) for e in equation.kinks]}


def asked(equation: Equation, **regime: object) -> dict[str, Any]:
    """The JSON entries that name the sources of an equation; `regime` has the entries about its regime."""
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
    """The conditions of an equation, and separately the unmet ones."""
    unmet = [{"condition": str(c), "needed_for": c.purpose} for c in equation.conditions if c.met is False]
    return {"conditions": [str(c) for c in equation.conditions], "unmet": unmet}


def named_to_dict(named: in_coordinates.CoordinateSDE) -> dict[str, Any]:
    """The part of `derive --json` about an equation in named coordinates, with any names for its state."""
    return {**formulas(named), "missing": [], "noise_type": named.noise_type}


def formulas(named: in_coordinates.CoordinateSDE) -> dict[str, Any]:
    """State, gradient, drift and covariance as strings that parse back."""
    write = ExpressionWriter([*named.drift, *named.covariance])
    return {
        "state": [s.name for s in named.state],
        "gradient": [s.name for s in named.gradient],
        "drift": [write(e) for e in named.drift],
        "covariance": _symmetric(named.covariance, write),
        **_where(write.where),
    }


def _where(where: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The entry with the names of repeated parts, if there are any."""
    return {"where": [list(pair) for pair in where]} if where else {}


def _parameters(expressions: Sequence[sp.Expr], taken: set[str]) -> list[str]:
    """The names of symbols that need a number."""
    return sorted({s.name for s in symbols_of(expressions) if not isinstance(s, Coordinate)} - taken)


def _symmetric(matrix: sp.Matrix, write: ExpressionWriter) -> list[list[str]]:
    upper = {(i, j): write(matrix[i, j]) for i in range(matrix.rows) for j in range(i, matrix.rows)}
    return [[upper[min(i, j), max(i, j)] for j in range(matrix.rows)] for i in range(matrix.rows)]


def _complete(step: Moments) -> bool:
    """Whether mean and covariance are known in elementary or hypergeometric functions."""
    return step.form is not None and (step.conditional is None or step.conditional.law.degenerate)


def _missing(
    equation: Equation, mean_known: bool, mean: str = "the mean of the step is", covariance: str = "it is rate"
) -> list[dict[str, str]]:
    """The entries without a value, with reason and remedy; the sentences about mean and covariance begin with `mean`
    and `covariance`.
    """
    cause = "the distribution function of the noise is not an elementary function"
    if equation.form is None:
        cause = "the moments given the message, integrated over the noise, have no known elementary form"
    why = f"{NOT_ELEMENTARY} {cause}"
    how = "averaged over the clients, to be integrated from conditional"
    if mean_known:
        return [{"what": "covariance", "reason": f"{why}; {covariance} (E Cov(C | v) + Cov v), {how}"}]
    return [
        {"what": "drift", "reason": f"{why}; {mean} E m(v) with m(v) = E[C | v], {how}"},
        {"what": "covariance", "reason": f"{why}; {covariance} (E Cov(C | v) + Cov m(v)), {how}"},
    ]


def _form_strings(form: GradientForm, write: ExpressionWriter) -> dict[str, Any]:
    return {
        "mean": write(form.mean),
        "diag": write(form.diag),
        "factors": [write(f) for f in form.factors],
        "core": [[write(form.core[a, b]) for b in range(form.rank)] for a in range(form.rank)],
        "dense": [[write(c), leaf.name] for c, leaf in form.dense],
    }


def _conditional(equation: Equation, where: list[tuple[str, str]]) -> tuple[dict[str, Any], list[sp.Expr]]:
    conditional, omega, dim = equation.conditional, equation.moments.omega, equation.dim
    assert conditional is not None  # for the type checker; the caller has checked
    given_v, ratio = conditional.given_v, None if omega is None else str(omega.value)
    if dim is None:
        law = _noise(equation, conditional.scales)
        write = ExpressionWriter(given_v.expressions)
        where += write.where
        entry = {"form": _form_strings(given_v, write), "omega": ratio, "given": ["v_j"], **law}
        return entry, [*given_v.expressions, *conditional.scales]
    mean, covariance = in_coordinates.given_message(given_v, dim)
    gradient = {"g": in_coordinates.gradient_symbols(dim)}
    in_gradient = Expansion(dim, in_coordinates.vectors(equation.expressions, dim, gradient))
    columns = [in_gradient.vector(s) for s in conditional.scales]
    write = ExpressionWriter([*mean, *covariance])
    where += write.where
    entry = {
        "mean": [write(e) for e in mean],
        "covariance": _symmetric(covariance, write),
        "omega": ratio,
        "given": [str(s) for s in in_coordinates.message_symbols(dim)],
        **_noise(equation, [column if len(set(column)) > 1 else column[0] for column in columns]),
    }
    return entry, [*mean, *covariance, *(e for column in columns for e in column)]


def _noise(equation: Equation, scales: Sequence[sp.Expr | list[sp.Expr]]) -> dict[str, Any]:
    """The law of Z and the scale of each client, a list if coordinates differ, over which moments given v = g + scale Z
    are integrated.
    """
    law = equation.method.noise.law
    values = {f.name: str(getattr(law, f.name)) for f in fields(law)} if is_dataclass(law) else {}
    written = [[str(e) for e in s] if isinstance(s, list) else str(s) for s in scales]
    return {"law": {"name": type(law).__name__, **values}, "scales": written}


# --- update rules with memory


def rule_dict(equation: Equation, rule: RuleEquation | str) -> dict[str, Any]:
    """The equation over x and the memory, as strings that parse back; `rule` may be the reason why it has no closed form."""
    regime, dim = equation.method.regime, equation.dim
    result = asked(equation, regime=regime.as_given(), rules=dict(regime.substitutions))
    if isinstance(rule, str):
        return result | _without_formulas(equation, rule)
    if dim is None or rule.message is not None:
        expressions = list(rule.expressions)
        write = ExpressionWriter(expressions)  # at the generic coordinate: m_j stands for coordinate j of m
        form = {"coordinate": "j", **rule.written(write)}
        body = {"state": [], "gradient": [], "form": form, "missing": [], "noise_type": None, **_where(write.where)}
    else:
        named = in_coordinates.expand_rule(rule, dim)
        body, expressions = named_to_dict(named), [*named.drift, *named.covariance]
    if rule.message is not None:
        written, more = _of_message(equation, rule, rule.message)
        body, expressions = body | written, [*expressions, *more]
    result |= body | conditions_of(equation)
    result["left_out"] = [
        {
            "where": left.where,
            "term": None if left.term is None else text(left.term),
            "needs": f"the moment of order {left.needs} of the noise",
            "condition": None if left.condition is None else str(left.condition),
        }
        for left in rule.left_out
    ]
    kinks, singular = ([text(e) for e in parts] for parts in (rule.kinks, rule.singular))
    result |= {"weak_order": rule.weak_order, "kinks": kinks, "singular": singular}
    if rule.shift is not None and rule.shift != 0:
        result["shift"] = text(rule.shift)
    if rule.ranges:
        result["ranges"] = [{"kind": near.kind.value, "small_against_1": text(near.quantity)} for near in rule.ranges]
    expressions += [side for c in rule.conditions for side in (c.left, c.right)]
    taken = {*result["state"], *result["gradient"], *(str(s) for s in in_coordinates.message_symbols(dim or 0)), "t"}
    result["parameters"] = _parameters(expressions, taken)
    result["time_dependent"] = any(e.has(t) for e in expressions)
    return result


def _of_message(equation: Equation, rule: RuleEquation, leaf: MessageLeaf) -> tuple[dict[str, Any], list[sp.Expr]]:
    """The letters for mean and covariance of a message, and the moments given the message, whose integrals they are.

    In named coordinates the drift is known if it contains none of these letters; `form` has the whole drift in any case.
    """
    where: list[tuple[str, str]] = []
    conditional, expressions = _conditional(equation, where)
    closed_drift = not leaf.occurs_in(rule.drift.values())
    written = {
        "message": {"mean": leaf.mean.base, "covariance": leaf.covariance.name},
        "conditional": conditional,
        "missing": _missing(equation, closed_drift, f"{leaf.mean.base} is", f"{leaf.covariance.name} is"),
        **_where(where),
    }
    if equation.dim is not None:
        drift = in_coordinates.expand_rule_drift(rule, equation.dim) if closed_drift else None
        written["state"] = [f"{a}{m + 1}" for a in rule.letters for m in range(equation.dim)]
        written["gradient"] = [str(s) for s in in_coordinates.gradient_symbols(equation.dim)]
        written["drift"], written["covariance"] = None if drift is None else list(map(text, drift)), None
        expressions += drift or []
    return written, [*expressions, *symbols_in(leaf.moments.conditional.law)]  # pyright: ignore[reportOptionalMemberAccess]


def _without_formulas(equation: Equation, reason: str) -> dict[str, Any]:
    dim, why = equation.dim or 0, f"{NOT_ELEMENTARY} {reason}"
    return {
        "state": [f"{a}{m + 1}" for a in equation.method.rule.letters for m in range(dim)],
        "gradient": [str(s) for s in in_coordinates.gradient_symbols(dim)],
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
