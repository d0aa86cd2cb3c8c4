"""Terms in Rocq's notation, over the normal forms of the kernel.

A relation is printed as its writer structured it, except for quotients and the arguments of functions and operators,
which `ring` does not normalise: they appear in the normal form of FORMAT.md, so that equal atoms have equal texts.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.language import terms
from sdescent.derive.proof.language.clock import spend
from sdescent.derive.proof.language.context import KINDS, Context
from sdescent.derive.proof.language.normal import ONE, Monomial, Normal, Polynomial, as_number, freeze, scaled
from sdescent.derive.proof.language.terms import MAX_BITS, OPERATORS, Relation, Term, num

ZERO, UNIT = num(0), num(1)
#: the variables that a symbol may depend on, in the order of the arguments of Rocq's functions, with their types
VARIABLES = {"w": "W", "t": "Time", "j": "J", "i": "J", "k": "Client"}
FUNCTIONS = {name: {"log": "ln", "abs": "Rabs"}.get(name, name) for name in terms.FUNCTIONS}
RELATIONS = {"<=": "<=", "<": "<", "==": "=", "!=": "<>"}
#: heads of terms over vectors and matrices
GEOMETRIC = frozenset({"norm", "opnorm", "tr", "quad", "trprod", "dot"})
OPERATOR_TEXTS = {"E": "E", "EI": "EI", "I": "Int", "S": "(Sum coords)", "Si": "(Sum coords)", "C": "(Sum clients)"}
#: Rocq's keywords (Print Keywords), which cannot serve as names even if the text does not use them
_WORDS = """Axiom CoFixpoint Definition Fixpoint Hypothesis Parameter Prop SProp Set Theorem Type Variable as at by cofix else
    end exists exists2 fix for forall fun if in IF is o of let lib lp match mod rem return then using where with struct measure
    wf ltac constr uconstr open"""
KEYWORDS = frozenset(_WORDS.split())
#: the prefix of a certificate's names while the file is written: no other word of the file has three underscores in a row
MARK = "n___"
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_']*", re.ASCII)

#: gives the name of an atom from its number
Name = Callable[[int], str]


class ExportError(ValueError):
    """The certificate is invalid or Rocq cannot state it; the message says why."""


def number(q: Fraction) -> str:
    """A rational number for Rocq, in brackets unless it is natural. Raises ExportError beyond the digits that a
    certificate allows.
    """
    if max(q.numerator.bit_length(), q.denominator.bit_length()) > MAX_BITS:
        raise ExportError("a number has more than 4,000 digits")
    return f"{q}" if q.denominator == 1 and q >= 0 else f"({q})".replace("/", " / ")


def applied(name: str, arguments: str) -> str:
    """The application of a function to variables, each given by one letter."""
    return f"({name} {' '.join(arguments)})" if arguments else name


def related(relation: Relation, show: Callable[[Term], str]) -> str:
    """The text of a relation such as l <= r; `show` gives the text of its sides."""
    return f"{show(relation.left)} {RELATIONS[relation.op]} {show(relation.right)}"


def ordered(depends: frozenset[str]) -> str:
    """The letters of the variables in `depends`, in the order of Rocq's arguments."""
    return "".join(v for v in VARIABLES if v in depends)


def final_names(names: Iterable[str], section: str) -> dict[str, str]:
    """The final name in the file for each marked name; primes are added if the section or Rocq already uses the word."""
    reserved = {word for word in WORD.findall(section) if not word.startswith(MARK)} | KEYWORDS
    final: dict[str, str] = {}
    for name in sorted(names):
        chosen = name
        while chosen in reserved:
            chosen += "'"
        reserved.add(chosen)
        final[MARK + name] = chosen
    return final


def with_names(text: str, final: Mapping[str, str]) -> str:
    """The text with each marked name replaced by its final name."""
    return WORD.sub(lambda word: final.get(word[0], word[0]), text)


def expanded(p: Polynomial) -> Term:
    """The polynomial as a term that is printed in normal form."""
    return Term(("poly", freeze(p)))


