"""LaTeX of the SDE of an update rule, at the generic coordinate: `RuleSDE.latex()`."""

from collections.abc import Mapping

from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.printing.latex import aligned, equation_lines
from sdescent.derive.printing.scheduled import in_letter_u
from sdescent.derive.printing.sde_latex import message_lines
from sdescent.derive.printing.sde_letters import Page
from sdescent.derive.vocabulary.symbols import du, u


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
    entries = [(pair, "j", e) for pair, e in rule.covariance.items()] + [
        (pair, "i", e) for pair, e in rule.pair.items()
    ]
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
