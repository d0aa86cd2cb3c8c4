"""Real steps of an update rule, outcome by outcome, and how far a model is from their expectation.

An independent reading of the rules: the assignments are run by Python itself on arrays of mpmath numbers, gradients are taken where
the rule says, and every outcome of the noise and of the compressor is listed. Nothing of `sdescent.derive.equations.step` or
`sdescent.derive.equations` is called but to make the equation that is judged.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss, Smoothness
from sdescent.derive.methods.noise import Affine, Gaussian
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.vocabulary.symbols import eta, t
from tests.support.enumeration import outcomes
from tests.support.laws.atoms import Atoms

#: digits in which steps and models are compared
DIGITS = 120
#: two roots of the time of a step; the order of a difference is read off between them
ROOTS = (mp.mpf(10) ** -8, mp.mpf(10) ** -10)
#: an order that is meant to be a whole number is read off to this
MARGIN = 0.01


@dataclass(frozen=True)
class Mixed(Loss):
    """sum_{i<j} (x_i^2 x_j^2 + x_i x_j) + sum_j (x_j^4/4 + x_j^3/3 + x_j^2): not separable, all derivatives up to the fourth."""

    def value(self, x: Sequence[sp.Expr]) -> sp.Expr:
        pairs = [(a, b) for n, a in enumerate(x) for b in x[:n]]
        own = [a**4 / 4 + a**3 / 3 + a**2 for a in x]
        return sp.Add(*[a**2 * b**2 + a * b for a, b in pairs], *own)

    def smoothness(self, dim: int) -> Smoothness:
        raise NotImplementedError


# --- a step by Python itself -------------------------------------------------------------------------------------------------

Vector = Any  # an array of mpmath numbers


class _Choices:
    """A run of a random program that takes given turns; `next` is the program of the next run (depth first)."""

    def __init__(self) -> None:
        self.turns: list[int] = []
        self.sizes: list[int] = []
        self.place, self.chance = 0, mp.mpf(1)

    def pick(self, options: Sequence[tuple[Any, Any]]) -> Any:
        """A value of [(probability, value)]."""
        if self.place == len(self.turns):
            self.turns.append(0)
            self.sizes.append(len(options))
        chance, value = options[self.turns[self.place]]
        self.place += 1
        self.chance *= number(chance)
        return value

    def next(self) -> bool:
        self.turns, self.sizes = self.turns[: self.place], self.sizes[: self.place]
        while self.turns and self.turns[-1] + 1 == self.sizes[-1]:
            self.turns.pop()
            self.sizes.pop()
        if not self.turns:
            return False
        self.turns[-1] += 1
        self.place, self.chance = 0, mp.mpf(1)
        return True


def number(value: Any) -> mp.mpf:
    """An exact number, or an expression without symbols, as an mpmath number."""
    return value if isinstance(value, mp.mpf) else mp.mpf(sp.sympify(value)._to_mpmath(mp.mp.prec))


def by_coordinate(function: Callable[..., Any]) -> Callable[..., Vector]:
    """A function of numbers on arrays."""
    return np.vectorize(function, otypes=[object])


_CALLS = re.compile(r"\b(G|fresh|local)\b\s*(\()?")
_NAMES = {
    "sqrt": by_coordinate(mp.sqrt), "exp": by_coordinate(mp.exp), "log": by_coordinate(mp.log), "sign": by_coordinate(mp.sign),
    "abs": by_coordinate(abs), "tanh": by_coordinate(mp.tanh), "min": by_coordinate(min), "max": by_coordinate(max), "pi": mp.pi,
    "norm": lambda y: mp.sqrt(sum(a**2 for a in y)), "mean": lambda y: sum(y) / len(y),
}  # fmt: skip


def python(formula: str) -> str:
    """A formula of an update as Python: powers, and random letters as calls, each of which draws."""
    text = _CALLS.sub(lambda m: f"{m[1]}(" if m[2] else f"{m[1]}()", formula.replace("^", "**"))
    return re.sub(r"\bnormal\b", "normal()", text)


class RealSteps:
    """All outcomes of a step of a method in R^dim.

    Args:
        method: its regime and its noise are read, its parts called where the rule says.
        loss: in named coordinates.
        dim: the dimension.
        values: a number for every symbol of the method.
    """

    def __init__(self, method: Method, loss: Loss, dim: int, values: Mapping[str, sp.Expr]) -> None:
        self.method, self.dim, self.values = method, dim, {name: number(v) for name, v in values.items()}
        x = [sp.Symbol(f"x{j + 1}", real=True) for j in range(dim)]
        value = loss.value(x)
        self.slope = sp.lambdify([x], [sp.diff(value, a) for a in x], "mpmath")
        self.hessian = sp.lambdify([x], [[sp.diff(value, a, b) for b in x] for a in x], "mpmath")
        self.clients = int(number(method.clients if method.clients.is_number else values["N"]))

    def gradient(self, x: Vector) -> Vector:
        return np.array([mp.mpf(a) for a in self.slope(list(x))], dtype=object)

    def all(self, state: Mapping[str, Vector], s: mp.mpf, time: mp.mpf) -> Iterator[tuple[mp.mpf, dict[str, Vector]]]:
        """(probability, next state) of every outcome; memory letters in the regime's scale."""
        choices = _Choices()
        while True:
            found = self._one(state, s, time, choices)
            yield choices.chance, found
            if not choices.next():
                return

    def _one(self, state: Mapping[str, Vector], s: mp.mpf, time: mp.mpf, choices: _Choices) -> dict[str, Vector]:
        method, constants = self.method, dict(self.values)
        step = self.step_size(s)
        constants["eta"] = step
        given = dict(method.regime.substitutions)
        factors = {}
        for name, formula in given.items():
            at = {**_NAMES, **constants, name: mp.mpf(1)}
            value = mp.mpf(eval(python(formula), {"__builtins__": {}}, at))
            if name in state:
                factors[name] = value
            else:
                constants[name] = value
        self.noise = constants.pop("noise", mp.mpf(1))
        constants["eta"] = step * number(sp.sympify(method.schedule.factor).subs({**_symbols(self.values), t: time}))
        names: dict[str, Any] = {**_NAMES, **constants, "k": time / s**2 + 1, "t": time, "N": mp.mpf(self.clients)}
        names |= {a: value * factors.get(a, 1) for a, value in state.items()}
        start = state["x"]
        drawn = _Messages(self, choices, constants)
        curvature = np.array(self.hessian(list(start)), dtype=object)
        names |= {
            "G": lambda y=None: drawn.shared(start if y is None else y), "raw": drawn.raw(start),
            "fresh": lambda y=None: drawn.fresh(start if y is None else y), "normal": drawn.normal,
            "local": lambda y=None: drawn.local(start if y is None else y), "hess": lambda y: curvature.dot(y),
        }  # fmt: skip
        for assignment in method.rule.update:
            target, formula = assignment.split("=")
            value = eval(python(formula.strip()), {"__builtins__": {}}, names)
            names[target.strip()] = value
        return {a: names[a] / factors.get(a, 1) for a in state}

    def step_size(self, s: mp.mpf) -> mp.mpf:
        """eta, of a step of the time s^2 = c eta^p."""
        c, p = self.method.regime.power
        return (s**2 / number(c.subs(_symbols(self.values)))) ** (1 / number(p))


