"""A proof by multipliers and squares as steps of the kernel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from sdescent.derive.proof.gram.forms import Form, fraction, square
from sdescent.derive.proof.gram.identities import Proof
from sdescent.derive.proof.gram.linear_relations import ONE as MONOMIAL
from sdescent.derive.proof.gram.linear_relations import Linear, composed
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.terms import Relation, num

ZERO, ONE = num(0), Fraction(1)


@dataclass(frozen=True)
class Elimination:
    """A constant g that an equality a g + b == 0 determines.

    Args:
        name: g.
        fact: the equality, with the slack a g + b or its negative.
        above, rest: a and b, polynomials in other constants.
    """

    name: str
    fact: Fact
    above: Any
    rest: Any


@dataclass(frozen=True)
class Premises:
    """The facts to which multipliers belong, each with its form.

    Args:
        facts, zeros: inequalities by name, and equalities.
        eliminations: the constants that equalities determine, in the order in which they were replaced.
    """

    facts: Mapping[Any, tuple[Fact, Form]]
    zeros: Sequence[tuple[Fact, Form]]
    eliminations: Sequence[Elimination] = ()


def certified(
    kernel: Kernel, linear: Linear, claim: Relation, premises: Premises, proof: Proof,
    show: Callable[[Relation], Fact], positive_at: Callable[[Any], bool],
) -> Fact:  # fmt: skip
    """The claim as a fact.

    D (r - l) = sum of D lambda_i slack_i + sum of D d_j (square_j) + sum of D nu_k (zero_k), where D > 0 is the least common
    denominator and every product is a polynomial in the constants. What is left contains equalities between constants as factors.

    Args:
        linear: the field of the proof's coefficients.
        premises: what the multipliers belong to.
        show: proves that a polynomial in the constants is nonnegative, or positive; raises if it cannot.
        positive_at: whether an element of the field is positive at a point of the constants that satisfies all conditions.

    Raises:
        ProofError: the identity does not hold, or `show` raises it.
    """
    rows = [_cleared(linear, d, v) for d, v in proof.squares]
    coefficients = [*proof.multipliers.values(), *proof.zeros, *(d for d, _ in rows)]
    ring = linear.field.one.numer.ring
    below = reduce(lambda p, c: p.lcm(c.denom), coefficients, ring.one)
    scale = linear.field.one * below
    scale = scale if positive_at(scale) else -scale
    rest = (linear.form(claim.slack) or Form()) * scale
    numbered: list[Fact] = []

    def number(fact: Fact) -> int:
        numbered.append(fact)
        return len(numbered) - 1

    def signed(c: Any, fact: Fact) -> tuple[Fraction, tuple[int, ...], tuple[()]]:
        """The member c times the fact."""
        if c.numer.is_ground and c.denom.is_ground:
            return fraction(c.numer.LC / c.denom.LC), (number(fact),), ()
        return ONE, (number(show(ZERO.le(linear.constant(c)))), number(fact)), ()

    total, multiples = [], []
    for name, c in proof.multipliers.items():
        fact, form = premises.facts[name]
        total.append(signed(scale * c, fact))
        rest = rest - form * (scale * c)
    for d, parts in rows:
        total.append(signed(scale * d, kernel.squared_norm([(linear.constant(c), v) for v, c in parts.items()])))
        rest = rest - square(parts) * (scale * d)
    for (fact, form), c in zip(premises.zeros, proof.zeros, strict=True):
        if c != 0:
            multiples.append((number(fact), linear.constant(scale * c)))
            rest = rest - form * (scale * c)
    for one in premises.eliminations:
        sign = linear.form(one.fact.claim.slack) == Form(
            {MONOMIAL: one.above * _generator(linear, one.name) + one.rest}
        )
        quotient, rest = _divided(linear, rest, one)
        multiples.append((number(one.fact), linear.term(quotient if sign else -quotient)))
    if scale.numer.is_ground and scale.denom.is_ground:
        mult = [(fraction(scale.numer.LC / scale.denom.LC), (), ())]
    else:
        mult = [(ONE, (number(show(ZERO.lt(linear.constant(scale)))),), ())]
    return kernel.certify(claim, numbered, mult, total, multiples)


def _generator(linear: Linear, name: str) -> Any:
    return linear.field.gens[linear.generators.index(name)]


def substituted(linear: Linear, c: Any, one: Elimination) -> Any:
    """An element of the field with -b/a in place of the constant that an equality determines."""
    values = [
        -one.rest / one.above if name == one.name else g
        for name, g in zip(linear.generators, linear.field.gens, strict=False)
    ]
    return composed(c.numer, values, linear.field) / composed(c.denom, values, linear.field)


def _divided(linear: Linear, form: Form, one: Elimination) -> tuple[Form, Form]:
    """(q, r) with form = q (a g + b) + r, where r does not contain g; a must be a number."""
    place, quotient, rest = linear.generators.index(one.name), Form(), Form()
    g, value = _generator(linear, one.name), -one.rest / one.above
    for m, c in form.items():
        powers: dict[int, Any] = {}
        for exponents, number in c.numer.terms():
            piece = linear.field.convert(number) / linear.field.convert(c.denom)
            for n, (generator, k) in enumerate(zip(linear.field.gens, exponents, strict=True)):
                piece = piece * generator**k if n != place else piece
            powers[exponents[place]] = powers.get(exponents[place], linear.field.zero) + piece
        for n, coefficient in powers.items():  # g^n - v^n = (g - v)(g^(n-1) + .. + v^(n-1))
            rest = rest + {m: coefficient * value**n}
            for k in range(n):
                quotient = quotient + {m: coefficient * g**k * value ** (n - 1 - k) / one.above}
    return quotient, rest


def _cleared(linear: Linear, d: Any, v: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """d |v|^2 as a coefficient times the square of a vector without denominators."""
    ring = linear.field.one.numer.ring
    below = reduce(lambda p, c: p.lcm(c.denom), v.values(), ring.one)
    factor = linear.field.one * below
    return d / factor**2, {name: c * factor for name, c in v.items()}
