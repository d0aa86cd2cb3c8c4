"""A small experiment, and what `sdescent solve` leaves of it."""

import json
from pathlib import Path
from typing import Any

from sdescent.derive.reading.experiments import experiment
from sdescent.reports.commands.solving.command import carry_out

ROOT = Path(__file__).parents[3]
SPEC = """
method = "dsgd"
noise = "student-t:nu=5,sigma=1/2"
loss = "quadratic:h=1|2"
clients = 2
x0 = [1, -1]
eta = [0.1, "1/8"]
T = 1
paths = 400
seed = 5
save = 5
quantities = ["loss", "norm", "x2"]
"""
#: another one, in one dimension and with more paths
LONG = """
method = "dsgd"
noise = "gaussian:sigma=1"
loss = "quadratic:h=1"
clients = 1
dim = 1
x0 = 1
eta = 0.05
T = 3
paths = 3000
save = 9
models = ["first-order"]
quantities = ["loss"]
"""
FIELDS: dict[str, Any] = {
    "method": "dsgd", "noise": "student-t:nu=5,sigma=1/2", "loss": "quadratic:h=1|2", "clients": 2, "x0": ["1", "-1"],
    "eta": ["1/10", "1/8"], "T": "1", "paths": 400, "seed": 5, "save": 5, "quantities": ["loss", "norm", "x2"],
}  # fmt: skip


def quietly(label: str, fraction: float) -> None:
    assert 0 <= fraction <= 1 and label.isprintable()


def solved(folder: Path, **changes: Any) -> dict[str, Any]:
    return carry_out(experiment({**FIELDS, **changes}), folder, quietly)[0]


def contents(folder: Path) -> dict[str, bytes]:
    """All that an experiment leaves, but for the seconds that it took and the parts."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    found = {name: content for name, content in found.items() if not name.startswith(".work")}
    summary = json.loads(found["summary.json"])
    del summary["seconds"]
    return {**found, "summary.json": json.dumps(summary).encode()}


def with_line(line: str) -> str:
    key = line.partition(" ")[0]
    return "\n".join([*(old for old in SPEC.splitlines() if old.partition(" ")[0] != key), line])
