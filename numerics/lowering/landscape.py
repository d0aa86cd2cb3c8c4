"""A loss as JAX functions of a batch of points, and the drift over a step. Dimensionless."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.equations.in_coordinates import state_symbols
from sdescent.derive.expressions.coordinates import Coordinate, Hvp, g, to_slot
from sdescent.derive.methods.losses import LogisticRegression, Loss, Separable, x
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.rows import product
from sdescent.numerics.lowering.tape import environment
from sdescent.numerics.lowering.to_jax import concrete, lower_coordinate, lower_function, require_numbers, with_numbers

#: the symbol for the length of a step, a scalar of an environment; no parameter has such a name
STEP = sp.Symbol("length of the step", positive=True)
_PREFIX = "of the loss: "


def over_step(drift: sp.Expr, loss: Any = None) -> sp.Expr:
    """The drift (gradient form) times `STEP` in the generic coordinate; `loss` names the vectors of the Hessian products."""
    second = _second(loss)
    terms = [sp.Mul.make_args(term) for term in sp.Add.make_args(drift)]
    if second is not None:
        written = {f: second * to_slot(f.args[0], "k", "j") for f in drift.atoms(Hvp) if f.slot == "j"}
        terms = [sp.Mul.make_args(sp.Mul(*[written.get(f, f) for f in factors])) for factors in terms]
    common = len(terms) > 1 and all(g in factors for factors in terms)
    products = [[f for f in factors if not (common and f == g)] for factors in terms]
    total = sp.Add(*[sp.Mul(STEP, *factors) for factors in products])
    return sp.Mul(total, g, evaluate=False) if common else total


def loss_vector(base: str) -> str:
    """The name of a vector of the loss in `over_step`, different from the names of the method's vectors."""
    return _PREFIX + base


def _second(loss: Any) -> sp.Expr | None:
    """f_j'' if it is a polynomial in x_j, else None: other derivatives may cancel or overflow where f does not."""
    if not isinstance(loss, Separable):
        return None
    second = sp.diff(loss.coordinate, x, 2)
    vectors = {c: Coordinate(loss_vector(c.base), "j") for c in second.atoms(Coordinate) if c != x}
    return second.xreplace(vectors) if second.is_polynomial(x) else None


@final
@dataclass(frozen=True)
class Landscape:
    """A loss f on a batch: `value` is x (d, paths) -> f(x) (paths,), `slope` x -> grad f(x), None for automatic differentiation."""

    value: Callable[[jax.Array], jax.Array]
    slope: Callable[[jax.Array], jax.Array] | None = None

    def gradient(self, x: jax.Array) -> jax.Array:
        """grad f(x), (d, paths)."""
        if self.slope is not None:
            return self.slope(x)
        return jax.grad(lambda y: jnp.sum(self.value(y)))(x)

    def hessian_product(self, x: jax.Array, c: jax.Array) -> jax.Array:
        """The Hessian product H(x) c, (d, paths), without forming H."""
        return self.directional(x, c, 1)

    def directional(self, x: jax.Array, c: jax.Array, n: int) -> jax.Array:
        """The n-th directional derivative of grad f along c, (d, paths): H(x) c for n = 1, f''' applied to (c, c) for n = 2."""
        if n == 0:
            return self.gradient(x)
        return jax.jvp(lambda y: self.directional(y, c, n - 1), (x,), (c,))[1]


@singledispatch
def landscape(loss: Any, dim: int, parameters: Mapping[str, Any] | None = None) -> Landscape:
    """The batch form of a loss: one of `derive`, a `Landscape`, or a function x (d,) -> f(x) written with jax.numpy.

    `parameters` are values of a derive loss's symbols by name, a vector as one array ("h") or by its entries. BadInput for an
    object that is not a loss, or a symbol without a value.
    """
    if not callable(loss):
        raise BadInput("loss", loss, "a loss of the toolkit, or a function x (d,) -> number written with jax.numpy")
    batched: Callable[..., Any] = jax.vmap(loss, in_axes=1)
    return Landscape(batched)


@landscape.register
def _(loss: Landscape, dim: int, parameters: Mapping[str, Any] | None = None) -> Landscape:
    return loss


@landscape.register
def _(loss: Loss, dim: int, parameters: Mapping[str, Any] | None = None) -> Landscape:
    state = state_symbols(dim)
    function = lower_function(with_numbers(loss.value(state), parameters or {}, {s.name for s in state}), state)
    plain = Landscape(lambda x: function(*x))
    players = loss.players(dim)
    if -1 not in players:
        return plain
    signs = jnp.asarray(players)[:, None]
    return Landscape(plain.value, lambda x: signs.astype(x.dtype) * plain.gradient(x))


@landscape.register
def _(loss: Separable, dim: int, parameters: Mapping[str, Any] | None = None) -> Landscape:
    loss.require_own_symbols()
    values = {**(parameters or {}), **loss_vectors(loss, dim, parameters or {})}
    lowered = lower_coordinate(loss.coordinate)
    require_numbers(lowered.missing(values))
    constant = environment(values)

    def value(x: jax.Array) -> jax.Array:
        return jnp.sum(lowered(environment(values, {**constant.vectors, "x": x})), axis=0)

    return Landscape(value)


@landscape.register
def _(loss: LogisticRegression, dim: int, parameters: Mapping[str, Any] | None = None) -> Landscape:
    """Logistic regression on arrays, without the overflow of exp(-margin)."""
    values = parameters or {}
    rows = [[sp.Symbol(f"a{m + 1}") for m in range(dim)]] if loss.features is None else loss.features
    if any(len(row) != dim for row in rows):
        raise BadInput("logistic-regression:features", f"rows of {len(rows[0])}", f"rows of {dim} numbers")
    signs = jnp.asarray(np.array(loss.labels or (1,), float))
    matrix = jnp.asarray(np.stack([_numbers(row, values) for row in rows])) * signs[:, None]
    l2 = float(_numbers([loss.l2], values)[0])

    def value(x: jax.Array) -> jax.Array:
        margins = product(matrix.astype(x.dtype), x)
        return jnp.mean(jax.nn.softplus(-margins), axis=0) + l2 / 2 * jnp.sum(x**2, axis=0)

    return Landscape(value)


def loss_vectors(loss: Separable, dim: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The vectors of a loss by name, (d,) each, from the parameters, else the loss. Raises BadInput for a symbol without value."""
    read = {c.base for c in loss.coordinate.atoms(Coordinate) if c != x}  # pyright: ignore[reportAttributeAccessIssue]
    entries = {name: e for name, e in loss.vectors(dim).items() if name not in parameters}
    arrays = {name: parameters[name] for name in sorted(read & parameters.keys())}
    return {**{name: _numbers(e, parameters) for name, e in entries.items()}, **arrays}


def _numbers(entries: Sequence[Any], parameters: Mapping[str, Any]) -> np.ndarray:
    """The entries, numbers or expressions in parameters, as floats."""
    numbers = {e: concrete(e, parameters) for e in dict.fromkeys(entries)}
    return np.array([numbers[e] for e in entries])
