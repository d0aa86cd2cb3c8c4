"""E f(x) over time without sampling, for a method and its equations on a quadratic, as numbers with an error (theory 5.3, 7).

Where the step, or the generator, maps monomials of degree <= 2 to such monomials, their expectations m obey m_{n+1} = M m_n, or
m' = A m. M^n m_0 and exp(t A) m_0 are enclosed in balls (Arb), from exact rational entries. Signs are not of this kind. There every
coordinate moves by itself, since its noise is its own, so that E f is a sum over lines: the transition operator and the backward
equation give each E x_j^2, with an estimate of the error. An affine update rule with memory is also treated by lines, with its
moments in double precision, where no message mixes coordinates. Losses are dimensionless.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import flint
import numpy as np
import sympy as sp
from flint import arb, arb_mat, fmpq

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.proof.piecewise.balls import value_at
from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Kind
from sdescent.numerics.without_sampling import closed_moments as closed
from sdescent.numerics.without_sampling.backward import model_means
from sdescent.numerics.without_sampling.line import follows_time
from sdescent.numerics.without_sampling.transition import lattice_means

#: the precision of the balls in bits
BITS = 192


@final
@dataclass(frozen=True)
class MeanLosses:
    """E f at S times with its errors: bounds for the route "balls" (ball arithmetic), estimates for "line" (by coordinate)."""

    value: tuple[float, ...]
    error: tuple[float, ...]
    route: str


def mean_losses(
    method: Method, kind: Kind, loss: Any, x0: Sequence[Fraction], eta: Fraction, times: Sequence[Fraction]
) -> MeanLosses | None:
    """E f of "method" or of a model at these increasing multiples of the time of a step; None where sampling is needed.

    The method is constant in time and has no symbols but eta; the loss is in the coordinates of x0.
    """
    if not isinstance(loss, Quadratic) or method.noise.dense is not None or follows_time(method):
        return None
    try:
        if (isinstance(method.compressor, Sign) and method.plain) or _with_memory(method, loss, len(x0)):
            return _on_lines(method, kind, loss, x0, eta, times)
        return _closed(method, kind, loss, x0, eta, times)
    except (NoClosedForm, Refusal, BadInput):
        return None


def _closed(
    method: Method, kind: Kind, loss: Any, x0: Sequence[Fraction], eta: Fraction, times: Sequence[Fraction]
) -> MeanLosses:
    dim = len(x0)
    if kind == METHOD:
        state, means, products = closed.plain_step(method, loss, dim)
        images = [sp.S.One, *means, *products]
    else:
        named = sde(method, kind, loss, dim).expanded
        state = list(named.state)
        images = [generator(named, m) for m in closed.monomials_of(state)]
    monomials = closed.monomials_of(state)
    point = {sp.Symbol("eta", positive=True): fmpq(eta.numerator, eta.denominator)}
    start = {s: fmpq(v.numerator, v.denominator) for s, v in zip(state, x0, strict=True)}
    with flint.ctx.workprec(BITS):
        rows = [closed.coefficients_of(e, state, monomials) for e in images]
        matrix = arb_mat([[arb(value_at(c, point)) for c in row] for row in rows])
        moments = arb_mat([[arb(value_at(m, start))] for m in monomials])
        weights = arb_mat([[arb(value_at(c, {})) for c in closed.coefficients_of(loss.value(state), state, monomials)]])
        values = []
        for t in times:
            time = arb(fmpq(t.numerator, t.denominator))
            if kind == METHOD and (t / eta).denominator != 1:
                raise BadInput("times", t / eta, "multiples of the step size")
            power = matrix ** int(t / eta) if kind == METHOD else (matrix * time).exp()
            values.append((weights * power * moments)[0, 0])
        errors = tuple(float(v.rad()) + _ROUNDED * abs(float(v)) for v in values)
        return MeanLosses(tuple(float(v.mid()) for v in values), errors, "balls")


#: the relative error of rounding a ball's midpoint to a double
_ROUNDED = 2.0**-52


def _on_lines(
    method: Method, kind: Kind, loss: Any, x0: Sequence[Fraction], eta: Fraction, times: Sequence[Fraction]
) -> MeanLosses:
    dim, params = len(x0), {"eta": float(eta)}
    later = [float(t) for t in times if t > 0]
    total, errors = np.zeros(len(times)), np.zeros(len(times))
    for h, start in zip(loss.vectors(dim)["h"], map(float, x0), strict=True):
        line, phi = Quadratic([h]), h * sp.Symbol("x1", real=True) ** 2 / 2
        subject = (method, line) if kind == METHOD else (sde(method, kind, line, 1),)
        if method.plain:
            mean: Callable[..., Any] = lattice_means if kind == METHOD else model_means
            values = mean(*subject, start, later, phi, params)
        else:
            moment: Callable[..., Any] = closed.discrete_moment if kind == METHOD else closed.model_moment
            values = [moment(*subject, start, t, phi, params) for t in later]
        at_start = [(float(h) * start**2 / 2, 0.0)] * (len(times) - len(later))
        pairs = np.array([*at_start, *((v.value, v.error) for v in values)])
        total, errors = total + pairs[:, 0], errors + pairs[:, 1]
    return MeanLosses(tuple(total.tolist()), tuple(errors.tolist()), "line")


def _with_memory(method: Method, loss: Any, dim: int) -> bool:
    """Whether the update rule has memory: NoClosedForm then, if moments of a message contain other coordinates."""
    if method.plain:
        return False
    message = sde(Method(method.compressor, method.noise, method.clients), "first-order", loss, dim).expanded
    state = set(message.state)
    entries = zip(message.state, message.drift, (message.covariance[j, j] for j in range(dim)), strict=True)
    if not all((drift.free_symbols | variance.free_symbols) & state <= {x} for x, drift, variance in entries):
        raise NoClosedForm("a message contains the gradients of other coordinates, and the update rule has memory")
    return True
