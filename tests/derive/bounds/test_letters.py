"""The letters of a theorem file: a clash of two roles is an error, and a consistent renaming changes nothing but names."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.bounds.answer import decide
from sdescent.derive.bounds.language.letters import SIGN_WORDS, VECTORS, WORDS
from sdescent.derive.bounds.stated import Stated
from sdescent.derive.vocabulary.errors import BadInput

#: letters to rename to: all of one character, and names that mean something to the language, to a proof or to Python
NAMES = (
    *string.ascii_letters, *WORDS, *SIGN_WORDS, *VECTORS, "ev", "bv", "cv", "mv", "xv", "gv", "V1", "AV0", "V00", "V0T", "f0",
    "fT", "Af", "y1", "v0q", "w0q", "mean", "noise", "sigma", "kap", "eps", "mu", "beta", "gamma", "lam", "x1", "m1", "a_b",
    "a_1", "e_q", "V0_q", "z_q", "at_q", "h_q", "f_K", "psi", "exp", "log", "sum", "int", "norm", "min", "one", "True", "class",
    "pi2", "Hess",
)  # fmt: skip
#: a file in which every role has a letter between ~ ~
MOMENTUM: Mapping[str, Any] = {
    "method": {"memory": {"~m~": 0}, "update": ["~m~ = ~beta~*~m~ - eta*G", "x = x + ~m~"], "fractions": ["~beta~"]},
    "assume": ["smooth: ~L~", "variance: ~s~", "eta*~L~ <= 1", "~beta~^2 <= 1 - eta*~L~", "~c~ >= 0"],
    "V": "f - fstar + (1 - eta*~L~)/(2*eta)*||~m~||^2",
    "claim": "change <= -eta*G^2/2 + eta*~s~/(2*N) + ~c~*G^2",
}
SIGNS: Mapping[str, Any] = {
    "method": "dsignsgd", "noise": "cauchy", "V": "f - fstar",
    "assume": ["smooth: ~L0~, ~L1~", "~c~ >= 0", "~L1~*eta*sqrt(d) <= ~c~"],
    "claim": "change <= -eta*Phi + eta^2*psi(~c~)*d*(~L0~ + ~L1~*G)",
}  # fmt: skip
FALSE: Mapping[str, Any] = {
    "method": {"memory": {"~m~": 0}, "update": ["x = x - eta*~m~", "~m~ = -G"]}, "noise": "none",
    "assume": ["smooth: ~L~", "strongly convex: ~mu~", "eta*~L~ <= ~mu~/2"],
    "V": "||x - xstar||^2", "claim": "change <= -eta*~mu~*V",
}  # fmt: skip

FILES = {"momentum": MOMENTUM, "signs": SIGNS, "false": FALSE}
#: roles that are the author's: such a letter may become a word of the language, and the file then says something else
OF_THE_AUTHOR = ("L", "s", "c", "L0", "L1", "mu")


@cache
def base(name: str) -> tuple[str, Any]:
    """What comes out with the letters of the file."""
    return outcome(with_names(FILES[name], {}))


def letters(file: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(re.findall("~(.*?)~", json.dumps(file))))


def with_names(file: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return json.loads(re.sub("~(.*?)~", lambda m: names.get(m[1], m[1]), json.dumps(file)))


def outcome(file: Mapping[str, Any]) -> tuple[str, Any]:
    """The verdict, and the certificate of a proof."""
    answer = decide(Stated(file), 20.0, repair=False)
    return answer.status, answer.certificate


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A certificate with other names; what heads a term is no name."""
    if isinstance(value, list):
        if len(value) > 1 and value[0] in ("x", "xi", "v") and isinstance(value[1], str):
            return [value[0], names.get(value[1], value[1])]
        return [renamed(v, names) for v in value]
    if not isinstance(value, dict):
        return value
    table = {names.get(key, key): renamed(v, names) for key, v in value.items()}
    if isinstance(vectors := value.get("vectors"), list):
        table["vectors"] = [names.get(v, v) for v in vectors]
    return table


def check_renaming(name: str, letter: str, new: str) -> None:
    file = FILES[name]
    words = {**WORDS, **(SIGN_WORDS if name == "signs" else {})}
    if (new != letter and new in letters(file)) or (letter in OF_THE_AUTHOR and new in words):
        return  # two letters would become one
    try:
        found = outcome(with_names(file, {letter: new}))
    except BadInput as error:
        assert new in error.message, "a clash names the letter"
        return
    status, what = base(name)
    assert found == (status, renamed(what, {letter: new}))


@pytest.mark.parametrize(
    ("name", "status"), [pytest.param("momentum", "PROVED", marks=pytest.mark.slow), ("signs", "PROVED"), ("false", "REFUTED")],
)
def test_the_files_have_their_verdicts(name: str, status: str) -> None:
    assert base(name)[0] == status


