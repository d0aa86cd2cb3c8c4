"""Compare samplers of laws, noises and compressors with the moments that they state: the part of `sd.check` that draws.

The keys are fixed. A comparison passes within 5 standard errors, so a correct sampler fails about one comparison in two million.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.expressions.gradient_form import Expansion
from sdescent.derive.methods.checking.compressors_and_losses import given_at
from sdescent.derive.methods.checking.findings import EVERYTHING, Finding, NotEvaluated, function
from sdescent.derive.methods.checking.laws import given_with_a_run
from sdescent.derive.methods.compressors import Compressor
from sdescent.derive.methods.noise import Law, Noise
from sdescent.derive.methods.noise.law import ARGUMENT
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.compressors import compress
from sdescent.numerics.laws.counter import draws_from
from sdescent.numerics.laws.noises import sample_law, sample_noise

SEED, PATHS, ERRORS = 20250607, 100_000, 5.0
#: values count as equal up to this share of their size, the rounding of samplers in single precision
ROUNDING = 1e-6
#: the points at which signs of a law are compared
POINTS = np.array([-2.5, -0.6, 0.1, 0.9, 5.0])
#: messages and gradients by dimension
PLACES = {1: [0.7], 3: [1.3, -0.4, 0.25]}
_HEAVY = "the standard error of the variance needs a tail index above 4, and it is"
#: the paths that are drawn again by themselves
SOME = slice(100, 164)


def about_sampler(piece: Law | Noise | Compressor) -> list[Finding]:
    """Findings about the sampler of a piece without symbols, from its draws."""
    kind, sampler, tests = next(row for row in _KINDS if isinstance(piece, row[0]))
    if sampler.dispatch(type(piece)) is sampler.dispatch(object):
        lack = f"none is registered for the {kind.__name__.lower()} {type(piece).__name__}"
        return [Finding("sampler", "untested", lack)]
    try:
        return list(tests(piece))
    except (NoClosedForm, NotEvaluated, NotImplementedError, Refusal) as reason:
        return [Finding("sampler", "untested", str(reason))]
    except Exception as error:  # any error that the sampler raises is a finding
        return [Finding("sampler", "failed", f"it raises {type(error).__name__}: {error}")]


def _law(law: Law) -> Iterator[Finding]:
    first, z = _drawn(lambda draws, paths: sample_law(law, draws, (2, paths)))
    yield first
    mean = function(law.sign_mean(ARGUMENT), [ARGUMENT])(POINTS)
    signs = np.sign(POINTS[:, None] + z[0])
    yield _close("sampler: sign's mean", signs, mean, "E sign(x + Z)", np.sqrt(np.maximum(1 - mean**2, 0)))
    if law.tail == sp.oo or law.tail > 4:
        centre = float(sp.N(law.mean))
        stated = np.array([centre, float(sp.N(law.variance))])
        yield _close("sampler: moments", np.stack([z[0], (z[0] - centre) ** 2]), stated, "E Z and Var Z")
    else:
        yield Finding("sampler: moments", "untested", f"{_HEAVY} {law.tail}")
    between = np.stack([np.sign(z[0]) * np.sign(z[1]), np.sign(z[0]) * np.sign(np.roll(z[0], 1))])
    middle = np.mean(np.sign(z))
    yield _close("sampler: independence", between, np.full(2, middle**2), "signs of two rows, and of two paths")


def _noise(noise: Noise) -> Iterator[Finding]:
    if open_ := given_with_a_run(noise):
        yield Finding("sampler", "untested", open_)
        return
    if noise.law.degenerate:
        yield Finding("sampler", "untested", "there is no noise")
        return
    g = np.array(PLACES[3])
    expansion = Expansion(3, {"g": [sp.Float(x) for x in g]})
    signs = function(noise.law.sign_mean(ARGUMENT), [ARGUMENT])(POINTS)
    light = noise.law.tail == sp.oo or noise.law.tail > 4
    mean, variance = (float(sp.N(e)) for e in (noise.law.mean, noise.law.variance)) if light else (0.0, 0.0)
    for client, scale in enumerate(noise.scales):
        scales = np.array([float(sp.N(e)) for e in expansion.vector(scale)])

        def draw(draws: Any, paths: int, client: int = client) -> Any:
            return sample_noise(noise, draws, jnp.broadcast_to(g[:, None], (3, paths)), client=client)

        first, z = _drawn(draw)
        if client == 0:
            yield first
        if scales[0] > 0:
            rows = np.sign(POINTS[:, None] * scales[0] + z[0])
            yield _close(f"sampler: sign's mean of client {client + 1}", rows, signs, "E sign(s x + Z_1), s the scale")
        if not light:
            yield Finding("sampler: moments", "untested", f"{_HEAVY} {noise.law.tail}")
            continue
        stated = np.concatenate([scales * mean, scales**2 * variance])
        rows = np.concatenate([z, (z - (scales * mean)[:, None]) ** 2])
        yield _close(f"sampler: moments of client {client + 1}", rows, stated, "E Z_j and Var Z_j")


def _compressor(compressor: Compressor) -> Iterator[Finding]:
    tested = 0
    for dim, place in PLACES.items():
        try:
            compressor.check_dimension(dim)
        except BadInput:
            continue
        tested += 1
        v = np.array(place)
        mean, covariance = given_at(compressor.conditional_moments(sp.Integer(dim)), dim)(v[:, None])
        b, s = mean[..., 0], covariance[0]

        def draw(draws: Any, paths: int, v: np.ndarray = v) -> Any:
            return compress(compressor, draws, jnp.broadcast_to(v[:, None], (len(v), paths)))

        first, c = _drawn(draw)
        if tested == 1:
            yield first
        i, j = np.triu_indices(dim)
        yield _close(f"sampler: mean, d = {dim}", c, b, f"E C(v) at v = {place}")
        centred, size = c - b[:, None], ROUNDING * np.maximum(np.abs(c).max(axis=1), np.abs(b))
        what, products, rounding = f"sampler: covariance, d = {dim}", centred[i] * centred[j], size[i] * size[j]
        yield _close(what, products, s[i, j], f"Cov C(v) at v = {place}", rounding=rounding)
    if not tested:
        yield Finding(EVERYTHING, "untested", f"it exists in none of the dimensions {tuple(PLACES)}")


def _drawn(sample: Callable[[Any, int], Any]) -> tuple[Finding, np.ndarray]:
    """The finding on whether draws are finite and do not depend on the paths drawn beside them, and the draws."""
    key, count = jax.random.key(SEED), SOME.stop - SOME.start
    every = np.asarray(jit(lambda: sample(draws_from(key, PATHS), PATHS))(), float)
    some = np.asarray(jit(lambda: sample(draws_from(key, count, SOME.start), count))(), float)
    what = "sampler: paths"
    if not np.all(np.isfinite(every)):
        finding = Finding(what, "failed", f"{np.sum(~np.isfinite(every))} draws are not finite numbers")
    elif not np.allclose(every[..., SOME], some, rtol=ROUNDING, atol=0):
        finding = Finding(what, "failed", "the draws of a path depend on which paths are drawn beside it")
    else:
        finding = Finding(what, "passed", f"the draws of {count} paths are the same among {PATHS} and by themselves")
    return finding, every


def _close(
    what: str, draws: np.ndarray, stated: np.ndarray, held: str, spread: np.ndarray | None = None,
    rounding: np.ndarray | float = 0.0,
) -> Finding:  # fmt: skip
    """Compare the means of rows of draws (rows, paths) with the stated ones, as the finding `what`, in words `held`.

    The standard deviations are estimated unless known (`spread`); draws that are differences hide their `rounding`.
    """
    mean, error = draws.mean(axis=1), (draws.std(axis=1) if spread is None else spread) / np.sqrt(draws.shape[1])
    gap = np.abs(mean - stated)
    slack = ERRORS * error + ROUNDING * (np.abs(stated) + np.abs(draws).max(axis=1)) + rounding
    wrong = ~(gap <= slack)
    if not wrong.any():
        comparison = f"{len(stated)} comparisons within {ERRORS:g} standard errors of {PATHS} draws"
        return Finding(what, "passed", f"{held}: {comparison}")
    n = int(np.argmax(np.where(wrong, np.where(np.isnan(gap), np.inf, gap - slack), -1.0)))
    comparison = f"the mean of {PATHS} draws is {mean[n]:.6g} +- {error[n]:.2g} (one standard error), and {stated[n]:.6g} is stated"
    return Finding(what, "failed", f"{held}, number {n + 1}: {comparison}")


_KINDS: tuple[tuple[type, Any, Callable[[Any], Iterator[Finding]]], ...] = (
    (Law, sample_law, _law),
    (Noise, sample_noise, _noise),
    (Compressor, compress, _compressor),
)
