"""The full statement of a certificate or refutation, for the JSON and the last lines of check, claim, prove and replay."""

from collections.abc import Sequence
from typing import Any

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import REPORT


def stated(replayed: Any) -> dict[str, Any]:
    """The statement of a replayed certificate as the file has it, with its axioms, conventions and satisfiability."""
    return {
        "context": replayed.context,
        "assumptions": replayed.assumptions,
        "definitions": replayed.definitions,
        "sources": replayed.sources and dict(zip(("assumptions", "definitions"), replayed.sources, strict=True)),
        "axioms": list(replayed.axioms),
        "claim": replayed.claim,
        "reading": list(replayed.reading),
        "conventions": list(replayed.conventions),
        "satisfiability": replayed.satisfiability,
        "witness": replayed.witness,
        "vacuous": replayed.contradictory,
    }


def standing(statement: dict[str, Any], conventions: list[str] | None = None) -> list[str]:
    """The lines that every command prints about a proof; `conventions` defaults to the statement's own."""
    from sdescent.derive.proof.replay.in_words import standing as lines

    texts = statement["conventions"] if conventions is None else conventions
    return lines(texts, statement["axioms"], statement["satisfiability"])


def contradiction(comparisons: Sequence[Any], about: str, proof: dict[str, Any]) -> dict[str, Any] | None:
    """The proof together with the numbers on its own subject that contradict it; None if no numbers do."""
    from sdescent.numerics.evidence.checks.result import contradicting

    against = contradicting(comparisons, about)
    return {**proof, "measured": [one.measured for one in against], "report": REPORT} if against else None


def headline(verdict: str, vacuous: bool) -> str:
    """The first line of an answer: the verdict, with a note if the claim holds only vacuously."""
    return verdict + (" (the assumptions contradict each other)" if vacuous else "")


def stated_by(checked: Any) -> dict[str, Any] | None:
    """The statement of a checked entry: that of its replayed certificate, or that of a refuted claim over real numbers.

    None if nothing was shown.
    """
    from sdescent.derive.proof.kernel.certificate import context_json
    from sdescent.derive.proof.language.context import Context
    from sdescent.derive.proof.language.terms import num, to_json
    from sdescent.derive.proof.replay.check import replay_object
    from sdescent.derive.theorems.entry.theorem import Refutation

    entry = checked.entry
    if checked.certificate is not None:
        return stated(replay_object(checked.certificate))
    if not isinstance(entry, Refutation) or checked.status != Verdict.REFUTED:
        return None
    return {
        "context": context_json(Context({name: "const" for name in entry.witness})),
        "assumptions": [to_json(relation) for relation in entry.assume.values()],
        "definitions": [],
        "sources": None,
        "axioms": [],
        "claim": to_json(entry.claim),
        "reading": [],
        "conventions": [],
        "satisfiability": "shown",
        "witness": {
            "symbols": {name: to_json(num(value)) for name, value in entry.witness.items()},
            "vectors": {}, "matrices": {}, "functions": {},
        },
        "vacuous": False,
    }  # fmt: skip
