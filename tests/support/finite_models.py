"""Finite models of the terms of proofs: a few outcomes, times, coordinates and clients, with exact values where that is possible.

The value of a term is an array with the axes (outcome, time, coordinate j, coordinate i, client); an axis that the value does not
depend on has length 1. Expectation and integrals are weighted sums, which are positive linear functionals with E(1) = 1, I(1) = T.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import KINDS, Context
from sdescent.derive.proof.language.terms import Relation

AXES = "wtjik"
NEGLIGIBLE = 1e-9
#: rational functions that agree with the true ones in what normal forms know of them
STANDINS = {
    "exp": lambda v: 1 + v + 2 * v**2, "log": lambda v: (v - 1) * (v + 2), "sqrt": lambda v: v * (2 * v - 1), "abs": abs,
    "atan": lambda v: v + v**3, "erf": lambda v: 2 * v, "tanh": lambda v: v**3 - v,
    "psi": lambda v: Fraction(1, 2) + 3 * v,
}  # fmt: skip
TRUE = {
    "exp": math.exp, "log": lambda v: math.log(v) if v > 0 else 0.0, "sqrt": lambda v: math.sqrt(v) if v > 0 else 0.0,
    "abs": abs, "atan": math.atan, "erf": math.erf, "tanh": math.tanh,
    "psi": lambda v: (math.expm1(v) - v) / v**2 if abs(v) > 1e-2 else 0.5 + v / 6 + v**2 / 24 + v**3 / 120 + v**4 / 720,
}  # fmt: skip


@dataclass
class Model:
    """Values of all names.

    Args:
        scalars: name -> array over `AXES` (length 1 where the kind does not depend on it).
        vectors, matrices: name -> array over (outcome, time, entries..).
        chances, steps: the weights of outcomes and of times.
        functions: declared functions; standard: those of `["f", ..]`.
    """

    context: Context
    scalars: dict[str, Any]
    vectors: dict[str, Any] = field(default_factory=dict)
    matrices: dict[str, Any] = field(default_factory=dict)
    chances: Any = None
    steps: Any = None
    functions: dict[str, Any] = field(default_factory=dict)
    standard: dict[str, Any] = field(default_factory=lambda: TRUE)
    sizes: tuple[int, int] = (2, 2)

    def value(self, t: Any) -> Any:
        """The value of a term at every point."""
        head, args = t[0], t[1:]
        if head == "q":
            return _array(Fraction(args[0]))
        if head == "x":
            return self.scalars[args[0]]
        if head == "xi":
            return np.swapaxes(self.scalars[args[0]], 2, 3)
        if head == "pi":
            return _array(math.pi)
        if head == "+":
            return sum((self.value(a) for a in args[1:]), self.value(args[0]))
        if head == "*":
            return math.prod((self.value(a) for a in args[1:]), start=self.value(args[0]))
        if head == "^":
            return self.value(args[0]) ** args[1]
        if head == "/":
            return self.value(args[0]) * _each(_inverse, self.value(args[1]))
        if head == "f":
            return _each(self.standard[args[0]], self.value(args[1]))
        if head == "F":
            return _each(self.functions[args[0]], self.value(args[1]))
        if head in ("E", "I", "EI", "S", "Si", "C"):
            return self._operator(head, self.value(args[0]))
        return self._vectors(head, args)

    def _operator(self, head: str, inner: Any) -> Any:
        for axis in {"E": (0,), "I": (1,), "EI": (0, 1), "S": (2,), "Si": (3,), "C": (4,)}[head]:
            weights = {0: self.chances, 1: self.steps}.get(axis, np.full(self.sizes[axis == 4], Fraction(1)))
            shape = [-1 if a == axis else 1 for a in range(5)]
            inner = (inner * np.reshape(weights, shape)).sum(axis=axis, keepdims=True)
        return inner

    def vector(self, v: Any) -> Any:
        if v[0] == "v":
            return self.vectors[v[1]]
        return (self.matrices[v[1][1]] @ self.vectors[v[2][1]][..., None])[..., 0]

    def _vectors(self, head: str, args: Any) -> Any:
        if head == "norm":
            found = _each(lambda s: math.sqrt(float(s)), (self.vector(args[0]) ** 2).sum(-1))
        elif head == "dot":
            found = (self.vector(args[0]) * self.vector(args[1])).sum(-1)
        elif head == "quad":
            v = self.vector(args[1])
            found = (v * (self.matrices[args[0][1]] @ v[..., None])[..., 0]).sum(-1)
        elif head == "tr":
            found = np.trace(self.matrices[args[0][1]], axis1=-2, axis2=-1)
        elif head == "trprod":
            found = np.trace(self.matrices[args[0][1]] @ self.matrices[args[1][1]], axis1=-2, axis2=-1)
        else:
            assert head == "opnorm", head
            found = np.linalg.norm(self.matrices[args[0][1]].astype(float), 2, axis=(-2, -1))
        return np.reshape(found, (*np.shape(found), 1, 1, 1))

    def holds(self, relation: Relation) -> Any:
        """Where a relation holds, at every point; where floats are involved, up to rounding."""
        left, right = self.value(relation.left), self.value(relation.right)
        slack = right - left
        exact = all(isinstance(s, Fraction) for s in slack.flat)
        edge: Any = 0 if exact else NEGLIGIBLE * (1 + abs(left).astype(float) + abs(right).astype(float))
        found = {
            "<=": slack >= -edge, "<": slack > 0 if exact else slack > -edge,
            "==": abs(slack) <= edge, "!=": abs(slack) > edge,
        }[relation.op]  # fmt: skip
        return np.asarray(found, dtype=bool)

    def tests(self, fact: Fact) -> bool:
        """Whether a fact speaks of this model: its sealed hypotheses hold everywhere and the others at some point.

        Raises:
            AssertionError: the hypotheses hold at a point (the sealed ones everywhere), and the claim does not.
        """
        if not all(self.holds(h).all() for key, h in fact.hypotheses.items() if key in fact.sealed):
            return False
        here = np.ones((1,) * 5, dtype=bool)
        for key, h in fact.hypotheses.items():
            if key not in fact.sealed:
                here = here & self.holds(h)
        wrong = here & ~self.holds(fact.claim)
        if wrong.any():
            raise AssertionError(f"{fact.rule}: {dict(fact.hypotheses)} does not give {fact.claim}")
        return bool(here.any())


def _array(value: Any) -> Any:
    found = np.empty((1,) * 5, dtype=object)
    found.fill(value)
    return found


def _each(f: Any, values: Any) -> Any:
    found = np.empty(np.shape(values), dtype=object)
    for place, v in np.ndenumerate(values):
        found[place] = f(v)
    return found


def _inverse(v: Any) -> Any:
    if isinstance(v, Fraction):
        return 1 / v if v else Fraction(0)
    return 1 / v if abs(v) > NEGLIGIBLE else 0.0


CHANCES = np.array([Fraction(1, 3), Fraction(2, 3)], dtype=object)
STEPS = np.array([Fraction(1, 2), Fraction(1)], dtype=object)


def random_model(
    context: Context, rng: np.random.Generator, low: int = -2, high: int = 3, parts: int = 1, **more: Any
) -> Model:
    """A model with 2 outcomes, times, coordinates and clients, whose values are random multiples of 1/parts."""
    scalars = {}
    for name, kind in context.symbols.items():
        shape = tuple(2 if a in KINDS[kind] else 1 for a in AXES)
        scalars[name] = _fractions(rng, shape, low, high, parts)
    for name, number in (
        (context.horizon, STEPS.sum()),
        (context.dimension, Fraction(2)),
        (context.clients, Fraction(2)),
    ):
        if name is not None:
            scalars[name] = _array(number)
    for name, kind in context.symbols.items():
        if kind == "clock":
            scalars[name] = np.reshape(np.array([Fraction(0), Fraction(1)], dtype=object), (1, 2, 1, 1, 1))
    vectors = {name: _fractions(rng, (2, 2, 3), low, high, parts) for name in context.vectors}
    matrices = {}
    for name in context.matrices:
        m = _fractions(rng, (2, 2, 3, 3), low, high, parts)
        turned = np.swapaxes(m, -1, -2)
        matrices[name] = m @ turned if context.psd(name) else m + turned if context.symmetric(name) else m
    return Model(context, scalars, vectors, matrices, CHANCES, STEPS, **more)


def _fractions(rng: np.random.Generator, shape: tuple[int, ...], low: int, high: int, parts: int) -> Any:
    return _each(lambda v: Fraction(int(v), parts), rng.integers(low, high, shape))


def near(a: Any, b: Any) -> bool:
    """Whether two values agree: exactly where they are rational, else up to rounding."""
    a, b = np.broadcast_arrays(a, b)
    for s, t in zip(a.flat, b.flat, strict=True):
        if isinstance(s, Fraction) and isinstance(t, Fraction):
            if s != t:
                return False
        elif abs(s - t) > 1e-7 * (1 + abs(s) + abs(t)):
            return False
    return True


SCALARS = {
    "c": "const", "q": "const", "T": "const", "d": "const", "N": "const", "t": "clock", "a": "time", "r": "rv", "g": "random",
    "h": "random", "p": "coord", "s": "coord", "z": "detcoord", "m": "client", "n": "detclient",
}  # fmt: skip
FULL = Context(
    SCALARS, ("u", "v"), {"A": (), "H": ("symmetric",), "K": ("symmetric",), "P": ("psd",), "Q": ("psd",)},
    {"F": {"odd": True}}, "T", "d", "N",
)  # fmt: skip
OPERATORS = ("E", "I", "EI", "S", "Si", "C")


def always(fact: Fact, seed: int, count: int = 30, **more: Any) -> None:
    """The fact is true of random models, and speaks of one in five of them at least."""
    rng = np.random.default_rng([seed, 4])
    assert sum(random_model(FULL, rng, **more).tests(fact) for _ in range(count)) >= count // 5
