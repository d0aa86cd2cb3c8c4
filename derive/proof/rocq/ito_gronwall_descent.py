"""Processes and time in Rocq: conclusions of ito, gronwall, telescope, decay, summable, primitives and the descent lemma."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sdescent.derive.proof.kernel.ito_gronwall_descent import ONE, ONES
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language import terms as language
from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.normal import added
from sdescent.derive.proof.language.terms import Relation, Term, contains, dot, fn, norm, num, plus, trprod, under, x
from sdescent.derive.proof.rocq import operators
from sdescent.derive.proof.rocq.as_written import as_written, positive_semidefinite, written_equal
from sdescent.derive.proof.rocq.equalities import derived
from sdescent.derive.proof.rocq.notation import UNIT, ZERO, ExportError
from sdescent.derive.proof.rocq.operators import EXPECTATION, absolute, function_of, number_of_steps, summed, time_mean
from sdescent.derive.proof.rocq.outcomes import CONDITIONAL, CONDITIONAL_MEAN, TOWER
from sdescent.derive.proof.rocq.script import Proved, RocqStep, Script, abstracted

HALF = num("1/2")
#: rules about weighted sums of potentials
WEIGHTED = ("telescope", "decay", "summable")


def process(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """Ito's E(end) - start <= EI(LV), or Gronwall's E(end) <= start exp(-k T) + c/k (1 - exp(-k T)), from the step's premises."""
    d, terms = step.data, script.terms
    name, kernel = d["potential"], Kernel(terms.context)
    entry = terms.context.potentials[name]
    generator, bound = _generator(entry), len(entry["diffusion"])
    low = _below(script, premises[bound][0], x(name))
    needs = [*(ZERO.le(a) for a, _ in entry["diffusion"]), low.le(x(name))]
    k, c = d.get("rate", ZERO), d.get("offset", ZERO)
    if step.rule == "gronwall":
        needs += [generator.le(-k * x(name) + c), ZERO.lt(k)]
    proofs = [script.bridge(*g, r) for g, r in zip(premises, needs, strict=True)]
    facts = [kernel.assume(r) for r in needs]
    process_facts, covariance, equal = _diffusion(script, name, proofs)
    lower = script.show(low)
    bounded = f"{covariance} {abstracted('wt', proofs[bound])} {operators.integrable(script, 'E', x(entry['end']))}"
    if step.rule == "ito":
        claim = kernel.ito(name, facts).claim
        mean = f"{script.show(under('EI', generator))} {function_of(script, 'EI', generator)}"
        sums = f"{summed(script, 'EI', generator)} {absolute(script, generator)}"
        return claim, f"(ito__rule {process_facts} {lower} {mean} {bounded} {sums} {abstracted('wt', equal)})"
    kernel.gronwall(name, k, c, facts)  # raises if a side condition fails
    below = f"(between__le {proofs[-2]} (sym__ {equal}) (sym__ {written_equal(script, needs[-2].right)}))"
    means = f"{script.fact(*EXPECTATION)} {time_mean(script)}"
    sides = f"{as_written(script, ZERO.lt(k), proofs[-1])} {abstracted('wt', below)}"
    written = " ".join(script.show(t, as_written=True) for t in (k, c))
    axes, horizon, *others = process_facts.split(" ", 2)
    proof = f"(gronwall__rule {axes} {horizon} {means} {others[0]} {lower} {written} {bounded} {sides})"
    decay = fn("exp", -k * x(str(terms.context.horizon)))
    claim = under("E", x(entry["end"])).le(x(entry["start"]) * decay + c * (1 / k) * (1 - decay))
    return claim, as_written(script, claim, proof, back=True)


def _below(script: Script, bound: Relation, whole: Term) -> Term:
    """The lower bound c from c <= W, however the terms are split between the sides: W minus the relation's slack."""
    terms = script.terms
    return terms.term(added([terms.polynomial(whole), terms.polynomial(-bound.slack)]))


def _generator(entry: Mapping[str, Any]) -> Term:
    """The generator LV as the kernel writes it."""
    gradient, hessian = ("v", entry["gradient"]), ("m", entry["hessian"])
    spread = (HALF * a * trprod(hessian, k) for a, k in entry["diffusion"])
    return plus(*(a * dot(gradient, v) for a, v in entry["drift"]), *spread)


