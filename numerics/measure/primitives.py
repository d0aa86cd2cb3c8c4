"""Gradients and products of a loss over data, in memory that is linear in the number of parameters and of one chunk of examples.

Parameters are one vector x of length d. With client c's examples i, weights w_i that sum to 1 (each client has the same total),
gradients g_i, and means m_c over a client:

    gradient g = sum_i w_i g_i,    H v = sum_i w_i Hess_i v,    C v = sum_i w_i (g_i - m_c) (g_i - m_c)' v.

C is the covariance of an example's gradient, averaged over clients: theory 1's Sigma of a client's message is C/B for batches of B
examples that are drawn with replacement. Lanczos' method takes such products for extreme eigenvalues and quadratic forms.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np
from jax.flatten_util import ravel_pytree

from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.compressors import compress
from sdescent.numerics.laws.counter import draws_from
from sdescent.numerics.measure.model import Model

#: examples in a block of a sum; the activations of one block are in memory at a time
CHUNK = 128
#: bytes of per-example gradients that are kept
MOST_STORED = 64 * 2**20
#: a step whose new direction is shorter than this share of the spectrum ends the method: the subspace is invariant
_INVARIANT = 1e-7


@final
class Population:
    """The examples that are measured, with compiled sums over them.

    `groups` are the numbers of the examples of each client, or of all together, (m_c,). `units` is their number m, `whole` whether
    they are all that the run draws from, each once; `weights` w and the `group` of each are (m,). `stored`: whether the m x d
    per-example gradients fit into `MOST_STORED` bytes.
    """

    def __init__(self, model: Model, groups: Sequence[np.ndarray]) -> None:
        self.model, self.groups = model, tuple(groups)
        self.x0, self.unravel = ravel_pytree(model.params)
        self._rows = rows = np.concatenate(list(groups))
        self.units, self.d, self.whole = len(rows), self.x0.size, len(rows) == model.examples
        self.group = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
        self.weights = np.concatenate([np.full(len(g), 1 / (len(g) * len(groups))) for g in groups])
        self.stored = self.units * self.d * self.x0.dtype.itemsize <= MOST_STORED
        self._chunk = max(1, min(self.units, CHUNK))
        blocks = -(-self.units // self._chunk)
        self._pad = blocks * self._chunk - self.units
        # the last block is filled up with the first example, whose copies have weight 0
        self._blocks = jnp.asarray(np.concatenate([rows, np.repeat(rows[:1], self._pad)]).reshape(blocks, self._chunk))
        self._data = jax.tree.map(jnp.asarray, model.data)
        programs = ("sum", "hessian", "covariance", "each", "batch")
        self._compiled = {name: jit(getattr(self, f"_{name}")) for name in programs}

    # --- sums over all examples

    def value_and_gradient(self, x: Any, weights: np.ndarray | None = None) -> tuple[float, np.ndarray]:
        """sum_i w_i l_i(x) and its gradient, (d,); `weights` replaces w."""
        value, gradient = self._compiled["sum"](self._data, x, self._padded(weights))
        return float(value), np.asarray(gradient, np.float64)

    def weighted_gradient(self, x: Any, weights: Any) -> jax.Array:
        """sum_i weights_i g_i(x) inside a compiled program; weights (m,)."""
        return self._sum(self._data, x, jnp.concatenate([weights, jnp.zeros(self._pad, weights.dtype)]))[1]

    def group_means(self, x: Any) -> np.ndarray:
        """m_c for each group, (groups, d)."""
        means = [np.where(self.group == c, self.weights * len(self.groups), 0.0) for c in range(len(self.groups))]
        return np.stack([self.value_and_gradient(x, w)[1] for w in means])

    def hessian_product(self, x: Any, v: Any) -> np.ndarray:
        """H v, (d,)."""
        return np.asarray(self._compiled["hessian"](self._data, x, jnp.asarray(v, x.dtype), self._padded(None)))

    def covariance_product(self, x: Any, v: np.ndarray, means: np.ndarray) -> np.ndarray:
        """C v, (d,), from the group means m_c; no per-example gradient is stored."""
        raw = self._compiled["covariance"](self._data, x, jnp.asarray(v, x.dtype), self._padded(None))
        return np.asarray(raw, np.float64) - means.T @ (means @ v) / len(means)

    # --- examples one by one

    def centred(self, x: Any, means: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Blocks of (numbers of examples (b,), their g_i - m_c (b, d)), in order."""
        for n, block in enumerate(self._blocks):
            numbers = np.arange(n * self._chunk, min((n + 1) * self._chunk, self.units))
            each = np.asarray(self._compiled["each"](self._data, x, block))[: len(numbers)]
            yield numbers, each - means[self.group[numbers]].astype(each.dtype)

    def batch_gradient(self, x: Any, chosen: np.ndarray) -> np.ndarray:
        """The gradient of the loss of these examples as one batch, (d,)."""
        return np.asarray(self._compiled["batch"](self._data, x, jnp.asarray(self._rows[chosen])))

    # --- programs

    def _padded(self, weights: np.ndarray | None) -> jax.Array:
        full = np.concatenate([self.weights if weights is None else weights, np.zeros(self._pad)])
        return jnp.asarray(full, self.x0.dtype)

    def _losses(self, data: Any, x: jax.Array, rows: jax.Array) -> jax.Array:
        """l_i(x), (b,): an example is a batch of one."""
        batch = jax.tree.map(lambda a: a[rows[:, None]], data)
        params = self.unravel(x)
        return jax.vmap(lambda one: self.model.loss(params, one))(batch)

    def _total(self, per_block: Callable[[jax.Array, jax.Array], Any], weights: jax.Array) -> Any:
        """The sum over blocks of a function of (rows, weights)."""
        parts = (self._blocks, weights.reshape(self._blocks.shape[:2]))
        shapes = jax.eval_shape(per_block, *jax.tree.map(lambda a: a[0], parts))
        zero = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
        return jax.lax.scan(lambda total, part: (jax.tree.map(jnp.add, total, per_block(*part)), None), zero, parts)[0]

    def _sum(self, data: Any, x: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        def part(rows: jax.Array, w: jax.Array) -> Any:
            return jax.value_and_grad(lambda y: jnp.vdot(w, self._losses(data, y, rows)))(x)

        return self._total(part, weights)

    def _hessian(self, data: Any, x: jax.Array, v: jax.Array, weights: jax.Array) -> jax.Array:
        return jax.jvp(lambda y: self._sum(data, y, weights)[1], (x,), (v,))[1]

    def _covariance(self, data: Any, x: jax.Array, v: jax.Array, weights: jax.Array) -> jax.Array:
        def part(rows: jax.Array, w: jax.Array) -> jax.Array:
            losses = lambda y: self._losses(data, y, rows)  # noqa: E731
            return jax.vjp(losses, x)[1](jax.jvp(losses, (x,), (v,))[1] * w)[0]

        return self._total(part, weights)

    def _each(self, data: Any, x: jax.Array, rows: jax.Array) -> jax.Array:
        """The gradients of examples, (b, d)."""
        return jax.vmap(lambda row: self._batch(data, x, row[None]))(rows)

    def _batch(self, data: Any, x: jax.Array, rows: jax.Array) -> jax.Array:
        batch = jax.tree.map(lambda a: a[rows], data)
        return jax.grad(lambda y: self.model.loss(self.unravel(y), batch))(x)


def chosen_groups(model: Model, most: int, seed: int) -> Sequence[np.ndarray]:
    """At most about `most` examples, the same share of each shard without replacement."""
    share = min(1.0, most / model.examples)
    if share == 1.0:
        return model.shards
    rng = np.random.default_rng(seed)
    return [np.sort(rng.choice(s, max(2, int(share * len(s))), replace=False)) for s in model.shards]


@partial(jit, static_argnums=0)
def messages(compressor: Any, key: jax.Array, v: jax.Array) -> jax.Array:
    """C(v) for independent messages, (messages, d)."""
    return compress(compressor, draws_from(key, len(v), dtype=v.dtype), v.T).T


# --- Lanczos


@final
@dataclass(frozen=True)
class Ritz:
    """Eigenvalues of a symmetric d x d matrix A in a Krylov subspace of k dimensions.

    `values`, (k,), increase, in the units of A, and lie within its spectrum. v' phi(A) v is about sum_i weights_i phi(values_i),
    with equality for polynomials phi of degree below 2k (Golub and Meurant 1994); the `weights` sum to ||v||^2. An eigenvalue of A
    lies within residuals_i of values_i (Parlett 1998, 4.5).
    """

    values: np.ndarray
    weights: np.ndarray
    residuals: np.ndarray

    @property
    def norm(self) -> float:
        """The largest |Ritz value|, which is at most the norm of A."""
        return float(np.max(np.abs(self.values)))

    @property
    def accuracy(self) -> float:
        """The residual of the largest |Ritz value| relative to it."""
        largest = int(np.argmax(np.abs(self.values)))
        return float(self.residuals[largest]) / self.norm if self.norm > 0 else 0.0


def lanczos(
    product: Callable[[np.ndarray], np.ndarray], v: np.ndarray, least: int, most: int = 0, accuracy: float = 0.0
) -> Ritz:
    """Lanczos' method with full reorthogonalisation, in memory O(d k), for `product`, w -> A w, from v != 0, (d,).

    It ends after `most` products, or after `least` when the largest |Ritz value| has a relative residual of at most `accuracy`.
    """
    length = float(np.linalg.norm(v))
    basis = [np.asarray(v, np.float64) / length]
    diagonal, beside = list[float](), list[float]()
    while True:
        w = np.asarray(product(basis[-1]), np.float64)
        diagonal.append(float(w @ basis[-1]))
        for _ in range(2):  # twice is enough (Parlett 1998, 6.9)
            w = w - sum((q @ w) * q for q in basis)
        beside.append(float(np.linalg.norm(w)))
        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
        ritz = Ritz(values, vectors[0] ** 2 * length**2, np.abs(beside[-1] * vectors[-1]))
        steps, scale = len(diagonal), max(ritz.norm, np.finfo(float).tiny)
        accurate = steps >= least and ritz.accuracy <= accuracy
        if accurate or beside[-1] <= _INVARIANT * scale or steps >= max(least, most) or steps >= len(w):
            return ritz
        basis.append(w / beside[-1])
