"""The layers: reports -> numerics -> derive, an arrow points only down, and what may not be loaded by whom.

Imports are read from the source (all of them, also those inside functions), and, since a library may import what its
user never named, checked once more on what Python really loads.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOLVERS = {"scipy", "flint", "z3", "clarabel"}
#: what is trusted: the kernel with all that it stands on, and the replay, which shares nothing with it
TRUSTED = {
    "derive.proof.kernel": ("sympy", "numpy", "scipy", "z3", "clarabel", "derive.proof.search", "derive.proof.ball"),
    "derive.proof.replay": ("sympy", "numpy", "scipy", "z3", "clarabel", "derive.proof.kernel", "derive.proof.terms"),
}
# For each package: the top-level names it may never import, wherever in the file.
FORBIDDEN = {
    "derive": {"jax", "jaxlib", "diffrax", "equinox", "lineax", "optimistix", "numerics", "reports"},
    "numerics": {"reports"},
    "reports": set[str](),
}
FILES = [file for package in FORBIDDEN for file in sorted((ROOT / package).rglob("*.py"))]


def imported(source: str) -> Iterator[tuple[int, str]]:
    """(line, top-level name) of every import in `source`, also those through importlib.import_module("...")."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import stays in its package unless it climbs out, which Python refuses by itself.
            if node.level == 0 and node.module:
                yield node.lineno, node.module.partition(".")[0]
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            if name in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield node.lineno, str(first.value).partition(".")[0]


def violations(path: Path, source: str) -> list[str]:
    """What the file at `path` (relative to the root) imports and may not."""
    package = path.parts[0]
    forbidden = set(FORBIDDEN[package])
    if package == "derive" and path.parts[:2] != ("derive", "proof"):
        forbidden |= SOLVERS
    return [f"{path}:{line} imports {name}" for line, name in imported(source) if name in forbidden]


def test_there_are_files_of_every_package():
    assert {file.relative_to(ROOT).parts[0] for file in FILES} == set(FORBIDDEN)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_arrows_point_down(file):
    assert violations(file.relative_to(ROOT), file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("derive/form.py", "import sympy\nimport jax.numpy as jnp", "derive/form.py:2 imports jax"),
        ("derive/sde.py", "def solve():\n    from numerics.ensembles import solve", "derive/sde.py:2 imports numerics"),
        ("derive/a/b.py", "if True:\n    from reports import tex", "derive/a/b.py:2 imports reports"),
        ("derive/noise.py", "from scipy import stats", "derive/noise.py:1 imports scipy"),
        ("derive/losses.py", "import importlib\nimportlib.import_module('flint')", "derive/losses.py:2 imports flint"),
        ("derive/sde.py", "__import__('numerics.lower')", "derive/sde.py:1 imports numerics"),
        ("numerics/lower.py", "import numpy\nimport reports.tex", "numerics/lower.py:2 imports reports"),
    ],
)
def test_a_planted_violation_is_found(path, source, found):
    assert violations(Path(path), source) == [found]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("derive/proof/search.py", "from scipy.optimize import linprog\nimport flint, z3"),
        ("numerics/lower.py", "import jax, sympy\nfrom derive.form import GradientForm"),
        ("reports/build.py", "import jax\nfrom numerics import ensembles\nfrom derive import sde"),
        ("derive/sde.py", "from . import form\nfrom derive.form import jaxtyping_free\nname = 'import jax'"),
    ],
)
def test_what_is_allowed_is_let_through(path, source):
    assert violations(Path(path), source) == []


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `statement`."""
    code = f"{statement}\nimport sys\nprint('\\n'.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", TRUSTED)
def test_what_is_trusted_loads_no_search(module):
    code = f"import {module}, sys\nprint([name for name in {TRUSTED[module]!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_importing_every_module_of_derive_loads_no_jax():
    modules = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in FILES
        if file.relative_to(ROOT).parts[0] == "derive"
    ]
    loaded = loaded_by("\n".join(f"import {module}" for module in modules))
    assert "sympy" in loaded and not loaded & {"jax", "jaxlib", "diffrax", "matplotlib", "numerics", "reports"}


@pytest.mark.parametrize("package", ["derive", "numerics", "reports"])
def test_importing_a_package_loads_nothing_heavy(package):
    assert not loaded_by(f"import {package}") & {"sympy", "jax", "numpy", "matplotlib", "scipy"}


def test_the_command_line_starts_without_the_heavy_libraries():
    loaded = loaded_by("import reports.cli")
    assert "typer" in loaded and not loaded & {"sympy", "jax", "diffrax", "numpy", "scipy", "matplotlib", "jinja2"}