def _symbols(values: Mapping[str, Any]) -> dict[sp.Symbol, sp.Expr]:
    return {
        sp.Symbol(name, positive=True): sp.Float(str(v), DIGITS) if isinstance(v, mp.mpf) else v
        for name, v in values.items()
    }


class _Messages:
    """The random letters of one step."""

    def __init__(self, steps: RealSteps, choices: _Choices, constants: Mapping[str, mp.mpf]) -> None:
        self.steps, self.choices, self.constants = steps, choices, constants
        self.law = steps.method.noise.law
        self.held: list[tuple[Vector, list[int]]] | None = None

    def atoms(self, law: Law) -> list[tuple[Any, Any]]:
        """(probability, value); of a Gaussian the nodes and weights of five points, exact for polynomials up to the degree 9."""
        if isinstance(law, Atoms):
            return [(p, number(z)) for p, z in law.values]
        if isinstance(law, Gaussian):
            inner, outer = mp.sqrt(5 - mp.sqrt(10)), mp.sqrt(5 + mp.sqrt(10))
            near, far = (7 + 2 * mp.sqrt(10)) / 60, (7 - 2 * mp.sqrt(10)) / 60
            return [(mp.mpf(8) / 15, mp.mpf(0)), (near, inner), (near, -inner), (far, outer), (far, -outer)]
        if law.degenerate:
            return [(1, mp.mpf(0))]
        raise NotImplementedError(type(law).__name__)

    def normal(self) -> Vector:
        return np.array([self.choices.pick(self.atoms(Gaussian())) for _ in range(self.steps.dim)], dtype=object)

    def scale(self, client: int, at: Vector) -> mp.mpf:
        noise = self.steps.method.noise
        if isinstance(noise, Affine):
            first, second = (self.value(s[client % len(s)]) for s in (noise.sigma0, noise.sigma1))
            return mp.sqrt(first**2 + second**2 * sum(a**2 for a in self.steps.gradient(at))) * self.steps.noise
        return self.value(noise.scales[client % len(noise.scales)]) * self.steps.noise

    def value(self, e: sp.Expr) -> mp.mpf:
        return number(sp.sympify(e).subs(_symbols(self.constants)))

    def draw(self) -> tuple[Vector, list[int]]:
        """Standardised noise of one client, and the outcome of its compressor, which is not yet known."""
        return np.array([self.choices.pick(self.atoms(self.law)) for _ in range(self.steps.dim)], dtype=object), []

    def sent(self, v: Vector, held: list[int]) -> Vector:
        """C(v), with the outcome that the draw has taken before."""
        listed = outcomes(self.steps.method.compressor, list(v))
        if not held:
            held.append(self.choices.pick([(p, n) for n, (p, _) in enumerate(listed)]))
        return np.array([a if isinstance(a, mp.mpf) else number(a) for a in listed[held[0]][1]], dtype=object)

    def messages(self, draws: list[tuple[Vector, list[int]]], points: Sequence[Vector]) -> list[Vector]:
        pairs = zip(draws, points, strict=True)
        return [
            self.sent(self.steps.gradient(y) + self.scale(n, y) * z, held) for n, ((z, held), y) in enumerate(pairs)
        ]

    def shared(self, y: Vector) -> Vector:
        self.held = self.held or [self.draw() for _ in range(self.steps.clients)]
        return sum(self.messages(self.held, [y] * self.steps.clients)) / self.steps.clients

    def raw(self, x: Vector) -> Vector:
        if not re.search(r"\braw\b", " ".join(self.steps.method.rule.update)):
            return None
        self.held = self.held or [self.draw() for _ in range(self.steps.clients)]
        return (
            sum(self.steps.gradient(x) + self.scale(n, x) * z for n, (z, _) in enumerate(self.held))
            / self.steps.clients
        )

    def fresh(self, y: Vector) -> Vector:
        clients = self.steps.clients
        return sum(self.messages([self.draw() for _ in range(clients)], [y] * clients)) / clients

    def local(self, y: Vector) -> Vector:
        points = list(y) if np.ndim(y) == 2 else [y] * self.steps.clients
        return np.array(self.messages([self.draw() for _ in points], points), dtype=object)


