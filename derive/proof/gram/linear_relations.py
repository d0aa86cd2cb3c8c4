"""Relations of a proof that are linear in inner products and other quantities of the state, as forms over a field of constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp
from flint import fmpq

from sdescent.derive.proof.gram.forms import Form, Monomial, dot_of
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, dot, mat, norm, num, plus, tr, vec

#: the monomial of terms that contain constants alone
ONE: Monomial = ("term", "1")


@dataclass(frozen=True)
class Linear:
    """The forms of relations in one context.

    A constant that every relation contains at most linearly, such as a floor s or f*, is a quantity of its own; all other
    constants, and functions of constants such as psi(eta L1), generate the field of coefficients.

    Args:
        normal: the normal forms of the context.
        generators: the names of the constants in coefficients.
        field: the field of rational functions of them.
        functions: the names among them that stand for functions of constants.
    """

    normal: Normal
    generators: tuple[str, ...]
    field: Any
    functions: Mapping[str, Term]

    @classmethod
    def of(cls, normal: Normal, relations: Sequence[Relation]) -> Linear:
        """The field for these relations, which contain no quotients."""
        coefficients: dict[str, None] = {}
        products: list[list[str]] = []
        functions: dict[str, Term] = {}
        for r in relations:
            for m in normal.polynomial(r.slack):
                constants = {a: n for a, n in m if _is_constant(normal, a)}
                powers = {_name(normal, a): n for a, n in constants.items()}
                of_constants = [a for a in constants if normal.key_of(a)[0] == "f"]
                functions |= {_name(normal, a): normal.term({((a, 1),): Fraction(1)}) for a in of_constants}
                beside = len(m) > len(powers)
                coefficients |= dict.fromkeys(name for name, n in powers.items() if beside or n > 1)
                products.append(list(powers))
        for names in products:  # of two constants in a product at most one can be a quantity
            others = [name for name in names if name not in coefficients]
            coefficients |= dict.fromkeys(others if len(others) > 1 else [])
        coefficients |= dict.fromkeys(functions)
        return cls(normal, tuple(coefficients), sp.QQ.frac_field(*(coefficients or ("unused_q",))), functions)

    def form(self, t: Term) -> Form | None:
        """A term as a form; None if it is not linear in the state, or divides by something."""
        total = Form()
        for m, c in self.normal.polynomial(t).items():
            coefficient, rest = self.field.convert(self.field.domain(c.numerator, c.denominator)), []
            for a, n in m:
                key = self.normal.key_of(a)
                if (name := _name(self.normal, a)) in self.generators:
                    coefficient *= self.field.gens[self.generators.index(name)] ** n
                else:
                    rest.append((key, n))
            monomial = _monomial(rest)
            if monomial is None:
                return None
            total = total + {monomial: coefficient}
        return total

    def constant(self, c: Any) -> Term:
        """A polynomial element of the field as a term.

        Raises:
            ProofError: the element has a denominator that is not a number.
        """
        number = c.denom
        if not number.is_ground:
            raise ProofError("a coefficient with a denominator")
        scale = Fraction(int(number.LC.p), int(number.LC.q))
        pieces = []
        for exponents, value in c.numer.terms():
            piece: Term = num(Fraction(int(value.p), int(value.q)) / scale)
            for name, n in zip(self.generators, exponents, strict=False):
                piece = piece * self.functions.get(name, Term(("x", name))) ** n if n else piece
            pieces.append(piece)
        return self.normal.term(self.normal.polynomial(plus(*pieces)))

    def term(self, form: Form) -> Term:
        """A form with polynomial coefficients as a term.

        Raises:
            ProofError: a coefficient has a denominator that is not a number.
        """
        pieces = [self.constant(c) * _term_of(m) for m, c in form.items()]
        return self.normal.term(self.normal.polynomial(plus(*pieces)))


def _is_constant(normal: Normal, atom: int) -> bool:
    return normal.key_of(atom)[0] in ("x", "f") and "w" not in normal.depends({((atom, 1),): Fraction(1)})


def _name(normal: Normal, atom: int) -> str:
    """The name that a generator for this atom has."""
    key = normal.key_of(atom)
    return key[1] if key[0] == "x" else f"{key[0]}{atom}_q"


def _term_of(m: Monomial) -> Term:
    if m == ONE:
        return num(1)
    if m[0] == "dot":
        return norm(vec(m[1])) ** 2 if m[1] == m[2] else dot(vec(m[1]), vec(m[2]))
    if m[0] == "norm":
        return norm(vec(m[1]))
    return tr(mat(m[1])) if m[0] == "tr" else Term(("x", m[1]))


def _monomial(rest: Sequence[tuple[Any, int]]) -> Monomial | None:
    """The monomial of a product of atoms: a square of a norm, an inner product, or a norm or other quantity to the first power."""
    if not rest:
        return ONE
    if len(rest) > 1:
        return None
    ((key, n),) = rest
    if key[0] == "norm" and n == 2 and key[1][0] == "v":
        return dot_of(key[1][1], key[1][1])
    if n != 1:
        return None
    if key[0] == "norm" and key[1][0] == "v":
        return ("norm", key[1][1])
    if key[0] == "dot" and key[1][0] == key[2][0] == "v":
        return dot_of(key[1][1], key[2][1])
    if key[0] == "x":
        return ("term", key[1])
    return ("tr", key[1][1]) if key[0] == "tr" else None


def composed(poly: Any, values: Sequence[Any], field: Any) -> Any:
    """A polynomial with elements of a field in place of its generators."""
    total = field.zero
    for exponents, c in poly.terms():
        piece = field.convert(c)
        for v, n in zip(values, exponents, strict=False):
            piece = piece * v**n if n else piece
        total = total + piece
    return total


def evaluated(c: Any, point: Sequence[Any]) -> Any | None:
    """The value of an element of the field at rational numbers for its generators; None where its denominator is 0."""
    below = _value(c.denom, point)
    return None if below == 0 else _value(c.numer, point) / below


def at_point(form: Form, point: Sequence[Any]) -> Form:
    """A form with numbers for the constants."""
    return form.mapped(lambda c: evaluated(c, point))


def _value(poly: Any, point: Sequence[Any]) -> Any:
    total = fmpq(0)
    for exponents, value in poly.terms():
        for v, n in zip(point, exponents, strict=False):
            value = value * v**n if n else value
        total += value
    return total
