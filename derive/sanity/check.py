"""Sanity checks as data, and the record of a derivation while it is computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.printing.printer import Printer


@dataclass(frozen=True)
class WorkingLine:
    """One line of a derivation.

    Args:
        latex: the line as mathematics, without delimiters.
        reason: why it follows, one sentence of plain text.
        holds: whether it agrees with the claim of theory 5; None where the line makes no claim of its own.
    """

    latex: str
    reason: str
    holds: bool | None = None


@dataclass(frozen=True)
class SanityCheck:
    """A statement of theory 5 with its derivation as the engine computes it.

    Args:
        name: a short stable code; title: a heading; statement_latex: the claim, as mathematics without delimiters.
        lines: the derivation.
        passed: whether every line that was compared with a claim agrees with it.
        values: the computed expressions and numbers by name (dimensionless).
    """

    name: str
    title: str
    statement_latex: str
    lines: tuple[WorkingLine, ...]
    passed: bool
    values: dict[str, Any]


def equal(found: sp.Expr, claim: sp.Expr) -> bool:
    """Whether two expressions are equal for all values of their symbols, exactly or to many digits; infinities too."""
    infinite = (sp.oo, -sp.oo, sp.zoo, sp.nan)
    if found in infinite or claim in infinite:
        return found == claim and found not in (sp.zoo, sp.nan)
    return vanishes(sp.together(found - claim))


def tex(expr: sp.Expr) -> str:
    """An expression as LaTeX."""
    return Printer().doprint(expr)


@dataclass
class Working:
    """Lines and values of a check while it is being made."""

    lines: list[WorkingLine] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def show(self, latex: str, reason: str) -> None:
        """A line that is a definition or a step, with nothing to compare it to."""
        self.lines.append(WorkingLine(latex, reason))

    def claim(self, key: str, left: str, found: sp.Expr, claim: sp.Expr, reason: str) -> sp.Expr:
        """A line `left = found`, compared with the claim of theory.

        When they are equal the line is printed in the form of the claim, which is the shorter one; otherwise it shows the
        expression found, so nothing is printed that was not computed.
        """
        holds = equal(found, claim)
        self.lines.append(WorkingLine(f"{left} = {tex(claim if holds else sp.factor(found))}", reason, holds))
        self.values[key] = found
        return found

    def fact(self, key: str, latex: str, value: Any, holds: bool, reason: str) -> None:
        """A line whose truth was decided by computation (an inequality, a comparison of numbers)."""
        self.lines.append(WorkingLine(latex, reason, bool(holds)))
        self.values[key] = value

    def finish(self, name: str, title: str, statement_latex: str) -> SanityCheck:
        """The check; it passes when at least one line was compared and all compared lines hold."""
        compared = [line.holds for line in self.lines if line.holds is not None]
        return SanityCheck(
            name, title, statement_latex, tuple(self.lines), bool(compared) and all(compared), dict(self.values)
        )
