"""The search for certify steps (a multiple of a claim as a sum of products of premises and squares), and proofs written with it.

The search is untrusted: the kernel checks its results, and a claim without a certificate may still be true. Stages go from cheap
to expensive.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, num, substitute
from sdescent.derive.proof.language.text import Printer
from sdescent.derive.proof.search import ring as rings
from sdescent.derive.proof.search.classical_columns import box, swaps, weighted_means
from sdescent.derive.proof.search.goal import Goal, goal_of, relevant
from sdescent.derive.proof.search.linear import Base, Column, Maker, Solution, System, solve
from sdescent.derive.proof.search.one_variable import find as find_interval_proof
from sdescent.derive.proof.search.ring import CertifyStep, Factor, GiveUp, Mono, Poly, degree_in, degree_of, scaled_cone
from sdescent.derive.proof.search.semidefinite import Gram, Sos, bases_of_squares
from sdescent.derive.proof.search.simplify import SimplifiedClaim, shifted


@dataclass(frozen=True)
class Stage:
    """The limits of one stage: factors per product, rounds of columns, degree above the claim's, degree of multipliers.

    With `squares` it uses semidefinite programming; `columns` adds columns from classical proofs (`classical_columns`), and `swaps`
    adds multiples of (x - y)^2.
    """

    products: int
    rounds: int
    extra: int
    mult: int = 0
    binomials: bool = False
    squares: bool = False
    cap: int = 3000
    columns: Callable[[Maker, Poly, Sequence[Factor], int], list[Column]] | None = None
    swaps: bool = False


STAGES = (
    Stage(1, 1, 0),
    Stage(0, 0, 0, columns=box, cap=1100),
    Stage(0, 1, 0, columns=weighted_means, cap=1000),
    Stage(2, 1, 0, binomials=True),
    Stage(0, 12, 0, swaps=True, cap=10_000),
    Stage(2, 2, 1, mult=1, binomials=True),
    Stage(1, 1, 0, mult=1, squares=True, cap=100),
    Stage(2, 1, 0, mult=2, squares=True, cap=200),
)


def find(
    normal: Normal, claim: Relation, premises: Sequence[Relation], hints: Sequence[Term] = (), seconds: float = 1.0
) -> CertifyStep | None:
    """The data of a certify step that proves the claim (<=, < or ==) from the premises, or None.

    The atoms of the normal forms are the variables; squares of the terms `hints` may occur in the sum. The search takes
    about `seconds` by `sdescent.derive.proof.language.clock`.
    """
    stop = now() + seconds
    if claim.op not in ("<=", "<", "=="):
        return None
    # Each way of eliminating the equalities loses a fact: that an inverted term is nonzero, or that a square has a sign.
    more: set[bool] = {True}
    for clear, swap in ((True, False), (True, True), (False, False)):
        if (clear and not swap) or (swap in more and now() < stop):
            try:
                problem = SimplifiedClaim(normal, claim, premises, hints, clear, swap)
                use = (True, problem.other_way), (False, any(r.inverse for r in problem.core.rules))
                more = {way for way, useful in use if useful}
                step = _certificate(problem, stop)
            except (GiveUp, ProofError):
                continue
            if step is not None:
                return step
    return None


def inconsistent(normal: Normal, premises: Sequence[Relation], seconds: float = 1.0) -> CertifyStep | None:
    """The data of a certify step for 1 <= 0, which shows that the premises contradict one another, or None if none is found."""
    return find(normal, num(1).le(num(0)), premises, (), seconds)


def _certificate(problem: SimplifiedClaim, stop: float) -> CertifyStep | None:
    """A certificate, or None; each stage tries the goal in shifted variables, the goal itself, and contradictory premises."""
    ring, core = problem.ring, problem.core
    goal = goal_of(ring, core, problem.op)
    plain = _Attempt(problem, goal, stop)
    moved = None if goal.equal else shifted(ring, problem.reduce, goal)
    other = _Attempt(problem, moved, stop) if moved is not None else None
    empty = _Attempt(problem, Goal(-ring.number(1), list(core.factors), core.equations, False), stop)
    for stage in STAGES:
        for attempt, vacuous in ((other, False), (plain, False), (empty, True)):
            if attempt is None:
                continue
            if now() > stop:
                return None
            if vacuous and (problem.op == "==" or not (attempt.goal.factors or attempt.goal.equations)):
                continue
            solution = attempt.squares(stage) if stage.squares else attempt.linear(stage)
            certificate = None if solution is None else problem.assemble(solution, vacuous)
            if certificate is not None:
                return certificate
    return None


class _Attempt:
    """An attempt at one goal: the columns that may prove it, and two ways of combining them."""

    def __init__(self, problem: SimplifiedClaim, goal: Goal, stop: float) -> None:
        self.ring, self.goal, self.stop = problem.ring, goal, stop
        self.hints = [h for h in problem.core.hints if h]
        constant = goal.target.is_constant()
        self.factors, self.equations = (goal.factors, goal.equations) if constant else relevant(self.ring, goal)
        self.signs = self.ring.signs(self.factors)
        self.maker = Maker(self.ring, problem.reduce, self.signs, stop)
        single = [f.poly for _, f in self.signs.values()]
        signed = [f for f in map(self._signed_monomial, self.factors) if f is not None]
        # variables of known sign enter columns as monomials
        self.composites = [f for f in _distinct([*self.factors, *signed]) if f.poly not in single]

    def _signed_monomial(self, factor: Factor) -> Factor | None:
        """The factor c m v >= 0 from c m v - (nonnegative terms) >= 0, if the monomial m is positive and the sign of v unknown."""
        cone, odd, strict = list(factor.cone), None, factor.strict
        for m, c in rings.terms_of(factor.poly).items():
            part = self.ring.monomial_factor(m, self.signs)
            if part is not None and (c > 0) != (part[0] > 0):
                cone += scaled_cone(part[1].cone, abs(c))
                strict = strict or part[1].strict
            elif part is None and odd is None:
                odd = m, c
            else:
                return None
        if odd is None or len(cone) == 1:
            return None
        return Factor(self.ring.monomial(odd[0]) * odd[1], tuple(cone), strict)

    def linear(self, stage: Stage) -> Solution | None:
        """A sum of products of factors and squares with few terms, found by linear programming."""
        maker, mults = self.maker, self._mults(stage)
        support = {m for column in mults for m in column.terms} | {0}
        degree = max(maker.degree(m) for m in support) + stage.extra
        sums: list[Column] = []
        if not self.goal.equal:
            sums = maker.columns(self._bases(stage, mults, degree), support, stage.rounds, stage.cap, max(degree, 1))
            if stage.columns is not None:
                sums += stage.columns(maker, self.goal.target, self.factors, stage.cap)
        if not sums and stage.products == 0:
            return None
        reach = support | {m for column in sums for m in column.terms}
        most = max(degree, max((degree_of(e.poly) for e in self.equations), default=0)) + stage.extra
        equations = maker.multiples(self.equations, reach, 1 + (stage.rounds > 1), stage.cap, most)
        solution = solve(maker, System(mults, sums, equations, self.goal.strict))
        return None if solution is None else self.goal.lift(solution)

    def squares(self, stage: Stage) -> Solution | None:
        """A sum of products of factors times sums of squares, found by semidefinite programming."""
        maker, goal = self.maker, self.goal
        if goal.equal or now() > self.stop:
            return None
        mults = self._mults(stage)
        support = {m for column in mults for m in column.terms} | {0}
        top = max(maker.degree(m) for m in support)
        degree = top + top % 2
        columns = maker.columns(self._bases(stage, mults, degree), support, stage.rounds, stage.cap, degree)
        equations = maker.multiples(self.equations, support, 2, stage.cap, degree)
        signed = [f for _, f in self.signs.values()]
        groups = [(), *itertools.combinations(signed, 1), *itertools.combinations(self.composites, 1)]
        groups += [*itertools.combinations(signed, 2), *itertools.product(signed, self.composites)]
        groups += itertools.combinations(self.composites, 2) if stage.products > 1 else ()
        bases = [b for b in map(maker.base, groups) if b.terms and b.degree <= degree][:40]
        system = System(mults, columns, equations, goal.strict)
        grams: list[Gram] = []
        for base, parts in zip(bases, bases_of_squares(maker, bases, system), strict=True):
            whole = [[self.ring.monomial(self.ring.unpacked(v)) for v in part] for part in parts]
            if not base.factors and self.hints:
                # a hint may contain monomials of several parts
                whole = [list(itertools.chain(*whole))]
                whole[0] += [h for h in self.hints if h not in whole[0]]
            for basis in whole:
                if basis and now() < self.stop:
                    grams.append(Gram(maker, base, basis))
        solution = Sos(maker, system, grams).solve()
        return None if solution is None else goal.lift(solution)

    def _mults(self, stage: Stage) -> list[Column]:
        """Columns mult * target; mult is a product of at most stage.mult signed variables, factors and squares of variables."""
        maker, target = self.maker, self.goal.target
        single = [maker.base((f,)) for _, f in self.signs.values()] + [maker.base((f,)) for f in self.composites]
        polys = [target, *(f.poly for f in (*self.factors, *self.equations))]
        free = [v for v in range(self.ring.size) if v not in self.signs and any(degree_in(p, v) for p in polys)]
        single += [maker.base((), (self.ring.gens[v],)) for v in free]
        bases = [maker.base(())]
        for k in range(1, stage.mult + 1):
            for group in itertools.combinations_with_replacement(single, k):
                bases.append(maker.base([f for b in group for f in b.factors], [s for b in group for s in b.squares]))
        terms = [self.ring.packed(maker.reduce(b.poly * target)) for b in bases[:60]]
        return [Column(b, 0, t, b.strict, 1.0 + 2 * b.degree) for b, t in zip(bases, terms, strict=False)]

    def _bases(self, stage: Stage, mults: Sequence[Column], degree: int) -> list[Base]:
        maker = self.maker
        bases = [maker.base(())]
        for k in range(1, stage.products + 1):
            for group in itertools.combinations_with_replacement(self.composites, k):
                if len(bases) > 200:
                    break
                # its columns would have too high a degree, unless a rule v^2 = value lowers it
                if maker.high or sum(degree_of(f.poly) for f in group) <= max(degree, 1):
                    bases.append(maker.base(group))
        if stage.swaps:
            return swaps(maker, self.goal.target)
        squares: list[tuple[Poly, tuple[int, ...] | None]] = [(h, None) for h in self.hints]
        if stage.binomials:
            squares += self._binomials(mults)
        few = [b for b in bases if len(b.factors) <= 1]
        for square, hooks in squares:
            for b in few:
                if b.degree + 2 * degree_of(square) <= degree:
                    near = None if hooks is None else tuple(h + n for h in hooks for n in b.terms)
                    bases.append(maker.base(b.factors, (square,), near))
        return bases

    def _binomials(self, mults: Sequence[Column]) -> list[tuple[Poly, tuple[int, ...]]]:
        """Pairs (a - t b, a b) for coprime monomials a and b such that a b c occurs for a monomial c of known sign."""
        squares: dict[str, tuple[Poly, tuple[int, ...]]] = {}
        packed = [self.ring.packed(f.poly) for f in (*self.composites, *self.equations)]
        for terms in [*(c.terms for c in mults), *packed]:
            data = {self.ring.unpacked(m): c for m, c in terms.items()}
            for s in sorted(data, key=lambda m: (sum(m), m)):
                for a, b in self._splits(s):
                    for t in self._ratios(data, s, a, b):
                        square = self.ring.monomial(a) - self.ring.monomial(b) * t
                        hook = int.from_bytes(bytes(map(sum, zip(a, b, strict=True))), "little")
                        squares.setdefault(str(square), (square, (hook,)))
                if len(squares) > 300 or now() > self.stop:
                    return list(squares.values())
        return list(squares.values())

    def _splits(self, s: Mono) -> Iterator[tuple[Mono, Mono]]:
        """Coprime monomials a < b for which s / (a b) has a known sign."""
        parts = [v for v, e in enumerate(s) if e]
        if math.prod(2 * s[v] + 1 for v in parts) > 2000:
            return
        for choice in itertools.product(*[range(-s[v], s[v] + 1) for v in parts]):
            a, b, rest = [0] * self.ring.size, [0] * self.ring.size, list(s)
            for v, e in zip(parts, choice, strict=True):
                (a if e > 0 else b)[v] = abs(e)
                rest[v] -= abs(e)
            if a < b and self.maker.sign(int.from_bytes(bytes(rest), "little")):
                yield tuple(a), tuple(b)

    def _ratios(self, data: dict[Mono, Any], s: Mono, a: Mono, b: Mono) -> list[Any]:
        """Candidates for t: 1, -1, and quotients of the claim's coefficients of c a^2, c a b and c b^2."""
        result = [fmpq(1), fmpq(-1)]
        first = data.get(tuple(k + i - j for k, i, j in zip(s, a, b, strict=True)))
        last = data.get(tuple(k + j - i for k, i, j in zip(s, a, b, strict=True)))
        middle = data.get(s)
        if middle is not None:
            result += [-middle / (2 * c) for c in (first,) if c is not None]
            result += [-2 * c / middle for c in (last,) if c is not None]
        if first is not None and last is not None and last / first > 0:
            ratio = last / first
            root = fmpq(math.isqrt(int(ratio.p)), math.isqrt(int(ratio.q)))
            result += [root, -root] if root * root == ratio else []
        return list(dict.fromkeys(r for r in result if r))


