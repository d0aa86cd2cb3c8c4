"""One step of D(C)SGD itself, over all outcomes, compared with theorems about the method and bounds for the SDE."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial, reduce
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.losses import Cosh, GluedExponential, Quartic, Separable, SeparableSum
from sdescent.derive.methods.losses import x as place
from sdescent.derive.methods.noise import Affine
from sdescent.derive.methods.schedules import Power
from sdescent.derive.proof.language.terms import Relation, Term, contains, dot, mat, norm, opnorm, tr, vec, x
from sdescent.derive.theorems.entry.instances import LAWS
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.unbiased import normalised
from sdescent.numerics.evidence.checks.facts import of_points
from sdescent.numerics.evidence.checks.formulas import (
    Function,
    Numbers,
    Verified,
    clients,
    conclusion,
    coordinates,
    noise_constants,
    paths,
    symbols,
    times,
)
from sdescent.numerics.evidence.checks.method_bounded import levels, steps_of
from sdescent.numerics.evidence.checks.moments import MomentMap
from sdescent.numerics.evidence.checks.points import Points, at_points, function_of, log_uniform, merged, scaled
from sdescent.numerics.simulate.method import run

#: probability (count,) and vector (2, count)
Outcome = tuple[np.ndarray, np.ndarray]
COMPRESSORS = ("none", "rand-1", "bernoulli")
#: losses with phi'' <= 1 (plain), and with phi'' <= l0 + l1 |phi'| (bent)
PLAIN: Mapping[str, Separable] = {
    "quadratic": SeparableSum(place**2 / 2),
    "log cosh": SeparableSum(sp.log(sp.cosh(place))),
}
BENT: Mapping[str, Separable] = {"cosh": Cosh(), "glued exponential": GluedExponential()}
#: the largest c, beyond which psi overflows
FARTHEST = 50.0
LOSSES = {"plain": PLAIN, "bounded": BENT}


@lru_cache
def shape(smooth: str, name: str) -> tuple[Function, Function, float, float]:
    """The functions phi and phi', and the constants l0, l1 of phi'' <= l0 + l1 |phi'|."""
    loss = LOSSES[smooth][name]
    y = sp.Symbol("y", real=True)
    value, slope = (function_of(sp.diff(loss.coordinate, place, n).xreplace({place: y}), "y") for n in (0, 1))
    if smooth == "plain":
        return value, slope, 1.0, 0.0
    constants = Cosh().smoothness(1)  # (1, 1), also valid for the glued exponential
    return value, slope, float(constants.l0), float(constants.l1)


def messages(g: np.ndarray, noise: np.ndarray, compressor: str, p: np.ndarray) -> list[Outcome]:
    """The outcomes of one client's message, for g (2, count) and the noise scale and the Bernoulli probability p, each (count,)."""
    outcomes: list[Outcome] = []
    for sign in (1.0, -1.0):
        sent, half = g + sign * noise, np.full(len(p), 0.5)
        if compressor == "rand-1":
            outcomes += [(half / 2, 2 * sent * np.eye(2)[i][:, None]) for i in range(2)]
        elif compressor == "bernoulli":
            outcomes += [(half * p, sent / p), (half * (1 - p), 0 * sent)]
        else:
            outcomes.append((half, sent))
    return outcomes


def ratio(compressor: str, p: np.ndarray) -> np.ndarray:
    """The ratio omega in E||C(v) - v||^2 = omega ||v||^2."""
    return {"none": 0 * p, "rand-1": 1 + 0 * p, "bernoulli": 1 / p - 1}[compressor]


def averages(sent: list[list[Outcome]]) -> list[Outcome]:
    """The means of the clients' messages over all combinations of outcomes."""
    return [
        (reduce(np.multiply, [share for share, _ in chosen]), sum((m for _, m in chosen), np.zeros(())) / len(chosen))
        for chosen in product(*sent)
    ]


def sent(
    rng: np.random.Generator, g: np.ndarray, compressor: str, N: int, p: np.ndarray
) -> tuple[list[Outcome], dict[Term, np.ndarray]]:
    """The outcomes of the mean of N messages, for g (2, count), and assumed constants, some of which are too small."""
    count, G = g.shape[1], np.sqrt(np.sum(g**2, axis=0))
    s0, s1 = (rng.choice([0, 1], (N, count)) * np.exp(rng.uniform(-3, 1, (N, count))) for _ in range(2))
    variance = s0 + s1 * G**2  # per coordinate
    means = averages([messages(g, np.sqrt(variance[k]), compressor, p) for k in range(N)])
    sigma = np.sum([share * np.sum(m**2, axis=0) for share, m in means], axis=0) - G**2
    omega, spread = ratio(compressor, p), 2 * variance
    noise, error = rng.choice([0.5, 1, 1, 1, 1.3], count), rng.choice([0.5, 1, 1, 1, 1.3], count)
    second, claimed_omega = G**2 + spread, np.stack([omega * error] * N)
    values = symbols(clients, omega=claimed_omega, s0=s0 * noise, s1=s1, v=spread, m2=second, q=omega * second)
    return means, values | symbols(paths, N=N, d=2) | {norm(vec("g")): paths(G), tr(mat("S")): paths(N * sigma)}


