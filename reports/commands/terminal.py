"""Terminal output: SDEs in colours, tables, and the ledger with one row per claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from sdescent.derive.printing.layout import title_of
from sdescent.reports.claims.verdict_of_claim import LOOKS
from sdescent.reports.document.plain_text import plain

if TYPE_CHECKING:
    from sdescent.derive.derivation import SDE
    from sdescent.derive.reading.specs import Spec


def show_ledger(console: Console, groups: Sequence[Mapping[str, Any]]) -> None:
    """Print every claim with its status, the reason, assumptions and missing parts, and how many compared numbers fail."""
    unicode = console.encoding.startswith("utf")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("claim", overflow="fold", ratio=3)
    table.add_column("status", overflow="fold", ratio=2)
    for group in groups:
        table.add_row(Text(plain(group["title"], unicode), style="bold"), "")
        for row in group["rows"]:
            status = Text(row["status"], style=LOOKS[row["status"]].colour)
            if notes := _notes(row):
                status.append(f" ({plain(notes, unicode)})", style="dim")
            table.add_row(Text(plain(row["says"], unicode)), status)
    console.print(table)
    console.print()


def _notes(row: Mapping[str, Any]) -> str:
    missing = [f"missing: {row['missing']}"] if row["missing"] else []
    failing = row["beyond"]["failing"]
    fails = [f"{failing} of {row['beyond']['compared']} numbers fail"] if failing else []
    reason = [row["reason"]] if row["reason"] else []
    return "; ".join([*reason, *(f"assuming {n}" for n in row["named"]), *missing, *fails])


def show(console: Console, equation: SDE, specs: Mapping[str, Spec]) -> None:
    """Print an equation with its conditions and symbols, as wide as the terminal allows."""
    about = [f"{kind} {spec.text}" for kind, spec in specs.items() if kind != "method"]
    # Rich falls back to ASCII boxes by itself, but the printer of formulas must be told.
    unicode = console.encoding.startswith("utf")
    lines = list(equation.laid_out(about, console.width, unicode))  # any failure comes before anything is printed
    console.print(Rule(title_of(equation), style="cyan", align="left"))
    for written, style in lines:
        # The lines are already as wide as possible, and Rich would break formulas in the middle.
        console.print(Text(written, style=style), soft_wrap=True, highlight=False)


def table(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with a title; long cells wrap."""
    cells = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for n, column in enumerate(columns):
        cells.add_column(column, no_wrap=n == 0, overflow="fold")
    for row in rows:
        cells.add_row(*(Text(cell) for cell in row))
    console.print(cells)
    console.print()
