"""The function psi(t) = (e^t - 1 - t)/t^2, psi(0) = 1/2, and its derivatives in SymPy, with a value at 0."""

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
