"""Two laws with a mean and a skew: a mixture of Gaussians that states its moments, and one that leaves them to integration."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.methods.noise import Gaussian, Law
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import sample_law
from tests.support import draws

WEIGHTS = (sp.Rational(9, 10), sp.Rational(1, 10))


@dataclass(frozen=True)
class SkewedMixture(Law):
    """0.9 N(a, s^2) + 0.1 N(b, r^2); its mean is 0.9 a + 0.1 b."""

    a: Any = "-1/5"
    s: Any = "1/2"
    b: Any = 3
    r: Any = 2

    symmetric = False

    @property
    def parts(self) -> tuple[tuple[sp.Expr, sp.Expr, sp.Expr], ...]:
        """(weight, mean, scale) of each Gaussian."""
        a, s, b, r = (sp.Rational(value) for value in (self.a, self.s, self.b, self.r))
        return (WEIGHTS[0], a, s), (WEIGHTS[1], b, r)

    @property
    def tail(self) -> sp.Expr:
        return sp.oo

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.Add(*[w * Gaussian().density((x - m) / s) / s for w, m, s in self.parts])

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.Add(*[w * Gaussian().sign_mean((x + m) / s) for w, m, s in self.parts])

    def moment(self, m: int) -> sp.Expr:
        """From those of N(0, 1): E (mean + scale Z)^m."""
        return sp.Add(*[w * self._power(m, mean, scale, lambda q: self._normal(q)) for w, mean, scale in self.parts])

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        def signed(mean: sp.Expr, scale: sp.Expr) -> Any:
            return lambda q: Gaussian().signed_moment(q, (y + mean) / scale)

        return sp.Add(*[w * self._power(m, mean, scale, signed(mean, scale)) for w, mean, scale in self.parts])

    @staticmethod
    def _power(m: int, mean: sp.Expr, scale: sp.Expr, of: Any) -> sp.Expr:
        return sp.Add(*[sp.binomial(m, q) * mean ** (m - q) * scale**q * of(q) for q in range(m + 1)])

    @staticmethod
    def _normal(q: int) -> sp.Expr:
        return sp.S.Zero if q % 2 else Gaussian().moment(q)

    def latex(self) -> str:
        return r"\mathrm{Mixture}"


@dataclass(frozen=True)
class Exponential(Law):
    """Density e^{-x} on x > 0, mean 1: everything beyond the density and the sign's mean by integration."""

    symmetric = False

    @property
    def tail(self) -> sp.Expr:
        return sp.oo

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.Piecewise((sp.exp(-x), x > 0), (0, True))

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.Piecewise((1 - 2 * (1 - sp.exp(x)), x < 0), (1, True))

    def latex(self) -> str:
        return r"\mathrm{Exp}(1)"


@sample_law.register
def _(law: SkewedMixture, own: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
    first, normal = own.fold(0).uniform(shape) < 0.9, own.fold(1).normal(shape)
    (_, a, s), (_, b, r) = [tuple(map(float, part)) for part in law.parts]
    return jnp.where(first, a + s * normal, b + r * normal)


@sample_law.register
def _(law: Exponential, own: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
    return own.exponential(shape)


@draws.standard.register
def _(law: SkewedMixture, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    (_, a, s), (_, b, r) = [tuple(map(float, part)) for part in law.parts]
    normal = rng.standard_normal(shape)
    return np.where(rng.random(shape) < 0.9, a + s * normal, b + r * normal)


@draws.standard.register
def _(law: Exponential, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_exponential(shape)
