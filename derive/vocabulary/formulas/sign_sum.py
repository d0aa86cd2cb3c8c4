"""The Green-Kubo sum of signs of a stationary Gaussian sequence, as a function of SymPy."""

from __future__ import annotations

from typing import Any

import sympy as sp
from mpmath import mp


def _index(letter: str, *expressions: sp.Expr) -> sp.Symbol:
    """An index of a sum whose name differs from those of all these symbols."""
    taken = {s.name for e in expressions for s in e.free_symbols}  # pyright: ignore[reportAttributeAccessIssue]
    name = next(name for k in range(len(taken) + 1) if (name := f"{letter}{k or ''}") not in taken)
    return sp.Symbol(name, integer=True, positive=True)


class SignSum(sp.Function):
    """K(r, q, a) = Var sign u_0 + 2 sum_{l >= 1} Cov(sign u_0, sign u_l), u a stationary Gaussian sequence of mean a.

    Its variance is 1, its correlations corr(u_0, u_l) = r q^(l-1), |r| <= 1, |q| < 1. With sign u = sum_n c_n He_n(u - a)/sqrt(n!)
    and E He_n(X) He_n(Y) = n! corr(X, Y)^n (Mehler), summed over l,

        K = 1 - erf(a/sqrt 2)^2 + 2 sum_{n >= 1} c_n^2 r^n/(1 - q^n),    c_n^2 = (2/pi) e^(-a^2) He_{n-1}(a)^2/n!,

    c_n = E sign(a + Z) He_n(Z)/sqrt(n!). At a = 0 it is 1 + (4/pi) sum_{l >= 1} arcsin(r q^(l-1)). Even in a. Dimensionless.
    """

    nargs = 3

    @classmethod
    def eval(cls, r: sp.Expr, q: sp.Expr, a: sp.Expr) -> sp.Expr | None:
        if a.is_zero:
            lag = _index("l", r, q)
            return (
                sp.S.One
                if r.is_zero
                else 1 + 4 / sp.pi * sp.Sum(sp.asin(sp.powsimp(r * q ** (lag - 1))), (lag, 1, sp.oo))
            )
        if r.is_zero:
            return 1 - sp.erf(a / sp.sqrt(2)) ** 2
        return cls(r, q, -a) if a.could_extract_minus_sign() else None

    @property
    def series(self) -> sp.Expr:
        """The sum over n, written out: what it is printed as."""
        r, q, a = self.args
        n = _index("n", self)
        term = r**n * sp.hermite_prob(n - 1, a) ** 2 / (sp.factorial(n) * (1 - q**n))
        return 1 - sp.erf(a / sp.sqrt(2)) ** 2 + 4 / sp.pi * sp.exp(-(a**2)) * sp.Sum(term, (n, 1, sp.oo))

    def _eval_is_extended_real(self) -> bool:
        return True

    def _eval_is_extended_nonnegative(self) -> bool:
        return True  # n times it is the limit of the variance of a sum of n signs

    def _eval_is_extended_positive(self) -> bool | None:
        r, q, _ = self.args
        return True if r.is_nonnegative and q.is_nonnegative else None  # no term of the series is negative

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        if not all(e.is_number for e in self.args):
            return None
        with mp.workprec(prec + 20):
            r, q, a = (e._to_mpmath(prec + 20, allow_ints=False) for e in self.args)
            if not (all(isinstance(e, mp.mpf) for e in (r, q, a)) and abs(r) < 1 and abs(q) < 1):
                return None
            # h_n = He_n(a)/sqrt((n+1)!) e^(-a^2/2) sqrt(2/pi) = c_{n+1}; the c_n^2 add up to 1 - erf^2, so that what is left out
            # after n is at most |r|^(n+1)/(1 - |q|) times that
            before, h, n = mp.mpf(0), mp.sqrt(2 / mp.pi) * mp.exp(-(a**2) / 2), 1
            total = spread = 1 - mp.erf(a / mp.sqrt(2)) ** 2
            while abs(r) ** n / (1 - abs(q)) * spread > mp.eps * abs(total):
                total += 2 * h**2 * r**n / (1 - q**n)
                before, h, n = h, (a * h - (n - 1) * before / mp.sqrt(n)) / mp.sqrt(n + 1), n + 1
        return sp.Float(total, precision=prec)

    def _sympystr(self, printer: Any) -> str:
        return f"({printer._print(self.series)})"

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm

        return prettyForm(*printer._print(self.series).parens())

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        series = self.series.replace(sp.hermite_prob, lambda order, a: sp.Function(rf"\mathrm{{He}}_{{{order}}}")(a))
        return rf"\left({printer._print(series)}\right)" + ("" if exp is None else f"^{{{exp}}}")
