"""The two checkers of proofs in one variable share no code: each says of the other's cases what the other says."""

from __future__ import annotations

import json
from typing import Any

from sdescent.derive.proof.kernel.one_variable import check_ball
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay
from tests.derive.proof.kernel.test_one_variable import ACCEPTED, REFUSED
from tests.derive.proof.replay.test_one_variable import BAD, GOOD, one
from tests.support.certificates.rules import certificate, step


def kernel_takes(data: dict[str, Any]) -> bool:
    try:
        check_ball(data)
    except ProofError:
        return False
    return True


def replay_takes(data: dict[str, Any]) -> bool:
    """At a, which is assumed to be in the interval, right of its left end."""
    data = json.loads(json.dumps(data))  # terms as the lists that they are in a file

    def at(raw: Any) -> Any:
        return ["x", "a"] if raw == ["x", "x"] else [at(part) for part in raw] if isinstance(raw, list) else raw

    bounds = [["<", ["q", data["low"]], ["x", "a"]]] if data["low"] is not None else []
    bounds += [["<=", ["x", "a"], ["q", data["high"]]]] if data["high"] is not None else []
    steps = [{"rule": "assume", "premises": [], "data": {}, "claim": bound} for bound in bounds]
    last = step("ball", list(range(len(bounds))), {**data, "at": ["x", "a"]}, "0 <= 1")
    last["claim"] = ["<" if data["strict"] else "<=", ["q", "0"], at(data["term"])]
    try:
        replay(json.dumps(certificate(*steps, last)))
    except (Invalid, Unreadable):
        return False
    return True


def test_the_replay_says_what_the_kernel_says() -> None:
    assert [name for name, data in ACCEPTED.items() if not replay_takes(data)] == []
    assert [name for name, data in REFUSED.items() if replay_takes(data)] == []


def test_the_kernel_says_what_the_replay_says() -> None:
    for cases, good in ((GOOD, True), (BAD, False)):
        for case in cases:
            data = one(*case)["steps"][-1]["data"]
            assert kernel_takes({key: value for key, value in data.items() if key != "at"}) is good, case
