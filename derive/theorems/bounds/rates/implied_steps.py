"""The bound on a step behind a claim at the horizon, read off the claim."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain

import sympy as sp

from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term
from sdescent.derive.theorems.bounds.answer import QUICK, decide
from sdescent.derive.theorems.bounds.kernel_context import term_text
from sdescent.derive.theorems.bounds.language.formulas import symbolic, written
from sdescent.derive.theorems.bounds.refuting import refuted_at_the_end
from sdescent.derive.theorems.bounds.stated import IN_PROBABILITY, Stated
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.verdicts import Verdict


def with_step(stated: Stated, offered: Iterable[str], stop: float) -> Stated:
    """A theorem about the horizon with a bound on a step that implies its claim; unchanged if no bound does.

    Args:
        offered: bounds to try after the one read off the claim.
        stop: when to give up, by `sdescent.derive.proof.language.clock.now`.
    """
    # weights that grow with n use up what V loses
    implied = "change <= 0" if stated.setting.timed else implied_step(stated)
    steps = chain([] if implied is None else [implied], offered)
    tried: list[Stated] = []

    def candidates() -> Iterator[Stated]:  # offers cost seconds, so they are asked for one by one
        for step in steps:
            with suppress(BadInput, Refusal):  # a sum of something that no file can name
                tried.append(Stated({**stated.table, "step": step}))
                yield tried[-1]

    def first_proved(among: Iterable[Stated], seconds: float) -> Stated | None:
        for other in among:
            if now() > stop:
                return stated
            if decide(other, max(1.0, seconds), repair=False, horizon=False).status == Verdict.PROVED:
                return other
        return None

    if (quick := first_proved(candidates(), QUICK)) is not None:
        return quick
    in_mean = stated.conclude not in IN_PROBABILITY
    if in_mean and refuted_at_the_end(stated.setting, stated.claim, QUICK) is not None:
        return stated
    return first_proved(tried, (stop - now()) / 4) or stated


def implied_step(stated: Stated) -> str | None:
    """The bound on a step of which the claim is the usual consequence; None for a claim of another form.

    | claim | bound on a step |
    |---|---|
    | E V_K <= (1 - k)^K V_0 + c, or e^(-k K) V_0 + c | change <= -k V + k c |
    | a Esum(M) <= b V_0 + K c | change <= -(a/b) M + c/b |
    """
    try:
        return _Claim(stated).step()
    except (ProofError, ArithmeticError):
        return None


class _Claim:
    """A claim at the horizon as an expression: means of the end are the values there, and sums and powers are symbols."""

    def __init__(self, stated: Stated) -> None:
        self.stated, self.setting = stated, stated.setting
        self.horizon = sp.Symbol(self.setting.horizon[1])
        self.sums: dict[sp.Dummy, Term] = {}
        self.powers: dict[sp.Dummy, sp.Expr] = {}
        self.slack = sp.expand(self.read(stated.claim.right) - self.read(stated.claim.left))
        v = stated.weighted
        self.start, self.end = (sp.expand(self.read(t + v.constant)) for t in (v.start, v.end))

    def read(self, t: Term) -> sp.Expr:
        return symbolic(t, self._other)

    def _other(self, t: Term) -> sp.Expr:
        if t[0] == "E":
            return self.read(t[1])
        if t[0] == "EI":
            return self._named(self.sums, t[1])
        if t[:2] == ("f", "log"):
            return sp.log(self.read(t[2]))
        if t[:2] == ("f", "exp"):
            return self._named(self.powers, sp.cancel(self.read(t[2]) / self.horizon))
        raise ProofError("a part of the claim that no bound on a step explains")

    @staticmethod
    def _named(table: dict[sp.Dummy, sp.Expr], value: sp.Expr) -> sp.Dummy:
        for symbol, other in table.items():
            if other == value:
                return symbol
        symbol = sp.Dummy()
        table[symbol] = value
        return symbol

    def step(self) -> str | None:
        if len(self.sums) + len(self.powers) != 1:
            return None
        word, (symbol,) = "change" if self.setting.steps else "LV", (*self.sums, *self.powers)
        ends = {sp.Symbol(p.end[1]): 0 for p in self.setting.potentials.values()}
        starts = [sp.Symbol(p.start[1]) for p in self.setting.potentials.values()]
        fixed = {self.horizon, *starts, *ends}
        if self.powers:
            speed = self.powers[symbol]
            rate = sp.factor(1 - speed.args[0] if isinstance(speed, sp.log) else -speed)
            floor = sp.factor((self.slack + self.end).subs(ends).coeff(symbol, 0))
            constant = floor.free_symbols.isdisjoint(fixed)
            return f"{word} <= -({written(rate)})*V + {written(sp.factor(rate * floor))}" if constant else None
        part, weight = next((s for s in starts if self.start.has(s)), None), -self.slack.coeff(symbol, 1)
        if weight == 0:
            return None
        least = sp.expand((self.slack + weight * symbol) / weight)
        share = sp.factor(least.coeff(part, 1) / self.start.coeff(part, 1)) if part is not None else sp.S.Zero
        growth = sp.factor((least - share * self.start) / (self.horizon * share)) if share != 0 else sp.S.Zero
        if share == 0 or not {*share.free_symbols, *growth.free_symbols}.isdisjoint(fixed):
            return None
        measure = term_text(self.setting, self.sums[symbol])
        return f"{word} <= -({written(sp.factor(1 / share))})*({measure}) + {written(growth)}"
