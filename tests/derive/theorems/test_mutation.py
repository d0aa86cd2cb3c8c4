"""No false mutant of a step comes out proved, and no theorem survives the loss of a hypothesis that it uses."""

import dataclasses

import pytest

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, xs
from sdescent.derive.proof.search.ring import CertifyStep
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.vocabulary.verdicts import Verdict
from tests.support.mutation import trials
from tests.support.mutation.mutants import Step, steps
from tests.support.mutation.trials import attempt, run, try_step
from tests.support.mutation.truth import FALSE, OPEN, TRUE

a, b = xs("a b")
PLAIN = Context({"a": "const", "b": "const", "c": "const"})
THEOREMS = {name: entry for name, entry in entries().items() if isinstance(entry, Theorem)}


# --- the engine -------------------------------------------------------------------------------------------------------


def _step(claim: Relation, premises: list[Relation]) -> Step:
    kernel = Kernel(PLAIN)
    proof = attempt(kernel, claim, [kernel.assume(p) for p in premises], 2.0)
    assert proof is not None
    return Step("planted", 0, "planted", proof[0], False)


def test_a_kernel_that_proves_anything_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    step = _step((2 * a * b).le(a**2 + b**2), [])
    assert try_step(step, 0.2, 500).wrong == []

    def anything(kernel: Kernel, claim: Relation, facts: list[Fact], seconds: float) -> tuple[Fact, CertifyStep]:
        return kernel.assume(claim), CertifyStep((), (), ())

    monkeypatch.setattr(trials, "attempt", anything)
    wrong = try_step(step, 0.2, 500).wrong
    assert len(wrong) > 5
    assert {o.truth for o in wrong} == {FALSE}


# --- the catalogue ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_certificate_serves_for_a_false_mutant() -> None:
    """An eighth of the steps; the kernel takes the certificate of a step only for what is weaker, or strict where it is."""
    report = run([n for n, step in enumerate(steps()) if step.fact.rule == "certify"][::8], 0.0, 200)
    assert report.wrong == [] and len(report.outcomes) > 250


@pytest.mark.slow
def test_mutants_of_every_step() -> None:
    """About a hundredth of those of every sixth step; `python -m tests.support.mutation` tries them all."""
    # a fault of search or kernel proves at once; what takes long is not to prove a false mutant
    some = range(0, len(steps()), 6)
    report = run(some, 0.05, 150, 0.01)
    assert report.wrong == [], "\n".join(map(str, report.wrong[:20]))
    assert any(o.proved for o in report.outcomes), "the search proves none of the true mutants: this says nothing"
    assert all(o.truth == TRUE for o in report.outcomes if o.kind == "reversed" and o.proved)
    # of all steps: a few of them can have most of what is open in a sample
    assert sum(o.truth == OPEN for o in report.outcomes) <= max(2, 0.05 * len(report.outcomes))
    assert report.steps == len(some) and len(report.outcomes) > 25


def without(theorem: Theorem, name: str) -> str:
    """What comes out of a theorem without one of its assumptions or definitions."""
    assumptions = {n: r for n, r in theorem.assumptions.items() if n != name}
    definitions = {n: r for n, r in theorem.definitions.items() if n != name}
    less = dataclasses.replace(theorem, assumptions=assumptions, definitions=definitions)
    try:
        return check(less, seconds=0.5).status
    except KeyError:
        return Verdict.UNDECIDED


#: of each part of the theory one
SOME = ("6.2-pathwise", "6.3-high-pathwise", "6.6-ratio", "6.8-enough", "6.9-induction", "4-natural")


@pytest.mark.slow
def test_every_hypothesis_is_needed_or_said_to_be_unused() -> None:
    without_it, unused = set(), set()
    for name in SOME:
        theorem, checked = THEOREMS[name], check(THEOREMS[name])
        stated = (*theorem.assumptions, *theorem.definitions)
        without_it |= {(name, h) for h in stated if without(theorem, h) == Verdict.PROVED}
        used = {h for h, _ in checked.definitions}
        unused |= {(name, h) for h in {*checked.unused, *(set(theorem.definitions) - used)}}
    assert without_it and without_it <= unused, sorted(without_it - unused)
