"""No Python file of the folder in which a command runs is executed: neither by the command nor by a process that it starts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands.command_line import ROOT

COMMAND = str(Path(sys.executable).parent / "sdescent")
#: modules of this project, of libraries and of Python; each leaves a mark where it is executed
NAMES = (
    "derive", "numerics", "reports", "sdescent", "sympy", "numpy", "scipy", "flint", "z3", "clarabel", "jax", "jaxlib", "diffrax",
    "matplotlib", "typer", "rich", "distributed", "dask", "tornado", "msgpack", "cloudpickle", "pyarrow", "json", "types", "typing",
    "os", "re", "pickle", "socket", "signal", "select", "threading", "subprocess", "multiprocessing", "random", "struct", "copy",
    "dataclasses", "functools", "collections", "contextlib", "atexit", "resource", "traceback", "string", "enum", "logging",
    "sitecustomize", "usercustomize",
)  # fmt: skip


SWEEP = (
    'method = "dsgd"\nnoise = "gaussian:sigma=1/2"\nloss = "quadratic:h=1"\ndim = 1\nx0 = 1\nT = 0.2\neta = 0.1\n'
    "paths = 50\nmodels = []\n[sweep.grid]\nclients = [1, 2]\n"
)
FILES = {
    "false.toml": 'variables = ["x", "y"]\nassume = ["x >= 0"]\nclaim = "3*x*y <= x^2 + y^2"\n',
    "sweep.toml": SWEEP,
    "mine.py": (
        "from sdescent.derive.vocabulary.registry import register, positive\nfrom sdescent.derive.methods.losses import Quadratic\n"
        "from dataclasses import dataclass\n\n@register('loss', 'mine', 'mine', positive('h', 'h', per_coordinate=True))\n"
        "@dataclass(frozen=True)\nclass Mine(Quadratic):\n    pass\n"
    ),
}


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with such modules, as files and as packages by turns, and with files for the commands."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for n, name in enumerate(NAMES):
        path = folder / f"{name}.py" if n % 4 else folder / name / "__init__.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write('{name} ')\nraise SystemExit(77)\n")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def ran(hostile: Path, *words: str, command: tuple[str, ...] = (COMMAND,), status: int = 0) -> str:
    """The command in that folder, which executes nothing of it."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    done = subprocess.run([*command, *words], cwd=hostile, env=environment, capture_output=True, text=True, check=False)
    executed = hostile.parent / "executed"
    assert not executed.exists(), f"{words} executed {executed.read_text()}"
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_claim_whose_repairs_are_looked_for_in_another_process(hostile: Path) -> None:
    assert "repair: " in ran(hostile, "claim", "false.toml", "--repair-seconds", "1", status=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", ["sweep sweep.toml --jobs 2 --load mine.py", "sweep sweep.toml --jobs 2 --executor dask"]
)
def test_commands_that_start_processes(hostile: Path, words: str) -> None:
    ran(hostile, *words.split())


@pytest.mark.slow
def test_the_script_of_an_array(hostile: Path) -> None:
    """It changes to that folder; only the help of the command is asked for here, which says that it has found its modules."""
    ran(hostile, "sweep", "sweep.toml", "--executor", "slurm", "--jobs", "2")
    script = hostile / "swept" / "slurm.sh"
    script.write_text(script.read_text().replace(" --jobs ", " --help --jobs "))
    assert "Run a study" in ran(hostile, str(script), command=("env", "SLURM_ARRAY_TASK_ID=1", "bash"))


def test_no_other_part_of_the_house_starts_python() -> None:
    """A new place goes through `sdescent.derive.vocabulary.subprocesses` too, or shields what a library starts."""
    found = {
        path.relative_to(ROOT).as_posix(): "shield()" in text
        for package in ("derive", "numerics", "reports", "sdescent")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"sys\.executable|get_context\(|LocalCluster\(|Pool\(", text := path.read_text())
    }
    found.pop("derive/vocabulary/subprocesses.py")
    assert found and all(found.values()), found
