"""A proof by multipliers and squares as steps of the kernel."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

from sdescent.derive.proof.gram.identities import Proof
from sdescent.derive.proof.gram.linear_relations import Linear
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.terms import Relation, num

ZERO, ONE = num(0), Fraction(1)


def certified(
    kernel: Kernel,
    linear: Linear,
    claim: Relation,
    facts: Mapping[Any, Fact],
    zeros: Sequence[Fact],
    proof: Proof,
    show: Callable[[Relation], Fact],
    positive_at: Callable[[Any], bool],
) -> Fact:
    """The claim as a fact.

    D (r - l) = sum of D lambda_i slack_i + sum of D d_j (square_j) + sum of D nu_k (zero_k), where D > 0 is the least common
    denominator and every product is a polynomial in the constants.

    Args:
        linear: the field of the proof's coefficients.
        facts, zeros: what the multipliers belong to.
        show: proves that a polynomial in the constants is nonnegative, or positive; raises if it cannot.
        positive_at: whether an element of the field is positive at a point of the constants that satisfies all conditions.

    Raises:
        ProofError: the identity does not hold, or `show` raises it.
    """
    squares = [_cleared(linear, d, v) for d, v in proof.squares]
    coefficients = [*proof.multipliers.values(), *proof.zeros, *(d for d, _ in squares)]
    ring = linear.field.one.numer.ring
    below = reduce(lambda p, c: p.lcm(c.denom), coefficients, ring.one)
    scale = linear.field.one * below
    scale = scale if positive_at(scale) else -scale
    premises: list[Fact] = []

    def number(fact: Fact) -> int:
        premises.append(fact)
        return len(premises) - 1

    def signed(c: Any, fact: Fact) -> tuple[Fraction, tuple[int, ...], tuple[()]]:
        """The member c times the fact."""
        if c.numer.is_ground and c.denom.is_ground:
            value = c.numer.LC / c.denom.LC
            return Fraction(int(value.p), int(value.q)), (number(fact),), ()
        return ONE, (number(show(ZERO.le(linear.constant(c)))), number(fact)), ()

    total = [signed(scale * c, facts[name]) for name, c in proof.multipliers.items()]
    for d, parts in squares:
        total.append(signed(scale * d, kernel.squared_norm([(linear.constant(c), v) for v, c in parts.items()])))
    multiples = [
        (number(zero), linear.constant(scale * c)) for zero, c in zip(zeros, proof.zeros, strict=True) if c != 0
    ]
    if scale.numer.is_ground and scale.denom.is_ground:
        value = scale.numer.LC / scale.denom.LC
        mult = [(Fraction(int(value.p), int(value.q)), (), ())]
    else:
        mult = [(ONE, (number(show(ZERO.lt(linear.constant(scale)))),), ())]
    return kernel.certify(claim, premises, mult, total, multiples)


def _cleared(linear: Linear, d: Any, v: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """d |v|^2 as a coefficient times the square of a vector without denominators."""
    ring = linear.field.one.numer.ring
    below = reduce(lambda p, c: p.lcm(c.denom), v.values(), ring.one)
    factor = linear.field.one * below
    return d / factor**2, {name: c * factor for name, c in v.items()}
