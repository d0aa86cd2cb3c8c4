"""Progress of long work on standard error: in a terminal a bar with the time left, elsewhere one line per step."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import IO, Any, final

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from sdescent.reports.store.files import one_line

#: the weight of the expected pace, in seconds of work, when it is averaged with the measured pace: the first second must not decide
_TRUST = 10.0
#: the least time left that is shown, as a share of the time passed, if a step takes longer than expected
_LEAST = 0.05


@final
class Progress:
    """A display of progress, called with a step's label and the fraction done; `expected` seconds in all on an ordinary machine."""

    def __init__(self, stream: IO[str], expected: float | None = None) -> None:
        self._stream, self._expected = stream, expected
        self._console = Console(file=stream)
        self._start = time.monotonic()
        self._said, self._fraction, self._reached = "", 0.0, 0.0
        self._interrupted = False
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),  # labels contain file names
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            _TimeLeft(self),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=1.0)

    def __enter__(self) -> Progress:
        self._bar.start()
        self._hook = sys.unraisablehook
        sys.unraisablehook = self._unraisable
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        sys.unraisablehook = self._hook
        self._bar.stop()

    def _unraisable(self, args: Any) -> None:
        # Python drops an interrupt that arrives in a callback, and JAX has callbacks in the garbage collector.
        if isinstance(args.exc_value, KeyboardInterrupt):
            self._interrupted = True
        else:
            self._hook(args)

    def __call__(self, label: str, fraction: float) -> None:
        """Show that `label` is in progress, `fraction` of all work done. Raises a KeyboardInterrupt that the code swallowed."""
        if self._interrupted:
            raise KeyboardInterrupt
        label, seconds = one_line(label), time.monotonic() - self._start
        self._fraction, self._reached = fraction, seconds
        self._bar.update(self._task, description=label, completed=fraction)
        if self._console.is_terminal or label == self._said:
            return
        self._said, remaining = label, self.seconds_left()
        suffix = "" if remaining is None else f", {remaining:.0f} s left"
        print(f"[{100 * fraction:3.0f}%] {seconds:.0f} s{suffix}: {label}", file=self._stream, flush=True)

    def note(self, text: str) -> None:
        """Print a permanent line above the bar, such as a failure message."""
        line = one_line(text, 1000)
        if self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False)
        else:
            print(line, file=self._stream, flush=True)

    def seconds_left(self) -> float | None:
        """The estimated seconds left, from the expected duration and the pace until the current step began; None if unknown."""
        done, passed = self._fraction, self._reached
        if self._expected is not None:
            pace = (passed + _TRUST) / (done * self._expected + _TRUST)
            whole = (1 - done) * self._expected * pace
        elif done > 0.02:
            whole = passed * (1 - done) / done
        else:
            return None
        now = time.monotonic() - self._start
        return max(whole - (now - passed), _LEAST * now) if done < 1 else 0.0


class _TimeLeft(ProgressColumn):
    """The column of the bar with the time left in minutes and seconds."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def render(self, task: Task) -> Text:
        remaining = self._progress.seconds_left()
        clock = "-:--" if remaining is None else f"{int(remaining) // 60}:{int(remaining) % 60:02d}"
        return Text(f"left {clock}", style="progress.remaining")
