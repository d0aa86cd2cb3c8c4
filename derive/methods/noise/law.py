"""The interface of a law of the gradient noise: all that the engine asks of it, with integrals for moments; unspecified laws."""

import logging
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from sdescent.derive.methods.constants import always
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import parameter

Limits = tuple[sp.Expr, sp.Expr, sp.Expr]
#: seconds after which a log message tells the waiting user how to avoid the integral
PATIENCE = 8


def integral(integrand: sp.Expr, limits: Limits, name: str) -> sp.Expr:
    """The integral of an expression over limits (z, low, high). Results and failures are cached.

    If it takes long, a hint about the law `name` is logged. Raises NoClosedForm if no closed form was found.
    """
    value = _closed_form(integrand, limits, name)
    if value is None:
        raise NoClosedForm(f"no closed form for the integral of {integrand}")
    return value


@lru_cache(maxsize=512)
def _closed_form(integrand: sp.Expr, limits: Limits, name: str) -> sp.Expr | None:
    value = _exponential(integrand, *limits)
    if value is not None:
        return value
    slow = f"an integral over the density of {name} takes long"
    advice = f"{slow}: its class can state moment(m), and signed_moment(m, y)"
    hint = threading.Timer(PATIENCE, logging.getLogger("sdescent").warning, [advice])
    hint.daemon = True
    hint.start()
    try:
        value = sp.integrate(integrand, limits)
    finally:
        hint.cancel()
    return None if value.has(sp.Integral) else value


def _exponential(integrand: sp.Expr, z: sp.Expr, low: sp.Expr, high: sp.Expr) -> sp.Expr | None:
    """The integral of a sum of terms c_n z^n e^{-a z^2 + b z + c}; None for any other integrand or a divergent integral.

    By parts, 2a I_n = -[z^{n-1} e] + b I_{n-1} + (n-1) I_{n-2}, where I_0 is an erf; for a = 0, b I_n = [z^n e] - n I_{n-1}.
    """
    by_exponent: dict[sp.Expr, dict[int, sp.Expr]] = defaultdict(lambda: defaultdict(lambda: sp.S.Zero))
    for term in sp.Add.make_args(sp.expand(integrand, power_exp=False)):
        constant, power, exponent = sp.S.One, 0, sp.S.Zero
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, sp.exp) and factor.args[0].is_polynomial(z):
                exponent += factor.args[0]
            elif not factor.has(z):
                constant *= factor
            elif factor.as_base_exp()[0] == z and factor.as_base_exp()[1].is_Integer and factor.as_base_exp()[1] > 0:
                power += int(factor.as_base_exp()[1])
            else:
                return None
        by_exponent[sp.expand(exponent)][power] += constant
    total = sp.S.Zero
    for exponent, coefficients in by_exponent.items():
        if sp.degree(exponent, z) not in (1, 2):
            return None
        b, a = exponent.coeff(z, 1), -exponent.coeff(z, 2)
        decays = a.is_positive or (a == 0 and (b.is_negative or high != sp.oo) and (b.is_positive or low != -sp.oo))
        if not decays or (b.is_zero and a == 0):
            return None
        ends = [_antiderivatives(max(coefficients), a, b, exponent.subs(z, 0), z, end) for end in (low, high)]
        total += sp.Add(*[c * (ends[1][n] - ends[0][n]) for n, c in coefficients.items()])
    # expanded, so that terms cancel one by one, such as the erf of a shift between the two half lines
    return sp.expand(total, power_exp=False)


def _antiderivatives(most: int, a: sp.Expr, b: sp.Expr, c: sp.Expr, z: sp.Expr, at: sp.Expr) -> list[sp.Expr]:
    """The antiderivatives I_0, .., I_most at the point `at`, or their limits if `at` is infinite."""
    infinite = at in (sp.oo, -sp.oo)
    height = sp.S.Zero if infinite else sp.exp(sp.expand(-a * at**2 + b * at + c))
    place = sp.S.Zero if infinite else at  # at infinity it is only ever multiplied by the height 0
    if a == 0:
        values = [height / b]
        for n in range(1, most + 1):
            values.append((place**n * height - n * values[-1]) / b)
        return values
    shape = sp.sign(at) if infinite else sp.erf(sp.expand(sp.sqrt(a) * at - b / (2 * sp.sqrt(a))))
    values = [sp.sqrt(sp.pi / a) / 2 * sp.exp(sp.cancel(b**2 / (4 * a) + c)) * shape]
    for n in range(1, most + 1):
        before = (n - 1) * values[n - 2] if n > 1 else sp.S.Zero
        values.append((b * values[-1] + before - place ** (n - 1) * height) / (2 * a))
    return values


INFINITE = sp.oo
#: the argument of densities in definitions that users read
ARGUMENT = sp.Symbol("y", real=True)
#: variables and bounds of integrals; always the same, so that the cache finds each integral
_SIZE, _FAR = sp.Dummy("z", positive=True), sp.Dummy("y", positive=True)
_PLACE, _BOUND = sp.Dummy("z", real=True), sp.Dummy("y", real=True)
#: (formula, low, high): a formula that holds on [low, high]; None for high = +oo
Branch = tuple[sp.Expr, int, int | None]


