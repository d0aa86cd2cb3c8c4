"""`--help` shows every help text as it is written, brackets included."""

import re

import pytest
import typer.main

from sdescent.reports import cli
from sdescent.reports.cli import app, main

COMMANDS = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]


def written(markup: str) -> str:
    """A text of Rich's markup without what escapes its brackets; it has no styles."""
    return re.sub(r"\\(?=\[)", "", markup)


def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    for name in ("COLUMNS", "TERMINAL_WIDTH"):
        monkeypatch.setenv(name, "1000")
    main([*words, "--help"])
    return " ".join(capsys.readouterr().out.split())


def test_every_help_text_is_shown_as_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = shown(monkeypatch, capsys)
    for name, command in COMMANDS.items():
        text, summary = shown(monkeypatch, capsys, name), written(command.help.splitlines()[0])
        assert summary in text and summary in whole and "[[" not in text
        for parameter in command.params:
            assert written(parameter.help) in text
            # Typer sets what may be left out in brackets itself
            assert parameter.metavar is None or "[" not in parameter.metavar


def test_the_exit_statuses_are_those_of_the_contract() -> None:
    assert (cli.REFUSED, cli.BAD_INPUT, cli.BUG, cli.INTERRUPTED, cli.HUNG_UP) == (1, 2, 70, 130, 141)


def test_a_text_with_brackets_is_told_as_written_where_its_argument_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["audit"]) == 2
    message = "FILE.toml: found nothing; accepted: A method, and in [claimed] an SDE stated for it\n"
    assert capsys.readouterr().err == message
