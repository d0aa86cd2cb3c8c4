"""The house: imports go down only, there is no circle anywhere, and a folder is small enough to be read at a glance.

Imports are read from the source (all of them, also those inside functions and those for the type checker alone), and, since a
library may import what its user never named, checked once more on what Python really loads.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: every folder that holds folders, with what it holds from the ground up: an import goes from a later name to an earlier one
ORDER: dict[str, tuple[str, ...]] = {
    "": ("derive", "numerics", "reports", "sdescent", "benchmarks"),
    "derive": (
        "vocabulary", "expressions", "methods", "solvable", "equations", "reading", "printing", "proof", "audit",
        "derivation", "theorems",
    ),
    "derive/equations": (
        "step", "kinks", "sde", "rule_equation", "roots", "averaged", "rule_drift_and_covariance", "in_coordinates",
        "scaling", "process",
    ),
    "derive/theorems/bounds": (
        "language", "compressor_classes", "points", "draws", "kernel_context", "lyapunov_candidates", "sign_messages",
        "message_moments", "from_method", "proving", "horizon", "runs", "refuting", "stated",
        "answer", "rates", "suggest",
    ),
    "derive/methods": (
        "constants", "compressors", "noise", "losses", "schedules", "rules", "distributed", "optimisers", "specialise", "checking",
    ),
    "derive/proof": ("language", "kernel", "replay", "search", "refute", "claims", "gram", "repair", "rocq", "piecewise"),
    "derive/proof/search": (
        "mediants", "ring", "linear", "conic", "semidefinite", "classical_columns", "goal", "simplify", "intervals", "one_variable",
        "certify",
    ),
    "derive/reading": (
        "toml_file", "specs", "x0_and_sizes", "method_tables", "claims", "problems", "experiments",
        "measurements", "sweeps",
    ),
    "derive/theorems": (
        "entry", "facts", "unbiased", "signs", "discrete", "stationary", "bounds", "performance", "prose", "literature",
        "catalogue", "sharpen",
    ),
    "derive/vocabulary": (
        "verdicts", "errors", "names", "subprocesses", "files", "plugin_loading", "registry", "symbols", "formulas",
    ),
    "numerics": (
        "backend", "lowering", "laws", "simulate", "without_sampling", "statistics", "studies", "evidence", "measure", "tasks",
    ),
    "numerics/simulate": (
        "streams_and_statistics", "settings", "starting_points", "blow_up", "chunks", "ensemble", "largest",
        "parameters", "roots", "noise_integrals", "update_rules", "systems", "programs", "schemes", "equation_program",
        "method", "rule_equations", "named_equation", "equation",
    ),
    "numerics/evidence": ("weak_order", "checks", "sweeps", "stated", "paths", "verify"),
    "reports": ("store", "document", "claims", "sections", "assembly", "paper", "commands", "cli"),
    "reports/commands": (
        "terminal", "streams", "garbage", "progress", "report_derive_list", "entries_in_words",
        "check_claim_replay_export", "prove_and_suggest", "scaling", "doctor", "auditing", "solving", "measuring", "sweeping",
    ),
    "reports/commands/sweeping": (
        "table", "tasks", "bounds", "panels", "drawing", "figures", "executors", "command",
    ),
    "reports/paper": (
        "sde_table", "application", "page_one", "advice", "front", "paper_map", "assumptions", "stationary", "theorems",
        "experiments", "real_data", "sweeps", "verification",
    ),
}  # fmt: skip
PACKAGES = ORDER[""]
#: what is trusted, and all of the project that it may stand on
TRUSTED = {
    "derive.proof.kernel": {"derive.proof.kernel", "derive.proof.language", "derive.vocabulary.errors"},
    "derive.proof.replay": {"derive.proof.replay"},
}
#: libraries that parts of the house may not import, wherever in a file
FORBIDDEN = {
    "derive": {"jax", "jaxlib", "diffrax", "equinox", "lineax", "optimistix"},
    "derive except derive/proof": {"scipy", "flint", "z3", "clarabel"},
    "derive/proof/kernel": {"sympy", "numpy", "scipy", "z3", "clarabel"},
    "derive/proof/language": {"sympy", "numpy", "scipy", "z3", "clarabel"},
    "derive/proof/replay": {"sympy", "numpy", "scipy", "z3", "clarabel"},
}
#: lines of a file and entries of a folder that somebody reads in one sitting
MOST_LINES, MOST_ENTRIES = 440, 17

Graph = Mapping[str, Mapping[str, int]]


def module_of(path: Path) -> str:
    """The dotted name of a file, relative to the root, where derive, numerics and reports are folders of their own."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def folder_of(name: str) -> str:
    """A module's name from the root: sdescent.derive.equations.step is derive.equations.step."""
    inner = name.removeprefix("sdescent.")
    return inner if inner.partition(".")[0] in ("derive", "numerics", "reports") else name


