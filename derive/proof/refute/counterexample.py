"""The search for counterexamples to assume => claim: in floating point or by z3, rounded to simple numbers, and checked exactly.

A point maps each variable to a Fraction or an `Algebraic` (printed as "sqrt(2)" or "root(x^3 - 2, 1)"). `exact.counterexample`
confirms every point that is returned. If there is none, the claim may be true or false.
"""

from __future__ import annotations

import copy
import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from flint import Ordering, fmpq_mpoly_ctx
from scipy.optimize import minimize
from scipy.special import erf, hyp1f1

from sdescent.derive.proof.language.clock import OutOfTime, limited, now, spend
from sdescent.derive.proof.language.killable_process import Worker
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, times, to_json, x
from sdescent.derive.proof.refute.exact import Algebraic, NoValue, Values, counterexample
from sdescent.derive.proof.search.ring import fraction, rational

GRID = tuple(
    map(Fraction, ["0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3", "1/4", "3/2", "-3/2", "4", "1/10", "10", "1/3"])
)
_GRID_ABOVE, _GRID_BELOW = np.array([v.numerator for v in GRID]), np.array([v.denominator for v in GRID])
BATCH = 4096
#: the functions that occur in terms, on arrays
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "atan": np.arctan, "erf": erf, "tanh": np.tanh, "abs": np.abs,
    "psi": lambda t: _psi(np.asarray(t, float)),
}  # fmt: skip


def _psi(t: Any) -> Any:
    """The function (e^t - 1 - t)/t^2, near 0 by a hypergeometric series, which needs too many terms elsewhere."""
    near = np.abs(t) < 1
    far = np.where(near, 1.0, t)
    return np.where(near, hyp1f1(1, 3, np.where(near, t, 0.0)) / 2, (np.expm1(far) - far) / far / far)


