"""Functions that are chosen by the class of a law, a noise or a compressor; a new class registers its own function."""

from collections.abc import Callable
from functools import singledispatch, update_wrapper
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax
from sdescent.numerics.laws.counter import Draws, draws_from


@final
class NoSampler(BadInput, TypeError):
    """The user's own class has moments, so that its equation can be derived, but no sampler."""


def unregistered(kind: str, obj: Any, function: str, arguments: str) -> NoSampler:
    """The error that says how to register a sampler."""
    name = type(obj).__name__
    decorator = f"@sdescent.numerics.laws.samplers.{function}.register"
    accepted = f"one that is registered by {decorator} above def _({kind}: {name}, {arguments})"
    return NoSampler(f"{kind} {name}", "no sampler", accepted)


@final
class Sampler:
    """A function chosen by the class of its first argument; `register` adds one. A JAX key is turned into draws."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = singledispatch(function)
        self.register, self.dispatch = self._function.register, self._function.dispatch
        self.registry = self._function.registry
        update_wrapper(self, function)

    def __call__(self, obj: Any, draws: Any, of: Any, *more: Any, **named: Any) -> jax.Array:
        paths = of[-1] if isinstance(of, tuple) else of.shape[-1]
        dtype = (draws.dtype if isinstance(draws, Draws) else np.float64) if isinstance(of, tuple) else of.dtype
        return self._function(obj, draws_from(draws, paths, dtype=dtype), of, *more, **named).astype(dtype)
