"""Theorems by interpolation, and models of them that are instances: losses, points and steps, and what comes close to them.

`python -m tests.support.certificates.instances COUNT` makes so many mutants of the certificates with squares of vectors. It prints
what became of them, and stops at the first that a checker accepts though its statement fails in a model.
"""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import linprog

from sdescent.derive.theorems.bounds.compressor_classes import method_of
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.performance.statement import Performance
from tests.support.certificates.invalid import CERTIFICATES
from tests.support.certificates.models import GRID, Models
from tests.support.certificates.mutants import tally

STEP = {
    "method": "dsgd", "V": "f - fstar", "claim": "change <= -(1-(1-eta*mu)^2)*V + eta^2*L*s/(2*N)",
    "assume": [
        "smooth: L", "strongly convex: mu", "mu < L", "variance: s", "eta*(L+mu) <= 2", "eta*mu <= 1"
    ],
}  # fmt: skip
RUN = {
    "method": "dsgd", "clients": 1, "noise": "none", "assume": ["smooth: 1", "convex", "eta == 1"],
    "initial": "||x - xstar||^2", "performance": "f - fstar",
}  # fmt: skip
#: coordinates of the instances: two of space, and two for what differs between the two draws of a step
SIZE = 4


@cache
def one_step() -> dict[str, Any]:
    """A bound on one step with noise, in letters, by interpolation between x, the next state and the minimiser."""
    return _proved(Stated(STEP, interpolate=True).entry())


@cache
def two_steps() -> dict[str, Any]:
    """The worst case of two steps of gradient descent, f - f* <= |x_0 - x*|^2/10."""
    solved = Performance(RUN, Letters(method_of(RUN)), 2).solve()
    assert solved is not None
    return _proved(solved[1])


THEOREMS = {"one step": one_step, "two steps": two_steps}


def _proved(theorem: Any) -> dict[str, Any]:
    certificate = check(theorem).certificate
    assert certificate is not None
    return certificate


@dataclass(frozen=True)
class Family:
    """Instances of a theorem, as rows of free numbers, and what they say of the names of its certificate.

    Args:
        certificate: makes the certificate.
        drawn: random instances; most of them make the claim an equality.
        named: the values of symbols and of vectors, from rows.
        sign: a vector by whose name the certificate is known.
    """

    certificate: Callable[[], dict[str, Any]]
    drawn: Callable[[np.random.Generator, int], Any]
    named: Callable[[Any], tuple[dict[str, Any], dict[str, Any]]]
    sign: str


class Instances(Models):
    """Models that are instances of a theorem, as far as the context has its names; other contexts have the models of `Models`.

    Some are as they are, some have one value drawn anew, and some satisfy all hypotheses but one and refute the claim.
    """

    def __init__(self, value: dict[str, Any], seed: int, rows: Any = None) -> None:
        super().__init__(value["context"], False, seed)
        family = next((f for f in FAMILIES if f.sign in self.vectors), None)
        if family is None:
            return
        self.vectors = {name: self.draw((), SIZE) for name in self.vectors}
        self.matrices = {name: self.draw((), SIZE, SIZE) for name in self.matrices}
        self.matrices = {name: m @ np.swapaxes(m, -1, -2) for name, m in self.matrices.items()}
        drawn = np.full(self.count, -1)
        if rows is None:
            rows, without = family.drawn(self.rng, self.count), astray(family)
            drawn = self.rng.integers(-len(self.context["symbols"]) - len(self.vectors), 30, self.count)
            led = (self.rng.random(self.count) < 1 / 3) & (drawn < 0)
            rows[led] = without[self.rng.integers(0, len(without), led.sum())]
        numbers, vectors = family.named(rows)
        if "S" in self.matrices and "Zsq" in numbers:
            self.matrices["S"] = numbers["Zsq"].reshape(-1, *[1] * 7) * np.diag(np.eye(SIZE)[0])
        kinds = self.context["symbols"]
        numbers = {name: a for name, a in numbers.items() if kinds.get(name) in ("const", "time", "random", "rv")}
        vectors = {name: a for name, a in vectors.items() if name in self.vectors}
        for n, (name, a) in enumerate([*numbers.items(), *vectors.items()]):
            table, inner = (self.symbols, ()) if n < len(numbers) else (self.vectors, (SIZE,))
            shape = (-1, *[1] * 5)
            table[name] = np.where(
                (drawn != n).reshape(*shape, *[1] * len(inner)), a.reshape(*shape, *inner), table[name]
            )

    def slacks(self, relations: list[Any]) -> Any:
        """Right minus left of the relations, of every model, where the models do not depend on the outcome or the time."""
        values = [self.value(raw[2]) - self.value(raw[1]) for raw in relations]
        return np.stack([np.broadcast_to(v[:, 0, 0, 0, 0, 0], self.count) for v in values], 1)


