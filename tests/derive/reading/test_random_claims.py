"""Random, long and deep text in the place of a term or a relation is read or refused, and nothing is evaluated."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from sdescent.derive.proof.language.text import show
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.grammar import parse_relation, parse_term
from sdescent.derive.vocabulary.formulas.tokens import FUNCTIONS
from tests.derive.vocabulary.formulas.test_grammar import NAMES, random_text
from tests.support.hostile_text import TOKENS, noise_text, nothing_is_evaluated_or_written

PIECES = [
    *NAMES, *FUNCTIONS, *"+-*/^()<=>,.! ", "**", "<=", ">=", "==", "2", "0.5", "10", "sqrt(", "x^2", "eta*g", ")^", "-1",
    "(x + 1)", "if", "and", "not ", "lambda", "None", "__", "0x", "1e9", "9**9**9", "f'{x}'", "[", "]", "for", "await ",
]  # fmt: skip


def fuzz_text(chance: random.Random) -> str:
    kind = chance.randrange(4)
    if kind == 0:
        return noise_text(chance)
    if kind == 1:
        return "".join(chance.choice(PIECES if chance.randrange(8) else TOKENS) for _ in range(chance.randrange(30)))
    text = f"{random_text(chance, 3, functions=True)} {chance.choice(['<=', '<', '==', '>=', '>'])} x"
    if kind == 3:
        for _ in range(chance.randrange(1, 4)):
            start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
            text = text[:start] + chance.choice(PIECES) + text[min(end, start + 3) :]
    return text


def fuzz(count: int, seed: int) -> None:
    chance = random.Random(seed)
    read, slowest = 0, 0.0
    with nothing_is_evaluated_or_written():
        for _ in range(count):
            text, outcome = fuzz_text(chance), 0
            begun = time.process_time()
            for parse in (parse_term, parse_relation):
                outcome += readable(parse, text)
            slowest = max(slowest, time.process_time() - begun)
            assert outcome < 2  # never both a term and a relation
            read += outcome
    assert count // 5 < read < count  # they are not all refused at the first character
    assert slowest < 0.5


def readable(parse: Any, text: str) -> bool:
    try:
        read = parse(text, NAMES, "claim")
    except BadInput as error:
        assert error.message.isprintable() and len(error.message) < 600
        assert error.column is None or 1 <= error.column <= len(text) + 1
        return False
    assert parse(show(read), NAMES, "claim") == read
    return True


@pytest.mark.parametrize("count", [400, pytest.param(4_000, marks=pytest.mark.slow)])
def test_random_text_is_read_or_refused(count):
    fuzz(count, 11)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000, ")" * 2000, "-" * 1999 + "x", "x^" * 999 + "x", "x**" * 600 + "2", "-(" * 900, "sqrt(" * 400,
        "sqrt(" * 40 + "x" + ")" * 40, "1/" * 999 + "1", "x/" * 400 + "x", "(x+1)*" * 300 + "1", "2^-" * 600 + "1",
        "x+" * 249 + "x", "((x+1)^8" * 40 + ")" * 40, "9" * 2000, "<" * 2000, "x<" * 999 + "x", "." * 2000, "_" * 2000,
        "-(x+1)^2*" * 90 + "x", "(-" * 40 + "x" + ")" * 40, "+-" * 240 + "x", " " * 2000,
    ],
)  # fmt: skip
def test_long_and_deep_text_is_quick(text):
    begun = time.process_time()
    for parse in (parse_term, parse_relation):
        readable(parse, text)
    assert time.process_time() - begun < 0.5
