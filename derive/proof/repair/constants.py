"""Repairs that change one number: in the claim or an assumption, added on the right side, or as a factor of the right side.

In most claims r - l is A + B c or A + B/c as a function of a numeral c. Each point then allows c on one side of a bound, and all
points together allow an interval: if the claim fails for c, it fails for all numbers from the old value to c.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from sdescent.derive.proof.language.terms import Relation, Term, num, x
from sdescent.derive.proof.language.text import said
from sdescent.derive.proof.repair import candidates
from sdescent.derive.proof.repair.candidates import FLAT, NOISE, SMALL, Family, Points, Single, Table, column, failing
from sdescent.derive.proof.search.mediants import DENOMINATOR, at_least, next_above

#: stands for the numeral; no variable of a claim has this name
HOLE = x("#")
MOST_NUMERALS = 12
LARGEST = 1000
CLOSE = 1e-4
#: steps of the bisection for a numeral inside a function or a power
HALVINGS = 40
_AFFINE, _INVERSE, _OTHER = "affine", "inverse", "other"
#: (sign of the parameter, points) -> the thresholds of the points
Bounds = Callable[[int, Table], Any]


@dataclass(frozen=True)
class Numeral:
    """A number in a relation or term: its value, and the relation or term as a function of it, whose kind `shape` gives."""

    value: Fraction
    put: Callable[[Term | None, Fraction], Any]
    shape: str
    #: whether the numeral is a summand of a side, which may change its sign
    summand: bool
    #: whether it is a coefficient, whose sign is part of the sum around it
    signed: bool

    def at(self, c: Fraction) -> Relation:
        """The relation with the number c."""
        return self.put(None, c)

    def printed(self, c: Fraction) -> str:
        """A value as printed in the numeral's place."""
        return str(abs(c)) if self.signed and self.value < 0 and c < 0 else str(c)


def numerals(relation: Relation) -> list[Numeral]:
    """The numbers of a relation, except exponents and the -1 of a minus sign."""
    numbers: list[Numeral] = []
    for side in (1, 2):
        for n in _places(relation[side], (), _AFFINE):

            def whole(hole: Term | None, c: Fraction, side: int = side, put: Any = n.put) -> Relation:
                return Relation((*relation[:side], put(hole, c), *relation[side + 1 :]))

            numbers.append(replace(n, put=whole))
    return numbers[:MOST_NUMERALS]


def _places(t: Term, above: tuple[str, ...], shape: str) -> Iterator[Numeral]:
    """The numerals in a term."""
    head = t[0]
    if head == "q":
        summand = all(h == "+" for h in above)
        if Fraction(t[1]) != 0 or not above:
            signed = bool(above) and above[-1] in "+*"
            yield Numeral(Fraction(t[1]), lambda hole, c: num(c) if hole is None else hole, shape, summand, signed)
    elif head == "/" and t[2][0] == "q":
        # 2*x/3 is x with the coefficient 2/3
        over, top = t[1], Fraction(1)
        if over[0] == "*" and over[1][0] == "q" and over[1] != ("q", "-1"):
            over, top = _plain(over, 1, num(1)), Fraction(over[1][1])
        value = top / Fraction(t[2][1])
        yield Numeral(value, lambda hole, c: _scaled(over, c) if hole is None else hole * over, shape, False, False)
        if over is t[1]:
            yield from _inside(t, (1,), above, shape)
    elif head == "/":
        yield from _inside(t, (1,), above, shape)
        yield from _inside(t, (2,), above, _INVERSE if shape == _AFFINE else _OTHER)
    elif head in ("+", "*"):
        below = _OTHER if head == "+" and shape == _INVERSE else shape
        minus = head == "*" and t[1] == ("q", "-1")
        yield from _inside(t, range(2 if minus else 1, len(t)), above, below)
    elif head in ("^", "f"):
        yield from _inside(t, (1,) if head == "^" else (2,), above, _OTHER)


def _inside(t: Term, places: Any, above: tuple[str, ...], shape: str) -> Iterator[Numeral]:
    for at in places:
        for n in _places(t[at], (*above, t[0]), shape):
            yield replace(n, put=lambda hole, c, at=at, put=n.put: _plain(t, at, put(hole, c)))


def _plain(t: Term, n: int, new: Term) -> Term:
    """The term with its n-th part replaced; a factor 1 or a summand 0 is left out."""
    rest = (*t[1:n], *t[n + 1 :])
    if (t[0], new) in (("*", ("q", "1")), ("+", ("q", "0"))):
        return rest[0] if len(rest) == 1 else Term((t[0], *rest))
    return Term((*t[:n], new, *t[n + 1 :]))


def _scaled(t: Term, c: Fraction) -> Term:
    """The product c t as a person writes it: t/2, 2*t/3."""
    above = t if c.numerator == 1 else num(c.numerator) * t
    return above if c.denominator == 1 else above / c.denominator


