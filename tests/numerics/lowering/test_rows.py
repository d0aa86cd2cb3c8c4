"""A function in few rows of each path: the entries that it has everywhere, and no work elsewhere where none is needed."""

from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.numerics.backend.compiler import equations
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.lowering.rows import computed_in_rows, in_rows
from tests.support.samples import slow_but

DRAW = np.random.default_rng(3)
X = jnp.asarray(DRAW.normal(size=(30, 7)))
ROWS = jnp.asarray(DRAW.integers(0, 30, (3, 7)))
BY_COLUMN = jnp.linspace(1.0, 2.0, 7)
EACH = jnp.linspace(0.5, 1.5, 30)
#: by name, (gradient, whether each entry depends on its own alone)
GRADIENTS: dict[str, tuple[Any, bool]] = {
    "quadratic, each its own": (landscape(sd.losses.Quadratic(None), 30, {"h": np.linspace(1, 2, 30)}).gradient, True),
    "quartic": (landscape(sd.losses.Quartic(), 30).gradient, True),
    "written": (landscape(lambda y: jnp.sum(EACH * jnp.cos(y) + jax.nn.softplus(y)), 30).gradient, True),
    "with branches": (
        landscape(lambda y: jnp.sum(jnp.where(y > 0, y**3, jnp.abs(y) / (1 + jnp.exp(y)))), 30).gradient, True,
    ),
    "each path its own": (lambda x: x * BY_COLUMN + EACH[:, None], True),
    "without x": (lambda x: jnp.broadcast_to(EACH[:, None] + BY_COLUMN, x.shape), True),
    "all at once": (landscape(lambda y: jnp.sum(y) ** 2, 30).gradient, False),
    "in order": (lambda x: x * jnp.sort(x, axis=0), False),
}  # fmt: skip


@pytest.mark.parametrize("name", slow_but(GRADIENTS, ["quartic", "in order"]))
def test_a_function_in_rows_is_what_it_is_everywhere(name: str) -> None:
    gradient, own = GRADIENTS[name]
    asked = []

    def found(x: jax.Array) -> tuple[jax.Array, ...]:
        def everywhere() -> tuple[jax.Array, ...]:
            asked.append(name)
            return gradient(x), 2 * x

        return computed_in_rows(lambda y: (gradient(y), 2 * y), x, ROWS, everywhere)

    one, two = jax.jit(found)(X)
    np.testing.assert_allclose(one, in_rows(gradient(X), ROWS), rtol=1e-14)
    np.testing.assert_allclose(two, 2 * in_rows(X, ROWS), rtol=1e-14)
    assert bool(asked) is not own


def test_nothing_is_computed_in_other_rows() -> None:
    """What is needed of arrays of the full height is read and not made, but for numbers that do not depend on x."""
    for name in ("quartic", "written", "with branches"):
        gradient, _ = GRADIENTS[name]
        traced = jax.make_jaxpr(lambda x, f=gradient: computed_in_rows(lambda y: (f(y),), x, ROWS, tuple)[0])(X)
        made = {e.primitive.name for e in _needed(traced) for v in e.outvars if v.aval.shape == X.shape}
        assert not made, (name, made)


def _needed(traced: Any) -> list[Any]:
    """The equations that the result depends on."""
    needed, found = {id(v) for v in traced.jaxpr.outvars}, []
    for equation in reversed(traced.jaxpr.eqns):
        if any(id(v) in needed for v in equation.outvars):
            needed |= {id(v) for v in equation.invars}
            found += [equation, *(e for v in equation.params.values() if hasattr(v, "eqns") for e in equations(v))]
    return found
