"""The rules about hypotheses: assume, cut, cases, instantiate and absurd. Trusted, as part of the kernel."""

from fractions import Fraction

from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.language.context import ProofError, name_of, parts, stepping_terms
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, substitute


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

        Seals: the seals of both premises that remain; if P was sealed in the first premise, all of G as well.

        Sound: wherever G holds, so does P. If C used P at several points at once, G is needed at all of them; hence the
        seals.

        Raises:
            ProofError: P is not a hypothesis of the first premise.
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

        Sound: at each point l <= r or r < l. A sealed case was used at several points at once, and "always l <= r or always
        r <= l" is not a dichotomy. For instance, g <= 0 everywhere gives E|g| = |E g|, and so does g >= 0 everywhere, yet
        the equality fails for g = 1 or -1 with equal probability.

        Raises:
            ProofError: the split is not <=, the claims differ, or a premise does not assume its case or has it sealed.
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
        """An instance of a fact about every number x, with a term for x.

              H |- C
            ----------------      x a symbol of kind const
            H[t/x] |- C[t/x]

        Side conditions: no hypothesis is sealed and no axiom used; no operator and no other coordinate (`xi`) occurs in C,
        H or t; x is not the horizon, the dimension, the number of clients or the start of a potential, and does not occur
        in a declared bound or slope, or in the smoothness and the step that a stepping potential declares.

        Sound: the premise holds for every number x, hence at each point for the value of t there. Under an operator x
        would be one number for all points (E(x) = x is false for a random t), and the context gives the excluded names a
        meaning.

        Raises:
            ProofError: a side condition fails.
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
        """Any claim, from a false relation between numbers.

            H |- c <= 0
            -----------      c > 0 a number (or H |- c < 0 with c >= 0), C not !=
              H |- C

        Sound: the hypotheses hold nowhere, so nothing is left to prove.

        Raises:
            ProofError: the premise is not a relation between numbers or is true, or the claim is !=.
        """
        (fact,) = self._premises([premise], 1)
        self.context.check_relation(claim)
        slack = self.normal.polynomial(fact.claim.slack)
        value = slack.get((), Fraction(0))
        false = value < 0 if fact.claim.op == "<=" else value <= 0 and fact.claim.op == "<"
        if any(m for m in slack) or not false or claim.op == "!=":
            raise ProofError("the premise is not absurd: it must be c <= 0 with a number c > 0, or c < 0 with c >= 0")
        return self._fact("absurd", claim, [fact])
