"""Claims whose slack splits into summands (or factors) of different variables; each summand gets a lower bound and a proof."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from flint.utils.flint_exceptions import DomainError
from scipy.optimize import linprog

from sdescent.derive.proof.claims.branch import ZERO, Branch, Solver, quietly, symbols
from sdescent.derive.proof.claims.one_variable import Interval, OneVariable, bases, in_terms_of
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import parts as subterms
from sdescent.derive.proof.language.normal import Polynomial, freeze, scaled
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, substitute, times, x
from sdescent.derive.proof.search.intervals import extrema
from sdescent.derive.proof.search.intervals.extrema import Least, least, points_of, rational_near, value_of
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

    def minus(self, other: Term) -> "Summand":
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
    """The largest number of decimals in the terms: 3.1416 has 4, and 1/3 has as many as its denominator has digits."""
    numbers = [Fraction(p[1]) for t in terms for p in subterms(t) if p[0] == "q"]
    digits = (next((k for k in range(31) if (n * 10**k).denominator == 1), len(str(n.denominator))) for n in numbers)
    return max(digits, default=0)


def sides(branch: Branch, poly: Polynomial) -> list[tuple[Polynomial, Polynomial]]:
    """The pairs (B, A) with B - A the polynomial: B has the monomials > 0 with roots, those without, both, or all that are > 0."""
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
    """A polynomial whose square is the term, or None if there is none or the term is constant."""
    ring = Ring(branch.normal, [of])
    poly = ring.poly(of)
    try:
        return None if poly.is_constant() else ring.term(poly.sqrt())
    except DomainError:
        return None


#: with less than this to spare the claim is sharp, and only exact bounds prove it
SHARP = Fraction(1, 10**15)
#: unrounded multipliers that miss by less than this may suffice once they are rounded
NEARLY = Fraction(1, 10**4)
ROUNDS = 10
DENOMINATORS = (1, 12, 64, 1000, 10**5, 10**7)
MAX_MULTIPLIER = 1e4


@dataclass(frozen=True)
class Link:
    """A hypothesis in several variables: its part for each summand, its constant, and the fact."""

    parts: tuple[Term, ...]
    constant: Fraction
    fact: Fact


#: hypotheses with their multipliers
Weighted = Sequence[tuple[Fraction, Link]]


class Separable(Split):
    """Proofs about sums of functions of different variables, from bounds of each function."""

    def prove(self, claim: Relation) -> Fact | None:
        branch, normal = self.branch, self.branch.normal
        constant, groups = parts(branch, normal.polynomial(claim.slack))
        terms = [normal.term(poly) for _, poly in groups]
        if len(groups) < 2 or not curved(branch, terms):
            return None
        rest = normal.term(constant)
        value = quietly(lambda: value_of(rest, "z", Fraction(0)))
        if value is None:
            return None
        summands = [summand(branch, t, self.seconds) for t in terms]
        links = self._links([names for names, _ in groups]) if all(len(names) == 1 for names, _ in groups) else []
        #: the slack: `rest`, a number of about this value, and the summands
        self.claim, self.rest, self.value = claim, rest, value
        self.summands = [s for s in summands if s is not None]
        if len(self.summands) < len(terms):
            return None
        return self._linked(links) if links else self._bounded([])

    # bounds of the summands alone

    def _bounded(self, links: Weighted) -> Fact | None:
        summands = [s.minus(self._weighted(links, k)) if links else s for k, s in enumerate(self.summands)]
        infima = [s.least() for s in summands]
        minima = [i for i in infima if i is not None]
        if len(minima) < len(infima):
            return None
        offset = sum((k * link.constant for k, link in links), Fraction(0))
        spare = self.value - offset + sum(i.value for i in minima)
        if spare < -SHARP:
            return None
        if spare > SHARP:
            share = spare / len(minima)
            bounds = [
                num(extrema.simplest_between(i.value - share * Fraction(9, 10), i.value - share / 10)) for i in minima
            ]
        else:
            bounds = [self._exact(s, i) for s, i in zip(summands, minima, strict=True)]
        bounded = list(zip(summands, bounds, strict=True))
        return self._from_bounds(bounded, self.rest - num(offset), links, spare <= SHARP)

    def _exact(self, s: Summand, infimum: Least) -> Term:
        """The infimum as a number if it looks rational or is not attained, else as the value of the term at a rational point."""
        exact = rational_near(infimum.value)
        if exact is not None or infimum.at is None:
            return num(infimum.value.limit_denominator(10**20) if exact is None else exact)
        return substitute(s.phi, s.name, num(infimum.at))

    def _from_bounds(
        self, bounded: Sequence[tuple[Summand, Term]], rest: Term, links: Weighted, sharp: bool
    ) -> Fact | None:
        """Prove each bound, and the claim from their sum."""
        branch, normal = self.branch, self.branch.normal
        over = normal.polynomial(rest + plus(*(bound for _, bound in bounded)))
        facts: list[Fact] = []
        members: list[tuple[Fraction, tuple[int, ...], tuple[Term, ...]]] = []
        if over and set(over) != {()}:
            rest_fact = self.solve(branch, ZERO.le(normal.term(over)), self.seconds / 4)
            if rest_fact is None:
                return None
            facts.append(rest_fact)
            members.append((Fraction(1), (0,), ()))
        elif over:
            members.append((over[()], (), ()))
        strict = self.claim.op == "<" and sharp
        for s, bound in bounded:
            fact = self.solve(branch, bound.lt(s.term), self.seconds) if strict else None
            strict = strict and fact is None
            fact = fact or self.solve(branch, bound.le(s.term), self.seconds)
            if fact is None:
                return None
            members.append((Fraction(1), (len(facts),), ()))
            facts.append(fact)
        equalities: list[tuple[int, Term]] = []
        for multiplier, link in links:
            if link.fact.claim.op == "==":
                equalities.append((len(facts), num(multiplier)))
            else:
                members.append((multiplier, (len(facts),), ()))
            facts.append(link.fact)
        return branch.kernel.certify(self.claim, facts, sum=members, equalities=equalities)

    # hypotheses

    def _links(self, groups: Sequence[set[str]]) -> list[Link]:
        """The hypotheses that are sums of functions of one variable each, in at least two variables of the claim."""
        branch, normal = self.branch, self.branch.normal
        places = {name: k for k, names in enumerate(groups) for name in names}
        links: list[Link] = []
        for fact in branch.facts:
            if fact.rule != "assume" or fact.claim.op not in ("<=", "<", "=="):
                continue
            constant, summands = parts(branch, normal.polynomial(fact.claim.slack))
            separate = all(len(n) == 1 and n <= set(places) for n, _ in summands)
            if len(summands) < 2 or set(constant) - {()} or not separate:
                continue
            pieces: list[Polynomial] = [{} for _ in groups]
            for names, poly in summands:
                pieces[places[next(iter(names))]] = poly
            links.append(Link(tuple(normal.term(p) for p in pieces), constant.get((), Fraction(0)), fact))
        return links

    def _linked(self, links: Sequence[Link]) -> Fact | None:
        samples = [list(points_of(s.interval.low, s.interval.high)) for s in self.summands]
        for _ in range(ROUNDS):
            multipliers = None if now() > self.stop else self._multipliers(links, samples)
            if multipliers is None:
                return None
            exact = [(Fraction(number), link) for number, link in zip(multipliers, links, strict=True)]
            infima = [s.minus(self._weighted(exact, k)).least() for k, s in enumerate(self.summands)]
            minima = [i for i in infima if i is not None]
            if len(minima) == len(infima):
                spare = self.value - sum(n * link.constant for n, link in exact) + sum(i.value for i in minima)
                proof = self._rounded(exact) if spare > -NEARLY else None
                if proof is not None:
                    return proof
            for infimum, points in zip(infima, samples, strict=True):
                if infimum is not None and infimum.at is not None and infimum.at not in points:
                    points.append(infimum.at)
        return None

    def _rounded(self, exact: Weighted) -> Fact | None:
        """A proof with rounded multipliers, small denominators first: in a sharp claim they are often exact."""
        for denominator in DENOMINATORS:
            if now() > self.stop:
                return None
            used = [(n, link) for factor, link in exact if (n := factor.limit_denominator(denominator))]
            proof = self._bounded(used)
            if proof is not None:
                return proof
        return None

    def _weighted(self, links: Weighted, k: int) -> Term:
        """The sum of the hypotheses' parts for the k-th summand, times their multipliers."""
        return plus(*(times(num(factor), link.parts[k]) for factor, link in links))

    def _multipliers(self, links: Sequence[Link], samples: Sequence[Sequence[Fraction]]) -> list[float] | None:
        """The l_j that maximise sum m_i - sum l_j d_j if m_i <= h_i - sum_j l_j s_ij at all samples; link j has d_j and s_ij."""
        count = len(links) + len(self.summands)
        rows, bounds = list[list[float]](), list[float]()
        for k, (s, points) in enumerate(zip(self.summands, samples, strict=True)):
            for p in points:
                values = [value_of(t, s.name, p) for t in (s.phi, *[link.parts[k] for link in links])]
                if any(v is None or abs(v) > 10**8 for v in values):
                    continue
                row = [0.0] * count
                row[: len(links)] = [float(v or 0) for v in values[1:]]
                row[len(links) + k] = 1.0
                rows.append(row)
                bounds.append(float(values[0] or 0))
        cost = np.array([float(link.constant) for link in links] + [-1.0] * len(self.summands))
        least = [-MAX_MULTIPLIER if link.fact.claim.op == "==" else 0.0 for link in links]
        if not rows:
            return None
        limits = [*((low, MAX_MULTIPLIER) for low in least), *[(None, None)] * len(self.summands)]
        best = linprog(cost, A_ub=np.array(rows), b_ub=np.array(bounds), bounds=limits)
        if best.x is None:
            return None
        # with few samples many multipliers are optimal: the middle of their range serves better than its ends
        matrix, top = np.array([*rows, cost]), np.array([*bounds, best.fun + 1e-9 * max(1.0, abs(best.fun))])
        middle: list[float] = []
        for j in range(len(links)):
            sides = [linprog(sign * np.eye(count)[j], A_ub=matrix, b_ub=top, bounds=limits).x for sign in (1.0, -1.0)]
            low, high = (None if side is None else float(side[j]) for side in sides)
            middle.append(float(best.x[j]) if low is None or high is None else (low + high) / 2)
        return middle
