"""Terms and relations as users write them: what is read, as which term; what is refused, where and with which words."""

import random
import re
import time
from fractions import Fraction
from typing import Any

import pytest

from sdescent.derive.proof.language.text import show
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.grammar import MAX_DEPTH, MAX_NESTING, Term, parse_relation, parse_term
from sdescent.derive.vocabulary.formulas.text import FUNCTIONS, MAX_TOKENS
from tests.support.hostile_text import TOKENS, noise_text, nothing_is_evaluated_or_written

NAMES = ("x", "y", "g", "eta", "a_1")
X, Y, ONE, TWO = ("x", "x"), ("x", "y"), ("q", "1"), ("q", "2")


def minus(term: Term) -> Term:
    return ("*", ("q", "-1"), term)


READ: list[tuple[str, Term]] = [
    ("x", X),
    ("-3", ("q", "-3")),
    ("0.25", ("q", "1/4")),
    ("0.1/0.3", ("q", "1/3")),
    ("3/4*x", ("*", ("q", "3/4"), X)),
    ("x*3/4", ("/", ("*", X, ("q", "3")), ("q", "4"))),
    ("x ^ 02", ("^", X, 2)),
    ("2^-2", ("/", ONE, ("^", TWO, 2))),
    ("-x^2", minus(("^", X, 2))),
    ("(-x)^2", ("^", minus(X), 2)),
    ("- - -x", minus(X)),
    ("x - (y - 1)", ("+", X, minus(("+", Y, ("q", "-1"))))),
    ("x - 2*y", ("+", X, ("*", ("q", "-2"), Y))),
    ("x/y/2", ("/", ("/", X, Y), TWO)),
    ("x/(y/2)", ("/", X, ("/", Y, TWO))),
    ("abs ( -x )", ("f", "abs", minus(X))),
    ("exp(-x)^2", ("^", ("f", "exp", minus(X)), 2)),
    ("-tanh(x)*atan(erf(log(a_1)))", ("*", ("q", "-1"), ("f", "tanh", X),
     ("f", "atan", ("f", "erf", ("f", "log", ("x", "a_1")))))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "term"), READ)
def test_terms(text, term):
    assert parse_term(text, NAMES, "claim") == term
    assert parse_term(show(term), NAMES, "claim") == term


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("x <= y", ("<=", X, Y)),
        ("x >= y", ("<=", Y, X)),
        ("x == y", ("==", X, Y)),
        ("-1>=-x", ("<=", minus(X), ("q", "-1"))),
    ],
)
def test_relations(text, relation):
    assert parse_relation(text, NAMES, "claim") == relation
    assert parse_relation(show(relation), NAMES, "claim") == relation


TERM, RELATION = "a term such as", "one relation <= < >= > or == between two terms"
OPERAND, OPERATOR, VARIABLES = "a number, a variable", "one of + - * / ^", "the variables x, y"
EXPONENT, PLAIN = "an integer from -64 to 64", "a plain decimal (0.25)"

