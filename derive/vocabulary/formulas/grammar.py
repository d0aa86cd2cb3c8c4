"""Parsing of terms and relations in the grammar of claim files (`reading/claims.py`) or a richer `Language`; nothing is evaluated.

`scan` admits tokens by a whitelist. Python's parser sees only a skeleton with `_` for every number and name of the
user, and only nodes of a whitelist are accepted in the resulting tree.
"""

import ast
from collections.abc import Collection, Sequence
from fractions import Fraction
from math import comb
from typing import Any, NamedTuple, TypeAlias

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import CLAIMS, Language, Token, check_text, scan, written

#: ("x", "g"), ("q", "3/4"), ("+", t, ..), ("*", t, ..), ("^", t, n), ("/", a, b), ("f", "sqrt", t), as in derive/proof/FORMAT.md;
#: also ("f", "max", s, t) if the language has functions of several arguments, ("f", "^", t, exponent) if exponents may be terms
Term: TypeAlias = tuple[Any, ...]
#: ("<=", l, r), ("<", l, r) or ("==", l, r)
Relation: TypeAlias = tuple[str, Term, Term]

MAX_LENGTH = 2000  # characters of one relation or term
MAX_NESTING = 40  # nested parentheses
MAX_DEPTH = 100  # the depth of a term as a tree
MAX_POWER = 64  # the largest size of an exponent, and of the product of exponents in a power of a power
MAX_MONOMIALS = 10**5  # the largest number of monomials when a term is multiplied out
MAX_QUOTIENT = 100  # the largest number of digits of the numerator and of the denominator in a quotient of numbers
ONE_RELATION = "one relation <= < >= > or == between two terms"
_TERM = "a term such as 1 - x^2/2"
_OPERATOR = "one of + - * / ^ (a product is written 2*x)"
_EXPONENT = f"an integer from -{MAX_POWER} to {MAX_POWER} as exponent (a square root is sqrt)"


def parse_relation(text: object, variables: Collection[str], field: str, language: Language = CLAIMS) -> Relation:
    """Parse a relation over `variables`; l >= r is returned as r <= l, and l > r as r < l.

    Raises BadInput if the text has no relation or several, or one side is not a term. Columns in `text` count from 1.
    """
    text = _text(text, field, ONE_RELATION)
    tokens = scan(text, variables, field, ONE_RELATION, language)
    places = [n for n, token in enumerate(tokens) if token.kind == "relation"]
    if not places:
        raise BadInput(field, text, ONE_RELATION, len(text) + 1)
    if len(places) > 1:
        second = tokens[places[1]]
        raise BadInput(field, second.text, f"{ONE_RELATION}; chained ones are written as several", second.start + 1)
    middle = tokens[places[0]]
    sides = tokens[: places[0]], tokens[places[0] + 1 :]
    # a missing side is reported at the relation sign (left side) or at the end of the text (right side)
    left = _Reader(text, field, sides[0], language).term(middle.text, middle.start)
    right = _Reader(text, field, sides[1], language).term("nothing", len(text))
    op = middle.text
    return (op.replace(">", "<"), right, left) if op in (">=", ">") else (op, left, right)


def parse_term(text: object, variables: Collection[str], field: str, language: Language = CLAIMS) -> Term:
    """Parse a term over `variables`. Raises BadInput, with the column in `text` from 1, outside the grammar or the limits."""
    text = _text(text, field, _TERM)
    tokens = scan(text, variables, field, _TERM, language)
    relation = next((token for token in tokens if token.kind == "relation"), None)
    if relation is not None:
        raise BadInput(field, relation.text, f"{_TERM}, without a relation", relation.start + 1)
    return _Reader(text, field, tokens, language).term("nothing", len(text))


def _text(value: object, field: str, accepted: str) -> str:
    text = check_text(value if isinstance(value, str) else written(value), field, accepted, MAX_LENGTH)
    if not isinstance(value, str):
        raise BadInput(field, text, f"{accepted}, in quotes")
    if not text.strip(" "):
        raise BadInput(field, "nothing", accepted, 1)
    return text


# Trees


class _Built(NamedTuple):
    """A term with the measures of its size that are limited."""

    term: Term
    depth: int = 1
    power: int = 1  # the largest product of exponents on a path to a leaf
    monomials: int = 1  # an upper bound on the number of monomials when multiplied out


_ZERO, _ONE, _MINUS = ("q", "0"), ("q", "1"), ("q", "-1")