def _case(smooth: str, count: int, loss: str, compressor: str, N: int, seed: int) -> Numbers:
    """The values of one step from random states, with random constants."""
    rng = np.random.default_rng((621, seed))
    value, slope, l0, l1 = shape(smooth, loss)
    of_the_loss = {"a1": (0.2, 3), "a2": (0.2, 3), "b": (0.3, 2)}
    draws = log_uniform(rng, count, **of_the_loss, eta=(1e-2, 2), u=(0.1, 2), kap=(0.02, 4), p=(0.2, 1))
    a = np.array([draws["a1"], np.where(rng.uniform(size=count) < 0.4, draws["a1"], draws["a2"])])
    b, at = draws["b"], rng.normal(size=(2, count)) * np.exp(rng.uniform(-3, 1, count)) / draws["b"]
    means, values = sent(rng, a * b * slope(b * at), compressor, N, draws["p"])
    u = draws["u"] * rng.choice([1, 1, 1, -1], count)
    longest = np.max([np.sqrt(np.sum(m**2, axis=0)) for _, m in means], axis=0)
    reach = np.minimum(b * l1 * draws["eta"] * np.abs(u) * longest * rng.choice([0.8, 1, 1, 1.5], count), FARTHEST)
    L0 = np.max(a, axis=0) * b**2 * l0
    values |= symbols(paths, L0=L0, L1=b * l1, u=u, eta=draws["eta"], kap=draws["kap"], B=longest, c=reach)
    with np.errstate(over="ignore", invalid="ignore"):
        moved = [share * np.sum(a * value(b * (at - draws["eta"] * u * m)), axis=0) for share, m in means]
    change = np.sum(moved, axis=0) - np.sum(a * value(b * at), axis=0)
    return Numbers(values | {x("Af"): paths(change)}, size=(N, 2, 1, count))


def one_step(theorem: Theorem, smooth: str, count: int = 600) -> Iterator[Points]:
    """The mean change of f in a step, over all outcomes, for L-smooth ("plain") or (L0, L1)-smooth ("bounded") losses."""
    return each_kind(theorem, LOSSES[smooth], partial(_case, smooth, count))


def each_kind(
    theorem: Theorem, losses: Iterable[str], case: Callable[[str, str, int, int], Numbers]
) -> Iterator[Points]:
    """Calls `case` with each loss, compressor and number of clients, and the number of the call, which serves as a seed."""
    for seed, (loss, compressor, N) in enumerate(product(losses, COMPRESSORS, (1, 2))):
        yield f"{loss}, {compressor}, N = {N}", with_step(theorem, case(loss, compressor, N, seed), seed)


def with_step(theorem: Theorem, numbers: Numbers, seed: int, shared: bool = False) -> Numbers:
    """Draws eps so that the step condition holds with equality, holds strictly, or fails. With `shared`, eps is one constant."""
    numbers, step = numbers.defined(theorem.definitions), theorem.assumptions.get("step")
    if step is None or not contains(step, "eps"):
        return numbers
    left, unit = numbers.value(step.left), numbers.plus({x("eps"): paths(1.0)}).value(step.right)
    need = np.max(left, keepdims=True) if shared else left
    factor = np.random.default_rng((622, seed)).choice([0.1, 0.6, 1, 1, 1, 1.5], need.shape[-1])
    return numbers.plus({x("eps"): np.abs(need / unit) * factor})


def schedule(rng: np.random.Generator, steps: int, power: float | None = None) -> np.ndarray:
    """The schedule u_n = (1 + n)^-p, with a random p if `power` is None."""
    return (1.0 + np.arange(steps)) ** -(rng.choice([0.0, 0.5, 1.0]) if power is None else power)


def second_moments() -> MomentMap:
    """The moments E x_i x_j along DCSGD with Rand-1 and affine noise on h1 x1^2/2 + h2 x2^2/2."""
    return MomentMap(DCSGD(RandK(1), Affine()), "method", ("h1", "h2"))


