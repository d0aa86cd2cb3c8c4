"""One step of the method itself, compared with the pathwise bounds on the SDE: (E f(x_{n+1}) - f(x_n))/eta in place of L f.

On f = sum_j cosh x_j the expectation is a finite sum. The signs of two clients move a coordinate by -1, 0 or 1 times eta u. With
Rand-1 in two dimensions, k of the two clients send a coordinate, where k = 0, 1, 2 with probability 1/4, 1/2, 1/4, and
E cosh(a + b Z) = cosh(a) exp(b^2/2).
"""

from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Cosh, Quartic
from sdescent.derive.methods.schedules import Power
from sdescent.derive.proof.language.terms import Relation, dot, mat, norm, opnorm, vec, x
from sdescent.derive.theorems.entry.instances import LAWS
from sdescent.derive.theorems.unbiased import normalised
from sdescent.numerics.evidence.checks.facts import of_points
from sdescent.numerics.evidence.checks.formulas import (
    Numbers,
    clients,
    conclusion,
    coordinates,
    noise_constants,
    paths,
    symbols,
)
from sdescent.numerics.evidence.checks.method_bounded import levels, steps_of
from sdescent.numerics.evidence.checks.points import at_points, function_of, log_uniform, merged, scaled
from sdescent.numerics.evidence.checks.result import Verified
from sdescent.numerics.simulate.method import run

#: (E f(x_{n+1}) - f(x_n))/eta, and x_n
CHANGE, PLACE = x("change"), x("place")
NOTE = "one step of the method in place of the generator: a bound on the SDE may fail where higher orders of eta matter"


def _states(rng: np.random.Generator, count: int) -> tuple[np.ndarray, Numbers]:
    """Points x (2, count), and numbers with the loss and the constants at these points."""
    at = rng.normal(size=(2, count)) * np.exp(rng.uniform(-3, 1.2, count))
    smoothness, g = Cosh().smoothness(2), np.sinh(at)
    draws = log_uniform(rng, count, eta=(1e-3, 1), u=(0.1, 1), kap=(0.05, 4)) | {"eps": rng.uniform(0, 1, count)}
    values = symbols(paths, N=2, d=2, L0=smoothness.l0, L1=smoothness.l1, **draws) | symbols(coordinates, place=at, y=g)
    values |= symbols(clients, sigma=np.exp(rng.uniform(-1.5, 1.5, (2, count))))
    values |= {
        norm(vec("g")): paths(np.sqrt(np.sum(g**2, axis=0))),
        opnorm(mat("H")): paths(np.max(np.cosh(at), axis=0)),
    }
    return at, Numbers(values, size=(2, 2, 1, count))


def sign_step(number: int, count: int) -> Numbers:
    """One step of DSignSGD, with noise from law `number`."""
    law, rng = LAWS[number], np.random.default_rng((64, number))
    at, numbers = _states(rng, count)
    R = function_of(law.sign_mean(sp.Symbol("y", real=True)), "y")
    scales = numbers.values[x("sigma")].reshape(2, count)
    up = (1 + R(np.sinh(at)[None] / scales[:, None])) / 2  # (client, coordinate, count)
    step = numbers.values[x("eta")].ravel() * numbers.values[x("u")].ravel()
    after = np.sum(
        [chance * np.cosh(at - step * size) for chance, size in zip(levels(up), steps_of(2), strict=True)], axis=0
    )
    slope = np.sinh(at) * np.mean(2 * up - 1, axis=0)
    ratio = np.max(np.abs(np.sinh(at)), axis=0) / np.min(scales, axis=0)
    return Numbers(
        {**numbers.values, CHANGE: _change(numbers, at, after), dot(vec("g"), vec("bv")): paths(np.sum(slope, axis=0)),
         x("M"): paths(float(law.density(sp.S.Zero))), x("ratio"): paths(ratio)}, {"R": R}, numbers.size,
    )  # fmt: skip


def rand_k_step(normal: bool, count: int) -> Numbers:
    """One step of DCSGD with Rand-1 and Gaussian noise of one scale, with h = s/K if `normal`, else h = u."""
    rng = np.random.default_rng((62, normal))
    at, numbers = _states(rng, count)
    ratio, sigma = float(RandK(1).omega(sp.Integer(2)).value), np.exp(rng.uniform(-3, 1, count))
    per = symbols(clients, omega=[ratio, ratio], s0=np.stack([sigma**2] * 2), s1=[0.0, 0.0])
    numbers = numbers.plus(per).defined(noise_constants())
    step = (numbers.values[x("eta")] * numbers.value(normalised.h if normal else x("u"))).ravel()
    after = np.zeros_like(at)
    for k, share in ((0, 0.25), (1, 0.5), (2, 0.25)):
        after += share * np.cosh(at - step * k * np.sinh(at)) * np.exp((step * sigma) ** 2 * k / 2)
    return numbers.plus({CHANGE: _change(numbers, at, after)})


def places(numbers: Numbers) -> np.ndarray:
    """The states of the points, (2, count)."""
    return numbers.values[PLACE][0, :, 0]


def _change(numbers: Numbers, at: np.ndarray, after: np.ndarray) -> np.ndarray:
    return paths(np.sum(after - np.cosh(at), axis=0) / numbers.values[x("eta")].ravel())


def one_step(id: str, method: str, count: int = 1000) -> list[Verified]:
    """The share of states at which the method's own change obeys a pathwise bound.

    Args:
        method: "signs", "rand-k", or "normalised rand-k".
    """
    claim = Relation(("<=", CHANGE, conclusion(id).right))
    with np.errstate(over="ignore", invalid="ignore"):  # for a huge step E cosh is infinite, above every bound
        if method == "signs":
            cases = [sign_step(n, count) for n in range(len(LAWS))]
        else:
            cases = [rand_k_step(method == "normalised rand-k", 4 * count)]
    instance = {"loss": "cosh", "d": 2, "clients": 2}
    return [merged([at_points(id, n, "method", claim, "enumeration", NOTE, instance, covered=False) for n in cases])]


def trajectory(id: str, scale: float = 1.0) -> list[Verified]:
    """Checks 6.9: gradient descent on the quartic by `sdescent.numerics.simulate.method.run`, at every step until it overflows.

    The start is a tenth above the threshold and, for `outside`, a tenth below it. `scale` multiplies the claimed growth.
    """
    eta, p, results = 0.1, 0.5, []
    method = DSGD(clients=1, schedule=Power("1/2"))
    theta = (1 + eta) ** (p / 2)
    for factor in (1.1, 0.9):
        start = np.sqrt(factor * (1 + theta) / eta)
        path = run(method, [start], 3.0, 1, params={"eta": eta}, loss=Quartic(), save=31, statistics=_PLACE, bound=1e60)
        at = path.values["x"][:, 0]
        at = at[np.isfinite(at)]
        n = np.arange(len(at) - 1)
        e = eta * (1 + path.times[: len(at)]) ** -p
        numbers = of_points(len(n), x0=at[:-1], x1=at[1:], e=e[:-1], e1=e[1:], theta=np.full(len(n), theta))
        claim, note = scaled(conclusion(id), scale), f"from {factor} times the threshold, eta = {eta}, (1+t)^(-1/2)"
        results.append(at_points(id, numbers, "method", claim, "enumeration", note, {"eta": eta, "x0": start}))
    return [merged(results)]


_PLACE: dict[str, Any] = {"x": lambda x: x[0]}
