"""What each client has of its own, as the mean over the clients plus the deviation from it, which are two vectors with names."""

from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp

#: a vector or a centred noise -> its coefficient
Combination = Mapping[Any, sp.Expr]
#: the end of the name of a deviation: a vector of each client minus its mean over the clients
_DEVIATION = "_dev_q"
#: the end of the name of such a mean, if the vector itself has no name
_MEAN = "_mean_q"
#: draws and gradients of which each client has its own deviation from the mean over the clients
_DEVIATIONS = ("noise deviation", "loss deviation", "gossip", "spread")


def mean_of(letter: str) -> str:
    """The mean over the clients of a letter of which each client has its own."""
    return f"{letter}{_MEAN}"


def deviation_of(vector: str) -> str:
    """A client's own vector minus its mean over the clients."""
    return f"{vector}{_DEVIATION}"


def is_deviation(v: Any) -> bool:
    """Whether a vector is a deviation, so that its mean over the clients is 0."""
    return v[0] in _DEVIATIONS if isinstance(v, tuple) else str(v).endswith(_DEVIATION)


def of_each_client(parts: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """The vectors of a sum with their coefficients, and whether each client has its own.

    A mean over the clients and the deviation from it are one vector if they have the same coefficient.
    """
    for v, c in parts.items():
        if is_deviation(v):
            whole = v.removesuffix(_DEVIATION)
            if not any(parts.get(mean) == c for mean in (mean_of(whole), whole)):
                yield v, c, False
        else:
            whole = v.removesuffix(_MEAN)
            both = parts.get(deviation_of(whole)) == c
            yield whole if both else v, c, both


def orthogonal(v: Any, w: Any) -> bool:
    """Whether the mean of <v, w> over the clients vanishes since one is a deviation and the other is shared by all clients."""
    return is_deviation(v) != is_deviation(w)


def shared(vector: Combination) -> dict[Any, sp.Expr]:
    """The mean of a combination over the clients."""
    return {v: c for v, c in vector.items() if not is_deviation(v)}


def deviations(vector: Combination) -> dict[Any, sp.Expr]:
    """A combination minus its mean over the clients."""
    return {v: c for v, c in vector.items() if is_deviation(v)}