# --- a model against the steps -----------------------------------------------------------------------------------------------


def numbers(names: Sequence[str], fractions: Sequence[str], key: int) -> dict[str, sp.Expr]:
    """A random number for each name: in (0, 1) for fractions, in (1/2, 3/2) for others."""
    draw = random.Random(key)
    values = {name: sp.Rational(draw.randint(100, 300), 200) for name in sorted(names)}
    return {name: v / 2 if name in fractions else v for name, v in values.items()}


def generic_polynomial(state: Sequence[sp.Symbol], key: int, degree: int = 4) -> sp.Expr:
    """(a.z)^4 + (b.z)^3 + (c.z)^2 + d.z with random vectors: every monomial of degrees 1 to 4 occurs."""
    draw = random.Random(key)
    rows = [sp.Add(*[sp.Rational(draw.randint(-9, 9) * 2 + 1, 10) * z for z in state]) for _ in range(degree)]
    return sp.Add(*[row ** (n + 1) for n, row in enumerate(rows)])


def generator(phi: sp.Expr, state: Sequence[sp.Symbol], drift: sp.Matrix, covariance: sp.Matrix) -> sp.Expr:
    """b.grad phi + (1/2) C : hess phi + d/dt phi."""
    first = [sp.diff(phi, z) for z in state]
    pairs = product(range(len(state)), repeat=2)
    second = [covariance[i, j] / 2 * sp.diff(first[i], state[j]) for i, j in pairs if covariance[i, j] != 0]
    return sp.Add(*[b * a for b, a in zip(drift, first, strict=True)], *second, sp.diff(phi, t))


