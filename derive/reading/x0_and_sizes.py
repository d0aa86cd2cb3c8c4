"""The numbers of an experiment (x0, clients, dim, eta, T and paths), and checks that they fit together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import final

from sdescent.derive.reading.specs import Spec
from sdescent.derive.reading.toml_file import whole
from sdescent.derive.vocabulary.errors import BadInput

MAX_DIM = 64  # the largest number of coordinates written out; the dimension-free form has no limit
MAX_PATHS = 10**6
MAX_STEPS = 10**6  # steps of the method; its equations take several solver steps in each
MAX_ENTRIES = 10**8  # entries of the covariance matrices of all paths in memory at once
MAX_DRAWS = 10**13  # coordinates of all messages on all paths: days of work
_USUAL_PATHS = 20_000  # the number of paths in a full report without the key `paths`

Named = Callable[[str], str]


@final
@dataclass(frozen=True)
class Caps:
    """The limits of an experiment."""

    paths: int = MAX_PATHS  # the largest number of paths
    at_once: int | None = None  # the largest number of paths in memory at once; None for all


def client_count(value: object, noise: Spec | None, name: str) -> int | None:
    """The number of clients, as given or from the number of scales of the noise; None if neither gives one (the symbol N).

    Raises BadInput if the value is not accepted, or contradicts the noise.
    """
    symbol = value is None or (isinstance(value, str) and value.strip(" ") == "N")
    accepted = "a whole number from 1 to 999999, or the symbol N"
    clients = None if symbol else whole(value, name, 1, 999_999, accepted)
    lengths = {} if noise is None else noise.lengths("per_client")
    for scale, count in lengths.items():
        if value is not None and count != clients:
            raise BadInput(name, value, f"{count}, the number of scales in {scale}")
    return max(lengths.values()) if lengths else clients


def dimension(value: object, loss: Spec | None, x0: tuple[Fraction, ...] | None, named: Named) -> int | None:
    """The dimension, as given or from the number of values of a field with one value per coordinate; None if there is neither.

    Raises BadInput if the value is not accepted, or the value, x0 and the loss contradict one another.
    """
    accepted = f"a whole number from 1 to {MAX_DIM} (without it: the form for any dimension)"
    dim = whole(value, named("dim"), 1, MAX_DIM, accepted)
    lengths = {} if loss is None else loss.lengths("per_coordinate")
    if x0 is not None and len(x0) > 1:
        lengths[named("x0")] = len(x0)
    for name, count in lengths.items():
        if dim is not None and count != dim:
            raise BadInput(name, f"{count} values", f"one value, or one for each of the {dim} coordinates")
        dim = count
    return dim


def check_steps(fields: Mapping[str, object], steps: Fraction, named: Named) -> None:
    """Raise BadInput for a horizon of less than one step or of too many steps."""
    if steps < 1:
        raise BadInput(named("T"), fields["T"], f"a number >= eta ({fields['eta']}), for at least one step")
    if steps > MAX_STEPS:
        raise BadInput(named("eta"), fields["eta"], f"at most {MAX_STEPS} steps (T/eta)")


def check_size(
    fields: Mapping[str, object], paths: int | None, dim: int, messages: Fraction, named: Named, at_once: int | None
) -> None:
    """Raise BadInput for an experiment that would need too much memory or more than a week; one path has `messages` messages."""
    count = paths or _USUAL_PATHS
    if min(count, at_once or count) * dim**2 > MAX_ENTRIES:
        raise BadInput(named("paths"), paths, f"at most {MAX_ENTRIES // dim**2} in {dim} dimensions")
    if count * dim * messages > MAX_DRAWS:
        field = "eta" if paths is None else "paths"
        raise BadInput(named(field), fields[field], f"T/eta x clients x dim x paths of at most {MAX_DRAWS}")
