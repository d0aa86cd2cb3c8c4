"""Mistakes in a table [method]: each is answered with one line that names the field, what was found and the remedy."""

import json
from pathlib import Path

import pytest

from tests.support.commands.command_line import Run

FILE = """noise = "gaussian"
clients = 2
params = {rho = 2}

[method]
name = "own"
memory = {m = 0}
update = ["m = beta*m + (1-beta)*G", "x = x - eta*m"]
regime = {beta = "1 - rho*eta"}
"""
LAST = '"x = x - eta*m"'
WHOLE = '["m = beta*m + (1-beta)*G", "x = x - eta*m"]'

#: what is changed in the file, by what, and what the answer must contain
MISTAKES = {
    "an unknown letter": (LAST, '"x = x - eta*q", "q = G"', "method.update[2]: found 'q'; accepted: a value that was assigned"),
    "an assignment in place": (LAST, '"x -= eta*m"', "method.update[2]: found 'x -=' (column 4); accepted: the assignment written"),
    "no = in the file": ("memory = {", "memory {", "Expected '=' after a key"),
    "a regime by name": (
        '{beta = "1 - rho*eta"}', '"ballistic"', "method.regime: found 'ballistic'; accepted: a table of formulas",
    ),
    "one text for all": (
        WHOLE, '"m = beta*m + G; x = x - eta*m"', "method.update[1]: found 'm = beta*m + G; x = x - eta*m'; accepted: one",
    ),
    "an unknown function": (
        "- eta*m", "- eta*tanhh(m)", "method.update[2]: found 'tanhh' (column 13); accepted: one of the functions sqrt",
    ),
    "a letter that is taken": ("{m = 0}", "{eta = 0}", "method.memory: found 'eta'; accepted: a name other than"),
    "the gradient's letter": (
        "(1-beta)*G", "(1-beta)*g", "method.update[1]: found 'g'; accepted: G for the gradient that a step sees",
    ),
    "no update": (f"update = {WHOLE}\n", "", "method.update: found 'nothing'; accepted: a list of assignments such as"),
    "params with another name": ("{rho", "{gamma = 1, rho", "params.gamma: found '1'; accepted: a symbol of the rule"),
    "a string for a number": ("{m = 0}", '{m = "zero"}', "method.memory.m: found 'zero'; accepted: an exact number"),
    "an unknown model": ("clients", 'model = "firstorder"\nclients', "model: found 'firstorder'; accepted: one of first-order"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_one_line(name: str, tmp_path: Path, run: Run) -> None:
    old, new, answer = MISTAKES[name]
    assert old in FILE
    path = tmp_path / "own.toml"
    path.write_text(FILE.replace(old, new, 1))
    status, out, err = run("derive", str(path))
    assert (status, out, err.count("\n")) == (2, "", 1) and answer in err
    status, out, err = run("derive", str(path), "--json")
    assert (status, err) == (2, "") and answer in json.loads(out)["error"]
