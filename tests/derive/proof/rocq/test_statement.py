"""The theorem and the premises that an exported file states, and certificates that are not valid ones."""

from typing import Any

import pytest

from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.notation import ExportError
from sdescent.derive.proof.rocq.script import Premise
from tests.derive.proof.rocq.asking import Certificate
from tests.support.certificates.edits import edited_in
from tests.support.certificates.invalid import ALL
from tests.support.certificates.rules import certificate, certify, law, t


def theorem(certificate: Certificate) -> list[str]:
    text = translated(certificate).text
    start = text.index("Theorem certified")
    return [line.strip() for line in text[start : text.index("\nProof. exact", start)].splitlines()[1:]]


def test_the_theorem_says_what_the_certificate_states() -> None:
    assert theorem(ALL["certify squares"]) == ["(((2 * a) * b) <= ((a ^ 2) + (b ^ 2)))."]
    assert theorem(ALL["telescope"]) == [
        "(0 < eta) ->",
        "((eta * L0) <= 1) ->",
        "(forall (w : W) (t : Time), 0 <= (V w t)) ->",
        "(forall (w : W), 0 <= (VT w)) ->",
        "(((eta * (/ 2)) * (EI (fun w t => ((norm (g w t)) ^ 2)))) <= (V0 + ((((T * L0) * (eta ^ 2)) * s2) * (/ 2)))).",
    ]


def test_the_other_coordinate_has_a_name_of_its_own() -> None:
    square = certificate(certify([], "0 <= xi(sj)**2", [["1", [], [t("xi(sj)")]]]))
    assert theorem(square) == ["(forall (i : J), 0 <= ((sj i) ^ 2))."]


def test_premises_are_named() -> None:
    exported = translated(ALL["trace_bound"])
    assert exported.premises == (Premise("declared", "A is positive semidefinite, that is, a sum of products v v'"),)
    assert exported.proved == 1
    assert translated(ALL["certify squares"]).premises == ()
    # the last step uses the one before, which is about an outcome and a time; its claim is not
    size = law("abs_nonneg", ["X"], "0 <= abs(X)")
    pointless = translated(certificate(size, certify([0], "0 <= 1", [["1", [], []]])))
    assert [p.words for p in pointless.premises] == ["there is an outcome, w__", "there is a time, t__"]


def test_a_process_has_general_premises_alone() -> None:
    """Of analysis: that E and Int are linear and monotone, and Ito for this process; the rest says what is declared or finite."""
    exported = translated(ALL["ito"])
    general = [p.words.split(" (")[0] for p in exported.premises if p.kind == "general"]
    assert general == [
        "Ito's formula as an inequality",
        "E is linear and monotone on the integrable random variables, and E 1 = 1",
        "Int is linear and monotone on the integrable functions of time, and Int 1 = T",
    ]
    assert [p.words.partition(" => ")[2] for p in exported.premises if p.kind == "integrable"] == [
        "(VT w))",
        "((eta t) ^ 2 * (trprod (H w t) (A w t))))",
        "((eta t) * (norm (g w t)) ^ 2))",
        "Rabs (((((-1) * (eta t)) * ((norm (g w t)) ^ 2)) + (((1 / 2) * ((eta t) ^ 2)) * (trprod (H w t) (A w t))))))",
    ]
    assert {p.kind for p in exported.premises} == {"general", "integrable", "declared"}
    assert exported.proved == 2
    assert [p.words for p in translated(ALL["primitive"]).premises if p.kind == "general"] == [
        "on functions continuous on [0, T] Int is the integral of Riemann"
    ]


def test_comments_do_not_end_early() -> None:
    text = translated(ALL["certify squares"] | {"title": 'Young *) "quoted" (* nested'}).text
    head = text[: text.index("Require")]
    assert head.count("(*") == head.count("*)") == 1
    assert '"' not in head


#: name, place, what is put there; `test_rules` has what Rocq refuses
NO_CERTIFICATES: list[tuple[Any, ...]] = [
    ("ito", "context", "matrices", "A", ["symmetric"]), ("ito", "context", "potentials", "V", "smooth", False),
    ("quad_bound", "context", "matrices", "H", []), ("declared", "context", "functions", "F", "odd", False),
    ("sum over i", "context", "dimension", None), ("instantiate", "steps", 2, "data", "symbol", "T"),
    ("primitive", "steps", 3, "premises", [0]), ("cases", "steps", 5, "data", "split", "!X < 0"),
    ("assume", "context", "symbols", "y *) Axiom", "rv"), ("assume", "context", "symbols", "a", "other"),
    ("assume", "statement", "claim", "!a <= nobody"), ("assume", "format", "sdescent-certificate-2"),
    ("assume", "steps", 0, "premises", [0]), ("assume", "steps", 0, "rule", "admit"), ("abs", "steps", 0, "data", {}),
    ("assume", "statement", "claim", ["<=", ["q", "1/0"], ["q", "1"]]),
    ("assume", "statement", "claim", ["<=", ["q", "0) . Axiom"], ["q", "1"]]),
]  # fmt: skip


@pytest.mark.parametrize("edit", NO_CERTIFICATES, ids=str)
def test_what_is_no_certificate_is_an_error(edit: tuple[Any, ...]) -> None:
    name, *path, value = edit
    translated(ALL[name])
    with pytest.raises(ExportError):
        translated(edited_in(ALL[name], *path, to=value))


def test_deep_terms_are_an_error() -> None:
    term = ["x", "a"]
    for _ in range(100_000):
        term = ["+", term]
    step = {"rule": "assume", "premises": [], "data": {}, "claim": ["<=", term, term]}
    broken = certificate(certify([], "0 <= 1")) | {"steps": [step]}
    with pytest.raises(ExportError, match="deep"):
        translated(broken)
