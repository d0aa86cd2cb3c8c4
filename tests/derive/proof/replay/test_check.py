"""The checker of proof certificates accepts what is valid, says what was proved, and refuses every edit that breaks it."""

from __future__ import annotations

import copy
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.proof.replay.check import Invalid, describe, replay, replay_object
from tests.support.certificates.edits import CERTIFICATES, EDITS, edited, refused
from tests.support.certificates.models import satisfies_in_models
from tests.support.certificates.rules import certificate, certify, t
from tests.support.samples import mostly_slow

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("name", CERTIFICATES)
def test_valid(name: str) -> None:
    replayed = replay(json.dumps(CERTIFICATES[name]))
    steps = CERTIFICATES[name]["steps"]
    assert replayed.rechecked + replayed.trusted == len(steps)
    trusting = [s for s in steps if s["rule"] in ("ito", "gronwall") or s["data"].get("operator") in ("E", "I", "EI")]
    assert replayed.trusted == len(trusting)
    assert replay_object(CERTIFICATES[name]) == replayed
    assert replay(json.dumps(CERTIFICATES[name]).encode()) == replayed
    # In models that satisfy what is assumed the claim holds: the certificates of this file are no nonsense.
    assert satisfies_in_models(CERTIFICATES[name])


# A place of a valid certificate, and what to put there to make it invalid ("!text" is the term or relation in infix).


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: "/".join(str(part) for part in edit[:-1]))
def test_edited(edit: tuple[Any, ...]) -> None:
    name, *path, to = edit
    value = edited(name, *path, to=to)
    assert json.dumps(value) != json.dumps(CERTIFICATES[name])
    refused(value)


def test_steps_are_named() -> None:
    with pytest.raises(Invalid) as caught:
        replay_object(edited("certify premises", "steps", 2, "data", "sum", 0, 0, to="2"))
    assert caught.value.step == 2 and "step 2" in str(caught.value)
    with pytest.raises(Invalid) as caught:
        replay_object(edited("assume", "statement", "assumptions", to=[]))
    assert caught.value.step == 0


def test_described() -> None:
    lines = describe(replay_object(CERTIFICATES["gronwall"]))
    assert "claim: E(VT) <= V0 * exp((-1) * k * T) + (c / k) * (1 + (-1) * exp((-1) * k * T))" in lines
    assert "assumption: 0 < k" in lines
    assert "4 steps re-checked, 1 trusted (axioms: integrability, weak-existence, localisation, fatou)" in lines
    assert "process of V: dX = (((-1) * eta)*g) dt + L dW with L L' = (eta^2)*A" in lines
    assert "potential V: a function of the state X alone, C^2, gradient g, hessian H, start V0, end VT" in lines
    assert "matrix A: psd" in lines and "matrix N: any" in lines and "client: qk, pk" in lines
    assert "function F: odd, nondecreasing, concave_right, bounded b, slope 2 * c" in lines
    assert "reading: n is the number of clients, a whole number >= 1" in lines
    value = copy.deepcopy(CERTIFICATES["assume"])
    value["title"] = "x\nclaim: 1 <= 0"
    value["context"]["symbols"]["pi"] = "const"
    value["steps"][0]["claim"] = value["statement"]["claim"] = t("a <= 1")
    for place in (value["steps"][0], value["statement"]):
        place["claim"] = [
            "<=",
            ["x", "pi"],
            ["*", ["+", ["pi"], ["q", "-1/2"]], ["/", ["q", "1"], ["/", ["q", "1"], ["q", "3"]]]],
        ]
    value["statement"]["assumptions"] = [value["statement"]["claim"]]
    lines = describe(replay_object(value))
    assert "claim: 'pi' <= (pi + (-1/2)) * (1 / (1 / 3))" in lines
    assert not any(line.startswith("claim: 1 <= 0") or "\n" in line for line in lines)


