"""Formulas of a sweep as numbers: at many points, or on a fine grid between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, final

import numpy as np
import sympy as sp

from derive.formulas.expressions import read_formula
from derive.reading.specs import Spec
from derive.reading.sweeps.letters import OMEGA, Numbers, meant
from derive.reading.sweeps.shown import spelled_out
from derive.step.moments import compression_ratio
from numerics.lowering.to_jax import lower_function

_D = "dim"


@final
@dataclass(frozen=True)
class Formula:
    """A formula whose letters are known.

    Args:
        text: as it is written.
        field: its name in messages.
        letters: {letter: dotted name} (`derive.reading.sweeps.letters.meant`).
    """

    text: str
    field: str
    letters: Mapping[str, str]

    @cached_property
    def _program(self) -> Callable[..., Any]:
        symbols = {letter: sp.Symbol(letter, real=True) for letter in self.letters}
        text = spelled_out(self.text)
        made = read_formula(text, lambda name, _: symbols[name], self.field, [*symbols, "pi"])
        return lower_function(made, list(symbols.values()))

    @property
    def names(self) -> set[str]:
        """The dotted names of the values that it depends on."""
        return set(self.letters.values())

    def value(self, numbers: Numbers) -> np.ndarray:
        """Its values, nan where there is none: a letter without a number there, a biased compressor for omega, a pole.

        Args:
            numbers: of a point, or arrays of one shape for several.
        """
        given = [omega(numbers) if name == OMEGA else numbers.values.get(name) for name in self.letters.values()]
        if any(value is None for value in given):
            return np.asarray(np.nan)
        with np.errstate(all="ignore"):
            found = np.asarray(self._program(*(np.asarray(value, float) for value in given)), float)
        return np.where(np.isfinite(found), found, np.nan)


def formula(text: str, field: str, known: Mapping[str, tuple[str, ...]]) -> Formula:
    """A formula.

    Args:
        known: what letters may stand for (`derive.reading.sweeps.letters.letters`).

    Raises:
        BadInput: it is not in the grammar, or a letter stands for nothing or for two values.
    """
    return Formula(text, field, meant(text, field, known))


def omega(numbers: Numbers) -> Any:
    """The compression ratio of the compressor; None where it has none, or where it is not known as a formula of its values.

    Raises:
        BadInput: the compressor states one that cannot be.
    """
    spec, dim = numbers.compressor, numbers.values.get(_D)
    if spec is None or dim is None:
        return None
    varied = any(np.ndim(numbers.values.get(f"compressor.{key}", 0)) for key, _ in spec.values)
    opened, _ = spec.opened("value")
    made = _ratio(opened)
    own = [numbers.values.get(f"compressor.{key}") for key, value in opened.values if isinstance(value, str)]
    if made is None or any(value is None for value in own):
        made, own = (None, []) if varied else (_ratio(spec), [])
    return None if made is None else made(*own, dim)


def at_points(formulas: Iterable[Formula], points: Sequence[Numbers]) -> list[np.ndarray]:
    """The values of each formula at each point, nan where there is none."""
    groups: dict[Any, list[int]] = {}
    for n, point in enumerate(points):  # what has one form is computed at once
        spec = point.compressor
        shape = None if spec is None else _shape(spec).text
        groups.setdefault((shape, tuple(sorted(point.values))), []).append(n)
    listed = list(formulas)
    found = [np.full(len(points), np.nan) for _ in listed]
    for group in groups.values():
        first = points[group[0]]
        arrays = {name: np.array([points[n].values[name] for n in group]) for name in first.values}
        for values, one in zip(found, listed, strict=True):
            values[group] = one.value(Numbers(arrays, first.compressor))
    return found


def _shape(spec: Spec) -> Spec:
    """The specification of which the ratio is computed: that with letters, unless it is not known in this form."""
    opened, _ = spec.opened("value")
    return spec if _ratio(opened) is None else opened


@lru_cache(maxsize=1024)
def _ratio(spec: Spec) -> Callable[..., Any] | None:
    """omega as a function of the values that are letters, in their order, and d; None where it is not known in this form."""
    names = [value for _, value in spec.values if isinstance(value, str)]
    d = sp.Symbol("d", integer=True, positive=True)
    try:
        found = compression_ratio(spec.build(), d)
        if found is None:
            return None
        named = {symbol.name: symbol for symbol in found.value.free_symbols}
        if not set(named) <= {*names, "d"}:
            return None
        return lower_function(found.value, [sp.Symbol(name) for name in (*names, "d")])
    except Exception:  # a piece of the user's that needs a number may raise anything
        return None
