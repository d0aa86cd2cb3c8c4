"""Terms and relations of the proof kernel: nested tuples in the format of FORMAT.md, with operators to write them.

Everything is real and dimensionless. SymPy is not used: its symbols carry assumptions, and a term here carries none.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.language.clock import spend

OPERATORS = {"E": "w", "I": "t", "EI": "wt", "S": "j", "Si": "i", "C": "k"}
FUNCTIONS = frozenset({"sqrt", "exp", "log", "atan", "erf", "tanh", "abs", "psi"})
RELATIONS = frozenset({"<=", "<", "==", "!="})
MAX_POWER = 64
#: the most bits of a number's numerator and denominator, because its text has at most 4,000 digits (`Context.check`)
MAX_BITS = 13_300

Number = int | Fraction
_EXACT = re.compile(r"-?[0-9]+(/[0-9]*[1-9][0-9]*)?", re.ASCII)


class Term(tuple[Any, ...]):
    """A scalar term. `+ - * /` and integer powers build larger terms, and accept exact numbers as operands."""

    __slots__ = ()

    def __add__(self, other: Any) -> Term:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Term(("+", self, term(other)))

    def __radd__(self, other: Any) -> Term:
        return Term(("+", term(other), self))

    def __neg__(self) -> Term:
        return Term(("*", num(-1), self))

    def __sub__(self, other: Any) -> Term:
        return Term(("+", self, -term(other)))

    def __rsub__(self, other: Any) -> Term:
        return Term(("+", term(other), -self))

    def __mul__(self, other: Any) -> Term:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Term(("*", self, term(other)))

    def __rmul__(self, other: Any) -> Term:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Term(("*", term(other), self))

    def __truediv__(self, other: Any) -> Term:
        return Term(("/", self, term(other)))

    def __rtruediv__(self, other: Any) -> Term:
        return Term(("/", term(other), self))

    def __pow__(self, n: int) -> Term:
        return Term(("^", self, n))

    def le(self, other: Any) -> Relation:
        """self <= other."""
        return Relation(("<=", self, term(other)))

    def ge(self, other: Any) -> Relation:
        """self >= other, written as other <= self."""
        return Relation(("<=", term(other), self))

    def lt(self, other: Any) -> Relation:
        """self < other."""
        return Relation(("<", self, term(other)))

    def gt(self, other: Any) -> Relation:
        """self > other, written as other < self."""
        return Relation(("<", term(other), self))

    def eq(self, other: Any) -> Relation:
        """self == other."""
        return Relation(("==", self, term(other)))


class Relation(tuple[Any, ...]):
    """A relation (op, left, right) with op among <=, <, ==, !=."""

    __slots__ = ()

    @property
    def op(self) -> str:
        return self[0]

    @property
    def left(self) -> Term:
        return self[1]

    @property
    def right(self) -> Term:
        return self[2]

    @property
    def slack(self) -> Term:
        """The difference right - left, which the relation says is nonnegative, positive, zero or nonzero."""
        return self.right - self.left


def num(value: Number | str) -> Term:
    """The term of an exact rational number: 3, Fraction(1, 2), "1/2".

    Raises TypeError if the value is a float, a bool or another type that is not exact; ValueError if a string is
    neither an integer nor a quotient of integers in ASCII digits, or the number has more than about 4,000 digits.
    """
    if isinstance(value, bool) or not isinstance(value, (int, Fraction, str)):
        raise TypeError(f"a {type(value).__name__} is not an exact rational number")
    if isinstance(value, str) and not _EXACT.fullmatch(value):
        raise ValueError(f"{value[:40]!r} is not an exact rational number")
    number = Fraction(value)
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > MAX_BITS:
        raise ValueError("a number of more than 4,000 digits is not a term")
    return Term(("q", str(number)))


def term(value: Any) -> Term:
    """The value itself if it is a term, else the term of an exact number."""
    return value if isinstance(value, Term) else num(value)


def x(name: str) -> Term:
    """A scalar symbol of the context."""
    return Term(("x", name))


def xi(name: str) -> Term:
    """A symbol of kind coord or detcoord, at the other coordinate."""
    return Term(("xi", name))


def xs(names: str) -> list[Term]:
    """Several scalar symbols, as in xs("G h eta")."""
    return [x(name) for name in names.split()]


def fn(name: str, t: Any) -> Term:
    """A function of `FUNCTIONS` applied to a term; psi(t) = (exp(t) - 1 - t)/t^2, psi(0) = 1/2."""
    return Term(("f", name, term(t)))


def declared(name: str, t: Any) -> Term:
    """A function that the context declares, applied to a term."""
    return Term(("F", name, term(t)))


def vec(name: str) -> tuple[Any, ...]:
    """A vector of the context."""
    return ("v", name)


def mat(name: str) -> tuple[Any, ...]:
    """A matrix of the context."""
    return ("m", name)


def matvec(matrix: tuple[Any, ...], vector: tuple[Any, ...]) -> tuple[Any, ...]:
    """The product M v of a matrix and a vector."""
    return ("Mv", matrix, vector)


def norm(v: tuple[Any, ...]) -> Term:
    """The Euclidean norm ||v||_2."""
    return Term(("norm", v))


def dot(u: tuple[Any, ...], v: tuple[Any, ...]) -> Term:
    """The inner product u'v."""
    return Term(("dot", u, v))


def quad(m: tuple[Any, ...], v: tuple[Any, ...]) -> Term:
    """The quadratic form v'Mv."""
    return Term(("quad", m, v))


def opnorm(m: tuple[Any, ...]) -> Term:
    """The operator norm ||M||_op."""
    return Term(("opnorm", m))


def tr(m: tuple[Any, ...]) -> Term:
    """The trace Tr M."""
    return Term(("tr", m))


def trprod(m: tuple[Any, ...], k: tuple[Any, ...]) -> Term:
    """The trace Tr(MK) of a product."""
    return Term(("trprod", m, k))


def under(operator: str, t: Any) -> Term:
    """An operator applied to a term: E the mean, I the time integral or sum over steps, EI both, S, Si, C sums (`OPERATORS`)."""
    return Term((operator, term(t)))


def plus(*terms: Any) -> Term:
    """The sum of any number of terms; 0 if there are none."""
    return Term(("+", *[term(t) for t in terms])) if terms else num(0)


def times(*terms: Any) -> Term:
    """The product of any number of terms; 1 if there are none."""
    return Term(("*", *[term(t) for t in terms])) if terms else num(1)


def substitute(t: Any, name: str, value: Term) -> Any:
    """The term or relation t with `value` for the symbol `name`. Callers must exclude operators, which bind."""
    spend()
    if t == ("x", name):
        return value
    if isinstance(t, (Term, Relation)):
        return type(t)(substitute(a, name, value) if isinstance(a, tuple) else a for a in t)
    return t


def contains(t: Any, name: str) -> bool:
    """Whether the symbol occurs in a term, a relation, or a tuple of them."""
    spend()
    return isinstance(t, tuple) and (t == ("x", name) or any(contains(a, name) for a in t))


def from_json(value: Any, relation: bool = False) -> Any:
    """The term or relation of nested JSON lists; the context checks shapes, not this function."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"a {type(value).__name__} is not a term")
    parts = [_inner(v) for v in value]
    return Relation(parts) if relation else Term(parts)


def _inner(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    if value and value[0] in ("v", "m", "Mv"):
        return tuple(_inner(v) for v in value)
    return Term(_inner(v) for v in value)


def to_json(t: Any) -> Any:
    """The nested lists of a term or relation, for JSON."""
    return [to_json(a) for a in t] if isinstance(t, tuple) else t
