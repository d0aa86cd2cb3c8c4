"""The rules about expectations, time integrals and sums: monotone and component. Trusted, as part of the kernel."""

from typing import Any

from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import OPERATORS, Relation, under


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
        follows, since an integral over [0, 0] is 0.

        Raises:
            ProofError: the operator does not exist, or the premise is !=.
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
        hypotheses are sealed.

        Raises:
            ProofError: the operator is neither S nor C, or the premise is == or !=.
        """
        (fact,) = self._premises([premise], 1)
        if operator not in ("S", "C") or fact.claim.op not in ("<=", "<"):
            raise ProofError(
                "a summand is at most the sum where all of them are >= 0: component is for S and C of <= and <"
            )
        slack = fact.claim.slack
        claim, data = slack.le(under(operator, slack)), {"operator": operator}
        return self._fact("component", claim, [fact], data, sealed=self._bound(operator, fact))
