"""Where two entries may differ that agree at random points: beside a kink, near the minimum, far from it, at other constants."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import mpmath
import sympy as sp

from derive.equations.kinks import near_kinks
from derive.expressions.vanishing import nonzero_at

#: functions that have cases, or differ from another function by less than all digits over most of their range
_HIDE = (sp.Max, sp.Min, sp.Abs, sp.sign, sp.Piecewise, sp.exp, sp.tanh, sp.erf, sp.atan)
#: factors of the state, draws of the constants for each, and points beside kinks that are tried at most
_SCALES, DRAWS, MOST = (sp.Rational(1, 10**4), sp.Rational(1, 100), sp.Integer(100)), 2, 64


def differs_elsewhere(e: sp.Expr) -> bool:
    """Whether an expression in real symbols, which vanishes at points of size 1, does not vanish at another one.

    True is certain. False is not, as in `derive.expressions.vanishing`.
    """
    return e.has(*_HIDE) and any(nonzero_at(e, point) for point in _points(e))


def _points(e: sp.Expr) -> Iterator[dict[sp.Basic, sp.Expr]]:
    draw = random.Random(20250600181)
    symbols = sorted(e.free_symbols, key=str)
    constants = [s for s in symbols if s.is_nonnegative]
    state: list[Any] = [s for s in symbols if not s.is_nonnegative]
    for _ in range(DRAWS):
        for scale in _SCALES:
            yield {s: _size(draw) for s in constants} | {s: scale * _size(draw) * draw.choice((-1, 1)) for s in state}
            yield {s: scale * _size(draw) for s in constants} | {s: _size(draw) * draw.choice((-1, 1)) for s in state}
    beside = near_kinks([e], state, constants)  # pyright: ignore[reportArgumentType]
    seen = 0
    for _ in range(DRAWS):
        at = [_size(draw) for _ in constants]
        for found in beside([mpmath.mpf(v.p) / v.q for v in at], draw):
            if (seen := seen + 1) > MOST:
                return
            yield dict(zip(constants, at, strict=True)) | {s: sp.Rational(str(v)) for s, v in zip(state, found, strict=True)}


def _size(draw: random.Random) -> sp.Rational:
    return sp.Rational(draw.randint(997, 2991), 997)
