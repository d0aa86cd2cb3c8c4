"""One-line messages about errors in the options of a command."""

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
    """The command that the arguments name, else the group of all commands."""
    whole: Any = typer.main.get_command(app)
    return whole.commands.get(next((a for a in args if not a.startswith("-")), None), whole)
