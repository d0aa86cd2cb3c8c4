"""What an entry is about: an equation, the method itself, or no dynamics; read off the entry, and not stated a second time."""

from __future__ import annotations

from collections.abc import Collection

from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.terms import Relation
from sdescent.derive.theorems.entry.from_sde import generator_of
from sdescent.derive.theorems.entry.theorem import Theorem

FIRST, CORRECTED, ODE, LINEARISED, METHOD = "first-order SDE", "corrected SDE", "ODE", "linearised SDE", "method"
#: with a generator that the statement defines
STATED = "SDE"
#: without a process: what the evidence of this kind is about
KINDS = {
    "signs near the optimum": LINEARISED, "growth": METHOD, "growth in the mean": METHOD,
    "second moments of the method": METHOD, "psi": "constants", "strength": "constants",
    "scaling": "constants", "schedules": "schedule", "sums": "schedule", "law": "noise law", "loss": "loss", "rosenbrock": "loss",
    "separable loss": "loss", "logistic regression": "loss", "compressor": "compressor",
}  # fmt: skip
#: a statement on the moments of a step where the gradient is given
STATE = "one state"


def about(theorem: Theorem, claim: Relation, axioms: Collection[str]) -> str:
    """The object of a theorem.

    A theorem is about the process of its context if its proof takes a solution for granted, or if the process' generator is a
    part of the claim: an SDE whose drift has a second, curvature term (corrected), or not (first-order), or an ODE, without a
    diffusion, or one of which the context has the generator alone. Where time is steps, functions of the state make it a theorem about
    the method itself, whose steps exist without any axiom. Otherwise its evidence says what it is compared with.

    Args:
        claim: the last line of its derivation.
        axioms: the analytic facts that the derivation uses.
    """
    context = theorem.context
    if context.steps and context.potentials:
        return METHOD
    for process in context.potentials.values():
        if "weak-existence" in axioms or any(
            generator_of(process) in parts(side) for side in (claim.left, claim.right)
        ):
            if "change" in process:  # its evidence may say whose generator it is
                return next((f"{e.options['model']} SDE" for e in theorem.evidence if "model" in e.options), STATED)
            return ODE if not process["diffusion"] else CORRECTED if len(process["drift"]) > 1 else FIRST
    for evidence in theorem.evidence:
        if "model" in evidence.options:
            return f"{evidence.options['model']} SDE"
        if evidence.kind in KINDS:
            return KINDS[evidence.kind]
    return STATE
