"""The answer of `sdescent measure` as lines and tables of text."""

import sys
from pathlib import Path

from rich.console import Console

from sdescent.reports.commands.terminal import table
from sdescent.reports.sections.measured_lines import Answer, forecast_notes, forecast_rows, lines, theorem_rows
from sdescent.reports.store.files import one_line


def show(answer: Answer, folder: Path) -> None:
    """Print the answer: what was measured and on what, theorems, forecasts, limits, files."""
    console = Console(file=sys.stdout)
    settings, population, points = answer["settings"], answer["population"], answer["points"]
    method = " ".join(settings["method"].values())
    eta = f"eta {settings['eta']}" if settings["eta"] else "the file's update"
    head = f"{method}: d {population['d']}, n {population['n']}, N {settings['clients']} x B {settings['batch']}, {eta}"
    print(f"{head}, {population['sampling']}, {len(points)} points, {settings['steps']} steps")
    if answer["blown_up_by"] is not None:
        print(f"the run BLEW UP by step {answer['blown_up_by']}")
    if len(points) < 2:
        return
    for name, text in lines(answer):
        print(f"{name:<12}{text}")
    print()
    if rows := forecast_rows(answer["forecast"]):
        table(console, "loss ahead, with 95 % intervals", ("from", "run", "gauss", "quadratic", "no noise"), rows)
    for note in forecast_notes(answer["forecast"]):
        print(note)
    if rows := theorem_rows(answer["assumptions"]):
        title = (
            "theorems: the largest eta at the points measured; assumptions that fail, that no data decide, and that hold with "
            "fitted constants (in brackets: with constants from every second point they fail)"
        )
        table(console, title, ("theorem", "eta", "assumptions"), rows)
    elif answer["settings"]["eta"] is None:
        print("theorems    none: they are about x - eta G, and the model file has its own update\n")
    for path in (folder / "measurement.json", *(folder / "figures" / name for name in answer.get("figures", ()))):
        print(one_line(str(path), 10_000))
