"""Works of whole processes: a solve from the command line, and one of results that exist, beside loading what both stand on."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cases import Case
from benchmarks.peers import Work
from sdescent.numerics.backend.kept_programs import VARIABLE

ROOT = Path(__file__).parents[1]
#: the experiment of docs/tutorial.md
SPEC = """
method = "dsignsgd"
noise = "cauchy:sigma=1"
loss = "quadratic:h=1|4"
dim = 2
clients = 4
x0 = [2, -1]
eta = 0.1
T = 6
paths = 5000
models = ["first-order", "corrected"]
save = 31
quantities = ["loss"]
seed = 1
"""


def process(*arguments: str, keep: bool = True) -> None:
    """Python with these arguments, which finds the project; `keep` says whether it keeps and finds compiled programs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: str(int(keep))}
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)


def solved(fresh: bool, keep: bool = True) -> Work:
    """`sdescent solve` in a new process, of nothing or of results that exist."""
    folder = TemporaryDirectory()
    spec, out = Path(folder.name) / "sign.toml", Path(folder.name) / "out"
    spec.write_text(SPEC)

    def work(_: TemporaryDirectory[str] = folder) -> None:  # the folder goes with the function
        if fresh:
            shutil.rmtree(out, ignore_errors=True)
        process("-m", "sdescent.reports.cli", "solve", str(spec), "-o", str(out), keep=keep)

    return work


def starts() -> list[Case]:
    """Rows of processes. What the user's cache holds (the comparison of the compiler, fonts) is there from the first call on."""

    def loading() -> Work:
        return lambda: process("-c", "import sympy, jax")

    works = {
        "a solve in a new process, whose programs are new": partial(solved, True, keep=False),
        "a solve in a new process, whose programs are kept": partial(solved, True),
        "a solve of results that exist": partial(solved, False),
    }
    return [Case(name, "loading SymPy and JAX", work, loading, None, clock=True) for name, work in works.items()]
