"""The distribution as a user gets it, and the switch that forbids skips."""

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

from sdescent.reports.store.cache import source_digest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_installed_version_is_the_projects():
    assert importlib.metadata.version("sdescent") == PROJECT["version"]


def test_the_command_is_installed_and_answers():
    done = subprocess.run(
        [Path(sys.executable).parent / "sdescent", "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and "report" in done.stdout and done.stderr == ""


PACKAGE = "sdescent"
#: folders that stand beside the package, which links to them, and are inside it once it is installed
LINKED = ("derive", "numerics", "reports")


def test_the_package_links_to_its_folders() -> None:
    assert {path.name: os.readlink(path) for path in (ROOT / PACKAGE).iterdir() if path.is_symlink()} == {
        name: f"../{name}" for name in LINKED
    }


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the project: a file that git does not know, or that the build forgets (a template), shows."""
    folder = tmp_path_factory.mktemp("package") / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def wheel(clone: Path) -> Path:
    """The wheel that the clean copy makes."""
    out = clone.parent / "out"
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, clone]
    subprocess.run(pip, check=True, timeout=300)
    (made,) = out.glob("sdescent-*.whl")
    return made


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages_and_no_other(clone: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        extra = {name for name in archive.namelist() if name.endswith("/licenses/LICENSE")}
    command = ["git", "ls-files", PACKAGE, *LINKED]
    tracked = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    links = {f"{PACKAGE}/{name}" for name in LINKED}
    assert (
        packed == {n if n.startswith(f"{PACKAGE}/") else f"{PACKAGE}/{n}" for n in tracked} - links and len(extra) == 1
    )
    assert f"{PACKAGE}/py.typed" in packed


@pytest.mark.slow
def test_the_wheel_works_outside_of_its_source(wheel: Path, tmp_path: Path) -> None:
    """Installed in an environment of its own, which has what the tests' one has but this project, and used from another folder.

    Other packages there are called derive, numerics and reports, and so are files beside the user's own.
    """
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "environment"], check=True, timeout=60)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index", "--no-deps", wheel]
    subprocess.run(pip, check=True, timeout=300)
    (site,) = (tmp_path / "environment").glob("lib/python*/site-packages")
    (site / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    (folder := tmp_path / "elsewhere").mkdir()
    for name in LINKED:
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("WHOSE = 'another package'\n", encoding="utf-8")
        (folder / f"{name}.py").write_text("WHOSE = 'the user'\n", encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def ran(*words: str | Path) -> str:
        done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = "; ".join(f"import sdescent.{name}; print(sdescent.{name}.__file__)" for name in LINKED)
    assert [Path(line) for line in ran(python, "-c", where).split()] == [
        site / PACKAGE / n / "__init__.py" for n in LINKED
    ]
    whose = "; ".join(f"import {name}; print({name}.WHOSE)" for name in LINKED)
    assert set(ran(python, "-c", whose).splitlines()) == {"the user"}
    assert set(ran(python, "-P", "-c", whose).splitlines()) == {"another package"}
    (folder / "mine.py").write_text(
        "import derive, sdescent as sd\nprint(derive.WHOSE, sd.sde(sd.DSGD()).method.clients)\n"
    )
    assert ran(python, "mine.py") == "the user N\n"
    assert "report" in ran(python.parent / "sdescent", "--help")
    (folder / "my.toml").write_text(
        'method = "dsgd"\nclients = 1\nloss = "quadratic:h=1"\ndim = 1\nx0 = 1\neta = 0.1\nT = 0.2\npaths = 3\n',
        encoding="utf-8",
    )
    assert "solved/summary.json" in ran(python.parent / "sdescent", "solve", "my.toml").split()
    said = ran(python.parent / "sdescent", "report", "--quick", "--only", "sde-table", "-o", "made")
    assert "tex: made/report.tex" in said
    assert "\\begin{document}" in (folder / "made" / "report.tex").read_text(encoding="utf-8")
    assert (folder / "made" / "parts" / "sde-table.tex").stat().st_size > 1000


def test_a_result_depends_on_the_source_of_every_folder() -> None:
    assert source_digest() == source_digest(f"{PACKAGE}.{name}" for name in LINKED)


@pytest.mark.parametrize("name", LINKED)
def test_a_folder_of_the_checkout_is_no_package_of_its_own(name: str) -> None:
    """Imported by itself, it would have every class twice."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == f"ImportError: there is no package {name}: import sdescent.{name}"


@pytest.mark.slow
def test_the_source_distribution_makes_the_same_wheel_and_holds_the_tests(
    clone: Path, wheel: Path, tmp_path: Path
) -> None:
    """Made by the back end that pyproject.toml names, and built again from what it holds."""
    system = tomllib.loads((clone / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    pip = [sys.executable, "-m", "pip"]
    subprocess.run(
        [*pip, "install", "-q", "--target", tmp_path / "backend", *system["requires"]], check=True, timeout=300
    )
    make = f"import sys, {system['build-backend']} as backend; print(backend.build_sdist(sys.argv[1]))"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "backend")}
    done = subprocess.run(
        [sys.executable, "-c", make, tmp_path],
        cwd=clone,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    with tarfile.open(tmp_path / done.stdout.split()[-1]) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    held = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    tracked = subprocess.run(
        ["git", "ls-files", PACKAGE, *LINKED, "tests", "docs", "benchmarks", "LICENSE", "CITATION.cff", "*.md"],
        cwd=clone, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    links = {f"{PACKAGE}/{name}" for name in LINKED}
    assert held >= set(tracked.stdout.split()) - links | {"pyproject.toml", "PKG-INFO"}
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", tmp_path / "again", source], check=True, timeout=300)
    (again,) = (tmp_path / "again").glob("sdescent-*.whl")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert {n: one.read(n) for n in one.namelist()} == {n: other.read(n) for n in other.namelist()}


def test_the_lowest_versions_that_are_tried_are_those_that_are_allowed() -> None:
    """`.ci/lowest` installs them; on a newer Python some have no wheel, and the first that has one is tried."""
    lines = [
        line.partition(";") for line in (ROOT / ".ci/lowest.txt").read_text().splitlines() if not line.startswith("#")
    ]
    tried = {line[0].partition("==")[0]: line[0].partition("==")[2] for line in lines if ">=" not in line[2]}
    allowed = {}
    for line in PROJECT["dependencies"]:
        name, version = re.fullmatch(r"([a-z0-9-]+)[>=]=([0-9.]+?)(?:\.\*)?(?:,.*)?", line).groups()  # pyright: ignore
        allowed[name] = version
    assert tried.keys() == allowed.keys()
    assert all((tried[name] + ".0.0").startswith(version + ".") for name, version in allowed.items())


CASES = {
    "call": "import pytest\ndef test_a(): pytest.skip('no TeX')",
    "module": "import pytest\npytest.importorskip('no_such_module')\ndef test_a(): pass",
    "expected": "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_a(): assert False",
    "good": "def test_a(): pass",
}


def reported(folder: Path, no_skip: str) -> dict[str, str]:
    """What pytest, in a process of its own, reports of each of the files, by name, as XML."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
    for name, source in CASES.items():
        (folder / f"test_{name}.py").write_text(source)
    report = folder / f"report-{no_skip}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors", "-p", "no:cacheprovider"]
    command += ["-c", os.devnull, "--rootdir", str(folder), f"--junitxml={report}", str(folder)]
    env = {**os.environ, "SDESCENT_NO_SKIP": no_skip}
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == int(no_skip), done.stdout
    # a file that is skipped as a whole has its name where others have a test's
    return {
        (case.get("classname") or case.get("name") or "").split(".")[0].removeprefix("test_"): ET.tostring(
            case, "unicode"
        )
        for case in ET.parse(report).getroot().iter("testcase")
    }


@pytest.mark.slow
def test_a_skip_is_a_failure_where_skips_are_forbidden(tmp_path):
    free, strict = reported(tmp_path, "0"), reported(tmp_path, "1")
    assert free.keys() == strict.keys() == CASES.keys()
    assert {name for name, xml in free.items() if "<skipped" in xml} == CASES.keys() - {"good"}
    for name, reason in (("call", "no TeX"), ("module", "no_such_module")):
        assert re.search("<(failure|error) ", strict[name])
        assert "skipped while SDESCENT_NO_SKIP is set" in strict[name] and reason in strict[name]
    assert strict["expected"] == free["expected"] or "pytest.xfail" in strict["expected"]
    assert not re.search("<(failure|error|skipped) ", strict["good"])
