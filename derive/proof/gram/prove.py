"""The proof of a claim that is linear in inner products, from the facts of a branch, for all values of its constants."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.gram.forms import Form
from sdescent.derive.proof.gram.identities import Identity
from sdescent.derive.proof.gram.in_symbols import MOST_POINTS, POINTS, SymbolicProof, symbolic_proof
from sdescent.derive.proof.gram.kernel_steps import certified
from sdescent.derive.proof.gram.linear_relations import ONE, Linear, evaluated
from sdescent.derive.proof.gram.sampling import Units, samples, units
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import added, multiplied, power
from sdescent.derive.proof.language.terms import Relation, num


@dataclass(frozen=True)
class Problem:
    """A claim and the facts from which it may follow, as forms over the constants.

    Args:
        linear: the field of constants and the forms.
        claim: the claim without quotients.
        facts, zeros: the facts with their forms.
        conditions: relations between the constants of the field.
        chosen: the units.
    """

    linear: Linear
    claim: Relation
    facts: Mapping[Any, tuple[Fact, Form]]
    zeros: Sequence[tuple[Fact, Form]]
    conditions: Sequence[tuple[str, Any]]
    chosen: Units

    def points(self) -> list[list[Any]]:
        """Values of all constants at which the conditions hold."""
        most = POINTS.get(len(self.chosen.names), MOST_POINTS)
        return [ordered(self.chosen, values) for values in samples(self.chosen, self.conditions, most)]

    def identity(self) -> Identity:
        """The claim as an identity without unknown coefficients."""
        goal = self.linear.form(self.claim.slack)
        assert goal is not None
        return Identity(
            goal, {name: form for name, (_, form) in self.facts.items()}, {}, [form for _, form in self.zeros]
        )


def ordered(chosen: Units, values: Sequence[Any]) -> list[Any]:
    """The values of all constants of the field, from those of `chosen.names`."""
    table = {**dict(zip(chosen.names, values, strict=True)), **dict.fromkeys(chosen.ones, fmpq(1))}
    return [table[name] for name in chosen.linear.generators]


def problem_of(branch: Branch, claim: Relation) -> Problem | None:
    """The problem of a claim in a branch; None if the claim is not linear in the state."""
    normal = branch.normal
    related = [f for f in map(lambda f: _cleared(branch, f), branch.facts) if f is not None]
    linear = Linear.of(normal, [claim, *(f.claim for f in related)])
    goal = linear.form(claim.slack)
    if goal is None:
        return None
    facts: dict[Any, tuple[Fact, Form]] = {}
    zeros: list[tuple[Fact, Form]] = []
    conditions: list[tuple[str, Any]] = []
    for n, fact in enumerate(related):
        form = linear.form(fact.claim.slack)
        if form is None or not form:
            continue
        if set(form) <= {ONE}:
            conditions.append((fact.claim.op, form[ONE]))
        elif fact.claim.op == "==":
            zeros.append((fact, form))
        else:
            facts[n] = fact, form
    # a condition such as N >= 1 may single out units, in which it is tested
    everything = [goal, *(form for _, form in facts.values()), *(form for _, form in zeros)]
    return Problem(linear, claim, facts, zeros, conditions, units(linear, everything))


def _cleared(branch: Branch, fact: Fact) -> Fact | None:
    """The fact without quotients; None if it says nothing of use, or a denominator has no inverse among the facts."""
    if fact.claim.op == "!=" or fact.rule in ("inverse", "function"):
        return None
    cleared = without_quotients(branch, fact.claim)
    if cleared == fact.claim:
        return fact
    return branch.show(cleared, 0.5, [fact, *_inverses(branch)], only=True) if fact.rule == "assume" else None


def _inverses(branch: Branch) -> list[Fact]:
    """The facts p (1/p) = 1 and 0 < 1/p."""
    return [f for f in branch.facts if f.rule == "inverse" or (f.claim.op == "<" and _divides(branch, f.claim))]


def _divides(branch: Branch, relation: Relation) -> bool:
    return any(branch.normal.key_of(a)[0] == "inv" for a in branch.outer_atoms(relation.slack))


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
    cleared = without_quotients(branch, claim)
    problem = problem_of(branch, cleared)
    if problem is None:
        return None
    points = problem.points()
    if not points:
        return None
    proof = symbolic_proof(problem.identity(), problem.chosen, points, {}, deadline)
    if proof is None:
        return None
    fact = certified_claim(branch, problem, proof, points[0], show)
    if cleared == claim:
        return fact
    return branch.show(claim, 2.0, [fact, *_inverses(branch)], only=True)


def certified_claim(
    branch: Branch, problem: Problem, proof: SymbolicProof, point: Sequence[Any], show: Callable[[Relation], Fact]
) -> Fact:
    """The claim of a problem as a fact, with a proof found for it."""

    def positive(c: Any) -> bool:
        value = evaluated(c, point)
        if value is None or value == 0:
            raise ProofError("a denominator of the proof vanishes at a point that satisfies all conditions")
        return value > 0

    facts = {name: fact for name, (fact, _) in problem.facts.items()}
    return certified(
        branch.kernel, problem.linear, problem.claim, facts, [f for f, _ in problem.zeros], proof.proof, show, positive
    )


def without_quotients(branch: Branch, relation: Relation) -> Relation:
    """The relation multiplied by its denominators, which it does not contain then."""
    normal = branch.normal
    poly = normal.polynomial(relation.slack)
    inverses = {a: dict(normal.key_of(a)[1]) for m in poly for a, _ in m if normal.key_of(a)[0] == "inv"}
    if not inverses:
        return relation
    top = {a: max(dict(m).get(a, 0) for m in poly) for a in inverses}
    pieces = []
    for m, c in poly.items():
        piece = {tuple((a, n) for a, n in m if a not in inverses): c}
        for a, base in inverses.items():
            piece = multiplied(piece, power(base, top[a] - dict(m).get(a, 0)))
        pieces.append(piece)
    return Relation((relation.op, num(0), normal.term(added(pieces))))
