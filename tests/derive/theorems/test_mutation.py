"""No false mutant of a step comes out proved, and no theorem survives the loss of a hypothesis that it uses."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from flint import ctx

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, fn, num, x, xs
from sdescent.derive.proof.search.ring import CertifyStep
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.vocabulary.verdicts import Verdict
from tests.support.mutation import trials
from tests.support.mutation.mutants import Step, steps
from tests.support.mutation.trials import Report, attempt, run, try_step
from tests.support.mutation.truth import FALSE, OPEN, TRUE, Truth, violated

a, b = xs("a b")
PLAIN = Context({"a": "const", "b": "const", "c": "const"})
THEOREMS = {name: entry for name, entry in entries().items() if isinstance(entry, Theorem)}


def shown(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        print(f"\n[mutation] {line}")


# --- the engine -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("premises", "claim", "wanted"),
    [
        ([], (2 * a * b).le(a**2 + b**2), TRUE),
        ([], (2 * a * b).lt(a**2 + b**2), FALSE),
        ([a.ge(0)], (a**2).ge(a), FALSE),
        ([a.ge(1)], (a**2).ge(a), TRUE),
        ([a.ge(1), b.eq(a**2)], b.ge(a), TRUE),
        ([a.ge(1), b.eq(a**2)], b.gt(a), FALSE),
        ([a.ge(0), (a * b).eq(1)], b.gt(0), TRUE),
        ([(a * b).eq(1)], b.gt(0), FALSE),
        ([a.eq(0), a.eq(1)], b.gt(0), TRUE),
        ([a.eq(b)], (a**2).eq(b**2), TRUE),
        ([(a**2).eq(b**2)], a.eq(b), FALSE),
    ],
)
def test_truth(premises: list[Relation], claim: Relation, wanted: str) -> None:
    assert Truth(Kernel(PLAIN).normal, premises).decide(claim, None, 2000)[0] == wanted


def test_truth_of_a_ball() -> None:
    ctx.prec = 300
    at = x("x")
    assert violated(at - fn("tanh", at), Fraction(0), None) is None
    assert violated(fn("tanh", at) - at, Fraction(0), None) is not None
    assert violated(at**2 - num(Fraction(1, 10**20)) * at, Fraction(0), Fraction(1)) is not None


def _step(claim: Relation, premises: list[Relation]) -> Step:
    kernel = Kernel(PLAIN)
    found = attempt(kernel, claim, [kernel.assume(p) for p in premises], 2.0)
    assert found is not None
    return Step("planted", 0, "planted", found[0], False)


def test_a_kernel_that_proves_anything_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    step = _step((2 * a * b).le(a**2 + b**2), [])
    assert try_step(step, 0.2, 500).wrong == []

    def anything(kernel: Kernel, claim: Relation, facts: list[Fact], seconds: float) -> tuple[Fact, CertifyStep]:
        return kernel.assume(claim), CertifyStep((), (), ())

    monkeypatch.setattr(trials, "attempt", anything)
    wrong = try_step(step, 0.2, 500).wrong
    assert len(wrong) > 5
    assert {o.truth for o in wrong} == {FALSE}


def test_a_certificate_is_evaluated() -> None:
    claim = (2 * a * b).le(a**2 + b**2)
    kernel = Kernel(PLAIN)
    got = attempt(kernel, claim, [], 2.0)
    assert got is not None
    truth = Truth(kernel.normal, [])
    assert truth.identity(claim, got[1])
    assert not truth.identity((2 * a * b).le(a**2 + b**2 - 1), got[1])
    assert not truth.identity(claim, dataclasses.replace(got[1], sum=()))
    assert not truth.identity((2 * a * b).lt(a**2 + b**2), got[1])


# --- the catalogue ----------------------------------------------------------------------------------------------------


def judged(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, report.summary())
    assert report.wrong == [], "\n".join(map(str, report.wrong[:20]))
    proved = [o for o in report.outcomes if o.proved]
    assert proved, "the search proves none of the true mutants: this says nothing"
    strict = [o for o in report.outcomes if o.kind == "reversed" and o.proved]
    assert all(o.truth == TRUE for o in strict)


@pytest.mark.slow
def test_no_certificate_serves_for_a_false_mutant(capsys: pytest.CaptureFixture[str]) -> None:
    """A quarter of the steps; the kernel takes the certificate of a step only for what is weaker, or strict where it is."""
    report = run([n for n, step in enumerate(steps()) if step.fact.rule == "certify"][::4], 0.0, 200)
    served = sum(bool(o.proved) for o in report.outcomes)
    shown(
        capsys,
        f"{len(report.outcomes)} mutants of {report.steps} steps, with the certificate of the original: {served} taken",
    )
    assert report.wrong == []
    assert len(report.outcomes) > 600


@pytest.mark.slow
def test_mutants_of_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """About a hundredth of those of every third step; `python -m tests.support.mutation` tries them all."""
    # a fault of search or kernel proves at once; what takes long is not to prove a false mutant
    some = range(0, len(steps()), 3)
    report = run(some, 0.05, 150, 0.01)
    judged(report, capsys)
    # of all steps: a few of them can have most of what is open in a sample
    assert sum(o.truth == OPEN for o in report.outcomes) <= 0.05 * len(report.outcomes)
    assert report.steps == len(some) and len(report.outcomes) > 55


def without(theorem: Theorem, name: str) -> str:
    """What comes out of a theorem without one of its assumptions or definitions."""
    assumptions = {n: r for n, r in theorem.assumptions.items() if n != name}
    definitions = {n: r for n, r in theorem.definitions.items() if n != name}
    less = dataclasses.replace(theorem, assumptions=assumptions, definitions=definitions)
    try:
        return check(less, seconds=0.5).status
    except KeyError:
        return Verdict.UNDECIDED


#: of each part of the theory some
SOME = (
    *["6.2-pathwise", "6.3-high-pathwise", "6.5-sign", "6.6-ratio", "6.8-enough", "6.9-induction"],
    *list(THEOREMS)[::16],
)


@pytest.mark.slow
def test_every_hypothesis_is_needed_or_said_to_be_unused(capsys: pytest.CaptureFixture[str]) -> None:
    lost, kept = 0, set()
    for name in SOME:
        theorem = THEOREMS[name]
        for hypothesis in (*theorem.assumptions, *theorem.definitions):
            lost += 1
            if without(theorem, hypothesis) == Verdict.PROVED:
                kept.add((name, hypothesis))
    unused = {(name, h) for name in SOME for h in _unused(THEOREMS[name])}
    shown(capsys, f"{lost} hypotheses left out: {len(kept)} theorems come out without, all of them said to be unused")
    assert kept <= unused, sorted(kept - unused)
    assert kept


def _unused(theorem: Theorem) -> set[str]:
    """Assumptions and definitions that the proof does without."""
    found = check(theorem)
    used = {name for name, _ in found.definitions}
    return {*found.unused, *(set(theorem.definitions) - used)}
