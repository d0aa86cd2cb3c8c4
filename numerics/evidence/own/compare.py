"""A theorem of one's own compared with numbers, as the entries of the catalogue are: one step exactly, then the horizon.

Every result is about instances of the assumptions that are found for this theorem
(`sdescent.numerics.evidence.own.found`), at the largest
step size that these allow and well inside; `outside` says whether the claim fails with twice and with ten times the largest step.
A theorem about an SDE is compared with the SDE and, for how far it carries over, with the method.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sdescent.derive.bounds.stated import Stated, read_stated
from sdescent.derive.proof.language.terms import Relation
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.result import Verified
from sdescent.numerics.evidence.own.by_paths import by_paths
from sdescent.numerics.evidence.own.found import instances
from sdescent.numerics.evidence.own.horizon import at_the_horizon, horizon
from sdescent.numerics.evidence.own.instance import Instance, NoInstance
from sdescent.numerics.evidence.own.one_step import one_step, steps_of

ID = "own"


def verify_stated(stated: Stated | str | Path, seconds: float = 60.0, id: str = ID) -> list[Verified]:
    """The theorem compared with numbers.

    Args:
        stated: the theorem, or the TOML file that states it.
        seconds: nothing further is begun after this time.
        id: of the results.

    Returns:
        One result for each of: one step and the horizon; the SDE (of a theorem about one) and the method; the largest step size
        that the assumptions allow, and well inside. `instance` has "what" ("one step" or "horizon"), "case", the loss, the noise
        and all numbers; for one step "worst", the state of the least tightness, or of the worst failure; for the horizon "value"
        and "bound". What has no instance in the library, or no route, is INCONCLUSIVE, and its note says why.

    Raises:
        BadInput: a time that is not positive; a file that states no theorem.
        OSError: the file cannot be read.
        ValueError: what the engine computes of the step does not hold on an instance.
    """
    if not seconds > 0:
        raise BadInput("seconds", seconds, "a number > 0")
    read = stated if isinstance(stated, Stated) else read_stated(stated)
    return list(_compared(read, id, time.monotonic() + seconds))


def _compared(stated: Stated, id: str, end: float) -> Iterator[Verified]:
    subjects = ("method",) if stated.about == "method" else ("SDE", "method")
    try:
        chosen = list(instances(stated))
    except NoInstance as error:
        missing = f"no instance of the assumptions in the library: {error}"
        yield from (_nothing(id, subject, "instance", missing) for subject in subjects)
        return
    step = stated.step
    if step is not None:
        for subject in subjects:
            yield from _tried(id, subject, "one step", lambda subject=subject: one_step(id, chosen, subject, step), end)
    if not stated.integrated and stated.conclude in ("none", "summable"):  # that a sum is finite says no number
        return
    claim = at_the_horizon(stated) if time.monotonic() < end else None
    if claim is None:
        missing = "what the bound on a step gives at the horizon was not found"
        yield from (_nothing(id, subject, "horizon", missing) for subject in subjects)
        return
    for subject in subjects:
        yield from _at_the_horizon(id, chosen, subject, claim, end)


def _at_the_horizon(id: str, chosen: list[Instance], subject: str, claim: Relation, end: float) -> Iterator[Verified]:
    found = list(_tried(id, subject, "horizon", lambda: horizon(id, chosen, subject, claim), end))
    one = next((one for dim in (2, 1) for one in chosen if one.dim == dim and one.member.curvatures is None), None)
    sampled: list[Verified] = []
    if one is not None:
        words = next(iter(steps_of(one)))
        sampled = list(_tried(id, subject, "horizon", lambda: [by_paths(id, one, subject, claim, words)], end))
    decided = [v for v in (*found, *sampled) if v.route != NONE]
    yield from decided or found or sampled


#: the route of what was not compared
NONE = "none"


def _tried(id: str, subject: str, what: str, route: Callable[[], list[Verified]], end: float) -> list[Verified]:
    """The results of a route, or the reason why there are none."""
    if time.monotonic() > end:
        return [_nothing(id, subject, what, "no time was left")]
    try:
        return route()
    except (NoClosedForm, NoInstance, Refusal) as error:
        return [_nothing(id, subject, what, str(error))]


def _nothing(id: str, subject: str, what: str, reason: str) -> Verified:
    return Verified(id, subject, NONE, Verdict.INCONCLUSIVE, None, {"what": what}, 0, note=reason)
