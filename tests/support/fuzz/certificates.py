"""Certificates with edits: refused, or accepted and then exported or not; what is accepted and states something else is judged."""

import contextlib
import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from sdescent.derive.proof.replay.check import Invalid, Unreadable, describe, replay
from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.notation import ExportError
from tests.support.certificates.edits import follow
from tests.support.certificates.hostile import MOST_SECONDS, grown
from tests.support.certificates.invalid import CERTIFICATES
from tests.support.certificates.models import same_in_models, satisfies_in_models
from tests.support.certificates.mutants import FalseStatement, Source, judged, mutate, places
from tests.support.certificates.potentials import by_hand
from tests.support.fuzz.watch import Fault, answered, one_line

#: models of a statement about steps or along an equation
MODELS = 60
PIECES = (
    "[", "]", "{", "}", '"', ",", ":", "null", "true", "1e999", "-0", "NaN", "1" * 500, "\\u0000", "\\ud800", "\u202e", "\x1b",
    "\n", "'", "\\", "\ufeff", '["q", "1/0"]', '["q", "-0"]', '"x": 1,', "[" * 300, '["+"]', '["^", ["x", "a"], 65]',
    '["^", ["x", "a"], -1]',
)  # fmt: skip


@cache
def sources() -> tuple[list[Source], list[Source]]:
    """Certificates whose statements are judged in finite models, and those that are judged along random paths."""
    return [Source(n, v) for n, v in CERTIFICATES.items()], [Source(n, v) for n, v in by_hand().items()]


def certificate(chance: Random) -> str:
    """A certificate with edits, as JSON or as text that may be none: what the replay says of it, and the export."""
    plain, along = sources()
    moving = chance.random() < 0.3
    source, judge = (chance.choice(along), _along) if moving else (chance.choice(plain), _in_models)
    kind = chance.random()
    if kind < 0.15:
        text = _broken(chance, source.text)
        return _answers(text, lambda: judge(source, json.loads(text), False, chance))
    stated = kind < 0.55
    value = source.mutant(chance) if stated else json.loads(source.text)
    for _ in range(0 if stated else chance.choice((1, 1, 2, 3))):
        if chance.random() < 0.5 and "steps" in value:
            grown(chance, value)
            stated = True  # it may have put an instance everywhere
        else:
            mutate(chance, value, places(value))
    if kind >= 0.55 and chance.random() < 0.6:
        stated = True
        with contextlib.suppress(KeyError, IndexError, TypeError):
            follow(value)
    return _answers(json.dumps(value), lambda: judge(source, value, stated, chance))


def _broken(chance: Random, text: str) -> str:
    for _ in range(chance.choice((1, 1, 2, 4))):
        start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        kind = chance.randrange(4)
        if kind == 0:
            text = text[:start] + chance.choice(PIECES) + text[start:]
        elif kind == 1:
            text = text[:start] + chance.choice(PIECES) + text[min(start + chance.randrange(30), len(text)) :]
        elif kind == 2:
            text = text[:start]
        else:
            text = text[:end] + text[start : min(end, start + 2000)] + text[end:]
    return text


def _answers(text: str, judge: Callable[[], str]) -> str:
    shown = text[:3000]

    def replayed() -> str:
        try:
            lines = describe(replay(text))
        except (Invalid, Unreadable) as error:
            if "internal" in str(error):
                raise Fault(f"{error}\n{shown}") from error
            return "invalid" if isinstance(error, Invalid) else "unreadable"
        for line in lines:
            if "\n" in line:
                raise Fault(f"a line of the description is two: {line!r}\n{shown}")
        return "accepted"

    def exported() -> str:
        try:
            translated(json.loads(text))
        except ExportError as error:
            if "malformed" in str(error):
                raise Fault(f"{error}\n{shown}") from error
            one_line(str(error), shown)
            return "not exported"
        return "exported"

    outcome = answered(replayed, MOST_SECONDS, shown)
    if outcome != "accepted":
        return outcome
    outcome = answered(exported, MOST_SECONDS, shown)
    return f"{outcome}, {judge()}"


def _in_models(source: Source, value: dict[str, Any], stated: bool, chance: Random) -> str:
    """Whether a statement that is another one than the source's is true in finite models, which know nothing of processes."""
    original = source.value
    if value["statement"] == original["statement"] and value["context"] == original["context"]:
        return "same"
    if set(original["statement"]["axioms"]) - {"integrability"}:
        if stated or value["context"] != original["context"]:
            return "not judged"
        good = same_in_models(original, {**original, "statement": value["statement"]})
    else:
        good = satisfies_in_models(value, chance.randrange(10**6))
    if not good:
        raise Fault(f"a mutant of {source.name} fails in a model: {json.dumps(value)}")
    return "true"


def _along(source: Source, value: dict[str, Any], stated: bool, chance: Random) -> str:
    try:
        return judged(source, value, MODELS, {})
    except FalseStatement as error:
        raise Fault(str(error)) from error
