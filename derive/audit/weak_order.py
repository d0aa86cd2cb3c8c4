"""The audit of an SDE stated for an update rule: whether it agrees with the derived SDE to a weak order, or where it differs.

A stated drift and covariance are compared with b_2 + s b_3 + .. and C_2 + s C_3 + .. of
`sdescent.derive.equations.rule_drift_and_covariance`, where s is the root of the time of a step. An error of
order s^0 or s^1 spoils weak order 1, and one of order s^2 or s^3 spoils weak order 2.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import sympy as sp

from sdescent.derive.audit.counterexample import Example, example
from sdescent.derive.audit.differences import LAST, Comparison
from sdescent.derive.audit.differing_terms import Entry, Term
from sdescent.derive.audit.referee import Letter
from sdescent.derive.audit.stated_equation import LAG, Pair, StatedEquation, near_x, read_equation
from sdescent.derive.equations.rule_drift_and_covariance import derived_rule
from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.step.increments import Expanded
from sdescent.derive.expressions.coordinates import Coordinate, g, symbols_of
from sdescent.derive.expressions.written import formula, refusal
from sdescent.derive.methods.distributed import Method, symbols_of_noise
from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.proof.piecewise.equality import Condition, Undecided
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import N, d, eta, t
from sdescent.derive.vocabulary.verdicts import Verdict

AGREES, DIFFERS, NO_SDE, UNDECIDED = Verdict.AGREES, Verdict.DIFFERS, Verdict.NO_SDE, Verdict.UNDECIDED
_MODELS: Mapping[int, Model] = {1: "first-order", 2: "second-order"}
SMALL_NOISE = (
    "the limit is an ODE, so weak order 1 does not see this covariance, which is of the order of the step; but it determines the "
    "fluctuations and the stationary law, and the conventional first-order model keeps it"
)
ROOT = "a root stands where the covariance, its square, belongs"
SQUARE = "the square of the covariance stands where the covariance belongs"
AVERAGED = "in this regime the memory forgets within O(1) steps and is averaged out: the state is x alone"


@final
@dataclass(frozen=True)
class Audit:
    """The verdict on a stated equation, and its grounds.

    Args:
        method, loss, dim: the method, loss and dimension for which the equation was stated.
        stated: the equation as stated.
        verdict: "AGREES", "DIFFERS", "NO SDE" or "UNDECIDED".
        terms: the terms in which it differs.
        equation: the derived equation with which it was compared, or None.
        reason: why there is no derived equation, or what is undecided, even for one entry of an equation that DIFFERS; else "".
        kind: the kind of the refusal, or "".
        marked: the reason, with formulas between dollar signs.
        beyond: a sentence for each entry with terms too small for the claimed order; these terms are not judged.
        allowed: for each entry that the first-order model leaves out, a sentence on whether the stated equation has it.
        alone: whether the equation was judged for one client, since no number of clients was given and N does not occur in it.
        piece: the piece on which equality is undecided, by the signs of the arguments of kinks; () for everywhere or nowhere.
    """

    method: Method
    loss: Loss | None
    dim: int | None
    stated: StatedEquation
    verdict: Verdict
    terms: tuple[Term, ...] = ()
    equation: RuleEquation | None = None
    reason: str = ""
    kind: str = ""
    marked: str = ""
    beyond: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    alone: bool = False
    piece: tuple[Condition, ...] = ()

    @property
    def order(self) -> int:
        """The weak order that is claimed."""
        return self.stated.order

    @property
    def holds(self) -> int | None:
        """The weak order of the stated equation, at most the claimed one; None if it is not known."""
        if self.verdict in (NO_SDE, UNDECIDED):
            return None
        return min([self.order, *(term.matters - 1 for term in self.terms)])

    @property
    def test_functions(self) -> str:
        """The variables of the test functions for the weak order, in words."""
        letters = () if self.equation is None else self.equation.letters[1:]
        if self.equation is not None and not letters and len(self.method.rule.letters) > 1:
            return "x alone"
        return "x" if not letters else "x and the memory " + ", ".join(letters)

    @property
    def meant_for(self) -> str:
        """The assumptions of the derivation on the loss, the state and the clients, or ""."""
        local = self.equation is not None and self.equation.local and self.dim != 1
        caveat = "" if self.equation is None else self.equation.caveat(formula)
        caveats = {
            "losses that are sums over coordinates": local,
            f"smooth coefficients, but {caveat}": bool(caveat),
            "g near 0 in the covariance, up to O(g^2)": self.equation is not None and bool(self.equation.ranges),
            "one client: the stated equation does not name N": self.alone,
        }
        return "; ".join(text for text, holds in caveats.items() if holds)

    @cached_property
    def on_x_alone(self) -> int | None:
        """The weak order on test functions of x alone, a weaker claim, if it exceeds `holds`; else None.

        Letters on which x does not depend, directly or through other letters, cannot spoil this order.
        """
        if self.equation is None or not self.terms:
            return None
        near = near_x(self.equation, self.stated)
        order = min([self.order, *(term.matters - 1 for term in self.terms if set(term.entry.letters) <= near)])
        return order if order > (self.holds or 0) else None

    @cached_property
    def example(self) -> Example | None:
        """The smallest example in which a term shows, with weak errors of one step; None if no example tried shows a term."""
        if self.equation is None or not self.terms:
            return None
        # an entry that the first-order model leaves out is measured with its own value
        entries = {term.entry.letters for term in self.terms if not term.entry.drift}
        values = {e.letters: e.term for e in self.equation.left_out if e.letters in entries and e.term is not None}
        equation = replace(self.equation, covariance={**self.equation.covariance, **values})
        return example(self.method, self.loss, self.dim, self.stated, equation, self.terms)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The parameters of the stated equation that neither the rule nor its regime has: misprints, or signs of another regime."""
        method, noise = self.method, symbols_of_noise(self.method.noise)
        listed = [eta, N, d, t, *(value for _, value in method.constants), *noise, *vars(method.compressor).values()]
        names = {s.name for s in listed if isinstance(s, sp.Symbol)} | {f"{s.name}0" for s in noise}
        if self.equation is not None:
            names |= {s.name for s in symbols_of([*self.equation.drift.values(), *self.equation.covariance.values()])}
        if self.loss is not None and self.dim is not None:
            names |= set(self.loss.parameters(self.dim))
        stated = {s.name for s in symbols_of(self.stated.expressions) if not isinstance(s, Coordinate) and s != LAG}
        return tuple(sorted(stated - names))

    def _entry(self, entry: Entry) -> tuple[sp.Expr, sp.Expr]:
        """The whole entry as stated and as derived; for an entry that the first-order model leaves out, the omitted term."""
        equation = self.equation
        key: Any = entry.letters
        assert equation is not None  # for the type checker: there are terms
        if entry.drift:
            return self.stated.drift[key[0]], equation.drift.get(key[0], sp.S.Zero)
        stated, true = (e.pair if entry.apart else e.covariance for e in (self.stated, equation))
        left_out = {one.letters: one.term for one in equation.left_out}.get(key) or sp.S.Zero
        return stated.get(key, sp.S.Zero), true.get(key, left_out)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the command `audit`."""
        return {
            "verdict": self.verdict,
            "order": self.order,
            "holds": self.holds,
            "test_functions": self.test_functions,
            "meant_for": self.meant_for,
            "x_alone": self.on_x_alone,
            "regime": self.method.regime.as_given(),
            "time": self.method.regime.time,
            "terms": [term.to_dict(*self._entry(term.entry)) for term in self.terms],
            "example": None if self.example is None else self.example.to_dict(),
            "reason": self.reason,
            "refused": self.kind or None,
            "beyond": list(self.beyond),
            "left_out": list(self.allowed),
            "unknown": list(self.unknown),
            "latex": self.latex(),
            "conditions": [] if self.equation is None else [str(c) for c in self.equation.conditions],
            "derived": None if self.equation is None else self.equation.written(formula),
        }

    def latex(self, macros: Mapping[str, str] | None = None) -> str:
        """The paragraph for a referee's letter; `macros` maps symbol names to the user's own commands."""
        letter = Letter(self.method, self.order, self.test_functions, macros)
        if self.verdict == NO_SDE:
            return letter.refused(self.marked, self.kind)
        if self.verdict == UNDECIDED:
            return letter.undecided(self.marked or self.reason)
        if self.verdict == AGREES:
            return letter.agrees(() if self.equation is None else self.equation.conditions)
        return letter.differs(self.terms, self.holds or 0, self.example)


def audit(
    method: Method,
    drift: Mapping[str, object],
    covariance: Mapping[str, object] | None = None,
    *,
    diffusion: Mapping[str, object] | None = None,
    pair: Mapping[str, object] | None = None,
    order: int = 1,
    where: Mapping[str, object] | None = None,
    values: Mapping[str, sp.Expr] | None = None,
    loss: Loss | None = None,
    dim: int | None = None,
    clients_given: bool = False,
) -> Audit:
    """Compare a stated equation of a method with the derived one.

    Args:
        method: the update rule, in its regime.
        drift, covariance, diffusion, pair, order, where, values: the equation, as in
            `sdescent.derive.audit.stated_equation.read_equation`.
        loss, dim: the loss for which the equation is stated, and its dimension; without a loss it is stated for every loss.
        clients_given: whether N clients are meant if the method has the symbol N but the equation does not contain it; otherwise
            one client is assumed.

    Raises:
        BadInput: a formula that cannot be read, a letter without a drift, or a loss without a dimension.

    Example:
        >>> import sdescent as sd
        >>> method = sd.Method(noise=sd.noise.Gaussian(), memory={"m": 0}, update=["m = beta*m + (1-beta)*G", "x = x - eta*m"],
        ...                        regime={"beta": "1 - rho*eta"})
        >>> found = sd.audit(method, {"x": "-m", "m": "rho*(g - m)"}, {"m m": "eta*rho*sigma^2"})
        >>> found.verdict, [(term.where, str(term.factor)) for term in found.terms]
        ('DIFFERS', [('covariance m m', '1/rho')])
    """
    if loss is not None and dim is None:
        raise BadInput("dim", None, "a dimension, since a loss is given")
    more: dict[str, Any] = {"diffusion": diffusion, "pair": pair, "where": where, "values": values}
    stated = read_equation(method, drift, covariance, order=order, **more)
    alone = method.clients == N and not clients_given and not any(e.has(N) for e in stated.expressions)
    result = Audit(replace(method, clients=1) if alone else method, loss, dim, stated, UNDECIDED, alone=alone)
    scales = [s for s in map(sp.sympify, method.noise.scales) if s != 0 and not s.is_Symbol]
    if NOISE in method.regime.rules and scales and result.unknown:
        accepted = f"a symbol such as sigma, or numbers for {', '.join(result.unknown)}"
        reason = "the regime makes the noise large, so sigma is sigma0 times a power of eta"
        raise BadInput("noise", ", ".join(map(str, scales)), f"{accepted}: {reason}")
    try:
        return _judged(result)
    except Refusal as refusal:
        verdict = UNDECIDED if refusal.beyond else NO_SDE
        return replace(result, verdict=verdict, reason=refusal.message, kind=refusal.kind, marked=refusal.marked)
    except Undecided as error:
        return replace(result, reason=error.said(formula), piece=error.piece)
    except (NoClosedForm, ArithmeticError) as error:
        return replace(result, reason=str(error))


def _judged(question: Audit) -> Audit:
    method, stated, loss, dim = question.method, question.stated, question.loss, question.dim
    last, missing = (1 if stated.order == 1 else LAST), ""
    try:
        equation = derived_rule(method, _MODELS[stated.order], loss, dim).closed()
    except NoClosedForm as error:
        if stated.order == 1:
            raise
        equation, last, missing = derived_rule(method, "first-order", loss, dim).closed(), 1, str(error)
    if equation.skewed is not None:
        letters, moment = equation.skewed
        term = formula(moment)
        skewed = f"skewed: the third moment of {letters}, {term}, leaves a third derivative"
        why = f"the noise of a step is of the order of the root of its time and {skewed}"
        raise Refusal("no-first-order-sde", f"{why}, so no SDE can have a weak order above 1/2", term)
    for c in equation.conditions:
        if c.of_order and c.met is False:
            message = f"{c.purpose} needs the moment of order {{order}} of the noise, which has tail index {{tail}}"
            raise refusal(f"no-{equation.model}-sde", message, str(c), order=c.right, tail=c.left)
    for letter in equation.letters:
        if letter not in stated.drift:
            accepted = "a formula for each letter of the state: " + ", ".join(equation.letters)
            raise BadInput("drift", f"nothing for {letter}", accepted)
    derived = [*equation.drift.values(), *equation.covariance.values()]
    comparison = Comparison(Expanded(method), loss, dim, equation.local, equation.conditions, derived)
    entries = _Entries(comparison, equation, stated)
    terms: list[Term] = []
    undecided: NoClosedForm | ArithmeticError | None = None
    for entry in entries.terms(last):
        try:
            terms.extend(_remarked(term, entries) for term in entry)
        except (NoClosedForm, ArithmeticError) as error:
            undecided = error
    try:
        for partial in () if terms or undecided else stated.partial:
            comparison.has_value(partial)
    except (NoClosedForm, ArithmeticError) as error:
        undecided = error
    if missing and not terms:
        reason = f"the equation agrees to weak order 1; for weak order 2 no closed form is known: {missing}"
        return replace(question, equation=equation, reason=reason)
    verdict = DIFFERS if terms else AGREES if undecided is None else UNDECIDED
    piece = undecided.piece if isinstance(undecided, Undecided) else ()
    reason = undecided.said(formula) if isinstance(undecided, Undecided) else str(undecided or "")
    return replace(
        question, verdict=verdict, terms=tuple(terms), equation=equation, reason=reason, piece=piece,
        beyond=tuple(entries.beyond(last, bool(terms))),
        allowed=tuple(entries.allowed()),
    )  # fmt: skip


class _Entries:
    """The entries of the stated and the derived equation, side by side."""

    def __init__(self, comparison: Comparison, equation: RuleEquation, stated: StatedEquation) -> None:
        self.comparison, self.equation, self.stated = comparison, equation, stated
        #: whether the covariance is that of the conventional first-order model, whose limit is an ODE
        self.conventional = equation.model == "first-order" and self._silent
        self.left_out = {entry.letters: entry for entry in equation.left_out}

    @cached_property
    def _silent(self) -> bool:
        entries = [*self.equation.covariance.values(), *self.equation.pair.values()]
        series = [self.comparison.powers(e) for e in entries if e != 0]
        return all(self.comparison.same(s[n], sp.S.Zero) for s in series for n in range(min(s.low, 0), 2))

    def terms(self, last: int) -> Iterator[Iterator[Term]]:
        """The terms in which the two equations differ, entry by entry."""
        equation, stated, letters = self.equation, self.stated, set(self.equation.letters)
        for letter, e in stated.drift.items():
            if letter in letters:
                yield self.comparison.terms(Entry((letter,)), e, equation.drift[letter], last)
            else:
                yield iter([Term(Entry((letter,)), e, sp.S.Zero, 1, "extra", None, 0, AVERAGED)])
        most = 2 if self.conventional else last
        # a sum over signs has the form stated in papers only at g = 0
        at = {g: sp.S.Zero} if equation.ranges else {}
        for key in dict.fromkeys([*equation.covariance, *stated.covariance]):
            e = stated.covariance.get(key, sp.S.Zero).xreplace(at)
            if set(key) <= letters:
                yield self._covariance_terms(key, e, at, most)
            elif e != 0:
                yield iter([Term(Entry(key), e, sp.S.Zero, 1, "extra", None, 0, AVERAGED)])
        if self.comparison.dim == 1:
            return
        for key in dict.fromkeys([*equation.pair, *stated.pair]):
            if key[0] != key[1] and key not in stated.pair and (key[1], key[0]) in stated.pair:
                continue  # the other order of the same entry was stated
            one, two = stated.pair.get(key, sp.S.Zero), equation.pair.get(key, sp.S.Zero)
            yield self.comparison.terms(Entry(key, apart=True), one, two, most)

    def _covariance_terms(
        self, key: Pair, claimed: sp.Expr, at: Mapping[sp.Expr, sp.Expr], most: int
    ) -> Iterator[Term]:
        """The differing terms of a covariance entry; an entry that is the root or the square of the derived one is one term."""
        entry, derived = Entry(key), self._derived(key, claimed).xreplace(at)
        terms = list(self.comparison.terms(entry, claimed, derived, most))
        if terms and claimed != 0 and derived != 0:
            for one, two, remark in ((claimed**2, derived, ROOT), (claimed, derived**2, SQUARE)):
                if self.comparison.surely(one, two):
                    first = min(terms, key=lambda term: term.power)
                    yield replace(first, claimed=claimed, derived=derived, kind="differs", factor=None, remark=remark)
                    return
        yield from terms

    def _derived(self, key: Pair, claimed: sp.Expr) -> sp.Expr:
        """The derived entry; for an entry that the first-order model leaves out, the omitted term only if the claim has it too.

        Raises NoClosedForm if the omitted term exists but was not computed.
        """
        left_out = self.left_out.get(key)
        if left_out is None or claimed == 0:
            return self.equation.covariance.get(key, sp.S.Zero)
        infinite = left_out.condition is not None and left_out.condition.met is False
        if left_out.term is None and not infinite:
            raise NoClosedForm(f"the {left_out.where}, which the first-order model leaves out, was not computed")
        return sp.S.Zero if left_out.term is None else left_out.term

    def allowed(self) -> Iterator[str]:
        """The entries that the first-order model leaves out, and whether the stated equation keeps them."""
        for key, entry in self.left_out.items():
            value = "" if entry.term is None else f" = {formula(entry.term)}"
            how = "kept" if self.stated.covariance.get(key, sp.S.Zero) != 0 else "left out"
            yield f"{entry.where}{value}: {how}; it needs the moment of order {entry.needs} of the noise"

    def _after(self, e: sp.Expr, end: int) -> sp.Expr:
        """The terms of an entry beyond the power `end` of the root of the step, in eta."""
        series = self.comparison.powers(e)
        stop = LAST + 1 if series.last is None else min(series.last, LAST + 1)
        after = [n for n in range(end + 1, stop + 1) if not self.comparison.surely(series[n], sp.S.Zero)]
        return sp.Add(*[self.comparison.in_eta(series[n], n) for n in after])

    def beyond(self, last: int, differ: bool) -> Iterator[str]:
        """A sentence for each entry of the claim with terms beyond the last power that is judged.

        If the equations were found to `differ`, an entry without an expansion does not affect the verdict.
        """
        entries = {Entry((a,)): (e, last) for a, e in self.stated.drift.items() if a in self.equation.letters}
        most = 2 if self.conventional else last
        entries |= {Entry(key): (e, most) for key, e in self.stated.covariance.items()}
        for entry, (e, end) in entries.items():
            try:
                smaller = self._after(e, end)
            except (NoClosedForm, ArithmeticError):
                if not differ:
                    raise
                continue
            if smaller != 0:
                yield f"{entry}: {formula(smaller)}, which is so small that weak order {self.stated.order} does not depend on it"


def _remarked(term: Term, entries: _Entries) -> Term:
    """The term with a remark on the likely mistake."""
    covariance, stated = not term.entry.drift, entries.stated.covariance
    first, last = term.entry.letters[0], term.entry.letters[-1]
    remarks = {
        term.remark: bool(term.remark),
        SMALL_NOISE: covariance and entries.conventional and term.power == 2,
        "the noise is missing here": covariance and term.claimed == 0 and stated.get((first, last), sp.S.Zero) == 0,
        "the sign is wrong": term.factor == -1,
    }
    return replace(term, remark="; ".join(text for text, applies in remarks.items() if applies))
