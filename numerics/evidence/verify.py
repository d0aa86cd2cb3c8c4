"""Compares the catalogue's theorems with numbers: on their SDE, on the method itself, and outside their conditions.

Deterministic routes come first: an entry's inequality at random points (with all assumptions evaluated there), closed moments,
quadrature, enumeration. Otherwise simulation decides, with confidence sequences and a separate solver error. The formula is always
the catalogue's own (`sdescent.numerics.evidence.checks.formulas.conclusion`). Numbers are evidence, not proof.

An entry declares its evidence (`Theorem.evidence`), and this module has the checks for each kind. A stated theorem declares no
evidence: `sdescent.numerics.evidence.stated.search` finds instances of its assumptions, at the largest allowed step size and well
inside the limit; `outside` says whether the claim fails with twice and ten times that size. A theorem about an SDE is compared with
the SDE and, to see how far it carries over, with the method.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.proof.language.terms import Relation
from sdescent.derive.theorems.bounds.horizon.in_probability import ALMOST_SURELY
from sdescent.derive.theorems.bounds.stated import Stated, read_stated
from sdescent.derive.theorems.catalogue import with_own
from sdescent.derive.theorems.entry.theorem import Refutation
from sdescent.derive.theorems.literature import files
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks import (
    facts,
    method_bounded,
    method_momentum,
    method_steps,
    moments,
    points,
    reachable,
    second_moments,
)
from sdescent.numerics.evidence.checks.formulas import Numbers, conclusion, theorem_of
from sdescent.numerics.evidence.checks.formulas import Verified as Verified
from sdescent.numerics.evidence.checks.points import at_points, at_witness, merged, scaled
from sdescent.numerics.evidence.paths import functional, random_time
from sdescent.numerics.evidence.stated.horizon import at_the_horizon, horizon
from sdescent.numerics.evidence.stated.instance import Instance, NoInstance
from sdescent.numerics.evidence.stated.one_step import one_step, steps_of
from sdescent.numerics.evidence.stated.search import instances

Route = Callable[[], list[Verified]]
#: (id of an entry, options of its evidence) -> results
Check = Callable[..., list[Verified]]


@final
@dataclass(frozen=True)
class AtPoints:
    """A check at points: the claim must hold at each point where all assumptions hold, or, if `shared`, of each case as a whole.

    `cases` maps (theorem, options) to numbers, each with its name or its settings; `subject` and `route` as in `Verified`.
    """

    cases: Callable[..., Iterable[tuple[str | Mapping[str, Any], Numbers]]]
    subject: str = "formula"
    route: str = "points"
    shared: bool = False

    def __call__(self, id: str, claim: Relation | None = None, scale: float = 1.0, **options: Any) -> list[Verified]:
        """The cases, merged into one result. `claim` replaces the entry's own, and `scale` multiplies its right side."""
        claim, results = scaled(conclusion(id), scale) if claim is None else claim, []
        for name, numbers in self.cases(theorem_of(id), **options):
            instance = {"case": name} if isinstance(name, str) else dict(name)
            with np.errstate(all="ignore"):  # outside the conditions a logarithm may not exist: the claim then fails
                results.append(at_points(id, numbers, self.subject, claim, self.route, "", instance, self.shared))
        return [merged(results)]


#: the method over all outcomes of its steps: at single states, and on whole paths or laws
_ENUMERATED = partial(AtPoints, subject="method", route="enumeration")
_IN_THE_MEAN = partial(_ENUMERATED, shared=True)


def _random_time(subject: str) -> Check:
    return lambda id, **options: [random_time.by_paths(random_time.instance(id, **options), subject)]


