"""An SDE as functions of a batch of points: drift, and a root of its covariance that is applied to increments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from derive.errors import NoClosedForm
from derive.models import SDE
from numerics._jax import jax, jnp
from numerics.diffusion import diffusion
from numerics.environment import Environment
from numerics.expect import NoiseIntegral
from numerics.lower import lower_all, lower_coordinate

#: (x (d, paths), t) -> the values that lowered expressions read there
At = Callable[[jax.Array, Any], Environment]


@final
@dataclass(frozen=True, eq=False)
class System:
    """dX = drift dt + B dW for a batch of points.

    Attributes:
        drift: (x (d, paths), t) -> (d, paths).
        coefficients: (x, t) -> what B depends on, a tree of arrays.
        apply: (coefficients, dW (normals, paths)) -> B dW (d, paths).
        normals: columns of B; 0 for an ordinary differential equation.
        integral: the integral over the noise that drift and B come from, where they do.
    """

    drift: Callable[[jax.Array, Any], jax.Array]
    coefficients: Callable[[jax.Array, Any], Any]
    apply: Callable[[Any, jax.Array], jax.Array]
    normals: int
    integral: NoiseIntegral | None = None


def ito_system(equation: SDE, dim: int, parameters: Mapping[str, Any], at: At, nodes: int) -> System:
    """The Ito equation in its gradient form, whatever the dimension.

    Raises:
        NoClosedForm: the model needs a closed mean, and only moments given the message are known.
    """
    integral = None
    if equation.form is None:
        assert equation.conditional is not None  # for the type checker; moments fill one of the two
        integral = NoiseIntegral(equation.conditional, dim, parameters, nodes)
    if equation.form is not None and equation.drift is not None:
        root, drift = diffusion(equation.form, dim, parameters), _drift(equation.drift, at, parameters)
    else:
        assert integral is not None  # a form always has a mean
        root, drift = integral, _integrated_drift(equation, integral, at)
    rate = lower_coordinate(equation.rate, parameters)

    def coefficients(x: jax.Array, t: Any) -> Any:
        env = at(x, t)
        return jnp.sqrt(rate(env)), root.coefficients(env)

    def apply(values: Any, increment: jax.Array) -> jax.Array:
        return values[0] * root.apply(values[1], increment)

    return System(drift, coefficients, apply, root.normals, integral)


def _drift(expr: Any, at: At, parameters: Mapping[str, Any]) -> Callable[[jax.Array, Any], jax.Array]:
    lowered = lower_coordinate(expr, parameters)
    return lambda x, t: jnp.broadcast_to(lowered(at(x, t)), x.shape)


def _integrated_drift(equation: SDE, integral: NoiseIntegral, at: At) -> Callable[[jax.Array, Any], jax.Array]:
    if equation.drift is not None:
        return _drift(equation.drift, at, integral.parameters)
    if equation.model != "first-order":
        raise NoClosedForm(
            f"the {equation.model} model needs the mean of the step in closed form; only first-order has none"
        )
    factor = lower_coordinate(equation.method.schedule.factor)

    def drift(x: jax.Array, t: Any) -> jax.Array:
        env = at(x, t)
        return -factor(env) * integral.mean(env)

    return drift


def stratonovich_system(equation: SDE, dim: int, parameters: Mapping[str, Any], at: At, nodes: int) -> System:
    """The equivalent Stratonovich equation in named coordinates, for Heun's method.

    Raises:
        Refusal: there is no Stratonovich form (no loss, no closed root, or one that is not differentiable).
        NoClosedForm: only moments given the message are known.
    """
    named = equation.coordinates(dim)
    drift = lower_all(named.stratonovich_drift().flat(), parameters)
    assert named.root is not None  # the drift above has been refused otherwise
    columns = [j for j in range(named.root.cols) if any(e != 0 for e in named.root[:, j])]
    root = lower_all([named.root[i, j] for i in range(dim) for j in columns], parameters)
    entries = {f"{k}{m + 1}": e for k, a in parameters.items() if np.ndim(a) == 1 for m, e in enumerate(a)}

    def coordinates(x: jax.Array, t: Any) -> Environment:
        env = at(x, t)
        return Environment({}, {**env.scalars, **entries, **{s.name: x[m] for m, s in enumerate(named.state)}})

    def stack(values: Any, x: jax.Array) -> jax.Array:
        return jnp.stack([jnp.broadcast_to(a, x.shape[1:]) for a in values])

    def coefficients(x: jax.Array, t: Any) -> jax.Array:
        return stack(root(coordinates(x, t)), x).reshape(dim, len(columns), -1)

    return System(
        lambda x, t: stack(drift(coordinates(x, t)), x),
        coefficients,
        lambda b, increment: jnp.einsum("imp,mp->ip", b, increment),
        len(columns),
    )
