"""A second `sdescent solve` of what exists: no figure is drawn that is there already, and nothing is loaded to compute with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.reading.experiments import experiment
from sdescent.reports.commands.solving import results
from sdescent.reports.commands.solving.command import carry_out
from tests.support.commands.command_line import completed
from tests.support.commands.solved import FIELDS, contents, quietly


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the figures that are drawn from here on."""
    names: list[str] = []
    original = results.figure

    def figure(folder: Path, name: str, *args: Any, **options: Any) -> Any:
        names.append(name)
        return original(folder, name, *args, **options)

    monkeypatch.setattr(results, "figure", figure)
    return names


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def swapped(path: Path) -> None:
    path.write_bytes(path.with_name(path.name.replace("norm", "loss")).read_bytes())


@pytest.mark.slow
def test_a_figure_is_drawn_again_only_where_it_is_not_whole(tmp_path: Path, drawn: list[str]) -> None:
    damages: list[tuple[Callable[[Path], None], str]] = [(Path.unlink, "pdf"), (cut, "png"), (swapped, "pdf")]
    fields = {**FIELDS, "models": [], "eta": "1/8", "quantities": ["loss", "norm"]}
    carry_out(asked := experiment(fields), tmp_path, quietly)
    assert drawn == ["loss-eta1", "norm-eta1"]
    right = contents(tmp_path)
    for damage, suffix in damages:
        drawn.clear()
        assert carry_out(asked, tmp_path, quietly)[0]["figures"] and drawn == []
        damage(tmp_path / f"figures/norm-eta1.{suffix}")
        carry_out(asked, tmp_path, quietly)
        assert drawn == ["norm-eta1"] and contents(tmp_path) == right
    # those of another seed in the same folder, and then of the first one again
    drawn.clear()
    carry_out(experiment({**fields, "seed": 6}), tmp_path, quietly)
    assert contents(tmp_path) != right
    carry_out(asked, tmp_path, quietly)
    assert contents(tmp_path) == right and drawn == ["loss-eta1", "norm-eta1"] * 2


@pytest.mark.slow
def test_what_exists_is_read_without_what_computes_and_draws(tmp_path: Path) -> None:
    asked = experiment({**FIELDS, "quantities": ["loss"], "paths": 20, "models": [], "eta": "1/8"})
    carry_out(asked, tmp_path / "out", quietly)
    fields = {name: v for name, v in asked.to_dict().items() if v is not None and name != "chunk"}
    (tmp_path / "my.toml").write_text("\n".join(f"{name} = {json.dumps(v)}" for name, v in fields.items()))
    run = "status = main(sys.argv[1:]); print(*sorted(sys.modules)); exit(status)"
    code = f"import sys\nfrom sdescent.reports.cli import main\n{run}"
    words = ["solve", str(tmp_path / "my.toml"), "-o", str(tmp_path / "out"), "--json"]
    done = completed(sys.executable, "-c", code, *words, check=True)
    *answer, loaded = done.stdout.splitlines()
    assert json.loads("\n".join(answer))["reused"] == ["eta1-method"]
    heavy = {"scipy.special", "scipy.stats", "matplotlib", "diffrax", "equinox", "jinja2", "sklearn", "pyarrow", "z3"}
    assert "jax" in loaded.split() and not heavy & set(loaded.split())
