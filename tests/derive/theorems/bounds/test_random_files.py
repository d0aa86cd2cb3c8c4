"""Random theorem files: what comes out PROVED is held against every outcome of the real method, on quadratics and in exact numbers.

Nothing of the language is used to evaluate: a claim is drawn as a text and as a function of numbers. Fixed keys; no claim may fail.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction as Q
from typing import Any

import pytest

from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.stated import Stated

pytestmark = pytest.mark.slow
Vector = tuple[Any, ...]
NUMBERS = [Q(a, b) for a in (1, 2, 3, 5) for b in (1, 2, 3, 4, 7)]
LETTERS = tuple("ehjlzopqwADFJPWY")


def along(a: Any, x: Vector, b: Any = 0, y: Vector | None = None) -> Vector:
    return tuple(a * p + (b * q if b else 0) for p, q in zip(x, y or x, strict=True))


def dot(x: Vector, y: Vector) -> Any:
    return sum(p * q for p, q in zip(x, y, strict=True))


@dataclass(frozen=True)
class Point:
    """A state of a method on the loss sum h_j x_j^2/2, and all numbers of the file."""

    x: Vector
    m: Vector
    h: Vector
    n: Mapping[str, Any]

    @property
    def g(self) -> Vector:
        return tuple(c * p for c, p in zip(self.h, self.x, strict=True))

    @property
    def f(self) -> Any:
        return dot(self.g, self.x) / 2

    def moved(self, x: Vector, m: Vector) -> Point:
        return Point(x, m, self.h, self.n)


#: name -> (memory, update with {m}, {beta}; the same as a function of the point and the mean message)
RULES: Mapping[str, tuple[bool, list[str], Callable[[Point, Vector], tuple[Vector, Vector]]]] = {
    "plain": (False, ["x = x - eta*G"], lambda p, G: (along(1, p.x, -p.n["eta"], G), p.m)),
    "heavy": (
        True, ["{m} = {beta}*{m} - eta*G", "x = x + {m}"],
        lambda p, G: (along(1, p.x, 1, w := along(p.n["beta"], p.m, -p.n["eta"], G)), w),
    ),
    "ascent": (
        True, ["x = x - eta*{m}", "{m} = {beta}*G - G"],
        lambda p, G: (along(1, p.x, -p.n["eta"], p.m), along(p.n["beta"] - 1, G)),
    ),
}  # fmt: skip
#: V as a text, and as a function of a point
VALUES: Mapping[str, tuple[str, Callable[[Point], Any]]] = {
    "gap": ("f - fstar", lambda p: p.f),
    "distance": ("||x - xstar||^2", lambda p: dot(p.x, p.x)),
    "memory": ("||{m}||^2", lambda p: dot(p.m, p.m)),
    "energy": (
        "f - fstar + (1 - eta*{L})/(2*eta)*||{m}||^2",
        lambda p: p.f + (1 - p.n["eta"] * p.n["L"]) / (2 * p.n["eta"]) * dot(p.m, p.m),
    ),
}  # fmt: skip
#: terms of a claim, each >= 0
TERMS: Mapping[str, Callable[[Point], Any]] = {
    "eta*G^2": lambda p: p.n["eta"] * dot(p.g, p.g), "eta*{mu}*V": lambda p: p.n["eta"] * p.n["mu"] * p.n["V"](p),
    "eta*(f - fstar)": lambda p: p.n["eta"] * p.f, "||{m}||^2": lambda p: dot(p.m, p.m),
    "eta^2*{L}*{s}/N": lambda p: p.n["eta"] ** 2 * p.n["L"] * p.n["s"] / p.n["N"],
    "eta^2*{s}/N": lambda p: p.n["eta"] ** 2 * p.n["s"] / p.n["N"], "eta*{s}": lambda p: p.n["eta"] * p.n["s"],
    "eta*{s}/N": lambda p: p.n["eta"] * p.n["s"] / p.n["N"],
}  # fmt: skip
#: what falls and what stays of bounds that hold with some constants
BOUNDS = {
    "gap": [("eta*G^2", "eta^2*{L}*{s}/N"), ("eta*{mu}*V", "eta^2*{L}*{s}/N"), ("eta*(f - fstar)", "eta*{s}/N")],
    "distance": [("eta*(f - fstar)", "eta^2*{s}/N"), ("eta*{mu}*V", "eta^2*{s}/N")],
    "memory": [("||{m}||^2", "eta*{s}"), ("eta*G^2", "eta*{s}")],
    "energy": [("eta*G^2", "eta*{s}/N"), ("eta*G^2", "eta*{s}")],
}
#: compressor -> (its specification, the outcomes of a message of two coordinates with their chances)
COMPRESSORS: Mapping[str, tuple[str | None, list[tuple[Q, Vector]]]] = {
    "identity": (None, [(Q(1), (1, 1))]),
    "bernoulli": ("bernoulli:p=1/2", [(Q(1, 4), (2 * a, 2 * b)) for a in (0, 1) for b in (0, 1)]),
    "rand-k": ("rand-k:k=1", [(Q(1, 2), (2, 0)), (Q(1, 2), (0, 2))]),
}


@dataclass(frozen=True)
class Drawn:
    """A file, and what it says as functions."""

    file: dict[str, Any]
    rule: str
    value: str
    compressor: str
    terms: tuple[tuple[Q, str], ...]
    step: Q
    clients: int


def drawn(key: int) -> Drawn:
    """A file in letters of its own: a rule, a V, a bound whose constants are near true ones."""
    rng = random.Random(key)
    names = dict(zip(("m", "beta", "L", "mu", "s"), rng.sample(LETTERS, 5), strict=True))
    rule = rng.choice(["plain", "plain", "plain", "heavy", *RULES])
    memory, update, _ = RULES[rule]
    compressor = rng.choice(list(COMPRESSORS)) if rule == "plain" else "identity"
    of_memory = {"heavy": ["energy", "energy", "gap"], "ascent": ["distance", "memory"]}
    value = rng.choice(of_memory.get(rule, ["gap", "gap", "distance"]))
    falls, floor = rng.choice(BOUNDS[value])
    share = rng.choice([Q(1, 8), Q(1, 4), Q(1, 2), Q(1), Q(3, 2)])
    terms = (-share, falls), (rng.choice([Q(1, 2), Q(1), Q(2), Q(4)]), floor)
    step, clients = rng.choice([Q(1), Q(1, 2), Q(1, 4)]), rng.choice([1, 2])
    assume = ["smooth: {L}", "variance: {s}", f"eta*{{L}} <= {step}"]
    assume += ["strongly convex: {mu}"] if value == "distance" or "{mu}" in falls else []
    assume += ["{beta}^2 <= 1 - eta*{L}"] if value == "energy" else []
    claim = "change <= " + " + ".join(f"({c})*{t}" for c, t in terms)
    table: dict[str, Any] = {"update": [u.format(**names) for u in update]}
    table |= {"memory": {names["m"]: 0}} if memory else {}
    table |= {"fractions": [names["beta"]]} if memory else {}
    file = {"method": table, "assume": [a.format(**names) for a in assume], "V": VALUES[value][0].format(**names),
            "claim": claim.format(**names), "clients": clients, "dim": 2}  # fmt: skip
    spec = COMPRESSORS[compressor][0]
    return Drawn(file if spec is None else {**file, "compressor": spec}, rule, value, compressor, terms, step, clients)


def outcomes(d: Drawn, p: Point, z: Vector) -> Iterator[tuple[Q, Vector]]:
    """The mean message with its chance: each client sees g + z or g - z, and compresses it."""
    one = [
        (Q(1, 2) * chance, tuple(scale * (g + sign * e) for scale, g, e in zip(mask, p.g, z, strict=True)))
        for sign in (1, -1) for chance, mask in COMPRESSORS[d.compressor][1]
    ]  # fmt: skip
    for sent in itertools.product(one, repeat=d.clients):
        chance = math.prod((c for c, _ in sent), start=Q(1))
        yield chance, tuple(sum(m[j] for _, m in sent) / d.clients for j in range(2))


def holds(d: Drawn, rng: random.Random) -> bool:
    """The claim at one random point of a random quadratic of the class."""
    size = lambda: rng.choice(NUMBERS) * rng.choice([Q(1, 8), Q(1), Q(6)])  # noqa: E731
    mu, L = sorted([size(), size()])
    eta = d.step / L * rng.choice([Q(1), Q(1, 2), Q(1, 9)])
    z = (size(), rng.choice([Q(0), size()]))
    beta = Q(1, 2) if d.value != "energy" else next(b for b in (Q(3, 4), Q(1, 2), Q(1, 9), Q(0)) if b**2 <= 1 - eta * L)
    value = VALUES[d.value][1]
    numbers = {"eta": eta, "L": L, "mu": mu, "s": dot(z, z), "N": d.clients, "beta": beta, "V": value}
    signs = rng.choice([-1, 1]), rng.choice([-1, 0, 1])
    x, m = (along(sign, (size(), size())) for sign in signs)
    p = Point(x, m, rng.choice([(mu, L), (L, L), (L, mu)]), numbers)
    if not RULES[d.rule][0]:
        p = p.moved(p.x, (Q(0), Q(0)))
    after = sum(chance * value(p.moved(*RULES[d.rule][2](p, G))) for chance, G in outcomes(d, p, z))
    return after - value(p) <= sum(c * TERMS[t](p) for c, t in d.terms)


def test_what_is_proved_holds_for_every_outcome() -> None:
    """26 files; at least 6 are proved, of two rules and all compressors."""
    proved: list[Drawn] = []
    for key in range(26):
        d = drawn(key)
        answer = decide(Stated(d.file), 10.0, repair=False)
        if answer.status == "PROVED":
            proved.append(d)
            rng = random.Random(1000 + key)
            assert all(holds(d, rng) for _ in range(40)), d
    assert len(proved) >= 6, len(proved)
    assert len({d.rule for d in proved}) >= 2 and {d.compressor for d in proved} == set(COMPRESSORS)
    assert not any(d.rule == "ascent" and d.value == "distance" for d in proved)