@pytest.mark.parametrize(
    ("name", "letter", "new"),
    [
        pytest.param("momentum", "m", "e", marks=pytest.mark.slow), ("momentum", "m", "b"),
        pytest.param("momentum", "beta", "aa", marks=pytest.mark.slow), ("momentum", "beta", "K"),
        ("signs", "L0", "aa"), ("signs", "L0", "y"), ("false", "m", "e"), ("false", "m", "c"), ("false", "m", "xstar"),
    ],
)  # fmt: skip
def test_a_renaming_changes_names_alone(name: str, letter: str, new: str) -> None:
    check_renaming(name, letter, new)


#: the letters of the files, those of the proofs first
ROLES = [(name, letter) for name, file in FILES.items() for letter in letters(file)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "letter"), ROLES)
def test_every_name_is_a_letter_or_a_clash(name: str, letter: str) -> None:
    """Proofs take seconds: each of the eight letters in them has every eighth name, so that together they have all."""
    step, first = (1, 0) if name == "false" else (8, ROLES.index((name, letter)))
    for new in NAMES[first::step]:
        check_renaming(name, letter, new)


def rule(memory: Mapping[str, int], *update: str, **more: Any) -> dict[str, Any]:
    return {"method": {"memory": memory, "update": list(update)}, "noise": "none", "assume": ["smooth: L", "eta*L <= 1"],
            "V": "f - fstar", "claim": "change <= 0", **more}  # fmt: skip


@pytest.mark.parametrize("letter", ["e", "ev", "m", "mean", "V", "xstar", "b", "g", "c", "K", "f0", "V0", "AV0"])
def test_gradient_ascent_is_never_proved(letter: str) -> None:
    """With a memory of any name: -G is added to the state in the direction of the gradient."""
    convex = ["smooth: L", "strongly convex: mu", "eta*L <= mu/2"]
    more = {"assume": convex, "V": "||x - xstar||^2", "claim": "change <= -eta*mu*V"}
    file = rule({letter: 0}, f"{letter} = -G", f"x = x - eta*{letter}", **more)
    try:
        assert decide(Stated(file), 5.0, repair=False).status != "PROVED"
    except BadInput as error:
        assert letter in error.message


def test_the_square_of_a_memory_is_its_own() -> None:
    file = rule({"e": 0}, "x = x - eta*G", "e = e/2 + G", V="||e||^2", claim="change <= 0")
    assert set(Stated(file).setting.potentials) == {("e", "e")}
    assert decide(Stated(file), 5.0, repair=False).status != "PROVED"  # e grows from 0


@pytest.mark.parametrize("word", ["clip", "Zsq", "K", "T", "V", "V0", "Q", "f", "fstar", "change", "LV", "EVT", "u", "d"])
def test_a_constant_of_a_rule_is_no_word(word: str) -> None:
    with pytest.raises(BadInput) as raised:
        Stated(rule({}, f"x = x - eta*{word}*min(1, c/norm(G))*G"))
    assert raised.value.field.startswith(("method", "update"))
    assert word in raised.value.message


def test_a_constant_with_a_number_is_that_number() -> None:
    """beta is 1/2 in the method, so that an assumption on another beta would prove nothing about it."""
    file = {
        "method": "heavy-ball", "params": {"beta": "1/2"}, "assume": ["smooth: L", "variance: s", "beta <= 1/4"],
        "V": "f - fstar + ||v||^2", "claim": "change <= 0",
    }  # fmt: skip
    assert decide(Stated(file), 5.0, repair=False).status == "UNDECIDED"


@pytest.mark.parametrize(
    "text",
    [
        "strongly convex: mu*f", "pl: G", "smooth: L*G", "smooth: L0, f", "bounded gradient: G", "strongly convex: K", "pl: u",
        "pl: V0",
    ],
)  # fmt: skip
def test_the_constants_of_a_class_are_constant(text: str) -> None:
    with pytest.raises(BadInput) as raised:
        Stated({"method": "dsgd", "assume": [text], "V": "f - fstar", "claim": "change <= 0"})
    assert raised.value.field == "assume[1]"
    assert "constant" in raised.value.message or "V is written out" in raised.value.message


def test_a_letter_of_the_step_is_no_constant() -> None:
    with pytest.raises(BadInput, match="letter of the step"):
        Stated(rule({}, "w = eta*G", "x = x - w", claim="change <= -w"))


def test_the_page_lists_every_word() -> None:
    page = (Path(__file__).parents[3] / "docs/howto/own-theorem.md").read_text()
    table = page.split("## The letters")[1].split("\n## ")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if "|" in row]
    listed = set(re.findall(r"`([A-Za-z0-9]+)`", "\n".join(cells)))
    assert {*WORDS, *SIGN_WORDS} - {"pi"} <= listed


@pytest.mark.parametrize("name", ["f_0", "f_K", "f_T"])
def test_a_constant_is_not_printed_as_the_loss_at_an_end(name: str) -> None:
    file = {"method": "dsgd", "assume": ["smooth: L", "variance: s", "eta*L <= 1"], "V": "f - fstar", "conclude": "telescope"}
    with pytest.raises(BadInput, match=name):
        Stated({**file, "claim": f"change <= -eta*G^2/2 + eta^2*L*s/(2*N) + {name}^2"})
