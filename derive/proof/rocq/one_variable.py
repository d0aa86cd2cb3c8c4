"""`ball` steps: the nodes of a proof tree as lemmas over one variable, each for all x of its interval.

The kernel's `Forms` computes the functions at the nodes; Rocq proves that they equal the original ones (`equalities`),
and its tactic `interval` what the kernel evaluates by balls. If a part cannot be proved here, the whole fact becomes a
premise.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partialmethod
from typing import Any

from sdescent.derive.proof.kernel import one_variable
from sdescent.derive.proof.kernel.one_variable_forms import UNIT
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import ONE, Polynomial, added, multiplied, scaled
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, substitute, times, x
from sdescent.derive.proof.rocq.as_written import written_equal
from sdescent.derive.proof.rocq.equalities import (
    Equalities,
    Interval,
    Limits,
    UnsupportedError,
    derived,
    numerical,
    subterms,
)
from sdescent.derive.proof.rocq.notation import ZERO, ExportError, applied, number
from sdescent.derive.proof.rocq.script import ASSUMED, Proved, RocqStep, Script, quantified

#: coefficients, each with a tactic that proves its sign
Signed = list[tuple[Polynomial, str]]


def ball(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """The claim 0 <= phi or 0 < phi at x = t, from the claim for all x of the interval (a premise if Rocq cannot prove it)."""
    d = step.data
    at = script.terms.normal(d["at"])
    phi = substitute(d["term"], d["variable"], at)
    low, high = (None if d[side] is None else one_variable.rational(d[side]) for side in ("low", "high"))
    begins = one_variable.needs_open(d)
    needs: list[Relation] = [] if low is None else [num(low).lt(at) if begins else num(low).le(at)]
    needs += [] if high is None else [at.le(num(high))]
    claim = ZERO.lt(phi) if d["strict"] else ZERO.le(phi)
    proofs = " ".join(script.bridge(*g, r) for g, r in zip(premises, needs, strict=True))
    try:
        tree = _Trees(len(script.lemmas), d["variable"], Interval(low, high), d["domain"])
        name = tree.root(d["term"], d["strict"], begins, d["proof"])
        script.lemmas.extend(tree.lemmas)
        written = f"({name} {script.show(at)} {proofs})"
        return claim, f"(move__{'lt' if d['strict'] else 'le'} (sym__ {written_equal(script, phi)}) {written})"
    except ProofError as error:
        raise ExportError(f"step {step.number}: {error}"[:200]) from error
    except UnsupportedError:
        variables = script.deps(*needs, claim)
        statement = quantified(variables, " -> ".join(script.relation(r) for r in [*needs, claim]))
        fact = script.fact(statement, f"step {step.number}, ball: {statement}", ASSUMED)
        return claim, f"({applied(fact, variables)} {proofs})"


class _Trees(Equalities):
    """A ball's proof tree: the method named after a kind of node proves 0 <= phi (0 < phi) from the lemmas of its subtrees."""

    def __init__(self, number: int, variable: str, whole: Interval, domain: Sequence[Any]) -> None:
        super().__init__(number, variable, whole)
        for q, sign, tree in domain:
            poly = self._read(q)
            self.domain.append(self.lemma(scaled(poly, Fraction(sign)), whole, True, tree))
            self.forms.learn(poly, sign)

    def _read(self, term: Term) -> Polynomial:
        """The normal form of a term, after a check that the term has a value on the whole interval."""
        poly = self.forms.read(term)
        self.forms.check_domain(poly)
        return poly

    def root(self, phi: Term, strict: bool, begins: bool, tree: Any) -> str:
        """The name of the lemma about the term as written."""
        where, poly = replace(self.whole, open=begins), self._read(phi)
        name = self.lemma(poly, where, strict, tree)
        body = self._moved(phi, self.term(poly), where, strict, self.at(name, where))
        return self.new(f"0 {'<' if strict else '<='} {self.text(phi)}", where, body)

    def lemma(self, phi: Polynomial, where: Interval, strict: bool, tree: Any) -> str:
        """The name of a lemma which states 0 <= phi, or 0 < phi if `strict`, for all x of the interval."""
        head, *args = tree
        if head not in one_variable.KINDS:
            raise ExportError(f"there is no kind of proof {head!r}"[:80])
        prove: Callable[..., str] = getattr(self, f"_{head}")
        body = prove(phi, where, strict, *args)
        return self.new(f"0 {'<' if strict else '<='} {self.text(self.term(phi))}", where, body)

    def _moved(self, phi: Term, other: Term, where: Interval, strict: bool, proof: str) -> str:
        """A proof about phi from a proof about another term for the same function."""
        equal = self.at(self.equal(phi, other, where), where)
        return f"exact (move__{'lt' if strict else 'le'} {equal} {proof})."

    def _eval(self, phi: Polynomial, where: Interval, strict: bool, bits: int) -> str:
        if where.low is None or where.high is None or any(p[:2] == ("f", "tanh") for p in subterms(self.term(phi))):
            raise UnsupportedError("eval")
        return f"{numerical(self.text(self.term(phi)), min(max(int(bits), 60), 4096), 'i_bisect x__, ')}."

    def _split(self, phi: Polynomial, where: Interval, strict: bool, c: str, lower: Any, upper: Any) -> str:
        middle = one_variable.rational(c)
        halves = replace(where, high=middle), Interval(middle, where.high)
        names = [self.lemma(phi, half, strict, tree) for half, tree in zip(halves, (lower, upper), strict=True)]
        first, second = (self.at(n, h) for n, h in zip(names, halves, strict=True))
        return f"destruct (Rle_or_lt x__ {number(middle)}) as [m__ | m__]; [exact {first} | exact {second}]."

    # Derivatives

    def _slope(self, phi: Polynomial, where: Interval) -> tuple[Polynomial, str]:
        """The derivative of phi, and a proof of it for y__ in the interval."""
        slope = self.forms.derivative(phi)

        def sign(t: Term, condition: str) -> str:
            facts, _ = self.facts([self._canonical(t), 1 / self._canonical(t)])
            return self.at(self.new(f"{self.text(t)} {condition}", where, f"{facts}nonzero__."), where, "y__")

        d, proof = derived(self.text, self.term(phi), self.name, lambda t: sign(t, "<> 0"), lambda t: sign(t, "> 0"))
        functions = f"(fun x__ => {self.text(self.term(phi))}) y__ _ _"
        return slope, f"(d__same {functions} {self.at(self.equal(d, self.term(slope), where), where, 'y__')} {proof})"

    def _end(self, phi: Polynomial, end: Fraction, strict: bool) -> str:
        """A proof of 0 <= phi(end), or of 0 < phi(end) if `strict`."""
        value = self.forms.at(phi, num(end))
        written = substitute(self.term(phi), self.name, num(end))
        here = Interval(None, None)
        op = "<" if strict else "<="
        # as written, since its normal form may contain huge powers
        if self.forms.decided(value, strict) and not set(value) <= {ONE}:
            return f"({self.new(f'0 {op} {self.text(written)}', here, f'{self.sign(value, strict)}.')} x__)"
        name = self.new(f"0 {op} {self.text(self.term(value))}", here, f"{self.sign(value, strict)}.")
        equal = self.equal(written, self.term(value), here)
        return f"(move__{'lt' if strict else 'le'} ({equal} x__) ({name} x__))"

    def _monotone(self, phi: Polynomial, where: Interval, strict: bool, tree: Any, lemma: str) -> str:
        down, opened = lemma == "down__", lemma == "up__open"
        if opened and not (strict and where.open):
            raise ExportError("up_open proves only a strict claim that is not asked at the left end")
        end = where.high if down else where.low
        if end is None:
            raise ExportError("the interval of a ball has no end to start from")
        closed = replace(where, open=False)
        slope, proof = self._slope(phi, closed)
        inner = self.lemma(scaled(slope, Fraction(-1)) if down else slope, where if opened else closed, opened, tree)
        inside = self.at(inner, where if opened else closed, "y__")
        if down:
            equal = self.equal(-self.term(slope), self.term(scaled(slope, Fraction(-1))), closed)
            inside = f"(move__le {self.at(equal, closed, 'y__')} {inside})"
        functions = f"(fun x__ => {self.text(self.term(phi))}) (fun x__ => {self.text(self.term(slope))})"
        both = f"(fun y__ p__ q__ => {proof}) (fun y__ p__ q__ => {inside})"
        side = "h__" if down else "l__" if opened or not where.open else "(weak__ l__)"
        moved = f"pose proof ({lemma} {functions} {number(end)} x__ {side} {both}) as m__."
        start = self._end(phi, end, strict and not opened)
        result = "zero__open" if opened else f"zero__{'lt' if strict else 'le'}"
        return f"{moved} exact ({result} _ _ {start} m__)."

    _up = partialmethod(_monotone, lemma="up__")
    _down = partialmethod(_monotone, lemma="down__")
    _up_open = partialmethod(_monotone, lemma="up__open")

    def _limit(self, phi: Polynomial, where: Interval, strict: bool, tree: Any) -> str:
        if where.low is None:
            raise UnsupportedError("limit at -oo")
        closed = replace(where, open=False)
        slope, proof = self._slope(phi, closed)
        minus = scaled(slope, Fraction(-1))
        inner = self.lemma(minus, closed, strict, tree)
        equal = self.equal(-self.term(slope), self.term(minus), closed)
        lemma = "lt" if strict else "le"
        inside = f"(move__{lemma} {self.at(equal, closed, 'y__')} {self.at(inner, closed, 'y__')})"
        start = max(Fraction(1), where.low)
        functions = f"(fun x__ => {self.text(self.term(phi))}) (fun x__ => {self.text(self.term(slope))})"
        below = "(weak__ l__)" if where.open else "l__"
        both = f"(fun y__ p__ => {proof}) (fun y__ p__ => {inside})"
        tends = Limits(self, start).of(phi)
        return f"exact (limit__{lemma} {functions} {number(start)} {number(where.low)} _ x__ {below} {both} {tends})."

    # Algebra

    def _coeffs(self, phi: Polynomial, where: Interval, strict: bool) -> str:
        """Tactics for a polynomial with nonnegative coefficients in powers of the distance to an end of the interval."""
        powers = self.forms.coefficients(phi)
        if powers is None:
            raise ExportError("not a polynomial in the variable")
        ends = [(end, sign) for end, sign in ((where.low, 1), (where.high, -1)) if end is not None]
        ends = ends if len(powers) > 1 else [(Fraction(0), 1)]
        for end, sign in ends:
            shifted = [self.forms.reduced(c) for c in one_variable.from_end(powers, end, sign)]
            try:
                signs = [self.sign(c, strict and j == 0) for j, c in enumerate(shifted)]
            except ProofError:
                continue
            if strict and not shifted:
                continue
            distance = x(self.name) + num(-end) if sign > 0 else num(end) - x(self.name)
            return self._by_coefficients(phi, where, strict, list(zip(shifted, signs, strict=True)), distance)
        raise ExportError("a polynomial of a ball has a negative coefficient from either end")

    def _by_coefficients(self, phi: Polynomial, where: Interval, strict: bool, signed: Signed, distance: Term) -> str:
        """Tactics for 0 <= phi as a sum of powers of the distance, given coefficients with tactics for their signs."""
        members: list[Term] = []
        proof = ""
        for j, (c, tactic) in enumerate(signed):
            if not c:
                continue
            positive = strict and not members
            members.append(self.term(c) * distance**j)
            op = "<" if positive else "<="
            power = "Rlt_0_1" if positive else f"(pow_le _ {j} y__)"
            lemma = "mul__lt" if positive else "mul__le"
            piece = f"({lemma} (ltac:({tactic}) : 0 {op} {self.text(self.term(c))}) {power})"
            proof = f"({'add__lt' if strict else 'add__le'} {proof} {piece})" if proof else piece
        if not members:
            return self._moved(self.term(phi), ZERO, where, strict, "(refl__ 0)")
        inside = f"assert (y__ : 0 <= {self.text(distance)}) by lra. "
        if len(signed) == 1:
            inside = "assert (y__ : 0 <= x__ ^ 2) by apply square__. "
            members = [self.term(signed[0][0]) * (x(self.name) ** 2) ** 0]
        whole = plus(*members) if len(members) > 1 else members[0]
        return inside + self._moved(self.term(phi), whole, where, strict, proof)

    def _exp(self, phi: Polynomial, where: Interval, strict: bool) -> str:
        return self._single(phi, "exp", "exp_pos")

    def _sqrt(self, phi: Polynomial, where: Interval, strict: bool) -> str:
        if not strict:
            return self._single(phi, "sqrt", "sqrt_pos")
        facts, _ = self.facts([self.term(phi)])
        return f"{facts}lra."

    def _single(self, phi: Polynomial, name: str, lemma: str) -> str:
        term = self.term(phi)
        function = term[-1] if term[0] == "*" else term
        if function[:2] != ("f", name) or len(phi) != 1:
            raise ExportError(f"not a multiple of {name}")
        return f"pose proof ({lemma} {self.text(function[2])}). lra."

    def _times(self, phi: Polynomial, where: Interval, strict: bool, m: Term, first: Any, second: Any) -> str:
        factor = self._read(m)
        psi = self.forms.cleared(factor, phi)
        closed = replace(where, open=False)
        positive = self.at(self.lemma(factor, closed, True, first), closed)
        below = self.at(self.lemma(psi, where, strict, second), where)
        equal = self.equal(self.term(factor) * self.term(phi), self.term(psi), where)
        lemma = "lt" if strict else "le"
        return f"exact (from__{lemma} _ _ {positive} (move__{lemma} {self.at(equal, where)} {below}))."

    def _sum(self, phi: Polynomial, where: Interval, strict: bool, members: list[Any]) -> str:
        """Tactics for a sum; if one member must be positive, it is the first that can be proved positive."""
        terms = [(self._read(t), tree) for t, tree in members]
        if added(p for p, _ in terms) != phi:
            raise ExportError("the members do not add up to the whole")
        closed = replace(where, open=False)
        if strict:
            first = next((m for m in terms if self._is_positive(m, where)), terms[0])
            terms = [first, *(m for m in terms if m is not first)]
        proof = ""
        for n, (member, tree) in enumerate(terms):
            interval = where if strict and n == 0 else closed
            piece = self.at(self.lemma(member, interval, strict and n == 0, tree), interval)
            proof = f"({'add__lt' if strict else 'add__le'} {proof} {piece})" if n else piece
        return self._moved(self.term(phi), plus(*(self.term(p) for p, _ in terms)), where, strict, proof)

    def _is_positive(self, member: tuple[Polynomial, Any], where: Interval) -> bool:
        try:
            goal = one_variable.IntervalGoal(member[0], where.low, where.high, True, where.open)
            one_variable.Checker(self.forms).check(goal, member[1])
        except ProofError:
            return False
        return True

    def _product(self, phi: Polynomial, where: Interval, strict: bool, members: list[Any]) -> str:
        terms = [(self._read(t), tree) for t, tree in members]
        total = UNIT
        for p, _ in terms:
            total = multiplied(total, p)
        if self.forms.reduced(total) != phi:
            raise ExportError("the members do not multiply to the whole")
        proof = ""
        for n, (member, tree) in enumerate(terms):
            piece = self.at(self.lemma(member, where, strict, tree), where)
            proof = f"({'mul__lt' if strict else 'mul__le'} {proof} {piece})" if n else piece
        return self._moved(self.term(phi), times(*(self.term(p) for p, _ in terms)), where, strict, proof)

    def _even(self, phi: Polynomial, where: Interval, strict: bool, tree: Any) -> str:
        half = Interval(Fraction(0), where.high)
        if (where.low is None) != (where.high is None) or (where.low is not None and where.low != -(where.high or 0)):
            raise ExportError("the interval of an even term is not symmetric")
        if self.forms.at(phi, -self.forms.variable) != phi:
            raise ExportError("a term of a ball is not even")
        name = self.lemma(phi, half, strict, tree)
        equal = self.at(self.equal(self.term(phi), substitute(self.term(phi), self.name, -x(self.name)), where), where)
        there = self.at(name, half, "((-1) * x__)")
        other = f"(move__{'lt' if strict else 'le'} {equal} {there})"
        return f"destruct (Rle_or_lt 0 x__) as [m__ | m__]; [exact {self.at(name, half)} | exact {other}]."

    def _tanh(self, phi: Polynomial, where: Interval, strict: bool, tree: Any) -> str:
        other = one_variable.without_tanh(self.term(phi))
        poly = self.forms.polynomial(other)
        name = self.lemma(poly, where, strict, tree)
        moved = self._moved(other, self.term(poly), where, strict, self.at(name, where))
        arguments = dict.fromkeys(p[2] for p in subterms(self.term(phi)) if p[:2] == ("f", "tanh"))  # outer ones first
        return "".join(f"rewrite (tanh__exp {self.text(p)}). " for p in arguments) + moved
