"""The catalogue of theorems: what comes out, what is assumed, and that wrong points and witnesses are noticed.

Run as a program this file rewrites tests/derive/theorems/theorem_hypotheses.json: read the difference before you commit it.
"""

import dataclasses
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest
import sympy as sp

from sdescent.derive.proof.kernel.certificate import FORMAT, context_json, dumps
from sdescent.derive.proof.kernel.rules import AXIOMS
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, norm, num, x
from sdescent.derive.proof.language.text import text
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.theorems.catalogue import BY_HAND, chosen, entries
from sdescent.derive.theorems.entry.checking import (
    CORRECTED,
    FIRST,
    KINDS,
    LINEARISED,
    MAIN,
    METHOD,
    ODE,
    STATE,
    Checked,
    check,
)
from sdescent.derive.theorems.entry.instances import holds, value
from sdescent.derive.theorems.entry.theorem import Refutation, Theorem
from sdescent.derive.theorems.facts.laws import CATALOGUE_LAWS, LAWS, bounds
from sdescent.derive.theorems.literature import files
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.formulas import Numbers, paths
from tests.support.certificates.entries import checked_entry

TABLE = Path(__file__).with_name("theorem_hypotheses.json")

ENTRIES = entries()
REFUTATIONS = [e for e in ENTRIES.values() if isinstance(e, Refutation)]

ITO = ("weak-existence", "localisation", "fatou", "integrability")
#: every theorem that uses an axiom; a new one must be written here
AXIOMS_OF = {
    **dict.fromkeys((
        "6.1-scheduled", "6.2-scheduled", "6.2-heavy-ball-average", "6.3-low-scheduled", "6.3-high-scheduled",
        "6.4-classic-scheduled", "6.4-corrected-scheduled", "6.4-global-scheduled", "6.4-clients-scheduled",
        "6.5-first-order", "6.5-corrected", "6.5-sign",
    ), ITO),
    **dict.fromkeys((
        "6.2-expectation-repaired", "6.6-ratio", "6.6-limit", "6.7-change-method", "6.7-affine-method",
        "6.2-scheduled-method", "6.2-scheduled-bounded-method", "6.2-root-method", "6.2-harmonic-method",
        "6.2-summable-method", "6.2-heavy-ball-method", "6.5-corrected-method", "6.5-convex-method",
        "6.5-strongly-convex-method", "6.6-roots-method", "6.6-harmonic-method", "6.6-harmonic-above-method",
        "6.6-squares-method", "6.4-global-scheduled-method", "6.4-global-decreasing-method",
        "6.4-clients-scheduled-method", "6.4-corrected-scheduled-method", "6.3-direction-scheduled-method",
        "6.3-bounded-scheduled-method", "6.3-clipped-scheduled-method", "6.9-mean-growth", "6.9-mean-induction",
        "6.9-mean-loss",
    ), ("integrability",)),
}  # fmt: skip
#: assumptions that are stated and not used
UNUSED = {
    **dict.fromkeys(("6.1-pathwise", "6.1-scheduled", "6.2-pathwise", "6.2-scheduled", "6.2-expectation-repaired"), ("s1_k >= 0",)),
    **dict.fromkeys(("6.5-first-order", "6.5-corrected"), ("d >= 0", "s0_k >= 0", "s1_k >= 0")),
    "6.4-classic": ("sigma_k > 0", "u >= 0"), "6.9-induction": ("eta_n >= 0",),
}  # fmt: skip


def statement(entry: Theorem | Refutation) -> dict[str, Any]:
    """Everything that an entry assumes, and what it claims."""
    if isinstance(entry, Refutation):
        assumed = {name: text(r) for name, r in entry.assume.items()}
        return {"assume": assumed, "claim": text(entry.claim)}
    found = checked_entry(entry.id)
    return {
        "context": context_json(entry.context),
        "assumptions": {name: text(r) for name, r in entry.assumptions.items()},
        "definitions": {name: text(r) for name, r in entry.definitions.items()},
        "claim": found.steps[-1]["plain"] if found.steps else None,
    }


