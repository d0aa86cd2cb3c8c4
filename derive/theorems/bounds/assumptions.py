"""The setting of a theorem of one's own: the context of the kernel, and what the engine computes of the method.

The method itself has discrete time, an SDE the interval [0, T]. Potentials are the loss f and the products of vectors in V, each with
its change: the mean difference in a step, or its image under the generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import Hypotheses
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, symbols_of
from sdescent.derive.vocabulary.sources import Source

About = Literal["method", "first-order", "corrected"]
#: the name of the definition of a product with a sum of vectors
BY_PARTS = "by its parts"
#: a product of two vectors, by their names in the kernel
Product = tuple[str, str]
#: operators over time, not at one state
_OVER_TIME = ("E", "EI", "I")


@dataclass(frozen=True)
class Potential:
    """A function of the state with its value, change, start and end."""

    value: Term
    change: Term
    start: Term
    end: Term

    @property
    def name(self) -> str:
        return self.value[1]


@dataclass(frozen=True)
class Setting:
    """The starting point of a proof.

    Args:
        context: the names.
        potentials: "f" or a product of two vectors -> its potential.
        assumptions, definitions: name -> relation.
        products: pairs of vectors whose inner product occurs.
        mean: the name of the vector of the mean message.
        draws: coefficients of the centred draws of the messages in a step, for the method.
        any_noise: whether the noise is any centred one.
        sums: vectors that are sums of others, by name.
        sources: what backs each assumption and definition, by its name.
        formulas: names of the assumptions that the author states as formulas; all others hold of every instance.
    """

    context: Context
    about: About
    potentials: Mapping[Any, Potential]
    assumptions: Mapping[str, Relation]
    definitions: Mapping[str, Relation]
    names: Mapping[str, str]
    hypotheses: Hypotheses
    mean: str
    vectors: tuple[str, ...]
    method: Method
    draws: tuple[Term, ...]
    any_noise: bool
    sums: Mapping[str, nm.VectorSum]
    sources: Mapping[str, Source]
    formulas: frozenset[str] = frozenset()

    @property
    def steps(self) -> bool:
        """Whether time is steps."""
        return self.about == "method"

    @property
    def horizon(self) -> Term:
        return x(str(self.context.horizon))

    @property
    def free_constants(self) -> list[str]:
        """The author's own constants: no argument of a class, no constant of the method."""
        meant = {"eta", "N", "d", "fstar", self.horizon[1], *(name for name, _ in self.method.constants)}
        meant |= {n for terms in self.hypotheses.classes.values() for t in terms for n in symbols_of(t)}
        ends = {p.start[1] for p in self.potentials.values()}
        return [n for n, kind in self.context.symbols.items() if kind == "const" and n not in meant | ends]

    def at_the_end(self, relation: Relation) -> bool:
        """Whether a relation is about the start, the end, a mean or an integral over time instead of one state."""
        ends = {t for p in self.potentials.values() for t in (p.start, p.end)}
        return any(p[0] in _OVER_TIME or p in ends for p in parts_of(relation))
