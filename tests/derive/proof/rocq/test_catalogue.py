"""The catalogue through Rocq: proofs from all its parts are accepted, and the premises of every proof are known ones.

That no edited proof is exported follows from what the replay refuses; `test_rules` shows what Rocq refuses without the replay.
"""

import re

import pytest

from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Theorem
from tests.derive.proof.rocq.asking import check, rocq
from tests.derive.proof.rocq.judging import MACHINE, STANDARD, export, judge
from tests.derive.proof.rocq.test_balls import BALLS
from tests.derive.proof.rocq.test_rules import VALID
from tests.support.certificates.entries import entry_certificate

ENTRIES = [name for name, entry in entries().items() if isinstance(entry, Theorem) and entry.expected == "PROVED"]
#: what is proved by hand here and these use each lemma of the library that any entry uses
JUDGED = (
    "4-identity", "6.2-heavy-ball-method", "6.3-clipped-scheduled-method", "6.4-classic-scheduled", "6.5-corrected", "6.8-needed",
    "8-logistic-regression", "8-separable", "8-student-t-3-4",
)  # fmt: skip
#: all premises: facts of analysis in general, what the context declares, and what must have a value
KNOWN = {
    "general": re.compile(
        r"E is linear and monotone on the integrable random variables, and E 1 = 1$"
        r"|Int is linear and monotone on the integrable functions of time, and Int 1 = \w+$"
        r"|on functions continuous on \[0, T\] Int is the integral of Riemann$"
        r"|Ito's formula as an inequality \(weak existence, localisation, Fatou\), for all C\^2 functions bounded below"
        r" of state__\w+, "
        r"|Ito's formula as an inequality \(weak existence, localisation, Fatou\) for a\(t\) V, "
        r"a at least 0 and C\^1, along state__, "
        r"|the same with the weight exp\(- the integral of a from 0 to t\), "
        r"|cond__ w n f = E\(f \| F_n\) at w, for f with has_cond__ w n f, is linear and monotone in f, and 1 for f = 1, "
        r"|the tower property: E\[E\(f \| F_n\)\] = E f for every measurable f that is integrable, or that is bounded below "
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


def test_the_catalogue_has_its_proofs() -> None:
    assert len(ENTRIES) >= 83


def lemmas(text: str) -> set[str]:
    """Those of the library that a file has, and the rules of its steps."""
    return set(re.findall(r"^(?:Lemma|Definition) ([A-Za-z0-9_]+__[A-Za-z0-9_]*)", text, re.MULTILINE)) | set(
        re.findall(r"^\(\* Step \d+: [a-z_]+ \*\)", re.sub(r"\d+", "0", text), re.MULTILINE)
    )


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 12])
def test_premises_are_those_that_are_known(every: int) -> None:
    """No step is assumed: all are proved, from premises that say what is general, declared or finite."""
    used: dict[str, set[str]] = {}
    for name in ENTRIES[::every]:
        steps, exported = entry_certificate(name)["steps"], export(entry_certificate(name))
        assert exported.proved == sum(s["rule"] != "assume" for s in steps), name
        assert [p for p in exported.premises if p.kind not in KNOWN or not KNOWN[p.kind].match(p.words)] == [], name
        assert sum(p.kind == "general" for p in exported.premises) <= 3, name
        assert re.findall(r"\b(Axiom|Axioms|Parameter|Parameters|Conjecture|Admitted|admit)\b", exported.text) == [], (
            name
        )
        used[name] = lemmas(exported.text.partition("Section Certificate.")[0])
    if every == 1:
        by_itself = re.compile(r"(alg|ball)__\d")
        by_hand = set().union(*(lemmas(translated(c).text) for c in (*VALID.values(), *BALLS.values())))
        judged = by_hand.union(*(used[name] for name in JUDGED))
        assert {lemma for names in used.values() for lemma in names - judged if not by_itself.match(lemma)} == set()


@rocq
def test_the_judge_accepts() -> None:
    verdict = judge(export(entry_certificate(JUDGED[0])).text, timeout=240)
    assert verdict.accepted, verdict.output  # and Print Assumptions names standard axioms alone


@rocq
@pytest.mark.slow
def test_rocq_accepts_proofs_from_all_parts() -> None:
    """In one process."""
    check({name: entry_certificate(name) for name in JUDGED[1:]}, {}, STANDARD | MACHINE)
