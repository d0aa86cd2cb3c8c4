"""Candidates for V, with constants that the change of V determines.

| V | tried if there is | constants |
|---|---|---|
| f - f* | a smooth loss | |
| ||x - x*||^2 | a minimiser, but no memory | |
| f - f* + weight ||x - x*||^2 | a smooth loss and a minimiser, but no memory | weight > 0 is free |
| f - f* + weight ||m||^2 | a memory m | weight: the product <g, m> vanishes |
| scale (f - f*) + ||x - x* + shift m||^2 + weight ||m||^2 | a smooth loss, a minimiser and m | <x - x*, m> and <g, m> vanish; scale
> 0 is free |

For the heavy ball the last candidate is that of Ghadimi, Feyzmahdavian and Johansson (2015): the shifted point x + shift m takes a
step of gradient descent. A product vanishes if its coefficient in the bound on the change of V is 0, which is a linear equation for
the constant.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields

import sympy as sp

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.theorems.bounds.language.formulas import upright, written

LOSS = "f - fstar"
DISTANCE = "||x - xstar||^2"


@dataclass(frozen=True)
class Letters:
    """The letters of a search: three constants in V, the inverse in the shift, Young's constant and the lost share of a decay."""

    weight: sp.Symbol
    shift: sp.Symbol
    scale: sp.Symbol
    gain: sp.Symbol
    kap: sp.Symbol
    eps: sp.Symbol

    @staticmethod
    def besides(taken: Collection[str]) -> Letters:
        """Letters with their own names, numbered if the name is among those `taken`."""

        def fresh(name: str) -> sp.Symbol:
            numbered = (f"{name}{k}" for k in itertools.count(1))
            return sp.Symbol(next(n for n in itertools.chain([name], numbered) if n not in taken))

        return Letters(*[fresh(f.name) for f in fields(Letters)])

    def assumed(self, value: str) -> list[str]:
        """The assumption on the free constant `scale` of a candidate V, if the candidate has it."""
        return [f"{self.scale} > 0"] if value.startswith(f"{self.scale}*") else []


def families(memory: Sequence[str], smooth: bool, minimiser: bool, letters: Letters) -> list[str]:
    """The candidates V for a method with these letters of memory, in the order in which they are tried."""
    loss = [LOSS] if smooth else []
    if not memory:
        both = [f"{LOSS} + {letters.weight}*{DISTANCE}"] if smooth and minimiser else []
        return [*loss, *([DISTANCE] if minimiser else []), *both]
    heavy = [f"{LOSS} + {letters.weight}*||{m}||^2" for m in memory]
    shifted = [
        f"{letters.scale}*({LOSS}) + ||x - xstar + {letters.shift}*{m}||^2 + {letters.weight}*||{m}||^2" for m in memory
    ]
    return [*heavy, *(shifted if smooth and minimiser else []), *loss]


@dataclass(frozen=True)
class Determined:
    """A bound on the change of V, V as text, and the assumptions on the constants in V.

    Args:
        values: the values of constants that are still written as letters.
        with_loss: whether V contains both the loss and the distance.
        weight_of_distance: the weight of ||x - x*||^2 in V relative to f - f*, if V contains both and no memory.
    """

    expression: sp.Expr
    value: str
    conditions: list[str] = field(default_factory=list)
    values: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    with_loss: bool = False
    weight_of_distance: sp.Expr | None = None

    def at(self, e: sp.Expr) -> sp.Expr:
        """An expression with the values substituted one after the other."""
        for constant, value in self.values.items():
            e = e.subs(constant, value)
        return sp.factor(e)


def determined(e: sp.Expr, value: str, fractions: tuple[str, ...], letters: Letters) -> Determined:
    """A candidate V with its constants determined.

    Args:
        e: a bound on the change of V.
        value: V as text.
        fractions: the constants of the method that are below 1.
        letters: the letters of the search.

    Raises:
        ProofError: no single value of a constant makes a product vanish.
    """
    if letters.shift in e.free_symbols:
        return _shifted(e, value, letters)
    if letters.weight not in e.free_symbols:
        return Determined(e, value)
    mixed = _mixed(e)
    if not mixed:
        return Determined(e, value, [f"{letters.weight} > 0"], with_loss=True, weight_of_distance=letters.weight)
    weight = _solution(e, mixed, letters.weight)
    return Determined(
        sp.expand(sp.simplify(e.subs(letters.weight, weight))),
        _put(value, letters.weight, f"({written(weight)})"),
        [f"{written(upright(weight, fractions))} >= 0"],
    )


