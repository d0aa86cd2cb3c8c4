"""Clients with their own data, as gradients for `sd.run`: each client's own gradient, or its mini-batches. Dimensionless.

The loss is f = (1/N) sum_i f_i with f_i = (N n_i/n) (mean of the losses of client i's n_i samples). So the mean of the clients'
gradients is grad f exactly, whatever the sizes of their shares. A run with these gradients is the discrete method alone: theory 1
assumes E v_i = grad f for every client, so its equations and theorems say nothing about these runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, final

import numpy as np

from sdescent.derive.methods.noise import Noise
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import sample_noise
from sdescent.numerics.tasks.clients import ClientData


class SampleLoss(Protocol):
    """A loss that is a mean over samples, such as a `LinearModel` or a `Network`."""

    def weighted_gradient(self, x: jax.Array, weights: jax.Array, rows: jax.Array) -> jax.Array:
        """The gradient sum_m weights_m grad l_m(x), (d, R), over the samples `rows`."""
        ...

    def batch_gradient(self, x: jax.Array, batch: jax.Array) -> jax.Array:
        """The gradients (1/B) sum_b grad l_b(x), (d, R), over each path's own samples (B, R)."""
        ...


@final
@dataclass(frozen=True, eq=False)
class OwnGradients:
    """The stochastic gradient of a client, as a function (draws, x (d, R), client) -> (d, R): an oracle of `sd.run`.

    Use the same object again, since it identifies compiled programs.

    Attributes:
        loss: the loss over the samples.
        data: each client's samples. With a batch, the gradient is that of a mini-batch drawn from them with replacement.
        noise: noise added to the gradient, with its scale at the client's own gradient; None for no noise besides mini-batches.
        parameters: values of the noise's symbols.

    Raises:
        BadInput: the clients share their samples, so that their mean gradient is not grad f.
    """

    loss: SampleLoss
    data: ClientData
    noise: Noise | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.data.scheme == "shared":
            raise BadInput("data", "shared", "data that are split over the clients")

    @cached_property
    def _shards(self) -> tuple[np.ndarray, np.ndarray]:
        """Sample numbers and weights of each client, (N, the largest n_i). Padding has weight 0."""
        order, starts, sizes = (np.asarray(a) for a in (self.data.order, self.data.starts, self.data.sizes))
        place = np.arange(sizes.max())
        inside = place < sizes[:, None]
        rows = order[np.minimum(starts[:, None] + place, len(order) - 1)]
        return rows, inside / sizes[:, None]

    def __call__(self, draws: Draws, x: jax.Array, client: Any) -> jax.Array:
        sizes = self.data.sizes
        share = (self.data.clients / self.data.order.shape[0]) * sizes[client].astype(x.dtype)
        if self.data.batch is None:
            rows, weights = (jnp.asarray(a)[client] for a in self._shards)
            gradient = share * self.loss.weighted_gradient(x, weights.astype(x.dtype), rows)
        else:
            place = jnp.floor(draws.fold(1).uniform((self.data.batch, x.shape[1])) * sizes[client]).astype(jnp.int32)
            chosen = self.data.order[self.data.starts[client] + jnp.minimum(place, sizes[client] - 1)]
            gradient = share * self.loss.batch_gradient(x, chosen)
        if self.noise is None:
            return gradient
        return gradient + sample_noise(self.noise, draws.fold(0), gradient, self.parameters)
