"""Green-Kubo sums over arcsines, sum_{l >= 1} arcsin(r q^(l-1)), as numbers (`derive.equations.averaged`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from derive.methods.specialise import exactly
from numerics.lowering.tape import LoweringError

#: most terms that are added one by one; |q| <= 1 - 1e-7 needs no more
MOST_TERMS = 10**7
#: relative size of the terms of the series of the rest that are left out
LAST = 1e-18


def without_sums(expressions: Mapping[Any, sp.Expr]) -> tuple[dict[Any, sp.Expr], dict[sp.Symbol, sp.Sum]]:
    """The expressions with a symbol in place of each infinite sum, and the sums."""
    found = sorted({s for e in expressions.values() for s in e.atoms(sp.Sum)}, key=str)
    names = {s: sp.Symbol(f"Green-Kubo sum {n}", real=True) for n, s in enumerate(found, 1)}
    return {key: e.xreplace(names) for key, e in expressions.items()}, {name: s for s, name in names.items()}


def value(of: sp.Sum, parameters: Mapping[str, Any]) -> tuple[float, float]:
    """A sum over l >= 1 of arcsin(r_l), r_l geometric, at these parameters, and a bound on its error.

    Raises:
        LoweringError: another sum; one that does not converge at these numbers.
    """
    lag, *limits = of.limits[0]
    if len(of.limits) != 1 or limits != [1, sp.oo] or not isinstance(of.function, sp.asin):
        raise LoweringError(f"cannot lower {of}: only sums of arcsines over all lags have a number here")
    put = {s: exactly(parameters[s.name]) for s in of.free_symbols if s.name in parameters}
    at = of.function.args[0].xreplace(put)
    first, second, third = (sp.N(at.xreplace({lag: sp.Integer(n)}), 40) for n in (1, 2, 3))
    if first == 0:
        return 0.0, 0.0
    q = second / first
    if abs(third - second * q) > sp.Float("1e-30") * abs(first):
        raise LoweringError(f"cannot lower {of}: its arguments are not a geometric sequence")
    if abs(first) > 1 or abs(q) >= 1:
        raise LoweringError(f"cannot lower {of}: it does not converge where the correlations are {first:.6g} {q:.6g}^(l-1)")
    return arcsines(float(first), float(q))


def arcsines(r: float, q: float) -> tuple[float, float]:
    """sum_{l >= 0} arcsin(r q^l) for |r| <= 1, |q| < 1, and a bound on the error.

    Terms with |r q^l| > 1/2 are added one by one; the rest is sum_k c_k x^(2k+1)/(1 - q^(2k+1)), arcsin y = sum_k c_k y^(2k+1),
    from the first x with |x| <= 1/2 on. Leaving out k >= n costs at most c_n |x|^(2n+1)/((1 - x^2) (1 - |q|)).
    """
    count = 0 if abs(r) <= 0.5 else 1 if q == 0 else math.ceil(math.log(0.5 / abs(r)) / math.log(abs(q)))
    if count > MOST_TERMS:
        raise LoweringError(f"a sum of more than {MOST_TERMS} terms, one for each step that the memory remembers: q = {q}")
    own = np.arcsin(np.clip(r * float(q) ** np.arange(count), -1, 1))
    x, total, n, c = r * q**count, [*own.tolist()], 0, 1.0
    while True:
        rest = c * abs(x) ** (2 * n + 1) / ((1 - x * x) * (1 - abs(q)))
        if rest <= LAST * abs(r):
            break
        total.append(c * x ** (2 * n + 1) / _complement(q, 2 * n + 1))
        c *= (2 * n + 1) ** 2 / ((2 * n + 2) * (2 * n + 3))
        n += 1
    found = math.fsum(total)
    # q is known up to an ulp, which counts l times in q^l; an arcsine near 1 is known up to the root of one
    rounding = 4 * np.finfo(float).eps * (abs(found) + abs(r) / (1 - abs(q)) ** 2)
    edge = math.sqrt(4 * np.finfo(float).eps) if 1 - abs(r) < 1e-8 else 0.0
    return found, float(rest + rounding + edge)


def _complement(q: float, k: int) -> float:
    """1 - q^k for odd k, with all its digits where q is near 1."""
    return -math.expm1(k * math.log1p(q - 1)) if q > 0.5 else 1 - q**k