#: (text, what is quoted back, the column, the beginning of what is accepted); the words are part of the contract
REFUSED: list[tuple[str, str, int | None, str]] = [
    ("", "nothing", 1, TERM),
    # names
    ("x + zeta", "zeta", 5, VARIABLES),
    ("__import__(x)", "__import__", 1, VARIABLES),
    ("x.__class__", ".", 2, "numbers, variables"),
    # numbers
    ("1e5", "1e5", 2, PLAIN),
    ("2x", "2x", 2, PLAIN),
    ("9" * 41, "9" * 41, 1, "a number of at most 40 digits"),
    ("1" + "/3" * 240, "3", 421, "quotients of numbers with at most 100 digits"),
    # characters
    ("x\x00", "x\x00", 2, "printable ASCII"),
    ("|x|", "|", 1, "abs(x) for an absolute value"),
    ("x" * 2001, "x" * 2001, None, "at most 2000 characters"),
    # order
    ("x y", "y", 3, OPERATOR),
    ("x(y)", "(", 2, OPERATOR),
    ("x // y", "/", 4, OPERAND),
    ("x +", "nothing", 4, OPERAND),
    ("sqrt", "sqrt", 1, "sqrt(..), with its one argument"),
    ("sqrt(x, y)", ",", 7, "one argument for each function"),
    ("(x", "(", 1, "a ) for each ("),
    ("x)", ")", 2, "a matching ( before it"),
    # exponents
    ("x^y", "y", 3, EXPONENT),
    ("9**9**9**9", "9**9**9", 4, EXPONENT),
    ("((9^8)^8)^8", "((9^8)^8)^8", 1, "powers of powers"),
    # sizes
    ("1/0", "0", 3, "a denominator other than zero"),
    ("(" * (MAX_NESTING + 1) + "x" + ")" * (MAX_NESTING + 1), "(", MAX_NESTING + 1, "at most 40 nested parentheses"),
    ("x" + "/x" * 120, "x", 2 * MAX_DEPTH + 1, "a term nested at most 100 deep"),
    ("+".join(["x"] * 251), "+".join(["x"] * 251), MAX_TOKENS + 1, f"at most {MAX_TOKENS} numbers"),
    ("(x+y+g+eta+a_1+1)^40", "(x+y+g+eta+a_1+1)^40", 1, "at most 100000 monomials"),
    ("2*(x+1)^64*(x+2)^64*(x+3)^64", "(x+3)^64", 21, "at most 100000 monomials"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "column", "accepted"), REFUSED, ids=range(len(REFUSED)))
def test_refused_terms(text, value, column, accepted):
    with nothing_is_evaluated_or_written(), pytest.raises(BadInput) as caught:
        parse_term(text, NAMES, "hints[2]")
    error = caught.value
    assert (error.field, error.value, error.column) == ("hints[2]", value, column)
    assert accepted in error.accepted
    assert error.message.isprintable() and len(error.message) < 600


NO_RELATION = [
    ("x", "x", 2), ("x + y  ", "x + y  ", 8), ("x <= y <= g", "<=", 8), ("x =< y", "=<", 3), ("", "nothing", 1),
]  # fmt: skip
#: columns are those of the whole relation
NO_SIDE = [
    ("<= y", "<=", 1), ("x <=", "nothing", 5), ("(x <= y)", "(", 1), ("x <= y + z", "z", 10), ("x^2 <= y^g", "g", 10),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "column"), [*NO_RELATION, *NO_SIDE])
def test_refused_relations(text, value, column):
    with pytest.raises(BadInput) as caught:
        parse_relation(text, NAMES, "assume[2]")
    error = caught.value
    assert (error.field, error.value, error.column) == ("assume[2]", value, column)
    assert error.accepted.startswith(RELATION) == ((text, value, column) in NO_RELATION)


# Meaning


def value(term: Term, at: dict[str, Fraction]) -> Fraction:
    """The value of a term without functions; 1/0 = 0, as for certificates."""
    kind = term[0]
    if kind == "q":
        return Fraction(term[1])
    if kind == "x":
        return at[term[1]]
    if kind == "+":
        return sum((value(t, at) for t in term[1:]), Fraction(0))
    if kind == "^":
        return value(term[1], at) ** term[2]
    if kind == "/":
        below = value(term[2], at)
        return value(term[1], at) / below if below else Fraction(0)
    assert kind == "*"
    product = Fraction(1)
    for t in term[1:]:
        product *= value(t, at)
    return product


def random_text(chance: random.Random, depth: int, functions: bool) -> str:
    """A term in the grammar, spaced and parenthesised at random."""
    kind = chance.randrange(10) if depth else 0
    if kind <= 1:
        return chance.choice([*NAMES, "2", "3", "0.5", "12", "1/3", "1"])
    inner = random_text(chance, depth - 1, functions)
    if kind == 2:
        return f"({inner})"
    if kind == 3:
        return f"-{inner}"
    if kind == 4:
        return f"({inner})^{chance.choice(['2', '3', '-1', '(-2)', '1', '0'])}"
    if kind == 5 and functions:
        return f"{chance.choice(FUNCTIONS)}({inner})"
    other = random_text(chance, depth - 1, functions)
    if chance.randrange(3) == 0:
        other = f"({other})"
    return f"{inner} {chance.choice('+-*/')}{' ' * chance.randrange(2)}{other}"