def sources() -> dict[str, str]:
    """{path relative to the root: text} of every module of the packages."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


@cache
def imported(source: str) -> tuple[tuple[int, str], ...]:
    """(line, module or module.name) of every import in `source`, also those through importlib.import_module("...")."""
    return tuple(_imported(source))


def _imported(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, folder_of(alias.name)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            yield from ((node.lineno, folder_of(f"{node.module}.{alias.name}")) for alias in node.names)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            if name in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield node.lineno, folder_of(str(first.value))


def graph(files: Mapping[str, str]) -> Graph:
    """{module: {module of the project that it imports: line}}."""
    modules = {module_of(Path(path)) for path in files}
    found: dict[str, dict[str, int]] = {}
    for path, source in files.items():
        own = module_of(Path(path))
        found[own] = {}
        for line, name in imported(source):
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules and target != own:
                found[own].setdefault(target, line)
    return found


def circle(arrows: Graph) -> list[str]:
    """Modules that import one another in a loop, the first one again at its end; [] where there is no loop."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def siblings(arrows: Graph, files: Mapping[str, str]) -> dict[str, dict[str, dict[str, int]]]:
    """{folder: {name in it: {name in it that it imports: line}}}: each arrow between the two names where its paths part.

    What a package's own `__init__.py` imports from inside it is the package's face, and no arrow.
    """
    packages = {module_of(Path(path)) for path in files if path.endswith("__init__.py")}
    found: dict[str, dict[str, dict[str, int]]] = {}
    for module in arrows:
        parts = module.split(".")
        for depth in range(len(parts)):
            found.setdefault("/".join(parts[:depth]), {}).setdefault(parts[depth], {})
    for module, targets in arrows.items():
        for target, line in targets.items():
            a, b = module.split("."), target.split(".")
            common = next(n for n in range(max(len(a), len(b)) + 1) if a[n : n + 1] != b[n : n + 1])
            if common < len(a) and common < len(b):
                found["/".join(a[:common])][a[common]].setdefault(b[common], line)
            else:
                assert module in packages or target in packages
    return found


def upward(folders: Mapping[str, Graph]) -> list[str]:
    """Imports that go up in `ORDER`."""
    wrong = []
    for folder, names in ORDER.items():
        floor = {name: n for n, name in enumerate(names)}
        for name, targets in folders.get(folder, {}).items():
            wrong += [
                f"{folder or '.'}: {name} imports {to}" for to in targets if floor.get(to, -1) >= floor.get(name, -1)
            ]
    return wrong


def library_violations(path: str, source: str) -> list[str]:
    """Libraries that the file at `path` imports and may not."""
    parts = [key for key in FORBIDDEN if path.startswith(key.partition(" except ")[0] + "/")]
    parts = [key for key in parts if " except " not in key or not path.startswith(key.partition(" except ")[2] + "/")]
    forbidden = set[str]().union(*(FORBIDDEN[key] for key in parts))
    tops = ((line, name.partition(".")[0]) for line, name in imported(source))
    return list(dict.fromkeys(f"{path}:{line} imports {top}" for line, top in tops if top in forbidden))


