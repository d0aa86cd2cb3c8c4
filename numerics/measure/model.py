"""A user's model: a JAX loss over a batch, its parameters and its data, from the names of a Python file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jax.flatten_util import ravel_pytree

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp

#: largest relative difference between the loss of a batch and the mean over its examples, in roots of the machine precision, and
#: the same for gradients as a multiple of it
_EQUAL, _SLOPE = 0.1, 30.0


@final
@dataclass(frozen=True, eq=False)
class Model:
    """A loss with its parameters and data.

    Attributes:
        loss: (parameters, batch) -> a scalar; the batch is the data with fewer examples.
        params: the start, a pytree of floating-point arrays with d entries together.
        data: a pytree of arrays whose first axis has length n, one entry for each example.
        shards: the examples of each client, index arrays; a single array if the clients share all examples.
        optimizer: the update rule of the file, or None for x <- x - eta G. As in optax it has two pure functions over pytrees:
            init(parameters) is the first state, update(gradient, state, parameters) what is added and the next state.
    """

    loss: Any
    params: Any
    data: Any
    shards: tuple[np.ndarray, ...]
    optimizer: Any = None

    @property
    def examples(self) -> int:
        """The number n of examples."""
        return len(jax.tree.leaves(self.data)[0])

    @property
    def split(self) -> bool:
        """Whether each client has examples of its own."""
        return len(self.shards) > 1

    def rows(self, chosen: Any) -> Any:
        """The batch of these examples."""
        return jax.tree.map(lambda a: jnp.asarray(a)[chosen], self.data)

    def is_mean_over_examples(self, batch: int, seed: int = 0) -> bool:
        """Whether the loss of a batch is the mean of the losses of its examples, one by one, as on 4 random batches.

        It is not with normalisation over the batch. Then a single example has no gradient whose mean is the batch's.
        """
        rng, both = np.random.default_rng(seed), jit(jax.value_and_grad(self.loss))
        tolerance = _EQUAL * float(jnp.finfo(ravel_pytree(self.params)[0].dtype).eps) ** 0.5
        for _ in range(4):
            chosen = rng.choice(self.examples, size=min(max(batch, 2), self.examples), replace=False)
            singles = [both(self.params, self.rows(chosen[n : n + 1])) for n in range(len(chosen))]
            losses, slopes = np.array([v for v, _ in singles]), np.stack([ravel_pytree(g)[0] for _, g in singles])
            loss, slope = both(self.params, self.rows(chosen))
            # a network whose last layer is 0 has the same loss with and without normalisation, but not the same gradient
            apart = np.linalg.norm(ravel_pytree(slope)[0] - slopes.mean(axis=0))
            same_loss = abs(loss - losses.mean()) <= tolerance * np.mean(np.abs(losses)) + tolerance**2
            same_slope = apart <= _SLOPE * tolerance * np.mean(np.linalg.norm(slopes, axis=1)) + tolerance**2
            if not (same_loss and same_slope):
                return False
        return True


def model_of(names: Mapping[str, Any], file: str, clients: int) -> Model:
    """The model for N `clients` that the names of a file define. BadInput if one is missing or wrong; the message says which."""
    missing = [name for name in ("loss", "params", "data") if names.get(name) is None]
    if missing:
        accepted = "loss(params, batch), params and data (docs/howto/measure.md has an example)"
        raise BadInput(file, f"no {missing[0]}", accepted)
    loss, params, data, optimizer = (names.get(name) for name in ("loss", "params", "data", "optimizer"))
    lengths = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(data)}
    if len(lengths) != 1 or () in lengths:
        raise BadInput(f"data of {file}", f"first axes {sorted(lengths)}", "arrays with one entry for each example")
    leaves = jax.tree.leaves(params)
    if not leaves or not all(jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating) for leaf in leaves):
        kinds = sorted({str(jnp.asarray(leaf).dtype) for leaf in leaves})
        accepted = "floating-point arrays; put others into data"
        raise BadInput(f"params of {file}", ", ".join(kinds) or "nothing", accepted)
    if not callable(loss):
        raise BadInput(f"loss of {file}", type(loss).__name__, "a function loss(params, batch)")
    if optimizer is not None and not all(callable(getattr(optimizer, name, None)) for name in ("init", "update")):
        raise BadInput(f"optimizer of {file}", type(optimizer).__name__, "an object with init and update, as in optax")
    (count,) = next(iter(lengths))
    model = Model(loss, params, data, _shards(names.get("clients"), count, clients, file), optimizer)
    try:
        result = jax.eval_shape(loss, params, model.rows(np.arange(min(2, count))))
    except BadInput:
        raise
    except Exception as error:  # code of the user, which may raise anything
        accepted = "a JAX function of params and of a batch with the structure of data"
        raise BadInput(f"loss of {file}", f"{type(error).__name__}: {str(error)[:200]}", accepted) from None
    if getattr(result, "shape", None) != ():
        raise BadInput(f"loss of {file}", f"a result of shape {getattr(result, 'shape', None)}", "a scalar")
    return model


def padded(shards: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of each shard's examples, padded with its last one, (shards, the longest), and the lengths, (shards,)."""
    sizes = np.array([len(shard) for shard in shards], np.int32)
    return np.array([np.pad(s, (0, sizes.max() - len(s)), mode="edge") for s in shards], np.int32), sizes


def _shards(owner: Any, count: int, clients: int, file: str) -> tuple[np.ndarray, ...]:
    if owner is None:
        return (np.arange(count),)
    owners = np.asarray(owner)
    accepted = f"the client of each example, whole numbers from 0 to {clients - 1}, {count} of them, each client with one or more"
    if owners.shape != (count,) or owners.dtype.kind not in "iu" or set(np.unique(owners)) != set(range(clients)):
        raise BadInput(f"clients of {file}", f"an array {owners.shape} of {len(np.unique(owners))} values", accepted)
    return tuple(np.flatnonzero(owners == client) for client in range(clients))
