"""Kinks of expressions and losses: points beside them on random lines, and whether two formulas join smoothly at a kink."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

import mpmath
import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, frozen, parts_of
from sdescent.derive.expressions.graphs import numeric
from sdescent.derive.expressions.joints import Unresolved, arguments_of, rough, smoothness_at
from sdescent.derive.methods.losses import Loss, Separable
from sdescent.derive.methods.losses import x as coordinate
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import Model

#: the number of kinks to look for, and the distances of the points from a kink, relative to its size
PLACES, BESIDE = 8, (1e-3, -1e-3, 1e-6, -1e-6)
#: the number of continuous derivatives that a loss needs for the coefficients of a model to be C^1
DERIVATIVES: Mapping[Model, int] = {"first-order": 2, "second-order": 3, "corrected": 3}
#: the sizes among which the zero of an argument is sought along a line
_SIZES = [10.0 ** (k / 4) for k in range(-24, 33)]


def near_kinks(
    expressions: Iterable[sp.Expr], state: list[sp.Symbol], parameters: list[sp.Symbol]
) -> Callable[[list[Any], random.Random], Iterator[list[Any]]]:
    """A function (parameter values, draw) -> points of the state where arguments of functions, cases or maxima are nearly 0.

    There alone erf or tanh is not constant to all digits, and a maximum has its kink; random points are hardly ever
    near.
    """
    arguments = kinked(expressions, state)[:PLACES]
    named = {"StableSignMean": lambda alpha, x: x, "StableDensity": lambda alpha, x: x}
    flat = numeric(arguments, [*state, *parameters], [named, "mpmath"])

    def along(values: list[Any], n: int, direction: list[Any], s: Any) -> Any:
        value = flat(*(s * e for e in direction), *values)[n]
        return value if mpmath.im(value) == 0 and mpmath.isfinite(value) else mpmath.nan

    def points(values: list[Any], draw: random.Random) -> Iterator[list[Any]]:
        for n in range(len(arguments)):
            direction = random_vector(draw, len(state))
            for zero in _zeros(partial(along, values, n, direction)):
                for share in BESIDE:
                    yield [zero * (1 + mpmath.mpf(share)) * e for e in direction]

    return points


def random_vector(draw: random.Random, length: int) -> list[Any]:
    """A vector of random entries of either sign, with absolute values from about 1/2 to about 3/2."""
    return [mpmath.mpf(draw.choice((-1, 1)) * draw.randint(500, 1500)) / 997 for _ in range(length)]


def kinked(expressions: Iterable[sp.Expr], state: list[sp.Symbol]) -> list[sp.Expr]:
    """The arguments of functions, cases and maxima that depend on the state and do not vanish at its origin."""
    arguments: list[sp.Expr] = []
    for e in sorted(parts_of(expressions), key=sp.default_sort_key):
        if isinstance(e, (sp.Max, sp.Min)):
            arguments += arguments_of(e, *state)
        elif isinstance(e, sp.core.relational.Relational):
            arguments.append(e.lhs - e.rhs)
        elif isinstance(e, sp.Function) and not isinstance(e, sp.Piecewise):
            arguments += [a for a in e.args if isinstance(a, sp.Expr)]
    origin = dict.fromkeys(state, sp.S.Zero)
    return [a for a in dict.fromkeys(arguments) if a.free_symbols & set(state) and a.xreplace(origin) != 0]


def _zeros(along: Callable[[Any], Any]) -> Iterator[Any]:
    """The zeros of a function of one number, at most one on each side of 0."""
    for side in (1, -1):
        low, before = None, None
        for size in _SIZES:
            value = along(mpmath.mpf(side * size))
            if mpmath.isnan(value):
                low = before = None
                continue
            if low is not None and before is not None and before * value < 0:
                yield mpmath.findroot(along, (low, mpmath.mpf(side * size)), solver="bisect", verify=False)
                break
            low, before = mpmath.mpf(side * size), value


def joined_at(e: sp.Expr, argument: sp.Expr) -> bool:
    """Whether an expression and its slope are continuous where `argument`, of a sign or absolute value in it, is 0.

    An example is the mean of a sign under Laplace noise, sgn(g) (1 - exp(-|g|/b)). The result is False unless the
    argument is affine in a coordinate, with a constant factor.
    """
    body, _ = frozen(e)
    letters = sorted((c for c in argument.free_symbols if isinstance(c, Coordinate)), key=str)
    if not letters or not body.has(argument) or body.has(sp.Subs, sp.Derivative):
        return False
    letter = letters[0]
    slope = sp.diff(argument, letter)
    if slope == 0 or slope.atoms(Coordinate):
        return False
    x = sp.Dummy("x", real=True)
    try:
        return smoothness_at(body.xreplace({letter: x}), x, -argument.xreplace({letter: sp.S.Zero}) / slope, 1) == 1
    except Unresolved:
        return False


def kinks_in(e: sp.Expr) -> list[sp.Expr]:
    """The signs, absolute values, maxima and minima at which an expression in generic coordinates has a kink or a jump."""
    return [
        a
        for a in sorted(parts_of([e]), key=sp.default_sort_key)
        if isinstance(a, (sp.sign, sp.Abs, sp.Max, sp.Min, sp.Heaviside)) and a.atoms(Coordinate)
        and not (isinstance(a, (sp.sign, sp.Abs)) and joined_at(e, a.args[0]))
    ]  # fmt: skip


def kinks_of_model(
    coefficients: Iterable[sp.Expr], loss: Loss | None, dim: int | None, model: Model
) -> tuple[sp.Expr, ...]:
    """The parts at which drift or covariance has a kink or a jump; theorems about weak orders assume smooth coefficients."""
    in_coefficients = [kink for e in coefficients for kink in kinks_in(e)]
    return tuple(dict.fromkeys([*in_coefficients, *kinks_of_loss(loss, dim, model)]))


def weak_order(model: Model, loss: Loss | None, dim: int | None) -> int:
    """The weak order of a model; for a loss with kinks, the order of the first-order model."""
    return 2 if model == "second-order" and not kinks_of_loss(loss, dim, model) else 1


def kinks_of_loss(loss: Loss | None, dim: int | None, model: Model, fewer: int = 0) -> tuple[sp.Expr, ...]:
    """The absolute values, maxima, roots and case arguments that vanish where a loss has too few derivatives, but for `fewer`.

    Drift and covariance of a model are C^1 where the loss is C^2, or C^3 if they contain its Hessian.
    """
    if loss is None:
        return ()
    try:
        return _kinks_of_loss(loss, dim, DERIVATIVES[model] - fewer)
    except TypeError:  # a user's class without a hash
        return _kinks_of_loss.__wrapped__(loss, dim, DERIVATIVES[model] - fewer)


@lru_cache(maxsize=64)
def _kinks_of_loss(loss: Loss, dim: int | None, order: int) -> tuple[sp.Expr, ...]:
    if isinstance(loss, Separable):
        places = rough(loss.coordinate, [coordinate], order)
    # the package's own losses are smooth, and may have a term for each of many data points
    elif type(loss).__module__ == Loss.__module__:
        return ()
    else:
        state = [sp.Symbol(f"x{m + 1}", real=True) for m in range(dim or 2)]
        try:
            places = rough(sp.sympify(loss.value(state)), state, order)
        except BadInput:  # no dimension was given, and the loss exists only in its own
            return ()
    return tuple(dict.fromkeys(e for place in places for e in place.parts))
