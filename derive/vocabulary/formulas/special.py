"""SymPy functions for formulas: psi(t) = (e^t - 1 - t)/t^2, and the Green-Kubo sum for signs of a Gaussian sequence."""

from typing import Any

import sympy as sp
from mpmath import mp


class Psi(sp.Function):
    """The derivative psi(t, n) of order n of psi(t) = (e^t - 1 - t)/t^2, that is int_0^1 (1 - s) s^n e^(st) ds.

    It is entire, positive and increasing in t; psi(0, n) = 1/((n + 1)(n + 2)), and psi(t, n) = psi(0, n) 1F1(n + 1; n + 3; t)
    (DLMF 13.4.1). It is a function of its own because the quotient has no value at 0 and loses all digits near 0. It is printed as
    psi, but its Python name differs: code that SymPy generates would otherwise call the functions psi of SciPy or mpmath.
    """

    nargs = (1, 2)

    @classmethod
    def eval(cls, t: sp.Expr, n: sp.Expr = sp.S.Zero) -> sp.Expr | None:
        if not (n.is_Integer and n.is_nonnegative):
            raise ValueError(f"psi has derivatives of the orders 0, 1, .., not {n}")
        return sp.Rational(1, (n + 1) * (n + 2)) if t.is_zero else None

    @property
    def order(self) -> int:
        """The order n of the derivative."""
        return int(self.args[1]) if len(self.args) > 1 else 0

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        if argindex != 1:
            raise sp.ArgumentIndexError(self, argindex)  # pyright: ignore[reportAttributeAccessIssue]
        return Psi(self.args[0], sp.Integer(self.order + 1))

    def _eval_is_extended_real(self) -> bool | None:
        return self.args[0].is_extended_real

    _eval_is_extended_positive = _eval_is_extended_real

    def _eval_is_finite(self) -> bool | None:
        return self.args[0].is_finite

    def _eval_rewrite_as_exp(self, t: sp.Expr, n: sp.Expr = sp.S.Zero, **_: Any) -> sp.Expr:
        s = sp.Dummy("s")
        away = sp.diff((sp.exp(s) - 1 - s) / s**2, s, self.order).subs(s, t)
        if t.is_zero is False:
            return away
        return sp.Piecewise((Psi(sp.S.Zero, n), sp.Eq(t, 0)), (away, True))

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        t, n = self.args[0], self.order
        if not t.is_number:
            return None
        with mp.workprec(prec + 10):
            value = mp.hyp1f1(n + 1, n + 3, t._to_mpmath(prec + 10)) / ((n + 1) * (n + 2))
        return sp.Float(value, precision=prec) if isinstance(value, mp.mpf) else None

    def _sympystr(self, printer: Any) -> str:
        return f"psi({', '.join(printer._print(a) for a in self.args)})"

    def _pretty(self, printer: Any) -> Any:
        return printer._print(sp.Function("psi")(*self.args))

    def _mpmathcode(self, printer: Any) -> str:
        n = self.order
        return f"({printer._module_format('mpmath.hyp1f1')}({n + 1}, {n + 3}, {printer._print(self.args[0])})/{(n + 1) * (n + 2)})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        if not self.order:
            return rf"\psi{power}\left({printer._print(self.args[0])}\right)"
        return rf"{{\psi^{{({self.order})}}\left({printer._print(self.args[0])}\right)}}{power}"


def _index(letter: str, *expressions: sp.Expr) -> sp.Symbol:
    """A summation index whose name does not occur in the expressions."""
    taken = {s.name for e in expressions for s in e.free_symbols}  # pyright: ignore[reportAttributeAccessIssue]
    name = next(name for k in range(len(taken) + 1) if (name := f"{letter}{k or ''}") not in taken)
    return sp.Symbol(name, integer=True, positive=True)


class SignSum(sp.Function):
    """The sum K(r, q, a) = Var sign u_0 + 2 sum_{l >= 1} Cov(sign u_0, sign u_l) for a stationary Gaussian sequence u.

    The sequence has mean a, variance 1 and correlations corr(u_0, u_l) = r q^(l-1), where |r| <= 1 and |q| < 1. The expansion
    sign u = sum_n c_n He_n(u - a)/sqrt(n!) and Mehler's formula E He_n(X) He_n(Y) = n! corr(X, Y)^n give, summed over l,

        K = 1 - erf(a/sqrt 2)^2 + 2 sum_{n >= 1} c_n^2 r^n/(1 - q^n),    c_n^2 = (2/pi) e^(-a^2) He_{n-1}(a)^2/n!,

    where c_n = E sign(a + Z) He_n(Z)/sqrt(n!). K is even in a, and K(r, q, 0) = 1 + (4/pi) sum_{l >= 1} arcsin(r q^(l-1)).
    Dimensionless.
    """

    nargs = 3

    @classmethod
    def eval(cls, r: sp.Expr, q: sp.Expr, a: sp.Expr) -> sp.Expr | None:
        if a.is_zero:
            lag = _index("l", r, q)
            total = sp.Sum(sp.asin(sp.powsimp(r * q ** (lag - 1))), (lag, 1, sp.oo))
            return sp.S.One if r.is_zero else 1 + 4 / sp.pi * total
        if r.is_zero:
            return 1 - sp.erf(a / sp.sqrt(2)) ** 2
        return cls(r, q, -a) if a.could_extract_minus_sign() else None

    @property
    def series(self) -> sp.Expr:
        """The series over n, in which form K is printed."""
        r, q, a = self.args
        n = _index("n", self)
        term = r**n * sp.hermite_prob(n - 1, a) ** 2 / (sp.factorial(n) * (1 - q**n))
        return 1 - sp.erf(a / sp.sqrt(2)) ** 2 + 4 / sp.pi * sp.exp(-(a**2)) * sp.Sum(term, (n, 1, sp.oo))

    def _eval_is_extended_real(self) -> bool:
        return True

    def _eval_is_extended_nonnegative(self) -> bool:
        return True  # it is the limit of the variance of a sum of n signs, divided by n

    def _eval_is_extended_positive(self) -> bool | None:
        r, q, _ = self.args
        return True if r.is_nonnegative and q.is_nonnegative else None  # no term of the series over n is negative

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        if not all(e.is_number for e in self.args):
            return None
        with mp.workprec(prec + 20):
            r, q, a = (e._to_mpmath(prec + 20, allow_ints=False) for e in self.args)
            if not (all(isinstance(e, mp.mpf) for e in (r, q, a)) and abs(r) < 1 and abs(q) < 1):
                return None
            # h_n = He_n(a)/sqrt((n+1)!) e^(-a^2/2) sqrt(2/pi) = c_{n+1}; since the sum of all c_n^2 is 1 - erf^2, the terms after n
            # contribute at most 2 |r|^(n+1)/(1 - |q|) times this
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
