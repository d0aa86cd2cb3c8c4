"""Laws on finitely many values, whose expectations are finite sums."""

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from sdescent.derive.methods.noise.law import INFINITE, Law


@dataclass(frozen=True)
class Atoms(Law):
    """A symmetric law on finitely many values: all its moments, and those with signs, are finite sums.

    Args:
        half: (probability, value) of the positive values; each has its mirror image, and 0 has what is left.
    """

    half: tuple[tuple[Fraction, Fraction], ...] = ((Fraction(1, 2), Fraction(1)),)

    @property
    def values(self) -> list[tuple[sp.Expr, sp.Expr]]:
        """(probability, value) of all values."""
        found = [(_exact(p), _exact(sign * z)) for p, z in self.half for sign in (1, -1)]
        rest = 1 - sum(p for p, _ in found)
        return [*found, (rest, sp.S.Zero)] if rest else found

    @property
    def tail(self) -> sp.Expr:
        return INFINITE

    def density(self, x: sp.Expr) -> sp.Expr:
        raise NotImplementedError("a law on finitely many values has no density")

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return self.signed_moment(0, x)

    def moment(self, m: int) -> sp.Expr:
        return sp.Add(*[p * z**m for p, z in self.values])

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        return sp.Add(*[p * z**m * sp.sign(y + z) for p, z in self.values])

    def latex(self) -> str:
        return r"\text{atoms}"


#: +1 and -1 with variance 1 and kurtosis 1; +2, 0, -2 with variance 1 and kurtosis 4
TWO, THREE = Atoms(), Atoms(((Fraction(1, 8), Fraction(2)),))


def _exact(q: Fraction) -> sp.Expr:
    return sp.Rational(q.numerator, q.denominator)
