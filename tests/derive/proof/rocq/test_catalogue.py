"""The whole catalogue through Rocq: every proof is accepted, its premises are known ones, and no tampered one is accepted."""

from __future__ import annotations

import copy
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from sdescent.derive.proof.kernel.rebuild import context_from
from sdescent.derive.proof.language.normal import Normal, Polynomial
from sdescent.derive.proof.language.terms import from_json
from sdescent.derive.proof.rocq.export import Exported, export
from sdescent.derive.proof.rocq.judge import Judged, judge
from sdescent.derive.proof.rocq.notation import ExportError
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.facts.laws import ENTRIES as LAW_ENTRIES
from tests.support.certificates.entries import entry_certificate
from tests.support.samples import mostly_slow, slow_but

rocq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed")
Certificate = dict[str, Any]
ENTRIES = [name for name, entry in entries().items() if isinstance(entry, Theorem) and entry.expected == "PROVED"]
#: a process, and balls
QUICK = ("6.1-pathwise", "8-uniform-4")
#: sums over the steps that follow from a bound on one step, as 6.2-scheduled-method, 6.4-global-scheduled-method and
#: 6.3-clipped-scheduled-method do
ALIKE = (
    "6.2-scheduled-bounded-method", "6.2-harmonic-method", "6.4-global-decreasing-method", "6.4-clients-scheduled-method",
    "6.4-corrected-scheduled-method", "6.3-direction-scheduled-method", "6.3-bounded-scheduled-method",
)  # fmt: skip
#: of the facts about laws, which are proved alike, every ninth: Rocq takes seconds for each
ABOUT_LAWS = [entry.id for entry in LAW_ENTRIES if entry.id in ENTRIES]
JUDGED = [name for name in ENTRIES if name not in (*ABOUT_LAWS, *ALIKE) or name in (*ABOUT_LAWS[::9], *QUICK)]
#: all premises: facts of analysis in general, what the context declares, and what must have a value
KNOWN = {
    "general": re.compile(
        r"E is linear and monotone on the integrable random variables, and E 1 = 1$"
        r"|Int is linear and monotone on the integrable functions of time, and Int 1 = \w+$"
        r"|on functions continuous on \[0, T\] Int is the integral of Riemann$"
        r"|Ito's formula as an inequality \(weak existence, localisation, Fatou\), for all C\^2 functions bounded below"
        r" of state__\w+, "
        r"|Ito's formula as an inequality \(weak existence, localisation, Fatou\) for state__, which begins at origin__, "
        r"|the same with the weight exp\(- the integral of a from 0 to t\), "
        r"|cond__ w n f = E\(f \| F_n\) at w, for f with has_cond__ w n f, is linear and monotone in f, and 1 for f = 1, "
        r"|the tower property: E of E\(f \| F_n\) is E f for measurable f that are integrable, or bounded below "
    ),
    "declared": re.compile(
        r"\w+ is (odd|nondecreasing|bounded|slope|concave right|symmetric|positive semidefinite, that is, a sum of products v v')$"
        r"|\w+ is the number of (coords|clients)$|(coords|clients) lists every one$|0 <= \w+, the horizon$"
        r"|\w+ is a C\^2 function of state__\w+ with this gradient and Hessian, |\w+ is the number of steps, count__$"
        r"|\w+ is value__\w+ of state__, in domain__, \w+ the generator's value, "
        r"|\w+ is path__\w+ n, known at the step n, with E\(path__\w+ \(n \+ 1\) \| F_n\) - path__\w+ n = \w+, "
        r"|path__\w+ n = value__\w+ \(point__\w+ n\), C\^2 with \|hess\| at most t0 \+ t1 \|grad\| everywhere, "
        r"|\|point__\w+ \(n \+ 1\) - point__\w+ n\| is at most .* almost surely, given what is known at n$"
    ),
    "integrable": re.compile(r"integrable(_t|_wt)? \(fun (w|t|w t) => "),
}


def judged(found: Certificate) -> tuple[Exported, Judged]:
    exported = export(found)
    return exported, judge(exported.text, timeout=240)


def test_the_catalogue_has_its_proofs() -> None:
    assert len(ENTRIES) >= 83


@pytest.mark.parametrize("name", mostly_slow(ENTRIES, 12))
def test_premises_are_those_that_are_known(name: str) -> None:
    """No step is assumed: all are proved, from premises that say what is general, declared or finite."""
    steps, exported = entry_certificate(name)["steps"], export(entry_certificate(name))
    assert exported.proved == sum(s["rule"] != "assume" for s in steps)
    assert [p for p in exported.premises if p.kind not in KNOWN or not KNOWN[p.kind].match(p.words)] == []
    assert sum(p.kind == "general" for p in exported.premises) <= 3
    assert re.findall(r"\b(Axiom|Axioms|Parameter|Parameters|Conjecture|Admitted|admit)\b", exported.text) == []


@rocq
@pytest.mark.parametrize("name", slow_but(JUDGED, QUICK[1:]))
def test_rocq_accepts(name: str) -> None:
    _, verdict = judged(entry_certificate(name))
    assert verdict.accepted, verdict.output  # and Print Assumptions names standard axioms alone


def slack(normal: Normal, claim: Any) -> Polynomial:
    """right - left of a relation, in normal form."""
    return normal.polynomial(from_json(claim, relation=True).slack)


# Tampered certificates: each edit makes the certificate invalid for a reason that does not depend on what is proved.


