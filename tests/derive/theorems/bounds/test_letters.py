"""The letters of a theorem file: a clash of two roles is an error, and a consistent renaming changes nothing but names."""

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
    "fT", "Af", "y1", "v0q", "w0q", "sigma", "kap", "beta", "x1", "a_b", "e_q", "V0_q", "z_q", "at_q", "f_K", "psi", "exp", "norm",
    "min", "one", "True", "class", "pi2",
)  # fmt: skip
#: files in which every role has a letter between ~ ~: the descent lemma with memory, and the one of signs
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
FILES = {"momentum": MOMENTUM, "signs": SIGNS}
#: roles that are the author's: such a letter may become a word of the language, and the file then says something else
OF_THE_AUTHOR = ("L", "s", "c", "L0", "L1")


def letters(file: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(re.findall("~(.*?)~", json.dumps(file))))


@cache
def outcome(name: str, letter: str = "", new: str = "") -> dict[str, Any] | None:
    """The certificate of the step with another name for a letter; None where it is not proved."""
    text = re.sub("~(.*?)~", lambda m: new if m[1] == letter else m[1], json.dumps(FILES[name]))
    fact = proved_quickly(Stated(json.loads(text)), 20.0)
    return None if fact is None else json.loads(json.dumps(certificate(fact, name)))


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
        proof = outcome(name, letter, new)
    except BadInput as error:
        assert new in error.message, "a clash names the letter"
        return
    assert proof is not None and proof == renamed(outcome(name), {letter: new})


@pytest.mark.parametrize(
    ("name", "letter", "new"),
    [
        ("momentum", "m", "e"), ("momentum", "m", "b"), ("momentum", "beta", "aa"), ("momentum", "beta", "K"),
        ("momentum", "m", "xstar"), ("signs", "L0", "aa"), ("signs", "L0", "y"),
    ],
)  # fmt: skip
def test_a_renaming_changes_names_alone(name: str, letter: str, new: str) -> None:
    check_renaming(name, letter, new)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_name_is_a_letter_or_a_clash(name: str) -> None:
    """Of the letters with memory each has every ninth name; on signs a proof takes a second."""
    every = {"momentum": 9, "signs": 40}[name]
    for n, letter in enumerate(letters(FILES[name])):
        for new in {*NAMES[n % every :: every], *((*SIGN_WORDS, *SIGN_PROOF) if name == "signs" else ())}:
            check_renaming(name, letter, new)


def rule(memory: Mapping[str, int], *update: str, **more: Any) -> dict[str, Any]:
    return {"method": {"memory": memory, "update": list(update)}, "noise": "none", "assume": ["smooth: L", "eta*L <= 1"],
            "V": "f - fstar", "claim": "change <= 0", **more}  # fmt: skip


@pytest.mark.parametrize("letter", ["e", "m", "xstar", "g", "V0"])
def test_gradient_ascent_is_never_proved(letter: str) -> None:
    """With a memory of any name: -G is added to the state in the direction of the gradient."""
    convex = ["smooth: L", "strongly convex: mu", "eta*L <= mu/2"]
    more = {"assume": convex, "V": "||x - xstar||^2", "claim": "change <= -eta*mu*V"}
    file = rule({letter: 0}, f"{letter} = -G", f"x = x - eta*{letter}", **more)
    try:
        assert decide(Stated(file), 5.0, repair=False).status != "PROVED"
    except BadInput as error:
        assert letter in error.message


@pytest.mark.parametrize("word", ["clip", "K", "V0", "change", "u"])
def test_a_constant_of_a_rule_is_no_word(word: str) -> None:
    with pytest.raises(BadInput) as raised:
        Stated(rule({}, f"x = x - eta*{word}*min(1, c/norm(G))*G"))
    assert raised.value.field.startswith(("method", "update"))
    assert word in raised.value.message


@pytest.mark.parametrize(
    "changes",
    [
        {"params": {"f": 2}},
        {"noise": "gaussian:sigma=f"},
        {"noise": "none", "compressor": "bernoulli:p=f"},
        {"method": {"update": ["x = x - eta*f*G"], "fractions": ["f"]}},
        {"method": {"update": ["x = x - a*f*G"], "regime": {"a": "f*eta"}}},
    ],
    ids=["value", "noise", "compressor", "fraction", "regime"],
)
def test_the_loss_in_a_rule_is_nothing_else(changes: Mapping[str, Any]) -> None:
    table = {"noise": "none", "assume": ["smooth: L"], "V": "f - fstar", "claim": "change <= 0",
             "method": {"update": ["x = x - eta*f*G"]}}  # fmt: skip
    assert Stated(table).letters.constants == ()
    with pytest.raises(BadInput) as error:
        Stated({**table, **changes})
    assert error.value.value == "f"


def test_a_constant_with_a_number_is_that_number() -> None:
    """beta is 1/2 in the method, so that an assumption on another beta would prove nothing about it."""
    file = {
        "method": "heavy-ball", "params": {"beta": "1/2"}, "assume": ["smooth: L", "variance: s", "beta <= 1/4"],
        "V": "f - fstar + ||v||^2", "claim": "change <= 0",
    }  # fmt: skip
    assert decide(Stated(file), 5.0, repair=False).status == "UNDECIDED"


@pytest.mark.parametrize("text", ["strongly convex: mu*f", "smooth: L0, f", "bounded gradient: G", "pl: u", "pl: V0"])
def test_the_constants_of_a_class_are_constant(text: str) -> None:
    with pytest.raises(BadInput) as raised:
        Stated({"method": "dsgd", "assume": [text], "V": "f - fstar", "claim": "change <= 0"})
    assert raised.value.field == "assume[1]"
    assert "constant" in raised.value.message or "write V out" in raised.value.message


def test_a_letter_of_the_step_is_no_constant() -> None:
    with pytest.raises(BadInput, match="letter of the step"):
        Stated(rule({}, "w = eta*G", "x = x - w", claim="change <= -w"))


def test_the_page_lists_every_word() -> None:
    page = (Path(__file__).parents[4] / "docs/howto/own-theorem.md").read_text()
    table = page.split("## The letters")[1].split("\n## ")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if "|" in row]
    listed = set(re.findall(r"`([A-Za-z0-9]+)`", "\n".join(cells)))
    assert {*WORDS, *SIGN_WORDS} - {"pi"} <= listed


def test_a_constant_is_not_printed_as_the_loss_at_an_end() -> None:
    file = {"method": "dsgd", "assume": ["smooth: L", "variance: s"], "V": "f - fstar", "conclude": "telescope"}
    with pytest.raises(BadInput, match="f_K"):
        Stated({**file, "claim": "change <= -eta*G^2/2 + eta^2*L*s/(2*N) + f_K^2"})
