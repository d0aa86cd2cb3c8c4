"""Paths of before: every one that a package lists still leads to the very module that stands elsewhere now, not to a copy of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("derive", "derive.proof", "derive.theorems", "numerics", "reports")
#: what the pages of before imported, and pages are what a user copies from
OF_THE_PAGES = (
    "from derive.compressors import Biased, Omega, RandK, ScaledSign, Sign, Unbiased",
    "from derive.coordinates import g, v",
    "from derive.form import GradientForm",
    "from derive.noise import Gaussian, Laplace, Law, Scaled, Uniform",
    "from derive.methods import DCSGD, DSGD, DSignSGD, Method",
    "from derive.models import SDE, sde",
    "from derive.proof import prove",
    "from derive.proof.certificate import dumps",
    "from derive.proof.context import Context",
    "from derive.proof.kernel import Fact",
    "from derive.proof.repair import repairs",
    "from derive.proof.replay import replay",
    "from derive.proof.terms import Relation, num, xs",
    "from derive.registry import Parameter, positive, register, scale",
    "from derive.symbols import coerce",
    "from derive.theorems.checking import check",
    "from derive.theorems.entry import Derivation, Theorem",
    "from derive.theorems.reading import scalar",
    "from numerics._jax import jax, jnp",
    "from numerics.random import compress, sample_law",
    "from numerics.scalars import number",
    "from numerics.verify import verify",
    "from numerics.weak_order import weak_order",
    "from reports.figures import STYLES, figure",
)


def former() -> dict[str, str]:
    """{path of before: path of now}, as the packages list them."""
    listed: list[tuple[str, dict[str, str]]] = [(name, import_module(name)._FORMER) for name in PACKAGES]
    return {f"{package}.{last}": now for package, moved in listed for last, now in moved.items()}


FORMER = former()


def answers(code: str, data: Any = None) -> Any:
    """What a fresh interpreter prints as JSON."""
    command = [sys.executable, "-c", code, json.dumps(data)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_some_paths_are_listed() -> None:
    assert len(FORMER) > 40 and {path for path in FORMER if path == FORMER[path]} == {"derive.sanity"}


def test_the_changelog_lists_them_all() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^ *\| `([\w.]+)` \| `([\w.]+)` \|$", text, re.MULTILINE))
    assert rows == {old: now for old, now in FORMER.items() if old != now}


#: how a module is had by its path of before
FORMS = {
    "import a.b": "import {old} as _; found = sys.modules['{old}']; assert found is _",
    "from a import b": "from {package} import {last} as found",
    "import_module": "import importlib; found = importlib.import_module('{old}')",
    "an attribute": "import {package}; found = {package}.{last}",
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_path_of_before_is_the_module_of_now(form: str) -> None:
    """The path of before comes first: whatever it makes is what the path of now must find."""
    code = f"""
import importlib, json, sys
wrong = []
for old, now in json.loads(sys.argv[1]).items():
    package, _, last = old.rpartition(".")
    names = {{"sys": sys}}
    exec({FORMS[form]!r}.format(old=old, package=package, last=last), names)
    if names["found"] is not importlib.import_module(now) or names["found"].__name__ != now:
        wrong.append(old)
print(json.dumps(wrong))
"""
    assert answers(code, FORMER) == []


@pytest.mark.slow
def test_a_name_from_a_path_of_before_is_the_object_of_now() -> None:
    """`from a.b import name` for every public name of every module that moved."""
    code = """
import importlib, json, sys
wrong, count = [], 0
for old, now in json.loads(sys.argv[1]).items():
    for name in [n for n in dir(importlib.import_module(now)) if not n.startswith("__")]:
        names = {}
        exec(f"from {old} import {name} as found", names)
        count += 1
        if names["found"] is not getattr(importlib.import_module(now), name):
            wrong.append(f"{old}.{name}")
print(json.dumps([wrong, count]))
"""
    wrong, count = answers(code, FORMER)
    assert wrong == [] and count > 500


@pytest.mark.slow
def test_modules_inside_a_package_that_moved_are_no_copies() -> None:
    """derive.noise.law is derive.methods.noise.law: a law of one is a law of the other."""
    code = """
import json, sys
from derive.noise.law import Law
import derive.noise.scales, derive.compressors.base
import derive.methods.noise.law, derive.methods.noise.scales, derive.methods.compressors.base
import derive
now = "derive.methods."
print(json.dumps([
    Law is derive.Law is derive.methods.noise.law.Law, issubclass(derive.Gaussian, Law),
    sys.modules["derive.noise.scales"] is sys.modules[now + "noise.scales"],
    sys.modules["derive.compressors.base"] is sys.modules[now + "compressors.base"],
]))
"""
    assert answers(code) == [True, True, True, True]


@pytest.mark.slow
def test_imports_of_the_pages_of_before_still_work() -> None:
    code = "import json, sys\nfor line in json.loads(sys.argv[1]):\n    exec(line)\nprint(1)"
    assert answers(code, OF_THE_PAGES) == 1


def test_a_module_that_never_was_is_not_found() -> None:
    for name in ("derive.coordinate", "derive.noise.lore", "numerics.ensemble"):
        with pytest.raises(ModuleNotFoundError):
            import_module(name)
