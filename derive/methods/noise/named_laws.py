"""The laws of named noises: Gaussian, Laplace, uniform and logistic; heavy-tailed: symmetric stable, Student's t and Cauchy."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.expressions.written import latex
from sdescent.derive.methods.constants import POSITIVE, always, settle
from sdescent.derive.methods.noise.law import ARGUMENT, INFINITE, Branch, Law
from sdescent.derive.vocabulary.errors import NoClosedForm


@dataclass(frozen=True)
class Gaussian(Law):
    """The standard Gaussian law N(0, 1), with variance 1 and 2F(x) - 1 = erf(x / sqrt 2) (theory 3).

    All moments are finite.
    """

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.erf(x / sp.sqrt(2))

    def moment(self, m: int) -> sp.Expr:
        return sp.factorial2(m - 1)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y), by integration by parts from z p = -p': R_m = (m-1) R_{m-2} + 2 (-y)^{m-1} p(y)."""
        if m == 0:
            return self.sign_mean(y)
        lower = (m - 1) * self.signed_moment(m - 2, y) if m >= 2 else sp.S.Zero
        return lower + 2 * (-y) ** (m - 1) * self.density(y)

    def latex(self) -> str:
        return r"\mathcal{N}(0,1)"


@dataclass(frozen=True)
class Laplace(Law):
    """The Laplace law with density exp(-|x|)/2, variance 2 and 2F(x) - 1 = sgn(x)(1 - exp(-|x|)) (theory 3)."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.exp(-sp.Abs(x)) / 2

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        ((above, _, _),) = self.branches(sp.Abs(x))
        return sp.sign(x) * above

    def branches(self, x: sp.Expr) -> tuple[Branch, ...]:
        return ((1 - sp.exp(-x), 0, None),)

    def moment(self, m: int) -> sp.Expr:
        return sp.factorial(m)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y) = m! sgn(y) (1 - Q) for even m and m! Q for odd m, with Q = e^{-|y|} sum_{l <= m} |y|^l/l!.

        Q is an incomplete gamma function of integer order.
        """
        size = sp.Abs(y)
        upper = sp.exp(-size) * sp.Add(*[size**n / sp.factorial(n) for n in range(m + 1)])
        return sp.factorial(m) * (sp.sign(y) * (1 - upper) if m % 2 == 0 else upper)

    def latex(self) -> str:
        return r"\mathrm{Laplace}(0,1)"


@dataclass(frozen=True)
class Uniform(Law):
    """The uniform law on [-1, 1], with variance 1/3 and 2F(x) - 1 = max(-1, min(1, x)) (theory 3)."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.Piecewise((sp.Rational(1, 2), sp.Abs(x) <= 1), (0, True))

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.Max(-1, sp.Min(1, x))

    def branches(self, x: sp.Expr) -> tuple[Branch, ...]:
        return ((x, 0, 1), (sp.S.One, 1, None))

    def moment(self, m: int) -> sp.Expr:
        return sp.Rational(1, m + 1)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y) = c^{m+1}/(m+1) for even m and (1 - c^{m+1})/(m+1) for odd m, with c = max(-1, min(1, y))."""
        power = self.sign_mean(y) ** (m + 1)
        return (power if m % 2 == 0 else 1 - power) / (m + 1)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        y = show(ARGUMENT)
        return rf"of density $F'({y})=\frac{{1}}{{2}}$ for $\left|{{{y}}}\right|\le1$, $0$ beyond"

    def latex(self) -> str:
        return r"\mathcal{U}[-1,1]"


@dataclass(frozen=True)
class Logistic(Law):
    """The logistic law with density sech^2(x/2)/4, variance pi^2/3 and 2F(x) - 1 = tanh(x/2) (theory 3)."""

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        return 1 / (4 * sp.cosh(x / 2) ** 2)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.tanh(x / 2)

    def moment(self, m: int) -> sp.Expr:
        """E Z^m = pi^m (2^m - 2) |B_m| for even m > 0, where B_m are the Bernoulli numbers."""
        return sp.S.One if m == 0 else sp.pi**m * (2**m - 2) * sp.Abs(sp.bernoulli(m))

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y), by integration by parts from 1 - F(a) = e^{-a}/(1 + e^{-a}).

        The case m = 2 uses the dilogarithm Li_2(w) = w 3F2(1,1,1;2,2;w).
        """
        size = sp.Abs(y)
        decay = sp.exp(-size)
        upper = decay / (1 + decay)  # 1 - F(|y|), without the cancellation
        if m == 0:
            return self.sign_mean(y)
        if m == 1:
            return 2 * size * upper + 2 * sp.log(1 + decay)
        if m == 2:
            dilogarithm = -decay * sp.hyper((1, 1, 1), (2, 2), -decay)
            beyond = 2 * size**2 * upper + 4 * size * sp.log(1 + decay) - 4 * dilogarithm  # 2 int_{|y|}^oo z^2 p
            return sp.sign(y) * (self.moment(2) - beyond)
        return super().signed_moment(m, y)

    def latex(self) -> str:
        return r"\mathrm{Logistic}(0,1)"


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

    tail = property(lambda self: self.nu)

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


class StableSignMean(sp.Function):
    """The function 2F(x) - 1 of (alpha, x) for the symmetric stable law with characteristic function exp(-|t|^alpha).

    It equals (2/pi) int_0^oo sin(xt)/t e^{-t^alpha} dt and is evaluated by quadrature. `Stable` uses it unless alpha is 1 or 2.
    """

    nargs = 2

    @classmethod
    def eval(cls, alpha: sp.Expr, x: sp.Expr) -> sp.Expr | None:
        if x.is_zero:
            return sp.S.Zero
        return -cls(alpha, -x) if x.could_extract_minus_sign() else None

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
    """The density of the law of `StableSignMean`, as a function of (alpha, x): p(x) = (1/pi) int_0^oo cos(xt) e^{-t^alpha} dt.

    p(0) = Gamma(1 + 1/alpha)/pi.
    """

    nargs = 2

    @classmethod
    def eval(cls, alpha: sp.Expr, x: sp.Expr) -> sp.Expr | None:
        return sp.gamma(1 + 1 / alpha) / sp.pi if x.is_zero else None

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        alpha, x = (printer._print(a) for a in self.args)
        return rf"F_{{{alpha}}}'" + ("" if exp is None else f"^{{{exp}}}") + rf"\left({x}\right)"


@dataclass(frozen=True)
class Stable(Law):
    """The symmetric stable law with characteristic function exp(-|t|^alpha), 0 < alpha <= 2, and tail index alpha (theory 3).

    It is the Cauchy law for alpha = 1 and N(0, 2), with infinite tail index, for alpha = 2. Otherwise the density and the
    distribution function have no closed form.
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
        power = rf"\left|{{{y}}}\right|^{{{alpha}}}"
        law = rf"with $\mathbb{{E}}\,e^{{\mathrm{{i}}{y}{unit}}}=e^{{-{power}}}$ for real ${y}$"
        names = rf"; $F_{{{alpha}}}$ is their distribution function, $F_{{{alpha}}}'$ their density"
        return law + ("" if self.closed_form else names)

    def latex(self) -> str:
        return rf"S_{{{latex(self.alpha)}}}"
