"""A claim at the horizon as a multiple of the fact concluded there, plus terms of known sign.

Means over the outcome, such as E(f_K) and Esum(G^2), occur linearly in both. The multiplier is found by comparing their coefficients,
and only an inequality between constants is left for the search.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.normal import Monomial, Polynomial, added, multiplied, power, scaled
from sdescent.derive.proof.language.terms import Relation, Term, num

ZERO, ONE = num(0), Fraction(1)
#: the terms that are compared: means over the outcome
MEANS = ("E", "EI")
#: a relation between constants as a fact, or None if it is not proved
Show = Callable[[Relation], Fact | None]


@dataclass(frozen=True)
class Cleared:
    """A slack times its denominators: the product of `factors` times the slack = poly - sum of the `units`.

    Args:
        poly: a polynomial without quotients outside of functions.
        factors: the facts 0 < p or p < 0 of the denominators.
        units: the facts p (1/p) == 1 with their multipliers.
    """

    poly: Polynomial
    factors: list[Fact]
    units: list[tuple[Fact, Polynomial]]


def cleared(branch: Branch, slack: Term, show: Show) -> Cleared | None:
    """A slack without quotients; None if `show` does not prove the sign of a denominator."""
    normal, poly = branch.normal, branch.normal.polynomial(slack)
    factors: list[Fact] = []
    units: list[tuple[Fact, Polynomial]] = []
    while inverses := [a for m in poly for a, _ in m if normal.key_of(a)[0] == "inv"]:
        atom = max(inverses)  # the denominators of a denominator have smaller numbers
        p = normal.term(dict(normal.key_of(atom)[1]))
        positive = show(ZERO.lt(p))
        signed = positive or show(p.lt(ZERO))
        if signed is None:
            return None
        unit = branch.kernel.inverse(p, signed)
        sign = ONE if positive is not None else -ONE
        size, inverse = scaled(normal.polynomial(p), sign), {((atom, 1),): sign}  # |p| and 1/|p|
        top = max(dict(m).get(atom, 0) for m in poly)
        pieces: list[Polynomial] = []
        multiplier: list[Polynomial] = []
        for m, c in poly.items():
            n = dict(m).get(atom, 0)
            rest = multiplied({tuple(f for f in m if f[0] != atom): c * sign**n}, power(size, top - n))
            pieces.append(rest)
            # (|p| / |p|)^n - 1 = (p (1/p) - 1) * sum of (|p| / |p|)^i over i < n
            multiplier += [multiplied(rest, power(multiplied(size, inverse), i)) for i in range(n)]
        poly = added(pieces)
        units = [(u, multiplied(m, power(size, top))) for u, m in units] + [(unit, added(multiplier))]
        factors += [signed] * top
    return Cleared(poly, factors, units)


@dataclass(frozen=True)
class Multiple:
    """M * claim = N * fact + sum of N_j * sign_j + rest, where all are without quotients.

    Args:
        scale: M > 0.
        members: (N, number of a fact), with N >= 0; the concluded fact has the number 0.
        rest: the remaining inequality between constants, as a polynomial.
    """

    scale: Polynomial
    members: list[tuple[Polynomial, int]]
    rest: Polynomial


class Comparison:
    """The comparison of a claim with a concluded fact.

    Args:
        branch: the facts.
        claim: the claim.
        concluded: the fact, which has means over the outcome.
        signs: facts about means alone, such as 0 <= Esum(G^2).
        show: proves the signs of denominators.
        symbols: the names of symbols that are compared as means are.
    """

    def __init__(
        self,
        branch: Branch,
        claim: Relation,
        concluded: Fact,
        signs: Sequence[Fact],
        show: Show,
        symbols: Collection[str] = (),
    ) -> None:
        self.symbols = symbols
        self.branch, self.normal, self.kernel, self.claim = branch, branch.normal, branch.kernel, claim
        self.facts = [concluded, *signs]
        self.forms = [cleared(branch, r.slack, show) for r in (claim, *(f.claim for f in self.facts))]

    def multiples(self) -> Iterator[Multiple]:
        """The ways to write the claim with each multiplier that removes one mean."""
        goal, *others = (None if c is None else self._by_means(c.poly) for c in self.forms)
        if goal is None or others[0] is None:
            return
        tried: list[Any] = []
        for mean in [m for m in goal if m in others[0] and m != ()]:
            above, below = self._fraction(goal[mean], others[0][mean])
            if (above, below) not in tried:
                tried.append((above, below))
                multiple = self._rest(goal, [form or {} for form in others], above, below)
                if multiple is not None:
                    yield multiple

    def _by_means(self, poly: Polynomial) -> dict[Monomial, Polynomial]:
        """A polynomial by its products of means, with polynomials in constants as coefficients."""
        table: dict[Monomial, Polynomial] = {}
        for m, c in poly.items():
            mean = tuple((a, n) for a, n in m if self._is_mean(*self.normal.key_of(a)))
            table.setdefault(mean, {})[tuple(f for f in m if f not in mean)] = c
        return table

    def _is_mean(self, head: str, *rest: Any) -> bool:
        return head in MEANS or (head == "x" and rest[0] in self.symbols)

    def _fraction(self, above: Polynomial, below: Polynomial) -> tuple[Polynomial, Polynomial]:
        """above/below in lowest terms."""
        atoms = sorted({a for poly in (above, below) for m in poly for a, _ in m})
        ring = sp.QQ[[sp.Symbol(f"a{a}") for a in atoms]].ring if atoms else sp.QQ.poly_ring("unused_q").ring
        elements = []
        for poly in (above, below):
            exponents = ((tuple(dict(m).get(a, 0) for a in atoms) or (0,), c) for m, c in poly.items())
            elements.append(ring.from_dict({e: ring.domain(c.numerator, c.denominator) for e, c in exponents}))
        reduced = elements[0].cancel(elements[1])
        one, other = (
            {
                tuple((a, n) for a, n in zip(atoms, e, strict=False) if n): Fraction(
                    int(c.numerator), int(c.denominator)
                )
                for e, c in element.terms()
            }
            for element in reduced
        )
        return one, other

    def _rest(
        self,
        goal: dict[Monomial, Polynomial],
        forms: Sequence[dict[Monomial, Polynomial]],
        above: Polynomial,
        below: Polynomial,
    ) -> Multiple | None:
        """The claim times `below` without the concluded fact times `above`, and without means; None if a mean remains."""
        left = {m: multiplied(c, below) for m, c in goal.items()}
        members: list[tuple[Polynomial, int]] = []

        def take(factor: Polynomial, n: int) -> None:
            members.append((factor, n))
            for m, c in forms[n].items():
                left[m] = added([left.get(m, {}), scaled(multiplied(c, factor), -ONE)])

        take(above, 0)
        for n, form in enumerate(forms[1:], 1):
            means = [m for m in form if m != ()]
            if len(means) == 1 and left.get(means[0]) and list(form[means[0]]) == [()]:
                take(scaled(left[means[0]], 1 / form[means[0]][()]), n)
        if any(c for m, c in left.items() if m != ()):
            return None
        return Multiple(below, members, left.get((), {}))

    def proof(self, multiple: Multiple, show: Show) -> Fact | None:
        """The claim as a fact, if `show` proves the signs of the multipliers and the inequality that is left."""
        term, form = self.normal.term, self.forms[0]
        signs = ((sign, show(ZERO.lt(term(scaled(multiple.scale, sign))))) for sign in (ONE, -ONE))
        sign, scale = next(((sign, fact) for sign, fact in signs if fact is not None), (ONE, None))
        if scale is None or form is None:
            return None
        multiple = Multiple(
            scaled(multiple.scale, sign),
            [(scaled(factor, sign), n) for factor, n in multiple.members],
            scaled(multiple.rest, sign),
        )
        facts: list[Fact] = [scale, *form.factors]
        mult = [(ONE, tuple(range(len(facts))), ())]
        total: list[tuple[Fraction, tuple[int, ...], tuple[()]]] = []
        equalities: list[tuple[int, Term]] = []

        def number(fact: Fact) -> int:
            facts.append(fact)
            return len(facts) - 1

        for unit, m in form.units:
            equalities.append((number(unit), term(scaled(multiplied(m, multiple.scale), -ONE))))
        for factor, n in multiple.members:
            signed, of = show(ZERO.le(term(factor))), self.forms[n + 1]
            if signed is None or of is None:
                return None
            total.append((ONE, tuple(number(f) for f in (signed, *of.factors, self.facts[n])), ()))
            equalities += [(number(unit), term(multiplied(m, factor))) for unit, m in of.units]
        if multiple.rest or self.claim.op == "<":
            rest = show(Relation((self.claim.op, ZERO, term(multiple.rest))))
            if rest is None:
                return None
            total.append((ONE, (number(rest),), ()))
        return self.kernel.certify(self.claim, facts, mult, total, equalities)
