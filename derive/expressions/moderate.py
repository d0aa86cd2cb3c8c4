"""Whether an expression can be evaluated to many digits at a point: not where a part of it is too large for its digits to be held.

x^(10^9 a) is a formula of a few characters whose value at a rational point, which SymPy computes exactly, would fill the memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import sympy as sp

#: greatest |log| of a value, and greatest exponent of a power, whose digits may be exact
LOGARITHM, EXPONENT = 10**5, 10**4
_GROWING = (sp.exp, sp.sinh, sp.cosh)


class _Large(Exception):
    """A part is too large, or has no value."""


def moderate(expressions: Any, point: Mapping[sp.Basic, Any]) -> bool:
    """Whether no part of the expressions, an iterable, is larger at the point than can be evaluated to many digits.

    Parts are estimated to 15 digits. Of functions other than powers, exponentials, logarithms and hyperbolic ones it is taken that
    they are no larger than their arguments.
    """
    with mpmath.workdps(15):
        try:
            estimates: dict[sp.Basic, Any] = {}
            for e in expressions:
                _estimated(sp.sympify(e), point, estimates)
        except (_Large, ZeroDivisionError, ValueError, OverflowError, TypeError):
            return False
    return True


def _estimated(e: sp.Basic, point: Mapping[sp.Basic, Any], estimates: dict[sp.Basic, Any]) -> Any:
    """The value, or for a function that is not computed here the size of its largest argument."""
    if e not in estimates:
        if e in point or e.is_Rational:
            value = sp.Rational(point.get(e, e))
            size = mpmath.mpf(value.p) / value.q
        else:
            size = _of(e, [_estimated(a, point, estimates) for a in e.args]) if e.args else mpmath.mpf(1)
        if size and abs(mpmath.log(abs(size))) > LOGARITHM:
            raise _Large
        estimates[e] = size
    return estimates[e]


def _of(e: sp.Basic, parts: list[Any]) -> Any:
    if isinstance(e, sp.Add):
        return mpmath.fsum(parts)
    if isinstance(e, sp.Mul):
        return mpmath.fprod(parts)
    if isinstance(e, sp.Pow):
        if abs(parts[1]) > EXPONENT:
            raise _Large
        return parts[0] ** parts[1]
    if isinstance(e, _GROWING):
        if abs(parts[0]) > LOGARITHM:
            raise _Large
        return mpmath.exp(parts[0] if isinstance(e, sp.exp) else abs(parts[0]))
    if isinstance(e, sp.log) and parts[0]:
        return mpmath.log(parts[0])
    return max(abs(part) for part in parts)


def climbs(expr: Any) -> bool:
    """Whether it has a power with letters in the exponent, whose value at a rational point is computed exactly."""
    return any(not power.exp.is_number for power in expr.atoms(sp.Pow))


def rounded(point: Mapping[sp.Basic, Any], digits: int) -> dict[sp.Basic, Any]:
    """A rational point in so many digits: powers of such numbers are not exact, and their integers are not factorised."""
    return {letter: sp.Float(value, digits) for letter, value in point.items()}
