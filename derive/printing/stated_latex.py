"""An SDE in named coordinates as LaTeX: `StateSDE.latex()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.equations.step.moments import Condition
from sdescent.derive.printing.latex import aligned, equation_lines
from sdescent.derive.printing.sde_letters import Page


def stated_latex(
    equation: CoordinateSDE, conditions: Sequence[Condition] = (), macros: Mapping[str, str] | None = None
) -> str:
    r"""One line for each letter of the state, with the root of the covariance where it is short; else with B B' = C below.

    An `aligned` environment: it stands in display mathematics.
    """
    page = Page(dict(macros or {}))
    w, root = page.letter("W"), page.letter("B")
    noises = _written_out(equation.root, page) if equation.root is not None else None
    lines: list[str] = []
    for i, (letter, drift) in enumerate(zip(equation.state, equation.drift, strict=True)):
        has_noise = any(e != 0 for e in equation.covariance[i, :])
        noise = noises[i] if noises is not None else rf"({root}\,\mathrm{{d}}{w})_{{{i + 1}}}" if has_noise else ""
        lines += _line(rf"\mathrm{{d}}{page.show(letter)}", drift, noise, page)
    if noises is None:
        lines += _covariance_lines(equation.covariance, page)
    return aligned(lines, conditions, page.macros)


def _line(left: str, drift: sp.Expr, noise: str, page: Page) -> list[str]:
    """left = drift dt + noise, over several lines where it is long."""
    after = (noise if noise.startswith("-") else f"+ {noise}") if noise else ""
    if drift == 0:
        return [rf"{left} &= {noise or 0}"]
    shown = page.show(drift)
    body = rf"\left({shown}\right)" if isinstance(drift, sp.Add) else rf"{shown}\,"
    time = rf"\mathrm{{d}}{page.letter('t')}"
    body = time if drift == 1 else f"-{time}" if drift == -1 else body + time
    line = rf"{left} &= {body} {after}".rstrip()
    if page.fits([line]):
        return [line]
    pieces = page.split(drift)
    pieces[0], pieces[-1] = r"\Bigl(" + pieces[0], pieces[-1] + r"\Bigr)" + time
    return equation_lines(left, [*pieces, after] if after else pieces)


def _written_out(root: sp.Matrix, page: Page) -> list[str] | None:
    """The noise of each letter, sum_k L_ik dW_k; None where it is not short."""
    columns = [k for k in range(root.cols) if any(e != 0 for e in root[:, k])]
    found: list[str] = []
    for i in range(root.rows):
        text = ""
        for number, k in enumerate(columns, 1):
            entry = root[i, k]
            if entry == 0:
                continue
            motion = rf"\mathrm{{d}}{page.letter('W')}" + (rf"_{{{number}}}" if len(columns) > 1 else "")
            shown = page.show(entry)
            if isinstance(entry, sp.Add):
                shown = rf"\left({shown}\right)"
            else:
                shown = {"1": "", "- 1": "- ", "-1": "- "}.get(shown, shown + r"\,")
            text += ("" if not text or shown.startswith("-") else " + ") + shown + motion
        found.append(text)
    short = not root.has(sp.Piecewise) and page.fits(found)
    return found if short else None


def _covariance_lines(covariance: sp.Matrix, page: Page) -> list[str]:
    """B B' = C as a matrix, or entry by entry where that is too wide."""
    root = page.letter("B")
    big = rf"{root}{root}^{{\top}}"
    if not any(e != 0 for e in covariance):
        return []
    entries = [[page.show(covariance[i, j]) for j in range(covariance.cols)] for i in range(covariance.rows)]
    matrix = r"\begin{pmatrix}" + r" \\ ".join(" & ".join(row) for row in entries) + r"\end{pmatrix}"
    if all(page.fits([big + " = " + "".join(row)]) for row in entries):
        return [f"{big} &= {matrix}"]
    lines: list[str] = []
    for i in range(covariance.rows):
        for j in range(i, covariance.cols):
            if covariance[i, j] != 0:
                lines += equation_lines(rf"({big})_{{{i + 1},{j + 1}}}", page.split(covariance[i, j]))
    return lines
