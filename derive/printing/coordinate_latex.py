"""LaTeX of an SDE in named coordinates, and of the SDE of an update rule at the generic coordinate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.equations.rule_drift_and_covariance import derived_rule, zero
from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.sde import Equation
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.expressions.coordinates import Coordinate, Node
from sdescent.derive.expressions.latex_printer import Printer
from sdescent.derive.methods.schedules import Free
from sdescent.derive.printing.latex import aligned, bracketed, equation_lines, upper
from sdescent.derive.printing.sde_latex import Page, covariance_lines, drift_lines, message_lines
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import du, t, u


def in_letter_u(rule: RuleEquation) -> tuple[RuleEquation, dict[sp.Symbol, sp.Expr]]:
    """The equation in u and du, and the meaning of each letter that occurs: the schedule u(t) and its derivative.

    The equation is derived again with a free schedule. The result is the original equation and {} if the schedule is not a
    function of time alone, if the two equations cannot be shown to agree, or if the letters make nothing shorter.
    """
    schedule = rule.method.schedule
    if t not in schedule.factor.free_symbols or schedule.factor.atoms(Coordinate, Node):
        return rule, {}
    meaning = {u: schedule.factor, du: schedule.time_derivative}
    try:
        free = derived_rule(replace(rule.method, schedule=Free()), rule.model, rule.loss, rule.dim)
        old, short = _terms(rule), _terms(free)
        same = old.keys() == short.keys() and all(zero(e.xreplace(meaning) - old[place]) for place, e in short.items())
    except (ArithmeticError, NoClosedForm, Refusal):
        return rule, {}
    used = {s: e for s, e in meaning.items() if any(part.has(s) for part in short.values())}
    shorter = sum(map(sp.count_ops, [*short.values(), *used.values()])) < sum(map(sp.count_ops, old.values()))
    return (free, used) if same and shorter else (rule, {})


def _terms(rule: RuleEquation) -> dict[object, sp.Expr]:
    """The printed expressions of an equation, by their places."""
    tables = {"covariance": rule.covariance, "pair": rule.pair}
    covariances = {(name, pair): e for name, table in tables.items() for pair, e in table.items()}
    left_out = {("left out", left.where): left.term for left in rule.left_out if left.term is not None}
    return {**rule.drift, **covariances, **left_out, **({} if rule.shift is None else {"shift": rule.shift})}


def rule_latex(rule: RuleEquation, macros: Mapping[str, str] | None = None) -> str:
    r"""The equation dx_j = .. dt + (B dW)_{x_j} of each letter, and the nonzero entries of the covariance B B'.

    A schedule is called u and defined once if this is shorter. The result is an `aligned` environment, for display mathematics.
    """
    rule, meaning = in_letter_u(rule)
    page = Page(dict(macros or {}))
    w, root, time = (page.letter(name) for name in ("W", "B", "t"))
    matrix = rf"({root}{root}^\top)"
    noisy = {a for pair, e in rule.covariance.items() if e != 0 for a in pair}
    lines: list[str] = []
    for a in rule.letters:
        state = page.show(Coordinate(a))
        noise = rf"+ ({root}\,\mathrm{{d}}{w})_{{{state}}}" if a in noisy else ""
        pieces = page.split(rule.drift[a])
        # TeX sizes brackets on one line; over several lines they have the height of fractions or of letters
        size = "Big" if any(r"\frac" in piece for piece in pieces) else "big"
        opening, closing = (rf"\{size}l(", rf"\{size}r)\,") if len(pieces) > 1 else (r"\left(", r"\right)")
        pieces[0] = opening + pieces[0]
        pieces[-1] += rf"{closing}\mathrm{{d}}{time}"
        lines += equation_lines(rf"\mathrm{{d}}{state}", [*pieces, noise] if noise else pieces)
    entries = [(pair, "j", e) for pair, e in rule.covariance.items()]
    entries += [(pair, "i", e) for pair, e in rule.pair.items()]
    for (a, b), slot, e in entries:
        if e != 0:
            left, right = page.show(Coordinate(a, slot)), page.show(Coordinate(b))
            lines += equation_lines(rf"{matrix}_{{{left}{right}}}", page.split(e))
    if u in meaning:
        derivative = rf",\quad {page.show(du)} = {page.show(meaning[du])}" if du in meaning else ""
        lines.append(f"{page.show(u)} &= {page.show(meaning[u])}{derivative}")
    if (leaf := rule.message) is not None and leaf.moments.conditional is not None:
        letters = page.letter(leaf.mean.base), page.letter(leaf.covariance.name)
        lines += message_lines(leaf.moments.conditional, leaf.moments.mean, letters, page)
    lines += [rf"&\text{{where }} {page.show(near.quantity)} \ll 1" for near in rule.ranges]
    return aligned(lines, rule.conditions, page.macros)


def stated_latex(
    equation: CoordinateSDE, conditions: Sequence[Condition] = (), macros: Mapping[str, str] | None = None
) -> str:
    r"""An `aligned` environment with a line for each letter of the state, with the root of the covariance if short, else
    B B' = C below.
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
    return noises if not root.has(sp.Piecewise) and page.fits(noises) else None


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
    """Drift and covariance in full, at any length, as an `aligned` environment; None if one of them has no closed form.

    If the equation has a dimension, it is written in the named coordinates X_1, .. of `named`, with the gradient of the
    loss substituted if there is a loss; covariances that are 0 are left out. Otherwise it is written for the generic
    coordinate.
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
