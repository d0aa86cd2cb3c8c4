"""The clock of the searches counts the work of a thread and its waiting for z3, not what else goes on."""

from __future__ import annotations

import threading
import time

import pytest

from derive.proof.claims.prove import prove
from derive.proof.language.clock import now, waiting
from derive.proof.language.terms import num, x
from derive.proof.refute import z3 as oracle
from derive.proof.search import certify as search


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


def test_waiting_counts_however_it_ends() -> None:
    started, wall = now(), time.monotonic()
    with waiting():
        time.sleep(0.1)
    with pytest.raises(KeyError), waiting():
        time.sleep(0.1)
        raise KeyError
    assert 0.2 <= now() - started <= time.monotonic() - wall + 0.05  # each of them once, however long a busy machine makes them


def test_waiting_of_one_thread_is_not_that_of_another() -> None:
    def wait() -> None:
        with waiting():
            time.sleep(0.2)

    other, started = threading.Thread(target=wait), now()
    other.start()
    other.join()
    assert now() - started < 0.1


def test_a_question_to_z3_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle._worker, "_line", lambda *_: time.sleep(0.2))
    monkeypatch.setattr(oracle._worker, "_started", lambda: _Deaf())
    started = now()
    assert oracle.decide(["x"], [], num(0).le(x("x")), 0.2) is None
    assert 0.2 <= now() - started < 0.3


class _Deaf:
    stdin = type("Pipe", (), {"write": lambda *_: None, "flush": lambda *_: None})()


def test_a_verdict_does_not_hang_on_the_load_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each search is suspended for longer than its whole time, as on a machine with a lot to do: the verdict stays."""
    meant = search.goal_of

    def suspended(*given, **options):
        time.sleep(1.2)
        return meant(*given, **options)

    monkeypatch.setattr(search, "goal_of", suspended)
    assert prove("x*y <= (x^2 + y^2)/2", seconds=0.5).status == "PROVED"
