"""Claims: an inequality of the user, with variables, assumptions and hints, read without evaluating anything.

A claim file is TOML with the keys `variables` (names), `assume` (relations, optional), `claim` (one relation) and `hints`
(terms, optional). The grammar of its strings, all printable ASCII, spaces ignored:

    relation = term ("<=" | "<" | ">=" | ">" | "==") term                one per string
    term     = number | variable | function "(" term ")" | "(" term ")" | ("+" | "-") term
             | term ("+" | "-" | "*" | "/") term | term ("^" | "**") exponent
    number   = digits with or without a decimal point, read exactly      0.25 is 1/4
    exponent = integer literal from -64 to 64
    function = sqrt exp log atan erf tanh abs

`^` is `**`: it binds tighter than a sign, so that -x^2 is -(x^2). All variables are real and dimensionless. Whether denominators
and arguments of sqrt and log are inside their domains is not checked here.

How: a scanner admits tokens by a whitelist and hands Python's parser their skeleton alone, in which every number and every name
is the letter `_`; the tree that comes back is walked by a whitelist of nodes. No name or number of the user's is parsed as Python.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, final

from derive.reading.specs import check_text
from derive.reading.toml_file import read_table, written
from derive.vocabulary.errors import BadInput
from derive.vocabulary.names import MAX_DIGITS

#: ("x", "g"), ("q", "3/4"), ("+", t, ..), ("*", t, ..), ("^", t, n), ("/", a, b), ("f", "sqrt", t), as in derive/proof/FORMAT.md
Term: TypeAlias = tuple[Any, ...]
#: ("<=", l, r), ("<", l, r) or ("==", l, r)
Relation: TypeAlias = tuple[str, Term, Term]

FUNCTIONS = ("sqrt", "exp", "log", "atan", "erf", "tanh", "abs")
MAX_LENGTH = 2000  # characters of one relation or term
MAX_TOKENS = 500  # of one relation or term, without parentheses
MAX_NESTING = 40  # parentheses in parentheses
MAX_DEPTH = 100  # of a term as a tree
MAX_POWER = 64  # of an exponent, and of the product of exponents of a power of a power
MAX_MONOMIALS = 10**5  # of a term when it is multiplied out
MAX_QUOTIENT = 100  # digits of the numerator or denominator of a quotient of numbers
MAX_NAMES = 64  # variables
MAX_LISTED = 64  # assumptions, hints
MAX_NAME = 30  # characters of a name

_TOKEN = re.compile(
    r" *(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<relation>[<>=!]+)|(?P<operator>\*\*|[-+*/^])|(?P<bracket>[()])|(?P<end>$)|(?P<other>.))",
    re.ASCII,
)
_GLUED = re.compile(r"[A-Za-z0-9_.]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
_KEYS = ("variables", "assume", "claim", "hints")
_RELATIONS = ("<=", "<", ">=", ">", "==")
_ONE_RELATION = "one relation <= < >= > or == between two terms"
_TERM = "a term such as 1 - x^2/2"
_OPERAND = f"a number, a variable, one of {' '.join(FUNCTIONS)}, or ("
_OPERATOR = "one of + - * / ^ (a product is written 2*x)"
_EXPONENT = f"an integer from -{MAX_POWER} to {MAX_POWER} as exponent (a square root is sqrt)"


@final
@dataclass(frozen=True)
class Claim:
    """An inequality or an identity to be proved for all real values of its variables that satisfy the assumptions.

    Args:
        variables: their names.
        assume: the relations that may be used.
        claim: the relation to be proved; >= and > are turned around.
        hints: terms whose squares may help.
    """

    variables: tuple[str, ...]
    assume: tuple[Relation, ...]
    claim: Relation
    hints: tuple[Term, ...]


def read_claim(path: str | Path) -> Claim:
    """The claim of a TOML file.

    Raises:
        BadInput: it is not TOML, has an unknown key, or a field does not fit.
        OSError: it cannot be read.
    """
    return claim_from(read_table(path), Path(path).name)


def claim_from(given: Mapping[str, object], source: str = "claim file") -> Claim:
    """The claim of the fields `variables`, `assume`, `claim`, `hints`, by name.

    Args:
        source: their origin, which is the field of an error about a key.

    Raises:
        BadInput: an unknown key, or a field that does not fit; items of a list are counted from 1: "assume[2]".
    """
    for key in given:
        if key not in _KEYS:
            raise BadInput(source, key, "the keys " + ", ".join(_KEYS))
    variables = variable_names(given.get("variables"))
    if given.get("claim") is None:
        raise BadInput("claim", "nothing", _ONE_RELATION)
    return Claim(
        variables=variables,
        assume=tuple(parse_relation(t, variables, f) for f, t in listed(given.get("assume"), "assume", "relations")),
        claim=parse_relation(given["claim"], variables, "claim"),
        hints=tuple(parse_term(t, variables, f) for f, t in listed(given.get("hints"), "hints", "terms")),
    )


def parse_relation(text: object, variables: Collection[str], field: str) -> Relation:
    """Read one relation over `variables`; l >= r comes back as r <= l.

    Raises:
        BadInput: no relation, several, or a side that is not a term. A column counts from 1 in `text`.
    """
    text = _text(text, field, _ONE_RELATION)
    tokens = _scan(text, variables, field, _ONE_RELATION)
    places = [n for n, token in enumerate(tokens) if token.kind == "relation"]
    if not places:
        raise BadInput(field, text, _ONE_RELATION, len(text) + 1)
    if len(places) > 1:
        second = tokens[places[1]]
        raise BadInput(field, second.text, f"{_ONE_RELATION}; chained ones are written as several", second.start + 1)
    middle = tokens[places[0]]
    sides = tokens[: places[0]], tokens[places[0] + 1 :]
    # Where a side is missing: the left one before the relation, the right one at the end of the text.
    left = _Reader(text, field, sides[0]).term(middle.text, middle.start)
    right = _Reader(text, field, sides[1]).term("nothing", len(text))
    op = middle.text
    return (op.replace(">", "<"), right, left) if op in (">=", ">") else (op, left, right)


def parse_term(text: object, variables: Collection[str], field: str) -> Term:
    """Read one term over `variables`.

    Raises:
        BadInput: it is not in the grammar, or beyond the caps. A column counts from 1 in `text`.
    """
    text = _text(text, field, _TERM)
    tokens = _scan(text, variables, field, _TERM)
    relation = next((token for token in tokens if token.kind == "relation"), None)
    if relation is not None:
        raise BadInput(field, relation.text, f"{_TERM}, without a relation", relation.start + 1)
    return _Reader(text, field, tokens).term("nothing", len(text))


# Fields


def variable_names(value: object) -> tuple[str, ...]:
    """The names of variables in a list.

    Raises:
        BadInput: it is not a list of at most 64 names, each of them once; the field is "variables" or "variables[2]".
    """
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
        if name in FUNCTIONS or name == "pi" or keyword.iskeyword(name):
            raise BadInput(field, name, "a name that is not a function, a Python keyword or pi")
        if name in value[: n - 1]:
            raise BadInput(field, name, "each name once")
    return tuple(value)


def listed(value: object, key: str, what: str) -> list[tuple[str, object]]:
    """(field, item) of a list; none when there is no value.

    Raises:
        BadInput: it is not a list, or has more than 64 items.
    """
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise BadInput(key, written(value), f"a list of {what}, each in quotes")
    if len(value) > MAX_LISTED:
        raise BadInput(key, f"{len(value)} {what}", f"at most {MAX_LISTED}")
    return [(f"{key}[{n}]", item) for n, item in enumerate(value, 1)]


def _text(value: object, field: str, accepted: str) -> str:
    text = check_text(value if isinstance(value, str) else written(value), field, accepted, MAX_LENGTH)
    if not isinstance(value, str):
        raise BadInput(field, text, f"{accepted}, in quotes")
    if not text.strip(" "):
        raise BadInput(field, "nothing", accepted, 1)
    return text


# Tokens


class _Token(NamedTuple):
    kind: str  # number, variable, function, relation, operator, bracket
    text: str
    start: int  # in the user's text, from 0

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def _scan(text: str, variables: Collection[str], field: str, whole: str) -> list[_Token]:
    """The tokens of `text`, each of a kind that the grammar has."""
    tokens: list[_Token] = []
    at = count = 0
    while match := _TOKEN.match(text, at):
        kind = str(match.lastgroup)
        token, at = _Token(kind, match[kind], match.start(kind)), match.end()
        if kind == "end":
            break
        if kind == "number":
            _check_number(text, token, field)
        elif kind == "name":
            token = token._replace(kind=_kind_of_name(token, variables, field))
        elif kind == "other" or (kind == "relation" and token.text not in _RELATIONS):
            accepted = whole if kind == "relation" else _what_instead(token.text)
            raise BadInput(field, token.text, accepted, token.start + 1)
        tokens.append(token)
        count += kind != "bracket"
        if count > MAX_TOKENS:
            raise BadInput(field, text, f"at most {MAX_TOKENS} numbers, names and operators", token.start + 1)
    return tokens


def _check_number(text: str, token: _Token, field: str) -> None:
    glued = _GLUED.match(text, token.end)
    if glued and glued[0]:
        found = token.text + glued[0]
        form = "an exact rational (2, 1/2) or a plain decimal (0.25), with an operator before a name (2*x)"
        raise BadInput(field, found, form, token.end + 1)
    if sum(ch.isdigit() for ch in token.text) > MAX_DIGITS:
        raise BadInput(field, token.text, f"a number of at most {MAX_DIGITS} digits", token.start + 1)


def _kind_of_name(token: _Token, variables: Collection[str], field: str) -> str:
    if token.text in variables:
        return "variable"
    if token.text in FUNCTIONS:
        return "function"
    if token.text == "pi":
        accepted = "a rational bound in place of pi, such as 3.1416"
    else:
        names = list(variables)
        some = ", ".join(names[:8]) + (", .." if len(names) > 8 else "")
        accepted = f"the variables {some or '(none)'} and the functions {' '.join(FUNCTIONS)}"
    raise BadInput(field, token.text, accepted, token.start + 1)


def _what_instead(character: str) -> str:
    if character == ",":
        return "one argument for each function"
    if character == "|":
        return "abs(x) for an absolute value"
    return "numbers, variables, functions, + - * / ^ ( ) and <= < >= > =="


# Trees


class _Built(NamedTuple):
    """A term, and the measures of its size that are limited."""

    term: Term
    depth: int = 1
    power: int = 1  # the largest product of exponents on a path to a leaf
    monomials: int = 1  # upper bound of their number when multiplied out


_ZERO, _ONE, _MINUS = ("q", "0"), ("q", "1"), ("q", "-1")


class _Reader:
    """One side of a relation, or a term: from its tokens to a term."""

    def __init__(self, text: str, field: str, tokens: Sequence[_Token]) -> None:
        self.text, self.field, self.tokens = text, field, tokens

    def term(self, found: str, end: int) -> Term:
        """The term; `found` stands at position `end`, where it ends."""
        self._check_order(found, end)
        starts, ends, pieces, at = {}, {}, [], 0
        for token in self.tokens:
            piece = token.text.replace("^", "**") if token.kind in ("operator", "bracket") else "_"
            starts[at], ends[at + len(piece)] = token, token
            pieces.append(piece)
            at += len(piece) + 1
        self.starts, self.ends = starts, ends
        try:
            tree = ast.parse(" ".join(pieces), "<claim>", "eval")
        except (SyntaxError, RecursionError, MemoryError):  # in case Python's parser has lower limits than ours
            raise self._bad(self.tokens[0], f"{_TERM}, less nested") from None
        return self._build(tree.body).term

    def _check_order(self, found: str, end: int) -> None:
        """Check that operands and operators alternate and brackets match, so that the rest is a sentence of the grammar."""
        opened: list[_Token] = []
        operand, before = True, None  # whether an operand has to come next; the token before
        for token in self.tokens:
            sign = token.kind == "operator" and token.text in "+-"
            if before is not None and before.kind == "function" and token.text != "(":
                raise self._bad(before, f"{before.text}(..), with its one argument in parentheses")
            if operand and not (token.kind in ("number", "variable", "function") or token.text == "(" or sign):
                raise self._bad(token, _OPERAND)
            if not operand and not (token.kind == "operator" or token.text == ")"):
                raise self._bad(token, _OPERATOR)
            if token.text == "(":
                opened.append(token)
                if len(opened) > MAX_NESTING:
                    raise self._bad(token, f"at most {MAX_NESTING} nested parentheses")
            elif token.text == ")":
                if not opened:
                    raise self._bad(token, "a matching ( before it")
                opened.pop()
            operand = token.kind in ("operator", "function") or token.text == "("
            before = token
        if before is not None and before.kind == "function":
            raise self._bad(before, f"{before.text}(..), with its one argument in parentheses")
        if operand:
            raise BadInput(self.field, found, _OPERAND, end + 1)
        if opened:
            raise self._bad(opened[-1], "a ) for each (")

    def _bad(self, token: _Token, accepted: str) -> BadInput:
        return BadInput(self.field, token.text, accepted, token.start + 1)

    def _refuse(self, node: ast.expr, accepted: str) -> BadInput:
        """The error of the piece of text that a node stands for."""
        first, last = self.starts[node.col_offset], self.ends[node.end_col_offset]
        return BadInput(self.field, self.text[first.start : last.end], accepted, first.start + 1)

    def _build(self, node: ast.expr) -> _Built:
        sign = 1
        while isinstance(node, ast.UnaryOp):  # in a loop: there may be hundreds of signs in a row
            sign = -sign if isinstance(node.op, ast.USub) else sign
            node = node.operand
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            built = self._add(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            built = self._multiply(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            built = self._raise(node)
        elif isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            inner = self._build(node.args[0])
            built = _Built(("f", self.starts[node.func.col_offset].text, inner.term), inner.depth + 1, inner.power)
        elif isinstance(node, ast.Name):
            token = self.starts[node.col_offset]
            number = token.kind == "number"
            built = _Built(_number(Fraction(token.text)) if number else ("x", token.text))
        else:
            raise self._refuse(node, _TERM)
        return self._capped(node, _minus(built) if sign < 0 else built)

    def _capped(self, node: ast.expr, built: _Built) -> _Built:
        if built.depth > MAX_DEPTH:
            raise self._refuse(node, f"a term nested at most {MAX_DEPTH} deep")
        if built.monomials > MAX_MONOMIALS:
            raise self._refuse(node, f"at most {MAX_MONOMIALS} monomials when multiplied out")
        return built

    def _spine(self, node: ast.expr, *ops: type[ast.operator]) -> list[tuple[ast.operator | None, ast.expr]]:
        """a op b op c as [(None, a), (op, b), (op, c)]: in a loop, since such chains may be hundreds long."""
        chain: list[tuple[ast.operator | None, ast.expr]] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ops):
            chain.append((node.op, node.right))
            node = node.left
        return [(None, node), *reversed(chain)]

    def _add(self, node: ast.expr) -> _Built:
        terms = [(op, self._build(part)) for op, part in self._spine(node, ast.Add, ast.Sub)]
        return _join("+", [_minus(term) if isinstance(op, ast.Sub) else term for op, term in terms])

    def _multiply(self, node: ast.expr) -> _Built:
        built = _Built(_ONE)
        for op, part in self._spine(node, ast.Mult, ast.Div):
            factor = self._build(part)
            if op is None:
                built = factor
            elif isinstance(op, ast.Mult):
                built = self._capped(part, _join("*", [built, factor]))
            else:
                built = self._divide(built, factor, part)
        return built

    def _divide(self, above: _Built, below: _Built, place: ast.expr) -> _Built:
        """The quotient; of two numbers it is a number, so that 3/4 is an exact rational."""
        if below.term == _ZERO:
            raise self._refuse(place, "a denominator other than zero")
        if above.term[0] == below.term[0] == "q":
            value = Fraction(above.term[1]) / Fraction(below.term[1])
            if max(abs(value.numerator), value.denominator) >= 10**MAX_QUOTIENT:
                raise self._refuse(place, f"quotients of numbers with at most {MAX_QUOTIENT} digits")
            return _Built(_number(value))
        depth, power = 1 + max(above.depth, below.depth), max(above.power, below.power)
        return self._capped(place, _Built(("/", above.term, below.term), depth, power, above.monomials))

    def _raise(self, node: ast.BinOp) -> _Built:
        """A power; a negative exponent makes it 1/t^n (1/t for -1)."""
        base, exponent = self._build(node.left), self._exponent(node.right)
        n = abs(exponent)
        if base.power * n > MAX_POWER:
            raise self._refuse(node, f"powers of powers with exponents whose product is at most {MAX_POWER}")
        monomials = comb(base.monomials + n - 1, n)
        raised = _Built(("^", base.term, n), base.depth + 1, max(1, base.power * n), monomials)
        self._capped(node, raised)
        return raised if exponent >= 0 else self._divide(_Built(_ONE), base if n == 1 else raised, node.left)

    def _exponent(self, node: ast.expr) -> int:
        sign, inner = 1, node
        if isinstance(node, ast.UnaryOp):
            sign, inner = -1 if isinstance(node.op, ast.USub) else 1, node.operand
        token = self.starts[inner.col_offset] if isinstance(inner, ast.Name) else None
        if token is None or not token.text.isdigit() or int(token.text) > MAX_POWER:
            raise self._refuse(node, _EXPONENT)
        return sign * int(token.text)


def _number(value: Fraction) -> Term:
    return ("q", str(value))


def _minus(built: _Built) -> _Built:
    """-t: the sign goes into a number, or into the number that a product begins with."""
    term = built.term
    if term[0] == "q":
        return built._replace(term=_number(-Fraction(term[1])))
    if term[0] != "*":
        return built._replace(term=("*", _MINUS, term), depth=built.depth + 1)
    first, *rest = term[1:]
    if first == _MINUS:
        return built._replace(term=rest[0] if len(rest) == 1 else ("*", *rest))
    begin = [_number(-Fraction(first[1]))] if first[0] == "q" else [_MINUS, first]
    return built._replace(term=("*", *begin, *rest))


def _join(op: str, parts: Sequence[_Built]) -> _Built:
    """The sum or product, flat: a + (b + c) is the sum of three."""
    flat: list[Term] = []
    monomials = 0 if op == "+" else 1
    for part in parts:
        flat += part.term[1:] if part.term[0] == op else [part.term]
        monomials = monomials + part.monomials if op == "+" else monomials * part.monomials
    depth = max(part.depth + (part.term[0] != op) for part in parts)
    return _Built((op, *flat), depth, max(part.power for part in parts), monomials)
