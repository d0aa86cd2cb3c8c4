"""Stationary laws of the three models and of the discrete method on quadratics, and their table (theory 5, 6.7)."""

from dataclasses import dataclass
from typing import Literal, get_args

import sympy as sp

from sdescent.derive.equations.in_coordinates import CoordinateSDE, expand
from sdescent.derive.equations.process.density import Density as Density
from sdescent.derive.equations.process.density import density as density
from sdescent.derive.equations.process.density import refuse_time
from sdescent.derive.equations.process.generator import moment_equations, quadratic_mean
from sdescent.derive.equations.process.second_moments import LEADING_BACK, below, second_moments_of_rule, sign_part
from sdescent.derive.equations.process.second_moments import StationaryMoments as StationaryMoments
from sdescent.derive.equations.sde import derived, steep_at_zero
from sdescent.derive.equations.step.covariance import Condition, moments
from sdescent.derive.expressions.coordinates import Coordinate, nodes, symbols_of
from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.losses import Quadratic, Quartic
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.methods.noise.law import require_symmetric
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Kind, Model
from sdescent.derive.vocabulary.symbols import d as dimension
from sdescent.derive.vocabulary.symbols import eta, parameter


def second_moments(method: Method, dim: int, model: Model = "first-order", h: object = None) -> StationaryMoments:
    """The exact stationary E xx' of a model on f = sum_j h_j x_j^2/2, from the closed moment equations.

    Raises:
        NoClosedForm: the equations do not close (for DSignSGD use `sign_near_optimum`).
        Refusal: the SDE does not exist; "time-dependent" for a schedule in t; "no-stationary-law".

    Example:
        >>> from sdescent.derive.methods.distributed import DSGD
        >>> from sdescent.derive.methods.noise import Gaussian
        >>> found = second_moments(DSGD(Gaussian()), 1, "corrected", 2)
        >>> found[0], found.condition
        (-eta*sigma**2/(4*N*(eta - 1)), eta < 1)
    """
    equation = derived(method, model, Quadratic(h), dim)
    return second_moments_of_equation(expand(equation), equation.conditions, method)


def second_moments_of_equation(
    equation: CoordinateSDE, conditions: tuple[Condition, ...], method: Method | None = None
) -> StationaryMoments:
    """The stationary E xx' of an equation with affine drift, from the closed moment equations.

    Raises NoClosedForm if they do not close or have more than one fixed point; Refusal: "time-dependent" for
    coefficients in t; "no-stationary-law" if no values of the parameters give a law, or if a moment changes at a
    constant rate.
    """
    refuse_time(equation)
    dim, equations = equation.dim, moment_equations(equation, 2)
    rows = [equations.exponents.index(_exponent(i, j, dim)) for i, j in StationaryMoments.pairs(dim)]
    system = equations.matrix.extract(rows, rows)
    try:
        fixed = equations.stationary()
    except NoClosedForm:
        if growing := equations.growing():
            why = "d/dt E[{}] = {}, which would have to be 0".format(*growing)
            said = f"no stationary law has finite second moments: {why}; {LEADING_BACK}"
            raise Refusal("no-stationary-law", said) from None
        raise
    matrix = sp.Matrix(dim, dim, lambda i, j: fixed[_exponent(i, j, dim)])
    return StationaryMoments(matrix, system, method, conditions).require()


def discrete_second_moments(method: Method, dim: int, h: object = None) -> StationaryMoments:
    """The stationary E xx' of the method itself on f = sum_j h_j x_j^2/2 (constant step size).

    V = E xx' solves V = E (x - eta b)(x - eta b)' + (eta^2/N) E S(x), a linear equation if b is linear and S quadratic.

    For an update rule with memory, in one dimension, the result is E zz' of z = (x, memory)
    (`sdescent.derive.equations.process.second_moments`). Raises BadInput: an update rule with memory in more than one
    dimension; NoClosedForm if b is not linear in the state, S is not quadratic, or the moments are not unique; Refusal:
    "time-dependent" for a schedule in t; "no-stationary-law" if no values of the symbols give a law; "asymmetric-noise"
    if the mean may not stay 0.
    """
    if not method.plain:
        if dim != 1:
            accepted = "1 for an update rule with memory: on a quadratic each coordinate has these moments"
            raise BadInput("dim", dim, accepted)
        return second_moments_of_rule(method, h)
    variables = {(i, j): sp.Symbol(f"V{i + 1}_{j + 1}", real=True) for i, j in StationaryMoments.pairs(dim)}
    v = sp.Matrix(dim, dim, lambda i, j: variables[min(i, j), max(i, j)])
    equation = derived(method, "first-order", Quadratic(h), dim)
    refuse_time(expand(equation))
    gap = discrete_step(method, v, h) - v
    unknowns = list(variables.values())
    equations = [sp.expand(gap[i, j]) for i, j in variables]
    solution = sp.solve(equations, unknowns, dict=True)
    if len(solution) != 1:
        raise NoClosedForm("the stationary second moments are not unique")
    matrix = v.subs(solution[0]).applyfunc(sp.factor)
    return StationaryMoments(matrix, sp.Matrix(equations).jacobian(unknowns), method, equation.conditions).require()