def fewer_assumptions(c: Certificate, rng: random.Random) -> bool:
    """The hypotheses of the last step are exactly the assumptions, so that none can be left out."""
    if not c["statement"]["assumptions"]:
        return False
    del c["statement"]["assumptions"][rng.randrange(len(c["statement"]["assumptions"]))]
    return True


def another_assumption(c: Certificate, rng: random.Random) -> bool:
    """l <= r becomes l <= r + 1, which is weaker, and no hypothesis of the proof."""
    assumptions = [r for r in c["statement"]["assumptions"] if r[0] in ("<=", "<")]
    if not assumptions:
        return False
    chosen = rng.choice(assumptions)
    chosen[2] = ["+", chosen[2], ["q", "1"]]
    return True


def another_coefficient(c: Certificate, rng: random.Random) -> bool:
    """An identity of `certify` with a coefficient doubled whose member is not the zero polynomial."""
    normal = Normal(context_from(c["context"]))
    choices = []
    for step in c["steps"]:
        if step["rule"] == "certify":
            slacks = [slack(normal, c["steps"][n]["claim"]) for n in step["premises"]]
            choices += [
                (step, k)
                for k, (_, numbers, squares) in enumerate(step["data"]["sum"])
                if all(slacks[n] for n in numbers) and all(normal.polynomial(from_json(s)) for s in squares)
            ]
    if not choices:
        return False
    step, k = rng.choice(choices)
    member = step["data"]["sum"][k]
    step["data"]["sum"][k] = [rng.choice(["7/3", "1/9"]) if member[0] not in ("7/3", "1/9") else "5", *member[1:]]
    return True


def another_multiplier(c: Certificate, rng: random.Random) -> bool:
    """An identity of `certify` with 1 added to the multiplier of an equality that is not 0 == 0."""
    normal = Normal(context_from(c["context"]))
    choices = [
        e
        for step in c["steps"]
        if step["rule"] == "certify"
        for e in step["data"]["equalities"]
        if slack(normal, c["steps"][step["premises"][e[0]]]["claim"])
    ]
    if not choices:
        return False
    chosen = rng.choice(choices)
    chosen[1] = ["+", chosen[1], ["q", "1"]]
    return True


def stronger_claim(c: Certificate, rng: random.Random) -> bool:
    """l <= r becomes l <= r - 1, in the statement and in the last step, whose rule gives the other."""
    claim = c["statement"]["claim"]
    claim = [claim[0], claim[1], ["+", claim[2], ["q", rng.choice(["-1", "-1/1000"])]]]
    c["statement"]["claim"] = c["steps"][-1]["claim"] = claim
    return True


def another_statement(c: Certificate, rng: random.Random) -> bool:
    """The statement's claim alone."""
    claim = c["statement"]["claim"]
    c["statement"]["claim"] = [claim[0], ["+", claim[1], ["q", rng.choice(["1", "1/1000"])]], claim[2]]
    return True


def another_name(c: Certificate, rng: random.Random) -> bool:
    """The claim of a `certify` with one constant for another: the identity is one of another polynomial."""
    normal = Normal(context_from(c["context"]))
    constants = [n for n, kind in c["context"]["symbols"].items() if kind == "const"]
    choices = [(s, a, b) for s in c["steps"] if s["rule"] == "certify" for a in constants for b in constants if a != b]
    rng.shuffle(choices)
    for step, a, b in choices:
        renamed = _renamed(step["claim"], a, b)
        if slack(normal, renamed) != slack(normal, step["claim"]):
            step["claim"] = renamed
            return True
    return False


def _renamed(term: Any, a: str, b: str) -> Any:
    if term == ["x", a]:
        return ["x", b]
    return [_renamed(t, a, b) for t in term] if isinstance(term, list) else term


EDITS: list[Callable[[Certificate, random.Random], bool]] = [
    fewer_assumptions,
    another_assumption,
    another_coefficient,
    another_multiplier,
    stronger_claim,
    another_statement,
    another_name,
]
EACH = 2
TAMPERED = EACH * len(EDITS)


@cache
def tampered() -> list[tuple[str, str, Certificate]]:
    """Each edit in turn, twice, of the next entry in which it has something to change; the same ones on every run."""
    rng = random.Random(20261125)
    names = rng.sample(ENTRIES, len(ENTRIES))
    return [_next(edit, names, rng) for _ in range(EACH) for edit in EDITS]


def _next(edit: Callable[[Certificate, random.Random], bool], names: list[str], rng: random.Random) -> tuple[str, str, Certificate]:
    """The first of the names that the edit changes, taken off them, and what it becomes."""
    for name in names:
        edited = copy.deepcopy(entry_certificate(name))
        if edit(edited, rng):
            names.remove(name)
            return name, edit.__name__, edited
    raise LookupError(f"{edit.__name__} changes no entry")


@rocq
@pytest.mark.parametrize("number", [pytest.param(n, marks=() if n < 1 else pytest.mark.slow) for n in range(TAMPERED)])
def test_no_tampered_certificate_is_accepted(number: int) -> None:
    name, edit, edited = tampered()[number]
    try:
        _, verdict = judged(edited)
    except ExportError:
        return
    assert not verdict.accepted, (name, edit)
    assert "Error" in verdict.output, (name, edit, verdict.output)


def test_every_kind_of_edit_is_made() -> None:
    assert Counter(edit for _, edit, _ in tampered()) == {e.__name__: EACH for e in EDITS}
