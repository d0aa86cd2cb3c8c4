"""The letters b_j, (H b)_j, Lambda_jj and (J H b)_j, in which an SDE is written, and their LaTeX."""

from collections.abc import Callable, Mapping, Sequence

import sympy as sp

from sdescent.derive.equations.sde import Equation, lam
from sdescent.derive.expressions.coordinates import hvp, nodes
from sdescent.derive.expressions.derivatives import gradient_derivative, jacobian_product
from sdescent.derive.expressions.latex_printer import Printer, letter
from sdescent.derive.printing.latex import measured, split_sum, unnested
from sdescent.derive.vocabulary.symbols import eta

#: the letters for quantities that are written out on separate lines
B, RATIO, HB, TRANSPORT = sp.symbols("z1 z2 z3 z4")  # names that SymPy sorts after other symbols
#: the largest number of characters of a line that fits on the page
FULL = 77
#: a drift and the LaTeX of its letters
Drift = tuple[sp.Expr, Mapping[sp.Expr, str]]


class Page:
    """The typesetting of a page: the user's macros, the letters of vectors, and the length of a line."""

    def __init__(self, macros: dict[str, str]) -> None:
        self.macros = macros
        self.show = Printer(macros).doprint
        self.measure = measured(macros)
        self.client = macros.get("sigma", r"\sigma") + "^{(n)}"

    def letter(self, name: str) -> str:
        return letter(name, self.macros)

    def fits(self, lines: Sequence[str]) -> bool:
        return all(self.measure(line) <= FULL for line in lines)

    def split(self, expr: sp.Expr, show: Callable[[sp.Expr], str] | None = None) -> list[str]:
        """The lines of a sum."""
        return split_sum(expr, self.show if show is None else show, measure=self.measure)


def letter_names(page: Page) -> dict[sp.Expr, str]:
    b, hessian, ratio, jacobian = (page.letter(name) for name in ("b", "H", "Lambda", "J"))
    transport = f"({jacobian}{hessian}{b})_{{j}}"
    return {B: f"{b}_{{j}}", HB: f"({hessian}{b})_{{j}}", RATIO: f"{ratio}_{{jj}}", TRANSPORT: transport}


def drift_in_letters(equation: Equation) -> sp.Expr:
    """The drift of a model in the letters for b_j, (H b)_j, Lambda_jj and (J H b)_j, for a schedule that is free of x."""
    h, change = equation.method.schedule.factor, equation.method.schedule.time_derivative
    extra = {
        "first-order": sp.S.Zero,
        "second-order": -eta / 2 * (h**2 * TRANSPORT - change * B),
        "corrected": eta * h**2 / 2 * RATIO * HB,
    }
    return -h * B + extra[equation.model]


def in_letters(equation: Equation, mean: sp.Expr) -> sp.Expr | None:
    """The result of `drift_in_letters`, or None if the drift does not have this form.

    If h does not depend on x, the Jacobian of h b times H h b is h^2 J H b.
    """
    letters = drift_in_letters(equation)
    meaning = {
        B: lambda: mean,
        HB: lambda: hvp(mean),
        RATIO: lambda: lam(mean),
        TRANSPORT: lambda: jacobian_product(mean, mean),
    }
    written = letters.xreplace({letter: says() for letter, says in meaning.items() if letters.has(letter)})
    return letters if equation.drift == written else None


def helper_lines(
    drift: sp.Expr, page: Page, mean: sp.Expr | None = None, show: Callable[[sp.Expr], str] | None = None
) -> list[str]:
    """The lines that define Lambda and J in a drift; for a known mean also Lambda_jj at g_j = 0 and the entries of J."""
    setter = page.show if show is None else show
    b, gradient, ratio = f"{page.letter('b')}_{{j}}", page.letter("g"), page.letter("Lambda")
    lines = []
    if drift.has(RATIO):
        lines.append(rf"{ratio}_{{jj}} &= {b}/{gradient}_j")
        if mean is None:
            lines[-1] += rf"\quad\text{{(where ${gradient}_j=0$, its limit)}}"
        elif isinstance(value := lam(mean), sp.Piecewise):
            lines[-1] += rf",\quad {ratio}_{{jj}}\big|_{{{gradient}_j=0}} = {setter(value.args[-1].args[0])}"
    if drift.has(TRANSPORT):
        lines.append(rf"{page.letter('J')}_{{jk}} &= \partial {b}/\partial {gradient}_{{k}}")
        if mean is not None and not nodes(mean):
            pieces = page.split(unnested(gradient_derivative(mean)), setter)
            entry = r" \quad (j = k),\quad 0 \text{ else}"
            pieces[-1:] = [pieces[-1] + entry] if page.fits([pieces[-1] + entry]) else [pieces[-1], entry]
            lines += ["&= " + pieces[0], *(rf"&\quad {piece}" for piece in pieces[1:])]
    return lines