def stands_on(arrows: Graph, start: str) -> set[str]:
    """Every module of the project that `start` and what is inside it import, directly or not."""
    waiting, seen = [module for module in arrows if f"{module}.".startswith(f"{start}.")], set[str]()
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += arrows[module]
    return seen


FILES = sources()


@cache
def arrows() -> Graph:
    """The imports of the tree as it is; not while tests are collected, since that takes a second."""
    return graph(FILES)


def test_the_imports_are_seen() -> None:
    """A test of arrows passes where none is found."""
    assert sum(map(len, arrows().values())) > 3 * len(FILES)


def test_no_circle_anywhere() -> None:
    assert circle(arrows()) == []
    # folders and files beside one another import in one direction only, at every level of the house
    for folder, names in siblings(arrows(), FILES).items():
        assert circle(names) == [], folder


def test_imports_go_down_only() -> None:
    assert upward(siblings(arrows(), FILES)) == []


def test_the_table_names_everything_in_every_folder_that_holds_folders() -> None:
    holds = {"": set(PACKAGES)}
    for file in FILES:
        path = Path(file)
        if path.name == "__init__.py" and len(path.parts) > 2:
            holds.setdefault(path.parent.parent.as_posix(), set()).add(path.parent.name)
    for folder in holds:
        if folder:
            holds[folder] |= {p.stem for p in (ROOT / folder).glob("*.py") if p.name != "__init__.py"}
    assert {folder: set(names) for folder, names in ORDER.items()} == holds


@pytest.mark.parametrize("part", TRUSTED)
def test_what_is_trusted_stands_on_itself(part: str) -> None:
    allowed = TRUSTED[part]
    foreign = {m for m in stands_on(arrows(), part) if not any(f"{m}.".startswith(f"{a}.") for a in allowed)}
    assert foreign <= {"derive", "derive.proof", "derive.vocabulary"}  # the packages around it, which load nothing


def test_no_library_is_imported_where_it_may_not_be() -> None:
    assert [found for path, source in FILES.items() for found in library_violations(path, source)] == []


def test_every_folder_and_file_can_be_read_in_one_sitting() -> None:
    tests = {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("*.py")}
    long = {path: lines for path, text in {**FILES, **tests}.items() if (lines := text.count("\n")) > MOST_LINES}
    assert long == {}
    folders: dict[str, int] = {}
    for path in {**FILES, **tests}:
        folder = Path(path)
        folders[folder.parent.as_posix()] = folders.get(folder.parent.as_posix(), 0) + (folder.name != "__init__.py")
    assert {folder: n for folder, n in folders.items() if n > MOST_ENTRIES} == {}


def test_nothing_imports_the_report_on_the_paper() -> None:
    """It is an application: one place names it, which starts it where a report has no problem of the user's."""
    named = [path for path, text in FILES.items() if "reports.paper" in text and not path.startswith("reports/paper/")]
    assert named == ["reports/assembly/plan.py"]


def test_no_file_repeats_the_name_of_its_folder() -> None:
    paths = [Path(path) for path in FILES if not path.endswith("__init__.py")]
    assert [str(p) for p in paths if p.stem.rstrip("s") == p.parent.name.rstrip("s")] == []


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("derive/expressions/graphs.py", "import sdescent.derive.equations.step.draws", "derive: expressions imports equations"),
        ("derive/proof/kernel/rules.py", "import sdescent.derive.proof.search.goal", "derive/proof: kernel imports search"),
        (
            "derive/derivation.py",
            "import importlib as i\ni.import_module('sdescent.numerics.laws.counter')",
            ".: derive imports numerics",
        ),
        ("reports/paper/sde_table.py", "import sdescent.reports.paper.sweeps.figures", "reports/paper: sde_table imports sweeps"),
    ],
)  # fmt: skip
def test_a_planted_upward_import_is_found(path: str, source: str, found: str) -> None:
    planted = {**FILES, path: FILES[path] + "\n" + source}
    assert upward(siblings(graph(planted), planted)) == [found]