def discrete_step(method: Method, v: sp.Matrix, h: object = None) -> sp.Matrix:
    """The matrix E x_{n+1} x_{n+1}' if E x_n x_n' = v and E x_n = 0, on the quadratic with diagonal Hessian h.

    Raises NoClosedForm if the second moments do not close; Refusal "asymmetric-noise", since the mean may not stay 0.
    """
    equation = _about_zero(method, "first-order", v.rows, h)  # the first-order model has the moments of a step
    moved = sp.Matrix(equation.state) + eta * equation.drift
    return (moved * moved.T + eta * equation.covariance).applyfunc(lambda e: _expect_quadratic(e, equation.state, v))


def continuous_rate(method: Method, v: sp.Matrix, model: Model, h: object = None) -> sp.Matrix:
    """The derivative d/dt E xx' of a model at E xx' = v and E x = 0, on the quadratic with diagonal Hessian h.

    Raises as `discrete_step`.
    """
    equation = _about_zero(method, model, v.rows, h)
    x = sp.Matrix(equation.state)
    image = equation.drift * x.T + x * equation.drift.T + equation.covariance
    return image.applyfunc(lambda e: _expect_quadratic(e, equation.state, v))


def _about_zero(method: Method, model: Model, dim: int, h: object) -> CoordinateSDE:
    """The equation on a quadratic; refused if the noise is not symmetric, since the mean may then not stay 0."""
    require_symmetric(method.noise.law, "a state of mean 0 stays so: this")
    return expand(derived(method, model, Quadratic(h), dim))


def _expect_quadratic(expr: sp.Expr, x: list[sp.Symbol], v: sp.Matrix) -> sp.Expr:
    expr = sp.expand(expr)
    if not expr.is_polynomial(*x):
        raise NoClosedForm("the step is not polynomial in the state")
    return quadratic_mean(expr, x, v, "the second moments do not close")


def _exponent(i: int, j: int, dim: int) -> tuple[int, ...]:
    """The multi-index of x_i x_j."""
    return tuple((m == i) + (m == j) for m in range(dim))


def stability_threshold(
    method: Method, model: Model | Literal["discrete"], h: object, dim: int | None = None
) -> sp.Expr:
    """The step size beyond which E ||x||^2 grows on f = sum_j h_j x_j^2/2; "discrete" is the method itself.

    It is oo if the second moments contract for every step size. If this depends on the values of symbols, the result is a
    `Piecewise` that is oo in that case. Below the threshold the stationary second moments exist (`StationaryMoments.condition`).

    Args:
        h: one curvature for all coordinates, or one for each: a number, a symbol, or its text.
        dim: the dimension. It may be left out if h has an entry for each coordinate. It may also be left out if coordinates do
            not influence each other and share their constants: the threshold is then that of one coordinate in every dimension.

    Raises:
        BadInput: no dimension is given although the threshold depends on it (Rand-k, noise that grows with ||g||, constants
            that differ by coordinate).
        NoClosedForm: the second moments do not close, or more than one threshold is found.
    """
    if dim is None and isinstance(h, (tuple, list)):
        dim = len(h)
    if dim is None and _interacting(method):
        depends = "its coordinates influence each other or differ, so the threshold depends on it"
        raise BadInput("dim", None, f"a dimension, such as dim=1: {depends}")
    if dim not in (None, 1):
        return _in_dimension(method, model, h, dim)
    v = sp.Matrix([[sp.Symbol("V", positive=True)]])
    rate = (discrete_step(method, v, h) - v) / eta if model == "discrete" else continuous_rate(method, v, model, h)
    slope = sp.factor(sp.diff(sp.expand(rate[0]), v[0]))
    roots = [r for r in sp.roots(sp.Poly(sp.numer(sp.together(slope)), eta)) if r.is_positive is not False and r != 0]
    if len(roots) > 1:
        raise NoClosedForm(f"more than one threshold: {roots}")
    if not roots:
        return sp.oo
    threshold = sp.simplify(roots[0])
    positive = sign_part(threshold)
    return threshold if positive.is_positive else sp.Piecewise((threshold, positive > 0), (sp.oo, True))


