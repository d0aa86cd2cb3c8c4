"""The method on a user's model, with real mini-batches or with Gaussian noise of the same covariance.

    v_c = the gradient over B examples of client c,    x <- x - eta_k (1/N) sum_c C(v_c),

or the model file's update in place of the last step. Examples are drawn with replacement, or each epoch deals a new permutation
out. The Gaussian variant replaces v_c by sum_i a_i g_i over client c's n_c examples with

    a_i = 1/n_c + (xi_i - mean xi)/sqrt(n_c B),    xi_i independent and standard normal,

whose mean is m_c and whose covariance is exactly C_c/B, that of v_c with replacement, in all d dimensions.
Draws depend on the seed, the run and the step only, so that a run can be continued.
"""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any, final

import numpy as np
from jax.flatten_util import ravel_pytree

from sdescent.derive.methods.compressors import Identity
from sdescent.derive.reading.measurements import WITH_REPLACEMENT
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.measure.model import padded
from sdescent.numerics.measure.primitives import Population, messages
from sdescent.numerics.simulate.settings import BOUND

_EXAMPLES, _MESSAGES, _ORDER = range(3)  # purposes of draws

#: the state of a run: x (d,) and the state of the update rule
State = tuple[Any, Any]


@final
class Runs:
    """Runs on a model with N clients and batches of B, rates eta_k (the last one holds on) and all examples as population."""

    def __init__(
        self, clients: int, batch: int, compressor: Any, rates: np.ndarray, sampling: str, population: Population
    ) -> None:
        self.clients, self.batch, self.compressor, self.sampling = clients, batch, compressor, sampling
        self.rates, self.population, self.model = np.asarray(rates, float), population, population.model
        self._programs = tuple(map(self._program, (self._client_gradients, self._gaussian_gradients)))
        self._pools, self._sizes = padded(self.model.shards)
        self._data = jax.tree.map(jnp.asarray, self.model.data)
        #: the examples of a shard that a step uses up
        self._dealt = batch if self.model.split else clients * batch

    @property
    def epoch(self) -> int:
        """The number of steps of an epoch if examples are shuffled."""
        return max(1, int(self._sizes.min()) // self._dealt)

    def start(self) -> State:
        """The state before the first step."""
        optimizer = self.model.optimizer
        return self.population.x0, () if optimizer is None else optimizer.init(self.model.params)

    def run(
        self, state: State, first: int, saves: Sequence[int], runs: int, seed: int, gaussian: bool = False, scale: float = 1.0
    ) -> tuple[State, np.ndarray]:  # fmt: skip
        """`runs` runs from one state at step `first`, and their losses (saves, runs) at steps `saves`; inf after a blow-up.

        `scale` is a factor of the step sizes. Returns the last states, with the run as first axis, and the losses.
        """
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), int(gaussian)), runs)
        states = jax.tree.map(lambda a: jnp.repeat(jnp.asarray(a)[None], runs, axis=0), state)
        losses, factor = [], jnp.asarray(scale, self.population.x0.dtype)
        for at, stop in itertools.pairwise((first, *saves)):
            states = self._programs[gaussian](self._data, keys, states, at, stop, factor)
            losses.append(self.losses(states[0]))
        return states, np.array(losses)

    def losses(self, points: Any) -> np.ndarray:
        """The loss at each point of (points, d); inf where a coordinate is beyond `BOUND`, or the loss is not finite."""
        values = np.array([self.population.value_and_gradient(x)[0] for x in points])
        inside = np.all(np.abs(np.asarray(points)) <= BOUND, axis=1) & np.isfinite(values)
        return np.where(inside, values, np.inf)

    def rate(self, step: int) -> float:
        """The step size at a step."""
        return float(self.rates[min(step, len(self.rates) - 1)])

    # --- programs

    def _program(self, gradients: Any) -> Any:
        rates = jnp.asarray(self.rates)

        def all_runs(data: Any, keys: jax.Array, states: State, first: Any, stop: Any, scale: jax.Array) -> State:
            def step(key: jax.Array, n: jax.Array, state: State) -> State:
                x, memory = state
                v = gradients(data, key, x, n)
                mean = jnp.mean(messages(self.compressor, _folded(key, _MESSAGES, n), v), axis=0)
                if self.model.optimizer is None:
                    eta = rates[jnp.minimum(n, len(rates) - 1)].astype(x.dtype)
                    return x - scale * eta * mean, memory
                unravel = self.population.unravel
                change, memory = self.model.optimizer.update(unravel(mean.astype(x.dtype)), memory, unravel(x))
                return (x + ravel_pytree(change)[0]).astype(x.dtype), memory

            def one(run: tuple[jax.Array, State]) -> State:
                return jax.lax.fori_loop(first, stop, partial(step, run[0]), run[1])

            return jax.lax.map(one, (keys, states))

        return jit(all_runs)

    def _client_gradients(self, data: Any, key: jax.Array, x: jax.Array, n: jax.Array) -> jax.Array:
        """v_c of all clients, (N, d)."""

        def one(client: jax.Array) -> jax.Array:
            batch = jax.tree.map(lambda a: a[self._chosen(key, client, n)], data)
            return jax.grad(lambda y: self.model.loss(self.population.unravel(y), batch))(x)

        return jax.lax.map(one, jnp.arange(self.clients))

    def _chosen(self, key: jax.Array, client: jax.Array, n: jax.Array) -> jax.Array:
        """The examples of a client's mini-batch at step n, (B,)."""
        pools, sizes = jnp.asarray(self._pools), jnp.asarray(self._sizes)
        pool = client if self.model.split else 0
        if self.sampling == WITH_REPLACEMENT:
            draw = jax.random.fold_in(_folded(key, _EXAMPLES, n), client)
            return pools[pool, jax.random.randint(draw, (self.batch,), 0, sizes[pool])]
        order_key = _folded(key, _ORDER, n // self.epoch)
        order_key = jax.random.fold_in(order_key, client) if self.model.split else order_key
        # the padding of a short shard comes last, beyond the steps of an epoch
        ranks = jax.random.uniform(order_key, (self._pools.shape[1],))
        order = jnp.argsort(jnp.where(jnp.arange(len(ranks)) < sizes[pool], ranks, 2.0))
        first = (n % self.epoch) * self._dealt + (0 if self.model.split else client * self.batch)
        return pools[pool, jax.lax.dynamic_slice(order, (first,), (self.batch,))]

    def _gaussian_gradients(self, data: Any, key: jax.Array, x: jax.Array, n: jax.Array) -> jax.Array:
        """The Gaussian v_c, (N, d); without compression only their mean, (1, d), from one weighted gradient."""
        population, dtype = self.population, x.dtype
        group, groups = jnp.asarray(population.group), len(population.groups)
        sizes = jnp.asarray(np.bincount(population.group), dtype)[group]  # n_c at each example
        member = jax.nn.one_hot(group, groups, dtype=dtype)

        def multipliers(key: jax.Array) -> jax.Array:
            """(xi - mean xi)/sqrt(n_c B), each client by itself, (n,)."""
            xi = jax.random.normal(key, (population.units,), dtype)
            return (xi - member @ (xi @ member / jnp.sum(member, axis=0))) / jnp.sqrt(sizes * self.batch)

        if isinstance(self.compressor, Identity):
            # N clients that share the examples have together the noise of one with batches of N B
            noise = multipliers(_folded(key, _EXAMPLES, n))
            noise = noise / groups if groups > 1 else noise / jnp.sqrt(self.clients)
            return population.weighted_gradient(x, jnp.asarray(population.weights, dtype) + noise)[None]

        def one(client: jax.Array) -> jax.Array:
            noise = multipliers(jax.random.fold_in(_folded(key, _EXAMPLES, n), client))
            inside = (group == (client if groups > 1 else 0)).astype(dtype)
            return population.weighted_gradient(x, inside * (1 / sizes + noise))

        return jax.lax.map(one, jnp.arange(self.clients))


def _folded(key: jax.Array, purpose: int, n: Any) -> jax.Array:
    return jax.random.fold_in(jax.random.fold_in(key, purpose), n)
