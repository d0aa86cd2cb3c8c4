"""The real mini-batch methods: DSGD, DCSGD with Rand-k, DSignSGD, with N clients and many independent replicas.

    x_{n+1} = x_n - eta (1/N) sum_i C(v_i),    v_i = (1/B) sum_{b in batch i} grad l_b(x_n).

C is the identity, Rand-k (k of d coordinates, uniform without replacement, scaled by d/k), or the sign. Layout: (d, R),
coordinates x replicas. Replica r of client i draws from the streams (seed, purpose, i, r, n), so a run can be enlarged without
changing its draws. A replica with a coordinate beyond `BLOW_UP_NORM` is frozen and counted, and its loss is inf from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.tasks.data import ClientData, Purpose, require, require_integer, step_numbers, stream_keys
from sdescent.numerics.tasks.losses_over_data import LinearModel

#: a replica blows up if max_j |x_j| exceeds this or is not finite
BLOW_UP_NORM = 1e6


@final
@dataclass(frozen=True)
class MiniBatchDSGD:
    """DSGD, which sends C(v) = v."""

    def message(self, keys: jax.Array, v: jax.Array) -> jax.Array:
        return v


@final
@dataclass(frozen=True)
class MiniBatchDCSGD:
    """DCSGD with Rand-k: C(v)_j = (d/k) v_j for k coordinates drawn uniformly without replacement, 0 elsewhere.

    Raises:
        BadInput: k is not an integer >= 1, or, in a run, k > d.
    """

    k: int

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise BadInput("rand-k:k", self.k, "an integer >= 1")

    def message(self, keys: jax.Array, v: jax.Array) -> jax.Array:
        d = v.shape[0]
        if self.k > d:
            raise BadInput("rand-k:k", self.k, f"an integer from 1 to d = {d}")
        bits = jax.vmap(lambda key: jax.random.bits(key, (d,), dtype=jnp.uint64), out_axes=1)(keys)
        # The coordinate's index in the low bits makes all d values distinct, so exactly k of them are at most the k-th smallest.
        width = jnp.uint64(max(1, (d - 1).bit_length()))
        ranks = ((bits >> width) << width) | jnp.arange(d, dtype=jnp.uint64)[:, None]
        chosen = ranks <= jnp.sort(ranks, axis=0)[self.k - 1]
        return jnp.where(chosen, v * (d / self.k), 0.0)


@final
@dataclass(frozen=True)
class MiniBatchDSignSGD:
    """DSignSGD, which sends C(v)_j = sign v_j (0 if v_j = 0)."""

    def message(self, keys: jax.Array, v: jax.Array) -> jax.Array:
        return jnp.sign(v)


#: the messages that clients send: `message` is C(v) for a mini-batch gradient v (d, R), with one key per replica (R,)
MiniBatchMethod = MiniBatchDSGD | MiniBatchDCSGD | MiniBatchDSignSGD


@dataclass(frozen=True)
class MiniBatchRun:
    """Replicas of one real mini-batch method.

    Attributes:
        times: t = n eta at the saved steps n, shape (S,).
        loss: f(x_n), shape (S, R); inf from the blow-up on.
        final: the last points, shape (d, R); a blown-up replica keeps its last point within the limit.
        blow_up_step: the step at which each replica blew up, or -1, shape (R,).
    """

    times: np.ndarray
    loss: np.ndarray
    final: np.ndarray
    blow_up_step: np.ndarray

    @property
    def blow_ups(self) -> int:
        """The number of replicas that blew up by the last step."""
        return int(np.sum(self.blow_up_step >= 0))


def run_minibatch(
    problem: LinearModel, method: MiniBatchMethod, data: ClientData, start: np.ndarray, eta: float, save_steps: Sequence[int],
    replicas: int, seed: int = 0,
) -> MiniBatchRun:  # fmt: skip
    """Run R independent replicas of a mini-batch method and keep the loss at the saved steps.

    Memory is O(d R + S R); no path is stored.

    Args:
        problem: the loss.
        method: the method, which determines the clients' messages.
        data: the clients' samples and batch size (batch None: deterministic client gradients).
        start: x_0, shape (d,).
        eta: step size > 0; time is t = n eta.
        save_steps: increasing step numbers >= 0; the run ends at the last one.
        replicas: R >= 1.
        seed: the seed of all streams.

    Raises:
        BadInput: an argument is outside its range.
    """
    steps = _check(problem, data, start, eta, save_steps, replicas)
    require_integer("seed", seed, 0, 2**63 - 1)
    x0 = np.repeat(np.asarray(start, dtype=np.float64)[:, None], replicas, axis=1)
    simulated = _simulate(problem, data, seed, np.arange(replicas), x0, float(eta), steps, method)
    loss, final, blow_up = (np.asarray(a) for a in simulated)
    return MiniBatchRun(steps * float(eta), loss, final, blow_up)


@partial(jit, static_argnames=("method",))
def _simulate(problem, data, seed, paths, x0, eta, steps, method):
    numbers = jnp.arange(data.clients)
    keys = tuple(stream_keys(seed, int(use), numbers, paths) for use in (Purpose.BATCH, Purpose.COMPRESSOR))

    def client_sum(x: jax.Array, n: jax.Array) -> jax.Array:
        at_step = jax.vmap(jax.random.fold_in, in_axes=(0, None))

        def add(total: jax.Array, item: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            client, batch_keys, compressor_keys = item
            if data.batch is None:
                v = problem.weighted_gradient(x, data.weights(client))
            else:
                chosen = jax.vmap(data.draw, in_axes=(0, None), out_axes=1)(at_step(batch_keys, n), client)
                v = problem.batch_gradient(x, chosen)
            return total + method.message(at_step(compressor_keys, n), v), None

        return jax.lax.scan(add, jnp.zeros_like(x), (numbers, *keys))[0]

    def step(n: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, blow_up = state
        moved = x - eta / data.clients * client_sum(x, n)
        inside = jnp.all(jnp.abs(moved) <= BLOW_UP_NORM, axis=0)  # false for NaN
        blow_up = jnp.where((blow_up < 0) & ~inside, n + 1, blow_up)
        return jnp.where(blow_up < 0, moved, x), blow_up

    def segment(state, bounds):
        x, blow_up = jax.lax.fori_loop(bounds[0], bounds[1], step, state)
        return (x, blow_up), jnp.where(blow_up < 0, problem.loss(x), jnp.inf)

    begin = (x0, jnp.full(x0.shape[1], -1, dtype=steps.dtype))
    bounds = jnp.stack([jnp.concatenate([jnp.zeros(1, steps.dtype), steps[:-1]]), steps], axis=1)
    (x, blow_up), loss = jax.lax.scan(segment, begin, bounds)
    return loss, x, blow_up


def _check(problem, data, start, eta, save_steps, replicas) -> np.ndarray:
    if np.shape(start) != (problem.dim,) or not bool(np.all(np.isfinite(start))):
        raise BadInput("start", np.shape(start), f"{problem.dim} finite numbers")
    if data.order.shape[0] != problem.samples:
        raise BadInput("clients' samples", data.order.shape[0], f"the problem's {problem.samples} samples")
    require("eta", eta, eta > 0, "a finite number > 0")
    require_integer("replicas", replicas, 1, 10**7)
    return step_numbers("save_steps", save_steps)
