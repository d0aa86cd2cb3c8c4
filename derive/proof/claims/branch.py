"""A branch of a claim's proof: facts under its hypotheses, and ways of deriving new facts from them.

Untrusted, as all search is: only the rules of `sdescent.derive.proof.kernel.rules` make facts, and they raise if they do not apply.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.clock import OutOfTime, now
from sdescent.derive.proof.language.context import ProofError, parts
from sdescent.derive.proof.language.normal import Polynomial, added, multiplied, power
from sdescent.derive.proof.language.terms import Relation, Term, num
from sdescent.derive.proof.search.certify import find, inconsistent

ZERO = num(0)
#: errors of arithmetic with numbers or terms that are too large; ProofError is a ValueError
BROKEN = (ArithmeticError, ValueError, IndexError, KeyError, RecursionError, MemoryError)
#: the largest number of products of monomials in a power of an assumption; so many take 1/20 s
MOST_PRODUCTS = 50_000


def opposite(relation: Relation) -> Relation:
    """The negation of l <= r or l < r."""
    op, left, right = relation
    return Relation(("<" if op == "<=" else "<=", right, left))


_Result = TypeVar("_Result")
Facts = Sequence[Fact]


def quietly(search: Callable[[], _Result | None]) -> _Result | None:
    """The result of a search, or None if it fails on numbers or terms that are too large, as a numerical search may."""
    try:
        return search()
    except BROKEN:
        return None


class Branch:
    """Facts under hypotheses, in the order in which they were added; searches raise OutOfTime after the deadline."""

    def __init__(self, kernel: Kernel, deadline: float, facts: Iterable[Fact] = (), depth: int = 0) -> None:
        self.kernel, self.normal, self.deadline, self.depth = kernel, kernel.normal, deadline, depth
        self.facts: list[Fact] = []
        self._keys: dict[Any, Fact] = {}
        self._failed: dict[Any, int] = {}
        for fact in facts:
            self.add(fact)

    def wider(self, *facts: Fact) -> "Branch":
        """A branch that also contains these facts."""
        return Branch(self.kernel, self.deadline, [*self.facts, *facts], self.depth + 1)

    def add(self, fact: Fact) -> Fact:
        """Add a fact unless the branch has one with the same claim; return the fact of the branch with this claim."""
        key = self.normal.key(fact.claim)
        if key not in self._keys:
            self._keys[key] = fact
            self.facts.append(fact)
        return self._keys[key]

    def without(self, atoms: set[int]) -> "Branch":
        """A branch without the facts about these atoms that come from laws of functions or from cases."""
        rules = "function", "cases"
        facts = [f for f in self.facts if f.rule not in rules or not self.outer_atoms(f.claim.slack) & atoms]
        return Branch(self.kernel, self.deadline, facts, self.depth)

    def remaining(self) -> float:
        """The seconds until the deadline.

        Raises:
            OutOfTime: the deadline has passed.
        """
        seconds = self.deadline - now()
        if seconds <= 0:
            raise OutOfTime
        return seconds

    def fact_of(self, relation: Relation) -> Fact | None:
        """The relation as a fact, from a fact of the branch that is equal to it or, for <=, strict; None if there is none."""
        fact = self._keys.get(self.normal.key(relation))
        if fact is None and relation.op == "<=":
            fact = self._keys.get(self.normal.key(Relation(("<", *relation[1:]))))
        return None if fact is None else self.restated(fact, relation)

    def about_constants(self) -> list[Fact]:
        """The facts without vectors and matrices: about constants, and scalars such as the mean square of noise."""
        key, geometric = self.normal.key_of, ("norm", "dot", "tr", "quad", "trprod", "opnorm")
        return [f for f in self.facts if not any(key(a)[0] in geometric for a in self.outer_atoms(f.claim.slack))]

    def about_no_more(self, relation: Relation) -> list[Fact]:
        """The facts about nothing but the atoms of a relation: eta > 0 and K >= 1 for 0 < eta K."""
        atoms = self.atoms(relation.slack)
        return [f for f in self.facts if self.atoms(f.claim.slack) <= atoms]

    def restated(self, fact: Fact, relation: Relation) -> Fact:
        """The fact restated as a relation whose r - l has the same normal form; <= also follows from <."""
        if fact.claim == relation:
            return fact
        if relation.op == "==":
            sign = 1 if self.normal.frozen(fact.claim.slack) == self.normal.frozen(relation.slack) else -1
            return self.kernel.certify(relation, [fact], equalities=[(0, num(sign))])
        return self.kernel.certify(relation, [fact], sum=[(Fraction(1), (0,), ())])

    def show(
        self, relation: Relation, seconds: float, more: Facts = (), hints: Sequence[Term] = (), only: bool = False
    ) -> Fact | None:
        """The relation (<=, < or ==), by `certify` from the facts of the branch and `more`; with `only`, from `more` alone."""
        fact = self.fact_of(relation)
        if fact is not None:
            return fact
        facts = list(more) if only else self.relevant(relation, more)
        key = (self.normal.key(relation), len(facts), only, len(hints))
        if not only and self._failed.get(key, 0) >= seconds * 1000:
            return None
        limit = min(seconds, self.remaining())
        proof = quietly(lambda: find(self.normal, relation, [f.claim for f in facts], hints, limit))
        if proof is None:
            self._failed[key] = round(seconds * 1000)
            return None
        return self._certified(relation, facts, proof)

    def _certified(self, relation: Relation, facts: Facts, proof: Any) -> Fact | None:
        """The certify step with only the premises that it uses."""
        cones = proof.mult, proof.sum
        used = sorted({n for cone in cones for m in cone for n in m[1]} | {n for n, _ in proof.equalities})
        place = {n: k for k, n in enumerate(used)}
        mult, total = ([(c, tuple(place[n] for n in ns), squares) for c, ns, squares in cone] for cone in cones)
        equalities = [(place[n], t) for n, t in proof.equalities]
        try:
            return self.kernel.certify(relation, [facts[n] for n in used], mult, total, equalities)
        except ProofError:  # an error of the search, which is not trusted
            return None

    def contradiction(self, seconds: float, more: Facts = (), near: Relation | None = None) -> Fact | None:
        """The fact 1 <= 0 if the facts contradict one another, else None."""
        facts = [*self.facts, *more] if near is None else self.relevant(near, more)
        proof = quietly(lambda: inconsistent(self.normal, [f.claim for f in facts], min(seconds, self.remaining())))
        return None if proof is None else self._certified(num(1).le(0), facts, proof)

    def indirect(self, claim: Relation, seconds: float, more: Facts = ()) -> Fact | None:
        """The claim l <= r or l < r, from a contradiction with its negation."""
        other = self.kernel.assume(opposite(claim))
        absurd = self.contradiction(seconds / 2, [*more, other], claim)
        if absurd is None:
            # 0 <= x^3 contradicts the third power of x < 0; powers are multiplied out at once
            size = len(self.normal.polynomial(other.claim.slack))
            powers = [self.power(other, n) for n in (2, 3) if size**n <= MOST_PRODUCTS]
            absurd = self.contradiction(seconds / 2, [*more, other, *powers], claim)
        return None if absurd is None else self.by_cases(claim, absurd)

    def power(self, fact: Fact, n: int) -> Fact:
        """The fact 0 <= (r - l)^n from l <= r, or the strict one from l < r."""
        claim = Relation((fact.claim.op, ZERO, fact.claim.slack**n))
        return self.kernel.certify(claim, [fact], sum=[(Fraction(1), (0,) * n, ())])

    def by_cases(self, claim: Relation, absurd: Fact) -> Fact:
        """The claim by cases, from an absurdity under its negation."""
        refuted, assumed = self.kernel.absurd(claim, absurd), self.kernel.assume(claim)
        if claim.op == "<=":
            return self.merged(claim, assumed, refuted)
        return self.merged(opposite(claim), refuted, assumed)

    def merged(self, split: Relation, low: Fact, high: Fact) -> Fact:
        """The result of `Kernel.cases`, or one of the two facts if it does not use its case."""
        turned = (split.right, split.left)
        if self.normal.key(split) not in low.hypotheses:
            return low
        if not {self.normal.key(Relation((op, *turned))) for op in ("<=", "<")} & set(high.hypotheses):
            return high
        return self.kernel.cases(split, low, high)

    def equal(self, claim: Relation, below: Fact, above: Fact) -> Fact:
        """The equality l == r from l <= r and r <= l: with t = r - l, abs(t) == t and abs(t) == -t."""
        t = claim.slack
        positive = self.kernel.function("abs_of_positive", [t], [self.restated(below, ZERO.le(t))])
        negative = self.kernel.function("abs_of_negative", [t], [self.restated(above, t.le(ZERO))])
        half = num(Fraction(1, 2))
        # the slacks are t - abs(t) and -t - abs(t), whose difference is 2 t
        return self.kernel.certify(claim, [positive, negative], equalities=[(0, half), (1, -half)])

    def at_most_abs(self, t: Term) -> list[Fact]:
        """The facts t <= abs(t) and -t <= abs(t), by cases."""
        kernel, split, size = self.kernel, ZERO.le(t), Term(("f", "abs", t))
        cases = [(1, kernel.assume(split), "abs_of_positive"), (-1, kernel.assume(t.lt(ZERO)), "abs_of_negative")]
        values = [(side, assumed, kernel.function(law, [t], [assumed])) for side, assumed, law in cases]
        facts: list[Fact] = []
        for sign in (1, -1):
            sides: list[Fact] = []
            for side, assumed, value in values:
                # abs(t) - sign t is 0 or 2 abs(t); the slack of abs(t) == side t is side t - abs(t)
                total = [] if side == sign else [(Fraction(2), (0,), ())]
                claim = (sign * t).le(size)
                sides.append(kernel.certify(claim, [assumed, value], sum=total, equalities=[(1, num(-1))]))
            facts.append(self.merged(split, *sides))
        return facts

    # atoms

    def atoms(self, *terms: Term) -> set[int]:
        """The numbers of all atoms of the terms, including those inside other atoms."""
        numbers, waiting = set[int](), [self.normal.polynomial(t) for t in terms]
        while waiting:
            new = {a for monomial in waiting.pop() for a, _ in monomial} - numbers
            numbers |= new
            waiting += [dict(self.normal.key_of(a)[-1]) for a in self.compound(new)]
        return numbers

    def outer_atoms(self, *terms: Term) -> set[int]:
        """The atoms of the normal forms themselves, without those inside other atoms."""
        return {a for t in terms for monomial in self.normal.polynomial(t) for a, _ in monomial}

    def compound(self, atoms: Iterable[int]) -> set[int]:
        """The atoms that are functions or inverses."""
        return {a for a in atoms if self.normal.key_of(a)[0] in ("inv", "f")}

    def relevant(self, relation: Relation, more: Facts = ()) -> list[Fact]:
        """The facts `more`, the assumptions, and all facts whose functions and inverses occur in the relation or in these."""
        facts = [f for f in self.facts if f not in more]
        reached = self.compound(self.outer_atoms(relation.slack, *[f.claim.slack for f in more]))
        chosen: list[Fact] = []
        while True:
            new = [f for f in facts if f not in chosen and (self.compound(self.outer_atoms(f.claim.slack)) <= reached)]
            plain = [f for f in facts if f not in chosen and f not in new and f.rule == "assume"]
            if not new and not plain:
                return [f for f in facts if f in chosen] + list(more)
            chosen += [*new, *plain]
            for f in plain:
                reached |= self.compound(self.outer_atoms(f.claim.slack))

    def functions(self, *terms: Term) -> list[tuple[str, Term]]:
        """The name and argument of every function in the terms' normal forms, inner ones first."""
        keys = [self.normal.key_of(a) for a in sorted(self.atoms(*terms))]
        return [(key[1], self.normal.term(dict(key[2]))) for key in keys if key[0] == "f"]

    def monotone(self, name: str, s: Term, t: Term, order: Fact, seconds: float = 0.0) -> Fact | None:
        """The fact f(s) <= f(t) (or <) from s <= t (or <); None if s is not shown to be in the domain of f."""
        domain = {"log": ZERO.lt(s), "sqrt": ZERO.le(s)}.get(name)
        inside = None if domain is None else self.show(domain, seconds) if seconds else self.fact_of(domain)
        if domain is not None and inside is None:
            return None
        return self.kernel.function(f"monotone:{name}", [s, t], [order] if inside is None else [inside, order])

    # roots and inverses

    def without_roots(self, poly: Polynomial) -> Polynomial:
        """The polynomial with Q in place of every sqrt(Q)^2, for which 0 <= Q must have been shown."""
        pieces: list[Polynomial] = []
        changed = False
        for monomial, c in poly.items():
            piece: Polynomial = {tuple((a, n) for a, n in monomial if not self._root(a) or n < 2): c}
            for a, n in monomial:
                if self._root(a) and n >= 2:
                    changed = True
                    rest: Polynomial = {((a, 1),) if n % 2 else (): Fraction(1)}
                    piece = multiplied(piece, multiplied(rest, power(dict(self.normal.key_of(a)[2]), n // 2)))
            pieces.append(piece)
        return self.without_roots(added(pieces)) if changed else poly

    def _root(self, a: int) -> bool:
        key = self.normal.key_of(a)
        return key[0] == "f" and key[1] == "sqrt"

    def roots(self, poly: Polynomial) -> set[int]:
        """The sqrt atoms of the polynomial."""
        return {a for monomial in poly for a, _ in monomial if self._root(a)}


#: proves a relation in a branch within a number of seconds
Solver = Callable[[Branch, Relation, float], Fact | None]


def symbols(*terms: Any) -> list[str]:
    """The symbols in terms and relations, in order of occurrence, so that no search depends on their spelling."""
    sides = [side for t in terms for side in (t[1:] if isinstance(t, Relation) else [t])]
    return list(dict.fromkeys(p[1] for side in sides for p in parts(side) if p[0] == "x"))
