"""Losses f: R^d -> R (theory 1 and 8). All are dimensionless."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.constants import POSITIVE, always, settle
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import belongs_to_the_engine
from sdescent.derive.vocabulary.registry import Parameter, pieces_in, positive, register
from sdescent.derive.vocabulary.symbols import N, coerce, d, eta, matched, parameter, require_ours


@dataclass(frozen=True)
class Smoothness:
    """Constants (L0, L1) with ||H(x)||_op <= L0 + L1 ||grad f(x)||_2 for all x.

    Args:
        l0, l1: L0 and L1.
        family: the range of their free parameter, such as "for every L1 > 0"; "" if the pair is unique.
    """

    l0: sp.Expr
    l1: sp.Expr
    family: str = ""


class Loss(ABC):
    """A loss with a symbolic value f(x), in every dimension in which it exists."""

    @abstractmethod
    def value(self, x: Sequence[sp.Expr]) -> sp.Expr:
        """The value f(x) in the coordinates `x`.

        Raises:
            BadInput: the loss does not exist in dimension len(x).
        """

    def parameters(self, dim: int) -> tuple[str, ...]:
        """The names of the symbols in f other than the coordinates of R^dim."""
        x = [sp.Dummy(f"x{j}", real=True) for j in range(dim)]
        return tuple(sorted(s.name for s in self.value(x).free_symbols - set(x)))  # pyright: ignore[reportAttributeAccessIssue]

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        """The formula f(x) = .. as LaTeX with dollar signs; `show` typesets an expression. "" if the class defines none."""
        return ""

    def players(self, dim: int) -> tuple[int, ...]:
        """The signs in the field players * grad f: 1 for each coordinate whose player minimises f, -1 if the player maximises f."""
        return (1,) * dim

    def linear_gradient(self, dim: int) -> bool:
        """Whether the gradient is linear: all third derivatives of f vanish."""
        z = [sp.Dummy(f"x{j}", real=True) for j in range(dim)]
        value = self.value(z)
        return bool(value.is_polynomial(*z)) and sp.Poly(value, *z).total_degree() <= 2

    @abstractmethod
    def smoothness(self, dim: int) -> Smoothness:
        """The (L0, L1) constants (theory 8); a user's class may return them as a pair."""


class Separable(Loss):
    """A separable loss, f(x) = sum_j f_j(x_j).

    Constants (L0, L1) that hold for every f_j also hold for f, since |g_j| <= ||g||_2.
    """

    @property
    @abstractmethod
    def coordinate(self) -> sp.Expr:
        """The summand f_j(x_j) in the generic coordinate x_j; vector parameters such as h_j may occur."""

    def linear_gradient(self, dim: int) -> bool:
        return self.coordinate.diff(x, 3) == 0

    def vectors(self, dim: int) -> dict[str, list[sp.Expr]]:
        """The entries of the vector parameters of `coordinate`; by default a vector w has the entries w1, w2, .."""
        vector_letters = {c for c in self.coordinate.atoms(Coordinate) if c != x}
        return {c.base: c.vector(dim) for c in sorted(vector_letters, key=str)}  # pyright: ignore[reportAttributeAccessIssue]

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        term = show(self.coordinate)
        term = rf"\left({term}\right)" if self.coordinate.is_Add else term
        return rf"$f({_letter(show)})=\sum_j {term}$"

    def parameters(self, dim: int) -> tuple[str, ...]:
        # read from f_j: the sum over thousands of coordinates would take minutes
        names = {s.name for s in self.coordinate.free_symbols if not isinstance(s, Coordinate)}  # pyright: ignore[reportAttributeAccessIssue]
        # an entry shared by all coordinates is read once
        entries = {id(e): e for values in self.vectors(dim).values() for e in values}.values()
        return tuple(sorted(names | {s.name for e in entries for s in sp.sympify(e).free_symbols}))

    def require_own_symbols(self) -> None:
        """Check that f_j is a formula in the toolkit's generic coordinate x_j.

        Raises:
            BadInput: f_j does not contain x_j, or contains a foreign symbol with a reserved name, such as another symbol called x,
                with respect to which no derivative would be taken.
        """
        accepted = "the generic coordinate x_j, sdescent.derive.methods.losses.x"
        require_ours(self.coordinate, (x, eta, N, d), "loss", accepted)
        if not self.coordinate.has(x):
            raise BadInput("loss", self.coordinate, "a formula that depends on x_j, sd.losses.x")

    def value(self, x: Sequence[sp.Expr]) -> sp.Expr:
        self.require_own_symbols()
        entries = {**self.vectors(len(x)), "x": list(x)}
        letters = self.coordinate.atoms(Coordinate)
        terms = (self.coordinate.xreplace({c: entries[c.base][m] for c in letters}) for m in range(len(x)))
        return sum(terms, sp.S.Zero)


x = Coordinate("x", "j")
_HESSIAN = Coordinate("h", "j", True)


def _letter(show: Callable[[sp.Expr], str]) -> str:
    return show(x).removesuffix("_{j}")


_CURVATURES = "numbers > 0, one per coordinate"


