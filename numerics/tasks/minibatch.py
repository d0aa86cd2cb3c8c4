"""The real mini-batch methods: DSGD, DCSGD with Rand-k, DSignSGD, with N clients and many independent replicas.

    x_{n+1} = x_n - eta u(n eta) (1/N) sum_i C(v_i),    v_i = (1/B) sum_{b in batch i} grad l_b(x_n),

C the identity, Rand-k (k of d coordinates, uniform without replacement, scaled by d/k), or the sign. Layout: (d, R),
coordinates x replicas. Replica r of client i draws from the streams (seed, purpose, i, r, n), so that runs can be cut
into chunks of replicas, and enlarged, without a draw changing. A replica that leaves the ball of `blow_up_norm` is
frozen and counted, and its loss from then on is inf: it enters quantiles as the worst value, and does not enter means.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from derive.vocabulary.errors import BadInput
from numerics.backend.compiler import jit
from numerics.backend.double import jax, jnp
from numerics.statistics.record import Record
from numerics.tasks.clients import ClientData, Purpose, check_seed, traced_keys
from numerics.tasks.linear_models import LinearModel

Schedule = Callable[[jax.Array], jax.Array]
Statistic = Callable[[LinearModel, jax.Array], jax.Array]


class MiniBatchMethod(ABC):
    """What a client sends for its mini-batch gradient. Instances are hashable (frozen dataclasses)."""

    name: str

    @abstractmethod
    def message(self, keys: jax.Array, v: jax.Array) -> jax.Array:
        """C(v) for v of shape (d, R), with one key per replica, shape (R,)."""


@final
@dataclass(frozen=True)
class MiniBatchDSGD(MiniBatchMethod):
    """C(v) = v."""

    name: str = "DSGD"

    def message(self, keys: jax.Array, v: jax.Array) -> jax.Array:
        return v


@final
@dataclass(frozen=True)
class MiniBatchDCSGD(MiniBatchMethod):
    """Rand-k: C(v)_j = (d/k) v_j for k coordinates drawn uniformly without replacement, 0 elsewhere.

    Raises:
        BadInput: k is not an integer >= 1; when run, k > d.
    """

    k: int
    name: str = "DCSGD, Rand-k"

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise BadInput("rand-k:k", self.k, "an integer >= 1")

    def message(self, keys: jax.Array, v: jax.Array) -> jax.Array:
        d = v.shape[0]
        if self.k > d:
            raise BadInput("rand-k:k", self.k, f"an integer from 1 to d = {d}")
        bits = jax.vmap(lambda key: jax.random.bits(key, (d,), dtype=jnp.uint64), out_axes=1)(keys)
        # The coordinate's number in the low bits makes all d values distinct, so exactly k fall at or below the k-th.
        width = jnp.uint64(max(1, (d - 1).bit_length()))
        ranks = ((bits >> width) << width) | jnp.arange(d, dtype=jnp.uint64)[:, None]
        kept = ranks <= jnp.sort(ranks, axis=0)[self.k - 1]
        return jnp.where(kept, v * (d / self.k), 0.0)


@final
@dataclass(frozen=True)
class MiniBatchDSignSGD(MiniBatchMethod):
    """C(v)_j = sign v_j (0 where v_j = 0)."""

    name: str = "DSignSGD"

    def message(self, keys: jax.Array, v: jax.Array) -> jax.Array:
        return jnp.sign(v)


def constant_schedule(t: jax.Array) -> jax.Array:
    """u(t) = 1."""
    return jnp.ones_like(t)


@dataclass(frozen=True)
class LossSummary(Record):
    """Statistics over replicas at each of S save times.

    Attributes:
        times: t = n eta, shape (S,).
        replicas: R; survivors: replicas not blown up, shape (S,).
        mean, error: over survivors, and its standard error, shape (S,); both inf where fewer than 2 survive.
        low, median, high: 10%, 50%, 90% order statistics over all replicas, blown-up ones counted as inf, shape (S,).
    """

    times: np.ndarray
    replicas: int
    survivors: np.ndarray
    mean: np.ndarray
    error: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class MiniBatchRun(Record):
    """Replicas of one real mini-batch method.

    Attributes:
        method: name; settings: eta, clients, batch, who draws from what, seed, first replica, blow-up radius.
        steps: saved step numbers n, shape (S,); times: t = n eta, shape (S,).
        loss: f(x_n), shape (S, R); inf from the blow-up on.
        statistics: further statistics by name, each (S, R); inf from the blow-up on.
        final: last points, shape (d, R); a blown-up replica keeps its last point inside the ball.
        blow_up_step: step at which each replica left the ball, -1 for those that did not, shape (R,).
    """

    method: str
    settings: dict[str, object]
    steps: np.ndarray
    times: np.ndarray
    loss: np.ndarray
    statistics: dict[str, np.ndarray]
    final: np.ndarray
    blow_up_step: np.ndarray

    @property
    def blow_ups(self) -> int:
        """Number of replicas that blew up by the last step."""
        return int(np.sum(self.blow_up_step >= 0))

    def summary(self, statistic: str | None = None) -> LossSummary:
        """Mean over survivors, order statistics over all; of the loss, or of a statistic by name."""
        values = self.loss if statistic is None else self.statistics[statistic]
        alive = (self.blow_up_step < 0) | (self.blow_up_step > self.steps[:, None])
        count = alive.sum(axis=1)
        enough = count >= 2
        safe = np.where(enough, count, 2)
        finite = np.where(alive, values, 0.0)
        mean = finite.sum(axis=1) / safe
        square = np.where(alive, (finite - mean[:, None]) ** 2, 0.0).sum(axis=1) / (safe - 1)
        # Order statistics, not interpolation: between a number and inf there is nothing to interpolate.
        low, median, high = np.quantile(values, [0.1, 0.5, 0.9], axis=1, method="inverted_cdf")
        return LossSummary(
            self.times,
            values.shape[1],
            count,
            np.where(enough, mean, np.inf),
            np.where(enough, np.sqrt(square / safe), np.inf),
            low,
            median,
            high,
        )


def run_minibatch(
    problem: LinearModel,
    method: MiniBatchMethod,
    data: ClientData,
    start: np.ndarray,
    eta: float,
    save_steps: Sequence[int],
    replicas: int,
    seed: int = 0,
    schedule: Schedule = constant_schedule,
    statistics: dict[str, Statistic] | None = None,
    blow_up_norm: float = 1e6,
    first_replica: int = 0,
) -> MiniBatchRun:
    """Run R independent replicas of a mini-batch method and keep statistics at the saved steps.

    Memory is O(d R + S R); no path is stored.

    Args:
        problem: the loss.
        method: what clients send.
        data: the clients' samples and batch size (batch None: deterministic client gradients).
        start: x_0, shape (d,).
        eta: step size > 0; time is t = n eta.
        save_steps: increasing step numbers >= 0; the run ends at the last.
        replicas: R >= 1.
        seed: of all streams.
        schedule: u(t) as a JAX function of a scalar; a module-level function, since a new lambda is compiled again.
        statistics: further statistics (problem, x (d, R)) -> (R,), by name, at the saved steps.
        blow_up_norm: a replica blows up when max_j |x_j| passes this or is not finite.
        first_replica: number of the first replica, to run an ensemble in chunks.

    Raises:
        BadInput: an argument outside its range.
    """
    steps = _check(problem, data, start, eta, save_steps, replicas, blow_up_norm, first_replica)
    extra = tuple((statistics or {}).items())
    if any(name == "loss" for name, _ in extra):
        raise BadInput("statistics", "loss", "a name other than loss, which is always kept")
    check_seed(seed)
    x0 = np.repeat(np.asarray(start, dtype=np.float64)[:, None], replicas, axis=1)
    paths = np.arange(first_replica, first_replica + replicas)
    saved, final_x, blow_up = _simulate(
        problem, data, seed, paths, x0, float(eta), steps, blow_up_norm, method, schedule, extra
    )
    values = {name: np.asarray(value) for name, value in saved.items()}
    return MiniBatchRun(
        method=method.name,
        settings={
            "eta": float(eta),
            "clients": data.clients,
            "batch": data.batch,
            "data": data.scheme,
            "seed": seed,
            "first_replica": first_replica,
            "blow_up_norm": blow_up_norm,
        },
        steps=np.asarray(steps),
        times=np.asarray(steps) * float(eta),
        loss=values.pop("loss"),
        statistics=values,
        final=np.asarray(final_x),
        blow_up_step=np.asarray(blow_up),
    )


@partial(jit, static_argnames=("method", "schedule", "extra"))
def _simulate(problem, data, seed, paths, x0, eta, steps, radius, method, schedule, extra):
    numbers = jnp.arange(data.clients)
    keys = tuple(traced_keys(seed, int(use), numbers, paths) for use in (Purpose.BATCH, Purpose.COMPRESSOR))

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
        moved = x - eta * schedule(n * eta) / data.clients * client_sum(x, n)
        inside = jnp.all(jnp.abs(moved) <= radius, axis=0)  # False for NaN
        blow_up = jnp.where((blow_up < 0) & ~inside, n + 1, blow_up)
        return jnp.where(blow_up < 0, moved, x), blow_up

    def segment(state, bounds):
        x, blow_up = jax.lax.fori_loop(bounds[0], bounds[1], step, state)
        alive = blow_up < 0
        shown = {"loss": problem.loss(x)} | {name: function(problem, x) for name, function in extra}
        return (x, blow_up), {name: jnp.where(alive, value, jnp.inf) for name, value in shown.items()}

    begin = (x0, jnp.full(x0.shape[1], -1, dtype=steps.dtype))
    bounds = jnp.stack([jnp.concatenate([jnp.zeros(1, steps.dtype), steps[:-1]]), steps], axis=1)
    (x, blow_up), saved = jax.lax.scan(segment, begin, bounds)
    return saved, x, blow_up


def _check(problem, data, start, eta, save_steps, replicas, radius, first) -> np.ndarray:
    if np.shape(start) != (problem.dim,) or not bool(np.all(np.isfinite(start))):
        raise BadInput("start", np.shape(start), f"{problem.dim} finite numbers")
    if data.order.shape[0] != problem.samples:
        raise BadInput("clients' samples", data.order.shape[0], f"the problem's {problem.samples} samples")
    for field, value in (("eta", eta), ("blow_up_norm", radius)):
        if isinstance(value, bool) or not (math.isfinite(value) and value > 0):
            raise BadInput(field, value, "a finite number > 0")
    for field, value, low, high in (("replicas", replicas, 1, 10**7), ("first_replica", first, 0, 2**31 - 1)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BadInput(field, value, f"an integer from {low} to {high}")
    steps = np.asarray(save_steps)
    ordered = steps.ndim == 1 and steps.size > 0 and steps.dtype.kind in "iu" and steps[0] >= 0
    if not (ordered and bool(np.all(np.diff(steps) > 0)) and steps[-1] < 2**31):
        raise BadInput("save_steps", list(save_steps), "increasing integers from 0 to 2^31 - 1")
    return steps.astype(np.int64)
