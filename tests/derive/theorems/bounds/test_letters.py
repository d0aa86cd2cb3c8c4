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

from sdescent.derive.proof.kernel.certificate import certificate
from sdescent.derive.theorems.bounds.answer import decide, proved_quickly
from sdescent.derive.theorems.bounds.language.letters import SIGN_PROOF, SIGN_WORDS, VECTORS, WORDS
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.vocabulary.errors import BadInput

#: letters to rename to: all of one character, and names that mean something to the language, to a proof or to Python
NAMES = (
    *string.ascii_letters, *WORDS, *SIGN_WORDS, *VECTORS, "ev", "bv", "cv", "mv", "xv", "gv", "V1", "AV0", "V00", "V0T", "f0",
    "fT", "Af", "y1", "v0q", "w0q", "mean", "noise", "sigma", "kap", "eps", "mu", "beta", "gamma", "lam", "x1", "m1", "a_b",
    "a_1", "e_q", "V0_q", "z_q", "at_q", "h_q", "f_K", "psi", "exp", "log", "sum", "int", "norm", "min", "one", "True", "class",
    "pi2", "Hess",
)  # fmt: skip
#: files in which every role has a letter between ~ ~: the descent lemma with memory, the one of signs, and one that is false
MOMENTUM: Mapping[str, Any] = {
    "method": {"memory": {"~m~": 0}, "update": ["~m~ = ~beta~*~m~ - eta*G", "x = x + ~m~"], "fractions": ["~beta~"]},
    "assume": ["smooth: ~L~", "variance: ~s~", "~c~ >= ~L~"],
    "V": "f - fstar + ||~m~||^2",
    "claim": "change <= ~beta~*<g, ~m~> - eta*G^2 + (~L~/2 + 1)*(~beta~^2*||~m~||^2 - 2*~beta~*eta*<g, ~m~>"
    " + eta^2*(G^2 + ~s~/N)) - ||~m~||^2 + ~c~*G^2",
}
SIGNS: Mapping[str, Any] = {
    "method": "dsignsgd", "noise": "cauchy", "V": "f - fstar",
    "assume": ["smooth: ~L0~, ~L1~", "~c~ >= 0", "~c~ <= 1/16", "~L1~*eta*sqrt(d) <= ~c~"],
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


def letters(file: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(re.findall("~(.*?)~", json.dumps(file))))


@cache
def outcome(name: str, letter: str = "", new: str = "") -> tuple[str, Any]:
    """The verdict with another name for a letter, and the certificate of the step where it is proved."""
    text = re.sub("~(.*?)~", lambda m: new if m[1] == letter else m[1], json.dumps(FILES[name]))
    stated = Stated(json.loads(text))
    if name == "false":
        return decide(stated, 20.0, repair=False).status, None
    fact = proved_quickly(stated, 20.0)
    return ("UNDECIDED", None) if fact is None else ("PROVED", certificate(fact, name))


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
    words = {**WORDS, **(SIGN_WORDS if name == "signs" else {})}
    if (new != letter and new in letters(FILES[name])) or (letter in OF_THE_AUTHOR and new in words):
        return  # two letters would become one
    try:
        found = outcome(name, letter, new)
    except BadInput as error:
        assert new in error.message, "a clash names the letter"
        return
    status, what = (json.loads(json.dumps(part)) for part in outcome(name))
    assert json.loads(json.dumps(found)) == [status, renamed(what, {letter: new})]


@pytest.mark.parametrize("name", FILES)
def test_the_files_have_their_verdicts(name: str) -> None:
    assert outcome(name)[0] == ("REFUTED" if name == "false" else "PROVED")


@pytest.mark.parametrize(
    ("name", "letter", "new"),
    [
        ("momentum", "m", "e"), ("momentum", "m", "b"), ("momentum", "beta", "aa"), ("momentum", "beta", "K"),
        ("signs", "L0", "aa"), ("signs", "L0", "y"), ("false", "m", "e"), ("false", "m", "c"), ("false", "m", "xstar"),
    ],
)  # fmt: skip
def test_a_renaming_changes_names_alone(name: str, letter: str, new: str) -> None:
    check_renaming(name, letter, new)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_name_is_a_letter_or_a_clash(name: str) -> None:
    """Of the letters with memory each has every fifth name, so that together they have all; on signs a proof takes a second."""
    every = {"momentum": 5, "signs": 30, "false": 1}[name]
    for n, letter in enumerate(letters(FILES[name])):
        for new in {*NAMES[n % every :: every], *((*SIGN_WORDS, *SIGN_PROOF) if name == "signs" else ())}:
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


@pytest.mark.parametrize(
    "word", ["clip", "Zsq", "K", "T", "V", "V0", "Q", "f", "fstar", "change", "LV", "EVT", "u", "d"]
)
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
    page = (Path(__file__).parents[4] / "docs/howto/own-theorem.md").read_text()
    table = page.split("## The letters")[1].split("\n## ")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if "|" in row]
    listed = set(re.findall(r"`([A-Za-z0-9]+)`", "\n".join(cells)))
    assert {*WORDS, *SIGN_WORDS} - {"pi"} <= listed


@pytest.mark.parametrize("name", ["f_0", "f_K", "f_T"])
def test_a_constant_is_not_printed_as_the_loss_at_an_end(name: str) -> None:
    file = {
        "method": "dsgd",
        "assume": ["smooth: L", "variance: s", "eta*L <= 1"],
        "V": "f - fstar",
        "conclude": "telescope",
    }
    with pytest.raises(BadInput, match=name):
        Stated({**file, "claim": f"change <= -eta*G^2/2 + eta^2*L*s/(2*N) + {name}^2"})
