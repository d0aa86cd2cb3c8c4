"""Signs of a number plus noise, from one uniform each: sign(x + Z) is 1 with probability (1 + R(x))/2, R(x) = E sign(x + Z).

The law must have no atoms, since otherwise the sign is 0 with a probability that does not follow from R. Dimensionless.
"""

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import numpy as np
import sympy as sp
from jax.core import Tracer

from sdescent.derive.methods.noise import Law, Logistic, Stable, StableSignMean, StudentT
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.noises import sample_law
from sdescent.numerics.lowering.special import stable_sign_mean_table
from sdescent.numerics.lowering.to_jax import Parameters, environment, lower_coordinate, specialise

#: degrees of freedom up to which R of Student's t takes no longer than a draw
_TERMS = 10
#: from here on 1 - R is below the precision of all draws, whatever nu >= 1
_FAR = 1e15
_PLACE = sp.Symbol("_place", real=True)
SignMean = Callable[[jax.Array], jax.Array]


@singledispatch
def quick_sign_mean(law: Any, parameters: Parameters = None) -> SignMean | None:
    """The function x -> R(x) = E sign(x + Z) for a law without atoms, if R takes no longer than a draw; else None.

    Gaussian, Laplace and uniform numbers are drawn as quickly as their R is computed, so they have none. With this function, a
    run of a sign method draws signs instead of noise. Values of `parameters` may be traced. The `sign_mean` of a user's own law
    is used after

        @quick_sign_mean.register
        def _(law: MyLaw, parameters=None):
            return lowered_sign_mean(law, parameters)
    """
    return None


@quick_sign_mean.register(Logistic)
@quick_sign_mean.register(Stable)
def lowered_sign_mean(law: Law, parameters: Parameters = None) -> SignMean | None:
    """R from the law's own formula; None if it contains a special function without a table, as it does for a traced alpha."""
    values = parameters or {}
    numbers = {name: value for name, value in values.items() if not isinstance(value, Tracer)}
    expr = specialise(law.sign_mean(_PLACE), numbers)
    indices = [f.args[0] for f in expr.atoms(StableSignMean)]
    tabled = all(index.is_number and stable_sign_mean_table(float(index)) is not None for index in indices)
    if expr.has(sp.hyper) or not tabled:
        return None
    lowered = lower_coordinate(expr)
    return lambda x: lowered(environment(values, scalars={_PLACE.name: x}))


@quick_sign_mean.register
def _(law: StudentT, parameters: Parameters = None) -> SignMean | None:
    """R as a finite sum of nu/2 terms, if nu is a small integer that is known when the program is compiled."""
    values = parameters or {}
    numbers = {s: values[s.name] for s in law.nu.free_symbols if np.ndim(values.get(s.name, [])) == 0}
    if any(isinstance(value, Tracer) for value in numbers.values()):
        return None
    nu = law.nu.subs(numbers)
    if not (nu.is_number and nu == int(nu) <= _TERMS):
        return None
    sign_mean = lowered_sign_mean(StudentT(int(nu)))
    # the squares of larger numbers overflow in single precision
    return None if sign_mean is None else lambda x: sign_mean(jnp.clip(x, -_FAR, _FAR))


def sign_mean_in_place_of_draws(law: Law, parameters: Parameters = None) -> SignMean | None:
    """R from `quick_sign_mean`; None if the sampler is registered for a narrower class than R, since R then fits another law."""
    if _narrowest(quick_sign_mean.registry, law) > _narrowest(sample_law.registry, law):
        return None
    return quick_sign_mean(law, parameters)


def _narrowest(registry: Any, law: Law) -> int:
    """The place, among the classes of the law with its own first, of the first class for which a function is registered."""
    return next(n for n, kind in enumerate(type(law).__mro__) if kind in registry)
