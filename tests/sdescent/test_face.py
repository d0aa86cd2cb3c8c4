"""The public face: what it offers is what stands behind it, with the same words, whole signatures and no hidden names."""

import ast
import doctest
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

import sdescent as sd
from sdescent.derive.equations.sde import MODELS
from sdescent.derive.solvable import Simulated
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import Model, Precision, SchemeName
from sdescent.numerics.simulate.schemes import SCHEMES
from sdescent.numerics.simulate.settings import Arithmetic
from sdescent.reports.cli import app

ROOT = Path(__file__).parents[2]
#: names that a user looks for first
NEEDED = {
    "DSGD", "DCSGD", "DSignSGD", "sde", "solve", "run", "prove", "check", "verify", "report", "BadInput", "Refusal",
    "Ensemble", "SDE", "Judged", "Verdict", "Checked", "Verified", "Report", "Model", "load", "claim", "plugins",
}  # fmt: skip
OFFERED: list[str] = sd.__all__  # pyright: ignore[reportAttributeAccessIssue]


def test_an_editor_sees_what_python_finds() -> None:
    tree = ast.parse((ROOT / "sdescent" / "__init__.pyi").read_text(encoding="utf-8"))
    *imports, exported = tree.body
    seen = [(alias, str(n.module)) for n in imports if isinstance(n, ast.ImportFrom) for alias in n.names]
    assert len(seen) == len(imports) and isinstance(
        exported, ast.Assign
    )  # only `__all__` hands on a name under another
    names = sorted(str(alias.asname) for alias, _ in seen)
    assert names == sorted(ast.literal_eval(exported.value)) == OFFERED == dir(sd)
    assert all(getattr(sd, str(alias.asname)) is getattr(import_module(home), alias.name) for alias, home in seen)


def test_what_a_piece_needs_is_offered_too() -> None:
    tree = ast.parse((ROOT / "sdescent" / "plugins.pyi").read_text(encoding="utf-8"))
    seen = [(alias, str(n.module)) for n in tree.body if isinstance(n, ast.ImportFrom) for alias in n.names]
    assert sorted(alias.name for alias, _ in seen) == sorted(str(alias.asname) for alias, _ in seen) == dir(sd.plugins)
    assert all(getattr(sd.plugins, alias.name) is getattr(import_module(home), alias.name) for alias, home in seen)


@pytest.mark.parametrize("name", ["noise", "compressors", "losses", "schedules", "methods"])
def test_completion_offers_the_pieces_of_a_namespace_and_no_imports(name):
    namespace = getattr(sd, name)
    offered, home = {piece: getattr(namespace, piece) for piece in dir(namespace)}, namespace.__name__
    distributed = {"DSGD", "DCSGD", "DSignSGD"} if name == "methods" else set()
    assert len(offered) > 5 and offered.keys() >= distributed
    assert all(piece.__module__.startswith(home) for key, piece in offered.items() if key not in distributed)


def test_the_verbs_are_those_of_the_command_line() -> None:
    commands = {name for name in get_command(app).list_commands(None)}  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
    verbs = {name for name in OFFERED if name.islower() and inspect.isfunction(getattr(sd, name))}
    # deriving is `sde` in Python, where `derive` is the package; what has no command is a step of a command, or reads for it
    assert verbs - commands == {"sde", "run", "verify", "load"}
    assert commands - verbs == {"derive", "list", "doctor", "export", "sweep", "measure"}


def test_a_file_is_loaded_as_what_its_keys_say(tmp_path: Path) -> None:
    texts = {
        "Claim": 'variables = ["a"]\nassume = []\nclaim = "a^2 >= 0"\n',
        "Stated": 'method = "dsgd"\nassume = ["smooth: L"]\nV = "f - fstar"\nclaim = "change <= 0"\n',
        "dict": 'method = "dsgd"\nassume = ["smooth: L"]\n',
        "AuditFile": 'method = "dsgd"\nnoise = "gaussian"\n[claimed]\ndrift = {x = "-g"}\n',
        "Measurement": 'method = "dsgd"\nclients = 1\nbatch = 2\nsteps = 3\neta = 0.1\nsampling = "shuffled"\n',
        "Problem": 'method = "dsgd"\nnoise = "gaussian"\nloss = "quadratic"\n',
        "Experiment": 'method = "dsgd"\nclients = 1\nloss = "quadratic:h=1"\ndim = 1\nx0 = 1\n'
        "eta = 0.1\nT = 0.2\npaths = 3\nsave = 2\n",
    }
    for kind, text in texts.items():
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        assert type(sd.load(tmp_path / "mine.toml")).__name__ == kind
    with pytest.raises(BadInput, match="claime"):
        (tmp_path / "mine.toml").write_text('claime = "a^2 >= 0"\n', encoding="utf-8")
        sd.load(tmp_path / "mine.toml")


def test_the_face_has_what_a_user_looks_for_and_no_other_name() -> None:
    assert set(OFFERED) >= NEEDED and not [name for name in OFFERED if name.startswith("_")]
    with pytest.raises(AttributeError, match="no attribute 'sdde'"):
        _ = sd.sdde  # pyright: ignore


