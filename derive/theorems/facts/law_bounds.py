"""The facts of theory 8 about the shipped unimodal noise laws, as inequalities in one variable that `derive.proof.search.one_variable` proves.

With T(x) = 2F(x) - 1 on x >= 0 and a = T(1): F is concave there, F'(x) <= F'(0), x T(x) >= a (x - 1/4), T(x) >= a min(1, x) and
T(x) >= a x/(1 + x). The number a stays the term T(1), transcendental or not. min is no term, so a law or a claim comes in pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.proof.kernel.one_variable_forms import PI, Forms
from derive.proof.language.terms import Term, fn, num, plus, substitute, x
from derive.proof.search.one_variable import find

VARIABLE = "x"
X = x(VARIABLE)


@dataclass(frozen=True)
class Piece:
    """T on [low, high]; high None is +oo."""

    sign_mean: Term
    low: Fraction
    high: Fraction | None = None


@dataclass(frozen=True)
class Bound:
    """0 <= term for low <= x <= high, as one of the facts says it of a law."""

    law: str
    fact: str
    term: Term
    low: Fraction
    high: Fraction | None

    def proof(self, seconds: float = 2.0) -> dict[str, Any] | None:
        """The fields of a ball step that proves it, or None."""
        return find(self.term, VARIABLE, self.low, self.high, False, seconds)


def student(nu: int) -> Term:
    """T of Student's t with nu degrees of freedom (Abramowitz and Stegun 26.7.3 for odd nu, 26.7.4 for even nu).

    With c = nu/(nu + x^2): for odd nu
    (2/pi) (atan(x/sqrt(nu)) + x sqrt(nu)/(nu + x^2) sum_i c^i prod_{l <= i} 2l/(2l + 1)), i < (nu - 1)/2,
    for even nu x/sqrt(nu + x^2) sum_i c^i prod_{l <= i} (2l - 1)/(2l), i < nu/2.
    """
    square = nu + X**2
    odd = nu % 2
    coefficient, members = Fraction(1), list[Term]()
    for i in range(nu // 2):
        members.append(coefficient * (Fraction(nu) / square) ** i)
        coefficient *= Fraction(2 * i + 1 + odd, 2 * i + 2 + odd)
    if not odd:
        return X / fn("sqrt", square) * plus(*members)
    angle = fn("atan", X / fn("sqrt", nu))
    return 2 / PI * (angle + X * fn("sqrt", nu) / square * plus(*members))


_WHOLE: dict[str, Callable[[], Term]] = {
    "gaussian": lambda: fn("erf", X / fn("sqrt", 2)),
    "laplace": lambda: 1 - fn("exp", -X),
    "logistic": lambda: fn("tanh", X / 2),
    "cauchy": lambda: student(1),
    **{f"student-t:{nu}": (lambda nu=nu: student(nu)) for nu in range(2, 11)},
}
LAWS = (*_WHOLE, "uniform")


def pieces(law: str) -> list[Piece]:
    """T of a law in the units of `derive.methods.noise`."""
    if law == "uniform":
        return [Piece(X, Fraction(0), Fraction(1)), Piece(num(1), Fraction(1))]
    return [Piece(_WHOLE[law](), Fraction(0))]


def at_one(law: str) -> Term:
    """a = T(1)."""
    return substitute(pieces(law)[0].sign_mean, VARIABLE, num(1))


def bounds(law: str) -> list[Bound]:
    """All facts of theory 8 about a law, in pieces where T or min(1, x) has them.

    Concavity and the bound of the slope are claimed within the pieces of T; at a kink of T (the uniform law at 1) the slope falls.
    """
    a = at_one(law)
    top = _slope(pieces(law)[0].sign_mean)
    peak = substitute(top, VARIABLE, num(0))
    found: list[Bound] = []
    for piece in pieces(law):
        t = piece.sign_mean
        slope = _slope(t)
        claims = [
            ("concave", -_slope(slope)),
            ("slope", peak - slope),
            ("product", X * t - a * (X - Fraction(1, 4))),
            ("hyperbola", t - a * X / (1 + X)),
        ]
        found += [Bound(law, fact, claim, piece.low, piece.high) for fact, claim in claims]
        if piece.low < 1:
            found.append(Bound(law, "minimum", t - a * X, piece.low, Fraction(1)))
        if piece.high is None:
            found.append(Bound(law, "minimum", t - a, max(piece.low, Fraction(1)), None))
    return found


def _slope(t: Term) -> Term:
    """dt/dx, for terms whose roots are of nu + x^2."""
    forms = Forms(VARIABLE)
    for nu in range(2, 11, 2):
        forms.learn(forms.polynomial(nu + X**2), 1)
    return forms.term(forms.derivative(forms.polynomial(t)))