def table() -> dict[str, Any]:
    """The statements of all entries; equal contexts are written once."""
    contexts: list[dict[str, Any]] = []
    found: dict[str, Any] = {}
    for entry in ENTRIES.values():
        said = statement(entry)
        if "context" in said:
            if said["context"] not in contexts:
                contexts.append(said["context"])
            said["context"] = contexts.index(said["context"])
        found[entry.id] = said
    return {"contexts": contexts, "entries": found}


def tabled() -> dict[str, dict[str, Any]]:
    """The statements as they stand in the table."""
    kept = json.loads(TABLE.read_text())
    for said in kept["entries"].values():
        if "context" in said:
            said["context"] = kept["contexts"][said["context"]]
    return kept["entries"]


TABLED = tabled()


# --- what is true of every entry ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry(name: str) -> None:
    """What comes out, its hypotheses, its point, its certificate, its object, and the lines that carry it."""
    entry, found = ENTRIES[name], checked_entry(name)
    assert entry.id == name and found.as_expected, f"{found.status}: {found.reason}"
    assert found.status == (Verdict.PROVED if isinstance(entry, Theorem) else Verdict.REFUTED)
    assert found.steps
    assert found.axioms == AXIOMS_OF.get(name, ()) and found.unused == UNUSED.get(name, ())
    # names, contexts, assumptions, definitions and claims are those of the table, which a person has read
    assert statement(entry) == TABLED[name]
    if isinstance(entry, Theorem):
        check_point(entry)
        check_certificate(found)
        check_lines(entry, found)
        check_object(entry, found.about)
    else:
        assert not entry.repair or isinstance(ENTRIES[entry.repair], Theorem)


def check_point(theorem: Theorem) -> None:
    """Everything given holds there, and where a step is positive; with a number that contradicts it, nothing comes out."""
    given = {**theorem.assumptions, **theorem.definitions}
    moving = {**theorem.point, x("eta"): Fraction(1, 100), x("eps"): Fraction(1, 2)}
    for point in (theorem.point, *((moving,) if x("eps") in theorem.point else ())):
        assert [name for name, r in given.items() if not holds(r, point)] == []
    for symbol in theorem.point:
        point = {**theorem.point, symbol: Fraction(-1)}
        if failing := [name for name, r in theorem.assumptions.items() if not _holds(r, point)]:
            found = check(dataclasses.replace(theorem, point=point))
            assert found.status == Verdict.UNDECIDED
            assert failing[0] in found.reason or "no exact value" in found.reason
            return
    assert not theorem.assumptions


def check_certificate(found: Checked) -> None:
    """It is JSON of the format, says what was checked, and replays."""
    assert found.certificate is not None
    written = dumps(found.certificate)
    again = json.loads(written)
    assert again == json.loads(json.dumps(found.certificate))
    assert set(again) == {"format", "title", "sources", "context", "statement", "witness", "steps"}
    said = again["statement"]
    assert again["format"] == FORMAT and set(said) == {"assumptions", "definitions", "axioms", "claim"}
    assert all(d[0] == "==" for d in said["definitions"])
    for n, step in enumerate(again["steps"]):
        assert set(step) == {"rule", "premises", "data", "claim"} and all(0 <= p < n for p in step["premises"])
    replayed = replay(written)
    assert replayed.claim == said["claim"] == again["steps"][-1]["claim"]
    assert tuple(said["axioms"]) == tuple(sorted(found.axioms)) and set(replayed.axioms) == set(found.axioms)
    for listed in (said, vars(replayed)):
        assert len(listed["assumptions"]) == len(found.assumptions) and len(listed["definitions"]) == len(
            found.definitions
        )
    assert replayed.satisfiability == found.satisfiability == "shown"


def check_lines(theorem: Theorem, found: Checked) -> None:
    """A few carry the proof, the last of which is the claim; what they are from is all that it uses."""
    assert 1 <= sum(s["main"] for s in found.steps) <= MAIN and found.steps[-1]["main"]
    stated = {*theorem.assumptions, *theorem.definitions}
    for n, step in enumerate(found.steps):
        assert set(step["from"]) <= stated | {s["text"] for s in found.steps[:n]}
    given = {n for n, _ in (*found.assumptions, *found.definitions)}
    assert given <= {word for s in found.steps for word in s["from"]} | {s["text"] for s in found.steps}


