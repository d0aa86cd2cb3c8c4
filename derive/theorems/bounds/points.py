"""The points at which a theorem of one's own needs values and gradients, and the interpolation inequalities between them.

The points of the present state are x, the points of `f(..)` and `g(..)` in the file, and the points at which the rule takes
gradients. If a proof uses interpolation, the next state has points too: the one to which x moves and those to which the points of V
move. A next point depends on the draws of the step, so the inner products with its gradient are means given the past.

Where each client has a point or a gradient of its own, inner products and values are means over the clients too. Such a vector is the
mean over the clients plus a deviation, which is orthogonal to all vectors that the clients share.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp

from sdescent.derive.proof.gram.forms import Form, Vector, inner, square
from sdescent.derive.proof.language.context import parts as term_parts
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import symbolic, written
from sdescent.derive.theorems.bounds.language.hypotheses import Hypotheses
from sdescent.derive.theorems.entry import client_vectors, linear_step
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

    @property
    def of_a_client(self) -> bool:
        """Whether each client has its own point."""
        return any(map(client_vectors.is_deviation, self.parts))


X = Point("x", {nm.DISTANCE: sp.S.One}, nm.f, nm.GRADIENT)


@dataclass
class Points:
    """The points of one theorem, without repetitions.

    Args:
        step: the step of the method.
        mean: the name of the mean message at x.
        constant: whether the step size is constant.
        differing: whether the clients have different losses.
        late: whether the matrix of the step may depend on its draws.
    """

    step: linear_step.Step
    mean: str
    constant: bool = False
    differing: bool = False
    late: bool = False
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

    def depends(self, vector: str) -> frozenset[tuple[str, int]]:
        """The draws of the step, as ("noise" or "loss", number), on which a vector may depend."""
        if (of := self.preconditioned.get(vector)) is not None:
            return self.depends(of).union(self.all_draws if self.late else ())
        if vector in self.drawn:
            kind, n = self.drawn[vector]
            step = self.step
            if not kind.startswith(("noise", "vote")):
                of = {"gossip": step.mixed, "unit": step.directed, "sample": step.sampled}.get(kind, step.compressed)
                source = self.named(of[n])
            else:
                place = step.drawn_at.get(n)
                source = {} if place is None else self.of_the_rule[place].parts
            once = frozenset({self.draw_of(kind, n)} if kind not in ("gossip", "unit") else ())
            return once.union(*map(self.depends, source))
        gradient = vector.removesuffix(client_vectors.deviation_of(""))
        point = next((p for p in self.listed if gradient == p.gradient), None)
        return frozenset().union(*map(self.depends, () if point is None else point.parts))

    def gradients(self, point: Point) -> list[str]:
        """The gradient at a point, and its deviation from client to client if there is one."""
        deviations = [client_vectors.deviation_of(point.gradient)] if self.differing or point.of_a_client else []
        return [point.gradient, *deviations]

    def renewed(self, vector: str) -> dict[str, sp.Expr] | None:
        """The gradient of the next state in place of one of the present state, or of its deviation; None for another vector."""
        for point in self.listed:
            for n, name in enumerate((point.gradient, client_vectors.deviation_of(point.gradient))):
                if name == vector and not point.next:
                    after: dict[str, sp.Expr] = {}
                    for factor, p in self.moved(point):
                        gradient = client_vectors.deviation_of(p.gradient) if n else p.gradient
                        after[gradient] = after.get(gradient, sp.S.Zero) + factor
                    return after
        return {vector: sp.S.One} if vector == nm.STAR else None

    def draw_of(self, kind: str, number: int) -> tuple[str, int]:
        """The draw of which a vector of this kind is a part; a draw at several points is one, and a vote has that of the noise."""
        name = "noise" if kind == "vote" else kind.split(" ")[0]
        return name, self.step.repeated.get(number, number) if name == "noise" else number

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
        later = later or any(map(self.depends, parts))
        point = Point(text or self.spelt(parts), parts, x(f"f{key}"), f"g{key}", later)
        self.listed.append(point)
        return point

    @staticmethod
    def spelt(parts: Parts) -> str:
        """A point of the present state as in a file."""
        pieces: list[str] = []
        for v, c, each in client_vectors.of_each_client(parts):
            negative = c.could_extract_minus_sign()
            size = written(-c if negative else c)
            word = "x" if v == nm.DISTANCE else "gi" if each and v == nm.GRADIENT else spelt_vector(v)
            word = f"({word})" if " " in word else word
            term = word if size == "1" else f"({size})*{word}" if c.is_Add else f"{size}*{word}"
            pieces.append(f"{'- ' if negative else '+ ' if pieces else ''}{term}")
        return " ".join(pieces)

    def named(self, c: client_vectors.Combination, place: bool = False) -> dict[str, sp.Expr]:
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
                name = self._of_step(*v)
            else:
                name = v
            named[name] = named.get(name, sp.S.Zero) + e
        return named

    def _of_step(self, kind: str, number: Any) -> str:
        """The name of a gradient at a further point of the rule, of its deviation, or of a draw."""
        if kind == "P":
            return preconditioned(*self.named({number: sp.S.One}))
        if kind not in ("mean", "spread"):
            return drawn_vector(kind, number)
        gradient = nm.GRADIENT if number is None else self.of_the_rule[number].gradient
        return gradient if kind == "mean" else client_vectors.deviation_of(gradient)

    def moved(self, point: Point) -> list[tuple[sp.Expr, Point]]:
        """The points of the next state, one of which takes the place of a point of the present state, as the coins decide.

        Returns:
            (a factor that is 1 if the coins lead to this point and else 0, the point).
        """
        total: dict[str, sp.Expr] = {}
        for v, c in point.parts.items():
            after = self.named(self.step.move) if v == nm.DISTANCE else self.named(self.step.memory[v])
            for name, e in (after | {v: sp.S.One} if v == nm.DISTANCE else after).items():
                total[name] = total.get(name, sp.S.Zero) + c * (e.subs(free, 1) if self.constant else e)
        text, outcomes = "x_next" if point is X else f"({point.text})_next", self.step.outcomes(total)
        several = len(outcomes) > 1
        return [
            (factor, self.add(parts, f"{text}, coin {n}" if several else text, later=not several))
            for n, (factor, parts) in enumerate(outcomes, 1)
        ]

    @cached_property
    def drawn(self) -> dict[str, Any]:
        """The vectors that a step draws, and directions y/||y|| of vectors that may depend on draws; name -> (kind, number)."""
        step = self.step
        lists = (step.compressed, step.mixed, step.sampled, step.directed, step.points, step.preconditioned)
        parts = (step.move, *step.memory.values(), *(vector for each in lists for vector in each))
        keys = dict.fromkeys(v for c in parts for v in c if isinstance(v, tuple) and v[0] in _DRAWS)
        return {drawn_vector(*v): v for v in sorted(keys, key=lambda v: (_DRAWS.index(v[0]), v[1]))}

    @cached_property
    def preconditioned(self) -> dict[str, str]:
        """P v -> v for the gradient and each vector to which the step applies its matrix P."""
        return {preconditioned(v): v for y in self.step.preconditioned for v in (nm.GRADIENT, *self.named(y))}

    @property
    def all_draws(self) -> frozenset[tuple[str, int]]:
        """Everything that the step draws."""
        draws = (key for key in self.drawn.values() if key[0] not in ("gossip", "unit"))
        return frozenset(self.draw_of(*key) for key in draws)


#: the kinds of draws of a step, in the order in which they are made
_DRAWS = (
    "noise", "noise mean", "noise deviation", "loss", "loss mean", "loss deviation", "gossip", "sample", "unit", "vote",
)  # fmt: skip


def preconditioned(v: str) -> str:
    """The name of P v."""
    return f"P{v.removesuffix('_q')}_q"


def drawn_vector(kind: str, number: int) -> str:
    """The name of the vector of a draw, of a direction, or of the mean or the deviation of a draw."""
    if kind == "gossip":
        return client_vectors.deviation_of(f"m{number}_q")
    if kind in ("unit", "sample", "vote"):
        return f"{kind[0]}{number}_q"
    name, _, part = f"{'z' if kind.startswith('noise') else 'c'}{number}_q", *kind.partition(" ")[1:]
    return {"mean": client_vectors.mean_of, "deviation": client_vectors.deviation_of}.get(part, str)(name)


def length_of(direction: str) -> str:
    """The name of ||y - g|| for a direction y/||y||."""
    return direction.replace("u", "r", 1)


_DRAWN = re.compile(r"([zcmsuvr])([0-9]+)_q", re.ASCII)
#: P v, where the name of v ends in _q, or is a letter
_PRECONDITIONED = re.compile(r"P(?:([a-z]+[0-9]+_q|\w+_mean_q)|([A-Za-z0-9]+)_q)", re.ASCII)


def spelt_vector(v: str) -> str:
    """A vector in words: Z0 for noise, V1 for a majority, C0 for what C adds, mean(h) and h - mean(h) for a client's letter."""
    if (drawn := _DRAWN.fullmatch(v)) is not None:
        return f"{drawn[1].upper()}{drawn[2]}"
    if (of := _PRECONDITIONED.fullmatch(v)) is not None:
        return f"P {spelt_vector(of[1] or of[2])}"
    if v == nm.ONE:
        return "1"
    if v in (nm.STAR, client_vectors.deviation_of(nm.GRADIENT)):
        return "gi(xstar)" if v == nm.STAR else "gi - g"
    if client_vectors.is_deviation(v):
        whole = spelt_vector(v.removesuffix(client_vectors.deviation_of("")))
        return f"{whole} - mean({whole})"
    letter = v.removesuffix(client_vectors.mean_of(""))
    return v if letter == v else f"mean({spelt_vector(letter)})"


