"""Means over time on a quadratic loss, for the search: of terms that are quadratic in the state, after steps with given numbers.

The second moments of x - x* and the memory after n steps are alpha (x_0 - x*)^2 + beta c, where the covariance of a message is
Q = c + c' (x - x*)^2. What is found is checked by `derive.bounds.runs`, which carries the rule out and shares nothing with this.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from derive.bounds import names as nm
from derive.bounds.formulas import symbolic
from derive.bounds.instances import AT, CURVE, Instance
from derive.bounds.messages import NOISE
from derive.bounds.setting import Setting
from derive.bounds.vectors import MEAN, one_step
from derive.bounds.vocabulary import replaced
from derive.proof.language.context import ProofError, parts
from derive.proof.language.terms import Relation, Term, num, plus, times
from derive.theorems.entry.from_sde import expression
from derive.vocabulary.symbols import u as free


class Means:
    """The means of one quadratic.

    Args:
        one: the family of the loss.
        put: numbers for the constants of the step.
        steps: how many there are.

    Raises:
        ProofError: the step or the covariance of a message is not of this form.
    """

    def __init__(self, given: Setting, one: Instance, put: Mapping[Term, Term], steps: int) -> None:
        self.given, self.one, self.put, self.steps = given, one, put, steps
        self.letters = [nm.DISTANCE, *(nm.memory(letter) for letter, _ in given.method.rule.memory)]
        step = one_step(given.method, given.any_noise)
        if step.level is not None or step.divides or given.method.schedule.factor != 1:
            raise ProofError("the step is not linear, or not the same at all times")
        rows = [{**step.move, nm.DISTANCE: sp.S.One}, *(step.memory[letter] for letter, _ in given.method.rule.memory)]
        number = {sp.Symbol(t[1]): sp.Rational(v[1]) for t, v in put.items()} | {sp.Symbol(free.name): sp.S.One}
        values = [{v: sp.sympify(c).subs({s: number[sp.Symbol(s.name)] for s in c.free_symbols if sp.Symbol(s.name) in number})
                   for v, c in row.items()} for row in rows]  # fmt: skip
        noises = sorted({v for row in values for v in row if isinstance(v, tuple)})
        h = number[sp.Symbol(CURVE[1])]
        names = {MEAN: nm.GRADIENT} | {letter: nm.memory(letter) for letter, _ in given.method.rule.memory}
        A = [[_fraction(sum(c for v, c in row.items() if names.get(v, v) == w) + (row.get(MEAN, 0) * h if w == nm.DISTANCE else 0))
              for w in self.letters] for row in values]  # fmt: skip
        draws = [[_fraction(row.get(v, 0)) for row in values] for v in noises]
        Q = sp.Poly(symbolic(replaced(one.values[nm.Q], put)), sp.Symbol(AT[1]))
        if Q.degree() > 2 or Q.coeff_monomial(sp.Symbol(AT[1])) != 0:
            raise ProofError("the covariance of a message is not a multiple of the square and a constant")
        growth = _fraction(Q.coeff_monomial(sp.Symbol(AT[1]) ** 2)) / one.clients
        self.floor: Term = expression(Q.coeff_monomial(1), {})
        zero = Fraction(0)
        M = [[(Fraction(int(i == j == 0)), zero) for j in range(len(A))] for i in range(len(A))]
        self.moments = [M]
        for _ in range(steps):
            M = self._next(A, draws, growth, M)
            self.moments.append(M)

    def _next(self, A: Any, draws: Any, growth: Fraction, M: Any) -> Any:
        size, share = range(len(A)), Fraction(1, self.one.clients)

        def entry(i: int, j: int, part: int) -> Fraction:
            moved = sum(A[i][k] * A[j][m] * M[k][m][part] for k in size for m in size)
            spread = growth * M[0][0][part] + (share if part else 0)
            return moved + sum(c[i] * c[j] for c in draws) * spread

        return [[(entry(i, j, 0), entry(i, j, 1)) for j in size] for i in size]

    def replaced(self, t: Any) -> Any:
        """A term or relation with its means in numbers."""
        if isinstance(t, Term) and t[0] in ("E", "I", "EI"):
            span = [self.steps] if t[0] == "E" else range(self.steps)
            return plus(*[self.mean(t[1], n) for n in span])
        if isinstance(t, Term | Relation):
            return type(t)(self.replaced(a) if isinstance(a, Term) else a for a in t)
        return t

    def mean(self, t: Term, n: int) -> Term:
        """The mean of a term at step n.

        Raises:
            ProofError: it is not quadratic in the state.
        """
        if t[0] == "+":
            return plus(*[self.mean(a, n) for a in t[1:]])
        if t[0] == "/":
            return self.mean(t[1], n) / t[2]
        if t[0] == "*":
            random = [a for a in t[1:] if self._moves(a)]
            if len(random) > 1:
                raise ProofError("a product of what is random")
            return times(*[self.mean(a, n) if a in random else a for a in t[1:]])
        if not self._moves(t):
            return t
        keys = {term: key for key, p in self.given.potentials.items() for term in (p.value, p.end)} | {nm.f: "f"}
        if t == nm.Q or t == NOISE:
            return self.mean(replaced(self.one.values[t], {AT**2: nm.inner(nm.DISTANCE, nm.DISTANCE)}), n)
        key = keys.get(t, (t[1][1][1],) * 2 if t[0] == "^" and t[1][0] == "norm" and t[2] == 2 else None)
        key = (t[1][1], t[2][1]) if t[0] == "dot" else key
        if key is None:
            raise ProofError("a mean of what is not quadratic")
        if key == "f":
            return CURVE / 2 * self._moment(nm.DISTANCE, nm.DISTANCE, n)
        return plus(*[c * d * self._moment(v, w, n) for v, c in self._parts(key[0]) for w, d in self._parts(key[1])])

    def _parts(self, v: str) -> list[tuple[str, Term]]:
        if v == nm.GRADIENT:
            return [(nm.DISTANCE, CURVE)]
        if v in self.given.sums:
            return [(w, c * d) for part, c in self.given.sums[v].parts.items() for w, d in self._parts(part)]
        return [(v, num(1))]

    def _moment(self, v: str, w: str, n: int) -> Term:
        alpha, beta = self.moments[n][self.letters.index(v)][self.letters.index(w)]
        return num(alpha) * AT**2 + num(beta) * self.floor

    def _moves(self, t: Term) -> bool:
        """Whether a term depends on the state."""
        kinds = self.given.context.symbols
        return any(p[0] in ("norm", "dot", "tr") or (p[0] == "x" and kinds.get(p[1]) in ("random", "rv")) for p in parts(t))


def _fraction(e: Any) -> Fraction:
    e = sp.sympify(e)
    if not e.is_Rational:
        raise ProofError("a constant of the step has no number")
    return Fraction(int(e.p), int(e.q))
