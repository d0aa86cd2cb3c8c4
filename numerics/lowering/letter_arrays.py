"""Hold letters x1, x2, .. that share a formula in one array, so that many coordinates become a few vector operations.

The drift of an equation in named coordinates is a list of formulas. If the formulas of x1, x2, .. differ only in the indices of
letters and in numbers, they are a single formula in the arrays x (n, paths), m (n, paths), .. and in vectors (n, 1) of numbers.
Otherwise each letter has its own array. A program with an array for each letter is as fast, but its size grows with the number of
letters; with one array for all letters, filled row by row, a program is many times slower.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import sympy as sp

from sdescent.numerics.backend.double import jnp

_NUMBERED = re.compile(r"(.*?[A-Za-z_])(\d+)")
_DIGITS = re.compile(r"\d+")


class Apart(Exception):
    """The formulas of a group of letters have no common formula."""


@final
@dataclass(frozen=True)
class Families:
    """Groups of letters, given by places in the state; a group's symbol stands for (n, paths) or, if it is a letter, (paths,)."""

    state: tuple[sp.Symbol, ...]
    groups: tuple[tuple[int, ...], ...]
    arrays: tuple[sp.Symbol, ...]

    def split(self, x: Any) -> tuple[Any, ...]:
        """The arrays of the groups, from x (d, paths)."""
        return tuple(x[group[0]] if len(group) == 1 else x[jnp.asarray(group)] for group in self.groups)

    def join(self, parts: Sequence[Any], paths: int) -> Any:
        """The array x (d, paths), from the arrays of the groups, which may be the same for all paths."""
        rows = [jnp.broadcast_to(part, (len(group), paths)) for part, group in zip(parts, self.groups, strict=True)]
        order = [i for group in self.groups for i in group]
        return jnp.concatenate(rows)[jnp.asarray([order.index(i) for i in range(len(order))])]

    def named(self, parts: Sequence[Any]) -> dict[str, Any]:
        """The arrays of the groups by the names of their symbols."""
        return {s.name: part for s, part in zip(self.arrays, parts, strict=True)}


def grouped(state: Sequence[sp.Symbol]) -> Families:
    """Groups of letters whose names differ only in their numbers, and which agree on being positive."""
    bases: dict[str, list[int]] = {}
    for n, letter in enumerate(state):
        match = _NUMBERED.fullmatch(letter.name)
        kind = f"{match[1]}1.. {letter.is_positive}" if match else letter.name
        bases.setdefault(kind, []).append(n)
    groups = tuple(tuple(members) for members in bases.values())
    arrays = [state[group[0]] if len(group) == 1 else _symbol(f"array {kind}", [state[i] for i in group])
           for kind, group in zip(bases, groups, strict=True)]  # fmt: skip
    return Families(tuple(state), groups, tuple(arrays))


def single(state: Sequence[sp.Symbol]) -> Families:
    """Groups of a single letter each."""
    return Families(tuple(state), tuple((n,) for n in range(len(state))), tuple(state))


