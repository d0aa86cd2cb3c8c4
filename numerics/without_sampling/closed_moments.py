"""E phi for a quadratic phi from closed moment equations, in any dimension (theory 7), and the growth of second moments."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.linalg
import sympy as sp

from sdescent.derive.derivation import SDE, RuleSDE
from sdescent.derive.derivation import sde as derive_sde
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.equations.process.second_moments import moments_of_step
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss, Quadratic
from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Kind
from sdescent.derive.vocabulary.symbols import du, t
from sdescent.derive.vocabulary.symbols import u as free_u
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.lowering.to_jax import require_numbers
from sdescent.numerics.simulate.parameters import parameters_of
from sdescent.numerics.simulate.rule_equations.solving import at_numbers, factor_of
from sdescent.numerics.simulate.settings import Numbers, positive
from sdescent.numerics.simulate.starting_points import check_dimension
from sdescent.numerics.simulate.streams_and_statistics import formula_in
from sdescent.numerics.simulate.update_rules.regimes import settled, time_of_step
from sdescent.numerics.without_sampling.backward import flow
from sdescent.numerics.without_sampling.line import Value, follows_time, numbers_of, steps_of

#: the initial number of time steps for a model whose schedule changes, doubled until the value no longer changes; the most steps
STEPS, FINEST = 8, 1024

#: time -> the matrix of a linear map of monomials of degree <= 2, (1, x1, .., x1^2, x1 x2, ..): each row is the image of a
#: monomial, by its coefficients
Images = Callable[[float], np.ndarray]


def model_moment(equation: SDE, x0: Any, T: float, phi: Any, params: Numbers | None = None, u: Any = None) -> Value:
    """The expectation E phi of the state at T, for a quadratic phi, from the closed equations for the moments up to degree 2.

    The moments m solve m' = A(t) m, where A m holds the expectations of the generator of each monomial. If A is constant, m(T) =
    exp(T A) m(0). Otherwise m(T) comes from Radau IIA steps; their number is doubled, up to 1024, until the value changes by at
    most 1e-13 (1 + |value|).

    Args:
        equation: an equation from `sd.sde`, with a loss. The memory of an update rule starts as the rule defines.
        x0: the starting point, (d,) or a number.
        T: the horizon.
        phi: a polynomial of degree at most 2 in x1, .., xd (SymPy or text); for an update rule also in m1, .., as its regime
            rescales them.
        params: values by symbol name, eta among them.
        u: the function t -> u(t) of a free schedule.

    Raises:
        BadInput: an argument outside its range; no loss; a phi that is not such a polynomial.
        NoClosedForm: the equations do not close; an update rule whose equation has coefficients in t.
        Refusal: numbers at which the equation of an update rule does not exist.
    """
    start, horizon = start_of(x0), positive("T", T)
    if equation.loss is None:
        raise BadInput("loss", None, "an equation that was derived with a loss")
    dim = len(start)
    check_dimension(equation.dim, dim)
    if isinstance(equation, RuleSDE):
        equation, parameters = at_numbers(equation, equation.loss, dim, parameters_of(params))
        memory = {a: float(v) / factor_of(equation.method, a, parameters) for a, v in equation.method.rule.memory}
        start += [memory[a] for a in equation.required().letters[1:] for _ in range(dim)]
    else:
        parameters = numbers_of(equation.method, equation.loss, dim, params, u, [s.name for s in equation.parameters])
    named = equation.coordinates(dim)
    if isinstance(equation, RuleSDE) and any(e.has(t) for e in (*named.drift, *named.covariance)):
        raise NoClosedForm("moments are not implemented for the equation of an update rule with coefficients in t")
    monomials = monomials_of(named.state)
    weights = weights_of(phi, named.state, monomials)
    rate = images_at([generator(named, m) for m in monomials], named.state, monomials, parameters, u)
    begin = _at(start, named.state, monomials)
    if follows_time(equation.method):
        value, change, steps = _by_steps(rate, begin, weights, horizon)
    else:
        value, change, steps = float(weights @ scipy.linalg.expm(horizon * rate(0.0)) @ begin), 0.0, 1
    rounding = 64 * np.finfo(float).eps * float(np.abs(weights) @ np.abs(begin) + abs(value))
    about = {"method": equation.method.name, "model": equation.model}
    settings = {**about, "eta": parameters["eta"], "T": horizon, "steps": steps}
    return Value(value, change + rounding, "closed moment equations", settings)


def discrete_moment(
    method: Method, loss: Loss, x0: Any, T: float, phi: Any, params: Numbers | None = None, u: Any = None
) -> Value:
    """The expectation E phi of the state after n = T/tau steps, for a quadratic phi, by the exact recursion of its moments.

    Given x, x_{n+1} has mean x - eta h b and covariance (eta^2 h^2/N) S (theory 1, 2), so E x_i x_j becomes
    E (x - eta h b)_i (x - eta h b)_j + (eta^2/N) E h^2 S_ij. The step of an affine update rule is that of
    `sdescent.derive.equations.process.second_moments`, in one coordinate.

    Arguments and errors are those of `model_moment`, with the loss as a separate argument; T must be a multiple of tau. An update
    rule has further errors: Refusal "time-dependent" for bias correction; BadInput for more than one coordinate or a loss that is
    not quadratic.
    """
    start = start_of(x0)
    if method.plain:
        numbers = numbers_of(method, loss, len(start), params, u)
        tau, about = numbers["eta"], {"clients": numbers["N"]}
        state, means, squares = plain_step(method, loss, len(start))
        factors = np.ones(len(start))
    else:
        if len(start) > 1 or not isinstance(loss, Quadratic):
            accepted = "a quadratic loss in one coordinate: for an update rule, moments are known for no other loss"
            raise BadInput("loss", f"{loss} in {len(start)} coordinates", accepted)
        numbers, about = settled(method, parameters_of(params)), {}
        tau = time_of_step(method, parameters_of(params))
        state, means, products = moments_of_step(method, loss.vectors(1)["h"][0])
        squares = list(products.values())
        start += [float(v) for _, v in method.rule.memory]
        factors = np.array([1.0, *(factor_of(method, a, numbers) for a, _ in method.rule.memory)])
    steps, monomials = steps_of(T, tau), monomials_of(state)
    weights = weights_of(phi, state, monomials)
    step = images_at([sp.S.One, *means, *squares], state, monomials, numbers, u)
    moments, matrix = _at(start, state, monomials), step(0.0)
    for n in range(steps):
        if n and follows_time(method):
            matrix = step(n * tau)
        moments = matrix @ moments
    moments = moments / _at(factors, state, monomials)  # moments of the letters as the regime rescales them
    rounding = (steps + 64) * np.finfo(float).eps * float(np.abs(weights) @ np.abs(moments))
    settings = {"method": method.name, "eta": numbers["eta"], **about, "T": T, "steps": steps}
    return Value(float(weights @ moments), rounding, "moment recursion", settings)


def plain_step(method: Method, loss: Loss, dim: int) -> tuple[list[sp.Symbol], list[sp.Expr], list[sp.Expr]]:
    """The state, its mean after a step, and the expectations after a step of the products of coordinates i <= j."""
    # the first-order model's drift -h b and covariance (eta h^2/N) S are the moments of the step
    named = derive_sde(method, "first-order", loss, dim).expanded
    size = sp.Symbol("eta", positive=True)
    moved = [x + size * d for x, d in zip(named.state, named.drift, strict=True)]
    pairs = itertools.combinations_with_replacement(range(dim), 2)
    return named.state, moved, [moved[i] * moved[j] + size * named.covariance[i, j] for i, j in pairs]


def _at(values: Sequence[float] | np.ndarray, state: list[sp.Symbol], monomials: list[Any]) -> np.ndarray:
    """The values of the monomials at a state."""
    return np.array([float(m.subs(dict(zip(state, values, strict=True)))) for m in monomials])


def start_of(x0: Any) -> list[float]:
    """The starting point as d numbers."""
    array = np.atleast_1d(np.asarray(x0, float))
    if array.ndim != 1 or not array.size or not np.all(np.isfinite(array)):
        raise BadInput("x0", x0, "finite numbers of shape (d,)")
    return array.tolist()


def monomials_of(state: list[sp.Symbol]) -> list[Any]:
    """The monomials up to degree 2: 1, x_i, and x_i x_j with i <= j."""
    return [sp.S.One, *state, *(a * b for a, b in itertools.combinations_with_replacement(state, 2))]


def coefficients_of(expr: Any, state: list[sp.Symbol], monomials: list[Any]) -> list[Any]:
    """The coefficient of each monomial. Raises NoClosedForm for no polynomial in the state, or one with other monomials."""
    expr = sp.expand(expr)
    if not expr.is_polynomial(*state):
        raise NoClosedForm("the step or the generator is not a polynomial in the state: the moments do not close")
    terms = dict(sp.Poly(expr, *state).terms())
    row = [terms.pop(sp.Poly(m, *state).monoms()[0], sp.S.Zero) for m in monomials]
    if any(c != 0 for c in terms.values()):
        raise NoClosedForm("the equations of the moments up to degree 2 contain higher ones: they do not close")
    return row


def weights_of(phi: Any, state: list[sp.Symbol], monomials: list[Any]) -> np.ndarray:
    phi = formula_in(phi, state, "phi")
    try:
        return np.array([float(c) for c in coefficients_of(phi, state, monomials)])
    except (NoClosedForm, TypeError):
        raise BadInput("phi", phi, f"a polynomial of degree at most 2 in {', '.join(s.name for s in state)}") from None


def images_at(images: list[Any], state: list[sp.Symbol], monomials: list[Any], parameters: Numbers, u: Any) -> Images:
    """The function time -> matrix of the images, with numbers for all symbols (or BadInput). Or as `coefficients_of`."""
    of_time = {t, free_u, du}
    entries = {f"{k}{m + 1}": float(e) for k, a in parameters.items() if np.ndim(a) == 1 for m, e in enumerate(a)}
    numbers = {**entries, **{k: float(a) for k, a in parameters.items() if np.ndim(a) == 0}}
    matrix = sp.Matrix([coefficients_of(e, state, monomials) for e in images])
    require_numbers(s.name for s in matrix.free_symbols - of_time if s.name not in numbers)
    matrix = matrix.xreplace({s: sp.Float(numbers[s.name], 17) for s in matrix.free_symbols - of_time})
    function = sp.lambdify([t, free_u, du], matrix, "numpy")
    if (matrix.free_symbols & {free_u, du}) and u is None:
        raise BadInput("u", None, "the function t -> u(t) of the free schedule")

    def at(time: float) -> np.ndarray:
        values = (0.0, 0.0)
        if u is not None:
            height, slope = jax.value_and_grad(lambda s: jnp.asarray(u(s), float))(jnp.asarray(time, float))
            values = (float(height), float(slope))
        return np.asarray(function(time, *values), float)

    return at


def _by_steps(rate: Images, begin: np.ndarray, weights: np.ndarray, horizon: float) -> tuple[float, float, int]:
    """The value at T, its change in the last doubling of the steps, and the number of steps."""
    steps, before = STEPS, np.inf
    while True:
        value = float(weights @ flow(rate, begin, horizon, steps, True))
        if abs(value - before) <= 1e-13 * (1 + abs(value)) or steps >= FINEST:
            return value, abs(value - before), steps
        before, steps = value, 2 * steps


#: the maps are derived for up to this many coordinates; for more, the growth is unknown here
MOST_DIM = 10
#: exponents below this, in units of the largest entry of the maps, are 0 up to rounding
_ROUNDING = 1e-9

Maps = Callable[..., tuple[np.ndarray, np.ndarray]]


def mean_square_growth(method: Method, kind: Kind, loss: Any, dim: int, numbers: Mapping[str, float]) -> float | None:
    """The growth rate b of E zz', z the state, if b > 0 and b > 2a, where a is that of E z; None if not, or if b is unknown.

    It is unknown for a loss that is not quadratic, for more than MOST_DIM coordinates, for update rules, for a schedule or noise
    that changes with time, for missing or infinite numbers, and if second moments do not close in squares of coordinates.
    """
    if not (isinstance(loss, Quadratic) and dim <= MOST_DIM and method.plain) or follows_time(method):
        return None
    maps = _maps((method, kind, loss, dim))
    if maps is None or any(name not in numbers for name in maps[0]):
        return None
    means, squares = (np.asarray(a, float) for a in maps[1](*(numbers[name] for name in maps[0])))
    if not (np.isfinite(means).all() and np.isfinite(squares).all()):
        return None
    values = [np.linalg.eigvals(a) for a in (means, squares)]
    if kind == METHOD:
        one, two = (float(np.log(max(np.abs(v).max(), 1e-300))) / numbers["eta"] for v in values)
    else:
        one, two = (float(v.real.max()) for v in values)
    return two if two > max(0.0, 2 * one) + _ROUNDING * (1 + float(np.abs(squares).max())) else None


@Memo
def _maps(query: tuple[Method, Kind, Any, int]) -> tuple[list[str], Maps] | None:
    """The names of symbols, and the linear maps of E z and of second moments as a function of their numbers; None if unknown."""
    method, kind, loss, dim = query
    try:
        if kind == METHOD:
            state, means, products = plain_step(method, loss, dim)
            pairs = itertools.combinations_with_replacement(range(dim), 2)
            squares = [e for (i, j), e in zip(pairs, products, strict=True) if i == j]
        else:
            named = derive_sde(method, kind, loss, dim).expanded
            state, means = list(named.state), list(named.drift)
            squares = [generator(named, x**2) for x in state]
        monomials = [sp.S.One, *state, *(x**2 for x in state)]
        rows = [coefficients_of(e, state, monomials)[1 + dim :] for e in squares]
        linear = [coefficients_of(e, state, monomials)[1 : 1 + dim] for e in means]
    except (NoClosedForm, Refusal, BadInput):
        return None
    pair = sp.Matrix(linear), sp.Matrix(rows)
    symbols = sorted({s for a in pair for s in a.free_symbols}, key=str)
    return [s.name for s in symbols], sp.lambdify(symbols, list(pair), "numpy")
