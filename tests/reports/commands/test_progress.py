"""Progress of long commands, and the time that is left."""

import io
import sys
import time

import pytest
from rich.console import Console

from sdescent.derive.reading.problems import problem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.assembly.plan import PROCESSES, Plan
from sdescent.reports.commands.progress import Progress

pytestmark = pytest.mark.usefixtures("narrow")


def test_progress_in_a_terminal_and_elsewhere():
    plain = io.StringIO()
    with Progress(plain) as progress:
        for label, fraction in [("derive", 0.0), ("solve", 0.25), ("solve", 0.5), ("print", 1.0)]:
            progress(label, fraction)
    lines = plain.getvalue().splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == ["derive", "solve", "print"]
    assert lines[0].startswith("[  0%] 0 s: ") and "left" in lines[1]
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # pyright: ignore[reportAttributeAccessIssue]
    assert Console(file=terminal).is_terminal
    with Progress(terminal) as progress:
        progress("solve", 0.25)
        time.sleep(0.2)
    assert "solve" in terminal.getvalue() and "25%" in terminal.getvalue()


@pytest.fixture
def clock(monkeypatch):
    """Seconds since the start, which a test sets."""
    now = [0.0]
    monkeypatch.setattr("sdescent.reports.commands.progress.time.monotonic", lambda: now[0])
    return now


def test_an_interrupt_that_a_callback_swallows_ends_the_next_step():
    """Python drops exceptions of finalisers and of callbacks of the garbage collector, such as JAX has."""

    class Finalised:
        def __del__(self):
            raise KeyboardInterrupt

    hook, stream = sys.unraisablehook, io.StringIO()
    with Progress(stream) as progress:
        progress("one", 0.0)
        Finalised()
        with pytest.raises(KeyboardInterrupt):
            progress("two", 0.5)
    assert sys.unraisablehook is hook and "two" not in stream.getvalue()


def test_time_left_is_what_is_expected_corrected_by_the_pace(clock):
    progress = Progress(io.StringIO(), expected=1000)
    progress("first", 0.0)
    assert progress.seconds_left() == 1000
    clock[0] = 400
    assert progress.seconds_left() == 600  # of a long step, while it lasts
    clock[0] = 2000
    assert progress.seconds_left() == 100  # it takes longer than expected, and never as if it ended at once
    progress("second", 0.5)
    left = progress.seconds_left()
    assert left is not None and 1900 < left < 2000  # four times as slow, so the other half is too
    progress("done", 1.0)
    assert progress.seconds_left() == 0
    clock[0] = 0
    progress = Progress(io.StringIO())  # without an expectation the pace is all there is
    assert progress.seconds_left() is None
    clock[0] = 10
    progress("x", 0.25)
    assert progress.seconds_left() == 30


FIELDS = {
    "method": "dcsgd", "loss": "quadratic:h=1|2|3", "clients": 4, "eta": "1/10", "T": "10", "x0": "1",
    "noise": "gaussian:sigma=1", "models": ["first-order", "corrected"],
}  # fmt: skip


def test_a_plan_knows_which_step_is_long():
    """1200 solver steps of 2000 paths, of two evaluations each; where mean and covariance are integrals (measured: 20 s)."""
    names = "rand-k:k=1", "top-k:k=2"
    closed, integrals = (Plan(problem({**FIELDS, "compressor": name}), True, None) for name in names)
    assert closed.seconds < 20 < integrals.seconds < 60
    integrals.end("problem")
    integrals.tick("ensembles", "the method")
    integrals.tick("ensembles", "the first equation")
    before = integrals.fraction
    integrals.tick("ensembles", "the second equation")
    assert before < 0.2 < 0.8 < integrals.fraction < 1
    for plan in (closed, Plan(None, True, None)):
        shares = [plan.fraction]
        for name in plan.computed:
            for _ in range(30):
                plan.tick(name, "")
                shares.append(plan.fraction)
            plan.end(name)
        assert shares[0] == 0 and shares == sorted(shares) and shares[-1] <= plan.fraction < 1
    assert closed.duration == closed.seconds
    assert Plan(None, True, None).duration == Plan(None, True, None).seconds / PROCESSES
    refused = Plan(problem({**FIELDS, "compressor": "identity", "noise": "cauchy:sigma=1"}), True, "ensembles")
    assert refused.seconds < 10
    with pytest.raises(BadInput, match="--only"):
        Plan(problem(FIELDS | {"compressor": "sign"}), True, "real-data")