class RocqTerms(Normal):
    """The kernel's normal forms, extended to terms that already are polynomials (`expanded`), with their text in Rocq."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        names = [*context.symbols, *context.vectors, *context.matrices, *context.functions]
        self.identifiers = {name: MARK + name for name in names}

    def _normal_form(self, t: Term) -> Polynomial:
        return dict(t[1]) if t[0] == "poly" else super()._normal_form(t)

    def normal(self, t: Term) -> Term:
        """The term as one that is printed in normal form."""
        return expanded(self.polynomial(t))

    def difference(self, relation: Relation) -> Polynomial:
        """The normal form of the relation's right side minus its left side."""
        return self.polynomial(relation.slack)

    def inverse(self, p: Polynomial) -> Polynomial:
        """The normal form of 1/p."""
        return self.polynomial(1 / expanded(p))

    @staticmethod
    def factors(p: Polynomial) -> tuple[Fraction, list[tuple[Polynomial, int]]]:
        """The polynomial p as a constant times powers of factors that have their own inverses."""
        c = p[min(p)]
        if len(p) == 1:
            return c, [({((a, 1),): Fraction(1)}, n) for a, n in min(p)]
        return c, [(scaled(p, 1 / c), 1)]

    # Text

    def show(self, t: Term, name: Name, as_written: bool = False) -> str:
        """The term in brackets; quotients, functions, operators and forms are in normal form unless `as_written`."""
        spend(4)
        match t:
            case ("+" | "*" as sign, *args) if args:
                return "(" + f" {sign} ".join(self.show(a, name, as_written) for a in args) + ")"
            case ("^", base, int(n)):
                return f"({self.show(base, name, as_written)} ^ {n})"
            case ("/", above, below) if as_written:
                inverse = f"(/ {self.show(below, name, True)})"
                return inverse if above == UNIT else f"({self.show(above, name, True)} * {inverse})"
            case ("/", above, below):
                return f"({self.show(above, name)} * {self.poly(self.inverse(self.polynomial(below)), name)})"
            case ("f" | "F" as head, function, inner) if as_written:
                function_text = FUNCTIONS[function] if head == "f" else self.identifiers[function]
                return f"({function_text} {self.show(inner, name, True)})"
            case (operator, inner) if as_written and operator in OPERATORS:
                return self.under(operator, self.show(inner, name, True))
            case (head, *_) if as_written and head in GEOMETRIC:
                return self.geometric(t)
        return self.poly(self.polynomial(t), name)

    def poly(self, p: Polynomial, name: Name) -> str:
        """The text of a polynomial, with its monomials in order."""
        spend(4 * len(p))
        constant = as_number(p)
        if constant is not None:
            return number(constant)
        if len(p) == 1:
            [(m, c)] = p.items()
            if c == 1 and len(m) == 1 and m[0][1] == 1:
                return name(m[0][0])
        return "(" + " + ".join(self._member(c, m, name) for m, c in freeze(p)) + ")"

    @staticmethod
    def _member(c: Fraction, m: Monomial, name: Name) -> str:
        factors = [name(a) if n == 1 else f"{name(a)} ^ {n}" for a, n in m]
        return " * ".join(factors if c == 1 and m != ONE else [number(c), *factors])

    @staticmethod
    def under(operator: str, text: str) -> str:
        """The operator applied to `text` as a function of the variables that the operator binds."""
        return f"({OPERATOR_TEXTS[operator].strip('()')} (fun {' '.join(OPERATORS[operator])} => {text}))"

    def atom_text(self, a: int) -> str:
        """The text of an atom for bound w, t, j, i and k."""
        match self.key_of(a):
            case ("x", name):
                return applied(self.identifiers[name], ordered(KINDS[self.context.symbols[name]]))
            case ("xi", name):
                return applied(self.identifiers[name], ordered(KINDS[self.context.symbols[name]]).replace("j", "i"))
            case ("pi",):
                return "PI"
            case ("inv", p):
                return f"(/ {self.poly(dict(p), self.atom_text)})"
            case ("f" | "F" as head, name, p):
                function = FUNCTIONS[name] if head == "f" else self.identifiers[name]
                return f"({function} {self.poly(dict(p), self.atom_text)})"
            case (operator, m) if operator in OPERATORS:
                return self.under(operator, self._member(Fraction(1), m, self.atom_text))
        return self.geometric(self.key_of(a))

    def geometric(self, term: Sequence[Any]) -> str:
        """The text of a norm, a trace or a form for bound w and t."""
        return f"({' '.join([term[0], *(self.vector(part) for part in term[1:])])})"

    def vector(self, part: Sequence[Any]) -> str:
        """The text of a vector or a matrix at the outcome w and the time t."""
        if part[0] == "Mv":
            return f"(mv {self.vector(part[1])} {self.vector(part[2])})"
        return applied(self.identifiers[part[1]], "wt")
