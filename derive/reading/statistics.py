"""The statistics that a file may name: those of every run, coordinates, and those that the user has registered."""

from typing import Any

from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.registry import BUILT_IN_STATISTICS, entries

MAX_QUANTITIES = 16
#: the statistics of every run; the coordinates are called x1, x2, ..
QUANTITIES = tuple(BUILT_IN_STATISTICS)


def read_quantities(value: object, dim: int) -> tuple[str, ...]:
    """The names that a file lists under `quantities`.

    Args:
        value: a name or a list of names.
        dim: the dimension of the state.

    Raises:
        BadInput: the value is not a list of 1 to 16 distinct names, or a name is not that of a statistic.
    """
    names = (*QUANTITIES, *entries("statistic"))
    coordinates = "x1" if dim == 1 else f"x1 to x{dim}"
    accepted = f"a list of 1 to {MAX_QUANTITIES} of {', '.join(names)} and {coordinates}, each once"
    listed: list[Any] = value if isinstance(value, list) else [value]
    allowed = {*names, *(f"x{n + 1}" for n in range(dim))}
    for item in listed:
        if not isinstance(item, str) or item not in allowed:
            raise unknown_name("quantities", item, names, accepted)
    if not 1 <= len(listed) <= MAX_QUANTITIES or len(set(listed)) < len(listed):
        raise BadInput("quantities", value if len(listed) <= MAX_QUANTITIES else f"{len(listed)} names", accepted)
    return tuple(listed)
