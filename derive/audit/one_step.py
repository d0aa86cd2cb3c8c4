"""Expectations of a method with numerical constants, without sampling: after one step and, if a step is affine, after many."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from sdescent.derive.equations.in_coordinates import state_symbols
from sdescent.derive.equations.process.generator import moment_equations
from sdescent.derive.equations.step.increments import Expanded, root
from sdescent.derive.methods.compressors import Identity, Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.methods.rules.update import Draw, Operators, evaluate
from sdescent.derive.methods.schedules import Constant
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import eta

#: decimal digits of the arithmetic
DIGITS = 40
#: the largest number of outcomes of one step
MOST_OUTCOMES = 3**7
#: the values of the noise, in units of its scale, between which to search a step for kinks
FAR = (-12, -4, -1, 1, 4, 12)
#: the accuracy of the integral over a density, and the largest number of halvings of an interval
ACCURACY, DEPTH = 1e-13, 44

Vector = tuple[Any, ...]
#: functions of the next state that return numbers
Functions = Callable[[Mapping[str, Vector]], Sequence[Any]]
Source = tuple[int, Any, int]  # draw, client, coordinate


class NumericStep:
    """One step of a method, evaluated on numbers. Raises NoClosedForm if its outcomes cannot be listed.

    The method has numbers for all constants except the scales of the noise, which `scales` gives at the number `step`
    for eta, and a constant step size. The gradient of the loss (for a game, the field of its players) is evaluated.
    """

    def __init__(self, method: Method, loss: Loss, dim: int, scales: Mapping[sp.Basic, Any], step: sp.Rational) -> None:
        if not isinstance(method.compressor, (Identity, Sign)) or not isinstance(method.schedule, Constant):
            raise NoClosedForm("the outcomes of a step cannot be listed for this compressor or schedule")
        self.method, self.dim, self.step, self.eta = method, dim, step, _number(step)
        self.clients = int(method.clients)
        state = state_symbols(dim)
        value = loss.value(state)
        field = [sign * sp.diff(value, s) for sign, s in zip(loss.players(dim), state, strict=True)]
        self.gradient = sp.lambdify([state], field, "mpmath")
        self.hessian = sp.lambdify([state], [[sp.diff(e, s) for s in state] for e in field], "mpmath")
        per_client = [sp.sympify(s).xreplace(dict(scales)).subs(eta, step) for s in method.noise.scales]
        if method.noise.dense is not None or not all(s.is_number for s in per_client):
            raise NoClosedForm("the outcomes of a step cannot be listed for this noise")
        self.scales = [_number(s) for s in per_client] * (self.clients if len(per_client) == 1 else 1)
        constants = {name: e for name, e in method.values.items() if name not in method.rule.letters}
        self.values = {name: _number(e.subs(eta, step)) for name, e in constants.items()}
        factors = Expanded(method).factors
        tau = method.regime.tau.subs(eta, step)
        self.tau = _number(tau)
        self.factors = {name: _number(f.subs(root, sp.sqrt(tau))) for name, f in factors.items()}

    @cached_property
    def sources(self) -> list[Source]:
        """The independent random numbers of a step."""
        listed: dict[Source, None] = {}
        for draw in self.method.rule.draws:
            if draw.kind == "C":
                raise NoClosedForm("the outcomes of a compressor that acts on the server cannot be listed")
            for client in [None] if draw.kind == "normal" else range(self.clients):
                for m in range(self.dim):
                    listed[draw.number, client, m] = None
        return list(listed) if not self._silent else [s for s in listed if s[1] is None]

    @property
    def _silent(self) -> bool:
        return self.method.noise.law.degenerate or all(s == 0 for s in self.scales)

    def kinks(self, at: Mapping[str, Vector], t: Any) -> bool:
        """Whether the step, as a function of its noise, has a kink or jump within `FAR`; False if messages are noisy signs."""
        if self._signs or not self.method.rule.uses("sign", "abs", "min", "max"):
            return False
        patterns = set()
        for far in (0, *FAR):
            for source in self.sources:
                numbers = _Numbers(self, at, t, dict.fromkeys(self.sources, 0) | {source: mpmath.mpf(far)})
                evaluate(self.method.rule, numbers)
                patterns.add(tuple(numbers.sides))
        return len(patterns) > 1

    @property
    def _signs(self) -> bool:
        return isinstance(self.method.compressor, Sign) and not self._silent

    def mean(self, functions: Functions, at: Mapping[str, Vector], t: Any) -> list[Any]:
        """The means of functions of the next state, from the coordinates of each letter, rescaled by the regime, at the time t.

        Raises NoClosedForm if the outcomes cannot be listed or are too many, or the noise has no variance.
        """
        with mpmath.workdps(DIGITS):
            if self.kinks(at, t):
                return self._integrated(functions, at, t)
            outcomes = [self._outcomes(source, at) for source in self.sources]
            if math.prod(map(len, outcomes)) > MOST_OUTCOMES:
                raise NoClosedForm(f"the step has {math.prod(map(len, outcomes))} outcomes, too many to list")
            totals: list[Any] = []
            for outcome in itertools.product(*outcomes):
                weight = mpmath.fprod(w for _, w in outcome)
                values = functions(self.after(at, t, dict(zip(self.sources, (z for z, _ in outcome), strict=True))))
                before = totals or [mpmath.mpf(0)] * len(values)
                totals = [a + weight * v for a, v in zip(before, values, strict=True)]
            return totals

    def _outcomes(self, source: Source, at: Mapping[str, Vector]) -> list[tuple[Any, Any]]:
        """The outcomes (value, weight) of a sign, or of two or three points with the noise's variance and, if finite, E Z^4."""
        law = Gaussian() if source[1] is None else self.method.noise.law
        if self._signs and source[1] is not None:
            g = self.gradient(at["x"])[source[2]]
            mean = _number(law.sign_mean(sp.Float(g / self.scales[source[1]], DIGITS)))
            return [(mpmath.mpf(1), (1 + mean) / 2), (mpmath.mpf(-1), (1 - mean) / 2)]
        if not law.tail > 2:
            raise NoClosedForm("the noise has no variance")
        second = _number(law.moment(2))
        fourth = _number(law.moment(4)) if law.tail > 4 else second**2
        far = mpmath.sqrt(fourth / second)
        weight = second / far**2 / 2
        symmetric = [(far, weight), (-far, weight)]
        two_points = abs(weight - mpmath.mpf(1) / 2) < mpmath.mpf(10) ** -30
        return symmetric if two_points else [*symmetric, (mpmath.mpf(0), 1 - 2 * weight)]

    def _integrated(self, functions: Functions, at: Mapping[str, Vector], t: Any) -> list[Any]:
        if len(self.sources) != 1:
            raise NoClosedForm("the step has kinks and depends on more than one random number")
        source = self.sources[0]
        law = Gaussian() if source[1] is None else self.method.noise.law
        y = sp.Symbol("y", real=True)
        density = sp.lambdify(y, law.density(y), "mpmath")

        def integrand(u: float) -> list[Any]:
            if abs(u) >= 1:
                return [0.0] * len(functions(self.after(at, t, {source: 0})))
            z = u / (1 - u * u)
            weight = density(z) * (1 + u * u) / (1 - u * u) ** 2
            return [float(weight * v) for v in functions(self.after(at, t, {source: z}))]

        parts = [_simpson(integrand, n / 4, (n + 1) / 4) for n in range(-4, 4)]
        return [sum(values) for values in zip(*parts, strict=True)]

    def after(self, at: Mapping[str, Vector], t: Any, outcome: Mapping[Source, Any]) -> dict[str, Vector]:
        """The next state for one outcome."""
        letters = evaluate(self.method.rule, _Numbers(self, at, t, outcome))
        return {name: tuple(v / self.factors.get(name, 1) for v in value) for name, value in letters.items()}


