"""What is measured at one point of a run: the noise of gradients, the curvature, the messages of a compressor, the signs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.measure.primitives import MOST_STORED, Population, Ritz, lanczos, messages
from sdescent.numerics.measure.tails import Tail, tail
from sdescent.numerics.statistics.estimates import Estimate, Record, mean

#: Lanczos: at least and at most so many products, and the relative residual at which it ends
LEAST_PRODUCTS, MOST_PRODUCTS, ACCURACY = 8, 24, 0.01
#: examples, or parameters, for which a matrix of this size gives the whole spectrum of C
MOST_GRAM = 2048
PROJECTIONS = 5
#: probes of Hutchinson's estimate of the squared Frobenius norm, and eigenvalues that are listed
PROBES, LISTED = 8, 10
#: a coordinate is counted as asymmetric, or its mean sign as decided, beyond so many standard errors
BEYOND = 4.0
#: the law of the noise is not symmetric if more than this share of coordinates is asymmetric
SHARE = 0.01
#: messages, and draws of the compressor for each
MESSAGES, COMPRESSIONS = 16, 16


@final
@dataclass(frozen=True)
class Layer(Record):
    """The share of one array of parameters in the trace of C."""

    name: str
    trace: float


@final
@dataclass(frozen=True)
class Signs(Record):
    """Signs and symmetry of a client's mini-batch gradient v over coordinates whose noise is not 0, from independent draws.

    Attributes:
        draws: the number of draws; live: the number of such coordinates.
        asymmetric: the share of coordinates in which v exceeds its mean in a share of draws that differs from 1/2 by more than
            `BEYOND` standard errors. If all were symmetric, this share would exceed `SHARE` with a probability of at most
            0.008 for 200 draws or more (the binomial law and Markov's inequality, whatever their dependence).
        symmetric: whether it is at most `SHARE`.
        wrong: the share of coordinates whose mean sign opposes the gradient's by more than `BEYOND` standard errors.
        alignment: sum_j g_j E sign(v_j)/||g||_1, 1 if every sign is right.
        ratio: the largest |g_j|/sigma_j, where sigma_j is the standard deviation of v_j.
        scales: the 10 % quantile, the median and the 90 % quantile of sigma_j.
    """

    draws: int
    live: int
    asymmetric: float
    symmetric: bool
    wrong: float
    alignment: float
    ratio: float
    scales: tuple[float, float, float]


@final
@dataclass(frozen=True)
class Point(Record, null=True):
    """The measurements at step `step`.

    Attributes:
        loss: f; gradient: G = ||g||, from which the noise of a subsample is subtracted, in squares.
        trace: tr C of one example, B times that of a batch of B; its interval is for a population from which the examples were
            drawn. `exact`: these are all examples, so that the value itself is exact for draws with replacement.
        eigenvalues: the largest ones of C, in decreasing order; with Lanczos those with a residual of at most 5 % of the largest.
            Those of a subsample are biased up.
        effective_rank: (tr C)^2/||C||_F^2.
        hessian: at most ||H||, with an eigenvalue of H within the share `hessian_accuracy` of it.
        client_spread: (1/N) sum_c ||m_c - g||^2/||g||^2 if clients have examples of their own, an overestimate if these are a
            subsample; client_traces: the trace of each client's C.
        compression: E||C(v) - v||^2/||v||^2 over draws of v; None without a compressor.
    """

    step: int
    loss: float
    gradient: float
    trace: Estimate
    exact: bool
    eigenvalues: tuple[float, ...]
    effective_rank: float
    layers: tuple[Layer, ...]
    hessian: float
    hessian_accuracy: float
    signs: Signs
    tail_examples: Tail | None
    tail_batches: Tail | None
    client_spread: float | None
    client_traces: tuple[float, ...]
    compression: Estimate | None


def measure(
    population: Population, curved: Population, x: Any, step: int, batch: int, compressor: Any, draws: int, seed: int
) -> Point:
    """The measurements at x, (d,): noise of the `population`, curvature of the examples `curved`, messages over B = `batch`."""
    rng = np.random.default_rng([seed, step])
    loss, g = population.value_and_gradient(x)
    means = population.group_means(x) if len(population.groups) > 1 else g[None]
    norms, squares, tail_examples, stored = _sums(population, x, means, rng)
    trace = mean(norms * population.weights * population.units)
    squared = squared_gradient(g, 0.0 if population.whole else trace.value, population.units)
    drawn = _drawn(population, x, g, means, squares / batch, stored, batch, compressor, draws, rng)
    signs, tail_batches, compression = drawn
    layers, at = [], 0
    for path, leaf in jax.tree_util.tree_leaves_with_path(population.model.params):
        layers.append(Layer(jax.tree_util.keystr(path) or "params", float(np.sum(squares[at : at + leaf.size]))))
        at += leaf.size
    values, squared_norm = _spectrum(population, x, means, stored, rng)
    rank = float(np.sum(population.weights * norms)) ** 2 / squared_norm if squared_norm > 0 else 0.0
    spread, traces = None, ()
    if len(means) > 1:
        spread = float(np.mean(np.sum((means - g) ** 2, axis=1))) / float(g @ g) if g.any() else None
        traces = tuple((np.bincount(population.group, norms) / np.bincount(population.group)).tolist())
    ritz = curvature(curved, x, rng)
    return Point(
        step, loss, float(np.sqrt(squared)), trace, population.whole, tuple(values.tolist()), rank, tuple(layers),
        ritz.norm, ritz.accuracy, signs, tail_examples, tail_batches, spread, traces, compression,
    )  # fmt: skip


def squared_gradient(g: np.ndarray, trace: float, units: int) -> float:
    """||g||^2 without a mean over `units` examples' noise of this trace: E||mean||^2 = ||g||^2 + trace/units; not below 0."""
    return max(float(g @ g) - trace / units, 0.0)


def _sums(
    population: Population, x: Any, means: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Tail | None, np.ndarray | None]:
    """Of y_i = g_i - m_c: ||y_i||^2 with Bessel's factor (m,), weighted sums of squares (d,), the tail, and all y_i if kept."""
    d, m = population.d, population.units
    sizes = np.bincount(population.group)
    bessel = np.ones(len(sizes)) if population.whole else sizes / np.maximum(sizes - 1, 1)
    factor = bessel[population.group]
    norms, squares, projected = np.zeros(m), np.zeros(d), np.zeros((m, PROJECTIONS))
    directions = rng.standard_normal((d, PROJECTIONS)).astype(population.x0.dtype)
    blocks = []
    for numbers, y in population.centred(x, means):
        square = factor[numbers, None] * np.square(y, dtype=np.float64)
        norms[numbers] = np.sum(square, axis=1)
        squares += population.weights[numbers] @ square
        projected[numbers] = y @ directions
        if population.stored:
            blocks.append(y)
    return norms, squares, tail(projected), np.concatenate(blocks) if blocks else None


def _spectrum(
    population: Population, x: Any, means: np.ndarray, stored: np.ndarray | None, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """The largest eigenvalues of C, and ||C||_F^2: from a Gram matrix, or from Lanczos and random probes."""
    if stored is not None and min(population.units, population.d) <= MOST_GRAM:
        scaled = stored * np.sqrt(population.weights).astype(stored.dtype)[:, None]
        gram = scaled @ scaled.T if population.units < population.d else scaled.T @ scaled  # the same eigenvalues but 0
        values = np.linalg.eigvalsh(gram.astype(np.float64))[::-1]
        return values[:LISTED], float(np.sum(values**2))
    product = lambda v: population.covariance_product(x, v, means)  # noqa: E731
    ritz = lanczos(product, rng.standard_normal(population.d), LEAST_PRODUCTS, MOST_PRODUCTS, ACCURACY)
    squared = float(np.mean([np.sum(product(z) ** 2) for z in rng.choice([-1.0, 1.0], (PROBES, population.d))]))
    return ritz.values[ritz.residuals <= 0.05 * ritz.norm][::-1][:LISTED], squared


def curvature(population: Population, x: Any, rng: np.random.Generator) -> Ritz:
    """Lanczos with H at x from a random vector, for its extreme eigenvalues."""
    start = rng.standard_normal(population.d)
    return lanczos(partial(population.hessian_product, x), start, LEAST_PRODUCTS, MOST_PRODUCTS, ACCURACY)


def client_gradients(
    population: Population, x: Any, means: np.ndarray, stored: np.ndarray | None, batch: int, draws: int,
    rng: np.random.Generator,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Draws of a client gradient over B examples with replacement, v, (b, d), and of its mean m_c, (b, d); clients take turns."""
    block = max(1, MOST_STORED // (8 * population.d))
    starts = np.concatenate([[0], np.cumsum([len(g) for g in population.groups])])
    for first in range(0, draws, block):
        numbers = np.arange(first, min(first + block, draws)) % len(population.groups)
        centre = means[numbers]
        picks = [starts[c] + rng.integers(0, len(population.groups[c]), batch) for c in numbers]
        if stored is not None:
            yield centre + np.stack([np.mean(stored[p], axis=0, dtype=np.float64) for p in picks]), centre
        else:
            yield np.stack([population.batch_gradient(x, p).astype(np.float64) for p in picks]), centre


def _drawn(
    population: Population, x: Any, g: np.ndarray, means: np.ndarray, sizes: np.ndarray, stored: np.ndarray | None,
    batch: int, compressor: Any, draws: int, rng: np.random.Generator,
) -> tuple[Signs, Tail | None, Estimate | None]:  # fmt: skip
    """What draws of a client's message show: signs, tails, the compressor's mean relative error; `sizes` are the variances of v."""
    above, sign = np.zeros(population.d), np.zeros(population.d)
    directions, projected, errors = rng.standard_normal((population.d, PROJECTIONS)), [], []
    for v, centre in client_gradients(population, x, means, stored, batch, draws, rng):
        above += np.sum(np.sign(v - centre), axis=0)
        sign += np.sum(np.sign(v), axis=0)
        projected.append((v - centre) @ directions)
        if compressor is not None:
            errors += [compression_error(compressor, m, rng) for m in v[: MESSAGES - len(errors)]]
    live = sizes > 1e-12 * float(np.max(sizes, initial=0.0))
    sigma, g_live, sign, error = np.sqrt(sizes[live]), g[live], sign[live] / draws, np.sqrt(1 / draws)
    asymmetric, wrong, ratio, quantiles = 0.0, 0.0, 0.0, (0.0, 0.0, 0.0)
    if live.any():
        asymmetric = float(np.mean(np.abs(above[live] / draws) > BEYOND * error))
        wrong = float(np.mean((np.abs(sign) > BEYOND * error) & (np.sign(sign) != np.sign(g_live))))
        ratio = float(np.max(np.abs(g_live) / sigma))
        quantiles = tuple(np.quantile(sigma, (0.1, 0.5, 0.9)).tolist())
    one_norm = float(np.sum(np.abs(g_live)))
    alignment = float(g_live @ sign) / one_norm if one_norm > 0 else 0.0
    signs = Signs(draws, int(live.sum()), asymmetric, asymmetric <= SHARE, wrong, alignment, ratio, quantiles)
    return signs, tail(np.concatenate(projected)), mean(errors) if errors else None


def compression_error(compressor: Any, v: np.ndarray, rng: np.random.Generator) -> float:
    """The mean of ||C(v) - v||^2/||v||^2 over `COMPRESSIONS` draws of C."""
    copies = jnp.repeat(jnp.asarray(v)[None], COMPRESSIONS, axis=0)
    errors = messages(compressor, jax.random.key(int(rng.integers(2**31))), copies) - copies
    return float(jnp.sum(errors**2) / jnp.sum(copies**2))
