"""Properties of a noise law that theorems about signs need: proved by the kernel, refuted at a point, or assumed.

R = 2F - 1 must be odd (the law is symmetric), continuous (the law has no atoms), concave on [0, oo) (the law is unimodal) and at
most 1. A bounded concave function on [0, oo) is nondecreasing. R is the law's `sign_mean`, read piece by piece between its joints.
Concavity may also be proved from the law's density, half the slope of R. A product of positive factors falls where its logarithm
falls; for powers and exponentials the derivative of this logarithm is rational.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import lcm
from typing import Any

import sympy as sp
from mpmath.libmp import NoConvergence

from sdescent.derive.expressions.joints import SINGULAR, SWITCHES, Unresolved, beside, joints
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import num
from sdescent.derive.proof.language.terms import x as variable
from sdescent.derive.proof.search.intervals.extrema import disprove, false_at
from sdescent.derive.proof.search.one_variable import find
from sdescent.derive.theorems.facts.laws import NAME, as_written

#: seconds for one inequality
SECONDS = 0.5
#: distances from a turning point of a formula at which the formula is evaluated
BESIDE = [side * Fraction(2) ** k for k in range(4, -31, -2) for side in (-1, 1)]
NEVER_FALLS, RISES, JUMPS = "R does not fall on [0, oo)", "the density rises", "R jumps (the law has an atom)"
_SMOOTH = (sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.tanh, sp.sech, sp.atan, sp.asinh, sp.erf, sp.erfc, sp.hyper)
_REAL, _X = sp.Symbol(NAME, real=True), sp.Symbol(NAME, positive=True)


class Backing(StrEnum):
    """The status of a property of a law."""

    PROVED = "proved"
    ASSUMED = "assumed"
    FALSE = "false"


@dataclass(frozen=True)
class ShapeBacking:
    """A property of a law and what backs it.

    Args:
        words: the property.
        backing: proved by the kernel, assumed, or false.
        reason: the source of the proof, a point where the property fails, or why it is undecided.
        proofs: proofs of inequalities in one variable, in the form that `sdescent.derive.proof.kernel.one_variable.check_ball`
            accepts; certificates if the inequalities contain symbols.
    """

    words: str
    backing: Backing
    reason: str = ""
    proofs: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return f"{self.backing} of the law: {self.words} ({self.reason})"


class _Fails(Exception):
    """Raised if the property fails; the message says where."""


class _Open(Exception):
    """Raised if the property is undecided; the message says why."""


def law_shape(law: Law) -> Mapping[str, ShapeBacking]:
    """The properties of R = 2F - 1 that theorems about signs need: odd, continuous, concave_right, bounded, nondecreasing."""
    try:
        return _law_shape(law)
    except TypeError:  # the law is not hashable
        return _law_shape.__wrapped__(law)


@lru_cache(maxsize=64)
def _law_shape(law: Law) -> Mapping[str, ShapeBacking]:
    law.sign_mean(_REAL)  # a class that raises here has no R
    shape = {name: _judged(words, lambda check=check: check(law)) for name, (words, check) in _PROPERTIES.items()}
    rises = Backing.ASSUMED, "F is a distribution function"
    if all(shape[name].backing is Backing.PROVED for name in ("concave_right", "bounded")):
        rises = Backing.PROVED, "a bounded concave function does not fall"
    return {**shape, "nondecreasing": ShapeBacking(NEVER_FALLS, *rises)}


def any_shape(reason: str) -> Mapping[str, ShapeBacking]:
    """The properties that `law_shape` lists, assumed for an unspecified law."""
    words = {**{name: said for name, (said, _) in _PROPERTIES.items()}, "nondecreasing": NEVER_FALLS}
    return {name: ShapeBacking(said, Backing.ASSUMED, reason) for name, said in words.items()}


def _judged(words: str, check: Callable[[], tuple[str, list[Any]]]) -> ShapeBacking:
    try:
        source, proofs = check()
        return ShapeBacking(words, Backing.PROVED, f"from {source}", tuple(proofs))
    except _Fails as error:
        return ShapeBacking(words, Backing.FALSE, str(error))
    except (_Open, Unresolved, ProofError) as error:
        return ShapeBacking(words, Backing.ASSUMED, str(error))
    except Exception as error:  # a user's formula may raise anything
        return ShapeBacking(words, Backing.ASSUMED, f"it raises {type(error).__name__}: {error}")


# --- the properties


def _odd(law: Law) -> tuple[str, list[Any]]:
    if not law.symmetric:
        raise _Fails("the law is not symmetric")
    both = _pieces(law.sign_mean(_REAL) + law.sign_mean(-_REAL))
    return "its distribution function", [proof for p in both for proof in p.zero(p.formula, "R(-x) is not -R(x)")]


def _continuous(law: Law) -> tuple[str, list[Any]]:
    first, *_ = pieces = _pieces(law.sign_mean(_REAL))
    return "its distribution function", [*first.zero(first.at(first.low), JUMPS, first.low), *_without_jumps(pieces)]


def _bounded(law: Law) -> tuple[str, list[Any]]:
    pieces = _pieces(law.sign_mean(_REAL))
    return "its distribution function", [p.nonnegative(1 - p.formula, "R is above 1") for p in pieces]


def _concave(law: Law) -> tuple[str, list[Any]]:
    routes = [("its distribution function", law.sign_mean, True), ("its density", law.density, False)]
    reasons = []
    # this package's densities are shorter and tested against R, so they come first; for other classes R comes first
    for source, formula, integrated in routes[::-1] if type(law).__module__.startswith("sdescent.derive.") else routes:
        try:
            return source, _falling(_pieces(formula(_REAL)), integrated)
        except (NotImplementedError, _Open, Unresolved, ProofError) as reason:
            reasons.append(f"from {source}: {reason}")
    raise _Open("; ".join(reasons))


def _falling(pieces: list[_Piece], integrated: bool) -> list[Any]:
    """Proofs that a slope is nonincreasing on (0, oo). If `integrated`, `pieces` are its integral, which must be continuous."""
    proofs = _without_jumps(pieces) if integrated else []
    slopes = [replace(p, formula=sp.diff(p.formula, _X)) if integrated else p for p in pieces]
    for piece in slopes:
        proofs += piece.falls()
    for left, right in pairwise(slopes):
        proofs.append(right.nonnegative(left.at(right.low) - right.at(right.low), "the density jumps up", right.low))
    return proofs


def _without_jumps(pieces: list[_Piece]) -> list[Any]:
    jumps = [right.zero(right.at(right.low) - left.at(right.low), JUMPS, right.low) for left, right in pairwise(pieces)]
    return [proof for proofs in jumps for proof in proofs]


_PROPERTIES: Mapping[str, tuple[str, Callable[[Law], tuple[str, list[Any]]]]] = {
    "odd": ("R = 2F - 1 is odd", _odd),
    "continuous": ("R is continuous", _continuous),
    "concave_right": ("R is concave on [0, oo)", _concave),
    "bounded": ("R is at most 1", _bounded),
}


# --- R between its joints


@dataclass(frozen=True)
class _Piece:
    """A formula on [low, high] in the variable x/unit; None for `high` means +oo."""

    formula: sp.Expr
    low: Fraction
    high: Fraction | None
    unit: sp.Expr

    def at(self, end: Fraction) -> sp.Expr:
        """The value of the formula at an end of the interval. Raises _Open if the formula has no value there."""
        value = self.formula.subs(_X, sp.Rational(end.numerator, end.denominator))
        if value.has(sp.nan, sp.oo, sp.zoo, -sp.oo):
            raise _Open(f"no value at {end}")
        return value

    def zero(self, e: sp.Expr, fails: str, place: Fraction | None = None) -> list[Any]:
        """Proofs of e >= 0 and -e >= 0, or no proofs if e cancels."""
        return [] if sp.expand(e) == 0 else [self.nonnegative(way * e, fails, place) for way in (1, -1)]

    def nonnegative(self, e: sp.Expr, fails: str, place: Fraction | None = None) -> Mapping[str, Any]:
        """A proof of e >= 0 on the interval.

        Raises _Fails: e < 0 at a point; the message gives `place` instead, unless it is None; _Open if e is not a term
        of the kernel, or the search decides nothing.
        """
        try:
            decision = self._decided(e)
        except ValueError as error:
            raise _Open(str(error)) from None
        if isinstance(decision, Fraction):
            at = decision if place is None else place
            raise _Fails(f"{fails} at x = {self.unit * sp.Rational(at.numerator, at.denominator)}")
        if decision is None:
            raise _Open("the search decides nothing")
        return decision

    def falls(self) -> list[Any]:
        """Proofs that the formula is nonincreasing."""
        factors = sp.Mul.make_args(sp.powsimp(self.formula))
        powers = [
            f for f in factors if isinstance(f, sp.Pow | sp.Symbol) and f.has(_X) and not f.as_base_exp()[1].has(_X)
        ]
        other = [f for f in factors if f not in powers and not (isinstance(f, sp.exp) and f.has(_X))]
        if all(f.is_positive and not f.has(_X) for f in other):
            logarithm = sum(sp.diff(sp.expand_log(sp.log(f), force=True), _X) for f in factors if f not in other)
            above, below = sp.fraction(sp.together(-sp.sympify(logarithm)))
            try:
                positive = [self.nonnegative(f.as_base_exp()[0], "a factor is negative") for f in powers]
            except (_Fails, _Open):
                positive = []
            if len(positive) == len(powers):
                try:
                    return [*positive, self.nonnegative(sp.expand(above * below), RISES)]
                except _Open:
                    pass
        return [self.nonnegative(-sp.diff(self.formula, _X), RISES)]

    def _decided(self, e: sp.Expr) -> Mapping[str, Any] | Fraction | None:
        """A proof of e >= 0, a point where e < 0, or None. Raises ValueError if e is not a term of the kernel."""
        e, root = self._without_roots(e)
        low, high = self.low if root == 1 else Fraction(0), self.high if root == 1 else None
        term = as_written(e)
        if NAME in {s.name for s in e.free_symbols - {_X}}:
            raise ValueError(f"{NAME} is the name of a parameter")
        if letters := e.free_symbols - {_X}:
            assumed = [variable(NAME).ge(num(low)), *([] if high is None else [variable(NAME).le(num(high))])]
            assumed += [num(0).lt(variable(s.name)) for s in sorted(letters, key=str) if s.is_positive]
            return prove(num(0).le(term), assumed, seconds=SECONDS).certificate
        fields = find(term, NAME, low, high, False, SECONDS)
        if fields is not None:
            return fields
        point = disprove(term, NAME, low, high, False, SECONDS)
        point = self._turning(e, term, low, high) if point is None else point
        return None if point is None else point**root

    def _without_roots(self, e: sp.Expr) -> tuple[sp.Expr, int]:
        """(e with x = y^n, n), where n removes the roots of x; (e, 1) unless the interval is [0, oo)."""
        n = lcm(*(int(a.exp.q) for a in e.atoms(sp.Pow) if a.base == _X and a.exp.is_Rational))
        if n > 1 and self.low == 0 and self.high is None:
            e = e.xreplace({_X: _X**n})
            lowest = min((a.exp for a in e.atoms(sp.Pow) if a.base == _X), default=0)
            return (sp.expand(e * _X**-lowest) if lowest < 0 else e), n
        return e, 1

    def _turning(self, e: sp.Expr, term: Any, low: Fraction, high: Fraction | None) -> Fraction | None:
        """A point where e < 0 near a zero or turning point of a polynomial in e, where e may be negative on a narrow range."""
        inner = {
            a for part in e.atoms(sp.Pow, sp.Function, sp.exp) for a in part.args if a.has(_X) and a.is_polynomial(_X)
        }
        polys = [sp.Poly(b, _X) for a in inner for b in (a, sp.diff(a, _X)) if b.has(_X)]
        try:
            places = {at for poly in polys for at in poly.nroots(15, 500) if at.is_real}
        except NoConvergence:
            return None
        centres = [Fraction(str(at)) for at in places]
        points = [c + move for c in centres for move in BESIDE]
        points = [p for p in points if p > low and (high is None or p < high)]
        forms = Forms(NAME)
        return false_at(forms, forms.read(term), points, False, now() + SECONDS)


def _pieces(e: sp.Expr) -> list[_Piece]:
    """A function of x >= 0, as formulas between its joints.

    Raises _Open, Unresolved if the joints are unknown or have no common unit.
    """
    if unknown := [a for a in e.atoms(sp.Function, sp.Subs, sp.Derivative) if not _smooth(a)]:
        raise _Open(f"nothing is known about the joints of {unknown[0]}")
    places = sorted((at for at in set(joints(e, _REAL)) if _positive(at)), key=lambda at: at.evalf(30))
    unit = next((at for at in places if not at.is_Rational), sp.S.One)
    ends = [sp.radsimp(at / unit) for at in places]
    if any(not end.is_Rational for end in ends):
        raise _Open(f"the joints {', '.join(map(str, places))} have no common unit")
    cuts = [Fraction(0), *(Fraction(int(end.p), int(end.q)) for end in ends)]
    pieces = []
    for low, high in zip(cuts, [*cuts[1:], None], strict=True):
        middle = low + 1 if high is None else (low + high) / 2
        here = beside(e, _REAL, unit * sp.Rational(middle.numerator, middle.denominator), 1)
        pieces.append(_Piece(here.xreplace({_REAL: unit * _X}), low, high, unit))
    return pieces


def _smooth(a: sp.Basic) -> bool:
    """Whether a function is constant, or smooth between the joints that `joints` finds."""
    return (
        isinstance(a, (*SWITCHES, *SINGULAR, *_SMOOTH))
        or type(a).__module__.startswith("sdescent.derive.methods.noise")
        or not a.has(_REAL)
    )


def _positive(at: sp.Expr) -> bool:
    if not at.is_number:
        raise _Open(f"a joint depends on a symbol: {at}")
    return bool(at.evalf(30) > 0)
