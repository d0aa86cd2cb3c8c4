"""Inequalities between values and gradients of a function at several points that hold for every function of a class.

| class | inequality between points p and q, with dx = p - q, dg = g_p - g_q, L-smooth with curvature >= m |
|---|---|
| L-smooth and curvature >= m | 2 (L - m)(f_p - f_q - <g_q, dx>) >= ||dg||^2 + m L ||dx||^2 - 2 m <dg, dx> |
| curvature >= m only | f_p - f_q - <g_q, dx> >= m ||dx||^2/2 |

m = mu for strongly convex, 0 for convex, -rho for weakly convex and -L for L-smooth functions. For m >= 0 the inequalities between all
pairs of finitely many points, x* with gradient 0 among them, hold if and only if some function of the class has these values and
gradients (Taylor, Hendrickx and Glineur 2017, Theorem 4; for m = -L: Theorem 3.10 there). So a bound that they do not imply fails for some
function of the class. For m < 0 a minimiser need not exist, and f - f* >= ||g||^2/(2 L) takes the place of the pairs with x* (Drori and
Shamir 2020, Lemma 1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sdescent.derive.proof.gram.forms import Form, Vector, inner, square


@dataclass(frozen=True)
class Point:
    """A point with the value of f - f* and the gradient there.

    Args:
        name: its name, such as "x".
        at: its place minus x*.
        gradient: the gradient there.
        value: f - f* there.
    """

    name: str
    at: Vector
    gradient: Vector
    value: Form


#: the minimiser
STAR = Point("x*", Vector(), Vector(), Form())


@dataclass(frozen=True)
class FunctionClass:
    """Differentiable functions f >= f* with the given bounds; a bound that is None is not assumed.

    Args:
        smoothness: L, a Lipschitz constant of the gradient.
        convex: whether f is convex and attains f* at x*.
        curvature: m, a lower bound of the curvature: mu >= 0 if f is strongly convex, -rho if it is weakly convex; 0 by default for
            convex functions and -L for smooth ones.
        pl: mu with |g|^2 >= 2 mu (f - f*) everywhere.
        bound: B with |g| <= B everywhere.
    """

    smoothness: Any = None
    convex: bool = False
    curvature: Any = None
    pl: Any = None
    bound: Any = None

    @property
    def interpolable(self) -> bool:
        """Whether some function of the class has all values and gradients that satisfy the inequalities between their points."""
        return self.pl is None and (self.bound is None or self.smoothness is None)

    def inequalities(self, points: Sequence[Point]) -> Iterator[tuple[tuple[str, ...], Form]]:
        """Name -> a form that is >= 0 for every function of the class."""
        for p in points:
            if self.smoothness is not None and not self.convex:
                yield ("gap", p.name), p.value * (2 * self.smoothness) - square(p.gradient)
            elif not self.convex:
                yield ("least", p.name), Form(p.value)
            if self.pl is not None:
                yield ("PL", p.name), square(p.gradient) - p.value * (2 * self.pl)
            if self.bound is not None:
                yield ("bounded", p.name), Form({("term", "1"): self.bound**2}) - square(p.gradient)
        everywhere = [*([STAR] if self.convex else []), *points]
        for n, p in enumerate(everywhere):
            for m, q in enumerate(everywhere):
                if p is q:
                    continue
                if (form := self.between(p, q)) is not None:
                    yield ("pair", p.name, q.name), form
                yield from self._simple(p, q, n < m)

    def _simple(self, p: Point, q: Point, first: bool) -> Iterator[tuple[tuple[str, ...], Form]]:
        """Weaker inequalities between two points, with fewer terms: they suffice for many bounds, and make proofs short."""
        dx, dg = p.at - q.at, p.gradient - q.gradient
        gap = p.value - q.value - inner(q.gradient, dx)
        if self.smoothness is not None:
            yield ("descent", p.name, q.name), square(dx) * (self.smoothness / 2) - gap
            if first:
                yield ("Lipschitz", p.name, q.name), square(dx) * self.smoothness**2 - square(dg)
            if self.convex:
                yield ("convexity", p.name, q.name), gap
            if self.curvature is not None:
                yield ("curvature", p.name, q.name), gap - square(dx) * (self.curvature / 2)

    def between(self, p: Point, q: Point) -> Form | None:
        """The interpolation inequality between two points; None if nothing is assumed of the curvature."""
        dx, dg = p.at - q.at, p.gradient - q.gradient
        gap = p.value - q.value - inner(q.gradient, dx)
        L, m = self.smoothness, self.curvature
        if L is None:
            if m is None:
                return gap if self.convex else None
            return gap - square(dx) * (m / 2)
        if m is None:
            if self.convex:
                return gap * (2 * L) - square(dg)
            m = -L
        return gap * (2 * (L - m)) - square(dg) - square(dx) * (m * L) + inner(dg, dx) * (2 * m)
