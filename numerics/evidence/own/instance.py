"""Instances of a theorem of one's own: a loss, a noise, clients, a dimension, and numbers at which its assumptions hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np
import sympy as sp

from derive.bounds import names as nm
from derive.bounds.stated import Stated
from derive.expressions.coordinates import Coordinate, coord_sum
from derive.expressions.coordinates import g as slot
from derive.methods.compressors import Bernoulli, Compressor, RandK, Sign
from derive.methods.distributed import Method
from derive.methods.losses import x as generic
from derive.methods.noise import Affine, Gaussian, Noise, NoNoise, Scaled
from derive.methods.specialise import exactly, specialise, symbol_names
from derive.proof.language.terms import Relation, Term, dot, matvec, norm, quad, trprod, vec, x
from derive.vocabulary.errors import BadInput, NoClosedForm
from numerics.evidence.checks.formulas import Numbers, paths
from numerics.evidence.own.constants import Constants, constants_of, largest
from numerics.evidence.own.losses import Known, Member, members
from numerics.evidence.own.two_points import TwoPoints
from numerics.laws.gauss_rules import Rule
from numerics.without_sampling.messages import average

#: dimensions, each with numbers of clients where the theorem leaves them open
SIZES = {1: (1, 4), 2: (4,), 5: (1,)}
#: nodes of the law of a message
NODES = 24
#: a starting point, in units of the loss; the further coordinates repeat it
START = (1.5, -1.0, 0.5, -0.25, 2.0)
_t = sp.Symbol("gradient", real=True)
#: x (d, points), letter of the memory -> (d, points)
State = Mapping[str, np.ndarray]


class NoInstance(ValueError):
    """The library has no instance of this kind."""


@final
@dataclass(frozen=True)
class Instance:
    """A theorem on numbers. Dimensionless; x* = 0 and f* = 0.

    Args:
        constants: of the theorem.
        member: the loss.
        method: with its noise and clients.
        dim, clients: d and N.
        values: numbers of the free constants, eta among them.
        most: the largest step size at which the assumptions hold at the start; None where they bound it nowhere.
        noise: the noise in words.
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

    @property
    def start(self) -> np.ndarray:
        """x_0, (d,)."""
        return self.member.unit * np.resize(START, self.dim)

    @cached_property
    def shown(self) -> dict[str, Any]:
        """What it is, as JSON values."""
        known = {name: float(f"{v:.6g}") for name, v in self.all_values.items()}
        return {"loss": self.member.name, "noise": self.noise, "d": self.dim, "clients": self.clients, **known}

    @cached_property
    def base(self) -> Numbers:
        """The constants, those that equalities give among them."""
        return self.constants.numbers(self.values, self.dim, self.clients)

    @cached_property
    def all_values(self) -> dict[str, float]:
        """The constants by name, without N, d, u and f*."""
        hidden = ("N", "d", "u", "fstar")
        return {t[1]: float(a.ravel()[0]) for t, a in self.base.values.items() if t[0] == "x" and t[1] not in hidden}

    @cached_property
    def parameters(self) -> dict[str, float]:
        """The numbers that the method takes, by name."""
        own = symbol_names(self.method) | {name for name, _ in self.method.constants} | {"eta"}
        return {name: v for name, v in self.all_values.items() if name in own}

    @cached_property
    def specialised(self) -> Method:
        """The method with numbers for its symbols but eta."""
        return specialise(self.method, {name: v for name, v in self.parameters.items() if name != "eta"})

    # --- the loss

    @cached_property
    def _coordinate(self) -> list[Any]:
        """f_j, f'_j and f''_j as functions of (x_j, h_j)."""
        place, h = sp.Symbol("place", real=True), sp.Symbol("h", real=True)
        loss = self.member.loss
        vectors = {c: h for c in loss.coordinate.free_symbols if c != generic and isinstance(c, Coordinate)}
        e = loss.coordinate.xreplace({**vectors, generic: place})
        return [sp.lambdify([place, h], sp.diff(e, place, n), "numpy") for n in range(3)]

    def derivative(self, n: int, at: np.ndarray) -> np.ndarray:
        """f_j, f'_j or f''_j at points (d, ..)."""
        h = np.ones(self.dim) if self.member.curvatures is None else np.array(self.member.curvatures)
        return np.broadcast_to(self._coordinate[n](at, h.reshape(-1, *[1] * (at.ndim - 1))), at.shape)

    # --- the messages

    def scales(self, g: np.ndarray) -> np.ndarray:
        """The scale of the noise for each client (one, where all are equal) and coordinate, (clients or 1, d, points)."""
        size = sp.Symbol("square", real=True)
        found = []
        for scale in self.specialised.noise.scales:
            e: Any = sp.sympify(scale).xreplace({coord_sum(slot**2): size, slot: _t})
            found.append(np.broadcast_to(np.asarray(sp.lambdify([_t, size], e, "numpy")(g, np.sum(g**2, axis=0))), g.shape))
        return np.stack(found)

    def messages(self, g: np.ndarray, clients: int | None = None) -> Rule:
        """The law of one coordinate of the averaged message, values and chances (d, points, atoms).

        Exact for compressors whose coordinate depends on that coordinate alone: identity, sign, Bernoulli, Rand-k.

        Raises:
            NoClosedForm: another compressor, or a law of the noise without a finite rule.
        """
        method, count = self.specialised, self.clients if clients is None else clients
        own = _on_the_line(method.compressor, self.dim)
        law = average(own, method.noise.law, count, max(NODES, 4 * count), {})
        scales = self.scales(g)
        values, chances = law(scales.reshape(len(scales), -1), g.ravel())
        shape = (*g.shape, values.shape[-1])
        return values.reshape(shape), np.broadcast_to(chances, values.shape).reshape(shape)

    def spread(self, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(mean of a message (d, points), trace of the covariance of one client's message (points,)).

        Raises:
            NoClosedForm: as `messages`.
        """
        values, chances = self.messages(g, 1 if len(self.specialised.noise.scales) == 1 else None)
        mean = np.sum(chances * values, axis=2)
        factor = self.clients if len(self.specialised.noise.scales) > 1 else 1  # Q/N is the variance of the mean
        return mean, factor * np.sum(np.sum(chances * values**2, axis=2) - mean**2, axis=0)

    def mean_square(self, g: np.ndarray) -> np.ndarray:
        """E||Z||^2 of one client's noise, the mean over clients, (points,)."""
        law = self.specialised.noise.law
        unit = 0.0 if law.degenerate else float(law.moment(2)) if law.tail.is_number and law.tail > 2 else np.inf
        return np.mean(np.sum(self.scales(g) ** 2, axis=1), axis=0) * unit

    # --- all that a formula of the theorem may have

    def numbers(self, state: State) -> Numbers:
        """The atoms of the theorem at states, but for the changes of the potentials."""
        at = state["x"]
        g, bent = self.derivative(1, at), self.derivative(2, at)
        mean, total = self.spread(g)
        vectors = {nm.GRADIENT: g, nm.MESSAGE: mean, nm.DISTANCE: at}
        vectors |= {nm.memory(letter): m for letter, m in state.items() if letter != "x"}
        f = np.sum(self.derivative(0, at), axis=0)
        with np.errstate(invalid="ignore"):  # an infinite variance times 0
            square = self.mean_square(g)
        values: dict[Term, np.ndarray] = {
            nm.f: paths(f), nm.CURVATURE: paths(np.max(np.abs(bent), axis=0)), nm.Q: paths(total), x("Zsq"): paths(square),
        }  # fmt: skip
        for v, a in vectors.items():
            values[norm(vec(v))] = paths(np.sqrt(np.sum(a**2, axis=0)))
            values |= {dot(vec(v), vec(w)): paths(np.sum(a * b, axis=0)) for w, b in vectors.items()}
            values |= {dot(vec(w), matvec(nm.H, vec(v))): paths(np.sum(b * bent * a, axis=0)) for w, b in vectors.items()}
            values[quad(nm.H, vec(v))] = paths(np.sum(bent * a**2, axis=0))
        for key, p in self.stated.setting.potentials.items():
            if key != "f":
                values[p.value] = values[dot(vec(key[0]), vec(key[1]))]
        values[trprod(nm.H, nm.S)] = paths(self._bent_spread(g, bent))
        return replace(self.base.given(values), size=(1, 1, 1, at.shape[1]))

    def _bent_spread(self, g: np.ndarray, bent: np.ndarray) -> np.ndarray:
        """Tr(H S), (points,)."""
        one = len(self.specialised.noise.scales) == 1
        values, chances = self.messages(g, 1 if one else None)
        own = np.sum(chances * values**2, axis=2) - np.sum(chances * values, axis=2) ** 2
        return (1 if one else self.clients) * np.sum(bent * own, axis=0)

    def held(self, numbers: Numbers) -> dict[str, np.ndarray]:
        """Where each assumption that has a value at a state holds, by name, (points,)."""
        found = {}
        for name, relation in self.assumed.items():
            try:
                found[name] = numbers.holds(relation)
            except ValueError:  # about the horizon
                continue
        return found

    @cached_property
    def assumed(self) -> dict[str, Relation]:
        """The assumptions, smoothness as an inequality among them."""
        h, found = self.stated.hypotheses, dict(self.constants.relations)
        if h.smoothness is not None:
            found["smooth"] = nm.CURVATURE.le(h.smoothness[0] + h.smoothness[1] * nm.G)
        return found


def _on_the_line(compressor: Compressor, dim: int) -> Compressor:
    if isinstance(compressor, RandK):  # a coordinate is kept with probability k/d
        return Bernoulli(sp.Rational(int(compressor.k), dim))
    known = isinstance(compressor, Bernoulli | Sign) or type(compressor).__name__ == "Identity"
    if not known and dim > 1:
        raise NoClosedForm(f"the law of a coordinate of what {type(compressor).__name__} makes in {dim} dimensions is not finite here")
    return compressor


# --- how they are found


def instances(stated: Stated) -> Iterator[Instance]:
    """Instances of the assumptions, on the boundary of what they allow of the step size where they bound it.

    Raises:
        NoInstance: the library has none; the message says what is missing.
    """
    constants, count, missing = Constants(stated), 0, "no numbers were met at which the assumptions about constants hold"
    given = stated.method.clients
    for dim, several in SIZES.items():
        for clients in (int(given),) if given.is_number else several:
            try:
                values = constants.found(dim, clients)
                if values is None:
                    continue
                for made in _with(constants, values, dim, clients):
                    count += 1
                    yield made
            except (NoInstance, NoClosedForm, BadInput) as error:
                missing = str(error)
    if not count:
        raise NoInstance(missing)


def _with(constants: Constants, values: Mapping[str, float], dim: int, clients: int) -> Iterator[Instance]:
    stated, numbers = constants.stated, constants.numbers(values, dim, clients)
    found, last = 0, "no loss of the library is in the class with these constants"
    for member in members(_known(stated, constants, numbers, dim)):
        for words, noise in _noises(stated, constants, numbers, dim):
            method = replace(stated.method, noise=noise, clients=clients) if noise is not None else replace(stated.method, clients=clients)
            first = Instance(constants, member, method, dim, clients, values, None, words)
            start = _start(first)
            step = largest(lambda eta, one=first, at=start: _holds(one.with_step(float(eta)), at), values["eta"])
            if step is None:
                last = f"the assumptions hold at no step size at the start of {member.name}"
                continue
            found += 1
            yield replace(first.with_step(step[0]), most=step[0] if step[1] else None)
    if not found:
        raise NoInstance(last)


def _start(one: Instance) -> Numbers:
    """All atoms at the start, with no memory; none of them depends on the step size."""
    return one.numbers({"x": one.start[:, None]} | {letter: np.zeros((one.dim, 1)) for letter, _ in one.method.rule.memory})


def _holds(one: Instance, start: Numbers) -> bool:
    """Whether every assumption holds at the start."""
    with np.errstate(all="ignore"):
        return bool(one.constants.hold(one.base)[0]) and all(np.all(h) for h in one.held(start.given(one.base.values)).values())


def _known(stated: Stated, constants: Constants, numbers: Numbers, dim: int) -> Known:
    def number(t: Term | None) -> float | None:
        if t is None:
            return None
        value = constants.of(t, numbers)
        if value is None:
            raise NoInstance("a constant of the class depends on the state")
        return value

    first = lambda *names: next(iter(constants_of(stated, names)), None)  # noqa: E731
    low, high = stated.hypotheses.smoothness or (None, None)
    mu, bound = first("strongly convex", "pl"), first("bounded gradient")
    convex = bool({"convex", "strongly convex"} & set(stated.hypotheses.classes))
    return Known(dim, number(low), number(high) or 0.0, number(mu), convex, number(bound))


def _noises(stated: Stated, constants: Constants, numbers: Numbers, dim: int) -> Iterator[tuple[str, Noise | None]]:
    """Noises of the file, or with the variance that is assumed; in place of the method's own, unless None."""
    if not stated.any_noise:
        yield str(stated.given.get("noise", "none")), None
        return
    (bound,) = constants_of(stated, ("variance",)) or [None]
    if bound is None:
        yield "none", NoNoise()
        return
    at = lambda size: float(numbers.given({nm.G: paths(size)}).value(bound).ravel()[0])  # noqa: E731
    try:
        fixed, slope = at(0.0), at(1.0) - at(0.0)
        linear = abs(at(3.0) - fixed - 9 * slope) <= 1e-9 * (1 + abs(at(3.0)))
    except ValueError:
        linear, fixed, slope = False, 0.0, 0.0
    if not linear or min(fixed, slope) < 0:
        raise NoInstance("the variance is bounded by another function of the state than a + b G^2")
    if fixed == slope == 0:
        yield "none", NoNoise()
        return
    if slope == 0:
        sigma = exactly(float(np.sqrt(fixed / dim)))
        yield "two-point", Scaled(TwoPoints(), sigma)
        yield "Gaussian", Scaled(Gaussian(), sigma)
        return
    yield "Gaussian, affine", Affine(exactly(float(np.sqrt(fixed / dim))), exactly(float(np.sqrt(slope / dim))))
