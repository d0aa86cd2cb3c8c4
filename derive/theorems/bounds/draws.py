"""The vectors that a step draws: the noise of the messages, what a compressor inside the rule adds, sampled clients, and directions.

Inner products are means given the past. A draw of the noise is centred given the past and the earlier draws; so is C(y) - y for an
unbiased C.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from sdescent.derive.methods.compressors.base import Compressor, Unbiased
from sdescent.derive.proof.gram.forms import Vector, square
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, plus, times
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import symbolic
from sdescent.derive.theorems.bounds.language.hypotheses import PRECONDITIONERS, Hypotheses
from sdescent.derive.theorems.bounds.language.letters import OF_LOSS
from sdescent.derive.theorems.bounds.points import (
    Parts,
    Points,
    constant_in_space,
    drawn_vector,
    length_of,
    preconditioned,
    relation_of,
    spelt_vector,
)
from sdescent.derive.theorems.entry import linear_step
from sdescent.derive.theorems.entry.client_vectors import orthogonal
from sdescent.derive.theorems.entry.scalar_memory import nonnegative
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import d as dimension
from sdescent.derive.vocabulary.symbols import parameter

#: the end of the name of a bound that follows from the equation before it
AT_MOST = ", at most"
#: the beginning of the names of facts about y/||y||, and about ||y - g||
DIRECTION, LENGTH = "direction", "length"
#: the beginning of the names of facts about a majority of signs, and about the 1-norm of the gradient
MAJORITY, ONE_NORM = "majority", "1-norm"
#: the beginning of the names of facts about the matrix of a step
MATRIX = "matrix P"
#: the bound on the length of `names.ONE`
ONE_AT_MOST = nm.inner(nm.ONE, nm.ONE).le(1)


def absolute(c: sp.Expr) -> sp.Expr:
    """|c|, which is c itself if its form shows c >= 0 for positive constants; values of the loss may have any sign."""
    positive = {s for s in c.free_symbols if s.is_positive}.difference(map(parameter, OF_LOSS))
    return c if nonnegative(c, positive) else sp.Abs(c)


@dataclass
class Draws:
    """The draws of one theorem.

    Args:
        points: the points of the theorem, with the step.
        compressor: the compressor of the method.
        hypotheses: the classes that are assumed.
        clients: the number of clients.
        dim: the dimension, or None for the symbol d.
        interpolate: whether draws have names of their own, since gradients at the next state depend on them.
        scalar: turns an expression of constants into a term.
        covariance: Q from the definitions of the messages, or None.
    """

    points: Points
    compressor: Compressor
    hypotheses: Hypotheses
    clients: Term
    dim: int | None
    interpolate: bool
    scalar: Callable[[sp.Expr], Term]
    covariance: Term | None

    @cached_property
    def centred(self) -> list[str]:
        """The draws with mean 0 given the past and the earlier draws."""
        kinds = ("noise", "sample", *(("loss",) if isinstance(self.compressor, Unbiased) else ()))
        centred = [v for v, (kind, _) in self.points.drawn.items() if kind.startswith(kinds)]
        early = {} if self.points.late else self.points.preconditioned
        return [*centred, *(p for p, v in early.items() if v in centred)]

    def named(self, later: bool) -> list[str]:
        """The draws that are vectors of the setting.

        Args:
            later: whether the next state has points with names.
        """
        unsized = [v for v in self.points.drawn if self._size(v) is None or self._repeats(v) or self._is_compressed(v)]
        names = list(self.points.drawn) if later or self.units or self.points.preconditioned else unsized
        lengths = [length_of(v) for v, error in self.units.items() if error]
        return [*names, *self.points.preconditioned, *([nm.ONE, *lengths] if lengths else [])]

    def _repeats(self, draw: str) -> bool:
        """Whether the same draw is also used at another point."""
        kind, n = self.points.drawn[draw]
        repeated = self.points.step.repeated
        return kind.startswith("noise") and (n in repeated or n in repeated.values())

    def _is_compressed(self, draw: str) -> bool:
        """Whether another draw that need not be centred depends on a draw, so that their product need not vanish."""
        points = self.points
        others = [v for v in points.drawn if v != draw and v not in self.centred]
        return any(points.draw_of(*points.drawn[draw]) in points.depends(v) for v in others)

    def inner(self, a: Parts, b: Parts) -> Term:
        """E<a, b> given the past: products of vectors, plus the mean square of each common draw times both coefficients.

        A centred draw is orthogonal to everything but itself, gradients that depend on it, and draws that need not be centred. The
        mean over clients of the product of a deviation and a vector that all clients share vanishes.
        """
        products, shared = [], []
        for v, c in a.items():
            for w, e in b.items():
                if orthogonal(v, w) or self.vanishes(v, w):
                    continue
                if v == w and v in self.centred:
                    shared.append((v, self._mean(c * e)))
                elif (mean := self._mean(c * e)) != 0:
                    products.append(times(self.scalar(mean), nm.inner(*self._turned(v, w))))
        return plus(*products, *[times(self.scalar(c), self._mean_square(v)) for v, c in shared])

    def _turned(self, v: str, w: str) -> tuple[str, str]:
        """The vectors of a product, with <v, P w> in place of <P v, w> if v comes first, so that both have one name."""
        of = self.points.preconditioned
        first = [*of.values()]
        for p, q in ((v, w), (w, v)):
            if p in of and q in first and first.index(of[p]) < first.index(q):
                return of[p], preconditioned(q)
        return v, w

    def _mean(self, e: sp.Expr) -> sp.Expr:
        """The mean of a coefficient over the coins, which are independent of all vectors."""
        return expanded(self.points.step.averaged(e))

    def vanishes(self, v: str, w: str) -> bool:
        """Whether E<v, w> = 0 since one of them is a centred draw and the other does not depend on this draw."""
        for draw, other in ((v, w), (w, v)):
            key: Any = self.points.drawn.get(self.points.preconditioned.get(draw, draw))
            if draw in self.centred and self.points.draw_of(*key) not in self.points.depends(other):
                return True
        return False

    def _mean_square(self, draw: str) -> Term:
        size = self._size(draw)
        return nm.inner(draw, draw) if size is None or self.interpolate else size

    def _size(self, draw: str) -> Term | None:
        """The mean square of a draw of the noise at x; None for other draws, of which only a bound is known."""
        if draw in self.points.preconditioned:
            return None
        kind, n = self.points.drawn[draw]
        if not kind.startswith("noise") or self.points.step.drawn_at.get(n) is not None:
            return None
        return (nm.NOISE if n in self.points.step.raw else nm.Q) * self._share(kind)

    def _share(self, kind: str) -> Term:
        """The part of a client's mean square noise in the mean over the clients, or in the deviation from it."""
        return 1 - num(1) / self.clients if kind.endswith("deviation") else num(1) / self.clients

    def relations(self, vectors: Sequence[str], kind: str) -> dict[str, Relation]:
        """The mean squares of the draws, or bounds on them, and the inner products that vanish.

        Args:
            vectors: all vectors of the setting but sums.
            kind: "noise" for noise and sampled clients, or "loss" for the draws of compressors and gossip.
        """
        draws = {v: key for v, key in self.points.drawn.items() if v in vectors}
        draws |= {p: draws[v] for p, v in self.points.preconditioned.items() if v in draws}
        relations: dict[str, Relation] = {}
        for place, (v, (which, n)) in enumerate(draws.items()):
            if which in ("unit", "vote") or which.startswith(("noise", "sample")) != (kind == "noise"):
                continue
            square, size = nm.inner(v, v), self._size(v)
            if v in self.points.preconditioned:
                pass  # see `preconditioner`
            elif size is not None:
                relations[name := f"mean square of {spelt_vector(v)}"] = square.eq(size)
                if which.endswith("deviation"):  # without N, which makes proofs short
                    relations[f"{name}{AT_MOST}"] = square.le(nm.NOISE if n in self.points.step.raw else nm.Q)
            elif which == "sample":
                spread = self.points.named(self.points.step.sampled[n])
                relations[f"mean square of {spelt_vector(v)}"] = square.eq(self.inner(spread, spread))
            elif kind == "noise":
                relations |= self._in_total(f"mean square of {spelt_vector(v)}", v, self._elsewhere(), draws)
            elif which == "gossip":
                argument = self.points.named(self.points.step.mixed[n])
                ratio = self._gossip() ** 2
                relations[f"gossip, {n + 1}"] = square.le(ratio * self.inner(argument, argument))
            else:
                argument = self.points.named(self.points.step.compressed[n])
                most = self._ratio() * self.inner(argument, argument)
                relations |= self._in_total(f"loss of C, {n + 1}", v, most, draws)
            relations |= self._coupled(v, n) if which == "noise" and v in self.points.drawn else {}
            later = list(draws)[place:]  # with those in `centred` the product is theirs
            for w in vectors if v in self.centred else ():
                if not orthogonal(v, w) and self.vanishes(v, w) and not (w in later and w in self.centred):
                    relations[f"<{spelt_vector(v)}, {spelt_vector(w)}> = 0"] = nm.inner(v, w).eq(num(0))
        return relations

    def _in_total(self, name: str, draw: str, most: Term, draws: Mapping[str, tuple[str, int]]) -> dict[str, Relation]:
        """The bound on the mean square of a draw; if each client draws, of both parts together, in the bound on the mean."""
        kind, n = self.points.drawn[draw]
        if kind.endswith("deviation"):
            return {}
        mean, other = nm.inner(draw, draw), drawn_vector(f"{kind.split(' ')[0]} deviation", n)
        # the clients draw independently: the mean of N draws has 1/N of their mean square
        alone = draw in self.centred and kind != "loss"
        if other not in draws:
            return {name: mean.le(most / self.clients if alone else most)}
        deviation = nm.inner(other, other)
        bounds = {name: (mean + deviation).le(most)}
        if alone:  # weaker than the other two together, but about one part each, which makes proofs short
            bounds |= {f"{name}, of all clients": ((self.clients - 1) * mean).eq(deviation)}
            bounds |= {f"{name}, its mean": mean.le(most / self.clients), f"{name}, its deviation": deviation.le(most)}
        return bounds

    @cached_property
    def units(self) -> dict[str, Parts]:
        """The vectors y/||y|| -> the error y - g."""
        errors: dict[str, Parts] = {}
        for v, (kind, _) in self.points.drawn.items():
            if kind == "unit":
                pair = [(sp.S.One, self.directed(v)), (sp.S.NegativeOne, {nm.GRADIENT: sp.S.One})]
                errors[v] = {w: c for w, c in linear_step.weighted_sum(pair).items() if sp.expand(c) != 0}
        return errors

    def directed(self, unit: str) -> Parts:
        """The vector y of a direction y/||y||."""
        return self.points.named(self.points.step.directed[self.points.drawn[unit][1]])

    def lengths(self) -> dict[str, Relation]:
        """Bounds on the mean squares of the lengths ||y - g||.

        A length R stands for its multiple of ONE, a vector of length 1 that is orthogonal to all others, so that <ONE, R> is the mean
        of R, and 0 <= ||R - c ONE||^2 bounds this mean by the mean square.
        """
        relations = {"||1|| <= 1": ONE_AT_MOST} if any(self.units.values()) else {}
        for v, error in self.units.items():
            square = nm.inner(length := length_of(v), length)
            if error:
                of = f"{LENGTH} {spelt_vector(length)} of {self.points.spelt(error)}"
                relations[of] = square.le(self.inner(error, error))
        return relations

    @property
    def size(self) -> Term | None:
        """A bound on the length of a step that is a multiple of a direction y/||y|| or of a majority of signs; None for another step."""
        return None if self._alone is None else self._alone[0]

    @property
    def square(self) -> Term | None:
        """The square of that bound."""
        return None if self._alone is None else self._alone[1]

    @property
    def _alone(self) -> tuple[Term, Term] | None:
        """Bounds on the length, and on its square, of a step that is a multiple of one of these; None for another step."""
        move = self.points.step.move
        sizes = [(v[0], c) for v, c in move.items() if isinstance(v, tuple) and v[0] in ("unit", "vote")]
        if len(sizes) != len(move) or len(sizes) != 1 or sizes[0][1].has(*self.points.step.coins):
            return None
        ((kind, factor),) = sizes
        c = self.scalar(absolute(-factor))
        return (c, c**2) if kind == "unit" else (c * fn("sqrt", nm.d), c**2 * nm.d)

    def directions(self) -> dict[str, Relation]:
        """||y/||y|| || <= 1 and <y/||y||, g> >= G - 2 ||y - g|| for each y that the rule divides by its length (Cutkosky and Mehta 2020)."""
        relations: dict[str, Relation] = {}
        for v, error in self.units.items():
            relations[f"{DIRECTION} {spelt_vector(v)}"] = nm.inner(v, v).le(1)
            mean = 2 * nm.inner(nm.ONE, length_of(v)) if error else num(0)
            relations[f"{DIRECTION} {spelt_vector(v)} against g"] = nm.G.le(nm.inner(v, nm.GRADIENT) + mean)
        return relations

    def majorities(self) -> dict[str, Relation]:
        """||g||_1 <= <g, v> + 2 S/sqrt(N) for each majority v of signs, in the mean (Bernstein, Wang, Azizzadenesheli and Anandkumar 2018).

        In a coordinate where g is not 0, at least half of the clients send another sign than that of g with a probability of at most
        sigma/(|g| sqrt(N)), by the inequalities of Gauss and Cantelli, so that a tie may count as a wrong sign.
        """
        votes = [v for v, (kind, _) in self.points.drawn.items() if kind == "vote"]
        if not votes:
            return {}
        floor = 2 * self.hypotheses.classes["majority"][0] / fn("sqrt", self.clients)
        return {f"{MAJORITY} {spelt_vector(v)} against g": nm.G1.le(nm.inner(v, nm.GRADIENT) + floor) for v in votes}

    def lengths_of_signs(self) -> dict[str, Relation]:
        """||v||^2 <= d for each majority v of signs, which are 1, -1 or 0, and how the 1-norm of the gradient compares with its norm."""
        votes = [v for v, (kind, _) in self.points.drawn.items() if kind == "vote"]
        norms = {f"{ONE_NORM}, at least G": nm.G.le(nm.G1), f"{ONE_NORM}, at most": (nm.G1**2).le(nm.d * nm.G**2)}
        lengths = {f"{MAJORITY} {spelt_vector(v)}, length": nm.inner(v, v).le(nm.d) for v in votes}
        return lengths | norms if votes else {}

    def _coupled(self, draw: str, number: int) -> dict[str, Relation]:
        """How far the noises of one draw at two points differ: E||(g + Z)(p) - (g + Z)(q)||^2 <= L^2 ||p - q||^2 of a client."""
        points, step = self.points, self.points.step
        if number not in step.repeated:
            return {}
        places = [step.drawn_at[n] for n in (number, step.repeated[number])]
        here, there = (points.listed[0] if n is None else points.of_the_rule[n] for n in places)
        noise = Vector({draw: sp.S.One, drawn_vector("noise", step.repeated[number]): -sp.S.One})
        slopes, places = (
            (Vector({p.gradient: sp.S.One}) for p in (here, there)),
            (Vector(p.parts) for p in (here, there)),
        )
        dg, dx = (one - other for one, other in (slopes, places))
        level = symbolic(self.hypotheses.classes["mean smooth"][0])
        form = square(dx) * level**2 - square(dg) - square(noise) * symbolic(self.clients)
        return {f"mean smooth between {here.text} and {there.text}": relation_of(points, form, self.scalar)}

    def preconditioner(self) -> dict[str, Relation]:
        """<P v, w> = <v, P w>, lo ||y||^2 <= <y, P y> <= hi ||y||^2, and ||P y||^2 <= hi <y, P y>, since 0 <= lo I <= P <= hi I.

        y is the gradient, a centred draw, or an argument of P or its distance from the gradient, without draws that are centred.

        Raises:
            BadInput: lo and hi are not assumed, or assumed twice.
            Refusal: the matrix may depend on a coin.
        """
        of, points = self.points.preconditioned, self.points
        if not of:
            return {}
        stated = [self.hypotheses.classes[name] for name in PRECONDITIONERS if name in self.hypotheses.classes]
        if len(stated) != 1:
            accepted = (
                '"preconditioner: lo, hi" or "drawn preconditioner: lo, hi", the least and the greatest eigenvalue'
            )
            raise BadInput("assume", f"{len(stated)} lines about precondition(..)", accepted)
        if points.late and points.step.coins:
            words = "a matrix that depends on the draws of a step must not depend on its coins: assume preconditioner: lo, hi"
            raise Refusal("not-linear", words)
        relations: dict[str, Relation] = {}
        for n, (p, v) in enumerate(of.items()):
            for q, w in [*of.items()][n + 1 :]:
                if not self.vanishes(v, q):
                    one, other = spelt_vector(v), spelt_vector(w)
                    relations[f"{MATRIX}, <P {one}, {other}>"] = nm.inner(p, w).eq(nm.inner(v, q))
        gradient: Parts = {nm.GRADIENT: sp.S.One}
        vectors = [gradient, *({v: sp.S.One} for p, v in of.items() if p in self.centred)]
        for y in map(points.named, points.step.preconditioned):
            y = {v: c for v, c in y.items() if preconditioned(v) not in self.centred}
            vectors += [y, linear_step.weighted_sum([(sp.S.One, y), (sp.S.NegativeOne, gradient)])]
        ((low, high),) = stated
        for y in vectors:
            y = {v: c for v, c in y.items() if sp.expand(c) != 0}
            if y:
                moved = {preconditioned(v): c for v, c in y.items()}
                square, mixed, name = self.inner(y, y), self.inner(y, moved), f"{MATRIX}, y = {points.spelt(y)}"
                relations |= {f"{name}, least": (low * square).le(mixed), f"{name}, greatest": mixed.le(high * square)}
                relations[f"{name}, length"] = self.inner(moved, moved).le(high * mixed)
        return relations

    def _gossip(self) -> Term:
        """The factor by which gossip shrinks deviations.

        Raises:
            BadInput: it is not assumed.
        """
        if "gossip" not in self.hypotheses.classes:
            raise BadInput(
                "assume", "nothing about gossip", '"gossip: lam", the factor by which gossip shrinks deviations'
            )
        return self.hypotheses.classes["gossip"][0]

    def _elsewhere(self) -> Term:
        """A bound on the mean square of a client's noise at any point.

        Raises:
            Refusal: the bound varies with the state.
        """
        bound = self.hypotheses.classes["variance"][0] if "variance" in self.hypotheses.classes else self.covariance
        if bound is None or not constant_in_space(bound):
            raise Refusal(
                "not-linear",
                "the rule draws noise at another point than x: bound its mean square by a constant, as in variance: s",
            )
        return bound

    def _ratio(self) -> Term:
        """The factor in E||C(v) - v||^2 <= factor ||v||^2.

        Raises:
            Refusal: the compressor is biased, and the file says nothing of it.
        """
        classes = self.hypotheses.classes
        if "unbiased" in classes or "contraction" in classes:
            return classes["unbiased"][0] if "unbiased" in classes else 1 - classes["contraction"][0]
        if not isinstance(self.compressor, Unbiased):
            words = 'nothing bounds what this compressor loses: use compressor = "any" and "contraction: delta"'
            raise Refusal("no-omega", words)
        return self.scalar(self.compressor.omega(dimension if self.dim is None else sp.Integer(self.dim)).value)


def expanded(e: sp.Expr) -> sp.Expr:
    """An expression expanded except for powers of denominators, since 1/(1 - 2 b + b^2) would not be the atom 1/(1 - b) squared."""
    return sp.expand(e) if e.is_polynomial() else sp.expand_mul(sp.powsimp(e))