def point(chance: random.Random) -> dict[str, Fraction]:
    return {name: Fraction(chance.randrange(-9, 10), chance.randrange(1, 5)) for name in NAMES}


def test_terms_mean_what_python_makes_of_them():
    """Python's own arithmetic with exact fractions is the judge of precedence and signs."""
    chance, judged, count = random.Random(3), 0, 1200
    for _ in range(count):
        text, at = random_text(chance, 4, functions=False), point(chance)
        try:
            term = parse_term(text, NAMES, "claim")
        except BadInput as error:
            assert error.accepted.startswith(("powers of powers", "a denominator other", "at most 100000"))
            continue
        source = re.sub(r"(?<![\w.^])(?<!\^\(-)([0-9.]+)", r"F('\1')", text).replace("^", "**")
        try:
            expected = eval(source, {"F": Fraction, **at})  # of our own text, on purpose
        except ZeroDivisionError:
            continue
        assert value(term, at) == expected, text
        judged += 1
    assert judged > count * 2 // 3


def random_term(chance: random.Random, depth: int) -> Term:
    """A term of FORMAT.md, also of shapes that the reader never returns."""
    kind = chance.randrange(8) if depth else chance.randrange(2)
    if kind < 2:
        number = ("q", str(Fraction(chance.randrange(-6, 7), chance.randrange(1, 5))))
        return number if kind else ("x", chance.choice(NAMES))
    if kind == 2:
        return ("^", random_term(chance, depth - 1), chance.randrange(4))
    if kind == 3:
        return ("/", random_term(chance, depth - 1), random_term(chance, depth - 1))
    return ("+" if kind % 2 else "*", *(random_term(chance, depth - 1) for _ in range(chance.randrange(1, 4))))


def test_what_is_shown_means_the_same_for_every_term():
    chance, judged, count = random.Random(5), 0, 1000
    for _ in range(count):
        term, at = random_term(chance, 3), point(chance)
        try:
            read = parse_term(show(term), NAMES, "claim")
        except BadInput as error:
            assert error.accepted.startswith(("powers of powers", "a denominator other"))
            continue
        assert value(read, at) == value(term, at), show(term)
        assert parse_term(show(read), NAMES, "claim") == read
        judged += 1
    assert judged > count * 4 // 5


@pytest.mark.parametrize("term", [("pi",), ("norm", ("v", "g")), ("E", X)])
def test_what_cannot_be_shown(term):
    with pytest.raises(ValueError, match="not in the grammar"):
        show(term)


def test_a_side_condition_is_shown():
    assert show(("!=", X, ("q", "0"))) == "x != 0"


# Text that nobody means

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


def readable(parse: Any, text: str) -> bool:
    try:
        read = parse(text, NAMES, "claim")
    except BadInput as error:
        assert error.message.isprintable() and len(error.message) < 600
        assert error.column is None or 1 <= error.column <= len(text) + 1
        return False
    assert parse(show(read), NAMES, "claim") == read
    return True


def test_random_text_is_read_or_refused():
    chance, outcomes = random.Random(11), []
    with nothing_is_evaluated_or_written():
        for _ in range(400):
            text = fuzz_text(chance)
            outcomes.append(sum(readable(parse, text) for parse in (parse_term, parse_relation)))
    assert max(outcomes) == 1  # never both a term and a relation
    assert 80 < sum(outcomes) < 400  # they are not all refused at the first character


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000, "-" * 1999 + "x", "x^" * 999 + "x", "x**" * 600 + "2", "sqrt(" * 40 + "x" + ")" * 40, "1/" * 999 + "1",
        "x/" * 400 + "x", "(x+1)*" * 300 + "1", "((x+1)^8" * 40 + ")" * 40, "9" * 2000, "x<" * 999 + "x", "." * 2000, " " * 2000,
        "-(x+1)^2*" * 90 + "x", "(-" * 40 + "x" + ")" * 40,
    ],
)  # fmt: skip
def test_long_and_deep_text_is_quick(text):
    begun = time.process_time()
    for parse in (parse_term, parse_relation):
        readable(parse, text)
    assert time.process_time() - begun < 0.5