@dataclass(frozen=True)
class Model:
    """Drift and covariance over a state, with numbers for all symbols but eta and t."""

    state: list[sp.Symbol]
    drift: sp.Matrix
    covariance: sp.Matrix


def model_of(method: Method, model: str, loss: Loss, dim: int, values: Mapping[str, sp.Expr]) -> Model:
    """The equation that the engine derives, with numbers put in."""
    found = sde(method, model, loss=loss, dim=dim)
    expanded = found.expanded
    table = {sp.Symbol(name, positive=True): v for name, v in values.items()}
    drift, covariance = (sp.Matrix(a).xreplace(table).doit() for a in (expanded.drift, expanded.covariance))
    left = (drift.free_symbols | covariance.free_symbols) - {*expanded.state, eta, t}
    if left:
        raise ValueError(f"symbols without a value: {left}")
    return Model(list(expanded.state), drift, covariance)


def applied(function: Callable[[Vector, Any], mp.mpf], drift: Vector, covariance: Any, at: Vector, time: Any) -> mp.mpf:
    """(b.grad f + (1/2) C : hess f + d/dt f)(at, time) of a function that is given by its values, to some 70 digits."""
    with mp.workdps(DIGITS + 50):
        h = mp.mpf(10) ** -40

        def moved(*steps: tuple[int, int]) -> mp.mpf:
            return function([z + h * sum(sign for m, sign in steps if m == n) for n, z in enumerate(at)], time)

        middle = function(at, time)
        found = (function(at, time + h) - function(at, time - h)) / (2 * h)
        for i, b in enumerate(drift):
            found += b * (moved((i, 1)) - moved((i, -1))) / (2 * h)
            found += covariance[i, i] / 2 * (moved((i, 1)) - 2 * middle + moved((i, -1))) / h**2
            for j in range(i):
                if covariance[i, j] != 0:
                    corners = sum(a * c * moved((i, a), (j, c)) for a, c in product((1, -1), repeat=2))
                    found += covariance[i, j] * corners / (4 * h**2)
        return found


