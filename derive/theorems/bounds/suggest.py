"""The search for a bound: candidates V, and for each V the decay, step condition and floor that the moments imply.

A polynomial U in the state bounds the change of V (descent lemma or generator, `sdescent.derive.theorems.bounds.proving`). The
negative monomials of U are the decay. Monomials with the same or a higher power of the decaying quantity go into the step
condition. Monomials with a lower, positive power are split by Young's inequality with a constant kap, and the rest is the floor. A
theorem is offered only if it is PROVED (`sdescent.derive.theorems.bounds.answer`), with a refutation of a slightly larger decay or
smaller floor if one is found.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import sympy as sp
from sympy.polys.polyerrors import BasePolynomialError

from sdescent.derive.proof.language.clock import OutOfTime, now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term, fn, num
from sdescent.derive.theorems.bounds.answer import Answer, decide
from sdescent.derive.theorems.bounds.kernel_context import Setting, vector_words
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import symbolic, written
from sdescent.derive.theorems.bounds.language.hypotheses import far
from sdescent.derive.theorems.bounds.language.letters import CLOCK, is_sign
from sdescent.derive.theorems.bounds.lyapunov_candidates import LOSS, Letters, determined, families
from sdescent.derive.theorems.bounds.proving import Bound
from sdescent.derive.theorems.bounds.rates.best_rate import rates_of
from sdescent.derive.theorems.bounds.rates.from_bound import GAP, G, rates_from
from sdescent.derive.theorems.bounds.rates.implied_steps import with_step
from sdescent.derive.theorems.bounds.rates.potentials import best_potential
from sdescent.derive.theorems.bounds.rates.weights import searches
from sdescent.derive.theorems.bounds.refuting import Beyond, refuted, satisfying
from sdescent.derive.theorems.bounds.stated import NO_TIME, Stated
from sdescent.derive.theorems.entry.theorem import Derivation
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.verdicts import Verdict

#: the relative increase of a decay, or reduction of a floor, with which to refute beyond what is proved
BEYOND = sp.Rational(1, 16)


@dataclass(frozen=True)
class Suggestion:
    """A theorem that the search proved.

    Args:
        table: the theorem as a table, which `sdescent.derive.theorems.bounds.stated.Stated` reads.
        answer: the answer with its proof.
        condition: the step condition, "" if there is none.
        decay, floor: the decay and the floor of V in a step, as text.
        beyond: attempts to refute a larger decay and a smaller floor.
    """

    table: Mapping[str, Any]
    answer: Answer
    condition: str
    decay: str
    floor: str
    beyond: tuple[Beyond, ...] = ()


@dataclass
class SearchResult:
    """The result of a search: the theorems in order of discovery, and why each failed attempt ended."""

    suggestions: list[Suggestion] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


def suggest(table: Mapping[str, Any], seconds: float = 60.0, tried: bool = True) -> SearchResult:
    """Bounds for a method under assumptions.

    Args:
        table: a theorem file without a claim; V may be omitted.
        seconds: an approximate limit, by `sdescent.derive.proof.language.clock`.
        tried: whether to try to refute slightly more than is proved.

    Raises:
        BadInput, Refusal: as `Stated` raises them.
    """
    stop, result = now() + seconds, SearchResult()
    for offer in _at_numbers(table, min(stop, now() + seconds / 2)):
        _prove(offer, result, stop, tried)
    for value in _fixed(table):
        for offer in _interpolated(table, value, min(stop, now() + seconds / 4)):
            _prove(offer, result, stop, tried)
    for value, assumed in _family(table):
        if now() > stop:
            result.ended.append(f"V = {value}: not tried within the time limit")
            continue
        try:
            offered = list(_offers(table, value, assumed))
        except _NO_OFFER as error:
            result.ended.append(f"V = {value}: {error}")
            continue
        if not offered:
            result.ended.append(f"V = {value}: nothing in the bound on its change decays")
        for offer in offered:
            _prove(offer, result, stop, tried)
    with suppress(*_NO_OFFER):
        _weighted(table, result, stop, tried)
    return result


def _weighted(table: Mapping[str, Any], result: SearchResult, stop: float, tried: bool) -> None:
    """For each quantity that may fall, the first potential with weights in symbols that is proved."""
    proved = set[str]()
    for name, offered in searches(table, stop - now()) if "V" not in table else ():
        offers = (_offer(table, each.value, name, each.decay, each.floor) for each in offered)
        if name not in proved and any(_prove(offer, result, stop, tried) for offer in offers):
            proved.add(name)


#: errors that end an attempt; psi of a function of the state, for example, is not a polynomial
_NO_OFFER = (OutOfTime, ProofError, Refusal, BadInput, BasePolynomialError)
NO_STEP = 'no bound on a step that the search finds implies the claim at the horizon: state it, step = "change <= .."'


def answered(stated: Stated, seconds: float = 60.0, repair: bool = True) -> Answer:
    """The answer of `decide`, after a search for the bound on a step if the file has none, and with other bounds that are proved.

    Raises:
        BadInput, Refusal: as `Stated` raises them.
    """
    stop = now() + seconds
    if stated.step is None:
        stated = with_step(stated, _offered_steps(stated), stop)
    answer = decide(stated, max(1.0, stop - now()) * (0.7 if repair else 1.0), repair)
    if stated.step is None and answer.status == Verdict.UNDECIDED:
        answer = replace(answer, reason=NO_STEP)
    if answer.status == Verdict.PROVED or not repair or now() > stop:
        return answer
    return replace(answer, instead=tuple(suggest(stated.table, max(1.0, stop - now()), tried=False).suggestions))


def _offered_steps(stated: Stated) -> Iterator[str]:
    """Bounds on a step that the search offers for the V and the assumptions of a theorem."""
    conclude = "gronwall" if stated.conclude == "gronwall" else "telescope"
    with suppress(*_NO_OFFER):
        offers = _offers(stated.table, str(stated.table["V"]))
        yield from [offer.table["claim"] for offer in offers if offer.table["conclude"] == conclude]


def _family(table: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The candidates V, each with the assumptions on its free constants."""
    if "V" in table:
        return [(str(table["V"]), [])]
    stated = _placeholder(table, "f - fstar")
    memory = [letter for letter, _ in stated.method.rule.memory]
    letters = _letters(table, stated)
    tried = families(memory, stated.hypotheses.smoothness is not None, stated.hypotheses.minimiser, letters)
    return [(v, letters.assumed(v)) for v in tried]