def constants(points: Points) -> list[Family] | list[Single]:
    """Families for an inequality, or single numbers for an identity."""
    claim = points.claim
    if claim.op == "==":
        return [s for n in numerals(claim) for s in _identity(points, n)]
    if claim.op not in ("<=", "<") or _only_equal(points):
        # if only equality violates the claim, every larger constant repairs it, and there is no least one
        return []
    numbers = numerals(claim)
    families = [f for n in numbers for f in _families(points, n, "constant")]
    if not any(n.summand for n in numbers):
        put = lambda hole, c: _added(claim, num(c) if hole is None else hole)  # noqa: E731
        families += _families(points, Numeral(Fraction(0), put, _AFFINE, True, False), "term")
    if claim.right[0] != "q" and not numerals(Relation(("<=", num(0), claim.right)))[1:]:
        put = lambda hole, c: _times(claim, num(c) if hole is None else hole)  # noqa: E731
        families += _families(points, Numeral(Fraction(1), put, _AFFINE, False, False), "factor")
    return families


def _identity(points: Points, n: Numeral) -> list[Single]:
    """The number c, if there is one, for which r - l = A + B c is 0 at all points."""
    if n.shape != _AFFINE:
        return []
    here, there = (_slack(n, points.table, float(n.value) + step) for step in (0, 1))
    steep = np.abs(there - here) > FLAT * np.maximum(1.0, np.abs(here))
    if not steep.any() or bool(np.any(np.abs(here[~steep]) > CLOSE)):
        return []
    values = float(n.value) - here[steep] / (there - here)[steep]
    middle = float(np.median(values))
    c = Fraction(middle).limit_denominator(DENOMINATOR)
    if not np.allclose(values, middle, CLOSE, CLOSE) or c in (0, n.value):
        return []
    words = f"holds with {n.printed(c)} in place of {n.printed(n.value)}"
    return [Single("constant", (points.assume, n.at(c)), words, (SMALL, float(c.denominator)))]


def tightened(points: Points) -> list[Family]:
    """Families for the numbers in assumptions: eta <= 2/L in place of eta <= 3/L, kappa == 1/4 in place of kappa == 1/5."""
    families: list[Family] = []
    equal = _only_equal(points)
    for k, relation in enumerate(points.assume):
        value_of_name = not equal and relation.op == "==" and sorted(side[0] for side in relation[1:]) == ["q", "x"]
        for n in numerals(relation):
            if n.value != 0 and n.shape == _AFFINE and relation.op in ("<=", "<"):
                families += _assumption(points, k, relation, n)
            elif n.value != 0 and value_of_name:
                families += _definition(points, k, relation, n)
    return families


def _only_equal(points: Points) -> bool:
    """Whether a claim with < fails only where its sides are equal."""
    claim = points.claim
    return claim.op == "<" and not failing(Relation(("<=", *claim[1:])), points.table).any()


def _added(claim: Relation, c: Term) -> Relation:
    left, right = claim.left, claim.right
    return Relation((claim.op, left, Term((*right, c)) if right[0] == "+" else right + c))


def _times(claim: Relation, c: Term) -> Relation:
    right = claim.right
    return Relation((claim.op, claim.left, Term(("*", c, *right[1:])) if right[0] == "*" else c * right))


def _families(points: Points, n: Numeral, kind: str) -> list[Family]:
    return [
        _family(n, kind, sign, t, lambda c: (points.assume, n.at(c)), threshold)
        for sign, t, threshold in _thresholds(points, n, partial(_bounds, n))
    ]


def _thresholds(points: Points, n: Numeral, bounds: Bounds) -> Iterator[tuple[int, float, candidates.Threshold]]:
    """The sign of the parameter, the largest of the points' bounds, and the bounds as a function, for each sensible sign."""
    for sign in (1, -1):
        threshold = partial(bounds, sign)
        t = float(np.nanmax(threshold(points.table)))
        if np.isfinite(t) and _sensible(n, Fraction(sign * t)):
            yield sign, t, threshold


def _family(n: Numeral, kind: str, sign: int, t: float, at: Any, threshold: Any) -> Family:
    old, guess = n.printed(n.value), sign * t
    first = sign * max(at_least(Fraction(t) - Fraction(CLOSE)), next_above(sign * n.value))
    phrases: dict[str, Callable[[Fraction], str]] = {
        "constant": lambda c: f"holds with {n.printed(c)} in place of {old}",
        "term": lambda c: f"holds with {c} added on the right",
        "factor": lambda c: f"holds with {c} times the right side",
    }
    change = _change(n.value, float(first))
    small = change <= (1.5 if n.summand else 0.7)
    # 4 before 139/51: the simpler number is more likely to be the intended one
    plain = first.denominator + (DENOMINATOR if n.shape == _OTHER else 0)
    return Family(
        kind, sign, n.value, guess, at, threshold, phrases[kind], lambda c: f"at {n.printed(c)}", "constant",
        n.shape != _OTHER, (SMALL if small else candidates.LARGE, plain + change), lambda c: _sensible(n, c),
    )  # fmt: skip


def _change(old: Fraction, new: float) -> float:
    """The size of a change: of the logarithm, or of the number itself if its sign changes."""
    if old != 0 and new / float(old) > 0:
        return abs(float(np.log(new / float(old))))
    return abs(new - float(old)) / max(1.0, abs(float(old))) + 0.5


