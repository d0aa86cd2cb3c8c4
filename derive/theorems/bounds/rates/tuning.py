"""The value of a constant, such as the step size, at which a proved bound at the horizon is least, and the bound there as a corollary.

As a function of the constant, the bound is a sum of powers. Its terms of negative degree have one degree -p, so that its derivative
changes its sign once for positive values: the bound is least where p times these terms equals eta times the derivative of the rest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.theorems.bounds.answer import Answer, decide
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import symbolic, written
from sdescent.derive.theorems.bounds.language.vocabulary import symbols_of
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.vocabulary.errors import BadInput


@dataclass(frozen=True)
class Tuned:
    """A bound at its least value.

    Args:
        letter: the constant.
        optimum: its value, or "" if the equation has no solution in closed form.
        equation: the equation for it, as an assumption of a file.
        bound: the least value of the bound in the other constants, or "".
        corollary: the theorem with the equation as an assumption and the bound there as the claim.
        conditions: the assumptions that contain the constant, which the optimum must satisfy.
        answer: the verdict on the corollary.
    """

    letter: str
    optimum: str
    equation: str
    bound: str
    corollary: Mapping[str, Any]
    conditions: tuple[str, ...]
    answer: Answer


def tune(stated: Stated, letter: str = "eta", seconds: float = 60.0) -> Tuned:
    """The least value of the bound of a theorem over one of its constants.

    Args:
        stated: a theorem with a claim at the horizon.
        letter: the constant.
        seconds: an approximate limit for the proof of the corollary.

    Raises:
        BadInput: the claim is about a step, or its right side is not a bound of the form above in the constant.
    """
    if not stated.integrated:
        raise BadInput("claim", stated.table["claim"], "a claim at the horizon, such as E(f_K) - fstar <= ..")
    left, _, text = str(stated.table["claim"]).partition("<=")
    claim, names = stated.read_claim, _spelt(stated)
    y = sp.Symbol(letter, positive=True)
    accepted = (
        f"a bound that is a sum of powers of {letter}, of which those that fall have one degree, and that has others"
    )
    if letter in symbols_of(claim.left):
        raise BadInput("claim", left.strip(), f"{letter} on the right side alone")
    try:
        bound = sp.expand(sp.expand(symbolic(claim.right).subs(names)).subs(_gap(names)))
    except ProofError:
        raise BadInput("claim", text.strip(), accepted) from None
    bound = bound.subs({s: sp.Symbol(s.name, positive=True) for s in bound.free_symbols})
    terms = [(sp.degree(sp.numer(t), y) - sp.degree(sp.denom(t), y), t) for t in sp.Add.make_args(bound)]
    if any(sp.simplify(t / y**n).has(y) for n, t in terms):
        raise BadInput("claim", text.strip(), accepted)
    falling, rising = (sp.Add(*[t for n, t in terms if sign * n > 0]) for sign in (-1, 1))
    degrees = {-n for n, _ in terms if n < 0}
    if len(degrees) != 1 or rising == 0 or any(t.could_extract_minus_sign() for n, t in terms if n):
        raise BadInput("claim", text.strip(), accepted)
    p = degrees.pop()
    slope = sp.expand(y * sp.diff(rising, y))
    there = sp.expand(bound - falling + slope / p)
    above, below = sp.fraction(sp.factor(slope / (p * falling)))
    equation = f"{written(above)} == {written(below)}"
    roots = [r for r in sp.solve(above - below, y) if r.is_positive]
    optimum = roots[0] if len(roots) == 1 else None
    corollary = {
        **{k: v for k, v in stated.table.items() if k != "title"},
        "assume": [*stated.table.get("assume", ()), equation], "claim": f"{left.strip()} <= {written(sp.factor_terms(there))}",
    }  # fmt: skip
    conditions = tuple(t for t, r in stated.inequalities.items() if letter in symbols_of(r))
    least = "" if optimum is None else _rooted(there.subs(y, optimum))
    answer = decide(Stated(corollary), seconds, repair=False)
    return Tuned(letter, "" if optimum is None else _rooted(optimum), equation, least, corollary, conditions, answer)


def _spelt(stated: Stated) -> dict[sp.Symbol, sp.Symbol]:
    """The symbols of parts of V at the start -> symbols that print as in the file."""
    return {sp.Symbol(name): sp.Symbol(part.text) for name, part in stated.formulas.words.moments.items()}


def _gap(names: Mapping[sp.Symbol, sp.Symbol]) -> dict[sp.Symbol, sp.Expr]:
    """f at the start as fstar plus a positive number, for the letters with which the file spells it."""
    starts = [s for s in (*names.values(), sp.Symbol("f0")) if s.name in ("f_0", "f0")]
    return {s: sp.Symbol(nm.fstar[1]) + sp.Symbol(f"({s.name} - fstar)") for s in starts}


def _rooted(e: sp.Expr) -> str:
    """A value with the root of a product in place of a product of roots."""
    terms = []
    for t in sp.Add.make_args(sp.expand(sp.simplify(e))):
        square = sp.cancel(t**2)
        whole = square.is_rational_function() and not t.is_rational_function()
        terms.append(sp.Pow(square, sp.S.Half, evaluate=False) if whole else t)
    text = written(sp.Add(*terms, evaluate=False) if len(terms) > 1 else terms[0])
    return re.sub(r"sqrt\(\(([^()]*)\)\)", r"sqrt(\1)", text)
