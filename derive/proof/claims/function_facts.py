"""Facts about the functions in a claim: tangents, bounds, orders and functional equations."""

import itertools
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sdescent.derive.proof.claims.branch import ZERO, Branch, quietly
from sdescent.derive.proof.claims.one_variable import Interval, OneVariable
from sdescent.derive.proof.claims.separable import digits_of
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term, fn, num, plus, substitute, times, x
from sdescent.derive.proof.search.intervals.extrema import least, rational_near, rounded_down, value_of
from sdescent.derive.proof.search.one_variable import find as find_interval_proof

MAX_EXPONENTS = 5
MAX_SUMMANDS = 6
#: the number of decimals that a bound has beyond those of the claim's numbers
MORE_DIGITS = 2
#: seconds for proving the order of two terms
ORDER_SECONDS = 0.05
_T = x("t")
WHOLE = Interval()
_TANGENT = fn("exp", _T) - 1 - _T


@lru_cache(maxsize=256)
def _proof(t: Term, low: Fraction | None, high: Fraction | None, strict: bool) -> Any:
    return find_interval_proof(t, "t", low, high, strict, 1.0)


@lru_cache(maxsize=256)
def _infimum(t: Term, low: Fraction | None, high: Fraction | None, digits: int) -> tuple[Fraction, bool] | None:
    """The infimum of a term in t, rounded down unless it looks rational, and whether the term always exceeds it; or None."""
    infimum = quietly(lambda: least(t, "t", low, high))
    if infimum is None:
        return None
    exact = rational_near(infimum.value)
    return (rounded_down(infimum.value, digits), True) if exact is None else (exact, infimum.at is None)


