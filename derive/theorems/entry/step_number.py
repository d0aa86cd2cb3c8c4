"""The step of a rule that contains k, the number of the step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from sdescent.derive.theorems.entry.client_vectors import Combination
from sdescent.derive.theorems.entry.linear_step import LISTS, Step


def counted(step: Step, name: str) -> tuple[Step, bool]:
    """The step with `name` + 1 for k, the number of the step from 1, and whether k occurs in it."""
    occurs = False

    def renamed(c: sp.Expr) -> sp.Expr:
        nonlocal occurs
        places = {s: sp.Symbol(name, nonnegative=True) + 1 for s in c.free_symbols if getattr(s, "name", "") == "k"}
        occurs = occurs or bool(places)
        return sp.factor_terms(c.xreplace(places)) if places else c

    numbers = {b: renamed(value) for b, value in step.numbers.items()}
    return replace(mapped(step, renamed), numbers=numbers), occurs


def mapped(step: Step, of: Callable[[sp.Expr], sp.Expr]) -> Step:
    """The step with another expression for each coefficient of its vectors."""

    def each(vector: Combination) -> Combination:
        return {v: of(c) for v, c in vector.items()}

    lists: dict[str, Any] = {name: tuple(map(each, getattr(step, name))) for name in (*LISTS, "directed")}
    memory, level = {m: each(v) for m, v in step.memory.items()}, None if step.level is None else of(step.level)
    coins = {coin: of(p) for coin, p in step.coins.items()}
    return replace(step, move=each(step.move), memory=memory, level=level, coins=coins, **lists)
