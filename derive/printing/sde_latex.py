"""LaTeX of an SDE, `SDE.latex()`, and the letters b_j, (H b)_j, Lambda_jj and (J H b)_j in which it is written."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace

import sympy as sp

from sdescent.derive.equations.sde import MODELS, Equation, lam
from sdescent.derive.equations.step.covariance import Conditional, moments
from sdescent.derive.expressions.coordinates import g, hvp, nodes
from sdescent.derive.expressions.derivatives import gradient_derivative, jacobian_product
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.latex_printer import Printer, letter
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Law, Scaled
from sdescent.derive.methods.noise.law import Cdf, OpenLaw, SignedMoment
from sdescent.derive.methods.schedules import Free
from sdescent.derive.printing import latex
from sdescent.derive.printing.message_moments import CLIENT_SCALE, lettered, named
from sdescent.derive.vocabulary.symbols import du, eta, parameter, t, u

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
        self.show, self.measure = Printer(macros).doprint, latex.measured(macros)
        self.client = macros.get("sigma", r"\sigma") + "^{(n)}"

    def letter(self, name: str) -> str:
        return letter(name, self.macros)

    def fits(self, lines: Sequence[str]) -> bool:
        return all(self.measure(line) <= FULL for line in lines)

    def split(self, expr: sp.Expr, show: Callable[[sp.Expr], str] | None = None) -> list[str]:
        """The lines of a sum."""
        return latex.split_sum(expr, self.show if show is None else show, measure=self.measure)


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
    """The result of `drift_in_letters`, or None if the drift does not have this form, in which h does not depend on x."""
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
            pieces = page.split(latex.unnested(gradient_derivative(mean)), setter)
            entry = r" \quad (j = k),\quad 0 \text{ else}"
            pieces[-1:] = [pieces[-1] + entry] if page.fits([pieces[-1] + entry]) else [pieces[-1], entry]
            lines += ["&= " + pieces[0], *(rf"&\quad {piece}" for piece in pieces[1:])]
    return lines


#: formulas are shortened if their distribution functions have more than STEEP operations, or if there are more than MANY scales
STEEP, MANY = 120, 8
#: two expressions with fewer operations in all are multiplied out to be compared
SHORT = 400
#: functions that contain larger numbers than this are shortened too
LARGEST_NUMBER = 10**12


def sde_latex(equation: Equation, macros: Mapping[str, str] | None = None) -> str:
    r"""An `aligned` environment for the generic coordinate: drift, diffusion with B B' = S, the covariance S_ij, and conditions.

    If no closed form exists, b and S are expectations of the moments given the client's message.
    """
    page = Page(dict(macros or {}))
    in_u = _with_letter_u(equation)
    if in_u.form is None:
        assert in_u.conditional is not None  # for the type checker: one of the two is complete
        drift, step = _given_message(in_u, in_u.conditional, page)
    else:
        drift, step = _closed(in_u, in_u.form, page)
    lines = drift_lines(in_u, drift, page) + _schedule_lines(equation, in_u, page) + step
    return latex.aligned(lines, equation.conditions, page.macros)


def _with_letter_u(equation: Equation) -> Equation:
    """The equation with u for a schedule in t and du for its derivative, if the drift can be written in this way."""
    method, mean = equation.method, equation.moments.mean
    if not method.schedule.factor.free_symbols & {t}:
        return equation
    free = replace(method, schedule=Free())
    if mean is None:
        return replace(equation, method=free)
    drift = MODELS[equation.model](mean, free)
    if equation.dim is not None:
        drift = drift.xreplace({parameter("d"): sp.Integer(equation.dim)})
    same = {u: method.schedule.factor, du: method.schedule.time_derivative}
    return replace(equation, method=free, drift=drift) if _equal(drift.xreplace(same), equation.drift) else equation


def _equal(a: sp.Expr, b: sp.Expr | None) -> bool:
    """Whether two expressions are the same or, if short, their difference cancels term by term (for a schedule that is a sum)."""
    return a == b or (b is not None and a.count_ops() + b.count_ops() < SHORT and sp.expand(a - b) == 0)


def _schedule_lines(equation: Equation, in_u: Equation, page: Page) -> list[str]:
    """The lines that define u and du, if they stand for a schedule."""
    if in_u.method is equation.method:
        return []
    schedule, drift = equation.method.schedule, in_u.drift
    line = f"{page.show(u)} &= {page.show(schedule.factor)}"
    if equation.model == "second-order" and (drift is None or drift.has(du)):
        line += rf",\quad {page.show(du)} = {page.show(schedule.time_derivative)}"
    return [line]


def drift_lines(equation: Equation, drift: Drift, page: Page) -> list[str]:
    """The lines of dX_j = drift dt + noise."""
    expr, names = drift
    show = Printer(page.macros, names).doprint
    factor = equation.method.schedule.factor
    root = rf"\sqrt{{{page.show(eta / equation.method.clients)}}}"
    written = page.show(factor)
    scale = "" if factor == 1 else rf"\,\left({written}\right)" if isinstance(factor, sp.Add) else rf"\,{written}"
    x, w, b, time = (page.letter(name) for name in ("X", "W", "B", "t"))
    noise = rf"{root}{scale}\,({b}\,\mathrm{{d}}{w})_j,\quad {b}{b}^{{\top}}={page.letter('S')}"
    body = rf"\left({show(expr)}\right)" if isinstance(expr, sp.Add) else rf"{show(expr)}\,"
    line = rf"\mathrm{{d}}{x}_j &= {body}\mathrm{{d}}{time} + {noise}"
    if page.fits([line]):
        return [line]
    pieces = latex.bracketed(page.split(sp.expand_mul(expr), show), large=True)
    pieces[-1] += rf"\mathrm{{d}}{time}"
    return latex.equation_lines(rf"\mathrm{{d}}{x}_j", [*pieces, f"+ {noise}"])


def _given_message(equation: Equation, conditional: Conditional, page: Page) -> tuple[Drift, list[str]]:
    """The drift, and the lines for b and S as expectations over the noise of the moments m and V given the message v."""
    drift: Drift = (drift_in_letters(equation), letter_names(page)) if equation.drift is None else (equation.drift, {})
    letters = page.letter("b"), page.letter("S")
    return drift, helper_lines(drift[0], page) + message_lines(conditional, equation.moments.mean, letters, page)


def message_lines(
    conditional: Conditional, known_mean: sp.Expr | None, letters: tuple[str, str], page: Page
) -> list[str]:
    """The lines for mean and covariance of a message, under the given letters, as expectations over the noise."""
    b, big = letters
    v, z, m, cov, gradient = (page.letter(n) for n in ("v", "noise", "messagemean", "messagecov", "g"))
    several, unbiased = len(conditional.scales) > 1, known_mean is not None
    fixed = conditional.given_v.diag == 0 and not conditional.given_v.factors
    at = "^{(n)}" if several else ""
    average = rf"\frac{{1}}{{{len(conditional.scales)}}}\sum_{{n}}" if several else ""
    spread = rf"\operatorname{{Cov}}[{z}{at}]" if unbiased else rf"\operatorname{{Cov}}[{m}({v}{at})]"
    inner = spread if fixed else rf"\mathbb{{E}}[{cov}({v}{at})] + {spread}"
    inner = rf"\Bigl({inner}\Bigr)" if several and not fixed else inner
    mean = rf"{average}\mathbb{{E}}[{m}({v}{at})]"
    if known_mean is not None:
        mean = gradient if known_mean == g else page.show(known_mean)
    parts = [f"{b} = {mean}", f"{big} = {average}{inner}", f"{v}{at} = {gradient} + {z}{at}"]
    lines = [r",\quad ".join(parts)] if page.fits([r",\quad ".join(parts)]) else parts
    if not unbiased:
        value = page.show(conditional.given_v.mean)
        lines.append(rf"{m}_j({v}) = \mathbb{{E}}[{page.letter('C')}_j\mid {v}] = {value}")
    if not fixed:
        left, value = rf"{cov}_{{ij}}({v})", _covariance(conditional.given_v, page.show, page)
        whole = rf"{left} = \operatorname{{Cov}}({page.letter('C')}\mid {v})_{{ij}} = {value[0]}"
        lines += [whole] if page.fits([whole]) else [whole.removesuffix(f" = {value[0]}"), rf"&\quad = {value[0]}"]
        lines += [rf"&\quad {piece}" for piece in value[1:]]
    return [line if "&" in line.partition(r"\begin")[0] else line.replace("=", "&=", 1) for line in lines]


def _closed(equation: Equation, form: GradientForm, page: Page) -> tuple[Drift, list[str]]:
    """The drift and the lines for b_j and S_ij: written out, for one client, or with names for the functions of the law."""
    noise = equation.method.noise
    letters = None if equation.drift is None else in_letters(equation, form.mean)
    can_shorten = letters is not None and noise.dense is None and not noise.law.degenerate and noise.law.symmetric
    tail = sp.S.Zero if noise.law.degenerate else noise.law.sign_mean(parameter("y"))
    size = tail.count_ops()
    steep = size > STEEP or any(max(abs(n.p), n.q) > LARGEST_NUMBER for n in tail.atoms(sp.Rational))
    # every function of the law contains a root
    nested = form.mean != g and form.rank <= 1 and not noise.scales[0].is_Atom
    written = None
    if not (can_shorten and (nested or steep or size * len(noise.scales) > STEEP or len(noise.scales) > MANY)):
        written = _written_out(equation, form, page, letters)
        if page.fits(written[1]) or not can_shorten:
            return written
    for law in (noise.law, OpenLaw(noise.law))[steep:]:
        shortened = _shortened(equation, law, page)
        written = shortened or written
        if shortened is not None and page.fits(shortened[1]):
            break
    return written or _written_out(equation, form, page, letters)


def _written_out(
    equation: Equation, form: GradientForm, page: Page, letters: sp.Expr | None
) -> tuple[Drift, list[str]]:
    """The drift and the lines for b_j and S_ij in full; in the names r, a, c if the message mixes coordinates."""
    mean, b = form.mean, f"{page.letter('b')}_{{j}}"
    short = named(equation.method, equation.dim) if form.rank > 1 else None
    brief = short is None and equation.model == "first-order" and mean.count_ops() <= 6
    if mean == g or brief or equation.drift is None:
        return (sp.S.Zero if equation.drift is None else equation.drift, {}), covariance_lines(form, page, None)
    lines = latex.equation_lines(b, page.split(latex.unnested(mean))) if short is None else []
    names = letter_names(page) | {mean: b, hvp(mean): letter_names(page)[HB]}
    drift = equation.drift if letters is None else letters
    if letters is not None:
        lines += helper_lines(letters, page, None if short is not None else mean)
    if short is not None:
        return (drift, names), lines + latex.named_lines(short, page.macros, equation.model == "corrected")
    return (drift, names), lines + covariance_lines(form, page, b)


def _shortened(equation: Equation, law: Law, page: Page) -> tuple[Drift, list[str]] | None:
    """The drift and the lines for b_j and S_ij by one client with a lettered scale; None if `law` gives no closed form for them."""
    method, scales = equation.method, equation.method.noise.scales
    several, single = len(scales) > 1, scales[0]
    if equation.form is not None and equation.form.rank > 1:
        short = named(Method(method.compressor, Scaled(law, scales), method.clients), equation.dim)
        if short is None:
            return None
        letters = drift_in_letters(equation)
        lines = helper_lines(letters, page) + latex.named_lines(short, page.macros, equation.model == "corrected")
        return (letters, letter_names(page)), lines + _law_lines(law, list(short.meanings.values()), page)
    scale = CLIENT_SCALE if lettered(scales) else single
    form = moments(Method(method.compressor, Scaled(law, scale), method.clients), equation.dim).form
    if form is None:
        return None
    client = page.client if several else page.macros.get("sigma", r"\sigma")
    show = Printer(page.macros, {CLIENT_SCALE: client}).doprint
    at = "^{(n)}" if several else ""
    b, big = (page.letter(n) for n in ("b", "S"))
    letters = equation.drift if form.mean == g else drift_in_letters(equation)
    lines = helper_lines(letters, page, None if several else form.mean, show) if form.mean != g else []
    if several:
        average = rf"\frac{{1}}{{{len(scales)}}}\sum_{{n}}"
        mean = "" if form.mean == g else rf"{b}_j = {average}{b}^{{(n)}}_j,\quad "
        lines.append(f"{mean}{big}_{{ij}} = {average}{big}^{{(n)}}_{{ij}}".replace(" = ", " &= ", 1))
        lines += latex.client_lines(scales, client, page.show, page.measure)
    elif lettered(scales):
        lines.append(f"{client} &= {page.show(single)}")
    if form.mean != g:
        lines += latex.equation_lines(f"{b}{at}_{{j}}", page.split(latex.unnested(form.mean), show))
    own_mean = None if form.mean == g else f"{b}{at}_{{j}}"
    names = {CLIENT_SCALE: client} | ({} if own_mean is None else {form.mean: own_mean})
    squared = f"({own_mean})" if own_mean and several else own_mean
    covariance = _covariance(form, Printer(page.macros, names).doprint, page, squared)
    lines += latex.equation_lines(f"{big}{at}_{{ij}}", covariance)
    return (letters, letter_names(page)), lines + _law_lines(law, list(form.expressions), page)


def _law_lines(law: Law, exprs: Sequence[sp.Expr], page: Page) -> list[str]:
    """The lines that define F, F' and R_m, if they occur in the formulas."""
    if not isinstance(law, OpenLaw):
        return []
    zeta, cdf, moment = (page.letter(name) for name in ("unitnoise", "F", "R"))
    name = _law_latex(law.closed, page.macros)
    said = []
    if any(e.has(Cdf) for e in exprs):
        said.append(f"${cdf}$ is the distribution function of ${name}$ and ${cdf}'$ its density")
    if any(e.has(SignedMoment) for e in exprs):
        mean = rf"\mathbb{{E}}[{zeta}^m\operatorname{{sign}}({page.show(sp.Symbol('y'))}+{zeta})]"
        said.append(rf"${moment}_m({page.show(sp.Symbol('y'))})={mean}$ for ${zeta}\sim {name}$")
    return [rf"&\text{{where {text}}}" for text in said]