#: words of titles that name an object
WORDS = {
    "first-order model": FIRST, "corrected model": CORRECTED, "second-order model": "second-order SDE", "without noise": ODE,
    "near the optimum": LINEARISED, "on the quartic": METHOD, "itself": METHOD, "integral": "schedule",
    "The normalisation": "constants", "Scaling rule": "constants",
}  # fmt: skip


def check_object(theorem: Theorem, about: str) -> None:
    """It is what the title says."""
    said = {kind for words, kind in WORDS.items() if words in theorem.title}
    if theorem.id.startswith("6."):
        assert len(said) <= 1 and (about in said if said else about in (CORRECTED, STATE, "schedule"))
    elif theorem.id[0] in "48":
        assert about in KINDS.values()


def test_the_tables_have_no_other_entries() -> None:
    assert set(AXIOMS) == set(ITO) and {*AXIOMS_OF, *UNUSED} <= set(ENTRIES) == set(TABLED)


# --- points -----------------------------------------------------------------------------------------------------------


def _holds(relation: Relation, point: Any) -> bool:
    try:
        return holds(relation, point)
    except ProofError:
        return False


def test_a_point_without_a_value_is_refused() -> None:
    theorem = ENTRIES["6.2-pathwise"]
    assert isinstance(theorem, Theorem)
    found = check(dataclasses.replace(theorem, point={k: v for k, v in theorem.point.items() if k != x("eta")}))
    assert found.status == Verdict.UNDECIDED
    with pytest.raises(ProofError, match="no value for"):
        value(norm(("v", "g")) + x("eta"), {x("eta"): 1})


def test_a_theorem_that_assumes_more_than_it_says() -> None:
    """A hypothesis that the derivation brings in by itself is found out."""
    theorem = ENTRIES["4-bernoulli"]
    assert isinstance(theorem, Theorem)
    more = num(1).le(x("p"))
    found = check(dataclasses.replace(theorem, claim=more, prove=lambda w: w.kernel.assume(more)))
    assert (found.status, found.certificate, found.as_expected) == (Verdict.UNDECIDED, None, False)
    assert "assumes what the theorem does not" in found.reason


# --- laws of the noise ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", CATALOGUE_LAWS)
def test_facts_of_laws_are_about_the_engines_laws(law: str) -> None:
    """The claims that the entries of theory 8 prove are the facts of `sdescent.derive.methods.noise`, derivatives included."""
    y = sp.Symbol("y", positive=True)
    mean = sp.lambdify(y, LAWS[law].sign_mean(y), "mpmath")
    with mpmath.workdps(40):
        a, quarter = mean(mpmath.mpf(1)), mpmath.mpf(1) / 4
        steep = mpmath.diff(mean, mpmath.mpf("1e-12")) if law != "uniform" else mpmath.mpf(1)
        for bound in bounds(law):
            for at in map(mpmath.mpf, ("0.3", "0.8", "1.7", "5")):
                if at < float(bound.low) or (bound.high is not None and at > float(bound.high)):
                    continue
                wanted = {
                    "concave": lambda v: -mpmath.diff(mean, v, 2),
                    "slope": lambda v: steep - mpmath.diff(mean, v),
                    "product": lambda v: v * mean(v) - a * (v - quarter),
                    "hyperbola": lambda v: mean(v) - a * v / (1 + v),
                    "minimum": lambda v: mean(v) - a * min(v, mpmath.mpf(1)),
                }[bound.fact](at)
                number = Numbers({x("x"): paths(float(at))}).value(bound.term).item()
                assert abs(number - wanted) < mpmath.mpf("1e-9"), (bound.fact, at)


# --- witnesses --------------------------------------------------------------------------------------------------------

