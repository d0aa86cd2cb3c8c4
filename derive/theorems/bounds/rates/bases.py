"""The parts of a potential V for a method with memory: the part with the weight 1, what falls with it, and what else may be in V.

The point x + c m, whose mean move is a multiple of gradients alone, takes the place of x where the memory m moves x: it is the
point whose distance falls in the analysis of momentum (Ghadimi, Feyzmahdavian and Johansson 2015), and whose loss falls in that of
error feedback (Stich and Karimireddy 2020).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.theorems.bounds.language.formulas import symbolic, written
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry import client_vectors, linear_step
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import u

LOSS = "(f - fstar)"


@dataclass(frozen=True)
class Base:
    """The part of V with the weight 1.

    Args:
        text: the part.
        unit: what falls: "V", "f - f*" or "G^2".
        decay: its factor for gradient descent.
        more: the other parts.
    """

    text: str
    unit: str
    decay: sp.Expr
    more: tuple[str, ...]


def with_potential(base: Mapping[str, Any], value: str) -> Stated:
    return Stated({**base, "V": value, "claim": "change <= 0"}, interpolate=True)


def _read(base: Mapping[str, Any], parts: Sequence[str]) -> list[str]:
    """The parts that mean something for this method."""
    read = []
    for part in dict.fromkeys(parts):
        try:
            with_potential(base, part)
        except (ProofError, Refusal, BadInput):
            continue
        read.append(part)
    return read


def bases(base: Mapping[str, Any], stated: Stated) -> Iterator[Base]:
    """What may have the weight 1, with all other parts of V."""
    named, rule = stated.hypotheses.classes, stated.method.rule
    step = linear_step.one_step(stated.method, stated.any_noise, stated.hypotheses.differing, "mean smooth" in named)
    shift, before = _shift(step, stated), _before(step, stated)
    place, length = shift or ("", sp.Symbol("eta"))
    strong = next((symbolic(named[k][0]) for k in ("strongly convex", "pl") if k in named), None)
    squares = []
    for m, _ in rule.memory:
        gradient = "gi" if m in rule.of_clients and stated.hypotheses.differing else "g"
        squares += [f"||{m}||^2", f"||{m} - {gradient}||^2"]
        squares += [f"||gi(x + {m}) - gi(xstar)||^2"] if "convex clients" in named else []
    squares, smooth = _read(base, squares), stated.hypotheses.smoothness is not None
    places = [place] if place else []
    if smooth:
        for text in _read(base, [LOSS, *(f"(f(x {place}) - fstar)" for place in places)]):
            unit = ("G^2", length / 2) if strong is None else ("V", length * strong)
            yield Base(text[1:-1], *unit, tuple(squares))
    if stated.hypotheses.minimiser and shift is not None:
        values = _read(base, [LOSS, *(f"(f(x {place}) - fstar)" for place in before)]) if smooth else []
        unit = ("f - f*", 2 * length) if strong is None else ("V", length * strong)
        yield Base("||" + " ".join(["x - xstar", *places]) + "||^2", *unit, (*values, *squares))


def _letters(step: linear_step.Step) -> dict[str, sp.Symbol]:
    """The letters of the memory that all clients share, each with a symbol for its factor."""
    return {m: sp.Dummy(m) for m in step.memory if not client_vectors.is_deviation(m)}


def _shift(step: linear_step.Step, stated: Stated) -> tuple[str, sp.Expr] | None:
    """The shift of x for which the memory drops out of the mean move, and the length of this step; None if there is no single one."""
    factors = _letters(step)
    moves = [(sp.S.One, step.move), *((c, step.change(m)) for m, c in factors.items())]
    move = {v: sp.expand(step.averaged(c)) for v, c in linear_step.weighted_sum(moves).items()}
    solved = _solved([move.get(m, sp.S.Zero) for m in factors], factors)
    if solved is None:
        return None
    gradients = [c for v, c in move.items() if v in (linear_step.MEAN, linear_step.RAW) or v[0] == "mean"]
    length = sp.factor(-sp.Add(*gradients).subs(solved))
    return None if length == 0 else (_text(solved, factors, stated), plain(length, stated))


def _before(step: linear_step.Step, stated: Stated) -> list[str]:
    """The shift of x to the state before the last step, if the memory determines it: x' + c m' = x."""
    factors = _letters(step)
    total = linear_step.weighted_sum([(sp.S.One, step.move), *((c, step.memory[m]) for m, c in factors.items())])
    solved = _solved([sp.expand(c) for c in total.values()], factors)
    return [] if solved is None else [_text(solved, factors, stated)]


def _solved(equations: Sequence[sp.Expr], factors: Mapping[str, sp.Symbol]) -> dict[sp.Symbol, sp.Expr] | None:
    solutions = sp.solve(list(equations), list(factors.values()), dict=True)
    one = solutions[0] if len(solutions) == 1 else {}
    plain = all(one.get(c, c).free_symbols.isdisjoint(factors.values()) for c in factors.values())
    return {c: sp.factor(v) for c, v in one.items()} if plain else None


def plain(e: sp.Expr, stated: Stated) -> sp.Expr:
    """An expression in the letters of a file, with a constant step size, and 1 - beta in place of beta - 1."""
    e = e.subs({u: 1})
    e = sp.factor(e.subs({s: sp.Symbol(s.name) for s in e.free_symbols}))
    below = {*stated.method.fractions, *(t.removesuffix(" < 1") for t in stated.inequalities)}
    sample = {s: sp.Rational(1, 2) if s.name in below else sp.S.One for s in e.free_symbols}
    pairs = [f.as_base_exp() for f in sp.Mul.make_args(e)]
    turned = [(b, n) for b, n in pairs if b.is_Add and n.is_Integer and b.subs(sample).is_negative]
    return sp.Mul(*[b**n for b, n in pairs if (b, n) not in turned], *[(-1) ** n * (-b) ** n for b, n in turned])


def _text(solved: Mapping[sp.Symbol, sp.Expr], factors: Mapping[str, sp.Symbol], stated: Stated) -> str:
    """The sum of the letters with these factors, with a sign in front of each, as in a file."""
    pieces = []
    for m, c in factors.items():
        factor, letter = plain(solved[c], stated), m.removesuffix(client_vectors.mean_of(""))
        if factor != 0:
            sign, factor = ("-", -factor) if factor.could_extract_minus_sign() else ("+", factor)
            pieces.append(f"{sign} {times(factor, letter if letter == m else f'mean({letter})')}")
    return " ".join(pieces)


def times(factor: sp.Expr, word: str) -> str:
    return word if factor == 1 else f"{factor if factor.is_Symbol else f'({written(factor)})'}*{word}"
