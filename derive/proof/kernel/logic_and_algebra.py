"""The rules about hypotheses, arithmetic, expectations, time integrals and sums. Trusted, as part of the kernel."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.language.context import ProofError, exact, name_of, parts, stepping_terms
from sdescent.derive.proof.language.normal import Polynomial, added, freeze, multiplied, power, scaled
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, num, substitute, under
from sdescent.derive.proof.language.text import Printer
from sdescent.derive.proof.language.tidy import tidy


class Logic(RuleGroup):
    """Rules that introduce, replace or discharge hypotheses."""

    def assume(self, relation: Relation) -> Fact:
        """The relation, with itself as the only hypothesis.

            ------
            C |- C

        Sound: C holds where C holds.
        """
        self.context.check_relation(relation)
        return self._fact("assume", relation, hypotheses={self.normal.key(relation): relation})

    def cut(self, fact: Fact, lemma: Fact) -> Fact:
        """C without the hypothesis P, given a proof of P.

            H, P |- C      G |- P
            ---------------------
                 H, G |- C

        Seals: the remaining sealed hypotheses of both premises; if P was sealed in the first premise, all of G as well.

        Sound: wherever G holds, so does P. If C used P at several points at once, G is needed at all of them; hence the
        seals. Raises ProofError if P is not a hypothesis of the first premise.
        """
        main, proof = self._premises([fact, lemma], 2)
        key = self.normal.key(proof.claim)
        if key not in main.hypotheses:
            raise ProofError("the lemma's claim is not a hypothesis of the fact, so there is nothing to cut")
        rest = {k: h for k, h in main.hypotheses.items() if k != key} | dict(proof.hypotheses)
        sealed = (main.sealed | proof.sealed | (set(proof.hypotheses) if key in main.sealed else set())) & set(rest)
        return self._fact("cut", main.claim, [main, proof], None, rest, sealed)

    def cases(self, split: Relation, low: Fact, high: Fact) -> Fact:
        """C, from a proof of C in each of two cases.

            H, l <= r |- C      G, r <= l |- C
            ----------------------------------      (r < l in the second premise will do)
                       H, G |- C

        Side condition: neither case is sealed in its premise.

        Sound: at each point l <= r or r < l. A sealed case was used at several points at once, and "always l <= r or
        always r <= l" is not a dichotomy. For instance, g <= 0 everywhere gives E|g| = |E g|, and so does g >= 0
        everywhere, yet the equality fails for g = 1 or -1 with equal probability. Raises ProofError if the split is not
        <=, the claims differ, or a premise does not assume its case or has it sealed.
        """
        first, second = self._premises([low, high], 2)
        self.context.check_relation(split)
        if split.op != "<=" or self.normal.key(first.claim) != self.normal.key(second.claim):
            raise ProofError("cases are of one claim, split by l <= r: the claims differ, or the split is not <=")
        here = self.normal.key(split)
        turned = (split.right, split.left)
        there = {self.normal.key(Relation((op, *turned))) for op in ("<=", "<")}
        assumed = there & set(second.hypotheses)
        if here not in first.hypotheses or not assumed:
            raise ProofError("the branches do not assume the cases: the first needs l <= r, the second r <= l or r < l")
        if here in first.sealed or assumed & second.sealed:
            used = "a case was used under an expectation, an integral or a sum"
            raise ProofError(f"{used}: split before the operator is applied")
        rest = {k: h for k, h in first.hypotheses.items() if k != here}
        rest |= {k: h for k, h in second.hypotheses.items() if k not in assumed}
        return self._fact("cases", first.claim, [first, second], {"split": split}, rest)

    def instantiate(self, premise: Fact, symbol: str, value: Term) -> Fact:
        """An instance of a fact about every number x, with a term in place of x.

              H |- C
            ----------------      x a symbol of kind const
            H[t/x] |- C[t/x]

        Side conditions: no hypothesis is sealed and no axiom used; no operator and no other coordinate (`xi`) occurs in C,
        H or t; x is not the horizon, the dimension, the number of clients or the start of a potential, and does not occur
        in a declared bound or slope, or in the smoothness and the step that a stepping potential declares.

        Sound: the premise holds for every number x, hence at each point for the value of t there. Under an operator x
        would be one number for all points (E(x) = x is false for a random t), and the context gives the excluded names
        a meaning. Raises ProofError if a side condition fails.
        """
        (fact,) = self._premises([premise], 1)
        self.context.check(value)
        context, entries = self.context, self.context.potentials.values()
        used = {context.horizon, context.dimension, context.clients, *(e["start"] for e in entries)}
        bounds = [part for e in entries for part in stepping_terms(e)]
        bounds += [v for f in context.functions.values() for v in f.values() if v is not True]
        used |= {p[1] for bound in bounds for p in parts(bound) if p[0] == "x"}
        if context.symbols.get(name_of(symbol)) != "const" or symbol in used:
            raise ProofError(
                f"{symbol} is not a free constant: it is not of kind const, or the context gives it a meaning"
            )
        relations = [fact.claim, *fact.hypotheses.values()]
        heads = {p[0] for r in relations for side in r[1:] for p in parts(side)} | {p[0] for p in parts(value)}
        if fact.sealed or fact.axioms or heads & {*OPERATORS, "xi"}:
            raise ProofError("a fact with operators, or one that used its hypotheses under one, has no instances")
        claim, *rest = [substitute(r, symbol, value) for r in relations]
        hypotheses = {self.normal.key(h): h for h in rest}
        return self._fact("instantiate", claim, [fact], {"symbol": symbol, "term": value}, hypotheses, ())

    def absurd(self, claim: Relation, premise: Fact) -> Fact:
        """Any claim, from a false relation between rational numbers.

            H |- c <= 0
            -----------      c > 0 rational (or H |- c < 0 with c >= 0), C not !=
              H |- C

        Sound: the hypotheses hold nowhere, so nothing is left to prove. Raises ProofError if the premise is not a
        relation <= or < between rational numbers or is true, or the claim is !=.
        """
        (fact,) = self._premises([premise], 1)
        self.context.check_relation(claim)
        slack = self.normal.polynomial(fact.claim.slack)
        value = slack.get((), Fraction(0))
        false = value < 0 if fact.claim.op == "<=" else value <= 0 and fact.claim.op == "<"
        if any(m for m in slack) or not false or claim.op == "!=":
            raise ProofError("the premise is not absurd: it must be c <= 0 with a number c > 0, or c < 0 with c >= 0")
        return self._fact("absurd", claim, [fact])


#: how much of an identity's remainder its error message shows: monomials, characters
MOST_SHOWN, MOST_LETTERS = 8, 300


class Arithmetic(RuleGroup):
    """Rules that hold in every ordered field."""

    def certify(
        self, claim: Relation, premises: Sequence[Fact] = (), mult: Sequence[Any] = ((Fraction(1), (), ()),),
        sum: Sequence[Any] = (), equalities: Sequence[Any] = (),
    ) -> Fact:  # fmt: skip
        """The main rule of algebra: the sign of r - l, from a polynomial identity that can be checked by multiplying it out.

            H_n |- 0 <= p_n  (or 0 < p_n, or e_n == 0)      mult * (r - l) = sum + sum_n t_n e_n
            ------------------------------------------------------------------------------------
                                              H_1, H_2, .. |- l <= r

        mult and sum are cones: sums of c * prod p_n * prod s^2 with rational c > 0, slacks p_n of premises <= and <,
        and any terms s. The t_n are any terms; e_n is the right side minus the left side of a premise ==. The identity is
        one of normal forms.

        Side conditions: mult is strict, that is, one of its members has no square and only slacks of strict premises
        (the empty product will do). For l < r the sum is strict too; for l == r it is empty.

        Sound: a positive multiple of r - l is shown to be >= 0 (> 0, = 0), whatever the atoms stand for. By the
        Positivstellensatz (Stengle 1974) every sign that follows from polynomial premises has such a certificate;
        soundness does not need this theorem. Raises ProofError: a coefficient, a premise or the claim is not of the
        form above, or the identity fails.
        """
        facts = self._premises(premises)
        self.context.check_relation(claim)
        mult, sum, equalities = (exact(tuple(part)) for part in (mult, sum, equalities))
        multiplier, strict = self._cone(mult, facts)
        total, positive = self._cone(sum, facts)
        if not strict or claim.op == "!=" or (claim.op == "<" and not positive) or (claim.op == "==" and len(sum)):
            raise ProofError("the multiplier is not positive, or the sum is not of the kind that the claim needs")
        pieces = [multiplied(multiplier, self.normal.polynomial(claim.slack)), scaled(total, Fraction(-1))]
        for number, factor in equalities:
            if self._of(facts, number).claim.op != "==":
                raise ProofError("only equalities have multipliers of any sign: put <= and < into the sum")
            slack = self.normal.polynomial(facts[number].claim.slack)
            pieces.append(scaled(multiplied(self._poly(factor), slack), Fraction(-1)))
        if rest := added(pieces):
            raise ProofError(f"the identity of the certificate does not hold; left over: {self._left_over(rest)}")
        return self._fact("certify", claim, facts, {"mult": mult, "sum": sum, "equalities": equalities})

    def _left_over(self, rest: Polynomial) -> str:
        """The remainder mult * (r - l) - sum - equalities as text: its first monomials, ordered by number of factors."""
        first = sorted(rest, key=lambda m: (sum(n for _, n in m), m))[:MOST_SHOWN]
        text = Printer(self.context).term(tidy(self.normal.term({m: rest[m] for m in first})))
        more = f" and {len(rest) - len(first)} more" if len(rest) > len(first) else ""
        return (text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS] + " ..") + more

    def _cone(self, members: Sequence[Any], facts: tuple[Fact, ...]) -> tuple[Polynomial, bool]:
        """The sum of c * prod slack * prod s^2, and whether it is certainly positive."""
        total, positive = [], False
        for c, numbers, squares in members:
            if type(c) is not Fraction or c <= 0:
                raise ProofError(f"coefficients of cones are positive Fractions, and {c!r} is not one")
            used = [self._of(facts, n) for n in numbers]
            if any(f.claim.op not in ("<=", "<") for f in used):
                raise ProofError("only inequalities stand in products: put == into the equalities")
            product = self._poly(num(c))
            for f in used:
                product = multiplied(product, self.normal.polynomial(f.claim.slack))
            for s in squares:
                product = multiplied(product, power(self._poly(s), 2))
            total.append(product)
            positive = positive or (not len(squares) and all(f.claim.op == "<" for f in used))
        return added(total), positive

    @staticmethod
    def _of(facts: tuple[Fact, ...], number: Any) -> Fact:
        if type(number) is not int or not 0 <= number < len(facts):
            raise ProofError(f"a premise that is not there: number {number!r} of {len(facts)}")
        return facts[number]

    def inverse(self, of: Term, premise: Fact) -> Fact:
        """The product of p and its inverse is 1, provided p is not 0.

                H |- p != 0
            --------------------      (0 < p or p < 0 will do)
            H |- p * (1/p) == 1

        Sound: 1/p is the inverse of p wherever p is not 0. (By convention 1/0 = 0, so the premise is needed.)

        Raises:
            ProofError: the premise is none of 0 < p, p < 0 and p != 0, compared by normal forms.
        """
        (fact,) = self._premises([premise], 1)
        poly, slack = self._poly(of), self.normal.polynomial(fact.claim.slack)
        if fact.claim.op not in ("<", "!=") or freeze(slack) not in (freeze(poly), freeze(scaled(poly, Fraction(-1)))):
            raise ProofError("division needs a premise that the denominator is not 0: 0 < p, p < 0 or p != 0")
        return self._fact("inverse", (of * (1 / of)).eq(1), [fact], {"of": of})


class Operators(RuleGroup):
    """Rules about operators: E binds the outcome, I time, EI both, S the coordinate, Si the other coordinate, C the client.

    Linearity is built into the normal forms: a factor comes out of an operator only if it does not depend on what the
    operator binds, so a random factor never leaves E.
    """

    def monotone(self, operator: str, premise: Fact) -> Fact:
        """Operators preserve <= and ==.

              H |- l <= r
            ----------------      op among E, I, EI, S, Si, C; the premise may be <, or == (then the claim is ==)
            H |- op(l) <= op(r)

        Seals: the hypotheses that depend on what the operator binds. Axiom: `integrability` for E, I and EI.

        Sound: if a term is >= 0 everywhere, so is its mean, its integral over [0, T] with T >= 0, and its sum; and
        operators are linear on integrable terms. I needs the axiom too: int_0^T dt/t is not a number. From < only <=
        follows, since an integral over [0, 0] is 0. Raises ProofError if the operator does not exist, the premise is
        !=, or the claim has no normal form.
        """
        (fact,) = self._premises([premise], 1)
        if operator not in OPERATORS or fact.claim.op == "!=":
            raise ProofError("monotone is for E, I, EI, S, Si and C of <=, < and ==")
        op = "==" if fact.claim.op == "==" else "<="
        claim = Relation((op, under(operator, fact.claim.left), under(operator, fact.claim.right)))
        used = ("integrability",) if operator in ("E", "I", "EI") else ()
        data, sealed = {"operator": operator}, self._bound(operator, fact)
        return self._fact("monotone", claim, [fact], data, sealed=sealed, axioms=used)

    def _bound(self, operator: str, fact: Fact) -> set[Any]:
        """Keys of the hypotheses to seal: those sealed already, and those that depend on what the operator binds."""
        letters = frozenset(OPERATORS[operator])
        used = {
            k
            for k, h in fact.hypotheses.items()
            if (self.context.depends(h.left) | self.context.depends(h.right)) & letters
        }
        return used | fact.sealed

    def component(self, operator: str, premise: Fact) -> Fact:
        """One summand is at most the sum if all summands are >= 0.

                 H |- l <= r
            ------------------------      op among S, C; the premise may be <
            H |- r - l <= op(r - l)

        Seals: the hypotheses that depend on what the operator binds.

        Sound: the other summands are >= 0 by the premise at the other coordinates or clients, which is why those
        hypotheses are sealed. Raises ProofError if the operator is neither S nor C, or the premise is == or !=.
        """
        (fact,) = self._premises([premise], 1)
        if operator not in ("S", "C") or fact.claim.op not in ("<=", "<"):
            raise ProofError(
                "a summand is at most the sum where all of them are >= 0: component is for S and C of <= and <"
            )
        slack = fact.claim.slack
        claim, data = slack.le(under(operator, slack)), {"operator": operator}
        return self._fact("component", claim, [fact], data, sealed=self._bound(operator, fact))
