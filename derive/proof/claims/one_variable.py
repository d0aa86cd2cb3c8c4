"""Claims in one quantity: l <= r is 0 <= phi(z) at z = t, where t is a variable or polynomial with known bounds.

`sdescent.derive.proof.search.one_variable` proves phi on closed intervals. If phi has no value at an end (log x at 0, 1/(1 - x)
at 1), it is cleared of denominators or written in y = log(x) or y = 1/x.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq_mpoly_ctx

from sdescent.derive.proof.claims.branch import ZERO, Branch, symbols
from sdescent.derive.proof.kernel.one_variable import needs_open
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Polynomial
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, plus, substitute, times, x
from sdescent.derive.proof.search.intervals.extrema import rounded_down, value_of
from sdescent.derive.proof.search.one_variable import find as find_interval_proof
from sdescent.derive.proof.search.ring import fraction, rational

#: decimals of the bounds of a logarithm
LOG_DIGITS = 20
#: functions that allow a claim on (0, oo) to be rewritten in 1/x
MONOTONE = frozenset({"atan", "erf", "tanh", "exp"})


@dataclass(frozen=True)
class Interval:
    """The interval low <= t <= high with the facts for its finite ends; None stands for an infinite end."""

    low: Fraction | None = None
    high: Fraction | None = None
    below: Fact | None = None
    above: Fact | None = None

    @property
    def facts(self) -> list[Fact]:
        """The facts about the finite ends."""
        return [f for f in (self.below, self.above) if f is not None]

    def cut(self, sign: int, bound: Fraction, fact: Fact) -> "Interval":
        """The interval with a new lower end or, for the sign -1, a new upper end."""
        return replace(self, low=bound, below=fact) if sign > 0 else replace(self, high=bound, above=fact)


class OneVariable:
    """Proofs about one quantity in a branch."""

    def __init__(self, branch: Branch, seconds: float) -> None:
        self.branch, self.kernel, self.seconds = branch, branch.kernel, seconds
        #: a name for the quantity if it is not a variable of the claim
        self.z = next(z for z in ("z", *(f"z{n}" for n in range(500))) if z not in branch.kernel.context.symbols)

    def prove(self, claim: Relation) -> Fact | None:
        """The claim (<= or <) as a fact, or None."""
        branch = self.branch
        phi = self.without_abs(claim.slack)
        if phi is None:
            return None
        names = symbols(phi)
        if not names:
            return self._finish(claim, [self.fact(phi, "x", ZERO, Interval(), claim.op == "<")])
        if len(names) == 1:
            return self._variable(claim, phi, names.pop())
        for form in self.forms(phi):
            for t in bases(branch, form):
                inner = in_terms_of(branch, form, t, self.z)
                if inner is not None:
                    proved = self._finish(claim, [self.fact(inner, self.z, t, self.interval(t), claim.op == "<")])
                    if proved is not None:
                        return proved
        branch.remaining()
        return None

    def _variable(self, claim: Relation, phi: Term, name: str) -> Fact | None:
        strict, at = claim.op == "<", x(name)
        interval = self.interval(at)
        if interval.low is not None and interval.high is not None and interval.low >= interval.high:
            return None
        forms: list[Term] = []
        for form in self.forms(phi):
            fact = self.fact(form, name, at, interval, strict)
            if fact is not None:
                return self._finish(claim, [fact])
            forms.append(form)
        for form in forms:
            fact = self._logarithm(claim, form, at) or self._root(claim, form, at)
            if fact is not None:
                return fact
        return self._turned(claim, phi, name, interval)

    def _root(self, claim: Relation, phi: Term, at: Term) -> Fact | None:
        """The claim about sqrt(Q), Q = a x + b, proved in the variable y = sqrt(Q) >= 0: x = (y^2 - b)/a."""
        branch = self.branch
        for of, a, b in self._linear_arguments("sqrt", phi, at):
            root, y = fn("sqrt", of), x(self.z)
            below = branch.fact_of(ZERO.lt(root)) or branch.fact_of(ZERO.le(root))
            square = branch.fact_of((root**2).eq(of))
            if below is None or square is None:
                continue
            swapped = self.swapped(branch.normal.term(branch.normal.polynomial(phi)), {root: y})
            inner = substitute(swapped, at[1], (y**2 - num(b)) * num(1 / a))
            fact = self.fact(inner, self.z, root, Interval(Fraction(0), None, below, None), claim.op == "<")
            if fact is not None:
                return self._finish(claim, [fact, square])
        return None

    def _linear_arguments(self, name: str, phi: Term, at: Term) -> list[tuple[Term, Fraction, Fraction]]:
        """The triples (Q, a, b) for each name(Q) in phi with Q = a x + b."""
        normal = self.branch.normal
        (m,) = normal.polynomial(at)
        arguments: list[tuple[Term, Fraction, Fraction]] = []
        for function, of in self.branch.functions(phi):
            poly = normal.polynomial(of)
            if function == name and m in poly and set(poly) <= {m, ()}:
                arguments.append((of, poly[m], poly.get((), Fraction(0))))
        return arguments

    def fact(self, phi: Term, name: str, at: Term, interval: Interval, strict: bool) -> Fact | None:
        """The fact 0 <= phi(at) (or <) for `at` in the interval, or None."""
        seconds = min(self.seconds, self.branch.remaining())
        closed = interval.low is not None and strict and (interval.below is None or interval.below.claim.op != "<")
        try:
            proof = find_interval_proof(phi, name, interval.low, interval.high, strict, seconds)
            if proof is None or (closed and needs_open(proof)):
                return None
            return self.kernel.ball({**proof, "at": at}, interval.facts)
        except ProofError:
            return None

    def _finish(self, claim: Relation, parts: Sequence[Fact | None]) -> Fact | None:
        facts = [f for f in parts if f is not None]
        if len(facts) < len(parts):
            return None
        near = [f for f in self.branch.facts if f.rule in ("function", "inverse") and f.claim.op == "=="]
        near += [f for f in self.branch.facts if f.claim.op == "<" and f not in near and f not in facts]
        show = self.branch.show
        proved = show(claim, 0.1, facts, only=True) or show(claim, 0.15, [*facts, *near], only=True)
        return proved or show(claim, 0.25, facts)

    # abs

    def without_abs(self, t: Term) -> Term | None:
        """The term with s or -s in place of each abs(s), by equalities of the branch; None if one is missing."""
        if t[0] == "f" and t[1] == "abs":
            inner = self.without_abs(t[2])
            for s in () if inner is None else (inner, -inner):
                if self.branch.fact_of(t.eq(s)) is not None:
                    return s
            return None
        parts = [self.without_abs(a) if isinstance(a, Term) else a for a in t]
        return None if None in parts else Term(parts)

    # intervals

    def interval(self, t: Term) -> Interval:
        """The best bounds c <= t and t <= c among the facts; for a polynomial t also bounds that a search proves for a few c."""
        branch = self.branch
        poly = branch.normal.polynomial(t)
        mine = {m: c for m, c in poly.items() if m}
        best = Interval()
        for f in list(branch.facts):
            if f.claim.op not in ("<=", "<", "=="):
                continue
            slack = branch.normal.polynomial(f.claim.slack)
            rest = {m: c for m, c in slack.items() if m}
            if set(rest) != set(mine):
                continue
            ratios = {rest[m] / mine[m] for m in mine}
            if len(ratios) != 1:
                continue
            # the slack is k t + a constant
            k = ratios.pop()
            bound = poly.get((), Fraction(0)) - slack.get((), Fraction(0)) / k
            best = self._better(best, f, t, bound, [1, -1] if f.claim.op == "==" else [1 if k > 0 else -1])
        if t[0] != "x":
            best = self._searched(best, t)
        return best

    def _better(self, best: Interval, f: Fact, t: Term, bound: Fraction, signs: list[int]) -> Interval:
        for sign in signs:
            old, fact = (best.low, best.below) if sign > 0 else (best.high, best.above)
            strict = f.claim.op == "<"
            as_good = old == bound and (not strict or (fact is not None and fact.claim.op == "<"))
            if old is not None and (sign * (old - bound) > 0 or as_good):
                continue
            sides = (num(bound), t) if sign > 0 else (t, num(bound))
            end = self.branch.show(Relation(("<" if strict else "<=", *sides)), 0.2, [f], only=True)
            if end is not None:
                best = best.cut(sign, bound, end)
        return best

    def _searched(self, best: Interval, t: Term) -> Interval:
        for sign, bound in itertools.product((1, -1), (0, 1, -1)):
            open_end = best.low is None if sign > 0 else best.high is None and (best.low is None or best.low < bound)
            end = self.branch.show(num(bound).le(t) if sign > 0 else t.le(num(bound)), 0.1) if open_end else None
            best = best if end is None else best.cut(sign, Fraction(bound), end)
        return best

    # other forms

    def forms(self, phi: Term) -> Iterator[Term]:
        """The term phi, then phi cleared of its denominators if it has any."""
        yield phi
        cleared, normal = self.cleared(phi), self.branch.normal
        if cleared is not None and normal.frozen(cleared) != normal.frozen(phi):
            yield cleared

    def cleared(self, phi: Term) -> Term | None:
        """The term phi times its denominators, which then need no sign on the closed interval; None if a sign is unknown."""
        normal = self.branch.normal
        poly = self.branch.without_roots(normal.polynomial(phi))
        for _ in range(6):
            inverses = {a for m in poly for a, _ in m if normal.key_of(a)[0] == "inv"}
            if not inverses:
                return normal.term(poly)
            a = max(inverses)
            q = normal.term(dict(normal.key_of(a)[1]))
            sign = self._sign(dict(normal.key_of(a)[1]))
            if not sign:
                return None
            top = max(dict(m).get(a, 0) for m in poly)
            pieces: list[Term] = []
            for m, c in poly.items():
                rest = normal.term({tuple((b, n) for b, n in m if b != a): c})
                pieces.append(times(rest, (sign * q) ** (top - dict(m).get(a, 0)) * num(sign ** dict(m).get(a, 0))))
            poly = normal.polynomial(plus(*pieces))
        return None

    def _sign(self, q: Polynomial) -> int:
        """The sign of Q by a fact 0 < c Q with a number c, or 0 without such a fact."""
        for f in self.branch.facts:
            slack = self.branch.normal.polynomial(f.claim.slack) if f.claim.op == "<" else {}
            if set(slack) == set(q) and len(ratios := {slack[m] / q[m] for m in q}) == 1:
                return 1 if ratios.pop() > 0 else -1
        return 0

    def _logarithm(self, claim: Relation, phi: Term, at: Term) -> Fact | None:
        """The claim about log(Q), Q = a x + b, proved in the variable y = log(Q): x = (exp(y) - b)/a."""
        branch, name = self.branch, at[1]
        for of, a, b in self._linear_arguments("log", phi, at):
            positive = branch.fact_of(ZERO.lt(of))
            if positive is None:
                continue
            log, y, strict = fn("log", of), x(self.z), claim.op == "<"
            new = (fn("exp", y) - num(b)) * num(1 / a)
            plain = branch.normal.term(branch.normal.polynomial(phi))
            inner = substitute(self.swapped(plain, {log: y, fn("sqrt", of): fn("exp", y / 2)}), name, new)
            fact = self.fact(_simple(inner), self.z, log, Interval(), strict)
            fact = fact or self.fact(inner, self.z, log, self.interval_of_log(of, log), strict)
            if fact is not None:
                return self._finish(claim, [fact, *self.exponentials(log, of, positive, phi)])
        return None

    def interval_of_log(self, of: Term, log: Term) -> Interval:
        """Rational bounds of log(Q), rounded outwards, from bounds of Q."""
        bounds, best = self.interval(of), Interval()
        for sign, end, fact in ((1, bounds.low, bounds.below), (-1, bounds.high, bounds.above)):
            bound = self._bound_of_log(end, fact, of, log, sign)
            best = best if bound is None else best.cut(sign, *bound)
        return best

    def _bound_of_log(
        self, end: Fraction | None, fact: Fact | None, of: Term, log: Term, sign: int
    ) -> tuple[Fraction, Fact] | None:
        """A number r and the fact r <= log(Q) from end <= Q; for the sign -1, log(Q) <= r from Q <= end."""
        branch = self.branch
        number = None if end is None or fact is None or end <= 0 else value_of(fn("log", num(end)), self.z, Fraction(0))
        positive = branch.fact_of(ZERO.lt(of)) if end is None or sign < 0 else branch.show(ZERO.lt(num(end)), 0.1)
        if end is None or fact is None or number is None or positive is None:
            return None
        bound = Fraction(0) if end == 1 else sign * rounded_down(sign * number, LOG_DIGITS)
        near = self.fact(num(sign) * (fn("log", num(end)) - num(bound)), self.z, ZERO, Interval(), False)
        args = [num(end), of] if sign > 0 else [of, num(end)]
        order = self.kernel.function("monotone:log", args, [positive, branch.restated(fact, args[0].le(args[1]))])
        goal = num(bound).le(log) if sign > 0 else log.le(num(bound))
        if near is None:
            return None
        return bound, self.kernel.certify(goal, [near, order], sum=[(Fraction(1), (0,), ()), (Fraction(1), (1,), ())])

    def exponentials(self, log: Term, of: Term, positive: Fact, phi: Term) -> list[Fact]:
        """Facts about exp of log Q, -log Q and log(Q)/2, among them exp(log Q) == Q and, where shown, exp(log(Q)/2) == sqrt(Q)."""
        kernel, half = self.kernel, log / 2
        facts = [
            kernel.function("exp_log", [of], [positive]),
            kernel.function("exp_add", [-log, log]),
            kernel.function("exp_add", [half, half]),
            kernel.function("exp_positive", [half]),
        ]
        if ("sqrt", of) in self.branch.functions(phi):
            root = self.branch.fact_of(ZERO.le(fn("sqrt", of)))
            square = self.branch.fact_of((fn("sqrt", of) ** 2).eq(of))
            if root is not None and square is not None:
                e, s = fn("exp", half), fn("sqrt", of)
                mult = [(Fraction(1), (0,), ()), (Fraction(1), (1,), ())]
                # (s + e)(s - e) = (s^2 - Q) + (Q - exp(log Q)) + (exp(log Q) - e^2)
                # slacks Q - s^2, Q - exp(log Q), e^2 - exp(log Q)
                equalities = [(2, num(-1)), (3, num(1)), (4, num(-1))]
                premises = [facts[3], root, square, facts[0], facts[2]]
                facts.append(kernel.certify(e.eq(s), premises, mult, [], equalities))
        unit = self.branch.fact_of((of * (1 / of)).eq(1))
        if unit is not None:
            # with E = exp(-log Q) and i = 1/Q: i - E = -E (1 - Q i) - i (E exp(log Q) - 1) - i E (Q - exp(log Q))
            e, i = fn("exp", -log), 1 / of
            equalities = [(0, -e), (1, -i), (2, -i * e)]
            facts.append(kernel.certify(e.eq(i), [unit, facts[1], facts[0]], equalities=equalities))
        return facts

    def _turned(self, claim: Relation, phi: Term, name: str, interval: Interval) -> Fact | None:
        """The claim on (0, oo) or (0, b] by cases: x > 1, and x <= 1 in the variable z = 1/x >= 1."""
        branch, at = self.branch, x(name)
        low, high = interval.low or 0, interval.high
        if branch.fact_of(ZERO.lt(at)) is None or branch.depth > 6 or low >= 1 or (high is not None and high <= 1):
            return None
        if not {name for name, _ in branch.functions(phi)} <= MONOTONE:
            return None
        split = at.le(num(1))
        far = OneVariable(branch.wider(self.kernel.assume(num(1).lt(at))), self.seconds).prove(claim)
        near = None if far is None else self._inverted(branch.wider(self.kernel.assume(split)), claim, phi, at)
        return None if far is None or near is None else branch.merged(split, near, far)

    def _inverted(self, branch: Branch, claim: Relation, phi: Term, at: Term) -> Fact | None:
        """The claim for 0 < x <= 1, from psi(z) = phi(1/z) at z = 1/x >= 1."""
        z, turned = x(self.z), 1 / at
        psi = substitute(self.swapped(branch.normal.term(branch.normal.polynomial(phi)), {turned: z}), at[1], 1 / z)
        bound = branch.show(num(1).le(turned), 0.3)
        if bound is None:
            return None
        far = self.fact(psi, self.z, turned, Interval(Fraction(1), None, bound, None), claim.op == "<")
        if far is None:
            return None
        # psi(1/x) has functions of 1/(1/x), which equal those of x by two inequalities each. The fact 1/(1/x) == x itself is left
        # out: the search would substitute it in vain.
        facts, positive = [far], branch.fact_of(ZERO.lt(turned))
        double = [] if positive is None else [self.kernel.inverse(turned, positive)]  # (1/x) (1/(1/x)) == 1
        unit = branch.show((1 / turned).eq(at), 0.3, double)
        if unit is None:
            return None
        pairs, frozen = ((1 / turned, at), (at, 1 / turned)), branch.normal.frozen(1 / turned)
        ends = [branch.restated(branch.show(s.le(t), 0.2, [unit]) or unit, s.le(t)) for s, t in pairs]
        for function, of in branch.functions(far.claim.slack):
            if function in MONOTONE and branch.normal.frozen(of) == frozen:
                for pair, end in zip(pairs, ends, strict=True):
                    facts.append(self.kernel.function(f"monotone:{function}", pair, [end]))
        return OneVariable(branch, self.seconds)._finish(claim, list(facts))

    def swapped(self, t: Any, table: dict[Term, Term]) -> Any:
        """The term with replacements from the table for every subterm with the same head and the same normal form."""
        if not isinstance(t, (Term, Relation)):
            return t
        normal = self.branch.normal
        for old, new in table.items():
            if isinstance(t, Term) and t[0] == old[0] and normal.frozen(t) == normal.frozen(old):
                return new
        return type(t)(self.swapped(a, table) for a in t)


def _simple(t: Any) -> Any:
    """The term with exp(-p) in place of 1/exp(p), which needs no domain."""
    if not isinstance(t, Term):
        return t
    inner = Term(_simple(a) for a in t)
    if inner[0] == "/" and inner[2][:2] == ("f", "exp"):
        return inner[1] * fn("exp", -inner[2][2])
    return inner


def bases(branch: Branch, phi: Term) -> Iterator[Term]:
    """The quantities of which phi may be a function: arguments of functions and denominators, up to constants."""
    keys: set[Any] = set()
    for a in sorted(branch.atoms(phi)):
        key = branch.normal.key_of(a)
        if key[0] not in ("f", "inv"):
            continue
        poly = {m: c for m, c in dict(key[-1]).items() if m}
        if any(branch.normal.key_of(b)[0] != "x" for m in poly for b, _ in m) or not poly:
            continue
        first = poly[min(poly)]
        base = {m: c / first for m, c in poly.items()}
        frozen = tuple(sorted(base.items()))
        if frozen not in keys:
            keys.add(frozen)
            yield branch.normal.term(base)


def in_terms_of(branch: Branch, phi: Term, t: Term, z: str) -> Term | None:
    """The term phi written in z = t alone, or None if no such form is found."""
    normal = branch.normal
    names = symbols(phi, t)
    ring = fmpq_mpoly_ctx.get((*names, z), Ordering.lex)

    def poly(form: Polynomial) -> Any:
        powers = [({normal.key_of(a)[1]: n for a, n in m}, rational(c)) for m, c in form.items()]
        return ring.from_dict({tuple(p.get(name, 0) for name in (*names, z)): c for p, c in powers})

    relation = poly(normal.polynomial(t)) - ring.gens()[-1]

    def symbol(a: int) -> bool:
        return normal.key_of(a)[0] == "x"

    def reduced(form: Polynomial) -> Term | None:
        groups: dict[Any, Polynomial] = {}
        for m, c in form.items():
            outer = tuple((a, n) for a, n in m if not symbol(a))
            groups.setdefault(outer, {})[tuple((a, n) for a, n in m if symbol(a))] = c
        members: list[Term] = []
        for outer, inner in groups.items():
            _, rest = divmod(poly(inner), relation)
            data = rest.to_dict()
            if any(any(exponents[:-1]) for exponents in data):
                return None
            pieces = [num(fraction(c)) * x(z) ** int(exponents[-1]) for exponents, c in data.items()]
            factors: list[Term] = []
            for a, n in outer:
                key = normal.key_of(a)
                argument = reduced(dict(key[-1])) if key[0] in ("inv", "f") else None
                if argument is None:
                    return None
                factors.append((1 / argument if key[0] == "inv" else fn(key[1], argument)) ** n)
            members.append(times(plus(*pieces), *factors))
        return plus(*members)

    return reduced(normal.polynomial(phi))
