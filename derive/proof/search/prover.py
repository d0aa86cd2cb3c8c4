"""Writing proofs with the kernel's rules, while the search fills in the arithmetic."""

from collections.abc import Mapping, Sequence
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, Term, num, substitute
from sdescent.derive.proof.language.text import Printer
from sdescent.derive.proof.search.certify import find
from sdescent.derive.proof.search.one_variable import find as find_interval_proof


class NotFound(ProofError):
    """The search found no certificate within its time; the claim may still be true."""


class Prover:
    """A kernel with a search limited to `seconds` per step: a method finds the data of a rule, and the rule makes the fact."""

    def __init__(self, context: Context, seconds: float = 5.0) -> None:
        self.kernel = Kernel(context)
        self.context = context
        self.seconds = seconds

    def assume(self, *relations: Relation) -> list[Fact]:
        """A fact for each assumption."""
        return [self.kernel.assume(r) for r in relations]

    def have(self, claim: Relation, *using: Fact, hints: Sequence[Term] = ()) -> Fact:
        """The claim as a fact, by `certify` from the given facts.

        Raises:
            NotFound: no certificate was found in time.
        """
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
        """The fact 0 <= phi(at), or 0 < phi(at) if strict, by the analysis of one variable.

        Raises:
            NotFound: no proof was found in time.
        """
        proof = find_interval_proof(phi, variable, low, high, strict, self.seconds)
        if proof is None:
            raise NotFound(f"no proof found for {phi} on [{low}, {high}]")
        return self.kernel.ball({**proof, "variable": variable, "at": at}, premises)

    def instance(self, fact: Fact, values: Mapping[str, Term]) -> Fact:
        """Instantiate several symbols with `Kernel.instantiate`.

        Raises:
            ProofError: a symbol occurs in the value of another one.
        """
        for name, value in values.items():
            if any(substitute(value, other, num(0)) != value for other in values if other != name):
                raise ProofError("instances one after the other would capture")
            fact = self.kernel.instantiate(fact, name, value)
        return fact