class _Numbers(Operators):
    """The operations of `sdescent.derive.methods.rules.update.Algebra` on vectors, NumPy arrays of mpmath numbers."""

    def __init__(self, step: NumericStep, at: Mapping[str, Vector], t: Any, outcome: Mapping[Source, Any]) -> None:
        self.step, self.t, self.outcome = step, t, outcome
        self.at = {name: _array(value) * step.factors.get(name, 1) for name, value in at.items()}
        self.silent = step.method.noise.law.degenerate
        self.signs = isinstance(step.method.compressor, Sign)
        #: the sides of the kinks on which functions were evaluated
        self.sides: list[Any] = []

    def _all(self, value: Any) -> np.ndarray:
        return _array([value] * self.step.dim)

    def number(self, value: Any) -> np.ndarray:
        return self._all(mpmath.mpf(value.numerator) / value.denominator)

    def letter(self, name: str) -> np.ndarray:
        if name in self.at:
            return self.at[name]
        step, k = self.step, self.t / self.step.tau + 1
        constants = {"eta": step.eta, "pi": mpmath.pi, "t": self.t, "k": k, "N": step.clients}
        return self._all(constants[name] if name in constants else step.values[name])

    def function(self, name: str, arguments: Sequence[np.ndarray]) -> np.ndarray:
        first = arguments[0]
        if name == "norm":
            return self._all(mpmath.sqrt(sum(first * first)))
        if name == "hess":
            return _array(sum(row * first) for row in map(_array, self.step.hessian(self.at["x"])))
        if name in ("min", "max"):
            pick, columns = (min if name == "min" else max), [list(parts) for parts in zip(*arguments, strict=True)]
            self.sides += [parts.index(pick(parts)) for parts in columns]
            return _array(map(pick, columns))
        if name in ("sign", "abs"):
            self.sides += [mpmath.sign(v) for v in first]
        return _array(map({"abs": abs}.get(name) or getattr(mpmath, name), first))

    def drawn(self, draw: Draw, argument: np.ndarray | None, client: Any) -> np.ndarray:
        places = range(self.step.dim)
        if draw.kind == "normal":
            return _array(self.outcome[draw.number, None, m] for m in places)
        g = self.step.gradient(self.at["x"] if argument is None else argument)
        if self.signs and draw.kind != "raw":
            if argument is not None and not self.silent:
                raise NoClosedForm("the outcomes of signs of gradients at another point cannot be listed")
            if self.silent:
                return _array(map(mpmath.sign, g))
        clients = range(self.step.clients) if client is None else [client]
        return _array(sum(self._message(draw, i, m, g[m]) for i in clients) / len(clients) for m in places)

    def _message(self, draw: Draw, client: int, m: int, g: Any) -> Any:
        outcome = self.outcome.get((draw.number, client, m), 0)
        if self.signs:
            if draw.kind == "raw":
                raise NoClosedForm("the outcomes of a message together with its sign cannot be listed")
            return outcome
        return g + self.step.scales[client] * outcome

    def mean(self, of: Callable[[Any], np.ndarray]) -> np.ndarray:
        return self.add([of(client) for client in range(self.step.clients)]) / self.step.clients


