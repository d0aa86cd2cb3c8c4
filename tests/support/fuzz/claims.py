"""Claims that nobody means, as a command reads and proves them: huge exponents, deep nesting, many variables, wrong types."""

from random import Random
from typing import Any

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.reading.claims import claim_from
from sdescent.derive.vocabulary.formulas.text import FUNCTIONS
from tests.support.fuzz.watch import Fault, answered
from tests.support.hostile_text import TOKENS, noise_text

SECONDS = 0.02
STATUSES = ("PROVED", "REFUTED", "DECIDED", "UNDECIDED")
PIECES = (
    *FUNCTIONS, *"+-*/^()<=>,.! ", "**", "<=", ">=", "==", "2", "0.5", "10", "sqrt(", "x0^2", "x0*x1", ")^", "-1", "(x0 + 1)",
    "^64", "^-64", "9" * 40, "1/0", "pi", "0.", ".5", "1e9", "((((", "abs(", "/x0",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, 1, 0.5, [], {}, "", [[]], [1], {"a": 1}, "x0", ["x0", "x0"], ["if"], ["x" * 31], ["pi"],
)  # fmt: skip
NUMBERS = (
    "0", "1", "2", "3", "1/2", "7/3", "0.001", "10", "1000000000", "1/1000000000", "123456789012345678901234567890",
)  # fmt: skip
LONG = ("9" * 90, "1/" + "7" * 90, "0." + "3" * 200, "8" * 1500)
POWERS = (1, 2, 2, 3, 4, 5, 8, 19, 20, 33, 64, -1, -2, -64)


def hostile(chance: Random) -> tuple[str, list[str]]:
    """A claim and its assumptions, from a grammar whose sizes are drawn anew for each claim."""
    names = [f"x{n}" for n in range(chance.choice((1, 1, 2, 2, 3, 5, 8, 12, 20, 40, 64)))]
    depth, wide = chance.choice((1, 2, 2, 3, 3, 4, 6, 12)), chance.choice((2, 2, 3, 6))
    curved = chance.choice((0.0, 0.0, 0.1, 0.4))

    def term(left: int) -> str:
        kind = chance.random()
        if left <= 0 or kind < 0.1:
            drawn = chance.random()
            return chance.choice(LONG if drawn < 0.01 else NUMBERS) if drawn < 0.3 else chance.choice(names)
        if kind < 0.1 + curved:
            name, inner = chance.choice(sorted(FUNCTIONS)), term(left - 1)
            inside = {"sqrt": f"abs({inner})", "log": f"1 + ({inner})^2"}.get(name, inner)
            return f"{name}({inner if chance.random() < 0.3 else inside})"
        if kind < 0.35 + curved:
            return f"({term(left - 1)})^{chance.choice(POWERS if left == 1 or chance.random() < 0.2 else (2, 2, 3, 4))}"
        if kind < 0.4 + curved:
            return f"({term(left - 1)})/({chance.choice(('', '1 + '))}({term(left - 1)})^2)"
        if kind < 0.5 + curved and left == depth:
            return chance.choice((" + ", "*", " - ")).join(f"{n}^{chance.choice((1, 1, 2, 4))}" for n in names)
        count = chance.randrange(2, wide + 1)
        return "(" + chance.choice((" + ", " - ", "*")).join(term(left - 1 - k // 2) for k in range(count)) + ")"

    def relation() -> str:
        kind = chance.random()
        if kind < 0.3:  # one that may well be true
            left = term(depth - 1)
            return f"{left} <= {left} + ({term(depth - 1)})^2"
        if kind < 0.4:
            return f"0 <= ({term(depth)})^2 + {' + '.join(f'({n} - {term(0)})^2' for n in names)}"
        if kind < 0.5:
            p, q, factor = term(depth - 1), term(depth - 1), term(1)
            return f"({p} - {q})*{factor} == {p}*{factor} - {q}*{factor}"
        return f"{term(depth)} {chance.choice(('<=', '<=', '<', '=='))} {term(chance.choice((0, depth)))}"

    signs = [f"{name} {chance.choice(('>=', '>'))} 0" for name in names if chance.random() < 0.6]
    others = [relation() for _ in range(chance.choice((0, 0, 0, 1, 2, 6)))]
    return relation(), [*signs, *others][:64]


def table(chance: Random) -> dict[str, Any]:
    """The table of a claim file: a claim from a grammar, most of the time; then text or types that no such file has."""
    claim, assume = hostile(chance)
    names = sorted({f"x{n}" for n in range(64) if f"x{n}" in f"{claim} {' '.join(assume)}"}) or ["x0"]
    entries: dict[str, Any] = {"variables": names, "assume": assume, "claim": claim}
    if chance.random() < 0.2:
        entries["hints"] = [chance.choice(names), f"{chance.choice(names)} - {chance.choice(names)}"]
    kind = chance.random()
    if kind < 0.25:
        entries["claim"] = edited(chance, claim)
    elif kind < 0.35 and assume:
        assume[chance.randrange(len(assume))] = edited(chance, chance.choice(assume))
    elif kind < 0.42:
        entries[chance.choice(["variables", "assume", "claim", "hints", "more"])] = chance.choice(OTHERS)
    elif kind < 0.45:
        entries["claim"] = noise_text(chance)
    return entries


def edited(chance: Random, text: str) -> str:
    """The text with pieces of the grammar, or of none, in some places."""
    for _ in range(chance.randrange(1, 4)):
        start = chance.randrange(len(text) + 1)
        piece = chance.choice(PIECES if chance.random() < 0.9 else TOKENS)
        text = text[:start] + piece + text[start + chance.choice((0, 0, 1, 3)) :]
    return text


def claim(chance: Random) -> str:
    """A claim in this process."""
    entries = table(chance)

    def ask() -> str:
        status = prove(claim_from(entries), seconds=SECONDS).status
        if status not in STATUSES:
            raise Fault(f"the status {status!r}")
        return status

    return answered(ask, SECONDS, repr(entries)[:3000])