class _Reader:
    """A parser that makes a term from the tokens of a term or of one side of a relation."""

    def __init__(self, text: str, field: str, tokens: Sequence[Token], language: Language) -> None:
        self.text, self.field, self.tokens, self.language = text, field, tokens, language
        self.operand = f"a number, a variable, one of {' '.join(language.functions)}, or ("

    def term(self, after: str, end: int) -> Term:
        """The term of the tokens, which end at position `end`, where the text goes on with `after`."""
        self._check_order(after, end)
        starts, ends, pieces, at = {}, {}, [], 0
        for token in self.tokens:
            piece = token.text.replace("^", "**") if token.kind in ("operator", "bracket", "comma") else "_"
            starts[at], ends[at + len(piece)] = token, token
            pieces.append(piece)
            at += len(piece) + 1
        self.starts, self.ends = starts, ends
        try:
            tree = ast.parse(" ".join(pieces), "<claim>", "eval")
        except (SyntaxError, RecursionError, MemoryError):  # Python's parser may have lower limits than ours
            raise self._bad(self.tokens[0], f"{_TERM}, less nested") from None
        return self._build(tree.body).term

    def _check_order(self, after: str, end: int) -> None:
        """Check that operands and operators alternate and brackets match, so that the tokens form a sentence of the grammar."""
        opened: list[Token] = []
        calls: list[bool] = []  # for each open bracket, whether it encloses the arguments of a function
        operand, before = True, None  # whether an operand must come next; the previous token
        for token in self.tokens:
            sign = token.kind == "operator" and token.text in "+-"
            if before is not None and before.kind == "function" and token.text != "(":
                raise self._bad(before, f"{before.text}(..), with {self._arguments(before)} in parentheses")
            if operand and not (token.kind in ("number", "variable", "function") or token.text == "(" or sign):
                raise self._bad(token, self.operand)
            if token.kind == "comma" and not (calls and calls[-1]):
                raise self._bad(token, "a comma between the arguments of a function only")
            if not operand and not (token.kind in ("operator", "comma") or token.text == ")"):
                raise self._bad(token, _OPERATOR)
            if token.text == "(":
                opened.append(token)
                calls.append(before is not None and before.kind == "function")
                if len(opened) > MAX_NESTING:
                    raise self._bad(token, f"at most {MAX_NESTING} nested parentheses")
            elif token.text == ")":
                if not opened:
                    raise self._bad(token, "a matching ( before it")
                opened.pop()
                calls.pop()
            operand = token.kind in ("operator", "function", "comma") or token.text == "("
            before = token
        if before is not None and before.kind == "function":
            raise self._bad(before, f"{before.text}(..), with {self._arguments(before)} in parentheses")
        if operand:
            raise BadInput(self.field, after, self.operand, end + 1)
        if opened:
            raise self._bad(opened[-1], "a ) for each (")

    def _arguments(self, function: Token) -> str:
        least, most = self.language.functions[function.text]
        return "its one argument" if most == 1 else f"{least} to {most} arguments"

    def _bad(self, token: Token, accepted: str) -> BadInput:
        return BadInput(self.field, token.text, accepted, token.start + 1)

    def _refuse(self, node: ast.expr, accepted: str) -> BadInput:
        first, last = self.starts[node.col_offset], self.ends[node.end_col_offset]
        return BadInput(self.field, self.text[first.start : last.end], accepted, first.start + 1)

    def _build(self, node: ast.expr) -> _Built:
        sign = 1
        while isinstance(node, ast.UnaryOp):  # a loop, not recursion, since there may be hundreds of signs in a row
            sign = -sign if isinstance(node.op, ast.USub) else sign
            node = node.operand
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            built = self._add(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            built = self._multiply(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            built = self._raise(node)
        elif isinstance(node, ast.Call) and not node.keywords:
            built = self._call(node)
        elif isinstance(node, ast.Name):
            token = self.starts[node.col_offset]
            built = _Built(_number(Fraction(token.text)) if token.kind == "number" else ("x", token.text))
        else:
            raise self._refuse(node, _TERM)
        return self._capped(node, _minus(built) if sign < 0 else built)

    def _capped(self, node: ast.expr, built: _Built) -> _Built:
        if built.depth > MAX_DEPTH:
            raise self._refuse(node, f"a term nested at most {MAX_DEPTH} deep")
        if built.monomials > MAX_MONOMIALS:
            raise self._refuse(node, f"at most {MAX_MONOMIALS} monomials when multiplied out")
        return built

    def _call(self, node: ast.Call) -> _Built:
        function = self.starts[node.func.col_offset]
        least, most = self.language.functions[function.text]
        if not least <= len(node.args) <= most:
            raise self._refuse(node, f"{function.text}(..), with {self._arguments(function)} in parentheses")
        inner = [self._build(argument) for argument in node.args]
        depth, power = 1 + max(a.depth for a in inner), max(a.power for a in inner)
        return _Built(("f", function.text, *(a.term for a in inner)), depth, power)

    def _spine(self, node: ast.expr, *ops: type[ast.operator]) -> list[tuple[ast.operator | None, ast.expr]]:
        """The chain a op b op c as [(None, a), (op, b), (op, c)], unrolled by a loop since chains may have hundreds of parts."""
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
        """The quotient of two terms; the quotient of two numbers is a number, so that 3/4 is an exact rational."""
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
        """The power of a term; t^-n becomes 1/t^n (1/t for n = 1)."""
        if self.language.powers and not self._is_literal(node.right):
            base, raised = self._build(node.left), self._build(node.right)
            depth = 1 + max(base.depth, raised.depth)
            return self._capped(node, _Built(("f", "^", base.term, raised.term), depth, max(base.power, raised.power)))
        base, exponent = self._build(node.left), self._exponent(node.right)
        n = abs(exponent)
        if base.power * n > MAX_POWER:
            raise self._refuse(node, f"powers of powers with exponents whose product is at most {MAX_POWER}")
        raised = _Built(("^", base.term, n), base.depth + 1, max(1, base.power * n), comb(base.monomials + n - 1, n))
        self._capped(node, raised)
        return raised if exponent >= 0 else self._divide(_Built(_ONE), base if n == 1 else raised, node.left)

    def _is_literal(self, node: ast.expr) -> bool:
        inner = node.operand if isinstance(node, ast.UnaryOp) else node
        return isinstance(inner, ast.Name) and self.starts[inner.col_offset].text.isdigit()

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
    """The negative of a term; the sign goes into a number, or into the number with which a product begins."""
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
    """The sum or product of the parts, flattened: a + (b + c) is a sum of three terms."""
    flat: list[Term] = []
    monomials = 0 if op == "+" else 1
    for part in parts:
        flat += part.term[1:] if part.term[0] == op else [part.term]
        monomials = monomials + part.monomials if op == "+" else monomials * part.monomials
    depth = max(part.depth + (part.term[0] != op) for part in parts)
    return _Built((op, *flat), depth, max(part.power for part in parts), monomials)
