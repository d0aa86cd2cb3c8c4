"""Claims that nobody means: huge exponents, deep nesting, many variables, numbers of many digits, functions within functions."""

from __future__ import annotations

import random
from dataclasses import dataclass

NUMBERS = (
    "0", "1", "2", "3", "1/2", "7/3", "0.001", "10", "1000000000", "1/1000000000", "123456789012345678901234567890",
)  # fmt: skip
LONG = ("9" * 90, "1/" + "7" * 90, "0." + "3" * 200, "8" * 1500)
FUNCTIONS = ("sqrt", "exp", "log", "atan", "erf", "tanh", "abs", "psi")
POWERS = (1, 2, 2, 3, 4, 5, 8, 19, 20, 33, 64, -1, -2, -64)


@dataclass(frozen=True)
class Hostile:
    """A claim as text, with its assumptions."""

    claim: str
    assume: tuple[str, ...]


def hostile(chance: random.Random) -> Hostile:
    """A claim from a grammar whose sizes are drawn anew for each claim."""
    names = [f"x{n}" for n in range(chance.choice((1, 1, 2, 2, 3, 5, 8, 12, 20, 40, 64)))]
    depth, wide = chance.choice((1, 2, 2, 3, 3, 4, 6, 12)), chance.choice((2, 2, 3, 6))
    curved = chance.choice((0.0, 0.0, 0.1, 0.4))

    def term(left: int) -> str:
        kind = chance.random()
        if left <= 0 or kind < 0.1:
            drawn = chance.random()
            return chance.choice(LONG if drawn < 0.01 else NUMBERS) if drawn < 0.3 else chance.choice(names)
        if kind < 0.1 + curved:
            name, inner = chance.choice(FUNCTIONS), term(left - 1)
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
    return Hostile(relation(), tuple([*signs, *others][:64]))
