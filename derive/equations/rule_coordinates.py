"""The equation of an update rule in named coordinates: x1.., then m1.. for each memory letter."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement, product

import sympy as sp

from sdescent.derive.equations.in_coordinates import expansion_of, gradient_symbols
from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.step.draws import off_diagonal
from sdescent.derive.vocabulary.errors import BadInput


@dataclass(frozen=True)
class Expanded:
    """Drift and covariance over the state, letter by letter.

    Args:
        state: x1, .., m1, ..
        gradient: g1, .., where no loss is given; else the symbols that are not in the formulas.
    """

    state: list[sp.Symbol]
    gradient: list[sp.Symbol]
    drift: sp.Matrix
    covariance: sp.Matrix


def expand_rule(equation: RuleEquation, dim: int) -> Expanded:
    """The equation in `dim` coordinates.

    Raises:
        BadInput: as `sdescent.derive.equations.in_coordinates.expansion_of`; a symbol of the state whose name is that of another.
    """
    generic = (*equation.drift.values(), *equation.own.values(), *equation.pair.values())
    expansion, put = expansion_of(equation.loss, dim, generic, generic)
    letters = equation.letters
    state = [sp.Symbol(f"{a}{m + 1}", real=True) for a in letters for m in range(dim)]
    drift = [put(e) for a in letters for e in expansion.vector(equation.drift[a])]
    covariance = sp.zeros(dim * len(letters), dim * len(letters))
    dense = equation.method.noise.dense
    for (p, a), (q, b) in combinations_with_replacement(enumerate(letters), 2):
        for m, n in product(range(dim), repeat=2):
            generic = (equation.own if m == n else equation.pair).get((a, b), sp.S.Zero)
            value = put(expansion.pair(generic, m, n))
            if dense is not None and m != n:
                value = value.xreplace({off_diagonal(dense): dense.entry(m + 1, n + 1)})
            covariance[p * dim + m, q * dim + n] = covariance[q * dim + n, p * dim + m] = value
    found = Expanded(state, gradient_symbols(dim), sp.Matrix(drift), covariance)
    of_loss = () if equation.loss is None else equation.loss.parameters(dim)
    _check_names({*state, *found.drift.free_symbols, *found.covariance.free_symbols}, set(of_loss) & {z.name for z in state})
    return found


def _check_names(symbols: set[sp.Symbol], taken: set[str]) -> None:
    """No two symbols have one name: the memory h and the curvature h1 of a quadratic loss would."""
    names = [*(s.name for s in symbols), *taken]
    for name in sorted(names):
        if names.count(name) > 1:
            raise BadInput(f"symbol {name}", "two meanings", "a name that state, loss and noise use for one thing alone")
