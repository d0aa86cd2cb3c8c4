"""The entries of an equation, and the terms in which two equations differ, as an audit records them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import sympy as sp

from sdescent.derive.expressions.derivatives import gathered
from sdescent.derive.expressions.written import formula


@final
@dataclass(frozen=True)
class Entry:
    """A coefficient of an equation: the drift of a letter, or the covariance of two."""

    letters: tuple[str, ...]  # (letter,) for the drift; (first, second) for the covariance
    apart: bool = False  # whether the two letters are at different coordinates

    @property
    def drift(self) -> bool:
        """Whether the entry is a drift."""
        return len(self.letters) == 1

    @property
    def places(self) -> list[tuple[str, int]]:
        """Each letter with the index of its coordinate in an example, counted from 0."""
        return [(letter, n if self.apart else 0) for n, letter in enumerate(self.letters)]

    def __str__(self) -> str:
        kind = "drift" if self.drift else "covariance"
        return f"{kind} {' '.join(self.letters)}" + " at two coordinates" * self.apart


@final
@dataclass(frozen=True)
class Term:
    """A term in which the two equations differ.

    Args:
        entry: the entry of the equations.
        claimed, derived: the term on each side, at the generic coordinate; 0 if a side has no such term.
        matters: the weak order at which the term matters.
        kind: "missing", "extra", "factor" or "differs".
        factor: the quotient claimed/derived, if it is a constant.
        power: the power of s in the entry.
        remark: the likely cause of the difference or its effect, in words, or "".
        point: values of the letters at which the two coefficients of this power of s certainly differ; {} if none is recorded.
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
        """The difference `claimed` minus `derived`."""
        return gathered(self.claimed - self.derived)

    def to_dict(self, stated: sp.Expr, true: sp.Expr) -> dict[str, Any]:
        """The term as JSON values, with the whole entry on each side; formulas are in the letters of stated equations."""
        return {
            "where": self.where,
            **{name: formula(getattr(self, name)) for name in ("claimed", "derived", "difference")},
            "matters": self.matters,
            "kind": self.kind,
            "factor": None if self.factor is None else formula(self.factor),
            "remark": self.remark,
            "point": {name: str(value) for name, value in self.point.items()},
            "entry": {"claimed": formula(stated), "derived": formula(true)},
        }