class FunctionFacts:
    """Facts about the functions in some terms of a branch, by kind."""

    def __init__(self, branch: Branch, terms: list[Term]) -> None:
        self.branch, self.kernel, self.terms = branch, branch.kernel, terms
        self.functions = branch.functions(*terms)

    def at(self, phi: Term, at: Term, strict: bool = False, interval: Interval = WHOLE) -> list[Fact]:
        """The fact 0 <= phi(t), or 0 < phi(t) if strict, at t = `at` in the interval; no facts without a proof."""
        proof = _proof(phi, interval.low, interval.high, strict)
        try:
            return [] if proof is None else [self.kernel.ball({**proof, "at": at}, interval.facts)]
        except ProofError:
            return []

    def exponentials(self) -> list[Fact]:
        """Facts about exp and log: exp(log(t)) == t, and the log of a product as a sum of logs.

        For s and t among the first few of 0, the exponents and the logarithms, also exp(s) == exp(s - t) exp(t),
        exp(s - t) > 0 and exp(s - t) >= 1 + s - t.
        """
        branch, kernel = self.branch, self.kernel
        exponents, values = self._exponents()
        facts = [fact for log, value in values.items() for fact in (value, *self._products(log[2]))]
        for s, t in itertools.permutations(exponents, 2):
            d = branch.normal.term(branch.normal.polynomial(s - t))
            facts += self.at(_TANGENT, d)
            facts.append(kernel.function("exp_positive", [d]))
            if t != ZERO:
                facts.append(kernel.function("exp_add", [d, t]))
        return facts

    def sums(self) -> list[Fact]:
        """Functional equations only: exp of a sum and of a multiple, log of a product, exp(log t) == t."""
        branch, kernel = self.branch, self.kernel
        facts: list[Fact] = []
        for name, of in self.functions:
            if name == "log":
                positive = branch.fact_of(ZERO.lt(of))
                facts += [*([kernel.function("exp_log", [of], [positive])] if positive else []), *self._products(of)]
            elif name == "exp":
                poly = branch.normal.polynomial(of)
                # 3 t is split into t + t + t
                counts = {m: abs(int(c)) if c.denominator == 1 else 1 for m, c in poly.items()}
                if sum(counts.values()) > MAX_SUMMANDS:
                    counts = dict.fromkeys(poly, 1)
                parts = [{m: c / counts[m]} for m, c in sorted(poly.items()) for _ in range(counts[m])]
                terms = [branch.normal.term(part) for part in parts]
                for k in range(len(terms) - 1 if len(terms) <= MAX_SUMMANDS else 0):
                    rest = branch.normal.term(branch.normal.polynomial(plus(*terms[k + 1 :])))
                    facts.append(kernel.function("exp_add", [terms[k], rest]))
                if any(c < 0 for c in poly.values()):
                    facts += [kernel.function("exp_add", [t, -t]) for t in dict.fromkeys(terms)]
        return facts

    def _exponents(self) -> tuple[list[Term], dict[Term, Fact]]:
        """The first few of 0, exponents and logarithms, and exp(log(u)) == u for each logarithm."""
        exponents, values = [ZERO], dict[Term, Fact]()
        for name, of in self.functions:
            positive = self.branch.fact_of(ZERO.lt(of)) if name == "log" else None
            if name == "exp" or positive is not None:
                exponents.append(of if name == "exp" else fn("log", of))
            if positive is not None:
                values[exponents[-1]] = self.kernel.function("exp_log", [of], [positive])
        return exponents[:MAX_EXPONENTS], values

    def tangents(self) -> list[Fact]:
        """The facts exp(t) (1 + s - t) <= exp(s) for s and t as in `exponentials`, with u in place of exp(log(u))."""
        branch, kernel = self.branch, self.kernel
        exponents, values = self._exponents()
        facts: list[Fact] = []
        for s, t in itertools.permutations(exponents, 2):
            d = branch.normal.term(branch.normal.polynomial(s - t))
            above = self.at(_TANGENT, d)
            if not above:
                continue
            used = [above[0], kernel.function("exp_positive", [t]), kernel.function("exp_add", [d, t])]
            # exp(s) - exp(t) (1 + d) = exp(t) (exp(d) - 1 - d) + (exp(d + t) - exp(d) exp(t)), minus the slack of exp_add
            claim = (fn("exp", t) * (1 + s - t)).le(fn("exp", s))
            fact = kernel.certify(claim, used, sum=[(Fraction(1), (0, 1), ())], equalities=[(2, num(-1))])
            logarithms = [values[v] for v in (s, t) if v in values]
            if logarithms:
                names = {fn("exp", v): values[v].claim.right for v in (s, t) if v in values}
                plain = (names.get(fn("exp", t), fn("exp", t)) * (1 + s - t)).le(names.get(fn("exp", s), fn("exp", s)))
                restated = branch.show(plain, 0.1, [fact, *logarithms], only=True)
                fact = fact if restated is None else restated
            facts.append(fact)
        return facts

    def _numbers(self, of: Term) -> list[Fact]:
        """The facts log(a/b) + log(b) == log(a) and log(p q) == log(p) + log(q) for numbers, with p the least prime factor."""
        value = self.branch.normal.polynomial(of).get((), Fraction(0))
        facts: list[Fact] = []
        while value > 1 and max(value.numerator, value.denominator) < 10**6:
            top = value.numerator
            p = next((p for p in range(2, top) if p * p <= top and top % p == 0), top)
            p = Fraction(value.denominator) if value.denominator > 1 else Fraction(p)
            factors = [num(value), num(p)] if value.denominator > 1 else [num(p), num(value / p)]
            positive = self._positive(*factors)
            if p == value or len(positive) < 2:
                break
            facts.append(self.kernel.function("log_mul", factors, positive))
            value = value * p if value.denominator > 1 else value / p
        return facts

    def _products(self, of: Term) -> list[Fact]:
        """The facts log(a b) == log(a) + log(b) and log(1/a) == -log(a) for a and b that are shown positive."""
        branch, kernel = self.branch, self.kernel
        poly = branch.normal.polynomial(of)
        if set(poly) == {()}:
            return self._numbers(of)
        if len(poly) != 1:
            return []
        ((m, c),) = poly.items()
        facts: list[Fact] = []
        factors = [branch.normal.atom(a) for a, n in m for _ in range(n)] + ([num(c)] if c != 1 else [])
        for k, factor in enumerate(factors[:-1]):
            after = branch.normal.term(branch.normal.polynomial(times(*factors[k + 1 :])))
            both = self._positive(factor, after)
            if len(both) < 2:
                return facts
            facts.append(kernel.function("log_mul", [factor, after], both))
        for factor in factors:
            if factor[:2] == ("f", "exp"):
                facts.append(kernel.function("log_exp", [factor[2]]))
            inner = factor[2] if factor[0] == "/" and factor[1] == num(1) else None
            both = [] if inner is None else self._positive(factor, inner)
            if inner is not None and len(both) == 2:
                log = kernel.function("log_mul", [factor, inner], both)
                unit = branch.show((factor * inner).eq(1), 0.1)
                facts += [] if unit is None else [log, *self._one(factor * inner, unit)]
        return facts

    def _positive(self, *terms: Term) -> list[Fact]:
        """The fact 0 < t for each term that is shown positive."""
        return [f for t in terms if (f := self.branch.show(ZERO.lt(t), 0.1)) is not None]

    def _one(self, t: Term, unit: Fact) -> list[Fact]:
        """The fact log(t) == 0 from t == 1, by two inequalities."""
        branch, kernel, one = self.branch, self.kernel, num(1)
        zero_one = branch.show(ZERO.lt(one), 0.1)
        positive = branch.show(ZERO.lt(t), 0.1, [unit])
        if zero_one is None or positive is None:
            return []
        above, below = branch.show(one.le(t), 0.1, [unit]), branch.show(t.le(one), 0.1, [unit])
        if above is None or below is None:
            return []
        first = kernel.function("monotone:log", [one, t], [zero_one, above])
        second = kernel.function("monotone:log", [t, one], [positive, below])
        return [branch.equal(ZERO.eq(fn("log", t)), first, second)]

    def bounds(self) -> list[Fact]:
        """The facts c <= f(t) <= d and k <= (f(t) - f(a))/(t - a) <= l for each f(t), t in an interval and a an end of it or 0.

        The numbers c, d, k and l are the best ones, rounded outwards to more decimals than the claim has.
        """
        digits = digits_of(self.terms) + MORE_DIGITS
        facts: list[Fact] = []
        for name, of in self.functions:
            if name == "abs":
                continue
            f, interval = fn(name, _T), OneVariable(self.branch, 1.0).interval(of)
            for g in (1 * f, -1 * f):
                bound = _infimum(g, interval.low, interval.high, digits)
                facts += [] if bound is None else self.at(g - num(bound[0]), of, bound[1], interval)
            facts += self._slopes(f, of, interval, digits)
        return facts

    def _slopes(self, f: Term, of: Term, interval: Interval, digits: int) -> list[Fact]:
        """The facts k (t - a) <= f(t) - f(a) <= l (t - a) if t >= a, reversed if t <= a, and multiplied by t - a otherwise."""
        low, high = interval.low, interval.high
        inside = (low is None or low <= 0) and (high is None or high >= 0)
        ends = (low, high, Fraction(0) if inside else None)
        anchor = next((a for a in ends if a is not None and self._rational(f, a) is not None), None)
        if anchor is None:
            return []
        rise, run = f - num(self._rational(f, anchor) or 0), _T - num(anchor)
        factor = num(1) if anchor == low else num(-1) if anchor == high else run
        facts: list[Fact] = []
        for sign in (1, -1):
            bound = _infimum(sign * rise / run, low, high, digits)
            if bound is not None:
                facts += self.at((sign * rise - num(bound[0]) * run) * factor, of, False, interval)
        return facts

    def _rational(self, f: Term, at: Fraction) -> Fraction | None:
        """The value f(at) if its normal form is a number, else None."""
        poly = self.branch.normal.polynomial(substitute(f, "t", num(at)))
        return poly.get((), Fraction(0)) if set(poly) <= {()} else None

    def orders(self) -> list[Fact]:
        """The facts f(s) <= f(t) (or <) for increasing f if s <= t is shown; log is also compared at 1 and at each exp(t)."""
        branch, kernel, one, seconds = self.branch, self.kernel, num(1), ORDER_SECONDS
        facts: list[Fact] = []
        # most pairs have no order, and a search that fails takes all of its time
        stop = now() + 8 * seconds
        logs, exponents = ([of for name, of in self.functions if name == kind] for kind in ("log", "exp"))
        for of in logs:
            for s, r in ((one, of), (of, one)):
                order, least = branch.show(s.le(r), seconds), branch.show(ZERO.lt(s), seconds)
                if order is not None and least is not None:
                    facts.append(kernel.function("monotone:log", [s, r], [least, order]))
        for of, t in itertools.product(logs, exponents):
            e, positive = fn("exp", t), branch.fact_of(ZERO.lt(of))
            for s, r, least in ((e, of, branch.fact_of(ZERO.lt(e))), (of, e, positive)):
                order = None if least is None else branch.show(s.lt(r), seconds) or branch.show(s.le(r), seconds)
                if order is not None and least is not None:
                    facts += [kernel.function("log_exp", [t]), kernel.function("monotone:log", [s, r], [least, order])]
        for (name, s), (other, t) in itertools.permutations(self.functions, 2):
            if name != other or name == "abs" or now() > stop:
                continue
            order = branch.show(s.lt(t), seconds) or branch.show(s.le(t), seconds)
            fact = None if order is None else branch.monotone(name, s, t, order, seconds)
            facts += [] if fact is None else [fact]
        return facts