def order_of_difference(steps: RealSteps, model: Model, phi: sp.Expr, point: Mapping[str, Vector], time: Any) -> float:
    """p with |E phi(z + F) - E phi(Z_tau)| of order s^p, up to s^6: the model's expectation is expanded to tau^2."""
    mp.mp.dps = DIGITS
    once = generator(phi, model.state, model.drift, model.covariance)
    # away from jumps; a sign is the only function whose derivative is left as it is
    flat_there = (sp.DiracDelta, sp.Derivative)
    once = once.replace(lambda a: isinstance(a, flat_there), lambda a: sp.S.Zero)
    evaluate = sp.lambdify([model.state, eta, t], [phi, once], "mpmath")
    coefficients = sp.lambdify([model.state, eta, t], [list(model.drift), model.covariance], "mpmath")
    at_end = sp.lambdify([model.state], phi, "mpmath")
    flat = [a for name in point for a in point[name]]
    gaps = []
    for s in ROOTS:
        mean, chance = mp.mpf(0), mp.mpf(0)
        for p, after in steps.all(point, s, time):
            mean += p * at_end([a for name in point for a in after[name]])
            chance += p
        assert abs(chance - 1) < mp.mpf(10) ** -100
        step = steps.step_size(s)
        zeroth, first = evaluate(flat, step, time)
        drift, covariance = coefficients(flat, step, time)
        second = applied(lambda z, t, step=step: evaluate(z, step, t)[1], drift, covariance, flat, time)
        gaps.append(abs(mean - zeroth - s**2 * first - s**4 * second / 2))
    if gaps[0] < mp.mpf(10) ** -95:
        return float("inf")
    return float(mp.log(gaps[0] / gaps[1]) / mp.log(ROOTS[0] / ROOTS[1]))


@dataclass(frozen=True)
class Trial:
    """A method with numbers for all its symbols, and a random point.

    Args:
        method: whose steps are run.
        dim: the dimension; loss: `Mixed` unless given; key: of the random numbers.
        derived: the method that the model is derived of, where it is another one (such as one with a symbol for the clients).
    """

    method: Method
    dim: int
    key: int = 0
    derived: Method | None = None
    loss: Loss = Mixed()

    @property
    def of_model(self) -> Method:
        """The method that the model is derived of."""
        return self.derived or self.method

    @property
    def values(self) -> dict[str, sp.Expr]:
        """A number for each symbol."""
        method = self.of_model
        of_noise = {s.name for e in method.noise.scales for s in sp.sympify(e).free_symbols if "_" not in s.name}
        parts = (*(getattr(method.compressor, a, sp.S.Zero) for a in ("p", "k")), method.schedule.factor)
        names = of_noise | {f"{s}0" for s in of_noise} | {name for name, value in method.constants if value.is_Symbol}
        names |= {s.name for e in parts for s in sp.sympify(e).free_symbols if s != t}
        values = numbers(sorted(names), method.rule.fractions, self.key + 1)
        values["N"] = self.method.clients if self.method.clients.is_number else sp.S.One
        return values | {name: value for name, value in self.method.constants if value.is_number}

    @property
    def steps(self) -> RealSteps:
        """The real steps."""
        # of a noise that the regime makes large the model has sigma0, and the real scale is sigma0 times the factor
        values = self.values
        large = "noise" in dict(self.method.regime.substitutions)
        numbers = {a: values[f"{a}0"] if large and f"{a}0" in values else v for a, v in values.items()}
        return RealSteps(self.method, self.loss, self.dim, numbers)

    def model(self, name: str) -> Model:
        """The equation that the engine derives."""
        return model_of(self.of_model, name, self.loss, self.dim, self.values)

    def order(self, model: Model) -> float:
        """The order in s of the local weak error, for a polynomial with every monomial of the degrees 1 to 4."""
        mp.mp.dps = DIGITS
        draw = random.Random(self.key + 2)

        def coordinates() -> Vector:
            return np.array([mp.mpf(draw.randint(50, 150)) / 100 for _ in range(self.dim)], dtype=object)

        point = {a: coordinates() for a in self.method.rule.letters}
        phi = generic_polynomial(model.state, self.key + 3)
        return order_of_difference(self.steps, model, phi, point, mp.mpf(3) / 4)


def measured_order(method: Method, model: str, dim: int, **more: Any) -> float:
    """The order in s of the local weak error of the engine's model: 4 for weak order 1, 6 for weak order 2."""
    trial = Trial(method, dim, **more)
    return trial.order(trial.model(model))
