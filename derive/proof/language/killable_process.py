"""A worker process that answers questions, one JSON value per line, for work that cannot be interrupted in this process.

Arithmetic in C checks no deadline, and may need more memory than there is. The operating system kills the process at a
limit of processor time or memory, and the question has no answer.
"""

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
from sdescent.derive.vocabulary.subprocesses import python

#: seconds allowed for the start of the interpreter and the imports, apart from the time for an answer
START = 30.0
#: the largest ratio of elapsed time to processor time, for a busy machine
BUSY = 30
#: the most memory of a worker, in bytes
MOST_MEMORY = 3 << 29


class Worker:
    """A process that runs `serve` in a module. It is started when first needed, and again after it was stopped."""

    def __init__(self, module: str) -> None:
        self.module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._lock = threading.Lock()
        atexit.register(self.stop)

    def ask(self, question: Any, seconds: float) -> Any:
        """The answer, or None if none comes within `seconds` of the worker's processor time, which counts as this thread's."""
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
            except BaseException:  # an interrupt: a late answer would pass for the answer to the next question
                self.stop()
                raise
            if line is None:
                self.stop()
            took, answer = (seconds, None) if line is None else json.loads(line)
            worked(took)
            return answer

    def stop(self) -> None:
        """End the process, if it runs."""
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
            # each thread has memory of its own, which counts against the limit
            environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            # The worker has its own session: an interrupt from the keyboard reaches the parent, which ends the worker.
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
    """Answer questions from standard input, until it ends, on standard output, with at most `MOST_MEMORY` of memory."""
    answers, sys.stdout = sys.stdout, sys.stderr  # output of a library is not an answer
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
    """Let the system end this process after `seconds` more of work, also in C (0: never), if the system has such timers."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit(name: str, most: int) -> None:
    """Set a resource limit of this process, unless the system has no such limits (Windows)."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