def _distinct(factors: Sequence[Factor]) -> list[Factor]:
    """The factors, shorter ones first, without positive multiples of others; a strict multiple is kept."""
    shortest: dict[str, Factor] = {}
    for f in sorted(factors, key=lambda f: (degree_of(f.poly), len(f.poly), str(f.poly))):
        key = str(f.poly * (1 / abs(f.poly.leading_coefficient()))) if f.poly else "0"
        if key not in shortest or (f.strict and not shortest[key].strict):
            shortest[key] = f
    return list(shortest.values())


class NotFound(ProofError):
    """The search found no certificate within its time; the claim may still be true."""


class Prover:
    """A kernel with a search limited to `seconds` per step: a method finds the data of a rule, and the rule makes the fact."""

    def __init__(self, context: Context, seconds: float = 5.0) -> None:
        self.kernel, self.context, self.seconds = Kernel(context), context, seconds

    def assume(self, *relations: Relation) -> list[Fact]:
        """A fact for each assumption."""
        return [self.kernel.assume(r) for r in relations]

    def have(self, claim: Relation, *using: Fact, hints: Sequence[Term] = ()) -> Fact:
        """The claim as a fact, by `certify` from the given facts. Raises NotFound if no certificate was found in time."""
        step = find(self.kernel.normal, claim, [f.claim for f in using], hints, self.seconds)
        if step is None:
            raise NotFound(f"no certificate found for {Printer(self.context).relation(claim)}")
        return self.kernel.certify(claim, using, step.mult, step.sum, step.equalities)

    def analysis(
        self,
        phi: Term,
        variable: str,
        at: Term,
        low: Any = None,
        high: Any = None,
        strict: bool = False,
        premises: Sequence[Fact] = (),
    ) -> Fact:
        """The fact 0 <= phi(at), or < if strict, by the analysis of one variable. Raises NotFound if no proof was found in time."""
        proof = find_interval_proof(phi, variable, low, high, strict, self.seconds)
        if proof is None:
            raise NotFound(f"no proof found for {phi} on [{low}, {high}]")
        return self.kernel.ball({**proof, "variable": variable, "at": at}, premises)

    def instance(self, fact: Fact, values: Mapping[str, Term]) -> Fact:
        """Instantiate several symbols with `Kernel.instantiate`. Raises ProofError if one occurs in the value of another."""
        for name, value in values.items():
            if any(substitute(value, other, num(0)) != value for other in values if other != name):
                raise ProofError("a symbol to instantiate occurs in the value of another one")
            fact = self.kernel.instantiate(fact, name, value)
        return fact