@final
class Templates:
    """Finds common formulas for a group's letters, and the vectors (n, 1) of numbers or parameters that these read."""

    def __init__(self, families: Families) -> None:
        self.vectors: dict[str, tuple[sp.Expr, ...]] = {}
        self._letters = {letter: n for n, letter in enumerate(families.state)}
        self._arrays = dict(zip(families.groups, families.arrays, strict=True))
        self._symbols: dict[tuple[sp.Expr, ...], sp.Symbol] = {}

    def __call__(self, formulas: Sequence[sp.Expr]) -> sp.Expr:
        """The formula of a group, from the formulas of its letters. Raises Apart if there is none."""
        if len(formulas) == 1:
            if any(self._in_group(s) for s in formulas[0].free_symbols):
                raise Apart
            return formulas[0]
        parts: dict[tuple[sp.Expr, ...], Any] = {}
        template = self._common(tuple(formulas), parts)
        for n, formula in enumerate(formulas):
            table = {value: key[n] for key, value in parts.items() if isinstance(value, sp.Symbol)}
            if template.xreplace(table) != formula:
                raise Apart
        return template

    def between(self, matrix: sp.Matrix) -> sp.Matrix:
        """The entries between groups, for a matrix that is 0 between different places of two groups. Raises Apart for any other."""
        groups = list(self._arrays)
        entries = sp.zeros(len(groups), len(groups))
        for a, one in enumerate(groups):
            for b, two in enumerate(groups):
                if any(matrix[i, j] != 0 for m, i in enumerate(one) for n, j in enumerate(two) if m != n):
                    raise Apart
                if len(one) == len(two):
                    entries[a, b] = self([matrix[i, j] for i, j in zip(one, two, strict=True)])
                elif matrix[one[0], two[0]] != 0:
                    raise Apart
        return entries

    def rows(self, matrix: sp.Matrix) -> list[tuple[int, int, int, sp.Expr]]:
        """The nonzero entries as (group, first column, columns, formula), with adjacent columns, or one for all; or Apart."""
        entries: list[tuple[int, int, int, sp.Expr]] = []
        for a, group in enumerate(self._arrays):
            filled = [[j for j in range(matrix.cols) if matrix[i, j] != 0] for i in group]
            if len({len(columns) for columns in filled}) > 1:
                raise Apart
            for columns in zip(*filled, strict=True):
                first, steps = columns[0], {j - i for i, j in itertools.pairwise(columns)}
                if not steps <= {0} and not steps <= {1}:
                    raise Apart
                count = len(group) if steps == {1} else 1
                entries.append((a, first, count, self([matrix[i, j] for i, j in zip(group, columns, strict=True)])))
        return entries

    def values(self, scalars: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """The vectors by name, (n, 1) each, with these numbers for the parameters."""

        def entry(e: Any) -> Any:
            return jnp.asarray(scalars[e.name] if isinstance(e, sp.Symbol) else float(e), dtype)

        return {name: jnp.stack([entry(e) for e in entries])[:, None] for name, entries in self.vectors.items()}

    def _in_group(self, symbol: sp.Basic) -> bool:
        return symbol in self._letters and not any(group == (self._letters[symbol],) for group in self._arrays)  # pyright: ignore[reportArgumentType]

    def _common(self, parts: tuple[Any, ...], memo: dict[tuple[sp.Expr, ...], Any]) -> Any:
        if parts not in memo:
            memo[parts] = self._new(parts, memo)
        return memo[parts]

    def _new(self, parts: tuple[Any, ...], memo: dict[tuple[sp.Expr, ...], Any]) -> Any:
        first = parts[0]
        if all(e == first for e in parts) and not any(self._in_group(s) for s in first.free_symbols):
            return first
        if all(isinstance(e, sp.Symbol) for e in parts):
            return self._letter(parts)
        if all(e.is_number for e in parts if isinstance(e, sp.Expr)) and all(isinstance(e, sp.Expr) for e in parts):
            return self._vector(parts)
        split = [e.as_coeff_Mul() if isinstance(e, sp.Expr) else (sp.S.One, e) for e in parts]
        if len({c for c, _ in split}) > 1:
            rest = self._common(tuple(e for _, e in split), memo)
            return self._common(tuple(c for c, _ in split), memo) * rest
        if any(e.func != first.func or len(e.args) != len(first.args) for e in parts):
            raise Apart
        commutative = isinstance(first, (sp.Add, sp.Mul, sp.Max, sp.Min))
        ordered = [sorted(e.args, key=_erased) if commutative else list(e.args) for e in parts]
        return first.func(*[self._common(entry, memo) for entry in zip(*ordered, strict=True)])

    def _letter(self, symbols: tuple[sp.Symbol, ...]) -> sp.Symbol:
        places = tuple(self._letters.get(s, -1) for s in symbols)
        if places in self._arrays:
            return self._arrays[places]
        if any(n >= 0 for n in places):
            raise Apart
        return self._vector(symbols)

    def _vector(self, entries: tuple[sp.Expr, ...]) -> sp.Symbol:
        if entries not in self._symbols:
            self._symbols[entries] = _symbol(f"vector {len(self._symbols) + 1}", entries)
            self.vectors[self._symbols[entries].name] = entries
        return self._symbols[entries]


def _erased(e: sp.Basic) -> str:
    """A key that sorts the parts of two formulas alike if the formulas differ only in numbers."""
    return _DIGITS.sub("#", str(e.as_coeff_Mul()[1] if isinstance(e, sp.Expr) else e))


def _symbol(name: str, entries: Iterable[sp.Expr]) -> sp.Symbol:
    """A real symbol, positive if all entries are."""
    return sp.Symbol(name, positive=True) if all(e.is_positive for e in entries) else sp.Symbol(name, real=True)
