"""Claims: a user's relation with variables, assumptions and hints, read without evaluating anything.

A claim file is TOML with the keys `variables` (names), `assume` (relations, optional), `claim` (one relation) and `hints`
(terms, optional). The grammar of its strings, all printable ASCII, spaces ignored:

    relation = term ("<=" | "<" | ">=" | ">" | "==") term                one per string
    term     = number | variable | function "(" term ")" | "(" term ")" | ("+" | "-") term
             | term ("+" | "-" | "*" | "/") term | term ("^" | "**") exponent
    number   = digits with or without a decimal point, read exactly      0.25 is 1/4
    exponent = integer literal from -64 to 64
    function = sqrt exp log atan erf tanh abs psi                         psi(t) = (exp(t) - 1 - t)/t^2, psi(0) = 1/2

`^` and `**` mean the same. They bind more tightly than a sign, so that -x^2 is -(x^2). All variables are real and dimensionless.
It is not checked here whether denominators and the arguments of sqrt and log lie in their domains.

`sdescent.derive.vocabulary.formulas.text` and `sdescent.derive.vocabulary.formulas.grammar` parse these strings.
"""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from sdescent.derive.reading.toml_file import check_keys, read_table
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.grammar import ONE_RELATION, Relation, Term, parse_relation, parse_term
from sdescent.derive.vocabulary.formulas.text import FUNCTIONS, GREEK_FUNCTIONS, check_text, written

MAX_NAMES = 64  # the largest number of variables
MAX_LISTED = 64  # the largest number of assumptions, and of hints
MAX_NAME = 30  # characters of a name
MAX_CLAIMS, MAX_TITLE = 50, 200  # claims of a report; characters of a title

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
_KEYS = ("variables", "assume", "claim", "hints")


@final
@dataclass(frozen=True)
class Claim:
    """An inequality or an identity to be proved for all real values of its variables that satisfy the assumptions."""

    variables: tuple[str, ...]  # the names of the variables
    assume: tuple[Relation, ...]  # the assumptions
    claim: Relation  # the relation to be proved; l >= r is stored as r <= l, and l > r as r < l
    hints: tuple[Term, ...]  # terms whose squares may help the proof


def read_claim(path: str | Path) -> Claim:
    """Read the claim of a TOML file. Raises BadInput as `claim_from` and `read_table`, OSError if the file cannot be read."""
    return claim_from(read_table(path), Path(path).name)


def claim_from(fields: Mapping[str, object], source: str = "claim file") -> Claim:
    """The claim that a table with the fields of a claim file states; `source` is its name, for errors about a key.

    Raises BadInput for unknown keys and wrong values; items of a list are counted from 1, as in "assume[2]".
    """
    check_keys(fields, _KEYS, source)
    variables = variable_names(fields.get("variables"))
    if fields.get("claim") is None:
        raise BadInput("claim", "nothing", ONE_RELATION)
    return Claim(
        variables=variables,
        assume=tuple(parse_relation(t, variables, f) for f, t in listed(fields.get("assume"), "assume", "relations")),
        claim=parse_relation(fields["claim"], variables, "claim"),
        hints=tuple(parse_term(t, variables, f) for f, t in listed(fields.get("hints"), "hints", "terms")),
    )


def variable_names(value: object) -> tuple[str, ...]:
    """The names of variables from the value of the key `variables`, a list of at most 64 distinct names, else BadInput."""
    accepted = 'a list of names such as ["x", "eta"]'
    if value is None:
        raise BadInput("variables", "nothing", accepted)
    if not isinstance(value, list | tuple):
        raise BadInput("variables", written(value), accepted)
    if len(value) > MAX_NAMES:
        raise BadInput("variables", f"{len(value)} names", f"at most {MAX_NAMES}")
    for n, name in enumerate(value, 1):
        field = f"variables[{n}]"
        check_text(name if isinstance(name, str) else written(name), field, "a name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            shape = "letters and digits in parts joined by single underscores, the first character a letter"
            raise BadInput(field, written(name) or "nothing", f"a name: {shape}")
        if len(name) > MAX_NAME:
            raise BadInput(field, name, f"a name of at most {MAX_NAME} characters")
        if name in set(FUNCTIONS) - GREEK_FUNCTIONS or name == "pi" or keyword.iskeyword(name):
            raise BadInput(field, name, "a name that is not a function, a Python keyword or pi")
        if name in value[: n - 1]:
            raise BadInput(field, name, "each name once")
    return tuple(value)


def listed(value: object, key: str, what: str) -> list[tuple[str, object]]:
    """The items of a list, or of None, as pairs (field, item). Raises BadInput for anything else and for over 64 items."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise BadInput(key, written(value), f"a list of {what}, each in quotes")
    if len(value) > MAX_LISTED:
        raise BadInput(key, f"{len(value)} {what}", f"at most {MAX_LISTED}")
    return [(f"{key}[{n}]", item) for n, item in enumerate(value, 1)]


@final
@dataclass(frozen=True)
class TitledClaim:
    """A claim with a title. `fields` are the other entries of its table as text, which identify it."""

    title: str
    claim: Claim
    fields: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, str]:
        """The title and the fields as JSON."""
        return {"title": self.title, **dict(self.fields)}


def titled_claims(listed: object, key: str) -> tuple[TitledClaim, ...]:
    """The claims in the tables [[claims]] of a report's specification. Each has the keys of a claim file and perhaps a title.

    Raises BadInput if the value of the key is not a list of such tables; errors count them from 1.
    """
    accepted = f"1 to {MAX_CLAIMS} tables [[{key}]] with title, variables, assume, claim, hints"
    if not isinstance(listed, list):
        raise BadInput(key, listed, accepted)
    if not 1 <= len(listed) <= MAX_CLAIMS:
        raise BadInput(key, f"{len(listed)} of them", accepted)
    return tuple(_titled(table, n, f"{key}[{n}]", accepted) for n, table in enumerate(listed, 1))


def _titled(table: object, n: int, place: str, accepted: str) -> TitledClaim:
    if not isinstance(table, dict):
        raise BadInput(place, table, accepted)
    fields = dict(table)
    title = fields.pop("title", f"Claim {n}")
    if not isinstance(title, str) or not 1 <= len(title) <= MAX_TITLE:
        raise BadInput(f"{place} title", title, f"a text of 1 to {MAX_TITLE} characters")
    try:
        claim = claim_from(fields, place)
    except BadInput as error:
        field = error.field if error.field == place else f"{place} {error.field}"
        raise BadInput(field, error.value, error.accepted, error.column) from None
    return TitledClaim(title, claim, tuple(sorted((k, repr(v)) for k, v in fields.items())))
