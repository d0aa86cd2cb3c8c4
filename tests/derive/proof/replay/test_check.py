"""The checker of proof certificates accepts what is valid, says what was proved, and refuses every edit that breaks it."""

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

from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.replay.check import Invalid, describe, replay, replay_object
from sdescent.derive.theorems.catalogue import entries
from tests.support.certificates.edits import accepted, edited_in, refused
from tests.support.certificates.entries import checked_entry
from tests.support.certificates.invalid import CERTIFICATES, EDITS, Edit
from tests.support.certificates.models import satisfies_in_models
from tests.support.samples import mostly_slow

ROOT = Path(__file__).resolve().parents[4]


def trusting(steps: list[dict[str, Any]]) -> int:
    """How many steps bring in an axiom."""
    rules = ("ito", "gronwall", "telescope", "decay", "summable")
    return sum(s["rule"] in rules or s["data"].get("operator") in ("E", "I", "EI") for s in steps)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_valid(name: str) -> None:
    """Both checkers accept each, and in models that satisfy what is assumed the claim holds: they are no nonsense."""
    value = CERTIFICATES[name]
    # beside an operator the kernel makes no instance, by its letters: FORMAT.md lists this difference
    replayed = replay(json.dumps(value)) if name == "letters instance" else accepted(value)
    assert replayed.rechecked + replayed.trusted == len(value["steps"])
    assert replayed.trusted == trusting(value["steps"])
    assert replay_object(value) == replay(json.dumps(value).encode()) == replayed
    assert satisfies_in_models(value)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: f"{edit.name} {edit.place}")
def test_edited(edit: Edit) -> None:
    assert edit.replay in refused(edit.certificate(), edit.kernel)


def test_steps_are_named() -> None:
    with pytest.raises(Invalid) as caught:
        replay_object(edited_in(CERTIFICATES["certify premises"], "steps", 2, "data", "sum", 0, 0, to="2"))
    assert caught.value.step == 2 and "step 2" in str(caught.value)
    with pytest.raises(Invalid) as caught:
        replay_object(edited_in(CERTIFICATES["assume"], "statement", "assumptions", to=[]))
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
    value["context"]["symbols"]["pi"] = "const"
    three = ["/", ["q", "1"], ["/", ["q", "1"], ["q", "3"]]]
    claim = ["<=", ["x", "pi"], ["*", ["+", ["pi"], ["q", "-1/2"]], three]]
    value["steps"][0]["claim"] = value["statement"]["claim"] = value["statement"]["assumptions"][0] = claim
    assert "claim: 'pi' <= (pi + (-1/2)) * (1 / (1 / 3))" in describe(replay_object(value))


def test_the_title_stands_last_and_is_said_to_be_unchecked() -> None:
    """A title may say anything, and may look like a line of the statement."""
    value = copy.deepcopy(CERTIFICATES["assume"])
    value["title"] = "Riemann's hypothesis\nclaim: 1 <= 0"
    lines = describe(replay_object(value))
    assert lines[0].startswith("claim: ") and not any("Riemann" in line or "1 <= 0" in line for line in lines[:-1])
    assert lines[-1] == "title (free text, not checked): Riemann's hypothesis\\xaclaim: 1 <= 0"


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
    bad = [json.dumps(edit.certificate()) for edit in EDITS]
    texts = json.dumps([[json.dumps(value) for value in CERTIFICATES.values()], bad])
    done = subprocess.run(
        [sys.executable, "-O", "-c", script], input=texts, capture_output=True, text=True, cwd=ROOT, timeout=60,
        check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [1, [], ["sdescent.derive", "sdescent.derive.proof", "sdescent.lazy"], 0]
    for path in (ROOT / "derive" / "proof" / "replay").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "assert " not in source and source.count("\n") < 400, path


#: entries with <= whose last step shows < too
STRICT = {"6.6-squares-method"}


def written(names: list[str]) -> dict[str, str]:
    """The certificates of those entries that are proved."""
    proved = {name: checked_entry(name).certificate for name in names}
    return {name: dumps(value) for name, value in proved.items() if value is not None}


@pytest.mark.parametrize("every", mostly_slow([3, 1]))
def test_catalogue(every: int) -> None:
    """Every certificate replays, and as many steps are trusted as bring in an axiom."""
    texts = written(list(entries())[::every])
    assert len(texts) >= 83 // every
    for name, text in texts.items():
        result = replay(text)
        steps = json.loads(text)["steps"]
        assert result.rechecked + result.trusted == len(steps) and result.trusted == trusting(steps), name
        assert f"{result.rechecked} steps re-checked, {result.trusted} trusted" in describe(result)[-2]
        assert (result.trusted > 0) == bool(result.axioms), name


@pytest.fixture(scope="module")
def sampled() -> dict[str, str]:
    """Every ninth of them."""
    return written(list(entries())[::9])


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
        for stated in (statement["assumptions"], statement["definitions"]):
            if stated:
                place = rng.randrange(len(stated))
                dropped = stated.pop(place)
                refused(value)
                stated.insert(place, dropped)
        op, left, right = statement["claim"]
        stronger = "<" if op != "<" and name not in STRICT else "=="
        for claim in ([op, ["+", left, ["q", "1/1000"]], right], [stronger, left, right]):
            steps[-1]["claim"] = statement["claim"] = claim
            refused(value)
        steps[-1]["claim"] = statement["claim"] = [op, left, right]
        accepted(value)
