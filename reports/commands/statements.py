"""What a certificate or a refutation states, in full, for the JSON of check, claim, prove and replay, and its last lines."""

from __future__ import annotations

from typing import Any

from sdescent.derive.vocabulary.verdicts import Verdict


def stated(replayed: Any) -> dict[str, Any]:
    """The statement of a certificate that was replayed, as it stands in the file, and what is to be known about it."""
    return {
        "context": replayed.context,
        "assumptions": replayed.assumptions,
        "definitions": replayed.definitions,
        "sources": None
        if replayed.sources is None
        else dict(zip(("assumptions", "definitions"), replayed.sources, strict=True)),
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

    said = statement["conventions"] if conventions is None else conventions
    return lines(said, statement["axioms"], statement["satisfiability"])


def headline(verdict: str, vacuous: bool) -> str:
    """The first line of an answer."""
    return verdict + (" (the assumptions contradict each other)" if vacuous else "")


def stated_by(found: Any) -> dict[str, Any] | None:
    """The same of a checked entry: of its certificate, which is replayed for it; or of a claim over real numbers that fails.

    None where nothing was shown.
    """
    from sdescent.derive.proof.kernel.certificate import context_json
    from sdescent.derive.proof.language.context import Context
    from sdescent.derive.proof.language.terms import num, to_json
    from sdescent.derive.proof.replay.check import replay_object
    from sdescent.derive.theorems.entry.theorem import Refutation

    entry = found.entry
    if found.certificate is not None:
        return stated(replay_object(found.certificate))
    if not isinstance(entry, Refutation) or found.status != Verdict.REFUTED:
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
