"""Entries of an equation and the terms in which two equations differ, as an audit records them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import sympy as sp

from sdescent.derive.expressions.gathered import gathered
from sdescent.derive.expressions.written import formula


@final
@dataclass(frozen=True)
class Entry:
    """A coefficient of an equation: the drift of a letter, or the covariance of two.

    Args:
        letters: (letter,) of the drift; (first, second) of the covariance.
        apart: whether the first letter is at another coordinate than the second.
    """

    letters: tuple[str, ...]
    apart: bool = False

    @property
    def drift(self) -> bool:
        """Whether it is a drift."""
        return len(self.letters) == 1

    @property
    def places(self) -> list[tuple[str, int]]:
        """Each letter with the number of its coordinate, from 0, in an example."""
        return [(letter, n if self.apart else 0) for n, letter in enumerate(self.letters)]

    def __str__(self) -> str:
        kind = "drift" if self.drift else "covariance"
        return f"{kind} {' '.join(self.letters)}" + " at two coordinates" * self.apart


@final
@dataclass(frozen=True)
class Term:
    """A term in which the two equations differ.

    Args:
        entry: of the equations.
        claimed, derived: the term on each side, at the generic coordinate, 0 where there is none.
        matters: the weak order at which it matters.
        kind: "missing", "extra", "factor" or "differs".
        factor: claimed over derived, where that is a constant.
        power: of s, in the entry.
        remark: why, in one sentence, or "".
        point: letter -> value, where the two coefficients of this power of s differ for certain; {} where no term is on one side.
    """

    entry: Entry
    claimed: sp.Expr
    derived: sp.Expr
    matters: int
    kind: str
    factor: sp.Expr | None
    power: int
    remark: str = ""
    point: Mapping[str, sp.Expr] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The entry in words, such as "drift m" or "covariance x m at two coordinates"."""
        return str(self.entry)

    @property
    def difference(self) -> sp.Expr:
        """Claimed minus derived."""
        return gathered(self.claimed - self.derived)

    def to_dict(self, stated: sp.Expr, true: sp.Expr) -> dict[str, Any]:
        """As JSON values, with the whole entry that it stands in on each side; formulas in the letters of stated equations."""
        return {
            "where": self.where,
            "claimed": formula(self.claimed),
            "derived": formula(self.derived),
            "difference": formula(self.difference),
            "matters": self.matters,
            "kind": self.kind,
            "factor": None if self.factor is None else formula(self.factor),
            "remark": self.remark,
            "point": {name: str(value) for name, value in self.point.items()},
            "entry": {"claimed": formula(stated), "derived": formula(true)},
        }
