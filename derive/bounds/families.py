"""The functions V that a search tries, with constants that the change of V determines.

| V | tried | determined |
|---|---|---|
| f - f* | of smooth losses | |
| ||x - x*||^2 | with a minimiser, without memory | |
| f - f* + weight ||x - x*||^2 | both | weight is free, > 0 |
| f - f* + weight ||m||^2 | with a memory m | weight: the product <g, m> goes |
| scale (f - f*) + ||x - x* + shift m||^2 + weight ||m||^2 | all three | shift: <x - x*, m> goes; weight: <g, m> goes; scale > 0 |

The last one is, for the heavy ball, that of Ghadimi, Feyzmahdavian and Johansson (2015): the shifted point x + shift m takes a
step of gradient descent. A product goes where its coefficient in the bound on the change of V is 0, an equation that is linear in
the constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from derive.bounds.formulas import upright, written
from derive.proof.language.context import ProofError

WEIGHT, SHIFT, SCALE, GAIN = sp.symbols("weight shift scale gain")
LOSS = "f - fstar"
DISTANCE = "||x - xstar||^2"


#: of constants that are free: what is assumed of them
FREE = {"scale": "scale > 0"}


def assumed(value: str) -> list[str]:
    """What is assumed of the free constants of a V of the table."""
    return [text for letter, text in FREE.items() if value.startswith(f"{letter}*")]


def families(memory: Sequence[str], smooth: bool, minimiser: bool) -> list[str]:
    """The functions V for a method with these memory letters, in the order in which they are tried."""
    loss = [LOSS] if smooth else []
    if not memory:
        return [*loss, *([DISTANCE] if minimiser else []), *([f"{LOSS} + weight*{DISTANCE}"] if smooth and minimiser else [])]
    heavy = [f"{LOSS} + weight*||{m}||^2" for m in memory]
    shifted = [f"scale*({LOSS}) + ||x - xstar + shift*{m}||^2 + weight*||{m}||^2" for m in memory]
    return [*heavy, *(shifted if smooth and minimiser else []), *loss]


@dataclass(frozen=True)
class Determined:
    """A bound on the change of V, V as text, and what is assumed of the constants in it.

    Args:
        values: what the constants that stay letters are equal to.
        with_loss: whether V holds the loss and the distance.
        weight_of_distance: the weight of ||x - x*||^2 in V over that of f - f*, where both are in it and there is no memory.
    """

    expression: sp.Expr
    value: str
    conditions: list[str] = field(default_factory=list)
    values: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    with_loss: bool = False
    weight_of_distance: sp.Expr | None = None

    def at(self, e: sp.Expr) -> sp.Expr:
        """An expression with the values of these constants, one after the other."""
        for constant, value in self.values.items():
            e = e.subs(constant, value)
        return sp.factor(e)


def determined(e: sp.Expr, value: str, fractions: tuple[str, ...]) -> Determined:
    """The constants of a function of the table.

    Args:
        e: a bound on its change.
        fractions: constants of the method that are below 1.

    Raises:
        ProofError: no constant makes a product go.
    """
    if SHIFT in e.free_symbols:
        return _shifted(e, value)
    if WEIGHT not in e.free_symbols:
        return Determined(e, value)
    if not _mixed(e, "<g,", besides="<g, x - xstar>"):
        return Determined(e, value, ["weight > 0"], with_loss=True, weight_of_distance=WEIGHT)
    weight = _without(e, "<g,", WEIGHT)
    return Determined(
        sp.expand(sp.simplify(e.subs(WEIGHT, weight))),
        value.replace("weight", f"({written(weight)})"),
        [f"{written(upright(weight, fractions))} >= 0"],
    )


def _shifted(e: sp.Expr, value: str) -> Determined:
    """The inverse of the shift's denominator gets a letter: the search finds its way with an equation gain*(1 - beta) == 1."""
    shift = _without(e, "<x - xstar,", SHIFT)
    above, below = sp.fraction(sp.cancel(shift))
    if below.subs(dict.fromkeys(below.free_symbols, 0)).is_negative:
        above, below = -above, -below
    e = _reduced(sp.expand(e.subs(SHIFT, above * GAIN)), below)
    mixed = _mixed(e, "<g,", besides="<g, x - xstar>")
    if len(mixed) != 1:
        raise ProofError("the weight in V is not determined by one product of vectors")
    unit = {GAIN: 1 / below}
    coefficient = sp.factor(e.coeff(mixed[0]).subs(unit))
    coefficient = sp.Mul(*[f for f in sp.Mul.make_args(coefficient) if not f.is_Symbol])
    slope, rest = sp.cancel(sp.diff(coefficient, WEIGHT)), sp.cancel(coefficient.subs(WEIGHT, 0))
    if slope == 0:
        raise ProofError(f"no weight in V makes the product {mixed[0]} go")
    left, right = (slope, -rest) if not slope.could_extract_minus_sign() else (-slope, rest)
    if below.free_symbols:
        right = sp.apart(right, min(below.free_symbols, key=str))
        right = sp.expand(right.replace(lambda t: t.is_Pow and t.exp.is_negative, lambda t: _in_gain(t, below)))
    across = _mixed(e, "<x - xstar,")
    return Determined(
        sp.expand(e.subs(dict.fromkeys([*mixed, *across], 0))),
        value.replace("shift", written(above * GAIN)),
        [f"gain*({written(below)}) == 1", "gain > 0", f"{written(left)}*weight == {written(right)}", "weight >= 0"],
        {WEIGHT: -rest / slope, **unit},
        with_loss=True,
    )


def _in_gain(power: sp.Expr, below: sp.Expr) -> sp.Expr:
    """1/p^n with gain in place of 1/below, where p is a multiple of that; else as it is."""
    ratio = sp.cancel(power.base / below)
    return (GAIN / ratio) ** -power.exp if ratio.is_number else power


def _reduced(e: sp.Expr, below: sp.Expr) -> sp.Expr:
    """With gain*below = 1 used up."""
    if not below.free_symbols:
        return e.subs(GAIN, 1 / below)
    letter = min(below.free_symbols, key=str)
    above, denominator = sp.fraction(sp.together(e))
    _, rest = sp.reduced(above, [GAIN * below - 1], letter, GAIN, order="lex")
    return sp.expand(rest / denominator)


def falls(e: sp.Expr) -> bool:
    """Whether an expression is minus a product of numbers and letters, which are > 0."""
    factors = sp.Mul.make_args(sp.factor(e))
    letters = [f.base if f.is_Pow else f for f in factors]
    return bool(all(f.is_Symbol or f.is_number for f in letters) and sp.Mul(*[f for f in factors if f.is_number]).is_negative)


def _mixed(e: sp.Expr, begins: str, besides: str = "") -> list[sp.Symbol]:
    return sorted((s for s in e.free_symbols if s.name.startswith(begins) and s.name != besides), key=str)


def _without(e: sp.Expr, begins: str, constant: sp.Symbol, besides: str = "") -> sp.Expr:
    """The value of a constant for which the one product of vectors that begins so goes."""
    mixed = _mixed(e, begins, besides)
    if len(mixed) != 1:
        raise ProofError(f"the {constant} in V is not determined by one product of vectors")
    solutions = sp.solve(sp.expand(e).coeff(mixed[0]), constant)
    if len(solutions) != 1:
        raise ProofError(f"no {constant} in V makes the product {mixed[0]} go")
    return sp.factor(solutions[0])
