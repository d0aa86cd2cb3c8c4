"""A process that answers questions, one JSON value a line, for work that cannot be interrupted where it is done.

Arithmetic in C looks at no deadline, and what takes more memory than there is ends its process. The limits of a worker are the
system's own: the process is killed and the question has no answer, whatever it was at. Its time is that of the processor, so that
an answer does not depend on what else the machine has to do.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from sdescent.derive.proof.language.clock import left, worked
from sdescent.derive.vocabulary.interpreter import python

#: for the start of the interpreter and the imports, apart from the time for an answer
START = 30.0
#: how much longer the time of day may be than that of the processor, on a machine with much else to do
BUSY = 30
#: of memory, of a worker
MOST_MEMORY = 3 << 29


class Worker:
    """A process that runs `serve` in a module, started when first needed and again after it was stopped.

    Args:
        module: its name.
    """

    def __init__(self, module: str) -> None:
        self.module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._lock = threading.Lock()
        atexit.register(self.stop)

    def ask(self, question: Any, seconds: float) -> Any:
        """The answer, or None where there is none in so many seconds of its processor time, which count as this thread's."""
        seconds = max(min(seconds, left()), 1e-3)
        with self._lock:
            try:
                process = self._started()
                assert process.stdin is not None
                process.stdin.write(json.dumps([seconds, question]).encode() + b"\n")
                process.stdin.flush()
                line = self._line(process, BUSY * (seconds + 1))
            except OSError:
                line = None
            except BaseException:  # an interrupt: the answer would be taken for that to the next question
                self.stop()
                raise
            if line is None:
                self.stop()
            took, answer = (seconds, None) if line is None else json.loads(line)
            worked(took)
            return answer

    def stop(self) -> None:
        """Ends the process."""
        process, self._process, self._buffer = self._process, None, b""
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            command, environment = python("-m", self.module)
            environment |= {
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            }  # each thread has memory of its own, which counts
            # A session of its own: an interrupt from the keyboard is for the parent, which ends the worker.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=environment, start_new_session=True,
            )  # fmt: skip
            if self._line(self._process, START) != b"ready":
                raise OSError(f"{self.module} does not start")
        return self._process

    def _line(self, process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        assert process.stdout is not None
        stop = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([process.stdout], [], [], max(stop - time.monotonic(), 0))
            data = os.read(process.stdout.fileno(), 65536) if ready else b""
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


def serve(answer: Callable[[Any], Any]) -> None:
    """Answers questions from standard input on standard output until that ends, in `MOST_MEMORY`."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    _limit("RLIMIT_DATA", MOST_MEMORY)
    _limit("RLIMIT_CORE", 0)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        seconds, question = json.loads(line)
        started = time.process_time()
        _stop_after(seconds)
        reply = answer(question)
        _stop_after(0)
        print(json.dumps([time.process_time() - started, reply]), file=answers, flush=True)


def _stop_after(seconds: float) -> None:
    """The system ends this process after so many more seconds of work, in C too (0: never); not where it has no such timers."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit(name: str, most: int) -> None:
    """The limit of the system; none where it has no such limits (Windows)."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