def _letters(table: Mapping[str, Any], stated: Stated) -> Letters:
    """Letters that occur neither in the assumptions nor in the method."""
    words = {w for text in table.get("assume", ()) for w in re.findall(r"[A-Za-z]\w*", str(text))}
    return Letters.besides({*words, *stated.method.rule.letters, *(name for name, _ in stated.method.constants)})


def _placeholder(table: Mapping[str, Any], value: str) -> Stated:
    left = "change" if table.get("model", "method") == "method" else "LV"
    return Stated({**table, "V": value, "claim": f"{left} <= 0", "conclude": "none"})


@dataclass(frozen=True)
class _Offer:
    table: dict[str, Any]
    condition: str
    decay: sp.Expr
    unit: sp.Expr
    floor: sp.Expr
    interpolate: bool = False


def _prove(offer: _Offer, result: SearchResult, stop: float, tried: bool) -> bool:
    """Whether an offer is proved, which then joins the result."""
    if any(s.table["V"] == offer.table["V"] and s.table["claim"] == offer.table["claim"] for s in result.suggestions):
        return True
    try:
        stated = Stated(offer.table, interpolate=offer.interpolate)
        answer = decide(stated, max(1.0, min(15.0, stop - now())), repair=False)
    except (BadInput, Refusal, ProofError) as error:
        result.ended.append(f"V = {offer.table['V']}: {error}")
        return False
    if answer.status != Verdict.PROVED:
        step = answer.failed[0] if answer.failed else ""
        no_proof = f"no proof of the step '{step}' was found" if step else ""
        failed = "no time was left for its proof" if step == NO_TIME else no_proof
        result.ended.append(
            f"V = {offer.table['V']}, {offer.table['claim']}: {failed or answer.reason or answer.status}"
        )
        return False
    trials = [(f"{1 + BEYOND} times the decay", offer.decay * (1 + BEYOND), offer.floor)] if offer.decay != 0 else []
    if offer.floor != 0:
        trials += [(f"{1 - BEYOND} times the floor", offer.decay, offer.floor * (1 - BEYOND))]
    beyond = []
    for (change, decay, floor), where in product(trials, [(), *_far(stated)] if tried else []):
        if now() < stop:
            claim = _claim(offer.table, decay, offer.unit, floor)
            other = Stated({**offer.table, "claim": claim, "assume": [*offer.table["assume"], *where]})
            beyond.append(Beyond(change, where, refuted(other.setting, other.claim, 1.0)))
    decay, floor = written(offer.decay * offer.unit), written(offer.floor)
    result.suggestions.append(Suggestion(offer.table, answer, offer.condition, decay, floor, tuple(beyond)))
    last = _of_the_last_iterate(offer, stated)
    if last is not None and all(s.table["claim"] != last.table["claim"] for s in result.suggestions):
        _prove(last, result, stop, tried)
    return True