def _array(values: Iterable[Any]) -> np.ndarray:
    return np.array(list(values), dtype=object)


def _simpson(f: Callable[[float], list[Any]], a: float, b: float) -> list[float]:
    """The integral of several functions over [a, b] by Simpson's rule, with intervals halved until it settles, also at jumps."""
    fa, fm, fb = f(a), f((a + b) / 2), f(b)
    total = [0.0] * len(fa)
    waiting = [(a, b, fa, fm, fb, 0)]
    while waiting:
        low, high, fl, fm, fh, depth = waiting.pop()
        middle = (low + high) / 2
        fq, fr = f((low + middle) / 2), f((middle + high) / 2)
        width = (high - low) / 6
        whole = [width * (p + 4 * q + r) for p, q, r in zip(fl, fm, fh, strict=True)]
        halves = [width / 2 * (p + 4 * q + 2 * r + 4 * s + w) for p, q, r, s, w in zip(fl, fq, fm, fr, fh, strict=True)]
        if depth >= DEPTH or all(abs(p - q) < ACCURACY for p, q in zip(whole, halves, strict=True)):
            total = [t + h + (h - w) / 15 for t, h, w in zip(total, halves, whole, strict=True)]
        else:
            waiting += [(low, middle, fl, fq, fm, depth + 1), (middle, high, fm, fr, fh, depth + 1)]
    return total


def _number(e: Any) -> Any:
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(str(sp.sympify(e).evalf(DIGITS)))


#: the time over which errors are measured
HORIZON = 1
#: the largest number of letters times coordinates
MOST = 6
#: the relative accuracy to which two evaluations of one polynomial must agree
AGREE = mpmath.mpf(10) ** -25

Monomial = tuple[int, ...]


def monomials(size: int) -> list[Monomial]:
    """The indices of the factors of each monomial up to degree 2: (), (0,), .., (0, 0), (0, 1), .."""
    return [monomial for degree in range(3) for monomial in combinations_with_replacement(range(size), degree)]


def _product(z: Sequence[Any], monomial: Monomial) -> Any:
    return mpmath.fprod(z[i] for i in monomial)


