"""What z3 says of assume => claim over the reals. Never trusted: an answer that only z3 gives is labelled as such elsewhere."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from derive.proof.language.clock import left, waiting
from derive.proof.language.terms import Relation, to_json
from derive.proof.refute.algebraic import Algebraic

#: for the start of the interpreter and the import of z3, apart from the time for an answer
START = 30.0


class _Worker:
    """The process that runs z3 (oracle_worker.py), started when first needed and again after it was stopped."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._lock = threading.Lock()

    def ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer, or None where there is none in time."""
        seconds = min(seconds, left())
        with self._lock:
            try:
                process = self._started()
                assert process.stdin is not None
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
                with waiting():
                    line = self._line(process, seconds)
            except OSError:
                line = None
            if line is None:
                self.stop()
            return json.loads(line) if line is not None else None

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
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
            command = [sys.executable, "-m", "derive.proof.refute.z3_worker"]
            # A session of its own: an interrupt from the keyboard is for the parent, which ends the worker.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
                start_new_session=True,
            )  # fmt: skip
            if self._line(self._process, START) != b"ready":
                raise OSError("z3 does not start")
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


_worker = _Worker()
atexit.register(_worker.stop)


def consult(
    context_vars: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float
) -> tuple[str, dict[str, Fraction | Algebraic]]:
    """("sat", a point where the claim fails), or "unsat", "unknown", "foreign" (a term that z3 does not have) and no point."""
    question = {
        "names": list(context_vars), "assume": [to_json(r) for r in assume], "claim": to_json(claim), "seconds": seconds,
    }  # fmt: skip
    reply = _worker.ask(question, seconds)
    if reply is None:
        return "unknown", {}
    point: dict[str, Fraction | Algebraic] = {}
    for name, value in reply["model"].items():
        if isinstance(value, dict):
            point[name] = Algebraic(tuple(int(c) for c in value["root"]), value["index"])
        else:
            point[name] = Fraction(int(value[0]), int(value[1]))
    return reply["answer"], point


def decide(context_vars: Sequence[str], assume: Sequence[Relation], claim: Relation, seconds: float = 1.0) -> str | None:
    """ "true", "false" or None: whether the claim follows wherever all terms are inside their domain, by z3 alone."""
    return {"unsat": "true", "sat": "false"}.get(consult(context_vars, assume, claim, seconds)[0])
