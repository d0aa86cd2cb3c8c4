"""The interface of a law of the gradient noise: everything that the engine asks of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import sympy as sp

from sdescent.derive.methods.noise.integrals import integral
from sdescent.derive.vocabulary.errors import Refusal

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
        """Convert to SymPy a tail index that a subclass states as a Python number."""
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
    """Check that a law is symmetric.

    Args:
        needs: the reason why symmetry is needed, as the beginning of a sentence that goes on with "needs a symmetric law".

    Raises:
        Refusal: "asymmetric-noise": it is not.
    """
    if not law.symmetric:
        reason, name = f"{needs} needs a symmetric law of the noise, and {{}} is not symmetric", type(law).__name__
        raise Refusal("asymmetric-noise", reason.format(f"${law.latex()}$"), None, reason.replace("$", "").format(name))


class Vanishing(Law):
    """A law times a scale s >= 0 that may vanish. If s = 0, then v = g, and s^m R_m((g - c)/s) is sgn(g - c) for m = 0, else 0.

    Args:
        law: the standardised law.
        scale: the scale s, a nonnegative symbol.
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