def refute(
    context_vars: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float = 1.0
) -> dict[str, Fraction | Algebraic] | None:
    """An exact counterexample in the variables, or None."""
    search = Search(list(context_vars), list(assume), claim, now() + seconds)
    try:
        with quiet(), limited(2 * seconds):
            return search.run(seconds)
    except (NoValue, OutOfTime):
        # time has run out, or the terms contain something other than variables, such as a norm or an expectation
        return None


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress floating-point warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Rationals:
    """Rational points in lowest terms: numerators and positive denominators, integers of shape (points, coordinates)."""

    above: Any
    below: Any

    @classmethod
    def of_grid(cls, chosen: Any) -> Rationals:
        """The points whose coordinates are these entries of `GRID`."""
        return cls(_GRID_ABOVE[chosen], _GRID_BELOW[chosen])

    def and_near(self, rows: Any) -> Rationals:
        """These points together with `rows` rounded to multiples of 1/16, or of 1/1000 for small coordinates."""
        scale = np.where(np.abs(rows) > 0.2, 16, 1000)
        above = np.rint(rows * scale).astype(np.int64)
        common = np.gcd(above, scale)
        return Rationals(np.concatenate([self.above, above // common]), np.concatenate([self.below, scale // common]))

    def floats(self) -> Any:
        """The points in floating point."""
        return self.above / self.below

    def sizes(self) -> Any:
        """The sum of the sizes of the numerators and denominators of each point."""
        return (np.abs(self.above) + self.below).sum(axis=1)

    def exact(self, i: int) -> list[Fraction]:
        """The i-th point."""
        return [Fraction(int(n), int(d)) for n, d in zip(self.above[i], self.below[i], strict=True)]


def _batches(count: int) -> Iterator[Rationals]:
    """Batches of points with `count` coordinates, the same for every search."""
    first, random = _first_batches(count)
    yield from first
    random = copy.deepcopy(random)
    while True:
        yield _random_batch(count, random)


@lru_cache(maxsize=32)
def _first_batches(count: int) -> tuple[list[Rationals], np.random.Generator]:
    """The two batches that every search uses, and the generator that draws the next ones."""
    random = np.random.default_rng(0)
    few = count and len(GRID) ** count <= BATCH
    grid = [Rationals.of_grid(np.array(list(itertools.product(range(len(GRID)), repeat=count))))] if few else []
    return [*grid, *(_random_batch(count, random) for _ in range(2 - len(grid)))], random


def _random_batch(count: int, random: np.random.Generator) -> Rationals:
    """A batch of points: half from the grid, often only from its first and simplest values; half of all sizes."""
    if not count:
        return Rationals(np.zeros((1, 0), np.int64), np.ones((1, 0), np.int64))
    chosen = np.empty((BATCH // 2, count), np.int64)
    for row in chosen:
        row[:] = random.integers(1 + int(random.integers(len(GRID))), size=count)
    wide = random.standard_normal((BATCH // 2, count)) * 10.0 ** random.uniform(-2, 2, (BATCH // 2, 1))
    return Rationals.of_grid(chosen).and_near(wide)


class Search:
    """The search for a counterexample to one claim; `sdescent.derive.proof.repair.candidates` uses its samples too."""

    def __init__(self, names: list[str], assume: list[Relation], claim: Relation, stop: float) -> None:
        self.names, self.assume, self.claim, self.stop = names, assume, claim, stop
        #: whether z3 answered that there is no counterexample
        self.denied = False
        self.defined = definitions(names, assume)
        self.free = [n for n in names if n not in self.defined]
        self._batches = _batches(len(self.free))

    def run(self, seconds: float) -> dict[str, Fraction | Algebraic] | None:
        """Try samples, then z3, then, in turn, optimisation from the best samples and more samples."""
        point = self._samples(2)
        if point is None:
            point = self._z3(min(0.4 * seconds, self.stop - now()))
        while point is None and not self.denied and now() < self.stop:
            point = self._optimised()
            point = self._samples(1) if point is None and now() < self.stop else point
            if not self.free:
                break
        return point

    def _checked(self, point: dict[str, Any]) -> dict[str, Fraction | Algebraic] | None:
        """The point with values for the defined variables if it is a counterexample, else None."""
        full = dict(point)
        try:
            for name, term in self.defined.items():
                value = Values(full).value(term)
                if not value.is_constant():
                    return None
                full[name] = fraction(value.leading_coefficient()) if value else Fraction(0)
        except (NoValue, KeyError):
            return None
        return {n: full[n] for n in self.names} if counterexample(full, self.assume, self.claim) else None

    def batch(self) -> Rationals:
        """The next points for the free variables: small rationals of mixed sizes."""
        return next(self._batches)

    def _samples(self, rounds: int) -> dict[str, Fraction | Algebraic] | None:
        for _ in range(rounds):
            points = self.batch()
            if now() > self.stop:
                return None
            margin, violation = self.margins(self.table(points.floats()), (len(points.above),))
            hopeful = np.flatnonzero((margin >= -1e-9) & (violation >= -1e-12))
            # clear violations come before those that may be rounding errors, and simple points first
            unclear = ~((margin[hopeful] >= 0) & (violation[hopeful] > 1e-9))
            for i in hopeful[np.lexsort((points.sizes()[hopeful], unclear))[:40]]:
                point = self._checked(dict(zip(self.free, points.exact(i), strict=True)))
                if point is not None or now() > self.stop:
                    return point
        return None

    def table(self, free: Any) -> dict[str, Any]:
        """Columns for all variables, computed from those of the free ones."""
        table = {n: free[..., k] for k, n in enumerate(self.free)}
        shape = free.shape[:-1]
        for name, term in self.defined.items():
            table[name] = np.broadcast_to(number(term, table), shape)
        return table

    def margins(self, table: dict[str, Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
        """The least slack of the assumptions and the violation of the claim; both -inf outside the domain."""
        margin = np.full(shape, np.inf)
        for r in self.assume:
            slack = np.broadcast_to(number(r.slack, table), shape)
            margin = np.minimum(margin, {"==": -np.abs(slack), "!=": np.abs(slack)}.get(r.op, slack))
        slack = np.broadcast_to(number(self.claim.slack, table), shape)
        violation = np.abs(slack) if self.claim.op == "==" else -slack
        bad = ~np.isfinite(slack) | np.isnan(margin)
        return np.where(bad, -np.inf, margin), np.where(bad, -np.inf, violation)

    def _z3(self, seconds: float) -> dict[str, Fraction | Algebraic] | None:
        answer, point = consult(self.names, self.assume, self.claim, max(seconds, 0.01))
        self.denied = answer == "unsat"
        if answer != "sat":
            return None
        simple = self.rounded([float(point[n]) for n in self.free])
        if simple is not None:
            return simple
        return point if counterexample(point, self.assume, self.claim) else None

    def rounded(self, values: Sequence[float]) -> dict[str, Fraction | Algebraic] | None:
        """The first counterexample among ever finer roundings of a point."""
        if not all(math.isfinite(v) and abs(v) < 1e12 for v in values):
            return None
        tried: set[tuple[Fraction, ...]] = set()
        for limit in (1, 2, 4, 10, 32, 100, 1000, 10**5, 10**8, 10**12):
            point = tuple(Fraction(v).limit_denominator(limit) for v in values)
            if point in tried:
                continue
            tried.add(point)
            checked = self._checked(dict(zip(self.free, point, strict=True)))
            if checked is not None:
                return checked
        return None

    def _optimised(self) -> dict[str, Fraction | Algebraic] | None:
        """A counterexample from maximising t with all slacks and the violation >= t, then with slacks >= 0, violation >= t."""
        if not self.free:
            return None
        rows = self.batch().floats()[-512:]
        margin, violation = self.margins(self.table(rows), (len(rows),))
        score = np.minimum(margin, violation)
        for i in np.argsort(-score)[:4]:
            if now() > self.stop or not math.isfinite(score[i]):
                return None
            start = rows[i]
            for interior in (True, False):
                end = self._climb(start, interior)
                point = self.rounded(list(end)) if end is not None else None
                if point is not None:
                    return point
        return None

    def _climb(self, start: Any, interior: bool) -> Any | None:
        inequalities = [r for r in self.assume if r.op in ("<=", "<")]
        equalities = [r for r in self.assume if r.op == "=="]
        sign = -1.0
        if self.claim.op == "==":
            sign = -1.0 if float(number(self.claim.slack, self.table(start))) <= 0 else 1.0

        def slacks(z: Any) -> Any:
            table = self.table(z[:-1])
            values = [float(number(r.slack, table)) - (z[-1] if interior else 0.0) for r in inequalities]
            violation = sign * float(number(self.claim.slack, table)) - z[-1]
            return np.nan_to_num(np.array([*values, violation, 1.0 - z[-1]]), nan=-1e6)

        def zeros(z: Any) -> Any:
            table = self.table(z[:-1])
            return np.nan_to_num(np.array([float(number(r.slack, table)) for r in equalities]), nan=1e6)

        constraints: list[Any] = [{"type": "ineq", "fun": slacks}]
        # equalities that the definitions satisfy hold at every point and only disturb the solver
        if len(equalities) > len(self.defined):
            constraints.append({"type": "eq", "fun": zeros})
        guess = np.append(start, -1.0)
        options = {"maxiter": 60}
        try:
            result = minimize(lambda z: -z[-1], guess, method="SLSQP", constraints=constraints, options=options)
        except (ValueError, ArithmeticError):
            return None
        return result.x[:-1] if np.all(np.isfinite(result.x)) else None


def number(t: Term, table: dict[str, Any]) -> Any:
    """The value of a term in floating point, on arrays; NaN or infinite outside the domain."""
    head = t[0]
    spend(10)
    if head == "q":
        return float(Fraction(t[1]))
    if head == "x":
        return table[t[1]]
    if head == "pi":
        return math.pi
    if head == "+":
        return sum(number(a, table) for a in t[1:])
    if head == "*":
        return math.prod((number(a, table) for a in t[1:]), start=1.0)
    if head == "^":
        return number(t[1], table) ** t[2]
    if head == "/":
        return np.divide(number(t[1], table), number(t[2], table))
    if head == "f":
        return FUNCTIONS[t[1]](number(t[2], table))
    raise NoValue(head)


def definitions(names: Sequence[str], assume: Sequence[Relation]) -> dict[str, Term]:
    """Terms v = .. for variables that equalities determine, each over earlier ones: A v + B = 0 gives v = -B/A."""
    ctx = fmpq_mpoly_ctx.get(tuple(f"v{i}" for i in range(len(names))) or ("v",), Ordering.lex)
    solved: dict[str, tuple[Term, set[str]]] = {}
    for r in assume:
        if r.op != "==":
            continue
        for left, right in ((r.left, r.right), (r.right, r.left)):
            needs = names_in(right)
            if left[0] == "x" and left[1] not in solved and left[1] not in needs and _acyclic(solved, left[1], needs):
                solved[left[1]] = right, needs
                break
        else:
            poly = _polynomial(r.slack, dict(zip(names, ctx.gens(), strict=False)), ctx)
            for i, name in enumerate(names) if poly is not None else ():
                if name in solved or not poly or int(poly.degrees()[i]) != 1:
                    continue
                slope, rest = _linear(poly, i, names)
                needs = names_in(slope) | names_in(rest)
                if _acyclic(solved, name, needs):
                    solved[name] = -rest / slope, needs
                    break
    needed = {name: needs & solved.keys() for name, (_, needs) in solved.items()}
    return {name: solved[name][0] for name in TopologicalSorter(needed).static_order()}


def _acyclic(solved: dict[str, tuple[Term, set[str]]], name: str, needs: set[str]) -> bool:
    """Whether the definitions remain acyclic, so that no variables define one another."""
    try:
        TopologicalSorter({**{n: of for n, (_, of) in solved.items()}, name: needs}).prepare()
    except CycleError:
        return False
    return True


def names_in(t: Any) -> set[str]:
    """The variables in a term or relation."""
    if not isinstance(t, tuple):
        return set()
    return {t[1]} if t[0] == "x" else set().union(*[names_in(a) for a in t])


def _polynomial(t: Term, gens: dict[str, Any], ctx: Any) -> Any | None:
    """The term as a polynomial, or None if it contains quotients or functions."""
    head = t[0]
    if head == "q":
        return ctx.constant(rational(Fraction(t[1])))
    if head == "x":
        return gens[t[1]]
    if head in ("+", "*"):
        parts: list[Any] = [_polynomial(a, gens, ctx) for a in t[1:]]
        if any(p is None for p in parts):
            return None
        return sum(parts, ctx.constant(0)) if head == "+" else math.prod(parts, start=ctx.constant(1))
    if head == "^":
        below = _polynomial(t[1], gens, ctx)
        return below ** t[2] if below is not None else None
    return None


def _linear(poly: Any, i: int, names: Sequence[str]) -> tuple[Term, Term]:
    """The coefficients A and B of A v + B as terms."""
    parts: dict[int, list[Term]] = {0: [], 1: []}
    for m, c in poly.to_dict().items():
        factors = [x(names[k]) ** int(e) for k, e in enumerate(m) if e and k != i]
        parts[int(m[i])].append(times(num(fraction(c)), *factors))
    return plus(*parts[1]), plus(*parts[0])


_worker = Worker("sdescent.derive.proof.refute.z3_worker")


def consult(
    context_vars: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float
) -> tuple[str, dict[str, Fraction | Algebraic]]:
    """The answer "sat" with a counterexample of z3, or "unsat", "unknown" or "foreign" (a term unknown to z3) without a point."""
    question = {"names": list(context_vars), "assume": [to_json(r) for r in assume], "claim": to_json(claim)}
    reply = _worker.ask(question, seconds)
    if reply is None:
        return "unknown", {}
    return reply["answer"], {
        name: Algebraic(tuple(map(int, v["root"])), v["index"]) if isinstance(v, dict) else Fraction(*map(int, v))
        for name, v in reply["model"].items()
    }


def decide(
    context_vars: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float = 1.0
) -> str | None:
    """Whether, according to z3 alone, the claim follows wherever all terms are inside their domains: "true", "false", or None.

    The answer is not trusted: a verdict that rests on it is DECIDED.
    """
    return {"unsat": "true", "sat": "false"}.get(consult(context_vars, assume, claim, seconds)[0])
