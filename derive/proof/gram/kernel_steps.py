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
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, num

ZERO = num(0)


@dataclass(frozen=True)
class Elimination:
    """A constant g that an equality a g + b == 0 determines.

    Args:
        name: g.
        fact: the equality, with the slack a g + b or its negative.
        above, rest: a and b, in other constants; a has one term.
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
        ProofError: the identity does not hold, a coefficient has the wrong sign at a point, or `show` raises it.
    """
    rows = [_cleared(linear, d, v) for d, v in proof.squares]
    coefficients = [*proof.multipliers.values(), *proof.zeros, *(d for d, _ in rows)]
    ring = linear.field.one.numer.ring
    below = reduce(lambda p, c: p.lcm(c.denom), coefficients, ring.one)
    scale = linear.field.one * below
    used = [linear.form(claim.slack) or Form(), *(premises.facts[name][1] for name in proof.multipliers)]
    used += [form for (_, form), c in zip(premises.zeros, proof.zeros, strict=True) if c != 0]
    for one in premises.eliminations:  # g^n a^n is a polynomial in the other constants
        if not one.above.numer.is_ground:
            scale = scale * one.above ** max(_degree(linear, one.name, form * scale) for form in used)
    scale = scale if positive_at(scale) else -scale
    rest = (linear.form(claim.slack) or Form()) * scale
    numbered: list[Fact] = []
    signs: dict[Relation, int] = {}

    def number(fact: Fact) -> int:
        numbered.append(fact)
        return len(numbered) - 1

    def signed(c: Any, strict: bool = False) -> tuple[Fraction, tuple[int, ...], tuple[Term, ...]]:
        """A coefficient as a number >= 0 times factors that are shown to be nonnegative, or positive, and squares."""
        content, factors = c.numer.factor_list()
        size = fraction(content / c.denom.LC)
        facts, squares = list[int](), list[Term]()
        for factor, times in factors:
            element = linear.field.one * factor
            if not positive_at(element):
                element, size = -element, -size if times % 2 else size
            if strict or times % 2:
                relation = ZERO.lt(linear.constant(element)) if strict else ZERO.le(linear.constant(element))
                if relation not in signs:
                    signs[relation] = number(show(relation))
                facts += [signs[relation]] * (times if strict else 1)
            squares += [] if strict else [linear.constant(element)] * (times // 2)
        if size < 0:
            raise ProofError("a coefficient of the proof is negative at a point that satisfies all conditions")
        return size, tuple(facts), tuple(squares)

    total, multiples = [], []
    for name, c in proof.multipliers.items():
        fact, form = premises.facts[name]
        size, facts, squares = signed(scale * c)
        total.append((size, (*facts, number(fact)), squares))
        rest = rest - form * (scale * c)
    for d, parts in rows:
        size, facts, squares = signed(scale * d)
        fact = kernel.squared_norm([(linear.constant(c), v) for v, c in parts.items()])
        total.append((size, (*facts, number(fact)), squares))
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
    return kernel.certify(claim, numbered, [signed(scale, strict=True)], total, multiples)


def _degree(linear: Linear, name: str, form: Form) -> int:
    """The highest power of a constant in a form."""
    place = linear.generators.index(name)
    return max((e[place] for c in form.values() for e in c.numer.monoms()), default=0)


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
    """(q, r) with form = q (a g + b) + r, where r does not contain g, for a form with enough factors a."""
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