@register(
    "loss", "quadratic", "sum_j h_j x_j^2 / 2", Parameter("h", _CURVATURES, lambda v: v > 0, None, per_coordinate=True)
)
@dataclass(frozen=True)
class Quadratic(Separable):
    """The quadratic loss f = sum_j h_j x_j^2/2 with curvatures h_j > 0.

    Args:
        h: one value for all coordinates, or one per coordinate; None for the symbols h1, h2, ..
    """

    h: Any = None

    def __post_init__(self) -> None:
        if self.h is None:
            return
        values = self.h if isinstance(self.h, (tuple, list)) else (self.h,)
        if not values:
            raise BadInput("quadratic:h", "0 values", _CURVATURES)
        h = tuple(coerce(v, "quadratic:h") for v in values)
        for v in h:
            if v.is_number and not v.is_positive:
                raise BadInput("quadratic:h", v, _CURVATURES)
        object.__setattr__(self, "h", h)

    coordinate = always(_HESSIAN * x**2 / 2)

    def vectors(self, dim: int) -> dict[str, list[sp.Expr]]:
        if self.h is None:
            return {"h": [parameter(f"h{m + 1}") for m in range(dim)]}
        if len(self.h) not in (1, dim):
            raise BadInput("quadratic:h", f"{len(self.h)} values", f"one value, or {dim} (the dimension)")
        return {"h": list(self.h * dim if len(self.h) == 1 else self.h)}

    def smoothness(self, dim: int) -> Smoothness:
        return Smoothness(sp.Max(*self.vectors(dim)["h"]), sp.S.Zero)


@register("loss", "quartic", "sum_j x_j^4 / 4")
@dataclass(frozen=True)
class Quartic(Separable):
    """The quartic loss f = sum_j x_j^4/4, which is not L-smooth.

    It is (4/L1^2, L1)-smooth for every L1 > 0: 3x^2 <= 4/L1^2 + L1 |x|^3, with equality at |x| = 2/L1 (theory 5).
    """

    coordinate = always(x**4 / 4)

    def smoothness(self, dim: int) -> Smoothness:
        l1 = parameter("L1")
        return Smoothness(4 / l1**2, l1, "for every L1 > 0")


@register("loss", "cosh", "sum_j (cosh x_j - 1)")
@dataclass(frozen=True)
class Cosh(Separable):
    """The loss f = sum_j (cosh x_j - 1), which is (1, 1)-smooth since cosh x <= 1 + |sinh x|."""

    coordinate = always(sp.cosh(x) - 1)

    def smoothness(self, dim: int) -> Smoothness:
        return Smoothness(sp.S.One, sp.S.One)


@register("loss", "glued-exponential", "sum_j of e^x - x - 1 for x >= 0, x^2/2 for x < 0")
@dataclass(frozen=True)
class GluedExponential(Separable):
    """The separable loss with f_j(x) = e^x - x - 1 for x >= 0 and x^2/2 for x < 0.

    It is twice continuously differentiable, and (1, 1)-smooth since f_j'' = 1 + f_j' for x >= 0 and f_j'' = 1 for x < 0.
    """

    coordinate = always(sp.Piecewise((sp.exp(x) - x - 1, x >= 0), (x**2 / 2, True)))

    def smoothness(self, dim: int) -> Smoothness:
        return Smoothness(sp.S.One, sp.S.One)


@register("loss", "bilinear-game", "a sum_j x_j y_j for two players: x minimises, y maximises", positive("a"))
@dataclass(frozen=True)
class BilinearGame(Loss):
    """The bilinear two-player game f = a sum_j x_j y_j with a > 0.

    The player of x, the first half of the coordinates, minimises f; the player of y, the second half, maximises it. The field
    (a y, -a x) has an antisymmetric Jacobian: gradient descent-ascent spirals outwards, extragradient inwards.
    """

    a: Any = "a"

    def __post_init__(self) -> None:
        settle(self, "bilinear-game:a", POSITIVE)

    def players(self, dim: int) -> tuple[int, ...]:
        half = self._half(dim)
        return (1,) * half + (-1,) * half

    def value(self, x: Sequence[sp.Expr]) -> sp.Expr:
        half = self._half(len(x))
        return self.a * sp.Add(*[x[j] * x[j + half] for j in range(half)])

    def smoothness(self, dim: int) -> Smoothness:
        return Smoothness(self.a, sp.S.Zero)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        letter = _letter(show)
        halves = "minimised in the first half of the coordinates and maximised in the second"
        return rf"$f({letter})={show(self.a)}\,\sum_{{j\le d/2}} {letter}_j {letter}_{{j+d/2}}$, {halves}"

    @staticmethod
    def _half(dim: int) -> int:
        if dim % 2:
            raise BadInput("dim", dim, "an even dimension: half of the coordinates for each player of bilinear-game")
        return dim // 2


