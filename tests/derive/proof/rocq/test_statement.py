"""The theorem and the premises that an exported file states, and certificates that are not valid ones."""

from __future__ import annotations

from typing import Any

import pytest

from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.notation import ExportError
from sdescent.derive.proof.rocq.script import Premise
from tests.derive.proof.rocq.drafts import Certificate
from tests.derive.proof.rocq.valid_certificates import (
    all_functions,
    coordinates,
    declared,
    descent,
    drift,
    equal_parts,
    instantiated,
    scheduled,
    split,
    young,
)


def theorem(certificate: Certificate) -> str:
    text = translated(certificate).text
    return text[text.index("Theorem certified") : text.index("\nProof. exact", text.index("Theorem certified"))]


def test_the_theorem_says_what_the_certificate_states() -> None:
    assert theorem(young()).split(":\n")[1] == (
        "  (forall (w : W) (t : Time), ((x w t) * (y w)) <= (((1 / 2) * ((x w t) ^ 2)) + ((1 / 2) * ((y w) ^ 2))))."
    )
    assert theorem(descent()).splitlines() == [
        "Theorem certified :",
        "  (forall (w : W) (t : Time), 0 <= (V w t)) ->",
        "  (0 <= eta) ->",
        "  (forall (w : W) (t : Time), (trprod (H w t) (S w t)) <= 1) ->",
        "  (forall (w : W), 0 <= (end' w)) ->",
        "  ((EI (fun w t => ((norm (g w t)) ^ 2))) <= (start + (eta * T))).",
    ]


def test_the_other_coordinate_has_a_name_of_its_own() -> None:
    assert theorem(equal_parts()).endswith("(forall (i : J), (2 * ((a i) ^ 2)) <= ((D + N) * ((a i) ^ 2))).")


def test_premises_are_named() -> None:
    exported = translated(drift())
    assert exported.premises == (Premise("declared", "S is positive semidefinite, that is, a sum of products v v'"),)
    assert exported.proved == 5
    assert translated(young()).premises == ()
    # the last step uses all others, which are about an outcome and a time; its claim is not
    assert [p.words for p in translated(all_functions()).premises] == [
        "there is an outcome, w__",
        "there is a time, t__",
    ]
    assert translated(coordinates()).premises == (Premise("declared", "D is the number of coords"),)


def test_a_process_has_general_premises_alone() -> None:
    """Of analysis: that E and Int are linear and monotone, and Ito for this process; the rest says what is declared or finite."""
    exported = translated(descent())
    general = [p.words.split(" (")[0] for p in exported.premises if p.kind == "general"]
    assert general == [
        "Ito's formula as an inequality",
        "E is linear and monotone on the integrable random variables, and E 1 = 1",
        "Int is linear and monotone on the integrable functions of time, and Int 1 = T",
    ]
    assert [p.words for p in exported.premises if p.kind == "integrable"] == [
        "integrable (fun w => (end' w))",
        "integrable_wt (fun w t => (trprod (H w t) (S w t)))",
        "integrable_wt (fun w t => ((norm (g w t)) ^ 2))",
        "integrable_wt (fun w t => Rabs ((((-1) * ((norm (g w t)) ^ 2)) + (((1 / 2) * (2 * eta)) * (trprod (H w t) (S w t))))))",
    ]
    assert {p.kind for p in exported.premises} == {"general", "integrable", "declared"}
    assert exported.proved == 6
    assert [p.words for p in translated(scheduled()).premises if p.kind == "general"] == [
        "on functions continuous on [0, T] Int is the integral of Riemann"
    ]


def test_comments_do_not_end_early() -> None:
    text = translated(young()).text
    head = text[: text.index("Require")]
    assert head.count("(*") == head.count("*)") == 1
    assert '"' not in head


@pytest.mark.parametrize(
    ("certificate", "path", "value"),
    [
        (descent, ("context", "matrices", "S"), ["symmetric"]),
        (descent, ("context", "potentials", "V", "smooth"), False),
        (drift, ("context", "matrices", "H"), []),
        (drift, ("context", "matrices", "S"), ["symmetric"]),
        (young, ("context", "symbols"), {"x": "random", "y *) Axiom": "rv"}),
        (young, ("context", "symbols"), {"x": "random"}),
        (young, ("context", "symbols"), {"x": "random", "y": "other"}),
        (young, ("format",), "sdescent-certificate-2"),
        (young, ("steps", 0, "premises"), [0]),
        (young, ("steps", 0, "rule"), "admit"),
        (young, ("steps", 0, "data"), {}),
        (young, ("statement", "claim"), ["<=", ["q", "1/0"], ["q", "1"]]),
        (young, ("statement", "claim"), ["<=", ["q", "0) . Axiom"], ["q", "1"]]),
        (declared, ("context", "functions", "exp", "odd"), False),
        (coordinates, ("context", "dimension"), None),
        (instantiated, ("context", "horizon"), "c"),
        (scheduled, ("steps", 3, "premises"), [2]),
        (split, ("steps", 7, "data", "split"), ["<", ["x", "x"], ["q", "0"]]),
    ],
)
def test_what_is_no_certificate_is_an_error(certificate: Any, path: tuple[Any, ...], value: Any) -> None:
    broken = certificate()
    place = broken
    for key in path[:-1]:
        place = place[key]
    assert path[-1] in place or isinstance(path[-1], int)
    place[path[-1]] = value
    with pytest.raises(ExportError):
        translated(broken)


def test_deep_terms_are_an_error() -> None:
    broken = young()
    term = ["x", "x"]
    for _ in range(100_000):
        term = ["+", term]
    broken["steps"][0]["claim"] = ["<=", term, term]
    with pytest.raises(ExportError, match="deep"):
        translated(broken)
