"""Translation between terms and SymPy expressions, and formulas as an author would write them, such as 2 - x for -(x - 2)."""

from collections.abc import Callable, Mapping, Sequence

import sympy as sp

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, x
from sdescent.derive.theorems.entry.from_method import expression

_ETA = sp.Symbol("eta")


def symbolic(t: Term, other: Callable[[Term], sp.Expr] | None = None) -> sp.Expr:
    """A term of numbers, symbols, sums, products, quotients and powers as an expression; `other` translates other terms.

    Raises:
        ProofError: a part of the term has no translation.
    """
    head = t[0]
    if head == "q":
        return sp.Rational(t[1])
    if head == "x":
        return sp.Symbol(t[1])
    if head in ("+", "*"):
        return (sp.Add if head == "+" else sp.Mul)(*[symbolic(a, other) for a in t[1:]])
    if head == "^":
        return symbolic(t[1], other) ** t[2]
    if head == "/":
        return symbolic(t[1], other) / symbolic(t[2], other)
    if other is None:
        raise ProofError(f"{head} has no letter in a file")
    return other(t)


def in_order(e: sp.Expr, letters: Mapping[sp.Expr, Term], names: Sequence[str]) -> Term:
    """An expression as a term with sums in the order of `names`, whatever the spelling of the constants.

    Args:
        letters: subexpression -> its letter or term.
        names: the names of the constants.

    Raises:
        ValueError: as `sdescent.derive.theorems.entry.from_method.expression` raises it.
    """
    constants = [s for s in e.free_symbols if s.name in names]
    numbered = {s: sp.Symbol(f"c{names.index(s.name):03}_q", positive=s.is_positive) for s in constants}
    return expression(e.xreplace(numbered), {**letters, **{new: x(s.name) for s, new in numbered.items()}})


def solved(equalities: Sequence[Relation], names: Sequence[str]) -> dict[Term, Term]:
    """The values of constants from equalities: each equality is solved for the first symbol of `names` in which it is linear.

    Returns:
        symbol -> a term in the other symbols; the denominators of the term may be 0 at some values.
    """
    values: dict[sp.Symbol, sp.Expr] = {}
    for r in equalities:
        try:
            e = sp.expand((symbolic(r.left) - symbolic(r.right)).subs(values))
        except ProofError:  # it contains more than constants
            continue
        free = (s for s in map(sp.Symbol, names) if s not in values)
        unknown = next((s for s in free if e.is_polynomial(s) and sp.degree(e, s) == 1), None)
        if unknown is None or e.has(sp.zoo, sp.nan, sp.oo):
            continue
        value = sp.factor(-e.coeff(unknown, 0) / e.coeff(unknown, 1))
        values = {**{s: sp.factor(v.subs(unknown, value)) for s, v in values.items()}, unknown: value}
    return {x(s.name): expression(v, {}) for s, v in values.items() if not v.has(sp.zoo, sp.nan, sp.oo)}


def falling(e: sp.Expr) -> sp.Expr:
    """The negative terms of lowest order in eta, which cause the decay for small steps."""
    terms = [t for t in sp.Add.make_args(sp.expand(e)) if t.could_extract_minus_sign()]
    order = {t: sp.degree(sp.numer(sp.together(t)), _ETA) - sp.degree(sp.denom(sp.together(t)), _ETA) for t in terms}
    return sp.Add(*[t for t in terms if order[t] == min(order.values())])


def written(e: sp.Expr) -> str:
    """A formula in the letters of a file, with 2 - x in place of -(x - 2)."""
    factors = list(sp.Mul.make_args(sp.factor_terms(e)))
    sums = [f for f in factors if f.is_Add]
    if not sums or not factors[0].is_number or not factors[0].is_negative:
        return _sum(sp.factor_terms(e))
    rest = -sp.Mul(*[f for f in factors if f is not sums[-1]])
    turned, below = f"({_sum(-sums[-1])})", sp.denom(rest)
    if not below.free_symbols:
        return turned if rest == 1 else f"{_text(rest)}*{turned}"
    if sp.numer(rest) == 1:
        return f"{turned}/{_text(below)}" if below.is_Symbol else f"{turned}/({_text(below)})"
    return f"{turned}*{_text(rest)}"


def _sum(e: sp.Expr) -> str:
    """A sum with its positive terms first."""
    terms = sorted(sp.Add.make_args(e), key=lambda t: (t.could_extract_minus_sign(), sp.default_sort_key(t)))
    signed = (f"- {_text(-t)}" if t.could_extract_minus_sign() else f"+ {_text(t)}" for t in terms[1:])
    return " ".join([_text(terms[0]), *signed])


def _text(e: sp.Expr) -> str:
    return sp.sstr(e).replace("**", "^")


def upright(e: sp.Expr, fractions: tuple[str, ...]) -> sp.Expr:
    """The numerator of an expression over a positive denominator, without factors that are letters, since letters are positive.

    The sign of the denominator is guessed from its value with the fractions at 1/2 and all other letters at 1; the proof must
    confirm it.
    """
    above, below = sp.fraction(sp.together(sp.factor(e)))
    sample = {s: sp.Rational(1, 2) if s.name in fractions else sp.S.One for s in below.free_symbols}
    numerator = sp.factor(-above if below.subs(sample).is_negative else above)
    return sp.Mul(*[f for f in sp.Mul.make_args(numerator) if not f.is_Symbol]) if numerator.is_Mul else numerator