#: kind of evidence -> its checks, in order
CHECKS: Mapping[str, tuple[Check, ...]] = {
    # pathwise bounds on L f, and facts about the coordinates of one state
    "unbiased clients": (AtPoints(lambda theorem: points.unbiased(), "SDE"),),
    "sign clients": (AtPoints(lambda theorem: points.signs(), "SDE"),),
    "random states": (AtPoints(facts.expectations, "SDE", shared=True),),
    # facts without a process
    "compressor": (AtPoints(facts.compressors),), "growth": (AtPoints(facts.growth),), "law": (AtPoints(facts.law),),
    "logistic regression": (AtPoints(facts.logistic),), "loss": (AtPoints(facts.losses),), "psi": (AtPoints(facts.psi),),
    "rosenbrock": (AtPoints(facts.rosenbrock),), "scaling": (AtPoints(facts.scaling),),
    "schedules": (AtPoints(facts.schedules, shared=True),), "separable loss": (AtPoints(facts.separable),),
    "strength": (AtPoints(facts.strength),),
    "growth in the mean": (
        AtPoints(second_moments.on_the_quartic, shared=True), _IN_THE_MEAN(second_moments.along_the_quartic),
    ),
    # closed moments, quadrature, enumeration
    "PL decay": (moments.polyak,), "sign descent": (moments.descent_of_signs,),
    "stationary moments": (moments.stationary,), "signs near the optimum": (moments.near_the_optimum,),
    "messages of the method": (AtPoints(method_bounded.messages, "method"),),
    "bounded noise of the method": (AtPoints(method_bounded.bounded, "method"),),
    "sign step of the method": (AtPoints(method_bounded.states, "method"),),
    "sign steps of the method": (AtPoints(method_bounded.runs, "method"),),
    "second moments": (AtPoints(second_moments.of_the_sde, "SDE", "closed moments"),),
    "curvature coefficient": (AtPoints(second_moments.curvature_coefficient, "SDE", "all outcomes of a step"),),
    "second moments of the method": (_IN_THE_MEAN(second_moments.of_the_method),),
    "one step": (method_steps.change_against_pathwise_bound,),
    "method step": (_ENUMERATED(method_steps.one_step),), "method paths": (_IN_THE_MEAN(method_steps.enumerated),),
    "method moments": (_IN_THE_MEAN(method_steps.along_quadratics),),
    "heavy ball step": (_ENUMERATED(method_momentum.one_step),),
    "heavy ball paths": (_IN_THE_MEAN(method_momentum.enumerated),),
    "heavy ball drift": (AtPoints(method_momentum.drifts, "SDE"),),
    "heavy ball moments": (AtPoints(method_momentum.along_quadratics, "SDE", "closed moments", shared=True),),
    "sums": (AtPoints(method_steps.sums, shared=True),), "reachable law": (reachable.reachable,),
    "quartic trajectory": (method_steps.trajectory,),
    # simulation
    "drawn ratio": (facts.drawn,), random_time.RANDOM_TIME: (_random_time("SDE"), _random_time("method")),
}  # fmt: skip


def routes(id: str) -> list[Route]:
    """The checks of an entry, deterministic routes first; [] if the entry declares no evidence."""
    if (file := files().get(id)) is not None:
        return [partial(verify_stated, file, id=id)]
    entry = with_own()[id]
    witness: list[Route] = [lambda: [at_witness(id)]] if isinstance(entry, Refutation) else []
    checks = [(check, evidence.options) for evidence in entry.evidence for check in CHECKS[evidence.kind]]
    return witness + [partial(check, id, **options) for check, options in checks]


def verify(ids: str | Stated | Path | Sequence[str] | None = None, seconds: float = 600.0) -> list[Verified]:
    """Compares theorems with numbers: all of the catalogue and of loaded plugins, those with these ids, or one of your own.

    Args:
        ids: the id of one entry, several ids, or None for all; or a theorem of your own, or the TOML file that states it
            (`verify_stated` describes its results).
        seconds: no route begins after this time. An entry whose routes did not all begin has fewer results; `routes`
            shows which ones are missing.

    Raises:
        BadInput: no entry has one of the ids, the time is not positive, or the file states no theorem.
        OSError: a file cannot be read.
        ValueError: an instance does not satisfy the definitions or the assumptions of its theorem.

    Example:
        >>> import sdescent as sd
        >>> for found in sd.verify("6.7-first-order"):
        ...     print(found.subject, found.verdict.value)
        SDE CONFIRMED
        method VIOLATED
    """
    if isinstance(ids, Stated | Path) or (isinstance(ids, str) and ids.endswith(".toml")):
        return verify_stated(ids, seconds)
    catalogue = with_own()
    chosen = list(catalogue) if ids is None else [ids] if isinstance(ids, str) else list(ids)
    for id in chosen:
        if id not in catalogue and id not in files():
            raise BadInput("ids", id, "ids of entries of the catalogue")
    if not seconds > 0:
        raise BadInput("seconds", seconds, "a number > 0")
    end, results = time.monotonic() + seconds, list[Verified]()
    for route in [route for id in chosen for route in routes(id)]:
        if time.monotonic() > end:
            break
        results += route()
    return results


