"""Random cases of tests.support.fuzz, with a fixed seed: none is a fault."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random

import pytest

from tests.support.fuzz import watch
from tests.support.fuzz.certificates import certificate
from tests.support.fuzz.claims import claim
from tests.support.fuzz.specs import command, equation, spec
from tests.support.fuzz.watch import Case, Fault, answered, cases, one_line


def outcomes(kind: str, case: Case, count: int) -> Counter[str]:
    # a process of their own: what other tests left in the memory of this one is not the cases'
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        counts, faults = pool.submit(cases, kind, case, 7, 0, count).result()
    assert not faults, faults[0]
    return counts


@pytest.mark.slow
def test_files_and_equations() -> None:
    assert outcomes("specs", spec, 800)["read"] > 50
    assert outcomes("equations", equation, 150)["stated"] > 10
    assert outcomes("commands", command, 4)["status 2"] > 1


@pytest.mark.slow
def test_certificates() -> None:
    counts = outcomes("certificates", certificate, 200)
    assert counts["invalid"] > 30 and counts["exported, true"] > 6


@pytest.mark.slow
def test_claims() -> None:
    assert outcomes("claims", claim, 20)["refused"] > 4


def test_the_watch_sees_what_it_is_there_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Random) -> str:
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
    counts, faults = cases("x", broken, 0, 0, 2)
    assert [number for number, _ in faults] == [0, 1] and not counts