def test_the_title_stands_last_and_is_said_to_be_unchecked() -> None:
    """A title may say anything, and may look like a line of the statement."""
    value = copy.deepcopy(CERTIFICATES["assume"])
    value["title"] = "Riemann's hypothesis\nclaim: 1 <= 0"
    lines = describe(replay_object(value))
    assert lines[0].startswith("claim: ") and lines[0] != "claim: 1 <= 0"
    assert lines[-1] == "title (free text, not checked): Riemann's hypothesis\\xaclaim: 1 <= 0"
    assert not any("Riemann" in line or "1 <= 0" in line for line in lines[:-1])


def test_independent_of_the_project() -> None:
    """Nothing but python-flint and the standard library is loaded; assertions are no guards."""
    script = (
        "import json, sys; from sdescent.derive.proof.replay.check import replay, Invalid, Unreadable\n"
        "loaded = {n.partition('.')[0] for n in sys.modules}\n"
        "outside = loaded & {'sympy', 'numpy', 'scipy', 'z3', 'clarabel', 'jax', 'mpmath'}\n"
        "ours = {n for n in sys.modules if n.startswith('sdescent.') and not n.startswith('sdescent.derive.proof.replay')}\n"
        "good, bad = json.load(sys.stdin); [replay(text) for text in good]; accepted = []\n"
        "for text in bad:\n"
        "    try: replay(text); accepted.append(text)\n"
        "    except (Invalid, Unreadable): pass\n"
        "print(json.dumps([sys.flags.optimize, sorted(outside), sorted(ours), len(accepted)]))"
    )
    bad = [json.dumps(edited(name, *path, to=to)) for name, *path, to in EDITS]
    texts = json.dumps([[json.dumps(value) for value in CERTIFICATES.values()], bad])
    done = subprocess.run(
        [sys.executable, "-O", "-c", script],
        input=texts,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == [1, [], ["sdescent.derive", "sdescent.derive.proof", "sdescent.lazy"], 0]
    for path in (ROOT / "derive" / "proof" / "replay").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "assert " not in source and source.count("\n") < 400, path


#: the entries of the catalogue whose proofs trust axioms, and in how many steps
TRUSTED: dict[str, int] = {
    **dict.fromkeys((
        "6.2-expectation-repaired", "6.5-corrected", "6.5-corrected-method", "6.5-first-order",
        "6.5-strongly-convex-method", "6.6-harmonic-above-method", "6.6-harmonic-method", "6.6-limit", "6.6-ratio",
        "6.6-roots-method", "6.7-affine-method", "6.7-change-method",
    ), 1),
    **dict.fromkeys((
        "6.5-sign", "6.6-squares-method", "6.9-mean-loss",
    ), 2),
    **dict.fromkeys((
        "6.1-scheduled", "6.2-scheduled", "6.2-scheduled-bounded-method", "6.2-scheduled-method",
        "6.2-summable-method", "6.3-bounded-scheduled-method", "6.3-clipped-scheduled-method",
        "6.3-direction-scheduled-method", "6.3-high-scheduled", "6.3-low-scheduled", "6.4-classic-scheduled",
        "6.4-clients-scheduled", "6.4-clients-scheduled-method", "6.4-corrected-scheduled",
        "6.4-corrected-scheduled-method", "6.4-global-decreasing-method", "6.4-global-scheduled",
        "6.4-global-scheduled-method", "6.5-convex-method", "6.9-mean-growth",
    ), 3),
    **dict.fromkeys((
        "6.2-heavy-ball-average", "6.2-heavy-ball-method",
    ), 4),
    "6.9-mean-induction": 5,
    "6.2-root-method": 8,
    "6.2-harmonic-method": 9,
}  # fmt: skip
#: entries with <= whose last step shows < too
STRICT = {"6.6-squares-method"}


@pytest.fixture(scope="module", params=mostly_slow(["some", "all"]))
def catalogue(request: pytest.FixtureRequest) -> dict[str, str]:
    """The certificates of all entries that are proved, or of every third and of those that have trusted steps."""
    from sdescent.derive.proof.kernel.certificate import dumps
    from sdescent.derive.theorems.catalogue import entries
    from tests.support.certificates.entries import checked_entry

    chosen = {*list(entries())[::3], *TRUSTED} if request.param == "some" else entries().keys()
    found = {name: checked_entry(name).certificate for name in entries() if name in chosen}
    return {name: dumps(value) for name, value in found.items() if value is not None}


def test_catalogue(catalogue: dict[str, str], request: pytest.FixtureRequest) -> None:
    """All of it replays, and the steps that are trusted are the expected ones."""
    replayed = {name: replay(text) for name, text in catalogue.items()}
    asked = request.node.callspec.params["catalogue"]
    assert len(replayed) >= {"some": 40, "all": 83}[asked] and replayed.keys() >= TRUSTED.keys()
    for name, result in replayed.items():
        steps = json.loads(catalogue[name])["steps"]
        assert result.rechecked + result.trusted == len(steps)
        lines = describe(result)
        assert f"{result.rechecked} steps re-checked, {result.trusted} trusted" in lines[-2]
        assert (result.trusted > 0) == bool(result.axioms), name
    assert {name: result.trusted for name, result in replayed.items() if result.trusted} == TRUSTED


@pytest.fixture(scope="module")
def sampled(catalogue: dict[str, str]) -> dict[str, str]:
    """Every third of them."""
    return {name: text for n, (name, text) in enumerate(catalogue.items()) if n % 3 == 0}


def test_catalogue_speed(sampled: dict[str, str]) -> None:
    """Under 50 ms of this process each, the median of 3; on a loaded machine the bound is for the median of all of them."""
    took: dict[str, float] = {}
    for name, text in sampled.items():
        times = []
        for _ in range(3):
            start = time.process_time()
            replay(text)
            times.append(time.process_time() - start)
        took[name] = statistics.median(times)
    slow = {name: round(seconds, 3) for name, seconds in took.items() if seconds > 0.05}
    if slow:
        assert os.getloadavg()[0] > (os.cpu_count() or 2) / 2 and statistics.median(took.values()) < 0.05, slow


def test_catalogue_edited(sampled: dict[str, str]) -> None:
    """Without one of the assumptions, or with a stronger claim, they do not."""
    rng = random.Random(3)
    for name, text in sampled.items():
        value = json.loads(text)
        steps, statement = value["steps"], value["statement"]
        for given in (statement["assumptions"], statement["definitions"]):
            if given:
                place = rng.randrange(len(given))
                dropped = given.pop(place)
                refused(value)
                given.insert(place, dropped)
        op, left, right = statement["claim"]
        stronger = "<" if op != "<" and name not in STRICT else "=="
        for claim in ([op, ["+", left, ["q", "1/1000"]], right], [stronger, left, right]):
            steps[-1]["claim"] = statement["claim"] = claim
            refused(value)
        steps[-1]["claim"] = statement["claim"] = [op, left, right]
        assert replay(json.dumps(value)).title == json.loads(text)["title"], name


def test_speed() -> None:
    """Sixty steps on polynomials of a hundred monomials."""
    steps = [certify([], "0 <= (a + b + c + X + Y)**4", [["1", [], [t("(a + b + c + X + Y)**2")]]])]
    for k in range(1, 60):
        steps.append(
            certify(
                [k - 1], f"0 <= (a + b + c + X + Y)**4 + {k}*(xj + yj)**2", [["1", [0], []], ["1", [], [t("xj + yj")]]]
            )
        )
    value = certificate(*steps)
    text = json.dumps(value)
    took = []
    for _ in range(3):
        start = time.perf_counter()
        replay(text)
        took.append(time.perf_counter() - start)
    assert min(took) < 1, took  # 0.03 s on an idle core