#: decimals of the bounds of psi at an end of an interval
DIGITS = 12
HALF = num(Fraction(1, 2))


def away_from_zero(branch: Branch, t: Term) -> Fact | None:
    """The fact psi(t) == (exp(t) - 1 - t) (1/t)^2 if the branch has t * (1/t) == 1, else None."""
    unit = branch.fact_of((t * (1 / t)).eq(1))
    if unit is None:
        return None
    law, size, inverse = branch.kernel.function("psi_square", [t]), fn("psi", t), 1 / t
    claim = size.eq((fn("exp", t) - 1 - t) * inverse**2)
    # with i = 1/t: (exp(t) - 1 - t) i^2 - psi = (exp(t) - 1 - t - psi t^2) i^2 - psi (1 + t i) (1 - t i)
    return branch.kernel.certify(claim, [law, unit], equalities=[(0, inverse**2), (1, -(size * (1 + t * inverse)))])


def at_zero(branch: Branch, t: Term, below: Fact, above: Fact) -> Fact:
    """The fact psi(t) == 1/2 from t <= 0 and 0 <= t."""
    rises = branch.kernel.function
    first, second = rises("monotone:psi", [t, ZERO], [below]), rises("monotone:psi", [ZERO, t], [above])
    return branch.equal(fn("psi", t).eq(HALF), first, second)


