"""One kernel with names of every kind, and short ways to facts: what the tests of refusals start from."""

from __future__ import annotations

from fractions import Fraction

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, mat, num, vec, x, xs

#: of the state behind V and W
DRIFT, DIFFUSION = [(num(-1), vec("u"))], [(x("c"), mat("P"))]
CONTEXT = Context(
    {"c": "const", "q": "const", "T": "const", "d": "const", "N": "const", "b": "const", "k": "const", "V0": "const",
     "t": "clock", "a": "time", "r": "rv", "VT": "rv", "V": "random", "W": "random", "g": "random", "h": "random", "p": "coord",
     "s": "coord", "z": "detcoord", "m": "client"},
    ("u", "v", "grad"), {"A": (), "H": ("symmetric",), "K": ("symmetric",), "P": ("psd",)},
    {"F": {"bounded": x("b"), "nondecreasing": True}}, "T", "d", "N",
    {name: {"gradient": "grad", "hessian": "H", "end": "VT", "start": "V0", "smooth": name == "V", "drift": DRIFT,
            "diffusion": DIFFUSION}
     for name in ("V", "W")},
)  # fmt: skip
K = Kernel(CONTEXT)
ONE = Fraction(1)
ZERO = num(0)
c, q, T, t, a, r, g, h, p, s, z, m, V, k = xs("c q T t a r g h p s z m V k")


def given(*relations: Relation) -> list[Fact]:
    return [K.assume(relation) for relation in relations]


def same(left: Term, right: Term) -> Fact:
    return K.certify(left.eq(right))


def trivial(*facts: Fact) -> Fact:
    """0 <= 1, under the hypotheses of these facts."""
    return K.certify(ZERO.le(1), facts, sum=[(ONE, (), ())])


def kept_by(fact: Fact) -> list[Relation]:
    return list(fact.hypotheses.values())