@cache
def astray(family: Family) -> Any:
    """Rows that satisfy all hypotheses but one, and not the claim: small moves from instances, by the derivatives of the slacks."""
    certificate, rng, rows = family.certificate(), np.random.default_rng(0), []
    statement, ahead = certificate["statement"], 1e-6
    given = statement["assumptions"] + statement["definitions"]
    bounds = [raw for raw in given if raw[0] != "=="]

    def at(places: Any) -> Instances:
        return Instances(certificate, 0, np.resize(places, (Instances.count, places.shape[1])))

    for start in family.drawn(rng, 40):
        moved = at(start + ahead * np.vstack([np.zeros(len(start)), np.eye(len(start))]))
        values = moved.slacks([*bounds, statement["claim"]])[: len(start) + 1]
        slopes = (values[1:] - values[0]).T / ahead
        for n in range(len(bounds)):  # the direction in which the others grow and the claim falls most
            sides = np.column_stack([-np.delete(slopes[:-1], n, 0), np.ones(len(bounds) - 1)])
            sides = np.vstack([sides, [*slopes[-1], 1]])
            limits = [*np.delete(values[0, :-1], n), -values[0, -1]]
            best = linprog([0.0] * len(start) + [-1], sides, limits, bounds=[(-1, 1)] * len(start) + [(0, 1)])
            if best.status == 0 and best.x[-1] > ahead:
                rows += [start + size * best.x[:-1] for size in (1e-3, 1e-2, 0.1, 1)]
    places = np.array(rows)
    there = [at(places[n : n + Instances.count]) for n in range(0, len(places), Instances.count)]
    met = sum(np.vstack([m.holds(raw, hypothesis=True) for m in there]).reshape(-1).astype(int) for raw in given)
    wrong = ~np.concatenate([m.holds(statement["claim"], hypothesis=False) for m in there])
    return places[(wrong & (met == len(given) - 1))[: len(places)]]


def _steps(rng: np.random.Generator, count: int) -> Any:
    """A step on a quadratic with noise z or -z."""
    L = rng.choice([1.0, 2, 4], count)
    mu = L * rng.choice([0.25, 0.5, 0.75], count)
    eta = 2 / (L + mu) * rng.choice([0.125, 0.5, 1], count) * rng.choice([1 - 1e-9, 1], count)
    h = mu[:, None] + (L - mu)[:, None] * rng.choice([0.0, 0.5, 1], (count, 2))
    e, z = rng.choice(GRID, (count, 2)), rng.choice(GRID, (count, 2)) * rng.choice([0, 1], (count, 1))
    clients, fstar = rng.choice([1.0, 2, 4], count), rng.choice(GRID, count)
    after = e - eta[:, None] * h * e
    f, later = fstar + (h * e**2).sum(1) / 2, fstar + (h * after**2).sum(1) / 2 + eta**2 * (h * z**2).sum(1) / 2
    s = clients * (z**2).sum(1) * rng.choice([1.0, 1, 2], count)
    return np.column_stack([eta, L, mu, clients, fstar, f, later, s, e, h * e, z, h * after, -eta[:, None] * h * z])


