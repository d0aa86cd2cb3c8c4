"""The findings of an audit as a paragraph of LaTeX, for a referee's letter."""

import re
from collections.abc import Mapping, Sequence

import sympy as sp

from sdescent.derive.audit.counterexample import Example
from sdescent.derive.audit.differing_terms import Entry, Term
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.distributed import Method
from sdescent.derive.printing.sde_latex import Page

#: the largest number of characters of a formula in a paragraph; longer formulas appear only in the tables
LONGEST = 400
_ESCAPED = {"^": r"\^{}", "~": r"\~{}", "\\": ""} | {ch: "\\" + ch for ch in "_{}%&#"}


class Letter:
    """The writer of the paragraph on an audit; `macros` are the user's own commands for names of symbols."""

    def __init__(
        self, method: Method, order: int, test_functions: str, macros: Mapping[str, str] | None = None
    ) -> None:
        self.method, self.order, self.test_functions = method, order, test_functions
        self.page = Page(dict(macros or {}))

    def agrees(self, conditions: Sequence[Condition]) -> str:
        """The paragraph for a stated equation that agrees with the derived one under `conditions`."""
        needed = ", ".join(f"${self.page.show(c.left)}>{self.page.show(c.right)}$" for c in conditions)
        return (
            f"{self._rule()} the stated equation has weak order {self.order} on smooth test functions of {self.test_functions}"
            f"{f', provided that {needed}' if needed else ''}: "
            "its drift and covariance agree with those that follow from the moments of one step."
        )

    def refused(self, marked: str, kind: str) -> str:
        """The paragraph for a rule without an equation of this order; formulas in the reason stand between dollar signs."""
        return f"{self._rule()} there is no equation of weak order {self.order} ({kind}): {_typeset(marked)}."

    def undecided(self, marked: str) -> str:
        """The paragraph for a stated equation that could not be judged; formulas in the reason stand between dollar signs."""
        return f"{self._rule()} the stated equation could be neither confirmed nor refuted: {_typeset(marked)}."

    def differs(self, terms: tuple[Term, ...], holds: int, example: Example | None) -> str:
        """The paragraph for a stated equation with wrong terms."""
        sentences = [f"{self._rule()} the stated equation is not the one that follows from the moments of one step."]
        sentences += [self._term(term) for term in terms]
        on = f"on smooth test functions of {self.test_functions}"
        if holds == self.order:
            sentences.append(f"This does not affect weak order {holds} {on}, but it affects the fluctuations.")
        else:
            has = f"has weak order {holds} only" if holds else "does not have weak order 1"
            sentences.append(f"As stated, the equation {has} {on}; weak order {self.order} is claimed.")
        if example is not None:
            sentences.append(self._example(example))
        return "\n".join(sentences)

    def _rule(self) -> str:
        update = "; ".join(rf"\texttt{{{_plain(text)}}}" for text in self.method.rule.update)
        regime = self.method.regime
        rules = rf"\texttt{{{_plain(regime.text)}}}" if regime.substitutions else "all constants fixed"
        step, noise = self.page.show(regime.tau), self.method.noise
        draws = "no gradient noise"
        if not noise.law.degenerate:
            scales = ", ".join(f"${self.page.show(sp.sympify(s))}$" for s in noise.scales)
            count = self.method.clients
            on = "one client" if count == 1 else f"${self.page.show(count)}$ clients"
            draws = f"gradient noise {scales} times ${noise.law.latex()}$ on {on}"
        return f"For the update rule {update}, with {draws}, {rules} and the time ${step}$ of one step,"

    def _term(self, term: Term) -> str:
        entry, claimed, derived = self._entry(term.entry), self._formula(term.claimed), self._formula(term.derived)
        if term.kind == "missing":
            what = f"the term {derived} is missing"
        elif term.kind == "extra":
            what = f"the term {claimed} should not be there"
        elif term.kind == "factor" and term.factor is not None:
            what = f"the term {claimed} should be {derived}: it is off by the factor {self._formula(term.factor)}"
        else:
            what = f"{claimed} should be {derived}"
        remark = f" ({_plain(term.remark)})" if term.remark else ""
        return f"In the {entry} {what}; this matters at weak order {term.matters}{remark}."

    def _entry(self, entry: Entry) -> str:
        first, *rest = entry.letters
        if entry.drift:
            return f"drift of ${self.page.show(Coordinate(first))}$"
        one, two = Coordinate(first, "i" if entry.apart else "j"), Coordinate(rest[0])
        return f"covariance of ${self.page.show(one)}$ and ${self.page.show(two)}$"

    def _formula(self, e: sp.Expr) -> str:
        text = self.page.show(e)
        return f"${text}$" if len(text) <= LONGEST else "(a formula of several lines)"

    def _example(self, example: Example) -> str:
        symbols = {sp.Symbol(name, positive=True): value for name, value in example.constants.items()}
        constants = "".join(f", ${self.page.show(symbol)}={value}$" for symbol, value in symbols.items())
        state = ", ".join(
            f"${self.page.show(sp.Symbol(name if name == 't' else f'{name}{m + 1}', real=True))}={v}$"
            for name, values in example.state.items()
            for m, v in enumerate(values)
        )
        formula = sp.sympify(example.loss.replace("^", "**"))
        each = "" if example.dim == 1 else rf" in each of ${example.dim}$ coordinates"
        sides = f"${self.page.show(example.claimed)}$ as stated and ${self.page.show(example.derived)}$ as derived"
        where = f"the term in the {self._entry(example.term.entry)}"
        sentence = f"An example: for the loss ${sp.latex(formula)}${each}{constants}, at {state}, {where} is {sides}"
        rows = example.over_time or example.measured
        if not rows:
            return sentence + "."
        last, when = rows[0], "after the time 1" if example.over_time else "after one step"
        quantity = example.quantity_of(lambda name: f"${self.page.show(sp.Symbol(name, real=True))}$")
        what = f"the {quantity} {when} is {_number(last.exact)} (computed without sampling)"
        errors = f"the stated equation errs by {_number(last.claimed)}, the derived one by {_number(last.derived)}"
        return f"{sentence}. At $\\eta={sp.latex(last.eta)}$ {what}; {errors}."


def _number(value: float) -> str:
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return f"${mantissa}" + (rf"\cdot10^{{{int(exponent)}}}" if exponent else "") + "$"


def _typeset(marked: str) -> str:
    """Text in LaTeX, in which formulas stand between dollar signs."""
    return "".join(part if n % 2 else _plain(part) for n, part in enumerate(re.split(r"(\$[^$]*\$)", marked)))


def _plain(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return "".join(_ESCAPED.get(ch, ch) for ch in text)
