"""The letters and functions of update rules, and of equations stated for them."""

import keyword
import re

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.expressions import FORMULAS
from sdescent.derive.vocabulary.formulas.text import GREEK_FUNCTIONS, Language, check_text, written
from sdescent.derive.vocabulary.names import belongs_to_the_engine

#: functions that give a gradient at another point: with the draw of the step, with a new draw, and one client's message with a
#: new draw
GRADIENTS = ("G", "fresh", "local")
#: the further functions of update rules, with the least and the greatest number of arguments
_MORE = {name: (1, 1) for name in (*GRADIENTS, "mean", "C", "norm", "hess")}
UPDATES = Language({**FORMULAS.functions, **_MORE}, powers=True)
#: random letters of a step: the clients' mean of C(g + Z), the same before compression, the same with new draws, one client's own
#: C(g + Z) with new draws, and a standard normal vector
RANDOM = ("G", "raw", "fresh", "local", "normal")
#: letters with a fixed meaning in update rules
LETTERS = ("x", *RANDOM, "k", "t", "pi")

_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9]*[A-Za-z])?", re.ASCII)
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
_TAKEN = (
    *LETTERS,
    *(name for name in UPDATES.functions if name not in GREEK_FUNCTIONS),
    "g",
    "eta",
    "N",
    "d",
    "u",
    "du",
)


def check_letter(name: object, field: str) -> str:
    """The name of a memory letter or of an intermediate value, checked.

    Raises:
        BadInput: the name is not made of at most 20 letters and digits with a letter at both ends (a number at the end would
            denote a coordinate), or is taken.
    """
    text = check_text(name if isinstance(name, str) else written(name), field, "a name")
    if not _NAME.fullmatch(text) or len(text) > 20 or keyword.iskeyword(text):
        raise BadInput(
            field, text, "a name of at most 20 letters and digits that begins and ends with a letter, such as m"
        )
    if text in _TAKEN:
        raise BadInput(field, text, "a name other than " + " ".join(dict.fromkeys(_TAKEN)))
    return text


def check_parameter(name: str, field: str) -> str:
    """The name of a parameter of a rule or of a regime, checked.

    Raises:
        BadInput: it is not a name, or is a Python keyword or a name that the toolkit uses itself.
    """
    if not _PARAMETER.fullmatch(name) or keyword.iskeyword(name) or belongs_to_the_engine(name):
        raise BadInput(field, name, "the name of a parameter, which SymPy, Python and the engine do not use themselves")
    return name
