"""Certificates: a fact with everything it was made from, as JSON in the format of FORMAT.md."""

import json
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact, genuine
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation

FORMAT = "sdescent-certificate-1"


def ancestry(fact: Fact) -> list[Fact]:
    """The fact and all facts that it rests on: every premise precedes the facts made from it, and the fact itself is last."""
    order: dict[int, Fact] = {}
    stack: list[tuple[Fact, bool]] = [(fact, False)]
    while stack:
        top, ready = stack.pop()
        if id(top) in order:
            continue
        if ready:
            order[id(top)] = top
        else:
            stack.append((top, True))
            stack += [(p, False) for p in reversed(top.premises) if id(p) not in order]
    return list(order.values())


def certificate(
    fact: Fact, title: str, definitions: Iterable[Relation] = (), source_of: Callable[[Relation], str] | None = None
) -> dict[str, Any]:
    """The certificate of a fact.

    Args:
        definitions: the hypotheses that other code can recompute.
        source_of: gives the source of a hypothesis, in words for a reader.

    Raises:
        ProofError: the fact, or one on which it rests, is not as a rule made it, or the proof does not use one of the definitions.
    """
    steps = [genuine(f) for f in ancestry(genuine(fact))]
    place = {id(f): n for n, f in enumerate(steps)}
    normal = Normal(fact.context)
    defined = {normal.key(d): d for d in definitions}
    if not set(defined) <= {normal.key(h) for h in fact.hypotheses.values()}:
        raise ProofError("the proof does not use a definition")
    hypotheses = {normal.key(h): h for h in fact.hypotheses.values()}
    parts = {
        "assumptions": [h for key, h in hypotheses.items() if key not in defined],
        "definitions": [h for key, h in hypotheses.items() if key in defined],
    }
    sources = {}
    if source_of is not None:
        sources["sources"] = {part: [str(source_of(h)) for h in of] for part, of in parts.items()}
    return {
        "format": FORMAT,
        "title": title,
        **sources,
        "context": context_json(fact.context),
        "statement": {
            **{part: [plain(h) for h in of] for part, of in parts.items()},
            "axioms": sorted(fact.axioms),
            "claim": plain(fact.claim),
        },
        "steps": [
            {
                "rule": f.rule,
                "premises": [place[id(p)] for p in f.premises],
                "data": plain(f.data),
                "claim": plain(f.claim),
            }
            for f in steps
        ],
    }


def context_json(context: Context) -> dict[str, Any]:
    """The JSON form of a context."""
    return {
        "symbols": dict(context.symbols),
        "vectors": list(context.vectors),
        "matrices": {name: list(flags) for name, flags in context.matrices.items()},
        "functions": {name: {k: plain(v) for k, v in entry.items()} for name, entry in context.functions.items()},
        "horizon": context.horizon,
        "dimension": context.dimension,
        "clients": context.clients,
        "potentials": {name: plain(entry) for name, entry in context.potentials.items()},
        **({"steps": True} if context.steps else {}),
    }


def dumps(certificate: Mapping[str, Any]) -> str:
    """The text of a certificate, with one step per line."""
    head = {key: value for key, value in certificate.items() if key != "steps"}
    lines = ",\n".join("  " + json.dumps(step, separators=(", ", ": ")) for step in certificate["steps"])
    return json.dumps(head, indent=1)[:-2] + ',\n "steps": [\n' + lines + "\n ]\n}\n"


def plain(value: Any) -> Any:
    """The JSON form of terms, numbers and tables."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(v) for key, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, (tuple, list)) else value
