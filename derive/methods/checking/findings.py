"""The findings of a check of a piece, the numbers tried for its symbols, and the evaluation of its expressions and integrals."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.specialise import specialise, symbols_in
from sdescent.derive.vocabulary.errors import BadInput

#: the property that a finding names if nothing can be tested
EVERYTHING = "everything"
#: advice for a property that holds only at some values of the symbols
WHICH = "say which values the piece accepts: raise BadInput in its __post_init__ for all other numbers"
Status = Literal["passed", "failed", "untested"]


@dataclass(frozen=True)
class Finding:
    """The finding about one property of a piece.

    Args:
        what: the property, such as "symmetry".
        status: "passed", "failed" or "untested".
        detail: the comparison and the number of its points; for a failure, the numbers; for an untested property, the reason.
    """

    what: str
    status: Status
    detail: str

    def __str__(self) -> str:
        return f"{self.status:8}  {self.what}: {self.detail}"


@dataclass(frozen=True)
class Findings:
    """The findings of `sd.check` about a piece; `print` shows one per line.

    Args:
        piece: the piece that was checked.
        all: the findings, in the order of the tests.
    """

    piece: Any
    all: tuple[Finding, ...] = field(repr=False)

    def _with(self, status: Status) -> tuple[Finding, ...]:
        return tuple(f for f in self.all if f.status == status)

    @property
    def ok(self) -> bool:
        """Whether no property failed its test."""
        return not self.failed

    @property
    def passed(self) -> tuple[Finding, ...]:
        """The properties that passed their tests."""
        return self._with("passed")

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The properties that failed their tests, with the numbers."""
        return self._with("failed")

    @property
    def untested(self) -> tuple[Finding, ...]:
        """The properties that could not be tested, with the reasons."""
        return self._with("untested")

    def to_dict(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {"piece": str(self.piece), "ok": self.ok, "findings": [asdict(f) for f in self.all]}

    def __str__(self) -> str:
        count = f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.untested)} not tested"
        return "\n".join([f"{self.piece}: {count}", *(f"  {f}" for f in self.all)])


@dataclass(frozen=True)
class Compared:
    """Pairs of values that should agree. A pair whose stated value is nan (as for 0 log 0) does not count."""

    places: list[str]  # the places of the pairs, in words
    stated: np.ndarray  # the values that the piece states
    implied: np.ndarray  # the values that follow from its other statements
    slack: np.ndarray  # the accepted difference of each pair

    @property
    def count(self) -> int:
        """The number of pairs that count."""
        return int(np.sum(~np.isnan(self.stated)))

    def worst(self) -> str | None:
        """The pair with the largest difference relative to its slack, in words; None if all pairs agree."""
        gap = np.where(np.isnan(self.stated), 0.0, np.abs(self.stated - self.implied) / self.slack)
        gap = np.where(np.isnan(gap), np.inf, gap)
        if not len(gap) or gap.max() <= 1:
            return None
        n = int(np.argmax(gap))
        return f"{self.places[n]} it says {self.stated[n]:.6g}, which should be {self.implied[n]:.6g}"


def joined(runs: Iterable[tuple[str, list[Finding]]]) -> list[Finding]:
    """The findings at several values of a piece's symbols, merged into one list; each run has the values in words.

    A property that fails at some values counts as failed. The detail then lists the values at which it holds, since the
    others may lie outside the domain for which the piece is meant.
    """
    table: dict[str, list[tuple[str, Finding]]] = {}
    for at, findings in runs:
        for finding in findings:
            table.setdefault(finding.what, []).append((at, finding))
    if len(table) > 1:
        table.pop(EVERYTHING, None)  # it came from values at which nothing can be tested
    merged = []
    for what, entries in table.items():
        by = {s: [(at, f) for at, f in entries if f.status == s] for s in ("failed", "passed", "untested")}
        status: Any = next(s for s in by if by[s])
        at, first = by[status][0]
        detail = first.detail if not at else f"at {at}: {first.detail}"
        if status == "failed" and by["passed"]:
            detail += f"; it holds at {', '.join(a for a, _ in by['passed'])}: {WHICH}"
        merged.append(Finding(what, status, detail))
    return merged


#: values for the symbols of a piece, each symbol taking the next value; also tried are 1/2 for all symbols, and small values
VALUES = (sp.Rational(1, 2), sp.S.One, sp.Integer(2), sp.Integer(3), sp.Integer(5))
#: the number of entries of a vector symbol, and therefore the dimension
ENTRIES = 3
#: the accepted relative error of the mass
NEAR = 1e-12
#: for integrals: the points of a panel, the number of halvings, and the k of panels from 2^k to 2^(k + 1), beyond which a tail of
#: index 1/3 has 1e-15 of its mass; then the same for densities that are evaluated number by number
PANELS, FEWER = (16, 45, range(-30, 151)), (10, 10, range(-16, 41))
_OF_NUMBERS = {"erf": math.erf, "erfc": math.erfc, "gamma": math.gamma, "loggamma": math.lgamma}
_NUMPY = {**{name: np.vectorize(f, otypes=[float]) for name, f in _OF_NUMBERS.items()}, "Heaviside": np.heaviside}


class NotEvaluated(Exception):
    """An expression without a numerical value, such as a named function that cannot be evaluated."""