def test_a_planted_circle_is_found() -> None:
    """Between two files of a leaf folder, which no table orders."""
    path = "derive/printing/latex.py"
    planted = {**FILES, path: FILES[path] + "\ndef f():\n    from sdescent.derive.printing.method_latex import step"}
    assert {"derive.printing.latex", "derive.printing.method_latex"} <= set(circle(graph(planted)))


def test_a_planted_foundation_of_what_is_trusted_is_found() -> None:
    path = "derive/proof/replay/algebra.py"
    planted = {**FILES, path: FILES[path] + "\nfrom sdescent.derive.proof.language.terms import num"}
    assert "derive.proof.language.terms" in stands_on(graph(planted), "derive.proof.replay")


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("derive/methods/losses.py", "import sympy\nimport jax.numpy as jnp", "derive/methods/losses.py:2 imports jax"),
        (
            "derive/equations/step/covariance.py", "import importlib\nimportlib.import_module('flint')",
            "derive/equations/step/covariance.py:2 imports flint",
        ),
        ("derive/proof/kernel/rules.py", "def f():\n    import z3", "derive/proof/kernel/rules.py:2 imports z3"),
        ("derive/proof/search/linear.py", "from scipy.optimize import linprog\nimport flint", None),
        ("numerics/laws/counter.py", "import jax, sympy", None),
    ],
)  # fmt: skip
def test_a_planted_library_is_found_and_an_allowed_one_let_through(path: str, source: str, found: str | None) -> None:
    assert library_violations(path, source) == ([] if found is None else [found])


def loaded_by(statement: str) -> set[str]:
    """Modules in a fresh interpreter after `statement`."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return {folder_of(name) for name in done.stdout.split()}


@pytest.mark.parametrize("part", TRUSTED)
def test_what_is_trusted_loads_nothing_else(part: str) -> None:
    loaded = loaded_by(
        "\n".join(f"import sdescent.{module}" for module in arrows() if f"{module}.".startswith(f"{part}."))
    )
    assert not loaded & {"sympy", "numpy", "scipy", "z3", "clarabel"}
    own = {name for name in loaded if name.partition(".")[0] in PACKAGES}
    around = {"sdescent", "sdescent.lazy", "derive", "derive.proof", "derive.vocabulary"}
    assert {m for m in own if not any(f"{m}.".startswith(f"{a}.") for a in TRUSTED[part])} <= around


@pytest.mark.slow
def test_importing_every_module_of_derive_loads_no_jax() -> None:
    loaded = loaded_by(
        "\n".join(f"import sdescent.{module}" for module in arrows() if module.partition(".")[0] == "derive")
    )
    assert "sympy" in loaded and not loaded & {"jax", "jaxlib", "diffrax", "matplotlib", "numerics", "reports"}


@pytest.mark.parametrize("package", ["sdescent.derive", "sdescent.numerics", "sdescent.reports", "sdescent"])
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    assert not loaded_by(f"import {package}") & {"sympy", "jax", "numpy", "matplotlib", "scipy"}


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    loaded = loaded_by("import sdescent.reports.cli")
    assert "typer" in loaded and not loaded & {"sympy", "jax", "diffrax", "numpy", "scipy", "matplotlib", "jinja2"}


@pytest.mark.parametrize(
    ("code", "library"),
    [
        ("import sdescent.reports.commands.terminal, sdescent.reports.commands.check_claim_replay_export", "jinja2"),
        ("import sdescent; sdescent.run", "diffrax"),
    ],
)
def test_a_command_or_function_starts_without_the_library_of_another(code: str, library: str) -> None:
    """Only documents need templates, and only equations need solvers."""
    assert library not in loaded_by(code)
