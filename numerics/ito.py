"""The term drift dt + B dW of a batch of paths, and the schemes that step it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import diffrax

from numerics._jax import jax, jnp
from numerics.runs import inside
from numerics.systems import System


class ItoTerm(diffrax.AbstractTerm):
    """drift dt + B(t, y) dW, one term for both, with a root that is applied, not formed.

    Attributes:
        system: drift and root.
        path: W.
        bound: paths outside |y_j| <= bound stay.
        by_halves: whether an increment is the sum of those of the two halves of its step.
    """

    system: System
    path: diffrax.AbstractBrownianPath
    bound: float
    by_halves: bool

    def vf(self, t: Any, y: jax.Array, args: Any) -> Any:
        return inside(y, self.bound), *self.system.evaluate(y, t)

    def contr(self, t0: Any, t1: Any, **kwargs: Any) -> Any:
        if not self.by_halves:
            return t1 - t0, self.path.evaluate(t0, t1)
        middle = 0.5 * (t0 + t1)
        return t1 - t0, self.path.evaluate(t0, middle) + self.path.evaluate(middle, t1)

    def prod(self, vf: Any, control: Any) -> jax.Array:
        (alive, drift, coefficients), (step, increment) = vf, control
        return jnp.where(alive, step * drift + self.system.apply(coefficients, increment), 0.0)


class PredictorCorrector(diffrax.Euler):
    """y + (a(y) + a(p))/2 dt + B(y) dW with p = y + a(y) dt + B(y) dW (Kloeden and Platen 1992, section 15.5).

    Weak order 1, and 2 in a drift with additive noise: for the small diffusion of these equations, of order sqrt(eta), the
    error is about eta dt + dt^2 and not dt.
    """

    term_structure: ClassVar = ItoTerm

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: Any, made_jump: Any
    ) -> tuple[Any, Any, Any, Any, Any]:
        control = terms.contr(t0, t1)
        start = terms.vf(t0, y0, args)
        predicted = y0 + terms.prod(start, control)
        _, ahead, _ = terms.vf(t1, predicted, args)
        alive, drift, coefficients = start
        # where the drift has no value at the predicted point, the Euler step stands
        average = jnp.where(jnp.isfinite(ahead), (drift + ahead) / 2, drift)
        y1 = y0 + terms.prod((alive, average, coefficients), control)
        return y1, None, {"y0": y0, "y1": y1}, None, diffrax.RESULTS.successful


SOLVERS: Mapping[str, Callable[[], Any]] = {
    "predictor-corrector": PredictorCorrector,
    "euler": diffrax.Euler,
    "heun": diffrax.Heun,
}
