"""Answers of z3 about assume => claim over the reals. Not trusted: a verdict that rests on z3 alone is DECIDED."""

from collections.abc import Sequence
from fractions import Fraction

from sdescent.derive.proof.language.killable_process import Worker
from sdescent.derive.proof.language.terms import Relation, to_json
from sdescent.derive.proof.refute.exact import Algebraic

_worker = Worker("sdescent.derive.proof.refute.z3_worker")


def consult(
    context_vars: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float
) -> tuple[str, dict[str, Fraction | Algebraic]]:
    """The answer "sat" with a point where the claim fails, or "unsat", "unknown" or "foreign" (a term unknown to z3) alone."""
    question = {"names": list(context_vars), "assume": [to_json(r) for r in assume], "claim": to_json(claim)}
    reply = _worker.ask(question, seconds)
    if reply is None:
        return "unknown", {}
    point: dict[str, Fraction | Algebraic] = {}
    for name, value in reply["model"].items():
        if isinstance(value, dict):
            point[name] = Algebraic(tuple(int(c) for c in value["root"]), value["index"])
        else:
            point[name] = Fraction(int(value[0]), int(value[1]))
    return reply["answer"], point


def decide(
    context_vars: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float = 1.0
) -> str | None:
    """Whether the claim follows wherever all terms are inside their domain, by z3 alone: "true", "false", or None."""
    return {"unsat": "true", "sat": "false"}.get(consult(context_vars, assume, claim, seconds)[0])
