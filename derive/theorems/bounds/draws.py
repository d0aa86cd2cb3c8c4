"""The vectors that a step draws: the noise of the messages, and what a compressor inside the rule adds to its argument.

Inner products are means given the past. A draw of the noise is centred given the past and the earlier draws; so is C(y) - y for an
unbiased C.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from sdescent.derive.methods.compressors.base import Compressor, Unbiased
from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, times
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import Hypotheses
from sdescent.derive.theorems.bounds.points import Parts, Points
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import d as dimension

#: heads of terms that vary with the state
_STATE = ("norm", "dot", "tr", "opnorm", "quad", "trprod")


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
        unbiased = isinstance(self.compressor, Unbiased)
        return [v for v, (kind, _) in self.points.drawn.items() if kind == "noise" or unbiased]

    def named(self, later: bool) -> list[str]:
        """The draws that are vectors of the setting.

        Args:
            later: whether the next state has points with names.
        """
        return [v for v in self.points.drawn if later or self._size(v) is None]

    def inner(self, a: Parts, b: Parts) -> Term:
        """E<a, b> given the past: products of vectors, plus the mean square of each common draw times both coefficients.

        A centred draw is orthogonal to everything but itself, gradients that depend on it, and draws that need not be centred.
        """
        others = self.points.later | (set(self.points.drawn) - set(self.centred))
        products, shared = [], []
        for v, c in a.items():
            for w, e in b.items():
                if v in self.centred and w in self.centred:
                    shared += [(v, expanded(c * e))] if v == w else []
                elif not {v, w} & set(self.centred) or {v, w} & others:
                    products.append(times(self.scalar(expanded(c * e)), nm.inner(v, w)))
        return plus(*products, *[times(self.scalar(c), self._mean_square(v)) for v, c in shared])

    def _mean_square(self, draw: str) -> Term:
        size = self._size(draw)
        return nm.inner(draw, draw) if size is None or self.interpolate else size

    def _size(self, draw: str) -> Term | None:
        """The mean square of a draw of the noise at x; None for other draws, of which only a bound is known."""
        kind, n = self.points.drawn[draw]
        if kind == "loss" or self.points.step.drawn_at.get(n) is not None:
            return None
        return (nm.NOISE if n in self.points.step.raw else nm.Q) / self.clients

    def relations(self, vectors: Sequence[str], kind: str) -> dict[str, Relation]:
        """The mean squares of the draws of a kind, or bounds on them, and the inner products that vanish.

        Args:
            vectors: all vectors of the setting but sums.
            kind: "noise" or "loss".
        """
        draws = {v: key for v, key in self.points.drawn.items() if v in vectors}
        present = [v for v in vectors if v not in self.points.later and v not in self.points.drawn]
        relations: dict[str, Relation] = {}
        for place, (v, (which, n)) in enumerate(draws.items()):
            if which != kind:
                continue
            square, size = nm.inner(v, v), self._size(v)
            if size is not None:
                relations[f"mean square of {word(v)}"] = square.eq(size)
            elif kind == "noise":
                relations[f"mean square of {word(v)}"] = square.le(self._elsewhere() / self.clients)
            else:
                argument = self.points.named(self.points.step.compressed[n])
                relations[f"loss of C, {n + 1}"] = square.le(self._ratio() * self.inner(argument, argument))
            for w in [*present, *list(draws)[:place]] if v in self.centred else ():
                relations[f"<{word(v)}, {word(w)}> = 0"] = nm.inner(v, w).eq(num(0))
        return relations

    def _elsewhere(self) -> Term:
        """A bound on the mean square of a client's noise at any point.

        Raises:
            Refusal: the bound varies with the state.
        """
        bound = self.hypotheses.classes["variance"][0] if "variance" in self.hypotheses.classes else self.covariance
        if bound is None or any(p[0] in _STATE or p in (nm.f, nm.NOISE) for p in parts(bound)):
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


def word(v: str) -> str:
    """A vector in the name of a relation: Z0 for a draw of the noise, C0 for what the compressor adds."""
    return f"{v[0].upper()}{v[1:-2]}" if v[0] in "zc" and v[1:-2].isdigit() else v


def expanded(e: sp.Expr) -> sp.Expr:
    """An expression expanded except for powers of denominators, since 1/(1 - 2 b + b^2) would not be the atom 1/(1 - b) squared."""
    return sp.expand(e) if e.is_polynomial() else sp.expand_mul(sp.powsimp(e))
