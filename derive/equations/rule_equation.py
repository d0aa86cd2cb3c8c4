"""The equation of an update rule as data: drift and covariance over x and the memory, in generic coordinates."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from derive.equations.averaged import Signs
from derive.equations.kinks import kinks_in
from derive.methods.distributed import Method
from derive.methods.losses import Loss
from derive.step.moments import Condition
from derive.vocabulary.choices import Model

Pair = tuple[str, str]


@dataclass(frozen=True)
class LeftOut:
    """A term that the conventional first-order model drops.

    Args:
        where: such as "covariance v v".
        term: its value at the generic coordinate, or None where it was not computed.
        needs: the order of the moment of the noise that it needs, and
        condition: the inequality under which that exists, or None for a law with all moments.
    """

    where: str
    term: sp.Expr | None
    needs: int
    condition: Condition | None


@dataclass(frozen=True)
class RuleEquation:
    """dZ = drift dt + L dW, L L' = covariance, Z = (x, memory): an Ito equation in the generic coordinate.

    Args:
        method, model, loss, dim: the arguments that it was derived from.
        drift: of each letter at coordinate j.
        own: covariance of two letters at the same coordinate, (first, second) in the order of the letters.
        pair: covariance of the first letter at coordinate i with the second at j != i; letters in both orders.
        conditions: inequalities that a symbol leaves open, or that are unmet but only reported.
        left_out: what the conventional first-order model drops.
        letters: x and the memory letters that are left: those that a step changes by little.
        shift: where a fast memory was averaged out and settles, (y - x)/tau (`derive.equations.averaged`).
        local: whether it is for losses that are sums over coordinates, H_j and T_j their second and third derivatives.
        skewed: where a step of the size s has a third moment, which no diffusion has: (such as "x x m", E F F F/s^3).
        signs: the Green-Kubo sum where it is one over signs; the covariance is then meant near g = 0, up to O(g^2).
    """

    method: Method
    model: Model
    loss: Loss | None
    dim: int | None
    drift: dict[str, sp.Expr]
    own: dict[Pair, sp.Expr]
    pair: dict[Pair, sp.Expr]
    conditions: tuple[Condition, ...] = ()
    left_out: tuple[LeftOut, ...] = field(default=())
    letters: tuple[str, ...] = ("x",)
    shift: sp.Expr | None = None
    signs: Signs | None = None
    local: bool = False
    skewed: tuple[str, sp.Expr] | None = None

    @property
    def weak_order(self) -> int | float:
        """The weak order of the model, on test functions of x and the memory: 1/2 where the noise of the limit is skewed."""
        return 2 if self.model == "second-order" else 1 if self.skewed is None else 0.5

    @cached_property
    def kinks(self) -> tuple[sp.Expr, ...]:
        """The parts with which drift or covariance have a kink or a jump; theorems on weak orders presume smooth coefficients."""
        coefficients = (*self.drift.values(), *self.own.values())
        return tuple(dict.fromkeys(kink for e in coefficients for kink in kinks_in(e)))