def _of_the_last_iterate(offer: _Offer, stated: Stated) -> _Offer | None:
    """V + n r (f - f*), which does not grow if V falls by r (f - f*) and f falls: then r K E(f_K - f*) <= V_0."""
    method, falls = stated.method, offer.unit == GAP and offer.floor == 0 and stated.about == "method"
    if not falls or method.rule.memory or method.schedule.factor != 1 or stated.setting.timed:
        return None
    value = f"{offer.table['V']} + {written(offer.decay * sp.Symbol(CLOCK))}*({LOSS})"
    table = {**offer.table, "V": value, "claim": "change <= 0"}
    return _Offer(table, offer.condition, sp.S.Zero, sp.S.One, sp.S.Zero)


def _far(stated: Stated) -> list[tuple[str, ...]]:
    """Further assumptions for refutations: L >= 100 mu, and eta L >= 1/2 if the assumptions allow it; none without L and mu.

    Without such assumptions a refutation may be about the corner mu = L or about tiny steps only.
    """
    if (places := far(stated.hypotheses)) is None:
        return []
    allowed = satisfying(Stated({**stated.table, "assume": [*stated.table["assume"], *places]}).setting)
    return [places if allowed else places[:1]]


# --- from the bound on the change to offers


def _offers(table: Mapping[str, Any], value: str, free: Sequence[str] = ()) -> Iterator[_Offer]:
    """The offers for one V, with the assumptions `free` on its free constants."""
    stated = _placeholder({**table, "assume": [*table.get("assume", []), *free]}, value)
    bound = Bound(Derivation(stated.entry(with_point=False)), stated.setting, seconds=5.0)
    upper, _ = bound.upper(stated.weighted, None)
    expression = _eliminated(_expression(upper, stated.setting), stated.setting)
    letters = _letters(table, stated)
    fitted = determined(expression, value, stated.method.fractions, letters)
    for decay, unit, floor, asked in rates_from(fitted, stated, letters):
        decided = {c: _decided(c) for c in asked}
        if False in decided.values():
            continue
        conditions = [*free, *fitted.conditions, *(c for c in asked if not decided[c])]
        yield _offer(table, fitted.value, unit, decay, floor, conditions)


def _fixed(table: Mapping[str, Any]) -> list[str]:
    """The functions V without constants of the search: the file's own, or simple functions of x for a rule without memory."""
    if "V" in table:
        return [str(table["V"])]
    stated = _placeholder(table, "f - fstar")
    if stated.method.rule.memory or not stated.may_interpolate:
        return []
    return ["f - fstar", *(["||x - xstar||^2"] if stated.hypotheses.minimiser else [])]


def _at_numbers(table: Mapping[str, Any], stop: float) -> Iterator[_Offer]:
    """The potential with the best rate, if the file has numbers for all constants and no V."""
    try:
        best = None if "V" in table or table.get("model", "method") != "method" else best_potential(table, stop - now())
    except _NO_OFFER:  # a constant without a number, for example
        return
    if best is not None:
        offer = _offer(table, best.value, "V", sp.Rational(str(1 - best.rate)), sp.S.Zero)
        yield replace(offer, table={**offer.table, "conclude": "none"}, interpolate=True)


