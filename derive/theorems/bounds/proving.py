"""The proof of a theorem of one's own: the change of V from the engine's moments, and the claim about it.

The kernel makes every fact; this module chooses which rules to try. `StepFailed` names a step that fails.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.claims.domain import Domain, enter_assumptions
from sdescent.derive.proof.claims.strategies import Strategies
from sdescent.derive.proof.gram.prove import prove
from sdescent.derive.proof.gram.quotients import Quotients
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.clock import OutOfTime, now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, norm, num, plus, substitute, trprod, vec, x
from sdescent.derive.proof.language.text import text as written
from sdescent.derive.proof.refute.counterexample import refute
from sdescent.derive.theorems.bounds.kernel_context import Potential, Setting, moved_to
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.letters import is_sign
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of
from sdescent.derive.theorems.bounds.sign_messages import BENDS, facts
from sdescent.derive.theorems.entry.logarithms import EACH, arguments, tangent
from sdescent.derive.theorems.entry.scalar_memory import after
from sdescent.derive.theorems.entry.theorem import Derivation
from sdescent.derive.vocabulary.errors import BadInput

ZERO, ONE = num(0), Fraction(1)
#: the function 1 as a part of V, for a constant that changes from step to step
UNIT = Potential(num(1), num(0), num(1), num(1))
#: seconds for a first search, before numbers are tried at which the claim fails
QUICK = 0.3
#: an assumption of the discrete Gronwall inequality
BELOW_ONE = "the rate is below 1"


class StepFailed(ProofError):
    """A step for which the search found no proof.

    Args:
        step: its name.
        claim: its goal.
    """

    def __init__(self, step: str, claim: Relation) -> None:
        self.step, self.claim = step, claim
        super().__init__(f"no proof of the step '{step}' was found")


@dataclass(frozen=True)
class Weighted:
    """V as a sum of weights times potentials, plus a constant.

    Args:
        parts: the weights, which may contain the clock, and the potentials.
        constant: a term without the clock.
        clock: the symbol for the number of the step, if the theorem contains it.
        horizon: the number of steps.
    """

    parts: tuple[tuple[Term, Potential], ...]
    constant: Term
    clock: str | None
    horizon: Term

    def at(self, weight: Term, time: Term) -> Term:
        """A weight at another time."""
        return weight if self.clock is None else substitute(weight, self.clock, time)

    def later(self, weight: Term) -> Term:
        """A weight one step later."""
        return weight if self.clock is None else self.at(weight, x(self.clock) + 1)

    def moved(self, changes: Sequence[Term]) -> Term:
        """The change of V, given the change of each potential."""
        terms = []
        for (w, p), change in zip(self.parts, changes, strict=True):
            next_ = self.later(w)
            terms += [w * change] if next_ == w else [next_ * (p.value + change), -w * p.value]
        return plus(*terms)

    @property
    def change(self) -> Term:
        return self.moved([p.change for _, p in self.parts])

    @property
    def value(self) -> Term:
        """V without the constant."""
        return plus(*[w * p.value for w, p in self.parts])

    @property
    def start(self) -> Term:
        return plus(*[self.at(w, ZERO) * p.start for w, p in self.parts])

    @property
    def end(self) -> Term:
        return self.at_the_end({p.value: p.end for _, p in self.parts})

    def at_the_end(self, values: Mapping[Term, Term]) -> Term:
        """The weights at the horizon times these values, one for each potential of which there is a value."""
        return plus(*[self.at(w, self.horizon) * values[p.value] for w, p in self.parts if p.value in values])

    @property
    def listed(self) -> list[tuple[Term, str]]:
        return [(w, p.name) for w, p in self.parts]


class Bound:
    """A proof in progress.

    Args:
        w: the derivation that records its lines.
        setting: the starting point of the proof.
        seconds: an approximate limit for each search.
    """

    def __init__(self, w: Derivation, setting: Setting, hints: Sequence[Term] = (), seconds: float = 20.0) -> None:
        self.w, self.k, self.setting = w, w.kernel, setting
        self.branch = Branch(self.k, now() + seconds)
        self.strategies, self.seconds = Strategies(hints), seconds
        self.domain = self.strategies.domain = Domain(self.branch, self.strategies.simple, 1.0)
        stated = {**setting.assumptions, **setting.definitions}
        plain = [r for name, r in stated.items() if name != BELOW_ONE and not setting.at_the_end(r)]
        try:
            enter_assumptions(self.domain, plain, [None] * len(plain))
        except BadInput as error:
            needed = f"{error.value} is not shown to be inside its domain ({error.accepted}): add {error.value} > 0 to assume"
            raise ProofError(f"in the assumptions {needed}") from None
        self._norms()
        for fact in facts(w) if is_sign(setting.method) else ():
            self.branch.add(fact)
        for fact in list(self.branch.facts):
            self._units(fact.claim)
        cleared = [relation for relation in plain if self._clear(relation)]
        compound = [f for f in self.branch.facts if self._compound(f)]
        kept = [f for f in self.branch.facts if f.claim not in cleared and f not in compound]
        self.branch = self.domain.branch = Branch(self.k, self.branch.deadline, kept)
        for fact in self._numbers_of_a_step():
            self.branch.add(fact)

    # --- facts that always hold

    def _norms(self) -> None:
        for v in self.setting.vectors:
            self.branch.add(self.k.nonnegative(norm(vec(v))))
        self.branch.add(self.k.nonnegative(nm.Q))
        for key, p in self.setting.potentials.items():
            if not isinstance(key, str) and key[0] == key[1]:
                square, definition = self.w.square(norm(vec(key[0]))), self._definition(p.value)
                self.branch.add(self.w.combine(f"{p.name} >= 0", p.value.ge(0), [square], [(-1, definition)]))

    def _numbers_of_a_step(self) -> Iterator[Fact]:
        """For each number b of the memory, b <= b_next or the reverse if shown; and bounds on the change of each log(s) in V."""
        branch, numbers = self.branch, self.setting.numbers
        for here, there in ((x(b), x(after(b))) for b in numbers):
            order = branch.show(here.le(there), EACH) or branch.show(there.le(here), EACH)
            yield from () if order is None else (order,)
        for s in arguments(*self.setting.functions):
            t = moved_to(s, numbers, after)
            yield from (tangent(self.w, branch, t, s), tangent(self.w, branch, s, t))

    def with_logarithm(self, parts: Sequence[tuple[Term, Potential]]) -> tuple[Term, Term, Term] | None:
        """(a, v, b) if V has the parts a b and v log(b) for a number b of the memory, None if it has no logarithm.

        Raises:
            ProofError: V has no part a b, or another logarithm, so that no lower bound of V is known.
        """
        of = {id(p): t for t, p in self.setting.functions.items()}
        weights = {of[id(p)]: w for w, p in parts if id(p) in of}
        logs = [t for t in weights if arguments(t)]
        if not logs:
            return None
        (log, *more), b = logs, logs[0][-1]
        if more or log[:2] != ("f", "log") or b not in weights:
            name = self.setting.numbers[0]
            remedy = f"write log({name}), and a positive multiple of {name}, in V"
            raise ProofError(f"no lower bound of V with {written(log)} is known: {remedy}")
        return weights[b], weights[log], b

    def _compound(self, fact: Fact) -> bool:
        """Whether a fact is about the inverse of a product, whose factors have facts of their own."""
        below = [p[2] for p in parts_of(fact.claim) if p[0] == "/"]
        return fact.rule in ("inverse", "certify") and fact.claim.op != "<=" and any(p[0] == "*" for p in below)

    def _clear(self, relation: Relation) -> bool:
        """Whether an assumption multiplied by its denominators, which is easier for the search, was added."""
        if relation.op == "==" or not self._divides(relation):
            return False
        varies = "w" in self.k.normal.depends(self.k.normal.polynomial(relation.slack))
        if varies and self.branch.functions(relation.slack):
            return False  # claims contain such a bound on the state, like 2 s/sqrt(N), as it stands
        cleared = Quotients(self.branch).cleared(self.branch.fact_of(relation) or self.k.assume(relation))
        if cleared is not None:
            self.branch.add(cleared)
        return cleared is not None

    def _divides(self, relation: Relation) -> bool:
        """Whether a relation contains a quotient outside of functions."""
        return any(self.k.normal.key_of(a)[0] == "inv" for a in self.branch.outer_atoms(relation.slack))

    def _definition(self, symbol: Term) -> Fact:
        """The definition of a symbol."""
        for name, relation in self.setting.definitions.items():
            if relation.left == symbol:
                return self.w[name]
        raise ProofError(f"{symbol} has no definition")

    def show(self, step: str, claim: Relation, more: Sequence[Fact] = (), seconds: float | None = None) -> Fact:
        """A line that the search proves.

        Raises:
            StepFailed: the search finds no proof.
        """
        proof = None
        try:
            self.domain.missing(claim)
            self._units(claim)
            units = [f for f in self.branch.facts if f.rule == "inverse"]
            proof = self.branch.show(claim, 1.0, [*more, *units], only=True) if more else None
            branch = self.branch.wider(*more) if more else self.branch
            limit = seconds or self.seconds
            if proof is None and not more and "w" not in self.k.normal.depends(self.k.normal.polynomial(claim.slack)):
                # a claim about constants rarely needs more than the facts about them
                constants = Branch(self.k, self.branch.deadline, self.branch.about_constants())
                proof = self.strategies.prove(constants, claim, min(limit / 4, QUICK))
            if proof is None and limit > QUICK and not branch.functions(claim.slack):
                proof = self.strategies.prove(branch, claim, QUICK)
                if proof is None and self.fails(claim, more):
                    raise StepFailed(step, claim)
            proof = proof or self.strategies.prove(branch, claim, limit)
        except OutOfTime:
            pass
        if proof is None:
            raise StepFailed(step, claim)
        return self.w.step(step, self.branch.restated(proof, claim))

    def fails(self, claim: Relation, more: Sequence[Fact] = ()) -> bool:
        """Whether numbers for all quantities satisfy the facts and not the claim, so that no search can prove it from them."""
        numbers: dict[Term, Term] = {}
        # inverses and laws of functions hold at all numbers
        facts = [f.claim for f in (*self.branch.facts, *more) if f.rule not in ("inverse", "function")]

        def plain(t: Any) -> Any:
            if isinstance(t, Term) and t[0] not in ("q", "+", "*", "^", "/", "f"):
                return numbers.setdefault(t, x(f"n{len(numbers)}"))
            return type(t)(plain(a) if isinstance(a, Term) else a for a in t)

        normal = self.k.normal
        asked = [plain(Relation((r.op, ZERO, normal.term(normal.polynomial(r.slack))))) for r in (*facts, claim)]
        return refute([n[1] for n in numbers.values()], asked[:-1], asked[-1], 0.3) is not None

    # --- the change of V

    def upper(self, v: Weighted, reach: Term | None) -> tuple[Term, Fact]:
        """(U, the fact that the change of V is <= U) by the descent lemma or generator and by definitions; U contains no change."""
        changes, members, equalities = [], [], []
        for before, p in v.parts:
            weight = v.later(before)
            if p is UNIT:
                changes.append(ZERO)
            elif p is self.setting.potentials.get("f"):
                if self.setting.hypotheses.smoothness is None:
                    raise ProofError('nothing bounds the change of f: assume "smooth: L" or "smooth: L0, L1"')
                bound, fact = self._descent(reach) if self.setting.steps else self._generator()
                if weight[0] == "q" and Fraction(weight[1]) < 0:
                    raise ProofError("the weight of f in V is negative, so that no upper bound on the change is known")
                sign = self.weight_sign(weight, "the weight of f")
                changes.append(bound)
                members.append([sign, fact] if sign is not None else (Fraction(weight[1]), fact))
            else:
                definition = self._definition(p.change)
                changes.append(definition.claim.right)
                equalities.append((weight, definition))
        bound = v.moved(changes)
        return bound, self.w.combine("the change of V", v.change.le(bound), members, equalities)

    def weight_sign(self, weight: Term, words: str) -> Fact | None:
        """The fact 0 <= weight, or None if the weight is a nonnegative number."""
        return None if weight[0] == "q" and Fraction(weight[1]) >= 0 else self.show(words, weight.ge(0))

    def _descent(self, reach: Term | None) -> tuple[Term, Fact]:
        """The descent lemma for a step of the method."""
        entry = self.setting.context.potentials["f"]
        (_, second), radius = entry["smoothness"], entry["radius"]
        if radius is None:
            if self.k.normal.polynomial(second):
                raise ProofError(
                    'steps without a bound on their length need L1 = 0: assume "bounded step: r", or use signs or clipping'
                )
            fact = self.k.descent("f", ZERO, [])
        else:
            c = second * radius if reach is None else reach
            premises = [self.show("L1 >= 0", second.ge(0)), self.show("the reach of a step", (second * radius).le(c))]
            fact = self.k.descent("f", c, premises)
            self.branch.add(self.k.function("psi_positive", [c]))
            self._small(c)
        fact = self.w.step("the descent lemma", fact)
        return fact.claim.right, fact

    def _small(self, c: Term) -> None:
        """Add psi(c) <= r for a number r if c is provably at most a simple number; the search needs nothing more about psi."""
        w, k, z = self.w, self.k, x("z_q")
        orders: dict[Fraction, Fact] = {}
        for q in map(Fraction, ("2", "1", "1/2", "1/3", "1/4", "1/8", "1/16")):
            order = None if self.fails(c.le(num(q))) else self.branch.show(c.le(num(q)), 1.0)
            if order is None:
                break
            orders[q] = order
        if not orders:
            return
        q, order = orders.popitem()
        # the series psi(q) = sum of q^n/(n + 2)!, rounded up to a thousandth; the ball rule proves that r is large enough
        value = sum(q**n / math.factorial(n + 2) for n in range(20))
        r = Fraction(math.ceil(value * 1000), 1000)
        ends = [k.certify(ZERO.le(num(q)), sum=[(q, (), ())]), k.certify(num(q).le(num(q)))]
        size = w.prover.analysis(num(r) - fn("psi", z), "z_q", num(q), 0, q, premises=ends)
        rising = k.function("monotone:psi", [c, num(q)], [order])
        self.branch.add(w.combine("the factor psi", fn("psi", c).le(num(r)), [rising, size]))

    def _generator(self) -> tuple[Term, Fact]:
        """(U, the fact L f <= U) from ||Hess f|| <= L0 + L1 G."""
        w, k, assumed = self.w, self.k, self.w["smooth"]
        low, high = self.setting.hypotheses.smoothness or (ZERO, ZERO)
        level = low + high * nm.G
        definition = self.w["generator of f"]
        total, members = [], []
        for part in definition.claim.right[1:]:
            _, coefficient, form = part  # c * dot(..) or 1/2 * c * trprod(..)
            if form[0] == "trprod":
                bound = w.combine(
                    "smoothness and noise", trprod(nm.H, nm.S).le(level * nm.Q),
                    [k.trace_bound("H", "S"), [assumed, k.nonnegative(nm.Q)]],
                )  # fmt: skip
            elif form == dot(nm.g, vec(nm.BENT)):
                members_of = [k.quad_bound("H", nm.MESSAGE), (1, assumed, norm(nm.b))]
                bound = w.combine("smoothness along b", form.le(level * norm(nm.b) ** 2), members_of, [BENDS])
            elif form[0] == "dot" and any(v[0] == "Mv" for v in form[1:]):
                inner = form[2][2] if form[2][0] == "Mv" else form[1][2]
                members_of = [k.quad_bound("H", inner[1]), (1, assumed, norm(inner))]
                bound = w.combine("smoothness along the mean", form.le(level * norm(inner) ** 2), members_of)
            else:
                total.append(part)
                continue
            total.append(coefficient * bound.claim.right)
            members.append([self.show("a coefficient of the second order", coefficient.ge(0)), bound])
        upper = plus(*total)
        return upper, w.combine("the generator of f", nm.Af.le(upper), members, [definition])

    def drift(self, v: Weighted, claim: Relation) -> Fact:
        """The claim about the change of V.

        Raises:
            StepFailed: the search finds no proof.
        """
        if self.setting.interpolates:
            return self.w.step("the claim", self._by_vectors(claim))
        bound, fact = self.upper(v, next((p[2] for p in parts_of(claim) if p[:2] == ("f", "psi")), None))
        rest = claim.right - claim.left + v.change
        self.domain.missing(rest)
        said, left = "the claim about the bound", Relation((claim.op, bound, rest))
        # the mean of a length is bounded by a square, 0 <= ||R - c||^2
        remainder = (
            self.w.step(said, self._by_vectors(left)) if nm.ONE in self.setting.vectors else self.show(said, left)
        )
        return self.w.combine("the claim", claim, [remainder, fact])

    def _by_vectors(self, claim: Relation) -> Fact:
        """A claim about the change of V, as a combination of facts about values and gradients with squares of vectors.

        Raises:
            StepFailed: the search finds no combination, or not the sign of one of its coefficients.
        """

        def sign(relation: Relation) -> Fact:
            return self.show("the sign of a coefficient", relation, seconds=self.seconds / 4)

        fact = prove(self.branch, claim, sign, self.seconds)
        if fact is None:
            raise StepFailed("the claim", claim)
        return fact

    def _units(self, relation: Relation) -> None:
        """Add p (1/p) = 1 for each factor p of a denominator, since normal forms invert the factors one by one."""
        for key in [self.k.normal.key_of(a) for a in self.branch.atoms(relation.slack)]:
            if key[0] == "inv":
                self.domain.missing(1 / self.k.normal.term(dict(key[1])))