def _law_latex(law: Law, macros: Mapping[str, str]) -> str:
    """The law's LaTeX name with the user's commands in place of its parameters."""
    renamed = copy(law)
    for name, value in vars(law).items():
        if isinstance(value, sp.Expr):
            put = {s: sp.Symbol(macros[s.name]) for s in value.free_symbols if s.name in macros}  # pyright: ignore[reportAttributeAccessIssue]
            object.__setattr__(renamed, name, value.xreplace(put))
    return renamed.latex()


def _covariance(form: GradientForm, show: Callable[[sp.Expr], str], page: Page, mean: str | None = None) -> list[str]:
    return latex.covariance_latex(form, show, mean, latex.WEIGHT, page.measure, page.macros)


def covariance_lines(form: GradientForm, page: Page, mean: str | None) -> list[str]:
    """The lines of S for an aligned environment, with U and Gamma if it has several factors."""
    u, core = page.letter("U"), page.letter("Gamma")
    lines = latex.equation_lines(f"{page.letter('S')}_{{ij}}", _covariance(form, page.show, page, mean))
    if form.rank > 1:
        entries = [(rf"{core}_{{{m},{n}}}", e) for (m, n), e in latex.upper(form.core).items() if e != 0]
        for left, value in [(rf"{u}_{{j,{n + 1}}}", f) for n, f in enumerate(form.factors)] + entries:
            lines += latex.equation_lines(left, page.split(sp.expand(value)))
        lines.append(rf"{core} &= {core}^{{\top}}\text{{, other entries }}0")
    return lines
