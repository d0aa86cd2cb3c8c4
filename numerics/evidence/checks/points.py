"""One entry at many points, and a family of theorems at models with random numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.methods.compressors import Bernoulli, RandK
from sdescent.derive.methods.distributed import DCSGD, DSignSGD
from sdescent.derive.methods.noise import Affine, Gaussian, Scaled
from sdescent.derive.proof.language.terms import Relation, Term, dot, mat, matvec, opnorm, quad, trprod, vec, x
from sdescent.derive.theorems.catalogue import with_own
from sdescent.derive.theorems.entry import instances
from sdescent.derive.theorems.entry.instances import Meaning
from sdescent.derive.theorems.entry.theorem import Refutation
from sdescent.derive.vocabulary.symbols import N as clients_symbol
from sdescent.derive.vocabulary.symbols import eta as eta_symbol
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.evidence.checks.formulas import (
    Numbers,
    Verified,
    clients,
    conclusion,
    coordinates,
    obeyed,
    paths,
    symbols,
    theorem_of,
    verdict_of,
)
from sdescent.numerics.lowering.to_jax import lower_function


def at_points(
    id: str, numbers: Numbers, subject: str = "SDE", claim: Relation | None = None, route: str = "points", note: str = "",
    instance: dict[str, Any] | None = None, shared: bool = False, covered: bool = True, apart: str = "",
) -> Verified:  # fmt: skip
    """The verdict on an entry's claim at points. NoNumber if a part of it has no value.

    `numbers` are values of the atoms of the theorem `id` at the points (the last axis); definitions supply missing ones, and may
    fail (else ValueError) unless the theorem is about these numbers (`covered`). `claim` is judged instead of the entry's own; all
    points form one case if `shared`. The rest as in `Verified`; the note ends with `apart`.
    """
    theorem = theorem_of(id)
    numbers = numbers.defined(theorem.definitions)
    defined, open_ = numbers.held(theorem.definitions if covered else {})
    held, unknown = numbers.held(theorem.assumptions)
    wrong = [name for name, holds in defined.items() if not np.all(holds)]
    if wrong:
        raise ValueError(f"{id}: the points do not satisfy {', '.join(wrong)}")
    claim = conclusion(id) if claim is None else claim
    left, right = numbers.sides(claim)
    good = np.broadcast_to(np.all(obeyed(claim.op, left, right), axis=0), (numbers.size[-1],))
    if shared:
        held, good = {name: np.all(h, keepdims=True) for name, h in held.items()}, np.all(good, keepdims=True)
    everything = np.all([*held.values(), np.ones(len(good), bool)], axis=0)
    outside: dict[str, bool | None] = {}
    for name, holds in held.items():
        rest = np.all([*(h for other, h in held.items() if other != name), ~holds], axis=0)
        outside[name] = bool(np.any(~good[rest])) if np.any(rest) else None
    count = int(np.sum(everything))
    inside = everything if left.shape[1] == len(everything) else np.ones(left.shape[1], bool)
    says = claim.op not in ("==", "!=") and count > 0 and np.any(left)
    tightness = tightness_of(left[:, inside], right[:, inside]) if says else None
    failing = int(np.sum(~good[everything]))
    verdict = verdict_of(failing, count)
    note, unchecked = f"{note}: {apart}" if apart else note, (*open_, *unknown)
    return Verified(
        id, subject, route, verdict, tightness, instance or {}, count, failing, outside, unchecked, note, apart=apart
    )


def scaled(claim: Relation, scale: float) -> Relation:
    """The claim with its right side multiplied by `scale`. A scale below 1 plants an error."""
    return claim if scale == 1 else Relation((claim.op, claim.left, claim.right * Fraction(scale)))


def merged(results: Sequence[Verified]) -> Verified:
    """One result for several families of points: violated if one of them is. An assumption is needed if one family needs it."""
    first = results[0]
    verdicts = [one.verdict for one in results if one.count or one.verdict is Verdict.VIOLATED] or [first.verdict]
    ratios = [one.tightness for one in results if one.tightness is not None]
    return replace(
        first, outside=needed(results), count=sum(one.count for one in results), failing=sum(one.failing for one in results),
        tightness=min(ratios) if ratios else None,
        verdict=Verdict.VIOLATED if Verdict.VIOLATED in verdicts else verdicts[0],
        instance={"cases": len(results), "first": dict(first.instance)} if len(results) > 1 else first.instance,
    )  # fmt: skip


def needed(results: Sequence[Verified]) -> dict[str, bool | None]:
    """The combined `outside` of several results: for an assumption, one failure counts."""
    outside: dict[str, bool | None] = {}
    for one in results:
        for name, fails in one.outside.items():
            outside[name] = fails if outside.get(name) is None else bool(outside[name] or fails)
    return outside


def at_witness(id: str) -> Verified:
    """Evaluates a refuted claim at its witness in floats: VIOLATED if the assumptions hold there and the claim fails.

    `outside` says for each assumption of the repair whether the witness satisfies it; at least one of them must fail.
    """
    entry = with_own()[id]
    assert isinstance(entry, Refutation)
    witness = {name: float(value) for name, value in entry.witness.items()}
    numbers = Numbers(symbols(paths, **witness))
    assumed = all(bool(np.all(numbers.holds(r))) for r in entry.assume.values())
    holds = bool(np.all(numbers.holds(entry.claim)))
    verdict = verdict_of(assumed and not holds, assumed)
    mended: dict[str, bool | None] = {name: bool(np.all(numbers.holds(r))) for name, r in entry.mended.items()}
    left, right = numbers.sides(entry.claim)
    note = "the numbers refute the claim; `outside` says which assumptions of the repair they satisfy"
    tightness, failing = tightness_of(left, right), int(assumed and not holds)
    return Verified(id, "formula", "witness", verdict, tightness, witness, 1, failing, mended, (), note)


def tightness_of(left: np.ndarray, right: np.ndarray) -> float:
    """The least ratio bound/value: right/left if left > 0, left/right if both are negative, else infinity (1 is equality)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        both = np.where(left > 0, right / left, np.where(right < 0, left / right, np.inf))
    both = np.where((left > 0) & (right <= 0), 0.0, both)
    both = both[~np.isnan(both)]
    return float(np.min(both)) if both.size else float("inf")


