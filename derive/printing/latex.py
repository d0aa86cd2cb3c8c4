"""LaTeX of expressions, covariances and conditions in the notation of the paper, with macros of the user."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp

from sdescent.derive.equations.in_coordinates import gradient_symbols, hessian_symbols, state_symbols
from sdescent.derive.equations.sde import Equation
from sdescent.derive.expressions.coordinates import Coordinate, symbols_of, to_slot
from sdescent.derive.expressions.derivatives import coefficients
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.latex_printer import LETTERS, Printer, letter, symbol_latex, written_order
from sdescent.derive.methods.specialise import symbol_names
from sdescent.derive.printing.message_moments import CLIENT_SCALE, MESSAGE_MOMENTS, Named, by_second_moments, lettered
from sdescent.derive.printing.width import width
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.registry import KINDS, entries
from sdescent.derive.vocabulary.symbols import SHARED

#: the visible characters of mathematics on a line of an 11 pt page with margins of 24 mm
WEIGHT = 74
#: expressions with a power above this are not expanded
STEEP = 12
Measure = Callable[[str], float]


def covariance_latex(
    form: GradientForm,
    show: Callable[[sp.Expr], str],
    mean: str | None = None,
    weight: int | None = None,
    measure: Measure = width,
    macros: Mapping[str, str] | None = None,
) -> list[str]:
    """The lines of S_{ij} of a form: delta_ij times D_j, plus the low-rank part and the measured matrices.

    `mean` is the name of b_j, used if D_j is a short expression minus b_j^2 (1 - b_j^2 for signs). `show` typesets an
    expression, `measure` gives the width of a formula, `weight` that of a line (`split_sum`; None for one line), and
    `macros` has the user's commands for U, Gamma and measured matrices.
    """
    second = sp.expand(form.diag + form.mean**2)
    squared = mean and second.count_ops() < 6 < form.diag.count_ops()
    diag, square = (second, f" - {mean}^{{2}}") if squared else (form.diag, "")
    diag = sp.Add(*[_without_inner_fractions(term) for term in sp.Add.make_args(diag)])
    lines = [""]
    if diag != 0 or square:
        lines = split_sum(diag, show, weight, measure) if weight else [show(diag)]
        lines[-1] += square
        if isinstance(diag, sp.Add) or square:
            lines = bracketed(lines)
        lines[0] = r"\delta_{ij}" + ("" if lines == ["1"] else r"\," + lines[0])
    more = []
    if form.rank == 1 and form.core[0, 0] != 0:
        f = form.factors[0]
        scalar = {"1": "", "-1": "-"}.get(show(form.core[0, 0]), show(form.core[0, 0]) + r"\,")
        more.append(("" if scalar.startswith("-") else "+") + rf"{scalar}{show(to_slot(f, 'j', 'i'))}\,{show(f)}")
    elif form.rank > 1:
        u, core = letter("U", macros), letter("Gamma", macros)
        more.append(rf"+\left({u}\,{core}\,{u}^{{\top}}\right)_{{ij}}")
    for coefficient, leaf in form.dense:
        written = show(coefficient)
        written = rf"\left({written}\right)" if isinstance(coefficient, sp.Add) else written
        scalar = "" if coefficient == 1 else written + r"\,"
        more.append(rf"+{scalar}{letter(leaf.name, macros)}_{{ij}}")
    for piece in more:
        if weight and lines != [""] and measure(lines[-1] + piece) > weight:
            lines.append(piece)
        else:
            lines[-1] += piece
    lines[0] = lines[0].removeprefix("+") or "0"
    return lines


def split_sum(
    expr: sp.Expr, show: Callable[[sp.Expr], str], weight: int = WEIGHT, measure: Measure = width
) -> list[str]:
    """The lines of a sum, each of roughly `weight` visible characters; a short expression takes one line."""
    lines, line, size = [], "", 0
    for term in map(show, written_order(list(sp.Add.make_args(expr)))):
        visible = measure(term) + 2.2  # 2.2 for the sign between terms and its spaces
        glue = "" if not line and not lines else ("" if term.lstrip().startswith("-") else "+")
        if line and size + visible > weight:
            lines.append(line)
            line, size = "", 0
        line += glue + term
        size += visible
    return [*lines, line]


def unnested(expr: sp.Expr) -> sp.Expr:
    """An equal sum without fractions inside fractions; an expression that is long or has high powers is returned as it is."""

    def nested(e: sp.Basic) -> bool:
        return any(p.exp.is_negative and any(q.exp.is_negative for q in p.base.atoms(sp.Pow)) for p in e.atoms(sp.Pow))

    steep = any(abs(p.exp) > STEEP for p in expr.atoms(sp.Pow) if p.exp.is_number)
    if steep or expr.count_ops() > 300 or not nested(expr):
        return expr
    scalars = coefficients(sp.expand_mul(expr), lambda f: f in MESSAGE_MOMENTS or not f.is_rational_function())
    return sp.Add(*[sp.factor(scalar) * rest for rest, scalar in scalars.items()])


def _without_inner_fractions(term: sp.Expr) -> sp.Expr:
    """A term without sums of fractions next to a factor that cancels them: x + 2 for 5 (3 x/5 + 6/5)/3."""
    sums = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.Add)]
    below = {sp.fraction(a)[1] for f in sums for a in f.args} - {sp.S.One}
    if not below or term.count_ops() > 300:
        return term
    return sp.factor_terms(term if all(b.is_number for b in below) else sp.cancel(term))


def bracketed(pieces: Sequence[str], large: bool = False) -> list[str]:
    """The lines of a sum in brackets: TeX sizes the brackets of a single line; they are large for several lines or if `large`."""
    opening, closing = (r"\Bigl(", r"\Bigr)") if large or len(pieces) > 1 else (r"\left(", r"\right)")
    *before, last = [opening + pieces[0], *pieces[1:]]
    return [*before, last + closing]


def upper(matrix: sp.Matrix) -> dict[tuple[int, int], sp.Expr]:
    """The entries of a symmetric matrix on and above its diagonal, counted from 1."""
    return {(i + 1, j + 1): matrix[i, j] for i in range(matrix.rows) for j in range(i, matrix.cols)}


def equation_lines(left: str, pieces: list[str]) -> list[str]:
    """The equation left = pieces, with one line of an aligned environment for each piece."""
    return [rf"{left} &= {pieces[0]}", *(rf"&\quad {piece}" for piece in pieces[1:])]


def aligned(lines: list[str], conditions: Sequence[Any], macros: Mapping[str, str]) -> str:
    """An `aligned` environment, for display mathematics, with the conditions on its last line."""
    if conditions:
        lines = [*lines, r"&\text{if } " + ",\\ ".join(condition_latex(c, macros) for c in conditions)]
    return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"


def named_lines(entry: Named, macros: Mapping[str, str] | None = None, ratio: bool = True) -> list[str]:
    """The lines of b_j, S_jj and S_ij in the names r_j, a_j, c_j, with b_j/g_j if `ratio`, and the definitions of these names."""
    several = len(entry.scales) > 1
    scale = (macros or {}).get("sigma", r"\sigma") + ("^{(n)}" if several else "")
    b, g, big = (letter(n, macros) for n in ("b", "g", "S"))
    means = sp.Dummy("b_j"), sp.Dummy("b_i")
    names = {CLIENT_SCALE: scale, means[0]: f"{b}_{{j}}", means[1]: f"{b}_{{i}}"}
    covariances = entry.diagonal, entry.off_diagonal
    if not several:
        *covariances, rests = by_second_moments(entry, *means)
        names |= {rest: r"\sum_{k\ne i,j}" + Printer(macros).doprint(e) for rest, e in rests.items()}
    show = Printer(macros, names).doprint
    mean = rf"\frac{{1}}{{{len(entry.scales)}}}\sum_{{n}}" if several else ""
    factor = "" if entry.denominator == 1 else show(entry.denominator) + r"\,"
    lines, measure = [], measured(macros)
    limit = [(rf"{letter('Lambda', macros)}_{{jj}}\big|_{{{g}_j=0}}", entry.ratio_at_zero)] if ratio else []
    covariance = [(rf"{factor}{big}_{{{at}}}", value) for at, value in zip(("jj", "ij"), covariances, strict=True)]
    for left, value in [(f"{b}_{{j}}", entry.mean), *limit, *covariance]:
        pieces = split_sum(value, show, measure=measure)
        if several and isinstance(value, sp.Add):
            pieces = bracketed(pieces, large=True)
        pieces[0] = mean + pieces[0]
        lines += equation_lines(left, pieces)
    lines[-1] += r" \quad (i \neq j)"
    if several:
        lines += client_lines(entry.scales, scale, show, measure)
    elif lettered(entry.scales):
        lines.append(rf"&\text{{where ${scale}={show(entry.scales[0])}$ and}}")
    for name, value in entry.meanings.items():
        lines += equation_lines(show(name), split_sum(unnested(value), show, measure=measure))
    return lines


def client_lines(
    scales: Sequence[sp.Expr], scale: str, show: Callable[[sp.Expr], str], measure: Measure = width
) -> list[str]:
    """The lines that give the scale of client n, the n-th of a list; a long list takes lines of its own."""
    said = rf"&\text{{where for client $n$, whose scale ${scale}$ is the $n$-th of "
    rows = fill([show(e) for e in scales], WEIGHT, measure)
    if len(rows) == 1 and measure(said + rows[0]) < WEIGHT:
        return [rf"{said}${rows[0]}$:}}"]
    return [said.rstrip() + "}", *(rf"&\quad {row}" for row in rows)]


def fill(entries: Sequence[str], weight: float, measure: Measure = width) -> list[str]:
    """Formulas separated by commas, in lines of at most about `weight` characters."""
    rows, size = [""], 0.0
    for n, entry in enumerate(entries):
        comma = r",\ " if n < len(entries) - 1 else ""
        size += measure(entry + comma)
        if rows[-1] and size > weight:
            rows.append("")
            size = measure(entry + comma)
        rows[-1] += entry + comma
    return rows


def measured(macros: Mapping[str, str] | None) -> Measure:
    """A function that measures the width of formulas in which the user's commands stand for symbols."""
    sizes = {command: width(symbol_latex(n)) for n, command in (macros or {}).items() if not n.endswith("_j")}
    return lambda tex: width(tex, sizes)


