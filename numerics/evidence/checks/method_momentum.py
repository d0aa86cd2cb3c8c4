"""Theorems about the heavy ball, compared with the method, over all outcomes of its steps, and with its SDE.

The messages are those of `method_steps`. The SDE's generator comes from the engine, for losses in two coordinates; on quadratics
its moment equations are solved.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import scipy.linalg
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.methods.losses import Quadratic, SeparableSum
from sdescent.derive.methods.losses import x as place
from sdescent.derive.methods.noise import Affine
from sdescent.derive.methods.optimisers.momentum import HeavyBall
from sdescent.derive.proof.language.terms import Term, dot, mat, norm, opnorm, tr, trprod, vec
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import eta as eta_symbol
from sdescent.derive.vocabulary.symbols import parameter
from sdescent.numerics.evidence.checks.formulas import Numbers, clients, paths, symbols, times
from sdescent.numerics.evidence.checks.method_steps import PLAIN, doubled_or_dropped, each_kind, sent, shape, with_step
from sdescent.numerics.evidence.checks.points import Points, log_uniform, lowered

g, m, ahead, gap = vec("g"), vec("m"), vec("gz"), vec("dg")


def one_step(theorem: Theorem, count: int = 600) -> Iterator[Points]:
    """The mean changes of f(z) and ||v||^2/2 in one step, over all outcomes, at random states (x, v) with d = 2."""
    return each_kind(theorem, PLAIN, partial(_case, count))


def _case(count: int, loss: str, compressor: str, N: int, seed: int) -> Numbers:
    rng = np.random.default_rng((631, seed))
    value, slope, _, _ = shape("plain", loss)
    draws = log_uniform(rng, count, a1=(0.2, 3), a2=(0.2, 3), eta=(1e-2, 2), theta=(0.1, 4), p=(0.2, 1))
    a = np.array([draws["a1"], np.where(rng.uniform(size=count) < 0.4, draws["a1"], draws["a2"])])
    beta, eta, theta = rng.choice([0, 1, 1, 1], count) * rng.uniform(0, 0.95, count), draws["eta"], draws["theta"]
    at = rng.normal(size=(2, count)) * np.exp(rng.uniform(-3, 1, count))
    gradient = a * slope(at)
    # the bound is tightest for v = -s g with the s that completes the square; other v occur too
    worst = (1 + theta) * eta * beta / ((1 - beta) * theta * (1 + beta))
    v = -worst * gradient * rng.choice([0, 0.5, 1, 1, 2], count)
    v = v + rng.choice([0, 0, 1], count) * rng.normal(size=(2, count))
    share = beta / (1 - beta)
    v = np.where(share * np.abs(v) < 50, v, 0.0)  # cosh overflows for larger arguments
    z = at + share * v
    means, values = sent(rng, gradient, compressor, N, draws["p"])
    change, memory = -np.sum(a * value(z), axis=0), -np.sum(v**2, axis=0) / 2
    for chance, message in means:
        new = beta * v - eta * message
        change = change + chance * np.sum(a * value(at + new + share * new), axis=0)
        memory = memory + chance * np.sum(new**2, axis=0) / 2
    at_z = a * slope(z)
    theta = theta * rng.choice([1, 1, 1, -1], count)
    values |= symbols(paths, L0=np.max(a, axis=0), eta=eta, beta=beta, theta=theta, Af=change, AQ=memory) | {
        norm(m): paths(np.sqrt(np.sum(v**2, axis=0))), norm(gap): paths(np.sqrt(np.sum((gradient - at_z) ** 2, axis=0))),
        dot(ahead, g): paths(np.sum(at_z * gradient, axis=0)), dot(gap, g): paths(np.sum((gradient - at_z) * gradient, axis=0)),
    }  # fmt: skip
    return Numbers(values, size=(N, 2, 1, count))


def enumerated(theorem: Theorem, count: int = 80) -> Iterator[tuple[dict[str, int], Numbers]]:
    """All paths of up to five steps from v = 0 with d = N = 1: Rademacher noise, messages doubled or dropped with equal chances."""
    for n in range(count):
        rng = np.random.default_rng((632, n))
        value, slope, _, _ = shape("plain", tuple(PLAIN)[n % 2])
        L, steps, beta = float(np.exp(rng.uniform(-1, 1))), int(rng.integers(1, 6)), float(rng.uniform(0, 0.9))
        eta, R = (float(np.exp(rng.uniform(*ends))) * s for ends, s in (((-4, -0.5), (1 - beta) / L), ((-3, 0), 1.0)))
        states = [(np.full(1, rng.normal()), np.zeros(1))]
        for _ in range(steps):
            at, v = states[-1]
            moves = [eta * keep * (L * slope(at) + sign * R) for sign in (1, -1) for keep in (0, 2)]
            new = np.concatenate([beta * v - move for move in moves])
            states.append((np.tile(at, 4) + new, new))
        # states are repeated for the outcomes of later steps, so that each path has its own column
        width = len(states[-1][0])
        at, v = (np.array([np.tile(one[part], width // len(one[part])) for one in states]) for part in (0, 1))
        z = at + beta / (1 - beta) * v
        gradient, at_z, memory = L * slope(at[:-1]), L * slope(z[:-1]), v**2 / 2
        theta = np.exp(rng.uniform(-2, 1))
        values = symbols(paths, eta=eta, beta=beta, theta=theta, L0=L, fstar=0, Q0=0, QK=memory[-1])
        values |= symbols(times, Q=memory[:-1]) | {
            norm(m): times(np.abs(v[:-1])), norm(gap): times(np.abs(gradient - at_z)),
            dot(ahead, g): times(at_z * gradient), dot(gap, g): times((gradient - at_z) * gradient),
        }  # fmt: skip
        numbers = doubled_or_dropped(np.abs(gradient), L * value(z), R).plus(values)
        yield {"case": n, "K": steps}, with_step(theorem, numbers, n, True)


def _assumed_noise(
    spread: np.ndarray, rng: np.random.Generator, numbers: dict[str, np.ndarray], count: int
) -> dict[Term, np.ndarray]:
    """Assumed constants for uncompressed messages with trace `spread`. At some points they understate the noise."""
    factor = rng.choice([0.5, 1, 1, 1, 1.3], count)
    none, s0, s1 = np.zeros((1, count)), (numbers["tau"] ** 2 * factor)[None], (numbers["rho"] ** 2)[None]
    values = symbols(clients, omega=none, s0=s0, s1=s1, v=spread[None], q=none)
    return values | symbols(paths, N=1) | {tr(mat("S")): paths(spread)}


def drifts(theorem: Theorem, model: Model, count: int = 800) -> Iterator[Points]:
    """The generator applied to f(z) and ||v||^2/2 at random states with d = 2, for one client with affine noise."""
    for seed, (name, loss) in enumerate(PLAIN.items()):
        scaled = SeparableSum(parameter("a") * loss.coordinate)
        equation = sde(HeavyBall(noise=Affine("tau", "rho"), clients=1), model, scaled, 2).expanded
        at, v = sp.Matrix(equation.state[:2]), sp.Matrix(equation.state[2:])
        z = [equation.state[n] + equation.state[n + 2] / parameter("mu") for n in range(2)]
        slopes, ends = ([sp.diff(scaled.coordinate, place).xreplace({place: e}) for e in where] for where in (at, z))
        bends = [sp.diff(scaled.coordinate, place, 2).xreplace({place: e}) for e in z]
        S = [equation.covariance[n + 2, n + 2] / sp.sqrt(eta_symbol) for n in range(2)]
        formulas = {
            "Af": generator(equation, scaled.value(z)), "AQ": generator(equation, v.dot(v) / 2),
            "S1": S[0], "S2": S[1], "H1": bends[0], "H2": bends[1],
            "g1": slopes[0], "g2": slopes[1], "z1": ends[0], "z2": ends[1],
        }  # fmt: skip
        rng = np.random.default_rng((633, seed))
        noise = {"tau": (0.05, 2), "rho": (0.05, 2)}
        numbers = log_uniform(rng, count, a=(0.2, 3), eta=(1e-3, 1), mu=(0.2, 3), **noise, theta=(0.1, 4))
        numbers |= {s.name: rng.normal(size=count) * np.exp(rng.uniform(-2, 1, count)) for s in equation.state}
        # v = -s g with the s that completes the square in the proof
        share, theta = rng.choice([0, 1, 1], count), numbers["theta"]
        slope = lowered({n: slopes[n] for n in range(2)}, numbers, count)
        for n in range(2):
            worst = -(1 + theta) / (2 * theta * numbers["mu"]) * slope[n]
            numbers[equation.state[n + 2].name] = np.where(share, worst, numbers[equation.state[n + 2].name])
        arrays = lowered(formulas, numbers, count)
        g_, z_, S_, H_ = (np.array([arrays[f"{letter}{n}"] for n in (1, 2)]) for letter in "gzSH")
        speed = np.array([numbers[s.name] for s in equation.state[2:]])
        values = _assumed_noise(S_[0] + S_[1], rng, numbers, count)
        values |= symbols(clients, m2=(np.sum(g_**2, axis=0) + S_[0] + S_[1])[None])
        values |= symbols(paths, d=2, L0=numbers["a"], **{name: numbers[name] for name in ("eta", "mu", "theta")})
        values |= symbols(paths, Af=arrays["Af"], AQ=arrays["AQ"]) | {
            norm(g): paths(np.sqrt(np.sum(g_**2, axis=0))), norm(m): paths(np.sqrt(np.sum(speed**2, axis=0))),
            norm(gap): paths(np.sqrt(np.sum((g_ - z_) ** 2, axis=0))), dot(ahead, g): paths(np.sum(g_ * z_, axis=0)),
            dot(gap, g): paths(np.sum((g_ - z_) * g_, axis=0)), dot(m, g): paths(-np.sum(speed * g_, axis=0)),
            opnorm(mat("H")): paths(np.max(np.abs(H_), axis=0)), trprod(mat("H"), mat("S")): paths(np.sum(H_ * S_, axis=0)),
        }  # fmt: skip
        yield name, with_step(theorem, Numbers(values, size=(1, 2, 1, count)), seed)


def along_quadratics(theorem: Theorem, model: Model, count: int = 200) -> Iterator[tuple[dict[str, float], Numbers]]:
    """The time average over [0, T] on h x^2/2 from v = 0, by integrated second moments of a model, one client, affine noise."""
    equation = sde(HeavyBall(noise=Affine("tau", "rho"), clients=1), model, Quadratic(("h",)), 1).expanded
    at, v = equation.state
    monomials = (at**2, at * v, v**2)
    rates = [sp.Poly(sp.expand(generator(equation, e)), at, v) for e in monomials]
    rng = np.random.default_rng(634)
    noise = {"tau": (0.05, 1), "rho": (0.05, 1)}
    draws = log_uniform(rng, count, h=(0.2, 3), eta=(1e-3, 1), mu=(0.3, 3), theta=(0.1, 4), T=(0.1, 50), **noise)
    coefficients = {(a, b): rates[a].coeff_monomial(e) for a in range(3) for b, e in enumerate((*monomials, sp.S.One))}
    matrices = lowered(coefficients, draws, count)
    start = rng.normal(size=count) * np.exp(rng.uniform(-1, 1, count))
    for n in range(count):
        number = {name: float(value[n]) for name, value in draws.items()}
        whole = np.zeros((5, 5))  # for the second moments, the integral of E x^2, and the constant 1
        for (a, b), value in matrices.items():
            whole[a, b if b < 3 else 4] = value[n]
        whole[3, 0] = 1
        T, h, mu = number["T"], number["h"], number["mu"]
        end = scipy.linalg.expm(whole * T) @ np.array([start[n] ** 2, 0, 0, 0, 1])
        square = h**2 * end[3] / T
        spread = np.array([number["tau"] ** 2 + number["rho"] ** 2 * square])
        values = _assumed_noise(spread, rng, {name: np.array([t]) for name, t in number.items()}, 1)
        values |= symbols(clients, m2=(square + spread)[None]) | {norm(g): times([np.sqrt(square)])}
        fT = h * (end[0] + 2 * end[1] / mu + end[2] / mu**2) / 2
        values |= symbols(paths, fstar=0, f0=h * start[n] ** 2 / 2, fT=fT, Q0=0, QK=end[2] / 2)
        values |= symbols(paths, d=1, L0=h, eta=number["eta"], mu=mu, theta=number["theta"], T=T)
        yield number, with_step(theorem, Numbers(values, size=(1, 1, 1, 1), weights=np.array([T])), n, True)