def _of_step(rows: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A vector is its mean over the two draws, and half of their difference."""
    numbers = dict(zip(("eta", "L", "mu", "N", "fstar", "f", "fp1_q", "s"), rows.T, strict=False))
    e, g, z, later = rows[:, 8:10], rows[:, 10:12], rows[:, 12:14], rows[:, 14:18]
    nothing = np.zeros_like(e)
    pairs = {"e_q": (e, nothing), "g": (g, nothing), "z0_q": (nothing, z), "gp1_q": (later,)}
    numbers |= {"Af_q": numbers["fp1_q"] - numbers["f"], "Zsq": numbers["N"] * (z**2).sum(1)}
    return numbers, {name: np.concatenate(pair, 1) for name, pair in pairs.items()}


def _runs(rng: np.random.Generator, count: int) -> Any:
    """Two steps of length 1 on sums over coordinates of h t^2/2, h <= 1, or of a function that is linear where |t| > w."""
    x = rng.choice(GRID, (count, SIZE)) * rng.choice([0, 1], (count, SIZE))
    widths = np.abs(x) * rng.choice([0.2, 0.2, 0.4, 0.1], (count, 1))
    h, bent = (
        rng.choice([0.0, 0.25, 0.5, 1], (count, SIZE)),
        rng.random((count, SIZE)) < rng.choice([0.5, 1], (count, 1)),
    )
    places, losses, gradients = [x], list[Any](), list[Any]()
    for _ in range(3):
        here = places[-1]
        near = np.abs(here) <= widths
        loss = np.where(near, here**2 / 2, widths * np.abs(here) - widths**2 / 2)
        losses.append(np.where(bent, loss, h * here**2 / 2).sum(1))
        gradients.append(np.where(bent, np.where(near, here, widths * np.sign(here)), h * here))
        places.append(here - gradients[-1])
    return np.column_stack([*losses, x, *gradients])


def _of_run(rows: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    numbers = {f"f{n}_q": rows[:, n] for n in range(3)}
    names = ("x0_q", "g0_q", "g1_q", "g2_q")
    return numbers, {name: rows[:, 3 + SIZE * n : 3 + SIZE * (n + 1)] for n, name in enumerate(names)}


FAMILIES = Family(two_steps, _runs, _of_run, "x0_q"), Family(one_step, _steps, _of_step, "e_q")


def in_instances(value: dict[str, Any], models: int, seed: int) -> tuple[int, bool]:
    """How many of the models satisfy the hypotheses, and whether the claim holds in all of these."""
    statement, considered, true = value["statement"], 0, True
    with np.errstate(all="ignore"):
        for n in range(0, models, Instances.count):
            drawn = Instances(value, seed + n)
            met = drawn.fine
            for raw in statement["assumptions"] + statement["definitions"]:
                met = met & drawn.holds(raw, hypothesis=True)
            considered += int(met.sum())
            true = true and bool((~met | drawn.holds(statement["claim"], hypothesis=False)).all())
    return considered, true


def mutants(count: int, seed: int = 0, theorems: bool = True) -> Counter[str]:
    """What became of so many mutants: of the hand-written certificates, and if `theorems` a half of the two theorems."""
    by_hand = {name: value for name, value in CERTIFICATES.items() if name.startswith("squared_norm")}
    said = Counter[str]()
    shares = [("by hand", by_hand, count // 2 if theorems else count)]
    shares += [(name, {name: make()}, count // 4) for name, make in THEOREMS.items() if theorems]
    for name, sources, part in shares:
        found = tally(sources, part, seed, 960, share=1.0, looked_at=in_instances)
        said += Counter({f"{name}: {kind}": number for kind, number in found.items()})
    return said


if __name__ == "__main__":
    for kind, number in sorted(mutants(int(sys.argv[1])).items()):
        print(f"{number:7d}  {kind}")
