"""The JAX sampler of a noise law against its distribution function, by draws."""

from collections.abc import Mapping

import numpy as np
import sympy as sp

import sdescent as sd
from sdescent.derive.methods.noise import Law
from sdescent.numerics.backend.double import jax
from sdescent.numerics.laws.noises import sample_law
from sdescent.numerics.lowering.to_jax import lower_function


def within(draws: np.ndarray, expected: np.ndarray, floor: float = 1e-12, spread: np.ndarray | None = None) -> None:
    """The mean over the last axis is `expected` to 5 standard errors (from `spread`, the true deviation, where known)."""
    error = (draws.std(axis=-1) if spread is None else spread) / np.sqrt(draws.shape[-1])
    gap = np.abs(draws.mean(axis=-1) - expected)
    assert np.all(gap <= 5 * error + floor), (gap / (error + 1e-300)).max()


def check_sampler(law: Law, values: Mapping[str, float]) -> None:
    """100,000 draws have the sign's mean about five points, and the variance or characteristic function where there is one."""
    draws = np.asarray(jax.jit(lambda key: sample_law(law, key, (100_000,), values))(jax.random.key(11)))
    y = sp.Symbol("y", real=True)
    names = sorted(values)
    f = lower_function(law.sign_mean(y), [y, *(sp.Symbol(n) for n in names)])
    points = np.array([-2.5, -0.6, 0.1, 0.9, 5.0])
    expected = np.asarray(jax.jit(lambda y: f(y, *(values[n] for n in names)))(points))
    within(np.sign(points[:, None] + draws), expected, spread=np.sqrt(1 - expected**2))
    if isinstance(law, sd.noise.Stable):
        alpha = float(values.get("alpha", 0) or law.alpha)
        frequencies = np.array([0.3, 1.0, 2.0])
        within(np.cos(frequencies[:, None] * draws), np.exp(-(frequencies**alpha)))
    elif law.tail == sp.oo or law.tail == sp.Symbol("nu", positive=True):
        variance = lower_function(law.variance, [sp.Symbol(n) for n in names])(*(values[n] for n in names))
        within((draws - float(law.mean)) ** 2, np.asarray(variance))
    above = np.sign(draws - (0.0 if law.symmetric else float(law.mean)))
    assert abs(np.corrcoef(draws[:-1], np.roll(above, 3)[:-1])[0, 1]) < 5 / np.sqrt(len(draws))
