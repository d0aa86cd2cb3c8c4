"""Unspecified laws, whose formulas hold for every symmetric law with a density."""

from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.methods.constants import always
from sdescent.derive.methods.noise.law import INFINITE, Law
from sdescent.derive.vocabulary.symbols import parameter


def _applied(printer: Any, name: str, after: str, y: sp.Expr, exp: str | None) -> str:
    """LaTeX of a function of the law at y; a printer with the user's own commands supplies the letter for `name`."""
    letter = printer.vector(name) if hasattr(printer, "vector") else name
    return letter + after + ("" if exp is None else f"^{{{exp}}}") + rf"\left({printer._print(y)}\right)"


class _Real(sp.Function):
    def _eval_is_extended_real(self) -> bool:
        return True


class SignedMoment(_Real):
    """The signed moment R_m(y) = E[Z^m sgn(y + Z)] of an unspecified symmetric law (theory 3).

    It is odd in y for even m, and even in y for odd m.
    """

    nargs = 2

    @classmethod
    def eval(cls, m: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if y.is_zero and m.is_even:
            return sp.S.Zero
        if y.is_negative and m.is_integer:  # so that terms that cancel by symmetry disappear
            return (-1) ** (m + 1) * cls(m, -y)  # pyright: ignore[reportReturnType]
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative d R_m/dy = 2 (-y)^m p(y)."""
        if argindex != 2:
            raise sp.ArgumentIndexError(self, argindex)  # pyright: ignore[reportAttributeAccessIssue]
        m, y = self.args
        return 2 * (-y) ** m * GenericDensity(y)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        m, y = self.args
        return _applied(printer, "R", f"_{{{m}}}", y, exp)


class GenericDensity(_Real):
    """The density p(x) of an unspecified symmetric law."""

    nargs = 1

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return cls(-x) if x.is_negative else None  # pyright: ignore[reportReturnType]

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _applied(printer, "F", "'", self.args[0], exp)


class Cdf(_Real):
    """The distribution function F(x) of a symmetric law, left unevaluated."""

    nargs = 1

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        if x.is_zero:
            return sp.Rational(1, 2)
        return 1 - cls(-x) if x.is_negative else None  # pyright: ignore[reportReturnType]

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative F' = p."""
        return GenericDensity(self.args[0])

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _applied(printer, "F", "", self.args[0], exp)


@dataclass(frozen=True)
class GenericLaw(Law):
    """An unspecified symmetric law: its moments mu2, mu4, .. are symbols, and R_m and p are unevaluated functions."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return GenericDensity(x)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return SignedMoment(0, x)

    def moment(self, m: int) -> sp.Expr:
        return sp.S.One if m == 0 else parameter(f"mu{m}")

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        return SignedMoment(m, y)

    def latex(self) -> str:
        return "Z"


@dataclass(frozen=True)
class OpenLaw(Law):
    """A law with unevaluated F, p and R_m, for readability if the formulas of `closed` are long.

    Args:
        closed: the law with closed forms, which supplies the tail index and the moments.
    """

    closed: Law

    tail = property(lambda self: self.closed.tail)

    def density(self, x: sp.Expr) -> sp.Expr:
        return GenericDensity(x)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return 2 * Cdf(x) - 1

    def moment(self, m: int) -> sp.Expr:
        return self.closed.moment(m)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        return self.sign_mean(y) if m == 0 else SignedMoment(m, y)

    def latex(self) -> str:
        return self.closed.latex()