class Law(ABC):
    """A standardised law of Z on the real line. A noise is sigma times such a law, so everything here is dimensionless.

    A subclass defines `tail`, `density`, `sign_mean` and `latex`. The other methods follow by integration; a subclass overrides
    them if a closed form is known (theory 3). A law that is not symmetric about 0 also states `symmetric = False`, which turns off
    the shortcuts for symmetric laws. `sd.check` tests all these statements.
    """

    #: whether p(-z) = p(z)
    symmetric: bool = True
    #: whether sign_mean and signed_moment have closed forms; otherwise they are named functions, evaluated numerically
    closed_form: bool = True
    #: whether the law is the point mass at 0
    degenerate: bool = False

    def __init_subclass__(cls, **options: object) -> None:
        """Convert the tail index that a subclass states, which may be a Python number, to a SymPy expression."""
        super().__init_subclass__(**options)
        stated = vars(cls).get("tail")
        read = stated.fget if isinstance(stated, property) else None
        if read is not None:
            cls.tail = property(lambda self: sp.sympify(read(self)), doc=stated.__doc__)  # pyright: ignore[reportAttributeAccessIssue]
        elif isinstance(stated, int | float):
            cls.tail = sp.sympify(stated)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    @abstractmethod
    def tail(self) -> sp.Expr:
        """The tail index: E|Z|^r is finite if and only if r < tail; oo if all moments are finite."""

    @abstractmethod
    def density(self, x: sp.Expr) -> sp.Expr:
        """The density p(x) = F'(x), where F is the distribution function."""

    @abstractmethod
    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        """The mean E sign(x + Z) = 1 - 2F(-x), which is 2F(x) - 1 if the law is symmetric. Its derivative is 2p(-x)."""

    def branches(self, x: sp.Expr) -> tuple[Branch, ...]:
        """Smooth formulas of 2F(x) - 1, one for each interval of a partition of [0, oo). Proofs about F use them.

        Raises:
            Refusal: "asymmetric-noise": the law is not symmetric.
        """
        require_symmetric(self, "a proof about F uses 2F(x) - 1 on $x >= 0$, which")
        return ((self.sign_mean(x), 0, None),)

    @abstractmethod
    def latex(self) -> str:
        """The law's mathematical name as LaTeX, such as t_\\nu."""

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        """The definition of the law as LaTeX text with dollar signs, to follow "independent": "of density $F'(y) = ..$"."""
        return rf"of density $\displaystyle F'({show(ARGUMENT)})={show(self.density(ARGUMENT))}$"

    @property
    def mean(self) -> sp.Expr:
        """The mean E Z of the standardised law, which exists if 1 < tail; 0 if the law is symmetric."""
        return sp.S.Zero if self.symmetric else self.moment(1)

    @property
    def variance(self) -> sp.Expr:
        """The variance Var Z of the standardised law, which is finite if 2 < tail."""
        return self.moment(2) - self.mean**2

    def moment(self, m: int) -> sp.Expr:
        """The moment E Z^m for m < tail. If the law is symmetric, m must be even: its odd moments are 0.

        Raises:
            NoClosedForm: the integral has no known closed form.
        """
        if m == 0:
            return sp.S.One
        z = _SIZE
        both = 2 * self.density(z) if self.symmetric else self.density(z) + (-1) ** m * self.density(-z)
        return self._integral(z**m * both, (z, 0, sp.oo))

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """The signed moment R_m(y) = E[Z^m sign(y + Z)] for m < tail.

        For a symmetric law it is sign(y) times the integral of z^m p over [-|y|, |y|] if m is even, and twice the integral over
        [|y|, oo) if m is odd. For any other law it is E Z^m minus twice the integral over (-oo, -y].

        Raises:
            NoClosedForm: the integral has no known closed form.
        """
        if m == 0:
            return self.sign_mean(y)
        if not self.symmetric:
            z, bound = _PLACE, _BOUND
            below = self._integral(z**m * self.density(z), (z, -sp.oo, -bound))
            return self.moment(m) - 2 * below.subs(bound, y)
        z, bound = _SIZE, _FAR
        value = self._integral(2 * z**m * self.density(z), (z, 0, bound) if m % 2 == 0 else (z, bound, sp.oo))
        value = value.subs(bound, sp.Abs(y))
        return sp.sign(y) * value if m % 2 == 0 else value

    def _integral(self, integrand: sp.Expr, limits: tuple[sp.Expr, sp.Expr, sp.Expr]) -> sp.Expr:
        return integral(integrand, limits, type(self).__name__)


def require_symmetric(law: Law, needs: str) -> None:
    """Raise Refusal "asymmetric-noise" unless a law is symmetric; `needs` begins a sentence that ends in "needs a
    symmetric law".
    """
    if not law.symmetric:
        reason, name = f"{needs} needs a symmetric law of the noise, and {{}} is not symmetric", type(law).__name__
        raise Refusal("asymmetric-noise", reason.format(f"${law.latex()}$"), None, reason.replace("$", "").format(name))


class Vanishing(Law):
    """A law times a scale s >= 0 that may vanish. If s = 0, then v = g, and s^m R_m((g - c)/s) is sgn(g - c) for m = 0, else 0."""

    def __init__(self, law: Law, scale: sp.Symbol) -> None:
        self.law, self.scale = law, scale
        self.symmetric = law.symmetric

    tail = property(lambda self: self.law.tail)

    def density(self, x: sp.Expr) -> sp.Expr:
        return self.law.density(x)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return self.signed_moment(0, x)

    def moment(self, m: int) -> sp.Expr:
        return self.law.moment(m)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        silent = sp.sign(y * self.scale) if m == 0 else sp.S.Zero
        return sp.Piecewise((self.law.signed_moment(m, y), self.scale > 0), (silent, True))

    def latex(self) -> str:
        return self.law.latex()


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
    """A law with unevaluated F, p and R_m, for readability if the formulas of `closed` are long."""

    closed: Law  # the law with closed forms, which supplies the tail index and the moments

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