@register(
    "loss",
    "logistic-regression",
    "log(1 + exp(-a.x)) for one sample with features a1, a2, .., plus (l2/2)||x||^2; in Python with any data",
    Parameter("l2", "a number >= 0", lambda v: v >= 0, "0"),
)
@dataclass(frozen=True)
class LogisticRegression(Loss):
    """The loss of logistic regression, f = mean_n log(1 + exp(-y_n a_n.x)) + (l2/2)||x||_2^2.

    Args:
        l2: the weight of the squared norm, >= 0.
        features: the rows a_n; None for a single sample with the symbols a1, a2, .. and the label 1.
        labels: y_n in {-1, 1}, one for each row; None if and only if `features` is None.
    """

    l2: Any = 0
    features: tuple[tuple[Any, ...], ...] | None = None
    labels: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        settle(self, "logistic-regression:l2", (lambda l2: l2.is_nonnegative, "a number >= 0"))
        if (self.features is None) != (self.labels is None) or len(self.features or ()) != len(self.labels or ()):
            raise BadInput("logistic-regression:labels", self.labels, "one label for each row of features")
        if any(y not in (-1, 1) for y in self.labels or ()):
            raise BadInput("logistic-regression:labels", self.labels, "labels -1 and 1")
        for value in (v for row in self.features or () for v in row):
            names = [s.name for s in getattr(value, "free_symbols", ())]
            if isinstance(value, str) or any(map(belongs_to_the_engine, names)):
                accepted = "numbers, or symbols that the engine does not use itself"
                raise BadInput("logistic-regression:features", value, accepted)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        state = _letter(show)
        square = "" if self.l2 == 0 else rf"+{show(self.l2 / 2)}\,\|{state}\|_2^2"
        if self.features is None:
            return rf"$f({state})=\log\left(1+e^{{-a^{{\top}}{state}}}\right){square}$, with $a$ the features of one sample"
        data = rf"\frac{{1}}{{{len(self.features)}}}\sum_m\log\left(1+e^{{-y_m a_m^{{\top}}{state}}}\right)"
        return rf"$f({state})={data}{square}$, with the features $a_m$ and the label $y_m$ of sample $m$"

    def parameters(self, dim: int) -> tuple[str, ...]:
        entries = {sp.sympify(self.l2), *(a for row in self._rows(dim) for a in row)}
        return tuple(sorted({s.name for e in entries for s in e.free_symbols}))

    def _rows(self, dim: int) -> list[list[sp.Expr]]:
        if self.features is None:
            return [[sp.Symbol(f"a{m + 1}", real=True) for m in range(dim)]]
        if any(len(row) != dim for row in self.features):
            raise BadInput("logistic-regression:features", f"rows of {len(self.features[0])}", f"rows of {dim} numbers")
        return [[sp.sympify(v) for v in row] for row in self.features]

    def value(self, x: Sequence[sp.Expr]) -> sp.Expr:
        rows, labels = self._rows(len(x)), self.labels or (1,)
        products = [sp.Add(*[a * v for a, v in zip(row, x, strict=True)]) for row in rows]
        data = sp.Add(*[sp.log(1 + sp.exp(-y * p)) for p, y in zip(products, labels, strict=True)]) / len(rows)
        return data + self.l2 / 2 * sp.Add(*[v**2 for v in x])

    def smoothness(self, dim: int) -> Smoothness:
        rows = self._rows(dim)
        size = sp.Add(*[sp.Add(*[a**2 for a in row]) for row in rows]) / len(rows)
        return Smoothness(self.l2 + size / 4, sp.S.Zero)


@dataclass(frozen=True)
class SeparableSum(Separable):
    """A separable loss f = sum_j f_j(x_j), where the user gives f_j as a formula in the generic coordinate x_j.

    Args:
        f: the formula of f_j: text such as "x^4/4" or "a*x^2/2" (`sdescent.derive.vocabulary.formulas.expressions`), or a SymPy
            expression. A SymPy symbol x without assumptions stands for x_j (`sdescent.derive.methods.losses.x`); other symbols
            are parameters.
        l0, l1: the (L0, L1) constants of f_j; without them, `smoothness` raises BadInput.

    Raises:
        BadInput: f does not depend on x_j, or contains a float or a symbol that the toolkit reserves (x1, t, g).
    """

    f: Any
    l0: Any = None
    l1: Any = None

    def __post_init__(self) -> None:
        f = matched(self.f, (x, eta, N, d), "separable-sum:f")
        if foreign := {c for c in f.atoms(Coordinate) if c.slot != "j" or c.base in ("g", "v")}:
            raise BadInput("separable-sum:f", min(map(str, foreign)), "a formula in x, whose vectors are parameters")
        if not f.has(x):
            raise BadInput("separable-sum:f", f, "a formula that depends on x, the generic coordinate, such as 'x^4/4'")
        object.__setattr__(self, "f", f)

    coordinate = property(lambda self: self.f)

    def smoothness(self, dim: int) -> Smoothness:
        if self.l0 is None or self.l1 is None:
            raise BadInput("smoothness", None, "l0 and l1 given with the loss")
        return Smoothness(coerce(self.l0, "l0"), coerce(self.l1, "l1"))


def __dir__() -> list[str]:
    return pieces_in(__name__, globals())
