"""The law on the two points +1 and -1 with equal chances, which often attains bounds that depend on the variance alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.methods.noise.law import INFINITE, Law
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.gauss_rules import Rule
from sdescent.numerics.laws.noises import gauss_rule, sample_law
from sdescent.numerics.lowering.scalars import Parameters


@dataclass(frozen=True)
class TwoPoints(Law):
    """The law P(Z = 1) = P(Z = -1) = 1/2, with variance 1."""

    closed_form = False

    @property
    def tail(self) -> sp.Expr:
        return INFINITE

    def density(self, x: sp.Expr) -> sp.Expr:
        raise NotImplementedError("a law of two points has no density")

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return (sp.sign(x + 1) + sp.sign(x - 1)) / 2

    def moment(self, m: int) -> sp.Expr:
        return sp.Integer((m + 1) % 2)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return r"$+1$ or $-1$ with equal chances"

    def latex(self) -> str:
        return r"\{\pm1\}"


@sample_law.register
def _(law: TwoPoints, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return jnp.where(draws.symmetric(shape) < 0, -1.0, 1.0).astype(draws.dtype)


@gauss_rule.register
def _(law: TwoPoints, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    return np.array([-1.0, 1.0]), np.array([0.5, 0.5])
