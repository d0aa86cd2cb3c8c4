"""A script of a user's in pyright's strict mode: nothing in it is unknown, and a wrong word is an error before anything runs.

pyright sees the packages as a user's does: through the `site-packages` of an environment, where `py.typed` counts.
"""

import importlib.util
import json
import os
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = (Path(__file__).parent / "user_script.py").read_text(encoding="utf-8")
#: (what stands in the script, a mistake in its place, rule, part of what pyright says)
MISTAKES = (
    ('sd.sde(method, "first-order"', 'sd.sde(method, "secnd-order"', "reportArgumentType", "secnd-order"),
    ('scheme="euler")', 'scheme="eulr")', "reportArgumentType", "eulr"),
    ("sd.claim(", "sd.proof(", "reportAttributeAccessIssue", "proof"),
    ("paths=200, key=1", "path=200, key=1", "reportCallIssue", "path"),
    ("sd.DSGD(sd.noise.Cauchy())", 'sd.DSGD("cauchy")', "reportArgumentType", "Noise | Law"),
    ("made.tex.name", "made.text.name", "reportAttributeAccessIssue", "text"),
)


def environment(folder: Path) -> Path:
    """The Python of a new environment that finds this project, and what the tests' own one has."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "tests.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return folder / "bin" / "python"


def complaints(folder: Path, **scripts: str) -> dict[str, list[tuple[str, str]]]:
    """{script: [(rule, message) of each error]} of pyright in strict mode."""
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed (the extra `test` has it)")
    python = environment(folder / "environment")
    for name, text in scripts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    files = [f"{name}.py" for name in scripts]
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", python, *files]
    env = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in (0, 1), f"pyright could not run: {done.stdout}{done.stderr}"
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["summary"]["filesAnalyzed"] >= len(scripts)
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in scripts}
    for said in answer["generalDiagnostics"]:
        if said["severity"] == "error":
            found[Path(said["file"]).stem].append((said.get("rule", ""), said["message"]))
    return found


@pytest.mark.slow
def test_a_users_script_is_typed_through_and_through_and_mistakes_in_it_are_found(tmp_path: Path) -> None:
    assert all(SCRIPT.count(right) for right, *_ in MISTAKES)
    wrong = {f"mistake{n}": SCRIPT.replace(right, mistake, 1) for n, (right, mistake, *_) in enumerate(MISTAKES)}
    found = complaints(tmp_path, script=SCRIPT, **wrong)
    assert found.pop("script") == []
    for (name, said), (_, _, rule, part) in zip(found.items(), MISTAKES, strict=True):
        assert any(rule == of and part in message for of, message in said), (name, said)


@pytest.mark.slow
def test_a_users_script_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("script.py", run_name="__main__")
    assert capsys.readouterr().out.splitlines() == [
        "first-order True",
        "corrected True",
        "close: True",
        "conditions: ['nu > 2'] drift: -g_j + eta*Hvp_j(g_k)/2",
        "refused: no-drift",
        "claims: PROVED PROVED ['CONFIRMED', 'VIOLATED']",
        "report: report.tex {'first-order': 'refused'}",
    ]