def _interpolated(table: Mapping[str, Any], value: str, stop: float) -> Iterator[_Offer]:
    """The best rate for a V by interpolation: as a factor of V, or else as a decrease by G^2 or f - f*."""
    try:
        rates = rates_of(replace(_placeholder(table, value), interpolate=True), stop - now())
    except _NO_OFFER:
        return
    for name, rate in rates.items():
        yield replace(_offer(table, value, name, rate.decay, rate.floor, rate.conditions), interpolate=True)


def _offer(
    table: Mapping[str, Any], value: str, unit: Any, decay: sp.Expr, floor: sp.Expr, conditions: Sequence[str] = ()
) -> _Offer:
    """The offer of a bound with the assumptions of a table and further conditions."""
    unit = {"V": sp.Symbol("V"), "f - f*": GAP, "G^2": G**2}.get(unit, unit)
    whole = {**table, "V": value, "assume": [*table.get("assume", []), *conditions]}
    whole["claim"] = _claim(whole, decay, unit, floor)
    whole["conclude"] = "gronwall" if unit == sp.Symbol("V") else "telescope"
    return _Offer(whole, "; ".join(conditions), decay, unit, floor)


def _claim(table: Mapping[str, Any], decay: sp.Expr, unit: sp.Expr, floor: sp.Expr) -> str:
    left = "change" if table.get("model", "method") == "method" else "LV"
    rate = f"({written(decay)})" if sp.Add in (type(decay), type(sp.factor_terms(decay))) else written(decay)
    falls = written(unit) if decay == 1 else f"{rate}*{written(unit)}"
    return f"{left} <= -{falls}" + (f" + {written(floor)}" if floor != 0 else "")


def _expression(t: Term, setting: Setting) -> sp.Expr:
    """A term of the setting as an expression in the letters of a file."""
    names = vector_words(setting)

    def letter(t: Term) -> sp.Expr:
        if t == nm.Q:
            return sp.Symbol("Q")
        if t == fn("psi", num(0)):
            return sp.S.Half
        if t[0] == "f":
            return (sp.sqrt if t[1] == "sqrt" else sp.Function(t[1]))(symbolic(t[2], letter))
        if t[0] not in ("norm", "dot") or any(v[0] != "v" for v in t[1:]):
            raise ProofError(f"{t[0]} has no letter in a file")
        v, w = sorted((t[1][1], t[-1][1]), key=lambda v: (v != nm.GRADIENT, v != nm.DISTANCE, v))
        if v != w:
            return sp.Symbol(f"<{names[v]}, {names[w]}>")
        length = G if v == nm.GRADIENT else sp.Symbol(f"||{names[v]}||")
        return length**2 if t[0] == "dot" else length

    return symbolic(t, letter)


def _eliminated(e: sp.Expr, setting: Setting) -> sp.Expr:
    """The bound on the change after substitution of the bounds on Q and on the noise."""
    if is_sign(setting.method):  # Q <= d - ||b||^2 and ||b||^2 <= d
        mean = sp.Symbol("||b||")
        e = sp.expand(sp.expand(e).subs(sp.Symbol("Q"), sp.Symbol("d") - mean**2))
        sample = {s: sp.Integer(2) for s in e.free_symbols}
        of_psi = {p: sp.S.Half for p in e.atoms(sp.Function("psi"))}
        # only a choice of the bound: the proof decides
        grows = sp.expand(e.coeff(mean, 2)).xreplace(of_psi).subs(sample).is_positive
        return sp.expand(e.subs(mean, sp.sqrt(sp.Symbol("d")) if grows else 0))
    stated = [*setting.definitions.values(), *setting.assumptions.values()]
    bounds = {r.left: r.right for r in reversed(stated) if r.op in ("==", "<=")}
    for symbol, name in ((nm.Q, "Q"), (nm.NOISE, nm.NOISE[1])):
        if symbol in bounds:
            e = e.subs(sp.Symbol(name), _expression(bounds[symbol], setting))
    return sp.expand(e)


def _decided(condition: str) -> bool | None:
    """Whether a condition between numbers holds; None if it has letters."""
    return None if re.search("[A-Za-z]", condition) else bool(sp.sympify(condition.replace("^", "**")))
