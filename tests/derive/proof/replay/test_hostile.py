"""The checker of proof certificates: hostile input. Random edits are cases of `tests.support.fuzz`."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest

from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay, replay_object
from tests.support.certificates.edits import CERTIFICATES, DROP, edited, refused
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
            good.replace(f'"{key}":', f'"extra": 1, "{key}":'),
            good.replace(f'"{key}":', f'"{key}": 1, "{key}":'),
        ]
        texts.append(good.replace(f'"{key}":', '"other":'))
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
    for value in [
        loop,
        wide,
        {1: 2},
        1.5,
        object(),
        ("a",),
        good | {"title": ("x",)},
        good | {"steps": (1,)},
        good | {"steps": []},
    ]:
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
    refused(certificate(certify([], claim)))
    assert time.process_time() - start < 20


def test_many_hypotheses() -> None:
    steps = [assume("a <= 1")]
    for k in range(4_000):
        steps += [{"rule": "assume", "premises": [], "data": {}, "claim": ["<=", ["x", "a"], ["q", str(k + 2)]]}]
        steps += [
            {"rule": "certify", "premises": [max(2 * k, 0), 2 * k + 1], "data": steps[0]["data"], "claim": t("0 <= 1")}
        ]
        steps[-1]["data"] = {"mult": [["1", [], []]], "sum": [["1", [], []]], "equalities": []}
    assert "work" in str(refused(certificate(*steps[:1]) | {"steps": steps}))


def test_nested_terms() -> None:
    deep = t("a")
    for _ in range(80):
        deep = ["f", "exp", deep]
    value = certificate(assume("a <= 1"))
    value["steps"][0]["claim"] = ["<=", deep, ["q", "1"]]
    refused(value)
    for depth in (148, 149, 150, 151, 300):
        tall = t("a")
        for _ in range(depth):
            tall = ["+", tall]
        value = certificate({**assume("a <= 1"), "claim": ["<=", tall, ["q", "1"]]})
        if depth < 150:
            replay(json.dumps(value))
        else:
            refused(value)
    value = certificate(assume("a <= 1"))
    value["steps"] *= 20_001
    refused(value)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("symbols", "g"), "const"),
        (("symbols", "1a"), "const"),
        (("symbols", "a_"), "const"),
        (("symbols", "a\n"), "const"),
        (("symbols", "a"), "constant"),
        (("symbols", "H"), "const"),
        (("vectors",), ["g", "g", "u", "v"]),
        (("vectors",), ["u", "v"]),
        (("matrices", "A"), ["psd", "psd"]),
        (("matrices", "A"), ["positive"]),
        (("matrices", "A"), "psd"),
        (("matrices", "H"), []),
        (("functions", "F", "even"), True),
        (("functions", "F", "slope"), "2"),
        (("functions", "a"), {}),
        (("horizon",), "t"),
        (("horizon",), "zz"),
        (("horizon",), "d"),
        (("dimension",), 3),
        (("clients",), "zz"),
        (("clients",), "d"),
        (("clients",), "T"),
        (("clients",), "eta"),
        (("clients",), ["n"]),
        (("clients",), DROP),
        (("symbols", "eta"), "clock"),
        (("potentials", "X"), {}),
        (("potentials", "V", "smooth"), 1),
        (("potentials", "V", "end"), "X"),
        (("potentials", "V", "start"), "eta"),
        (("potentials", "V", "gradient"), "H"),
        (("potentials", "V", "hessian"), "N"),
        (("potentials", "V", "more"), "N"),
        (("potentials", "V", "drift"), DROP),
        (("potentials", "V", "diffusion"), [[t("1"), ["m", "H"]]]),
        (("potentials", "V", "diffusion"), [[t("1"), ["v", "g"]]]),
        (("potentials", "V", "drift"), [[t("1"), ["v", "H"]]]),
        (("potentials", "V", "drift"), [[t("1"), ["v", "g"], 1]]),
        (("potentials", "V", "drift"), [[t("VT"), ["v", "g"]]]),
        (("potentials", "V", "drift"), [["eta", ["v", "g"]]]),
        (("more",), {}),
    ],
)
def test_contexts(path: tuple[str, ...], to: Any) -> None:
    refused(edited("assume", "context", *path, to=to))


def test_many_names() -> None:
    value = copy.deepcopy(CERTIFICATES["assume"])
    value["context"]["symbols"] |= {f"n{k}": "const" for k in range(400)}
    refused(value)
