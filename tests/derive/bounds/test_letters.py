"""The letters of a theorem file: a clash of two roles is an error, and a consistent renaming changes nothing but names."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from typing import Any

import pytest

from derive.bounds.answer import decide
from derive.bounds.letters import SIGN_WORDS, VECTORS, WORDS
from derive.bounds.stated import Stated
from derive.methods.compressors import Sign
from derive.vocabulary.errors import BadInput

#: letters to rename to: all of one character, and names that mean something to the language, to a proof or to Python
NAMES = (
    *string.ascii_letters, *WORDS, *SIGN_WORDS, *VECTORS, "ev", "bv", "cv", "mv", "xv", "gv", "V1", "AV0", "V00", "V0T", "f0", "fT", "Af",
    "y1", "v0q", "w0q", "mean", "noise", "sigma", "kap", "eps", "mu", "beta", "gamma", "lam", "x1", "m1", "a_b", "a_1", "e_q", "V0_q",
    "z_q", "at_q", "h_q", "f_K", "psi", "exp", "log", "sum", "int", "norm", "min", "one", "True", "class", "pi2", "Hess",
)  # fmt: skip
#: a file in which every role has a letter between ~ ~
MOMENTUM: Mapping[str, Any] = {
    "method": {"memory": {"~m~": 0}, "update": ["~m~ = ~beta~*~m~ - eta*G", "x = x + ~m~"], "fractions": ["~beta~"]},
    "assume": ["smooth: ~L~", "variance: ~s~", "eta*~L~ <= 1", "~beta~^2 <= 1 - eta*~L~", "~c~ >= 0"],
    "V": "f - fstar + (1 - eta*~L~)/(2*eta)*||~m~||^2",
    "claim": "change <= -eta*G^2/2 + eta*~s~/(2*N) + ~c~*||x - xstar + ~c~*~m~||^2",
}
SIGNS: Mapping[str, Any] = {
    "method": "dsignsgd", "noise": "cauchy", "assume": ["smooth: ~L0~, ~L1~", "~c~ >= 0", "~L1~*eta*sqrt(d) <= ~c~"], "V": "f - fstar",
    "claim": "change <= -eta*Phi + eta^2*psi(~c~)*d*(~L0~ + ~L1~*G)",
}  # fmt: skip
FALSE: Mapping[str, Any] = {
    "method": {"memory": {"~m~": 0}, "update": ["x = x - eta*~m~", "~m~ = -G"]}, "noise": "none",
    "assume": ["smooth: ~L~", "strongly convex: ~mu~", "eta*~L~ <= ~mu~/2"], "V": "||x - xstar||^2", "claim": "change <= -eta*~mu~*V",
}  # fmt: skip


def letters(file: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(re.findall("~(.*?)~", json.dumps(file))))


def with_names(file: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return json.loads(re.sub("~(.*?)~", lambda m: names.get(m[1], m[1]), json.dumps(file)))


def outcome(file: Mapping[str, Any]) -> tuple[str, Any]:
    """The verdict, and the certificate or the point."""
    answer = decide(Stated(file), 20.0, repair=False)
    if answer.status == "REFUTED":
        assert answer.refuted is not None
        return answer.status, {name: str(v) for name, v in answer.refuted.point.items()}
    return answer.status, answer.certificate


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A certificate or a point with other names; what heads a term is no name."""
    if isinstance(value, list):
        if len(value) > 1 and value[0] in ("x", "xi", "v") and isinstance(value[1], str):
            return [value[0], names.get(value[1], value[1])]
        return [renamed(v, names) for v in value]
    if isinstance(value, dict):
        of_names = "symbols", "vectors"
        return {
            names.get(k, k): (
                ({names.get(n, n): renamed(t, names) for n, t in v.items()} if isinstance(v, dict) else [names.get(n, n) for n in v])
                if k in of_names else names.get(v, v) if k == "symbol" else renamed(v, names)
            )
            for k, v in value.items()
        }  # fmt: skip
    return value


def check_renaming(file: Mapping[str, Any], letter: str, name: str) -> None:
    plain = with_names(file, {})
    if name in letters(file) and name != letter:
        return  # two letters would become one
    try:
        status, what = outcome(with_names(file, {letter: name}))
    except BadInput as error:
        assert name in error.message, "a clash names the letter"
        return
    assert (status, what) == (BASE[id(file)][0], renamed(BASE[id(file)][1], {letter: name})), (plain, letter, name)


@pytest.fixture(scope="module", autouse=True)
def _bases() -> None:
    for file in (MOMENTUM, SIGNS, FALSE):
        BASE.setdefault(id(file), outcome(with_names(file, {})))


BASE: dict[int, tuple[str, Any]] = {}
