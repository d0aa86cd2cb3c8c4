"""The slack of a claim split into factors, into summands that share no variables, or into two sides that can be squared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from flint.utils.flint_exceptions import DomainError

from sdescent.derive.proof.claims.branch import Branch, Solver, quietly, symbols
from sdescent.derive.proof.claims.one_variable import Interval, OneVariable
from sdescent.derive.proof.claims.quantities import bases, in_terms_of
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import parts as subterms
from sdescent.derive.proof.language.normal import Polynomial, freeze, scaled
from sdescent.derive.proof.language.terms import Relation, Term, substitute, x
from sdescent.derive.proof.search.intervals.extrema import Least, least
from sdescent.derive.proof.search.ring import Ring, fraction


class Split:
    """A way of proving a claim from relations about its parts, which `solve` proves."""

    def __init__(self, branch: Branch, solve: Solver, seconds: float) -> None:
        self.branch, self.solve, self.seconds = branch, solve, seconds
        self.stop = now() + seconds

    def prove(self, claim: Relation) -> Fact | None:
        """The claim (<= or <) as a fact, or None."""
        raise NotImplementedError


@dataclass(frozen=True)
class Summand:
    """A term as a function of a quantity in an interval: `phi`, a term in `name`, at name = `at`."""

    term: Term
    phi: Term
    name: str
    at: Term
    interval: Interval

    def minus(self, other: Term) -> Summand:
        """The summand minus another function of the quantity, a term in `name`."""
        return replace(self, term=self.term - substitute(other, self.name, self.at), phi=self.phi - other)

    def least(self) -> Least | None:
        """The approximate infimum of phi, or None if it seems to be -oo."""
        return quietly(lambda: least(self.phi, self.name, self.interval.low, self.interval.high))


def factors(branch: Branch, t: Term) -> tuple[Fraction, list[tuple[Term, int]]]:
    """A number c and the list of (f, n) with t = c * product of f^n, in the atoms of the normal form; (0, []) if t is 0."""
    ring = Ring(branch.normal, [t])
    poly = ring.poly(t)
    if not poly:
        return Fraction(0), []
    lead, powers = poly.factor()
    return fraction(lead), [(ring.term(f), int(n)) for f, n in powers]


def parts(branch: Branch, poly: Polynomial) -> tuple[Polynomial, list[tuple[set[str], Polynomial]]]:
    """The monomials without variables, and the other ones in groups (variables, monomials) that share no variables."""
    constant: Polynomial = {}
    groups: list[tuple[set[str], Polynomial]] = []
    for monomial, c in poly.items():
        names = set(symbols(branch.normal.term({monomial: Fraction(1)})))
        if not names:
            constant[monomial] = c
            continue
        joined: tuple[set[str], Polynomial] = (names, {monomial: c})
        apart: list[tuple[set[str], Polynomial]] = []
        for group in groups:
            if group[0] & joined[0]:
                joined = group[0] | joined[0], {**group[1], **joined[1]}
            else:
                apart.append(group)
        groups = [*apart, joined]
    return constant, groups


def summand(branch: Branch, t: Term, seconds: float) -> Summand | None:
    """The term as a function of one quantity: its only variable, or a polynomial in which all its functions can be written."""
    words = OneVariable(branch, seconds)
    names = symbols(t)
    if len(names) == 1:
        name = next(iter(names))
        return Summand(t, t, name, x(name), words.interval(x(name)))
    for quantity in bases(branch, t):
        phi = in_terms_of(branch, t, quantity, words.z)
        if phi is not None:
            return Summand(t, phi, words.z, quantity, words.interval(quantity))
    return None


def curved(branch: Branch, terms: Iterable[Term]) -> bool:
    """Whether one of the terms contains a function other than abs."""
    return any(name != "abs" for t in terms for name, _ in branch.functions(t))


def digits_of(terms: Iterable[Term]) -> int:
    """The most decimals of a number in the terms: 3.1416 has 4, and 1/3 as many as its denominator has digits."""
    numbers = [Fraction(p[1]) for t in terms for p in subterms(t) if p[0] == "q"]
    digits = (next((k for k in range(31) if (n * 10**k).denominator == 1), len(str(n.denominator))) for n in numbers)
    return max(digits, default=0)


def sides(branch: Branch, poly: Polynomial) -> list[tuple[Polynomial, Polynomial]]:
    """The pairs (B, A) with B - A the polynomial: B has the monomials with roots, those without roots, or those of one sign."""
    rooted = {m for m in poly if branch.roots({m: Fraction(1)})}
    groups = [
        {m for m in rooted if poly[m] > 0},
        {m for m in poly if m not in rooted},
        {m for m in poly if m not in rooted or poly[m] > 0},
        {m for m in poly if poly[m] > 0},
    ]
    pairs: list[tuple[Polynomial, Polynomial]] = []
    for group in groups:
        b = {m: c for m, c in poly.items() if m in group}
        a = scaled({m: c for m, c in poly.items() if m not in group}, Fraction(-1))
        if a and b and all(freeze(b) != freeze(other) for other, _ in pairs):
            pairs.append((b, a))
    return pairs


def root_of(branch: Branch, of: Term) -> Term | None:
    """A polynomial whose square is the term, or None if there is none."""
    ring = Ring(branch.normal, [of])
    poly = ring.poly(of)
    try:
        return None if poly.is_constant() else ring.term(poly.sqrt())
    except DomainError:
        return None