def callables() -> Iterator[tuple[str, Any]]:
    """Public functions, and classes with their public methods."""
    for name in OFFERED:
        found = getattr(sd, name)
        if inspect.isfunction(found):
            yield name, found
        elif inspect.isclass(found):
            yield from (
                (f"{name}.{key}", member)
                for key, member in inspect.getmembers(found, inspect.isfunction)
                if not key.startswith("_") and member.__module__.startswith("sdescent.")
            )


def test_signatures_are_whole() -> None:
    """No *args, no **kwargs, and a type for every parameter and result."""
    packed, untyped = [], []
    for name, function in callables():
        signature = inspect.signature(function)
        for parameter in signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                packed.append(f"{name}: {parameter}")
            if parameter.annotation is parameter.empty and parameter.name != "self":
                untyped.append(f"{name}: {parameter.name}")
        if signature.return_annotation is signature.empty:
            untyped.append(f"{name}: its result")
    assert packed == [] and untyped == []


def test_everything_public_says_what_it_is() -> None:
    aliases = {"Model"}
    assert [name for name in OFFERED if name not in aliases and not getattr(sd, name).__doc__] == []


def test_an_equation_takes_what_the_solver_takes() -> None:
    own = list(inspect.signature(sd.SDE.solve).parameters.values())[1:]
    behind = list(inspect.signature(sd.solve).parameters.values())[1:]
    assert [(p.name, p.kind, p.default) for p in own] == [(p.name, p.kind, p.default) for p in behind]


def test_what_a_solve_returns_is_as_an_equation_promises() -> None:
    promised = {key for key in vars(Simulated) if not key.startswith("_")}
    assert promised == {"times", "values", "blow_up", "final", "settings", "paths", "blow_ups", "to_dict"}
    has = {*sd.Ensemble.__dataclass_fields__, *(key for key in vars(sd.Ensemble) if not key.startswith("_"))}
    assert promised <= has


def test_choices_are_those_that_exist() -> None:
    assert get_args(Model) == tuple(MODELS)
    assert set(get_args(SchemeName)) == set(SCHEMES)
    assert [Arithmetic(name).kind.name for name in get_args(Precision)] == list(get_args(Precision))


def test_a_theorem_is_checked_by_its_id_or_as_itself() -> None:
    by_id, itself = sd.check("6.7-first-order"), sd.check(entries()["6.7-first-order"])
    assert by_id.status == itself.status == "PROVED" and by_id.steps == itself.steps
    with pytest.raises(BadInput, match=r"found '6\.7-frist'.*6\.7-first-order"):
        sd.check("6.7-frist")


def test_a_piece_is_checked_without_its_sampler_where_that_is_asked() -> None:
    checked = [finding.what for finding in sd.check(sd.compressors.RandK(1), sampling=False).all]
    assert checked == ["unbiased", "covariance", "growth", "omega"]


def test_verify_takes_one_id() -> None:
    (one,), (same,) = sd.verify("8-cauchy-3"), sd.verify(["8-cauchy-3"])
    assert (one.id, one.verdict, one.count) == (same.id, same.verdict, same.count)
    with pytest.raises(BadInput, match="ids: found '8-cauchy-0'"):
        sd.verify("8-cauchy-0")


def test_a_report_has_the_sections_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^only: found 'theorem'; accepted: one of .*theorems"):
        sd.report(only="theorem", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (spec := tmp_path / "mine.toml").write_text('method = "dsgd"\nnoise = "gaussian:sigma=1"\nloss = "quadratc"\n')
    with pytest.raises(BadInput, match="quadratc"):
        sd.report(spec, tmp_path / "out")


@pytest.mark.slow
def test_a_report_on_a_problem_of_ones_own(tmp_path: Path) -> None:
    spec, said = tmp_path / "mine.toml", []
    spec.write_text('method = "dsgd"\nnoise = "cauchy:sigma=1"\nloss = "quadratic:h=1"\ndim = 1\nclients = 2\n')
    made = sd.report(
        spec, tmp_path / "out", only="problem", progress=lambda label, fraction: said.append((label, fraction))
    )
    assert made.statuses == {"first-order": "refused"} and "no-drift" not in made.notes
    assert made.tex == tmp_path / "out" / "report.tex" and made.tex.is_file() and (made.parts / "problem.tex").is_file()
    assert said[-1] == ("done", 1.0) and made.seconds > 0
    again = sd.report(str(spec), str(tmp_path / "out"), only="problem")
    assert again.reused and not made.reused


def examples() -> list[doctest.DocTest]:
    """The examples in docstrings of the face and of what it offers."""
    finder = doctest.DocTestFinder(recurse=False)
    offered = [(name, getattr(sd, name)) for name in OFFERED]
    found = [("sdescent", sd), *((n, o) for n, o in offered if getattr(o, "__doc__", None))]
    return [test for name, documented in found for test in finder.find(documented, name) if test.examples]


@pytest.mark.slow
@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_examples_do_what_they_show(example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    assert doctest.DocTestRunner().run(example, out=said.append).failed == 0, "".join(said)


def test_what_a_user_calls_first_has_an_example() -> None:
    shown = {example.name for example in examples()}
    assert shown >= {"sdescent", "sde", "solve", "run", "claim", "check", "verify", "report", "load"}
    for example in examples():
        assert example.examples[0].source == "import sdescent as sd\n"
