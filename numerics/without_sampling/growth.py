"""Growth of second moments, where they close: whether a sample of paths can show a mean of squares.

If a step, or the coefficients of an equation, are affine in the state z, then E z and E zz' follow linear maps. Let a and b be the
exponents of E z and E zz' (per time). If b > 2a, the noise and not the mean makes second moments grow; by the convexity of moment
exponents (Khasminskii 2012, Stochastic Stability of Differential Equations, chapter 6; "intermittency" in Zel'dovich, Molchanov,
Ruzmaikin, Sokoloff 1987) the variance of a square then grows faster than its squared mean. If b > 0 as well, the mean grows without
bound on ever fewer paths, and no interval from the central limit theorem is sound for it.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.derivation import sde as derive_sde
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.vocabulary.choices import Kind
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.without_sampling.closed_moments import coefficients_of, plain_step
from sdescent.numerics.without_sampling.line import follows_time

#: the maps are derived up to this many coordinates; in more, only shares of single paths are known
MOST_DIM = 10
#: exponents below this, in units of the largest entry of the maps, are 0 up to rounding
_ROUNDING = 1e-9

Maps = Callable[..., tuple[np.ndarray, np.ndarray]]


def mean_square_growth(method: Method, kind: Kind, loss: Any, dim: int, numbers: Mapping[str, float]) -> float | None:
    """The exponent b of E zz' per time if b > 0 and b > 2a (see the module); None if not, or if nothing is known.

    Nothing is known here about update rules, or if second moments do not close in squares of coordinates.

    Args:
        kind: METHOD for the method itself, or the model.
        numbers: numbers by name for the symbols of method and loss, eta among them.
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
    room = _ROUNDING * (1 + float(np.abs(squares).max()))
    return two if two > max(0.0, 2 * one) + room else None


def _derived(query: tuple[Method, Kind, Any, int]) -> tuple[list[str], Maps] | None:
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


_maps = Memo(_derived, 64)
