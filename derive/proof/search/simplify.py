"""The use of premises before the search: equalities eliminate variables, and linear inequalities give new variables."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term
from sdescent.derive.proof.search import ring as rings
from sdescent.derive.proof.search.goal import Goal, small
from sdescent.derive.proof.search.linear import Solution
from sdescent.derive.proof.search.ring import Factor, Mono, Piece, Poly, Rule, ZeroPolynomial, cone_product, product


@dataclass(frozen=True)
class _Step:
    """A change of variables: y = c v + rest takes the place of v in the ring, so v = (y - rest) / c."""

    v: int
    forward: Poly
    backward: Poly


def shifted(ring: rings.Ring, reduce: Callable[[Poly], Poly], goal: Goal) -> Goal | None:
    """The goal in new variables if that leaves fewer premises that are more than signs of variables; else None."""
    best, fewest = None, _burden(ring, goal.factors)
    for greedy in (False, True):
        steps: list[_Step] = []
        factors = list(goal.factors)
        replaced: set[int] = set(goal.tied)
        for _ in range(ring.size):
            step = _next(ring, factors, replaced, greedy)
            if step is None:
                break
            replaced.add(step.v)
            steps.append(step)
            factors = [_moved_factor(ring, f, step) for f in factors]
        burden = _burden(ring, factors)
        if steps and burden < fewest:
            best, fewest = (steps, factors), burden
    if best is None:
        return None
    steps, factors = best

    def forward(poly: Poly) -> Poly:
        for step in steps:
            poly = ring.put(poly, step.v, step.forward)
        return reduce(poly)

    def backward(poly: Poly) -> Poly:
        for step in reversed(steps):
            poly = ring.put(poly, step.v, step.backward)
        return poly

    def back(pieces: Sequence[Piece]) -> list[Piece]:
        return [(c, indices, tuple(backward(s) for s in squares)) for c, indices, squares in pieces]

    def outer(solution: Solution) -> Solution:
        equalities = [(e, backward(t)) for e, t in solution.equalities]
        return goal.lift(Solution(back(solution.mult), back(solution.total), equalities))

    equations = [ZeroPolynomial(forward(e.poly), e.rep) for e in goal.equations]
    factors = [Factor(reduce(f.poly), f.cone, f.strict) for f in factors]
    target = forward(goal.target)
    return small(ring, Goal(target, factors, equations, goal.strict, goal.equal, tied=goal.tied, outer=outer))


def _next(ring: rings.Ring, factors: Sequence[Factor], replaced: set[int], greedy: bool) -> _Step | None:
    """The next variable to replace by a linear premise: its sign is unknown or follows from the premise, or `greedy` is true."""
    signs_of = ring.signs(factors)
    singles = {m.index(1) for f in factors if len(f.poly) == 1 for m in rings.terms_of(f.poly) if sum(m) == 1}
    for f in sorted(factors, key=lambda f: (len(f.poly), str(f.poly))):
        data = rings.terms_of(f.poly)
        if rings.degree_of(f.poly) != 1 or len(data) < 2:
            continue
        for m, c in sorted(data.items()):
            if sum(m) != 1 or m.index(1) in replaced:
                continue
            v = m.index(1)
            rest = f.poly - ring.gens[v] * c
            if greedy or v not in singles or (c > 0 and ring.termwise(rings.terms_of(-rest), signs_of) is not None):
                return _Step(v, (ring.gens[v] - rest) / c, f.poly)
    return None


def _burden(ring: rings.Ring, factors: Sequence[Factor]) -> int:
    """The number of factors that are not nonnegative term by term, given the signs from premises in one variable."""
    signs_of = ring.signs([f for f in factors if len(f.poly) == 1])
    return sum(ring.termwise(rings.terms_of(f.poly), signs_of) is None for f in factors)


def _moved_factor(ring: rings.Ring, f: Factor, step: _Step) -> Factor:
    cone = tuple((c, i, tuple(ring.put(s, step.v, step.forward) for s in squares)) for c, i, squares in f.cone)
    return Factor(ring.put(f.poly, step.v, step.forward), cone, f.strict)


MAX_TERMS = 4000


class SimplifiedClaim:
    """A claim, its premises, and their simplified form `core`."""

    def __init__(
        self,
        normal: Normal,
        claim: Relation,
        premises: Sequence[Relation],
        hints: Sequence[Term],
        clear: bool,
        swap: bool,
    ) -> None:
        used = [r for r in premises if r.op in ("<=", "<", "==")]
        self.ring = ring = rings.Ring(normal, [claim.slack, *[r.slack for r in used], *hints])
        self.op, self.clear, self.swap = claim.op, clear, swap
        #: whether the problem would differ with the other value of `swap`
        self.other_way = False
        self.claim = ring.poly(claim.slack)
        self.slack = {i: ring.poly(r.slack) for i, r in enumerate(premises) if r in used}
        self.strict = {i for i, r in enumerate(premises) if r.op == "<"}
        one = ring.number(1)
        bounds = {i: p for i, p in self.slack.items() if premises[i].op != "=="}
        factors = [Factor(p, ((fmpq(1), (i,), ()),), i in self.strict) for i, p in bounds.items()]
        equations = [ZeroPolynomial(p, {i: one}) for i, p in self.slack.items() if premises[i].op == "==" and p]
        self.core = rings.Core(self.claim, factors, equations, [ring.poly(h) for h in hints], (((fmpq(1), (), ()),)))
        while (step := self._next_rule()) is not None:
            self._apply(*step)
        self.powers = [rule for rule in self.core.rules if not rule.inverse and rule.n > 1]

    def _next_rule(self) -> tuple[Rule, ZeroPolynomial] | None:
        ring = self.ring
        ranked: list[tuple[tuple[Any, ...], Rule, ZeroPolynomial]] = []
        signed = set(ring.signs(self.core.factors))
        polys = [self.core.target, *[f.poly for f in self.core.factors], *[e.poly for e in self.core.equations]]
        degrees = [max(rings.degree_in(p, v) for p in polys) for v in range(ring.size)]
        for equation in self.core.equations:
            data = rings.terms_of(equation.poly)
            # sqrt(1 + u)^2 == 1 + u reduces the root (u = sqrt(1 + u)^2 - 1 would hide the sign of u); sqrt(a)^2 == a gives a
            roots = [v for v in range(ring.size) if ring.head(v) == "f" and any(m[v] > 1 for m in data)]
            self.other_way = self.other_way or bool(roots) or ring.one in data
            for v in roots if roots and (len(data) > 2) != self.swap else range(ring.size):
                with_v = [m for m in data if m[v]]
                if len(with_v) == 1 and sum(with_v[0]) == with_v[0][v]:
                    candidate = self._power_rule(equation, data, v, with_v[0][v], signed, degrees)
                elif with_v and all(m[v] == 1 for m in with_v) and len(data) == len(with_v) + 1 and ring.one in data:
                    candidate = self._inverse_rule(equation, data, v)
                else:
                    continue
                ranked += [] if candidate is None else [(*candidate, equation)]
        return min(ranked, key=lambda entry: entry[0])[1:] if ranked else None

    def _power_rule(
        self,
        equation: ZeroPolynomial,
        data: dict[Mono, Any],
        v: int,
        n: int,
        signed: set[int],
        degrees: Sequence[int],
    ) -> tuple[tuple[Any, ...], Rule] | None:
        """The rule v^n = value with its rank, or None if it is unsuitable; the rule of least rank is applied first."""
        ring = self.ring
        c = data[tuple(n * (u == v) for u in range(ring.size))]
        value = ring.gens[v] ** n - equation.poly / c
        cost = max(len(data) - 1, 1) ** (degrees[v] // n)
        # v^2 = value hides squares of v: allowed only if v is a root, has a constant square or has a known sign
        fit = n == 1 or ring.head(v) == "f" or value.is_constant() or v in signed
        if n == 1 and v in signed and len(data) > 2:
            # substitution loses the sign of v: right only if v is merely a name for the value
            self.other_way, fit = True, not self.swap
        if cost > 64 or not fit:
            return None
        return (min(n - 1, 1), v in signed, cost, -v), Rule(v, n, value, _times(equation, 1 / c))

    def _inverse_rule(
        self, equation: ZeroPolynomial, data: dict[Mono, Any], v: int
    ) -> tuple[tuple[Any, ...], Rule] | None:
        """The rule v Q = 1 with its rank, or None if v is not to be cleared."""
        ring = self.ring
        if not self.clear or not (ring.head(v) == "inv" or self.swap):
            return None
        c = -data[ring.one]
        # the inverse of a term that contains other inverses comes before them: clearing those first would spoil its equation
        held = sum(any(m[u] for m in data) and ring.head(u) == "inv" for u in range(ring.size))
        rank = 2, ring.head(v) != "inv", -held, -v
        return rank, Rule(v, 1, ring.by_power(equation.poly, v)[1] / c, _times(equation, 1 / c), True)

    def _apply(self, rule: Rule, source: ZeroPolynomial) -> None:
        core = self.core
        core.equations = [e for e in core.equations if e is not source]
        core.rules.append(rule)
        if not rule.inverse:
            core.target = self._reduce(core.target, rule)
            core.factors = [Factor(self._reduce(f.poly, rule), f.cone, f.strict) for f in core.factors]
            core.hints = [self._reduce(h, rule) for h in core.hints]
            core.equations = [self._replaced(e, rule, 0) for e in core.equations]
        else:
            self._clear(rule)
        core.equations = [e for e in core.equations if e.poly]
        # a nonnegative constant is no premise, but 0 > 0 is a contradiction
        says = lambda p, strict: not p.is_constant() or (p.leading_coefficient() < 0 if p else strict)  # noqa: E731
        core.factors = [f for f in core.factors if says(f.poly, f.strict)]
        if any(len(p) > MAX_TERMS for p in [core.target, *[f.poly for f in core.factors]]):
            raise rings.GiveUp

    def _clear(self, rule: Rule) -> None:
        """Clear v with v Q = 1: multiply a polynomial of degree k in v by Q^k; if the sign of Q is unknown, round k up to even."""
        core, ring, v = self.core, self.ring, rule.v
        sign, q = ring.sign_cone(rule.value, core.factors) or (0, None)
        inverse_sign, inverse = ring.signs(core.factors).get(v, (0, None))
        if (q is None or not q.strict) and inverse is not None:
            # Q = v Q^2 has the sign of v
            sign = inverse_sign
            q = Factor(rule.value * sign, _with_square(inverse.cone, rule.value), False)
        factors: list[Factor] = []
        for f in core.factors:
            k = rings.degree_in(f.poly, v)
            if k == 0:
                factors.append(f)
            elif q is not None:
                cone = cone_product(f.cone, *[q.cone] * k)
                factors.append(Factor(self._cleared(f.poly, rule, k) * sign**k, cone, f.strict and q.strict))
            else:
                k += k % 2
                cone = _with_square(f.cone, rings.power(rule.value, k // 2))
                factors.append(Factor(self._cleared(f.poly, rule, k), cone, False))
        k = rings.degree_in(core.target, v)
        if k and q is not None and q.strict:
            core.weight = cone_product(core.weight, *[q.cone] * k)
            core.target = self._cleared(core.target, rule, k) * sign**k
        elif k:
            if inverse is not None and inverse.strict and len(inverse.cone) == 1:
                after, flip = cone_product(*[inverse.cone] * k)[0], inverse_sign**k
            else:
                k += k % 2
                after, flip = (fmpq(1), (), (ring.gens[v] ** (k // 2),)), 1
            core.target = self._cleared(core.target, rule, k) * flip
            core.after.append((after, (fmpq(1), (), (rings.power(rule.value, k // 2),))))
        core.factors = factors
        core.hints = [self._cleared(h, rule, rings.degree_in(h, v)) for h in core.hints]
        core.equations = [self._replaced(e, rule, rings.degree_in(e.poly, v)) for e in core.equations]

    def _replaced(self, e: ZeroPolynomial, rule: Rule, k: int) -> ZeroPolynomial:
        """The equation after a rule, as a combination of the premises: e' = Q^k e - t h."""
        after = self._cleared(e.poly, rule, k) if rule.inverse else self._reduce(e.poly, rule)
        scale = rings.power(rule.value, k) if rule.inverse else self.ring.number(1)
        t, rest = rings.quotient(product(scale, e.poly) - after, rule.equation.poly)
        if rest:
            raise rings.GiveUp
        rep = {i: product(u, scale) for i, u in e.rep.items()}
        for i, u in rule.equation.rep.items():
            rep[i] = rep.get(i, self.ring.number(0)) - product(t, u)
        return ZeroPolynomial(after, rep)

    def _reduce(self, poly: Poly, rule: Rule) -> Poly:
        if rings.degree_in(poly, rule.v) < rule.n:
            return poly
        v, parts = self.ring.gens[rule.v], self.ring.by_power(poly, rule.v).items()
        lower = (product(part * v ** (e % rule.n), rings.power(rule.value, e // rule.n)) for e, part in parts)
        return sum(lower, self.ring.number(0))

    def reduce(self, poly: Poly) -> Poly:
        """The polynomial modulo the rules v^n = value; a product of reduced polynomials need not be reduced."""
        for _ in range(len(self.powers)):
            before = poly
            for rule in self.powers:
                poly = self._reduce(poly, rule)
            if poly == before:
                break
        return poly

    def _cleared(self, poly: Poly, rule: Rule, k: int) -> Poly:
        """The polynomial with v^e replaced by Q^(k - e)."""
        if k == 0:
            return poly
        parts = self.ring.by_power(poly, rule.v).items()
        return sum((product(part, rings.power(rule.value, k - e)) for e, part in parts), self.ring.number(0))

    def assemble(self, solution: Solution, vacuous: bool = False) -> rings.CertifyStep | None:
        """The certificate mult * target = total + sum of t * equation, expressed in the premises; None if that fails.

        With `vacuous` the certificate is for -1 instead of the target, and p = ((p + 1)/2)^2 - ((p - 1)/2)^2 gives one for p.
        """
        core, ring = self.core, self.ring
        mult, total, extra = solution.mult, solution.total, ring.number(1)
        strict = self.op == "<"
        if vacuous:
            half, shift = fmpq(1, 2), 1 if strict else 0
            high: Piece = (fmpq(1), (), ((self.claim + 1 - shift) * half,))
            low: Piece = (fmpq(1), (), ((self.claim - 1 - shift) * half,))
            extra = low[2][0] ** 2
            total = [*(mult if strict else ()), *cone_product(mult, [high]), *cone_product(total, [low])]
        else:
            mult = list(cone_product(mult, core.weight))
        total = rings.merged(total)
        for after, square in core.after if not vacuous else ():
            later = list(cone_product(total, [after]))
            extra *= self._value([after])
            if strict and after[2]:
                # a square is not strict: (1 + Q^2) p = v^2 S + S
                mult, total = [*mult, *cone_product(mult, [square])], [*later, *total]
                extra += self._value([square]) * extra
            else:
                total = later
        mult, total = rings.merged(mult), rings.merged(total)
        rest = product(self._value(mult), self.claim) - self._value(total)
        terms: dict[int, Poly] = {}
        for equation, t in solution.equalities:
            for i, u in equation.rep.items():
                share = product(product(t, u), extra)
                rest -= product(share, self.slack[i])
                terms[i] = terms.get(i, ring.number(0)) + share
        self._undo(rest, terms)
        check = product(self._value(mult), self.claim) - self._value(total)
        for i, t in terms.items():
            check -= product(t, self.slack[i])
        good = not check and self._strict(mult) and (not strict or self._strict(total))
        if not good or (self.op == "==" and total):
            return None
        equalities = tuple((i, ring.term(t)) for i, t in sorted(terms.items()) if t)
        return rings.CertifyStep(self._members(mult), self._members(total), equalities)

    def _undo(self, rest: Poly, terms: dict[int, Poly]) -> None:
        """Write rest as a sum of terms[i] * slack[i], rule by rule; rules recur, since values may contain earlier variables."""
        ring, outer = self.ring, self.ring.number(1)
        for rule in self.core.rules * (1 + 2 * len(self.powers)):
            if not rest:
                break
            if rule.inverse:
                k = rings.degree_in(rest, rule.v)
                # R = v^k R' + (Q v - 1) (..), since Q^k R = R' + (Q v - 1) t
                after = self._cleared(rest, rule, k)
                scale = ring.gens[rule.v] ** k
            else:
                after, scale = self._reduce(rest, rule), ring.number(1)
            by, remainder = rings.quotient(rest - product(scale, after), rule.equation.poly)
            if remainder:
                return
            for i, u in rule.equation.rep.items():
                terms[i] = terms.get(i, ring.number(0)) + product(outer, product(by, u))
            outer, rest = product(outer, scale), after

    def _value(self, pieces: Sequence[Piece]) -> Poly:
        total = self.ring.number(0)
        for c, indices, squares in pieces:
            factors = [*(self.slack[i] for i in indices), *(rings.power(s, 2) for s in squares)]
            total += functools.reduce(product, factors, self.ring.number(c))
        return total

    def _strict(self, pieces: Sequence[Piece]) -> bool:
        return any(not squares and self.strict.issuperset(indices) for _, indices, squares in pieces)

    def _members(self, pieces: Sequence[Piece]) -> tuple[rings.Member, ...]:
        return tuple(
            (rings.fraction(c), indices, tuple(map(self.ring.term, squares))) for c, indices, squares in pieces
        )


def _times(equation: ZeroPolynomial, c: Any) -> ZeroPolynomial:
    return ZeroPolynomial(equation.poly * c, {i: t * c for i, t in equation.rep.items()})


def _with_square(cone: Sequence[Piece], square: Poly) -> tuple[Piece, ...]:
    return tuple((c, indices, (*squares, square)) for c, indices, squares in cone)