def _interacting(method: Method) -> bool:
    """Whether a coordinate of the step depends on other coordinates, the dimension or its own index, or this is unknown."""
    form = moments(method).form
    constants = symbols_of(method.compressor.conditional_moments(dimension).expressions)
    if any(isinstance(s, Coordinate) and s.base != "v" for s in constants):
        return True
    parts = () if form is None else (*form.expressions, method.schedule.factor)
    return form is None or bool(form.rank or form.dense) or any(dimension in symbols_of([e]) or nodes(e) for e in parts)


def _in_dimension(method: Method, model: Model | Literal["discrete"], h: object, dim: int) -> sp.Expr:
    """The smallest step size at which a margin of the second moments vanishes."""
    law = discrete_second_moments(method, dim, h) if model == "discrete" else second_moments(method, dim, model, h)
    ends = set()
    for margin in law.margins:
        bound = below(margin)
        if isinstance(bound, sp.Lt):
            ends.add(bound.rhs)
        elif margin.free_symbols == {eta}:
            ends |= {r for r in sp.real_roots(sp.Poly(margin, eta)) if r.is_positive}
        else:
            what = f"more than one threshold: where {bound} (`second_moments` and its `at` decide it for numbers)"
            raise NoClosedForm(what)
    return sp.Min(*(e for e in ends if not any(e != other and sign_part(e - other).is_nonnegative for other in ends)))


def sign_near_optimum(method: Method, dim: int, h: object = None) -> sp.Matrix:
    """The stationary covariance of DSignSGD near the optimum of the quadratic: (eta/(4 N M)) sigma_H H^{-1} (theory 6.7).

    The first-order SDE is linearised at 0: it has drift -A x, where -A is the Jacobian of the drift there, and
    covariance C(0). A is diagonal, so the Lyapunov equation gives C_ij/(A_i + A_j). Raises Refusal: "unbounded-lambda"
    if the mean of the step jumps at the optimum (the noise has no density there); "asymmetric-noise" if the noise is
    not symmetric, so that the optimum may not be a point of rest.
    """
    require_symmetric(method.noise.law, "the sign's mean vanishes at the optimum: this")
    equation = expand(derived(method, "first-order", Quadratic(h), dim))
    refuse_time(equation)
    x = equation.state
    mean = moments(method, dim).mean
    if method.noise.law.degenerate or (mean is not None and steep_at_zero(mean, method)):
        why = "without noise at the optimum the sign jumps there, so nothing is linear"
        raise Refusal("unbounded-lambda", f"{why}: use noise that stays (sigma0 > 0)")
    slopes = []
    for i in range(dim):
        y = sp.Dummy("y", positive=True)
        along = equation.drift[i].xreplace({s: sp.S.Zero for s in x if s != x[i]}).xreplace({x[i]: y})
        slope = sp.diff(along, y).subs(y, 0)
        slopes.append(slope.replace(lambda e: isinstance(e, sp.hyper) and e.args[2] == 0, lambda e: sp.S.One))
    at_rest = equation.covariance.xreplace(dict.fromkeys(x, sp.S.Zero))
    return sp.Matrix(dim, dim, lambda i, j: sp.simplify(at_rest[i, j] / (-slopes[i] - slopes[j])))


LAMBDA, SIGMA = parameter("lambda"), parameter("sigma")
MODEL_NAMES: tuple[Model, ...] = get_args(Model)
#: weak orders are theorems about small step sizes; they are not computed here, numerics measures them (theory 7)
WEAK_ORDERS = {
    "first-order": (1, "Li, Tai, E 2017, theorem for the first-order modified equation"),
    "second-order": (2, "Li, Tai, E 2017, theorem for the second-order modified equation"),
    "corrected": (
        1,
        "its drift differs from the second-order one at first order in the step size (arXiv 2506.00181 v2)",
    ),
}
_SQUARE = sp.Matrix([[sp.Symbol("V", positive=True)]])


