"""Users' text: its accepted characters, the quotation of values in messages, and the tokens of terms and relations."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, final

from sdescent.derive.vocabulary.errors import BadInput, did_you_mean
from sdescent.derive.vocabulary.names import MAX_DIGITS

MAX_LENGTH = 2000  # characters

_UNPRINTABLE = re.compile(r"[^ -~]")


def check_text(text: object, field: str, accepted: str, limit: int = MAX_LENGTH) -> str:
    """`text`, checked to be a string of at most `limit` printable ASCII characters.

    Raises BadInput otherwise: look-alikes of ASCII letters and digits, control characters and line breaks are refused.
    """
    if not isinstance(text, str):
        raise BadInput(field, text, f"text: {accepted}")
    if len(text) > limit:
        raise BadInput(field, text, f"at most {limit} characters")
    if odd := _UNPRINTABLE.search(text):
        raise BadInput(field, text, f"printable ASCII characters only: {accepted}", odd.start() + 1)
    return text


def written(value: object, depth: int = 0) -> str:
    """A value in the syntax of TOML, for messages; a string that is not inside a list or a table has no quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if depth else value
    if isinstance(value, list | dict) and depth > 2:
        return "[...]" if isinstance(value, list) else "{...}"
    if isinstance(value, list):
        return f"[{', '.join(written(item, depth + 1) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {written(item, depth + 1)}' for key, item in value.items())}}}"
    if isinstance(value, int) and abs(value) >= 10**100:  # Python refuses to print the largest integers
        return "a number of more than 100 digits"
    return str(value)


FUNCTIONS = ("sqrt", "exp", "log", "atan", "erf", "tanh", "abs", "psi")
#: functions with Greek names; such a name is a variable unless a parenthesis follows it
GREEK_FUNCTIONS = frozenset({"psi"})
RELATIONS = ("<=", "<", ">=", ">", "==")


@final
@dataclass(frozen=True)
class Language:
    """The functions and exponents that the formulas of one kind of input may contain."""

    #: name -> (least, greatest) number of arguments. A name that is also a variable denotes the function if a
    #: parenthesis follows
    functions: Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(FUNCTIONS, (1, 1)))
    powers: bool = False  # whether an exponent may be any term

    @property
    def commas(self) -> bool:
        """Whether some function has several arguments, so that commas may occur."""
        return any(most > 1 for _, most in self.functions.values())


CLAIMS = Language()
MAX_TOKENS = 500  # the largest number of tokens in one relation or term, not counting parentheses


def names_function(name: str, called: bool, functions: Collection[str]) -> bool:
    """Whether a name denotes a function rather than a variable; `called` says whether a parenthesis follows it."""
    return name in functions and (called or name not in GREEK_FUNCTIONS)


_TOKEN = re.compile(
    r" *(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<relation>[<>=!]+)|(?P<operator>\*\*|[-+*/^])|(?P<bracket>[()])|(?P<end>$)|(?P<other>.))",
    re.ASCII,
)
_GLUED = re.compile(r"[A-Za-z0-9_.]*", re.ASCII)
_INSTEAD = {",": "one argument for each function", "|": "abs(x) for an absolute value"}
_ANY = "numbers, variables, functions, + - * / ^ ( ) and <= < >= > =="


class Token(NamedTuple):
    kind: str  # number, variable, function, relation, operator, bracket, comma
    text: str
    start: int  # in the user's text, from 0

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def scan(text: str, variables: Collection[str], field: str, whole: str, language: Language = CLAIMS) -> list[Token]:
    """The tokens of `text`, in which `variables` may occur; in messages it is called `field`, and `whole` is its accepted form.

    Raises BadInput if the text has a character, a number or a name outside the grammar, or too many tokens.
    """
    tokens: list[Token] = []
    at = count = 0
    while match := _TOKEN.match(text, at):
        kind = str(match.lastgroup)
        token, at = Token(kind, match[kind], match.start(kind)), match.end()
        if kind == "end":
            break
        if kind == "number":
            _check_number(text, token, field)
        elif kind == "name":
            token = token._replace(kind=_kind_of_name(text, token, variables, field, language))
        elif token.text == "," and language.commas:
            token = token._replace(kind="comma")
        elif kind == "other" or (kind == "relation" and token.text not in RELATIONS):
            accepted = whole if kind == "relation" else _INSTEAD.get(token.text, _ANY)
            raise BadInput(field, token.text, accepted, token.start + 1)
        tokens.append(token)
        count += kind != "bracket"
        if count > MAX_TOKENS:
            raise BadInput(field, text, f"at most {MAX_TOKENS} numbers, names and operators", token.start + 1)
    return tokens


def _check_number(text: str, token: Token, field: str) -> None:
    glued = _GLUED.match(text, token.end)
    if glued and glued[0]:
        form = "an exact rational (2, 1/2) or a plain decimal (0.25), with an operator before a name (2*x)"
        raise BadInput(field, token.text + glued[0], form, token.end + 1)
    if sum(ch.isdigit() for ch in token.text) > MAX_DIGITS:
        raise BadInput(field, token.text, f"a number of at most {MAX_DIGITS} digits", token.start + 1)


def _kind_of_name(text: str, token: Token, variables: Collection[str], field: str, language: Language) -> str:
    called = text[token.end :].lstrip(" ").startswith("(")
    if token.text in variables and not (called and token.text in language.functions):
        return "variable"
    if token.text in language.functions:
        return "function"
    if token.text == "pi":
        accepted = "a rational bound in place of pi, such as 3.1416"
    else:
        names = list(variables)
        some = ", ".join(names[:8]) + (", .." if len(names) > 8 else "")
        accepted = f"the variables {some or '(none)'} and the functions {' '.join(language.functions)}"
        accepted += did_you_mean(token.text, language.functions if called else [*names, *language.functions])
    raise BadInput(field, token.text, accepted, token.start + 1)