def _shifted(e: sp.Expr, value: str, letters: Letters) -> Determined:
    """The shifted V, with a letter for the inverse in the shift, such as gain with gain*(1 - beta) == 1."""
    across = _mixed(e, "<x - xstar,")
    above, below = sp.fraction(sp.cancel(_solution(e, across, letters.shift)))
    if below.subs(dict.fromkeys(below.free_symbols, 0)).is_negative:
        above, below = -above, -below
    gain = letters.gain if below.free_symbols else 1 / below
    e = sp.expand(e.subs(letters.shift, above * gain))
    if below.free_symbols:
        e = _reduced(e, below, gain)
    mixed = _mixed(e)
    weight = _solution(e.subs(gain, 1 / below) if below.free_symbols else e, mixed, letters.weight)
    right = sp.expand(weight)
    if below.free_symbols:
        right = sp.apart(sp.together(right), min(below.free_symbols, key=str))
        right = sp.expand(right.replace(lambda t: t.is_Pow and t.exp.is_negative, lambda t: _in_gain(t, below, gain)))
    left = sp.denom(sp.together(right))
    defined = [f"{gain}*({written(below)}) == 1", f"{gain} > 0"] if below.free_symbols else []
    return Determined(
        sp.expand(e.subs(dict.fromkeys([*mixed, *across], 0))),
        _put(value, letters.shift, written(above * gain)).replace("+ -", "- "),
        [
            *defined,
            f"{_times(left, letters.weight)} == {written(sp.expand(sp.cancel(right * left)))}",
            f"{letters.weight} >= 0",
        ],
        {letters.weight: weight, **({letters.gain: 1 / below} if below.free_symbols else {})},
        with_loss=True,
    )


def _times(c: sp.Expr, letter: sp.Symbol) -> str:
    return str(letter) if c == 1 else f"{written(c)}*{letter}" if not c.is_Add else f"({written(c)})*{letter}"


def _put(value: str, letter: sp.Symbol, text: str) -> str:
    return re.sub(rf"\b{letter}\b", lambda _: text, value)


def _in_gain(power: sp.Expr, below: sp.Expr, gain: sp.Expr) -> sp.Expr:
    """1/p^n with gain in place of 1/below if p is a constant multiple of `below`, else unchanged."""
    ratio = sp.cancel(power.base / below)
    return (gain / ratio) ** -power.exp if ratio.is_number else power


def _reduced(e: sp.Expr, below: sp.Expr, gain: sp.Expr) -> sp.Expr:
    """An expression reduced by gain*below = 1."""
    above, denominator = sp.fraction(sp.together(e))
    _, rest = sp.reduced(above, [gain * below - 1], min(below.free_symbols, key=str), gain, order="lex")
    return sp.expand(rest / denominator)


def falls(e: sp.Expr) -> bool:
    """Whether an expression is a negative number times powers of letters, which are positive."""
    factors = sp.Mul.make_args(sp.factor(e))
    letters = [f.base if f.is_Pow else f for f in factors]
    number = sp.Mul(*[f for f in factors if f.is_number])
    return bool(number.is_negative and all(f.is_Symbol or f.is_number for f in letters))


def _mixed(e: sp.Expr, begins: str = "<g,") -> list[sp.Symbol]:
    """The products whose names begin with `begins`, except <g, x - xstar>."""
    return sorted((s for s in e.free_symbols if s.name.startswith(begins) and s.name != "<g, x - xstar>"), key=str)


def _solution(e: sp.Expr, mixed: Sequence[sp.Symbol], constant: sp.Symbol) -> sp.Expr:
    """The value of a constant for which the only product of vectors vanishes from the bound."""
    if len(mixed) != 1:
        raise ProofError(f"the {constant} in V is not determined by one product of vectors")
    solutions = sp.solve(sp.expand(e).coeff(mixed[0]), constant)
    if len(solutions) != 1:
        raise ProofError(f"no single {constant} in V makes the product {mixed[0]} vanish")
    return sp.factor(solutions[0])