class function:
    """An expression as a function of arrays, evaluated by NumPy if NumPy has all of its functions, else number by number.

    The arrays are in the order of `variables`. Raises NotEvaluated in a call if the expression has no value.
    """

    def __init__(self, expr: sp.Expr, variables: Sequence[sp.Symbol]) -> None:
        self._expr, self._variables = sp.sympify(expr), list(variables)
        self._many = self._compiled([_NUMPY, "numpy"], np.array([0.3, -0.7]))
        self._one = None if self.quick else self._compiled("mpmath", 0.3)

    @property
    def quick(self) -> bool:
        """Whether NumPy evaluates the expression on whole arrays."""
        return self._many is not None

    def _compiled(self, modules: Any, probe: Any) -> Callable[..., Any] | None:
        try:
            compiled = sp.lambdify(self._variables, self._expr, modules=modules)
            with np.errstate(all="ignore"):
                np.asarray(compiled(*(probe for _ in self._variables)), float)
        except Exception:  # if the modules lack a function, lambdify and its code may raise anything
            return None
        return compiled

    def _number(self, *values: float) -> float:
        try:
            if self._one is not None:
                return float(self._one(*values))
            put = {s: sp.Float(x) for s, x in zip(self._variables, values, strict=True)}
            return float(self._expr.xreplace(put).evalf())
        except Exception as error:  # mpmath raises errors of its own
            raise NotEvaluated(f"{self._expr} has no value") from error

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
        with np.errstate(all="ignore"):
            if self._many is not None:
                try:
                    return np.broadcast_to(np.asarray(self._many(*arrays), float), shape).copy()
                except (ArithmeticError, ValueError) as error:  # at the pole of a gamma function, for example
                    raise NotEvaluated(f"{self._expr} has no value ({error})") from error
            return np.vectorize(self._number, otypes=[float])(*np.broadcast_arrays(*arrays))


def valued(piece: Any) -> Iterator[tuple[str, Any]]:
    """Yield (values in words, piece) for accepted values of its symbols, vectors with `ENTRIES` entries; ("", piece)
    without symbols.
    """
    scalars, letters = set[sp.Symbol](), set[Coordinate]()
    for s in symbols_in(piece):
        if not isinstance(s, Coordinate):
            scalars.add(s)
        elif s.base not in ("g", "v") and not s.entries:
            letters.add(s)
    symbols = sorted(scalars.union(*(s.vector(ENTRIES) for s in letters)), key=str)
    if not symbols:
        yield "", piece
        return
    count = range(len(symbols))
    tried = [tuple(VALUES[(k + n) % len(VALUES)] for n in count) for k in range(len(VALUES))]
    tried += [(VALUES[0],) * len(symbols), tuple(sp.Rational(n + 1, 10) for n in count)]
    for values in dict.fromkeys(tried):
        put = dict(zip(symbols, values, strict=True))
        vectors = {s.base: [put[e] for e in s.vector(ENTRIES)] for s in letters}
        try:
            specialised = specialise(piece, {s.name: put[s] for s in scalars} | vectors)
        except BadInput:
            continue
        yield ", ".join(f"{s} = {put[s]}" for s in symbols), specialised


@dataclass(frozen=True)
class Mesh:
    """A quadrature rule on the real line, refined until the mass of a density is accurate."""

    nodes: np.ndarray  # the nodes in increasing order, shape (n,)
    weights: np.ndarray  # the weights times the density at the nodes, shape (n,)
    doubt: float  # the estimated error of the mass, due to singularities and to the tails beyond the ends

    def mean(self, values: np.ndarray) -> float:
        """The integral over the density of a function with these values at the nodes."""
        return float(np.sum(np.where(self.weights == 0, 0.0, values * self.weights)))


def mesh(density: function, breaks: Sequence[float]) -> Mesh:
    """The mesh of a density: Gauss-Legendre panels on both sides of 0, halved until the mass is accurate or the limit is reached.

    The panels are those from 2^k to 2^(k + 1), cut at `breaks`.
    """
    points, halvings, powers = PANELS if density.quick else FEWER
    sizes = 2.0 ** np.array(powers, float)
    edges = np.unique(np.concatenate([-sizes, [0.0], sizes, np.asarray(breaks, float)]))
    x, w = np.polynomial.legendre.leggauss(points)
    low, high = edges[:-1], edges[1:]
    nodes: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    doubt = float(np.nansum(np.abs(edges[[0, -1]] * density(edges[[0, -1]]))))
    for level in range(halvings + 1):
        middle = (low + high) / 2
        coarse = _panel(density, low, high, x, w)[1].sum(axis=1)
        halves = [_panel(density, a, b, x, w) for a, b in ((low, middle), (middle, high))]
        fine = halves[0][1].sum(axis=1) + halves[1][1].sum(axis=1)
        open_ = ~(np.abs(coarse - fine) <= NEAR * np.maximum(1e-3, np.abs(fine))) & np.isfinite(fine)
        done = ~open_ if level < halvings else np.ones_like(open_)
        for at, weight in halves:
            nodes.append(at[done].ravel())
            weights.append(weight[done].ravel())
        low, high = np.concatenate([low[open_], middle[open_]]), np.concatenate([middle[open_], high[open_]])
        if level == halvings:
            doubt += float(np.nansum(np.abs(coarse - fine)[open_]))
            break
        if not len(low):
            break
    at, weight = np.concatenate(nodes), np.concatenate(weights)
    order = np.argsort(at)
    return Mesh(at[order], weight[order], doubt)


def _panel(
    density: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, x: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    nodes = (low + high)[:, None] / 2 + (high - low)[:, None] / 2 * x
    values = density(nodes)
    values = np.where(np.isnan(values) & (np.abs(nodes) > 100), 0.0, values)  # oo/oo of exponentials far out
    return nodes, values * (high - low)[:, None] / 2 * w
