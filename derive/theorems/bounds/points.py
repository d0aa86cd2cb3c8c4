"""The points at which a theorem of one's own needs values and gradients, and the interpolation inequalities between them.

The points of the present state are x, the points of `f(..)` and `g(..)` in the file, and the points at which the rule takes
gradients. If a proof uses interpolation, the next state has points too: the one to which x moves and those to which the points of V
move. A next point depends on the draws of the step, so the inner products with its gradient are means given the past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from sdescent.derive.proof.gram.forms import Form, Vector
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import symbolic, written
from sdescent.derive.theorems.bounds.language.hypotheses import Hypotheses
from sdescent.derive.theorems.entry import linear_step
from sdescent.derive.theorems.facts import function_classes as classes
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import u as free

#: names of vectors -> their coefficients, which are expressions while a setting is built and terms in it
Parts = Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """A point at which the loss has a value and a gradient.

    Args:
        text: the point as in a file, such as "x + beta*v"; "x_next" for the next state.
        parts: the point minus x* as a combination of the kernel's vectors.
        value: the loss there.
        gradient: the name of the gradient there.
        next: whether it belongs to the next state.
    """

    text: str
    parts: Parts
    value: Term
    gradient: str
    next: bool = False


X = Point("x", {nm.DISTANCE: sp.S.One}, nm.f, nm.GRADIENT)


@dataclass
class Points:
    """The points of one theorem, without repetitions.

    Args:
        step: the step of the method.
        mean: the name of the mean message at x.
        constant: whether the step size is constant.
    """

    step: linear_step.Step
    mean: str
    constant: bool = False
    listed: list[Point] = field(default_factory=lambda: [X])
    #: the points at which the rule takes gradients
    of_the_rule: list[Point] = field(default_factory=list)

    def enter_rule(self) -> None:
        """Add the points at which the rule takes gradients."""
        for point in self.step.points:
            place = self.named(point, place=True)
            self.of_the_rule.append(
                self.add({v: c.subs(free, 1) if self.constant else c for v, c in place.items()}, None)
            )

    @property
    def later(self) -> set[str]:
        """The gradients that may depend on draws of the step: those at points of the next state, and at points after a draw."""
        return {point.gradient for point in self.listed if point.next}

    def with_gradient(self, vector: str) -> Point | None:
        """The point of the present state whose gradient has this name."""
        return next((p for p in self.listed if p.gradient == vector and not p.next), None)

    def add(self, parts: Parts, text: str | None, key: str | None = None, later: bool = False) -> Point:
        """The point with these parts, which is new unless it is listed.

        Args:
            key: the part of its names that a file fixes, if the file mentions it.
        """
        parts = {v: e for v, c in parts.items() if (e := sp.expand(c)) != 0}
        for point in self.listed:
            keys = {*point.parts, *parts}
            if all(sp.cancel(point.parts.get(v, sp.S.Zero) - parts.get(v, sp.S.Zero)) == 0 for v in keys):
                return point
        key = key or f"p{len(self.listed)}_q"
        later = later or bool(set(parts) & (self.later | set(self.drawn)))
        point = Point(text or self.spelt(parts), parts, x(f"f{key}"), f"g{key}", later)
        self.listed.append(point)
        return point

    @staticmethod
    def spelt(parts: Parts) -> str:
        """A point of the present state as in a file."""
        pieces: list[str] = []
        for v, c in parts.items():
            negative = c.could_extract_minus_sign()
            size = written(-c if negative else c)
            word = "x" if v == nm.DISTANCE else v
            term = word if size == "1" else f"({size})*{word}" if c.is_Add else f"{size}*{word}"
            pieces.append(f"{'- ' if negative else '+ ' if pieces else ''}{term}")
        return " ".join(pieces)

    def named(self, c: linear_step.Combination, place: bool = False) -> dict[str, sp.Expr]:
        """A combination of the step in the kernel's names; a draw of the noise is a vector too.

        Args:
            place: whether it is a point, which is taken relative to x*.

        Raises:
            Refusal: the state itself is scaled.
        """
        named: dict[str, sp.Expr] = {}
        for v, e in c.items():
            if v == "x" and not place:
                raise Refusal(
                    "not-linear",
                    "the step shrinks the state itself (weight decay), which theorems of one's own do not cover yet",
                )
            if v == "x":
                name = nm.DISTANCE
            elif v in (linear_step.MEAN, linear_step.RAW):
                name = self.mean if v == linear_step.MEAN else nm.GRADIENT
            elif isinstance(v, tuple):
                name = self.of_the_rule[v[1]].gradient if v[0] == "mean" else drawn_vector(*v)
            else:
                name = v
            named[name] = named.get(name, sp.S.Zero) + e
        return named

    def moved(self, point: Point) -> Point:
        """The point of the next state that takes the place of a point of the present state."""
        total: dict[str, sp.Expr] = {}
        for v, c in point.parts.items():
            after = self.named(self.step.move) if v == nm.DISTANCE else self.named(self.step.memory[v])
            for name, e in (after | {v: sp.S.One} if v == nm.DISTANCE else after).items():
                total[name] = total.get(name, sp.S.Zero) + c * (e.subs(free, 1) if self.constant else e)
        return self.add(total, "x_next" if point is X else f"({point.text})_next", later=True)

    @property
    def drawn(self) -> dict[str, Any]:
        """The vectors that a step draws: the noise, then what compressors add to their arguments; name -> ("noise" or "loss", n)."""
        parts = (self.step.move, *self.step.memory.values(), *self.step.compressed)
        keys = dict.fromkeys(v for c in parts for v in c if isinstance(v, tuple) and v[0] in ("noise", "loss"))
        return {drawn_vector(*v): v for v in sorted(keys, key=lambda v: (v[0] == "loss", v[1]))}


def drawn_vector(kind: str, number: int) -> str:
    """The name of the vector of a draw of the noise, or of C(y) - y."""
    return f"{'z' if kind == 'noise' else 'c'}{number}_q"


def interpolation(points: Sequence[Point], hypotheses: Hypotheses, scalar: Any) -> dict[str, Relation]:
    """The interpolation inequalities of the assumed classes between all points; none unless f is smooth with L1 = 0, or convex.

    Args:
        scalar: turns an expression of constants into a term.
    """
    named = hypotheses.classes
    smooth = hypotheses.smoothness
    level = smooth[0] if smooth is not None and smooth[1] == num(0) else None
    L = None if level is None else symbolic(level)
    strong = named.get("strongly convex")
    weak = named.get("weakly convex")
    curvature = symbolic(strong[0]) if strong else -symbolic(weak[0]) if weak else None
    pl, bound = (named.get(name) for name in ("pl", "bounded gradient"))
    cls = classes.FunctionClass(
        L,
        hypotheses.minimiser,
        curvature,
        None if pl is None else symbolic(pl[0]),
        None if bound is None else symbolic(bound[0]),
    )
    of = {p.text: p for p in points}
    placed = [
        classes.Point(p.text, Vector(p.parts), Vector({p.gradient: sp.S.One}), Form({("value", p.text): sp.S.One}))
        for p in points
    ]

    def term(form: Form) -> tuple[Term, Term]:
        """The two sides l <= r of 0 <= form."""
        sides: tuple[list[Term], list[Term]] = [], []
        for m, c in form.items():
            c = sp.expand(c)
            if c == 0:
                continue
            negative = c.could_extract_minus_sign()
            atom = (
                num(1) if m == ("term", "1") else of[m[1]].value - nm.fstar if m[0] == "value" else nm.inner(m[1], m[2])
            )
            sides[0 if negative else 1].append(scalar(-c if negative else c) * atom)
        return plus(*sides[0]), plus(*sides[1])

    relations: dict[str, Relation] = {} if level is None else {"L > 0 (of f that is not constant)": level.gt(0)}
    words = {"descent": "descent lemma from {1} to {0}", "Lipschitz": "Lipschitz gradient between {0} and {1}"}
    words |= {"convexity": "convexity from {1} to {0}"}
    words |= {"pair": "interpolation from {1} to {0}", "gap": "G^2 <= 2 L (f - f*) at {0}", "least": "f >= f* at {0}"}
    for (kind, *where), form in cls.inequalities(placed):
        left, right = term(form)
        relations[words.get(kind, kind + " at {0}").format(*where)] = left.le(right)
    return relations
