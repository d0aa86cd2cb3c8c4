"""Symmetric alpha-stable laws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.expressions.written import latex
from sdescent.derive.methods.constants import settle
from sdescent.derive.methods.noise.elementary import Gaussian
from sdescent.derive.methods.noise.law import ARGUMENT, INFINITE, Law
from sdescent.derive.methods.noise.student_t import Cauchy
from sdescent.derive.vocabulary.errors import NoClosedForm


class StableSignMean(sp.Function):
    """The function 2F(x) - 1 of (alpha, x) for the symmetric stable law with characteristic function exp(-|t|^alpha).

    It equals (2/pi) int_0^oo sin(xt)/t e^{-t^alpha} dt. Except for alpha = 1 and 2 it stays a named function, which is evaluated by
    quadrature.
    """

    nargs = 2

    @classmethod
    def eval(cls, alpha: sp.Expr, x: sp.Expr) -> sp.Expr | None:
        if x.is_zero:
            return sp.S.Zero
        if x.could_extract_minus_sign():
            return -cls(alpha, -x)
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        if argindex != 2:
            raise sp.ArgumentIndexError(self, argindex)  # pyright: ignore[reportAttributeAccessIssue]
        return 2 * StableDensity(*self.args)

    def _eval_is_extended_real(self) -> bool:
        return True

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        alpha, x = self.args
        if not (alpha.is_number and x.is_number):
            return None
        from mpmath import mp

        with mp.workprec(prec + 10):
            a, y = mp.mpf(alpha._to_mpmath(prec + 10)), mp.mpf(x._to_mpmath(prec + 10))
            end = (mp.log(2) * (prec + 10)) ** (1 / a)  # beyond it, the integrand is below the precision
            pieces = min(400, 2 + int(abs(y) * end / mp.pi))
            value = mp.quad(lambda s: mp.sinc(s * y) * y * mp.exp(-(s**a)), mp.linspace(0, end, pieces)) * 2 / mp.pi
        return sp.Float(value, precision=prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        alpha, x = (printer._print(a) for a in self.args)
        return rf"\left(2F_{{{alpha}}}\left({x}\right)-1\right)" + ("" if exp is None else f"^{{{exp}}}")


class StableDensity(sp.Function):
    """The density of the same law as a function of (alpha, x): p(x) = (1/pi) int_0^oo cos(xt) e^{-t^alpha} dt.

    p(0) = Gamma(1 + 1/alpha)/pi.
    """

    nargs = 2

    @classmethod
    def eval(cls, alpha: sp.Expr, x: sp.Expr) -> sp.Expr | None:
        if x.is_zero:
            return sp.gamma(1 + 1 / alpha) / sp.pi
        return None

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        alpha, x = (printer._print(a) for a in self.args)
        return rf"F_{{{alpha}}}'" + ("" if exp is None else f"^{{{exp}}}") + rf"\left({x}\right)"


@dataclass(frozen=True)
class Stable(Law):
    """The symmetric stable law with characteristic function exp(-|t|^alpha), 0 < alpha <= 2, and tail index alpha (theory 3).

    It is the Cauchy law for alpha = 1 and N(0, 2), with infinite tail index, for alpha = 2. Otherwise density and distribution
    function have no closed form.
    """

    alpha: Any

    def __post_init__(self) -> None:
        domain = "a number in (0, 2], or the name of a symbol"
        settle(self, "stable:alpha", (lambda a: a.is_positive and (2 - a).is_nonnegative, domain))

    @property
    def closed_form(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether alpha is 1 or 2."""
        return self.alpha in (1, 2)

    @property
    def tail(self) -> sp.Expr:
        return INFINITE if self.alpha == 2 else self.alpha

    def density(self, x: sp.Expr) -> sp.Expr:
        if self.alpha == 2:
            return Gaussian().density(x / sp.sqrt(2)) / sp.sqrt(2)
        return Cauchy().density(x) if self.alpha == 1 else StableDensity(self.alpha, x)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        if self.alpha == 2:
            return Gaussian().sign_mean(x / sp.sqrt(2))
        return Cauchy().sign_mean(x) if self.alpha == 1 else StableSignMean(self.alpha, x)

    def moment(self, m: int) -> sp.Expr:
        if self.alpha == 2:
            return sp.sqrt(2) ** m * Gaussian().moment(m)
        if m == 0:
            return sp.S.One
        raise NoClosedForm(f"a stable law with alpha = {self.alpha} has no finite moment of order {m}")

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        if self.alpha == 2:
            return sp.sqrt(2) ** m * Gaussian().signed_moment(m, y / sp.sqrt(2))
        if m == 0:
            return self.sign_mean(y)
        raise NoClosedForm(f"R_{m} of a stable law with alpha = {self.alpha} has no closed form")

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        alpha = show(self.alpha)
        unit, y = show(Coordinate("unitnoise")), show(ARGUMENT)
        law = (
            rf"with $\mathbb{{E}}\,e^{{\mathrm{{i}}{y}{unit}}}=e^{{-\left|{{{y}}}\right|^{{{alpha}}}}}$ for real ${y}$"
        )
        names = rf"; $F_{{{alpha}}}$ is their distribution function, $F_{{{alpha}}}'$ their density"
        return law + ("" if self.closed_form else names)

    def latex(self) -> str:
        return rf"S_{{{latex(self.alpha)}}}"