def along_quadratics(
    theorem: Theorem, power: float | None, count: int = 120
) -> Iterator[tuple[dict[str, float], Numbers]]:
    """Runs of DCSGD with Rand-1, affine noise and two clients on h1 x1^2/2 + h2 x2^2/2, by the engine's map of second moments.

    Gradients occur only squared in these claims, so mean squares replace them. u_n = (1 + n)^-power, or random for None.
    """
    rng = np.random.default_rng(623)
    draws = log_uniform(rng, count, eta=(0.01, 1), h1=(0.3, 2), h2=(0.3, 2), sigma0=(0.1, 2), sigma1=(0.1, 0.7))
    draws["h2"] = np.where(rng.uniform(size=count) < 0.4, draws["h1"], draws["h2"])
    steps, start = rng.integers(1, 40, count), rng.normal(size=(2, count)) * np.exp(rng.uniform(-2, 1, count))
    schedules = [schedule(rng, k, power) for k in steps]
    which = np.repeat(np.arange(count), steps)
    at = {name: value[which] for name, value in draws.items()} | {"N": np.full(len(which), 2.0)}
    at["eta"] = at["eta"] * np.concatenate(schedules)
    maps = second_moments().at(at, len(which))
    for n, u in enumerate(schedules):
        settings = {name: float(v[n]) for name, v in draws.items()}
        second = [np.array([start[0, n] ** 2, start[0, n] * start[1, n], start[1, n] ** 2])]
        for matrix, force in zip(*(m[which == n] for m in maps), strict=True):
            second.append(second[-1] + matrix @ second[-1] + force)
        numbers = _run(settings, u, np.array(second)).plus({x("U2"): paths(np.sum(u**2) * rng.choice([0.7, 1, 1, 2]))})
        yield settings | {"K": float(len(u))}, with_step(theorem, numbers, n, True)


def _run(settings: Mapping[str, float], u: np.ndarray, second: np.ndarray) -> Numbers:
    """The values of one run, from (E x1^2, E x1 x2, E x2^2) before each step and at the end."""
    h = np.array([settings["h1"], settings["h2"]])
    distance = second[:, [0, 2]]
    loss, square, half = distance @ h / 2, (distance @ h**2)[:-1], np.sum(distance, axis=1) / 2
    s0, s1 = settings["sigma0"] ** 2, settings["sigma1"] ** 2
    spread = 2 * (s0 + s1 * square)
    error = square + spread  # since omega = 1
    values = symbols(paths, N=2, d=2, K=len(u), eta=settings["eta"], L0=np.max(h), mu=np.min(h), fstar=0)
    values |= symbols(paths, f0=loss[0], fT=loss[-1], V0=half[0], VK=half[-1])
    values |= symbols(clients, omega=[1.0] * 2, s0=[s0] * 2, s1=[s1] * 2)
    values |= symbols(times, u=u, t=np.arange(len(u)), f=loss[:-1], V=half[:-1], v=spread, m2=error, q=error) | {
        norm(vec("g")): times(np.sqrt(square)), norm(vec("e")): times(np.sqrt(2 * half[:-1])),
        dot(vec("e"), vec("g")): times(2 * loss[:-1]), tr(mat("S")): times(spread + error),
    }  # fmt: skip
    return Numbers(values, size=(2, 2, len(u), 1), weights=np.ones(len(u)))


