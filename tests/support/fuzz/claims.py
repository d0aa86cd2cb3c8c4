"""Claims that nobody means, by the door of the command line: read from a table, then proved with a limit, here or in the worker."""

from __future__ import annotations

from random import Random
from typing import Any

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.repair.apart import prove_apart
from sdescent.derive.reading.claims import claim_from
from sdescent.derive.vocabulary.formulas.tokens import FUNCTIONS
from tests.support.corpus.hostile import hostile
from tests.support.fuzz.watch import Fault, answered
from tests.support.hostile_text import TOKENS, noise_text

#: seconds for a claim, and for one in the worker, whose time is that of the command line but for its length
SECONDS, APART = 0.02, 0.3
STATUSES = ("PROVED", "REFUTED", "DECIDED", "UNDECIDED")
PIECES = (
    *FUNCTIONS, *"+-*/^()<=>,.! ", "**", "<=", ">=", "==", "2", "0.5", "10", "sqrt(", "x0^2", "x0*x1", ")^", "-1", "(x0 + 1)",
    "^64", "^-64", "9" * 40, "1/0", "pi", "0.", ".5", "1e9", "((((", "abs(", "/x0",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, 1, 0.5, [], {}, "", [[]], [1], {"a": 1}, "x0", ["x0", "x0"], ["if"], ["x" * 31], ["pi"],
)  # fmt: skip


def table(chance: Random) -> dict[str, Any]:
    """The table of a claim file: a claim from a grammar, most of the time; then text or types that no such file has."""
    case = hostile(chance)
    names = sorted({f"x{n}" for n in range(64) if f"x{n}" in f"{case.claim} {' '.join(case.assume)}"}) or ["x0"]
    given: dict[str, Any] = {"variables": names, "assume": list(case.assume), "claim": case.claim}
    if chance.random() < 0.2:
        given["hints"] = [chance.choice(names), f"{chance.choice(names)} - {chance.choice(names)}"]
    kind = chance.random()
    if kind < 0.25:
        given["claim"] = edited(chance, given["claim"])
    elif kind < 0.35 and given["assume"]:
        given["assume"][chance.randrange(len(given["assume"]))] = edited(chance, chance.choice(given["assume"]))
    elif kind < 0.42:
        given[chance.choice(["variables", "assume", "claim", "hints", "more"])] = chance.choice(OTHERS)
    elif kind < 0.45:
        given["claim"] = noise_text(chance)
    return given


def edited(chance: Random, text: str) -> str:
    """The text with pieces of the grammar, or of none, in some places."""
    for _ in range(chance.randrange(1, 4)):
        start = chance.randrange(len(text) + 1)
        piece = chance.choice(PIECES if chance.random() < 0.9 else TOKENS)
        text = text[:start] + piece + text[start + chance.choice((0, 0, 1, 3)) :]
    return text


def claim(chance: Random) -> str:
    """A claim in this process."""
    given = table(chance)
    return answered(lambda: _status(prove(claim_from(given), seconds=SECONDS).status), SECONDS, repr(given)[:3000])


def claim_apart(chance: Random) -> str:
    """A claim in the worker that the command line asks."""
    given = table(chance)
    return answered(lambda: _status(prove_apart(claim_from(given), APART)["status"]), APART, repr(given)[:3000])


def _status(found: str) -> str:
    if found not in STATUSES:
        raise Fault(f"the status {found!r}")
    return found
