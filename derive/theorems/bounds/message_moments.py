"""The moments of the messages of a step, from the engine: their mean and the trace Q of their covariance.

If there is a closed form, it defines Q. Otherwise Q <= omega (G^2 + v) + v, where omega is the compressor's ratio and v = E||Z||^2
the mean square of the noise (theory 4). A theorem that bounds v and names no noise is about any centred noise with mean square v.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from sdescent.derive.derivation import SDE, sde
from sdescent.derive.expressions.coordinates import coord_sum
from sdescent.derive.expressions.coordinates import g as slot
from sdescent.derive.methods.compressors import Identity, Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.schedules import Free
from sdescent.derive.proof.language.terms import Relation, Term
from sdescent.derive.theorems.bounds.compressor_classes import AnyContraction, AnyUnbiased
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import in_order
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.bounds.language.vocabulary import symbols_of
from sdescent.derive.theorems.entry.linear_step import quiet
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import d as dimension

#: names of definitions
NOISY, COVARIANCE = "mean square of the noise", "covariance of a message"


@dataclass(frozen=True)
class Messages:
    """The messages of a method.

    Args:
        unbiased: whether their mean is the gradient.
        definitions: name -> relation that the engine computes.
        assumptions: name -> property of the compressor or noise, or condition under which the moments exist.
    """

    unbiased: bool
    definitions: Mapping[str, Relation] = field(default_factory=dict)
    assumptions: Mapping[str, Relation] = field(default_factory=dict)

    @property
    def noisy(self) -> bool:
        """Whether the mean square of the noise occurs in the definitions or assumptions."""
        return nm.NOISE[1] in symbols_of((*self.definitions.values(), *self.assumptions.values()))


def equation_of(method: Method, model: Model = "first-order") -> SDE:
    """The SDE of the distributed method x' = x - eta u (1/N) sum C(v_k) with the method's messages."""
    equation = sde(Method(method.compressor, method.noise, method.clients, Free(), method.name), model)
    assert isinstance(equation, SDE)  # for the type checker: the plain update has one
    return equation


def messages(letters: Letters, any_noise: bool, dim: int | None = None) -> Messages:
    """The messages of a method.

    Args:
        letters: the roles of the method's letters.
        any_noise: whether the noise may be any centred noise, instead of the method's own.
        dim: the dimension, or None for the symbol d.

    Raises:
        Refusal: "no-mean" if the messages are compressed by any contraction; "no-drift", "infinite-variance" if the messages have no mean or no covariance; "no-omega" if the covariance of the
            compressed message has no bound that holds for any noise.
    """
    method, names = letters.method, letters.constants
    if quiet(method, any_noise):
        return Messages(True, {COVARIANCE: nm.Q.eq(0), NOISY: nm.NOISE.eq(0)})
    if isinstance(method.compressor, Sign):  # see `sdescent.derive.theorems.bounds.sign_messages`
        return Messages(False)
    size = dimension if dim is None else sp.Integer(dim)
    if isinstance(method.compressor, AnyContraction):
        if method.rule.uses("G", "fresh", "local"):
            raise Refusal(
                "no-mean",
                "the mean of a message C(g + Z) is not known for a contraction C: apply C to a vector of the rule, as in C(raw)",
            )
        if any_noise:
            return Messages(True, {}, {"E||Z||^2 >= 0": nm.NOISE.ge(0)})
        return Messages(True, _noise_of(letters, size))
    if isinstance(method.compressor, AnyUnbiased) and not any_noise:
        return Messages(True, _noise_of(letters, size), _of_any_noise(letters, size))
    if any_noise:
        return Messages(True, _covariance_of_any_noise(method), _of_any_noise(letters, size))
    moments = equation_of(method).moments
    unbiased, conditions = moments.mean == slot, [c for c in moments.conditions if not c.of_order]
    exist = {str(c): in_order(c.left, {}, names).gt(in_order(c.right, {}, names)) for c in conditions}
    if moments.form is not None:
        try:
            covariance = _total(moments.form.variance, letters, size)
            return Messages(unbiased, {COVARIANCE: nm.Q.eq(covariance), **_noise_of(letters, size)}, exist)
        except ValueError:  # outside the grammar of terms
            pass
    if not unbiased:
        return Messages(False, {}, exist)
    try:
        definitions = _noise_of(letters, size)
    except NoClosedForm:  # the variance exists but has no formula: E||Z||^2 stays a letter
        definitions = _covariance_of_any_noise(method)
    return Messages(True, definitions, {**_of_any_noise(letters, size), **exist})


def _covariance_of_any_noise(method: Method) -> dict[str, Relation]:
    return {COVARIANCE: nm.Q.eq(nm.NOISE)} if isinstance(method.compressor, Identity) else {}


def _noise_of(letters: Letters, size: sp.Expr) -> dict[str, Relation]:
    """The definition of v = E||Z||^2, a mean over clients; raises as `_total`, and NoClosedForm if the variance has no formula."""
    law, scales = letters.method.noise.law, letters.method.noise.scales
    return {NOISY: nm.NOISE.eq(_total(sp.Add(*[s**2 for s in scales]) / len(scales) * law.variance, letters, size))}


def _total(e: sp.Expr, letters: Letters, size: sp.Expr) -> Term:
    """The sum over the coordinates of an expression in the generic coordinate.

    Raises:
        ValueError: the sum is outside the grammar of terms.
    """
    total = sp.expand(sp.cancel(coord_sum(sp.expand(e)).subs(dimension, size)))
    return in_order(total, {coord_sum(slot**2): nm.G**2}, letters.constants)


def _of_any_noise(letters: Letters, size: sp.Expr) -> dict[str, Relation]:
    """The assumptions on messages under any centred noise."""
    positive = {"E||Z||^2 >= 0": nm.NOISE.ge(0)}
    if isinstance(letters.method.compressor, Identity):
        return positive
    ratio = letters.method.compressor.omega(size).value
    try:
        omega: Term = in_order(ratio, {}, letters.constants)
    except ValueError:
        raise Refusal(
            "no-omega",
            f"the ratio {ratio} of this compressor has no formula for every dimension: give the dimension, such as dim = 10",
        ) from None
    return {"compression": nm.Q.le(omega * (nm.G**2 + nm.NOISE) + nm.NOISE), **positive}
