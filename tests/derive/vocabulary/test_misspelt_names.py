"""A misspelt key, name or letter is answered with the one that was meant, wherever a user may write one."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.equations.sde import check_asked
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.reading.claims import claim_from, read_claim
from sdescent.derive.reading.experiments import AUDIT, CLAIMED_KEYS, SOLVE_KEYS, read_audit, read_experiment
from sdescent.derive.reading.method_tables import KEYS as METHOD
from sdescent.derive.reading.problems import KEYS as PROBLEM
from sdescent.derive.reading.problems import problem, read_problem
from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.reading.sweeps.blocks import PARTS
from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.derive.theorems.bounds.stated import CONCLUSIONS, MODELS, Stated, read_stated
from sdescent.derive.theorems.bounds.stated import KEYS as THEOREM
from sdescent.derive.vocabulary.errors import BadInput, did_you_mean, unknown_name
from sdescent.derive.vocabulary.formulas.expressions import parse_formula
from sdescent.derive.vocabulary.registry import KINDS, entries, lookup
from sdescent.reports.cli import main

CLAIM = ("variables", "assume", "claim", "hints")
FIGURE = ("x", "y", "quantity", "estimate", "runs", "at")


def misspelt(name: str, names: Sequence[str]) -> str:
    """A name with a letter too many, which no other name has."""
    return next(w for at in range(1, len(name) + 1) if (w := name[:at] + name[at - 1] + name[at:]) not in names)


def means(name: str, call: Callable[[], Any]) -> None:
    """The call is refused, and the message ends with this name."""
    with pytest.raises(BadInput) as error:
        call()
    assert error.value.message.endswith(f"; did you mean {name}?"), error.value.message


FILES = {
    "problem": (read_problem, PROBLEM, 'method = "dsgd"\n{key} = 1\n'),
    "experiment": (read_experiment, (*PROBLEM, *SOLVE_KEYS), 'method = "dsgd"\n{key} = 1\n'),
    "sweep": (read_sweep, (*PROBLEM, *SOLVE_KEYS), "{key} = 1\n[sweep.grid]\neta = [0.1, 0.2]\n"),
    "a part of a sweep": (read_sweep, PARTS, 'method = "dsgd"\n[sweep]\n{key} = 1\n'),
    "an axis": (read_sweep, PROBLEM, 'method = "dsgd"\n[sweep.grid]\n{key} = [1, 2]\n'),
    "a figure": (read_sweep, FIGURE, 'method = "dsgd"\n[sweep.grid]\neta = [1, 2]\n[[figures]]\n{key} = "eta"\n'),
    "theorem": (read_stated, THEOREM, '{key} = "1"\n'),
    "claim": (read_claim, CLAIM, '{key} = "1"\n'),
    "audit": (read_audit, AUDIT, '{key} = "1"\n'),
    "claimed": (read_audit, CLAIMED_KEYS, 'method = "dsgd"\n[claimed]\n{key} = "1"\n'),
    "method": (read_problem, METHOD, '[method]\nupdate = ["x = x - eta*G"]\n{key} = "1"\n'),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_key_of_every_file(kind: str, tmp_path: Path):
    read, keys, text = FILES[kind]
    file = tmp_path / "file.toml"
    for key in keys:
        file.write_text(text.format(key=misspelt(key, keys)))
        means(key, lambda: read(file))


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "statistic"])
def test_every_name_and_every_value_of_a_specification(kind: str):
    listed = entries(kind)
    for name, entry in listed.items():
        for wrong in {misspelt(name, [*listed]), name.upper(), name.replace("-", "_")} - {*listed}:
            means(name, lambda wrong=wrong: lookup(kind, wrong, kind))
        names = [p.name for p in entry.parameters]
        for parameter in names:
            spec = f"{name}:{misspelt(parameter, names)}=1"
            means(parameter, lambda spec=spec: parse_spec(kind, spec, kind))


def test_values_by_the_names_that_others_give_them():
    for spec, meant in (("student-t:v=3", "nu"), ("student-t:df=3", "nu"), ("gaussian:std=1", "sigma")):
        means(meant, lambda spec=spec: parse_spec("noise", spec, "noise"))


def test_choices():
    fields = {"method": "dsgd", "claim": "change <= 0", "V": "f - fstar"}
    for key, names in (("model", MODELS), ("conclude", CONCLUSIONS)):
        for name in names:
            means(name, lambda key=key, name=name, names=names: Stated({**fields, key: misspelt(name, names)}))
    means("second-order", lambda: problem({"method": "dsgd", "model": "second-ordr"}))
    means("second-order", lambda: check_asked(DSGD(), "second-ordr", None, None))  # pyright: ignore[reportArgumentType]
    means("ballistic", lambda: problem({"method": "signum", "regime": "ballstic"}))
    means("sigma", lambda: problem({"method": "dsgd", "noise": "gaussian", "params": {"sigm": 1}}))


def test_letters_of_formulas():
    claim = {"variables": ["alpha", "beta"], "claim": "alpha*bta <= 1"}
    means("beta", lambda: claim_from(claim))
    means("sqrt", lambda: claim_from({**claim, "claim": "sqr(alpha) <= 1"}))
    means("tanh", lambda: parse_formula("tanhh(x)", {}, "drift"))
    step = {"name": "m", "memory": {"m": 0}, "update": ["m = m + nrom(G)", "x = x - eta*m"]}
    means("norm", lambda: problem({"method": step}))
    theorem = {"method": {"memory": {"mom": 0}, "update": ["mom = G", "x = x - eta*mom"]}, "claim": "change <= 0"}
    means("mom", lambda: Stated({**theorem, "V": "||mon||^2"}))


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["derve", "dsgd"], "derive"),
        (["derive", "dsgd", "--nosie", "gaussian"], "--noise"),
        (["check", "6.1-pathwse"], "6.1-pathwise"),
        (["report", "--only", "theorms"], "theorems"),
        (["solve", "no.toml", "--ouy", "x"], "--out"),
    ],
)
def test_commands_and_options(arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith(f"; did you mean {meant}?\n")


def test_the_guess_is_near_or_there_is_none():
    assert did_you_mean("zzzz", ["gaussian", "laplace"]) == ""
    assert did_you_mean(3, ["3"]) == "" and did_you_mean("", ["a"]) == "" and did_you_mean("a", []) == ""
    assert did_you_mean("v", ["v0", "sigma"]).endswith("v0?") and did_you_mean("v", ["mu"]) == ""


@pytest.mark.parametrize("name", ["gausian\x1b[31m\n", "gausian" * 5000, "gausian\u202e"])
def test_a_hostile_name_stays_one_line(name: str, capsys: pytest.CaptureFixture[str]):
    assert unknown_name("noise", name, ["gaussian"]).message.isprintable()
    assert main(["derive", "dsgd", "--noise", name, "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["error"].isprintable() and len(answer["error"]) < 400