# --- stated theorems -----------------------------------------------------------------------------------------------------

#: the id of the results, and the route of a result without a comparison
STATED, NONE = "own", "none"


def verify_stated(theorem: Stated | str | Path, seconds: float = 60.0, id: str = STATED) -> list[Verified]:
    """Compares a stated theorem with numbers.

    Args:
        theorem: the theorem, or the TOML file that states it.
        seconds: no further comparison begins after this time.
        id: the id of the results.

    Returns:
        One result for each combination of one step or the horizon, the SDE (if the theorem is about one) or the method, and the
        largest step size that the assumptions allow or one well inside. `instance` has "what" ("one step" or "horizon"), "case",
        the loss, the noise and all numbers. For one step it also has "worst", the state of least tightness or of the worst failure;
        for the horizon "value" and "bound". A comparison without an instance in the library, or without a route, is INCONCLUSIVE,
        and its note says why.

    Raises:
        BadInput: the time is not positive, or the file states no theorem.
        OSError: the file cannot be read.
        ValueError: a definition that the engine computed for the step does not hold on an instance.
    """
    if not seconds > 0:
        raise BadInput("seconds", seconds, "a number > 0")
    read = theorem if isinstance(theorem, Stated) else read_stated(theorem)
    return list(_compared(read, id, time.monotonic() + seconds))


def _compared(theorem: Stated, id: str, end: float) -> Iterator[Verified]:
    subjects = ("method",) if theorem.about == "method" else ("SDE", "method")
    if theorem.tail is not None:
        yield _nothing(id, "method", "horizon", "no runs are drawn for a claim with high probability")
        return
    try:
        chosen = instances(theorem)
    except NoInstance as error:
        missing = f"no instance of the assumptions in the library: {error}"
        yield from (_nothing(id, subject, "instance", missing) for subject in subjects)
        return
    step = theorem.step
    if step is not None:
        for subject in subjects:
            yield from _tried(id, subject, "one step", lambda subject=subject: one_step(id, chosen, subject, step), end)
    # that a sum is finite is no value to compare
    if theorem.conclude == ALMOST_SURELY or (not theorem.integrated and theorem.conclude in ("none", "summable")):
        return
    claim = at_the_horizon(theorem) if time.monotonic() < end else None
    if claim is None:
        missing = "no claim at the horizon was derived from the bound on a step"
        yield from (_nothing(id, subject, "horizon", missing) for subject in subjects)
        return
    for subject in subjects:
        yield from _at_the_horizon(id, chosen, subject, claim, end)


def _at_the_horizon(id: str, chosen: list[Instance], subject: str, claim: Relation, end: float) -> Iterator[Verified]:
    exact = _tried(id, subject, "horizon", lambda: horizon(id, chosen, subject, claim), end)
    one = next((one for dim in (2, 1) for one in chosen if one.dim == dim and one.member.curvatures is None), None)
    sampled: list[Verified] = []
    if one is not None and not one.stated.letters.of_loss:  # no run knows f
        words = next(iter(steps_of(one)))
        sampled = _tried(id, subject, "horizon", lambda: [functional.by_paths(id, one, subject, claim, words)], end)
    yield from [v for v in (*exact, *sampled) if v.route != NONE] or exact or sampled


def _tried(id: str, subject: str, what: str, route: Callable[[], list[Verified]], end: float) -> list[Verified]:
    """The results of a route, or a single result that says why there are none."""
    if time.monotonic() > end:
        return [_nothing(id, subject, what, "no time was left")]
    try:
        return route()
    except (NoClosedForm, NoInstance, Refusal) as error:
        return [_nothing(id, subject, what, str(error))]


def _nothing(id: str, subject: str, what: str, reason: str) -> Verified:
    return Verified(id, subject, NONE, Verdict.INCONCLUSIVE, None, {"what": what}, 0, note=reason)
