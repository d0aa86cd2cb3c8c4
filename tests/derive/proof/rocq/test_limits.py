"""Replay and export end: a short certificate whose terms or steps double is not exported. Random edits: `tests.support.fuzz`."""

import json
import time

import pytest

from sdescent.derive.proof.replay.check import describe, replay
from sdescent.derive.proof.rocq import export
from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.notation import ExportError
from tests.support.certificates.hostile import ONE, doubled_steps, doubled_terms, proof
from tests.support.certificates.rules import t


@pytest.mark.parametrize("made", [doubled_terms, doubled_steps])
def test_what_doubles_is_exported_while_it_is_small(made) -> None:
    replay(json.dumps(made(4)))
    assert "Print Assumptions" in translated(made(4)).text


@pytest.mark.parametrize(
    "made, units", [pytest.param(doubled_terms, export.UNITS, marks=pytest.mark.slow), (doubled_steps, 10**6)]
)
def test_what_doubles_is_not_exported(made, units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "UNITS", units)
    value = made(30)
    replay(json.dumps(value))
    begun = time.process_time()
    with pytest.raises(ExportError, match="more work than an export may take"):
        translated(value)
    assert time.process_time() - begun < 20


def test_the_domains_of_nested_quotients_are_looked_at_once() -> None:
    """Each level was looked at twice for each look at the one above it."""
    nested = t("b")
    for _ in range(50):
        nested = ["/", ["q", "1"], ["+", ["q", "1"], nested]]
    claim = ["<=", nested, ["+", nested, ["q", "1"]]]
    value = proof([{"rule": "certify", "premises": [], "data": ONE, "claim": claim}])
    begun = time.process_time()
    shown = describe(replay(json.dumps(value)))
    assert time.process_time() - begun < 2
    assert sum(line.startswith("convention") for line in shown) > 20