def interpolation(points: Points, hypotheses: Hypotheses, scalar: Any) -> dict[str, Relation]:
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
    # at a client's own point, f is that client's loss, of which nothing is assumed if the losses differ
    placed = [
        classes.Point(p.text, Vector(p.parts), _gradient(points, p, hypotheses.differing), _value(p))
        for p in points.listed
        if not (hypotheses.differing and p.of_a_client)
    ]
    relations: dict[str, Relation] = {} if level is None else {"L > 0 (of f that is not constant)": level.gt(0)}
    words = {"descent": "descent lemma from {1} to {0}", "Lipschitz": "Lipschitz gradient between {0} and {1}"}
    words |= {"convexity": "convexity from {1} to {0}", "curvature": "curvature from {1} to {0}"}
    words |= {"pair": "interpolation from {1} to {0}", "gap": "G^2 <= 2 L (f - f*) at {0}", "least": "f >= f* at {0}"}
    for (kind, *where), form in cls.inequalities(placed):
        relations[words.get(kind, kind + " at {0}").format(*where)] = relation_of(points, form, scalar)
    return relations


def between_clients(points: Points, hypotheses: Hypotheses, star: bool, scalar: Any) -> dict[str, Relation]:
    """What is assumed of the clients' own losses f_i, on average over i, at all points and between them.

    | in `assume` | for p and q with dx = p - q, and q = x* |
    |---|---|
    | dissimilarity: z | E_i||grad f_i - grad f||^2 <= z |
    | smooth clients: L | E_i||grad f_i(p) - grad f_i(q)||^2 <= L^2 ||dx||^2 |
    | convex clients: L | E_i||grad f_i(p) - grad f_i(q)||^2 <= 2 L (f(p) - f(q) - <grad f(q), dx>), p and q the same for all clients (Nesterov 2004, 2.1.5) |

    Args:
        star: whether the clients' gradients at x* have a name.
        scalar: turns an expression of constants into a term.
    """
    named, relations = hypotheses.classes, dict[str, Relation]()
    if (bound := named.get("dissimilarity")) is not None:
        everywhere = constant_in_space(bound[0])
        for p in [p for p in points.listed if not p.of_a_client][: None if everywhere else 1]:
            spread = client_vectors.deviation_of(p.gradient)
            relations[f"dissimilarity at {p.text}"] = nm.inner(spread, spread).le(bound[0])
    placed = [(p.text, Vector(p.parts), _gradient(points, p), _value(p), p) for p in points.listed]
    placed += [("x*", Vector(), Vector({nm.STAR: sp.S.One}), Form(), None)] if star else []
    for n, (one, at, gradient, value, p) in enumerate(placed):
        for m, (other, place, slope, least, q) in enumerate(placed):
            dx, dg = at - place, gradient - slope
            if n < m and "smooth clients" in named:
                form = square(dx) * symbolic(named["smooth clients"][0]) ** 2 - square(dg)
                relations[f"smooth clients between {one} and {other}"] = relation_of(points, form, scalar)
            if n != m and "convex clients" in named and not any(r is not None and r.of_a_client for r in (p, q)):
                mean = Vector({v: c for v, c in slope.items() if not client_vectors.is_deviation(v)})
                gap = value - least - inner(mean, dx)
                form = gap * (2 * symbolic(named["convex clients"][0])) - square(dg)
                relations[f"convex clients from {other} to {one}"] = relation_of(points, form, scalar)
    return relations


