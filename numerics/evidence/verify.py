"""The catalogue's theorems compared with numbers: on the SDE they are about, on the method itself, and outside their conditions.

Deterministic routes first: an entry's inequality at random points (with all assumptions evaluated there), closed moments,
quadrature, enumeration. Simulation where there is none: with verdicts from confidence sequences, and a separate solver error.
The formula that is compared is always the catalogue's own (`numerics.evidence.checks.formulas.conclusion`). Numbers are evidence,
not proof.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from derive.theorems.catalogue import entries
from derive.theorems.entry.theorem import Refutation
from derive.vocabulary.errors import BadInput
from numerics.evidence.checks import facts, families, moments, omega, paths, steps
from numerics.evidence.checks.points import at_points, at_witness, merged
from numerics.evidence.checks.result import Verified as Verified

#: pathwise bounds on L f, and facts about the coordinates of one state
UNBIASED = ("6.1-pathwise", "6.2-pathwise", "6.3-low-pathwise", "6.3-high-pathwise")
SIGNS = (
    "6.4-classic", "6.4-bounded-ratio", "6.4-corrected", "6.4-chord-zero", "6.4-global-pathwise", "6.4-clients-pathwise",
    "6.4-reading",
)  # fmt: skip
Route = Callable[[], list[Verified]]


def routes(id: str) -> list[Route]:
    """How an entry is compared with numbers, deterministic routes first; [] for an entry without an instance."""
    if isinstance(entries()[id], Refutation):
        return [lambda: [at_witness(id)]]
    found: list[Route] = []
    if id in UNBIASED or id in SIGNS:
        family = families.unbiased if id in UNBIASED else families.signs
        found.append(lambda: [merged([at_points(id, n, instance={"case": name}) for name, n in family()])])
    if (made := facts.family(id)) is not None:
        points, shared = made
        subject = "SDE" if shared and id.startswith("6.2") else "formula"
        found.append(
            lambda: [
                merged([at_points(id, n, subject, instance={"case": name}, shared=shared) for name, n in points(id)])
            ]
        )
    if id in moments.ROUTES:
        found.append(lambda: moments.ROUTES[id](id))
    if id in steps.IDS:
        found.append(lambda: [steps.one_step(id)])
    if id in ("6.9-growth", "6.9-induction"):
        found.append(lambda: steps.trajectory(id))
    if id in omega.KINDS:
        found.append(lambda: omega.drawn(id))
    for instance in paths.instances() if id.endswith("scheduled") else ():
        if instance.id == id:
            found += [lambda i=instance, s=subject: [paths.by_paths(i, s)] for subject in ("SDE", "method")]
    return found


def verify(ids: str | Sequence[str] | None = None, seconds: float = 600.0) -> list[Verified]:
    """The theorems of the catalogue, or those of these ids, compared with numbers.

    Args:
        ids: of one entry or of several; None for all.
        seconds: no further route is begun after this time. An entry whose routes were not all begun has fewer results; `routes`
            tells which are missing.

    Raises:
        BadInput: an id that no entry has, a time that is not positive.
        ValueError: an instance that does not satisfy the definitions or the assumptions of its theorem.

    Example:
        >>> import sdescent as sd
        >>> for found in sd.verify("6.7-first-order"):
        ...     print(found.subject, found.verdict.value)
        SDE CONFIRMED
        method VIOLATED
    """
    known = entries()
    chosen = list(known) if ids is None else [ids] if isinstance(ids, str) else list(ids)
    for id in chosen:
        if id not in known:
            raise BadInput("ids", id, "ids of entries of the catalogue")
    if not seconds > 0:
        raise BadInput("seconds", seconds, "a number > 0")
    return list(_within([route for id in chosen for route in routes(id)], seconds))


def without_instance() -> list[str]:
    """Ids of the entries that have no instance to be compared on."""
    return [id for id in entries() if not routes(id)]


def _within(chosen: Sequence[Route], seconds: float) -> Iterator[Verified]:
    end = time.monotonic() + seconds
    for route in chosen:
        if time.monotonic() > end:
            return
        yield from route()