def _sensible(n: Numeral, c: Fraction) -> bool:
    """Whether c keeps the claim nontrivial (is not too large) and has the old number's sign, unless that is a summand."""
    return abs(c) <= LARGEST * (1 + abs(n.value)) and (n.summand or c * n.value > 0)


def _slack(n: Numeral, table: Table, c: Any) -> Any:
    return column(n.put(HOLE, n.value).slack, {**table, "#": c})


def _bounds(n: Numeral, sign: int, table: Table) -> Any:
    """The least sign * c for each point from which on the claim holds there; inf if there is none, -inf if any c will do."""
    v = float(n.value)
    if n.shape == _OTHER:
        return _halved(lambda c: _slack(n, table, c) >= -NOISE, n, table, sign)
    d = 1 / v if n.shape == _INVERSE else v
    step = 0.5 * d if d else 1.0
    value = (lambda e: 1 / e) if n.shape == _INVERSE else (lambda e: e)
    here, there = _slack(n, table, v), _slack(n, table, value(d + step))
    slope = (there - here) / step
    size = np.maximum(1.0, np.abs(here))
    bound = d - here / slope
    if n.shape == _INVERSE:
        # c = 1/e reverses the order; a bound that is not positive is no bound, or cannot be met
        least = np.where(slope < 0, np.where(bound > 0, 1 / bound, np.inf), -np.inf)
        most = np.where((slope > 0) & (bound > 0), 1 / bound, np.inf)
    else:
        least, most = np.where(slope > 0, bound, -np.inf), np.where(slope < 0, bound, np.inf)
    one_sided = least if sign > 0 else -most
    flat = np.abs(slope) <= FLAT * size
    return np.where(flat, np.where(here < -FLAT * size, np.inf, -np.inf), one_sided)


def _halved(holds: Callable[[Any], Any], n: Numeral, table: Table, sign: int) -> Any:
    """The thresholds of the points, by bisection; `holds` tells at which points each number of a column suffices."""
    v, count = float(n.value), candidates.count_of(table)
    low, high = np.full(count, sign * v), np.full(count, sign * v + 16 * (1 + abs(v)))
    if n.value and not n.summand and sign * v < 0:
        high = np.minimum(high, 0.0)
    first, last = holds(sign * low), holds(sign * high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        good = holds(sign * middle)
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return np.where(first, -np.inf, np.where(last, high, np.inf))


def _assumption(points: Points, k: int, relation: Relation, n: Numeral) -> list[Family]:
    v, families, instead = float(n.value), list[Family](), f"in place of {said(relation)}"

    def strict(c: Fraction) -> Relation:
        return Relation(("<", *n.at(c)[1:]))

    def bounds(sign: int, table: Table) -> Any:
        """The thresholds of points: the assumption A + B c >= 0 excludes a counterexample with A + B c < 0."""
        here, there = _slack(n, table, v), _slack(n, table, 1.5 * v)
        slope = sign * (there - here) / (0.5 * v)
        bound = np.where(slope < -FLAT, sign * v - here / slope, np.inf)
        return np.where(failing(points.claim, table), bound, -np.inf)

    for sign, t, threshold in _thresholds(points, n, bounds):
        share = points.share(_slack(n, points.table, sign * t) > 0)
        family = Family(
            "assumption", sign, n.value, sign * t, lambda c: points.put(k, n.at(c)), threshold,
            lambda c: f"holds with {said(n.at(c))} {instead}", lambda c: f"for {said(n.at(c))}",
            "bound", True, (candidates.HYPOTHESIS, -share), lambda c: _sensible(n, c),
            (lambda c: points.put(k, strict(c))) if relation.op == "<=" else None,
            lambda c: f"holds with {said(strict(c))} {instead}",
        )  # fmt: skip
        families.append(family)
    return families


def _definition(points: Points, k: int, relation: Relation, n: Numeral) -> list[Family]:
    """Families for an assumption name == number."""
    name = next(side[1] for side in relation[1:] if side[0] == "x")
    others = [r for m, r in enumerate(points.assume) if m != k]
    instead = f"in place of {said(relation)}"

    def least_harmless(sign: int, table: Table) -> Any:
        """The least sign * c for each point from which on it is no counterexample: the claim holds or an assumption fails."""

        def harmless(c: Any) -> Any:
            here = {**table, name: c}
            good = ~failing(points.claim, here)
            for r in others:
                slack = column(r.slack, here)
                good |= (np.abs(slack) > NOISE) if r.op == "==" else slack < 0
            return good

        return _halved(harmless, n, table, sign)

    return [
        replace(
            _family(n, "constant", sign, t, lambda c: points.put(k, n.at(c)), threshold), kind="assumption", convex=False,
            phrase=lambda c: f"holds with {said(n.at(c))} {instead}", beyond=lambda c: f"for {said(n.at(c))}",
        )
        for sign, t, threshold in _thresholds(points, n, least_harmless) if sign * t * float(n.value) > 0
    ]  # fmt: skip
