"""Whether an expression can be evaluated to many digits at a point, or one of its parts is too large for that.

x^(10^9 a) is a formula of a few characters, but at a rational point SymPy's exact value would fill the memory.
"""

from collections.abc import Mapping
from typing import Any

import mpmath
import sympy as sp

#: the largest |log| of a value, and the largest exponent, for exact evaluation
LOGARITHM, EXPONENT = 10**5, 10**4
_GROWING = (sp.exp, sp.sinh, sp.cosh)


class _Large(Exception):
    """A part is too large or has no value."""


def moderate(expressions: Any, point: Mapping[sp.Basic, Any]) -> bool:
    """Whether every part of the expressions (an iterable) is small enough at the point to be evaluated to many digits.

    Parts are estimated to 15 digits. Functions other than powers, exponentials, logarithms and hyperbolic ones are assumed to be no
    larger than their arguments.
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
    """The value; for a function that is not computed here, the size of its largest argument."""
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
    """Whether an expression has a power with letters in the exponent, which SymPy evaluates exactly at a rational point."""
    return any(not power.exp.is_number for power in expr.atoms(sp.Pow))


def rounded(point: Mapping[sp.Basic, Any], digits: int) -> dict[sp.Basic, Any]:
    """The rational point as floats with `digits` digits, whose powers SymPy does not compute exactly."""
    return {letter: sp.Float(value, digits) for letter, value in point.items()}
