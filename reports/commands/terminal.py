"""Terminal output: an SDE in the layout of `sdescent.derive.printing.layout`, in colours, and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from sdescent.derive.printing.layout import title_of

if TYPE_CHECKING:
    from sdescent.derive.derivation import SDE
    from sdescent.derive.reading.specs import Spec


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
    from rich.table import Table

    cells = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for n, column in enumerate(columns):
        cells.add_column(column, no_wrap=n == 0, overflow="fold")
    for row in rows:
        cells.add_row(*(Text(cell) for cell in row))
    console.print(cells)
    console.print()
