"""LaTeX of an SDE in named coordinates: `StateSDE.latex()`, and `SDE.latex(written_out=True)`."""

from collections.abc import Callable, Mapping, Sequence

import sympy as sp

from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.equations.sde import Equation
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.expressions.latex_printer import Printer
from sdescent.derive.printing.latex import aligned, bracketed, equation_lines, upper
from sdescent.derive.printing.sde_latex import covariance_lines, drift_lines
from sdescent.derive.printing.sde_letters import Page


def stated_latex(
    equation: CoordinateSDE, conditions: Sequence[Condition] = (), macros: Mapping[str, str] | None = None
) -> str:
    r"""The equation with a line for each letter of the state, with the root of the covariance if it is short, else B B' = C below.

    The result is an `aligned` environment, for display mathematics.
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
    """The equation left = drift dt + noise, over several lines if it is long."""
    after = (noise if noise.startswith("-") else f"+ {noise}") if noise else ""
    if drift == 0:
        return [rf"{left} &= {noise or 0}"]
    formula = page.show(drift)
    body = rf"\left({formula}\right)" if isinstance(drift, sp.Add) else rf"{formula}\,"
    time = rf"\mathrm{{d}}{page.letter('t')}"
    body = time if drift == 1 else f"-{time}" if drift == -1 else body + time
    line = rf"{left} &= {body} {after}".rstrip()
    if page.fits([line]):
        return [line]
    pieces = bracketed(page.split(drift), large=True)
    pieces[-1] += time
    return equation_lines(left, [*pieces, after] if after else pieces)


def _written_out(root: sp.Matrix, page: Page) -> list[str] | None:
    """The noise of each letter, sum_k L_ik dW_k; None if it is long or has cases."""
    columns = [k for k in range(root.cols) if any(e != 0 for e in root[:, k])]
    noises: list[str] = []
    for i in range(root.rows):
        text = ""
        for number, k in enumerate(columns, 1):
            entry = root[i, k]
            if entry == 0:
                continue
            motion = rf"\mathrm{{d}}{page.letter('W')}" + (rf"_{{{number}}}" if len(columns) > 1 else "")
            formula = page.show(entry)
            if isinstance(entry, sp.Add):
                formula = rf"\left({formula}\right)"
            else:
                formula = {"1": "", "- 1": "- ", "-1": "- "}.get(formula, formula + r"\,")
            text += ("" if not text or formula.startswith("-") else " + ") + formula + motion
        noises.append(text)
    short = not root.has(sp.Piecewise) and page.fits(noises)
    return noises if short else None


def _covariance_lines(covariance: sp.Matrix, page: Page) -> list[str]:
    """The lines of B B' = C: a matrix, or entry by entry if the matrix is too wide."""
    root = page.letter("B")
    big = rf"{root}{root}^{{\top}}"
    if not any(e != 0 for e in covariance):
        return []
    entries = [[page.show(covariance[i, j]) for j in range(covariance.cols)] for i in range(covariance.rows)]
    matrix = r"\begin{pmatrix}" + r" \\ ".join(" & ".join(row) for row in entries) + r"\end{pmatrix}"
    if all(page.fits([big + " = " + "".join(row)]) for row in entries):
        return [f"{big} &= {matrix}"]
    return _entry_lines(big, covariance, page.split)


def _entry_lines(big: str, covariance: sp.Matrix, split: Callable[[sp.Expr], list[str]]) -> list[str]:
    """The lines of the nonzero entries, one entry after the other."""
    entries = [(f"({big})_{{{i},{j}}}", e) for (i, j), e in upper(covariance).items() if e != 0]
    return [line for left, e in entries for line in equation_lines(left, split(e))]


def written_latex(equation: Equation, named: Callable[[], CoordinateSDE], macros: Mapping[str, str]) -> str | None:
    """Drift and covariance in full, at any length, without letters in place of formulas; an `aligned` environment.

    If the equation has a dimension, it is written in named coordinates X_1, .., with the gradient of the loss substituted if there
    is a loss; covariances that are 0 are left out. Otherwise it is written for the generic coordinate.

    Args:
        named: returns the equation in named coordinates; called only if the equation has a dimension.

    Returns:
        The LaTeX, or None if drift or covariance has no closed form.
    """
    page, form = Page(dict(macros)), equation.form
    if form is None or equation.drift is None:
        return None
    if equation.dim is None:
        lines = drift_lines(equation, (equation.drift, {}), page) + covariance_lines(form, page, None)
    else:
        lines = _coordinates(named(), page)
    return aligned(lines, equation.conditions, page.macros)


def _coordinates(named: CoordinateSDE, page: Page) -> list[str]:
    x, w, root = (page.letter(name) for name in ("X", "W", "L"))
    state = {s: f"{x}_{{{i + 1}}}" for i, s in enumerate(named.state) if s.name not in page.macros}
    show = Printer(page.macros, state).doprint
    lines = []
    for i, drift in enumerate(named.drift):
        noise = rf"({root}\,\mathrm{{d}}{w})_{{{i + 1}}}"
        left = rf"\mathrm{{d}}{state.get(named.state[i]) or page.macros[named.state[i].name]}"
        pieces = page.split(drift, show)
        if isinstance(drift, sp.Add):
            pieces = bracketed(pieces)
        pieces[-1] += rf"\,\mathrm{{d}}{page.letter('t')} + {noise}"
        lines += equation_lines(left, pieces if drift != 0 else [noise])
    big, entries = rf"{root}{root}^{{\top}}", upper(named.covariance)
    lines += _entry_lines(big, named.covariance, lambda e: page.split(e, show))
    if all(value == 0 for value in entries.values()):
        return [*lines, rf"({big})_{{i,k}} &= 0"]
    return [*lines, r"&\text{other entries }0"] if any(value == 0 for value in entries.values()) else lines
