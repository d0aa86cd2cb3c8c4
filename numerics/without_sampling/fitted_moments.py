"""E f over time on a quadratic loss given as a function, such as least squares over data, without sampling (theory 5.3, 7).

Drift D and covariance V are known as functions of x, through the same programs that simulate paths, and not as formulas. If D is
linear in x and V quadratic, their coefficients follow from values at enough points, and values at further points show that they are
of this kind. With z = (1, x), the second moments M = E zz' then obey a linear recursion for the method, whose step has mean
x + eta D and covariance eta V, or a linear differential equation for a model. Everything is dimensionless.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg

from sdescent.derive.derivation import SDE
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.lowering.landscape import Landscape, landscape
from sdescent.numerics.simulate.equation import at_these
from sdescent.numerics.simulate.equation_program import Subject
from sdescent.numerics.simulate.parameters import constants, deciding, unfrozen
from sdescent.numerics.simulate.streams_and_statistics import at_time
from sdescent.numerics.simulate.systems import ito_system
from sdescent.numerics.without_sampling import line

#: points beyond those that determine the coefficients, and the largest relative error there
FURTHER, LARGEST = 24, 1e-8

#: x (d, P) -> drift (d, P) and covariance (d, d, P)
Coefficients = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def coefficients(equation: SDE, loss: Landscape, params: Mapping[str, Any]) -> Coefficients:
    """Drift and covariance of an equation derived without a loss, for a loss and numbers. Raises Refusal, NoClosedForm."""
    assert equation.dim  # for the type checker: a derivation in coordinates
    names = [s.name for s in equation.parameters]
    parameters = line.numbers_of(equation.method, loss, equation.dim, params, None, names)
    settled = at_these(equation, loss, equation.dim, parameters)
    fixed, free = constants(parameters, deciding(settled.method, loss, equation.dim) | {"N"})
    identity = (settled.method, settled.model, *settled.expressions)
    both = _compiled(Subject(settled, identity, (), equation.dim, loss, None, fixed, ()))

    def at(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drift, covariance = both(x, free)
        return np.asarray(drift), np.asarray(covariance)

    return at


def with_noise(
    terms: Coefficients, share: float, covariance: np.ndarray, at: Callable[[np.ndarray], np.ndarray]
) -> Coefficients:
    """Drift and covariance of the same method under noise whose covariance (d, d) depends on x, by `at`.

    A compressor whose message C(v) has second moments that are quadratic in v has E C(v) C(v)' = A(E vv') with a linear map A
    (else NoClosedForm). It follows from `terms`, those of the first-order equation under Gaussian noise with `covariance` for an
    unbiased compressor and u = 1, since the gradients at enough points span the symmetric matrices; `share` is eta/N.
    """
    dim = len(covariance)
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    upper = tuple(np.array(pairs).T)
    drift, moved = terms(np.random.default_rng(1).standard_normal((dim, len(pairs) + FURTHER)))
    square = np.einsum("ip,jp->ijp", drift, drift)
    features = (covariance[..., None] + square)[upper]
    outputs = (moved / share + square).reshape(dim * dim, -1)
    linear = np.linalg.lstsq(features.T, outputs.T, rcond=None)[0].T
    if np.abs(linear @ features - outputs).max() > LARGEST * np.abs(outputs).max():
        raise NoClosedForm("the second moments of the message are not linear in those of the gradient")

    def moving(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drift, _ = terms(x)
        square = np.einsum("ip,jp->ijp", drift, drift)
        noise = np.stack([at(column) for column in x.T], axis=-1)
        second = (linear @ (noise + square)[upper]).reshape(dim, dim, -1)
        return drift, share * (second - square)

    return moving


@partial(Memo, size=16)
def _compiled(subject: Subject) -> Callable[..., Any]:
    fixed = unfrozen(subject.fixed)
    system = ito_system(subject.equation, subject.dim, fixed, 256, subject.loss)
    land = landscape(subject.loss, subject.dim, fixed)

    @jit
    def both(x: jax.Array, free: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
        drift, values = system.evaluate(at_time({**fixed, **free}, land, x, 0.0, None), 1.0)
        units = jnp.eye(system.normals)[..., None] * jnp.ones_like(x[:1])
        columns = jnp.stack([system.apply(values, unit, 1.0) for unit in units])
        return drift, jnp.einsum("kip,kjp->ijp", columns, columns)

    return both


def mean_values(
    terms: Coefficients, value: Callable[[np.ndarray], np.ndarray], start: np.ndarray, times: Sequence[float], eta: float,
    discrete: bool,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """E f at these times, increasing from 0, and estimates of absolute errors, (S,) each; f (P,) = value(x (d, P)) is quadratic.

    `terms` are drift and covariance at points, those of the first-order equation if the method itself moves (`discrete`), at
    multiples of eta. NoClosedForm if drift, covariance or f is not of the degree that closes the moments.
    """
    dim = len(start)
    pairs = [(i, j) for i in range(dim + 1) for j in range(i, dim + 1)]
    spread = max(1.0, np.abs(start).max())
    points = start[:, None] + spread * np.random.default_rng(0).standard_normal((dim, len(pairs) + FURTHER))
    quadratic = _coefficients(points, pairs)
    weights, third = quadratic(value(points)[None, :])
    if third > LARGEST:
        raise NoClosedForm("the loss is not quadratic: the second moments do not close")
    drift, covariance = terms(points)
    rates, first = quadratic(drift)
    spreads, second = quadratic(covariance.reshape(dim * dim, -1))
    off = max(first, second, third)
    linear = [k for k, (i, _) in enumerate(pairs) if i == 0]
    if off > LARGEST or np.abs(np.delete(rates, linear, axis=1)).max() > LARGEST * np.abs(rates).max():
        raise NoClosedForm("the drift is not linear, or the covariance not quadratic: the second moments do not close")
    generator = np.zeros((dim + 1, dim + 1))  # of z
    generator[1:] = rates[:, linear]
    columns = []
    for k, (i, j) in enumerate(pairs):
        moments = np.zeros((dim + 1, dim + 1))
        moments[i, j] = moments[j, i] = 1.0
        noise = np.zeros_like(moments)
        noise[1:, 1:] = spreads[:, k].reshape(dim, dim)
        moved = generator @ moments + moments @ generator.T
        step = moments + eta * moved + eta**2 * generator @ moments @ generator.T + eta * noise
        new = step if discrete else moved + noise
        columns.append([new[a, b] for a, b in pairs])
    matrix, z = np.array(columns).T, np.array([1.0, *start])
    state, before, means, errors = np.array([z[i] * z[j] for i, j in pairs]), 0.0, [], []
    for t in times:
        gap = t - before
        power = np.linalg.matrix_power(matrix, round(gap / eta)) if discrete else scipy.linalg.expm(gap * matrix)
        state, before = power @ state, t
        means.append(float(weights[0] @ state))
        errors.append((off + (t / eta + 64) * np.finfo(float).eps) * float(np.abs(weights[0]) @ np.abs(state)))
    return np.array(means), np.array(errors)


def _coefficients(
    points: np.ndarray, pairs: Sequence[tuple[int, int]]
) -> Callable[[np.ndarray], tuple[np.ndarray, float]]:
    """values (K, P) -> coefficients (K, pairs) of the products z_i z_j, and the largest relative error at all points."""
    z = np.vstack([np.ones(points.shape[1]), points])
    basis = np.array([z[i] * z[j] for i, j in pairs])

    def fitted(values: np.ndarray) -> tuple[np.ndarray, float]:
        solution = np.linalg.solve(basis[:, : len(pairs)].T, values[:, : len(pairs)].T).T
        return solution, float(np.abs(solution @ basis - values).max() / (np.abs(values).max() or 1.0))

    return fitted
