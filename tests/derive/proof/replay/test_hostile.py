"""The checker of proof certificates: hostile input. Random edits are cases of `tests.support.fuzz`."""

import copy
import json
import time
from typing import Any

import pytest

from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay, replay_object
from tests.support.certificates.edits import accepted, refused
from tests.support.certificates.invalid import CERTIFICATES
from tests.support.certificates.rules import assume, certificate, certify, t


def test_hostile_text() -> None:
    good = json.dumps(CERTIFICATES["certify premises"])
    replay(good)
    texts: list[Any] = ["", "{", "[]", "null", "1", '"x"', b"\xff\xfe", b"\xef\xbb\xbf{}", None, 3]
    texts += ["[" * 100_000, '{"a":' * 5_000, "[" * 300 + "]" * 300, good + good, good.replace("[0, 1]", "[0.0, 1]")]
    numbers = ["1e3", "NaN", "Infinity", "1" * 5_000, '"' + "1" * 5_000 + '"', '"2/0"', '"4/2"', '"02"', '"-0"', '"+2"']
    numbers += ['"2.0"', '" 2"', '"\u0662"', '"-2"', "true", "null", "2", '["q", "-2"]', '"2/1"', '"1e3"']
    texts += [good.replace('"2"', number) for number in numbers]
    for key in ("title", "data", "mult", "claim", "symbols"):
        texts += [
            good.replace(f'"{key}":', other) for other in (f'"extra": 1, "{key}":', f'"{key}": 1, "{key}":', '"other":')
        ]
    texts += [good.replace("certificate-1", "certificate-2"), good.replace('"by hand"', "7")]
    for text in texts:
        if text == good:
            pytest.fail("nothing was replaced")
        with pytest.raises((Invalid, Unreadable)) as caught:
            replay(text)
        assert "internal" not in str(caught.value)


def test_hostile_objects() -> None:
    loop: list[Any] = []
    loop.append(loop)
    wide: Any = ["q", "1"]
    for _ in range(64):
        wide = [wide, wide]
    good = CERTIFICATES["assume"]
    odd: list[Any] = [loop, wide, {1: 2}, 1.5, object(), ("a",)]
    for value in [*odd, good | {"title": ("x",)}, good | {"steps": (1,)}, good | {"steps": []}]:
        with pytest.raises((Invalid, Unreadable)) as caught:
            replay_object(value)
        assert "internal" not in str(caught.value)


@pytest.mark.parametrize(
    "claim",
    [
        "((a + b + c + X + Y + V + eta)**20)**2 == 0",
        "((((3/7)**64)**64)**64)**64 == 0",
        "((((a**64)**64)**64)**64)**64 == 0",
        "1/(a + 1/(b + 1/(c + (a + b + c + X + Y)**60))) == 0",
    ],
)
def test_work_is_bounded(claim: str) -> None:
    start = time.process_time()
    refused(certificate(certify([], claim)), None)
    assert time.process_time() - start < 20


def test_many_hypotheses() -> None:
    steps = [assume("a <= 1")]
    for k in range(4_000):
        steps.append(assume("a <= 1") | {"claim": ["<=", ["x", "a"], ["q", str(k + 2)]]})
        steps.append(certify([2 * k, 2 * k + 1], "0 <= 1", [["1", [], []]]))
    assert "work" in refused(certificate(*steps[:1]) | {"steps": steps}, None)


def test_nested_terms() -> None:
    def nested(head: list[Any], depth: int) -> dict[str, Any]:
        tall = t("a")
        for _ in range(depth):
            tall = [*head, tall]
        return certificate(assume("a <= 1") | {"claim": ["<=", tall, ["q", "1"]]})

    refused(nested(["f", "exp"], 80), None)
    accepted(nested(["+"], 149))
    refused(nested(["+"], 150))
    value = certificate(assume("a <= 1"))
    value["steps"] *= 20_001
    refused(value, None)


def test_many_names() -> None:
    value = copy.deepcopy(CERTIFICATES["assume"])
    value["context"]["symbols"] |= {f"n{k}": "const" for k in range(400)}
    refused(value)