def constant_in_space(t: Term) -> bool:
    """Whether a bound does not vary with the state."""
    return not any(p[0] in _STATE or p in (nm.f, nm.NOISE) for p in term_parts(t))


#: heads of terms that vary with the state
_STATE = ("norm", "dot", "tr", "opnorm", "quad", "trprod")


def _gradient(points: Points, p: Point, mean: bool = False) -> Vector:
    return Vector(dict.fromkeys([p.gradient] if mean else points.gradients(p), sp.S.One))


def _value(p: Point) -> Form:
    return Form({("value", p.text): sp.S.One})


def relation_of(points: Points, form: Form, scalar: Any) -> Relation:
    """0 <= form as l <= r, without the products of deviations and vectors that all clients share."""
    of = {p.text: p for p in points.listed}
    sides: tuple[list[Term], list[Term]] = [], []
    for m, c in form.items():
        c = sp.expand(c)
        if c == 0 or (m[0] == "dot" and client_vectors.orthogonal(*m[1:])):
            continue
        negative = c.could_extract_minus_sign()
        atom = num(1) if m == ("term", "1") else of[m[1]].value - nm.fstar if m[0] == "value" else nm.inner(m[1], m[2])
        sides[0 if negative else 1].append(scalar(-c if negative else c) * atom)
    return plus(*sides[0]).le(plus(*sides[1]))