def between(branch: Branch, t: Term, seconds: float) -> list[Fact]:
    """Bounds of psi(t) by its values at the ends of the interval in which t is shown to lie, and by rational numbers."""
    interval = OneVariable(branch, seconds).interval(t)
    return [*_bound(branch, t, interval.low, interval.below, 1), *_bound(branch, t, interval.high, interval.above, -1)]


def _bound(branch: Branch, t: Term, end: Fraction | None, fact: Fact | None, sign: int) -> list[Fact]:
    """The fact psi(end) <= psi(t) from end <= t (or <), reversed for the sign -1, also with a rational bound of psi(end)."""
    if end is None or fact is None:
        return []
    at_end = fn("psi", num(end))
    order = branch.kernel.function("monotone:psi", [num(end), t] if sign > 0 else [t, num(end)], [fact])
    number = value_of(at_end, "t", Fraction(0)) if end else None
    bound = None if number is None else num(sign * rounded_down(sign * number, DIGITS))
    proof = None if bound is None else find_interval_proof(num(sign) * (at_end - bound), "t", None, None, False, 0.2)
    if proof is None or bound is None:
        return [order]
    near, size, one = branch.kernel.ball({**proof, "at": ZERO}), fn("psi", t), Fraction(1)
    goal = bound.le(size) if sign > 0 else size.le(bound)
    return [order, branch.kernel.certify(goal, [order, near], sum=[(one, (0,), ()), (one, (1,), ())])]
