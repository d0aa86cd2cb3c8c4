"""The equation of an update rule as data, in generic coordinates; its second order if the rule acts coordinate by coordinate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import sympy as sp

from sdescent.derive.equations.kinks import kinks_of_model, weak_order
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.equations.step.draws import MessageLeaf, spoken
from sdescent.derive.equations.step.increments import root
from sdescent.derive.equations.step.mean_over_step import Expectation
from sdescent.derive.equations.step.operators import OneStep
from sdescent.derive.expressions import coordinates
from sdescent.derive.expressions.derivatives import gathered
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import du, t, u

Pair = tuple[str, str]
NOT_AFTER_THE_NOISE = "no elementary form exists after the noise; use the moments given the message"


@dataclass(frozen=True)
class LeftOut:
    """A term that the conventional first-order model drops."""

    letters: Pair  # the two letters that name its entry of the covariance
    term: sp.Expr | None  # its value at the generic coordinate, or None if it was not computed
    needs: int  # the order of the moment of the noise on which it depends
    condition: Condition | None  # the inequality under which this moment exists, or None if it certainly exists

    @property
    def where(self) -> str:
        """The entry of the covariance that lacks the term, such as "covariance v v"."""
        return f"covariance {' '.join(self.letters)}"


class RangeKind(StrEnum):
    """The quantity that must be small for an equation to hold."""

    #: the lag of a fast memory's mean behind the gradient, in standard deviations of the sign's argument
    MEMORY_LAG = "memory-lag"


#: the quantity of a `Range` is reported if it exceeds this; the relative error of the equation is of about this size
LARGE = 0.1


@dataclass(frozen=True)
class Range:
    """The range in which an equation holds: the terms it leaves out are small if `quantity` is small compared with 1."""

    kind: RangeKind  # the kind of the quantity
    quantity: sp.Expr  # the quantity at coordinate j, nonnegative and dimensionless


@dataclass(frozen=True)
class RuleEquation:
    """An Ito equation dZ = drift dt + L dW with L L' = covariance and Z = (x, memory), in the generic coordinate."""

    method: Method  # method, model, loss, dim: the arguments from which it was derived
    model: Model
    loss: Loss | None
    dim: int | None
    drift: dict[str, sp.Expr]  # the drift of each letter at coordinate j
    #: the covariance of two letters at the same coordinate, (first, second) in the order of the letters
    covariance: dict[Pair, sp.Expr]
    #: the covariance of the first letter at coordinate i with the second at j != i; letters in both orders
    pair: dict[Pair, sp.Expr]
    #: inequalities that a symbol leaves open, or that are unmet but only reported
    conditions: tuple[Condition, ...] = ()
    left_out: tuple[LeftOut, ...] = field(default=())  # the terms that the conventional first-order model drops
    letters: tuple[str, ...] = ("x",)  # x and the slow memory letters, which a step changes little
    #: (y - x)/tau if a fast memory was averaged out and settles (`sdescent.derive.equations.averaged`), else None
    shift: sp.Expr | None = None
    ranges: tuple[Range, ...] = ()  # the ranges in which the equation holds; () if only its weak order limits it
    #: whether the equation is for losses that are sums over coordinates, with second and third derivatives H_j and T_j
    local: bool = False
    #: letters such as "x x m" and E F F F/s^3, if a step of time s^2 has this third moment, which no diffusion has
    skewed: tuple[str, sp.Expr] | None = None
    #: the letters in drift or covariance for moments of a message without a closed form; None if there are none
    message: MessageLeaf | None = None

    def closed(self) -> "RuleEquation":
        """The equation itself; raises NoClosedForm if it contains letters for moments of a message."""
        if self.message is not None:
            raise NoClosedForm(NOT_AFTER_THE_NOISE)
        return self

    @property
    def weak_order(self) -> int | float:
        """The weak order of the model on test functions of x and the memory: 1/2 if the noise of the limit is skewed."""
        return weak_order(self.model, self.loss, self.dim) if self.skewed is None else 0.5

    @cached_property
    def kinks(self) -> tuple[sp.Expr, ...]:
        """The kinks and jumps of drift and covariance, from `kinks_of_model`."""
        return kinks_of_model(self._coefficients, self.loss, self.dim, self.model)

    @cached_property
    def singular(self) -> tuple[sp.Expr, ...]:
        """The roots and quotients in drift or covariance without a derivative where the method starts, such as sqrt(v) at v = 0."""
        start: dict[sp.Basic, sp.Expr] = {t: sp.S.Zero}
        start |= {coordinates.Coordinate(a): sp.sympify(value) for a, value in self.method.rule.memory}
        powers = [a for a in coordinates.parts_of(self._coefficients) if isinstance(a, sp.Pow)]
        powers = [a for a in powers if not (a.exp.is_Integer and a.exp > 0)]
        singular: dict[sp.Expr, sp.Expr] = {}
        for a in sorted(powers, key=lambda a: (a.count_ops(), sp.default_sort_key(a))):
            # a singular part inside counts as an arbitrary number, so a sum that contains it is not singular
            if a.base.has(*start) and a.base.xreplace(singular).xreplace(start) == 0:
                singular[a] = sp.Dummy("singular")
        simplest = (
            1 / a.base if a.exp.is_Integer else a.base ** sp.Rational(1, a.exp.q) if a.exp.is_Rational else a
            for a in singular
        )
        return tuple(dict.fromkeys(simplest))

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """All drifts and covariances, to collect symbols from."""
        return (*self.drift.values(), *self.covariance.values(), *self.pair.values())

    def written(self, write: Callable[[sp.Expr], str]) -> dict[str, dict[str, str]]:
        """Drift, covariance and pair as JSON values; covariances that are 0 are left out."""
        drift = {a: write(e) for a, e in self.drift.items()}
        covariance = {f"{a} {b}": write(e) for (a, b), e in self.covariance.items() if e != 0}
        pair = {f"{a} {b}": write(e) for (a, b), e in self.pair.items() if e != 0}
        return {"drift": drift, "covariance": covariance, "pair": pair}

    @property
    def _coefficients(self) -> list[sp.Expr]:
        return [*self.drift.values(), *self.covariance.values()]

    def caveat(self, show: Callable[[sp.Expr], str]) -> str:
        """The text "they have a kink or a jump at .." if drift or covariance is not smooth, as weak orders presume; else "".

        Args:
            show: a function that typesets an expression.
        """
        said = {"have a kink or a jump at ": self.kinks, "are singular, as the method starts, in ": self.singular}
        where = [text + ", ".join(map(show, parts)) for text, parts in said.items() if parts]
        return f"they {', and '.join(where)}" if where else ""