def _diffusion(script: Script, name: str, signs: list[str]) -> tuple[str, str, str]:
    """Three proofs about the process behind a potential V.

    Proofs that Ito's formula holds for the process and that V matches its declaration; a proof that A is positive semidefinite,
    for all w and t; and a proof of b'grad V + Tr(A hess V)/2 = LV, for bound w and t. `signs` begins with proofs that the
    covariance's coefficients are nonnegative.
    """
    terms = script.terms
    entry, vector = terms.context.potentials[name], terms.vector
    gradient, hessian = ("v", entry["gradient"]), ("m", entry["hessian"])
    h = vector(hessian)
    b, b_equal, b_total = drift_of(script, gradient, entry["drift"])
    m, m_equal, m_total, m_psd = "0", f"(trprod__0 axes {h})", ZERO, "psd__0"
    for n, (coefficient, k) in reversed(list(enumerate(entry["diffusion"]))):
        a, form = script.show(coefficient), trprod(hessian, k)
        rest = f"(fun i j => {m})"
        m_equal = f"(noise__lin axes {a} _ _ {h} {vector(k)} {rest} {written_equal(script, form)} {m_equal})"
        m_psd = f"(psd__lin {a} {vector(k)} {rest} {signs[n]} {positive_semidefinite(script, k)} {m_psd})"
        m, m_total = f"({a} * {vector(k)} i j + {m})", coefficient * form + m_total
    total = b_total + HALF * m_total
    equal = f"(cong__add {b_equal} (cong__mul (same__ {script.show(HALF)}) {m_equal}))"
    facts = _process_premises(script, name, f"(fun w t j => {b})", f"(fun w t i j => {m})")
    return facts, abstracted("wt", m_psd), f"(trans__ {equal} {script.identity(total, _generator(entry))})"


def drift_of(script: Script, gradient: Any, combination: Any) -> tuple[str, str, Term]:
    """The coordinate j of b = sum of a_n v_n; a proof, for bound w and t, of gradient'b = sum of a_n gradient'v_n; that sum."""
    vector, g = script.terms.vector, script.terms.vector(gradient)
    b, equal, total = "0", f"(drift__0 axes {g})", ZERO
    for coefficient, v in reversed(combination):
        a, form = script.show(coefficient), dot(gradient, v)
        equal = f"(drift__lin axes {a} _ _ {g} {vector(v)} (fun j => {b}) {written_equal(script, form)} {equal})"
        b, total = f"({a} * {vector(v)} j + {b})", coefficient * form + total
    return b, equal, total


def _process_premises(script: Script, name: str, drift: str, covariance: str) -> str:
    """The premises of Ito's formula for dX = b dt + L dW, L L' = A, and of the potential as a function of X with derivatives."""
    names, entry = script.terms.identifiers, script.terms.context.potentials[name]
    horizon = script.horizon_is_positive()
    state, first, value, slope, second = (f"{part}__{name}" for part in ("state", "first", "value", "slope", "second"))
    real = "(Axis -> R)"
    script.variables_once(
        f"Variables ({state} : W -> Time -> Axis -> R) ({first} : Axis -> R) ({value} : {real} -> R)"
        f" ({slope} : {real} -> Axis -> R) ({second} : {real} -> Axis -> Axis -> R)."
    )
    means = "integrable E integrable_t Int"
    ito = script.fact(
        f"ito__ axes {horizon} {means} {state} {drift} {covariance} {first}",
        f"Ito's formula as an inequality (weak existence, localisation, Fatou), for all C^2 functions bounded below of {state},"
        f" dX = b dt + L dW with L L' = A, b = {drift[1:-1]}, A = {covariance[1:-1]}",
    )
    objects = " ".join(names[entry[part]] for part in ("gradient", "hessian", "end", "start"))
    potential = script.declared(
        f"potential__ axes {horizon} {state} {first} {value} {slope} {second} {names[name]} {objects}",
        f"{names[name]} is a C^2 function of {state} with this gradient and Hessian, {names[entry['end']]} its value at the horizon"
        f" and {names[entry['start']]} its value at 0",
    )
    return f"axes {horizon} {ito} {potential}"