Points = tuple[str, Numbers]


def log_uniform(rng: np.random.Generator, count: int, **ranges: tuple[float, float]) -> dict[str, np.ndarray]:
    """Draws from each range (low, high), uniform in the logarithm, with shape (count,)."""
    return {name: log_values(rng, *ends, count) for name, ends in ranges.items()}


def log_values(rng: np.random.Generator, low: float, high: float, count: int) -> np.ndarray:
    """Draws from one range, uniform in the logarithm, with shape (count,)."""
    return np.exp(rng.uniform(np.log(low), np.log(high), count))


def lowered(expressions: Mapping[Any, Any], at: Mapping[str, np.ndarray], count: int) -> dict[Any, np.ndarray]:
    """The values (count,) of each expression, given numbers for its symbols by name."""
    arrays = {}
    for key, expr in expressions.items():
        expr = sp.sympify(expr)
        symbols = sorted(expr.free_symbols, key=str)
        value = lower_function(expr, symbols)(*[jnp.asarray(at[s.name]) for s in symbols])  # pyright: ignore[reportAttributeAccessIssue]
        arrays[key] = np.broadcast_to(np.asarray(value, float), (count,))
    return arrays


def number_at(expression: Any, values: Mapping[str, float]) -> float:
    """The value of one expression, given one number for each of its symbols by name."""
    return float(lowered({0: expression}, {name: np.array([value]) for name, value in values.items()}, 1)[0][0])


def numbers_of(meaning: Meaning, at: Mapping[str, np.ndarray], count: int) -> Numbers:
    """A model of `sdescent.derive.theorems.entry.instances` with numbers for its symbols."""
    values: dict[Term, np.ndarray] = {}
    for t, meant in meaning.values.items():
        if isinstance(meant, tuple):
            rows = np.stack([lowered({0: e}, at, count)[0] for e in meant])
            values[t] = clients(rows) if t in meaning.clients else coordinates(rows)
        else:
            values[t] = paths(lowered({0: meant}, at, count)[0])
    y = sp.Symbol("y", real=True)
    functions = {name: function_of(f(y), "y") for name, f in meaning.functions.items()}
    return Numbers(values, functions, (meaning.count, meaning.coordinates, 1, count))


@lru_cache(maxsize=64)
def function_of(expr: sp.Expr, name: str) -> Any:
    """A function of one variable that takes arrays of any shape. It is compiled once per formula."""
    ready = jit(lower_function(expr, [sp.Symbol(name, real=True)]))
    return lambda a: np.asarray(ready(jnp.asarray(a)), float)


def _curvature(
    equation: CoordinateSDE, at: Mapping[str, np.ndarray], hessian: np.ndarray, g: np.ndarray, count: int
) -> dict[Term, np.ndarray]:
    """The values of ||H||, g'Hg and Tr(HS), with S from the engine's covariance eta/N S; `hessian` is (2, 2, count)."""
    parts = {(i, j): equation.covariance[i, j] * clients_symbol / eta_symbol for i in range(2) for j in range(2)}
    spread = lowered({k: sp.expand(e) for k, e in parts.items()}, at, count)
    trace = sum(hessian[i, j] * spread[j, i] for i in range(2) for j in range(2))
    size = np.max(np.abs(np.linalg.eigvalsh(np.moveaxis(hessian, 2, 0))), axis=1)
    form, H, v = paths(np.einsum("in,ijn,jn->n", g, hessian, g)), mat("H"), vec("g")
    return {opnorm(H): paths(size), trprod(H, mat("S")): paths(trace), quad(H, v): form, dot(v, matvec(H, v)): form}


