"""Terms as they are printed: tidied terms have the value of the terms, and read as one would write them."""

import random
import re
from fractions import Fraction
from itertools import product

import pytest

from sdescent.derive.proof.language.terms import Relation, Term, fn, num, term, under, x, xs
from sdescent.derive.proof.language.text import TermWriter, latex_name
from sdescent.derive.proof.language.tidy import tidy
from sdescent.derive.proof.refute.exact import NoValue, Values
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Refutation, Theorem
from tests.support.samples import mostly_slow

a, b, c = xs("a b c")
POINT = {"a": Fraction(3, 7), "b": Fraction(-5, 2), "c": Fraction(11, 3)}
NUMBERS = [num(v) for v in (0, 1, -1, 2, -3)] + [num("1/2"), num("-3/4")]


def some(draw: random.Random, depth: int) -> Term:
    """A term over a, b, c with many numbers in it."""
    if depth == 0 or draw.random() < 0.15:
        return draw.choice([a, b, c, *NUMBERS, *NUMBERS])
    kind = draw.choice(["+", "+", "*", "*", "*", "/", "/", "^", "abs"])
    if kind in ("+", "*"):
        return Term((kind, *[some(draw, depth - 1) for _ in range(draw.randint(2, 4))]))
    if kind == "^":
        return some(draw, depth - 1) ** draw.randint(0, 3)
    if kind == "abs":
        return fn("abs", some(draw, depth - 1))
    return some(draw, depth - 1) / some(draw, depth - 1)


def value(t: Term):
    return Values(POINT).value(t)


@pytest.mark.parametrize("seed", mostly_slow(range(8), 4))
def test_the_value_stays(seed: int) -> None:
    draw, seen, changed = random.Random(seed), 0, 0
    for _ in range(150):
        t = some(draw, 5)
        shown = tidy(t)
        try:
            before = value(t)
        except (NoValue, ZeroDivisionError):
            continue
        assert value(shown) == before, t
        assert tidy(shown) == shown, t
        seen, changed = seen + 1, changed + (shown != t)
    assert seen > 30 and changed > 20


def held(t: Term, kept: Term) -> int:
    """How often a term stands in another."""
    return (t == kept) + sum(held(inner, kept) for inner in t[1:] if isinstance(inner, Term))


@pytest.mark.parametrize("seed", range(10))
def test_what_is_kept_stays_whole(seed: int) -> None:
    draw = random.Random(1000 + seed)
    for kept in (2 * (b / 2) + 0 * c, 2 * (b * 1), (1 / b) / 2, (2 * b) ** 1):
        for t in (
            kept,
            kept + a,
            a * kept * 2,
            kept / a / 2,
            a / (2 * kept),
            2 * a / kept,
            -kept,
            kept**2,
            fn("exp", -kept),
        ):
            assert held(tidy(t, {kept}), kept) == 1, t
        for _ in range(30):
            t = some(draw, 3) + x("once") * kept
            assert held(tidy(t, {kept}), kept) == 1, t


@pytest.mark.parametrize(
    ("t", "said"),
    [
        (b * 0 + 1**2 * a, "a"),
        (a - 0, "a"),
        (num(1) - 1, "0"),
        (-(num(-4) * a / b), r"\frac{4\,a}{b}"),
        (a + num("-1/2") * b, r"a-\frac{b}{2}"),
        (num(-2) * a * b, r"-2\,a\,b"),
        (a * 2, r"2\,a"),
        (-(a + b), r"-\left(a + b\right)"),
        (a / b / 2, r"\frac{a}{2\,b}"),
        ((num("1/2") * a) / b**2, r"\frac{a}{2\,b^{2}}"),
        (a / (b / c), r"\frac{a\,c}{b}"),
        (2 * a * (1 / b) * c, r"\frac{2\,a\,c}{b}"),
        (a * (1 / (1 + b)) ** 2, r"\frac{a}{\left(1 + b\right)^{2}}"),
        (a / 4, r"\frac{a}{4}"),
        (a - b / 4, r"a-\frac{b}{4}"),
        (((a / 3) ** 0) * b, "b"),
        (fn("exp", num(-2) * a), r"e^{-2\,a}"),
        (fn("exp", -term(0)) - fn("sqrt", num(1)), "0"),
        (fn("sqrt", num("4/9")), r"\frac{2}{3}"),
        (fn("sqrt", num(3)) / (3 + num(1) ** 2), r"\frac{\sqrt{3}}{4}"),
        (under("S", num(0)) + a, "a"),
        (under("S", num(1)), r"\sum_j 1"),
        (a / (b - b), r"\frac{a}{b-b}"),
        (a / num(0), r"\frac{a}{0}"),
        (num(10) ** 9, "10^{9}"),
        (num(2) * a * (num(-1) * (a * b)), r"-2\,a^{2}\,b"),
        (num(-1) + a / b + c, r"\frac{a}{b}-1 + c"),
        (fn("abs", a + b) ** 2, r"\left|a + b\right|^{2}"),
        (a / b**2 * a / b, r"\frac{a^{2}}{b^{3}}"),
    ],
    ids=str,
)  # fmt: skip
def test_how_it_is_written(t: Term, said: str) -> None:
    assert TermWriter().term(t) == said


def test_two_numbers_do_not_run_together() -> None:
    assert TermWriter({"p": "2^{k}"}).term(2 * x("p")) == r"2\cdot 2^{k}"


def test_letters_for_whole_terms() -> None:
    mean = a * 1 + 0
    assert TermWriter(short={mean: "m"}).term(2 * mean * b) == r"2\,m\,b"


def test_combinations() -> None:
    writer = TermWriter()
    assert writer.combination([(-a, "v"), (num(1), "w"), (-term(1), "z")]) == r"-a\,v + w-z"
    assert writer.combination([(a + b, "v")]) == r"\left(a + b\right)\,v"
    assert writer.combination([(a * num(1) ** 2 / b, "S")]) == r"\frac{a}{b}\,S"


def relations(entry: Theorem | Refutation) -> list[Relation]:
    if isinstance(entry, Refutation):
        return [*entry.assume.values(), entry.claim]
    return [*entry.assumptions.values(), *entry.definitions.values()]


def test_no_entry_prints_a_number_that_says_nothing() -> None:
    empty = re.compile(r"(?<!_)\b[01]\^|\^\{0\}|sqrt\{1\}|(?<![_\d{])0\\,|left\(-1\\right|-0(?!\d)|- ?-")
    for entry in entries().values():
        writer = TermWriter(entry.names, getattr(entry, "short", {}))
        for shown in map(writer.relation, relations(entry)):
            assert not empty.search(shown), (entry.id, shown)


def test_no_two_names_look_alike():
    """x1 and x_1 are two variables, and so are all other names of up to five of these characters."""
    assert (latex_name("x1"), latex_name("x_1"), latex_name("x_a")) == ("x_{1}", r"\mathit{x\_1}", "x_{a}")
    assert TermWriter().relation(x("x1").le(x("x_1"))) == r"x_{1} \le \mathit{x\_1}"
    shape = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
    drawn = ("".join(parts) for n in range(1, 6) for parts in product("xm1_u2", repeat=n))
    names = [name for name in drawn if shape.fullmatch(name)]
    assert len(names) > 2000 and len({latex_name(name) for name in names}) == len(names)
