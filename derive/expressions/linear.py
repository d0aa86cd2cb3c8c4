"""Linear systems with roots (of pi, N or eta) in their coefficients, treated as rational functions in letters for these roots."""

from collections.abc import Sequence

import sympy as sp

from sdescent.derive.expressions.vanishing import vanishes


def solved(
    equations: Sequence[sp.Expr], unknowns: Sequence[sp.Symbol], count: int | None = None
) -> list[sp.Expr] | None:
    """The first `count` unknowns of a linear system (by default all), factored; None unless it has exactly one solution."""
    degrees: dict[sp.Expr, int] = {}
    for power in (p for e in equations for p in e.atoms(sp.Pow) if p.exp.is_Rational and not p.exp.is_Integer):
        degrees[power.base] = sp.ilcm(degrees.get(power.base, 1), power.exp.q)
    letters = {base: sp.Dummy(positive=True) for base in degrees}

    def rational(e: sp.Expr) -> sp.Expr:
        base, power = e.as_base_exp() if e.is_Pow else (e, sp.S.One)
        if base in letters and power.is_Rational and not (e.is_Rational or e.is_Add):
            return letters[base] ** (power * degrees[base])
        return e.func(*map(rational, e.args)) if e.args else e

    solutions = list(sp.linsolve([rational(e) for e in equations], unknowns))
    if len(solutions) != 1 or any(e.free_symbols & set(unknowns) for e in solutions[0][:count]):
        return None
    back = {letter: sp.Pow(base, sp.Rational(1, degrees[base])) for base, letter in letters.items()}
    parts = [[part.xreplace(back) for part in sp.fraction(sp.factor(e))] for e in solutions[0][:count]]
    if any(vanishes(below) for _, below in parts):  # letters for the roots of 2 and of 8 depend on each other
        return None
    return [above / below for above, below in parts]
