"""Theorems by interpolation through Rocq: a step with noise, in letters, and the worst case of two steps."""

import copy
from typing import Any

import pytest

from sdescent.derive.proof.rocq.outcomes import OUTCOMES
from tests.derive.proof.rocq.asking import check, rocq
from tests.derive.proof.rocq.judging import export
from tests.support.certificates.instances import THEOREMS


def lower(certificate: dict[str, Any]) -> dict[str, Any]:
    """The claim with 9/10 of its right side, in the statement and in the last step."""
    value = copy.deepcopy(certificate)
    op, left, right = value["statement"]["claim"]
    value["statement"]["claim"] = value["steps"][-1]["claim"] = [op, left, ["*", ["q", "9/10"], right]]
    return value


def less(certificate: dict[str, Any], dropped: int) -> dict[str, Any]:
    value = copy.deepcopy(certificate)
    del value["statement"]["assumptions"][dropped]
    return value


@rocq
@pytest.mark.slow
def test_rocq_accepts_theorems_and_nothing_false() -> None:
    """No premise beyond what the theorem assumes; not with less on the right, nor with an assumption less."""
    valid = {name: make() for name, make in THEOREMS.items()}
    wrong: dict[str, Any] = {}
    for name, value in valid.items():
        assert {step["rule"] for step in value["steps"]} >= {"squared_norm", "certify"}
        for outcomes in OUTCOMES.values() if "steps" in value["context"] else (OUTCOMES["probability-space"],):
            exported = export(value, outcomes)
            assert exported.premises == () and exported.proved > 2
        wrong[f"{name}, lower"] = lower(value)
        wrong |= {
            f"{name}, without assumption {n}": less(value, n) for n in range(len(value["statement"]["assumptions"]))
        }
    check(valid, wrong)