def enumerated(theorem: Theorem, count: int = 60) -> Iterator[tuple[dict[str, int], Numbers]]:
    """All paths of up to five steps on a cosh(b x), d = N = 1: Rademacher noise, messages doubled or dropped with equal chances."""
    value, slope, _, _ = shape("bounded", "cosh")
    for n in range(count):
        rng = np.random.default_rng((625, n))
        a, b, R = np.exp(rng.uniform(-1, 1, 3)) * (1, 1, 0.5)
        steps, at = int(rng.integers(1, 6)), [np.full(1, rng.normal() / b)]
        u = schedule(rng, steps)
        first = 2 * (np.abs(a * b * slope(b * at[0])).item() + R)
        eta = float(np.exp(rng.uniform(-4, -0.7)) / b / first)
        for m in range(steps):
            gradient = a * b * slope(b * at[-1])
            sent = [keep * (gradient + sign * R) for sign in (1, -1) for keep in (0, 2)]
            at.append(np.concatenate([at[-1] - eta * u[m] * message for message in sent]))
        # states are repeated for the outcomes of later steps, so that each path has its own column
        places = np.array([np.tile(one, len(at[-1]) // len(one)) for one in at])
        loss, G = a * value(b * places), np.abs(a * b * slope(b * places[:-1]))
        longest = 2 * (G + R)
        kap, reach = np.exp(rng.uniform(-1, 1)), np.max(b * eta * u[:, None] * longest) * rng.choice([0.8, 1, 1, 1.5])
        constants = symbols(paths, eta=eta, L0=a * b**2, L1=b, kap=kap, c=reach, fstar=a * value(np.zeros(1)))
        numbers = doubled_or_dropped(G, loss, R).plus(constants | symbols(times, u=u, B=longest))
        yield {"case": n, "K": steps}, with_step(theorem, numbers, n, True)


def doubled_or_dropped(G: np.ndarray, loss: np.ndarray, R: float) -> Numbers:
    """The values of all paths of `enumerated`, with noise +-R, from G (K, paths) and the losses (K + 1, paths)."""
    second = G**2 + R**2
    values = symbols(paths, N=1, d=1, K=len(G), v=R**2, f0=loss[0, 0], fT=loss[-1])
    values |= symbols(times, f=loss[:-1], m2=second, q=second) | symbols(clients, omega=[1.0], s0=[R**2], s1=[0.0])
    values |= {norm(vec("g")): times(G), tr(mat("S")): times(second + R**2)}
    return Numbers(values, size=(1, 1, *G.shape), weights=np.ones(len(G)), mean=True)


def sums(theorem: Theorem) -> Iterator[Points]:
    """Sums over the steps 0, .., K - 1 for several K."""
    for steps in (0, 1, 2, 3, 5, 10, 31, 100, 1000, 10_000):
        n = np.arange(max(steps, 1))
        weights, values = np.ones(len(n)) if steps else np.zeros(1), symbols(times, t=n) | symbols(paths, K=steps)
        yield f"K = {steps}", Numbers(values, size=(1, 1, len(n), 1), weights=weights)


#: (E f(x_{n+1}) - f(x_n))/eta, and x_n
CHANGE, PLACE = x("change"), x("place")
NOTE = "one step of the method in place of the generator: a bound for the SDE may fail if higher orders of eta matter"


def _states(rng: np.random.Generator, count: int) -> tuple[np.ndarray, Numbers]:
    """Points x (2, count), and numbers with the loss and the constants at these points."""
    at = rng.normal(size=(2, count)) * np.exp(rng.uniform(-3, 1.2, count))
    smoothness, g = Cosh().smoothness(2), np.sinh(at)
    draws = log_uniform(rng, count, eta=(1e-3, 1), u=(0.1, 1), kap=(0.05, 4)) | {"eps": rng.uniform(0, 1, count)}
    values = symbols(paths, N=2, d=2, L0=smoothness.l0, L1=smoothness.l1, **draws) | symbols(coordinates, place=at, y=g)
    values |= symbols(clients, sigma=np.exp(rng.uniform(-1.5, 1.5, (2, count))))
    values[norm(vec("g"))] = paths(np.sqrt(np.sum(g**2, axis=0)))
    values[opnorm(mat("H"))] = paths(np.max(np.cosh(at), axis=0))
    return at, Numbers(values, size=(2, 2, 1, count))


def sign_step(number: int, count: int) -> Numbers:
    """One step of DSignSGD, with noise from law `number`."""
    law, rng = LAWS[number], np.random.default_rng((64, number))
    at, numbers = _states(rng, count)
    R = function_of(law.sign_mean(sp.Symbol("y", real=True)), "y")
    scales = numbers.values[x("sigma")].reshape(2, count)
    up = (1 + R(np.sinh(at)[None] / scales[:, None])) / 2  # (client, coordinate, count)
    step = numbers.values[x("eta")].ravel() * numbers.values[x("u")].ravel()
    outcomes = zip(levels(up), steps_of(2), strict=True)
    after = np.sum([chance * np.cosh(at - step * size) for chance, size in outcomes], axis=0)
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


def change_against_pathwise_bound(id: str, method: str, count: int = 1000) -> list[Verified]:
    """The change in a step of "signs", "rand-k" or "normalised rand-k", compared with a pathwise bound at random states."""
    claim = Relation(("<=", CHANGE, conclusion(id).right))
    with np.errstate(over="ignore", invalid="ignore"):  # for a huge step E cosh is infinite, above every bound
        if method == "signs":
            cases = [sign_step(n, count) for n in range(len(LAWS))]
        else:
            cases = [rand_k_step(method == "normalised rand-k", 4 * count)]
    instance = {"loss": "cosh", "d": 2, "clients": 2}
    return [merged([at_points(id, n, "method", claim, "enumeration", NOTE, instance, covered=False) for n in cases])]


def trajectory(id: str, scale: float = 1.0) -> list[Verified]:
    """Checks 6.9 by runs of gradient descent on the quartic to overflow, from a tenth above the threshold (`outside`: below)."""
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
