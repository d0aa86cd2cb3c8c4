"""An SDE as LaTeX with everything written out: `SDE.latex(written_out=True)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp

from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.equations.sde import Equation
from sdescent.derive.expressions.latex_printer import Printer
from sdescent.derive.printing.latex import aligned, equation_lines
from sdescent.derive.printing.sde_latex import covariance_lines, drift_lines
from sdescent.derive.printing.sde_letters import Page


def written_out(equation: Equation, named: Callable[[], CoordinateSDE], macros: Mapping[str, str]) -> str | None:
    """Drift and covariance in full, with no letters in place of formulas, whatever their length; an `aligned` environment.

    In named coordinates where the equation has a dimension, with the gradient of the loss put in where there is one: the state is
    X_1, .., and an entry of the covariance that is 0 is left out. Else for the generic coordinate.

    Args:
        named: returns the equation in named coordinates; called only where it has a dimension.

    Returns:
        None where drift or covariance has no closed form.
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
        opening, closing = (r"\Bigl(", r"\Bigr)") if len(pieces) > 1 else (r"\left(", r"\right)")
        if len(pieces) > 1 or isinstance(drift, sp.Add):
            pieces[0] = opening + pieces[0]
            pieces[-1] += closing
        pieces[-1] += rf"\,\mathrm{{d}}{page.letter('t')} + {noise}"
        lines += equation_lines(left, pieces if drift != 0 else [noise])
    entries = {(i, j): named.covariance[i, j] for i in range(named.dim) for j in range(i, named.dim)}
    for (i, j), value in entries.items():
        if value != 0:
            lines += equation_lines(rf"({root}{root}^{{\top}})_{{{i + 1},{j + 1}}}", page.split(value, show))
    if any(value == 0 for value in entries.values()):
        some = r"\text{other entries }0" if any(value != 0 for value in entries.values()) else "0"
        lines.append(rf"({root}{root}^{{\top}})_{{i,k}} &= {some}" if some == "0" else rf"&{some}")
    return lines
