"""Handling of standard streams that are closed, full, or too narrow to print on, and one-line messages about options."""

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
import typer.main

from sdescent.derive.vocabulary.errors import did_you_mean
from sdescent.reports.store.files import one_line


def usage(error: Any, args: Sequence[str], app: typer.Typer) -> tuple[str, str]:
    """The message, on one line, and the field of an error that Typer found in the options."""
    option = getattr(error, "option_name", None)
    message = one_line(" ".join(error.format_message().split())).rstrip(".")
    # If an option lacks its value, Typer does not say which command the option belongs to.
    command = getattr(getattr(error, "ctx", None), "command", None) or _command(args, app)
    parameters = command.params
    parameter = getattr(error, "param", None) or next((p for p in parameters if option in p.opts), None)
    if parameter is not None:
        name = option or parameter.metavar or parameter.opts[0]
        wrong = "a value" if parameter.param_type_name == "option" and parameter.is_flag else "nothing"
        accepted = "the option without a value"
        if wrong == "nothing":
            accepted = parameter.help.replace(r"\[", "[").rstrip(".")
        return f"{name}: found {wrong}; accepted: {accepted}", name
    if option is not None:
        problem = message.partition(" (")[0].partition(". Did you")[0]
        options = [o for p in parameters for o in p.opts if o.startswith("-")]
        return f"{problem}; accepted: {', '.join(options)}{did_you_mean(option, options)}", one_line(option, 60)
    if hasattr(command, "commands"):
        name = next((a for a in args if not a.startswith("-")), None)
        problem, near = message if name is None else f"No such command {name!r}", did_you_mean(name, command.commands)
        return f"{one_line(problem)}; accepted: {', '.join(command.commands)}{near}", "COMMAND"
    arguments = [p.metavar for p in parameters if p.param_type_name == "argument"]
    return f"{message}; accepted: {', '.join([*arguments, 'options'])}", "arguments"


def _command(args: Sequence[str], app: typer.Typer) -> Any:
    """The command that the arguments name, or the group of all commands if they name none."""
    whole: Any = typer.main.get_command(app)
    return whole.commands.get(next((a for a in args if not a.startswith("-")), None), whole)


#: the least and the greatest number of columns; a width from the environment is brought into this range
_NARROWEST, _WIDEST = 40, 10_000


def prepare_streams() -> bool:
    """Make the standard streams safe to print to; return whether standard output was open.

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
    """Discard standard output from here on if it cannot be flushed: at exit Python would report the same error again."""
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