def _constants(rng: np.random.Generator, size: np.ndarray, g: np.ndarray, one: bool = False) -> dict[Term, np.ndarray]:
    """Random constants, equal at all points with `one`: L0 and L1 near the least with ||H|| <= L0 + L1 G, steps of many sizes."""
    size, G, count = size.ravel(), np.sqrt(np.sum(g**2, axis=0)), size.size
    if one:
        size, G, count = np.max(size, keepdims=True), np.max(size) / np.max(size / G, keepdims=True), 1
    share = np.clip(rng.uniform(-0.5, 1.5, count), 0.01, 0.99)
    need = size * rng.choice([0.7, 1.0, 1.0, 1.5], count)
    draws = log_uniform(rng, count, eps=(0.01, 1.1), eta=(1e-4, 3), u=(0.05, 2))
    draws["u"] = draws["u"] * rng.choice([1, 1, 1, -1], count)
    draws |= log_uniform(rng, count, kap=(0.02, 4))
    draws |= {"L0": share * need, "L1": (1 - share) * need / np.maximum(G, 1e-300)}
    return symbols(paths, f=1, fstar=0, **draws)


def _hessians(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random symmetric 2 x 2 matrices (2, 2, count): arbitrary, positive semidefinite, or multiples of I, which maximise Tr(HS)."""
    a = rng.normal(size=(2, 2, count)) * np.exp(rng.uniform(-2, 2, count))
    kinds = [a + np.swapaxes(a, 0, 1), np.einsum("ijn,kjn->ikn", a, a), np.eye(2)[..., None] * np.abs(a[0, 0])]
    return np.choose(rng.integers(3, size=count), kinds)


@lru_cache
def _unbiased() -> list[tuple[str, CoordinateSDE, Meaning]]:
    """The models of `instances.unbiased` with their SDEs, which give the whole matrix S."""
    affine = Affine(("tau1", "tau2"), ("rho1", "rho2"))
    kinds = [(c, n) for c in (Bernoulli("p"), RandK(1)) for n in (Scaled(Gaussian(), instances.SCALES), affine)]
    names = [f"{type(c).__name__}, {type(n).__name__} noise, N = 2, d = 2" for c, n in kinds]
    models = [sde(DCSGD(c, n), "first-order", None, 2).expanded for c, n in kinds]
    return list(zip(names, models, instances.unbiased(), strict=True))


@lru_cache(maxsize=2)
def unbiased(count: int = 4000, seed: int = 0, one: bool = False) -> tuple[Points, ...]:
    """D(C)SGD, two clients in two coordinates: Bernoulli, Rand-1; scaled, affine noise. With `one`, all points have one state."""
    points: list[Points] = []
    for number, (name, equation, meaning) in enumerate(_unbiased()):
        rng, width = np.random.default_rng((seed, number)), 1 if one else count
        g, hessian = rng.normal(size=(2, count)) * np.exp(rng.uniform(-3, 3, count)), _hessians(rng, count)
        at = {"g1": g[0], "g2": g[1], "p": rng.uniform(0.1, 1, width), "eta": np.ones(1), "N": 2 + np.zeros(1)}
        at |= {s: np.exp(rng.uniform(-2, 1, width)) for s in [*instances.SCALES, "tau1", "tau2", "rho1", "rho2"]}
        extra = _curvature(equation, at, hessian, g, count)
        extra |= _constants(rng, extra[opnorm(mat("H"))], g, one)
        points.append((name, numbers_of(meaning, at, count).plus(extra)))
    return tuple(points)


@lru_cache(maxsize=2)
def signs(count: int = 2000, seed: int = 0) -> tuple[Points, ...]:
    """DSignSGD with two clients in two coordinates, for seven noise laws."""
    points: list[Points] = []
    for number, (meaning, law) in enumerate(zip(instances.signs(), instances.LAWS, strict=True)):
        rng = np.random.default_rng((seed, 10 + number))
        g, hessian = rng.normal(size=(2, count)) * np.exp(rng.uniform(-3, 3, count)), _hessians(rng, count)
        at = {f"g{i + 1}": g[i] for i in range(2)} | {"eta": np.ones(count), "N": 2 + np.zeros(count)}
        at |= {f"H{i + 1}_{j + 1}": hessian[i, j] for i, j in ((0, 0), (0, 1), (1, 1))}
        at |= {s: np.exp(rng.uniform(-2, 1.5, count)) for s in instances.SCALES}
        equation = sde(DSignSGD(Scaled(law, instances.SCALES)), "first-order", None, 2).expanded
        extra = _curvature(equation, at, hessian, g, count)
        extra |= _constants(rng, extra[opnorm(mat("H"))], g)
        smallest = np.minimum(at["sigma1"], at["sigma2"])
        extra[x("ratio")] = paths(np.max(np.abs(g), axis=0) / smallest * rng.choice([0.7, 1, 1.5], count))
        extra[x("M")] = paths(float(law.density(sp.S.Zero)))
        extra[x("r")] = paths(np.exp(rng.uniform(-6, 3, count)))  # the chord constant of 6.4-chord-zero
        points.append((f"{type(law).__name__} noise, N = 2, d = 2", numbers_of(meaning, at, count).plus(extra)))
    return tuple(points)


def generic(group: str, draws: Mapping[str, np.ndarray], count: int) -> Iterator[Points]:
    """A group of `sdescent.derive.theorems.entry.instances` with numbers for its symbols."""
    for meaning in instances.INSTANCES[group]():
        yield group, numbers_of(meaning, draws, count)
