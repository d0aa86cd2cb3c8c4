"""The symbols of a stated equation, one for each name, and the reading of formulas with them."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from numbers import Integral
from typing import Any, final

import sympy as sp
from sympy.core.function import AppliedUndef

from sdescent.derive.expressions.coordinates import Coordinate, Node, symbols_of
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.expressions import read_formula, read_inequality
from sdescent.derive.vocabulary.names import VECTORS, belongs_to_the_engine, parse_letter
from sdescent.derive.vocabulary.symbols import SHARED, t

_FORMULA = "a formula such as 'sqrt(2)*x1 - t', a SymPy expression or an exact number"
_EXACT = "an exact number in place of a float: Fraction(1, 10), sympy.Rational(1, 10), or in a text '0.1' or '1/10'"
#: the engine's own symbols that may be parameters of a stated equation
_SHARED = {name: SHARED[name] for name in ("eta", "N")}


@final
class Letters:
    """The symbols of a stated equation.

    Each name stands for one symbol: t is the time, eta and N are the symbols of the engine. All other symbols are real. A symbol is
    positive if `positive` names it or the user's own symbol is positive, and nonnegative if the user's own symbol is.

    Args:
        state: names or symbols, in order.
        positive: the names or symbols that are positive.
        formulas: everything that will be read, for the assumptions on its symbols.

    Attributes:
        state: the symbols of the state.

    Raises:
        BadInput: a name that no letter can have, a repeated name, or an empty state.
    """

    def __init__(self, state: Sequence[Any], positive: Sequence[Any], formulas: Iterable[Any]) -> None:
        if isinstance(state, (str, sp.Basic)) or not isinstance(state, (Sequence, sp.MatrixBase)) or not len(state):
            raise BadInput("state", state, "a list of names or symbols such as ['x1', 'm1']")
        declared = [*state, *(positive if isinstance(positive, (list, tuple)) else (positive,))]
        symbols = symbols_of([e for e in _parts([*declared, *formulas]) if isinstance(e, sp.Basic)])
        self._positive = {s.name for s in symbols if s.is_positive}
        self._positive |= {_name(p, "positive") for p in declared[len(state) :]}
        self._nonnegative = {s.name for s in symbols if s.is_nonnegative}
        for s in symbols:
            if s.is_extended_real is False or s.is_extended_negative or isinstance(s, sp.Dummy):
                described = "a symbol that is not real, is negative or has no name"
                raise BadInput(f"symbol {s.name}", described, "a real symbol")
        self._letters: dict[str, sp.Symbol] = {}
        self.state: list[sp.Symbol] = []
        for n, letter in enumerate(state, 1):
            name = parse_letter(_name(letter, f"state[{n}]"), f"state[{n}]")
            if name in self._letters:
                raise BadInput(f"state[{n}]", name, "each letter once")
            self._letters[name] = self._symbol(name)
            self.state.append(self._letters[name])

    def names(self) -> list[str]:
        """The names of the letters read so far, those of the state first."""
        return list(self._letters)

    def unused(self) -> list[str]:
        """The names declared positive that did not occur in anything read."""
        return sorted(name for name in self._positive if name not in self._letters and name not in SHARED)

    def read(self, value: Any, field: str) -> sp.Expr:
        """A formula (text, a SymPy expression or an exact number) in these symbols.

        Raises:
            BadInput: a float, an unknown function, a name that no letter can have, or anything that is not a formula.
        """
        if isinstance(value, str):
            return read_formula(value, self.letter, field)
        if isinstance(value, Fraction):
            return sp.Rational(value.numerator, value.denominator)
        if isinstance(value, Integral) and not isinstance(value, bool):
            return sp.Integer(int(value))
        if isinstance(value, sp.Expr):
            _check(value, field)
            return self._in_letters(value, field)
        raise BadInput(field, value, _EXACT if isinstance(value, float) or hasattr(value, "dtype") else _FORMULA)

    def inequality(self, value: Any, field: str) -> tuple[sp.Expr, sp.Expr]:
        """The sides (left, right) of an inequality left > right, from text or a SymPy relation.

        Raises:
            BadInput: anything else; also as in `read`.
        """
        strict = "one inequality with > or <, such as '2*kappa*theta > sigma^2'"
        if isinstance(value, (sp.StrictGreaterThan, sp.StrictLessThan)):
            return self.read(value.gts, field), self.read(value.lts, field)
        if not isinstance(value, str):
            raise BadInput(field, value, strict)
        op, left, right = read_inequality(value, self.letter, field)
        if op != "<":
            raise BadInput(field, value, strict)
        return right, left

    def letter(self, name: str, field: str) -> sp.Symbol:
        """The symbol of a name: a letter of the state, the time, or a parameter.

        Raises:
            BadInput: the name is unknown and cannot be that of a parameter.
        """
        if name in self._letters:
            return self._letters[name]
        if name == t.name:
            return t
        if name not in _SHARED:
            parse_letter(name, field)
            if belongs_to_the_engine(name) and name not in VECTORS:
                letters = f"the letters of the state ({', '.join(s.name for s in self.state)})"
                raise BadInput(field, name, f"{letters}, t, and parameters by other names")
        self._letters[name] = _SHARED.get(name) or self._symbol(name)
        return self._letters[name]

    def _symbol(self, name: str) -> sp.Symbol:
        if name in self._positive:
            return sp.Symbol(name, positive=True)
        return sp.Symbol(name, nonnegative=True) if name in self._nonnegative else sp.Symbol(name, real=True)

    def _in_letters(self, value: sp.Expr, field: str) -> sp.Expr:
        exchanged = {s: self.letter(s.name, field) for s in symbols_of([value])}
        return exchange(value, {s: letter for s, letter in exchanged.items() if s != letter})


def _check(value: sp.Expr, field: str) -> None:
    """Raise BadInput if a value is not a formula in real letters."""
    if value.has(sp.Float):
        raise BadInput(field, next(iter(value.atoms(sp.Float))), _EXACT)
    unknown = value.atoms(AppliedUndef)
    if unknown:
        raise BadInput(field, next(iter(unknown)), "known functions only, such as exp, tanh, sign, Piecewise")
    odd = value.atoms(sp.Derivative, sp.Integral, sp.Sum, Coordinate, Node)
    if odd or value.has(sp.nan, sp.zoo, sp.oo, sp.I):
        raise BadInput(field, next(iter(odd), value), _FORMULA)


def _name(letter: Any, field: str) -> str:
    if isinstance(letter, sp.Symbol):
        return letter.name
    if not isinstance(letter, str):
        raise BadInput(field, letter, "the name of a letter, or a symbol")
    return letter


def _parts(value: Any) -> list[Any]:
    """The entries of nested lists and matrices."""
    if isinstance(value, sp.MatrixBase):
        return list(value)
    if isinstance(value, Mapping) or not isinstance(value, (list, tuple)):
        return [value]
    return [part for entry in value for part in _parts(entry)]
