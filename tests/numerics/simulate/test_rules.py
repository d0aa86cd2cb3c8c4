"""Update rules with memory against loops in NumPy, step by step with the numbers that the run itself draws."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Scaled
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.laws.counter import Draws, draws_from, pair_of
from sdescent.numerics.laws.samplers import compress, sample_noise
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.streams_and_statistics import Stream, stream
from sdescent.numerics.simulate.update_rules.drawing import FURTHER

ETA, STEPS, PATHS, KEY = 0.125, 6, 5, 4
H = np.array([[1.0], [2.0], [0.5]])
X0 = np.random.default_rng(0).normal(size=(3, PATHS))
LOSS = Quadratic((1, 2, "1/2"))
NOISE = Scaled(sd.noise.Uniform(), "1/2")
Vector = np.ndarray


def wide(method: Method) -> bool:
    """Whether normals are drawn: those of single precision have a last bit that depends on how they are compiled."""
    return method.rule.uses("normal") or method.noise.law == sd.noise.Gaussian()


class Drawn:
    """The draws of step n, from 0, as a run makes them; made anew each time, as a rule may use one draw at two points."""

    def __init__(self, method: Method, n: int) -> None:
        self.method, self.n = method, n

    @property
    def draws(self) -> Draws:
        own = pair_of(draws_from(stream(KEY, Stream.METHOD), PATHS, wide=wide(self.method)), self.n // 2)
        return own.at(own.pair, self.n % 2)

    def numbered(self, number: int) -> Draws:
        return self.draws.fold(np.uint32(FURTHER + number)) if number else self.draws

    def of(self, client: int, number: int) -> Draws:
        """Two clients share an encryption, as two steps do."""
        own, clients = self.numbered(number), int(self.method.clients)
        if client == clients - 1 and clients % 2:
            return own.fold(client)
        return replace(own.fold(client // 2).alone(), half=client % 2)

    def noisy(self, y: Vector, number: int = 0, client: int = 0) -> Vector:
        g = jnp.asarray(H * y)
        return np.asarray(g + sample_noise(self.method.noise, self.of(client, number).fold(0), g, {}, client))

    def message(self, y: Vector, number: int = 0, client: int = 0) -> Vector:
        own = self.of(client, number).fold(1)
        return np.asarray(compress(self.method.compressor, own, jnp.asarray(self.noisy(y, number, client))))

    def mean(self, y: Vector, number: int = 0, of: Callable[..., Vector] | None = None) -> Vector:
        clients = int(self.method.clients)
        return sum((of or self.message)(y, number, i) for i in range(clients)) / clients

    def compressed(self, v: Vector, number: int, client: int | None = None) -> Vector:
        own = self.numbered(number) if client is None else self.of(client, number)
        return np.asarray(compress(self.method.compressor, own, jnp.asarray(v)))


def steps(method: Method) -> Iterator[Drawn]:
    return (Drawn(method, n) for n in range(STEPS))


def agree(found: Vector, expected: Vector) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def nesterov(method: Method) -> dict[str, Vector]:
    x, m = X0, 0 * X0
    for of in steps(method):
        m = 0.75 * m - ETA * of.mean(x + 0.75 * m)
        x = x + m
    return {"x": x, "m": m}


def adam(method: Method) -> dict[str, Vector]:
    x, m, v = X0, 0 * X0, 0 * X0
    for k, of in enumerate(steps(method), 1):
        g = of.mean(x)
        m, v = 0.75 * m + 0.25 * g, 0.9375 * v + 0.0625 * g**2
        x = x - ETA * (m / (1 - 0.75**k)) / (np.sqrt(v / (1 - 0.9375**k)) + 1e-3)
    return {"x": x, "m": m, "v": v}


def local_steps(method: Method) -> dict[str, Vector]:
    x = X0
    for of in steps(method):
        ends = []
        for i in range(int(method.clients)):
            y = x - ETA * of.message(x, 1, i)
            ends.append(y - ETA * of.message(y, 2, i))
        x = sum(ends) / len(ends)
    return {"x": x}


def private(method: Method) -> dict[str, Vector]:
    x = X0
    for of in steps(method):
        g = of.mean(x, of=of.noisy)
        x = x - ETA * (
            g / np.maximum(1, np.sqrt(np.sum(g**2, axis=0))) + np.asarray(of.numbered(1).normal(x.shape)) / 4
        )
    return {"x": x}


def error_feedback(method: Method) -> dict[str, Vector]:
    x, e = X0, 0 * X0
    for of in steps(method):
        p = e + ETA * of.mean(x, of=of.noisy)
        c = of.compressed(p, 1)
        x, e = x - c, p - c
    return {"x": x, "e": e}


def second_order(method: Method) -> dict[str, Vector]:
    x = X0
    for k, of in enumerate(steps(method), 1):
        g = of.mean(x)
        t = (k - 1) * ETA**2
        x = np.minimum(x - ETA * (g - ETA / 2 * H * g) * np.exp(-t) / np.sqrt(k), 1 / np.pi)
    return {"x": x}


CASES: dict[str, tuple[Callable[[Method], dict[str, Vector]], dict[str, Any]]] = {
    # the scale of the noise is that at the point where the gradient is taken
    "nesterov": (
        nesterov,
        {"memory": {"m": 0}, "update": ["m = 3/4*m - eta*G(x + 3/4*m)", "x = x + m"], "noise": sd.noise.Affine("1/2", "1/3")},
    ),
    "adam": (
        adam,
        {
            "memory": {"m": 0, "v": 0},
            "update": [
                "m = a*m + (1-a)*G", "v = b*v + (1-b)*G^2",
                "x = x - eta*(m/(1-a^k))/((v/(1-b^k))^(1/2) + 1/1000)",
            ],
            "constants": {"a": "3/4", "b": "15/16"},
        },
    ),
    "local steps": (local_steps, {"update": ["y = x - eta*local", "y = y - eta*local(y)", "x = mean(y)"]}),
    "private": (private, {"update": "x = x - eta*(raw/max(1, norm(raw)) + normal/4)"}),
    "error feedback": (
        error_feedback,
        {"memory": {"e": 0}, "update": ["p = e + eta*raw", "c = C(p)", "x = x - c", "e = p - c"]},
    ),
    "second order": (
        second_order, {"update": "x = min(x - eta*(G - eta/2*hess(G))*exp(-t)/sqrt(k), 1/pi)", "time": "eta^2"},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "clients"), [*zip(CASES, [2, 6, 6, 5, 2, 1], strict=True)])
def test_a_run_is_the_loop_with_the_same_draws(name, clients):
    loop, rule = CASES[name]
    method = Method(RandK(2), clients=clients, **{"noise": NOISE} | rule)
    tau = ETA**2 if rule.get("time") else ETA
    found = run(method, X0, STEPS * tau, None, KEY, {"eta": ETA}, LOSS, save=3, wide=wide(method))
    expected = loop(method)
    agree(found.final, expected.pop("x"))
    assert found.final_memory.keys() == expected.keys()
    for letter, value in expected.items():
        agree(found.final_memory[letter], value)