@dataclass(frozen=True)
class ModelRow:
    """One model on f = lambda x^2/2 with noise variance sigma^2 (all dimensionless)."""

    model: Model  # the name of the model
    threshold: sp.Expr  # the step size beyond which the second moment grows; oo if it never grows
    threshold_right: bool  # whether `threshold` is that of the method itself
    variance: sp.Expr  # the stationary E x^2
    variance_ratio: sp.Expr  # `variance` divided by that of the method itself
    rate_error: sp.Expr  # the leading term of the decay rate of f minus that of the method, without noise
    rate_error_order: int  # the power of eta in `rate_error`
    weak_order: int  # the order in eta at which expectations agree as eta -> 0
    weak_order_source: str  # where the weak order is proved


def decay_rate(subject: Kind) -> sp.Expr:
    """The rate r with f(X_t) = exp(-r t) f(x_0) without noise on f = lambda x^2/2; for the method t = n eta, eta lambda < 1."""
    if subject == "method":
        return -sp.log(sp.expand(sp.cancel(discrete_step(DSGD(), _SQUARE, LAMBDA)[0] / _SQUARE[0]))) / eta
    return sp.expand(-sp.cancel(continuous_rate(DSGD(), _SQUARE, subject, LAMBDA)[0] / _SQUARE[0]))


def stationary_variance(subject: Kind) -> sp.Expr:
    """The stationary E x^2 on f = lambda x^2/2, for DSGD with Gaussian noise of variance sigma^2."""
    noisy = DSGD(Scaled(Gaussian(), SIGMA))
    if subject == "method":
        return sp.factor(discrete_second_moments(noisy, 1, LAMBDA)[0])
    return sp.factor(second_moments(noisy, 1, subject, LAMBDA)[0])


def leading_error(error: sp.Expr) -> tuple[sp.Expr, int]:
    """The pair (c, m) with error = c eta^m + O(eta^{m+1}); (0, 0) if the error is 0."""
    if sp.cancel(error) == 0:
        return sp.S.Zero, 0
    coefficient, power = sp.series(error, eta, 0, 4).removeO().as_leading_term(eta).as_coeff_exponent(eta)
    return coefficient, int(power)


def quartic_threshold(subject: Kind) -> sp.Expr:
    """The q such that on f = x^4/4, without noise, |x| grows if eta x^2 > q and falls if eta x^2 < q; oo if |x| never grows."""
    q = sp.Symbol("q", positive=True)
    equation = expand(derived(DSGD(), "first-order" if subject == "method" else subject, Quartic(), 1))
    x, drift = equation.state[0], equation.drift[0]
    # the relative change of x^2, in a step or in the time eta
    change = (1 + eta * drift / x) ** 2 - 1 if subject == "method" else 2 * eta * drift / x
    change = sp.expand(sp.cancel(change).subs(x, sp.sqrt(q / eta)))
    roots = [r for r in sp.roots(sp.Poly(change, q)) if r.is_positive]
    if not roots and change.subs(q, 1).is_negative:
        return sp.oo
    if len(roots) != 1 or not (change.subs(q, roots[0] + 1).is_positive and change.subs(q, roots[0] / 2).is_negative):
        raise NoClosedForm(f"no single threshold of growth on the quartic: {roots}")
    return roots[0]


def model_table() -> tuple[ModelRow, ...]:
    """The rows of the models: threshold, stationary variance, error of the decay rate, and the weak order as cited (theory 5.4)."""
    rate, method_variance = decay_rate("method"), stationary_variance("method")
    method = stability_threshold(DSGD(), "discrete", LAMBDA)
    rows = []
    for model in MODEL_NAMES:
        threshold, variance = stability_threshold(DSGD(), model, LAMBDA), stationary_variance(model)
        coefficient, power = leading_error(decay_rate(model) - rate)
        rows.append(
            ModelRow(
                model, threshold, threshold == method, variance, sp.cancel(variance / method_variance),
                coefficient * eta**power, power,
                *WEAK_ORDERS[model],
            )
        )  # fmt: skip
    return tuple(rows)
