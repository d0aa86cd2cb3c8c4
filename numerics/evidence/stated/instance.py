"""Instances of a user's theorem: a loss, a noise, clients, a dimension, and numbers that satisfy the assumptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, coord_sum
from sdescent.derive.expressions.coordinates import g as slot
from sdescent.derive.methods.compressors import Bernoulli, Compressor, NormClip, RandK, Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic, Separable, SeparableSum
from sdescent.derive.methods.losses import x as generic
from sdescent.derive.methods.noise.law import INFINITE, Law
from sdescent.derive.methods.schedules import Constant, Free
from sdescent.derive.methods.specialise import exactly, specialise, symbol_names
from sdescent.derive.proof.language.terms import Relation, Term, dot, matvec, norm, quad, trprod, vec, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.letters import is_sign
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry.linear_step import one_step
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.evidence.checks.formulas import Numbers, coordinates, paths
from sdescent.numerics.evidence.checks.formulas import clients as clients_
from sdescent.numerics.evidence.checks.points import function_of
from sdescent.numerics.evidence.stated.constants import Constants
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import Rule, gauss_rule, sample_law
from sdescent.numerics.lowering.to_jax import Parameters
from sdescent.numerics.without_sampling.transition import Average, average

#: number of nodes for the law of a message, to which one per client is added, and the largest total
NODES, MOST_NODES = 16, 48
#: the starting point in units of `Member.unit`; it repeats for further coordinates
START = (1.5, -1.0, 0.5, -0.25, 2.0)
_t = sp.Symbol("gradient", real=True)
#: x and each letter of the memory -> array (d, points)
State = Mapping[str, np.ndarray]


class NoInstance(ValueError):
    """Raised if the library has no suitable instance."""


@final
@dataclass(frozen=True)
class Instance:
    """A theorem with numbers for its free constants and eta. All quantities are dimensionless, with x* = 0 and f* = 0.

    `member` is the loss, `noise` the noise in words; at the start the assumptions hold up to the step size `most`, if any.
    """

    constants: Constants
    member: Member
    method: Method
    dim: int
    clients: int
    values: Mapping[str, float]
    most: float | None
    noise: str

    @property
    def stated(self) -> Stated:
        return self.constants.stated

    @property
    def eta(self) -> float:
        return self.values["eta"]

    def with_step(self, eta: float) -> Instance:
        """The same instance with another step size."""
        return replace(self, values={**self.values, "eta": eta})

    def horizon(self, steps: int) -> float:
        """The horizon after `steps` steps: the number K of steps, or their time T."""
        return float(steps) if self.stated.setting.steps else steps * self.eta

    @property
    def start(self) -> np.ndarray:
        """The starting point x_0, (d,)."""
        return self.member.unit * np.resize(START, self.dim)

    @cached_property
    def begin(self) -> State:
        """The initial state: x_0 and the memory."""
        memory = {letter: np.full((self.dim, 1), float(v)) for letter, v in self.method.rule.memory}
        return {"x": self.start[:, None]} | memory

    @cached_property
    def at_the_start(self) -> Numbers:
        """The values of the theorem's atoms at the start, including the initial values of the potentials."""
        numbers, potentials = self.numbers(self.begin), self.stated.setting.potentials.values()
        return numbers.plus({p.start: numbers.value(p.value) for p in potentials})

    @property
    def starts(self) -> dict[Term, float]:
        """The initial values of the potentials."""
        starts = [p.start for p in self.stated.setting.potentials.values()]
        return {t: float(self.at_the_start.value(t).ravel()[0]) for t in starts}

    @cached_property
    def description(self) -> dict[str, Any]:
        """The instance as JSON values."""
        constants = {name: float(f"{v:.6g}") for name, v in self.all_values.items()}
        loss = {"loss": self.member.name, "loss_latex": self.member.latex}
        return {**loss, "noise": self.noise, "d": self.dim, "clients": self.clients, **constants}

    @cached_property
    def _plain(self) -> Numbers:
        return self.constants.numbers(self.values, self.dim, self.clients)

    @cached_property
    def base(self) -> Numbers:
        """The constants, including those that equalities determine. For signs also the scales, the density at 0 and R = 2F - 1."""
        if not is_sign(self.method):
            return self._plain
        law, scales = self.specialised.noise.law, self.scales(np.zeros((1, 1))).ravel()
        of_signs = {x("sigma"): clients_(np.resize(scales, self.clients)), x("M"): paths(float(law.density(sp.S.Zero)))}
        return replace(self._plain.plus(of_signs), functions={"R": function_of(law.sign_mean(_t), _t.name)})

    @cached_property
    def all_values(self) -> dict[str, float]:
        """The constants by name, without N, d, u and f*."""
        hidden = ("N", "d", "u", "fstar")
        return {t[1]: float(a.ravel()[0]) for t, a in self._plain.values.items() if t[0] == "x" and t[1] not in hidden}

    @cached_property
    def parameters(self) -> dict[str, float]:
        """The parameters of the method, by name."""
        letters = symbol_names(self.method) | {name for name, _ in self.method.constants} | {"eta"}
        return {name: v for name, v in self.all_values.items() if name in letters}

    @cached_property
    def specialised(self) -> Method:
        """The method with numbers for all symbols except eta, and the constant schedule instead of a free one."""
        method = specialise(self.method, {name: v for name, v in self.parameters.items() if name != "eta"})
        return replace(method, schedule=Constant()) if isinstance(method.schedule, Free) else method

    # --- the loss

    @cached_property
    def _coordinate(self) -> list[Any]:
        """The functions f_j, f'_j and f''_j of (x_j, h_j)."""
        place, h = sp.Symbol("place", real=True), sp.Symbol("h", real=True)
        loss = self.member.loss
        vectors = {c: h for c in loss.coordinate.free_symbols if c != generic and isinstance(c, Coordinate)}
        e = loss.coordinate.xreplace({**vectors, generic: place})
        return [sp.lambdify([place, h], sp.diff(e, place, n), "numpy") for n in range(3)]

    def derivative(self, n: int, at: np.ndarray) -> np.ndarray:
        """The n-th derivative of f_j, n = 0, 1, 2, at points (d, ..)."""
        h = np.ones(self.dim) if self.member.curvatures is None else np.array(self.member.curvatures)
        return np.broadcast_to(self._coordinate[n](at, h.reshape(-1, *[1] * (at.ndim - 1))), at.shape)

    # --- the messages

    def scales(self, g: np.ndarray) -> np.ndarray:
        """The scale of the noise for each client and coordinate, (clients, d, points); one row if all clients are equal."""
        size, square = sp.Symbol("square", real=True), np.sum(g**2, axis=0)
        scales = [sp.sympify(s).xreplace({coord_sum(slot**2): size, slot: _t}) for s in self.specialised.noise.scales]
        values = [sp.lambdify([_t, size], e, "numpy")(g, square) for e in scales]
        return np.stack([np.broadcast_to(np.asarray(v), g.shape) for v in values])

    def messages(self, g: np.ndarray, clients: int | None = None) -> Rule:
        """The law of a coordinate of the mean message, values and probabilities, (d, points, atoms); NoClosedForm without one."""
        method, count = self.specialised, self.clients if clients is None else clients
        if isinstance(method.compressor, NormClip) and method.noise.law.degenerate:
            factor = np.minimum(1, float(method.compressor.c) / np.maximum(np.sqrt(np.sum(g**2, axis=0)), 1e-300))
            return (g * factor)[:, :, None], np.ones((*g.shape, 1))
        law = _average(_on_the_line(method.compressor, self.dim), method.noise.law, count)
        scales = self.scales(g)
        values, chances = law(scales.reshape(len(scales), -1), g.ravel())
        shape = (*g.shape, values.shape[-1])
        return values.reshape(shape), np.broadcast_to(chances, values.shape).reshape(shape)

    def spread(self, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mean of a message and its coordinates' variances, averaged over clients, (d, points) each. Raises as `messages`."""
        one = len(self.specialised.noise.scales) == 1
        values, chances = self.messages(g, 1 if one else None)
        mean = np.sum(chances * values, axis=2)
        factor = 1 if one else self.clients  # the mean of N messages has 1/N of their average variance
        return mean, factor * np.sum(chances * (values - mean[:, :, None]) ** 2, axis=2)

    # --- all atoms of the theorem's formulas

    def numbers(self, state: State) -> Numbers:
        """The values of the theorem's atoms at states, without the changes of the potentials."""
        at = state["x"]
        g, bent = self.derivative(1, at), self.derivative(2, at)
        mean, spread = self.spread(g)
        vectors = {nm.GRADIENT: g, nm.MESSAGE: mean, nm.DISTANCE: at}
        vectors |= {letter: m for letter, m in state.items() if letter != "x"}
        vectors |= {name: sum(c * vectors[v] for v, c in parts.items()) for name, parts in self.sums.items()}
        law = self.specialised.noise.law
        unit = 0.0 if law.degenerate else float(law.moment(2)) if law.tail.is_number and law.tail > 2 else np.inf
        with np.errstate(invalid="ignore"):  # an infinite variance times 0
            square = np.mean(np.sum(self.scales(g) ** 2, axis=1), axis=0) * unit  # E||Z||^2, averaged over clients
        values: dict[Term, np.ndarray] = {
            nm.f: paths(np.sum(self.derivative(0, at), axis=0)), x("Zsq"): paths(square),
            nm.CURVATURE: paths(np.max(np.abs(bent), axis=0)), nm.Q: paths(np.sum(spread, axis=0)),
        }  # fmt: skip
        for v, a in vectors.items():
            values[norm(vec(v))] = paths(np.sqrt(np.sum(a**2, axis=0)))
            for w, b in vectors.items():
                values[dot(vec(v), vec(w))] = paths(np.sum(a * b, axis=0))
                values[dot(vec(w), matvec(nm.H, vec(v)))] = paths(np.sum(b * bent * a, axis=0))
            values[quad(nm.H, vec(v))] = paths(np.sum(bent * a**2, axis=0))
        for key, p in self.stated.setting.potentials.items():
            if key != "f":
                values[p.value] = values[dot(vec(key[0]), vec(key[1]))]
        values[trprod(nm.H, nm.S)] = paths(np.sum(bent * spread, axis=0))
        if self._level is not None:
            size = np.maximum(np.sqrt(np.sum(g**2, axis=0)), 1e-300)
            values[nm.clip] = paths(np.minimum(1, self._level / size))
        if is_sign(self.method):
            values |= {x("y"): coordinates(g), x("b"): coordinates(mean)}
        return replace(self.base.plus(values), size=(self.clients, self.dim, 1, at.shape[1]))

    @cached_property
    def sums(self) -> dict[str, dict[str, float]]:
        """The sums of vectors, each with the coefficients of its parts."""
        sums = self.stated.setting.sums
        return {n: {v: float(self.base.value(c).ravel()[0]) for v, c in s.parts.items()} for n, s in sums.items()}

    @cached_property
    def _level(self) -> float | None:
        """The norm to which gradients are clipped; None without clipping."""
        level: Any = one_step(self.method).level
        if level is None:
            return None
        return float(level.xreplace({s: sp.Float(self.all_values[s.name], 17) for s in level.free_symbols}))

    def held(self, numbers: Numbers) -> dict[str, np.ndarray]:
        """Whether each assumption that has a value at a state holds, by name, (points,); those about the horizon have no value."""
        return numbers.held(self.assumed)[0]

    @cached_property
    def assumed(self) -> dict[str, Relation]:
        """The assumptions, with smoothness as an inequality."""
        h, assumptions = self.stated.hypotheses, dict(self.constants.relations)
        if h.smoothness is not None:
            assumptions["smooth"] = nm.CURVATURE.le(h.smoothness[0] + h.smoothness[1] * nm.G)
        return assumptions


@lru_cache(maxsize=64)
def _average(compressor: Compressor, law: Law, clients: int) -> Average:
    return average(compressor, law, clients, min(NODES + clients, MOST_NODES), {})


def _on_the_line(compressor: Compressor, dim: int) -> Compressor:
    if isinstance(compressor, RandK):  # each coordinate is kept with probability k/d
        return Bernoulli(sp.Rational(int(compressor.k), dim))
    separate = isinstance(compressor, Bernoulli | Sign) or type(compressor).__name__ == "Identity"
    if not separate and dim > 1:
        name = type(compressor).__name__
        raise NoClosedForm(f"for {name} in {dim} dimensions the law of one coordinate of a message is not known")
    return compressor


@final
@dataclass(frozen=True)
class LossClass:
    """A class of losses, given by the values of its constants; None for a constant that the class does not have."""

    dim: int
    l0: float | None
    l1: float
    mu: float | None
    convex: bool
    gradient: float | None


@final
@dataclass(frozen=True)
class Member:
    """A loss of a class, in words and in LaTeX; its gradient changes over the length `unit`, `curvatures` are a quadratic's."""

    name: str
    latex: str
    loss: Separable
    unit: float
    curvatures: tuple[float, ...] | None = None


def members(constants: LossClass) -> Iterator[Member]:
    """The losses of the library in the class. Each has its minimum 0 at the critical point 0.

    | loss | is in the class because |
    |---|---|
    | sum h_j x_j^2/2, mu <= h_j <= L0 | \\|f''_j\\| <= L0, and strongly convex with mu |
    | (L0/L1^2) (cosh(L1 x_j) - 1) | f'' = L0 cosh <= L0 + L1 \\|f'\\|, since cosh <= 1 + \\|sinh\\|; f'' >= L0 |
    | (L0/L1^2) (exp(L1 x_j) - L1 x_j - 1) | f'' = L0 + L1 f' |
    | (L0/b^2) log cosh(b x_j) | f'' <= L0, \\|f'_j\\| <= L0/b |
    | (L0/b^2) (1 - cos(b x_j)) | \\|f''\\| <= L0, \\|f'_j\\| <= L0/b, not convex |
    """
    l0, l1, mu = constants.l0, constants.l1, constants.mu
    if l0 is None:
        l0 = 1.0 if mu is None else 2 * mu
    if l0 <= 0:
        return
    if constants.gradient is not None:
        b = l0 * np.sqrt(constants.dim) / constants.gradient
        if mu is None and b > 0:
            yield _sum("log cosh z_j", r"\log\cosh z_j", lambda z: sp.log(sp.cosh(z)), l0, b)
            if not constants.convex:
                yield _sum("1 - cos z_j", r"(1-\cos z_j)", lambda z: 1 - sp.cos(z), l0, b)
        return
    if mu is None or mu <= l0:
        low = l0 / 10 if mu is None else mu
        yield _quadratic(l0, low, constants.dim)
        if constants.dim == 1 and low < l0:
            yield _quadratic(low, low, 1)
    if l1 > 0 and (mu is None or mu <= l0):
        yield _sum("cosh z_j - 1", r"(\cosh z_j-1)", lambda z: sp.cosh(z) - 1, l0, l1)
        if mu is None:
            yield _sum("exp(z_j) - z_j - 1", r"(e^{z_j}-z_j-1)", lambda z: sp.exp(z) - z - 1, l0, l1)
    if l1 == 0 and mu is None and not constants.convex:
        yield _sum("1 - cos z_j", r"(1-\cos z_j)", lambda z: 1 - sp.cos(z), l0, 1.0)


def _quadratic(high: float, low: float, dim: int) -> Member:
    """A quadratic loss whose curvatures range from `high` to `low`, both within the class."""
    middle = [float(f"{v:.3g}") for v in np.geomspace(high, low, dim)[1:-1].tolist()]
    values = (high, *middle, low)[:dim] if dim > 1 else (high,)
    curvatures = ", ".join(f"{v:.4g}" for v in values)
    latex = rf"$\frac12\sum_jh_jx_j^2$, $h={curvatures if dim == 1 else f'({curvatures})'}$"
    loss = Quadratic(tuple(exactly(v) for v in values))
    return Member(f"sum of h_j x_j^2/2, h = {curvatures}", latex, loss, 1.0, values)


def _sum(name: str, latex: str, of: Any, l0: float, b: float) -> Member:
    scale, factor = exactly(float(b)), f"{l0 / b**2:.4g}"
    loss = SeparableSum(exactly(float(l0)) / scale**2 * of(scale * generic))
    return Member(f"{factor} sum of {name}, z = {b:.4g} x", rf"${factor}\sum_j{latex}$, $z={b:.4g}\,x$", loss, 1 / b)


@dataclass(frozen=True)
class TwoPoints(Law):
    """The law P(Z = 1) = P(Z = -1) = 1/2, with variance 1."""

    closed_form = False

    @property
    def tail(self) -> sp.Expr:
        return INFINITE

    def density(self, x: sp.Expr) -> sp.Expr:
        raise NotImplementedError("a law of two points has no density")

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return (sp.sign(x + 1) + sp.sign(x - 1)) / 2

    def moment(self, m: int) -> sp.Expr:
        return sp.Integer((m + 1) % 2)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return r"$+1$ or $-1$ with equal chances"

    def latex(self) -> str:
        return r"\{\pm1\}"


@sample_law.register
def _(law: TwoPoints, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return jnp.where(draws.symmetric(shape) < 0, -1.0, 1.0).astype(draws.dtype)


@gauss_rule.register
def _(law: TwoPoints, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    return np.array([-1.0, 1.0]), np.array([0.5, 0.5])
