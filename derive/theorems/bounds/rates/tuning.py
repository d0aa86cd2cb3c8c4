"""The value of a constant, such as the step size, at which a proved bound at the horizon is least, and the bound there as a corollary.

As a function of the constant, the bound is a sum of powers with positive coefficients. Those that fall have one degree -p, so that
the derivative changes its sign once: the bound is least where p times these terms equals the constant times the derivative of the
rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.theorems.bounds.answer import Answer, decide
from sdescent.derive.theorems.bounds.kernel_context import Setting, letters_of, term_text
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
        positive: the letters that must be positive for the bound to be least there.
        conditions: the assumptions that contain the constant, which the optimum must satisfy.
        answer: the verdict on the corollary.
    """

    letter: str
    optimum: str
    equation: str
    bound: str
    corollary: Mapping[str, Any]
    positive: tuple[str, ...]
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
    claim, setting = stated.read_claim, stated.setting
    left, text = (term_text(setting, side) for side in (claim.left, claim.right))
    y = sp.Symbol(letter, positive=True)
    accepted = f"a bound that is a sum of powers of {letter} with positive coefficients, some of which rise and some fall, all with one degree"
    if letter in symbols_of(claim.left):
        raise BadInput("claim", left, f"{letter} on the right side alone")
    try:
        bound = _spelt(symbolic(claim.right), setting)
    except ProofError:
        raise BadInput("claim", text, accepted) from None
    terms = [(sp.degree(sp.numer(t), y) - sp.degree(sp.denom(t), y), t) for t in sp.Add.make_args(bound)]
    if any(sp.simplify(t / y**n).has(y) or (n and not _positive(t, setting)) for n, t in terms):
        raise BadInput("claim", text, accepted)
    falling, rising = (sp.Add(*[t for n, t in terms if sign * n > 0]) for sign in (-1, 1))
    degrees = {-n for n, _ in terms if n < 0}
    if len(degrees) != 1 or rising == 0:
        raise BadInput("claim", text, accepted)
    p = degrees.pop()
    slope = sp.expand(y * sp.diff(rising, y))
    there = sp.expand(bound - falling + slope / p)
    above, below = sp.fraction(sp.factor(slope / (p * falling)))
    equation = f"{written(above)} == {written(below)}"
    roots = [r for r in sp.solve(above - below, y) if r.is_positive]
    optimum = roots[0] if len(roots) == 1 else None
    corollary = {
        **{k: v for k, v in stated.table.items() if k != "title"},
        "assume": [*stated.table.get("assume", ()), equation], "claim": f"{left} {claim.op} {written(sp.factor_terms(there))}",
    }  # fmt: skip
    positive = tuple(sorted({s.name for n, t in terms if n for s in t.free_symbols - {y}}))
    conditions = tuple(t for t, r in stated.inequalities.items() if letter in symbols_of(r))
    least = "" if optimum is None else _rooted(there.subs(y, optimum))
    answer = decide(Stated(corollary), seconds, repair=False)
    return Tuned(
        letter, "" if optimum is None else _rooted(optimum), equation, least, corollary, positive, conditions, answer
    )


def _spelt(e: sp.Expr, setting: Setting) -> sp.Expr:
    """A bound in positive symbols that print as in a file, with f_0 as fstar plus a positive number."""
    words = {sp.Symbol(t[1]): sp.Symbol(w[1]) for t, w in letters_of(setting).items() if t[0] == w[0] == "x"}
    start, least = sp.Symbol("f_0"), sp.Symbol(nm.fstar[1])
    e = sp.expand(e.subs(words).subs(start, least + sp.Symbol(f"({start} - {least})")))
    return e.subs({s: sp.Symbol(s.name, positive=True) for s in e.free_symbols})


def _positive(e: sp.Expr, setting: Setting) -> bool:
    """Whether a term is positive for all positive letters, of which those that are assumed to be below 1 are c/(1 + c)."""
    small = [s for s in e.free_symbols if f"{s.name} < 1" in setting.assumptions]
    return sp.factor(e.subs({s: s / (1 + s) for s in small})).is_positive is True


def _rooted(e: sp.Expr) -> str:
    """A value with the root of a product in place of a product of roots."""
    terms = []
    for t in sp.Add.make_args(sp.expand(sp.simplify(e))):
        square = sp.cancel(t**2)
        whole = square.is_rational_function() and not t.is_rational_function()
        terms.append(sp.Pow(square, sp.S.Half, evaluate=False) if whole else t)
    return written(sp.Add(*terms, evaluate=False) if len(terms) > 1 else terms[0])
