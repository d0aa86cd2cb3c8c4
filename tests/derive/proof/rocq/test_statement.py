"""The theorem and the premises that an exported file states, and certificates that are not valid ones."""

from __future__ import annotations

from typing import Any

import pytest

from derive.proof.rocq.export import translated
from derive.proof.rocq.notation import ExportError
from tests.derive.proof.rocq.drafts import Certificate, le, x
from tests.derive.proof.rocq.valid_certificates import (
    all_functions,
    coordinates,
    declared,
    descent,
    drift,
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
        "  (forall (w : W) (t : Time), (trprod__H__S w t) <= 1) ->",
        "  (forall (w : W), 0 <= (end' w)) ->",
        "  ((EI (fun w t => (norm__g w t) ^ 2)) <= (start + (eta * T))).",
    ]


def test_premises_are_named() -> None:
    exported = translated(drift())
    assert [p.split(":")[0] for p in exported.premises] == [
        "step 3, nonnegative",
        "step 4, quad_bound",
        "step 5, trace_bound",
        "step 6, nonnegative",
    ]
    assert exported.proved == 1
    assert translated(young()).premises == ()
    assert translated(coordinates()).premises == ("D is the number of coords",)
    assert translated(all_functions()).premises == ("erf is strictly increasing", "erf(0) = 0")


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
    term = x("x")
    for _ in range(100_000):
        term = ["+", term]
    broken["steps"][0]["claim"] = le(term, term)
    with pytest.raises(ExportError, match="deep"):
        translated(broken)
