"""The equation as data: the method and model from which it was derived, its drift, and the moments of the step."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import sympy as sp

from sdescent.derive.equations.kinks import kinks_of_model
from sdescent.derive.equations.step.covariance import Condition, Conditional, Moments
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss
from sdescent.derive.vocabulary.choices import Model
from sdescent.derive.vocabulary.symbols import eta


@dataclass(frozen=True)
class Equation:
    """The data of dX = drift dt + L dW with L L' = rate S, an Ito equation in the dimension-free gradient form.

    `sd.sde` returns it as an `SDE`, which prints, expands and solves itself.

    Args:
        method, model, loss, dim: the arguments from which it was derived.
        moments: mean and covariance of the step.
        drift: the drift of the generic coordinate, or None if only moments given the message are known.
    """

    method: Method
    model: Model
    loss: Loss | None
    dim: int | None
    moments: Moments
    drift: sp.Expr | None

    def __getstate__(self) -> dict[str, Any]:
        """The fields to pickle, without cached results."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def form(self) -> GradientForm | None:
        """Mean and covariance S of the step; None without a closed form."""
        return self.moments.form

    @property
    def conditional(self) -> Conditional | None:
        """The moments given the message, if the closed form is missing or not elementary."""
        return self.moments.conditional

    @cached_property
    def rate(self) -> sp.Expr:
        """The rate eta h^2/N, the factor of S in the covariance of the SDE."""
        return eta * self.method.schedule.factor**2 / self.method.clients

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that a symbol leaves open, and the unmet conditions that do not forbid the derivation."""
        return self.moments.conditions

    @property
    def _coefficients(self) -> tuple[sp.Expr, ...]:
        form = () if self.form is None else self.form.expressions
        return form if self.drift is None else (*form, self.drift)

    @cached_property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """Drift, rate, covariance and any moments given the message, to collect symbols from."""
        of_message = () if self.conditional is None else self.conditional.expressions
        return (self.rate, *of_message, *self._coefficients)

    @cached_property
    def kinks(self) -> tuple[sp.Expr, ...]:
        """The kinks and jumps of drift and covariance, from `kinks_of_model`."""
        return kinks_of_model(self._coefficients, self.loss, self.dim, self.model)

    @cached_property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """Every free scalar symbol, by name: step size, number of clients, scales, schedule, dimension."""
        symbols = {s for e in self.expressions for s in e.free_symbols if isinstance(s, sp.Symbol)}
        return tuple(sorted((s for s in symbols if not isinstance(s, Coordinate)), key=lambda s: s.name))
