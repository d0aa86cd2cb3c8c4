"""E phi of a quadratic phi of x and the memory, for an update rule and for its SDE, where the rule is affine: one coordinate of a
quadratic loss, unbiased compression or none, noise of bounded variance. No sampling and no grid.

phi is in the letters of the equation: where the regime rescales a memory letter, in the rescaled one. T is a multiple of the time
tau of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.linalg
import sympy as sp

from sdescent.derive.derivation import RuleSDE
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.process.generator import generator
from sdescent.derive.process.rule_moments import moments_of_step
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.derive.vocabulary.symbols import t
from sdescent.numerics.simulate.parameters import parameters_of
from sdescent.numerics.simulate.rule_equations.solving import at_numbers, factor_of
from sdescent.numerics.simulate.runs import positive
from sdescent.numerics.simulate.update_rules.regimes import settled, time_of_step
from sdescent.numerics.without_sampling.closed_moments import images_at, monomials_of, start_of, weights_of
from sdescent.numerics.without_sampling.line import Value, steps_of


def rule_model_moment(equation: RuleSDE, x0: Any, T: float, phi: Any, params: Mapping[str, Any]) -> Value:
    """E phi(Z_T) of a rule's SDE: m(T) = exp(T A) m(0) for the moments m of Z = (x, memory) up to degree 2, A the generator.

    Args:
        equation: from `sd.sde`, with a quadratic loss; the memory starts as the rule says.
        x0: the starting point, a number.
        T: horizon.
        phi: a polynomial of degree at most 2 in x1, m1, .. (SymPy).
        params: values by symbol name, as `sd.solve` takes them.

    Raises:
        BadInput: an argument outside its range; no quadratic loss; phi is not such a polynomial.
        NoClosedForm: the equations do not close, or have coefficients in t.
    """
    _curvature(equation.loss)
    horizon = positive("T", T)
    equation, parameters = at_numbers(equation, equation.loss, 1, parameters_of(params))
    named = equation.coordinates(1)
    if any(e.has(t) for e in (*named.drift, *named.covariance)):
        raise NoClosedForm("moments of an equation with coefficients in t")
    starts = {a: float(v) / factor_of(equation.method, a, parameters) for a, v in equation.method.rule.memory}
    own = {f"{a}1": v for a, v in starts.items()} | {"x1": _point(x0)}
    monomials = monomials_of(named.state)
    weights = weights_of(phi, named.state, monomials)
    rate = images_at([generator(named, m) for m in monomials], named.state, monomials, parameters, None)(0.0)
    begin = np.array([float(m.subs({s: own[s.name] for s in named.state})) for m in monomials])
    value = float(weights @ scipy.linalg.expm(horizon * rate) @ begin)
    rounding = 64 * np.finfo(float).eps * float(np.abs(weights) @ np.abs(begin) + abs(value))
    settings = {"method": equation.method.name, "model": equation.model, "eta": parameters["eta"], "T": horizon}
    return Value(value, rounding, "closed moment equations", settings)


def rule_moment(method: Method, loss: Any, x0: Any, T: float, phi: Any, params: Mapping[str, Any]) -> Value:
    """E phi(z_n) of an affine update rule at n = T/tau, by the exact recursion of its moments up to degree 2.

    Args, Raises: as for `rule_model_moment`; T must be a multiple of tau. Refusal: "time-dependent" for bias correction.
    """
    state, means, squares = moments_of_step(method, _curvature(loss))
    parameters = parameters_of(params)
    numbers = settled(method, parameters)
    steps = steps_of(T, time_of_step(method, parameters))
    monomials = monomials_of(state)
    factors = {"x": 1.0} | {a: factor_of(method, a, parameters) for a, _ in method.rule.memory}
    scaled = dict(zip(state, (sp.Float(factors[s.name[:-1]], 17) * s for s in state), strict=True))
    weights = weights_of(phi, state, monomials)
    own = {f"{a}1": float(v) for a, v in method.rule.memory} | {"x1": _point(x0)}
    images = [sp.S.One, *means, *squares.values()]
    step = images_at(images, state, monomials, numbers, None)(0.0)
    moments = np.array([float(m.subs({s: own[s.name] for s in state})) for m in monomials])
    for _ in range(steps):
        moments = step @ moments
    units = np.array([float(m.xreplace(scaled) / m) for m in monomials])
    rounding = (steps + 64) * np.finfo(float).eps * float(np.abs(weights) @ np.abs(moments / units))
    settings = {"method": method.name, "eta": parameters["eta"], "T": T, "steps": steps}
    return Value(float(weights @ (moments / units)), rounding, "moment recursion", settings)


def _curvature(loss: Any) -> Any:
    if not isinstance(loss, Quadratic):
        raise BadInput("loss", loss, "a quadratic loss: moments of a rule close on no other")
    (h,) = loss.vectors(1)["h"]
    return h


def _point(x0: Any) -> float:
    if np.size(x0) != 1:
        raise BadInput("x0", x0, "one finite number: moments of a rule are those of one coordinate")
    return start_of(x0)[0]
