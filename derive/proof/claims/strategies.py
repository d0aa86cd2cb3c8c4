"""The strategies for proving a claim, in the order in which they are tried, each within its share of the time."""

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

from sdescent.derive.proof.claims.branch import ZERO, Branch, Solver, opposite, quietly, symbols
from sdescent.derive.proof.claims.domain import Domain
from sdescent.derive.proof.claims.function_facts import FunctionFacts, at_zero, away_from_zero, between
from sdescent.derive.proof.claims.one_variable import OneVariable
from sdescent.derive.proof.claims.products import Factored, Products
from sdescent.derive.proof.claims.separable import Separable, Split, root_of, sides
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, fn, x

MAX_DEPTH = 6
MAX_ORDERED = 3
_CURVED = frozenset({"exp", "log", "atan", "erf", "tanh"})


class Strategies:
    """Proofs of relations in branches; the squares of `hints` may occur in certificates."""

    def __init__(self, hints: Sequence[Term] = ()) -> None:
        self.hints = tuple(hints)
        self.domain: Domain | None = None

    def simple(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """A proof of a condition for a domain, by certify, analysis in one variable, or cases on abs."""
        fact = branch.show(claim, seconds / 4, branch.about_no_more(claim), only=True)
        # the sign of a sum of products follows from those of its factors
        if fact is None and all(c > 0 for c in branch.normal.polynomial(claim.slack).values()):
            fact = branch.show(claim, seconds / 4, branch.about_constants(), only=True)
        fact = fact or branch.show(claim, seconds / 4)
        fact = fact or quietly(lambda: self._one_variable(branch, claim, seconds / 2))
        if fact is None and any(name == "abs" for name, _ in branch.functions(claim.slack)):
            fact = quietly(lambda: self._by_sign_of_argument(branch, claim, seconds / 4))
        return fact

    def prove(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """The claim as a fact, or None if no strategy proves it in the time."""
        attempt = self._equality if claim.op == "==" else self._inequality
        return branch.fact_of(claim) or attempt(branch, claim, seconds)

    def _equality(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        fact = branch.show(claim, seconds / 8)
        if fact is not None:
            return fact
        functions = FunctionFacts(branch, [claim.slack, *[f.claim.slack for f in branch.facts if f.rule == "assume"]])
        for more in (functions.sums, functions.exponentials):
            facts = more()
            fact = branch.show(claim, seconds / 8, facts) if facts else None
            if fact is not None:
                return fact
        below = self._inequality(branch, claim.left.le(claim.right), seconds / 3)
        above = None if below is None else self._inequality(branch, claim.right.le(claim.left), seconds / 3)
        return None if below is None or above is None else branch.equal(claim, below, above)

    def _inequality(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        functions = {name for name, _ in branch.functions(claim.slack)}
        attempts: list[tuple[Solver, float]] = []
        curved, one = functions & _CURVED, len(symbols(claim)) <= 1
        if "psi" in functions:
            attempts += [(self._between, 0.1)]
        if functions - {"abs"} and not one:
            attempts += [(self._by(Factored), 0.3), (self._by(Separable), 0.4), (self._by(Products), 0.3)]
        if "psi" in functions:
            attempts += [(self._remainder, 0.8)]
        if curved and one:
            # analysis is slow for powers of a function: bounds of the function come before it
            powers = self._has_power(branch, claim)
            attempts += [(self._one_variable, 0.1), (self._functions, 0.1)] if powers else []
            attempts += [(self._one_variable, 0.6)]
        if "sqrt" in functions and not (one and curved):
            attempts += [(self._squares, 0.4)]
        cases = "abs" in functions or self._square(branch, claim) is not None
        attempts += [(self._certify, 0.05 if cases else 0.12 if functions else 0.4)]
        if not (curved and one):
            attempts += [(self._one_variable, 0.2)]
        linear = all(sum(n for _, n in m) <= 1 for m in branch.normal.polynomial(claim.slack))
        if cases and not curved and linear:
            attempts.insert(0, (self._by_sign_of_argument, 0.8))
        elif cases:
            attempts.append((self._by_sign_of_argument, 0.8))
        if "sqrt" in functions and one and curved:
            attempts += [(self._squares, 0.5)]
        assumed = [f.claim.slack for f in branch.facts if f.rule == "assume"]
        if functions - {"abs"} or any(name != "abs" for name, _ in branch.functions(*assumed)):
            attempts += [(self._functions, 0.4)]
        if self.domain is not None and self.domain.unsigned:
            attempts.append((self._denominators, 0.5))
        if not functions and branch.depth == 0:
            attempts.append((self._ordered, 0.5))
        attempts += [(Branch.indirect, 0.2), (self._certify, 1.0)]
        for attempt, share in attempts:
            branch.remaining()
            fact = quietly(partial(attempt, branch, claim, seconds * share))
            if fact is not None:
                return fact
        return None

    # each method returns the claim as a fact, or None

    def _certify(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        return branch.show(claim, seconds, hints=self.hints)

    def _one_variable(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        return OneVariable(branch, seconds).prove(claim)

    def _smaller(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """A proof of a relation about a part of a claim, with fewer variables."""
        fact = branch.fact_of(claim)
        if fact is not None:
            return fact
        names, functions = symbols(claim), {name for name, _ in branch.functions(claim.slack)}
        if functions & _CURVED and len(names) == 1 and "abs" not in functions:
            return self._one_variable(branch, claim, seconds)
        return self.prove(branch, claim, seconds) if functions else branch.show(claim, min(seconds / 4, 0.3))

    def _by(self, way: type[Split]) -> Solver:
        """A strategy that proves a claim from its parts."""
        return lambda branch, claim, seconds: way(branch, self._smaller, seconds).prove(claim)

    def _functions(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        terms = [claim.slack, *[f.claim.slack for f in branch.facts if f.rule == "assume"]]
        functions, facts = FunctionFacts(branch, terms), list[Fact]()
        for more in (functions.tangents, functions.orders, functions.exponentials, functions.bounds):
            new = more()
            facts += new
            fact = branch.show(claim, seconds / 4, facts) if new else None
            if fact is not None:
                return fact
        return self._contrary(branch, claim, seconds / 4) if not branch.functions(claim.slack) else None

    def _contrary(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """The claim a <= b from f(a) <= f(b), since b < a gives f(b) < f(a)."""
        inner = branch.wider(branch.kernel.assume(opposite(claim)))
        facts = FunctionFacts(inner, [f.claim.slack for f in branch.facts if f.rule == "assume"]).orders()
        absurd = inner.contradiction(seconds, facts) if facts else None
        return None if absurd is None else branch.by_cases(claim, absurd)

    # cases

    def _split(
        self, branch: Branch, claim: Relation, split: Relation, value: Callable[[Fact, int], Fact], seconds: float
    ) -> Fact | None:
        """The claim from the cases l <= r (1) and r < l (-1); `value` gives f(t) == s from a case and its number."""

        def side(inner: Branch, assumed: Fact, sign: int) -> Fact | None:
            return self._valued(inner, claim, value(assumed, sign), max(seconds / 2, 0.4))

        return self._cases(branch, split, side)

    def _cases(self, branch: Branch, split: Relation, side: Callable[[Branch, Fact, int], Fact | None]) -> Fact | None:
        """A claim from the cases l <= r (1) and r < l (-1); `side` proves it in a case's branch, from the case and its number."""
        if branch.depth >= MAX_DEPTH:
            return None
        sides: list[Fact] = []
        for case, sign in ((split, 1), (opposite(split), -1)):
            assumed = branch.kernel.assume(case)
            fact = side(branch.wider(assumed), assumed, sign)
            if fact is None:
                return None
            if branch.normal.key(case) not in fact.hypotheses:
                return fact
            sides.append(fact)
        return branch.merged(split, *sides)

    def _valued(self, branch: Branch, claim: Relation, value: Fact, seconds: float) -> Fact | None:
        """The claim, given f(t) == s, by a proof with s in place of f(t) in the claim and the assumptions."""
        function, s = value.claim.left, value.claim.right
        atom = branch.outer_atoms(function)
        words = OneVariable(branch, seconds)
        inner = branch.without(atom).wider(value)
        for f in list(inner.facts):
            if f.rule == "assume" and atom & branch.atoms(f.claim.slack):
                other = inner.show(words.swapped(f.claim, {function: s}), 0.1, [f, value], only=True)
                if other is not None:
                    inner.add(other)
        plain = words.swapped(claim, {function: s})
        # its roots and denominators are new; their domains follow from those of the terms that they replace
        Domain(inner, self.simple, 0.2).missing(plain)
        fact = self.prove(inner, plain, seconds)
        if fact is None or plain == claim:
            return fact
        nested = self._nested(inner, claim, value)
        return inner.show(claim, 0.3, [fact, value, *nested], only=not nested)

    def _nested(self, branch: Branch, claim: Relation, value: Fact) -> list[Fact]:
        """The facts that g(.. f(t) ..) equals g(.. s ..), by two inequalities each; q * (1/q) == 1 for denominators q."""
        function, s = value.claim.left, value.claim.right
        words, facts = OneVariable(branch, 1.0), list[Fact]()
        for a in sorted(branch.atoms(claim.slack)):
            key = branch.normal.key_of(a)
            if key[0] not in ("f", "inv"):
                continue
            of = branch.normal.term(dict(key[-1]))
            if not branch.outer_atoms(function) & branch.atoms(of):
                continue
            other = words.swapped(of, {function: s})
            if key[0] == "inv":
                facts += [f for f in [branch.fact_of((t * (1 / t)).eq(1)) for t in (of, other)] if f is not None]
                continue
            for pair in ((of, other), (other, of)):
                order = branch.show(pair[0].le(pair[1]), 0.1, [value], only=True)
                fact = None if order is None or key[1] == "abs" else branch.monotone(key[1], *pair, order)
                facts += [] if fact is None else [fact]
        return facts

    def _by_sign_of_argument(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """Resolve an abs(t) by the sign of t, by cases if it is unknown; without an abs, do the same for the root of a square."""
        kernel, normal = branch.kernel, branch.normal
        poly = normal.polynomial(claim.slack)

        def only_added(argument: Term) -> bool:
            """Whether no monomial of the slack subtracts abs(t); then t <= abs(t) may suffice, so t comes last."""
            (((a, _),),) = normal.polynomial(fn("abs", argument))
            return not any(c < 0 and a in dict(m) for m, c in poly.items())

        arguments = [argument for name, argument in branch.functions(claim.slack) if name == "abs"]
        for argument in sorted(arguments, key=only_added):
            if any(branch.fact_of(fn("abs", argument).eq(s)) is not None for s in (argument, -argument)):
                continue

            def value(assumed: Fact, sign: int, argument: Term = argument) -> Fact:
                return kernel.function("abs_of_positive" if sign > 0 else "abs_of_negative", [argument], [assumed])

            for sign, signed in ((1, branch.fact_of(ZERO.le(argument))), (-1, branch.fact_of(argument.le(ZERO)))):
                if signed is not None:
                    return self._valued(branch.wider(), claim, value(signed, sign), seconds)
            return self._split(branch, claim, ZERO.le(argument), value, seconds)
        root = self._square(branch, claim)
        if root is None:
            return None

        def of_square(assumed: Fact, sign: int) -> Fact:
            t = branch.normal.term(branch.normal.polynomial(sign * root))
            return kernel.function("sqrt_of_square", [t], [branch.restated(assumed, ZERO.le(t))])

        return self._split(branch, claim, ZERO.le(root), of_square, seconds)

    def _between(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """A proof by the order of the values of psi in the claim and at the ends of its arguments' intervals."""
        facts = FunctionFacts(branch, [claim.slack]).orders()
        for name, of in branch.functions(claim.slack):
            facts += between(branch, of, seconds / 2) if name == "psi" else []
        for fact in facts:
            branch.add(fact)  # other strategies may use it too
        return branch.show(claim, seconds, facts) if facts else None

    def _remainder(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """A proof with (exp(t) - 1 - t)/t^2 in place of the first psi(t), or 1/2 at t = 0; by cases if t has no known sign."""
        t = next(of for name, of in branch.functions(claim.slack) if name == "psi")
        share = max(seconds / 2, 0.4)

        def away(inner: Branch, signed: Fact, sign: int) -> Fact | None:
            Domain(inner, self.simple, 0.2).inverse(inner, t, signed, sign)
            value = away_from_zero(inner, t)
            return None if value is None else self._valued(inner, claim, value, share)

        def zero(inner: Branch, below: Fact, above: Fact) -> Fact | None:
            return self._valued(inner, claim, at_zero(inner, t, below, above), share)

        def low(inner: Branch, below: Fact) -> Fact | None:
            above = inner.show(ZERO.le(t), 0.1)
            if above is not None:
                return zero(inner, below, above)
            cases = lambda last, fact, sign: zero(last, below, fact) if sign > 0 else away(last, fact, -1)  # noqa: E731
            return self._cases(inner, ZERO.le(t), cases)

        for sign, strict in ((1, ZERO.lt(t)), (-1, t.lt(ZERO))):
            signed = branch.show(strict, 0.1)
            if signed is not None:
                return away(branch.wider(), signed, sign)
        return self._cases(
            branch, t.le(ZERO), lambda inner, fact, sign: low(inner, fact) if sign > 0 else away(inner, fact, 1)
        )

    def _has_power(self, branch: Branch, claim: Relation) -> bool:
        """Whether a power of a function occurs in the slack."""
        powers = {a for m in branch.normal.polynomial(claim.slack) for a, n in m if n > 1}
        return any(key[0] == "f" and key[1] in _CURVED for key in map(branch.normal.key_of, powers))

    def _square(self, branch: Branch, claim: Relation) -> Term | None:
        """A term t with sqrt(t^2) in the claim, if the branch has neither sqrt(t^2) == t nor sqrt(t^2) == -t; else None."""
        for name, of in branch.functions(claim.slack):
            if name == "sqrt":
                t = root_of(branch, of)
                if t is not None and all(branch.fact_of(fn("sqrt", of).eq(s)) is None for s in (t, -t)):
                    return t
        return None

    def _ordered(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """A proof by cases on the order of two or three variables."""
        names = symbols(claim)
        if not 2 <= len(names) <= MAX_ORDERED:
            return None
        return self._orders(branch, claim, list(itertools.combinations(names, 2)), seconds)

    def _orders(self, branch: Branch, claim: Relation, pairs: list[tuple[str, str]], seconds: float) -> Fact | None:
        if not pairs:
            return branch.show(claim, seconds, hints=self.hints)
        (a, b), *rest = pairs
        return self._cases(branch, x(a).le(x(b)), lambda inner, _, __: self._orders(inner, claim, rest, seconds / 2))

    def _denominators(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """A proof by cases on the sign of a nonzero denominator."""
        domain = self.domain
        assert domain is not None
        for q, nonzero in domain.unsigned:
            if branch.fact_of((q * (1 / q)).eq(1)) is not None:
                continue

            def side(inner: Branch, _: Fact, sign: int, q: Term = q, nonzero: Fact = nonzero) -> Fact | None:
                domain.signed(inner, q, nonzero, sign)
                return self.prove(inner, claim, seconds / 2)

            return self._cases(branch, ZERO.le(q), side)
        return None

    # roots

    def _squares(self, branch: Branch, claim: Relation, seconds: float) -> Fact | None:
        """The claim from A <= B, shown by 0 <= B and A^2 <= B^2; its slack is split as B - A so that squares have fewer roots."""
        if branch.depth >= MAX_DEPTH:
            return None
        normal = branch.normal
        slack = OneVariable(branch, seconds).cleared(claim.slack)
        if slack is None:
            return None
        strict = claim.op == "<"
        for b, a in sides(branch, branch.without_roots(normal.polynomial(slack))):
            less = self._by_squares(branch, normal.term(a), normal.term(b), strict, seconds / 2)
            if less is not None:
                return branch.show(claim, 0.5, [less])
        return None

    def _by_squares(self, branch: Branch, a: Term, b: Term, strict: bool, seconds: float) -> Fact | None:
        kernel, normal, op = branch.kernel, branch.normal, "<" if strict else "<="
        whole = Relation((op, a, b))
        below = branch.show(ZERO.le(b), 0.1)
        if below is None:
            return None
        # a <= 0 is a case of its own, without squares
        sign, inner, low = ZERO.lt(a), branch, None
        if branch.show(ZERO.le(a), 0.05) is None:
            low = branch.wider(kernel.assume(a.le(ZERO))).show(whole, 0.1)
            inner = branch if low is None else branch.wider(kernel.assume(sign))
        goal = Relation((op, ZERO, normal.term(branch.without_roots(normal.polynomial(b**2 - a**2)))))
        less = self.prove(Branch(kernel, inner.deadline, inner.facts, branch.depth + 2), goal, seconds)
        squares = None if less is None else branch.show(Relation((op, a**2, b**2)), 0.3, [less])
        if squares is None:
            return None
        other, one = kernel.assume(opposite(whole)), Fraction(1)
        members = [(one, (0, 0), ()), (2 * one, (1, 0), ()), (one, (2,), ())]
        high = branch.by_cases(whole, kernel.certify(ZERO.lt(0), [other, below, squares], sum=members))
        return high if low is None else branch.merged(a.le(ZERO), low, high)
