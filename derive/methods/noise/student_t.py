"""Student's t law, and the Cauchy law as its case nu = 1."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from sdescent.derive.expressions.written import latex
from sdescent.derive.methods.constants import POSITIVE, settle
from sdescent.derive.methods.noise.law import ARGUMENT, Law

# the finite sums have about nu/2 terms; for larger nu the hypergeometric form is far shorter and as accurate
LARGEST_FINITE_SUM = 30


@dataclass(frozen=True)
class StudentT(Law):
    """Student's t law with nu > 0 degrees of freedom, rational or symbolic (theory 3).

    Its tail index is nu, and its variance nu/(nu - 2) if nu > 2. For integer nu, 2F(x) - 1 is a finite sum (Abramowitz and
    Stegun 26.7.3 and 26.7.4), used up to nu = 30. Otherwise
    2F(x) - 1 = 2 x Gamma((nu+1)/2) / (sqrt(pi nu) Gamma(nu/2)) 2F1(1/2, (nu+1)/2; 3/2; -x^2/nu).
    """

    nu: Any

    def __post_init__(self) -> None:
        settle(self, "student-t:nu", POSITIVE)

    @property
    def tail(self) -> sp.Expr:
        return self.nu

    @property
    def _peak(self) -> sp.Expr:
        """The density at 0, p(0) = Gamma((nu+1)/2) / (sqrt(pi nu) Gamma(nu/2))."""
        return sp.gamma((self.nu + 1) / 2) / (sp.sqrt(sp.pi * self.nu) * sp.gamma(self.nu / 2))

    def density(self, x: sp.Expr) -> sp.Expr:
        return self._peak * (1 + x**2 / self.nu) ** (-(self.nu + 1) / 2)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        if self.nu.is_Integer and self.nu <= LARGEST_FINITE_SUM:
            return _finite_sum(int(self.nu), x)
        half = sp.Rational(1, 2)
        return 2 * x * self._peak * sp.hyper((half, (self.nu + 1) / 2), (3 * half,), -(x**2) / self.nu)

    def moment(self, m: int) -> sp.Expr:
        """The moment E Z^m = nu^{m/2} prod_{i=1}^{m/2} (2i - 1)/(nu - 2i) for even m < nu."""
        return self.nu ** (m // 2) * sp.prod([(2 * i - 1) / (self.nu - 2 * i) for i in range(1, m // 2 + 1)])

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y), by parts, where z p_nu is the derivative of -nu/(nu-1) p(0) (1 + z^2/nu)^{-(nu-1)/2}, a rescaled p_{nu-2}."""
        if m == 0:
            return self.sign_mean(y)
        front = self.nu / (self.nu - 1) * self._peak
        boundary = 2 * (-y) ** (m - 1) * (1 + y**2 / self.nu) ** (-(self.nu - 1) / 2)
        if m == 1:
            return front * boundary
        lower = StudentT(self.nu - 2)
        stretch = sp.sqrt(self.nu / lower.nu)
        inner = stretch ** (m - 1) / lower._peak * lower.signed_moment(m - 2, y / stretch)
        return front * ((m - 1) * inner + boundary)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        # gamma functions of numbers stay unevaluated: evaluated, they would give a factor with dozens of digits
        above, below = (rf"\Gamma\left({_half(e, show)}\right)" for e in (self.nu + 1, self.nu))
        front = rf"\frac{{{above}}}{{{show(sp.sqrt(sp.pi * self.nu))}\,{below}}}"
        tail = rf"\left({show(1 + ARGUMENT**2 / self.nu)}\right)^{{-{_half(self.nu + 1, show)}}}"
        density = rf"$\displaystyle F'({show(ARGUMENT)})={front}\,{tail}$"
        return rf"Student's $t$ with ${show(self.nu)}$ degrees of freedom, of density {density}"

    def latex(self) -> str:
        return rf"t_{{{latex(self.nu)}}}"


@dataclass(frozen=True)
class Cauchy(StudentT):
    """The Cauchy law with density 1/(pi (1 + x^2)) and 2F(x) - 1 = (2/pi) atan x (theory 3).

    It has no mean and infinite variance.
    """

    nu: Any = sp.S.One

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return Law.definition(self, show)

    def latex(self) -> str:
        return r"\mathrm{Cauchy}(0,1)"


def _half(e: sp.Expr, show: Callable[[sp.Expr], str]) -> str:
    """LaTeX of e/2; a sum becomes (a + b)/2 on one line."""
    return rf"\left({show(e)}\right)/2" if e.is_Add else show(e / 2)


def _finite_sum(nu: int, x: sp.Expr) -> sp.Expr:
    """2F(x) - 1 for integer nu (A&S 26.7.3 for odd nu, 26.7.4 for even nu), with cos^2 = nu/(nu + x^2), sin = x/sqrt(nu + x^2)."""
    cosine2, odd = nu / (nu + x**2), nu % 2
    coefficient, members = Fraction(1), list[sp.Expr]()
    for i in range(nu // 2):  # cos^{2i} times prod (2l)/(2l+1) for odd nu, prod (2l-1)/(2l) for even nu
        members.append(coefficient * cosine2**i)
        coefficient *= Fraction(2 * i + 1 + odd, 2 * i + 2 + odd)
    if not odd:
        return x / sp.sqrt(nu + x**2) * sp.Add(*members)
    return 2 / sp.pi * (sp.atan(x / sp.sqrt(nu)) + x * sp.sqrt(nu) / (nu + x**2) * sp.Add(*members))
