"""Find the parameters that the samplers of a method need as numbers before compilation; the rest are values of the program."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.specialise import symbol_names
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.laws.compressors import compress
from sdescent.numerics.laws.counter import draws_from
from sdescent.numerics.laws.noises import sample_noise


def needed_as_numbers(method: Method, dim: int, parameters: Mapping[str, Any]) -> frozenset[str]:
    """Names of the parameters of the noise and the compressor that their samplers need as numbers.

    Such a parameter determines the shape of an array, or a branch in Python (the k of Rand-k). Each parameter is tried: the sampler
    is traced with an unknown value in its place, which computes nothing.

    Args:
        method: the method, with noise and compressor.
        dim: d.
        parameters: values by name; if an array is among them, nothing is tried and all names are returned.
    """
    tried = symbol_names(method.noise.law) | symbol_names(method.compressor)
    if any(np.ndim(value) for value in parameters.values()):
        return frozenset(tried & parameters.keys())
    return _needed(_Asked(method.noise, method.compressor, dim, frozenset(parameters), parameters))


@final
@dataclass(frozen=True)
class _Asked:
    noise: Any
    compressor: Any
    dim: int
    names: frozenset[str]
    parameters: Mapping[str, Any] = field(compare=False)  # whether a value is needed does not depend on the value


def _tried(query: _Asked) -> frozenset[str]:
    noise, compressor, parameters = query.noise, query.compressor, query.parameters
    at, needed = jnp.zeros((query.dim, 2)), set[str]()
    for names, sampler in (
        (symbol_names(noise.law), lambda numbers: sample_noise(noise, _draws(), at, numbers)),
        (symbol_names(compressor), lambda numbers: compress(compressor, _draws(), at, numbers)),
    ):
        for name in names & parameters.keys():
            if not _traces(lambda value, name=name, sampler=sampler: sampler({**parameters, name: value})):
                needed.add(name)
    return frozenset(needed)


def _traces(function: Any) -> bool:
    try:
        jax.eval_shape(function, jax.ShapeDtypeStruct((), np.float64))
    except Exception:  # a sampler of the user may raise any error when it meets an unknown value
        return False
    return True


def _draws() -> Any:
    return draws_from(jax.random.key(0), 2)


_needed = Memo(_tried, 256)
