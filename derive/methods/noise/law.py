"""The interface of a gradient-noise law: all that the engine asks of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import sympy as sp

from sdescent.derive.methods.noise.integrals import integral
from sdescent.derive.vocabulary.errors import Refusal

INFINITE = sp.oo
#: the argument of densities in definitions
ARGUMENT = sp.Symbol("y", real=True)
#: variables and bounds of integrals; fixed, so that each integral is computed once
_SIZE, _FAR = sp.Dummy("z", positive=True), sp.Dummy("y", positive=True)
_PLACE, _BOUND = sp.Dummy("z", real=True), sp.Dummy("y", real=True)
#: a formula on [low, high]; high None is +oo
Branch = tuple[sp.Expr, int, int | None]


class Law(ABC):
    """A standardised law on the line. A noise is sigma times this law, so everything here is dimensionless.

    A subclass states `tail`, `density` and `sign_mean`. The other members follow by integration; a subclass overrides them where
    a closed form is known (theory 3). A law with a mean or a skew also states `symmetric = False`, which turns off the shortcuts
    for symmetric laws. `sd.check` tests these statements.
    """

    #: whether p(-z) = p(z)
    symmetric: bool = True
    #: whether sign_mean and signed_moment have closed forms (False: they are named functions that numerics evaluates)
    closed_form: bool = True
    #: whether the law is the point mass at 0
    degenerate: bool = False

    def __init_subclass__(cls, **options: object) -> None:
        """Convert a tail index that a subclass states as a Python number to SymPy."""
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
        """The tail index: E|Z|^r is finite iff r < tail (oo for light tails)."""

    @abstractmethod
    def density(self, x: sp.Expr) -> sp.Expr:
        """p(x) = F'(x), F the cdf."""

    @abstractmethod
    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        """E sign(x + Z) = 1 - 2F(-x), which is 2F(x) - 1 if the law is symmetric; its derivative is 2p(-x)."""

    def branches(self, x: sp.Expr) -> tuple[Branch, ...]:
        """2F(x) - 1 on x >= 0, one smooth formula for each interval of a partition of [0, oo). Proofs about F use them.

        Raises:
            Refusal: "asymmetric-noise": this describes a symmetric law only.
        """
        require_symmetric(self, "a proof about F uses 2F(x) - 1 on $x >= 0$, which")
        return ((self.sign_mean(x), 0, None),)

    @abstractmethod
    def latex(self) -> str:
        """The law's name in mathematics, such as t_\\nu."""

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        """The definition of the law, as a phrase of LaTeX (dollar signs included) after "independent": of density F'(y) = ..."""
        return rf"of density $\displaystyle F'({show(ARGUMENT)})={show(self.density(ARGUMENT))}$"

    @property
    def mean(self) -> sp.Expr:
        """E Z of the standardised law, where 1 < tail; 0 if it is symmetric."""
        return sp.S.Zero if self.symmetric else self.moment(1)

    @property
    def variance(self) -> sp.Expr:
        """Var Z of the standardised law, where 2 < tail."""
        return self.moment(2) - self.mean**2

    def moment(self, m: int) -> sp.Expr:
        """E Z^m for m < tail; of a symmetric law for even m alone (those of odd m are 0).

        Raises:
            NoClosedForm: the integral has none.
        """
        if m == 0:
            return sp.S.One
        z = _SIZE
        both = 2 * self.density(z) if self.symmetric else self.density(z) + (-1) ** m * self.density(-z)
        return self._integral(z**m * both, (z, 0, sp.oo))

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        """R_m(y) = E[Z^m sign(y + Z)] for m < tail.

        Even m: sign(y) times the integral of z^m p over [-|y|, |y|]; odd m: twice that over [|y|, oo), by symmetry. Without it,
        E Z^m less twice the integral over (-oo, -y].

        Raises:
            NoClosedForm: the integral has none.
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
    """Refuse a law with a mean or a skew.

    Args:
        needs: who needs the symmetry, the beginning of a sentence.

    Raises:
        Refusal: "asymmetric-noise".
    """
    if not law.symmetric:
        reason, name = f"{needs} needs a symmetric law of the noise, and {{}} is not symmetric", type(law).__name__
        raise Refusal("asymmetric-noise", reason.format(f"${law.latex()}$"), None, reason.replace("$", "").format(name))


class Vanishing(Law):
    """A law times a scale s >= 0 that vanishes at some states; there v = g and s^m R_m((g - c)/s) is sgn(g - c) if m = 0, else 0.

    Args:
        law: the standardised law.
        scale: s, a symbol that is not negative.
    """

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
