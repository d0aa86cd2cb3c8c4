"""What is read from a traced program: the programs inside it, and how many cheap operations its results need."""

from typing import Any

import pytest

from sdescent.numerics.backend.compiler import cheap_operations, equations
from sdescent.numerics.backend.double import jax, jnp

X = jnp.ones((3, 5))


def unused(x: Any) -> Any:
    jnp.sum(jnp.exp(x), axis=0)
    return x + 1


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda x: 2 * x - x * x, 3),
        (lambda x: x * (jnp.sqrt(jnp.float64(2)) * 3), 1),  # numbers are computed once, and not counted
        (unused, 1),
        (jax.jit(lambda x: x + x * x), 2),
        (lambda x: x, 0),
        (jnp.exp, None),
        (jax.jit(jnp.exp), None),
        (lambda x: x - jnp.sum(x, axis=0), None),
        (lambda x: jnp.ones((3, 3)) @ x, None),
        (lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y + x, x), None),
        (lambda x: x[::-1], None),
    ],
)
def test_cheap_operations(function: Any, count: int | None) -> None:
    assert cheap_operations(jax.make_jaxpr(function)(X), 5) == count


def test_equations_of_programs_inside() -> None:
    def program(x: Any) -> Any:
        looped = jax.lax.fori_loop(0, 3, lambda _, y: jnp.tanh(y), x)
        return jax.lax.cond(x[0, 0] > 0, jax.jit(jnp.cos), lambda y: y, looped)

    assert {"tanh", "cos", "cond"} <= {equation.primitive.name for equation in equations(jax.make_jaxpr(program)(X))}
