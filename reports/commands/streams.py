"""Care for standard streams that are closed, full, or too narrow to print on."""

import contextlib
import os
import sys

#: the least and the largest number of columns that is taken from the environment
_NARROWEST, _WIDEST = 40, 10_000


def prepare_streams() -> bool:
    """Make the standard streams safe to print to; return whether standard output is open.

    A closed descriptor is opened on the null device: otherwise Python would print errors on standard output, and the next
    file that is opened would take the place of a stream that libraries and child processes write to.
    """
    there = sys.stdout is not None
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            _to_nothing(number)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    # A terminal that cannot show a character gets its code instead of a traceback.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    # With a width of 0 Rich prints nothing, and Typer fails on a width that is not a number.
    for name in ("COLUMNS", "TERMINAL_WIDTH"):
        if (width := os.environ.get(name)) is None:
            continue
        if width.isdecimal() and width.isascii():
            os.environ[name] = str(min(max(int(width[:9]), _NARROWEST), _WIDEST))
        else:
            del os.environ[name]
    return there


def say(line: str) -> None:
    """Print `line` on standard error, if that is possible; otherwise only the exit status tells the user."""
    try:
        print(line, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _to_nothing(sys.stderr)


def drop_output() -> None:
    """Discard standard output from here on, if it cannot be flushed.

    Python flushes it once more at exit, and would report the same error again.
    """
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    _to_nothing(sys.stdout)


def _to_nothing(stream: object) -> None:
    with contextlib.suppress(OSError, ValueError):
        number = stream if isinstance(stream, int) else stream.fileno()  # pyright: ignore[reportAttributeAccessIssue]
        nothing = os.open(os.devnull, os.O_RDWR)
        if nothing != number:
            os.dup2(nothing, number)
            os.close(nothing)