class AffineSteps:
    """The moments of a method over many steps. Raises NoClosedForm if a step is not affine, depends on t, or has over
    `MOST` coordinates.
    """

    @mpmath.workdps(DIGITS)
    def __init__(self, step: NumericStep, letters: Sequence[str]) -> None:
        self.step, self.letters, self.size = step, tuple(letters), len(letters) * step.dim
        if self.size > MOST or step.method.rule.uses("k", "t", "sign", "abs", "min", "max", "norm"):
            raise NoClosedForm("the moments of this update rule follow no linear recursion that is known here")
        self.table = monomials(self.size)
        unit = [[mpmath.mpf(i == j) for j in range(self.size)] for i in range(self.size)]
        nodes = [[sum((unit[i][j] for i in m), mpmath.mpf(0)) for j in range(self.size)] for m in self.table]
        values = mpmath.matrix([self._after(z) for z in nodes])
        design = mpmath.matrix([self._monomials(z) for z in nodes])
        #: each row expresses the mean of a monomial of the next state in the monomials of the state
        self.matrix = (design**-1 * values).T
        other = [mpmath.mpf(3 * i - 4) / 7 for i in range(self.size)]
        exact, predicted = self._after(other), self.matrix * mpmath.matrix(self._monomials(other))
        if any(abs(a - b) > AGREE * (1 + abs(a)) for a, b in zip(exact, predicted, strict=True)):
            raise NoClosedForm("the step is not affine in the state")

    def _monomials(self, z: Sequence[Any]) -> list[Any]:
        return [_product(z, monomial) for monomial in self.table]

    def _after(self, z: Sequence[Any]) -> list[Any]:
        """The mean of every monomial of the next state."""
        dim = self.step.dim
        at = {a: tuple(z[n * dim : (n + 1) * dim]) for n, a in enumerate(self.letters)}

        def functions(after: Mapping[str, Vector]) -> list[Any]:
            return self._monomials([v for a in self.letters for v in after[a]])

        return self.step.mean(functions, at, mpmath.mpf(1))

    @mpmath.workdps(DIGITS)
    def settled(self, fast: Sequence[str], at: Mapping[str, Vector]) -> dict[str, Vector]:
        """The state with the fast letters at the means to which they settle while the other letters are held fixed."""
        dim = self.step.dim
        places = [self.letters.index(a) * dim + m for a in fast for m in range(dim)]
        rest = [0 if n // dim in [self.letters.index(a) for a in fast] else v for n, v in enumerate(self._flat(at))]
        constants = self.matrix * mpmath.matrix(self._monomials(rest))
        gain = mpmath.matrix([[self.matrix[1 + i, 1 + j] for j in places] for i in places])
        means = mpmath.lu_solve(mpmath.eye(len(places)) - gain, mpmath.matrix([constants[1 + i] for i in places]))
        return {**at, **{a: tuple(means[n * dim + m] for m in range(dim)) for n, a in enumerate(fast)}}

    def _flat(self, at: Mapping[str, Vector]) -> list[Any]:
        return [v for a in self.letters for v in at.get(a, (mpmath.mpf(0),) * self.step.dim)]

    @mpmath.workdps(DIGITS)
    def moments(self, at: Mapping[str, Vector], count: int) -> dict[Monomial, Any]:
        """The mean of every monomial after `count` steps."""
        start = mpmath.matrix(self._monomials(self._flat(at)))
        return dict(zip(self.table, self.matrix**count * start, strict=True))


@mpmath.workdps(DIGITS)
def equation_moments(system: Any, at: Sequence[Any], time: Any, step: sp.Rational) -> dict[Monomial, Any]:
    """The mean of every monomial of an equation's state after a time; the system has eta as its only symbol, replaced by `step`.

    Raises NoClosedForm unless the drift is affine, the covariance of degree 2, and neither depends on the time.
    """
    numbers = replace(system, drift=system.drift.subs(eta, step), covariance=system.covariance.subs(eta, step))
    closed, table = moment_equations(numbers, 2), monomials(len(system.state))
    rates = zip(closed.constant, closed.matrix.tolist(), strict=True)
    rows = [[mpmath.mpf(0)] * len(table)] + [[_coefficient(c), *map(_coefficient, row)] for c, row in rates]
    start = mpmath.matrix([_product(at, monomial) for monomial in table])
    return dict(zip(table, mpmath.expm(mpmath.matrix(rows) * time) * start, strict=True))


def _coefficient(e: sp.Expr) -> Any:
    if not e.is_number:
        raise NoClosedForm(f"a coefficient is not a number: {e}")
    return _number(e)
