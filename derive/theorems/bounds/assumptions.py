"""The setting of a theorem of one's own: the kernel's context and the engine's results on the method.

The method itself runs in discrete time, an SDE on the interval [0, T]. Potentials are the loss f and the products of vectors in V.
Each has a change: its mean difference in a step, or its image under the generator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import Hypotheses
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, symbols_of
from sdescent.derive.vocabulary.verdicts import Source

About = Literal["method", "first-order", "corrected"]
#: the name of the definition of a product with a sum of vectors
BY_PARTS = "by its parts"
#: a product of two vectors, by their names in the kernel
Product = tuple[str, str]
#: operators over time, in contrast to terms at one state
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
        context: the names and their kinds.
        potentials: "f" or a product of two vectors -> its potential.
        assumptions, definitions: name -> relation.
        mean: the name of the mean message among the vectors.
        draws: for the method, the coefficients of the centred draws of the messages in a step.
        any_noise: whether the noise may be any centred noise.
        sums: the vectors that are sums of other vectors, by name.
        sources: the source of each assumption and definition, by its name.
        formulas: the names of the assumptions that the author states as formulas; all others hold in every instance.
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
        """Whether time is discrete."""
        return self.about == "method"

    @property
    def horizon(self) -> Term:
        return x(str(self.context.horizon))

    @property
    def free_constants(self) -> list[str]:
        """The author's own constants, without arguments of classes and constants of the method."""
        meant = {"eta", "N", "d", "fstar", self.horizon[1], *(name for name, _ in self.method.constants)}
        meant |= {n for terms in self.hypotheses.classes.values() for t in terms for n in symbols_of(t)}
        ends = {p.start[1] for p in self.potentials.values()}
        return [n for n, kind in self.context.symbols.items() if kind == "const" and n not in meant | ends]

    def at_the_end(self, relation: Relation) -> bool:
        """Whether a relation is about the start, the end, a mean or an integral over time, and not about a single state."""
        ends = {t for p in self.potentials.values() for t in (p.start, p.end)}
        return any(p[0] in _OVER_TIME or p in ends for p in parts_of(relation))
