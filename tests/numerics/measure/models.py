"""Small models to measure, whose constants enumeration gives."""

from typing import Any

import numpy as np

from sdescent.derive.methods.compressors import Identity
from sdescent.derive.reading.measurements import WITH_REPLACEMENT
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.measure.model import Model, model_of
from sdescent.numerics.measure.primitives import Population
from sdescent.numerics.measure.runs import Runs


def logistic_loss(params: Any, batch: Any) -> jax.Array:
    a, y = batch
    return jnp.mean(jax.nn.softplus(-y * (a @ params["w"])))


def squares_loss(params: Any, batch: Any) -> jax.Array:
    a, y = batch
    return 0.5 * jnp.mean((a @ params["w"] - y) ** 2)


def logistic(
    n: int, d: int, seed: int, start: Any = 0.0, length: float = 2.0, clients: Any = None, count: int = 1
) -> Model:
    """Standard normal features; y = 1 with probability sigmoid(a.x*), x* = length (1, .., 1)/sqrt(d); it starts at start x*."""
    rng = np.random.default_rng(seed)
    a, truth = rng.standard_normal((n, d)), np.full(d, length / np.sqrt(d))
    y = np.where(rng.random(n) < 1 / (1 + np.exp(-a @ truth)), 1.0, -1.0)
    names = {"loss": logistic_loss, "params": {"w": jnp.asarray(start * truth)}, "data": (a, y), "clients": clients}
    return model_of(names, "logistic.py", count)


def squares(n: int, d: int, seed: int, noise: float = 0.5, start: Any = None, **more: Any) -> Model:
    """Least squares, y = a.x* + noise z with standard normal a and z, and x* = (1, .., 1)/sqrt(d)."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d))
    y = a @ np.full(d, 1 / np.sqrt(d)) + noise * rng.standard_normal(n)
    w = np.zeros(d) if start is None else start
    return model_of({"loss": squares_loss, "params": {"w": jnp.asarray(w)}, "data": (a, y), **more}, "squares.py", 4)


def population_of(model: Model) -> Population:
    return Population(model, model.shards)


def runs_of(
    model: Model, clients: int, batch: int, eta: float, sampling: Any = WITH_REPLACEMENT, compressor: Any = None
) -> Runs:
    kind = Identity() if compressor is None else compressor
    return Runs(clients, batch, kind, np.array([eta]), sampling, population_of(model))


def per_example(model: Model, x: Any) -> np.ndarray:
    """The gradients of the examples one by one, (n, d), without any of the code under test."""
    a, y = (np.asarray(part) for part in model.data)
    w = np.asarray(x)
    if model.loss is squares_loss:
        return (a @ w - y)[:, None] * a
    return (-y / (1 + np.exp(y * (a @ w))))[:, None] * a