@dataclass(frozen=True)
class Weighted:
    """A weighted sum W = sum of w_n V_n and the known facts about it."""

    #: whole, change, end, start: the sums of w_n times V_n, its change, its value at the horizon and its value at 0
    whole: Term
    change: Term
    end: Term
    start: Term
    lemmas: Callable[[str], str]  # gives the beginning of a lemma's application: its name and first arguments
    proof: str  # a proof that W is a function of the state with this change, end and start


def weighted(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """The bound that relates E(end), the start and the changes of W along the path, by telescope, decay or summable."""
    d, terms = step.data, script.terms
    kernel, discrete = Kernel(terms.context), terms.context.steps
    pairs = d["potentials"]
    total = _weighted_sum_in_steps if discrete else _weighted_sum_in_time
    w = total(script, pairs)
    k, b, a, floor, y = (terms.normal(d.get(p, ZERO)) for p in ("rate", "offset", "growth", "floor", "drop"))
    below = _below(script, premises[0][0], w.whole)
    bounded = below.le(w.whole)
    if step.rule == "summable" and terms.polynomial(below):
        w = total(script, pairs, below)  # W - c, which is at least 0
    needs = {
        "telescope": [bounded],
        "decay": [bounded, w.change.le(-k * w.whole + b), ZERO.lt(k), *([k.lt(UNIT)] if discrete else [])],
        "summable": [ZERO.le(w.whole), w.change.le(a * w.whole + floor - y), *(ZERO.le(t) for t in (a, floor, y))],
    }[step.rule]
    proofs = [script.bridge(*g, r) for g, r in zip(premises, needs, strict=True)]
    numbers = {"telescope": (), "decay": ("rate", "offset"), "summable": ("growth", "floor", "drop")}[step.rule]
    rule: Callable[..., Fact] = getattr(kernel, step.rule)
    # raises if a side condition fails
    rule(d["potentials"], *(d[part] for part in numbers), assumed(script, kernel, [bounded, *needs[1:]]))
    last = f"(proj1 {summed(script, 'E', w.end)})"
    lower = f"{script.show(below)} {'_ ' * (step.rule == 'telescope')}"
    path = abstracted("wt", proofs[0])
    if step.rule == "telescope":
        claim = (under("E", w.end) - w.start).le(under("EI", w.change))
        # in continuous time the absolute value must be integrable; over finitely many steps each term is
        sums = f"(has__own {summed(script, 'EI', w.change)}){'' if discrete else f' {absolute(script, w.change)}'}"
        proof = f"{w.lemmas('telescope')} {w.proof} {last} {lower}{path} {sums}"
    elif step.rule == "decay":
        horizon = x(str(terms.context.horizon))
        factor = fn("exp", horizon * fn("log", 1 - k) if discrete else -k * horizon)
        claim = under("E", w.end).le(w.start * factor + b * (1 / k) * (1 - factor))
        means = "" if discrete else f"{script.fact(*EXPECTATION)} {time_mean(script)} "
        rates = f"{script.show(k)} {script.show(b)} {f'_ {number_of_steps(script)} ' if discrete else ''}"
        signs = " ".join([path, *proofs[2:], abstracted("wt", proofs[1])])
        proof = f"{w.lemmas('decay')} {w.proof} {last} {means}{lower}{rates}{signs}"
    else:
        factor = under("E", w.end) + under("EI", y)
        claim = factor.le(fn("exp", under("I", a)) * (w.start + under("I", floor)))
        parts = (("I", a), ("I", floor), ("EI", y))
        functions = " ".join(function_of(script, operator, t) for operator, t in parts)
        rises, *signed = proofs[1:]
        bindings = [("wt", proofs[0]), *zip(("t", "t", "wt"), signed, strict=True), ("wt", rises)]
        signs = " ".join(abstracted(v, p) for v, p in bindings)
        sums = " ".join(f"(has__own {summed(script, operator, t)})" for operator, t in parts)
        words = (
            "the same with the weight exp(- the integral of a from 0 to t), for V at least 0 with LV at most a V + b - y, where a,"
            " b, y are at least 0"
        )
        general = "" if discrete else f"{script.fact(f'discounted__ {_flow(script)}', words)} "
        proof = f"{w.lemmas('summable')} {w.proof} {last} {functions} _ _ _ {general}{signs} {sums}"
    return claim, as_written(script, claim, f"({proof})", back=True)


def assumed(script: Script, kernel: Kernel, relations: list[Relation]) -> list[Fact]:
    """The relations as facts of the kernel, in terms that the kernel knows."""
    terms = script.terms
    plain = [Relation((r.op, *(terms.term(terms.polynomial(t)) for t in r[1:]))) for r in relations]
    return [kernel.assume(r) for r in plain]


def _total(
    script: Script, pairs: list[tuple[Term, str]], kind: str, first: str, premise: Callable[[Script, str], str],
    lemmas: Callable[[str], str], less: Term,
) -> Weighted:  # fmt: skip
    """The weighted sum minus the constant `less`, from the premise for each V_n and lemmas whose first argument is `first`."""
    whole = change = end = start = ZERO
    proof, one = f"({kind}__0 {first})", f"({kind}__one {first})"
    premises = [one if name == ONE else premise(script, name) for _, name in pairs]
    if script.terms.polynomial(less):
        whole = end = start = -less * UNIT + ZERO
        change = -less * ZERO + ZERO
        proof = f"({kind}__lin {first} {script.show(-less)} {one} {proof})"
    context = script.terms.context
    clock = next((n for n, sort in context.symbols.items() if sort == "clock"), "")
    for (weight, name), of_one in reversed(list(zip(pairs, premises, strict=True))):
        entry = context.potentials.get(name, {})
        symbols = [x(name), *(x(entry[part]) for part in ("end", "start", "change"))] if entry else ONES
        value, last, begin, moved = symbols
        if not contains(weight, clock):
            weight, whole = script.terms.normal(weight), script.terms.normal(weight) * value + whole
            end, start, change = weight * last + end, weight * begin + start, weight * moved + change
            proof = f"({kind}__lin {first} {script.show(weight)} {of_one} {proof})"
            continue
        if any(part[0] == "/" and contains(part[2], clock) for part in parts(weight)):
            raise ExportError(f"the weight of {name} divides by a function of the number of steps")
        at_0, at_end, later = (
            language.substitute(weight, clock, t) for t in (num(0), x(str(context.horizon)), x(clock) + 1)
        )
        whole, end, start = weight * value + whole, at_end * last + end, at_0 * begin + start
        change = later * (value + moved) + num(-1) * (weight * value) + change
        function = f"(fun x__ => {of_clock(script, clock, weight)})"
        proof = f"({kind}__weighted {first} {number_of_steps(script)} {function} {of_one} {proof})"
    return Weighted(whole, change, end, start, lemmas, proof)


def _names(script: Script, name: str) -> list[str]:
    """The names in the file of a potential, its change, and its values at the horizon and at 0."""
    entry = script.terms.context.potentials[name]
    return [script.terms.identifiers[n] for n in (name, entry["change"], entry["end"], entry["start"])]


def _weighted_sum_in_steps(script: Script, pairs: list[tuple[Term, str]], less: Term = ZERO) -> Weighted:
    conditional = conditional_mean(script)
    tower = script.fact(
        TOWER,
        "the tower property: E[E(f | F_n)] = E f for every measurable f that is integrable, or that is bounded below and has"
        " E(f | F_n) at most an integrable function",
    )

    def lemma(name: str) -> str:
        return f"steps__{name} {tower} {script.fact(*EXPECTATION)}"

    return _total(script, pairs, "moving", f"{conditional} {tower}", moving, lemma, less)


def conditional_mean(script: Script) -> str:
    """The premise about the conditional expectation E(. | F_n)."""
    script.variables_once(script.outcomes.conditional)
    words = (
        "cond__ w n f = E(f | F_n) at w, for f with has_cond__ w n f, is linear and monotone in f, and 1 for f = 1, for all w and n"
        " (a regular conditional probability)"
    )
    return script.fact(CONDITIONAL_MEAN, words)


def moving(script: Script, name: str) -> str:
    """The premise that a potential is a function of the state with the declared change."""
    path, (v, change, end, start) = f"path__{name}", _names(script, name)
    script.variables_once(f"Variable {path} : nat -> W -> R.")
    return script.declared(
        f"moving__ measurable__ {CONDITIONAL} {path} {v} {change} {end} {start}",
        f"{v} is {path} n, known at the step n, with E({path} (n + 1) | F_n) - {path} n = {change}, {end} its value at the horizon"
        f" and {start} its value at 0",
    )


def _weighted_sum_in_time(script: Script, pairs: list[tuple[Term, str]], less: Term = ZERO) -> Weighted:
    horizon = script.horizon_is_positive()
    script.variables_once(
        "Variables (State__ : Type) (state__ : W -> Time -> State__) (origin__ : State__) (domain__ : (State__ -> R) -> Prop)"
        " (generator__ : (State__ -> R) -> W -> Time -> R)."
    )
    dynkin = script.fact(
        f"dynkin__ {_flow(script)}",
        "Ito's formula as an inequality (weak existence, localisation, Fatou) for a(t) V, a at least 0 and C^1, along state__,"
        " which begins at origin__, for every C^2 function V in domain__ that is bounded below along it: generator__ V w t is"
        " the value of the generator, linear in V",
    )

    def lemma(name: str) -> str:
        return f"flow__{name} {horizon}{'' if name == 'summable' else f' {dynkin}'}"

    return _total(script, pairs, "flow", f"{horizon} {dynkin}", _changing, lemma, less)


def _flow(script: Script) -> str:
    return f"{script.horizon_is_positive()} integrable E integrable_t Int state__ origin__ domain__ generator__"


def _changing(script: Script, name: str) -> str:
    """The premise that a potential is a function of the state and that the generator applied to it gives its change."""
    script.variables_once(f"Variable value__{name} : State__ -> R.")
    v, change, end, start = _names(script, name)
    state = f"{script.horizon_is_positive()} state__ origin__ domain__ generator__ value__{name}"
    return script.declared(
        f"flow__ {state} {v} {change} {end} {start}",
        f"{v} is value__{name} of state__, in domain__, {change} the generator's value, {end} its value at the horizon and {start}"
        " that at origin__",
    )


def primitive(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """The conclusion I(u) = P(T) - P(0) with P' = u; the symbol of kind clock is the time itself."""
    d, terms = step.data, script.terms
    clock, whole, integrand = d["time"], d["primitive"], d["integrand"]
    kernel = Kernel(terms.context)
    # raises if a side condition fails
    claim = kernel.primitive(clock, whole, integrand, [kernel.assume(r) for r, _ in premises]).claim
    [((atom, _),)] = terms.polynomial(x(clock))

    def text(t: Term) -> str:
        return terms.show(t, lambda a: "x__" if a == atom else terms.atom_text(a), as_written=True)

    def written_proof(*forms: Relation) -> str:
        """A proof, at the time t, of the first relation as written, from a premise that states one of the relations."""
        keys = [terms.key(r) for r in forms]
        claim, proof = next(g for g in premises if terms.key(g[0]) in keys)
        return as_written(script, forms[0], script.bridge(claim, proof, forms[0]))

    def nonzero(t: Term) -> str:
        return written_proof(Relation(("!=", t, ZERO)), ZERO.lt(t), t.lt(ZERO))

    def positive(t: Term) -> str:
        return written_proof(ZERO.lt(t))

    def derivative(t: Term) -> tuple[Term, str]:
        slope, proof = derived(text, t, clock, nonzero, positive)
        return slope, proof.replace("y__", script.show(x(clock)))

    slope, proof = derivative(whole)
    same = as_written(script, slope.eq(integrand), script.bridge(*premises[0], slope.eq(integrand)))
    functions = f"(fun x__ => {text(whole)}) (fun x__ => {text(integrand)})"
    rises = f"(fun t => d__same (fun x__ => {text(whole)}) {script.show(x(clock))} _ _ {same} {proof})"
    _, smooth = derivative(integrand)
    words = "on functions continuous on [0, T] Int is the integral of Riemann"
    riemann = f"{script.fact('riemann__ integrable_t Int', words)} {script.horizon_is_positive()}"
    proof = f"(fundamental__ {riemann} {functions} {rises} (fun t => continuous__ {smooth}))"
    return claim, as_written(script, claim, proof, back=True)


def of_clock(script: Script, clock: str, t: Term, as_written: bool = False) -> str:
    """A term as the body of a function of x__, the number of the step."""
    [((atom, _),)] = script.terms.polynomial(x(clock))
    return script.terms.show(t, lambda a: "x__" if a == atom else script.terms.atom_text(a), as_written)


def summation(script: Script, step: RocqStep, _premises: list[Proved]) -> Proved:
    """The conclusion I(P(t + 1) - P(t)) = P(T) - P(0); the symbol of kind clock is the number of the step."""
    kernel, clock, whole = Kernel(script.terms.context), step.data["time"], step.data["primitive"]
    claim = kernel.summation(clock, whole).claim  # raises if a side condition fails
    text = of_clock(script, clock, whole, as_written=True)
    return claim, as_written(script, claim, f"(summation__ {number_of_steps(script)} (fun x__ => {text}))", back=True)


def descent(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """The descent lemma, proved for the function and averaged over the step."""
    terms, kernel, name = script.terms, Kernel(script.terms.context), step.data["potential"]
    entry = terms.context.potentials[name]
    t0, t1, square, c = (terms.normal(t) for t in (*entry["smoothness"], entry["square"], step.data["reach"]))
    radius = None if entry["radius"] is None else terms.normal(entry["radius"])
    needs = [] if radius is None else [ZERO.le(t1), (t1 * radius).le(c)]
    proofs = [script.bridge(*g, r) for g, r in zip(premises, needs, strict=True)]
    kernel.descent(name, step.data["reach"], assumed(script, kernel, needs))  # raises if a side condition fails
    gradient = ("v", entry["gradient"])
    mean, equal, slope = drift_of(script, gradient, entry["mean"])
    start = f"{conditional_mean(script)} {moving(script, name)} {_stepping(script, name, mean, (t0, t1, square))}"
    if radius is None:
        proof = f"(descent__everywhere axes {start} w t {script.show(c)} (same__ 0) (same__ 0))"
    else:
        length = script.show(radius)
        bound = script.declared(
            f"radius__ axes {CONDITIONAL} point__{name} (fun w t => {length})",
            f"|point__{name} (n + 1) - point__{name} n| is at most {length} almost surely, given what is known at n",
        )
        proof = f"(descent__rule axes {start} (fun w t => {length}) w t {script.show(c)} {bound} {' '.join(proofs)})"
    bend = (t0 + t1 * norm(gradient)) * square * fn("psi", c)
    claim = x(entry["change"]).le(slope + bend)
    return claim, f"(between__le {proof} (same__ _) (cong__add {equal} {written_equal(script, bend)}))"


def _stepping(script: Script, name: str, mean: str, terms: tuple[Term, Term, Term]) -> str:
    """The premise that the potential is a C^2 function of a point that moves by this step."""
    gradient = script.terms.identifiers[script.terms.context.potentials[name]["gradient"]]
    point, value, slope, second = (f"{part}__{name}" for part in ("point", "value", "slope", "second"))
    script.variables_once(
        f"Variables ({point} : nat -> W -> Axis -> R) ({value} : (Axis -> R) -> R) ({slope} : (Axis -> R) -> Axis -> R)"
        f" ({second} : (Axis -> R) -> Axis -> Axis -> R)."
    )
    t0, t1, square = (script.show(t) for t in terms)
    function = f"{point} {value} {slope} {second} path__{name} {gradient} {t0} {t1}"
    return script.declared(
        f"stepping__ axes {CONDITIONAL} {function} (fun w t j => {mean}) (fun w t => {square})",
        f"path__{name} n = {value} ({point} n), C^2 with |hess| at most t0 + t1 |grad| everywhere, t0 = {t0}, t1 = {t1},"
        f" {gradient} its gradient there, and D = {point} (n + 1) - {point} n has E(D | F_n) = {mean} and E(|D|^2 | F_n) at most"
        f" {square}",
    )
