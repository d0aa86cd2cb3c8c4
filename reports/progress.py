"""Progress of long work, on standard error: a bar with the time left in a terminal, a line a step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import IO, final

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


@final
class Progress:
    """Call it with what is being done and the fraction of the whole that is finished.

    Args:
        stream: where to print.

    Example:
        with Progress(sys.stderr) as progress:
            progress("ensembles", 0.25)
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._console = Console(file=stream)
        self._start = time.monotonic()
        self._said = ""
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
            # the steps of a report differ in length, so an average over all of them is the honest guess
            speed_estimate_period=3600.0,
        )
        self._task = self._bar.add_task("starting", total=1.0)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, label: str, fraction: float) -> None:
        """Say that `label` is being done and that `fraction` (0 to 1) of all the work is finished."""
        self._bar.update(self._task, description=label, completed=fraction)
        if self._console.is_terminal or label == self._said:
            return
        self._said = label
        seconds = time.monotonic() - self._start
        left = f", {seconds * (1 - fraction) / fraction:.0f} s left" if fraction > 0.02 else ""
        self._stream.write(f"[{100 * fraction:3.0f}%] {seconds:.0f} s{left}: {label}\n")
        self._stream.flush()
