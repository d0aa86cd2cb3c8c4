"""Tidying of terms for print: numbers are folded, 0 and 1 absorbed, fractions of fractions cleared. Proofs are not touched.

A tidied term has the value of the original wherever that is defined. Nothing is proved about it, and no certificate contains one.
"""

from collections.abc import Collection, Iterable
from fractions import Fraction
from math import isqrt

from sdescent.derive.proof.language.terms import Term, num

_ZERO, _ONE = num(0), num(1)
#: function -> its value at 0, which is printed in its place
_AT_ZERO = {"exp": _ONE, "tanh": _ZERO, "atan": _ZERO, "erf": _ZERO, "psi": num(Fraction(1, 2))}
#: operators whose value for 0 is 0
_LINEAR = frozenset({"S", "Si", "C", "I", "EI", "E"})
#: powers of numbers are multiplied out up to this size
_BIG = 10**6


def tidy(t: Term, intact: Collection[Term] = ()) -> Term:
    """The term with its numbers folded; terms in `intact` stay as they are, wherever they occur."""
    if t in intact or t[0] in ("q", "x", "xi", "pi"):
        return t
    if t[0] == "*":
        return _over([tidy(a, intact) for a in _flat(t, intact)], intact)
    if t[0] == "+":
        return _sum([tidy(a, intact) for a in t[1:]])
    if t[0] == "^":
        return _power(tidy(t[1], intact), t[2], intact)
    args = [tidy(a, intact) if isinstance(a, Term) else a for a in t[1:]]
    if t[0] == "/":
        return _fraction(args[0], args[1], intact)
    if t[0] == "f":
        return _function(t[1], args[1])
    if t[0] in _LINEAR and args[0] == _ZERO:
        return _ZERO
    return Term((t[0], *args))


def power_in(exponent: Term) -> tuple[Term, list[Term]] | None:
    """b and the factors of c if `exponent` is c log(b), so that exp(`exponent`) = b^c; None unless exactly one factor is a log."""
    factors = _flat(exponent, ()) if exponent[0] == "*" else [exponent]
    logs = [t for t in factors if t[:2] == ("f", "log")]
    return (logs[0][2], [t for t in factors if t is not logs[0]]) if len(logs) == 1 else None


def _value(t: Term) -> Fraction | None:
    return Fraction(t[1]) if t[0] == "q" else None


def _flat(t: Term, intact: Collection[Term]) -> list[Term]:
    """The factors of a product, including the factors of products inside it."""
    return [f for a in t[1:] for f in (_flat(a, intact) if a[0] == "*" and a not in intact else [a])]


def _coefficient(t: Term, intact: Collection[Term]) -> tuple[Fraction, list[Term]]:
    """The leading number of a tidied term, and its other factors."""
    if (value := _value(t)) is not None:
        return value, []
    if t[0] == "*" and t not in intact:
        first = _value(t[1])
        return (first, list(t[2:])) if first is not None else (Fraction(1), list(t[1:]))
    return Fraction(1), [t]


def _product(factors: Iterable[Term], intact: Collection[Term]) -> Term:
    number, rest = Fraction(1), list[Term]()
    for factor in factors:
        coefficient, others = _coefficient(factor, intact)
        number, rest = number * coefficient, rest + others
    if not number:
        return _ZERO
    if number != 1 or not rest:
        rest = [num(number), *rest]
    return rest[0] if len(rest) == 1 else Term(("*", *rest))


def _over(factors: list[Term], intact: Collection[Term]) -> Term:
    """The product of the factors, as one fraction if some of them are a number over a term."""
    pairs = [_coefficient(f, intact) for f in factors]
    factors = [part for coefficient, others in pairs for part in (num(coefficient), *others)]
    below = [f for f in factors if f[0] == "/" and _value(f[1]) is not None and f not in intact]
    if not below:
        return _product(factors, intact)
    above = [f[1] if f in below else f for f in factors]
    return _fraction(_product(above, intact), _product([f[2] for f in below], intact), intact)


def _sum(terms: list[Term]) -> Term:
    total, rest = sum([v for t in terms if (v := _value(t)) is not None], Fraction(0)), list[Term]()
    for t in terms:
        if _value(t) is None:
            rest.append(t)
        elif total:  # the sum of all numbers goes where the first one stood
            rest.append(num(total))
            total = Fraction(0)
    if not rest:
        return _ZERO
    return rest[0] if len(rest) == 1 else Term(("+", *rest))


def _power(base: Term, n: int, intact: Collection[Term]) -> Term:
    value = _value(base)
    if n == 0:
        return _ONE
    if n == 1:
        return base
    if value is not None and (value or n > 0) and max(abs(value.numerator), value.denominator) ** abs(n) < _BIG:
        return num(value**n)
    if base[0] == "/" and base[1] == _ONE and base not in intact:
        return Term(("/", _ONE, _power(base[2], n, intact)))
    return Term(("^", base, n))


def _fraction(above: Term, below: Term, intact: Collection[Term]) -> Term:
    """One fraction, with an integer in front of its numerator and denominator and no fraction among their factors."""
    number, parts = [Fraction(1), Fraction(1)], (list[Term](), list[Term]())

    def put(t: Term, side: int) -> None:
        coefficient, factors = _coefficient(t, intact)
        number[side] *= coefficient
        for factor in factors:
            if factor[0] == "/" and factor not in intact:
                put(factor[1], side)
                put(factor[2], 1 - side)
            else:
                parts[side].append(factor)

    put(above, 0)
    put(below, 1)
    if not number[1]:
        return Term(("/", above, below))
    whole = number[0] / number[1]
    if not whole:
        return _ZERO
    top = _product([num(abs(whole.numerator)), *parts[0]], intact)
    bottom = _product([num(whole.denominator), *parts[1]], intact)
    if not parts[0] and not parts[1]:
        return num(whole)
    fraction = top if bottom == _ONE else Term(("/", top, bottom))
    return fraction if whole > 0 else _product([num(-1), fraction], intact)


def _function(name: str, at: Term) -> Term:
    value = _value(at)
    if value is not None:
        if value == 0 and name in _AT_ZERO:
            return _AT_ZERO[name]
        if value == 1 and name == "log":
            return _ZERO
        if name == "abs":
            return num(abs(value))
        if name == "sqrt" and value >= 0:
            above, below = isqrt(value.numerator), isqrt(value.denominator)
            if (above * above, below * below) == (value.numerator, value.denominator):
                return num(Fraction(above, below))
    return Term(("f", name, at))