#: for each derivative along vectors: the derivative in the coordinate alone, and the power of the vector beside it
_SLOPES: dict[type, tuple[sp.Expr, int]] = {
    coordinates.Hvp: (coordinates.DERIVATIVES[2], 1),
    coordinates.Third: (coordinates.DERIVATIVES[3], 2),
    coordinates.Fourth: (coordinates.DERIVATIVES[4], 3),
}
_G, _U = sp.Function("G", real=True), sp.Function("U", positive=True)


def local_generator(
    increments: Mapping[str, Series], expect: Expectation, dim: int | None
) -> tuple[dict[str, sp.Expr], dict[tuple[str, str], sp.Expr]]:
    """The drift of each letter and the covariance at one coordinate, of weak order 2, as expressions in s.

    `dim` is 1, or any dimension (None if it is open) if nothing mixes coordinates. Raises NoClosedForm for sums over
    coordinates, or dependent coordinates, in more than one dimension; Refusal: "no-diffusion" or "no-second-order-sde",
    as in `OneStep`.
    """
    if dim != 1 and not expect.independent:
        why = "if the limit has noise and the coordinates of a message are dependent: take dimension 1"
        raise NoClosedForm(f"the second-order model in more than one dimension {why}")
    names = list(increments)
    symbols = {a: sp.Symbol(a, real=True) for a in names}
    x = symbols["x"]
    back: dict[sp.Expr, sp.Expr] = {symbol: coordinates.Coordinate(a) for a, symbol in symbols.items()}
    back |= {_G(x): coordinates.g, _U(t): u, _U(t).diff(t): du}
    back |= {_G(x).diff(x, n - 1): letter for n, letter in coordinates.DERIVATIVES.items()}
    forward = {letter: function for function, letter in back.items()}

    def expected(series: Series) -> Series:
        return expect.series(series).map(lambda a: exchange(gathered(localised(a, dim)), forward))

    steps = {symbols[a]: f.map(lambda e: localised(e, dim)) for a, f in increments.items()}
    operators = OneStep((*symbols.values(), t), {**steps, t: Series.monomial(1, 2)}, expected)
    parts = (operators.L0, operators.half, operators.L1, operators.rest)
    drift = [sum((root**n * part.drift()[i] for n, part in enumerate(parts)), sp.S.Zero) for i in range(len(names))]
    covariances = [part.covariance() for part in parts]

    def in_letters(e: sp.Expr) -> sp.Expr:
        return e.replace(lambda d: isinstance(d, sp.Derivative), lambda d: back.get(d, d)).xreplace(back)

    covariance = {
        (a, b): in_letters(sum((root**n * c[i, j] for n, c in enumerate(covariances)), sp.S.Zero))
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i <= j
    }
    return {a: in_letters(e) for a, e in zip(names, drift, strict=True)}, covariance


def localised(expr: sp.Expr, dim: int | None) -> sp.Expr:
    """An expression with its Hessian products and sums reduced to one coordinate; NoClosedForm if dim > 1 and functions
    mix coordinates.
    """

    def value(node: coordinates.Node, inner: sp.Expr) -> sp.Expr | None:
        if type(node) in _SLOPES:
            slope, power = _SLOPES[type(node)]
            return slope * inner**power
        return inner if isinstance(node, coordinates.CoordSum) and dim == 1 else None

    refused = "the second-order model of {}, a function of all coordinates, where the limit has noise"
    return in_one_coordinate(expr, value, refused)


def in_one_coordinate(
    expr: sp.Expr, value: Callable[[coordinates.Node, sp.Expr], sp.Expr | None], refused: str
) -> sp.Expr:
    """Replace every function of all coordinates by `value(function, argument)`; raise NoClosedForm if that is None."""
    table: dict[sp.Expr, sp.Expr] = {}
    for node in expr.atoms(coordinates.Node):
        local = value(node, in_one_coordinate(coordinates.to_slot(node.args[0], "k", "j"), value, refused))
        if local is None:
            raise NoClosedForm(refused.format(formula(spoken(node))))
        table[node] = local
    return exchange(expr, table)
