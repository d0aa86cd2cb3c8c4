"""A share of the random cases of `python -m tests.support.fuzz`, with a fixed seed: none is a fault."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.support.fuzz import watch
from tests.support.fuzz.certificates import certificate
from tests.support.fuzz.claims import claim
from tests.support.fuzz.specs import command, equation, spec
from tests.support.fuzz.watch import Case, Fault, Tally, answered, cases, one_line


def without_faults(kind: str, case: Case, count: int) -> Tally:
    # a process of their own: what other tests left in the memory of this one is not the cases'
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found = pool.submit(cases, kind, case, 7, 0, count).result()
    assert not found.faults, found.faults[0][1]
    assert found.outcomes.total() == count
    return found


@pytest.mark.slow
def test_files_and_equations() -> None:
    found = without_faults("specs", spec, 1500)
    assert found.outcomes["read"] > 100
    assert without_faults("equations", equation, 300).outcomes["stated"] > 20
    assert without_faults("commands", command, 8).outcomes["status 2"] > 3


@pytest.mark.slow
def test_certificates() -> None:
    found = without_faults("certificates", certificate, 300)
    assert found.outcomes["invalid"] > 50 and found.outcomes["exported, true"] > 10


@pytest.mark.slow
def test_claims() -> None:
    assert without_faults("claims", claim, 40).outcomes["refused"] > 10


def test_the_watch_sees_what_it_is_there_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise KeyError("x")

    with pytest.raises(Fault, match="past its limit"):
        answered(lambda: "done", -1.0, "a case")
    with pytest.raises(Fault, match="KeyError"):
        answered(broken, 1.0, "a case")
    with monkeypatch.context() as patched, pytest.raises(Fault, match="of memory"):
        patched.setattr(watch, "MOST_MEMORY", 1)
        answered(lambda: "done", 1.0, "a case")
    for message in ("", "a\nb", "\x1b[31m", "x" * 5000):
        with pytest.raises(Fault, match="the message"):
            one_line(message, "a case")
    found = cases("x", lambda chance: broken(), 0, 0, 2)
    assert [number for number, _ in found.faults] == [0, 1] and not found.outcomes