#: numbers close to the witness: where the claim holds, and outside what is assumed
NEAR: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "6.2-expectation": ({"p": 1, "eps": Fraction(5, 4)}, {"eta": Fraction(51, 100)}),
    "6.2-kappa-fifth": ({"G": 1, "eps": 1}, {"eta": Fraction(1, 25)}),
    "6.4-chord": ({"v": 100}, {"l": Fraction(1, 101)}),
    "6.8-linear": ({"rw": 1}, {"re": 3}),
    "6.9-equality": ({"x0": 0, "x1": 0, "q": 2}, {"q": Fraction(21, 10)}),
    "8-rosenbrock": ({"v": 0, "p": 0}, {"p": 9999}),
    "8-psi-half": ({"D": 0, "p": 1}, {"p": 3}),
}


@pytest.mark.parametrize("entry", REFUTATIONS, ids=lambda e: e.id)
def test_a_point_that_refutes_nothing(entry: Refutation) -> None:
    satisfied, outside = ({**entry.witness, **numbers} for numbers in NEAR[entry.id])
    found = check(dataclasses.replace(entry, witness=satisfied))
    assert found.status == Verdict.UNDECIDED, found.counterexample
    if entry.id != "6.9-equality":  # there x_0 = 0 is outside q = e x_0^2
        assert found.reason == "the claim holds at the witness"
    out = check(dataclasses.replace(entry, witness=outside))
    assert out.status == Verdict.UNDECIDED
    assert "does not satisfy" in out.reason
    missing = check(dataclasses.replace(entry, witness=dict(list(entry.witness.items())[1:])))
    assert missing.status == Verdict.UNDECIDED


# --- certificates -----------------------------------------------------------------------------------------------------


def test_a_theorem_whose_declarations_nothing_satisfies_is_not_shown_to_say_something() -> None:
    """Its bound is negative: its point satisfies the assumptions, but no function does the declaration."""
    theorem = ENTRIES["6.4-global-pathwise"]
    assert isinstance(theorem, Theorem)
    context, odd = theorem.context, theorem.context.functions["R"]
    other = dataclasses.replace(context, functions={"R": {**odd, "bounded": num(-1)}})
    found = check(dataclasses.replace(theorem, context=other))
    assert found.status == Verdict.PROVED and found.satisfiability == "not shown"
    assert found.certificate is not None and "witness" not in found.certificate


@pytest.mark.slow
def test_a_refutation_is_not_left_to_z3(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with much to do z3 may never answer in time: what the catalogue refutes and mends is found without it."""
    monkeypatch.setattr("sdescent.derive.proof.refute.counterexample.consult", lambda *_: ("unknown", {}))
    mended = [e for e in REFUTATIONS if e.mended]
    assert len(mended) > 4
    assert {e.id: (c.status, c.reason) for e in mended if (c := check(e)).status != "REFUTED"} == {}


def test_statements_are_tex() -> None:
    """Signs beyond ASCII are for titles, which are escaped; TeX has commands for them. No text has lost a backslash."""
    for id, entry in ENTRIES.items():
        typed = getattr(entry, "remark", "") + "".join(q.words for q in entry.quotes)
        assert entry.unchecked and (typed + entry.unchecked.latex).isascii(), id
        assert (typed + entry.title + entry.source + "".join(q.source for q in entry.quotes)).isprintable(), id


def test_every_entry_names_a_source_that_a_reader_can_find() -> None:
    """A publication, or that there is none; no section of a text that readers do not have."""
    named = re.compile(r"\b(19|20)\d\d\b|arXiv \d{4}\.\d{5}|\bours\b|^elementary\b|^the definition of omega$")
    for entry in (*ENTRIES.values(), *chosen([*entries(BY_HAND), *files()])):
        assert named.search(entry.source) and "theory" not in entry.source, (entry.id, entry.source)


if __name__ == "__main__":
    found = table()
    lines = ",\n  ".join(json.dumps(context) for context in found["contexts"])
    said = json.dumps(found["entries"], indent=1).replace("\n", "\n ")
    TABLE.write_text(f'{{\n "contexts": [\n  {lines}\n ],\n "entries": {said}\n}}\n')
