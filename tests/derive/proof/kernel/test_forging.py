"""Facts that no rule made, and terms that are none, do not get past the proof kernel; nor do they under `python -O`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import forging
from tests.support.forging import facts, steps, terms

ROOT = Path(__file__).parents[4]
FILES = (facts, steps, terms)


#: but for terms and certificates of a size that takes seconds to build; those are made once, without asserts
@pytest.mark.parametrize("attack", [f for f in forging.CHECKS if f.__name__ != "size"], ids=lambda f: f.__name__)
def test_attack(attack: Callable[[], None]) -> None:
    attack()


@pytest.mark.slow
def test_attacks_without_asserts() -> None:
    """The same checks in an interpreter that skips `assert`: what the kernel refuses, it refuses by raising."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    code = "from tests.support import forging; from tests.support.forging import facts, steps, terms; forging.main()"
    command = [sys.executable, "-O", "-W", "error", "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path}, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) == len(forging.CHECKS)
    command = [sys.executable, "-O", "-c", "assert False; print('on')"]
    optimised = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert optimised.stdout.strip() == "on"


def test_every_attack_is_listed() -> None:
    listed = {f.__module__ for f in forging.CHECKS}
    assert listed == {module.__name__ for module in FILES} and len(forging.CHECKS) == 23


def test_a_check_that_fails_is_seen() -> None:
    with pytest.raises(forging.Forged, match="it was taken"):
        forging.refused(lambda: 1)
    with pytest.raises(forging.Forged, match="KeyError got out"):
        forging.refused(lambda: {}["x"])
    with pytest.raises(forging.Forged):
        forging.demand(False, "no")
