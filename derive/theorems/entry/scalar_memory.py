"""A memory that is a positive number, such as the root of the sum of squared gradient norms: its next value in a step."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import sympy as sp

from sdescent.derive.methods.distributed import Method
from sdescent.derive.theorems.entry.linear_step import CLIP, LENGTH, Step
from sdescent.derive.theorems.entry.step_number import mapped
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import parameter, u


def after(name: str) -> str:
    """The name of a number of the memory after the step."""
    return f"{name}_next"


def with_next_values(step: Step, method: Method, constants: Collection[str]) -> Step:
    """The step with the name of a number's next value in place of its formula.

    Args:
        constants: the names of the positive constants of the method.

    Raises:
        BadInput: a next value is not shown to be positive, or depends on a draw or on another length than that of G.
    """
    letters = {parameter(name) for name in ("eta", "N", *constants, *step.numbers)}
    table = {parameter(name): value for name, value in method.constants}
    numbers = {name: value.xreplace(table) for name, value in step.numbers.items()}
    for name, value in numbers.items():
        draws = value.atoms(sp.Dummy) - {LENGTH, CLIP}
        if draws or not _positive(value, letters, [1 - parameter(n) for n in method.fractions]):
            accepted = (
                "sums, products, quotients and powers of positive numbers, which may contain norm(G)^2, without draws"
            )
            raise BadInput("method.update", f"a next value of {name} that is not shown to be positive", accepted)

    def renamed(e: sp.Expr) -> sp.Expr:
        for name, value in numbers.items():
            if value != parameter(name) and not value.is_number:
                root = value.is_Pow and value.exp == sp.S.Half
                symbol = parameter(after(name))
                # coefficients of vectors are expanded, also in denominators
                e = e.subs(sp.expand(value.base), symbol**2) if root else e.subs(sp.expand(value), symbol)
        return e

    if not numbers:
        return step
    step = mapped(step, renamed)
    # what is left of norm(G) may be 0
    divides = step.divides and any(c.has(LENGTH) for c in step.move.values())
    return replace(step, divides=divides, numbers=numbers)


def _positive(e: Any, letters: Collection[sp.Symbol], below_one: Collection[sp.Expr]) -> bool:
    """Whether an expression is positive if its letters are; from its form alone."""
    if e in letters or e in below_one:
        return True
    parts = [_positive(a, letters, below_one) for a in e.args]
    if e.is_Add:
        return any(parts) and all(nonnegative(a, letters, below_one) for a in e.args)
    if e.is_Pow:
        return parts[0] and e.exp.is_Rational
    return all(parts) if e.is_Mul else bool(e.is_Rational and e > 0)


def nonnegative(e: Any, letters: Collection[sp.Symbol], below_one: Collection[sp.Expr] = ()) -> bool:
    """Whether an expression is nonnegative if its letters are positive; from its form alone."""
    if e in (LENGTH, CLIP, u) or _positive(e, letters, below_one):
        return True
    if e.is_Pow and e.exp.is_Rational and e.exp > 0:
        return e.exp.is_even or nonnegative(e.base, letters, below_one)
    return (e.is_Add or e.is_Mul) and all(nonnegative(a, letters, below_one) for a in e.args)
