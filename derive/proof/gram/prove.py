"""The proof of a claim that is linear in inner products, from the facts of a branch, for all values of its constants."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flint import fmpq

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.gram.forms import Form
from sdescent.derive.proof.gram.identities import Identity
from sdescent.derive.proof.gram.in_symbols import MOST_POINTS, POINTS, SymbolicProof, ranged_proofs, symbolic_proof
from sdescent.derive.proof.gram.kernel_steps import Elimination, Premises, certified, substituted
from sdescent.derive.proof.gram.linear_relations import ONE, Linear, evaluated
from sdescent.derive.proof.gram.quotients import Quotients
from sdescent.derive.proof.gram.sampling import FAR_APART, VALUES, Units, samples, units
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, num

#: the numbers of points, near each other and orders of magnitude apart, for multipliers with a range
NEAR, FAR = 16, 24


@dataclass(frozen=True)
class Problem:
    """A claim and the facts from which it may follow, as forms over the constants.

    Args:
        linear: the field of constants and the forms.
        claim: the claim without quotients.
        premises: the facts with their forms.
        conditions: relations between the constants of the field.
        chosen: the units.
    """

    linear: Linear
    claim: Relation
    premises: Premises
    conditions: Sequence[tuple[str, Any]]
    chosen: Units

    def points(self, more: Sequence[tuple[str, Any]] = (), values: Sequence[Any] = VALUES) -> list[list[Any]]:
        """Values of all constants, out of those given, at which the conditions hold, and further conditions."""
        most = POINTS.get(len(self.chosen.names), MOST_POINTS)
        return [ordered(self.chosen, point) for point in samples(self.chosen, [*self.conditions, *more], most, values)]

    def reduced(self, form: Form) -> Form:
        """A form without the constants that equalities determine."""
        for one in self.premises.eliminations:
            form = form.mapped(partial(_replaced, self.linear, one))
        return form

    def identity(self) -> Identity:
        """The claim as an identity without unknown coefficients."""
        goal = self.linear.form(self.claim.slack)
        assert goal is not None
        facts = {name: self.reduced(form) for name, (_, form) in self.premises.facts.items()}
        return Identity(self.reduced(goal), facts, {}, [self.reduced(form) for _, form in self.premises.zeros])


def _replaced(linear: Linear, one: Elimination, c: Any) -> Any:
    return substituted(linear, c, one)


def ordered(chosen: Units, values: Sequence[Any]) -> list[Any]:
    """The values of all constants of the field, from those of `chosen.names`."""
    table = {**dict(zip(chosen.names, values, strict=True)), **dict.fromkeys(chosen.ones, fmpq(1))}
    return [table[name] for name in chosen.linear.generators]


def problem_of(branch: Branch, claim: Relation, terms: Sequence[Term] = ()) -> Problem | None:
    """The problem of a claim in a branch; None if the claim is not linear in the state.

    Args:
        terms: further terms that will be read as forms.
    """
    normal = branch.normal
    clearing, related = Quotients(branch), list[Fact]()
    for fact in branch.facts:
        plain = fact.claim.op != "!=" and fact.rule not in ("inverse", "function")
        cleared = clearing.cleared(fact) if plain else None
        if cleared is not None and (fact.rule == "assume" or cleared is fact):
            related.append(cleared)
    linear = Linear.of(normal, [claim, *(f.claim for f in related), *(num(0).le(t) for t in terms)])
    goal = linear.form(claim.slack)
    if goal is None:
        return None
    facts: dict[Any, tuple[Fact, Form]] = {}
    zeros: list[tuple[Fact, Form]] = []
    conditions: list[tuple[Fact, Any]] = []
    for n, fact in enumerate(related):
        form = linear.form(fact.claim.slack)
        if form is None or not form:
            continue
        if set(form) <= {ONE}:
            conditions.append((fact, form[ONE]))
        elif fact.claim.op == "==":
            zeros.append((fact, form))
        else:
            facts[n] = fact, form
    eliminations = _eliminations(linear, conditions)
    problem = Problem(linear, claim, Premises(facts, zeros, eliminations), (), Units(linear, (), ()))
    one = problem.identity()
    related_constants = [
        (fact.claim.op, problem.reduced(Form({ONE: c})).get(ONE, linear.field.zero)) for fact, c in conditions
    ]
    # a condition such as N >= 1 may single out units, in which it is tested
    return replace(
        problem, conditions=related_constants, chosen=units(linear, [one.goal, *one.facts.values(), *one.zeros])
    )


def _eliminations(linear: Linear, conditions: Sequence[tuple[Fact, Any]]) -> list[Elimination]:
    """Constants that equalities determine, such as eta by eta L == 1; an equality in a replaced constant is left alone."""
    eliminations: list[Elimination] = []
    for fact, c in conditions:
        if fact.claim.op != "==" or not c.denom.is_ground:
            continue
        names = [name for n, name in enumerate(linear.generators) if any(e[n] for e in c.numer.monoms())]
        if any(one.name in names for one in eliminations):
            continue
        solved = [one for name in names if (one := _solved(linear, fact, c, name)) is not None]
        # a constant with a number for a factor needs no division
        eliminations += sorted(solved, key=lambda one: not one.above.numer.is_ground)[:1]
    return eliminations


def _solved(linear: Linear, fact: Fact, c: Any, name: str) -> Elimination | None:
    """The constant as -b/a if the equality is a g + b with a number a, or with a single term a and one b, as in eta L = 1."""
    n = linear.generators.index(name)
    parts = {k: [(e, v) for e, v in c.numer.terms() if e[n] == k] for k in {e[n] for e in c.numer.monoms()}}
    if set(parts) != {0, 1} or len(parts[1]) != 1:
        return None
    ((exponents, number),) = parts[1]
    if any(k for m, k in enumerate(exponents) if m != n) and len(parts[0]) != 1:
        return None
    above = linear.field.convert(number) / linear.field.convert(c.denom)
    for generator, k in zip(linear.field.gens, exponents, strict=True):
        above = above * generator ** (k if generator != linear.field.gens[n] else 0)
    return Elimination(name, fact, above, c - above * linear.field.gens[n])


def prove(branch: Branch, claim: Relation, show: Callable[[Relation], Fact], seconds: float) -> Fact | None:
    """The claim as a fact; None if it is not of this kind, or no proof is found.

    Args:
        claim: the claim, whose denominators have inverses among the facts of the branch.
        show: proves a relation between constants; raises if it cannot.

    Raises:
        OutOfTime: the time is over.
        ProofError: `show` raises it, so that what it was asked is left to show.
    """
    deadline = now() + seconds

    def plain(cleared: Relation) -> Fact | None:
        problem = problem_of(branch, cleared)
        points = [] if problem is None else problem.points()
        if problem is None or not points:
            return None
        failed: ProofError | None = None
        for proof in proofs(problem, points, deadline):
            try:
                return certified_claim(branch, problem, proof, points[0], show)
            except ProofError as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return None

    return Quotients(branch).prove(claim, plain)


def proofs(problem: Problem, points: Sequence[Sequence[Any]], deadline: float) -> Iterator[SymbolicProof]:
    """Proofs of the claim of a problem, up to the signs of their coefficients."""
    one, chosen = problem.identity(), problem.chosen
    exact = symbolic_proof(one, chosen, points, {}, deadline)
    if exact is not None:
        yield exact
    if chosen.names:
        positive = [c for op, c in problem.conditions if op == "<"]
        both = [*points[:NEAR], *problem.points(values=FAR_APART)[:FAR]]
        yield from ranged_proofs(one, chosen, both, positive, deadline)


def certified_claim(
    branch: Branch, problem: Problem, proof: SymbolicProof, point: Sequence[Any], show: Callable[[Relation], Fact]
) -> Fact:
    """The claim of a problem as a fact, with a proof found for it."""

    def positive(c: Any) -> bool:
        value = evaluated(c, point)
        if value is None or value == 0:
            raise ProofError("a denominator of the proof vanishes at a point that satisfies all conditions")
        return value > 0

    return certified(branch.kernel, problem.linear, problem.claim, problem.premises, proof.proof, show, positive)
