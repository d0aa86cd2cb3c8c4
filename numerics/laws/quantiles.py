"""Quantile functions of the noise laws, in NumPy, for integration nodes that are made once before a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any

import numpy as np
import scipy.special
import sympy as sp

from derive.methods.noise import Gaussian, Laplace, Law, Logistic, Point, StudentT, Uniform
from numerics.backend.compiler import jit
from numerics.backend.double import jnp
from numerics.lowering.scalars import concrete
from numerics.lowering.to_jax import lower_function

Quantile = Callable[[np.ndarray], np.ndarray]


@singledispatch
def quantile_function(law: Any, parameters: Mapping[str, Any] | None = None) -> Quantile:
    """u in (0, 1) -> the u-quantile of a standardised law.

    Args:
        law: a `derive.methods.noise.Law`.
        parameters: values of its symbols, by name.

    Raises:
        TypeError: not a law.
        BadInput: a symbol without a value.
    """
    raise TypeError(f"{type(law).__name__} is not a noise law")


@quantile_function.register
def _(law: Law, parameters: Mapping[str, Any] | None = None) -> Quantile:
    """By bisection on 2F - 1, for any law that states it (stable laws, laws of the user)."""
    y = sp.Symbol("y", real=True)
    expr: Any = law.sign_mean(y)
    values = {s: concrete(s, parameters) for s in expr.free_symbols - {y}}
    sign_mean = jit(lower_function(expr.xreplace({s: sp.Float(v, 17) for s, v in values.items()}), [y]))

    def quantile(u: np.ndarray) -> np.ndarray:
        target = np.abs(2 * u - 1)
        low, high = np.full_like(target, -80.0), np.full_like(target, 80.0)  # of log z
        for _ in range(70):
            middle = (low + high) / 2
            below = np.asarray(sign_mean(jnp.exp(jnp.asarray(middle)))) < target
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(target == 0, 0.0, np.sign(2 * u - 1) * np.exp((low + high) / 2))

    return quantile


@quantile_function.register
def _(law: Point, parameters: Mapping[str, Any] | None = None) -> Quantile:
    return np.zeros_like


@quantile_function.register
def _(law: Gaussian, parameters: Mapping[str, Any] | None = None) -> Quantile:
    return scipy.special.ndtri


@quantile_function.register
def _(law: StudentT, parameters: Mapping[str, Any] | None = None) -> Quantile:
    nu = concrete(law.nu, parameters)
    return lambda u: scipy.special.stdtrit(nu, u)


@quantile_function.register
def _(law: Laplace, parameters: Mapping[str, Any] | None = None) -> Quantile:
    return lambda u: np.where(u < 0.5, np.log(2 * u), -np.log(2 * (1 - u)))


@quantile_function.register
def _(law: Uniform, parameters: Mapping[str, Any] | None = None) -> Quantile:
    return lambda u: 2 * u - 1


@quantile_function.register
def _(law: Logistic, parameters: Mapping[str, Any] | None = None) -> Quantile:
    return scipy.special.logit
