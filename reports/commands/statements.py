"""What a certificate or a refutation states, in full, for the JSON of check, claim, prove and replay, and its last lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import REPORT


def stated(replayed: Any) -> dict[str, Any]:
    """The statement of a certificate that was replayed, as it stands in the file, and what is to be known about it."""
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
    """The lines that every command prints of what it proved; `conventions` are those of the statement unless given."""
    from sdescent.derive.proof.replay.in_words import standing as lines

    texts = statement["conventions"] if conventions is None else conventions
    return lines(texts, statement["axioms"], statement["satisfiability"])


def contradiction(comparisons: Sequence[Any], about: str, proof: dict[str, Any]) -> dict[str, Any] | None:
    """What a proof says, and the numbers on its own subject that contradict it; None where none do."""
    from sdescent.numerics.evidence.checks.result import contradicting

    against = contradicting(comparisons, about)
    return {**proof, "measured": [one.measured for one in against], "report": REPORT} if against else None


def headline(verdict: str, vacuous: bool) -> str:
    """The first line of an answer."""
    return verdict + (" (the assumptions contradict each other)" if vacuous else "")


def stated_by(checked: Any) -> dict[str, Any] | None:
    """The same of a checked entry: of its certificate, which is replayed for it; or of a claim over real numbers that fails.

    None where nothing was shown.
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
