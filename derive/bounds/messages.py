"""What is known of the messages of a step: the mean, and the trace Q of their covariance, read off the engine.

Where the moments have a closed form, Q is a definition. Otherwise Q <= omega (G^2 + v) + v, with the compressor's ratio omega and
the noise's mean square v = E||Z||^2 (theory 4). Noise that is not given is any centred noise of mean square v.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from derive.bounds.language import names as nm
from derive.bounds.language.formulas import in_order
from derive.bounds.language.letters import Letters
from derive.bounds.vectors import quiet
from derive.derivation import SDE, sde
from derive.expressions.coordinates import coord_sum
from derive.expressions.coordinates import g as slot
from derive.methods.compressors import Identity, Sign
from derive.methods.distributed import Method
from derive.methods.schedules import Free
from derive.proof.language.terms import Relation, Term
from derive.vocabulary.choices import Model
from derive.vocabulary.errors import Refusal
from derive.vocabulary.symbols import d as dimension

#: the name of its definition
NOISY = "mean square of the noise"


@dataclass(frozen=True)
class Messages:
    """The messages of a method.

    Args:
        unbiased: whether their mean is the gradient.
        definitions: what the engine computes, name -> relation.
        assumptions: what a compressor or a noise is known for, and where the moments exist, name -> relation.
        symbols: further symbols, with their kinds.
    """

    unbiased: bool
    definitions: Mapping[str, Relation] = field(default_factory=dict)
    assumptions: Mapping[str, Relation] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)


def with_free_schedule(method: Method) -> Method:
    """The distributed method x' = x - eta u (1/N) sum C(v_k) with these messages."""
    return Method(method.compressor, method.noise, method.clients, Free(), method.name)


def equation_of(method: Method, model: Model = "first-order") -> SDE:
    """The SDE of the plain method with these messages."""
    found = sde(with_free_schedule(method), model)
    assert isinstance(found, SDE)  # for the type checker: the plain update has one
    return found


def messages(method: Method, any_noise: bool, dim: int | None = None) -> Messages:
    """What is known of a method's messages.

    Args:
        any_noise: whether the noise is any centred one, whatever the method has.
        dim: the dimension, or None for the symbol d.

    Raises:
        Refusal: "no-drift", "infinite-variance": the messages have no mean or no covariance; "no-omega": nothing bounds the
            covariance of what the compressor makes of any noise.
    """
    if quiet(method, any_noise):
        return Messages(True, {"covariance of a message": nm.Q.eq(0), NOISY: nm.NOISE.eq(0)}, {}, {nm.NOISE[1]: "random"})
    if isinstance(method.compressor, Sign):  # `derive.bounds.signs` says what is known
        return Messages(False)
    size = dimension if dim is None else sp.Integer(dim)
    if any_noise:
        return _any_noise(method, size)
    moments = equation_of(method).moments
    unbiased, names = moments.mean == slot, Letters(method).constants
    exist = {str(c): in_order(c.left, {}, names).gt(in_order(c.right, {}, names)) for c in moments.conditions if not c.of_order}
    if moments.form is not None:
        try:
            total = sp.expand(sp.cancel(coord_sum(sp.expand(moments.form.variance)).subs(dimension, size)))
            covariance = in_order(total, {coord_sum(slot**2): nm.G**2}, names)
            defined = {"covariance of a message": nm.Q.eq(covariance), **_noise_of(method, size)}
            return Messages(unbiased, defined, exist, {nm.NOISE[1]: "random"})
        except ValueError:  # not a polynomial in G
            pass
    if not unbiased:
        return Messages(False, {}, exist)
    silent = _any_noise(method, size)
    return Messages(True, _noise_of(method, size), {**silent.assumptions, **exist}, silent.symbols)


def _noise_of(method: Method, size: sp.Expr) -> dict[str, Relation]:
    """v = E||Z||^2, the mean over clients.

    Raises:
        ValueError: it is not a polynomial in G.
    """
    law, scales = method.noise.law, method.noise.scales
    each = sp.Add(*[s**2 for s in scales]) / len(scales) * law.variance
    total = sp.expand(sp.cancel(coord_sum(sp.expand(each)).subs(dimension, size)))
    return {NOISY: nm.NOISE.eq(in_order(total, {coord_sum(slot**2): nm.G**2}, Letters(method).constants))}


def _any_noise(method: Method, size: sp.Expr) -> Messages:
    if isinstance(method.compressor, Identity):
        return Messages(
            True, {"covariance of a message": nm.Q.eq(nm.NOISE)}, {"E||Z||^2 >= 0": nm.NOISE.ge(0)}, {nm.NOISE[1]: "random"}
        )
    ratio = method.compressor.omega(size).value
    try:
        omega: Term = in_order(ratio, {}, Letters(method).constants)
    except ValueError:
        raise Refusal(
            "no-omega", f"the ratio {ratio} of this compressor is not one formula: give the dimension, dim = 10"
        ) from None
    bound = nm.Q.le(omega * (nm.G**2 + nm.NOISE) + nm.NOISE)
    return Messages(True, {}, {"compression": bound, "E||Z||^2 >= 0": nm.NOISE.ge(0)}, {nm.NOISE[1]: "random"})
