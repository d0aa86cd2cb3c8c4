"""Potentials that are known by how they change: descent, telescope, decay, summable and, over steps, summation.

Where time is steps all of them are proved: from the tower property, and from what the context declares of a potential and its
step. In continuous time it is a premise what Ito's formula says of the state, for all functions of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sdescent.derive.proof.kernel.calculus import endpoints
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.normal import added
from sdescent.derive.proof.language.terms import Relation, Term, fn, norm, substitute, under, x
from sdescent.derive.proof.rocq.as_written import as_written, written_equal
from sdescent.derive.proof.rocq.notation import UNIT, ZERO
from sdescent.derive.proof.rocq.operators import EXPECTATION, absolute, function_of, number_of_steps, summed, time_mean
from sdescent.derive.proof.rocq.processes import drift_of
from sdescent.derive.proof.rocq.script import Given, RocqStep, Script, abstracted

#: rules about weighted sums of potentials
WEIGHTED = ("telescope", "decay", "summable")
_CONDITIONAL = "has_cond__ cond__"


@dataclass(frozen=True)
class Weighted:
    """W = sum of w_n V_n and what is known of it.

    Args:
        whole, change, end, start: the sums of w_n times V_n, its change, its value at the horizon and at 0.
        lemmas: how the names of the lemmas begin, and their first arguments.
        proof: that W is a function of the state with these.
    """

    whole: Term
    change: Term
    end: Term
    start: Term
    lemmas: Callable[[str], str]
    proof: str


def weighted(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """E(end), the start and what W has lost on the way, from how W changes."""
    d, terms = step.data, script.terms
    kernel, discrete = Kernel(terms.context), terms.context.steps
    pairs = [(terms.normal(w), name) for w, name in d["potentials"]]
    w = _in_steps(script, pairs) if discrete else _in_time(script, pairs)
    k, b, a, floor, y = (terms.normal(d.get(p, ZERO)) for p in ("rate", "offset", "growth", "floor", "drop"))
    below = terms.term(added([terms.polynomial(w.whole), terms.polynomial(-given[0][0].slack)]))
    needs = {
        "telescope": [below.le(w.whole)],
        "decay": [below.le(w.whole), w.change.le(-k * w.whole + b), ZERO.lt(k), *([k.lt(UNIT)] if discrete else [])],
        "summable": [ZERO.le(w.whole), w.change.le(a * w.whole + floor - y), *(ZERO.le(t) for t in (a, floor, y))],
    }[step.rule]
    known = [script.bridge(*g, r) for g, r in zip(given, needs, strict=True)]
    numbers = {"telescope": (), "decay": ("rate", "offset"), "summable": ("growth", "floor", "drop")}[step.rule]
    rule: Callable[..., Fact] = getattr(kernel, step.rule)
    rule(
        d["potentials"], *(d[part] for part in numbers), _facts(script, kernel, needs)
    )  # raises what its side conditions say
    last = f"(proj1 {summed(script, 'E', w.end)})"
    lower = f"{script.show(below)} {'_ ' * (step.rule == 'telescope')}"
    path = abstracted("wt", known[0])
    if step.rule == "telescope":
        found = (under("E", w.end) - w.start).le(under("EI", w.change))
        # in continuous time the absolute value must be integrable; of finitely many steps each is
        sums = f"(has__own {summed(script, 'EI', w.change)}){'' if discrete else f' {absolute(script, w.change)}'}"
        proof = f"{w.lemmas('telescope')} {w.proof} {last} {lower}{path} {sums}"
    elif step.rule == "decay":
        horizon = x(str(terms.context.horizon))
        left = fn("exp", horizon * fn("log", 1 - k) if discrete else -k * horizon)
        found = under("E", w.end).le(w.start * left + b * (1 / k) * (1 - left))
        means = "" if discrete else f"{script.fact(*EXPECTATION)} {time_mean(script)} "
        rates = f"{script.show(k)} {script.show(b)} {f'_ {number_of_steps(script)} ' if discrete else ''}"
        signs = " ".join([path, *known[2:], abstracted("wt", known[1])])
        proof = f"{w.lemmas('decay')} {w.proof} {last} {means}{lower}{rates}{signs}"
    else:
        left = under("E", w.end) + under("EI", y)
        found = left.le(fn("exp", under("I", a)) * (w.start + under("I", floor)))
        functions = (
            f"{function_of(script, 'I', a)} {function_of(script, 'I', floor)} {function_of(script, 'EI', y)} _ _ _"
        )
        rises, *signed = known[1:]
        shown = [("wt", known[0]), *zip(("t", "t", "wt"), signed, strict=True), ("wt", rises)]
        signs = " ".join(abstracted(v, p) for v, p in shown)
        sums = f"(has__own {summed(script, 'I', a)}) (has__own {summed(script, 'I', floor)}) (has__own {summed(script, 'EI', y)})"
        general = "" if discrete else f"{_discounted(script)} "
        proof = f"{w.lemmas('summable')} {w.proof} {last} {functions} {general}{signs} {sums}"
    return found, as_written(script, found, f"({proof})", back=True)


def _facts(script: Script, kernel: Kernel, relations: list[Relation]) -> list[Fact]:
    """The relations as facts of the kernel, in terms that it knows."""
    terms = script.terms
    plain = [Relation((r.op, *(terms.term(terms.polynomial(t)) for t in r[1:]))) for r in relations]
    return [kernel.assume(r) for r in plain]


def _total(
    script: Script, pairs: list[tuple[Term, str]], kind: str, first: str, premise: Callable[[Script, str], str],
    lemmas: Callable[[str], str],
) -> Weighted:  # fmt: skip
    """The sum, proved by the lemmas about 0 and about w_n V_n + .., which take `first` first, from the premise about each V_n."""
    whole = change = end = start = ZERO
    proof, premises = f"({kind}__0 {first})", [premise(script, name) for _, name in pairs]
    for (weight, name), of_one in reversed(list(zip(pairs, premises, strict=True))):
        entry = script.terms.context.potentials[name]
        whole, change = weight * x(name) + whole, weight * x(entry["change"]) + change
        end, start = weight * x(entry["end"]) + end, weight * x(entry["start"]) + start
        proof = f"({kind}__lin {first} {script.show(weight)} {of_one} {proof})"
    return Weighted(whole, change, end, start, lemmas, proof)


# Steps


def _in_steps(script: Script, pairs: list[tuple[Term, str]]) -> Weighted:
    given = _given(script)
    tower = script.fact(
        f"tower__ integrable E count__ measurable__ {_CONDITIONAL}",
        "the tower property: E of E(f | F_n) is E f for measurable f that are integrable, or bounded below with E(f | F_n) at most"
        " something integrable",
    )

    def lemma(name: str) -> str:
        return f"steps__{name} {tower} {script.fact(*EXPECTATION)}"

    return _total(script, pairs, "moving", f"{given} {tower}", _moving, lemma)


def _given(script: Script) -> str:
    """The premise about E(. | F_n)."""
    script.variables_once(
        "Variables (measurable__ : (W -> R) -> Prop) (has_cond__ : W -> Time -> (W -> R) -> Prop)"
        " (cond__ : W -> Time -> (W -> R) -> R)."
    )
    words = (
        "cond__ w n f = E(f | F_n) at w, for f with has_cond__ w n f, is linear and monotone in f, and 1 for f = 1, for all w and n"
        " (a regular conditional probability)"
    )
    return script.fact(f"given__ {_CONDITIONAL}", words)


def _moving(script: Script, name: str) -> str:
    """The premise that a potential is a function of the state with this change."""
    names, entry = script.terms.identifiers, script.terms.context.potentials[name]
    path, v, change, end, start = (
        f"path__{name}",
        *(names[n] for n in (name, entry["change"], entry["end"], entry["start"])),
    )
    script.variables_once(f"Variable {path} : nat -> W -> R.")
    return script.declared(
        f"moving__ measurable__ {_CONDITIONAL} {path} {v} {change} {end} {start}",
        f"{v} is {path} n, known at the step n, with E({path} (n + 1) | F_n) - {path} n = {change}, {end} its value at the horizon"
        f" and {start} its value at 0",
    )


def descent(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """The descent lemma, proved for the function and taken on average over the step."""
    terms, kernel, name = script.terms, Kernel(script.terms.context), step.data["potential"]
    entry = terms.context.potentials[name]
    t0, t1, square, c = (terms.normal(t) for t in (*entry["smoothness"], entry["square"], step.data["reach"]))
    radius = None if entry["radius"] is None else terms.normal(entry["radius"])
    needs = [] if radius is None else [ZERO.le(t1), (t1 * radius).le(c)]
    known = [script.bridge(*g, r) for g, r in zip(given, needs, strict=True)]
    kernel.descent(name, step.data["reach"], _facts(script, kernel, needs))  # raises what its side conditions say
    gradient = ("v", entry["gradient"])
    mean, equal, slope = drift_of(script, gradient, entry["mean"])
    start = f"{_given(script)} {_moving(script, name)} {_stepping(script, name, mean, (t0, t1, square))}"
    if radius is None:
        proof = f"(descent__everywhere coords {start} w t {script.show(c)} (same__ 0) (same__ 0))"
    else:
        bound = _within(script, name, radius)
        proof = f"(descent__rule coords {start} (fun w t => {script.show(radius)}) w t {script.show(c)} {bound} {' '.join(known)})"
    bend = (t0 + t1 * norm(gradient)) * square * fn("psi", c)
    found = x(entry["change"]).le(slope + bend)
    return found, f"(between__le {proof} (same__ _) (cong__add {equal} {written_equal(script, bend)}))"


def _stepping(script: Script, name: str, mean: str, terms: tuple[Term, Term, Term]) -> str:
    """The premise that a potential is a C^2 function of a point with this step."""
    gradient = script.terms.identifiers[script.terms.context.potentials[name]["gradient"]]
    point, value, slope, second = (f"{part}__{name}" for part in ("point", "value", "slope", "second"))
    script.variables_once(
        f"Variables ({point} : nat -> W -> J -> R) ({value} : (J -> R) -> R) ({slope} : (J -> R) -> J -> R)"
        f" ({second} : (J -> R) -> J -> J -> R)."
    )
    t0, t1, square = (script.show(t) for t in terms)
    function = f"{point} {value} {slope} {second} path__{name} {gradient} {t0} {t1}"
    return script.declared(
        f"stepping__ coords {_CONDITIONAL} {function} (fun w t j => {mean}) (fun w t => {square})",
        f"path__{name} n = {value} ({point} n), C^2 with |hess| at most t0 + t1 |grad| everywhere, t0 = {t0}, t1 = {t1},"
        f" {gradient} its gradient there, and D = {point} (n + 1) - {point} n has E(D | F_n) = {mean} and E(|D|^2 | F_n) at most"
        f" {square}",
    )


def _within(script: Script, name: str, radius: Term) -> str:
    """The premise that bounds the step."""
    text = script.show(radius)
    return script.declared(
        f"radius__ coords {_CONDITIONAL} point__{name} (fun w t => {text})",
        f"|point__{name} (n + 1) - point__{name} n| is at most {text} almost surely, given what is known at n",
    )


def summation(script: Script, step: RocqStep, _premises: list[Given]) -> Given:
    """I(P(t + 1) - P(t)) = P(T) - P(0): the symbol of kind clock is the number of the step."""
    terms, kernel, clock, whole = script.terms, Kernel(script.terms.context), step.data["time"], step.data["primitive"]
    kernel.summation(clock, whole)  # raises what its side conditions say
    [((atom, _),)] = terms.polynomial(x(clock))
    text = terms.show(whole, lambda a: "x__" if a == atom else terms.atom_text(a), as_written=True)
    first, last = endpoints(whole, clock, str(terms.context.horizon))
    found = under("I", substitute(whole, clock, x(clock) + 1) - whole).eq(last - first)
    return found, as_written(script, found, f"(summation__ {number_of_steps(script)} (fun x__ => {text}))", back=True)


# Continuous time


def _in_time(script: Script, pairs: list[tuple[Term, str]]) -> Weighted:
    horizon = script.horizon_is_positive()
    script.variables_once(
        "Variables (State__ : Type) (state__ : W -> Time -> State__) (origin__ : State__) (domain__ : (State__ -> R) -> Prop)"
        " (generator__ : (State__ -> R) -> W -> Time -> R)."
    )
    dynkin = script.fact(
        f"dynkin__ {_flow(script)}",
        "Ito's formula as an inequality (weak existence, localisation, Fatou) for state__, which begins at origin__, and all"
        " functions V in domain__, C^2 ones, that are bounded below on it: generator__ V w t is the generator's value, linear in V",
    )

    def lemma(name: str) -> str:
        return f"flow__{name} {horizon}{'' if name == 'summable' else f' {dynkin}'}"

    return _total(script, pairs, "flow", f"{horizon} {dynkin}", _changing, lemma)


def _flow(script: Script) -> str:
    return f"{script.horizon_is_positive()} integrable E integrable_t Int state__ origin__ domain__ generator__"


def _discounted(script: Script) -> str:
    return script.fact(
        f"discounted__ {_flow(script)}",
        "the same with the weight exp(- the integral of a from 0 to t), for V at least 0 with LV at most a V + b - y, where a, b, y"
        " are at least 0",
    )


def _changing(script: Script, name: str) -> str:
    """The premise that a potential is a function of the state whose generator's value is its change."""
    names, entry = script.terms.identifiers, script.terms.context.potentials[name]
    script.variables_once(f"Variable value__{name} : State__ -> R.")
    v, change, end, start = (names[n] for n in (name, entry["change"], entry["end"], entry["start"]))
    state = f"{script.horizon_is_positive()} state__ origin__ domain__ generator__ value__{name}"
    return script.declared(
        f"flow__ {state} {v} {change} {end} {start}",
        f"{v} is value__{name} of state__, in domain__, {change} the generator's value, {end} its value at the horizon and {start}"
        " that at origin__",
    )
