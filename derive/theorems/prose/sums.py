"""What a certified step adds up: multiples of inequalities and equalities, and squares that remain.

A step of the rule `certify` says mult (r - l) = sum of products of facts + sum of multiples of equalities, and its facts may be
certified in the same way. Here such steps are put into each other down to facts that the text states, and divided by mult:

    r - l = sum_n c_n (r_n - l_n) + sum_k d_k (squares) + sum_m t_m (r_m - l_m)

with one inequality l_n <= r_n in each product. All other facts of a product are signs of its multiplier. The identity is checked
again as an identity of rational functions; denominators have inverses since the certificate holds facts p (1/p) = 1 for them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy as sp

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.normal import Normal, Polynomial
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, term, times

ZERO = num(0)


class Field:
    """Terms as rational functions of atoms.

    Args:
        same: pairs of terms that are equal by definition; the first is replaced by the second.
        bases: symbol -> a term; the symbol is written as the difference to that term, plus that term.
    """

    def __init__(
        self, context: Context, same: Iterable[tuple[Term, Term]] = (), bases: Mapping[Term, Term] | None = None
    ) -> None:
        self.normal = Normal(context)
        self._atoms: dict[int, sp.Expr] = {}
        self.terms: dict[sp.Symbol, Term] = {}
        for t, base in (bases or {}).items():
            (((number, _),),) = self.normal.polynomial(t)
            symbol = sp.Symbol(f"a{number:05}")
            self._atoms[number], self.terms[symbol] = symbol + self.of(base), t - base
        for left, right in same:
            (((number, _),),) = self.normal.polynomial(left)
            self._atoms[number] = self.of(right)

    def of(self, t: Term) -> sp.Expr:
        """The rational function of a term."""
        return self._sum(self.normal.polynomial(t))

    def _sum(self, poly: Polynomial) -> sp.Expr:
        return sp.Add(
            *[sp.Rational(str(c)) * sp.Mul(*[self._atom(a) ** n for a, n in monomial]) for monomial, c in poly.items()]
        )

    def _atom(self, number: int) -> sp.Expr:
        if number not in self._atoms:
            key = self.normal.key_of(number)
            if key[0] == "inv":
                self._atoms[number] = 1 / self._sum(dict(key[1]))
            else:
                symbol = sp.Symbol(f"a{number:05}")
                self._atoms[number], self.terms[symbol] = symbol, self.normal.atom(number)
        return self._atoms[number]

    def zero(self, e: sp.Expr) -> bool:
        return sp.expand(sp.fraction(sp.together(e))[0]) == 0

    def random(self, e: sp.Expr) -> bool:
        """Whether an expression depends on the state."""
        return any("w" in self.normal.context.depends(self.terms[s]) for s in e.free_symbols)

    def slack(self, relation: Relation) -> sp.Expr:
        return self.of(relation.slack)

    def term(self, e: sp.Expr, together: bool = True) -> Term:
        """A term for print: one fraction in factors, or with `together` false a sum of such, one for each product of the state."""
        if not together:
            groups: dict[sp.Expr, sp.Expr] = {}
            for summand in sp.Add.make_args(sp.expand(e)):
                state = sp.Mul(*[f for f in sp.Mul.make_args(summand) if self.random(f)])
                groups[state] = groups.get(state, sp.S.Zero) + summand / state
            collected = [sp.factor(c) * state for state, c in groups.items()]
            parts = self._ordered([p for p in collected if p != 0])
            return plus(*map(self.term, parts)) if len(parts) > 1 else self.term(parts[0]) if parts else ZERO
        above, below = sp.fraction(sp.factor(e))
        sign, parts = 1, [*([f, 1] for f in sp.Mul.make_args(above)), *([f, -1] for f in sp.Mul.make_args(below))]
        for part in parts:  # 1 - beta rather than beta - 1
            base, n = part[0].as_base_exp()
            if base.is_Add and (minus := _minus(base)) and (minus > 1 or len(base.args) == 2):
                part[0], sign = (-base) ** n, sign * (-1) ** int(n)
        above, below = (sp.Mul(*[f for f, side in parts if side == n], evaluate=False) for n in (1, -1))
        top, bottom = self._term(sp.Mul(sign, above)), self._term(sp.Mul(1, below))
        return top if bottom == num(1) else top / bottom

    def _ordered(self, parts: Iterable[sp.Expr], constants_last: bool = True) -> list[sp.Expr]:
        """Summands by their parts that depend on the state, those with scalars such as a variance late; a positive one first."""

        def rank(e: sp.Expr) -> Any:
            state = sorted((s for s in e.free_symbols if self.random(s)), key=str)
            scalar = any(self.terms[s][0] in ("x", "tr") for s in state)
            return (
                constants_last and not state,
                scalar,
                [str(s) for s in state],
                [str(s) for s in sorted(e.free_symbols, key=str)],
            )

        ranked = sorted(parts, key=rank)
        first = next((p for p in ranked if not p.could_extract_minus_sign()), None)
        return ranked if first is None else [first, *(p for p in ranked if p is not first)]

    def _term(self, e: sp.Expr) -> Term:
        if e.is_Rational:
            return num(str(e))
        if e.is_Symbol:
            return self.terms[e]
        if e.is_Pow:
            return self._term(e.base) ** int(e.exp)
        if e.is_Add:
            return plus(*[self._term(a) for a in self._ordered(e.args, False)])
        ordered = sorted(e.args, key=lambda a: (not a.is_number, self.random(a), a.is_Add, str(a)))
        return times(*[self._term(a) for a in ordered])


def _minus(e: sp.Expr) -> int:
    """How many more terms of a sum are negative than positive; at least 1 if its number is negative, as in beta - 1."""
    negative = sum(1 if t.could_extract_minus_sign() else -1 for t in e.args)
    return max(negative, int(bool(e.as_coeff_Add()[0] < 0)))


@dataclass
class Sum:
    """The parts of r - l, by the number of the fact in memory.

    Args:
        inequalities, equalities: fact and multiplier.
        squares: pairs (coefficient, base); the coefficient times the base squared remains, or the coefficient alone if the base is
            None.
        vectors: (coefficient, fact of `squared_norm`).
        signs: facts that state the signs of multipliers.
    """

    inequalities: dict[int, tuple[Fact, sp.Expr]] = field(default_factory=dict)
    equalities: dict[int, tuple[Fact, sp.Expr]] = field(default_factory=dict)
    squares: list[tuple[sp.Expr, Term | None]] = field(default_factory=list)
    vectors: dict[int, tuple[Fact, sp.Expr]] = field(default_factory=dict)
    signs: dict[int, Fact] = field(default_factory=dict)

    def add(self, table: dict[int, tuple[Fact, sp.Expr]], fact: Fact, c: sp.Expr) -> None:
        before = table.get(id(fact), (fact, sp.S.Zero))[1]
        table[id(fact)] = fact, sp.cancel(sp.together(before + c))


class Adding:
    """The sums of certified steps.

    Args:
        stated: whether the text states a certified fact, so that sums use it as it is.
    """

    def __init__(self, field: Field, stated: Callable[[Fact], bool]) -> None:
        self.field, self.stated = field, stated

    def sum_of(self, fact: Fact) -> Sum:
        """The sum for a certified fact.

        Raises:
            ProofError: the identity fails, which would be a mistake here.
        """
        total = Sum()
        self._into(total, fact, sp.S.One)
        self.check(fact, total)
        for table in (total.inequalities, total.equalities, total.vectors):
            for key in [key for key, (_, c) in table.items() if c == 0]:
                del table[key]
        return total

    def check(self, fact: Fact, total: Sum) -> None:
        """Raise ProofError unless the sum is the right side of the claim minus its left side."""
        field = self.field
        parts = [c * field.slack(f.claim) for f, c in total.inequalities.values()]
        parts += [c * field.slack(f.claim) for f, c in (*total.equalities.values(), *total.vectors.values())]
        parts += [c * (1 if base is None else field.of(base) ** 2) for c, base in total.squares]
        if not field.zero(sp.Add(*parts) - field.slack(fact.claim)):
            raise ProofError("the sum that a proof in words states is not that of its certificate")

    def _into(self, total: Sum, fact: Fact, scale: sp.Expr) -> None:
        data, field = fact.data, self.field
        below = sp.Add(*[self._product(fact, member, total) for member in data["mult"]])
        scale = sp.cancel(sp.together(scale / below))
        for c, numbers, squares in data["sum"]:
            chosen = self._main(fact, numbers)
            rest = [n for k, n in enumerate(numbers) if k != chosen]
            factor = self._product(fact, (c, rest, squares), total)
            main = None if chosen is None else fact.premises[numbers[chosen]]
            if main is None:
                coefficient, base = self._product(fact, (c, rest, ()), total), squares
                square = times(*base) if base else None
                total.squares.append((sp.cancel(coefficient * scale), square))
            elif main.rule == "squared_norm":
                total.add(total.vectors, main, factor * scale)
            elif main.rule == "certify" and not self.stated(main):
                self._into(total, main, factor * scale)
            else:
                total.add(total.inequalities, main, factor * scale)
        for number, t in data["equalities"]:
            used = fact.premises[number]
            factor = sp.cancel(sp.together(field.of(t) * scale))
            if used.rule == "inverse" or field.zero(field.slack(used.claim)):
                continue
            if used.rule == "certify" and not self.stated(used):
                self._into(total, used, factor)
            else:
                total.add(total.equalities, used, factor)

    def _product(self, fact: Fact, member: Any, total: Sum) -> sp.Expr:
        """The product of a number, slacks and squares; its facts are entered as signs."""
        c, numbers, squares = member
        value = sp.Rational(str(Fraction(c)))
        for n in numbers:
            premise = fact.premises[n]
            total.signs.update({id(f): f for f in leaves(premise)})
            value *= self.field.slack(premise.claim)
        for t in squares:
            value *= self.field.of(term(t)) ** 2
        return value

    def _main(self, fact: Fact, numbers: tuple[int, ...]) -> int | None:
        """The place of the inequality that a product multiplies; None if all its facts are mere signs."""
        ranks: list[tuple[tuple[bool, ...], int]] = []
        for place, n in enumerate(numbers):
            premise = fact.premises[n]
            two_sided = ZERO not in (premise.claim.left, premise.claim.right)
            state = self.field.random(self.field.slack(premise.claim))
            rules = premise.rule in ("nonnegative", "function") or (premise.rule == "assume" and not two_sided)
            if (two_sided or state or len(numbers) == 1) and not (rules and not two_sided):
                ranks.append(((two_sided, state, premise.rule != "certify"), -place))
        if not ranks:  # a bound of the author on constants in another form
            for place, n in enumerate(numbers):
                premise = fact.premises[n]
                two_sided = any(
                    ZERO not in (f.claim.left, f.claim.right) for f in leaves(premise) if f.rule == "assume"
                )
                if premise.rule == "certify" and premise.claim.op == "<=" and two_sided:
                    return place
        return -max(ranks)[1] if ranks else None


def leaves(fact: Fact) -> list[Fact]:
    """The facts without premises of the rules assume, nonnegative and function, on which a sign rests."""
    if fact.rule in ("assume", "nonnegative", "function", "squared_norm"):
        return [fact]
    return list({id(f): f for p in fact.premises for f in leaves(p)}.values())


def root(fact: Fact) -> Fact:
    """The fact itself, or the one that it repeats: its only premise, with the factor 1."""
    while fact.rule == "certify" and len(fact.premises) == 1 and tuple(fact.data["sum"]) == ((1, (0,), ()),):
        if fact.data["equalities"] or tuple(fact.data["mult"]) != ((1, (), ()),):
            break
        fact = fact.premises[0]
    return fact
