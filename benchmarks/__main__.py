"""`python -m benchmarks [-o DIR] [--quick] [--only TEXT] [--repetitions N]`: measures, and writes a table and a figure.

Everything runs in one process, interleaved: what is compared is compared on the same machine in the same minute. Exit status 1
when a ratio or a slope misses its aim, 0 otherwise, and after a quick look, since aims are of full sizes; peers that are not
installed are named.
"""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.cases import cases
from benchmarks.measure import QUICK, SPAN, Row, measured
from benchmarks.overheads import Overheads, overheads
from benchmarks.potentials import potentials
from benchmarks.scaling import Scaling, scalings
from benchmarks.starts import starts
from benchmarks.studies import studies

PACKAGES = ("jax", "jaxlib", "diffrax", "numpy", "torch", "torchsde", "numba")


def machine() -> dict[str, Any]:
    """The processor, how many there are, and the versions of what is compared."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    about = {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    return about | versions


def line(row: Row) -> str:
    """A row of the table in Markdown."""
    aim = "" if row.aim is None else f"{row.aim:.3g}"
    if row.own is None or row.peer is None:
        return f"| {row.name} | {row.against} | | | | {row.missing} | {aim} | |"
    mark = {True: "yes", False: "no", None: ""}[row.reached]
    kind = "the clock" if row.clock else "processors"
    return (
        f"| {row.name} | {row.against} | {row.own.median:.4g} | {row.peer.median:.4g} | {kind} "
        f"| {row.ratio:.3g} ({row.low:.3g} to {row.high:.3g}) | {aim} | {mark} |"
    )


def table(rows: list[Row], scaling: list[Scaling], sweeps: Overheads | None, about: dict[str, Any]) -> str:
    """The results in Markdown."""
    head = (
        "| measured | against | seconds | peer's seconds | of | ratio (quartiles) | aim | reached |\n"
        + "|---" * 8
        + "|"
    )
    parts = ["# Benchmarks", ", ".join(f"{k} {v}" for k, v in about.items()), "\n".join([head, *map(line, rows)])]
    if scaling:
        lines = ["| grows with | sizes | seconds | slope | 1 +- 0.1 |\n|---|---|---|---|---|"]
        for s in scaling:
            cells = (", ".join(f"{v:.4g}" for v in values) for values in (s.sizes, s.seconds))
            lines.append(f"| {s.name} | {' | '.join(cells)} | {s.slope:.3f} | {'yes' if s.reached else 'no'} |")
        parts.append("\n".join(lines))
    if sweeps is not None:
        parts.append("\n".join(sweeps.lines()))
    return "\n\n".join(parts) + "\n"


def draw(rows: list[Row], scaling: list[Scaling], path: Path) -> None:
    """Ratios beside their aims, and times against sizes, as PDF and PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    timed = [r for r in rows if r.ratio is not None and r.low is not None and r.high is not None]
    size = (11, 0.26 * max(len(timed), 12) + 1.2)
    figure, axes = pyplot.subplots(1, 2, figsize=size, width_ratios=[1.2, 1], layout="constrained")
    places = range(len(timed))[::-1]
    for place, r in zip(places, timed, strict=True):
        assert r.ratio is not None and r.low is not None and r.high is not None
        axes[0].plot([r.low, r.high], [place, place], color="black", linewidth=1)
        axes[0].plot(r.ratio, place, "o", color="black", markersize=4)
        if r.aim is not None:
            axes[0].plot(r.aim, place, "|", color="tab:blue", markersize=12)
    axes[0].set_yticks(list(places), [f"{r.name} / {r.against}" for r in timed], fontsize=7)
    axes[0].set_xscale("log")
    axes[0].axvline(1, color="0.7", linewidth=0.8, zorder=0)
    axes[0].set_xlabel("time / peer's time (bar: aim)")
    for s, style in zip(scaling, ("o-", "s--", "^:", "d-."), strict=False):
        axes[1].plot(
            s.sizes, s.seconds, style, color="black", markersize=4, label=f"{s.name}, slope {s.slope:.2f}", linewidth=1
        )
    axes[1].set(xscale="log", yscale="log", xlabel="size", ylabel="seconds")
    if scaling:
        axes[1].legend(frameon=False, fontsize=8)
    for kind in ("pdf", "png"):
        figure.savefig(path.with_suffix(f".{kind}"), dpi=150)
    pyplot.close(figure)


def main(arguments: list[str]) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Times beside those of other ways to do the same."
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("benchmarks/results"), help="folder for the table and the figure"
    )
    quick = (
        "small sizes in double precision, few repetitions, no new processes, no sweeps: about two minutes on two cores"
    )
    parser.add_argument("--quick", action="store_true", help=quick)
    only = (
        "rows whose name or peer holds this text; 'scaling' for the slopes alone, 'overheads' for those of sweeps, "
        "'potentials' for worst cases and rates beside PEPit and AutoLyap"
    )
    parser.add_argument("--only", default="", help=only)
    parser.add_argument(
        "--repetitions", type=int, default=7, help="at least; what is short is repeated for some seconds"
    )
    options = parser.parse_args(arguments)
    if options.only == "potentials":
        return potentials(options.output)
    about = machine()
    print(", ".join(f"{k} {v}" for k, v in about.items()))
    rows = []
    repetitions, span = (min(options.repetitions, 3), QUICK) if options.quick else (options.repetitions, SPAN)
    long = studies(options.quick) + starts() if options.only or not options.quick else []
    for case in cases(options.quick) + long:
        if options.only in f"{case.name} {case.against}":
            rows.append(measured(case, repetitions, span))
            print(line(rows[-1]), flush=True)
    scaling = scalings(min(repetitions, 3), options.quick) if options.only in ("", "scaling") else []
    for s in scaling:
        print(f"{s.name}: slope {s.slope:.3f}, {', '.join(f'{t:.4g}' for t in s.seconds)} s", flush=True)
    sweeps = overheads(options.quick) if options.only == "overheads" or not (options.only or options.quick) else None
    if sweeps is not None:
        print("\n".join(sweeps.lines()), flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    report = {"machine": about, "rows": [r.to_dict() for r in rows], "scaling": [s.to_dict() for s in scaling]}
    report |= {} if sweeps is None else {"sweeps": sweeps.to_dict()}
    (options.output / "results.json").write_text(json.dumps(report, indent=1))
    (options.output / "results.md").write_text(table(rows, scaling, sweeps, about))
    draw(rows, scaling, options.output / "results")
    missed = [r.name for r in rows if r.reached is False] + [s.name for s in scaling if not s.reached]
    print(f"written to {options.output}; {len(missed)} of {len(rows) + len(scaling)} miss their aim")
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
