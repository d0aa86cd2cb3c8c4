"""Programs compute what NumPy computes, and options or a library under which they do not are left out or refused."""

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdescent.derive.vocabulary.errors import WrongArithmetic
from sdescent.numerics.backend import compiler
from sdescent.numerics.backend.double import jax, jnp
from sdescent.reports import cli

ROOT = Path(__file__).parents[3]
WIDTH = "xla_cpu_prefer_vector_width"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own, and nothing remembered from before or kept for after."""
    monkeypatch.setattr(compiler, "user_cache_path", lambda name: tmp_path / name)
    for remembered in (compiler.options, compiler.check_plain):
        remembered.cache_clear()
    yield tmp_path / "sdescent" / "canary"
    for remembered in (compiler.options, compiler.check_plain):
        remembered.cache_clear()


def wrong(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, off by a millionth at the last of the points alone."""
    return lambda *x: jnp.where(jnp.arange(len(x[0])) < len(x[0]) - 1, function(*x), function(*x) * (1 + 1e-6) + 1e-6)


def plant(monkeypatch: pytest.MonkeyPatch, name: str, option: str | None = None) -> None:
    """`name` comes out wrong, beside one that does not: always, or only where the compiler is given an option."""
    honest = {kept: compiler.functions()[kept] for kept in (name, "exp")}
    sick = honest | {name: (wrong(honest[name][0]), honest[name][1])}
    compare = compiler.disagreeing

    def disagreeing(options: Mapping[str, str]) -> list[str]:
        monkeypatch.setattr(compiler, "functions", lambda: sick if option is None or option in options else honest)
        return compare(options)

    monkeypatch.setattr(compiler, "disagreeing", disagreeing)


@pytest.mark.slow
def test_this_jax_knows_every_option_and_computes_rightly_with_all() -> None:
    """One that is not known would be left out silently, and bits would depend on the machine."""
    assert compiler.options() == compiler._REPRODUCIBLE | compiler._WIDE
    assert not compiler.narrowed()
    assert compiler._supported({"xla_cpu_no_such_option": "1", WIDTH: "256"}) == {WIDTH: "256"}
    compiler.check_plain()


@pytest.mark.slow
def test_every_function_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = compiler.functions()
    assert {"arctan", "exp", "tanh", "power", "arctan2", "erf", "gammaln"} <= honest.keys()
    # in double precision; single precision alone would find an error of a millionth in none
    sick = {name: (wrong(ours), theirs) for name, (ours, theirs) in honest.items()}
    monkeypatch.setattr(compiler, "functions", lambda: sick)
    assert compiler.disagreeing({}) == sorted(honest)


def test_an_error_in_single_precision_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def narrow(x: Any) -> Any:
        return jnp.exp(x) * (1.001 if x.dtype == jnp.float32 else 1.0)

    monkeypatch.setattr(compiler, "functions", lambda: {"exp": (narrow, np.exp)})
    assert compiler.disagreeing({}) == ["exp"]


def test_wide_registers_are_unused_where_a_function_comes_out_wrong_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "arctan", WIDTH)
    assert compiler.options() == compiler._REPRODUCIBLE and compiler.narrowed()
    compiler.check_plain()


def test_no_program_runs_where_a_function_comes_out_wrong_without_options(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "sin")
    twice = compiler.jit(lambda x: 2 * x)
    for use in (compiler.options, compiler.check_plain, lambda: twice(1.0)):
        with pytest.raises(WrongArithmetic, match=f"jax {jax.__version__} computes sin wrongly on this machine"):
            use()


def test_the_command_line_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    plant(monkeypatch, "sin")
    monkeypatch.setattr(cli, "app", lambda *_, **__: lambda: compiler.check_plain())
    assert cli.main(["list"]) == 70
    line = f"jax {jax.__version__} computes sin wrongly on this machine: install another release of it\n"
    assert tuple(capfd.readouterr()) == ("", line)


def test_a_comparison_is_made_once_and_made_again_where_its_file_is_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Mapping[str, str]] = []
    monkeypatch.setattr(compiler, "disagreeing", lambda options: made.append(options) or ["tan"])
    assert [compiler.known_disagreeing({}) for _ in range(3)] == [["tan"]] * 3 and len(made) == 1
    compiler.known_disagreeing({WIDTH: "512"})  # other options, another comparison
    assert len(made) == 2
    (first, second) = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for damaged in ('["ta', "3", json.dumps([1])):
        first.write_text(damaged)
        assert compiler.known_disagreeing({}) == ["tan"]
    assert len(made) == 5
    monkeypatch.setattr(compiler, "instruction_sets", lambda: ["another machine"])
    assert compiler.known_disagreeing({}) == ["tan"] and len(made) == 6 and second.exists()


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(compiler, "user_cache_path", lambda name: tmp_path / "file")
    monkeypatch.setattr(compiler, "disagreeing", lambda options: [])
    assert compiler.known_disagreeing({}) == []


@pytest.mark.slow
def test_what_jax_is_told_around_the_comparison_does_not_reach_it() -> None:
    with jax.enable_x64(False):
        assert compiler.disagreeing({}) == []


def test_every_program_of_numerics_is_compiled_through_one_file() -> None:
    """Another would run unchecked; chunks give the options that were checked."""
    found = set[tuple[str, str]]()
    for file in (ROOT / "numerics").rglob("*.py"):
        nodes = (e for e in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(e, ast.Attribute))
        jits = (e.value for e in nodes if e.attr in ("jit", "pjit", "filter_jit"))
        found |= {(file.name, e.id) for e in jits if isinstance(e, ast.Name)}
    assert found == {("compiler.py", "jax"), ("chunks.py", "jax")}