def condition_latex(condition: Any, macros: Mapping[str, str] | None = None) -> str:
    """The inequality left > right, with its purpose if only the weak order needs it."""
    printer = Printer(macros)
    text = rf"{printer.doprint(condition.left)} > {printer.doprint(condition.right)}"
    if condition.of_order:
        text += rf"\ \text{{(for {condition.purpose}" + ("" if condition.met is None else "; not met") + ")}"
    return text


def accepted(equation: Equation, macros: Mapping[str, str] | None) -> dict[str, str]:
    """The commands, each under every name by which a printer looks it up.

    The accepted names are those of the equation's symbols and vectors, of the parameters of other methods (so that one
    table serves a whole paper), and of `LETTERS`. A vector or matrix v may also be called "v_j". Raises BadInput: any
    other name, which would have no effect; a command that is empty or not text.
    """
    dim = equation.dim or 0
    sides = [side for c in equation.conditions for side in (c.left, c.right)]
    written = symbols_of(equation.expressions) | symbols_of(sides)
    names = {s.base if isinstance(s, Coordinate) else s.name for s in written}
    names |= symbol_names(equation.method) | (set() if equation.loss is None else symbol_names(equation.loss))
    if equation.loss is not None and dim:
        names |= set(equation.loss.parameters(dim))
    named = [*state_symbols(dim), *gradient_symbols(dim), *(hessian_symbols(dim) if dim <= 16 else ())]
    if (dense := equation.method.noise.dense) is not None:
        names.add(dense.name)
    letters = () if equation.method.plain else equation.method.rule.letters
    return checked(macros, {n.removesuffix("_diag") for n in names} | {s.name for s in named} | set(letters))


def checked(macros: Mapping[str, str] | None, names: set[str]) -> dict[str, str]:
    """The commands as in `accepted`, for an equation whose symbols and vectors have these names."""
    commands = dict(macros or {})
    accepted_names = names | {*SHARED, *LETTERS, *LETTERS.values()}
    accepted_names |= {p.name for kind in KINDS for e in entries(kind).values() for p in e.parameters}
    for name, command in commands.items():
        if name not in accepted_names and name.removesuffix("_j") not in accepted_names:
            examples = ", ".join([*sorted(names)[:8], *LETTERS])
            some = f"a symbol or letter that equations are written in, such as {examples}"
            raise unknown_name("macros", name, sorted(accepted_names), some)
        if not isinstance(command, str) or not command.strip():
            raise BadInput(f"macros {name}", command, "a LaTeX command, as text")
    aliases = {inside: commands[name] for name, inside in LETTERS.items() if name in commands and name not in names}
    return aliases | commands
