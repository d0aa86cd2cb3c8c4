"""Theorems on the heavy ball itself against all outcomes of its steps, with the messages of `method_steps`."""

from __future__ import annotations

import numpy as np

from derive.proof.language.terms import Relation, Term, dot, mat, norm, tr, vec, x
from numerics.evidence.checks.formulas import Numbers, clients, paths, times
from numerics.evidence.checks.method_steps import COMPRESSORS, PLAIN, judged, sent, shape, with_step
from numerics.evidence.checks.moments import log_uniform
from numerics.evidence.checks.points import merged
from numerics.evidence.checks.result import Verified

g, m, ahead, gap = vec("g"), vec("m"), vec("gz"), vec("dg")


def one_step(id: str, claim: Relation | None = None, count: int = 600) -> list[Verified]:
    """The change of f(z) and of ||v||^2/2 in a step, from all of its outcomes, at random states (x, v), d = 2.

    Args:
        claim: judged in place of the entry's own.
    """
    kinds = [(loss, compressor, N) for loss in PLAIN for compressor in COMPRESSORS for N in (1, 2)]
    found = []
    for seed, kind in enumerate(kinds):
        case = f"{kind[0]}, {kind[1]}, N = {kind[2]}"
        found.append(judged(id, with_step(id, _case(*kind, count, seed), seed), claim, {"case": case}))
    return [merged(found)]


def _case(loss: str, compressor: str, N: int, count: int, seed: int) -> Numbers:
    rng = np.random.default_rng((631, seed))
    value, slope, _, _ = shape("plain", loss)
    draws = log_uniform(rng, count, a1=(0.2, 3), a2=(0.2, 3), eta=(1e-2, 2), theta=(0.1, 4), p=(0.2, 1))
    a = np.array([draws["a1"], np.where(rng.uniform(size=count) < 0.4, draws["a1"], draws["a2"])])
    beta, eta, theta = rng.choice([0, 1, 1, 1], count) * rng.uniform(0, 0.95, count), draws["eta"], draws["theta"]
    at = rng.normal(size=(2, count)) * np.exp(rng.uniform(-3, 1, count))
    gradient = a * slope(at)
    # v along the gradient is what the bound is worst at: v = -s g for the s that completes its square, and others
    worst = (1 + theta) * eta * beta / ((1 - beta) * theta * (1 + beta))
    v = -worst * gradient * rng.choice([0, 0.5, 1, 1, 2], count) + rng.choice([0, 0, 1], count) * rng.normal(size=(2, count))
    share = beta / (1 - beta)
    v = np.where(share * np.abs(v) < 50, v, 0.0)  # cosh of what is larger overflows
    z = at + share * v
    means, values = sent(rng, gradient, compressor, N, draws["p"])
    change, memory = -np.sum(a * value(z), axis=0), -np.sum(v**2, axis=0) / 2
    for chance, message in means:
        new = beta * v - eta * message
        change = change + chance * np.sum(a * value(at + new + share * new), axis=0)
        memory = memory + chance * np.sum(new**2, axis=0) / 2
    at_z = a * slope(z)
    values |= {
        x("L0"): paths(np.max(a, axis=0)), x("eta"): paths(eta), x("beta"): paths(beta),
        x("theta"): paths(theta * rng.choice([1, 1, 1, -1], count)), x("Af"): paths(change), x("AQ"): paths(memory),
        norm(m): paths(np.sqrt(np.sum(v**2, axis=0))), norm(gap): paths(np.sqrt(np.sum((gradient - at_z) ** 2, axis=0))),
        dot(ahead, g): paths(np.sum(at_z * gradient, axis=0)), dot(gap, g): paths(np.sum((gradient - at_z) * gradient, axis=0)),
    }  # fmt: skip
    return Numbers(values, size=(N, 2, 1, count))


def enumerated(id: str, claim: Relation | None = None, count: int = 80) -> list[Verified]:
    """All paths of up to five steps, d = N = 1: Rademacher noise, half of the messages sent doubled; from v = 0.

    Args:
        claim: judged in place of the entry's own.
    """
    found = []
    for n in range(count):
        rng = np.random.default_rng((632, n))
        value, slope, _, _ = shape("plain", tuple(PLAIN)[n % 2])
        L, steps, beta = float(np.exp(rng.uniform(-1, 1))), int(rng.integers(1, 6)), float(rng.uniform(0, 0.9))
        eta, R = (float(np.exp(rng.uniform(*ends))) * s for ends, s in (((-4, -0.5), (1 - beta) / L), ((-3, 0), 1.0)))
        states = [(np.full(1, rng.normal()), np.zeros(1))]
        for _ in range(steps):
            at, v = states[-1]
            new = np.concatenate([beta * v - eta * keep * (L * slope(at) + sign * R) for sign in (1, -1) for keep in (0, 2)])
            states.append((np.tile(at, 4) + new, new))
        # every path beside its end: a step's states are repeated for the outcomes of later steps
        width = len(states[-1][0])
        at, v = (np.array([np.tile(one[part], width // len(one[part])) for one in states]) for part in (0, 1))
        z = at + beta / (1 - beta) * v
        own, at_z, loss, memory = L * slope(at[:-1]), L * slope(z[:-1]), L * value(z), v**2 / 2
        second = own**2 + R**2
        numbers = {"N": 1.0, "d": 1.0, "K": steps, "eta": eta, "beta": beta, "L0": L, "Q0": 0.0, "fstar": 0.0, "f0": loss[0, 0]}
        known: dict[Term, np.ndarray] = {
            **{x(name): paths(t) for name, t in numbers.items()},
            x("theta"): paths(np.exp(rng.uniform(-2, 1))), x("f"): times(loss[:-1]),
            x("fT"): paths(loss[-1]), x("Q"): times(memory[:-1]), x("QK"): paths(memory[-1]), norm(g): times(np.abs(own)),
            norm(m): times(np.abs(v[:-1])), norm(gap): times(np.abs(own - at_z)), dot(ahead, g): times(at_z * own),
            dot(gap, g): times((own - at_z) * own), x("omega"): clients([1.0]), x("s0"): clients([R**2]), x("s1"): clients([0.0]),
            x("v"): paths(R**2), x("m2"): times(second), x("q"): times(second), tr(mat("S")): times(second + R**2),
        }  # fmt: skip
        whole = Numbers(known, size=(1, 1, steps, width), weights=np.ones(steps), mean=True)
        found.append(judged(id, with_step(id, whole, n, True), claim, {"case": n, "K": steps}, shared=True))
    return [merged(found)]
