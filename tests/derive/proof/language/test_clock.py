"""The clock of the searches counts the work of a thread and that of z3 for it, not what else goes on."""

import threading
import time

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.language.clock import now, worked
from sdescent.derive.proof.language.terms import num, x
from sdescent.derive.proof.refute import counterexample as oracle
from sdescent.derive.proof.search import certify as search


def work(seconds: float) -> None:
    stop = time.thread_time() + seconds
    while time.thread_time() < stop:
        pass


def test_work_counts() -> None:
    started = now()
    work(0.1)
    assert 0.1 <= now() - started < 0.2


def test_the_time_of_day_does_not_count() -> None:
    started = now()
    time.sleep(0.3)
    assert now() - started < 0.1


def test_the_work_of_another_thread_does_not_count() -> None:
    other = threading.Thread(target=work, args=(0.3,))
    started = now()
    other.start()
    other.join()
    assert now() - started < 0.1


def test_what_others_worked_counts_for_the_thread_that_asked() -> None:
    started = now()
    other = threading.Thread(target=worked, args=(5.0,))
    other.start()
    other.join()
    assert now() - started < 0.1
    worked(0.2)
    assert 0.2 <= now() - started < 0.3


def test_a_question_to_z3_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as it worked, or all of its time where it has no answer; the time of day, here longer, does not."""
    monkeypatch.setattr(oracle._worker, "_started", lambda: _Deaf())
    for line, counts in ((None, 0.2), (b'[0.1, {"answer": "unsat", "model": {}}]', 0.1)):
        monkeypatch.setattr(oracle._worker, "_line", lambda *_, line=line: (time.sleep(0.3), line)[1])
        started = now()
        assert oracle.decide(["x"], [], num(0).le(x("x")), 0.2) == (None if line is None else "true")
        assert counts <= now() - started < counts + 0.08


class _Deaf:
    stdin = type("Pipe", (), {"write": lambda *_: None, "flush": lambda *_: None})()


@pytest.mark.slow
def test_a_verdict_does_not_hang_on_the_load_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each search is suspended for longer than its whole time, as on a machine with a lot to do: the verdict stays."""
    meant = search.goal_of

    def suspended(*given, **options):
        time.sleep(1.2)
        return meant(*given, **options)

    monkeypatch.setattr(search, "goal_of", suspended)
    assert prove("x*y <= (x^2 + y^2)/2", seconds=0.5).status == "PROVED"
